/* Other communities that hours are exchanged with: who they are, how far they are trusted, where one stands with them. */
#include "timebank/timebank.h"

#include <string.h>

enum { MOST_PEERS = 1000, MOST_MESSAGES = 500, MOST_NAME = 64, MOST_BANK = 128 };

/* ---- rows ---- */

#define PEER \
    "SELECT id, name, self, public_key, most_owed, most_claimed, out_seq, out_acked, out_hash, in_seq, in_hash, their_bank, our_bank, lost, lost_hash FROM gov_timebank_peer " \
    "WHERE community = $1 AND book = $2 "

static gov_status read_peer(timebank_teller *t, store_rows *rows, timebank_peer *p)
{
    size_t name_len, self_len, key_len, out_len, in_len, their_len, our_len, lost_len;
    const char *name = store_text(rows, 1, &name_len), *self = store_text(rows, 2, &self_len);
    const char *their = store_text(rows, 11, &their_len), *our = store_text(rows, 12, &our_len);
    *p = (timebank_peer){.id = store_int(rows, 0),
                         .book = t->bank->book,
                         .name = base_arena_strndup(&t->g->scratch, name, name_len),
                         .self = base_arena_strndup(&t->g->scratch, self, self_len),
                         .their_bank = base_arena_strndup(&t->g->scratch, their, their_len),
                         .our_bank = base_arena_strndup(&t->g->scratch, our, our_len),
                         .most_owed = store_int(rows, 4),
                         .most_claimed = store_int(rows, 5),
                         .out_seq = store_int(rows, 6),
                         .out_acked = store_int(rows, 7),
                         .in_seq = store_int(rows, 9),
                         .lost = store_int(rows, 13)};
    const void *lost = store_bytes(rows, 14, &lost_len);
    const void *key = store_bytes(rows, 3, &key_len), *out = store_bytes(rows, 8, &out_len), *in = store_bytes(rows, 10, &in_len);
    if (p->name == NULL || p->self == NULL || p->their_bank == NULL || p->our_bank == NULL)
        return base_nomem(t->d);
    if (key_len != sizeof p->key || out_len != sizeof p->out_hash || in_len != sizeof p->in_hash || lost_len != sizeof p->lost_hash)
        return base_fail(t->d, M_internal, A_S("what", "peer"));
    memcpy(p->key, key, sizeof p->key);
    memcpy(p->out_hash, out, sizeof p->out_hash);
    memcpy(p->in_hash, in, sizeof p->in_hash);
    memcpy(p->lost_hash, lost, sizeof p->lost_hash);
    return GOV_OK;
}

/* GOV_END: there is none. */
static gov_status look_up(timebank_teller *t, const char *name, timebank_peer *out)
{
    static const store_sql sql = {PEER "AND name = $3", 0};
    store_rows rows;
    gov_status rc = store_first(t->g->store, &sql,
                                STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_s(name)), &rows, t->d);
    if (rc != GOV_OK)
        return rc;
    rc = read_peer(t, &rows, out);
    store_rows_close(&rows);
    return rc;
}

gov_status timebank_find_peer(timebank_teller *t, const char *name, const char *self, timebank_peer *out)
{
    const gov_status rc = look_up(t, name, out);
    if (rc == GOV_END || (rc == GOV_OK && self != NULL && strcmp(out->self, self) != 0))
        return base_fail(t->d, M_timebank_peer_unknown, A_S("peer", name));
    return rc;
}

gov_status timebank_store_peer(timebank_teller *t, const timebank_peer *p)
{
    static const store_sql sql = {"UPDATE gov_timebank_peer SET self = $3, public_key = $4, most_owed = $5, most_claimed = $6, out_seq "
                                  "= $7, out_acked = $8, out_hash = $9, in_seq = $10, in_hash = $11, their_bank = $12, lost = $13, lost_hash = $14 WHERE community = $1 AND id = $2",
                                  0};
    return access_keep(
        t->g,
        store_post(t->g->store, &sql,
                   STORE_ARGS(store_i(t->g->community), store_i(p->id), store_s(p->self),
                              store_b(p->key, sizeof p->key), store_i(p->most_owed),
                              store_i(p->most_claimed), store_i(p->out_seq), store_i(p->out_acked),
                              store_b(p->out_hash, sizeof p->out_hash), store_i(p->in_seq),
                              store_b(p->in_hash, sizeof p->in_hash), store_s(p->their_bank),
                              store_i(p->lost), store_b(p->lost_hash, sizeof p->lost_hash)),
                   1, t->d),
        &timebank_kept_peer, p->id, 0, 0, t->d);
}

