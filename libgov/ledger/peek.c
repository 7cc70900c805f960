/* Small readings for the rooms above: what is left in lots, whether a name is known. */
#include "ledger/stored.h"

#define REST_COLUMNS                                                                     \
    "SELECT t.seq, t.account, a.subject, t.expires_us, t.rest FROM gov_ledger_lot t JOIN " \
    "gov_ledger_account a ON a.community = t.community AND a.id = t.account WHERE "        \
    "t.community = $1 AND t.rest > 0 AND t.expires_us < 9223372036854775807 AND "          \
    "t.expires_us <= $2 AND (t.expires_us > $3 OR (t.expires_us = $3 AND t.seq > $4)) AND "

gov_status ledger_lots_left(ledger *l, uint32_t book, int64_t account, const ledger_rest *after,
                            int64_t until_us, ledger_rest *out, size_t cap, size_t *count,
                            const diag *d)
{
    static const store_sql all = {
        REST_COLUMNS "t.ledger = $5 ORDER BY t.expires_us, t.seq LIMIT $6", 0};
    static const store_sql own = {
        REST_COLUMNS "t.account = $5 ORDER BY t.expires_us, t.seq LIMIT $6", 0};
    const store_arg args[] = {store_i(l->community),
                              store_i(until_us),
                              store_i(after->expires_us),
                              store_i(after->lot),
                              store_i(account != 0 ? account : (int64_t)book),
                              store_i((int64_t)cap)};
    store_rows rows;
    *count = 0;
    gov_status rc = store_query(l->s, account != 0 ? &own : &all, args, ARRAY_LEN(args), &rows, d);
    while (rc == GOV_OK && *count < cap && (rc = store_next(&rows, d)) == GOV_OK)
        out[(*count)++] = (ledger_rest){.lot = store_int(&rows, 0),
                                        .account = store_int(&rows, 1),
                                        .subject = store_int(&rows, 2),
                                        .expires_us = store_int(&rows, 3),
                                        .left = store_int(&rows, 4)};
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status ledger_lots_past(ledger *l, int64_t account, int64_t now_us, int64_t *sum,
                            const diag *d)
{
    static const store_sql sql = {
        "SELECT CAST(sum(rest) AS BIGINT) FROM gov_ledger_lot WHERE community = $1 AND account = "
        "$2 AND rest > 0 AND expires_us <= $3",
        0};
    *sum = 0;
    const gov_status rc =
        store_first_int(l->s, &sql,
                        STORE_ARGS(store_i(l->community), store_i(account), store_i(now_us)), sum,
                        d);
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status ledger_left_of(ledger *l, int64_t transfer, int64_t now_us, int64_t *back, int64_t *in_lots, const diag *d)
{
    static const store_sql place = {"SELECT seq FROM gov_ledger_id WHERE community = $1 AND id = $2", 0};
    static const store_sql reversed = {"SELECT amount FROM gov_ledger_reversed WHERE community = $1 AND seq = $2", 0};
    static const store_sql lots = {
        "SELECT CAST(sum(t.rest) AS BIGINT) FROM gov_ledger_use u JOIN gov_ledger_lot t ON t.community = u.community AND t.seq = u.lot "
        "WHERE u.community = $1 AND u.seq = $2 AND u.amount < 0 AND t.expires_us > $3",
        0};
    int64_t seq = transfer;
    *back = *in_lots = 0;
    gov_status rc = store_first_int(l->s, &place, STORE_ARGS(store_i(l->community), store_i(transfer)), &seq, d);
    if (rc == GOV_OK || rc == GOV_END)
        rc = store_first_int(l->s, &reversed, STORE_ARGS(store_i(l->community), store_i(seq)), back, d);
    if (rc == GOV_OK || rc == GOV_END)
        rc = store_first_int(l->s, &lots, STORE_ARGS(store_i(l->community), store_i(seq), store_i(now_us)), in_lots, d);
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status ledger_reason_find(ledger *l, uint32_t book, const char *name, int64_t *number,
                              const diag *d)
{
    static const store_sql sql = {
        "SELECT number FROM gov_ledger_reason WHERE community = $1 AND ledger = $2 AND name = $3",
        0};
    *number = 0;
    const gov_status rc =
        store_first_int(l->s, &sql,
                        STORE_ARGS(store_i(l->community), store_i(book), store_s(name)), number, d);
    return rc == GOV_END ? GOV_OK : rc;
}
