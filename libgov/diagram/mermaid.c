/* Mermaid's stateDiagram-v2. */
#include "diagram/inner.h"

#include <string.h>

/* Text in a label: what Mermaid would take for its own becomes an entity of its. */
static void put(base_buf *b, const char *s)
{
    for (; *s != '\0'; s++) {
        if (strchr("#;:\"{}<>|%`", *s) != NULL)
            base_buf_fmt(b, "#%d;", *s);
        else if (*s == '\n' || *s == '\r')
            base_buf_char(b, ' ');
        else
            base_buf_char(b, *s);
    }
}

/* A path as an identifier: "s12_closed_resolved". The number keeps apart what could be confused. */
static void put_id(const diagram_job *g, base_buf *b, uint32_t state)
{
    const char *path = chart_path(g->c, state);
    base_buf_fmt(b, "s%u_", (unsigned)state);
    for (; *path != '\0'; path++)
        base_buf_char(b, *path == '.' ? '_' : *path);
}

static void indent(base_buf *b, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        base_buf_str(b, "    ");
}

static void put_title(const diagram_job *g, base_buf *b, uint32_t state)
{
    const char *title = diagram_state_title(g, state), *name = chart_name(g->c, state);
    put(b, title);
    if (strcmp(title, name) != 0) {
        base_buf_str(b, " (");
        put(b, name);
        base_buf_char(b, ')');
    }
}

static void put_inside(diagram_job *g, uint32_t state, unsigned depth)
{
    base_buf *b = g->out;
    const diagram_inside in = diagram_say_inside(g, state);
    if (in.count == 0)
        return;
    indent(b, depth);
    base_buf_str(b, "note right of ");
    put_id(g, b, state);
    base_buf_char(b, '\n');
    for (uint32_t i = 0; i < in.count; i++) {
        indent(b, depth + 1);
        put(b, in.lead[i]);
        put(b, diagram_say_line(g, &in.items[i]));
        base_buf_char(b, '\n');
    }
    indent(b, depth);
    base_buf_str(b, "end note\n");
}

static void put_title_inside(diagram_job *g, uint32_t state)
{
    const diagram_inside in = diagram_say_inside(g, state);
    for (uint32_t i = 0; i < in.count; i++) {
        base_buf_str(g->out, " · ");
        put(g->out, in.lead[i]);
        put(g->out, diagram_say_line(g, &in.items[i]));
    }
}

static void put_arrow(diagram_job *g, uint32_t from, uint32_t to, const char *label, unsigned depth)
{
    base_buf *b = g->out;
    indent(b, depth);
    if (from == DIAGRAM_NONE)
        base_buf_str(b, "[*]");
    else
        put_id(g, b, from);
    base_buf_str(b, " --> ");
    if (to == DIAGRAM_NONE)
        base_buf_str(b, "[*]");
    else
        put_id(g, b, to);
    if (label != NULL && label[0] != '\0') {
        base_buf_str(b, " : ");
        put(b, label);
    }
    base_buf_char(b, '\n');
}

static void put_states(diagram_job *g, uint32_t parent, unsigned depth);

static void put_state(diagram_job *g, uint32_t s, unsigned depth)
{
    base_buf *b = g->out;
    const chart_kind kind = chart_kind_of(g->c, s);
    indent(b, depth);
    if (kind == CHART_SHALLOW || kind == CHART_DEEP) {
        base_buf_str(b, "state \"");
        base_buf_str(b, kind == CHART_DEEP ? "H*" : "H");
        base_buf_str(b, "\" as ");
        put_id(g, b, s);
        base_buf_char(b, '\n');
        return;
    }
    base_buf_str(b, "state \"");
    put_title(g, b, s);
    if (kind == CHART_COMPOUND || kind == CHART_PARALLEL)
        put_title_inside(g, s); /* a note beside a composite state is more than every renderer takes */
    base_buf_str(b, "\" as ");
    put_id(g, b, s);
    base_buf_char(b, '\n');
    if (kind == CHART_ATOMIC || kind == CHART_FINAL)
        put_inside(g, s, depth);
    if (kind == CHART_COMPOUND || kind == CHART_PARALLEL) {
        indent(b, depth);
        base_buf_str(b, "state ");
        put_id(g, b, s);
        base_buf_str(b, " {\n");
        put_states(g, s, depth + 1);
        indent(b, depth);
        base_buf_str(b, "}\n");
    }
    if (kind == CHART_FINAL)
        put_arrow(g, s, DIAGRAM_NONE, NULL, depth);
}

