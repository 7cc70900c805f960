/* Queries over a whole stored ledger, for the line protocol, in the order of time. Transfers come by a scan that begins where the
 * filter does, passes over blocks that cannot hold what is asked for, and ends when there are enough; accounts by the index of
 * each ledger's instants, or of subjects. */
#include "ledger/lines.h"
#include "ledger/stored.h"

#include <stdlib.h>
#include <string.h>

/* ---- accounts ---- */

static int by_age(const void *a, const void *b)
{
    const ledger_account *x = a, *y = b;
    if (x->timestamp != y->timestamp)
        return x->timestamp < y->timestamp ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static bool account_matches(const ledger_query *q, const ledger_account *a)
{
    return a->timestamp >= q->from_us && (q->to_us == 0 || a->timestamp <= q->to_us) &&
           (q->subject == 0 || a->subject == q->subject) &&
           (q->reference == 0 || a->reference == q->reference) &&
           (q->reason == 0 || a->reason == q->reason) &&
           (q->ledger == 0 || a->ledger == q->ledger) && (q->code == 0 || a->code == q->code);
}

/* Twice as many as are wanted are kept; when those are full, the better half stays. */
typedef struct sieve {
    void *items;
    size_t size, count, cap; /* of items; room for 2 * cap */
    int (*order)(const void *a, const void *b);
    bool reversed;
} sieve;

static void settle(sieve *v)
{
    qsort(v->items, v->count, v->size, v->order);
    if (v->count <= v->cap)
        return;
    if (v->reversed)
        memmove(v->items, (char *)v->items + (v->count - v->cap) * v->size, v->cap * v->size);
    v->count = v->cap;
}

static void keep(sieve *v, const void *item)
{
    if (v->count == 2 * v->cap)
        settle(v);
    memcpy((char *)v->items + v->count++ * v->size, item, v->size);
}

static const void *nth(const sieve *v, size_t i)
{
    return (const char *)v->items + (v->reversed ? v->count - 1 - i : i) * v->size;
}

/* A page of accounts, of one ledger by instant or of one subject. */
static gov_status accounts_page(ledger *l, const ledger_query *q, const store_sql *sql,
                                const store_arg *args, size_t n, sieve *v, ledger_account *last,
                                size_t *page, size_t *kept, const diag *d)
{
    store_rows rows;
    *page = 0;
    gov_status rc = store_query(l->s, sql, args, n, &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        ledger_cell c = {0};
        if (!ledger_read_cell(&rows, &c))
            rc = base_fail(d, M_ledger_damaged, A_I("account", store_int(&rows, 1)));
        *last = c.a;
        (*page)++;
        if (!account_matches(q, &c.a))
            continue;
        keep(v, &c.a);
        (*kept)++;
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

enum { ACCOUNTS_PAGE = 512 };

static gov_status accounts_of_ledger(ledger *l, const ledger_query *q, uint32_t book, sieve *v,
                                     const diag *d)
{
    static const store_sql up = {"SELECT " LEDGER_ACCOUNT_COLUMNS " FROM " LEDGER_ACCOUNT_TABLES
                                 " WHERE a.community = $1 AND a.ledger = $2 AND a.at_us >= $3 AND "
                                 "a.at_us <= $4 ORDER BY a.at_us LIMIT $5",
                                 0};
    static const store_sql down = {"SELECT " LEDGER_ACCOUNT_COLUMNS " FROM " LEDGER_ACCOUNT_TABLES
                                   " WHERE a.community = $1 AND a.ledger = $2 AND a.at_us >= $3 "
                                   "AND a.at_us <= $4 ORDER BY a.at_us DESC LIMIT $5",
                                   0};
    int64_t from_us = q->from_us, to_us = q->to_us != 0 ? q->to_us : INT64_MAX;
    size_t page = ACCOUNTS_PAGE, kept = 0;
    gov_status rc = GOV_OK;
    /* Instants of accounts are their own within a ledger. */
    while (rc == GOV_OK && page == ACCOUNTS_PAGE && kept < v->cap && from_us <= to_us) {
        ledger_account last = {0};
        rc = accounts_page(l, q, q->reversed ? &down : &up,
                           STORE_ARGS(store_i(l->community), store_i(book), store_i(from_us),
                                      store_i(to_us), store_i(ACCOUNTS_PAGE)),
                           v, &last, &page, &kept, d);
        if (q->reversed)
            to_us = last.timestamp - 1;
        else
            from_us = last.timestamp + 1;
    }
    return rc;
}

static gov_status accounts_of_subject(ledger *l, const ledger_query *q, sieve *v, const diag *d)
{
    static const store_sql sql = {"SELECT " LEDGER_ACCOUNT_COLUMNS " FROM " LEDGER_ACCOUNT_TABLES
                                  " WHERE a.community = $1 AND a.subject = $2 AND a.seq > $3 "
                                  "ORDER BY a.seq LIMIT $4",
                                  0};
    size_t page = ACCOUNTS_PAGE, kept = 0;
    int64_t seq = 0;
    gov_status rc = GOV_OK;
    while (rc == GOV_OK && page == ACCOUNTS_PAGE) {
        store_rows rows;
        page = 0;
        rc = store_query(l->s, &sql,
                         STORE_ARGS(store_i(l->community), store_i(q->subject), store_i(seq),
                                    store_i(ACCOUNTS_PAGE)),
                         &rows, d);
        while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
            ledger_cell c = {0};
            if (!ledger_read_cell(&rows, &c))
                rc = base_fail(d, M_ledger_damaged, A_I("account", store_int(&rows, 1)));
            seq = c.seq;
            page++;
            if (account_matches(q, &c.a)) {
                keep(v, &c.a);
                kept++;
            }
        }
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
    }
    return rc;
}

gov_status ledger_query_accounts(ledger *l, const ledger_query *q, ledger_account *out, size_t cap,
                                 size_t *count, const diag *d)
{
    sieve v = {
        base_array(l->alloc, 2 * cap, sizeof *out), sizeof *out, 0, cap, by_age, q->reversed};
    gov_status rc = v.items != NULL ? ledger_load_clocks(l, d) : base_nomem(d);
    if (rc == GOV_OK && q->subject != 0)
        rc = accounts_of_subject(l, q, &v, d);
    for (size_t i = 0; i < l->b.clock_count && rc == GOV_OK && q->subject == 0; i++)
        if (q->ledger == 0 || l->b.clocks[i].book == q->ledger)
            rc = accounts_of_ledger(l, q, l->b.clocks[i].book, &v, d);
    if (rc == GOV_OK)
        settle(&v);
    *count = rc == GOV_OK ? v.count : 0;
    for (size_t i = 0; i < *count; i++)
        memcpy(&out[i], nth(&v, i), sizeof *out);
    base_free(l->alloc, v.items);
    return rc;
}

/* ---- transfers ---- */

static ledger_want wanted(const ledger_query *q, bool expiries)
{
    return (ledger_want){.book = q->ledger,
                         .from_us = q->from_us,
                         .to_us = q->to_us != 0 ? q->to_us : INT64_MAX,
                         .subject = q->subject,
                         .reference = q->reference,
                         .reason = q->reason,
                         .code = q->code,
                         .expiries = expiries,
                         .reversed = q->reversed};
}

gov_status ledger_query_transfers(ledger *l, const ledger_query *q, ledger_transfer *out,
                                  size_t cap, size_t *count, const diag *d)
{
    const ledger_want want = wanted(q, false);
    ledger_scan *scan = NULL;
    ledger_row r;
    *count = 0;
    gov_status rc = ledger_load_clocks(l, d);
    if (rc == GOV_OK)
        rc = ledger_scan_open(l, &want, &scan, d);
    while (rc == GOV_OK && *count < cap && (rc = ledger_scan_next(scan, &r, d)) == GOV_OK)
        if (ledger_query_matches(q, &r.t))
            out[(*count)++] = r.t;
    ledger_scan_close(scan);
    return rc == GOV_END ? GOV_OK : rc;
}

/* ---- changes ---- */

typedef struct closing {
    int64_t account, from_us, until_us; /* closed in between */
} closing;

typedef struct closings {
    closing *items;
    size_t count, cap;
} closings;

typedef struct ending {
    int64_t seq, until_us;
    uint32_t book;
} ending;

typedef struct endings {
    ledger *l;
    ending *items;
    size_t count, cap;
    closings *all;
} endings;

static gov_status take_closing(void *user, const ledger_row *r, const diag *d)
{
    const endings *e = user;
    closings *all = e->all;
    int64_t until_us = INT64_MAX;
    for (size_t i = 0; i < e->count; i++)
        if (e->items[i].seq == r->seq && e->items[i].book == r->t.ledger)
            until_us = e->items[i].until_us;
    for (int side = 0; side < 2; side++) {
        if (!(r->t.flags & (side == 0 ? GOV_TRANSFER_CLOSING_DEBIT : GOV_TRANSFER_CLOSING_CREDIT)))
            continue;
        if (!base_grow(e->l->alloc, &all->items, &all->cap, all->count, sizeof *all->items))
            return base_nomem(d);
        all->items[all->count++] = (closing){side == 0 ? r->t.debit_account : r->t.credit_account,
                                             r->t.timestamp, until_us};
    }
    return GOV_OK;
}

/* What closes accounts is rare, and has an index of its own. */
static gov_status find_closings(ledger *l, closings *all, const diag *d)
{
    static const store_sql sql = {"SELECT seq, ledger, status, resolved_us FROM gov_ledger_pending "
                                  "WHERE community = $1 AND closes IS NOT NULL ORDER BY seq",
                                  0};
    endings e = {.l = l, .all = all};
    store_rows rows;
    gov_status rc = store_query(l->s, &sql, STORE_ARGS(store_i(l->community)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        const int64_t status = store_int(&rows, 2);
        const bool ended = status == LEDGER_VOIDED || status == LEDGER_LAPSED;
        if (!base_grow(l->alloc, &e.items, &e.cap, e.count, sizeof *e.items))
            rc = base_nomem(d);
        else
            e.items[e.count++] =
                (ending){store_int(&rows, 0), ended ? store_int(&rows, 3) : INT64_MAX,
                         (uint32_t)store_int(&rows, 1)};
    }
    store_rows_close(&rows);
    rc = rc == GOV_END ? GOV_OK : rc;
    for (size_t i = 0; i < e.count && rc == GOV_OK; i++)
        rc = ledger_rows_by_seq(l, e.items[i].book, &e.items[i].seq, 1, take_closing, &e, d);
    base_free(l->alloc, e.items);
    return rc;
}

static bool closed_at(const closings *all, int64_t account, int64_t us)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].account == account && all->items[i].from_us <= us &&
            us < all->items[i].until_us)
            return true;
    return false;
}

