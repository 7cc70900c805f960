/* What comes again, against a second way of finding it: day by day and minute by minute, on the C library's calendar. */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calendar/calendar.h"

static gov_error *err;
static const diag to_err = {&base_malloc, &err};

static uint64_t noise = 0x853c49e6748fea9bu;

static int64_t below(int64_t n)
{
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    return (int64_t)(noise % (uint64_t)n);
}

static int64_t day_number(const char *text)
{
    int64_t n;
    assert_true(base_parse_date(text, strlen(text), &n));
    return n;
}

/* ---- a calendar, twice ---- */

enum { FIRST_YEAR = 2023, LAST_YEAR = 2029 };

static const char *const off_days[] = {"2025-01-01", "2026-01-01", "2026-02-16", "2026-02-17", "2026-02-18", "2026-03-30", "2026-03-31",
                                       "2026-05-01", "2026-06-15", "2026-10-05", "2026-10-06", "2026-10-07", "2026-10-08", "2026-10-09", "2027-01-01", "2027-02-01", "2025-12-31", "2028-02-29"};
static const char *const work_days[] = {"2026-01-04", "2026-02-14", "2026-05-09", "2025-03-09", "2027-10-31"};

static cal_calendar *make(base_zone *zone)
{
    static const cal_span spans[] = {{9 * 3600, 12 * 3600}, {13 * 3600 + 1800, 17 * 3600 + 1800}};
    cal_builder *b = NULL;
    cal_calendar *c = NULL;
    assert_gov_ok(cal_builder_new(&base_malloc, "t", zone, &b, &to_err), err);
    assert_gov_ok(cal_builder_hours(b, 1, 5, spans, 2, NULL, &to_err), err);
    for (int32_t y = FIRST_YEAR; y <= LAST_YEAR; y++)
        assert_gov_ok(cal_builder_year(b, y, NULL, &to_err), err);
    for (size_t i = 0; i < ARRAY_LEN(off_days); i++)
        assert_gov_ok(cal_builder_off(b, atoi(off_days[i]), day_number(off_days[i]), day_number(off_days[i]), NULL, &to_err), err);
    for (size_t i = 0; i < ARRAY_LEN(work_days); i++)
        assert_gov_ok(cal_builder_work(b, atoi(work_days[i]), day_number(work_days[i]), day_number(work_days[i]), NULL, 0, NULL, &to_err), err);
    assert_gov_ok(cal_builder_finish(b, &c, &to_err), err);
    cal_builder_free(b);
    return c;
}

static struct tm civil(int64_t day)
{
    const time_t t = (time_t)(day * 86400);
    struct tm tm;
    assert_non_null(gmtime_r(&t, &tm));
    return tm;
}

static int weekday_of(int64_t day)
{
    const int w = civil(day).tm_wday;
    return w == 0 ? 7 : w;
}

static bool works(int64_t day)
{
    for (size_t i = 0; i < ARRAY_LEN(off_days); i++)
        if (day_number(off_days[i]) == day)
            return false;
    for (size_t i = 0; i < ARRAY_LEN(work_days); i++)
        if (day_number(work_days[i]) == day)
            return true;
    return weekday_of(day) <= 5;
}

/* ---- the naive way ---- */

static int64_t weeks_before(int64_t day)
{
    int64_t monday = day - (weekday_of(day) - 1);
    return (monday - day_number("1969-12-29")) / 7;
}

static bool last_of_month(int64_t day)
{
    return civil(day + 1).tm_mday == 1;
}

static bool begins_period(const cal_rhythm *r, int64_t day)
{
    const struct tm t = civil(day);
    const int64_t year = t.tm_year + 1900;
    switch (r->period) {
    case CAL_EVERY_DAY:
        return day % r->every == 0;
    case CAL_EVERY_WEEK:
        return weekday_of(day) == 1 && weeks_before(day) % r->every == 0;
    case CAL_EVERY_MONTH:
        return t.tm_mday == 1 && (year * 12 + t.tm_mon) % r->every == 0;
    default:
        return t.tm_mday == 1 && t.tm_mon == 0 && year % r->every == 0;
    }
}

