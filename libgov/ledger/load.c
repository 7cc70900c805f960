/* From the store into a book. */
#include "ledger/stored.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

bool ledger_read_cell(store_rows *rows, ledger_cell *c)
{
    ledger_account *a = &c->a;
    c->seq = store_int(rows, 0);
    a->id = store_int(rows, 1);
    a->ledger = (uint32_t)store_int(rows, 2);
    a->code = (uint32_t)store_int(rows, 3);
    a->flags = (uint32_t)store_int(rows, 4);
    a->debits_pending = store_int(rows, 5);
    a->debits_posted = store_int(rows, 6);
    a->credits_pending = store_int(rows, 7);
    a->credits_posted = store_int(rows, 8);
    a->subject = store_int(rows, 9);
    a->reference = store_int(rows, 10);
    a->reason = (uint32_t)store_int(rows, 11);
    a->min_balance = store_int(rows, 12);
    a->max_balance = store_int(rows, 13);
    a->warn_min = store_int(rows, 14);
    a->warn_max = store_int(rows, 15);
    a->breakage = store_int(rows, 16);
    a->timestamp = store_int(rows, 17);
    a->flags &= ~GOV_ACCOUNT_CLOSED; /* as it was made */
    if (store_int(rows, 19) != 0)
        a->flags |= GOV_ACCOUNT_CLOSED;
    size_t len;
    const uint8_t *trail = store_bytes(rows, 18, &len);
    return ledger_trail_read(&c->trail, trail, len);
}

/* ---- lists of ids ---- */

gov_status ledger_each(ledger *l, const ledger_list *list, const int64_t *ids, size_t n,
                       ledger_take *take, void *user, const diag *d)
{
    store_arg args[129];
    gov_status rc = GOV_OK;
    for (size_t done = 0; done < n && rc == GOV_OK;) {
        const size_t left = n - done, width = left <= 4 ? 4 : 128,
                     here = left < width ? left : width;
        args[0] = store_i(l->community);
        for (size_t i = 0; i < width; i++)
            args[1 + i] = store_i(ids[done + (i < here ? i : here - 1)]);
        store_rows rows;
        rc = store_query(l->s, width == 4 ? &list->few : &list->many, args, 1 + width, &rows, d);
        while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
            rc = take(user, &rows, d);
        if (rc == GOV_END)
            rc = GOV_OK;
        store_rows_close(&rows);
        done += here;
    }
    return rc;
}

const ledger_list ledger_accounts_by_id = {
    {"SELECT " LEDGER_ACCOUNT_COLUMNS " FROM " LEDGER_ACCOUNT_TABLES
     " WHERE a.community = $1 AND a.id IN (" LEDGER_PARAMS_4 ")",
     0},
    {"SELECT " LEDGER_ACCOUNT_COLUMNS " FROM " LEDGER_ACCOUNT_TABLES
     " WHERE a.community = $1 AND a.id IN (" LEDGER_PARAMS_128 ")",
     0}};
static const ledger_list failed_by_id = {
    {"SELECT id, ledger FROM gov_ledger_failed WHERE community = $1 AND id IN (" LEDGER_PARAMS_4
     ")",
     0},
    {"SELECT id, ledger FROM gov_ledger_failed WHERE community = $1 AND id IN (" LEDGER_PARAMS_128
     ")",
     0}};
const ledger_list ledger_statuses_by_seq = {
    {"SELECT seq, status, due_us, resolved_us, resolved_by, actor FROM gov_ledger_pending WHERE "
     "community "
     "= $1 AND seq IN "
     "(" LEDGER_PARAMS_4 ")",
     0},
    {"SELECT seq, status, due_us, resolved_us, resolved_by, actor FROM gov_ledger_pending WHERE "
     "community "
     "= $1 AND seq IN "
     "(" LEDGER_PARAMS_128 ")",
     0}};

/* ---- clocks ---- */

