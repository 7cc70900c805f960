/* Queries over a whole stored ledger, for the line protocol. There is no index for them (it would cost every transfer): they read
 * all rows, page by page, and keep as many as were asked for. */
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

gov_status ledger_query_accounts(ledger *l, const ledger_query *q, ledger_account *out, size_t cap,
                                 size_t *count, const diag *d)
{
    static const store_sql sql = {"SELECT " LEDGER_ACCOUNT_COLUMNS
                                  " FROM gov_ledger_account WHERE community = $1 AND seq > $2 "
                                  "ORDER BY seq LIMIT 2048",
                                  0};
    sieve v = {
        base_array(l->alloc, 2 * cap, sizeof *out), sizeof *out, 0, cap, by_age, q->reversed};
    gov_status rc = v.items != NULL ? GOV_OK : base_nomem(d);
    int64_t seq = INT64_MIN;
    for (size_t page = 2048; page == 2048 && rc == GOV_OK;) {
        store_rows rows;
        page = 0;
        rc = store_query(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(seq)), &rows, d);
        while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
            ledger_cell c = {0};
            if (!ledger_read_cell(&rows, &c))
                rc = base_fail(d, M_ledger_damaged, A_I("account", store_int(&rows, 1)));
            seq = c.seq;
            page++;
            if (account_matches(q, &c.a))
                keep(&v, &c.a);
        }
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
    }
    if (rc == GOV_OK)
        settle(&v);
    *count = rc == GOV_OK ? v.count : 0;
    for (size_t i = 0; i < *count; i++)
        memcpy(&out[i], nth(&v, i), sizeof *out);
    base_free(l->alloc, v.items);
    return rc;
}

/* ---- transfers ---- */

static int by_time(const void *a, const void *b)
{
    const ledger_row *x = a, *y = b;
    if (x->t.timestamp != y->t.timestamp)
        return x->t.timestamp < y->t.timestamp ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static gov_status sift(ledger *l, const ledger_query *q, bool expiries, sieve *v, const diag *d)
{
    static const store_sql sql = {"SELECT " LEDGER_TRANSFER_COLUMNS
                                  " FROM gov_ledger_transfer WHERE community = $1 AND seq > $2 AND "
                                  "at_us >= $3 AND at_us <= $4 ORDER BY seq LIMIT 2048",
                                  0};
    gov_status rc = GOV_OK;
    int64_t seq = INT64_MIN;
    const int64_t to_us = q->to_us != 0 ? q->to_us : INT64_MAX;
    for (size_t page = 2048; page == 2048 && rc == GOV_OK;) {
        store_rows rows;
        page = 0;
        rc = store_query(l->s, &sql,
                         STORE_ARGS(store_i(l->community), store_i(seq), store_i(q->from_us),
                                    store_i(to_us)),
                         &rows, d);
        while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
            ledger_row r;
            ledger_read_row(&rows, &r);
            seq = r.seq;
            page++;
            if (ledger_query_matches(q, &r.t) && (expiries || r.kind != LEDGER_EXPIRY))
                keep(v, &r);
        }
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
    }
    if (rc == GOV_OK)
        settle(v);
    return rc;
}

gov_status ledger_query_transfers(ledger *l, const ledger_query *q, ledger_transfer *out,
                                  size_t cap, size_t *count, const diag *d)
{
    sieve v = {base_array(l->alloc, 2 * cap, sizeof(ledger_row)),
               sizeof(ledger_row),
               0,
               cap,
               by_time,
               q->reversed};
    gov_status rc = v.items != NULL ? sift(l, q, false, &v, d) : base_nomem(d);
    *count = rc == GOV_OK ? v.count : 0;
    for (size_t i = 0; i < *count; i++)
        out[i] = ((const ledger_row *)nth(&v, i))->t;
    base_free(l->alloc, v.items);
    return rc;
}

/* ---- changes ---- */

typedef struct closing {
    int64_t account, from_us, until_us; /* closed in between */
} closing;

typedef struct closings {
    closing *items;
    size_t count, cap;
} closings;

/* What closes accounts is rare, and found by looking through all of it. */
static gov_status find_closings(ledger *l, closings *all, const diag *d)
{
    static const store_sql sql = {
        "SELECT t.flags, t.debit_account, t.credit_account, t.at_us, p.status, p.resolved_us FROM "
        "gov_ledger_transfer t JOIN gov_ledger_pending p ON p.community = t.community AND p.seq = "
        "t.seq WHERE t.community = $1 AND t.flags & 192 <> 0 AND t.flags < 65536",
        0};
    store_rows rows;
    gov_status rc = store_query(l->s, &sql, STORE_ARGS(store_i(l->community)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        const uint32_t flags = (uint32_t)store_int(&rows, 0);
        const int64_t status = store_int(&rows, 4);
        const bool ended = status == LEDGER_VOIDED || status == LEDGER_LAPSED;
        for (int side = 0; side < 2 && rc == GOV_OK; side++) {
            if (!(flags & (side == 0 ? GOV_TRANSFER_CLOSING_DEBIT : GOV_TRANSFER_CLOSING_CREDIT)))
                continue;
            if (!base_grow(l->alloc, &all->items, &all->cap, all->count, sizeof *all->items))
                rc = base_nomem(d);
            else
                all->items[all->count++] =
                    (closing){store_int(&rows, 1 + side), store_int(&rows, 3),
                              ended ? store_int(&rows, 5) : INT64_MAX};
        }
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
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
    closings all = {0};
    sieve v = {base_array(l->alloc, 2 * cap, sizeof(ledger_row)),
               sizeof(ledger_row),
               0,
               cap,
               by_time,
               q->reversed};
    gov_status rc = v.items != NULL ? sift(l, q, true, &v, d) : base_nomem(d);
    if (rc == GOV_OK)
        rc = find_closings(l, &all, d);
    *count = rc == GOV_OK ? v.count : 0;
    for (size_t i = 0; i < *count && rc == GOV_OK; i++)
        rc = describe(l, nth(&v, i), &all, &out[i], d);
    base_free(l->alloc, v.items);
    base_free(l->alloc, all.items);
    return rc;
}
