/* Goods of the catalogue: a ledger of their own, so that what is there, promised and handed out always adds up. */
#include "points/points.h"

/* Items are told apart by the numbers that their names have as reasons of the ledger of goods. */
static gov_status item_number(gov *g, const points_programme *p, const points_item *item, int64_t *number, const diag *d)
{
    ledger *l;
    uint32_t n = 0;
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_reason_number(l, p->goods, item->name, &n, d);
    *number = n;
    return rc;
}

static gov_status supply(gov *g, const points_programme *p, const points_item *item, const points_goods *goods, int64_t add,
                         const char *why, const diag *d)
{
    int32_t code;
    size_t failed;
    ledger_transfer t = {.ledger = p->goods,
                         .code = POINTS_CODE_RESTOCK,
                         .amount = add > 0 ? add : -add,
                         .debit_account = add > 0 ? goods->supply : goods->item,
                         .credit_account = add > 0 ? goods->item : goods->supply};
    const value_pair data[] = {{value_text("programme"), value_text(p->name)},
                               {value_text("item"), value_text(item->name)},
                               {value_text("goods"), value_int(add)},
                               {value_text("reason"), value_text(base_text_or_empty(why))}};
    const ledger_note note = {"account", goods->item, value_map(data, ARRAY_LEN(data))};
    const gov_status rc = points_post(g, &t, 1, &note, &code, &failed, d);
    if (rc != GOV_OK || code == GOV_LEDGER_CREATED)
        return rc;
    if (code == GOV_LEDGER_EXCEEDS_CREDITS)
        return base_fail(d, M_points_sold_out, A_S("item", item->name));
    return base_fail(d, M_points_refused, A_S("result", gov_ledger_result_name(code)));
}

gov_status points_goods_of(gov *g, const points_programme *p, const points_item *item, points_goods *out, const diag *d)
{
    ledger *l;
    int64_t number, there = 0;
    *out = (points_goods){0};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = item_number(g, p, item, &number, d);
    if (rc == GOV_OK)
        rc = ledger_find_account(l, p->goods, number, POINTS_CODE_ITEM, &there, d);
    if (rc != GOV_OK)
        return rc;
    const ledger_account wanted[] = {
        {.ledger = p->goods, .code = POINTS_CODE_ITEM, .subject = number, .flags = GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS},
        {.ledger = p->goods, .code = POINTS_CODE_GIVEN, .subject = number},
        {.ledger = p->goods, .code = POINTS_CODE_SUPPLY, .subject = p->goods}};
    int64_t *const ids[] = {&out->item, &out->given, &out->supply};
    for (size_t i = 0; i < ARRAY_LEN(wanted) && rc == GOV_OK; i++)
        rc = ledger_account_for(g, &wanted[i], ids[i], d);
    return rc == GOV_OK && there == 0 && item->stock > 0 ? supply(g, p, item, out, item->stock, "opening stock", d) : rc;
}

gov_status points_stock_left(gov *g, const points_programme *p, const points_item *item, int64_t *left, const diag *d)
{
    ledger *l;
    ledger_account a = {0};
    int64_t number = 0, id = 0;
    *left = item->stock;
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_reason_find(l, p->goods, item->name, &number, d);
    if (rc == GOV_OK && number != 0)
        rc = ledger_find_account(l, p->goods, number, POINTS_CODE_ITEM, &id, d);
    if (rc != GOV_OK || id == 0)
        return rc;
    rc = ledger_lookup_accounts(l, &id, 1, &a, d);
    *left = a.credits_posted - a.debits_posted - a.debits_pending;
    return rc;
}

gov_status points_restock(gov *g, const points_programme *p, const points_item *item, int64_t add, const char *why, int64_t *left,
                          const diag *d)
{
    points_goods goods;
    if (item->unlimited)
        return base_fail(d, M_points_unlimited, A_S("item", item->name));
    gov_status rc = points_hold(g, p, true, d);
    if (rc == GOV_OK)
        rc = points_goods_of(g, p, item, &goods, d);
    if (rc == GOV_OK && add != 0)
        rc = supply(g, p, item, &goods, add, why, d);
    return rc == GOV_OK ? points_stock_left(g, p, item, left, d) : rc;
}
