/* The base room: memory, buffers, maps, text, numbers, dates, diagnostics. */
#include "support/support.h"
#include "support/faulty.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* ---- memory ---- */

static void arenas(void **state)
{
    struct faulty f;
    base_arena arena;

    (void)state;
    faulty_init(&f, -1, false);
    base_arena_init(&arena, &f.alloc);
    for (size_t i = 1; i < 2000; i++) {
        char *p = base_arena_alloc(&arena, i);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t k = 0; k < i; k++)
            assert_int_equal(p[k], 0);
        memset(p, 'x', i);
    }
    assert_string_equal(base_arena_strdup(&arena, "网格"), "网格");
    assert_string_equal(base_arena_strndup(&arena, "abc", 2), "ab");
    assert_null(base_arena_alloc(&arena, SIZE_MAX));
    assert_null(base_arena_array(&arena, SIZE_MAX / 2, 3));
    assert_null(base_arena_strndup(&arena, "", SIZE_MAX));
    base_arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    const long calls = f.calls;
    for (int i = 0; i < 100; i++) { /* a loop settles at no allocation */
        for (int k = 0; k < 100; k++)
            assert_non_null(base_arena_alloc(&arena, 1000));
        base_arena_reset(&arena);
    }
    assert_true(f.calls <= calls + 1);
    arena.limit = 100;
    assert_non_null(base_arena_alloc(&arena, 96));
    assert_null(base_arena_alloc(&arena, 16));
    base_arena_free(&arena);
    assert_int_equal(f.live, 0);
}

static void arrays(void **state)
{
    int *numbers = NULL;
    size_t cap = 0;

    (void)state;
    assert_null(base_array(NULL, SIZE_MAX, 2));
    assert_null(base_strndup(NULL, "", SIZE_MAX));
    for (size_t n = 0; n < 1000; n++) {
        assert_true(base_grow(NULL, &numbers, &cap, n, sizeof *numbers));
        numbers[n] = (int)n;
    }
    for (int n = 0; n < 1000; n++)
        assert_int_equal(numbers[n], n);
    assert_false(base_grow(NULL, &numbers, &cap, SIZE_MAX - 1, sizeof *numbers));
    base_free(NULL, numbers);
    base_free(NULL, NULL);
}

static void buffers(void **state)
{
    base_buf b;
    size_t len;
    struct faulty f;

    (void)state;
    base_buf_init(&b, NULL);
    base_buf_str(&b, "a");
    base_buf_char(&b, 'b');
    base_buf_int(&b, INT64_MIN);
    base_buf_uint(&b, UINT64_MAX);
    base_buf_fmt(&b, "%s-%d", "c", 7);
    assert_string_equal(b.data, "ab-922337203685477580818446744073709551615c-7");
    base_buf_clear(&b);
    base_buf_be16(&b, 0x0102);
    base_buf_be32(&b, 0x03040506);
    base_buf_be64(&b, 0x0708090a0b0c0d0e);
    assert_int_equal(b.len, 14);
    for (size_t i = 0; i < 14; i++)
        assert_int_equal(b.data[i], i + 1);
    char *taken = base_buf_take(&b, &len);
    assert_int_equal(len, 14);
    base_free(NULL, taken);
    taken = base_buf_take(&b, &len); /* nothing is an empty text, not NULL */
    assert_string_equal(taken, "");
    assert_int_equal(len, 0);
    base_free(NULL, taken);
    for (size_t i = 0; i < 5000; i++)
        base_buf_char(&b, (char)('a' + i % 26));
    assert_int_equal(strlen(b.data), 5000);
    assert_false(base_buf_reserve(&b, SIZE_MAX));
    assert_true(b.failed);
    base_buf_free(&b);
    faulty_init(&f, 1, false); /* failure is sticky even though later allocations would work */
    base_buf_init(&b, &f.alloc);
    for (int i = 0; i < 1000; i++)
        base_buf_str(&b, "0123456789");
    assert_true(b.failed);
    assert_null(base_buf_take(&b, NULL));
    assert_int_equal(f.live, 0);
}

