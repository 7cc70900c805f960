/* Points programmes under strain: the last item and many hands, warnings, mistakes in rules and in calls, want of memory, a row that was
 * changed behind the ledger's back. */
#include "access/access.h"
#include "support/community.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD                                                                                  \
    "rulebook: tiny\n"                                                                        \
    "version: '1'\n"                                                                          \
    "languages: [zh, en]\n"                                                                   \
    "time_zone: Asia/Shanghai\n"                                                              \
    "roles: {officer: {title: 网格员}}\n"                                                  \
    "permissions: {case.open: [officer], points.read: [officer], points.write: [officer]}\n"
#define SHOP                                                                                          \
    "---\n"                                                                                           \
    "template: soon\n"                                                                                \
    "text: soon\n"                                                                                    \
    "---\n"                                                                                           \
    "points: green\n"                                                                                 \
    "ledger: 7\n"                                                                                     \
    "goods: 5\n"                                                                                      \
    "holder: resident\n"                                                                              \
    "expires: {after: 60 days, notice: 10 days, template: soon}\n"                                    \
    "earn: {gift: {}, big: {amount: '9223372036854775807'}}\n"                                        \
    "deduct: {fine: {amount: '3', if_short: empty}}\n"                                                \
    "tiers: {levels: {one: {from: 1}, ten: {from: 10}}}\n"                                            \
    "catalogue:\n"                                                                                    \
    "  rice: {price: 100, stock: 1, fulfil_within: 2 days}\n"                                         \
    "  gold: {price: '9223372036854775807', stock: 100}\n"                                            \
    "  song: {price: 10, stock: unlimited}\n"
#define WORKFLOW                                                                                      \
    "---\n"                                                                                           \
    "workflow: check\n"                                                                               \
    "fields: {who: {type: resident}, seen: {type: string, default: ''}}\n"                            \
    "events: {buy: {by: [officer]}, fine: {by: [officer]}, look: {by: [officer]}}\n"                  \
    "states:\n"                                                                                       \
    "  waiting:\n"                                                                                    \
    "    on:\n"                                                                                       \
    "      buy: {do: [{redeem: {account: case.who, item: song, quantity: 2}}]}\n"                     \
    "      fine: {do: [{deduct: {account: case.who, reason: fine, evidence: \"'seen by li'\"}}]}\n"   \
    "      look: {do: [{set: {seen: \"tier(case.who, 'green')\"}}]}\n"                                \
    "    after: {delay: 400 days, to: over}\n"                                                        \
    "  over: {type: final}\n"

static const char rules[] = HEAD SHOP WORKFLOW;

/* Runs an operation; the answer's `id` (0: it has none) when it does what is wanted. */
static int64_t run(community *c, const char *name, const char *json, gov_status want, const char *code)
{
    gov_error *err = NULL;
    gov_value *in = community_json(json), *out = NULL;
    assert_gov(want, gov_operation_run(c->g, name, in, NULL, &out, &err), err);
    if (code != NULL)
        assert_diag(err, 0, code, -1, -1);
    gov_error_free(err);
    const int64_t id = gov_value_int(gov_value_get(out, "id"));
    gov_value_free(in);
    gov_value_free(out);
    return id;
}

static int64_t balance(community *c, const char *key)
{
    gov_error *err = NULL;
    int64_t points = -1;
    assert_gov_ok(gov_points_balance(c->g, NULL, NULL, key, &points, &err), err);
    return points;
}

static void verify(community *c, gov_status want, const char *code)
{
    gov_error *err = NULL;
    gov_value *report = NULL;
    assert_gov(want, gov_verify(c->g, NULL, NULL, &report, &err), err);
    if (code != NULL)
        assert_diag(err, 0, code, -1, -1);
    gov_error_free(err);
    gov_value_free(report);
}

static void people(community *c)
{
    community_put(c, "resident", "wang", "{'name': '王'}");
    community_put(c, "resident", "zhao", "{'name': '赵'}");
}

/* ---- the last item ---- */

enum { BUYERS = 4 };

/* In a process of its own. 0: it has the bag, 1: it was sold out, 2: something else. */
static int buy(const char *url, int i)
{
    gov_error *err = NULL;
    gov_store *home = NULL;
    gov *g = NULL;
    gov_options o;
    char text[128];
    gov_options_init(&o, sizeof o);
    gov_status rc = gov_store_open(url, &o, &home, &err);
    if (rc == GOV_OK)
        rc = gov_attach(home, NULL, &g, &err);
    if (rc == GOV_OK)
        rc = gov_act_as_host(g, "test", &err);
    if (rc == GOV_OK)
        rc = gov_set_now(g, COMMUNITY_START, &err);
    (void)snprintf(text, sizeof text, "{'account': 'p%d', 'item': 'rice'}", i);
    gov_value *in = community_json(text);
    if (rc == GOV_OK)
        rc = gov_operation_run(g, "points.redeem", in, NULL, NULL, &err);
    const bool sold_out = rc == GOV_E_REFUSED && strcmp(gov_error_code(err, 0), "points_sold_out") == 0;
    if (rc != GOV_OK && !sold_out)
        support_print_error(err);
    gov_error_free(err);
    gov_value_free(in);
    gov_free(g);
    gov_store_free(home);
    return rc == GOV_OK ? 0 : sold_out ? 1 : 2;
}

