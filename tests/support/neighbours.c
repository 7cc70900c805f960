#include "support/neighbours.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const side_names[SIDES] = {"east", "west"};

void side_make_key(side *s, unsigned seed)
{
    uint8_t seed_bytes[32], pub[32], sec[64];
    memset(seed_bytes, (int)seed, sizeof seed_bytes);
    (void)crypto_sign_seed_keypair(pub, sec, seed_bytes);
    sodium_bin2hex(s->secret, sizeof s->secret, sec, sizeof sec);
    sodium_bin2hex(s->public, sizeof s->public, pub, sizeof pub);
}

/* What is asked of the side's bank. */
static gov_value *asked(const side *s, const char *json)
{
    gov_value *in = community_json(json);
    if (s->bank != NULL)
        assert_int_equal(gov_value_set_string(in, "bank", s->bank), GOV_OK);
    return in;
}

gov_status side_try(side *s, const char *name, const gov_value *in, gov_value **out, char code[64])
{
    gov_error *err = NULL;
    const gov_status status = gov_operation_run(s->c.g, name, in, NULL, out, &err);
    (void)snprintf(code, 64, "%s", status != GOV_OK ? gov_error_code(err, 0) : "");
    gov_error_free(err);
    return status;
}

gov_value *side_run(side *s, const char *name, const char *json)
{
    char code[64];
    gov_value *in = asked(s, json), *out = NULL;
    const gov_status status = side_try(s, name, in, &out, code);
    gov_value_free(in);
    if (status != GOV_OK)
        fprintf(stderr, "%s %s: %s\n", name, json, code);
    assert_int_equal(status, GOV_OK);
    return out;
}

void side_refused(side *s, const char *name, const char *json, const char *want)
{
    char code[64];
    gov_value *in = asked(s, json), *out = NULL;
    (void)side_try(s, name, in, &out, code);
    gov_value_free(in);
    assert_string_equal(code, want);
}

/* The text of a message stands in JSON as it is, quotes and all, so it is set as a value. */
gov_status side_deliver(side *s, const char *message, gov_value **out, char code[64])
{
    char json[512];
    (void)snprintf(json, sizeof json, "{'key': '%s'}", s->secret);
    gov_value *in = asked(s, json);
    assert_int_equal(gov_value_set_string(in, "message", message), GOV_OK);
    const gov_status status = side_try(s, "timebank.receive", in, out, code);
    gov_value_free(in);
    return status;
}

int64_t side_number(gov_value *v, const char *path)
{
    const gov_value *found = gov_value_find(v, path);
    assert_non_null(found);
    return gov_value_int(found);
}

char *side_text(gov_value *v, const char *path)
{
    const gov_value *found = gov_value_find(v, path);
    const char *text = found != NULL && gov_value_kind(found) == GOV_VALUE_STRING ? gov_value_string(found, NULL) : NULL;
    return text != NULL ? strdup(text) : NULL;
}

void side_open(side *s, gov_rulebook *book)
{
    gov_error *err = NULL;
    assert_gov_ok(community_try(s->url, book, NULL, &s->c, &err), err);
}

void side_reopen(side *s)
{
    community_free(&s->c);
    side_open(s, NULL);
}

void side_make_both(support_store *store, const char *text, side s[SIDES])
{
    gov_rulebook *book = community_rulebook(text);
    char url[512];
    support_store_another(store, "west", url);
    (void)snprintf(s[1].another, sizeof s[1].another, "%s", url);
    s[0].url = store->url;
    s[1].url = s[1].another;
    for (unsigned i = 0; i < SIDES; i++) {
        side_make_key(&s[i], 7 + i);
        side_open(&s[i], book);
    }
    gov_rulebook_free(book);
    for (unsigned i = 0; i < SIDES; i++) {
        char json[1024];
        const side *other = &s[1 - i];
        for (int k = 0; k < SIDE_MEMBERS; k++) {
            (void)snprintf(json, sizeof json, "%s%d", side_names[i], k);
            community_put(&s[i].c, "resident", json, "{'name': 'x'}");
        }
        (void)snprintf(json, sizeof json, "{'name': '%s', 'as': '%s', 'public_key': '%s', 'most_owed': %d, 'most_claimed': %d}",
                       side_names[1 - i], side_names[i], other->public, SIDE_LIMIT, SIDE_LIMIT);
        gov_value_free(side_run(&s[i], "timebank.peer", json));
        (void)snprintf(json, sizeof json, "{'activity': 'x', 'skill': 'company', 'volunteers': ['%s0', '%s1', '%s2', '%s3'], 'minutes': %d}",
                       side_names[i], side_names[i], side_names[i], side_names[i], SIDE_START);
        gov_value_free(side_run(&s[i], "timebank.group", json));
    }
}

int64_t side_position(side *s, const char *path)
{
    char full[64];
    gov_value *v = side_run(s, "timebank.peers", "{}");
    (void)snprintf(full, sizeof full, "peers.0.%s", path);
    const int64_t n = side_number(v, full);
    gov_value_free(v);
    return n;
}

