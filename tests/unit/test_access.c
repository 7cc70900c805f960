/* The gate from the outside: who may do what, groups of calls, looks, options of other sizes. */
#include "support/community.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char rules[] =
    "rulebook: gate\n"
    "version: '1'\n"
    "time_zone: Asia/Shanghai\n"
    "roles:\n"
    "  clerk: {}\n"
    "  reader: {}\n"
    "  auditor: {}\n"
    "  writer: {}\n"
    "  opener: {}\n"
    "  assignee: {scope: assignee}\n"
    "  unit: {scope: unit}\n"
    "  grid: {scope: grid}\n"
    "  reporter: {scope: reporter}\n"
    "  witness: {when: \"actor.id != null && actor.id == case.witness\"}\n"
    "permissions:\n"
    "  case.open: [opener, clerk]\n"
    "  case.read: [reader, clerk, assignee, unit, grid, reporter, witness]\n"
    "  record.read: [reader]\n"
    "  record.write: [writer]\n"
    "  journal.read: [auditor]\n"
    "sensitivity:\n"
    "  contact: {mask: phone, see: [{role: clerk, purpose: call}, {role: assignee}]}\n"
    "---\n"
    "workflow: matter\n"
    "fields:\n"
    "  phone: {type: string, sensitive: contact}\n"
    "  second: {type: string, sensitive: contact}\n"
    "  witness: {type: resident}\n"
    "  place: {type: string}\n"
    "events:\n"
    "  give: {by: [clerk], input: {staff: {type: staff}, unit: {type: unit}, grid: {type: grid}, hint: {type: string, sensitive: contact}}}\n"
    "  by_assignee: {by: [assignee]}\n"
    "  by_unit: {by: [unit]}\n"
    "  by_grid: {by: [grid]}\n"
    "  by_reporter: {by: [reporter]}\n"
    "  by_witness: {by: [witness]}\n"
    "  by_nobody: {by: []}\n"
    "  tell: {by: [clerk]}\n"
    "  end: {by: [clerk]}\n"
    "states:\n"
    "  here:\n"
    "    on:\n"
    "      give:\n"
    "        - {when: has(event.data.staff), do: [{assign: {staff: event.data.staff}}]}\n"
    "        - {when: has(event.data.unit), do: [{assign: {unit: event.data.unit}}]}\n"
    "        - {when: has(event.data.grid), do: [{assign: {grid: event.data.grid}}]}\n"
    "        - {do: [{log: hint}]}\n"
    "      by_assignee by_unit by_grid by_reporter by_witness by_nobody: {do: [{log: done}]}\n"
    "      tell: {do: [{notify: {to: \"'desk'\", template: hello, data: {phone: case.phone, place: case.place}}}]}\n"
    "      end: gone\n"
    "  gone: {type: final}\n"
    "---\n"
    "template: hello\n"
    "text: {zh: 您好}\n";

/* ---- helpers ---- */

static void act(community *c, const char *staff, const char *purpose)
{
    gov_error *err = NULL;
    if (staff == NULL)
        assert_gov_ok(gov_act_as_host(c->g, purpose, &err), err);
    else
        assert_gov_ok(gov_act_as(c->g, staff, purpose, &err), err);
}

static void act_resident(community *c, const char *resident)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_act_as_resident(c->g, resident, "own", &err), err);
}

static void staff(community *c, const char *key, const char *role, const char *more)
{
    char json[200];
    (void)snprintf(json, sizeof json, "{'name': '%s', 'roles': ['%s']%s}", key, role, more);
    community_put(c, "staff", key, json);
}

static community people(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    community_put(&c, "unit", "U1", "{'name': '物业'}");
    community_put(&c, "grid", "A", "{'name': '甲'}");
    community_put(&c, "grid", "A1", "{'name': '甲一', 'parent': 'A'}");
    community_put(&c, "grid", "B", "{'name': '乙'}");
    staff(&c, "clerk", "clerk", "");
    staff(&c, "reader", "reader", "");
    staff(&c, "auditor", "auditor", "");
    staff(&c, "writer", "writer", "");
    staff(&c, "opener", "opener", "");
    staff(&c, "ann", "assignee", "");
    staff(&c, "una", "unit", ", 'unit': 'U1'");
    staff(&c, "gao", "grid", ", 'grids': ['A']");
    community_put(&c, "staff", "bare", "{'name': '无'}");
    community_put(&c, "resident", "R1", "{'name': '周'}");
    community_put(&c, "resident", "R2", "{'name': '吴'}");
    return c;
}

