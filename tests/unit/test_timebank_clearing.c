/* Hours between two communities: the plain way, and over a network that loses, repeats, reorders and forges, with crashes on both sides. */
#include "support/faulty.h"
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
    "cap: {total: 100 hours, over: donated}\n"
    "skills: {company: {}}\n";

static const char two_banks[] =
    "rulebook: tiny\n"
    "version: '1'\n"
    "time_zone: Asia/Shanghai\n"
    "---\n"
    "time_bank: hours\n"
    "ledger: 3\n"
    "skills: {company: {}}\n"
    "---\n"
    "time_bank: other\n"
    "ledger: 4\n"
    "skills: {company: {}}\n";

/* ---- the plain way ---- */

static void hours_go_over(void **state)
{
    side s[SIDES] = {0};
    side_make_both(support_store_of(state), rules, s);
    char *m = side_send(&s[0], "west", "east0", "west1", 300);
    assert_int_equal(side_position(&s[0], "in_transit"), 300);
    assert_int_equal(side_position(&s[0], "position"), 0);
    assert_int_equal(side_waiting(&s[0]), 1);
    char *again = strdup(m);
    m = side_pass(&s[1], m); /* accept */
    assert_non_null(strstr(m, "\"kind\":\"accept\""));
    char *repeated = side_pass(&s[1], again);
    assert_string_equal(repeated, m); /* the same message gets the same answer */
    free(repeated);
    m = side_pass(&s[0], m); /* settle */
    assert_int_equal(side_position(&s[0], "position"), 300);
    assert_int_equal(side_position(&s[0], "in_transit"), 0);
    assert_int_equal(side_waiting(&s[0]), 1);
    m = side_pass(&s[1], m); /* ack */
    assert_int_equal(side_waiting(&s[1]), 0);
    assert_null(side_pass(&s[0], m));
    assert_int_equal(side_waiting(&s[0]), 0);
    assert_int_equal(side_position(&s[1], "position"), -300);
    assert_int_equal(side_position(&s[1], "received"), 300);
    assert_int_equal(side_holdings(&s[0], 0), 4 * 1000 - 300);
    assert_int_equal(side_holdings(&s[1], 1), 4 * 1000 + 300);
    /* Nobody of that name there: it comes back. */
    m = side_pass(&s[1], side_send(&s[0], "west", "east0", "nobody", 100));
    assert_non_null(strstr(m, "\"reason\":\"no_such_member\""));
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], m))));
    assert_int_equal(side_holdings(&s[0], 0), 4 * 1000 - 300);
    /* What is owed is settled by money, on both sides at once. */
    char json[512];
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'minutes': 301, 'key': '%s'}", s[0].secret);
    side_refused(&s[0], "timebank.settle_net", json, "timebank_nothing_owed");
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'minutes': 200, 'key': '%s'}", s[0].secret);
    gov_value *v = side_run(&s[0], "timebank.settle_net", json);
    m = side_text(v, "message");
    gov_value_free(v);
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], side_pass(&s[1], m)))));
    assert_int_equal(side_position(&s[0], "position"), 100);
    assert_int_equal(side_position(&s[1], "position"), -100);
    assert_int_equal(side_position(&s[0], "paid"), 200);
    assert_int_equal(side_position(&s[1], "was_paid"), 200);
    side_free_both(s);
}