static bool is_the_day(const cal_rhythm *r, int64_t day)
{
    const struct tm t = civil(day);
    if (r->nth != 0)
        return weekday_of(day) == r->weekday && (r->nth > 0 ? (t.tm_mday + 6) / 7 == r->nth : civil(day + 7).tm_mon != t.tm_mon);
    if (r->on == 0)
        return begins_period(r, day);
    if (r->period == CAL_EVERY_WEEK)
        return weekday_of(day) == r->on;
    if (r->period == CAL_EVERY_YEAR && t.tm_mon + 1 != r->on / 100)
        return false;
    return t.tm_mday == r->on % 100 || (last_of_month(day) && t.tm_mday < r->on % 100);
}

static int64_t opening(const cal_rhythm *r)
{
    return r->at >= 0 ? r->at : 9 * 3600;
}

/* The first minute at which the clock on the wall shows that time, or a later one. */
static int64_t instant(const base_zone *zone, int64_t day, int64_t seconds)
{
    for (int64_t utc = day * 86400 + seconds - 16 * 3600;; utc += 60)
        if (utc + base_zone_offset(zone, utc) >= day * 86400 + seconds)
            return utc * BASE_US_PER_SECOND;
}

/* Does something happen for this nominal day, and when? */
static bool naive_on(const base_zone *zone, const cal_rhythm *r, int64_t day, cal_occurrence *out)
{
    int64_t first = day, next = day + 1, at = day;
    if (!is_the_day(r, day))
        return false;
    while (!begins_period(r, first))
        first--;
    while (!begins_period(r, next))
        next++;
    if (!works(day) && (r->working || r->day_off == CAL_DAY_SKIP))
        return false;
    if (r->day_off == CAL_DAY_MOVE && !works(at)) { /* ahead in the period, else behind in it, else ahead out of it */
        for (at = day; at < next && !works(at);)
            at++;
        for (at = at == next ? day : at; at >= first && !works(at);)
            at--;
        if (at < first) {
            for (at = next; !works(at);)
                at++;
            next = at + 1;
        }
    }
    if (r->working)
        for (next = day + 1; !works(next);)
            next++;
    out->start_us = instant(zone, first, 0);
    out->end_us = instant(zone, next, 0);
    out->at_us = instant(zone, at, opening(r));
    return true;
}

static cal_rhythm some_rhythm(void)
{
    static const int days_of_month[] = {1, 15, 28, 29, 30, 31};
    static const int days_of_year[] = {101, 131, 229, 305, 630, 1231, 501};
    cal_rhythm r = {.period = (uint8_t)below(4), .every = 1, .at = -1, .day_off = (uint8_t)below(3)};
    switch (below(4)) {
    case 0:
        r.every = 1 + below(r.period == CAL_EVERY_DAY ? 40 : r.period == CAL_EVERY_YEAR ? 2 : 5);
        break;
    case 1:
        r.period = CAL_EVERY_MONTH;
        r.nth = (int8_t)(below(6) == 5 ? -1 : 1 + below(5));
        r.weekday = (uint8_t)(1 + below(7));
        break;
    case 2:
        if (r.period == CAL_EVERY_WEEK)
            r.on = (uint16_t)(1 + below(7));
        else if (r.period == CAL_EVERY_MONTH)
            r.on = (uint16_t)days_of_month[below(6)];
        else if (r.period == CAL_EVERY_YEAR)
            r.on = (uint16_t)days_of_year[below(7)];
        break;
    default:
        r.working = r.period == CAL_EVERY_DAY;
    }
    if (below(2) == 0)
        r.at = (int32_t)below(24 * 60) * 60;
    return r;
}

static void agrees_in(const char *name, int rounds)
{
    base_zone *zone = NULL;
    assert_gov_ok(base_zone_load(&base_malloc, name, &zone, NULL, &to_err), err);
    cal_calendar *c = make(zone);
    const int64_t end = day_number("2029-12-01");
    for (int i = 0; i < rounds; i++) {
        const cal_rhythm r = some_rhythm();
        const int64_t from = (day_number("2024-06-01") + below(900)) * BASE_US_PER_DAY + below(86400) * BASE_US_PER_SECOND;
        cal_occurrence got, want = {0};
        int64_t day = from / BASE_US_PER_DAY - 40;
        const gov_status status = cal_next(c, &r, from, &got, &to_err);
        if (status == GOV_END) /* on a day that is always off */
            got.at_us = INT64_MAX;
        else
            assert_gov_ok(status, err);
        while (day < end && (!naive_on(zone, &r, day, &want) || want.at_us < from))
            day++;
        if (day == end) { /* beyond the years that both know */
            assert_true(got.at_us > end * BASE_US_PER_DAY - 2 * BASE_US_PER_DAY);
            continue;
        }
        if (got.at_us != want.at_us || got.start_us != want.start_us || got.end_us != want.end_us)
            fail_msg("%s: period %u every %lld nth %d weekday %u on %u working %d day_off %u at %d from %lld: got %lld [%lld, %lld), want %lld "
                     "[%lld, %lld)",
                     name, r.period, (long long)r.every, r.nth, r.weekday, r.on, r.working, r.day_off, r.at, (long long)from,
                     (long long)got.at_us, (long long)got.start_us, (long long)got.end_us, (long long)want.at_us, (long long)want.start_us,
                     (long long)want.end_us);
        assert_false(got.provisional);
    }
    cal_free(c);
    base_zone_free(zone);
}

