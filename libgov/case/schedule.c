/* Schedules: what rules do for each member of a population, once in each period.
 *
 * A schedule's next turn is a row of the one queue, of no case. When it is due, members are taken in pages, each page in one transaction
 * with the row that says where to go on, so that nothing is done twice and nothing is left out, whoever ticks and however often it is
 * interrupted. A member for whom the rules fail is tried again in a row of its own, and so is a turn without members; the others do
 * not wait, and neither does the next turn. Where that rests on a year that may not be guessed, a row waits in the queue that reckons it. */
#include "case/live.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 64, WHOLE = -1 };

/* What the row in the queue says. */
typedef struct turn {
    const rulebook_schedule *s;
    int64_t start_us, end_us; /* the period */
    int64_t at_us;            /* the occurrence; the row itself may have been put off */
    int64_t last_us;          /* beginning of the period that was done before; 0: none */
    int64_t after;            /* members up to here are done */
    int64_t member;           /* a second try for this one alone, or (WHOLE) of a turn without members; 0: all */
    bool next;                /* nothing is to be done but to reckon the first turn at or after at_us */
} turn;

/* ---- rows ---- */

/* A rhythm as text: when it changes, or the days of its calendar do, the next turn is reckoned anew. */
static const char *rhythm_text(const rulebook *rb, const rulebook_schedule *s, char text[static 128])
{
    const cal_rhythm *r = &s->rhythm;
    const rulebook_calendar *c = s->calendar != NULL ? rulebook_find_calendar(rb, s->calendar) : NULL;
    char days[17] = "";
    if (c != NULL)
        base_hex(cal_digest(c->cal), 8, days);
    (void)snprintf(text, 128, "%u %lld %d %u %u %d %u %ld %s", r->period, (long long)r->every, r->nth, r->weekday, r->on, r->working,
                   r->day_off, (long)r->at, days);
    return text;
}

static const char *row_name(base_arena *arena, const turn *t)
{
    const size_t size = strlen(t->s->name) + 64;
    char *name = base_arena_alloc(arena, size);
    if (name != NULL && t->member == 0)
        (void)snprintf(name, size, "schedule:%s", t->s->name);
    else if (name != NULL)
        (void)snprintf(name, size, "schedule:%s:%lld:%lld", t->s->name, (long long)t->start_us, (long long)t->member);
    return name;
}

static gov_status put_row(gov *g, const rulebook *rb, const turn *t, int64_t due_us, bool provisional, const diag *d)
{
    char rhythm[128];
    const value_pair data[] = {{value_text("rhythm"), value_text(rhythm_text(rb, t->s, rhythm))},
                               {value_text("start"), value_int(t->start_us)},
                               {value_text("end"), value_int(t->end_us)},
                               {value_text("at"), value_int(t->at_us)},
                               {value_text("last"), value_int(t->last_us)},
                               {value_text("after"), value_int(t->after)},
                               {value_text("member"), value_int(t->member)},
                               {value_text("next"), value_bool(t->next)}};
    const case_timer row = {.kind = CASE_TIMER_SCHEDULE, .name = row_name(&g->scratch, t), .due_us = due_us, .event = t->s->name,
                            .data = value_map(data, ARRAY_LEN(data)), .provisional = provisional};
    return row.name != NULL ? case_schedule(g, &row, d) : base_nomem(d);
}

static int64_t int_of(value data, const char *key)
{
    const value v = value_get_text(data, key);
    return v.kind == VALUE_INT ? v.as.i : 0;
}

static bool is_next(value data)
{
    const value v = value_get_text(data, "next");
    return v.kind == VALUE_BOOL && v.as.b;
}

/* The calendar that it counts in; *own is to be freed where the rules have none. */
static gov_status calendar_of(gov *g, const rulebook *rb, const rulebook_schedule *s, const cal_calendar **c, cal_calendar **own, const diag *d)
{
    const rulebook_calendar *named = s->calendar != NULL ? rulebook_find_calendar(rb, s->calendar) : NULL;
    *own = NULL;
    *c = named != NULL ? named->cal : NULL;
    if (named != NULL)
        return GOV_OK;
    const gov_status status = case_plain_calendar(g->alloc, rb->zone, own, d);
    *c = *own;
    return status;
}

