/* Durations as text: "5 working days", "PT0.5S". */
#include "calendar/calendar.h"

#include <string.h>

#define SECOND BASE_US_PER_SECOND
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

/* A decimal number: whole + fraction / scale. */
typedef struct decimal {
    int64_t whole, fraction, scale;
} decimal;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Reads digits with at most nine decimals; false when there are none, or too many. ISO 8601 knows the comma too; in
 * words it would make 1,500 hours of which nobody knows whether they are one and a half. */
static bool read_decimal(const char *s, size_t len, size_t *at, bool comma, decimal *out)
{
    const size_t from = *at;
    *out = (decimal){0, 0, 1};
    while (*at < len && is_digit(s[*at]))
        ++*at;
    if (!base_parse_int(s + from, *at - from, &out->whole))
        return false;
    if (*at >= len || (s[*at] != '.' && !(comma && s[*at] == ',')))
        return true;
    const size_t point = ++*at;
    for (; *at < len && is_digit(s[*at]); ++*at) {
        if (*at - point >= 9)
            return false;
        out->fraction = out->fraction * 10 + (s[*at] - '0');
        out->scale *= 10;
    }
    return *at > point;
}

/* n times `each`, which must come out whole. */
static bool scaled(decimal n, int64_t each, int64_t *out)
{
    int64_t whole;
    const int64_t part = n.fraction * each; /* below 1e9 * 3.6e9 */
    return part % n.scale == 0 && base_mul(n.whole, each, &whole) &&
           base_add(whole, part / n.scale, out);
}

/* ---- words ---- */

typedef struct unit_row {
    const char *name;       /* singular */
    cal_unit unit, working; /* CAL_MIXED: there is no such thing */
    int64_t each;
} unit_row;

static const unit_row units[] = {
    {"second", CAL_TIME, CAL_WORKING_TIME, SECOND},
    {"minute", CAL_TIME, CAL_WORKING_TIME, MINUTE},
    {"hour", CAL_TIME, CAL_WORKING_TIME, HOUR},
    {"day", CAL_DAYS, CAL_WORKING_DAYS, 1},
    {"week", CAL_DAYS, CAL_MIXED, 7},
    {"month", CAL_MONTHS, CAL_MIXED, 1},
    {"year", CAL_MONTHS, CAL_MIXED, 12},
};

static bool starts_with(const char *s, size_t len, const char *word)
{
    const size_t n = strlen(word);
    return len >= n && memcmp(s, word, n) == 0;
}

static const unit_row *find_unit(const char *s, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        const size_t n = strlen(units[i].name);
        if (starts_with(s, len, units[i].name) && (len == n || (len == n + 1 && s[n] == 's')))
            return &units[i];
    }
    return NULL;
}

static gov_status unknown_unit(const char *s, size_t len, const base_place *place, const diag *d)
{
    static const char *const names[] = {
        "seconds", "minutes", "hours",        "days",          "weeks",
        "months",  "years",   "working days", "working hours", "working minutes",
        "second",  "minute",  "hour",         "day",           "week",
        "month",   "year",    "working day",  "working hour"};
    static const char *const business[] = {"workdays", "workday", "business days", "business day", "working-days", "weekdays"};
    const char *near = base_nearest(s, len, names, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(business); i++)
        if (strlen(business[i]) == len && memcmp(business[i], s, len) == 0)
            near = "working days";
    if (near != NULL)
        return base_fail_at(d, place, M_duration_unit_near, A_N("unit", s, len), A_S("near", near));
    return base_fail_at(d, place, M_duration_unit, A_N("unit", s, len));
}

/* A number, spaces, a unit of which the last word may be in the plural. */
static gov_status parse_words(const char *s, size_t len, cal_duration *out, const base_place *place,
                              const diag *d)
{
    size_t at = 0;
    decimal n;
    bool good = read_decimal(s, len, &at, false, &n);
    for (; at < len && (is_digit(s[at]) || s[at] == '.' || s[at] == ','); at++)
        good = false;
    const size_t gap = at;
    while (at < len && s[at] == ' ')
        at++;
    if (at == len || !is_word(s[at]) || is_digit(s[at]))
        return GOV_E_NOT_FOUND; /* a plain number, a date, a telephone */
    if (at == gap || !good)
        return base_fail_at(d, place, M_bad_duration, A_N("text", s, len));
    const char *name = s + at;
    const size_t name_len = len - at;
    const bool working = starts_with(name, name_len, "working ");
    const size_t skip = working ? strlen("working ") : 0;
    const unit_row *row = find_unit(name + skip, name_len - skip);
    if (row == NULL || (working && row->working == CAL_MIXED))
        return unknown_unit(name, name_len, place, d);
    *out = (cal_duration){.unit = working ? row->working : row->unit};
    if (!scaled(n, row->each, &out->amount) ||
        (out->unit != CAL_TIME && out->unit != CAL_WORKING_TIME && n.scale != 1))
        return base_fail_at(d, place, M_bad_duration, A_N("text", s, len));
    return GOV_OK;
}

