/* Durations, calendars and due dates: the words of the rules, the vectors of the field, the odd corners. */
#include "support/calendar_days.h"
#include "support/faulty.h"
#include "support/support.h"

#include "calendar/calendar.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static cal_calendar *plain(const base_zone *z, const cal_span *spans, size_t count,
                           unsigned last_weekday)
{
    cal_builder *b;
    cal_calendar *c;

    assert_int_equal(cal_builder_new(NULL, "plain", z, &b, NULL), GOV_OK);
    if (count > 0)
        assert_int_equal(cal_builder_hours(b, 1, last_weekday, spans, count, NULL, NULL), GOV_OK);
    assert_int_equal(cal_builder_finish(b, &c, NULL), GOV_OK);
    cal_builder_free(b);
    return c;
}

/* start, duration, roll ('r' or '-') and the due instant on the wall; flags: 'p' provisional, 'm' moved by the roll */
typedef struct row {
    const char *from, *dur;
    char roll;
    const char *due, *flags;
} row;

static void check_rows(const cal_calendar *c, const row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const bool back = rows[i].dur[0] == '-';
        cal_duration d = dur(rows[i].dur + back);
        cal_instant end;
        gov_error *err = NULL;
        const diag to = {NULL, &err};
        if (back)
            assert_true(cal_negate(d, &d));
        assert_gov_ok(cal_add(c, at(c, rows[i].from), d,
                              rows[i].roll == 'r' ? CAL_ROLL_NEXT_WORKING_DAY : CAL_ROLL_NONE, &end,
                              &to),
                      err);
        if (strcmp(wall(c, end.us), rows[i].due) != 0)
            fail_msg("%s + %s: %s, not %s", rows[i].from, rows[i].dur, wall(c, end.us),
                     rows[i].due);
        if (end.provisional != (strchr(rows[i].flags, 'p') != NULL) ||
            end.rolled != (strchr(rows[i].flags, 'm') != NULL))
            fail_msg("%s + %s: provisional %d, rolled %d", rows[i].from, rows[i].dur,
                     end.provisional, end.rolled);
    }
}

/* ---- the field's vectors ---- */

static void national_vectors(void **state)
{
    static const row rows[] = {
        {"2026-09-30T10:00", "1 working day", '-', "2026-10-08T17:30", ""},
        {"2026-09-30T10:00", "5 working days", '-', "2026-10-13T17:30", ""},
        {"2026-09-30T10:00", "15 working days", '-', "2026-10-27T17:30", ""},
        {"2026-02-13T10:00", "1 working day", '-', "2026-02-14T17:30", ""},
        {"2026-02-13T10:00", "5 working days", '-', "2026-02-27T17:30", ""},
        {"2026-03-02T10:00", "5 working days", '-', "2026-03-09T17:30", ""},
        {"2026-03-02T10:00", "30 working days", '-', "2026-04-14T17:30", ""},
        {"2026-04-30T10:00", "7 working days", '-', "2026-05-13T17:30", ""},
        {"2026-06-18T10:00", "2 working days", '-', "2026-06-23T17:30", ""},
        /* 60 days end with 10-01, 30 days with 10-05: both roll to the end of 10-08. */
        {"2026-08-02T10:00", "60 days", '-', "2026-10-02T00:00", ""},
        {"2026-08-02T10:00", "60 days", 'r', "2026-10-09T00:00", "m"},
        {"2026-09-05T10:00", "30 days", '-', "2026-10-06T00:00", ""},
        {"2026-09-05T10:00", "30 days", 'r', "2026-10-09T00:00", "m"},
    };
    base_zone *z = zone("Asia/Shanghai");
    cal_calendar *c = china(z, CAL_MISSING_ERROR);
    int64_t n;
    cal_instant end;

    (void)state;
    check_rows(c, rows, ARRAY_LEN(rows));
    assert_int_equal(cal_working_days_between(c, day("2025-12-31"), day("2026-12-31"), &n, NULL,
                                              NULL),
                     GOV_OK);
    assert_int_equal(n, 248);
    assert_int_equal(cal_add(c, at(c, "2026-08-02T10:00"), dur("60 days"), CAL_ROLL_NONE, &end,
                             NULL),
                     GOV_OK);
    assert_int_equal(end.day, day("2026-10-01"));
    cal_free(c);
    base_zone_free(z);
}

