/* Dates and times as people and their programs write them. */
#include "exchange/table.h"

#include <string.h>

enum { LONGEST = 64 };

typedef struct reader {
    const char *s, *end;
} reader;

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_ahead(const reader *r)
{
    size_t n = 0;
    while (r->s + n < r->end && digit(r->s[n]))
        n++;
    return n;
}

/* Takes n digits, which must be there. */
static int32_t take(reader *r, size_t n)
{
    int32_t v = 0;
    for (; n > 0; n--)
        v = v * 10 + (*r->s++ - '0');
    return v;
}

static bool word(reader *r, const char *w)
{
    const size_t n = strlen(w);
    if ((size_t)(r->end - r->s) < n || memcmp(r->s, w, n) != 0)
        return false;
    r->s += n;
    return true;
}

static bool letters(reader *r, const char *lower)
{
    size_t i = 0;
    for (; lower[i] != '\0'; i++)
        if (r->s + i >= r->end || (r->s[i] | 0x20) != lower[i])
            return false;
    r->s += i;
    return true;
}

static void spaces(reader *r)
{
    while (r->s < r->end && (*r->s == ' ' || *r->s == '\t'))
        r->s++;
}

/* ---- the date ---- */

static exchange_fault civil(int32_t year, int32_t month, int32_t day, exchange_when *out)
{
    if (year < 1 || year > 9999 || month < 1 || day < 1 || month > 12 ||
        !base_date_valid(year, (unsigned)month, (unsigned)day))
        return EXCHANGE_DATE_IMPOSSIBLE;
    out->days = base_days_from_civil(year, (unsigned)month, (unsigned)day);
    return EXCHANGE_FINE;
}

/* What stands between year and month; 年 wants 月 after it, a sign wants itself. */
static bool between(reader *r, const char *sign)
{
    spaces(r);
    const bool ok = word(r, sign);
    spaces(r);
    return ok;
}

static exchange_fault year_first(reader *r, exchange_when *out)
{
    const int32_t year = take(r, 4);
    const char *sign = NULL;
    static const char *const signs[] = {"-", "/", ".", "年"};
    for (size_t i = 0; i < ARRAY_LEN(signs) && sign == NULL; i++)
        if (between(r, signs[i]))
            sign = signs[i];
    size_t n = digits_ahead(r);
    if (sign == NULL || n < 1 || n > 2)
        return EXCHANGE_NOT_DATE;
    const int32_t month = take(r, n);
    const bool chinese = strcmp(sign, "年") == 0;
    if (!between(r, chinese ? "月" : sign))
        return EXCHANGE_NOT_DATE;
    n = digits_ahead(r);
    if (n < 1 || n > 2)
        return EXCHANGE_NOT_DATE;
    const int32_t day = take(r, n);
    if (chinese && !between(r, "日") && !between(r, "号"))
        return EXCHANGE_NOT_DATE;
    return civil(year, month, day, out);
}

static exchange_fault year_last(reader *r, exchange_order order, exchange_when *out)
{
    const int32_t first = take(r, digits_ahead(r));
    const char sign = r->s < r->end ? *r->s : '\0';
    if (sign != '/' && sign != '-' && sign != '.')
        return EXCHANGE_NOT_DATE;
    r->s++;
    const size_t n = digits_ahead(r);
    if (n < 1 || n > 2)
        return EXCHANGE_NOT_DATE;
    const int32_t second = take(r, n);
    if (r->s == r->end || *r->s++ != sign || digits_ahead(r) != 4)
        return EXCHANGE_NOT_DATE;
    const int32_t year = take(r, 4);
    if (order == EXCHANGE_ORDER_UNKNOWN)
        return EXCHANGE_DATE_AMBIGUOUS;
    return order == EXCHANGE_MONTH_FIRST ? civil(year, first, second, out)
                                         : civil(year, second, first, out);
}

/* 20260302, with hhmm or hhmmss right behind it or not. */
static exchange_fault compact(reader *r, exchange_when *out)
{
    const int32_t year = take(r, 4), month = take(r, 2), day = take(r, 2);
    return civil(year, month, day, out);
}

