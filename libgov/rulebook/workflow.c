/* Workflows: fields, events, roles, migration, and what holds the parts together. */
#include "rulebook/workflow.h"
#include "rulebook/grammar.h"

#include <string.h>

/* ---- growing lists ---- */

void *rb_list_add(rulebook_loader *l, rb_list *list)
{
    if (rb_out(l))
        return NULL;
    if (!base_grow(l->rb->alloc, &list->items, &list->cap, list->count, list->size)) {
        rb_note(l, base_nomem(l->d));
        return NULL;
    }
    void *item = (char *)list->items + list->count++ * list->size;
    memset(item, 0, list->size);
    return item;
}

void *rb_list_finish(rulebook_loader *l, rb_list *list)
{
    void *items = rb_alloc(l, list->count, list->size);
    if (items != NULL && list->count > 0)
        memcpy(items, list->items, list->count * list->size);
    return items;
}

static void work_free(rulebook_loader *l, rb_work *work)
{
    rb_list *const lists[] = {&work->scopes, &work->states, &work->transitions, &work->guards, &work->blocks, &work->timers,
                              &work->reports};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        base_free(l->rb->alloc, lists[i]->items);
    rb_names_free(l, &work->inputs);
    chart_builder_free(work->builder);
    l->work = NULL;
}

const rulebook_workflow *rb_work_roles(const rulebook_loader *l)
{
    return l->work != NULL ? l->work->w : NULL;
}

/* ---- events ---- */

enum { MAX_EVENTS = 4096 };

static void read_event(rulebook_loader *l, const rb_node *key, const rb_node *n, rulebook_event *e)
{
    e->place = rb_place(key);
    e->name = rb_read_event(l, key, "event");
    if (e->name == NULL)
        e->name = "";
    if (n->kind == RB_SCALAR && n->type == RB_NULL && n->count == 0)
        return; /* `tick:` alone declares an event, too */
    if (!rulebook_read_keys(l, n, "event", rb_keys_event))
        return;
    e->title = rulebook_read_text(l, rb_get(n, "title"));
    e->description = rulebook_read_text(l, rb_get(n, "description"));
    e->by = rulebook_read_roles(l, rb_get(n, "by"), "by");
    e->input = rb_fields(l, rb_get(n, "input"));
}

static void read_events(rulebook_loader *l, const rb_node *n)
{
    rulebook_workflow *w = l->work->w;
    if (n == NULL || !rb_expect(l, n, RB_MAP, "events"))
        return;
    if (n->count > MAX_EVENTS) {
        rb_fail(l, n, M_too_large, A_S("what", "events"), A_I("limit", MAX_EVENTS));
        return;
    }
    rulebook_event *events = rb_alloc(l, n->count, sizeof *events);
    if (events == NULL)
        return;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++)
        read_event(l, n->as.pairs[i].key, n->as.pairs[i].val, &events[i]);
    w->events = events;
    w->event_count = rb_out(l) ? 0 : n->count;
}

const rulebook_event *rulebook_find_event(const rulebook_workflow *w, const char *name)
{
    for (uint32_t i = 0; i < w->event_count; i++)
        if (strcmp(w->events[i].name, name) == 0)
            return &w->events[i];
    return NULL;
}

/* ---- conditions of fields and roles ---- */

/* `when` of fields, over a scope that knows `it` besides. */
static void read_whens(rulebook_loader *l, const rb_node *n, rulebook_fields fields, const expr_scope *scope)
{
    expr_scope *inner = rb_scope(l, scope);
    const uint32_t it = rb_scope_var(l, inner, "it", EXPR_DYN);
    if (inner != NULL)
        rb_field_conditions(l, n, fields, inner, it);
}

