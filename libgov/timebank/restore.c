/* A side that forgot: restored from an older copy of its store, it gets back from its peer what it had sent and received since. */
#include "timebank/timebank.h"

#include <string.h>

enum { MOST_LISTED = 500, MOST_GIVEN = 5000 };

/* ---- at the peer: what it has ---- */

/* Texts of one direction from a number on. */
static gov_status list_texts(timebank_teller *t, const timebank_peer *p, int32_t direction, int64_t from, value_builder *list, bool *more)
{
    static const store_sql sql = {"SELECT text FROM gov_timebank_message WHERE community = $1 AND peer = $2 AND direction = $3 AND sequence "
                                  ">= $4 ORDER BY sequence LIMIT $5",
                                  0};
    store_rows rows;
    size_t n = 0;
    gov_status rc = store_query(t->g->store, &sql,
                                STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(direction), store_i(from), store_i(MOST_LISTED + 1)),
                                &rows, t->d);
    while (rc == GOV_OK && n <= MOST_LISTED && (rc = store_next(&rows, t->d)) == GOV_OK) {
        size_t len;
        const char *text = store_text(&rows, 0, &len);
        char *copy = n < MOST_LISTED ? base_arena_strndup(&t->g->scratch, text, len) : NULL;
        if (n++ == MOST_LISTED)
            break;
        if (copy == NULL)
            rc = base_nomem(t->d);
        else
            value_builder_add(list, value_string(copy, len));
    }
    store_rows_close(&rows);
    *more = n > MOST_LISTED;
    return rc == GOV_END ? GOV_OK : rc;
}

/* What was recalled is recalled once more: a peer that forgot its promise would take it up. */
static gov_status list_recalls(timebank_teller *t, timebank_peer *p, int64_t from, const uint8_t *secret, value_builder *list)
{
    static const store_sql sql = {"SELECT transfer, minutes FROM gov_timebank_clearing WHERE community = $1 AND peer = $2 AND direction = 0 "
                                  "AND state = 5 AND sequence >= $3 ORDER BY sequence LIMIT $4",
                                  0};
    int64_t transfers[MOST_LISTED], minutes[MOST_LISTED];
    size_t n = 0;
    store_rows rows;
    gov_status rc = store_query(t->g->store, &sql,
                                STORE_ARGS(store_i(t->g->community), store_i(p->id), store_i(from), store_i(MOST_LISTED)), &rows, t->d);
    while (rc == GOV_OK && n < MOST_LISTED && (rc = store_next(&rows, t->d)) == GOV_OK) {
        transfers[n] = store_int(&rows, 0);
        minutes[n++] = store_int(&rows, 1);
    }
    store_rows_close(&rows);
    rc = rc == GOV_END ? GOV_OK : rc;
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        timebank_message m = {.kind = "recall", .transfer = transfers[i], .amount = minutes[i]};
        rc = timebank_issue(t, p, &m, secret);
        value_builder_add(list, value_string(m.text, m.len));
    }
    return rc;
}

static gov_status list_kept(gov *g, const value *in, int32_t direction, value *out, const diag *d)
{
    timebank_teller t;
    timebank_peer p;
    uint8_t secret[TIMEBANK_SECRET];
    const char *name;
    bool more = false;
    value_builder list, b;
    const int64_t from = in[2].kind == VALUE_INT && in[2].as.i > 1 ? in[2].as.i : 1;
    value_builder_init(&list, &g->scratch);
    value_builder_init(&b, &g->scratch);
    gov_status rc = access_check_whole(g, TIMEBANK_RULE, d);
    if (rc == GOV_OK)
        rc = timebank_open(g, in[0], false, &t, d);
    if (rc == GOV_OK)
        rc = timebank_text(g, in[1], 64, &name, d);
    if (rc == GOV_OK)
        rc = timebank_find_peer(&t, name, NULL, &p);
    if (rc == GOV_OK && direction == TIMEBANK_OUT)
        rc = timebank_read_key(in[3], TIMEBANK_SECRET, secret, d);
    if (rc == GOV_OK && direction == TIMEBANK_OUT)
        rc = list_recalls(&t, &p, from, secret, &list);
    if (rc == GOV_OK)
        rc = list_texts(&t, &p, direction, from, &list, &more);
    value_builder_set(&b, "messages", value_builder_list(&list));
    value_builder_set(&b, "more", value_bool(more));
    *out = value_builder_map(&b);
    return rc == GOV_OK && (b.failed || list.failed) ? base_nomem(d) : rc;
}