/* ---- ISO 8601 ---- */

typedef struct iso_row {
    char letter;
    bool time;
    cal_unit unit;
    int64_t each;
} iso_row;

static const iso_row iso_units[] = {
    {'Y', false, CAL_MONTHS, 12},  {'M', false, CAL_MONTHS, 1}, {'W', false, CAL_DAYS, 7},
    {'D', false, CAL_DAYS, 1},     {'H', true, CAL_TIME, HOUR}, {'M', true, CAL_TIME, MINUTE},
    {'S', true, CAL_TIME, SECOND},
};

/* The unit that one part alone has; for several it is mixed. */
static void settle_unit(cal_duration *out, cal_unit first)
{
    const int kinds = (out->amount != 0) + (out->days != 0) + (out->us != 0);
    if (kinds > 1)
        return;
    out->unit = out->amount != 0 ? CAL_MONTHS
                : out->days != 0 ? CAL_DAYS
                : out->us != 0   ? CAL_TIME
                                 : first;
    out->amount += out->days + out->us; /* all but one are 0 */
    out->days = out->us = 0;
}

static bool parse_iso(const char *s, size_t len, cal_duration *out)
{
    size_t at = 1, next = 0; /* the row from which on the next letter must be */
    bool time = false, any = false, last = false;
    cal_unit first = CAL_DAYS;
    *out = (cal_duration){.unit = CAL_MIXED};
    while (at < len) {
        decimal n;
        int64_t amount;
        if (s[at] == 'T' && !time) {
            time = true;
            at++;
        }
        if (last || !read_decimal(s, len, &at, true, &n) || at >= len)
            return false;
        while (next < ARRAY_LEN(iso_units) &&
               (iso_units[next].letter != s[at] || iso_units[next].time != time))
            next++;
        if (next == ARRAY_LEN(iso_units) || (n.scale != 1 && !time) ||
            !scaled(n, iso_units[next].each, &amount))
            return false;
        const cal_unit unit = iso_units[next++].unit;
        int64_t *part = unit == CAL_MONTHS ? &out->amount
                        : unit == CAL_DAYS ? &out->days
                                           : &out->us;
        if (!base_add(*part, amount, part))
            return false;
        if (!any)
            first = unit;
        any = true;
        last = n.scale != 1; /* only the smallest part may have a fraction */
        at++;
    }
    settle_unit(out, first);
    return any && s[len - 1] != 'T';
}

gov_status cal_parse_duration(const char *s, size_t len, cal_duration *out, const base_place *place,
                              const diag *d)
{
    bool name = true;
    *out = (cal_duration){0};
    if (len > 0 && is_digit(s[0]))
        return parse_words(s, len, out, place, d);
    if (len < 2 || s[0] != 'P' || !(is_digit(s[1]) || s[1] == 'T'))
        return GOV_E_NOT_FOUND;
    if (parse_iso(s, len, out))
        return GOV_OK;
    *out = (cal_duration){0};
    for (size_t i = 0; i < len; i++)
        name = name && is_word(s[i]);
    return name ? GOV_E_NOT_FOUND : base_fail_at(d, place, M_bad_duration, A_N("text", s, len));
}

/* ---- writing ---- */

static uint64_t magnitude(int64_t n)
{
    return n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
}

static void write_seconds(base_buf *out, uint64_t us)
{
    uint64_t part = us % SECOND;
    base_buf_uint(out, us / SECOND);
    if (part == 0)
        return;
    char digits[7] = ".000000";
    size_t len = sizeof digits;
    for (size_t i = 6; i > 0; i--, part /= 10)
        digits[i] = (char)('0' + part % 10);
    while (digits[len - 1] == '0')
        len--;
    base_buf_add(out, digits, len);
}

