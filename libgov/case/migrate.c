/* Moving the cases that run to other rules: each whole or not at all. */
#include "case/migrate.h"

#include <string.h>

enum { PAGE = 64 };

/* ---- a dry run writes no timers ---- */

static gov_status leave_timer(case_machine *m, const case_timer *t, const diag *d)
{
    (void)m, (void)t, (void)d;
    return GOV_OK;
}

static gov_status leave_name(case_machine *m, const char *name, const diag *d)
{
    (void)m, (void)name, (void)d;
    return GOV_OK;
}

static const case_world dry_world = {leave_timer, leave_name, leave_timer, leave_name, NULL, NULL, registry_reference, NULL};

/* ---- timers of states ---- */

typedef struct waiting {
    const char *event;
    case_timer timer;
} waiting;

typedef struct waitings {
    waiting *items;
    size_t count;
} waitings;

static gov_status read_waiting(store_rows *rows, base_arena *arena, waiting *out, const diag *d)
{
    size_t len;
    const char *event = store_text(rows, 0, &len);
    *out = (waiting){.event = base_arena_strndup(arena, event, len)};
    out->timer = (case_timer){.kind = CASE_TIMER_AFTER, .due_us = store_int(rows, 1), .since_us = store_int(rows, 2),
                              .provisional = store_int(rows, 4) != 0, .roll = (uint8_t)store_int(rows, 5), .data = value_absent()};
    const char *length = store_text(rows, 3, &len);
    if (len > 0 && cal_parse_duration(length, len, &out->timer.length, NULL, NULL) != GOV_OK)
        out->timer.length = cal_of(CAL_TIME, 0);
    return out->event != NULL ? GOV_OK : base_nomem(d);
}