static gov_status take_clock(ledger *l, store_rows *rows, ledger_clock **out, const diag *d)
{
    const uint32_t book = (uint32_t)store_int(rows, 0);
    const int64_t version = store_int(rows, 1);
    ledger_clock *c = ledger_clock_of(&l->b, book);
    if (c == NULL && !ledger_clock_add(&l->b, book, &c))
        return base_nomem(d);
    *out = c;
    if (c->version == version)
        return GOV_OK;
    c->version = version;
    c->generation++;
    c->accounts = store_int(rows, 2);
    c->account_us = store_int(rows, 3);
    c->transfer_us = store_int(rows, 4);
    c->last_seq = store_int(rows, 5);
    c->last_id = store_int(rows, 6);
    c->due_us = store_int(rows, 7);
    c->caps = (uint32_t)store_int(rows, 8);
    c->first_seq = store_int(rows, 9);
    return GOV_OK;
}

gov_status ledger_load_clocks(ledger *l, const diag *d)
{
    static const store_sql sql = {
        "SELECT ledger, version, accounts, account_us, transfer_us, "
        "last_seq, last_id, due_us, caps, first_seq FROM gov_ledger_book WHERE "
        "community = $1",
        0};
    for (size_t i = 0; i < l->b.clock_count; i++)
        l->b.clocks[i].locked = l->b.clocks[i].changed = false;
    store_rows rows;
    ledger_clock *c;
    gov_status rc = store_query(l->s, &sql, STORE_ARGS(store_i(l->community)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
        rc = take_clock(l, &rows, &c, d);
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

static gov_status lock_one(ledger *l, uint32_t book, const diag *d)
{
    static const store_sql sql = {
        "SELECT ledger, version, accounts, account_us, transfer_us, "
        "last_seq, last_id, due_us, caps, first_seq FROM gov_ledger_book WHERE "
        "community = $1 AND ledger = $2",
        STORE_LOCK};
    static const store_sql make = {
        "INSERT INTO gov_ledger_book (community, ledger, version, "
        "accounts, account_us, transfer_us, last_seq, last_id, first_seq, "
        "due_us, caps) VALUES ($1, $2, 1, 0, 0, 0, 0, 0, 0, 9223372036854775807, 0) "
        "ON CONFLICT (community, ledger) DO NOTHING",
        0};
    store_rows rows;
    gov_status rc =
        store_first(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(book)), &rows, d);
    if (rc == GOV_END) {
        rc = store_post(l->s, &make, STORE_ARGS(store_i(l->community), store_i(book)),
                        STORE_ANY_ROWS, d);
        if (rc == GOV_OK)
            rc =
                store_first(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(book)), &rows, d);
        if (rc == GOV_END)
            rc = base_fail(d, M_internal, A_S("what", "a ledger's row has gone"));
    }
    if (rc != GOV_OK)
        return rc;
    ledger_clock *c;
    rc = take_clock(l, &rows, &c, d);
    if (rc == GOV_OK)
        c->locked = true;
    store_rows_close(&rows);
    return rc;
}

gov_status ledger_lock(ledger *l, const uint32_t *books, size_t n, const diag *d)
{
    gov_status rc = GOV_OK;
    for (size_t i = 0; i < n && rc == GOV_OK; i++)
        rc = lock_one(l, books[i], d);
    return rc;
}

/* ---- accounts ---- */

static gov_status take_account(void *user, store_rows *rows, const diag *d)
{
    ledger *l = user;
    const int64_t id = store_int(rows, 1);
    ledger_cell *c = ledger_cell_of(&l->b, id);
    if (c == NULL)
        c = ledger_cell_add(&l->b, id);
    if (!ledger_read_cell(rows, c))
        return base_fail(d, M_ledger_damaged, A_I("account", id));
    ledger_clock *clock = ledger_clock_of(&l->b, c->a.ledger);
    if (clock == NULL &&
        !ledger_clock_add(&l->b, c->a.ledger, &clock)) /* a ledger that began a moment ago */
        return base_nomem(d);
    c->generation = clock->generation;
    c->dirty = c->fresh = false;
    return GOV_OK;
}

/* What an account is was written once: of those that were read before, only what transfers change is read again. */
static const ledger_list balances_by_seq = {
    {"SELECT seq, debits_pending, debits_posted, credits_pending, credits_posted, closed, trail "
     "FROM "
     "gov_ledger_balance WHERE community = $1 AND seq IN (" LEDGER_PARAMS_4 ")",
     0},
    {"SELECT seq, debits_pending, debits_posted, credits_pending, credits_posted, closed, trail "
     "FROM "
     "gov_ledger_balance WHERE community = $1 AND seq IN (" LEDGER_PARAMS_128 ")",
     0}};

typedef struct stale {
    int64_t seq;
    ledger_cell *cell;
} stale;
typedef struct again {
    ledger *l;
    const stale *items;
    size_t count, next; /* rows mostly come in the order of their seqs */
} again;

static int by_their_seq(const void *x, const void *y)
{
    const stale *a = x, *b = y;
    return (a->seq > b->seq) - (a->seq < b->seq);
}

static gov_status take_balance(void *user, store_rows *rows, const diag *d)
{
    again *in = user;
    const stale key = {.seq = store_int(rows, 0)};
    const stale *at = in->next < in->count && in->items[in->next].seq == key.seq
                          ? &in->items[in->next]
                          : bsearch(&key, in->items, in->count, sizeof *at, by_their_seq);
    if (at == NULL)
        return base_fail(d, M_internal, A_S("what", "a balance nobody asked for"));
    in->next = (size_t)(at - in->items) + 1;
    ledger_cell *c = at->cell;
    c->a.debits_pending = store_int(rows, 1);
    c->a.debits_posted = store_int(rows, 2);
    c->a.credits_pending = store_int(rows, 3);
    c->a.credits_posted = store_int(rows, 4);
    c->a.flags &= ~GOV_ACCOUNT_CLOSED;
    if (store_int(rows, 5) != 0)
        c->a.flags |= GOV_ACCOUNT_CLOSED;
    size_t len;
    const uint8_t *trail = store_bytes(rows, 6, &len);
    if (!ledger_trail_read(&c->trail, trail, len))
        return base_fail(d, M_ledger_damaged, A_I("account", c->a.id));
    c->generation = ledger_clock_of(&in->l->b, c->a.ledger)->generation;
    c->dirty = c->fresh = false;
    return GOV_OK;
}

/* Into the cells that are there already. What has gone meanwhile stays stale. */
static gov_status load_again(ledger *l, const int64_t *ids, size_t n, const diag *d)
{
    stale *items = base_arena_array(&l->scratch, n > 0 ? n : 1, sizeof *items);
    int64_t *seqs = base_arena_array(&l->scratch, n > 0 ? n : 1, sizeof *seqs);
    again in = {.l = l, .items = items};
    if (items == NULL || seqs == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        ledger_cell *c = ledger_cell_of(&l->b, ids[i]);
        if (c != NULL && c->seq != 0 && ledger_clock_of(&l->b, c->a.ledger) != NULL)
            items[in.count++] = (stale){c->seq, c};
    }
    if (in.count == 0)
        return GOV_OK;
    qsort(items, in.count, sizeof *items, by_their_seq);
    size_t unique = 0;
    for (size_t i = 0; i < in.count; i++)
        if (unique == 0 || items[unique - 1].seq != items[i].seq)
            items[unique++] = items[i];
    in.count = unique;
    for (size_t i = 0; i < in.count; i++)
        seqs[i] = items[i].seq;
    return ledger_each(l, &balances_by_seq, seqs, in.count, take_balance, &in, d);
}

/* Those that are not in the book, or as they were before somebody else changed the ledger. */
static size_t missing(ledger *l, const int64_t *ids, size_t n, int64_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const ledger_cell *c = ids[i] > 0 ? ledger_cell_of(&l->b, ids[i]) : NULL;
        const ledger_clock *clock = c != NULL ? ledger_clock_of(&l->b, c->a.ledger) : NULL;
        if (ids[i] > 0 && (clock == NULL || clock->generation != c->generation))
            out[count++] = ids[i];
    }
    return count;
}