TIMEBANK_RUN(timebank_run_resend)
{
    return list_kept(g, in, TIMEBANK_OUT, out, d);
}

TIMEBANK_RUN(timebank_run_received)
{
    return list_kept(g, in, TIMEBANK_IN, out, d);
}

/* ---- at the side that forgot ---- */

/* Messages by what they are: this side's own, the peer's, and its recalls; and own ones that were sent since, under numbers that were
 * taken already. */
typedef struct heap {
    timebank_message *all;
    size_t count;
} heap;
typedef struct restoring {
    timebank_teller *t;
    timebank_peer *p;
    const uint8_t *secret;
    int64_t instead; /* who stands in for a member whose record is gone; 0: nobody */
    heap own, theirs, recalls, fork;
    int64_t restored, taken, anew;
} restoring;

static const timebank_message *find(const heap *h, int64_t sequence)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->all[i].sequence == sequence)
            return &h->all[i];
    return NULL;
}

static gov_status gather_one(restoring *r, value text)
{
    timebank_message m;
    timebank_peer *p = r->p;
    gov_status rc = timebank_read_message(r->t->g, text, &m, r->t->d);
    if (rc != GOV_OK)
        return rc;
    const bool own = strcmp(m.from, p->self) == 0 && strcmp(m.to, p->name) == 0;
    if (!own && !(strcmp(m.from, p->name) == 0 && strcmp(m.to, p->self) == 0))
        return base_fail(r->t->d, M_timebank_peer_unknown, A_S("peer", m.from));
    rc = timebank_check_signature(r->t->g, &m, own ? timebank_public_key(r->secret) : p->key, r->t->d);
    if (rc != GOV_OK)
        return rc;
    if (strcmp(m.from_bank, own ? p->our_bank : p->their_bank) != 0 || strcmp(m.to_bank, own ? p->their_bank : p->our_bank) != 0)
        return base_fail(r->t->d, M_timebank_other_bank, A_S("peer", p->name), A_S("from", m.from_bank), A_S("to", m.to_bank));
    heap *h = m.sequence > 0 ? (own ? &r->own : &r->theirs) : !own && strcmp(m.kind, "recall") == 0 ? &r->recalls : NULL;
    if (h != NULL && (m.sequence == 0 || find(h, m.sequence) == NULL))
        h->all[h->count++] = m;
    return GOV_OK;
}

static gov_status gather(restoring *r, value list)
{
    heap *const heaps[] = {&r->own, &r->theirs, &r->recalls};
    gov_status rc = GOV_OK;
    if (list.len > MOST_GIVEN)
        return base_fail(r->t->d, M_timebank_message, A_S("why", "there are too many at once"));
    for (size_t i = 0; i < ARRAY_LEN(heaps) && list.len > 0; i++) {
        heaps[i]->all = base_arena_array(&r->t->g->scratch, list.len, sizeof *heaps[i]->all);
        if (heaps[i]->all == NULL)
            return base_nomem(r->t->d);
    }
    for (size_t i = 0; i < list.len && rc == GOV_OK; i++)
        rc = gather_one(r, list.as.items[i]);
    return rc;
}

/* ---- own messages that were sent since, under numbers that the peer had already ---- */

