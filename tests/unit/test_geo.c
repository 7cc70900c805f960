/* Room geo: shapes against GEOS as the second opinion, known distances, canonical text, bad input. */
#include "support/faulty.h"
#include "support/oom_malloc.h"
#include "support/support.h"

#include <geos_c.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "geo/geo.h"

#define SQUARE(x0, y0, x1, y1) \
    "[[" #x0 "," #y0 "],[" #x1 "," #y0 "],[" #x1 "," #y1 "],[" #x0 "," #y1 "],[" #x0 "," #y0 "]]"

static const gov_allocator *const A = NULL;

static geo_shape *shape_of(const char *json)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    geo_checker *c;
    geo_shape *s = NULL;
    assert_gov_ok(geo_checker_new(A, &c, &d), err);
    assert_gov_ok(geo_shape_from_json(A, c, json, strlen(json), NULL, &s, &d), err);
    geo_checker_free(c);
    return s;
}

static char *text_of(const geo_shape *s)
{
    base_buf b;
    base_buf_init(&b, A);
    geo_shape_write(&b, s);
    assert_false(b.failed);
    return base_buf_take(&b, NULL);
}

static void assert_text(const char *json, const char *expected)
{
    geo_shape *s = shape_of(json);
    char *text = text_of(s);
    assert_string_equal(text, expected);
    geo_shape *again = shape_of(text);
    char *second = text_of(again);
    assert_string_equal(second, expected);
    base_free(A, text);
    base_free(A, second);
    geo_shape_free(A, s);
    geo_shape_free(A, again);
}

static void canonical_text(void **state)
{
    (void)state;
    /* clockwise, beginning elsewhere, a position repeated, a height, too many digits */
    assert_text("{\"type\":\"Polygon\",\"coordinates\":[[[1,1],[1,0,55.5],[0,0],[0,0],[0,1."
                "00000004],[1,1]]]}",
                "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}");
    assert_text(
        "{\"coordinates\":[[[1e-7,0],[-0.00000015,0],[0,-0.5],[1e-7,0]]],\"type\":\"Polygon\"}",
        "{\"type\":\"Polygon\",\"coordinates\":[[[-0.0000002,0],[0,-0.5],[0.0000001,0],[-0.0000002,"
        "0]]]}");
    /* a multi-polygon of one is a polygon; polygons and holes come in the order of their places */
    assert_text("{\"type\":\"MultiPolygon\",\"coordinates\":[[" SQUARE(0, 0, 2, 2) "]]}",
                "{\"type\":\"Polygon\",\"coordinates\":[" SQUARE(0, 0, 2, 2) "]}");
    assert_text("{\"type\":\"MultiPolygon\",\"coordinates\":[[" SQUARE(5, 0, 6, 1) "],[" SQUARE(
                    0, 0, 4, 4) "," SQUARE(2, 2, 3, 3) "," SQUARE(1, 1, 2, 2) "]]}",
                "{\"type\":\"MultiPolygon\",\"coordinates\":[[" SQUARE(
                    0, 0, 4, 4) ",[[1,1],[1,2],[2,2],[2,1],[1,1]],[[2,2],[2,3],[3,3],[3,2],[2,2]]],"
                                "[" SQUARE(5, 0, 6, 1) "]]}");
}

