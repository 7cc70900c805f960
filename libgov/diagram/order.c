/* The order of items within their layers: few crossings. Each layer in turn is sorted by where its items' neighbours
 * stand on average, downwards and upwards, then neighbours are swapped where that helps; the best order seen is kept. */
#include "diagram/inner.h"

#include <string.h>

enum { SWEEPS = 24, UNIT = 65536 };

typedef struct net {
    diagram_graph *m;
    diagram_box *b;
    uint32_t *down, *down_first, *up, *up_first; /* segments by item */
    uint32_t *pos_up, *pos_down;                 /* by segment: where in the width of its upper, lower item it is fixed */
    uint64_t *key;
    uint32_t *best;
} net;

static void list_segments(net *n, bool down)
{
    diagram_job *g = n->m->g;
    uint32_t *first = diagram_alloc(g, (size_t)n->b->item_count + 2, sizeof *first);
    uint32_t *list = diagram_alloc(g, n->b->segment_count, sizeof *list);
    if (g->failed)
        return;
    for (uint32_t i = 0; i < n->b->segment_count; i++)
        first[(down ? n->b->segments[i].upper : n->b->segments[i].lower) + 2]++;
    for (uint32_t i = 2; i < n->b->item_count + 2; i++)
        first[i] += first[i - 1];
    for (uint32_t i = 0; i < n->b->segment_count; i++)
        list[first[(down ? n->b->segments[i].upper : n->b->segments[i].lower) + 1]++] = i;
    if (down) {
        n->down = list;
        n->down_first = first;
    } else {
        n->up = list;
        n->up_first = first;
    }
}

/* The place at a box's border where the rest of the link goes on inside, if it does. */
static bool fixed_pin(const diagram_graph *m, const diagram_segment *s, uint32_t item, int32_t *x)
{
    const diagram_piece *p = &m->pieces[s->piece];
    const diagram_link *l = &m->links[p->link];
    uint32_t at = 0;
    const diagram_piece *inner;
    uint32_t port;
    while (l->pieces[at] != s->piece)
        at++;
    if (item == p->from && at > 0 && at <= l->middle) {
        inner = &m->pieces[l->pieces[at - 1]];
        port = inner->to;
    } else if (item == p->to && at + 1 < l->piece_count && at >= l->middle) {
        inner = &m->pieces[l->pieces[at + 1]];
        port = inner->from;
    } else {
        return false;
    }
    *x = m->boxes[inner->box]->content_x + m->boxes[inner->box]->items[port].x;
    return true;
}

static uint32_t fraction(const net *n, const diagram_segment *s, uint32_t item)
{
    const int32_t w = n->b->items[item].w;
    int32_t x;
    if (w <= 0 || !fixed_pin(n->m, s, item, &x))
        return UNIT / 2;
    return (uint32_t)((int64_t)x * (UNIT - 1) / w);
}

static uint64_t upper_at(const net *n, uint32_t segment)
{
    return (uint64_t)n->b->items[n->b->segments[segment].upper].order * UNIT + n->pos_up[segment];
}

static uint64_t lower_at(const net *n, uint32_t segment)
{
    return (uint64_t)n->b->items[n->b->segments[segment].lower].order * UNIT + n->pos_down[segment];
}

/* ---- layers ---- */

static void set_orders(net *n, int32_t r)
{
    for (uint32_t i = 0; i < n->b->layer_counts[r]; i++)
        n->b->items[n->b->layers[r][i]].order = i;
}

