/* A side that was restored from an older copy of its store gets back from its peer what it forgot: no minute is doubled or lost, and the link
 * goes on. A copy is made by a group that is never committed. */
#include "support/faulty.h"
#include "support/neighbours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rules[] =
    "rulebook: tiny\n"
    "version: '1'\n"
    "time_zone: Asia/Shanghai\n"
    "roles: {bank: {title: {zh: 时间银行}}, reader: {title: {zh: 查看}}}\n"
    "permissions: {timebank.rule: [bank], timebank.read: [reader], timebank.write: [reader]}\n"
    "---\n"
    "time_bank: hours\n"
    "ledger: 3\n"
    "pool: {}\n"
    "answer_within: 0 minutes\n"
    "skills: {company: {}}\n";

static void copy(side *s)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_begin(s->c.g, &err), err);
}

/* What waits on either side goes over, and what answers it. */
static void exchange(side s[SIDES])
{
    for (int round = 0; round < 12; round++) {
        const unsigned from = (unsigned)round % SIDES;
        gov_value *list = side_run(&s[from], "timebank.outbox", "{}");
        for (size_t i = 0; i < gov_value_count(gov_value_find(list, "messages")); i++) {
            char path[64];
            (void)snprintf(path, sizeof path, "messages.%zu.message", i);
            char *answer = side_pass(&s[1 - from], side_text(list, path));
            free(answer != NULL ? side_pass(&s[from], answer) : NULL);
        }
        gov_value_free(list);
    }
    assert_int_equal(side_waiting(&s[0]) + side_waiting(&s[1]), 0);
}

static void send_over(side s[SIDES], unsigned from, const char *who, int minutes)
{
    char to[16];
    (void)snprintf(to, sizeof to, "%s1", side_names[1 - from]);
    free(side_send(&s[from], side_names[1 - from], who, to, minutes));
    exchange(s);
}

static void assert_even(side s[SIDES], int64_t position)
{
    assert_int_equal(side_position(&s[0], "position"), position);
    assert_int_equal(side_position(&s[1], "position"), -position);
    int64_t sum = 0;
    for (unsigned i = 0; i < SIDES; i++) {
        gov_error *err = NULL;
        gov_value *report = NULL;
        assert_gov_ok(gov_verify(s[i].c.g, NULL, NULL, &report, &err), err);
        gov_value_free(report);
        assert_int_equal(side_position(&s[i], "in_transit"), 0);
        sum += side_holdings(&s[i], i) + side_position(&s[i], "suspense");
    }
    assert_int_equal(sum, SIDES * SIDE_MEMBERS * SIDE_START);
}

/* The receiver comes back without the last 25 minutes; the sender has nothing left in its outbox. */
static void a_receiver_catches_up(void **state)
{
    side s[SIDES] = {0};
    char json[512], code[64], path[32];
    gov_value *v = NULL;
    side_make_both(support_store_of(state), rules, s);
    send_over(s, 0, "east0", 10);
    send_over(s, 0, "east0", 10);
    copy(&s[1]);
    send_over(s, 0, "east0", 25);
    side_reopen(&s[1]);
    assert_int_equal(side_minutes(&s[1], "west1"), SIDE_START + 20);
    char *next = side_send(&s[0], "west", "east0", "west1", 5);
    assert_int_equal(side_deliver(&s[1], next, &v, code), GOV_OK); /* east has seen the answer to the 25 */
    assert_int_equal(side_number(v, "forgotten"), 3);
    gov_value_free(v);
    free(next);
    /* Only what east sent, taken up as ever, would be answered anew; so it waits for what west itself had said. */
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'from': 5, 'key': '%s'}", s[0].secret);
    v = side_run(&s[0], "timebank.resend", json);
    assert_int_equal(gov_value_count(gov_value_find(v, "messages")), 3);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "messages.%d", i);
        char *m = side_text(v, path);
        (void)side_deliver(&s[1], m, NULL, code);
        free(m);
    }
    gov_value_free(v);
    assert_int_equal(side_minutes(&s[1], "west1"), SIDE_START + 20);
    side_recover(&s[1], &s[0]);
    exchange(s);
    assert_int_equal(side_minutes(&s[1], "west1"), SIDE_START + 50);
    assert_even(s, 50);
    side_free_both(s);
}