gov_status ledger_load_accounts(ledger *l, const int64_t *ids, size_t n, const diag *d)
{
    int64_t *wanted = base_arena_array(&l->scratch, n > 0 ? n : 1, sizeof *wanted);
    if (wanted == NULL)
        return base_nomem(d);
    size_t count = missing(l, ids, n, wanted);
    if (count == 0)
        return GOV_OK;
    const gov_status rc = load_again(l, wanted, count, d);
    if (rc != GOV_OK)
        return rc;
    count = missing(l, wanted, count, wanted);
    if (count == 0)
        return GOV_OK;
    if (!ledger_book_reserve(&l->b, count, 0, 0))
        return base_nomem(d);
    return ledger_each(l, &ledger_accounts_by_id, wanted, count, take_account, l, d);
}

/* ---- transfers ---- */

static gov_status take_transfer(void *user, const ledger_row *row, const diag *d)
{
    ledger *l = user;
    (void)d;
    if (ledger_row_of(&l->b, row->t.id) == NULL)
        *ledger_row_add(&l->b, row->t.id) = *row;
    return GOV_OK;
}

static size_t unknown(const ledger *l, const int64_t *ids, size_t n, int64_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (ids[i] > 0 && ledger_row_of(&l->b, ids[i]) == NULL)
            out[count++] = ids[i];
    return count;
}

