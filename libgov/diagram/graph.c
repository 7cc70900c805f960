/* From the chart to boxes with items, and links between them.
 *
 * A link that crosses the border of a box is cut there: inside the box it ends at a port in the first or last layer, and
 * outside it goes on at the same place of the box's border. So every box is laid out by itself, the inner ones first. */
#include "diagram/inner.h"

#include <string.h>

void *diagram_grow(diagram_job *g, void *items, uint32_t count, uint32_t *cap, size_t size)
{
    if (count < *cap)
        return items;
    const uint32_t more = *cap > 0 ? *cap * 2 : 8;
    void *fresh = diagram_alloc(g, more, size);
    if (fresh == NULL)
        return NULL;
    if (count > 0)
        memcpy(fresh, items, count * size);
    *cap = more;
    return fresh;
}

uint32_t diagram_add_item(diagram_graph *m, diagram_box *b, diagram_kind kind, uint32_t what)
{
    diagram_item *items = diagram_grow(m->g, b->items, b->item_count, &b->item_cap, sizeof *b->items);
    if (b->item_count >= DIAGRAM_MAX_ITEMS)
        m->g->too_large = true;
    if (items == NULL || m->g->too_large)
        return 0;
    b->items = items;
    items[b->item_count] = (diagram_item){.kind = (uint8_t)kind, .state = DIAGRAM_NONE, .link = DIAGRAM_NONE};
    if (kind == DIAGRAM_STATE)
        items[b->item_count].state = what;
    else
        items[b->item_count].link = what;
    return b->item_count++;
}

/* from and to lie in neighbouring layers, in either order; the link runs from `from` to `to`. */
uint32_t diagram_add_segment(diagram_graph *m, diagram_box *b, uint32_t from, uint32_t to, uint32_t piece)
{
    diagram_segment *all = diagram_grow(m->g, b->segments, b->segment_count, &b->segment_cap, sizeof *all);
    if (all == NULL)
        return 0;
    b->segments = all;
    const bool down = b->items[from].rank < b->items[to].rank;
    all[b->segment_count] = (diagram_segment){.upper = down ? from : to, .lower = down ? to : from, .piece = piece,
                                              .link = m->pieces[piece].link};
    return b->segment_count++;
}

/* ---- links ---- */

/* What time does has an arrow of its own, dashed, beside that of events. */
static diagram_link *find_link(diagram_graph *m, uint32_t from, uint32_t to, bool initial, bool timer)
{
    for (uint32_t i = 0; i < m->link_count; i++)
        if (m->links[i].from == from && m->links[i].to == to && m->links[i].initial == initial && m->links[i].timer == timer)
            return &m->links[i];
    if (m->link_count >= DIAGRAM_MAX_LINKS) {
        m->g->too_large = true;
        return NULL;
    }
    diagram_link *all = diagram_grow(m->g, m->links, m->link_count, &m->link_cap, sizeof *all);
    if (all == NULL)
        return NULL;
    m->links = all;
    all[m->link_count] = (diagram_link){.from = from, .to = to, .initial = initial, .timer = timer};
    return &all[m->link_count++];
}

static void add_saying(diagram_graph *m, diagram_link *l, const diagram_saying *s)
{
    diagram_saying *all = diagram_grow(m->g, l->sayings, l->saying_count, &l->saying_cap, sizeof *all);
    if (all == NULL)
        return;
    l->sayings = all;
    all[l->saying_count++] = *s;
}

static void add_defaults(diagram_graph *m, uint32_t state, bool initial)
{
    diagram_job *g = m->g;
    size_t count;
    uint32_t block;
    const uint32_t *to = chart_initial(g->c, state, &count, &block);
    for (size_t i = 0; i < count && !g->failed && !g->too_large; i++) {
        diagram_link *l = find_link(m, state, to[i], initial, false);
        if (l == NULL || block == CHART_NONE || i > 0)
            continue;
        base_buf b;
        base_buf_init(&b, g->alloc);
        diagram_say_block(g, &b, block);
        const diagram_saying s = {.on = "", .guard = "", .effects = diagram_keep(g, &b), .by = ""};
        add_saying(m, l, &s);
    }
}

