/* Workflows on a virtual clock, line by line, without a store. */
#include "support/faulty.h"
#include "support/support.h"

#include <gov/case.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char lamp[] = "workflow: lamp\n"
                           "fields: {count: {type: int, default: 0}}\n"
                           "events: {press: {}, fail: {input: {n: {type: int}}}, ring: {}}\n"
                           "clocks:\n"
                           "  glow: {starts: [on], stops: [off], again: reset, budget: PT60S, per: "
                           "case, marks: {100%: ring}}\n"
                           "states:\n"
                           "  off: {on: {press: on}}\n"
                           "  on:\n"
                           "    on:\n"
                           "      press: off\n"
                           "      fail: {to: off, do: [{set: {count: 1 / event.data.n}}]}\n"
                           "      ring: {do: [{set: {count: case.count + 1}}]}\n"
                           "    after: {delay: PT90S, to: off}\n";

/* A file of its own for a workflow, removed when it was read. */
static gov_status open_file(const gov_allocator *a, const char *text, const char *workflow, const gov_scope *scope, gov_simulation **out,
                            gov_error **err)
{
    char path[512];
    const char *dir = getenv("TMPDIR");
    (void)snprintf(path, sizeof path, "%s/govsim.XXXXXX", dir != NULL ? dir : "/tmp");
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    const gov_status status = gov_simulation_open(a, path, workflow, scope, out, err);
    unlink(path);
    return status;
}

static gov_status open_text(const gov_allocator *a, const char *text, gov_simulation **out,
                            gov_error **err)
{
    return open_file(a, text, NULL, NULL, out, err);
}

static gov_simulation *simulation(const char *text)
{
    gov_simulation *s = NULL;
    gov_error *err = NULL;
    assert_gov_ok(open_text(NULL, text, &s, &err), err);
    gov_error_free(err);
    return s;
}

static char *answer(gov_simulation *s, const char *line)
{
    char *out = NULL;
    gov_error *err = NULL;
    assert_gov_ok(gov_simulation_line(s, line, line != NULL ? strlen(line) : 0, &out, NULL, &err),
                  err);
    assert_non_null(out);
    return out;
}

static void answers(gov_simulation *s, const char *line, const char *want)
{
    char *out = answer(s, line);
    assert_string_equal(out, want);
    gov_text_free(out);
}

static void fails(gov_simulation *s, const char *line)
{
    char *out = answer(s, line);
    assert_memory_equal(out, "{\"error\":{\"code\":\"", 18);
    gov_text_free(out);
}

#define OFF "{\"active\":[\"off\"],\"done\":false}"
#define ON  "{\"active\":[\"on\"],\"done\":false}"

static void time_stands_still(void **state)
{
    (void)state;
    gov_simulation *s = simulation(lamp);
    answers(s, NULL, OFF);
    answers(s, "{\"event\":\"press\"}", ON);
    answers(s, "{\"advance_ms\":89999}", ON);
    answers(s, "{\"advance_ms\":1}", OFF);
    answers(s, "{\"event\":\"no_such\"}", OFF);
    fails(s, "");
    fails(s, "{\"advance_ms\":-1}");
    fails(s, "{\"advance_ms\":9223372036854775807}");
    answers(s, "{\"advance_ms\":0}", OFF);
    gov_simulation_free(s);
}

/* Leaving `on` takes its timer away and stops its clock; when the step then fails, both are there again. */
static void a_failed_step_leaves_time_as_it_was(void **state)
{
    (void)state;
    gov_simulation *s = simulation(lamp);
    answers(s, NULL, OFF);
    answers(s, "{\"event\":\"press\"}", ON);
    answers(s, "{\"advance_ms\":30000}", ON);
    char *before = answer(s, "{\"snapshot\":true}");
    fails(s, "{\"event\":\"fail\",\"data\":{\"map\":[[\"n\",{\"int\":\"0\"}]]}}");
    char *after = answer(s, "{\"snapshot\":true}");
    assert_string_equal(before, after);
    answers(s, "{\"advance_ms\":59999}", ON);
    answers(s, "{\"advance_ms\":1}", OFF);
    gov_text_free(before);
    gov_text_free(after);
    gov_simulation_free(s);
}

