/* What cannot be done yet is not lost: schedules and timers that want for a year, a group that comes later, tries of a schedule without
 * members, a host that is silent for weeks, more events than one call expects. */
#include "support/community.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR INT64_C(3600000000)
#define DAY  (24 * HOUR)
#define WEEK (7 * DAY)
#define MONDAY INT64_C(1798419600000000) /* 2026-12-28T09:00+08:00 */

#define HEAD(version, years)                                                                                                    \
    "rulebook: later\nversion: '" version "'\ntime_zone: Asia/Shanghai\ncalendar: cn\n"                                       \
    "---\ncalendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\nmissing_year: error\nyears: {2026: {off: [2026-10-01]}" years "}\n" \
    "---\nrecord: household\nfields: {tags: {type: list}}\n"                                                                   \
    "---\nworkflow: round\nfields: {home: {type: household}, who: {type: resident}, n: {type: int}}\n"                         \
    "events: {x: {}}\nstates: {open: {on: {x: done}}, done: {type: final}}\n"                                                 \
    "---\nworkflow: slow\nstates: {a: {after: {delay: 1 day, to: b}}, b: {after: {delay: 3 working days, to: c}}, c: {type: final}}\n"
static const char weekly[] = "---\nschedule: weekly\nover: {household: \"'key' in it.tags\"}\nevery: week\non: mon\nat: '09:00'\nday_off: move\n"
                             "do: [{open: {workflow: round, fields: {home: it}}}]\n";
static const char of_team[] = "---\nschedule: team\nover: {group: team}\nevery: week\nat: '09:00'\ndo: [{open: {workflow: round, fields: {who: it}}}]\n";
static const char once[] = "---\nschedule: once\nevery: week\nat: '09:00'\n"
                           "do: [{open: {workflow: round, fields: {n: \"10 / (count('unit', 'true') - 1)\"}}}]\n";
static const char short_years[] = HEAD("1", ""), long_years[] = HEAD("2", ", 2027: {off: [2027-01-01]}");

typedef struct world {
    support_store *s;
    int64_t now_us;
    community c;
} world;

static int64_t clock_of(void *user)
{
    return ((world *)user)->now_us;
}

static gov_rulebook *rules_of(const char *start, const char *schedules)
{
    char text[4096];
    (void)snprintf(text, sizeof text, "%s%s", start, schedules);
    return community_rulebook(text);
}

static void begin(world *w, void **state, int64_t now_us, const char *start, const char *schedules)
{
    gov_error *err = NULL;
    *w = (world){.s = support_store_of(state), .now_us = now_us}; /* may skip the test */
    gov_rulebook *rules = rules_of(start, schedules);
    const gov_options o = {.size = sizeof o, .now_us = clock_of, .now_user = w, .flags = GOV_OPEN_CREATE | GOV_OPEN_RELAXED};
    assert_gov_ok(gov_store_open(w->s->url, &o, &w->c.store, &err), err);
    assert_gov_ok(gov_community_create(w->c.store, NULL, rules, NULL, &err), err);
    gov_rulebook_free(rules);
    assert_gov_ok(gov_attach(w->c.store, NULL, &w->c.g, &err), err);
    assert_gov_ok(gov_act_as_host(w->c.g, "test", &err), err);
}

static void install(world *w, const char *start, const char *schedules)
{
    gov_error *err = NULL;
    gov_rulebook *rules = rules_of(start, schedules);
    assert_gov_ok(gov_install(w->c.g, rules, &err), err);
    gov_rulebook_free(rules);
}

static gov_tick_result tick_at(world *w, int64_t now_us)
{
    gov_error *err = NULL;
    gov_tick_result r = {.size = sizeof r};
    w->now_us = now_us;
    assert_gov_ok(gov_tick(w->c.g, 0, &r, &err), err);
    return r;
}

static gov_value *rounds(world *w)
{
    gov_error *err = NULL;
    const gov_case_query q = {.size = sizeof q, .workflow = "round", .limit = 1000};
    gov_value *v = NULL;
    assert_gov_ok(gov_case_list(w->c.g, &q, &v, &err), err);
    return v;
}

static size_t cases(world *w)
{
    gov_value *v = rounds(w);
    const size_t n = gov_value_count(gov_value_get(v, "cases"));
    gov_value_free(v);
    return n;
}