/* The published lists of days off and make-up days, as a calendar. */
static void published_year(cal_builder *b, int32_t year, const char *path)
{
    json_error_t why;
    json_t *root = json_load_file(path, 0, &why), *item;
    size_t i;

    assert_non_null(root);
    assert_int_equal(cal_builder_year(b, year, NULL, NULL), GOV_OK);
    json_array_foreach(json_object_get(root, "days"), i, item)
    {
        const int64_t n = day(json_string_value(json_object_get(item, "date")));
        if (json_is_true(json_object_get(item, "off")))
            assert_int_equal(cal_builder_off(b, year, n, n, NULL, NULL), GOV_OK);
        else
            assert_int_equal(cal_builder_work(b, year, n, n, NULL, 0, NULL, NULL), GOV_OK);
    }
    json_decref(root);
}

static void published_years(void **state)
{
    char first[1024];
    cal_calendar *c;
    cal_builder *b;
    int64_t n;

    (void)state;
    (void)snprintf(first, sizeof first, "%s", support_shared_or_skip("data/holidays/2025.json"));
    const char *second = support_shared_or_skip("data/holidays/2026.json");
    base_zone *z = zone("Asia/Shanghai");
    cal_calendar *small = china(z, CAL_MISSING_ERROR);
    assert_int_equal(cal_builder_new(NULL, "published", z, &b, NULL), GOV_OK);
    assert_int_equal(cal_builder_hours(b, 1, 5, office, 2, NULL, NULL), GOV_OK);
    published_year(b, 2025, first);
    published_year(b, 2026, second);
    assert_int_equal(cal_builder_finish(b, &c, NULL), GOV_OK);
    cal_builder_free(b);
    assert_int_equal(cal_working_days_between(c, day("2024-12-31"), day("2025-12-31"), &n, NULL,
                                              NULL),
                     GOV_OK);
    assert_int_equal(n, 248);
    assert_int_equal(cal_working_days_between(c, day("2025-12-31"), day("2026-12-31"), &n, NULL,
                                              NULL),
                     GOV_OK);
    assert_int_equal(n, 248);
    for (int64_t i = day("2026-01-01"); i <= day("2026-12-31"); i++) {
        bool x, y;
        assert_int_equal(cal_is_working_day(c, i, &x, NULL, NULL), GOV_OK);
        assert_int_equal(cal_is_working_day(small, i, &y, NULL, NULL), GOV_OK);
        assert_int_equal(x, y);
    }
    cal_free(c);
    cal_free(small);
    base_zone_free(z);
}

static void days_months_and_hours(void **state)
{
    static const row rows[] = {
        {"2026-03-02T09:00", "2 hours", '-', "2026-03-02T11:00", ""},
        {"2026-03-02T23:00", "PT2H", '-', "2026-03-03T01:00", ""},
        {"2026-03-02T09:00", "1 day", '-', "2026-03-04T00:00", ""},
        {"2026-03-02T00:00", "1 day", '-', "2026-03-04T00:00", ""},
        {"2026-03-02T23:59:59.999999", "1 day", '-', "2026-03-04T00:00", ""},
        {"2026-03-02T09:00", "0 days", '-', "2026-03-03T00:00", ""},
        {"2026-03-02T09:00", "0 hours", '-', "2026-03-02T09:00", ""},
        {"2026-01-31T09:00", "1 month", '-', "2026-03-01T00:00", ""}, /* ends with February 28 */
        {"2028-01-31T09:00", "1 month", '-', "2028-03-01T00:00", ""}, /* with February 29 */
        {"2028-02-29T09:00", "1 year", '-', "2029-03-01T00:00", ""},  /* with February 28 */
        {"2028-02-29T09:00", "P4Y", '-', "2032-03-01T00:00", ""},     /* with February 29 */
        {"2026-03-31T09:00", "1 month", '-', "2026-05-01T00:00", ""},
        {"2026-02-28T09:00", "1 month", '-', "2026-03-29T00:00",
         ""}, /* the 28th: clipping is not undone */
        {"2026-11-30T09:00", "3 months", '-', "2027-03-01T00:00", ""},
        {"2026-03-02T09:00", "P1M2DT3H", '-', "2026-04-05T03:00", ""},
        {"2026-03-02T09:00", "P1DT1H", '-', "2026-03-04T01:00", ""},
        /* A roll of hours keeps the time of day; 2026-03-07 is a Saturday. */
        {"2026-03-06T16:00", "24 hours", 'r', "2026-03-09T16:00", "m"},
        {"2026-03-06T16:00", "24 hours", '-', "2026-03-07T16:00", ""},
        {"2026-01-07T09:00", "1 month", 'r', "2026-02-10T00:00",
         "m"}, /* Saturday 02-07 to Monday 02-09 */
    };
    base_zone *z = zone("Asia/Shanghai");
    cal_calendar *c = china(z, CAL_MISSING_PROVISIONAL);

    (void)state;
    check_rows(c, rows, ARRAY_LEN(rows));
    cal_free(c);
    base_zone_free(z);
}

