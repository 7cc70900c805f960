/* Time that does what it should not, and much of it at once: clocks that run backwards or jump a year, a crowd of timers that are due
 * together, and messages whose delay was reckoned by another case's calendar. */
#include "support/community.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case/live.h"

static void now_is(community *c, const char *time)
{
    gov_error *err = NULL;
    int64_t us = 0;
    assert_gov_ok(gov_time_parse(c->g, time, &us, &err), err);
    assert_gov_ok(gov_set_now(c->g, us, &err), err);
}

static gov_tick_result tick(community *c, uint64_t max)
{
    gov_error *err = NULL;
    gov_tick_result r = {.size = sizeof r};
    assert_gov_ok(gov_tick(c->g, max, &r, &err), err);
    assert_int_equal(r.failed + r.parked, 0);
    return r;
}

static int64_t number_at(community *c, int64_t id, const char *path)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    const gov_value *found = gov_value_find(v, path);
    const int64_t n = gov_value_kind(found) == GOV_VALUE_TIMESTAMP || gov_value_kind(found) == GOV_VALUE_DURATION
                          ? gov_value_seconds(found, NULL)
                          : gov_value_int(found);
    gov_value_free(v);
    return n;
}

static int64_t seconds(community *c, const char *time)
{
    gov_error *err = NULL;
    int64_t us = 0;
    assert_gov_ok(gov_time_parse(c->g, time, &us, &err), err);
    return us / 1000000;
}

static void finish(community *c)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_verify(c->g, NULL, NULL, NULL, &err), err);
    community_free(c);
}

/* ---- a message reckoned by its sender's calendar ---- */

#define OFFICES(YEARS)                                                                                            \
    "rulebook: offices\nversion: '1'\ntime_zone: Asia/Shanghai\ncalendar: office\nroles: {desk: {}}\n"              \
    "permissions: {case.open: [desk], case.read: [desk]}\n---\n"                                                   \
    "calendar: office\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\nyears: {2026: {off: []}" YEARS "}\n---\n"    \
    "calendar: always\nhours: {mon-sun: ['00:00-24:00']}\nyears: {2026: {off: []}" YEARS "}\n---\n"                   \
    "workflow: asker\nevents: {go: {by: [desk]}}\nstates:\n"                                                       \
    "  open:\n    entry: [{open: {workflow: asked, link: other}}]\n"                                               \
    "    on: {go: {do: [{send: {event: hurry, to: children, after: 3 working days}}]}}\n"                          \
    "    after: {delay: 1000 days, to: over}\n  over: {type: final}\n---\n"                                        \
    "workflow: asked\ncalendar: always\nfields: {n: {type: int, default: 0}}\nevents: {hurry: {}, end: {by: [desk]}}\nstates:\n" \
    "  open: {on: {hurry: {do: [{set: {n: case.n + 1}}]}, end: over}}\n  over: {type: final}\n"

static void install(community *c, const char *text)
{
    gov_error *err = NULL;
    gov_rulebook *book = community_rulebook(text);
    assert_gov_ok(gov_install(c->g, book, &err), err);
    gov_rulebook_free(book);
}

/* Sent on Wednesday 30 December: the 31st, and by the weekly pattern the 1st and the 4th; when the year comes, the 1st is off: the 5th.
 * The receiver's own calendar works round the clock, and has no say. */
