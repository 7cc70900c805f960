/* Hours that go to another community and come from there: the two phases, over messages that may be lost, repeated and reordered. */
#include "timebank/timebank.h"

#include <string.h>

/* ---- what is under way ---- */

enum { PREPARED = 1, ACCEPTED = 2, SETTLED = 3, REFUSED = 4 };
enum { OUT = 0, IN = 1 };

typedef struct clearing {
    int64_t transfer, resident, minutes;
    int32_t direction, state;
    const char *what, *reason; /* of a refusal */
} clearing;

static gov_status add_clearing(timebank_teller *t, const timebank_peer *p, const clearing *c)
{
    static const store_sql sql = {"INSERT INTO gov_timebank_clearing (community, peer, direction, transfer, what, resident, minutes, "
                                  "state, reason, at_us, done_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL)",
                                  0};
    return store_post(t->g->store, &sql,
                      STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(c->direction), store_i(c->transfer),
                                 store_s(c->what), store_i0(c->resident), store_i(c->minutes), store_i(c->state),
                                 store_s(c->reason), store_i(access_now(t->g))),
                      1, t->d);
}

static gov_status end_clearing(timebank_teller *t, const timebank_peer *p, const clearing *c)
{
    static const store_sql sql = {"UPDATE gov_timebank_clearing SET state = $5, reason = $6, done_us = $7 WHERE community = $1 AND peer "
                                  "= $2 AND direction = $3 AND transfer = $4",
                                  0};
    return store_post(t->g->store, &sql,
                      STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(c->direction), store_i(c->transfer),
                                 store_i(c->state), store_s(c->reason), store_i(access_now(t->g))),
                      1, t->d);
}

/* One in this state; GOV_E_REFUSED, reported. */
static gov_status find_clearing(timebank_teller *t, const timebank_peer *p, int32_t direction, int64_t transfer, bool refused_too,
                                clearing *out)
{
    static const store_sql sql = {"SELECT resident, minutes, state, what FROM gov_timebank_clearing WHERE community = $1 AND peer = $2 "
                                  "AND direction = $3 AND transfer = $4",
                                  0};
    store_rows rows;
    const gov_status rc = store_first(t->g->store, &sql,
                                      STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(direction), store_i(transfer)),
                                      &rows, t->d);
    if (rc != GOV_OK && rc != GOV_END)
        return rc;
    *out = (clearing){.direction = direction, .transfer = transfer};
    if (rc == GOV_OK) {
        out->resident = store_int(&rows, 0);
        out->minutes = store_int(&rows, 1);
        out->state = (int32_t)store_int(&rows, 2);
        out->what = strcmp(store_text(&rows, 3, NULL), "net") == 0 ? "net" : "hours";
        store_rows_close(&rows);
    }
    if (out->state == (direction == OUT ? PREPARED : ACCEPTED) || (refused_too && out->state == REFUSED))
        return GOV_OK;
    return base_fail(t->d, M_timebank_no_clearing, A_S("peer", p->name), A_I("transfer", transfer));
}

/* ---- sending ---- */

static gov_status keep_message(timebank_teller *t, const timebank_peer *p, int32_t direction, const timebank_message *m,
                               const char *answer)
{
    static const store_sql sql = {"INSERT INTO gov_timebank_message (community, peer, direction, sequence, kind, hash, text, answer, "
                                  "at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                                  0};
    return store_post(t->g->store, &sql,
                      STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(direction), store_i(m->sequence),
                                 store_s(m->kind), store_b(m->hash, sizeof m->hash), store_t(m->text, m->len), store_s(answer),
                                 store_i(access_now(t->g))),
                      1, t->d);
}

/* The next message of the stream, written, signed and kept; `ack` alone has no place in it. The peer's row is the caller's to store. */
static gov_status issue(timebank_teller *t, timebank_peer *p, timebank_message *m, const uint8_t *secret)
{
    const bool numbered = strcmp(m->kind, "ack") != 0;
    m->from = p->self;
    m->to = p->name;
    m->from_bank = p->our_bank;
    m->to_bank = p->their_bank;
    m->ack = p->in_seq;
    gov_status rc = GOV_OK;
    if (numbered) {
        m->sequence = p->out_seq + 1;
        if (p->out_seq == 0)
            rc = timebank_chain_start(t->g, m, timebank_public_key(secret), p->key, p->out_hash, t->d);
        memcpy(m->previous, p->out_hash, sizeof m->previous);
    }
    if (rc == GOV_OK)
        rc = timebank_write_message(t->g, m, secret, t->d);
    if (rc != GOV_OK || !numbered)
        return rc;
    p->out_seq = m->sequence;
    memcpy(p->out_hash, m->hash, sizeof p->out_hash);
    return keep_message(t, p, OUT, m, NULL);
}

