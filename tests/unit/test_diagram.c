/* Drawings of workflows: what they say, in which language, what is refused. That nothing lies on anything else in the pictures is
 * looked at by tests/checks/diagram.py. */
#include "support/faulty.h"
#include "support/oom_malloc.h"
#include "support/support.h"

#include <gov.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char head[] =
    "rulebook: t\nversion: \"1\"\nlanguages: [zh, en]\ntime_zone: Asia/Shanghai\n"
    "values: {soon: {is: 2 hours, source: here}}\nroles: {clerk: {title: {zh: 办事员, en: Clerk}}}\n---\n";

static const char lamp[] =
    "workflow: lamp\n"
    "title: {zh: 路灯 <甲> & \"乙\", en: Lamp}\n"
    "fields: {n: {title: {zh: 次数, en: Times}, type: int, default: 0}}\n"
    "events:\n"
    "  go: {title: {zh: 派单, en: Dispatch}, by: [clerk]}\n"
    "  rule: {title: {zh: 裁定, en: Rule}, by: [clerk], input: {granted: {type: bool, required: true}}}\n"
    "clocks:\n"
    "  repair:\n"
    "    title: {zh: 维修时限, en: Repair}\n"
    "    starts: [go]\n"
    "    stops: [done]\n"
    "    budget: 3 days\n"
    "    paused_in: [work.asked]\n"
    "    marks: {80%: warn}\n"
    "on: {warn: {do: [{set: {n: case.n + 1}}]}}\n"
    "states:\n"
    "  open:\n"
    "    title: {zh: 已报, en: Reported}\n"
    "    on: {go: work}\n"
    "    after: {delay: values.soon, do: [{set: {n: 9}}]}\n"
    "  work:\n"
    "    title: {zh: 维修, en: Repairing}\n"
    "    states:\n"
    "      doing: {on: {go: asked}, after: {at: clocks.repair.due, to: done}}\n"
    "      asked: {on: {rule: [{when: event.data.granted, to: doing}, {to: done}]}}\n"
    "  done: {title: {zh: 修好, en: Repaired}, type: final}\n";

static gov_rulebook *load(const gov_allocator *alloc, const char *text)
{
    char path[512], *folder = support_tmpdir();
    gov_rulebook *r = NULL;
    gov_error *err = NULL;
    char *all = malloc(strlen(head) + strlen(text) + 1);
    strcpy(all, head);
    strcat(all, text);
    support_path(path, folder, "rulebook.yaml");
    support_write(path, all, strlen(all));
    free(all);
    assert_gov_ok(gov_rulebook_load(alloc, path, 0, &r, &err), err);
    gov_error_free(err);
    support_rmdir(folder);
    return r;
}

static char *draw(const gov_rulebook *r, const char *workflow, const char *format, const char *lang)
{
    char *text = NULL;
    size_t len = 0;
    gov_error *err = NULL;
    assert_gov_ok(gov_rulebook_diagram(r, workflow, format, lang, &text, &len, &err), err);
    assert_int_equal(strlen(text), len);
    return text;
}

static void shows(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("not there: %s\nin: %s", part, text);
}

static void shows_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("there: %s\nin: %s", part, text);
}

static size_t times(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = strstr(text, part); p != NULL; p = strstr(p + 1, part))
        n++;
    return n;
}

static void svg_says_what_the_rules_say(void **state)
{
    (void)state;
    gov_rulebook *r = load(NULL, lamp);
    char *zh = draw(r, "lamp", "svg", NULL), *en = draw(r, "lamp", "svg", "en"), *again = draw(r, "lamp", "svg", "zh");
    assert_string_equal(zh, again); /* the rulebook's first language, and the same bytes */
    shows(zh, "<title>路灯 &lt;甲&gt; &amp; &quot;乙&quot;</title>");
    shows(zh, ">派单<");
    shows(zh, ">2 小时后 / 记 次数<"); /* inside the state: it has no target */
    shows(zh, ">维修时限到期时<");
    shows(zh, ">[否则]<");
    shows(zh, "（由 办事员）");
    shows(zh, ">80% → warn<");
    shows(zh, ">3 天<");
    shows(en, ">after 2 hours / set Times<");
    shows(en, ">when due: Repair<");
    shows(en, ">At any time<");
    shows(en, ">[otherwise]<");
    shows(en, ">[event.data.granted]<");
    shows_not(en, "\xE7"); /* no Chinese in an English picture */
    gov_text_free(zh);
    gov_text_free(en);
    gov_text_free(again);
    gov_rulebook_free(r);
}

/* The clock runs while the lamp is repaired, waits while it is asked, and stands still before and after. */
static void svg_shows_where_clocks_run(void **state)
{
    (void)state;
    gov_rulebook *r = load(NULL, lamp);
    char *svg = draw(r, "lamp", "svg", "en");
    const char *runs = "r=\"6.8\" fill=\"#c2410c\"", *waits = "r=\"6\" fill=\"#fff\" stroke=\"#c2410c\"";
    assert_int_equal(times(svg, runs), 1 + 2);  /* in `doing`; on its card and among the signs */
    assert_int_equal(times(svg, waits), 1 + 1); /* in `asked`; among the signs */
    gov_text_free(svg);
    gov_rulebook_free(r);
}