static void the_last_bag_goes_to_one(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, rules, NULL);
    pid_t children[BUYERS];
    int got = 0, missed = 0;
    for (int i = 0; i < BUYERS; i++) {
        char key[8], text[128];
        (void)snprintf(key, sizeof key, "p%d", i);
        community_put(&c, "resident", key, "{'name': 'x'}");
        (void)snprintf(text, sizeof text, "{'account': '%s', 'rule': 'gift', 'points': 100}", key);
        run(&c, "points.award", text, GOV_OK, NULL);
    }
    community_free(&c); /* no connection crosses the fork */
    for (int i = 0; i < BUYERS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(buy(s->url, i));
    }
    for (int i = 0; i < BUYERS; i++) {
        int status = -1;
        assert_true(children[i] > 0 && waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status));
        got += WEXITSTATUS(status) == 0;
        missed += WEXITSTATUS(status) == 1;
    }
    assert_int_equal(got, 1);
    assert_int_equal(missed, BUYERS - 1);
    gov_error *err = NULL;
    gov_options o;
    gov_options_init(&o, sizeof o);
    assert_gov_ok(gov_store_open(s->url, &o, &c.store, &err), err);
    assert_gov_ok(gov_attach(c.store, NULL, &c.g, &err), err);
    assert_gov_ok(gov_act_as_host(c.g, "test", &err), err);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START, &err), err);
    int64_t left = 0;
    for (int i = 0; i < BUYERS; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "p%d", i);
        left += balance(&c, key);
    }
    assert_int_equal(left, 100 * (BUYERS - 1));
    verify(&c, GOV_OK, NULL);
    community_free(&c);
}

/* ---- many hands ---- */

enum { HANDS = 3, ACTS = 40 };

/* Refusals are part of the game; what is wrong with the machine is not. */
static bool fair(gov_status rc)
{
    return rc == GOV_OK || rc == GOV_E_REFUSED || rc == GOV_E_STATE || rc == GOV_E_NOT_FOUND;
}

static int act_at_random(gov *g, unsigned seed)
{
    int64_t orders[ACTS] = {0};
    size_t count = 0;
    for (int i = 0; i < ACTS; i++) {
        static const char *const settle[] = {"points.fulfil", "points.cancel", "points.return"};
        char text[128];
        gov_error *err = NULL;
        gov_value *in, *out = NULL;
        seed = seed * 1103515245U + 12345U;
        const unsigned what = seed >> 16;
        const char *name = what % 4 == 0 ? "points.award" : what % 4 == 1 ? "points.redeem" : settle[what / 4 % 3];
        if (what % 4 == 0)
            (void)snprintf(text, sizeof text, "{'account': '%s', 'rule': 'gift', 'points': %u}", what & 64 ? "wang" : "zhao", what % 150);
        else if (what % 4 == 1)
            (void)snprintf(text, sizeof text, "{'account': '%s', 'item': '%s'}", what & 64 ? "wang" : "zhao", what & 32 ? "rice" : "song");
        else
            (void)snprintf(text, sizeof text, "{'order': %lld}", (long long)(count > 0 ? orders[what / 16 % count] : 1));
        in = community_json(text);
        const gov_status rc = gov_operation_run(g, name, in, NULL, &out, &err);
        if (rc == GOV_OK && what % 4 == 1)
            orders[count++] = gov_value_int(gov_value_get(out, "id"));
        if (!fair(rc))
            support_print_error(err);
        gov_error_free(err);
        gov_value_free(in);
        gov_value_free(out);
        if (!fair(rc))
            return 2;
    }
    return 0;
}

static int hand(const char *url, unsigned seed)
{
    gov_store *home = NULL;
    gov *g = NULL;
    gov_options o;
    gov_options_init(&o, sizeof o);
    gov_status rc = gov_store_open(url, &o, &home, NULL);
    if (rc == GOV_OK)
        rc = gov_attach(home, NULL, &g, NULL);
    if (rc == GOV_OK)
        rc = gov_act_as_host(g, "test", NULL);
    if (rc == GOV_OK)
        rc = gov_set_now(g, COMMUNITY_START, NULL);
    const int told = rc == GOV_OK ? act_at_random(g, seed) : 2;
    gov_free(g);
    gov_store_free(home);
    return told;
}

/* Processes that give, buy, hand out, cancel and take back at random: afterwards everything adds up. */
static void many_hands_keep_the_sums(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, rules, NULL);
    pid_t children[HANDS];
    people(&c);
    run(&c, "points.stock", "{'item': 'rice', 'add': 3}", GOV_OK, NULL);
    community_free(&c);
    for (unsigned i = 0; i < HANDS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(hand(s->url, 77 + i));
    }
    for (int i = 0; i < HANDS; i++) {
        int status = -1;
        assert_true(children[i] > 0 && waitpid(children[i], &status, 0) == children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    gov_error *err = NULL;
    gov_options o;
    gov_options_init(&o, sizeof o);
    assert_gov_ok(gov_store_open(s->url, &o, &c.store, &err), err);
    assert_gov_ok(gov_attach(c.store, NULL, &c.g, &err), err);
    assert_gov_ok(gov_act_as_host(c.g, "test", &err), err);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START, &err), err);
    verify(&c, GOV_OK, NULL);
    (void)community_advance(&c, 3 * 24 * 60); /* what still waits lapses */
    verify(&c, GOV_OK, NULL);
    community_free(&c);
}

