/* Chains: what to put back when one breaks. */
#include "ledger/book.h"

void ledger_undo_add(ledger_book *b, ledger_undo u)
{
    if (!b->chain)
        return;
    /* A plain transfer's notes have been reserved; lots and caps may need more. */
    if (b->undo_count == b->undo_cap &&
        !base_grow(b->alloc, &b->undo, &b->undo_cap, b->undo_count, sizeof *b->undo))
        b->failed = true;
    else
        b->undo[b->undo_count++] = u;
}

void ledger_undo_cell(ledger_book *b, uint32_t at)
{
    ledger_cell *c = &b->cells[at];
    if (!c->dirty && !c->fresh) {
        c->before[LEDGER_DP] = c->a.debits_pending;
        c->before[LEDGER_DD] = c->a.debits_posted;
        c->before[LEDGER_CP] = c->a.credits_pending;
        c->before[LEDGER_CC] = c->a.credits_posted;
    }
    ledger_undo_add(b, (ledger_undo){.what = LEDGER_UNDO_CELL,
                                     .at = at,
                                     .balance = {c->a.debits_pending, c->a.debits_posted,
                                                 c->a.credits_pending, c->a.credits_posted},
                                     .flags = c->a.flags,
                                     .dirty = c->dirty});
    c->dirty = true;
    if (!c->touched && !b->memory) {
        c->touched = true;
        b->touched[b->touched_count++] = at; /* room was reserved with the row's */
    }
}

void ledger_undo_clock(ledger_book *b, const ledger_clock *c)
{
    ledger_undo_add(b, (ledger_undo){.what = LEDGER_UNDO_CLOCK,
                                     .at = (uint32_t)(c - b->clocks),
                                     .balance = {c->account_us, c->transfer_us, c->due_us},
                                     .dirty = c->changed});
}

static void undo_one(ledger_book *b, const ledger_undo *u)
{
    if (u->what == LEDGER_UNDO_CELL) {
        ledger_cell *c = &b->cells[u->at];
        c->a.debits_pending = u->balance[LEDGER_DP];
        c->a.debits_posted = u->balance[LEDGER_DD];
        c->a.credits_pending = u->balance[LEDGER_CP];
        c->a.credits_posted = u->balance[LEDGER_CC];
        c->a.flags = u->flags;
        c->dirty = u->dirty;
    } else if (u->what == LEDGER_UNDO_STATUS) {
        b->rows[u->at].status = (uint8_t)u->flags;
        b->rows[u->at].moved = u->dirty;
    } else if (u->what == LEDGER_UNDO_REVERSED) {
        b->rows[u->at].reversed = u->balance[0];
    } else if (u->what == LEDGER_UNDO_LOT) {
        b->lots[u->at].left = u->balance[0];
        b->lots[u->at].moved = u->dirty;
    } else if (u->what == LEDGER_UNDO_USE) {
        b->uses[u->at].back = u->balance[0];
        b->uses[u->at].moved = u->dirty;
    } else if (u->what == LEDGER_UNDO_COUNT) {
        b->counts[u->at].amount = u->balance[0];
        b->counts[u->at].moved = u->dirty;
    } else if (u->what == LEDGER_UNDO_ROW) {
        b->rows[u->at].kind = LEDGER_DEAD;
        b->rows[u->at].fresh = false;
    } else {
        ledger_clock *c = &b->clocks[u->at];
        c->account_us = u->balance[0];
        c->transfer_us = u->balance[1];
        c->due_us = u->balance[2];
        c->changed = u->dirty;
    }
}

void ledger_chain_open(ledger_book *b)
{
    b->chain = true;
    b->chain_cells = b->cell_count;
    b->chain_lots = b->lot_count;
    b->chain_uses = b->use_count;
}

void ledger_chain_close(ledger_book *b, bool keep)
{
    while (!keep && b->undo_count > 0)
        undo_one(b, &b->undo[--b->undo_count]);
    for (size_t i = b->chain_cells; !keep && i < b->cell_count; i++) {
        b->cells[i].a.id =
            0; /* the index finds it no more; the next of that id takes its place there */
        b->cells[i].fresh = false;
    }
    for (size_t i = b->chain_lots; !keep && i < b->lot_count; i++) {
        b->lots[i].left = 0;
        b->lots[i].dead = true;
    }
    if (!keep)
        b->use_count = b->chain_uses;
    b->undo_count = 0;
    b->chain = false;
}
