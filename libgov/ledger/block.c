/* Blocks: rows of one ledger, packed by columns.
 *
 * A block is written once and never changed. It names the columns that are not zero throughout (a LEB128 mask), then gives for each
 * of them the bytes that one value takes (0 to 8) and the smallest value (LEB128, zigzag); then the columns follow, one after the
 * other, each value as what it has over the smallest, little-endian. What ascends (seq, instant) is first lessened by the row's
 * position and by what the block's key says, so that consecutive ones take no bytes at all. Any field of any row is read
 * without the others, and a block's columns say what cannot be in them. */
#include "ledger/block.h"

#include <string.h>

#define REST (-1)

static const struct {
    ptrdiff_t offset;
    bool narrow;
} fields[LEDGER_COLUMNS] = {[LEDGER_COL_SEQ] = {REST, false},
                            [LEDGER_COL_AT] = {REST, false},
                            [LEDGER_COL_ID] = {REST, false},
                            [LEDGER_COL_CODE] = {offsetof(ledger_row, t.code), true},
                            [LEDGER_COL_FLAGS] = {offsetof(ledger_row, t.flags), true},
                            [LEDGER_COL_DEBIT] = {offsetof(ledger_row, t.debit_account), false},
                            [LEDGER_COL_CREDIT] = {offsetof(ledger_row, t.credit_account), false},
                            [LEDGER_COL_AMOUNT] = {offsetof(ledger_row, t.amount), false},
                            [LEDGER_COL_RELEASED] = {offsetof(ledger_row, released), false},
                            [LEDGER_COL_PENDING] = {offsetof(ledger_row, t.pending_id), false},
                            [LEDGER_COL_SUBJECT] = {offsetof(ledger_row, t.subject), false},
                            [LEDGER_COL_REFERENCE] = {offsetof(ledger_row, t.reference), false},
                            [LEDGER_COL_REASON] = {offsetof(ledger_row, t.reason), true},
                            [LEDGER_COL_TIMEOUT] = {offsetof(ledger_row, t.timeout), true},
                            [LEDGER_COL_EFFECTIVE] = {offsetof(ledger_row, t.effective_at), false},
                            [LEDGER_COL_REVERSAL] = {offsetof(ledger_row, t.reversal_of), false},
                            [LEDGER_COL_EXPIRES] = {offsetof(ledger_row, t.expires_at), false}};

/* ---- writing ---- */

static uint8_t *put(uint8_t *p, uint64_t n)
{
    for (; n >= 128; n >>= 7)
        *p++ = (uint8_t)(n | 128);
    *p++ = (uint8_t)n;
    return p;
}

static void gather(ledger_row *const *rows, size_t n, int column, int64_t out[static 1])
{
    if (column == LEDGER_COL_SEQ) {
        for (size_t i = 0; i < n; i++)
            out[i] = rows[i]->seq - rows[0]->seq - (int64_t)i;
    } else if (column == LEDGER_COL_AT) {
        for (size_t i = 0; i < n; i++)
            out[i] = rows[i]->t.timestamp - rows[0]->t.timestamp - (int64_t)i;
    } else if (column == LEDGER_COL_ID) {
        for (size_t i = 0; i < n; i++)
            out[i] = rows[i]->native ? 0 : rows[i]->t.id;
    } else if (fields[column].narrow) {
        for (size_t i = 0; i < n; i++)
            out[i] =
                *(const uint32_t *)(const void *)((const char *)rows[i] + fields[column].offset);
    } else {
        for (size_t i = 0; i < n; i++)
            out[i] =
                *(const int64_t *)(const void *)((const char *)rows[i] + fields[column].offset);
    }
}

static uint8_t bytes_of(uint64_t span)
{
    uint8_t width = 0;
    for (; span != 0; span >>= 8)
        width++;
    return width;
}

static uint8_t *put_column(uint8_t *p, const int64_t *values, size_t n, int64_t base, uint8_t width)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t over = (uint64_t)values[i] - (uint64_t)base;
        for (uint8_t k = 0; k < width; k++, over >>= 8)
            *p++ = (uint8_t)over;
    }
    return p;
}

