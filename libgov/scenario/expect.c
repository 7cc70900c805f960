/* What is expected of a case, and of all of them. Runs inside of one read. */
#include "scenario/scenario.h"

#include <string.h>

/* One case that is looked at. */
typedef struct view {
    scenario_run *r;
    case_machine m;
    scenario_case *named;
    value_builder raised, effects; /* since the steps before the last expectations */
    const diag *d;
} view;

/* ---- telling ---- */

static gov_status quiet(gov_status told)
{
    return told == GOV_E_NOMEM ? told : GOV_OK;
}

static gov_status differs(view *v, const base_place *place, const char *what, const char *found, const char *wanted)
{
    return quiet(base_fail_at(&v->r->to_wrong, place, M_scenario_differs, A_S("what", what), A_S("found", found), A_S("wanted", wanted)));
}

/* "a, b, c" */
static const char *joined(view *v, value list)
{
    base_buf text;
    base_buf_init(&text, v->r->g->alloc);
    for (size_t i = 0; i < list.len; i++) {
        base_buf_str(&text, i > 0 ? ", " : "");
        if (list.as.items[i].kind == VALUE_STRING)
            base_buf_add(&text, list.as.items[i].as.s, list.as.items[i].len);
        else
            value_write_plain(&text, list.as.items[i]);
    }
    const char *copy = text.failed ? NULL : base_arena_strndup(v->m.arena, text.len > 0 ? text.data : "-", text.len > 0 ? text.len : 1);
    base_buf_free(&text);
    return copy;
}

/* ---- what happened ---- */

static gov_status gather(void *user, const journal_record *record)
{
    view *v = user;
    value data;
    v->named->looked = record->id;
    if (record->id <= v->named->seen || record->erased)
        return GOV_OK;
    const gov_status status = access_read_stored(v->r->g, v->m.arena, record->data_text, record->data_len, &data, v->d);
    if (status != GOV_OK)
        return status;
    const value raised = value_get_text(data, "raised"), effects = value_get_text(data, "effects"), event = value_get_text(data, "event");
    const bool by_rules = strcmp(record->kind, "case.mark") == 0 || (strcmp(record->kind, "case.event") == 0 && record->actor == ACCESS_ID_RULES);
    if (by_rules && event.kind == VALUE_STRING && event.len > 0 && event.as.s[0] != '@')
        value_builder_add(&v->raised, event);
    for (size_t i = 0; raised.kind == VALUE_LIST && i < raised.len; i++)
        value_builder_add(&v->raised, raised.as.items[i]);
    for (size_t i = 0; effects.kind == VALUE_LIST && i < effects.len; i++)
        value_builder_add(&v->effects, effects.as.items[i]);
    return GOV_OK;
}

static bool has_text(value list, const char *name)
{
    for (size_t i = 0; i < list.len; i++)
        if (value_is_text(list.as.items[i], name))
            return true;
    return false;
}

static gov_status check_raised(view *v, const rulebook_expectation *e)
{
    const value raised = value_builder_list(&v->raised);
    const char *all = joined(v, raised);
    gov_status status = all != NULL ? GOV_OK : base_nomem(v->d);
    for (uint32_t i = 0; i < e->raised.count && status == GOV_OK; i++)
        if (!has_text(raised, e->raised.items[i].name))
            status = quiet(base_fail_at(&v->r->to_wrong, &e->raised.items[i].place, M_scenario_absent, A_S("what", "raised"),
                                        A_S("wanted", e->raised.items[i].name), A_S("found", all)));
    if (status == GOV_OK && e->raised.asked && e->raised.count == 0 && raised.len > 0)
        status = quiet(base_fail_at(&v->r->to_wrong, &e->raised.place, M_scenario_unwanted, A_S("what", "raised"), A_S("found", all)));
    for (uint32_t i = 0; i < e->not_raised.count && status == GOV_OK; i++)
        if (has_text(raised, e->not_raised.items[i].name))
            status = quiet(base_fail_at(&v->r->to_wrong, &e->not_raised.items[i].place, M_scenario_unwanted, A_S("what", "raised"),
                                        A_S("found", e->not_raised.items[i].name)));
    return status;
}

