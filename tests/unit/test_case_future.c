/* What nothing may change: a case's future, by saving and restoring it anywhere, by closing and opening its store anywhere, or by
 * two processes that write to it at once. */
#include "support/community.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t noise;

static int below(int n)
{
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    return (int)(noise % (uint64_t)n);
}

static bool thorough(void)
{
    return getenv("GOV_LONG") != NULL;
}

/* ---- saved and restored, without a store ---- */

static char *answer(gov_simulation *s, const char *line)
{
    char *out = NULL;
    gov_error *err = NULL;
    assert_gov_ok(gov_simulation_line(s, line, line != NULL ? strlen(line) : 0, &out, NULL, &err), err);
    return out;
}

static gov_simulation *simulation(const char *path)
{
    gov_simulation *s = NULL;
    gov_error *err = NULL;
    assert_gov_ok(gov_simulation_open(NULL, path, NULL, NULL, &s, &err), err);
    gov_error_free(err);
    gov_text_free(answer(s, NULL));
    return s;
}

/* Moves what `from` is into `to`, whatever that was. */
static void hand_over(gov_simulation *from, gov_simulation *to)
{
    static const char head[] = "{\"snapshot\"";
    char *saved = answer(from, "{\"snapshot\":true}"), *back;
    const size_t len = strlen(saved);
    assert_memory_equal(saved, head, sizeof head - 1);
    char *line = malloc(len + 1);
    assert_non_null(line);
    (void)snprintf(line, len + 1, "{\"restore\"%s", saved + sizeof head - 1);
    back = answer(to, line);
    assert_null(strstr(back, "\"error\""));
    free(line);
    gov_text_free(saved);
    gov_text_free(back);
}

static const char *some_line(const char *const *events, size_t n, char line[static 512])
{
    static const int64_t lengths[] = {1, 1000, 60000, 3600000, 7200000, 86400000, 432000000, 1209600000};
    if (below(3) == 0)
        (void)snprintf(line, 512, "{\"advance_ms\":%lld}", (long long)(lengths[below(8)] + below(5)));
    else
        (void)snprintf(line, 512,
                       "{\"event\":\"%s\",\"data\":{\"map\":[[\"unit\",1],[\"granted\",%s],[\"resolved\",%s],[\"satisfied\",%s],"
                       "[\"contacted_in_time\",true],[\"sorted\",%s],[\"answer\",\"a\"],[\"reason\",\"r\"],[\"note\",\"n\"],"
                       "[\"measures\",\"m\"]]}}",
                       events[below((int)n)], below(2) ? "true" : "false", below(2) ? "true" : "false", below(2) ? "true" : "false",
                       below(2) ? "true" : "false");
    return line;
}

static void walk_of(const char *path, const char *const *events, size_t n, int walks)
{
    for (int i = 0; i < walks; i++) {
        gov_simulation *whole = simulation(path), *hands[2] = {simulation(path), simulation(path)};
        int at = 0;
        noise = 0x2545f4914f6cdd1dULL + (uint64_t)i;
        for (int k = 0; k < 60; k++) {
            char line[512];
            if (below(2) == 0) {
                hand_over(hands[at], hands[!at]);
                at = !at;
            }
            (void)some_line(events, n, line);
            char *a = answer(whole, line), *b = answer(hands[at], line);
            if (strcmp(a, b) != 0)
                fail_msg("walk %d, step %d: %s gives %s, and %s after it was restored", i, k, line, a, b);
            gov_text_free(a);
            gov_text_free(b);
        }
        char *a = answer(whole, "{\"snapshot\":true}"), *b = answer(hands[at], "{\"snapshot\":true}");
        assert_string_equal(a, b);
        gov_text_free(a);
        gov_text_free(b);
        gov_simulation_free(whole);
        gov_simulation_free(hands[0]);
        gov_simulation_free(hands[1]);
    }
}

