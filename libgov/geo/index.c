/* Which area is a point in. Each level has a uniform grid of cells, a power of two wide. A cell knows which areas it
 * may lie in; most lie wholly inside one. For the others an area's edges are kept by rows of the grid, and a point is
 * decided by those of its row alone: the ray to the east never leaves the row, so the answer is the full one. */
#include "geo/geo.h"

#include <stdlib.h>
#include <string.h>

typedef struct edge {
    int32_t x1, y1, x2, y2; /* y1 < y2 */
} edge;

typedef struct candidate {
    int64_t id;
    uint32_t from, count; /* edges of the area in this row; none: the cell lies wholly inside */
} candidate;

typedef struct level {
    int64_t x0, y0, x1, y1; /* the box, closed */
    uint32_t shift, cols, rows;
    uint32_t *cells; /* cols * rows + 1: where a cell's candidates begin */
    candidate *candidates;
    edge *edges;
    size_t memory;
} level;

struct geo_index {
    const gov_allocator *alloc;
    level *levels[GEO_MAX_LEVEL + 1];
};

/* ---- looking up ---- */

static bool inside(const edge *e, uint32_t n, int64_t x, int64_t y)
{
    bool odd = false;
    for (uint32_t i = 0; i < n; i++)
        odd ^= geo_crosses(e[i].x1, e[i].y1, e[i].x2, e[i].y2, x, y);
    return odd;
}

static int64_t find(const level *l, geo_point p)
{
    if (p.lon < l->x0 || p.lon > l->x1 || p.lat < l->y0 || p.lat > l->y1)
        return 0;
    const uint32_t col = (uint32_t)(p.lon - l->x0) >> l->shift,
                   row = (uint32_t)(p.lat - l->y0) >> l->shift;
    const uint32_t *cell = l->cells + (size_t)row * l->cols + col;
    for (uint32_t i = cell[0]; i < cell[1]; i++) {
        const candidate *c = &l->candidates[i];
        if (c->count == 0 || inside(l->edges + c->from, c->count, p.lon, p.lat))
            return c->id;
    }
    return 0;
}

void geo_locate(const geo_index *ix, int32_t at, const geo_point *points, size_t n, int64_t *ids)
{
    const bool deepest = at == GEO_DEEPEST;
    const int32_t top = deepest ? GEO_MAX_LEVEL : at;
    for (size_t i = 0; i < n; i++)
        ids[i] = 0;
    if (at < GEO_DEEPEST || at > GEO_MAX_LEVEL)
        return;
    for (int32_t k = top; k >= 0 && (deepest || k == at); k--)
        for (size_t i = 0; i < n && ix->levels[k] != NULL; i++)
            if (ids[i] == 0)
                ids[i] = find(ix->levels[k], points[i]);
}

/* ---- building ---- */

typedef struct placed { /* a candidate and the cell it belongs to */
    uint32_t cell;
    candidate c;
} placed;

typedef struct builder {
    const gov_allocator *alloc;
    const geo_area *areas;
    size_t count;
    int32_t number; /* of the level; areas of other levels are passed over */
    level *l;
    size_t edge_total, row_edges, slots;
    uint32_t *slot_edges; /* per (area, row of its box): where its edges begin */
    uint8_t *marks;       /* cells that the current area's border touches */
    uint8_t *closed;      /* cells that lie wholly inside an earlier area */
    placed *placed;
    size_t placed_count, placed_cap;
} builder;

typedef void edge_visitor(builder *b, const geo_shape *s, uint32_t *slots, edge e);

static void each_edge(builder *b, const geo_shape *s, uint32_t *slots, edge_visitor *visit)
{
    for (size_t i = 0; i < s->rings; i++) {
        const geo_point *p = s->points + s->ring[i].from;
        for (size_t k = 0, n = s->ring[i].count; k < n; k++) {
            const geo_point u = p[k], v = p[k + 1 < n ? k + 1 : 0];
            const bool up = u.lat < v.lat;
            const geo_point low = up ? u : v, high = up ? v : u;
            visit(b, s, slots,
                  (edge){(int32_t)low.lon, (int32_t)low.lat, (int32_t)high.lon, (int32_t)high.lat});
        }
    }
}