/* Each effect that is wanted needs one of its own: two messages are two. */
static gov_status check_effects(view *v, const rulebook_wanteds *wanted)
{
    const value effects = value_builder_list(&v->effects);
    bool *taken = base_arena_array(v->m.arena, effects.len, sizeof *taken);
    const char *all = joined(v, effects);
    gov_status status = taken != NULL && all != NULL ? GOV_OK : base_nomem(v->d);
    for (uint32_t i = 0; i < wanted->count && status == GOV_OK; i++) {
        const rulebook_wanted *w = &wanted->items[i];
        bool found = false;
        for (size_t k = 0; k < effects.len && !found && status == GOV_OK; k++) {
            const value data = value_get_text(effects.as.items[k], w->name);
            if (taken[k] || data.kind == VALUE_ABSENT)
                continue;
            found = w->val.kind == VALUE_ABSENT;
            if (!found)
                status = scenario_contains(v->r, w->val, data, &found, v->d);
            taken[k] = found;
        }
        if (status == GOV_OK && !found)
            status = quiet(base_fail_at(&v->r->to_wrong, &w->place, M_scenario_absent, A_S("what", "effects"), A_S("wanted", w->name), A_S("found", all)));
    }
    if (status == GOV_OK && wanted->asked && wanted->count == 0 && effects.len > 0)
        status = quiet(base_fail_at(&v->r->to_wrong, &wanted->place, M_scenario_unwanted, A_S("what", "effects"), A_S("found", all)));
    return status;
}

/* ---- where it stands ---- */

static gov_status check_states(view *v, const rulebook_wanteds *wanted)
{
    value paths;
    gov_status status = wanted->count > 0 ? case_active_paths(&v->m, v->m.arena, &paths, v->d) : GOV_OK;
    for (uint32_t i = 0; i < wanted->count && status == GOV_OK; i++) {
        const char *name = wanted->items[i].name;
        if (chart_in_path(v->m.w->chart, v->m.state, name, strlen(name)))
            continue;
        const char *found = joined(v, paths);
        status = found != NULL ? differs(v, &wanted->items[i].place, "state", found, name) : base_nomem(v->d);
    }
    return status;
}

static gov_status check_fields(view *v, const rulebook_wanteds *wanted)
{
    gov_status status = GOV_OK;
    for (uint32_t i = 0; i < wanted->count && status == GOV_OK; i++) {
        const rulebook_wanted *w = &wanted->items[i];
        const rulebook_field *f = rulebook_find_field(&v->m.w->fields, w->name, strlen(w->name));
        const char *is_text, *want_text;
        value found;
        bool is;
        status = scenario_field_is(v->r, &v->m, w, &is, &found, v->d);
        if (status != GOV_OK || is)
            continue;
        status = scenario_text(v->r, &v->m, f, found, &is_text, v->d);
        if (status == GOV_OK)
            status = scenario_text(v->r, &v->m, NULL, w->val, &want_text, v->d);
        if (status == GOV_OK)
            status = differs(v, &w->place, w->name, is_text, want_text);
    }
    return status;
}

static gov_status key_of(view *v, int64_t id, const char **out)
{
    *out = "null";
    return id != 0 ? registry_label(v->r->g, id, out, NULL, v->d) : GOV_OK;
}

static gov_status check_property(view *v, const rulebook_wanted *w)
{
    const case_machine *m = &v->m;
    const char *found = "null", *wanted = w->val.kind == VALUE_STRING ? w->val.as.s : "null";
    gov_status status = GOV_OK;
    if (strcmp(w->name, "ended") == 0) {
        found = m->closed_us != 0 ? "true" : "false";
        wanted = w->val.as.b ? "true" : "false";
    } else if (strcmp(w->name, "outcome") == 0) {
        found = m->outcome != NULL ? m->outcome : "null";
    } else {
        status = key_of(v, strcmp(w->name, "unit") == 0 ? m->unit : strcmp(w->name, "staff") == 0 ? m->staff
                           : strcmp(w->name, "grid") == 0 ? m->grid : m->reporter, &found);
    }
    return status != GOV_OK || strcmp(found, wanted) == 0 ? status : differs(v, &w->place, w->name, found, wanted);
}

/* Where the case has gone over to other rules, the condition is read by those. */
static gov_status holds_now(view *v, const rulebook_condition *c, bool *holds, const diag *d)
{
    const expr_run run = case_expr_run(&v->m);
    const expr_options options = {.expect = EXPR_BOOL, .declared_only = true};
    expr_program *program = NULL;
    if (c->program != NULL)
        return expr_eval_bool(c->program, &run, holds, d);
    gov_status status = expr_compile(v->r->g->alloc, v->m.w->scope, c->text, strlen(c->text), &options, &program, d);
    if (status == GOV_OK)
        status = expr_eval_bool(program, &run, holds, d);
    expr_program_free(program);
    return status;
}