/* Everything that a chart remembers beside its states: history, delayed sends, timers, clocks, several regions. */
static const char machinery[] =
    "workflow: all\n"
    "fields: {n: {type: int, default: 0}, late: {type: bool, default: false}}\n"
    "events: {go: {}, back: {}, pause: {}, wake: {}, tick: {}, stop: {}, more: {}}\n"
    "clocks:\n"
    "  total: {starts: [go], stops: [stop], again: resume, budget: 3 days, paused_in: [resting], marks: {50%: half, 100%: late, +1 day: later}, "
    "extend: {event: more, amount: P1D, at_most: 2 days, times: 2}}\n"
    "  quick: {starts: [wake], stops: [back], again: reset, budget: 90 minutes, marks: {100%: late}}\n"
    "on: {half: {do: [{set: {n: case.n + 1}}]}, late: {do: [{set: {late: true}}]}, later: {do: [{set: {n: case.n + 100}}]}}\n"
    "states:\n"
    "  idle: {on: {go: busy, wake: busy.before}, after: {delay: 10 days, to: busy}}\n"
    "  busy:\n"
    "    parallel: true\n"
    "    on: {back: idle, pause: resting}\n"
    "    states:\n"
    "      left:\n"
    "        states:\n"
    "          a: {on: {tick: b}, after: {delay: 2 hours, to: b}}\n"
    "          b: {entry: [{send: {event: tick, after: PT30M, id: t}}], exit: [{cancel: t}], on: {tick: a}}\n"
    "      right:\n"
    "        states:\n"
    "          c: {on: {go: d, tick: {do: [{send: {event: stop, after: 1 hour}}]}}}\n"
    "          d: {on: {stop: e}, after: [{delay: PT1S, do: [{raise: more}]}, {delay: 1 day, to: c}]}\n"
    "          e: {type: final}\n"
    "      before: {type: history, deep: true, to: busy.left.b}\n"
    "  resting: {on: {wake: busy.before, go: idle}, after: {delay: 5 hours, to: busy.before}}\n";

/* ---- workflows by chance ---- */

typedef struct draft {
    char text[16384];
    size_t len;
    int states;
} draft;

static void add(draft *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(d->text + d->len, sizeof d->text - d->len, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < sizeof d->text - d->len);
    d->len += (size_t)n;
}

static void some_action(draft *d)
{
    static const char *const delays[] = {"20 minutes", "30 minutes", "2 hours", "1 day", "3 working hours", "2 working days"};
    switch (below(6)) {
    case 0:
        add(d, "{raise: i%d}", below(2));
        return;
    case 1:
        add(d, "{cancel: t%d}", below(2));
        return;
    case 2:
        add(d, "{set: {n: \"case.n %% 1000 + %d\"}}", below(9));
        return;
    case 3:
        add(d, "{send: {event: i%d, after: %s}}", below(2), delays[below(6)]);
        return;
    default:
        add(d, "{send: {event: i%d, after: %s, id: t%d}}", below(2), delays[below(6)], below(2));
    }
}

static void indent(draft *d, int depth)
{
    add(d, "%*s", depth * 2, "");
}

/* Transitions of a state to its siblings; what they do is by chance. */
static void some_transitions(draft *d, int depth, int siblings)
{
    indent(d, depth);
    add(d, "on:\n");
    for (int e = 0; e < 5; e++) {
        indent(d, depth + 1);
        add(d, "e%d: [{when: \"case.n %% %d != 1\"", e, 2 + below(3));
        if (siblings > 0 && below(4) != 0)
            add(d, ", to: s%d_%d", depth / 2 - 1, below(siblings)); /* its depth in the name: none is ambiguous */
        add(d, ", do: [");
        some_action(d);
        add(d, "]}]\n");
    }
    if (below(2) == 0) {
        indent(d, depth);
        add(d, "after: [{delay: %d hours, do: [", 1 + below(60));
        some_action(d);
        add(d, "]}]\n");
    }
    indent(d, depth);
    add(d, "%s: [", below(2) ? "entry" : "exit");
    some_action(d);
    add(d, "]\n");
}

static void some_states(draft *d, int depth, bool regions)
{
    const int count = 2 + below(2);
    indent(d, depth);
    add(d, "states:\n");
    for (int i = 0; i < count; i++) {
        const int inside = depth < 6 && d->states < 12 ? below(3) : 0; /* 0: none, 1: states, 2: regions */
        d->states++;
        indent(d, depth + 1);
        add(d, "s%d_%d:\n", depth / 2, i);
        some_transitions(d, depth + 2, regions ? 0 : count);
        if (inside == 2) {
            indent(d, depth + 2);
            add(d, "parallel: true\n");
        }
        if (inside != 0)
            some_states(d, depth + 2, inside == 2);
    }
    if (!regions && below(2) == 0) {
        indent(d, depth + 1);
        add(d, "h: {type: history, deep: %s, to: s%d_0}\n", below(2) ? "true" : "false", depth / 2);
    }
}