static void opened_at(world *w, size_t i, int64_t us)
{
    gov_value *v = rounds(w);
    char path[64];
    (void)snprintf(path, sizeof path, "cases.%zu.opened_at", i);
    assert_int_equal(gov_value_seconds(gov_value_find(v, path), NULL), us / 1000000);
    gov_value_free(v);
}

static int64_t report(world *w, const char *name)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_verify(w->c.g, NULL, NULL, &v, &err), err);
    const int64_t n = gov_value_int(gov_value_get(v, name));
    gov_value_free(v);
    return n;
}

static size_t entries(world *w, const char *kind)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_journal_read(w->c.g, 0, 1000, &v, &err), err);
    const gov_value *list = gov_value_get(v, "entries");
    size_t n = 0;
    for (size_t i = 0; i < gov_value_count(list); i++)
        n += strcmp(gov_value_string(gov_value_get(gov_value_at(list, i), "kind"), NULL), kind) == 0;
    gov_value_free(v);
    return n;
}

/* ---- tries ---- */

/* A schedule without members fails as one with members does: it is told, tried again, and goes through when the cause is mended. */
static void a_turn_without_members_that_fails(void **state)
{
    world w;
    begin(&w, state, COMMUNITY_START - DAY, short_years, once);
    community_put(&w.c, "unit", "u1", "{'name': 'u'}");
    gov_tick_result r = tick_at(&w, COMMUNITY_START);
    assert_int_equal(r.failed, 1);
    assert_int_equal(entries(&w, "event.failed"), 1);
    assert_int_equal(cases(&w), 0);
    assert_int_equal(r.next_us, COMMUNITY_START + 60000000);
    community_put(&w.c, "unit", "u2", "{'name': 'v'}");
    r = tick_at(&w, r.next_us);
    assert_int_equal(r.failed, 0);
    assert_int_equal(cases(&w), 1);
    assert_int_equal(r.next_us, COMMUNITY_START + WEEK); /* the next turn did not wait */
    (void)tick_at(&w, r.next_us);
    assert_int_equal(cases(&w), 2);
    community_free(&w.c);
}

static void one_that_never_goes_through_is_parked(void **state)
{
    world w;
    begin(&w, state, COMMUNITY_START - DAY, short_years, once);
    community_put(&w.c, "unit", "u1", "{'name': 'u'}");
    gov_tick_result r = tick_at(&w, COMMUNITY_START);
    for (int i = 0; i < 3; i++)
        r = tick_at(&w, r.next_us);
    assert_int_equal(report(&w, "parked"), 0);
    (void)tick_at(&w, r.next_us);
    assert_int_equal(report(&w, "parked"), 1);
    assert_int_equal(entries(&w, "event.parked"), 1);
    community_free(&w.c);
}

static int64_t run(world *w, const char *name, const char *json, const char *path)
{
    gov_error *err = NULL;
    gov_value *v = NULL, *in = community_json(json);
    assert_gov_ok(gov_operation_run(w->c.g, name, in, NULL, &v, &err), err);
    const gov_value *found = gov_value_find(v, path);
    const int64_t n = gov_value_kind(found) == GOV_VALUE_LIST ? (int64_t)gov_value_count(found) : gov_value_int(found);
    gov_value_free(in);
    gov_value_free(v);
    return n;
}