static gov_status check_that(view *v, const rulebook_expectation *e)
{
    gov_status status = GOV_OK;
    for (uint32_t i = 0; i < e->that_count && status == GOV_OK; i++) {
        bool holds = false;
        gov_error *err = NULL;
        const diag inner = {v->r->g->alloc, &err};
        const gov_status one = holds_now(v, &e->that[i], &holds, &inner);
        if (one == GOV_E_NOMEM)
            status = base_nomem(v->d);
        else if (one != GOV_OK || !holds)
            status = quiet(base_fail_at(&v->r->to_wrong, &e->that[i].place, M_scenario_does_not_hold, A_S("text", e->that[i].text)));
        gov_error_free(err);
    }
    return status;
}

/* It is refused, and should be so for that reason. */
static gov_status check_refusal(view *v, const rulebook_wanted *event, const rulebook_refusal *wanted, const gov_error *found)
{
    base_buf is, want;
    const bool code = wanted->code == NULL || strcmp(wanted->code, gov_error_code(found, 0)) == 0;
    if (code && scenario_refused_by(wanted, gov_error_origin(found, 0), gov_error_line(found, 0)))
        return GOV_OK;
    base_buf_init(&is, v->r->g->alloc);
    base_buf_init(&want, v->r->g->alloc);
    base_buf_fmt(&is, "refused by %s", gov_error_code(found, 0));
    base_buf_fmt(&want, "%s", wanted->code);
    if (wanted->file != NULL) {
        base_buf_str(&is, ", ");
        scenario_rule_text(&is, gov_error_origin(found, 0), gov_error_line(found, 0));
        base_buf_str(&want, ", ");
        scenario_rule_text(&want, wanted->file, wanted->line);
    }
    const gov_status status = is.failed || want.failed ? base_nomem(v->d) : differs(v, &event->place, event->name, is.data, want.data);
    base_buf_free(&is);
    base_buf_free(&want);
    return status;
}

static size_t place_of(const rulebook_wanteds *list, const char *name)
{
    size_t i = 0;
    while (i < list->count && strcmp(list->items[i].name, name) != 0)
        i++;
    return i;
}

static gov_status check_event(view *v, const rulebook_expectation *e, const rulebook_event *event)
{
    const size_t a = place_of(&e->allowed, event->name), f = place_of(&e->refused, event->name);
    const bool wanted = a < e->allowed.count, unwanted = f < e->refused.count;
    gov_error *found = NULL;
    case_why why;
    if (!e->allowed.asked && !unwanted)
        return GOV_OK;
    gov_status status = case_event_refusal(v->r->g, &v->m, event, &why, &found, v->d);
    const bool allowed = found == NULL;
    if (status != GOV_OK)
        return status;
    if (wanted && !allowed)
        status = differs(v, &e->allowed.items[a].place, event->name, "refused", "allowed");
    else if (unwanted)
        status = allowed ? differs(v, &e->refused.items[f].place, event->name, "allowed", "refused")
                         : check_refusal(v, &e->refused.items[f], &e->refusals[f], found);
    else if (e->allowed.asked && !wanted && allowed)
        status = quiet(base_fail_at(&v->r->to_wrong, &e->allowed.place, M_scenario_unwanted, A_S("what", "allowed"), A_S("found", event->name)));
    gov_error_free(found);
    return status;
}

static gov_status check_events(view *v, const rulebook_expectation *e)
{
    gov_status status = GOV_OK;
    for (uint32_t i = 0; i < v->m.w->event_count && status == GOV_OK; i++)
        status = check_event(v, e, &v->m.w->events[i]);
    for (uint32_t i = 0; i < e->allowed.count && status == GOV_OK; i++) /* under other rules there may be no such event */
        if (rulebook_find_event(v->m.w, e->allowed.items[i].name) == NULL)
            status = differs(v, &e->allowed.items[i].place, e->allowed.items[i].name, "refused", "allowed");
    return status;
}

/* ---- clocks ---- */

/* As the readings have it: a day is 24 hours there. */
static value as_reading(cal_duration dur)
{
    if (dur.unit == CAL_DAYS || dur.unit == CAL_WORKING_DAYS)
        return value_duration(dur.amount * 86400, 0);
    return value_duration(dur.amount / BASE_US_PER_SECOND, (int32_t)(dur.amount % BASE_US_PER_SECOND) * 1000);
}

static gov_status length_text(view *v, cal_unit unit, value reading, const char **out)
{
    base_buf text;
    int64_t us = 0;
    base_buf_init(&text, v->r->g->alloc);
    (void)value_to_us(reading, &us);
    cal_write_duration(&text, cal_of(unit, unit == CAL_DAYS || unit == CAL_WORKING_DAYS ? us / BASE_US_PER_DAY : us));
    *out = text.failed ? NULL : base_arena_strndup(v->m.arena, text.data, text.len);
    base_buf_free(&text);
    return *out != NULL ? GOV_OK : base_nomem(v->d);
}

