/* Hours that a peer does not answer for: recalled where it can be shown that they never arrived, written off where nobody can tell; and
 * what comes of it when the answer is there after all. */
#include "support/neighbours.h"
#include "timebank/timebank.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rules[] =
    "rulebook: tiny\n"
    "version: '1'\n"
    "time_zone: Asia/Shanghai\n"
    "roles: {bank: {title: {zh: 时间银行}}, clerk: {title: {zh: 文员}}}\n"
    "permissions: {timebank.rule: [bank], timebank.read: [bank, clerk]}\n"
    "---\n"
    "time_bank: hours\n"
    "ledger: 3\n"
    "pool: {}\n"
    "answer_within: 3 days\n"
    "skills: {company: {}}\n";

static void both(void **state, side s[SIDES])
{
    side_make_both(support_store_of(state), rules, s);
    for (unsigned i = 0; i < SIDES; i++) {
        community_put(&s[i].c, "staff", "li", "{'name': '李', 'roles': ['bank']}");
        community_put(&s[i].c, "staff", "hu", "{'name': '胡', 'roles': ['bank']}");
        community_put(&s[i].c, "staff", "wu", "{'name': '吴', 'roles': ['clerk']}");
    }
}

static void as(side *s, const char *who)
{
    gov_error *err = NULL;
    assert_gov_ok(who != NULL ? gov_act_as(s->c.g, who, "clear", &err) : gov_act_as_host(s->c.g, "test", &err), err);
}

static void days_pass(side s[SIDES], int days)
{
    for (unsigned i = 0; i < SIDES; i++)
        (void)community_advance(&s[i].c, days * 1440);
}

static int64_t transfer_of(side *s)
{
    gov_value *v = side_run(s, "timebank.transit", "{}");
    assert_int_equal(gov_value_count(gov_value_find(v, "transfers")), 1);
    const int64_t transfer = side_number(v, "transfers.0.transfer");
    gov_value_free(v);
    return transfer;
}

static const char *about(int64_t transfer, const char *more)
{
    static char json[512];
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'transfer': %lld%s}", (long long)transfer, more);
    return json;
}

static char *recall(side *s, int64_t transfer)
{
    char more[256];
    (void)snprintf(more, sizeof more, ", 'key': '%s'", s->secret);
    gov_value *v = side_run(s, "timebank.recall", about(transfer, more));
    char *message = side_text(v, "message");
    gov_value_free(v);
    return message;
}

static void write_off(side *s, int64_t transfer, const char *more)
{
    as(s, "li");
    gov_value_free(side_run(s, "timebank.write_off", about(transfer, more)));
    as(s, "hu");
    gov_value_free(side_run(s, "timebank.approve_write_off", about(transfer, "")));
    as(s, NULL);
}

/* All that members, pools and suspense accounts have: what there was. */
static void assert_conserved(side s[SIDES])
{
    gov_error *err = NULL;
    int64_t sum = 0;
    for (unsigned i = 0; i < SIDES; i++) {
        gov_value *report = NULL;
        sum += side_holdings(&s[i], i) + side_position(&s[i], "suspense") + side_position(&s[i], "position");
        assert_gov_ok(gov_verify(s[i].c.g, NULL, NULL, &report, &err), err);
        gov_value_free(report);
    }
    assert_int_equal(sum, SIDES * SIDE_MEMBERS * SIDE_START);
}

/* ---- recalled ---- */

static void what_never_arrived_comes_back(void **state)
{
    side s[SIDES] = {0};
    char more[256];
    both(state, s);
    char *late = side_send(&s[0], "west", "east0", "west1", 300);
    const int64_t transfer = transfer_of(&s[0]);
    (void)snprintf(more, sizeof more, ", 'key': '%s'", s[0].secret);
    days_pass(s, 2);
    side_refused(&s[0], "timebank.recall", about(transfer, more), "timebank_too_soon");
    side_refused(&s[0], "timebank.recall", about(transfer + 1, more), "timebank_no_clearing");
    days_pass(s, 1);
    as(&s[0], "wu");
    side_refused(&s[0], "timebank.recall", about(transfer, more), "permission_denied");
    as(&s[0], NULL);
    char *asked = recall(&s[0], transfer), *again = strdup(asked);
    assert_int_equal(side_position(&s[0], "in_transit"), 300); /* nothing is known yet */
    char *proof = side_pass(&s[1], asked), *twice = side_pass(&s[1], again);
    assert_non_null(strstr(proof, "\"kind\":\"recalled\""));
    assert_null(side_pass(&s[0], proof));
    assert_null(side_pass(&s[0], twice));
    assert_int_equal(side_minutes(&s[0], "east0"), SIDE_START);
    assert_int_equal(side_position(&s[0], "in_transit"), 0);
    /* It arrives at last: too late. */
    char *no = side_pass(&s[1], late);
    assert_non_null(strstr(no, "\"reason\":\"recalled\""));
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], no))));
    assert_int_equal(side_minutes(&s[1], "west1"), SIDE_START);
    assert_int_equal(side_waiting(&s[0]) + side_waiting(&s[1]), 0);
    assert_conserved(s);
    /* The stream goes on. */
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], side_pass(&s[1], side_send(&s[0], "west", "east0", "west1", 7))))));
    assert_int_equal(side_minutes(&s[1], "west1"), SIDE_START + 7);
    assert_conserved(s);
    side_free_both(s);
}

