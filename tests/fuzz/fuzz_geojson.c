/* GeoJSON from anywhere: either refused with a reason, or a shape whose canonical text reads back as itself, and
 * whose index agrees with it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "geo/geo.h"

static void check(int truth)
{
    if (!truth)
        abort();
}

static void probe(const geo_shape *s, const geo_index *ix, geo_point p)
{
    int64_t id;
    geo_locate(ix, GEO_DEEPEST, &p, 1, &id);
    check((id == 1) == geo_shape_contains(s, p));
}

static void use(const geo_shape *s, geo_checker *c)
{
    geo_index *ix;
    geo_frame frame;
    base_buf first, second;
    geo_shape *again;
    base_buf_init(&first, NULL);
    base_buf_init(&second, NULL);
    geo_shape_write(&first, s);
    check(geo_shape_from_json(NULL, c, first.data, first.len, NULL, &again, NULL) == GOV_OK);
    geo_shape_write(&second, again);
    check(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    check(geo_index_build(NULL, &(geo_area){s, 1, 0}, 1, &ix, NULL) == GOV_OK);
    for (size_t i = 0, n; i < geo_shape_rings(s); i++) {
        bool hole;
        const geo_point *p = geo_shape_ring(s, i, &n, &hole);
        for (size_t k = 0; k < n; k++)
            for (int step = -1; step <= 1; step++)
                probe(s, ix, (geo_point){p[k].lat + step, p[k].lon - step});
    }
    probe(s, ix, geo_shape_centroid(s));
    probe(s, ix, geo_shape_label(s));
    check(geo_shape_area_m2(s) >= 0);
    check(geo_frame_fit(geo_shape_bbox(s), 100, 100, &frame));
    geo_outline_svg_path(&second, s, &frame);
    geo_index_free(ix);
    geo_shape_free(NULL, again);
    base_buf_free(&first);
    base_buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    base_arena arena;
    geo_feature *f;
    geo_checker *c;
    size_t n = 0;
    check(geo_checker_new(NULL, &c, NULL) == GOV_OK);
    base_arena_init(&arena, NULL);
    if (geo_read_features(&arena, "fuzz", (const char *)data, size, &f, &n, &d) != GOV_OK) {
        check(gov_error_count(err) == 1);
        n = 0;
    }
    for (size_t i = 0; i < n; i++) {
        geo_shape *s;
        if (geo_shape_from_value(NULL, c, f[i].geometry, NULL, &s, &d) != GOV_OK)
            continue;
        use(s, c);
        geo_shape_free(NULL, s);
    }
    gov_error_free(err);
    base_arena_free(&arena);
    geo_checker_free(c);
    return 0;
}