static void working_hours(void **state)
{
    static const row rows[] = {
        {"2026-03-02T09:00", "2 working hours", '-', "2026-03-02T11:00", ""},
        {"2026-03-02T11:00", "2 working hours", '-', "2026-03-02T14:30", ""}, /* over lunch */
        {"2026-03-02T09:00", "3 working hours", '-', "2026-03-02T12:00",
         ""}, /* ends when lunch begins */
        {"2026-03-02T12:30", "1 working hour", '-', "2026-03-02T14:30", ""},
        {"2026-03-02T17:00", "2 working hours", '-', "2026-03-03T10:30", ""},
        {"2026-03-06T17:30", "1 working hour", '-', "2026-03-09T10:00",
         ""}, /* Friday evening to Monday */
        {"2026-03-07T08:00", "7 working hours", '-', "2026-03-09T17:30", ""},
        {"2026-02-13T16:30", "2 working hours", '-', "2026-02-14T10:00",
         ""}, /* a make-up Saturday */
        {"2026-02-14T16:30", "2 working hours", '-', "2026-02-24T10:00",
         ""}, /* over the Spring Festival */
        {"2026-09-30T17:29:59.500000", "1 working second", '-', "2026-10-08T09:00:00.500", ""},
        {"2026-03-02T09:00", "0 working hours", '-', "2026-03-02T09:00", ""},
        {"2026-03-02T09:00", "PT1H", 'r', "2026-03-02T10:00", ""},
    };
    base_zone *z = zone("Asia/Shanghai");
    cal_calendar *c = china(z, CAL_MISSING_ERROR);

    (void)state;
    check_rows(c, rows, ARRAY_LEN(rows));
    cal_free(c);
    base_zone_free(z);
}

static void working_days_at_odd_hours(void **state)
{
    static const row rows[] = {
        {"2026-03-02T17:29", "1 working day", '-', "2026-03-03T17:30", ""},
        {"2026-03-02T23:59", "1 working day", '-', "2026-03-03T17:30",
         ""}, /* after business: still that day */
        {"2026-03-03T00:00", "1 working day", '-', "2026-03-04T17:30", ""},
        {"2026-03-07T10:00", "1 working day", '-', "2026-03-09T17:30",
         ""}, /* a day off is excluded as any other */
        {"2026-03-02T10:00", "0 working days", '-', "2026-03-02T17:30", ""},
        {"2026-03-02T17:30", "0 working days", '-', "2026-03-02T17:30", ""},
        {"2026-03-02T18:00", "0 working days", '-', "2026-03-03T17:30", ""},
        {"2026-03-07T10:00", "0 working days", '-', "2026-03-09T17:30", ""},
        {"2026-03-02T10:00", "5 working days", 'r', "2026-03-09T17:30", ""},
    };
    base_zone *z = zone("Asia/Shanghai");
    cal_calendar *c = china(z, CAL_MISSING_ERROR);

    (void)state;
    check_rows(c, rows, ARRAY_LEN(rows));
    cal_free(c);
    base_zone_free(z);
}

