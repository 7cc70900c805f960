/* Timestamps and durations: reading, writing, and what their getters answer in a time zone. */
#include "expr/inner.h"

#include <string.h>

enum { NANOS = 1000000000 };

bool expr_zone_read(const gov_allocator *a, value name, moment_zone *out, bool *nomem)
{
    const char *s = name.as.s;
    const size_t signed_ = name.len > 0 && (s[0] == '+' || s[0] == '-');
    char text[64];
    *out = (moment_zone){.fixed = true};
    if (name.len == 0 || value_is_text(name, "UTC") || value_is_text(name, "Z"))
        return true;
    if (name.len == signed_ + 5 && s[signed_ + 2] == ':') {
        uint64_t hours, minutes;
        if (!base_parse_uint(s + signed_, 2, &hours) ||
            !base_parse_uint(s + signed_ + 3, 2, &minutes) || hours > 23 || minutes > 59)
            return false;
        out->offset = (int32_t)(hours * 3600 + minutes * 60) * (s[0] == '-' ? -1 : 1);
        return true;
    }
    if (name.len >= sizeof text || memchr(s, '\0', name.len) != NULL)
        return false;
    memcpy(text, s, name.len);
    text[name.len] = '\0';
    out->fixed = false;
    const gov_status status = base_zone_load(a, text, &out->zone, NULL, NULL);
    *nomem = status == GOV_E_NOMEM;
    return status == GOV_OK;
}

void expr_zone_free(void *thing)
{
    moment_zone *z = thing;
    base_zone_free(z->zone);
}

/* ---- making ---- */

/* Digits behind the ninth of a second's fraction count for nothing. */
static bool read_timestamp(const char *s, size_t len, int64_t *seconds, int32_t *nanos)
{
    enum { FRACTION = 20, MOST = FRACTION + 9, LONGEST_ZONE = 6 };
    char text[MOST + LONGEST_ZONE];
    size_t end = FRACTION;
    while (end < len && s[end] >= '0' && s[end] <= '9')
        end++;
    if (end <= MOST || s[FRACTION - 1] != '.' || len - end > LONGEST_ZONE)
        return base_parse_rfc3339(s, len, seconds, nanos);
    memcpy(text, s, MOST);
    memcpy(text + MOST, s + end, len - end);
    return base_parse_rfc3339(text, MOST + len - end, seconds, nanos);
}

static int fn_timestamp(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    int64_t seconds;
    int32_t nanos = 0;
    if (a[0].kind == VALUE_INT)
        seconds = a[0].as.i;
    else if (!read_timestamp(a[0].as.s, a[0].len, &seconds, &nanos))
        return expr_fail(c, n, M_bad_conversion,
                         "2026-03-02T01:00:00Z or 2026-03-02T09:00:00+08:00", a[0]);
    if (!expr_timestamp_ok(seconds))
        return expr_fail(c, n, M_out_of_range, NULL, a[0]);
    *out = value_timestamp(seconds, nanos);
    return DONE;
}

typedef struct unit {
    char name[4];
    uint64_t nanos;
} unit;

static const unit units[] = {
    {"ns", 1},       {"us", 1000}, {"\xc2\xb5s", 1000},         {"\xce\xbcs", 1000},
    {"ms", 1000000}, {"s", NANOS}, {"m", UINT64_C(60) * NANOS}, {"h", UINT64_C(3600) * NANOS}};

static const unit *read_unit(const char *s, size_t len, size_t *at)
{
    size_t end = *at;
    while (end < len && s[end] != '.' && (s[end] < '0' || s[end] > '9'))
        end++;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strlen(units[i].name) == end - *at && memcmp(units[i].name, s + *at, end - *at) == 0) {
            *at = end;
            return &units[i];
        }
    }
    return NULL;
}

enum { READ_OK, READ_BAD, READ_RANGE };

/* fraction / scale of a unit, in nanoseconds, rounded down; fraction < scale <= 1e12. */
static uint64_t share_of(uint64_t fraction, uint64_t scale, uint64_t unit_nanos)
{
    uint64_t share = 0;
    if (unit_nanos < NANOS)
        return fraction * unit_nanos / scale;        /* at most 1e12 * 1e6 */
    uint64_t rest = fraction * (unit_nanos / NANOS); /* at most 1e12 * 3600, in seconds / scale */
    share = rest / scale * NANOS;
    rest %= scale;
    for (uint64_t step = 1000000; step > 0;
         step /= 1000) { /* a thousandth at a time, so that nothing overflows */
        rest *= 1000;
        share += rest / scale * step;
        rest %= scale;
    }
    return share;
}

