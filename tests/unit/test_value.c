/* Values: equality, order, their JSON forms, and the public face. */
#include "support/support.h"
#include "support/faulty.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value/value.h"

static base_arena arena;

static int fresh_arena(void **state)
{
    (void)state;
    base_arena_init(&arena, NULL);
    return 0;
}

static int drop_arena(void **state)
{
    (void)state;
    base_arena_free(&arena);
    return 0;
}

static value doc(const char *text)
{
    value v = value_absent();

    if (value_read_document(&arena, text, strlen(text), &v, NULL) != GOV_OK)
        fail_msg("%s", text);
    return v;
}

typedef void writer(base_buf *, value);

static const char *written(writer *write, value v)
{
    base_buf b;

    base_buf_init(&b, NULL);
    write(&b, v);
    assert_false(b.failed);
    const char *text = base_arena_strndup(&arena, b.data, b.len);
    base_buf_free(&b);
    return text;
}

/* ---- equality and order ---- */

static void numbers_compare_exactly(void **state)
{
    /* Ascending; each is below all that follow. */
    const value rising[] = {value_double(-INFINITY),
                            value_double(-1e19),
                            value_int(INT64_MIN),
                            value_int(INT64_MIN + 1),
                            value_double(-1.5),
                            value_int(-1),
                            value_double(-0.5),
                            value_int(0),
                            value_double(5e-324),
                            value_double(0.5),
                            value_uint(1),
                            value_int(9007199254740993),
                            value_double(9007199254740994.0),
                            value_int(INT64_MAX),
                            value_double(9223372036854775808.0),
                            value_uint(9223372036854775809u),
                            value_uint(UINT64_MAX),
                            value_double(18446744073709551616.0),
                            value_double(INFINITY),
                            value_double(NAN)};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rising); i++) {
        for (size_t k = 0; k < ARRAY_LEN(rising); k++) {
            const int want = i < k ? -1 : i > k;
            if (value_compare(rising[i], rising[k]) != want)
                fail_msg("%d and %d", (int)i, (int)k);
            assert_int_equal(value_equal(rising[i], rising[k]),
                             i == k && i + 1 < ARRAY_LEN(rising));
        }
    }
    assert_true(value_equal(value_int(1), value_uint(1)) &&
                value_equal(value_uint(1), value_double(1)));
    assert_true(value_equal(value_double(0.0), value_double(-0.0)));
    assert_false(value_equal(value_double(9007199254740992.0), value_int(9007199254740993)));
    assert_true(value_equal(value_uint(9223372036854775808u), value_double(9223372036854775808.0)));
}

static void other_kinds_compare(void **state)
{
    (void)state;
    assert_false(value_equal(value_bool(true), value_int(1)));
    assert_false(value_equal(value_null(), value_bool(false)));
    assert_true(value_equal(value_null(), value_null()));
    assert_false(value_equal(value_string("a", 1), value_bytes("a", 1)));
    assert_false(value_equal(value_string("a\0b", 3), value_string("a\0c", 3)));
    assert_true(value_equal(value_string(NULL, 0), value_string("", 0)));
    assert_false(value_equal(value_timestamp(1, 0), value_duration(1, 0)));
    assert_false(value_equal(value_timestamp(1, 5), value_timestamp(1, 6)));
    assert_true(value_equal(doc("[1,[2,{\"a\":3}]]"), doc("[1,[2.0,{\"a\":{\"$uint\":\"3\"}}]]")));
    assert_false(value_equal(doc("[1,2]"), doc("[1,2,3]")));
    assert_true(value_equal(doc("{\"a\":1,\"b\":2}"), doc("{\"b\":2,\"a\":1}")));
    assert_false(value_equal(doc("{\"a\":1}"), doc("{\"a\":2}")));
    assert_false(value_equal(doc("{\"a\":1}"), doc("{\"b\":1}")));
    assert_false(value_equal(doc("[{\"$double\":\"NaN\"}]"), doc("[{\"$double\":\"NaN\"}]")));
    assert_true(value_equal(doc("{\"$map\":[[1,2]]}"), doc("{\"$map\":[[{\"$uint\":\"1\"},2]]}")));
    assert_true(value_compare(value_string("a", 1), value_string("ab", 2)) < 0);
    assert_true(value_compare(value_string("b", 1), value_string("ab", 2)) > 0);
    assert_true(value_compare(value_string("\xe5", 1), value_string("z", 1)) >
                0); /* by unsigned bytes */
    assert_true(value_compare(doc("[1,2]"), doc("[1,2,0]")) < 0);
    assert_true(value_compare(doc("[1,3]"), doc("[1,2,0]")) > 0);
    assert_true(value_compare(value_null(), value_int(1)) < 0);
}

