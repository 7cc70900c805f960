/* The protocol of simulation: the public statechart vectors written as workflows, snapshots at every point, and lines of all kinds. */
#include "support/faulty.h"
#include "support/support.h"

#include <gov/case.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* ---- driving ---- */

static gov_simulation *simulation(const char *text)
{
    gov_simulation *s = NULL;
    gov_error *err = NULL;
    char path[512], *dir = support_tmpdir();
    support_write(support_path(path, dir, "workflow.yaml"), text, strlen(text));
    const gov_status status = gov_simulation_open(NULL, path, NULL, NULL, &s, &err);
    support_rmdir(dir);
    if (status != GOV_OK) {
        print_error("%s\n", text);
        support_print_error(err);
    }
    assert_int_equal(status, GOV_OK);
    gov_error_free(err);
    return s;
}

static char *answer(gov_simulation *s, const char *line)
{
    char *out = NULL;
    size_t len = 0;
    gov_error *err = NULL;
    assert_gov_ok(gov_simulation_line(s, line, line != NULL ? strlen(line) : 0, &out, &len, &err), err);
    assert_int_equal(strlen(out), len);
    assert_null(strchr(out, '\n'));
    return out;
}

static void answers(gov_simulation *s, const char *line, const char *want)
{
    char *out = answer(s, line);
    assert_string_equal(out, want);
    gov_text_free(out);
}

static json_t *answer_json(gov_simulation *s, const char *line)
{
    json_error_t problem;
    char *out = answer(s, line);
    json_t *v = json_loads(out, 0, &problem);
    if (v == NULL)
        fail_msg("%s is no JSON: %s", out, problem.text);
    gov_text_free(out);
    return v;
}

static void fails(gov_simulation *s, const char *line, const char *code)
{
    json_t *v = answer_json(s, line), *error = json_object_get(v, "error");
    if (error == NULL || json_string_length(json_object_get(error, "message")) == 0)
        fail_msg("%s was answered without an error", line);
    if (code != NULL)
        assert_string_equal(json_string_value(json_object_get(error, "code")), code);
    json_decref(v);
}

/* The answer to {"snapshot": true}, as the line that restores it. */
static char *restoring_line(gov_simulation *s)
{
    json_t *v = answer_json(s, "{\"snapshot\": true}"), *line = json_object();
    assert_true(json_is_string(json_object_get(v, "snapshot")));
    json_object_set(line, "restore", json_object_get(v, "snapshot"));
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(v);
    json_decref(line);
    return text;
}

/* ---- a vector as a workflow: YAML takes JSON ---- */

enum { MAX_STATES = 64 };

typedef struct vector {
    const char *name;
    struct {
        char id[64], path[512];
    } states[MAX_STATES];
    size_t count;
} vector;

static void collect(vector *v, json_t *state, const char *parent)
{
    size_t i;
    json_t *child;
    json_array_foreach(json_object_get(state, "states"), i, child)
    {
        const size_t at = v->count++;
        assert_true(at < MAX_STATES);
        (void)snprintf(v->states[at].id, sizeof v->states[at].id, "%s", json_string_value(json_object_get(child, "id")));
        char name[64];
        (void)snprintf(name, sizeof name, "%s", v->states[at].id);
        for (char *p = name; *p != '\0'; p++)
            *p = isalnum((unsigned char)*p) ? *p : '_';
        (void)snprintf(v->states[at].path, sizeof v->states[at].path, "%s%s%s", parent, parent[0] != '\0' ? "." : "", name);
        collect(v, child, v->states[at].path);
    }
}

static const char *path_of(const vector *v, const char *id)
{
    for (size_t i = 0; i < v->count; i++)
        if (strcmp(v->states[i].id, id) == 0)
            return v->states[i].path;
    fail_msg("%s: no state %s", v->name, id);
    return "";
}

/* "i < 100" to "case.i < 100", "! In('a1')" to "! In('a.a1')". */
static json_t *expression(const vector *v, const char *text)
{
    char out[1024];
    size_t n = 0;
    for (const char *p = text; *p != '\0';) {
        if (strncmp(p, "In('", 4) == 0) {
            char id[64] = {0};
            const size_t len = strcspn(p + 4, "'");
            memcpy(id, p + 4, len);
            n += (size_t)snprintf(out + n, sizeof out - n, "In('%s')", path_of(v, id));
            p += 4 + len + 2;
        } else if (islower((unsigned char)p[0]) && !isalpha((unsigned char)p[1]) && (p == text || !isalpha((unsigned char)p[-1]))) {
            n += (size_t)snprintf(out + n, sizeof out - n, "case.%c", *p++);
        } else {
            out[n++] = *p++;
        }
    }
    out[n] = '\0';
    return json_string(out);
}

