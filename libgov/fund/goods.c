/* Goods in kind: lamps, paint, tools. They are counted, not valued, and a fund cannot use what it has not got. */
#include "fund/ops.h"

/* So many that a stock of them cannot leave 63 bits in any community's life. */
#define MOST_GOODS INT64_C(1000000000)

gov_status fund_goods_of(gov *g, int64_t pot, const char *item, fund_goods *out, const diag *d)
{
    static const uint8_t kinds[] = {FUND_ENTRY_GOODS_IN, FUND_ENTRY_GOODS_OUT, FUND_ENTRY_GOODS_IN + FUND_CORRECTS,
                                    FUND_ENTRY_GOODS_OUT + FUND_CORRECTS};
    int64_t *const sums[] = {&out->given, &out->used, &out->given_back, &out->used_back}, waiting;
    gov_status rc = GOV_OK;
    for (size_t i = 0; i < ARRAY_LEN(kinds) && rc == GOV_OK; i++)
        rc = fund_entry_sum(g, pot, kinds[i], item, 0, sums[i], &waiting, d);
    return rc;
}

static gov_status move_goods(gov *g, const value *in, bool give, value *out, const diag *d)
{
    enum { FUND, ITEM, COUNT, PARTY, NAME, NAMED, NOTE };
    const fund_fund *f;
    const fund_purpose *good;
    ledger *l;
    fund_goods there = {0};
    const char *name = fund_text(g, in[ITEM]);
    fund_entry e = {.kind = give ? FUND_ENTRY_GOODS_IN : FUND_ENTRY_GOODS_OUT, .state = FUND_DONE, .at_us = access_now(g)};
    gov_status rc = name != NULL ? fund_find(g, "fund", fund_text(g, in[FUND]), (const void **)&f, d) : fund_bad_input("item", d);
    if (rc == GOV_OK)
        rc = fund_positive(in[COUNT], "count", &e.amount, d);
    if (rc == GOV_OK && e.amount > MOST_GOODS)
        return base_fail(d, M_too_large, A_S("what", "count"), A_I("limit", MOST_GOODS));
    if (rc == GOV_OK && (good = fund_find_item(f->goods, f->good_count, name, "goods", d)) == NULL)
        return base_message_status(M_fund_item);
    if (rc == GOV_OK)
        rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_hold(l, f->book, d); /* whoever else uses them waits */
    if (rc == GOV_OK)
        rc = fund_goods_of(g, f->book, name, &there, d);
    if (rc == GOV_OK && !give && fund_in_stock(&there) < e.amount)
        return base_fail(d, M_fund_stock, A_S("item", name), A_I("stock", fund_in_stock(&there)));
    if (rc == GOV_OK)
        rc = access_new_id(g, &e.id, d);
    if (rc != GOV_OK)
        return rc;
    e.pot = f->book;
    e.item = name;
    e.party = in[PARTY].kind == VALUE_INT ? in[PARTY].as.i : 0;
    e.party_name = fund_text(g, in[NAME]);
    e.named = in[NAMED].kind == VALUE_BOOL && in[NAMED].as.b;
    e.note = fund_text(g, in[NOTE]);
    rc = fund_entry_put(g, &e, d);
    const value_pair data[] = {{value_text("fund"), value_text(f->name)},
                               {value_text("item"), value_text(name)},
                               {value_text("count"), value_int(give ? e.amount : -e.amount)}};
    if (rc == GOV_OK)
        rc = fund_journal(g, give ? "fund.goods_in" : "fund.goods_out", e.id, data, ARRAY_LEN(data), d);
    return rc == GOV_OK ? fund_answer_id(g, e.id, out, d) : rc;
}

gov_status fund_give_goods(gov *g, const value *in, value *out, const diag *d)
{
    return move_goods(g, in, true, out, d);
}

gov_status fund_use_goods(gov *g, const value *in, value *out, const diag *d)
{
    return move_goods(g, in, false, out, d);
}

gov_status fund_stock(gov *g, const value *in, value *out, const diag *d)
{
    enum { FUND, LANG };
    const fund_fund *f;
    const char *lang = fund_text(g, in[LANG]);
    value_builder list, all;
    value_builder_init(&list, &g->scratch);
    gov_status rc = fund_find(g, "fund", fund_text(g, in[FUND]), (const void **)&f, d);
    for (uint32_t i = 0; rc == GOV_OK && i < f->good_count; i++) {
        const fund_purpose *p = &f->goods[i];
        fund_goods there = {0};
        value_builder b;
        rc = fund_goods_of(g, f->book, p->name, &there, d);
        value_builder_init(&b, &g->scratch);
        value_builder_set(&b, "item", value_text(p->name));
        value_builder_set(&b, "title", value_text(fund_title(g, lang, &p->title, p->name)));
        value_builder_set(&b, "unit", value_text(fund_title(g, lang, &p->unit, "")));
        value_builder_set(&b, "given", value_int(there.given));
        value_builder_set(&b, "given_corrected", value_int(there.given_back));
        value_builder_set(&b, "used", value_int(there.used));
        value_builder_set(&b, "used_corrected", value_int(there.used_back));
        value_builder_set(&b, "stock", value_int(fund_in_stock(&there)));
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    value_builder_init(&all, &g->scratch);
    value_builder_set(&all, "goods", value_builder_list(&list));
    if (rc == GOV_OK && list.failed)
        return base_nomem(d);
    return rc == GOV_OK ? fund_answer(&all, out, d) : rc;
}
