/* Hours that go to another community and come from there: the two phases, over messages that may be lost, repeated and reordered. */
#include "timebank/timebank.h"

#include <string.h>

/* ---- what is under way ---- */

enum { OUT = TIMEBANK_OUT, IN = TIMEBANK_IN };
typedef timebank_clearing clearing;

gov_status timebank_add_clearing(timebank_teller *t, const timebank_peer *p, const clearing *c)
{
    static const store_sql sql = {"INSERT INTO gov_timebank_clearing (community, peer, direction, transfer, what, resident, minutes, "
                                  "state, reason, at_us, done_us, sequence, given_back, shortfall) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, $11, 0, $12)",
                                  0};
    return access_keep(t->g, store_post(t->g->store, &sql,
                                         STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(c->direction), store_i(c->transfer),
                                                    store_s(c->what), store_i0(c->resident), store_i(c->minutes), store_i(c->state),
                                                    store_s(c->reason), store_i(access_now(t->g)), store_i(c->sequence), store_i(c->shortfall)),
                                         1, t->d), &timebank_kept_clearing, p->id, c->direction,
                       c->transfer, t->d);
}

gov_status timebank_store_clearing(timebank_teller *t, const timebank_peer *p, const clearing *c)
{
    static const store_sql sql = {"UPDATE gov_timebank_clearing SET state = $5, reason = $6, done_us = $7, proposal = $8, proposed_by = $9, "
                                  "sequence = $10, given_back = $11 WHERE community = $1 AND peer = $2 AND direction = $3 AND transfer = $4",
                                  0};
    const bool open = c->state == TIMEBANK_PREPARED || c->state == TIMEBANK_ACCEPTED;
    return access_keep(t->g, store_post(t->g->store, &sql,
                                         STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(c->direction), store_i(c->transfer),
                                                    store_i(c->state), store_s(c->reason), open ? store_n(STORE_INT) : store_i(access_now(t->g)),
                                                    store_i0(c->proposal), store_i0(c->proposed_by), store_i(c->sequence),
                                                    store_flag(c->given_back)),
                                         1, t->d), &timebank_kept_clearing, p->id, c->direction,
                       c->transfer, t->d);
}

gov_status timebank_look_up_clearing(timebank_teller *t, const timebank_peer *p, int32_t direction, int64_t transfer, clearing *out)
{
    static const store_sql sql = {"SELECT resident, minutes, state, what, sequence, at_us, proposal, proposed_by, given_back FROM gov_timebank_clearing "
                                  "WHERE community = $1 AND peer = $2 AND direction = $3 AND transfer = $4",
                                  0};
    store_rows rows;
    const gov_status rc = store_first(t->g->store, &sql,
                                      STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(direction), store_i(transfer)),
                                      &rows, t->d);
    *out = (clearing){.direction = direction, .transfer = transfer};
    if (rc != GOV_OK)
        return rc == GOV_END ? GOV_OK : rc;
    out->resident = store_int(&rows, 0);
    out->minutes = store_int(&rows, 1);
    out->state = (int32_t)store_int(&rows, 2);
    out->what = strcmp(store_text(&rows, 3, NULL), "net") == 0 ? "net" : "hours";
    out->sequence = store_int(&rows, 4);
    out->at_us = store_int(&rows, 5);
    out->proposal = (int32_t)store_int(&rows, 6);
    out->proposed_by = store_int(&rows, 7);
    out->given_back = store_int(&rows, 8) != 0;
    store_rows_close(&rows);
    return GOV_OK;
}

gov_status timebank_no_such_clearing(timebank_teller *t, const timebank_peer *p, int64_t transfer)
{
    return base_fail(t->d, M_timebank_no_clearing, A_S("peer", p->name), A_I("transfer", transfer));
}

/* ---- sending ---- */