/* Only what is in the picture stands among its signs. */
static void svg_explains_no_pause_where_none_is(void **state)
{
    static const char pause[] = "    paused_in: [work.asked]\n";
    char text[sizeof lamp];
    const char *at = strstr(lamp, pause);
    (void)state;
    (void)snprintf(text, sizeof text, "%.*s%s", (int)(at - lamp), lamp, at + strlen(pause));
    gov_rulebook *r = load(NULL, text);
    char *svg = draw(r, "lamp", "svg", "en");
    assert_int_equal(times(svg, "r=\"6\" fill=\"#fff\" stroke=\"#c2410c\""), 0);
    gov_text_free(svg);
    gov_rulebook_free(r);
}

/* What time does and what people do are two arrows, though they lead from one state to the same other one; the sign of a timer's
 * arrow stands below the picture only where there is one. */
static void svg_keeps_time_and_events_apart(void **state)
{
    static const char lift[] =
        "workflow: lift\nfields: {n: {type: int, default: 0}}\n"
        "events: {go: {by: [clerk], title: {zh: 报修, en: Report}}, stop: {by: [clerk], input: {of: {type: case, required: true}}}}\n"
        "states:\n"
        "  a: {on: {go: {when: case.n < 3, to: b}}, after: {delay: 2 hours, to: b}}\n"
        "  b: {on: {stop: {to: c, do: [{merge: {into: event.data.of}}]}}}\n"
        "  c: {type: final}\n";
    static const char still[] =
        "workflow: still\nfields: {n: {type: int, default: 0}}\nevents: {go: {by: [clerk]}}\n"
        "states: {a: {on: {go: b}, after: {delay: 2 hours, do: [{set: {n: case.n + 1}}]}}, b: {type: final}}\n";
    (void)state;
    gov_rulebook *r = load(NULL, lift);
    char *svg = draw(r, "lift", "svg", "en"), *zh = draw(r, "lift", "svg", "zh");
    shows(svg, "<title>a → b\nReport [case.n &lt; 3] (by Clerk)</title><path class=\"e\"");
    shows(svg, "<title>a → b\nafter 2 hours</title><path class=\"e timed\"");
    assert_int_equal(times(svg, "class=\"e timed\""), 1 + 1); /* the arrow, and its sign */
    shows(zh, ">/ 合并 到另一工单<");
    shows_not(zh, "merge");
    gov_text_free(svg);
    gov_text_free(zh);
    gov_rulebook_free(r);
    r = load(NULL, still);
    svg = draw(r, "still", "svg", "en");
    shows(svg, ">after 2 hours / set n<");
    assert_int_equal(times(svg, "timed\""), 0);
    shows_not(svg, "by itself");
    gov_text_free(svg);
    gov_rulebook_free(r);
}

static void mermaid_and_dot(void **state)
{
    (void)state;
    gov_rulebook *r = load(NULL, lamp);
    char *mermaid = draw(r, "lamp", NULL, "en"), *dot = draw(r, "lamp", "dot", "en");
    assert_true(strstr(mermaid, "---\ntitle: \"Lamp\"\n---\nstateDiagram-v2\n") == mermaid);
    shows(mermaid, "state \"Repairing (work)\" as s2_work\n");
    shows(mermaid, "    state s2_work {\n");
    shows(mermaid, "[*] --> s1_open\n");
    shows(mermaid, "s1_open --> s2_work : Dispatch\n");
    shows(mermaid, "s4_work_asked --> s5_done : Rule [otherwise]\n");
    shows(mermaid, "s5_done --> [*]\n");
    shows(mermaid, "note right of s1_open\n        after 2 hours / set Times\n    end note\n");
    shows(dot, "subgraph \"cluster_work\" {");
    shows(dot, "\"open\" -> \"work.doing\" [label=\"Dispatch\", lhead=\"cluster_work\"];");
    shows(dot, "\"work.asked\" -> \"work.doing\" [label=\"Rule [event.data.granted]\"];");
    shows(dot, "\"done\" [label=\"Repaired\\ndone\", style=\"rounded\", peripheries=2];");
    gov_text_free(mermaid);
    gov_text_free(dot);
    gov_rulebook_free(r);
}

static void refuses(gov_status want, const char *code, const gov_rulebook *r, const char *workflow, const char *format)
{
    gov_error *err = NULL;
    char *text = NULL;
    assert_gov(want, gov_rulebook_diagram(r, workflow, format, NULL, &text, NULL, &err), err);
    assert_diag(err, 0, code, -1, -1);
    assert_null(text);
    gov_error_free(err);
}