static gov_status read_timers(gov *g, case_machine *old, waitings *out, const diag *d)
{
    static const store_sql sql = {"SELECT event, due_us, since_us, length, provisional, roll FROM gov_case_timer WHERE community = $1 AND "
                                  "case_id = $2 AND kind = $3 ORDER BY name"};
    store_rows rows;
    out->items = base_arena_array(old->arena, old->w->timer_count + 1, sizeof *out->items);
    if (out->items == NULL)
        return base_nomem(d);
    gov_status status = store_query(g->store, &sql,
                                    STORE_ARGS(store_i(g->community), store_i(old->id), store_i(CASE_TIMER_AFTER)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK && out->count < old->w->timer_count) {
        status = read_waiting(&rows, old->arena, &out->items[out->count], d);
        out->count++;
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

/* What became of the timer at the same place of the state's counterpart. */
typedef struct former {
    bool was;           /* there was one */
    const waiting *now; /* and it waits still; NULL: it has fired */
} former;

static former former_of(const case_machine *old, const rulebook_workflow *w, const waitings *all, uint32_t state, uint32_t place)
{
    former out = {0};
    for (uint32_t s = 0; s < chart_state_count(old->w->chart); s++) {
        const rulebook_state *from = &old->w->states[s];
        if (place >= from->timer_count || !chart_in(old->w->chart, old->state, s) ||
            case_map_state(w, from->path, strlen(from->path)) != state)
            continue;
        out.was = true;
        for (size_t i = 0; i < all->count && out.now == NULL; i++)
            if (strcmp(old->w->timers[from->timers[place]].event, all->items[i].event) == 0)
                out.now = &all->items[i];
    }
    return out;
}

/* Is one of its clocks due at another instant than before, or at none? */
static bool clocks_differ(const case_machine *old, const case_machine *m)
{
    for (uint32_t i = 0; i < m->w->clock_count; i++) {
        const rulebook_clock *was = rulebook_find_clock(old->w, m->w->clocks[i].name);
        if (case_clock_due(m, i) != (was != NULL ? case_clock_due(old, (size_t)(was - old->w->clocks)) : 0))
            return true;
    }
    return false;
}

/* What has fired in this stay does not fire again; what the former rules did not have counts from the entry of the state. What is kept
 * and follows a clock is where that is. */
static gov_status set_timer(case_machine *m, const rulebook_timer *rule, uint32_t state, former was, bool moved, const diag *d)
{
    const bool keep = was.now != NULL && !m->w->migrate.recompute_timers && was.now->timer.due_us != CASE_NEVER && !(rule->follows && moved);
    const int64_t since_us = was.now != NULL && was.now->timer.since_us != 0 ? was.now->timer.since_us : m->entered[state];
    case_timer t = keep ? was.now->timer : (case_timer){.data = value_absent()};
    gov_status status = GOV_OK;
    if (was.was && was.now == NULL)
        return GOV_OK;
    t.case_id = m->id;
    t.kind = CASE_TIMER_AFTER;
    t.event = rule->event;
    t.name = case_timer_name(m, rule->event);
    if (t.name == NULL)
        return base_nomem(d);
    if (!keep)
        status = case_timer_due(m, rule, since_us, &t, d);
    if (t.due_us < m->now_us)
        t.due_us = m->now_us;
    return status == GOV_OK ? m->world->schedule(m, &t, d) : status;
}

static gov_status set_timers(case_machine *old, case_machine *m, const waitings *all, const diag *d)
{
    const bool moved = m->w->timers_follow && clocks_differ(old, m);
    for (uint32_t s = 0; s < chart_state_count(m->w->chart); s++)
        for (uint32_t k = 0; k < m->w->states[s].timer_count && chart_in(m->w->chart, m->state, s); k++) {
            const gov_status status =
                set_timer(m, &m->w->timers[m->w->states[s].timers[k]], s, former_of(old, m->w, all, s, k), moved, d);
            if (status != GOV_OK)
                return status;
        }
    return GOV_OK;
}

static gov_status drop_timers(gov *g, case_machine *m, const diag *d)
{
    static const store_sql drop = {"DELETE FROM gov_case_timer WHERE community = $1 AND case_id = $2 AND kind IN ($3, $4)"};
    case_tell_all_gone(m, false);
    return store_post(g->store, &drop,
                      STORE_ARGS(store_i(g->community), store_i(m->id), store_i(CASE_TIMER_AFTER), store_i(CASE_TIMER_MARK)),
                      STORE_ANY_ROWS, d);
}

/* ---- writing ---- */

static gov_status index_words(gov *g, case_machine *old, case_machine *m, const diag *d)
{
    gov_status status = GOV_OK;
    for (uint32_t i = 0; status == GOV_OK && i < m->w->fields.count; i++) {
        const rulebook_field *f = &m->w->fields.items[i];
        const uint32_t o = rulebook_field_index(&old->w->fields, f->name, strlen(f->name));
        const bool was = o != RULEBOOK_NONE && old->w->fields.items[o].indexed;
        if (f->indexed)
            status = case_index_field(g, m, i, was ? case_field(old, o) : value_absent(), d);
    }
    for (uint32_t o = 0; status == GOV_OK && o < old->w->fields.count; o++) {
        const rulebook_field *f = &old->w->fields.items[o];
        const rulebook_field *now = rulebook_find_field(&m->w->fields, f->name, strlen(f->name));
        const value before = case_field(old, o);
        if (!f->indexed || (now != NULL && now->indexed))
            continue;
        case_put_field(old, o, value_absent());
        status = case_index_field(g, old, o, before, d);
        case_put_field(old, o, before);
    }
    return status;
}

/* Clocks that the new version does not have: their accounts go into the journal. */
static gov_status drop_clocks(gov *g, case_machine *old, const case_machine *m, value *accounts, const diag *d)
{
    static const store_sql drop = {"DELETE FROM gov_case_clock WHERE community = $1 AND case_id = $2 AND name = $3"};
    value_builder b;
    value_builder_init(&b, m->arena);
    for (uint32_t i = 0; i < old->w->clock_count; i++) {
        const case_clock *c = &old->clocks[i];
        const char *name = old->w->clocks[i].name;
        value account = value_null();
        if (!c->stored || rulebook_find_clock(m->w, name) != NULL)
            continue;
        gov_status status = store_post(g->store, &drop, STORE_ARGS(store_i(g->community), store_i(m->id), store_s(name)), 1, d);
        if (status == GOV_OK && c->account.len > 0)
            status = access_read_stored(g, m->arena, c->account.data, c->account.len, &account, d);
        if (status != GOV_OK)
            return status;
        value_builder_set(&b, name, account);
    }
    *accounts = b.len > 0 ? value_builder_map(&b) : value_absent();
    return b.failed ? base_nomem(d) : GOV_OK;
}

static void note_changes(const case_machine *old, case_machine *m)
{
    for (uint32_t i = 0; i < m->w->fields.count; i++) {
        const char *name = m->w->fields.items[i].name;
        const uint32_t o = rulebook_field_index(&old->w->fields, name, strlen(name));
        const value was = o != RULEBOOK_NONE ? case_field(old, o) : value_absent(), is = case_field(m, i);
        if (was.kind != is.kind || (is.kind != VALUE_ABSENT && value_compare(was, is) != 0))
            value_builder_set(&m->changes, name, is.kind != VALUE_ABSENT ? is : value_null());
    }
}

static gov_status record(gov *g, case_machine *old, case_machine *m, value clocks, const diag *d)
{
    value from;
    value_builder b;
    const gov_status status = case_active_paths(old, m->arena, &from, d);
    value_builder_init(&b, m->arena);
    value_builder_set(&b, "rules", value_int(old->rules_id));
    value_builder_set(&b, "version", value_text(m->w->rulebook_version));
    value_builder_set(&b, "was", value_text(old->w->rulebook_version));
    if (clocks.kind != VALUE_ABSENT)
        value_builder_set(&b, "clocks", clocks);
    note_changes(old, m);
    m->rule = m->w->migrate.place;
    if (status != GOV_OK || b.failed)
        return status != GOV_OK ? status : base_nomem(d);
    return case_record_step(g, m, "case.migrate", NULL, value_builder_map(&b), from, d);
}

/* Adds the rules that it leaves to the list of those that it left before. */
static gov_status pin(gov *g, const case_machine *old, case_machine *m, const diag *d)
{
    static const store_sql set = {"UPDATE gov_case SET rules = $3, former = $4 WHERE community = $1 AND id = $2"};
    base_buf list;
    base_buf_init(&list, g->alloc);
    const size_t len = m->former != NULL ? strlen(m->former) : 0;
    if (len > 0)
        base_buf_add(&list, m->former, len - 1);
    base_buf_char(&list, len > 0 ? ',' : '[');
    value_write_document(&list, value_int(old->rules_id));
    base_buf_char(&list, ']');
    m->former = list.failed ? NULL : base_arena_strndup(m->arena, list.data, list.len);
    gov_status status = m->former == NULL ? base_nomem(d) : GOV_OK;
    if (status == GOV_OK)
        status = store_post(g->store, &set,
                            STORE_ARGS(store_i(g->community), store_i(m->id), store_i(m->rules_id), store_t(list.data, list.len)), 1, d);
    base_buf_free(&list);
    return status;
}

static gov_status write_case(gov *g, case_machine *old, case_machine *m, const diag *d)
{
    value clocks;
    gov_status status = case_settle(g, m, d);
    if (status == GOV_OK)
        status = drop_clocks(g, old, m, &clocks, d);
    if (status == GOV_OK)
        status = pin(g, old, m, d);
    if (status == GOV_OK)
        status = case_save(m, g, d);
    if (status == GOV_OK)
        status = index_words(g, old, m, d);
    return status == GOV_OK ? record(g, old, m, clocks, d) : status;
}

/* ---- one case ---- */

typedef struct moving {
    gov *g;
    case_migration *how;
    base_arena *arena;
    int64_t id;
    bool same, gone;
    case_machine old, m;
} moving;

static gov_status move_over(moving *v, const rulebook_workflow *w, const diag *d)
{
    waitings timers = {0};
    const bool dry = v->how->rules_id == 0;
    gov_status status = case_map(v->g, &v->old, w, !dry, &v->m, d);
    v->m.rules_id = v->how->rules_id;
    if (status == GOV_OK)
        status = case_effects_fit(v->g, &v->old, w, d);
    if (status == GOV_OK)
        status = read_timers(v->g, &v->old, &timers, d);
    if (status == GOV_OK && !dry)
        status = drop_timers(v->g, &v->m, d);
    if (status == GOV_OK)
        status = case_clocks_migrate(&v->m, &v->old, w->migrate.recompute_timers, d);
    if (status == GOV_OK)
        status = set_timers(&v->old, &v->m, &timers, d);
    return status == GOV_OK && !dry ? write_case(v->g, &v->old, &v->m, d) : status;
}

static gov_status move_case(void *user, const diag *d)
{
    moving *v = user;
    const rulebook_workflow *w;
    const bool dry = v->how->rules_id == 0;
    base_arena_reset(v->arena);
    base_arena_reset(&v->g->scratch);
    v->same = v->gone = false;
    v->m = v->old = (case_machine){0};
    /* What was due before now happened under the rules that it leaves, ticked or not. */
    gov_status status = dry ? GOV_OK : case_catch_up(v->g, v->id, d);
    if (status == GOV_OK)
        status = case_load(v->g, v->id, !dry, v->arena, &v->old, d);
    if (status != GOV_OK)
        return status;
    v->old.rules = v->how->rules;
    if (dry)
        v->old.world = &dry_world;
    v->gone = v->old.closed_us != 0; /* ended since the page was read */
    if (v->gone)
        return GOV_OK;
    status = rulebook_get_workflow(v->how->rules, v->old.w->name, &w, d);
    if (status == GOV_E_NOT_FOUND)
        return base_fail(d, M_migrate_workflow, A_S("workflow", v->old.w->name));
    if (status != GOV_OK)
        return status;
    v->same = memcmp(w->digest, v->old.w->digest, BASE_DIGEST_SIZE) == 0;
    return v->same ? GOV_OK : move_over(v, w, d);
}

/* A map of the code and the message by language, from the first diagnostic. */
value case_reason_value(base_arena *arena, const gov_error *e)
{
    static const char *const languages[] = {"zh", "en"};
    value_builder b, message;
    value_builder_init(&b, arena);
    value_builder_init(&message, arena);
    for (size_t i = 0; i < ARRAY_LEN(languages); i++)
        value_builder_set_copy(&message, languages[i], base_text_or_empty(gov_error_message(e, 0, languages[i])));
    value_builder_set_copy(&b, "code", base_text_or_empty(gov_error_code(e, 0)));
    value_builder_set(&b, "message", value_builder_map(&message));
    return b.failed || message.failed ? value_absent() : value_builder_map(&b);
}

static gov_status add_refusal(moving *v, const gov_error *e, const diag *d)
{
    case_migration *how = v->how;
    value_builder b;
    value state = value_null(), reason = case_reason_value(how->arena, e);
    value_builder_init(&b, how->arena);
    value_builder_set(&b, "id", value_int(v->id));
    if (v->old.w != NULL && case_active_paths(&v->old, v->arena, &state, d) != GOV_OK)
        return GOV_E_NOMEM;
    if (v->old.w != NULL) {
        value_builder_set_copy(&b, "number", base_text_or_empty(v->old.number));
        value_builder_set_copy(&b, "workflow", v->old.w->name);
        value_builder_set_copy(&b, "version", v->old.w->rulebook_version);
    }
    if (!value_copy(how->arena, state, &state) || reason.kind == VALUE_ABSENT)
        return base_nomem(d);
    value_builder_set(&b, "state", state);
    value_builder_set(&b, "why", reason);
    value_builder_add(&how->refusals, value_builder_map(&b));
    how->refused++;
    return b.failed || how->refusals.failed ? base_nomem(d) : GOV_OK;
}

static gov_status move_one(gov *g, case_migration *how, base_arena *arena, int64_t id, const diag *d)
{
    gov_error *error = NULL;
    const diag quiet = {g->alloc, &error};
    moving v = {.g = g, .how = how, .arena = arena, .id = id};
    gov_status status = how->rules_id != 0 ? store_run(g->store, move_case, &v, &quiet) : move_case(&v, &quiet);
    if (status == GOV_OK) {
        how->same += v.same;
        how->migrated += !v.same && !v.gone;
    } else if (case_fault_of_rules(status)) {
        status = add_refusal(&v, error, d);
    } else {
        (void)base_forward(d, error);
    }
    case_machine_free(&v.m);
    case_machine_free(&v.old);
    gov_error_free(error);
    return status;
}

/* ---- all ---- */

typedef struct page {
    gov *g;
    case_migration *how;
    int64_t after;
    bool more;
} page;

static gov_status read_page(gov *g, int64_t after, int64_t *ids, size_t *count, const diag *d)
{
    static const store_sql sql = {"SELECT id FROM gov_case WHERE community = $1 AND id > $2 AND closed_us IS NULL ORDER BY id LIMIT $3"};
    store_rows rows;
    gov_status status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(after), store_i(PAGE)), &rows, d);
    *count = 0;
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK && *count < PAGE)
        ids[(*count)++] = store_int(&rows, 0);
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

/* May run again: it counts on from where it began. */
static gov_status move_page(void *user, const diag *d)
{
    page *p = user;
    case_migration how = *p->how;
    int64_t ids[PAGE];
    size_t count = 0;
    base_arena arena;
    base_arena_init(&arena, p->g->alloc);
    gov_status status = read_page(p->g, p->after, ids, &count, d);
    for (size_t i = 0; i < count && status == GOV_OK; i++)
        status = move_one(p->g, &how, &arena, ids[i], d);
    base_arena_free(&arena);
    if (status != GOV_OK)
        return status;
    *p->how = how;
    p->more = count == PAGE;
    p->after = count > 0 ? ids[count - 1] : p->after;
    return GOV_OK;
}

gov_status case_migrate(gov *g, case_migration *how, const diag *d)
{
    page p = {.g = g, .how = how, .more = true};
    gov_status status = GOV_OK;
    value_builder_init(&how->refusals, how->arena);
    while (status == GOV_OK && p.more)
        status = how->rules_id != 0 ? store_run(g->store, move_page, &p, d) : move_page(&p, d);
    case_room_of(g)->next_known = false;
    return status;
}
