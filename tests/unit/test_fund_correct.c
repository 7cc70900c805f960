/* Corrections of gifts, spendings, payments and goods against a plain model; what rules moved; rows that somebody changed by hand; and what a
 * fund or project says when an amount does not fit. */
#include "fund/fund.h"
#include "support/community.h"
#include "support/faulty.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t seed = 20260402;
static uint32_t next_random(void)
{
    seed = seed * 1664525U + 1013904223U;
    return seed >> 8;
}

static gov_rulebook *rules_of_the_cases(void)
{
    size_t len;
    char *text = support_read(support_source("tests/cases/fund/rulebook.yaml"), &len);
    gov_rulebook *rules = community_rulebook(text);
    free(text);
    return rules;
}

static community live_under(const char *url, gov_rulebook *rules)
{
    community c;
    gov_error *err = NULL;
    assert_gov_ok(community_try(url, rules, NULL, &c, &err), err);
    gov_rulebook_free(rules);
    community_put(&c, "staff", "li", "{'name': '李', 'roles': ['officer']}");
    community_put(&c, "staff", "hu", "{'name': '胡', 'roles': ['treasurer']}");
    return c;
}

static community live(void **state)
{
    const char *url = support_store_of(state)->url;
    community c = live_under(url, rules_of_the_cases());
    community_put(&c, "household", "h1", "{'name': '1-101'}");
    return c;
}

static void as(community *c, const char *who)
{
    gov_error *err = NULL;
    assert_gov_ok(who != NULL ? gov_act_as(c->g, who, "money", &err) : gov_act_as_host(c->g, "test", &err), err);
}

/* How it ended; *id: what it answers as `id`. */
static gov_status act(community *c, const char *name, const char *json, int64_t *id, char code[64])
{
    gov_value *out = NULL, *in = community_json(json);
    gov_error *err = NULL;
    const gov_status rc = gov_operation_run(c->g, name, in, NULL, &out, &err);
    if (code != NULL)
        (void)snprintf(code, 64, "%s", rc == GOV_OK ? "" : gov_error_code(err, 0));
    if (rc == GOV_OK && id != NULL)
        *id = gov_value_int(gov_value_get(out, "id"));
    gov_error_free(err);
    gov_value_free(out);
    gov_value_free(in);
    return rc;
}

static int64_t done(community *c, const char *name, const char *json)
{
    char code[64];
    int64_t id = 0;
    if (act(c, name, json, &id, code) != GOV_OK)
        fail_msg("%s %s: %s", name, json, code);
    return id;
}

static void refused(community *c, const char *name, const char *json, const char *want)
{
    char code[64];
    (void)act(c, name, json, NULL, code);
    if (strcmp(code, want) != 0)
        fail_msg("%s %s: \"%s\", not %s", name, json, code, want);
}

static const char *of(const char *form, int64_t id, int64_t amount)
{
    static char json[256];
    (void)snprintf(json, sizeof json, form, (long long)id, (long long)amount);
    return json;
}

static int64_t ask(community *c, const char *name, const char *json, const char *path)
{
    gov_value *out = NULL, *in = community_json(json);
    gov_error *err = NULL;
    assert_gov_ok(gov_operation_run(c->g, name, in, NULL, &out, &err), err);
    const int64_t n = gov_value_int(gov_value_find(out, path));
    gov_value_free(out);
    gov_value_free(in);
    return n;
}

static void verified(community *c)
{
    gov_error *err = NULL;
    as(c, NULL);
    assert_gov_ok(gov_verify(c->g, NULL, NULL, NULL, &err), err);
}

static const char *with(const char *form, int64_t n)
{
    static char json[256];
    (void)snprintf(json, sizeof json, form, (long long)n);
    return json;
}

#define CORRECT "{'id': '%lld', 'amount': %lld, 'reason': 'wrong'}"

/* ---- a plain model ---- */

enum { MOST = 400 };

typedef struct line {
    int64_t id, amount, left, asked; /* asked: by corrections that wait */
    int of, kind;                    /* of: the line that it corrects; -1: none */
    bool waits, counts;
} line;

typedef struct model {
    line lines[MOST];
    int count;
    int64_t balance, reserved, given, spent, corrected, returned;
} model;

enum { GIFT, SPENDING };

static line *add(model *m, int64_t id, int kind, int64_t amount, int of_line, bool waits)
{
    line *l = &m->lines[m->count++];
    *l = (line){.id = id, .amount = amount, .left = amount, .of = of_line, .kind = kind, .waits = waits, .counts = !waits};
    return l;
}