static void what_is_wrong_is_refused(void **state)
{
    side s[SIDES] = {0};
    side_make_both(support_store_of(state), rules, s);
    char json[512];
    char *one = side_send(&s[0], "west", "east0", "west0", 10), *two = side_send(&s[0], "west", "east1", "west0", 10);
    side_fails(&s[1], two, "timebank_out_of_order");
    char *changed = strdup(one);
    memcpy(strstr(changed, "\"amount\":10"), "\"amount\":90", 11);
    side_fails(&s[1], changed, "timebank_forged");
    free(changed);
    side_fails(&s[1], "", "empty_field");
    side_fails(&s[1], "{", "bad_json");
    side_fails(&s[1], "{}", "timebank_message");
    side_fails(&s[1], "{\"format\":\"gov-clearing-1\"}", "timebank_message");
    side_fails(&s[1], "{ }", "timebank_message");
    side_fails(&s[0], one, "timebank_peer_unknown"); /* its own */
    /* The network's own key, under another's name. */
    side thief = s[0];
    side_make_key(&thief, 99);
    (void)snprintf(json, sizeof json, "{'name': 'south', 'as': 'west', 'public_key': '%s'}", thief.public);
    gov_value_free(side_run(&s[1], "timebank.peer", json));
    (void)snprintf(json, sizeof json, "{'name': 'south', 'as': 'west', 'public_key': 'abc'}");
    side_refused(&s[1], "timebank.peer", json, "timebank_key");
    thief.c = s[0].c;
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'resident': 'east0', 'to': 'west0', 'minutes': 5, 'key': '%s'}", thief.secret);
    gov_value *v = side_run(&s[0], "timebank.send_hours", json);
    char *stolen = side_text(v, "message");
    gov_value_free(v);
    one = side_pass(&s[1], one);
    two = side_pass(&s[1], two);
    side_fails(&s[1], stolen, "timebank_forged");
    free(stolen);
    free(one);
    free(two);
    /* Limits, on both sides. */
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'resident': 'east2', 'to': 'west0', 'minutes': %d, 'key': '%s'}", SIDE_LIMIT, s[0].secret);
    side_refused(&s[0], "timebank.send_hours", json, "timebank_owed_limit");
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'resident': 'east2', 'to': 'west0', 'minutes': 1001, 'key': '%s'}", s[0].secret);
    side_refused(&s[0], "timebank.send_hours", json, "timebank_not_enough");
    side_refused(&s[0], "timebank.send_hours", "{'peer': 'north', 'resident': 'east2', 'to': 'west0', 'minutes': 1, 'key': 'x'}", "timebank_peer_unknown");
    side_refused(&s[0], "timebank.send_hours", "{'peer': 'west', 'resident': 'east2', 'to': 'west0', 'minutes': 1, 'key': 'x'}", "timebank_key");
    side_free_both(s);
}

/* Another bank of the same community, with the same peer, names and keys. */
static void add_bank(side s[SIDES])
{
    for (unsigned i = 0; i < SIDES; i++) {
        char json[512];
        s[i].bank = "other";
        (void)snprintf(json, sizeof json, "{'name': '%s', 'as': '%s', 'public_key': '%s', 'most_owed': %d, 'most_claimed': %d}", side_names[1 - i],
                       side_names[i], s[1 - i].public, SIDE_LIMIT, SIDE_LIMIT);
        gov_value_free(side_run(&s[i], "timebank.peer", json));
        s[i].bank = "hours";
    }
}

/* A message is taken up by the bank that it is for, once. */
static void a_message_is_for_one_bank(void **state)
{
    side s[SIDES] = {{.bank = "hours"}, {.bank = "hours"}};
    side_make_both(support_store_of(state), two_banks, s);
    add_bank(s);
    char *m = side_send(&s[0], "west", "east0", "west1", 300), *again = strdup(m);
    assert_non_null(strstr(m, "\"from_bank\":\"hours\""));
    s[1].bank = "other";
    side_fails(&s[1], m, "timebank_other_bank");
    s[1].bank = "hours";
    m = side_pass(&s[1], m);
    assert_non_null(strstr(m, "\"kind\":\"accept\""));
    s[1].bank = "other";
    side_fails(&s[1], again, "timebank_other_bank");
    gov_value *v = side_run(&s[1], "timebank.balance", "{'resident': 'west1'}");
    assert_int_equal(side_number(v, "minutes"), 0);
    gov_value_free(v);
    s[0].bank = "other"; /* nor is an answer taken up by another bank */
    side_fails(&s[0], m, "timebank_other_bank");
    s[0].bank = s[1].bank = "hours";
    assert_null(side_pass(&s[0], side_pass(&s[1], side_pass(&s[0], m))));
    assert_int_equal(side_position(&s[1], "position"), -300);
    free(again);
    side_free_both(s);
}