static void refusals(void **state)
{
    static const struct {
        const char *json, *code;
    } cases[] = {
        {"[]", "geo_not_geometry"},
        {"{\"type\":\"Point\",\"coordinates\":[1,2]}", "geo_wrong_type"},
        {"{\"type\":\"Polygon\"}", "geo_not_geometry"},
        {"{\"type\":\"Polygon\",\"coordinates\":[]}", "geo_not_geometry"},
        {"{\"type\":\"MultiPolygon\",\"coordinates\":[]}", "geo_not_geometry"},
        {"{\"type\":\"MultiPolygon\",\"coordinates\":[[]]}", "geo_not_geometry"},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,1]]]}", "geo_ring_open"},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[0,0]]]}", "geo_ring_short"},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,0],[0,0],[0,0]]]}",
         "geo_ring_short"},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,1],[2,2],[0,0]]]}", "geo_ring_flat"},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1],[1,1],[0,0]]]}", "geo_position"},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,\"0\"],[1,1],[0,0]]]}", "geo_position"},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[39.9,116.4],[1,1],[0,0]]]}",
         "geo_out_of_range"},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1e300,1],[1,1],[0,0]]]}",
         "geo_out_of_range"},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[2,2],[2,0],[0,1],[0,0]]]}",
         "geo_crossing"},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[2,0],[1,1],[2,2],[0,2],[1,1],[0,0]]]}",
         "geo_crossing"},
        {"{\"type\":\"Polygon\",\"coordinates\":[" SQUARE(0, 0, 1, 1) "," SQUARE(2, 2, 3, 3) "]}",
         "geo_hole_outside"},
        {"{\"type\":\"Polygon\",\"coordinates\":[" SQUARE(0, 0, 9, 9) "," SQUARE(
             1, 1, 8, 8) "," SQUARE(2, 2, 3, 3) "]}",
         "geo_nested"},
        {"{\"type\":\"MultiPolygon\",\"coordinates\":[[" SQUARE(0, 0, 9, 9) "],[" SQUARE(2, 2, 3,
                                                                                         3) "]]}",
         "geo_nested"},
        {"{\"type\":\"Polygon\",\"coordinates\":[" SQUARE(0, 0, 4,
                                                          4) ",[[2,0],[4,2],[2,4],[0,2],[2,0]]]}",
         "geo_disconnected"},
    };
    geo_checker *c;
    const base_place place = {"grids.geojson", 7, 3};
    (void)state;
    assert_int_equal(geo_checker_new(A, &c, NULL), GOV_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        geo_shape *s = NULL;
        assert_gov(GOV_E_INPUT,
                   geo_shape_from_json(A, c, cases[i].json, strlen(cases[i].json), &place, &s, &d),
                   err);
        assert_diag(err, 0, cases[i].code, 7, 3);
        assert_string_equal(gov_error_origin(err, 0), "grids.geojson");
        assert_int_equal(gov_error_count(err), 1);
        assert_null(s);
        gov_error_free(err);
    }
    geo_checker_free(c);
}

/* Published great-circle distances on a sphere of the mean radius, by the spherical law of cosines in long double. */
static int64_t by_cosines(geo_point a, geo_point b)
{
    const long double r = 3.14159265358979323846264338327950288L / 1800000000.0L;
    const long double x = cosl((long double)a.lat * r) * cosl((long double)b.lat * r) *
                          cosl((long double)(a.lon - b.lon) * r);
    const long double y = sinl((long double)a.lat * r) * sinl((long double)b.lat * r);
    long double c = x + y;
    c = c > 1 ? 1 : c < -1 ? -1 : c;
    return (int64_t)floorl(6371008.8L * acosl(c) + 0.5L);
}

static uint64_t noise = 88172645463325252u;
static int64_t random_below(int64_t n)
{
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    return (int64_t)(noise % (uint64_t)n);
}

static void distances(void **state)
{
    const geo_point pole = {GEO_MAX_LAT, 0}, equator = {0, 1234567890},
                    other = {0, 1234567890 - GEO_MAX_LON};
    (void)state;
    assert_int_equal(geo_distance_m(pole, equator), 10007557); /* a quarter of 2 pi r */
    assert_int_equal(geo_distance_m(equator, other), 20015114);
    assert_int_equal(geo_distance_m(pole, pole), 0);
    assert_int_equal(geo_distance_m((geo_point){0, GEO_MAX_LON}, (geo_point){0, -GEO_MAX_LON}), 0);
    assert_int_equal(geo_distance_m((geo_point){0, 0}, (geo_point){0, GEO_MAX_LON + 1}), -1);
    assert_int_equal(geo_distance_m((geo_point){0, 0}, (geo_point){0, 89932}),
                     1000); /* 111,195.08 m a degree */
    for (int i = 0; i < 20000; i++) {
        const geo_point a = {random_below(2 * GEO_MAX_LAT) - GEO_MAX_LAT,
                             random_below(2 * GEO_MAX_LON) - GEO_MAX_LON};
        const geo_point b = {random_below(2 * GEO_MAX_LAT) - GEO_MAX_LAT,
                             random_below(2 * GEO_MAX_LON) - GEO_MAX_LON};
        const int64_t d = geo_distance_m(a, b), e = by_cosines(a, b);
        assert_in_range(d - e + 1, 0, 2);
        assert_int_equal(d, geo_distance_m(b, a));
    }
}