static timebank_note note_of(const timebank_peer *p, const value_pair *said, size_t n)
{
    return (timebank_note){"peer", p->id, value_map(said, n)};
}

/* Reserves what is sent: from the member into what is in transit, or from what is owed. */
static gov_status reserve(timebank_teller *t, const timebank_peer *p, const clearing *c)
{
    ledger_transfer event;
    ledger_account owed, transit;
    int64_t from, to, after;
    const bool hours = strcmp(c->what, "hours") == 0;
    gov_status rc = timebank_figures(t, p->id, TIMEBANK_PEER, &owed);
    if (rc == GOV_OK)
        rc = timebank_figures(t, p->id, TIMEBANK_TRANSIT, &transit);
    if (rc != GOV_OK)
        return rc;
    if (hours && (!base_add(timebank_balance_of(&owed) + transit.credits_pending, c->minutes, &after) || after > p->most_owed))
        return base_fail(t->d, M_timebank_owed_limit, A_S("peer", p->name), A_I("minutes", c->minutes),
                         A_I("left", p->most_owed - timebank_balance_of(&owed) - transit.credits_pending));
    if (!hours && timebank_balance_of(&owed) - owed.debits_pending < c->minutes)
        return base_fail(t->d, M_timebank_nothing_owed, A_S("peer", p->name), A_I("minutes", c->minutes));
    if (hours)
        rc = timebank_check_has(t, c->resident, c->minutes);
    if (rc != GOV_OK)
        return rc;
    rc = hours ? timebank_account(t, c->resident, TIMEBANK_MEMBER, &from) : timebank_account(t, p->id, TIMEBANK_PEER, &from);
    if (rc == GOV_OK)
        rc = hours ? timebank_account(t, p->id, TIMEBANK_TRANSIT, &to) : timebank_own_account(t, TIMEBANK_OUTSIDE, &to);
    if (rc != GOV_OK)
        return rc;
    event = (ledger_transfer){.id = c->transfer,
                              .debit_account = from,
                              .credit_account = to,
                              .amount = c->minutes,
                              .ledger = t->bank->book,
                              .code = hours ? TIMEBANK_BY_SENDING : TIMEBANK_BY_SETTLEMENT,
                              .flags = GOV_TRANSFER_PENDING,
                              .subject = p->id};
    const value_pair said[] = {{value_text("peer"), value_text(p->name)}, {value_text("minutes"), value_int(c->minutes)}};
    const timebank_note note = note_of(p, said, 2);
    return timebank_post(t, &event, 1, &note);
}

static gov_status prepare(timebank_teller *t, timebank_peer *p, clearing *c, const char *whom, const uint8_t *secret, value *out)
{
    timebank_message m = {.kind = "prepare", .what = c->what, .whom = whom, .amount = c->minutes};
    value_builder b;
    gov_status rc = access_new_id(t->g, &c->transfer, t->d);
    c->direction = OUT;
    c->state = PREPARED;
    m.transfer = c->transfer;
    if (rc == GOV_OK)
        rc = reserve(t, p, c);
    if (rc == GOV_OK)
        rc = add_clearing(t, p, c);
    if (rc == GOV_OK)
        rc = issue(t, p, &m, secret);
    if (rc == GOV_OK)
        rc = timebank_store_peer(t, p);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &t->g->scratch);
    value_builder_set(&b, "id", value_int(c->transfer));
    value_builder_set(&b, "sequence", value_int(m.sequence));
    value_builder_set(&b, "message", value_string(m.text, m.len));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(t->d) : GOV_OK;
}

static gov_status approach(gov *g, const value *in, value name, value key, timebank_teller *t, timebank_peer *p,
                           uint8_t secret[static TIMEBANK_SECRET], const diag *d)
{
    const char *text;
    gov_status rc = timebank_open(g, in[0], true, t, d);
    if (rc == GOV_OK)
        rc = timebank_text(g, name, 64, &text, d);
    if (rc == GOV_OK)
        rc = timebank_find_peer(t, text, NULL, p);
    return rc == GOV_OK ? timebank_read_key(key, TIMEBANK_SECRET, secret, d) : rc;
}

