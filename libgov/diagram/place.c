/* Coordinates within a box. Across: every line as straight as the room allows, those that pass many layers first. Down:
 * layer below layer, with as much between them as the lines need that turn there. */
#include "diagram/inner.h"

#include <string.h>

enum { MARGIN = 14, GAP = 30, TRACK = 9 };

/* ---- across ---- */

static int32_t distance(const diagram_item *a, const diagram_item *b)
{
    if (diagram_is_real(a) && diagram_is_real(b))
        return 26;
    if (a->kind == DIAGRAM_LABEL && b->kind == DIAGRAM_LABEL)
        return 12;
    if (diagram_is_real(a) || diagram_is_real(b) || a->kind == DIAGRAM_HEADER)
        return 16;
    return 12;
}

/* A label rather stands above what lies below it, so that a link turns once and not twice. */
static int32_t straightness(const diagram_item *upper, const diagram_item *lower)
{
    const int real = diagram_is_real(upper) + diagram_is_real(lower);
    return real == 2 ? 2 : real == 0 ? 64 : upper->kind == DIAGRAM_LABEL ? 6 : 4;
}

static void place_across(diagram_graph *m, diagram_box *b)
{
    diagram_job *g = m->g;
    const uint32_t n = b->item_count, total = n + b->segment_count + 1, wall = n + b->segment_count;
    diagram_edge *edges = diagram_alloc(g, (size_t)2 * n + (size_t)2 * b->segment_count + 2, sizeof *edges);
    int32_t *x = diagram_alloc(g, total, sizeof *x);
    uint32_t count = 0;
    if (g->failed)
        return;
    for (int32_t r = 0; r < b->rank_count; r++)
        for (uint32_t i = 0; i + 1 < b->layer_counts[r]; i++) {
            const uint32_t left = b->layers[r][i], right = b->layers[r][i + 1];
            edges[count++] = (diagram_edge){left, right, b->items[left].w + distance(&b->items[left], &b->items[right]), 0};
        }
    for (uint32_t i = 0; i < b->segment_count; i++) {
        const diagram_segment *s = &b->segments[i];
        const int32_t most = s->from_x > s->to_x ? s->from_x : s->to_x;
        const int32_t weight = straightness(&b->items[s->upper], &b->items[s->lower]);
        edges[count++] = (diagram_edge){n + i, s->upper, most - s->from_x, weight};
        edges[count++] = (diagram_edge){n + i, s->lower, most - s->to_x, weight};
    }
    for (uint32_t i = 0; i < n; i++) /* the name of a box keeps to its left */
        edges[count++] = (diagram_edge){wall, i, 0, b->items[i].kind == DIAGRAM_HEADER ? 2 : 0};
    diagram_solve(g, total, edges, count, true, x);
    int32_t least = INT32_MAX;
    for (uint32_t i = 0; i < n; i++)
        least = x[i] < least ? x[i] : least;
    for (uint32_t i = 0; i < n; i++)
        b->items[i].x = x[i] - least;
}

/* ---- down ---- */

static void stretch_regions(diagram_graph *m, diagram_box *b, int32_t r)
{
    for (uint32_t i = 0; b->parallel && i < b->layer_counts[r]; i++) {
        diagram_item *it = &b->items[b->layers[r][i]];
        if (it->kind == DIAGRAM_STATE && m->boxes[it->state] != NULL)
            it->h = m->boxes[it->state]->h = b->layer_h[r];
    }
}

static void place_down(diagram_graph *m, diagram_box *b)
{
    int32_t y = 0;
    for (int32_t r = 0; r < b->rank_count; r++) {
        int32_t high = 0;
        for (uint32_t i = 0; i < b->layer_counts[r]; i++)
            high = b->items[b->layers[r][i]].h > high ? b->items[b->layers[r][i]].h : high;
        b->layer_y[r] = y;
        b->layer_h[r] = high;
        stretch_regions(m, b, r);
        for (uint32_t i = 0; i < b->layer_counts[r]; i++) {
            diagram_item *it = &b->items[b->layers[r][i]];
            it->y = y + (high - it->h) / 2;
            if (it->kind == DIAGRAM_PORT)
                it->y = r == 0 ? y : y + high;
            if (it->kind == DIAGRAM_HEADER)
                it->y = y;
        }
        y += high + (r + 1 < b->rank_count ? b->gap_h[r] : 0);
    }
    b->content_h = y;
    for (uint32_t i = 0; i < b->segment_count; i++) {
        diagram_segment *s = &b->segments[i];
        const int32_t r = b->items[s->upper].rank;
        s->y = b->layer_y[r] + b->layer_h[r] + MARGIN + s->track * TRACK;
    }
}

