/* What the rules of a case ask of the community: functions that read inside the step. */
#include "case/live.h"

#include <string.h>

/* Units of an evaluation: one case is read, with its fields and its filter begun. */
enum { COST_OF_CASE = 40, PAGE = 256, LONGEST_KIND = 65 };

static gov_status community_of(const char *function, const expr_run *run, gov **out, const diag *d)
{
    *out = case_gov_of(run);
    return *out != NULL ? GOV_OK : base_fail(d, M_no_community, A_S("function", function));
}

const cal_calendar *case_calendar_of(const expr_run *run, const char *name)
{
    case_machine *m = case_machine_running(run);
    return m != NULL ? m->asked = case_calendar(m, name != NULL ? name : m->w->calendar) : NULL;
}

static gov_status call_members(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    gov *g;
    (void)user;
    (void)n;
    const gov_status status = community_of("members", run, &g, d);
    return status == GOV_OK ? registry_members(g, args[0], run->scratch, out, d) : status;
}

static gov_status call_within(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    gov *g;
    bool within = false;
    (void)user;
    (void)n;
    gov_status status = community_of("within", run, &g, d);
    if (status == GOV_OK)
        status = registry_within(g, args[0], args[1], &within, d);
    *out = value_bool(within);
    return status;
}

/* ---- count(kind, filter) ---- */

/* The case as a filter sees it; what the actor may not see plain is not there. */
static gov_status visible(gov *g, case_machine *m, const access_subject *scope, value *out, const diag *d)
{
    value_builder b;
    gov_status status = GOV_OK;
    value_builder_init(&b, m->arena);
    value_builder_set(&b, "id", value_int(m->id));
    value_builder_set(&b, "number", m->number != NULL ? value_text(m->number) : value_null());
    value_builder_set(&b, "workflow", value_text(m->w->name));
    value_builder_set(&b, "open", value_bool(m->closed_us == 0));
    value_builder_set(&b, "opened_at", value_from_us(m->opened_us));
    const struct {
        const char *name;
        int64_t id;
    } ids[] = {{"grid", m->grid}, {"unit", m->unit}, {"assignee", m->staff}, {"reporter", m->reporter}, {"parent", m->parent}};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        value_builder_set(&b, ids[i].name, ids[i].id != 0 ? value_int(ids[i].id) : value_null());
    for (uint32_t i = 0; i < m->w->fields.count && status == GOV_OK; i++) {
        const rulebook_field *f = &m->w->fields.items[i];
        const value v = case_field(m, i);
        bool may = v.kind != VALUE_ABSENT;
        if (may && f->sensitive != NULL && g->actor.kind != ACCESS_RULES)
            status = access_may_see(g, f->sensitive, scope, &may, d);
        if (status == GOV_OK && may)
            value_builder_set(&b, f->name, v);
    }
    *out = value_builder_map(&b);
    return status == GOV_OK && b.failed ? base_nomem(d) : status;
}

static gov_status counts(gov *g, int64_t id, const rulebook_filter *filter, const expr_run *run, base_arena *arena,
                         bool *yes, const diag *d)
{
    case_machine m;
    value it;
    gov_status status = expr_spend(run, COST_OF_CASE, d);
    if (status == GOV_OK)
        status = case_load(g, id, false, arena, &m, d);
    if (status != GOV_OK)
        return status;
    const access_subject scope = case_subject(&m);
    status = access_reaches(g, "case.read", &scope, yes, d);
    if (status == GOV_OK && *yes && filter != NULL) {
        expr_run inner = *run;
        inner.scratch = arena;
        status = visible(g, &m, &scope, &it, d);
        if (status == GOV_OK)
            status = rulebook_filter_holds(filter, &inner, it, yes, d);
    }
    case_machine_free(&m);
    return status;
}

