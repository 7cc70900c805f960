/* JSON for programs. Plain where gov_value_to_json() would write tags: instants as RFC 3339 in UTC, durations in
 * seconds. Whole numbers beyond 2^53 are strings, since many readers would round them; ids are that long. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT INT64_C(9007199254740992)

void json_text(FILE *out, const char *s, size_t len)
{
    fputc('"', out);
    for (size_t i = 0; i < len; i++) {
        const unsigned char b = (unsigned char)s[i];
        if (b == '"' || b == '\\')
            fprintf(out, "\\%c", b);
        else if (b == '\n')
            fputs("\\n", out);
        else if (b < 0x20 || b == 0x7f)
            fprintf(out, "\\u%04x", b);
        else
            fputc(b, out);
    }
    fputc('"', out);
}

static void json_bytes(FILE *out, const char *s, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    fputc('"', out);
    for (size_t i = 0; i < len; i += 3) {
        const size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (unsigned char)s[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            fputc(k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=', out);
    }
    fputc('"', out);
}

static void json_double(FILE *out, double d)
{
    char text[40];
    if (isnan(d) || isinf(d)) {
        fputs(isnan(d) ? "\"NaN\"" : d < 0 ? "\"-Infinity\"" : "\"Infinity\"", out);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    fputs(text, out);
}

/* Years 0001 to 9999, by the calendar's own arithmetic: the C library's would need the machine's time zone. */
static void put_instant(FILE *out, int64_t seconds, int32_t nanos)
{
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t z = days + 719468; /* since 1 March of the year 0 */
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097, day = z - era * 146097;
    const int64_t of_era = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    const int64_t of_year = day - (365 * of_era + of_era / 4 - of_era / 100),
                  m = (5 * of_year + 2) / 153;
    const int month = (int)(m < 10 ? m + 3 : m - 9);
    fprintf(out, "\"%04d-%02d-%02dT%02d:%02d:%02d", (int)(of_era + era * 400 + (month <= 2)), month,
            (int)(of_year - (153 * m + 2) / 5 + 1), (int)(rest / 3600), (int)(rest / 60 % 60),
            (int)(rest % 60));
    if (nanos != 0)
        fprintf(out, nanos % 1000 == 0 ? ".%06d" : ".%09d",
                (int)(nanos % 1000 == 0 ? nanos / 1000 : nanos));
    fputs("Z\"", out);
}

static void json_instant(FILE *out, const gov_value *v)
{
    int32_t nanos;
    const int64_t seconds = gov_value_seconds(v, &nanos);
    put_instant(out, seconds, nanos);
}

void json_instant_us(FILE *out, int64_t us)
{
    const int64_t part = us % 1000000, rest = part < 0 ? part + 1000000 : part;
    put_instant(out, (us - rest) / 1000000, (int32_t)rest * 1000);
}

static void json_duration(FILE *out, const gov_value *v)
{
    int32_t nanos;
    const int64_t seconds = gov_value_seconds(v, &nanos);
    const bool minus = seconds < 0 || nanos < 0;
    fprintf(out, "\"%s%llu", minus ? "-" : "",
            (unsigned long long)(seconds < 0 ? -seconds : seconds));
    if (nanos != 0)
        fprintf(out, ".%09d", (int)(nanos < 0 ? -nanos : nanos));
    fputs("s\"", out);
}

static void json_key(FILE *out, const gov_value *key)
{
    size_t len;
    const char *s = gov_value_string(key, &len);
    if (s != NULL)
        json_text(out, s, len);
    else
        fprintf(out, "\"%lld\"", (long long)gov_value_int(key));
}

static void json_int(FILE *out, int64_t n)
{
    fprintf(out, n > EXACT || n < -EXACT ? "\"%lld\"" : "%lld", (long long)n);
}

void json_value(FILE *out, const gov_value *v)
{
    size_t len;
    const char *s = gov_value_string(v, &len);
    const int32_t kind = gov_value_kind(v);
    switch (kind) {
    case GOV_VALUE_BOOL: fputs(gov_value_bool(v) ? "true" : "false", out); break;
    case GOV_VALUE_INT: json_int(out, gov_value_int(v)); break;
    case GOV_VALUE_UINT: {
        const uint64_t n = gov_value_uint(v);
        fprintf(out, n > (uint64_t)EXACT ? "\"%llu\"" : "%llu", (unsigned long long)n);
        break;
    }
    case GOV_VALUE_DOUBLE: json_double(out, gov_value_double(v)); break;
    case GOV_VALUE_STRING:
    case GOV_VALUE_TYPE: json_text(out, s, len); break;
    case GOV_VALUE_BYTES: json_bytes(out, s, len); break;
    case GOV_VALUE_TIMESTAMP: json_instant(out, v); break;
    case GOV_VALUE_DURATION: json_duration(out, v); break;
    case GOV_VALUE_LIST:
    case GOV_VALUE_MAP:
        fputc(kind == GOV_VALUE_LIST ? '[' : '{', out);
        for (size_t i = 0; i < gov_value_count(v); i++) {
            if (i > 0)
                fputc(',', out);
            if (kind == GOV_VALUE_MAP) {
                json_key(out, gov_value_key_at(v, i));
                fputc(':', out);
            }
            json_value(out, gov_value_at(v, i));
        }
        fputc(kind == GOV_VALUE_LIST ? ']' : '}', out);
        break;
    default: fputs("null", out); break;
    }
}

void json_line(const gov_value *v)
{
    json_value(stdout, v);
    fputc('\n', stdout);
}
