/* Timers whose instant rests on a clock follow the clock: what waits for its due instant comes when that comes, and not before.
 *
 * Monday 2 March 2026, hours 09:00-12:00 and 13:30-17:30, seven a day. */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

#define HEAD(VERSION, YEARS)                                                                                                  \
    "rulebook: follow\nversion: '" VERSION "'\ntime_zone: Asia/Shanghai\ncalendar: cn\n"                                       \
    "---\ncalendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\nyears: {2026: {off: [2026-01-01" YEARS "]}}\n---\n"

/* One region waits for the clock of the other one. */
#define JOB(MIGRATE, BUDGET, AT, OTHER)                                                                                       \
    "workflow: job\n" MIGRATE                                                                                                 \
    "fields: {told: {type: int, default: 0}}\n"                                                                               \
    "events: {wait: {}, go_on: {}, stop: {}, redo: {}, more: {}, give: {input: {unit: {type: unit}}}, begin: {}}\n"             \
    "clocks:\n"                                                                                                               \
    "  term: {starts: [begin, redo], stops: [stop], budget: " BUDGET ", paused_in: [both.work.waiting], per: holder,\n"                  \
    "         extend: {event: more, amount: 1 working hour}}\n"                                                               \
    "on: {give: {do: [{assign: {unit: event.data.unit}}]}, more: {}, redo: {}, stop: {}, begin: {}}\n"                          \
    "states:\n"                                                                                                               \
    "  both:\n"                                                                                                               \
    "    parallel: true\n"                                                                                                    \
    "    states:\n"                                                                                                           \
    "      watch: {states: {open: {after: [{at: \"" AT "\", to: over}" OTHER "]}, over: {}}}\n"                                 \
    "      work: {states: {busy: {on: {wait: waiting}}, waiting: {on: {go_on: busy}}}}\n"

static const char rules[] = HEAD("1", "") JOB("", "7 working hours", "clocks.term.due", "");
static const char watch[] = "both.watch.open", over[] = "both.watch.over", timer[] = "a@both.watch.open#0";

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

static void verify(community *c)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_verify(c->g, NULL, NULL, NULL, &err), err);
}

static gov_value *explain(community *c, int64_t id)
{
    gov_value *v = NULL;
    gov_error *err = NULL;
    assert_gov_ok(gov_case_explain(c->g, id, &v, &err), err);
    return v;
}

static const gov_value *find_timer(const gov_value *v, const char *name)
{
    const gov_value *all = gov_value_get(v, "timers");
    for (size_t i = 0; i < gov_value_count(all); i++)
        if (strcmp(gov_value_string(gov_value_get(gov_value_at(all, i), "timer"), NULL), name) == 0)
            return gov_value_at(all, i);
    return NULL;
}

/* time NULL: it waits for its clock. */
static void timer_is(community *c, int64_t id, const char *name, const char *time)
{
    gov_value *v = explain(c, id);
    const gov_value *one = find_timer(v, name);
    assert_non_null(one);
    if (time == NULL)
        assert_int_equal(gov_value_kind(gov_value_get(one, "due")), GOV_VALUE_NULL);
    else
        assert_int_equal(gov_value_seconds(gov_value_get(one, "due"), NULL), instant(c, time) / 1000000);
    gov_value_free(v);
}

static bool is_set(community *c, int64_t id, const char *name)
{
    gov_value *v = explain(c, id);
    const bool yes = find_timer(v, name) != NULL;
    gov_value_free(v);
    return yes;
}

static community make(void **state, const char *text)
{
    community c = community_make(support_store_of(state), text, NULL);
    community_put(&c, "unit", "U1", "{'name': 'One'}");
    community_put(&c, "unit", "U2", "{'name': 'Two'}");
    at(&c, "2026-03-02 09:00");
    return c;
}

static void in_watch(community *c, int64_t id, const char *path)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    assert_text_at(v, "state.0", path);
    gov_value_free(v);
}

static int64_t begin(community *c)
{
    const int64_t id = community_open(c, "job", "{}");
    community_send(c, id, "begin", NULL, GOV_OK);
    return id;
}