#define TRY(call, want)                    \
    do {                                   \
        gov_error *e = NULL;               \
        assert_gov((want), (call), e);     \
        gov_error_free(e);                 \
    } while (0)

static gov_value *journal_of(community *c)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_journal_read(c->g, 0, 1000, &v, &err), err);
    return v;
}

static size_t count_kind(community *c, const char *kind)
{
    act(c, NULL, "count");
    gov_value *v = journal_of(c);
    const gov_value *list = gov_value_get(v, "entries");
    size_t n = 0;
    for (size_t i = 0; i < gov_value_count(list); i++)
        n += strcmp(gov_value_string(gov_value_get(gov_value_at(list, i), "kind"), NULL), kind) == 0;
    gov_value_free(v);
    return n;
}

static gov_value *get(community *c, int64_t id)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    return v;
}

/* ---- permissions ---- */

static gov_status try_open(gov *g, gov_error **e)
{
    return gov_case_open(g, "matter", NULL, NULL, NULL, e);
}

static gov_status try_find(gov *g, gov_error **e)
{
    int64_t id;
    return gov_case_find(g, NULL, "2026-000001", &id, e);
}

static gov_status try_list(gov *g, gov_error **e)
{
    gov_value *v = NULL;
    const gov_status status = gov_case_list(g, NULL, &v, e);
    gov_value_free(v);
    return status;
}

static gov_status try_record(gov *g, gov_error **e)
{
    gov_value *v = NULL;
    const gov_status status = gov_record_get(g, "unit", "U1", &v, e);
    gov_value_free(v);
    return status;
}

static gov_status try_records(gov *g, gov_error **e)
{
    gov_value *v = NULL;
    const gov_status status = gov_record_list(g, "unit", NULL, &v, e);
    gov_value_free(v);
    return status;
}

static gov_status try_locate(gov *g, gov_error **e)
{
    int64_t id;
    return gov_locate(g, &(gov_point){0, 0}, 1, &id, e);
}

static gov_status try_put(gov *g, gov_error **e)
{
    gov_value *v = community_json("{'name': '物业'}");
    const gov_status status = gov_record_put(g, "unit", "U1", v, NULL, e);
    gov_value_free(v);
    return status;
}

static gov_status try_journal(gov *g, gov_error **e)
{
    gov_value *v = NULL;
    const gov_status status = gov_journal_read(g, 0, 1, &v, e);
    gov_value_free(v);
    return status;
}

static gov_status try_verify(gov *g, gov_error **e)
{
    return gov_verify(g, NULL, NULL, NULL, e);
}

static gov_status try_export(gov *g, gov_error **e)
{
    char path[512];
    char *dir = support_tmpdir(); /* its own: other runs of the tests may be under way */
    const gov_status status = gov_journal_export(g, support_path(path, dir, "journal"), NULL, e);
    support_rmdir(dir);
    return status;
}

static gov_status try_tick(gov *g, gov_error **e)
{
    return gov_tick(g, 0, NULL, e);
}

static gov_status try_about(gov *g, gov_error **e)
{
    gov_value *v = NULL;
    const gov_status status = gov_about(g, &v, e);
    gov_value_free(v);
    return status;
}

static gov_rulebook *installed; /* for try_install */

static gov_status try_install(gov *g, gov_error **e)
{
    return gov_install(g, installed, e);
}