static void maps(void **state)
{
    static char keys[3000][16];
    base_map m;
    bool fresh;

    (void)state;
    base_map_init(&m, NULL);
    assert_null(base_map_get(&m, "a", 1));
    for (uint64_t i = 0; i < 3000; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "%u", (unsigned)i);
        uint64_t *v = base_map_put(&m, keys[i], strlen(keys[i]), &fresh);
        assert_true(v != NULL && fresh && *v == 0);
        *v = i;
        for (uint64_t k = 0; k <= i; k += 97)
            assert_int_equal(*base_map_get(&m, keys[k], strlen(keys[k])), k);
    }
    assert_int_equal(*base_map_put(&m, "2999", 4, &fresh), 2999);
    assert_false(fresh);
    assert_null(base_map_get(&m, "3000", 4));
    assert_null(base_map_get(&m, "", 0));
    assert_int_equal(m.count, 3000);
    for (size_t i = 0; i < m.count; i++)
        assert_string_equal(m.entries[i].key, keys[i]);
    base_map_clear(&m);
    assert_null(base_map_get(&m, "1", 1));
    *base_map_put(&m, "\0x", 2, NULL) = 5;
    *base_map_put(&m, "\0y", 2, NULL) = 6;
    *base_map_put(&m, "", 0, NULL) = 7;
    assert_int_equal(*base_map_get(&m, "\0x", 2), 5);
    assert_int_equal(*base_map_get(&m, "", 0), 7);
    base_map_free(&m);
}

/* ---- text and numbers ---- */

static void utf8(void **state)
{
    static const struct {
        const char *bytes;
        size_t len, bad;
    } rows[] = {
        {"", 0, 0},
        {"abc", 3, 3},
        {"居民", 6, 6},
        {"\xf0\x9f\x8f\xa0", 4, 4},
        {"a\0b", 3, 3},
        {"\xef\xbf\xbf", 3, 3},
        {"\xf4\x8f\xbf\xbf", 4, 4},
        {"a\x80", 2, 1},
        {"\xc0\x80", 2, 0},
        {"\xc1\xbf", 2, 0},
        {"\xe0\x9f\xbf", 3, 0}, /* overlong */
        {"\xf0\x8f\xbf\xbf", 4, 0},
        {"\xed\xa0\x80", 3, 0},
        {"\xed\xbf\xbf", 3, 0}, /* surrogates */
        {"\xf4\x90\x80\x80", 4, 0},
        {"\xf5\x80\x80\x80", 4, 0},
        {"\xff", 1, 0},
        {"ab\xe5\xb1", 4, 2},
        {"\xe5\xb1\x31", 3, 0},
        {"\xc3", 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(base_utf8_bad(rows[i].bytes, rows[i].len), rows[i].bad);
        assert_int_equal(base_utf8_valid(rows[i].bytes, rows[i].len), rows[i].bad == rows[i].len);
    }
    for (uint32_t cp = 0; cp < 0x110010; cp++) {
        char bytes[4];
        uint32_t back;
        const size_t n = base_utf8_put(cp, bytes);
        const bool scalar = cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
        assert_int_equal(n > 0, scalar);
        if (n > 0) {
            assert_int_equal(base_utf8_next(bytes, n, &back), n);
            assert_int_equal(back, cp);
            assert_int_equal(base_utf8_next(bytes, n - 1, &back), 0);
        }
    }
    assert_int_equal(base_utf8_count("a居民\xf0\x9f\x8f\xa0", 11), 4);
}

static void integers(void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "--1",
                                      "1-",
                                      "99999999999999999999"};
    int64_t n;
    uint64_t u;
    char text[24];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(base_parse_int(bad[i], strlen(bad[i]), &n));
    assert_true(base_parse_int("-9223372036854775808", 20, &n) && n == INT64_MIN);
    assert_true(base_parse_int("9223372036854775807", 19, &n) && n == INT64_MAX);
    assert_true(base_parse_int("007", 3, &n) && n == 7);
    assert_true(base_parse_uint("18446744073709551615", 20, &u) && u == UINT64_MAX);
    assert_false(base_parse_uint("18446744073709551616", 20, &u));
    assert_false(base_parse_uint("-1", 2, &u));
    assert_int_equal(base_format_int(INT64_MIN, text), 20);
    assert_string_equal(text, "-9223372036854775808");
    base_format_int(0, text);
    assert_string_equal(text, "0");
    assert_false(base_add(INT64_MAX, 1, &n) || base_sub(INT64_MIN, 1, &n) ||
                 base_mul(INT64_MAX, 2, &n));
}

