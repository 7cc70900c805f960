/* What may happen next to a case, to whom, and which rule refuses the rest. */
#include "case/live.h"

#include <string.h>

typedef struct get_input {
    int64_t id;
    gov_value **out;
} get_input;

static const access_call read_call = {"case.read", false};

/* What a form needs to know of a field beside its type. */
static void set_limits(value_builder *b, const rulebook_field *f)
{
    const struct {
        const char *name;
        value v;
    } limits[] = {{"default", f->preset}, {"min", f->min}, {"max", f->max}};
    if (f->title.count > 0)
        value_builder_set(b, "title", case_text_value(b->arena, &f->title));
    if (f->description.count > 0)
        value_builder_set(b, "description", case_text_value(b->arena, &f->description));
    if (f->one_of_count > 0)
        value_builder_set(b, "one_of", value_list(f->one_of, f->one_of_count));
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (limits[i].v.kind != VALUE_ABSENT)
            value_builder_set(b, limits[i].name, limits[i].v);
    if (f->max_length >= 0)
        value_builder_set(b, "max_length", value_int(f->max_length));
    if (f->pattern != NULL)
        value_builder_set(b, "matches", value_text(f->pattern));
}

static gov_status describe_input(case_machine *m, const rulebook_event *e, value *out, const diag *d)
{
    value_builder b;
    value_builder_init(&b, m->arena);
    for (uint32_t i = 0; i < e->input.count; i++) {
        const rulebook_field *f = &e->input.items[i];
        value_builder one;
        value_builder_init(&one, m->arena);
        value_builder_set(&one, "type", value_text(rulebook_type_name((rulebook_type)f->type)));
        value_builder_set(&one, "required", value_bool(f->required));
        set_limits(&one, f);
        b.failed = b.failed || one.failed;
        value_builder_set(&b, f->name, value_builder_map(&one));
    }
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

/* What refuses an event; NULL: nothing does. */
typedef struct refusal {
    const char *why; /* "state", "guard", "role" */
    base_place place;
} refusal;

/* The message that the event would be answered with, and the rule it comes from. */
static gov_status set_refusal(gov *g, value_builder *b, case_machine *m, const rulebook_event *e, const refusal *r, const diag *d)
{
    gov_error *error = NULL;
    const diag quiet = {g->alloc, &error};
    value_builder map;
    value paths;
    gov_status status = case_active_paths(m, m->arena, &paths, d);
    if (status != GOV_OK)
        return status;
    const char *state = paths.len > 0 ? paths.as.items[0].as.s : "";
    gov_status told;
    if (strcmp(r->why, "role") == 0)
        told = base_fail_at(&quiet, &r->place, M_permission_denied, A_S("actor", access_actor_name(&g->actor)), A_S("action", e->name));
    else if (strcmp(r->why, "guard") == 0)
        told = base_fail_at(&quiet, &r->place, M_guard_refused, A_S("event", e->name), A_S("state", state));
    else
        told = base_fail_at(&quiet, &r->place, M_event_refused, A_S("event", e->name), A_S("state", state));
    const value reason = case_reason_value(m->arena, error);
    gov_error_free(error);
    value_builder_init(&map, m->arena);
    value_builder_set(&map, "why", value_text(r->why));
    value_builder_set(&map, "code", value_get_text(reason, "code"));
    value_builder_set(&map, "message", value_get_text(reason, "message"));
    if (r->place.origin != NULL) {
        value_builder_set(&map, "file", value_text(r->place.origin));
        value_builder_set(&map, "line", value_int(r->place.line));
    }
    value_builder_set(b, "refused_by", value_builder_map(&map));
    return told == GOV_E_NOMEM || map.failed || reason.kind == VALUE_ABSENT ? base_nomem(d) : GOV_OK;
}

/* Would a transition take the event now, and let g's actor through? Guards that read its data cannot be judged before it comes: they
 * count as open. */
static gov_status judge(gov *g, case_machine *m, const rulebook_event *e, refusal *out, const diag *d)
{
    uint32_t candidates[64], active[1];
    const size_t n = chart_candidates(m->w->chart, m->state, e->name, strlen(e->name), candidates, ARRAY_LEN(candidates));
    const expr_run run = case_expr_run(m);
    const access_subject subject = case_subject(m);
    bool may = true;
    gov_status status = GOV_OK;
    *out = (refusal){"state", e->place};
    if (n == 0 && case_extended_by(m, e->name))
        out->why = NULL;
    if (out->why != NULL && chart_active(m->w->chart, m->state, active, 1) > 0)
        out->place = m->w->states[active[0]].place;
    for (size_t i = 0; i < n && i < ARRAY_LEN(candidates) && status == GOV_OK && out->why != NULL; i++) {
        const rulebook_transition *t = &m->w->transitions[candidates[i]];
        bool holds = true;
        const gov_status read = t->guard == RULEBOOK_NONE ? GOV_OK : expr_eval_bool(m->w->guards[t->guard].when, &run, &holds, NULL);
        const bool sure = read == GOV_OK;
        if (read == GOV_E_NOMEM)
            return base_nomem(d);
        if (sure && !holds) {
            if (i == 0)
                *out = (refusal){"guard", t->place};
            continue;
        }
        if (t->by.count > 0)
            status = access_holds(g, m->w, &t->by, &subject, &may, d);
        *out = may ? (refusal){NULL, {0}} : (refusal){"role", t->place};
        if (!may && sure)
            break; /* it is this one that would be taken */
    }
    if (status == GOV_OK && out->why == NULL)
        status = case_may_send(g, m, e, &may, d);
    if (status == GOV_OK && out->why == NULL && !may)
        *out = (refusal){"role", e->place};
    return status;
}

gov_status case_event_refusal(gov *g, case_machine *m, const rulebook_event *e, case_refusal *out, const diag *d)
{
    refusal r;
    const gov_status status = judge(g, m, e, &r, d);
    const base_message code = r.why == NULL ? M_event_refused : strcmp(r.why, "role") == 0    ? M_permission_denied
                                                            : strcmp(r.why, "guard") == 0 ? M_guard_refused
                                                                                          : M_event_refused;
    *out = (case_refusal){status == GOV_OK && r.why != NULL ? base_message_code(code) : NULL, r.place};
    return status;
}

static gov_status explain_event(gov *g, case_machine *m, const rulebook_event *e, value *out, const diag *d)
{
    value_builder b;
    value input;
    refusal r;
    gov_status status = describe_input(m, e, &input, d);
    if (status == GOV_OK)
        status = judge(g, m, e, &r, d);
    if (status != GOV_OK)
        return status;
    value_builder_init(&b, m->arena);
    value_builder_set(&b, "event", value_text(e->name));
    value_builder_set(&b, "allowed", value_bool(r.why == NULL));
    value_builder_set(&b, "input", input);
    if (r.why != NULL)
        status = set_refusal(g, &b, m, e, &r, d);
    *out = value_builder_map(&b);
    return status == GOV_OK && b.failed ? base_nomem(d) : status;
}

static void set_law(case_machine *m, value_builder *b, const char *event)
{
    for (uint32_t i = 0; i < m->w->timer_count; i++)
        if (m->w->timers[i].law.count > 0 && strcmp(m->w->timers[i].event, event) == 0)
            value_builder_set(b, "law", case_text_value(m->arena, &m->w->timers[i].law));
}

static gov_status explain_timers(gov *g, case_machine *m, value *out, const diag *d)
{
    static const store_sql sql = {"SELECT name, event, due_us, parked, reason, provisional, since_us, length, roll, attempts FROM gov_case_timer WHERE community = $1 AND "
                                  "case_id = $2 ORDER BY due_us, id"}; /* what waits for a clock comes last */
    store_rows rows;
    value_builder list;
    value_builder_init(&list, m->arena);
    gov_status status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(m->id)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK) {
        value_builder b;
        value_builder_init(&b, m->arena);
        value_builder_set_copy(&b, "timer", store_text(&rows, 0, NULL));
        value_builder_set_copy(&b, "event", store_text(&rows, 1, NULL));
        value_builder_set(&b, "due", store_int(&rows, 2) != CASE_NEVER ? value_from_us(store_int(&rows, 2)) : value_null());
        value_builder_set(&b, "parked", value_bool(store_int(&rows, 3) != 0 && store_int(&rows, 9) > 0));
        value_builder_set(&b, "waiting", value_bool(store_int(&rows, 3) != 0 && store_int(&rows, 9) == 0)); /* for a year */
        value_builder_set(&b, "provisional", value_bool(store_int(&rows, 5) != 0));
        if (!store_is_null(&rows, 4))
            value_builder_set_copy(&b, "reason", store_text(&rows, 4, NULL));
        if (!store_is_null(&rows, 6)) /* reckoned by a calendar: from when, and how long */
            value_builder_set(&b, "since", value_from_us(store_int(&rows, 6)));
        if (!store_is_null(&rows, 7) && store_text(&rows, 7, NULL)[0] != '\0')
            value_builder_set_copy(&b, "length", store_text(&rows, 7, NULL));
        value_builder_set(&b, "roll", value_bool(store_int(&rows, 8) == CAL_ROLL_NEXT_WORKING_DAY));
        set_law(m, &b, store_text(&rows, 1, NULL));
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    store_rows_close(&rows);
    *out = value_builder_list(&list);
    if (status != GOV_END && status != GOV_OK)
        return status;
    return list.failed ? base_nomem(d) : GOV_OK;
}

static gov_status explain(gov *g, case_machine *m, value *out, const diag *d)
{
    value state, clocks, timers, effects;
    case_past past = {0};
    value_builder b, events;
    value_builder_init(&b, m->arena);
    value_builder_init(&events, m->arena);
    gov_status status = case_active_paths(m, m->arena, &state, d);
    if (status == GOV_OK)
        status = case_past_read(g, m->id, m->arena, &past, d);
    if (status == GOV_OK)
        status = case_view_clocks(m, &past, &clocks, d);
    case_past_free(&past);
    if (status == GOV_OK)
        status = explain_timers(g, m, &timers, d);
    if (status == GOV_OK)
        status = case_effects_view(g, m, &effects, d);
    for (uint32_t i = 0; i < m->w->event_count && status == GOV_OK; i++) {
        value v;
        status = explain_event(g, m, &m->w->events[i], &v, d);
        value_builder_add(&events, v);
    }
    if (status != GOV_OK)
        return status;
    value_builder_set(&b, "id", value_int(m->id));
    value_builder_set(&b, "state", state);
    value_builder_set(&b, "clocks", clocks);
    value_builder_set(&b, "timers", timers);
    value_builder_set(&b, "effects", effects);
    value_builder_set(&b, "events", value_builder_list(&events));
    *out = value_builder_map(&b);
    return b.failed || events.failed ? base_nomem(d) : GOV_OK;
}

static gov_status explain_body(gov *g, void *input, const diag *d)
{
    get_input *in = input;
    case_machine m;
    value v;
    gov_status status = case_load_to_read(g, in->id, &m, d);
    if (status != GOV_OK)
        return status;
    status = explain(g, &m, &v, d);
    case_machine_free(&m);
    return status == GOV_OK ? access_answer(g, v, in->out, d) : status;
}

gov_status gov_case_explain(gov *g, int64_t id, gov_value **out, gov_error **err)
{
    get_input in = {id, out};
    return out != NULL ? access_run(g, &read_call, explain_body, &in, err) : base_misuse(err, "out");
}