int64_t side_minutes(side *s, const char *member)
{
    char json[64];
    (void)snprintf(json, sizeof json, "{'resident': '%s'}", member);
    gov_value *v = side_run(s, "timebank.balance", json);
    const int64_t minutes = side_number(v, "minutes");
    gov_value_free(v);
    return minutes;
}

int64_t side_holdings(side *s, unsigned which)
{
    int64_t sum = 0;
    for (int k = 0; k < SIDE_MEMBERS; k++) {
        char member[16];
        (void)snprintf(member, sizeof member, "%s%d", side_names[which], k);
        sum += side_minutes(s, member);
    }
    gov_value *v = side_run(s, "timebank.totals", "{}");
    sum += side_number(v, "pool");
    assert_int_equal(side_number(v, "sum"), 0);
    gov_value_free(v);
    return sum;
}

char *side_send(side *s, const char *peer, const char *from, const char *to, int minutes)
{
    char json[512];
    (void)snprintf(json, sizeof json, "{'peer': '%s', 'resident': '%s', 'to': '%s', 'minutes': %d, 'key': '%s'}", peer, from, to, minutes,
                   s->secret);
    gov_value *v = side_run(s, "timebank.send_hours", json);
    char *text = side_text(v, "message");
    gov_value_free(v);
    return text;
}

char *side_pass(side *s, char *message)
{
    char code[64];
    gov_value *v = NULL;
    const gov_status status = side_deliver(s, message, &v, code);
    if (status != GOV_OK)
        fprintf(stderr, "%s: %s\n", code, message);
    assert_int_equal(status, GOV_OK);
    char *answer = side_text(v, "answer");
    gov_value_free(v);
    free(message);
    return answer;
}

void side_fails(side *s, const char *message, const char *want)
{
    char code[64];
    gov_value *v = NULL;
    (void)side_deliver(s, message, &v, code);
    gov_value_free(v);
    assert_string_equal(code, want);
}

size_t side_waiting(side *s)
{
    gov_value *v = side_run(s, "timebank.outbox", "{}");
    const size_t n = gov_value_count(gov_value_find(v, "messages"));
    gov_value_free(v);
    return n;
}

void side_free_both(side s[SIDES])
{
    for (unsigned i = 0; i < SIDES; i++)
        community_free(&s[i].c);
}

void side_doubts(side *s, const char *message)
{
    char code[64];
    gov_value *v = NULL;
    gov_error *err = NULL;
    assert_gov_ok(gov_begin(s->c.g, &err), err);
    if (side_deliver(s, message, &v, code) == GOV_OK) {
        assert_true(side_number(v, "forgotten") > 0);
        assert_int_equal(side_position(s, "forgotten"), side_number(v, "forgotten"));
    } else {
        assert_string_equal(code, "timebank_seen");
    }
    gov_value_free(v);
    assert_gov_ok(gov_rollback(s->c.g, &err), err);
}

/* All pages of one of the two lists. */
static void add_pages(side *other, const char *operation, gov_value *list)
{
    for (int from = 1, more = 1; more; from += 500) {
        char json[512];
        gov_value *peers = side_run(other, "timebank.peers", "{}");
        char *peer = side_text(peers, "peers.0.peer");
        (void)snprintf(json, sizeof json, "{'peer': '%s', 'from': %d%s%s%s}", peer, from, strcmp(operation, "timebank.resend") == 0 ? ", 'key': '" : "",
                       strcmp(operation, "timebank.resend") == 0 ? other->secret : "", strcmp(operation, "timebank.resend") == 0 ? "'" : "");
        gov_value *v = side_run(other, operation, json);
        const gov_value *messages = gov_value_find(v, "messages");
        for (size_t i = 0; i < gov_value_count(messages); i++)
            assert_int_equal(gov_value_append(list, gov_value_at(messages, i)), GOV_OK);
        more = (int)gov_value_bool(gov_value_find(v, "more"));
        gov_value_free(v);
        gov_value_free(peers);
        free(peer);
    }
}

gov_value *side_kept_by(side *other)
{
    gov_value *list = gov_value_new_list(NULL);
    add_pages(other, "timebank.received", list);
    add_pages(other, "timebank.resend", list);
    return list;
}

gov_status side_try_recover(side *s, side *other, const char *instead, char code[64])
{
    char json[512];
    gov_value *peers = side_run(s, "timebank.peers", "{}"), *list = side_kept_by(other), *out = NULL;
    char *peer = side_text(peers, "peers.0.peer");
    (void)snprintf(json, sizeof json, "{'peer': '%s', 'key': '%s'}", peer, s->secret);
    gov_value *in = community_json(json);
    assert_int_equal(gov_value_set(in, "messages", list), GOV_OK);
    if (instead != NULL)
        assert_int_equal(gov_value_set_string(in, "instead", instead), GOV_OK);
    const gov_status status = side_try(s, "timebank.restore", in, &out, code);
    gov_value_free(in);
    gov_value_free(out);
    gov_value_free(list);
    gov_value_free(peers);
    free(peer);
    return status;
}

void side_recover(side *s, side *other)
{
    char code[64];
    if (side_try_recover(s, other, NULL, code) != GOV_OK)
        fail_msg("timebank.restore: %s", code);
}
