/* The memory of a book: accounts and transfers by id, clocks by ledger. */
#include "ledger/book.h"

#include <string.h>

/* ---- index: open addressing, linear probing; nothing is ever removed but all at once ---- */

static size_t slot_of(const ledger_index *x, int64_t id)
{
    uint64_t h = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
    size_t i = (size_t)h & (x->slots - 1);
    while (x->at[i] != 0 && x->ids[i] != id)
        i = (i + 1) & (x->slots - 1);
    return i;
}

bool ledger_index_reserve(ledger_index *x, size_t more)
{
    if (more > UINT32_MAX / 4 || x->count > UINT32_MAX / 4)
        return false;
    const size_t need = (x->count + more) * 2;
    if (need <= x->slots && x->slots != 0)
        return true;
    size_t slots = x->slots != 0 ? x->slots : 64;
    while (slots < need)
        slots *= 2;
    ledger_index bigger = {.alloc = x->alloc, .slots = slots, .count = x->count};
    bigger.ids = base_array(x->alloc, slots, sizeof *bigger.ids);
    bigger.at = base_array(x->alloc, slots, sizeof *bigger.at);
    if (bigger.ids == NULL || bigger.at == NULL) {
        base_free(x->alloc, bigger.ids);
        base_free(x->alloc, bigger.at);
        return false;
    }
    for (size_t i = 0; i < x->slots; i++) {
        if (x->at[i] == 0)
            continue;
        const size_t j = slot_of(&bigger, x->ids[i]);
        bigger.ids[j] = x->ids[i];
        bigger.at[j] = x->at[i];
    }
    ledger_index_free(x);
    *x = bigger;
    return true;
}

uint32_t ledger_index_get(const ledger_index *x, int64_t id)
{
    if (x->slots == 0)
        return LEDGER_NONE;
    const size_t i = slot_of(x, id);
    return x->at[i] != 0 ? x->at[i] - 1 : LEDGER_NONE;
}

void ledger_index_set(ledger_index *x, int64_t id, uint32_t at)
{
    const size_t i = slot_of(x, id);
    x->count += x->at[i] == 0;
    x->ids[i] = id;
    x->at[i] = at + 1;
}

void ledger_index_clear(ledger_index *x)
{
    if (x->count != 0)
        memset(x->at, 0, x->slots * sizeof *x->at);
    x->count = 0;
}

void ledger_index_free(ledger_index *x)
{
    base_free(x->alloc, x->ids);
    base_free(x->alloc, x->at);
    *x = (ledger_index){.alloc = x->alloc};
}

/* ---- the book ---- */

void ledger_book_init(ledger_book *b, const gov_allocator *a)
{
    *b = (ledger_book){.alloc = a, .accounts.alloc = a, .transfers.alloc = a, .counted.alloc = a};
}

void ledger_book_free(ledger_book *b)
{
    base_free(b->alloc, b->cells);
    base_free(b->alloc, b->rows);
    base_free(b->alloc, b->clocks);
    base_free(b->alloc, b->undo);
    base_free(b->alloc, b->touched);
    base_free(b->alloc, b->lots);
    base_free(b->alloc, b->uses);
    base_free(b->alloc, b->caps);
    base_free(b->alloc, b->counts);
    ledger_index_free(&b->accounts);
    ledger_index_free(&b->transfers);
    ledger_index_free(&b->counted);
    ledger_book_init(b, b->alloc);
}

ledger_clock *ledger_clock_of(ledger_book *b, uint32_t book)
{
    for (size_t i = 0; i < b->clock_count; i++)
        if (b->clocks[i].book == book)
            return &b->clocks[i];
    return NULL;
}

bool ledger_clock_add(ledger_book *b, uint32_t book, ledger_clock **out)
{
    if (!base_grow(b->alloc, &b->clocks, &b->clock_cap, b->clock_count, sizeof *b->clocks))
        return false;
    *out = &b->clocks[b->clock_count++];
    **out = (ledger_clock){.book = book, .due_us = INT64_MAX};
    return true;
}

static bool room_for(const gov_allocator *a, void *items, size_t *cap, size_t count, size_t more,
                     size_t size)
{
    if (more > SIZE_MAX / 2 - count)
        return false;
    while (*cap < count + more)
        if (!base_grow(a, items, cap, *cap, size))
            return false;
    return true;
}

bool ledger_book_reserve(ledger_book *b, size_t cells, size_t rows, size_t undo)
{
    return room_for(b->alloc, &b->cells, &b->cell_cap, b->cell_count, cells, sizeof *b->cells) &&
           room_for(b->alloc, &b->rows, &b->row_cap, b->row_count, rows, sizeof *b->rows) &&
           room_for(b->alloc, &b->undo, &b->undo_cap, b->undo_count, undo, sizeof *b->undo) &&
           (b->memory || room_for(b->alloc, &b->touched, &b->touched_cap, b->touched_count,
                                  2 * rows, sizeof *b->touched)) &&
           ledger_index_reserve(&b->accounts, cells) && ledger_index_reserve(&b->transfers, rows);
}

ledger_cell *ledger_cell_of(const ledger_book *b, int64_t id)
{
    const uint32_t at = ledger_index_get(&b->accounts, id);
    return at != LEDGER_NONE && b->cells[at].a.id == id ? &b->cells[at] : NULL;
}

ledger_cell *ledger_cell_add(ledger_book *b, int64_t id)
{
    ledger_cell *c = &b->cells[b->cell_count];
    memset(c, 0, sizeof *c);
    c->a.id = id;
    c->lots = LEDGER_NONE;
    ledger_index_set(&b->accounts, id, (uint32_t)b->cell_count++);
    return c;
}

ledger_row *ledger_row_of(const ledger_book *b, int64_t id)
{
    const uint32_t at = ledger_index_get(&b->transfers, id);
    return at != LEDGER_NONE && b->rows[at].kind != LEDGER_DEAD ? &b->rows[at] : NULL;
}

ledger_row *ledger_row_add(ledger_book *b, int64_t id)
{
    ledger_row *r = &b->rows[b->row_count];
    memset(r, 0, sizeof *r);
    r->t.id = id;
    r->kind = LEDGER_LIVE;
    r->pending = r->uses = LEDGER_NONE;
    if (id != 0)
        ledger_index_set(&b->transfers, id, (uint32_t)b->row_count);
    b->row_count++;
    return r;
}

void ledger_effect(const ledger_row *r, int side, int64_t change[static 4])
{
    int64_t *pending = &change[side == 0 ? LEDGER_DP : LEDGER_CP],
            *posted = &change[side == 0 ? LEDGER_DD : LEDGER_CC];
    memset(change, 0, 4 * sizeof *change);
    if (r->t.flags & GOV_TRANSFER_PENDING)
        *pending = r->t.amount;
    else if (r->kind == LEDGER_EXPIRY || r->t.flags & GOV_TRANSFER_VOID_PENDING)
        *pending = -r->released;
    else if (r->t.flags & GOV_TRANSFER_POST_PENDING)
        *pending = -r->released, *posted = r->t.amount;
    else
        *posted = r->t.amount;
}
