/* From bytes in one of the encodings that offices use to UTF-8. The encoding stays open while all is ASCII, because
 * then it makes no difference; it is decided at the first other byte, from as much as a buffer holds. */
#include "exchange/table.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

enum { WINDOW = 64 * 1024 };

static const char replacement[] = "\xEF\xBF\xBD";

struct exchange_decoder {
    const gov_allocator *alloc;
    exchange_input *in;
    exchange_encoding encoding; /* EXCHANGE_AUTO: not decided yet */
    iconv_t cd;
    bool has_cd;
    exchange_ended ended; /* of the input */
    size_t at, len;
    char bytes[WINDOW];
};

/* Fills the window behind what is left in it. */
static void refill(exchange_decoder *dec)
{
    if (dec->at > 0) {
        memmove(dec->bytes, dec->bytes + dec->at, dec->len - dec->at);
        dec->len -= dec->at;
        dec->at = 0;
    }
    while (dec->len < WINDOW && dec->ended == EXCHANGE_GOES_ON)
        dec->len +=
            exchange_input_fill(dec->in, dec->bytes + dec->len, WINDOW - dec->len, &dec->ended);
}

/* Takes off a byte order mark and learns from it. UTF-16 without one shows by the zeros of its first letters. */
static void look_for_mark(exchange_decoder *dec)
{
    static const struct {
        const char *mark;
        size_t len;
        exchange_encoding encoding;
    } marks[] = {
        {"\xEF\xBB\xBF", 3, EXCHANGE_UTF8},
        {"\x84\x31\x95\x33", 4, EXCHANGE_GB18030},
        {"\xFF\xFE", 2, EXCHANGE_UTF16LE},
        {"\xFE\xFF", 2, EXCHANGE_UTF16BE},
    };
    const char *s = dec->bytes;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        if (dec->len < marks[i].len || memcmp(s, marks[i].mark, marks[i].len) != 0)
            continue;
        if (dec->encoding == EXCHANGE_AUTO)
            dec->encoding = marks[i].encoding;
        if (dec->encoding == marks[i].encoding)
            dec->at = marks[i].len;
        return;
    }
    if (dec->encoding != EXCHANGE_AUTO || dec->len < 4)
        return;
    if (s[0] != 0 && s[1] == 0 && s[2] != 0 && s[3] == 0)
        dec->encoding = EXCHANGE_UTF16LE;
    else if (s[0] == 0 && s[1] != 0 && s[2] == 0 && s[3] != 0)
        dec->encoding = EXCHANGE_UTF16BE;
}

gov_status exchange_decoder_open(const gov_allocator *a, exchange_input *in,
                                 exchange_encoding encoding, exchange_decoder **out, const diag *d)
{
    exchange_decoder *dec = base_alloc(a, sizeof *dec);
    if (dec == NULL)
        return base_nomem(d);
    dec->alloc = a;
    dec->in = in;
    dec->encoding = encoding;
    dec->ended = EXCHANGE_GOES_ON;
    refill(dec);
    look_for_mark(dec);
    *out = dec;
    return GOV_OK;
}

void exchange_decoder_close(exchange_decoder *dec)
{
    if (dec == NULL)
        return;
    if (dec->has_cd)
        iconv_close(dec->cd);
    base_free(dec->alloc, dec);
}

exchange_encoding exchange_decoder_found(const exchange_decoder *dec)
{
    return dec->encoding;
}

exchange_cell exchange_decoder_peek(const exchange_decoder *dec)
{
    return (exchange_cell){dec->bytes + dec->at, dec->len - dec->at};
}

static size_t ascii_length(const char *s, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, s + i, 8);
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    while (i < n && (unsigned char)s[i] < 0x80)
        i++;
    return i;
}

/* Could s be the beginning of a character whose end has not been read yet? */
static bool unfinished(const char *s, size_t n)
{
    const unsigned char c = (unsigned char)s[0];
    const size_t need = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 1;
    if (c >= 0xF5 || n >= need)
        return false;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)s[i] & 0xC0) != 0x80)
            return false;
    return true;
}

/* UTF-8 when what is not ASCII is valid, or all but a few places of damage; text in GB18030 hardly ever is. */
static exchange_encoding decide(const char *s, size_t n)
{
    size_t good = 0, bad = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        const size_t k = base_utf8_next(s + i, n - i, &cp);
        if (k == 0 && unfinished(s + i, n - i))
            break;
        good += k > 1;
        bad += k == 0;
        i += k > 0 ? k : 1;
    }
    return good >= 4 * bad ? EXCHANGE_UTF8 : EXCHANGE_GB18030;
}

