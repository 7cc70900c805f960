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

static const char word_within[] =
    "c.id IN (SELECT w.case_id FROM gov_case_word w WHERE w.community = $1 AND w.field = ";
static const char word_not_within[] =
    "c.id NOT IN (SELECT w.case_id FROM gov_case_word w WHERE w.community = $1 AND w.field = ";
static const char clock_within[] = "EXISTS (SELECT 1 FROM gov_case_clock k WHERE k.community = $1 "
                                   "AND k.case_id = c.id AND k.name = ";
static const char clock_not_within[] = "NOT EXISTS (SELECT 1 FROM gov_case_clock k WHERE "
                                       "k.community = $1 AND k.case_id = c.id AND k.name = ";

typedef struct table {
    gov *g;
    base_arena *arena;
    const diag *d;
    expr_scope *scope;
    const char *workflow; /* NULL: all of them */
    access_column *items;
    size_t count, cap;
    const char *states_known; /* a condition */
    gov_status status;
} table;

static void fail(table *t, gov_status status)
{
    if (t->status == GOV_OK)
        t->status = status;
}

static const char *dotted(table *t, const char *a, const char *b, const char *c)
{
    base_buf name;
    base_buf_init(&name, t->g->alloc);
    base_buf_str(&name, a);
    base_buf_str(&name, b);
    base_buf_str(&name, c);
    char *kept = name.failed ? NULL : base_arena_strndup(t->arena, name.data, name.len);
    base_buf_free(&name);
    if (kept == NULL)
        fail(t, base_nomem(t->d));
    return kept;
}

static access_column *find_column(const table *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i].name, name) == 0)
            return &t->items[i];
    return NULL;
}

static expr_type seen_as(access_domain domain)
{
    static const expr_type types[] = {
        [ACCESS_INT] = EXPR_INT,        [ACCESS_DOUBLE] = EXPR_DOUBLE, [ACCESS_TEXT] = EXPR_STRING,
        [ACCESS_TIME] = EXPR_TIMESTAMP, [ACCESS_SPAN] = EXPR_DURATION, [ACCESS_FLAG] = EXPR_BOOL,
        [ACCESS_KEY] = EXPR_STRING};
    return types[domain];
}

/* NULL: no memory. */
static access_column *add_column(table *t, const access_column *c, expr_type type)
{
    uint32_t slot = 0;
    if (c->name == NULL || t->status != GOV_OK)
        return NULL;
    if (t->count == t->cap) {
        const size_t cap = t->cap == 0 ? 32 : t->cap * 2;
        access_column *grown = base_arena_array(t->arena, cap, sizeof *grown);
        if (grown == NULL) {
            fail(t, base_nomem(t->d));
            return NULL;
        }
        if (t->count > 0)
            memcpy(grown, t->items, t->count * sizeof *grown);
        t->items = grown;
        t->cap = cap;
    }
    const gov_status status = expr_scope_var(t->scope, c->name, type, &slot, t->d);
    if (status != GOV_OK) {
        fail(t, status);
        return NULL;
    }
    t->items[t->count] = *c;
    t->items[t->count].slot = slot;
    return &t->items[t->count++];
}

static void add_parts(table *t, const part *some, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const access_column c = {.name = dotted(t, "case.", some[i].name, ""),
                                 .domain = (uint8_t)some[i].domain,
                                 .null_is_value = some[i].null,
                                 .sql = some[i].sql,
                                 .kind = some[i].kind};
        if (c.name != NULL && find_column(t, c.name) == NULL)
            (void)add_column(t, &c, seen_as(some[i].domain));
    }
}

/* ---- fields ---- */

/* False: the index has nothing that could be compared. */
static bool domain_of(const rulebook_field *f, access_domain *out)
{
    switch (f->type) {
    case RULEBOOK_BOOL: *out = ACCESS_FLAG; return true;
    case RULEBOOK_INT:
    case RULEBOOK_MONEY: *out = ACCESS_INT; return true;
    case RULEBOOK_DOUBLE: *out = ACCESS_DOUBLE; return true;
    case RULEBOOK_STRING:
    case RULEBOOK_DATE: *out = ACCESS_TEXT; return true;
    case RULEBOOK_TIMESTAMP: *out = ACCESS_TIME; return true;
    default:
        *out = registry_kind_of(f->type) != NULL ? ACCESS_KEY : ACCESS_INT;
        return rulebook_is_reference(f->type);
    }
}

