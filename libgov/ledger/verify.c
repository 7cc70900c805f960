/* Does the ledger add up? Every balance is computed again from all transfers. */
#include "ledger/stored.h"

#include <stdlib.h>
#include <string.h>

typedef struct total {
    int64_t id, kept[4], sum[4];
} total;

typedef struct totals {
    total *items;
    size_t count, cap;
    ledger_index at;
} totals;

static gov_status read_accounts(ledger *l, totals *t, const diag *d)
{
    static const store_sql sql = {
        "SELECT a.seq, a.id, b.debits_pending, b.debits_posted, b.credits_pending, "
        "b.credits_posted FROM " LEDGER_ACCOUNT_TABLES
        " WHERE a.community = $1 AND a.seq > $2 ORDER BY a.seq LIMIT 4096",
        0};
    int64_t seq = INT64_MIN;
    for (size_t page = 4096; page == 4096;) {
        store_rows rows;
        page = 0;
        gov_status rc =
            store_query(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(seq)), &rows, d);
        while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
            seq = store_int(&rows, 0);
            page++;
            if (!base_grow(l->alloc, &t->items, &t->cap, t->count, sizeof *t->items) ||
                !ledger_index_reserve(&t->at, 1)) {
                rc = base_nomem(d);
                break;
            }
            t->items[t->count] = (total){.id = store_int(&rows, 1),
                                         .kept = {store_int(&rows, 2), store_int(&rows, 3),
                                                  store_int(&rows, 4), store_int(&rows, 5)}};
            ledger_index_set(&t->at, t->items[t->count].id, (uint32_t)t->count);
            t->count++;
        }
        store_rows_close(&rows);
        if (rc != GOV_END)
            return rc;
    }
    return GOV_OK;
}

static gov_status add(totals *t, const ledger_row *r, const diag *d)
{
    for (int side = 0; side < 2; side++) {
        const int64_t id = side == 0 ? r->t.debit_account : r->t.credit_account;
        const uint32_t at = ledger_index_get(&t->at, id);
        int64_t change[4];
        if (at == LEDGER_NONE)
            return base_fail(d, M_ledger_differs, A_I("account", id));
        ledger_effect(r, side, change);
        for (int i = 0; i < 4; i++)
            if (!base_add(t->items[at].sum[i], change[i], &t->items[at].sum[i]))
                return base_fail(d, M_ledger_differs, A_I("account", id));
    }
    return GOV_OK;
}

static gov_status add_rows(ledger *l, totals *t, const diag *d)
{
    ledger_scan *scan;
    ledger_row r;
    gov_status rc =
        ledger_scan_open(l,
                         &(ledger_want){.from_us = INT64_MIN, .to_us = INT64_MAX, .expiries = true},
                         &scan, d);
    while (rc == GOV_OK && (rc = ledger_scan_next(scan, &r, d)) == GOV_OK)
        rc = add(t, &r, d);
    ledger_scan_close(scan);
    return rc == GOV_END ? GOV_OK : rc;
}

static gov_status compare_sums(ledger *l, const diag *d)
{
    int64_t after = -1;
    ledger_sums sums[16];
    for (size_t count = ARRAY_LEN(sums); count == ARRAY_LEN(sums);) {
        const gov_status rc = ledger_sum(l, after, sums, ARRAY_LEN(sums), &count, d);
        if (rc != GOV_OK)
            return rc;
        for (size_t i = 0; i < count; i++) {
            if (!sums[i].even)
                return base_fail(d, M_ledger_uneven, A_I("ledger", sums[i].book));
            after = sums[i].book;
        }
    }
    return GOV_OK;
}

