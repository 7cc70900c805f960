/* Batches: lock, read, decide in memory, write. */
#include "ledger/stored.h"

#include <stdlib.h>
#include <string.h>

/* ---- the handle ---- */

void ledger_forget(ledger *l)
{
    l->b.cell_count = l->b.row_count = l->b.clock_count = l->b.undo_count = 0;
    l->b.touched_count = 0;
    l->spare_count = 0;
    ledger_index_clear(&l->b.accounts);
    ledger_index_clear(&l->b.transfers);
}

static void undone(void *user, int depth)
{
    (void)depth;
    ledger_forget(user);
}

gov_status ledger_open(store *s, int64_t community, ledger **out, const diag *d)
{
    const gov_allocator *a = store_allocator(s);
    ledger *l = base_alloc(a, sizeof *l);
    if (l == NULL)
        return base_nomem(d);
    *l = (ledger){.alloc = a, .s = s, .community = community};
    ledger_book_init(&l->b, a);
    base_arena_init(&l->scratch, a);
    const gov_status rc = store_add_hook(s, &(store_hook){.undone = undone, .user = l}, d);
    if (rc == GOV_OK)
        *out = l;
    else
        base_free(a, l);
    return rc;
}

void ledger_close(ledger *l)
{
    if (l == NULL)
        return;
    store_remove_hook(l->s, l);
    ledger_book_free(&l->b);
    base_arena_free(&l->scratch);
    base_free(l->alloc, l);
}

/* ---- beginning ---- */

static gov_status begin(ledger *l, size_t n, ledger_time t, const diag *d)
{
    if (n == 0 || n > LEDGER_BATCH_MAX)
        return base_fail(d, M_ledger_batch, A_I("limit", LEDGER_BATCH_MAX), A_I("count", n));
    if (t.now_us < 1)
        return base_fail(d, M_ledger_clock, A_I("now", t.now_us));
    if (l->b.cell_count > LEDGER_CELLS_MAX)
        ledger_forget(l);
    base_arena_reset(&l->scratch);
    l->b.row_count = l->b.undo_count = 0;
    for (size_t i = 0; i < l->b.touched_count; i++)
        l->b.cells[l->b.touched[i]].touched = false;
    l->b.touched_count = 0;
    l->b.taken = NULL;
    l->b.taken_count = 0;
    l->full = NULL;
    l->b.actor = t.actor;
    l->b.nobody = t.nobody;
    ledger_drop_extras(l);
    ledger_index_clear(&l->b.transfers);
    return GOV_OK;
}

static int by_key(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* An id is given once in a community, whatever ledger it names, and only writers of one ledger wait for each other. So on a store
 * where several write at once, those whose ids lie near each other wait, too: ids are time-ordered, a batch has few such
 * neighbourhoods. Who has many holds off everybody. Before the clocks are read: they tell which ids may exist. */
static gov_status hold_ids(ledger *l, const ledger_transfer *events, size_t n, const diag *d)
{
    enum { FEW = 4, NEAR = 24 };
    static const store_sql few = {
        "SELECT pg_advisory_xact_lock_shared($1) IS NULL, pg_advisory_xact_lock($2) IS NULL, "
        "pg_advisory_xact_lock($3) IS NULL, pg_advisory_xact_lock($4) IS NULL, "
        "pg_advisory_xact_lock($5) IS NULL",
        0};
    static const store_sql all = {"SELECT pg_advisory_xact_lock($1) IS NULL", 0};
    const uint64_t key = (uint64_t)l->community * UINT64_C(0x9E3779B97F4A7C15);
    int64_t near[FEW], keys[FEW];
    size_t count = 0;
    store_rows rows;
    if (store_kind_of(l->s) != STORE_POSTGRES)
        return GOV_OK;
    for (size_t i = 0; i < n && count <= FEW; i++) {
        const int64_t at = events[i].id >> NEAR;
        size_t k = 0;
        while (k < count && near[k] != at)
            k++;
        if (k == count && count < FEW)
            near[k] = at;
        count += k == count;
    }
    for (size_t i = 0; i < FEW && count <= FEW; i++)
        keys[i] = (int64_t)(key + 1 + (uint64_t)near[i < count ? i : count - 1]);
    if (count <= FEW) /* one order for everybody */
        qsort(keys, FEW, sizeof *keys, by_key);
    const gov_status rc =
        count > FEW ? store_first(l->s, &all, STORE_ARGS(store_i((int64_t)key)), &rows, d)
                    : store_first(l->s, &few,
                                  STORE_ARGS(store_i((int64_t)key), store_i(keys[0]),
                                             store_i(keys[1]), store_i(keys[2]), store_i(keys[3])),
                                  &rows, d);
    if (rc == GOV_OK)
        store_rows_close(&rows);
    return rc;
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static size_t unique(uint32_t *books, size_t n)
{
    size_t kept = 0;
    /* Batches mostly name one ledger, in runs: what stands next to its like goes before the sort. */
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || books[kept - 1] != books[i])
            books[kept++] = books[i];
    qsort(books, kept, sizeof *books, ascending);
    n = kept;
    kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || books[kept - 1] != books[i])
            books[kept++] = books[i];
    return kept;
}