/* Each permission belongs to exactly the roles that the rulebook names; to others everything is denied. */
static void everything_is_denied_by_default(void **state)
{
    static const struct {
        gov_status (*call)(gov *g, gov_error **e);
        const char *may[4];
    } calls[] = {
        {try_open, {"opener", "clerk"}},
        {try_find, {"reader", "clerk"}},
        {try_list, {NULL}},
        {try_record, {"reader"}},
        {try_records, {"reader"}},
        {try_locate, {"reader"}},
        {try_put, {"writer"}},
        {try_journal, {"auditor"}},
        {try_verify, {"auditor"}},
        {try_export, {"auditor"}},
        {try_tick, {NULL}},
        {try_install, {NULL}},
        {try_about, {"bare", "clerk", "opener"}},
    };
    static const char *const who[] = {"clerk", "reader", "auditor", "writer", "opener", "bare"};
    community c = people(state);
    gov *nobody = NULL;
    gov_error *err = NULL;
    installed = community_rulebook(rules);
    community_open(&c, "matter", "{}");
    assert_gov_ok(gov_attach(c.store, NULL, &nobody, &err), err);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        TRY(calls[i].call(nobody, &e), GOV_E_DENIED);
        TRY(calls[i].call(NULL, &e), GOV_E_ARG);
        act(&c, NULL, "all");
        TRY(calls[i].call(c.g, &e), GOV_OK);
        for (size_t k = 0; k < sizeof who / sizeof who[0]; k++) {
            bool may = calls[i].call == try_about || calls[i].call == try_list; /* a list: everybody's own part, perhaps empty */
            for (size_t m = 0; m < 4; m++)
                may = may || (calls[i].may[m] != NULL && strcmp(calls[i].may[m], who[k]) == 0);
            act(&c, who[k], "work");
            err = NULL;
            const gov_status got = calls[i].call(c.g, &err);
            /* Bounded roles may ask for cases, and whoever has none of them there does not hear that there is one. */
            if (got != (may ? GOV_OK : calls[i].call == try_find ? GOV_E_NOT_FOUND : GOV_E_DENIED))
                fail_msg("call %zu by %s: %d", i, who[k], (int)got);
            gov_error_free(err);
        }
    }
    TRY(gov_begin(nobody, &e), GOV_E_DENIED);
    TRY(gov_commit(nobody, &e), GOV_E_DENIED);
    gov_rulebook_free(installed);
    gov_free(nobody);
    community_free(&c);
}

static void actors_need_a_purpose(void **state)
{
    community c = people(state);
    TRY(gov_act_as_host(c.g, NULL, &e), GOV_E_ARG);
    TRY(gov_act_as_host(c.g, "", &e), GOV_E_ARG);
    TRY(gov_act_as(c.g, "clerk", "", &e), GOV_E_ARG);
    TRY(gov_act_as(c.g, NULL, "x", &e), GOV_E_ARG);
    TRY(gov_act_as(c.g, "clerk", "\xff", &e), GOV_E_ARG);
    TRY(gov_act_as(c.g, "\xff", "x", &e), GOV_E_NOT_FOUND);
    TRY(gov_act_as_resident(c.g, "R9", "x", &e), GOV_E_NOT_FOUND);
    TRY(gov_act_as_host(NULL, "x", &e), GOV_E_ARG);
    char longest[400];
    memset(longest, 'p', sizeof longest);
    longest[399] = '\0';
    gov_error *err = NULL;
    const gov_status status = gov_act_as_host(c.g, longest, &err); /* longer than an entry of the journal holds */
    assert_int_equal(status, GOV_E_ARG);
    gov_error_free(err);
    community_put(&c, "unit", "U2", "{'name': '还在'}"); /* the actor is still the one from before */
    community_free(&c);
}

/* ---- scopes ---- */

static void sends(community *c, int64_t id, const char *who, const char *event, gov_status want)
{
    if (who[0] == 'R')
        act_resident(c, who);
    else
        act(c, who, "work");
    community_send(c, id, event, NULL, want);
}

/* An event that only others may send, and one that the workflow does not have. */
static gov_status send_others(gov *g, int64_t id, gov_value **out, gov_error **err)
{
    (void)out;
    return gov_case_send(g, id, "by_nobody", NULL, NULL, err);
}

static gov_status send_nonsense(gov *g, int64_t id, gov_value **out, gov_error **err)
{
    (void)out;
    return gov_case_send(g, id, "by_noone", NULL, NULL, err);
}