static void correct_some(community *c, model *m, int at, int64_t amount)
{
    line *l = &m->lines[at];
    int64_t id = 0;
    char code[64];
    const char *want = l->of >= 0                                         ? "fund_correction"
                       : !l->counts                                       ? "fund_not_done"
                       : amount > l->left - l->asked                      ? "fund_corrected"
                       : l->kind == GIFT && amount > m->balance - m->reserved ? "fund_spent_since"
                                                                          : "";
    (void)act(c, "fund.correct", of(CORRECT, l->id, amount), &id, code);
    assert_string_equal(code, want);
    if (id == 0)
        return;
    l->asked += amount;
    m->reserved += l->kind == GIFT ? amount : 0;
    (void)add(m, id, l->kind, amount, at, true);
}

static void decide_some(community *c, model *m, int at, bool grant)
{
    line *l = &m->lines[at];
    const int way = (l->kind == GIFT) == (l->of < 0) ? 1 : -1; /* of the money, as seen from the fund */
    (void)done(c, grant ? "fund.approve" : "fund.refuse", with("{'id': '%lld'}", l->id));
    l->waits = false;
    l->counts = grant;
    m->reserved -= way < 0 ? l->amount : 0;
    if (l->of >= 0)
        m->lines[l->of].asked -= l->amount;
    if (!grant)
        return;
    m->balance += way * l->amount;
    if (l->of >= 0)
        m->lines[l->of].left -= l->amount;
    *(l->of < 0 ? &m->spent : l->kind == GIFT ? &m->corrected : &m->returned) += l->amount;
}

static void a_plain_model_agrees(void **state)
{
    static model m;
    community c = live(state);
    m = (model){.count = 0};
    for (int i = 0; i < 500 && m.count < MOST; i++) {
        const uint32_t what = next_random() % 6;
        const int64_t amount = 1 + next_random() % 3000;
        const int at = m.count > 0 ? (int)(next_random() % (uint32_t)m.count) : 0;
        as(&c, "li");
        if (what == 0) {
            (void)add(&m, done(&c, "fund.give", with("{'amount': %lld}", amount)), GIFT, amount, -1, false);
            m.balance += amount;
            m.given += amount;
        } else if (what == 1) {
            const bool enough = amount <= m.balance - m.reserved;
            int64_t id = 0;
            assert_int_equal(act(&c, "fund.propose_spend", with("{'purpose': 'power', 'amount': %lld}", amount), &id, NULL),
                             enough ? GOV_OK : GOV_E_REFUSED);
            if (enough)
                m.reserved += add(&m, id, SPENDING, amount, -1, true)->amount;
        } else if (m.count > 0 && what < 4) {
            correct_some(&c, &m, at, 1 + next_random() % 2 * (m.lines[at].amount - 1));
        } else if (m.count > 0 && m.lines[at].waits) {
            as(&c, "hu");
            decide_some(&c, &m, at, next_random() % 3 != 0);
        }
        if (i % 25 != 0)
            continue;
        assert_int_equal(ask(&c, "fund.balance", "{}", "balance"), m.balance);
        assert_int_equal(ask(&c, "fund.balance", "{}", "reserved"), m.reserved);
    }
    assert_true(m.corrected > 0 && m.returned > 0);
    static const char *const names[] = {"given", "spent", "corrected", "returned", "closing"};
    const int64_t want[] = {m.given, m.spent, m.corrected, m.returned, m.balance};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(ask(&c, "fund.statement", "{}", names[i]), want[i]);
    verified(&c);
    community_free(&c);
}

