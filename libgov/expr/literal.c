/* Literals of strings, bytes and numbers. */
#include "expr/inner.h"

#include <math.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex(const char *s, size_t len, size_t digits, uint32_t *out)
{
    uint32_t n = 0;
    if (len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        const int digit = hex_digit(s[i]);
        if (digit < 0)
            return false;
        n = n << 4 | (uint32_t)digit;
    }
    *out = n;
    return true;
}

static bool is_surrogate(uint32_t cp)
{
    return cp >= 0xd800 && cp <= 0xdfff;
}

/* One character for escapes such as \n; 0 for others. */
static char simple_escape(char c)
{
    static const char from[] = "abfnrtv\\?\"'`", to[] = "\a\b\f\n\r\t\v\\?\"'`";
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    return at != NULL ? to[at - from] : '\0';
}

/* \\u and \\U. Returns bytes taken; 0: *why says what is wrong. */
static size_t read_code_point(const char *s, size_t len, bool bytes, uint32_t *cp, const char **why)
{
    const size_t digits = s[0] == 'u' ? 4 : 8;
    if (bytes)
        *why = "bytes have no \\u and \\U; write \\x and two hexadecimal digits for each byte";
    else if (!read_hex(s + 1, len - 1, digits, cp))
        *why = digits == 4 ? "\\u takes four hexadecimal digits" : "\\U takes eight hexadecimal digits";
    else if (is_surrogate(*cp)) /* half a pair is no character, nor are two halves */
        *why = "a surrogate (D800 to DFFF) is no character; write \\U and eight hexadecimal digits";
    else if (*cp > 0x10ffff)
        *why = "the last character is \\U0010FFFF";
    else
        return 1 + digits;
    return 0;
}

/* Three octal digits. */
static size_t read_octal(const char *s, size_t len, uint32_t *cp, const char **why)
{
    for (size_t i = 1; i < 3; i++) {
        if (i >= len || s[i] < '0' || s[i] > '7') {
            *why = "a backslash before a digit takes three octal digits";
            return 0;
        }
    }
    *cp = (uint32_t)((s[0] - '0') << 6 | (s[1] - '0') << 3 | (s[2] - '0'));
    *why = "the largest octal escape is \\377, which is 255";
    return *cp <= 255 ? 3 : 0;
}

/* Reads what follows a backslash. Returns bytes taken, 0 when it is no escape: *why says why not. *octet: a byte, not a character. */
static size_t read_escape(const char *s, size_t len, bool bytes, uint32_t *cp, bool *octet,
                          const char **why)
{
    *octet = false;
    *why = "unknown escape";
    if (len == 0)
        return 0;
    if (simple_escape(s[0]) != '\0') {
        *cp = (uint32_t)simple_escape(s[0]);
        return 1;
    }
    if (s[0] == 'x' || s[0] == 'X') {
        *octet = bytes;
        *why = "\\x takes two hexadecimal digits";
        return read_hex(s + 1, len - 1, 2, cp) ? 3 : 0;
    }
    if (s[0] >= '0' && s[0] <= '7') {
        *octet = bytes;
        return read_octal(s, len, cp, why);
    }
    return s[0] == 'u' || s[0] == 'U' ? read_code_point(s, len, bytes, cp, why) : 0;
}

static const char *unescape(base_arena *arena, const char *s, size_t len, bool bytes, value *out,
                            size_t *bad)
{
    char *to = base_arena_alloc(arena, len + 1); /* no escape is shorter than what it stands for */
    size_t n = 0;
    if (to == NULL)
        return "";
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        bool octet;
        const char *why;
        if (s[i] != '\\') {
            to[n++] = s[i++];
            continue;
        }
        const size_t taken = read_escape(s + i + 1, len - i - 1, bytes, &cp, &octet, &why);
        if (taken == 0) {
            *bad = i;
            return why;
        }
        if (octet)
            to[n++] = (char)cp;
        else
            n += base_utf8_put(cp, to + n);
        i += 1 + taken;
    }
    *out = bytes ? value_bytes(to, n) : value_string(to, n);
    return NULL;
}

/* Where in a literal its quotes end, and whether it is raw. */
static size_t quotes_of(const char *s, size_t len, bool *raw, size_t *quote)
{
    size_t at = 0;
    for (*raw = false; at < len && s[at] != '"' && s[at] != '\''; at++)
        *raw = *raw || s[at] == 'r' || s[at] == 'R';
    *quote = len - at >= 6 && s[at + 1] == s[at] && s[at + 2] == s[at] ? 3 : 1;
    return at;
}

size_t expr_text_offset(const char *s, size_t len, size_t offset)
{
    bool raw;
    size_t quote, n = 0;
    size_t i = quotes_of(s, len, &raw, &quote);
    for (i += quote; i < len && n < offset;) {
        char octets[4];
        uint32_t cp;
        bool octet;
        const char *why;
        const size_t taken = !raw && s[i] == '\\' ? read_escape(s + i + 1, len - i - 1, false, &cp, &octet, &why) : 0;
        n += taken > 0 ? base_utf8_put(cp, octets) : 1;
        i += 1 + taken;
    }
    return i;
}

const char *expr_read_string(base_arena *arena, const char *s, size_t len, bool bytes, value *out,
                             size_t *bad)
{
    bool raw;
    size_t quote;
    const size_t at = quotes_of(s, len, &raw, &quote);
    const char *inside = s + at + quote;
    const size_t n = len - at - 2 * quote;
    *bad = 0;
    if (raw || memchr(inside, '\\', n) == NULL) {
        *out = bytes ? value_bytes(inside, n) : value_string(inside, n);
        return NULL;
    }
    const char *why = unescape(arena, inside, n, bytes, out, bad);
    *bad += at + quote;
    return why;
}

static const char *read_integer(const char *s, size_t len, bool negative, bool is_unsigned,
                                value *out)
{
    const bool hex = len > 2 && s[0] == '0' && s[1] == 'x';
    uint64_t n = 0;
    for (size_t i = hex ? 2 : 0; i < len; i++)
        if (__builtin_mul_overflow(n, hex ? 16U : 10U, &n) ||
            __builtin_add_overflow(n, (uint64_t)hex_digit(s[i]), &n))
            return "out of range";
    if (is_unsigned) {
        *out = value_uint(n);
        return negative ? "an unsigned number has no sign" : NULL;
    }
    if (n > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return "out of range";
    *out = value_int(negative ? (int64_t)(0 - n) : (int64_t)n);
    return NULL;
}

const char *expr_read_number(const char *s, size_t len, bool negative, value *out)
{
    const bool hex = len > 2 && s[0] == '0' && s[1] == 'x';
    const bool is_unsigned = s[len - 1] == 'u' || s[len - 1] == 'U';
    bool real = false;
    double d;
    for (size_t i = 0; !hex && i < len; i++)
        real = real || s[i] == '.' || s[i] == 'e' || s[i] == 'E';
    if (!real)
        return read_integer(s, len - is_unsigned, negative, is_unsigned, out);
    if (!base_parse_double(s, len, &d) || isinf(d))
        return "out of range";
    *out = value_double(negative ? -d : d);
    return NULL;
}
