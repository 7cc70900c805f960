/* Rulebooks: the folders under tests/cases/rulebook say which diagnostics each gives; the rest is about what comes out. */
#include "support/support.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gov/rulebook.h>

#include "support/faulty.h"
#include "support/rulebook_host.h"

static gov_error *err;
static const diag to_err = {&base_malloc, &err};

static int forget(void **state)
{
    (void)state;
    gov_error_free(err);
    err = NULL;
    return 0;
}

static int64_t today(void)
{
    return base_days_from_civil(2026, 3, 2);
}

static gov_status load_path(const char *path, rulebook **out)
{
    rulebook_bundle *b = NULL;
    const rulebook_options o = {.host = &test_host, .today = today()};
    *out = NULL;
    const gov_status status = rulebook_bundle_read(&base_malloc, path, NULL, 0, &b, &to_err);
    return status != GOV_OK ? status : rulebook_load(&base_malloc, b, &o, out, &to_err);
}

static rulebook_bundle *bundle_of(const char *text)
{
    rulebook_bundle *b = NULL;
    const rulebook_source s = {.path = "rulebook.yaml", .bytes = text, .len = strlen(text)};
    assert_gov_ok(rulebook_bundle_make(&base_malloc, &s, 1, &b, &to_err), err);
    return b;
}

static rulebook *load_text(const char *text)
{
    rulebook *rb = NULL;
    const rulebook_options o = {.host = &test_host};
    assert_gov_ok(rulebook_load(&base_malloc, bundle_of(text), &o, &rb, &to_err), err);
    return rb;
}

static const char head[] = "rulebook: t\nversion: '1'\ntime_zone: Asia/Shanghai\n";

/* ---- diagnostics, by folder ---- */

static void write_diagnostics(base_buf *out)
{
    for (size_t i = 0; i < gov_error_count(err); i++)
        base_buf_fmt(out, "%s:%lld:%lld: %s: %s\n", gov_error_origin(err, i) != NULL ? gov_error_origin(err, i) : "",
                     (long long)gov_error_line(err, i), (long long)gov_error_column(err, i),
                     gov_error_severity(err, i) == GOV_SEVERITY_ERROR ? "error" : "warning", gov_error_code(err, i));
}

static bool expects_errors(const char *expect)
{
    return strstr(expect, ": error: ") != NULL;
}

static void one_case(const char *dir, size_t *wrong)
{
    char path[512];
    rulebook *rb;
    base_buf got;
    char *expect = support_read(support_path(path, dir, "expect.txt"), NULL);
    const gov_status status = load_path(dir, &rb);
    base_buf_init(&got, &base_malloc);
    write_diagnostics(&got);
    if (strcmp(got.data != NULL ? got.data : "", expect) != 0 || (rb != NULL) == expects_errors(expect) ||
        (status == GOV_OK) != (rb != NULL)) {
        print_message("%s\nexpected:\n%sgot (status %d):\n", dir, expect, status);
        support_print_error(err);
        ++*wrong;
    }
    for (size_t i = 0; i < gov_error_count(err); i++) { /* both texts are there and name no argument that is missing */
        assert_null(strchr(gov_error_message(err, i, "en"), '{') != NULL && strncmp(gov_error_code(err, i), "yaml_", 5) != 0
                        ? gov_error_message(err, i, "en") : NULL);
        assert_true(strlen(gov_error_message(err, i, "zh")) > 0);
    }
    base_buf_free(&got);
    free(expect);
    rulebook_free(rb);
    (void)forget(NULL);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void cases_by_folder(void **state)
{
    char root[512], path[512];
    char *names[512];
    size_t count = 0, wrong = 0;
    (void)state;
    (void)snprintf(root, sizeof root, "%s", support_source("tests/cases/rulebook"));
    DIR *dir = opendir(root);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL && count < ARRAY_LEN(names);)
        if (e->d_name[0] != '.')
            names[count++] = strdup(e->d_name);
    (void)closedir(dir);
    qsort(names, count, sizeof *names, by_name);
    assert_true(count > 50);
    for (size_t i = 0; i < count; i++) {
        one_case(support_path(path, root, names[i]), &wrong);
        free(names[i]);
    }
    if (wrong > 0)
        fail_msg("%zu of %zu folders", wrong, count);
}

/* By the call that hosts make, since the examples use what all rooms bring. */
static void examples_load(void **state)
{
    static const char *const paths[] = {"examples/community", "examples/city311", "examples/quickstart"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        gov_rulebook *rb = NULL;
        assert_gov_ok(gov_rulebook_load(NULL, support_source(paths[i]), 0, &rb, &err), err);
        gov_rulebook_free(rb);
        (void)forget(NULL);
    }
}

/* ---- what comes out ---- */

static const rulebook_workflow *workflow_of(const rulebook *rb, const char *name)
{
    const rulebook_workflow *w;
    assert_gov_ok(rulebook_get_workflow(rb, name, &w, &to_err), err);
    return w;
}

