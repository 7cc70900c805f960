/* What happens to a clock while it waits: more time, another holder, a year that arrives, other rules. */
#include "support/community.h"

#include <string.h>

#define RULES(VERSION, YEARS, MIGRATE, BUDGET, MORE)                                                                             \
    "rulebook: pauses\nversion: '" VERSION "'\ntime_zone: Asia/Shanghai\ncalendar: cn\n"                                     \
    "---\ncalendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\nyears: {2026: {off: [2026-01-01]}" YEARS "}\n"     \
    "---\nworkflow: job\n" MIGRATE                                                                                         \
    "fields: {half: {type: int, default: 0}, late: {type: int, default: 0}}\n"                                              \
    "events: {wait: {}, go_on: {}, more: {}, give: {input: {unit: {type: unit, required: true}}}}\n"                        \
    "clocks:\n"                                                                                                            \
    "  term: {starts: [busy], stops: [end], per: holder, budget: " BUDGET ", paused_in: [waiting], marks: {50%: half, 100%: late},\n" \
    "         extend: {event: more, amount: " MORE ", times: 1, before_breach: true}}\n"                              \
    "on: {give: {do: [{assign: {unit: event.data.unit}}]}, half: {do: [{set: {half: case.half + 1}}]}, late: {do: [{set: {late: case.late + 1}}]}}\n" \
    "states: {busy: {on: {wait: waiting}}, waiting: {on: {go_on: busy}, after: {delay: 300 days, to: end}}, end: {type: final}}\n"

static const char rules[] = RULES("1", "", "", "2 working days", "2 working days");

static int64_t instant(community *c, const char *time)
{
    gov_error *err = NULL;
    int64_t us = 0;
    assert_gov_ok(gov_time_parse(c->g, time, &us, &err), err);
    return us;
}

static void at(community *c, const char *time)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_set_now(c->g, instant(c, time), &err), err);
    assert_gov_ok(gov_tick(c->g, 0, NULL, &err), err);
}

static gov_value *get(community *c, int64_t id)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    return v;
}

static int64_t number(community *c, int64_t id, const char *path)
{
    gov_value *v = get(c, id);
    const int64_t n = gov_value_int(gov_value_find(v, path));
    gov_value_free(v);
    return n;
}

/* time NULL: nobody can say. */
static void due_is(community *c, int64_t id, const char *time)
{
    gov_value *v = get(c, id);
    const gov_value *due = gov_value_find(v, "clocks.0.due");
    if (time == NULL)
        assert_int_equal(gov_value_kind(due), GOV_VALUE_NULL);
    else
        assert_int_equal(gov_value_seconds(due, NULL), instant(c, time) / 1000000);
    gov_value_free(v);
}

static void left_is(community *c, int64_t id, int64_t days)
{
    gov_value *v = get(c, id);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.left"), NULL), days * 86400);
    gov_value_free(v);
}

static void verify(community *c)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_verify(c->g, NULL, NULL, NULL, &err), err);
}

static community make(void **state, const char *text, const char *time)
{
    community c = community_make(support_store_of(state), text, NULL);
    community_put(&c, "unit", "U1", "{'name': 'One'}");
    community_put(&c, "unit", "U2", "{'name': 'Two'}");
    at(&c, time);
    return c;
}

/* Two days from Monday the 2nd; Tuesday is used up, and half of them told, when it waits on Wednesday. Two days more are four in all: half of
 * them lie ahead again, on the second day that is used, and are told again. From Monday the 9th three are left: until Wednesday. */
static void more_time_counts_when_it_goes_on(void **state)
{
    community c = make(state, rules, "2026-03-02 10:00");
    const int64_t id = community_open(&c, "job", "{}");
    at(&c, "2026-03-04 10:00");
    assert_int_equal(number(&c, id, "fields.half"), 1);
    community_send(&c, id, "wait", NULL, GOV_OK);
    left_is(&c, id, 1);
    community_send(&c, id, "more", NULL, GOV_OK);
    left_is(&c, id, 3);
    due_is(&c, id, NULL);
    community_send(&c, id, "more", NULL, GOV_E_REFUSED); /* once */
    verify(&c);
    at(&c, "2026-03-09 10:00");
    assert_int_equal(number(&c, id, "fields.half"), 1);
    community_send(&c, id, "go_on", NULL, GOV_OK);
    due_is(&c, id, "2026-03-11 17:30");
    at(&c, "2026-03-09 17:30");
    assert_int_equal(number(&c, id, "fields.half"), 2);
    at(&c, "2026-03-11 17:30");
    assert_int_equal(number(&c, id, "fields.late"), 0);
    at(&c, "2026-03-12 09:00");
    assert_int_equal(number(&c, id, "fields.late"), 1);
    assert_int_equal(number(&c, id, "fields.half"), 2);
    verify(&c);
    community_free(&c);
}

