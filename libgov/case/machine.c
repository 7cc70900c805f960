/* One case under its workflow: the chart's hooks, what expressions see, what a step leaves behind. */
#include "case/live.h"

#include <string.h>

/* ---- what expressions see ---- */

static value id_or_null(int64_t id)
{
    return id != 0 ? value_int(id) : value_null();
}

static value case_part(const case_machine *m, rulebook_case_part part)
{
    switch (part) {
    case RULEBOOK_CASE_ID:
        return value_int(m->id);
    case RULEBOOK_CASE_NUMBER:
        return m->number != NULL ? value_text(m->number) : value_null();
    case RULEBOOK_CASE_WORKFLOW:
        return value_text(m->w->name);
    case RULEBOOK_CASE_OPENED_AT:
        return value_from_us(m->opened_us);
    case RULEBOOK_CASE_REPORTER:
        return id_or_null(m->reporter);
    case RULEBOOK_CASE_ASSIGNEE:
        return id_or_null(m->staff);
    case RULEBOOK_CASE_UNIT:
        return id_or_null(m->unit);
    case RULEBOOK_CASE_GRID:
        return id_or_null(m->grid);
    case RULEBOOK_CASE_PARENT:
        return id_or_null(m->parent);
    default:
        return value_absent();
    }
}

/* What takes reading other cases, or a list's text. */
static value family_part(case_machine *m, rulebook_case_part part)
{
    value v;
    switch (part) {
    case RULEBOOK_CASE_CHILDREN:
        return case_children(m, &v, NULL) == GOV_OK ? v : value_absent();
    case RULEBOOK_CASE_HOLDERS:
        return case_holders(m);
    case RULEBOOK_CASE_PING_PONGS:
        return value_int(case_ping_pongs(m));
    default:
        return case_part(m, part);
    }
}

static value id_list(case_machine *m, const int64_t *ids, size_t n)
{
    value_builder b;
    value_builder_init(&b, m->arena);
    for (size_t i = 0; i < n; i++)
        value_builder_add(&b, value_int(ids[i]));
    return b.failed ? value_absent() : value_builder_list(&b);
}

static value name_list(case_machine *m, const char *const *names, size_t n)
{
    value_builder b;
    value_builder_init(&b, m->arena);
    for (size_t i = 0; i < n; i++)
        value_builder_add(&b, value_text(names[i]));
    return b.failed ? value_absent() : value_builder_list(&b);
}

static value actor_part(case_machine *m, rulebook_actor_part part)
{
    const access_actor *a = m->actor;
    if (a == NULL)
        return part == RULEBOOK_ACTOR_ID || part == RULEBOOK_ACTOR_UNIT ? value_null() : value_list(NULL, 0);
    switch (part) {
    case RULEBOOK_ACTOR_ID:
        return id_or_null(a->id);
    case RULEBOOK_ACTOR_ROLES:
        return name_list(m, a->roles, a->role_count);
    case RULEBOOK_ACTOR_GRIDS:
        return id_list(m, a->grids, a->grid_count);
    default:
        return id_or_null(a->unit);
    }
}

static value event_part(case_machine *m, const rulebook_slot *slot)
{
    if (m->event == NULL)
        return value_absent();
    m->asked_data = m->asked_data || slot->kind != RULEBOOK_SLOT_EVENT_NAME;
    if (slot->kind == RULEBOOK_SLOT_EVENT_NAME && slot->part == 1)
        return id_or_null(m->sender);
    if (slot->kind == RULEBOOK_SLOT_EVENT_NAME)
        return value_string(m->event->name, m->event->len);
    if (slot->kind == RULEBOOK_SLOT_EVENT_DATA)
        return m->event->data.kind == VALUE_ABSENT ? value_map(NULL, 0) : m->event->data;
    return value_get_text(m->event->data, m->w->input_names.items[slot->index]);
}