static void make_layers(net *n)
{
    diagram_job *g = n->m->g;
    diagram_box *b = n->b;
    const size_t ranks = (size_t)b->rank_count;
    b->layers = diagram_alloc(g, ranks, sizeof *b->layers);
    b->layer_counts = diagram_alloc(g, ranks, sizeof *b->layer_counts);
    uint32_t *sizes = diagram_alloc(g, ranks, sizeof *sizes), *stack = diagram_alloc(g, b->item_count, sizeof *stack);
    bool *seen = diagram_alloc(g, b->item_count, sizeof *seen);
    if (g->failed)
        return;
    for (uint32_t i = 0; i < b->item_count; i++)
        sizes[b->items[i].rank]++;
    for (size_t r = 0; r < ranks; r++)
        b->layers[r] = diagram_alloc(g, sizes[r], sizeof *b->layers[r]);
    for (int32_t r = 0; r < b->rank_count && !g->failed; r++)
        for (uint32_t i = 0; i < b->item_count; i++) { /* from each, along what hangs below it */
            uint32_t count = 0;
            if (b->items[i].rank != r || seen[i])
                continue;
            stack[count++] = i;
            seen[i] = true;
            while (count > 0) {
                const uint32_t at = stack[--count];
                const int32_t rank = b->items[at].rank;
                b->layers[rank][b->layer_counts[rank]++] = at;
                for (uint32_t k = n->down_first[at + 1]; k-- > n->down_first[at];) {
                    const uint32_t next = b->segments[n->down[k]].lower;
                    if (!seen[next])
                        stack[count++] = next;
                    seen[next] = true;
                }
            }
        }
    for (int32_t r = 0; r < b->rank_count && !g->failed; r++)
        set_orders(n, r);
}

static bool keeps_order(const diagram_box *b, int32_t r)
{
    for (uint32_t i = 0; b->parallel && i < b->layer_counts[r]; i++)
        if (b->items[b->layers[r][i]].kind == DIAGRAM_STATE)
            return true;
    return false;
}

static void sort_regions(net *n)
{
    for (int32_t r = 0; r < n->b->rank_count; r++) {
        uint32_t *layer = n->b->layers[r];
        for (uint32_t i = 1; keeps_order(n->b, r) && i < n->b->layer_counts[r]; i++)
            for (uint32_t k = i; k > 0 && layer[k - 1] > layer[k]; k--) {
                const uint32_t t = layer[k];
                layer[k] = layer[k - 1];
                layer[k - 1] = t;
            }
        set_orders(n, r);
    }
}

/* ---- crossings ---- */

static uint64_t crossings(const net *n)
{
    uint64_t sum = 0;
    for (int32_t r = 0; r + 1 < n->b->rank_count; r++)
        for (uint32_t i = 0; i < n->b->layer_counts[r]; i++) {
            const uint32_t a = n->b->layers[r][i];
            for (uint32_t j = i; j < n->b->layer_counts[r]; j++) {
                const uint32_t c = n->b->layers[r][j];
                for (uint32_t k = n->down_first[a]; k < n->down_first[a + 1]; k++)
                    for (uint32_t l = n->down_first[c]; l < n->down_first[c + 1]; l++)
                        sum += upper_at(n, n->down[k]) < upper_at(n, n->down[l]) &&
                               lower_at(n, n->down[k]) > lower_at(n, n->down[l]);
            }
        }
    return sum;
}

static uint64_t pair_crossings(const net *n, uint32_t left, uint32_t right)
{
    uint64_t sum = 0;
    for (uint32_t k = n->down_first[left]; k < n->down_first[left + 1]; k++)
        for (uint32_t l = n->down_first[right]; l < n->down_first[right + 1]; l++)
            sum += lower_at(n, n->down[k]) > lower_at(n, n->down[l]);
    for (uint32_t k = n->up_first[left]; k < n->up_first[left + 1]; k++)
        for (uint32_t l = n->up_first[right]; l < n->up_first[right + 1]; l++)
            sum += upper_at(n, n->up[k]) > upper_at(n, n->up[l]);
    return sum;
}

static bool fixed_item(const net *n, uint32_t item)
{
    return n->b->items[item].kind == DIAGRAM_HEADER;
}

