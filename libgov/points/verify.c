/* Orders against the ledgers: what is open is locked there, what was fulfilled has been paid and handed out. */
#include "points/points.h"

typedef struct order_sums {
    int64_t open, paid;
} order_sums;

static gov_status differs(const char *programme, const char *what, const diag *d)
{
    return base_fail(d, M_points_orders_differ, A_S("programme", programme), A_S("what", what));
}

/* The account of that code and subject against what the orders say. */
static gov_status compare(gov *g, uint32_t book, int64_t subject, uint32_t code, const order_sums *want, const char *programme,
                          const char *what, const diag *d)
{
    ledger *l;
    int64_t id = 0;
    ledger_account a = {0};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_find_account(l, book, subject, code, &id, d);
    if (rc == GOV_OK && id != 0)
        rc = ledger_lookup_accounts(l, &id, 1, &a, d);
    if (rc == GOV_OK && (a.credits_pending != want->open || a.credits_posted - a.debits_posted != want->paid))
        return differs(programme, what, d);
    return rc;
}

static gov_status verify_points(gov *g, const points_programme *p, const diag *d)
{
    static const store_sql sql = {
        "SELECT status, CAST(sum(price) AS BIGINT) FROM gov_points_order WHERE community = $1 AND book = $2 AND status IN (1, 2) GROUP BY "
        "status ORDER BY status",
        0};
    order_sums sums = {0};
    store_rows rows;
    gov_status rc = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(p->book)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
        *(store_int(&rows, 0) == POINTS_OPEN ? &sums.open : &sums.paid) = store_int(&rows, 1);
    store_rows_close(&rows);
    if (rc != GOV_END && rc != GOV_OK)
        return rc;
    return compare(g, p->book, p->book, POINTS_CODE_SHOP, &sums, p->name, "points", d);
}

static gov_status verify_item(gov *g, const points_programme *p, const points_item *item, const diag *d)
{
    static const store_sql sql = {
        "SELECT status, CAST(sum(quantity) AS BIGINT) FROM gov_points_order WHERE community = $1 AND goods = $2 AND item = $3 AND status "
        "IN (1, 2) GROUP BY status ORDER BY status",
        0};
    order_sums sums = {0};
    ledger *l;
    store_rows rows;
    int64_t number = 0;
    gov_status rc = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(p->goods), store_s(item->name)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
        *(store_int(&rows, 0) == POINTS_OPEN ? &sums.open : &sums.paid) = store_int(&rows, 1);
    store_rows_close(&rows);
    if (rc == GOV_END || rc == GOV_OK)
        rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_reason_find(l, p->goods, item->name, &number, d);
    if (rc == GOV_OK && number == 0)
        return sums.open != 0 || sums.paid != 0 ? differs(p->name, item->name, d) : GOV_OK;
    return rc == GOV_OK ? compare(g, p->goods, number, POINTS_CODE_GIVEN, &sums, p->name, item->name, d) : rc;
}

gov_status points_verify(gov *g, const diag *d)
{
    const points_programme *p;
    gov_status rc = GOV_OK;
    for (uint32_t i = 0; rc == GOV_OK && (p = points_at(g->rules, i)) != NULL; i++) {
        rc = verify_points(g, p, d);
        for (uint32_t k = 0; k < p->item_count && rc == GOV_OK; k++)
            if (p->goods != 0 && !p->items[k].unlimited)
                rc = verify_item(g, p, &p->items[k], d);
    }
    return rc;
}
