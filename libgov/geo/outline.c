/* Outlines for maps: a frame on the plane, and shapes as SVG paths in whole units. */
#include "geo/geo.h"

#include <math.h>

__extension__ typedef __int128 wide;

enum { MAX_SIDE = 100000 };

geo_bbox geo_bbox_empty(void)
{
    return (geo_bbox){INT64_MAX, INT64_MAX, INT64_MIN, INT64_MIN};
}

void geo_bbox_add(geo_bbox *box, geo_bbox other)
{
    if (other.lat_min < box->lat_min)
        box->lat_min = other.lat_min;
    if (other.lon_min < box->lon_min)
        box->lon_min = other.lon_min;
    if (other.lat_max > box->lat_max)
        box->lat_max = other.lat_max;
    if (other.lon_max > box->lon_max)
        box->lon_max = other.lon_max;
}

bool geo_frame_fit(geo_bbox box, int32_t width, int32_t height, geo_frame *out)
{
    const geo_point low = {box.lat_min, box.lon_min}, high = {box.lat_max, box.lon_max};
    if (!geo_point_valid(low) || !geo_point_valid(high) || box.lat_min > box.lat_max ||
        box.lon_min > box.lon_max || width < 1 || height < 1 || width > MAX_SIDE ||
        height > MAX_SIDE)
        return false;
    /* A degree of longitude is shorter than one of latitude by the cosine; taken in millionths. */
    int64_t squeeze = (int64_t)floor(geo_cos((box.lat_min + box.lat_max) / 2) * 1e6 + 0.5);
    if (squeeze < 1)
        squeeze = 1;
    int64_t w = (box.lon_max - box.lon_min) * squeeze, h = (box.lat_max - box.lat_min) * 1000000;
    if (w < 1)
        w = 1;
    if (h < 1)
        h = 1;
    const bool wide_one = (wide)w * height >= (wide)h * width; /* the width decides */
    const int64_t side = wide_one ? width : height;
    *out = (geo_frame){.box = box,
                       .x_num = squeeze * side,
                       .y_num = 1000000 * side,
                       .den = wide_one ? w : h};
    out->width = wide_one ? width : (int32_t)(((wide)w * side + h - 1) / h);
    out->height = wide_one ? (int32_t)(((wide)h * side + w - 1) / w) : height;
    return true;
}

static int32_t scaled(int64_t delta, int64_t num, int64_t den)
{
    const wide n = (wide)delta * num * 2 + den, q = n / ((wide)den * 2) - (n % ((wide)den * 2) < 0);
    return q > INT32_MAX ? INT32_MAX : q < INT32_MIN ? INT32_MIN : (int32_t)q;
}

void geo_project(const geo_frame *f, geo_point p, int32_t *x, int32_t *y)
{
    *x = scaled(p.lon - f->box.lon_min, f->x_num, f->den);
    *y = scaled(f->box.lat_max - p.lat, f->y_num, f->den);
}

typedef struct dot {
    int64_t x, y;
} dot;

static dot snap(const geo_frame *f, geo_point p)
{
    int32_t x, y;
    geo_project(f, p, &x, &y);
    return (dot){x, y};
}

/* Is b on the way from a to c, straight on? Then it can be left out. */
static bool straight(dot a, dot b, dot c)
{
    return (b.x - a.x) * (c.y - b.y) == (b.y - a.y) * (c.x - b.x) &&
           (b.x - a.x) * (c.x - b.x) + (b.y - a.y) * (c.y - b.y) >= 0;
}

/* The next position at or after i whose snapped place differs from `from`; n when there is none. */
static size_t next_dot(const geo_frame *f, const geo_point *p, size_t i, size_t n, dot from,
                       dot *out)
{
    for (; i < n; i++) {
        *out = snap(f, p[i]);
        if (out->x != from.x || out->y != from.y)
            return i;
    }
    return n;
}

static void write_step(base_buf *out, char letter, int64_t x, int64_t y)
{
    if (letter != '\0')
        base_buf_char(out, letter);
    else if (x >= 0)
        base_buf_char(out, ' ');
    base_buf_int(out, x);
    if (y >= 0)
        base_buf_char(out, ' ');
    base_buf_int(out, y);
}

/* Writes one ring; false (and nothing written) when it falls together to a line or a dot. */
static bool write_ring(base_buf *out, const geo_frame *f, const geo_point *p, size_t n)
{
    const size_t start = out->len;
    const dot first = snap(f, p[0]);
    dot last = first, here, next;
    size_t steps = 0;
    size_t i = next_dot(f, p, 1, n, first, &here);
    if (i == n)
        return false;
    write_step(out, 'M', first.x, first.y);
    while (i < n) {
        const size_t k = next_dot(f, p, i + 1, n, here, &next);
        if (k == n)
            next = first;
        if (!straight(last, here, next)) {
            write_step(out, steps++ == 0 ? 'l' : '\0', here.x - last.x, here.y - last.y);
            last = here;
        }
        here = next;
        i = k;
    }
    if (steps < 2 && !out->failed && out->data != NULL) {
        out->len = start;
        out->data[start] = '\0';
        return false;
    }
    base_buf_char(out, 'z');
    return true;
}

void geo_outline_svg_path(base_buf *out, const geo_shape *s, const geo_frame *f)
{
    bool any = false;
    for (size_t i = 0; i < s->rings; i++)
        any |= write_ring(out, f, s->points + s->ring[i].from, s->ring[i].count);
    if (!any) {
        const dot at = snap(f, s->points[0]);
        write_step(out, 'M', at.x, at.y);
        base_buf_str(out, "h1v1h-1z");
    }
}