/* Which bank of the peer's it is stays once messages have named it; a chain begins with the keys of both. */
static void a_chain_begins_with_banks_and_keys(void **state)
{
    side s[SIDES] = {{.bank = "hours"}, {.bank = "hours"}}, third = {0};
    char json[512];
    side_make_both(support_store_of(state), two_banks, s);
    (void)snprintf(json, sizeof json, "{'name': 'west', 'as': 'east', 'public_key': '%s', 'their_bank': 'other'}", s[1].public);
    gov_value_free(side_run(&s[0], "timebank.peer", json));
    (void)snprintf(json, sizeof json, "{'name': 'west', 'as': 'east', 'public_key': '%s', 'their_bank': 'hours'}", s[1].public);
    gov_value_free(side_run(&s[0], "timebank.peer", json));
    side_make_key(&third, 50);
    (void)snprintf(json, sizeof json, "{'name': 'west', 'as': 'east', 'public_key': '%s'}", third.public);
    gov_value_free(side_run(&s[0], "timebank.peer", json));
    char *m = side_send(&s[0], "west", "east0", "west1", 5);
    side_fails(&s[1], m, "timebank_chain"); /* it was meant for who holds the other key */
    free(m);
    (void)snprintf(json, sizeof json, "{'name': 'west', 'as': 'east', 'public_key': '%s', 'their_bank': 'other'}", s[1].public);
    side_refused(&s[0], "timebank.peer", json, "timebank_peer_renamed");
    side_free_both(s);
}

/* ---- a bad network ---- */

enum { MOST_FLYING = 64 };
enum { ACK, RECALL, RECALLED, LOOSE };
enum { CAME, CAME_TWICE, WAS_LOST, OVERTOOK, WAS_FORGED, WAYS }; /* overtook: others that were sent before still fly */

typedef struct network {
    side s[SIDES];
    uint64_t state; /* of the generator */
    char *flying[MOST_FLYING];
    unsigned to[MOST_FLYING];
    size_t count;
    int64_t sent, taken, refusals, recalled, written_off;
    int64_t forgot, forks; /* sides that were restored from an older copy; what they sent before they noticed */
    int copied;            /* the side of which there is a copy: 1 + which */
    int64_t loose[LOOSE][WAYS]; /* messages without a number: what happened to them */
} network;

static unsigned draw(network *n, unsigned below)
{
    n->state = n->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((n->state >> 33) % below);
}

static void count_loose(network *n, const char *message, unsigned way)
{
    static const char *const kinds[LOOSE] = {"\"kind\":\"ack\"", "\"kind\":\"recall\"", "\"kind\":\"recalled\""};
    for (unsigned i = 0; i < LOOSE; i++)
        n->loose[i][way] += strstr(message, kinds[i]) != NULL;
}

static void fly(network *n, unsigned to, char *message)
{
    if (message == NULL)
        return;
    if (n->count == MOST_FLYING) { /* lost */
        free(message);
        return;
    }
    n->flying[n->count] = message;
    n->to[n->count++] = to;
}

static char *land(network *n, size_t i)
{
    char *message = n->flying[i];
    n->flying[i] = n->flying[--n->count];
    n->to[i] = n->to[n->count];
    return message;
}

/* What a network may do to it: the receiver takes it up, or says that it comes too early or is no message of the peer's. */
static void arrive(network *n, unsigned to, const char *message, bool forged)
{
    char code[64];
    gov_value *v = NULL;
    gov_error *err = NULL;
    const bool crash = !forged && draw(n, 8) == 0 && n->copied != 1 + (int)to;
    if (crash)
        assert_gov_ok(gov_begin(n->s[to].c.g, &err), err);
    const gov_status status = side_deliver(&n->s[to], message, &v, code);
    if (status == GOV_OK) {
        assert_false(forged);
        if (!crash) {
            n->taken++;
            fly(n, 1 - to, side_text(v, "answer"));
        }
    } else {
        n->refusals++;
        if (forged ? strcmp(code, "timebank_out_of_order") == 0 : strcmp(code, "timebank_out_of_order") != 0)
            fprintf(stderr, "%s %s\n", code, message);
        assert_true((strcmp(code, "timebank_out_of_order") == 0) == !forged);
    }
    gov_value_free(v);
    if (crash)
        side_reopen(&n->s[to]); /* with the group open: nothing of it was done */
}

static void forge(network *n, unsigned to, const char *message)
{
    char *changed = strdup(message);
    static const char *const parts[] = {"\"amount\":", "\"sequence\":", "\"transfer\":", "\"signature\":\"", "\"previous\":\"", "\"seen\":\"", "\"after\":", "\"ack\":"};
    char *p = strstr(changed, parts[draw(n, sizeof parts / sizeof *parts)]);
    p = strchr(p, ':') + 1;
    p += *p == '"';
    *p = *p == '7' ? '8' : '7';
    arrive(n, to, changed, true);
    free(changed);
}

static void send_again(network *n, unsigned from)
{
    gov_value *v = side_run(&n->s[from], "timebank.outbox", "{}");
    const size_t count = gov_value_count(gov_value_find(v, "messages"));
    for (size_t i = 0; i < count; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "messages.%zu.message", i);
        fly(n, 1 - from, side_text(v, path));
    }
    gov_value_free(v);
}