static void root_of_the_manual(void **state)
{
    rulebook *rb;
    (void)state;
    assert_gov_ok(load_path(support_source("tests/cases/rulebook/manual"), &rb), err);
    assert_string_equal(rb->id, "xingfuli");
    assert_string_equal(rb->version, "2026.1");
    assert_string_equal(rulebook_text_in(&rb->title, "zh-CN", ""), "幸福里社区");
    assert_string_equal(rulebook_text_in(&rb->title, "fr", ""), "幸福里社区");
    assert_string_equal(rulebook_text_in(&rb->title, "en", ""), "Xingfuli community");
    assert_string_equal(rb->languages.items[0], "zh");
    assert_int_equal(base_zone_offset(rb->zone, 0), 8 * 3600);
    assert_true(rb->tzif_len > 4);
    const rulebook_value *v = rulebook_find_value(rb, "sign_within");
    assert_true(v->is_duration);
    assert_int_equal(v->duration.unit, CAL_WORKING_TIME);
    assert_true(v->duration.amount == 2 * INT64_C(3600000000));
    assert_true(value_is_text(v->val, "2 working hours"));
    assert_int_equal(rulebook_find_role(rb, NULL, "handler")->scope, RULEBOOK_SCOPE_ASSIGNEE);
    assert_string_equal(rulebook_find_role(rb, NULL, "party")->when, "actor.id in case.parties");
    assert_string_equal(rb->calendar, "cn");
    assert_true(cal_year_listed(rulebook_find_calendar(rb, NULL)->cal, 2026));
    assert_string_equal(rulebook_text_in(&rulebook_find_template(rb, "accepted")->text, "en", ""), "accepted");
    const rulebook_class *c = rulebook_find_class(rb, "contact");
    assert_int_equal(c->mask, RULEBOOK_MASK_PHONE);
    assert_string_equal(c->see[0].purpose, "handle_case");
    assert_int_equal(rb->workflows.count, 3);
    assert_int_equal(rb->scenarios.count, 1);
    rulebook_free(rb);
}

static void workflow_of_the_manual(void **state)
{
    rulebook *rb;
    (void)state;
    assert_gov_ok(load_path(support_source("tests/cases/rulebook/manual"), &rb), err);
    const rulebook_workflow *w = workflow_of(rb, "complaint");
    assert_int_equal(chart_state_count(w->chart), 9); /* the root, six outside, two inside */
    assert_int_equal(w->fields.count, 6);
    const rulebook_field *f = rulebook_find_field(&w->fields, "urgency", 7);
    assert_true(f->preset.as.i == 3 && f->min.as.i == 1 && f->max.as.i == 4);
    assert_string_equal(w->slots[f->slot].name, "case.urgency");
    const rulebook_event *e = rulebook_find_event(w, "dispatch");
    assert_true(rulebook_has_name(&e->by, "dispatcher"));
    assert_true(e->input.items[0].required);
    assert_string_equal(w->slots[e->input.items[1].slot].name, "event.data.note");
    const rulebook_clock *c = rulebook_find_clock(w, "resolution");
    assert_int_equal(c->starts.items[0].state, RULEBOOK_NONE);
    assert_string_equal(chart_path(w->chart, c->stops.items[0].state), "feedback");
    assert_int_equal(c->budget.case_count, 2);
    assert_true(c->per_holder && !c->resumes);
    assert_int_equal(c->mark_count, 3);
    assert_true(c->marks[0].is_percent && c->marks[0].percent == 80);
    assert_int_equal(c->marks[2].after.fixed.unit, CAL_WORKING_DAYS);
    assert_int_equal(c->extend.amount.kind, RULEBOOK_LENGTH_EXPR);
    assert_int_equal(c->extend.at_most.fixed.amount, 10);
    assert_string_equal(c->calendar, "cn");
    assert_int_equal(w->timer_count, 2);
    assert_string_equal(w->timers[0].event, "@received#0");
    assert_int_equal(w->timers[0].delay.value, 0);
    assert_non_null(w->timers[1].at);
    const uint32_t end = chart_find(w->chart, "closed.resolved", 15);
    assert_string_equal(w->states[end].outcome, "resolved");
    for (uint32_t i = 0; i < chart_transition_count(w->chart); i++)
        assert_true(w->transitions[i].place.line > 0);
    rulebook_free(rb);
}

