/* What becomes of minutes that a peer does not answer for: it is asked again, they are recalled, or written off by two officers. */
#include "timebank/timebank.h"

#include <string.h>

enum { MOST_IN_TRANSIT = 500 };

static const int64_t minute_us = 60 * BASE_US_PER_SECOND;

static const char *state_name(int32_t state)
{
    return state == TIMEBANK_WRITTEN_OFF ? "written_off" : state == TIMEBANK_GIVEN_BACK ? "given_back" : "waiting";
}

/* ---- at the peer that is asked ---- */

gov_status timebank_take_recall(timebank_teller *t, timebank_peer *p, const timebank_message *m, const uint8_t *secret,
                                const char **answer)
{
    timebank_clearing c;
    timebank_message a = {.kind = "recalled", .transfer = m->transfer, .amount = m->amount};
    if (m->transfer < 1 || m->amount < 1)
        return base_fail(t->d, M_timebank_message, A_S("why", "it recalls nothing"));
    gov_status rc = timebank_look_up_clearing(t, p, TIMEBANK_IN, m->transfer, &c);
    if (rc == GOV_OK && c.state != 0 && c.state != TIMEBANK_RECALLED) /* too late: it was answered, and that stands */
        return timebank_kept_answer(t, p, c.sequence, NULL, answer);
    if (rc == GOV_OK && c.state == 0) {
        c.minutes = m->amount;
        c.state = TIMEBANK_RECALLED;
        c.what = "hours";
        rc = timebank_add_clearing(t, p, &c);
        const value_pair said[] = {{value_text("peer"), value_text(p->name)},
                                   {value_text("transfer"), value_int(m->transfer)},
                                   {value_text("minutes"), value_int(m->amount)}};
        const timebank_note note = {"peer", p->id, value_map(said, ARRAY_LEN(said))};
        if (rc == GOV_OK)
            rc = timebank_record(t, "hours_recalled", &note);
    }
    if (rc == GOV_OK)
        rc = timebank_issue(t, p, &a, secret);
    *answer = a.text;
    return rc;
}

/* ---- at who sent ---- */

gov_status timebank_take_recalled(timebank_teller *t, const timebank_peer *p, const timebank_message *m)
{
    timebank_clearing c;
    const gov_status rc = timebank_look_up_clearing(t, p, TIMEBANK_OUT, m->transfer, &c);
    if (rc != GOV_OK)
        return rc;
    if (c.state == 0 || c.state == TIMEBANK_CLEARED || c.minutes != m->amount)
        return timebank_no_such_clearing(t, p, m->transfer);
    if (c.state == TIMEBANK_RECALLED || c.state == TIMEBANK_REFUSED) /* it says so again, or has refused it since */
        return GOV_OK;
    return timebank_end_sent(t, p, &c, false, "recalled", NULL);
}

/* One that still waits for its answer, and has waited long enough. */
static gov_status find_late(timebank_teller *t, const timebank_peer *p, int64_t transfer, timebank_clearing *c)
{
    int64_t until;
    gov_status rc = timebank_look_up_clearing(t, p, TIMEBANK_OUT, transfer, c);
    if (rc != GOV_OK)
        return rc;
    if (c->state != TIMEBANK_PREPARED && c->state != TIMEBANK_WRITTEN_OFF && c->state != TIMEBANK_GIVEN_BACK)
        return timebank_no_such_clearing(t, p, transfer);
    if (!base_mul(t->bank->answer_minutes, minute_us, &until) || !base_add(c->at_us, until, &until))
        until = INT64_MAX;
    const int64_t now = access_now(t->g);
    if (now < until)
        return base_fail(t->d, M_timebank_too_soon, A_S("peer", p->name), A_I("left", (until - now + minute_us - 1) / minute_us));
    return GOV_OK;
}

TIMEBANK_RUN(timebank_run_recall)
{
    timebank_teller t;
    timebank_peer p;
    timebank_clearing c;
    uint8_t secret[TIMEBANK_SECRET];
    value_builder b;
    gov_status rc = access_check_whole(g, TIMEBANK_RULE, d);
    if (rc == GOV_OK)
        rc = timebank_reach_peer(g, in[0], in[1], &t, &p, d);
    if (rc == GOV_OK)
        rc = timebank_read_key(in[3], TIMEBANK_SECRET, secret, d);
    if (rc == GOV_OK)
        rc = find_late(&t, &p, in[2].as.i, &c);
    if (rc != GOV_OK)
        return rc;
    timebank_message m = {.kind = "recall", .transfer = c.transfer, .amount = c.minutes};
    rc = timebank_issue(&t, &p, &m, secret);
    const value_pair said[] = {{value_text("peer"), value_text(p.name)}, {value_text("transfer"), value_int(c.transfer)}};
    const timebank_note note = {"peer", p.id, value_map(said, 2)};
    if (rc == GOV_OK)
        rc = timebank_record(&t, "hours_asked_for", &note);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "message", rc == GOV_OK ? value_string(m.text, m.len) : value_null());
    *out = value_builder_map(&b);
    return rc == GOV_OK && b.failed ? base_nomem(d) : rc;
}

