/* Layers of a box. Links that would run in a circle are turned for the while; what is left is layered so that the sum
 * of the links' lengths is least. Then each link gets an item in every layer that it passes, its label first. */
#include "diagram/inner.h"

#include <string.h>

bool diagram_is_real(const diagram_item *i)
{
    return i->kind == DIAGRAM_STATE || i->kind == DIAGRAM_INITIAL || i->kind == DIAGRAM_ANY;
}

static bool between_real(const diagram_box *b, const diagram_piece *p)
{
    return diagram_is_real(&b->items[p->from]) && diagram_is_real(&b->items[p->to]) && p->from != p->to;
}

/* ---- circles ---- */

enum { NEW, OPEN, CLOSED };

typedef struct walk {
    uint32_t item, next; /* the next piece to look at */
} walk;

/* Depth first from every item in turn; a link back to an item that is still open is turned round. */
static void visit(diagram_graph *m, diagram_box *b, uint32_t start, uint8_t *seen, walk *stack, bool *turned)
{
    uint32_t depth = 0;
    if (seen[start] != NEW)
        return;
    seen[start] = OPEN;
    stack[depth++] = (walk){start, 0};
    while (depth > 0) {
        walk *top = &stack[depth - 1];
        if (top->next >= b->piece_count) {
            seen[top->item] = CLOSED;
            depth--;
            continue;
        }
        const uint32_t k = top->next++;
        const diagram_piece *p = &m->pieces[b->pieces[k]];
        if (p->from != top->item || !between_real(b, p))
            continue;
        if (seen[p->to] == OPEN) {
            turned[k] = true;
        } else if (seen[p->to] == NEW) {
            seen[p->to] = OPEN;
            stack[depth++] = (walk){p->to, 0};
        }
    }
}

static void break_circles(diagram_graph *m, diagram_box *b, bool *turned)
{
    uint8_t *seen = diagram_alloc(m->g, b->item_count, 1);
    walk *stack = diagram_alloc(m->g, b->item_count, sizeof *stack);
    if (m->g->failed)
        return;
    for (uint32_t i = 0; i < b->item_count; i++)
        if (b->items[i].kind == DIAGRAM_INITIAL)
            visit(m, b, i, seen, stack, turned);
    for (uint32_t i = 0; i < b->item_count; i++)
        visit(m, b, i, seen, stack, turned);
}

/* ---- layers ---- */

static int32_t highest_rank(const diagram_box *b)
{
    int32_t most = 0;
    for (uint32_t i = 0; i < b->item_count; i++)
        if (diagram_is_real(&b->items[i]) && b->items[i].rank > most)
            most = b->items[i].rank;
    return most;
}

static void rank_items(diagram_graph *m, diagram_box *b)
{
    diagram_job *g = m->g;
    bool *turned = diagram_alloc(g, b->piece_count, sizeof *turned);
    diagram_edge *edges = diagram_alloc(g, b->piece_count, sizeof *edges);
    int32_t *x = diagram_alloc(g, b->item_count, sizeof *x);
    uint32_t count = 0;
    if (g->failed || b->parallel)
        return;
    break_circles(m, b, turned);
    for (uint32_t k = 0; k < b->piece_count; k++) {
        const diagram_piece *p = &m->pieces[b->pieces[k]];
        if (!between_real(b, p))
            continue;
        const bool dot = b->items[p->from].kind == DIAGRAM_INITIAL;
        edges[count++] = (diagram_edge){turned[k] ? p->to : p->from, turned[k] ? p->from : p->to, p->labelled ? 2 : 1, dot ? 4 : 1};
    }
    diagram_solve(g, b->item_count, edges, count, false, x);
    int32_t least = INT32_MAX;
    for (uint32_t i = 0; i < b->item_count; i++)
        if (diagram_is_real(&b->items[i]) && x[i] < least)
            least = x[i];
    for (uint32_t i = 0; i < b->item_count; i++)
        if (diagram_is_real(&b->items[i]))
            b->items[i].rank = x[i] - least;
}