/* Without any sign of what was forgotten, messages that are sent again and taken up as ever lead to the same chain. */
static void what_is_sent_again_is_enough(void **state)
{
    side s[SIDES] = {0};
    char json[512], path[32];
    side_make_both(support_store_of(state), rules, s);
    send_over(s, 0, "east0", 10);
    copy(&s[1]);
    send_over(s, 0, "east0", 25);
    side_reopen(&s[1]);
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'from': 3, 'key': '%s'}", s[0].secret);
    gov_value *v = side_run(&s[0], "timebank.resend", json);
    assert_int_equal(gov_value_count(gov_value_find(v, "messages")), 2);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "messages.%d", i);
        free(side_pass(&s[1], side_text(v, path)));
    }
    gov_value_free(v);
    send_over(s, 1, "west1", 3);
    assert_even(s, 32);
    side_free_both(s);
}

/* The sender comes back with minutes that it had sent, and sends others under the same numbers before it is told. */
static void a_sender_remembers(void **state)
{
    side s[SIDES] = {0};
    char json[512], code[64];
    gov_value *v = NULL;
    side_make_both(support_store_of(state), rules, s);
    copy(&s[0]);
    send_over(s, 0, "east0", 100);
    side_reopen(&s[0]);
    assert_int_equal(side_minutes(&s[0], "east0"), SIDE_START); /* and west1 has them, too */
    char *other = side_send(&s[0], "west", "east0", "west1", 7);
    side_fails(&s[1], other, "timebank_chain");
    free(other);
    char *back = side_send(&s[1], "east", "west1", "east2", 1);
    assert_int_equal(side_deliver(&s[0], back, &v, code), GOV_OK);
    assert_int_equal(side_number(v, "forgotten"), 2);
    gov_value_free(v);
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'resident': 'east0', 'to': 'west1', 'minutes': 5, 'key': '%s'}", s[0].secret);
    side_refused(&s[0], "timebank.send_hours", json, "timebank_forgotten");
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'messages': [], 'key': '%s'}", s[0].secret);
    side_refused(&s[0], "timebank.restore", json, "timebank_forgotten");
    free(back);
    side_recover(&s[0], &s[1]);
    side_recover(&s[0], &s[1]);
    exchange(s);
    assert_int_equal(side_minutes(&s[0], "east0"), SIDE_START - 107);
    assert_int_equal(side_minutes(&s[1], "west1"), SIDE_START + 106);
    assert_even(s, 106);
    side_free_both(s);
}

/* A member spent elsewhere what had been sent and was forgotten: the community advances it, and its suspense account says so. */
static void what_was_spent_twice_shows(void **state)
{
    side s[SIDES] = {0};
    char code[64];
    side_make_both(support_store_of(state), rules, s);
    copy(&s[0]);
    send_over(s, 0, "east0", 600);
    side_reopen(&s[0]);
    char *other = side_send(&s[0], "west", "east0", "west1", 500);
    side_fails(&s[1], other, "timebank_chain");
    free(other);
    side_recover(&s[0], &s[1]);
    exchange(s);
    assert_int_equal(side_minutes(&s[0], "east0"), 0);
    assert_int_equal(side_position(&s[0], "suspense"), -100);
    assert_even(s, 1100);
    /* Somebody who was registered since the copy was made is not there any more. */
    copy(&s[1]);
    community_put(&s[1].c, "resident", "late", "{'name': 'x'}");
    gov_value_free(side_run(&s[1], "timebank.group", "{'activity': 'x', 'skill': 'company', 'volunteers': ['late'], 'minutes': 40}"));
    send_over(s, 1, "late", 40);
    side_reopen(&s[1]);
    assert_int_equal(side_try_recover(&s[1], &s[0], NULL, code), GOV_E_REFUSED);
    assert_string_equal(code, "timebank_lost_member");
    assert_int_equal(side_try_recover(&s[1], &s[0], "west3", code), GOV_OK);
    exchange(s);
    assert_int_equal(side_minutes(&s[1], "west3"), SIDE_START - 40);
    assert_even(s, 1060);
    side_free_both(s);
}

