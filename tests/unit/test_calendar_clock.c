/* Clocks on a calendar: pauses and marks, beside a clock that counts minute by minute; and calendars as they are written. */
#include "support/calendar_days.h"
#include "support/support.h"

#include "calendar/calendar.h"

#include <string.h>

/* ---- clocks that pause ---- */

/* Runs a budget through pauses (pairs of pause and resume) and gives the due instant after the last one. */
static cal_instant run_clock(const cal_calendar *c, const char *budget, const char *const *times,
                             size_t count)
{
    const int64_t origin = at(c, times[0]);
    cal_duration left;
    cal_instant due;

    assert_int_equal(cal_settle(c, origin, dur(budget), &left, NULL), GOV_OK);
    for (size_t i = 0; i + 1 < count; i += 2) {
        int64_t used;
        assert_int_equal(cal_elapsed(c, left.unit, origin, at(c, times[i]), at(c, times[i + 1]),
                                     &used, NULL, NULL),
                         GOV_OK);
        left.amount -= used;
    }
    assert_int_equal(cal_resume(c, origin, at(c, times[count - 1]), left, CAL_ROLL_NONE, &due,
                                NULL),
                     GOV_OK);
    return due;
}

static void pauses(void **state)
{
    /* start, pause, resume, ... */
    static const struct {
        const char *budget;
        const char *times[5];
        size_t count;
        const char *due;
    } rows[] = {
        {"5 working days", {"2026-03-02T10:00"}, 1, "2026-03-09T17:30"},
        {"5 working days",
         {"2026-03-02T10:00", "2026-03-04T10:00", "2026-03-06T11:00"},
         3,
         "2026-03-11T17:30"},
        {"5 working days",
         {"2026-03-02T10:00", "2026-03-04T10:00", "2026-03-04T10:01"},
         3,
         "2026-03-09T17:30"},
        {"5 working days",
         {"2026-03-02T10:00", "2026-03-02T11:00", "2026-03-02T12:00"},
         3,
         "2026-03-09T17:30"},
        {"5 working days",
         {"2026-03-02T10:00", "2026-03-06T18:00", "2026-03-08T12:00"},
         3,
         "2026-03-09T17:30"},
        {"5 working days",
         {"2026-03-02T10:00", "2026-03-06T17:00", "2026-03-08T12:00"},
         3,
         "2026-03-10T17:30"},
        {"5 working days",
         {"2026-03-02T10:00", "2026-03-03T10:00", "2026-03-04T10:00", "2026-03-05T10:00",
          "2026-03-06T10:00"},
         5,
         "2026-03-11T17:30"},
        {"2 working hours",
         {"2026-03-02T10:00", "2026-03-02T11:00", "2026-03-03T16:45"},
         3,
         "2026-03-04T09:15"},
        {"7 days",
         {"2026-03-02T10:00", "2026-03-04T10:00", "2026-03-06T11:00"},
         3,
         "2026-03-12T00:00"},
        {"1 month", {"2026-03-02T10:00"}, 1, "2026-04-03T00:00"},
        {"1 month",
         {"2026-03-02T10:00", "2026-03-04T10:00", "2026-03-06T11:00"},
         3,
         "2026-04-05T00:00"},
        {"24 hours",
         {"2026-03-02T10:00", "2026-03-02T11:00", "2026-03-06T11:00"},
         3,
         "2026-03-07T10:00"},
        {"P1DT1H",
         {"2026-03-02T10:00", "2026-03-02T11:00", "2026-03-02T12:00"},
         3,
         "2026-03-04T02:00"},
        {"0 days",
         {"2026-03-02T10:00", "2026-03-02T11:00", "2026-03-02T12:00"},
         3,
         "2026-03-03T00:00"},
        {"0 days",
         {"2026-03-02T10:00", "2026-03-02T11:00", "2026-03-06T12:00"},
         3,
         "2026-03-06T12:00"},
        {"1 working day",
         {"2026-03-02T10:00", "2026-03-03T18:00", "2026-03-06T12:00"},
         3,
         "2026-03-06T12:00"},
        {"2 working days",
         {"2026-03-02T10:00", "2026-03-05T18:00", "2026-03-06T12:00"},
         3,
         "2026-03-06T12:00"},
    };
    base_zone *z = zone("Asia/Shanghai");
    cal_calendar *c = china(z, CAL_MISSING_ERROR);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const cal_instant due = run_clock(c, rows[i].budget, rows[i].times, rows[i].count);
        if (strcmp(wall(c, due.us), rows[i].due) != 0)
            fail_msg("row %d, %s: %s, not %s", (int)i, rows[i].budget, wall(c, due.us),
                     rows[i].due);
    }
    cal_free(c);
    base_zone_free(z);
}

