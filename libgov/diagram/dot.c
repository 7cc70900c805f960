/* DOT, Graphviz's language: states as nodes, what has states inside as a cluster. */
#include "diagram/inner.h"

#include <string.h>

static void put(base_buf *b, const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            base_buf_char(b, '\\');
        if (*s == '\n' || *s == '\r')
            base_buf_str(b, " ");
        else
            base_buf_char(b, *s);
    }
}

static bool has_inside(const diagram_job *g, uint32_t s)
{
    const chart_kind kind = chart_kind_of(g->c, s);
    return s == CHART_ROOT || kind == CHART_COMPOUND || kind == CHART_PARALLEL;
}

/* A node to which an arrow may lead: an edge to a cluster ends at a node inside it and is clipped at its border. */
static uint32_t node_of(const diagram_job *g, uint32_t s)
{
    while (has_inside(g, s)) {
        uint32_t inner = s + 1;
        while (inner < chart_last(g->c, s) && (chart_kind_of(g->c, inner) == CHART_SHALLOW || chart_kind_of(g->c, inner) == CHART_DEEP))
            inner = chart_last(g->c, inner) + 1;
        s = inner;
    }
    return s;
}

static void indent(base_buf *b, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        base_buf_str(b, "  ");
}

static void put_id(const diagram_job *g, base_buf *b, uint32_t s)
{
    base_buf_char(b, '"');
    put(b, chart_path(g->c, s));
    base_buf_char(b, '"');
}

static void put_title(const diagram_job *g, base_buf *b, uint32_t s)
{
    const char *title = diagram_state_title(g, s), *name = chart_name(g->c, s);
    put(b, title);
    if (s != CHART_ROOT && strcmp(title, name) != 0) {
        base_buf_str(b, "\\n");
        put(b, name);
    }
}

static void put_inside(diagram_job *g, base_buf *b, uint32_t s)
{
    const diagram_inside in = diagram_say_inside(g, s);
    for (uint32_t i = 0; i < in.count; i++) {
        base_buf_str(b, "\\n");
        put(b, in.lead[i]);
        put(b, diagram_say_line(g, &in.items[i]));
    }
}

static void put_states(diagram_job *g, uint32_t parent, unsigned depth);

static void put_state(diagram_job *g, uint32_t s, unsigned depth)
{
    static const char *const shapes[] = {"", "", "style=\"rounded\", peripheries=2", "shape=circle", "shape=circle"};
    base_buf *b = g->out;
    const chart_kind kind = chart_kind_of(g->c, s);
    indent(b, depth);
    if (has_inside(g, s)) {
        const bool region = diagram_is_region(g, s);
        base_buf_str(b, "subgraph \"cluster_");
        put(b, chart_path(g->c, s));
        base_buf_str(b, "\" {\n");
        indent(b, depth + 1);
        base_buf_fmt(b, "style=\"rounded%s\"; label=\"", region ? ",dashed" : "");
        put_title(g, b, s);
        put_inside(g, b, s);
        base_buf_str(b, "\";\n");
        put_states(g, s, depth + 1);
        indent(b, depth);
        base_buf_str(b, "}\n");
        return;
    }
    put_id(g, b, s);
    base_buf_str(b, " [label=\"");
    if (kind == CHART_SHALLOW || kind == CHART_DEEP) {
        base_buf_str(b, kind == CHART_DEEP ? "H*" : "H");
    } else {
        put_title(g, b, s);
        put_inside(g, b, s);
    }
    base_buf_char(b, '"');
    if (kind < ARRAY_LEN(shapes) && shapes[kind][0] != '\0')
        base_buf_fmt(b, ", %s", shapes[kind]);
    else if (diagram_is_region(g, s))
        base_buf_str(b, ", style=\"rounded,dashed\"");
    base_buf_str(b, "];\n");
}