static gov_status add_peer(timebank_teller *t, const timebank_peer *p)
{
    static const store_sql sql = {
        "INSERT INTO gov_timebank_peer (community, id, book, name, self, public_key, most_owed, most_claimed, out_seq, out_acked, "
        "out_hash, in_seq, in_hash, their_bank, our_bank, lost, lost_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, 0, $10, $11, $12, 0, $13)",
        0};
    return access_keep(t->g,
                       store_post(t->g->store, &sql,
                                  STORE_ARGS(store_i(t->g->community), store_i(p->id),
                                             store_i(p->book), store_s(p->name), store_s(p->self),
                                             store_b(p->key, sizeof p->key), store_i(p->most_owed),
                                             store_i(p->most_claimed),
                                             store_b(p->out_hash, sizeof p->out_hash),
                                             store_b(p->in_hash, sizeof p->in_hash),
                                             store_s(p->their_bank), store_s(p->our_bank),
                                             store_b(p->lost_hash, sizeof p->lost_hash)),
                                  1, t->d),
                       &timebank_kept_peer, p->id, 0, 0, t->d);
}

/* All of them, or the one of that name. */
static gov_status all_peers(timebank_teller *t, const char *name, timebank_peer **out, size_t *count)
{
    static const store_sql sql = {PEER "ORDER BY id LIMIT $3", 0};
    store_rows rows;
    *count = 0;
    *out = base_arena_array(&t->g->scratch, name != NULL ? 1 : MOST_PEERS, sizeof **out);
    if (*out == NULL)
        return base_nomem(t->d);
    if (name != NULL) {
        *count = 1;
        return timebank_find_peer(t, name, NULL, *out);
    }
    gov_status rc = store_query(t->g->store, &sql,
                                STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_i(MOST_PEERS)), &rows, t->d);
    while (rc == GOV_OK && *count < MOST_PEERS && (rc = store_next(&rows, t->d)) == GOV_OK)
        rc = read_peer(t, &rows, &(*out)[(*count)++]);
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

/* ---- registering ---- */

enum { IN_BANK, IN_NAME, IN_SELF, IN_KEY, IN_MOST_OWED, IN_MOST_CLAIMED, IN_THEIR_BANK };

static gov_status read_peer_terms(timebank_teller *t, const value *in, timebank_peer *p)
{
    gov_status rc = timebank_text(t->g, in[IN_NAME], MOST_NAME, &p->name, t->d);
    if (rc == GOV_OK)
        rc = timebank_text(t->g, in[IN_SELF], MOST_NAME, &p->self, t->d);
    if (rc == GOV_OK)
        rc = timebank_read_key(in[IN_KEY], sizeof p->key, p->key, t->d);
    if (rc == GOV_OK && (base_utf8_blank(p->name, strlen(p->name)) || base_utf8_blank(p->self, strlen(p->self)) || strcmp(p->name, p->self) == 0))
        return base_fail(t->d, M_timebank_incomplete);
    if (rc == GOV_OK)
        rc = timebank_minutes(in[IN_MOST_OWED], 0, &p->most_owed, t->d);
    if (rc == GOV_OK)
        rc = timebank_minutes(in[IN_MOST_CLAIMED], 0, &p->most_claimed, t->d);
    if (rc == GOV_OK && in[IN_THEIR_BANK].kind == VALUE_STRING)
        rc = timebank_text(t->g, in[IN_THEIR_BANK], MOST_BANK, &p->their_bank, t->d);
    if (rc == GOV_OK && base_utf8_blank(p->their_bank, strlen(p->their_bank)))
        return base_fail(t->d, M_timebank_incomplete);
    return rc;
}