static void measures(void **state)
{
    (void)state;
    /* between two meridians and two parallels: r^2 * turn * (sin - sin) */
    geo_shape *s = shape_of("{\"type\":\"Polygon\",\"coordinates\":[" SQUARE(10, 0, 100, 30) "]}");
    const long double r = 6371008.8L, expected = r * r * 1.57079632679489661923L * 0.5L;
    assert_true(fabsl((long double)geo_shape_area_m2(s) - expected) < 1);
    assert_true(
        geo_same_point(geo_shape_centroid(s), (geo_point){15 * GEO_DEGREE, 55 * GEO_DEGREE}));
    geo_shape_free(A, s);
    /* a street block of about 111 m by 85 m in Beijing */
    s = shape_of(
        "{\"type\":\"Polygon\",\"coordinates\":[" SQUARE(116.400, 39.900, 116.401, 39.901) "]}");
    assert_in_range(geo_shape_area_m2(s), 9485, 9487);
    geo_shape_free(A, s);
    /* a horseshoe has its centroid outside and its label inside */
    s = shape_of("{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[9,0],[9,9],[8,9],[8,1],[1,1],[1,9]"
                 ",[0,9],[0,0]]]}");
    assert_false(geo_shape_contains(s, geo_shape_centroid(s)));
    assert_true(geo_shape_contains(s, geo_shape_label(s)));
    const geo_bbox box = geo_shape_bbox(s);
    assert_true(box.lat_min == 0 && box.lon_min == 0 && box.lat_max == 90000000 &&
                box.lon_max == 90000000);
    assert_int_equal(geo_shape_polygons(s), 1);
    assert_int_equal(geo_shape_rings(s), 1);
    assert_int_equal(geo_shape_positions(s), 8);
    geo_shape_free(A, s);
}

/* ---- GEOS as the second opinion ---- */

typedef struct second {
    GEOSContextHandle_t geos;
    GEOSGeometry *shape;
    const GEOSPreparedGeometry *prepared;
} second;

static GEOSGeometry *geos_ring(GEOSContextHandle_t g, const geo_point *p, size_t n)
{
    GEOSCoordSequence *seq = GEOSCoordSeq_create_r(g, (unsigned)n + 1, 2);
    for (size_t i = 0; i <= n; i++)
        GEOSCoordSeq_setXY_r(g, seq, (unsigned)i, (double)p[i % n].lon, (double)p[i % n].lat);
    return GEOSGeom_createLinearRing_r(g, seq);
}

static second second_of(const geo_shape *s)
{
    second o = {GEOS_init_r(), NULL, NULL};
    GEOSGeometry *polygons[64], *holes[64];
    size_t made = 0;
    for (size_t i = 0; i < geo_shape_rings(s);) {
        size_t n, n_holes = 0;
        bool hole;
        const geo_point *p = geo_shape_ring(s, i++, &n, &hole);
        GEOSGeometry *outer = geos_ring(o.geos, p, n);
        while ((p = geo_shape_ring(s, i, &n, &hole)) != NULL && hole) {
            holes[n_holes++] = geos_ring(o.geos, p, n);
            i++;
        }
        polygons[made++] = GEOSGeom_createPolygon_r(o.geos, outer, holes, (unsigned)n_holes);
    }
    o.shape = GEOSGeom_createCollection_r(o.geos, GEOS_MULTIPOLYGON, polygons, (unsigned)made);
    o.prepared = GEOSPrepare_r(o.geos, o.shape);
    return o;
}

