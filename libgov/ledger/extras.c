/* What only some ledgers have: lots, caps, transfers that were taken back, effects at another instant. Read anew for each batch that
 * touches them; a ledger without them pays for none of it. */
#include "ledger/stored.h"

#include <stdlib.h>
#include <string.h>

void ledger_drop_extras(ledger *l)
{
    ledger_book *b = &l->b;
    for (size_t i = 0; i < b->lot_count; i++) {
        ledger_cell *c = ledger_cell_of(b, b->lots[i].account);
        if (c != NULL)
            c->lots = LEDGER_NONE;
    }
    b->lot_count = b->use_count = b->cap_count = b->count_count = 0;
    ledger_index_clear(&b->counted);
    b->failed = false;
}

/* ---- taken back ---- */

static gov_status load_amount(ledger *l, ledger_row *r, const diag *d)
{
    static const store_sql sql = {
        "SELECT amount FROM gov_ledger_reversed WHERE community = $1 AND seq = $2", 0};
    const gov_status rc =
        store_first_int(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(r->seq)),
                        &r->reversed_kept, d);
    r->reversed_stored = rc == GOV_OK;
    r->reversed = r->reversed_kept;
    return rc == GOV_END ? GOV_OK : rc;
}

static bool waiting_reversal(const ledger_row *r)
{
    return r->kind == LEDGER_LIVE && r->t.reversal_of != 0 && r->t.flags & GOV_TRANSFER_PENDING;
}

/* What is taken back by the events, or by pending reversals that are in the book, into ids. */
static size_t originals(const ledger *l, const ledger_transfer *events, size_t n, int64_t *ids)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (events[i].reversal_of > 0)
            ids[count++] = events[i].reversal_of;
    for (size_t i = 0; i < l->b.row_count; i++)
        if (waiting_reversal(&l->b.rows[i]))
            ids[count++] = l->b.rows[i].t.reversal_of;
    return count;
}

/* The transfers that the originals have posted, the accounts of both, and how much of the originals was taken back. */
static gov_status load_originals(ledger *l, const int64_t *ids, size_t n, const diag *d)
{
    int64_t *more = base_arena_array(&l->scratch, 2 * n + 1, sizeof *more);
    size_t count = 0;
    if (more == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        const ledger_row *o = ledger_row_of(&l->b, ids[i]);
        if (o != NULL && o->t.flags & GOV_TRANSFER_POST_PENDING)
            more[count++] = o->t.pending_id;
    }
    gov_status rc = ledger_load_transfers(l, more, count, d);
    count = 0;
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        ledger_row *o = ledger_row_of(&l->b, ids[i]);
        if (o == NULL || o->kind != LEDGER_LIVE)
            continue;
        more[count++] = o->t.debit_account;
        more[count++] = o->t.credit_account;
        rc = load_amount(l, o, d);
    }
    return rc == GOV_OK ? ledger_load_accounts(l, more, count, d) : rc;
}

gov_status ledger_load_reversed(ledger *l, const ledger_transfer *events, size_t n, const diag *d)
{
    const size_t rows = l->b.row_count;
    int64_t *ids = base_arena_array(&l->scratch, n + rows + 1, sizeof *ids);
    if (ids == NULL)
        return base_nomem(d);
    const size_t count = originals(l, events, n, ids);
    if (count == 0)
        return GOV_OK;
    gov_status rc = ledger_load_transfers(l, ids, count, d);
    if (rc == GOV_OK)
        rc = load_originals(l, ids, count, d);
    for (size_t i = 0; i < rows && rc == GOV_OK; i++) {
        const ledger_row *r = &l->b.rows[i];
        if (waiting_reversal(r) && ledger_row_of(&l->b, r->t.reversal_of) == NULL)
            rc = base_fail(d, M_ledger_damaged, A_I("account", r->t.debit_account));
    }
    return rc;
}

/* ---- lots ---- */

static ledger_lot *known_lot(const ledger_book *b, const ledger_cell *c, int64_t seq)
{
    for (uint32_t i = c->lots; i != LEDGER_NONE; i = b->lots[i].next)
        if (b->lots[i].seq == seq)
            return &b->lots[i];
    return NULL;
}

