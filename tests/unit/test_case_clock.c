/* Clocks that go through more than one stretch: late before a pause, longer by an extension, handed over, started again. */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

static const char rules[] =
    "rulebook: clocks\n"
    "version: '1'\n"
    "title: Clocks\n"
    "languages: [en]\n"
    "time_zone: Asia/Shanghai\n"
    "roles: {dispatcher: {title: Dispatcher}}\n"
    "permissions: {case.open: [dispatcher], case.read: [dispatcher]}\n"
    "---\n"
    "workflow: job\n"
    "fields:\n"
    "  reminded: {type: int, default: 0}\n"
    "  late: {type: int, default: 0}\n"
    "  note: {type: string, indexed: true}\n"
    "events:\n"
    "  give: {by: [dispatcher], input: {unit: {type: unit}, staff: {type: staff}}}\n"
    "  wait: {by: [dispatcher]}\n"
    "  go_on: {by: [dispatcher]}\n"
    "  longer: {by: [dispatcher], input: {minutes: {type: int, required: true}}}\n"
    "  done: {by: [dispatcher]}\n"
    "  redo: {by: [dispatcher]}\n"
    "clocks:\n"
    "  term:\n"
    "    starts: [give, redo]\n"
    "    stops: [done]\n"
    "    again: resume\n"
    "    budget: 4 hours\n"
    "    paused_in: [waiting]\n"
    "    marks: {50%: half, 100%: overdue}\n"
    "    extend: {event: longer, amount: {expr: \"duration(string(event.data.minutes) + 'm')\"}}\n"
    "  own:\n"
    "    starts: [give]\n"
    "    stops: [done]\n"
    "    per: holder\n"
    "    budget: 4 hours\n"
    "states:\n"
    "  fresh: {on: {give: {to: working, do: [{if: 'has(event.data.unit)', then: [{assign: {unit: event.data.unit}}]},\n"
    "                                       {if: 'has(event.data.staff)', then: [{assign: {staff: event.data.staff}}]}]}}}\n"
    "  working:\n"
    "    on:\n"
    "      half: {do: [{set: {reminded: case.reminded + 1}}]}\n"
    "      overdue: {do: [{set: {late: case.late + 1}}]}\n"
    "      longer: {do: [{log: longer}]}\n"
    "      wait: waiting\n"
    "      done: finished\n"
    "      give: {do: [{if: 'has(event.data.unit)', then: [{assign: {unit: event.data.unit}}]},\n"
    "                  {if: 'has(event.data.staff)', then: [{assign: {staff: event.data.staff}}]}]}\n"
    "  waiting: {on: {go_on: working}}\n"
    "  finished: {on: {redo: working, half: {do: [{log: half}]}}}\n";

static community make(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    community_put(&c, "unit", "U1", "{'name': '物业'}");
    community_put(&c, "unit", "U2", "{'name': '城管'}");
    community_put(&c, "staff", "wang", "{'name': '王', 'unit': 'U1'}");
    community_put(&c, "staff", "zhao", "{'name': '赵', 'unit': 'U1'}");
    return c;
}

static gov_value *get(community *c, int64_t id)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    return v;
}

/* When the clock at that place is due, in minutes after the start. */
static int64_t due(community *c, int64_t id, const char *path)
{
    gov_value *v = get(c, id);
    const int64_t us = gov_value_seconds(gov_value_find(v, path), NULL) - COMMUNITY_START / 1000000;
    gov_value_free(v);
    return us / 60;
}

static int64_t number(community *c, int64_t id, const char *path)
{
    gov_value *v = get(c, id);
    const int64_t n = gov_value_int(gov_value_find(v, path));
    gov_value_free(v);
    return n;
}

