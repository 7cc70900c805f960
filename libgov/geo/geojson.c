/* From a GeoJSON geometry to a shape in canonical form. */
#include "geo/geo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A ring on its way: read, closed, tidied, put in order. */
typedef struct part {
    geo_point *points;
    const geo_point *outer; /* points of the polygon's first ring */
    uint32_t count;
    uint32_t polygon, ring; /* counted from 1, as they stand in the text */
} part;

typedef struct reader {
    base_arena arena; /* scratch */
    const base_place *place;
    const diag *d;
    part *parts;
    size_t count;
    uint32_t polygons;
    size_t positions;
} reader;

/* A decimal number of degrees; the nearest unit of its shortest decimal text, ties away from zero. */
static bool number_to_e7(value v, int64_t *out)
{
    char text[32];
    if (v.kind == VALUE_INT)
        return v.as.i >= -1000 && v.as.i <= 1000 && base_mul(v.as.i, GEO_DEGREE, out);
    if (v.kind != VALUE_DOUBLE || !(v.as.d >= -1000 && v.as.d <= 1000))
        return false;
    const double scaled = v.as.d * 1e7;
    *out = (int64_t)llround(scaled);
    if (fabs(scaled - (double)*out) < 0.49)
        return true; /* no doubt */
    int64_t exact;
    if (base_parse_e7(text, base_format_double(v.as.d, text),
                      &exact)) /* fails on an exponent: tiny */
        *out = exact;
    return true;
}

static gov_status out_of_range(const reader *r, const part *p, size_t position, value at)
{
    char lon[32] = "", lat[32] = "";
    const value *xy = at.as.items;
    base_format_double(xy[0].kind == VALUE_INT ? (double)xy[0].as.i : xy[0].as.d, lon);
    base_format_double(xy[1].kind == VALUE_INT ? (double)xy[1].as.i : xy[1].as.d, lat);
    return base_fail_at(r->d, r->place, M_geo_out_of_range, A_I("polygon", p->polygon),
                        A_I("ring", p->ring), A_I("position", position), A_S("lon", lon),
                        A_S("lat", lat));
}

static bool is_number(value v)
{
    return v.kind == VALUE_INT || v.kind == VALUE_DOUBLE;
}

static gov_status read_position(const reader *r, const part *p, size_t position, value at,
                                geo_point *out)
{
    if (at.kind != VALUE_LIST || at.len < 2 || !is_number(at.as.items[0]) ||
        !is_number(at.as.items[1]))
        return base_fail_at(r->d, r->place, M_geo_position, A_I("polygon", p->polygon),
                            A_I("ring", p->ring), A_I("position", position));
    if (!number_to_e7(at.as.items[0], &out->lon) || !number_to_e7(at.as.items[1], &out->lat) ||
        !geo_point_valid(*out))
        return out_of_range(r, p, position, at);
    return GOV_OK;
}

#define RING_FAIL(r, p, m) \
    base_fail_at((r)->d, (r)->place, (m), A_I("polygon", (p)->polygon), A_I("ring", (p)->ring))

static void reverse(geo_point *p, size_t n)
{
    for (size_t i = 0, k = n; i + 1 < k; i++) {
        const geo_point swap = p[--k];
        p[k] = p[i];
        p[i] = swap;
    }
}

/* Takes out what repeats, sets the direction, begins at the least position. */
static gov_status tidy(const reader *r, part *p)
{
    size_t n = 0, least = 0;
    for (size_t i = 0; i < p->count; i++)
        if (n == 0 || !geo_same_point(p->points[n - 1], p->points[i]))
            p->points[n++] = p->points[i];
    while (n > 1 && geo_same_point(p->points[n - 1], p->points[0]))
        n--;
    if (n < 3)
        return RING_FAIL(r, p, M_geo_ring_short);
    const int direction = geo_ring_direction(p->points, n);
    if (direction == 0)
        return RING_FAIL(r, p, M_geo_ring_flat);
    if (direction != (p->ring == 1 ? 1 : -1))
        reverse(p->points, n);
    for (size_t i = 1; i < n; i++)
        if (geo_compare_points(p->points[i], p->points[least]) < 0)
            least = i;
    reverse(p->points, least); /* three reversals rotate */
    reverse(p->points + least, n - least);
    reverse(p->points, n);
    p->count = (uint32_t)n;
    return GOV_OK;
}