/* The first own message that is not kept as the peer has it; its number. */
static gov_status first_lost(restoring *r, int64_t *number)
{
    uint8_t hash[BASE_DIGEST_SIZE];
    gov_status rc = GOV_OK;
    *number = r->p->out_seq + 1;
    for (size_t i = 0; i < r->own.count && rc == GOV_OK; i++) {
        const timebank_message *m = &r->own.all[i];
        if (m->sequence >= *number)
            continue;
        rc = timebank_kept_hash(r->t, r->p, TIMEBANK_OUT, m->sequence, hash);
        if (rc == GOV_OK && memcmp(hash, m->hash, sizeof hash) != 0)
            *number = m->sequence;
    }
    if (rc == GOV_OK && *number <= r->p->out_acked)
        return base_fail(r->t->d, M_timebank_seen, A_S("peer", r->p->name), A_I("found", *number));
    return rc;
}

static gov_status read_kept(restoring *r, int32_t direction, int64_t sequence, const char *column, timebank_message *m)
{
    static const store_sql text = {
        "SELECT text FROM gov_timebank_message WHERE community = $1 AND peer = $2 AND direction = $3 AND sequence = $4", 0};
    static const store_sql answer = {
        "SELECT answer FROM gov_timebank_message WHERE community = $1 AND peer = $2 AND direction = $3 AND sequence = $4", 0};
    store_rows rows;
    size_t len;
    gov *g = r->t->g;
    gov_status rc = store_first(g->store, strcmp(column, "text") == 0 ? &text : &answer,
                                STORE_ARGS(store_i(g->community), store_i(r->p->id), store_i(direction), store_i(sequence)), &rows, r->t->d);
    if (rc != GOV_OK)
        return rc == GOV_END ? base_fail(r->t->d, M_internal, A_S("what", "message")) : rc;
    const char *found = store_text(&rows, 0, &len);
    char *copy = base_arena_strndup(&g->scratch, found, len);
    store_rows_close(&rows);
    return copy != NULL ? timebank_read_message(g, value_string(copy, len), m, r->t->d) : base_nomem(r->t->d);
}

/* Takes them out of the chain; what is still to be said of them is said anew, after what the peer has. */
static gov_status rewind_chain(restoring *r, int64_t number)
{
    static const store_sql drop = {
        "DELETE FROM gov_timebank_message WHERE community = $1 AND peer = $2 AND direction = 0 AND sequence = $3", 0};
    timebank_peer *p = r->p;
    gov *g = r->t->g;
    const int64_t last = p->out_seq;
    gov_status rc = GOV_OK;
    if (last < number)
        return GOV_OK;
    if (last - number >= MOST_GIVEN)
        return base_fail(r->t->d, M_timebank_message, A_S("why", "there are too many at once"));
    r->fork.all = base_arena_array(&g->scratch, (size_t)(last - number + 1), sizeof *r->fork.all);
    if (r->fork.all == NULL)
        return base_nomem(r->t->d);
    for (int64_t i = number; i <= last && rc == GOV_OK; i++) {
        rc = read_kept(r, TIMEBANK_OUT, i, "text", &r->fork.all[r->fork.count]);
        r->fork.count += rc == GOV_OK;
        if (rc == GOV_OK)
            rc = access_keep(g,
                             store_post(g->store, &drop, STORE_ARGS(store_i(g->community), store_i(p->id), store_i(i)), 1, r->t->d),
                             &timebank_kept_message, p->id, TIMEBANK_OUT, i, r->t->d);
    }
    p->out_seq = number - 1;
    return rc == GOV_OK ? timebank_kept_hash(r->t, p, TIMEBANK_OUT, p->out_seq, p->out_hash) : rc;
}

static gov_status set_answer(restoring *r, int64_t sequence, const char *text)
{
    static const store_sql sql = {"UPDATE gov_timebank_message SET answer = $4 WHERE community = $1 AND peer = $2 AND direction = 1 AND "
                                  "sequence = $3",
                                  0};
    gov *g = r->t->g;
    return access_keep(g,
                       store_post(g->store, &sql,
                                  STORE_ARGS(store_i(g->community), store_i(r->p->id), store_i(sequence), store_s(text)), 1, r->t->d),
                       &timebank_kept_message, r->p->id, TIMEBANK_IN, sequence, r->t->d);
}

