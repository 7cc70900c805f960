/* Functions that the expressions of every rulebook have: dates, working time by its calendars, distances. And filters, which
 * are expressions inside of expressions. */
#include "rulebook/load.h"

#include "geo/geo.h"

#include <string.h>

enum { SECONDS_PER_DAY = 86400 };

static gov_status bad(const char *function, const char *what, value v, const diag *d)
{
    if (v.kind == VALUE_STRING)
        return base_fail(d, M_invalid_argument, A_S("function", function), A_S("what", what), A_N("value", v.as.s, v.len));
    return base_fail(d, M_invalid_argument, A_S("function", function), A_S("what", what));
}

/* The day of "2026-03-02", or of an instant where the community is, counted from 1970. */
static gov_status day_of(const rulebook *rb, const char *function, value v, int64_t *day, const diag *d)
{
    if (v.kind == VALUE_STRING)
        return base_parse_date(v.as.s, v.len, day) ? GOV_OK : bad(function, "not a date such as 2026-03-02", v, d);
    const int64_t local = v.as.i + (rb->zone != NULL ? base_zone_offset(rb->zone, v.as.i) : 0);
    *day = local / SECONDS_PER_DAY - (local % SECONDS_PER_DAY < 0);
    return GOV_OK;
}

static gov_status call_age(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    int64_t born, on;
    int32_t year[2];
    unsigned month[2], day[2];
    (void)n;
    (void)run;
    gov_status status = day_of(user, "age", args[0], &born, d);
    if (status == GOV_OK)
        status = day_of(user, "age", args[1], &on, d);
    if (status != GOV_OK)
        return status;
    base_civil_from_days(born, &year[0], &month[0], &day[0]);
    base_civil_from_days(on, &year[1], &month[1], &day[1]);
    const bool before = month[1] < month[0] || (month[1] == month[0] && day[1] < day[0]);
    *out = value_int((int64_t)year[1] - year[0] - before);
    return GOV_OK;
}

/* ---- working time ---- */

static gov_status calendar_of(const rulebook *rb, const expr_run *run, const value *name, const cal_calendar **out,
                              const diag *d)
{
    char text[65];
    const char *wanted = NULL;
    *out = NULL;
    if (name != NULL) {
        if (name->len >= sizeof text || memchr(name->as.s, '\0', name->len) != NULL)
            return base_fail(d, M_unknown_name, A_S("kind", "calendar"), A_N("name", name->as.s, name->len));
        memcpy(text, name->as.s, name->len);
        text[name->len] = '\0';
        wanted = text;
    }
    const rulebook_calendar *own = rulebook_find_calendar(rb, wanted);
    const rulebook_host *host = rb->host;
    if (host != NULL && host->calendar != NULL)
        *out = host->calendar(run, wanted);
    if (*out == NULL && own != NULL)
        *out = own->cal;
    if (*out != NULL && cal_has_hours(*out))
        return GOV_OK;
    return name != NULL && own == NULL ? base_fail(d, M_unknown_name, A_S("kind", "calendar"), A_S("name", text))
                                       : base_fail(d, M_no_calendar);
}

static gov_status call_working_days(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    const cal_calendar *calendar;
    int64_t from, to, count = 0;
    gov_status status = calendar_of(user, run, n == 3 ? &args[2] : NULL, &calendar, d);
    if (status == GOV_OK)
        status = day_of(user, "working_days", args[0], &from, d);
    if (status == GOV_OK)
        status = day_of(user, "working_days", args[1], &to, d);
    if (status == GOV_OK) /* a year's days are looked at one by one */
        status = expr_spend(run, (uint64_t)(to > from ? to - from : from - to) / 16, d);
    if (status == GOV_OK)
        status = cal_working_days_between(calendar, from, to, &count, NULL, d);
    *out = value_int(count);
    return status;
}