TIMEBANK_RUN(timebank_run_send_hours)
{
    timebank_teller t;
    timebank_peer p;
    uint8_t secret[TIMEBANK_SECRET];
    const char *whom;
    clearing c = {.what = "hours", .resident = in[2].as.i};
    gov_status rc = approach(g, in, in[1], in[5], &t, &p, secret, d);
    if (rc == GOV_OK)
        rc = timebank_minutes(in[4], 1, &c.minutes, d);
    if (rc == GOV_OK)
        rc = timebank_text(g, in[3], 128, &whom, d);
    if (rc == GOV_OK && whom[0] == '\0')
        return base_fail(d, M_timebank_incomplete);
    if (rc == GOV_OK)
        rc = timebank_check_active(&t, c.resident);
    return rc == GOV_OK ? prepare(&t, &p, &c, whom, secret, out) : rc;
}

TIMEBANK_RUN(timebank_run_settle_net)
{
    timebank_teller t;
    timebank_peer p;
    uint8_t secret[TIMEBANK_SECRET];
    clearing c = {.what = "net"};
    gov_status rc = access_check_whole(g, TIMEBANK_RULE, d);
    if (rc == GOV_OK)
        rc = approach(g, in, in[1], in[3], &t, &p, secret, d);
    if (rc == GOV_OK)
        rc = timebank_minutes(in[2], 1, &c.minutes, d);
    return rc == GOV_OK ? prepare(&t, &p, &c, NULL, secret, out) : rc;
}

/* ---- taking up ---- */

/* To whom, and how much of it, the rest being the pool's. *reason: a word for why not. */
static gov_status place_hours(timebank_teller *t, const timebank_message *m, int64_t *resident, int64_t *theirs, const char **reason)
{
    const timebank_bank *b = t->bank;
    timebank_member member;
    ledger_account a;
    *resident = 0;
    *theirs = m->amount;
    gov_status rc = m->whom != NULL ? registry_lookup(t->g, GOV_KIND_RESIDENT, m->whom, strlen(m->whom), resident, t->d) : GOV_OK;
    if (rc == GOV_OK && *resident == 0) {
        *reason = "no_such_member";
        return GOV_OK;
    }
    if (rc == GOV_OK)
        rc = timebank_load_member(t, *resident, &member);
    if (rc == GOV_OK && member.standing != TIMEBANK_ACTIVE)
        *reason = "no_such_member";
    if (rc != GOV_OK || *reason != NULL || b->cap_total == TIMEBANK_NO_LIMIT)
        return rc;
    rc = timebank_figures(t, *resident, TIMEBANK_MEMBER, &a);
    const int64_t has = timebank_balance_of(&a), left = b->cap_total > has ? b->cap_total - has : 0;
    if (left < m->amount && !b->donates)
        *reason = "cap";
    else if (left < m->amount)
        *theirs = left;
    return rc;
}

static gov_status credit(timebank_teller *t, const timebank_peer *p, const timebank_message *m, int64_t resident, int64_t theirs)
{
    ledger_transfer events[2];
    int64_t peer, to;
    size_t n = 0;
    gov_status rc = timebank_account(t, p->id, TIMEBANK_PEER, &peer);
    if (rc == GOV_OK && theirs > 0) {
        rc = resident != 0 ? timebank_account(t, resident, TIMEBANK_MEMBER, &to) : timebank_own_account(t, TIMEBANK_OUTSIDE, &to);
        if (rc == GOV_OK && resident != 0)
            rc = timebank_transfer(t, TIMEBANK_BY_RECEIVING, peer, to, theirs, &events[n++]);
        else if (rc == GOV_OK) /* a settlement lowers what is claimed */
            rc = timebank_transfer(t, TIMEBANK_BY_SETTLEMENT, to, peer, theirs, &events[n++]);
    }
    if (rc == GOV_OK && theirs < m->amount) {
        rc = timebank_own_account(t, TIMEBANK_POOL, &to);
        if (rc == GOV_OK)
            rc = timebank_transfer(t, TIMEBANK_BY_RECEIVING, peer, to, m->amount - theirs, &events[n++]);
    }
    for (size_t i = 0; i < n; i++) {
        events[i].subject = p->id;
        events[i].reference = m->transfer;
    }
    const value_pair said[] = {{value_text("peer"), value_text(p->name)},
                               {value_text("transfer"), value_int(m->transfer)},
                               {value_text("minutes"), value_int(m->amount)}};
    const timebank_note note = note_of(p, said, ARRAY_LEN(said));
    return rc == GOV_OK ? timebank_post(t, events, n, &note) : rc;
}