static void a_snapshot_goes_on_where_it_was(void **state)
{
    (void)state;
    gov_simulation *s = simulation(lamp), *t = simulation(lamp);
    char line[2048];
    answers(s, NULL, OFF);
    answers(s, "{\"event\":\"press\"}", ON);
    answers(s, "{\"advance_ms\":50000}", ON);
    char *saved = answer(s, "{\"snapshot\":true}");
    snprintf(line, sizeof line, "{\"restore\":%s", saved + strlen("{\"snapshot\":"));
    answers(t, NULL, OFF);
    answers(t, line, ON);
    answers(t, "{\"advance_ms\":39999}", ON);
    answers(t, "{\"advance_ms\":1}", OFF);
    fails(t, "{\"restore\":\"damaged\"}");
    fails(t, "{\"restore\":\"{}\"}");
    answers(t, "{\"event\":\"press\"}", ON);
    gov_text_free(saved);
    gov_simulation_free(s);
    gov_simulation_free(t);
}

/* ---- what a snapshot must be ---- */

static const char desk[] = "workflow: desk\n"
                           "fields: {count: {type: int, default: 0, max: 9}, place: {type: string}, when: {type: date}, rest: {type: any}}\n"
                           "events: {press: {}, ring: {}, note: {input: {n: {type: int, required: true, max: 5}, who: {type: staff}}}}\n"
                           "clocks:\n"
                           "  glow: {starts: [on], stops: [off], again: reset, budget: PT60S, marks: {100%: ring}}\n"
                           "states:\n"
                           "  off: {on: {press: {to: on, do: [{set: {place: \"'hall'\"}}]}}}\n"
                           "  on:\n"
                           "    on:\n"
                           "      press: off\n"
                           "      note: {do: [{set: {count: event.data.n}}, {log: hello}]}\n"
                           "      ring: {do: [{set: {rest: \"null\"}}]}\n"
                           "    after: {delay: PT90S, to: off}\n";

/* The line that restores what the answer saved, with the first `from` in it made `to`. */
static char *restoring(const char *saved, const char *from, const char *to)
{
    static const char head[] = "{\"restore\":";
    const char *body = saved + strlen("{\"snapshot\":"), *at = from != NULL ? strstr(body, from) : NULL;
    const size_t size = strlen(saved) + sizeof head + (to != NULL ? strlen(to) : 0);
    char *line = malloc(size);
    assert_non_null(line);
    if (from != NULL && at == NULL)
        fail_msg("%s is not in %s", from, saved);
    if (at == NULL)
        (void)snprintf(line, size, "%s%s", head, body);
    else
        (void)snprintf(line, size, "%s%.*s%s%s", head, (int)(at - body), body, to, at + strlen(from));
    return line;
}

