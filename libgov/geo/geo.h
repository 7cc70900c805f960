/* Room geo: points, areas and the question which area a point lies in. Pure: no store, no clock.
 *
 * Coordinates are WGS 84 or CGCS2000 degrees as int64 of 1e-7 degree (about 1 cm). Whether a point lies in an area
 * is decided in exact integer arithmetic; floats appear only in metres and square metres, made from basic
 * IEEE operations alone, so that every machine gives the same integer. */
#ifndef GEO_GEO_H
#define GEO_GEO_H

#include "value/value.h"

#define GEO_DEGREE  INT64_C(10000000)
#define GEO_MAX_LAT (90 * GEO_DEGREE)
#define GEO_MAX_LON (180 * GEO_DEGREE)

typedef struct geo_point {
    int64_t lat, lon;
} geo_point;

/* A closed box. An area that crosses the 180th meridian comes as two polygons, as GeoJSON wants it. */
typedef struct geo_bbox {
    int64_t lat_min, lon_min, lat_max, lon_max;
} geo_bbox;

bool geo_point_valid(geo_point p); /* within +-90 and +-180 degrees */
bool geo_same_point(geo_point a, geo_point b);

/* Great-circle distance in whole metres, nearest, by the haversine formula on a sphere of radius
 * 6,371,008.8 m (the Earth's mean radius); within 0.56 % of the distance on the ellipsoid. -1 for
 * points out of range. */
int64_t geo_distance_m(geo_point a, geo_point b);

/* ---- shapes: shape.c, geojson.c, validate.c ---- */

/* An area: polygons with holes. Immutable, one block of memory; any thread may read it.
 * Kept in canonical form: rings without repeated positions, outer rings counter-clockwise, holes
 * clockwise, each ring beginning at its least position (longitude, then latitude), holes and polygons
 * in the order of their beginnings. */
typedef struct geo_shape geo_shape;

/* Validation runs in a GEOS context of its own: one checker per handle, used by one thread at a time. */
typedef struct geo_checker geo_checker;
gov_status geo_checker_new(const gov_allocator *a, geo_checker **out, const diag *d);
void geo_checker_free(geo_checker *c);

/* Reads and validates a GeoJSON geometry (Polygon or MultiPolygon; a third number of a position is ignored; either
 * direction of rings is taken). Refused with a reason and a position: rings that are open, too short,
 * crossing themselves or another; holes outside; nested polygons; coordinates out of range.
 * `place` (may be NULL) goes into the diagnostics. Without a checker (NULL) topology is not validated:
 * for text that was validated before it was stored. */
gov_status geo_shape_from_value(const gov_allocator *a, geo_checker *c, value geometry,
                                const base_place *place, geo_shape **out, const diag *d);
gov_status geo_shape_from_json(const gov_allocator *a, geo_checker *c, const char *text, size_t len,
                               const base_place *place, geo_shape **out, const diag *d);
void geo_shape_free(const gov_allocator *a, geo_shape *s);

/* The canonical GeoJSON geometry, without spaces: what is stored and hashed. The same area read from
 * rings that begin elsewhere or run the other way gives the same text. */
void geo_shape_write(base_buf *out, const geo_shape *s);
void geo_write_degrees(base_buf *out, int64_t e7); /* "-71.0080365", "42" */

/* A GeoJSON Point, or a map with the keys "lat" and "lon" in degrees. */
gov_status geo_point_from_value(value v, const base_place *place, geo_point *out, const diag *d);

geo_bbox geo_shape_bbox(const geo_shape *s);
size_t geo_shape_polygons(const geo_shape *s);
size_t geo_shape_rings(const geo_shape *s);     /* of all polygons */
size_t geo_shape_positions(const geo_shape *s); /* of all rings, the closing ones not counted */
/* Positions of ring i (the closing one is left out); *hole says what it is. */
const geo_point *geo_shape_ring(const geo_shape *s, size_t i, size_t *count, bool *hole);

/* Square metres on the same sphere as distances, holes taken out. */
int64_t geo_shape_area_m2(const geo_shape *s);
geo_point
geo_shape_centroid(const geo_shape *s);        /* centre of gravity; may lie outside a bent shape */
geo_point geo_shape_label(const geo_shape *s); /* a point well inside, for a name on a map */

/* Is p in the shape? The boundary is half open: move p by an infinitely small step to the east and by
 * an infinitely smaller one to the north, and it is never on a boundary; where it then lies is the
 * answer. So a point on the border (or corner) of areas that cover the plane lies in exactly one. */
bool geo_shape_contains(const geo_shape *s, geo_point p);

/* ---- features: features.c ---- */

typedef struct geo_feature {
    value id;         /* absent when there is none */
    value properties; /* a map, empty when null */
    value geometry;   /* null when there is none */
    uint32_t line, column;
} geo_feature;

