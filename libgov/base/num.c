/* Numbers to text and back, without locales. */
#include "base/base.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool base_parse_uint(const char *s, size_t len, uint64_t *out)
{
    uint64_t n = 0;
    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(n, 10U, &n) ||
            __builtin_add_overflow(n, (uint64_t)(s[i] - '0'), &n))
            return false;
    }
    *out = n;
    return true;
}

bool base_parse_int(const char *s, size_t len, int64_t *out)
{
    const bool negative = len > 0 && s[0] == '-';
    uint64_t n;
    if (!base_parse_uint(s + negative, len - negative, &n))
        return false;
    if (negative) {
        if (n > (uint64_t)INT64_MAX + 1)
            return false;
        *out = n == (uint64_t)INT64_MAX + 1 ? INT64_MIN : -(int64_t)n;
    } else {
        if (n > INT64_MAX)
            return false;
        *out = (int64_t)n;
    }
    return true;
}

bool base_parse_e7(const char *s, size_t len, int64_t *out)
{
    const bool negative = len > 0 && s[0] == '-';
    size_t at = negative, whole = 0, digits = 0;
    int64_t n = 0;
    for (; at < len && s[at] >= '0' && s[at] <= '9'; at++, whole++)
        if (whole >= 4 || !base_mul(n, 10, &n) || !base_add(n, s[at] - '0', &n))
            return false;
    if (at < len && s[at] == '.')
        at++;
    else if (at < len)
        return false;
    for (; at < len; at++, digits++) {
        if (s[at] < '0' || s[at] > '9')
            return false;
        if (digits < 7)
            n = n * 10 + (s[at] - '0');
        else if (digits == 7 && s[at] >= '5')
            n++;
    }
    if (whole + digits == 0)
        return false;
    for (; digits < 7; digits++)
        n *= 10;
    *out = negative ? -n : n;
    return true;
}

size_t base_format_int(int64_t n, char out[24])
{
    char digits[24];
    size_t at = sizeof digits, len = 0;
    uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    do {
        digits[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u > 0);
    if (n < 0)
        out[len++] = '-';
    memcpy(out + len, digits + at, sizeof digits - at);
    len += sizeof digits - at;
    out[len] = '\0';
    return len;
}

/* The host may have set a locale with another decimal sign; what we write is read by others. */
static void swap_sign(char *text, char from, char to)
{
    for (char *p = text; *p != '\0'; p++)
        if (*p == from)
            *p = to;
}

static char decimal_sign(void)
{
    char probe[8];
    (void)snprintf(probe, sizeof probe, "%.1f", 0.5);
    return probe[1];
}

bool base_parse_double(const char *s, size_t len, double *out)
{
    char text[64];
    char *copy = text, *end = NULL;
    bool digit = false;
    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (strchr("0123456789+-.eE", s[i]) == NULL || s[i] == '\0')
            return false;
        digit = digit || (s[i] >= '0' && s[i] <= '9');
    }
    if (!digit)
        return false;
    if (len >= sizeof text) {
        copy = malloc(len + 1);
        if (copy == NULL)
            return false;
    }
    memcpy(copy, s, len);
    copy[len] = '\0';
    swap_sign(copy, '.', decimal_sign());
    *out = strtod(copy, &end);
    const bool ok = end == copy + len;
    if (copy != text)
        free(copy);
    return ok;
}

/* The numbers below a power of two lie closer than those above it: there the nearest decimal of 16 digits may read back as
 * another number, and the next one as this. */
static bool has_narrow_side(double d)
{
    int exponent;
    return fabs(frexp(d, &exponent)) == 0.5;
}

/* The decimal after this one of as many digits, "1.5e-7" to "1.6e-7". False: it would have more. */
static bool next_decimal(char *text)
{
    for (size_t i = strcspn(text, "e"); i > 0; i--) {
        char *digit = &text[i - 1];
        if (*digit >= '0' && *digit < '9') {
            ++*digit;
            return true;
        }
        if (*digit == '9')
            *digit = '0';
    }
    return false;
}

static bool reads_back(const char *text, double d)
{
    double back;
    return base_parse_double(text, strlen(text), &back) && memcmp(&back, &d, sizeof d) == 0;
}

size_t base_format_double(double d, char out[32])
{
    if (isnan(d))
        return (size_t)snprintf(out, 32, "NaN");
    if (isinf(d))
        return (size_t)snprintf(out, 32, d < 0 ? "-Infinity" : "Infinity");
    const char sign = decimal_sign();
    const int first = fabs(d) < DBL_MIN ? 1 : 15; /* the smallest have fewer digits than the others */
    for (int precision = first; precision <= 17; precision++) {
        (void)snprintf(out, 32, "%.*g", precision, d);
        if (sign != '.')
            swap_sign(out, sign, '.');
        if (reads_back(out, d))
            break;
        if (precision == 16 && has_narrow_side(d) && next_decimal(out) && reads_back(out, d))
            break;
    }
    if (strpbrk(out, ".e") == NULL)
        memcpy(out + strlen(out), ".0", sizeof ".0");
    return strlen(out);
}