static bool swap_neighbours(net *n)
{
    bool better = false;
    for (int32_t r = 0; r < n->b->rank_count; r++) {
        uint32_t *layer = n->b->layers[r];
        for (uint32_t i = 0; !keeps_order(n->b, r) && i + 1 < n->b->layer_counts[r]; i++) {
            if (fixed_item(n, layer[i]) || pair_crossings(n, layer[i], layer[i + 1]) <= pair_crossings(n, layer[i + 1], layer[i]))
                continue;
            const uint32_t t = layer[i];
            layer[i] = layer[i + 1];
            layer[i + 1] = t;
            set_orders(n, r);
            better = true;
        }
    }
    return better;
}

static void sort_layer(net *n, int32_t r, bool by_upper)
{
    uint32_t *layer = n->b->layers[r];
    const uint32_t count = n->b->layer_counts[r];
    if (keeps_order(n->b, r))
        return;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = layer[i], *first = by_upper ? n->up_first : n->down_first;
        uint64_t sum = 0;
        for (uint32_t k = first[at]; k < first[at + 1]; k++)
            sum += by_upper ? upper_at(n, n->up[k]) : lower_at(n, n->down[k]);
        const uint32_t degree = first[at + 1] - first[at];
        n->key[at] = fixed_item(n, at) ? 0 : degree > 0 ? 1 + sum / degree : 1 + (uint64_t)i * UNIT + UNIT / 2;
    }
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t k = i; k > 0 && n->key[layer[k - 1]] > n->key[layer[k]]; k--) {
            const uint32_t t = layer[k];
            layer[k] = layer[k - 1];
            layer[k - 1] = t;
        }
    set_orders(n, r);
}

static void keep_best(net *n, bool load)
{
    uint32_t at = 0;
    for (int32_t r = 0; r < n->b->rank_count; r++) {
        for (uint32_t i = 0; i < n->b->layer_counts[r]; i++, at++)
            if (load)
                n->b->layers[r][i] = n->best[at];
            else
                n->best[at] = n->b->layers[r][i];
        if (load)
            set_orders(n, r);
    }
}

static void put_headers_first(net *n)
{
    for (uint32_t i = 1; i < n->b->layer_counts[0]; i++)
        if (fixed_item(n, n->b->layers[0][i])) {
            const uint32_t t = n->b->layers[0][i];
            memmove(n->b->layers[0] + 1, n->b->layers[0], i * sizeof t);
            n->b->layers[0][0] = t;
        }
    set_orders(n, 0);
}

static void set_sizes(diagram_graph *m, diagram_box *b)
{
    for (uint32_t i = 0; i < b->item_count; i++) {
        diagram_item *item = &b->items[i];
        const diagram_face *f = &m->faces[item->kind == DIAGRAM_STATE ? item->state : b->state];
        if (item->kind == DIAGRAM_STATE) {
            item->w = m->boxes[item->state] != NULL ? m->boxes[item->state]->w : f->w;
            item->h = m->boxes[item->state] != NULL ? m->boxes[item->state]->h : f->h;
        } else if (item->kind == DIAGRAM_HEADER) {
            item->w = (f->head.w > f->inside.w ? f->head.w : f->inside.w) + 8;
            item->h = f->head.h + (f->inside.count > 0 ? f->inside.h + 6 : 0) + 2;
        } else if (item->kind == DIAGRAM_INITIAL) {
            item->w = item->h = 14;
        } else if (item->kind == DIAGRAM_ANY) {
            item->w = diagram_measure(diagram_say_word(m->g, DIAGRAM_W_any), strlen(diagram_say_word(m->g, DIAGRAM_W_any)),
                                      DIAGRAM_SMALL) + 24;
            item->h = 26;
        }
    }
}

