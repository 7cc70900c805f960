/* Times as people write them, in the community's time zone. */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

static const char *const zones[] = {"Asia/Shanghai", "America/New_York"};

static community in_zone(void **state, const char *zone)
{
    char rules[512];
    snprintf(rules, sizeof rules,
             "rulebook: times\nversion: '1'\ntitle: times\nlanguages: [en]\ntime_zone: %s\n", zone);
    return community_make(support_store_of(state), rules, NULL);
}

static int64_t us_of(community *c, const char *text)
{
    gov_error *err = NULL;
    int64_t us = -1;
    assert_gov_ok(gov_time_parse(c->g, text, &us, &err), err);
    return us;
}

static void refused(community *c, const char *text, const char *code)
{
    gov_error *err = NULL;
    int64_t us = 77;
    assert_int_equal(gov_time_parse(c->g, text, &us, &err), GOV_E_INPUT);
    assert_string_equal(gov_error_code(err, 0), code);
    assert_string_equal(gov_error_argument(err, 0, "text"), text);
    assert_int_equal(us, 77);
    gov_error_free(err);
}

static void written(community *c, int64_t us, const char *want)
{
    gov_error *err = NULL;
    char *text = NULL;
    size_t len = 0;
    assert_gov_ok(gov_time_format(c->g, us, &text, &len, &err), err);
    assert_string_equal(text, want);
    assert_int_equal(len, strlen(want));
    gov_text_free(text);
}

/* 2026-03-02T00:00Z is 1772409600. */
static void reads_times(void **state)
{
    const int64_t second = 1000000, day = INT64_C(1772409600) * second, hour = 3600 * second;
    community c = in_zone(state, zones[0]);
    assert_int_equal(us_of(&c, "2026-03-02"), day - 8 * hour);
    assert_int_equal(us_of(&c, "2026-03-02T09:05"), day + hour + 300 * second);
    assert_int_equal(us_of(&c, "2026-03-02 09:05"), day + hour + 300 * second);
    assert_int_equal(us_of(&c, "2026-03-02T09:05:30"), day + hour + 330 * second);
    assert_int_equal(us_of(&c, "2026-03-02T09:05:30Z"), day + 9 * hour + 330 * second);
    assert_int_equal(us_of(&c, "2026-03-02T09:05:30.25+02:00"),
                     day + 7 * hour + 330 * second + 250000);
    static const char *const wrong[] = {"",
                                        "soon",
                                        "2026-3-2",
                                        "2026-02-29",
                                        "2026-03-02T",
                                        "2026-03-02T24:00",
                                        "2026-03-02T09:60",
                                        "2026-03-02T9:05",
                                        "2026-03-02T09:05:30.1234567Z",
                                        "20260302",
                                        "2026-03-02T09:05+08"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused(&c, wrong[i], "bad_time");
    community_free(&c);
}

/* New York in 2026: forward at 02:00 on 8 March, back at 02:00 on 1 November. */
static void knows_summer_time(void **state)
{
    community c = in_zone(state, zones[1]);
    refused(&c, "2026-03-08T02:30", "time_skipped");
    assert_int_equal(us_of(&c, "2026-03-08T03:00") - us_of(&c, "2026-03-08T01:59"),
                     INT64_C(60000000));
    assert_int_equal(us_of(&c, "2026-11-01T01:30"), us_of(&c, "2026-11-01T01:30:00-04:00"));
    written(&c, us_of(&c, "2026-07-01"), "2026-07-01T00:00:00-04:00");
    written(&c, us_of(&c, "2026-12-01T06:07:08"), "2026-12-01T06:07:08-05:00");
    community_free(&c);
}

static void writes_times(void **state)
{
    community c = in_zone(state, zones[0]);
    gov_error *err = NULL;
    char *text = NULL;
    written(&c, us_of(&c, "2026-03-02T09:05"), "2026-03-02T09:05:00+08:00");
    written(&c, us_of(&c, "2026-03-02T09:05") + 1, "2026-03-02T09:05:00.000001+08:00");
    written(&c, -1, "1970-01-01T07:59:59.999999+08:00");
    assert_int_equal(gov_time_format(c.g, INT64_MAX, &text, NULL, &err), GOV_E_RANGE);
    gov_error_free(err);
    err = NULL;
    assert_int_equal(gov_time_format(c.g, INT64_MIN, &text, NULL, &err), GOV_E_RANGE);
    gov_error_free(err);
    assert_int_equal(gov_time_parse(c.g, NULL, NULL, NULL), GOV_E_ARG);
    assert_int_equal(gov_time_format(c.g, 0, NULL, NULL, NULL), GOV_E_ARG);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(reads_times),
        STORE_TESTS(knows_summer_time),
        STORE_TESTS(writes_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
