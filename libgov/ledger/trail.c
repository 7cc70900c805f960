/* An account's way to its history.
 *
 * The account's row names its newest transfers. When there are 32 they become a chunk: a row of its own that is never
 * changed, linked to the chunk before and to one farther back, so that any chunk is reached in a logarithmic number of reads (Myers'
 * random-access stack: the chunks form a skew-binary number, whose roots the account's row keeps). Chunks of all accounts are
 * appended to one table in the order of their making: nothing is ever inserted in the middle of a tree. */
#include "ledger/book.h"

#include <string.h>

/* ---- numbers: LEB128, differences in zigzag ---- */

static uint8_t *put(uint8_t *p, uint64_t n)
{
    for (; n >= 128; n >>= 7)
        *p++ = (uint8_t)(n | 128);
    *p++ = (uint8_t)n;
    return p;
}

static const uint8_t *get(const uint8_t *p, const uint8_t *end, uint64_t *n)
{
    *n = 0;
    for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
        *n |= (uint64_t)(*p & 127) << shift;
        if (*p++ < 128)
            return p;
    }
    return NULL;
}

size_t ledger_items_write(const int64_t *items, size_t n, uint8_t *out)
{
    uint8_t *p = out;
    int64_t last = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t step = items[i] - last; /* both positive */
        p = put(p, (uint64_t)step << 1 ^ (step < 0 ? UINT64_MAX : 0));
        last = items[i];
    }
    return (size_t)(p - out);
}

static const uint8_t *items_read(int64_t *items, size_t n, const uint8_t *p, const uint8_t *end)
{
    uint64_t last = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t zigzag;
        p = get(p, end, &zigzag);
        if (p == NULL)
            return NULL;
        last += zigzag >> 1 ^ (zigzag & 1 ? UINT64_MAX : 0);
        if (last > INT64_MAX)
            return NULL;
        items[i] = (int64_t)last;
    }
    return p;
}

bool ledger_items_read(int64_t *items, size_t n, const uint8_t *bytes, size_t len)
{
    return n <= LEDGER_TRAIL_ITEMS && items_read(items, n, bytes, bytes + len) == bytes + len;
}

/* ---- the trail in its account's row ---- */

size_t ledger_trail_write(const ledger_trail *t, uint8_t out[static LEDGER_TRAIL_BYTES])
{
    uint8_t *p = out;
    *p++ = t->count;
    *p++ = t->top;
    p = put(p, t->sides);
    p = put(p, t->chunks);
    p = put(p, (uint64_t)t->first_us);
    for (unsigned i = 0; i < t->top; i++)
        *p++ = t->weight[i];
    p += ledger_items_write(t->spine, t->top, p);
    p += ledger_items_write(t->items, t->count, p);
    return (size_t)(p - out);
}

bool ledger_trail_read(ledger_trail *t, const uint8_t *bytes, size_t len)
{
    const uint8_t *p = bytes, *end = bytes + len;
    uint64_t sides = 0, chunks = 0, first = 0;
    t->count = t->top = 0;
    t->sides = t->chunks = 0;
    if (len == 0)
        return true;
    if (len < 2 || p[0] > LEDGER_TRAIL_ITEMS || p[1] > LEDGER_TRAIL_SPINE)
        return false;
    const uint8_t count = *p++, top = *p++;
    p = get(p, end, &sides);
    p = p != NULL ? get(p, end, &chunks) : NULL;
    p = p != NULL ? get(p, end, &first) : NULL;
    if (p == NULL || sides > UINT32_MAX || chunks > UINT32_MAX || first > INT64_MAX ||
        end - p < top)
        return false;
    memcpy(t->weight, p, top);
    p = items_read(t->spine, top, p + top, end);
    p = p != NULL ? items_read(t->items, count, p, end) : NULL;
    if (p != end)
        return false;
    t->count = count;
    t->top = top;
    t->sides = (uint32_t)sides;
    t->chunks = (uint32_t)chunks;
    t->first_us = (int64_t)first;
    return true;
}

bool ledger_trail_flush(ledger_trail *t, int64_t seq, ledger_links *links)
{
    links->previous = t->top > 0 ? t->spine[t->top - 1] : 0;
    if (t->top >= 2 && t->weight[t->top - 1] == t->weight[t->top - 2]) {
        t->top -= 2; /* two trees of the same weight become one with the new chunk as its root */
        t->weight[t->top]++;
    } else if (t->top < LEDGER_TRAIL_SPINE) {
        t->weight[t->top] = 1;
    } else {
        return false;
    }
    links->jump = t->top > 0 ? t->spine[t->top - 1] : 0;
    t->spine[t->top++] = seq;
    t->chunks++;
    t->count = 0;
    t->sides = 0;
    return true;
}