/* One error that says of the case what another one says of an id that was never given. */
static void sounds_missing(community *c, int64_t id)
{
    gov_status (*const calls[])(gov *, int64_t, gov_value **, gov_error **) = {gov_case_get, gov_case_history, gov_case_explain,
                                                                             send_others,  send_nonsense};
    static const char *const langs[] = {"en", "zh"};
    const int64_t ids[] = {id, 12345};
    char said[2][2][200];
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            gov_error *err = NULL;
            gov_value *v = NULL;
            assert_gov(GOV_E_NOT_FOUND, calls[i](c->g, ids[k], &v, &err), err);
            assert_null(v);
            assert_int_equal(gov_error_count(err), 1);
            assert_string_equal(gov_error_code(err, 0), "case_unknown");
            for (size_t l = 0; l < 2; l++) {
                char number[24];
                (void)snprintf(number, sizeof number, "%lld", (long long)ids[k]);
                (void)snprintf(said[k][l], sizeof said[k][l], "%s", gov_error_message(err, 0, langs[l]));
                char *at = strstr(said[k][l], number);
                assert_non_null(at);
                *at = '\0';
            }
            gov_error_free(err);
        }
        assert_string_equal(said[0][0], said[1][0]);
        assert_string_equal(said[0][1], said[1][1]);
    }
}

static void scoped_roles_hold_where_the_case_is_their_own(void **state)
{
    community c = people(state);
    gov_error *err = NULL;
    gov_case_options o;
    int64_t id;
    gov_case_options_init(&o, sizeof o);
    o.reporter = "R1";
    gov_value *f = community_json("{'witness': 'R2'}");
    assert_gov_ok(gov_case_open(c.g, "matter", f, &o, &id, &err), err);
    gov_value_free(f);
    const int64_t other = community_open(&c, "matter", "{}");
    static const char *const own[][2] = {{"ann", "by_assignee"}, {"una", "by_unit"}, {"gao", "by_grid"}};
    for (size_t i = 0; i < 3; i++)
        sends(&c, id, own[i][0], own[i][1], GOV_E_NOT_FOUND); /* not yet, nor do they see it */
    act(&c, "clerk", "work");
    community_send(&c, id, "give", "{'staff': 'ann'}", GOV_OK);
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, id, "give", "{'grid': 'A1'}", GOV_OK); /* inside of A */
    for (size_t i = 0; i < 3; i++) {
        sends(&c, id, own[i][0], own[i][1], GOV_OK);
        sends(&c, id, own[i][0], own[(i + 1) % 3][1], GOV_E_DENIED);
        sends(&c, other, own[i][0], own[i][1], GOV_E_NOT_FOUND);
        gov_value *v = get(&c, id);
        gov_value_free(v);
        int64_t found;
        sounds_missing(&c, other);
        TRY(gov_case_find(c.g, NULL, "2026-000001", &found, &e), GOV_OK);
        TRY(gov_case_find(c.g, NULL, "2026-000002", &found, &e), GOV_E_NOT_FOUND);
    }
    act(&c, "clerk", "work");
    community_send(&c, id, "give", "{'grid': 'B'}", GOV_OK);
    sends(&c, id, "gao", "by_grid", GOV_E_NOT_FOUND);
    sends(&c, id, "R1", "by_reporter", GOV_OK);
    sends(&c, id, "R2", "by_reporter", GOV_E_DENIED);
    sends(&c, other, "R1", "by_reporter", GOV_E_NOT_FOUND);
    sends(&c, id, "R2", "by_witness", GOV_OK); /* by condition */
    sends(&c, id, "R1", "by_witness", GOV_E_DENIED);
    sends(&c, other, "R2", "by_witness", GOV_E_NOT_FOUND);
    gov_value *v = get(&c, id);
    assert_text_at(v, "fields.witness", "R2");
    gov_value_free(v);
    sends(&c, id, "clerk", "by_nobody", GOV_E_DENIED);
    act(&c, NULL, "host");
    community_send(&c, id, "by_nobody", NULL, GOV_OK); /* the host may send every event */
    community_free(&c);
}

/* ---- looks ---- */