static void agrees_in_shanghai(void **state)
{
    (void)state;
    agrees_in("Asia/Shanghai", 2000);
}

static void agrees_where_clocks_change(void **state)
{
    (void)state;
    agrees_in("America/New_York", 2000);
    agrees_in("Australia/Lord_Howe", 1000);
    agrees_in("America/Sao_Paulo", 500);
}

/* ---- what the field knows ---- */

static void occurs(const cal_calendar *c, const cal_rhythm *r, const char *const *times, size_t n)
{
    int64_t local, seconds, from;
    assert_true(base_parse_local("2026-01-01", 10, &local));
    (void)base_zone_to_utc(cal_zone(c), local, &seconds);
    from = seconds * BASE_US_PER_SECOND;
    for (size_t i = 0; i < n; i++) {
        cal_occurrence o;
        assert_gov_ok(cal_next(c, r, from, &o, &to_err), err);
        assert_true(base_parse_local(times[i], strlen(times[i]), &local));
        (void)base_zone_to_utc(cal_zone(c), local, &seconds);
        if (o.at_us != seconds * BASE_US_PER_SECOND)
            fail_msg("%s: got %lld, not %lld", times[i], (long long)o.at_us / 1000000, (long long)seconds);
        from = o.at_us + 1;
    }
}

#define OCCURS(rhythm, ...)                                        \
    do {                                                           \
        static const char *const times[] = {__VA_ARGS__};          \
        const cal_rhythm r = rhythm;                               \
        occurs(c, &r, times, ARRAY_LEN(times));                    \
    } while (0)
#define AT(time, ...) ((cal_rhythm){.every = 1, .at = (time), __VA_ARGS__})
#define R(...) AT(-1, __VA_ARGS__)

static void known_dates(void **state)
{
    base_zone *zone = NULL;
    (void)state;
    assert_gov_ok(base_zone_load(&base_malloc, "Asia/Shanghai", &zone, NULL, &to_err), err);
    cal_calendar *c = make(zone);
    OCCURS(R(.period = CAL_EVERY_WEEK), "2026-01-05T09:00", "2026-01-12T09:00");
    OCCURS(AT(0, .period = CAL_EVERY_MONTH, .on = 31), "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30");
    OCCURS(AT(28800, .period = CAL_EVERY_MONTH, .nth = 2, .weekday = 3), "2026-01-14T08:00", "2026-02-11T08:00", "2026-03-11T08:00");
    OCCURS(R(.period = CAL_EVERY_MONTH, .nth = 5, .weekday = 5), "2026-01-30T09:00", "2026-05-29T09:00", "2026-07-31T09:00");
    OCCURS(R(.period = CAL_EVERY_MONTH, .nth = -1, .weekday = 1), "2026-01-26T09:00", "2026-02-23T09:00", "2026-03-30T09:00");
    OCCURS(R(.period = CAL_EVERY_MONTH, .day_off = CAL_DAY_MOVE), "2026-01-02T09:00", "2026-02-02T09:00", "2026-03-02T09:00");
    OCCURS(R(.period = CAL_EVERY_MONTH, .day_off = CAL_DAY_SKIP), "2026-04-01T09:00", "2026-06-01T09:00");
    /* Saturday 31 January and Saturday 28 February: the Fridays before them, for the next working days are other months'. */
    OCCURS(R(.period = CAL_EVERY_MONTH, .on = 31, .day_off = CAL_DAY_MOVE), "2026-01-30T09:00", "2026-02-27T09:00", "2026-03-27T09:00",
           "2026-04-30T09:00", "2026-05-29T09:00");
    /* A make-up day is a working day: the Sunday's round is held on Sunday 4 January, and on the Friday else; on Saturday 14 February it
     * is a Saturday's own day, on the 7th it moves back to the Friday. */
    OCCURS(R(.period = CAL_EVERY_WEEK, .on = 7, .day_off = CAL_DAY_MOVE), "2026-01-04T09:00", "2026-01-09T09:00", "2026-01-16T09:00");
    OCCURS(R(.period = CAL_EVERY_WEEK, .on = 6, .day_off = CAL_DAY_SKIP), "2026-02-14T09:00", "2026-05-09T09:00");
    OCCURS(AT(0, .period = CAL_EVERY_YEAR, .on = 229), "2026-02-28", "2027-02-28", "2028-02-29");
    OCCURS(R(.period = CAL_EVERY_DAY, .working = true), "2026-01-02T09:00", "2026-01-04T09:00", "2026-01-05T09:00");
    cal_free(c);
    base_zone_free(zone);
}

