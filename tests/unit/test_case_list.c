/* Lists over many cases: what a unit has open is found by an index, and a page takes memory for what it shows alone. */
#include "support/community.h"
#include "support/faulty.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rules[] =
    "rulebook: many\n"
    "version: '1'\n"
    "title: Many\n"
    "languages: [en]\n"
    "time_zone: Asia/Shanghai\n"
    "roles:\n"
    "  officer: {title: Officer, scope: grid}\n"
    "permissions:\n"
    "  case.read: [officer]\n"
    "---\n"
    "workflow: matter\n"
    "fields:\n"
    "  story: {type: string, max_length: 2000}\n"
    "events:\n"
    "  give: {by: [], input: {unit: {type: unit}}}\n"
    "  end: {by: []}\n"
    "states:\n"
    "  here: {on: {give: {do: [{assign: {unit: event.data.unit}}]}, end: gone}}\n"
    "  gone: {type: final}\n";

static int64_t open_one(community *c, const char *grid, const gov_value *fields)
{
    gov_error *err = NULL;
    gov_case_options o;
    int64_t id = 0;
    gov_case_options_init(&o, sizeof o);
    o.grid = grid;
    assert_gov_ok(gov_case_open(c->g, "matter", fields, &o, &id, &err), err);
    return id;
}

static gov_value *list(community *c, const gov_case_query *q)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_list(c->g, q, &v, &err), err);
    return v;
}

static void an_officer_of_few_cases_takes_little(void **state)
{
    enum { CASES = 3000, STORY = 500, MOST = 256 * 1024 };
    struct faulty f;
    faulty_init(&f, -1, false);
    community c = community_make(support_store_of(state), rules, &f.alloc);
    community_put(&c, "grid", "A", "{'name': 'A'}");
    community_put(&c, "grid", "B", "{'name': 'B'}");
    community_put(&c, "staff", "gao", "{'name': 'g', 'roles': ['officer'], 'grids': ['B']}");
    char story[STORY + 1];
    memset(story, 's', STORY);
    story[STORY] = '\0';
    gov_error *err = NULL;
    gov_value *fields = gov_value_new_map(NULL);
    (void)gov_value_set_string(fields, "story", story);
    assert_gov_ok(gov_begin(c.g, &err), err);
    for (int i = 0; i < CASES; i++)
        (void)open_one(&c, i % 1000 == 999 ? "B" : "A", fields);
    assert_gov_ok(gov_commit(c.g, &err), err);
    gov_value_free(fields);
    assert_gov_ok(gov_act_as(c.g, "gao", "visit", &err), err);
    gov_case_query q;
    gov_case_query_init(&q, sizeof q);
    q.limit = 1;
    gov_value_free(list(&c, &q)); /* what stays in memory between calls is there now */
    q.limit = 50;
    for (int narrowed = 0; narrowed < 2; narrowed++) {
        q.grid = narrowed ? "B" : NULL;
        f.peak = f.bytes;
        const size_t before = f.bytes;
        gov_value *page = list(&c, &q);
        const gov_value *cases = gov_value_get(page, "cases");
        assert_int_equal(gov_value_count(cases), 3);
        for (size_t i = 0; i < 3; i++) { /* whole, though the memory that they were read into was used again */
            const gov_value *one = gov_value_at(cases, i);
            assert_text_at(one, "grid", "B");
            assert_text_at(one, "state.0", "here");
            assert_text_at(one, "fields.story", story);
        }
        assert_int_equal(gov_value_kind(gov_value_get(page, "next")), GOV_VALUE_NULL);
        gov_value_free(page);
        if (f.peak - before > MOST)
            fail_msg("a page of 3 out of %d cases took %zu bytes", (int)CASES, f.peak - before);
    }
    community_free(&c);
    assert_int_equal(f.live, 0);
}

/* Against a plain count kept beside: opened, handed over, handed back, ended. */
static void what_a_unit_has_open(void **state)
{
    enum { CASES = 40 };
    static const char *const units[] = {NULL, "U1", "U2"}, *const given[] = {NULL, "{'unit': 'U1'}", "{'unit': 'U2'}"};
    community c = community_make(support_store_of(state), rules, NULL);
    community_put(&c, "unit", "U1", "{'name': '1'}");
    community_put(&c, "unit", "U2", "{'name': '2'}");
    int64_t ids[CASES];
    size_t unit[CASES];
    bool open[CASES];
    for (size_t i = 0; i < CASES; i++) {
        unit[i] = i % 3;
        ids[i] = open_one(&c, NULL, NULL);
        if (unit[i] != 0)
            community_send(&c, ids[i], "give", given[unit[i]], GOV_OK);
    }
    for (size_t i = 0; i < CASES; i++) {
        if (i % 4 == 1) {
            unit[i] = 1 + i % 2;
            community_send(&c, ids[i], "give", given[unit[i]], GOV_OK);
        }
        open[i] = i % 5 != 2;
        if (!open[i])
            community_send(&c, ids[i], "end", NULL, GOV_OK);
    }
    for (size_t u = 0; u < 3; u++) {
        for (int only = 0; only < 2; only++) {
            char cursor[64] = "";
            bool more = true;
            size_t next = 0;
            while (more) {
                gov_case_query q;
                gov_case_query_init(&q, sizeof q);
                q.unit = units[u];
                q.flags = only ? GOV_CASE_OPEN_ONLY : 0;
                q.limit = 3;
                q.cursor = cursor[0] != '\0' ? cursor : NULL;
                gov_value *page = list(&c, &q);
                const gov_value *cases = gov_value_get(page, "cases");
                for (size_t i = 0; i < gov_value_count(cases); i++, next++) {
                    while (next < CASES && ((u != 0 && unit[next] != u) || (only && !open[next])))
                        next++;
                    assert_true(next < CASES);
                    assert_true(gov_value_int(gov_value_get(gov_value_at(cases, i), "id")) == ids[next]);
                }
                const char *text = gov_value_string(gov_value_get(page, "next"), NULL);
                more = text != NULL;
                (void)snprintf(cursor, sizeof cursor, "%s", more ? text : "");
                gov_value_free(page);
            }
            for (; next < CASES; next++)
                assert_true((u != 0 && unit[next] != u) || (only && !open[next]));
        }
    }
    community_free(&c);
}

/* The statement is the one that a list by unit of open cases runs. */
static void the_index_answers_for_a_unit(void **state)
{
    static const char sql[] = "EXPLAIN QUERY PLAN SELECT c.id FROM gov_case c WHERE c.community = ?1 AND c.id > ?2 AND c.unit = ?3 "
                              "AND c.closed_us IS NULL ORDER BY c.id LIMIT 256";
    support_store *s = support_store_of(state);
    community c = community_make(s, rules, NULL);
    community_free(&c);
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(s->url + strlen("sqlite:"), &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    bool used = false;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(statement, 3);
        used = used || strstr(step, "gov_case_by_open_unit (community=? AND unit=? AND ") != NULL;
        assert_null(strstr(step, "TEMP B-TREE")); /* already in the order of the ids */
        if (!used)
            print_message("%s\n", step);
    }
    assert_true(used);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(an_officer_of_few_cases_takes_little),
        STORE_TESTS(what_a_unit_has_open),
        STORE_TEST(the_index_answers_for_a_unit, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
