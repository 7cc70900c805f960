/* Statecharts: what appendix D leaves to show, and what is ours: names, failures, saving, limits. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/chart_text.h"
#include "support/faulty.h"

/* ---- a world for charts: guards and blocks by number, everything that happens as text ---- */

enum { FAILING_BLOCK = 99 };

typedef struct world {
    chart *c;
    chart_state *s;
    bool guards[100];
    const char *raises[100]; /* by block */
    char log[4000];
    bool logging;
} world;

static void note(world *w, const char *what, const char *name)
{
    const size_t n = strlen(w->log);

    if (w->logging)
        snprintf(w->log + n, sizeof w->log - n, "%s%s%s", n > 0 ? " " : "", what, name);
}

static gov_status guard(void *user, uint32_t id, chart_run *run, bool *holds, const diag *d)
{
    (void)run, (void)d;
    *holds = ((world *)user)->guards[id];
    return GOV_OK;
}

static gov_status act(void *user, uint32_t id, chart_run *run, const diag *d)
{
    world *w = user;
    char number[12];

    snprintf(number, sizeof number, "%u", (unsigned)id);
    note(w, "!", number);
    if (id == FAILING_BLOCK)
        return base_fail(d, M_bad_argument, A_S("what", "this action fails"));
    if (w->raises[id] == NULL)
        return GOV_OK;
    return chart_raise(run, w->raises[id], strlen(w->raises[id]), value_int((int64_t)id));
}

static gov_status on_event(void *user, const chart_event *e, size_t taken, chart_run *run,
                           const diag *d)
{
    char text[80];

    (void)taken, (void)run, (void)d;
    snprintf(text, sizeof text, "%.*s", (int)e->len, e->name);
    note(user, e->internal ? "~" : "@", text);
    return GOV_OK;
}

static gov_status on_exit_state(void *user, uint32_t s, chart_run *run, const diag *d)
{
    (void)d;
    note(user, "-", chart_path(chart_of_run(run), s));
    return GOV_OK;
}

static gov_status on_enter_state(void *user, uint32_t s, chart_run *run, const diag *d)
{
    (void)d;
    note(user, "+", chart_path(chart_of_run(run), s));
    return GOV_OK;
}

static const chart_hooks hooks = {.guard = guard,
                                  .act = act,
                                  .event = on_event,
                                  .exited = on_exit_state,
                                  .entering = on_enter_state};

static gov_status start(world *w, gov_error **err)
{
    const diag d = {NULL, err};
    base_arena scratch;
    gov_status status;

    base_arena_init(&scratch, NULL);
    status = chart_start(w->c, w->s, &(chart_caller){&hooks, w, &scratch}, &d);
    base_arena_free(&scratch);
    return status;
}

static void open_world(world *w, const char *text)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};

    memset(w, 0, sizeof *w);
    assert_gov_ok(chart_from_text(NULL, text, &w->c, &d), err);
    w->s = calloc(1, chart_state_size(w->c));
    assert_non_null(w->s);
    chart_state_init(w->c, w->s);
}

static void begin(world *w, const char *text)
{
    gov_error *err = NULL;

    open_world(w, text);
    assert_gov_ok(start(w, &err), err);
}

static void end(world *w)
{
    chart_free(w->c);
    free(w->s);
}

static gov_status try_send(world *w, const char *name, bool *accepted, gov_error **err)
{
    const diag d = {NULL, err};
    base_arena scratch;
    gov_status status;

    base_arena_init(&scratch, NULL);
    status = chart_send(w->c, w->s, &(chart_event){name, strlen(name), value_absent(), false},
                        &(chart_caller){&hooks, w, &scratch}, accepted, &d);
    base_arena_free(&scratch);
    return status;
}

static bool send(world *w, const char *name)
{
    gov_error *err = NULL;
    bool accepted;

    assert_gov_ok(try_send(w, name, &accepted, &err), err);
    return accepted;
}

