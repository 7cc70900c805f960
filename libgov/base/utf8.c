/* UTF-8 as RFC 3629 has it. */
#include "base/base.h"

size_t base_utf8_next(const char *s, size_t len, uint32_t *cp)
{
    const unsigned char *p = (const unsigned char *)s;
    if (len == 0)
        return 0;
    if (p[0] < 0x80) {
        *cp = p[0];
        return 1;
    }
    const size_t n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (n == 0 || len < n)
        return 0;
    uint32_t c = p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if ((n == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) || (n == 4 && (c < 0x10000 || c > 0x10ffff)))
        return 0;
    *cp = c;
    return n;
}

bool base_utf8_plain(const char *s, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t cp;
        const size_t n = base_utf8_next(s + at, len - at, &cp);
        if (n == 0 || cp < 0x20 || (cp >= 0x7f && cp <= 0x9f))
            return false;
        at += n;
    }
    return true;
}

size_t base_utf8_bad(const char *s, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint32_t cp;
        const size_t n = base_utf8_next(s + at, len - at, &cp);
        if (n == 0)
            break;
        at += n;
    }
    return at;
}

bool base_utf8_valid(const char *s, size_t len)
{
    return base_utf8_bad(s, len) == len;
}

size_t base_utf8_count(const char *s, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)s[i] & 0xc0) != 0x80;
    return count;
}

/* White space, zero-width spaces and joiners, marks of direction, the byte order mark, and what Hangul and Braille leave empty. */
static bool shows_nothing(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0xad || c == 0x115f ||
           c == 0x1160 || c == 0x1680 || c == 0x180e || (c >= 0x2000 && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x2800 || c == 0x3000 ||
           c == 0x3164 || c == 0xfeff || c == 0xffa0;
}

bool base_utf8_blank(const char *s, size_t len)
{
    uint32_t c;
    size_t taken;
    for (size_t at = 0; at < len; at += taken) {
        taken = base_utf8_next(s + at, len - at, &c);
        if (taken == 0 || !shows_nothing(c))
            return false;
    }
    return true;
}

size_t base_utf8_put(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        if (cp >= 0xd800 && cp < 0xe000)
            return 0;
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    if (cp > 0x10ffff)
        return 0;
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}
