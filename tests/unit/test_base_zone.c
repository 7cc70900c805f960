/* Time zones against the C library, which reads the same files its own way. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "support/oom_malloc.h"

static base_zone *load(const char *name)
{
    base_zone *z = NULL;

    if (base_zone_load(NULL, name, &z, NULL, NULL) != GOV_OK)
        skip();
    return z;
}

static int64_t at(const char *text)
{
    int64_t s;
    int32_t nanos;

    assert_true(base_parse_rfc3339(text, strlen(text), &s, &nanos));
    return s;
}

/* A whole TZif file of version 2 with no table and this footer. */
static gov_status footer_zone(const char *footer, base_zone **z)
{
    static const char head[44] = {'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 1};
    char file[256];
    size_t n = 0;

    for (int i = 0; i < 2; i++) {
        memcpy(file + n, head, sizeof head);
        memset(file + n + 44, 0, 7);
        n += 44 + 7;
    }
    n += (size_t)snprintf(file + n, sizeof file - n, "\n%s\n", footer);
    return base_zone_parse(NULL, "Test/Footer", file, n, z, NULL);
}

static void shanghai(void **state)
{
    base_zone *z = load("Asia/Shanghai");
    int64_t utc;

    (void)state;
    assert_string_equal(base_zone_name(z), "Asia/Shanghai");
    assert_int_equal(base_zone_offset(z, at("2026-03-02T09:00:00Z")), 8 * 3600);
    assert_int_equal(base_zone_offset(z, at("1988-07-01T00:00:00Z")), 9 * 3600);
    assert_int_equal(base_zone_offset(z, at("9999-12-31T00:00:00Z")), 8 * 3600);
    assert_int_equal(base_zone_to_utc(z, at("2026-03-02T09:00:00Z"), &utc), BASE_LOCAL_UNIQUE);
    assert_int_equal(utc, at("2026-03-02T01:00:00Z"));
    base_zone_free(z);
}

static void new_york_gap_and_fold(void **state)
{
    base_zone *z = load("America/New_York");
    int64_t utc;

    (void)state;
    /* 2026: forward on March 8, back on November 1, both at 02:00. */
    assert_int_equal(base_zone_to_utc(z, at("2026-03-08T01:59:59Z"), &utc), BASE_LOCAL_UNIQUE);
    assert_int_equal(utc, at("2026-03-08T06:59:59Z"));
    assert_int_equal(base_zone_to_utc(z, at("2026-03-08T02:30:00Z"), &utc), BASE_LOCAL_SKIPPED);
    assert_int_equal(utc, at("2026-03-08T07:30:00Z"));
    assert_int_equal(base_zone_to_utc(z, at("2026-03-08T03:00:00Z"), &utc), BASE_LOCAL_UNIQUE);
    assert_int_equal(utc, at("2026-03-08T07:00:00Z"));
    assert_int_equal(base_zone_to_utc(z, at("2026-11-01T01:30:00Z"), &utc), BASE_LOCAL_REPEATED);
    assert_int_equal(utc, at("2026-11-01T05:30:00Z"));
    assert_int_equal(base_zone_to_utc(z, at("2026-11-01T02:00:00Z"), &utc), BASE_LOCAL_UNIQUE);
    assert_int_equal(utc, at("2026-11-01T07:00:00Z"));
    /* Far beyond the file's table, by its rule: second Sunday of March 2200 is the 9th. */
    assert_int_equal(base_zone_to_utc(z, at("2200-03-09T02:00:00Z"), &utc), BASE_LOCAL_SKIPPED);
    assert_int_equal(base_zone_offset(z, at("2200-07-01T00:00:00Z")), -4 * 3600);
    base_zone_free(z);
}

static void rules_of_every_form(void **state)
{
    base_zone *z;
    int64_t utc;

    (void)state;
    assert_int_equal(footer_zone("<+08>-8", &z), GOV_OK);
    assert_int_equal(base_zone_offset(z, 0), 8 * 3600);
    base_zone_free(z);
    assert_int_equal(footer_zone("IST-5:30", &z), GOV_OK);
    assert_int_equal(base_zone_offset(z, 0), 19800);
    base_zone_free(z);
    /* Summer all year round. */
    assert_int_equal(footer_zone("EST5EDT,0/0,J365/25", &z), GOV_OK);
    for (int64_t s = 0; s < INT64_C(4000000000); s += 12345)
        assert_int_equal(base_zone_offset(z, s), -4 * 3600);
    assert_int_equal(base_zone_to_utc(z, at("2030-01-01T00:30:00Z"), &utc), BASE_LOCAL_UNIQUE);
    base_zone_free(z);
    /* Jn never counts February 29, n does: both are March 1 here in the leap year 2024. */
    assert_int_equal(footer_zone("AAA0BBB,J60/0,J300/0", &z), GOV_OK);
    assert_int_equal(base_zone_offset(z, at("2024-02-29T23:59:59Z")), 0);
    assert_int_equal(base_zone_offset(z, at("2024-03-01T00:00:00Z")), 3600);
    assert_int_equal(base_zone_offset(z, at("2023-03-01T00:00:00Z")), 3600);
    base_zone_free(z);
    assert_int_equal(footer_zone("AAA0BBB,60/0,300/0", &z), GOV_OK);
    assert_int_equal(base_zone_offset(z, at("2024-02-29T23:59:59Z")), 0);
    assert_int_equal(base_zone_offset(z, at("2024-03-01T00:00:00Z")), 3600);
    assert_int_equal(base_zone_offset(z, at("2023-03-01T23:59:59Z")), 0);
    base_zone_free(z);
    /* A rule whose times lie days outside of the day it names. */
    assert_int_equal(footer_zone("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", &z), GOV_OK);
    assert_int_equal(base_zone_offset(z, at("2026-03-29T00:59:59Z")), -7200);
    assert_int_equal(base_zone_offset(z, at("2026-03-29T01:00:00Z")), -3600);
    base_zone_free(z);
    /* Southern summer, and a negative one as Ireland has it. */
    assert_int_equal(footer_zone("AEST-10AEDT,M10.1.0,M4.1.0/3", &z), GOV_OK);
    assert_int_equal(base_zone_offset(z, at("2026-01-01T00:00:00Z")), 11 * 3600);
    assert_int_equal(base_zone_offset(z, at("2026-07-01T00:00:00Z")), 10 * 3600);
    base_zone_free(z);
    assert_int_equal(footer_zone("IST-1GMT0,M10.5.0,M3.5.0/1", &z), GOV_OK);
    assert_int_equal(base_zone_offset(z, at("2026-01-01T00:00:00Z")), 0);
    assert_int_equal(base_zone_offset(z, at("2026-07-01T00:00:00Z")), 3600);
    base_zone_free(z);
}

static void refuses_bad_rules(void **state)
{
    static const char *const bad[] = {"EST",
                                      "E5",
                                      "<+08-8",
                                      "<+>0",
                                      "EST25",
                                      "EST5EDT",
                                      "EST5EDT,M3.2.0",
                                      "EST5EDT,M13.2.0,M11.1.0",
                                      "EST5EDT,M3.6.0,M11.1.0",
                                      "EST5EDT,J0,J365",
                                      "EST5EDT,0,366",
                                      "EST5EDT,M3.2.0/168,M11.1.0",
                                      "EST5EDT,M3.2.0,M11.1.0x",
                                      "EST5:60",
                                      "EST99999999999999",
                                      "EST+-5"};
    base_zone *z;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(footer_zone(bad[i], &z), GOV_E_INPUT);
}

static void refuses_bad_names(void **state)
{
    static const char *const bad[] = {"",
                                      "/etc/passwd",
                                      "../etc/passwd",
                                      "Asia/../Shanghai",
                                      "Asia//Shanghai",
                                      "Asia/",
                                      "Asia",
                                      "Asia/Nowhere",
                                      "localtime",
                                      "Asia/Shanghai ",
                                      "tzdata.zi",
                                      "right/Asia/Shanghai",
                                      ".",
                                      "zone.tab"};
    base_zone *z;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        assert_int_equal(base_zone_load(NULL, bad[i], &z, NULL, &d), GOV_E_INPUT);
        assert_null(z);
        assert_string_equal(gov_error_argument(err, 0, "zone"), bad[i]);
        gov_error_free(err);
    }
}