static void instants(void **state)
{
    int64_t us;

    (void)state;
    assert_true(value_to_us(value_from_us(-1), &us) && us == -1);
    assert_int_equal(value_from_us(-1).nanos, 999999000);
    assert_true(value_to_us(value_duration(-1, -500000000), &us) && us == -1500000);
    assert_false(value_to_us(value_timestamp(0, 1), &us)); /* a fraction of a microsecond */
    assert_false(value_to_us(value_duration(INT64_MAX, 0), &us));
}

static void lookup_and_building(void **state)
{
    value_builder b;

    (void)state;
    value_builder_init(&b, &arena);
    for (int i = 0; i < 50; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i % 25);
        value_builder_set(&b, base_arena_strdup(&arena, key), value_int(i));
    }
    const value m = value_builder_map(&b);
    assert_int_equal(m.len, 25);
    assert_true(value_equal(value_get_text(m, "k3"), value_int(28)));
    assert_true(value_is(value_get_text(m, "k25"), VALUE_ABSENT));
    assert_true(value_is(value_get_text(value_int(1), "k"), VALUE_ABSENT));
    assert_true(value_is(value_find(doc("{\"$map\":[[1,\"one\"]]}"), value_uint(1)), VALUE_STRING));
    assert_true(value_is_text(value_text("网格"), "网格"));
    assert_true(value_is(value_text(NULL), VALUE_ABSENT));
    value_builder_init(&b, &arena);
    for (int i = 0; i < 100; i++)
        value_builder_add(&b, value_int(i));
    assert_int_equal(value_builder_list(&b).as.items[99].as.i, 99);
    arena.limit = arena.used + 64;
    for (int i = 0; i < 1000; i++)
        value_builder_add(&b, value_int(i));
    assert_true(b.failed);
    arena.limit = 0;
}

static void copies_share_nothing(void **state)
{
    char text[] = "abc";
    value items[] = {value_string(text, 3), value_int(1)};
    value_pair pairs[] = {{value_string(text, 3), value_list(items, 2)}};
    value copy;

    (void)state;
    assert_true(value_copy(&arena, value_map(pairs, 1), &copy));
    memset(text, 'x', 3);
    items[1] = value_null();
    assert_string_equal(written(value_write_document, copy), "{\"abc\":[\"abc\",1]}");
}

/* ---- the document form ---- */