static bool may_be_cut(const rulebook_field *f)
{
    bool fits = f->one_of_count > 0;
    for (uint32_t i = 0; i < f->one_of_count; i++)
        fits = fits && f->one_of[i].len <= CASE_LONGEST_WORD;
    return f->type == RULEBOOK_STRING && !fits &&
           (f->max_length < 0 || f->max_length > CASE_LONGEST_WORD / 4);
}

static access_column field_column(table *t, const rulebook_field *f)
{
    access_domain domain;
    access_column c = {.name = dotted(t, "case.", f->name, ""),
                       .words = true,
                       .sql = "w.word",
                       .within = word_within,
                       .not_within = word_not_within,
                       .owner = f->name,
                       .cut = may_be_cut(f),
                       .hidden = !access_might_see(t->g, f->sensitive)};
    const bool sorted = domain_of(f, &domain);
    c.domain = (uint8_t)domain;
    c.kind = domain == ACCESS_KEY ? registry_kind_of(f->type) : NULL;
    if (!sorted || !f->indexed) {
        c.sql = NULL;
        c.why = sorted ? M_filter_not_indexed : M_filter_unsorted;
    }
    return c;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(base_text_or_empty(a), base_text_or_empty(b)) == 0;
}

static void add_fields(table *t, const rulebook_workflow *w)
{
    for (uint32_t i = 0; i < w->fields.count && t->status == GOV_OK; i++) {
        const access_column c = field_column(t, &w->fields.items[i]);
        access_column *before = c.name != NULL ? find_column(t, c.name) : NULL;
        if (before == NULL) {
            (void)add_column(t, &c,
                             c.sql == NULL && c.why == M_filter_unsorted
                                 ? EXPR_DYN
                                 : seen_as((access_domain)c.domain));
            continue;
        }
        before->cut = before->cut || c.cut;
        before->hidden = before->hidden || c.hidden;
        if (before->domain == c.domain && (before->sql == NULL) == (c.sql == NULL) &&
            same_text(before->kind, c.kind))
            continue;
        before->sql = NULL;
        before->why = M_filter_mixed;
        fail(t, expr_scope_var(t->scope, c.name, EXPR_DYN, NULL, t->d));
    }
}

/* ---- clocks ---- */

static const char *breached(table *t)
{
    base_buf sql;
    base_buf_init(&sql, t->g->alloc);
    base_buf_str(&sql, "(k.breached_us IS NOT NULL OR (k.state = 1 AND k.due_us < ");
    base_buf_int(&sql, access_now(t->g));
    base_buf_str(&sql, "))");
    char *kept = sql.failed ? NULL : base_arena_strndup(t->arena, sql.data, sql.len);
    base_buf_free(&sql);
    if (kept == NULL)
        fail(t, base_nomem(t->d));
    return kept;
}