static void second_free(second *o)
{
    GEOSPreparedGeom_destroy_r(o->geos, o->prepared);
    GEOSGeom_destroy_r(o->geos, o->shape);
    GEOS_finish_r(o->geos);
}

/* 1 inside, 0 on the border, -1 outside. */
static int second_opinion(const second *o, double x, double y)
{
    GEOSGeometry *p = GEOSGeom_createPointFromXY_r(o->geos, x, y);
    const int inside = GEOSPreparedContains_r(o->geos, o->prepared, p);
    const int meets = GEOSPreparedIntersects_r(o->geos, o->prepared, p);
    GEOSGeom_destroy_r(o->geos, p);
    return inside == 1 ? 1 : meets == 1 ? 0 : -1;
}

static void agree_at(const second *o, const geo_shape *s, const geo_index *ix, geo_point p,
                     size_t *border)
{
    int64_t id;
    const bool in = geo_shape_contains(s, p);
    const int opinion = second_opinion(o, (double)p.lon, (double)p.lat);
    if (opinion != 0)
        assert_int_equal(in, opinion > 0);
    *border += opinion == 0;
    geo_locate(ix, 0, &p, 1, &id);
    assert_int_equal(id, in ? 7 : 0);
}

/* A many-armed multi-polygon with holes; then points anywhere, at corners, on and beside edges. */
static void agrees_with_geos(void **state)
{
    base_buf b;
    size_t border = 0;
    (void)state;
    base_buf_init(&b, A);
    base_buf_str(&b, "{\"type\":\"MultiPolygon\",\"coordinates\":[");
    for (int star = 0; star < 3; star++) {
        base_buf_str(&b, star > 0 ? ",[" : "[");
        for (int hole = 0; hole < 2; hole++) {
            double x0 = 0, y0 = 0;
            base_buf_str(&b, hole ? ",[" : "[");
            for (int k = 0; k < 200; k++) {
                const double turn = k * 2 * 3.14159265358979 / 200;
                const double r = hole ? 0.01 : 0.02 + 0.0001 * (double)random_below(300);
                const double x = 116.4 + star * 0.12 + r * cos(turn),
                             y = 39.9 + star * 0.03 + r * sin(turn);
                base_buf_fmt(&b, "[%.7f,%.7f],", x, y);
                if (k == 0) {
                    x0 = x;
                    y0 = y;
                }
            }
            base_buf_fmt(&b, "[%.7f,%.7f]]", x0, y0);
        }
        base_buf_char(&b, ']');
    }
    base_buf_str(&b, "]}");
    geo_shape *s = shape_of(b.data);
    base_buf_free(&b);
    assert_int_equal(geo_shape_rings(s), 6);
    geo_index *ix;
    const geo_area area = {s, 7, 0};
    assert_int_equal(geo_index_build(A, &area, 1, &ix, NULL), GOV_OK);
    second o = second_of(s);
    const geo_bbox box = geo_shape_bbox(s);
    const int64_t h = box.lat_max - box.lat_min, w = box.lon_max - box.lon_min;
    for (int i = 0; i < 100000; i++)
        agree_at(&o, s, ix,
                 (geo_point){box.lat_min - h / 20 + random_below(h + h / 10),
                             box.lon_min - w / 20 + random_below(w + w / 10)},
                 &border);
    border = 0;
    for (size_t i = 0, n; i < geo_shape_rings(s); i++) {
        bool hole;
        const geo_point *p = geo_shape_ring(s, i, &n, &hole);
        for (size_t k = 0; k < n; k++) {
            const geo_point q = p[(k + 1) % n],
                            middle = {(p[k].lat + q.lat) / 2, (p[k].lon + q.lon) / 2};
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++) {
                    agree_at(&o, s, ix, (geo_point){p[k].lat + dy, p[k].lon + dx}, &border);
                    agree_at(&o, s, ix, (geo_point){middle.lat + dy, middle.lon + dx}, &border);
                }
        }
    }
    assert_true(border >= 1200); /* at least every corner */
    second_free(&o);
    geo_index_free(ix);
    geo_shape_free(A, s);
}