static json_t *actions(const vector *v, json_t *list);

static json_t *branches(const vector *v, json_t *arms, size_t at)
{
    json_t *arm = json_array_get(arms, at), *made = json_object();
    json_object_set_new(made, "if", expression(v, json_string_value(json_array_get(arm, 0))));
    json_object_set_new(made, "then", actions(v, json_array_get(arm, 1)));
    json_t *next = json_array_get(arms, at + 1);
    if (next != NULL && json_is_null(json_array_get(next, 0))) {
        json_object_set_new(made, "else", actions(v, json_array_get(next, 1)));
    } else if (next != NULL) {
        json_t *otherwise = json_array();
        json_array_append_new(otherwise, branches(v, arms, at + 1));
        json_object_set_new(made, "else", otherwise);
    }
    return made;
}

static json_t *action(const vector *v, json_t *a)
{
    json_t *made = json_object(), *part = json_object(), *x;
    char length[32];
    if ((x = json_object_get(a, "raise")) != NULL) {
        json_object_set(made, "raise", x);
    } else if ((x = json_object_get(a, "assign")) != NULL) {
        json_object_set_new(part, json_string_value(x), expression(v, json_string_value(json_object_get(a, "expr"))));
        json_object_set(made, "set", part);
    } else if ((x = json_object_get(a, "send")) != NULL) {
        const json_int_t ms = json_integer_value(json_object_get(a, "delay_ms"));
        (void)snprintf(length, sizeof length, "PT%d.%03dS", (int)(ms / 1000), (int)(ms % 1000));
        json_object_set(part, "event", x);
        json_object_set_new(part, "after", json_string(length));
        json_object_set(made, "send", part);
    } else if ((x = json_object_get(a, "if")) != NULL) {
        json_decref(made);
        made = branches(v, x, 0);
    } else {
        json_object_set_new(made, "log", json_string("noted"));
    }
    json_decref(part);
    return made;
}

static json_t *actions(const vector *v, json_t *list)
{
    json_t *made = json_array(), *a;
    size_t i;
    json_array_foreach(list, i, a) json_array_append_new(made, action(v, a));
    return made;
}

static json_t *targets(const vector *v, json_t *from)
{
    json_t *made = json_array(), *t;
    size_t i;
    json_array_foreach(json_object_get(from, "target"), i, t)
        json_array_append_new(made, json_string(path_of(v, json_string_value(t))));
    return made;
}

/* {to: ..., do: ...} of an initial or history default. */
static json_t *entering(const vector *v, json_t *from)
{
    json_t *made = json_object();
    json_object_set_new(made, "to", targets(v, from));
    if (json_array_size(json_object_get(from, "actions")) > 0)
        json_object_set_new(made, "do", actions(v, json_object_get(from, "actions")));
    return made;
}

static json_t *arrow(const vector *v, json_t *from)
{
    json_t *made = json_object(), *events = json_object_get(from, "event"), *e;
    char names[256] = "";
    size_t i, n = 0;
    json_array_foreach(events, i, e) n +=
        (size_t)snprintf(names + n, sizeof names - n, "%s%s", i > 0 ? " " : "", json_string_value(e));
    if (n > 0)
        json_object_set_new(made, "event", json_string(names));
    if (json_array_size(json_object_get(from, "target")) > 0)
        json_object_set_new(made, "to", targets(v, from));
    if (json_is_string(json_object_get(from, "cond")))
        json_object_set_new(made, "when", expression(v, json_string_value(json_object_get(from, "cond"))));
    if (strcmp(json_string_value(json_object_get(from, "type")), "internal") == 0)
        json_object_set_new(made, "internal", json_true());
    if (json_array_size(json_object_get(from, "actions")) > 0)
        json_object_set_new(made, "do", actions(v, json_object_get(from, "actions")));
    return made;
}

static json_t *joined(const vector *v, json_t *lists)
{
    json_t *made = json_array(), *list;
    size_t i;
    json_array_foreach(lists, i, list)
    {
        json_t *one = actions(v, list);
        json_array_extend(made, one);
        json_decref(one);
    }
    return made;
}

