/* What this room brings to the rule language, and the table of its operations. */
#include "fund/ops.h"

gov_status fund_answer(const value_builder *b, value *out, const diag *d)
{
    *out = value_builder_map(b);
    return b->failed ? base_nomem(d) : GOV_OK;
}

gov_status fund_answer_id(gov *g, int64_t id, value *out, const diag *d)
{
    value_builder b;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(id));
    return fund_answer(&b, out, d);
}

#define FUND             {"fund", RULEBOOK_OPERAND_SECTION, false, "fund", false}
#define RULE             {"rule", RULEBOOK_OPERAND_SECTION, false, "cost_share", false}
#define CONTRACT         {"contract", RULEBOOK_OPERAND_SECTION, false, "contract", false}
#define MUST(name, type) {(name), RULEBOOK_OPERAND_##type, true, NULL, false}
#define MAY(name, type)  {(name), RULEBOOK_OPERAND_##type, false, NULL, false}
#define PERSON(name)     {(name), RULEBOOK_OPERAND_RECORD, false, "resident household staff unit", false}

static const rulebook_operand
    give[] = {FUND, MUST("amount", INT), PERSON("donor"), MAY("name", TEXT), MAY("named", BOOL), MAY("note", TEXT)},
    titled[] = {FUND, MAY("lang", TEXT)}, correct[] = {MUST("id", ID), MAY("amount", INT), MUST("reason", TEXT)},
    propose[] = {FUND, MUST("purpose", TEXT), MUST("amount", INT), PERSON("payee"), MAY("payee_name", TEXT), MAY("note", TEXT)},
    by_id[] = {MUST("id", ID)}, of_fund[] = {FUND}, list[] = {FUND, MAY("waiting", BOOL), MAY("from", DATE), MAY("to", DATE)},
    statement[] = {FUND, MAY("from", DATE), MAY("to", DATE), MAY("lang", TEXT)},
    goods[] = {FUND, MUST("item", TEXT), MUST("count", INT), PERSON("donor"), MAY("name", TEXT), MAY("named", BOOL), MAY("note", TEXT)},
    use_goods[] = {FUND, MUST("item", TEXT), MUST("count", INT), PERSON("user"), MAY("name", TEXT), MAY("named", BOOL), MAY("note", TEXT)},
    compute[] = {RULE, MUST("total", INT), MUST("units", LIST), MAY("agreed", BOOL)},
    open_project[] = {RULE, MUST("name", TEXT), MUST("cost", INT), MUST("units", LIST), MAY("sources", LIST), MAY("agreed", BOOL),
                      MAY("agreed_by", TEXT)},
    change[] = {MUST("project", ID), MAY("cost", INT), MAY("units", LIST), MAY("agreed_by", TEXT)},
    source[] = {MUST("project", ID), MAY("name", TEXT), MUST("kind", TEXT), MUST("amount", INT)}, of_project[] = {MUST("project", ID)},
    relief[] = {MUST("project", ID), MUST("unit", TEXT), MAY("amount", INT), MAY("months", INT),
                {"household", RULEBOOK_OPERAND_RECORD, false, "household", false}, MAY("reason", TEXT)},
    plan[] = {MUST("project", ID), MUST("unit", TEXT), MUST("plan", TEXT), MAY("months", INT), MAY("first", DATE)},
    pay[] = {MUST("project", ID), MUST("unit", TEXT), MUST("amount", INT), MAY("note", TEXT)},
    payments[] = {MUST("project", ID), MAY("unit", TEXT)}, spendings[] = {MUST("id", ID), MAY("item", TEXT)}, arrears[] = {MUST("project", ID), MAY("at", DATE)},
    apply[] = {{"grant", RULEBOOK_OPERAND_SECTION, false, "grant", false}, MUST("title", TEXT), MUST("amount", INT), MUST("budget", LIST)},
    refuse_grant[] = {MUST("id", ID), MAY("reason", TEXT)},
    spend[] = {MUST("id", ID), MUST("item", TEXT), MUST("amount", INT), MAY("payee", TEXT), MAY("note", TEXT)},
    rise[] = {CONTRACT, MUST("old", INT), MUST("new", INT)}, checks[] = {CONTRACT, MUST("from", DATE)},
    payment[] = {CONTRACT, MUST("measured", MAP), MAY("payment", INT), MAY("lang", TEXT)};

