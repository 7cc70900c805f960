/* Scenarios: what is expected, and which cases are meant. */
#include "rulebook/scenario.h"

#include <string.h>

#include "rulebook/grammar.h"
#include "rulebook/lint.h"

/* ---- lists of names ---- */

typedef bool (*name_check)(rb_play *p, const rulebook_workflow *w, const rb_node *n, const char *name);

static void unknown(rb_play *p, const rb_node *n, const char *kind, const char *name, rb_names *known)
{
    rb_unknown(p->l, n, kind, name, known);
    rb_names_free(p->l, known);
}

static bool has_state(const rulebook_workflow *w, const char *name)
{
    return w != NULL && chart_find(w->chart, name, strlen(name)) != CHART_NONE;
}

static bool check_state(rb_play *p, const rulebook_workflow *w, const rb_node *n, const char *name)
{
    rb_names known = {0};
    if (w == NULL || has_state(w, name) || has_state(p->old, name))
        return true;
    for (uint32_t i = 1; i < chart_state_count(w->chart); i++) {
        const char *path = w->states[i].path, *last = strrchr(path, '.');
        if (last != NULL && strcmp(last + 1, name) == 0) { /* the path was left out */
            rb_names_free(p->l, &known);
            rb_fail(p->l, n, M_unknown_name, A_S("kind", "state"), A_S("name", name), A_S("near", path));
            return false;
        }
        rb_names_add(p->l, &known, path);
    }
    for (uint32_t i = 1; p->old != NULL && i < chart_state_count(p->old->chart); i++)
        rb_names_add(p->l, &known, p->old->states[i].path);
    unknown(p, n, "state", name, &known);
    return false;
}

/* Events that something in the workflow makes, or that one of its transitions waits for. */
static bool waits_for(const rulebook_workflow *w, const char *name)
{
    bool found = false;
    for (uint32_t i = 0; w != NULL && !found && i < chart_transition_count(w->chart); i++) {
        const chart_transition *t = chart_transition_at(w->chart, i);
        for (size_t k = 0; k < t->event_count; k++)
            found = found || (t->events[k].s[0] != '*' && chart_matches(t->events[k].s, t->events[k].len, name, strlen(name)));
    }
    return found;
}

static bool check_raised(rb_play *p, const rulebook_workflow *w, const rb_node *n, const char *name)
{
    rb_names known = {0};
    if (w == NULL)
        return true;
    rb_event_names(p->l, w, &known);
    if (p->old != NULL)
        rb_event_names(p->l, p->old, &known);
    bool found = rb_names_have(&known, name) || waits_for(w, name) || waits_for(p->old, name);
    found = found || strncmp(name, "done.", 5) == 0 || strncmp(name, "child.", 6) == 0;
    if (found)
        rb_names_free(p->l, &known);
    else
        unknown(p, n, "event", name, &known);
    return found;
}

static bool check_declared(rb_play *p, const rulebook_workflow *w, const rb_node *n, const char *name)
{
    rb_names known = {0};
    if (w == NULL || rulebook_find_event(w, name) != NULL || (p->old != NULL && rulebook_find_event(p->old, name) != NULL))
        return true;
    for (uint32_t i = 0; i < w->event_count; i++)
        rb_names_add(p->l, &known, w->events[i].name);
    unknown(p, n, "event", name, &known);
    return false;
}

static bool check_effect(rb_play *p, const rulebook_workflow *w, const rb_node *n, const char *name)
{
    const rulebook_host *part;
    rb_names known = {0};
    (void)w;
    rb_names_add(p->l, &known, "log");
    for (size_t i = 0; (part = rulebook_host_part(p->l->rb->pub.host, i)) != NULL; i++)
        for (size_t k = 0; k < part->effect_count; k++)
            rb_names_add(p->l, &known, part->effects[k].name);
    if (!rb_names_have(&known, name)) {
        unknown(p, n, "effect", name, &known);
        return false;
    }
    rb_names_free(p->l, &known);
    return true;
}

