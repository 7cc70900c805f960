/* What a filter over cases may name, and where the store keeps it.
 *
 * A filter sees a case as a list shows it: references are keys, sensitive fields are not there for those who may not see them. Fields come
 * from the index, as the rules now in force declare them: a case that was opened under others counts by what the index has of it. */
#include "case/live.h"

#include <string.h>

typedef struct part {
    const char *name;
    access_domain domain;
    const char *sql;
    bool null;
    const char *kind; /* of records */
} part;

static const part parts[] = {
    {"id", ACCESS_INT, "c.id", false, NULL},
    {"number", ACCESS_TEXT, "c.number", false, NULL},
    {"workflow", ACCESS_TEXT, "c.workflow", false, NULL},
    {"opened_at", ACCESS_TIME, "c.opened_us", false, NULL},
    {"reporter", ACCESS_KEY, "c.reporter", true, GOV_KIND_RESIDENT},
    {"assignee", ACCESS_KEY, "c.staff", true, GOV_KIND_STAFF},
    {"unit", ACCESS_KEY, "c.unit", true, GOV_KIND_UNIT},
    {"grid", ACCESS_KEY, "c.grid", true, GOV_KIND_GRID},
    {"parent", ACCESS_INT, "c.parent", true, NULL},
};
/* Where no workflow has a field of that name. */
static const part further_parts[] = {
    {"closed_at", ACCESS_TIME, "c.closed_us", true, NULL},
    {"outcome", ACCESS_TEXT, "c.outcome", true, NULL},
    {"source", ACCESS_TEXT, "c.source", true, NULL},
    {"outside_number", ACCESS_TEXT, "c.outside_number", true, NULL},
};

static const access_column word_column = {
    .sql = "w.word",
    .within = "c.id IN (SELECT w.case_id FROM gov_case_word w WHERE w.community = $1 AND w.field = ",
    .not_within = "c.id NOT IN (SELECT w.case_id FROM gov_case_word w WHERE w.community = $1 AND w.field = ",
    .beside = "gov_case_word w, ",
    .beside_on = " AND w.community = $1 AND w.case_id = c.id AND w.field = ",
    .beside_id = "w.case_id"};
static const char clock_within[] = "EXISTS (SELECT 1 FROM gov_case_clock k WHERE k.community = $1 "
                                   "AND k.case_id = c.id AND k.name = ";
static const char clock_not_within[] = "NOT EXISTS (SELECT 1 FROM gov_case_clock k WHERE "
                                       "k.community = $1 AND k.case_id = c.id AND k.name = ";

static const char clock_beside[] = "gov_case_clock k, ";
static const char clock_beside_on[] = " AND k.community = $1 AND k.case_id = c.id AND k.name = ";

typedef struct table {
    registry_offer offer;
    const char *workflow;     /* NULL: all of them */
    const char *states_known; /* a condition */
} table;

static void fail(table *t, gov_status status)
{
    registry_offer_fail(&t->offer, status);
}

static bool failed(const table *t)
{
    return t->offer.status != GOV_OK;
}

static void add_parts(table *t, const part *some, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const access_column c = {.name = registry_offer_name(&t->offer, "case.", some[i].name, ""),
                                 .domain = (uint8_t)some[i].domain,
                                 .null_is_value = some[i].null,
                                 .sql = some[i].sql,
                                 .kind = some[i].kind};
        if (c.name != NULL && registry_offer_find(&t->offer, c.name) == NULL)
            (void)registry_offer_add(&t->offer, &c);
    }
}

/* ---- fields ---- */

static bool same_text(const char *a, const char *b)
{
    return strcmp(base_text_or_empty(a), base_text_or_empty(b)) == 0;
}

static void add_fields(table *t, const rulebook_workflow *w)
{
    for (uint32_t i = 0; i < w->fields.count && !failed(t); i++) {
        const access_column c = registry_offer_field(&t->offer, "case.", &w->fields.items[i], &word_column);
        access_column *before = c.name != NULL ? registry_offer_find(&t->offer, c.name) : NULL;
        if (before == NULL) {
            (void)registry_offer_add(&t->offer, &c);
            continue;
        }
        before->cut = before->cut || c.cut;
        before->hidden = before->hidden || c.hidden;
        if (before->domain == c.domain && (before->sql == NULL) == (c.sql == NULL) &&
            same_text(before->kind, c.kind))
            continue;
        registry_offer_refuse(&t->offer, before, M_filter_mixed);
    }
}

/* ---- clocks ---- */