/* The instant of the first event: the community's clock, but later than all that the locked ledgers hold. A batch and as many
 * expiries have to fit in after it. */
static gov_status first_instant(const ledger *l, int64_t now_us, int64_t *out, const diag *d)
{
    for (size_t i = 0; i < l->b.clock_count; i++) {
        const ledger_clock *c = &l->b.clocks[i];
        const int64_t last = c->account_us > c->transfer_us ? c->account_us : c->transfer_us;
        if (c->locked && last >= now_us)
            now_us = last < INT64_MAX ? last + 1 : last;
    }
    *out = now_us;
    return now_us < INT64_MAX - 2 * LEDGER_BATCH_MAX
               ? GOV_OK
               : base_fail(d, M_ledger_clock, A_I("now", now_us));
}

static void imports(const int64_t *given, size_t n, bool is, int64_t *low, int64_t *high)
{
    *low = INT64_MAX;
    *high = 0;
    for (size_t i = 0; i < n && is; i++) {
        if (given[i] < *low)
            *low = given[i];
        if (given[i] > *high)
            *high = given[i];
    }
}

/* ---- accounts ---- */

static gov_status accounts_try(ledger *l, const ledger_account *events, size_t n, ledger_time t,
                               const ledger_entry *entry, ledger_result *results, const diag *d)
{
    gov_status rc = begin(l, n, t, d);
    if (rc == GOV_OK)
        rc = ledger_load_clocks(l, d);
    if (rc != GOV_OK)
        return rc;
    uint32_t *books = base_arena_array(&l->scratch, n, sizeof *books);
    int64_t *ids = base_arena_array(&l->scratch, 2 * n, sizeof *ids);
    int64_t *given = base_arena_array(&l->scratch, n, sizeof *given);
    if (books == NULL || ids == NULL || given == NULL)
        return base_nomem(d);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        ids[i] = events[i].id;
        ids[n + i] = events[i].breakage;
        given[i] = events[i].timestamp;
        if (events[i].ledger != 0)
            books[count++] = events[i].ledger;
    }
    rc = ledger_lock(l, books, unique(books, count), d);
    if (rc == GOV_OK)
        rc = ledger_load_accounts(l, ids, 2 * n, d);
    int64_t low, high, at_us = 0;
    imports(given, n, (events[0].flags & GOV_ACCOUNT_IMPORTED) != 0, &low, &high);
    if (rc == GOV_OK && low <= high)
        rc = ledger_load_taken(l, false, low, high, d);
    if (rc == GOV_OK)
        rc = first_instant(l, t.now_us, &at_us, d);
    if (rc == GOV_OK)
        rc = ledger_decide_accounts(&l->b, events, n, at_us, results, d);
    if (rc == GOV_OK)
        rc = ledger_write_accounts(l, t, entry, d);
    return rc;
}

/* ---- transfers ---- */

/* Ids up to which some may exist; above it none does. */
static int64_t known_ids(const ledger *l)
{
    int64_t last = 0;
    for (size_t i = 0; i < l->b.clock_count; i++)
        if (l->b.clocks[i].last_id > last)
            last = l->b.clocks[i].last_id;
    return last;
}