static void fill_state(const vector *v, json_t *from, json_t *made, bool root)
{
    const char *type = json_string_value(json_object_get(from, "type"));
    json_t *on = json_array(), *always = json_array(), *x;
    size_t i;
    if (!root && (strcmp(type, "parallel") == 0 || strcmp(type, "final") == 0 || strcmp(type, "history") == 0))
        json_object_set_new(made, "type", json_string(type));
    if (strcmp(type, "history") == 0) {
        const char *depth = json_string_value(json_object_get(from, "history"));
        if (depth != NULL && strcmp(depth, "deep") == 0)
            json_object_set_new(made, "deep", json_true());
        json_object_set_new(made, "to", entering(v, json_object_get(from, "default")));
    }
    if ((x = json_object_get(from, "initial")) != NULL)
        json_object_set_new(made, "initial", entering(v, x));
    if (json_array_size(json_object_get(from, "onentry")) > 0)
        json_object_set_new(made, "entry", joined(v, json_object_get(from, "onentry")));
    if (json_array_size(json_object_get(from, "onexit")) > 0)
        json_object_set_new(made, "exit", joined(v, json_object_get(from, "onexit")));
    json_array_foreach(json_object_get(from, "transitions"), i, x)
        json_array_append_new(json_array_size(json_object_get(x, "event")) > 0 ? on : always, arrow(v, x));
    if (json_array_size(on) > 0)
        json_object_set(made, "on", on);
    if (json_array_size(always) > 0)
        json_object_set(made, "always", always);
    json_decref(on);
    json_decref(always);
    if (json_array_size(json_object_get(from, "states")) == 0)
        return;
    json_t *states = json_object();
    json_array_foreach(json_object_get(from, "states"), i, x)
    {
        json_t *child = json_object();
        const char *path = path_of(v, json_string_value(json_object_get(x, "id"))), *dot = strrchr(path, '.');
        fill_state(v, x, child, false);
        json_object_set_new(states, dot != NULL ? dot + 1 : path, child);
    }
    json_object_set_new(made, "states", states);
}

static char *workflow_text(vector *v, json_t *from)
{
    json_t *made = json_object(), *fields = json_object(), *value;
    const char *key;
    json_object_set_new(made, "workflow", json_string("vector"));
    json_object_foreach(json_object_get(from, "data"), key, value)
    {
        json_t *field = json_object();
        json_object_set_new(field, "type", json_string("int"));
        json_object_set_new(field, "default", json_integer(strtol(json_string_value(value), NULL, 10)));
        json_object_set_new(fields, key, field);
    }
    if (json_object_size(fields) > 0)
        json_object_set(made, "fields", fields);
    json_decref(fields);
    collect(v, json_object_get(from, "chart"), "");
    fill_state(v, json_object_get(from, "chart"), made, true);
    char *text = json_dumps(made, 0);
    json_decref(made);
    return text;
}

/* ---- running a vector ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void expect(const vector *v, json_t *got, json_t *want, size_t step)
{
    const char *names[MAX_STATES], *wanted[MAX_STATES];
    json_t *active = json_object_get(got, "active");
    const size_t n = json_array_size(active);
    if (n != json_array_size(want))
        fail_msg("%s, step %zu: %s", v->name, step, json_dumps(got, 0));
    for (size_t i = 0; i < n; i++) {
        names[i] = json_string_value(json_array_get(active, i));
        wanted[i] = path_of(v, json_string_value(json_array_get(want, i)));
    }
    qsort(names, n, sizeof names[0], by_text);
    qsort(wanted, n, sizeof wanted[0], by_text);
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], wanted[i]) != 0)
            fail_msg("%s, step %zu: %s is active, not %s", v->name, step, names[i], wanted[i]);
}

static void run_steps(const vector *v, gov_simulation *s, json_t *steps, size_t from)
{
    char line[256];
    for (size_t i = from; i < json_array_size(steps); i++) {
        json_t *step = json_array_get(steps, i), *after = json_object_get(step, "after_ms"), *got;
        if (after != NULL) {
            (void)snprintf(line, sizeof line, "{\"advance_ms\": %d}", (int)json_integer_value(after));
            json_decref(answer_json(s, line));
        }
        (void)snprintf(line, sizeof line, "{\"event\": \"%s\"}", json_string_value(json_object_get(step, "event")));
        got = answer_json(s, line);
        expect(v, got, json_object_get(step, "nextConfiguration"), i + 1);
        json_decref(got);
    }
}

/* The steps in one go, and from each point on again from a snapshot in a simulation of its own. */
static void run_vector(json_t *from)
{
    vector v = {.name = json_string_value(json_object_get(from, "name"))};
    char *text = workflow_text(&v, from);
    json_t *steps = json_object_get(from, "steps");
    for (size_t k = 0; k <= json_array_size(steps); k++) {
        gov_simulation *s = simulation(text), *t = simulation(text);
        json_t *got = answer_json(s, NULL), *first = json_array();
        expect(&v, got, json_object_get(from, "initialConfiguration"), 0);
        json_decref(got);
        for (size_t i = 0; i < k; i++)
            json_array_append(first, json_array_get(steps, i));
        run_steps(&v, s, first, 0);
        char *line = restoring_line(s), *here = answer(s, "{\"advance_ms\": 0}");
        answers(t, line, here);
        run_steps(&v, s, steps, k);
        run_steps(&v, t, steps, k);
        char *a = restoring_line(s), *b = restoring_line(t);
        assert_string_equal(a, b);
        free(a);
        free(b);
        free(line);
        gov_text_free(here);
        json_decref(first);
        gov_simulation_free(s);
        gov_simulation_free(t);
    }
    free(text);
}

