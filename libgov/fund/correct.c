/* Corrections: what was written down wrongly is taken back, in part or whole, and never deleted. One way for gifts, spendings, payments of
 * shares, spendings of grants and goods: an entry that says which one it corrects and why; money goes back by a reversal of the transfer that
 * moved it, so the ledger sees to it that no more comes back than went. What a second person had to approve, a second person corrects. */
#include "fund/ops.h"

#include <string.h>

/* Money of a fund has to be approved on its way in or out of it; payments and what a grant spends one person enters. */
static bool by_two(const ledger_transfer *moved)
{
    return moved->code != FUND_PAYMENT && moved->code != FUND_GRANT_SPENDING;
}

static gov_status refused(int32_t code, const fund_entry *was, const fund_move *m, const diag *d)
{
    if (code == GOV_LEDGER_EXCEEDS_REVERSED_TRANSFER_AMOUNT || code == GOV_LEDGER_TRANSFER_ALREADY_REVERSED)
        return base_fail(d, M_fund_corrected, A_I("id", was->id), A_I("amount", m->amount));
    if (code == GOV_LEDGER_EXCEEDS_CREDITS)
        return base_fail(d, M_fund_spent_since, A_I("id", was->id), A_I("amount", m->amount));
    return fund_refused(code, m, d);
}

/* The unit owes it again, and its plan follows. */
static gov_status follow(gov *g, const fund_entry *was, const ledger_transfer *moved, const diag *d)
{
    fund_project p;
    fund_portion u;
    const gov_status rc = fund_portion_by_id(g, was->pot, moved->subject, &p, &u, d);
    return rc == GOV_OK ? fund_plan_follow(g, &p, &u, d) : rc;
}

static gov_status correct_money(gov *g, const fund_entry *was, fund_entry *e, const diag *d)
{
    ledger *l;
    ledger_transfer moved = {0};
    int32_t code = 0;
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_lookup_transfers(l, &was->transfer, 1, &moved, d);
    if (rc == GOV_OK && moved.id == 0)
        return base_fail(d, M_fund_nothing, A_S("what", "transfer"), A_I("id", was->transfer));
    if (rc != GOV_OK)
        return rc;
    const bool two = by_two(&moved);
    fund_move m = {.book = moved.ledger, .code = FUND_CORRECTION, .flags = two ? GOV_TRANSFER_PENDING : 0, .from = moved.credit_account,
                   .to = moved.debit_account, .amount = e->amount, .reversal_of = moved.id, .subject = moved.subject,
                   .note = "fund.correction"};
    rc = fund_post(g, &m, &code, d);
    if (rc == GOV_OK)
        rc = refused(code, was, &m, d);
    if (rc != GOV_OK)
        return rc;
    e->id = m.id;
    e->state = two ? FUND_PROPOSED : FUND_DONE;
    e->at_us = two ? 0 : m.at_us;
    rc = fund_entry_put(g, e, d);
    return rc == GOV_OK && was->kind == FUND_ENTRY_PAYMENT ? follow(g, was, &moved, d) : rc;
}

/* What was given cannot be taken back once it is used: the use is corrected first. */
static gov_status correct_goods(gov *g, const fund_entry *before, fund_entry *e, const diag *d)
{
    ledger *l;
    fund_entry was;
    fund_goods there = {0};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_hold(l, (uint32_t)before->pot, d); /* whoever else uses or corrects them waits */
    if (rc == GOV_OK)
        rc = fund_entry_get(g, before->id, &was, d);
    if (rc == GOV_OK && e->amount > was.amount - was.corrected)
        return base_fail(d, M_fund_corrected, A_I("id", was.id), A_I("amount", e->amount));
    if (rc == GOV_OK)
        rc = fund_goods_of(g, was.pot, was.item, &there, d);
    if (rc == GOV_OK && was.kind == FUND_ENTRY_GOODS_IN && fund_in_stock(&there) < e->amount)
        return base_fail(d, M_fund_stock, A_S("item", was.item), A_I("stock", fund_in_stock(&there)));
    if (rc == GOV_OK)
        rc = access_new_id(g, &e->id, d);
    if (rc != GOV_OK)
        return rc;
    e->state = FUND_DONE;
    e->at_us = access_now(g);
    rc = fund_entry_put(g, e, d);
    const value_pair data[] = {{value_text("item"), value_text(e->item)},
                               {value_text("count"), value_int(was.kind == FUND_ENTRY_GOODS_IN ? -e->amount : e->amount)},
                               {value_text("corrects"), value_int(was.id)}};
    return rc == GOV_OK ? fund_journal(g, "fund.goods_corrected", e->id, data, ARRAY_LEN(data), d) : rc;
}

static gov_status find(gov *g, int64_t id, const char *reason, fund_entry *was, const diag *d)
{
    if (reason == NULL)
        return base_nomem(d);
    const gov_status rc = fund_entry_get(g, id, was, d);
    if (rc == GOV_OK && was->corrects != 0)
        return base_fail(d, M_fund_correction, A_I("id", id));
    if (rc == GOV_OK && was->state != FUND_DONE)
        return base_fail(d, M_fund_not_done, A_I("id", id));
    return rc == GOV_OK && base_utf8_blank(reason, strlen(reason)) ? fund_bad_input("reason", d) : rc;
}

gov_status fund_correct(gov *g, const value *in, value *out, const diag *d)
{
    enum { ID, AMOUNT, REASON };
    fund_entry was = {0};
    value_builder b;
    const char *reason = fund_text(g, in[REASON]);
    gov_status rc = find(g, in[ID].as.i, reason, &was, d);
    if (rc != GOV_OK)
        return rc;
    fund_entry e = {.kind = (uint8_t)(was.kind + FUND_CORRECTS), .corrects = was.id, .pot = was.pot, .amount = was.amount,
                    .item = was.item, .party = was.party, .party_name = was.party_name, .named = was.named, .note = reason};
    if (in[AMOUNT].kind != VALUE_ABSENT)
        rc = fund_positive(in[AMOUNT], "amount", &e.amount, d);
    if (rc == GOV_OK && (was.kind == FUND_ENTRY_GOODS_IN || was.kind == FUND_ENTRY_GOODS_OUT))
        rc = correct_goods(g, &was, &e, d);
    else if (rc == GOV_OK)
        rc = correct_money(g, &was, &e, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(e.id));
    value_builder_set(&b, "state", value_text(e.state == FUND_DONE ? "done" : "proposed"));
    return fund_answer(&b, out, d);
}