/* A promise never to take something up is kept by who forgot it. */
static void a_promise_is_remembered(void **state)
{
    side s[SIDES] = {0};
    char json[512];
    side_make_both(support_store_of(state), rules, s);
    free(side_send(&s[0], "west", "east0", "west1", 60));
    gov_value *v = side_run(&s[0], "timebank.transit", "{}");
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'transfer': %lld, 'key': '%s'}", (long long)side_number(v, "transfers.0.transfer"), s[0].secret);
    gov_value_free(v);
    v = side_run(&s[0], "timebank.recall", json);
    char *asked = side_text(v, "message");
    gov_value_free(v);
    copy(&s[1]);
    assert_null(side_pass(&s[0], side_pass(&s[1], asked)));
    assert_int_equal(side_minutes(&s[0], "east0"), SIDE_START);
    side_reopen(&s[1]);
    side_recover(&s[1], &s[0]);
    exchange(s);
    assert_int_equal(side_minutes(&s[1], "west1"), SIDE_START);
    assert_even(s, 0);
    side_free_both(s);
}

/* Answered once so and once so: that is for people to settle. */
static void two_answers_are_for_people(void **state)
{
    side s[SIDES] = {0};
    char json[512], code[64];
    side_make_both(support_store_of(state), rules, s);
    copy(&s[1]);
    char *m = side_send(&s[0], "west", "east0", "west1", 60), *again = strdup(m);
    free(side_pass(&s[0], side_pass(&s[1], m)));
    side_reopen(&s[1]);
    (void)snprintf(json, sizeof json, "{'name': 'east', 'as': 'west', 'public_key': '%s', 'most_claimed': 0}", s[0].public);
    gov_value_free(side_run(&s[1], "timebank.peer", json));
    m = side_pass(&s[1], again);
    assert_non_null(strstr(m, "\"reason\":\"limit\""));
    free(m);
    assert_int_equal(side_try_recover(&s[1], &s[0], NULL, code), GOV_E_REFUSED);
    assert_string_equal(code, "timebank_fork");
    side_free_both(s);
}

static void what_is_not_true_restores_nothing(void **state)
{
    side s[SIDES] = {0};
    char json[512], code[64];
    gov_error *err = NULL;
    side_make_both(support_store_of(state), rules, s);
    community_put(&s[0].c, "staff", "li", "{'name': '李', 'roles': ['reader']}");
    copy(&s[0]);
    send_over(s, 0, "east0", 100);
    send_over(s, 1, "west0", 30);
    gov_value *list = side_kept_by(&s[1]);
    side_reopen(&s[0]);
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'key': '%s'}", s[0].secret);
    for (size_t i = 0; i < gov_value_count(list); i++) { /* one is missing: what follows it cannot be restored, or all before it can */
        gov_value *in = community_json(json), *part = gov_value_new_list(NULL), *out = NULL;
        for (size_t k = 0; k < gov_value_count(list); k++)
            if (k != i)
                assert_int_equal(gov_value_append(part, gov_value_at(list, k)), GOV_OK);
        assert_int_equal(gov_value_set(in, "messages", part), GOV_OK);
        assert_gov_ok(gov_begin(s[0].c.g, &err), err);
        if (side_try(&s[0], "timebank.restore", in, &out, code) != GOV_OK)
            assert_true(strcmp(code, "timebank_out_of_order") == 0 || strcmp(code, "timebank_seen") == 0);
        gov_value_free(out);
        gov_value_free(in);
        gov_value_free(part);
        assert_gov_ok(gov_rollback(s[0].c.g, &err), err);
    }
    side thief = s[0];
    side_make_key(&thief, 99); /* not the key that signed them */
    assert_int_equal(side_try_recover(&thief, &s[1], NULL, code), GOV_E_REFUSED);
    assert_string_equal(code, "timebank_forged");
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'messages': ['{}'], 'key': '%s'}", s[0].secret);
    side_refused(&s[0], "timebank.restore", json, "timebank_message");
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'messages': [7], 'key': '%s'}", s[0].secret);
    side_refused(&s[0], "timebank.restore", json, "timebank_message");
    side_refused(&s[0], "timebank.received", "{'peer': 'north'}", "timebank_peer_unknown");
    assert_gov_ok(gov_act_as(s[0].c.g, "li", "clear", &err), err);
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'messages': [], 'key': '%s'}", s[0].secret);
    side_refused(&s[0], "timebank.restore", json, "permission_denied");
    side_refused(&s[0], "timebank.received", "{'peer': 'west'}", "permission_denied");
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'key': '%s'}", s[0].secret);
    side_refused(&s[0], "timebank.resend", json, "permission_denied");
    assert_gov_ok(gov_act_as_host(s[0].c.g, "test", &err), err);
    side_recover(&s[0], &s[1]);
    exchange(s);
    assert_even(s, 70);
    gov_value_free(list);
    side_free_both(s);
}