static const char *breached(table *t)
{
    base_buf sql;
    base_buf_init(&sql, t->offer.g->alloc);
    base_buf_str(&sql, "(k.breached_us IS NOT NULL OR (k.state = 1 AND k.due_us < ");
    base_buf_int(&sql, access_now(t->offer.g));
    base_buf_str(&sql, "))");
    char *kept = sql.failed ? NULL : base_arena_strndup(t->offer.arena, sql.data, sql.len);
    base_buf_free(&sql);
    if (kept == NULL)
        fail(t, base_nomem(t->offer.d));
    return kept;
}

/* A clock of several workflows is theirs only. */
static rulebook_names with_name(table *t, rulebook_names names, const char *name)
{
    const char **items = base_arena_array(t->offer.arena, names.count + 1, sizeof *items);
    if (items == NULL) {
        fail(t, base_nomem(t->offer.d));
        return names;
    }
    if (names.count > 0)
        memcpy(items, names.items, names.count * sizeof *items);
    items[names.count] = name;
    return (rulebook_names){items, names.count + 1};
}

static void add_clocks(table *t, const rulebook_workflow *w)
{
    static const struct {
        const char *name, *sql;
        access_domain domain;
    } readings[] = {{".due", "CASE WHEN k.state = 2 AND k.budget > 0 THEN NULL ELSE k.due_us END", ACCESS_TIME}, /* case_clock_due */
                    {".running", "k.state = 1", ACCESS_FLAG},
                    {".breached", "", ACCESS_FLAG},
                    {".left", NULL, ACCESS_SPAN},
                    {".consumed", NULL, ACCESS_SPAN}};
    for (uint32_t i = 0; i < w->clock_count; i++)
        for (size_t k = 0; k < ARRAY_LEN(readings) && !failed(t); k++) {
            const char *name = registry_offer_name(&t->offer, "clocks.", w->clocks[i].name, readings[k].name);
            access_column c = {.name = name,
                               .domain = (uint8_t)readings[k].domain,
                               .null_is_value = k == 0,
                               .sql = readings[k].sql,
                               .why = M_filter_term,
                               .within = clock_within,
                               .not_within = clock_not_within,
                               .owner = w->clocks[i].name,
                               .beside = clock_beside,
                               .beside_on = clock_beside_on,
                               .beside_id = "k.case_id",
                               .only_sql = "c.workflow"};
            if (k == 2)
                c.sql = breached(t);
            access_column *column = name != NULL ? registry_offer_find(&t->offer, name) : NULL;
            if (column == NULL)
                column = registry_offer_add(&t->offer, &c);
            if (column != NULL && t->workflow == NULL)
                column->only = with_name(t, column->only, w->name);
        }
}

/* ---- In('path') ---- */

/* What a state's text has behind its first four characters; what a history keeps follows after a blank, each with a "=". */
static const char states[] = "(',' || substr(c.state, 5) || ',')";
static const char no_history[] = "length(replace(c.state, '=', '')) = length(c.state)";

/* The store answers it, never this. */
static gov_status in_state(void *user, const value *args, size_t n, value *out, const expr_run *run,
                           const diag *d)
{
    (void)user;
    (void)args;
    (void)n;
    (void)run;
    (void)d;
    *out = value_bool(false);
    return GOV_OK;
}

static bool of_list(const table *t, const char *workflow)
{
    return t->workflow == NULL || strcmp(t->workflow, workflow) == 0;
}

static bool keeps_history(const rulebook_workflow *w)
{
    for (uint32_t s = 0; s < chart_state_count(w->chart); s++)
        if (chart_kind_of(w->chart, s) == CHART_SHALLOW || chart_kind_of(w->chart, s) == CHART_DEEP)
            return true;
    return false;
}

static gov_status unknown_state(const table *t, value path, const base_place *place, const diag *d)
{
    const char *names[256];
    size_t count = 0;
    const rulebook_names *all = &t->offer.g->rules->workflows;
    for (size_t i = 0; i < all->count; i++) {
        const rulebook_workflow *w;
        if (!of_list(t, all->items[i]))
            continue;
        const gov_status status = rulebook_get_workflow(t->offer.g->rules, all->items[i], &w, d);
        if (status != GOV_OK)
            return status;
        for (uint32_t s = 0; s < chart_state_count(w->chart) && count < ARRAY_LEN(names); s++)
            names[count++] = chart_path(w->chart, s);
    }
    return base_fail_at(d, place, M_undeclared_reference, A_N("name", path.as.s, path.len),
                        A_S("near", base_nearest(path.as.s, path.len, names, count)));
}