static void programs_run_on_slots(void **state)
{
    rulebook *rb;
    bool holds;
    value row[128];
    (void)state;
    assert_gov_ok(load_path(support_source("tests/cases/rulebook/manual"), &rb), err);
    const rulebook_workflow *w = workflow_of(rb, "complaint");
    assert_true(w->slot_count < ARRAY_LEN(row));
    memcpy(row, w->presets, w->slot_count * sizeof *row);
    row[rulebook_find_field(&w->fields, "urgency", 7)->slot] = value_int(1);
    const expr_run run = {.slots = row, .slot_count = w->slot_count};
    cal_duration d;
    const rulebook_duration *chosen;
    const rulebook_clock *c = rulebook_find_clock(w, "resolution");
    assert_gov_ok(rulebook_duration_of(&c->budget, &run, &d, &chosen, &to_err), err);
    assert_int_equal(d.unit, CAL_TIME);
    row[rulebook_find_field(&w->fields, "urgency", 7)->slot] = value_int(3);
    assert_gov_ok(rulebook_duration_of(&c->budget, &run, &d, &chosen, &to_err), err);
    assert_int_equal(d.unit, CAL_WORKING_DAYS);
    assert_int_equal(d.amount, 5);
    /* granted: the guard of the first transition on `rule` */
    for (uint32_t i = 0; i < chart_transition_count(w->chart); i++) {
        if (strcmp(w->transitions[i].on, "rule") != 0 || w->transitions[i].guard == RULEBOOK_NONE)
            continue;
        row[rulebook_find_event(w, "rule")->input.items[0].slot] = value_bool(true);
        assert_gov_ok(expr_eval_bool(w->guards[w->transitions[i].guard].when, &run, &holds, &to_err), err);
        assert_true(holds);
    }
    rulebook_free(rb);
}

static void in_asks_the_host(void **state)
{
    char text[1024];
    bool holds;
    (void)state;
    (void)snprintf(text, sizeof text, "%s%s", head,
                   "---\nworkflow: w\nroles: {r: {}}\nevents: {go: {by: [r]}}\n"
                   "states: {a: {on: {go: {when: \"In('b')\", to: b}}}, b: {type: final}}\n");
    rulebook *rb = load_text(text);
    const rulebook_workflow *w = workflow_of(rb, "w");
    uint32_t active = chart_find(w->chart, "b", 1);
    const expr_run run = {.slots = w->presets, .slot_count = w->slot_count, .user = &active};
    assert_gov_ok(expr_eval_bool(w->guards[0].when, &run, &holds, &to_err), err);
    assert_true(holds);
    active = chart_find(w->chart, "a", 1);
    assert_gov_ok(expr_eval_bool(w->guards[0].when, &run, &holds, &to_err), err);
    assert_false(holds);
    rulebook_free(rb);
}

static void roles_have_programs(void **state)
{
    char text[1024];
    expr_program *p;
    bool holds;
    value row[64], members[2] = {value_int(7), value_int(9)};
    (void)state;
    (void)snprintf(text, sizeof text, "%s%s", head,
                   "roles: {party: {when: actor.id in case.parties}, clerk: {}}\n---\nworkflow: w\n"
                   "fields: {parties: {type: list}}\nevents: {go: {by: [party]}}\n"
                   "states: {a: {on: {go: b}}, b: {type: final}}\n");
    rulebook *rb = load_text(text);
    const rulebook_workflow *w = workflow_of(rb, "w");
    assert_gov_ok(rulebook_role_program(&base_malloc, rulebook_find_role(rb, w, "clerk"), w, &p, &to_err), err);
    assert_null(p);
    assert_gov_ok(rulebook_role_program(&base_malloc, rulebook_find_role(rb, w, "party"), w, &p, &to_err), err);
    memcpy(row, w->presets, w->slot_count * sizeof *row);
    row[w->fields.items[0].slot] = value_list(members, 2);
    for (uint32_t i = 0; i < w->slot_count; i++)
        if (w->slots[i].kind == RULEBOOK_SLOT_ACTOR && w->slots[i].part == RULEBOOK_ACTOR_ID)
            row[i] = value_int(9);
    const expr_run run = {.slots = row, .slot_count = w->slot_count};
    assert_gov_ok(expr_eval_bool(p, &run, &holds, &to_err), err);
    assert_true(holds);
    expr_program_free(p);
    rulebook_free(rb);
}

static void effects_have_arguments(void **state)
{
    rulebook *rb;
    (void)state;
    assert_gov_ok(load_path(support_source("tests/cases/rulebook/manual"), &rb), err);
    const rulebook_workflow *w = workflow_of(rb, "complaint");
    const rulebook_action *open = NULL;
    for (uint32_t i = 0; i < w->block_count; i++)
        for (uint32_t k = 0; k < w->blocks[i].count; k++)
            if (w->blocks[i].items[k].kind == RULEBOOK_EFFECT &&
                strcmp(w->blocks[i].items[k].as.effect.effect->name, "open") == 0)
                open = &w->blocks[i].items[k];
    assert_non_null(open);
    assert_string_equal(rulebook_arg(open, "workflow")->text, "supervision");
    assert_string_equal(rulebook_arg(open, "link")->text, "supervises");
    assert_null(rulebook_arg(open, "each"));
    const rulebook_schedule *s;
    assert_gov_ok(rulebook_get_schedule(rb, "key_rounds", &s, &to_err), err);
    assert_string_equal(s->over, "household");
    assert_int_equal(s->period, RULEBOOK_WEEK);
    assert_int_equal(rulebook_arg(&s->block.items[0], "fields")->member_count, 2);
    rulebook_free(rb);
}

