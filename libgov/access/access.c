/* The gate: every public call on a community comes through access_run. */
#include "access/access.h"

#include <string.h>

static bool has_role(const access_actor *actor, const char *role)
{
    for (size_t i = 0; i < actor->role_count; i++)
        if (strcmp(actor->roles[i], role) == 0)
            return true;
    return false;
}

static gov_status scope_holds(gov *g, const rulebook_role *role, const access_subject *subject, bool *holds,
                              const diag *d)
{
    const access_actor *actor = &g->actor;
    switch (role->scope) {
    case RULEBOOK_SCOPE_GRID:
        *holds = false;
        if (subject->grid == 0 || actor->grid_count == 0)
            return GOV_OK;
        return g->hooks.grid_within(g, subject->grid, actor->grids, actor->grid_count, holds, d);
    case RULEBOOK_SCOPE_UNIT:
        *holds = subject->unit != 0 && subject->unit == actor->unit;
        return GOV_OK;
    case RULEBOOK_SCOPE_ASSIGNEE:
        *holds = actor->kind == ACCESS_STAFF && subject->staff != 0 && subject->staff == actor->id;
        return GOV_OK;
    case RULEBOOK_SCOPE_REPORTER:
        *holds = actor->kind == ACCESS_RESIDENT && subject->reporter != 0 && subject->reporter == actor->id;
        return GOV_OK;
    default:
        *holds = true;
        return GOV_OK;
    }
}

static gov_status role_holds(gov *g, const rulebook_role *role, const access_subject *subject, bool *holds, const diag *d)
{
    *holds = false;
    if (role->when != NULL) {
        if (subject->when == NULL)
            return GOV_OK;
        /* A condition that cannot be evaluated (a field without a value) does not hold: nobody gains by it. */
        const gov_status status = subject->when(subject->user, role, holds, NULL);
        if (status == GOV_E_EXPR)
            *holds = false;
        else if (status != GOV_OK)
            return status == GOV_E_NOMEM ? base_nomem(d) : status;
        if (!*holds)
            return GOV_OK;
    }
    return scope_holds(g, role, subject, holds, d);
}

/* A role is held when it was given to the person; roles by condition or by being the reporter need not be given. */
static bool may_hold(const access_actor *actor, const rulebook_role *role)
{
    return role->when != NULL || role->scope == RULEBOOK_SCOPE_REPORTER || has_role(actor, role->name);
}

bool access_may_hold(const gov *g, const rulebook_role *role)
{
    return may_hold(&g->actor, role);
}

