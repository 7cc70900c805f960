/* Points in a city's 255 precincts: the index, beside GEOS's prepared geometries and a bare loop over all of them;
 * and reading the city's table, beside a bare loop over its unzipped bytes. */
#include <geos_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/bench.h"
#include "exchange/table.h"
#include "geo/geo.h"

enum { POINTS = 1000000, FEW_POINTS = 50000 };

typedef struct city {
    geo_area areas[300];
    size_t count;
    geo_index *index;
    geo_point *points;
    int64_t *ids;
    size_t n;
    GEOSContextHandle_t geos;
    GEOSSTRtree *tree;
    const GEOSPreparedGeometry *prepared[300];
    int64_t hit;
    GEOSGeometry *point;
    const char *table;
} city;

static const char *shared(const char *relative, char out[static 1024])
{
    const char *root = getenv("GOV_SHARED");
    if (root != NULL)
        snprintf(out, 1024, "%s/%s", root, relative);
    else
        snprintf(out, 1024, "%s/../shared/%s", GOV_TEST_SOURCE_DIR, relative);
    FILE *f = fopen(out, "rb");
    if (f == NULL)
        return NULL;
    fclose(f);
    return out;
}

static char *slurp(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *text = malloc(1 << 22);
    *len = f != NULL && text != NULL ? fread(text, 1, 1 << 22, f) : 0;
    if (f != NULL)
        fclose(f);
    return text;
}

static GEOSGeometry *to_geos(GEOSContextHandle_t g, const geo_shape *s)
{
    base_buf b;
    base_buf_init(&b, NULL);
    geo_shape_write(&b, s);
    GEOSGeoJSONReader *reader = GEOSGeoJSONReader_create_r(g);
    GEOSGeometry *shape = GEOSGeoJSONReader_readGeometry_r(g, reader, b.data);
    GEOSGeoJSONReader_destroy_r(g, reader);
    base_buf_free(&b);
    return shape;
}

static bool load(city *c, const char *path)
{
    size_t len, n;
    char *text = slurp(path, &len);
    base_arena arena;
    geo_feature *f;
    geo_bbox box = geo_bbox_empty();
    base_arena_init(&arena, NULL);
    if (geo_read_features(&arena, path, text, len, &f, &n, NULL) != GOV_OK || n > 300)
        return false;
    c->geos = GEOS_init_r();
    c->tree = GEOSSTRtree_create_r(c->geos, 10);
    for (size_t i = 0; i < n; i++) {
        geo_shape *s;
        if (geo_shape_from_value(NULL, NULL, f[i].geometry, NULL, &s, NULL) != GOV_OK)
            return false;
        c->areas[i] = (geo_area){s, (int64_t)i + 1, 0};
        geo_bbox_add(&box, geo_shape_bbox(s));
        GEOSGeometry *g = to_geos(c->geos, s);
        c->prepared[i] = GEOSPrepare_r(c->geos, g);
        GEOSSTRtree_insert_r(c->geos, c->tree, g, (void *)(uintptr_t)(i + 1));
    }
    c->count = n;
    c->points = malloc(POINTS * sizeof *c->points);
    c->ids = malloc(POINTS * sizeof *c->ids);
    uint64_t noise = 88172645463325252u;
    for (size_t i = 0; i < POINTS; i++) {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        c->points[i].lat =
            box.lat_min + (int64_t)((noise >> 32) % (uint64_t)(box.lat_max - box.lat_min));
        c->points[i].lon =
            box.lon_min + (int64_t)((noise & 0xffffffff) % (uint64_t)(box.lon_max - box.lon_min));
    }
    free(text);
    base_arena_free(&arena);
    return geo_index_build(NULL, c->areas, n, &c->index, NULL) == GOV_OK;
}

static bool locate(void *user)
{
    city *c = user;
    geo_locate(c->index, 0, c->points, c->n, c->ids);
    for (size_t i = 0; i < c->n; i++)
        bench_keep((uint64_t)c->ids[i]);
    return true;
}

static bool all_points(void *user)
{
    ((city *)user)->n = POINTS;
    return true;
}