static void a_wrong_snapshot_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *from, *to, *where;
    } cases[] = {
        {"\\\"count\\\":0", "\\\"count\\\":\\\"many\\\"", "fields.count"},
        {"\\\"count\\\":0", "\\\"count\\\":1.5", "fields.count"},
        {"\\\"count\\\":0", "\\\"count\\\":10", "fields.count"},
        {"\\\"count\\\":0,", "", "fields.count"},
        {"\\\"count\\\":0", "\\\"count\\\":0,\\\"cuont\\\":1", "fields.cuont"},
        {"\\\"place\\\":\\\"hall\\\"", "\\\"place\\\":[1]", "fields.place"},
        {"\\\"when\\\":null", "\\\"when\\\":\\\"yesterday\\\"", "fields.when"},
        {"\\\"when\\\":null", "\\\"wen\\\":null", "fields.wen"},
        {"\\\"fields\\\":{", "\\\"felds\\\":{", "felds"},
        {"\\\"now\\\":", "\\\"now\\\":-", "now"},
        {"\\\"steps\\\":", "\\\"steps\\\":-", "steps"},
        {"\\\"clocks\\\":[[1", "\\\"clocks\\\":[[9", "clocks[0]"},
        {"\\\"clocks\\\":[[1", "\\\"clocks\\\":[[\\\"1\\\"", "clocks[0]"},
        {"\\\"timers\\\":[[", "\\\"timers\\\":[1,[", "timers[0]"},
        {"m:glow:0", "m:glow:7", "timers[0]"},
        {"\\\"timers\\\":[", "\\\"timres\\\":[", "timres"},
    };
    (void)state;
    gov_simulation *s = simulation(desk);
    answers(s, NULL, OFF);
    answers(s, "{\"event\":\"press\"}", ON);
    answers(s, "{\"advance_ms\":1000}", ON);
    char *saved = answer(s, "{\"snapshot\":true}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *line = restoring(saved, cases[i].from, cases[i].to), *told = answer(s, line), place[64];
        (void)snprintf(place, sizeof place, "workflow: %s ", cases[i].where);
        if (strstr(told, "\"code\":\"bad_snapshot\"") == NULL || strstr(told, place) == NULL)
            fail_msg("%s -> %s: %s", cases[i].from, cases[i].to, told);
        free(line);
        gov_text_free(told);
        char *still = answer(s, "{\"snapshot\":true}");
        assert_string_equal(still, saved);
        gov_text_free(still);
    }
    char *line = restoring(saved, NULL, NULL);
    answers(s, line, ON);
    free(line);
    gov_text_free(saved);
    gov_simulation_free(s);
}

/* A field without a value and one whose value is null are two things, where a field may be anything. */
static void nothing_and_null_come_back_as_they_were(void **state)
{
    (void)state;
    gov_simulation *s = simulation(desk);
    answers(s, NULL, OFF);
    for (int i = 0; i < 2; i++) {
        char *saved = answer(s, "{\"snapshot\":true}"), *line = restoring(saved, NULL, NULL);
        gov_text_free(answer(s, line));
        char *again = answer(s, "{\"snapshot\":true}");
        assert_string_equal(saved, again);
        assert_int_equal(strstr(saved, "rest") != NULL, i == 1);
        gov_text_free(saved);
        gov_text_free(again);
        free(line);
        if (i == 0)
            answers(s, "{\"event\":\"press\"}", ON);
        answers(s, "{\"event\":\"ring\"}", ON);
    }
    gov_simulation_free(s);
}

/* ---- what an event is given ---- */

static void an_events_data_is_checked_as_when_it_is_sent(void **state)
{
    static const struct {
        const char *data, *code;
    } wrong[] = {
        {"", "missing_field"},
        {",\"data\":{\"map\":[[\"n\",\"one\"]]}", "bad_field"},
        {",\"data\":{\"map\":[[\"n\",{\"int\":\"6\"}]]}", "above_max"},
        {",\"data\":{\"map\":[[\"n\",{\"int\":\"1\"}],[\"m\",{\"int\":\"1\"}]]}", "unknown_field"},
        {",\"data\":{\"map\":[[\"n\",{\"int\":\"1\"}],[\"who\",true]]}", "bad_field"},
        {",\"data\":{\"int\":\"1\"}", "not_a_map"},
    };
    (void)state;
    gov_simulation *s = simulation(desk);
    answers(s, NULL, OFF);
    answers(s, "{\"event\":\"press\"}", ON);
    char *before = answer(s, "{\"snapshot\":true}");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[256], want[64];
        (void)snprintf(line, sizeof line, "{\"event\":\"note\"%s}", wrong[i].data);
        (void)snprintf(want, sizeof want, "{\"error\":{\"code\":\"%s\"", wrong[i].code);
        char *told = answer(s, line);
        if (strncmp(told, want, strlen(want)) != 0)
            fail_msg("%s: %s", line, told);
        gov_text_free(told);
        char *after = answer(s, "{\"snapshot\":true}");
        assert_string_equal(before, after);
        gov_text_free(after);
    }
    gov_text_free(before);
    answers(s, "{\"event\":\"note\",\"data\":{\"map\":[[\"n\",{\"int\":\"5\"}],[\"who\",\"li\"]]}}",
            "{\"active\":[\"on\"],\"done\":false,\"effects\":[{\"log\":\"hello\"}]}");
    /* What the rules do not declare as an event is looked at by nobody, and taken by nobody. */
    answers(s, "{\"event\":\"strange\",\"data\":{\"int\":\"1\"}}", ON);
    gov_simulation_free(s);
}