static bool fetch_slot(void *user, uint32_t number, value *out)
{
    case_machine *m = user;
    if (number >= m->w->slot_count)
        return false;
    const rulebook_slot *slot = &m->w->slots[number];
    switch (slot->kind) {
    case RULEBOOK_SLOT_NOW:
        *out = value_from_us(m->as_of_us != 0 ? m->as_of_us : m->now_us);
        break;
    case RULEBOOK_SLOT_ACTOR:
        *out = actor_part(m, slot->part);
        break;
    case RULEBOOK_SLOT_CASE:
        *out = family_part(m, slot->part);
        break;
    case RULEBOOK_SLOT_CLOCK:
        m->asked_unsure = m->asked_unsure || (m->clocks[slot->index].provisional && case_clock_due(m, slot->index) != 0);
        m->asked_waiting = m->asked_waiting || (slot->part == RULEBOOK_CLOCK_DUE && case_clock_due(m, slot->index) == 0);
        *out = case_clock_reading(m, slot->index, slot->part);
        break;
    case RULEBOOK_SLOT_EVENT_NAME:
    case RULEBOOK_SLOT_EVENT_DATA:
    case RULEBOOK_SLOT_INPUT:
        *out = event_part(m, slot);
        break;
    default:
        *out = value_absent();
        break;
    }
    return out->kind != VALUE_ABSENT;
}

expr_run case_expr_run(case_machine *m)
{
    return (expr_run){.slots = m->slots,
                      .slot_count = m->w->slot_count,
                      .fetch = fetch_slot,
                      .user = m,
                      .scratch = m->arena,
                      .now_us = m->as_of_us != 0 ? m->as_of_us : m->now_us,
                      .zone = m->rules->zone};
}

bool case_in_state(void *run_user, const rulebook_workflow *w, uint32_t state)
{
    const case_machine *m = run_user;
    return chart_in(w->chart, m->during != NULL ? m->during : m->state, state);
}

case_machine *case_machine_running(const expr_run *run)
{
    return run->fetch == fetch_slot ? run->user : NULL;
}

value case_field(const case_machine *m, size_t field)
{
    return m->slots[m->w->fields.items[field].slot];
}

void case_put_field(case_machine *m, size_t field, value v)
{
    m->slots[m->w->fields.items[field].slot] = v;
}

/* ---- the chart's hooks ---- */

/* The chart works on a copy of the state until the macrostep is done; what is read on the way reads that copy. */
static case_machine *follow(void *user, const chart_run *run)
{
    case_machine *m = user;
    m->event = chart_current_event(run);
    m->during = chart_current_state(run);
    return m;
}

static gov_status on_guard(void *user, uint32_t guard, chart_run *run, bool *holds, const diag *d)
{
    case_machine *m = follow(user, run);
    const expr_run er = case_expr_run(m);
    return expr_eval_bool(m->w->guards[guard].when, &er, holds, d);
}

gov_status case_admits(case_machine *m, uint32_t transition, const chart_event *event, bool *holds, const diag *d)
{
    const rulebook_transition *t = &m->w->transitions[transition];
    *holds = true;
    if (t->by.count == 0 || event->internal || m->actor == NULL || m->world->resolve == NULL)
        return GOV_OK;
    const access_subject subject = case_subject(m);
    return access_holds(m->user, m->w, &t->by, &subject, holds, d);
}

static gov_status on_admits(void *user, uint32_t transition, chart_run *run, bool *holds, const diag *d)
{
    case_machine *m = follow(user, run);
    return case_admits(m, transition, chart_current_event(run), holds, d);
}

static gov_status on_act(void *user, uint32_t block, chart_run *run, const diag *d)
{
    case_machine *m = follow(user, run);
    return case_run_block(m, &m->w->blocks[block], run, d);
}

/* An event that nothing takes reaches no clock, unless the rules raised it themselves for that, or a clock takes it to be extended. */
static gov_status on_event(void *user, const chart_event *event, size_t taken, chart_run *run, const diag *d)
{
    case_machine *m = follow(user, run);
    m->event = event;
    if (event->len > 0 && event->name[0] == '@')
        return GOV_OK;
    if (event->internal)
        value_builder_add(&m->raised, value_string(event->name, event->len));
    return taken > 0 || event->internal || m->extends ? case_clocks_event(m, event->name, event->len, d) : GOV_OK;
}