static void read_conditions(rulebook_loader *l)
{
    rb_work *work = l->work;
    rulebook_workflow *w = work->w;
    const rb_node *fields = rb_get(work->root, "fields"), *events = rb_get(work->root, "events");
    if (rb_has_conditions(fields))
        read_whens(l, fields, w->fields, work->nowhere.typed);
    for (uint32_t i = 0; i < w->event_count && !rb_out(l); i++) {
        const rb_node *input = rb_get(rb_get(events, w->events[i].name), "input");
        for (uint32_t k = 0; k < w->events[i].input.count; k++) {
            rulebook_field *f = (rulebook_field *)(uintptr_t)&w->events[i].input.items[k];
            uint32_t at = 0;
            while (at < w->input_names.count && strcmp(w->input_names.items[at], f->name) != 0)
                at++;
            f->slot = w->slot_count - 1 - w->input_names.count + at;
        }
        if (rb_has_conditions(input))
            read_whens(l, input, w->events[i].input, rb_event_context(l, w->events[i].name, strlen(w->events[i].name)).typed);
    }
}

/* What the condition reads is wrong here, and may be right in another workflow. */
static void report_role(rulebook_loader *l, const rulebook_role *role)
{
    const gov_error *e = l->d != NULL && l->d->out != NULL ? *l->d->out : NULL;
    const size_t count = gov_error_count(e);
    const base_message m = count > 0 ? base_error_message(e, count - 1) : M_internal;
    const base_place place = rb_place(l->work->root);
    if (m == M_undeclared_reference || m == M_no_such_field || m == M_no_such_overload || m == M_wrong_type || m == M_wrong_argument)
        rb_note(l, base_fail_at(l->d, &place, M_role_in_workflow, A_S("role", role->name), A_S("workflow", l->work->w->name),
                                A_S("source", role->place.origin), A_I("line", role->place.line)));
}

/* A role's condition has to make sense in each workflow whose events name the role. */
static void check_roles(rulebook_loader *l)
{
    const rulebook_workflow *w = l->work->w;
    rb_names used = {0};
    for (uint32_t i = 0; i < w->event_count; i++)
        for (uint32_t k = 0; k < w->events[i].by.count; k++)
            rb_names_add(l, &used, w->events[i].by.items[k]);
    for (size_t i = 0; i < used.count && !rb_out(l); i++) {
        const rulebook_role *role = rulebook_find_role(&l->rb->pub, w, used.items[i]);
        if (role != NULL && role->when_node != NULL && rb_expr(l, role->when_node, EXPR_BOOL, l->work->nowhere.typed) == NULL && !rb_out(l))
            report_role(l, role);
    }
    rb_names_free(l, &used);
    for (uint32_t i = 0; i < w->role_count; i++) /* their nodes go away when the workflow is complete */
        ((rulebook_role *)(uintptr_t)w->roles)[i].when_node = NULL;
}

static void locate_role(void *user, size_t offset, base_place *out)
{
    const rulebook_role *role = user;
    *out = role->when_node != NULL ? rb_locate(role->when_node, offset) : role->place;
}

gov_status rulebook_role_program(const gov_allocator *a, const rulebook_role *role, const rulebook_workflow *w,
                                 expr_program **out, const diag *d)
{
    const expr_options options = {.expect = EXPR_BOOL, .declared_only = true, .locate = locate_role,
                                  .user = (void *)(uintptr_t)role};
    *out = NULL;
    if (role->when == NULL)
        return GOV_OK;
    return expr_compile(a, w->scope, role->when, strlen(role->when), &options, out, d);
}

static void locate_node(void *user, size_t offset, base_place *out)
{
    *out = rb_locate(user, offset);
}

gov_status rulebook_workflow_program(const gov_allocator *a, const rb_node *n, expr_type expect, const rulebook_workflow *w,
                                     expr_program **out, const diag *d)
{
    const expr_options options = {.expect = expect, .declared_only = true, .locate = locate_node, .user = (void *)(uintptr_t)n};
    *out = NULL;
    if (n == NULL || n->kind != RB_SCALAR)
        return GOV_OK;
    return expr_compile(a, w->scope, n->as.text, n->count, &options, out, d);
}

/* ---- migration ---- */