/* "2 hours" and duration('2h') are taken for working time, "5 days" for working days: that is what the function is for. */
static gov_status working(value v, cal_duration *out, const diag *d)
{
    int64_t us;
    if (v.kind == VALUE_DURATION) {
        if (!value_to_us(v, &us))
            return bad("add_working", "finer than a microsecond, or too long", v, d);
        *out = cal_of(CAL_WORKING_TIME, us);
        return GOV_OK;
    }
    const gov_status status = cal_parse_duration(v.as.s, v.len, out, NULL, d);
    if (status == GOV_E_NOT_FOUND)
        return bad("add_working", "not a duration such as 2 working hours", v, d);
    if (status != GOV_OK)
        return status;
    if (out->unit == CAL_TIME)
        out->unit = CAL_WORKING_TIME;
    else if (out->unit == CAL_DAYS)
        out->unit = CAL_WORKING_DAYS;
    else if (out->unit != CAL_WORKING_TIME && out->unit != CAL_WORKING_DAYS)
        return bad("add_working", "months are no working time", v, d);
    return GOV_OK;
}

static gov_status call_add_working(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    const cal_calendar *calendar;
    cal_duration span;
    cal_instant end;
    int64_t from;
    gov_status status = calendar_of(user, run, n == 3 ? &args[2] : NULL, &calendar, d);
    if (status == GOV_OK)
        status = working(args[1], &span, d);
    if (status == GOV_OK && !value_to_us(args[0], &from))
        status = bad("add_working", "an instant finer than a microsecond", args[0], d);
    if (status == GOV_OK)
        status = expr_spend(run, 100, d);
    if (status == GOV_OK)
        status = cal_add(calendar, from, span, CAL_ROLL_NONE, &end, d);
    if (status == GOV_OK)
        *out = value_from_us(end.us);
    return status;
}

static gov_status check_calendar(void *user, const value *args, size_t n, const base_place *place, const diag *d)
{
    const rb_full *rb = user;
    char name[65];
    if (n != 3 || args[2].kind != VALUE_STRING)
        return GOV_OK;
    if (args[2].len < sizeof name) {
        memcpy(name, args[2].as.s, args[2].len);
        name[args[2].len] = '\0';
        if (strlen(name) == args[2].len && rb_find_def(rb, RB_CALENDAR, NULL, name) != NULL)
            return GOV_OK;
    }
    return base_fail_at(d, place, M_unknown_name, A_S("kind", "calendar"), A_N("name", args[2].as.s, args[2].len));
}

/* ---- places ---- */

static bool point_of(value v, geo_point *out)
{
    const value lat = value_get_text(v, "lat"), lon = value_get_text(v, "lon");
    *out = (geo_point){lat.as.i, lon.as.i};
    return lat.kind == VALUE_INT && lon.kind == VALUE_INT;
}

static gov_status call_distance(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    geo_point a, b;
    (void)user;
    (void)n;
    (void)run;
    const int64_t metres = point_of(args[0], &a) && point_of(args[1], &b) ? geo_distance_m(a, b) : -1;
    *out = value_int(metres);
    return metres >= 0 ? GOV_OK : bad("distance", "a point has lat and lon on the earth", value_null(), d);
}

/* ---- registering ---- */

#define T EXPR_TIMESTAMP
#define S EXPR_STRING
#define OF_DAYS(NAME, CALL, COST)                                                                              \
    {.name = NAME, .argc = 2, .args = {S, T}, .result = EXPR_INT, .call = CALL, .cost = COST},                 \
    {.name = NAME, .argc = 2, .args = {S, S}, .result = EXPR_INT, .call = CALL, .cost = COST},                 \
    {.name = NAME, .argc = 2, .args = {T, T}, .result = EXPR_INT, .call = CALL, .cost = COST},                 \
    {.name = NAME, .argc = 2, .args = {T, S}, .result = EXPR_INT, .call = CALL, .cost = COST}
#define BY_CALENDAR(NAME, FIRST, SECOND, RESULT, CALL)                                                         \
    {.name = NAME, .argc = 3, .args = {FIRST, SECOND, S}, .result = RESULT, .call = CALL, .check = check_calendar, .cost = 8}