static void misuse_is_refused(void **state)
{
    (void)state;
    gov_rulebook *r = load(NULL, lamp);
    gov_error *err = NULL;
    char *text = NULL;
    assert_gov(GOV_E_NOT_FOUND, gov_rulebook_diagram(r, "lapm", "svg", NULL, &text, NULL, &err), err);
    shows(gov_error_message(err, 0, "en"), "did you mean \"lamp\"");
    gov_error_free(err);
    refuses(GOV_E_NOT_FOUND, "workflow_unknown", r, "lapm", "svg");
    refuses(GOV_E_ARG, "diagram_format", r, "lamp", "png");
    refuses(GOV_E_ARG, "bad_argument", NULL, "lamp", "svg");
    refuses(GOV_E_ARG, "bad_argument", r, NULL, "svg");
    err = NULL;
    assert_gov(GOV_E_ARG, gov_rulebook_diagram(r, "lamp", "svg", NULL, NULL, NULL, &err), err);
    gov_error_free(err);
    gov_rulebook_free(r);
}

/* A chart of n states in a row, every seventh with a way back. */
static char *row(int n)
{
    char *text = malloc((size_t)n * 64 + 128), *at = text;
    at += sprintf(at, "workflow: row\nevents: {go: {by: [clerk]}, back: {by: [clerk]}}\nstates:\n");
    for (int i = 0; i + 1 < n; i++) {
        at += sprintf(at, "  s%d: {on: {go: s%d", i, i + 1);
        at += i % 7 == 6 ? sprintf(at, ", back: s%d}}\n", i - 5) : sprintf(at, "}}\n");
    }
    sprintf(at, "  s%d: {type: final}\n", n - 1);
    return text;
}

static void what_is_too_large_is_text_only(void **state)
{
    (void)state;
    char *large = row(700), *most = row(599), *text = NULL;
    gov_rulebook *r = load(NULL, large), *fits = load(NULL, most);
    gov_error *err = NULL;
    assert_gov(GOV_E_LIMIT, gov_rulebook_diagram(r, "row", "svg", NULL, &text, NULL, &err), err);
    assert_diag(err, 0, "diagram_too_large", 8, 1);
    gov_error_free(err);
    text = draw(r, "row", "dot", NULL);
    shows(text, "\"s698\" -> \"s699\"");
    gov_text_free(text);
    text = draw(fits, "row", "svg", NULL);
    shows(text, "<title>s597 → s598\ngo");
    gov_text_free(text);
    gov_rulebook_free(r);
    gov_rulebook_free(fits);
    free(large);
    free(most);
}

static gov_status draws_without_memory(const gov_allocator *alloc, void *user)
{
    const char *folder = user;
    char path[512], *text = NULL;
    gov_rulebook *r = NULL;
    gov_error *err = NULL;
    support_path(path, folder, "rulebook.yaml");
    gov_status status = gov_rulebook_load(alloc, path, 0, &r, &err);
    for (int i = 0; i < 3 && status == GOV_OK; i++) {
        static const char *const formats[] = {"svg", "mermaid", "dot"};
        status = gov_rulebook_diagram(r, "lamp", formats[i], "zh", &text, NULL, &err);
        gov_text_free(text);
        text = NULL;
    }
    gov_error_free(err);
    gov_rulebook_free(r);
    return status;
}

static void no_memory(void **state)
{
    (void)state;
    char path[512], *folder = support_tmpdir(), text[sizeof head + sizeof lamp];
    strcpy(text, head);
    strcat(text, lamp);
    support_path(path, folder, "rulebook.yaml");
    support_write(path, text, strlen(text));
    oom_loop(draws_without_memory, folder);
    if (oom_malloc_available())
        oom_loop_malloc(draws_without_memory, folder, OOM_ANY_ERROR | OOM_KEEPS);
    support_rmdir(folder);
}

/* What is active all at once looks otherwise than what follows one another, be the regions plain states or not. */
static void regions_are_dashed(void **state)
{
    static const char text[] = "workflow: joint\nevents: {go: {by: [clerk]}, x: {by: [clerk]}}\nstates:\n  open: {on: {go: %s}}\n"
                               "  both: {%s, on: {x: fin}, states: {police: {}, urban: {states: {a: {}}}}}\n  fin: {type: final}\n";
    char rules[512];
    (void)state;
    for (int parallel = 0; parallel < 2; parallel++) {
        (void)snprintf(rules, sizeof rules, text, "both", parallel ? "type: parallel" : "initial: police");
        gov_rulebook *r = load(NULL, rules);
        char *svg = draw(r, "joint", "svg", "en"), *dot = draw(r, "joint", "dot", "en");
        assert_int_equal(times(svg, "<rect class=\"state region\""), parallel ? 1 : 0);
        assert_int_equal(times(svg, "<rect class=\"box in1 region\""), parallel ? 1 : 0);
        assert_int_equal(times(svg, "regions: all at once"), parallel ? 1 : 0);
        assert_int_equal(times(dot, "\"both.police\" [label=\"police\", style=\"rounded,dashed\"]"), parallel ? 1 : 0);
        gov_text_free(svg);
        gov_text_free(dot);
        gov_rulebook_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(svg_says_what_the_rules_say), cmocka_unit_test(svg_shows_where_clocks_run),
        cmocka_unit_test(svg_keeps_time_and_events_apart),
        cmocka_unit_test(svg_explains_no_pause_where_none_is),
        cmocka_unit_test(regions_are_dashed), cmocka_unit_test(mermaid_and_dot),             cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(what_is_too_large_is_text_only), cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