static void degrees(void **state)
{
    static const struct {
        const char *text;
        int64_t e7;
    } good[] = {{"39.9042", 399042000}, {"-116.4074", -1164074000}, {"0", 0},
                {"180", 1800000000},    {"0.00000005", 1},          {"0.00000004", 0},
                {"-0.00000005", -1},    {"1.99999999", 20000000},   {".5", 5000000}};
    static const char *const bad[] = {"",      "-",  ".",  "1e5",   "1,5",
                                      "12345", "+1", " 1", "1.2.3", "nan"};
    int64_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(base_parse_e7(good[i].text, strlen(good[i].text), &n));
        assert_int_equal(n, good[i].e7);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(base_parse_e7(bad[i], strlen(bad[i]), &n));
}

static void doubles(void **state)
{
    static const struct {
        double d;
        const char *text;
    } rows[] = {{0.1, "0.1"},
                {1, "1.0"},
                {-0.0, "-0.0"},
                {1e22, "1e+22"},
                {5e-324, "5e-324"},
                {0x1p-44, "5.684341886080802e-14"}, /* the nearest of 16 digits is another number */
                {0x1p-1022, "2.2250738585072014e-308"},
                {0x1p1023, "8.98846567431158e+307"},
                {1.0 / 3, "0.3333333333333333"},
                {123456789, "123456789.0"}};
    static const char *const bad[] = {"",    "-",  "e",   "1e",  "0x1p3", "inf",
                                      "nan", "1 ", "1,5", "--1", "1.2.3"};
    char text[32];
    double d;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        base_format_double(rows[i].d, text);
        assert_string_equal(text, rows[i].text);
    }
    uint64_t noise = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        double back;
        noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
        memcpy(&d, &noise, sizeof d);
        if (!isfinite(d))
            continue;
        const size_t len = base_format_double(d, text);
        assert_true(base_parse_double(text, len, &back));
        assert_memory_equal(&back, &d, sizeof d);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(base_parse_double(bad[i], strlen(bad[i]), &d));
    char many[200];
    memset(many, '1', sizeof many);
    assert_true(base_parse_double(many, sizeof many, &d));
    assert_true(d > 1e198 && d < 1e200);
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL) { /* a host may have a decimal comma */
        assert_true(base_parse_double("1.5", 3, &d) && d == 1.5);
        base_format_double(1.5, text);
        assert_string_equal(text, "1.5");
        assert_non_null(setlocale(LC_NUMERIC, "C"));
    }
}

/* ---- time ---- */