static void documents_read_back(void **state)
{
    static const char *const canonical[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "1.5",
        "-0.0",
        "1e+22",
        "1.0",
        "{\"$uint\":\"18446744073709551615\"}",
        "{\"$double\":\"NaN\"}",
        "{\"$double\":\"-Infinity\"}",
        "\"\"",
        "\"居民\"",
        "\"\\\"\\\\/\\n\\r\\t\\u0001\\u0000\"",
        "{\"$bytes\":\"\"}",
        "{\"$bytes\":\"AP8=\"}",
        "{\"$timestamp\":\"2026-03-02T01:05:00.500Z\"}",
        "{\"$duration\":\"-1.5s\"}",
        "{\"$duration\":\"0s\"}",
        "{\"$duration\":\"0.000000001s\"}",
        "{\"$type\":\"int\"}",
        "[]",
        "[1,[2,[]],{}]",
        "{}",
        "{\"a\":1,\"b\":{\"c\":null}}",
        "{\"$map\":[[true,1],[1,2],[\"a\",3]]}",
        "{\"$map\":[[\"$a\",1]]}",
        "{\"$map\":[[\"a\\u0000b\",1]]}",
        "{\"Z\":1,\"a\":2,\"居\":3}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(canonical); i++)
        assert_string_equal(written(value_write_document, doc(canonical[i])), canonical[i]);
    assert_string_equal(written(value_write_document,
                                doc(" { \"b\" : 1 , \"a\" : [ 1.50 , 1E2 ] } ")),
                        "{\"a\":[1.5,100.0],\"b\":1}");
    assert_string_equal(written(value_write_document, doc("{\"$map\":[[\"b\",1],[\"a\",2]]}")),
                        "{\"a\":2,\"b\":1}");
    assert_string_equal(written(value_write_document, doc("\"\\u5c45\\ud83c\\udfe0/\"")),
                        "\"居\xf0\x9f\x8f\xa0/\"");
}

static void bad_documents(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "nul",
        "'a'",
        "01",
        "1.",
        ".5",
        "+1",
        "NaN",
        "[1] 2",
        "\"\n\"",
        "\"\\x\"",
        "\"\xff\"",
        "\"\\ud800\"",
        "9223372036854775808",
        "1e999",
        "{\"a\":1,\"a\":2}",
        "{a:1}",
        "// x\n1",
        "{\"$uint\":\"-1\"}",
        "{\"$uint\":5}",
        "{\"$int\":\"x\"}",
        "{\"$what\":\"1\"}",
        "{\"$\":\"1\"}",
        "{\"$bytes\":\"*\"}",
        "{\"$bytes\":\"AP8\"}",
        "{\"$timestamp\":\"2026-02-30T00:00:00Z\"}",
        "{\"$timestamp\":\"0001-01-01T00:00:00+01:00\"}",
        "{\"$duration\":\"1\"}",
        "{\"$duration\":\"1.s\"}",
        "{\"$duration\":\"--1s\"}",
        "{\"$duration\":\"1.0000000001s\"}",
        "{\"$duration\":\"s\"}",
        "{\"$map\":{}}",
        "{\"$map\":[[1]]}",
        "{\"$map\":[1]}",
        "{\"$map\":[[1,2],[1,3]]}",
        "{\"$map\":[[1,2],[{\"$uint\":\"1\"},3]]}",
        "{\"$map\":[[1.5,2]]}",
        "{\"$map\":[[null,2]]}",
        "{\"$map\":[[[],2]]}",
        "\xef\xbb\xbf[]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        value v;
        if (value_read_document(&arena, bad[i], strlen(bad[i]), &v, &d) != GOV_E_INPUT)
            fail_msg("%s", bad[i]);
        assert_int_equal(gov_error_count(err), 1);
        gov_error_free(err);
    }
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    value v;
    assert_int_equal(value_read_document(&arena, "{\n \"a\": x}", 10, &v, &d), GOV_E_INPUT);
    assert_diag(err, 0, "bad_json", 2, -1);
    gov_error_free(err);
}

/* `levels` of open, a core, and `levels` of close. */
static char *nested(const char *open, const char *core, const char *close, int levels)
{
    base_buf b;

    base_buf_init(&b, NULL);
    for (int i = 0; i < levels; i++)
        base_buf_str(&b, open);
    base_buf_str(&b, core);
    for (int i = 0; i < levels; i++)
        base_buf_str(&b, close);
    return base_buf_take(&b, NULL);
}