size_t ledger_block_write(ledger_row *const *rows, size_t n, uint8_t *out)
{
    int64_t values[LEDGER_BLOCK_ROWS], base[LEDGER_COLUMNS];
    uint8_t width[LEDGER_COLUMNS], planes[LEDGER_COLUMNS * LEDGER_BLOCK_ROWS * 8], *plane = planes;
    uint32_t mask = 0;
    for (int column = 0; column < LEDGER_COLUMNS; column++) {
        gather(rows, n, column, values);
        int64_t least = values[0], most = values[0];
        for (size_t i = 1; i < n; i++) {
            least = values[i] < least ? values[i] : least;
            most = values[i] > most ? values[i] : most;
        }
        if (least == 0 && most == 0)
            continue;
        mask |= UINT32_C(1) << column;
        base[column] = least;
        width[column] = bytes_of((uint64_t)most - (uint64_t)least);
        plane = put_column(plane, values, n, least, width[column]);
    }
    uint8_t *p = put(out, mask);
    for (int column = 0; column < LEDGER_COLUMNS; column++) {
        if (!(mask >> column & 1))
            continue;
        const uint64_t u = (uint64_t)base[column];
        *p++ = width[column];
        p = put(p, u << 1 ^ (base[column] < 0 ? UINT64_MAX : 0));
    }
    memcpy(p, planes, (size_t)(plane - planes));
    return (size_t)(p - out) + (size_t)(plane - planes);
}

/* ---- reading ---- */

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

bool ledger_block_read(ledger_block *b, const uint8_t *bytes, size_t len)
{
    const uint8_t *p = bytes, *end = bytes + len;
    uint64_t mask = 0;
    if (len == 0 || b->count == 0 || b->count > LEDGER_BLOCK_ROWS)
        return false;
    p = get(p, end, &mask);
    if (p == NULL || mask >> LEDGER_COLUMNS != 0)
        return false;
    for (int column = 0; column < LEDGER_COLUMNS; column++) {
        ledger_packed *c = &b->columns[column];
        *c = (ledger_packed){0};
        if (!(mask >> column & 1))
            continue;
        uint64_t zigzag;
        if (p >= end || *p > 8)
            return false;
        c->width = *p++;
        p = get(p, end, &zigzag);
        if (p == NULL)
            return false;
        c->base = zigzag >> 1 ^ (zigzag & 1 ? UINT64_MAX : 0);
    }
    for (int column = 0; column < LEDGER_COLUMNS; column++) {
        ledger_packed *c = &b->columns[column];
        c->at = p;
        if ((size_t)(end - p) < (size_t)c->width * b->count)
            return false;
        p += (size_t)c->width * b->count;
    }
    return p == end;
}

static int64_t packed(const ledger_packed *c, size_t i)
{
    const uint8_t *p = c->at + i * c->width;
    uint64_t over = 0;
    for (unsigned k = c->width; k-- > 0;)
        over = over << 8 | p[k];
    return (int64_t)(c->base + over);
}

int64_t ledger_block_field(const ledger_block *b, int column, size_t i)
{
    const int64_t found = packed(&b->columns[column], i);
    if (column == LEDGER_COL_SEQ)
        return (int64_t)((uint64_t)found + (uint64_t)b->seq + i);
    if (column == LEDGER_COL_AT)
        return (int64_t)((uint64_t)found + (uint64_t)b->first_us + i);
    return found;
}

bool ledger_block_may_hold(const ledger_block *b, int column, int64_t wanted)
{
    const ledger_packed *c = &b->columns[column];
    const uint64_t over = (uint64_t)wanted - c->base;
    return c->width == 8 || over >> (8 * c->width) == 0;
}

size_t ledger_block_find(const ledger_block *b, int64_t seq)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ledger_block_field(b, LEDGER_COL_SEQ, middle) < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->count && ledger_block_field(b, LEDGER_COL_SEQ, low) == seq ? low : b->count;
}

void ledger_block_row(const ledger_block *b, size_t i, ledger_row *r)
{
    memset(r, 0, sizeof *r);
    for (int column = LEDGER_COL_CODE; column < LEDGER_COLUMNS; column++) {
        const ledger_packed *c = &b->columns[column];
        if (c->base == 0 && c->width == 0)
            continue;
        char *field = (char *)r + fields[column].offset;
        if (fields[column].narrow)
            *(uint32_t *)(void *)field = (uint32_t)packed(c, i);
        else
            *(int64_t *)(void *)field = packed(c, i);
    }
    r->seq = ledger_block_field(b, LEDGER_COL_SEQ, i);
    r->t.timestamp = ledger_block_field(b, LEDGER_COL_AT, i);
    r->t.id = ledger_block_field(b, LEDGER_COL_ID, i);
    r->t.ledger = b->book;
    r->pending = r->debit = r->credit = r->uses = LEDGER_NONE;
    r->kind = LEDGER_LIVE;
    if (r->t.flags & LEDGER_EXPIRED) {
        r->kind = LEDGER_EXPIRY;
    } else if (r->t.id == 0) {
        r->native = true;
        r->t.id = r->seq;
    }
}
