/* Beside the batches: caps as they are set, documents about accounts and transfers, balances by the instant of effect, lots. */
#include "ledger/stored.h"

#include <string.h>

/* ---- caps ---- */

static gov_status count_caps(ledger *l, uint32_t book, const diag *d)
{
    static const store_sql sql = {
        "UPDATE gov_ledger_book SET version = version + 1, caps = (SELECT count(*) FROM "
        "gov_ledger_cap c WHERE c.community = $1 AND c.ledger = $2) WHERE community = $1 AND "
        "ledger "
        "= $2",
        0};
    return store_post(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(book)), 1, d);
}

/* With another amount alone a cap goes on counting; one that counts something else, or was taken away meanwhile, begins anew. */
static gov_status counts_from(ledger *l, const ledger_cap *c, int64_t real_ms, int64_t *seq,
                              int64_t *since_us, const diag *d)
{
    static const store_sql sql = {
        "SELECT seq, since_us FROM gov_ledger_cap WHERE community = $1 AND ledger = $2 AND number "
        "= $3 AND account = $4 AND code = $5 AND reason = $6 AND side = $7 AND period = $8",
        0};
    const ledger_clock *clock = ledger_clock_of(&l->b, c->book);
    store_rows rows;
    gov_status rc =
        store_first(l->s, &sql,
                    STORE_ARGS(store_i(l->community), store_i(c->book), store_i(c->number),
                               store_i(c->account), store_i(c->code), store_i(c->reason),
                               store_i(c->side), store_i(c->window)),
                    &rows, d);
    if (rc == GOV_OK) {
        *seq = store_int(&rows, 0);
        *since_us = store_int(&rows, 1);
        store_rows_close(&rows);
        return GOV_OK;
    }
    *since_us = clock != NULL ? clock->transfer_us : 0;
    return rc == GOV_END ? store_new_id(l->s, real_ms, seq, d) : rc;
}

