/* Words of an index: one sortable text for any value that can be compared, so that a table of words serves fields of all types. */
#include "access/access.h"

#include <string.h>

/* A long text is cut between two characters; what is cut off counts by its digest. */
static void index_text(base_buf *out, const char *text, size_t len)
{
    uint8_t digest[BASE_DIGEST_SIZE];
    char hex[33];
    size_t cut = ACCESS_CUT_WORD;
    base_buf_char(out, 's');
    if (len <= ACCESS_LONGEST_WORD) {
        base_buf_add(out, text, len);
        return;
    }
    while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80)
        cut--;
    base_sha256(text, len, digest);
    base_hex(digest, 16, hex);
    base_buf_add(out, text, cut);
    base_buf_add(out, hex, 32);
}

/* The bits of a double, turned so that they sort as unsigned numbers do; both zeros are one. */
static uint64_t double_bits(double d)
{
    uint64_t bits;
    const double plain = d == 0 ? 0 : d;
    memcpy(&bits, &plain, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Words sort as their values do: a letter for the kind, then text, or a number moved to be positive, in hexadecimal. */
void access_word(base_buf *out, value v)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t n;
    int64_t us;
    switch (v.kind) {
    case VALUE_STRING:
        index_text(out, v.as.s, v.len);
        return;
    case VALUE_BOOL:
        base_buf_str(out, v.as.b ? "b1" : "b0");
        return;
    case VALUE_INT:
        n = (uint64_t)v.as.i ^ UINT64_C(1) << 63;
        base_buf_char(out, 'i');
        break;
    case VALUE_DOUBLE:
        n = double_bits(v.as.d);
        base_buf_char(out, 'd');
        break;
    case VALUE_TIMESTAMP:
        if (!value_to_us(v, &us))
            return; /* fields have no finer ones */
        n = (uint64_t)us ^ UINT64_C(1) << 63;
        base_buf_char(out, 't');
        break;
    default:
        return;
    }
    for (int shift = 60; shift >= 0; shift -= 4)
        base_buf_char(out, hex[n >> shift & 15]);
}