/* What is parked is listed, and taken up again by hand when its cause is mended: a schedule's, a case's. */
static void what_is_parked_can_be_taken_up(void **state)
{
    static const char needy[] = "---\nworkflow: needy\nstates: {a: {after: {delay: 1 hour, to: b}}, b: {entry: [{assign: {unit: \"'u9'\"}}], type: final}}\n";
    world w;
    char rules[1024], json[64];
    (void)snprintf(rules, sizeof rules, "%s%s", once, needy);
    begin(&w, state, COMMUNITY_START - DAY, short_years, rules);
    community_put(&w.c, "unit", "u1", "{'name': 'u'}");
    const int64_t id = community_open(&w.c, "needy", "{}");
    gov_tick_result r = tick_at(&w, COMMUNITY_START);
    while (r.next_us != 0 && r.next_us < COMMUNITY_START + WEEK)
        r = tick_at(&w, r.next_us);
    assert_int_equal(report(&w, "parked"), 2);
    assert_int_equal(run(&w, "queue.list", "{}", "events"), 2);
    assert_int_equal(run(&w, "queue.list", "{'limit': 1}", "events"), 1);
    assert_int_equal(run(&w, "queue.list", "{}", "events.0.case"), id);
    community_put(&w.c, "unit", "u9", "{'name': 'v'}");
    (void)snprintf(json, sizeof json, "{'case': %lld}", (long long)id);
    assert_int_equal(run(&w, "queue.retry", json, "resumed"), 1);
    assert_int_equal(report(&w, "parked"), 1);
    (void)tick_at(&w, w.now_us);
    assert_state(&w.c, id, "b");
    (void)snprintf(json, sizeof json, "{'id': %lld}", (long long)run(&w, "queue.list", "{}", "events.0.id"));
    assert_int_equal(run(&w, "queue.retry", json, "resumed"), 1);
    assert_int_equal(run(&w, "queue.retry", "{}", "resumed"), 0);
    assert_int_equal(tick_at(&w, w.now_us).failed, 0);
    assert_int_equal(cases(&w), 1);
    assert_int_equal(report(&w, "parked"), 0);
    assert_int_equal(entries(&w, "event.resumed"), 2);
    community_free(&w.c);
}

/* ---- a year that is missing ---- */

/* The last turn of the listed years is done, though nobody can say when the next one is; that waits, and what has come about in the
 * meantime is caught up with, each turn at its own instant. */
static void turns_wait_for_their_year(void **state)
{
    world w;
    begin(&w, state, MONDAY - WEEK + HOUR, short_years, weekly);
    community_put(&w.c, "household", "h1", "{'tags': ['key']}");
    assert_int_equal(tick_at(&w, MONDAY - 1).fired, 0);
    gov_tick_result r = tick_at(&w, MONDAY);
    assert_int_equal(cases(&w), 1);
    assert_int_equal(r.failed, 1); /* told once, and tried no more */
    assert_int_equal(entries(&w, "event.waiting"), 1);
    assert_int_equal(r.next_us, 0);
    for (int i = 1; i < 10; i++)
        assert_int_equal(tick_at(&w, MONDAY + i * WEEK).fired, 0);
    assert_int_equal(report(&w, "parked"), 0);
    assert_int_equal(report(&w, "waiting"), 1);
    install(&w, long_years, weekly);
    r = tick_at(&w, w.now_us);
    assert_int_equal(r.failed, 0);
    assert_int_equal(report(&w, "waiting"), 0);
    assert_int_equal(cases(&w), 10);
    for (int i = 0; i < 10; i++)
        opened_at(&w, (size_t)i, MONDAY + i * WEEK);
    assert_int_equal(r.next_us, MONDAY + 10 * WEEK);
    community_free(&w.c);
}

/* Rules that lack the year can be installed all the same; another rhythm begins with its installation. */
static void installed_without_the_year(void **state)
{
    world w;
    begin(&w, state, MONDAY + HOUR, short_years, weekly);
    community_put(&w.c, "household", "h1", "{'tags': ['key']}");
    assert_int_equal(tick_at(&w, MONDAY + HOUR).failed, 1);
    assert_int_equal(report(&w, "waiting"), 1);
    w.now_us = MONDAY + 3 * WEEK + HOUR;
    install(&w, long_years, weekly);
    (void)tick_at(&w, w.now_us);
    assert_int_equal(cases(&w), 3);
    opened_at(&w, 0, MONDAY + WEEK);
    community_free(&w.c);
}

static void another_rhythm_does_not_reach_back(void **state)
{
    static const char tuesdays[] = "---\nschedule: weekly\nover: household\nevery: week\non: tue\nat: '09:00'\nday_off: move\n"
                                   "do: [{open: {workflow: round, fields: {home: it}}}]\n";
    world w;
    begin(&w, state, MONDAY - HOUR, short_years, weekly);
    community_put(&w.c, "household", "h1", "{'tags': ['key']}");
    (void)tick_at(&w, MONDAY);
    assert_int_equal(cases(&w), 1);
    w.now_us = MONDAY + 5 * WEEK;
    install(&w, long_years, tuesdays);
    const gov_tick_result r = tick_at(&w, w.now_us);
    assert_int_equal(cases(&w), 1);
    assert_int_equal(r.next_us, MONDAY + 5 * WEEK + DAY);
    community_free(&w.c);
}

