/* Funds, cost shares, grants and contracts: the scenarios of tests/cases/fund on both stores; dividing against a brute force; a plain model
 * against the ledger; bad input; want of memory. */
#include "fund/fund.h"
#include "support/community.h"
#include "support/faulty.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- exact numbers ---- */

static void ratios_are_read_as_written(void **state)
{
    static const struct {
        const char *text;
        int64_t num, den; /* den 0: refused */
        const char *shown;
    } cases[] = {{"0", 0, 1, "0"},
                 {"1.0", 1, 1, "1"},
                 {"0.7", 7, 10, "0.7"},
                 {"0.70", 7, 10, "0.7"},
                 {"85%", 17, 20, "0.85"},
                 {"12.5%", 1, 8, "0.125"},
                 {"2/3", 2, 3, "2/3"},
                 {"17/20", 17, 20, "0.85"},
                 {"100", 100, 1, "100"},
                 {"1.005", 201, 200, "1.005"},
                 {"0.000000001", 1, 1000000000, "0.000000001"},
                 {"9223372036854775807", INT64_MAX, 1, "9223372036854775807"},
                 {"9223372036854775808", 0, 0, ""},
                 {"0.0000000001", 0, 0, ""},
                 {"", 0, 0, ""},
                 {"%", 0, 0, ""},
                 {".", 0, 0, ""},
                 {".5", 0, 0, ""},
                 {"5.", 0, 0, ""},
                 {"1.2.3", 0, 0, ""},
                 {"-1", 0, 0, ""},
                 {"1/0", 0, 0, ""},
                 {"/2", 0, 0, ""},
                 {"1/-2", 0, 0, ""},
                 {"1e3", 0, 0, ""},
                 {" 1", 0, 0, ""}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fund_ratio r;
        char text[48];
        const bool ok = fund_parse_ratio(cases[i].text, strlen(cases[i].text), &r);
        if (ok != (cases[i].den != 0))
            print_message("%s\n", cases[i].text);
        assert_int_equal(ok, cases[i].den != 0);
        if (!ok)
            continue;
        assert_true(r.num == cases[i].num && r.den == cases[i].den);
        fund_ratio_text(r, text);
        assert_string_equal(text, cases[i].shown);
    }
    /* A double stands for the shortest decimals that give it. */
    fund_ratio r;
    assert_true(fund_ratio_of(value_double(89.56), &r) && r.num == 2239 && r.den == 25);
    assert_false(fund_ratio_of(value_double(-0.5), &r));
    assert_false(fund_ratio_of(value_double(1e300), &r));
}

static uint32_t seed = 20260302;
static uint32_t next_random(void)
{
    seed = seed * 1664525U + 1013904223U;
    return seed >> 8;
}

/* How far shares lie from what is exact, in parts of the weights' sum: what every choice of who gets a fen more is judged by. */
static int64_t distance(int64_t total, const int64_t *weights, const int64_t *shares, size_t n, int64_t sum)
{
    int64_t d = 0;
    for (size_t i = 0; i < n; i++)
        d += llabs(shares[i] * sum - total * weights[i]);
    return d;
}

/* Every way of adding the fen that are left is tried; none comes nearer. */
static void no_division_comes_nearer(void **state)
{
    base_arena arena;
    (void)state;
    base_arena_init(&arena, NULL);
    for (int round = 0; round < 3000; round++) {
        const size_t n = 1 + next_random() % 8;
        int64_t weights[8], shares[8], floors[8], sum = 0, told = 0, left, total = next_random() % 100000;
        fund_part parts[8] = {{0}};
        for (size_t i = 0; i < n; i++) {
            weights[i] = parts[i].weight = next_random() % 12;
            parts[i].rank = (int64_t)i / 2;
            sum += weights[i];
        }
        if (sum == 0)
            continue;
        assert_int_equal(fund_split(total, parts, n, &arena, &told, NULL), GOV_OK);
        assert_int_equal(told, sum);
        left = total;
        for (size_t i = 0; i < n; i++) {
            floors[i] = total * weights[i] / sum;
            left -= floors[i];
            shares[i] = parts[i].share;
        }
        int64_t best = INT64_MAX, mine = distance(total, weights, shares, n, sum), given = 0;
        for (size_t i = 0; i < n; i++) {
            given += shares[i];
            assert_true(shares[i] == floors[i] || (shares[i] == floors[i] + 1 && parts[i].up));
            assert_true(weights[i] != 0 || shares[i] == 0);
        }
        assert_int_equal(given, total);
        for (unsigned mask = 0; mask < 1U << n; mask++) {
            int64_t bits = 0, other[8];
            for (size_t i = 0; i < n; i++) {
                bits += mask >> i & 1;
                other[i] = floors[i] + (int64_t)(mask >> i & 1);
            }
            const int64_t d = bits == left ? distance(total, weights, other, n, sum) : INT64_MAX;
            best = d < best ? d : best;
        }
        assert_true(mine == best);
        for (size_t i = 0; i < n; i++) /* who bears more never pays less, nor does who lives higher and bears the same */
            for (size_t k = 0; k < n; k++)
                assert_true(weights[i] > weights[k] || shares[i] <= shares[k] || (weights[i] == weights[k] && parts[i].rank >= parts[k].rank));
        base_arena_reset(&arena);
    }
    base_arena_free(&arena);
}

