/* What waits in a community: order, failures that are tried again and parked, children, several handles, groups. */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

static const char rules[] =
    "rulebook: waits\n"
    "version: '1'\n"
    "time_zone: Asia/Shanghai\n"
    "---\n"
    "workflow: job\n"
    "fields: {log: {type: string, default: ''}, bad: {type: int, default: 0}}\n"
    "events: {later: {}, long_ago: {input: {at: {type: timestamp}}}, fail: {}, repair: {}, split: {}, nudge: {}, cancel_it: {}, repeat: {}, stop: {}}\n"
    "states:\n"
    "  run:\n"
    "    on:\n"
    "      later: {do: [{send: {event: nudge, after: PT10M, id: n}}, {send: {event: split, after: PT20M}}]}\n"
    "      long_ago: {do: [{send: {event: nudge, at: event.data.at}}]}\n"
    "      nudge: {do: [{set: {log: case.log + 'n'}}]}\n"
    "      cancel_it: {do: [{cancel: n}]}\n"
    "      repeat: {do: [{send: {event: nudge, after: PT30M, id: n}}, {send: {event: nudge, after: PT31M, id: n}},\n"
    "                    {send: {event: nudge, after: PT32M, id: nn}}, {send: {event: close, to: children, after: PT20M, id: n}}]}\n"
    "      fail: {do: [{send: {event: boom, after: PT1M}}, {set: {log: case.log + 'f'}}]}\n"
    "      boom: {do: [{set: {log: case.log + 'b'}}, {set: {bad: 1 / case.bad}}]}\n"
    "      repair: {do: [{set: {bad: 1}}]}\n"
    "      split: {do: [{open: {workflow: part, link: part}}, {open: {workflow: part, link: part}}]}\n"
    "      child.done: {do: [{set: {log: case.log + event.data.outcome}}]}\n"
    "      stop: {to: end, do: [{send: {event: close, to: children}}]}\n"
    "  end: {type: final}\n"
    "---\n"
    "workflow: part\n"
    "events: {close: {}, done: {}}\n"
    "states:\n"
    "  open: {on: {done: d, close: c}, after: {delay: PT30M, to: d}}\n"
    "  d: {type: final, outcome: D}\n"
    "  c: {type: final, outcome: C}\n";

static void log_is(community *c, int64_t id, const char *want)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    assert_text_at(v, "fields.log", want);
    gov_value_free(v);
}

static gov_tick_result tick_at(community *c, int64_t minutes, uint64_t max)
{
    gov_error *err = NULL;
    gov_tick_result r = {.size = sizeof r};
    assert_gov_ok(gov_set_now(c->g, COMMUNITY_START + minutes * 60000000, &err), err);
    assert_gov_ok(gov_tick(c->g, max, &r, &err), err);
    return r;
}

/* Dates that mean "none" in spreadsheets and databases come before a community's time: what they date is due at once. */
static void timers_of_long_ago_are_due(void **state)
{
    static const char *const days[] = {"1899-12-30T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"};
    community c = community_make(support_store_of(state), rules, NULL);
    const int64_t id = community_open(&c, "job", "{}");
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        char data[80];
        gov_tick_result r = {.size = sizeof r};
        gov_error *err = NULL;
        snprintf(data, sizeof data, "{'at': {'$timestamp': '%s'}}", days[i]);
        community_send(&c, id, "long_ago", data, GOV_OK);
        assert_gov_ok(gov_tick(c.g, 0, &r, &err), err);
        assert_int_equal(r.fired, 1);
        assert_int_equal(r.failed + r.parked, 0);
        assert_int_equal(r.next_us, 0);
    }
    log_is(&c, id, "nnnn");
    assert_true(gov_now(c.g) == COMMUNITY_START);
    community_free(&c);
}

