/* Functions that the expressions of every rulebook have: dates, working time by its calendars, distances. */
#include "rulebook/load.h"

#include "geo/geo.h"

#include <string.h>

enum { SECONDS_PER_DAY = 86400 };

/* `place` is NULL when a function runs; the language adds where it was called. */
static gov_status bad_at(const char *function, const char *what, value v, const base_place *place, const diag *d)
{
    if (v.kind == VALUE_STRING)
        return base_fail_at(d, place, M_invalid_argument, A_S("function", function), A_S("what", what),
                            A_N("value", v.as.s, v.len));
    return base_fail_at(d, place, M_invalid_argument, A_S("function", function), A_S("what", what));
}

static gov_status bad(const char *function, const char *what, value v, const diag *d)
{
    return bad_at(function, what, v, NULL, d);
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
static gov_status working(value v, cal_duration *out, const base_place *place, const diag *d)
{
    int64_t us;
    if (v.kind == VALUE_DURATION) {
        if (!value_to_us(v, &us))
            return bad_at("add_working", "finer than a microsecond, or too long", v, place, d);
        *out = cal_of(CAL_WORKING_TIME, us);
        return GOV_OK;
    }
    const gov_status status = cal_parse_duration(v.as.s, v.len, out, place, d);
    if (status == GOV_E_NOT_FOUND)
        return bad_at("add_working", "not a duration such as 2 working hours", v, place, d);
    if (status != GOV_OK) /* a mistake of the rules where they are loaded, of the expression where it runs */
        return status == GOV_E_RULE && place == NULL ? GOV_E_EXPR : status;
    if (out->unit == CAL_TIME)
        out->unit = CAL_WORKING_TIME;
    else if (out->unit == CAL_DAYS)
        out->unit = CAL_WORKING_DAYS;
    else if (out->unit != CAL_WORKING_TIME && out->unit != CAL_WORKING_DAYS)
        return bad_at("add_working", "months are no working time", v, place, d);
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
        status = working(args[1], &span, NULL, d);
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

/* ---- what is constant can be looked at when rules are loaded ---- */

static gov_status check_calendar(const rb_full *rb, value v, const base_place *place, const diag *d)
{
    char name[65];
    if (v.kind != VALUE_STRING)
        return GOV_OK;
    if (v.len < sizeof name) {
        memcpy(name, v.as.s, v.len);
        name[v.len] = '\0';
        if (strlen(name) == v.len && rb_find_def(rb, RB_CALENDAR, NULL, name) != NULL)
            return GOV_OK;
    }
    return base_fail_at(d, place, M_unknown_name, A_S("kind", "calendar"), A_N("name", v.as.s, v.len));
}

static gov_status check_days(const char *function, const value *args, const expr_spot *spots, const diag *d)
{
    gov_status status = GOV_OK;
    int64_t day;
    for (int i = 0; i < 2; i++)
        if (args[i].kind == VALUE_STRING && !base_parse_date(args[i].as.s, args[i].len, &day))
            status = bad_at(function, "not a date such as 2026-03-02", args[i], &spots[i].place, d);
    return status;
}

static gov_status check_age(void *user, const value *args, size_t n, const expr_spot *spots, const diag *d)
{
    (void)user;
    (void)n;
    return check_days("age", args, spots, d);
}

static gov_status check_working_days(void *user, const value *args, size_t n, const expr_spot *spots, const diag *d)
{
    const gov_status status = check_days("working_days", args, spots, d);
    const gov_status other = n == 3 ? check_calendar(user, args[2], &spots[2].place, d) : GOV_OK;
    return status != GOV_OK ? status : other;
}

static gov_status check_add_working(void *user, const value *args, size_t n, const expr_spot *spots, const diag *d)
{
    cal_duration span;
    const gov_status status = args[1].kind != VALUE_ABSENT ? working(args[1], &span, &spots[1].place, d) : GOV_OK;
    const gov_status other = n == 3 ? check_calendar(user, args[2], &spots[2].place, d) : GOV_OK;
    return status != GOV_OK ? status : other;
}

/* ---- spots ---- */

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
#define OF_DAYS(NAME, CALL, CHECK, COST)                                                                               \
    {.name = NAME, .argc = 2, .args = {S, T}, .result = EXPR_INT, .call = CALL, .check = CHECK, .cost = COST},         \
    {.name = NAME, .argc = 2, .args = {S, S}, .result = EXPR_INT, .call = CALL, .check = CHECK, .cost = COST},         \
    {.name = NAME, .argc = 2, .args = {T, T}, .result = EXPR_INT, .call = CALL, .check = CHECK, .cost = COST},         \
    {.name = NAME, .argc = 2, .args = {T, S}, .result = EXPR_INT, .call = CALL, .check = CHECK, .cost = COST}
#define BY_CALENDAR(NAME, FIRST, SECOND, RESULT, CALL, CHECK)                                                          \
    {.name = NAME, .argc = 3, .args = {FIRST, SECOND, S}, .result = RESULT, .call = CALL, .check = CHECK, .cost = 8}

static const expr_function functions[] = {
    OF_DAYS("age", call_age, check_age, 1),
    OF_DAYS("working_days", call_working_days, check_working_days, 8),
    BY_CALENDAR("working_days", S, T, EXPR_INT, call_working_days, check_working_days),
    BY_CALENDAR("working_days", S, S, EXPR_INT, call_working_days, check_working_days),
    BY_CALENDAR("working_days", T, T, EXPR_INT, call_working_days, check_working_days),
    BY_CALENDAR("working_days", T, S, EXPR_INT, call_working_days, check_working_days),
    {.name = "add_working", .argc = 2, .args = {T, S}, .result = T, .call = call_add_working, .check = check_add_working,
     .cost = 8},
    {.name = "add_working", .argc = 2, .args = {T, EXPR_DURATION}, .result = T, .call = call_add_working,
     .check = check_add_working, .cost = 8},
    BY_CALENDAR("add_working", T, S, T, call_add_working, check_add_working),
    BY_CALENDAR("add_working", T, EXPR_DURATION, T, call_add_working, check_add_working),
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
