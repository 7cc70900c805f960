/* Cells into numbers, money, truth, coordinates, dates: tables of what people write and what it means. */
#include "support/support.h"

#include <string.h>

#include "exchange/table.h"

static exchange_cell cell(const char *s)
{
    return (exchange_cell){s, strlen(s)};
}

static void texts(void **state)
{
    char buf[64];
    exchange_cell c;
    (void)state;
    c = exchange_trim(cell("\xE3\x80\x80 \xC2\xA0\t朝阳\xE3\x80\x80门 \xEF\xBB\xBF"));
    assert_int_equal(c.len, strlen("朝阳\xE3\x80\x80门"));
    assert_memory_equal(c.s, "朝阳\xE3\x80\x80门", c.len);
    assert_true(exchange_is_blank(cell(" \xE3\x80\x80"), NULL, 0));
    assert_true(exchange_is_blank(cell(" 无 "), (const char *const[]){"NULL", "无"}, 2));
    assert_false(exchange_is_blank(cell("无人"), (const char *const[]){"NULL", "无"}, 2));
    assert_true(exchange_fold(cell("　１１０１０１１９９００３０７１２３Ｘ"), buf, sizeof buf, &c));
    assert_int_equal(c.len, 18);
    assert_memory_equal(c.s, "11010119900307123X", 18);
    assert_false(exchange_fold(cell("123456789"), buf, 8, &c));
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        int scale;
        exchange_fault fault;
        int64_t value;
    } cases[] = {
        {"0", 0, EXCHANGE_FINE, 0},
        {" 1,234 ", 0, EXCHANGE_FINE, 1234},
        {"１，２３４", 0, EXCHANGE_FINE, 1234},
        {"＋１２", 0, EXCHANGE_FINE, 12},
        {"−7", 0, EXCHANGE_FINE, -7},
        {"12.00", 0, EXCHANGE_FINE, 12},
        {"9223372036854775807", 0, EXCHANGE_FINE, INT64_MAX},
        {"-9223372036854775808", 0, EXCHANGE_FINE, INT64_MIN},
        {"9223372036854775808", 0, EXCHANGE_TOO_LARGE, 0},
        {"-9223372036854775809", 0, EXCHANGE_TOO_LARGE, 0},
        {"12.5", 0, EXCHANGE_NOT_WHOLE, 0},
        {"1,23", 0, EXCHANGE_NOT_NUMBER, 0},
        {"1,2345", 0, EXCHANGE_NOT_NUMBER, 0},
        {",123", 0, EXCHANGE_NOT_NUMBER, 0},
        {"1234,567", 0, EXCHANGE_NOT_NUMBER, 0},
        {"1.1E+17", 0, EXCHANGE_SHORTENED, 0},
        {"12a", 0, EXCHANGE_NOT_NUMBER, 0},
        {"1 2", 0, EXCHANGE_NOT_NUMBER, 0},
        {"-", 0, EXCHANGE_NOT_NUMBER, 0},
        {".", 0, EXCHANGE_NOT_NUMBER, 0},
        {"--1", 0, EXCHANGE_NOT_NUMBER, 0},
        {"", 0, EXCHANGE_IS_BLANK, 0},
        {" \xE3\x80\x80", 0, EXCHANGE_IS_BLANK, 0},
        {"3.14", 2, EXCHANGE_FINE, 314},
        {"-.5", 2, EXCHANGE_FINE, -50},
        {"5.", 2, EXCHANGE_FINE, 500},
        {"3.140", 2, EXCHANGE_FINE, 314},
        {"3.141", 2, EXCHANGE_TOO_FINE, 0},
        {"9223372036854775.807", 3, EXCHANGE_FINE, INT64_MAX},
        {"9223372036854775.808", 3, EXCHANGE_TOO_LARGE, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got = 0;
        const exchange_fault fault =
            exchange_parse_decimal(cell(cases[i].text), cases[i].scale, &got);
        if (fault != cases[i].fault || got != cases[i].value)
            fail_msg("\"%s\": fault %d, value %lld", cases[i].text, (int)fault, (long long)got);
    }
}

