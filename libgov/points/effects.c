/* What the rule language may do with points: award, deduct, redeem, balance(), tier(). */
#include "points/points.h"

#include <string.h>

/* ---- award, deduct ---- */

static const case_runner award_runner, deduct_runner, redeem_runner;

static const char *written(const rulebook_action *a, const char *name)
{
    const rulebook_argument *arg = rulebook_arg(a, name);
    return arg != NULL ? arg->text : NULL;
}

static gov_status check_effect(void *runner, const rulebook_action *a, const rulebook *rb,
                               const diag *d)
{
    const char *reason = written(a, "reason");
    const points_programme *p;
    const points_rule *rule;
    if (reason == NULL)
        return GOV_OK; /* told already */
    const base_place *place = &rulebook_arg(a, "reason")->place;
    const gov_status rc = points_find_for(rb, written(a, "program"), reason,
                                          runner == &deduct_runner, place, &p, &rule, d);
    if (rc == GOV_OK && rule->amount == NULL && rulebook_arg(a, "points") == NULL)
        return base_fail_at(d, place, M_points_no_amount, A_S("rule", reason));
    value points;
    const rulebook_argument *given = rulebook_arg(a, "points");
    if (rc == GOV_OK && given != NULL && given->expr != NULL && expr_program_constant(given->expr, &points) &&
        points.kind == VALUE_INT && points.as.i < 0)
        return base_fail_at(d, &given->place, M_points_amount, A_I("points", points.as.i));
    return rc;
}

static int64_t whole(value v, int64_t otherwise)
{
    return v.kind == VALUE_INT ? v.as.i : otherwise;
}

/* What the rule gives or takes: to whom is in `account`. */
static gov_status read_gift(case_machine *m, const rulebook *rules, const rulebook_action *a, bool takes, points_gift *gift,
                            value *account, const diag *d)
{
    value amount, quantity;
    *gift = (points_gift){.case_id = m->id, .since_us = m->opened_us, .place = &a->place, .evidence = value_absent()};
    gov_status rc = points_find_for(rules, written(a, "program"), written(a, "reason"), takes, &a->place,
                                    &gift->programme, &gift->rule, d);
    if (rc == GOV_OK)
        rc = case_argument(m, a, "account", account, d);
    if (rc == GOV_OK)
        rc = case_argument(m, a, "points", &amount, d);
    if (rc == GOV_OK)
        rc = case_argument(m, a, "quantity", &quantity, d);
    if (rc == GOV_OK && takes)
        rc = case_argument(m, a, "evidence", &gift->evidence, d);
    if (rc != GOV_OK)
        return rc;
    gift->amount = amount.kind != VALUE_ABSENT ? whole(amount, -1) : POINTS_BY_RULE;
    gift->quantity = quantity.kind != VALUE_ABSENT ? whole(quantity, -1) : 1;
    gift->holder = whole(*account, 0);
    return gift->quantity < 0 ? base_fail_at(d, &a->place, M_points_quantity, A_I("quantity", gift->quantity)) : GOV_OK;
}

gov_status points_note(case_machine *m, const points_gift *gift, value account, const points_given *given, const diag *d)
{
    value_builder note;
    value_builder_init(&note, m->arena);
    value_builder_set(&note, "account", account);
    value_builder_set(&note, "points", value_int(given->moved));
    value_builder_set(&note, "reason", value_text(gift->rule->name));
    value_builder_set(&note, "program", value_text(gift->programme->name));
    if (given->transfer != 0)
        value_builder_set(&note, "transfer", value_int(given->transfer));
    if (given->moved != given->asked) {
        value_builder_set(&note, "asked", value_int(given->asked));
        value_builder_set(&note, "cut", value_text(base_text_or_empty(given->cut)));
    }
    case_note_effect(m, gift->rule->takes ? "deduct" : "award", value_builder_map(&note));
    return note.failed ? base_nomem(d) : GOV_OK;
}

