/* Cases see each other as they were at the instant of the step, whoever ticks and when: a joint deadline is missed or met, live and in
 * a rehearsal, as it would be had the host ticked in time. */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

#define MINUTE INT64_C(60000000)
#define DAY    (1440 * MINUTE)
#define FRIDAY (COMMUNITY_START + 4 * DAY) /* 2026-03-06 */

#define HEAD(version)                                                                                                          \
    "rulebook: joint\nversion: '" version "'\ntime_zone: Asia/Shanghai\ncalendar: cn\n"                                        \
    "---\ncalendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\nyears: {2026: {off: [2026-10-01]}}\n"
#define PARENT(budget)                                                                                                         \
    "---\nworkflow: newborn\nfields: {items: {type: list}}\n"                                                                  \
    "clocks: {joint: {starts: [working], stops: [ready], budget: " budget ", marks: {100%: overdue}}}\n"                      \
    "states:\n  working:\n"                                                                                                    \
    "    entry: [{open: {workflow: item, link: item, each: case.items, as: it, key: it, fields: {name: it}}}]\n"              \
    "    on: {overdue: {}, child.done: {when: 'case.children.all(c, c.ended)', to: ready}}\n"                                  \
    "  ready: {type: final}\n"
#define ITEM                                                                                                                   \
    "---\nworkflow: item\nfields: {name: {type: string, indexed: true}}\nevents: {finish: {}, again: {}}\n"         \
    "on: {again: work}\nstates:\n  work: {on: {finish: over}}\n  over: {states: {fin: {type: final, outcome: done}}}\n"
/* Counts, when a day is over, the other cases of its name that were there and had ended. */
#define WATCHER                                                                                                                \
    "---\nworkflow: watcher\nfields: {name: {type: string}, seen: {type: int}, over: {type: int}}\n"                          \
    "states:\n  a: {after: {delay: PT24H, to: b}}\n"                                                                           \
    "  b: {entry: [{set: {seen: \"size(cases('item', 'name', case.name))\", "                                                 \
    "over: \"cases('item', 'name', case.name).filter(c, c.ended).size()\"}}]}\n"
static const char five[] = HEAD("1") PARENT("5 working days") ITEM, two[] = HEAD("2") PARENT("2 working days") ITEM;

static int64_t parent, item[2];

static community begin(void **state, const char *rules)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    parent = community_open(&c, "newborn", "{'items': ['a', 'b']}");
    const gov_case_query q = {.size = sizeof q, .workflow = "item"};
    assert_gov_ok(gov_case_list(c.g, &q, &v, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(v, "cases")), 2);
    for (int i = 0; i < 2; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "cases.%d.id", i);
        item[i] = gov_value_int(gov_value_find(v, path));
    }
    gov_value_free(v);
    return c;
}

static void at(community *c, int64_t us)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_set_now(c->g, us, &err), err);
}

static gov_tick_result tick(community *c)
{
    gov_error *err = NULL;
    gov_tick_result r = {.size = sizeof r};
    assert_gov_ok(gov_tick(c->g, 0, &r, &err), err);
    return r;
}

static gov_value *clock_of(community *c)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, parent, &v, &err), err);
    return v;
}

static void closed_at(community *c, int64_t us)
{
    gov_value *v = clock_of(c);
    assert_int_equal(gov_value_seconds(gov_value_get(v, "closed_at"), NULL), us / 1000000);
    gov_value_free(v);
}

static bool breached(community *c)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_history(c->g, parent, &v, &err), err);
    bool found = false;
    for (size_t i = 0; i < gov_value_count(v); i++)
        found = found || strcmp(gov_value_string(gov_value_get(gov_value_at(v, i), "kind"), NULL), "case.mark") == 0;
    gov_value_free(v);
    return found;
}

/* Five working days from Monday the 2nd end on Monday the 9th at 17:30. One item is done in time, the other one a quarter too late. */
static void missed(void **state, bool ticks)
{
    const int64_t due = COMMUNITY_START + 7 * DAY + 510 * MINUTE;
    community c = begin(state, five);
    at(&c, due - MINUTE);
    community_send(&c, item[0], "finish", NULL, GOV_OK);
    at(&c, due + 10 * MINUTE);
    if (ticks)
        (void)tick(&c);
    at(&c, due + 15 * MINUTE);
    community_send(&c, item[1], "finish", NULL, GOV_OK);
    at(&c, due + 20 * MINUTE);
    (void)tick(&c);
    closed_at(&c, due + 15 * MINUTE);
    assert_true(breached(&c));
    community_free(&c);
}

