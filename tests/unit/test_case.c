/* Cases from the outside: what a vendor who links the library relies on, on both stores. */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

static void people(community *c)
{
    community_put(c, "unit", "U1", "{'name': '物业'}");
    community_put(c, "unit", "U2", "{'name': '城管'}");
    community_put(c, "staff", "li", "{'name': '李', 'roles': ['dispatcher']}");
    community_put(c, "staff", "wang", "{'name': '王', 'roles': ['handler'], 'unit': 'U1'}");
    community_put(c, "staff", "zhao", "{'name': '赵', 'roles': ['handler'], 'unit': 'U2'}");
    community_put(c, "resident", "r1", "{'name': '周'}");
}

static void as(community *c, const char *staff)
{
    gov_error *err = NULL;
    if (staff == NULL)
        assert_gov_ok(gov_act_as_host(c->g, "test", &err), err);
    else
        assert_gov_ok(gov_act_as(c->g, staff, "handle_case", &err), err);
}

static gov_value *get(community *c, int64_t id)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    return v;
}

static void life_of_a_complaint(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    people(&c);
    as(&c, "li");
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise'}");
    assert_state(&c, id, "received");
    community_send(&c, id, "finish", NULL, GOV_E_DENIED);
    community_send(&c, id, "dispatch", "{'unit': 'U9'}", GOV_E_INPUT);
    community_send(&c, id, "dispatch", NULL, GOV_E_INPUT);
    community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_E_REFUSED);
    community_send(&c, id, "dispach", NULL, GOV_E_NOT_FOUND);
    as(&c, "zhao"); /* a handler, but of another unit, who does not see the case either */
    community_send(&c, id, "finish", NULL, GOV_E_NOT_FOUND);
    as(&c, "wang");
    community_send(&c, id, "finish", NULL, GOV_OK);
    gov_value *v = get(&c, id);
    assert_text_at(v, "state.0", "closed.done");
    assert_text_at(v, "outcome", "done");
    assert_text_at(v, "unit", "U1");
    assert_text_at(v, "number", "2026-000001");
    assert_int_equal(gov_value_kind(gov_value_find(v, "closed_at")), GOV_VALUE_TIMESTAMP);
    gov_value_free(v);
    community_free(&c);
}

/* 4 hours from 09:00: half of it at 11:00, due at 13:00; what is done at the due instant is in time. */
static void clocks_mark_and_breach(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    people(&c);
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise'}");
    community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    assert_int_equal(community_advance(&c, 119).fired, 0);
    assert_int_equal(community_advance(&c, 1).fired, 1); /* remind */
    assert_int_equal(community_advance(&c, 120).fired, 0); /* exactly due */
    gov_value *v = get(&c, id);
    assert_int_equal(gov_value_bool(gov_value_find(v, "clocks.0.breached")), 0);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.left"), NULL), 0);
    gov_value_free(v);
    const gov_tick_result r = community_advance(&c, 1);
    assert_int_equal(r.fired, 1);
    assert_int_equal(r.next_us, 0);
    v = get(&c, id);
    assert_int_equal(gov_value_bool(gov_value_find(v, "clocks.0.breached")), 1);
    assert_int_equal(gov_value_bool(gov_value_find(v, "fields.late")), 1);
    gov_value_free(v);
    community_free(&c);
}

/* A pause of an hour moves the due instant by an hour; an urgent case has an hour only. */
static void clocks_pause_and_resume(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    people(&c);
    const int64_t id = community_open(&c, "complaint", "{'category': 'leak', 'urgency': 1}");
    community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    community_advance(&c, 20);
    community_send(&c, id, "return", "{'reason': '不归我们'}", GOV_OK);
    community_advance(&c, 60);
    gov_value *v = get(&c, id);
    assert_text_at(v, "clocks.0.state", "paused");
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.consumed"), NULL), 20 * 60);
    gov_value_free(v);
    community_send(&c, id, "rule", "{'granted': false}", GOV_OK);
    v = get(&c, id);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.due"), NULL), COMMUNITY_START / 1000000 + 120 * 60);
    gov_value_free(v);
    community_send(&c, id, "return", "{'reason': '再退'}", GOV_E_REFUSED);
    community_advance(&c, 41);
    v = get(&c, id);
    assert_int_equal(gov_value_bool(gov_value_find(v, "fields.late")), 1);
    gov_value_free(v);
    community_free(&c);
}

