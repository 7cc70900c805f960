/* "Did you mean": the nearest known name by Damerau-Levenshtein distance (adjacent swaps count once). */
#include "base/base.h"

#include <string.h>

enum { LONGEST = 64 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    const unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned rows[3][LONGEST + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_above[j - 2] + 1 < row[j])
                row[j] = two_above[j - 2] + 1;
        }
    }
    return rows[n % 3][m];
}

const char *base_nearest(const char *name, size_t len, const char *const *names, size_t count)
{
    const char *best = NULL;
    unsigned best_distance = len <= 4 ? 2 : (unsigned)len / 3 + 1; /* at most a third may differ */
    if (len == 0 || len > LONGEST)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const size_t m = names[i] != NULL ? strlen(names[i]) : 0;
        if (m == 0 || m > LONGEST)
            continue;
        const unsigned d = distance(name, len, names[i], m);
        if (d < best_distance && d < len && d < m) { /* something must be the same */
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}

/* Those that rules are most likely to name: the zone files themselves cannot be listed everywhere. */
const char *base_zone_near(const char *name, size_t len)
{
    static const char *const zones[] = {
        "Asia/Shanghai",    "Asia/Urumqi",       "Asia/Hong_Kong",     "Asia/Macau",          "Asia/Taipei",
        "Asia/Singapore",   "Asia/Kuala_Lumpur", "Asia/Tokyo",         "Asia/Seoul",          "Asia/Bangkok",
        "Asia/Ho_Chi_Minh", "Asia/Jakarta",      "Asia/Manila",        "Asia/Kolkata",        "Asia/Dubai",
        "Asia/Almaty",      "Asia/Ulaanbaatar",  "Europe/London",      "Europe/Berlin",       "Europe/Paris",
        "Europe/Madrid",    "Europe/Rome",       "Europe/Moscow",      "Europe/Istanbul",     "Africa/Cairo",
        "Africa/Lagos",     "Africa/Nairobi",    "America/New_York",   "America/Chicago",     "America/Denver",
        "America/Toronto",  "America/Sao_Paulo", "America/Los_Angeles", "America/Mexico_City", "Australia/Sydney",
        "Pacific/Auckland", "UTC"};
    return base_nearest(name, len, zones, ARRAY_LEN(zones));
}