/* Where the next turn is looked for: at or after an instant, but not that of the period that was done last, which other rules may
 * have on a later day, nor, where it goes `on` in one rhythm, those of periods before. */
typedef struct search {
    int64_t from_us, last_us;
    bool on;
} search;

/* Puts it into the queue; a rhythm that never comes has none. */
static gov_status put_next(gov *g, const rulebook *rb, const rulebook_schedule *s, const search *x, const diag *d)
{
    const cal_calendar *c;
    cal_calendar *own;
    cal_occurrence o;
    gov_status status = calendar_of(g, rb, s, &c, &own, d);
    if (status == GOV_OK)
        status = cal_next(c, &s->rhythm, x->from_us, &o, d);
    while (status == GOV_OK && x->last_us != 0 && (o.start_us == x->last_us || (x->on && o.start_us < x->last_us)))
        status = cal_following(c, &s->rhythm, &o, &o, d);
    cal_free(own);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status;
    const turn t = {.s = s, .start_us = o.start_us, .end_us = o.end_us, .at_us = o.at_us, .last_us = x->last_us};
    return put_row(g, rb, &t, o.at_us, o.provisional, d);
}

/* The same, where it may rest on a year that the calendar does not list and may not guess: a row is put instead that will reckon it,
 * and say in the journal that it cannot yet. What has been done stays done. */
static gov_status put_next_or_wait(gov *g, const rulebook *rb, const rulebook_schedule *s, const search *x, const diag *d)
{
    gov_error *error = NULL;
    const diag quiet = {g->alloc, &error};
    gov_status status = put_next(g, rb, s, x, &quiet);
    if (status != GOV_OK && case_lacks_year(error)) {
        const turn t = {.s = s, .start_us = x->last_us, .at_us = x->from_us, .last_us = x->last_us, .next = true};
        status = put_row(g, rb, &t, access_now(g), false, d);
    } else if (status != GOV_OK) {
        (void)base_forward(d, error);
    }
    gov_error_free(error);
    return status;
}

/* ---- when rules are installed ---- */

typedef struct kept_row {
    int64_t last_us, at_us;
    bool there, begun; /* begun: its turn has come, or some members are done */
    bool next;         /* it waits for a year */
    char rhythm[128];
} kept_row;

static gov_status read_row(gov *g, const rulebook_schedule *s, kept_row *out, const diag *d)
{
    static const store_sql find = {"SELECT data FROM gov_case_timer WHERE community = $1 AND case_id = 0 AND name = $2"};
    const turn t = {.s = s};
    const char *name = row_name(&g->scratch, &t);
    store_rows rows;
    value data;
    size_t len;
    *out = (kept_row){.there = false};
    if (name == NULL)
        return base_nomem(d);
    gov_status status = store_first(g->store, &find, STORE_ARGS(store_i(g->community), store_s(name)), &rows, d);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status;
    const char *text = store_text(&rows, 0, &len);
    status = access_read_stored(g, &g->scratch, text, len, &data, d);
    store_rows_close(&rows);
    if (status != GOV_OK)
        return status;
    const value rhythm = value_get_text(data, "rhythm");
    out->there = true;
    out->last_us = int_of(data, "last");
    out->at_us = int_of(data, "at"); /* the row itself may have been put off */
    out->next = is_next(data);
    out->begun = !out->next && (out->at_us <= access_now(g) || int_of(data, "after") != 0);
    if (rhythm.kind == VALUE_STRING && rhythm.len < sizeof out->rhythm)
        memcpy(out->rhythm, rhythm.as.s, rhythm.len);
    return GOV_OK;
}