static void finish(community *c)
{
    verify(c);
    community_free(c);
}

/* Seven hours from nine: 17:30. Two are used when it waits; on Wednesday from ten, five hours more: 16:30. */
static void a_pause_moves_what_waits_for_the_clock(void **state)
{
    community c = make(state, rules);
    const int64_t id = community_open(&c, "job", "{}");
    timer_is(&c, id, timer, NULL); /* the clock has not begun */
    community_send(&c, id, "begin", NULL, GOV_OK);
    timer_is(&c, id, timer, "2026-03-02 17:30");
    at(&c, "2026-03-02 11:00");
    community_send(&c, id, "wait", NULL, GOV_OK);
    timer_is(&c, id, timer, NULL);
    at(&c, "2026-03-04 10:00");
    in_watch(&c, id, watch);
    community_send(&c, id, "go_on", NULL, GOV_OK);
    timer_is(&c, id, timer, "2026-03-04 16:30");
    at(&c, "2026-03-04 16:29");
    in_watch(&c, id, watch);
    at(&c, "2026-03-04 16:30");
    in_watch(&c, id, over);
    finish(&c);
}

/* At the due instant itself the pause is in time. */
static void what_is_due_now_waits_for_who_pauses_now(void **state)
{
    community c = make(state, rules);
    gov_error *err = NULL;
    const int64_t id = begin(&c);
    assert_gov_ok(gov_set_now(c.g, instant(&c, "2026-03-02 17:30"), &err), err); /* and no tick before it */
    community_send(&c, id, "wait", NULL, GOV_OK);
    at(&c, "2026-03-03 09:00");
    in_watch(&c, id, watch);
    finish(&c);
}

static void an_extension_a_new_start_and_another_holder_move_it(void **state)
{
    community c = make(state, rules);
    const int64_t id = begin(&c);
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, id, "more", NULL, GOV_OK);
    timer_is(&c, id, timer, "2026-03-03 10:00");
    at(&c, "2026-03-02 15:30");
    community_send(&c, id, "give", "{'unit': 'U2'}", GOV_OK); /* all seven hours, from 15:30 */
    timer_is(&c, id, timer, "2026-03-03 15:30");
    at(&c, "2026-03-03 09:00");
    community_send(&c, id, "wait", NULL, GOV_OK);
    community_send(&c, id, "more", NULL, GOV_OK);
    timer_is(&c, id, timer, NULL);
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    timer_is(&c, id, timer, NULL);
    community_send(&c, id, "stop", NULL, GOV_OK);
    at(&c, "2026-03-05 09:00");
    timer_is(&c, id, timer, NULL); /* it was stopped while it waited, and never was due */
    community_send(&c, id, "go_on", NULL, GOV_OK);
    timer_is(&c, id, timer, NULL);
    community_send(&c, id, "redo", NULL, GOV_OK);
    timer_is(&c, id, timer, "2026-03-05 17:30");
    at(&c, "2026-03-05 10:00");
    community_send(&c, id, "stop", NULL, GOV_OK);
    timer_is(&c, id, timer, "2026-03-05 17:30"); /* what it would have been due at stays known */
    finish(&c);
}

