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

/* The message that the event would be answered with, and the rule that it comes from. */
static gov_status set_refusal(value_builder *b, case_machine *m, case_why why, const gov_error *error, const diag *d)
{
    static const char *const names[] = {[CASE_BY_STATE] = "state", [CASE_BY_GUARD] = "guard", [CASE_BY_ROLE] = "role", [CASE_BY_CLOCK] = "clock"};
    const value reason = case_reason_value(m->arena, error);
    const char *origin = gov_error_origin(error, 0);
    value_builder map;
    value_builder_init(&map, m->arena);
    value_builder_set(&map, "why", value_text(names[why]));
    value_builder_set(&map, "code", value_get_text(reason, "code"));
    value_builder_set(&map, "message", value_get_text(reason, "message"));
    if (origin != NULL) {
        value_builder_set_copy(&map, "file", origin);
        value_builder_set(&map, "line", value_int(gov_error_line(error, 0)));
    }
    value_builder_set(b, "refused_by", value_builder_map(&map));
    return map.failed || reason.kind == VALUE_ABSENT ? base_nomem(d) : GOV_OK;
}

static gov_status explain_event(gov *g, case_machine *m, const rulebook_event *e, value *out, const diag *d)
{
    value_builder b;
    value input;
    case_why why = CASE_BY_STATE;
    gov_error *error = NULL;
    gov_status status = describe_input(m, e, &input, d);
    if (status == GOV_OK)
        status = case_event_refusal(g, m, e, &why, &error, d);
    if (status != GOV_OK)
        return status;
    value_builder_init(&b, m->arena);
    value_builder_set(&b, "event", value_text(e->name));
    value_builder_set(&b, "allowed", value_bool(error == NULL));
    value_builder_set(&b, "input", input);
    if (error != NULL)
        status = set_refusal(&b, m, why, error, d);
    gov_error_free(error);
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