/* scope NULL: of states, which need none. */
static rulebook_migration_pair *read_pairs(rulebook_loader *l, const rb_node *n, const char *what, const expr_scope *scope,
                                           uint32_t *count)
{
    *count = 0;
    if (n == NULL || !rb_expect(l, n, RB_MAP, what))
        return NULL;
    rulebook_migration_pair *pairs = rb_alloc(l, n->count, sizeof *pairs);
    if (pairs == NULL)
        return NULL;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++) {
        const rb_node *key = n->as.pairs[i].key, *val = n->as.pairs[i].val;
        uint32_t state;
        pairs[i].place = rb_place(key);
        pairs[i].from = rb_copy(l, key->as.text, key->count);
        if (scope != NULL) {
            pairs[i].expr = rb_expr(l, val, EXPR_DYN, scope);
            if (rulebook_field_index(&l->work->w->fields, key->as.text, key->count) == RULEBOOK_NONE)
                rb_fail(l, key, M_unknown_name, A_S("kind", "field"), A_S("name", key->as.text));
            continue;
        }
        pairs[i].to = rulebook_read_string(l, val, "state");
        if (pairs[i].to != NULL && chart_resolve_inside(l->work->builder, CHART_ROOT, pairs[i].to, strlen(pairs[i].to),
                                                        &state) != CHART_FOUND)
            rb_report_state(l, val, pairs[i].to, strlen(pairs[i].to));
    }
    *count = n->count;
    return pairs;
}

static void read_migration(rulebook_loader *l, const rb_node *n)
{
    rulebook_migration *m = &l->work->w->migrate;
    if (!rulebook_read_keys(l, n, "migrate", rb_keys_migrate))
        return;
    m->place = rb_place(n);
    m->from = rulebook_read_string(l, rb_get(n, "from"), "from");
    /* Nothing is known here of the fields that the old version had, or of their types. */
    expr_scope *old = rb_scope(l, l->rb->scope);
    m->case_slot = rb_scope_var(l, old, "case", EXPR_DYN);
    if (old == NULL)
        return;
    m->states = read_pairs(l, rb_get(n, "states"), "states", NULL, &m->state_count);
    m->fields = read_pairs(l, rb_get(n, "fields"), "fields", old, &m->field_count);
    m->recompute_timers = rulebook_read_word(l, rb_get(n, "timers"), "timers", rb_words_timers, 0) == 1;
}

/* ---- digest ---- */

static bool mentions(const rb_slice *slice, const char *name)
{
    const char *p = slice->source->bytes + slice->start, *end = p + slice->len;
    const size_t len = strlen(name);
    while (len > 0 && (size_t)(end - p) >= len && (p = memchr(p, name[0], (size_t)(end - p))) != NULL &&
           (size_t)(end - p) >= len) {
        if (memcmp(p, name, len) == 0)
            return true;
        p++;
    }
    return false;
}

/* The text of the definition, and what the values that it may name come to: a case pinned to this digest goes on as it began,
 * whatever becomes of the rest of the rulebook. */
gov_status rb_work_digest(const rb_full *rb, const rb_def *def, uint8_t out[BASE_DIGEST_SIZE], const diag *d)
{
    base_buf b;
    base_buf_init(&b, rb->alloc);
    base_buf_str(&b, "gov-workflow 1\n");
    base_buf_be64(&b, def->slice.len);
    base_buf_add(&b, def->slice.source->bytes + def->slice.start, def->slice.len);
    for (uint32_t i = 0; i < rb->pub.value_count; i++) {
        const rulebook_value *v = &rb->pub.values[i];
        if (!mentions(&def->slice, v->name))
            continue;
        base_buf_str(&b, v->name);
        base_buf_char(&b, '=');
        value_write_document(&b, v->val);
        base_buf_char(&b, '\n');
    }
    const gov_status status = b.failed ? base_nomem(d) : GOV_OK;
    if (status == GOV_OK)
        base_sha256(b.data, b.len, out);
    base_buf_free(&b);
    return status;
}

static void digest(rulebook_loader *l, const rb_def *def)
{
    rulebook_workflow *w = l->work->w;
    if (def->made_digest != NULL)
        memcpy(w->digest, def->made_digest, BASE_DIGEST_SIZE);
    else
        rb_note(l, rb_work_digest(l->rb, def, w->digest, l->d));
    base_hex(w->digest, BASE_DIGEST_SIZE, w->digest_text);
}

/* ---- the whole ---- */

static void free_chart(void *c)
{
    chart_free(c);
}