/* An hour before it is due; when the clock goes on with less than that, at once. What was told in this stay is not told twice. */
static void it_comes_once_in_a_stay(void **state)
{
    static const char text[] = HEAD("1", "")
        JOB("", "2 working hours", "clocks.term.due + duration('10m')", ", {at: \"clocks.term.due - duration('1h')\", do: [{set: {told: case.told + 1}}]}");
    community c = make(state, text);
    const int64_t early = begin(&c), late = begin(&c);
    at(&c, "2026-03-02 09:30");
    community_send(&c, early, "wait", NULL, GOV_OK);
    at(&c, "2026-03-02 10:00");
    gov_value *v = NULL;
    gov_error *err = NULL;
    assert_false(is_set(&c, late, "a@both.watch.open#1"));
    assert_true(is_set(&c, early, "a@both.watch.open#1"));
    at(&c, "2026-03-02 10:30");
    community_send(&c, late, "wait", NULL, GOV_OK);
    community_send(&c, late, "more", NULL, GOV_OK);
    community_send(&c, late, "go_on", NULL, GOV_OK); /* an hour and a half is left: due at noon */
    assert_false(is_set(&c, late, "a@both.watch.open#1"));
    timer_is(&c, late, timer, "2026-03-02 12:10");
    at(&c, "2026-03-02 11:00");
    community_send(&c, early, "go_on", NULL, GOV_OK); /* 90 minutes from eleven: 14:00 */
    timer_is(&c, early, "a@both.watch.open#1", "2026-03-02 13:00");
    at(&c, "2026-03-03 09:00");
    const int64_t both[] = {early, late};
    for (size_t i = 0; i < 2; i++) {
        in_watch(&c, both[i], over);
        assert_gov_ok(gov_case_get(c.g, both[i], &v, &err), err);
        assert_int_equal(gov_value_int(gov_value_find(v, "fields.told")), 1);
        gov_value_free(v);
    }
    finish(&c);
}

/* `now` is when the state was entered, whenever the clock moves: four hours from then, or the due instant where that comes first. */
static void now_is_when_the_state_was_entered(void **state)
{
    static const char text[] = HEAD("1", "") JOB("", "7 working hours",
        "clocks.term.due != null && clocks.term.due < now + duration('4h') ? clocks.term.due : now + duration('4h')", "");
    community c = make(state, text);
    const int64_t id = begin(&c);
    timer_is(&c, id, timer, "2026-03-02 13:00");
    at(&c, "2026-03-02 10:00");
    community_send(&c, id, "more", NULL, GOV_OK);
    community_send(&c, id, "wait", NULL, GOV_OK);
    timer_is(&c, id, timer, "2026-03-02 13:00");
    at(&c, "2026-03-02 13:00");
    in_watch(&c, id, over);
    finish(&c);
}

/* A line of a pause tells no instant, and the one that goes on tells which it was before. */
static void explaining_shows_nothing_due_in_a_pause(void **state)
{
    community c = make(state, rules);
    const int64_t id = begin(&c);
    at(&c, "2026-03-02 11:00");
    community_send(&c, id, "wait", NULL, GOV_OK);
    community_send(&c, id, "more", NULL, GOV_OK);
    at(&c, "2026-03-04 10:00");
    community_send(&c, id, "go_on", NULL, GOV_OK);
    gov_value *v = explain(&c, id);
    const gov_value *lines = gov_value_find(v, "clocks.0.lines");
    size_t seen = 0;
    for (size_t i = 0; i < gov_value_count(lines); i++) {
        const gov_value *one = gov_value_at(lines, i), *due = gov_value_get(one, "due");
        const char *what = gov_value_string(gov_value_get(one, "what"), NULL);
        if (strcmp(what, "pause") == 0 || strcmp(what, "extend") == 0) {
            assert_null(due);
            seen++;
        }
        if (strcmp(what, "resume") == 0) {
            assert_int_equal(gov_value_seconds(due, NULL), instant(&c, "2026-03-04 17:30") / 1000000);
            assert_int_equal(gov_value_seconds(gov_value_get(one, "was"), NULL), instant(&c, "2026-03-02 17:30") / 1000000);
            seen++;
        }
    }
    assert_int_equal(seen, 3);
    gov_value_free(v);
    finish(&c);
}