static void amounts_at_the_limits(void **state)
{
    base_arena arena;
    fund_part two[2] = {{.weight = INT64_MAX - 1}, {.weight = 1}}, big[2] = {{.weight = INT64_MAX}, {.weight = 1}}, none[2] = {{0}};
    int64_t out;
    (void)state;
    base_arena_init(&arena, NULL);
    assert_int_equal(fund_split(INT64_MAX, two, 2, &arena, NULL, NULL), GOV_OK);
    assert_true(two[0].share == INT64_MAX - 1 && two[1].share == 1);
    assert_int_equal(fund_split(1, big, 2, &arena, NULL, NULL), GOV_E_RANGE);
    assert_int_equal(fund_split(-1, two, 2, &arena, NULL, NULL), GOV_E_RANGE);
    assert_int_equal(fund_split(1, none, 2, &arena, NULL, NULL), GOV_E_REFUSED);
    assert_int_equal(fund_split(0, none, 2, &arena, NULL, NULL), GOV_OK);
    assert_int_equal(fund_split(0, NULL, 0, &arena, NULL, NULL), GOV_OK);
    assert_true(fund_ratio_times((fund_ratio){11, 10}, 200, &out) && out == 220);
    assert_true(fund_ratio_times((fund_ratio){1, 3}, INT64_MAX, &out) && out == INT64_MAX / 3);
    assert_false(fund_ratio_times((fund_ratio){3, 2}, INT64_MAX, &out));
    assert_int_equal(fund_ratio_compare((fund_ratio){INT64_MAX, INT64_MAX - 1}, (fund_ratio){INT64_MAX - 1, INT64_MAX - 2}), -1);
    for (int64_t count = 1; count < 100; count++) { /* rates add up, and only the last differs */
        int64_t sum = 0;
        for (int64_t k = 0; k < count; k++)
            sum += fund_rate(1000000, count, k);
        assert_int_equal(sum, 1000000);
        assert_true(count == 1 || fund_rate(1000000, count, 0) == 1000000 / count);
    }
    base_arena_free(&arena);
}

/* ---- scenarios ---- */

static void verify_all(const char *url, int64_t want)
{
    gov_error *err = NULL;
    gov_store *home = NULL;
    gov_value *names = NULL;
    gov_options o;
    gov_options_init(&o, sizeof o);
    assert_gov_ok(gov_store_open(url, &o, &home, &err), err);
    assert_gov_ok(gov_community_list(home, &names, &err), err);
    assert_int_equal(gov_value_count(names), want);
    for (size_t i = 0; i < gov_value_count(names); i++) {
        gov *g = NULL;
        assert_gov_ok(gov_attach(home, gov_value_string(gov_value_get(gov_value_at(names, i), "name"), NULL), &g, &err), err);
        assert_gov_ok(gov_act_as_host(g, "test", &err), err);
        assert_gov_ok(gov_verify(g, NULL, NULL, NULL, &err), err);
        gov_free(g);
    }
    gov_value_free(names);
    gov_store_free(home);
}

static void the_scenarios_hold(void **state)
{
    support_store *s = support_store_of(state);
    gov_error *err = NULL;
    gov_value *report = NULL;
    char *text = NULL;
    const gov_scenario_options o = {.size = sizeof o, .url = s->url};
    assert_gov_ok(gov_scenarios_run(NULL, support_source("tests/cases/fund"), &o, NULL, NULL, &report, &err), err);
    const int64_t passed = gov_value_int(gov_value_get(report, "passed")), failed = gov_value_int(gov_value_get(report, "failed"));
    if (failed != 0 && gov_value_to_json(report, &text, NULL, NULL) == GOV_OK)
        print_message("%s\n", text);
    gov_text_free(text);
    assert_int_equal(failed, 0);
    assert_true(passed >= 17);
    gov_value_free(report);
    verify_all(s->url, passed);
}

/* ---- in a community ---- */

static gov_rulebook *rules_of_the_cases(void)
{
    size_t len;
    char *text = support_read(support_source("tests/cases/fund/rulebook.yaml"), &len);
    gov_rulebook *rules = community_rulebook(text);
    free(text);
    return rules;
}

static community live_on(const char *url, const gov_allocator *alloc)
{
    community c;
    gov_error *err = NULL;
    gov_rulebook *rules = rules_of_the_cases();
    assert_gov_ok(community_try(url, rules, alloc, &c, &err), err);
    gov_rulebook_free(rules);
    return c;
}

static gov_status call(community *c, const char *name, const char *json, gov_value **out)
{
    gov_value *in = community_json(json);
    const gov_status status = gov_operation_run(c->g, name, in, NULL, out, NULL);
    gov_value_free(in);
    return status;
}

