/* What rests on a calendar is reckoned again when the calendar changes: a year that arrives, a holiday that is moved.
 *
 * Clocks that run with their marks, timers that were set by a duration in days or working time, and instants that an expression gave
 * and that rested on a year that was not listed; what is past stays past, and pauses are reckoned when they end. Each case whose instants move gets an entry in its history. */
#include "case/live.h"

#include <string.h>

enum { PAGE = 256 };

/* ---- timers ---- */

typedef struct set_timer {
    const char *name, *event;
    int64_t due_us, since_us;
    cal_duration length;
    bool has_length;
    uint8_t roll, kind;
    const char *calendar; /* NULL: the workflow's */
    bool provisional;
} set_timer;

/* What another case sent was reckoned by its calendar. Where no rules know that any more, the instant stays. */
static bool calendar_lost(const case_machine *m, const set_timer *t)
{
    return t->calendar != NULL && rulebook_find_calendar(m->rules, t->calendar) == NULL &&
           rulebook_find_calendar(m->w->owner, t->calendar) == NULL;
}

/* What a state's `after: {at: ...}` says now, asked as of when it was set. What can no longer be answered stays. */
static void ask_again(case_machine *m, const set_timer *t, cal_instant *end)
{
    case_timer out = {.data = value_absent()};
    for (uint32_t i = 0; i < m->w->timer_count; i++)
        if (m->w->timers[i].at != NULL && strcmp(m->w->timers[i].event, t->event) == 0 &&
            case_timer_due(m, &m->w->timers[i], t->since_us, &out, NULL) == GOV_OK && out.due_us != CASE_NEVER)
            *end = (cal_instant){.us = out.due_us, .provisional = out.provisional};
}

static gov_status end_of(case_machine *m, const set_timer *t, cal_instant *end, const diag *d)
{
    size_t clock, mark;
    *end = (cal_instant){.us = t->due_us, .provisional = t->provisional};
    if (t->has_length)
        return case_end_of(m, t->calendar != NULL ? t->calendar : m->w->calendar, t->since_us, t->length, t->roll, end, d);
    if (t->due_us <= m->now_us)
        return GOV_OK;
    if (t->kind == CASE_TIMER_AFTER && t->since_us != 0)
        ask_again(m, t, end);
    if (t->kind == CASE_TIMER_MARK && case_mark_of(m, t->name, &clock, &mark) && m->clocks[clock].state == CASE_CLOCK_RUNNING)
        return case_mark_due(m, clock, mark, &end->us, &end->provisional, d);
    return GOV_OK;
}

static gov_status move_timer(gov *g, case_machine *m, const set_timer *t, value_builder *moved, const diag *d)
{
    static const store_sql set = {"UPDATE gov_case_timer SET due_us = $4, provisional = $5 WHERE community = $1 AND case_id = $2 AND name = $3"};
    cal_instant end;
    if (calendar_lost(m, t))
        return GOV_OK;
    gov_status status = end_of(m, t, &end, d);
    if (status != GOV_OK || (end.us == t->due_us && end.provisional == t->provisional))
        return status;
    const value_pair note[] = {{value_text("event"), value_text(t->event)},
                               {value_text("was"), t->due_us != CASE_NEVER ? value_from_us(t->due_us) : value_null()},
                               {value_text("due"), value_from_us(end.us)},
                               {value_text("provisional"), value_bool(end.provisional)}};
    value copy;
    if (!value_copy(m->arena, value_map(note, ARRAY_LEN(note)), &copy))
        return base_nomem(d);
    value_builder_add(moved, copy);
    const int64_t due = end.us > m->now_us ? end.us : m->now_us;
    status = store_post(g->store, &set,
                        STORE_ARGS(store_i(g->community), store_i(m->id), store_s(t->name), store_i(due), store_flag(end.provisional)), 1, d);
    case_tell_moved(m, t->name, due);
    if (status == GOV_OK)
        case_note_due(g, due, end.provisional);
    return status;
}

static gov_status read_timer(store_rows *rows, base_arena *arena, set_timer *out, const diag *d)
{
    size_t len = 0;
    const char *text = store_text(rows, 0, &len);
    out->name = base_arena_strndup(arena, text, len);
    text = store_text(rows, 1, &len);
    out->event = base_arena_strndup(arena, text, len);
    out->due_us = store_int(rows, 2);
    out->since_us = store_is_null(rows, 3) ? 0 : store_int(rows, 3);
    out->kind = (uint8_t)store_int(rows, 8);
    text = store_is_null(rows, 4) ? "" : store_text(rows, 4, &len);
    out->provisional = store_int(rows, 5) != 0;
    out->roll = (uint8_t)store_int(rows, 6);
    if (!store_is_null(rows, 7) && (out->calendar = base_arena_strdup(arena, store_text(rows, 7, NULL))) == NULL)
        return base_nomem(d);
    out->has_length = out->since_us != 0 && text[0] != '\0' && cal_parse_duration(text, len, &out->length, NULL, NULL) == GOV_OK;
    return out->name != NULL && out->event != NULL ? GOV_OK : base_nomem(d);
}

enum { TIMERS = 64 };

