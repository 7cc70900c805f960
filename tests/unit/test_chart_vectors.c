/* The public statechart vectors (the SCION framework in neutral form), driven through the builder. */
#include "support/support.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "chart/chart.h"

enum { MAX_STATES = 64, MAX_ITEMS = 256, MAX_TIMERS = 16 };

typedef struct timer {
    json_int_t due;
    const char *name;
} timer;

/* One vector being run: guards and blocks are indexes into JSON values. */
typedef struct world {
    const char *name;
    chart_builder *b;
    chart *c;
    const char *ids[MAX_STATES]; /* by state */
    size_t count;
    json_t *items[MAX_ITEMS]; /* guard texts and action lists */
    uint32_t item_count;
    int64_t vars[26];
    timer timers[MAX_TIMERS];
    size_t timer_count;
    json_int_t now;
} world;

/* ---- expressions: "i < 100", "x * 3", "! In('a')", "true" ---- */

static void blanks(const char **s)
{
    while (**s == ' ')
        ++*s;
}

static uint32_t state_named(const world *w, const char *id, size_t len)
{
    for (uint32_t s = 0; s < w->count; s++)
        if (strlen(w->ids[s]) == len && memcmp(w->ids[s], id, len) == 0)
            return s;
    fail_msg("%s: no state %.*s", w->name, (int)len, id);
    return 0;
}

static int64_t operand(const world *w, const chart_run *run, const char **s)
{
    blanks(s);
    if (**s == '!') {
        ++*s;
        return operand(w, run, s) == 0;
    }
    if (strncmp(*s, "In('", 4) == 0) {
        const char *id = *s + 4;
        const size_t len = strcspn(id, "'");

        *s = id + len + 2;
        return chart_in(w->c, chart_current_state(run), state_named(w, id, len));
    }
    if (strncmp(*s, "true", 4) == 0 || strncmp(*s, "false", 5) == 0) {
        const bool yes = **s == 't';

        *s += yes ? 4 : 5;
        return yes;
    }
    if (islower((unsigned char)**s))
        return w->vars[*(*s)++ - 'a'];
    return strtol(*s, (char **)(uintptr_t)s, 10);
}

static int64_t evaluate(const world *w, const chart_run *run, const char *s)
{
    int64_t left = operand(w, run, &s), right;
    char op[3] = {0};

    blanks(&s);
    if (*s == '\0')
        return left;
    op[0] = *s++;
    if (*s == '=')
        op[1] = *s++;
    right = operand(w, run, &s);
    assert_string_equal(s, "");
    switch (op[0]) {
    case '+': return left + right;
    case '-': return left - right;
    case '*': return left * right;
    case '<': return left < right;
    case '=': return left == right;
    case '!': return left != right;
    default: fail_msg("%s: operator %s", w->name, op); return 0;
    }
}

/* ---- hooks ---- */

static gov_status run_actions(world *w, chart_run *run, json_t *actions);

static gov_status run_if(world *w, chart_run *run, json_t *arms)
{
    size_t i;
    json_t *arm;

    json_array_foreach(arms, i, arm)
    {
        json_t *when = json_array_get(arm, 0);

        if (json_is_null(when) || evaluate(w, run, json_string_value(when)))
            return run_actions(w, run, json_array_get(arm, 1));
    }
    return GOV_OK;
}