void diagram_place(diagram_graph *m, diagram_box *b)
{
    diagram_job *g = m->g;
    b->layer_y = diagram_alloc(g, (size_t)b->rank_count, sizeof *b->layer_y);
    b->layer_h = diagram_alloc(g, (size_t)b->rank_count, sizeof *b->layer_h);
    b->gap_h = diagram_alloc(g, (size_t)b->rank_count, sizeof *b->gap_h);
    place_across(m, b);
    if (g->failed)
        return;
    diagram_straighten(m, b);
    diagram_tracks(m, b);
    if (g->failed)
        return;
    place_down(m, b);
    for (uint32_t i = 0; i < b->item_count; i++)
        if (b->items[i].x + b->items[i].w > b->content_w)
            b->content_w = b->items[i].x + b->items[i].w;
    b->content_x = b->state == CHART_ROOT ? 0 : MARGIN;
    b->content_y = b->state == CHART_ROOT ? 0 : 8;
    b->w = b->content_w + 2 * b->content_x;
    b->h = b->content_h + b->content_y + (b->state == CHART_ROOT ? 0 : MARGIN);
}

/* ---- tracks: where lines turn between two layers ---- */

typedef struct turn {
    uint32_t segment;
    int32_t from, to, low, high; /* x above, x below, and the span between */
} turn;

static bool spans(const turn *t, int32_t x)
{
    return x > t->low - 5 && x < t->high + 5;
}

/* What it costs when `a` turns above `b`: crossings, and much more where two lines would run in one. */
static int32_t cost_above(const turn *a, const turn *b)
{
    int32_t cost = spans(b, a->to) + spans(a, b->from);
    if (a->to - b->from < 6 && b->from - a->to < 6)
        cost += 1000;
    return cost;
}

static bool apart(const turn *a, const turn *b)
{
    return a->high + 8 < b->low || b->high + 8 < a->low;
}

/* Takes one turn after the other, always that which has least against it being above all that are left. */
static int32_t set_tracks(diagram_graph *m, diagram_box *b, turn *turns, uint32_t count)
{
    int32_t *against = diagram_alloc(m->g, count, sizeof *against), most = -1;
    bool *done = diagram_alloc(m->g, count, sizeof *done);
    uint32_t *order = diagram_alloc(m->g, count, sizeof *order);
    if (m->g->failed)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < count; k++)
            if (i != k && !apart(&turns[i], &turns[k]))
                against[i] += cost_above(&turns[i], &turns[k]) - cost_above(&turns[k], &turns[i]);
    for (uint32_t n = 0; n < count; n++) {
        uint32_t best = DIAGRAM_NONE;
        for (uint32_t i = 0; i < count; i++)
            if (!done[i] && (best == DIAGRAM_NONE || against[i] < against[best]))
                best = i;
        int32_t track = 0;
        for (uint32_t k = 0; k < n; k++) {
            const turn *other = &turns[order[k]];
            if (!apart(other, &turns[best]) && b->segments[other->segment].track >= track)
                track = b->segments[other->segment].track + 1;
        }
        b->segments[turns[best].segment].track = track;
        most = track > most ? track : most;
        done[best] = true;
        order[n] = best;
        for (uint32_t i = 0; i < count; i++)
            if (!done[i] && !apart(&turns[i], &turns[best]))
                against[i] -= cost_above(&turns[i], &turns[best]) - cost_above(&turns[best], &turns[i]);
    }
    return most + 1;
}

void diagram_tracks(diagram_graph *m, diagram_box *b)
{
    turn *turns = diagram_alloc(m->g, b->segment_count, sizeof *turns);
    for (int32_t r = 0; r + 1 < b->rank_count && !m->g->failed; r++) {
        uint32_t count = 0, lines = 0;
        for (uint32_t i = 0; i < b->segment_count; i++) {
            const diagram_segment *s = &b->segments[i];
            if (b->items[s->upper].rank != r)
                continue;
            const int32_t from = b->items[s->upper].x + s->from_x, to = b->items[s->lower].x + s->to_x;
            lines++;
            if (from != to)
                turns[count++] = (turn){i, from, to, from < to ? from : to, from < to ? to : from};
        }
        const int32_t tracks = set_tracks(m, b, turns, count);
        b->gap_h[r] = tracks > 0 ? 2 * MARGIN + (tracks - 1) * TRACK : lines > 0 ? 22 : 12;
    }
}