static void dates(void **state)
{
    static const char *const bad[] = {"2026-2-30",   "2026-02-29", "2100-02-29", "2026-00-01",
                                      "2026-13-01",  "0000-01-01", "2026-01-32", "2026/01/01",
                                      "2026-01-01 ", "",           "20260101",   "2026-01-0a"};
    int64_t days, expected = base_days_from_civil(1, 1, 1);
    char text[11];

    (void)state;
    assert_int_equal(base_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(base_days_from_civil(2000, 3, 1), 11017);
    for (int32_t y = 1; y <= 9999; y++) { /* every day there is, by counting */
        for (unsigned m = 1; m <= 12; m++) {
            for (unsigned d = 1; d <= base_month_length(y, m); d++, expected++) {
                int32_t year;
                unsigned month, day;
                if (base_days_from_civil(y, m, d) != expected)
                    fail_msg("%d-%u-%u", (int)y, m, d);
                base_civil_from_days(expected, &year, &month, &day);
                if (year != y || month != m || day != d)
                    fail_msg("%lld", (long long)expected);
            }
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(base_parse_date(bad[i], strlen(bad[i]), &days));
    assert_true(base_parse_date("2024-02-29", 10, &days));
    base_format_date(days, text);
    assert_string_equal(text, "2024-02-29");
    assert_int_equal(base_weekday(0), 4);
    assert_int_equal(base_weekday(-4), 7);
    assert_true(base_parse_date("2026-03-02", 10, &days));
    assert_int_equal(base_weekday(days), 1);
    assert_int_equal(base_month_length(2000, 2), 29);
    assert_int_equal(base_month_length(1900, 2), 28);
}

static void rfc3339(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
        int32_t nanos;
        const char *back;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0, 0, "1970-01-01T00:00:00Z"},
        {"2009-02-13T23:31:30Z", 1234567890, 0, "2009-02-13T23:31:30Z"},
        {"2026-03-02T09:05:00.5+08:00", 1772413500, 500000000, "2026-03-02T01:05:00.500Z"},
        {"2026-03-02t01:05:00z", 1772413500, 0, "2026-03-02T01:05:00Z"},
        {"1969-12-31T23:59:59.999999Z", -1, 999999000, "1969-12-31T23:59:59.999999Z"},
        {"1969-12-31T23:59:59.000000001Z", -1, 1, "1969-12-31T23:59:59.000000001Z"},
        {"0001-01-01T00:00:00Z", -62135596800, 0, "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59.999999999Z", 253402300799, 999999999,
         "9999-12-31T23:59:59.999999999Z"},
    };
    static const char *const bad[] = {"2026-03-02",
                                      "2026-03-02T09:05Z",
                                      "2026-03-02T09:05:00",
                                      "2026-03-02 09:05:00Z",
                                      "2026-03-02T24:00:00Z",
                                      "2026-03-02T09:60:00Z",
                                      "2026-03-02T09:05:61Z",
                                      "2026-03-02T09:05:00.Z",
                                      "2026-03-02T09:05:00.1234567890Z",
                                      "2026-03-02T09:05:00+0800",
                                      "2026-03-02T09:05:00+24:00",
                                      "2026-03-02T09:05:00ZZ",
                                      "2026-02-30T09:05:00Z",
                                      "",
                                      "0001-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:59-00:01",
                                      "2026-03-02T-9:05:00Z"};
    int64_t s;
    int32_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char text[40];
        assert_true(base_parse_rfc3339(good[i].text, strlen(good[i].text), &s, &n));
        assert_int_equal(s, good[i].seconds);
        assert_int_equal(n, good[i].nanos);
        base_format_rfc3339(s, n, text);
        assert_string_equal(text, good[i].back);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (base_parse_rfc3339(bad[i], strlen(bad[i]), &s, &n))
            fail_msg("%s", bad[i]);
}

/* ---- diagnostics ---- */

static void errors_have_arguments_places_languages(void **state)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    const base_place place = {"规则.yaml", 12, 3};

    (void)state;
    assert_int_equal(base_warn_at(&d, &place, M_bad_argument, A_S("what", "warned")), GOV_OK);
    assert_int_equal(gov_error_status(err), GOV_OK);
    assert_int_equal(base_errors(&d), 0);
    assert_int_equal(base_fail_at(&d, &place, M_too_large, A_S("what", "page"), A_I("limit", -5)),
                     GOV_E_LIMIT);
    assert_int_equal(base_fail(&d, M_zone_unknown, A_N("zone", "Asia/Nowhere and more", 12)),
                     GOV_E_INPUT);
    assert_int_equal(gov_error_count(err), 3);
    assert_int_equal(base_errors(&d), 2);
    assert_int_equal(gov_error_status(err), GOV_E_LIMIT);
    assert_int_equal(gov_error_severity(err, 0), GOV_SEVERITY_WARNING);
    assert_string_equal(gov_error_code(err, 1), "too_large");
    assert_string_equal(gov_error_message(err, 1, "en"), "page exceeds the limit of -5");
    assert_string_equal(gov_error_message(err, 1, NULL), "page exceeds the limit of -5");
    assert_string_equal(gov_error_message(err, 1, "zh-CN"), "page超过上限 -5");
    assert_string_equal(gov_error_origin(err, 1), "规则.yaml");
    assert_int_equal(gov_error_line(err, 1), 12);
    assert_int_equal(gov_error_column(err, 1), 3);
    assert_string_equal(gov_error_argument(err, 2, "zone"), "Asia/Nowhere");
    assert_null(gov_error_argument(err, 2, "zon"));
    assert_null(gov_error_origin(err, 2));
    assert_null(gov_error_code(err, 3));
    assert_null(gov_error_message(err, 3, "en"));
    assert_int_equal(gov_error_line(err, 3), 0);
    gov_error_free(err);
}

static void errors_show_outside_bytes_safely(void **state)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};

    (void)state;
    base_fail(&d, M_zone_unknown, A_N("zone", "a\xff\x1b\n{zone}\0b", 12));
    assert_string_equal(gov_error_argument(err, 0, "zone"), "a?? {zone}?b");
    assert_string_equal(gov_error_message(err, 0, "en"), "unknown time zone \"a?? {zone}?b\"");
    gov_error_free(err);
    err = NULL;
    base_fail(&d, M_zone_unknown, A_S("zone", NULL));
    assert_string_equal(gov_error_argument(err, 0, "zone"), "");
    gov_error_free(err);
}

