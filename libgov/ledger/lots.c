/* Lots: what an account was given, each part with its own expiry. What expires first is spent first; what is given back goes into
 * the lot that it came from, with the expiry that this has. The lots of an account always add up to what it has to spend. */
#include "ledger/book.h"

/* What is made now comes after all that there is: a store numbers it when the batch is written. */
static bool goes_before(const ledger_lot *lot, int64_t expires_us, int64_t seq)
{
    if (lot->expires_us != expires_us)
        return lot->expires_us < expires_us;
    return seq == 0 || (lot->seq != 0 && lot->seq < seq);
}

ledger_lot *ledger_lot_add(ledger_book *b, ledger_cell *c, int64_t expires_us, int64_t seq)
{
    if (b->lot_count >= LEDGER_NONE - 1 ||
        !base_grow(b->alloc, &b->lots, &b->lot_cap, b->lot_count, sizeof *b->lots)) {
        b->failed = true;
        return NULL;
    }
    const uint32_t at = (uint32_t)b->lot_count++;
    uint32_t *link = &c->lots;
    while (*link != LEDGER_NONE && goes_before(&b->lots[*link], expires_us, seq))
        link = &b->lots[*link].next;
    b->lots[at] = (ledger_lot){.seq = seq,
                               .account = c->a.id,
                               .book = c->a.ledger,
                               .expires_us = expires_us,
                               .next = *link};
    *link = at;
    return &b->lots[at];
}

void ledger_use_add(ledger_book *b, uint32_t row, uint32_t lot, int64_t amount, int64_t back)
{
    if (b->use_count >= LEDGER_NONE - 1 ||
        !base_grow(b->alloc, &b->uses, &b->use_cap, b->use_count, sizeof *b->uses)) {
        b->failed = true;
        return;
    }
    uint32_t *link = &b->rows[row].uses;
    while (*link != LEDGER_NONE)
        link = &b->uses[*link].next;
    *link = (uint32_t)b->use_count;
    b->uses[b->use_count++] = (ledger_use){
        .row = row, .lot = lot, .next = LEDGER_NONE, .amount = amount, .back = back, .fresh = true};
}

/* An expired lot that gets something is due again. */
static void change_lot(ledger_book *b, uint32_t at, int64_t by)
{
    ledger_lot *lot = &b->lots[at];
    ledger_undo_add(b, (ledger_undo){.what = LEDGER_UNDO_LOT,
                                     .at = at,
                                     .balance = {lot->left},
                                     .dirty = lot->moved});
    lot->left += by;
    lot->moved = true;
    ledger_clock *clock = ledger_clock_of(b, lot->book);
    if (by > 0 && lot->expires_us != LEDGER_NEVER && lot->expires_us < clock->due_us) {
        ledger_undo_clock(b, clock);
        clock->due_us = lot->expires_us;
        clock->changed = true;
    }
}

int64_t ledger_lots_free(const ledger_book *b, const ledger_cell *c, int64_t at_us)
{
    int64_t sum = 0;
    for (uint32_t i = c->lots; i != LEDGER_NONE; i = b->lots[i].next)
        if (b->lots[i].expires_us > at_us)
            sum += b->lots[i].left;
    return sum;
}

static void take(ledger_book *b, uint32_t row, uint32_t lot, int64_t *amount, int64_t at_us)
{
    const int64_t here = b->lots[lot].left < *amount ? b->lots[lot].left : *amount;
    if (here == 0 || b->lots[lot].expires_us <= at_us)
        return;
    change_lot(b, lot, -here);
    ledger_use_add(b, row, lot, here, 0);
    *amount -= here;
}

int64_t ledger_lots_own(const ledger_book *b, const ledger_cell *c, uint32_t own, int64_t at_us)
{
    int64_t sum = 0;
    for (uint32_t u = b->rows[own].uses; u != LEDGER_NONE; u = b->uses[u].next) {
        const ledger_lot *lot = &b->lots[b->uses[u].lot];
        if (b->uses[u].amount < 0 && lot->account == c->a.id && lot->expires_us > at_us)
            sum += lot->left;
    }
    return sum;
}

void ledger_lots_take(ledger_book *b, ledger_cell *c, uint32_t row, int64_t amount, int64_t at_us,
                      uint32_t own)
{
    uint32_t u = own != LEDGER_NONE ? b->rows[own].uses : LEDGER_NONE;
    for (; u != LEDGER_NONE && amount > 0 && !b->failed; u = b->uses[u].next)
        if (b->uses[u].amount < 0 && b->lots[b->uses[u].lot].account == c->a.id)
            take(b, row, b->uses[u].lot, &amount, at_us);
    if (own != LEDGER_NONE)
        return;
    for (uint32_t i = c->lots; i != LEDGER_NONE && amount > 0 && !b->failed; i = b->lots[i].next)
        take(b, row, i, &amount, at_us);
}

static void bring(ledger_book *b, ledger_cell *c, uint32_t row, int64_t expires_us, int64_t amount)
{
    ledger_lot *lot = ledger_lot_add(b, c, expires_us, 0);
    if (lot == NULL)
        return;
    lot->amount = amount;
    lot->fresh = true;
    const uint32_t at = (uint32_t)(lot - b->lots);
    change_lot(b, at, amount);
    ledger_use_add(b, row, at, -amount, 0);
}

void ledger_lots_bring(ledger_book *b, ledger_cell *c, uint32_t by, uint32_t from, int64_t amount)
{
    /* Without an account to go to, nothing expires. */
    const int64_t expires_us = c->a.breakage == 0 ? LEDGER_NEVER : b->rows[from].t.expires_at;
    for (uint32_t u = b->rows[from].uses;
         expires_us == 0 && u != LEDGER_NONE && amount > 0 && !b->failed; u = b->uses[u].next) {
        const int64_t kept = b->uses[u].amount - b->uses[u].back,
                      here = kept < amount ? kept : amount;
        if (b->uses[u].amount <= 0 || here == 0)
            continue;
        bring(b, c, by, b->lots[b->uses[u].lot].expires_us, here);
        amount -= here;
    }
    if (amount > 0 && !b->failed)
        bring(b, c, by, expires_us != 0 ? expires_us : LEDGER_NEVER, amount);
}

/* The last of the row's uses with something left to return. */
static uint32_t last_use(const ledger_book *b, uint32_t row)
{
    uint32_t found = LEDGER_NONE;
    for (uint32_t u = b->rows[row].uses; u != LEDGER_NONE; u = b->uses[u].next)
        if (b->uses[u].amount > b->uses[u].back)
            found = u;
    return found;
}

void ledger_lots_return(ledger_book *b, uint32_t row, int64_t amount)
{
    while (amount > 0) {
        const uint32_t at = last_use(b, row);
        if (at == LEDGER_NONE)
            return;
        ledger_use *u = &b->uses[at];
        const int64_t kept = u->amount - u->back, here = kept < amount ? kept : amount;
        ledger_undo_add(b, (ledger_undo){.what = LEDGER_UNDO_USE,
                                         .at = at,
                                         .balance = {u->back},
                                         .dirty = u->moved});
        u->back += here;
        u->moved = true;
        change_lot(b, u->lot, here);
        amount -= here;
    }
}