/* Due at 13:00, late, returned at 14:00 and back at 15:00: it was due at 13:00 all the same. */
static void a_pause_after_the_breach_moves_nothing(void **state)
{
    community c = make(state);
    const int64_t id = community_open(&c, "job", "{}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    community_advance(&c, 300);
    assert_int_equal(number(&c, id, "fields.late"), 1);
    community_send(&c, id, "wait", NULL, GOV_OK);
    community_advance(&c, 60);
    community_send(&c, id, "go_on", NULL, GOV_OK);
    assert_int_equal(due(&c, id, "clocks.0.due"), 240);
    community_advance(&c, 60);
    assert_int_equal(number(&c, id, "fields.late"), 1);
    gov_value *v = get(&c, id);
    assert_int_equal(gov_value_bool(gov_value_find(v, "clocks.0.breached")), 1);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.left"), NULL), -2 * 3600); /* 6 hours of 4 */
    gov_value_free(v);
    community_free(&c);
}

/* Half of 4 hours was told at 11:00. At 12:00 it gets 1 hour more: half of 5 hours is past, and told already. It gets 4 more: half
 * of 9 hours lies ahead at 13:30, and is told then. */
static void an_extension_repeats_only_marks_that_lie_ahead(void **state)
{
    community c = make(state);
    const int64_t id = community_open(&c, "job", "{}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    community_advance(&c, 180);
    assert_int_equal(number(&c, id, "fields.reminded"), 1);
    community_send(&c, id, "longer", "{'minutes': 60}", GOV_OK);
    community_advance(&c, 1);
    assert_int_equal(number(&c, id, "fields.reminded"), 1);
    assert_int_equal(due(&c, id, "clocks.0.due"), 300);
    community_send(&c, id, "longer", "{'minutes': 240}", GOV_OK);
    assert_int_equal(due(&c, id, "clocks.0.due"), 540);
    community_advance(&c, 88);
    assert_int_equal(number(&c, id, "fields.reminded"), 1);
    community_advance(&c, 1);
    assert_int_equal(number(&c, id, "fields.reminded"), 2);
    community_send(&c, id, "longer", "{'minutes': -60}", GOV_E_REFUSED);
    community_free(&c);
}

/* 2 hours used, an hour between, 2 hours left. */
static void a_clock_that_resumes_keeps_what_it_used(void **state)
{
    community c = make(state);
    const int64_t id = community_open(&c, "job", "{}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    community_advance(&c, 120);
    community_send(&c, id, "done", NULL, GOV_OK);
    community_advance(&c, 60);
    community_send(&c, id, "redo", NULL, GOV_OK);
    assert_int_equal(due(&c, id, "clocks.0.due"), 300);
    community_advance(&c, 120);
    assert_int_equal(number(&c, id, "fields.late"), 0);
    community_advance(&c, 1);
    assert_int_equal(number(&c, id, "fields.late"), 1);
    community_free(&c);
}

/* Naming somebody of the same unit passes nothing on; another unit, or another person, has the whole budget. */
static void each_holder_has_a_budget_of_its_own(void **state)
{
    community c = make(state);
    const int64_t a = community_open(&c, "job", "{}"), b = community_open(&c, "job", "{}");
    community_send(&c, a, "give", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, b, "give", "{'staff': 'wang'}", GOV_OK); /* no unit at all */
    community_advance(&c, 60);
    community_send(&c, a, "give", "{'staff': 'wang'}", GOV_OK);
    assert_int_equal(due(&c, a, "clocks.1.due"), 240);
    community_send(&c, b, "give", "{'staff': 'zhao'}", GOV_OK);
    assert_int_equal(due(&c, b, "clocks.1.due"), 300);
    community_send(&c, a, "give", "{'staff': 'zhao'}", GOV_OK);
    assert_int_equal(due(&c, a, "clocks.1.due"), 300);
    community_advance(&c, 60);
    community_send(&c, a, "give", "{'unit': 'U2'}", GOV_OK);
    assert_int_equal(due(&c, a, "clocks.1.due"), 360);
    assert_int_equal(due(&c, a, "clocks.0.due"), 240); /* the whole term does not care who */
    community_free(&c);
}

/* Who was late before handing over stays on record. */
static void a_breach_before_handing_over_is_in_the_account(void **state)
{
    community c = make(state);
    gov_error *err = NULL;
    gov_value *v = NULL;
    const int64_t id = community_open(&c, "job", "{}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    community_advance(&c, 300);
    community_send(&c, id, "give", "{'unit': 'U2'}", GOV_OK);
    assert_gov_ok(gov_case_explain(c.g, id, &v, &err), err);
    assert_text_at(v, "clocks.1.account.0.what", "start");
    assert_text_at(v, "clocks.1.account.1.what", "breach");
    assert_text_at(v, "clocks.1.account.2.what", "hand_over");
    assert_text_at(v, "clocks.1.account.3.what", "start");
    gov_value_free(v);
    community_free(&c);
}

/* An index holds a part of a long text; what differs behind it is another text all the same, and no character is cut in two. */
static void long_texts_are_found_whole(void **state)
{
    community c = make(state);
    char text[2][1024], json[1100];
    gov_error *err = NULL;
    gov_value *page = NULL;
    for (int i = 0; i < 2; i++) {
        text[i][0] = '\0';
        for (int k = 0; k < 100; k++)
            (void)strcat(text[i], "路");
        (void)strcat(text[i], i == 0 ? "甲" : "乙");
        (void)snprintf(json, sizeof json, "{'note': 'a%s'}", text[i]);
        community_open(&c, "job", json);
        (void)snprintf(json, sizeof json, "{'note': 'ab%s'}", text[i]);
        community_open(&c, "job", json);
    }
    gov_case_query q;
    gov_case_query_init(&q, sizeof q);
    (void)snprintf(json, sizeof json, "a%s", text[1]);
    q.field = "note";
    q.equals = json;
    assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(page, "cases")), 1);
    assert_text_at(page, "cases.0.fields.note", json);
    gov_value_free(page);
    community_free(&c);
}

static size_t listed(community *c, const char *where, bool overdue)
{
    gov_error *err = NULL;
    gov_value *page = NULL;
    gov_case_query q;
    gov_case_query_init(&q, sizeof q);
    q.where = where;
    q.flags = overdue ? GOV_CASE_OVERDUE_ONLY : 0;
    assert_gov_ok(gov_case_list(c->g, &q, &page, &err), err);
    const size_t n = gov_value_count(gov_value_get(page, "cases"));
    gov_value_free(page);
    return n;
}

/* Nothing is due while time stands still for a clock: the list of what is late, the filter and the case itself agree. One that was
 * late before it paused was breached all the same. */
static void nothing_is_due_while_a_clock_is_paused(void **state)
{
    static const char late[] = "clocks.term.due < now";
    static const char held_rules[] =
        "rulebook: held\nversion: '1'\ntime_zone: Asia/Shanghai\n---\nworkflow: job\nevents: {give: {}, wait: {}, go_on: {}}\n"
        "clocks: {term: {starts: [give], stops: [end], budget: 4 hours, paused_in: [waiting]}}\n"
        "states: {a: {on: {give: b}}, b: {on: {wait: waiting}, after: {delay: 90 days, to: end}}, waiting: {on: {go_on: b}}, end: {type: final}}\n";
    community c = community_make(support_store_of(state), held_rules, NULL);
    gov_value *v;
    const int64_t held = community_open(&c, "job", "{}"), too_late = community_open(&c, "job", "{}");
    community_send(&c, held, "give", NULL, GOV_OK);
    community_send(&c, too_late, "give", NULL, GOV_OK);
    community_advance(&c, 60);
    community_send(&c, held, "wait", NULL, GOV_OK);
    community_advance(&c, 600);
    assert_int_equal(listed(&c, late, false), 1);
    assert_int_equal(listed(&c, NULL, true), 1);
    assert_int_equal(listed(&c, "clocks.term.due == null", false), 1);
    v = get(&c, held);
    assert_int_equal(gov_value_kind(gov_value_find(v, "clocks.0.due")), GOV_VALUE_NULL);
    assert_text_at(v, "clocks.0.state", "paused");
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.left"), NULL), 3 * 3600);
    gov_value_free(v);
    community_send(&c, too_late, "wait", NULL, GOV_OK);
    assert_int_equal(listed(&c, late, false), 0);
    assert_int_equal(listed(&c, NULL, true), 0);
    assert_int_equal(listed(&c, "clocks.term.breached", false), 1);
    community_send(&c, held, "go_on", NULL, GOV_OK);
    assert_int_equal(due(&c, held, "clocks.0.due"), 660 + 180);
    community_free(&c);
}

static bool allowed(community *c, int64_t id, const char *event)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    bool is = false;
    assert_gov_ok(gov_case_explain(c->g, id, &v, &err), err);
    const gov_value *events = gov_value_get(v, "events");
    for (size_t i = 0; i < gov_value_count(events); i++)
        if (strcmp(gov_value_string(gov_value_get(gov_value_at(events, i), "event"), NULL), event) == 0)
            is = gov_value_bool(gov_value_get(gov_value_at(events, i), "allowed")) == 1;
    gov_value_free(v);
    return is;
}

/* No transition of `waiting` has the event by which the clock is extended: the clock takes it itself while it is under way. */
static void a_clock_takes_what_extends_it(void **state)
{
    community c = make(state);
    gov_error *err = NULL;
    const int64_t id = community_open(&c, "job", "{}");
    community_put(&c, "staff", "he", "{'name': '何', 'roles': ['dispatcher']}");
    community_send(&c, id, "longer", "{'minutes': 60}", GOV_E_REFUSED); /* before it runs nothing takes it */
    assert_false(allowed(&c, id, "longer"));
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, id, "wait", NULL, GOV_OK);
    assert_true(allowed(&c, id, "longer"));
    assert_gov_ok(gov_act_as(c.g, "wang", "handle_case", &err), err); /* no dispatcher */
    community_send(&c, id, "longer", "{'minutes': 60}", GOV_E_NOT_FOUND);
    assert_gov_ok(gov_act_as(c.g, "he", "handle_case", &err), err);
    community_send(&c, id, "longer", "{'minutes': 60}", GOV_OK);
    assert_gov_ok(gov_act_as_host(c.g, "test", &err), err);
    gov_value *v = get(&c, id);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.left"), NULL), 5 * 3600);
    gov_value_free(v);
    community_send(&c, id, "go_on", NULL, GOV_OK);
    community_send(&c, id, "done", NULL, GOV_OK);
    assert_false(allowed(&c, id, "longer"));
    community_send(&c, id, "longer", "{'minutes': 60}", GOV_E_REFUSED);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_pause_after_the_breach_moves_nothing),
        STORE_TESTS(an_extension_repeats_only_marks_that_lie_ahead),
        STORE_TESTS(a_clock_that_resumes_keeps_what_it_used),
        STORE_TESTS(each_holder_has_a_budget_of_its_own),
        STORE_TESTS(a_breach_before_handing_over_is_in_the_account),
        STORE_TESTS(long_texts_are_found_whole),
        STORE_TESTS(nothing_is_due_while_a_clock_is_paused),
        STORE_TESTS(a_clock_takes_what_extends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