/* from: a state; DIAGRAM_NONE: the dot of `around`. */
static void put_arrow(diagram_job *g, uint32_t from, uint32_t around, uint32_t to, const char *label, unsigned depth)
{
    base_buf *b = g->out;
    const uint32_t last = from != DIAGRAM_NONE ? chart_last(g->c, from) : 0;
    const bool from_inside = from != DIAGRAM_NONE && to >= from && to <= last;
    const bool into = from != DIAGRAM_NONE && has_inside(g, to) && from > to && from <= chart_last(g->c, to);
    indent(b, depth);
    if (from == DIAGRAM_NONE)
        base_buf_fmt(b, "\"(initial %u)\"", (unsigned)around);
    else if (from == CHART_ROOT)
        base_buf_str(b, "\"(any)\"");
    else
        put_id(g, b, node_of(g, from));
    base_buf_str(b, " -> ");
    put_id(g, b, node_of(g, to));
    base_buf_str(b, " [label=\"");
    put(b, label);
    base_buf_char(b, '"');
    if (from != DIAGRAM_NONE && from != CHART_ROOT && has_inside(g, from) && !from_inside) {
        base_buf_str(b, ", ltail=\"cluster_");
        put(b, chart_path(g->c, from));
        base_buf_char(b, '"');
    }
    if (has_inside(g, to) && !into) {
        base_buf_str(b, ", lhead=\"cluster_");
        put(b, chart_path(g->c, to));
        base_buf_char(b, '"');
    }
    base_buf_str(b, "];\n");
}

static void put_states(diagram_job *g, uint32_t parent, unsigned depth)
{
    size_t count = 0;
    const bool parallel = chart_kind_of(g->c, parent) == CHART_PARALLEL;
    const uint32_t *initial = parallel ? NULL : chart_initial(g->c, parent, &count, NULL);
    for (uint32_t s = parent + 1; s <= chart_last(g->c, parent) && !g->failed; s = chart_last(g->c, s) + 1)
        put_state(g, s, depth);
    if (count == 0)
        return;
    indent(g->out, depth);
    base_buf_fmt(g->out, "\"(initial %u)\" [shape=point, width=0.15, label=\"\"];\n", (unsigned)parent);
    for (size_t i = 0; i < count; i++)
        put_arrow(g, DIAGRAM_NONE, parent, initial[i], "", depth);
}

static void put_clock(diagram_job *g, uint32_t clock)
{
    base_buf *b = g->out;
    const rulebook_clock *c = &g->w->clocks[clock];
    const char *title = rulebook_text_in(&c->title, g->lang, c->name);
    uint32_t count = 0;
    const diagram_term *terms = diagram_clock_terms(g, clock, &count);
    base_buf_fmt(b, "  \"(clock %u)\" [shape=note, style=\"\", label=\"", (unsigned)clock);
    put(b, title);
    if (strcmp(title, c->name) != 0) {
        base_buf_str(b, " (");
        put(b, c->name);
        base_buf_char(b, ')');
    }
    for (uint32_t i = 0; i < count && !g->failed; i++) {
        base_buf_str(b, "\\l");
        put(b, terms[i].term);
        base_buf_char(b, ' ');
        put(b, terms[i].words);
    }
    base_buf_str(b, "\\l\"];\n");
}

void diagram_write_dot(diagram_job *g)
{
    base_buf *b = g->out;
    bool any = false;
    base_buf_str(b, "digraph \"");
    put(b, g->w->name);
    base_buf_str(b, "\" {\n  compound=true; newrank=true; labelloc=t; label=\"");
    put_title(g, b, CHART_ROOT);
    put_inside(g, b, CHART_ROOT);
    base_buf_str(b, "\";\n  node [shape=box, style=rounded, fontname=\"Helvetica\", fontsize=12];\n"
                    "  edge [fontname=\"Helvetica\", fontsize=10];\n");
    put_states(g, CHART_ROOT, 1);
    for (uint32_t i = 0; i < chart_transition_count(g->c) && !g->failed; i++) {
        const chart_transition *t = chart_transition_at(g->c, i);
        if (diagram_stays(g, i))
            continue;
        const diagram_saying say = diagram_say(g, i);
        const char *line = diagram_say_line(g, &say);
        if (t->source == CHART_ROOT && !any) {
            base_buf_str(b, "  \"(any)\" [label=\"");
            put(b, diagram_say_word(g, DIAGRAM_W_any));
            base_buf_str(b, "\", style=\"rounded,dashed\"];\n");
            any = true;
        }
        for (size_t k = 0; k < t->target_count; k++)
            put_arrow(g, t->source, 0, t->targets[k], line, 1);
    }
    for (uint32_t s = 1; s < chart_state_count(g->c) && !g->failed; s++) {
        size_t count = 0;
        const chart_kind kind = chart_kind_of(g->c, s);
        const uint32_t *to = kind == CHART_SHALLOW || kind == CHART_DEEP ? chart_initial(g->c, s, &count, NULL) : NULL;
        for (size_t i = 0; i < count; i++)
            put_arrow(g, s, 0, to[i], "", 1);
    }
    for (uint32_t i = 0; i < g->w->clock_count && !g->failed; i++)
        put_clock(g, i);
    base_buf_str(b, "}\n");
}