/* A clock of several workflows is theirs only. */
static rulebook_names with_name(table *t, rulebook_names names, const char *name)
{
    const char **items = base_arena_array(t->arena, names.count + 1, sizeof *items);
    if (items == NULL) {
        fail(t, base_nomem(t->d));
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
    } readings[] = {{".due", "k.due_us", ACCESS_TIME},
                    {".running", "k.state = 1", ACCESS_FLAG},
                    {".breached", "", ACCESS_FLAG},
                    {".left", NULL, ACCESS_SPAN},
                    {".consumed", NULL, ACCESS_SPAN}};
    for (uint32_t i = 0; i < w->clock_count; i++)
        for (size_t k = 0; k < ARRAY_LEN(readings) && t->status == GOV_OK; k++) {
            const char *name = dotted(t, "clocks.", w->clocks[i].name, readings[k].name);
            access_column c = {.name = name,
                               .domain = (uint8_t)readings[k].domain,
                               .null_is_value = k == 0,
                               .sql = readings[k].sql,
                               .why = M_filter_term,
                               .within = clock_within,
                               .not_within = clock_not_within,
                               .owner = w->clocks[i].name,
                               .only_sql = "c.workflow"};
            if (k == 2)
                c.sql = breached(t);
            access_column *column = name != NULL ? find_column(t, name) : NULL;
            if (column == NULL)
                column = add_column(t, &c, seen_as(readings[k].domain));
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
    const rulebook_names *all = &t->g->rules->workflows;
    for (size_t i = 0; i < all->count; i++) {
        const rulebook_workflow *w;
        if (!of_list(t, all->items[i]))
            continue;
        const gov_status status = rulebook_get_workflow(t->g->rules, all->items[i], &w, d);
        if (status != GOV_OK)
            return status;
        for (uint32_t s = 0; s < chart_state_count(w->chart) && count < ARRAY_LEN(names); s++)
            names[count++] = chart_path(w->chart, s);
    }
    return base_fail_at(d, place, M_undeclared_reference, A_N("name", path.as.s, path.len),
                        A_S("near", base_nearest(path.as.s, path.len, names, count)));
}

/* A state that no workflow of the list has is a slip of the pen. */
static gov_status check_state(void *user, const value *args, size_t n, const base_place *place,
                              const diag *d)
{
    const table *t = user;
    const rulebook_names *all = &t->g->rules->workflows;
    bool found = false;
    if (n < 1 || args[0].kind != VALUE_STRING)
        return base_fail_at(d, place, M_filter_term);
    for (size_t i = 0; i < all->count; i++) {
        const rulebook_workflow *w;
        if (!of_list(t, all->items[i]))
            continue;
        const gov_status status = rulebook_get_workflow(t->g->rules, all->items[i], &w, d);
        if (status != GOV_OK)
            return status;
        if (chart_find(w->chart, args[0].as.s, args[0].len) == CHART_NONE)
            continue;
        if (keeps_history(w))
            return base_fail_at(d, place, M_filter_history);
        found = true;
    }
    return found ? GOV_OK : unknown_state(t, args[0], place, d);
}

/* What a history keeps is not mistaken for active: workflows that have one now have none of the states asked for, and a case of others
 * with a history, from rules of before, is not known. */
static void note_history(table *t, const rulebook_workflow *w)
{
    base_buf sql;
    if (!keeps_history(w) || t->status != GOV_OK)
        return;
    base_buf_init(&sql, t->g->alloc);
    base_buf_fmt(&sql, "%s OR c.workflow = '%s'", t->states_known, w->name);
    t->states_known = sql.failed ? NULL : base_arena_strndup(t->arena, sql.data, sql.len);
    base_buf_free(&sql);
    if (t->states_known == NULL)
        fail(t, base_nomem(t->d));
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
    if (t->status == GOV_OK)
        fail(t, expr_scope_function(t->scope, &f, t->d));
}

/* ---- what is the same for all cases ---- */

static value key_of(table *t, int64_t id)
{
    const char *key = "";
    if (id == 0)
        return value_null();
    const gov_status status = registry_label(t->g, id, &key, NULL, t->d);
    if (status != GOV_OK)
        fail(t, status);
    key = base_arena_strdup(t->arena, key);
    if (key == NULL)
        fail(t, base_nomem(t->d));
    return value_text(base_text_or_empty(key));
}

static value actor_value(table *t, rulebook_actor_part what)
{
    const access_actor *a = &t->g->actor;
    value_builder list;
    value_builder_init(&list, t->arena);
    switch (what) {
    case RULEBOOK_ACTOR_ID: return a->id != 0 ? value_text(a->key) : value_null();
    case RULEBOOK_ACTOR_UNIT: return key_of(t, a->unit);
    case RULEBOOK_ACTOR_ROLES:
        for (size_t i = 0; i < a->role_count; i++)
            value_builder_add(&list, value_text(a->roles[i]));
        break;
    default:
        for (size_t i = 0; i < a->grid_count; i++)
            value_builder_add(&list, key_of(t, a->grids[i]));
        break;
    }
    if (list.failed)
        fail(t, base_nomem(t->d));
    return value_builder_list(&list);
}

/* Values by slot: those of the rulebook, now, the actor (by keys, as a filter has it), and none for columns. */
static value *common_values(table *t, size_t *count)
{
    static const expr_type types[] = {EXPR_STRING, EXPR_LIST | EXPR_STRING << 4,
                                      EXPR_LIST | EXPR_STRING << 4, EXPR_STRING};
    const value *presets;
    uint32_t known;
    const rulebook_slot *slots = rulebook_common_slots(t->g->rules, &presets, &known);
    uint32_t mine[4] = {0};
    for (uint32_t i = 0; i < known && t->status == GOV_OK; i++)
        if (slots[i].kind == RULEBOOK_SLOT_ACTOR)
            fail(t, expr_scope_var(t->scope, slots[i].name, types[slots[i].part & 3],
                                   &mine[slots[i].part & 3], t->d));
    *count = expr_scope_slots(t->scope);
    value *values = base_arena_array(t->arena, *count, sizeof *values);
    if (values == NULL || t->status != GOV_OK) {
        if (t->status == GOV_OK)
            fail(t, base_nomem(t->d));
        return NULL;
    }
    for (size_t i = 0; i < *count; i++)
        values[i] = i < known ? presets[i] : value_absent();
    for (uint32_t i = 0; i < known; i++) {
        if (slots[i].kind == RULEBOOK_SLOT_NOW)
            values[i] = value_from_us(access_now(t->g));
        if (slots[i].kind == RULEBOOK_SLOT_ACTOR)
            values[mine[slots[i].part & 3]] = actor_value(t, (rulebook_actor_part)slots[i].part);
    }
    return values;
}

/* ---- */

static gov_status find_record(gov *g, const char *kind, const char *key, size_t len, int64_t *id,
                              const diag *d)
{
    return registry_lookup(g, kind, key, len, id, d);
}

static void add_workflows(table *t)
{
    const rulebook_names *all = &t->g->rules->workflows;
    for (size_t i = 0; i < all->count && t->status == GOV_OK; i++) {
        const rulebook_workflow *w;
        if (!of_list(t, all->items[i]))
            continue;
        fail(t, rulebook_get_workflow(t->g->rules, all->items[i], &w, t->d));
        if (t->status != GOV_OK)
            return;
        note_history(t, w);
        add_fields(t, w);
        add_clocks(t, w);
    }
}

static gov_status note_used(const table *t, case_filter *out, const diag *d)
{
    out->fields = base_arena_array(t->arena, t->count, sizeof *out->fields);
    if (out->fields == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].used && t->items[i].words)
            out->fields[out->count++] = t->items[i].owner;
    return GOV_OK;
}

gov_status case_filter_add(gov *g, const char *workflow, const char *text, access_condition *sql,
                           case_filter *out, const diag *d)
{
    table t = {
        .g = g, .arena = sql->arena, .d = d, .workflow = workflow, .states_known = no_history};
    *out = (case_filter){0};
    gov_status status = expr_scope_new(g->alloc, rulebook_common_scope(g->rules), &t.scope, d);
    if (status != GOV_OK)
        return status;
    add_parts(&t, parts, ARRAY_LEN(parts));
    add_workflows(&t);
    add_parts(&t, further_parts, ARRAY_LEN(further_parts));
    add_in(&t);
    access_filtering how = {.scope = t.scope,
                            .columns = t.items,
                            .column_count = t.count,
                            .find = find_record,
                            .word = case_index_word,
                            .states = states,
                            .states_known = t.states_known,
                            .word_whole = CASE_LONGEST_WORD,
                            .word_text = CASE_WORD_TEXT};
    how.slots = common_values(&t, &how.slot_count);
    status = t.status;
    if (status == GOV_OK)
        status = access_filter(g, &how, text, strlen(text), sql, &out->never, d);
    if (status == GOV_OK)
        status = note_used(&t, out, d);
    expr_scope_free(t.scope);
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