static void begin_at(network *n, unsigned from)
{
    const unsigned who = draw(n, SIDE_MEMBERS), to = draw(n, SIDE_MEMBERS + 1);
    char json[512], code[64];
    const bool net = draw(n, 6) == 0;
    if (net)
        (void)snprintf(json, sizeof json, "{'peer': '%s', 'minutes': %u, 'key': '%s'}", side_names[1 - from], 1 + draw(n, 200), n->s[from].secret);
    else
        (void)snprintf(json, sizeof json, "{'peer': '%s', 'resident': '%s%u', 'to': '%s%u', 'minutes': %u, 'key': '%s'}", side_names[1 - from],
                       side_names[from], who, side_names[1 - from], to, 1 + draw(n, 400), n->s[from].secret);
    gov_value *in = community_json(json), *out = NULL;
    const gov_status status = side_try(&n->s[from], net ? "timebank.settle_net" : "timebank.send_hours", in, &out, code);
    gov_value_free(in);
    if (status == GOV_OK) {
        n->sent++;
        fly(n, 1 - from, side_text(out, "message"));
    } else {
        assert_true(strcmp(code, "timebank_owed_limit") == 0 || strcmp(code, "timebank_not_enough") == 0 ||
                    strcmp(code, "timebank_nothing_owed") == 0);
    }
    gov_value_free(out);
}

static void begin_something(network *n)
{
    begin_at(n, draw(n, SIDES));
}

/* What waits at one side is recalled, or written off by two people: into suspense, or back. */
static void give_up(network *n, unsigned from)
{
    side *s = &n->s[from];
    gov_error *err = NULL;
    char json[512], path[64], code[64];
    gov_value *list = side_run(s, "timebank.transit", "{}"), *in, *out = NULL;
    const size_t count = gov_value_count(gov_value_find(list, "transfers"));
    const bool recall = draw(n, 3) > 0, back = draw(n, 2) == 0;
    (void)snprintf(path, sizeof path, "transfers.%u.transfer", count > 0 ? draw(n, (unsigned)count) : 0);
    const int64_t transfer = count > 0 ? side_number(list, path) : 0;
    gov_value_free(list);
    if (count == 0)
        return;
    (void)snprintf(json, sizeof json, "{'peer': '%s', 'transfer': %lld, 'key': '%s'}", side_names[1 - from], (long long)transfer, s->secret);
    if (recall) {
        out = side_run(s, "timebank.recall", json);
        fly(n, 1 - from, side_text(out, "message"));
        gov_value_free(out);
        n->recalled++;
        return;
    }
    (void)snprintf(json, sizeof json, "{'peer': '%s', 'transfer': %lld, 'give_back': %s}", side_names[1 - from], (long long)transfer, back ? "true" : "false");
    in = community_json(json);
    const gov_status status = side_try(s, "timebank.write_off", in, &out, code);
    gov_value_free(in);
    gov_value_free(out);
    if (status != GOV_OK) { /* it is already */
        assert_string_equal(code, "timebank_no_clearing");
        return;
    }
    (void)snprintf(json, sizeof json, "{'peer': '%s', 'transfer': %lld}", side_names[1 - from], (long long)transfer);
    assert_gov_ok(gov_act_as(s->c.g, "hu", "clear", &err), err);
    gov_value_free(side_run(s, "timebank.approve_write_off", json));
    assert_gov_ok(gov_act_as_host(s->c.g, "test", &err), err);
    n->written_off++;
}

/* The network has a good moment: the newest message and what it is answered by go through, but for the last of them. */
static void hurry(network *n)
{
    for (int k = 0; k < 3 && n->count > 0; k++) {
        const unsigned to = n->to[n->count - 1];
        char *message = land(n, n->count - 1);
        arrive(n, to, message, false);
        free(message);
    }
}