static void expect(const world *w, const char *want)
{
    uint32_t active[64];
    const size_t n = chart_active(w->c, w->s, active, 64);
    char text[500] = "";

    for (size_t i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? " " : "",
                 chart_path(w->c, active[i]));
    assert_string_equal(text, want);
}

/* The text that is saved; free it. */
static char *saved(const world *w)
{
    base_buf b;

    base_buf_init(&b, NULL);
    chart_save(w->c, w->s, &b);
    return base_buf_take(&b, NULL);
}

static void expect_saved(const world *w, const char *want)
{
    char *text = saved(w);

    assert_string_equal(text, want);
    free(text);
}

/* ---- done ---- */

static void parallel_is_done_when_its_last_region_is(void **state)
{
    world w;

    (void)state;
    begin(&w, "p parallel\n"
              "  > done.state.p -> end\n"
              "  r1\n    a\n      > one -> f\n    f final\n"
              "  r2\n    a\n      > two -> b\n    b\n      > three -> f\n    f final\n"
              "end final\n");
    send(&w, "one");
    expect(&w, "p.r1.f p.r2.a");
    send(&w, "two");
    expect(&w, "p.r1.f p.r2.b");
    assert_false(chart_done(w.s));
    w.logging = true;
    send(&w, "three");
    expect(&w, "end");
    assert_true(chart_done(w.s));
    assert_string_equal(
        w.log, "@three -p.r2.b +p.r2.f ~done.state.p.r2 ~done.state.p -p.r2.f -p.r2 -p.r1.f "
               "-p.r1 -p +end -end -");
    end(&w);
}

static void parallel_in_parallel_is_done_too(void **state)
{
    world w;

    (void)state;
    begin(&w, "p parallel\n  > done.state.p -> end\n"
              "  q parallel\n"
              "    q1\n      a\n        > e -> f\n      f final\n"
              "    q2\n      a\n        > e -> f\n      f final\n"
              "  r\n    a\n      > e -> f\n    f final\n"
              "end final\n");
    send(&w, "e");
    assert_true(chart_done(w.s));
    end(&w);
}

static void done_of_a_state_is_not_done_of_those_inside(void **state)
{
    world w;

    (void)state;
    begin(&w, "a\n  > done.state.a -> wrong\n"
              "  b\n    > done.state.a.b -> c\n"
              "    x\n      > go -> a.b.f\n    f final\n"
              "  c\n    > go -> a.f\n  f final\n"
              "wrong\n");
    send(&w, "go");
    expect(&w, "a.c");
    send(&w, "go");
    expect(&w, "wrong");
    end(&w);
    begin(&w, "a\n  > done -> all\n  b\n    x\n      > go -> f\n    f final\nall\n");
    send(&w, "go");
    expect(&w, "all");
    end(&w);
}

static void after_the_end_nothing_happens(void **state)
{
    world w;
    char *before;

    (void)state;
    begin(&w, "> any -> a\na\n  > e -> closed\nclosed final\n  +1\n  -2\n");
    w.logging = true;
    assert_true(send(&w, "e"));
    assert_string_equal(w.log, "@e -a +closed !1 !2 -closed -");
    before = saved(&w);
    assert_string_equal(before, "1 d closed");
    assert_false(send(&w, "any"));
    expect(&w, "closed");
    expect_saved(&w, before);
    free(before);
    end(&w);
}

/* ---- names ---- */

static void names_repeat_in_regions(void **state)
{
    world w;

    (void)state;
    begin(&w, "p parallel\n"
              "  r1\n    a\n      > e -> b\n    b\n      > e -> p.r1.a\n"
              "  r2\n    b\n      > e -> p.r2.a\n    a\n"
              "a\n");
    expect(&w, "p.r1.a p.r2.b");
    send(&w, "e");
    expect(&w, "p.r1.b p.r2.a");
    assert_true(chart_in_path(w.c, w.s, "p.r1.b", 6));
    assert_false(chart_in_path(w.c, w.s, "p.r2.b", 6));
    assert_false(chart_in_path(w.c, w.s, "b", 1));
    end(&w);
}