/* ---- writing off ---- */

static gov_status answer(timebank_teller *t, const timebank_clearing *c, const char *state, value *out)
{
    value_builder b;
    value_builder_init(&b, &t->g->scratch);
    value_builder_set(&b, "transfer", value_int(c->transfer));
    value_builder_set(&b, "minutes", value_int(c->minutes));
    value_builder_set(&b, "state", value_text(state));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(t->d) : GOV_OK;
}

static gov_status begin(gov *g, const value *in, timebank_teller *t, timebank_peer *p, timebank_clearing *c, const diag *d)
{
    gov_status rc = access_check_whole(g, TIMEBANK_RULE, d);
    if (rc == GOV_OK)
        rc = timebank_reach_peer(g, in[0], in[1], t, p, d);
    return rc == GOV_OK ? find_late(t, p, in[2].as.i, c) : rc;
}

TIMEBANK_RUN(timebank_run_write_off)
{
    timebank_teller t;
    timebank_peer p;
    timebank_clearing c;
    gov_status rc = begin(g, in, &t, &p, &c, d);
    if (rc != GOV_OK)
        return rc;
    /* What was owed and not settled stays owed: there is nothing to suspend. */
    const bool back = (in[3].kind == VALUE_BOOL && in[3].as.b) || strcmp(c.what, "net") == 0;
    if (c.state == TIMEBANK_GIVEN_BACK || (c.state == TIMEBANK_WRITTEN_OFF && !back))
        return timebank_no_such_clearing(&t, &p, c.transfer);
    c.proposal = back ? TIMEBANK_GIVEN_BACK : TIMEBANK_WRITTEN_OFF;
    c.proposed_by = access_actor_id(g);
    const value_pair said[] = {{value_text("peer"), value_text(p.name)},
                               {value_text("transfer"), value_int(c.transfer)},
                               {value_text("minutes"), value_int(c.minutes)},
                               {value_text("give_back"), value_bool(back)}};
    const timebank_note note = {"peer", p.id, value_map(said, ARRAY_LEN(said))};
    rc = timebank_store_clearing(&t, &p, &c);
    if (rc == GOV_OK)
        rc = timebank_record(&t, "write_off_proposed", &note);
    return rc == GOV_OK ? answer(&t, &c, "proposed", out) : rc;
}

/* Into suspense, back to who sent, or from the one to the other. */
static gov_status write_off(timebank_teller *t, const timebank_peer *p, const timebank_clearing *c)
{
    ledger_transfer events[2];
    int64_t from, to;
    size_t n = 0;
    gov_status rc = GOV_OK;
    const bool back = c->proposal == TIMEBANK_GIVEN_BACK;
    if (c->state == TIMEBANK_PREPARED) {
        rc = timebank_transfer(t, TIMEBANK_BY_WRITE_OFF, 0, 0, back ? 0 : c->minutes, &events[n]);
        events[n].pending_id = c->transfer;
        events[n].code = strcmp(c->what, "hours") == 0 ? TIMEBANK_BY_SENDING : TIMEBANK_BY_SETTLEMENT;
        events[n++].flags = back ? GOV_TRANSFER_VOID_PENDING : GOV_TRANSFER_POST_PENDING;
    }
    if (rc == GOV_OK && (c->state == TIMEBANK_WRITTEN_OFF || !back)) {
        rc = timebank_account(t, p->id, c->state == TIMEBANK_WRITTEN_OFF ? TIMEBANK_SUSPENSE : TIMEBANK_TRANSIT, &from);
        if (rc == GOV_OK)
            rc = back ? timebank_account(t, c->resident, TIMEBANK_MEMBER, &to) : timebank_account(t, p->id, TIMEBANK_SUSPENSE, &to);
        if (rc == GOV_OK)
            rc = timebank_transfer(t, TIMEBANK_BY_WRITE_OFF, from, to, c->minutes, &events[n++]);
    }
    for (size_t i = 0; i < n && rc == GOV_OK; i++)
        events[i].subject = p->id;
    const value_pair said[] = {{value_text("peer"), value_text(p->name)},
                               {value_text("transfer"), value_int(c->transfer)},
                               {value_text("proposed_by"), value_int(c->proposed_by)},
                               {value_text("give_back"), value_bool(back)}};
    const timebank_note note = {"peer", p->id, value_map(said, ARRAY_LEN(said))};
    return rc == GOV_OK ? timebank_post(t, events, n, &note) : rc;
}