static void an_extension_once_and_before_the_breach(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    people(&c);
    const int64_t a = community_open(&c, "complaint", "{'category': 'leak'}");
    const int64_t b = community_open(&c, "complaint", "{'category': 'leak'}");
    community_send(&c, a, "dispatch", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, b, "dispatch", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, a, "extend", NULL, GOV_OK);
    community_send(&c, a, "extend", NULL, GOV_E_REFUSED);
    gov_value *v = get(&c, a);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.due"), NULL), COMMUNITY_START / 1000000 + 6 * 3600);
    gov_value_free(v);
    community_advance(&c, 241);
    community_send(&c, b, "extend", NULL, GOV_E_REFUSED);
    v = get(&c, a);
    assert_int_equal(gov_value_bool(gov_value_find(v, "fields.late")), 0);
    gov_value_free(v);
    community_free(&c);
}

/* "1 day" excludes the day of the event and ends at its close: midnight after Tuesday. */
static void a_timer_survives_closing_the_store(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, community_rules, NULL);
    people(&c);
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise'}");
    community_free(&c);
    gov_error *err = NULL;
    assert_gov_ok(community_try(s->url, NULL, NULL, &c, &err), err);
    assert_int_equal(community_advance(&c, 39 * 60 - 1).fired, 0);
    assert_int_equal(community_advance(&c, 1).fired, 1);
    assert_state(&c, id, "closed.forgotten");
    community_free(&c);
}

static void a_failing_step_changes_nothing(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    people(&c);
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise'}");
    gov_error *err = NULL;
    gov_value *before = NULL, *after = NULL;
    char *a, *b;
    assert_gov_ok(gov_case_explain(c.g, id, &before, &err), err);
    community_send(&c, id, "extend", NULL, GOV_E_REFUSED);
    community_send(&c, id, "dispatch", "{'unit': 'none'}", GOV_E_INPUT);
    assert_gov_ok(gov_case_explain(c.g, id, &after, &err), err);
    assert_gov_ok(gov_value_to_json(before, &a, NULL, &err), err);
    assert_gov_ok(gov_value_to_json(after, &b, NULL, &err), err);
    assert_string_equal(a, b);
    gov_text_free(a);
    gov_text_free(b);
    gov_value_free(before);
    gov_value_free(after);
    community_free(&c);
}

static void sensitive_fields_are_masked_and_looks_recorded(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    people(&c);
    as(&c, "li");
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise', 'phone': '13800001234'}");
    community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    gov_value *v = get(&c, id);
    assert_text_at(v, "fields.phone", "138****1234");
    gov_value_free(v);
    as(&c, "wang");
    v = get(&c, id);
    assert_text_at(v, "fields.phone", "13800001234");
    gov_value_free(v);
    as(&c, NULL);
    v = get(&c, id);
    assert_text_at(v, "fields.phone", "138****1234");
    gov_value_free(v);
    gov_error *err = NULL;
    assert_gov_ok(gov_case_history(c.g, id, &v, &err), err);
    size_t looks = 0;
    for (size_t i = 0; i < gov_value_count(v); i++) {
        const gov_value *kind = gov_value_get(gov_value_at(v, i), "kind");
        if (strcmp(gov_value_string(kind, NULL), "look") == 0) {
            assert_text_at(gov_value_at(v, i), "actor", "wang");
            assert_text_at(gov_value_at(v, i), "field", "phone");
            looks++;
        }
    }
    assert_int_equal(looks, 1);
    assert_text_at(v, "0.set.phone", "138****1234");
    gov_value_free(v);
    community_free(&c);
}