static uint32_t row_of(const level *l, int64_t y)
{
    return (uint32_t)(y - l->y0) >> l->shift;
}

static uint32_t col_of(const level *l, int64_t x)
{
    return (uint32_t)(x - l->x0) >> l->shift;
}

static uint32_t first_row(const level *l, const geo_shape *s)
{
    return row_of(l, s->box.lat_min);
}

static uint32_t last_row(const level *l, const geo_shape *s)
{
    return row_of(l, s->box.lat_max);
}

/* Cells for twice as many as there are edges, but fewer where long edges would stand in too many rows. */
static void choose_grid(builder *b)
{
    level *l = b->l;
    const uint64_t wanted =
        b->edge_total < (1u << 19) ? 2 * (uint64_t)b->edge_total + 64 : 1u << 20;
    for (l->shift = 0;; l->shift++) {
        l->cols = col_of(l, l->x1) + 1;
        l->rows = row_of(l, l->y1) + 1;
        if ((uint64_t)l->cols * l->rows > wanted)
            continue;
        b->row_edges = b->slots = 0;
        for (size_t i = 0; i < b->count; i++) {
            const geo_shape *s = b->areas[i].shape;
            if (b->areas[i].level != b->number)
                continue;
            b->slots += last_row(l, s) - first_row(l, s) + 1;
            for (size_t k = 0; k < s->rings; k++) {
                const geo_point *p = s->points + s->ring[k].from;
                for (size_t j = 0, n = s->ring[k].count; j < n; j++) {
                    const uint32_t u = row_of(l, p[j].lat),
                                   v = row_of(l, p[j + 1 < n ? j + 1 : 0].lat);
                    b->row_edges += (u > v ? u - v : v - u) + 1;
                }
            }
        }
        if (b->row_edges <= 16 * b->edge_total + 4096 || (l->rows == 1 && l->cols == 1))
            return;
    }
}

/* The rows in which a ray may meet the edge: those with a height in y1 <= y < y2. */
static void count_edge(builder *b, const geo_shape *s, uint32_t *slots, edge e)
{
    const uint32_t base = first_row(b->l, s);
    if (e.y1 == e.y2)
        return;
    for (uint32_t r = row_of(b->l, e.y1); r <= row_of(b->l, (int64_t)e.y2 - 1); r++)
        slots[r - base]++;
}

static void store_edge(builder *b, const geo_shape *s, uint32_t *slots, edge e)
{
    const uint32_t base = first_row(b->l, s);
    if (e.y1 == e.y2)
        return;
    for (uint32_t r = row_of(b->l, e.y1); r <= row_of(b->l, (int64_t)e.y2 - 1); r++)
        b->l->edges[slots[r - base]++] = e;
}

static void each_area(builder *b, edge_visitor *visit)
{
    uint32_t *slots = b->slot_edges;
    for (size_t i = 0; i < b->count; i++) {
        const geo_shape *s = b->areas[i].shape;
        if (b->areas[i].level != b->number)
            continue;
        each_edge(b, s, slots, visit);
        slots += last_row(b->l, s) - first_row(b->l, s) + 1;
    }
}

/* Counts, sums up, stores; afterwards slot k's edges end at slot_edges[k] and begin at slot_edges[k - 1]. */
static bool sort_edges(builder *b)
{
    uint32_t sum = 0;
    b->slot_edges = base_array(b->alloc, b->slots + 1, sizeof *b->slot_edges);
    if (b->slot_edges == NULL)
        return false;
    b->slot_edges++; /* one before the first stays 0 */
    each_area(b, count_edge);
    for (size_t i = 0; i < b->slots; i++) {
        const uint32_t n = b->slot_edges[i];
        b->slot_edges[i] = sum;
        sum += n;
    }
    b->l->edges = base_array(b->alloc, sum, sizeof *b->l->edges);
    b->l->memory += sum * sizeof *b->l->edges;
    if (b->l->edges == NULL)
        return false;
    each_area(b, store_edge);
    return true;
}