/* A pause without anything tells nothing twice. */
static void a_mere_pause_tells_nothing_twice(void **state)
{
    community c = make(state, rules, "2026-03-02 10:00");
    const int64_t id = community_open(&c, "job", "{}");
    at(&c, "2026-03-03 18:00");
    for (int i = 0; i < 3; i++) {
        community_send(&c, id, "wait", NULL, GOV_OK);
        community_send(&c, id, "go_on", NULL, GOV_OK);
    }
    at(&c, "2026-03-06 10:00");
    assert_int_equal(number(&c, id, "fields.half"), 1);
    assert_int_equal(number(&c, id, "fields.late"), 1);
    verify(&c);
    community_free(&c);
}

/* The new holder has all of it, may be given more time, and waits as the case does. */
static void another_holder_has_the_whole_of_it(void **state)
{
    community c = make(state, rules, "2026-03-02 10:00");
    const int64_t id = community_open(&c, "job", "{}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, id, "more", NULL, GOV_OK);
    at(&c, "2026-03-04 18:00");
    community_send(&c, id, "wait", NULL, GOV_OK);
    left_is(&c, id, 2);
    community_send(&c, id, "give", "{'unit': 'U2'}", GOV_OK);
    left_is(&c, id, 2);
    community_send(&c, id, "more", NULL, GOV_OK);
    left_is(&c, id, 4);
    due_is(&c, id, NULL);
    verify(&c);
    at(&c, "2026-03-06 10:00"); /* four days from here, which does not count: 9, 10, 11, 12 */
    community_send(&c, id, "go_on", NULL, GOV_OK);
    gov_value *v = get(&c, id);
    assert_text_at(v, "clocks.0.state", "running");
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.consumed"), NULL), 0);
    gov_value_free(v);
    verify(&c);
    community_free(&c);
}

static size_t late_ones(community *c)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    gov_case_query q;
    gov_case_query_init(&q, sizeof q);
    q.where = "clocks.term.due < now";
    assert_gov_ok(gov_case_list(c->g, &q, &v, &err), err);
    const size_t n = gov_value_count(gov_value_get(v, "cases"));
    gov_value_free(v);
    return n;
}

static bool provisional(community *c, int64_t id, const char *path)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_explain(c->g, id, &v, &err), err);
    const bool yes = gov_value_bool(gov_value_find(v, path)) != 0;
    gov_value_free(v);
    return yes;
}

/* Opened on 30 December, due in the days of a year that is not there. The year comes while it waits, with the 1st and the 4th off. */
static void a_year_that_arrives_in_a_pause_leaves_nothing_provisional(void **state)
{
    community c = make(state, rules, "2026-12-30 10:00");
    gov_error *err = NULL;
    const int64_t id = community_open(&c, "job", "{}");
    assert_true(provisional(&c, id, "clocks.0.provisional"));
    at(&c, "2026-12-31 10:00");
    community_send(&c, id, "wait", NULL, GOV_OK);
    assert_false(provisional(&c, id, "clocks.0.provisional")); /* there is no instant that could be */
    verify(&c);
    gov_rulebook *book = community_rulebook(RULES("2", ", 2027: {off: [2027-01-01, 2027-01-04]}", "", "2 working days", "2 working days"));
    assert_gov_ok(gov_install(c.g, book, &err), err);
    gov_rulebook_free(book);
    at(&c, "2027-01-20 14:00");
    assert_false(provisional(&c, id, "clocks.0.provisional"));
    due_is(&c, id, NULL);
    assert_int_equal(late_ones(&c), 0);
    verify(&c);
    community_send(&c, id, "go_on", NULL, GOV_OK);
    assert_false(provisional(&c, id, "clocks.0.provisional"));
    due_is(&c, id, "2027-01-21 17:30");
    verify(&c);
    community_free(&c);
}