/* One part such as "1.5h", added to *sum nanoseconds. */
static int read_part(const char *s, size_t len, size_t *at, uint64_t *sum)
{
    uint64_t whole = 0, fraction = 0, scale = 1, part;
    size_t digits = 0;
    bool range = false;
    for (; *at < len && s[*at] >= '0' && s[*at] <= '9'; (*at)++, digits++)
        range = range || __builtin_mul_overflow(whole, 10U, &whole) ||
                __builtin_add_overflow(whole, (uint64_t)(s[*at] - '0'), &whole);
    if (*at < len && s[*at] == '.') {
        for ((*at)++; *at < len && s[*at] >= '0' && s[*at] <= '9'; (*at)++, digits++) {
            if (scale < UINT64_C(1000000000000)) { /* what comes after is below a nanosecond */
                fraction = fraction * 10 + (uint64_t)(s[*at] - '0');
                scale *= 10;
            }
        }
    }
    const unit *u = digits > 0 ? read_unit(s, len, at) : NULL;
    if (u == NULL)
        return READ_BAD;
    range = range || __builtin_mul_overflow(whole, u->nanos, &part) ||
            __builtin_add_overflow(part, share_of(fraction, scale, u->nanos), &part) ||
            __builtin_add_overflow(*sum, part, sum);
    return range ? READ_RANGE : READ_OK;
}