/* Random payments, plans, switches and corrections: what is owed and what was settled come to what was charged, and rates to what is owed. */
static void what_is_owed_adds_up(void **state)
{
    community c = live(state);
    char json[512];
    int64_t paid[256], amounts[256], sum[3] = {0};
    int units[256], corrected = 0, count = 0;
    as(&c, "li");
    const int64_t p = done(&c, "share.open",
                           "{'rule': 'lift', 'name': 'x', 'cost': 1000003, 'agreed': true, 'agreed_by': 'vote', 'units': [{'unit': 'a', "
                           "'floor': 3}, {'unit': 'b', 'floor': 4}, {'unit': 'c', 'floor': 6}], 'sources': [{'kind': 'residents', "
                           "'amount': 1000003}]}");
    (void)done(&c, "share.start", with("{'project': '%lld'}", p));
    for (int i = 0; i < 250; i++) {
        static const char *const plans[] = {"instalments", "lease", "once"};
        const int unit = (int)(next_random() % 3);
        const uint32_t what = next_random() % 5;
        int64_t id = 0;
        gov_status rc;
        if (what < 2) {
            const int64_t amount = 1 + next_random() % 40000;
            (void)snprintf(json, sizeof json, "{'project': '%lld', 'unit': '%c', 'amount': %lld}", (long long)p, 'a' + unit, (long long)amount);
            rc = act(&c, "share.pay", json, &id, NULL);
            if (rc == GOV_OK) {
                paid[count] = id;
                amounts[count] = amount;
                units[count++] = unit;
                sum[unit] += amount;
            }
        } else if (what < 4 && count > 0) {
            const int k = (int)(next_random() % (uint32_t)count);
            const int64_t amount = 1 + next_random() % 20000;
            rc = act(&c, "fund.correct", of(CORRECT, paid[k], amount), NULL, NULL);
            assert_int_equal(rc, amount <= amounts[k] ? GOV_OK : GOV_E_REFUSED);
            if (rc == GOV_OK) {
                amounts[k] -= amount;
                sum[units[k]] -= amount;
                corrected++;
            }
        } else {
            (void)snprintf(json, sizeof json, "{'project': '%lld', 'unit': '%c', 'plan': '%s', 'months': %u}", (long long)p, 'a' + unit,
                           plans[next_random() % 3], 1 + next_random() % 24);
            rc = act(&c, i < 12 ? "share.plan" : "share.switch", json, NULL, NULL);
            assert_true(rc == GOV_OK || rc == GOV_E_REFUSED || rc == GOV_E_CONFLICT);
        }
        if (i % 10 != 9)
            continue;
        for (int k = 0; k < 3; k++) {
            char path[64];
            int64_t n[3];
            static const char *const names[] = {"charged", "settled", "owed"};
            for (int j = 0; j < 3; j++) {
                (void)snprintf(path, sizeof path, "units.%d.%s", k, names[j]);
                n[j] = ask(&c, "share.show", with("{'project': '%lld'}", p), path);
            }
            assert_true(n[0] == n[1] + n[2] && n[2] >= 0);
            assert_int_equal(n[1], sum[k]);
        }
    }
    assert_true(corrected > 10);
    verified(&c);
    community_free(&c);
}

/* ---- what rules moved ---- */

/* A pledge that was posted in part, and a repair that was approved: both moved by another transfer than the one that they began with. */
static void what_rules_moved_is_corrected(void **state)
{
    community c = live(state);
    gov_error *err = NULL;
    as(&c, "li");
    const int64_t pledge = community_open(&c, "pledge", "{'who': 'h1', 'amount': 8000}");
    refused(&c, "fund.correct", of(CORRECT, ask(&c, "fund.list", "{'waiting': true}", "entries.0.id"), 1), "fund_not_done");
    community_send(&c, pledge, "paid", "{'amount': 6000}", GOV_OK);
    const int64_t gift = ask(&c, "fund.list", "{}", "entries.0.id");
    (void)community_open(&c, "repair", "{'cost': 5000}");
    const int64_t repair = ask(&c, "fund.list", "{'waiting': true}", "entries.0.id");
    as(&c, "hu");
    (void)done(&c, "fund.approve", with("{'id': '%lld'}", repair));
    refused(&c, "fund.correct", of(CORRECT, gift, 6001), "fund_corrected");
    refused(&c, "fund.correct", of(CORRECT, gift, 6000), "fund_spent_since");
    const int64_t first = done(&c, "fund.correct", of(CORRECT, repair, 5000));
    as(&c, "li");
    (void)done(&c, "fund.approve", with("{'id': '%lld'}", first));
    const int64_t second = done(&c, "fund.correct", of(CORRECT, gift, 6000));
    as(&c, "hu");
    (void)done(&c, "fund.approve", with("{'id': '%lld'}", second));
    assert_int_equal(ask(&c, "fund.balance", "{}", "balance"), 0);
    as(&c, NULL);
    (void)community_advance(&c, 0);
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c.g, pledge, &v, &err), err);
    assert_text_at(v, "outcome", "kept"); /* what a case has lived through stays */
    gov_value_free(v);
    verified(&c);
    community_free(&c);
}

/* ---- rows that somebody changed ---- */

typedef struct altering {
    gov *g;
    store_sql sql;
} altering;

