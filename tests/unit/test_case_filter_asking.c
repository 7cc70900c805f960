/* What filters of lists refuse, and where; who may ask for what; cursors; and a store that was there before. */
#include "support/community.h"
#include "support/filter_rules.h"
#include "support/lists.h"

#include "case/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is refused, and where ---- */

static gov_status list_where(gov *g, const char *workflow, const char *where, size_t *count,
                             gov_error **err)
{
    gov_case_query q;
    gov_value *page = NULL;
    gov_case_query_init(&q, sizeof q);
    q.workflow = workflow;
    q.where = where;
    q.limit = 1000;
    const gov_status status = gov_case_list(g, &q, &page, err);
    *count = gov_value_count(gov_value_get(page, "cases"));
    gov_value_free(page);
    return status;
}

static void what_the_store_cannot_answer(void **state)
{
    static const struct {
        const char *where, *workflow;
        gov_status status;
        const char *code;
        int line, column;
    } table[] = {
        {"case.rank == 3", NULL, GOV_E_EXPR, "filter_not_indexed", 1, 1},
        {"case.level == 3 &&\n  has(case.rank)", "matter", GOV_E_EXPR, "filter_not_indexed", 2, -1},
        {"case.wait == duration('1h')", "matter", GOV_E_EXPR, "filter_unsorted", 1, 1},
        {"case.other == 3", NULL, GOV_E_EXPR, "filter_mixed", 1, 1},
        {"case.other == 3", "note", GOV_OK, NULL, 0, 0},
        {"case.other == 'x'", "note", GOV_E_EXPR, "no_such_overload", 1, 15},
        {"case.story.contains('x')", NULL, GOV_E_EXPR, "filter_cut", 1, 12},
        {"size(case.story) > 3", NULL, GOV_E_EXPR, "filter_cut", 1, 1},
        {"case.story.endsWith('x')", NULL, GOV_E_EXPR, "filter_cut", 1, 12},
        {"case.text.matches('a+')", NULL, GOV_E_EXPR, "filter_function", 1, 11},
        {"case.text.lowerAscii() == 'a'", NULL, GOV_E_EXPR, "filter_function", 1, 11},
        {"case.text.startsWith(case.kind)", NULL, GOV_E_EXPR, "filter_function", 1, 11},
        {"case.level + 1 == 3", NULL, GOV_E_EXPR, "filter_arithmetic", 1, 12},
        {"case.level % 2 == 0", NULL, GOV_E_EXPR, "filter_arithmetic", 1, 12},
        {"case.happened + duration('1h') < now", NULL, GOV_E_EXPR, "filter_arithmetic", 1, 15},
        {"case.text + 'x' == 'ax'", NULL, GOV_E_EXPR, "filter_arithmetic", 1, 11},
        {"case.opened_at + duration('0.0000001s') < now", NULL, GOV_E_EXPR, "filter_fine", 1, 18},
        {"case.level == case.cost", NULL, GOV_E_EXPR, "filter_pair", 1, 12},
        {"case.number == case.text", NULL, GOV_E_EXPR, "filter_pair", 1, 13},
        {"case.unit == case.grid", NULL, GOV_E_EXPR, "filter_pair", 1, 11},
        {"case.late < true", NULL, GOV_E_EXPR, "filter_term", 1, 11},
        {"case.late in [true]", NULL, GOV_E_EXPR, "filter_term", 1, 11},
        {"case.unit < 'U2'", NULL, GOV_E_EXPR, "filter_key", 1, 11},
        {"case.unit.startsWith('U')", NULL, GOV_E_EXPR, "filter_key", 1, 11},
        {"size(case.who) == 2", NULL, GOV_E_EXPR, "filter_key", 1, 1},
        {"'a' in [case.text]", NULL, GOV_E_EXPR, "filter_term", 1, 5},
        {"['a', 'b'].exists(t, t == case.text)", NULL, GOV_E_EXPR, "filter_term", 1, 12},
        {"(case.late ? case.level : case.cost) == 3", NULL, GOV_E_EXPR, "filter_term", 1, 12},
        {"case.opened_at.getHours() == 9", NULL, GOV_E_EXPR, "filter_function", 1, 16},
        {"count('resident', 'true') > 1", NULL, GOV_E_EXPR, "filter_function", 1, 1},
        {"case.number > 'a' && 1 < count('resident', 'true')", NULL, GOV_E_EXPR, "filter_function", 1, 26},
        {"clocks.answer.left < duration('1h')", NULL, GOV_E_EXPR, "filter_term", 1, 1},
        {"clocks.answer.due == case.opened_at", NULL, GOV_E_EXPR, "filter_pair", 1, 19},
        {"case.story < '" A170 "aaaa'", NULL, GOV_E_EXPR, "filter_long", 1, 12},
        {"case.story.startsWith('" A170 "aaaa')", NULL, GOV_E_EXPR, "filter_long", 1, 12},
        {"case.levle == 3", NULL, GOV_E_EXPR, "undeclared_reference", 1, 1},
        {"case.level == 'x'", NULL, GOV_E_EXPR, "no_such_overload", 1, 15},
        {"case.level", NULL, GOV_E_EXPR, "wrong_result", 1, 1},
        {"case.level ==", NULL, GOV_E_EXPR, "unexpected_end", 1, 14},
        {"level=3", NULL, GOV_E_EXPR, NULL, 1, -1},
        {"", NULL, GOV_E_EXPR, NULL, 1, 1},
        {"In('in')", NULL, GOV_E_EXPR, "filter_history", 1, 4},
        {"In('here')", NULL, GOV_OK, NULL, 0, 0},
        {"In('here')", "note", GOV_E_EXPR, "undeclared_reference", 1, 4},
        {"In('gnoe')", "matter", GOV_E_EXPR, "undeclared_reference", 1, 4},
        {"In('asleep.one.deap')", "matter", GOV_E_EXPR, "undeclared_reference", 1, 4},
        {"In(case.text)", "matter", GOV_E_EXPR, "filter_term", 1, 4},
        {"case.level > 1 / 0", NULL, GOV_E_EXPR, "divide_by_zero", 1, 16},
        {"case.level == \"\xff\"", NULL, GOV_E_INPUT, "bad_utf8", 1, 16},
    };
    community c = community_make(support_store_of(state), rules, NULL);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        gov_error *err = NULL;
        size_t count;
        const gov_status status = list_where(c.g, table[i].workflow, table[i].where, &count, &err);
        if (status != table[i].status)
            print_message("%s\n", table[i].where);
        assert_gov(table[i].status, status, err);
        if (table[i].status != GOV_OK && table[i].line >= 0)
            if (table[i].code != NULL)
                assert_diag(err, 0, table[i].code, table[i].line, table[i].column);
        gov_error_free(err);
    }
    community_free(&c);
}