/* "1h30m", "-1.5s", "0": parts with units, no spaces. */
static int read_duration(const char *s, size_t len, int64_t *seconds, int32_t *nanos)
{
    const bool negative = len > 0 && s[0] == '-';
    size_t at = len > 0 && (s[0] == '-' || s[0] == '+');
    uint64_t sum = 0;
    int how = at < len ? READ_OK : READ_BAD;
    if (len - at == 1 && s[at] == '0') {
        *seconds = *nanos = 0;
        return READ_OK;
    }
    while (how == READ_OK && at < len)
        how = read_part(s, len, &at, &sum);
    if (how != READ_OK)
        return how;
    if (sum > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return READ_RANGE;
    *seconds = (int64_t)(sum / NANOS) * (negative ? -1 : 1);
    *nanos = (int32_t)(sum % NANOS) * (negative ? -1 : 1);
    return READ_OK;
}

/* "1d", "2 weeks": not the language's, but what people write. */
static bool names_days(value v)
{
    size_t i = 0;
    while (i < v.len && (v.as.s[i] == '-' || v.as.s[i] == '+'))
        i++;
    while (i < v.len && ((v.as.s[i] >= '0' && v.as.s[i] <= '9') || v.as.s[i] == '.'))
        i++;
    while (i > 0 && i < v.len && v.as.s[i] == ' ')
        i++;
    return i > 0 && i < v.len && (v.as.s[i] == 'd' || v.as.s[i] == 'w');
}

static int fn_duration(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    int64_t seconds;
    int32_t nanos;
    const int how = read_duration(a[0].as.s, a[0].len, &seconds, &nanos);
    if (how != READ_OK)
        return expr_fail(c, n,
                         how == READ_RANGE  ? M_out_of_range
                         : names_days(a[0]) ? M_duration_in_days
                                            : M_bad_conversion,
                         NULL, a[0]);
    *out = value_duration(seconds, nanos);
    return DONE;
}

static int fn_same(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    (void)c;
    (void)n;
    *out = a[0];
    return DONE;
}

/* "2009-02-13T23:31:30.5Z": no more digits than needed. */
size_t expr_format_timestamp(value v, char out[40])
{
    size_t len = base_format_rfc3339(v.as.i, v.nanos, out);
    if (v.nanos == 0)
        return len;
    len--; /* the Z */
    while (out[len - 1] == '0')
        len--;
    out[len++] = 'Z';
    return len;
}

int expr_time_to_string(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    char text[40], fraction[16];
    if (a[0].kind == VALUE_TIMESTAMP)
        return expr_text(n, c, text, expr_format_timestamp(a[0], text), out);
    const bool negative = a[0].as.i < 0 || a[0].nanos < 0;
    size_t len = 0, digits = 9;
    if (negative && a[0].as.i == 0)
        text[len++] = '-';
    len += base_format_int(a[0].as.i, text + len);
    uint32_t nanos = (uint32_t)(a[0].nanos < 0 ? -a[0].nanos : a[0].nanos);
    if (nanos > 0) {
        for (size_t i = 9; i > 0; i--, nanos /= 10)
            fraction[i - 1] = (char)('0' + nanos % 10);
        while (fraction[digits - 1] == '0')
            digits--;
        text[len++] = '.';
        memcpy(text + len, fraction, digits);
        len += digits;
    }
    text[len++] = 's';
    return expr_text(n, c, text, len, out);
}

/* ---- getters ---- */

enum getter {
    YEAR,
    MONTH,
    DAY_OF_YEAR,
    DAY_OF_MONTH,
    DATE,
    DAY_OF_WEEK,
    HOURS,
    MINUTES,
    SECONDS,
    MILLISECONDS
};

static enum getter getter_of(const expr_node *n)
{
    static const char *const names[] = {"getFullYear",    "getMonth",   "getDayOfYear",
                                        "getDayOfMonth",  "getDate",    "getDayOfWeek",
                                        "getHours",       "getMinutes", "getSeconds",
                                        "getMilliseconds"};
    size_t i = 0;
    while (i < ARRAY_LEN(names) - 1 &&
           (strlen(names[i]) != n->name_len || memcmp(names[i], n->name, n->name_len) != 0))
        i++;
    return (enum getter)i;
}

static int64_t local_part(enum getter g, int64_t seconds, int32_t nanos)
{
    int64_t days = seconds / 86400, of_day = seconds % 86400;
    int32_t year;
    unsigned month, day;
    if (of_day < 0) {
        of_day += 86400;
        days--;
    }
    base_civil_from_days(days, &year, &month, &day);
    switch (g) {
    case YEAR: return year;
    case MONTH: return (int64_t)month - 1;
    case DAY_OF_YEAR: return days - base_days_from_civil(year, 1, 1);
    case DAY_OF_MONTH: return (int64_t)day - 1;
    case DATE: return day;
    case DAY_OF_WEEK: return base_weekday(days) % 7;
    case HOURS: return of_day / 3600;
    case MINUTES: return of_day / 60 % 60;
    case SECONDS: return of_day % 60;
    default: return nanos / 1000000;
    }
}

static int32_t offset_at(const moment_zone *z, int64_t seconds)
{
    return z->fixed ? z->offset : base_zone_offset(z->zone, seconds);
}

static int fn_get(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const enum getter g = getter_of(n);
    moment_zone made = {.fixed = true};
    const moment_zone *zone = n->aid;
    bool nomem = false;
    if (n->count == 2 && zone == NULL) {
        if (!expr_charge(c, 64))
            return expr_too_costly(c, n);
        if (!expr_zone_read(c->program->alloc, a[1], &made, &nomem))
            return nomem ? expr_nomem(c, n)
                         : expr_fail(c, n, M_invalid_argument, "unknown time zone", a[1]);
    }
    if (n->count == 1 || zone == NULL)
        zone = &made;
    *out = value_int(local_part(g, a[0].as.i + offset_at(zone, a[0].as.i), a[0].nanos));
    base_zone_free(made.zone);
    return DONE;
}

/* Of a duration: all its hours, minutes or seconds, but only the fraction's milliseconds. */
static int fn_get_of_duration(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const enum getter g = getter_of(n);
    (void)c;
    *out = value_int(g == HOURS     ? a[0].as.i / 3600
                     : g == MINUTES ? a[0].as.i / 60
                     : g == SECONDS ? a[0].as.i
                                    : a[0].nanos / 1000000);
    return DONE;
}

#define GETTER(name)                                                                            \
    {name, CALL_MEMBER, 1, {EXPR_TIMESTAMP}, EXPR_INT, fn_get, NULL},                           \
    {                                                                                           \
        name, CALL_MEMBER | CALL_ZONE, 2, {EXPR_TIMESTAMP, EXPR_STRING}, EXPR_INT, fn_get, NULL \
    }
#define OF_DURATION(name)                                                         \
    {                                                                             \
        name, CALL_MEMBER, 1, {EXPR_DURATION}, EXPR_INT, fn_get_of_duration, NULL \
    }

const expr_overload expr_time_functions[] = {
    {"timestamp", CALL_GLOBAL, 1, {EXPR_STRING}, EXPR_TIMESTAMP, fn_timestamp, NULL},
    {"timestamp", CALL_GLOBAL, 1, {EXPR_INT}, EXPR_TIMESTAMP, fn_timestamp, NULL},
    {"timestamp", CALL_GLOBAL, 1, {EXPR_TIMESTAMP}, EXPR_TIMESTAMP, fn_same, NULL},
    {"duration", CALL_GLOBAL, 1, {EXPR_STRING}, EXPR_DURATION, fn_duration, NULL},
    {"duration", CALL_GLOBAL, 1, {EXPR_DURATION}, EXPR_DURATION, fn_same, NULL},
    GETTER("getFullYear"),
    GETTER("getMonth"),
    GETTER("getDayOfYear"),
    GETTER("getDayOfMonth"),
    GETTER("getDate"),
    GETTER("getDayOfWeek"),
    GETTER("getHours"),
    OF_DURATION("getHours"),
    GETTER("getMinutes"),
    OF_DURATION("getMinutes"),
    GETTER("getSeconds"),
    OF_DURATION("getSeconds"),
    GETTER("getMilliseconds"),
    OF_DURATION("getMilliseconds"),
};
const size_t expr_time_function_count = ARRAY_LEN(expr_time_functions);
