/* Schedules over populations: once for each member in each period, whoever ticks, whatever is interrupted, whatever is installed. */
#include "support/community.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEEK INT64_C(604800000000)
#define DAY  INT64_C(86400000000)

static const char head[] =
    "rulebook: rounds\nversion: '%s'\ntime_zone: Asia/Shanghai\n"
    "---\ncalendar: cn\nhours: {mon-fri: ['09:00-17:30']}\nyears: {2026: {off: [2026-01-01, 2026-04-13..2026-04-19]}}\n"
    "---\npoints: green\nledger: 1\nholder: household\nearn: {help: {amount: '3'}}\n"
    "---\nworkflow: round\nfields: {home: {type: household}, who: {type: resident}, floor: {type: int, min: 1}, due_by: {type: timestamp}, note: {type: string}}\n"
    "states: {open: {on: {x: done}}, done: {type: final}}\nevents: {x: {by: []}}\n";
static const char weekly[] = "---\nschedule: weekly\nover: {household: \"'key' in it.tags\"}\nevery: week\n"
                             "do: [{open: {workflow: round, key: it.id, fields: {home: it, due_by: period.end}}}]\n";
static const char monthly[] = "---\nschedule: weekly\nover: {household: \"'key' in it.tags\"}\nevery: month\n"
                              "do: [{open: {workflow: round, key: it.id, fields: {home: it, due_by: period.end}}}]\n";

/* A community on a clock of the test's own, from its first moment on. */
typedef struct world {
    support_store *s;
    int64_t now_us;
    community c;
} world;

static int64_t clock_of(void *user)
{
    return ((world *)user)->now_us;
}

static gov_rulebook *rules_of(const char *version, const char *schedules)
{
    char text[4096], start[2048];
    (void)snprintf(start, sizeof start, head, version);
    (void)snprintf(text, sizeof text, "%s%s", start, schedules);
    return community_rulebook(text);
}

static void attach(world *w)
{
    gov_error *err = NULL;
    const gov_options o = {.size = sizeof o, .now_us = clock_of, .now_user = w, .flags = GOV_OPEN_CREATE | GOV_OPEN_RELAXED};
    assert_gov_ok(gov_store_open(w->s->url, &o, &w->c.store, &err), err);
    assert_gov_ok(gov_attach(w->c.store, NULL, &w->c.g, &err), err);
    assert_gov_ok(gov_act_as_host(w->c.g, "test", &err), err);
}

static void begin(world *w, void **state, const char *schedules)
{
    gov_error *err = NULL;
    *w = (world){.s = support_store_of(state), .now_us = COMMUNITY_START - DAY}; /* a Sunday; may skip the test */
    gov_rulebook *rules = rules_of("1", schedules);
    const gov_options o = {.size = sizeof o, .now_us = clock_of, .now_user = w, .flags = GOV_OPEN_CREATE | GOV_OPEN_RELAXED};
    assert_gov_ok(gov_store_open(w->s->url, &o, &w->c.store, &err), err);
    assert_gov_ok(gov_community_create(w->c.store, NULL, rules, NULL, &err), err);
    gov_rulebook_free(rules);
    gov_store_free(w->c.store);
    attach(w);
}

static void reopen(world *w)
{
    community_free(&w->c);
    attach(w);
}

static void install(world *w, const char *version, const char *schedules)
{
    gov_error *err = NULL;
    gov_rulebook *rules = rules_of(version, schedules);
    assert_gov_ok(gov_install(w->c.g, rules, &err), err);
    gov_rulebook_free(rules);
}

static gov_tick_result tick(world *w, uint64_t max)
{
    gov_error *err = NULL;
    gov_tick_result r = {.size = sizeof r};
    assert_gov_ok(gov_tick(w->c.g, max, &r, &err), err);
    return r;
}

static size_t cases(world *w)
{
    gov_error *err = NULL;
    const gov_case_query q = {.size = sizeof q, .workflow = "round", .limit = 1000};
    gov_value *v = NULL;
    assert_gov_ok(gov_case_list(w->c.g, &q, &v, &err), err);
    const size_t n = gov_value_count(gov_value_get(v, "cases"));
    gov_value_free(v);
    return n;
}

static void households(world *w, int n, const char *json)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_begin(w->c.g, &err), err);
    for (int i = 0; i < n; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "h%03d", i);
        community_put(&w->c, "household", key, json);
    }
    assert_gov_ok(gov_commit(w->c.g, &err), err);
}

/* One firing after the other, each by a handle of its own. */
static void once_in_each_period(void **state)
{
    world w;
    begin(&w, state, weekly);
    households(&w, 150, "{'tags': ['key']}");
    community_put(&w.c, "household", "other", "{'tags': ['quiet']}");
    assert_int_equal(tick(&w, 0).fired, 0);
    w.now_us = COMMUNITY_START - 1;
    assert_int_equal(tick(&w, 0).fired, 0);
    w.now_us = COMMUNITY_START;
    size_t seen = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tick(&w, 1).fired, 1);
        assert_true(cases(&w) > seen);
        seen = cases(&w);
        reopen(&w);
    }
    assert_int_equal(seen, 150);
    assert_int_equal(tick(&w, 0).fired, 0);
    w.now_us += WEEK;
    assert_int_equal(tick(&w, 0).failed, 0);
    assert_int_equal(cases(&w), 300);
    community_free(&w.c);
}