static void targets_are_looked_up_outwards(void **state)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    chart_builder *b = NULL;
    uint32_t s = 0, other = 0, found[4];
    base_buf path;

    (void)state;
    base_buf_init(&path, NULL);
    assert_gov_ok(chart_builder_new(NULL, &b, &d), err);
    assert_gov_ok(chart_text_states(b, "a\n  x\n    own\n  y\n  same\nsame\n  deep\nz\n", &d), err);
    /* 1 a, 2 a.x, 3 a.x.own, 4 a.y, 5 a.same, 6 same, 7 same.deep, 8 z */
    assert_int_equal(chart_resolve(b, 2, "y", 1, &s, NULL), CHART_FOUND);
    assert_int_equal(s, 4);
    assert_int_equal(chart_resolve(b, 3, "z", 1, &s, NULL), CHART_FOUND);
    assert_int_equal(s, 8);
    assert_int_equal(chart_resolve(b, 2, "own", 3, &s, NULL), CHART_FOUND);
    assert_int_equal(s, 3);
    assert_int_equal(chart_resolve(b, 3, "same", 4, &s, &other), CHART_AMBIGUOUS);
    assert_int_equal(s, 5);
    assert_int_equal(other, 6);
    assert_int_equal(chart_resolve(b, 3, "a.same", 6, &s, NULL), CHART_FOUND);
    assert_int_equal(s, 5);
    assert_int_equal(chart_resolve(b, 8, "deep", 4, &s, NULL), CHART_UNKNOWN);
    assert_int_equal(chart_resolve(b, 8, "same.", 5, &s, NULL), CHART_UNKNOWN);
    assert_int_equal(chart_resolve(b, 8, "", 0, &s, NULL), CHART_UNKNOWN);
    assert_int_equal(chart_find_name(b, "deep", 4, found, 4), 1);
    chart_builder_path(b, found[0], &path);
    assert_string_equal(path.data, "same.deep");
    assert_int_equal(chart_resolve_inside(b, 1, "same", 4, &s), CHART_FOUND);
    assert_int_equal(s, 5);
    assert_int_equal(chart_resolve_inside(b, 1, "a.x.own", 7, &s), CHART_FOUND);
    assert_int_equal(chart_resolve_inside(b, 1, "own", 3, &s), CHART_UNKNOWN);
    base_buf_free(&path);
    chart_builder_free(b);
}