/* Which sides the link uses is decided where its ends are beside each other, and holds for all boxes further in. */
static void choose_sides(diagram_graph *m, diagram_box *b)
{
    for (uint32_t k = 0; k < b->piece_count; k++) {
        const diagram_piece *p = &m->pieces[b->pieces[k]];
        diagram_link *l = &m->links[p->link];
        if (l->pieces[l->middle] != b->pieces[k])
            continue;
        if (!between_real(b, p)) /* from or to the border, downwards */
            l->up_from = l->up_to = false;
        else if (b->items[p->from].rank == b->items[p->to].rank) /* regions: below both of them */
            l->up_from = false, l->up_to = true;
        else
            l->up_from = l->up_to = b->items[p->from].rank > b->items[p->to].rank;
    }
}

/* Is the port of this piece in the first layer? */
static bool port_above(const diagram_graph *m, const diagram_piece *p, uint32_t index, bool at_start)
{
    const diagram_link *l = &m->links[p->link];
    if (p->starts_at_border && at_start)
        return true;
    if (p->ends_at_border && !at_start)
        return false;
    uint32_t at = 0;
    while (l->pieces[at] != index)
        at++;
    return at < l->middle ? l->up_from : !l->up_to;
}

static void rank_ports(diagram_graph *m, diagram_box *b)
{
    int32_t top = b->state != CHART_ROOT, bottom = 1;
    for (uint32_t k = 0; k < b->piece_count; k++) {
        const diagram_piece *p = &m->pieces[b->pieces[k]];
        if (p->labelled && p->starts_at_border)
            top = 2;
        if (p->labelled && p->ends_at_border)
            bottom = 2;
    }
    for (uint32_t i = 0; i < b->item_count; i++)
        if (diagram_is_real(&b->items[i]))
            b->items[i].rank += top;
    const int32_t last = highest_rank(b) + bottom;
    for (uint32_t k = 0; k < b->piece_count; k++) {
        const diagram_piece *p = &m->pieces[b->pieces[k]];
        if (b->items[p->from].kind == DIAGRAM_PORT)
            b->items[p->from].rank = port_above(m, p, b->pieces[k], true) ? 0 : last;
        if (b->items[p->to].kind == DIAGRAM_PORT)
            b->items[p->to].rank = port_above(m, p, b->pieces[k], false) ? 0 : last;
    }
}

/* ---- what lies between the ends ---- */

static uint32_t add_step(diagram_graph *m, diagram_box *b, uint32_t piece, uint32_t before, diagram_kind kind, int32_t rank)
{
    diagram_piece *p = &m->pieces[piece];
    const uint32_t at = diagram_add_item(m, b, kind, p->link);
    if (m->g->failed || m->g->too_large)
        return before;
    b->items[at].rank = rank;
    if (kind == DIAGRAM_LABEL) {
        b->items[at].w = m->links[p->link].label.w + 8;
        b->items[at].h = m->links[p->link].label.h + 4;
    }
    p->segments[p->segment_count++] = diagram_add_segment(m, b, before, at, piece);
    return at;
}

static void thread_piece(diagram_graph *m, diagram_box *b, uint32_t piece)
{
    diagram_piece *p = &m->pieces[piece];
    const int32_t from = b->items[p->from].rank, to = b->items[p->to].rank, step = from < to ? 1 : -1;
    bool labelled = p->labelled;
    uint32_t at = p->from;
    p->segments = diagram_alloc(m->g, (size_t)(from < to ? to - from : from - to) + 3, sizeof *p->segments);
    if (p->segments == NULL)
        return;
    if (from == to) { /* below both; the line comes in and goes out above the label */
        at = add_step(m, b, piece, at, labelled ? DIAGRAM_LABEL : DIAGRAM_BEND, from + 1);
        b->items[at].w += labelled ? 24 : 0;
    }
    for (int32_t r = from + step; from != to && r != to && !m->g->failed && !m->g->too_large; r += step) {
        at = add_step(m, b, piece, at, labelled ? DIAGRAM_LABEL : DIAGRAM_BEND, r);
        labelled = false;
    }
    if (!m->g->failed && !m->g->too_large)
        p->segments[p->segment_count++] = diagram_add_segment(m, b, at, p->to, piece);
}

void diagram_rank(diagram_graph *m, diagram_box *b)
{
    rank_items(m, b);
    if (m->g->failed)
        return;
    choose_sides(m, b);
    rank_ports(m, b);
    for (uint32_t k = 0; k < b->piece_count && !m->g->failed && !m->g->too_large; k++)
        thread_piece(m, b, b->pieces[k]);
    for (uint32_t i = 0; i < b->item_count; i++)
        if (b->items[i].rank >= b->rank_count)
            b->rank_count = b->items[i].rank + 1;
}