gov_status timebank_keep_message(timebank_teller *t, const timebank_peer *p, int32_t direction, const timebank_message *m,
                                 const char *answer)
{
    static const store_sql sql = {"INSERT INTO gov_timebank_message (community, peer, direction, sequence, kind, hash, text, answer, "
                                  "at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                                  0};
    return access_keep(t->g,
                       store_post(t->g->store, &sql,
                                  STORE_ARGS(store_i(t->g->community), store_i(p->id),
                                             store_i(direction), store_i(m->sequence),
                                             store_s(m->kind), store_b(m->hash, sizeof m->hash),
                                             store_t(m->text, m->len), store_s(answer),
                                             store_i(access_now(t->g))),
                                  1, t->d),
                       &timebank_kept_message, p->id, direction, m->sequence, t->d);
}

/* The hash of the message of that number that was sent to the peer, or taken up from it; number 0: zeroes. */
gov_status timebank_kept_hash(timebank_teller *t, const timebank_peer *p, int32_t direction, int64_t sequence, uint8_t out[static BASE_DIGEST_SIZE])
{
    static const store_sql sql = {
        "SELECT hash FROM gov_timebank_message WHERE community = $1 AND peer = $2 AND direction = $3 AND sequence = $4", 0};
    store_rows rows;
    size_t len;
    memset(out, 0, BASE_DIGEST_SIZE);
    if (sequence == 0)
        return GOV_OK;
    const gov_status rc = store_first(t->g->store, &sql,
                                      STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(direction), store_i(sequence)), &rows, t->d);
    if (rc != GOV_OK)
        return rc == GOV_END ? base_fail(t->d, M_internal, A_S("what", "message")) : rc;
    const void *hash = store_bytes(&rows, 0, &len);
    if (len == BASE_DIGEST_SIZE)
        memcpy(out, hash, len);
    store_rows_close(&rows);
    return GOV_OK;
}

gov_status timebank_issue(timebank_teller *t, timebank_peer *p, timebank_message *m, const uint8_t *secret)
{
    const bool numbered = timebank_is_numbered(m->kind);
    m->from = p->self;
    m->to = p->name;
    m->from_bank = p->our_bank;
    m->to_bank = p->their_bank;
    m->ack = p->in_seq;
    m->after = p->out_seq;
    m->sequence = numbered ? p->out_seq + 1 : 0;
    gov_status rc = p->lost > 0 ? timebank_forgotten(t, p) : GOV_OK;
    if (rc == GOV_OK && p->out_seq == 0)
        rc = timebank_chain_start(t->g, m, timebank_public_key(secret), p->key, p->out_hash, t->d);
    memcpy(m->previous, p->out_hash, sizeof m->previous);
    if (p->in_seq > 0)
        memcpy(m->seen, p->in_hash, sizeof m->seen);
    if (rc == GOV_OK)
        rc = timebank_write_message(t->g, m, secret, t->d);
    if (rc != GOV_OK || !numbered)
        return rc;
    p->out_seq = m->sequence;
    memcpy(p->out_hash, m->hash, sizeof p->out_hash);
    return timebank_keep_message(t, p, OUT, m, NULL);
}

gov_status timebank_adopt(timebank_teller *t, timebank_peer *p, const timebank_message *own)
{
    p->out_seq = own->sequence;
    memcpy(p->out_hash, own->hash, sizeof p->out_hash);
    return timebank_keep_message(t, p, OUT, own, NULL);
}

static timebank_note note_of(const timebank_peer *p, const value_pair *said, size_t n)
{
    return (timebank_note){"peer", p->id, value_map(said, n)};
}

/* Written off without an answer: it may have been accepted, and then be owed. */
static gov_status in_doubt(timebank_teller *t, const timebank_peer *p, int64_t *minutes)
{
    static const store_sql sql = {"SELECT CAST(sum(minutes) AS BIGINT) FROM gov_timebank_clearing WHERE community = $1 AND peer = $2 AND "
                                  "direction = 0 AND (state = 6 OR state = 7) AND what = 'hours'",
                                  0};
    return store_first_int(t->g->store, &sql, STORE_ARGS(store_i(t->g->community), store_i(p->id)), minutes, t->d);
}

