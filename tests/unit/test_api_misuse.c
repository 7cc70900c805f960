/* A host that calls wrongly is told so: arguments that are missing, texts and values that nobody expects, clocks out of range. */
#include "support/api_file.h"
#include "support/community.h"

#include <stdlib.h>
#include <string.h>

/* ---- misuse ---- */

/* Every call with every pointer missing says so, and nothing falls over. */
static void null_arguments_are_told(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    gov *g = c.g;
    gov_value *v = NULL, *map = community_json("{}");
    gov_store *st = NULL;
    gov *other = NULL;
    gov_rulebook *book = NULL;
    gov_simulation *sim = NULL;
    gov_expr *expr = NULL;
    int64_t id = 0;
    size_t len = 0;
    char *text = NULL;
    gov_tick_result tick = {.size = sizeof tick};
    const gov_point p = {0, 0};
    const gov_status got[] = {
        gov_store_open(NULL, NULL, &st, NULL), gov_store_open("x", NULL, NULL, NULL),
        gov_store_upgrade(NULL, NULL, NULL, NULL, NULL),
        gov_store_backup(NULL, "x", NULL, NULL, NULL), gov_store_backup(c.store, NULL, NULL, NULL, NULL),
        gov_open(NULL, NULL, &other, NULL), gov_open("x", NULL, NULL, NULL),
        gov_create(NULL, NULL, "x", &other, NULL), gov_create("x", NULL, NULL, &other, NULL),
        gov_create("x", NULL, "x", NULL, NULL),
        gov_attach(NULL, NULL, &other, NULL), gov_attach(c.store, NULL, NULL, NULL),
        gov_community_create(NULL, NULL, NULL, NULL, NULL), gov_community_create(c.store, NULL, NULL, NULL, NULL),
        gov_community_list(NULL, &v, NULL), gov_community_list(c.store, NULL, NULL),
        gov_install(NULL, NULL, NULL), gov_install(g, NULL, NULL),
        gov_about(NULL, &v, NULL), gov_about(g, NULL, NULL),
        gov_act_as_host(NULL, "x", NULL), gov_act_as_host(g, NULL, NULL),
        gov_act_as(NULL, "x", "x", NULL), gov_act_as(g, NULL, "x", NULL), gov_act_as(g, "x", NULL, NULL),
        gov_act_as_resident(NULL, "x", "x", NULL), gov_act_as_resident(g, NULL, "x", NULL), gov_act_as_resident(g, "x", NULL, NULL),
        gov_begin(NULL, NULL), gov_commit(NULL, NULL), gov_rollback(NULL, NULL),
        gov_set_now(NULL, 1, NULL), gov_run_clock(NULL, NULL),
        gov_time_parse(NULL, "x", &id, NULL), gov_time_parse(g, NULL, &id, NULL), gov_time_parse(g, "x", NULL, NULL),
        gov_time_format(NULL, 0, &text, NULL, NULL), gov_time_format(g, 0, NULL, NULL, NULL),
        gov_record_put(NULL, "unit", "x", map, NULL, NULL), gov_record_put(g, NULL, "x", map, NULL, NULL),
        gov_record_put(g, "unit", NULL, map, NULL, NULL), gov_record_put(g, "unit", "x", NULL, NULL, NULL),
        gov_record_get(NULL, "unit", "x", &v, NULL), gov_record_get(g, NULL, "x", &v, NULL),
        gov_record_get(g, "unit", NULL, &v, NULL), gov_record_get(g, "unit", "x", NULL, NULL),
        gov_record_list(NULL, "unit", NULL, &v, NULL), gov_record_list(g, NULL, NULL, &v, NULL),
        gov_record_list(g, "unit", NULL, NULL, NULL),
        gov_locate(NULL, &p, 1, &id, NULL), gov_locate(g, NULL, 1, &id, NULL), gov_locate(g, &p, 1, NULL, NULL),
        gov_case_open(NULL, "complaint", map, NULL, NULL, NULL), gov_case_open(g, NULL, map, NULL, NULL, NULL),
        gov_case_send(NULL, 1, "x", NULL, NULL, NULL), gov_case_send(g, 1, NULL, NULL, NULL, NULL),
        gov_case_find(NULL, NULL, "x", &id, NULL), gov_case_find(g, NULL, NULL, &id, NULL), gov_case_find(g, NULL, "x", NULL, NULL),
        gov_case_get(NULL, 1, &v, NULL), gov_case_get(g, 1, NULL, NULL),
        gov_case_list(NULL, NULL, &v, NULL), gov_case_list(g, NULL, NULL, NULL),
        gov_case_history(NULL, 1, &v, NULL), gov_case_history(g, 1, NULL, NULL),
        gov_case_explain(NULL, 1, &v, NULL), gov_case_explain(g, 1, NULL, NULL),
        gov_tick(NULL, 0, &tick, NULL),
        gov_journal_read(NULL, 0, 0, &v, NULL), gov_journal_read(g, 0, 0, NULL, NULL), gov_journal_read(g, -1, 0, &v, NULL),
        gov_journal_read(g, 0, 1001, &v, NULL),
        gov_verify(NULL, NULL, NULL, NULL, NULL),
        gov_journal_export(NULL, "x", NULL, NULL), gov_journal_export(g, NULL, NULL, NULL),
        gov_journal_check(NULL, NULL, NULL, NULL, NULL),
        gov_rulebook_load(NULL, NULL, 0, &book, NULL), gov_rulebook_load(NULL, "x", 0, NULL, NULL),
        gov_simulation_open(NULL, NULL, NULL, NULL, &sim, NULL), gov_simulation_open(NULL, "x", NULL, NULL, NULL, NULL),
        gov_simulation_line(NULL, "x", 1, &text, &len, NULL),
        gov_import(NULL, "x", NULL, NULL, NULL), gov_import(g, NULL, NULL, NULL, NULL),
        gov_replayed_until(NULL, &id, NULL), gov_replayed_until(g, NULL, NULL),
        gov_report(NULL, NULL, &v, NULL), gov_report(g, NULL, NULL, NULL),
        gov_report_text(NULL, NULL, &text, NULL, NULL), gov_report_text(g, NULL, NULL, NULL, NULL),
        gov_report_html(NULL, NULL, &text, NULL, NULL), gov_report_html(g, NULL, NULL, NULL, NULL),
        gov_value_from_json(NULL, NULL, 1, &v, NULL), gov_value_from_json(NULL, "1", 1, NULL, NULL),
        gov_value_to_json(NULL, &text, NULL, NULL), gov_value_to_json(map, NULL, NULL, NULL),
        gov_value_set(NULL, "a", map), gov_value_set(map, NULL, map), gov_value_set(map, "a", NULL),
        gov_value_set_string(map, "a", NULL), gov_value_set_text(map, "a", NULL, 3), gov_value_append(NULL, map),
        gov_expr_compile(NULL, NULL, 0, NULL, &expr, NULL) == GOV_OK ? GOV_OK : GOV_E_ARG,
    };
    for (size_t i = 0; i < sizeof got / sizeof got[0]; i++)
        if (got[i] != GOV_E_ARG)
            fail_msg("call %zu of the list answered %d", i, (int)got[i]);
    gov_free(NULL);
    gov_store_free(NULL);
    gov_rulebook_free(NULL);
    gov_simulation_free(NULL);
    gov_value_free(NULL);
    gov_text_free(NULL);
    gov_error_free(NULL);
    gov_expr_free(NULL);
    assert_null(gov_rulebook_id(NULL));
    assert_null(gov_rulebook_version(NULL));
    assert_null(gov_rulebook_digest(NULL));
    assert_int_equal(gov_now(NULL), 0);
    gov_case_options_init(NULL, 100);
    gov_case_query_init(NULL, 100);
    gov_value_free(map);
    assert_gov_ok(gov_verify(g, NULL, NULL, NULL, NULL), (gov_error *){NULL});
    community_free(&c);
}