/* Two handles, turn by turn: what the one has locked, the other sees. */
static void two_connections_take_turns(void **state)
{
    support_store *s = support_store_of(state);
    community a = community_make(s, rules, NULL), b = {0};
    gov_error *err = NULL;
    gov_options o;
    gov_options_init(&o, sizeof o);
    people(&a);
    run(&a, "points.award", "{'account': 'wang', 'rule': 'gift', 'points': 150}", GOV_OK, NULL);
    run(&a, "points.award", "{'account': 'zhao', 'rule': 'gift', 'points': 150}", GOV_OK, NULL);
    assert_gov_ok(gov_store_open(s->url, &o, &b.store, &err), err);
    assert_gov_ok(gov_attach(b.store, NULL, &b.g, &err), err);
    assert_gov_ok(gov_act_as_host(b.g, "test", &err), err);
    assert_gov_ok(gov_set_now(b.g, COMMUNITY_START, &err), err);
    const int64_t order = run(&b, "points.redeem", "{'account': 'wang', 'item': 'rice'}", GOV_OK, NULL);
    char text[64];
    run(&a, "points.redeem", "{'account': 'zhao', 'item': 'rice'}", GOV_E_REFUSED, "points_sold_out");
    assert_int_equal(balance(&a, "wang"), 50);
    (void)snprintf(text, sizeof text, "{'order': %lld}", (long long)order);
    run(&a, "points.cancel", text, GOV_OK, NULL);
    run(&b, "points.fulfil", text, GOV_E_STATE, "points_order_closed");
    run(&b, "points.redeem", "{'account': 'zhao', 'item': 'rice'}", GOV_OK, NULL);
    run(&a, "points.redeem", "{'account': 'wang', 'item': 'rice'}", GOV_E_REFUSED, "points_sold_out");
    verify(&a, GOV_OK, NULL);
    community_free(&b);
    community_free(&a);
}

/* ---- rules of cases ---- */

static void cases_spend_and_see_tiers(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    people(&c);
    const int64_t id = community_open(&c, "check", "{'who': 'wang'}");
    community_send(&c, id, "buy", NULL, GOV_E_REFUSED);
    run(&c, "points.award", "{'account': 'wang', 'rule': 'gift', 'points': 25}", GOV_OK, NULL);
    community_send(&c, id, "look", NULL, GOV_OK);
    community_send(&c, id, "buy", NULL, GOV_OK);
    assert_int_equal(balance(&c, "wang"), 5);
    community_send(&c, id, "fine", NULL, GOV_OK);
    community_send(&c, id, "fine", NULL, GOV_OK); /* takes what is there */
    community_send(&c, id, "fine", NULL, GOV_OK); /* and nothing more */
    assert_int_equal(balance(&c, "wang"), 0);
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    assert_text_at(v, "fields.seen", "ten");
    gov_value_free(v);
    v = NULL;
    gov_value *in = community_json("{'account': 'wang'}");
    assert_gov_ok(gov_operation_run(c.g, "points.deductions", in, NULL, &v, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(v, "deductions")), 2);
    assert_text_at(v, "deductions.0.evidence", "seen by li");
    gov_value_free(in);
    gov_value_free(v);
    verify(&c, GOV_OK, NULL);
    community_free(&c);
}

#define TRIGGERED(fields, amount)                                                                          \
    HEAD "---\npoints: green\nledger: 7\nholder: resident\n"                                              \
         "earn: {done: {on: {workflow: task, outcome: done}, account: case.who, amount: " amount "}}\n"      \
         "---\nworkflow: task\nfields: {who: {type: resident}" fields "}\n"                                  \
         "events: {finish: {by: [officer]}}\nstates: {a: {on: {finish: b}}, b: {type: final, outcome: done}}\n"

/* New rules read a field that running cases do not have: those close without points, and without a fault. */
static void older_cases_can_close(void **state)
{
    community c = community_make(support_store_of(state), TRIGGERED("", "'3'"), NULL);
    gov_rulebook *book = community_rulebook(TRIGGERED(", hours: {type: int, default: 4}", "case.hours"));
    gov_error *err = NULL;
    people(&c);
    const int64_t first = community_open(&c, "task", "{'who': 'wang'}"), old = community_open(&c, "task", "{'who': 'wang'}");
    community_send(&c, first, "finish", NULL, GOV_OK);
    assert_int_equal(balance(&c, "wang"), 3);
    assert_gov_ok(gov_install(c.g, book, &err), err);
    community_send(&c, old, "finish", NULL, GOV_OK);
    assert_int_equal(balance(&c, "wang"), 3);
    const int64_t fresh = community_open(&c, "task", "{'who': 'wang'}");
    community_send(&c, fresh, "finish", NULL, GOV_OK);
    assert_int_equal(balance(&c, "wang"), 7);
    gov_rulebook_free(book);
    community_free(&c);
}

/* ---- closing again ---- */

/* The newest change of that kind. */
static int64_t newest(community *c, const char *kind)
{
    gov_error *err = NULL;
    int64_t id = 0;
    gov_value *in = community_json("{'programme': 'blue', 'account': 'wang'}"), *out = NULL;
    assert_gov_ok(gov_operation_run(c->g, "points.statement", in, NULL, &out, &err), err);
    const gov_value *rows = gov_value_get(out, "rows");
    for (size_t i = gov_value_count(rows); i-- > 0;)
        if (strcmp(gov_value_string(gov_value_get(gov_value_at(rows, i), "kind"), NULL), kind) == 0)
            id = gov_value_int(gov_value_get(gov_value_at(rows, i), "transfer"));
    gov_value_free(in);
    gov_value_free(out);
    return id;
}