/* Small shapes on a lattice, where almost every point is on a border: the rule as documented (a step to the
 * east, a far smaller one to the north) decided by GEOS. Steps of 2^-10 and 2^-20 are small enough for slopes up to 8. */
static void border_rule(void **state)
{
    size_t tried = 0;
    (void)state;
    geo_checker *c;
    assert_int_equal(geo_checker_new(A, &c, NULL), GOV_OK);
    while (tried < 300) {
        value at[9], xy[9][2];
        const size_t n = 3 + (size_t)random_below(5);
        for (size_t i = 0; i <= n; i++) {
            for (int k = 0; k < 2; k++)
                xy[i][k] = i == n ? xy[0][k] : value_double((double)random_below(9) * 1e-7);
            at[i] = value_list(xy[i], 2);
        }
        const value ring = value_list(at, n + 1), rings = value_list(&ring, 1);
        const value_pair pairs[] = {{value_text("type"), value_text("Polygon")},
                                    {value_text("coordinates"), rings}};
        geo_shape *s;
        if (geo_shape_from_value(A, c, value_map(pairs, 2), NULL, &s, NULL) != GOV_OK)
            continue;
        tried++;
        second o = second_of(s);
        geo_index *ix;
        const geo_area area = {s, 7, 3};
        assert_int_equal(geo_index_build(A, &area, 1, &ix, NULL), GOV_OK);
        for (int64_t y = -1; y <= 9; y++)
            for (int64_t x = -1; x <= 9; x++) {
                const geo_point p = {y, x};
                int64_t id;
                const int opinion = second_opinion(&o, (double)x + 0x1p-10, (double)y + 0x1p-20);
                assert_int_not_equal(opinion, 0);
                assert_int_equal(geo_shape_contains(s, p), opinion > 0);
                geo_locate(ix, GEO_DEEPEST, &p, 1, &id);
                assert_int_equal(id, opinion > 0 ? 7 : 0);
            }
        geo_index_free(ix);
        second_free(&o);
        geo_shape_free(A, s);
    }
    geo_checker_free(c);
}

/* Areas that cover a square without gaps: every point, corners and borders included, is in exactly one. */
static void borders_belong_to_one(void **state)
{
    geo_shape *parts[16];
    geo_area areas[16];
    char text[512];
    (void)state;
    for (int i = 0; i < 16; i++) {
        const int x = i % 4, y = i / 4;
        /* inner corners are bent, so that borders are slanted; neighbours share them */
#define BEND(cx, cy) ((cx) % 4 != 0 && (cy) % 4 != 0 ? ((cx)*7 + (cy)*5) % 3 - 1 : 0)
#define CORNER(cx, cy) \
    1.0 * ((cx)*10 + BEND(cx, cy)) * 1e-6, 1.0 * ((cy)*10 + 2 * BEND(cx, cy)) * 1e-6
        snprintf(text, sizeof text,
                 "{\"type\":\"Polygon\",\"coordinates\":[[[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f],[%."
                 "7f,%.7f],"
                 "[%.7f,%.7f]]]}",
                 CORNER(x, y), CORNER(x + 1, y), CORNER(x + 1, y + 1), CORNER(x, y + 1),
                 CORNER(x, y));
        parts[i] = shape_of(text);
        areas[i] = (geo_area){parts[i], 100 + i, 2};
    }
    geo_index *ix;
    assert_int_equal(geo_index_build(A, areas, 16, &ix, NULL), GOV_OK);
    for (int64_t y = 0; y < 400; y++)
        for (int64_t x = 0; x < 400; x++) {
            const geo_point p = {y, x};
            int64_t id = 0, found = 0;
            for (int i = 0; i < 16; i++)
                if (geo_shape_contains(parts[i], p)) {
                    found++;
                    id = areas[i].id;
                }
            int64_t located;
            geo_locate(ix, 2, &p, 1, &located);
            if (found != 1 || located != id)
                fail_msg("point %d %d is in %d areas", (int)x, (int)y, (int)found);
        }
    geo_index_free(ix);
    for (int i = 0; i < 16; i++)
        geo_shape_free(A, parts[i]);
}