/* As SCXML has it: what is sent twice under one id comes twice, and calling it off calls all of it off, wherever it was sent to. */
static void one_id_may_stand_for_several_messages(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    const int64_t a = community_open(&c, "job", "{}"), b = community_open(&c, "job", "{}");
    community_send(&c, a, "repeat", NULL, GOV_OK);
    community_send(&c, a, "later", NULL, GOV_OK); /* after 10 minutes, under the same id; and two parts after 20 */
    community_send(&c, b, "split", NULL, GOV_OK);
    community_send(&c, b, "repeat", NULL, GOV_OK);
    community_send(&c, b, "later", NULL, GOV_OK);
    (void)tick_at(&c, 5, 0);
    community_send(&c, b, "cancel_it", NULL, GOV_OK);
    (void)tick_at(&c, 29, 0);
    log_is(&c, a, "n");
    log_is(&c, b, ""); /* nor have its parts been closed */
    (void)tick_at(&c, 31, 0);
    log_is(&c, a, "nnn");
    (void)tick_at(&c, 33, 0);
    log_is(&c, a, "nnnn");
    log_is(&c, b, "DDn"); /* the parts' own end after 30, and what was sent under another id */
    community_free(&c);
}

static void timers_fire_in_order_and_can_be_called_off(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    const int64_t a = community_open(&c, "job", "{}"), b = community_open(&c, "job", "{}");
    community_send(&c, a, "later", NULL, GOV_OK);
    community_send(&c, b, "later", NULL, GOV_OK);
    community_send(&c, b, "cancel_it", NULL, GOV_OK);
    gov_tick_result r = tick_at(&c, 9, 0);
    assert_int_equal(r.fired, 0);
    assert_true(r.next_us == COMMUNITY_START + 600000000);
    r = tick_at(&c, 25, 1);
    assert_int_equal(r.fired, 1);
    assert_true(r.next_us == COMMUNITY_START + 1200000000);
    log_is(&c, a, "n");
    r = tick_at(&c, 25, 0);
    assert_int_equal(r.fired, 2);
    log_is(&c, b, "");
    assert_true(r.next_us == COMMUNITY_START + 50 * INT64_C(60000000)); /* the parts, opened at 20 */
    r = tick_at(&c, 60, 0);
    assert_int_equal(r.fired, 8); /* four parts end, each tells its parent */
    assert_int_equal(r.failed + r.parked, 0);
    assert_int_equal(r.next_us, 0);
    log_is(&c, a, "nDD");
    log_is(&c, b, "DD");
    community_free(&c);
}

/* A timer whose step fails changes nothing, is tried again with growing delays, and parked at last; nothing fails in silence. */
static void failures_are_tried_again_and_parked(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    const int64_t a = community_open(&c, "job", "{}"), b = community_open(&c, "job", "{}");
    community_send(&c, a, "fail", NULL, GOV_OK);
    gov_tick_result r = tick_at(&c, 1, 0);
    assert_int_equal(r.fired, 1);
    assert_int_equal(r.failed, 1);
    assert_int_equal(r.parked, 0);
    assert_true(r.next_us == COMMUNITY_START + 2 * INT64_C(60000000)); /* a minute later */
    log_is(&c, a, "f");
    community_send(&c, b, "nudge", NULL, GOV_OK); /* others go on */
    r = tick_at(&c, 2, 0);
    assert_int_equal(r.failed, 1);
    assert_true(r.next_us == COMMUNITY_START + 12 * INT64_C(60000000)); /* ten minutes later */
    assert_gov_ok(gov_case_explain(c.g, a, &v, &err), err);
    assert_true(gov_value_count(gov_value_get(v, "timers")) == 1);
    assert_int_equal(gov_value_bool(gov_value_find(v, "timers.0.parked")), 0);
    assert_non_null(gov_value_string(gov_value_find(v, "timers.0.reason"), NULL));
    gov_value_free(v);
    int failed = 2, parked = 0;
    for (int64_t at = 12; parked == 0 && at < 2000000; at = r.next_us != 0 ? (r.next_us - COMMUNITY_START) / 60000000 : at) {
        r = tick_at(&c, at, 0);
        failed += (int)r.failed;
        parked += (int)r.parked;
        if (r.next_us == 0)
            break;
    }
    assert_int_equal(parked, 1);
    assert_int_equal(failed, 4);
    assert_int_equal(r.next_us, 0);
    log_is(&c, a, "f");
    assert_gov_ok(gov_case_explain(c.g, a, &v, &err), err);
    assert_int_equal(gov_value_bool(gov_value_find(v, "timers.0.parked")), 1);
    gov_value_free(v);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, &v, &err), err);
    assert_int_equal(gov_value_int(gov_value_get(v, "parked")), 1);
    gov_value_free(v);
    assert_gov_ok(gov_case_history(c.g, a, &v, &err), err);
    size_t noted = 0;
    for (size_t i = 0; i < gov_value_count(v); i++)
        noted += strncmp(gov_value_string(gov_value_get(gov_value_at(v, i), "kind"), NULL), "event.", 6) == 0;
    assert_int_equal(noted, 5);
    gov_value_free(v);
    community_free(&c);
}

