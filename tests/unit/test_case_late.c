/* A host that ticks late, rules that fail, children that speak to their parents: on both stores. */
#include "support/community.h"

#include <string.h>

static void unit(community *c)
{
    community_put(c, "unit", "U1", "{'name': '物业'}");
}

static bool has_entry(community *c, int64_t id, const char *kind, const char *event)
{
    gov_value *v = NULL;
    gov_error *err = NULL;
    bool found = false;
    assert_gov_ok(gov_case_history(c->g, id, &v, &err), err);
    for (size_t i = 0; i < gov_value_count(v); i++) {
        const gov_value *one = gov_value_at(v, i), *name = gov_value_get(one, "event");
        found = found || (strcmp(gov_value_string(gov_value_get(one, "kind"), NULL), kind) == 0 && name != NULL &&
                          strcmp(gov_value_string(name, NULL), event) == 0);
    }
    gov_value_free(v);
    return found;
}

/* Dispatched at 09:00 with four hours, finished at 14:00; nobody ticked in between. */
static void what_was_due_before_an_event_comes_first(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    unit(&c);
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise'}");
    community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(5) * 3600000000, &err), err);
    community_send(&c, id, "finish", NULL, GOV_OK);
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    assert_int_equal(gov_value_bool(gov_value_find(v, "fields.late")), 1);
    gov_value_free(v);
    assert_true(has_entry(&c, id, "case.mark", "overdue"));
    community_free(&c);
}

/* At the due instant itself the event wins. */
static void what_is_done_at_the_due_instant_is_in_time(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    unit(&c);
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise'}");
    community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(4) * 3600000000, &err), err);
    community_send(&c, id, "finish", NULL, GOV_OK);
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    assert_int_equal(gov_value_bool(gov_value_find(v, "fields.late")), 0);
    gov_value_free(v);
    community_free(&c);
}

/* An event that is refused leaves the late timers as they were, too: the call is all or nothing. */
static void a_refused_event_fires_nothing(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    gov_error *err = NULL;
    unit(&c);
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise'}");
    community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(5) * 3600000000, &err), err);
    community_send(&c, id, "rule", "{'granted': true}", GOV_E_REFUSED);
    assert_false(has_entry(&c, id, "case.mark", "overdue"));
    assert_int_equal(community_advance(&c, 0).fired, 2);
    community_free(&c);
}

static const char failing_rules[] =
    "rulebook: failing\nversion: '1'\ntitle: F\nlanguages: [zh]\ntime_zone: Asia/Shanghai\n"
    "---\n"
    "workflow: w\n"
    "fields: {n: {type: int, default: 0}}\n"
    "states:\n"
    "  a:\n"
    "    after: {delay: 1 hour, to: b, do: [{set: {n: 1 / case.n}}]}\n"
    "  b: {type: final}\n";

/* Ten days late: still one try now, and the next one a minute from now. */
static void tries_are_spaced_from_now(void **state)
{
    community c = community_make(support_store_of(state), failing_rules, NULL);
    const int64_t id = community_open(&c, "w", "{}");
    gov_tick_result r = community_advance(&c, 10 * 24 * 60);
    assert_int_equal(r.fired, 1);
    assert_int_equal(r.failed, 1);
    assert_int_equal(r.parked, 0);
    assert_true(r.next_us == gov_now(c.g) + 60000000);
    for (int i = 0; i < 4; i++) {
        r = community_advance(&c, (r.next_us - gov_now(c.g)) / 60000000);
        assert_int_equal(r.failed, i != 3); /* the last one is parked, not tried again */
        assert_int_equal(r.parked, i == 3);
    }
    assert_true(has_entry(&c, id, "event.parked", "@a#0") || r.parked == 1);
    assert_int_equal(community_advance(&c, 100000).fired, 0);
    assert_state(&c, id, "a");
    community_free(&c);
}

static const char family_rules[] =
    "rulebook: family\nversion: '1'\ntitle: F\nlanguages: [zh]\ntime_zone: Asia/Shanghai\n"
    "---\n"
    "workflow: parent\n"
    "fields: {heard: {type: string}}\n"
    "states:\n"
    "  waiting:\n"
    "    entry: [{open: {workflow: child, link: item}}]\n"
    "    on:\n"
    "      child.ready: {do: [{set: {heard: event.data.what}}]}\n"
    "      child.done: over\n"
    "  over: {type: final}\n"
    "---\n"
    "workflow: child\n"
    "events: {go: {}}\n"
    "states:\n"
    "  a: {on: {go: {to: b, do: [{send: {event: ready, to: parent, data: \"{'what': 'tea'}\"}}]}}}\n"
    "  b: {type: final}\n";

static void children_speak_to_their_parents(void **state)
{
    community c = community_make(support_store_of(state), family_rules, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    const int64_t id = community_open(&c, "parent", "{}");
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    const int64_t child = gov_value_int(gov_value_find(v, "links.0.case"));
    gov_value_free(v);
    community_send(&c, child, "go", NULL, GOV_OK);
    assert_int_equal(community_advance(&c, 0).fired, 2);
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    assert_text_at(v, "fields.heard", "tea");
    assert_text_at(v, "state.0", "over");
    gov_value_free(v);
    community_free(&c);
}

/* The timer that was next is cancelled by the event; a tick must not take it for due ever after. */
static void a_cancelled_timer_is_not_next(void **state)
{
    community c = community_make(support_store_of(state), community_rules, NULL);
    unit(&c);
    const int64_t id = community_open(&c, "complaint", "{'category': 'noise'}");
    assert_true(community_advance(&c, 1).next_us > gov_now(c.g));
    community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, id, "finish", NULL, GOV_OK);
    const gov_tick_result r = community_advance(&c, 100000);
    assert_int_equal(r.fired, 0);
    assert_int_equal(r.next_us, 0);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(what_was_due_before_an_event_comes_first),
        STORE_TESTS(what_is_done_at_the_due_instant_is_in_time),
        STORE_TESTS(a_refused_event_fires_nothing),
        STORE_TESTS(tries_are_spaced_from_now),
        STORE_TESTS(children_speak_to_their_parents),
        STORE_TESTS(a_cancelled_timer_is_not_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
