/* The public calls on points. */
#include "points/points.h"

#include <string.h>

static const access_call read_call = {"ledger.read", false}, write_call = {"ledger.write", true};

typedef struct asking {
    const char *action; /* a scoped role reaches the holders of its own part */
    const char *programme, *kind, *key, *rule;
    int64_t amount, before, balance;
    uint32_t limit;
    gov_value **out;
} asking;

static gov_status find_programme(gov *g, const char *name, const points_programme **out,
                                 const diag *d)
{
    *out = points_find(g->rules, name);
    return *out != NULL ? GOV_OK : base_fail(d, M_points_unknown, A_S("programme", name));
}

static gov_status find_holder(gov *g, const asking *a, const points_programme **p, int64_t *holder,
                              const diag *d)
{
    int64_t record = 0;
    gov_status rc = find_programme(g, a->programme, p, d);
    const char *kind = rc == GOV_OK && a->kind == NULL ? (*p)->holder : a->kind;
    if (rc == GOV_OK)
        rc = registry_find(g, kind, a->key, strlen(a->key), &record, d);
    if (rc == GOV_OK)
        rc = registry_check_scope(g, a->action, record, kind, a->key, d);
    return rc == GOV_OK ? points_holder(g, *p, record, holder, d) : rc;
}

/* ---- one holder ---- */

static gov_status balance_body(gov *g, void *input, const diag *d)
{
    asking *a = input;
    const points_programme *p;
    int64_t holder;
    const gov_status rc = find_holder(g, a, &p, &holder, d);
    return rc == GOV_OK ? points_balance(g, p->book, holder, &a->balance, d) : rc;
}

gov_status gov_points_balance(gov *g, const char *programme, const char *kind, const char *key,
                              int64_t *balance, gov_error **err)
{
    asking a = {.action = read_call.action, .programme = programme, .kind = kind, .key = key};
    if (key == NULL || balance == NULL)
        return base_misuse(err, key == NULL ? "key" : "balance");
    const gov_status rc = access_run(g, &read_call, balance_body, &a, err);
    if (rc == GOV_OK)
        *balance = a.balance;
    return rc;
}

static gov_status show_row(gov *g, ledger *l, const points_programme *p, const ledger_transfer *t,
                           const ledger_balance *after, value_builder *list, const diag *d)
{
    char name[65];
    value_builder b;
    const bool takes = t->code == POINTS_CODE_DEDUCTION;
    const gov_status rc = ledger_reason_name(l, p->book, t->reason, name, d);
    if (rc != GOV_OK)
        return rc;
    const points_rule *rule = points_find_rule(p, name, takes);
    const char *title =
        rule != NULL
            ? rulebook_text_in(&rule->title,
                               g->rules->languages.count > 0 ? g->rules->languages.items[0] : "",
                               NULL)
            : NULL;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "at", value_from_us(t->timestamp));
    value_builder_set(&b, "points", value_int(takes ? -t->amount : t->amount));
    value_builder_set(&b, "balance", value_int(after->credits_posted - after->debits_posted));
    value_builder_set_copy(&b, "reason", name);
    value_builder_set(&b, "title", title != NULL ? value_text(title) : value_null());
    value_builder_set(&b, "case", t->subject != 0 ? value_int(t->subject) : value_null());
    value_builder_set(&b, "transfer", value_int(t->id));
    list->failed = list->failed || b.failed;
    value_builder_add(list, value_builder_map(&b));
    return GOV_OK;
}

static gov_status show_rows(gov *g, const asking *a, const points_programme *p, int64_t account,
                            value_builder *list, const diag *d)
{
    ledger *l;
    size_t count = 0, same = 0;
    const ledger_filter f = {.account = account,
                             .timestamp_max = a->before > 0 ? a->before - 1 : 0,
                             .flags = GOV_LEDGER_REVERSED};
    ledger_transfer *rows = base_arena_array(&g->scratch, a->limit, sizeof *rows);
    ledger_balance *after = base_arena_array(&g->scratch, a->limit, sizeof *after);
    if (rows == NULL || after == NULL)
        return base_nomem(d);
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK && account != 0)
        rc = ledger_account_transfers(l, &f, rows, a->limit, &count, d);
    if (rc == GOV_OK && account != 0)
        rc = ledger_account_balances(l, &f, after, a->limit, &same, d);
    for (size_t i = 0; i < count && i < same && rc == GOV_OK; i++)
        rc = show_row(g, l, p, &rows[i], &after[i], list, d);
    return rc;
}

static gov_status publish(gov *g, const value_builder *list, gov_value **out, const diag *d)
{
    return list->failed ? base_nomem(d) : access_answer(g, value_builder_list(list), out, d);
}

static gov_status statement_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    const points_programme *p;
    int64_t holder, account = 0;
    value_builder list;
    ledger *l;
    value_builder_init(&list, &g->scratch);
    gov_status rc = find_holder(g, a, &p, &holder, d);
    if (rc == GOV_OK)
        rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_find_account(l, p->book, holder, POINTS_CODE_HOLDER, &account, d);
    if (rc == GOV_OK)
        rc = show_rows(g, a, p, account, &list, d);
    return rc == GOV_OK ? publish(g, &list, a->out, d) : rc;
}