static void descriptors_match_by_tokens(void **state)
{
    static const struct {
        const char *descriptor, *name;
        bool match;
    } rows[] = {
        {"error", "error", true},
        {"error", "error.guard", true},
        {"error", "errors", false},
        {"error.guard", "error", false},
        {"error.*", "error.guard", true},
        {"error.*", "error", true},
        {"error.", "error.guard", true},
        {"*", "anything.at.all", true},
        {"*", "@timer", false},
        {"@timer", "@timer", true},
        {"@timer", "@timer.1", false},
        {"done.state.a", "done.state.a", true},
        {"done.state.a", "done.state.a.b", false},
        {"done.state", "done.state.a.b", true},
        {"done", "done.state.a", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[100];
        world w;

        assert_int_equal(chart_matches(rows[i].descriptor, strlen(rows[i].descriptor), rows[i].name,
                                       strlen(rows[i].name)),
                         rows[i].match);
        snprintf(text, sizeof text, "a\n  > %s -> b\nb\n", rows[i].descriptor);
        begin(&w, text);
        assert_int_equal(chart_candidates(w.c, w.s, rows[i].name, strlen(rows[i].name), NULL, 0),
                         rows[i].match);
        assert_int_equal(send(&w, rows[i].name), rows[i].match);
        expect(&w, rows[i].match ? "b" : "a");
        end(&w);
    }
}

/* ---- order, failures, limits ---- */

static void actions_run_in_order(void **state)
{
    world w;

    (void)state;
    begin(&w, "a\n  -1\n  x\n    -2\n    > e -> b !3\n"
              "b\n  +4 +5\n  ^ b.y !6\n  y\n    +7\n    z\n      +8\n");
    w.logging = true;
    send(&w, "e");
    assert_string_equal(w.log, "@e !2 -a.x !1 -a !3 +b !4 !5 !6 +b.y !7 +b.y.z !8");
    end(&w);
}

static void history_default_actions_run_after_the_parents_entry(void **state)
{
    world w;

    (void)state;
    begin(&w,
          "a\n  > e -> b.h !1\n"
          "b\n  +2\n  > out -> a\n  h shallow\n    ^ y !3\n  x\n  y\n    +4\n    > next -> x\n");
    w.logging = true;
    send(&w, "e");
    assert_string_equal(w.log, "@e -a !1 +b !2 !3 +b.y !4");
    send(&w, "next");
    send(&w, "out");
    w.log[0] = '\0';
    send(&w, "e");
    assert_string_equal(w.log, "@e -a !1 +b !2 +b.x");
    end(&w);
}

static void deep_history_restores_every_region(void **state)
{
    static const char text[] =
        "work\n  > pause -> idle\n  h deep\n"
        "  run parallel\n"
        "    l\n      a\n        > l -> b\n      b\n        > l -> c\n        b1\n"
        "          > m -> b2\n        b2\n      c\n"
        "    r\n      a\n        > r -> b\n      b\n"
        "idle\n  > resume -> work.h\n";
    world w;

    (void)state;
    begin(&w, text);
    send(&w, "l");
    send(&w, "m");
    send(&w, "r");
    expect(&w, "work.run.l.b.b2 work.run.r.b");
    send(&w, "pause");
    expect_saved(&w, "1 r idle work.h=work.run.l.b.b2,work.run.r.b");
    send(&w, "resume");
    expect(&w, "work.run.l.b.b2 work.run.r.b");
    send(&w, "l");
    send(&w, "pause");
    send(&w, "resume");
    expect(&w, "work.run.l.c work.run.r.b");
    end(&w);
}

static void initial_may_enter_regions_deeply(void **state)
{
    world w;

    (void)state;
    begin(&w, "^ p.r2.y.d,p.r1.b\np parallel\n  r1\n    a\n    b\n  r2\n    x\n    y\n      c\n    "
              "  d\n  r3\n    e\n");
    expect(&w, "p.r1.b p.r2.y.d p.r3.e");
    end(&w);
}

static void a_failing_action_changes_nothing(void **state)
{
    gov_error *err = NULL;
    bool accepted = true;
    char *before;
    world w;

    (void)state;
    begin(
        &w,
        "a\n  > e -> b !1\nb\n  h deep\n  x\n    > next -> y\n  y\n    > -> z ?2\n    > out -> c\n"
        "  z\n    +99\nc\n  > back -> b.h\n");
    w.raises[1] = "next";
    before = saved(&w);
    w.guards[2] = true;
    w.logging = true;
    assert_gov(GOV_E_ARG, try_send(&w, "e", &accepted, &err), err);
    assert_diag(err, 0, "bad_argument", -1, -1);
    gov_error_free(err);
    err = NULL;
    assert_string_equal(w.log, "@e -a !1 +b +b.x ~next -b.x +b.y -b.y +b.z !99");
    assert_false(accepted);
    expect_saved(&w, before);
    expect(&w, "a");
    w.guards[2] = false;
    assert_true(send(&w, "e"));
    expect(&w, "b.y");
    /* A history that the failed step had recorded is forgotten with it. */
    free(before);
    send(&w, "out");
    before = saved(&w);
    w.guards[2] = true;
    assert_gov(GOV_E_ARG, try_send(&w, "back", &accepted, &err), err);
    gov_error_free(err);
    expect_saved(&w, before);
    free(before);
    end(&w);
}

static void a_circle_is_stopped(void **state)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    uint32_t cycle;
    bool accepted;
    world w;

    (void)state;
    begin(&w, "a\n  > e -> b\n  > f !1\n  > g !1\nb\n  > -> c\nc\n  > -> b\n");
    assert_gov(GOV_E_LIMIT, try_send(&w, "e", &accepted, &err), err);
    assert_diag(err, 0, "chart_endless", -1, -1);
    assert_string_equal(gov_error_argument(err, 0, "event"), "e");
    const char *state_named = gov_error_argument(err, 0, "state"); /* one of the two that follow each other */
    assert_true(strcmp(state_named, "b") == 0 || strcmp(state_named, "c") == 0);
    assert_non_null(strstr(gov_error_message(err, 0, "en"), "for \"e\""));
    gov_error_free(err);
    err = NULL;
    expect(&w, "a");
    w.raises[1] = "f";
    assert_gov(GOV_E_LIMIT, try_send(&w, "g", &accepted, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(chart_always_cycle(w.c, &cycle, &d), err);
    assert_true(cycle == 3 || cycle == 4);
    end(&w);
}

/* 1,000 microsteps are allowed, one more is not. */
static void the_budget_is_a_thousand_microsteps(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        chart_builder *b = NULL;
        world w = {0};
        const uint32_t count = CHART_MAX_MICROSTEPS + 1 + (uint32_t)over;

        assert_gov_ok(chart_builder_new(NULL, &b, &d), err);
        for (uint32_t i = 1; i <= count; i++) {
            char name[12];

            snprintf(name, sizeof name, "s%u", (unsigned)i);
            assert_gov_ok(
                chart_add_state(b, &(chart_state_def){.name = name, .name_len = strlen(name)}, NULL,
                                &d),
                err);
        }
        for (uint32_t i = 1; i < count; i++) {
            const uint32_t next = i + 1;
            const chart_text go = {"go", 2};

            assert_gov_ok(chart_add_transition(b,
                                               &(chart_transition){.source = i,
                                                                   .guard = CHART_NONE,
                                                                   .block = CHART_NONE,
                                                                   .events = &go,
                                                                   .event_count = i == 1,
                                                                   .targets = &next,
                                                                   .target_count = 1},
                                               NULL, &d),
                          err);
        }
        assert_gov_ok(chart_build(b, NULL, &w.c, &d), err);
        chart_builder_free(b);
        w.s = calloc(1, chart_state_size(w.c));
        chart_state_init(w.c, w.s);
        assert_gov_ok(start(&w, &err), err);
        bool accepted;
        assert_gov(over ? GOV_E_LIMIT : GOV_OK, try_send(&w, "go", &accepted, &err), err);
        gov_error_free(err);
        expect(&w, over ? "s1" : "s1001");
        end(&w);
    }
}

static void eventless_transitions_are_tried_after_any_event(void **state)
{
    world w;

    (void)state;
    begin(&w, "a\n  > -> b ?1\nb\n");
    w.guards[1] = true;
    assert_false(send(&w, "nobody.knows.it"));
    expect(&w, "b");
    end(&w);
}

static void starting_and_sending_have_their_time(void **state)
{
    gov_error *err = NULL;
    bool accepted;
    world w;

    (void)state;
    open_world(&w, "a\n  > e -> a\n");
    assert_gov(GOV_E_STATE, try_send(&w, "e", &accepted, &err), err);
    gov_error_free(err);
    err = NULL;
    expect_saved(&w, "1 n");
    assert_gov_ok(start(&w, &err), err);
    assert_gov(GOV_E_STATE, start(&w, &err), err);
    gov_error_free(err);
    end(&w);
}

/* ---- what may happen next ---- */

static void candidates_come_inner_first(void **state)
{
    uint32_t t[8];
    world w;

    (void)state;
    begin(&w, "> e -> p\np parallel\n  > e\n  > f\n  r1\n    a\n      > e ?1 -> b\n      > x.y\n   "
              " b\n      > e\n"
              "  r2\n    c\n      > e f\n      > -> d ?2\n    d\n");
    assert_int_equal(chart_candidates(w.c, w.s, "e", 1, t, 8), 4);
    assert_int_equal(t[0], 3); /* of a, then p, then the root, then c */
    assert_int_equal(chart_transition_at(w.c, t[0])->guard, 1);
    assert_int_equal(chart_transition_at(w.c, t[1])->source, 1);
    assert_int_equal(chart_transition_at(w.c, t[2])->source, CHART_ROOT);
    assert_int_equal(chart_transition_at(w.c, t[3])->event_count, 2);
    assert_int_equal(chart_candidates(w.c, w.s, NULL, 0, t, 8), 6);
    assert_int_equal(chart_candidates(w.c, w.s, "x", 1, t, 8), 0);
    assert_int_equal(chart_candidates(w.c, w.s, "x.y.z", 5, t, 8), 1);
    assert_null(chart_transition_at(w.c, 100));
    end(&w);
}

/* ---- saving ---- */

static void damaged_text_is_refused(void **state)
{
    static const struct {
        const char *text;
        int offset;
    } rows[] = {
        {"", 0},
        {"1", 0},
        {"2 r a", 0},
        {"1 x a", 2},
        {"1 n ", 2},
        {"1 r", 2},
        {"1 r ", 4},
        {"1 r q", 4},
        {"1 r p", 4},     /* not atomic */
        {"1 r p.l.a", 4}, /* a region is missing */
        {"1 r p.l.a,p.l.b,p.r.a", 4},
        {"1 r p.l.a,p.l.a", 10},
        {"1 r p.l.a,p.r.a,z", 4},
        {"1 r z", 2},
        {"1 d p.l.a,p.r.a", 2},
        {"1 r p.l.a,p.r.a h", 16},
        {"1 r p.l.a,p.r.a p=p.l.a", 16},
        {"1 r p.l.a,p.r.a p.h=p.l.a", 16},
        {"1 r p.l.a,p.r.a p.h=p.l.a,p.r", 16},
        {"1 r p.l.a,p.r.a p.l.s=p.r", 16},
        {"1 r p.l.a,p.r.a p.l.s=p.l.a p.l.s=p.l.a", 28},
        {"1 r p.l.a,p.r.a ", 16},
        {"1 r p.l.a,p.r.a\n", 10},
    };
    world w;

    (void)state;
    begin(&w, "p parallel\n  h deep\n  l\n    s shallow\n    a\n    b\n  r\n    a\nz final\n");
    expect_saved(&w, "1 r p.l.a,p.r.a");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        char offset[12];

        snprintf(offset, sizeof offset, "%d", rows[i].offset);
        assert_gov(GOV_E_INPUT, chart_load(w.c, rows[i].text, strlen(rows[i].text), w.s, &d), err);
        assert_string_equal(gov_error_argument(err, 0, "offset"), offset);
        assert_false(chart_started(w.s));
        gov_error_free(err);
    }
    end(&w);
}