static void counting_back(void **state)
{
    static const row rows[] = {
        {"2026-03-20T10:00", "-15 days", '-', "2026-03-05T00:00", ""},
        {"2026-03-21T00:00", "-1 day", '-', "2026-03-19T00:00",
         ""}, /* the midnight belongs to the 20th */
        {"2026-03-31T10:00", "-1 month", '-', "2026-02-28T00:00", ""},
        {"2026-03-02T10:00", "-2 hours", '-', "2026-03-02T08:00", ""},
        {"2026-10-08T17:30", "-1 working day", '-', "2026-09-30T09:00", ""},
        {"2026-10-08T10:00", "-2 working hours", '-', "2026-09-30T16:30", ""},
        {"2026-03-03T11:00", "-2 working hours", '-', "2026-03-03T09:00",
         ""}, /* not the evening before */
        {"2026-03-03T09:30", "-1 working hour", '-', "2026-03-02T17:00", ""},
        {"2026-03-20T10:00", "-P1DT1H", '-', "2026-03-18T23:00", ""},
    };
    base_zone *z = zone("Asia/Shanghai");
    cal_calendar *c = china(z, CAL_MISSING_ERROR);

    (void)state;
    check_rows(c, rows, ARRAY_LEN(rows));
    cal_free(c);
    base_zone_free(z);
}

static void from_an_end_at_midnight(void **state)
{
    base_zone *z = zone("Asia/Shanghai");
    cal_calendar *c = china(z, CAL_MISSING_ERROR);
    cal_instant due, later;

    (void)state;
    assert_int_equal(cal_add(c, at(c, "2026-03-02T10:00"), dur("7 days"), CAL_ROLL_NONE, &due,
                             NULL),
                     GOV_OK);
    assert_string_equal(wall(c, due.us), "2026-03-10T00:00");
    assert_int_equal(cal_after(c, &due, dur("1 day"), CAL_ROLL_NONE, &later, NULL), GOV_OK);
    assert_string_equal(wall(c, later.us), "2026-03-11T00:00");
    assert_int_equal(cal_after(c, &due, dur("5 working days"), CAL_ROLL_NONE, &later, NULL),
                     GOV_OK);
    assert_string_equal(wall(c, later.us), "2026-03-16T17:30");
    assert_int_equal(cal_after(c, &due, cal_of(CAL_DAYS, -1), CAL_ROLL_NONE, &later, NULL), GOV_OK);
    assert_string_equal(wall(c, later.us), "2026-03-08T00:00");
    cal_free(c);
    base_zone_free(z);
}

/* ---- years that are not listed ---- */

static void missing_years(void **state)
{
    static const row provisional[] = {
        {"2026-12-30T10:00", "1 working day", '-', "2026-12-31T17:30", ""},
        {"2026-12-31T10:00", "1 working day", '-', "2027-01-01T17:30",
         "p"}, /* a Friday by the pattern */
        {"2026-12-31T10:00", "2 working hours", '-', "2026-12-31T12:00", ""},
        {"2026-12-31T17:00", "30 working minutes", '-', "2026-12-31T17:30", ""},
        {"2026-12-31T17:00", "1 working hour", '-', "2027-01-01T09:30", "p"},
        {"2026-12-31T10:00", "30 days", '-', "2027-01-31T00:00", ""}, /* rests on no working day */
        {"2026-12-31T10:00", "30 days", 'r', "2027-02-02T00:00", "pm"},
        {"2026-12-31T10:00", "5 days", 'r', "2027-01-06T00:00", "p"},
        {"2025-12-31T10:00", "1 working day", '-', "2026-01-04T17:30", ""},
        {"2025-12-30T10:00", "1 working day", '-', "2025-12-31T17:30", "p"},
    };
    base_zone *z = zone("Asia/Shanghai");
    cal_calendar *c = china(z, CAL_MISSING_PROVISIONAL), *strict = china(z, CAL_MISSING_ERROR);
    cal_instant end;
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    int32_t year = 0;
    bool working, flag = false;

    (void)state;
    check_rows(c, provisional, ARRAY_LEN(provisional));
    for (size_t i = 0; i < ARRAY_LEN(provisional); i++) {
        const row *r = &provisional[i];
        const gov_status st =
            cal_add(strict, at(strict, r->from), dur(r->dur),
                    r->roll == 'r' ? CAL_ROLL_NEXT_WORKING_DAY : CAL_ROLL_NONE, &end, &d);
        assert_int_equal(st, strchr(r->flags, 'p') != NULL ? GOV_E_REFUSED : GOV_OK);
        if (st != GOV_OK)
            assert_string_equal(gov_error_code(err, 0), "calendar_year_missing");
        gov_error_free(err);
        err = NULL;
    }
    assert_true(cal_covers(c, day("2026-01-01"), day("2026-12-31"), &year));
    assert_false(cal_covers(c, day("2026-05-01"), day("2030-01-01"), &year));
    assert_int_equal(year, 2027);
    assert_false(cal_covers(c, day("2024-05-01"), day("2026-01-01"), &year));
    assert_int_equal(year, 2024);
    assert_int_equal(cal_is_working_day(c, day("2027-03-01"), &working, &flag, NULL), GOV_OK);
    assert_true(working && flag);
    assert_int_equal(cal_is_working_day(strict, day("2027-03-01"), &working, &flag, NULL),
                     GOV_E_REFUSED);
    assert_true(cal_year_listed(c, 2026) && !cal_year_listed(c, 2025) && !cal_year_listed(c, 2027));
    assert_int_equal(cal_year_count(c), 1);
    assert_int_equal(cal_year_at(c, 0), 2026);
    cal_free(c);
    cal_free(strict);
    base_zone_free(z);
}