static void errors_without_a_listener(void **state)
{
    const diag deaf = {NULL, NULL};

    (void)state;
    assert_int_equal(base_fail(NULL, M_overflow, A_S("what", "x")), GOV_E_RANGE);
    assert_int_equal(base_fail(&deaf, M_overflow, A_S("what", "x")), GOV_E_RANGE);
    assert_int_equal(base_nomem(NULL), GOV_E_NOMEM);
    assert_int_equal(gov_error_count(NULL), 0);
    assert_int_equal(gov_error_status(NULL), GOV_OK);
    gov_error_free(NULL);
}

static void errors_travel(void **state)
{
    gov_error *from = NULL, *to = NULL;
    const diag a = {NULL, &from}, b = {NULL, &to};
    const base_place place = {"x.yaml", 2, 1};

    (void)state;
    base_warn_at(&a, &place, M_bad_argument, A_S("what", "w"));
    base_fail_at(&a, &place, M_too_large, A_S("what", "page"), A_I("limit", 7));
    assert_int_equal(base_forward(&b, from), GOV_E_LIMIT);
    gov_error_free(from);
    assert_int_equal(gov_error_count(to), 2);
    assert_string_equal(gov_error_message(to, 1, "en"), "page exceeds the limit of 7");
    assert_string_equal(gov_error_origin(to, 1), "x.yaml");
    assert_int_equal(gov_error_severity(to, 0), GOV_SEVERITY_WARNING);
    gov_error_free(to);
    from = to = NULL;
    base_nomem(&a);
    assert_int_equal(base_forward(&b, from), GOV_E_NOMEM);
    assert_string_equal(gov_error_code(to, 0), "out_of_memory");
    assert_int_equal(base_fail(&b, M_overflow, A_S("what", "x")),
                     GOV_E_RANGE); /* nothing can be added to it */
    assert_int_equal(gov_error_count(to), 1);
    gov_error_free(from);
    gov_error_free(to);
}

static void every_message_is_complete(void **state)
{
    (void)state;
    for (int m = 0; m < M_COUNT_; m++) {
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        const diag_report r = {.message = (base_message)m};
        assert_int_equal(base_report(&d, NULL, GOV_SEVERITY_ERROR, &r),
                         base_message_status((base_message)m));
        assert_true(base_message_status((base_message)m) >= 100);
        assert_true(strlen(gov_error_message(err, 0, "en")) > 0 &&
                    strlen(gov_error_message(err, 0, "zh")) > 0);
        assert_true(base_utf8_valid(gov_error_message(err, 0, "zh"),
                                    strlen(gov_error_message(err, 0, "zh"))));
        gov_error_free(err);
    }
}

static void nearest(void **state)
{
    static const char *const names[] = {"dispatch", "return", "finish", "callback", "on", NULL};

    (void)state;
    assert_string_equal(base_nearest("dipsatch", 8, names, 6), "dispatch"); /* a swap counts once */
    assert_string_equal(base_nearest("retrun", 6, names, 6), "return");
    assert_string_equal(base_nearest("finsh", 5, names, 6), "finish");
    assert_string_equal(base_nearest("in", 2, names, 6), "on");
    assert_null(base_nearest("xyz", 3, names, 6));
    assert_null(base_nearest("", 0, names, 6));
    assert_null(base_nearest("budget", 6, names, 6));
    char longest[100];
    memset(longest, 'a', sizeof longest);
    assert_null(base_nearest(longest, sizeof longest, names, 6));
}