/* Marks every cell that the edge meets, rather one too many than one too few. */
static void mark_edge(builder *b, const geo_shape *s, uint32_t *slots, edge e)
{
    const level *l = b->l;
    (void)s;
    (void)slots;
    for (uint32_t r = row_of(l, e.y1); r <= row_of(l, e.y2); r++) {
        const int64_t bottom = l->y0 + ((int64_t)r << l->shift),
                      top = bottom + (INT64_C(1) << l->shift) - 1;
        int64_t xa = e.x1, xb = e.x2;
        if (e.y1 != e.y2) {
            xa = geo_edge_x(e.x1, e.y1, e.x2, e.y2, e.y1 > bottom ? e.y1 : bottom);
            xb = geo_edge_x(e.x1, e.y1, e.x2, e.y2, e.y2 < top ? e.y2 : top);
        }
        const int64_t left = xa < xb ? xa : xb, right = (xa < xb ? xb : xa) + 1;
        const uint32_t from = col_of(l, left), to = col_of(l, right < l->x1 ? right : l->x1);
        memset(b->marks + (size_t)r * l->cols + from, 1, to - from + 1);
    }
}

static bool place(builder *b, uint32_t cell, int64_t id, uint32_t from, uint32_t count)
{
    if (b->closed[cell])
        return true;
    if (!base_grow(b->alloc, &b->placed, &b->placed_cap, b->placed_count, sizeof *b->placed))
        return false;
    b->placed[b->placed_count++] = (placed){cell, {id, from, count}};
    b->closed[cell] = count == 0;
    return true;
}

/* One row of one area. Cells between two touched ones are alike: all inside or all outside. */
static bool place_row(builder *b, const geo_area *area, uint32_t row, uint32_t from, uint32_t count)
{
    const level *l = b->l;
    const uint32_t first = col_of(l, area->shape->box.lon_min),
                   last = col_of(l, area->shape->box.lon_max);
    const size_t base = (size_t)row * l->cols;
    bool known = false, whole = false;
    for (uint32_t col = first; col <= last; col++) {
        const bool touched = b->marks[base + col];
        b->marks[base + col] = 0; /* clean for the next area */
        if (touched) {
            known = false;
        } else if (!known) {
            whole = inside(l->edges + from, count, l->x0 + ((int64_t)col << l->shift),
                           l->y0 + ((int64_t)row << l->shift));
            known = true;
        }
        if (count > 0 && (touched || whole) &&
            !place(b, (uint32_t)(base + col), area->id, from, touched ? count : 0))
            return false;
    }
    return true;
}

static bool place_areas(builder *b)
{
    const uint32_t *slots = b->slot_edges;
    for (size_t i = 0; i < b->count; i++) {
        const geo_area *area = &b->areas[i];
        if (area->level != b->number)
            continue;
        each_edge(b, area->shape, NULL, mark_edge);
        for (uint32_t r = first_row(b->l, area->shape); r <= last_row(b->l, area->shape);
             r++, slots++)
            if (!place_row(b, area, r, slots[-1], slots[0] - slots[-1]))
                return false;
    }
    return true;
}

/* A counting sort by cell, which keeps the order of areas within a cell. */
static bool sort_candidates(builder *b)
{
    level *l = b->l;
    const size_t cells = (size_t)l->cols * l->rows;
    uint32_t sum = 0;
    l->cells = base_array(b->alloc, cells + 2, sizeof *l->cells);
    l->candidates = base_array(b->alloc, b->placed_count, sizeof *l->candidates);
    l->memory += (cells + 2) * sizeof *l->cells + b->placed_count * sizeof *l->candidates;
    if (l->cells == NULL || l->candidates == NULL)
        return false;
    uint32_t *next = l->cells + 1; /* while sorting, shifted by one: ends become beginnings */
    for (size_t i = 0; i < b->placed_count; i++)
        next[b->placed[i].cell]++;
    for (size_t i = 0; i <= cells; i++) {
        const uint32_t n = next[i];
        next[i] = sum;
        sum += n;
    }
    for (size_t i = 0; i < b->placed_count; i++)
        l->candidates[next[b->placed[i].cell]++] = b->placed[i].c;
    return true;
}