/* A filter as long as the language allows ends at a limit, soon, and never in the engine. */
static void too_much_to_ask(void **state)
{
    enum { MANY = 3000 };
    community c = community_make(support_store_of(state), rules, NULL);
    char *text = malloc(MANY * 32);
    static const char *const repeated[][3] = {{"case.level == 1", " || case.level == 1", ""},
                                              {"case.text in ['x'", ", 'x'", "]"},
                                              {"!case.late", " == case.late", ""},
                                              {"case.level in [1", ", 1", "]"}};
    for (size_t k = 0; k < ARRAY_LEN(repeated); k++) {
        gov_error *err = NULL;
        size_t count;
        size_t len = (size_t)sprintf(text, "%s", repeated[k][0]);
        for (int i = 0; i < (k == 2 ? 200 : MANY); i++)
            len += (size_t)sprintf(text + len, "%s", repeated[k][1]);
        (void)strcpy(text + len, repeated[k][2]);
        assert_gov(k == 3 ? GOV_OK : GOV_E_LIMIT, list_where(c.g, NULL, text, &count, &err), err);
        gov_error_free(err);
    }
    size_t len = 0; /* each level would be asked for twice */
    for (int i = 0; i < 100; i++)
        len += (size_t)sprintf(text + len, "(");
    len += (size_t)sprintf(text + len, "case.late");
    for (int i = 0; i < 100; i++)
        len += (size_t)sprintf(text + len, " ? case.late : !case.late)");
    gov_error *err = NULL;
    size_t count;
    assert_gov(GOV_E_LIMIT, list_where(c.g, NULL, text, &count, &err), err);
    gov_error_free(err);
    free(text);
    community_free(&c);
}

