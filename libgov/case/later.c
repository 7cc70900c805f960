/* Effects that end later: the case knows by its ids what is under way, is told how each ends, and calls it off. */
#include "case/live.h"

#include <string.h>

static const store_column effect_columns[] = {
    {"community", STORE_INT}, {"case_id", STORE_INT}, {"name", STORE_TEXT}, {"effect", STORE_TEXT},
    {"since_us", STORE_INT},  {"due_us", STORE_INT, true}, {"ref", STORE_INT}, {0}};
const store_table case_effect_table = {"gov_case_effect", effect_columns, "community, case_id, name", 0, NULL};

/* ---- names ---- */

const char *case_effect_id(const rulebook_action *action)
{
    for (uint32_t i = 0; i < action->as.effect.count; i++)
        if (action->as.effect.args[i].param->kind == RULEBOOK_PARAM_ID)
            return action->as.effect.args[i].text;
    return NULL;
}

static char *joined(base_arena *arena, const char *a, const char *between, const char *b)
{
    const size_t n = strlen(a), k = strlen(between), m = strlen(b);
    char *s = base_arena_alloc(arena, n + k + m + 1);
    if (s != NULL) {
        memcpy(s, a, n);
        memcpy(s + n, between, k);
        memcpy(s + n + k, b, m + 1);
    }
    return s;
}

const char *case_effect_timer_name(case_machine *m, const char *id)
{
    return joined(m->arena, "e", ":", id);
}

static const case_runner *runner_of(gov *g, const case_open_effect *e)
{
    const rulebook_effect *effect = rulebook_find_effect(g->rules->host, e->effect);
    return effect != NULL ? effect->user : NULL;
}

/* ---- rows ---- */

#define OPEN_EFFECT "SELECT name, effect, since_us, due_us, ref FROM gov_case_effect WHERE community = $1 AND case_id = $2"

static gov_status read_row(store_rows *rows, int64_t case_id, base_arena *arena, case_open_effect *out, const diag *d)
{
    *out = (case_open_effect){.case_id = case_id, .since_us = store_int(rows, 2), .due_us = store_int(rows, 3), .ref = store_int(rows, 4)};
    out->id = base_arena_strdup(arena, store_text(rows, 0, NULL));
    out->effect = base_arena_strdup(arena, store_text(rows, 1, NULL));
    return out->id != NULL && out->effect != NULL ? GOV_OK : base_nomem(d);
}

gov_status case_effect_get(gov *g, int64_t case_id, const char *id, base_arena *arena, case_open_effect *out, const diag *d)
{
    static const store_sql one = {OPEN_EFFECT " AND name = $3"};
    store_rows rows;
    gov_status status = store_first(g->store, &one, STORE_ARGS(store_i(g->community), store_i(case_id), store_s(id)), &rows, d);
    if (status != GOV_OK)
        return status;
    status = read_row(&rows, case_id, arena, out, d);
    store_rows_close(&rows);
    return status;
}

/* All of a case, at most as many as its workflow can begin. */
static gov_status read_all(gov *g, case_machine *m, case_open_effect **out, size_t *count, const diag *d)
{
    static const store_sql all = {OPEN_EFFECT " ORDER BY name"};
    store_rows rows;
    *count = 0;
    *out = base_arena_array(m->arena, m->w->later_count, sizeof **out);
    if (m->w->later_count == 0)
        return GOV_OK;
    if (*out == NULL)
        return base_nomem(d);
    gov_status status = store_query(g->store, &all, STORE_ARGS(store_i(g->community), store_i(m->id)), &rows, d);
    while (status == GOV_OK && *count < m->w->later_count && (status = store_next(&rows, d)) == GOV_OK)
        status = read_row(&rows, m->id, m->arena, &(*out)[(*count)++], d);
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

/* *gone: another one was faster, or it never was. */
static gov_status drop_row(gov *g, int64_t case_id, const char *id, bool *gone, const diag *d)
{
    static const store_sql drop = {"DELETE FROM gov_case_effect WHERE community = $1 AND case_id = $2 AND name = $3"};
    int64_t rows = 0;
    const gov_status status = store_exec(g->store, &drop, STORE_ARGS(store_i(g->community), store_i(case_id), store_s(id)), &rows, d);
    *gone = rows == 0;
    return status;
}

/* ---- beginning ---- */

gov_status case_effect_begin(case_machine *m, const rulebook_action *action, int64_t ref, int64_t due_us, const case_timer *timer,
                             const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_case_effect (community, case_id, name, effect, since_us, due_us, ref) VALUES "
                                  "($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (community, case_id, name) DO NOTHING"};
    const char *id = case_effect_id(action), *name = action->as.effect.effect->name;
    gov *g = m->community;
    int64_t added = 0;
    if (id == NULL)
        return GOV_OK;
    gov_status status = store_exec(g->store, &add,
                                   STORE_ARGS(store_i(g->community), store_i(m->id), store_s(id), store_s(name), store_i(m->now_us),
                                              store_i0(due_us), store_i(ref)),
                                   &added, d);
    if (status == GOV_OK && added == 0)
        return base_fail_at(d, &action->place, M_effect_open, A_S("id", id));
    if (status == GOV_OK)
        case_tell_effect(m, id, name, m->now_us, due_us, ref);
    if (status != GOV_OK || timer == NULL)
        return status;
    case_timer t = *timer;
    t.case_id = m->id;
    t.kind = CASE_TIMER_EFFECT;
    t.name = case_effect_timer_name(m, id);
    t.event = id;
    t.data = value_absent();
    return t.name != NULL ? m->world->schedule(m, &t, d) : base_nomem(d);
}