/* Who is asked about what it has accepted says so again. */
static void what_was_accepted_stays(void **state)
{
    side s[SIDES] = {0};
    both(state, s);
    char *lost = side_pass(&s[1], side_send(&s[0], "west", "east0", "west1", 300));
    days_pass(s, 3);
    char *answer = side_pass(&s[1], recall(&s[0], transfer_of(&s[0])));
    assert_string_equal(answer, lost);
    free(lost);
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], answer))));
    assert_int_equal(side_position(&s[0], "position"), 300);
    assert_int_equal(side_minutes(&s[1], "west1"), SIDE_START + 300);
    assert_conserved(s);
    side_free_both(s);
}

/* Nobody but the peer says that it never arrived. */
static void a_recall_is_answered_by_the_peer_alone(void **state)
{
    side s[SIDES] = {0};
    both(state, s);
    free(side_send(&s[0], "west", "east0", "west1", 300));
    days_pass(s, 3);
    char *asked = recall(&s[0], transfer_of(&s[0]));
    char *changed = strdup(asked);
    memcpy(strstr(changed, "\"amount\":300"), "\"amount\":200", 12);
    side_fails(&s[1], changed, "timebank_forged");
    free(changed);
    char *proof = side_pass(&s[1], asked);
    changed = strdup(proof);
    memcpy(strstr(changed, "\"amount\":300"), "\"amount\":200", 12);
    side_fails(&s[0], changed, "timebank_forged");
    free(changed);
    side_fails(&s[1], proof, "timebank_peer_unknown"); /* its own */
    assert_int_equal(side_position(&s[0], "in_transit"), 300);
    assert_null(side_pass(&s[0], proof));
    assert_conserved(s);
    side_free_both(s);
}

/* ---- written off ---- */

static void two_people_write_off(void **state)
{
    side s[SIDES] = {0};
    both(state, s);
    free(side_send(&s[0], "west", "east0", "west1", 900));
    const int64_t transfer = transfer_of(&s[0]);
    side_refused(&s[0], "timebank.write_off", about(transfer, ""), "timebank_too_soon");
    days_pass(s, 3);
    side_refused(&s[0], "timebank.approve_write_off", about(transfer, ""), "timebank_not_proposed");
    as(&s[0], "li");
    gov_value_free(side_run(&s[0], "timebank.write_off", about(transfer, "")));
    side_refused(&s[0], "timebank.approve_write_off", about(transfer, ""), "timebank_another_person");
    as(&s[0], "wu");
    side_refused(&s[0], "timebank.approve_write_off", about(transfer, ""), "permission_denied");
    as(&s[0], "hu");
    gov_value_free(side_run(&s[0], "timebank.approve_write_off", about(transfer, "")));
    as(&s[0], NULL);
    assert_int_equal(side_position(&s[0], "in_transit"), 0);
    assert_int_equal(side_position(&s[0], "suspense"), 900);
    assert_int_equal(side_position(&s[0], "written_off"), 900);
    assert_int_equal(side_minutes(&s[0], "east0"), SIDE_START - 900);
    side_refused(&s[0], "timebank.write_off", about(transfer, ""), "timebank_no_clearing");
    /* It may still be owed, so the limit counts it. */
    char json[512];
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'resident': 'east1', 'to': 'west0', 'minutes': 301, 'key': '%s'}", s[0].secret);
    side_refused(&s[0], "timebank.send_hours", json, "timebank_owed_limit");
    assert_conserved(s);
    side_free_both(s);
}