/* ---- who may ask ---- */

static void open_with_phone(community *c, const char *unit, const char *phone)
{
    char json[100];
    (void)snprintf(json, sizeof json, "{'phone': '%s', 'level': 1}", phone);
    const int64_t id = community_open(c, "matter", json);
    (void)snprintf(json, sizeof json, "{'unit': '%s'}", unit);
    community_send(c, id, "give", json, GOV_OK);
}

/* What is masked cannot be found out by asking for it. */
static void a_masked_field_is_no_oracle(void **state)
{
    static const char *const asking[] = {"case.phone == '13800001234'",
                                         "case.phone.startsWith('138')",
                                         "has(case.phone)",
                                         "case.level == 1 && !(case.phone != '13800001234')",
                                         "case.level == 1 || case.phone == 'x'",
                                         "case.phone in ['13800001234']"};
    gov_error *err = NULL;
    size_t count;
    community c = community_make(support_store_of(state), rules, NULL);
    (void)community_put(&c, "unit", "U1", "{'name': '1'}");
    (void)community_put(&c, "unit", "U2", "{'name': '2'}");
    (void)community_put(&c, "staff", "chen", "{'name': 'c', 'roles': ['clerk']}");
    (void)community_put(&c, "staff", "hua", "{'name': 'h', 'roles': ['handler'], 'unit': 'U1'}");
    (void)community_put(&c, "staff", "both",
                        "{'name': 'b', 'roles': ['handler', 'clerk'], 'unit': 'U1'}");
    open_with_phone(&c, "U1", "13800001234");
    open_with_phone(&c, "U2", "13800001234");
    open_with_phone(&c, "U2", "13900001234");
    for (size_t i = 0; i < ARRAY_LEN(asking); i++) {
        static const struct {
            const char *who, *purpose;
            gov_status want;
        } actors[] = {{NULL, "handle_case", GOV_E_DENIED}, {"chen", "handle_case", GOV_E_DENIED},
                      {"hua", "look", GOV_E_DENIED},       {"both", "look", GOV_E_DENIED},
                      {"hua", "handle_case", GOV_OK},      {"both", "handle_case", GOV_OK}};
        for (size_t k = 0; k < ARRAY_LEN(actors); k++) {
            if (actors[k].who == NULL)
                assert_gov_ok(gov_act_as_host(c.g, actors[k].purpose, &err), err);
            else
                assert_gov_ok(gov_act_as(c.g, actors[k].who, actors[k].purpose, &err), err);
            assert_gov(actors[k].want, list_where(c.g, NULL, asking[i], &count, &err), err);
            if (actors[k].want != GOV_OK)
                assert_diag(err, 0, "filter_hidden", 1, -1);
            else
                assert_int_equal(count, 1); /* of both's cases, the one whose phone is shown */
            gov_error_free(err);
            err = NULL;
        }
    }
    assert_gov_ok(list_where(c.g, NULL, "case.level == 1", &count, &err), err);
    assert_int_equal(count, 3);
    assert_gov_ok(gov_act_as(c.g, "hua", "handle_case", &err), err);
    assert_gov_ok(list_where(c.g, NULL, "case.level == 1", &count, &err), err);
    assert_int_equal(count, 1); /* a scoped role reaches its part, whatever the filter */
    assert_gov_ok(list_where(c.g, NULL, "case.unit == 'U2' || true", &count, &err), err);
    assert_int_equal(count, 1);
    assert_gov_ok(list_where(c.g, NULL, "case.unit == actor.unit", &count, &err), err);
    assert_int_equal(count, 1);
    community_free(&c);
}