static void something_happens(network *n)
{
    const unsigned what = draw(n, 125);
    if (what < 25) {
        begin_something(n);
    } else if (what >= 108) {
        send_again(n, draw(n, SIDES));
        hurry(n);
    } else if (what >= 100) {
        give_up(n, draw(n, SIDES));
    } else if (what < 30) {
        send_again(n, draw(n, SIDES));
    } else if (what < 32) {
        const unsigned which = draw(n, SIDES);
        if (n->copied != 1 + (int)which)
            side_reopen(&n->s[which]);
    } else if (n->count > 0) {
        const size_t i = draw(n, 3) == 0 ? n->count - 1 : draw(n, (unsigned)n->count); /* the newest overtakes all */
        const unsigned to = n->to[i];
        if (what < 42) {
            count_loose(n, n->flying[i], WAS_FORGED);
            forge(n, to, n->flying[i]);
        } else if (what < 55) { /* it comes twice */
            count_loose(n, n->flying[i], CAME_TWICE);
            char *copy = strdup(n->flying[i]);
            arrive(n, to, copy, false);
            free(copy);
        } else {
            char *message = land(n, i);
            count_loose(n, message, what < 70 ? WAS_LOST : i > 0 ? OVERTOOK : CAME);
            if (what >= 70) /* else it is lost */
                arrive(n, to, message, false);
            free(message);
        }
    }
}

/* The network behaves until nothing waits for an answer. */
static void come_to_rest(network *n)
{
    for (int round = 0; round < 200 && side_waiting(&n->s[0]) + side_waiting(&n->s[1]) > 0; round++) {
        while (n->count > 0)
            free(land(n, 0));
        send_again(n, (unsigned)round % SIDES);
        while (n->count > 0) {
            const unsigned to = n->to[0];
            char *message = n->flying[0];
            memmove(n->flying, n->flying + 1, (n->count - 1) * sizeof *n->flying);
            memmove(n->to, n->to + 1, (n->count - 1) * sizeof *n->to);
            n->count--;
            arrive(n, to, message, false);
            free(message);
        }
    }
    assert_int_equal(side_waiting(&n->s[0]) + side_waiting(&n->s[1]), 0);
    assert_int_equal(side_position(&n->s[0], "position"), -side_position(&n->s[1], "position"));
    assert_int_equal(side_position(&n->s[0], "in_transit"), 0);
    assert_int_equal(side_position(&n->s[1], "in_transit"), 0);
    assert_int_equal(side_position(&n->s[0], "sent"), side_position(&n->s[1], "received"));
    assert_int_equal(side_position(&n->s[1], "sent"), side_position(&n->s[0], "received"));
    assert_int_equal(side_position(&n->s[0], "paid"), side_position(&n->s[1], "was_paid"));
    /* What members have beyond what there was, was given back here though it was accepted there: suspense lacks it. */
    assert_int_equal(side_holdings(&n->s[0], 0) + side_holdings(&n->s[1], 1) + side_position(&n->s[0], "suspense") +
                         side_position(&n->s[1], "suspense"),
                     SIDES * SIDE_MEMBERS * SIDE_START);
    for (unsigned i = 0; i < SIDES; i++) {
        gov_value *list = side_run(&n->s[i], "timebank.transit", "{}");
        assert_int_equal(gov_value_count(gov_value_find(list, "transfers")), 0);
        gov_value_free(list);
        assert_true(side_position(&n->s[i], "suspense") <= 0);
        assert_int_equal(side_position(&n->s[i], "written_off"), 0);
    }
    assert_true(side_position(&n->s[0], "position") <= SIDE_LIMIT && side_position(&n->s[1], "position") <= SIDE_LIMIT);
}

/* A side works on, and is then restored from a copy that was made before. It may send something before it is told what it forgot. */
static void forget(network *n)
{
    gov_error *err = NULL;
    const unsigned which = draw(n, SIDES);
    char code[64];
    assert_gov_ok(gov_begin(n->s[which].c.g, &err), err);
    n->copied = 1 + (int)which;
    for (unsigned i = draw(n, 80); i > 0; i--)
        something_happens(n);
    side_reopen(&n->s[which]); /* the group was never committed */
    n->copied = 0;
    n->forgot++;
    for (unsigned i = draw(n, 4); i > 0; i--) {
        const int64_t before = n->sent;
        while (n->count > 0)
            free(land(n, 0));
        begin_at(n, which);
        n->forks += n->sent - before;
        if (n->count > 0) { /* the other side takes it, or has another of that number */
            gov_value *v = NULL;
            char *message = land(n, 0);
            (void)side_deliver(&n->s[1 - which], message, &v, code);
            gov_value_free(v);
            free(message);
        }
    }
    while (n->count > 0)
        free(land(n, 0));
    side_recover(&n->s[which], &n->s[1 - which]);
    side_recover(&n->s[which], &n->s[1 - which]); /* again: nothing changes */
    side_recover(&n->s[1 - which], &n->s[which]); /* nor where nothing was forgotten */
}

