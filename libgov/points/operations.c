/* What the room does when it is asked to, by name: the operands of each operation and its run. */
#include "points/points.h"

#include <string.h>

/* ---- operands ---- */

/* NULL where it is not given; from the scratch. */
static gov_status text_of(gov *g, value v, const char **out, const diag *d)
{
    *out = v.kind == VALUE_STRING ? base_arena_strndup(&g->scratch, v.as.s, v.len) : NULL;
    return v.kind == VALUE_STRING && *out == NULL ? base_nomem(d) : GOV_OK;
}

static int64_t int_of(value v, int64_t otherwise)
{
    return v.kind == VALUE_INT ? v.as.i : otherwise;
}

/* Rows of a list: 50 unless asked for otherwise, never more than 1000. */
static gov_status limit_of(value v, int64_t *out, const diag *d)
{
    *out = int_of(v, 50);
    return *out < 1 || *out > 1000 ? base_fail(d, M_bad_field, A_S("field", "limit"), A_S("expected", "1..1000"), A_I("found", *out)) : GOV_OK;
}

/* The only one may be left out. */
static gov_status programme_of(gov *g, value v, const points_programme **out, const diag *d)
{
    const char *name;
    const gov_status rc = text_of(g, v, &name, d);
    *out = rc == GOV_OK ? points_find(g->rules, name) : NULL;
    if (rc != GOV_OK || *out != NULL)
        return rc;
    return name == NULL && points_at(g->rules, 0) != NULL ? base_fail(d, M_points_which)
                                                          : points_unknown(g->rules, name, name != NULL ? strlen(name) : 0, NULL, d);
}

/* Programme and the holder for a record; without one (0) the whole community is asked about. */
static gov_status holder_of(gov *g, const value *in, const points_programme **p, int64_t *holder, const diag *d)
{
    gov_status rc = programme_of(g, in[0], p, d);
    *holder = 0;
    if (rc == GOV_OK && in[1].kind == VALUE_INT)
        return points_holder(g, *p, in[1].as.i, holder, d);
    return rc == GOV_OK ? access_check_whole(g, "points.read", d) : rc;
}

/* A map with one list. */
static gov_status answer_list(gov *g, const char *name, value list, value *out, const diag *d)
{
    value_builder b;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, name, list);
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

#define PROGRAMME {.name = "programme", .type = RULEBOOK_OPERAND_SECTION, .kinds = "points"}
#define ACCOUNT(must) {.name = "account", .type = RULEBOOK_OPERAND_RECORD, .required = (must), .kinds = "household resident"}
#define OPERAND(n, t, must) {.name = (n), .type = RULEBOOK_OPERAND_##t, .required = (must)}

/* ---- giving and taking ---- */

static const rulebook_operand award_operands[] = {PROGRAMME,
                                                  ACCOUNT(true),
                                                  OPERAND("rule", TEXT, true),
                                                  OPERAND("points", INT, false),
                                                  OPERAND("quantity", INT, false),
                                                  OPERAND("evidence", TEXT, false)};

static gov_status find_rule(gov *g, const char *programme, const char *rule, points_gift *gift, const diag *d)
{
    for (int takes = 0; takes < 2; takes++)
        if (points_find_for(g->rules, programme, rule, takes != 0, NULL, &gift->programme, &gift->rule, NULL) == GOV_OK)
            return GOV_OK;
    return points_find_for(g->rules, programme, rule, false, NULL, &gift->programme, &gift->rule, d);
}

