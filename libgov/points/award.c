/* Giving and taking points, and what the rule language may do with them. */
#include "points/points.h"

#include <string.h>

/* ---- accounts ---- */

gov_status points_holder(gov *g, const points_programme *p, int64_t record, int64_t *holder,
                         const diag *d)
{
    registry_record r;
    *holder = 0;
    if (record > 0) {
        const gov_status rc = registry_load(g, record, &g->scratch, &r, d);
        if (rc != GOV_OK)
            return rc;
        if (strcmp(r.kind, p->holder) == 0)
            *holder = record;
        const value household = value_get_text(r.doc, GOV_KIND_HOUSEHOLD);
        if (strcmp(r.kind, GOV_KIND_RESIDENT) == 0 && strcmp(p->holder, GOV_KIND_HOUSEHOLD) == 0 &&
            household.kind == VALUE_INT)
            *holder = household.as.i;
    }
    if (*holder == 0)
        return base_fail(d, M_points_holder, A_S("programme", p->name), A_S("kind", p->holder));
    return GOV_OK;
}

gov_status points_balance(gov *g, uint32_t book, int64_t holder, int64_t *balance, const diag *d)
{
    ledger *l;
    int64_t id = 0;
    ledger_account a = {0};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_find_account(l, book, holder, POINTS_CODE_HOLDER, &id, d);
    if (rc == GOV_OK && id != 0)
        rc = ledger_lookup_accounts(l, &id, 1, &a, d);
    *balance = a.credits_posted - a.debits_posted;
    return rc;
}

/* The issuing account is the other side of all points; its subject is the ledger itself. */
static gov_status both_accounts(gov *g, const points_gift *gift, int64_t holder, int64_t *issuer,
                                int64_t *account, const diag *d)
{
    const ledger_account issuing = {.ledger = gift->programme->book,
                                    .code = POINTS_CODE_ISSUER,
                                    .subject = gift->programme->book};
    const ledger_account holding = {.ledger = gift->programme->book,
                                    .code = POINTS_CODE_HOLDER,
                                    .subject = holder,
                                    .flags = GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS};
    const gov_status rc = ledger_account_for(g, &issuing, issuer, d);
    return rc == GOV_OK ? ledger_account_for(g, &holding, account, d) : rc;
}

static gov_status post(gov *g, const points_gift *gift, ledger_transfer *t, const diag *d)
{
    const value_pair data[] = {{value_text("programme"), value_text(gift->programme->name)},
                               {value_text("rule"), value_text(gift->rule->name)},
                               {value_text("case"),
                                gift->case_id != 0 ? value_int(gift->case_id) : value_null()},
                               {value_text("points"),
                                value_int(gift->rule->takes ? -gift->amount : gift->amount)},
                               {value_text("transfer"), value_int(t->id)}};
    const ledger_note note = {"account", gift->rule->takes ? t->debit_account : t->credit_account,
                              value_map(data, ARRAY_LEN(data))};
    ledger_result result;
    const gov_status rc = ledger_post(g, t, 1, &note, &result, d);
    if (rc != GOV_OK || result.code == GOV_LEDGER_CREATED)
        return rc;
    if (result.code == GOV_LEDGER_EXCEEDS_CREDITS)
        return base_fail_at(d, gift->place, M_points_not_enough, A_I("points", gift->amount));
    return base_fail_at(d, gift->place, M_points_refused,
                        A_S("result", gov_ledger_result_name(result.code)));
}

gov_status points_award(gov *g, const points_gift *gift, int64_t *transfer, const diag *d)
{
    ledger *l;
    int64_t holder, issuer, account;
    ledger_transfer t = {.amount = gift->amount,
                         .subject = gift->case_id,
                         .ledger = gift->programme->book,
                         .code = gift->rule->takes ? POINTS_CODE_DEDUCTION : POINTS_CODE_AWARD};
    if (transfer != NULL)
        *transfer = 0;
    if (gift->amount < 0)
        return base_fail_at(d, gift->place, M_points_amount, A_I("points", gift->amount));
    gov_status rc = points_holder(g, gift->programme, gift->holder, &holder, d);
    if (rc != GOV_OK || gift->amount == 0)
        return rc;
    rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = both_accounts(g, gift, holder, &issuer, &account, d);
    if (rc == GOV_OK)
        rc = ledger_reason_number(l, t.ledger, gift->rule->name, &t.reason, d);
    if (rc == GOV_OK)
        rc = access_new_id(g, &t.id, d);
    if (rc != GOV_OK)
        return rc;
    t.debit_account = gift->rule->takes ? account : issuer;
    t.credit_account = gift->rule->takes ? issuer : account;
    rc = post(g, gift, &t, d);
    if (rc == GOV_OK && transfer != NULL)
        *transfer = t.id;
    return rc;
}

gov_status points_total_of(gov *g, const points_programme *p, points_total *out, const diag *d)
{
    ledger *l;
    int64_t issuer = 0;
    ledger_sums sums = {0};
    ledger_account a = {0};
    size_t count = 0;
    *out = (points_total){.programme = p};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_find_account(l, p->book, p->book, POINTS_CODE_ISSUER, &issuer, d);
    if (rc == GOV_OK && issuer != 0)
        rc = ledger_lookup_accounts(l, &issuer, 1, &a, d);
    if (rc == GOV_OK)
        rc = ledger_sum(l, (int64_t)p->book - 1, &sums, 1, &count, d);
    if (rc != GOV_OK || count == 0 || sums.book != p->book)
        return rc;
    out->holders = sums.accounts - (issuer != 0);
    out->given = a.debits_posted;
    out->taken = a.credits_posted;
    out->sum = sums.credits_posted - sums.debits_posted;
    /* What the accounts themselves add up to, not what the issuing account says they should. */
    out->out = out->sum + a.debits_posted - a.credits_posted;
    return GOV_OK;
}