/* ---- summer time ---- */

static void summer_time(void **state)
{
    /* New York 2026: 02:00 to 03:00 on March 8, 02:00 back to 01:00 on November 1; both are Sundays. */
    static const row nights[] = {
        {"2026-03-07T23:00", "4 hours", '-', "2026-03-08T04:00", ""},
        {"2026-03-07T23:00", "4 working hours", '-', "2026-03-08T04:00", "p"},
        {"2026-10-31T23:00", "4 hours", '-', "2026-11-01T02:00", ""},
        {"2026-10-31T23:00", "4 working hours", '-', "2026-11-01T02:00", "p"},
        {"2026-03-07T10:00", "1 day", '-', "2026-03-09T00:00", ""},
        {"2026-03-08T10:00", "24 hours", '-', "2026-03-09T10:00", ""},
        {"2026-03-07T10:00", "24 hours", '-', "2026-03-08T11:00", ""},
        {"2026-10-31T10:00", "1 working day", '-', "2026-11-02T00:00", "p"},
    };
    static const cal_span always[] = {{0, 86400}};
    base_zone *z = zone("America/New_York");
    cal_calendar *c = plain(z, always, 1, 7);
    int64_t used;

    (void)state;
    check_rows(c, nights, ARRAY_LEN(nights));
    assert_int_equal(cal_elapsed(c, CAL_WORKING_TIME, 0, at(c, "2026-03-08T00:00"),
                                 at(c, "2026-03-09T00:00"), &used, NULL, NULL),
                     GOV_OK);
    assert_int_equal(used, 23 * INT64_C(3600000000));
    assert_int_equal(cal_elapsed(c, CAL_WORKING_TIME, 0, at(c, "2026-11-01T00:00"),
                                 at(c, "2026-11-02T00:00"), &used, NULL, NULL),
                     GOV_OK);
    assert_int_equal(used, 25 * INT64_C(3600000000));
    cal_free(c);
    /* Hours that begin and end at times that the clocks jump over. */
    static const cal_span night[] = {{3600, 9000}, {10000, 12600}};
    c = plain(z, night, 2, 7);
    const row gap[] = {{"2026-03-07T12:00", "1 working hour", '-', "2026-03-08T03:00", "p"},
                       {"2026-03-07T12:00", "1 working day", '-', "2026-03-08T03:30", "p"}};
    check_rows(c, gap, 2);
    cal_free(c);
    const cal_span until_gap[] = {{3600, 9000}};
    c = plain(z, until_gap, 1, 7);
    const row shut[] = {{"2026-03-07T12:00", "1 working day", '-', "2026-03-08T03:00", "p"}};
    check_rows(c, shut, 1);
    cal_free(c);
    base_zone_free(z);
}

/* ---- mistakes and limits ---- */

