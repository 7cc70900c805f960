/* Civil dates (proleptic Gregorian) and RFC 3339. Day counts use the era method: 400 years are 146,097 days. */
#include "base/base.h"

#include <string.h>

int64_t base_days_from_civil(int32_t year, unsigned month, unsigned day)
{
    const int64_t y = (int64_t)year - (month <= 2);
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void base_civil_from_days(int64_t days, int32_t *year, unsigned *month, unsigned *day)
{
    const int64_t z = days + 719468;
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    *day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int32_t)(yoe + era * 400 + (*month <= 2));
}

unsigned base_weekday(int64_t days)
{
    const int64_t r = (days + 3) % 7; /* 1970-01-01 was a Thursday */
    return (unsigned)(r < 0 ? r + 7 : r) + 1;
}

unsigned base_month_length(int32_t year, unsigned month)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && leap);
}

bool base_date_valid(int32_t year, unsigned month, unsigned day)
{
    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= base_month_length(year, month);
}

/* Exactly n digits. */
static bool fixed_digits(const char *s, size_t n, unsigned *out)
{
    unsigned v = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s[i] - '0');
    }
    *out = v;
    return true;
}

bool base_parse_date(const char *s, size_t len, int64_t *days)
{
    unsigned y, m, d;
    if (len != 10 || s[4] != '-' || s[7] != '-' || !fixed_digits(s, 4, &y) || !fixed_digits(s + 5, 2, &m) ||
        !fixed_digits(s + 8, 2, &d) || !base_date_valid((int32_t)y, m, d))
        return false;
    *days = base_days_from_civil((int32_t)y, m, d);
    return true;
}

static char *put_digits(char *out, unsigned n, int width)
{
    for (int i = width - 1; i >= 0; i--, n /= 10)
        out[i] = (char)('0' + n % 10);
    return out + width;
}

void base_format_date(int64_t days, char out[11])
{
    int32_t year;
    unsigned month, day;
    base_civil_from_days(days, &year, &month, &day);
    char *p = put_digits(out, (unsigned)year, 4);
    *p++ = '-';
    p = put_digits(p, month, 2);
    *p++ = '-';
    p = put_digits(p, day, 2);
    *p = '\0';
}

/* "Z", "z" or "+08:00"; the whole rest of the text. */
static bool parse_offset(const char *s, size_t len, int64_t *seconds)
{
    unsigned h, m;
    if (len == 1 && (s[0] == 'Z' || s[0] == 'z')) {
        *seconds = 0;
        return true;
    }
    if (len != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' || !fixed_digits(s + 1, 2, &h) ||
        !fixed_digits(s + 4, 2, &m) || h > 23 || m > 59)
        return false;
    *seconds = (int64_t)(h * 3600 + m * 60) * (s[0] == '-' ? -1 : 1);
    return true;
}

static bool parse_fraction(const char *s, size_t len, size_t *at, int32_t *nanos)
{
    int32_t n = 0;
    size_t digits = 0;
    if (*at >= len || s[*at] != '.')
        return true;
    for (++*at; *at < len && s[*at] >= '0' && s[*at] <= '9'; ++*at, digits++) {
        if (digits >= 9)
            return false;
        n = n * 10 + (s[*at] - '0');
    }
    if (digits == 0)
        return false;
    for (; digits < 9; digits++)
        n *= 10;
    *nanos = n;
    return true;
}

bool base_parse_rfc3339(const char *s, size_t len, int64_t *seconds, int32_t *nanos)
{
    int64_t days, offset;
    unsigned h, m, sec;
    size_t at = 19;
    if (len < 20 || !base_parse_date(s, 10, &days) || (s[10] != 'T' && s[10] != 't') || s[13] != ':' ||
        s[16] != ':' || !fixed_digits(s + 11, 2, &h) || !fixed_digits(s + 14, 2, &m) ||
        !fixed_digits(s + 17, 2, &sec) || h > 23 || m > 59 || sec > 59)
        return false;
    *nanos = 0;
    if (!parse_fraction(s, len, &at, nanos) || !parse_offset(s + at, len - at, &offset))
        return false;
    *seconds = days * 86400 + h * 3600 + m * 60 + sec - offset;
    /* An offset may carry the first or the last day out of the years 1 to 9999 in UTC. */
    return *seconds >= INT64_C(-62135596800) && *seconds < INT64_C(253402300800);
}

size_t base_format_rfc3339(int64_t seconds, int32_t nanos, char out[40])
{
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    base_format_date(days, out);
    char *p = out + 10;
    *p++ = 'T';
    p = put_digits(p, (unsigned)(rest / 3600), 2);
    *p++ = ':';
    p = put_digits(p, (unsigned)(rest / 60 % 60), 2);
    *p++ = ':';
    p = put_digits(p, (unsigned)(rest % 60), 2);
    if (nanos != 0) {
        *p++ = '.';
        if (nanos % 1000000 == 0)
            p = put_digits(p, (unsigned)nanos / 1000000, 3);
        else if (nanos % 1000 == 0)
            p = put_digits(p, (unsigned)nanos / 1000, 6);
        else
            p = put_digits(p, (unsigned)nanos, 9);
    }
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}

static bool two_digits(const char *s, int most, int64_t *out)
{
    if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
        return false;
    *out = (s[0] - '0') * 10 + (s[1] - '0');
    return *out <= most;
}

bool base_parse_local(const char *s, size_t len, int64_t *seconds)
{
    int64_t days, hour = 0, minute = 0, second = 0;
    if ((len != 10 && len != 16 && len != 19) || !base_parse_date(s, 10, &days))
        return false;
    if (len >= 16 && ((s[10] != 'T' && s[10] != 't' && s[10] != ' ') || s[13] != ':' ||
                      !two_digits(s + 11, 23, &hour) || !two_digits(s + 14, 59, &minute)))
        return false;
    if (len == 19 && (s[16] != ':' || !two_digits(s + 17, 59, &second)))
        return false;
    *seconds = days * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}