/* One name, or a list of them; an empty list says that there is none. */
static rulebook_wanteds read_wanted(rb_play *p, const rulebook_workflow *w, const rb_node *n, const char *what, name_check check)
{
    rulebook_wanteds out = {0};
    if (n == NULL)
        return out;
    out.asked = true;
    out.place = rb_place(n);
    const bool one = n->kind == RB_SCALAR;
    if (!one && !rb_expect(p->l, n, RB_LIST, what))
        return out;
    const uint32_t count = one ? 1 : n->count;
    rulebook_wanted *items = rb_alloc(p->l, count, sizeof *items);
    for (uint32_t i = 0; items != NULL && i < count; i++) {
        const rb_node *item = one ? n : n->as.items[i];
        const char *name = rulebook_read_string(p->l, item, what);
        if (name != NULL && check(p, w, item, name))
            items[out.count++] = (rulebook_wanted){name, value_absent(), rb_place(item)};
    }
    out.items = items;
    return out;
}

/* Effects: a name, or a map of the name to what the effect noted. */
static rulebook_wanteds read_effects(rb_play *p, const rb_node *n, rulebook_wanteds out)
{
    if (n == NULL || !rulebook_read_list(p->l, n, "effects"))
        return out;
    out.place = rb_place(n);
    rulebook_wanted *items = rb_alloc(p->l, (size_t)out.count + n->count, sizeof *items);
    if (items == NULL)
        return out;
    if (out.count > 0)
        memcpy(items, out.items, out.count * sizeof *items);
    out.items = items;
    out.asked = true;
    for (uint32_t i = 0; i < n->count; i++) {
        const rb_node *item = n->as.items[i], *name = item, *val = NULL;
        if (item->kind == RB_MAP && item->count == 1) {
            name = item->as.pairs[0].key;
            val = item->as.pairs[0].val;
        } else if (item->kind != RB_SCALAR) {
            rb_fail(p->l, item, M_one_key, A_S("what", "effects"));
            continue;
        }
        const char *text = rulebook_read_string(p->l, name, "effects");
        if (text != NULL && check_effect(p, NULL, name, text))
            items[out.count++] = (rulebook_wanted){text, val != NULL ? rulebook_read_value(p->l, val) : value_absent(), rb_place(item)};
    }
    return out;
}

/* `messages: [{to: wang, template: accepted}]` is short for notify among the effects. */
static rulebook_wanteds read_messages(rb_play *p, const rb_node *n)
{
    rulebook_wanteds out = {0};
    if (n == NULL || !rulebook_read_list(p->l, n, "messages"))
        return out;
    rulebook_wanted *items = rb_alloc(p->l, n->count, sizeof *items);
    if (items == NULL)
        return out;
    out.items = items;
    out.asked = true;
    out.place = rb_place(n);
    for (uint32_t i = 0; i < n->count; i++) {
        const rb_node *item = n->as.items[i];
        if (!rulebook_read_keys(p->l, item, "message", rb_keys_scenario_message))
            continue;
        if (rb_get(item, "to") != NULL)
            (void)rb_play_record(p, rb_get(item, "to"), NULL);
        const rb_node *template = rb_get(item, "template");
        const char *name = rulebook_read_name(p->l, template, "template");
        if (name != NULL && !p->moved)
            (void)rb_check_definition(p->l, template, RB_TEMPLATE, "template", name);
        items[out.count++] = (rulebook_wanted){"notify", rulebook_read_value(p->l, item), rb_place(item)};
    }
    return out;
}