/* Who took back what a case has earned decided about that case: closing it again does not bring it back. */
static void an_award_taken_back_is_not_earned_again(void **state)
{
    char json[96];
    community c = community_make(support_store_of(state),
                                 HEAD SHOP "---\n"
                                           "workflow: visit\n"
                                           "fields: {who: {type: resident}}\n"
                                           "events: {close: {by: [officer]}, reopen: {by: [officer]}}\n"
                                           "states:\n"
                                           "  open: {on: {close: closed}}\n"
                                           "  closed: {on: {reopen: open}, initial: done, states: {done: {type: final, outcome: done}}}\n"
                                           "---\n"
                                           "points: blue\n"
                                           "ledger: 8\n"
                                           "holder: resident\n"
                                           "earn: {visited: {on: {workflow: visit}, account: case.who, amount: '5'}}\n"
                                           "deduct: {missed: {on: {workflow: visit, outcome: done}, account: case.who, amount: '2'}}\n",
                                 NULL);
    people(&c);
    const int64_t id = community_open(&c, "visit", "{'who': 'wang'}");
    community_send(&c, id, "close", NULL, GOV_OK);
    static const char *const kinds[] = {"deducted", "earned"};
    for (int i = 0; i < 2; i++) {
        gov_error *err = NULL;
        int64_t points = -1;
        (void)snprintf(json, sizeof json, "{'programme': 'blue', 'transfer': '%lld', 'reason': 'nobody came'}", (long long)newest(&c, kinds[i]));
        run(&c, "points.reverse", json, GOV_OK, NULL);
        community_send(&c, id, "reopen", NULL, GOV_OK);
        community_send(&c, id, "close", NULL, GOV_OK);
        assert_gov_ok(gov_points_balance(c.g, "blue", NULL, "wang", &points, &err), err);
        assert_int_equal(points, i == 0 ? 5 : 0);
    }
    verify(&c, GOV_OK, NULL);
    community_free(&c);
}

/* ---- warnings ---- */

typedef struct counted {
    int notices;
    int64_t points;
} counted;

static gov_status count_notice(void *user, const journal_record *r)
{
    counted *n = user;
    base_arena arena;
    value doc;
    if (strcmp(r->kind, "points.notice") != 0)
        return GOV_OK;
    base_arena_init(&arena, NULL);
    assert_int_equal(value_read_document(&arena, r->data_text, r->data_len, &doc, NULL), GOV_OK);
    const value effects = value_get_text(doc, "effects");
    assert_int_equal(effects.len, 1);
    const value note = value_get_text(effects.as.items[0], "notify");
    assert_true(value_is_text(value_get_text(note, "template"), "soon"));
    assert_true(value_get_text(note, "to").as.i == r->subject);
    n->notices++;
    n->points += value_get_text(value_get_text(note, "data"), "points").as.i;
    base_arena_free(&arena);
    return GOV_OK;
}

static counted notices(community *c)
{
    counted n = {0};
    assert_int_equal(journal_read(c->g->journal, &(journal_filter){0}, count_notice, &n, NULL), GOV_OK);
    return n;
}

static void holders_are_told_once(void **state)
{
    enum { DAY = 24 * 60 };
    community c = community_make(support_store_of(state), rules, NULL);
    people(&c);
    run(&c, "points.award", "{'account': 'wang', 'rule': 'gift', 'points': 5}", GOV_OK, NULL);
    run(&c, "points.award", "{'account': 'wang', 'rule': 'gift', 'points': 6}", GOV_OK, NULL);
    run(&c, "points.award", "{'account': 'zhao', 'rule': 'gift', 'points': 7}", GOV_OK, NULL);
    (void)community_advance(&c, 49 * DAY);
    assert_int_equal(notices(&c).notices, 0);
    (void)community_advance(&c, 2 * DAY);
    counted n = notices(&c);
    assert_int_equal(n.notices, 2); /* one for each holder, over all their lots */
    assert_int_equal(n.points, 18);
    run(&c, "points.award", "{'account': 'zhao', 'rule': 'gift', 'points': 1}", GOV_OK, NULL);
    (void)community_advance(&c, 5 * DAY);
    assert_int_equal(notices(&c).notices, 2);
    assert_int_equal(balance(&c, "wang"), 11);
    (void)community_advance(&c, 5 * DAY);
    assert_int_equal(balance(&c, "wang"), 0);
    assert_int_equal(balance(&c, "zhao"), 1);
    (void)community_advance(&c, 60 * DAY);
    assert_int_equal(balance(&c, "zhao"), 0);
    assert_int_equal(notices(&c).notices, 3);
    verify(&c, GOV_OK, NULL);
    community_free(&c);
}

#define LOAN                                                                                                          \
    "transferable: anyone\n"                                                                                          \
    "---\n"                                                                                                           \
    "workflow: loan\n"                                                                                                \
    "fields: {who: {type: resident}, to: {type: resident}}\n"                                                         \
    "events: {hand_over: {by: [officer]}, keep: {by: [officer]}}\n"                                                   \
    "states:\n"                                                                                                       \
    "  held:\n"                                                                                                       \
    "    entry: [{transfer: {id: hold, ledger: green, from: case.who, to: case.to, amount: '20', pending: 30 days}}]\n" \
    "    on: {hand_over: {do: [{transfer: {post: hold}}]}, keep: {do: [{transfer: {void: hold}}]}, hold.done: over, "   \
    "hold.failed: over, hold.expired: over}\n"                                                                         \
    "  over: {type: final}\n"

static void expect_notices(community *c, int count, int64_t points)
{
    const counted n = notices(c);
    assert_int_equal(n.notices, count);
    assert_int_equal(n.points, points);
}

