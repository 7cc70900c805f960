/* Scenarios: what they may say, what is told of them, and that they run on either store. */
#include "support/community.h"
#include "support/faulty.h"
#include "support/oom_malloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char rules[] =
    "rulebook: lane\n"
    "version: '1'\n"
    "time_zone: Asia/Shanghai\n"
    "values: {sign_within: {is: 2 working hours, source: s}}\n"
    "roles: {desk: {}, handler: {scope: assignee}, party: {scope: reporter}}\n"
    "sensitivity: {contact: {mask: phone, see: [{role: desk}]}}\n"
    "---\n"
    "calendar: cn\n"
    "hours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\n"
    "years: {2026: {off: [2026-04-06]}}\n"
    "---\n"
    "points: green\n"
    "ledger: 1\n"
    "holder: household\n"
    "earn: {help: {amount: '3'}}\n"
    "---\n"
    "template: accepted\n"
    "text: ok\n"
    "---\n"
    "workflow: request\n"
    "fields:\n"
    "  topic: {type: string, required: true, one_of: [noise, light]}\n"
    "  phone: {type: string, sensitive: contact}\n"
    "  home: {type: household}\n"
    "  before: {type: case}\n"
    "  n: {type: int, default: 0}\n"
    "events:\n"
    "  take: {by: [desk], input: {who: {type: staff, required: true}}}\n"
    "  finish: {by: [handler], input: {answer: {type: string, required: true}}}\n"
    "  thank: {by: [party]}\n"
    "clocks:\n"
    "  answer: {starts: [take], stops: [closed], budget: 1 working day, marks: {100%: late}}\n"
    "on:\n"
    "  late: {do: [{open: {workflow: order, link: order, each: \"['a', 'b']\", as: x, key: x, fields: {word: x}}}]}\n"
    "states:\n"
    "  waiting:\n"
    "    entry: [{notify: {to: case.reporter, template: accepted}}]\n"
    "    on: {take: {to: taken, do: [{assign: {staff: event.data.who}}]}}\n"
    "    after: {delay: values.sign_within, do: [{raise: unsigned}]}\n"
    "  taken: {on: {finish: {when: case.n < 1, to: closed, do: [{award: {account: case.home, reason: help}}]}}}\n"
    "  closed: {on: {thank: thanked}}\n"
    "  thanked: {type: final, outcome: thanked}\n"
    "---\n"
    "workflow: order\n"
    "fields: {word: {type: string}}\n"
    "events: {obey: {by: [desk]}}\n"
    "states: {given: {on: {obey: obeyed}}, obeyed: {type: final, outcome: obeyed}}\n";

static const char people[] = "given:\n"
                             "  residents: {wang: {name: 王大爷, household: h1, tags: [living_alone]}}\n"
                             "  households: {h1: {grid: g1}}\n"
                             "  grids: {g1: {officers: [li], parent: g0}, g0: {}}\n"
                             "  staff: {zhao: {roles: [desk]}, qian: {roles: [handler], grids: [g1]}}\n";

/* A folder with these rules, and with a scenario that has these people and steps. */
static char *folder_of(const char *steps)
{
    char path[512], text[8192];
    char *dir = support_tmpdir();
    support_write(support_path(path, dir, "rulebook.yaml"), rules, strlen(rules));
    (void)mkdir(support_path(path, dir, "tests"), 0700);
    (void)snprintf(text, sizeof text, "# a comment first\nscenario: {zh: 一, en: one}\n%ssteps:\n%s", people, steps);
    support_write(support_path(path, dir, "tests/one.yaml"), text, strlen(text));
    return dir;
}

static gov_value *run(const char *path, const char *url)
{
    const gov_scenario_options o = {.size = sizeof o, .url = url};
    gov_value *report = NULL;
    gov_error *err = NULL;
    assert_gov_ok(gov_scenarios_run(NULL, path, &o, NULL, NULL, &report, &err), err);
    gov_error_free(err);
    return report;
}

static int64_t number(const gov_value *v, const char *path)
{
    return gov_value_int(gov_value_find(v, path));
}