static void a_state_outlives_a_recompilation(void **state)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    char *text;
    world w, again;

    (void)state;
    begin(&w, "a\n  h deep\n  x\n    > e -> y\n  y\n    > e -> b\nb\n  > e -> a.h\n");
    send(&w, "e");
    send(&w, "e");
    text = saved(&w);
    /* The same workflow with more in it. */
    begin(&again,
          "first\na\n  more\n  h deep\n  x\n    > e -> y\n  y\n    > e -> b\nb\n  > e -> a.h\n");
    assert_gov_ok(chart_load(again.c, text, strlen(text), again.s, &d), err);
    expect_saved(&again, text);
    send(&again, "e");
    expect(&again, "a.y");
    free(text);
    end(&w);
    end(&again);
}

/* ---- mistakes ---- */

static void mistakes_are_found(void **state)
{
    static const struct {
        const char *text, *code;
        int line;
    } rows[] = {
        {"", "chart_empty", -1},
        {"a\nb\na\n", "chart_same_name", 3},
        {"1a\n", "chart_name", 1},
        {"a-b\n", "chart_name", 1},
        {"a final\n  b\n", "chart_children", 1},
        {"a\na1 final\n  > e -> a\n", "chart_no_way_out_of", 2},
        {"a\n  b\n  h deep\n    +1\n", "chart_no_actions", 3},
        {"a\n  h deep\n", "chart_empty", 1},
        {"a parallel\n", "chart_empty", 1},
        {"a parallel\n  b\n  c final\n", "chart_final_region", 3},
        {"a parallel\n  ^ b\n  b\n", "chart_no_initial", 1},
        {"a\n  ^ b\n  x\nb\n", "chart_initial_outside", 1},
        {"a\n  h shallow\n    ^ b\n  x\nb\n", "chart_initial_outside", 2},
        {"a\n  > e -> nowhere\n", "chart_root_target", 2},
        {"a\n  > e -> b,c\nb\nc\n", "chart_overlap", 2},
        {"a\n  > e -> p,p.x\np parallel\n  x\n  y\n", "chart_overlap", 2},
        {"a\n  > e -> p.h,p.x\np parallel\n  x\n  y\n  h deep\n", "chart_overlap", 2},
        {"a\n  b\n  h deep\n    ^ i\n  i shallow\n    ^ h\n", "chart_history_circle", 3},
        {"a\n  ^ h\n  b\n  h deep\n", "chart_history_circle", 4},
        {"a\n  > e..f\n", "chart_descriptor", 2},
        {"a\n  > e*\n", "chart_descriptor", 2},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        chart *c = NULL;

        assert_gov(GOV_E_RULE, chart_from_text(NULL, rows[i].text, &c, &d), err);
        assert_diag(err, 0, rows[i].code, rows[i].line, -1);
        assert_null(c);
        gov_error_free(err);
    }
}