/* From 5 to 11 October nobody works: the week's turn is held when work begins again, beside that week's own, and neither is lost. */
static void a_week_that_is_all_off(void **state)
{
    base_zone *zone = NULL;
    cal_occurrence o;
    (void)state;
    assert_gov_ok(base_zone_load(&base_malloc, "UTC", &zone, NULL, &to_err), err);
    cal_calendar *c = make(zone);
    const cal_rhythm tuesdays = R(.period = CAL_EVERY_WEEK, .on = 2, .day_off = CAL_DAY_MOVE), mondays = R(.period = CAL_EVERY_WEEK, .on = 1, .day_off = CAL_DAY_MOVE);
    const int64_t monday = day_number("2026-10-12") * BASE_US_PER_DAY, nine = INT64_C(9) * 3600 * 1000000;
    assert_gov_ok(cal_next(c, &tuesdays, monday, &o, &to_err), err);
    assert_int_equal(o.at_us, monday + nine);
    assert_int_equal(o.start_us, monday - 7 * BASE_US_PER_DAY);
    assert_int_equal(o.end_us, monday + BASE_US_PER_DAY);
    assert_true(o.moved);
    assert_gov_ok(cal_following(c, &tuesdays, &o, &o, &to_err), err);
    assert_int_equal(o.at_us, monday + BASE_US_PER_DAY + nine);
    assert_gov_ok(cal_next(c, &mondays, monday, &o, &to_err), err);
    assert_int_equal(o.start_us, monday - 7 * BASE_US_PER_DAY);
    assert_gov_ok(cal_following(c, &mondays, &o, &o, &to_err), err); /* at the same instant */
    assert_int_equal(o.at_us, monday + nine);
    assert_int_equal(o.start_us, monday);
    assert_false(o.moved);
    assert_gov_ok(cal_following(c, &mondays, &o, &o, &to_err), err);
    assert_int_equal(o.at_us, monday + 7 * BASE_US_PER_DAY + nine);
    cal_free(c);
    base_zone_free(zone);
}

/* A rhythm that is skipped for ever, and years that the calendar does not know. */
static void what_never_comes(void **state)
{
    base_zone *zone = NULL;
    cal_occurrence o;
    (void)state;
    assert_gov_ok(base_zone_load(&base_malloc, "UTC", &zone, NULL, &to_err), err);
    cal_calendar *c = make(zone);
    const cal_rhythm sundays = R(.period = CAL_EVERY_WEEK, .on = 7, .day_off = CAL_DAY_SKIP);
    assert_int_equal(cal_next(c, &sundays, day_number("2028-01-01") * BASE_US_PER_DAY, &o, &to_err), GOV_END);
    assert_null(err);
    const cal_rhythm later = R(.period = CAL_EVERY_DAY, .working = true);
    assert_gov_ok(cal_next(c, &later, day_number("2035-01-01") * BASE_US_PER_DAY, &o, &to_err), err);
    assert_true(o.provisional);
    const cal_rhythm wrong = {.every = 0};
    assert_gov(GOV_E_RANGE, cal_next(c, &wrong, 0, &o, &to_err), err);
    gov_error_free(err);
    err = NULL;
    const cal_rhythm last = R(.period = CAL_EVERY_YEAR);
    assert_gov(GOV_E_RANGE, cal_next(c, &last, day_number("9999-06-01") * BASE_US_PER_DAY, &o, &to_err), err);
    gov_error_free(err);
    err = NULL;
    cal_free(c);
    base_zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_in_shanghai),
        cmocka_unit_test(agrees_where_clocks_change),
        cmocka_unit_test(known_dates),
        cmocka_unit_test(a_week_that_is_all_off),
        cmocka_unit_test(what_never_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
