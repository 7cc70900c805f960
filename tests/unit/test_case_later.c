/* Effects that end later: a publication for seven days, what may come of it, and what becomes of it when its case ends or moves to other
 * rules. */
#include "support/community.h"
#include "support/faulty.h"

#include <stdio.h>
#include <string.h>

#include "case/family.h"

#define HEAD                                                                                                      \
    "rulebook: notices\nversion: '1'\ntime_zone: Asia/Shanghai\ncalendar: cn\nroles: {desk: {}}\n"                 \
    "permissions: {case.open: [desk], case.read: [desk]}\n---\n"                                                   \
    "calendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\n"                                             \
    "years: {2026: {off: [2026-04-04..2026-04-06]}}\n---\n"                                                        \
    "template: spending\ntext: {zh: 拟支出, en: Proposed spending}\n---\n"

#define FLOW(NAME, VERSION_BITS)                                                                                  \
    "workflow: " NAME "\n"                                                                                        \
    "fields: {amount: {type: money, default: 100}, objections: {type: int, default: 0}, why: {type: string, default: ''}}\n" \
    "events: {call_off: {by: [desk]}, close: {by: [desk]}}\n" VERSION_BITS                                        \
    "states:\n"                                                                                                   \
    "  shown:\n"                                                                                                  \
    "    entry: [{publish: {id: notice, for: 7 days, template: spending, data: {amount: case.amount}}}]\n"        \
    "    on:\n"                                                                                                   \
    "      notice.objection: {do: [{set: {objections: event.data.count, why: event.data.text}}]}\n"               \
    "      notice.done: [{when: event.data.objections == 0, to: settled}, {to: heard}]\n"                         \
    "      notice.failed: {to: off, do: [{set: {why: event.data.reason}}]}\n"                                     \
    "      call_off: {to: waiting, do: [{cancel: notice}]}\n"                                                     \
    "      close: off\n"                                                                                          \
    "  waiting: {on: {close: off, call_off: shown}}\n"                                                            \
    "  settled: {type: final, outcome: settled}\n"                                                                \
    "  heard: {type: final, outcome: heard}\n"                                                                    \
    "  off: {type: final, outcome: off}\n"

static const char spending[] = HEAD FLOW("spend", "");

/* ---- operations, and what rooms call themselves ---- */

static gov_value *call(community *c, const char *operation, const char *json, gov_status want)
{
    gov_error *err = NULL;
    gov_value *in = community_json(json), *out = NULL;
    assert_gov(want, gov_operation_run(c->g, operation, in, NULL, &out, &err), err);
    gov_error_free(err);
    gov_value_free(in);
    return out;
}

static gov_value *publications(community *c, bool all)
{
    return call(c, "case.publications", all ? "{'all': true, 'objections': true}" : "{}", GOV_OK);
}

static size_t count_open(community *c)
{
    gov_value *v = publications(c, false);
    const size_t n = gov_value_count(gov_value_get(v, "publications"));
    gov_value_free(v);
    return n;
}

static int64_t only_publication(community *c)
{
    gov_value *v = publications(c, false);
    assert_int_equal(gov_value_count(gov_value_get(v, "publications")), 1);
    const int64_t id = gov_value_int(gov_value_find(v, "publications.0.id"));
    gov_value_free(v);
    return id;
}

static gov_value *about(community *c, const char *operation, int64_t publication, const char *rest, gov_status want)
{
    char json[256];
    (void)snprintf(json, sizeof json, "{'publication': %lld, %s}", (long long)publication, rest);
    return call(c, operation, json, want);
}

typedef struct ending {
    int64_t case_id;
    const char *report;
} ending;

static gov_status end_body(gov *g, void *user, const diag *d)
{
    const ending *e = user;
    return case_effect_end(g, e->case_id, "notice", e->report, value_map(NULL, 0), d);
}

static gov_status end(community *c, int64_t id, const char *report)
{
    static const access_call as_host = {ACCESS_HOST_ONLY, true};
    gov_error *err = NULL;
    const gov_status status = access_run(c->g, &as_host, end_body, &(ending){id, report}, &err);
    gov_error_free(err);
    return status;
}

static void text_of(community *c, int64_t id, const char *path, const char *want)
{
    gov_value *v = NULL;
    gov_error *err = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    assert_text_at(v, path, want);
    gov_value_free(v);
}

/* Seven days from 2 March 2026, 09:00, end with the 9th. */
enum { TO_THE_CLOSE = 7 * 24 * 60 + 14 * 60 + 59 };

