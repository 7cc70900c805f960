/* Cells into numbers, truth and coordinates. */
#include "exchange/table.h"

#include <string.h>

enum { LONGEST = 64 }; /* no number is longer */

/* The ASCII code point that a wide or fancy one stands for; 0 for those that show nothing; else itself. */
static uint32_t plain(uint32_t cp)
{
    if (cp < 0xA0)
        return cp;
    if (cp >= 0xFF01 && cp <= 0xFF5E)
        return cp - 0xFEE0;
    if (cp == 0xA0 || cp == 0x3000 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x202F ||
        cp == 0x205F)
        return ' ';
    if ((cp >= 0x200B && cp <= 0x200F) || cp == 0x2060 || cp == 0xFEFF)
        return 0;
    if (cp == 0x2212 || (cp >= 0x2010 && cp <= 0x2015) || cp == 0xFE63)
        return '-';
    if (cp == 0x2236)
        return ':';
    if (cp == 0x2044 || cp == 0x2215)
        return '/';
    return cp == 0xFFE5 ? 0xA5 : cp; /* the yen sign */
}

static bool is_space(uint32_t cp)
{
    cp = plain(cp);
    return cp == 0 || cp == ' ' || (cp >= '\t' && cp <= '\r');
}

exchange_cell exchange_trim(exchange_cell c)
{
    uint32_t cp;
    while (c.len > 0) {
        const size_t n = base_utf8_next(c.s, c.len, &cp);
        if (n == 0 || !is_space(cp) || cp == '\0')
            break;
        c.s += n;
        c.len -= n;
    }
    while (c.len > 0) {
        size_t n = 1;
        while (n < 4 && n < c.len && ((unsigned char)c.s[c.len - n] & 0xC0) == 0x80)
            n++;
        if (base_utf8_next(c.s + c.len - n, n, &cp) != n || !is_space(cp) || cp == '\0')
            break;
        c.len -= n;
    }
    return c;
}

bool exchange_is_blank(exchange_cell c, const char *const *tokens, size_t n)
{
    c = exchange_trim(c);
    if (c.len == 0)
        return true;
    for (size_t i = 0; i < n; i++) {
        const exchange_cell token = exchange_trim((exchange_cell){tokens[i], strlen(tokens[i])});
        if (token.len == c.len && memcmp(token.s, c.s, c.len) == 0)
            return true;
    }
    return false;
}

bool exchange_fold(exchange_cell c, char *buf, size_t cap, exchange_cell *out)
{
    size_t len = 0;
    c = exchange_trim(c);
    for (size_t i = 0; i < c.len;) {
        uint32_t cp;
        char utf8[4];
        const size_t taken = base_utf8_next(c.s + i, c.len - i, &cp);
        if (taken == 0)
            return false;
        i += taken;
        const bool nul = cp == 0;
        cp = plain(cp);
        if (cp == 0 && !nul)
            continue;
        const size_t n = base_utf8_put(cp, utf8);
        if (n > cap - len)
            return false;
        memcpy(buf + len, utf8, n);
        len += n;
    }
    *out = (exchange_cell){buf, len};
    return true;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_suffix(exchange_cell *c, const char *suffix)
{
    const size_t n = strlen(suffix);
    if (c->len < n || memcmp(c->s + c->len - n, suffix, n) != 0)
        return false;
    c->len -= n;
    *c = exchange_trim(*c);
    return true;
}

static bool take_prefix(exchange_cell *c, const char *prefix)
{
    const size_t n = strlen(prefix);
    if (c->len < n || memcmp(c->s, prefix, n) != 0)
        return false;
    c->s += n;
    c->len -= n;
    *c = exchange_trim(*c);
    return true;
}

/* The whole part: digits, or groups of three behind a first one of up to three. Returns how long it is, 0 for neither. */
static size_t whole_part(const char *s, size_t n, int64_t *out, bool *fits)
{
    size_t i = 0, group = 0, commas = 0;
    for (; i < n && (digit(s[i]) || s[i] == ','); i++) {
        if (s[i] == ',') {
            if (group == 0 || group > 3 || (commas > 0 && group != 3))
                return 0;
            commas++;
            group = 0;
            continue;
        }
        group++;
        *fits = *fits && base_mul(*out, 10, out) && base_sub(*out, s[i] - '0', out);
    }
    return commas > 0 && group != 3 ? 0 : i;
}

/* Counted downwards from 0, because there is one more negative number. */
static exchange_fault fixed(const char *s, size_t n, int scale, bool negative, int64_t *out)
{
    int64_t sum = 0;
    bool fits = true, rest = false;
    size_t i = whole_part(s, n, &sum, &fits), digits = i;
    if (i == 0 && (n == 0 || s[0] != '.'))
        return EXCHANGE_NOT_NUMBER;
    int kept = 0;
    if (i < n && s[i] == '.')
        for (i++; i < n && digit(s[i]); i++, digits++) {
            if (kept < scale)
                fits = fits && base_mul(sum, 10, &sum) && base_sub(sum, s[i] - '0', &sum);
            else
                rest |= s[i] != '0';
            kept += kept < scale;
        }
    if (digits == 0)
        return EXCHANGE_NOT_NUMBER;
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        i += i + 1 < n && (s[i + 1] == '+' || s[i + 1] == '-') ? 2 : 1;
        const size_t exponent = i;
        while (i < n && digit(s[i]))
            i++;
        return i == n && i > exponent ? EXCHANGE_SHORTENED : EXCHANGE_NOT_NUMBER;
    }
    if (i < n)
        return EXCHANGE_NOT_NUMBER;
    for (; kept < scale; kept++)
        fits = fits && base_mul(sum, 10, &sum);
    if (rest)
        return scale == 0 ? EXCHANGE_NOT_WHOLE : EXCHANGE_TOO_FINE;
    if (!fits || (!negative && !base_sub(0, sum, &sum)))
        return EXCHANGE_TOO_LARGE;
    *out = sum;
    return EXCHANGE_FINE;
}