static void add_bad(exchange_decoder *dec, base_buf *out, size_t skip)
{
    base_buf_add(out, replacement, 3);
    dec->at += skip < dec->len - dec->at ? skip : dec->len - dec->at;
}

/* True when it stopped because the rest is an unfinished character. */
static bool copy_utf8(exchange_decoder *dec, base_buf *out)
{
    size_t from = dec->at, at = dec->at;
    while (at < dec->len) {
        uint32_t cp;
        at += ascii_length(dec->bytes + at, dec->len - at);
        if (at == dec->len)
            break;
        const size_t k = base_utf8_next(dec->bytes + at, dec->len - at, &cp);
        at += k;
        if (k > 0)
            continue;
        base_buf_add(out, dec->bytes + from, at - from);
        dec->at = from = at;
        if (dec->ended == EXCHANGE_GOES_ON && unfinished(dec->bytes + at, dec->len - at))
            return true;
        add_bad(dec, out, 1);
        from = at = dec->at;
    }
    base_buf_add(out, dec->bytes + from, at - from);
    dec->at = at;
    return false;
}

static bool open_iconv(exchange_decoder *dec)
{
    static const char *const names[] = {[EXCHANGE_GB18030] = "GB18030",
                                        [EXCHANGE_UTF16LE] = "UTF-16LE",
                                        [EXCHANGE_UTF16BE] = "UTF-16BE"};
    if (!dec->has_cd) {
        dec->cd = iconv_open("UTF-8", names[dec->encoding]);
        dec->has_cd = dec->cd != (iconv_t)-1;
    }
    return dec->has_cd;
}

static bool convert(exchange_decoder *dec, base_buf *out)
{
    const size_t unit = dec->encoding == EXCHANGE_GB18030 ? 1 : 2;
    while (dec->at < dec->len) {
        char *in = dec->bytes + dec->at;
        size_t in_left = dec->len - dec->at;
        if (!base_buf_reserve(out, 2 * in_left + 16))
            return false;
        char *to = out->data + out->len;
        size_t to_left = out->cap - out->len - 1; /* a buffer keeps room for its NUL */
        const size_t answer = iconv(dec->cd, &in, &in_left, &to, &to_left);
        const int why = errno;
        out->len = (size_t)(to - out->data);
        out->data[out->len] = '\0';
        dec->at = dec->len - in_left;
        if (answer != (size_t)-1 || why == E2BIG)
            continue;
        if (why == EINVAL && dec->ended == EXCHANGE_GOES_ON)
            return true;
        add_bad(dec, out, unit);
    }
    return false;
}

/* While the encoding is open: passes the ASCII on; decides with a full window from the first other byte on. */
static bool pass_ascii(exchange_decoder *dec, base_buf *out)
{
    const size_t n = ascii_length(dec->bytes + dec->at, dec->len - dec->at);
    base_buf_add(out, dec->bytes + dec->at, n);
    dec->at += n;
    if (dec->at == dec->len)
        return true;
    if (n == 0 || dec->ended != EXCHANGE_GOES_ON)
        dec->encoding = decide(dec->bytes + dec->at, dec->len - dec->at);
    return n > 0;
}

bool exchange_decoder_fill(exchange_decoder *dec, base_buf *out, exchange_ended *ended)
{
    const size_t before = out->len;
    while (out->len == before && !out->failed) {
        refill(dec); /* until the window is full or the input has ended: each turn below gets on */
        if (dec->at == dec->len)
            break;
        if (dec->encoding == EXCHANGE_AUTO && pass_ascii(dec, out))
            continue;
        if (dec->encoding == EXCHANGE_UTF8) {
            copy_utf8(dec, out);
        } else if (!open_iconv(dec)) {
            *ended = errno == ENOMEM ? EXCHANGE_NO_MEMORY : EXCHANGE_NO_DECODER;
            return false;
        } else {
            convert(dec, out);
        }
    }
    *ended = out->failed ? EXCHANGE_NO_MEMORY : out->len > before ? EXCHANGE_GOES_ON : dec->ended;
    return *ended == EXCHANGE_GOES_ON;
}