static void sections_are_read(void **state)
{
    char text[1024];
    value v;
    (void)state;
    (void)snprintf(text, sizeof text, "%s%s", head,
                   "values: {five: {is: 5, source: s}}\n---\npoints: green\nledger: 7\nunit: {zh: 分}\n"
                   "earn: {sorting: {amount: values.five * 2}}\n");
    rulebook *rb = load_text(text);
    const rulebook_section *s = rulebook_find_section(rb, "points", "green");
    const host_points *p = s->content;
    const value *presets;
    uint32_t count;
    assert_int_equal(p->ledger, 7);
    (void)rulebook_common_slots(rb, &presets, &count);
    const expr_run run = {.slots = presets, .slot_count = count};
    assert_gov_ok(expr_eval(p->amount, &run, &v, &to_err), err);
    assert_int_equal(v.as.i, 10);
    rulebook_free(rb);
}

static void overlays_replace(void **state)
{
    rulebook *rb = NULL;
    rulebook_bundle *b = NULL;
    char root[1024];
    const rulebook_options o = {.host = &test_host};
    (void)state;
    (void)snprintf(root, sizeof root, "%s%s", head, "title: one\nvalues: {a: {is: 2 hours, source: s}, b: {is: 1, source: s}}\n");
    const char *overlay = "overlay: t\ntitle: other\nvalues: {a: {is: 3 working days, source: district}}\n";
    const rulebook_source sources[] = {{.path = "rulebook.yaml", .bytes = root, .len = strlen(root)},
                                       {.path = "district.yaml", .bytes = overlay, .len = strlen(overlay)}};
    assert_gov_ok(rulebook_bundle_make(&base_malloc, sources, 2, &b, &to_err), err);
    assert_gov_ok(rulebook_load(&base_malloc, b, &o, &rb, &to_err), err);
    assert_string_equal(rulebook_text_in(&rb->title, "zh", ""), "other");
    assert_int_equal(rulebook_find_value(rb, "a")->duration.unit, CAL_WORKING_DAYS);
    assert_string_equal(rulebook_find_value(rb, "a")->place.origin, "district.yaml");
    assert_int_equal(rulebook_find_value(rb, "b")->val.as.i, 1);
    rulebook_free(rb);
}

static rulebook *load_two(const char *root, const char *overlay)
{
    rulebook *rb = NULL;
    rulebook_bundle *b = NULL;
    char text[2048];
    const rulebook_options o = {.host = &test_host};
    (void)snprintf(text, sizeof text, "%s%s", head, root);
    const rulebook_source sources[] = {{.path = "rulebook.yaml", .bytes = text, .len = strlen(text)},
                                       {.path = "district.yaml", .bytes = overlay, .len = strlen(overlay)}};
    assert_gov_ok(rulebook_bundle_make(&base_malloc, sources, 2, &b, &to_err), err);
    (void)rulebook_load(&base_malloc, b, &o, &rb, &to_err);
    return rb;
}

/* A value that is said to be another one follows it where an overlay sets that one, and one of an overlay may name any value. */
static void overlays_reach_what_refers_to_them(void **state)
{
    static const char root[] = "values: {lim: {is: 2 working days, source: s}, l2: {is: values.lim, source: s}, l3: {is: values.l2, source: s}, "
                               "txt: {is: 90 minutes, source: s}}\n---\ncalendar: cn\nhours: {mon: ['09:00-12:00']}\n";
    (void)state;
    rulebook *rb = load_two(root, "overlay: t\nvalues: {lim: {is: 7 hours, source: s}}\n");
    assert_non_null(rb);
    for (const char *const *name = (const char *const[]){"lim", "l2", "l3", NULL}; *name != NULL; name++) {
        assert_int_equal(rulebook_find_value(rb, *name)->duration.unit, CAL_TIME);
        assert_int_equal(rulebook_find_value(rb, *name)->duration.amount, INT64_C(7) * 3600 * 1000000);
    }
    rulebook_free(rb);
    rb = load_two(root, "overlay: t\nvalues: {l2: {is: values.txt, source: s}}\n");
    assert_non_null(rb);
    assert_int_equal(rulebook_find_value(rb, "l3")->duration.amount, INT64_C(90) * 60 * 1000000);
    assert_int_equal(rulebook_find_value(rb, "lim")->duration.unit, CAL_WORKING_DAYS);
    rulebook_free(rb);
    assert_null(load_two(root, "overlay: t\nvalues: {l2: {is: values.tyt, source: s}}\n"));
    assert_string_equal(gov_error_code(err, 0), "unknown_name");
    assert_string_equal(gov_error_argument(err, 0, "near"), "txt");
    (void)forget(NULL);
    /* a circle that only the overlay closes is told once, with both places */
    assert_null(load_two(root, "overlay: t\n\nvalues: {lim: {is: values.l3, source: s}}\n"));
    assert_int_equal(gov_error_count(err), 1);
    assert_string_equal(gov_error_code(err, 0), "value_circle");
    assert_string_equal(gov_error_argument(err, 0, "way"), "lim (district.yaml:3) -> l3 (rulebook.yaml:4) -> l2 (rulebook.yaml:4) -> lim");
    (void)forget(NULL);
}