/* Reads the text of a FeatureCollection (or of one Feature); everything lies in the arena. Geometries
 * are not validated yet, so that one bad feature refuses itself alone: give each to
 * geo_shape_from_value with its line. */
gov_status geo_read_features(base_arena *arena, const char *origin, const char *text, size_t len,
                             geo_feature **out, size_t *count, const diag *d);

/* ---- which area is a point in: index.c ---- */

typedef struct geo_area {
    const geo_shape *shape; /* only read while building */
    int64_t id;             /* not 0 */
    int32_t
        level; /* 0..GEO_MAX_LEVEL; the deeper the larger; areas of one level should not overlap */
} geo_area;

enum { GEO_MAX_LEVEL = 31, GEO_DEEPEST = -1 };

/* Immutable once built; any number of threads may read it. */
typedef struct geo_index geo_index;

/* Where areas of one level do overlap, the one that comes first in `areas` wins. */
gov_status geo_index_build(const gov_allocator *a, const geo_area *areas, size_t count,
                           geo_index **out, const diag *d);
void geo_index_free(geo_index *ix);
/* ids[i]: the area of that level that contains points[i], 0 for none (or a point out of range). With
 * GEO_DEEPEST: the area of the deepest level that has one. The answer is that of geo_shape_contains, always. */
void geo_locate(const geo_index *ix, int32_t level, const geo_point *points, size_t n,
                int64_t *ids);
size_t geo_index_memory(const geo_index *ix); /* bytes held */

/* ---- maps: outline.c ---- */

/* A window on the plane: equirectangular around the middle of the box, x to the right, y down. */
typedef struct geo_frame {
    geo_bbox box;
    int32_t width,
        height; /* of the drawing that the box fills; one side is what was asked or less */
    int64_t x_num, y_num, den; /* drawing units = e7 * num / den */
} geo_frame;

geo_bbox geo_bbox_empty(void);
void geo_bbox_add(geo_bbox *box, geo_bbox other);
/* Fits the box into width x height units (1..100000 each), keeping the proportions. */
bool geo_frame_fit(geo_bbox box, int32_t width, int32_t height, geo_frame *out);
void geo_project(const geo_frame *f, geo_point p, int32_t *x, int32_t *y);

/* Appends the shape as the data of an SVG path in whole units: "M12 7l3-4 ...z"; fill-rule evenodd.
 * Positions are snapped to the frame's grid; what falls together or lies on a line is left out, so that
 * neighbours still fit along a common border. Rings that vanish are left out; a shape that would vanish
 * as a whole becomes a dot of one unit. */
void geo_outline_svg_path(base_buf *out, const geo_shape *s, const geo_frame *f);

/* ---- inside the room ---- */

typedef struct geo_ring {
    uint32_t from, count; /* into the shape's points; the closing position is left out */
    bool hole;            /* else it begins a polygon */
} geo_ring;

struct geo_shape {
    geo_bbox box;
    uint32_t polygons, rings, positions;
    const geo_ring *ring;
    const geo_point *points;
};

enum { GEO_MAX_POSITIONS = 1 << 22 }; /* of one shape */

/* Does the edge from (x1, y1) up to (x2, y2), y1 < y2, cross the ray from p to the east? Every product is below
 * 2^63 because the coordinates are in range: no wider type is needed. */
static inline bool geo_crosses(int64_t x1, int64_t y1, int64_t x2, int64_t y2, int64_t px,
                               int64_t py)
{
    return y1 <= py && py < y2 && (px - x1) * (y2 - y1) < (x2 - x1) * (py - y1);
}

/* Floor of x where that edge meets the height y, y1 <= y <= y2. */
static inline int64_t geo_edge_x(int64_t x1, int64_t y1, int64_t x2, int64_t y2, int64_t y)
{
    const int64_t n = (x2 - x1) * (y - y1), den = y2 - y1;
    return x1 + n / den - (n % den < 0);
}

/* The order of canonical text: by longitude, then by latitude. */
int geo_compare_points(geo_point a, geo_point b);
/* Twice the signed area of a ring in square units of 1e-7 degree: its sign, -1 clockwise, 1 counter-clockwise. */
int geo_ring_direction(const geo_point *p, size_t n);
/* GEOS has the last word on a shape's topology. */
gov_status geo_check(geo_checker *c, const geo_shape *s, const base_place *place, const diag *d);

/* sin and cos of an angle in 1e-7 degree (cos: within +-90 degrees), the same bits on every machine. */
double geo_sin(int64_t e7);
double geo_cos(int64_t e7);
#define GEO_RADIUS_M 6371008.8
#define GEO_RADIANS  (3.14159265358979323846 / 180e7) /* of one unit */

#endif