static gov_status read_ring(reader *r, part *p, value ring)
{
    if (ring.kind != VALUE_LIST || ring.len < 4)
        return RING_FAIL(r, p, M_geo_ring_short);
    if (ring.len > (size_t)GEO_MAX_POSITIONS - r->positions)
        return base_fail_at(r->d, r->place, M_too_large, A_S("what", "positions of a shape"),
                            A_I("limit", GEO_MAX_POSITIONS));
    p->points = base_arena_array(&r->arena, ring.len, sizeof *p->points);
    if (p->points == NULL)
        return base_nomem(r->d);
    for (size_t i = 0; i < ring.len; i++) {
        const gov_status status = read_position(r, p, i + 1, ring.as.items[i], &p->points[i]);
        if (status != GOV_OK)
            return status;
    }
    if (!geo_same_point(p->points[0], p->points[ring.len - 1]))
        return RING_FAIL(r, p, M_geo_ring_open);
    p->count = (uint32_t)ring.len - 1;
    const gov_status status = tidy(r, p);
    r->positions += p->count;
    return status;
}

static gov_status read_polygon(reader *r, value rings)
{
    const part *const first = &r->parts[r->count];
    r->polygons++;
    for (size_t i = 0; i < rings.len; i++) {
        part *p = &r->parts[r->count++];
        p->polygon = r->polygons;
        p->ring = (uint32_t)i + 1;
        const gov_status status = read_ring(r, p, rings.as.items[i]);
        if (status != GOV_OK)
            return status;
        p->outer = first->points;
    }
    return GOV_OK;
}

static gov_status not_geometry(const reader *r, const char *why)
{
    return base_fail_at(r->d, r->place, M_geo_not_geometry, A_S("why", why));
}

/* Counts the rings, so that the parts stay where they are. */
static gov_status prepare(reader *r, const value *polygons, size_t n)
{
    size_t rings = 0;
    for (size_t i = 0; i < n; i++) {
        if (polygons[i].kind != VALUE_LIST || polygons[i].len == 0)
            return not_geometry(r, "a polygon must be a list of rings");
        rings += polygons[i].len;
    }
    if (n == 0)
        return not_geometry(r, "it has no polygons");
    if (rings > (size_t)GEO_MAX_POSITIONS / 3)
        return base_fail_at(r->d, r->place, M_too_large, A_S("what", "rings of a shape"),
                            A_I("limit", GEO_MAX_POSITIONS / 3));
    r->parts = base_arena_array(&r->arena, rings, sizeof *r->parts);
    return r->parts != NULL ? GOV_OK : base_nomem(r->d);
}

static gov_status read_geometry(reader *r, value geometry)
{
    const value type = value_get_text(geometry, "type");
    const value list = value_get_text(geometry, "coordinates");
    const bool many = value_is_text(type, "MultiPolygon");
    if (geometry.kind != VALUE_MAP || type.kind != VALUE_STRING)
        return not_geometry(r, "an object with \"type\" and \"coordinates\" is needed");
    if (!many && !value_is_text(type, "Polygon"))
        return base_fail_at(r->d, r->place, M_geo_wrong_type, A_N("type", type.as.s, type.len),
                            A_S("wanted", "Polygon / MultiPolygon"));
    if (list.kind != VALUE_LIST)
        return not_geometry(r, "\"coordinates\" must be a list");
    const value *polygons = many ? list.as.items : &list;
    const size_t n = many ? list.len : 1;
    gov_status status = prepare(r, polygons, n);
    for (size_t i = 0; i < n && status == GOV_OK; i++)
        status = read_polygon(r, polygons[i]);
    return status;
}

static int compare_starts(const geo_point *a, const geo_point *b)
{
    const int first = geo_compare_points(a[0], b[0]);
    return first != 0 ? first : geo_compare_points(a[1], b[1]);
}