rulebook_wanteds rb_play_fields(rb_play *p, const rb_node *n, const rulebook_fields *fields)
{
    rulebook_wanteds out = {0};
    if (n == NULL || !rb_expect(p->l, n, RB_MAP, "fields"))
        return out;
    rulebook_wanted *items = rb_alloc(p->l, n->count, sizeof *items);
    out.asked = true;
    out.place = rb_place(n);
    for (uint32_t i = 0; items != NULL && i < n->count; i++) {
        const rb_node *key = n->as.pairs[i].key, *val = n->as.pairs[i].val;
        if (fields == NULL) {
            items[out.count++] = (rulebook_wanted){rb_copy(p->l, key->as.text, key->count), rulebook_read_value(p->l, val), rb_place(val)};
            continue;
        }
        const rulebook_field *f = rulebook_find_field(fields, key->as.text, key->count);
        if (p->old != NULL && rulebook_find_field(&p->old->fields, key->as.text, key->count) != NULL) { /* of which of the two it is, nobody knows */
            items[out.count++] = (rulebook_wanted){rb_copy(p->l, key->as.text, key->count), rulebook_read_value(p->l, val), rb_place(val)};
            continue;
        }
        if (f == NULL) {
            rb_names known = {0};
            for (uint32_t k = 0; k < fields->count; k++)
                rb_names_add(p->l, &known, fields->items[k].name);
            rb_fail(p->l, key, M_unknown_field, A_N("field", key->as.text, key->count), A_S("near", rb_nearest(&known, key->as.text)));
            rb_names_free(p->l, &known);
            continue;
        }
        items[out.count++] = (rulebook_wanted){f->name, rb_play_value(p, f, val), rb_place(val)};
    }
    out.items = items;
    return out;
}

/* ---- queries ---- */

static bool check_outcome(rb_play *p, const rulebook_workflow *w, const rb_node *n, const char *name)
{
    rb_names known = {0};
    if (w == NULL)
        return true;
    for (uint32_t i = 0; i < chart_state_count(w->chart); i++)
        rb_names_add(p->l, &known, w->states[i].outcome);
    for (uint32_t i = 0; p->old != NULL && i < chart_state_count(p->old->chart); i++)
        rb_names_add(p->l, &known, p->old->states[i].outcome);
    const bool found = rb_names_have(&known, name);
    if (found)
        rb_names_free(p->l, &known);
    else
        unknown(p, n, "outcome", name, &known);
    return found;
}

static rulebook_wanteds read_outcome(rb_play *p, const rulebook_workflow *w, const rb_node *n)
{
    rulebook_wanteds out = {.asked = n != NULL};
    if (n == NULL || n->kind != RB_SCALAR || n->type != RB_NULL)
        return read_wanted(p, w, n, "outcome", check_outcome);
    rulebook_wanted *none = rb_alloc(p->l, 1, sizeof *none);
    if (none == NULL)
        return out;
    *none = (rulebook_wanted){"", value_null(), rb_place(n)};
    out.items = none;
    out.count = 1;
    return out;
}

void rb_play_query(rb_play *p, const rb_node *n, bool find, rulebook_query *out)
{
    const char *const *keys = find ? rb_keys_scenario_find : out->parent != NULL ? rb_keys_scenario_children : rb_keys_scenario_cases;
    const rulebook_workflow *parent = NULL;
    const bool child = out->parent != NULL; /* of a case that was named outside */
    out->place = rb_place(n);
    out->count = -1;
    out->nth = -1;
    if (!rulebook_read_keys(p->l, n, find ? "find" : "cases", keys))
        return;
    const rulebook_workflow *w = rb_play_workflow(p, rb_get(n, "workflow"), false, &out->workflow);
    const rulebook_workflow *old = p->old;
    if (rb_get(n, "child_of") != NULL && !child)
        out->parent = rb_play_case(p, rb_get(n, "child_of"), &parent);
    p->old = old;
    out->link = rulebook_read_name(p->l, rb_get(n, "link"), "link");
    out->states = read_wanted(p, w, rb_get(n, "state"), "state", check_state);
    out->outcome = read_outcome(p, w, rb_get(n, "outcome"));
    if (w != NULL || p->moved)
        out->fields = rb_play_fields(p, rb_get(n, "fields"), w != NULL ? &w->fields : NULL);
    if (rb_get(n, "count") != NULL && !find)
        out->count = rulebook_read_int(p->l, rb_get(n, "count"), "count", 0, 1000000, -1);
    if (rb_get(n, "nth") != NULL && find)
        out->nth = rulebook_read_int(p->l, rb_get(n, "nth"), "nth", 1, 1000000, -1);
}