static void weekday(reader *r)
{
    static const char *const days[] = {"一", "二", "三", "四", "五", "六", "日", "天"};
    reader q = *r;
    spaces(&q);
    const bool bracket = word(&q, "(");
    if (!word(&q, "星期") && !word(&q, "周") && !word(&q, "礼拜"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        if (word(&q, days[i])) {
            if (!bracket || word(&q, ")"))
                *r = q;
            return;
        }
}

/* ---- the time of day ---- */

typedef enum half { WHOLE_DAY, MORNING, NIGHT_BEFORE, NOON, AFTERNOON, EVENING, AM, PM } half;

static half half_of_day(reader *r)
{
    static const struct {
        const char *name;
        half h;
    } names[] = {{"上午", MORNING},      {"早上", MORNING}, {"早晨", MORNING},
                 {"凌晨", NIGHT_BEFORE}, {"中午", NOON},    {"下午", AFTERNOON},
                 {"傍晚", AFTERNOON},    {"晚上", EVENING}, {"夜间", EVENING}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (word(r, names[i].name))
            return names[i].h;
    return letters(r, "am") ? AM : letters(r, "pm") ? PM : WHOLE_DAY;
}

/* The hour on the clock of 24; what nobody can be sure of is refused. */
static exchange_fault adjust(half h, int32_t *hour)
{
    switch (h) {
    case AM:
    case PM:
        if (*hour > 12 || *hour < 1)
            return h == PM && *hour < 24 && *hour > 12 ? EXCHANGE_FINE : EXCHANGE_TIME_IMPOSSIBLE;
        *hour = *hour % 12 + (h == PM ? 12 : 0);
        return EXCHANGE_FINE;
    case MORNING:
        return *hour < 12    ? EXCHANGE_FINE
               : *hour == 12 ? EXCHANGE_DATE_AMBIGUOUS
                             : EXCHANGE_TIME_IMPOSSIBLE;
    case NIGHT_BEFORE:
        *hour = *hour == 12 ? 0 : *hour;
        return *hour < 12 ? EXCHANGE_FINE : EXCHANGE_TIME_IMPOSSIBLE;
    case NOON:
        *hour += *hour < 3 ? 12 : 0;
        return *hour >= 11 && *hour < 15 ? EXCHANGE_FINE : EXCHANGE_TIME_IMPOSSIBLE;
    case AFTERNOON:
        *hour += *hour < 12 ? 12 : 0;
        return *hour < 24 ? EXCHANGE_FINE : EXCHANGE_TIME_IMPOSSIBLE;
    case EVENING:
        if (*hour == 12)
            return EXCHANGE_DATE_AMBIGUOUS; /* midnight of which day? */
        *hour += *hour < 12 ? 12 : 0;
        return *hour < 24 ? EXCHANGE_FINE : EXCHANGE_TIME_IMPOSSIBLE;
    default: return EXCHANGE_FINE;
    }
}

/* A fraction of the second, to microseconds; finer digits must be zeros. */
static bool fraction(reader *r, int64_t *micros)
{
    int64_t unit = 100000;
    *micros = 0;
    if (r->s == r->end || (*r->s != '.' && *r->s != ','))
        return true;
    r->s++;
    if (digits_ahead(r) == 0)
        return false;
    for (; r->s < r->end && digit(*r->s); r->s++, unit /= 10) {
        if (unit == 0 && *r->s != '0')
            return false;
        *micros += (*r->s - '0') * unit;
    }
    return true;
}

typedef struct clock_time {
    int32_t hour, minute, second;
    int64_t micros;
} clock_time;

/* 2时, 2时30分, 2点半, 14时30分05秒; the hour is taken. */
static exchange_fault chinese_time(reader *r, clock_time *c)
{
    spaces(r);
    if (word(r, "半")) {
        c->minute = 30;
        return EXCHANGE_FINE;
    }
    word(r, "整");
    size_t n = digits_ahead(r);
    if (n == 0)
        return EXCHANGE_FINE;
    if (n > 2)
        return EXCHANGE_NOT_DATE;
    c->minute = take(r, n);
    spaces(r);
    if (!word(r, "分"))
        return r->s == r->end ? EXCHANGE_FINE : EXCHANGE_NOT_DATE;
    spaces(r);
    n = digits_ahead(r);
    if (n == 0)
        return EXCHANGE_FINE;
    if (n > 2)
        return EXCHANGE_NOT_DATE;
    c->second = take(r, n);
    return word(r, "秒") ? EXCHANGE_FINE : EXCHANGE_NOT_DATE;
}

static exchange_fault colon_time(reader *r, clock_time *c)
{
    size_t n = digits_ahead(r);
    if (n < 1 || n > 2)
        return EXCHANGE_NOT_DATE;
    c->minute = take(r, n);
    if (r->s < r->end && *r->s == ':') {
        r->s++;
        n = digits_ahead(r);
        if (n < 1 || n > 2)
            return EXCHANGE_NOT_DATE;
        c->second = take(r, n);
        if (!fraction(r, &c->micros))
            return EXCHANGE_NOT_DATE;
    }
    return EXCHANGE_FINE;
}

static exchange_fault clock_of(reader *r, bool half_given, clock_time *c)
{
    const size_t n = digits_ahead(r);
    if (n == 4 || n == 6) {
        c->hour = take(r, 2);
        c->minute = take(r, 2);
        c->second = n == 6 ? take(r, 2) : 0;
        return fraction(r, &c->micros) ? EXCHANGE_FINE : EXCHANGE_NOT_DATE;
    }
    if (n < 1 || n > 2)
        return EXCHANGE_NOT_DATE;
    c->hour = take(r, n);
    if (word(r, ":"))
        return colon_time(r, c);
    if (word(r, "时") || word(r, "点钟") || word(r, "点"))
        return chinese_time(r, c);
    reader ahead = *r;
    spaces(&ahead);
    return half_given || letters(&ahead, "am") || letters(&ahead, "pm") ? EXCHANGE_FINE
                                                                        : EXCHANGE_NOT_DATE;
}

/* Z, +08:00, +0800, +8 */
static exchange_fault offset(reader *r, exchange_when *out)
{
    spaces(r);
    if (r->s == r->end)
        return EXCHANGE_FINE;
    out->has_offset = true;
    if (letters(r, "z") || letters(r, "utc") || letters(r, "gmt"))
        if (r->s == r->end)
            return EXCHANGE_FINE;
    if (r->s == r->end || (*r->s != '+' && *r->s != '-'))
        return EXCHANGE_NOT_DATE;
    const int32_t sign = *r->s++ == '-' ? -1 : 1;
    const size_t n = digits_ahead(r);
    int32_t hours, minutes = 0;
    if (n != 4 && (n < 1 || n > 2))
        return EXCHANGE_NOT_DATE;
    hours = take(r, n == 4 ? 2 : n);
    if (n == 4)
        minutes = take(r, 2);
    else if (word(r, ":")) {
        if (digits_ahead(r) != 2)
            return EXCHANGE_NOT_DATE;
        minutes = take(r, 2);
    }
    if (hours > 18 || minutes > 59)
        return EXCHANGE_TIME_IMPOSSIBLE;
    out->offset = sign * (hours * 3600 + minutes * 60);
    return r->s == r->end ? EXCHANGE_FINE : EXCHANGE_NOT_DATE;
}

static exchange_fault time_of_day(reader *r, exchange_when *out)
{
    clock_time c = {0, 0, 0, 0};
    half h = half_of_day(r);
    spaces(r);
    exchange_fault fault = clock_of(r, h != WHOLE_DAY, &c);
    if (fault != EXCHANGE_FINE)
        return fault;
    spaces(r);
    if (h == WHOLE_DAY)
        h = letters(r, "am") ? AM : letters(r, "pm") ? PM : WHOLE_DAY;
    fault = adjust(h, &c.hour);
    if (fault != EXCHANGE_FINE)
        return fault;
    const bool midnight = c.hour == 24 && c.minute == 0 && c.second == 0 && c.micros == 0;
    if ((c.hour > 23 && !midnight) || c.minute > 59 || c.second > 59)
        return EXCHANGE_TIME_IMPOSSIBLE;
    out->micros = ((c.hour % 24 * 60 + c.minute) * 60 + c.second) * BASE_US_PER_SECOND + c.micros;
    out->days += midnight;
    out->has_time = true;
    if (out->days > base_days_from_civil(9999, 12, 31))
        return EXCHANGE_DATE_IMPOSSIBLE;
    return offset(r, out);
}

/* ---- a spreadsheet's number ---- */

static exchange_fault serial(exchange_cell c, const exchange_when_format *f, exchange_when *out)
{
    int64_t n;
    exchange_cell whole = c;
    const char *dot = memchr(c.s, '.', c.len);
    int64_t part = 0, unit = 1;
    if (dot != NULL) {
        whole.len = (size_t)(dot - c.s);
        for (const char *p = dot + 1; p < c.s + c.len; p++) {
            if (!digit(*p))
                return EXCHANGE_NOT_DATE;
            if (unit < INT64_C(10000000000)) { /* ten digits: finer than the spreadsheet itself */
                part = part * 10 + (*p - '0');
                unit *= 10;
            }
        }
    }
    if (!base_parse_int(whole.s, whole.len, &n))
        return EXCHANGE_NOT_DATE;
    /* Day 60 of the older count is 1900-02-29, which never was; before it all is one off. */
    if (n < 0 || n > 2958465 || (!f->serial_1904 && (n == 0 || n == 60)))
        return EXCHANGE_DATE_IMPOSSIBLE;
    out->days = f->serial_1904 ? n - 24107 : n - 25569 + (n < 60);
    out->micros = (part * 86400 + unit / 2) / unit * BASE_US_PER_SECOND;
    out->days += out->micros / BASE_US_PER_DAY;
    out->micros %= BASE_US_PER_DAY;
    out->has_time = dot != NULL;
    return EXCHANGE_FINE;
}

/* Digits, with one point among them at most. */
static bool is_decimal(exchange_cell c)
{
    size_t points = 0;
    for (size_t i = 0; i < c.len; i++) {
        points += c.s[i] == '.';
        if (!digit(c.s[i]) && c.s[i] != '.')
            return false;
    }
    return points <= 1 && digit(c.s[0]);
}

/* Five digits, or such with a fraction: 1954 to 2173 as a spreadsheet counts. */
static bool looks_serial(exchange_cell c)
{
    size_t n = 0;
    while (n < c.len && digit(c.s[n]))
        n++;
    return n == 5 && (n == c.len || c.s[n] == '.');
}

exchange_fault exchange_parse_when(exchange_cell c, const exchange_when_format *f,
                                   exchange_when *out)
{
    static const exchange_when_format none = {EXCHANGE_ORDER_UNKNOWN, false, false};
    char buf[LONGEST];
    if (f == NULL)
        f = &none;
    *out = (exchange_when){0, 0, false, false, 0};
    if (exchange_trim(c).len == 0)
        return EXCHANGE_IS_BLANK;
    if (!exchange_fold(c, buf, sizeof buf, &c))
        return EXCHANGE_NOT_DATE;
    reader r = {c.s, c.s + c.len};
    const size_t n = digits_ahead(&r);
    exchange_fault fault = EXCHANGE_NOT_DATE;
    if (n == 8 || n == 12 || n == 14)
        fault = compact(&r, out);
    else if (looks_serial(c) || (f->serial && is_decimal(c)))
        return f->serial ? serial(c, f, out) : EXCHANGE_DATE_SERIAL;
    else if (n == 4)
        fault = year_first(&r, out);
    else if (n == 1 || n == 2)
        fault = year_last(&r, f->order, out);
    if (fault != EXCHANGE_FINE)
        return fault;
    weekday(&r);
    spaces(&r);
    if (r.s < r.end && (*r.s == 'T' || *r.s == 't' || *r.s == ','))
        r.s++;
    spaces(&r);
    return r.s < r.end ? time_of_day(&r, out) : EXCHANGE_FINE;
}

base_local exchange_when_to_us(const exchange_when *w, const base_zone *zone, int64_t *us)
{
    const int64_t local = w->days * 86400 + w->micros / BASE_US_PER_SECOND;
    int64_t seconds = local - (w->has_offset ? w->offset : 0);
    base_local answer = BASE_LOCAL_UNIQUE;
    if (!w->has_offset && zone != NULL)
        answer = base_zone_to_utc(zone, local, &seconds);
    *us = seconds * BASE_US_PER_SECOND + w->micros % BASE_US_PER_SECOND;
    return answer;
}