static void measure(builder *b)
{
    geo_bbox box = geo_bbox_empty();
    for (size_t i = 0; i < b->count; i++) {
        if (b->areas[i].level != b->number)
            continue;
        geo_bbox_add(&box, b->areas[i].shape->box);
        b->edge_total += b->areas[i].shape->positions;
    }
    b->l->x0 = box.lon_min;
    b->l->x1 = box.lon_max;
    b->l->y0 = box.lat_min;
    b->l->y1 = box.lat_max;
}

static bool build_level(geo_index *ix, const geo_area *areas, size_t count, int32_t number)
{
    builder b = {.alloc = ix->alloc, .areas = areas, .count = count, .number = number};
    b.l = ix->levels[number] = base_alloc(ix->alloc, sizeof *b.l);
    if (b.l == NULL)
        return false;
    b.l->memory = sizeof *b.l;
    measure(&b);
    choose_grid(&b);
    const size_t cells = (size_t)b.l->cols * b.l->rows;
    b.marks = base_array(b.alloc, cells, 1);
    b.closed = base_array(b.alloc, cells, 1);
    const bool ok = b.marks != NULL && b.closed != NULL && sort_edges(&b) && place_areas(&b) &&
                    sort_candidates(&b);
    base_free(b.alloc, b.marks);
    base_free(b.alloc, b.closed);
    base_free(b.alloc, b.placed);
    if (b.slot_edges != NULL)
        base_free(b.alloc, b.slot_edges - 1);
    return ok;
}

gov_status geo_index_build(const gov_allocator *a, const geo_area *areas, size_t count,
                           geo_index **out, const diag *d)
{
    size_t edges = 0;
    geo_index *ix = base_alloc(a, sizeof *ix);
    if (ix == NULL)
        return base_nomem(d);
    ix->alloc = a;
    for (size_t i = 0; i < count; i++) {
        if (areas[i].id == 0 || areas[i].level < 0 || areas[i].level > GEO_MAX_LEVEL) {
            geo_index_free(ix);
            return base_fail(d, M_geo_area_id, A_I("index", i));
        }
        edges += areas[i].shape->positions;
    }
    if (edges > (1u << 27)) { /* so that every count fits 32 bits */
        geo_index_free(ix);
        return base_fail(d, M_too_large, A_S("what", "positions of all areas"),
                         A_I("limit", 1 << 27));
    }
    for (size_t i = 0; i < count; i++) {
        if (ix->levels[areas[i].level] == NULL && !build_level(ix, areas, count, areas[i].level)) {
            geo_index_free(ix);
            return base_nomem(d);
        }
    }
    *out = ix;
    return GOV_OK;
}

void geo_index_free(geo_index *ix)
{
    if (ix == NULL)
        return;
    for (size_t i = 0; i < ARRAY_LEN(ix->levels); i++) {
        level *l = ix->levels[i];
        if (l == NULL)
            continue;
        base_free(ix->alloc, l->cells);
        base_free(ix->alloc, l->candidates);
        base_free(ix->alloc, l->edges);
        base_free(ix->alloc, l);
    }
    base_free(ix->alloc, ix);
}

size_t geo_index_memory(const geo_index *ix)
{
    size_t sum = sizeof *ix;
    for (size_t i = 0; i < ARRAY_LEN(ix->levels); i++)
        sum += ix->levels[i] != NULL ? ix->levels[i]->memory : 0;
    return sum;
}