gov_status ledger_load_transfers(ledger *l, const int64_t *ids, size_t n, const diag *d)
{
    int64_t *wanted = base_arena_array(&l->scratch, n > 0 ? n : 1, sizeof *wanted);
    if (wanted == NULL)
        return base_nomem(d);
    const size_t count = unknown(l, ids, n, wanted);
    if (!ledger_book_reserve(&l->b, 0, count, 0))
        return base_nomem(d);
    return ledger_rows_by_id(l, wanted, count, take_transfer, l, d);
}

static gov_status take_failed(void *user, store_rows *rows, const diag *d)
{
    ledger *l = user;
    const int64_t id = store_int(rows, 0);
    (void)d;
    if (ledger_row_of(&l->b, id) != NULL)
        return GOV_OK;
    ledger_row *r = ledger_row_add(&l->b, id);
    r->t.ledger = (uint32_t)store_int(rows, 1);
    r->kind = LEDGER_FAILED;
    return GOV_OK;
}

gov_status ledger_load_failed(ledger *l, const int64_t *ids, size_t n, const diag *d)
{
    int64_t *wanted = base_arena_array(&l->scratch, n > 0 ? n : 1, sizeof *wanted);
    if (wanted == NULL)
        return base_nomem(d);
    const size_t count = unknown(l, ids, n, wanted);
    if (!ledger_book_reserve(&l->b, 0, count, 0))
        return base_nomem(d);
    return ledger_each(l, &failed_by_id, wanted, count, take_failed, l, d);
}

/* ---- pending transfers ---- */

typedef struct by_seq {
    ledger *l;
    ledger_index rows;
} by_seq;

static gov_status take_status(void *user, store_rows *rows, const diag *d)
{
    const by_seq *in = user;
    const uint32_t at = ledger_index_get(&in->rows, store_int(rows, 0));
    if (at == LEDGER_NONE)
        return base_fail(d, M_internal, A_S("what", "a pending transfer nobody asked for"));
    ledger_row *r = &in->l->b.rows[at];
    r->status = (uint8_t)store_int(rows, 1);
    r->due_us = store_int(rows, 2);
    r->resolved_us = store_int(rows, 3);
    r->resolved_by = store_int(rows, 4);
    r->actor = store_int(rows, 5);
    return GOV_OK;
}

gov_status ledger_load_statuses(ledger *l, const diag *d)
{
    const size_t n = l->b.row_count;
    int64_t *seqs = base_arena_array(&l->scratch, n + 1, sizeof *seqs);
    int64_t *accounts = base_arena_array(&l->scratch, 2 * n + 1, sizeof *accounts);
    if (seqs == NULL || accounts == NULL)
        return base_nomem(d);
    size_t count = 0;
    by_seq in = {.l = l, .rows.alloc = l->alloc};
    for (size_t i = 0; i < n; i++) {
        const ledger_row *r = &l->b.rows[i];
        if (r->kind != LEDGER_LIVE || !(r->t.flags & GOV_TRANSFER_PENDING))
            continue;
        accounts[2 * count] = r->t.debit_account;
        accounts[2 * count + 1] = r->t.credit_account;
        seqs[count++] = r->seq;
    }
    if (count == 0)
        return GOV_OK;
    gov_status rc = ledger_index_reserve(&in.rows, count) ? GOV_OK : base_nomem(d);
    for (size_t i = 0; i < n && rc == GOV_OK; i++)
        if (l->b.rows[i].kind == LEDGER_LIVE && l->b.rows[i].t.flags & GOV_TRANSFER_PENDING)
            ledger_index_set(&in.rows, l->b.rows[i].seq, (uint32_t)i);
    if (rc == GOV_OK)
        rc = ledger_each(l, &ledger_statuses_by_seq, seqs, count, take_status, &in, d);
    if (rc == GOV_OK)
        rc = ledger_load_accounts(l, accounts, 2 * count, d);
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        ledger_row *r = &l->b.rows[i];
        r->debit = ledger_index_get(&l->b.accounts, r->t.debit_account);
        r->credit = ledger_index_get(&l->b.accounts, r->t.credit_account);
        if (r->kind == LEDGER_LIVE && r->t.flags & GOV_TRANSFER_PENDING &&
            (r->status == 0 || r->debit == LEDGER_NONE || r->credit == LEDGER_NONE))
            rc = base_fail(d, M_ledger_damaged, A_I("account", r->t.debit_account));
    }
    ledger_index_free(&in.rows);
    return rc;
}