static void a_publication_ends_after_its_days(void **state)
{
    community c = community_make(support_store_of(state), spending, NULL);
    gov_error *err = NULL;
    const int64_t id = community_open(&c, "spend", "{'amount': 4200}");
    gov_value *v = publications(&c, false);
    assert_int_equal(gov_value_count(gov_value_get(v, "publications")), 1);
    assert_text_at(v, "publications.0.text.zh", "拟支出");
    assert_int_equal(gov_value_int(gov_value_find(v, "publications.0.data.amount")), 4200);
    assert_int_equal(gov_value_int(gov_value_find(v, "publications.0.case")), id);
    gov_value_free(v);
    assert_gov_ok(gov_case_explain(c.g, id, &v, &err), err);
    assert_text_at(v, "effects.0.id", "notice");
    assert_text_at(v, "effects.0.effect", "publish");
    assert_int_equal(gov_value_seconds(gov_value_find(v, "effects.0.due"), NULL), 1773072000); /* 2026-03-10T00:00+08:00 */
    gov_value_free(v);
    community_advance(&c, TO_THE_CLOSE);
    assert_state(&c, id, "shown");
    community_advance(&c, 2);
    assert_state(&c, id, "settled");
    assert_int_equal(count_open(&c), 0);
    v = publications(&c, true);
    assert_text_at(v, "publications.0.how", "done");
    gov_value_free(v);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

static void an_objection_is_an_event_of_its_own(void **state)
{
    community c = community_make(support_store_of(state), spending, NULL);
    gov_error *err = NULL;
    const int64_t id = community_open(&c, "spend", "{}");
    const int64_t notice = only_publication(&c);
    gov_value_free(about(&c, "case.object", notice, "'text': '太贵'", GOV_OK));
    gov_value *v = about(&c, "case.object", notice, "'text': '没有必要'", GOV_OK);
    assert_int_equal(gov_value_int(gov_value_get(v, "objections")), 2);
    gov_value_free(v);
    community_advance(&c, 1);
    assert_state(&c, id, "shown");
    text_of(&c, id, "fields.why", "没有必要");
    /* Too late, though nobody has told the case yet. */
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(8) * 24 * 3600 * 1000000, &err), err);
    about(&c, "case.object", notice, "'text': '晚了'", GOV_E_REFUSED);
    community_advance(&c, 1);
    assert_state(&c, id, "heard");
    about(&c, "case.object", notice, "'text': '晚了'", GOV_E_REFUSED);
    about(&c, "case.object", 5, "'text': '没有'", GOV_E_NOT_FOUND);
    v = publications(&c, true);
    assert_int_equal(gov_value_int(gov_value_find(v, "publications.0.objections")), 2);
    assert_text_at(v, "publications.0.said.0.text", "太贵");
    gov_value_free(v);
    community_free(&c);
}

static void what_is_withdrawn_has_failed(void **state)
{
    community c = community_make(support_store_of(state), spending, NULL);
    const int64_t id = community_open(&c, "spend", "{}");
    const int64_t notice = only_publication(&c);
    gov_value_free(about(&c, "case.withdraw", notice, "'reason': '金额有误'", GOV_OK));
    about(&c, "case.withdraw", notice, "'reason': '金额有误'", GOV_E_REFUSED);
    community_advance(&c, 1);
    assert_state(&c, id, "off");
    text_of(&c, id, "fields.why", "金额有误");
    community_free(&c);
}

/* Called off, it reports nothing; begun again, it is another one. */
static void cancel_calls_it_off(void **state)
{
    community c = community_make(support_store_of(state), spending, NULL);
    const int64_t id = community_open(&c, "spend", "{}");
    const int64_t first = only_publication(&c);
    community_send(&c, id, "call_off", NULL, GOV_OK);
    gov_value *v = publications(&c, true);
    assert_text_at(v, "publications.0.how", "cancelled");
    gov_value_free(v);
    community_advance(&c, 2 * TO_THE_CLOSE);
    assert_state(&c, id, "waiting");
    community_send(&c, id, "call_off", NULL, GOV_OK);
    assert_state(&c, id, "shown");
    assert_int_not_equal(only_publication(&c), first);
    /* An end of the case is an end of what is under way. */
    community_send(&c, id, "close", NULL, GOV_OK);
    assert_int_equal(count_open(&c), 0);
    assert_int_equal(end(&c, id, "done"), GOV_E_NOT_FOUND);
    community_free(&c);
}