/* ---- without memory ---- */

typedef struct scarce {
    support_store *s;
    gov_rulebook *book;
    gov_value *messages;
    const char *public;
    int run;
} scarce;

static gov_status call(community *c, const char *name, const char *json, const gov_value *messages)
{
    gov_value *in = community_json(json), *out = NULL;
    if (messages != NULL)
        assert_int_equal(gov_value_set(in, "messages", messages), GOV_OK);
    const gov_status status = gov_operation_run(c->g, name, in, NULL, &out, NULL);
    gov_value_free(in);
    gov_value_free(out);
    return status;
}

static gov_status restore_all(const gov_allocator *alloc, void *user)
{
    scarce *u = user;
    char url[512], name[32], json[512];
    community c;
    side own;
    gov_value *fields = community_json("{'name': 'x'}");
    side_make_key(&own, 7);
    (void)snprintf(name, sizeof name, "oom%d.db", u->run++);
    gov_status rc = community_try(support_path(url, u->s->dir, name), u->book, alloc, &c, NULL);
    const bool made = rc == GOV_OK;
    if (made)
        rc = gov_begin(c.g, NULL);
    if (rc == GOV_OK)
        rc = gov_record_put(c.g, "resident", "east0", fields, NULL, NULL);
    gov_value_free(fields);
    if (rc == GOV_OK)
        rc = call(&c, "timebank.group", "{'activity': 'x', 'skill': 'company', 'volunteers': ['east0'], 'minutes': 100}", NULL);
    (void)snprintf(json, sizeof json, "{'name': 'west', 'as': 'east', 'public_key': '%s', 'most_owed': 99, 'most_claimed': 99}", u->public);
    if (rc == GOV_OK)
        rc = call(&c, "timebank.peer", json, NULL);
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'resident': 'east0', 'to': 'west0', 'minutes': 9, 'key': '%s'}", own.secret);
    if (rc == GOV_OK)
        rc = call(&c, "timebank.send_hours", json, NULL);
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'key': '%s', 'instead': 'east0'}", own.secret);
    if (rc == GOV_OK)
        rc = call(&c, "timebank.restore", json, u->messages);
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'key': '%s'}", own.secret);
    if (rc == GOV_OK)
        rc = call(&c, "timebank.resend", json, NULL);
    if (rc == GOV_OK)
        rc = call(&c, "timebank.received", "{'peer': 'west'}", NULL);
    if (rc == GOV_OK)
        rc = gov_commit(c.g, NULL);
    if (made)
        community_free(&c);
    return rc;
}

static void survives_want_of_memory(void **state)
{
    side s[SIDES] = {0};
    scarce u = {.s = support_store_of(state)};
    side_make_both(u.s, rules, s);
    send_over(s, 0, "east0", 20);
    free(side_send(&s[1], "east", "west0", "east0", 5)); /* to one who is there */
    exchange(s);
    u.messages = side_kept_by(&s[1]);
    u.public = s[1].public;
    u.book = community_rulebook(rules);
    oom_loop(restore_all, &u);
    gov_rulebook_free(u.book);
    gov_value_free(u.messages);
    side_free_both(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_receiver_catches_up),
        STORE_TESTS(what_is_sent_again_is_enough),
        STORE_TESTS(a_sender_remembers),
        STORE_TESTS(what_was_spent_twice_shows),
        STORE_TESTS(a_promise_is_remembered),
        STORE_TESTS(two_answers_are_for_people),
        STORE_TESTS(what_is_not_true_restores_nothing),
        STORE_TEST(survives_want_of_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