/* name, permission, writes, operands, function */
#define OPERATIONS(X)                                                                                \
    X("fund.give", "fund.write", true, give, fund_give)                                              \
    X("fund.correct", "fund.write", true, correct, fund_correct)                                     \
    X("fund.propose_spend", "fund.write", true, propose, fund_propose)                               \
    X("fund.approve", "fund.approve", true, by_id, fund_approve)                                     \
    X("fund.refuse", "fund.approve", true, by_id, fund_refuse)                                       \
    X("fund.balance", "fund.read", false, of_fund, fund_show_balance)                                \
    X("fund.list", "fund.write", false, list, fund_list) /* names those, too, who want to be unnamed */ \
    X("fund.statement", ACCESS_ANYONE, false, statement, fund_statement) /* names those only who agreed */ \
    X("fund.give_goods", "fund.write", true, goods, fund_give_goods)                                 \
    X("fund.use_goods", "fund.write", true, use_goods, fund_use_goods)                               \
    X("fund.stock", "fund.read", false, titled, fund_stock)                                          \
    X("share.compute", "fund.read", false, compute, fund_share_compute)                              \
    X("share.open", "fund.write", true, open_project, fund_share_open)                               \
    X("share.change", "fund.write", true, change, fund_share_change)                                 \
    X("share.source", "fund.write", true, source, fund_share_source)                                 \
    X("share.start", "fund.approve", true, of_project, fund_share_start)                             \
    X("share.show", "fund.read", false, of_project, fund_share_show)                                 \
    X("share.plan", "fund.write", true, plan, fund_share_plan)                                       \
    X("share.switch", "fund.write", true, plan, fund_share_switch)                                   \
    X("share.pay", "fund.write", true, pay, fund_share_pay)                                          \
    X("share.payments", "fund.read", false, payments, fund_share_payments)                           \
    X("share.arrears", "fund.read", false, arrears, fund_share_arrears)                              \
    X("share.relief", "fund.write", true, relief, fund_share_relief)                                 \
    X("share.approve_relief", "fund.approve", true, by_id, fund_share_approve_relief)                \
    X("share.refuse_relief", "fund.approve", true, by_id, fund_share_refuse_relief)                  \
    X("grant.apply", "fund.write", true, apply, fund_grant_apply)                                    \
    X("grant.publish", "fund.write", true, by_id, fund_grant_publish)                                \
    X("grant.approve", "fund.approve", true, by_id, fund_grant_approve)                              \
    X("grant.refuse", "fund.approve", true, refuse_grant, fund_grant_refuse)                         \
    X("grant.spend", "fund.write", true, spend, fund_grant_spend)                                    \
    X("grant.spendings", "fund.read", false, spendings, fund_grant_spendings)                        \
    X("grant.show", ACCESS_ANYONE, false, by_id, fund_grant_show) /* before the notice: of those who read funds */ \
    X("fee.check_rise", "fund.read", false, rise, fund_fee_check_rise)                               \
    X("fee.checks", "fund.read", false, checks, fund_fee_checks)                                     \
    X("kpi.payment", "fund.read", false, payment, fund_kpi_payment)

/* Money of all is not a matter of one grid or unit: a role that is bound to one does not do. */
#define GATED(name, permission, writes, operands, function)                                   \
    static gov_status gated_##function(gov *g, const value *in, value *out, const diag *d)    \
    {                                                                                         \
        const gov_status rc = access_check_whole(g, (permission), d);                         \
        return rc == GOV_OK ? function(g, in, out, d) : rc;                                   \
    }
OPERATIONS(GATED)

#define LISTED(name, permission, writes, operands, function) \
    {(name), (permission), (writes), (operands), ARRAY_LEN(operands), gated_##function, false},
static const rulebook_operation operations[] = {OPERATIONS(LISTED)};

const rulebook_host fund_words = {.sections = fund_sections,
                                  .section_count = FUND_SECTIONS,
                                  .effects = fund_effects,
                                  .effect_count = ARRAY_LEN(fund_effects),
                                  .operations = operations,
                                  .operation_count = ARRAY_LEN(operations)};