/* Polygons by their outer rings, in each the outer ring first. Every ring has three positions. */
static int by_place(const void *a, const void *b)
{
    const part *p = a, *q = b;
    if (p->polygon != q->polygon) {
        const int order = compare_starts(p->outer, q->outer);
        return order != 0 ? order : p->polygon < q->polygon ? -1 : 1;
    }
    if (p->ring == 1 || q->ring == 1)
        return p->ring == 1 ? -(q->ring != 1) : 1;
    const int order = compare_starts(p->points, q->points);
    return order != 0 ? order : p->ring < q->ring ? -1 : p->ring > q->ring;
}

/* One block: the shape, its points, its rings. */
static geo_shape *assemble(const gov_allocator *a, const reader *r)
{
    geo_shape *s =
        base_alloc(a, sizeof *s + r->positions * sizeof(geo_point) + r->count * sizeof(geo_ring));
    if (s == NULL)
        return NULL;
    geo_point *points = (geo_point *)(s + 1);
    geo_ring *rings = (geo_ring *)(points + r->positions);
    s->points = points;
    s->ring = rings;
    s->rings = (uint32_t)r->count;
    s->polygons = r->polygons;
    s->box = geo_bbox_empty();
    for (size_t i = 0; i < r->count; i++) {
        const part *p = &r->parts[i];
        rings[i] = (geo_ring){s->positions, p->count, p->ring != 1};
        memcpy(points + s->positions, p->points, p->count * sizeof *points);
        s->positions += p->count;
    }
    for (size_t i = 0; i < s->positions; i++) {
        const geo_point at = points[i];
        geo_bbox_add(&s->box, (geo_bbox){at.lat, at.lon, at.lat, at.lon});
    }
    return s;
}

gov_status geo_shape_from_value(const gov_allocator *a, geo_checker *c, value geometry,
                                const base_place *place, geo_shape **out, const diag *d)
{
    reader r = {.place = place, .d = d};
    geo_shape *s = NULL;
    base_arena_init(&r.arena, a);
    gov_status status = read_geometry(&r, geometry);
    if (status == GOV_OK) {
        qsort(r.parts, r.count, sizeof *r.parts, by_place);
        s = assemble(a, &r);
        status = s != NULL ? GOV_OK : base_nomem(d);
    }
    base_arena_free(&r.arena);
    if (status == GOV_OK && c != NULL)
        status = geo_check(c, s, place, d);
    if (status != GOV_OK) {
        geo_shape_free(a, s);
        return status;
    }
    *out = s;
    return GOV_OK;
}

gov_status geo_shape_from_json(const gov_allocator *a, geo_checker *c, const char *text, size_t len,
                               const base_place *place, geo_shape **out, const diag *d)
{
    base_arena arena;
    value v;
    base_arena_init(&arena, a);
    gov_status status = value_read_json(&arena, text, len, &v, d);
    if (status == GOV_OK)
        status = geo_shape_from_value(a, c, v, place, out, d);
    base_arena_free(&arena);
    return status;
}

gov_status geo_point_from_value(value v, const base_place *place, geo_point *out, const diag *d)
{
    const value type = value_get_text(v, "type");
    value lon = value_get_text(v, "lon"), lat = value_get_text(v, "lat");
    geo_point p = {0, 0};
    if (type.kind != VALUE_ABSENT) {
        const value xy = value_get_text(v, "coordinates");
        if (type.kind == VALUE_STRING && !value_is_text(type, "Point"))
            return base_fail_at(d, place, M_geo_wrong_type, A_N("type", type.as.s, type.len),
                                A_S("wanted", "Point"));
        lon = lat = value_absent();
        if (xy.kind == VALUE_LIST && xy.len >= 2) {
            lon = xy.as.items[0];
            lat = xy.as.items[1];
        }
    }
    if (!is_number(lon) || !is_number(lat) || !number_to_e7(lon, &p.lon) ||
        !number_to_e7(lat, &p.lat) || !geo_point_valid(p))
        return base_fail_at(d, place, M_geo_point_bad);
    *out = p;
    return GOV_OK;
}
