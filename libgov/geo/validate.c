/* Topology of a shape, judged by GEOS in a context of its own. The integers are handed over as they are:
 * doubles hold them exactly. */
#include "geo/geo.h"

#include <geos_c.h>
#include <string.h>

struct geo_checker {
    const gov_allocator *alloc;
    GEOSContextHandle_t geos;
    char why[200]; /* what GEOS said last */
};

static void listen(const char *message, void *user)
{
    geo_checker *c = user;
    size_t len = strlen(message);
    if (len >= sizeof c->why)
        len = sizeof c->why - 1;
    memcpy(c->why, message, len);
    c->why[len] = '\0';
}

gov_status geo_checker_new(const gov_allocator *a, geo_checker **out, const diag *d)
{
    geo_checker *c = base_alloc(a, sizeof *c);
    if (c == NULL)
        return base_nomem(d);
    c->alloc = a;
    c->geos = GEOS_init_r();
    if (c->geos == NULL) {
        base_free(a, c);
        return base_nomem(d);
    }
    GEOSContext_setErrorMessageHandler_r(c->geos, listen, c);
    *out = c;
    return GOV_OK;
}

void geo_checker_free(geo_checker *c)
{
    if (c == NULL)
        return;
    GEOS_finish_r(c->geos);
    base_free(c->alloc, c);
}

static GEOSGeometry *make_ring(GEOSContextHandle_t geos, const geo_point *p, uint32_t n)
{
    GEOSCoordSequence *seq = GEOSCoordSeq_create_r(geos, n + 1, 2);
    if (seq == NULL)
        return NULL;
    for (uint32_t i = 0; i <= n; i++) {
        const geo_point at = p[i < n ? i : 0];
        if (!GEOSCoordSeq_setXY_r(geos, seq, i, (double)at.lon, (double)at.lat)) {
            GEOSCoordSeq_destroy_r(geos, seq);
            return NULL;
        }
    }
    return GEOSGeom_createLinearRing_r(geos, seq); /* owns seq from here, even when it fails */
}

static void drop(GEOSContextHandle_t geos, GEOSGeometry **g, size_t n)
{
    for (size_t i = 0; i < n; i++)
        GEOSGeom_destroy_r(geos, g[i]);
}

/* The polygon of ring[0] and its `holes` holes behind it; `parts` has room for all rings. */
static GEOSGeometry *make_polygon(geo_checker *c, const geo_shape *s, const geo_ring *ring,
                                  size_t holes, GEOSGeometry **parts)
{
    for (size_t i = 0; i <= holes; i++) {
        parts[i] = make_ring(c->geos, s->points + ring[i].from, ring[i].count);
        if (parts[i] == NULL) {
            drop(c->geos, parts, i);
            return NULL;
        }
    }
    return GEOSGeom_createPolygon_r(c->geos, parts[0], parts + 1, (unsigned)holes);
}

static GEOSGeometry *make_shape(geo_checker *c, const geo_shape *s, GEOSGeometry **parts,
                                GEOSGeometry **polygons)
{
    size_t made = 0;
    for (size_t i = 0; i < s->rings;) {
        size_t holes = 0;
        while (i + 1 + holes < s->rings && s->ring[i + 1 + holes].hole)
            holes++;
        polygons[made] = make_polygon(c, s, &s->ring[i], holes, parts);
        if (polygons[made] == NULL) {
            drop(c->geos, polygons, made);
            return NULL;
        }
        made++;
        i += 1 + holes;
    }
    if (made == 1)
        return polygons[0];
    return GEOSGeom_createCollection_r(c->geos, GEOS_MULTIPOLYGON, polygons, (unsigned)made);
}

static gov_status engine_failed(const geo_checker *c, const diag *d)
{
    if (c->why[0] == '\0' || strstr(c->why, "alloc") != NULL)
        return base_nomem(d);
    return base_fail(d, M_geo_engine, A_S("why", c->why));
}

static base_message meaning(const char *why)
{
    static const struct {
        const char *word;
        base_message message;
    } known[] = {
        {"elf-intersection", M_geo_crossing},
        {"outside", M_geo_hole_outside},
        {"ested", M_geo_nested},
        {"disconnected", M_geo_disconnected},
        {"uplicate", M_geo_twice},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strstr(why, known[i].word) != NULL)
            return known[i].message;
    return M_geo_invalid;
}

static gov_status refuse(geo_checker *c, const char *why, const GEOSGeometry *at,
                         const base_place *place, const diag *d)
{
    double x = 0, y = 0;
    base_buf lon, lat;
    gov_status status;
    if (at != NULL && (!GEOSGeomGetX_r(c->geos, at, &x) || !GEOSGeomGetY_r(c->geos, at, &y)))
        x = y = 0;
    base_buf_init(&lon, c->alloc);
    base_buf_init(&lat, c->alloc);
    geo_write_degrees(&lon, (int64_t)x);
    geo_write_degrees(&lat, (int64_t)y);
    if (lon.failed || lat.failed)
        status = base_nomem(d);
    else
        status = base_fail_at(d, place, meaning(why), A_S("lon", lon.data), A_S("lat", lat.data),
                              A_S("why", why));
    base_buf_free(&lon);
    base_buf_free(&lat);
    return status;
}

gov_status geo_check(geo_checker *c, const geo_shape *s, const base_place *place, const diag *d)
{
    char *why = NULL;
    GEOSGeometry *at = NULL;
    GEOSGeometry **parts = base_array(c->alloc, s->rings + (size_t)s->polygons, sizeof *parts);
    gov_status status = GOV_OK;
    if (parts == NULL)
        return base_nomem(d);
    c->why[0] = '\0';
    GEOSGeometry *g = make_shape(c, s, parts, parts + s->rings);
    const char valid = g != NULL ? GEOSisValidDetail_r(c->geos, g, 0, &why, &at) : 2;
    if (valid == 0)
        status = refuse(c, why != NULL ? why : "", at, place, d);
    else if (valid != 1)
        status = engine_failed(c, d);
    if (why != NULL)
        GEOSFree_r(c->geos, why);
    GEOSGeom_destroy_r(c->geos, at);
    GEOSGeom_destroy_r(c->geos, g);
    base_free(c->alloc, parts);
    return status;
}