static void a_bad_network_loses_nothing(void **state)
{
    network n = {.state = 20260302};
    gov_error *err = NULL;
    side_make_both(support_store_of(state), rules, n.s);
    for (unsigned i = 0; i < SIDES; i++)
        community_put(&n.s[i].c, "staff", "hu", "{'name': '胡', 'roles': ['bank']}");
    for (int quiet = 0; quiet < 12; quiet++) {
        for (int i = 0; i < 160; i++)
            if (i % 80 == 40)
                forget(&n);
            else
                something_happens(&n);
        come_to_rest(&n);
    }
    while (n.count > 0)
        free(land(&n, 0));
    assert_true(n.sent > 40 && n.taken > 100 && n.refusals > 20 && n.recalled > 5 && n.written_off > 5 && n.forgot == 24 && n.forks > 10);
    for (unsigned i = 0; i < LOOSE; i++)
        for (unsigned k = CAME_TWICE; k < WAYS; k++)
            if (n.loose[i][k] == 0)
                fail_msg("of kind %u none had fate %u", i, k);
    for (unsigned i = 0; i < SIDES; i++) {
        gov_value *report = NULL;
        assert_gov_ok(gov_verify(n.s[i].c.g, NULL, NULL, &report, &err), err);
        gov_value_free(report);
    }
    side_free_both(n.s);
}

/* ---- without memory ---- */

typedef struct scarce {
    support_store *s;
    side peer; /* whose messages arrive */
    gov_rulebook *book;
    int run;
} scarce;

static gov_status call(community *c, const char *name, const char *json, gov_value **out)
{
    gov_value *in = community_json(json);
    const gov_status status = gov_operation_run(c->g, name, in, NULL, out, NULL);
    gov_value_free(in);
    return status;
}

static gov_status exchange(const gov_allocator *alloc, void *user)
{
    scarce *u = user;
    char url[512], name[32], json[1024];
    community c;
    gov_value *v = NULL, *fields = community_json("{'name': 'x'}"), *in = NULL;
    side own;
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
    (void)snprintf(json, sizeof json, "{'name': 'west', 'as': 'east', 'public_key': '%s', 'most_owed': 99, 'most_claimed': 99}", u->peer.public);
    if (rc == GOV_OK)
        rc = call(&c, "timebank.peer", json, NULL);
    (void)snprintf(json, sizeof json, "{'peer': 'west', 'resident': 'east0', 'to': 'west0', 'minutes': 9, 'key': '%s'}", own.secret);
    if (rc == GOV_OK)
        rc = call(&c, "timebank.send_hours", json, NULL);
    (void)snprintf(json, sizeof json, "{'key': '%s'}", own.secret);
    in = community_json(json);
    assert_int_equal(gov_value_set_string(in, "message", u->peer.another), GOV_OK);
    if (rc == GOV_OK)
        rc = gov_operation_run(c.g, "timebank.receive", in, NULL, &v, NULL);
    gov_value_free(in);
    gov_value_free(v);
    v = NULL;
    if (rc == GOV_OK)
        rc = call(&c, "timebank.outbox", "{}", &v);
    gov_value_free(v);
    v = NULL;
    if (rc == GOV_OK)
        rc = call(&c, "timebank.peers", "{}", &v);
    gov_value_free(v);
    if (rc == GOV_OK)
        rc = gov_commit(c.g, NULL);
    if (made)
        community_free(&c);
    return rc;
}

/* What west would send first. */
static void survives_want_of_memory(void **state)
{
    side s[SIDES] = {0};
    scarce u = {.s = support_store_of(state)};
    side_make_both(u.s, rules, s);
    char *first = side_send(&s[1], "east", "west0", "east0", 5);
    u.peer = s[1];
    (void)snprintf(u.peer.another, sizeof u.peer.another, "%s", first);
    assert_true(strlen(first) < sizeof u.peer.another);
    free(first);
    side_free_both(s);
    u.book = community_rulebook(rules);
    oom_loop(exchange, &u);
    gov_rulebook_free(u.book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(hours_go_over),
        STORE_TESTS(what_is_wrong_is_refused),
        STORE_TESTS(a_message_is_for_one_bank),
        STORE_TESTS(a_chain_begins_with_banks_and_keys),
        STORE_TESTS(a_bad_network_loses_nothing),
        STORE_TEST(survives_want_of_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