static void own_hours_of_a_day(void **state)
{
    static const cal_span morning[] = {{9 * 3600, 12 * 3600}};
    const row rows[] = {{"2026-02-13T10:00", "1 working day", '-', "2026-02-14T12:00", ""},
                        {"2026-02-13T17:00", "4 working hours", '-', "2026-02-16T09:30", ""}};
    base_zone *z = zone("Asia/Shanghai");
    cal_builder *b;
    cal_calendar *c;
    const cal_span *spans;

    (void)state;
    assert_int_equal(cal_builder_new(NULL, "cn", z, &b, NULL), GOV_OK);
    assert_int_equal(cal_builder_hours(b, 1, 5, office, 2, NULL, NULL), GOV_OK);
    assert_int_equal(cal_builder_year(b, 2026, NULL, NULL), GOV_OK);
    assert_int_equal(cal_builder_work(b, 2026, day("2026-02-14"), day("2026-02-14"), morning, 1,
                                      NULL, NULL),
                     GOV_OK);
    assert_int_equal(cal_builder_finish(b, &c, NULL), GOV_OK);
    cal_builder_free(b);
    check_rows(c, rows, 2);
    assert_int_equal(cal_day_hours(c, day("2026-02-14"), &spans), 1);
    assert_int_equal(spans[0].end, 12 * 3600);
    assert_int_equal(cal_day_hours(c, day("2026-02-15"), &spans), 0);
    assert_int_equal(cal_day_hours(c, day("2026-02-16"), &spans), 2);
    cal_free(c);
    base_zone_free(z);
}

static void without_hours(void **state)
{
    base_zone *z = zone("Asia/Shanghai");
    cal_calendar *c = plain(z, NULL, 0, 0);
    cal_instant end;
    int64_t n;

    (void)state;
    assert_false(cal_has_hours(c));
    assert_int_equal(cal_add(c, 0, dur("3 days"), CAL_ROLL_NONE, &end, NULL), GOV_OK);
    assert_int_equal(cal_add(c, 0, dur("3 working days"), CAL_ROLL_NONE, &end, NULL), GOV_E_RULE);
    assert_int_equal(cal_add(c, 0, dur("0 working days"), CAL_ROLL_NONE, &end, NULL), GOV_E_RULE);
    assert_int_equal(cal_add(c, 0, dur("3 working hours"), CAL_ROLL_NONE, &end, NULL), GOV_E_RULE);
    assert_int_equal(cal_add(c, 0, cal_of(CAL_WORKING_TIME, -1), CAL_ROLL_NONE, &end, NULL),
                     GOV_E_RULE);
    assert_int_equal(cal_add(c, 0, dur("3 days"), CAL_ROLL_NEXT_WORKING_DAY, &end, NULL),
                     GOV_E_RULE);
    assert_int_equal(cal_next_working_day(c, 0, &n, NULL, NULL), GOV_E_RULE);
    assert_int_equal(cal_working_days_between(c, 0, 5, &n, NULL, NULL), GOV_E_RULE);
    cal_free(c);
    base_zone_free(z);
}

/* Only days off of its own: hours are those of one single day, and the search must come to an end. */
static void nearly_without_hours(void **state)
{
    base_zone *z = zone("Asia/Shanghai");
    cal_builder *b;
    cal_calendar *c;
    cal_instant end;

    (void)state;
    assert_int_equal(cal_builder_new(NULL, "once", z, &b, NULL), GOV_OK);
    assert_int_equal(cal_builder_year(b, 2026, NULL, NULL), GOV_OK);
    assert_int_equal(cal_builder_work(b, 2026, day("2026-06-01"), day("2026-06-01"), office, 2,
                                      NULL, NULL),
                     GOV_OK);
    assert_int_equal(cal_builder_finish(b, &c, NULL), GOV_OK);
    cal_builder_free(b);
    const row rows[] = {{"2026-02-13T10:00", "1 working day", '-', "2026-06-01T17:30", ""},
                        {"2026-02-13T10:00", "7 working hours", '-', "2026-06-01T17:30", ""}};
    check_rows(c, rows, 2);
    assert_int_equal(cal_add(c, at(c, "2026-02-13T10:00"), dur("2 working days"), CAL_ROLL_NONE,
                             &end, NULL),
                     GOV_E_RANGE);
    assert_int_equal(cal_add(c, at(c, "2026-02-13T10:00"), dur("8 working hours"), CAL_ROLL_NONE,
                             &end, NULL),
                     GOV_E_RANGE);
    cal_free(c);
    base_zone_free(z);
}