static void a_joint_deadline_that_is_missed(void **state)
{
    missed(state, true);
}

static void the_same_where_nobody_ticked(void **state)
{
    missed(state, false);
}

static void one_that_is_met(void **state)
{
    const int64_t due = COMMUNITY_START + 7 * DAY + 510 * MINUTE;
    community c = begin(state, five);
    at(&c, due - MINUTE);
    community_send(&c, item[0], "finish", NULL, GOV_OK);
    at(&c, due);
    community_send(&c, item[1], "finish", NULL, GOV_OK);
    at(&c, due + 20 * MINUTE);
    (void)tick(&c);
    closed_at(&c, due);
    assert_false(breached(&c));
    community_free(&c);
}

/* An item that was taken up again after all had ended, before anybody ticked: all had ended. */
static void an_item_that_is_taken_up_again(void **state)
{
    community c = begin(state, five);
    at(&c, COMMUNITY_START + 60 * MINUTE);
    community_send(&c, item[0], "finish", NULL, GOV_OK);
    at(&c, COMMUNITY_START + 90 * MINUTE);
    community_send(&c, item[1], "finish", NULL, GOV_OK);
    at(&c, COMMUNITY_START + 120 * MINUTE);
    community_send(&c, item[0], "again", NULL, GOV_OK);
    at(&c, COMMUNITY_START + 150 * MINUTE);
    (void)tick(&c);
    closed_at(&c, COMMUNITY_START + 90 * MINUTE);
    community_free(&c);
}

/* What has been opened or has ended since is not seen by a step that comes late. */
static void cases_alike_as_of_then(void **state)
{
    community c = community_make(support_store_of(state), HEAD("1") ITEM WATCHER, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    const int64_t id = community_open(&c, "watcher", "{'name': 'x'}"), first = community_open(&c, "item", "{'name': 'x'}");
    const int64_t second = community_open(&c, "item", "{'name': 'x'}");
    at(&c, COMMUNITY_START + 60 * MINUTE);
    community_send(&c, first, "finish", NULL, GOV_OK);
    at(&c, COMMUNITY_START + 2 * DAY);
    (void)community_open(&c, "item", "{'name': 'x'}");
    community_send(&c, first, "again", NULL, GOV_OK);
    community_send(&c, second, "finish", NULL, GOV_OK);
    (void)tick(&c);
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    assert_int_equal(gov_value_int(gov_value_find(v, "fields.seen")), 2);
    assert_int_equal(gov_value_int(gov_value_find(v, "fields.over")), 1);
    gov_value_free(v);
    community_free(&c);
}

/* Items that end on Tuesday and Friday: within five days, not within two; with a clock that was not late the rehearsal finds that. */
static void a_rehearsal_sees_children_of_then(void **state)
{
    community c = begin(state, five);
    gov_error *err = NULL;
    gov_value *report = NULL;
    at(&c, COMMUNITY_START + DAY);
    community_send(&c, item[0], "finish", NULL, GOV_OK);
    (void)tick(&c);
    at(&c, FRIDAY);
    community_send(&c, item[1], "finish", NULL, GOV_OK);
    (void)tick(&c);
    closed_at(&c, FRIDAY);
    at(&c, FRIDAY + 60 * MINUTE);
    gov_rulebook *rules = community_rulebook(two);
    assert_gov_ok(gov_migrate(c.g, rules, GOV_MIGRATE_DRY_RUN, &report, &err), err);
    gov_rulebook_free(rules);
    assert_int_equal(gov_value_count(gov_value_find(report, "past.unsure")), 0);
    assert_int_equal(gov_value_count(gov_value_find(report, "past.otherwise")), 1);
    assert_int_equal(gov_value_int(gov_value_find(report, "past.breaches.was")), 0);
    assert_int_equal(gov_value_int(gov_value_find(report, "past.breaches.would")), 1);
    assert_text_at(report, "past.otherwise.0.what.0", "breach");
    gov_value_free(report);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_joint_deadline_that_is_missed), STORE_TESTS(the_same_where_nobody_ticked), STORE_TESTS(one_that_is_met),
        STORE_TESTS(an_item_that_is_taken_up_again),
        STORE_TESTS(cases_alike_as_of_then),          STORE_TESTS(a_rehearsal_sees_children_of_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
