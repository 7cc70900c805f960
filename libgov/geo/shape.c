/* Shapes: what can be asked of an area. Planar questions are answered in integers. */
#include "geo/geo.h"

#include <math.h>

__extension__ typedef __int128 wide;

void geo_shape_free(const gov_allocator *a, geo_shape *s)
{
    base_free(a, s); /* rings and points lie in the same block */
}

geo_bbox geo_shape_bbox(const geo_shape *s)
{
    return s->box;
}

size_t geo_shape_polygons(const geo_shape *s)
{
    return s->polygons;
}

size_t geo_shape_rings(const geo_shape *s)
{
    return s->rings;
}

size_t geo_shape_positions(const geo_shape *s)
{
    return s->positions;
}

const geo_point *geo_shape_ring(const geo_shape *s, size_t i, size_t *count, bool *hole)
{
    if (i >= s->rings)
        return NULL;
    *count = s->ring[i].count;
    *hole = s->ring[i].hole;
    return s->points + s->ring[i].from;
}

/* Twice the signed area around the first position. */
static wide twice_area(const geo_point *p, size_t n)
{
    wide sum = 0;
    for (size_t i = 1; i + 1 < n; i++) {
        const wide ax = p[i].lon - p[0].lon, ay = p[i].lat - p[0].lat;
        const wide bx = p[i + 1].lon - p[0].lon, by = p[i + 1].lat - p[0].lat;
        sum += ax * by - bx * ay;
    }
    return sum;
}

int geo_ring_direction(const geo_point *p, size_t n)
{
    const wide sum = twice_area(p, n);
    return sum < 0 ? -1 : sum > 0;
}

static bool ring_crossings_odd(const geo_point *p, size_t n, geo_point at)
{
    bool odd = false;
    geo_point from = p[n - 1];
    for (size_t i = 0; i < n; i++) {
        const geo_point to = p[i];
        if (from.lat < to.lat)
            odd ^= geo_crosses(from.lon, from.lat, to.lon, to.lat, at.lon, at.lat);
        else if (to.lat < from.lat)
            odd ^= geo_crosses(to.lon, to.lat, from.lon, from.lat, at.lon, at.lat);
        from = to;
    }
    return odd;
}

bool geo_shape_contains(const geo_shape *s, geo_point p)
{
    bool odd = false;
    if (p.lat < s->box.lat_min || p.lat > s->box.lat_max || p.lon < s->box.lon_min ||
        p.lon > s->box.lon_max)
        return false;
    for (size_t i = 0; i < s->rings; i++)
        odd ^= ring_crossings_odd(s->points + s->ring[i].from, s->ring[i].count, p);
    return odd;
}

/* The sum over edges of turn * (sin + sin) is twice the area over the radius squared; heights are
 * taken from the box's lower side, so that small areas keep their digits. */
int64_t geo_shape_area_m2(const geo_shape *s)
{
    const double base = geo_sin(s->box.lat_min);
    double sum = 0;
    for (size_t i = 0; i < s->rings; i++) {
        const geo_point *p = s->points + s->ring[i].from;
        const size_t n = s->ring[i].count;
        double before = geo_sin(p[n - 1].lat) - base;
        for (size_t k = 0; k < n; k++) {
            const geo_point from = p[k > 0 ? k - 1 : n - 1];
            const double here = geo_sin(p[k].lat) - base;
            sum += (double)(p[k].lon - from.lon) * GEO_RADIANS * (before + here);
            before = here;
        }
    }
    return (int64_t)floor(fabs(sum) * (GEO_RADIUS_M * GEO_RADIUS_M / 2) + 0.5);
}

static int64_t rounded(wide n, wide den)
{
    if (den < 0) {
        n = -n;
        den = -den;
    }
    return (int64_t)(n >= 0 ? (n + den / 2) / den : -((-n + den / 2) / den));
}

geo_point geo_shape_centroid(const geo_shape *s)
{
    const int64_t x0 = s->box.lon_min, y0 = s->box.lat_min;
    wide area = 0, sum_x = 0, sum_y = 0;
    for (size_t i = 0; i < s->rings; i++) {
        const geo_point *p = s->points + s->ring[i].from;
        const size_t n = s->ring[i].count;
        for (size_t k = 0; k < n; k++) {
            const geo_point a = p[k], b = p[k + 1 < n ? k + 1 : 0];
            const wide cross =
                (wide)(a.lon - x0) * (b.lat - y0) - (wide)(b.lon - x0) * (a.lat - y0);
            area += cross;
            sum_x += cross * (a.lon + b.lon - 2 * x0);
            sum_y += cross * (a.lat + b.lat - 2 * y0);
        }
    }
    if (area == 0)
        return (geo_point){y0, x0};
    return (geo_point){y0 + rounded(sum_y, 3 * area), x0 + rounded(sum_x, 3 * area)};
}

/* The least crossing of the border with the height y that is right of (or, for a second border there, at) x;
 * INT64_MAX when there is none. */
static int64_t next_crossing(const geo_shape *s, int64_t y, int64_t x)
{
    int64_t best = INT64_MAX;
    for (size_t i = 0; i < s->rings; i++) {
        const geo_point *p = s->points + s->ring[i].from;
        for (size_t k = 0, n = s->ring[i].count; k < n; k++) {
            geo_point a = p[k], b = p[k + 1 < n ? k + 1 : 0];
            if (a.lat > b.lat) {
                const geo_point c = a;
                a = b;
                b = c;
            }
            if (y < a.lat || y >= b.lat)
                continue;
            const int64_t at = geo_edge_x(a.lon, a.lat, b.lon, b.lat, y);
            if (at > x && at < best)
                best = at;
        }
    }
    return best;
}

/* The centroid, or else the middle of the widest piece of the shape at the centroid's height. */
geo_point geo_shape_label(const geo_shape *s)
{
    const geo_point centre = geo_shape_centroid(s);
    geo_point best = centre;
    int64_t widest = -1;
    if (geo_shape_contains(s, centre))
        return centre;
    for (int64_t x = next_crossing(s, centre.lat, INT64_MIN), next; x != INT64_MAX; x = next) {
        next = next_crossing(s, centre.lat, x);
        if (next == INT64_MAX)
            break;
        const geo_point middle = {centre.lat, x + (next - x) / 2};
        if (next - x > widest && geo_shape_contains(s, middle)) {
            widest = next - x;
            best = middle;
        }
    }
    return best;
}

static void write_ring(base_buf *out, const geo_shape *s, const geo_ring *ring)
{
    base_buf_char(out, '[');
    for (uint32_t i = 0; i <= ring->count; i++) {
        const geo_point p = s->points[ring->from + (i < ring->count ? i : 0)];
        base_buf_str(out, i > 0 ? ",[" : "[");
        geo_write_degrees(out, p.lon);
        base_buf_char(out, ',');
        geo_write_degrees(out, p.lat);
        base_buf_char(out, ']');
    }
    base_buf_char(out, ']');
}

void geo_shape_write(base_buf *out, const geo_shape *s)
{
    const bool many = s->polygons > 1;
    base_buf_str(out, many ? "{\"type\":\"MultiPolygon\",\"coordinates\":[["
                           : "{\"type\":\"Polygon\",\"coordinates\":[");
    for (uint32_t i = 0; i < s->rings; i++) {
        if (i > 0)
            base_buf_str(out, s->ring[i].hole ? "," : "],[");
        write_ring(out, s, &s->ring[i]);
    }
    base_buf_str(out, many ? "]]}" : "]}");
}