static void the_ends_of_time(void **state)
{
    static const cal_unit units[] = {CAL_TIME,         CAL_DAYS,         CAL_MONTHS,
                                     CAL_WORKING_TIME, CAL_WORKING_DAYS, CAL_MIXED};
    static const int64_t amounts[] = {INT64_MAX, INT64_MAX / 2, INT64_MIN, INT64_MIN + 1};
    static const char *const zones[] = {"Asia/Shanghai", "America/New_York"};

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(zones); k++) {
        base_zone *z = zone(zones[k]);
        cal_calendar *c = china(z, CAL_MISSING_PROVISIONAL);
        cal_instant end;
        int64_t used, d;
        const int64_t last = (day("9999-12-31") + 1) * BASE_US_PER_DAY - 1,
                      first = day("0001-01-01") * BASE_US_PER_DAY;
        for (size_t i = 0; i < ARRAY_LEN(units); i++) {
            for (size_t n = 0; n < ARRAY_LEN(amounts); n++) {
                cal_duration big = {.unit = units[i], .amount = amounts[n]};
                assert_int_equal(cal_add(c, 0, big, CAL_ROLL_NONE, &end, NULL), GOV_E_RANGE);
                if (units[i] == CAL_MIXED) {
                    big = (cal_duration){.unit = CAL_MIXED, .days = amounts[n]};
                    assert_int_equal(cal_add(c, 0, big, CAL_ROLL_NONE, &end, NULL), GOV_E_RANGE);
                    big = (cal_duration){.unit = CAL_MIXED, .us = amounts[n]};
                    assert_int_equal(cal_add(c, 0, big, CAL_ROLL_NONE, &end, NULL), GOV_E_RANGE);
                }
            }
            const cal_duration one = {.unit = units[i],
                                      .amount = units[i] == CAL_TIME ? 1 : 60 * INT64_C(1000000)};
            assert_int_equal(cal_add(c, last, one, CAL_ROLL_NEXT_WORKING_DAY, &end, NULL),
                             GOV_E_RANGE);
            assert_int_equal(cal_add(c, last + 1, cal_of(units[i], 0), CAL_ROLL_NONE, &end, NULL),
                             GOV_E_RANGE);
            assert_int_equal(cal_add(c, first - 1, cal_of(units[i], 0), CAL_ROLL_NONE, &end, NULL),
                             GOV_E_RANGE);
            assert_int_equal(cal_add(c, INT64_MIN, cal_of(units[i], 1), CAL_ROLL_NONE, &end, NULL),
                             GOV_E_RANGE);
            (void)cal_add(c, first, cal_of(units[i], -1), CAL_ROLL_NONE, &end, NULL);
            (void)cal_add(c, first, cal_of(units[i], 1), CAL_ROLL_NONE, &end, NULL);
        }
        assert_int_equal(cal_elapsed(c, CAL_WORKING_TIME, first, first, last, &used, NULL, NULL),
                         GOV_OK);
        assert_true(used > 0);
        assert_int_equal(cal_add(c, first, cal_of(CAL_WORKING_TIME, used), CAL_ROLL_NONE, &end,
                                 NULL),
                         GOV_OK);
        assert_true(end.us <= last);
        assert_int_equal(cal_elapsed(c, CAL_TIME, 0, INT64_MIN, INT64_MAX, &used, NULL, NULL),
                         GOV_E_RANGE);
        assert_int_equal(cal_elapsed(c, CAL_DAYS, 5, 9, 7, &used, NULL, NULL), GOV_OK);
        assert_int_equal(used, 0);
        assert_int_equal(cal_day_of(c, INT64_MAX, &d, NULL), GOV_E_RANGE);
        assert_int_equal(cal_day_start(c, INT64_MAX, &d, NULL), GOV_E_RANGE);
        assert_int_equal(cal_next_working_day(c, day("9999-12-31"), &d, NULL, NULL), GOV_E_RANGE);
        assert_int_equal(cal_next_working_day(c, INT64_MAX, &d, NULL, NULL), GOV_E_RANGE);
        assert_int_equal(cal_elapsed(c, CAL_MONTHS, 0, 1, 2, &used, NULL, NULL), GOV_E_ARG);
        assert_int_equal(cal_resume(c, 0, 1, dur("1 month"), CAL_ROLL_NONE, &end, NULL), GOV_E_ARG);
        assert_int_equal(cal_resume(c, 0, 1, cal_of(CAL_DAYS, -3), CAL_ROLL_NONE, &end, NULL),
                         GOV_OK);
        assert_int_equal(end.us, 1);
        cal_free(c);
        base_zone_free(z);
    }
}

