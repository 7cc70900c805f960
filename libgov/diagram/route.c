/* From boxes to the page: where every state lies, and the corners of every line. */
#include "diagram/inner.h"

static void place_states(diagram_graph *m)
{
    for (uint32_t s = 0; s < m->state_count; s++) {
        const diagram_box *b = m->boxes[s];
        diagram_face *f = &m->faces[s];
        if (b == NULL)
            continue;
        f->w = b->w;
        f->h = b->h;
        for (uint32_t i = 0; i < b->item_count; i++) {
            const diagram_item *it = &b->items[i];
            if (it->kind != DIAGRAM_STATE)
                continue;
            diagram_face *inner = &m->faces[it->state];
            inner->x = f->x + b->content_x + it->x;
            inner->y = f->y + b->content_y + it->y;
            inner->w = it->w;
            inner->h = it->h;
        }
    }
}

/* Adds a corner; corners on one line become one. */
static void add_point(diagram_link *l, int32_t x, int32_t y)
{
    diagram_point *p = l->points;
    uint32_t n = l->point_count;
    if (n > 0 && p[n - 1].x == x && p[n - 1].y == y)
        return;
    if (n > 1 && ((p[n - 1].x == x && p[n - 2].x == x) || (p[n - 1].y == y && p[n - 2].y == y)))
        n--;
    p[n] = (diagram_point){x, y};
    l->point_count = n + 1;
}

static void add_segment(diagram_graph *m, diagram_link *l, const diagram_box *b, const diagram_segment *s, bool down)
{
    const diagram_item *u = &b->items[s->upper], *v = &b->items[s->lower];
    const int32_t ox = m->faces[b->state].x + b->content_x, oy = m->faces[b->state].y + b->content_y;
    const diagram_point corners[4] = {{ox + u->x + s->from_x, oy + u->y + u->h},
                                      {ox + u->x + s->from_x, oy + s->y},
                                      {ox + v->x + s->to_x, oy + s->y},
                                      {ox + v->x + s->to_x, oy + v->y}};
    const bool straight = corners[0].x == corners[3].x;
    for (int i = 0; i < 4; i++)
        if (!straight || i == 0 || i == 3)
            add_point(l, corners[down ? i : 3 - i].x, corners[down ? i : 3 - i].y);
}

static void route_link(diagram_graph *m, diagram_link *l)
{
    size_t room = 8;
    for (uint32_t k = 0; k < l->piece_count; k++)
        room += (size_t)4 * m->pieces[l->pieces[k]].segment_count + 2;
    l->points = diagram_alloc(m->g, room, sizeof *l->points);
    if (l->points == NULL)
        return;
    for (uint32_t k = 0; k < l->piece_count; k++) {
        const diagram_piece *p = &m->pieces[l->pieces[k]];
        const diagram_box *b = m->boxes[p->box];
        const diagram_face *f = &m->faces[p->box];
        uint32_t at = p->from;
        if (p->starts_at_border)
            add_point(l, f->x + b->content_x + b->items[p->from].x, f->y);
        for (uint32_t i = 0; i < p->segment_count; i++) {
            const diagram_segment *s = &b->segments[p->segments[i]];
            const bool down = s->upper == at;
            at = down ? s->lower : s->upper;
            add_segment(m, l, b, s, down);
            if (b->items[at].kind == DIAGRAM_LABEL) {
                l->label_x = f->x + b->content_x + b->items[at].x;
                l->label_w = b->items[at].w;
                l->label_y = f->y + b->content_y + b->items[at].y;
            }
        }
        if (p->ends_at_border)
            add_point(l, f->x + b->content_x + b->items[p->to].x, f->y + f->h);
    }
}

void diagram_route(diagram_graph *m)
{
    place_states(m);
    for (uint32_t i = 0; i < m->link_count && !m->g->failed; i++)
        route_link(m, &m->links[i]);
}