/* Anew, or with another key or other limits. What was sent and received goes on. */
static gov_status put_peer(timebank_teller *t, const value *in, timebank_peer *p)
{
    timebank_peer terms = {.our_bank = t->bank->name, .their_bank = t->bank->name}, old;
    char name[4 * MOST_NAME + 1] = "";
    if (in[IN_NAME].len < sizeof name)
        memcpy(name, in[IN_NAME].as.s, in[IN_NAME].len);
    gov_status rc = look_up(t, name, &old);
    const bool known = rc == GOV_OK;
    if (known)
        terms = old;
    if (known || rc == GOV_END)
        rc = read_peer_terms(t, in, &terms);
    if (rc != GOV_OK)
        return rc;
    *p = terms;
    if (known && p->out_seq + p->in_seq > 0 && (strcmp(old.self, p->self) != 0 || strcmp(old.their_bank, p->their_bank) != 0))
        return base_fail(t->d, M_timebank_peer_renamed, A_S("peer", p->name)); /* messages name both */
    if (known)
        return timebank_store_peer(t, p);
    p->book = t->bank->book;
    rc = access_new_id(t->g, &p->id, t->d);
    return rc == GOV_OK ? add_peer(t, p) : rc;
}

TIMEBANK_RUN(timebank_run_peer)
{
    timebank_teller t;
    timebank_peer p;
    value_builder b;
    gov_status rc = access_check_whole(g, TIMEBANK_RULE, d);
    if (rc == GOV_OK)
        rc = timebank_open(g, in[IN_BANK], true, &t, d);
    if (rc == GOV_OK)
        rc = put_peer(&t, in, &p);
    if (rc != GOV_OK)
        return rc;
    const value_pair said[] = {{value_text("peer"), value_text(p.name)},
                               {value_text("most_owed"), value_int(p.most_owed)},
                               {value_text("most_claimed"), value_int(p.most_claimed)}};
    const timebank_note note = {"peer", p.id, value_map(said, ARRAY_LEN(said))};
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(p.id));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : timebank_record(&t, "peer_registered", &note);
}

/* ---- where one stands ---- */

/* How many minutes went either way and were settled, how many are under way. */
static gov_status flows(timebank_teller *t, int64_t peer, value_builder *b)
{
    static const store_sql sql = {
        "SELECT CAST(sum(CASE WHEN direction = 0 AND state = 3 AND what = 'hours' THEN minutes ELSE 0 END) AS BIGINT), CAST(sum(CASE "
        "WHEN direction = 1 AND (state = 2 OR state = 3) AND what = 'hours' THEN minutes ELSE 0 END) AS BIGINT), CAST(sum(CASE WHEN "
        "direction = 0 AND state = 3 AND what = 'net' THEN minutes ELSE 0 END) AS BIGINT), CAST(sum(CASE WHEN direction = 1 AND (state "
        "= 2 OR state = 3) AND what = 'net' THEN minutes ELSE 0 END) AS BIGINT), CAST(sum(CASE WHEN direction = 0 AND (state = 6 OR state "
        "= 7) AND what = 'hours' THEN minutes ELSE 0 END) AS BIGINT) FROM gov_timebank_clearing WHERE community = $1 AND peer "
        "= $2",
        0};
    static const char *const names[] = {"sent", "received", "paid", "was_paid", "written_off"};
    store_rows rows;
    const gov_status rc =
        store_first(t->g->store, &sql, STORE_ARGS(store_i(t->g->community), store_i(peer)), &rows, t->d);
    if (rc != GOV_OK)
        return rc == GOV_END ? GOV_OK : rc;
    for (int i = 0; i < (int)ARRAY_LEN(names); i++)
        value_builder_set(b, names[i], value_int(store_int(&rows, i)));
    store_rows_close(&rows);
    return GOV_OK;
}