void diagram_order(diagram_graph *m, diagram_box *b)
{
    net n = {.m = m, .b = b};
    set_sizes(m, b);
    list_segments(&n, true);
    list_segments(&n, false);
    n.pos_up = diagram_alloc(m->g, b->segment_count, sizeof *n.pos_up);
    n.pos_down = diagram_alloc(m->g, b->segment_count, sizeof *n.pos_down);
    n.key = diagram_alloc(m->g, b->item_count, sizeof *n.key);
    n.best = diagram_alloc(m->g, b->item_count, sizeof *n.best);
    if (!m->g->failed)
        make_layers(&n);
    if (m->g->failed)
        return;
    for (uint32_t i = 0; i < b->segment_count; i++) {
        n.pos_up[i] = fraction(&n, &b->segments[i], b->segments[i].upper);
        n.pos_down[i] = fraction(&n, &b->segments[i], b->segments[i].lower);
    }
    put_headers_first(&n);
    sort_regions(&n);
    const uint32_t sweeps = b->segment_count < 600 ? SWEEPS : b->segment_count < 2000 ? 4 : 0;
    uint64_t least = sweeps > 0 ? crossings(&n) : 0;
    keep_best(&n, false);
    for (uint32_t sweep = 0; sweep < sweeps && least > 0; sweep++) {
        for (int32_t r = 1; sweep % 2 == 0 && r < b->rank_count; r++)
            sort_layer(&n, r, true);
        for (int32_t r = b->rank_count - 1; sweep % 2 == 1 && r-- > 0;)
            sort_layer(&n, r, false);
        for (int i = 0; i < 8 && swap_neighbours(&n); i++) {
        }
        const uint64_t now = crossings(&n);
        if (now < least) {
            least = now;
            keep_best(&n, false);
        }
    }
    keep_best(&n, true);
}

/* ---- pins ---- */

enum { PIN_GAP = 14 };

static int32_t *pin_of(diagram_segment *s, bool upper_side)
{
    return upper_side ? &s->to_x : &s->from_x;
}

/* A free place near x, away from the pins that are fixed. */
static int32_t free_place(const int32_t *taken, uint32_t count, int32_t x, int32_t w)
{
    for (int32_t step = 0; step <= w; step++)
        for (int side = 0; side < 2; side++) {
            const int32_t at = side == 0 ? x + step : x - step;
            bool good = at >= 6 && at <= w - 6;
            for (uint32_t i = 0; good && i < count; i++)
                good = at - taken[i] >= PIN_GAP - 2 || taken[i] - at >= PIN_GAP - 2;
            if (good)
                return at;
        }
    return x;
}

/* Spreads the lines over the upper or the lower side of an item, in the order of where they come from. */
static void pin_side(diagram_graph *m, diagram_box *b, uint32_t item, bool upper_side, uint32_t *list, uint32_t count)
{
    diagram_item *it = &b->items[item];
    int32_t *taken = diagram_alloc(m->g, count, sizeof *taken);
    uint32_t fixed = 0, free_count = 0;
    const bool circle = it->kind == DIAGRAM_INITIAL || (it->kind == DIAGRAM_STATE && it->w == 28);
    if (m->g->failed)
        return;
    for (uint32_t i = 1; i < count; i++) /* by the other ends */
        for (uint32_t k = i; k > 0; k--) {
            const diagram_segment *p = &b->segments[list[k - 1]], *q = &b->segments[list[k]];
            const uint32_t a = b->items[upper_side ? p->upper : p->lower].order, c = b->items[upper_side ? q->upper : q->lower].order;
            if (a <= c)
                break;
            const uint32_t t = list[k];
            list[k] = list[k - 1];
            list[k - 1] = t;
        }
    for (uint32_t i = 0; i < count; i++) {
        diagram_segment *s = &b->segments[list[i]];
        int32_t x;
        if (fixed_pin(m, s, item, &x)) {
            *pin_of(s, upper_side) = x;
            taken[fixed++] = x;
            list[i] |= UINT32_C(1) << 31;
        } else {
            free_count++;
        }
    }
    uint32_t nth = 0;
    for (uint32_t i = 0; i < count; i++) {
        if ((list[i] >> 31) != 0)
            continue;
        nth++;
        int32_t x = it->w * (int32_t)nth / (int32_t)(free_count + 1);
        if (circle)
            x = it->w / 2 + (it->w > 20 && free_count > 1 ? ((int32_t)nth * 2 - (int32_t)free_count - 1) * 5 / (int32_t)(free_count - 1) : 0);
        else if (fixed > 0)
            x = free_place(taken, fixed, x, it->w);
        *pin_of(&b->segments[list[i]], upper_side) = x;
        if (fixed > 0)
            taken[fixed++] = x;
    }
}

