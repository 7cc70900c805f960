/* Hours between two communities under fire: processes send, carry messages to and fro, recall and write off at random between two stores,
 * while one after the other is killed. Afterwards no minute has been made or lost, and nothing that was acknowledged is missing. */
#include "support/fire.h"
#include "support/neighbours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rules[] =
    "rulebook: tiny\n"
    "version: '1'\n"
    "time_zone: Asia/Shanghai\n"
    "roles: {bank: {title: {zh: 时间银行}}}\n"
    "permissions: {timebank.rule: [bank]}\n"
    "---\n"
    "time_bank: hours\n"
    "ledger: 3\n"
    "pool: {}\n"
    "answer_within: 0 minutes\n"
    "skills: {company: {}}\n";

/* ---- a worker ---- */

static gov_status attach(side *s)
{
    gov_options o;
    gov_options_init(&o, sizeof o); /* with real random numbers: others make ids at the same time */
    s->c = (community){0};
    gov_status rc = gov_store_open(s->url, &o, &s->c.store, NULL);
    if (rc == GOV_OK)
        rc = gov_attach(s->c.store, NULL, &s->c.g, NULL);
    if (rc == GOV_OK)
        rc = gov_act_as_host(s->c.g, "test", NULL);
    return rc == GOV_OK ? gov_set_now(s->c.g, COMMUNITY_START, NULL) : rc;
}

static bool fair(gov_status rc)
{
    return rc == GOV_OK || rc == GOV_E_REFUSED || rc == GOV_E_BUSY || rc == GOV_E_RETRY;
}

static gov_status ask(side *s, const char *name, const char *json, gov_value **out)
{
    char code[64];
    gov_value *in = community_json(json);
    const gov_status rc = side_try(s, name, in, out, code);
    gov_value_free(in);
    return rc;
}

static gov_status send_some(side s[SIDES], unsigned from, uint64_t *seed, int out)
{
    char json[512];
    gov_value *v = NULL;
    const int minutes = 1 + (int)fire_random(seed, 60);
    (void)snprintf(json, sizeof json, "{'peer': '%s', 'resident': '%s%u', 'to': '%s%u', 'minutes': %d, 'key': '%s'}", side_names[1 - from],
                   side_names[from], fire_random(seed, SIDE_MEMBERS), side_names[1 - from], fire_random(seed, SIDE_MEMBERS + 1), minutes, s[from].secret);
    const gov_status rc = ask(&s[from], "timebank.send_hours", json, &v);
    const fire_ack ack = {.what = from, .amount = minutes, .id = rc == GOV_OK ? side_number(v, "id") : 0};
    gov_value_free(v);
    return rc == GOV_OK && !fire_tell(out, &ack) ? GOV_E_STORE : rc;
}

/* What waits at one side is brought to the other, from somewhere on, and the answers back; most of them. */
static gov_status carry(side s[SIDES], unsigned from, uint64_t *seed)
{
    char code[64], path[64];
    gov_value *list = NULL;
    gov_status rc = ask(&s[from], "timebank.outbox", "{}", &list);
    const size_t count = rc == GOV_OK ? gov_value_count(gov_value_find(list, "messages")) : 0;
    size_t i = count > 0 && fire_random(seed, 4) == 0 ? fire_random(seed, (uint32_t)count) : 0;
    for (; i < count && fair(rc) && fire_random(seed, 12) != 0; i++) {
        gov_value *v = NULL;
        (void)snprintf(path, sizeof path, "messages.%zu.message", i);
        char *message = side_text(list, path), *answer;
        rc = side_deliver(&s[1 - from], message, &v, code);
        answer = rc == GOV_OK ? side_text(v, "answer") : NULL;
        gov_value_free(v);
        v = NULL;
        if (answer != NULL && fire_random(seed, 4) != 0)
            rc = side_deliver(&s[from], answer, &v, code);
        gov_value_free(v);
        free(answer);
        free(message);
    }
    gov_value_free(list);
    return rc;
}

static gov_status write_off(side *s, const char *about, bool back)
{
    char json[256];
    (void)snprintf(json, sizeof json, "{%s, 'give_back': %s}", about, back ? "true" : "false");
    gov_status rc = ask(s, "timebank.write_off", json, NULL);
    (void)snprintf(json, sizeof json, "{%s}", about);
    if (rc == GOV_OK)
        rc = gov_act_as(s->c.g, "hu", "clear", NULL);
    if (rc == GOV_OK)
        rc = ask(s, "timebank.approve_write_off", json, NULL);
    const gov_status again = gov_act_as_host(s->c.g, "test", NULL);
    return again != GOV_OK ? again : rc;
}