static void what_was_repaired_goes_through(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    const int64_t a = community_open(&c, "job", "{}");
    community_send(&c, a, "fail", NULL, GOV_OK);
    assert_int_equal(tick_at(&c, 1, 0).failed, 1);
    community_send(&c, a, "repair", NULL, GOV_OK);
    const gov_tick_result r = tick_at(&c, 2, 0);
    assert_int_equal(r.fired, 1);
    assert_int_equal(r.failed, 0);
    log_is(&c, a, "fb");
    assert_int_equal(r.next_us, 0);
    community_free(&c);
}

/* A case that ended tells its children, and takes nothing more from them. */
static void the_end_takes_its_timers_with_it(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    const int64_t a = community_open(&c, "job", "{}");
    community_send(&c, a, "later", NULL, GOV_OK);
    community_send(&c, a, "split", NULL, GOV_OK);
    community_send(&c, a, "stop", NULL, GOV_OK);
    const gov_tick_result r = tick_at(&c, 0, 0);
    assert_int_equal(r.failed + r.parked, 0);
    assert_int_equal(r.next_us, 0);
    gov_value *v = NULL;
    gov_case_query q;
    gov_case_query_init(&q, sizeof q);
    q.flags = GOV_CASE_OPEN_ONLY;
    assert_gov_ok(gov_case_list(c.g, &q, &v, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(v, "cases")), 0);
    gov_value_free(v);
    log_is(&c, a, "");
    community_send(&c, a, "nudge", NULL, GOV_E_REFUSED);
    community_free(&c);
}

/* Each handle sees the timers that another one set, on the same connection and on another. */
static void handles_share_what_waits(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, rules, NULL), other;
    gov_error *err = NULL;
    gov *twin = NULL;
    assert_gov_ok(gov_attach(c.store, NULL, &twin, &err), err);
    assert_gov_ok(gov_act_as_host(twin, "test", &err), err);
    assert_gov_ok(community_try(s->url, NULL, NULL, &other, &err), err);
    community same = {c.store, twin};
    community *const all[] = {&c, &same, &other};
    const int64_t id = community_open(&c, "job", "{}");
    char want[16] = "";
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(tick_at(all[i], 0, 0).next_us, 0);
    for (size_t i = 0; i < 3; i++) {
        const int64_t at = 100 * (int64_t)(i + 1);
        for (size_t k = 0; k < 3; k++)
            assert_gov_ok(gov_set_now(all[k]->g, COMMUNITY_START + at * 60000000, &err), err);
        community_send(all[i], id, "later", NULL, GOV_OK);
        community_send(all[(i + 1) % 3], id, "nudge", NULL, GOV_OK);
        const gov_tick_result r = tick_at(all[(i + 2) % 3], at + 11, 0);
        assert_int_equal(r.fired, 1);
        (void)strcat(want, "nn");
        log_is(all[i], id, want);
        (void)tick_at(all[i], at + 90, 0);
        (void)strcat(want, "DD");
        log_is(all[(i + 1) % 3], id, want);
        assert_int_equal(tick_at(all[(i + 1) % 3], at + 91, 0).next_us, 0);
    }
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    gov_free(twin);
    community_free(&other);
    community_free(&c);
}