static gov_status check_length(view *v, size_t clock, const rulebook_wanted_clock *w, rulebook_clock_part part, cal_duration wanted)
{
    const cal_unit unit = v->m.clocks[clock].budget.unit;
    const value found = case_clock_reading(&v->m, clock, part);
    const char *is_text, *want_text;
    if (value_equal(found, as_reading(wanted)))
        return GOV_OK;
    gov_status status = length_text(v, unit, found, &is_text);
    if (status == GOV_OK)
        status = length_text(v, wanted.unit, as_reading(wanted), &want_text);
    return status == GOV_OK ? differs(v, &w->place, part == RULEBOOK_CLOCK_LEFT ? "left" : "consumed", is_text, want_text) : status;
}

static gov_status time_text(view *v, value instant, const char **out)
{
    char *text = NULL;
    int64_t us;
    *out = "null";
    if (instant.kind != VALUE_TIMESTAMP || !value_to_us(instant, &us))
        return GOV_OK;
    if (gov_time_format(v->r->g, us, &text, NULL, NULL) != GOV_OK)
        return base_nomem(v->d);
    *out = base_arena_strdup(v->m.arena, text);
    gov_text_free(text);
    return *out != NULL ? GOV_OK : base_nomem(v->d);
}

static gov_status check_due(view *v, size_t clock, const rulebook_wanted_clock *w)
{
    const value found = case_clock_reading(&v->m, clock, RULEBOOK_CLOCK_DUE);
    const char *is_text, *want_text;
    if (w->due.kind == VALUE_ABSENT || value_equal(found, w->due))
        return GOV_OK;
    gov_status status = time_text(v, found, &is_text);
    if (status == GOV_OK)
        status = time_text(v, w->due, &want_text);
    return status == GOV_OK ? differs(v, &w->place, "due", is_text, want_text) : status;
}

static gov_status check_flag(view *v, const rulebook_wanted_clock *w, const char *what, int8_t wanted, bool found)
{
    return wanted < 0 || (wanted != 0) == found ? GOV_OK : differs(v, &w->place, what, found ? "true" : "false", wanted != 0 ? "true" : "false");
}

static gov_status check_clock(view *v, const rulebook_wanted_clock *w)
{
    static const char *const states[] = {"idle", "running", "paused", "stopped"};
    size_t i = 0;
    while (i < v->m.w->clock_count && strcmp(v->m.w->clocks[i].name, w->name) != 0)
        i++;
    if (i == v->m.w->clock_count) /* under other rules */
        return differs(v, &w->place, w->name, "null", "a clock");
    const case_clock *c = &v->m.clocks[i];
    gov_status status = check_due(v, i, w);
    if (status == GOV_OK && w->has_consumed)
        status = check_length(v, i, w, RULEBOOK_CLOCK_CONSUMED, w->consumed);
    if (status == GOV_OK && w->has_left)
        status = check_length(v, i, w, RULEBOOK_CLOCK_LEFT, w->left);
    if (status == GOV_OK)
        status = check_flag(v, w, "running", w->running, case_clock_reading(&v->m, i, RULEBOOK_CLOCK_RUNNING).as.b);
    if (status == GOV_OK)
        status = check_flag(v, w, "breached", w->breached, case_clock_reading(&v->m, i, RULEBOOK_CLOCK_BREACHED).as.b);
    if (status == GOV_OK)
        status = check_flag(v, w, "provisional", w->provisional, c->provisional);
    if (status == GOV_OK && w->state != NULL && strcmp(w->state, states[c->state & 3]) != 0)
        status = differs(v, &w->place, w->name, states[c->state & 3], w->state);
    return status;
}

/* ---- other cases ---- */

static gov_status matches(scenario_run *r, const rulebook_query *q, int64_t id, base_arena *arena, bool *is, const diag *d)
{
    case_machine m;
    gov_status status = case_load(r->g, id, false, arena, &m, d);
    if (status != GOV_OK)
        return status;
    *is = q->link == NULL || (m.link != NULL && strcmp(m.link, q->link) == 0);
    for (uint32_t i = 0; i < q->states.count && *is; i++)
        *is = chart_in_path(m.w->chart, m.state, q->states.items[i].name, strlen(q->states.items[i].name));
    if (*is && q->outcome.count > 0)
        *is = strcmp(base_text_or_empty(m.outcome), q->outcome.items[0].name) == 0;
    for (uint32_t i = 0; i < q->fields.count && *is && status == GOV_OK; i++) {
        value found;
        status = scenario_field_is(r, &m, &q->fields.items[i], is, &found, d);
    }
    case_machine_free(&m);
    return status;
}