/* The same for what a case waits for. */
static void a_case_waits_for_its_year(void **state)
{
    world w;
    begin(&w, state, MONDAY + 2 * DAY, short_years, ""); /* Wednesday: three working days from Thursday on end in January */
    const int64_t id = community_open(&w.c, "slow", "{}");
    gov_tick_result r = tick_at(&w, MONDAY + 3 * DAY + 16 * HOUR);
    assert_int_equal(r.failed, 1);
    assert_state(&w.c, id, "a");
    for (int i = 4; i < 12; i++)
        assert_int_equal(tick_at(&w, MONDAY + i * DAY).fired, 0);
    assert_int_equal(report(&w, "waiting"), 1);
    install(&w, long_years, "");
    assert_int_equal(report(&w, "waiting"), 0);
    r = tick_at(&w, w.now_us);
    assert_int_equal(r.failed, 0);
    assert_state(&w.c, id, "c"); /* entered on 1 January at 00:00, three working days later it is the 6th */
    community_free(&w.c);
}

/* ---- members ---- */

static void a_group_that_comes_later(void **state)
{
    world w;
    begin(&w, state, COMMUNITY_START - DAY, short_years, of_team);
    gov_tick_result r = tick_at(&w, COMMUNITY_START + HOUR);
    assert_int_equal(r.failed, 0);
    assert_int_equal(r.next_us, COMMUNITY_START + WEEK);
    community_put(&w.c, "resident", "wang", "{'name': 'Wang'}");
    community_put(&w.c, "group", "team", "{'members': ['wang']}");
    r = tick_at(&w, COMMUNITY_START + WEEK);
    assert_int_equal(r.failed, 0);
    assert_int_equal(cases(&w), 1);
    community_free(&w.c);
}

/* Who comes in, leaves or changes after weeks in which nobody ticked: the turns of those weeks were those of the members of then. */
static void members_of_their_time(void **state)
{
    world w;
    begin(&w, state, COMMUNITY_START - DAY, short_years, weekly);
    community_put(&w.c, "household", "h1", "{'tags': ['key']}");
    assert_int_equal(tick_at(&w, COMMUNITY_START).fired, 1);
    w.now_us = COMMUNITY_START + 3 * WEEK + DAY;
    community_put(&w.c, "household", "h1", "{'tags': []}");
    community_put(&w.c, "household", "h2", "{'tags': ['key']}");
    (void)tick_at(&w, w.now_us);
    assert_int_equal(cases(&w), 4); /* h1's of four weeks */
    (void)tick_at(&w, COMMUNITY_START + 4 * WEEK);
    assert_int_equal(cases(&w), 5); /* h2's */
    opened_at(&w, 3, COMMUNITY_START + 3 * WEEK);
    opened_at(&w, 4, COMMUNITY_START + 4 * WEEK);
    community_free(&w.c);
}

/* The same where an import brings them. */
static void members_that_an_import_brings(void **state)
{
    static const char map[] = "import: households\nfile: r.csv\ncolumns: {code: key, tags: {column: tag, type: list, separator: ';'}}\nkey: code\n";
    static const char rows[] = "key,tag\nh1,\nh2,key\n";
    world w;
    gov_error *err = NULL;
    char a[512], b[512], *dir;
    begin(&w, state, COMMUNITY_START - DAY, short_years, weekly);
    dir = support_tmpdir();
    community_put(&w.c, "household", "h1", "{'tags': ['key']}");
    (void)tick_at(&w, COMMUNITY_START);
    w.now_us = COMMUNITY_START + 2 * WEEK + DAY;
    support_write(support_path(a, dir, "m.yaml"), map, sizeof map - 1);
    support_write(support_path(b, dir, "r.csv"), rows, sizeof rows - 1);
    const gov_import_options o = {.size = sizeof o};
    gov_import_result r = {.size = sizeof r};
    assert_gov_ok(gov_import(w.c.g, a, &o, &r, &err), err);
    assert_int_equal(r.added, 1);
    support_rmdir(dir);
    (void)tick_at(&w, w.now_us);
    assert_int_equal(cases(&w), 3);
    community_free(&w.c);
}