static void a_tick_in_a_group_that_is_undone(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    const int64_t id = community_open(&c, "job", "{}");
    community_send(&c, id, "later", NULL, GOV_OK);
    assert_gov_ok(gov_begin(c.g, &err), err);
    assert_int_equal(tick_at(&c, 15, 0).fired, 1);
    log_is(&c, id, "n");
    assert_gov_ok(gov_rollback(c.g, &err), err);
    log_is(&c, id, "");
    assert_int_equal(tick_at(&c, 15, 0).fired, 1);
    log_is(&c, id, "n");
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

static const char circling[] =
    "rulebook: circling\n"
    "version: '1'\n"
    "time_zone: Asia/Shanghai\n"
    "---\n"
    "workflow: zero\n"
    "states: {a: {after: {delay: 0 minutes, to: b}}, b: {after: {delay: 0 minutes, to: a}}}\n"
    "---\n"
    "workflow: back\n"
    "fields: {n: {type: int, default: 0}}\n"
    "states:\n"
    "  a: {after: {at: \"case.n % 2 == 0 ? now : now - duration('3h')\", to: b, do: [{set: {n: case.n + 1}}]}}\n"
    "  b: {after: {at: \"now - duration('1h')\", to: a}}\n"
    "---\n"
    "workflow: spawn\n"
    "states: {a: {entry: [{open: {workflow: spawn}}], on: {never: b}}, b: {type: final}}\n"
    "events: {never: {}}\n"
    "---\n"
    "workflow: three\n"
    "states:\n"
    "  all:\n"
    "    type: parallel\n"
    "    states:\n"
    "      x: {states: {a: {after: {delay: 0 minutes, to: b}}, b: {after: {delay: 0 minutes, to: a}}}}\n"
    "      y: {states: {a: {after: {delay: 0 minutes, to: b}}, b: {after: {delay: 0 minutes, to: a}}}}\n"
    "      z: {on: {ping: {do: [{send: ping}]}}, entry: [{send: ping}]}\n"
    "---\n"
    "workflow: crowd\n"
    "fields: {n: {type: int, default: 0}, more: {type: int, default: 0}}\n"
    "events: {fill: {input: {n: {type: int}}}}\n"
    "states:\n"
    "  a: {on: {fill: {to: b, do: [{set: {n: '0', more: event.data.n}}]}}}\n"
    "  b: {always: [{when: case.n < case.more, to: b, do: [{set: {n: case.n + 1}}, {send: {event: tock, after: 1 hour}}]}, {to: a}]}\n"
    "---\n"
    "workflow: good\n"
    "states: {a: {after: {delay: 1 hour, to: b}}, b: {type: final}}\n";

/* Timers that lead round without delay, or date themselves back: the tick ends, tells what it gave up, and the others go on. */
static void timers_in_a_circle_are_given_up(void **state)
{
    community c = community_make(support_store_of(state), circling, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    const int64_t zero = community_open(&c, "zero", "{}"), back = community_open(&c, "back", "{}"), good = community_open(&c, "good", "{}");
    gov_tick_result r = tick_at(&c, 120, 4000);
    assert_int_equal(r.parked, 0);
    r = tick_at(&c, 120, 0); /* what a tick of so many has counted is known to the next */
    assert_int_equal(r.parked, 2);
    assert_int_equal(r.failed, 0);
    assert_true(r.fired < 2 * 10000);
    assert_int_equal(r.next_us, 0);
    assert_state(&c, good, "b");
    assert_gov_ok(gov_case_history(c.g, zero, &v, &err), err);
    assert_string_equal(gov_value_string(gov_value_get(gov_value_at(v, gov_value_count(v) - 1), "kind"), NULL), "event.parked");
    gov_value_free(v);
    assert_gov_ok(gov_case_get(c.g, back, &v, &err), err);
    assert_int_equal(gov_value_seconds(gov_value_get(v, "opened_at"), NULL), COMMUNITY_START / 1000000);
    gov_value_free(v);
    assert_gov_ok(gov_case_history(c.g, back, &v, &err), err);
    for (size_t i = 0; i + 1 < gov_value_count(v); i += 499) /* nothing before it was opened */
        assert_int_equal(gov_value_seconds(gov_value_get(gov_value_at(v, i), "at"), NULL), COMMUNITY_START / 1000000);
    gov_value_free(v);
    community_free(&c);
}

/* What goes round in one case shares one count, which other handles go on with. */
static void circles_in_one_case_share_one_count(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, circling, NULL);
    gov_error *err = NULL;
    (void)community_open(&c, "three", "{}");
    uint64_t fired = 0, parked = 0;
    for (int i = 0; i < 4; i++) {
        community other;
        assert_gov_ok(community_try(s->url, NULL, NULL, &other, &err), err);
        const gov_tick_result r = tick_at(&other, 120, i < 3 ? 3000 : 0);
        fired += r.fired;
        parked += r.parked;
        community_free(&other);
    }
    assert_int_equal(parked, 3);
    assert_in_range(fired, 10000, 10000 + 3 * 3);
    assert_int_equal(tick_at(&c, 120, 0).fired, 0);
    community_free(&c);
}

/* Ten thousand events may be pending for a case, and not one more. */
static void so_many_may_be_pending_and_no_more(void **state)
{
    community c = community_make(support_store_of(state), circling, NULL);
    const int64_t id = community_open(&c, "crowd", "{}");
    for (int i = 0; i < 14; i++)
        community_send(&c, id, "fill", "{'n': 700}", GOV_OK);
    community_send(&c, id, "fill", "{'n': 201}", GOV_E_LIMIT);
    community_send(&c, id, "fill", "{'n': 200}", GOV_OK);
    community_send(&c, id, "fill", "{'n': 1}", GOV_E_LIMIT);
    assert_state(&c, id, "a");
    community_free(&c);
}

/* A chain of cases that open cases fails once for each of them: the limit is told, and the rule, once. */
static void one_rule_that_fails_is_named_once(void **state)
{
    community c = community_make(support_store_of(state), circling, NULL);
    gov_error *err = NULL;
    int64_t id;
    assert_int_equal(gov_case_open(c.g, "spawn", NULL, NULL, &id, &err), GOV_E_LIMIT);
    assert_int_equal(gov_error_count(err), 2);
    assert_string_equal(gov_error_code(err, 0), "too_large");
    assert_string_equal(gov_error_code(err, 1), "rule_failed");
    gov_error_free(err);
    community_free(&c);
}

/* Nobody is to look for a permission that is called "host". */
static void a_tick_is_the_hosts_alone(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    gov_tick_result r = {.size = sizeof r};
    community_put(&c, "staff", "li", "{'name': '李'}");
    assert_gov_ok(gov_act_as(c.g, "li", "handle_case", &err), err);
    assert_int_equal(gov_tick(c.g, 0, &r, &err), GOV_E_DENIED);
    assert_string_equal(gov_error_code(err, 0), "host_only");
    assert_non_null(strstr(gov_error_message(err, 0, "en"), "only the host program"));
    gov_error_free(err);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(timers_fire_in_order_and_can_be_called_off),
        STORE_TESTS(one_id_may_stand_for_several_messages),
        STORE_TESTS(timers_of_long_ago_are_due),
        STORE_TESTS(failures_are_tried_again_and_parked),
        STORE_TESTS(what_was_repaired_goes_through),
        STORE_TESTS(the_end_takes_its_timers_with_it),
        STORE_TESTS(handles_share_what_waits),
        STORE_TESTS(a_tick_in_a_group_that_is_undone),
        STORE_TESTS(timers_in_a_circle_are_given_up),
        STORE_TESTS(circles_in_one_case_share_one_count),
        STORE_TESTS(so_many_may_be_pending_and_no_more),
        STORE_TESTS(one_rule_that_fails_is_named_once),
        STORE_TESTS(a_tick_is_the_hosts_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