static void migrate(community *c, const char *text)
{
    gov_error *err = NULL;
    gov_value *report = NULL;
    gov_rulebook *book = community_rulebook(text);
    assert_gov_ok(gov_migrate(c->g, book, 0, &report, &err), err);
    assert_int_equal(gov_value_int(gov_value_get(report, "refused")), 0);
    gov_value_free(report);
    gov_rulebook_free(book);
}

/* Six days instead of two, reckoned again while it waits with one used: half of them lie ahead again. */
static void rules_that_give_more_count_when_it_goes_on(void **state)
{
    community c = make(state, rules, "2026-03-02 10:00");
    const int64_t id = community_open(&c, "job", "{}");
    at(&c, "2026-03-04 10:00");
    community_send(&c, id, "wait", NULL, GOV_OK);
    migrate(&c, RULES("2", "", "migrate: {from: '1', timers: recompute}\n", "6 working days", "2 working days"));
    left_is(&c, id, 5);
    verify(&c);
    at(&c, "2026-03-09 10:00");
    community_send(&c, id, "go_on", NULL, GOV_OK);
    due_is(&c, id, "2026-03-13 17:30");
    at(&c, "2026-03-16 10:00");
    assert_int_equal(number(&c, id, "fields.half"), 2);
    assert_int_equal(number(&c, id, "fields.late"), 1);
    verify(&c);
    community_free(&c);
}

/* Kept: what was used before is not counted twice, and no mark comes before its time. */
static void rules_that_keep_the_time_keep_the_marks(void **state)
{
    static const char hours[] = RULES("1", "", "", "10 working hours", "2 working hours");
    community c = make(state, hours, "2026-03-02 09:00");
    const int64_t id = community_open(&c, "job", "{}");
    at(&c, "2026-03-02 12:00"); /* three of five until half */
    migrate(&c, RULES("2", "", "migrate: {from: '1', timers: keep}\n", "20 working hours", "2 working hours"));
    due_is(&c, id, "2026-03-03 12:00");
    at(&c, "2026-03-02 15:29");
    assert_int_equal(number(&c, id, "fields.half"), 0);
    at(&c, "2026-03-02 15:30");
    assert_int_equal(number(&c, id, "fields.half"), 1);
    verify(&c);
    community_free(&c);
}

#define REMINDED(VERSION, MIGRATE, DELAY)                                                                        \
    "rulebook: reminds\nversion: '" VERSION "'\ntime_zone: Asia/Shanghai\n---\nworkflow: job\n" MIGRATE             \
    "fields: {n: {type: int, default: 0}}\nevents: {x: {}}\n"                                                      \
    "states:\n  busy: {after: {delay: " DELAY ", do: [{set: {n: case.n + 1}}]}, on: {x: end}}\n  end: {type: final}\n"

/* An `after` without a target that has fired stays fired under other rules, whatever they say of its delay. */
static void what_has_fired_does_not_fire_under_other_rules(void **state)
{
    static const char *const next[] = {REMINDED("2", "migrate: {from: '1', timers: keep}\n", "2 hours"),
                                       REMINDED("3", "migrate: {from: '2', timers: recompute}\n", "9 hours")};
    community c = community_make(support_store_of(state), REMINDED("1", "", "1 hour"), NULL);
    const int64_t id = community_open(&c, "job", "{}");
    community_advance(&c, 90);
    assert_int_equal(number(&c, id, "fields.n"), 1);
    for (size_t i = 0; i < 2; i++) {
        gov_error *err = NULL;
        gov_value *v = NULL;
        migrate(&c, next[i]);
        assert_gov_ok(gov_case_explain(c.g, id, &v, &err), err);
        assert_int_equal(gov_value_count(gov_value_get(v, "timers")), 0);
        gov_value_free(v);
        verify(&c);
        community_advance(&c, 1440);
        assert_int_equal(number(&c, id, "fields.n"), 1);
    }
    verify(&c);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(more_time_counts_when_it_goes_on),
        STORE_TESTS(a_mere_pause_tells_nothing_twice),
        STORE_TESTS(another_holder_has_the_whole_of_it),
        STORE_TESTS(a_year_that_arrives_in_a_pause_leaves_nothing_provisional),
        STORE_TESTS(rules_that_give_more_count_when_it_goes_on),
        STORE_TESTS(rules_that_keep_the_time_keep_the_marks),
        STORE_TESTS(what_has_fired_does_not_fire_under_other_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