static gov_status run_award(gov *g, const value *in, value *out, const diag *d)
{
    const char *programme, *rule;
    points_gift gift = {.holder = int_of(in[1], 0), .amount = int_of(in[3], POINTS_BY_RULE), .quantity = int_of(in[4], 1),
                        .evidence = in[5]};
    points_given given;
    int64_t holder, balance = 0;
    value_builder b;
    gov_status rc = text_of(g, in[0], &programme, d);
    if (rc == GOV_OK)
        rc = text_of(g, in[2], &rule, d);
    if (rc == GOV_OK)
        rc = find_rule(g, programme, rule, &gift, d);
    if (rc == GOV_OK && gift.quantity < 0)
        return base_fail(d, M_points_quantity, A_I("quantity", gift.quantity));
    if (rc == GOV_OK && gift.amount != POINTS_BY_RULE && gift.amount < 0)
        return base_fail(d, M_points_amount, A_I("points", gift.amount));
    if (rc == GOV_OK)
        rc = points_give(g, &gift, &given, d);
    if (rc == GOV_OK)
        rc = points_holder(g, gift.programme, gift.holder, &holder, d);
    if (rc == GOV_OK)
        rc = points_balance(g, gift.programme->book, holder, &balance, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", given.transfer != 0 ? value_int(given.transfer) : value_null());
    value_builder_set(&b, "points", value_int(gift.rule->takes ? -given.moved : given.moved));
    value_builder_set(&b, "asked", value_int(gift.rule->takes ? -given.asked : given.asked));
    value_builder_set(&b, "cut", given.cut != NULL ? value_text(given.cut) : value_null());
    value_builder_set(&b, "balance", value_int(balance));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

static const rulebook_operand reverse_operands[] = {PROGRAMME, OPERAND("transfer", ID, true), OPERAND("reason", TEXT, true),
                                                    OPERAND("partly", BOOL, false)};

static gov_status run_reverse(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    const char *why;
    points_taken taken;
    value_builder b;
    gov_status rc = programme_of(g, in[0], &p, d);
    if (rc == GOV_OK)
        rc = access_check_whole(g, "points.write", d); /* whose it was is not known to the caller */
    if (rc == GOV_OK)
        rc = text_of(g, in[2], &why, d);
    if (rc == GOV_OK)
        rc = points_reverse(g, p, in[1].as.i, why, in[3].kind == VALUE_BOOL && in[3].as.b, &taken, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(taken.reversal));
    value_builder_set(&b, "points", value_int(taken.points));
    value_builder_set(&b, "missing", value_int(taken.missing));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

static const rulebook_operand transfer_operands[] = {
    PROGRAMME, ACCOUNT(true),
    {.name = "to", .type = RULEBOOK_OPERAND_RECORD, .required = true, .kinds = "household resident", .free = true},
    OPERAND("points", INT, true)};

static gov_status run_transfer(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    int64_t transfer = 0;
    gov_status rc = programme_of(g, in[0], &p, d);
    if (rc == GOV_OK)
        rc = points_pass(g, p, in[1].as.i, in[2].as.i, in[3].as.i, &transfer, d);
    return rc == GOV_OK ? answer_list(g, "id", value_int(transfer), out, d) : rc;
}

/* ---- one holder ---- */

static const rulebook_operand holder_operands[] = {PROGRAMME, ACCOUNT(true)};

static gov_status run_balance(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    int64_t holder;
    points_state s;
    value_builder b;
    gov_status rc = holder_of(g, in, &p, &holder, d);
    if (rc == GOV_OK)
        rc = points_state_of(g, p->book, holder, &s, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "balance", value_int(s.balance));
    value_builder_set(&b, "locked", value_int(s.locked));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

static gov_status run_tier(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    const points_level *level = NULL;
    int64_t holder, earned = 0;
    value_builder b;
    gov_status rc = holder_of(g, in, &p, &holder, d);
    if (rc == GOV_OK)
        rc = points_tier(g, p, holder, &level, &earned, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "tier", level != NULL ? value_text(level->name) : value_null());
    value_builder_set(&b, "title", level != NULL ? value_text(points_words_of(g, &level->title, level->name)) : value_null());
    value_builder_set(&b, "earned", value_int(earned));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

static const rulebook_operand statement_operands[] = {PROGRAMME, ACCOUNT(true), OPERAND("before", TIME, false),
                                                      OPERAND("limit", INT, false)};

static gov_status run_statement(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    int64_t holder, limit = 0, before = 0;
    value rows = value_null();
    gov_status rc = holder_of(g, in, &p, &holder, d);
    if (rc == GOV_OK)
        rc = limit_of(in[3], &limit, d);
    if (rc == GOV_OK && in[2].kind == VALUE_TIMESTAMP && !value_to_us(in[2], &before))
        return base_fail(d, M_overflow, A_S("what", "before"));
    if (rc == GOV_OK)
        rc = points_show_statement(g, p, holder, before, (uint32_t)limit, &rows, d);
    return rc == GOV_OK ? answer_list(g, "rows", rows, out, d) : rc;
}

static const rulebook_operand expiring_operands[] = {PROGRAMME, ACCOUNT(false), OPERAND("within", DURATION, false)};

/* Without a duration as far ahead as holders are warned, or a year. */
static gov_status run_expiring(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    int64_t holder, until_us = 0;
    value rows = value_null();
    rulebook_duration span = {.kind = RULEBOOK_LENGTH_FIXED, .fixed = cal_of(CAL_MONTHS, 12), .value = RULEBOOK_NONE};
    gov_status rc = holder_of(g, in, &p, &holder, d);
    if (rc == GOV_OK && in[2].kind != VALUE_ABSENT)
        rc = rulebook_duration_from(in[2], &span.fixed, NULL, d);
    else if (rc == GOV_OK && p->expires.notice.kind != RULEBOOK_LENGTH_NONE)
        span = p->expires.notice;
    if (rc == GOV_OK)
        rc = points_after(g, &span, access_now(g), &until_us, d);
    if (rc == GOV_OK)
        rc = points_show_expiring(g, p, holder, until_us, &rows, d);
    return rc == GOV_OK ? answer_list(g, "lots", rows, out, d) : rc;
}

/* ---- all holders ---- */

static const rulebook_operand top_operands[] = {PROGRAMME, OPERAND("limit", INT, false)};

static gov_status run_top(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    int64_t limit = 0;
    value rows = value_null();
    gov_status rc = access_check_whole(g, "points.read", d);
    if (rc == GOV_OK)
        rc = programme_of(g, in[0], &p, d);
    if (rc == GOV_OK)
        rc = limit_of(in[1], &limit, d);
    if (rc == GOV_OK)
        rc = points_show_top(g, p, (uint32_t)limit, &rows, d);
    return rc == GOV_OK ? answer_list(g, "rows", rows, out, d) : rc;
}

static gov_status run_totals(gov *g, const value *in, value *out, const diag *d)
{
    value rows = value_null();
    (void)in;
    gov_status rc = access_check_whole(g, "points.read", d);
    if (rc == GOV_OK)
        rc = points_show_totals(g, &rows, d);
    return rc == GOV_OK ? answer_list(g, "programmes", rows, out, d) : rc;
}

/* ---- the catalogue ---- */

static const rulebook_operand catalogue_operands[] = {PROGRAMME};

/* What there is to be had is for everybody who may read anything of points. */
static gov_status run_catalogue(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    value rows = value_null();
    gov_status rc = programme_of(g, in[0], &p, d);
    if (rc == GOV_OK)
        rc = points_show_catalogue(g, p, &rows, d);
    return rc == GOV_OK ? answer_list(g, "items", rows, out, d) : rc;
}

static const rulebook_operand redeem_operands[] = {PROGRAMME, ACCOUNT(true), OPERAND("item", TEXT, true),
                                                   OPERAND("quantity", INT, false)};

static gov_status find_item(gov *g, value programme, value item, const points_programme **p, const points_item **out, const diag *d)
{
    const char *where, *name;
    gov_status rc = text_of(g, programme, &where, d);
    if (rc == GOV_OK)
        rc = text_of(g, item, &name, d);
    return rc == GOV_OK ? points_find_item_for(g->rules, where, name, NULL, p, out, d) : rc;
}

static gov_status run_redeem(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    const points_item *item;
    points_order o;
    gov_status rc = find_item(g, in[0], in[2], &p, &item, d);
    if (rc == GOV_OK)
        rc = points_redeem(g, p, item, in[1].as.i, int_of(in[3], 1), &o, d);
    return rc == GOV_OK ? points_show_order(g, &o, out, d) : rc;
}

static const rulebook_operand order_operands[] = {OPERAND("order", ID, true)};

/* An order out of the actor's reach is answered as its account would be. */
static gov_status settle(gov *g, const value *in, points_order_status to, const char *action, value *out, const diag *d)
{
    points_order o;
    registry_record r;
    gov_status rc = points_order_of(g, in[0].as.i, &o, d);
    if (rc == GOV_OK)
        rc = registry_load(g, o.record, &g->scratch, &r, d);
    if (rc == GOV_OK)
        rc = registry_check_scope(g, action, r.id, r.kind, r.key, d);
    if (rc == GOV_OK)
        rc = points_settle(g, &o, to, d);
    return rc == GOV_OK ? points_show_order(g, &o, out, d) : rc;
}

static gov_status run_fulfil(gov *g, const value *in, value *out, const diag *d)
{
    return settle(g, in, POINTS_FULFILLED, "points.fulfil", out, d);
}

static gov_status run_return(gov *g, const value *in, value *out, const diag *d)
{
    return settle(g, in, POINTS_RETURNED, "points.fulfil", out, d);
}

static gov_status run_cancel(gov *g, const value *in, value *out, const diag *d)
{
    return settle(g, in, POINTS_CANCELLED, "points.redeem", out, d);
}

static const rulebook_operand orders_operands[] = {PROGRAMME, ACCOUNT(false), OPERAND("status", TEXT, false),
                                                   OPERAND("before", ID, false), OPERAND("limit", INT, false)};

static gov_status run_orders(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    int64_t holder, limit = 0, status = 0;
    value rows = value_null();
    gov_status rc = holder_of(g, in, &p, &holder, d);
    if (rc == GOV_OK)
        rc = limit_of(in[4], &limit, d);
    if (rc != GOV_OK)
        return rc;
    for (int64_t i = POINTS_OPEN; in[2].kind == VALUE_STRING && i <= POINTS_RETURNED; i++)
        if (value_is_text(in[2], points_status_name(i)))
            status = i;
    if (in[2].kind == VALUE_STRING && status == 0)
        return base_fail(d, M_bad_field, A_S("field", "status"), A_S("expected", "open, fulfilled, cancelled, lapsed, returned"),
                         A_N("found", in[2].as.s, in[2].len));
    rc = points_orders(g, p->name, holder, status, int_of(in[3], 0), limit, &rows, d);
    return rc == GOV_OK ? answer_list(g, "orders", rows, out, d) : rc;
}

static const rulebook_operand stock_operands[] = {PROGRAMME, OPERAND("item", TEXT, true), OPERAND("add", INT, true),
                                                  OPERAND("reason", TEXT, false)};

static gov_status run_stock(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    const points_item *item;
    const char *why;
    int64_t left = 0;
    gov_status rc = access_check_whole(g, "points.fulfil", d);
    if (rc == GOV_OK)
        rc = find_item(g, in[0], in[1], &p, &item, d);
    if (rc == GOV_OK)
        rc = text_of(g, in[3], &why, d);
    if (rc == GOV_OK && in[2].as.i == INT64_MIN)
        return base_fail(d, M_overflow, A_S("what", "add"));
    if (rc == GOV_OK)
        rc = points_restock(g, p, item, in[2].as.i, why, &left, d);
    return rc == GOV_OK ? answer_list(g, "left", value_int(left), out, d) : rc;
}

/* ---- appeals ---- */

static const rulebook_operand appeal_operands[] = {PROGRAMME, ACCOUNT(true), OPERAND("deduction", ID, false),
                                                   OPERAND("text", TEXT, true)};

static gov_status run_appeal(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    const char *text;
    int64_t holder, id = 0;
    gov_status rc = programme_of(g, in[0], &p, d);
    if (rc == GOV_OK)
        rc = points_holder(g, p, in[1].as.i, &holder, d);
    if (rc == GOV_OK)
        rc = text_of(g, in[3], &text, d);
    if (rc == GOV_OK)
        rc = points_appeal(g, int_of(in[2], 0), holder, in[1].as.i, text, &id, d);
    return rc == GOV_OK ? answer_list(g, "id", value_int(id), out, d) : rc;
}

static const rulebook_operand rule_operands[] = {OPERAND("deduction", ID, true), OPERAND("granted", BOOL, true),
                                                 OPERAND("reason", TEXT, true)};

static gov_status run_rule_appeal(gov *g, const value *in, value *out, const diag *d)
{
    const char *why;
    int64_t reversal = 0;
    gov_status rc = access_check_whole(g, "points.rule", d);
    if (rc == GOV_OK)
        rc = text_of(g, in[2], &why, d);
    if (rc == GOV_OK)
        rc = points_rule_appeal(g, in[0].as.i, in[1].as.b, why, &reversal, d);
    return rc == GOV_OK ? answer_list(g, "reversal", reversal != 0 ? value_int(reversal) : value_null(), out, d) : rc;
}

static const rulebook_operand deductions_operands[] = {PROGRAMME, ACCOUNT(false), OPERAND("open", BOOL, false),
                                                       OPERAND("before", ID, false), OPERAND("limit", INT, false)};

static gov_status run_deductions(gov *g, const value *in, value *out, const diag *d)
{
    const points_programme *p;
    int64_t holder, limit = 0;
    value rows = value_null();
    gov_status rc = holder_of(g, in, &p, &holder, d);
    if (rc == GOV_OK)
        rc = limit_of(in[4], &limit, d);
    if (rc == GOV_OK)
        rc = points_deductions(g, p->name, holder, in[2].kind == VALUE_BOOL && in[2].as.b, int_of(in[3], 0), limit, &rows, d);
    return rc == GOV_OK ? answer_list(g, "deductions", rows, out, d) : rc;
}

/* ---- what timers run ---- */

static const rulebook_operand notice_operands[] = {OPERAND("programme", TEXT, true), OPERAND("expires", INT, true)};

/* A programme that the rules have dropped meanwhile warns nobody. */
static gov_status run_notice(gov *g, const value *in, value *out, const diag *d)
{
    const char *name;
    int64_t told = 0;
    gov_status rc = text_of(g, in[0], &name, d);
    const points_programme *p = rc == GOV_OK ? points_find(g->rules, name) : NULL;
    if (rc == GOV_OK && p != NULL)
        rc = points_warn(g, p, 0, in[1].as.i, &told, d);
    return rc == GOV_OK ? answer_list(g, "told", value_int(told), out, d) : rc;
}

/* Points and goods go back together; an order that was settled meanwhile is left alone. */
static gov_status run_lapse(gov *g, const value *in, value *out, const diag *d)
{
    points_order o;
    gov_status rc = points_order_of(g, in[0].as.i, &o, d);
    if (rc == GOV_OK && o.status == POINTS_OPEN)
        rc = points_settle(g, &o, POINTS_LAPSED, d);
    return rc == GOV_OK ? answer_list(g, "id", value_int(o.id), out, d) : rc;
}

/* ---- the table ---- */

#define READ(n, list) {"points." #n, "points.read", false, list, ARRAY_LEN(list), run_##n, false}
#define WRITE(n, permission, list) {"points." #n, permission, true, list, ARRAY_LEN(list), run_##n, false}
#define TIMER(n, list) {"points." #n, "points.write", true, list, ARRAY_LEN(list), run_##n, true}

const rulebook_operation points_operations[] = {
    WRITE(award, "points.write", award_operands),
    WRITE(reverse, "points.write", reverse_operands),
    WRITE(transfer, "points.redeem", transfer_operands),
    READ(balance, holder_operands),
    READ(statement, statement_operands),
    READ(tier, holder_operands),
    READ(expiring, expiring_operands),
    READ(top, top_operands),
    {"points.totals", "points.read", false, NULL, 0, run_totals, false},
    READ(catalogue, catalogue_operands),
    WRITE(redeem, "points.redeem", redeem_operands),
    WRITE(cancel, "points.redeem", order_operands),
    WRITE(fulfil, "points.fulfil", order_operands),
    WRITE(return, "points.fulfil", order_operands),
    READ(orders, orders_operands),
    WRITE(stock, "points.fulfil", stock_operands),
    WRITE(appeal, "points.appeal", appeal_operands),
    WRITE(rule_appeal, "points.rule", rule_operands),
    READ(deductions, deductions_operands),
    TIMER(notice, notice_operands),
    TIMER(lapse, order_operands),
};
const size_t points_operation_count = ARRAY_LEN(points_operations);

const rulebook_host points_words = {.sections = &points_section,
                                    .section_count = 1,
                                    .effects = points_effects,
                                    .effect_count = ARRAY_LEN(points_effects),
                                    .functions = points_functions,
                                    .function_count = POINTS_FUNCTIONS,
                                    .operations = points_operations,
                                    .operation_count = ARRAY_LEN(points_operations),
                                    .stepped = points_stepped};
