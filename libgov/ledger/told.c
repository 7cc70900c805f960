/* What a batch tells the journal of its rows beside their digest: enough that every row of the ledger's tables follows from the journal
 * and the blocks. Tuples of numbers, each less the same number of the tuple of that kind before it, as zigzag LEB128. */
#include "ledger/stored.h"

#include <string.h>

const uint8_t ledger_told_numbers[LEDGER_TOLD_KINDS] = {
    [LEDGER_TOLD_BLOCK] = 6, [LEDGER_TOLD_ACCOUNT] = 14, [LEDGER_TOLD_LOT] = 5,
    [LEDGER_TOLD_USE] = 5,   [LEDGER_TOLD_COUNT] = 6,    [LEDGER_TOLD_FAILED] = 2};

void ledger_tell(ledger_told *t, int kind, const int64_t *numbers)
{
    uint8_t bytes[1 + LEDGER_TOLD_MOST * 10], *p = bytes;
    *p++ = (uint8_t)kind;
    for (int i = 0; i < ledger_told_numbers[kind]; i++) {
        const uint64_t step = (uint64_t)numbers[i] - (uint64_t)t->last[kind][i];
        uint64_t u = step << 1 ^ (step >> 63 ? UINT64_MAX : 0);
        t->last[kind][i] = numbers[i];
        for (; u >= 128; u >>= 7)
            *p++ = (uint8_t)(u | 128);
        *p++ = (uint8_t)u;
    }
    base_buf_add(&t->bytes, bytes, (size_t)(p - bytes));
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool next_byte(ledger_hearing *h, uint8_t *out)
{
    if (h->end - h->at < 2)
        return false;
    const int high = hex_digit(h->at[0]), low = hex_digit(h->at[1]);
    h->at += 2;
    *out = (uint8_t)(high << 4 | low);
    return high >= 0 && low >= 0;
}

int ledger_hear(ledger_hearing *h, int64_t numbers[static LEDGER_TOLD_MOST])
{
    uint8_t kind, byte = 0;
    if (h->at == h->end || !next_byte(h, &kind) || kind == 0 || kind >= LEDGER_TOLD_KINDS)
        return 0;
    for (int i = 0; i < ledger_told_numbers[kind]; i++) {
        uint64_t u = 0;
        unsigned shift = 0;
        do {
            if (shift > 63 || !next_byte(h, &byte))
                return 0;
            u |= (uint64_t)(byte & 127) << shift;
            shift += 7;
        } while (byte & 128);
        h->last[kind][i] =
            (int64_t)((uint64_t)h->last[kind][i] + (u >> 1 ^ (u & 1 ? UINT64_MAX : 0)));
        numbers[i] = h->last[kind][i];
    }
    return kind;
}

int64_t ledger_block_mark(const uint8_t digest[static BASE_DIGEST_SIZE])
{
    uint64_t n = 0;
    for (int i = 0; i < 8; i++)
        n = n << 8 | digest[i];
    return (int64_t)n;
}