/* Who gets points, or gets them back, when the others have been told already is told at once; nobody is told of the same ones twice. */
static void what_comes_late_is_told_at_once(void **state)
{
    enum { DAY = 24 * 60 };
    char json[96];
    community c = community_make(support_store_of(state), HEAD SHOP LOAN, NULL);
    people(&c);
    run(&c, "points.award", "{'account': 'wang', 'rule': 'gift', 'points': 163}", GOV_OK, NULL);
    (void)community_advance(&c, 49 * DAY);
    const int64_t order = run(&c, "points.redeem", "{'account': 'wang', 'item': 'song', 'quantity': 10}", GOV_OK, NULL);
    const int64_t fine = run(&c, "points.award", "{'account': 'wang', 'rule': 'fine', 'evidence': 'seen'}", GOV_OK, NULL);
    const int64_t lent = community_open(&c, "loan", "{'who': 'wang', 'to': 'zhao'}");
    const int64_t kept = community_open(&c, "loan", "{'who': 'wang', 'to': 'zhao'}");
    (void)community_advance(&c, 2 * DAY);
    expect_notices(&c, 1, 20);
    (void)snprintf(json, sizeof json, "{'order': '%lld'}", (long long)order);
    run(&c, "points.cancel", json, GOV_OK, NULL);
    expect_notices(&c, 2, 120);
    (void)snprintf(json, sizeof json, "{'transfer': '%lld', 'reason': 'another dog'}", (long long)fine);
    run(&c, "points.reverse", json, GOV_OK, NULL);
    expect_notices(&c, 3, 123);
    community_send(&c, lent, "hand_over", NULL, GOV_OK);
    expect_notices(&c, 4, 143); /* zhao, who has them now */
    community_send(&c, kept, "keep", NULL, GOV_OK);
    expect_notices(&c, 5, 163); /* wang, who has them still */
    run(&c, "points.transfer", "{'account': 'wang', 'to': 'zhao', 'points': 40}", GOV_OK, NULL);
    expect_notices(&c, 6, 203);
    /* What was told of once may come and go. */
    const int64_t again = run(&c, "points.redeem", "{'account': 'wang', 'item': 'song', 'quantity': 5}", GOV_OK, NULL);
    (void)snprintf(json, sizeof json, "{'order': '%lld'}", (long long)again);
    run(&c, "points.cancel", json, GOV_OK, NULL);
    (void)community_advance(&c, 4 * DAY);
    expect_notices(&c, 6, 203);
    assert_int_equal(balance(&c, "wang") + balance(&c, "zhao"), 163);
    (void)community_advance(&c, 6 * DAY);
    assert_int_equal(balance(&c, "wang") + balance(&c, "zhao"), 0);
    expect_notices(&c, 6, 203);
    verify(&c, GOV_OK, NULL);
    community_free(&c);
}

/* Passed on in good time, points are told of in good time to whoever has them then. */
static void what_is_passed_on_is_told_in_time(void **state)
{
    enum { DAY = 24 * 60 };
    community c = community_make(support_store_of(state), HEAD SHOP LOAN, NULL);
    people(&c);
    run(&c, "points.award", "{'account': 'wang', 'rule': 'gift', 'points': 9}", GOV_OK, NULL);
    (void)community_advance(&c, 20 * DAY);
    run(&c, "points.transfer", "{'account': 'wang', 'to': 'zhao', 'points': 9}", GOV_OK, NULL);
    expect_notices(&c, 0, 0);
    (void)community_advance(&c, 31 * DAY);
    expect_notices(&c, 1, 9);
    community_free(&c);
}

/* What has expired cannot be spent even where nobody has ticked yet. */
static void late_ticks_save_nothing(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    people(&c);
    run(&c, "points.award", "{'account': 'wang', 'rule': 'gift', 'points': 50}", GOV_OK, NULL);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(61) * 86400 * 1000000, &err), err);
    assert_int_equal(balance(&c, "wang"), 0);
    run(&c, "points.redeem", "{'account': 'wang', 'item': 'song'}", GOV_E_REFUSED, "points_not_enough");
    (void)community_advance(&c, 1);
    assert_int_equal(balance(&c, "wang"), 0);
    verify(&c, GOV_OK, NULL);
    community_free(&c);
}

/* ---- bad input ---- */