static rulebook_queries read_queries(rb_play *p, const rb_node *n, const char *parent, const char *what)
{
    rulebook_queries out = {0};
    if (n == NULL || !rulebook_read_list(p->l, n, what))
        return out;
    rulebook_query *items = rb_alloc(p->l, n->count, sizeof *items);
    for (uint32_t i = 0; items != NULL && i < n->count; i++) {
        items[i].parent = parent;
        rb_play_query(p, n->as.items[i], false, &items[i]);
    }
    out.items = items;
    out.count = items != NULL ? n->count : 0;
    out.asked = true;
    return out;
}

/* ---- clocks ---- */

static int8_t read_flag(rb_play *p, const rb_node *n, const char *what)
{
    return n == NULL ? -1 : (int8_t)rulebook_read_bool(p->l, n, what, false);
}

static void read_clock(rb_play *p, const rulebook_workflow *w, const rb_pair *pair, rulebook_wanted_clock *out)
{
    const char *const *states = rb_words_scenario_clock_state;
    const rb_node *n = pair->val;
    int64_t us;
    out->place = rb_place(pair->key);
    out->name = rulebook_read_name(p->l, pair->key, "clock");
    out->due = value_absent();
    out->running = out->breached = out->provisional = -1;
    if (out->name != NULL && w != NULL && rulebook_find_clock(w, out->name) == NULL &&
        (p->old == NULL || rulebook_find_clock(p->old, out->name) == NULL)) {
        rb_names known = {0};
        for (uint32_t i = 0; i < w->clock_count; i++)
            rb_names_add(p->l, &known, w->clocks[i].name);
        unknown(p, pair->key, "clock", out->name, &known);
    }
    if (!rulebook_read_keys(p->l, n, "clock", rb_keys_scenario_clock))
        return;
    const rb_node *due = rb_get(n, "due"), *state = rb_get(n, "state");
    if (due != NULL && due->kind == RB_SCALAR && due->type == RB_NULL)
        out->due = value_null();
    else if (due != NULL && rb_play_instant(p, due, &us))
        out->due = value_from_us(us);
    out->has_consumed = rb_play_duration(p, rb_get(n, "consumed"), &out->consumed);
    out->has_left = rb_play_duration(p, rb_get(n, "left"), &out->left);
    out->running = read_flag(p, rb_get(n, "running"), "running");
    out->breached = read_flag(p, rb_get(n, "breached"), "breached");
    out->provisional = read_flag(p, rb_get(n, "provisional"), "provisional");
    if (state != NULL) {
        const unsigned word = rulebook_read_word(p->l, state, "state", states, 4);
        out->state = states[word];
    }
}

static void read_clocks(rb_play *p, const rulebook_workflow *w, const rb_node *n, rulebook_expectation *out)
{
    if (n == NULL || !rb_expect(p->l, n, RB_MAP, "clocks"))
        return;
    rulebook_wanted_clock *items = rb_alloc(p->l, n->count, sizeof *items);
    for (uint32_t i = 0; items != NULL && i < n->count; i++)
        read_clock(p, w, &n->as.pairs[i], &items[i]);
    out->clocks = items;
    out->clock_count = items != NULL ? n->count : 0;
}

/* ---- the rest of a case ---- */

/* Events that are refused: a name, or a map of the name to what refuses it. */
static void read_refused(rb_play *p, const rulebook_workflow *w, const rb_node *n, rulebook_expectation *out)
{
    if (n == NULL || n->kind != RB_LIST) {
        out->refused = read_wanted(p, w, n, "refused", check_declared);
        out->refusals = rb_alloc(p->l, 1, sizeof *out->refusals);
        return;
    }
    rulebook_wanted *items = rb_alloc(p->l, n->count, sizeof *items);
    rulebook_refusal *by = rb_alloc(p->l, n->count, sizeof *by);
    out->refused.asked = true;
    out->refused.place = rb_place(n);
    for (uint32_t i = 0; items != NULL && by != NULL && i < n->count; i++) {
        const rb_node *item = n->as.items[i], *why = NULL;
        const base_place place = rb_place(item);
        if (item->kind == RB_MAP && item->count == 1) {
            why = item->as.pairs[0].val;
            item = item->as.pairs[0].key;
        } else if (item->kind != RB_SCALAR) {
            rb_fail(p->l, item, M_one_key, A_S("what", "refused"));
            continue;
        }
        const char *name = rulebook_read_string(p->l, item, "refused");
        if (name == NULL || !check_declared(p, w, item, name))
            continue;
        by[out->refused.count] = rb_play_refusal(p, why);
        items[out->refused.count++] = (rulebook_wanted){name, value_absent(), place};
    }
    out->refused.items = items;
    out->refusals = by;
}