/* ---- effects ---- */

static const case_runner award_runner, deduct_runner;

/* Who may hold points. */
enum { HOLDERS = (1 << RULEBOOK_HOUSEHOLD) | (1 << RULEBOOK_RESIDENT) };
static const rulebook_param effect_params[] = {{"account", RULEBOOK_PARAM_EXPR, true, EXPR_DYN, NULL, NULL, HOLDERS},
                                               {"points", RULEBOOK_PARAM_EXPR, false, EXPR_INT},
                                               {"reason", RULEBOOK_PARAM_NAME, true, EXPR_DYN},
                                               {"program", RULEBOOK_PARAM_SECTION, false, EXPR_DYN,
                                                "points"}};

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

/* What the rule gives or takes: to whom is in `account`. */
static gov_status read_gift(gov *g, case_machine *m, const rulebook *rules, const rulebook_action *a, bool takes,
                            points_gift *gift, value *account, const diag *d)
{
    value amount;
    *gift = (points_gift){.case_id = m->id, .place = &a->place};
    gov_status rc = points_find_for(rules, written(a, "program"), written(a, "reason"), takes, &a->place,
                                    &gift->programme, &gift->rule, d);
    if (rc == GOV_OK)
        rc = case_argument(m, a, "account", account, d);
    if (rc == GOV_OK)
        rc = case_argument(m, a, "points", &amount, d);
    if (rc == GOV_OK)
        rc = points_rule_amount(g, gift->rule, &gift->amount, d);
    if (rc != GOV_OK)
        return rc;
    if (amount.kind != VALUE_ABSENT)
        gift->amount = amount.kind == VALUE_INT ? amount.as.i : -1;
    gift->holder = account->kind == VALUE_INT ? account->as.i : 0;
    return GOV_OK;
}

static gov_status note_gift(case_machine *m, const points_gift *gift, value account, bool takes, const int64_t *transfer,
                            const diag *d)
{
    value_builder note;
    value_builder_init(&note, m->arena);
    value_builder_set(&note, "account", account);
    value_builder_set(&note, "points", value_int(gift->amount));
    value_builder_set(&note, "reason", value_text(gift->rule->name));
    value_builder_set(&note, "program", value_text(gift->programme->name));
    if (transfer != NULL)
        value_builder_set(&note, "transfer", value_int(*transfer));
    case_note_effect(m, takes ? "deduct" : "award", value_builder_map(&note));
    return note.failed ? base_nomem(d) : GOV_OK;
}

static gov_status run_effect(gov *g, case_machine *m, const rulebook_action *a, bool takes,
                             const diag *d)
{
    value account;
    int64_t transfer;
    points_gift gift;
    gov_status rc = read_gift(g, m, g->rules, a, takes, &gift, &account, d);
    if (rc == GOV_OK)
        rc = points_award(g, &gift, &transfer, d);
    return rc == GOV_OK ? note_gift(m, &gift, account, takes, &transfer, d) : rc;
}

static gov_status preview(gov *g, case_machine *m, const rulebook_action *a, bool takes, const diag *d)
{
    value account;
    points_gift gift;
    const gov_status rc = read_gift(g, m, m->rules, a, takes, &gift, &account, d);
    return rc == GOV_OK ? note_gift(m, &gift, account, takes, NULL, d) : rc;
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

static const case_runner award_runner = {run_award, preview_award},
                         deduct_runner = {run_deduct, preview_deduct};
static const rulebook_effect effects[] = {{"award", effect_params, ARRAY_LEN(effect_params),
                                           check_effect, (void *)(uintptr_t)&award_runner},
                                          {"deduct", effect_params, ARRAY_LEN(effect_params),
                                           check_effect, (void *)(uintptr_t)&deduct_runner}};

/* ---- balance(account, ledger) ---- */

static gov_status call_balance(void *user, const value *args, size_t n, value *out,
                               const expr_run *run, const diag *d)
{
    gov *g = case_gov_of(run);
    uint32_t book = 0;
    int64_t balance = 0;
    (void)user;
    (void)n;
    if (g == NULL)
        return base_fail(d, M_points_no_community);
    if (args[1].kind == VALUE_STRING) {
        for (uint32_t i = 0; i < g->rules->section_count && book == 0; i++) {
            const rulebook_section *s = &g->rules->sections[i];
            if (strcmp(s->kind, points_section.key) == 0 && strlen(s->name) == args[1].len &&
                memcmp(s->name, args[1].as.s, args[1].len) == 0)
                book = ((const points_programme *)s->content)->book;
        }
        if (book == 0)
            return base_fail(d, M_points_unknown, A_N("programme", args[1].as.s, args[1].len));
    } else if (args[1].as.i > 0 && args[1].as.i <= UINT32_MAX) {
        book = (uint32_t)args[1].as.i;
    }
    const gov_status rc = book != 0 ? points_balance(g, book, args[0].as.i, &balance, d) : GOV_OK;
    *out = value_int(balance);
    return rc;
}

static const expr_function functions[] = {{.name = "balance",
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
                                           .cost = 100}};

const rulebook_host points_words = {.sections = &points_section,
                                    .section_count = 1,
                                    .effects = effects,
                                    .effect_count = ARRAY_LEN(effects),
                                    .functions = functions,
                                    .function_count = ARRAY_LEN(functions)};