/* A state that no workflow of the list has is a slip of the pen. */
static gov_status check_state(void *user, const value *args, size_t n, const expr_spot *spots,
                              const diag *d)
{
    const table *t = user;
    const rulebook_names *all = &t->offer.g->rules->workflows;
    bool found = false;
    if (n < 1 || args[0].kind != VALUE_STRING)
        return base_fail_at(d, &spots->place, M_filter_term);
    for (size_t i = 0; i < all->count; i++) {
        const rulebook_workflow *w;
        if (!of_list(t, all->items[i]))
            continue;
        const gov_status status = rulebook_get_workflow(t->offer.g->rules, all->items[i], &w, d);
        if (status != GOV_OK)
            return status;
        if (chart_find(w->chart, args[0].as.s, args[0].len) == CHART_NONE)
            continue;
        if (keeps_history(w))
            return base_fail_at(d, &spots->place, M_filter_history);
        found = true;
    }
    return found ? GOV_OK : unknown_state(t, args[0], &spots->place, d);
}

/* What a history keeps is not mistaken for active: workflows that have one now have none of the states asked for, and a case of others
 * with a history, from rules of before, is not known. */
static void note_history(table *t, const rulebook_workflow *w)
{
    base_buf sql;
    if (!keeps_history(w) || failed(t))
        return;
    base_buf_init(&sql, t->offer.g->alloc);
    base_buf_fmt(&sql, "%s OR c.workflow = '%s'", t->states_known, w->name);
    t->states_known = sql.failed ? NULL : base_arena_strndup(t->offer.arena, sql.data, sql.len);
    base_buf_free(&sql);
    if (t->states_known == NULL)
        fail(t, base_nomem(t->offer.d));
}

static void add_in(table *t)
{
    const expr_function f = {.name = "In",
                             .argc = 1,
                             .args = {EXPR_STRING},
                             .result = EXPR_BOOL,
                             .call = in_state,
                             .check = check_state,
                             .user = t};
    if (!failed(t))
        fail(t, expr_scope_function(t->offer.scope, &f, t->offer.d));
}

/* ---- */

static void add_workflows(table *t)
{
    const rulebook_names *all = &t->offer.g->rules->workflows;
    for (size_t i = 0; i < all->count && !failed(t); i++) {
        const rulebook_workflow *w;
        if (!of_list(t, all->items[i]))
            continue;
        fail(t, rulebook_get_workflow(t->offer.g->rules, all->items[i], &w, t->offer.d));
        if (failed(t))
            return;
        note_history(t, w);
        add_fields(t, w);
        add_clocks(t, w);
    }
}

static gov_status note_used(const registry_offer *o, case_filter *out, const diag *d)
{
    out->fields = base_arena_array(o->arena, o->count, sizeof *out->fields);
    if (out->fields == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < o->count; i++)
        if (o->items[i].used && o->items[i].words)
            out->fields[out->count++] = o->items[i].owner;
    return GOV_OK;
}

gov_status case_filter_add(gov *g, const char *workflow, const char *where, const char *order, access_condition *sql,
                           case_filter *out, const diag *d)
{
    table t = {.workflow = workflow, .states_known = no_history};
    *out = (case_filter){0};
    gov_status status = registry_offer_begin(&t.offer, g, sql->arena, d);
    if (status != GOV_OK)
        return status;
    add_parts(&t, parts, ARRAY_LEN(parts));
    add_workflows(&t);
    add_parts(&t, further_parts, ARRAY_LEN(further_parts));
    add_in(&t);
    access_filtering how = {.states = states, .states_known = t.states_known, .id = "c.id"};
    status = registry_offer_done(&t.offer, &how);
    if (status == GOV_OK)
        status = access_order_read(g, &how, order, &out->order, d);
    if (status == GOV_OK && where != NULL)
        status = access_filter(g, &how, where, strlen(where), sql, &out->never, d);
    if (status == GOV_OK)
        status = note_used(&t.offer, out, d);
    registry_offer_end(&t.offer);
    return status;
}

gov_status case_filter_may(gov *g, const case_filter *f, const case_machine *m,
                           const access_subject *scope, bool *may, const diag *d)
{
    *may = true;
    for (size_t i = 0; i < f->count && *may; i++) {
        const rulebook_field *field =
            rulebook_find_field(&m->w->fields, f->fields[i], strlen(f->fields[i]));
        const gov_status status =
            field != NULL ? access_may_see(g, field->sensitive, scope, may, d) : GOV_OK;
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}