static rulebook_wanteds read_properties(rb_play *p, const rulebook_workflow *w, const rb_node *n)
{
    static const struct {
        const char *name, *kind;
    } records[] = {{"unit", "unit"}, {"staff", "staff"}, {"grid", "grid"}, {"reporter", "resident"}};
    rulebook_wanteds out = {0};
    rulebook_wanted *items = rb_alloc(p->l, ARRAY_LEN(records) + 2, sizeof *items);
    if (items == NULL)
        return out;
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        const rb_node *val = rb_get(n, records[i].name);
        if (val == NULL)
            continue;
        const bool none = val->kind == RB_SCALAR && val->type == RB_NULL;
        const char *key = none ? NULL : rb_play_record(p, val, records[i].kind);
        items[out.count++] = (rulebook_wanted){records[i].name, key != NULL ? value_text(key) : value_null(), rb_place(val)};
    }
    const rb_node *ended = rb_get(n, "ended");
    if (ended != NULL)
        items[out.count++] = (rulebook_wanted){"ended", value_bool(rulebook_read_bool(p->l, ended, "ended", true)), rb_place(ended)};
    const rulebook_wanteds outcome = read_outcome(p, w, rb_get(n, "outcome"));
    if (outcome.count > 0)
        items[out.count++] = (rulebook_wanted){"outcome", outcome.items[0].name[0] != '\0' ? value_text(outcome.items[0].name) : value_null(),
                                               outcome.items[0].place};
    out.items = items;
    out.asked = out.count > 0;
    return out;
}

static bool compiles(rb_play *p, const rb_node *n, const expr_scope *scope)
{
    const expr_options options = {.expect = EXPR_BOOL, .declared_only = true};
    expr_program *program = NULL;
    if (n->kind != RB_SCALAR || n->quiet)
        return false;
    const gov_status status = expr_compile(p->l->rb->alloc, scope, n->as.text, n->count, &options, &program, NULL);
    if (status == GOV_E_NOMEM)
        rb_note(p->l, base_nomem(p->l->d));
    expr_program_free(program);
    return status == GOV_OK;
}

static void read_that(rb_play *p, const rulebook_workflow *w, const rb_node *n, rulebook_expectation *out)
{
    if (n == NULL || (w == NULL && !p->moved))
        return;
    const bool one = n->kind != RB_LIST;
    const uint32_t count = one ? 1 : n->count;
    rulebook_condition *items = rb_alloc(p->l, count, sizeof *items);
    if (items == NULL)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const rb_node *item = one ? n : n->as.items[i];
        items[i].place = rb_place(item);
        if (w != NULL && !p->moved)
            items[i].program = rb_expr(p->l, item, EXPR_BOOL, w->scope);
        else if (w != NULL && (p->old == NULL || !compiles(p, item, p->old->scope)))
            (void)rb_expr(p->l, item, EXPR_BOOL, w->scope); /* for its mistakes: it is compiled when it is played */
        items[i].text = item->kind == RB_SCALAR ? rb_copy(p->l, item->as.text, item->count) : "";
    }
    out->that = items;
    out->that_count = count;
}

/* ---- balances: {KEY: points} of the only programme, or {PROGRAMME: {KEY: points}} ---- */