gov_status case_effect_foresee(case_machine *m, const rulebook_action *action, const char *report, value data, int64_t at_us,
                               const diag *d)
{
    const char *id = case_effect_id(action);
    if (id == NULL)
        return GOV_OK;
    const case_timer t = {.case_id = m->id, .kind = CASE_TIMER_EFFECT, .name = case_effect_timer_name(m, id), .due_us = at_us,
                          .event = joined(m->arena, id, ".", report), .data = data};
    return t.name != NULL && t.event != NULL ? m->world->schedule(m, &t, d) : base_nomem(d);
}

/* ---- reporting ---- */

static gov_status check_report(const case_open_effect *e, const rulebook_effect *effect, const char *report, value data,
                               const rulebook_report **out, const diag *d)
{
    *out = effect != NULL ? rulebook_find_report(effect, report) : NULL;
    if (*out == NULL)
        return base_fail(d, M_internal, A_S("what", e->effect));
    for (size_t i = 0; data.kind == VALUE_MAP && i < data.len; i++) {
        bool known = false;
        for (uint32_t k = 0; k < (*out)->data_count; k++)
            known = known || strcmp((*out)->data[k].name, data.as.pairs[i].key.as.s) == 0;
        if (!known)
            return base_fail(d, M_internal, A_S("what", data.as.pairs[i].key.as.s));
    }
    return GOV_OK;
}

static gov_status queue_report(gov *g, const case_open_effect *e, const char *report, value data, const diag *d)
{
    base_buf name;
    int64_t serial = 0;
    gov_status status = access_new_id(g, &serial, d);
    base_buf_init(&name, g->alloc);
    base_buf_fmt(&name, "r:%s.%lld", e->id, (long long)serial);
    const case_timer t = {.case_id = e->case_id, .kind = CASE_TIMER_EFFECT, .name = name.data, .due_us = access_now(g),
                          .event = joined(&g->scratch, e->id, ".", report), .data = data};
    if (status == GOV_OK)
        status = name.failed || t.event == NULL ? base_nomem(d) : case_schedule(g, &t, d);
    base_buf_free(&name);
    return status;
}

gov_status case_effect_end(gov *g, int64_t case_id, const char *id, const char *report, value data, const diag *d)
{
    case_open_effect e;
    const rulebook_report *r;
    bool gone = false;
    gov_status status = case_effect_get(g, case_id, id, &g->scratch, &e, d);
    if (status == GOV_END)
        return base_fail(d, M_effect_not_open, A_I("case", case_id), A_S("id", id));
    if (status == GOV_OK)
        status = check_report(&e, rulebook_find_effect(g->rules->host, e.effect), report, data, &r, d);
    if (status == GOV_OK && !r->goes_on)
        status = drop_row(g, case_id, id, &gone, d);
    if (status == GOV_OK && gone)
        return base_fail(d, M_effect_not_open, A_I("case", case_id), A_S("id", id));
    if (status == GOV_OK && !r->goes_on) {
        const char *timer = joined(&g->scratch, "e", ":", id);
        status = timer != NULL ? case_unschedule(g, case_id, timer, d) : base_nomem(d);
    }
    return status == GOV_OK ? queue_report(g, &e, report, data, d) : status;
}

/* The id that a row of the queue is about: "e:ID", or "r:ID.SERIAL". */
static const char *id_in(case_machine *m, const char *timer)
{
    const char *dot = strchr(timer + 2, '.');
    return base_arena_strndup(m->arena, timer + 2, dot != NULL ? (size_t)(dot - timer - 2) : strlen(timer + 2));
}