static void the_public_vectors_as_workflows(void **state)
{
    const char *path = support_shared_or_skip("conformance/statecharts.jsonl");
    size_t len, count = 0;
    char *text = support_read(path, &len);
    (void)state;
    for (char *line = text; *line != '\0'; count++) {
        const size_t n = strcspn(line, "\n");
        json_error_t problem;
        json_t *one = json_loadb(line, n, 0, &problem);
        assert_non_null(one);
        run_vector(one);
        json_decref(one);
        line += n + (line[n] == '\n');
    }
    free(text);
    assert_true(count >= 48);
}

/* ---- sends, timers, effects ---- */

static const char sender[] = "workflow: sender\n"
                             "fields: {n: {type: int, default: 0}, got: {type: string, default: ''}}\n"
                             "states:\n"
                             "  idle:\n"
                             "    on:\n"
                             "      go: {do: [{send: {event: tock, after: PT5S}}]}\n"
                             "      named: {do: [{send: {event: tock, after: PT5S, id: one}}]}\n"
                             "      stop: {do: [{cancel: one}]}\n"
                             "      tock: {do: [{set: {n: case.n + 1}}]}\n"
                             "      now: {do: [{send: {event: first}}, {send: {event: second}}, {set: {got: case.got + 'n'}}]}\n"
                             "      first: {do: [{set: {got: case.got + '1'}}, {raise: inner}]}\n"
                             "      inner: {do: [{set: {got: case.got + 'i'}}]}\n"
                             "      second: {do: [{set: {got: case.got + '2'}}]}\n"
                             "      check: [{when: \"case.n == event.data.n && case.got == event.data.got\", to: right}]\n"
                             "      tell: {do: [{notify: {to: \"'desk'\", template: t, data: {x: case.n + 1}}}, {log: hello}]}\n"
                             "      bad: {to: right, do: [{set: {n: 7}}, {send: {event: tock}}, {set: {n: 1 / (case.n - case.n)}}]}\n"
                             "      chain: {to: busy, do: [{send: {event: bad}}, {send: {event: back}}]}\n"
                             "      again: {do: [{send: {event: again}}]}\n"
                             "      spin: {do: [{raise: spin}]}\n"
                             "  right: {on: {back: idle}}\n"
                             "  busy:\n"
                             "    on:\n"
                             "      bad: {to: right, do: [{set: {n: 1 / (case.n - case.n)}}]}\n"
                             "      back: idle\n"
                             "    after: [{delay: PT1S, to: right, do: [{set: {n: 1 / (case.n - case.n)}}]}, {delay: PT2S, to: idle}]\n";

#define IDLE "{\"active\":[\"idle\"],\"done\":false}"
#define RIGHT "{\"active\":[\"right\"],\"done\":false}"

static void check(gov_simulation *s, int n, const char *got)
{
    char line[200];
    (void)snprintf(line, sizeof line, "{\"event\":\"check\",\"data\":{\"map\":[[\"n\",{\"int\":\"%d\"}],[\"got\",\"%s\"]]}}", n, got);
    answers(s, line, RIGHT);
    answers(s, "{\"event\":\"back\"}", IDLE);
}

static void plain(gov_simulation *s, const char *line)
{
    json_t *v = answer_json(s, line);
    assert_non_null(json_object_get(v, "active"));
    json_decref(v);
}