static void a_message_follows_its_senders_calendar(void **state)
{
    community c = community_make(support_store_of(state), OFFICES(""), NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    now_is(&c, "2026-12-30 10:00");
    const int64_t id = community_open(&c, "asker", "{}");
    const int64_t child = number_at(&c, id, "children.0");
    community_send(&c, id, "go", NULL, GOV_OK);
    assert_gov_ok(gov_case_explain(c.g, child, &v, &err), err);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "timers.0.due"), NULL), seconds(&c, "2027-01-04 17:30"));
    assert_int_equal(gov_value_bool(gov_value_find(v, "timers.0.provisional")), 1);
    gov_value_free(v);
    install(&c, OFFICES(", 2027: {off: [2027-01-01]}"));
    assert_gov_ok(gov_case_explain(c.g, child, &v, &err), err);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "timers.0.due"), NULL), seconds(&c, "2027-01-05 17:30"));
    assert_int_equal(gov_value_bool(gov_value_find(v, "timers.0.provisional")), 0);
    gov_value_free(v);
    assert_gov_ok(gov_case_history(c.g, child, &v, &err), err);
    assert_text_at(v, "1.kind", "case.calendar");
    gov_value_free(v);
    now_is(&c, "2027-01-05 17:29");
    tick(&c, 0);
    assert_int_equal(number_at(&c, child, "fields.n"), 0);
    now_is(&c, "2027-01-05 17:30");
    tick(&c, 0);
    assert_int_equal(number_at(&c, child, "fields.n"), 1);
    finish(&c);
}

/* However many there are. */
static void a_hundred_messages_follow(void **state)
{
    community c = community_make(support_store_of(state), OFFICES(""), NULL);
    now_is(&c, "2026-12-30 10:00");
    const int64_t id = community_open(&c, "asker", "{}");
    const int64_t child = number_at(&c, id, "children.0");
    for (int i = 0; i < 100; i++)
        community_send(&c, id, "go", NULL, GOV_OK);
    install(&c, OFFICES(", 2027: {off: [2027-01-01]}"));
    now_is(&c, "2027-01-05 17:29");
    tick(&c, 0);
    assert_int_equal(number_at(&c, child, "fields.n"), 0);
    now_is(&c, "2027-01-05 17:30");
    tick(&c, 0);
    assert_int_equal(number_at(&c, child, "fields.n"), 100);
    finish(&c);
}

/* ---- clocks that run backwards, or jump ---- */

static const char terms[] =
    "rulebook: terms\nversion: '1'\ntime_zone: Asia/Shanghai\ncalendar: cn\nroles: {desk: {}}\n"
    "permissions: {case.open: [desk], case.read: [desk]}\n---\n"
    "calendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\nyears: {2026: {off: []}, 2027: {off: []}}\n---\n"
    "workflow: term\nfields: {log: {type: string, default: ''}}\n"
    "events: {hold: {by: [desk]}, go: {by: [desk]}, end: {by: [desk]}}\n"
    "clocks:\n"
    "  days: {starts: [run], stops: [over], budget: 5 working days, paused_in: [held], again: resume, marks: {100%: late, +5 working days: later}}\n"
    "  hours: {starts: [run], stops: [over], budget: 10 hours, paused_in: [held], again: resume}\n"
    "states:\n"
    "  run:\n    on: {hold: held, end: over, late: {do: [{set: {log: case.log + 'L'}}]}, later: {do: [{set: {log: case.log + 'l'}}]}}\n"
    "    after: [{delay: 2 days, do: [{set: {log: case.log + 'a'}}]}, {delay: 300 days, do: [{set: {log: case.log + 'z'}}]}]\n"
    "  held: {on: {go: run}}\n"
    "  over: {type: final}\n";

static void a_clock_that_runs_backwards_gains_nobody_anything(void **state)
{
    community c = community_make(support_store_of(state), terms, NULL);
    now_is(&c, "2026-03-04 10:00");
    const int64_t id = community_open(&c, "term", "{}");
    assert_int_equal(number_at(&c, id, "clocks.0.due"), seconds(&c, "2026-03-11 17:30"));
    now_is(&c, "2026-03-02 10:00"); /* two days back */
    assert_int_equal(tick(&c, 0).fired, 0);
    assert_int_equal(number_at(&c, id, "clocks.0.consumed"), 0);
    assert_int_equal(number_at(&c, id, "clocks.1.left"), 10 * 3600);
    community_send(&c, id, "hold", NULL, GOV_OK);
    community_send(&c, id, "go", NULL, GOV_OK);
    /* For the case no time goes back: what came then came at its last step, and ten hours run from there. */
    assert_int_equal(number_at(&c, id, "clocks.1.due"), seconds(&c, "2026-03-04 20:00"));
    now_is(&c, "2026-03-06 10:00");
    tick(&c, 0);
    now_is(&c, "2026-03-05 09:00");
    community_send(&c, id, "end", NULL, GOV_OK);
    assert_int_equal(number_at(&c, id, "closed_at"), seconds(&c, "2026-03-05 09:00"));
    finish(&c);
}