gov_status ledger_load_due(ledger *l, uint32_t book, int64_t now_us, size_t max, const diag *d)
{
    static const store_sql sql = {"SELECT seq FROM gov_ledger_pending WHERE community = $1 AND "
                                  "ledger = $2 AND status = 1 AND due_us IS NOT NULL "
                                  "AND due_us <= $3 ORDER BY due_us NULLS FIRST, seq LIMIT $4",
                                  0};
    int64_t *seqs = base_arena_array(&l->scratch, max + 1, sizeof *seqs);
    if (seqs == NULL || !ledger_book_reserve(&l->b, 0, 2 * max, 0))
        return base_nomem(d);
    size_t n = 0;
    store_rows rows;
    gov_status rc = store_query(l->s, &sql,
                                STORE_ARGS(store_i(l->community), store_i(book), store_i(now_us),
                                           store_i((int64_t)max)),
                                &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
        seqs[n++] = store_int(&rows, 0);
    store_rows_close(&rows);
    if (rc == GOV_END)
        rc = GOV_OK;
    if (rc == GOV_OK)
        rc = ledger_rows_by_seq(l, book, seqs, n, take_transfer, l, d);
    return rc;
}

/* ---- imports ---- */

static gov_status account_instants(ledger *l, int64_t first_us, int64_t last_us, int64_t **list,
                                   size_t *cap, size_t *n, const diag *d)
{
    static const store_sql sql = {"SELECT at_us FROM gov_ledger_account WHERE community = $1 "
                                  "AND ledger >= 1 AND at_us BETWEEN $2 AND $3 ORDER BY "
                                  "at_us",
                                  0};
    store_rows rows;
    gov_status rc =
        store_query(l->s, &sql,
                    STORE_ARGS(store_i(l->community), store_i(first_us), store_i(last_us)), &rows,
                    d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        if (!base_grow(l->alloc, list, cap, *n, sizeof **list))
            rc = base_nomem(d);
        else
            (*list)[(*n)++] = store_int(&rows, 0);
    }
    store_rows_close(&rows);
    return rc;
}

static gov_status transfer_instants(ledger *l, int64_t first_us, int64_t last_us, int64_t **list,
                                    size_t *cap, size_t *n, const diag *d)
{
    ledger_scan *scan;
    ledger_row r;
    gov_status rc =
        ledger_scan_open(l, &(ledger_want){.from_us = first_us, .to_us = last_us}, &scan, d);
    while (rc == GOV_OK && (rc = ledger_scan_next(scan, &r, d)) == GOV_OK) {
        if (!base_grow(l->alloc, list, cap, *n, sizeof **list))
            rc = base_nomem(d);
        else
            (*list)[(*n)++] = r.t.timestamp;
    }
    ledger_scan_close(scan);
    return rc;
}

gov_status ledger_load_taken(ledger *l, bool of_accounts, int64_t first_us, int64_t last_us,
                             const diag *d)
{
    size_t cap = 0, n = 0;
    int64_t *list = NULL;
    const gov_status rc = of_accounts ? account_instants(l, first_us, last_us, &list, &cap, &n, d)
                                      : transfer_instants(l, first_us, last_us, &list, &cap, &n, d);
    int64_t *kept = rc == GOV_END ? base_arena_array(&l->scratch, n + 1, sizeof *kept) : NULL;
    if (kept != NULL && n > 0)
        memcpy(kept, list, n * sizeof *list);
    base_free(l->alloc, list);
    if (rc != GOV_END)
        return rc;
    if (kept == NULL)
        return base_nomem(d);
    l->b.taken = kept;
    l->b.taken_count = n;
    return GOV_OK;
}