/* Who was not asked for three weeks catches up, each week at its own instant. */
static void a_host_that_ticks_late(void **state)
{
    world w;
    gov_error *err = NULL;
    gov_value *v = NULL;
    begin(&w, state, weekly);
    households(&w, 2, "{'tags': ['key']}");
    w.now_us = COMMUNITY_START + 2 * WEEK + DAY;
    const gov_tick_result r = tick(&w, 0);
    assert_int_equal(r.fired, 3);
    assert_int_equal(r.next_us, COMMUNITY_START + 3 * WEEK);
    const gov_case_query q = {.size = sizeof q, .workflow = "round"};
    assert_gov_ok(gov_case_list(w.c.g, &q, &v, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(v, "cases")), 6);
    for (int i = 0; i < 6; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "cases.%d.opened_at", i);
        assert_int_equal(gov_value_seconds(gov_value_find(v, path), NULL), (COMMUNITY_START + i / 2 * WEEK) / 1000000);
        (void)snprintf(path, sizeof path, "cases.%d.fields.due_by", i); /* Monday 00:00 */
        assert_int_equal(gov_value_seconds(gov_value_find(v, path), NULL), (COMMUNITY_START + (i / 2 + 1) * WEEK) / 1000000 - 9 * 3600);
    }
    gov_value_free(v);
    community_free(&w.c);
}

static void two_that_tick_at_once(void **state)
{
    world w, x;
    begin(&w, state, weekly);
    households(&w, 130, "{'tags': ['key']}");
    x = w;
    attach(&x);
    w.now_us = x.now_us = COMMUNITY_START;
    for (int i = 0; i < 6; i++)
        (void)tick(i % 2 == 0 ? &w : &x, 1);
    assert_int_equal(cases(&w), 130);
    community_free(&x.c);
    community_free(&w.c);
}

static void other_rules_in_between(void **state)
{
    world w;
    begin(&w, state, weekly);
    households(&w, 130, "{'tags': ['key']}");
    w.now_us = COMMUNITY_START + DAY;
    assert_int_equal(tick(&w, 1).fired, 1);
    install(&w, "2", monthly); /* what was begun is ended, by the new rules */
    (void)tick(&w, 0);
    assert_int_equal(cases(&w), 130);
    install(&w, "3", weekly);
    (void)tick(&w, 0);
    assert_int_equal(cases(&w), 130);
    w.now_us = COMMUNITY_START + WEEK - 1;
    (void)tick(&w, 0);
    assert_int_equal(cases(&w), 130);
    w.now_us = COMMUNITY_START + WEEK;
    (void)tick(&w, 0);
    assert_int_equal(cases(&w), 260);
    install(&w, "4", ""); /* dropped */
    w.now_us += 3 * WEEK;
    assert_int_equal(tick(&w, 0).next_us, 0);
    assert_int_equal(cases(&w), 260);
    install(&w, "5", weekly); /* and begun anew: Monday, 2026-04-06, 09:00, is now */
    (void)tick(&w, 0);
    assert_int_equal(cases(&w), 390);
    install(&w, "5", weekly);
    (void)tick(&w, 0);
    assert_int_equal(cases(&w), 390);
    community_free(&w.c);
}

/* The week from 13 to 19 April is all off: its round is held on the Monday after, beside that week's own, each with its own end. */
static void a_week_that_is_all_off(void **state)
{
    static const char moved[] = "---\nschedule: weekly\nover: {household: \"'key' in it.tags\"}\nevery: week\nday_off: move\n"
                                "do: [{open: {workflow: round, key: it.id, fields: {home: it, due_by: period.end}}}]\n";
    const gov_case_query q = {.size = sizeof q, .workflow = "round"};
    const int64_t monday = COMMUNITY_START + 7 * WEEK; /* 2026-04-20T09:00 */
    world w;
    gov_error *err = NULL;
    gov_value *v = NULL;
    begin(&w, state, moved);
    households(&w, 1, "{'tags': ['key']}");
    w.now_us = monday - 1;
    assert_int_equal(tick(&w, 0).fired, 6);
    w.now_us = monday;
    const gov_tick_result r = tick(&w, 0);
    assert_int_equal(r.fired, 2);
    assert_int_equal(r.next_us, monday + WEEK);
    assert_gov_ok(gov_case_list(w.c.g, &q, &v, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(v, "cases")), 8);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "cases.6.fields.due_by"), NULL), monday / 1000000 + 15 * 3600);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "cases.7.fields.due_by"), NULL), (monday + WEEK) / 1000000 - 9 * 3600);
    gov_value_free(v);
    community_free(&w.c);
}