/* Texts of any length and any bytes: an answer or an error, and the handle works on. */
static void strange_texts_everywhere(void **state)
{
    community c = with_cases(support_store_of(state), 1);
    gov_error *err = NULL;
    char *longest = malloc(300001);
    memset(longest, 'x', 300000);
    longest[300000] = '\0';
    const char *const texts[] = {"", "\xff\xfe", "a\x01z", "\xed\xa0\x80", "$1; DROP TABLE gov_case", "'", "\"", "%s%n", "张三", longest};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *t = texts[i];
        gov_value *v = NULL, *map = gov_value_new_map(NULL);
        gov *g = NULL;
        int64_t id = 0;
        gov_case_options o;
        gov_case_query q;
        gov_rulebook *book = NULL;
        gov_status status[24];
        size_t n = 0;
        (void)gov_value_set_string(map, "category", t);
        (void)gov_value_set_string(map, t, "x");
        gov_case_options_init(&o, sizeof o);
        o.reporter = o.grid = o.source = o.number = o.idempotency_key = t;
        status[n++] = gov_case_open(c.g, "complaint", map, &o, &id, NULL);
        status[n++] = gov_case_open(c.g, t, NULL, NULL, &id, NULL);
        status[n++] = gov_case_send(c.g, 1, t, map, NULL, NULL);
        status[n++] = gov_case_find(c.g, t, t, &id, NULL);
        for (int k = 0; k < 6; k++) {
            gov_case_query_init(&q, sizeof q);
            *(k == 0 ? &q.workflow : k == 1 ? &q.grid : k == 2 ? &q.unit : k == 3 ? &q.field : k == 4 ? &q.equals : &q.cursor) = t;
            if (k == 4)
                q.field = "category";
            status[n] = gov_case_list(c.g, &q, &v, NULL);
            if (status[n++] == GOV_OK)
                gov_value_free(v);
            v = NULL;
        }
        status[n++] = gov_record_put(c.g, t, "k", map, NULL, NULL);
        status[n++] = gov_record_get(c.g, "unit", t, &v, NULL);
        status[n++] = gov_record_get(c.g, t, "k", &v, NULL);
        status[n] = gov_record_list(c.g, "unit", &(gov_record_query){.size = sizeof(gov_record_query), .cursor = t}, &v, NULL);
        if (status[n++] == GOV_OK)
            gov_value_free(v);
        v = NULL;
        status[n] = gov_record_list(c.g, "unit", &(gov_record_query){.size = sizeof(gov_record_query), .order = t}, &v, NULL);
        if (status[n++] == GOV_OK)
            gov_value_free(v);
        v = NULL;
        status[n++] = gov_act_as(c.g, t, "x", NULL);
        status[n++] = gov_act_as_resident(c.g, t, "x", NULL);
        status[n++] = gov_attach(c.store, t, &g, NULL);
        status[n++] = gov_rulebook_load(NULL, t, 0, &book, NULL);
        status[n++] = gov_time_parse(c.g, t, &id, NULL);
        for (size_t k = 0; k < n; k++)
            if (status[k] >= GOV_E_STORE && status[k] < GOV_E_UNSUPPORTED)
                fail_msg("text %zu, call %zu: %d", i, k, (int)status[k]);
        (void)gov_act_as_host(c.g, t, NULL);
        assert_gov_ok(gov_act_as_host(c.g, "test", &err), err);
        gov_value_free(map);
        gov_rulebook_free(book);
        gov_free(g);
    }
    /* What an error quotes is text, whatever it was made of. */
    gov_value *v = NULL;
    assert_gov(GOV_E_INPUT, gov_record_get(c.g, "\xff\xfe\xfd", "x", &v, &err), err);
    const char *message = gov_error_message(err, 0, "zh");
    assert_null(strchr(message, '\xff'));
    gov_error_free(err);
    err = NULL;
    community_open(&c, "complaint", "{'category': 'noise'}");
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    free(longest);
    community_free(&c);
}