/* Reads the pending transfers that are named, then locks the ledgers of all events. */
static gov_status lock_for(ledger *l, const ledger_transfer *events, size_t n, const diag *d)
{
    uint32_t *books = base_arena_array(&l->scratch, 3 * n, sizeof *books);
    int64_t *ids = base_arena_array(&l->scratch, 2 * n, sizeof *ids);
    if (books == NULL || ids == NULL)
        return base_nomem(d);
    size_t count = 0, pending = 0;
    const int64_t known = known_ids(l);
    for (size_t i = 0; i < n; i++) {
        books[count++] = events[i].ledger;
        if (events[i].pending_id > 0 && events[i].pending_id <= known)
            ids[pending++] = events[i].pending_id;
        if (events[i].reversal_of > 0 && events[i].reversal_of <= known)
            ids[pending++] = events[i].reversal_of;
    }
    const gov_status rc = ledger_load_transfers(l, ids, pending, d);
    if (rc != GOV_OK)
        return rc;
    for (size_t i = 0; i < pending; i++) {
        const ledger_row *p = ledger_row_of(&l->b, ids[i]);
        if (p != NULL)
            books[count++] = p->t.ledger;
    }
    return ledger_lock(l, books, unique(books, count), d);
}

static gov_status load_events(ledger *l, const ledger_transfer *events, size_t n, const diag *d)
{
    int64_t *ids = base_arena_array(&l->scratch, n, sizeof *ids);
    int64_t *named = base_arena_array(&l->scratch, n, sizeof *named);
    int64_t *accounts = base_arena_array(&l->scratch, 2 * n, sizeof *accounts);
    if (ids == NULL || named == NULL || accounts == NULL)
        return base_nomem(d);
    const int64_t known = known_ids(l);
    size_t old = 0, late = 0;
    for (size_t i = 0; i < n; i++) {
        const ledger_transfer *t = &events[i];
        accounts[2 * i] = t->debit_account;
        accounts[2 * i + 1] = t->credit_account;
        if (t->id <= known)
            ids[old++] = t->id;
        /* It may have been made while we waited for the lock. */
        if (t->pending_id > 0 && t->pending_id <= known &&
            ledger_row_of(&l->b, t->pending_id) == NULL)
            named[late++] = t->pending_id;
    }
    gov_status rc = ledger_load_transfers(l, ids, old, d);
    if (rc == GOV_OK)
        rc = ledger_load_failed(l, ids, old, d);
    if (rc == GOV_OK)
        rc = ledger_load_transfers(l, named, late, d);
    if (rc == GOV_OK)
        rc = ledger_load_accounts(l, accounts, 2 * n, d);
    return rc;
}

typedef struct due_row {
    int64_t due_us, seq;
    uint32_t row;
} due_row;