/* Where the other end stands, from the item's left edge. */
static int32_t straight_pin(const diagram_box *b, const diagram_segment *s, bool upper_side)
{
    const diagram_item *upper = &b->items[s->upper], *lower = &b->items[s->lower];
    return upper_side ? upper->x + s->from_x - lower->x : lower->x + s->to_x - upper->x;
}

static void straighten_side(diagram_graph *m, diagram_box *b, uint32_t item, bool upper_side, uint32_t *list, uint32_t count)
{
    const diagram_item *it = &b->items[item];
    for (uint32_t i = 1; i < count; i++) /* from left to right */
        for (uint32_t k = i; k > 0 && *pin_of(&b->segments[list[k - 1]], upper_side) > *pin_of(&b->segments[list[k]], upper_side); k--) {
            const uint32_t t = list[k];
            list[k] = list[k - 1];
            list[k - 1] = t;
        }
    for (uint32_t i = 0; i < count; i++) {
        diagram_segment *s = &b->segments[list[i]];
        const int32_t low = i > 0 ? *pin_of(&b->segments[list[i - 1]], upper_side) + PIN_GAP - 2 : 10;
        const int32_t high = i + 1 < count ? *pin_of(&b->segments[list[i + 1]], upper_side) - PIN_GAP + 2 : it->w - 10;
        const int32_t x = straight_pin(b, s, upper_side);
        int32_t fixed;
        if (x >= low && x <= high && !fixed_pin(m, s, item, &fixed))
            *pin_of(s, upper_side) = x;
    }
}

/* Once everything has its x, lines that can be straight by moving where they leave a state are made so. */
void diagram_straighten(diagram_graph *m, diagram_box *b)
{
    uint32_t *list = diagram_alloc(m->g, b->segment_count, sizeof *list);
    for (uint32_t i = 0; i < b->item_count && !m->g->failed; i++)
        for (int upper = 0; upper < 2; upper++) {
            uint32_t count = 0;
            if (!(b->items[i].kind == DIAGRAM_STATE && b->items[i].w != 28) && b->items[i].kind != DIAGRAM_ANY)
                continue;
            for (uint32_t k = 0; k < b->segment_count; k++)
                if ((upper ? b->segments[k].lower : b->segments[k].upper) == i)
                    list[count++] = k;
            straighten_side(m, b, i, upper != 0, list, count);
        }
}

void diagram_pins(diagram_graph *m, diagram_box *b)
{
    uint32_t *list = diagram_alloc(m->g, b->segment_count, sizeof *list);
    if (m->g->failed)
        return;
    for (uint32_t i = 0; i < b->item_count && !m->g->failed; i++)
        for (int upper = 0; upper < 2; upper++) {
            uint32_t count = 0;
            diagram_item *it = &b->items[i];
            for (uint32_t k = 0; k < b->segment_count; k++)
                if ((upper ? b->segments[k].lower : b->segments[k].upper) == i)
                    list[count++] = k;
            const bool leaf = it->kind == DIAGRAM_STATE && m->boxes[it->state] == NULL && it->w != 28;
            const int32_t least = (int32_t)(count + 1) * PIN_GAP;
            if ((leaf || it->kind == DIAGRAM_ANY) && it->w < least)
                it->w = least;
            if (count > 0)
                pin_side(m, b, i, upper != 0, list, count);
        }
}
