/* Bytes from a callback, unzipped on the way when they are gzip. */
#include "exchange/table.h"

#include <string.h>
#include <zlib.h>

enum { CHUNK = 64 * 1024 };

struct exchange_input {
    const gov_allocator *alloc;
    exchange_read *read;
    void *user;
    uint64_t taken;
    size_t at, len; /* of raw, not yet used */
    bool raw_ended, raw_failed;
    bool zipped, between; /* between: a member has ended, nothing of the next was seen */
    exchange_ended ended;
    z_stream z;
    char raw[CHUNK];
};

static void *zip_alloc(void *user, unsigned items, unsigned size)
{
    return base_array(user, items, size);
}

static void zip_free(void *user, void *block)
{
    base_free(user, block);
}

/* Reads until raw holds `want` bytes or there are no more. */
static void pull(exchange_input *in, size_t want)
{
    if (in->at > 0) {
        memmove(in->raw, in->raw + in->at, in->len - in->at);
        in->len -= in->at;
        in->at = 0;
    }
    while (in->len < want && !in->raw_ended) {
        const ptrdiff_t n = in->read(in->user, in->raw + in->len, CHUNK - in->len);
        if (n <= 0 || (size_t)n > CHUNK - in->len) {
            in->raw_ended = true;
            in->raw_failed = n != 0;
        } else {
            in->len += (size_t)n;
            in->taken += (uint64_t)n;
        }
    }
}

static bool gzip_magic(const exchange_input *in)
{
    return in->len - in->at >= 2 && memcmp(in->raw + in->at, "\x1f\x8b", 2) == 0;
}

gov_status exchange_input_open(const gov_allocator *a, exchange_read *read, void *user,
                               exchange_input **out, const diag *d)
{
    exchange_input *in = base_alloc(a, sizeof *in);
    if (in == NULL)
        return base_nomem(d);
    in->alloc = a;
    in->read = read;
    in->user = user;
    in->ended = EXCHANGE_GOES_ON;
    pull(in, 2);
    if (gzip_magic(in)) {
        in->z.zalloc = zip_alloc;
        in->z.zfree = zip_free;
        in->z.opaque = (void *)(uintptr_t)a;
        if (inflateInit2(&in->z, 15 + 16) != Z_OK) {
            base_free(a, in);
            return base_nomem(d);
        }
        in->zipped = true;
    }
    *out = in;
    return GOV_OK;
}

void exchange_input_close(exchange_input *in)
{
    if (in == NULL)
        return;
    if (in->zipped)
        inflateEnd(&in->z);
    base_free(in->alloc, in);
}

uint64_t exchange_input_taken(const exchange_input *in)
{
    return in->taken;
}

uint64_t exchange_input_used(const exchange_input *in)
{
    return in->taken - (in->len - in->at);
}

bool exchange_input_zipped(const exchange_input *in)
{
    return in->zipped;
}

static exchange_ended how_raw_ended(const exchange_input *in, exchange_ended otherwise)
{
    return in->raw_failed ? EXCHANGE_FAILED : otherwise;
}

static size_t copy_raw(exchange_input *in, char *bytes, size_t cap)
{
    if (in->at == in->len)
        pull(in, 1);
    size_t n = in->len - in->at;
    if (n == 0)
        in->ended = how_raw_ended(in, EXCHANGE_ENDED);
    if (n > cap)
        n = cap;
    memcpy(bytes, in->raw + in->at, n);
    in->at += n;
    return n;
}

/* After a member: another one, padding of zeros, or the end. False: there is nothing more to inflate. */
static bool next_member(exchange_input *in)
{
    if (in->len - in->at < 2)
        pull(in, 2);
    if (gzip_magic(in)) {
        in->between = false;
        return inflateReset(&in->z) == Z_OK;
    }
    while (in->at < in->len && in->raw[in->at] == '\0') {
        in->at++;
        if (in->at == in->len)
            pull(in, 1);
    }
    in->ended = in->at < in->len ? EXCHANGE_MORE : how_raw_ended(in, EXCHANGE_ENDED);
    return false;
}

static size_t inflate_some(exchange_input *in, char *bytes, size_t cap)
{
    in->z.next_out = (Bytef *)bytes;
    in->z.avail_out = cap < CHUNK ? (uInt)cap : CHUNK;
    const uInt room = in->z.avail_out;
    while (in->z.avail_out == room && in->ended == EXCHANGE_GOES_ON) {
        if (in->between && !next_member(in))
            break;
        if (in->at == in->len)
            pull(in, 1);
        if (in->at == in->len) {
            in->ended = how_raw_ended(in, EXCHANGE_CUT);
            break;
        }
        in->z.next_in = (Bytef *)in->raw + in->at;
        in->z.avail_in = (uInt)(in->len - in->at);
        const int answer = inflate(&in->z, Z_NO_FLUSH);
        in->at = in->len - in->z.avail_in;
        if (answer == Z_STREAM_END)
            in->between = true;
        else if (answer == Z_MEM_ERROR)
            in->ended = EXCHANGE_NO_MEMORY;
        else if (answer != Z_OK && answer != Z_BUF_ERROR)
            in->ended = EXCHANGE_BROKEN;
    }
    return room - in->z.avail_out;
}

size_t exchange_input_fill(exchange_input *in, char *bytes, size_t cap, exchange_ended *ended)
{
    size_t n = 0;
    if (in->ended == EXCHANGE_GOES_ON)
        n = in->zipped ? inflate_some(in, bytes, cap) : copy_raw(in, bytes, cap);
    *ended = n > 0 ? EXCHANGE_GOES_ON : in->ended;
    return n;
}