/* ---- why a clock is not extended ---- */

static const char longer[] = "workflow: permit\n"
                             "events: {longer: {input: {by: {type: duration, required: true}}}, end: {}}\n"
                             "clocks:\n"
                             "  answer: {starts: [open], stops: [done], budget: 5 days, extend: {event: longer, amount: event.data.by, at_most: 3 days, times: 1}}\n"
                             "states: {open: {on: {end: done, longer: {}}}, done: {type: final}}\n";

static void an_extension_is_refused_in_words(void **state)
{
    static const struct {
        const char *by, *told; /* NULL: it is granted */
    } steps[] = {
        {"2 hours", "cannot be extended: it counts in other units than the extension, 2 hours\""},
        {"4 days", "cannot be extended: by more than 3 days in all\""},
        {"0 days", "cannot be extended: the extension is not longer than nothing\""},
        {"1 day", NULL},
        {"1 day", "cannot be extended: it may be extended 1 times, and was\""},
    };
    (void)state;
    gov_simulation *s = simulation(longer);
    gov_text_free(answer(s, NULL));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "{\"event\":\"longer\",\"data\":{\"map\":[[\"by\",\"%s\"]]}}", steps[i].by);
        char *told = answer(s, line);
        if (steps[i].told != NULL ? strstr(told, steps[i].told) == NULL : strstr(told, "error") != NULL)
            fail_msg("%s: %s", steps[i].by, told);
        gov_text_free(told);
    }
    gov_simulation_free(s);
}

/* ---- which workflow ---- */

static const char two[] = "workflow: one\nstates: {a: {type: final}}\n---\nworkflow: other\nstates: {b: {type: final}}\n";

static gov_status open_named(const char *workflow, gov_simulation **out, gov_error **err)
{
    return open_file(NULL, two, workflow, NULL, out, err);
}

static void of_several_workflows_one_is_named(void **state)
{
    gov_simulation *s = NULL;
    gov_error *err = NULL;
    (void)state;
    assert_gov(GOV_E_INPUT, open_named(NULL, &s, &err), err);
    assert_string_equal(gov_error_code(err, 0), "workflow_several");
    assert_non_null(strstr(gov_error_message(err, 0, "en"), "one, other"));
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_NOT_FOUND, open_named("othre", &s, &err), err);
    assert_non_null(strstr(gov_error_message(err, 0, "en"), "did you mean \"other\"?"));
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(open_named("other", &s, &err), err);
    gov_error_free(err);
    answers(s, NULL, "{\"active\":[\"b\"],\"done\":true}");
    gov_simulation_free(s);
}

/* ---- with functions of the program ---- */

static const char door[] = "workflow: door\n"
                           "events: {knock: {input: {n: {type: int}}}}\n"
                           "states:\n"
                           "  shut: {on: {knock: {when: odd(event.data.n), to: open}}}\n"
                           "  open: {type: final}\n";

static int functions_there;

static gov_status odd(void *user, const gov_value *args, gov_value *result, char *why)
{
    (void)user;
    (void)why;
    return gov_value_set_bool(result, "value", gov_value_int(gov_value_at(args, 0)) % 2 == 1);
}

static void gone(void *user)
{
    --*(int *)user;
}

