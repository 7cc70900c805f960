/* Messages without a number - acknowledgements, recalls and what these are answered by - are bound to both chains: a peer that holds the right
 * key, but not the history that was exchanged, is found out. And gov_verify names the row of a clearing that somebody changed. */
#include "support/neighbours.h"
#include "timebank/timebank.h"

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

/* Reads and writes messages with a peer's own key, as a peer would that has its own idea of what was said. */
typedef struct forger {
    gov g; /* its scratch alone is used */
    uint8_t secret[TIMEBANK_SECRET];
} forger;

static void forger_begin(forger *f, const side *s)
{
    *f = (forger){.g.alloc = &base_malloc};
    base_arena_init(&f->g.scratch, &base_malloc);
    assert_true(base_unhex(s->secret, 2 * sizeof f->secret, f->secret));
}

static timebank_message forger_read(forger *f, const char *text)
{
    timebank_message m;
    assert_int_equal(timebank_read_message(&f->g, value_text(text), &m, NULL), GOV_OK);
    return m;
}

static const char *forger_sign(forger *f, timebank_message m)
{
    assert_int_equal(timebank_write_message(&f->g, &m, f->secret, NULL), GOV_OK);
    return m.text;
}

static void spoil(uint8_t *hash)
{
    hash[5] ^= 1;
}

/* Every way of having the wrong history, told by a message that is otherwise in order; `true_one` then goes through. */
static void assert_bound(forger *f, side *to, const char *true_one)
{
    timebank_message m = forger_read(f, true_one);
    timebank_message bad = m;
    spoil(bad.seen);
    side_doubts(to, forger_sign(f, bad));
    bad = m;
    bad.ack++; /* the hash of another one, or of none */
    side_doubts(to, forger_sign(f, bad));
    bad.ack = m.ack + 100;
    side_doubts(to, forger_sign(f, bad));
    bad = m;
    bad.ack = m.ack > 0 ? m.ack - 1 : m.ack;
    if (m.ack > 0)
        side_doubts(to, forger_sign(f, bad));
    bad = m;
    spoil(bad.previous);
    side_fails(to, forger_sign(f, bad), "timebank_chain");
}

static void acknowledgements_are_bound(void **state)
{
    side s[SIDES] = {0};
    forger f;
    side_make_both(support_store_of(state), rules, s);
    forger_begin(&f, &s[1]);
    char *ack = side_pass(&s[1], side_pass(&s[0], side_pass(&s[1], side_send(&s[0], "west", "east0", "west1", 300))));
    assert_non_null(strstr(ack, "\"kind\":\"ack\""));
    assert_bound(&f, &s[0], ack);
    assert_int_equal(side_waiting(&s[0]), 1); /* none of them acknowledged anything */
    /* One that says it follows what has not come yet is no mistake: it has overtaken that. */
    timebank_message ahead = forger_read(&f, ack);
    ahead.after = 7;
    assert_null(side_pass(&s[0], strdup(forger_sign(&f, ahead))));
    char *again = strdup(ack);
    assert_null(side_pass(&s[0], ack));
    assert_int_equal(side_waiting(&s[0]), 0);
    /* It comes again much later. */
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], side_pass(&s[1], side_send(&s[0], "west", "east0", "west1", 7))))));
    assert_null(side_pass(&s[0], again));
    assert_int_equal(side_position(&s[0], "position"), 307);
    base_arena_free(&f.g.scratch);
    side_free_both(s);
}

static char *recall(side *s)
{
    char json[512];
    gov_value *v = side_run(s, "timebank.transit", "{}");
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'transfer': %lld, 'key': '%s'}", (long long)side_number(v, "transfers.0.transfer"), s->secret);
    gov_value_free(v);
    v = side_run(s, "timebank.recall", json);
    char *message = side_text(v, "message");
    gov_value_free(v);
    return message;
}

