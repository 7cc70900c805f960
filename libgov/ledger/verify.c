/* Does the ledger add up? Every balance is computed again from all transfers. */
#include "ledger/stored.h"

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
    static const store_sql sql = {"SELECT seq, id, debits_pending, debits_posted, credits_pending, "
                                  "credits_posted FROM gov_ledger_account WHERE "
                                  "community = $1 AND seq > $2 ORDER BY seq LIMIT 4096",
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

/* Rows of one entry, or of all (0), between two seqs, in the order of seq. */
typedef gov_status (*each_row)(void *user, const ledger_row *r, const diag *d);
static gov_status read_rows(ledger *l, int64_t first, int64_t last, int64_t entry, each_row each,
                            void *user, const diag *d)
{
    static const store_sql sql = {
        "SELECT " LEDGER_TRANSFER_COLUMNS
        " FROM gov_ledger_transfer WHERE community = $1 AND seq >= $2 AND seq <= $3 "
        "AND (entry = $4 OR $4 = 0) ORDER BY seq LIMIT 4096",
        0};
    for (size_t page = 4096; page == 4096;) {
        store_rows rows;
        page = 0;
        gov_status rc = store_query(l->s, &sql,
                                    STORE_ARGS(store_i(l->community), store_i(first), store_i(last),
                                               store_i(entry)),
                                    &rows, d);
        while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
            ledger_row r;
            ledger_read_row(&rows, &r);
            first = r.seq + 1;
            page++;
            rc = each(user, &r, d);
        }
        store_rows_close(&rows);
        if (rc != GOV_END)
            return rc;
    }
    return GOV_OK;
}

static gov_status add_row(void *user, const ledger_row *r, const diag *d)
{
    return add(user, r, d);
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
    static const store_sql sql = {"SELECT a.id FROM gov_ledger_account a WHERE a.community = $1 "
                                  "AND a.flags & 2097152 <> 0 AND "
                                  "a.credits_posted - a.debits_posted - a.debits_pending <> "
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
        rc = read_rows(l, INT64_MIN, INT64_MAX, 0, add_row, &t, d);
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

/* ---- the digest of an entry's rows ---- */

typedef struct dated {
    int64_t at_us;
    size_t offset, len;
} dated;

typedef struct digesting {
    const gov_allocator *alloc;
    base_buf bytes;
    dated *rows;
    size_t count, cap;
} digesting;

static gov_status digest_row(void *user, const ledger_row *r, const diag *d)
{
    digesting *g = user;
    if (!base_grow(g->alloc, &g->rows, &g->cap, g->count, sizeof *g->rows))
        return base_nomem(d);
    const size_t offset = g->bytes.len;
    ledger_row_bytes(&g->bytes, r);
    /* In the order of the batch, which is that of time; rows mostly come in it, so insertion is cheap. */
    size_t at = g->count++;
    for (; at > 0 && g->rows[at - 1].at_us > r->t.timestamp; at--)
        g->rows[at] = g->rows[at - 1];
    g->rows[at] = (dated){r->t.timestamp, offset, g->bytes.len - offset};
    return g->bytes.failed ? base_nomem(d) : GOV_OK;
}

gov_status ledger_digest(ledger *l, int64_t entry, int64_t first_seq, int64_t last_seq,
                         size_t *count, uint8_t out[static BASE_DIGEST_SIZE], const diag *d)
{
    digesting g = {.alloc = l->alloc};
    base_buf ordered;
    base_buf_init(&g.bytes, l->alloc);
    base_buf_init(&ordered, l->alloc);
    gov_status rc = read_rows(l, first_seq, last_seq, entry, digest_row, &g, d);
    for (size_t i = 0; i < g.count && rc == GOV_OK; i++)
        base_buf_add(&ordered, g.bytes.data + g.rows[i].offset, g.rows[i].len);
    if (rc == GOV_OK && ordered.failed)
        rc = base_nomem(d);
    if (rc == GOV_OK)
        base_sha256(ordered.len > 0 ? ordered.data : "", ordered.len, out);
    *count = g.count;
    base_free(l->alloc, g.rows);
    base_buf_free(&g.bytes);
    base_buf_free(&ordered);
    return rc;
}