static void print_failures(const gov_value *report)
{
    const gov_value *results = gov_value_get(report, "results");
    for (size_t i = 0; i < gov_value_count(results); i++) {
        const gov_value *wrong = gov_value_get(gov_value_at(results, i), "failures");
        for (size_t k = 0; k < gov_value_count(wrong); k++)
            print_message("line %lld: %s\n", (long long)gov_value_int(gov_value_get(gov_value_at(wrong, k), "line")),
                          gov_value_string(gov_value_get(gov_value_at(wrong, k), "message"), NULL));
    }
}

/* Every state and every transition of the community's rules is reached by its scenarios. */
static void the_community_keeps_its_rules(void **state)
{
    support_store *s = support_store_of(state);
    char path[512];
    (void)snprintf(path, sizeof path, "%s", support_source("examples/community"));
    gov_value *report = run(path, s->url);
    print_failures(report);
    assert_int_equal(number(report, "failed"), 0);
    assert_true(number(report, "passed") >= 10);
    const gov_value *coverage = gov_value_get(report, "coverage");
    assert_int_equal(gov_value_count(coverage), 4);
    for (size_t i = 0; i < gov_value_count(coverage); i++) {
        assert_int_equal(gov_value_count(gov_value_find(gov_value_at(coverage, i), "states.missed")), 0);
        assert_int_equal(gov_value_count(gov_value_find(gov_value_at(coverage, i), "transitions.missed")), 0);
    }
    gov_value_free(report);
    report = run(path, s->url); /* on a server others have run them before */
    assert_int_equal(number(report, "failed"), 0);
    gov_value_free(report);
}

static const char whole_life[] =
    "  - at: 2026-04-03T16:30\n"
    "  - open: {as: wang, workflow: request, id: c1, fields: {topic: noise, home: h1, phone: '13800001234'}}\n"
    "  - expect: {case: c1, state: waiting, reporter: wang, fields: {home: h1, phone: '13800001234', before: null}, raised: []}\n"
    "  - expect: {case: c1, messages: [{to: wang, template: accepted}], clocks: {answer: {state: idle, due: null}}}\n"
    "  - advance: 2 working hours\n"
    "  - expect: {case: c1, raised: [unsigned], effects: []}\n" /* Friday 16:30, off on Monday: Tuesday 10:00 */
    "  - expect: {case: c1, that: ['now == timestamp(\"2026-04-07T02:00:00Z\")', case.n == 0]}\n"
    "  - send: {as: li, case: c1, event: take, data: {who: qian}, fails: permission_denied}\n"
    "  - expect: {as: zhao, case: c1, allowed: [take]}\n"
    "  - send: {as: zhao, case: c1, event: take, data: {who: qian}}\n"
    "  - expect: {case: c1, staff: qian, unit: null, clocks: {answer: {due: 2026-04-08T17:30, left: 1 working day, running: true}}}\n"
    "  - expect: {as: qian, case: c1, allowed: [finish], refused: [take]}\n"
    "  - at: 2026-04-08T17:31\n"
    "  - expect: {case: c1, raised: [late], clocks: {answer: {breached: true, consumed: 1 working day, provisional: false}}}\n"
    "  - expect: {case: c1, children: [{workflow: order, link: order, count: 2}, {workflow: order, fields: {word: b}, state: given}]}\n"
    "  - find: {id: o1, workflow: order, child_of: c1, nth: 1}\n"
    "  - find: {id: o2, workflow: order, child_of: c1, fields: {word: b}}\n"
    "  - send: {as: zhao, case: o2, event: obey}\n"
    "  - expect: {case: o2, outcome: obeyed, ended: true, fields: {word: b}}\n"
    "  - expect: {case: c1, raised: [child.done], not_raised: [late]}\n"
    "  - send: {as: qian, case: c1, event: finish, data: {answer: done}}\n"
    "  - expect: {case: c1, effects: [{award: {points: 3}}], balance: {h1: 3, wang: 3}}\n"
    "  - given: {households: {h2: {grid: g1}}, residents: {sun: {household: h2}}}\n"
    "  - open: {as: sun, workflow: request, id: c2, fields: {topic: light, before: c1}}\n"
    "  - expect: {case: c2, fields: {before: c1}}\n"
    "  - send: {as: sun, case: c1, event: thank, fails: permission_denied}\n"
    "  - send: {as: wang, case: c1, event: thank}\n"
    "  - tick:\n"
    "  - expect: {case: c1, outcome: thanked}\n"
    "  - expect: {cases: [{workflow: request, count: 2}, {workflow: request, outcome: null, count: 1}], balance: {green: {h1: 3, h2: 0}}}\n";