static gov_status run_effect(gov *g, case_machine *m, const rulebook_action *a, bool takes,
                             const diag *d)
{
    value account;
    points_given given;
    points_gift gift;
    gov_status rc = read_gift(m, g->rules, a, takes, &gift, &account, d);
    if (rc == GOV_OK)
        rc = points_give(g, &gift, &given, d);
    return rc == GOV_OK ? points_note(m, &gift, account, &given, d) : rc;
}

/* Caps and balances are those of the day, which nobody knows: what would be asked for is noted. */
static gov_status preview(gov *g, case_machine *m, const rulebook_action *a, bool takes, const diag *d)
{
    value account;
    points_given given = {0};
    points_gift gift;
    gov_status rc = read_gift(m, m->rules, a, takes, &gift, &account, d);
    if (rc == GOV_OK)
        rc = points_amount(g, &gift, &given.asked, d);
    given.moved = given.asked;
    return rc == GOV_OK ? points_note(m, &gift, account, &given, d) : rc;
}

static gov_status run_award(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    return run_effect(g, m, a, false, d);
}

static gov_status run_deduct(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    return run_effect(g, m, a, true, d);
}

static gov_status preview_award(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    return preview(g, m, a, false, d);
}

static gov_status preview_deduct(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    return preview(g, m, a, true, d);
}

/* ---- redeem ---- */

static gov_status check_redeem(void *runner, const rulebook_action *a, const rulebook *rb, const diag *d)
{
    const points_programme *p;
    const points_item *item;
    const char *name = written(a, "item");
    (void)runner;
    return name == NULL ? GOV_OK : points_find_item_for(rb, written(a, "program"), name, &rulebook_arg(a, "item")->place, &p, &item, d);
}

static gov_status run_redeem(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    const points_programme *p;
    const points_item *item;
    value account, quantity;
    value_builder note;
    points_order o;
    gov_status rc = points_find_item_for(g->rules, written(a, "program"), written(a, "item"), &a->place, &p, &item, d);
    if (rc == GOV_OK)
        rc = case_argument(m, a, "account", &account, d);
    if (rc == GOV_OK)
        rc = case_argument(m, a, "quantity", &quantity, d);
    if (rc == GOV_OK)
        rc = points_redeem(g, p, item, whole(account, 0), quantity.kind != VALUE_ABSENT ? whole(quantity, -1) : 1, &o, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&note, m->arena);
    value_builder_set(&note, "account", account);
    value_builder_set(&note, "item", value_text(item->name));
    value_builder_set(&note, "program", value_text(p->name));
    value_builder_set(&note, "points", value_int(o.price));
    value_builder_set(&note, "order", value_int(o.id));
    case_note_effect(m, "redeem", value_builder_map(&note));
    return note.failed ? base_nomem(d) : GOV_OK;
}

/* ---- the tables ---- */

static const case_runner award_runner = {run_award, preview_award}, deduct_runner = {run_deduct, preview_deduct},
                         redeem_runner = {run_redeem, NULL};

/* Who may hold points. */
enum { HOLDERS = (1 << RULEBOOK_HOUSEHOLD) | (1 << RULEBOOK_RESIDENT) };
#define GIFT_PARAMS                                                                             \
    {"account", RULEBOOK_PARAM_EXPR, true, EXPR_DYN, NULL, NULL, HOLDERS},                      \
        {"points", RULEBOOK_PARAM_EXPR, false, EXPR_INT}, {"quantity", RULEBOOK_PARAM_EXPR, false, EXPR_INT}, \
        {"reason", RULEBOOK_PARAM_NAME, true, EXPR_DYN},                                        \
        {"program", RULEBOOK_PARAM_SECTION, false, EXPR_DYN, "points"}
static const rulebook_param award_params[] = {GIFT_PARAMS};
static const rulebook_param deduct_params[] = {GIFT_PARAMS, {"evidence", RULEBOOK_PARAM_EXPR, false, EXPR_DYN}};
static const rulebook_param redeem_params[] = {{"account", RULEBOOK_PARAM_EXPR, true, EXPR_DYN, NULL, NULL, HOLDERS},
                                               {"item", RULEBOOK_PARAM_NAME, true, EXPR_DYN},
                                               {"quantity", RULEBOOK_PARAM_EXPR, false, EXPR_INT},
                                               {"program", RULEBOOK_PARAM_SECTION, false, EXPR_DYN, "points"}};