static gov_status run_actions(world *w, chart_run *run, json_t *actions)
{
    size_t i;
    json_t *a;
    gov_status status = GOV_OK;

    json_array_foreach(actions, i, a)
    {
        const char *name;

        if ((name = json_string_value(json_object_get(a, "raise"))) != NULL) {
            status = chart_raise(run, name, strlen(name), value_absent());
        } else if ((name = json_string_value(json_object_get(a, "assign"))) != NULL) {
            w->vars[name[0] - 'a'] =
                evaluate(w, run, json_string_value(json_object_get(a, "expr")));
        } else if ((name = json_string_value(json_object_get(a, "send"))) != NULL) {
            assert_true(w->timer_count < MAX_TIMERS);
            w->timers[w->timer_count++] =
                (timer){w->now + json_integer_value(json_object_get(a, "delay_ms")), name};
        } else if (json_object_get(a, "if") != NULL) {
            status = run_if(w, run, json_object_get(a, "if"));
        } else {
            assert_non_null(json_object_get(a, "log"));
        }
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

static gov_status guard(void *user, uint32_t id, chart_run *run, bool *holds, const diag *d)
{
    const world *w = user;

    (void)d;
    *holds = evaluate(w, run, json_string_value(w->items[id])) != 0;
    return GOV_OK;
}

static gov_status act(void *user, uint32_t id, chart_run *run, const diag *d)
{
    world *w = user;

    (void)d;
    return run_actions(w, run, w->items[id]);
}

static const chart_hooks hooks = {.guard = guard, .act = act};

/* ---- from JSON to a chart ---- */

static uint32_t keep(world *w, json_t *item)
{
    if (item == NULL || (json_is_array(item) && json_array_size(item) == 0))
        return CHART_NONE;
    assert_true(w->item_count < MAX_ITEMS);
    w->items[w->item_count] = item;
    return w->item_count++;
}

static chart_kind kind_of(json_t *state)
{
    const char *type = json_string_value(json_object_get(state, "type"));
    const char *history = json_string_value(json_object_get(state, "history"));

    if (strcmp(type, "history") == 0)
        return history != NULL && strcmp(history, "deep") == 0 ? CHART_DEEP : CHART_SHALLOW;
    return strcmp(type, "parallel") == 0 ? CHART_PARALLEL
           : strcmp(type, "final") == 0  ? CHART_FINAL
                                         : CHART_PLAIN;
}

static void add_states(world *w, json_t *state, uint32_t parent)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    uint32_t id = CHART_ROOT;
    size_t i;
    json_t *inner;
    char name[64];

    snprintf(name, sizeof name, "%s", json_string_value(json_object_get(state, "id")));
    for (char *p = name; *p != '\0'; p++)
        *p = *p == '.' ? '_' : *p;
    if (parent != CHART_NONE)
        assert_gov_ok(chart_add_state(w->b,
                                      &(chart_state_def){.parent = parent,
                                                         .name = name,
                                                         .name_len = strlen(name),
                                                         .kind = kind_of(state)},
                                      &id, &d),
                      err);
    assert_true(id < MAX_STATES);
    w->ids[id] = json_string_value(json_object_get(state, "id"));
    w->count = id + 1;
    json_array_foreach(json_object_get(state, "states"), i, inner) add_states(w, inner, id);
}

static size_t targets_of(const world *w, json_t *list, uint32_t out[8])
{
    size_t i;
    json_t *t;

    json_array_foreach(list, i, t) out[i] =
        state_named(w, json_string_value(t), json_string_length(t));
    return json_array_size(list);
}

static void add_arrow(world *w, uint32_t source, json_t *from)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    uint32_t targets[8];
    chart_text events[8];
    const char *type = json_string_value(json_object_get(from, "type"));
    chart_transition t = {.source = source, .targets = targets, .events = events};
    size_t i;
    json_t *e;

    t.guard = keep(w, json_object_get(from, "cond"));
    t.block = keep(w, json_object_get(from, "actions"));
    t.internal = type != NULL && strcmp(type, "internal") == 0;
    t.target_count = targets_of(w, json_object_get(from, "target"), targets);
    json_array_foreach(json_object_get(from, "event"), i, e) events[t.event_count++] =
        (chart_text){json_string_value(e), json_string_length(e)};
    assert_gov_ok(chart_add_transition(w->b, &t, NULL, &d), err);
}

static void add_rest(world *w, json_t *state, uint32_t *next)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    const uint32_t id = (*next)++;
    json_t *initial = json_object_get(state, "initial"), *item;
    size_t i;
    uint32_t targets[8];

    if (initial == NULL)
        initial = json_object_get(state, "default");
    if (initial != NULL) {
        const size_t n = targets_of(w, json_object_get(initial, "target"), targets);

        assert_gov_ok(chart_set_initial(w->b, id, targets, n,
                                        keep(w, json_object_get(initial, "actions")), &d),
                      err);
    }
    json_array_foreach(json_object_get(state, "onentry"), i, item)
        assert_gov_ok(chart_add_entry(w->b, id, keep(w, item), &d), err);
    json_array_foreach(json_object_get(state, "onexit"), i, item)
        assert_gov_ok(chart_add_exit(w->b, id, keep(w, item), &d), err);
    json_array_foreach(json_object_get(state, "transitions"), i, item) add_arrow(w, id, item);
    json_array_foreach(json_object_get(state, "states"), i, item) add_rest(w, item, next);
}