/* What an account with lots can spend lies in its lots, no more and no less. */
static gov_status compare_lots(ledger *l, const diag *d)
{
    static const store_sql sql = {"SELECT a.id FROM " LEDGER_ACCOUNT_TABLES
                                  " WHERE a.community = $1 "
                                  "AND a.flags & 2097152 <> 0 AND "
                                  "b.credits_posted - b.debits_posted - b.debits_pending <> "
                                  "(SELECT COALESCE(CAST(sum(t.rest) AS "
                                  "BIGINT), 0) FROM gov_ledger_lot t WHERE t.community = "
                                  "a.community AND t.account = a.id AND "
                                  "t.rest > 0) ORDER BY a.id LIMIT 1",
                                  0};
    int64_t id = 0;
    const gov_status rc = store_first_int(l->s, &sql, STORE_ARGS(store_i(l->community)), &id, d);
    if (rc == GOV_OK)
        return base_fail(d, M_ledger_lots_differ, A_I("account", id));
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status ledger_verify(ledger *l, const diag *d)
{
    totals t = {.at.alloc = l->alloc};
    gov_status rc = read_accounts(l, &t, d);
    if (rc == GOV_OK)
        rc = ledger_load_clocks(l, d);
    if (rc == GOV_OK)
        rc = add_rows(l, &t, d);
    for (size_t i = 0; i < t.count && rc == GOV_OK; i++)
        if (memcmp(t.items[i].kept, t.items[i].sum, sizeof t.items[i].sum) != 0)
            rc = base_fail(d, M_ledger_differs, A_I("account", t.items[i].id));
    if (rc == GOV_OK)
        rc = compare_sums(l, d);
    if (rc == GOV_OK)
        rc = compare_lots(l, d);
    base_free(l->alloc, t.items);
    ledger_index_free(&t.at);
    return rc;
}

/* ---- the blocks of an entry ---- */

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

gov_status ledger_blocks_of_all(ledger *l, int64_t first, int64_t last, int64_t entry,
                                ledger_take_block *take, void *user, const diag *d)
{
    gov_status rc = GOV_OK;
    const size_t n = l->b.clock_count;
    uint32_t *books = base_array(l->alloc, n + 1, sizeof *books);
    if (books == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < n; i++)
        books[i] = l->b.clocks[i].book;
    qsort(books, n, sizeof *books, ascending);
    for (size_t i = 0; i < n && rc == GOV_OK; i++)
        rc = ledger_blocks_between(l, books[i], first, last, entry, take, user, d);
    base_free(l->alloc, books);
    return rc;
}

typedef struct digesting {
    base_buf digests;
    size_t count;
} digesting;

gov_status ledger_add_digest(base_buf *digests, const ledger_block *b, const void *data, size_t len,
                             const diag *d)
{
    uint8_t digest[BASE_DIGEST_SIZE] = {0};
    base_buf bytes;
    base_buf_init(&bytes, digests->alloc);
    ledger_block_bytes(&bytes, b, data, len);
    if (!bytes.failed)
        base_sha256(bytes.data, bytes.len, digest);
    base_buf_add(digests, digest, sizeof digest);
    const bool failed = bytes.failed || digests->failed;
    base_buf_free(&bytes);
    return failed ? base_nomem(d) : GOV_OK;
}

static gov_status digest_block(void *user, const ledger_block *b, const void *data, size_t len,
                               const diag *d)
{
    digesting *g = user;
    g->count += b->count;
    return ledger_add_digest(&g->digests, b, data, len, d);
}

gov_status ledger_digest(ledger *l, uint32_t book, int64_t entry, int64_t first_seq,
                         int64_t last_seq, size_t *count, uint8_t out[static BASE_DIGEST_SIZE],
                         const diag *d)
{
    digesting g = {.count = 0};
    base_buf_init(&g.digests, l->alloc);
    gov_status rc = ledger_load_clocks(l, d);
    if (rc == GOV_OK)
        rc = book != 0
                 ? ledger_blocks_between(l, book, first_seq, last_seq, entry, digest_block, &g, d)
                 : ledger_blocks_of_all(l, first_seq, last_seq, entry, digest_block, &g, d);
    if (rc == GOV_OK)
        base_sha256(g.digests.len > 0 ? g.digests.data : "", g.digests.len, out);
    *count = g.count;
    base_buf_free(&g.digests);
    return rc;
}