gov_status access_holds(gov *g, const rulebook_workflow *w, const rulebook_names *roles, const access_subject *subject,
                        bool *holds, const diag *d)
{
    *holds = g->actor.kind == ACCESS_HOST || g->actor.kind == ACCESS_RULES;
    for (size_t i = 0; i < roles->count && !*holds; i++) {
        const rulebook_role *role = rulebook_find_role(g->rules, w, roles->items[i]);
        if (role == NULL || !may_hold(&g->actor, role))
            continue;
        const gov_status status = role_holds(g, role, subject, holds, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

const char *access_actor_name(const access_actor *a)
{
    return a->key[0] != '\0' ? a->key : a->kind == ACCESS_RULES ? "rules" : "host"; /* as the journal calls them */
}

gov_status access_deny(gov *g, const char *action, const diag *d)
{
    return base_fail(d, M_permission_denied, A_S("actor", access_actor_name(&g->actor)), A_S("action", action));
}

static gov_status check_actor(gov *g, const char *action, bool *settled, const diag *d)
{
    *settled = true;
    if (g->actor.kind == ACCESS_NOBODY)
        return base_fail(d, M_no_actor);
    if (action == ACCESS_ANYONE || action[0] == '\0' || g->actor.kind == ACCESS_HOST || g->actor.kind == ACCESS_RULES)
        return GOV_OK;
    if (strcmp(action, ACCESS_HOST_ONLY) == 0) /* no permission gives it */
        return base_fail(d, M_host_only, A_S("actor", g->actor.key));
    *settled = false;
    return GOV_OK;
}

static const rulebook_names *permitted(const gov *g, const char *action)
{
    static const rulebook_names nobody = {NULL, 0};
    const rulebook_permission *p = rulebook_find_permission(g->rules, action);
    return p != NULL ? &p->roles : &nobody;
}

gov_status access_check(gov *g, const char *action, const diag *d)
{
    bool settled;
    const gov_status status = check_actor(g, action, &settled, d);
    if (status != GOV_OK || settled)
        return status;
    const rulebook_names *roles = permitted(g, action);
    for (size_t i = 0; i < roles->count; i++) {
        const rulebook_role *role = rulebook_find_role(g->rules, NULL, roles->items[i]);
        if (role != NULL && may_hold(&g->actor, role))
            return GOV_OK; /* its scope is checked against what is touched, by access_check_subject */
    }
    return access_deny(g, action, d);
}

gov_status access_reaches(gov *g, const char *action, const access_subject *subject, bool *reaches, const diag *d)
{
    bool settled;
    const gov_status status = check_actor(g, action, &settled, d);
    *reaches = status == GOV_OK && settled;
    return status != GOV_OK || settled ? status : access_holds(g, NULL, permitted(g, action), subject, reaches, d);
}

bool access_bounds(const gov *g, const char *action, access_subject *within)
{
    const access_actor *a = &g->actor;
    const rulebook_names *roles = permitted(g, action);
    *within = (access_subject){0};
    for (size_t i = 0; i < roles->count && a->kind != ACCESS_HOST && a->kind != ACCESS_RULES; i++) {
        const rulebook_role *role = rulebook_find_role(g->rules, NULL, roles->items[i]);
        if (role == NULL || !may_hold(a, role))
            continue;
        if (role->scope == RULEBOOK_SCOPE_GRID)
            within->grid = a->grid_count > 0 ? a->grids[0] : 0;
        else if (role->scope == RULEBOOK_SCOPE_UNIT)
            within->unit = a->unit;
        else if (role->scope == RULEBOOK_SCOPE_ASSIGNEE)
            within->staff = a->kind == ACCESS_STAFF ? a->id : 0;
        else if (role->scope == RULEBOOK_SCOPE_REPORTER)
            within->reporter = a->kind == ACCESS_RESIDENT ? a->id : 0;
        else
            return false;
    }
    return a->kind != ACCESS_HOST && a->kind != ACCESS_RULES;
}

gov_status access_check_subject(gov *g, const char *action, const access_subject *subject, const diag *d)
{
    bool reaches;
    const gov_status status = access_reaches(g, action, subject, &reaches, d);
    return status != GOV_OK || reaches ? status : access_deny(g, action, d);
}

gov_status access_check_whole(gov *g, const char *action, const diag *d)
{
    const access_subject all = {0};
    return access_check_subject(g, action, &all, d);
}

/* ---- running a call ---- */

typedef struct running_call {
    gov *g;
    const char *action;
    access_body body;
    void *input;
} running_call;

static void withdraw(gov *g)
{
    if (g->answer != NULL) {
        gov_value_free(*g->answer);
        *g->answer = NULL;
        g->answer = NULL;
    }
}

/* Looks of a try that failed showed nothing to anybody. */
static void drop_looks(gov *g)
{
    if (g->running == 1)
        g->look_count = g->call_looks;
}

static gov_status run_body(void *user, const diag *d)
{
    running_call *call = user;
    gov *g = call->g;
    gov_status status = GOV_OK;
    if (g->running == 1) {
        base_arena_reset(&g->scratch); /* also before a retry */
        drop_looks(g);
        status = g->hooks.follow(g, d);
    }
    if (status == GOV_OK)
        status = access_check(g, call->action, d);
    return status == GOV_OK ? call->body(g, call->input, d) : status;
}

static gov_status run_read(running_call *call, const diag *d)
{
    store *s = call->g->store;
    if (store_in_transaction(s))
        return run_body(call, d);
    gov_status status = store_begin_read(s, d);
    if (status != GOV_OK)
        return status;
    status = run_body(call, d);
    store_rollback(s); /* nothing was written */
    return status;
}

static gov_status write_looks(void *user, const diag *d)
{
    gov *g = user;
    for (size_t i = 0; i < g->look_count; i++) {
        const access_look *look = &g->looks[i];
        const value_pair data[] = {{value_text("field"), value_text(look->field)}};
        const journal_entry entry = {.kind = "look",
                                     .real_ms = access_real_ms(g),
                                     .at_us = look->at_us,
                                     .actor = look->actor,
                                     .purpose = look->purpose,
                                     .subject_kind = look->kind,
                                     .subject = look->subject,
                                     .data = value_map(data, ARRAY_LEN(data))};
        const gov_status status = journal_append(g->journal, &entry, NULL, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

static void forget_looks(gov *g)
{
    g->look_count = g->call_looks = 0;
    base_arena_reset(&g->look_memory);
}

/* Inside a group the looks wait for its end, so that a rollback cannot undo them. */
static gov_status settle_looks(gov *g, const diag *d)
{
    if (g->look_count == 0 || g->group || g->running > 1)
        return GOV_OK;
    const gov_status status = store_run(g->store, write_looks, g, d);
    if (status == GOV_OK)
        forget_looks(g);
    return status;
}

/* One transaction touches one community: a group of another one on this connection has to end first. */
static gov_status check_turn(gov *g, const diag *d)
{
    if (g->actor.kind == ACCESS_NOBODY)
        return base_fail(d, M_no_actor);
    if (!g->group && g->running == 0 && store_in_transaction(g->store))
        return base_fail(d, M_group_elsewhere);
    return store_check_process(g->store, d);
}

gov_status access_enter(gov *g, const char *action, const diag *d)
{
    gov_status status = check_turn(g, d);
    if (status == GOV_OK)
        status = g->hooks.follow(g, d);
    return status == GOV_OK ? access_check(g, action, d) : status;
}

gov_status access_run(gov *g, const access_call *call, access_body body, void *input, gov_error **err)
{
    if (g == NULL)
        return base_misuse(err, "g");
    const diag d = {g->alloc, err};
    gov_status status = check_turn(g, &d);
    if (status != GOV_OK)
        return status;
    running_call run = {g, call->action, body, input};
    if (g->running++ == 0) {
        g->call_looks = g->look_count;
        g->answer = NULL;
    }
    status = call->write ? store_run(g->store, run_body, &run, &d) : run_read(&run, &d);
    if (status == GOV_OK)
        status = settle_looks(g, &d);
    if (status != GOV_OK) {
        withdraw(g);
        drop_looks(g);
    }
    g->answer = NULL;
    g->running--;
    return status;
}

gov_status access_read_stored(gov *g, base_arena *arena, const char *text, size_t len, value *out, const diag *d)
{
    return store_read_document(g->store, arena, text, len, out, d);
}

gov_status access_answer(gov *g, value v, gov_value **out, const diag *d)
{
    withdraw(g); /* of a try before this one */
    const gov_status status = value_publish(g->alloc, v, out, d);
    if (status == GOV_OK)
        g->answer = out;
    return status;
}

void access_end_group(gov *g)
{
    if (!g->group)
        return;
    store_rollback(g->store);
    g->group = false;
    (void)settle_looks(g, NULL); /* whoever closes asks for no answer */
}

/* ---- groups ---- */

static gov_status enter(gov *g, bool group, diag *d, gov_error **err)
{
    *d = (diag){g != NULL ? g->alloc : NULL, err};
    if (g == NULL)
        return base_fail(d, M_bad_argument, A_S("what", "g"));
    if (g->actor.kind == ACCESS_NOBODY)
        return base_fail(d, M_no_actor);
    if (g->group != group)
        return base_fail(d, group ? M_no_group : M_group_open);
    return store_check_process(g->store, d);
}

gov_status gov_begin(gov *g, gov_error **err)
{
    diag d;
    gov_status status = enter(g, false, &d, err);
    if (status == GOV_OK)
        status = check_turn(g, &d);
    if (status == GOV_OK)
        status = store_begin(g->store, &d);
    if (status == GOV_OK)
        g->group = true;
    return status;
}

gov_status gov_commit(gov *g, gov_error **err)
{
    diag d;
    gov_status status = enter(g, true, &d, err);
    if (status != GOV_OK)
        return status;
    status = write_looks(g, &d);
    if (status == GOV_OK)
        status = store_commit(g->store, &d);
    else
        store_rollback(g->store);
    g->group = false;
    if (status == GOV_OK)
        forget_looks(g);
    return status; /* looks that could not be written are, with the next call */
}

gov_status gov_rollback(gov *g, gov_error **err)
{
    diag d;
    const gov_status status = enter(g, true, &d, err);
    if (status != GOV_OK)
        return status;
    store_rollback(g->store);
    g->group = false;
    return settle_looks(g, &d);
}