static gov_scope *scope_with_odd(const gov_allocator *a)
{
    const gov_function f = {.size = sizeof f,
                            .signature = "odd(int) -> bool",
                            .call = odd,
                            .user = &functions_there,
                            .release = gone};
    gov_scope *scope = NULL;
    if (gov_scope_new(a, &scope, NULL) != GOV_OK)
        return NULL;
    functions_there++;
    if (gov_scope_add(scope, &f, NULL) == GOV_OK)
        return scope;
    functions_there = 0;
    gov_scope_free(scope);
    return NULL;
}

/* The simulation holds what its rules call, until it is freed. */
static void functions_outlive_their_scope(void **state)
{
    (void)state;
    gov_simulation *s = NULL;
    gov_error *err = NULL;
    gov_scope *scope = scope_with_odd(NULL);
    assert_gov(GOV_E_RULE, open_file(NULL, door, NULL, NULL, &s, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(open_file(NULL, door, NULL, scope, &s, &err), err);
    gov_error_free(err);
    gov_scope_free(scope);
    assert_int_equal(functions_there, 1);
    answers(s, "{\"event\":\"knock\",\"data\":{\"map\":[[\"n\",{\"int\":\"2\"}]]}}", "{\"active\":[\"shut\"],\"done\":false}");
    answers(s, "{\"event\":\"knock\",\"data\":{\"map\":[[\"n\",{\"int\":\"3\"}]]}}", "{\"active\":[\"open\"],\"done\":true}");
    gov_simulation_free(s);
    assert_int_equal(functions_there, 0);
}

static gov_status door_life(const gov_allocator *a, void *user)
{
    gov_simulation *s = NULL;
    const gov_status status = open_file(a, door, NULL, user, &s, NULL);
    gov_simulation_free(s);
    return status;
}

static void functions_without_memory(void **state)
{
    (void)state;
    gov_scope *scope = scope_with_odd(NULL);
    assert_non_null(scope);
    oom_loop(door_life, scope);
    gov_scope_free(scope);
    assert_int_equal(functions_there, 0);
}

static gov_status whole_life(const gov_allocator *a, void *user)
{
    static const char *const lines[] = {NULL, "{\"event\":\"press\"}", "{\"advance_ms\":70000}",
                                        "{\"event\":\"fail\",\"data\":{\"map\":[[\"n\",1]]}}", "{\"snapshot\":true}", "{\"advance_ms\":20000}"};
    char *saved = NULL;
    gov_simulation *s = NULL;
    gov_error *err = NULL;
    (void)user;
    gov_status status = open_text(a, lamp, &s, &err);
    gov_error_free(err);
    for (size_t i = 0; i < sizeof lines / sizeof *lines && status == GOV_OK; i++) {
        char *out = NULL;
        err = NULL;
        status = gov_simulation_line(s, lines[i], lines[i] != NULL ? strlen(lines[i]) : 0, &out,
                                     NULL, &err);
        if (out != NULL && strncmp(out, "{\"snapshot\"", 11) == 0)
            saved = restoring(out, NULL, NULL);
        gov_text_free(out);
        gov_error_free(err);
    }
    for (int i = 0; i < 2 && status == GOV_OK; i++) {
        char *out = NULL;
        err = NULL;
        status = gov_simulation_line(s, saved, strlen(saved), &out, NULL, &err);
        gov_text_free(out);
        gov_error_free(err);
    }
    free(saved);
    gov_simulation_free(s);
    return status;
}

static void without_memory(void **state)
{
    (void)state;
    oom_loop(whole_life, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_stands_still),
        cmocka_unit_test(a_failed_step_leaves_time_as_it_was),
        cmocka_unit_test(a_snapshot_goes_on_where_it_was),
        cmocka_unit_test(a_wrong_snapshot_is_refused_with_its_place),
        cmocka_unit_test(nothing_and_null_come_back_as_they_were),
        cmocka_unit_test(an_events_data_is_checked_as_when_it_is_sent),
        cmocka_unit_test(an_extension_is_refused_in_words),
        cmocka_unit_test(of_several_workflows_one_is_named),
        cmocka_unit_test(functions_outlive_their_scope),
        cmocka_unit_test(functions_without_memory),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