static void depth_has_a_limit(void **state)
{
    static const char *const forms[][2] = {{"[", "]"}, {"{\"a\":", "}"}, {"{\"$map\":[[1,", "]]}"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        value v;
        char *text = nested(forms[i][0], "{\"$uint\":\"7\"}", forms[i][1], VALUE_MAX_DEPTH);
        assert_string_equal(written(value_write_document, doc(text)),
                            text); /* as deep as may be, read back whole */
        free(text);
        text = nested(forms[i][0], "7", forms[i][1], VALUE_MAX_DEPTH + 1);
        assert_int_equal(value_read_document(&arena, text, strlen(text), &v, NULL), GOV_E_LIMIT);
        free(text);
        for (int levels = 1000; levels < 2000000; levels *= 10) {
            text = nested(forms[i][0], "7", forms[i][1], levels);
            const gov_status st = value_read_document(&arena, text, strlen(text), &v, NULL);
            assert_true(st == GOV_E_LIMIT || st == GOV_E_INPUT);
            free(text);
        }
    }
    value v;
    char *text = nested("[", "7", "]", VALUE_MAX_DEPTH + 1);
    assert_int_equal(value_read_json(&arena, text, strlen(text), &v, NULL), GOV_E_LIMIT);
    free(text);
}

static void big_maps_are_read_quickly(void **state)
{
    base_buf b;
    value v;

    (void)state;
    base_buf_init(&b, NULL);
    base_buf_str(&b, "{\"$map\":[");
    for (int i = 0; i < 100000; i++)
        base_buf_fmt(&b, "%s[%d,0]", i > 0 ? "," : "", (i * 7919) % 100003);
    base_buf_str(&b, "]}");
    assert_int_equal(value_read_document(&arena, b.data, b.len, &v, NULL), GOV_OK);
    assert_int_equal(v.len, 100000);
    b.len -= 2;
    base_buf_str(&b, ",[7919,1]]}");
    assert_int_equal(value_read_document(&arena, b.data, b.len, &v, NULL), GOV_E_INPUT);
    base_buf_free(&b);
}

/* ---- the other forms ---- */

static void tagged_form(void **state)
{
    static const char *const texts[] = {"null",
                                        "true",
                                        "\"a\"",
                                        "[{\"int\":\"-5\"},{\"uint\":\"5\"},{\"double\":\"1.5\"}]",
                                        "{\"double\":\"NaN\"}",
                                        "{\"double\":\"Infinity\"}",
                                        "{\"double\":\"-0.0\"}",
                                        "{\"bytes\":\"AP8=\"}",
                                        "{\"map\":[[\"a\",{\"int\":\"1\"}]]}",
                                        "{\"map\":[]}",
                                        "{\"timestamp\":\"2009-02-13T23:31:30Z\"}",
                                        "{\"duration\":\"123.5s\"}",
                                        "{\"type\":\"int\"}"};
    static const char *const bad[] = {"{}",
                                      "{\"int\":\"1\",\"uint\":\"1\"}",
                                      "{\"int\":1}",
                                      "{\"what\":\"1\"}",
                                      "{\"$int\":\"1\"}",
                                      "{\"int\":\"\"}",
                                      "{\"map\":[[{\"double\":\"1.0\"},null]]}"};
    value v;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(value_read_tagged(&arena, texts[i], strlen(texts[i]), &v, NULL), GOV_OK);
        assert_string_equal(written(value_write_tagged, v), texts[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(value_read_tagged(&arena, bad[i], strlen(bad[i]), &v, NULL), GOV_E_INPUT);
}

static void plain_form(void **state)
{
    (void)state;
    assert_string_equal(written(value_write_plain,
                                doc("{\"b\":{\"$uint\":\"5\"},\"a\":[{\"$double\":\"NaN\"},1.5]}")),
                        "{\"b\":5,\"a\":[null,1.5]}");
    assert_string_equal(
        written(value_write_plain,
                doc("[{\"$timestamp\":\"2026-03-02T01:05:00Z\"},{\"$duration\":\"1.5s\"},"
                    "{\"$bytes\":\"AP8=\"},{\"$type\":\"int\"}]")),
        "[\"2026-03-02T01:05:00Z\",\"1.5s\",\"AP8=\",\"int\"]");
    assert_string_equal(written(value_write_plain, doc("{\"$map\":[[1,\"x\"],[true,\"y\"]]}")),
                        "{\"1\":\"x\",\"true\":\"y\"}");
}

static void durations(void **state)
{
    static const char *const good[] = {"0s",    "1s",           "-1s",          "123.5s",
                                       "-0.5s", "0.000000001s", "315576000000s"};
    int64_t s;
    int32_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(value_parse_duration(good[i], strlen(good[i]), &s, &n));
        base_buf b;
        base_buf_init(&b, NULL);
        value_write_duration(&b, s, n);
        assert_string_equal(b.data, good[i]);
        base_buf_free(&b);
    }
    assert_true(value_parse_duration("-0.5s", 5, &s, &n) && s == 0 && n == -500000000);
    assert_false(value_parse_duration("1.5", 3, &s, &n) ||
                 value_parse_duration("99999999999999999999s", 21, &s, &n));
}

/* ---- the public face ---- */

static void public_records(void **state)
{
    gov_value *v = gov_value_new_map(NULL), *list = gov_value_new_list(NULL), *back = NULL;
    gov_error *err = NULL;
    char *text;
    size_t len;
    int32_t nanos;

    (void)state;
    assert_int_equal(gov_value_set_string(v, "category", "noise"), GOV_OK);
    assert_int_equal(gov_value_set_int(v, "urgency", 2), GOV_OK);
    assert_int_equal(gov_value_set_int(v, "urgency", 1), GOV_OK);
    assert_int_equal(gov_value_set_bool(v, "open", 5), GOV_OK);
    assert_int_equal(gov_value_set_double(v, "share", 0.25), GOV_OK);
    assert_int_equal(gov_value_set_timestamp(v, "at", -1), GOV_OK);
    assert_int_equal(gov_value_set_timestamp(v, "at2", INT64_MAX), GOV_E_RANGE);
    assert_int_equal(gov_value_set_point(v, "where", 399042000, 1164074000), GOV_OK);
    assert_int_equal(gov_value_append(list, v), GOV_OK);
    assert_int_equal(gov_value_set(v, "list", list), GOV_OK);
    assert_int_equal(gov_value_set(v, "self", v), GOV_OK); /* a copy, not a circle */
    assert_int_equal(gov_value_set_text(v, "bad", "\xff", 1), GOV_E_ARG);
    assert_int_equal(gov_value_set_string(v, "bad", NULL), GOV_E_ARG);
    assert_int_equal(gov_value_set_int(v, "\xff", 1), GOV_E_ARG);
    assert_int_equal(gov_value_set_int(list, "a", 1), GOV_E_ARG);
    assert_int_equal(gov_value_append(v, list), GOV_E_ARG);
    assert_int_equal(gov_value_count(v), 8);
    assert_string_equal(gov_value_string(gov_value_get(v, "category"), &len), "noise");
    assert_int_equal(len, 5);
    assert_int_equal(gov_value_int(gov_value_get(v, "urgency")), 1);
    assert_int_equal(gov_value_bool(gov_value_get(v, "open")), 1);
    assert_int_equal(gov_value_seconds(gov_value_get(v, "at"), &nanos), -1);
    assert_int_equal(nanos, 999999000);
    assert_int_equal(gov_value_int(gov_value_get(gov_value_get(v, "where"), "lat")), 399042000);
    assert_int_equal(gov_value_int(gov_value_find(v, "where.lat")), 399042000);
    assert_int_equal(gov_value_int(gov_value_find(v, "list.0.urgency")), 1);
    assert_int_equal(gov_value_int(gov_value_find(list, "00.urgency")), 1);
    assert_ptr_equal(gov_value_find(v, "where"), gov_value_get(v, "where"));
    static const char *const nowhere[] = {"", ".", "where.", ".where", "where.lat.x", "list.1", "list.-1", "list.",
                                          "list.0x", "list.99999999999999999999999999", "List", "where..lat"};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++)
        assert_null(gov_value_find(v, nowhere[i]));
    assert_null(gov_value_find(NULL, "where"));
    assert_null(gov_value_find(v, NULL));
    assert_null(gov_value_get(v, "nothing"));
    assert_null(gov_value_at(v, 8));
    assert_string_equal(gov_value_string(gov_value_key_at(v, 0), NULL), "category");
    assert_gov_ok(gov_value_to_json(v, &text, &len, &err), err);
    assert_gov_ok(gov_value_from_json(NULL, text, len, &back, &err), err);
    assert_true(value_equal(*v, *back));
    assert_int_equal(gov_value_set_int(back, "more", 1),
                     GOV_OK); /* what was read can be built upon */
    assert_int_equal(gov_value_count(back), 9);
    gov_text_free(text);
    gov_value_free(v);
    gov_value_free(list);
    gov_value_free(back);
}

static void public_records_have_a_depth(void **state)
{
    gov_value *v = gov_value_new_list(NULL), *back = NULL;
    gov_error *err = NULL;
    gov_status st = GOV_OK;
    char *text;
    size_t len;
    int levels = 0;

    (void)state;
    for (; st == GOV_OK && levels < 1000; levels++) {
        gov_value *outer = gov_value_new_list(NULL);
        st = gov_value_append(outer, v);
        gov_value_free(st == GOV_OK ? v : outer);
        v = st == GOV_OK ? outer : v;
    }
    assert_int_equal(st, GOV_E_LIMIT);
    assert_int_equal(levels, VALUE_MAX_DEPTH + 1);
    assert_gov_ok(gov_value_to_json(v, &text, &len, &err), err);
    assert_gov_ok(gov_value_from_json(NULL, text, len, &back, &err), err);
    assert_true(value_equal(*v, *back));
    gov_text_free(text);
    gov_value_free(v);
    gov_value_free(back);
}

static void public_nulls(void **state)
{
    gov_value *out = NULL;
    gov_error *err = NULL;

    (void)state;
    assert_int_equal(gov_value_kind(NULL), GOV_VALUE_NULL);
    assert_int_equal(gov_value_int(NULL), 0);
    assert_int_equal(gov_value_count(NULL), 0);
    assert_null(gov_value_string(NULL, NULL));
    assert_null(gov_value_get(NULL, "a"));
    assert_int_equal(gov_value_set_int(NULL, "a", 1), GOV_E_ARG);
    assert_int_equal(gov_value_from_json(NULL, NULL, 0, &out, &err), GOV_E_ARG);
    gov_error_free(err);
    gov_value_free(NULL);
    gov_text_free(NULL);
}

/* ---- memory ---- */

static const char rich[] = "{\"a\":[1,{\"$uint\":\"5\"},{\"$bytes\":\"AP8=\"},{\"$map\":[[1,\"x\"],"
                           "[2,[]]]}],\"b\":{\"c\":\"text\"}}";

static gov_status read_and_build(const gov_allocator *alloc, void *user)
{
    gov_error *err = NULL;
    gov_value *v = NULL, *map = gov_value_new_map(alloc);
    gov_status st = gov_value_from_json(alloc, rich, strlen(rich), &v, &err);

    (void)user;
    if (map == NULL)
        st = GOV_E_NOMEM;
    for (int i = 0; st == GOV_OK && i < 20; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        st = gov_value_set(map, key, v);
    }
    if (st == GOV_OK) {
        base_buf b;
        base_buf_init(&b, alloc);
        value_write_document(&b, *map);
        value_write_tagged(&b, *map);
        st = b.failed ? GOV_E_NOMEM : GOV_OK;
        base_buf_free(&b);
    }
    gov_value_free(v);
    gov_value_free(map);
    gov_error_free(err);
    return st;
}

static void out_of_memory(void **state)
{
    (void)state;
    oom_loop(read_and_build, NULL);
}

static void out_of_malloc(void **state)
{
    (void)state;
    oom_loop_malloc(read_and_build, NULL, OOM_ANY_ERROR); /* jansson calls it a syntax error */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_compare_exactly, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(other_kinds_compare, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(instants, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(lookup_and_building, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(copies_share_nothing, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(documents_read_back, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(bad_documents, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(depth_has_a_limit, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(big_maps_are_read_quickly, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(tagged_form, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(plain_form, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(durations, fresh_arena, drop_arena),
        cmocka_unit_test(public_records),
        cmocka_unit_test(public_records_have_a_depth),
        cmocka_unit_test(public_nulls),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(out_of_malloc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