static void some_workflow(draft *d)
{
    static const char *const budgets[] = {"5 hours", "3 days", "2 working days", "6 working hours"};
    d->len = 0;
    d->states = 0;
    add(d, "rulebook: chance\nversion: '1'\ntime_zone: Asia/Shanghai\n---\ncalendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\n"
           "years: {1970: {off: [1970-01-05..1970-01-07], work: [1970-01-10]}}\n---\n"
           "workflow: w\nfields: {n: {type: int, default: 0}}\nevents: {e0: {}, e1: {}, e2: {}, e3: {}, e4: {}}\nclocks:\n");
    for (int i = 0; i < 2; i++)
        add(d, "  c%d: {starts: [e%d], stops: [e%d], again: %s, paused_in: [s0_%d], budget: %s, marks: {50%%: i0, 100%%: i1, +1 day: i0}}\n", i,
            below(3), 3 + below(2), below(2) ? "reset" : "resume", below(2), budgets[below(4)]);
    add(d, "on:\n  i0: {do: [{set: {n: case.n + 1}}]}\n  i1: {do: [{set: {n: case.n + 10}}]}\n");
    some_states(d, 0, false);
}

/* Many charts, each left and taken up again at every other point of a life. */
static void restoring_changes_no_future_of_any_chart(void **state)
{
    static const char *const events[] = {"e0", "e1", "e2", "e3", "e4", "i0", "unheard_of"};
    const int charts = thorough() ? 3000 : 60;
    char path[512], *dir = support_tmpdir();
    static draft d;
    (void)state;
    for (int i = 0; i < charts; i++) {
        noise = 0x9e3779b97f4a7c15ULL * (uint64_t)(i + 1);
        some_workflow(&d);
        support_write(support_path(path, dir, "chance.yaml"), d.text, d.len);
        walk_of(path, events, sizeof events / sizeof *events, thorough() ? 4 : 2);
    }
    support_rmdir(dir);
}

static void restoring_changes_no_future(void **state)
{
    static const char *const complaint[] = {"dispatch", "sign", "return", "rule", "ask_extension", "extend", "refuse_extension", "finish",
                                            "no_answer", "callback", "withdraw", "unheard_of"};
    static const char *const check[] = {"record", "unheard_of"};
    static const char *const all[] = {"go", "back", "pause", "wake", "tick", "stop", "more"};
    char path[512], *dir = support_tmpdir();
    const int walks = thorough() ? 400 : 12;
    (void)state;
    (void)snprintf(path, sizeof path, "%s", support_source("examples/community/workflows/complaint.yaml"));
    walk_of(path, complaint, sizeof complaint / sizeof *complaint, walks);
    (void)snprintf(path, sizeof path, "%s", support_source("examples/community/workflows/sorting_check.yaml"));
    walk_of(path, check, 2, walks / 4);
    support_write(support_path(path, dir, "all.yaml"), machinery, strlen(machinery));
    walk_of(path, all, sizeof all / sizeof *all, walks * 4);
    support_rmdir(dir);
}

/* ---- closed and opened again ---- */

static gov *open_again(const char *url, const char *name, gov_store **store)
{
    const gov_options o = {.size = sizeof o, .flags = GOV_OPEN_CREATE | GOV_OPEN_RELAXED};
    gov *g = NULL;
    gov_error *err = NULL;
    assert_gov_ok(gov_store_open(url, &o, store, &err), err);
    assert_gov_ok(gov_attach(*store, name, &g, &err), err);
    assert_gov_ok(gov_act_as_host(g, "test", &err), err);
    return g;
}

/* All that a case is, but for what was numbered by the store. */
static void describe(gov *g, int64_t id, char *out, size_t size)
{
    static const char *const parts[] = {"state", "outcome", "unit", "fields", "clocks"},
                             *const told[] = {"at", "actor", "kind", "event", "from", "to", "set", "raised", "effects", "rule"};
    gov_error *err = NULL;
    gov_value *v = NULL;
    size_t len = 0;
    char *text;
    assert_gov_ok(gov_case_get(g, id, &v, &err), err);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_gov_ok(gov_value_to_json(gov_value_get(v, parts[i]), &text, NULL, &err), err);
        len += (size_t)snprintf(out + len, size - len, "%s %s\n", parts[i], text);
        gov_text_free(text);
    }
    gov_value_free(v);
    v = NULL;
    assert_gov_ok(gov_case_history(g, id, &v, &err), err);
    for (size_t k = 0; k < gov_value_count(v); k++)
        for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
            const gov_value *one = gov_value_get(gov_value_at(v, k), told[i]);
            if (one == NULL || strcmp(told[i], "effects") == 0) /* these name records by their numbers */
                continue;
            assert_gov_ok(gov_value_to_json(one, &text, NULL, &err), err);
            len += (size_t)snprintf(out + len, size - len, "%s %s\n", told[i], text);
            assert_true(len < size);
            gov_text_free(text);
        }
    gov_value_free(v);
}