/* ---- running a vector ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The vectors list the configuration sorted by name. */
static void expect(const world *w, const chart_state *s, json_t *want, size_t step)
{
    uint32_t active[MAX_STATES];
    const char *names[MAX_STATES], *wanted[MAX_STATES];
    const size_t n = chart_active(w->c, s, active, MAX_STATES);

    if (n != json_array_size(want))
        fail_msg("%s, step %zu: %zu states are active", w->name, step, n);
    for (size_t i = 0; i < n; i++) {
        names[i] = w->ids[active[i]];
        wanted[i] = json_string_value(json_array_get(want, i));
    }
    qsort(names, n, sizeof names[0], by_text);
    qsort(wanted, n, sizeof wanted[0], by_text);
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], wanted[i]) != 0)
            fail_msg("%s, step %zu: %s is active, not %s", w->name, step, names[i], wanted[i]);
}

/* Between any two steps the state is saved and loaded, which must not matter. */
static void send(world *w, chart_state *s, const char *name)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    base_arena scratch;
    base_buf text;
    chart_state *back = calloc(1, chart_state_size(w->c));

    base_arena_init(&scratch, NULL);
    base_buf_init(&text, NULL);
    chart_save(w->c, s, &text);
    assert_gov_ok(chart_load(w->c, text.data, text.len, back, &d), err);
    assert_true(chart_same(w->c, s, back));
    memcpy(s, back, chart_state_size(w->c));
    assert_gov_ok(chart_send(w->c, s, &(chart_event){name, strlen(name), value_absent(), false},
                             &(chart_caller){&hooks, w, &scratch}, NULL, &d),
                  err);
    free(back);
    base_buf_free(&text);
    base_arena_free(&scratch);
}

static void advance(world *w, chart_state *s, json_int_t ms)
{
    const json_int_t until = w->now + ms;

    for (;;) {
        size_t first = MAX_TIMERS;

        for (size_t i = 0; i < w->timer_count; i++)
            if (w->timers[i].due <= until &&
                (first == MAX_TIMERS || w->timers[i].due < w->timers[first].due))
                first = i;
        if (first == MAX_TIMERS)
            break;
        const timer t = w->timers[first];

        w->timer_count--;
        memmove(w->timers + first, w->timers + first + 1, (w->timer_count - first) * sizeof t);
        w->now = t.due;
        send(w, s, t.name);
    }
    w->now = until;
}

static void run_vector(json_t *vector)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    world w = {.name = json_string_value(json_object_get(vector, "name"))};
    json_t *data = json_object_get(vector, "data"), *top = json_object_get(vector, "chart"), *v;
    base_arena scratch;
    const char *key;
    uint32_t next = 0;
    size_t i;

    assert_gov_ok(chart_builder_new(NULL, &w.b, &d), err);
    add_states(&w, top, CHART_NONE);
    add_rest(&w, top, &next);
    assert_gov_ok(chart_build(w.b, NULL, &w.c, &d), err);
    chart_builder_free(w.b);
    json_object_foreach(data, key, v) w.vars[key[0] - 'a'] = strtol(json_string_value(v), NULL, 10);
    chart_state *s = calloc(1, chart_state_size(w.c));

    chart_state_init(w.c, s);
    base_arena_init(&scratch, NULL);
    assert_gov_ok(chart_start(w.c, s, &(chart_caller){&hooks, &w, &scratch}, &d), err);
    base_arena_free(&scratch);
    expect(&w, s, json_object_get(vector, "initialConfiguration"), 0);
    json_array_foreach(json_object_get(vector, "steps"), i, v)
    {
        advance(&w, s, json_integer_value(json_object_get(v, "after_ms")));
        send(&w, s, json_string_value(json_object_get(v, "event")));
        expect(&w, s, json_object_get(v, "nextConfiguration"), i + 1);
    }
    free(s);
    chart_free(w.c);
}

static void public_vectors(void **state)
{
    const char *path = support_shared_or_skip("conformance/statecharts.jsonl");
    size_t len, count = 0;
    char *text = support_read(path, &len);

    (void)state;
    for (char *line = text; *line != '\0';) {
        const size_t n = strcspn(line, "\n");
        json_error_t problem;
        json_t *vector = json_loadb(line, n, 0, &problem);

        assert_non_null(vector);
        run_vector(vector);
        json_decref(vector);
        count++;
        line += n + (line[n] == '\n');
    }
    free(text);
    assert_true(count >= 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