static void as(community *c, const char *who)
{
    gov_error *err = NULL;
    assert_gov_ok(who != NULL ? gov_act_as(c->g, who, "money", &err) : gov_act_as_host(c->g, "test", &err), err);
}

/* What the operation answers under `path`. */
static int64_t ask(community *c, const char *name, const char *json, const char *path)
{
    gov_value *out = NULL;
    gov_error *err = NULL;
    gov_value *in = community_json(json);
    assert_gov_ok(gov_operation_run(c->g, name, in, NULL, &out, &err), err);
    const int64_t n = gov_value_int(gov_value_find(out, path));
    gov_value_free(out);
    gov_value_free(in);
    return n;
}

static void people(community *c)
{
    community_put(c, "staff", "li", "{'name': '李', 'roles': ['officer']}");
    community_put(c, "staff", "hu", "{'name': '胡', 'roles': ['treasurer']}");
    community_put(c, "household", "h1", "{'name': '1-101'}");
}

/* A workflow asks for money; who approves in the fund's own list moves the case on. */
static void a_case_is_told_what_was_approved(void **state)
{
    community c = live_on(support_store_of(state)->url, NULL);
    char json[64];
    gov_error *err = NULL;
    people(&c);
    assert_int_equal(call(&c, "fund.give", "{'amount': 60000}", NULL), GOV_OK);
    for (int grant = 0; grant < 2; grant++) {
        as(&c, "li");
        const int64_t id = community_open(&c, "repair", "{'cost': 20000}");
        as(&c, "hu");
        const int64_t entry = ask(&c, "fund.list", "{'waiting': true}", "entries.0.id");
        (void)snprintf(json, sizeof json, "{'id': '%lld'}", (long long)entry);
        assert_int_equal(call(&c, grant ? "fund.approve" : "fund.refuse", json, NULL), GOV_OK);
        as(&c, NULL);
        (void)community_advance(&c, 0);
        gov_value *v = NULL;
        assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
        assert_text_at(v, "outcome", grant ? "paid" : "refused");
        gov_value_free(v);
        as(&c, "hu");
        assert_int_equal(call(&c, "fund.approve", json, NULL), GOV_E_CONFLICT);
    }
    assert_int_equal(ask(&c, "fund.balance", "{}", "balance"), 40000);
    as(&c, NULL);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

/* Rules are not one of the two: what a timer asks for is refused, and nobody alone can pay it out. */
static void a_timer_is_nobody(void **state)
{
    community c = live_on(support_store_of(state)->url, NULL);
    people(&c);
    assert_int_equal(call(&c, "fund.give", "{'amount': 60000}", NULL), GOV_OK);
    as(&c, "li");
    const int64_t id = community_open(&c, "slow_repair", "{'cost': 20000}");
    as(&c, NULL);
    const gov_tick_result r = community_advance(&c, 61);
    assert_int_equal(r.failed + r.parked, 1);
    as(&c, "li");
    community_send(&c, id, "ok", NULL, GOV_E_REFUSED);
    assert_int_equal(ask(&c, "fund.balance", "{}", "reserved"), 0);
    assert_int_equal(ask(&c, "fund.balance", "{}", "balance"), 60000);
    as(&c, NULL);
    community_free(&c);
}

/* One person does not spend alone by letting the rules approve: neither a timer nor an event that rules send is the second one. */
static void rules_approve_nothing(void **state)
{
    community c = live_on(support_store_of(state)->url, NULL);
    people(&c);
    assert_int_equal(call(&c, "fund.give", "{'amount': 40000}", NULL), GOV_OK);
    as(&c, "li");
    const int64_t timed = community_open(&c, "paying_itself", "{'cost': 10000, 'late': true}");
    const int64_t sent = community_open(&c, "paying_itself", "{'cost': 20000}");
    community_send(&c, sent, "now", NULL, GOV_OK);
    as(&c, NULL);
    const gov_tick_result r = community_advance(&c, 61);
    assert_int_equal(r.failed + r.parked, 2);
    assert_int_equal(ask(&c, "fund.balance", "{}", "balance"), 40000);
    assert_int_equal(ask(&c, "fund.balance", "{}", "reserved"), 30000);
    as(&c, "li");
    community_send(&c, timed, "ok", NULL, GOV_E_REFUSED);
    as(&c, NULL);
    community_put(&c, "staff", "wu", "{'name': '吴', 'roles': ['officer']}");
    as(&c, "wu");
    community_send(&c, timed, "ok", NULL, GOV_OK);
    as(&c, NULL);
    (void)community_advance(&c, 1);
    assert_state(&c, timed, "paid");
    assert_int_equal(ask(&c, "fund.balance", "{}", "balance"), 30000);
    (void)community_advance(&c, 12 * 1440); /* what nobody approved goes back, which needs nobody */
    assert_state(&c, sent, "refused");
    assert_int_equal(ask(&c, "fund.balance", "{}", "reserved"), 0);
    community_free(&c);
}

typedef struct altering {
    gov *g;
    store_sql sql;
} altering;

static gov_status alter_body(void *user, const diag *d)
{
    altering *a = user;
    return store_post(a->g->store, &a->sql, NULL, 0, STORE_ANY_ROWS, d);
}

/* Rows of a fund that somebody changed by hand. */
static void verify_sees_changed_entries(void **state)
{
    static const char *const changes[][2] = {
        {"UPDATE gov_fund_entry SET named = 1 WHERE kind = 1", "UPDATE gov_fund_entry SET named = 0 WHERE kind = 1"},
        {"UPDATE gov_fund_entry SET item = 'power' WHERE kind = 2", "UPDATE gov_fund_entry SET item = 'lamps' WHERE kind = 2"},
        {"UPDATE gov_fund_entry SET at_us = at_us + 1 WHERE kind = 1", "UPDATE gov_fund_entry SET at_us = at_us - 1 WHERE kind = 1"},
        {"UPDATE gov_fund_entry SET made_by = made_by + 1 WHERE kind = 2", "UPDATE gov_fund_entry SET made_by = made_by - 1 WHERE kind = 2"}};
    community c = live_on(support_store_of(state)->url, NULL);
    gov_error *err = NULL;
    char json[64];
    people(&c);
    as(&c, "li");
    assert_int_equal(call(&c, "fund.give", "{'amount': 60000, 'donor': {'household': 'h1'}}", NULL), GOV_OK);
    assert_int_equal(call(&c, "fund.propose_spend", "{'purpose': 'lamps', 'amount': 100}", NULL), GOV_OK);
    as(&c, "hu");
    (void)snprintf(json, sizeof json, "{'id': '%lld'}", (long long)ask(&c, "fund.list", "{'waiting': true}", "entries.0.id"));
    assert_int_equal(call(&c, "fund.approve", json, NULL), GOV_OK);
    as(&c, NULL);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        for (int back = 0; back < 2; back++) {
            const diag d = {&base_malloc, &err};
            altering a = {c.g, {changes[i][back], STORE_DYNAMIC}};
            assert_gov_ok(store_run(c.g->store, alter_body, &a, &d), err);
            assert_int_equal(gov_verify(c.g, NULL, NULL, NULL, &err), back ? GOV_OK : GOV_E_VERIFY);
            gov_error_free(err);
            err = NULL;
        }
    community_free(&c);
}

/* A plain model of one fund against the ledger: a thousand random acts, and after each the same balance. */
static void a_plain_model_agrees(void **state)
{
    enum { ACTS = 400, MOST = 64 };
    community c = live_on(support_store_of(state)->url, NULL);
    int64_t balance = 0, given = 0, spent = 0, waiting[MOST][2], reserved = 0;
    size_t count = 0;
    gov_error *err = NULL;
    char json[96];
    people(&c);
    for (int i = 0; i < ACTS; i++) {
        const uint32_t what = next_random() % 4;
        const int64_t amount = 1 + next_random() % 5000;
        as(&c, what >= 2 ? "hu" : "li");
        if (what == 0) {
            (void)snprintf(json, sizeof json, "{'amount': %lld}", (long long)amount);
            assert_int_equal(call(&c, "fund.give", json, NULL), GOV_OK);
            balance += amount;
            given += amount;
        } else if (what == 1 && count < MOST) {
            gov_value *out = NULL;
            (void)snprintf(json, sizeof json, "{'purpose': 'power', 'amount': %lld}", (long long)amount);
            const bool enough = amount <= balance - reserved;
            assert_int_equal(call(&c, "fund.propose_spend", json, &out), enough ? GOV_OK : GOV_E_REFUSED);
            if (enough) {
                waiting[count][0] = gov_value_int(gov_value_get(out, "id"));
                waiting[count++][1] = amount;
                reserved += amount;
            }
            gov_value_free(out);
        } else if (count > 0) {
            const size_t k = next_random() % count;
            (void)snprintf(json, sizeof json, "{'id': '%lld'}", (long long)waiting[k][0]);
            assert_int_equal(call(&c, what == 2 ? "fund.approve" : "fund.refuse", json, NULL), GOV_OK);
            reserved -= waiting[k][1];
            balance -= what == 2 ? waiting[k][1] : 0;
            spent += what == 2 ? waiting[k][1] : 0;
            memcpy(waiting[k], waiting[--count], sizeof waiting[k]);
        }
        if (i % 20 != 0)
            continue;
        assert_int_equal(ask(&c, "fund.balance", "{}", "balance"), balance);
        assert_int_equal(ask(&c, "fund.balance", "{}", "reserved"), reserved);
    }
    assert_int_equal(ask(&c, "fund.statement", "{}", "given"), given);
    assert_int_equal(ask(&c, "fund.statement", "{}", "spent"), spent);
    assert_int_equal(ask(&c, "fund.statement", "{}", "closing"), given - spent);
    as(&c, NULL);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

/* Random projects: whatever is paid, relieved and switched, what is owed and what was settled come to what was charged. */
static void what_is_owed_adds_up(void **state)
{
    community c = live_on(support_store_of(state)->url, NULL);
    char json[512];
    gov_error *err = NULL;
    people(&c);
    as(&c, "li");
    const int64_t p = ask(&c, "share.open", "{'rule': 'lift', 'name': 'x', 'cost': 1000003, 'agreed': true, 'agreed_by': 'vote', 'units': "
                                            "[{'unit': 'a', 'floor': 3}, {'unit': 'b', 'floor': 4}, {'unit': 'c', 'floor': 6}], "
                                            "'sources': [{'kind': 'residents', 'amount': 1000003}]}", "id");
    (void)snprintf(json, sizeof json, "{'project': '%lld'}", (long long)p);
    assert_int_equal(call(&c, "share.start", json, NULL), GOV_OK);
    for (int i = 0; i < 200; i++) {
        static const char *const plans[] = {"instalments", "lease", "once"};
        const char unit = (char)('a' + next_random() % 3);
        const bool pay = next_random() % 3 != 0;
        if (pay)
            (void)snprintf(json, sizeof json, "{'project': '%lld', 'unit': '%c', 'amount': %u}", (long long)p, unit, 1 + next_random() % 30000);
        else
            (void)snprintf(json, sizeof json, "{'project': '%lld', 'unit': '%c', 'plan': '%s', 'months': %u}", (long long)p, unit,
                           plans[next_random() % 3], 1 + next_random() % 24);
        const gov_status rc = call(&c, pay ? "share.pay" : i < 12 ? "share.plan" : "share.switch", json, NULL);
        assert_true(rc == GOV_OK || rc == GOV_E_REFUSED || rc == GOV_E_CONFLICT);
        (void)snprintf(json, sizeof json, "{'project': '%lld'}", (long long)p);
        gov_value *v = NULL;
        if (i % 10 != 0)
            continue;
        assert_int_equal(call(&c, "share.show", json, &v), GOV_OK);
        for (int k = 0; k < 3; k++) {
            char path[64];
            int64_t n[3];
            static const char *const names[] = {"charged", "settled", "owed"};
            for (int j = 0; j < 3; j++) {
                (void)snprintf(path, sizeof path, "units.%d.%s", k, names[j]);
                n[j] = gov_value_int(gov_value_find(v, path));
            }
            assert_true(n[0] == n[1] + n[2] && n[1] >= 0 && n[2] >= 0);
        }
        gov_value_free(v);
    }
    as(&c, NULL);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

/* Two connections spend from one fund, neither knowing of the other: what one has reserved the other cannot. */
static void two_connections_take_turns(void **state)
{
    const char *url = support_store_of(state)->url;
    community a = live_on(url, NULL), b;
    gov_error *err = NULL;
    int64_t reserved = 0;
    people(&a);
    assert_int_equal(call(&a, "fund.give", "{'amount': 1000}", NULL), GOV_OK);
    assert_gov_ok(community_try(url, NULL, NULL, &b, &err), err);
    as(&a, "li");
    as(&b, "hu");
    for (int i = 0; i < 40; i++) {
        community *c = i % 2 == 0 ? &a : &b;
        const gov_status rc = call(c, "fund.propose_spend", "{'purpose': 'power', 'amount': 30}", NULL);
        assert_int_equal(rc, reserved + 30 <= 1000 ? GOV_OK : GOV_E_REFUSED);
        reserved += rc == GOV_OK ? 30 : 0;
        assert_int_equal(ask(i % 2 == 0 ? &b : &a, "fund.balance", "{}", "reserved"), reserved);
    }
    char json[64];
    for (int64_t left = reserved / 30; left > 0; left--) { /* who approves is whoever did not ask */
        const int64_t first = ask(&a, "fund.list", "{'waiting': true}", "entries.0.id");
        (void)snprintf(json, sizeof json, "{'id': '%lld'}", (long long)first);
        const gov_status mine = call(&a, "fund.approve", json, NULL), other = call(&b, "fund.approve", json, NULL);
        assert_true((mine == GOV_OK) != (other == GOV_OK));
        assert_true(mine == GOV_OK ? other == GOV_E_CONFLICT : mine == GOV_E_REFUSED);
    }
    assert_int_equal(ask(&b, "fund.balance", "{}", "balance"), 1000 - reserved);
    as(&a, NULL);
    assert_gov_ok(gov_verify(a.g, NULL, NULL, NULL, &err), err);
    community_free(&a);
    community_free(&b);
}

/* ---- bad input ---- */

static void bad_input_changes_nothing(void **state)
{
    static const struct {
        const char *operation, *json;
        gov_status want;
    } cases[] = {
        {"fund.give", "{'amount': 9223372036854775807}", GOV_E_REFUSED},
        {"fund.give", "{'amount': 1}", GOV_OK},
        {"fund.give", "{'amount': 1.5}", GOV_E_INPUT},
        {"fund.give", "{'amount': 1, 'fund': 'hall_light'}", GOV_E_INPUT},
        {"fund.give", "{'amount': 1, 'donor': 'nobody'}", GOV_E_INPUT},
        {"fund.give", "{'amount': 1, 'odd': 2}", GOV_E_INPUT},
        {"fund.approve", "{'id': '5'}", GOV_E_NOT_FOUND},
        {"fund.approve", "{'id': 'x'}", GOV_E_INPUT},
        {"fund.statement", "{'from': '2026-13-01'}", GOV_E_INPUT},
        {"fund.statement", "{'from': '0001-01-01', 'to': '9999-12-31'}", GOV_E_RANGE},
        {"share.compute", "{'rule': 'lift', 'total': 1, 'units': []}", GOV_E_INPUT},
        {"share.compute", "{'rule': 'lift', 'total': 1, 'units': [5]}", GOV_E_INPUT},
        {"share.compute", "{'rule': 'lift', 'total': 1, 'units': [{'unit': ''}]}", GOV_E_INPUT},
        {"share.compute", "{'rule': 'lift', 'total': 1, 'units': [{'unit': 'a', 'area': -5}]}", GOV_E_INPUT},
        {"share.compute", "{'rule': 'lift', 'total': 1, 'units': [{'unit': 'a', 'area': 0}]}", GOV_E_INPUT},
        {"share.compute", "{'rule': 'lift', 'total': 1, 'units': [{'unit': 'a', 'area': '1.00001'}]}", GOV_E_INPUT},
        {"share.compute", "{'rule': 'lift', 'total': 1, 'agreed': true, 'units': [{'unit': 'a', 'floor': 3.5}]}", GOV_E_INPUT},
        {"share.compute", "{'rule': 'lift', 'total': 1, 'units': ['p9']}", GOV_E_NOT_FOUND},
        {"share.compute", "{'total': 1, 'units': [{'unit': 'a', 'area': 1}]}", GOV_E_NOT_FOUND}, /* which rule? */
        {"share.compute", "{'rule': 'roof', 'total': 0, 'units': [{'unit': 'a', 'area': 1}]}", GOV_E_RANGE},
        {"share.compute", "{'rule': 'roof', 'total': 9223372036854775807, 'units': [{'unit': 'a', 'area': 1}, {'unit': 'b', 'area': 2}]}", GOV_OK},
        {"share.open", "{'rule': 'roof', 'name': 'x', 'cost': 1, 'units': [{'unit': 'a', 'area': 1}], 'sources': [{'kind': 'bank', 'amount': 1}]}", GOV_E_INPUT},
        {"share.open", "{'rule': 'roof', 'name': 'x', 'cost': 1, 'units': [{'unit': 'a', 'area': 1}], 'sources': [{'kind': 'social', 'amount': 9223372036854775807}, {'kind': 'government', 'amount': 1}]}", GOV_E_RANGE},
        {"share.open", "{'rule': 'roof', 'name': 'x', 'cost': -1, 'units': [{'unit': 'a', 'area': 1}]}", GOV_E_RANGE},
        {"share.open", "{'rule': 'roof', 'name': '', 'cost': 1, 'units': [{'unit': 'a', 'area': 1}]}", GOV_E_INPUT},
        {"share.show", "{'project': '7'}", GOV_E_NOT_FOUND},
        {"grant.apply", "{'title': 't', 'amount': 5, 'budget': []}", GOV_E_INPUT},
        {"grant.apply", "{'title': 't', 'amount': 5, 'budget': [{'item': 'a', 'amount': 2}, {'item': 'a', 'amount': 3}]}", GOV_E_INPUT},
        {"grant.apply", "{'title': 't', 'amount': 5, 'budget': [7]}", GOV_E_INPUT},
        {"grant.spend", "{'id': '7', 'item': 'a', 'amount': 1}", GOV_E_NOT_FOUND},
        {"fee.check_rise", "{'contract': 'property', 'old': 9223372036854775807, 'new': 9223372036854775807}", GOV_OK},
        {"fee.check_rise", "{'contract': 'property', 'old': 0, 'new': 5}", GOV_E_RANGE},
        {"kpi.payment", "{'contract': 'waste', 'measured': {'sorting_rate': 'much', 'complaints': 1}}", GOV_E_INPUT},
    };
    community c = live_on(support_store_of(state)->url, NULL);
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const gov_status rc = call(&c, cases[i].operation, cases[i].json, NULL);
        if (rc != cases[i].want)
            print_message("%s %s: %d\n", cases[i].operation, cases[i].json, (int)rc);
        wrong += rc != cases[i].want;
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(ask(&c, "fund.balance", "{}", "available"), 1);
    community_free(&c);
}

#define HEAD "rulebook: t\nversion: '1'\ntime_zone: UTC\n"

static void mistakes_are_told_at_their_place(void **state)
{
    static const struct {
        const char *text, *code;
        int line, column;
    } cases[] = {
        {"fund: f\nledger: 1\npurposes: {a: {}}\ncontributions: compulsory\n", "fund_compulsory", 8, 16},
        {"fund: f\nledger: 1\npurposes: {a: {}}\nrequired: true\n", "fund_compulsory", 8, 11},
        {"fund: f\nledger: 1\npurposes: {a: {}}\ncharge: 500\n", "fund_compulsory", 8, 9},
        {"fund: f\nledger: 1\npurposes: {a: {limit: -5}}\n", "fund_number", 7, 23},
        {"fund: f\nledger: 1\n", "missing_key", 5, -1},
        {"fund: f\nledger: 1\npurposes: {a: {}}\n---\ngrant: g\nledger: 1\nnotice: 5 days\n", "fund_ledger_taken", 10, 9},
        {"fund: f\nledger: 7\npurposes: {a: {}}\n---\npoints: p\nledger: 7\nholder: resident\n", "fund_ledger_taken", 6, 9},
        {"fund: f\nledger: 7\npurposes: {a: {}}\n---\ntime_bank: b\nledger: 7\nskills: {a: {}}\n", "fund_ledger_taken", 6, 9},
        {"fund: f\nledger: 7\npurposes: {a: {}}\n---\npoints: p\nledger: 8\ngoods: 7\nholder: resident\n", "fund_ledger_taken", 6, 9},
        {"points: p\nledger: 7\nholder: resident\n---\ntime_bank: b\nledger: 7\nskills: {a: {}}\n", "fund_ledger_taken", 10, 9},
        {"fund: f\nledger: 1\npurposes: {a: {}}\n---\ntime_bank: f\nledger: 2\npool: {}\nskills: {a: {}}\n---\nworkflow: w\n"
         "states: {a: {entry: [{transfer: {ledger: f, from: \"'pool'\", to: case.reporter, amount: '1'}}], always: b}, b: {type: final}}\n",
         "transfer_two_ledgers", 15, 42},
        {"cost_share: s\nledger: 1\nby: floor\ncoefficients: {3: 0.8, 4: 0.7}\n", "share_not_monotonic", 8, 27},
        {"cost_share: s\nledger: 1\nby: floor\ncoefficients: {4: 0.8, 3: 0.7}\n", "share_floor_order", 8, 27},
        {"cost_share: s\nledger: 1\nby: floor\ncoefficients: {3: 0.8x}\n", "unexpected_token", 8, 22},
        {"cost_share: s\nledger: 1\nby: floor\ncoefficients: {high: 0.8}\n", "fund_number", 8, 16},
        {"cost_share: s\nledger: 1\nby: floor\n", "share_coefficients", 7, 5},
        {"cost_share: s\nledger: 1\nby: area\ncoefficients: {3: 1}\n", "share_coefficients", 8, -1},
        {"cost_share: s\nledger: 1\nby: floor\ncoefficients: {3: 1/4611686018427387904, 4: 1/4611686018427387903}\n", "fund_number", 8, -1},
        {"cost_share: s\nledger: 1\nby: area\nrelief: {at_most: 120%}\n", "fund_number", 8, 19},
        {"cost_share: s\nledger: 1\nby: area\nrelief: {when: it.tag +}\n", "unexpected_end", 8, -1},
        {"cost_share: s\nledger: 1\nby: area\nlease: {rent: 5}\n", "missing_key", 8, -1},
        {"cost_share: s\nledger: 1\nby: area\ninstalments: {at_most: 5000}\n", "fund_number", 8, 24},
        {"contract: c\nkpis: {a: {deduct: 5%}}\n", "kpi_line", 6, -1},
        {"contract: c\nkpis: {a: {at_least: 5, deduct: 101%}}\n", "fund_number", 6, -1},
        {"contract: c\nchecks: {every: week, for: 3 months}\n", "missing_key", 6, -1},
        {"contract: c\nrise: lots\n", "undeclared_reference", 6, 7},
        {"fund: f\nledger: 1\npurposes: {a: {}}\n---\nworkflow: w\nstates: {x: {entry: [{transfer: {post: gift}}]}}\n", "unknown_name", 10, -1},
        {"fund: f\nledger: 1\npurposes: {a: {}}\n---\nworkflow: w\nstates: {x: {entry: [{transfer: {ledger: f, from: case.reporter, to: \"'a'\"}}]}}\n", "transfer_shape", 10, -1},
        {"fund: f\nledger: 1\npurposes: {a: {}}\n---\nworkflow: w\nstates: {x: {entry: [{transfer: {id: p, ledger: f, from: case.reporter, to: \"'fund'\", amount: 5}}]}}\n", "transfer_pending", 10, -1},
        {"fund: f\nledger: 1\npurposes: {a: {}}\n---\nworkflow: w\nstates: {x: {entry: [{transfer: {ledger: ff, from: case.reporter, to: \"'fund'\", amount: 5}}]}}\n", "transfer_ledger", 10, 42},
        {"fund: f\nledger: 1\npurposes: {a: {}}\n---\nworkflow: w\nstates: {x: {entry: [{transfer: {ledger: f, from: case.reporter, to: \"'found'\", amount: 5}}]}}\n", "transfer_account", 10, -1},
        {"fund: f\nledger: 1\npurposes: {a: {}}\n---\nworkflow: w\nstates: {x: {entry: [{transfer: {ledger: f, from: \"'fund'\", to: \"'a'\", amount: 5}}]}}\n", "transfer_two_people", 10, -1},
        {"fund: f\nledger: 1\npurposes: {a: {}}\n---\nworkflow: w\nstates: {x: {entry: [{transfer: {ledger: f, from: case.reporter, to: \"'fund'\", amount: 0}}]}}\n", "fund_amount", 10, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gov_error *err = NULL;
        gov_rulebook *rules = NULL;
        char path[512], text[1024];
        char *dir = support_tmpdir();
        (void)snprintf(text, sizeof text, HEAD "---\n%s", cases[i].text);
        support_write(support_path(path, dir, "rulebook.yaml"), text, strlen(text));
        const gov_status rc = gov_rulebook_load(NULL, path, 0, &rules, &err);
        bool found = false;
        for (size_t k = 0; k < gov_error_count(err); k++)
            found = found || (strcmp(gov_error_code(err, k), cases[i].code) == 0 && gov_error_line(err, k) == cases[i].line &&
                              (cases[i].column < 0 || gov_error_column(err, k) == cases[i].column));
        if (rc == GOV_OK || !found) {
            print_message("%s wanted at %d:%d of\n%s", cases[i].code, cases[i].line, cases[i].column, text);
            support_print_error(err);
        }
        assert_true(rc != GOV_OK && found);
        gov_error_free(err);
        gov_rulebook_free(rules);
        support_rmdir(dir);
    }
}

/* ---- want of memory ---- */

typedef struct scarce {
    support_store *s;
    gov_rulebook *rules;
    int run;
} scarce;

static gov_status try_call(community *c, const char *name, const char *json, int64_t *id)
{
    char text[512];
    gov_value *out = NULL;
    (void)snprintf(text, sizeof text, json, (long long)*id);
    const gov_status rc = call(c, name, text, &out);
    if (rc == GOV_OK && gov_value_int(gov_value_get(out, "id")) != 0)
        *id = gov_value_int(gov_value_get(out, "id"));
    gov_value_free(out);
    return rc;
}

static gov_status live_a_little(const gov_allocator *alloc, void *user)
{
    static const char *const steps[][2] = {
        {"fund.give", "{'amount': 500, 'named': true, 'name': 'z'}"},
        {"fund.propose_spend", "{'purpose': 'lamps', 'amount': 50}"},
        {"fund.refuse", "{'id': '%lld'}"},
        {"fund.give_goods", "{'item': 'bulb', 'count': 2}"},
        {"fund.statement", "{}"},
        {"grant.apply", "{'title': 't', 'amount': 5, 'budget': [{'item': 'a', 'amount': 5}]}"},
        {"grant.publish", "{'id': '%lld'}"},
        {"grant.show", "{'id': '%lld'}"},
        {"fee.checks", "{'contract': 'property', 'from': '2026-03-02'}"},
        {"share.open", "{'rule': 'lift', 'name': 'x', 'cost': 100, 'agreed': true, 'agreed_by': 'v', 'units': [{'unit': 'a', 'floor': 3}], "
                       "'sources': [{'kind': 'residents', 'amount': 100}]}"},
        {"share.start", "{'project': '%lld'}"},
        {"share.show", "{'project': '%lld'}"},
        {"share.arrears", "{'project': '%lld'}"},
        {"share.plan", "{'project': '%lld', 'unit': 'a', 'plan': 'instalments', 'months': 3}"},
    };
    scarce *u = user;
    char url[512], name[32];
    community c;
    int64_t id = 0;
    (void)snprintf(name, sizeof name, "oom%d.db", u->run++);
    gov_status rc = community_try(support_path(url, u->s->dir, name), u->rules, alloc, &c, NULL);
    const bool made = rc == GOV_OK;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && rc == GOV_OK; i++)
        rc = try_call(&c, steps[i][0], steps[i][1], &id);
    gov_value *fields = community_json("{'cost': 20}");
    if (rc == GOV_OK)
        rc = gov_case_open(c.g, "repair", fields, NULL, &id, NULL);
    if (rc == GOV_OK)
        rc = gov_case_send(c.g, id, "withdraw", NULL, NULL, NULL);
    gov_value_free(fields);
    if (made)
        community_free(&c);
    return rc;
}

static void survives_want_of_memory(void **state)
{
    scarce u = {support_store_of(state), rules_of_the_cases(), 0};
    oom_loop(live_a_little, &u);
    gov_rulebook_free(u.rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratios_are_read_as_written),
        cmocka_unit_test(no_division_comes_nearer),
        cmocka_unit_test(amounts_at_the_limits),
        STORE_TESTS(the_scenarios_hold),
        STORE_TESTS(a_case_is_told_what_was_approved),
        STORE_TESTS(a_timer_is_nobody),
        STORE_TESTS(rules_approve_nothing),
        STORE_TESTS(verify_sees_changed_entries),
        STORE_TESTS(a_plain_model_agrees),
        STORE_TESTS(what_is_owed_adds_up),
        STORE_TESTS(two_connections_take_turns),
        STORE_TESTS(bad_input_changes_nothing),
        cmocka_unit_test(mistakes_are_told_at_their_place),
        STORE_TEST(survives_want_of_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