gov_status ledger_cap_put(ledger *l, const ledger_cap *c, int64_t real_ms, const diag *d)
{
    static const store_sql drop = {
        "DELETE FROM gov_ledger_cap WHERE community = $1 AND ledger = $2 "
        "AND number = $3",
        0};
    static const store_sql add = {
        "INSERT INTO gov_ledger_cap (community, ledger, number, account, code, reason, side, "
        "period, amount, seq, since_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        0};
    int64_t seq = 0, since_us = 0;
    gov_status rc = ledger_hold(l, c->book, d);
    if (rc == GOV_OK)
        rc = counts_from(l, c, real_ms, &seq, &since_us, d);
    if (rc == GOV_OK)
        rc = ledger_keep(l,
                         store_post(l->s, &drop,
                                    STORE_ARGS(store_i(l->community), store_i(c->book),
                                               store_i(c->number)),
                                    STORE_ANY_ROWS, d),
                         &ledger_kept_cap, c->book, c->number, d);
    if (rc == GOV_OK && c->amount >= 0)
        rc = store_post(l->s, &add,
                        STORE_ARGS(store_i(l->community), store_i(c->book), store_i(c->number),
                                   store_i(c->account), store_i(c->code), store_i(c->reason),
                                   store_i(c->side), store_i(c->window), store_i(c->amount),
                                   store_i(seq), store_i(since_us)),
                        1, d);
    return rc == GOV_OK ? count_caps(l, c->book, d) : rc;
}

gov_status ledger_cap_list(ledger *l, uint32_t book, ledger_cap *out, size_t cap, size_t *count,
                           const diag *d)
{
    static const store_sql sql = {"SELECT number, account, code, reason, side, period, amount FROM "
                                  "gov_ledger_cap WHERE community = $1 AND ledger = $2 ORDER BY "
                                  "number LIMIT $3",
                                  0};
    store_rows rows;
    *count = 0;
    gov_status rc =
        store_query(l->s, &sql,
                    STORE_ARGS(store_i(l->community), store_i(book), store_i((int64_t)cap)), &rows,
                    d);
    while (rc == GOV_OK && *count < cap && (rc = store_next(&rows, d)) == GOV_OK)
        out[(*count)++] = (ledger_cap){.book = book,
                                       .number = (uint32_t)store_int(&rows, 0),
                                       .account = store_int(&rows, 1),
                                       .code = (uint32_t)store_int(&rows, 2),
                                       .reason = (uint32_t)store_int(&rows, 3),
                                       .side = (uint32_t)store_int(&rows, 4),
                                       .window = (uint32_t)store_int(&rows, 5),
                                       .amount = store_int(&rows, 6)};
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

/* ---- by the instant of effect ---- */

static bool add_change(int64_t balance[static 4], store_rows *rows, int sign)
{
    bool fits = true;
    for (int i = 0; i < 4; i++)
        fits = fits && base_add(balance[i], sign * store_int(rows, 1 + i), &balance[i]);
    return fits;
}

/* What was recorded by then, without what takes effect later, with what was recorded later and takes effect by then. */
gov_status ledger_balance_effective(ledger *l, int64_t account, int64_t at_us, ledger_balance *out,
                                    const diag *d)
{
    static const store_sql sql = {
        "SELECT effective_us, debits_pending, debits_posted, credits_pending, credits_posted FROM "
        "gov_ledger_effective WHERE community = $1 AND account = $2 AND ((effective_us <= $3 AND "
        "at_us > $3) OR (effective_us > $3 AND at_us <= $3)) ORDER BY effective_us, seq",
        0};
    store_rows rows;
    gov_status rc = ledger_balance_at(l, account, at_us, out, d);
    if (rc != GOV_OK)
        return rc;
    int64_t balance[4] = {out->debits_pending, out->debits_posted, out->credits_pending,
                          out->credits_posted};
    rc = store_query(l->s, &sql,
                     STORE_ARGS(store_i(l->community), store_i(account), store_i(at_us)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
        if (!add_change(balance, &rows, store_int(&rows, 0) <= at_us ? 1 : -1))
            rc = base_fail(d, M_overflow, A_S("what", "balance"));
    store_rows_close(&rows);
    if (rc != GOV_END)
        return rc;
    out->debits_pending = balance[LEDGER_DP];
    out->debits_posted = balance[LEDGER_DD];
    out->credits_pending = balance[LEDGER_CP];
    out->credits_posted = balance[LEDGER_CC];
    return GOV_OK;
}

/* ---- lots ---- */

gov_status ledger_lots_of(ledger *l, int64_t account, ledger_lot *out, size_t cap, size_t *count,
                          const diag *d)
{
    static const store_sql sql = {"SELECT seq, expires_us, amount, rest FROM gov_ledger_lot WHERE "
                                  "community = $1 AND account = "
                                  "$2 AND rest > 0 ORDER BY expires_us, seq LIMIT $3",
                                  0};
    store_rows rows;
    *count = 0;
    gov_status rc =
        store_query(l->s, &sql,
                    STORE_ARGS(store_i(l->community), store_i(account), store_i((int64_t)cap)),
                    &rows, d);
    while (rc == GOV_OK && *count < cap && (rc = store_next(&rows, d)) == GOV_OK)
        out[(*count)++] = (ledger_lot){.seq = store_int(&rows, 0),
                                       .account = account,
                                       .expires_us = store_int(&rows, 1),
                                       .amount = store_int(&rows, 2),
                                       .left = store_int(&rows, 3)};
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

/* ---- documents ---- */

gov_status ledger_memo_put(ledger *l, uint32_t kind, int64_t id, const char *doc, size_t len,
                           int64_t entry, const diag *d)
{
    static const store_sql sql = {
        "INSERT INTO gov_ledger_memo (community, kind, id, doc, entry) VALUES ($1, $2, $3, $4, $5)",
        0};
    return ledger_keep(l,
                       store_post(l->s, &sql,
                                  STORE_ARGS(store_i(l->community), store_i(kind), store_i(id),
                                             store_t(doc, len), store_i0(entry)),
                                  1, d),
                       &ledger_kept_memo, kind, id, d);
}

gov_status ledger_memo_get(ledger *l, uint32_t kind, int64_t id, base_buf *doc, const diag *d)
{
    static const store_sql sql = {
        "SELECT doc FROM gov_ledger_memo WHERE community = $1 AND kind = $2 AND id = $3", 0};
    store_rows rows;
    size_t len;
    base_buf_clear(doc);
    const gov_status rc =
        store_first(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(kind), store_i(id)),
                    &rows, d);
    if (rc != GOV_OK)
        return rc;
    const char *text = store_text(&rows, 0, &len);
    base_buf_add(doc, text, len);
    store_rows_close(&rows);
    return doc->failed ? base_nomem(d) : GOV_OK;
}