static bool few_points(void *user)
{
    ((city *)user)->n = FEW_POINTS;
    return true;
}

/* An area's box, then all of its edges. */
static bool bare_loop(void *user)
{
    city *c = user;
    for (size_t i = 0; i < c->n; i++) {
        int64_t id = 0;
        for (size_t k = 0; k < c->count && id == 0; k++)
            if (geo_shape_contains(c->areas[k].shape, c->points[i]))
                id = c->areas[k].id;
        bench_keep((uint64_t)id);
    }
    return true;
}

static void visit(void *item, void *user)
{
    city *c = user;
    const size_t k = (size_t)(uintptr_t)item;
    if (c->hit == 0 && GEOSPreparedContains_r(c->geos, c->prepared[k - 1], c->point) == 1)
        c->hit = (int64_t)k;
}

/* GEOS as one would use it: a tree of boxes, then prepared geometries. */
static bool with_geos(void *user)
{
    city *c = user;
    for (size_t i = 0; i < c->n; i++) {
        c->hit = 0;
        const geo_point at = c->points[i];
        c->point =
            GEOSGeom_createPointFromXY_r(c->geos, (double)at.lon * 1e-7, (double)at.lat * 1e-7);
        GEOSSTRtree_query_r(c->geos, c->tree, c->point, visit, c);
        GEOSGeom_destroy_r(c->geos, c->point);
        bench_keep((uint64_t)c->hit);
    }
    return true;
}

static bool build(void *user)
{
    city *c = user;
    geo_index *ix;
    if (geo_index_build(NULL, c->areas, c->count, &ix, NULL) != GOV_OK)
        return false;
    bench_keep(geo_index_memory(ix));
    geo_index_free(ix);
    return true;
}

static bool read_table(void *user)
{
    city *c = user;
    exchange_table *t;
    const exchange_row *row;
    gov_status status;
    if (exchange_table_open(NULL, c->table, NULL, &t, NULL) != GOV_OK)
        return false;
    while ((status = exchange_table_next(t, &row, NULL)) == GOV_OK)
        bench_keep(row->count);
    exchange_table_close(t);
    return status == GOV_END;
}

/* Unzips and looks at every byte for what may end a cell. */
static bool bare_table(void *user)
{
    static char bytes[65536];
    city *c = user;
    gzFile f = gzopen(c->table, "rb");
    uint64_t cells = 0;
    bool quoted = false;
    int n;
    if (f == NULL)
        return false;
    gzbuffer(f, sizeof bytes);
    while ((n = gzread(f, bytes, sizeof bytes)) > 0)
        for (int i = 0; i < n; i++) {
            quoted ^= bytes[i] == '"';
            cells += !quoted && (bytes[i] == ',' || bytes[i] == '\n');
        }
    bench_keep(cells);
    return gzclose(f) == Z_OK;
}

int main(int argc, char **argv)
{
    static city c;
    char grids[1024], table[1024];
    if (shared("data/city311/precincts_2015.geojson", grids) == NULL ||
        (c.table = shared("data/city311/requests_2011.csv.gz", table)) == NULL) {
        fprintf(stderr, "bench_geo: the city's data is not there; skipped\n");
        return 0;
    }
    if (!load(&c, grids))
        return 1;
    const bench_case cases[] = {
        {"point to grid",
         "points/s",
         POINTS,
         {all_points, locate, NULL, NULL, &c},
         {all_points, with_geos, NULL, NULL, &c},
         "GEOS tree, prepared"},
        {"point to grid, bare",
         "points/s",
         FEW_POINTS,
         {few_points, locate, NULL, NULL, &c},
         {few_points, bare_loop, NULL, NULL, &c},
         "bare loop"},
        {"build the index of 255 grids", "ms", 1, {NULL, build, NULL, NULL, &c}, {0}, NULL},
        {"read the city's table",
         "rows/s",
         58251,
         {NULL, read_table, NULL, NULL, &c},
         {NULL, bare_table, NULL, NULL, &c},
         "bare unzip and scan"},
    };
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
