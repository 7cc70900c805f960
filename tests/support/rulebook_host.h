/* A host for rulebooks under test: effects, a section and a function such as the rooms above register. */
#ifndef GOV_TEST_RULEBOOK_HOST_H
#define GOV_TEST_RULEBOOK_HOST_H

#include "rulebook/rulebook.h"

static const rulebook_param host_assign[] = {
    {.name = "unit", .kind = RULEBOOK_PARAM_EXPR, .refs = RULEBOOK_REF(RULEBOOK_UNIT) | RULEBOOK_REF_KEYS},
    {.name = "staff", .kind = RULEBOOK_PARAM_EXPR, .refs = RULEBOOK_REF(RULEBOOK_STAFF) | RULEBOOK_REF_KEYS},
    {.name = "grid", .kind = RULEBOOK_PARAM_EXPR, .refs = RULEBOOK_REF(RULEBOOK_GRID) | RULEBOOK_REF_KEYS},
};
static const rulebook_param host_notify[] = {
    {.name = "to", .kind = RULEBOOK_PARAM_EXPR, .required = true,
     .refs = RULEBOOK_REF(RULEBOOK_RESIDENT) | RULEBOOK_REF(RULEBOOK_UNIT) | RULEBOOK_REF(RULEBOOK_STAFF) | RULEBOOK_REF_KEYS},
    {.name = "template", .kind = RULEBOOK_PARAM_TEMPLATE, .required = true},
    {.name = "data", .kind = RULEBOOK_PARAM_EXPRS},
};
static const rulebook_param host_open[] = {
    {.name = "workflow", .kind = RULEBOOK_PARAM_WORKFLOW, .required = true},
    {.name = "fields", .kind = RULEBOOK_PARAM_EXPRS, .fields_of = "workflow"},
    {.name = "link", .kind = RULEBOOK_PARAM_NAME},
    {.name = "each", .kind = RULEBOOK_PARAM_EXPR, .type = EXPR_LIST},
    {.name = "as", .kind = RULEBOOK_PARAM_VAR},
    {.name = "key", .kind = RULEBOOK_PARAM_EXPR},
};
static const rulebook_param host_award[] = {
    {.name = "account", .kind = RULEBOOK_PARAM_EXPR, .required = true},
    {.name = "points", .kind = RULEBOOK_PARAM_EXPR, .required = true, .type = EXPR_INT},
    {.name = "reason", .kind = RULEBOOK_PARAM_NAME},
};
static const rulebook_param host_ballot[] = {
    {.name = "id", .kind = RULEBOOK_PARAM_ID, .required = true},
    {.name = "question", .kind = RULEBOOK_PARAM_TEXT},
    {.name = "within", .kind = RULEBOOK_PARAM_DURATION},
};
static const rulebook_datum host_votes[] = {{"yes", EXPR_INT}, {"no", EXPR_INT}};
static const rulebook_datum host_why[] = {{"reason", EXPR_STRING}};
static const rulebook_report host_reports[] = {{.name = "done", .data = host_votes, .data_count = 2},
                                               {.name = "failed", .data = host_why, .data_count = 1},
                                               {.name = "expired", .by_time = true}};
static const rulebook_effect host_effects[] = {
    {.name = "assign", .params = host_assign, .param_count = ARRAY_LEN(host_assign)},
    {.name = "notify", .params = host_notify, .param_count = ARRAY_LEN(host_notify)},
    {.name = "open", .params = host_open, .param_count = ARRAY_LEN(host_open)},
    {.name = "award", .params = host_award, .param_count = ARRAY_LEN(host_award)},
    {.name = "ballot", .params = host_ballot, .param_count = ARRAY_LEN(host_ballot), .reports = host_reports, .report_count = 3},
    {.name = "poll", .params = host_ballot, .param_count = ARRAY_LEN(host_ballot), .reports = host_reports, .report_count = 1},
};

/* What a section's loader may make of its definition: the sum of the amounts, when they are constant. */
typedef struct host_points {
    int64_t ledger;
    const expr_program *amount;
    rulebook_text unit;
} host_points;

static gov_status host_read_points(void *user, rulebook_loader *l, const char *name, const rb_node *root, void **out)
{
    static const char *const keys[] = {"!points", "title", "!ledger", "unit", "holder", "earn", NULL};
    static const char *const earn_keys[] = {"title", "!amount", NULL};
    static const char *const holders[] = {"household", "resident", NULL};
    host_points *p = base_arena_alloc(rulebook_loader_arena(l), sizeof *p);
    (void)user;
    (void)name;
    if (p == NULL)
        return base_nomem(rulebook_loader_diag(l));
    rulebook_read_keys(l, root, "points", keys);
    p->ledger = rulebook_read_int(l, rulebook_get(root, "ledger"), "ledger", 1, 1000, 1);
    p->unit = rulebook_read_text(l, rulebook_get(root, "unit"));
    (void)rulebook_read_word(l, rulebook_get(root, "holder"), "holder", holders, 0);
    const rb_node *earn = rulebook_get(root, "earn");
    for (size_t i = 0; i < rulebook_count(earn); i++)
        if (rulebook_read_keys(l, rulebook_item(earn, i), "earn", earn_keys))
            p->amount = rulebook_read_expr(l, rulebook_get(rulebook_item(earn, i), "amount"), EXPR_INT, NULL);
    *out = p;
    return GOV_OK;
}
static const rulebook_section_kind host_sections[] = {{.key = "points", .load = host_read_points}};

static bool host_in_state(void *run_user, const rulebook_workflow *w, uint32_t state)
{
    (void)w;
    return run_user != NULL && *(const uint32_t *)run_user == state;
}

static const rulebook_host test_host = {
    .sections = host_sections,
    .section_count = ARRAY_LEN(host_sections),
    .effects = host_effects,
    .effect_count = ARRAY_LEN(host_effects),
    .in_state = host_in_state,
};

#endif