static void marks(void **state)
{
    static const struct {
        const char *budget;
        int64_t percent;
        const char *due;
    } rows[] = {
        {"5 working days", 80, "2026-03-06T17:30"},
        {"5 working days", 100, "2026-03-09T17:30"},
        {"5 working days", 120, "2026-03-10T17:30"},
        {"1 working day", 50, "2026-03-03T14:00"}, /* 3.5 of 7 hours */
        {"3 working days", 80, "2026-03-05T11:48"},
        {"2 hours", 80, "2026-03-02T11:36"},
        {"2 days", 75, "2026-03-04T12:00"},
        {"1 day", 100, "2026-03-04T00:00"},
        {"7 working hours", 50, "2026-03-02T15:00"},
    };
    base_zone *z = zone("Asia/Shanghai");
    cal_calendar *c = china(z, CAL_MISSING_ERROR);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cal_duration part;
        cal_instant end;
        assert_true(cal_share(dur(rows[i].budget), rows[i].percent, &part));
        assert_int_equal(cal_add(c, at(c, "2026-03-02T10:00"), part, CAL_ROLL_NONE, &end, NULL),
                         GOV_OK);
        if (strcmp(wall(c, end.us), rows[i].due) != 0)
            fail_msg("%d%% of %s: %s, not %s", (int)rows[i].percent, rows[i].budget,
                     wall(c, end.us), rows[i].due);
    }
    cal_free(c);
    base_zone_free(z);
}

/* ---- mistakes and limits ---- */

static void reads_notations(void **state)
{
    static const char *const bad_spans[] = {
        "9:00-12:00", "09:00-24:01",  "12:00-09:00", "09:00-09:00", "09:60-12:00", "09:00",
        "",           "09:00-12:00 ", "aa:bb-cc:dd", "24:00-24:00"};
    static const char *const bad_days[] = {"",        "mo",  "monday",   "mon-",
                                           "mon-xyz", "Mon", "mon-fri ", "fri,mon"};
    static const char *const bad_dates[] = {"2026-02-30",
                                            "2026-1-1",
                                            "2026-01-01...2026-01-02",
                                            "2026-01-01..",
                                            "2026-01-01-2026-01-02",
                                            ""};
    cal_span s;
    unsigned first, last;
    int64_t a, b;

    (void)state;
    assert_true(cal_parse_span("18:00-24:00", 11, &s));
    assert_true(s.start == 64800 && s.end == 86400);
    for (size_t i = 0; i < ARRAY_LEN(bad_spans); i++)
        assert_false(cal_parse_span(bad_spans[i], strlen(bad_spans[i]), &s));
    assert_true(cal_parse_weekdays("mon-fri", 7, &first, &last));
    assert_true(first == 1 && last == 5);
    assert_true(cal_parse_weekdays("sun", 3, &first, &last));
    assert_true(first == 7 && last == 7);
    for (size_t i = 0; i < ARRAY_LEN(bad_days); i++)
        assert_false(cal_parse_weekdays(bad_days[i], strlen(bad_days[i]), &first, &last));
    assert_true(cal_parse_dates("2026-02-15..2026-02-23", 22, &a, &b));
    assert_int_equal(b - a, 8);
    for (size_t i = 0; i < ARRAY_LEN(bad_dates); i++)
        assert_false(cal_parse_dates(bad_dates[i], strlen(bad_dates[i]), &a, &b));
}