/* A year later in one go: everything comes, each at its own instant and in its order. */
static void a_clock_that_jumps_a_year_leaves_nothing_out(void **state)
{
    community c = community_make(support_store_of(state), terms, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    int64_t before = 0;
    now_is(&c, "2026-03-04 10:00");
    const int64_t id = community_open(&c, "term", "{}");
    now_is(&c, "2027-03-04 10:00");
    assert_int_equal(tick(&c, 0).fired, 4);
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    assert_text_at(v, "fields.log", "aLlz");
    gov_value_free(v);
    assert_gov_ok(gov_case_history(c.g, id, &v, &err), err);
    for (size_t i = 0; i < gov_value_count(v); i++) {
        const int64_t at = gov_value_seconds(gov_value_get(gov_value_at(v, i), "at"), NULL);
        assert_true(at >= before);
        before = at;
    }
    assert_int_equal(before, seconds(&c, "2026-12-30")); /* 300 days from 4 March: the end of 29 December */
    gov_value_free(v);
    finish(&c);
}

/* ---- a crowd ---- */

static const char crowd[] =
    "rulebook: crowd\nversion: '1'\ntime_zone: Asia/Shanghai\n---\n"
    "workflow: counter\nfields: {n: {type: int, default: 0}}\nevents: {tap: {}}\n"
    "states: {open: {on: {tap: {do: [{set: {n: case.n + 1}}]}}, after: {delay: 9000 days, to: over}}, over: {type: final}}\n";

static gov_status fill(gov *g, void *user, const diag *d)
{
    const int64_t *which = user; /* a case, and how many */
    static const char *const sqlite = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lld) ";
    char text[1024];
    const int len = snprintf(text, sizeof text, sqlite, (long long)which[1]);
    (void)snprintf(text + len, sizeof text - (size_t)len,
                   "INSERT INTO gov_case_timer (community, case_id, name, id, kind, due_us, event, attempts, parked, provisional, roll) "
                   "SELECT $1, $2, 's:crowd' || n.i, n.i, 3, %lld, 'tap', 0, 0, 0, 0 FROM n",
                   (long long)COMMUNITY_START);
    const store_sql sql = {text, STORE_DYNAMIC};
    int64_t rows = 0;
    const gov_status status = store_exec(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(which[0])), &rows, d);
    if (status == GOV_OK)
        case_note_due(g, COMMUNITY_START, false);
    return status;
}

/* As many as a tick may fire are fired, whatever waits behind them; in the end all are. */
static void a_crowd_that_is_due_at_once(void **state)
{
    static const access_call call = {ACCESS_HOST_ONLY, true};
    const bool thorough = getenv("GOV_LONG") != NULL;
    support_store *s = support_store_of(state);
    community c = community_make(s, crowd, NULL);
    gov_error *err = NULL;
    const int64_t id = community_open(&c, "counter", "{}"), many = thorough ? 1000000 : 800;
    int64_t which[2] = {id, many}, fired = 0;
    assert_gov_ok(access_run(c.g, &call, fill, which, &err), err);
    const uint64_t most = thorough ? 50000 : 150;
    while (fired < many) {
        const gov_tick_result r = tick(&c, most);
        assert_true(r.fired > 0 && r.fired <= most);
        fired += (int64_t)r.fired;
        assert_int_equal(number_at(&c, id, "fields.n"), fired);
    }
    assert_int_equal(fired, many);
    assert_int_equal(tick(&c, most).fired, 0);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_message_follows_its_senders_calendar),
        STORE_TESTS(a_hundred_messages_follow),
        STORE_TESTS(a_clock_that_runs_backwards_gains_nobody_anything),
        STORE_TESTS(a_clock_that_jumps_a_year_leaves_nothing_out),
        STORE_TESTS(a_crowd_that_is_due_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