/* ---- digests, bundles, opening ---- */

static void digests_follow_meaning(void **state)
{
    static const char body[] = "---\nworkflow: w\nroles: {r: {}}\nevents: {go: {by: [r]}}\n"
                               "states: {a: {on: {go: b}, after: {delay: values.x, to: b}}, b: {type: final}}\n";
    char one[1024], two[1024], three[1024];
    (void)state;
    (void)snprintf(one, sizeof one, "%svalues: {x: {is: 2 hours, source: s}, unused_here: {is: 1, source: s}}\n%s", head, body);
    (void)snprintf(two, sizeof two, "%svalues: {x: {is: 2 hours, source: s}, unused_here: {is: 2, source: s}}\n%s", head, body);
    (void)snprintf(three, sizeof three, "%svalues: {x: {is: 3 hours, source: s}, unused_here: {is: 1, source: s}}\n%s", head, body);
    rulebook *a = load_text(one), *b = load_text(two), *c = load_text(three), *same = load_text(one);
    assert_string_equal(a->digest_text, same->digest_text);
    assert_string_not_equal(a->digest_text, b->digest_text);
    assert_string_equal(workflow_of(a, "w")->digest_text, workflow_of(b, "w")->digest_text);
    assert_string_not_equal(workflow_of(a, "w")->digest_text, workflow_of(c, "w")->digest_text);
    rulebook_free(a);
    rulebook_free(b);
    rulebook_free(c);
    rulebook_free(same);
}

static void stored_bundles_open(void **state)
{
    rulebook *rb, *again = NULL;
    rulebook_bundle *b = NULL;
    base_buf text;
    (void)state;
    assert_gov_ok(load_path(support_source("tests/cases/rulebook/manual"), &rb), err);
    (void)forget(NULL);
    base_buf_init(&text, &base_malloc);
    rulebook_bundle_write(rulebook_bundle_of(rb), &text);
    assert_gov_ok(rulebook_bundle_parse(&base_malloc, text.data, text.len, &b, &to_err), err);
    const rulebook_options o = {.host = &test_host, .tzif = rb->tzif, .tzif_len = rb->tzif_len};
    assert_gov_ok(rulebook_open(&base_malloc, b, &o, &again, &to_err), err);
    assert_string_equal(again->digest_text, rb->digest_text);
    assert_string_equal(workflow_of(again, "complaint")->digest_text, workflow_of(rb, "complaint")->digest_text);
    const rulebook_workflow *none;
    assert_int_equal(rulebook_get_workflow(again, "no_such", &none, &to_err), GOV_E_NOT_FOUND);
    rulebook_free(rb);
    rulebook_free(again);
    base_buf_free(&text);
}

static void damage_is_noticed(void **state)
{
    rulebook *rb, *again;
    base_buf text;
    const rulebook_workflow *w;
    const rulebook_schedule *s;
    (void)state;
    assert_gov_ok(load_path(support_source("tests/cases/rulebook/manual"), &rb), err);
    (void)forget(NULL);
    base_buf_init(&text, &base_malloc);
    rulebook_bundle_write(rulebook_bundle_of(rb), &text);
    const rulebook_options o = {.host = &test_host};
    size_t noticed = 0, tried = 0;
    for (size_t i = 0; i < text.len; i += 7, tried++) {
        rulebook_bundle *b = NULL;
        text.data[i] ^= 1;
        gov_status status = rulebook_bundle_parse(&base_malloc, text.data, text.len, &b, &to_err);
        if (status == GOV_OK)
            status = rulebook_open(&base_malloc, b, &o, &again, &to_err);
        else
            again = NULL;
        for (uint32_t k = 0; again != NULL && status == GOV_OK && k < again->workflows.count; k++)
            status = rulebook_get_workflow(again, again->workflows.items[k], &w, &to_err);
        for (uint32_t k = 0; again != NULL && status == GOV_OK && k < again->schedules.count; k++)
            status = rulebook_get_schedule(again, again->schedules.items[k], &s, &to_err);
        /* What the table says is covered by the bundle's digest, which the store keeps. */
        noticed += status != GOV_OK || memcmp(again->digest, rb->digest, BASE_DIGEST_SIZE) != 0;
        text.data[i] ^= 1;
        rulebook_free(again);
        (void)forget(NULL);
    }
    assert_int_equal(noticed, tried);
    rulebook_free(rb);
    base_buf_free(&text);
}