static void step_both(gov *const g[2], const int64_t id[2], const char *event, int64_t now_us)
{
    gov_status status[2] = {GOV_OK, GOV_OK};
    gov_error *err = NULL;
    for (int i = 0; i < 2; i++) {
        gov_tick_result r = {.size = sizeof r};
        gov_value *data = community_json("{'unit': 'U1', 'reason': 'r', 'granted': true}"), *given = NULL;
        assert_gov_ok(gov_set_now(g[i], now_us, &err), err);
        if (event == NULL) {
            assert_gov_ok(gov_tick(g[i], 0, &r, &err), err);
        } else {
            const bool dispatch = strcmp(event, "dispatch") == 0, back = strcmp(event, "return") == 0, rule = strcmp(event, "rule") == 0;
            given = dispatch ? community_json("{'unit': 'U1'}") : back ? community_json("{'reason': 'r'}") : rule ? community_json("{'granted': true}") : NULL;
            status[i] = gov_case_send(g[i], id[i], event, given, NULL, NULL);
        }
        gov_value_free(data);
        gov_value_free(given);
    }
    assert_int_equal(status[0], status[1]);
}

static void reopening_changes_no_future(void **state)
{
    static const char *const events[] = {"dispatch", "return", "rule", "extend", "finish", "withdraw", NULL, NULL};
    support_store *s = support_store_of(state);
    gov_rulebook *rules = community_rulebook(community_rules);
    gov_error *err = NULL;
    enum { SIZE = 1 << 16 };
    char *texts[2] = {malloc(SIZE), malloc(SIZE)};
    const int walks = thorough() ? 100 : 8;
    for (int i = 0; i < walks; i++) {
        gov_store *stores[2] = {NULL, NULL};
        gov *g[2];
        int64_t id[2], now = COMMUNITY_START;
        char names[2][32];
        noise = 0x9e3779b97f4a7c15ULL + (uint64_t)i;
        for (int k = 0; k < 2; k++) {
            const gov_options o = {.size = sizeof o, .flags = GOV_OPEN_CREATE | GOV_OPEN_RELAXED};
            (void)snprintf(names[k], sizeof names[k], "w%d.%d", i, k);
            assert_gov_ok(gov_store_open(s->url, &o, &stores[k], &err), err);
            assert_gov_ok(gov_community_create(stores[k], names[k], rules, NULL, &err), err);
            gov_store_free(stores[k]);
            g[k] = open_again(s->url, names[k], &stores[k]);
            community c = {stores[k], g[k]};
            assert_gov_ok(gov_set_now(g[k], now, &err), err);
            community_put(&c, "unit", "U1", "{'name': 'U'}");
            id[k] = community_open(&c, "complaint", "{'category': 'noise', 'urgency': 2}");
        }
        for (int k = 0; k < 25; k++) {
            const char *event = events[below(8)];
            now += (int64_t)below(120) * 60 * 1000000;
            if (below(3) == 0) {
                gov_free(g[1]);
                gov_store_free(stores[1]);
                g[1] = open_again(s->url, names[1], &stores[1]);
            }
            step_both(g, id, event, now);
        }
        for (int k = 0; k < 2; k++)
            describe(g[k], id[k], texts[k], SIZE);
        assert_string_equal(texts[0], texts[1]);
        for (int k = 0; k < 2; k++) {
            assert_gov_ok(gov_verify(g[k], NULL, NULL, NULL, &err), err);
            gov_free(g[k]);
            gov_store_free(stores[k]);
        }
    }
    free(texts[0]);
    free(texts[1]);
    gov_rulebook_free(rules);
}

/* ---- two processes at once ---- */

static const char counting[] =
    "rulebook: counting\nversion: '1'\ntime_zone: Asia/Shanghai\n"
    "---\nworkflow: counter\nfields: {n: {type: int, default: 0}, heard: {type: int, default: 0}, told: {type: int, default: 0}}\n"
    "events: {bump: {by: []}, ask: {by: []}, greet: {by: []}, begin: {by: []}}\n"
    "states:\n  open:\n    on:\n"
    "      bump: {do: [{set: {n: case.n + 1}}]}\n"
    "      begin: {do: [{open: {workflow: counter, link: other}}]}\n"
    "      ask: {do: [{set: {told: case.told + 1}}, {if: case.parent == null, then: [{send: {event: greet, to: children}}], "
    "else: [{send: {event: greet, to: parent}}]}]}\n"
    "      greet child.greet: {do: [{set: {heard: case.heard + 1}}]}\n";

typedef struct writer {
    const char *url, *event;
    int64_t id;
    int rounds;
    bool ticks;
} writer;