#define LOT_COLUMNS "seq, account, expires_us, amount, rest"

/* Into the book, unless it is there; NULL for one of an account that the batch has nothing to do with (a transfer that was only looked
 * at because its id came again). */
static gov_status take_lot(ledger *l, store_rows *rows, ledger_lot **out, const diag *d)
{
    ledger_cell *c = ledger_cell_of(&l->b, store_int(rows, 1));
    *out = NULL;
    if (c == NULL)
        return GOV_OK;
    *out = known_lot(&l->b, c, store_int(rows, 0));
    if (*out != NULL)
        return GOV_OK;
    *out = ledger_lot_add(&l->b, c, store_int(rows, 2), store_int(rows, 0));
    if (*out == NULL)
        return base_nomem(d);
    store_seen_id(l->s, (*out)->seq); /* those that are made come after it */
    (*out)->amount = store_int(rows, 3);
    (*out)->left = store_int(rows, 4);
    return GOV_OK;
}

static gov_status load_lots(ledger *l, int64_t account, const diag *d)
{
    static const store_sql sql = {
        "SELECT " LOT_COLUMNS
        " FROM gov_ledger_lot WHERE community = $1 AND account = $2 AND rest > 0 ORDER BY "
        "expires_us, seq",
        0};
    const ledger_cell *c = ledger_cell_of(&l->b, account);
    if (c == NULL || !(c->a.flags & GOV_ACCOUNT_LOTS) || c->lots != LEDGER_NONE)
        return GOV_OK;
    store_rows rows;
    ledger_lot *lot;
    gov_status rc =
        store_query(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(account)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
        rc = take_lot(l, &rows, &lot, d);
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

static void keep_use(ledger_use *u)
{
    u->fresh = false;
    u->kept = u->back;
}

/* What a row of the book took from lots, or brought. */
static gov_status load_uses(ledger *l, uint32_t row, const diag *d)
{
    static const store_sql sql = {
        "SELECT t.seq, t.account, t.expires_us, t.amount, t.rest, u.amount, u.back FROM "
        "gov_ledger_use u JOIN gov_ledger_lot t ON t.community = u.community AND t.seq = u.lot "
        "WHERE u.community = $1 AND u.seq = $2 ORDER BY t.expires_us, t.seq",
        0};
    store_rows rows;
    ledger_lot *lot;
    gov_status rc =
        store_query(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(l->b.rows[row].seq)),
                    &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        const int64_t amount = store_int(&rows, 5), back = store_int(&rows, 6);
        rc = take_lot(l, &rows, &lot, d);
        if (rc != GOV_OK)
            break;
        if (lot == NULL)
            continue;
        ledger_use_add(&l->b, row, (uint32_t)(lot - l->b.lots), amount, back);
        if (l->b.failed)
            rc = base_nomem(d);
        else
            keep_use(&l->b.uses[l->b.use_count - 1]);
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

/* Accounts with lots that are due, into ids. Those that there is no room for wait, and hold nobody up. */
static gov_status due_accounts(ledger *l, const ledger_clock *c, int64_t now_us, size_t max,
                               int64_t *ids, size_t *count, const diag *d)
{
    static const store_sql sql = {"SELECT t.account FROM " LEDGER_LOTS_AND_ROOM
                                  " WHERE " LEDGER_LOT_DUE
                                  " AND t.expires_us <= $3 AND t.rest <= " LEDGER_ROOM
                                  " ORDER BY t.expires_us, t.seq LIMIT $4",
                                  0};
    store_rows rows;
    gov_status rc = store_query(l->s, &sql,
                                STORE_ARGS(store_i(l->community), store_i(c->book), store_i(now_us),
                                           store_i((int64_t)(max - *count))),
                                &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
        ids[(*count)++] = store_int(&rows, 0);
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

static bool has_lots(const ledger *l, int64_t account)
{
    const ledger_cell *c = ledger_cell_of(&l->b, account);
    return c != NULL && c->a.flags & GOV_ACCOUNT_LOTS;
}

/* Lots of these accounts, and the accounts that their breakage goes to. */
static gov_status load_lots_of(ledger *l, const int64_t *accounts, size_t n, const diag *d)
{
    gov_status rc = GOV_OK;
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        if (!has_lots(l, accounts[i]))
            continue;
        const int64_t breakage = ledger_cell_of(&l->b, accounts[i])->a.breakage;
        rc = load_lots(l, accounts[i], d);
        if (rc == GOV_OK && breakage != 0)
            rc = ledger_load_accounts(l, &breakage, 1, d);
    }
    return rc;
}

static gov_status load_caps(ledger *l, const ledger_clock *c, const diag *d)
{
    static const store_sql sql = {"SELECT number, account, code, reason, side, period, amount, "
                                  "seq, since_us FROM gov_ledger_cap WHERE community = $1 AND ledger = $2 ORDER BY "
                                  "number",
                                  0};
    ledger_book *b = &l->b;
    store_rows rows;
    gov_status rc =
        store_query(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(c->book)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        if (!base_grow(l->alloc, &b->caps, &b->cap_cap, b->cap_count, sizeof *b->caps))
            rc = base_nomem(d);
        else
            b->caps[b->cap_count++] = (ledger_cap){.book = c->book,
                                                   .number = (uint32_t)store_int(&rows, 0),
                                                   .account = store_int(&rows, 1),
                                                   .code = (uint32_t)store_int(&rows, 2),
                                                   .reason = (uint32_t)store_int(&rows, 3),
                                                   .side = (uint32_t)store_int(&rows, 4),
                                                   .window = (uint32_t)store_int(&rows, 5),
                                                   .amount = store_int(&rows, 6),
                                                   .seq = store_int(&rows, 7),
                                                   .since_us = store_int(&rows, 8)};
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status ledger_load_extras(ledger *l, const ledger_transfer *events, size_t n, int64_t now_us,
                              size_t max, const diag *d)
{
    const size_t rows = l->b.row_count;
    int64_t *ids = base_arena_array(&l->scratch, max + 2 * (n + rows) + 1, sizeof *ids);
    size_t count = 0;
    gov_status rc = ids != NULL ? GOV_OK : base_nomem(d);
    for (size_t i = 0; i < l->b.clock_count && rc == GOV_OK; i++) {
        const ledger_clock *c = &l->b.clocks[i];
        if (c->locked && c->due_us <= now_us && count < max)
            rc = due_accounts(l, c, now_us, max, ids, &count, d);
        if (rc == GOV_OK && c->locked && c->caps > 0)
            rc = load_caps(l, c, d);
    }
    if (rc == GOV_OK && count > 0)
        rc = ledger_load_accounts(l, ids, count, d);
    for (size_t i = 0; i < n + rows && rc == GOV_OK; i++) {
        const ledger_transfer *t = i < n ? &events[i] : &l->b.rows[i - n].t;
        if (has_lots(l, t->debit_account))
            ids[count++] = t->debit_account;
        if (has_lots(l, t->credit_account))
            ids[count++] = t->credit_account;
    }
    if (rc == GOV_OK)
        rc = load_lots_of(l, ids, count, d);
    for (size_t i = 0; i < rows && rc == GOV_OK; i++) {
        const ledger_row *r = &l->b.rows[i];
        if (r->kind == LEDGER_LIVE &&
            (has_lots(l, r->t.debit_account) || has_lots(l, r->t.credit_account)))
            rc = load_uses(l, (uint32_t)i, d);
    }
    return rc;
}

typedef struct expired_lot {
    int64_t expires_us, seq;
    uint32_t lot;
} expired_lot;

static int by_expiry(const void *a, const void *b)
{
    const expired_lot *x = a, *y = b;
    if (x->expires_us != y->expires_us)
        return x->expires_us < y->expires_us ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static gov_status note_full(ledger *l, uint32_t book, int64_t account, const diag *d)
{
    for (const ledger_full *f = l->full; f != NULL; f = f->next)
        if (f->book == book && f->account == account)
            return GOV_OK;
    ledger_full *f = base_arena_alloc(&l->scratch, sizeof *f);
    if (f == NULL)
        return base_nomem(d);
    *f = (ledger_full){.next = l->full, .account = account, .book = book};
    l->full = f;
    return GOV_OK;
}

gov_status ledger_sweep_lots(ledger *l, int64_t now_us, int64_t *at_us, size_t *looked,
                             size_t *moved, const diag *d)
{
    ledger_book *b = &l->b;
    gov_status rc = GOV_OK;
    *looked = *moved = 0;
    if (b->lot_count == 0)
        return GOV_OK;
    expired_lot *list = base_arena_array(&l->scratch, b->lot_count, sizeof *list);
    if (list == NULL)
        return base_nomem(d);
    size_t n = 0;
    for (size_t i = 0; i < b->lot_count; i++) {
        const ledger_clock *c = ledger_clock_of(b, b->lots[i].book);
        if (b->lots[i].left > 0 && b->lots[i].expires_us <= now_us && c != NULL && c->locked)
            list[n++] = (expired_lot){b->lots[i].expires_us, b->lots[i].seq, (uint32_t)i};
    }
    qsort(list, n, sizeof *list, by_expiry);
    if (!ledger_book_reserve(b, 0, n, 0))
        return base_nomem(d);
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        const ledger_lot *lot = &b->lots[list[i].lot];
        if (ledger_decide_breakage(b, list[i].lot, *at_us)) {
            (*at_us)++;
            (*moved)++;
        } else if (lot->moved || lot->expires_us >= ledger_clock_of(b, lot->book)->looked_us) {
            rc = note_full(l, lot->book, ledger_cell_of(b, lot->account)->a.breakage, d);
        }
    }
    *looked = n;
    return rc == GOV_OK && b->failed ? base_nomem(d) : rc;
}

gov_status ledger_find_full(ledger *l, const ledger_clock *c, int64_t now_us, const diag *d)
{
    static const store_sql sql = {"SELECT DISTINCT k.id FROM " LEDGER_LOTS_AND_ROOM
                                  " WHERE " LEDGER_LOT_DUE
                                  " AND t.expires_us >= $3 AND t.expires_us <= $4 AND t.rest > "
                                  LEDGER_ROOM " ORDER BY k.id LIMIT 100",
                                  0};
    store_rows rows;
    gov_status rc = store_query(l->s, &sql,
                                STORE_ARGS(store_i(l->community), store_i(c->book),
                                           store_i(c->looked_us), store_i(now_us)),
                                &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
        rc = note_full(l, c->book, store_int(&rows, 0), d);
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

/* Has an account of that ledger less to its credit, pending and posted, than before the batch? */
static bool released(const ledger *l, uint32_t book)
{
    for (size_t i = 0; i < l->b.touched_count; i++) {
        const ledger_cell *c = &l->b.cells[l->b.touched[i]];
        if (c->a.ledger == book && c->dirty &&
            c->a.credits_pending + c->a.credits_posted < c->before[LEDGER_CP] + c->before[LEDGER_CC])
            return true;
    }
    return false;
}

gov_status ledger_wake_lots(ledger *l, int64_t now_us, const diag *d)
{
    static const store_sql sql = {"SELECT t.expires_us FROM gov_ledger_lot t WHERE " LEDGER_LOT_DUE
                                  " AND t.expires_us <= $3 ORDER BY t.expires_us, t.seq LIMIT 1",
                                  0};
    for (size_t i = 0; i < l->b.clock_count; i++) {
        ledger_clock *c = &l->b.clocks[i];
        int64_t expired_us;
        if (!c->locked || c->due_us <= now_us || !released(l, c->book))
            continue;
        const gov_status rc = store_first_int(
            l->s, &sql,
            STORE_ARGS(store_i(l->community), store_i(c->book), store_i(now_us)), &expired_us, d);
        if (rc != GOV_OK && rc != GOV_END)
            return rc;
        if (rc == GOV_OK) {
            c->due_us = now_us;
            c->changed = true;
        }
    }
    return GOV_OK;
}

/* ---- counts of caps ---- */

typedef struct counting {
    ledger *l;
    const diag *d;
    gov_status rc;
} counting;

static bool load_count(void *user, const ledger_cap *cap, int64_t account, int64_t window_us)
{
    static const store_sql sql = {"SELECT amount FROM gov_ledger_count WHERE community = $1 AND "
                                  "ledger = $2 AND account = $3 AND cap = $4 AND begins_us = $5",
                                  0};
    counting *in = user;
    if (ledger_count_of(&in->l->b, cap, account, window_us) != NULL)
        return true;
    int64_t amount = 0;
    in->rc = store_first_int(in->l->s, &sql,
                             STORE_ARGS(store_i(in->l->community), store_i(cap->book),
                                        store_i(account), store_i(cap->seq), store_i(window_us)),
                             &amount, in->d);
    if (in->rc != GOV_OK && in->rc != GOV_END)
        return false;
    ledger_count *c = ledger_count_add(&in->l->b, cap, account, window_us);
    if (c == NULL) {
        in->rc = base_nomem(in->d);
        return false;
    }
    c->amount = c->kept = amount;
    c->stored = in->rc == GOV_OK;
    in->rc = GOV_OK;
    return true;
}

static gov_status counts_of(ledger *l, const ledger_transfer *t, int64_t at_us, const diag *d)
{
    counting in = {l, d, GOV_OK};
    const ledger_cell *debit = ledger_cell_of(&l->b, t->debit_account),
                      *credit = ledger_cell_of(&l->b, t->credit_account);
    if (debit != NULL && credit != NULL)
        (void)ledger_caps_each(&l->b, t, &debit->a, &credit->a, at_us, load_count, &in);
    return in.rc;
}

gov_status ledger_load_counts(ledger *l, const ledger_transfer *events, size_t n, int64_t at_us,
                              const diag *d)
{
    gov_status rc = GOV_OK;
    if (l->b.cap_count == 0)
        return GOV_OK;
    for (size_t i = 0; i < l->b.row_count && rc == GOV_OK; i++)
        if (l->b.rows[i].kind == LEDGER_LIVE)
            rc = counts_of(l, &l->b.rows[i].t, l->b.rows[i].t.timestamp, d);
    for (size_t i = 0; i < n && rc == GOV_OK; i++)
        rc = counts_of(l, &events[i],
                       events[i].flags & GOV_TRANSFER_IMPORTED ? events[i].timestamp
                                                               : at_us + (int64_t)i,
                       d);
    return rc;
}

/* ---- telling ---- */

gov_status ledger_tell_extras(ledger *l, ledger_time t, ledger_told *told, const diag *d)
{
    gov_status rc = GOV_OK;
    for (size_t i = 0; i < l->b.lot_count && rc == GOV_OK; i++) {
        ledger_lot *lot = &l->b.lots[i];
        if (lot->dead || !lot->fresh)
            continue;
        rc = store_new_id(l->s, t.real_ms, &lot->seq, d);
        const int64_t n[] = {lot->seq, lot->account, lot->book, lot->expires_us, lot->amount};
        ledger_tell(told, LEDGER_TOLD_LOT, n);
    }
    for (size_t i = 0; i < l->b.use_count && rc == GOV_OK; i++) {
        const ledger_use *u = &l->b.uses[i];
        const int64_t n[] = {l->b.rows[u->row].seq, l->b.lots[u->lot].seq, u->amount,
                             u->back - u->kept, u->fresh};
        if (u->fresh || u->back != u->kept)
            ledger_tell(told, LEDGER_TOLD_USE, n);
    }
    for (size_t i = 0; i < l->b.count_count && rc == GOV_OK; i++) {
        const ledger_count *c = &l->b.counts[i];
        const int64_t n[] = {c->book,      c->account,          c->cap,
                             c->window_us, c->amount - c->kept, !c->stored};
        if (c->moved)
            ledger_tell(told, LEDGER_TOLD_COUNT, n);
    }
    return rc == GOV_OK && told->bytes.failed ? base_nomem(d) : rc;
}

/* ---- writing ---- */

static store_array same_int(const int64_t *one)
{
    return (store_array){.ints = one, .same = true};
}

enum { MOST_FIELDS = 9 };

/* The community, then these fields of the items; inserted, or changed by key. */
static gov_status put(ledger *l, const void *const *items, size_t n, const ledger_field *fields,
                      size_t count, const store_insert *insert, const store_change *change,
                      const diag *d)
{
    store_array arrays[1 + MOST_FIELDS] = {same_int(&l->community)};
    if (n == 0)
        return GOV_OK;
    if (!ledger_columns(&l->scratch, items, n, fields, count, arrays + 1))
        return base_nomem(d);
    return insert != NULL ? store_bulk(l->s, insert, arrays, n, d)
                          : store_many(l->s, change, arrays, n, d);
}

static gov_status write_lots(ledger *l, const diag *d)
{
    static const store_insert insert = {
        &ledger_lot_table, "community, seq, rest, account, ledger, expires_us, amount"};
    static const store_change change = {&ledger_lot_table, "community, seq", "rest"};
    static const ledger_field fields[] = {{offsetof(ledger_lot, seq), false, false},
                                          {offsetof(ledger_lot, left), false, false},
                                          {offsetof(ledger_lot, account), false, false},
                                          {offsetof(ledger_lot, book), true, false},
                                          {offsetof(ledger_lot, expires_us), false, false},
                                          {offsetof(ledger_lot, amount), false, false}};
    const void **made = base_arena_array(&l->scratch, l->b.lot_count + 1, sizeof *made);
    const void **moved = base_arena_array(&l->scratch, l->b.lot_count + 1, sizeof *moved);
    size_t n = 0, m = 0;
    gov_status rc = made != NULL && moved != NULL ? GOV_OK : base_nomem(d);
    for (size_t i = 0; i < l->b.lot_count && rc == GOV_OK; i++) {
        ledger_lot *lot = &l->b.lots[i];
        if (lot->dead)
            continue;
        if (lot->fresh) {
            made[n++] = lot;
        } else if (lot->moved) {
            moved[m++] = lot;
        }
    }
    if (rc == GOV_OK)
        rc = put(l, made, n, fields, ARRAY_LEN(fields), &insert, NULL, d);
    return rc == GOV_OK ? put(l, moved, m, fields, 2, NULL, &change, d) : rc;
}

typedef struct stored_use {
    int64_t seq, lot, back, amount;
} stored_use;

static gov_status write_uses(ledger *l, const diag *d)
{
    static const store_insert insert = {&ledger_use_table, "community, seq, lot, back, amount"};
    static const store_change change = {&ledger_use_table, "community, seq, lot", "back"};
    static const ledger_field fields[] = {{offsetof(stored_use, seq), false, false},
                                          {offsetof(stored_use, lot), false, false},
                                          {offsetof(stored_use, back), false, false},
                                          {offsetof(stored_use, amount), false, false}};
    const size_t most = l->b.use_count + 1;
    stored_use *all = base_arena_array(&l->scratch, most, sizeof *all);
    const void **made = base_arena_array(&l->scratch, most, sizeof *made);
    const void **moved = base_arena_array(&l->scratch, most, sizeof *moved);
    size_t n = 0, m = 0;
    if (all == NULL || made == NULL || moved == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < l->b.use_count; i++) {
        const ledger_use *u = &l->b.uses[i];
        all[i] = (stored_use){l->b.rows[u->row].seq, l->b.lots[u->lot].seq, u->back, u->amount};
        if (u->fresh)
            made[n++] = &all[i];
        else if (u->moved)
            moved[m++] = &all[i];
    }
    const gov_status rc = put(l, made, n, fields, ARRAY_LEN(fields), &insert, NULL, d);
    return rc == GOV_OK ? put(l, moved, m, fields, 3, NULL, &change, d) : rc;
}

static gov_status write_counts(ledger *l, const diag *d)
{
    static const store_insert insert = {&ledger_count_table,
                                        "community, ledger, account, cap, begins_us, amount"};
    static const store_change change = {&ledger_count_table,
                                        "community, ledger, account, cap, begins_us", "amount"};
    static const ledger_field fields[] = {{offsetof(ledger_count, book), true, false},
                                          {offsetof(ledger_count, account), false, false},
                                          {offsetof(ledger_count, cap), false, false},
                                          {offsetof(ledger_count, window_us), false, false},
                                          {offsetof(ledger_count, amount), false, false}};
    const void **made = base_arena_array(&l->scratch, l->b.count_count + 1, sizeof *made);
    const void **moved = base_arena_array(&l->scratch, l->b.count_count + 1, sizeof *moved);
    size_t n = 0, m = 0;
    if (made == NULL || moved == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < l->b.count_count; i++) {
        const ledger_count *c = &l->b.counts[i];
        if (c->moved && c->stored)
            moved[m++] = c;
        else if (c->moved)
            made[n++] = c;
    }
    const gov_status rc = put(l, made, n, fields, ARRAY_LEN(fields), &insert, NULL, d);
    return rc == GOV_OK ? put(l, moved, m, fields, ARRAY_LEN(fields), NULL, &change, d) : rc;
}

static gov_status write_reversed(ledger *l, const diag *d)
{
    static const store_insert insert = {&ledger_reversed_table, "community, seq, amount"};
    static const store_change change = {&ledger_reversed_table, "community, seq", "amount"};
    static const ledger_field fields[] = {{offsetof(ledger_row, seq), false, false},
                                          {offsetof(ledger_row, reversed), false, false}};
    const void **made = base_arena_array(&l->scratch, l->b.row_count + 1, sizeof *made);
    const void **moved = base_arena_array(&l->scratch, l->b.row_count + 1, sizeof *moved);
    size_t n = 0, m = 0;
    if (made == NULL || moved == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < l->b.row_count; i++) {
        const ledger_row *r = &l->b.rows[i];
        if (r->kind != LEDGER_LIVE || r->reversed == r->reversed_kept)
            continue;
        if (!r->reversed_stored)
            made[n++] = r;
        else
            moved[m++] = r;
    }
    const gov_status rc = put(l, made, n, fields, ARRAY_LEN(fields), &insert, NULL, d);
    return rc == GOV_OK ? put(l, moved, m, fields, ARRAY_LEN(fields), NULL, &change, d) : rc;
}

typedef struct stored_effect {
    int64_t account, effective_us, seq, at_us, change[4];
} stored_effect;

static gov_status write_effects(ledger *l, const diag *d)
{
    static const store_insert insert = {
        &ledger_effective_table, "community, account, effective_us, seq, at_us, debits_pending, "
                                 "debits_posted, credits_pending, credits_posted"};
    static const ledger_field fields[] = {
        {offsetof(stored_effect, account), false, false},
        {offsetof(stored_effect, effective_us), false, false},
        {offsetof(stored_effect, seq), false, false},
        {offsetof(stored_effect, at_us), false, false},
        {offsetof(stored_effect, change[LEDGER_DP]), false, false},
        {offsetof(stored_effect, change[LEDGER_DD]), false, false},
        {offsetof(stored_effect, change[LEDGER_CP]), false, false},
        {offsetof(stored_effect, change[LEDGER_CC]), false, false}};
    size_t n = 0;
    for (size_t i = 0; i < l->b.row_count; i++)
        n += l->b.rows[i].fresh && l->b.rows[i].t.effective_at != 0;
    if (n == 0)
        return GOV_OK;
    stored_effect *all = base_arena_array(&l->scratch, 2 * n, sizeof *all);
    const void **items = base_arena_array(&l->scratch, 2 * n, sizeof *items);
    if (all == NULL || items == NULL)
        return base_nomem(d);
    n = 0;
    for (size_t i = 0; i < l->b.row_count; i++) {
        const ledger_row *r = &l->b.rows[i];
        if (!r->fresh || r->t.effective_at == 0 ||
            (r->kind != LEDGER_LIVE && r->kind != LEDGER_EXPIRY))
            continue;
        for (int side = 0; side < 2; side++) {
            all[n] =
                (stored_effect){.account = side == 0 ? r->t.debit_account : r->t.credit_account,
                                .effective_us = r->t.effective_at,
                                .seq = r->seq,
                                .at_us = r->t.timestamp};
            ledger_effect(r, side, all[n].change);
            items[n] = &all[n];
            n++;
        }
    }
    return put(l, items, n, fields, ARRAY_LEN(fields), &insert, NULL, d);
}

gov_status ledger_write_extras(ledger *l, const diag *d)
{
    gov_status rc = write_effects(l, d);
    if (rc == GOV_OK && l->b.lot_count > 0)
        rc = write_lots(l, d);
    if (rc == GOV_OK && l->b.use_count > 0)
        rc = write_uses(l, d);
    if (rc == GOV_OK && l->b.count_count > 0)
        rc = write_counts(l, d);
    return rc == GOV_OK ? write_reversed(l, d) : rc;
}