static void truncated_files_are_refused(void **state)
{
    base_buf bytes;
    base_zone *z;

    (void)state;
    base_buf_init(&bytes, NULL);
    if (base_zone_load(NULL, "Europe/Berlin", &z, &bytes, NULL) != GOV_OK)
        skip();
    base_zone_free(z);
    for (size_t n = 0; n < bytes.len; n++)
        assert_int_equal(base_zone_parse(NULL, "x", bytes.data, n, &z, NULL), GOV_E_INPUT);
    assert_int_equal(base_zone_parse(NULL, "x", bytes.data, bytes.len, &z, NULL), GOV_OK);
    base_zone_free(z);
    base_buf_free(&bytes);
}

static void agrees_with_libc(void **state)
{
    static const char *const names[] = {"Asia/Shanghai",     "America/New_York",
                                        "Europe/Dublin",     "Australia/Lord_Howe",
                                        "America/Sao_Paulo", "Africa/Casablanca",
                                        "Pacific/Apia",      "America/Nuuk",
                                        "Asia/Kathmandu",    "Antarctica/Troll",
                                        "Europe/London",     "Asia/Tehran"};
    uint64_t noise = 88172645463325252u;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        base_zone *z = load(names[i]);
        assert_int_equal(setenv("TZ", names[i], 1), 0);
        tzset();
        for (int n = 0; n < 3000; n++) {
            struct tm tm;
            noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
            const time_t t = (time_t)(noise % 8000000000u) - 2000000000;
            assert_non_null(localtime_r(&t, &tm));
            const int64_t local = base_days_from_civil(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1,
                                                       (unsigned)tm.tm_mday) *
                                      86400 +
                                  tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
            int64_t back;
            assert_int_equal(base_zone_offset(z, t), local - t);
            assert_int_not_equal(base_zone_to_utc(z, local, &back), BASE_LOCAL_SKIPPED);
            assert_int_equal(back + base_zone_offset(z, back), local);
            assert_true(back <= t);
        }
        base_zone_free(z);
    }
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static void a_day_that_never_was(void **state)
{
    base_zone *z = load("Pacific/Apia");
    int64_t utc;

    (void)state;
    /* Samoa went from December 29 to 31 in 2011. */
    assert_int_equal(base_zone_to_utc(z, at("2011-12-30T12:00:00Z"), &utc), BASE_LOCAL_SKIPPED);
    assert_int_equal(utc, at("2011-12-30T22:00:00Z"));
    base_zone_free(z);
}