gov_status gov_points_statement(gov *g, const char *programme, const char *kind, const char *key,
                                int64_t before, uint32_t limit, gov_value **out, gov_error **err)
{
    asking a = {.action = read_call.action,
                .programme = programme,
                .kind = kind,
                .key = key,
                .before = before,
                .limit = limit != 0 ? limit : 50,
                .out = out};
    if (key == NULL || out == NULL || limit > 1000 || before < 0)
        return base_misuse(err, key == NULL    ? "key"
                                : out == NULL  ? "out"
                                : limit > 1000 ? "limit"
                                               : "before");
    return access_run(g, &read_call, statement_body, &a, err);
}

/* ---- giving by hand ---- */

static gov_status award_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    points_gift gift = {.amount = a->amount};
    gov_status rc = find_holder(g, a, &gift.programme, &gift.holder, d);
    if (rc != GOV_OK)
        return rc;
    gift.rule = points_find_rule(gift.programme, a->rule, false);
    if (gift.rule == NULL)
        gift.rule = points_find_rule(gift.programme, a->rule, true);
    if (gift.rule == NULL)
        return points_find_for(g->rules, gift.programme->name, a->rule, false, NULL, &gift.programme, &gift.rule, d);
    if (rc == GOV_OK && a->amount == 0 && gift.rule->amount == NULL)
        return base_fail(d, M_points_no_amount, A_S("rule", a->rule));
    if (rc == GOV_OK && a->amount == 0)
        rc = points_rule_amount(g, gift.rule, &gift.amount, d);
    return rc == GOV_OK ? points_award(g, &gift, NULL, d) : rc;
}

gov_status gov_points_award(gov *g, const char *programme, const char *kind, const char *key,
                            const char *rule, int64_t amount, gov_error **err)
{
    asking a = {.action = write_call.action, .programme = programme, .kind = kind, .key = key, .rule = rule, .amount = amount};
    if (key == NULL || rule == NULL)
        return base_misuse(err, key == NULL ? "key" : "rule");
    return access_run(g, &write_call, award_body, &a, err);
}

/* ---- all holders ---- */

static gov_status top_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    const points_programme *p;
    ledger *l;
    size_t count = 0, rank = 0;
    value_builder list;
    ledger_account *top = base_arena_array(&g->scratch, a->limit, sizeof *top);
    if (top == NULL)
        return base_nomem(d);
    gov_status rc = access_check_whole(g, read_call.action, d);
    if (rc == GOV_OK)
        rc = find_programme(g, a->programme, &p, d);
    if (rc == GOV_OK)
        rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_top(l, p->book, POINTS_CODE_HOLDER, top, a->limit, &count, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&list, &g->scratch);
    int64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t points = top[i].credits_posted - top[i].debits_posted;
        value_builder b;
        if (i == 0 || points != before)
            rank = i + 1;
        before = points;
        value_builder_init(&b, &g->scratch);
        value_builder_set(&b, "rank", value_int((int64_t)rank));
        value_builder_set(&b, "points", value_int(points));
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    return publish(g, &list, a->out, d);
}

gov_status gov_points_top(gov *g, const char *programme, uint32_t limit, gov_value **out,
                          gov_error **err)
{
    asking a = {.programme = programme, .limit = limit != 0 ? limit : 10, .out = out};
    if (out == NULL || limit > 1000)
        return base_misuse(err, out == NULL ? "out" : "limit");
    return access_run(g, &read_call, top_body, &a, err);
}

static gov_status totals_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    const char *lang = g->rules->languages.count > 0 ? g->rules->languages.items[0] : "";
    value_builder list;
    const gov_status may = access_check_whole(g, read_call.action, d);
    if (may != GOV_OK)
        return may;
    value_builder_init(&list, &g->scratch);
    for (uint32_t i = 0; i < g->rules->section_count; i++) {
        const rulebook_section *s = &g->rules->sections[i];
        points_total t;
        value_builder b;
        if (strcmp(s->kind, points_section.key) != 0)
            continue;
        const points_programme *p = s->content;
        const gov_status rc = points_total_of(g, p, &t, d);
        if (rc != GOV_OK)
            return rc;
        value_builder_init(&b, &g->scratch);
        value_builder_set(&b, "programme", value_text(p->name));
        value_builder_set(&b, "title", value_text(rulebook_text_in(&p->title, lang, p->name)));
        value_builder_set(&b, "unit", value_text(rulebook_text_in(&p->unit, lang, "")));
        value_builder_set(&b, "holders", value_int(t.holders));
        value_builder_set(&b, "given", value_int(t.given));
        value_builder_set(&b, "taken", value_int(t.taken));
        value_builder_set(&b, "outstanding", value_int(t.out));
        value_builder_set(&b, "sum", value_int(t.sum));
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    return publish(g, &list, a->out, d);
}

gov_status gov_points_totals(gov *g, gov_value **out, gov_error **err)
{
    asking a = {.out = out};
    return out == NULL ? base_misuse(err, "out") : access_run(g, &read_call, totals_body, &a, err);
}
