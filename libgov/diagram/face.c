/* How states and labels look: their lines of text and the room these take. */
#include "diagram/inner.h"

#include <string.h>

enum { PAD_X = 12, PAD_Y = 7, INSIDE_WIDTH = 230, TITLE_WIDTH = 200, LABEL_WIDTH = 170, BADGE = 18 };

static void add_inside(diagram_job *g, diagram_text *t, const diagram_saying *s, const char *lead)
{
    base_buf b;
    base_buf_init(&b, g->alloc);
    base_buf_str(&b, lead);
    base_buf_str(&b, diagram_say_line(g, s));
    diagram_wrap(g, t, diagram_keep(g, &b), DIAGRAM_DOES, INSIDE_WIDTH, 4);
}

static int32_t largest(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static void make_face(diagram_graph *m, uint32_t state, const uint8_t *uses, diagram_face *f)
{
    diagram_job *g = m->g;
    const chart_kind kind = chart_kind_of(g->c, state);
    const bool leaf = kind == CHART_ATOMIC || kind == CHART_FINAL;
    const diagram_inside in = diagram_say_inside(g, state);
    f->title = diagram_state_title(g, state);
    f->name = strcmp(f->title, chart_name(g->c, state)) != 0 ? chart_name(g->c, state) : NULL;
    if (kind == CHART_SHALLOW || kind == CHART_DEEP) {
        f->w = f->h = 28;
        return;
    }
    f->clocks = diagram_alloc(g, g->w->clock_count, sizeof *f->clocks);
    for (uint32_t k = 0; f->clocks != NULL && leaf && k < g->w->clock_count; k++) {
        f->clocks[k] = uses != NULL ? uses[k * m->state_count + state] : 0;
        f->badges += f->clocks[k] != DIAGRAM_CLOCK_OFF;
    }
    if (state == CHART_ROOT)
        return;
    diagram_wrap(g, &f->head, f->title, DIAGRAM_TITLE, TITLE_WIDTH, 3);
    if (f->name != NULL)
        diagram_wrap(g, &f->head, f->name, DIAGRAM_NAME, TITLE_WIDTH * 2, 1);
    for (uint32_t i = 0; i < in.count; i++)
        add_inside(g, &f->inside, &in.items[i], in.lead[i]);
    const int32_t sides = kind == CHART_FINAL ? 2 * PAD_X + 20 : 2 * PAD_X;
    f->w = largest(largest(f->head.w + (int32_t)f->badges * BADGE + sides, f->inside.w + 2 * PAD_X), 64);
    f->h = f->head.h + 2 * PAD_Y + (f->inside.count > 0 ? f->inside.h + PAD_Y + 3 : 0);
}

void diagram_faces(diagram_graph *m)
{
    diagram_job *g = m->g;
    const uint8_t *uses = diagram_clock_uses(g);
    m->faces = diagram_alloc(g, m->state_count, sizeof *m->faces);
    for (uint32_t s = 0; m->faces != NULL && s < m->state_count && !g->failed; s++)
        make_face(m, s, uses, &m->faces[s]);
}

/* Does it take more than a line? */
static bool has_parts(const diagram_saying *s)
{
    return s->on[0] != '\0' && (s->guard[0] != '\0' || s->effects[0] != '\0');
}

/* Of several that share an arrow, what belongs together stands together. */
static void set_apart(diagram_text *t, uint32_t line)
{
    enum { APART = 6 };
    if (line == 0 || line >= t->count)
        return;
    t->lines[line].above = APART;
    t->h += APART;
}

void diagram_label(diagram_graph *m, diagram_link *l)
{
    diagram_job *g = m->g;
    for (uint32_t i = 0; i < l->saying_count && !g->failed; i++) {
        const diagram_saying *s = &l->sayings[i];
        const uint32_t first = l->label.count;
        if (s->on[0] != '\0')
            diagram_wrap(g, &l->label, s->on, DIAGRAM_SMALL, LABEL_WIDTH, 3);
        base_buf b;
        if (s->guard[0] != '\0') {
            base_buf_init(&b, g->alloc);
            base_buf_fmt(&b, "[%s]", s->guard);
            diagram_wrap(g, &l->label, diagram_keep(g, &b), DIAGRAM_GUARD, LABEL_WIDTH, 3);
        }
        if (s->effects[0] != '\0') {
            base_buf_init(&b, g->alloc);
            base_buf_fmt(&b, "/ %s", s->effects);
            diagram_wrap(g, &l->label, diagram_keep(g, &b), DIAGRAM_DOES, LABEL_WIDTH, 3);
        }
        if (i > 0 && (has_parts(s) || has_parts(s - 1)))
            set_apart(&l->label, first);
    }
}