static void looks_are_recorded_once_per_field_and_call(void **state)
{
    community c = people(state);
    const int64_t id = community_open(&c, "matter", "{'phone': '13800001234', 'second': '13900001234'}");
    act(&c, "clerk", "call");
    gov_value_free(get(&c, id));
    assert_int_equal(count_kind(&c, "look"), 2);
    act(&c, "clerk", "call");
    gov_value_free(get(&c, id)); /* another call */
    assert_int_equal(count_kind(&c, "look"), 4);
    act(&c, "clerk", "call");
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_history(c.g, id, &v, &err), err); /* the fields stand in several entries */
    gov_value_free(v);
    assert_int_equal(count_kind(&c, "look"), 6);
    act(&c, "clerk", "other");
    gov_value_free(get(&c, id));
    assert_int_equal(count_kind(&c, "look"), 6);
    community_free(&c);
}

/* Who looked, and why, is what it was at the look, whoever ends the group. */
static void looks_in_groups_keep_who_looked(void **state)
{
    community c = people(state);
    gov_error *err = NULL;
    const int64_t id = community_open(&c, "matter", "{'phone': '13800001234'}");
    for (int commit = 0; commit < 2; commit++) {
        act(&c, "clerk", "call");
        assert_gov_ok(gov_begin(c.g, &err), err);
        gov_value_free(get(&c, id));
        act(&c, "reader", "read");
        gov_value_free(get(&c, id)); /* sees the mask */
        if (commit)
            assert_gov_ok(gov_commit(c.g, &err), err);
        else
            assert_gov_ok(gov_rollback(c.g, &err), err);
    }
    act(&c, "clerk", "call");
    assert_gov_ok(gov_begin(c.g, &err), err);
    gov_value_free(get(&c, id));
    gov *g = NULL;
    gov_free(c.g); /* with a group open: undone, but the look was made */
    assert_gov_ok(gov_attach(c.store, NULL, &g, &err), err);
    c.g = g;
    assert_int_equal(count_kind(&c, "look"), 3);
    gov_value *v = journal_of(&c);
    const gov_value *list = gov_value_get(v, "entries");
    for (size_t i = 0; i < gov_value_count(list); i++) {
        const gov_value *e = gov_value_at(list, i);
        if (strcmp(gov_value_string(gov_value_get(e, "kind"), NULL), "look") != 0)
            continue;
        assert_text_at(e, "purpose", "call");
        assert_text_at(e, "actor", "clerk");
    }
    gov_value_free(v);
    community_free(&c);
}

/* What cannot be recorded is not shown. */
static void a_look_that_cannot_be_recorded_shows_nothing(void **state)
{
    support_store *s = support_store_of(state);
    community c = people(state);
    const int64_t id = community_open(&c, "matter", "{'phone': '13800001234'}");
    community_free(&c);
    gov_options o;
    gov_error *err = NULL;
    gov *g = NULL;
    gov_value *v = NULL;
    gov_options_init(&o, sizeof o);
    o.flags = GOV_OPEN_READONLY;
    assert_gov_ok(gov_open(s->url, &o, &g, &err), err);
    assert_gov_ok(gov_act_as(g, "clerk", "call", &err), err);
    assert_gov(GOV_E_READONLY, gov_case_get(g, id, &v, &err), err);
    assert_null(v);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_act_as(g, "clerk", "other", &err), err);
    assert_gov_ok(gov_case_get(g, id, &v, &err), err); /* the look that failed is not remembered */
    gov_value_free(v);
    gov_free(g);
}

/* Neither the journal nor a case's history shows by a side door what the case itself masks. */
static void masks_hold_in_every_output(void **state)
{
    community c = people(state);
    gov_error *err = NULL;
    const int64_t id = community_open(&c, "matter", "{'phone': '13800001234', 'place': '3幢'}");
    community_send(&c, id, "tell", NULL, GOV_OK);
    community_send(&c, id, "give", "{'hint': '13700007777'}", GOV_OK);
    act(&c, "auditor", "audit");
    gov_value *all = journal_of(&c), *history = NULL;
    act(&c, "reader", "read");
    assert_gov_ok(gov_case_history(c.g, id, &history, &err), err);
    gov_value *const shown[] = {all, history};
    for (size_t i = 0; i < 2; i++) {
        char *text = NULL;
        assert_gov_ok(gov_value_to_json(shown[i], &text, NULL, &err), err);
        assert_null(strstr(text, "13800001234"));
        assert_null(strstr(text, "13700007777"));
        assert_non_null(strstr(text, "138****1234"));
        assert_non_null(strstr(text, "137****7777"));
        assert_non_null(strstr(text, "3幢"));
        gov_text_free(text);
        gov_value_free(shown[i]);
    }
    community_free(&c);
}