static void write_words(base_buf *out, uint64_t n, const char *unit)
{
    base_buf_uint(out, n);
    base_buf_char(out, ' ');
    base_buf_str(out, unit);
    if (n != 1)
        base_buf_char(out, 's');
}

static void write_time(base_buf *out, uint64_t us, bool working)
{
    if (us % HOUR == 0) {
        write_words(out, us / HOUR, working ? "working hour" : "hour");
    } else if (us % MINUTE == 0) {
        write_words(out, us / MINUTE, working ? "working minute" : "minute");
    } else if (us % SECOND == 0) {
        write_words(out, us / SECOND, working ? "working second" : "second");
    } else {
        base_buf_str(out, working ? "" : "PT");
        write_seconds(out, us);
        base_buf_str(out, working ? " working seconds" : "S");
    }
}

static void write_mixed(base_buf *out, cal_duration dur)
{
    base_buf_char(out, 'P');
    if (dur.amount != 0) {
        base_buf_uint(out, magnitude(dur.amount));
        base_buf_char(out, 'M');
    }
    if (dur.days != 0 || dur.us == 0) {
        base_buf_uint(out, magnitude(dur.days));
        base_buf_char(out, 'D');
    }
    if (dur.us != 0) {
        base_buf_char(out, 'T');
        write_seconds(out, magnitude(dur.us));
        base_buf_char(out, 'S');
    }
}

void cal_write_duration(base_buf *out, cal_duration dur)
{
    const uint64_t n = magnitude(dur.amount);
    if (cal_is_negative(dur))
        base_buf_char(out, '-');
    switch (dur.unit) {
    case CAL_TIME:
    case CAL_WORKING_TIME: write_time(out, n, dur.unit == CAL_WORKING_TIME); break;
    case CAL_DAYS: write_words(out, n, "day"); break;
    case CAL_MONTHS: write_words(out, n, "month"); break;
    case CAL_WORKING_DAYS: write_words(out, n, "working day"); break;
    case CAL_MIXED: write_mixed(out, dur); break;
    }
}

/* ---- arithmetic ---- */

bool cal_is_zero(cal_duration dur)
{
    return dur.amount == 0 && dur.ppm == 0 && dur.days == 0 && dur.us == 0;
}

bool cal_is_negative(cal_duration dur)
{
    return dur.amount < 0 || dur.days < 0 || dur.us < 0;
}

bool cal_negate(cal_duration dur, cal_duration *out)
{
    *out = dur;
    return dur.ppm == 0 && base_sub(0, dur.amount, &out->amount) &&
           base_sub(0, dur.days, &out->days) && base_sub(0, dur.us, &out->us);
}

bool cal_sum(cal_duration a, cal_duration b, cal_duration *out)
{
    if (a.unit != b.unit) {
        *out = cal_is_zero(a) ? b : a;
        return cal_is_zero(a) || cal_is_zero(b);
    }
    *out = a;
    out->ppm += b.ppm;
    const bool carry = out->ppm >= 1000000;
    if (carry)
        out->ppm -= 1000000;
    return base_add(a.amount, b.amount, &out->amount) &&
           base_add(out->amount, carry, &out->amount) && base_add(a.days, b.days, &out->days) &&
           base_add(a.us, b.us, &out->us);
}

bool cal_share(cal_duration dur, int64_t percent, cal_duration *out)
{
    int64_t whole, part;
    *out = dur;
    if (dur.unit == CAL_MONTHS || dur.unit == CAL_MIXED || dur.amount < 0 || percent < 0)
        return false;
    if (dur.unit == CAL_TIME || dur.unit == CAL_WORKING_TIME)
        return base_mul(dur.amount / 100, percent, &whole) &&
               base_mul(dur.amount % 100, percent, &part) &&
               base_add(whole, part / 100, &out->amount);
    if (!base_mul(dur.amount, 1000000, &whole) || !base_add(whole, dur.ppm, &whole) ||
        !base_mul(whole / 100, percent, &part) || !base_mul(whole % 100, percent, &whole) ||
        !base_add(part, whole / 100, &part))
        return false;
    out->amount = part / 1000000;
    out->ppm = (uint32_t)(part % 1000000);
    return true;
}