static gov_status take_prepare(timebank_teller *t, const timebank_peer *p, const timebank_message *m, timebank_message *answer)
{
    clearing c = {.direction = IN, .transfer = m->transfer, .minutes = m->amount, .state = ACCEPTED};
    ledger_account account;
    int64_t theirs = m->amount, after;
    const bool hours = m->what != NULL && strcmp(m->what, "hours") == 0, net = m->what != NULL && strcmp(m->what, "net") == 0;
    c.what = net ? "net" : "hours";
    if (m->amount < 1 || m->transfer < 1 || !(hours || net))
        return base_fail(t->d, M_timebank_message, A_S("why", "it prepares nothing"));
    gov_status rc = timebank_figures(t, p->id, TIMEBANK_PEER, &account);
    const int64_t claimed = -timebank_balance_of(&account);
    if (rc == GOV_OK && hours)
        rc = place_hours(t, m, &c.resident, &theirs, &c.reason);
    if (rc == GOV_OK && hours && c.reason == NULL &&
        (!base_add(claimed + account.debits_pending, m->amount, &after) || after > p->most_claimed))
        c.reason = "limit";
    if (rc == GOV_OK && net && claimed < m->amount)
        c.reason = "not_claimed";
    if (rc == GOV_OK && c.reason == NULL)
        rc = credit(t, p, m, c.resident, theirs);
    if (c.reason != NULL)
        c.state = REFUSED;
    if (rc == GOV_OK)
        rc = add_clearing(t, p, &c);
    *answer = (timebank_message){.kind = c.reason != NULL ? "refuse" : "accept",
                                 .transfer = m->transfer,
                                 .amount = m->amount,
                                 .reason = c.reason};
    return rc;
}

/* The answer to what was sent: it is posted, or given back. */
static gov_status take_answer(timebank_teller *t, const timebank_peer *p, const timebank_message *m, timebank_message *answer)
{
    clearing c;
    ledger_transfer events[2];
    int64_t transit, peer;
    size_t n = 1;
    const bool accepted = strcmp(m->kind, "accept") == 0;
    gov_status rc = find_clearing(t, p, OUT, m->transfer, false, &c);
    if (rc == GOV_OK && c.minutes != m->amount)
        return base_fail(t->d, M_timebank_no_clearing, A_S("peer", p->name), A_I("transfer", m->transfer));
    if (rc == GOV_OK)
        rc = timebank_transfer(t, strcmp(c.what, "hours") == 0 ? TIMEBANK_BY_SENDING : TIMEBANK_BY_SETTLEMENT, 0, 0,
                               accepted ? c.minutes : 0, &events[0]);
    events[0].pending_id = c.transfer;
    events[0].subject = p->id;
    events[0].flags = accepted ? GOV_TRANSFER_POST_PENDING : GOV_TRANSFER_VOID_PENDING;
    if (rc == GOV_OK && accepted && strcmp(c.what, "hours") == 0) {
        rc = timebank_account(t, p->id, TIMEBANK_TRANSIT, &transit);
        if (rc == GOV_OK)
            rc = timebank_account(t, p->id, TIMEBANK_PEER, &peer);
        if (rc == GOV_OK)
            rc = timebank_transfer(t, TIMEBANK_BY_SENDING, transit, peer, c.minutes, &events[n]);
        events[n++].subject = p->id;
    }
    const value_pair said[] = {{value_text("peer"), value_text(p->name)},
                               {value_text("transfer"), value_int(m->transfer)},
                               {value_text("answer"), value_text(m->kind)},
                               {value_text("reason"), m->reason != NULL ? value_text(m->reason) : value_null()}};
    const timebank_note note = note_of(p, said, ARRAY_LEN(said));
    if (rc == GOV_OK)
        rc = timebank_post(t, events, n, &note);
    c.state = accepted ? SETTLED : REFUSED;
    c.reason = m->reason;
    if (rc == GOV_OK)
        rc = end_clearing(t, p, &c);
    *answer = (timebank_message){.kind = "settle", .transfer = m->transfer, .amount = m->amount};
    return rc;
}

static gov_status take_settle(timebank_teller *t, const timebank_peer *p, const timebank_message *m, timebank_message *answer)
{
    clearing c;
    gov_status rc = find_clearing(t, p, IN, m->transfer, true, &c);
    if (rc == GOV_OK && c.state == ACCEPTED) {
        c.state = SETTLED;
        rc = end_clearing(t, p, &c);
    }
    *answer = (timebank_message){.kind = "ack", .transfer = m->transfer, .amount = m->amount};
    return rc;
}