static gov_status describe(ledger *l, const ledger_row *r, const closings *all, ledger_changed *out,
                           const diag *d)
{
    const int64_t accounts[2] = {r->t.debit_account, r->t.credit_account};
    *out = (ledger_changed){.kind = ledger_change_of(r),
                            .t = r->t,
                            .amount = r->kind == LEDGER_EXPIRY ? r->released : r->t.amount};
    for (int side = 0; side < 2; side++) {
        ledger_balance after;
        const gov_status rc = ledger_balance_at(l, accounts[side], r->t.timestamp, &after, d);
        if (rc != GOV_OK)
            return rc;
        const int64_t balance[4] = {after.debits_pending, after.debits_posted,
                                    after.credits_pending, after.credits_posted};
        memcpy(out->balance[side], balance, sizeof balance);
        out->closed[side] = closed_at(all, accounts[side], r->t.timestamp);
    }
    return GOV_OK;
}

gov_status ledger_query_changes(ledger *l, const ledger_query *q, ledger_changed *out, size_t cap,
                                size_t *count, const diag *d)
{
    const ledger_want want = wanted(q, true);
    closings all = {0};
    ledger_scan *scan = NULL;
    ledger_row r;
    *count = 0;
    gov_status rc = ledger_load_clocks(l, d);
    if (rc == GOV_OK)
        rc = find_closings(l, &all, d);
    if (rc == GOV_OK)
        rc = ledger_scan_open(l, &want, &scan, d);
    while (rc == GOV_OK && *count < cap && (rc = ledger_scan_next(scan, &r, d)) == GOV_OK) {
        if (!ledger_query_matches(q, &r.t))
            continue;
        rc = describe(l, &r, &all, &out[*count], d);
        *count += rc == GOV_OK;
    }
    ledger_scan_close(scan);
    base_free(l->alloc, all.items);
    return rc == GOV_END ? GOV_OK : rc;
}