/* In a process of its own: gives 0 when every round went through, however often it had to be tried again. */
static int write_rounds(const writer *w)
{
    const gov_options o = {.size = sizeof o, .flags = GOV_OPEN_RELAXED, .busy_timeout_ms = 60000};
    gov_store *store = NULL;
    gov *g = NULL;
    gov_status status = gov_store_open(w->url, &o, &store, NULL);
    if (status == GOV_OK)
        status = gov_attach(store, NULL, &g, NULL);
    if (status == GOV_OK)
        status = gov_act_as_host(g, "writer", NULL);
    for (int i = 0; i < w->rounds && status == GOV_OK; i++) {
        for (int again = 0; again < 1000; again++) {
            status = gov_case_send(g, w->id, w->event, NULL, NULL, NULL);
            if (status != GOV_E_RETRY && status != GOV_E_BUSY)
                break;
        }
        if (status == GOV_OK && w->ticks && i % 3 == 0) {
            status = gov_tick(g, 5, NULL, NULL);
            if (status == GOV_E_RETRY || status == GOV_E_BUSY) /* the next one does it */
                status = GOV_OK;
        }
    }
    gov_free(g);
    gov_store_free(store);
    return status == GOV_OK ? 0 : 1;
}

static void write_at_once(const writer *a, const writer *b)
{
    const writer *const both[2] = {a, b};
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(write_rounds(both[i]));
    }
    for (int i = 0; i < 2; i++) {
        int how = -1;
        assert_int_equal(waitpid(children[i], &how, 0), children[i]);
        assert_true(WIFEXITED(how));
        assert_int_equal(WEXITSTATUS(how), 0);
    }
}

static int64_t field(community *c, int64_t id, const char *name)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    const int64_t n = gov_value_int(gov_value_get(gov_value_get(v, "fields"), name));
    gov_value_free(v);
    return n;
}

static size_t history_length(community *c, int64_t id)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_history(c->g, id, &v, &err), err);
    const size_t n = gov_value_count(v);
    gov_value_free(v);
    return n;
}

/* Opens the store again: no handle may cross a fork. */
static community counter_of(support_store *s, int64_t *id)
{
    community c = community_make(s, counting, NULL);
    *id = community_open(&c, "counter", "{}");
    return c;
}

static void two_writers_on_one_case_lose_nothing(void **state)
{
    support_store *s = support_store_of(state);
    const int rounds = thorough() ? 5000 : 150;
    int64_t id;
    gov_error *err = NULL;
    community c = counter_of(s, &id);
    community_free(&c);
    const writer w = {s->url, "bump", id, rounds, false};
    write_at_once(&w, &w);
    assert_gov_ok(community_try(s->url, NULL, NULL, &c, &err), err);
    assert_int_equal(field(&c, id, "n"), 2 * rounds);
    assert_int_equal(history_length(&c, id), 2 * rounds + 1);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

/* Each writes to one of two cases, which tell each other; both processes deliver. */
static void two_cases_that_message_each_other(void **state)
{
    support_store *s = support_store_of(state);
    const int rounds = thorough() ? 2000 : 80;
    int64_t parent, child = 0;
    gov_error *err = NULL;
    gov_value *v = NULL;
    community c = counter_of(s, &parent);
    community_send(&c, parent, "begin", NULL, GOV_OK);
    const gov_case_query q = {.size = sizeof q, .workflow = "counter"};
    assert_gov_ok(gov_case_list(c.g, &q, &v, &err), err);
    for (size_t i = 0; i < 2; i++) {
        const int64_t id = gov_value_int(gov_value_get(gov_value_at(gov_value_get(v, "cases"), i), "id"));
        child = id != parent ? id : child;
    }
    gov_value_free(v);
    community_free(&c);
    const writer a = {s->url, "ask", parent, rounds, true}, b = {s->url, "ask", child, rounds, true};
    write_at_once(&a, &b);
    assert_gov_ok(community_try(s->url, NULL, NULL, &c, &err), err);
    assert_gov_ok(gov_run_clock(c.g, &err), err); /* the children ran on the machine's clock */
    gov_tick_result r = {.size = sizeof r};
    assert_gov_ok(gov_tick(c.g, 0, &r, &err), err);
    assert_int_equal(r.failed + r.parked, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(field(&c, i == 0 ? parent : child, "told"), rounds);
        assert_int_equal(field(&c, i == 0 ? parent : child, "heard"), rounds);
    }
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restoring_changes_no_future),
        cmocka_unit_test(restoring_changes_no_future_of_any_chart),
        STORE_TESTS(reopening_changes_no_future),
        STORE_TESTS(two_writers_on_one_case_lose_nothing),
        STORE_TESTS(two_cases_that_message_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