static void a_whole_life(void **state)
{
    support_store *s = support_store_of(state);
    char *dir = folder_of(whole_life);
    gov_value *report = run(dir, s->url);
    print_failures(report);
    assert_int_equal(number(report, "passed"), 1);
    assert_int_equal(number(report, "failed"), 0);
    gov_value_free(report);
    support_rmdir(dir);
}

/* A folder of scenarios, one file of them, a rulebook in one file: each finds what belongs to it. */
static void paths_of_every_kind(void **state)
{
    char *dir = folder_of(whole_life);
    char path[512], alone[8192];
    (void)state;
    gov_value *report = run(support_path(path, dir, "tests"), NULL);
    assert_int_equal(number(report, "passed"), 1);
    gov_value_free(report);
    report = run(support_path(path, dir, "tests/one.yaml"), NULL);
    assert_int_equal(number(report, "passed"), 1);
    assert_text_at(report, "results.0.file", "tests/one.yaml");
    assert_int_equal(number(report, "results.0.line"), 2);
    gov_value_free(report);
    (void)snprintf(alone, sizeof alone, "%s---\nscenario: alone\nsteps: [{tick: 5}]\n", rules);
    support_write(support_path(path, dir, "alone.yaml"), alone, strlen(alone));
    report = run(path, NULL);
    assert_int_equal(number(report, "passed"), 1);
    assert_text_at(report, "results.0.title", "alone");
    gov_value_free(report);
    (void)mkdir(support_path(path, dir, "empty"), 0700);
    report = run(path, NULL);
    assert_int_equal(number(report, "passed"), 0);
    assert_int_equal(number(report, "failed"), 0);
    gov_value_free(report);
    support_rmdir(dir);
}