static void digests(void **state)
{
    uint8_t hash[BASE_DIGEST_SIZE], back[BASE_DIGEST_SIZE];
    char hex[2 * BASE_DIGEST_SIZE + 1];

    (void)state;
    base_sha256("abc", 3, hash); /* FIPS 180-2, appendix B.1 */
    base_hex(hash, sizeof hash, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(base_unhex(hex, 64, back));
    assert_memory_equal(hash, back, sizeof hash);
    assert_false(base_unhex("0", 1, back) || base_unhex("0g", 2, back) ||
                 base_unhex("AB", 2, back));
}

static gov_status report_and_forward(const gov_allocator *alloc, void *user)
{
    gov_error *from = NULL, *to = NULL;
    const diag a = {alloc, &from}, b = {alloc, &to};
    const base_place place = {"规则.yaml", 1, 1};
    base_map m;

    (void)user;
    base_map_init(&m, alloc);
    gov_status st = base_warn_at(&a, &place, M_too_large, A_S("what", "page"), A_I("limit", 7));
    for (int i = 0; st == GOV_OK && i < 20; i++)
        st = base_fail_at(&a, &place, M_too_large, A_S("what", "page"), A_I("limit", i)) ==
                     GOV_E_LIMIT
                 ? GOV_OK
                 : GOV_E_NOMEM;
    if (st == GOV_OK)
        st = base_forward(&b, from) == GOV_E_LIMIT ? GOV_OK : GOV_E_NOMEM;
    for (int i = 0; st == GOV_OK && i < 50; i++) {
        static const char text[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
        if (base_map_put(&m, text, (size_t)i, NULL) == NULL)
            st = GOV_E_NOMEM;
    }
    base_map_free(&m);
    gov_error_free(from);
    gov_error_free(to);
    return st;
}

static void out_of_memory(void **state)
{
    (void)state;
    oom_loop(report_and_forward, NULL);
}

/* ---- many diagnostics ---- */

static void more_than_anybody_reads(void **state)
{
    gov_error *err = NULL, *all = NULL;
    const diag d = {&base_malloc, &err}, forwarded = {&base_malloc, &all};
    (void)state;
    for (uint32_t i = 0; i < 2500; i++) {
        const base_place place = {"r.yaml", 5000 - i, 1};
        assert_int_equal(base_warn_at(&d, &place, M_value_without_source, A_S("name", "v")), GOV_OK);
    }
    for (uint32_t i = 0; i < 1003; i++) {
        const base_place place = {"r.yaml", 1 + i, 1};
        assert_int_equal(base_fail_at(&d, &place, M_unknown_key, A_S("key", "k")), GOV_E_RULE);
    }
    assert_int_equal(base_errors(&d), 1003);
    assert_int_equal(base_sort_errors(&d), GOV_OK);
    assert_int_equal(gov_error_status(err), GOV_E_RULE);
    assert_int_equal(gov_error_count(err), 2002);
    assert_int_equal(gov_error_line(err, 0), 1);
    assert_string_equal(gov_error_code(err, 2000), "more_errors");
    assert_int_equal(gov_error_severity(err, 2000), GOV_SEVERITY_ERROR);
    assert_string_equal(gov_error_argument(err, 2000, "count"), "3");
    assert_string_equal(gov_error_code(err, 2001), "more_warnings");
    assert_string_equal(gov_error_message(err, 2001, "en"), "1500 more warnings are not listed");
    assert_int_equal(gov_error_severity(err, 2001), GOV_SEVERITY_WARNING);
    assert_null(gov_error_code(err, 2002));
    assert_int_equal(base_fail(&forwarded, M_unknown_key, A_S("key", "k")), GOV_E_RULE);
    assert_int_equal(base_forward(&forwarded, err), GOV_E_RULE);
    assert_int_equal(gov_error_count(all), 2002);
    assert_string_equal(gov_error_argument(all, 2000, "count"), "4");
    assert_string_equal(gov_error_argument(all, 2001, "count"), "1500");
    gov_error_free(err);
    gov_error_free(all);
}

/* Who is asked for a reason has not given one by a space of any script. */
static void texts_that_say_nothing(void **state)
{
    static const char *const blank[] = {"", " ", "\t\r\n", "\u3000", "\u00a0\u2003", "\u200b\u200d\ufeff", "\u2028\u2029", "\u3164",
                                        "\u2800", "\u202e\u2066"};
    static const char *const said[] = {"x", " x ", "\u3000\u9519", "0", "-", "\u3002", "\xff"};
    (void)state;
    for (size_t i = 0; i < sizeof blank / sizeof *blank; i++)
        assert_true(base_utf8_blank(blank[i], strlen(blank[i])));
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        assert_false(base_utf8_blank(said[i], strlen(said[i])));
    assert_false(base_utf8_blank("\0", 1)); /* a byte that no text has is for others to refuse */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_that_say_nothing),
        cmocka_unit_test(arenas),
        cmocka_unit_test(arrays),
        cmocka_unit_test(buffers),
        cmocka_unit_test(maps),
        cmocka_unit_test(utf8),
        cmocka_unit_test(integers),
        cmocka_unit_test(degrees),
        cmocka_unit_test(doubles),
        cmocka_unit_test(dates),
        cmocka_unit_test(rfc3339),
        cmocka_unit_test(errors_have_arguments_places_languages),
        cmocka_unit_test(errors_show_outside_bytes_safely),
        cmocka_unit_test(errors_without_a_listener),
        cmocka_unit_test(errors_travel),
        cmocka_unit_test(every_message_is_complete),
        cmocka_unit_test(nearest),
        cmocka_unit_test(digests),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(more_than_anybody_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