/* ---- what was sent, and what was answered ---- */

static gov_status take_one(restoring *r, const timebank_message *own)
{
    const timebank_message *m = find(&r->theirs, r->p->in_seq + 1);
    const char *answer;
    bool lost = false;
    if (m == NULL)
        return base_fail(r->t->d, M_timebank_out_of_order, A_S("peer", r->p->name), A_I("found", own->ack), A_I("wanted", r->p->in_seq + 1));
    gov_status rc = timebank_check_links(r->t, r->p, m, r->secret, &lost);
    if (rc == GOV_OK && lost)
        return base_fail(r->t->d, M_timebank_seen, A_S("peer", r->p->name), A_I("found", m->ack));
    if (rc == GOV_OK)
        rc = timebank_take_next(r->t, r->p, m, own, r->secret, &answer);
    r->taken += rc == GOV_OK;
    return rc;
}

/* What the peer had said by then, and was not answered by a number. */
static gov_status take_settles(restoring *r, const timebank_message *own, int64_t upto)
{
    gov_status rc = GOV_OK;
    while (rc == GOV_OK && r->p->in_seq < upto) {
        const timebank_message *m = find(&r->theirs, r->p->in_seq + 1);
        if (m != NULL && strcmp(m->kind, "settle") != 0)
            return base_fail(r->t->d, M_timebank_chain, A_S("peer", r->p->self), A_I("found", own->sequence));
        rc = take_one(r, m != NULL ? NULL : own);
    }
    return rc;
}

/* Who sent it: the member, where the record is still there, or who stands in. */
static gov_status sender_of(restoring *r, const timebank_message *own, int64_t *resident)
{
    registry_record record;
    gov *g = r->t->g;
    const access_actor actor = access_become_rules(g);
    gov_status rc = own->by > 0 ? registry_load(g, own->by, &g->scratch, &record, NULL) : GOV_E_NOT_FOUND;
    access_restore(g, actor);
    if (rc != GOV_OK && rc != GOV_E_NOT_FOUND)
        return rc == GOV_E_NOMEM ? base_nomem(r->t->d) : base_fail(r->t->d, M_internal, A_S("what", "record"));
    *resident = rc == GOV_OK && strcmp(record.kind, GOV_KIND_RESIDENT) == 0 ? own->by : r->instead;
    return *resident != 0 ? GOV_OK : base_fail(r->t->d, M_timebank_lost_member, A_I("transfer", own->transfer));
}

static gov_status send_again(restoring *r, const timebank_message *own)
{
    timebank_clearing c;
    gov_status rc = take_settles(r, own, own->ack);
    if (rc == GOV_OK)
        rc = timebank_look_up_clearing(r->t, r->p, TIMEBANK_OUT, own->transfer, &c);
    if (rc == GOV_OK && c.state != 0) { /* it is known, and was to be said under another number */
        c.sequence = own->sequence;
        rc = timebank_store_clearing(r->t, r->p, &c);
    } else if (rc == GOV_OK) {
        const bool net = own->what != NULL && strcmp(own->what, "net") == 0;
        c = (timebank_clearing){.direction = TIMEBANK_OUT,
                                .transfer = own->transfer,
                                .minutes = own->amount,
                                .state = TIMEBANK_PREPARED,
                                .sequence = own->sequence,
                                .what = net ? "net" : "hours"};
        if (!net)
            rc = sender_of(r, own, &c.resident);
        if (rc == GOV_OK)
            rc = timebank_reserve_again(r->t, r->p, &c);
    }
    return rc == GOV_OK ? timebank_adopt(r->t, r->p, own) : rc;
}