static bool has_history(const diagram_graph *m, uint32_t state)
{
    const chart *c = m->g->c;
    for (uint32_t k = state + 1; k <= chart_last(c, state); k = chart_last(c, k) + 1)
        if (chart_kind_of(c, k) == CHART_SHALLOW || chart_kind_of(c, k) == CHART_DEEP)
            return true;
    return false;
}

/* Is the state ever entered as a whole, so that its initial states matter? */
static bool enters_by_default(const diagram_graph *m, uint32_t state)
{
    const chart *c = m->g->c;
    const uint32_t parent = chart_parent(c, state);
    if (state == CHART_ROOT || chart_kind_of(c, parent) == CHART_PARALLEL || has_history(m, parent))
        return true;
    for (uint32_t i = 0; i < chart_transition_count(c); i++)
        for (size_t k = 0; k < chart_transition_at(c, i)->target_count; k++)
            if (chart_transition_at(c, i)->targets[k] == state)
                return true;
    for (uint32_t s = 0; s < m->state_count; s++) {
        size_t count;
        const uint32_t *to = chart_initial(c, s, &count, NULL);
        for (size_t i = 0; i < count; i++)
            if (to[i] == state)
                return true;
    }
    return false;
}

static void add_links(diagram_graph *m)
{
    diagram_job *g = m->g;
    for (uint32_t s = 0; s < m->state_count && !g->failed && !g->too_large; s++) {
        const chart_kind kind = chart_kind_of(g->c, s);
        if ((kind == CHART_COMPOUND || s == CHART_ROOT) && enters_by_default(m, s))
            add_defaults(m, s, true);
        if (kind == CHART_SHALLOW || kind == CHART_DEEP)
            add_defaults(m, s, false);
    }
    for (uint32_t i = 0; i < chart_transition_count(g->c) && !g->failed && !g->too_large; i++) {
        const chart_transition *t = chart_transition_at(g->c, i);
        if (diagram_stays(g, i))
            continue;
        const diagram_saying s = diagram_say(g, i);
        for (size_t k = 0; k < t->target_count; k++) {
            diagram_link *l = find_link(m, t->source, t->targets[k], false, s.timer);
            if (l != NULL)
                add_saying(m, l, &s);
        }
    }
}

/* ---- boxes and pieces ---- */

static void make_boxes(diagram_graph *m)
{
    diagram_job *g = m->g;
    m->boxes = diagram_alloc(g, m->state_count, sizeof *m->boxes);
    for (uint32_t s = 0; s < m->state_count && !g->failed; s++) {
        if (chart_last(g->c, s) == s)
            continue;
        diagram_box *b = diagram_alloc(g, 1, sizeof *b);
        if (b == NULL)
            return;
        m->boxes[s] = b;
        b->state = s;
        b->parallel = chart_kind_of(g->c, s) == CHART_PARALLEL;
        if (s != CHART_ROOT)
            diagram_add_item(m, b, DIAGRAM_HEADER, DIAGRAM_NONE);
        for (uint32_t k = s + 1; k <= chart_last(g->c, s); k = chart_last(g->c, k) + 1)
            diagram_add_item(m, b, DIAGRAM_STATE, k);
    }
}

static bool contains(const diagram_graph *m, uint32_t outer, uint32_t inner)
{
    return inner >= outer && inner <= chart_last(m->g->c, outer);
}

/* The item of the box in which the state lies. */
static uint32_t item_of(const diagram_box *b, const diagram_graph *m, uint32_t state)
{
    for (uint32_t i = 0; i < b->item_count; i++)
        if (b->items[i].kind == DIAGRAM_STATE && contains(m, b->items[i].state, state))
            return i;
    return 0;
}

static uint32_t special_item(diagram_graph *m, diagram_box *b, diagram_kind kind)
{
    for (uint32_t i = 0; i < b->item_count; i++)
        if (b->items[i].kind == kind)
            return i;
    return diagram_add_item(m, b, kind, DIAGRAM_NONE);
}

static diagram_piece *add_piece(diagram_graph *m, diagram_link *l, uint32_t box)
{
    diagram_box *b = m->boxes[box];
    diagram_piece *all = diagram_grow(m->g, m->pieces, m->piece_count, &m->piece_cap, sizeof *all);
    uint32_t *own = diagram_grow(m->g, b->pieces, b->piece_count, &b->piece_cap, sizeof *own);
    if (all == NULL || own == NULL)
        return NULL;
    m->pieces = all;
    b->pieces = own;
    own[b->piece_count++] = m->piece_count;
    l->pieces[l->piece_count++] = m->piece_count;
    all[m->piece_count] = (diagram_piece){.box = box, .link = (uint32_t)(l - m->links)};
    return &all[m->piece_count++];
}