static void paths_that_lead_nowhere(void **state)
{
    gov_value *report = NULL;
    gov_error *err = NULL;
    char *dir = support_tmpdir();
    (void)state;
    assert_gov(GOV_E_NOT_FOUND, gov_scenarios_run(NULL, "/no/such/folder", NULL, NULL, NULL, &report, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_NOT_FOUND, gov_scenarios_run(NULL, dir, NULL, NULL, NULL, &report, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_ARG, gov_scenarios_run(NULL, NULL, NULL, NULL, NULL, &report, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_ARG, gov_scenarios_run(NULL, dir, NULL, NULL, NULL, NULL, &err), err);
    gov_error_free(err);
    support_rmdir(dir);
}

/* ---- what is told of those that fail ---- */

typedef struct wrong {
    const char *steps; /* from line 9 on */
    const char *code;
    int64_t line, column;
    const char *message; /* a part of it */
} wrong;

#define OPENED "  - open: {as: wang, workflow: request, id: c, fields: {topic: noise, home: h1}}\n"

static const wrong failing[] = {
    {OPENED "  - expect: {case: c, state: taken}\n", "scenario_differs", 10, 30, "state is waiting, not taken"},
    {OPENED "  - expect: {case: c, fields: {n: 2}}\n", "scenario_differs", 10, 35, "n is 0, not 2"},
    {OPENED "  - expect: {case: c, fields: {home: null}}\n", "scenario_differs", 10, 38, "home is h1, not null"},
    {OPENED "  - expect: {case: c, raised: [unsigned]}\n", "scenario_absent", 10, 32, "unsigned is missing"},
    {OPENED "  - expect: {case: c, effects: []}\n", "scenario_unwanted", 10, 32, "notify"},
    {OPENED "  - expect: {case: c, messages: [{to: h1}]}\n", "scenario_absent", 10, 34, "notify is missing"},
    {OPENED "  - expect: {case: c, that: case.n > 0}\n", "scenario_does_not_hold", 10, 29, "case.n > 0"},
    {OPENED "  - expect: {case: c, that: case.home == case.before}\n", "scenario_does_not_hold", 10, 29, "case.before"},
    {OPENED "  - expect: {case: c, reporter: null}\n", "scenario_differs", 10, 33, "reporter is wang, not null"},
    {OPENED "  - expect: {case: c, outcome: thanked}\n", "scenario_differs", 10, 32, "outcome is null"},
    {OPENED "  - expect: {case: c, ended: true}\n", "scenario_differs", 10, 30, "ended is false"},
    {OPENED "  - expect: {case: c, clocks: {answer: {running: true}}}\n", "scenario_differs", 10, 32, "running is false"},
    {OPENED "  - expect: {case: c, clocks: {answer: {due: 2026-03-02}}}\n", "scenario_differs", 10, 32, "due is null, not 2026-03-02T00:00"},
    {OPENED "  - expect: {case: c, clocks: {answer: {consumed: 3 hours}}}\n", "scenario_differs", 10, 32, "not 3 hours"},
    {OPENED "  - expect: {case: c, clocks: {answer: {state: paused}}}\n", "scenario_differs", 10, 32, "answer is idle, not paused"},
    {OPENED "  - expect: {case: c, children: [{workflow: order}]}\n", "scenario_count", 10, 34, "there are 0"},
    {OPENED "  - expect: {cases: [{workflow: request, count: 3}]}\n", "scenario_count", 10, 22, "there are 1 such cases, not 3"},
    {OPENED "  - expect: {balance: {h1: 1}}\n", "scenario_differs", 10, 28, "h1 is 0, not 1"},
    {OPENED "  - expect: {as: zhao, case: c, allowed: []}\n", "scenario_unwanted", 10, 42, "take"},
    {OPENED "  - expect: {as: qian, case: c, allowed: [finish]}\n", "scenario_differs", 10, 43, "finish is refused, not allowed"},
    {OPENED "  - expect: {as: zhao, case: c, refused: [take]}\n", "scenario_differs", 10, 43, "take is allowed, not refused"},
    {OPENED "  - find: {id: o, workflow: order}\n", "scenario_count", 10, 11, "there are 0"},
    {OPENED "  - send: {as: zhao, case: c, event: take, data: {who: qian}, fails: permission_denied}\n", "scenario_went_through", 10, 5, "permission_denied"},
    {OPENED "  - send: {as: wang, case: c, event: thank}\n", "scenario_failed", 10, 5, "event_refused"},
    {OPENED "  - send: {as: wang, case: c, event: thank, fails: guard_refused}\n", "scenario_other_code", 10, 5, "event_refused, not with guard_refused"},
    {"  - open: {as: wang, workflow: request, id: c, fields: {}, fails: missing_field}\n  - send: {case: c, event: thank}\n", "scenario_failed", 10, 5,
     "should have made the case \"c\""},
    {"  - at: 2026-03-02\n  - at: 2026-03-01\n", "scenario_failed", 10, 5, "2026-03-02T00:00:00+08:00"},
};

static const gov_value *first_failure(const gov_value *report)
{
    return gov_value_find(report, "results.0.failures.0");
}

static void failures_have_their_places(void **state)
{
    size_t bad = 0;
    (void)state;
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        const wrong *w = &failing[i];
        char *dir = folder_of(w->steps);
        gov_value *report = run(dir, NULL);
        const gov_value *f = first_failure(report);
        const char *code = f != NULL ? gov_value_string(gov_value_get(f, "code"), NULL) : "none",
                   *message = f != NULL ? gov_value_string(gov_value_get(f, "message"), NULL) : "";
        if (number(report, "failed") != 1 || strcmp(code, w->code) != 0 || number(f, "line") != w->line ||
            number(f, "column") != w->column || strstr(message, w->message) == NULL) {
            print_message("%sgot %s at %lld:%lld: %s\n", w->steps, code, (long long)number(f, "line"), (long long)number(f, "column"), message);
            bad++;
        }
        gov_value_free(report);
        support_rmdir(dir);
    }
    assert_int_equal(bad, 0);
}

static int32_t told_and_stops(const gov_value *result, void *user)
{
    *(int64_t *)user += 1;
    assert_false(gov_value_bool(gov_value_get(result, "passed")));
    const gov_value *history = gov_value_find(result, "failures.0.history");
    assert_int_equal(gov_value_count(history), 1);
    assert_text_at(history, "0.kind", "case.open");
    assert_text_at(history, "0.local", "2026-01-01T00:00:00+08:00");
    return 1;
}

static void a_failure_shows_the_history(void **state)
{
    char *dir = folder_of(OPENED "  - expect: {case: c, state: taken}\n");
    const gov_scenario_options o = {.size = sizeof o, .lang = "zh"};
    gov_value *report = NULL;
    gov_error *err = NULL;
    int64_t told = 0;
    (void)state;
    assert_gov(GOV_E_USER, gov_scenarios_run(NULL, dir, &o, told_and_stops, &told, &report, &err), err);
    assert_int_equal(told, 1);
    assert_null(report);
    gov_error_free(err);
    support_rmdir(dir);
}

/* A rule that fails when it falls due does so in nobody's call; the step that moved the clock tells it. */
static void what_fails_by_itself_is_told(void **state)
{
    static const char text[] =
        "rulebook: r\nversion: '1'\ntime_zone: UTC\n---\nworkflow: w\nfields: {n: {type: int, default: 0}}\n"
        "states: {a: {after: {delay: 1 hour, do: [{set: {n: 1 / case.n}}], to: b}}, b: {type: final}}\n"
        "---\nscenario: s\nsteps:\n  - open: {workflow: w, id: c}\n  - advance: 2 hours\n";
    char path[512];
    char *dir = support_tmpdir();
    (void)state;
    support_write(support_path(path, dir, "rulebook.yaml"), text, strlen(text));
    gov_value *report = run(dir, NULL);
    assert_int_equal(number(report, "failed"), 1);
    assert_text_at(first_failure(report), "code", "scenario_failed");
    assert_int_equal(number(first_failure(report), "line"), 12);
    gov_value_free(report);
    support_rmdir(dir);
}

/* ---- mistakes in scenarios ---- */

static const wrong mistakes[] = {
    {"  - expct: {}\n", "unknown_key", 9, 5, "expect"},
    {"  - {at: 2026-01-01, tick: 1}\n", "one_key", 9, 5, ""},
    {"  - at: tomorrow\n", "bad_time", 9, 9, "tomorrow"},
    {"  - advance: 3 lightyears\n", "duration_unit", 9, 14, ""},
    {"  - advance: soon\n", "unknown_name", 9, 14, "soon"},
    {"  - open: {workflow: requst, fields: {topic: noise}}\n", "unknown_name", 9, 22, "request"},
    {"  - open: {workflow: request, fields: {topc: noise}}\n", "unknown_field", 9, 40, "topic"},
    {"  - open: {workflow: request, fields: {topic: nois}}\n", "not_one_of", 9, 47, ""},
    {"  - open: {workflow: request}\n", "missing_field", 9, 11, "topic"},
    {"  - open: {workflow: request, fields: {topic: noise, home: h9}}\n", "unknown_reference", 9, 60, "h9"},
    {"  - open: {as: wan, workflow: request, fields: {topic: noise}}\n", "unknown_name", 9, 16, "wang"},
    {OPENED OPENED, "defined_twice", 10, 45, "c"},
    {OPENED "  - send: {case: d, event: take, data: {who: qian}}\n", "unknown_name", 10, 18, "d"},
    {OPENED "  - send: {case: c, event: tke, data: {who: qian}}\n", "unknown_name", 10, 28, "take"},
    {OPENED "  - send: {case: c, event: take, data: {whom: qian}}\n", "unknown_field", 10, 41, "who"},
    {OPENED "  - send: {case: c, event: take, data: {who: wang}}\n", "unknown_reference", 10, 46, "wang"},
    {OPENED "  - send: {case: c, event: take, fails: permission_denid}\n", "unknown_name", 10, 41, "permission_denied"},
    {OPENED "  - expect: {case: c, state: waitng}\n", "unknown_name", 10, 30, "waiting"},
    {OPENED "  - expect: {case: c, raised: [unsignd]}\n", "unknown_name", 10, 32, "unsigned"},
    {OPENED "  - expect: {case: c, clocks: {answr: {running: true}}}\n", "unknown_name", 10, 32, "answer"},
    {OPENED "  - expect: {case: c, clocks: {answer: {runing: true}}}\n", "unknown_key", 10, 41, "running"},
    {OPENED "  - expect: {case: c, outcome: thankd}\n", "unknown_name", 10, 32, "thanked"},
    {OPENED "  - expect: {case: c, effects: [notfy]}\n", "unknown_name", 10, 33, "notify"},
    {OPENED "  - expect: {case: c, messages: [{template: acepted}]}\n", "unknown_name", 10, 45, "accepted"},
    {OPENED "  - expect: {case: c, that: case.nn == 1}\n", "undeclared_reference", 10, 29, ""},
    {OPENED "  - expect: {case: c, unit: u9}\n", "unknown_name", 10, 29, "u9"},
    {OPENED "  - expect: {case: c, allowed: [tak]}\n", "unknown_name", 10, 33, "take"},
    {"  - expect: {state: waiting}\n", "scenario_needs_case", 9, 14, "state"},
    {"  - expect: {}\n", "empty", 9, 13, ""},
    {"  - expect: {balance: {gren: {h1: 2}}}\n", "unknown_name", 9, 24, "green"},
    {"  - expect: {balance: {h7: 2}}\n", "unknown_name", 9, 24, "h7"},
    {"  - given: {resident: {x: {nam: X}}}\n", "unknown_field", 9, 28, "name"},
    {"  - given: {people: {}}\n", "unknown_key", 9, 13, ""},
    {"  - given: {staff: {x: {roles: [dsk]}}}\n", "unknown_name", 9, 33, "desk"},
    {"  - given: {staff: {wang: {}}}\n  - open: {as: wang, workflow: request, fields: {topic: noise}}\n", "scenario_who", 10, 16, "wang"},
};

static void mistakes_have_their_places(void **state)
{
    size_t bad = 0;
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const wrong *w = &mistakes[i];
        char *dir = folder_of(w->steps);
        gov_value *report = NULL;
        gov_error *err = NULL;
        const gov_status status = gov_scenarios_run(NULL, dir, NULL, NULL, NULL, &report, &err);
        bool found = false;
        for (size_t k = 0; k < gov_error_count(err); k++)
            found = found || (strcmp(gov_error_code(err, k), w->code) == 0 && gov_error_line(err, k) == w->line &&
                              gov_error_column(err, k) == w->column && strstr(gov_error_message(err, k, "en"), w->message) != NULL);
        if (status != GOV_E_RULE || !found) {
            print_message("%s wants %s at %lld:%lld\n", w->steps, w->code, (long long)w->line, (long long)w->column);
            support_print_error(err);
            bad++;
        }
        gov_error_free(err);
        gov_value_free(report);
        support_rmdir(dir);
    }
    assert_int_equal(bad, 0);
}

/* A year that the calendar does not list is worth a warning before the scenario runs into it. */
static void years_that_are_not_listed(void **state)
{
    char *dir = folder_of("  - at: 2027-03-01\n");
    gov_value *report = NULL;
    gov_error *err = NULL;
    (void)state;
    assert_gov_ok(gov_scenarios_run(NULL, dir, NULL, NULL, NULL, &report, &err), err);
    assert_int_equal(gov_error_count(err), 2); /* the other one is of the rules: a household may be missing */
    assert_diag(err, 0, "year_missing", 9, 9);
    assert_diag(err, 1, "field_never_set", 24, 3);
    gov_error_free(err);
    gov_value_free(report);
    support_rmdir(dir);
}

/* ---- want of memory ---- */

static gov_status oom_run(const gov_allocator *alloc, void *user)
{
    gov_value *report = NULL;
    const gov_status status = gov_scenarios_run(alloc, user, NULL, NULL, NULL, &report, NULL);
    gov_value_free(report);
    return status;
}

static void out_of_memory(void **state)
{
    char *dir = folder_of(OPENED "  - advance: 1 working day\n  - expect: {case: c, state: taken, raised: [unsigned], balance: {h1: 1}}\n");
    (void)state;
    oom_loop(oom_run, dir);
    support_rmdir(dir);
}

static const char with_schedule[] =
    "rulebook: r\nversion: '1'\ntime_zone: UTC\n---\nworkflow: w\nfields: {home: {type: household}}\nstates: {a: {type: final}}\n"
    "---\nschedule: s\nover: {household: \"'x' in it.tags\"}\nevery: week\ndo: [{open: {workflow: w, key: it.id, fields: {home: it}}}]\n"
    "---\nscenario: s\ngiven: {households: {h: {tags: [x]}, k: {}}}\nsteps:\n  - at: 2026-03-01\n  - at: 2026-03-02T01:00\n"
    "  - expect: {cases: [{workflow: w, fields: {home: h}, count: 1}]}\n";

static void out_of_memory_in_schedules(void **state)
{
    char path[512], *dir = support_tmpdir();
    (void)state;
    support_write(support_path(path, dir, "rulebook.yaml"), with_schedule, strlen(with_schedule));
    gov_value *report = run(dir, NULL);
    print_failures(report);
    assert_int_equal(number(report, "passed"), 1);
    gov_value_free(report);
    oom_loop(oom_run, dir);
    support_rmdir(dir);
}

static const char first_version[] =
    "rulebook: r\nversion: '1'\ntime_zone: UTC\nroles: {r: {}}\n---\nworkflow: w\nevents: {go: {by: [r]}, stop: {by: [r]}}\n"
    "states: {a: {on: {go: b}}, b: {on: {stop: {when: 1 > 2, to: a}, go: a}}}\n";
static const char next_version[] =
    "rulebook: r\nversion: '2'\ntime_zone: UTC\nroles: {r: {}}\n---\nworkflow: w\nmigrate: {from: '1', states: {b: c}}\nfields: {n: {type: int, default: 7}}\n"
    "events: {go: {by: [r]}}\nstates: {a: {on: {go: c}}, c: {entry: [{raise: told}], on: {go: a, told: {do: [{set: {n: case.n + 1}}]}}}}\n";
static const char moving[] =
    "scenario: s\ngiven: {staff: {x: {roles: [r]}}}\nsteps:\n  - open: {workflow: w, id: k}\n  - send: {as: x, case: k, event: go}\n"
    "  - expect: {case: k, as: x, allowed: [go], refused: [{stop: {code: guard_refused, rule: 'rulebook.yaml:8'}}]}\n"
    "  - send: {as: x, case: k, event: stop, fails: {code: guard_refused, rule: 'rulebook.yaml:8'}}\n"
    "  - migrate: {to: next, dry_run: true, gives: {migrated: 1, past: {cases: 1}}}\n"
    "  - migrate: {to: next, gives: {migrated: 1, same: 0, refused_cases: []}}\n"
    "  - expect: {case: k, state: c, that: case.n == 7, fields: {n: 7}, as: x, allowed: [go]}\n"
    "  - send: {as: x, case: k, event: go}\n"
    "  - send: {as: x, case: k, event: go}\n" /* `told` is known to the other rules alone, `stop` to the first ones */
    "  - expect: {case: k, state: c, raised: [told], not_raised: [stop], fields: {n: 8}, cases: [{workflow: w, state: c, count: 1}]}\n";

static void out_of_memory_on_the_way_to_other_rules(void **state)
{
    char path[512], *dir = support_tmpdir();
    (void)state;
    support_write(support_path(path, dir, "rulebook.yaml"), first_version, strlen(first_version));
    support_write(support_path(path, dir, "moving.yaml"), moving, strlen(moving));
    (void)mkdir(support_path(path, dir, "next"), 0700);
    support_write(support_path(path, dir, "next/rulebook.yaml"), next_version, strlen(next_version));
    gov_value *report = run(dir, NULL);
    print_failures(report);
    assert_int_equal(number(report, "passed"), 1);
    gov_value_free(report);
    oom_loop(oom_run, dir);
    support_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(the_community_keeps_its_rules),
        STORE_TESTS(a_whole_life),
        cmocka_unit_test(paths_of_every_kind),
        cmocka_unit_test(paths_that_lead_nowhere),
        cmocka_unit_test(failures_have_their_places),
        cmocka_unit_test(a_failure_shows_the_history),
        cmocka_unit_test(what_fails_by_itself_is_told),
        cmocka_unit_test(mistakes_have_their_places),
        cmocka_unit_test(years_that_are_not_listed),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(out_of_memory_in_schedules),
        cmocka_unit_test(out_of_memory_on_the_way_to_other_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