static void *compile_them(void *rb)
{
    const rulebook_workflow *w;
    for (int i = 0; i < 3; i++)
        if (rulebook_get_workflow(rb, ((rulebook *)rb)->workflows.items[i], &w, NULL) != GOV_OK)
            return rb;
    return NULL;
}

static void threads_may_share(void **state)
{
    rulebook *rb, *again = NULL;
    pthread_t threads[4];
    const rulebook_options o = {.host = &test_host};
    rulebook_bundle *b = NULL;
    (void)state;
    (void)rb;
    assert_gov_ok(rulebook_bundle_read(&base_malloc, support_source("tests/cases/rulebook/manual"), NULL, 0, &b, &to_err), err);
    assert_gov_ok(rulebook_open(&base_malloc, b, &o, &again, &to_err), err);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, compile_them, again), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    rulebook_free(again);
}

static void files_that_are_not_there(void **state)
{
    rulebook *rb;
    (void)state;
    assert_int_equal(load_path("/no/such/rulebook", &rb), GOV_E_NOT_FOUND);
    (void)forget(NULL);
    assert_int_equal(load_path(support_source("tests/cases"), &rb), GOV_E_NOT_FOUND);
    (void)forget(NULL);
    assert_gov_ok(load_path(support_source("tests/cases/rulebook/minimal/rulebook.yaml"), &rb), err);
    rulebook_free(rb);
}

static void a_lone_workflow_simulates(void **state)
{
    static const char text[] = "workflow: w\nstates:\n  a: {on: {go: b, other: {do: [{raise: x}]}}}\n  b: {}\n";
    rulebook *rb = NULL;
    const rulebook_options o = {.host = &test_host, .lenient = true};
    (void)state;
    assert_gov_ok(rulebook_load(&base_malloc, bundle_of(text), &o, &rb, &to_err), err);
    assert_int_equal(chart_state_count(workflow_of(rb, "w")->chart), 3);
    rulebook_free(rb);
}

/* ---- checking fields ---- */

static const char field_rules[] =
    "---\nworkflow: w\nstates: {a: {type: final}}\nfields:\n"
    "  n: {type: int, min: 1, max: 4, default: 3}\n"
    "  s: {type: string, required: true, max_length: 3, matches: '^[a-z中]+$'}\n"
    "  d: {type: date, min: 2026-01-01}\n"
    "  t: {type: timestamp}\n"
    "  l: {type: duration}\n"
    "  p: {type: point}\n"
    "  x: {type: double}\n"
    "  u: {type: unit}\n"
    "  o: {type: string, one_of: [a, b]}\n"
    "  w: {type: int, when: it > case.n}\n"
    "  y: {type: any}\n";

static gov_status find_unit(void *user, rulebook_type type, value reference, int64_t *id, const diag *d)
{
    (void)user;
    (void)d;
    assert_int_equal(type, RULEBOOK_UNIT);
    if (!value_is_text(reference, "u1") && !(value_is(reference, VALUE_INT) && reference.as.i == 41))
        return GOV_E_NOT_FOUND;
    *id = 41;
    return GOV_OK;
}