/* The box where both ends of the link are beside each other. */
static uint32_t meeting_box(const diagram_graph *m, const diagram_link *l)
{
    const chart *c = m->g->c;
    if (l->initial || contains(m, l->from, l->to))
        return l->from;
    if (contains(m, l->to, l->from))
        return l->to;
    uint32_t s = chart_parent(c, l->from);
    while (!contains(m, s, l->to))
        s = chart_parent(c, s);
    return s;
}

static void cut_link(diagram_graph *m, diagram_link *l)
{
    const chart *c = m->g->c;
    const uint32_t meet = meeting_box(m, l), index = (uint32_t)(l - m->links);
    uint32_t chain[CHART_MAX_DEPTH + 1], depth = 0;
    l->pieces = diagram_alloc(m->g, 2 * (CHART_MAX_DEPTH + 2), sizeof *l->pieces);
    if (l->pieces == NULL)
        return;
    for (uint32_t s = l->from; !l->initial && s != meet && chart_parent(c, s) != meet; s = chart_parent(c, s)) {
        diagram_piece *p = add_piece(m, l, chart_parent(c, s));
        if (p == NULL)
            return;
        diagram_box *b = m->boxes[p->box];
        p->from = item_of(b, m, l->from);
        p->to = diagram_add_item(m, b, DIAGRAM_PORT, index);
    }
    diagram_piece *p = add_piece(m, l, meet);
    if (p == NULL)
        return;
    diagram_box *b = m->boxes[meet];
    l->middle = l->piece_count - 1;
    p->labelled = l->label.count > 0;
    if (l->initial)
        p->from = special_item(m, b, DIAGRAM_INITIAL);
    else if (meet == l->from && meet == CHART_ROOT)
        p->from = special_item(m, b, DIAGRAM_ANY);
    else if (meet == l->from)
        p->from = diagram_add_item(m, b, DIAGRAM_PORT, index);
    else
        p->from = item_of(b, m, l->from);
    p->starts_at_border = !l->initial && meet == l->from && meet != CHART_ROOT;
    p->ends_at_border = meet == l->to;
    p->to = meet == l->to ? diagram_add_item(m, b, DIAGRAM_PORT, index) : item_of(b, m, l->to);
    for (uint32_t s = l->to; s != meet && chart_parent(c, s) != meet && depth <= CHART_MAX_DEPTH; s = chart_parent(c, s))
        chain[depth++] = chart_parent(c, s);
    while (depth-- > 0) {
        p = add_piece(m, l, chain[depth]);
        if (p == NULL)
            return;
        b = m->boxes[p->box];
        p->from = diagram_add_item(m, b, DIAGRAM_PORT, index);
        p->to = item_of(b, m, l->to);
    }
}

bool diagram_build(diagram_job *g, diagram_graph *m)
{
    *m = (diagram_graph){.g = g, .state_count = (uint32_t)chart_state_count(g->c)};
    if (m->state_count > DIAGRAM_MAX_STATES || chart_transition_count(g->c) > DIAGRAM_MAX_LINKS) {
        g->too_large = true;
        return false;
    }
    diagram_faces(m);
    make_boxes(m);
    add_links(m);
    for (uint32_t i = 0; i < m->link_count && !g->failed; i++)
        diagram_label(m, &m->links[i]);
    for (uint32_t i = 0; i < m->link_count && !g->failed && !g->too_large; i++)
        cut_link(m, &m->links[i]);
    if (m->boxes == NULL || g->failed || g->too_large)
        return false;
    for (uint32_t s = 0; s < m->state_count && !g->failed && !g->too_large; s++)
        if (m->boxes[s] != NULL)
            diagram_rank(m, m->boxes[s]);
    for (uint32_t s = m->state_count; s-- > 0 && !g->failed && !g->too_large;) {
        if (m->boxes[s] == NULL)
            continue;
        diagram_order(m, m->boxes[s]);
        diagram_pins(m, m->boxes[s]);
        diagram_place(m, m->boxes[s]);
    }
    if (!g->failed && !g->too_large)
        diagram_route(m);
    return !g->failed && !g->too_large;
}