static void levels(void **state)
{
    geo_shape *city = shape_of("{\"type\":\"Polygon\",\"coordinates\":[" SQUARE(0, 0, 9, 9) "]}");
    geo_shape *grid =
        shape_of("{\"type\":\"Polygon\",\"coordinates\":[" SQUARE(1, 1, 3, 3) "," SQUARE(2, 2, 2.5,
                                                                                         2.5) "]}");
    geo_shape *twin = shape_of("{\"type\":\"Polygon\",\"coordinates\":[" SQUARE(2, 1, 5, 3) "]}");
    const geo_area areas[] = {{grid, -2, 5}, {city, 1, 0}, {twin, 3, 5}};
    const geo_point points[] = {{15000000, 15000000},  {22000000, 22000000}, {15000000, 25000000},
                                {15000000, 45000000},  {80000000, 80000000}, {95000000, 0},
                                {INT64_MAX, INT64_MIN}};
    int64_t ids[7];
    geo_index *ix;
    (void)state;
    assert_int_equal(geo_index_build(A, areas, 3, &ix, NULL), GOV_OK);
    assert_true(geo_index_memory(ix) > sizeof(void *));
    geo_locate(ix, GEO_DEEPEST, points, 7, ids);
    assert_memory_equal(ids, ((int64_t[]){-2, 3, -2, 3, 1, 0, 0}), sizeof ids);
    geo_locate(ix, 0, points, 7, ids);
    assert_memory_equal(ids, ((int64_t[]){1, 1, 1, 1, 1, 0, 0}), sizeof ids);
    geo_locate(ix, 5, points, 7, ids);
    assert_memory_equal(ids, ((int64_t[]){-2, 3, -2, 3, 0, 0, 0}), sizeof ids);
    geo_locate(ix, 1, points, 7, ids);
    assert_int_equal(ids[0], 0);
    geo_locate(ix, 99, points, 7, ids);
    assert_int_equal(ids[0], 0);
    geo_index_free(ix);
    assert_int_equal(geo_index_build(A, NULL, 0, &ix, NULL), GOV_OK);
    geo_locate(ix, GEO_DEEPEST, points, 7, ids);
    assert_int_equal(ids[0], 0);
    geo_index_free(ix);
    const geo_area wrong[] = {{grid, 0, 5}, {grid, 1, 32}, {grid, 1, -1}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(geo_index_build(A, &wrong[i], 1, &ix, NULL), GOV_E_ARG);
    geo_shape_free(A, city);
    geo_shape_free(A, grid);
    geo_shape_free(A, twin);
}

/* The whole world, and shapes of the least size, have indexes too. */
static void extremes(void **state)
{
    geo_shape *world =
        shape_of("{\"type\":\"Polygon\",\"coordinates\":[" SQUARE(-180, -90, 180, 90) "]}");
    geo_shape *tiny = shape_of(
        "{\"type\":\"Polygon\",\"coordinates\":[[[180,90],[179.9999999,90],[180,89.9999999],"
        "[180,90]]]}");
    const geo_area areas[] = {{world, 1, 0}, {tiny, 2, 1}};
    geo_index *ix;
    (void)state;
    assert_int_equal(geo_index_build(A, areas, 2, &ix, NULL), GOV_OK);
    for (int i = 0; i < 10000; i++) {
        const geo_point p = {random_below(2 * GEO_MAX_LAT) - GEO_MAX_LAT,
                             random_below(2 * GEO_MAX_LON) - GEO_MAX_LON};
        int64_t id;
        geo_locate(ix, GEO_DEEPEST, &p, 1, &id);
        assert_int_equal(id, 1);
    }
    const geo_point corners[] = {{-GEO_MAX_LAT, -GEO_MAX_LON}, {GEO_MAX_LAT, GEO_MAX_LON}};
    int64_t ids[2];
    geo_locate(ix, 0, corners, 2, ids);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[1], 0); /* beyond its north and east there is no world */
    geo_index_free(ix);
    geo_shape_free(A, world);
    geo_shape_free(A, tiny);
}