static gov_status alter_body(void *user, const diag *d)
{
    altering *a = user;
    return store_post(a->g->store, &a->sql, NULL, 0, STORE_ANY_ROWS, d);
}

static gov_status rooms_verify(void *user, const diag *d)
{
    return fund_verify(user, d);
}

static void verify_sees_changed_corrections(void **state)
{
    static const char *const changes[] = {
        "UPDATE gov_fund_entry SET kind = 17 WHERE kind = 18",
        "UPDATE gov_fund_entry SET transfer = id WHERE kind = 2",
        "UPDATE gov_fund_entry SET corrects = id WHERE kind = 19",
        "UPDATE gov_fund_entry SET amount = 13 WHERE kind = 19",
        "UPDATE gov_fund_entry SET amount = amount + 1 WHERE kind = 5",
        "UPDATE gov_fund_entry SET amount = amount + 1 WHERE kind = 21",
        "UPDATE gov_fund_entry SET decided_by = made_by WHERE kind = 18"};
    support_store *s = support_store_of(state);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        gov_error *err = NULL;
        const diag d = {&base_malloc, &err};
        char name[16], url[512];
        (void)snprintf(name, sizeof name, "s%zu", i);
        support_store_another(s, name, url);
        community c = live_under(url, rules_of_the_cases());
        as(&c, "li");
        (void)done(&c, "fund.give", "{'amount': 60000}");
        const int64_t spent = done(&c, "fund.propose_spend", "{'purpose': 'lamps', 'amount': 100}");
        const int64_t goods = done(&c, "fund.give_goods", "{'item': 'bulb', 'count': 12}");
        (void)done(&c, "fund.correct", of(CORRECT, goods, 2));
        const int64_t p = done(&c, "share.open", "{'rule': 'door', 'name': 'x', 'cost': 100, 'agreed': true, 'agreed_by': 'v', 'units': "
                                                 "[{'unit': 'a'}], 'sources': [{'kind': 'residents', 'amount': 100}]}");
        (void)done(&c, "share.start", with("{'project': '%lld'}", p));
        (void)done(&c, "fund.correct", of(CORRECT, done(&c, "share.pay", with("{'project': '%lld', 'unit': 'a', 'amount': 50}", p)), 20));
        as(&c, "hu");
        (void)done(&c, "fund.approve", with("{'id': '%lld'}", spent));
        const int64_t back = done(&c, "fund.correct", of(CORRECT, spent, 40));
        as(&c, "li");
        (void)done(&c, "fund.approve", with("{'id': '%lld'}", back));
        verified(&c);
        altering a = {c.g, {changes[i], STORE_DYNAMIC}};
        assert_gov_ok(store_run(c.g->store, alter_body, &a, &d), err);
        const gov_status rc = store_run(c.g->store, rooms_verify, c.g, &d);
        if (rc != GOV_E_VERIFY)
            fail_msg("%s was not seen", changes[i]);
        gov_error_free(err);
        community_free(&c);
    }
}

/* ---- amounts that do not fit ---- */

/* What a person reads when a project's sources miss its cost, by how much and which way. */
static void a_gap_is_told_with_its_size(void **state)
{
    community c = live(state);
    gov_error *err = NULL;
    for (int over = 0; over < 2; over++) {
        char json[512];
        as(&c, "li");
        (void)snprintf(json, sizeof json, "{'rule': 'door', 'name': 'p%d', 'cost': 1000, 'agreed': true, 'agreed_by': 'v', 'units': [{'unit': 'a'}], "
                       "'sources': [{'kind': 'residents', 'amount': %d}, {'kind': 'government', 'amount': 300}]}", over, over ? 720 : 650);
        const int64_t p = done(&c, "share.open", json);
        assert_int_equal(ask(&c, "share.show", with("{'project': '%lld'}", p), "gap"), over ? -20 : 50);
        gov_value *in = community_json(with("{'project': '%lld'}", p));
        assert_int_equal(gov_operation_run(c.g, "share.start", in, NULL, NULL, &err), GOV_E_REFUSED);
        assert_string_equal(gov_error_code(err, 0), "share_gap");
        assert_non_null(strstr(gov_error_message(err, 0, "en"), over ? "come to 1020: 20 is too much" : "come to 950: 50 is missing"));
        assert_non_null(strstr(gov_error_message(err, 0, "zh"), over ? "多出 20" : "缺口 50"));
        gov_error_free(err);
        err = NULL;
        gov_value_free(in);
        (void)done(&c, "share.source", with("{'project': '%lld', 'kind': 'residents', 'amount': 700}", p));
        (void)done(&c, "share.start", with("{'project': '%lld'}", p));
    }
    verified(&c);
    community_free(&c);
}

