/* Calendars against a second way of reckoning: minute by minute and day by day, on the C library's local time. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calendar/calendar.h"

#define MINUTE_US (60 * BASE_US_PER_SECOND)

enum { FIRST_YEAR = 2025, LAST_YEAR = 2027, MINUTES = 1440 * (365 * 3 + 4), DAYS = 365 * 3 + 8 };

typedef struct setting {
    const char *zone;
    int hours[4]; /* minutes of the day: two spans, the second may be empty */
    unsigned last_weekday;
    const char *off[8]; /* single days, all within the listed years */
    const char *work[8];
} setting;

static const setting settings[] = {
    {"Asia/Shanghai",
     {540, 720, 810, 1050},
     5,
     {"2026-01-01", "2026-02-16", "2026-02-17", "2026-02-18", "2026-05-01", "2026-10-01",
      "2026-10-02", "2025-10-01"},
     {"2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-10-10", "2025-10-11",
      "2027-01-02", NULL}},
    {"America/New_York",
     {0, 1440, 0, 0},
     7,
     {"2026-07-04", "2026-12-25", "2026-11-26", NULL},
     {NULL}},
    {"Australia/Lord_Howe",
     {0, 185, 1380, 1440},
     6,
     {"2026-04-06", "2026-01-01", NULL},
     {"2026-10-04", "2026-04-05", NULL}},
};

/* What a person would see who looks at the wall clock and at the notice on the door every minute. */
typedef struct world {
    const setting *how;
    base_zone *zone;
    cal_calendar *c;
    int64_t first_minute; /* since 1970, UTC */
    unsigned char *open;
    int32_t *day; /* local day of each minute */
    int32_t first_day;
    unsigned char works[DAYS];
} world;

static uint64_t noise = 0x9e3779b97f4a7c15u;

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

static bool named(const char *const *days, int64_t day)
{
    for (size_t i = 0; i < 8 && days[i] != NULL; i++)
        if (day_number(days[i]) == day)
            return true;
    return false;
}

static void build(world *w)
{
    const setting *s = w->how;
    const cal_span spans[2] = {{s->hours[0] * 60, s->hours[1] * 60},
                               {s->hours[2] * 60, s->hours[3] * 60}};
    cal_builder *b;

    assert_int_equal(cal_builder_new(NULL, s->zone, w->zone, &b, NULL), GOV_OK);
    cal_builder_missing(b, CAL_MISSING_ERROR);
    assert_int_equal(cal_builder_hours(b, 1, s->last_weekday, spans, spans[1].end > 0 ? 2 : 1, NULL,
                                       NULL),
                     GOV_OK);
    for (int32_t y = LAST_YEAR + 1; y >= FIRST_YEAR; y--)
        assert_int_equal(cal_builder_year(b, y, NULL, NULL), GOV_OK);
    for (size_t i = 0; i < 16; i++) {
        const char *text = i < 8 ? s->off[i] : s->work[i - 8];
        if (text == NULL)
            continue;
        const int64_t day = day_number(text);
        const int32_t year = atoi(text);
        assert_int_equal(i < 8 ? cal_builder_off(b, year, day, day, NULL, NULL)
                               : cal_builder_work(b, year, day, day, NULL, 0, NULL, NULL),
                         GOV_OK);
    }
    assert_int_equal(cal_builder_finish(b, &w->c, NULL), GOV_OK);
    cal_builder_free(b);
}