/* Minutes that the peer has accepted do not come back because somebody with its key and an older state of its store says so. */
static void recalls_and_their_answers_are_bound(void **state)
{
    side s[SIDES] = {0};
    forger east, west;
    side_make_both(support_store_of(state), rules, s);
    forger_begin(&east, &s[0]);
    forger_begin(&west, &s[1]);
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], side_pass(&s[1], side_send(&s[0], "west", "east0", "west1", 300))))));
    free(side_send(&s[0], "west", "east0", "west1", 40));
    char *asked = recall(&s[0]);
    assert_true(forger_read(&east, asked).after == 3); /* it has overtaken the message that it asks about */
    timebank_message m = forger_read(&east, asked);
    spoil(m.seen);
    side_doubts(&s[1], forger_sign(&east, m));
    m = forger_read(&east, asked);
    m.after = 2;
    side_fails(&s[1], forger_sign(&east, m), "timebank_chain"); /* what is said to be the second is the third */
    char *proof = side_pass(&s[1], asked);
    assert_non_null(strstr(proof, "\"kind\":\"recalled\""));
    assert_bound(&west, &s[0], proof);
    assert_int_equal(side_position(&s[0], "in_transit"), 40);
    assert_null(side_pass(&s[0], proof));
    assert_int_equal(side_position(&s[0], "in_transit"), 0);
    assert_int_equal(side_minutes(&s[0], "east0"), SIDE_START - 300);
    base_arena_free(&east.g.scratch);
    base_arena_free(&west.g.scratch);
    side_free_both(s);
}

/* Numbered messages, too, say what they have seen; the first ones that there are, and those that nobody has answered yet. */
static void numbered_messages_are_bound(void **state)
{
    side s[SIDES] = {0};
    forger f;
    side_make_both(support_store_of(state), rules, s);
    forger_begin(&f, &s[1]);
    char *mine = side_send(&s[0], "west", "east0", "west1", 300);
    char *theirs = side_send(&s[1], "east", "west0", "east1", 20); /* they cross */
    assert_true(forger_read(&f, theirs).ack == 0);
    timebank_message bad = forger_read(&f, theirs);
    spoil(bad.seen);
    side_doubts(&s[0], forger_sign(&f, bad));
    bad = forger_read(&f, theirs);
    bad.ack = 1; /* it could not know its hash */
    side_doubts(&s[0], forger_sign(&f, bad));
    char *accept = side_pass(&s[1], mine);
    bad = forger_read(&f, accept);
    assert_true(bad.ack == 1 && bad.after == 1);
    spoil(bad.seen);
    char *yes = side_pass(&s[0], theirs);
    side_doubts(&s[0], forger_sign(&f, bad));
    bad = forger_read(&f, accept);
    bad.after = 0; /* does not go with its number */
    side_fails(&s[0], forger_sign(&f, bad), "timebank_message");
    char *settle = side_pass(&s[0], accept), *settled = side_pass(&s[1], yes);
    assert_null(side_pass(&s[0], side_pass(&s[1], settle)));
    assert_null(side_pass(&s[1], side_pass(&s[0], settled)));
    assert_int_equal(side_position(&s[0], "position"), 280);
    assert_int_equal(side_waiting(&s[0]) + side_waiting(&s[1]), 0);
    base_arena_free(&f.g.scratch);
    side_free_both(s);
}

/* A peer that comes back from an older copy of its store has not sent what we have of it, nor seen what we sent. */
static void a_lost_history_is_noticed(void **state)
{
    side s[SIDES] = {0};
    char code[64], json[512];
    side_make_both(support_store_of(state), rules, s);
    gov_error *err = NULL;
    assert_gov_ok(gov_begin(s[1].c.g, &err), err);
    gov_value *v = NULL;
    char *first = side_send(&s[0], "west", "east0", "west1", 300);
    assert_int_equal(side_deliver(&s[1], first, &v, code), GOV_OK);
    char *accept = side_text(v, "answer");
    gov_value_free(v);
    side_reopen(&s[1]); /* the answer is out, and what it rests on is gone */
    char *settle = side_pass(&s[0], accept);
    side_doubts(&s[1], settle);
    assert_int_equal(side_deliver(&s[1], settle, &v, code), GOV_OK); /* it is kept that something is missing */
    assert_int_equal(side_number(v, "forgotten"), 1);
    assert_null(side_text(v, "answer"));
    gov_value_free(v);
    (void)snprintf(json, sizeof json, "{'peer': 'east', 'resident': 'west0', 'to': 'east0', 'minutes': 5, 'key': '%s'}", s[1].secret);
    side_refused(&s[1], "timebank.send_hours", json, "timebank_forgotten");
    side_fails(&s[1], first, "timebank_forgotten"); /* it would be answered anew */
    assert_int_equal(side_position(&s[1], "position"), 0);
    side_recover(&s[1], &s[0]);
    assert_null(side_pass(&s[0], side_pass(&s[1], strdup(settle))));
    assert_int_equal(side_position(&s[1], "position"), -300);
    assert_int_equal(side_minutes(&s[1], "west1"), SIDE_START + 300);
    assert_int_equal(side_waiting(&s[0]) + side_waiting(&s[1]), 0);
    free(settle);
    free(first);
    side_free_both(s);
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

static gov_status room_verifies(void *user, const diag *d)
{
    return timebank_verify(user, d);
}

static void alter(side *s, const char *sql)
{
    gov_error *err = NULL;
    const diag d = {&base_malloc, &err};
    altering a = {s->c.g, {sql, STORE_DYNAMIC}};
    assert_gov_ok(store_run(s->c.g->store, alter_body, &a, &d), err);
}

/* want NULL: all is in order. */
static void assert_room(side *s, const char *want)
{
    gov_error *err = NULL;
    const diag d = {&base_malloc, &err};
    const gov_status rc = store_run(s->c.g->store, room_verifies, s->c.g, &d);
    if (want == NULL) {
        assert_gov_ok(rc, err);
        return;
    }
    assert_int_equal(rc, GOV_E_VERIFY);
    assert_string_equal(gov_error_code(err, 0), "timebank_uneven");
    if (strstr(gov_error_message(err, 0, "en"), want) == NULL)
        fail_msg("\"%s\" does not name \"%s\"", gov_error_message(err, 0, "en"), want);
    gov_error_free(err);
}

static void write_off(side *s, bool back)
{
    char json[256];
    gov_error *err = NULL;
    gov_value *v = side_run(s, "timebank.transit", "{}");
    const int64_t transfer = side_number(v, "transfers.0.transfer");
    gov_value_free(v);
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'transfer': %lld, 'give_back': %s}", (long long)transfer, back ? "true" : "false");
    gov_value_free(side_run(s, "timebank.write_off", json));
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'transfer': %lld}", (long long)transfer);
    assert_gov_ok(gov_act_as(s->c.g, "hu", "clear", &err), err);
    gov_value_free(side_run(s, "timebank.approve_write_off", json));
    assert_gov_ok(gov_act_as_host(s->c.g, "test", &err), err);
}