/* The peer's message was taken up since, and answered anew: by the same, or else the two sides hold different things. */
static gov_status answer_again(restoring *r, const timebank_message *own)
{
    timebank_message now;
    gov_status rc = read_kept(r, TIMEBANK_IN, own->ack, "answer", &now);
    if (rc != GOV_OK)
        return rc;
    if (strcmp(now.kind, own->kind) != 0 || now.transfer != own->transfer || now.amount != own->amount)
        return base_fail(r->t->d, M_timebank_fork, A_S("peer", r->p->name), A_I("transfer", own->transfer), A_I("found", own->sequence));
    rc = set_answer(r, own->ack, own->text);
    return rc == GOV_OK ? timebank_adopt(r->t, r->p, own) : rc;
}

static gov_status restore_own(restoring *r, const timebank_message *own)
{
    timebank_peer *p = r->p;
    gov_status rc = GOV_OK;
    if (p->out_seq == 0)
        rc = timebank_chain_start(r->t->g, own, timebank_public_key(r->secret), p->key, p->out_hash, r->t->d);
    if (rc != GOV_OK)
        return rc;
    if (memcmp(own->previous, p->out_hash, sizeof own->previous) != 0)
        return base_fail(r->t->d, M_timebank_chain, A_S("peer", p->self), A_I("found", own->sequence));
    r->restored++;
    if (strcmp(own->kind, "prepare") == 0)
        return send_again(r, own);
    if (own->ack <= p->in_seq)
        return answer_again(r, own);
    rc = take_settles(r, own, own->ack - 1);
    return rc == GOV_OK ? take_one(r, own) : rc;
}

/* ---- what is still to be said ---- */

static bool said(const restoring *r, const timebank_message *f)
{
    const bool prepares = strcmp(f->kind, "prepare") == 0;
    for (size_t i = 0; i < r->own.count; i++) {
        const timebank_message *m = &r->own.all[i];
        if (m->sequence >= r->fork.all[0].sequence && strcmp(m->kind, f->kind) == 0 && m->transfer == f->transfer && (prepares || m->ack == f->ack))
            return true;
    }
    return false;
}

static gov_status say_anew(restoring *r, const timebank_message *f)
{
    timebank_clearing c;
    timebank_message m = {.kind = f->kind, .what = f->what, .whom = f->whom, .reason = f->reason, .by = f->by, .transfer = f->transfer, .amount = f->amount};
    const bool prepares = strcmp(f->kind, "prepare") == 0;
    gov_status rc = prepares ? timebank_look_up_clearing(r->t, r->p, TIMEBANK_OUT, f->transfer, &c) : GOV_OK;
    if (rc != GOV_OK || (prepares && (c.state == TIMEBANK_RECALLED || c.state == TIMEBANK_REFUSED)))
        return rc;
    rc = timebank_issue(r->t, r->p, &m, r->secret);
    r->anew += rc == GOV_OK;
    if (rc != GOV_OK || !prepares)
        return rc == GOV_OK ? set_answer(r, f->ack, m.text) : rc;
    c.sequence = m.sequence;
    return timebank_store_clearing(r->t, r->p, &c);
}

/* Acknowledgements that name the chain as it was before: they would be refused when they are asked for again. */
static gov_status acknowledge_anew(restoring *r)
{
    gov_status rc = GOV_OK;
    for (int64_t s = r->fork.count > 0 ? r->fork.all[0].ack + 1 : r->p->in_seq + 1; s <= r->p->in_seq && rc == GOV_OK; s++) {
        timebank_message now, m;
        rc = read_kept(r, TIMEBANK_IN, s, "answer", &now);
        if (rc != GOV_OK || now.sequence > 0 || now.after < r->fork.all[0].sequence)
            continue;
        m = (timebank_message){.kind = "ack", .transfer = now.transfer, .amount = now.amount};
        rc = timebank_issue(r->t, r->p, &m, r->secret);
        if (rc == GOV_OK)
            rc = set_answer(r, s, m.text);
    }
    return rc;
}