static int by_due(const void *a, const void *b)
{
    const due_row *x = a, *y = b;
    if (x->due_us != y->due_us)
        return x->due_us < y->due_us ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static gov_status next_due(ledger *l, ledger_clock *c, int64_t now_us, const diag *d)
{
    static const store_sql sql = {"SELECT due_us FROM gov_ledger_pending WHERE community = $1 AND "
                                  "ledger = $2 AND status = 1 AND due_us IS NOT NULL "
                                  "AND due_us > $3 ORDER BY due_us NULLS FIRST, seq LIMIT 1",
                                  0};
    static const store_sql lots = {"SELECT expires_us FROM gov_ledger_lot WHERE community = $1 AND "
                                   "ledger = $2 AND rest > 0 AND expires_us < 9223372036854775807 "
                                   "AND expires_us > $3 ORDER BY expires_us, seq LIMIT 1",
                                   0};
    int64_t due_us = INT64_MAX, lot_us = INT64_MAX;
    gov_status rc =
        store_first_int(l->s, &sql,
                        STORE_ARGS(store_i(l->community), store_i(c->book), store_i(now_us)),
                        &due_us, d);
    if (rc == GOV_OK || rc == GOV_END)
        rc = store_first_int(l->s, &lots,
                             STORE_ARGS(store_i(l->community), store_i(c->book), store_i(now_us)),
                             &lot_us, d);
    if (rc != GOV_OK && rc != GOV_END)
        return rc;
    c->due_us = due_us < lot_us ? due_us : lot_us;
    /* What reservations have just given back to lots is not in the store yet. What has expired and is still there waits for room:
     * nothing comes of looking again before some is released. */
    for (size_t i = 0; i < l->b.lot_count; i++)
        if (l->b.lots[i].book == c->book && l->b.lots[i].left > 0 &&
            l->b.lots[i].expires_us != LEDGER_NEVER && l->b.lots[i].expires_us > now_us &&
            l->b.lots[i].expires_us < c->due_us)
            c->due_us = l->b.lots[i].expires_us;
    c->changed = true;
    return ledger_find_full(l, c, now_us, d);
}

/* What is due in the locked ledgers expires at *at_us and after. All that is due is in the book afterwards, or more remains than one
 * batch may hold: then the ledger stays due. */
static gov_status expire_due(ledger *l, const ledger_transfer *events, size_t n, size_t max,
                             int64_t now_us, int64_t *at_us, size_t *expired, const diag *d)
{
    gov_status rc = GOV_OK;
    size_t found = 0, looked = 0, moved = 0;
    for (size_t i = 0; i < l->b.clock_count && rc == GOV_OK; i++) {
        ledger_clock *c = &l->b.clocks[i];
        c->looked_us = c->due_us;
        if (c->locked && c->due_us <= now_us)
            rc = ledger_load_due(l, c->book, now_us, max, d);
    }
    if (rc == GOV_OK)
        rc = ledger_load_reversed(l, events, n, d);
    if (rc == GOV_OK)
        rc = ledger_load_statuses(l, d);
    if (rc == GOV_OK)
        rc = ledger_load_extras(l, events, n, now_us, max, d);
    if (rc == GOV_OK)
        rc = ledger_load_counts(l, NULL, 0, *at_us, d);
    due_row *list =
        rc == GOV_OK ? base_arena_array(&l->scratch, l->b.row_count + 1, sizeof *list) : NULL;
    if (rc == GOV_OK && list == NULL)
        rc = base_nomem(d);
    if (rc != GOV_OK)
        return rc;
    for (size_t i = 0; i < l->b.row_count; i++) {
        const ledger_row *r = &l->b.rows[i];
        const ledger_clock *c = ledger_clock_of(&l->b, r->t.ledger);
        if (r->status == LEDGER_PENDING && r->due_us != 0 && r->due_us <= now_us && c != NULL &&
            c->locked)
            list[found++] = (due_row){r->due_us, r->seq, (uint32_t)i};
    }
    qsort(list, found, sizeof *list, by_due);
    if (found > max)
        found = max;
    if (!ledger_book_reserve(&l->b, 0, found, 0))
        return base_nomem(d);
    for (size_t i = 0; i < found; i++)
        ledger_decide_expiry(&l->b, list[i].row, (*at_us)++);
    rc = ledger_sweep_lots(l, now_us, at_us, &looked, &moved, d);
    const bool all = found < max && looked < max;
    for (size_t i = 0; i < l->b.clock_count && rc == GOV_OK && all; i++)
        if (l->b.clocks[i].locked && l->b.clocks[i].due_us <= now_us)
            rc = next_due(l, &l->b.clocks[i], now_us, d);
    *expired = found + moved;
    return rc;
}

static gov_status transfers_try(ledger *l, const ledger_transfer *events, size_t n, ledger_time t,
                                const ledger_entry *entry, ledger_result *results, const diag *d)
{
    gov_status rc = begin(l, n, t, d);
    if (rc == GOV_OK)
        rc = hold_ids(l, events, n, d);
    if (rc == GOV_OK)
        rc = ledger_load_clocks(l, d);
    if (rc == GOV_OK)
        rc = lock_for(l, events, n, d);
    if (rc == GOV_OK)
        rc = load_events(l, events, n, d);
    int64_t at_us = 0;
    size_t expired;
    if (rc == GOV_OK)
        rc = first_instant(l, t.now_us, &at_us, d);
    if (rc == GOV_OK)
        rc = expire_due(l, events, n, LEDGER_BATCH_MAX, t.now_us, &at_us, &expired, d);
    if (rc == GOV_OK)
        rc = ledger_load_counts(l, events, n, at_us, d);
    if (rc == GOV_OK && events[0].flags & GOV_TRANSFER_IMPORTED) {
        int64_t *given = base_arena_array(&l->scratch, n, sizeof *given), low, high;
        if (given == NULL)
            return base_nomem(d);
        for (size_t i = 0; i < n; i++)
            given[i] = events[i].timestamp;
        imports(given, n, true, &low, &high);
        rc = ledger_load_taken(l, true, low, high, d);
    }
    if (rc == GOV_OK)
        rc = ledger_decide_transfers(&l->b, events, n, at_us, results, d);
    if (rc == GOV_OK)
        rc = ledger_wake_lots(l, t.now_us, d);
    if (rc == GOV_OK)
        rc = ledger_write_transfers(l, t, entry, d);
    return rc;
}

/* ---- savepoints: a seq or an id that somebody took in between ---- */

typedef struct batch {
    const ledger_account *accounts;
    const ledger_transfer *transfers;
    size_t n;
    const ledger_entry *entry;
    ledger_result *results;
} batch;

static gov_status try_batch(ledger *l, const batch *b, ledger_time t, const diag *d)
{
    return b->accounts != NULL ? accounts_try(l, b->accounts, b->n, t, b->entry, b->results, d)
                               : transfers_try(l, b->transfers, b->n, t, b->entry, b->results, d);
}

/* Two ledgers of one community may use an id at the same time, and two communities of one file the same seq. The second one meets a
 * taken key; it looks again, and gives its rows keys of their own. */
static gov_status run_batch(ledger *l, const batch *b, ledger_time t, const diag *d)
{
    gov_status rc = GOV_OK;
    for (int again = 0; again < 3; again++) {
        gov_error *err = NULL;
        const diag quiet = {.alloc = l->alloc, .out = &err};
        rc = store_savepoint(l->s, d);
        if (rc != GOV_OK)
            return rc;
        rc = try_batch(l, b, t, &quiet);
        if (rc == GOV_OK)
            rc = store_flush(l->s, &quiet);
        if (rc == GOV_OK)
            return store_release(l->s, d);
        const bool taken = rc == GOV_E_EXISTS && store_error_class(l->s) == STORE_DUPLICATE;
        ledger_forget(l);
        const gov_status back = store_rollback_to(l->s, NULL);
        if (!taken || again == 2 || back != GOV_OK)
            rc = base_forward(d, err);
        gov_error_free(err);
        if (!taken || back != GOV_OK)
            return rc;
        l->foreign = true;
    }
    return rc;
}

gov_status ledger_create_accounts(ledger *l, const ledger_account *events, size_t n, ledger_time t,
                                  const ledger_entry *entry, ledger_result *results, const diag *d)
{
    return run_batch(l, &(batch){.accounts = events, .n = n, .entry = entry, .results = results}, t,
                     d);
}

gov_status ledger_transfer_batch(ledger *l, const ledger_transfer *events, size_t n, ledger_time t,
                                 const ledger_entry *entry, ledger_result *results, const diag *d)
{
    return run_batch(l, &(batch){.transfers = events, .n = n, .entry = entry, .results = results},
                     t, d);
}

gov_status ledger_expire(ledger *l, size_t max, ledger_time t, const ledger_entry *entry,
                         size_t *expired, const diag *d)
{
    *expired = 0;
    gov_status rc = begin(l, 1, t, d);
    if (rc == GOV_OK)
        rc = ledger_load_clocks(l, d);
    if (rc != GOV_OK)
        return rc;
    uint32_t *books = base_arena_array(&l->scratch, l->b.clock_count + 1, sizeof *books);
    if (books == NULL)
        return base_nomem(d);
    size_t n = 0;
    for (size_t i = 0; i < l->b.clock_count; i++)
        if (l->b.clocks[i].due_us <= t.now_us)
            books[n++] = l->b.clocks[i].book;
    if (n == 0)
        return GOV_OK;
    rc = ledger_lock(l, books, unique(books, n), d);
    int64_t at_us = 0;
    if (rc == GOV_OK)
        rc = first_instant(l, t.now_us, &at_us, d);
    if (rc == GOV_OK)
        rc = expire_due(l, NULL, 0, max == 0 || max > LEDGER_BATCH_MAX ? LEDGER_BATCH_MAX : max,
                        t.now_us, &at_us, expired, d);
    if (rc == GOV_OK)
        rc = ledger_wake_lots(l, t.now_us, d);
    if (rc == GOV_OK)
        rc = ledger_write_transfers(l, t, entry, d);
    return rc;
}

gov_status ledger_hold(ledger *l, uint32_t book, const diag *d)
{
    const gov_status rc = ledger_load_clocks(l, d);
    return rc == GOV_OK ? ledger_lock(l, &book, 1, d) : rc;
}