/* The answer comes after all: each minute is where it belongs. */
static void late_answers_count(void **state)
{
    side s[SIDES] = {0};
    both(state, s);
    char *yes = side_pass(&s[1], side_send(&s[0], "west", "east0", "west1", 300));
    days_pass(s, 3);
    write_off(&s[0], transfer_of(&s[0]), "");
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], yes))));
    assert_int_equal(side_position(&s[0], "position"), 300);
    assert_int_equal(side_position(&s[0], "suspense"), 0);
    assert_int_equal(side_minutes(&s[0], "east0"), SIDE_START - 300);
    assert_conserved(s);
    char *no = side_pass(&s[1], side_send(&s[0], "west", "east0", "nobody", 200));
    days_pass(s, 3);
    write_off(&s[0], transfer_of(&s[0]), "");
    assert_int_equal(side_position(&s[0], "suspense"), 200);
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], no))));
    assert_int_equal(side_position(&s[0], "suspense"), 0);
    assert_int_equal(side_minutes(&s[0], "east0"), SIDE_START - 300);
    assert_conserved(s);
    side_free_both(s);
}

/* Given back for the community's account: what the peer accepted after all, suspense lacks. */
static void what_was_given_back_may_be_owed(void **state)
{
    side s[SIDES] = {0};
    both(state, s);
    char *yes = side_pass(&s[1], side_send(&s[0], "west", "east0", "west1", 300));
    days_pass(s, 3);
    const int64_t transfer = transfer_of(&s[0]);
    write_off(&s[0], transfer, "");
    write_off(&s[0], transfer, ", 'give_back': true");
    assert_int_equal(side_minutes(&s[0], "east0"), SIDE_START);
    assert_int_equal(side_position(&s[0], "suspense"), 0);
    side_refused(&s[0], "timebank.write_off", about(transfer, ", 'give_back': true"), "timebank_no_clearing");
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], yes))));
    assert_int_equal(side_position(&s[0], "position"), 300);
    assert_int_equal(side_position(&s[0], "suspense"), -300);
    assert_conserved(s);
    /* And at once, of one that is refused: it is back already. */
    char *no = side_pass(&s[1], side_send(&s[0], "west", "east1", "nobody", 200));
    days_pass(s, 3);
    write_off(&s[0], transfer_of(&s[0]), ", 'give_back': true");
    assert_int_equal(side_minutes(&s[0], "east1"), SIDE_START);
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], no))));
    assert_int_equal(side_minutes(&s[0], "east1"), SIDE_START);
    assert_int_equal(side_position(&s[0], "suspense"), -300);
    assert_conserved(s);
    side_free_both(s);
}

/* A settlement that is not answered stays owed until the peer says that it took it. */
static void settlements_are_written_off(void **state)
{
    side s[SIDES] = {0};
    char json[512];
    both(state, s);
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], side_pass(&s[1], side_send(&s[0], "west", "east0", "west1", 300))))));
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'minutes': 100, 'key': '%s'}", s[0].secret);
    gov_value *v = side_run(&s[0], "timebank.settle_net", json);
    char *yes = side_pass(&s[1], side_text(v, "message"));
    gov_value_free(v);
    days_pass(s, 3);
    write_off(&s[0], transfer_of(&s[0]), "");
    assert_int_equal(side_position(&s[0], "position"), 300);
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], yes))));
    assert_int_equal(side_position(&s[0], "position"), 200);
    assert_int_equal(side_position(&s[1], "position"), -200);
    assert_conserved(s);
    side_free_both(s);
}

/* ---- without memory ---- */

static gov_status scarce_run(community *c, const char *name, const char *json, gov_value **out)
{
    gov_value *in = community_json(json);
    const gov_status status = gov_operation_run(c->g, name, in, NULL, out, NULL);
    gov_value_free(in);
    return status;
}