gov_status case_effect_due(gov *g, case_machine *m, const char *timer, const char **event, value *data, const diag *d)
{
    const char *id = id_in(m, timer), *report = NULL;
    const rulebook_report *r;
    case_open_effect e;
    bool gone;
    m->reporting = id;
    if (id == NULL)
        return base_nomem(d);
    if (timer[0] == 'r') { /* unless it goes on, or was begun anew since */
        const gov_status open = case_effect_get(g, m->id, id, m->arena, &e, d);
        if (open == GOV_END)
            case_tell_effect_gone(m, id);
        return open == GOV_END ? GOV_OK : open;
    }
    *event = NULL;
    gov_status status = case_effect_get(g, m->id, id, m->arena, &e, d);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status; /* called off meanwhile */
    const case_runner *runner = runner_of(g, &e);
    if (runner == NULL || runner->due == NULL)
        return base_fail(d, M_internal, A_S("what", e.effect));
    status = runner->due(g, m, &e, &report, data, d);
    if (status == GOV_OK)
        status = check_report(&e, rulebook_find_effect(g->rules->host, e.effect), report, *data, &r, d);
    if (status == GOV_OK)
        status = drop_row(g, m->id, id, &gone, d);
    if (status == GOV_OK)
        case_tell_effect_gone(m, id);
    if (status == GOV_OK && (*event = joined(m->arena, id, ".", report)) == NULL)
        status = base_nomem(d);
    return status;
}

/* ---- calling off ---- */

static gov_status call_off(gov *g, case_machine *m, const case_open_effect *e, const diag *d)
{
    const case_runner *runner = runner_of(g, e);
    const char *timer = case_effect_timer_name(m, e->id);
    bool gone;
    gov_status status = timer != NULL ? case_unschedule(g, m->id, timer, d) : base_nomem(d);
    if (timer != NULL)
        case_tell_gone(m, m->id, timer);
    case_tell_effect_gone(m, e->id);
    if (status == GOV_OK)
        status = drop_row(g, m->id, e->id, &gone, d);
    if (status == GOV_OK && runner != NULL && runner->cancel != NULL)
        status = runner->cancel(g, m, e, d);
    case_note_effect(m, "cancel", value_text(e->id));
    return status;
}

gov_status case_effect_cancel(case_machine *m, const rulebook_later *later, const diag *d)
{
    case_open_effect e;
    const gov_status status = case_effect_get(m->community, m->id, later->id, m->arena, &e, d);
    return status == GOV_OK ? call_off(m->community, m, &e, d) : status == GOV_END ? GOV_OK : status;
}

gov_status case_effects_end(gov *g, case_machine *m, const diag *d)
{
    case_open_effect *open;
    size_t count;
    gov_status status = read_all(g, m, &open, &count, d);
    for (size_t i = 0; i < count && status == GOV_OK; i++)
        status = call_off(g, m, &open[i], d);
    return status;
}

/* ---- looking ---- */

gov_status case_effects_view(gov *g, case_machine *m, value *out, const diag *d)
{
    static const store_sql timer = {"SELECT due_us, provisional FROM gov_case_timer WHERE community = $1 AND case_id = $2 AND name = $3"};
    case_open_effect *open;
    size_t count;
    value_builder list;
    value_builder_init(&list, m->arena);
    gov_status status = read_all(g, m, &open, &count, d);
    for (size_t i = 0; i < count && status == GOV_OK; i++) {
        value_builder b;
        store_rows rows;
        bool provisional = false;
        const char *name = case_effect_timer_name(m, open[i].id);
        status = name != NULL ? store_first(g->store, &timer, STORE_ARGS(store_i(g->community), store_i(m->id), store_s(name)), &rows, d)
                              : base_nomem(d);
        if (status == GOV_OK) { /* a calendar may have moved it */
            open[i].due_us = store_int(&rows, 0);
            provisional = store_int(&rows, 1) != 0;
            store_rows_close(&rows);
        }
        status = status == GOV_END ? GOV_OK : status;
        value_builder_init(&b, m->arena);
        value_builder_set(&b, "id", value_text(open[i].id));
        value_builder_set(&b, "effect", value_text(open[i].effect));
        value_builder_set(&b, "since", value_from_us(open[i].since_us));
        value_builder_set(&b, "due", open[i].due_us != 0 ? value_from_us(open[i].due_us) : value_null());
        value_builder_set(&b, "provisional", value_bool(provisional));
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    *out = value_builder_list(&list);
    return status == GOV_OK && list.failed ? base_nomem(d) : status;
}

gov_status case_effects_fit(gov *g, case_machine *old, const rulebook_workflow *w, const diag *d)
{
    case_open_effect *open;
    size_t count;
    gov_status status = read_all(g, old, &open, &count, d);
    for (size_t i = 0; i < count && status == GOV_OK; i++) {
        const rulebook_later *later = rulebook_find_later(w, open[i].id);
        if (later == NULL || strcmp(later->effect->name, open[i].effect) != 0)
            status = base_fail(d, M_migrate_effect, A_S("id", open[i].id), A_S("effect", open[i].effect));
    }
    return status;
}