/* From the member into what is in transit, or from what is owed. What the member lacks of it suspense advances. */
static gov_status post_reserved(timebank_teller *t, const timebank_peer *p, const clearing *c)
{
    ledger_transfer events[2];
    int64_t from, to, suspense;
    size_t n = 0;
    const bool hours = strcmp(c->what, "hours") == 0;
    gov_status rc = hours ? timebank_account(t, c->resident, TIMEBANK_MEMBER, &from) : timebank_account(t, p->id, TIMEBANK_PEER, &from);
    if (rc == GOV_OK)
        rc = hours ? timebank_account(t, p->id, TIMEBANK_TRANSIT, &to) : timebank_own_account(t, TIMEBANK_OUTSIDE, &to);
    if (rc == GOV_OK && c->shortfall > 0) {
        rc = timebank_account(t, p->id, TIMEBANK_SUSPENSE, &suspense);
        if (rc == GOV_OK)
            rc = timebank_transfer(t, TIMEBANK_BY_WRITE_OFF, suspense, from, c->shortfall, &events[n]);
        events[n++].subject = p->id;
    }
    if (rc != GOV_OK)
        return rc;
    events[n++] = (ledger_transfer){.id = c->transfer,
                                    .debit_account = from,
                                    .credit_account = to,
                                    .amount = c->minutes,
                                    .ledger = t->bank->book,
                                    .code = hours ? TIMEBANK_BY_SENDING : TIMEBANK_BY_SETTLEMENT,
                                    .flags = GOV_TRANSFER_PENDING,
                                    .subject = p->id};
    const value_pair said[] = {{value_text("peer"), value_text(p->name)}, {value_text("minutes"), value_int(c->minutes)}};
    const timebank_note note = note_of(p, said, 2);
    return timebank_post(t, events, n, &note);
}

gov_status timebank_reserve_again(timebank_teller *t, const timebank_peer *p, clearing *c)
{
    ledger_account a = {0};
    gov_status rc = strcmp(c->what, "hours") == 0 ? timebank_figures(t, c->resident, TIMEBANK_MEMBER, &a) : GOV_OK;
    const int64_t has = timebank_balance_of(&a) - a.debits_pending;
    c->shortfall = strcmp(c->what, "hours") != 0 || has >= c->minutes ? 0 : has > 0 ? c->minutes - has : c->minutes;
    if (rc == GOV_OK)
        rc = post_reserved(t, p, c);
    return rc == GOV_OK ? timebank_add_clearing(t, p, c) : rc;
}

/* What is sent: within what may be owed, and what the member has. */
static gov_status reserve(timebank_teller *t, const timebank_peer *p, const clearing *c)
{
    ledger_account owed, transit;
    int64_t after, doubtful = 0;
    const bool hours = strcmp(c->what, "hours") == 0;
    gov_status rc = timebank_figures(t, p->id, TIMEBANK_PEER, &owed);
    if (rc == GOV_OK)
        rc = timebank_figures(t, p->id, TIMEBANK_TRANSIT, &transit);
    if (rc == GOV_OK)
        rc = in_doubt(t, p, &doubtful);
    if (rc != GOV_OK)
        return rc;
    const int64_t may_owe = timebank_balance_of(&owed) + transit.credits_pending + doubtful;
    if (hours && (!base_add(may_owe, c->minutes, &after) || after > p->most_owed))
        return base_fail(t->d, M_timebank_owed_limit, A_S("peer", p->name), A_I("minutes", c->minutes),
                         A_I("left", p->most_owed > may_owe ? p->most_owed - may_owe : 0));
    if (!hours && timebank_balance_of(&owed) - owed.debits_pending < c->minutes)
        return base_fail(t->d, M_timebank_nothing_owed, A_S("peer", p->name), A_I("minutes", c->minutes));
    if (hours)
        rc = timebank_check_has(t, c->resident, c->minutes);
    return rc == GOV_OK ? post_reserved(t, p, c) : rc;
}