static void nobody_else_reports(void **state)
{
    community c = community_make(support_store_of(state), spending, NULL);
    const int64_t id = community_open(&c, "spend", "{}");
    community_send(&c, id, "notice.done", NULL, GOV_E_NOT_FOUND);
    assert_int_equal(end(&c, id, "over"), GOV_E_BUG);
    assert_state(&c, id, "shown");
    community_free(&c);
}

/* The step that fails takes back what it began. */
static void one_of_an_id_at_a_time(void **state)
{
    static const char twice[] = HEAD
        "workflow: spend\nevents: {again: {by: [desk]}}\nstates:\n"
        "  shown:\n    entry: [{publish: {id: notice, for: 2 hours, text: {zh: 公示}}}]\n"
        "    on: {again: {do: [{publish: {id: notice, for: 2 hours, text: 再公示}}]}, notice.done: over}\n"
        "  over: {type: final}\n";
    community c = community_make(support_store_of(state), twice, NULL);
    const int64_t id = community_open(&c, "spend", "{}");
    const int64_t first = only_publication(&c);
    community_send(&c, id, "again", NULL, GOV_E_REFUSED);
    assert_int_equal(only_publication(&c), first);
    community_advance(&c, 121);
    assert_state(&c, id, "over");
    community_free(&c);
}

/* ---- other rules ---- */

static gov_value *migrate(community *c, const char *text)
{
    gov_rulebook *rules = community_rulebook(text);
    gov_error *err = NULL;
    gov_value *report = NULL;
    assert_gov_ok(gov_migrate(c->g, rules, 0, &report, &err), err);
    gov_rulebook_free(rules);
    return report;
}

static void migration_keeps_what_the_new_rules_begin_too(void **state)
{
    static const char next[] = HEAD FLOW("spend", "migrate: {from: '1'}\n# the second\n");
    static const char other[] = HEAD
        "workflow: spend\nfields: {amount: {type: money, default: 100}, objections: {type: int, default: 0}, why: {type: string, default: ''}}\n"
        "events: {close: {by: [desk]}}\nmigrate: {from: '1', states: {waiting: shown, settled: off, heard: off}}\n"
        "states: {shown: {on: {close: off}}, off: {type: final, outcome: off}}\n";
    community c = community_make(support_store_of(state), spending, NULL);
    const int64_t id = community_open(&c, "spend", "{}");
    gov_value *v = migrate(&c, next);
    assert_int_equal(gov_value_int(gov_value_find(v, "migrated")), 1);
    gov_value_free(v);
    v = migrate(&c, other);
    assert_int_equal(gov_value_int(gov_value_find(v, "refused")), 1);
    gov_value_free(v);
    community_advance(&c, TO_THE_CLOSE + 2);
    assert_state(&c, id, "settled");
    community_free(&c);
}

/* Past cases under rules that publish for fourteen days, and hear nobody: objections come as they came, the end comes later. */
static void a_rehearsal_counts_the_objections_again(void **state)
{
    static const char longer[] = HEAD
        "workflow: spend\nfields: {amount: {type: money, default: 100}, objections: {type: int, default: 0}, why: {type: string, default: ''}}\n"
        "states:\n  shown:\n    entry: [{publish: {id: notice, for: 14 days, template: spending}}]\n"
        "    on: {notice.done: [{when: event.data.objections < 2, to: settled}, {to: heard}]}\n"
        "  settled: {type: final, outcome: settled}\n  heard: {type: final, outcome: heard}\n";
    community c = community_make(support_store_of(state), spending, NULL);
    gov_error *err = NULL;
    gov_value *report = NULL;
    const int64_t id = community_open(&c, "spend", "{}");
    gov_value_free(about(&c, "case.object", only_publication(&c), "'text': '太贵'", GOV_OK));
    community_advance(&c, 16 * 24 * 60);
    assert_state(&c, id, "heard");
    gov_rulebook *rules = community_rulebook(longer);
    assert_gov_ok(gov_migrate(c.g, rules, GOV_MIGRATE_DRY_RUN, &report, &err), err);
    assert_int_equal(gov_value_count(gov_value_find(report, "past.unsure")), 0);
    assert_text_at(report, "past.otherwise.0.was.outcome", "heard");
    assert_text_at(report, "past.otherwise.0.would.outcome", "settled");
    gov_value_free(report);
    gov_rulebook_free(rules);
    community_free(&c);
}