static void read_balance(rb_play *p, const char *programme, const rb_pair *pair, rulebook_wanted_balance *out)
{
    out->programme = programme;
    out->place = rb_place(pair->val);
    out->holder = rb_play_record(p, pair->key, NULL);
    const bool household = out->holder != NULL && rb_play_knows(p, "household", out->holder),
               resident = out->holder != NULL && rb_play_knows(p, "resident", out->holder);
    out->kind = household == resident ? NULL : household ? "household" : "resident";
    out->points = rulebook_read_int(p->l, pair->val, "balance", INT64_MIN, INT64_MAX, 0);
}

static void read_balances(rb_play *p, const rb_node *n, rulebook_expectation *out)
{
    uint32_t count = 0;
    if (n == NULL || !rb_expect(p->l, n, RB_MAP, "balance"))
        return;
    for (uint32_t i = 0; i < n->count; i++)
        count += n->as.pairs[i].val->kind == RB_MAP ? n->as.pairs[i].val->count : 1;
    rulebook_wanted_balance *items = rb_alloc(p->l, count, sizeof *items);
    if (items == NULL)
        return;
    for (uint32_t i = 0; i < n->count; i++) {
        const rb_pair *pair = &n->as.pairs[i];
        if (pair->val->kind != RB_MAP) {
            read_balance(p, NULL, pair, &items[out->balance_count++]);
            continue;
        }
        const char *name = rulebook_read_name(p->l, pair->key, "points");
        if (name != NULL)
            (void)rb_check_definition(p->l, pair->key, RB_SECTION, "points", name);
        for (uint32_t k = 0; k < pair->val->count; k++)
            read_balance(p, name, &pair->val->as.pairs[k], &items[out->balance_count++]);
    }
    out->balances = items;
}

/* ---- all of it ---- */

void rb_play_expect(rb_play *p, const rb_node *n, rulebook_step *out)
{
    static const char *const free_keys[] = {"cases", "balance"};
    rulebook_expectation *e = &out->expect;
    const rulebook_workflow *w = NULL, *old;
    if (!rulebook_read_keys(p->l, n, "expect", rb_keys_scenario_expect))
        return;
    if (n->count == 0)
        rb_fail(p->l, n, M_empty, A_S("what", "expect"));
    const rb_node *named = rb_get(n, "case");
    for (uint32_t i = 0; named == NULL && i < n->count; i++)
        if (!rb_is(n->as.pairs[i].key, free_keys[0]) && !rb_is(n->as.pairs[i].key, free_keys[1]))
            rb_fail(p->l, n->as.pairs[i].key, M_scenario_needs_case, A_N("key", n->as.pairs[i].key->as.text, n->as.pairs[i].key->count));
    out->name = rb_play_case(p, named, &w);
    old = p->old;
    rb_play_who(p, rb_get(n, "as"), &out->who, &out->as);
    out->purpose = rulebook_read_string(p->l, rb_get(n, "purpose"), "purpose");
    e->cases = read_queries(p, rb_get(n, "cases"), NULL, "cases");
    read_balances(p, rb_get(n, "balance"), e);
    if (out->name == NULL)
        return;
    p->old = old; /* other cases have been asked for between */
    e->states = read_wanted(p, w, rb_get(n, "state"), "state", check_state);
    e->raised = read_wanted(p, w, rb_get(n, "raised"), "raised", check_raised);
    e->not_raised = read_wanted(p, w, rb_get(n, "not_raised"), "not_raised", check_raised);
    if (w != NULL || p->moved)
        e->fields = rb_play_fields(p, rb_get(n, "fields"), w != NULL ? &w->fields : NULL);
    read_clocks(p, w, rb_get(n, "clocks"), e);
    read_that(p, w, rb_get(n, "that"), e);
    e->effects = read_effects(p, rb_get(n, "effects"), read_messages(p, rb_get(n, "messages")));
    e->allowed = read_wanted(p, w, rb_get(n, "allowed"), "allowed", check_declared);
    read_refused(p, w, rb_get(n, "refused"), e);
    e->properties = read_properties(p, w, n);
    e->children = read_queries(p, rb_get(n, "children"), out->name, "children");
}