/* Rows of schedules that the rules no longer have. */
static gov_status drop_others(gov *g, const rulebook *rb, const diag *d)
{
    static const store_sql list = {"SELECT name, event FROM gov_case_timer WHERE community = $1 AND case_id = 0 AND kind = $2"};
    static const store_sql drop = {"DELETE FROM gov_case_timer WHERE community = $1 AND case_id = 0 AND name = $2"};
    value_builder names;
    store_rows rows;
    value_builder_init(&names, &g->scratch);
    gov_status status = store_query(g->store, &list, STORE_ARGS(store_i(g->community), store_i(CASE_TIMER_SCHEDULE)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK)
        if (rb == NULL || !rulebook_has_name(&rb->schedules, store_text(&rows, 1, NULL)))
            value_builder_add_copy(&names, store_text(&rows, 0, NULL));
    store_rows_close(&rows);
    if (status == GOV_END)
        status = names.failed ? base_nomem(d) : GOV_OK;
    for (size_t i = 0; i < names.len && status == GOV_OK; i++)
        status = store_post(g->store, &drop, STORE_ARGS(store_i(g->community), store_t(names.items[i].as.s, names.items[i].len)), 1, d);
    case_room_of(g)->next_known = false;
    return status;
}

/* Only the days differ: the texts are the same up to the last word, which stands for the days. */
static bool same_but_days(const char *a, const char *b)
{
    const char *x = strrchr(a, ' '), *y = strrchr(b, ' ');
    return x != NULL && y != NULL && x - a == y - b && memcmp(a, b, (size_t)(x - a)) == 0;
}

static gov_status install_one(gov *g, const rulebook *rb, const rulebook_schedule *s, const diag *d)
{
    const int64_t now_us = access_now(g);
    char rhythm[128];
    kept_row row;
    gov_status status = read_row(g, s, &row, d);
    if (status != GOV_OK || (row.there && (row.begun || strcmp(row.rhythm, rhythm_text(rb, s, rhythm)) == 0)))
        return status;
    search x = {.from_us = row.there ? now_us + 1 : now_us, .last_us = row.last_us};
    if (row.next && same_but_days(row.rhythm, rhythm)) { /* the year may be there now: what lay in it meanwhile is not lost */
        x.from_us = row.at_us;
        x.on = true;
    }
    return put_next_or_wait(g, rb, s, &x, d);
}

gov_status case_schedules_install(gov *g, const rulebook *rb, const diag *d)
{
    gov_status status = drop_others(g, rb, d);
    for (uint32_t i = 0; i < rb->schedules.count && status == GOV_OK; i++) {
        const rulebook_schedule *s;
        status = rulebook_get_schedule(rb, rb->schedules.items[i], &s, d);
        if (status == GOV_OK)
            status = install_one(g, rb, s, d);
    }
    return status;
}

gov_status case_schedules_restart(gov *g, const diag *d)
{
    const gov_status status = drop_others(g, NULL, d);
    return status == GOV_OK ? case_schedules_install(g, g->rules, d) : status;
}

/* ---- one member ---- */

/* Expressions and effects of a schedule run as those of a case do, of which there is none. */
typedef struct stand_in {
    case_machine m;
    rulebook_workflow w;
    char keys[160];
} stand_in;

static gov_status make_stand_in(gov *g, const turn *t, int64_t member, stand_in *x, const diag *d)
{
    const rulebook_schedule *s = t->s;
    gov_status status = case_machine_of(g, &x->m, d);
    case_machine *m = &x->m;
    if (status != GOV_OK)
        return status;
    x->w = (rulebook_workflow){.name = s->name, .slots = s->slots, .presets = s->presets, .slot_count = s->slot_count, .owner = g->rules,
                               .calendar = s->calendar, .place = s->place};
    (void)snprintf(x->keys, sizeof x->keys, "schedule:%.64s:%lld:%lld:", s->name, (long long)t->start_us, (long long)member);
    m->w = &x->w;
    m->arena = &g->scratch;
    m->keys = x->keys;
    m->rule = s->place;
    m->slots = base_arena_array(m->arena, s->slot_count, sizeof *m->slots);
    if (m->slots == NULL)
        return base_nomem(d);
    memcpy(m->slots, s->presets, s->slot_count * sizeof *m->slots);
    value_builder_init(&m->changes, m->arena);
    value_builder_init(&m->effects, m->arena);
    value_builder_init(&m->raised, m->arena);
    value_builder_init(&m->waits, m->arena);
    return GOV_OK;
}

static void fill_slots(stand_in *x, const turn *t, value it)
{
    for (uint32_t i = 0; i < x->w.slot_count; i++) {
        const rulebook_slot *slot = &x->w.slots[i];
        if (slot->kind == RULEBOOK_SLOT_IT && slot->part == 0)
            x->m.slots[i] = it;
        else if (slot->kind == RULEBOOK_SLOT_PERIOD)
            x->m.slots[i] = value_from_us(slot->part == 0 ? t->start_us : t->end_us);
    }
}

static gov_status record_run(gov *g, const turn *t, stand_in *x, const char *kind, int64_t member, const diag *d)
{
    const value_pair data[] = {{value_text("schedule"), value_text(t->s->name)},
                               {value_text("start"), value_from_us(t->start_us)},
                               {value_text("end"), value_from_us(t->end_us)},
                               {value_text("effects"), value_builder_list(&x->m.effects)}};
    const journal_entry entry = {.kind = "schedule.run", .subject_kind = kind, .subject = member, .rule_digest = g->rules->digest,
                                 .rule_file = t->s->place.origin, .rule_line = t->s->place.line, .data = value_map(data, ARRAY_LEN(data))};
    return x->m.effects.failed ? base_nomem(d) : access_record(g, &entry, NULL, d);
}

/* member 0: the schedule has no population, and runs once. */
static gov_status run_member(gov *g, const turn *t, int64_t member, const diag *d)
{
    stand_in x;
    registry_record record = {.kind = "schedule"};
    value it = value_null();
    bool holds = true;
    gov_status status = make_stand_in(g, t, member, &x, d);
    if (status == GOV_OK && member != 0)
        status = registry_load(g, member, &g->scratch, &record, d);
    if (status == GOV_OK && member != 0)
        status = registry_it(g, &record, &g->scratch, &it, d);
    if (status != GOV_OK)
        return status;
    const value active = value_get_text(it, "active");
    if (active.kind == VALUE_BOOL && !active.as.b && strcmp(record.kind, GOV_KIND_STAFF) == 0)
        return GOV_OK;
    fill_slots(&x, t, it);
    x.m.grid = strcmp(record.kind, GOV_KIND_GRID) == 0 ? member : record.grid;
    const expr_run run = case_expr_run(&x.m);
    if (t->s->member != NULL)
        status = expr_eval_bool(t->s->member, &run, &holds, d);
    if (status != GOV_OK || !holds)
        return status;
    status = case_run_block(&x.m, &t->s->block, NULL, d);
    return status == GOV_OK ? record_run(g, t, &x, record.kind, member, d) : status;
}

typedef struct member_run {
    gov *g;
    const turn *t;
    int64_t member;
} member_run;

static gov_status run_body(void *user, const diag *d)
{
    const member_run *r = user;
    return run_member(r->g, r->t, r->member, d);
}

/* In a savepoint: what fails for one member is undone, and waits in the queue for itself. */
static gov_status try_member(gov *g, const turn *t, int64_t member, const diag *d)
{
    member_run r = {g, t, member};
    gov_error *error = NULL;
    const diag quiet = {g->alloc, &error};
    gov_status status = store_run(g->store, run_body, &r, &quiet);
    if (status != GOV_OK && case_fault_of_rules(status)) {
        turn again = *t;
        again.member = member != 0 ? member : WHOLE;
        status = put_row(g, g->rules, &again, access_now(g), false, d);
    } else if (status != GOV_OK) {
        (void)base_forward(d, error);
    }
    gov_error_free(error);
    return status;
}

/* ---- members ---- */

static const char *kind_of(const rulebook_schedule *s)
{
    return s->over == NULL ? NULL : strcmp(s->over, "grids") == 0 ? GOV_KIND_GRID : s->over;
}

/* The members of one group, by ascending id. Nobody is in a group that is not there yet. */
static gov_status group_page(gov *g, const rulebook_schedule *s, int64_t after, int64_t *ids, size_t *n, const diag *d)
{
    value list = value_list(NULL, 0);
    int64_t last = after, group = 0;
    gov_status status = registry_lookup(g, "group", s->over_name, strlen(s->over_name), &group, d);
    if (status == GOV_OK && group != 0)
        status = registry_members(g, value_text(s->over_name), &g->scratch, &list, d);
    for (*n = 0; status == GOV_OK && *n < PAGE;) {
        int64_t best = INT64_MAX;
        for (size_t i = 0; i < list.len; i++)
            if (list.as.items[i].as.i > last && list.as.items[i].as.i < best)
                best = list.as.items[i].as.i;
        if (best == INT64_MAX)
            break;
        ids[(*n)++] = last = best;
    }
    return status;
}

static gov_status page_of(gov *g, const turn *t, int64_t *ids, size_t *n, const diag *d)
{
    if (t->s->over_name != NULL)
        return group_page(g, t->s, t->after, ids, n, d);
    return registry_page(g, kind_of(t->s), t->after, ids, PAGE, n, d);
}

/* One member's, or the whole turn's second try. */
static gov_status try_again(gov *g, const turn *t, const diag *d)
{
    if (t->member == WHOLE)
        return kind_of(t->s) == NULL && t->s->over_name == NULL ? run_member(g, t, 0, d) : GOV_OK;
    const gov_status status = run_member(g, t, t->member, d);
    return status == GOV_E_NOT_FOUND ? GOV_OK : status; /* the record is gone */
}

/* The members that come next, or the turn itself; *all: they were the last. */
static gov_status run_page(gov *g, turn *t, bool *all, const diag *d)
{
    int64_t ids[PAGE];
    size_t n = 0;
    gov_status status = GOV_OK;
    if (kind_of(t->s) == NULL)
        status = try_member(g, t, 0, d);
    else
        status = page_of(g, t, ids, &n, d);
    for (size_t i = 0; i < n && status == GOV_OK; i++)
        status = try_member(g, t, ids[i], d);
    *all = n < PAGE;
    if (!*all)
        t->after = ids[n - 1];
    return status;
}

gov_status case_schedule_fire(gov *g, const case_timer *cause, const diag *d)
{
    turn t = {.start_us = int_of(cause->data, "start"), .end_us = int_of(cause->data, "end"), .at_us = int_of(cause->data, "at"),
              .last_us = int_of(cause->data, "last"), .after = int_of(cause->data, "after"), .member = int_of(cause->data, "member"),
              .next = is_next(cause->data)};
    bool all = true;
    gov_status status = rulebook_get_schedule(g->rules, cause->event, &t.s, d);
    if (status == GOV_E_NOT_FOUND) /* the rules dropped it meanwhile */
        return GOV_OK;
    if (status == GOV_OK && t.member != 0)
        return try_again(g, &t, d);
    if (status == GOV_OK && !t.next)
        status = run_page(g, &t, &all, d);
    if (status != GOV_OK)
        return status;
    if (!all)
        return put_row(g, g->rules, &t, cause->due_us, false, d);
    char rhythm[128];
    const bool on = value_is_text(value_get_text(cause->data, "rhythm"), rhythm_text(g->rules, t.s, rhythm));
    /* The turn of another period may be at this same instant. */
    const search x = {.from_us = on ? t.at_us : t.at_us + 1, .last_us = t.start_us, .on = on};
    return t.next ? put_next(g, g->rules, t.s, &x, d) : put_next_or_wait(g, g->rules, t.s, &x, d);
}

/* Each schedule of the rules waits for its next turn, but for one whose rhythm never comes again. */
gov_status case_verify_schedules(gov *g, const diag *d)
{
    static const store_sql sql = {"SELECT count(*) FROM gov_case_timer WHERE community = $1 AND case_id = 0 AND kind = $2 AND name = $3 AND event = $4"};
    const rulebook *rb = g->rules;
    gov_status status = GOV_OK;
    for (uint32_t i = 0; i < rb->schedules.count && status == GOV_OK; i++) {
        const rulebook_schedule *s;
        const cal_calendar *c = NULL;
        cal_calendar *own = NULL;
        cal_occurrence o;
        int64_t rows = 0;
        status = rulebook_get_schedule(rb, rb->schedules.items[i], &s, d);
        const turn t = {.s = status == GOV_OK ? s : NULL};
        const char *name = status == GOV_OK ? row_name(&g->scratch, &t) : NULL;
        if (status == GOV_OK)
            status = name != NULL ? store_first_int(g->store, &sql,
                                                    STORE_ARGS(store_i(g->community), store_i(CASE_TIMER_SCHEDULE), store_s(name), store_s(s->name)),
                                                    &rows, d)
                                  : base_nomem(d);
        if (status != GOV_OK || rows > 0)
            continue;
        status = calendar_of(g, rb, s, &c, &own, d);
        if (status == GOV_OK)
            status = cal_next(c, &s->rhythm, access_now(g), &o, d);
        cal_free(own);
        status = status == GOV_END ? GOV_OK : status == GOV_OK ? base_fail(d, M_row_gone, A_S("table", "gov_case_timer"), A_S("row", name)) : status;
    }
    return status;
}
