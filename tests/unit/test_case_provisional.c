/* What rests on a year that no calendar lists says so wherever it is told, and is reckoned again when the year is there. */
#include "support/community.h"

#include <string.h>

#define RULES(VERSION, YEARS)                                                                                              \
    "rulebook: years\nversion: '" VERSION "'\ntime_zone: Asia/Shanghai\ncalendar: cn\n"                                      \
    "---\ncalendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\nyears: {2026: {off: [2026-01-01]}" YEARS "}\n"     \
    "---\nworkflow: request\nevents: {go: {}, rest: {}, finish: {}}\n"                                                        \
    "clocks:\n"                                                                                                             \
    "  long: {starts: [open], stops: [finish], budget: 240 working days, marks: {20%: early, 100%: late}}\n"                 \
    "  short: {starts: [open], stops: [finish], budget: 5 working days, marks: {50%: half, +240 working days: far}}\n"       \
    "  given: {starts: [open], stops: [finish], due: \"add_working(now, '240 working days')\", marks: {100%: over}}\n"       \
    "states:\n"                                                                                                             \
    "  open:\n    on:\n      rest: resting\n      finish: done\n"                                                             \
    "      early late half far over: {do: [{log: mark}]}\n"                                                                  \
    "  resting:\n    entry: [{send: {event: go, at: clocks.long.due, id: later}}]\n"                                          \
    "    after: {at: clocks.long.due, to: done}\n    on: {go: done, finish: done}\n"                                           \
    "  done: {type: final}\n"

static gov_value *explain(community *c, int64_t id)
{
    gov_value *v = NULL;
    gov_error *err = NULL;
    assert_gov_ok(gov_case_explain(c->g, id, &v, &err), err);
    return v;
}

static const gov_value *clock_of(const gov_value *v, const char *name)
{
    const gov_value *all = gov_value_get(v, "clocks");
    for (size_t i = 0; i < gov_value_count(all); i++)
        if (strcmp(gov_value_string(gov_value_get(gov_value_at(all, i), "name"), NULL), name) == 0)
            return gov_value_at(all, i);
    fail_msg("no clock %s", name);
    return NULL;
}

/* The line of a clock that says this, of this mark where one is given. */
static const gov_value *line_of(const gov_value *v, const char *clock, const char *what, const char *mark)
{
    const gov_value *lines = gov_value_get(clock_of(v, clock), "lines");
    for (size_t i = 0; i < gov_value_count(lines); i++) {
        const gov_value *one = gov_value_at(lines, i);
        if (strcmp(gov_value_string(gov_value_get(one, "what"), NULL), what) == 0 &&
            (mark == NULL || strcmp(gov_value_string(gov_value_get(one, "mark"), NULL), mark) == 0))
            return one;
    }
    fail_msg("clock %s has no line \"%s\"", clock, what);
    return NULL;
}

static const gov_value *timer_of(const gov_value *v, const char *name)
{
    const gov_value *all = gov_value_get(v, "timers");
    for (size_t i = 0; i < gov_value_count(all); i++)
        if (strncmp(gov_value_string(gov_value_get(gov_value_at(all, i), "timer"), NULL), name, strlen(name)) == 0)
            return gov_value_at(all, i);
    fail_msg("no timer %s", name);
    return NULL;
}

static bool unsure(const gov_value *v)
{
    return gov_value_bool(gov_value_get(v, "provisional")) == 1;
}

static int64_t due_of(const gov_value *v)
{
    return gov_value_seconds(gov_value_get(v, "due"), NULL);
}

static void verify(community *c)
{
    gov_error *err = NULL;
    gov_value *report = NULL;
    assert_gov_ok(gov_verify(c->g, NULL, NULL, &report, &err), err);
    gov_value_free(report);
}

static void each_line_and_each_timer_says_so(void **state)
{
    community c = community_make(support_store_of(state), RULES("1", ""), NULL);
    const int64_t id = community_open(&c, "request", "{}");
    community_send(&c, id, "rest", NULL, GOV_OK);
    gov_value *v = explain(&c, id);
    assert_true(unsure(clock_of(v, "long")));
    assert_true(unsure(line_of(v, "long", "start", NULL)));
    assert_true(unsure(line_of(v, "long", "due", NULL)));
    assert_true(unsure(line_of(v, "long", "mark_ahead", "100%")));
    assert_false(unsure(line_of(v, "long", "mark_ahead", "20%"))); /* in this year */
    assert_false(unsure(clock_of(v, "short")));
    assert_false(unsure(line_of(v, "short", "start", NULL)));
    assert_false(unsure(line_of(v, "short", "mark_ahead", "50%")));
    assert_true(unsure(line_of(v, "short", "mark_ahead", "+240 working days")));
    assert_true(unsure(clock_of(v, "given")));
    assert_true(unsure(line_of(v, "given", "start", NULL)));
    assert_true(unsure(timer_of(v, "m:long:1")));
    assert_false(unsure(timer_of(v, "m:long:0")));
    assert_true(unsure(timer_of(v, "m:short:1")));
    assert_true(unsure(timer_of(v, "m:given:0")));
    assert_true(unsure(timer_of(v, "a"))); /* `after: {at: clocks.long.due}` */
    assert_true(unsure(timer_of(v, "s:later")));
    gov_value_free(v);
    verify(&c);
    community_free(&c);
}

