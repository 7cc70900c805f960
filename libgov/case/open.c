/* Opening a case, and sending it an event: one macrostep with its effects, in the caller's transaction. */
#include "case/family.h"

#include <stdio.h>
#include <string.h>

enum { DEEPEST_CHAIN = 16 };

/* ---- what every step leaves ---- */

gov_status case_record_step(gov *g, case_machine *m, const char *kind, const char *event, value data, value from,
                            const diag *d)
{
    value to;
    value_builder b;
    gov_status status = case_active_paths(m, m->arena, &to, d);
    value_builder_init(&b, m->arena);
    if (event != NULL)
        value_builder_set(&b, "event", value_text(event));
    if (data.kind == VALUE_MAP && data.len > 0)
        value_builder_set(&b, "data", data);
    if (m->marking != NULL)
        value_builder_set(&b, CASE_TOLD_MARK, value_text(m->marking));
    if (m->sender != 0)
        value_builder_set(&b, "sender", value_int(m->sender));
    if (m->reporting != NULL)
        value_builder_set(&b, "effect", value_text(m->reporting));
    if (from.kind != VALUE_ABSENT)
        value_builder_set(&b, "from", from);
    value_builder_set(&b, "to", to);
    if (m->changes.len > 0)
        value_builder_set(&b, "set", value_builder_map(&m->changes));
    if (m->raised.len > 0)
        value_builder_set(&b, "raised", value_builder_list(&m->raised));
    if (m->effects.len > 0)
        value_builder_set(&b, "effects", value_builder_list(&m->effects));
    if (m->waits.len > 0)
        value_builder_set(&b, "waits", value_builder_list(&m->waits));
    b.failed = b.failed || m->waits.failed;
    if (status == GOV_OK)
        status = case_tell_clocks(m, &b, d);
    if (status != GOV_OK || b.failed)
        return status != GOV_OK ? status : base_nomem(d);
    const journal_entry entry = {.kind = kind, .subject_kind = "case", .subject = m->id,
                                 .rule_digest = m->rule.origin != NULL ? m->w->owner->digest : NULL,
                                 .rule_file = m->rule.origin, .rule_line = m->rule.line,
                                 .data = value_builder_map(&b)};
    return access_record(g, &entry, NULL, d);
}

static gov_status tell_parent(gov *g, case_machine *m, const char *event, const diag *d)
{
    const value_pair data[] = {{value_text("id"), value_int(m->id)},
                               {value_text("workflow"), value_text(m->w->name)},
                               {value_text("outcome"), m->outcome != NULL ? value_text(m->outcome) : value_null()},
                               {value_text("link"), m->link != NULL ? value_text(m->link) : value_null()}};
    return case_tell(g, m, m->parent, event, value_map(data, ARRAY_LEN(data)), d);
}

gov_status case_settle(gov *g, case_machine *m, const diag *d)
{
    static const store_sql drop = {"DELETE FROM gov_case_timer WHERE community = $1 AND case_id = $2 AND kind <> $3"};
    const bool ended = case_machine_ended(m);
    m->outcome = ended ? case_machine_outcome(m) : NULL;
    if (!ended) {
        const bool reopened = m->closed_us != 0;
        m->closed_us = 0;
        return reopened && m->parent != 0 ? tell_parent(g, m, "child.reopened", d) : GOV_OK;
    }
    if (m->closed_us != 0)
        return GOV_OK;
    m->closed_us = m->now_us;
    gov_status status = case_effects_end(g, m, d);
    if (status == GOV_OK)
        status = store_post(g->store, &drop, STORE_ARGS(store_i(g->community), store_i(m->id), store_i(CASE_TIMER_IMPORT)), STORE_ANY_ROWS, d);
    case_tell_all_gone(m, true);
    return status == GOV_OK && m->parent != 0 ? tell_parent(g, m, "child.done", d) : status;
}

/* Rooms above that wait for what cases do. */
static gov_status tell_rooms(gov *g, const case_stepped *step, const diag *d)
{
    const rulebook_host *part;
    gov_status status = GOV_OK;
    for (size_t i = 0; status == GOV_OK && (part = rulebook_host_part(g->rules->host, i)) != NULL; i++)
        if (part->stepped != NULL)
            status = part->stepped(g, step, d);
    return status == GOV_OK && step->m->effects.failed ? base_nomem(d) : status;
}