/* Without a store the effect is noted, and the tester says how it ends. */
static void in_a_simulation_the_tester_reports(void **state)
{
    (void)state;
    static const char *const lines[] = {NULL, "{\"event\":\"notice.objection\",\"data\":{\"map\":[[\"count\",1],[\"text\",\"x\"]]}}",
                                        "{\"event\":\"notice.done\",\"data\":{\"map\":[[\"objections\",1]]}}"};
    static const char *const want[] = {"\"publish\":{\"id\":\"notice\",\"for\":\"7 days\"", "[\"shown\"]", "[\"heard\"]"};
    char path[512], *dir = support_tmpdir();
    gov_simulation *s = NULL;
    gov_error *err = NULL;
    support_write(support_path(path, dir, "rulebook.yaml"), spending, strlen(spending));
    assert_gov_ok(gov_simulation_open(NULL, path, NULL, NULL, &s, &err), err);
    gov_error_free(err);
    err = NULL;
    for (size_t i = 0; i < 3; i++) {
        char *out = NULL;
        assert_gov_ok(gov_simulation_line(s, lines[i], lines[i] != NULL ? strlen(lines[i]) : 0, &out, NULL, &err), err);
        if (strstr(out, want[i]) == NULL)
            fail_msg("%s", out);
        gov_text_free(out);
    }
    gov_simulation_free(s);
    support_rmdir(dir);
}

/* ---- without memory ---- */

/* Everything that a publication goes through, undone at the end: each time the same. */
static gov_status publish_in_want(const gov_allocator *alloc, void *user)
{
    gov_options o;
    gov_store *home = NULL;
    gov *g = NULL;
    gov_error *err = NULL;
    gov_value *in = NULL, *out = NULL;
    int64_t id = 0;
    gov_options_init(&o, sizeof o);
    o.alloc = alloc;
    gov_status status = gov_store_open(user, &o, &home, &err);
    if (status == GOV_OK)
        status = gov_attach(home, NULL, &g, &err);
    if (status == GOV_OK)
        status = gov_act_as_host(g, "test", &err);
    if (status == GOV_OK)
        status = gov_set_now(g, COMMUNITY_START, &err);
    if (status == GOV_OK)
        status = gov_begin(g, &err);
    const bool began = status == GOV_OK;
    if (status == GOV_OK)
        status = gov_case_open(g, "spend", NULL, NULL, &id, &err);
    if (status == GOV_OK && (in = gov_value_new_map(alloc)) == NULL)
        status = GOV_E_NOMEM;
    if (status == GOV_OK)
        status = gov_value_set_int(in, "case", id);
    if (status == GOV_OK)
        status = gov_value_set_string(in, "id", "notice");
    if (status == GOV_OK)
        status = gov_value_set_string(in, "text", "no");
    if (status == GOV_OK)
        status = gov_operation_run(g, "case.object", in, NULL, NULL, &err);
    if (status == GOV_OK)
        status = gov_operation_run(g, "case.publications", NULL, NULL, &out, &err);
    gov_value_free(out);
    out = NULL;
    if (status == GOV_OK)
        status = gov_case_explain(g, id, &out, &err);
    if (status == GOV_OK)
        status = gov_set_now(g, COMMUNITY_START + INT64_C(9) * 86400 * 1000000, &err);
    if (status == GOV_OK)
        status = gov_tick(g, 0, NULL, &err);
    if (began) {
        gov_error *undone = NULL;
        (void)gov_rollback(g, &undone);
        gov_error_free(undone);
    }
    gov_value_free(in);
    gov_value_free(out);
    gov_free(g);
    gov_store_free(home);
    gov_error_free(err);
    return status;
}

static void publishing_without_memory(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, spending, NULL);
    community_free(&c);
    oom_loop(publish_in_want, (void *)(uintptr_t)s->url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_publication_ends_after_its_days),
        STORE_TESTS(an_objection_is_an_event_of_its_own),
        STORE_TESTS(what_is_withdrawn_has_failed),
        STORE_TESTS(cancel_calls_it_off),
        STORE_TESTS(nobody_else_reports),
        STORE_TESTS(one_of_an_id_at_a_time),
        STORE_TESTS(migration_keeps_what_the_new_rules_begin_too),
        STORE_TESTS(a_rehearsal_counts_the_objections_again),
        cmocka_unit_test(in_a_simulation_the_tester_reports),
        STORE_TEST(publishing_without_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