static void gifts_have_limits(void **state)
{
    const char *url = support_store_of(state)->url;
    community c = live_under(url, community_rulebook("rulebook: t\nversion: '1'\ntime_zone: UTC\nroles: {officer: {title: O}, treasurer: {title: T}}\n"
                                                     "permissions: {fund.read: [officer, treasurer], fund.write: [officer, treasurer]}\n---\n"
                                                     "fund: open\nledger: 1\nat_most: 9223372036854775807\npurposes: {a: {}}\n---\n"
                                                     "fund: small\nledger: 2\nat_most: 500\npurposes: {a: {}}\n"));
    as(&c, "li");
    (void)done(&c, "fund.give", "{'fund': 'small', 'amount': 500}");
    refused(&c, "fund.give", "{'fund': 'small', 'amount': 501}", "fund_gift_large");
    (void)done(&c, "fund.give", "{'fund': 'open', 'amount': 9223372036854775806}");
    refused(&c, "fund.give", "{'fund': 'open', 'amount': 2}", "overflow");
    (void)done(&c, "fund.give", "{'fund': 'open', 'amount': 1}");
    refused(&c, "fund.give", "{'fund': 'open', 'amount': 1}", "overflow");
    assert_true(ask(&c, "fund.balance", "{'fund': 'open'}", "balance") == INT64_MAX);
    assert_int_equal(ask(&c, "fund.balance", "{'fund': 'small'}", "balance"), 500);
    verified(&c);
    community_free(&c);
}

/* ---- want of memory ---- */

typedef struct scarce {
    support_store *s;
    gov_rulebook *rules;
    int run;
} scarce;

static gov_status correct_a_little(const gov_allocator *alloc, void *user)
{
    static const char *const steps[][2] = {
        {"share.open", "{'rule': 'door', 'name': 'x', 'cost': 100, 'agreed': true, 'agreed_by': 'v', 'units': [{'unit': 'a'}], 'sources': "
                       "[{'kind': 'residents', 'amount': 100}]}"},
        {"share.start", "{'project': '%lld'}"},
        {"share.payments", "{'project': '%lld'}"},
        {"share.plan", "{'project': '%lld', 'unit': 'a', 'plan': 'once'}"},
        {"fund.give_goods", "{'item': 'bulb', 'count': 2}"},
        {"fund.correct", "{'id': '%lld', 'reason': 'x'}"},
        {"fund.give", "{'amount': 500}"},
        {"fund.correct", "{'id': '%lld', 'reason': 'x'}"},
        {"fund.list", "{}"},
        {"fund.refuse", "{'id': '%lld'}"},
        {"fund.statement", "{'lang': 'en'}"},
    };
    scarce *u = user;
    char url[512], name[32];
    community c;
    int64_t id = 0;
    (void)snprintf(name, sizeof name, "oom%d.db", u->run++);
    gov_status rc = community_try(support_path(url, u->s->dir, name), u->rules, alloc, &c, NULL);
    const bool made = rc == GOV_OK;
    if (made)
        rc = gov_begin(c.g, NULL);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && rc == GOV_OK; i++) {
        char text[512];
        gov_value *out = NULL, *in;
        (void)snprintf(text, sizeof text, steps[i][1], (long long)id);
        in = community_json(text);
        rc = gov_operation_run(c.g, steps[i][0], in, NULL, &out, NULL);
        if (rc == GOV_OK && gov_value_int(gov_value_get(out, "id")) != 0 && strcmp(steps[i][0], "share.plan") != 0)
            id = gov_value_int(gov_value_get(out, "id"));
        gov_value_free(out);
        gov_value_free(in);
    }
    if (rc == GOV_OK)
        rc = gov_commit(c.g, NULL);
    if (made)
        community_free(&c);
    return rc;
}

static void survives_want_of_memory(void **state)
{
    scarce u = {support_store_of(state), rules_of_the_cases(), 0};
    oom_loop(correct_a_little, &u);
    gov_rulebook_free(u.rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_plain_model_agrees),
        STORE_TESTS(what_is_owed_adds_up),
        STORE_TESTS(what_rules_moved_is_corrected),
        STORE_TESTS(verify_sees_changed_corrections),
        STORE_TESTS(a_gap_is_told_with_its_size),
        STORE_TESTS(gifts_have_limits),
        STORE_TEST(survives_want_of_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