/* What the peer says about a transfer, having taken nothing up and numbered nothing. */
static gov_status scarce_told(community *c, const side *own, const side *peer, const char *kind, int64_t transfer)
{
    gov g = {.alloc = &base_malloc};
    timebank_message m = {.kind = kind, .from = "west", .to = "east", .from_bank = "hours", .to_bank = "hours", .transfer = transfer, .amount = 9};
    uint8_t secret[TIMEBANK_SECRET], key[TIMEBANK_SECRET];
    gov_value *in = community_json("{}"), *out = NULL;
    base_arena_init(&g.scratch, &base_malloc);
    assert_true(base_unhex(peer->secret, 2 * sizeof secret, secret) && base_unhex(own->secret, 2 * sizeof key, key));
    assert_int_equal(timebank_chain_start(&g, &m, timebank_public_key(secret), timebank_public_key(key), m.previous, NULL), GOV_OK);
    assert_int_equal(timebank_write_message(&g, &m, secret, NULL), GOV_OK);
    assert_int_equal(gov_value_set_string(in, "message", m.text), GOV_OK);
    assert_int_equal(gov_value_set_string(in, "key", own->secret), GOV_OK);
    base_arena_free(&g.scratch);
    const gov_status status = gov_operation_run(c->g, "timebank.receive", in, NULL, &out, NULL);
    gov_value_free(in);
    gov_value_free(out);
    return status;
}

static gov_status scarce_send(community *c, const side *own, int64_t *transfer)
{
    char json[512];
    gov_value *out = NULL;
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'resident': 'east0', 'to': 'west0', 'minutes': 9, 'key': '%s'}", own->secret);
    const gov_status status = scarce_run(c, "timebank.send_hours", json, &out);
    *transfer = status == GOV_OK ? side_number(out, "id") : 0;
    gov_value_free(out);
    return status;
}

static gov_status scarce_write_off(community *c, int64_t transfer, bool back)
{
    char json[128];
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'transfer': %lld, 'give_back': %s}", (long long)transfer, back ? "true" : "false");
    gov_status status = scarce_run(c, "timebank.write_off", json, NULL);
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'transfer': %lld}", (long long)transfer);
    if (status == GOV_OK)
        status = gov_act_as(c->g, "hu", "clear", NULL);
    if (status == GOV_OK)
        status = scarce_run(c, "timebank.approve_write_off", json, NULL);
    return status == GOV_OK ? gov_act_as_host(c->g, "test", NULL) : status;
}

/* Sent, asked for and recalled; sent and written off, then given back; and asked about what never came. */
static gov_status give_up_what_was_sent(community *c, void *user)
{
    side *sides = user, *own = &sides[0], *peer = &sides[1];
    char json[512];
    int64_t first = 0, second = 0;
    gov_value *out = NULL;
    gov_status status = community_try_put(c, "resident", "east0", "{'name': 'x'}");
    if (status == GOV_OK)
        status = community_try_put(c, "staff", "hu", "{'name': 'y', 'roles': ['bank']}");
    if (status == GOV_OK)
        status = scarce_run(c, "timebank.group", "{'activity': 'x', 'skill': 'company', 'volunteers': ['east0'], 'minutes': 100}", NULL);
    (void)snprintf(json, sizeof json, "{'name': 'west', 'as': 'east', 'public_key': '%s', 'most_owed': 99, 'most_claimed': 99}", peer->public);
    if (status == GOV_OK)
        status = scarce_run(c, "timebank.peer", json, NULL);
    if (status == GOV_OK)
        status = scarce_send(c, own, &first);
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'transfer': %lld, 'key': '%s'}", (long long)first, own->secret);
    if (status == GOV_OK)
        status = scarce_run(c, "timebank.recall", json, &out);
    gov_value_free(out);
    out = NULL;
    if (status == GOV_OK)
        status = scarce_told(c, own, peer, "recalled", first);
    if (status == GOV_OK)
        status = scarce_told(c, own, peer, "recall", 77);
    if (status == GOV_OK)
        status = scarce_send(c, own, &second);
    if (status == GOV_OK)
        status = scarce_write_off(c, second, false);
    if (status == GOV_OK)
        status = scarce_run(c, "timebank.transit", "{}", &out);
    gov_value_free(out);
    return status == GOV_OK ? scarce_write_off(c, second, true) : status;
}

static void survives_want_of_memory(void **state)
{
    static const char quick[] =
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
    side sides[SIDES] = {0};
    support_store *s = support_store_of(state);
    side_make_key(&sides[0], 7);
    side_make_key(&sides[1], 8);
    community_without_memory(s, quick, give_up_what_was_sent, sides);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(what_never_arrived_comes_back), STORE_TESTS(what_was_accepted_stays),
        STORE_TESTS(a_recall_is_answered_by_the_peer_alone), STORE_TESTS(two_people_write_off),
        STORE_TESTS(late_answers_count), STORE_TESTS(what_was_given_back_may_be_owed),
        STORE_TESTS(settlements_are_written_off),
        STORE_TEST(survives_want_of_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