gov_status scenario_query(scenario_run *r, const rulebook_query *q, base_arena *arena, int64_t *first, int64_t *count, const diag *d)
{
    const scenario_case *parent = scenario_case_of(r, q->parent);
    int64_t *ids = NULL;
    size_t n = 0;
    *first = *count = 0;
    if (q->workflow == NULL || (q->parent != NULL && parent == NULL))
        return GOV_OK;
    gov_status status = case_ids(r->g, q->workflow, parent != NULL ? parent->id : 0, arena, &ids, &n, d);
    for (size_t i = 0; i < n && status == GOV_OK; i++) {
        bool is = false;
        status = matches(r, q, ids[i], arena, &is, d);
        if (!is)
            continue;
        ++*count;
        if (*count == (q->nth > 0 ? q->nth : 1))
            *first = ids[i];
    }
    return status;
}

static gov_status tell_count(scenario_run *r, const rulebook_query *q, int64_t found, const char *wanted)
{
    return quiet(base_fail_at(&r->to_wrong, &q->place, M_scenario_count, A_I("found", found), A_S("wanted", wanted)));
}

static gov_status check_queries(scenario_run *r, const rulebook_queries *queries, base_arena *arena, const diag *d)
{
    gov_status status = GOV_OK;
    for (uint32_t i = 0; i < queries->count && status == GOV_OK; i++) {
        const rulebook_query *q = &queries->items[i];
        int64_t first, count;
        char wanted[24] = "1+";
        status = scenario_query(r, q, arena, &first, &count, d);
        if (status != GOV_OK || (q->count < 0 ? count > 0 : count == q->count))
            continue;
        if (q->count >= 0)
            (void)base_format_int(q->count, wanted);
        status = tell_count(r, q, count, wanted);
    }
    return status;
}

gov_status scenario_find(scenario_run *r, const rulebook_step *step, int64_t *id, const diag *d)
{
    int64_t count;
    gov_status status = scenario_query(r, &step->find, &r->g->scratch, id, &count, d);
    if (status == GOV_OK && (*id == 0 || (step->find.nth < 0 && count > 1))) {
        status = tell_count(r, &step->find, count, step->find.nth < 0 ? "1" : "nth");
        *id = 0;
    }
    return status;
}

/* ---- all of it ---- */

static gov_status check_case(view *v, const rulebook_expectation *e)
{
    gov_status status = check_states(v, &e->states);
    for (uint32_t i = 0; i < e->properties.count && status == GOV_OK; i++)
        status = check_property(v, &e->properties.items[i]);
    if (status == GOV_OK)
        status = check_fields(v, &e->fields);
    for (uint32_t i = 0; i < e->clock_count && status == GOV_OK; i++)
        status = check_clock(v, &e->clocks[i]);
    if (status == GOV_OK)
        status = check_that(v, e);
    if (status == GOV_OK)
        status = check_raised(v, e);
    if (status == GOV_OK)
        status = check_effects(v, &e->effects);
    return status == GOV_OK ? check_events(v, e) : status;
}

gov_status scenario_expect(scenario_run *r, const rulebook_step *step, const diag *d)
{
    base_arena *arena = &r->g->scratch;
    gov_status status = check_queries(r, &step->expect.cases, arena, d);
    if (status == GOV_OK)
        status = check_queries(r, &step->expect.children, arena, d);
    const scenario_case *named = scenario_case_of(r, step->name);
    if (status != GOV_OK || step->name == NULL)
        return status;
    if (named == NULL)
        return quiet(base_fail_at(&r->to_wrong, &step->place, M_scenario_no_case, A_S("name", step->name)));
    view v = {.r = r, .named = (scenario_case *)(uintptr_t)named, .d = d};
    const journal_filter filter = {.subject = named->id, .after = named->seen};
    status = case_load(r->g, named->id, false, arena, &v.m, d);
    if (status != GOV_OK)
        return status;
    value_builder_init(&v.raised, arena);
    value_builder_init(&v.effects, arena);
    status = journal_read(r->g->journal, &filter, gather, &v, d);
    if (status == GOV_OK && (v.raised.failed || v.effects.failed))
        status = base_nomem(d);
    if (status == GOV_OK)
        status = check_case(&v, &step->expect);
    case_machine_free(&v.m);
    return status;
}