static const expr_function functions[] = {
    OF_DAYS("age", call_age, 1),
    OF_DAYS("working_days", call_working_days, 8),
    BY_CALENDAR("working_days", S, T, EXPR_INT, call_working_days),
    BY_CALENDAR("working_days", S, S, EXPR_INT, call_working_days),
    BY_CALENDAR("working_days", T, T, EXPR_INT, call_working_days),
    BY_CALENDAR("working_days", T, S, EXPR_INT, call_working_days),
    {.name = "add_working", .argc = 2, .args = {T, S}, .result = T, .call = call_add_working, .cost = 8},
    {.name = "add_working", .argc = 2, .args = {T, EXPR_DURATION}, .result = T, .call = call_add_working, .cost = 8},
    BY_CALENDAR("add_working", T, S, T, call_add_working),
    BY_CALENDAR("add_working", T, EXPR_DURATION, T, call_add_working),
    {.name = "distance", .pure = true, .argc = 2, .args = {EXPR_MAP, EXPR_MAP}, .result = EXPR_INT, .call = call_distance,
     .cost = 4},
};
#undef T
#undef S

void rb_add_functions(rulebook_loader *l, expr_scope *s)
{
    for (size_t i = 0; i < ARRAY_LEN(functions) && s != NULL && !rb_out(l); i++) {
        expr_function f = functions[i];
        f.user = l->rb;
        rb_note(l, expr_scope_function(s, &f, l->d));
    }
}

/* ---- filters ---- */

/* Everything in a filter lies where the text of it lies. */
static void locate(void *user, size_t offset, base_place *out)
{
    (void)offset;
    *out = *(const base_place *)user;
}

gov_status rulebook_filter_new(const gov_allocator *a, const rulebook *rb, const char *text, size_t len,
                               const base_place *place, rulebook_filter *out, const diag *d)
{
    const rb_full *full = (const rb_full *)rb;
    const expr_options options = {.expect = EXPR_BOOL,
                                  .declared_only = true,
                                  .locate = place != NULL ? locate : NULL,
                                  .user = (void *)(uintptr_t)place};
    *out = (rulebook_filter){.it = RULEBOOK_NONE, .now = RULEBOOK_NONE};
    gov_status status = expr_scope_new(a, full->scope, &out->scope, d);
    if (status == GOV_OK)
        status = expr_scope_var(out->scope, "it", EXPR_DYN, &out->it, d);
    if (status == GOV_OK)
        status = expr_compile(a, out->scope, text, len, &options, &out->program, d);
    if (status == GOV_OK) {
        out->slot_count = expr_scope_slots(out->scope);
        out->slots = base_array(a, out->slot_count, sizeof *out->slots);
        if (out->slots == NULL)
            status = base_nomem(d);
    }
    if (status != GOV_OK) {
        rulebook_filter_free(out, a);
        return status;
    }
    for (uint32_t i = 0; i < out->slot_count; i++) {
        out->slots[i] = i < full->slot_count ? full->presets[i] : value_absent();
        if (i < full->slot_count && full->slots[i].kind == RULEBOOK_SLOT_NOW)
            out->now = i;
    }
    return GOV_OK;
}

void rulebook_filter_free(rulebook_filter *f, const gov_allocator *a)
{
    base_free(a, f->slots);
    expr_program_free(f->program);
    expr_scope_free(f->scope);
    *f = (rulebook_filter){.it = RULEBOOK_NONE};
}

gov_status rulebook_filter_holds(const rulebook_filter *f, const expr_run *outer, value it, bool *holds, const diag *d)
{
    f->slots[f->it] = it;
    if (f->now < f->slot_count)
        f->slots[f->now] = value_from_us(outer->now_us);
    const expr_run run = {.slots = f->slots,
                          .slot_count = f->slot_count,
                          .scratch = outer->scratch,
                          .cost_limit = outer->cost_limit,
                          .cost_left = outer->cost_left,
                          .now_us = outer->now_us,
                          .zone = outer->zone};
    return expr_eval_bool(f->program, &run, holds, d);
}

gov_status rulebook_filter_check(const rulebook *rb, value text, const base_place *place, const diag *d)
{
    rulebook_filter f;
    const rb_full *full = (const rb_full *)rb;
    if (text.kind != VALUE_STRING)
        return GOV_OK;
    const gov_status status = rulebook_filter_new(full->alloc, rb, text.as.s, text.len, place, &f, d);
    if (status == GOV_OK)
        rulebook_filter_free(&f, full->alloc);
    return status;
}