static gov_status prepare(timebank_teller *t, timebank_peer *p, clearing *c, const char *whom, const uint8_t *secret, value *out)
{
    timebank_message m = {.kind = "prepare", .what = c->what, .whom = whom, .amount = c->minutes, .by = c->resident};
    value_builder b;
    gov_status rc = p->lost > 0 ? timebank_forgotten(t, p) : access_new_id(t->g, &c->transfer, t->d);
    c->direction = OUT;
    c->state = TIMEBANK_PREPARED;
    m.transfer = c->transfer;
    if (rc == GOV_OK)
        rc = reserve(t, p, c);
    if (rc == GOV_OK)
        rc = timebank_issue(t, p, &m, secret);
    c->sequence = m.sequence;
    if (rc == GOV_OK)
        rc = timebank_add_clearing(t, p, c);
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

gov_status timebank_reach_peer(gov *g, value bank, value name, timebank_teller *t, timebank_peer *p, const diag *d)
{
    const char *text;
    gov_status rc = timebank_open(g, bank, true, t, d);
    if (rc == GOV_OK)
        rc = timebank_text(g, name, 64, &text, d);
    return rc == GOV_OK ? timebank_find_peer(t, text, NULL, p) : rc;
}

TIMEBANK_RUN(timebank_run_send_hours)
{
    timebank_teller t;
    timebank_peer p;
    uint8_t secret[TIMEBANK_SECRET];
    const char *whom;
    clearing c = {.what = "hours", .resident = in[2].as.i};
    gov_status rc = timebank_reach_peer(g, in[0], in[1], &t, &p, d);
    if (rc == GOV_OK)
        rc = timebank_read_key(in[5], TIMEBANK_SECRET, secret, d);
    if (rc == GOV_OK)
        rc = timebank_minutes(in[4], 1, &c.minutes, d);
    if (rc == GOV_OK)
        rc = timebank_text(g, in[3], 128, &whom, d);
    if (rc == GOV_OK && base_utf8_blank(whom, strlen(whom)))
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
        rc = timebank_reach_peer(g, in[0], in[1], &t, &p, d);
    if (rc == GOV_OK)
        rc = timebank_read_key(in[3], TIMEBANK_SECRET, secret, d);
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

/* Why it is refused; NULL: it is credited, `theirs` of it to the member. */
static gov_status judge(timebank_teller *t, const timebank_peer *p, const timebank_message *m, clearing *c, int64_t *theirs)
{
    ledger_account account;
    int64_t after;
    const bool hours = strcmp(c->what, "hours") == 0;
    gov_status rc = timebank_figures(t, p->id, TIMEBANK_PEER, &account);
    const int64_t claimed = -timebank_balance_of(&account);
    if (rc == GOV_OK && hours)
        rc = place_hours(t, m, &c->resident, theirs, &c->reason);
    if (rc == GOV_OK && hours && c->reason == NULL &&
        (!base_add(claimed + account.debits_pending, m->amount, &after) || after > p->most_claimed))
        c->reason = "limit";
    if (rc == GOV_OK && !hours && claimed < m->amount)
        c->reason = "not_claimed";
    return rc;
}

/* What was accepted stays so: whatever has changed since, the peer's minutes are here. */
static gov_status judge_again(timebank_teller *t, const timebank_message *m, const timebank_message *own, clearing *c, int64_t *theirs)
{
    if (strcmp(own->kind, "accept") != 0) {
        c->reason = own->reason;
        return GOV_OK;
    }
    if (strcmp(c->what, "hours") == 0 && c->resident == 0)
        return base_fail(t->d, M_timebank_lost_member, A_I("transfer", m->transfer), A_S("whom", m->whom));
    if (c->reason != NULL)
        *theirs = m->amount;
    c->reason = NULL;
    return GOV_OK;
}

static gov_status take_prepare(timebank_teller *t, const timebank_peer *p, const timebank_message *m, const timebank_message *own,
                               timebank_message *answer)
{
    clearing c, before;
    int64_t theirs = m->amount;
    const bool hours = m->what != NULL && strcmp(m->what, "hours") == 0, net = m->what != NULL && strcmp(m->what, "net") == 0;
    if (m->amount < 1 || m->transfer < 1 || !(hours || net))
        return base_fail(t->d, M_timebank_message, A_S("why", "it prepares nothing"));
    gov_status rc = timebank_look_up_clearing(t, p, IN, m->transfer, &before);
    const bool recalled = rc == GOV_OK && before.state == TIMEBANK_RECALLED;
    c = (clearing){.direction = IN,
                   .transfer = m->transfer,
                   .minutes = m->amount,
                   .sequence = m->sequence,
                   .what = net ? "net" : "hours",
                   .reason = recalled ? "recalled" : NULL};
    if (rc == GOV_OK && !recalled)
        rc = judge(t, p, m, &c, &theirs);
    if (rc == GOV_OK && !recalled && own != NULL)
        rc = judge_again(t, m, own, &c, &theirs);
    if (rc == GOV_OK && c.reason == NULL)
        rc = credit(t, p, m, c.resident, theirs);
    c.state = c.reason != NULL ? TIMEBANK_REFUSED : TIMEBANK_ACCEPTED;
    if (rc == GOV_OK)
        rc = recalled ? timebank_store_clearing(t, p, &c) : timebank_add_clearing(t, p, &c);
    *answer = (timebank_message){.kind = c.reason != NULL ? "refuse" : "accept",
                                 .transfer = m->transfer,
                                 .amount = m->amount,
                                 .reason = c.reason};
    return rc;
}

/* From one account to another, both named by whose and of what code. */
static gov_status move(timebank_teller *t, uint32_t code, int64_t from, uint32_t from_code, int64_t to, uint32_t to_code,
                       int64_t minutes, ledger_transfer *out)
{
    int64_t debit, credit_to;
    gov_status rc = timebank_account(t, from, from_code, &debit);
    if (rc == GOV_OK)
        rc = timebank_account(t, to, to_code, &credit_to);
    return rc == GOV_OK ? timebank_transfer(t, code, debit, credit_to, minutes, out) : rc;
}

/* The transfers that end it, by where its minutes are. */
static gov_status ends_of(timebank_teller *t, const timebank_peer *p, const clearing *c, bool accepted, ledger_transfer *events,
                          size_t *n)
{
    const bool hours = strcmp(c->what, "hours") == 0;
    const uint32_t code = hours ? TIMEBANK_BY_SENDING : TIMEBANK_BY_SETTLEMENT;
    gov_status rc = GOV_OK;
    if (c->state == TIMEBANK_PREPARED) {
        rc = timebank_transfer(t, code, 0, 0, accepted ? c->minutes : 0, &events[*n]);
        events[*n].pending_id = c->transfer;
        events[(*n)++].flags = accepted ? GOV_TRANSFER_POST_PENDING : GOV_TRANSFER_VOID_PENDING;
        if (rc == GOV_OK && accepted && hours)
            rc = move(t, code, p->id, TIMEBANK_TRANSIT, p->id, TIMEBANK_PEER, c->minutes, &events[(*n)++]);
    } else if (accepted) { /* after all */
        rc = hours ? move(t, code, p->id, TIMEBANK_SUSPENSE, p->id, TIMEBANK_PEER, c->minutes, &events[(*n)++])
                   : move(t, code, p->id, TIMEBANK_PEER, t->bank->book, TIMEBANK_OUTSIDE, c->minutes, &events[(*n)++]);
    } else if (c->state == TIMEBANK_WRITTEN_OFF) {
        rc = move(t, code, p->id, TIMEBANK_SUSPENSE, c->resident, TIMEBANK_MEMBER, c->minutes, &events[(*n)++]);
    }
    return rc;
}

gov_status timebank_end_sent(timebank_teller *t, const timebank_peer *p, clearing *c, bool accepted, const char *how, const char *reason)
{
    ledger_transfer events[2];
    size_t n = 0;
    gov_status rc = ends_of(t, p, c, accepted, events, &n);
    for (size_t i = 0; i < n; i++)
        events[i].subject = p->id;
    const value_pair said[] = {{value_text("peer"), value_text(p->name)},
                               {value_text("transfer"), value_int(c->transfer)},
                               {value_text("answer"), value_text(how)},
                               {value_text("reason"), reason != NULL ? value_text(reason) : value_null()}};
    const timebank_note note = note_of(p, said, ARRAY_LEN(said));
    if (rc == GOV_OK)
        rc = n > 0 ? timebank_post(t, events, n, &note) : timebank_record(t, "hours_answered", &note);
    c->state = accepted ? TIMEBANK_CLEARED : strcmp(how, "recalled") == 0 ? TIMEBANK_RECALLED : TIMEBANK_REFUSED;
    c->reason = reason;
    c->proposal = 0;
    c->proposed_by = 0;
    return rc == GOV_OK ? timebank_store_clearing(t, p, c) : rc;
}

/* The answer to what was sent: it is posted, or given back. It may come late, when it has been recalled or written off. */
static gov_status take_answer(timebank_teller *t, const timebank_peer *p, const timebank_message *m, timebank_message *answer)
{
    clearing c;
    const bool accepted = strcmp(m->kind, "accept") == 0;
    gov_status rc = timebank_look_up_clearing(t, p, OUT, m->transfer, &c);
    if (rc != GOV_OK)
        return rc;
    const bool waits = c.state == TIMEBANK_PREPARED || c.state == TIMEBANK_WRITTEN_OFF || c.state == TIMEBANK_GIVEN_BACK;
    if (c.minutes != m->amount || !(waits || (c.state == TIMEBANK_RECALLED && !accepted)))
        return timebank_no_such_clearing(t, p, m->transfer);
    if (waits)
        rc = timebank_end_sent(t, p, &c, accepted, m->kind, m->reason);
    *answer = (timebank_message){.kind = "settle", .transfer = m->transfer, .amount = m->amount};
    return rc;
}

static gov_status take_settle(timebank_teller *t, const timebank_peer *p, const timebank_message *m, timebank_message *answer)
{
    clearing c;
    gov_status rc = timebank_look_up_clearing(t, p, IN, m->transfer, &c);
    if (rc == GOV_OK && c.state != TIMEBANK_ACCEPTED && c.state != TIMEBANK_REFUSED)
        return timebank_no_such_clearing(t, p, m->transfer);
    if (rc == GOV_OK && c.state == TIMEBANK_ACCEPTED) {
        c.state = TIMEBANK_CLEARED;
        rc = timebank_store_clearing(t, p, &c);
    }
    *answer = (timebank_message){.kind = "ack", .transfer = m->transfer, .amount = m->amount};
    return rc;
}

gov_status timebank_kept_answer(timebank_teller *t, const timebank_peer *p, int64_t sequence, const uint8_t *hash, const char **answer)
{
    static const store_sql sql = {"SELECT hash, answer FROM gov_timebank_message WHERE community = $1 AND peer = $2 AND direction = 1 AND "
                                  "sequence = $3",
                                  0};
    store_rows rows;
    size_t hash_len, len;
    gov_status rc =
        store_first(t->g->store, &sql, STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(sequence)), &rows, t->d);
    if (rc != GOV_OK)
        return rc == GOV_END ? base_fail(t->d, M_internal, A_S("what", "message")) : rc;
    const void *kept = store_bytes(&rows, 0, &hash_len);
    const bool same = hash == NULL || (hash_len == BASE_DIGEST_SIZE && memcmp(kept, hash, hash_len) == 0);
    const char *text = store_text(&rows, 1, &len);
    *answer = base_arena_strndup(&t->g->scratch, text, len);
    store_rows_close(&rows);
    if (!same)
        return base_fail(t->d, M_timebank_chain, A_S("peer", p->name), A_I("found", sequence));
    return *answer != NULL ? GOV_OK : base_nomem(t->d);
}

gov_status timebank_take_next(timebank_teller *t, timebank_peer *p, const timebank_message *m, const timebank_message *own,
                              const uint8_t *secret, const char **answer)
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
    rc = strcmp(m->kind, "prepare") == 0  ? take_prepare(t, p, m, own, &a)
                    : strcmp(m->kind, "settle") == 0 ? take_settle(t, p, m, &a)
                                                     : take_answer(t, p, m, &a);
    p->in_seq = m->sequence;
    memcpy(p->in_hash, m->hash, sizeof p->in_hash);
    if (rc != GOV_OK)
        return rc;
    if (own != NULL && (strcmp(own->kind, a.kind) != 0 || own->transfer != a.transfer || own->amount != a.amount))
        return base_fail(t->d, M_timebank_chain, A_S("peer", p->self), A_I("found", own->sequence));
    rc = own != NULL ? timebank_adopt(t, p, own) : timebank_issue(t, p, &a, secret);
    *answer = own != NULL ? own->text : a.text;
    return rc == GOV_OK ? timebank_keep_message(t, p, IN, m, *answer) : rc;
}