/* Values with U+0000 in them, long ones, and lists filtered by them. */
static void odd_values_are_kept_and_found(void **state)
{
    static const char rules[] = "rulebook: odd\nversion: '1'\ntime_zone: Asia/Shanghai\n---\nworkflow: w\nfields:\n"
                                "  a: {type: string, indexed: true}\n  n: {type: int, indexed: true}\n  b: {type: bool, indexed: true}\n"
                                "states: {s: {type: final}}\n";
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL, *page = NULL;
    int64_t id;
    static const char with_nul[] = "a\0b";
    char east[601], other[601];
    for (int i = 0; i < 200; i++)
        memcpy(east + 3 * i, "东", 3);
    east[600] = '\0';
    memcpy(other, east, 601);
    memcpy(other + 597, "西", 3);
    const char *const texts[] = {"12345", "-7", "true", "false", "", "  ", east, other, "x' OR 1"};
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    for (size_t i = 0; i < TEXTS; i++) {
        v = gov_value_new_map(NULL);
        assert_int_equal(gov_value_set_string(v, "a", texts[i]), GOV_OK);
        assert_int_equal(gov_value_set_int(v, "n", (int64_t)i - 3), GOV_OK);
        assert_int_equal(gov_value_set_bool(v, "b", i % 2 == 0), GOV_OK);
        assert_gov_ok(gov_case_open(c.g, "w", v, NULL, &id, &err), err);
        gov_value_free(v);
    }
    v = gov_value_new_map(NULL);
    assert_int_equal(gov_value_set_text(v, "a", with_nul, 3), GOV_OK);
    gov_status status = gov_case_open(c.g, "w", v, NULL, &id, &err);
    assert_true(status == GOV_OK || status == GOV_E_INPUT); /* the same on both engines */
    gov_error_free(err);
    err = NULL;
    gov_value_free(v);
    v = gov_value_new_map(NULL);
    assert_int_equal(gov_value_set_text(v, "name", with_nul, 3), GOV_OK);
    status = gov_record_put(c.g, "unit", "U1", v, NULL, &err);
    assert_true(status == GOV_OK || status == GOV_E_INPUT);
    gov_error_free(err);
    err = NULL;
    gov_value_free(v);
    gov_case_query q;
    for (size_t i = 0; i < TEXTS; i++) {
        gov_case_query_init(&q, sizeof q);
        q.field = "a";
        q.equals = texts[i];
        assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
        if (gov_value_count(gov_value_get(page, "cases")) != 1)
            fail_msg("\"%s\" was found %zu times", texts[i], gov_value_count(gov_value_get(page, "cases")));
        assert_text_at(page, "cases.0.fields.a", texts[i]);
        gov_value_free(page);
    }
    static const struct {
        const char *field, *equals;
        size_t count;
    } asked[] = {{"n", "-3", 1}, {"n", "0", 1}, {"n", "7", 0}, {"b", "true", 5}, {"b", "false", 4}};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        gov_case_query_init(&q, sizeof q);
        q.field = asked[i].field;
        q.equals = asked[i].equals;
        assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
        if (gov_value_count(gov_value_get(page, "cases")) != asked[i].count)
            fail_msg("%s = %s: %zu", asked[i].field, asked[i].equals, gov_value_count(gov_value_get(page, "cases")));
        gov_value_free(page);
    }
    for (int i = 0; i < 2; i++) { /* what the field can never hold is a slip, and no empty answer */
        gov_case_query_init(&q, sizeof q);
        q.field = i == 0 ? "n" : "b";
        q.equals = i == 0 ? "x" : "1";
        assert_int_equal(gov_case_list(c.g, &q, &page, &err), GOV_E_INPUT);
        gov_error_free(err);
        err = NULL;
    }
    community_free(&c);
}