/* What is out of range is told apart from what is no number, and moves nothing. */
static void how_far_a_clock_goes(void **state)
{
    static const char *const lines[][2] = {{"{\"advance_ms\":1.5}", "whole number"}, {"{\"advance_ms\":\"1\"}", "whole number"},
                                           {"{\"advance_ms\":-1}", "year 9999"}, {"{\"advance_ms\":9223372036854775807}", "year 9999"}};
    (void)state;
    gov_simulation *s = simulation(sender);
    answers(s, NULL, IDLE);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        json_t *v = answer_json(s, lines[i][0]);
        const char *message = json_string_value(json_object_get(json_object_get(v, "error"), "message"));
        if (message == NULL || strstr(message, lines[i][1]) == NULL)
            fail_msg("%s: %s", lines[i][0], message != NULL ? message : "no error");
        json_decref(v);
    }
    answers(s, "{\"advance_ms\":0}", IDLE);
    gov_simulation_free(s);
}

/* Sends are each their own, with an id or without; those of one id are called off together. */
static void delayed_sends_are_kept_apart(void **state)
{
    (void)state;
    gov_simulation *s = simulation(sender);
    answers(s, NULL, IDLE);
    for (int i = 0; i < 3; i++) {
        plain(s, "{\"event\":\"go\"}");
        plain(s, "{\"advance_ms\":1000}");
    }
    plain(s, "{\"advance_ms\":10000}");
    check(s, 3, "");
    for (int i = 0; i < 3; i++) {
        plain(s, "{\"event\":\"named\"}");
        plain(s, "{\"advance_ms\":1000}");
    }
    plain(s, "{\"advance_ms\":10000}");
    check(s, 6, "");
    plain(s, "{\"event\":\"named\"}");
    plain(s, "{\"event\":\"named\"}");
    plain(s, "{\"event\":\"stop\"}");
    plain(s, "{\"advance_ms\":10000}");
    check(s, 6, "");
    plain(s, "{\"event\":\"go\"}");
    char *line = restoring_line(s);
    gov_simulation *t = simulation(sender);
    plain(t, NULL);
    plain(t, line);
    plain(t, "{\"event\":\"go\"}"); /* and also after a snapshot */
    plain(t, "{\"advance_ms\":5000}");
    check(t, 8, "");
    free(line);
    gov_simulation_free(t);
    gov_simulation_free(s);
}

/* What the chart sends itself without delay comes next, each a macrostep of its own, before the line is answered. */
static void sends_without_delay_come_before_the_answer(void **state)
{
    (void)state;
    gov_simulation *s = simulation(sender);
    answers(s, NULL, IDLE);
    plain(s, "{\"event\":\"now\"}");
    check(s, 0, "n1i2");
    fails(s, "{\"event\":\"again\"}", NULL); /* never ends: an error, and the stream goes on */
    plain(s, "{\"advance_ms\":0}");
    fails(s, "{\"event\":\"spin\"}", NULL);
    gov_simulation_free(s);
}

static void effects_are_shown(void **state)
{
    (void)state;
    gov_simulation *s = simulation(sender);
    answers(s, NULL, IDLE);
    answers(s, "{\"event\":\"tell\"}",
            "{\"active\":[\"idle\"],\"done\":false,\"effects\":[{\"notify\":{\"to\":\"desk\",\"template\":\"t\",\"data\":{\"x\":1}}},"
            "{\"log\":\"hello\"}]}");
    answers(s, "{\"event\":\"none\"}", IDLE);
    gov_simulation_free(s);
}

/* The step that fails changes nothing; what came before it in the same line stands, and what waits behind it still comes. */
static void a_failing_step_is_rejected_alone(void **state)
{
    (void)state;
    gov_simulation *s = simulation(sender);
    answers(s, NULL, IDLE);
    char *before = restoring_line(s);
    fails(s, "{\"event\":\"bad\"}", NULL);
    char *after = restoring_line(s);
    assert_string_equal(before, after);
    free(before);
    free(after);
    fails(s, "{\"event\":\"chain\"}", NULL); /* bad fails in `busy`, back is handled all the same */
    answers(s, "{\"advance_ms\":0}", IDLE);
    check(s, 0, "");
    /* The same with time: the timer after a second fails, the one after two leads on. */
    gov_simulation_free(s);
    s = simulation("workflow: w\nfields: {n: {type: int, default: 0}}\nstates:\n  a:\n    after: [{delay: PT1S, to: b, do: [{set: {n: 1 / "
                   "case.n}}]}, {delay: PT2S, to: c}]\n  b: {}\n  c: {on: {x: a}}\n");
    answers(s, NULL, "{\"active\":[\"a\"],\"done\":false}");
    fails(s, "{\"advance_ms\":3000}", NULL);
    answers(s, "{\"advance_ms\":0}", "{\"active\":[\"c\"],\"done\":false}");
    gov_simulation_free(s);
}