static void put_states(diagram_job *g, uint32_t parent, unsigned depth)
{
    size_t count = 0;
    const bool parallel = chart_kind_of(g->c, parent) == CHART_PARALLEL;
    const uint32_t *initial = parallel ? NULL : chart_initial(g->c, parent, &count, NULL);
    bool first = true;
    for (uint32_t s = parent + 1; s <= chart_last(g->c, parent) && !g->failed; s = chart_last(g->c, s) + 1) {
        if (parallel && !first) {
            indent(g->out, depth);
            base_buf_str(g->out, "--\n");
        }
        put_state(g, s, depth);
        first = false;
    }
    for (size_t i = 0; i < count; i++)
        put_arrow(g, DIAGRAM_NONE, initial[i], NULL, depth);
}

/* Transitions and defaults of histories. All stand at the end, outside of composite states, so that none of them moves a state. */
static void put_transitions(diagram_job *g)
{
    base_buf *b = g->out;
    bool any = diagram_say_inside(g, CHART_ROOT).count > 0;
    for (uint32_t i = 0; i < chart_transition_count(g->c); i++)
        any = any || (chart_transition_at(g->c, i)->source == CHART_ROOT && !diagram_stays(g, i));
    if (any) { /* what the root takes */
        base_buf_str(b, "    state \"");
        put(b, diagram_say_word(g, DIAGRAM_W_any));
        put_title_inside(g, CHART_ROOT);
        base_buf_str(b, "\" as s0_\n");
    }
    for (uint32_t i = 0; i < chart_transition_count(g->c) && !g->failed; i++) {
        const chart_transition *t = chart_transition_at(g->c, i);
        if (diagram_stays(g, i))
            continue;
        const diagram_saying say = diagram_say(g, i);
        const char *line = diagram_say_line(g, &say);
        for (size_t k = 0; k < t->target_count; k++)
            put_arrow(g, t->source, t->targets[k], line, 1);
    }
    for (uint32_t s = 1; s < chart_state_count(g->c) && !g->failed; s++) {
        size_t count = 0;
        const chart_kind kind = chart_kind_of(g->c, s);
        const uint32_t *to = kind == CHART_SHALLOW || kind == CHART_DEEP ? chart_initial(g->c, s, &count, NULL) : NULL;
        for (size_t i = 0; i < count; i++)
            put_arrow(g, s, to[i], NULL, 1);
    }
}

/* A clock is no state, but only states can be drawn: it stands apart, with its account as its note. */
static void put_clock(diagram_job *g, uint32_t clock)
{
    base_buf *b = g->out;
    const rulebook_clock *c = &g->w->clocks[clock];
    const char *title = rulebook_text_in(&c->title, g->lang, c->name);
    uint32_t count = 0;
    const diagram_term *terms = diagram_clock_terms(g, clock, &count);
    base_buf_str(b, "    state \"⏱ ");
    put(b, title);
    if (strcmp(title, c->name) != 0) {
        base_buf_str(b, " (");
        put(b, c->name);
        base_buf_char(b, ')');
    }
    base_buf_fmt(b, "\" as clock%u\n    note right of clock%u\n", (unsigned)clock, (unsigned)clock);
    for (uint32_t i = 0; i < count && !g->failed; i++) {
        base_buf_str(b, "        ");
        put(b, terms[i].term);
        base_buf_str(b, " ");
        put(b, terms[i].words);
        base_buf_char(b, '\n');
    }
    base_buf_str(b, "    end note\n");
}

void diagram_write_mermaid(diagram_job *g)
{
    base_buf *b = g->out;
    base_buf_str(b, "---\ntitle: \"");
    for (const char *s = diagram_state_title(g, CHART_ROOT); *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            base_buf_char(b, '\\');
        base_buf_char(b, *s == '\n' ? ' ' : *s);
    }
    base_buf_str(b, "\"\n---\nstateDiagram-v2\n");
    put_states(g, CHART_ROOT, 1);
    put_transitions(g);
    for (uint32_t i = 0; i < g->w->clock_count && !g->failed; i++)
        put_clock(g, i);
}