/* A week that was done on Monday is not done again because other rules have it on a Friday. */
static void another_day_of_the_same_period(void **state)
{
    static const char fridays[] = "---\nschedule: weekly\nover: {household: \"'key' in it.tags\"}\nevery: week\non: fri\n"
                                  "do: [{open: {workflow: round, fields: {home: it, due_by: period.end}}}]\n";
    world w;
    begin(&w, state, weekly);
    households(&w, 2, "{'tags': ['key']}");
    w.now_us = COMMUNITY_START + DAY;
    (void)tick(&w, 0);
    install(&w, "2", fridays);
    w.now_us = COMMUNITY_START + 6 * DAY;
    (void)tick(&w, 0);
    assert_int_equal(cases(&w), 2);
    w.now_us = COMMUNITY_START + 11 * DAY;
    (void)tick(&w, 0);
    assert_int_equal(cases(&w), 4);
    community_free(&w.c);
}

/* What fails for one waits for itself, is tried again, and is given up in the end. */
static void one_that_fails(void **state)
{
    static const char floors[] = "---\nrecord: household\nfields: {floor: {type: int}}\n"
                                 "---\nschedule: floors\nover: household\nevery: week\n"
                                 "do: [{open: {workflow: round, fields: {home: it, floor: it.floor}}}, {award: {account: it.id, reason: help}}]\n";
    world w;
    gov_error *err = NULL;
    gov_value *report = NULL;
    int64_t points = 0;
    begin(&w, state, floors);
    households(&w, 3, "{'floor': 2}");
    community_put(&w.c, "household", "h001", "{'floor': 0}");
    w.now_us = COMMUNITY_START;
    gov_tick_result r = tick(&w, 0);
    assert_int_equal(r.failed, 1);
    assert_int_equal(cases(&w), 2);
    for (int i = 0; i < 3; i++) {
        w.now_us = r.next_us;
        r = tick(&w, 0);
    }
    w.now_us = r.next_us;
    r = tick(&w, 1);
    assert_int_equal(r.parked, 1);
    assert_gov_ok(gov_points_balance(w.c.g, NULL, NULL, "h001", &points, &err), err);
    assert_int_equal(points, 0);
    assert_gov_ok(gov_points_balance(w.c.g, NULL, NULL, "h002", &points, &err), err);
    assert_true(points > 0);
    assert_gov_ok(gov_verify(w.c.g, NULL, NULL, &report, &err), err);
    assert_int_equal(gov_value_int(gov_value_get(report, "parked")), 1);
    assert_int_equal(gov_value_count(gov_value_get(report, "parked_events")), 1);
    gov_value_free(report);
    community_free(&w.c);
}

static void populations_of_every_kind(void **state)
{
    static const char kinds[] =
        "---\nschedule: choir\nover: {group: choir}\nevery: week\ndo: [{open: {workflow: round, fields: {who: it, note: it.name}}}]\n"
        "---\nschedule: officers\nover: staff\nevery: week\ndo: [{open: {workflow: round, fields: {note: it.key}}}]\n"
        "---\nschedule: areas\nover: grids\nevery: week\ndo: [{open: {workflow: round, fields: {note: it.key}}}]\n"
        "---\nschedule: once\nevery: week\nat: '10:00'\ndo: [{open: {workflow: round, fields: {note: \"'all'\"}}}]\n";
    world w;
    gov_error *err = NULL;
    gov_value *v = NULL;
    begin(&w, state, kinds);
    community_put(&w.c, "grid", "g1", "{}");
    community_put(&w.c, "staff", "li", "{'active': true}");
    community_put(&w.c, "staff", "gone", "{'active': false}");
    community_put(&w.c, "resident", "wang", "{'name': 'Wang'}");
    community_put(&w.c, "resident", "sun", "{'name': 'Sun'}");
    community_put(&w.c, "resident", "deaf", "{'name': 'Chen'}");
    community_put(&w.c, "group", "choir", "{'members': ['sun', 'wang']}");
    w.now_us = COMMUNITY_START;
    (void)tick(&w, 0);
    assert_int_equal(cases(&w), 4);
    w.now_us += INT64_C(3600000000);
    (void)tick(&w, 0);
    assert_int_equal(cases(&w), 5);
    const gov_case_query q = {.size = sizeof q, .grid = "g1"}; /* what is opened for a place lies there */
    assert_gov_ok(gov_case_list(w.c.g, &q, &v, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(v, "cases")), 1);
    gov_value_free(v);
    community_free(&w.c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(once_in_each_period), STORE_TESTS(a_host_that_ticks_late),    STORE_TESTS(two_that_tick_at_once),
        STORE_TESTS(other_rules_in_between), STORE_TESTS(one_that_fails), STORE_TESTS(another_day_of_the_same_period),
        STORE_TESTS(a_week_that_is_all_off), STORE_TESTS(populations_of_every_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