static void groups_and_looks_in_a_group_that_is_undone(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    people(&c);
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise', 'phone': '13800001234'}");
    community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    gov_error *err = NULL;
    gov_value *v = NULL;
    as(&c, "wang");
    assert_gov_ok(gov_begin(c.g, &err), err);
    assert_gov(GOV_E_STATE, gov_begin(c.g, &err), err);
    gov_error_free(err);
    err = NULL;
    v = get(&c, id);
    gov_value_free(v);
    community_send(&c, id, "finish", NULL, GOV_OK);
    community_send(&c, id, "finish", NULL, GOV_E_REFUSED);
    assert_state(&c, id, "closed.done");
    assert_gov_ok(gov_rollback(c.g, &err), err);
    assert_state(&c, id, "handling");
    as(&c, NULL);
    assert_gov_ok(gov_case_history(c.g, id, &v, &err), err);
    const gov_value *last = gov_value_at(v, gov_value_count(v) - 1);
    assert_text_at(last, "kind", "look");
    gov_value_free(v);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

static void numbers_and_requests_are_unique(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    gov_error *err = NULL;
    gov_case_options o;
    gov_value *f = community_json("{'category': 'noise'}"), *other = community_json("{'category': 'leak'}");
    int64_t a, b, found;
    gov_case_options_init(&o, sizeof o);
    o.source = "hotline";
    o.number = "12345-7";
    o.idempotency_key = "request-1";
    assert_gov_ok(gov_case_open(c.g, "complaint", f, &o, &a, &err), err);
    assert_gov_ok(gov_case_open(c.g, "complaint", f, &o, &b, &err), err);
    assert_true(a == b);
    assert_gov(GOV_E_CONFLICT, gov_case_open(c.g, "complaint", other, &o, &b, &err), err);
    gov_error_free(err);
    err = NULL;
    o.idempotency_key = NULL;
    assert_gov(GOV_E_EXISTS, gov_case_open(c.g, "complaint", f, &o, &b, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_case_find(c.g, "hotline", "12345-7", &found, &err), err);
    assert_true(found == a);
    assert_gov_ok(gov_case_find(c.g, NULL, "2026-000001", &found, &err), err);
    assert_true(found == a);
    assert_gov(GOV_E_NOT_FOUND, gov_case_find(c.g, "hotline", "12345-8", &found, &err), err);
    gov_error_free(err);
    gov_value_free(f);
    gov_value_free(other);
    community_free(&c);
}

/* A host that lost the answer sends again: the event happens once, and only the same request counts as the same. */
static void sending_again_changes_nothing(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    gov_error *err = NULL;
    gov_value *dispatch = community_json("{'unit': 'U1'}"), *other = community_json("{'unit': 'U1', 'note': 'x'}"), *history;
    gov_call_options o;
    people(&c);
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise'}");
    gov_call_options_init(&o, sizeof o);
    o.idempotency_key = "again";
    as(&c, "li");
    assert_gov_ok(gov_case_send(c.g, id, "dispatch", dispatch, &o, &err), err);
    assert_gov_ok(gov_case_history(c.g, id, &history, &err), err);
    const size_t entries = gov_value_count(history);
    gov_value_free(history);
    assert_gov_ok(gov_case_send(c.g, id, "dispatch", dispatch, &o, &err), err);
    assert_gov_ok(gov_case_history(c.g, id, &history, &err), err);
    assert_int_equal(gov_value_count(history), entries);
    gov_value_free(history);
    assert_gov(GOV_E_CONFLICT, gov_case_send(c.g, id, "dispatch", other, &o, &err), err);
    gov_error_free(err);
    gov_value_free(dispatch);
    gov_value_free(other);
    community_free(&c);
}

static void lists_page_and_filter(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    people(&c);
    for (int i = 0; i < 7; i++) {
        const int64_t id = community_open(&c, "complaint", i % 2 == 0 ? "{'category': 'noise'}" : "{'category': 'leak'}");
        if (i < 3)
            community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    }
    gov_error *err = NULL;
    gov_value *page = NULL;
    gov_case_query q;
    gov_case_query_init(&q, sizeof q);
    q.limit = 3;
    size_t seen = 0;
    char cursor[64] = "";
    for (int pages = 0; pages < 5; pages++) {
        assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
        seen += gov_value_count(gov_value_get(page, "cases"));
        const char *next = gov_value_string(gov_value_get(page, "next"), NULL);
        if (next != NULL)
            (void)strcpy(cursor, next);
        q.cursor = cursor;
        const bool end = next == NULL;
        gov_value_free(page);
        if (end)
            break;
    }
    assert_int_equal(seen, 7);
    gov_case_query_init(&q, sizeof q);
    q.field = "category";
    q.equals = "leak";
    assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(page, "cases")), 3);
    gov_value_free(page);
    gov_case_query_init(&q, sizeof q);
    q.unit = "U1";
    assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(page, "cases")), 3);
    gov_value_free(page);
    as(&c, "zhao"); /* sees the cases of U2 alone */
    gov_case_query_init(&q, sizeof q);
    assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(page, "cases")), 0);
    gov_value_free(page);
    community_free(&c);
}

static void residents_reach_their_own_cases(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    people(&c);
    community_put(&c, "resident", "r2", "{'name': '吴'}");
    gov_error *err = NULL;
    assert_gov_ok(gov_act_as_resident(c.g, "r1", "own_case", &err), err);
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise'}");
    assert_state(&c, id, "received");
    assert_gov_ok(gov_act_as_resident(c.g, "r2", "own_case", &err), err);
    community_send(&c, id, "withdraw", NULL, GOV_E_NOT_FOUND);
    gov_value *v = NULL;
    assert_gov(GOV_E_NOT_FOUND, gov_case_get(c.g, id, &v, &err), err);
    assert_string_equal(gov_error_code(err, 0), "case_unknown");
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_act_as_resident(c.g, "r1", "own_case", &err), err);
    community_send(&c, id, "withdraw", NULL, GOV_OK);
    assert_state(&c, id, "closed.withdrawn");
    community_free(&c);
}