static gov_status index_changes(gov *g, case_machine *m, const value *before, const diag *d)
{
    for (uint32_t i = 0; i < m->w->fields.count; i++) {
        if (!m->w->fields.items[i].indexed)
            continue;
        const gov_status status = case_index_field(g, m, i, before != NULL ? before[i] : value_absent(), d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

static gov_status copy_fields(case_machine *m, value **out, const diag *d)
{
    *out = base_arena_array(m->arena, m->w->fields.count, sizeof **out);
    for (uint32_t i = 0; *out != NULL && i < m->w->fields.count; i++)
        (*out)[i] = case_field(m, i);
    return *out != NULL || m->w->fields.count == 0 ? GOV_OK : base_nomem(d);
}

/* ---- numbers ---- */

/* The community's own number: the year of opening and a serial within it, "2026-000001". */
static gov_status own_number(gov *g, case_machine *m, const diag *d)
{
    static const store_sql next = {
        "INSERT INTO gov_case_counter (community, name, value) VALUES ($1, $2, 1) ON CONFLICT (community, name) DO UPDATE SET "
        "value = gov_case_counter.value + 1 RETURNING value"};
    char name[16], number[40];
    int32_t year;
    unsigned month, day;
    int64_t serial = 0;
    const int64_t seconds = m->opened_us / BASE_US_PER_SECOND;
    const int64_t local = seconds + base_zone_offset(g->rules->zone, seconds);
    base_civil_from_days(local / 86400 - (local % 86400 < 0), &year, &month, &day);
    (void)snprintf(name, sizeof name, "case.%d", (int)year);
    const gov_status status = store_first_int(g->store, &next, STORE_ARGS(store_i(g->community), store_s(name)), &serial, d);
    if (status != GOV_OK)
        return status;
    (void)snprintf(number, sizeof number, "%d-%06lld", (int)year, (long long)serial);
    m->number = base_arena_strdup(m->arena, number);
    return m->number != NULL ? GOV_OK : base_nomem(d);
}

static gov_status keep_number(gov *g, const char *source, const char *number, int64_t id, int64_t content, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_case_number (community, source, number, case_id, content) VALUES ($1, $2, $3, $4, $5)"};
    return store_post(g->store, &add,
                      STORE_ARGS(store_i(g->community), store_s(source), store_s(number), store_i(id), store_i0(content)), 1, d);
}

/* Numbers are searched for, printed and typed in: one line of something, and not longer than a key of an index may be. */
gov_status case_check_number(const char *number, const diag *d)
{
    const size_t len = strlen(number);
    if (len == 0)
        return base_fail(d, M_number_empty);
    if (len > CASE_MOST_NUMBER)
        return base_fail(d, M_number_long, A_I("length", (int64_t)len), A_I("limit", CASE_MOST_NUMBER));
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)number[i];
        const bool c1 = c == 0xc2 && (unsigned char)number[i + 1] < 0xa0; /* U+0080 to U+009F */
        if (c < 0x20 || c == 0x7f || c1)
            return base_fail(d, M_number_control, A_I("byte", (int64_t)i + 1));
    }
    return GOV_OK;
}

gov_status case_find_imported(gov *g, const char *source, const char *number, int64_t *id, int64_t *content, const diag *d)
{
    static const store_sql find = {"SELECT case_id, content FROM gov_case_number WHERE community = $1 AND source = $2 AND number = $3"};
    store_rows rows;
    *id = *content = 0;
    gov_status status = case_check_number(number, d);
    if (status == GOV_OK)
        status = store_first(g->store, &find, STORE_ARGS(store_i(g->community), store_s(source), store_s(number)), &rows, d);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status;
    *id = store_int(&rows, 0);
    *content = store_is_null(&rows, 1) ? 0 : store_int(&rows, 1);
    store_rows_close(&rows);
    return GOV_OK;
}

/* Of own numbers none is missing: one that the counter has given and that is not found says that the store is damaged. */
static gov_status check_given(gov *g, const char *number, size_t len, const diag *d)
{
    static const store_sql find = {"SELECT value FROM gov_case_counter WHERE community = $1 AND name = $2"};
    const char *dash = memchr(number, '-', len);
    char name[32], written[48];
    int64_t serial = 0, given = 0;
    if (dash == NULL || dash == number || dash - number > 8 || !base_parse_int(dash + 1, (size_t)(number + len - dash - 1), &serial) || serial < 1)
        return GOV_OK;
    (void)snprintf(name, sizeof name, "case.%.*s", (int)(dash - number), number);
    (void)snprintf(written, sizeof written, "%.*s-%06lld", (int)(dash - number), number, (long long)serial);
    if (strlen(written) != len || memcmp(written, number, len) != 0)
        return GOV_OK;
    const gov_status status = store_first_int(g->store, &find, STORE_ARGS(store_i(g->community), store_s(name)), &given, d);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status;
    return serial <= given ? store_damaged(g->store, "a case's number that was given is not found", d) : GOV_OK;
}

gov_status case_find_number(gov *g, const char *source, const char *number, size_t len, int64_t *id, const diag *d)
{
    static const store_sql find = {"SELECT case_id FROM gov_case_number WHERE community = $1 AND source = $2 AND number = $3"};
    *id = 0;
    const bool own = source == NULL || source[0] == '\0';
    const gov_status status = store_first_int(
        g->store, &find, STORE_ARGS(store_i(g->community), store_s(own ? "" : source), store_t(number, len)), id, d);
    return status != GOV_END ? status : own ? check_given(g, number, len, d) : GOV_OK;
}

gov_status case_find_child(gov *g, int64_t parent, const char *link, int64_t *id, const diag *d)
{
    static const store_sql find = {"SELECT id FROM gov_case WHERE community = $1 AND parent = $2 AND link = $3 ORDER BY id DESC LIMIT 1"};
    *id = 0;
    const gov_status status = store_first_int(g->store, &find, STORE_ARGS(store_i(g->community), store_i(parent), store_s(link)), id, d);
    return status == GOV_END ? GOV_OK : status;
}

/* ---- opening ---- */

static const char *system_of(const case_opening *o)
{
    return o->source != NULL && o->source[0] != '\0' ? o->source : CASE_OUTSIDE;
}

static gov_status check_number(gov *g, const case_opening *o, const diag *d)
{
    int64_t taken;
    if (o->number == NULL || o->number_free)
        return GOV_OK;
    gov_status status = case_check_number(o->number, d);
    if (status == GOV_OK)
        status = case_find_number(g, system_of(o), o->number, strlen(o->number), &taken, d);
    if (status == GOV_OK && taken != 0)
        return base_fail(d, M_number_taken, A_S("number", o->number));
    return status;
}

static gov_status fill_fields(case_machine *m, value given, const diag *d)
{
    const expr_run run = case_expr_run(m);
    const rulebook_checking how = {.resolve = m->world->resolve, .user = m->user, .run = &run, .arena = m->arena};
    value checked;
    if (given.kind != VALUE_MAP)
        given = value_map(NULL, 0);
    if (!value_copy(m->arena, given, &given))
        return base_nomem(d);
    const gov_status status = rulebook_check_fields(&m->w->fields, given, &how, &checked, d);
    for (size_t i = 0; status == GOV_OK && i < checked.len; i++) {
        const value key = checked.as.pairs[i].key;
        case_put_field(m, rulebook_field_index(&m->w->fields, key.as.s, key.len), checked.as.pairs[i].val);
    }
    return status;
}

/* The first field of type point that has a value says where the case is. */
static gov_status find_grid(gov *g, case_machine *m, const diag *d)
{
    for (uint32_t i = 0; i < m->w->fields.count && m->grid == 0; i++) {
        const value v = case_field(m, i);
        if (m->w->fields.items[i].type != RULEBOOK_POINT || v.kind != VALUE_MAP)
            continue;
        const geo_point p = {value_get_text(v, "lat").as.i, value_get_text(v, "lon").as.i};
        const gov_status status = registry_locate(g, &p, 1, &m->grid, d);
        if (status != GOV_OK)
            return status;
        break;
    }
    return GOV_OK;
}

static gov_status begin_case(gov *g, const case_opening *o, case_machine *m, const diag *d)
{
    const rulebook_workflow *w;
    gov_status status = rulebook_get_workflow(g->rules, o->workflow, &w, d);
    if (status == GOV_E_NOT_FOUND)
        return base_fail(d, M_workflow_unknown, A_S("workflow", o->workflow));
    if (status == GOV_OK)
        status = case_machine_under(g, m, w, &g->scratch, d);
    if (status == GOV_OK)
        status = access_new_id(g, &m->id, d);
    if (status == GOV_OK)
        status = fill_fields(m, o->fields, d);
    if (status == GOV_OK)
        status = find_grid(g, m, d);
    if (status == GOV_OK)
        status = own_number(g, m, d);
    return status;
}

/* Of the fields that the first step changed, what they were given as; absent: none. */
static value given_otherwise(case_machine *m, const value *given)
{
    value_builder b;
    value_builder_init(&b, m->arena);
    for (uint32_t i = 0; m->fields_dirty && i < m->w->fields.count; i++)
        if (value_compare(given[i], case_field(m, i)) != 0)
            value_builder_set(&b, m->w->fields.items[i].name, given[i].kind != VALUE_ABSENT ? given[i] : value_null());
    m->changes.failed = m->changes.failed || b.failed;
    return b.len > 0 ? value_builder_map(&b) : value_absent();
}

static gov_status record_opening(gov *g, const case_opening *o, case_machine *m, const value *given, const diag *d)
{
    const value otherwise = given_otherwise(m, given);
    value_builder b;
    value_builder_init(&b, m->arena);
    if (otherwise.kind != VALUE_ABSENT)
        value_builder_set(&b, "given", otherwise);
    value_builder_set(&b, "workflow", value_text(m->w->name));
    value_builder_set(&b, "number", value_text(m->number));
    if (o->number != NULL)
        value_builder_set(&b, "outside_number", value_text(o->number));
    if (o->number != NULL && o->content != 0)
        value_builder_set(&b, "content", value_int(o->content));
    if (o->flags.kind == VALUE_LIST && o->flags.len > 0)
        value_builder_set(&b, "flags", o->flags);
    for (uint32_t i = 0; i < m->w->fields.count; i++)
        if (case_field(m, i).kind != VALUE_ABSENT)
            value_builder_set(&m->changes, m->w->fields.items[i].name, case_field(m, i));
    if (b.failed || m->changes.failed)
        return base_nomem(d);
    return case_record_step(g, m, "case.open", NULL, value_builder_map(&b), value_absent(), d);
}

static gov_status keep_case(gov *g, const case_opening *o, case_machine *m, const value *given, const diag *d)
{
    gov_status status = case_insert(m, g, &o->flags, d);
    if (status == GOV_OK)
        status = keep_number(g, "", m->number, m->id, 0, d);
    if (status == GOV_OK && o->number != NULL)
        status = keep_number(g, system_of(o), o->number, m->id, o->content, d);
    if (status == GOV_OK)
        status = index_changes(g, m, NULL, d);
    if (status == GOV_OK && o->parent != 0 && o->link != NULL)
        status = case_put_link(g, o->parent, o->link, strlen(o->link), m->id, d);
    if (status == GOV_OK)
        status = record_opening(g, o, m, given, d);
    return status;
}

gov_status case_open(gov *g, const case_opening *o, int64_t *id, const diag *d)
{
    case_machine m;
    if (o->depth > DEEPEST_CHAIN)
        return base_fail(d, M_too_large, A_S("what", "chain of cases that open cases"), A_I("limit", DEEPEST_CHAIN));
    gov_status status = case_machine_of(g, &m, d);
    m.rules_id = registry_rules_current(g);
    m.opened_us = m.now_us;
    m.reporter = o->reporter;
    m.grid = o->grid;
    m.unit = o->unit;
    m.parent = o->parent;
    m.link = o->link;
    m.source = o->source;
    m.outside_number = o->number;
    m.depth = o->depth;
    if (status == GOV_OK)
        status = begin_case(g, o, &m, d);
    if (status == GOV_OK) {
        const access_subject subject = case_subject(&m);
        status = o->depth == 0 ? access_check_subject(g, "case.open", &subject, d) : GOV_OK;
    }
    if (status == GOV_OK)
        status = check_number(g, o, d);
    value *given = NULL;
    if (status == GOV_OK)
        status = copy_fields(&m, &given, d);
    if (status == GOV_OK)
        status = case_machine_start(&m, d);
    if (status == GOV_OK)
        status = case_settle(g, &m, d);
    if (status == GOV_OK)
        status = tell_rooms(g, &(case_stepped){&m, NULL, value_absent(), m.closed_us != 0}, d);
    if (status == GOV_OK)
        status = keep_case(g, o, &m, given, d);
    if (status == GOV_OK && id != NULL)
        *id = m.id;
    case_machine_free(&m);
    return status;
}

/* ---- who may ---- */

static gov_status role_when(void *user, const rulebook_role *role, bool *holds, const diag *d)
{
    case_machine *m = user;
    const expr_program *program = NULL;
    const gov_status status = case_role_condition(m->user, m->w, role, &program, d);
    if (status != GOV_OK || program == NULL)
        return status;
    const expr_run run = case_expr_run(m);
    return expr_eval_bool(program, &run, holds, d);
}

access_subject case_subject(case_machine *m)
{
    return (access_subject){.grid = m->grid, .unit = m->unit, .staff = m->staff, .reporter = m->reporter, .when = role_when, .user = m};
}

gov_status case_may_send(gov *g, case_machine *m, const rulebook_event *event, bool *may, const diag *d)
{
    const access_subject subject = case_subject(m);
    return access_holds(g, m->w, &event->by, &subject, may, d);
}

/* ---- sending ---- */

static gov_status unknown_event(case_machine *m, const char *name, const diag *d)
{
    const char **names = base_arena_array(m->arena, m->w->event_count, sizeof *names);
    if (names == NULL)
        return base_nomem(d);
    for (uint32_t i = 0; i < m->w->event_count; i++)
        names[i] = m->w->events[i].name;
    return base_fail(d, M_event_unknown, A_S("event", name), A_S("workflow", m->w->name),
                     A_S("near", base_nearest(name, strlen(name), names, m->w->event_count)));
}

/* To whom may neither see the case nor send it the event, there is no such case. */
static gov_status refuse_sender(gov *g, case_machine *m, const rulebook_event *event, const char *name, const diag *d)
{
    const access_subject subject = case_subject(m);
    bool seen = false;
    const gov_status status = access_reaches(g, "case.read", &subject, &seen, d);
    if (status != GOV_OK)
        return status;
    if (!seen)
        return base_fail(d, M_case_unknown, A_I("case", m->id));
    return event == NULL ? unknown_event(m, name, d)
                         : base_fail_at(d, &event->place, M_permission_denied, A_S("actor", access_actor_name(&g->actor)), A_S("action", name));
}

static gov_status check_event(gov *g, case_machine *m, const char *name, value *data, const diag *d)
{
    const rulebook_event *event = rulebook_find_event(m->w, name);
    bool may = false;
    gov_status status = event != NULL ? case_may_send(g, m, event, &may, d) : GOV_OK;
    if (status == GOV_OK && !may)
        return refuse_sender(g, m, event, name, d);
    const expr_run run = case_expr_run(m);
    const rulebook_checking how = {.resolve = m->world->resolve, .user = g, .run = &run, .arena = m->arena};
    if (data->kind != VALUE_MAP)
        *data = value_map(NULL, 0);
    if (status == GOV_OK && !value_copy(m->arena, *data, data))
        return base_nomem(d);
    return status == GOV_OK ? rulebook_check_fields(&event->input, *data, &how, data, d) : status;
}

gov_status case_step(gov *g, case_machine *m, const case_timer *cause, bool must_accept, const diag *d)
{
    const bool mark = cause->kind == CASE_TIMER_MARK;
    const bool open = m->closed_us == 0;
    m->marking = mark ? cause->name : NULL;
    value from, *before = NULL;
    bool accepted = true;
    gov_status status = copy_fields(m, &before, d);
    if (status == GOV_OK)
        status = case_active_paths(m, m->arena, &from, d);
    if (status == GOV_OK)
        status = mark ? case_machine_mark(m, cause->name, cause->event, d)
                      : case_machine_send(m, cause->event, cause->data, &accepted, d);
    if (status == GOV_OK && must_accept && !accepted)
        return case_refuse(m, cause->event, cause->data, d);
    if (status == GOV_OK)
        status = case_settle(g, m, d);
    if (status == GOV_OK && accepted)
        status = tell_rooms(g, &(case_stepped){m, cause->event, cause->data, open && m->closed_us != 0}, d);
    if (status == GOV_OK)
        status = case_save(m, g, d);
    if (status == GOV_OK && m->fields_dirty)
        status = index_changes(g, m, before, d);
    return status == GOV_OK ? case_record_step(g, m, mark ? "case.mark" : "case.event", cause->event, cause->data, from, d) : status;
}

static gov_status send(gov *g, int64_t id, const char *event, value data, bool now, const diag *d)
{
    case_machine m;
    const access_clock before = g->clock;
    gov_status status = case_load(g, id, true, &g->scratch, &m, d);
    if (status != GOV_OK)
        return status;
    if (now && m.now_us < m.changed_us) {
        m.now_us = m.changed_us;
        access_set_clock(g, m.changed_us);
    }
    status = check_event(g, &m, event, &data, d);
    if (status == GOV_OK)
        status = case_step(g, &m, &(case_timer){.case_id = id, .event = event, .data = data}, true, d);
    case_machine_free(&m);
    g->clock = before;
    return status;
}

gov_status case_send(gov *g, int64_t id, const char *event, value data, const diag *d)
{
    return send(g, id, event, data, false, d);
}

gov_status case_send_now(gov *g, int64_t id, const char *event, value data, const diag *d)
{
    return send(g, id, event, data, true, d);
}