/* What waits for its clock, and what waits for an instant, waits for it after a restart. */
static void it_outlives_a_restart(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(state, rules);
    gov_error *err = NULL;
    gov_tick_result r = {.size = sizeof r};
    const int64_t id = begin(&c);
    at(&c, "2026-03-02 11:00");
    community_send(&c, id, "wait", NULL, GOV_OK);
    assert_gov_ok(gov_tick(c.g, 0, &r, &err), err);
    assert_int_equal(r.next_us, 0); /* nothing comes by itself */
    community_free(&c);
    assert_gov_ok(community_try(s->url, NULL, NULL, &c, &err), err);
    at(&c, "2026-03-04 10:00");
    assert_gov_ok(gov_tick(c.g, 0, &r, &err), err);
    assert_int_equal(r.next_us, 0);
    community_send(&c, id, "go_on", NULL, GOV_OK);
    assert_gov_ok(gov_tick(c.g, 0, &r, &err), err);
    assert_int_equal(r.next_us, instant(&c, "2026-03-04 16:30"));
    community_free(&c);
    assert_gov_ok(community_try(s->url, NULL, NULL, &c, &err), err);
    at(&c, "2026-03-04 16:30");
    in_watch(&c, id, over);
    finish(&c);
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

/* Kept: where the clock is, which keeps its budget. What waited does so, and comes when the clock goes on. */
static void it_goes_over_to_other_rules_as_it_is(void **state)
{
    static const char next[] = HEAD("2", "") JOB("migrate: {from: '1', timers: keep}\n", "9 working hours", "clocks.term.due", "");
    community c = make(state, rules);
    const int64_t runs = begin(&c), waits = begin(&c);
    at(&c, "2026-03-02 11:00");
    community_send(&c, waits, "wait", NULL, GOV_OK);
    migrate(&c, next);
    timer_is(&c, runs, timer, "2026-03-02 17:30");
    timer_is(&c, waits, timer, NULL);
    verify(&c);
    at(&c, "2026-03-04 10:00");
    in_watch(&c, runs, over);
    in_watch(&c, waits, watch);
    community_send(&c, waits, "go_on", NULL, GOV_OK);
    timer_is(&c, waits, timer, "2026-03-04 16:30");
    at(&c, "2026-03-04 16:30");
    in_watch(&c, waits, over);
    finish(&c);
}

/* Reckoned again: nine hours. */
static void it_is_reckoned_again_with_its_clock(void **state)
{
    static const char next[] = HEAD("2", "") JOB("migrate: {from: '1', timers: recompute}\n", "9 working hours", "clocks.term.due", "");
    community c = make(state, rules);
    const int64_t runs = begin(&c), waits = begin(&c);
    at(&c, "2026-03-02 11:00");
    community_send(&c, waits, "wait", NULL, GOV_OK);
    migrate(&c, next);
    timer_is(&c, runs, timer, "2026-03-03 11:00");
    timer_is(&c, waits, timer, NULL);
    verify(&c);
    at(&c, "2026-03-04 09:00");
    in_watch(&c, runs, over);
    community_send(&c, waits, "go_on", NULL, GOV_OK);
    timer_is(&c, waits, timer, "2026-03-04 17:30");
    finish(&c);
}

/* Kept, and the new rules let the clock wait where it ran: nothing is due there. */
static void rules_that_pause_the_clock_take_its_instant_away(void **state)
{
    static const char next[] = HEAD("2", "")
        "workflow: job\nmigrate: {from: '1', timers: keep}\n"
        "fields: {told: {type: int, default: 0}}\n"
        "events: {wait: {}, go_on: {}, stop: {}, redo: {}, more: {}, give: {input: {unit: {type: unit}}}, begin: {}}\n"
        "clocks:\n"
        "  term: {starts: [begin, redo], stops: [stop], budget: 7 working hours, paused_in: [both.work.busy], per: holder,\n"
        "         extend: {event: more, amount: 1 working hour}}\n"
        "on: {give: {do: [{assign: {unit: event.data.unit}}]}, more: {}, redo: {}, stop: {}, begin: {}}\n"
        "states:\n"
        "  both:\n"
        "    parallel: true\n"
        "    states:\n"
        "      watch: {states: {open: {after: {at: clocks.term.due, to: over}}, over: {}}}\n"
        "      work: {states: {busy: {on: {wait: waiting}}, waiting: {on: {go_on: busy}}}}\n";
    community c = make(state, rules);
    const int64_t id = begin(&c);
    at(&c, "2026-03-02 11:00");
    migrate(&c, next);
    timer_is(&c, id, timer, NULL);
    at(&c, "2026-03-04 10:00");
    in_watch(&c, id, watch);
    community_send(&c, id, "wait", NULL, GOV_OK);
    timer_is(&c, id, timer, "2026-03-04 16:30");
    finish(&c);
}

/* A holiday that is declared while the clock runs moves it and what waits for it; while it waits, when it goes on. */
static void another_calendar_moves_both(void **state)
{
    static const char next[] = HEAD("2", ", 2026-03-03") JOB("", "9 working hours", "clocks.term.due", "");
    static const char first[] = HEAD("1", "") JOB("", "9 working hours", "clocks.term.due", "");
    community c = make(state, first);
    gov_error *err = NULL;
    const int64_t runs = begin(&c), waits = begin(&c);
    at(&c, "2026-03-02 11:00");
    community_send(&c, waits, "wait", NULL, GOV_OK);
    timer_is(&c, runs, timer, "2026-03-03 11:00");
    gov_rulebook *book = community_rulebook(next);
    assert_gov_ok(gov_install(c.g, book, &err), err);
    gov_rulebook_free(book);
    timer_is(&c, runs, timer, "2026-03-04 11:00");
    timer_is(&c, waits, timer, NULL);
    gov_value *v = NULL;
    assert_gov_ok(gov_case_history(c.g, runs, &v, &err), err);
    assert_int_equal(gov_value_count(gov_value_find(v, "2.data.moved")), 2); /* the clock, and the timer */
    gov_value_free(v);
    community_send(&c, waits, "go_on", NULL, GOV_OK);
    timer_is(&c, waits, timer, "2026-03-04 11:00");
    at(&c, "2026-03-04 10:59");
    in_watch(&c, runs, watch);
    at(&c, "2026-03-04 11:00");
    in_watch(&c, runs, over);
    in_watch(&c, waits, over);
    finish(&c);
}

/* A failed step moves nothing. */
static void what_is_refused_moves_nothing(void **state)
{
    static const char text[] = HEAD("1", "")
        "workflow: job\nfields: {n: {type: int, default: 0}}\nevents: {wait: {}, bad: {}}\n"
        "clocks: {term: {starts: [both], stops: [never], budget: 7 working hours, paused_in: [both.work.waiting]}}\n"
        "states:\n"
        "  both:\n"
        "    parallel: true\n"
        "    states:\n"
        "      watch: {states: {open: {after: {at: clocks.term.due, to: over}}, over: {}}}\n"
        "      work: {states: {busy: {on: {bad: waiting}}, waiting: {entry: [{set: {n: 1 / case.n}}]}}}\n"
        "    on: {wait: never}\n"
        "  never: {type: final}\n";
    community c = make(state, text);
    gov_error *err = NULL;
    const int64_t id = community_open(&c, "job", "{}");
    timer_is(&c, id, timer, "2026-03-02 17:30");
    assert_int_not_equal(gov_case_send(c.g, id, "bad", NULL, NULL, &err), GOV_OK);
    gov_error_free(err);
    timer_is(&c, id, timer, "2026-03-02 17:30");
    at(&c, "2026-03-02 17:30");
    in_watch(&c, id, over);
    finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_pause_moves_what_waits_for_the_clock),
        STORE_TESTS(what_is_due_now_waits_for_who_pauses_now),
        STORE_TESTS(an_extension_a_new_start_and_another_holder_move_it),
        STORE_TESTS(it_comes_once_in_a_stay),
        STORE_TESTS(now_is_when_the_state_was_entered),
        STORE_TESTS(explaining_shows_nothing_due_in_a_pause),
        STORE_TESTS(it_outlives_a_restart),
        STORE_TESTS(it_goes_over_to_other_rules_as_it_is),
        STORE_TESTS(it_is_reckoned_again_with_its_clock),
        STORE_TESTS(rules_that_pause_the_clock_take_its_instant_away),
        STORE_TESTS(another_calendar_moves_both),
        STORE_TESTS(what_is_refused_moves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