static gov_status give_up(side s[SIDES], unsigned from, uint64_t *seed)
{
    char about[128], json[512], path[64], code[64];
    gov_value *v = NULL;
    gov_status rc = ask(&s[from], "timebank.transit", "{}", &v);
    const size_t count = rc == GOV_OK ? gov_value_count(gov_value_find(v, "transfers")) : 0;
    (void)snprintf(path, sizeof path, "transfers.%u.transfer", count > 0 ? fire_random(seed, (uint32_t)count) : 0);
    if (count > 0)
        (void)snprintf(about, sizeof about, "'peer': '%s', 'transfer': %lld", side_names[1 - from], (long long)side_number(v, path));
    gov_value_free(v);
    v = NULL;
    if (count == 0)
        return rc;
    if (fire_random(seed, 2) == 0)
        return write_off(&s[from], about, fire_random(seed, 2) == 0);
    (void)snprintf(json, sizeof json, "{%s, 'key': '%s'}", about, s[from].secret);
    rc = ask(&s[from], "timebank.recall", json, &v);
    char *message = rc == GOV_OK ? side_text(v, "message") : NULL, *answer = NULL;
    gov_value_free(v);
    v = NULL;
    if (message != NULL)
        rc = side_deliver(&s[1 - from], message, &v, code);
    if (message != NULL && rc == GOV_OK)
        answer = side_text(v, "answer");
    gov_value_free(v);
    v = NULL;
    if (answer != NULL)
        rc = side_deliver(&s[from], answer, &v, code);
    gov_value_free(v);
    free(message);
    free(answer);
    return rc;
}

static int work(void *user, int out, uint64_t number)
{
    side *s = user;
    uint64_t seed = number * UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned i = 0; i < SIDES; i++)
        for (gov_status rc = attach(&s[i]); rc != GOV_OK; rc = attach(&s[i])) {
            community_free(&s[i].c);
            if (!fair(rc))
                return 3;
        }
    for (;;) {
        const unsigned from = fire_random(&seed, SIDES), what = fire_random(&seed, 10);
        const gov_status rc = what < 4   ? send_some(s, from, &seed, out)
                              : what < 9 ? carry(s, from, &seed)
                                         : give_up(s, from, &seed);
        if (!fair(rc))
            return 4 + what;
    }
}

/* ---- what has to be true ---- */

/* The network behaves until nothing waits for an answer. */
static void come_to_rest(side s[SIDES])
{
    for (int round = 0; round < 400 && side_waiting(&s[0]) + side_waiting(&s[1]) > 0; round++) {
        const unsigned from = (unsigned)round % SIDES;
        gov_value *list = side_run(&s[from], "timebank.outbox", "{}");
        const size_t count = gov_value_count(gov_value_find(list, "messages"));
        for (size_t i = 0; i < count; i++) {
            char path[64];
            (void)snprintf(path, sizeof path, "messages.%zu.message", i);
            char *answer = side_pass(&s[1 - from], side_text(list, path));
            gov_value *v = NULL;
            char code[64];
            if (answer != NULL) /* it may come before others that the other side has yet to bring */
                (void)side_deliver(&s[from], answer, &v, code);
            gov_value_free(v);
            free(answer);
        }
        gov_value_free(list);
    }
    assert_int_equal(side_waiting(&s[0]) + side_waiting(&s[1]), 0);
}

static void assert_exact(side s[SIDES], const fire *f)
{
    gov_error *err = NULL;
    for (unsigned i = 0; i < SIDES; i++)
        side_reopen(&s[i]);
    for (size_t i = 0; i < f->count; i++) {
        gov_transfer t;
        assert_gov_ok(gov_ledger_lookup_transfers(s[f->acks[i].what].c.g, &f->acks[i].id, 1, &t, &err), err);
        if (t.id != f->acks[i].id)
            fail_msg("transfer %lld was acknowledged and is gone", (long long)f->acks[i].id);
        assert_true(t.amount == f->acks[i].amount);
    }
    for (unsigned i = 0; i < SIDES; i++) { /* as they were left */
        gov_value *report = NULL;
        assert_gov_ok(gov_verify(s[i].c.g, NULL, NULL, &report, &err), err);
        gov_value_free(report);
    }
    come_to_rest(s);
    int64_t sum = 0;
    for (unsigned i = 0; i < SIDES; i++) {
        gov_value *report = NULL, *list = side_run(&s[i], "timebank.transit", "{}");
        assert_int_equal(gov_value_count(gov_value_find(list, "transfers")), 0);
        gov_value_free(list);
        assert_int_equal(side_position(&s[i], "in_transit"), 0);
        assert_int_equal(side_position(&s[i], "sent"), side_position(&s[1 - i], "received"));
        sum += side_holdings(&s[i], i) + side_position(&s[i], "suspense");
        assert_gov_ok(gov_verify(s[i].c.g, NULL, NULL, &report, &err), err);
        gov_value_free(report);
    }
    assert_int_equal(side_position(&s[0], "position"), -side_position(&s[1], "position"));
    assert_int_equal(sum, SIDES * SIDE_MEMBERS * SIDE_START);
    side_free_both(s); /* no connection crosses a fork */
}

static void hours_hold_under_fire(void **state)
{
    side s[SIDES] = {0};
    fire f = {.work = work, .user = s};
    side_make_both(support_store_of(state), rules, s);
    for (unsigned i = 0; i < SIDES; i++)
        community_put(&s[i].c, "staff", "hu", "{'name': '胡', 'roles': ['bank']}");
    side_free_both(s);
    for (int round = 0; round < 2; round++) {
        fire_burn(&f, fire_seconds(2, 30));
        assert_exact(s, &f);
    }
    print_message("%d shots, %zu transfers acknowledged\n", f.shots, f.count);
    fire_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TESTS(hours_hold_under_fire)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