/* ---- groups ---- */

static void groups_begin_and_end(void **state)
{
    community c = people(state);
    gov_error *err = NULL;
    TRY(gov_commit(c.g, &e), GOV_E_STATE);
    TRY(gov_rollback(c.g, &e), GOV_E_STATE);
    assert_gov_ok(gov_begin(c.g, &err), err);
    TRY(gov_begin(c.g, &e), GOV_E_STATE);
    const int64_t kept = community_open(&c, "matter", "{}");
    assert_gov_ok(gov_commit(c.g, &err), err);
    TRY(gov_commit(c.g, &e), GOV_E_STATE);
    assert_gov_ok(gov_begin(c.g, &err), err);
    const int64_t gone = community_open(&c, "matter", "{}");
    community_put(&c, "unit", "U9", "{'name': 'x'}");
    assert_gov_ok(gov_rollback(c.g, &err), err);
    gov_value_free(get(&c, kept));
    gov_value *v = NULL;
    TRY(gov_case_get(c.g, gone, &v, &e), GOV_E_NOT_FOUND);
    TRY(gov_record_get(c.g, "unit", "U9", &v, &e), GOV_E_NOT_FOUND);
    assert_gov_ok(gov_begin(c.g, &err), err); /* an empty one */
    assert_gov_ok(gov_commit(c.g, &err), err);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

/* Whatever fails inside of a group leaves the group as it was before, and usable, on both engines. */
static void a_failing_call_leaves_the_group_usable(void **state)
{
    community c = people(state);
    gov_error *err = NULL;
    gov_value *v = NULL, *bad = community_json("{'nam': 'x'}"), *fine = community_json("{}");
    int64_t id, n;
    gov_case_options o;
    gov_case_options_init(&o, sizeof o);
    o.source = "hotline";
    o.number = "1";
    assert_gov_ok(gov_begin(c.g, &err), err);
    assert_gov_ok(gov_case_open(c.g, "matter", fine, &o, &id, &err), err);
    TRY(gov_case_open(c.g, "matter", fine, &o, &n, &e), GOV_E_EXISTS);
    TRY(gov_case_open(c.g, "nothing", fine, NULL, &n, &e), GOV_E_NOT_FOUND);
    TRY(gov_case_open(c.g, "matter", bad, NULL, &n, &e), GOV_E_INPUT);
    TRY(gov_record_put(c.g, "unit", "U9", bad, NULL, &e), GOV_E_INPUT);
    TRY(gov_record_get(c.g, "unit", "\xff", &v, &e), GOV_E_NOT_FOUND);
    TRY(gov_record_get(c.g, "unit", "none", &v, &e), GOV_E_NOT_FOUND);
    TRY(gov_case_get(c.g, 12345, &v, &e), GOV_E_NOT_FOUND);
    TRY(gov_case_send(c.g, id, "nothing", NULL, NULL, &e), GOV_E_NOT_FOUND);
    act(&c, "bare", "x");
    TRY(gov_case_open(c.g, "matter", fine, NULL, &n, &e), GOV_E_DENIED);
    act(&c, NULL, "x");
    community_put(&c, "unit", "U2", "{'name': '后来'}");
    assert_gov_ok(gov_commit(c.g, &err), err);
    assert_gov_ok(gov_case_find(c.g, "hotline", "1", &n, &err), err);
    assert_true(n == id);
    assert_gov_ok(gov_record_get(c.g, "unit", "U2", &v, &err), err);
    gov_value_free(v);
    gov_value_free(bad);
    gov_value_free(fine);
    community_free(&c);
}

/* One transaction touches one community. */
static void two_communities_on_one_store_do_not_mix(void **state)
{
    community c = people(state);
    gov_error *err = NULL;
    gov_rulebook *book = community_rulebook(rules);
    gov *second = NULL, *g = NULL;
    gov_value *v = NULL;
    int64_t n;
    TRY(gov_community_create(c.store, "gate", book, NULL, &e), GOV_E_EXISTS);
    assert_gov_ok(gov_community_create(c.store, "second", book, NULL, &err), err);
    TRY(gov_attach(c.store, NULL, &g, &e), GOV_E_NOT_FOUND); /* which one? */
    TRY(gov_attach(c.store, "third", &g, &e), GOV_E_NOT_FOUND);
    assert_gov_ok(gov_attach(c.store, "second", &second, &err), err);
    assert_gov_ok(gov_act_as_host(second, "test", &err), err);
    TRY(gov_record_get(second, "unit", "U1", &v, &e), GOV_E_NOT_FOUND);
    TRY(gov_act_as(second, "clerk", "x", &e), GOV_E_NOT_FOUND);
    const int64_t id = community_open(&c, "matter", "{}");
    TRY(gov_case_get(second, id, &v, &e), GOV_E_NOT_FOUND);
    TRY(gov_case_send(second, id, "end", NULL, NULL, &e), GOV_E_NOT_FOUND);
    TRY(gov_case_find(second, NULL, "2026-000001", &n, &e), GOV_E_NOT_FOUND);
    assert_gov_ok(gov_case_open(second, "matter", NULL, NULL, &n, &err), err); /* its numbers begin anew */
    assert_gov_ok(gov_case_find(second, NULL, "2026-000001", &n, &err), err);
    assert_gov_ok(gov_begin(c.g, &err), err);
    TRY(gov_case_get(second, n, &v, &e), GOV_E_STATE);
    TRY(gov_case_send(second, n, "end", NULL, NULL, &e), GOV_E_STATE);
    TRY(gov_begin(second, &e), GOV_E_STATE);
    TRY(gov_tick(second, 0, NULL, &e), GOV_E_STATE);
    TRY(gov_community_create(c.store, "third", book, NULL, &e), GOV_E_STATE);
    community_send(&c, id, "end", NULL, GOV_OK);
    assert_gov_ok(gov_commit(c.g, &err), err);
    assert_gov_ok(gov_case_send(second, n, "end", NULL, NULL, &err), err);
    assert_gov_ok(gov_verify(second, NULL, NULL, NULL, &err), err);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    gov_rulebook_free(book);
    gov_store_free(c.store); /* in any order */
    gov_free(c.g);
    assert_gov_ok(gov_case_get(second, n, &v, &err), err);
    gov_value_free(v);
    gov_free(second);
}

/* ---- options ---- */

/* An older program's struct is shorter, a newer one's longer: what this library knows is read, what it does not must be zero. */
static void options_of_other_sizes(void **state)
{
    support_store *s = support_store_of(state);
    community c = people(state);
    gov_error *err = NULL;
    gov_value *v = NULL;
    int64_t id, n;
    struct {
        gov_case_options o;
        uint64_t more[4];
    } big;
    gov_case_options_init(&big.o, sizeof big);
    assert_int_equal(big.o.size, sizeof big);
    assert_int_equal(big.more[3], 0);
    assert_gov_ok(gov_case_open(c.g, "matter", NULL, &big.o, &id, &err), err);
    big.more[3] = 1;
    TRY(gov_case_open(c.g, "matter", NULL, &big.o, &n, &e), GOV_E_ABI);
    big.more[3] = 0;
    big.o.reserved = 1;
    TRY(gov_case_open(c.g, "matter", NULL, &big.o, &n, &e), GOV_E_ABI);
    gov_case_options o;
    gov_case_options_init(&o, sizeof o);
    o.reporter = "R1";
    o.number = "not read"; /* behind the size of a program that knew the reporter only */
    o.size = offsetof(gov_case_options, grid);
    assert_gov_ok(gov_case_open(c.g, "matter", NULL, &o, &id, &err), err);
    assert_gov_ok(gov_case_open(c.g, "matter", NULL, &o, &n, &err), err);
    v = get(&c, id);
    assert_text_at(v, "reporter", "R1");
    gov_value_free(v);
    o.size = 0;
    TRY(gov_case_open(c.g, "matter", NULL, &o, &n, &e), GOV_E_ABI);
    o.size = 3;
    TRY(gov_case_open(c.g, "matter", NULL, &o, &n, &e), GOV_E_ABI);
    gov_case_query q;
    gov_case_query_init(&q, sizeof q);
    q.flags = 4; /* no such flag */
    TRY(gov_case_list(c.g, &q, &v, &e), GOV_E_ABI);
    q.flags = 0;
    q.size = 1 << 20;
    TRY(gov_case_list(c.g, &q, &v, &e), GOV_E_ABI);
    gov_options so;
    gov_store *st = NULL;
    gov_options_init(&so, sizeof so);
    so.flags = 1U << 20;
    TRY(gov_store_open(s->url, &so, &st, &e), GOV_E_ABI);
    so.flags = 0;
    so.size = offsetof(gov_options, now_us);
    assert_gov_ok(gov_store_open(s->url, &so, &st, &err), err);
    gov_store_free(st);
    struct {
        gov_tick_result r;
        uint64_t more;
    } result = {.r = {.size = sizeof result}, .more = 0};
    assert_gov_ok(gov_tick(c.g, 0, &result.r, &err), err);
    assert_int_equal(result.r.next_us, 0);
    gov_tick_result older = {.size = offsetof(gov_tick_result, next_us), .next_us = 77};
    assert_gov_ok(gov_tick(c.g, 0, &older, &err), err);
    assert_int_equal(older.next_us, 77); /* not ours to write */
    gov_tick_result none = {.size = 0};
    TRY(gov_tick(c.g, 0, &none, &e), GOV_E_ABI);
    gov_options_init(NULL, 8);
    gov_options_init(&so, 1); /* too small to hold its size: left alone */
    community_free(&c);
}

/* ---- want of memory ---- */

static gov_status looking(community *c, void *user)
{
    (void)user;
    int64_t id = 0;
    gov_value *v = NULL, *who = community_json("{'name': '李', 'roles': ['clerk']}"), *f = community_json("{'phone': '13800001234', 'place': '3'}");
    gov_status status = gov_record_put(c->g, "staff", "clerk", who, NULL, NULL);
    if (status == GOV_OK)
        status = gov_act_as(c->g, "clerk", "call", NULL);
    if (status == GOV_OK)
        status = gov_begin(c->g, NULL);
    if (status == GOV_OK)
        status = gov_case_open(c->g, "matter", f, NULL, &id, NULL);
    if (status == GOV_OK)
        status = gov_case_get(c->g, id, &v, NULL);
    gov_value_free(v);
    v = NULL;
    if (status == GOV_OK)
        status = gov_commit(c->g, NULL);
    if (status == GOV_OK)
        status = gov_begin(c->g, NULL);
    if (status == GOV_OK)
        status = gov_case_send(c->g, id, "tell", NULL, NULL, NULL);
    if (status == GOV_OK)
        status = gov_case_history(c->g, id, &v, NULL);
    gov_value_free(v);
    v = NULL;
    if (status == GOV_OK)
        status = gov_rollback(c->g, NULL);
    if (status == GOV_OK)
        status = gov_act_as_host(c->g, "audit", NULL);
    if (status == GOV_OK)
        status = gov_journal_read(c->g, 0, 0, &v, NULL);
    gov_value_free(v);
    v = NULL;
    if (status == GOV_OK)
        status = gov_about(c->g, &v, NULL);
    gov_value_free(v);
    gov_value_free(who);
    gov_value_free(f);
    return status;
}

static void want_of_memory_leaks_nothing(void **state)
{
    community_without_memory(support_store_of(state), rules, looking, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(everything_is_denied_by_default),
        STORE_TESTS(actors_need_a_purpose),
        STORE_TESTS(scoped_roles_hold_where_the_case_is_their_own),
        STORE_TESTS(looks_are_recorded_once_per_field_and_call),
        STORE_TESTS(looks_in_groups_keep_who_looked),
        STORE_TESTS(a_look_that_cannot_be_recorded_shows_nothing),
        STORE_TESTS(masks_hold_in_every_output),
        STORE_TESTS(groups_begin_and_end),
        STORE_TESTS(a_failing_call_leaves_the_group_usable),
        STORE_TESTS(two_communities_on_one_store_do_not_mix),
        STORE_TESTS(options_of_other_sizes),
        STORE_TEST(want_of_memory_leaks_nothing, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