const rulebook_effect points_effects[3] = {
    {"award", award_params, ARRAY_LEN(award_params), check_effect, (void *)(uintptr_t)&award_runner},
    {"deduct", deduct_params, ARRAY_LEN(deduct_params), check_effect, (void *)(uintptr_t)&deduct_runner},
    {"redeem", redeem_params, ARRAY_LEN(redeem_params), check_redeem, (void *)(uintptr_t)&redeem_runner}};

/* ---- balance(account, ledger), tier(account, programme) ---- */

static const points_programme *named(const rulebook *rb, value name)
{
    const points_programme *p;
    for (uint32_t i = 0; (p = points_at(rb, i)) != NULL; i++)
        if (value_is_text(name, p->name))
            return p;
    return NULL;
}

static gov_status find_named(gov *g, value name, const points_programme **out, const diag *d)
{
    *out = named(g->rules, name);
    return *out != NULL ? GOV_OK : points_unknown(g->rules, name.as.s, name.len, NULL, d);
}

/* Where the name is written out, a wrong one is told when the rules are loaded. */
static gov_status check_name(void *user, const value *args, size_t n, const expr_spot *spots, const diag *d)
{
    if (n < 2 || args[1].kind != VALUE_STRING || user == NULL || rulebook_defines(user, points_section.key, args[1].as.s, args[1].len))
        return GOV_OK;
    return points_unknown(user, args[1].as.s, args[1].len, &spots[1].place, d);
}

static gov_status call_balance(void *user, const value *args, size_t n, value *out,
                               const expr_run *run, const diag *d)
{
    gov *g = case_gov_of(run);
    const points_programme *p;
    uint32_t book = 0;
    int64_t balance = 0;
    gov_status rc = GOV_OK;
    (void)user;
    (void)n;
    if (g == NULL)
        return base_fail(d, M_points_no_community);
    if (args[1].kind == VALUE_STRING) {
        rc = find_named(g, args[1], &p, d);
        book = rc == GOV_OK ? p->book : 0;
    } else if (args[1].as.i > 0 && args[1].as.i <= UINT32_MAX) {
        book = (uint32_t)args[1].as.i;
    }
    if (rc == GOV_OK && book != 0)
        rc = points_balance(g, book, args[0].as.i, &balance, d);
    *out = value_int(balance);
    return rc;
}

static gov_status call_tier(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    gov *g = case_gov_of(run);
    const points_programme *p;
    const points_level *level = NULL;
    int64_t holder, earned;
    (void)user;
    (void)n;
    if (g == NULL)
        return base_fail(d, M_points_no_community);
    gov_status rc = find_named(g, args[1], &p, d);
    if (rc == GOV_OK)
        rc = points_holder(g, p, args[0].as.i, &holder, d);
    if (rc == GOV_OK)
        rc = points_tier(g, p, holder, &level, &earned, d);
    *out = value_text(level != NULL ? level->name : "");
    return rc;
}

const expr_function points_functions[POINTS_FUNCTIONS] = {{.name = "balance",
                                                           .argc = 2,
                                                           .args = {EXPR_INT, EXPR_INT},
                                                           .result = EXPR_INT,
                                                           .call = call_balance,
                                                           .cost = 100},
                                                          {.name = "balance",
                                                           .argc = 2,
                                                           .args = {EXPR_INT, EXPR_STRING},
                                                           .result = EXPR_INT,
                                                           .call = call_balance,
                                                           .check = check_name,
                                                           .cost = 100},
                                                          {.name = "tier",
                                                           .argc = 2,
                                                           .args = {EXPR_INT, EXPR_STRING},
                                                           .result = EXPR_STRING,
                                                           .call = call_tier,
                                                           .check = check_name,
                                                           .cost = 1000}};