/* A record that is put at the very instant of a turn is there for it. */
static void a_member_of_that_instant(void **state)
{
    world w;
    begin(&w, state, COMMUNITY_START - DAY, short_years, weekly);
    w.now_us = COMMUNITY_START;
    community_put(&w.c, "household", "h1", "{'tags': ['key']}");
    (void)tick_at(&w, COMMUNITY_START);
    assert_int_equal(cases(&w), 1);
    community_free(&w.c);
}

/* ---- many ---- */

/* A case's 1,200 events of one hour are all taken before the one that comes a day later. */
static void no_event_overtakes_others(void **state)
{
    enum { EVENTS = 1200 };
    static const char start[] = "rulebook: many\nversion: '1'\ntime_zone: UTC\n---\nworkflow: w\n"
                                "fields: {n: {type: int, default: 0}, at_stop: {type: int, default: -1}}\nevents: {burst: {}, stop: {}}\n"
                                "on: {t: {do: [{set: {n: case.n + 1}}]}, stop: {do: [{set: {at_stop: case.n}}]}}\n"
                                "states:\n  a:\n    on: {burst: {do: [";
    static const char end[] = "]}}\n    after: {delay: 90 days, to: z}\n  z: {type: final}\n";
    static const char send[] = "{send: {event: t, after: 1 hour}}";
    support_store *s = support_store_of(state); /* may skip */
    char *text = malloc(sizeof start + sizeof end + EVENTS * sizeof send);
    size_t len = (size_t)sprintf(text, "%s", start);
    for (int i = 0; i < EVENTS; i++)
        len += (size_t)sprintf(text + len, "%s%s", i > 0 ? "," : "", send);
    (void)sprintf(text + len, "%s", end);
    community c = community_make(s, text, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    const int64_t id = community_open(&c, "w", "{}");
    community_send(&c, id, "burst", NULL, GOV_OK);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + DAY, &err), err);
    community_send(&c, id, "stop", NULL, GOV_OK);
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    assert_int_equal(gov_value_int(gov_value_find(v, "fields.at_stop")), EVENTS);
    gov_value_free(v);
    community_free(&c);
    free(text);
}

/* A case in 300 states at once ends when all of them have. */
static void a_case_of_many_states_ends(void **state)
{
    enum { REGIONS = 300 };
    support_store *s = support_store_of(state);
    char *text = malloc(200 + REGIONS * 100);
    size_t len = (size_t)sprintf(text, "rulebook: wide\nversion: '1'\ntime_zone: UTC\n---\nworkflow: w\nevents: {go: {}}\nstates:\n  p:\n"
                                       "    type: parallel\n    states:\n");
    for (int i = 0; i < REGIONS; i++)
        len += (size_t)sprintf(text + len, "      r%d: {states: {a%d: {on: {go: f%d}}, f%d: {type: final, outcome: fine}}}\n", i, i, i, i);
    community c = community_make(s, text, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    const int64_t id = community_open(&c, "w", "{}");
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    assert_int_equal(gov_value_kind(gov_value_get(v, "closed_at")), GOV_VALUE_NULL);
    gov_value_free(v);
    v = NULL;
    community_send(&c, id, "go", NULL, GOV_OK);
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    assert_int_equal(gov_value_kind(gov_value_get(v, "closed_at")), GOV_VALUE_TIMESTAMP);
    assert_text_at(v, "outcome", "fine");
    gov_value_free(v);
    community_free(&c);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_turn_without_members_that_fails), STORE_TESTS(one_that_never_goes_through_is_parked),
        STORE_TESTS(turns_wait_for_their_year),         STORE_TESTS(installed_without_the_year),
        STORE_TESTS(what_is_parked_can_be_taken_up),
        STORE_TESTS(another_rhythm_does_not_reach_back), STORE_TESTS(a_case_waits_for_its_year),
        STORE_TESTS(a_group_that_comes_later),          STORE_TESTS(members_of_their_time), STORE_TESTS(members_that_an_import_brings),
        STORE_TESTS(a_member_of_that_instant),          STORE_TESTS(no_event_overtakes_others),
        STORE_TESTS(a_case_of_many_states_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