/* What is left of it lies in the days that a year without a list would have: they are a guess as well. */
static void the_days_of_such_a_year_are_a_guess(void **state)
{
    community c = community_make(support_store_of(state), RULES("1", ""), NULL);
    gov_value *v = explain(&c, community_open(&c, "request", "{}"));
    const gov_value *lines = gov_value_get(clock_of(v, "long"), "lines");
    size_t sure = 0, guessed = 0;
    for (size_t i = 0; i < gov_value_count(lines); i++) {
        const gov_value *one = gov_value_at(lines, i);
        const char *to = gov_value_string(gov_value_get(one, "to"), NULL);
        if (to == NULL)
            continue;
        assert_int_equal(unsure(one), strncmp(to, "2027", 4) == 0);
        unsure(one) ? guessed++ : sure++;
    }
    assert_true(sure > 40 && guessed > 0);
    gov_value_free(v);
    community_free(&c);
}

static void a_tick_says_so(void **state)
{
    static const char rules[] = "rulebook: years\nversion: '1'\ntime_zone: Asia/Shanghai\ncalendar: cn\n"
                                "---\ncalendar: cn\nhours: {mon-fri: ['09:00-17:30']}\nyears: {2026: {off: []}}\n"
                                "---\nworkflow: request\nstates: {open: {after: {delay: 240 working days, to: done}}, done: {type: final}}\n"
                                "---\nschedule: yearly\nevery: year\non: \"12-31\"\nday_off: move\ndo: [{open: {workflow: request}}]\n";
    community c = community_make(support_store_of(state), rules, NULL);
    community_open(&c, "request", "{}");
    gov_tick_result r = community_advance(&c, 1);
    assert_int_equal(r.next_us / 1000000, 1798678800); /* the last of the year, at nine */
    assert_int_equal(r.next_provisional, 0);
    r = community_advance(&c, 304 * 24 * 60);          /* 31 December, 09:01 */
    assert_int_equal(r.fired, 1);
    assert_int_equal(r.next_provisional, 1);
    community_free(&c);
}

/* The list of 2027 comes with two weeks off: everything moves by ten working days, marks after the due instant and instants that an
 * expression gave included; the history says what moved, and all is certain. */
static void all_is_reckoned_again_when_the_year_is_there(void **state)
{
    static const char *const timers[] = {"m:long:1", "m:short:1", "m:given:0", "a"};
    community c = community_make(support_store_of(state), RULES("1", ""), NULL);
    gov_error *err = NULL;
    int64_t was[4];
    const int64_t id = community_open(&c, "request", "{}");
    community_send(&c, id, "rest", NULL, GOV_OK);
    gov_value *v = explain(&c, id);
    for (size_t i = 0; i < 4; i++)
        was[i] = due_of(timer_of(v, timers[i]));
    gov_value_free(v);
    community_advance(&c, 60);
    gov_rulebook *book = community_rulebook(RULES("2", ", 2027: {off: [2027-01-01..2027-01-14]}"));
    assert_gov_ok(gov_install(c.g, book, &err), err);
    gov_rulebook_free(book);
    v = explain(&c, id);
    for (size_t i = 0; i < 4; i++) {
        if (due_of(timer_of(v, timers[i])) != was[i] + 14 * 86400 || unsure(timer_of(v, timers[i])))
            fail_msg("%s was due at %lld, and is at %lld", timers[i], (long long)was[i], (long long)due_of(timer_of(v, timers[i])));
    }
    assert_false(unsure(clock_of(v, "long")));
    assert_false(unsure(clock_of(v, "given")));
    assert_int_equal(due_of(line_of(v, "given", "calendar", NULL)), due_of(clock_of(v, "given")));
    assert_true(unsure(line_of(v, "long", "start", NULL))); /* it was, then */
    assert_false(unsure(line_of(v, "long", "calendar", NULL)));
    gov_value_free(v);
    verify(&c);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(each_line_and_each_timer_says_so),
        STORE_TESTS(the_days_of_such_a_year_are_a_guess),
        STORE_TESTS(a_tick_says_so),
        STORE_TESTS(all_is_reckoned_again_when_the_year_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