static void all_mistakes_are_reported(void **state)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    chart *c = NULL;

    (void)state;
    assert_gov(GOV_E_RULE, chart_from_text(NULL, "a\na\n  > e -> nowhere\n9\n", &c, &d), err);
    assert_int_equal(gov_error_count(err), 3);
    gov_error_free(err);
}

static void doubtful_states_are_told(void **state)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    bool reached[16];
    uint32_t cycle;
    world w;

    (void)state;
    begin(&w, "a\n  > e -> p\np parallel\n  l\n    x\n  r\n    y\n      > e -> lost\n"
              "lost\nisland\n  > -> island ?1\n");
    assert_gov_ok(chart_reachable(w.c, reached, &d), err);
    for (uint32_t s = 0; s < chart_state_count(w.c); s++) {
        const char *path = chart_path(w.c, s);

        assert_int_equal(reached[s], strcmp(path, "island") != 0);
        /* what leads only to itself is no way out either */
        assert_int_equal(chart_dead_end(w.c, s), strcmp(path, "lost") == 0 || strcmp(path, "island") == 0);
    }
    assert_gov_ok(chart_always_cycle(w.c, &cycle, &d), err);
    assert_int_equal(cycle, CHART_NONE);
    end(&w);
}

/* ---- many states, no memory ---- */