static void build_chart(rulebook_loader *l)
{
    rb_work *work = l->work;
    chart *c = NULL;
    if (rb_out(l) || work->states.count < 2) /* that there are no states was told before */
        return;
    const base_place place = rb_place(rb_find(work->root, "states")->key);
    chart_set_root(work->builder, 0, &place);
    rb_note(l, chart_build(work->builder, l->rb->alloc, &c, l->d));
    if (c != NULL && !rb_own(l->unit, c, free_chart)) {
        rb_note(l, base_nomem(l->d));
        return;
    }
    work->w->chart = c;
    if (work->in != NULL)
        work->in->building = NULL;
}

static bool reads_clock(const rulebook_workflow *w, const expr_program *p)
{
    size_t count = 0;
    const uint32_t *slots = p != NULL ? expr_program_slots(p, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        if (slots[i] < w->slot_count && w->slots[slots[i]].kind == RULEBOOK_SLOT_CLOCK)
            return true;
    return false;
}

static void mark_followers(rb_work *work)
{
    rulebook_timer *timers = work->timers.items;
    for (size_t i = 0; i < work->timers.count; i++) {
        timers[i].follows = reads_clock(work->w, timers[i].at);
        work->w->timers_follow = work->w->timers_follow || timers[i].follows;
    }
}

static void finish_lists(rulebook_loader *l)
{
    rb_work *work = l->work;
    rulebook_workflow *w = work->w;
    w->transitions = rb_list_finish(l, &work->transitions);
    w->guards = rb_list_finish(l, &work->guards);
    w->guard_count = (uint32_t)work->guards.count;
    w->blocks = rb_list_finish(l, &work->blocks);
    w->block_count = (uint32_t)work->blocks.count;
    mark_followers(work);
    w->timers = rb_list_finish(l, &work->timers);
    w->timer_count = (uint32_t)work->timers.count;
}

static void compile(rulebook_loader *l, const rb_def *def, const rb_node *root)
{
    rb_work *work = l->work;
    rulebook_workflow *w = work->w;
    uint32_t roles;
    rulebook_read_keys(l, root, "workflow", rb_keys_workflow);
    w->title = rulebook_read_text(l, rb_get(root, "title"));
    w->description = rulebook_read_text(l, rb_get(root, "description"));
    w->calendar = l->calendar = rb_calendar_choice(l, root, l->calendar);
    w->statutory = rulebook_read_bool(l, rb_get(root, "statutory"), "statutory", false);
    w->roles = rb_roles(l, rb_get(root, "roles"), &roles);
    w->role_count = roles;
    w->fields = rb_fields(l, rb_get(root, "fields"));
    read_events(l, rb_get(root, "events"));
    if (rb_out(l))
        return;
    rb_laters(l);
    rb_states(l);
    if (!rb_out(l))
        rb_work_scopes(l);
    if (rb_out(l) || work->core == NULL)
        return;
    read_conditions(l);
    check_roles(l);
    rb_transitions(l);
    if (!rb_out(l))
        rb_clocks(l, rb_get(root, "clocks"));
    read_migration(l, rb_get(root, "migrate"));
    finish_lists(l);
    build_chart(l);
    digest(l, def);
}

const rulebook_workflow *rb_workflow(rulebook_loader *l, const rb_def *def, const rb_node *root)
{
    rulebook_workflow *w = rb_alloc(l, 1, sizeof *w);
    rb_work work = {.root = root,
                    .scopes = {.size = sizeof(rb_event_scope)},
                    .states = {.size = sizeof(rb_draft)},
                    .transitions = {.size = sizeof(rulebook_transition)},
                    .guards = {.size = sizeof(rulebook_guard)},
                    .blocks = {.size = sizeof(rulebook_block)},
                    .timers = {.size = sizeof(rulebook_timer)},
                    .reports = {.size = sizeof(rb_report)}};
    if (w == NULL)
        return NULL;
    w->name = def->name;
    w->place = def->place;
    w->owner = &l->rb->pub;
    w->rulebook_version = l->rb->pub.version;
    work.w = w;
    l->work = &work;
    const gov_status status = chart_builder_new(l->rb->alloc, &work.builder, l->d);
    rb_note(l, status);
    if (status == GOV_OK)
        compile(l, def, root);
    work_free(l, &work);
    return w;
}
