/* What refuses an event: told ahead, when nobody knows its data yet, and when it has come. Both ask the chart which transitions it would take,
 * and look on while it decides. */
#include "case/live.h"

#include <string.h>

typedef struct trial {
    case_machine *m;
    const chart_event *event;
    bool known;           /* the data is there */
    uint32_t role, guard; /* the first transition that passed the actor over, and the first condition that refused who is let through */
    uint32_t barred;      /* the first condition that did not hold of one that passed the actor over */
} trial;

/* A condition that fails by itself, whatever the data, ends the step: so it does here. */
static gov_status try_guard(void *user, uint32_t guard, chart_run *run, bool *holds, const diag *d)
{
    trial *t = user;
    case_machine *m = t->m;
    const expr_program *when = m->w->guards[guard].when;
    const expr_run with = case_expr_run(m);
    (void)run;
    m->asked_data = false;
    const gov_status status = expr_eval_bool(when, &with, holds, NULL);
    if (status == GOV_E_NOMEM)
        return base_nomem(d);
    if (!t->known && m->asked_data)
        *holds = true;
    else if (status != GOV_OK)
        return expr_eval_bool(when, &with, holds, d); /* once more, to say why */
    if (!*holds && t->guard == RULEBOOK_NONE)
        t->guard = guard;
    return GOV_OK;
}

/* Of one that passes the actor over, the role is the reason only where its condition is none. */
static gov_status try_role(void *user, uint32_t transition, chart_run *run, bool *holds, const diag *d)
{
    trial *t = user;
    const uint32_t guard = t->m->w->transitions[transition].guard;
    bool open = true;
    gov_status status = case_admits(t->m, transition, t->event, holds, d);
    if (status != GOV_OK || *holds)
        return status;
    const uint32_t before = t->guard;
    if (guard != RULEBOOK_NONE)
        status = try_guard(t, guard, run, &open, NULL);
    t->guard = before;
    if (status == GOV_OK && open && t->role == RULEBOOK_NONE)
        t->role = transition;
    else if (status == GOV_OK && !open && t->barred == RULEBOOK_NONE)
        t->barred = guard;
    return status == GOV_E_NOMEM ? base_nomem(d) : GOV_OK;
}

/* The chart wants one where the rules have actions; nothing is run. */
static gov_status no_action(void *user, uint32_t block, chart_run *run, const diag *d)
{
    (void)user, (void)block, (void)run, (void)d;
    return GOV_OK;
}

static const base_place *place_of(const rulebook_workflow *w, uint32_t guard)
{
    for (uint32_t i = 0; i < chart_transition_count(w->chart); i++)
        if (w->transitions[i].guard == guard)
            return &w->transitions[i].place;
    return &w->guards[guard].place;
}

static gov_status nothing_takes(trial *t, case_why *why, const diag *d)
{
    case_machine *m = t->m;
    value paths;
    uint32_t active;
    const char *state = "";
    const gov_status status = case_active_paths(m, m->arena, &paths, d);
    if (status != GOV_OK)
        return status;
    if (paths.len > 0)
        state = paths.as.items[0].as.s;
    const uint32_t guard = t->guard != RULEBOOK_NONE ? t->guard : t->role == RULEBOOK_NONE ? t->barred : RULEBOOK_NONE;
    *why = guard != RULEBOOK_NONE ? CASE_BY_GUARD : t->role != RULEBOOK_NONE ? CASE_BY_ROLE : CASE_BY_STATE;
    if (*why == CASE_BY_ROLE)
        return base_fail_at(d, &m->w->transitions[t->role].place, M_permission_denied, A_S("actor", access_actor_name(m->actor)),
                            A_S("action", t->event->name));
    if (*why == CASE_BY_GUARD)
        return base_fail_at(d, place_of(m->w, guard), M_guard_refused, A_S("event", t->event->name), A_S("state", state));
    const base_place *place = chart_active(m->w->chart, m->state, &active, 1) > 0 ? &m->w->states[active].place : NULL;
    return base_fail_at(d, place, M_event_refused, A_S("event", t->event->name), A_S("state", state));
}

/* `d` is told what refuses it; GOV_OK: nothing does. */
static gov_status judge(case_machine *m, const chart_event *event, bool known, case_why *why, const diag *d)
{
    static const chart_hooks hooks = {.guard = try_guard, .act = no_action, .admits = try_role};
    trial t = {m, event, known, RULEBOOK_NONE, RULEBOOK_NONE, RULEBOOK_NONE};
    const chart_caller by = {&hooks, &t, m->arena};
    const chart_event *before = m->event;
    const bool extends = case_extended_by(m, event->name);
    size_t taken = 0;
    m->event = event;
    *why = CASE_BY_GUARD; /* a condition that cannot be asked */
    gov_status status = chart_would_take(m->w->chart, m->state, event, &by, NULL, 0, &taken, d);
    if (status == GOV_OK && taken == 0 && !extends)
        status = nothing_takes(&t, why, d);
    else if (status == GOV_OK && (taken > 0 || extends)) {
        *why = CASE_BY_CLOCK;
        status = case_clocks_extendable(m, event->name, known, d);
    }
    m->event = before;
    return status;
}

gov_status case_refuse(case_machine *m, const char *event, value data, const diag *d)
{
    case_why why;
    const chart_event sent = {event, strlen(event), data, false};
    const gov_status status = judge(m, &sent, true, &why, d);
    return status != GOV_OK ? status : base_fail(d, M_event_refused, A_S("event", event), A_S("state", ""));
}

gov_status case_event_refusal(gov *g, case_machine *m, const rulebook_event *e, case_why *why, gov_error **out, const diag *d)
{
    gov_error *error = NULL;
    const diag quiet = {g->alloc, &error};
    const chart_event sent = {e->name, strlen(e->name), value_absent(), false};
    bool may = true;
    *out = NULL;
    gov_status status = judge(m, &sent, false, why, &quiet); /* what refuses everybody comes before who may send it */
    if (status == GOV_OK && (status = case_may_send(g, m, e, &may, d)) != GOV_OK)
        return status;
    if (status == GOV_OK && !may) {
        *why = CASE_BY_ROLE;
        status = base_fail_at(&quiet, &e->place, M_permission_denied, A_S("actor", access_actor_name(&g->actor)), A_S("action", e->name));
    }
    if (status == GOV_E_NOMEM) {
        gov_error_free(error);
        return base_nomem(d);
    }
    *out = error;
    return GOV_OK;
}