static void digests(void **state)
{
    static const cal_span merged[] = {{9 * 3600, 10 * 3600},
                                      {10 * 3600, 12 * 3600},
                                      {13 * 3600 + 1800, 17 * 3600 + 1800}};
    base_zone *z = zone("Asia/Shanghai"), *ny = zone("America/New_York");
    cal_calendar *a = china(z, CAL_MISSING_ERROR), *b = china(z, CAL_MISSING_ERROR),
                 *c = china(z, CAL_MISSING_PROVISIONAL), *e = china(ny, CAL_MISSING_ERROR),
                 *f = plain(z, office, 2, 5), *g = plain(z, merged, 3, 5);

    (void)state;
    assert_memory_equal(cal_digest(a), cal_digest(b), BASE_DIGEST_SIZE);
    assert_memory_not_equal(cal_digest(a), cal_digest(c), BASE_DIGEST_SIZE);
    assert_memory_not_equal(cal_digest(a), cal_digest(e), BASE_DIGEST_SIZE);
    assert_memory_not_equal(cal_digest(a), cal_digest(f), BASE_DIGEST_SIZE);
    assert_memory_equal(cal_digest(f), cal_digest(g),
                        BASE_DIGEST_SIZE); /* the same hours, cut in another way */
    assert_string_equal(cal_name(a), "cn");
    cal_free(a), cal_free(b), cal_free(c), cal_free(e), cal_free(f), cal_free(g);
    base_zone_free(z);
    base_zone_free(ny);
}

static gov_status build_and_add(const gov_allocator *alloc, void *user)
{
    gov_error *err = NULL;
    const diag d = {alloc, &err};
    cal_builder *b = NULL;
    cal_calendar *c = NULL;
    cal_instant end;
    cal_duration bad;
    gov_status st = cal_builder_new(alloc, "cn", user, &b, &d);

    if (st == GOV_OK)
        st = cal_builder_hours(b, 1, 5, office, 2, NULL, &d);
    for (int32_t y = 2020; st == GOV_OK && y < 2032; y++)
        st = cal_builder_year(b, y, NULL, &d);
    if (st == GOV_OK)
        st = cal_builder_work(b, 2026, day("2026-01-04"), day("2026-01-04"), office, 1, NULL, &d);
    if (st == GOV_OK)
        st = cal_builder_finish(b, &c, &d);
    if (st == GOV_OK)
        st = cal_add(c, 1767225600000000, dur("5 working days"), CAL_ROLL_NONE, &end, &d);
    if (st == GOV_OK) {
        st = cal_parse_duration("5 dayz", 6, &bad, NULL, &d);
        st = st == GOV_E_RULE ? GOV_OK : st;
    }
    cal_free(c);
    cal_builder_free(b);
    gov_error_free(err);
    return st;
}

static void out_of_memory(void **state)
{
    base_zone *z = zone("Asia/Shanghai");

    (void)state;
    oom_loop(build_and_add, z);
    base_zone_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(national_vectors),
        cmocka_unit_test(published_years),
        cmocka_unit_test(days_months_and_hours),
        cmocka_unit_test(working_hours),
        cmocka_unit_test(working_days_at_odd_hours),
        cmocka_unit_test(counting_back),
        cmocka_unit_test(from_an_end_at_midnight),
        cmocka_unit_test(missing_years),
        cmocka_unit_test(summer_time),
        cmocka_unit_test(own_hours_of_a_day),
        cmocka_unit_test(without_hours),
        cmocka_unit_test(nearly_without_hours),
        cmocka_unit_test(the_ends_of_time),
        cmocka_unit_test(digests),
        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
