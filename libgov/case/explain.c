/* What may happen next to a case, to whom, and which rule refuses the rest. */
#include "case/live.h"

#include <string.h>

typedef struct get_input {
    int64_t id;
    gov_value **out;
} get_input;

static const access_call read_call = {"case.read", false};

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
        if (f->one_of_count > 0)
            value_builder_set(&one, "one_of", value_list(f->one_of, f->one_of_count));
        b.failed = b.failed || one.failed;
        value_builder_set(&b, f->name, value_builder_map(&one));
    }
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

static void set_refusal(value_builder *b, case_machine *m, const char *why, const base_place *place)
{
    value_builder r;
    value_builder_init(&r, m->arena);
    value_builder_set(&r, "why", value_text(why));
    if (place != NULL && place->origin != NULL) {
        value_builder_set(&r, "file", value_text(place->origin));
        value_builder_set(&r, "line", value_int(place->line));
    }
    b->failed = b->failed || r.failed;
    value_builder_set(b, "refused_by", value_builder_map(&r));
}

/* Would a transition take the event now? Guards that read its data cannot be judged before it comes: they count as open. */
static bool some_guard_open(case_machine *m, const char *event, uint32_t *refusing)
{
    uint32_t candidates[64];
    const size_t n = chart_candidates(m->w->chart, m->state, event, strlen(event), candidates, ARRAY_LEN(candidates));
    const expr_run run = case_expr_run(m);
    *refusing = n > 0 ? candidates[0] : CHART_NONE;
    for (size_t i = 0; i < n && i < ARRAY_LEN(candidates); i++) {
        const uint32_t guard = m->w->transitions[candidates[i]].guard;
        bool holds = true;
        if (guard == RULEBOOK_NONE || expr_eval_bool(m->w->guards[guard].when, &run, &holds, NULL) != GOV_OK || holds)
            return true;
    }
    return false;
}

gov_status case_event_allowed(gov *g, case_machine *m, const rulebook_event *e, bool *allowed, const diag *d)
{
    uint32_t refusing;
    const gov_status status = case_may_send(g, m, e, allowed, d);
    *allowed = status == GOV_OK && *allowed && some_guard_open(m, e->name, &refusing);
    return status;
}

static gov_status explain_event(gov *g, case_machine *m, const rulebook_event *e, value *out, const diag *d)
{
    value_builder b;
    value input;
    bool may;
    uint32_t refusing;
    gov_status status = describe_input(m, e, &input, d);
    if (status == GOV_OK)
        status = case_may_send(g, m, e, &may, d);
    if (status != GOV_OK)
        return status;
    const bool open = some_guard_open(m, e->name, &refusing);
    value_builder_init(&b, m->arena);
    value_builder_set(&b, "event", value_text(e->name));
    value_builder_set(&b, "allowed", value_bool(may && open));
    value_builder_set(&b, "input", input);
    if (refusing == CHART_NONE)
        set_refusal(&b, m, "state", NULL);
    else if (!open)
        set_refusal(&b, m, "guard", &m->w->transitions[refusing].place);
    else if (!may)
        set_refusal(&b, m, "role", &e->place);
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

static gov_status explain_timers(gov *g, case_machine *m, value *out, const diag *d)
{
    static const store_sql sql = {"SELECT name, event, due_us, parked, reason, provisional FROM gov_case_timer WHERE community = $1 AND "
                                  "case_id = $2 ORDER BY due_us, id"};
    store_rows rows;
    value_builder list;
    value_builder_init(&list, m->arena);
    gov_status status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(m->id)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK) {
        value_builder b;
        value_builder_init(&b, m->arena);
        value_builder_set_copy(&b, "timer", store_text(&rows, 0, NULL));
        value_builder_set_copy(&b, "event", store_text(&rows, 1, NULL));
        value_builder_set(&b, "due", value_from_us(store_int(&rows, 2)));
        value_builder_set(&b, "parked", value_bool(store_int(&rows, 3) != 0));
        value_builder_set(&b, "provisional", value_bool(store_int(&rows, 5) != 0));
        if (!store_is_null(&rows, 4))
            value_builder_set_copy(&b, "reason", store_text(&rows, 4, NULL));
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
    value_builder b, events;
    value_builder_init(&b, m->arena);
    value_builder_init(&events, m->arena);
    gov_status status = case_active_paths(m, m->arena, &state, d);
    if (status == GOV_OK)
        status = case_view_clocks(m, true, &clocks, d);
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