static void verify_names_suspense(void **state)
{
    side s[SIDES] = {0};
    side_make_both(support_store_of(state), rules, s);
    community_put(&s[0].c, "staff", "hu", "{'name': '胡', 'roles': ['bank']}");
    /* One that was given back and accepted after all, one that is written off. */
    char *yes = side_pass(&s[1], side_send(&s[0], "west", "east0", "west1", 300));
    write_off(&s[0], true);
    assert_room(&s[0], NULL);
    alter(&s[0], "UPDATE gov_timebank_clearing SET state = 6 WHERE state = 7");
    assert_room(&s[0], "suspense for west");
    alter(&s[0], "UPDATE gov_timebank_clearing SET state = 7 WHERE state = 6");
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], yes))));
    assert_int_equal(side_position(&s[0], "suspense"), -300);
    assert_room(&s[0], NULL);
    alter(&s[0], "UPDATE gov_timebank_clearing SET given_back = 0 WHERE state = 3");
    assert_room(&s[0], "suspense for west");
    alter(&s[0], "UPDATE gov_timebank_clearing SET given_back = 1 WHERE state = 3");
    free(side_send(&s[0], "west", "east0", "west1", 90));
    write_off(&s[0], false);
    assert_int_equal(side_position(&s[0], "suspense"), -210);
    assert_room(&s[0], NULL);
    static const char *const changes[][3] = {
        {"UPDATE gov_timebank_clearing SET state = 7 WHERE state = 6", "UPDATE gov_timebank_clearing SET state = 6 WHERE state = 7", "suspense for west"},
        {"UPDATE gov_timebank_clearing SET state = 4 WHERE state = 6", "UPDATE gov_timebank_clearing SET state = 6 WHERE state = 4", "suspense for west"},
        {"UPDATE gov_timebank_clearing SET state = 1 WHERE state = 6", "UPDATE gov_timebank_clearing SET state = 6 WHERE state = 1", "position with west"},
        {"UPDATE gov_timebank_clearing SET minutes = 80 WHERE state = 6", "UPDATE gov_timebank_clearing SET minutes = 90 WHERE state = 6", "transfer "}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        gov_error *err = NULL;
        alter(&s[0], changes[i][0]);
        assert_room(&s[0], changes[i][2]);
        assert_int_equal(gov_verify(s[0].c.g, NULL, NULL, NULL, &err), GOV_E_VERIFY);
        gov_error_free(err);
        alter(&s[0], changes[i][1]);
        assert_room(&s[0], NULL);
    }
    side_free_both(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(acknowledgements_are_bound), STORE_TESTS(recalls_and_their_answers_are_bound),
        STORE_TESTS(numbered_messages_are_bound), STORE_TESTS(a_lost_history_is_noticed),
        STORE_TESTS(verify_names_suspense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