static void out_of_memory(void **state)
{
    base_buf bytes;

    (void)state;
    base_buf_init(&bytes, NULL);
    base_zone_free(load("Europe/Berlin"));
    if (!oom_malloc_available())
        skip();
    for (long n = 0;; n++) {
        base_zone *z = NULL;
        base_buf_clear(&bytes);
        oom_malloc_arm(n, false);
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        const gov_status st = base_zone_load(NULL, "Europe/Berlin", &z, &bytes, &d);
        const unsigned long hits = (unsigned long)oom_malloc_disarm();
        base_zone_free(z);
        gov_error_free(err);
        base_buf_free(&bytes);
        assert_int_equal(oom_malloc_live(), 0);
        if (hits == 0) {
            assert_int_equal(st, GOV_OK);
            break;
        }
        /* The C library's own buffer for the file may be what failed: then the zone is not found. */
        assert_true(st == GOV_E_NOMEM || st == GOV_E_INPUT || st == GOV_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shanghai),
        cmocka_unit_test(new_york_gap_and_fold),
        cmocka_unit_test(rules_of_every_form),
        cmocka_unit_test(refuses_bad_rules),
        cmocka_unit_test(refuses_bad_names),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(agrees_with_libc),
        cmocka_unit_test(a_day_that_never_was),
        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