/* One page of a case's timers, after that name; *n less than TIMERS: it was the last. */
static gov_status read_timers(gov *g, case_machine *m, const char *after, set_timer *found, size_t *n, const diag *d)
{
    static const store_sql sql = {"SELECT name, event, due_us, since_us, length, provisional, roll, calendar, kind FROM gov_case_timer WHERE community = $1 AND "
                                  "case_id = $2 AND name > $3 AND (since_us IS NOT NULL OR kind = $4) AND attempts = 0 "
                                  "ORDER BY name LIMIT 64"};
    store_rows rows;
    *n = 0;
    gov_status status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(m->id), store_s(after), store_i(CASE_TIMER_MARK)), &rows, d);
    while (status == GOV_OK && *n < TIMERS && (status = store_next(&rows, d)) == GOV_OK)
        status = read_timer(&rows, m->arena, &found[(*n)++], d);
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

static gov_status move_timers(gov *g, case_machine *m, value_builder *moved, const diag *d)
{
    set_timer *found = base_arena_array(m->arena, TIMERS, sizeof *found);
    const char *after = "";
    size_t n = TIMERS;
    gov_status status = found != NULL ? GOV_OK : base_nomem(d);
    while (status == GOV_OK && n == TIMERS) {
        status = read_timers(g, m, after, found, &n, d);
        for (size_t i = 0; i < n && status == GOV_OK; i++) {
            status = move_timer(g, m, &found[i], moved, d);
            after = found[i].name;
        }
    }
    return status;
}

/* ---- one case ---- */

static gov_status move_clocks(case_machine *m, value_builder *moved, const diag *d)
{
    for (size_t i = 0; i < m->w->clock_count; i++) {
        const int64_t was = m->clocks[i].due_us;
        bool changed;
        const gov_status status = case_clock_reckon(m, i, &changed, d);
        if (status != GOV_OK)
            return status;
        if (!changed)
            continue;
        const value_pair note[] = {{value_text("clock"), value_text(m->w->clocks[i].name)},
                                   {value_text("was"), value_from_us(was)},
                                   {value_text("due"), value_from_us(m->clocks[i].due_us)},
                                   {value_text("provisional"), value_bool(m->clocks[i].provisional)}};
        value copy;
        if (!value_copy(m->arena, value_map(note, ARRAY_LEN(note)), &copy))
            return base_nomem(d);
        value_builder_add(moved, copy);
    }
    return GOV_OK;
}

static gov_status reckon_case(gov *g, int64_t id, base_arena *arena, const diag *d)
{
    case_machine m;
    value paths;
    value_builder moved, b;
    gov_status status = case_load(g, id, true, arena, &m, d);
    if (status != GOV_OK)
        return status;
    value_builder_init(&moved, arena);
    value_builder_init(&b, arena);
    status = move_clocks(&m, &moved, d);
    if (status == GOV_OK)
        status = move_timers(g, &m, &moved, d);
    if (status == GOV_OK && moved.len > 0)
        status = case_save(&m, g, d);
    if (status == GOV_OK && moved.len > 0)
        status = case_active_paths(&m, arena, &paths, d);
    value_builder_set(&b, "moved", value_builder_list(&moved));
    if (status == GOV_OK && (moved.failed || b.failed))
        status = base_nomem(d);
    if (status == GOV_OK && moved.len > 0)
        status = case_record_step(g, &m, "case.calendar", NULL, value_builder_map(&b), paths, d);
    case_machine_free(&m);
    return status;
}

/* ---- all ---- */

static bool same_calendar(const rulebook *a, const rulebook_calendar *c)
{
    const rulebook_calendar *other = rulebook_find_calendar(a, c->name);
    return other != NULL && memcmp(cal_digest(other->cal), cal_digest(c->cal), BASE_DIGEST_SIZE) == 0;
}

bool case_calendars_differ(const rulebook *was, const rulebook *is)
{
    if (was->calendar_count != is->calendar_count || strcmp(base_zone_name(was->zone), base_zone_name(is->zone)) != 0)
        return true;
    for (uint32_t i = 0; i < is->calendar_count; i++)
        if (!same_calendar(was, &is->calendars[i]))
            return true;
    return false;
}

gov_status case_reckon_all(gov *g, const diag *d)
{
    static const store_sql sql = {"SELECT id FROM gov_case WHERE community = $1 AND id > $2 AND (closed_us IS NULL OR id IN (SELECT "
                                  "case_id FROM gov_case_timer WHERE community = $1 AND length IS NOT NULL)) ORDER BY id LIMIT $3"};
    int64_t ids[PAGE], after = 0;
    size_t count = PAGE;
    base_arena arena;
    gov_status status = GOV_OK;
    base_arena_init(&arena, g->alloc);
    while (status == GOV_OK && count == PAGE) {
        store_rows rows;
        status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(after), store_i(PAGE)), &rows, d);
        count = 0;
        while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK && count < PAGE)
            ids[count++] = store_int(&rows, 0);
        store_rows_close(&rows);
        status = status == GOV_END ? GOV_OK : status;
        for (size_t i = 0; i < count && status == GOV_OK; i++) {
            base_arena_reset(&arena);
            status = reckon_case(g, ids[i], &arena, d);
            after = ids[i];
        }
    }
    base_arena_free(&arena);
    return status == GOV_OK ? case_wake_waiting(g, d) : status;
}