static void the_end_is_the_end(void **state)
{
    (void)state;
    gov_simulation *s = simulation("workflow: w\nstates:\n  a: {on: {x: z}, after: {delay: PT1S, to: a}}\n  z: {type: final}\n");
    static const char end[] = "{\"active\":[\"z\"],\"done\":true}";
    answers(s, NULL, "{\"active\":[\"a\"],\"done\":false}");
    answers(s, "{\"event\":\"x\"}", end);
    answers(s, "{\"event\":\"x\"}", end);
    answers(s, "{\"advance_ms\":5000}", end);
    answers(s, NULL, end);
    gov_simulation_free(s);
}

/* ---- bad lines ---- */

static void bad_lines_are_answered_and_change_nothing(void **state)
{
    static const char *const bad[] = {
        "", " ", "x", "null", "[]", "\"event\"", "{", "{}", "{\"event\":}", "{\"event\":\"\"}", "{\"event\":3}", "{\"event\":null}",
        "{\"event\":\"a\\u0000b\"}", "{\"event\":\"@after\"}", "{\"event\":\"go\",\"event\":\"go\"}",
        "{\"event\":\"go\",\"data\":{\"int\":5}}", "{\"event\":\"go\",\"data\":{\"no\":1}}",
        "{\"event\":\"go\",\"advance_ms\":5}", "{\"event\":\"go\",\"date\":null}",
        "{\"advance_ms\":-1}", "{\"advance_ms\":1.5}", "{\"advance_ms\":\"1\"}", "{\"advance_ms\":99999999999999999999}",
        "{\"advance_ms\":9223372036854775807}", "{\"advance_ms\":9223372036854775}", "{\"snapshot\":false}", "{\"snapshot\":1}", "{\"restore\":1}",
        "{\"restore\":\"\"}", "{\"restore\":\"{}\"}", "{\"restore\":\"[]\"}", "{\"unknown\":1}", "{\"event\":\"go\"} x", "\xff\xfe",
        "{\"event\":\"\xff\"}",
    };
    (void)state;
    gov_simulation *s = simulation(sender);
    answers(s, NULL, IDLE);
    char *before = restoring_line(s);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        fails(s, bad[i], NULL);
    char *deep = malloc(100002);
    memset(deep, '[', 100000);
    deep[100000] = '\0';
    fails(s, deep, NULL);
    free(deep);
    char *after = restoring_line(s);
    assert_string_equal(before, after);
    free(before);
    free(after);
    gov_simulation_free(s);
}