static void nobody_may_do_anything(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, community_rules, NULL);
    gov *g = NULL;
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_attach(c.store, NULL, &g, &err), err);
    assert_gov(GOV_E_DENIED, gov_case_get(g, 1, &v, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_DENIED, gov_case_open(g, "complaint", NULL, NULL, NULL, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_DENIED, gov_about(g, &v, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_DENIED, gov_tick(g, 0, NULL, &err), err);
    gov_error_free(err);
    gov_store_free(c.store); /* in any order */
    gov_free(c.g);
    gov_free(g);
}

static void the_grid_is_found_by_the_point(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    community_put(&c, "grid", "A", "{'name': '甲', 'geometry': {'type': 'Polygon', 'coordinates': "
                                   "[[[120.0, 30.0], [120.1, 30.0], [120.1, 30.1], [120.0, 30.1], [120.0, 30.0]]]}}");
    community_put(&c, "grid", "B", "{'name': '乙', 'geometry': {'type': 'Polygon', 'coordinates': "
                                   "[[[120.1, 30.0], [120.2, 30.0], [120.2, 30.1], [120.1, 30.1], [120.1, 30.0]]]}}");
    gov_error *err = NULL;
    gov_value *f = community_json("{'category': 'noise'}"), *v = NULL;
    int64_t id;
    assert_int_equal(gov_value_set_point(f, "place", 300500000, 1201500000), GOV_OK);
    assert_gov_ok(gov_case_open(c.g, "complaint", f, NULL, &id, &err), err);
    v = get(&c, id);
    assert_text_at(v, "grid", "B");
    gov_value_free(v);
    gov_value_free(f);
    community_free(&c);
}

/* ---- want of memory ---- */

static gov_status whole_life(community *c, void *user)
{
    (void)user;
    gov_value *f = NULL, *v = NULL;
    int64_t id = 0;
    f = community_json("{'name': '物业'}");
    gov_status status = gov_record_put(c->g, "unit", "U1", f, NULL, NULL);
    gov_value_free(f);
    f = community_json("{'category': 'noise', 'phone': '13800001234'}");
    if (status == GOV_OK)
        status = gov_case_open(c->g, "complaint", f, NULL, &id, NULL);
    gov_value_free(f);
    f = community_json("{'unit': 'U1'}");
    if (status == GOV_OK)
        status = gov_case_send(c->g, id, "dispatch", f, NULL, NULL);
    gov_value_free(f);
    if (status == GOV_OK)
        status = gov_set_now(c->g, COMMUNITY_START + INT64_C(5) * 3600000000, NULL);
    if (status == GOV_OK)
        status = gov_tick(c->g, 0, NULL, NULL);
    if (status == GOV_OK)
        status = gov_case_get(c->g, id, &v, NULL);
    gov_value_free(v);
    v = NULL;
    if (status == GOV_OK)
        status = gov_case_explain(c->g, id, &v, NULL);
    gov_value_free(v);
    v = NULL;
    if (status == GOV_OK)
        status = gov_case_history(c->g, id, &v, NULL);
    gov_value_free(v);
    v = NULL;
    if (status == GOV_OK)
        status = gov_case_list(c->g, NULL, &v, NULL);
    gov_value_free(v);
    if (status == GOV_OK)
        status = gov_verify(c->g, NULL, NULL, NULL, NULL);
    return status;
}

static void want_of_memory_leaks_nothing(void **state)
{
    support_store *s = support_store_of(state);
    if (strcmp(s->kind, "sqlite") != 0)
        support_skip("the loop runs on the embedded store");
    community_without_memory(s, community_rules, whole_life, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(life_of_a_complaint),
        STORE_TESTS(clocks_mark_and_breach),
        STORE_TESTS(clocks_pause_and_resume),
        STORE_TESTS(an_extension_once_and_before_the_breach),
        STORE_TESTS(a_timer_survives_closing_the_store),
        STORE_TESTS(a_failing_step_changes_nothing),
        STORE_TESTS(sensitive_fields_are_masked_and_looks_recorded),
        STORE_TESTS(groups_and_looks_in_a_group_that_is_undone),
        STORE_TESTS(numbers_and_requests_are_unique),
        STORE_TESTS(sending_again_changes_nothing),
        STORE_TESTS(lists_page_and_filter),
        STORE_TESTS(residents_reach_their_own_cases),
        STORE_TESTS(nobody_may_do_anything),
        STORE_TESTS(the_grid_is_found_by_the_point),
        STORE_TEST(want_of_memory_leaks_nothing, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