static void bad_calls_change_nothing(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    people(&c);
    static const struct {
        const char *name, *json;
        gov_status status;
        const char *code;
    } cases[] = {
        {"points.award", "{'account': 'wang', 'rule': 'gift', 'points': -1}", GOV_E_RANGE, "points_amount"},
        {"points.award", "{'account': 'wang', 'rule': 'gift', 'quantity': -1}", GOV_E_RANGE, "points_quantity"},
        {"points.award", "{'account': 'wang', 'rule': 'gfit', 'points': 1}", GOV_E_RULE, "points_rule_near"},
        {"points.award", "{'account': 'nobody', 'rule': 'gift', 'points': 1}", GOV_E_INPUT, "unknown_reference"},
        {"points.award", "{'account': 'wang', 'rule': 'gift', 'points': 'many'}", GOV_E_INPUT, "bad_field"},
        {"points.award", "{'account': 'wang', 'rule': 'fine'}", GOV_E_REFUSED, "points_evidence"},
        {"points.award", "{'account': 'wang', 'rule': 'fine', 'evidence': ''}", GOV_E_REFUSED, "points_evidence"},
        {"points.award", "{'account': 'wang', 'rule': 'fine', 'evidence': ' \\t\\n'}", GOV_E_REFUSED, "points_evidence"},
        {"points.award", "{'account': 'wang', 'rule': 'fine', 'evidence': '\u3000\u00a0\u2003'}", GOV_E_REFUSED, "points_evidence"},
        {"points.award", "{'programme': 'blue', 'account': 'wang', 'rule': 'gift'}", GOV_E_INPUT, "operand_section"},
        {"points.redeem", "{'account': 'wang', 'item': 'rice', 'quantity': -3}", GOV_E_RANGE, "points_quantity"},
        {"points.redeem", "{'account': 'wang', 'item': 'gold', 'quantity': 3}", GOV_E_RANGE, "overflow"},
        {"points.redeem", "{'account': 'wang', 'item': 'gold'}", GOV_E_REFUSED, "points_not_enough"},
        {"points.redeem", "{'account': 'wang', 'item': 'rcie'}", GOV_E_NOT_FOUND, "points_item_unknown"},
        {"points.redeem", "{'account': 'wang'}", GOV_E_INPUT, "missing_field"},
        {"points.fulfil", "{'order': 12}", GOV_E_NOT_FOUND, "points_order_unknown"},
        {"points.cancel", "{'order': -1}", GOV_E_INPUT, "bad_field"},
        {"points.return", "{'order': '9223372036854775807'}", GOV_E_NOT_FOUND, "points_order_unknown"},
        {"points.stock", "{'item': 'song', 'add': 1}", GOV_E_REFUSED, "points_unlimited"},
        {"points.stock", "{'item': 'rice', 'add': -2}", GOV_E_REFUSED, "points_sold_out"},
        {"points.stock", "{'item': 'rice', 'add': 9223372036854775807}", GOV_E_REFUSED, "points_refused"},
        {"points.orders", "{'status': 'lost'}", GOV_E_INPUT, "bad_field"},
        {"points.orders", "{'limit': 0}", GOV_E_INPUT, "bad_field"},
        {"points.statement", "{'account': 'wang', 'limit': 1001}", GOV_E_INPUT, "bad_field"},
        {"points.appeal", "{'account': 'wang', 'text': 'why'}", GOV_E_NOT_FOUND, "points_deduction_unknown"},
        {"points.rule_appeal", "{'deduction': 5, 'granted': true, 'reason': 'x'}", GOV_E_NOT_FOUND, "points_deduction_unknown"},
        {"points.transfer", "{'account': 'wang', 'to': 'zhao', 'points': 1}", GOV_E_REFUSED, "points_stay"},
        {"points.reverse", "{'transfer': 5, 'reason': 'x'}", GOV_E_NOT_FOUND, "points_transfer_unknown"},
        {"points.notice", "{'programme': 'green', 'expires': 1}", GOV_E_NOT_FOUND, "operation_unknown"},
        {"points.lapse", "{'order': 1}", GOV_E_NOT_FOUND, "operation_unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_message("%s %s\n", cases[i].name, cases[i].json);
        run(&c, cases[i].name, cases[i].json, cases[i].status, cases[i].code);
    }
    assert_int_equal(balance(&c, "wang"), 0);
    /* All of 63 bits can be held, and one more cannot. */
    run(&c, "points.award", "{'account': 'wang', 'rule': 'big'}", GOV_OK, NULL);
    run(&c, "points.award", "{'account': 'wang', 'rule': 'gift', 'points': 1}", GOV_E_REFUSED, "points_refused");
    run(&c, "points.redeem", "{'account': 'wang', 'item': 'gold'}", GOV_OK, NULL);
    verify(&c, GOV_OK, NULL);
    community_free(&c);
}

static void load_refused(const char *text, const char *code)
{
    gov_error *err = NULL;
    gov_rulebook *book = NULL;
    char path[512];
    char *dir = support_tmpdir();
    support_write(support_path(path, dir, "rulebook.yaml"), text, strlen(text));
    assert_gov(GOV_E_RULE, gov_rulebook_load(NULL, path, 0, &book, &err), err);
    bool found = false;
    for (size_t i = 0; i < gov_error_count(err); i++)
        found = found || (strcmp(gov_error_code(err, i), code) == 0 && gov_error_line(err, i) > 0);
    if (!found) {
        print_message("wanted %s of:\n%s\n", code, text);
        support_print_error(err);
    }
    assert_true(found);
    gov_error_free(err);
    support_rmdir(dir);
}

#define PLAIN "---\npoints: blue\nledger: 8\nholder: resident\n"
#define MOVES(ends)                                                                                                  \
    "---\nworkflow: w\nfields: {who: {type: resident}, to: {type: resident}}\nevents: {ask: {by: [officer]}}\n"        \
    "states: {a: {on: {ask: {to: b, do: [{transfer: {ledger: green, " ends ", amount: '1'}}]}}}, b: {type: final}}\n"
#define STATUTE(inside)                                                                                       \
    HEAD SHOP "---\nworkflow: relief\nstatutory: true\nfields: {who: {type: resident}, n: {type: int, default: 0}}\n" \
              "events: {ask: {by: [officer]}}\nstates:\n  a: {on: {ask: " inside "}}\n  b: {type: final}\n"

#define HELPER(to)                                                                                            \
    "---\nworkflow: helper\nfields: {who: {type: resident}}\nevents: {x: {by: [officer]}}\nstates:\n"         \
    "  a: {entry: [{send: {event: told, to: " to ", data: '{\"n\": balance(case.who, \"green\")}'}}], on: {x: b}}\n  b: {type: final}\n"

static void mistakes_are_found_in_the_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code;
    } cases[] = {
        {HEAD PLAIN "earn: [1]\n", "wrong_kind"},
        {HEAD PLAIN "earn: {a: {amuont: '1'}}\n", "unknown_key"},
        {HEAD PLAIN "earn: {a: {amount: '-1'}}\n", "points_amount"},
        {HEAD PLAIN "earn: {a: {amount: quantty}}\n", "undeclared_reference"},
        {HEAD PLAIN "earn: {a: {when: '1'}}\n", "wrong_result"},
        {HEAD PLAIN "earn: {a: {account: '1'}}\n", "missing_key"},
        {HEAD PLAIN "earn: {a: {cap: {per: hour, amount: 1}}}\n", "unknown_word"},
        {HEAD PLAIN "earn: {a: {cap: {per: day}}}\n", "missing_key"},
        {HEAD PLAIN "earn: {a: {on: {workflow: chekc}, amount: '1'}}\n" WORKFLOW, "unknown_name"},
        {HEAD SHOP PLAIN "earn: {a: {on: {workflow: check, event: sell}, amount: '1'}}\n" WORKFLOW, "unknown_name"},
        {HEAD SHOP PLAIN "earn: {a: {on: {workflow: check, outcome: won}, amount: '1'}}\n" WORKFLOW, "unknown_name"},
        {HEAD SHOP PLAIN "earn: {a: {on: {workflow: check}, amount: case.points}}\n" WORKFLOW, "undeclared_reference"},
        {HEAD SHOP PLAIN "earn: {a: {on: {workflow: check}}}\n" WORKFLOW, "missing_key"},
        {HEAD PLAIN "goods: 8\n", "points_ledger_taken"},
        {HEAD SHOP PLAIN "goods: 7\n", "points_ledger_taken"},
        {HEAD PLAIN "expires: 12 moths\n", "duration_unit_near"},
        {HEAD PLAIN "expires: {after: 1 year, notice: 3 days}\n", "missing_key"},
        {HEAD PLAIN "expires: {after: 1 year, notice: 3 days, template: gone}\n", "unknown_name"},
        {HEAD PLAIN "expires: end of year\ndeduct: {a: {amount: '1', if_short: owe}}\n", "points_owe_expires"},
        {HEAD PLAIN "catalogue: {a: {price: 1, stock: 3}}\n", "points_goods"},
        {HEAD PLAIN "catalogue: {a: {stock: unlimited}}\n", "missing_key"},
        {HEAD PLAIN "catalogue: {a: {price: 1, stock: unlimited, entitlement: true}}\n", "unknown_key"},
        {HEAD PLAIN "catalogue: {a: {price: 1, stock: unlimited, service: gone}}\n", "unknown_name"},
        {HEAD PLAIN "tiers: {levels: {a: {}}}\n", "missing_key"},
        {HEAD PLAIN "top: {most: 0}\n", "out_of_bounds"},
        {HEAD PLAIN "top: {consent: shown}\n", "points_consent"},
        {STATUTE("{when: \"balance(case.who, 'green') > 5\", to: b}"), "points_statutory"},
        {STATUTE("{when: \"[1, 2].exists(x, tier(case.who, 'green') == 'one')\", to: b}"), "points_statutory"},
        {STATUTE("{to: b, do: [{set: {n: \"balance(case.who, 7)\"}}]}"), "points_statutory"},
        {STATUTE("{to: b, do: [{deduct: {account: case.who, reason: fine}}]}"), "points_statutory"},
        {STATUTE("{to: b, do: [{if: 'true', then: [{redeem: {account: case.who, item: song}}]}]}"), "points_statutory"},
        {HEAD SHOP "---\nworkflow: relief\nstatutory: true\nfields: {who: {type: resident}}\n"
                   "roles: {rich: {when: \"balance(case.who, 'green') > 5\"}}\n"
                   "events: {ask: {by: [rich]}}\nstates: {a: {on: {ask: b}}, b: {type: final}}\n",
         "points_statutory"},
        {STATUTE("{to: c}}, after: {delay: {expr: \"duration(string(balance(case.who, 7)) + 's')\"}, to: b}}\n  c: {on: {ask: b"),
         "points_statutory"},
        {STATUTE("{to: b, do: [{transfer: {ledger: green, from: case.who, to: issuer, amount: '1'}}]}"), "points_statutory"},
        {STATUTE("{when: \"balance(case.who, 'grene') > 5\", to: b}"), "points_unknown"},
        {HEAD SHOP MOVES("from: case.who, to: case.to"), "points_stay"},
        {HEAD SHOP "transferable: anyone\n" MOVES("from: case.who, to: \"'issuer'\""), "points_by_deduct"},
        {HEAD SHOP "transferable: anyone\n" MOVES("from: \"'issuer'\", to: case.who"), "points_by_award"},
        {HEAD SHOP HELPER("parent") "---\nworkflow: relief\nstatutory: true\nfields: {who: {type: resident}}\n"
                   "states:\n  a: {entry: [{open: {workflow: middle, fields: {who: case.who}}}], on: {child.told: b}}\n"
                   "  b: {type: final}\n"
                   "---\nworkflow: middle\nfields: {who: {type: resident}}\n"
                   "states:\n  a: {entry: [{open: {workflow: helper, fields: {who: case.who}}}], on: {child.told: b}}\n"
                   "  b: {type: final}\n",
         "points_statutory_path"},
        {HEAD SHOP "---\nworkflow: relief\nstatutory: true\nfields: {who: {type: resident}, n: {type: int}}\n"
                   "states: {a: {on: {go: b}}, b: {type: final}}\nevents: {go: {by: [officer]}}\n"
                   "---\nworkflow: maker\nfields: {who: {type: resident}}\nevents: {go: {by: [officer]}}\n"
                   "states:\n  a: {on: {go: {to: b, do: [{open: {workflow: relief, fields: {who: case.who, n: \"balance(case.who, "
                   "'green')\"}}}]}}}\n  b: {type: final}\n",
         "points_statutory_path"},
        {HEAD SHOP HELPER("benefit") "---\nworkflow: relief\nstatutory: true\nfields: {who: {type: resident}}\n"
                   "states: {a: {on: {told: b}}, b: {type: final}}\n",
         "points_statutory_path"},
        /* What another case has read is read off that case. */
        {HEAD SHOP "---\nworkflow: relief\nstatutory: true\nfields: {who: {type: resident}}\nevents: {go: {by: [officer]}}\n"
                   "states: {a: {on: {go: [{when: \"size(cases('rich', 'who', case.who)) > 0\", to: b}]}}, b: {type: final}}\n"
                   "---\nworkflow: rich\nfields: {who: {type: resident, indexed: true}, n: {type: int, default: 0}}\nevents: {go: {by: [officer]}}\n"
                   "states: {a: {on: {go: {to: b, do: [{set: {n: \"balance(case.who, 'green')\"}}]}}}, b: {type: final}}\n",
         "points_statutory_path"},
        {HEAD SHOP "---\nworkflow: relief\nstatutory: true\nfields: {who: {type: resident}}\n"
                   "states: {a: {on: {go: b}}, b: {type: final}}\nevents: {go: {by: [officer]}}\n"
                   "---\nschedule: rich\nover: {resident: \"balance(it.id, 'green') > 5\"}\nevery: 1 month\n"
                   "do: [{open: {workflow: relief, fields: {who: it.id}}}]\n",
         "points_statutory_path"},
        {HEAD SHOP "---\npoints: blue\nledger: 8\nholder: resident\ncatalogue: {hearing: {price: 5, stock: unlimited, service: relief}}\n"
                   "---\nworkflow: relief\nstatutory: true\nevents: {ask: {by: [officer]}}\nstates: {a: {on: {ask: b}}, b: {type: final}}\n",
         "points_statutory"},
        {HEAD SHOP "---\nworkflow: w\nevents: {ask: {by: [officer]}}\nstates: {a: {on: {ask: {to: b, do: [{redeem: {account: "
                   "case.reporter, item: sogn}}]}}}, b: {type: final}}\n",
         "points_item_unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        load_refused(cases[i].text, cases[i].code);
}

/* ---- behind the ledger's back ---- */

static gov_status lose_an_order(void *user, const diag *d)
{
    static const store_sql sql = {"UPDATE gov_points_order SET status = 3 WHERE community = $1 AND status = 1", 0};
    const gov *g = user;
    return store_post(g->store, &sql, STORE_ARGS(store_i(g->community)), 1, d);
}

static void a_lost_order_is_noticed(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    people(&c);
    run(&c, "points.award", "{'account': 'wang', 'rule': 'gift', 'points': 100}", GOV_OK, NULL);
    run(&c, "points.redeem", "{'account': 'wang', 'item': 'rice'}", GOV_OK, NULL);
    verify(&c, GOV_OK, NULL);
    assert_int_equal(store_run(c.g->store, lose_an_order, c.g, NULL), GOV_OK);
    verify(&c, GOV_E_VERIFY, "row_differs");
    community_free(&c);
}

/* ---- want of memory ---- */

static gov_status step(community *c, const char *name, const char *json, char *id)
{
    char text[256];
    gov_value *out = NULL;
    (void)snprintf(text, sizeof text, json, id);
    gov_value *in = community_json(text);
    const gov_status rc = gov_operation_run(c->g, name, in, NULL, &out, NULL);
    if (rc == GOV_OK && gov_value_int(gov_value_get(out, "id")) != 0)
        (void)snprintf(id, 32, "%lld", (long long)gov_value_int(gov_value_get(out, "id")));
    gov_value_free(in);
    gov_value_free(out);
    return rc;
}

static gov_status live_through(community *c, void *user)
{
    (void)user;
    static const char *const steps[][2] = {
        {"points.award", "{'account': 'wang', 'rule': 'gift', 'points': 130}"},
        {"points.redeem", "{'account': 'wang', 'item': 'rice'}"},
        {"points.fulfil", "{'order': %s}"},
        {"points.return", "{'order': %s}"},
        {"points.award", "{'account': 'wang', 'rule': 'fine', 'evidence': 'x'}"},
        {"points.appeal", "{'account': 'wang', 'deduction': %s, 'text': 'y'}"},
        {"points.rule_appeal", "{'deduction': %s, 'granted': true, 'reason': 'z'}"},
        {"points.orders", "{}"},
        {"points.deductions", "{}"},
        {"points.catalogue", "{}"},
        {"points.statement", "{'account': 'wang'}"},
        {"points.expiring", "{'within': '1 year'}"},
        {"points.tier", "{'account': 'wang'}"},
        {"points.top", "{}"}};
    char id[32] = "";
    gov_value *f = community_json("{'name': 'x'}");
    gov_status rc = gov_record_put(c->g, "resident", "wang", f, NULL, NULL);
    gov_value_free(f);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && rc == GOV_OK; i++)
        rc = step(c, steps[i][0], steps[i][1], id);
    return rc;
}

static void survives_want_of_memory(void **state)
{
    community_without_memory(support_store_of(state), rules, live_through, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(the_last_bag_goes_to_one),
        STORE_TESTS(two_connections_take_turns),
        STORE_TESTS(many_hands_keep_the_sums),
        STORE_TESTS(cases_spend_and_see_tiers),
        STORE_TESTS(older_cases_can_close),
        STORE_TESTS(an_award_taken_back_is_not_earned_again),
        STORE_TESTS(holders_are_told_once),
        STORE_TESTS(what_comes_late_is_told_at_once),
        STORE_TESTS(what_is_passed_on_is_told_in_time),
        STORE_TESTS(late_ticks_save_nothing),
        STORE_TESTS(bad_calls_change_nothing),
        cmocka_unit_test(mistakes_are_found_in_the_rules),
        STORE_TESTS(a_lost_order_is_noticed),
        STORE_TEST(survives_want_of_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