/* What JSON text comes out of JSON text; "!code,code" are the mistakes instead. */
static void field_values(void **state)
{
    static const struct {
        const char *in, *out;
        bool partial;
    } cases[] = {
        {"{\"s\":\"abc\"}", "{\"n\":3,\"s\":\"abc\"}", false},
        {"{}", "!missing_field", false},
        {"{}", "{}", true},
        {"{\"n\":null,\"s\":\"中\"}", "{\"n\":3,\"s\":\"中\"}", false},
        {"{\"n\":5}", "!above_max", true},
        {"{\"n\":0,\"s\":\"ABCD\"}", "!below_min,too_long", true},
        {"{\"s\":\"A\"}", "!no_match", true},
        {"{\"n\":\"5\"}", "!bad_field", true},
        {"{\"n\":1.0}", "!bad_field", true},
        {"{\"N\":1,\"nn\":1}", "!unknown_field,unknown_field", true},
        {"{\"d\":\"2026-02-28\"}", "{\"d\":\"2026-02-28\"}", true},
        {"{\"d\":\"2026-02-30\"}", "!bad_form", true},
        {"{\"d\":\"2025-12-31\"}", "!below_min", true},
        {"{\"t\":\"2026-03-02T09:00:00+08:00\"}", "{\"t\":{\"$timestamp\":\"2026-03-02T01:00:00Z\"}}", true},
        {"{\"t\":\"2026-03-02T09:00:00.0000001Z\"}", "!too_fine", true},
        {"{\"t\":\"2026-03-02 09:00\"}", "!bad_form", true},
        {"{\"l\":\"2 hours\"}", "{\"l\":{\"$duration\":\"7200s\"}}", true},
        {"{\"l\":\"5 working days\"}", "{\"l\":\"5 working days\"}", true},
        {"{\"l\":\"90s\"}", "{\"l\":{\"$duration\":\"90s\"}}", true},
        {"{\"l\":\"soon\"}", "!bad_form", true},
        {"{\"p\":{\"lat\":31.2304,\"lon\":121.4737}}", "{\"p\":{\"lat\":312304000,\"lon\":1214737000}}", true},
        {"{\"p\":{\"lat\":\"31.2304\",\"lon\":\"121.4737\"}}", "{\"p\":{\"lat\":312304000,\"lon\":1214737000}}", true},
        /* degrees may be whole; both numbers have one unit */
        {"{\"p\":{\"lat\":30.28,\"lon\":120}}", "{\"p\":{\"lat\":302800000,\"lon\":1200000000}}", true},
        {"{\"p\":{\"lat\":30,\"lon\":120.15}}", "{\"p\":{\"lat\":300000000,\"lon\":1201500000}}", true},
        {"{\"p\":{\"lat\":-90,\"lon\":180}}", "{\"p\":{\"lat\":-900000000,\"lon\":1800000000}}", true},
        {"{\"p\":{\"lat\":0,\"lon\":0}}", "{\"p\":{\"lat\":0,\"lon\":0}}", true},
        {"{\"p\":{\"lat\":\"30\",\"lon\":120}}", "{\"p\":{\"lat\":300000000,\"lon\":1200000000}}", true},
        {"{\"p\":{\"lat\":302800000,\"lon\":1201500000}}", "{\"p\":{\"lat\":302800000,\"lon\":1201500000}}", true},
        {"{\"p\":{\"lat\":514778000,\"lon\":-15}}", "{\"p\":{\"lat\":514778000,\"lon\":-15}}", true}, /* Greenwich */
        {"{\"p\":{\"lat\":30.28,\"lon\":1201500000}}", "!bad_point", true},
        {"{\"p\":{\"lat\":302800000,\"lon\":120.15}}", "!bad_point", true},
        {"{\"p\":{\"lat\":\"31.2304\",\"lon\":1214737000}}", "!bad_point", true},
        {"{\"p\":{\"lat\":91,\"lon\":9223372036854775807}}", "!bad_point", true},
        {"{\"p\":{\"lat\":-9223372036854775807,\"lon\":0}}", "!bad_point", true},
        {"{\"p\":{\"lat\":true,\"lon\":0}}", "!bad_point", true},
        {"{\"p\":{\"lat\":91.0,\"lon\":0}}", "!bad_point", true},
        {"{\"p\":{\"lat\":1}}", "!bad_point", true},
        {"{\"x\":2}", "{\"x\":2.0}", true},
        {"{\"u\":\"u1\"}", "{\"u\":41}", true},
        {"{\"u\":41}", "{\"u\":41}", true},
        {"{\"u\":\"u2\"}", "!unknown_reference", true},
        {"{\"o\":\"c\"}", "!not_one_of", true},
        {"{\"w\":5}", "{\"w\":5}", true},
        {"{\"w\":2}", "!field_condition", true},
        {"{\"y\":null}", "{\"y\":null}", true},
        {"{\"y\":[1,{\"a\":2}]}", "{\"y\":[1,{\"a\":2}]}", true},
        {"[1]", "!not_a_map", true},
    };
    char text[2048];
    base_arena arena;
    value row[128];
    (void)state;
    (void)snprintf(text, sizeof text, "%s%s", head, field_rules);
    rulebook *rb = load_text(text);
    const rulebook_workflow *w = workflow_of(rb, "w");
    base_arena_init(&arena, &base_malloc);
    memcpy(row, w->presets, w->slot_count * sizeof *row);
    row[w->fields.items[0].slot] = value_int(3);
    const expr_run run = {.slots = row, .slot_count = w->slot_count};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        value in, out;
        base_buf got;
        const rulebook_checking how = {.partial = cases[i].partial, .resolve = find_unit, .run = &run, .arena = &arena};
        base_buf_init(&got, &base_malloc);
        assert_gov_ok(value_read_json(&arena, cases[i].in, strlen(cases[i].in), &in, &to_err), err);
        if (rulebook_check_fields(&w->fields, in, &how, &out, &to_err) == GOV_OK)
            value_write_document(&got, out);
        else
            base_buf_char(&got, '!');
        for (size_t k = 0; k < gov_error_count(err); k++) {
            base_buf_str(&got, k > 0 ? "," : "");
            base_buf_str(&got, gov_error_code(err, k));
        }
        if (strcmp(got.data, cases[i].out) != 0)
            fail_msg("%s gives %s, not %s", cases[i].in, got.data, cases[i].out);
        base_buf_free(&got);
        (void)forget(NULL);
    }
    base_arena_free(&arena);
    rulebook_free(rb);
}

/* ---- want of memory ---- */