/* The answer that it got when it was taken up; GOV_E_REFUSED when it is another one than was. */
static gov_status repeat(timebank_teller *t, const timebank_peer *p, const timebank_message *m, const char **answer)
{
    static const store_sql sql = {"SELECT hash, answer FROM gov_timebank_message WHERE community = $1 AND peer = $2 AND direction = 1 AND "
                                  "sequence = $3",
                                  0};
    store_rows rows;
    size_t hash_len, len;
    gov_status rc = store_first(t->g->store, &sql,
                                STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(m->sequence)), &rows, t->d);
    if (rc == GOV_END)
        return base_fail(t->d, M_internal, A_S("what", "message"));
    if (rc != GOV_OK)
        return rc;
    const void *hash = store_bytes(&rows, 0, &hash_len);
    const bool same = hash_len == sizeof m->hash && memcmp(hash, m->hash, hash_len) == 0;
    const char *text = store_text(&rows, 1, &len);
    *answer = base_arena_strndup(&t->g->scratch, text, len);
    store_rows_close(&rows);
    if (!same)
        return base_fail(t->d, M_timebank_chain, A_S("peer", p->name), A_I("found", m->sequence));
    return *answer != NULL ? GOV_OK : base_nomem(t->d);
}

static gov_status take_next(timebank_teller *t, timebank_peer *p, const timebank_message *m, const uint8_t *secret,
                            const char **answer)
{
    timebank_message a;
    if (m->sequence > p->in_seq + 1)
        return base_fail(t->d, M_timebank_out_of_order, A_S("peer", p->name), A_I("found", m->sequence),
                         A_I("wanted", p->in_seq + 1));
    gov_status rc = GOV_OK;
    if (p->in_seq == 0)
        rc = timebank_chain_start(t->g, m, p->key, timebank_public_key(secret), p->in_hash, t->d);
    if (rc != GOV_OK)
        return rc;
    if (memcmp(m->previous, p->in_hash, sizeof m->previous) != 0)
        return base_fail(t->d, M_timebank_chain, A_S("peer", p->name), A_I("found", m->sequence));
    rc = strcmp(m->kind, "prepare") == 0  ? take_prepare(t, p, m, &a)
                    : strcmp(m->kind, "settle") == 0 ? take_settle(t, p, m, &a)
                                                     : take_answer(t, p, m, &a);
    p->in_seq = m->sequence;
    memcpy(p->in_hash, m->hash, sizeof p->in_hash);
    if (rc == GOV_OK)
        rc = issue(t, p, &a, secret);
    if (rc == GOV_OK)
        rc = keep_message(t, p, IN, m, a.text);
    *answer = a.text;
    return rc;
}

TIMEBANK_RUN(timebank_run_receive)
{
    timebank_teller t;
    timebank_peer p;
    timebank_message m;
    uint8_t secret[TIMEBANK_SECRET];
    const char *answer = NULL;
    value_builder b;
    gov_status rc = access_check_whole(g, TIMEBANK_RULE, d);
    if (rc == GOV_OK)
        rc = timebank_read_message(g, in[1], &m, d);
    if (rc == GOV_OK)
        rc = timebank_open(g, in[0], true, &t, d);
    if (rc == GOV_OK)
        rc = timebank_find_peer(&t, m.from, m.to, &p);
    if (rc == GOV_OK)
        rc = timebank_check_signature(g, &m, p.key, d);
    if (rc == GOV_OK && (strcmp(m.from_bank, p.their_bank) != 0 || strcmp(m.to_bank, p.our_bank) != 0))
        return base_fail(d, M_timebank_other_bank, A_S("peer", p.name), A_S("from", m.from_bank), A_S("to", m.to_bank));
    if (rc == GOV_OK)
        rc = timebank_read_key(in[2], TIMEBANK_SECRET, secret, d);
    if (rc != GOV_OK)
        return rc;
    const bool again = m.sequence > 0 && m.sequence <= p.in_seq;
    if (m.ack > p.out_acked && m.ack <= p.out_seq)
        p.out_acked = m.ack;
    if (again)
        rc = repeat(&t, &p, &m, &answer);
    else if (m.sequence > 0)
        rc = take_next(&t, &p, &m, secret, &answer);
    if (rc == GOV_OK)
        rc = timebank_store_peer(&t, &p);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "peer", value_text(p.name));
    value_builder_set(&b, "kind", value_text(m.kind));
    value_builder_set(&b, "sequence", value_int(m.sequence));
    value_builder_set(&b, "again", value_bool(again));
    value_builder_set(&b, "answer", answer != NULL ? value_text(answer) : value_null());
    *out = value_builder_map(&b);
    return rc == GOV_OK && b.failed ? base_nomem(d) : rc;
}