static gov_status on_taken(void *user, uint32_t transition, chart_run *run, const diag *d)
{
    case_machine *m = follow(user, run);
    const rulebook_transition *t = &m->w->transitions[transition];
    m->rule = t->place;
    if (m->watch != NULL)
        m->watch->taken(m->watch->user, m->w, transition);
    (void)d;
    return GOV_OK;
}

gov_status case_instant(case_machine *m, const expr_program *at, const base_place *place, int64_t *us, bool *provisional, const diag *d)
{
    const expr_run er = case_expr_run(m);
    int64_t first, last;
    value v;
    m->asked = NULL;
    m->asked_unsure = m->asked_waiting = false;
    *us = 0;
    *provisional = false;
    gov_status status = expr_eval(at, &er, &v, NULL);
    if (m->asked_waiting && status != GOV_E_NOMEM && (status != GOV_OK || v.kind != VALUE_TIMESTAMP))
        return GOV_OK;
    m->asked_waiting = false;
    if (status != GOV_OK) /* once more, to say why */
        status = expr_eval(at, &er, &v, d);
    if (status == GOV_OK && (v.kind != VALUE_TIMESTAMP || !value_to_us(v, us)))
        return base_fail_at(d, place, M_no_instant);
    if (status != GOV_OK)
        return status;
    *provisional = m->asked_unsure;
    if (m->asked != NULL && cal_day_of(m->asked, er.now_us, &first, NULL) == GOV_OK && cal_day_of(m->asked, *us, &last, NULL) == GOV_OK)
        *provisional = *provisional || !cal_covers(m->asked, first < last ? first : last, first < last ? last : first, NULL);
    return GOV_OK;
}

gov_status case_timer_due(case_machine *m, const rulebook_timer *t, int64_t from_us, case_timer *out, const diag *d)
{
    const expr_run er = case_expr_run(m);
    cal_instant end;
    gov_status status;
    out->since_us = 0;
    out->provisional = false;
    if (t->at != NULL) {
        m->as_of_us = from_us;
        status = case_instant(m, t->at, &t->place, &out->due_us, &out->provisional, d);
        m->as_of_us = 0;
        out->since_us = out->provisional || t->follows ? from_us : 0; /* asked again when the year is there */
        if (status == GOV_OK && m->asked_waiting)
            out->due_us = CASE_NEVER;
        return status;
    }
    status = rulebook_duration_of(&t->delay, &er, &out->length, NULL, d);
    if (status == GOV_OK)
        status = case_end_of(m, m->w->calendar, from_us, out->length, t->roll, &end, d);
    if (status != GOV_OK)
        return status;
    out->due_us = end.us;
    out->since_us = from_us;
    out->roll = t->roll;
    out->provisional = end.provisional;
    return GOV_OK;
}

const char *case_timer_name(case_machine *m, const char *event)
{
    const size_t len = strlen(event);
    char *name = base_arena_alloc(m->arena, len + 2);
    if (name != NULL) {
        name[0] = 'a';
        memcpy(name + 1, event, len);
    }
    return name;
}