static gov_status read_ids(gov *g, const char *workflow, int64_t after, int64_t *ids, size_t *n, const diag *d)
{
    static const store_sql sql = {"SELECT id FROM gov_case WHERE community = $1 AND workflow = $2 AND id > $3 ORDER BY id LIMIT $4"};
    store_rows rows;
    *n = 0;
    gov_status status = store_query(
        g->store, &sql, STORE_ARGS(store_i(g->community), store_s(workflow), store_i(after), store_i(PAGE)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK)
        ids[(*n)++] = store_int(&rows, 0);
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

static gov_status count_cases(gov *g, const char *workflow, const rulebook_filter *filter, const expr_run *run,
                              int64_t *count, const diag *d)
{
    int64_t ids[PAGE];
    size_t n = PAGE;
    base_arena arena;
    base_arena_init(&arena, g->alloc);
    gov_status status = g->actor.kind == ACCESS_RULES ? GOV_OK : access_check(g, "case.read", d);
    for (int64_t after = 0; status == GOV_OK && n == PAGE; after = n > 0 ? ids[n - 1] : after) {
        status = read_ids(g, workflow, after, ids, &n, d);
        for (size_t i = 0; status == GOV_OK && i < n; i++) {
            bool yes = false;
            status = counts(g, ids[i], filter, run, &arena, &yes, d);
            *count += yes;
            base_arena_reset(&arena);
        }
    }
    base_arena_free(&arena);
    return status;
}

/* A kind of record or a workflow, as a C string; false: neither can have that name. */
static bool kind_text(value v, char out[LONGEST_KIND])
{
    if (v.kind != VALUE_STRING || v.len >= LONGEST_KIND || memchr(v.as.s, '\0', v.len) != NULL)
        return false;
    memcpy(out, v.as.s, v.len);
    out[v.len] = '\0';
    return true;
}

static bool has_workflow(const rulebook *rb, const char *name)
{
    for (uint32_t i = 0; i < rb->workflows.count; i++)
        if (strcmp(rb->workflows.items[i], name) == 0)
            return true;
    return false;
}

static gov_status call_count(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    const rulebook *rb = user;
    rulebook_filter filter = {0};
    char kind[LONGEST_KIND];
    int64_t count = 0;
    gov *g;
    gov_status status = community_of("count", run, &g, d);
    if (status != GOV_OK)
        return status;
    const bool known = kind_text(args[0], kind);
    const bool records = known && registry_kind_known(kind);
    if (!records && (!known || !has_workflow(g->rules, kind)))
        return base_fail(d, M_unknown_name, A_S("kind", "record or workflow"), A_N("name", args[0].as.s, args[0].len));
    if (n == 2)
        status = rulebook_filter_new(g->alloc, rb, args[1].as.s, args[1].len, &filter, d);
    const rulebook_filter *which = n == 2 ? &filter : NULL;
    if (status == GOV_OK)
        status = records ? registry_count(g, kind, which, run, &count, d) : count_cases(g, kind, which, run, &count, d);
    if (n == 2)
        rulebook_filter_free(&filter, g->alloc);
    *out = value_int(count);
    return status;
}

/* The nearest of the workflows, and of the kinds of records if they may stand here too. */
static gov_status unknown_kind(const rulebook *rb, value v, bool records, const base_place *place, const diag *d)
{
    const char *best = NULL;
    const rulebook_host *part;
    for (size_t i = 0; i < rb->workflows.count; i++) {
        const char *const pair[] = {best, rb->workflows.items[i]};
        best = base_nearest(v.as.s, v.len, pair, 2);
    }
    for (size_t p = 0; records && (part = rulebook_host_part(rb->host, p)) != NULL; p++)
        for (size_t i = 0; i < part->builtin_count; i++) {
            const char *const pair[] = {best, part->builtins[i].kind};
            best = base_nearest(v.as.s, v.len, pair, 2);
        }
    return base_fail_at(d, place, M_unknown_name, A_S("kind", records ? "record or workflow" : "workflow"),
                        A_N("name", v.as.s, v.len), A_S("near", best));
}

static gov_status check_count(void *user, const value *args, size_t n, const expr_spot *spots, const diag *d)
{
    const rulebook *rb = user;
    char kind[LONGEST_KIND] = "";
    gov_status status = GOV_OK;
    const bool text = args[0].kind == VALUE_STRING && kind_text(args[0], kind);
    const bool record = text && registry_kind_known(kind);
    const bool known = record || (text && has_workflow(rb, kind));
    if (args[0].kind == VALUE_STRING && !known)
        status = unknown_kind(rb, args[0], true, &spots[0].place, d);
    const gov_status filter =
        n == 2 ? rulebook_filter_check(rb, args[1], known ? kind : NULL, &spots[1], d) : GOV_OK;
    return status != GOV_OK ? status : filter;
}

/* ---- cases(workflow, field, value) ---- */

static const rulebook_field *indexed_field(const rulebook *rb, value workflow, value field)
{
    char name[LONGEST_KIND];
    const rulebook_workflow *w;
    if (!kind_text(workflow, name) || rulebook_get_workflow(rb, name, &w, NULL) != GOV_OK || field.kind != VALUE_STRING)
        return NULL;
    const rulebook_field *f = rulebook_find_field(&w->fields, field.as.s, field.len);
    return f != NULL && f->indexed ? f : NULL;
}

static gov_status call_cases(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    char workflow[LONGEST_KIND];
    gov *g;
    (void)user;
    (void)n;
    const gov_status status = community_of("cases", run, &g, d);
    if (status != GOV_OK)
        return status;
    const rulebook_field *f = indexed_field(g->rules, args[0], args[1]);
    if (f == NULL || !kind_text(args[0], workflow))
        return base_fail(d, M_field_not_indexed, A_N("field", args[1].as.s, args[1].len));
    return case_alike(case_machine_running(run), workflow, f->name, args[2], out, d);
}

static gov_status check_cases(void *user, const value *args, size_t n, const expr_spot *spots, const diag *d)
{
    char kind[LONGEST_KIND];
    (void)n;
    if (args[0].kind != VALUE_STRING)
        return GOV_OK;
    if (!kind_text(args[0], kind) || !has_workflow(user, kind))
        return unknown_kind(user, args[0], false, &spots[0].place, d);
    return rulebook_check_indexed(user, kind, args[1], &spots[1].place, d);
}

#define LIST_OF_INTS (EXPR_LIST | EXPR_INT << 4)
const expr_function case_functions[CASE_FUNCTIONS] = {
    {.name = "members", .argc = 1, .args = {EXPR_INT}, .result = LIST_OF_INTS, .call = call_members, .cost = 50},
    {.name = "members", .argc = 1, .args = {EXPR_STRING}, .result = LIST_OF_INTS, .call = call_members, .cost = 50},
    {.name = "within", .argc = 2, .args = {EXPR_MAP, EXPR_INT}, .result = EXPR_BOOL, .call = call_within, .cost = 20},
    {.name = "within", .argc = 2, .args = {EXPR_MAP, EXPR_STRING}, .result = EXPR_BOOL, .call = call_within, .cost = 20},
    {.name = "count", .argc = 1, .args = {EXPR_STRING}, .result = EXPR_INT, .call = call_count, .check = check_count, .cost = 50},
    {.name = "count", .argc = 2, .args = {EXPR_STRING, EXPR_STRING}, .result = EXPR_INT, .call = call_count,
     .check = check_count, .cost = 50},
    {.name = "cases", .argc = 3, .args = {EXPR_STRING, EXPR_STRING, EXPR_DYN}, .result = EXPR_LIST, .call = call_cases,
     .check = check_cases, .cost = 200},
};