static void finds_every_mistake(void **state)
{
    static const char *const codes[] = {"calendar_hours",        "calendar_weekdays",
                                        "calendar_hours_twice",  "calendar_year_range",
                                        "calendar_year_twice",   "calendar_year_unknown",
                                        "calendar_outside_year", "calendar_outside_year",
                                        "calendar_backward",     "calendar_off_and_work",
                                        "calendar_work_twice",   "calendar_hours",
                                        "calendar_off_and_work"};
    static const cal_span overlap[] = {{9 * 3600, 12 * 3600}, {11 * 3600, 13 * 3600}};
    base_zone *z = zone("Asia/Shanghai");
    cal_builder *b;
    cal_calendar *c;
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    const base_place p = {"cn.yaml", 5, 9};
    const int64_t new_year = day("2026-01-01");

    (void)state;
    assert_int_equal(cal_builder_new(NULL, "cn", z, &b, &d), GOV_OK);
    (void)cal_builder_hours(b, 1, 5, overlap, 2, &p, &d);
    (void)cal_builder_hours(b, 5, 1, office, 2, &p, &d);
    (void)cal_builder_hours(b, 1, 5, office, 2, &p, &d);
    (void)cal_builder_hours(b, 5, 5, office, 2, &p, &d);
    (void)cal_builder_year(b, 0, &p, &d);
    (void)cal_builder_year(b, 2026, &p, &d);
    (void)cal_builder_year(b, 2026, &p, &d);
    (void)cal_builder_off(b, 2027, new_year, new_year, &p, &d);
    (void)cal_builder_off(b, 2026, new_year - 1, new_year, &p, &d);
    (void)cal_builder_off(b, 2026, new_year, new_year + 365, &p, &d);
    (void)cal_builder_off(b, 2026, new_year + 2, new_year + 1, &p, &d);
    assert_int_equal(cal_builder_off(b, 2026, new_year, new_year + 2, &p, &d), GOV_OK);
    assert_int_equal(cal_builder_off(b, 2026, new_year + 1, new_year + 1, &p, &d), GOV_OK);
    (void)cal_builder_work(b, 2026, new_year, new_year, NULL, 0, &p, &d);
    assert_int_equal(cal_builder_work(b, 2026, new_year + 3, new_year + 3, NULL, 0, &p, &d),
                     GOV_OK);
    (void)cal_builder_work(b, 2026, new_year + 3, new_year + 3, office, 2, &p, &d);
    (void)cal_builder_work(b, 2026, new_year + 9, new_year + 9, overlap, 2, &p, &d);
    (void)cal_builder_off(b, 2026, new_year + 3, new_year + 3, &p, &d);
    assert_int_equal(cal_builder_finish(b, &c, &d), GOV_E_RULE);
    assert_null(c);
    assert_int_equal(gov_error_count(err), ARRAY_LEN(codes));
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        assert_diag(err, i, codes[i], 5, 9);
    gov_error_free(err);
    cal_builder_free(b);
    /* A make-up day wants Monday's hours, and there are none. */
    err = NULL;
    assert_int_equal(cal_builder_new(NULL, "cn", z, &b, &d), GOV_OK);
    assert_int_equal(cal_builder_hours(b, 2, 5, office, 2, &p, &d), GOV_OK);
    assert_int_equal(cal_builder_year(b, 2026, &p, &d), GOV_OK);
    assert_int_equal(cal_builder_work(b, 2026, new_year + 3, new_year + 3, NULL, 0, &p, &d),
                     GOV_OK);
    assert_int_equal(cal_builder_finish(b, &c, &d), GOV_E_RULE);
    assert_diag(err, 0, "calendar_no_monday", 5, 9);
    assert_string_equal(gov_error_argument(err, 0, "date"), "2026-01-04");
    gov_error_free(err);
    cal_builder_free(b);
    base_zone_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses),
        cmocka_unit_test(marks),
        cmocka_unit_test(reads_notations),
        cmocka_unit_test(finds_every_mistake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