/* More states than one word of a set holds, and more than are known beforehand. */
static void large_charts_work(void **state)
{
    (void)state;
    for (unsigned size = 60; size <= 300; size += 80) {
        char *text = calloc(size, 64), *want = calloc(size, 16);
        world w;

        strcpy(text, "p parallel\n");
        for (unsigned i = 0; i < size / 3; i++) {
            sprintf(text + strlen(text), "  r%u\n    a\n      > e -> b\n    b\n", i);
            sprintf(want + strlen(want), "%sp.r%u.b", i > 0 ? "," : "", i);
        }
        begin(&w, text);
        send(&w, "e");
        uint32_t active[128];
        assert_int_equal(chart_active(w.c, w.s, active, 128), size / 3);
        for (unsigned i = 0; i < size / 3; i++)
            assert_string_equal(chart_name(w.c, active[i]), "b");
        char *kept = saved(&w);
        assert_memory_equal(kept + 4, want, strlen(want));
        free(kept);
        free(text);
        free(want);
        end(&w);
    }
}

static gov_status everything(const gov_allocator *a, void *user)
{
    gov_error *err = NULL;
    const diag d = {a, &err};
    chart *c = NULL;
    base_arena scratch;
    base_buf text;
    world w = {0};
    uint64_t memory[16];
    chart_state *s = (chart_state *)(void *)memory;
    const chart_caller by = {&hooks, &w, &scratch};
    bool reached[16];
    uint32_t cycle;

    w.raises[1] = "next";
    base_arena_init(&scratch, a);
    base_buf_init(&text, a);
    gov_status status = chart_from_text(a, user, &c, &d);
    if (status == GOV_OK) {
        assert_true(chart_state_size(c) <= sizeof memory);
        chart_state_init(c, s);
        status = chart_start(c, s, &by, &d);
    }
    if (status == GOV_OK)
        status = chart_send(c, s, &(chart_event){"e", 1, value_absent(), false}, &by, NULL, &d);
    if (status == GOV_OK) {
        chart_save(c, s, &text);
        status = text.failed ? GOV_E_NOMEM : chart_load(c, text.data, text.len, s, &d);
    }
    if (status == GOV_OK)
        status = chart_reachable(c, reached, &d);
    if (status == GOV_OK)
        status = chart_always_cycle(c, &cycle, &d);
    base_buf_free(&text);
    base_arena_free(&scratch);
    chart_free(c);
    gov_error_free(err);
    return status;
}