static void the_clock_has_limits(void **state)
{
    community c = with_cases(support_store_of(state), 1);
    gov_error *err = NULL;
    const int64_t end = INT64_C(253402300800) * 1000000;
    TRY(gov_set_now(c.g, end, &e), GOV_E_ARG);
    TRY(gov_set_now(c.g, INT64_MAX, &e), GOV_E_ARG);
    TRY(gov_set_now(c.g, 0, &e), GOV_E_ARG);
    TRY(gov_set_now(c.g, -1, &e), GOV_E_ARG);
    TRY(gov_set_now(c.g, INT64_MIN, &e), GOV_E_ARG);
    assert_true(gov_now(c.g) == COMMUNITY_START);
    assert_gov_ok(gov_set_now(c.g, end - 1, &err), err);
    gov_value *v = community_json("{'category': 'noise'}");
    gov_status status = gov_case_open(c.g, "complaint", v, NULL, NULL, &err); /* its day would end past the last year */
    assert_true(status == GOV_OK || status == GOV_E_RANGE);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_set_now(c.g, 1, &err), err);
    assert_gov_ok(gov_case_open(c.g, "complaint", v, NULL, NULL, &err), err);
    assert_gov_ok(gov_run_clock(c.g, &err), err);
    assert_true(gov_now(c.g) > COMMUNITY_START / 2);
    assert_gov_ok(gov_case_open(c.g, "complaint", v, NULL, NULL, &err), err);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    gov_value_free(v);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(null_arguments_are_told),
        STORE_TESTS(strange_texts_everywhere),
        STORE_TESTS(odd_values_are_kept_and_found),
        STORE_TESTS(the_clock_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