/* A line before the first answer finds the workflow at its start all the same. */
static void lines_may_come_before_the_first_answer(void **state)
{
    (void)state;
    gov_simulation *s = simulation("workflow: w\nstates: {a: {on: {x: b}}, b: {}}\n");
    answers(s, "{\"event\":\"x\"}", "{\"active\":[\"b\"],\"done\":false}");
    answers(s, NULL, "{\"active\":[\"b\"],\"done\":false}");
    gov_simulation_free(s);
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Whatever a snapshot was damaged into: an error or a state, never a crash, and the simulation goes on. */
static void damaged_snapshots_do_no_harm(void **state)
{
    static const char clocked[] =
        "workflow: w\nfields: {n: {type: int, default: 0}, t: {type: string, default: a}}\n"
        "clocks: {k: {starts: [b], stops: [a], budget: PT60S, marks: {50%: half, 100%: late}, again: resume}}\n"
        "states:\n  a: {on: {x: b}}\n  b: {on: {x: a, half: {do: [{set: {n: case.n + 1}}]}, late: {}}, after: {delay: PT90S, to: a}}\n";
    (void)state;
    gov_simulation *s = simulation(clocked), *t = simulation(clocked);
    plain(s, NULL);
    plain(t, NULL);
    plain(s, "{\"event\":\"x\"}");
    plain(s, "{\"advance_ms\":40000}");
    json_t *saved = answer_json(s, "{\"snapshot\":true}");
    const char *text = json_string_value(json_object_get(saved, "snapshot"));
    const size_t len = strlen(text);
    static const char bytes[] = "0123456789-\"[]{},:aemtrunl\\ .";
    uint64_t x = 88172645463325252U;
    char *copy = malloc(len + 32);
    for (int round = 0; round < 4000; round++) {
        memcpy(copy, text, len + 1);
        for (uint64_t k = 0; k <= (uint64_t)round % 3; k++) {
            const size_t at = next_random(&x) % len;
            if (next_random(&x) % 4 == 0)
                memmove(copy + at, copy + at + 1, strlen(copy + at)); /* one byte less */
            else
                copy[at % strlen(copy)] = bytes[next_random(&x) % (sizeof bytes - 1)];
        }
        json_t *line = json_object();
        if (json_object_set_new(line, "restore", json_string(copy)) == 0) {
            char *out = json_dumps(line, 0);
            json_decref(answer_json(t, out));
            json_decref(answer_json(t, "{\"advance_ms\":30000}"));
            json_decref(answer_json(t, "{\"event\":\"x\"}"));
            json_decref(answer_json(t, "{\"advance_ms\":100000}"));
            free(out);
        }
        json_decref(line);
    }
    free(copy);
    json_decref(saved);
    static const char *const evil[] = {
        "{\"state\":\"a\",\"now\":0,\"steps\":1,\"fields\":{},\"clocks\":[],\"timers\":[[\"\",\"x\",2,0,null]]}",
        "{\"state\":\"a\",\"now\":9223372036854775807,\"steps\":1,\"fields\":{},\"clocks\":[],\"timers\":[]}",
    };
    for (size_t i = 0; i < 2; i++) {
        json_t *line = json_object(), *doc = json_loads(evil[i], 0, NULL), *good = json_loads(text, 0, NULL);
        (void)good;
        json_object_set(doc, "state", json_object_get(good, "state"));
        json_object_set(doc, "clocks", json_object_get(good, "clocks"));
        char *inner = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
        json_object_set_new(line, "restore", json_string(inner));
        char *out = json_dumps(line, 0);
        json_decref(answer_json(t, out));
        json_decref(answer_json(t, "{\"advance_ms\":1000}"));
        free(out);
        free(inner);
        json_decref(line);
        json_decref(doc);
        json_decref(good);
    }
    gov_simulation_free(s);
    gov_simulation_free(t);
}

/* A long stream takes no more memory than a short one. */
static void memory_stays_flat(void **state)
{
    (void)state;
    struct faulty f;
    faulty_init(&f, -1, false);
    gov_error *err = NULL;
    gov_simulation *s = NULL;
    char path[512], *dir = support_tmpdir();
    support_write(support_path(path, dir, "workflow.yaml"), sender, strlen(sender));
    assert_gov_ok(gov_simulation_open(&f.alloc, path, NULL, NULL, &s, &err), err);
    gov_error_free(err);
    support_rmdir(dir);
    plain(s, NULL);
    size_t settled = 0;
    for (int i = 0; i < 20000; i++) {
        plain(s, i % 2 == 0 ? "{\"event\":\"go\"}" : "{\"advance_ms\":6000}");
        if (i == 2000)
            settled = f.peak;
    }
    assert_true(f.peak < settled + 100000);
    gov_simulation_free(s);
    assert_int_equal(f.live, 0);
}

/* Each event sends itself three hundred times: one line must neither take all memory nor never be answered. */
static void what_multiplies_is_stopped(void **state)
{
    static const char many[] =
        "workflow: w\nfields: {n: {type: int, default: 0}}\nevents: {a: {}, x: {}, y: {}}\n"
        "states:\n"
        "  s: {on: {a: {to: t, do: [{set: {n: '0'}}]}, x: {to: t, do: [{set: {n: '0'}}]}, y: {do: [{send: {event: y, after: 1 hour}}]}}}\n"
        "  t: {always: [{when: case.n < 300, to: t, do: [{set: {n: case.n + 1}}, {send: x}]}, {to: s}]}\n";
    (void)state;
    gov_simulation *s = simulation(many);
    plain(s, NULL);
    for (int i = 0; i < 2; i++) {
        json_t *v = answer_json(s, "{\"event\":\"a\"}");
        assert_string_equal(json_string_value(json_object_get(json_object_get(v, "error"), "code")), "too_large");
        json_decref(v);
    }
    plain(s, "{\"event\":\"y\"}"); /* and life goes on */
    plain(s, "{\"advance_ms\":3600000}");
    char *line = restoring_line(s);
    plain(s, line);
    free(line);
    gov_simulation_free(s);
}

/* What of a line was done before it went too far is not done: the line is refused as a whole, and the stream goes on before it. */
static void a_line_that_goes_too_far_changes_nothing(void **state)
{
    static const char endless[] =
        "workflow: w\nfields: {n: {type: int, default: 0}}\nevents: {go: {}, ping: {}, fine: {}}\n"
        "clocks: {c: {starts: [go], stops: [late], budget: PT1H}}\n"
        "states:\n"
        "  idle: {on: {go: {to: busy, do: [{set: {n: '7'}}, {send: {event: late, after: PT9S}}, {send: ping}]}, fine: {to: far, do: [{set: {n: case.n + 1}}]}}}\n"
        "  busy: {on: {ping: {do: [{set: {n: case.n + 1}}, {send: ping}]}}}\n"
        "  far: {after: {delay: PT2S, to: busy, do: [{send: ping}]}, on: {late: idle}}\n";
    (void)state;
    gov_simulation *s = simulation(endless);
    answers(s, NULL, "{\"active\":[\"idle\"],\"done\":false}");
    char *before = restoring_line(s);
    fails(s, "{\"event\":\"go\"}", "too_large");
    answers(s, "{\"advance_ms\":0}", "{\"active\":[\"idle\"],\"done\":false}");
    char *after = restoring_line(s);
    assert_string_equal(before, after);
    free(after);
    free(before);
    plain(s, "{\"event\":\"fine\"}");
    answers(s, "{\"advance_ms\":1500}", "{\"active\":[\"far\"],\"done\":false}");
    before = restoring_line(s);
    fails(s, "{\"advance_ms\":3000}", "too_large"); /* after half a second it sends itself without end */
    after = restoring_line(s);
    assert_string_equal(before, after);
    answers(s, "{\"advance_ms\":400}", "{\"active\":[\"far\"],\"done\":false}");
    free(after);
    free(before);
    gov_simulation_free(s);
}

/* A chart that never comes to rest says so at the start already, where there is no event to name. */
static void a_chart_that_never_starts_says_where(void **state)
{
    (void)state;
    gov_simulation *s = simulation("workflow: w\nfields: {n: {type: int, default: 0}}\nstates: {a: {always: {when: case.n == 0, to: b}}, b: {always: {when: case.n == 0, to: a}}}\n");
    for (int i = 0; i < 2; i++) {
        json_t *v = answer_json(s, i == 0 ? NULL : "{\"event\":\"go\"}"), *error = json_object_get(v, "error");
        assert_string_equal(json_string_value(json_object_get(error, "code")), "chart_endless");
        const char *message = json_string_value(json_object_get(error, "message"));
        assert_true(strstr(message, "\"a\"") != NULL || strstr(message, "\"b\"") != NULL);
        assert_null(strstr(message, "\"\""));
        json_decref(v);
    }
    gov_simulation_free(s);
}

/* As many at one instant as may be are no mistake. */
static void ten_thousand_at_one_instant_are_handled(void **state)
{
    static const char counting[] =
        "workflow: w\nfields: {n: {type: int, default: 0}}\nevents: {all: {}, more: {}, ping: {}}\n"
        "states:\n"
        "  a: {on: {all: {to: b, do: [{set: {n: '10000'}}, {send: ping}]}, more: {to: b, do: [{set: {n: '10001'}}, {send: ping}]}}}\n"
        "  b: {on: {ping: [{when: case.n > 1, do: [{set: {n: case.n - 1}}, {send: ping}]}, {to: c}]}}\n"
        "  c: {on: {again: a}}\n";
    (void)state;
    gov_simulation *s = simulation(counting);
    plain(s, NULL);
    fails(s, "{\"event\":\"more\"}", "too_large");
    answers(s, "{\"advance_ms\":0}", "{\"active\":[\"a\"],\"done\":false}");
    char *out = answer(s, "{\"event\":\"all\"}");
    assert_non_null(strstr(out, "{\"active\":[\"c\"],\"done\":false"));
    gov_text_free(out);
    gov_simulation_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_multiplies_is_stopped),
        cmocka_unit_test(a_line_that_goes_too_far_changes_nothing),
        cmocka_unit_test(a_chart_that_never_starts_says_where),
        cmocka_unit_test(ten_thousand_at_one_instant_are_handled),
        cmocka_unit_test(the_public_vectors_as_workflows),
        cmocka_unit_test(how_far_a_clock_goes),
        cmocka_unit_test(delayed_sends_are_kept_apart),
        cmocka_unit_test(sends_without_delay_come_before_the_answer),
        cmocka_unit_test(effects_are_shown),
        cmocka_unit_test(a_failing_step_is_rejected_alone),
        cmocka_unit_test(the_end_is_the_end),
        cmocka_unit_test(bad_lines_are_answered_and_change_nothing),
        cmocka_unit_test(lines_may_come_before_the_first_answer),
        cmocka_unit_test(damaged_snapshots_do_no_harm),
        cmocka_unit_test(memory_stays_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