static gov_status on_entered(void *user, uint32_t state, chart_run *run, const diag *d)
{
    case_machine *m = follow(user, run);
    const rulebook_state *s = &m->w->states[state];
    for (uint32_t i = 0; i < s->timer_count; i++) {
        const rulebook_timer *t = &m->w->timers[s->timers[i]];
        case_timer timer = {.case_id = m->id, .kind = CASE_TIMER_AFTER, .event = t->event, .name = case_timer_name(m, t->event)};
        if (timer.name == NULL)
            return base_nomem(d);
        timer.data = value_absent();
        gov_status status = case_timer_due(m, t, m->now_us, &timer, d);
        if (status == GOV_OK)
            status = m->world->schedule(m, &timer, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

/* Clocks first: an `after: {at: clocks.x.due}` of the same state reads what the entry started or stopped. */
static gov_status on_entering(void *user, uint32_t state, chart_run *run, const diag *d)
{
    case_machine *m = follow(user, run);
    m->entered[state] = m->now_us;
    if (m->watch != NULL)
        m->watch->entered(m->watch->user, m->w, state);
    return case_clocks_entered(m, state, d);
}

static gov_status on_exited(void *user, uint32_t state, chart_run *run, const diag *d)
{
    case_machine *m = follow(user, run);
    const rulebook_state *s = &m->w->states[state];
    for (uint32_t i = 0; i < s->timer_count; i++) {
        const char *name = case_timer_name(m, m->w->timers[s->timers[i]].event);
        const gov_status status = name != NULL ? m->world->unschedule(m, name, d) : base_nomem(d);
        if (status != GOV_OK)
            return status;
    }
    return case_clocks_exited(m, state, d);
}

static const chart_hooks hooks = {.guard = on_guard,
                                  .admits = on_admits,
                                  .act = on_act,
                                  .event = on_event,
                                  .taken = on_taken,
                                  .entering = on_entering,
                                  .entered = on_entered,
                                  .exited = on_exited};

/* ---- the machine ---- */

gov_status case_machine_init(case_machine *m, const rulebook_workflow *w, base_arena *arena, const diag *d)
{
    m->w = w;
    m->arena = arena;
    m->slots = base_arena_array(arena, w->slot_count, sizeof *m->slots);
    m->state = base_arena_alloc(arena, chart_state_size(w->chart));
    m->clocks = base_arena_array(arena, w->clock_count, sizeof *m->clocks);
    m->entered = base_arena_array(arena, chart_state_count(w->chart), sizeof *m->entered);
    if (m->slots == NULL || m->state == NULL || m->clocks == NULL || m->entered == NULL)
        return base_nomem(d);
    if (w->slot_count > 0)
        memcpy(m->slots, w->presets, w->slot_count * sizeof *m->slots);
    chart_state_init(w->chart, m->state);
    for (uint32_t i = 0; i < w->clock_count; i++)
        base_buf_init(&m->clocks[i].account, m->alloc);
    value_builder_init(&m->changes, arena);
    value_builder_init(&m->effects, arena);
    value_builder_init(&m->raised, arena);
    value_builder_init(&m->waits, arena);
    return GOV_OK;
}

void case_machine_free(case_machine *m)
{
    for (uint32_t i = 0; m->w != NULL && m->clocks != NULL && i < m->w->clock_count; i++)
        base_buf_free(&m->clocks[i].account);
}

/* A clock was started, paused, given more time ...: timers whose instants rest on clocks follow, each as of when its state was
 * entered. One that has fired in this stay is not set any more, and stays so. */
static gov_status follow_clocks(case_machine *m, const diag *d)
{
    gov_status status = GOV_OK;
    if (!m->w->timers_follow || !m->clocks_moved)
        return GOV_OK;
    m->clocks_moved = false;
    for (uint32_t i = 0; i < m->w->timer_count && status == GOV_OK; i++) {
        const rulebook_timer *t = &m->w->timers[i];
        case_timer timer = {.case_id = m->id, .kind = CASE_TIMER_AFTER, .event = t->event};
        if (!t->follows || !chart_in(m->w->chart, m->state, t->state))
            continue;
        timer.data = value_absent();
        timer.name = case_timer_name(m, t->event);
        status = timer.name != NULL ? case_timer_due(m, t, m->entered[t->state], &timer, d) : base_nomem(d);
        if (timer.due_us < m->now_us)
            timer.due_us = m->now_us;
        if (status == GOV_OK)
            status = m->world->move(m, &timer, d);
    }
    return status;
}

static gov_status settle(case_machine *m, const diag *d)
{
    m->event = NULL;
    const gov_status status = follow_clocks(m, d);
    if (status != GOV_OK)
        return status;
    return m->changes.failed || m->effects.failed || m->raised.failed ? base_nomem(d) : GOV_OK;
}

gov_status case_machine_start(case_machine *m, const diag *d)
{
    const chart_caller by = {&hooks, m, m->arena};
    const gov_status status = chart_start(m->w->chart, m->state, &by, d);
    m->during = NULL;
    return status == GOV_OK ? settle(m, d) : status;
}

bool case_extended_by(const case_machine *m, const char *event)
{
    uint32_t candidates[1];
    bool named = false;
    for (uint32_t i = 0; i < m->w->clock_count; i++) {
        const char *extends = m->w->clocks[i].extend.event;
        const bool under_way = m->clocks[i].state == CASE_CLOCK_RUNNING || m->clocks[i].state == CASE_CLOCK_PAUSED;
        named = named || (under_way && extends != NULL && strcmp(extends, event) == 0);
    }
    return named && !case_machine_ended(m) && chart_candidates(m->w->chart, m->state, event, strlen(event), candidates, 1) == 0;
}

gov_status case_machine_send(case_machine *m, const char *event, value data, bool *accepted, const diag *d)
{
    const chart_caller by = {&hooks, m, m->arena};
    m->extends = case_extended_by(m, event);
    const chart_event e = {.name = event, .len = strlen(event), .data = data};
    const gov_status status = chart_send(m->w->chart, m->state, &e, &by, accepted, d);
    if (m->extends && accepted != NULL && status == GOV_OK)
        *accepted = true;
    m->extends = false;
    m->during = NULL;
    return status == GOV_OK ? settle(m, d) : status;
}

gov_status case_machine_mark(case_machine *m, const char *timer, const char *event, const diag *d)
{
    size_t clock, mark;
    if (!case_mark_of(m, timer, &clock, &mark))
        return GOV_OK; /* the workflow has no such mark any more */
    const gov_status status = case_clock_mark(m, clock, mark, d);
    return status == GOV_OK ? case_machine_send(m, event, value_absent(), NULL, d) : status;
}

static bool is_leaf(const case_machine *m, uint32_t state)
{
    const chart_kind kind = chart_kind_of(m->w->chart, state);
    return kind == CHART_ATOMIC || kind == CHART_FINAL;
}

bool case_machine_ended(const case_machine *m)
{
    bool any = false;
    for (uint32_t s = 0; s < chart_state_count(m->w->chart); s++) {
        if (!chart_in(m->w->chart, m->state, s) || !is_leaf(m, s))
            continue;
        if (chart_kind_of(m->w->chart, s) != CHART_FINAL)
            return false;
        any = true;
    }
    return any;
}

const char *case_machine_outcome(const case_machine *m)
{
    for (uint32_t leaf = 0; leaf < chart_state_count(m->w->chart); leaf++) {
        if (!chart_in(m->w->chart, m->state, leaf) || !is_leaf(m, leaf))
            continue;
        for (uint32_t s = leaf; s != CHART_NONE; s = chart_parent(m->w->chart, s))
            if (m->w->states[s].outcome != NULL)
                return m->w->states[s].outcome;
    }
    return NULL;
}

gov_status case_active_paths(const case_machine *m, base_arena *arena, value *list, const diag *d)
{
    const size_t n = chart_active(m->w->chart, m->state, NULL, 0);
    uint32_t *active = base_arena_array(arena, n, sizeof *active);
    value *items = base_arena_array(arena, n, sizeof *items);
    if (active == NULL || items == NULL)
        return base_nomem(d);
    chart_active(m->w->chart, m->state, active, n);
    for (size_t i = 0; i < n; i++)
        items[i] = value_text(chart_path(m->w->chart, active[i]));
    *list = value_list(items, n);
    return GOV_OK;
}

const cal_calendar *case_calendar(const case_machine *m, const char *name)
{
    const rulebook_calendar *c = rulebook_find_calendar(m->rules, name);
    if (c == NULL && name != NULL) /* the current rules dropped it: the case's own version has it still */
        c = rulebook_find_calendar(m->w->owner, name);
    return c != NULL ? c->cal : m->plain;
}

gov_status case_plain_calendar(const gov_allocator *a, const base_zone *zone, cal_calendar **out, const diag *d)
{
    cal_builder *b = NULL;
    gov_status status = cal_builder_new(a, "", zone, &b, d);
    if (status == GOV_OK)
        status = cal_builder_finish(b, out, d);
    cal_builder_free(b);
    return status;
}

gov_status case_end_of(case_machine *m, const char *calendar, int64_t from_us, cal_duration dur, uint8_t roll,
                       cal_instant *out, const diag *d)
{
    return cal_add(case_calendar(m, calendar), from_us, dur, (cal_roll)roll, out, d);
}