static void look(world *w)
{
    const setting *s = w->how;

    w->first_minute = base_days_from_civil(FIRST_YEAR, 1, 2) * 1440;
    w->first_day = (int32_t)base_days_from_civil(FIRST_YEAR, 1, 1);
    w->open = calloc(MINUTES, 1);
    w->day = calloc(MINUTES, sizeof *w->day);
    assert_true(w->open != NULL && w->day != NULL);
    for (int i = 0; i < DAYS; i++) {
        const time_t noon = ((time_t)w->first_day + i) * 86400 + 43200;
        struct tm tm;
        assert_non_null(gmtime_r(&noon, &tm));
        const unsigned weekday = tm.tm_wday == 0 ? 7 : (unsigned)tm.tm_wday;
        w->works[i] = named(s->work, w->first_day + i) ||
                      (weekday <= s->last_weekday && !named(s->off, w->first_day + i));
    }
    assert_int_equal(setenv("TZ", s->zone, 1), 0);
    tzset();
    for (int i = 0; i < MINUTES; i++) {
        const time_t t = (time_t)(w->first_minute + i) * 60;
        struct tm tm;
        assert_non_null(localtime_r(&t, &tm));
        const int m = tm.tm_hour * 60 + tm.tm_min;
        w->day[i] = (int32_t)base_days_from_civil(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1,
                                                  (unsigned)tm.tm_mday);
        w->open[i] = w->works[w->day[i] - w->first_day] && ((m >= s->hours[0] && m < s->hours[1]) ||
                                                            (m >= s->hours[2] && m < s->hours[3]));
    }
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static void set_up(world *w, const setting *s)
{
    memset(w, 0, sizeof *w);
    w->how = s;
    if (base_zone_load(NULL, s->zone, &w->zone, NULL, NULL) != GOV_OK)
        support_skip("no zone %s on this machine", s->zone);
    build(w);
    look(w);
}

static void tear_down(world *w)
{
    cal_free(w->c);
    base_zone_free(w->zone);
    free(w->open);
    free(w->day);
}

static int64_t us_of(const world *w, int64_t minute)
{
    return (w->first_minute + minute) * MINUTE_US;
}

static void agree(const world *w, const char *what, int64_t from, int64_t amount, int64_t ours,
                  int64_t naive)
{
    if (ours != naive)
        fail_msg("%s, %s: from minute %lld (day %d), %lld: %lld, not %lld", w->how->zone, what,
                 (long long)from, (int)w->day[from], (long long)amount, (long long)ours,
                 (long long)naive);
}

static bool works(const world *w, int32_t day)
{
    return w->works[day - w->first_day];
}

/* The first minute after `from` of a later day. */
static int64_t after_day(const world *w, int64_t from, int32_t day)
{
    int64_t i = from;
    while (w->day[i] <= day)
        i++;
    return i;
}

/* The minute at which the last open minute of a day is over. */
static int64_t closing(const world *w, int64_t from, int32_t day)
{
    int64_t last = from;
    for (int64_t i = from; w->day[i] <= day; i++)
        if (w->day[i] == day && w->open[i])
            last = i + 1;
    return last;
}

static void working_time(const world *w, int64_t from)
{
    const int64_t amount = 1 + below(below(8) == 0 ? 6000 : 900);
    int64_t left = amount, i = from, used;
    cal_instant end;

    while (left > 0)
        left -= w->open[i++];
    assert_int_equal(cal_add(w->c, us_of(w, from), cal_of(CAL_WORKING_TIME, amount * MINUTE_US),
                             CAL_ROLL_NONE, &end, NULL),
                     GOV_OK);
    agree(w, "working time", from, amount, end.us, us_of(w, i));
    const int64_t to = i + below(500);
    for (; i < to; i++)
        left += w->open[i];
    assert_int_equal(cal_elapsed(w->c, CAL_WORKING_TIME, us_of(w, from), us_of(w, from),
                                 us_of(w, to), &used, NULL, NULL),
                     GOV_OK);
    agree(w, "working time used", from, to - from, used, (amount + left) * MINUTE_US);
}

static void working_time_back(const world *w, int64_t from)
{
    const int64_t amount = 1 + below(900);
    int64_t left = amount, i = from;
    cal_instant end;

    while (left > 0)
        left -= w->open[--i];
    assert_int_equal(cal_add(w->c, us_of(w, from), cal_of(CAL_WORKING_TIME, -amount * MINUTE_US),
                             CAL_ROLL_NONE, &end, NULL),
                     GOV_OK);
    agree(w, "working time back", from, amount, end.us, us_of(w, i));
}

static void working_days(const world *w, int64_t from)
{
    const int64_t amount = 1 + below(20);
    int32_t day = w->day[from];
    int64_t left = amount, n;
    cal_instant end;

    while (left > 0)
        left -= works(w, ++day);
    assert_int_equal(cal_add(w->c, us_of(w, from), cal_of(CAL_WORKING_DAYS, amount), CAL_ROLL_NONE,
                             &end, NULL),
                     GOV_OK);
    agree(w, "working days", from, amount, end.us, us_of(w, closing(w, from, day)));
    agree(w, "working days, last", from, amount, end.day, day);
    assert_int_equal(cal_working_days_between(w->c, w->day[from], day, &n, NULL, NULL), GOV_OK);
    agree(w, "working days between", from, day, n, amount);
}

static void days_and_months(const world *w, int64_t from)
{
    const int64_t amount = below(40);
    int32_t day = w->day[from] + (int32_t)amount;
    cal_instant end;
    struct tm tm;

    assert_int_equal(cal_add(w->c, us_of(w, from), cal_of(CAL_DAYS, amount), CAL_ROLL_NONE, &end,
                             NULL),
                     GOV_OK);
    agree(w, "days", from, amount, end.us, us_of(w, after_day(w, from, day)));
    while (!works(w, day))
        day++;
    assert_int_equal(cal_add(w->c, us_of(w, from), cal_of(CAL_DAYS, amount),
                             CAL_ROLL_NEXT_WORKING_DAY, &end, NULL),
                     GOV_OK);
    agree(w, "days, rolled", from, amount, end.us, us_of(w, after_day(w, from, day)));
    /* A month: walk on to the next month's first day, then until the same date or the month's end. */
    time_t t = (time_t)w->day[from] * 86400;
    assert_non_null(gmtime_r(&t, &tm));
    const int date = tm.tm_mday, month = tm.tm_mon;
    for (day = w->day[from]; tm.tm_mon == month;
         t = (time_t)++day * 86400, assert_non_null(gmtime_r(&t, &tm)))
        ;
    for (const int next = tm.tm_mon; tm.tm_mday < date; day++) {
        t = (time_t)(day + 1) * 86400;
        assert_non_null(gmtime_r(&t, &tm));
        if (tm.tm_mon != next)
            break;
    }
    assert_int_equal(cal_add(w->c, us_of(w, from), cal_of(CAL_MONTHS, 1), CAL_ROLL_NONE, &end,
                             NULL),
                     GOV_OK);
    agree(w, "month", from, 1, end.us, us_of(w, after_day(w, from, day)));
}

/* A budget in (working) days, one pause: what closes while the clock runs counts, nothing else. */
static void paused_days(const world *w, int64_t from)
{
    const bool working = below(2) == 0;
    const cal_unit unit = working ? CAL_WORKING_DAYS : CAL_DAYS;
    const int64_t amount = 1 + below(8), pause = from + below(7000), resume = pause + below(7000);
    int64_t left = amount, used, due = -1;
    cal_instant end;

    for (int32_t day = w->day[from] + 1; left > 0; day++) {
        if (working && !works(w, day))
            continue;
        const int64_t close = working ? closing(w, from, day) : after_day(w, from, day);
        if (close > pause && close <= resume)
            continue;
        left--;
        due = close;
    }
    assert_int_equal(cal_elapsed(w->c, unit, us_of(w, from), us_of(w, from), us_of(w, pause), &used,
                                 NULL, NULL),
                     GOV_OK);
    if (used >= amount) {
        assert_true(due <= pause);
        return;
    }
    assert_int_equal(cal_resume(w->c, us_of(w, from), us_of(w, resume), cal_of(unit, amount - used),
                                CAL_ROLL_NONE, &end, NULL),
                     GOV_OK);
    agree(w, "paused", from, amount, end.us, us_of(w, due));
}

static void agrees(const setting *s)
{
    static void (*const tests[])(const world *, int64_t) = {working_time, working_time_back,
                                                            working_days, days_and_months,
                                                            paused_days};
    world w;

    set_up(&w, s);
    for (int i = 0; i < 100000 / 3 + 1; i++) {
        int64_t from = 1440 * 30 + below(MINUTES - 1440 * 130);
        if (below(4) == 0) { /* near an edge more often than chance has it */
            while (w.open[from] == w.open[from - 1] && w.day[from] == w.day[from - 1])
                from++;
        }
        tests[i % (int)ARRAY_LEN(tests)](&w, from);
    }
    tear_down(&w);
}

static void in_shanghai(void **state)
{
    (void)state;
    agrees(&settings[0]);
}

static void in_new_york_round_the_clock(void **state)
{
    (void)state;
    agrees(&settings[1]);
}

static void on_lord_howe_at_night(void **state)
{
    (void)state;
    agrees(&settings[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_shanghai),
        cmocka_unit_test(in_new_york_round_the_clock),
        cmocka_unit_test(on_lord_howe_at_night),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