static const char oom_rules[] =
    "rulebook: t\nversion: '1'\ntime_zone: UTC\nvalues: {a: {is: 2 hours, source: s}}\nroles: {r: {when: actor.id == case.n}}\n"
    "sensitivity: {c: {mask: phone, see: [{role: r}]}}\npermissions: {case.open: [r]}\n---\n"
    "calendar: cn\nhours: {mon: ['09:00-12:00']}\nyears: {2026: {off: [2026-01-01]}}\n---\n"
    "workflow: w\nfields: {n: {type: int, min: 1, when: it > 0}, s: {type: string, matches: x}}\n"
    "events: {go: {by: [r], input: {k: {type: int}}}}\n"
    "clocks: {c: {starts: [go], stops: [b], budget: [{when: case.n > 1, is: a}, {is: 1 working day}], marks: {80%: m}}}\n"
    "states: {a: {on: {go: {when: event.data.k > 1, to: b, do: [{set: {n: 1}}, {notify: {to: case.unit, template: x}}]}, m: {}}},"
    " b: {type: final}}\n---\n"
    "template: x\ntext: hi\n---\nindicator: i\nover: {workflow: w}\ncounts: case.n > 1\n---\n"
    "record: resident\nfields: {n: {type: string}}\n---\nschedule: d\nevery: day\ndo: [{open: {workflow: w}}]\n---\n"
    "points: p\nledger: 1\n";

static gov_status oom_load(const gov_allocator *a, void *user)
{
    gov_error *error = NULL;
    const gov_allocator *alloc = a != NULL ? a : &base_malloc;
    const diag d = {alloc, &error};
    rulebook_bundle *b = NULL;
    rulebook *rb = NULL;
    const rulebook_source s = {.path = "r.yaml", .bytes = user, .len = strlen(user)};
    const rulebook_options o = {.host = &test_host, .today = 20000};
    gov_status status = rulebook_bundle_make(alloc, &s, 1, &b, &d);
    if (status == GOV_OK)
        status = rulebook_load(alloc, b, &o, &rb, &d);
    rulebook_free(rb);
    if (status == GOV_E_RULE && strstr(user, "broken") != NULL)
        status = GOV_OK;
    gov_error_free(error);
    return status;
}

static void out_of_memory(void **state)
{
    static char broken[sizeof oom_rules + 64];
    (void)state;
    oom_loop(oom_load, (void *)(uintptr_t)oom_rules);
    (void)snprintf(broken, sizeof broken, "%s---\nbroken: x\n---\nworkflow: v\nstates: {a: {on: {x: y}}}\n", oom_rules);
    oom_loop(oom_load, broken);
}

static gov_status oom_read(const gov_allocator *a, void *user)
{
    gov_error *error = NULL;
    const diag d = {a, &error};
    rulebook_bundle *b = NULL, *again = NULL;
    base_buf text;
    base_buf_init(&text, a);
    gov_status status = rulebook_bundle_read(a, user, NULL, 0, &b, &d);
    if (status == GOV_OK) {
        rulebook_bundle_write(b, &text);
        status = text.failed ? GOV_E_NOMEM : rulebook_bundle_parse(a, text.data, text.len, &again, &d);
    }
    rulebook_bundle_free(b);
    rulebook_bundle_free(again);
    base_buf_free(&text);
    gov_error_free(error);
    return status;
}

static void out_of_memory_reading(void **state)
{
    char path[512];
    (void)state;
    (void)snprintf(path, sizeof path, "%s", support_source("tests/cases/rulebook/manual"));
    oom_loop(oom_read, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(cases_by_folder, forget),
        cmocka_unit_test_teardown(examples_load, forget),
        cmocka_unit_test_teardown(root_of_the_manual, forget),
        cmocka_unit_test_teardown(workflow_of_the_manual, forget),
        cmocka_unit_test_teardown(programs_run_on_slots, forget),
        cmocka_unit_test_teardown(in_asks_the_host, forget),
        cmocka_unit_test_teardown(roles_have_programs, forget),
        cmocka_unit_test_teardown(effects_have_arguments, forget),
        cmocka_unit_test_teardown(sections_are_read, forget),
        cmocka_unit_test_teardown(overlays_replace, forget),
        cmocka_unit_test_teardown(overlays_reach_what_refers_to_them, forget),
        cmocka_unit_test_teardown(digests_follow_meaning, forget),
        cmocka_unit_test_teardown(stored_bundles_open, forget),
        cmocka_unit_test_teardown(damage_is_noticed, forget),
        cmocka_unit_test_teardown(threads_may_share, forget),
        cmocka_unit_test_teardown(files_that_are_not_there, forget),
        cmocka_unit_test_teardown(a_lone_workflow_simulates, forget),
        cmocka_unit_test_teardown(field_values, forget),
        cmocka_unit_test_teardown(out_of_memory, forget),
        cmocka_unit_test_teardown(out_of_memory_reading, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
