/* The typed public calls on points, and what the room registers. */
#include "points/points.h"

#include <string.h>

const rulebook_section_kind points_section = {.key = "points", .load = points_load, .check = points_check, .schema = points_json_schema,
                                             .accounts = &points_movable};

static const access_call read_call = {"points.read", false}, write_call = {"points.write", true};

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
    return *out != NULL ? GOV_OK : points_unknown(g->rules, name, name != NULL ? strlen(name) : 0, NULL, d);
}

/* *record is the one named, *holder the one that has the account. */
static gov_status find_holder(gov *g, const asking *a, const points_programme **p, int64_t *record, int64_t *holder,
                              const diag *d)
{
    gov_status rc = find_programme(g, a->programme, p, d);
    const char *kind = rc == GOV_OK && a->kind == NULL ? (*p)->holder : a->kind;
    if (kind == NULL)
        kind = GOV_KIND_RESIDENT;
    if (rc == GOV_OK)
        rc = registry_find(g, kind, a->key, strlen(a->key), record, d);
    if (rc == GOV_OK)
        rc = registry_check_scope(g, a->action, *record, kind, a->key, d);
    return rc == GOV_OK ? points_holder(g, *p, *record, holder, d) : rc;
}

/* ---- one holder ---- */

static gov_status balance_body(gov *g, void *input, const diag *d)
{
    asking *a = input;
    const points_programme *p;
    int64_t record, holder;
    const gov_status rc = find_holder(g, a, &p, &record, &holder, d);
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

static gov_status statement_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    const points_programme *p;
    int64_t record, holder;
    value rows;
    gov_status rc = find_holder(g, a, &p, &record, &holder, d);
    if (rc == GOV_OK)
        rc = points_show_statement(g, p, holder, a->before, a->limit, &rows, d);
    return rc == GOV_OK ? access_answer(g, rows, a->out, d) : rc;
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
    points_given given;
    points_gift gift = {.amount = a->amount != 0 ? a->amount : POINTS_BY_RULE, .quantity = 1, .evidence = value_absent()};
    int64_t holder;
    gov_status rc = find_holder(g, a, &gift.programme, &gift.holder, &holder, d);
    if (rc != GOV_OK)
        return rc;
    gift.rule = points_find_rule(gift.programme, a->rule, false);
    if (gift.rule == NULL)
        gift.rule = points_find_rule(gift.programme, a->rule, true);
    if (gift.rule == NULL)
        return points_find_for(g->rules, gift.programme->name, a->rule, false, NULL, &gift.programme, &gift.rule, d);
    return points_give(g, &gift, &given, d);
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
    value rows;
    gov_status rc = access_check_whole(g, read_call.action, d);
    if (rc == GOV_OK)
        rc = find_programme(g, a->programme, &p, d);
    if (rc == GOV_OK)
        rc = points_show_top(g, p, a->limit, &rows, d);
    return rc == GOV_OK ? access_answer(g, rows, a->out, d) : rc;
}

gov_status gov_points_top(gov *g, const char *programme, uint32_t limit, gov_value **out,
                          gov_error **err)
{
    asking a = {.programme = programme, .limit = limit, .out = out};
    if (out == NULL || limit > 1000)
        return base_misuse(err, out == NULL ? "out" : "limit (0..1000)");
    return access_run(g, &read_call, top_body, &a, err);
}

static gov_status totals_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    value rows;
    gov_status rc = access_check_whole(g, read_call.action, d);
    if (rc == GOV_OK)
        rc = points_show_totals(g, &rows, d);
    return rc == GOV_OK ? access_answer(g, rows, a->out, d) : rc;
}

gov_status gov_points_totals(gov *g, gov_value **out, gov_error **err)
{
    asking a = {.out = out};
    return out == NULL ? base_misuse(err, "out") : access_run(g, &read_call, totals_body, &a, err);
}