static void money(void **state)
{
    static const struct {
        const char *text;
        exchange_fault fault;
        int64_t fen;
    } cases[] = {
        {"12", EXCHANGE_FINE, 1200},          {"￥1,234.50", EXCHANGE_FINE, 123450},
        {"¥ 0.05", EXCHANGE_FINE, 5},         {"１２．５元", EXCHANGE_FINE, 1250},
        {"100元整", EXCHANGE_FINE, 10000},    {"1.2万元", EXCHANGE_FINE, 1200000},
        {"0.3亿", EXCHANGE_FINE, 3000000000}, {"-3.5", EXCHANGE_FINE, -350},
        {"(12.00)", EXCHANGE_FINE, -1200},    {"-¥8", EXCHANGE_FINE, -800},
        {"0.005", EXCHANGE_TOO_FINE, 0},      {"1.23456万", EXCHANGE_FINE, 1234560},
        {"(-1)", EXCHANGE_NOT_NUMBER, 0},     {"十元", EXCHANGE_NOT_NUMBER, 0},
        {"元", EXCHANGE_NOT_NUMBER, 0},       {" ", EXCHANGE_IS_BLANK, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got = 0;
        const exchange_fault fault = exchange_parse_fen(cell(cases[i].text), &got);
        if (fault != cases[i].fault || got != cases[i].fen)
            fail_msg("\"%s\": fault %d, value %lld", cases[i].text, (int)fault, (long long)got);
    }
}

static void truth_and_degrees(void **state)
{
    static const char *const yes[] = {"是", " TRUE", "y", "１", "√", "Ｙes"};
    static const char *const no[] = {"否", "false", "N", "0", "×"};
    static const struct {
        const char *text;
        int32_t max;
        int64_t e7; /* 0: refused */
    } degrees[] = {
        {"42.3594", 90, 423594000},
        {"-71.0587", 180, -710587000},
        {"１１６．３９７", 180, 1163970000},
        {"116.397°E", 180, 1163970000},
        {"北纬39.9度", 90, 399000000},
        {"71.0587 W", 180, -710587000},
        {"+0.00000005", 90, 1},
        {"90.0000001", 90, 0},
        {"116.4", 90, 0},
        {"-71W", 180, 0},
        {"39°54′", 90, 0},
        {"nan", 90, 0},
        {"1e5", 180, 0},
    };
    bool b;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(exchange_parse_bool(cell(yes[i]), &b) == EXCHANGE_FINE && b);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_true(exchange_parse_bool(cell(no[i]), &b) == EXCHANGE_FINE && !b);
    assert_int_equal(exchange_parse_bool(cell("也许"), &b), EXCHANGE_NOT_BOOL);
    assert_int_equal(exchange_parse_bool(cell(""), &b), EXCHANGE_IS_BLANK);
    for (size_t i = 0; i < ARRAY_LEN(degrees); i++) {
        int64_t got = 0;
        const exchange_fault fault =
            exchange_parse_degrees(cell(degrees[i].text), degrees[i].max, &got);
        if (got != degrees[i].e7 || fault != (degrees[i].e7 ? EXCHANGE_FINE : EXCHANGE_NOT_DEGREES))
            fail_msg("\"%s\": fault %d, value %lld", degrees[i].text, (int)fault, (long long)got);
    }
}

/* Expected as UTC texts; the zone is 8 hours east all year. */
static void dates(void **state)
{
    static const exchange_when_format mdy = {EXCHANGE_MONTH_FIRST, false, false},
                                      dmy = {EXCHANGE_DAY_FIRST, false, false},
                                      serial = {EXCHANGE_ORDER_UNKNOWN, true, false},
                                      mac = {EXCHANGE_ORDER_UNKNOWN, true, true};
    static const struct {
        const char *text;
        const exchange_when_format *f;
        exchange_fault fault;
        const char *utc; /* local unless the text names an offset */
    } cases[] = {
        {"2026-03-02 09:05:00", NULL, EXCHANGE_FINE, "2026-03-02T09:05:00Z"},
        {"2026-03-02 09:05", NULL, EXCHANGE_FINE, "2026-03-02T09:05:00Z"},
        {"2026/3/2 9:05", NULL, EXCHANGE_FINE, "2026-03-02T09:05:00Z"},
        {"２０２６／３／２　９：０５", NULL, EXCHANGE_FINE, "2026-03-02T09:05:00Z"},
        {"2026-3-2", NULL, EXCHANGE_FINE, "2026-03-02T00:00:00Z"},
        {"2026.3.2", NULL, EXCHANGE_FINE, "2026-03-02T00:00:00Z"},
        {"20260302", NULL, EXCHANGE_FINE, "2026-03-02T00:00:00Z"},
        {"20260302090501", NULL, EXCHANGE_FINE, "2026-03-02T09:05:01Z"},
        {"202603020905", NULL, EXCHANGE_FINE, "2026-03-02T09:05:00Z"},
        {"20260302T090501Z", NULL, EXCHANGE_FINE, "2026-03-02T09:05:01Z"},
        {"2026年3月2日", NULL, EXCHANGE_FINE, "2026-03-02T00:00:00Z"},
        {"2026 年 3 月 2 日", NULL, EXCHANGE_FINE, "2026-03-02T00:00:00Z"},
        {"2026年3月2号 14:30", NULL, EXCHANGE_FINE, "2026-03-02T14:30:00Z"},
        {"2026年3月2日14时30分05秒", NULL, EXCHANGE_FINE, "2026-03-02T14:30:05Z"},
        {"2026年3月2日 下午2时30分", NULL, EXCHANGE_FINE, "2026-03-02T14:30:00Z"},
        {"2026年3月2日 下午2点半", NULL, EXCHANGE_FINE, "2026-03-02T14:30:00Z"},
        {"2026年3月2日上午9点", NULL, EXCHANGE_FINE, "2026-03-02T09:00:00Z"},
        {"2026年3月2日 凌晨12:10", NULL, EXCHANGE_FINE, "2026-03-02T00:10:00Z"},
        {"2026年3月2日 中午12点30分", NULL, EXCHANGE_FINE, "2026-03-02T12:30:00Z"},
        {"2026年3月2日 晚上8:15", NULL, EXCHANGE_FINE, "2026-03-02T20:15:00Z"},
        {"2026年3月2日 下午14:30", NULL, EXCHANGE_FINE, "2026-03-02T14:30:00Z"},
        {"2026年3月2日 星期一 09:05", NULL, EXCHANGE_FINE, "2026-03-02T09:05:00Z"},
        {"2026-03-02（周一）9:05", NULL, EXCHANGE_FINE, "2026-03-02T09:05:00Z"},
        {"2026/3/2 9:05:00 PM", NULL, EXCHANGE_FINE, "2026-03-02T21:05:00Z"},
        {"2026/3/2 12:05 AM", NULL, EXCHANGE_FINE, "2026-03-02T00:05:00Z"},
        {"2026-03-02T09:05:00+08:00", NULL, EXCHANGE_FINE, "2026-03-02T01:05:00Z"},
        {"2026-03-02T09:05:00.25Z", NULL, EXCHANGE_FINE, "2026-03-02T09:05:00.250Z"},
        {"2026-03-02 09:05:00 +0800", NULL, EXCHANGE_FINE, "2026-03-02T01:05:00Z"},
        {"2026-03-02T23:30:00-0130", NULL, EXCHANGE_FINE, "2026-03-03T01:00:00Z"},
        {"2026-03-02 24:00", NULL, EXCHANGE_FINE, "2026-03-03T00:00:00Z"},
        {"2024-02-29", NULL, EXCHANGE_FINE, "2024-02-29T00:00:00Z"},
        {"3/2/2026", &mdy, EXCHANGE_FINE, "2026-03-02T00:00:00Z"},
        {"3/2/2026 9:05", &dmy, EXCHANGE_FINE, "2026-02-03T09:05:00Z"},
        {"31.12.2025", &dmy, EXCHANGE_FINE, "2025-12-31T00:00:00Z"},
        {"46083", &serial, EXCHANGE_FINE, "2026-03-02T00:00:00Z"},
        {"46083.378472222", &serial, EXCHANGE_FINE, "2026-03-02T09:05:00Z"},
        {"46083.99999999", &serial, EXCHANGE_FINE, "2026-03-03T00:00:00Z"},
        {"1", &serial, EXCHANGE_FINE, "1900-01-01T00:00:00Z"},
        {"61", &serial, EXCHANGE_FINE, "1900-03-01T00:00:00Z"},
        {"44621", &mac, EXCHANGE_FINE, "2026-03-02T00:00:00Z"},
        {"60", &serial, EXCHANGE_DATE_IMPOSSIBLE, NULL},
        {"46083", NULL, EXCHANGE_DATE_SERIAL, NULL},
        {"46083.5", NULL, EXCHANGE_DATE_SERIAL, NULL},
        {"3/2/2026", NULL, EXCHANGE_DATE_AMBIGUOUS, NULL},
        {"13/2/2026", NULL, EXCHANGE_DATE_AMBIGUOUS, NULL},
        {"13/2/2026", &mdy, EXCHANGE_DATE_IMPOSSIBLE, NULL},
        {"2026-02-30", NULL, EXCHANGE_DATE_IMPOSSIBLE, NULL},
        {"2025-02-29", NULL, EXCHANGE_DATE_IMPOSSIBLE, NULL},
        {"0000-00-00", NULL, EXCHANGE_DATE_IMPOSSIBLE, NULL},
        {"2026-13-01", NULL, EXCHANGE_DATE_IMPOSSIBLE, NULL},
        {"20261301", NULL, EXCHANGE_DATE_IMPOSSIBLE, NULL},
        {"9999-12-31 24:00", NULL, EXCHANGE_DATE_IMPOSSIBLE, NULL},
        {"2026-03-02 25:00", NULL, EXCHANGE_TIME_IMPOSSIBLE, NULL},
        {"2026-03-02 24:01", NULL, EXCHANGE_TIME_IMPOSSIBLE, NULL},
        {"2026-03-02 09:60", NULL, EXCHANGE_TIME_IMPOSSIBLE, NULL},
        {"2026年3月2日 上午13时", NULL, EXCHANGE_TIME_IMPOSSIBLE, NULL},
        {"2026年3月2日 上午12时", NULL, EXCHANGE_DATE_AMBIGUOUS, NULL},
        {"2026年3月2日 晚上12点", NULL, EXCHANGE_DATE_AMBIGUOUS, NULL},
        {"2026年3月", NULL, EXCHANGE_NOT_DATE, NULL},
        {"2026", NULL, EXCHANGE_NOT_DATE, NULL},
        {"26-3-2", NULL, EXCHANGE_NOT_DATE, NULL},
        {"2026-03/02", NULL, EXCHANGE_NOT_DATE, NULL},
        {"2026-03-02 9", NULL, EXCHANGE_NOT_DATE, NULL},
        {"2026-03-02 09:05x", NULL, EXCHANGE_NOT_DATE, NULL},
        {"昨天", NULL, EXCHANGE_NOT_DATE, NULL},
        {"", NULL, EXCHANGE_IS_BLANK, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        exchange_when w;
        int64_t us = 0;
        char text[40] = "";
        const exchange_fault fault = exchange_parse_when(cell(cases[i].text), cases[i].f, &w);
        if (fault == EXCHANGE_FINE) {
            assert_int_equal(exchange_when_to_us(&w, NULL, &us), BASE_LOCAL_UNIQUE);
            base_format_rfc3339(us / 1000000, (int32_t)(us % 1000000 * 1000), text);
        }
        if (us < 0)
            continue;
        if (fault != cases[i].fault || (cases[i].utc != NULL && strcmp(text, cases[i].utc) != 0))
            fail_msg("\"%s\": fault %d, %s", cases[i].text, (int)fault, text);
    }
}

static void dates_before_1970(void **state)
{
    exchange_when w;
    (void)state;
    assert_int_equal(exchange_parse_when(cell("1"), &(exchange_when_format){.serial = true}, &w),
                     EXCHANGE_FINE);
    assert_int_equal(w.days, base_days_from_civil(1900, 1, 1));
    assert_int_equal(exchange_parse_when(cell("61"), &(exchange_when_format){.serial = true}, &w),
                     EXCHANGE_FINE);
    assert_int_equal(w.days, base_days_from_civil(1900, 3, 1));
}

static void local_times(void **state)
{
    base_zone *z;
    exchange_when w;
    int64_t us, again;
    (void)state;
    if (base_zone_load(NULL, "America/New_York", &z, NULL, NULL) != GOV_OK)
        support_skip("no time zone files here");
    exchange_parse_when(cell("2011-07-01 01:32:33"), NULL, &w);
    assert_int_equal(exchange_when_to_us(&w, z, &us), BASE_LOCAL_UNIQUE);
    assert_true(us == INT64_C(1309498353000000));
    exchange_parse_when(cell("2011-11-06 01:30"), NULL, &w);
    assert_int_equal(exchange_when_to_us(&w, z, &us), BASE_LOCAL_REPEATED);
    exchange_parse_when(cell("2011-11-06T01:30-04:00"), NULL, &w);
    assert_int_equal(exchange_when_to_us(&w, z, &again), BASE_LOCAL_UNIQUE);
    assert_true(us == again);
    exchange_parse_when(cell("2011-03-13 02:30"), NULL, &w);
    assert_int_equal(exchange_when_to_us(&w, z, &us), BASE_LOCAL_SKIPPED);
    base_zone_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),       cmocka_unit_test(numbers),
        cmocka_unit_test(money),       cmocka_unit_test(truth_and_degrees),
        cmocka_unit_test(dates),       cmocka_unit_test(dates_before_1970),
        cmocka_unit_test(local_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