static exchange_fault signed_fixed(exchange_cell c, int scale, int64_t *out)
{
    const bool negative = c.len > 0 && c.s[0] == '-';
    const bool sign = negative || (c.len > 0 && c.s[0] == '+');
    return fixed(c.s + sign, c.len - sign, scale, negative, out);
}

exchange_fault exchange_parse_decimal(exchange_cell c, int scale, int64_t *out)
{
    char buf[LONGEST];
    if (exchange_trim(c).len == 0)
        return EXCHANGE_IS_BLANK;
    if (scale < 0 || scale > 9 || !exchange_fold(c, buf, sizeof buf, &c))
        return EXCHANGE_NOT_NUMBER;
    return signed_fixed(c, scale, out);
}

exchange_fault exchange_parse_int(exchange_cell c, int64_t *out)
{
    return exchange_parse_decimal(c, 0, out);
}

exchange_fault exchange_parse_fen(exchange_cell c, int64_t *out)
{
    char buf[LONGEST];
    int scale = 2;
    if (exchange_trim(c).len == 0)
        return EXCHANGE_IS_BLANK;
    if (!exchange_fold(c, buf, sizeof buf, &c))
        return EXCHANGE_NOT_NUMBER;
    const bool owed =
        c.len > 2 && c.s[0] == '(' && c.s[c.len - 1] == ')'; /* as accountants write a debt */
    if (owed)
        c = exchange_trim((exchange_cell){c.s + 1, c.len - 2});
    const bool before = take_prefix(&c, "-");
    if (!take_prefix(&c, "\xC2\xA5") && !take_prefix(&c, "RMB"))
        take_prefix(&c, "CNY");
    take_suffix(&c, "整");
    if (!take_suffix(&c, "元"))
        take_suffix(&c, "圆");
    if (take_suffix(&c, "万"))
        scale += 4;
    else if (take_suffix(&c, "亿"))
        scale += 8;
    if ((owed || before) && c.len > 0 && (c.s[0] == '-' || c.s[0] == '+'))
        return EXCHANGE_NOT_NUMBER;
    if (owed && before)
        return EXCHANGE_NOT_NUMBER;
    return owed || before ? fixed(c.s, c.len, scale, true, out) : signed_fixed(c, scale, out);
}

exchange_fault exchange_parse_bool(exchange_cell c, bool *out)
{
    static const char *const yes[] = {"是",   "真", "对",  "√", "✓", "✔",
                                      "true", "t",  "yes", "y", "1", "on"};
    static const char *const no[] = {"否", "假", "错", "×", "✗",   "✘", "false",
                                     "f",  "no", "n",  "0", "off", "x"};
    char buf[16];
    if (exchange_trim(c).len == 0)
        return EXCHANGE_IS_BLANK;
    if (!exchange_fold(c, buf, sizeof buf, &c))
        return EXCHANGE_NOT_BOOL;
    for (size_t i = 0; i < c.len; i++)
        if (buf[i] >= 'A' && buf[i] <= 'Z')
            buf[i] = (char)(buf[i] + 32);
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (strlen(yes[i]) == c.len && memcmp(yes[i], c.s, c.len) == 0) {
            *out = true;
            return EXCHANGE_FINE;
        }
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (strlen(no[i]) == c.len && memcmp(no[i], c.s, c.len) == 0) {
            *out = false;
            return EXCHANGE_FINE;
        }
    return EXCHANGE_NOT_BOOL;
}

/* One of N, E, S, W (or its Chinese name) before or behind the number: 1, -1 for south and west; 0 for none. */
static int take_side(exchange_cell *c)
{
    static const struct {
        const char *name;
        int sign;
    } sides[] = {{"N", 1},  {"E", 1},  {"S", -1},   {"W", -1},   {"n", 1},     {"e", 1},
                 {"s", -1}, {"w", -1}, {"北纬", 1}, {"东经", 1}, {"南纬", -1}, {"西经", -1}};
    for (size_t i = 0; i < ARRAY_LEN(sides); i++)
        if (take_prefix(c, sides[i].name) || take_suffix(c, sides[i].name))
            return sides[i].sign;
    return 0;
}

exchange_fault exchange_parse_degrees(exchange_cell c, int32_t max, int64_t *out)
{
    char buf[LONGEST];
    int64_t e7;
    if (exchange_trim(c).len == 0)
        return EXCHANGE_IS_BLANK;
    if (!exchange_fold(c, buf, sizeof buf, &c))
        return EXCHANGE_NOT_DEGREES;
    const int side = take_side(&c);
    take_suffix(&c, "°");
    take_suffix(&c, "度");
    if (c.len > 0 && c.s[0] == '+')
        take_prefix(&c, "+");
    if ((side != 0 && c.len > 0 && c.s[0] == '-') || !base_parse_e7(c.s, c.len, &e7))
        return EXCHANGE_NOT_DEGREES;
    if (e7 > (int64_t)max * 10000000 || e7 < -(int64_t)max * 10000000)
        return EXCHANGE_NOT_DEGREES;
    *out = side < 0 ? -e7 : e7;
    return EXCHANGE_FINE;
}