static gov_status show_peer(timebank_teller *t, const timebank_peer *p, value_builder *list)
{
    ledger_account account, transit, suspense;
    value_builder b;
    gov_status rc = timebank_figures(t, p->id, TIMEBANK_PEER, &account);
    if (rc == GOV_OK)
        rc = timebank_figures(t, p->id, TIMEBANK_TRANSIT, &transit);
    if (rc == GOV_OK)
        rc = timebank_figures(t, p->id, TIMEBANK_SUSPENSE, &suspense);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &t->g->scratch);
    value_builder_set(&b, "peer", value_text(p->name));
    value_builder_set(&b, "their_bank", value_text(p->their_bank));
    value_builder_set(&b, "position", value_int(timebank_balance_of(&account)));
    value_builder_set(&b, "in_transit", value_int(transit.credits_pending));
    value_builder_set(&b, "suspense", value_int(timebank_balance_of(&suspense)));
    value_builder_set(&b, "most_owed", value_int(p->most_owed));
    value_builder_set(&b, "most_claimed", value_int(p->most_claimed));
    value_builder_set(&b, "sent_messages", value_int(p->out_seq));
    value_builder_set(&b, "acknowledged", value_int(p->out_acked));
    value_builder_set(&b, "received_messages", value_int(p->in_seq));
    value_builder_set(&b, "forgotten", p->lost > 0 ? value_int(p->lost) : value_null());
    rc = flows(t, p->id, &b);
    list->failed = list->failed || b.failed;
    value_builder_add(list, value_builder_map(&b));
    return rc;
}

TIMEBANK_RUN(timebank_run_peers)
{
    timebank_teller t;
    timebank_peer *peers;
    size_t count;
    value_builder list, b;
    gov_status rc = access_check_whole(g, TIMEBANK_READ, d);
    if (rc == GOV_OK)
        rc = timebank_open(g, in[0], false, &t, d);
    if (rc == GOV_OK)
        rc = all_peers(&t, NULL, &peers, &count);
    value_builder_init(&list, &g->scratch);
    value_builder_init(&b, &g->scratch);
    for (size_t i = 0; rc == GOV_OK && i < count; i++)
        rc = show_peer(&t, &peers[i], &list);
    value_builder_set(&b, "peers", value_builder_list(&list));
    *out = value_builder_map(&b);
    return rc == GOV_OK && (b.failed || list.failed) ? base_nomem(d) : rc;
}

/* ---- what is to be sent again ---- */

static gov_status list_messages(timebank_teller *t, const timebank_peer *p, value_builder *list)
{
    static const store_sql sql = {"SELECT sequence, kind, text, at_us FROM gov_timebank_message WHERE community = $1 AND peer = $2 AND "
                                  "direction = 0 AND sequence > $3 ORDER BY sequence LIMIT $4",
                                  0};
    store_rows rows;
    gov_status rc = store_query(t->g->store, &sql,
                                STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(p->out_acked),
                                           store_i((int64_t)(MOST_MESSAGES - list->len))),
                                &rows, t->d);
    while (rc == GOV_OK && list->len < MOST_MESSAGES && (rc = store_next(&rows, t->d)) == GOV_OK) {
        value_builder b;
        value_builder_init(&b, &t->g->scratch);
        value_builder_set(&b, "peer", value_text(p->name));
        value_builder_set(&b, "sequence", value_int(store_int(&rows, 0)));
        value_builder_set_copy(&b, "kind", store_text(&rows, 1, NULL));
        value_builder_set_copy(&b, "message", store_text(&rows, 2, NULL));
        value_builder_set(&b, "at", value_from_us(store_int(&rows, 3)));
        list->failed = list->failed || b.failed;
        value_builder_add(list, value_builder_map(&b));
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

TIMEBANK_RUN(timebank_run_outbox)
{
    timebank_teller t;
    timebank_peer *peers;
    const char *name;
    size_t count;
    value_builder list, b;
    gov_status rc = access_check_whole(g, TIMEBANK_RULE, d);
    if (rc == GOV_OK)
        rc = timebank_open(g, in[0], false, &t, d);
    if (rc == GOV_OK)
        rc = timebank_text(g, in[1], MOST_NAME, &name, d);
    if (rc == GOV_OK)
        rc = all_peers(&t, name, &peers, &count);
    value_builder_init(&list, &g->scratch);
    value_builder_init(&b, &g->scratch);
    for (size_t i = 0; rc == GOV_OK && i < count; i++)
        rc = list_messages(&t, &peers[i], &list);
    value_builder_set(&b, "messages", value_builder_list(&list));
    *out = value_builder_map(&b);
    return rc == GOV_OK && (b.failed || list.failed) ? base_nomem(d) : rc;
}