/* What it says to have taken up is what was sent; else this side has forgotten, unless the peer said otherwise before. One without a number
 * follows what was taken up, too; where it has overtaken numbered ones, these follow its hash or not when they come, and nothing rests on that. */
gov_status timebank_check_links(timebank_teller *t, const timebank_peer *p, const timebank_message *m, const uint8_t *secret, bool *lost)
{
    uint8_t hash[BASE_DIGEST_SIZE];
    gov_status rc = m->ack <= p->out_seq ? timebank_kept_hash(t, p, OUT, m->ack, hash) : GOV_OK;
    if (rc != GOV_OK)
        return rc;
    *lost = m->ack > p->out_seq || memcmp(m->seen, hash, sizeof hash) != 0;
    if (*lost && m->ack <= p->out_acked)
        return base_fail(t->d, M_timebank_seen, A_S("peer", p->name), A_I("found", m->ack));
    if (*lost || m->sequence > 0 || m->after > p->in_seq)
        return GOV_OK;
    rc = m->after > 0 ? timebank_kept_hash(t, p, IN, m->after, hash)
                      : timebank_chain_start(t->g, m, p->key, timebank_public_key(secret), hash, t->d);
    if (rc == GOV_OK && memcmp(m->previous, hash, sizeof hash) != 0)
        return base_fail(t->d, M_timebank_chain, A_S("peer", p->name), A_I("found", m->after));
    return rc;
}