/* Constants are values and never text of a statement. */
static void nothing_is_injected(void **state)
{
    static const char *const evil[] = {"x'; DROP TABLE gov_case; --",
                                       "' OR '1'='1",
                                       "\\\" OR 1=1 --",
                                       "$1",
                                       "$2) OR (1=1",
                                       "x\\u0000y",
                                       "%",
                                       "*",
                                       "\\\\",
                                       "(SELECT 1)",
                                       "@",
                                       "NULL"};
    static const char *const shapes[] = {
        "case.text == \"%s\"",          "case.text.startsWith(\"%s\")",
        "case.number.contains(\"%s\")", "case.text.endsWith(\"%s\")",
        "case.unit == \"%s\"",          "case.kind in [\"%s\", \"q\"]",
        "case.story > \"~%s\"",         "case.workflow == \"%s\"",
        "case.text.contains(\"%s\")",   "case.outcome == \"%s\""};
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    size_t count;
    (void)community_open(&c, "matter", "{'text': 'plain', 'story': 'plain'}");
    for (size_t i = 0; i < ARRAY_LEN(evil); i++)
        for (size_t k = 0; k < ARRAY_LEN(shapes); k++) {
            char where[200];
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#endif
            (void)snprintf(where, sizeof where, shapes[k], evil[i]);
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
            assert_gov_ok(list_where(c.g, NULL, where, &count, &err), err);
            assert_int_equal(count, 0);
        }
    assert_gov_ok(list_where(c.g, NULL, "case.text == 'plain'", &count, &err), err);
    assert_int_equal(count, 1);
    community_free(&c);
}

static void a_cursor_belongs_to_its_filter(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    gov_value *page = NULL;
    gov_case_query q;
    for (int i = 0; i < 3; i++)
        (void)community_open(&c, "matter", "{'level': 1}");
    gov_case_query_init(&q, sizeof q);
    q.where = "case.level == 1";
    q.limit = 1;
    assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
    char cursor[64];
    (void)snprintf(cursor, sizeof cursor, "%s",
                   gov_value_string(gov_value_get(page, "next"), NULL));
    gov_value_free(page);
    q.cursor = cursor;
    assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
    gov_value_free(page);
    q.where = "case.level == 2";
    assert_gov(GOV_E_ARG, gov_case_list(c.g, &q, &page, &err), err);
    gov_error_free(err);
    err = NULL;
    q.where = NULL;
    assert_gov(GOV_E_ARG, gov_case_list(c.g, &q, &page, &err), err);
    gov_error_free(err);
    community_free(&c);
}

/* ---- a store that was there before ---- */

static gov_status list_once(community *c, void *user)
{
    (void)user;
    size_t count = 0;
    gov_status status = list_where(
            c->g, NULL,
            "case.level in [1, 2] && (case.text.contains('b') || case.unit == 'U1') && "
            "In('here') && clocks.answer.due > now && "
            "(case.closed_at == null ? now - case.opened_at < duration('1h') : case.story > 'a')",
            &count, NULL);
    if (status == GOV_OK)
        assert_int_equal(count, 1);
    return status;
}

static void a_filter_without_memory(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, rules, NULL);
    (void)community_put(&c, "unit", "U1", "{'name': '1'}");
    const int64_t id = community_open(&c, "matter", "{'level': 1, 'text': 'abc'}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    community_free(&c);
    community_without_memory(s, NULL, list_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(what_the_store_cannot_answer),
        STORE_TESTS(too_much_to_ask),
        STORE_TESTS(a_masked_field_is_no_oracle),
        STORE_TESTS(nothing_is_injected),
        STORE_TEST(a_cursor_belongs_to_its_filter, "sqlite"),
        STORE_TEST(a_filter_without_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