TIMEBANK_RUN(timebank_run_approve_write_off)
{
    timebank_teller t;
    timebank_peer p;
    timebank_clearing c;
    gov_status rc = begin(g, in, &t, &p, &c, d);
    if (rc != GOV_OK)
        return rc;
    if (c.proposal == 0)
        return base_fail(d, M_timebank_not_proposed, A_I("transfer", c.transfer));
    if (c.proposed_by == access_actor_id(g))
        return base_fail(d, M_timebank_another_person);
    rc = write_off(&t, &p, &c);
    c.state = c.proposal;
    c.given_back = c.given_back || c.proposal == TIMEBANK_GIVEN_BACK;
    c.proposal = 0;
    c.proposed_by = 0;
    if (rc == GOV_OK)
        rc = timebank_store_clearing(&t, &p, &c);
    return rc == GOV_OK ? answer(&t, &c, state_name(c.state), out) : rc;
}

/* ---- what waits ---- */

typedef struct waiting {
    timebank_clearing c;
    const char *peer;
    bool taken_up;
} waiting;

static gov_status show(timebank_teller *t, const waiting *w, value_builder *list)
{
    value_builder b;
    value person = value_null();
    const gov_status rc = w->c.resident != 0 ? timebank_person(t->g, w->c.resident, &person, t->d) : GOV_OK;
    value_builder_init(&b, &t->g->scratch);
    value_builder_set(&b, "peer", value_text(w->peer));
    value_builder_set(&b, "transfer", value_int(w->c.transfer));
    value_builder_set(&b, "resident", person);
    value_builder_set(&b, "minutes", value_int(w->c.minutes));
    value_builder_set(&b, "what", value_text(w->c.what));
    value_builder_set(&b, "state", value_text(state_name(w->c.state)));
    value_builder_set(&b, "sent_at", value_from_us(w->c.at_us));
    value_builder_set(&b, "taken_up", value_bool(w->taken_up));
    value_builder_set(&b, "proposed", w->c.proposal == 0 ? value_null() : value_text(state_name(w->c.proposal)));
    list->failed = list->failed || b.failed;
    value_builder_add(list, value_builder_map(&b));
    return rc;
}

/* The oldest first; those of one peer, unless `peer` is "". */
static gov_status find_waiting(timebank_teller *t, const char *peer, waiting *out, size_t *count)
{
    static const store_sql sql = {
        "SELECT p.name, c.transfer, c.resident, c.minutes, c.state, c.what, c.at_us, c.sequence, p.out_acked, c.proposal FROM "
        "gov_timebank_clearing c JOIN gov_timebank_peer p ON p.community = c.community AND p.id = c.peer WHERE c.community = $1 AND p.book = "
        "$2 AND c.direction = 0 AND (c.state = 1 OR c.state = 6 OR c.state = 7) AND (p.name = $3 OR $3 = '') ORDER BY c.at_us, c.transfer "
        "LIMIT $4",
        0};
    store_rows rows;
    *count = 0;
    gov_status rc = store_query(t->g->store, &sql,
                                STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_s(peer), store_i(MOST_IN_TRANSIT)),
                                &rows, t->d);
    while (rc == GOV_OK && *count < MOST_IN_TRANSIT && (rc = store_next(&rows, t->d)) == GOV_OK) {
        waiting *w = &out[(*count)++];
        size_t len;
        const char *name = store_text(&rows, 0, &len);
        w->peer = base_arena_strndup(&t->g->scratch, name, len);
        w->c = (timebank_clearing){.transfer = store_int(&rows, 1),
                                   .resident = store_int(&rows, 2),
                                   .minutes = store_int(&rows, 3),
                                   .state = (int32_t)store_int(&rows, 4),
                                   .what = strcmp(store_text(&rows, 5, NULL), "net") == 0 ? "net" : "hours",
                                   .at_us = store_int(&rows, 6),
                                   .proposal = (int32_t)store_int(&rows, 9)};
        w->taken_up = store_int(&rows, 7) <= store_int(&rows, 8);
        rc = w->peer != NULL ? GOV_OK : base_nomem(t->d);
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

TIMEBANK_RUN(timebank_run_transit)
{
    timebank_teller t;
    const char *peer = NULL;
    waiting *all = base_arena_array(&g->scratch, MOST_IN_TRANSIT, sizeof *all);
    size_t count = 0;
    value_builder list, b;
    gov_status rc = access_check_whole(g, TIMEBANK_READ, d);
    if (rc == GOV_OK && all == NULL)
        rc = base_nomem(d);
    if (rc == GOV_OK)
        rc = timebank_open(g, in[0], false, &t, d);
    if (rc == GOV_OK)
        rc = timebank_text(g, in[1], 64, &peer, d);
    if (rc == GOV_OK)
        rc = find_waiting(&t, peer != NULL ? peer : "", all, &count);
    value_builder_init(&list, &g->scratch);
    value_builder_init(&b, &g->scratch);
    for (size_t i = 0; i < count && rc == GOV_OK; i++)
        rc = show(&t, &all[i], &list);
    value_builder_set(&b, "transfers", value_builder_list(&list));
    *out = value_builder_map(&b);
    return rc == GOV_OK && (b.failed || list.failed) ? base_nomem(d) : rc;
}
