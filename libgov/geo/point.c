/* Points: distance, and the trigonometry behind metres. sin, cos and asin are written out here because those of
 * the C libraries differ in the last bit between machines, and a distance may decide a case. */
#include "geo/geo.h"

#include <math.h>

bool geo_point_valid(geo_point p)
{
    return p.lat >= -GEO_MAX_LAT && p.lat <= GEO_MAX_LAT && p.lon >= -GEO_MAX_LON &&
           p.lon <= GEO_MAX_LON;
}

bool geo_same_point(geo_point a, geo_point b)
{
    return a.lat == b.lat && a.lon == b.lon;
}

int geo_compare_points(geo_point a, geo_point b)
{
    if (a.lon != b.lon)
        return a.lon < b.lon ? -1 : 1;
    return a.lat < b.lat ? -1 : a.lat > b.lat;
}

/* Taylor's series around 0, for |x| <= pi/2: the rest is below 1e-17. */
static double sine(double x)
{
    const double xx = x * x;
    double sum = 1;
    for (int k = 12; k >= 1; k--)
        sum = 1 - sum * xx / (double)(2 * k * (2 * k + 1));
    return x * sum;
}

double geo_sin(int64_t e7)
{
    int64_t a = e7 % (2 * GEO_MAX_LON);
    if (a > GEO_MAX_LON)
        a -= 2 * GEO_MAX_LON;
    else if (a < -GEO_MAX_LON)
        a += 2 * GEO_MAX_LON;
    if (a > GEO_MAX_LAT)
        a = GEO_MAX_LON - a;
    else if (a < -GEO_MAX_LAT)
        a = -GEO_MAX_LON - a;
    return sine((double)a * GEO_RADIANS);
}

double geo_cos(int64_t e7)
{
    return geo_sin(GEO_MAX_LAT - (e7 < 0 ? -e7 : e7));
}

/* For 0 <= s <= 1: halves the angle until the series is short. */
static double arc_sine(double s)
{
    double scale = 1, sum = 0;
    if (s > 1)
        s = 1;
    for (int i = 0; i < 4; i++, scale *= 2)
        s = s / sqrt(2 * (1 + sqrt(1 - s * s)));
    for (int k = 11; k >= 1; k--)
        sum =
            (double)((2 * k - 1) * (2 * k - 1)) / (double)(2 * k * (2 * k + 1)) * s * s * (1 + sum);
    return scale * s * (1 + sum);
}

int64_t geo_distance_m(geo_point a, geo_point b)
{
    if (!geo_point_valid(a) || !geo_point_valid(b))
        return -1;
    const double lat = sine((double)(b.lat - a.lat) * (GEO_RADIANS / 2));
    int64_t turn = b.lon - a.lon;
    if (turn > GEO_MAX_LON)
        turn -= 2 * GEO_MAX_LON;
    else if (turn < -GEO_MAX_LON)
        turn += 2 * GEO_MAX_LON;
    const double lon = sine((double)turn * (GEO_RADIANS / 2));
    const double h = lat * lat + geo_cos(a.lat) * geo_cos(b.lat) * lon * lon;
    return (int64_t)floor(2 * GEO_RADIUS_M * arc_sine(sqrt(h)) + 0.5);
}

void geo_write_degrees(base_buf *out, int64_t e7)
{
    const uint64_t u = e7 < 0 ? 0 - (uint64_t)e7 : (uint64_t)e7;
    uint64_t fraction = u % (uint64_t)GEO_DEGREE;
    char digits[9] = ".0000000";
    size_t len = 8;
    if (e7 < 0)
        base_buf_char(out, '-');
    base_buf_uint(out, u / (uint64_t)GEO_DEGREE);
    if (fraction == 0)
        return;
    for (size_t i = 7; i > 0; i--, fraction /= 10)
        digits[i] = (char)('0' + fraction % 10);
    while (digits[len - 1] == '0')
        len--;
    base_buf_add(out, digits, len);
}