static void points_from_values(void **state)
{
    static const struct {
        const char *json;
        bool ok;
    } cases[] = {
        {"{\"type\":\"Point\",\"coordinates\":[116.3970000,39.9]}", true},
        {"{\"lat\":39.9,\"lon\":116.397}", true},
        {"{\"lat\":116.397,\"lon\":39.9}", false},
        {"{\"type\":\"Point\",\"coordinates\":[1]}", false},
        {"{\"type\":\"Polygon\",\"coordinates\":[1,2]}", false},
        {"{\"lat\":39.9}", false},
        {"3", false},
    };
    base_arena arena;
    (void)state;
    base_arena_init(&arena, A);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        value v;
        geo_point p = {0, 0};
        assert_int_equal(value_read_json(&arena, cases[i].json, strlen(cases[i].json), &v, NULL),
                         GOV_OK);
        assert_int_equal(geo_point_from_value(v, NULL, &p, NULL) == GOV_OK, cases[i].ok);
        if (cases[i].ok)
            assert_true(p.lat == 399000000 && p.lon == 1163970000);
    }
    base_arena_free(&arena);
}

static void features(void **state)
{
    static const char text[] =
        "\xEF\xBB\xBF{\"type\": \"FeatureCollection\", \"note\": [{}, \"features\"],\n "
        "\"features\": [\n"
        "  {\"type\":\"Feature\",\"id\":\"a\",\"properties\":{\"name\":\"{[\\\"\"},"
        "\"geometry\":null},\n\n    {\"type\":\"Feature\",\"properties\":null}]}";
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    base_arena arena;
    geo_feature *f;
    size_t n;
    (void)state;
    base_arena_init(&arena, A);
    assert_gov_ok(geo_read_features(&arena, "g.geojson", text, sizeof text - 1, &f, &n, &d), err);
    assert_int_equal(n, 2);
    assert_int_equal(f[0].line, 3);
    assert_int_equal(f[0].column, 3);
    assert_true(value_is_text(f[0].id, "a"));
    assert_true(value_is_text(value_get_text(f[0].properties, "name"), "{[\""));
    assert_int_equal(f[1].line, 5);
    assert_int_equal(f[1].column, 5);
    assert_true(value_is(f[1].geometry, VALUE_NULL));
    static const struct {
        const char *json, *code;
        int line;
    } bad[] = {
        {"{\"type\":\"FeatureCollection\",\n\"features\":[}", "bad_json", 2},
        {"{\"type\":\"Topology\"}", "geo_no_features", 0},
        {"{\"type\":\"FeatureCollection\",\"features\":{}}", "geo_no_features", 0},
        {"{\"type\":\"FeatureCollection\",\n\"features\":[\n{\"type\":\"Polygon\"}]}",
         "geo_no_features", 3},
        {"{\"type\":\"FeatureCollection\",\"crs\":{\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG:"
         ":2249\"}},"
         "\"features\":[]}",
         "geo_reference_system", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_gov(GOV_E_INPUT,
                   geo_read_features(&arena, "g.geojson", bad[i].json, strlen(bad[i].json), &f, &n,
                                     &d),
                   err);
        assert_diag(err, 0, bad[i].code, bad[i].line, -1);
        assert_string_equal(gov_error_origin(err, 0), "g.geojson");
        gov_error_free(err);
        err = NULL;
    }
    base_arena_free(&arena);
}

static void outlines(void **state)
{
    geo_shape *s = shape_of(
        "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,2],[3,2],[2,2],[0,2],[0,1],[0,0]],"
        "[[1,1],[1,1.0001],[1.0001,1],[1,1]]]}");
    geo_frame f;
    base_buf b;
    (void)state;
    base_buf_init(&b, A);
    assert_true(geo_frame_fit(geo_shape_bbox(s), 400, 400, &f));
    assert_int_equal(f.width, 400);
    assert_int_equal(f.height, 201); /* 2 / (4 * cos 1 degree) * 400 = 200.03, rounded up */
    geo_outline_svg_path(&b, s, &f);
    assert_string_equal(b.data, "M0 200l400 0 0-200-400 0z");
    b.len = 0;
    assert_true(geo_frame_fit((geo_bbox){-GEO_MAX_LAT, -GEO_MAX_LON, GEO_MAX_LAT, GEO_MAX_LON}, 10,
                              10, &f));
    geo_outline_svg_path(&b, s, &f);
    assert_string_equal(b.data, "M5 3h1v1h-1z");
    assert_false(geo_frame_fit(geo_bbox_empty(), 10, 10, &f));
    assert_false(geo_frame_fit(geo_shape_bbox(s), 0, 10, &f));
    base_buf_free(&b);
    geo_shape_free(A, s);
}

/* ---- want of memory ---- */

static const char two_parts[] =
    "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"geometry\":"
    "{\"type\":\"MultiPolygon\",\"coordinates\":[[" SQUARE(0, 0, 4, 4) "," SQUARE(
        1, 1, 2, 2) "],[" SQUARE(5, 5, 6, 6) "]]}}]}";

static gov_status build_all(const gov_allocator *a, void *user)
{
    gov_error *err = NULL;
    const diag d = {a, &err};
    base_arena arena;
    geo_feature *f;
    geo_shape *s = NULL;
    geo_index *ix = NULL;
    size_t n;
    base_buf b;
    base_arena_init(&arena, a);
    base_buf_init(&b, a);
    gov_status status = geo_read_features(&arena, "x", two_parts, sizeof two_parts - 1, &f, &n, &d);
    if (status == GOV_OK)
        status = geo_shape_from_value(a, user, f[0].geometry, NULL, &s, &d);
    if (status == GOV_OK)
        status = geo_index_build(a, &(geo_area){s, 1, 0}, 1, &ix, &d);
    if (status == GOV_OK) {
        geo_shape_write(&b, s);
        status = b.failed ? GOV_E_NOMEM : GOV_OK;
    }
    geo_index_free(ix);
    geo_shape_free(a, s);
    base_buf_free(&b);
    base_arena_free(&arena);
    gov_error_free(err);
    return status;
}

static gov_status with_checker(const gov_allocator *a, void *user)
{
    geo_checker *c = NULL;
    (void)user;
    gov_status status = geo_checker_new(a, &c, NULL);
    if (status == GOV_OK)
        status = build_all(a, c);
    geo_checker_free(c);
    return status;
}

static gov_status refuse_one(const gov_allocator *a, void *user)
{
    static const char bow[] =
        "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[2,2],[2,0],[0,1],[0,0]]]}";
    gov_error *err = NULL;
    const diag d = {a, &err};
    geo_shape *s;
    const gov_status status = geo_shape_from_json(a, user, bow, sizeof bow - 1, NULL, &s, &d);
    gov_error_free(err);
    return status == GOV_E_INPUT ? GOV_OK : status;
}

static void out_of_memory(void **state)
{
    (void)state;
    oom_loop(with_checker, NULL);
}

static void out_of_memory_below(void **state)
{
    geo_checker *c;
    (void)state;
    if (!oom_malloc_available())
        support_skip("malloc cannot be made to fail in this build");
    assert_int_equal(geo_checker_new(A, &c, NULL), GOV_OK);
    oom_loop_malloc(build_all, c, OOM_ANY_ERROR | OOM_KEEPS);
    oom_loop_malloc(refuse_one, c, OOM_ANY_ERROR | OOM_KEEPS);
    geo_checker_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_text),
        cmocka_unit_test(refusals),
        cmocka_unit_test(distances),
        cmocka_unit_test(measures),
        cmocka_unit_test(agrees_with_geos),
        cmocka_unit_test(border_rule),
        cmocka_unit_test(borders_belong_to_one),
        cmocka_unit_test(levels),
        cmocka_unit_test(extremes),
        cmocka_unit_test(points_from_values),
        cmocka_unit_test(features),
        cmocka_unit_test(outlines),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(out_of_memory_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