static void survives_lack_of_memory(void **state)
{
    static char text[] =
        "p parallel\n  > done.state.p -> end !2\n  h deep\n"
        "  r\n    a\n      > e e.f -> b ?3\n      > e -> b !1\n    b\n      > next -> f\n"
        "    f final\n  q\n    > -> p.h ?4\n    x\nend final\n";
    static char broken[] = "a\na\nb final\n  c\n";

    (void)state;
    oom_loop(everything, text);
    for (long n = 0; n < 200; n++) {
        struct faulty f;
        gov_error *err = NULL;
        faulty_init(&f, n, true);
        const diag d = {&f.alloc, &err};
        chart *c = NULL;
        const gov_status status = chart_from_text(&f.alloc, broken, &c, &d);

        assert_int_equal(status, f.hits > 0 ? GOV_E_NOMEM : GOV_E_RULE);
        gov_error_free(err);
        assert_int_equal(f.live, 0);
        if (f.hits == 0)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parallel_is_done_when_its_last_region_is),
        cmocka_unit_test(parallel_in_parallel_is_done_too),
        cmocka_unit_test(done_of_a_state_is_not_done_of_those_inside),
        cmocka_unit_test(after_the_end_nothing_happens),
        cmocka_unit_test(names_repeat_in_regions),
        cmocka_unit_test(targets_are_looked_up_outwards),
        cmocka_unit_test(descriptors_match_by_tokens),
        cmocka_unit_test(actions_run_in_order),
        cmocka_unit_test(history_default_actions_run_after_the_parents_entry),
        cmocka_unit_test(deep_history_restores_every_region),
        cmocka_unit_test(initial_may_enter_regions_deeply),
        cmocka_unit_test(a_failing_action_changes_nothing),
        cmocka_unit_test(a_circle_is_stopped),
        cmocka_unit_test(the_budget_is_a_thousand_microsteps),
        cmocka_unit_test(eventless_transitions_are_tried_after_any_event),
        cmocka_unit_test(starting_and_sending_have_their_time),
        cmocka_unit_test(candidates_come_inner_first),
        cmocka_unit_test(damaged_text_is_refused),
        cmocka_unit_test(a_state_outlives_a_recompilation),
        cmocka_unit_test(mistakes_are_found),
        cmocka_unit_test(all_mistakes_are_reported),
        cmocka_unit_test(doubtful_states_are_told),
        cmocka_unit_test(large_charts_work),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
