/* Durations: what is one, how it is written, and how days and months are added. */
#include "support/calendar_days.h"
#include "support/support.h"

#include "calendar/calendar.h"

#include <string.h>

/* ---- durations ---- */

static void reads_durations(void **state)
{
    static const struct {
        const char *text;
        cal_unit unit;
        int64_t amount;
    } good[] = {
        {"90 minutes", CAL_TIME, 5400000000},
        {"2 hours", CAL_TIME, 7200000000},
        {"1 hour", CAL_TIME, 3600000000},
        {"1.5 hours", CAL_TIME, 5400000000},
        {"0.5 seconds", CAL_TIME, 500000},
        {"3 days", CAL_DAYS, 3},
        {"2 weeks", CAL_DAYS, 14},
        {"1 month", CAL_MONTHS, 1},
        {"2 years", CAL_MONTHS, 24},
        {"2 working hours", CAL_WORKING_TIME, 7200000000},
        {"45 working minutes", CAL_WORKING_TIME, 2700000000},
        {"5 working days", CAL_WORKING_DAYS, 5},
        {"1 working day", CAL_WORKING_DAYS, 1},
        {"0 days", CAL_DAYS, 0},
        {"3  days", CAL_DAYS, 3},
        {"P5D", CAL_DAYS, 5},
        {"P2W", CAL_DAYS, 14},
        {"PT2H", CAL_TIME, 7200000000},
        {"PT0.5S", CAL_TIME, 500000},
        {"PT1H30M", CAL_TIME, 5400000000},
        {"PT1,5H", CAL_TIME, 5400000000},
        {"P1Y2M", CAL_MONTHS, 14},
        {"P1M", CAL_MONTHS, 1},
        {"PT1M", CAL_TIME, 60000000},
        {"P0D", CAL_DAYS, 0},
        {"PT0S", CAL_TIME, 0},
        {"P1DT0S", CAL_DAYS, 1},
        {"PT0.000001S", CAL_TIME, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        const cal_duration d = dur(good[i].text);
        if (d.unit != good[i].unit || d.amount != good[i].amount || d.days != 0 || d.us != 0 ||
            d.ppm != 0)
            fail_msg("%s: unit %d, amount %lld", good[i].text, (int)d.unit, (long long)d.amount);
    }
    const cal_duration d = dur("P1M2DT3H");
    assert_int_equal(d.unit, CAL_MIXED);
    assert_int_equal(d.amount, 1);
    assert_int_equal(d.days, 2);
    assert_int_equal(d.us, 10800000000);
}

static void tells_names_from_bad_durations(void **state)
{
    static const char *const names[] = {"sign_within",
                                        "values.sign_within",
                                        "",
                                        "P",
                                        "PT",
                                        "Plan5",
                                        "P5",
                                        "P5X",
                                        "5",
                                        "5.5",
                                        "2026-03-02",
                                        "110 119",
                                        "days",
                                        " 5 days",
                                        "P5DT",
                                        "PT5",
                                        "-5 days",
                                        "P-5D"};
    static const char *const bad[] = {"5 wroking days",
                                      "5 working weeks",
                                      "1.5 days",
                                      "0.5 months",
                                      "5days",
                                      "99999999999999999999 days",
                                      "9223372036854775807 hours",
                                      "P1.5D",
                                      "PT1.5H30M",
                                      "PT0.0000001S",
                                      "5 days ",
                                      "5 day's",
                                      "1,5,5 hours",
                                      "1,500 hours",
                                      "1.5.5 hours",
                                      "5 workingdays",
                                      "9223372036854775807 years",
                                      "P5D T5H",
                                      "3 Days",
                                      "5. hours"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names) + ARRAY_LEN(bad); i++) {
        const bool name = i < ARRAY_LEN(names);
        const char *text = name ? names[i] : bad[i - ARRAY_LEN(names)];
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        const base_place place = {"calendar.yaml", 3, 7};
        cal_duration out;
        const gov_status st = cal_parse_duration(text, strlen(text), &out, &place, &d);
        if (st != (name ? GOV_E_NOT_FOUND : GOV_E_RULE) || gov_error_count(err) != !name)
            fail_msg("\"%s\": %d", text, (int)st);
        if (!name)
            assert_int_equal(gov_error_line(err, 0), 3);
        gov_error_free(err);
    }
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    cal_duration out;
    assert_int_equal(cal_parse_duration("5 wroking days", 14, &out, NULL, &d), GOV_E_RULE);
    assert_string_equal(gov_error_argument(err, 0, "near"), "working days");
    gov_error_free(err);
}

static void writes_what_it_reads(void **state)
{
    static const char *const texts[] = {"90 minutes",
                                        "2 hours",
                                        "1 hour",
                                        "1 day",
                                        "3 days",
                                        "1 month",
                                        "14 months",
                                        "2 working hours",
                                        "45 working minutes",
                                        "1 working second",
                                        "5 working days",
                                        "PT0.5S",
                                        "P1M2DT10800S",
                                        "P1MT0.000001S",
                                        "0.25 working seconds",
                                        "0 days"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        base_buf b;
        base_buf_init(&b, NULL);
        cal_write_duration(&b, dur(texts[i]));
        assert_string_equal(b.data, texts[i]);
        base_buf_free(&b);
    }
    base_buf b;
    base_buf_init(&b, NULL);
    cal_write_duration(&b, cal_of(CAL_DAYS, -2));
    assert_string_equal(b.data, "-2 days");
    base_buf_clear(&b);
    cal_write_duration(&b, cal_of(CAL_TIME, INT64_MIN));
    assert_string_equal(b.data, "-PT9223372036854.775808S");
    base_buf_free(&b);
}

static void reckons_with_durations(void **state)
{
    cal_duration d;

    (void)state;
    assert_true(cal_share(dur("5 working days"), 80, &d));
    assert_true(d.amount == 4 && d.ppm == 0 && d.unit == CAL_WORKING_DAYS);
    assert_true(cal_share(dur("3 working days"), 80, &d));
    assert_true(d.amount == 2 && d.ppm == 400000);
    assert_true(cal_share(dur("2 hours"), 80, &d));
    assert_int_equal(d.amount, 5760000000);
    assert_true(cal_share(dur("3 days"), 150, &d));
    assert_true(d.amount == 4 && d.ppm == 500000);
    assert_false(cal_share(dur("1 month"), 80, &d));
    assert_false(cal_share(cal_of(CAL_DAYS, -1), 80, &d));
    assert_false(cal_share(cal_of(CAL_DAYS, INT64_MAX), 80, &d));
    assert_true(cal_share(cal_of(CAL_TIME, INT64_MAX), 100, &d));
    assert_int_equal(d.amount, INT64_MAX);
    assert_false(cal_share(cal_of(CAL_TIME, INT64_MAX), 101, &d));
    assert_true(cal_sum(dur("3 days"), dur("1 week"), &d));
    assert_int_equal(d.amount, 10);
    assert_false(cal_sum(dur("3 days"), dur("3 working days"), &d));
    assert_true(cal_sum(dur("0 days"), dur("3 working days"), &d));
    assert_true(d.amount == 3 && d.unit == CAL_WORKING_DAYS);
    assert_false(cal_sum(cal_of(CAL_DAYS, INT64_MAX), cal_of(CAL_DAYS, 1), &d));
    assert_false(cal_negate(cal_of(CAL_DAYS, INT64_MIN), &d));
    assert_true(cal_is_zero(dur("PT0S")) && !cal_is_zero(dur("PT1S")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(tells_names_from_bad_durations),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(reckons_with_durations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