static gov_status take_rest(restoring *r)
{
    gov_status rc = GOV_OK;
    const char *answer;
    bool lost = false;
    for (size_t i = 0; i < r->recalls.count && rc == GOV_OK; i++) {
        rc = timebank_check_links(r->t, r->p, &r->recalls.all[i], r->secret, &lost);
        if (rc == GOV_OK && lost)
            return base_fail(r->t->d, M_timebank_seen, A_S("peer", r->p->name), A_I("found", r->recalls.all[i].ack));
        if (rc == GOV_OK)
            rc = timebank_take_recall(r->t, r->p, &r->recalls.all[i], r->secret, &answer);
    }
    while (rc == GOV_OK && find(&r->theirs, r->p->in_seq + 1) != NULL)
        rc = take_one(r, NULL);
    return rc;
}

static gov_status restore(restoring *r)
{
    uint8_t hash[BASE_DIGEST_SIZE];
    timebank_peer *p = r->p;
    const timebank_message *own;
    int64_t number;
    gov_status rc = first_lost(r, &number);
    const int64_t lost = p->lost;
    p->lost = 0;
    if (rc == GOV_OK && find(&r->own, number) != NULL)
        rc = rewind_chain(r, number);
    while (rc == GOV_OK && (own = find(&r->own, p->out_seq + 1)) != NULL)
        rc = restore_own(r, own);
    if (rc == GOV_OK && lost > 0) {
        rc = lost <= p->out_seq ? timebank_kept_hash(r->t, p, TIMEBANK_OUT, lost, hash) : GOV_OK;
        p->lost = lost;
        if (rc == GOV_OK && (lost > p->out_seq || memcmp(hash, p->lost_hash, sizeof hash) != 0))
            return timebank_forgotten(r->t, p);
        p->lost = 0;
    }
    for (size_t i = 0; i < r->fork.count && rc == GOV_OK; i++)
        if (!said(r, &r->fork.all[i]))
            rc = say_anew(r, &r->fork.all[i]);
    if (rc == GOV_OK)
        rc = acknowledge_anew(r);
    return rc == GOV_OK ? take_rest(r) : rc;
}

TIMEBANK_RUN(timebank_run_restore)
{
    timebank_teller t;
    timebank_peer p;
    uint8_t secret[TIMEBANK_SECRET];
    restoring r = {.t = &t, .p = &p, .secret = secret, .instead = in[4].kind == VALUE_INT ? in[4].as.i : 0};
    value_builder b;
    gov_status rc = access_check_whole(g, TIMEBANK_RULE, d);
    if (rc == GOV_OK)
        rc = timebank_reach_peer(g, in[0], in[1], &t, &p, d);
    if (rc == GOV_OK)
        rc = timebank_read_key(in[3], TIMEBANK_SECRET, secret, d);
    if (rc == GOV_OK)
        rc = gather(&r, in[2]);
    if (rc == GOV_OK)
        rc = restore(&r);
    if (rc == GOV_OK)
        rc = timebank_store_peer(&t, &p);
    const value_pair told[] = {{value_text("peer"), value_text(rc == GOV_OK ? p.name : "")},
                               {value_text("restored"), value_int(r.restored)},
                               {value_text("taken"), value_int(r.taken)},
                               {value_text("anew"), value_int(r.anew)}};
    const timebank_note note = {"peer", rc == GOV_OK ? p.id : 0, value_map(told, ARRAY_LEN(told))};
    if (rc == GOV_OK)
        rc = timebank_record(&t, "messages_restored", &note);
    value_builder_init(&b, &g->scratch);
    for (size_t i = 0; i < ARRAY_LEN(told) && rc == GOV_OK; i++)
        value_builder_set_n(&b, told[i].key.as.s, told[i].key.len, told[i].val);
    *out = value_builder_map(&b);
    return rc == GOV_OK && b.failed ? base_nomem(d) : rc;
}