gov_status timebank_forgotten(timebank_teller *t, const timebank_peer *p)
{
    return base_fail(t->d, M_timebank_forgotten, A_S("peer", p->name), A_I("found", p->lost),
                     A_I("have", p->out_seq < p->lost ? p->out_seq : p->lost - 1));
}

/* Kept, so that nothing new is sent under numbers that are taken already. */
static gov_status note_loss(timebank_teller *t, timebank_peer *p, const timebank_message *m)
{
    if (p->lost >= m->ack)
        return GOV_OK;
    p->lost = m->ack;
    memcpy(p->lost_hash, m->seen, sizeof p->lost_hash);
    const value_pair said[] = {{value_text("peer"), value_text(p->name)},
                               {value_text("found"), value_int(m->ack)},
                               {value_text("have"), value_int(p->out_seq)}};
    const timebank_note note = note_of(p, said, ARRAY_LEN(said));
    const gov_status rc = timebank_record(t, "messages_forgotten", &note);
    return rc == GOV_OK ? timebank_store_peer(t, p) : rc;
}

/* A message that goes with what is kept here, or came before. */
static gov_status take(timebank_teller *t, timebank_peer *p, const timebank_message *m, const uint8_t *secret, const char **answer)
{
    gov_status rc = GOV_OK;
    const bool again = m->sequence > 0 && m->sequence <= p->in_seq;
    if (m->ack > p->out_acked)
        p->out_acked = m->ack;
    if (p->lost > 0 && m->ack >= p->lost) /* it has the same as is kept here, after all */
        p->lost = 0;
    if (again)
        rc = timebank_kept_answer(t, p, m->sequence, m->hash, answer);
    else if (p->lost > 0)
        rc = timebank_forgotten(t, p);
    else if (m->sequence > 0)
        rc = timebank_take_next(t, p, m, NULL, secret, answer);
    else if (strcmp(m->kind, "recall") == 0)
        rc = timebank_take_recall(t, p, m, secret, answer);
    else if (strcmp(m->kind, "recalled") == 0)
        rc = timebank_take_recalled(t, p, m);
    return rc == GOV_OK ? timebank_store_peer(t, p) : rc;
}

TIMEBANK_RUN(timebank_run_receive)
{
    timebank_teller t;
    timebank_peer p;
    timebank_message m;
    uint8_t secret[TIMEBANK_SECRET];
    const char *answer = NULL;
    bool lost = false;
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
    if (rc == GOV_OK)
        rc = timebank_check_links(&t, &p, &m, secret, &lost);
    const bool again = rc == GOV_OK && m.sequence > 0 && m.sequence <= p.in_seq;
    if (rc == GOV_OK)
        rc = lost ? note_loss(&t, &p, &m) : take(&t, &p, &m, secret, &answer);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "peer", value_text(p.name));
    value_builder_set(&b, "kind", value_text(m.kind));
    value_builder_set(&b, "sequence", value_int(m.sequence));
    value_builder_set(&b, "again", value_bool(again));
    value_builder_set(&b, "answer", answer != NULL ? value_text(answer) : value_null());
    value_builder_set(&b, "forgotten", lost ? value_int(m.ack) : value_null());
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}
