/* What becomes of a booking: served, confirmed, rated, called off, disputed and ruled, taken back. */
#include "timebank/timebank.h"

#include <string.h>

/* ---- the transfers ---- */

static gov_status payer_of(timebank_teller *t, const timebank_booking *k, int64_t *id)
{
    return k->kind == TIMEBANK_HELP ? timebank_own_account(t, TIMEBANK_POOL, id)
                                    : timebank_account(t, k->recipient, TIMEBANK_MEMBER, id);
}

static gov_status resolve(timebank_teller *t, const timebank_booking *k, int64_t amount, ledger_transfer *out)
{
    const gov_status rc = timebank_transfer(t, k->kind == TIMEBANK_HELP ? TIMEBANK_BY_HELP : TIMEBANK_BY_SERVICE, 0, 0, amount, out);
    out->pending_id = k->transfer;
    out->subject = k->id;
    out->flags = amount > 0 ? GOV_TRANSFER_POST_PENDING : GOV_TRANSFER_VOID_PENDING;
    return rc;
}

static timebank_note note_of(const timebank_booking *k, const value_pair *said, size_t n)
{
    return (timebank_note){"booking", k->id, value_map(said, n)};
}

/* From when on the caps count it: from the check-in, or the booked time where there was none. */
static int64_t began(const timebank_booking *k)
{
    return k->in_us != 0 ? k->in_us : k->from_us;
}

/* What the minutes come to: to the volunteer as much as the caps leave, the rest to the pool or back to who pays. */
static gov_status pay(timebank_teller *t, timebank_booking *k, int64_t amount)
{
    ledger_transfer events[2];
    timebank_room room;
    timebank_part parts[TIMEBANK_MOST_DAYS];
    int64_t payer, pool;
    size_t n = 1, days;
    timebank_split(t->g, began(k), k->served, amount, parts, &days);
    gov_status rc = timebank_room_for(t, k->volunteer, parts, days, k->id, false, &room);
    if (rc == GOV_OK)
        rc = resolve(t, k, room.own, &events[0]);
    k->own = room.own;
    k->donated = t->bank->donates ? amount - room.own : 0;
    if (rc == GOV_OK && k->donated > 0 && k->kind != TIMEBANK_HELP) {
        rc = payer_of(t, k, &payer);
        if (rc == GOV_OK)
            rc = timebank_own_account(t, TIMEBANK_POOL, &pool);
        if (rc == GOV_OK)
            rc = timebank_transfer(t, TIMEBANK_BY_EXCESS, payer, pool, k->donated, &events[n]);
        events[n++].subject = k->id;
    }
    if (rc != GOV_OK)
        return rc;
    const value_pair said[] = {{value_text("served"), value_int(k->served)},
                               {value_text("own"), value_int(k->own)},
                               {value_text("donated"), value_int(k->donated)},
                               {value_text("cap"), room.cap != NULL ? value_text(room.cap) : value_null()}};
    const timebank_note note = note_of(k, said, ARRAY_LEN(said));
    k->transfer = events[0].id; /* what a reversal takes back */
    k->state = TIMEBANK_SETTLED;
    rc = timebank_post(t, events, n, &note);
    return rc == GOV_OK ? timebank_store_days(t, k, parts, days, false) : rc;
}

gov_status timebank_settle(timebank_teller *t, timebank_booking *k, int64_t minutes)
{
    int64_t amount;
    k->served = minutes;
    gov_status rc = timebank_credit(t->bank, minutes, k->rate_num, k->rate_den, &amount, t->d);
    if (rc == GOV_OK && amount > k->amount)
        amount = k->amount;
    if (rc == GOV_OK)
        rc = pay(t, k, amount);
    if (rc != GOV_OK)
        return rc;
    k->confirmed_us = access_now(t->g);
    k->confirmed_by = access_actor_id(t->g);
    const timebank_member served = {.resident = k->volunteer,
                                    .served = minutes,
                                    .donated = k->donated,
                                    .services = 1,
                                    .last_us = k->until_us < access_now(t->g) ? k->until_us : access_now(t->g)};
    const timebank_member received = {.resident = k->recipient, .received = minutes};
    rc = timebank_change_member(t, &served);
    if (rc == GOV_OK)
        rc = timebank_change_member(t, &received);
    if (rc == GOV_OK)
        rc = timebank_store_booking(t, k);
    return rc == GOV_OK ? timebank_tell(t, k, "done") : rc;
}

/* Voids what is pending; where the time has run out the ledger does that, or has done it. */
gov_status timebank_let_go(timebank_teller *t, timebank_booking *k, timebank_state state)
{
    ledger_transfer event;
    int32_t refused = GOV_LEDGER_CREATED;
    const value_pair said[] = {{value_text("state"), value_text(timebank_state_name(state))}};
    const timebank_note note = note_of(k, said, 1);
    gov_status rc = resolve(t, k, 0, &event);
    if (rc == GOV_OK)
        rc = timebank_try(t, &event, 1, &note, &refused);
    if (rc == GOV_OK && refused != GOV_LEDGER_CREATED && refused != GOV_LEDGER_PENDING_TRANSFER_EXPIRED)
        return base_fail(t->d, M_timebank_refused, A_S("result", gov_ledger_result_name(refused)));
    k->state = (int32_t)state;
    if (rc == GOV_OK && refused != GOV_LEDGER_CREATED)
        rc = timebank_record(t, "time_released", &note);
    if (rc == GOV_OK)
        rc = timebank_store_booking(t, k);
    return rc == GOV_OK ? timebank_tell(t, k, state == TIMEBANK_EXPIRED ? "expired" : "failed") : rc;
}

/* A disputed amount waits without end: the pending transfer is made anew, without a timeout, in one chain. */
gov_status timebank_freeze(timebank_teller *t, timebank_booking *k)
{
    ledger_transfer events[2];
    int64_t payer, payee;
    gov_status rc = payer_of(t, k, &payer);
    if (rc == GOV_OK)
        rc = timebank_account(t, k->volunteer, TIMEBANK_MEMBER, &payee);
    if (rc == GOV_OK)
        rc = resolve(t, k, 0, &events[0]);
    if (rc == GOV_OK)
        rc = timebank_transfer(t, k->kind == TIMEBANK_HELP ? TIMEBANK_BY_HELP : TIMEBANK_BY_SERVICE, payer, payee, k->amount,
                               &events[1]);
    if (rc != GOV_OK)
        return rc;
    events[1].flags = GOV_TRANSFER_PENDING;
    events[1].subject = k->id;
    const value_pair said[] = {{value_text("state"), value_text(timebank_state_name(TIMEBANK_DISPUTED))}};
    const timebank_note note = note_of(k, said, 1);
    rc = timebank_post(t, events, 2, &note);
    k->transfer = events[1].id;
    k->expires_us = 0;
    k->state = TIMEBANK_DISPUTED;
    return rc == GOV_OK ? timebank_store_booking(t, k) : rc;
}

/* Back to who paid: from the volunteer what was theirs, from the pool what went there. */
gov_status timebank_reverse(timebank_teller *t, timebank_booking *k)
{
    ledger_transfer events[2];
    int64_t payer, payee, pool;
    size_t n = 0;
    gov_status rc = payer_of(t, k, &payer);
    if (rc == GOV_OK)
        rc = timebank_account(t, k->volunteer, TIMEBANK_MEMBER, &payee);
    if (rc == GOV_OK && k->own > 0) {
        rc = timebank_transfer(t, TIMEBANK_BY_REVERSAL, payee, payer, k->own, &events[n]);
        events[n++].reversal_of = k->transfer;
    }
    if (rc == GOV_OK && k->donated > 0 && k->kind != TIMEBANK_HELP) {
        rc = timebank_own_account(t, TIMEBANK_POOL, &pool);
        if (rc == GOV_OK)
            rc = timebank_transfer(t, TIMEBANK_BY_REVERSAL, pool, payer, k->donated, &events[n++]);
    }
    for (size_t i = 0; i < n; i++)
        events[i].subject = k->id;
    const value_pair said[] = {{value_text("own"), value_int(k->own)}, {value_text("donated"), value_int(k->donated)}};
    const timebank_note note = note_of(k, said, 2);
    if (rc == GOV_OK && n > 0)
        rc = timebank_post(t, events, n, &note);
    const timebank_member served = {
        .resident = k->volunteer, .served = -k->served, .donated = -k->donated, .services = -1};
    const timebank_member received = {.resident = k->recipient, .received = -k->served};
    if (rc == GOV_OK)
        rc = timebank_change_member(t, &served);
    if (rc == GOV_OK)
        rc = timebank_change_member(t, &received);
    k->state = TIMEBANK_REVERSED;
    return rc == GOV_OK ? timebank_store_booking(t, k) : rc;
}

gov_status timebank_count_open(timebank_teller *t, int64_t resident, int64_t *count)
{
    static const store_sql sql = {"SELECT count(*) FROM gov_timebank_booking WHERE community = $1 AND book = $2 AND state < 5 AND "
                                  "(volunteer = $3 OR recipient = $3)",
                                  0};
    return store_first_int(t->g->store, &sql,
                           STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_i(resident)), count, t->d);
}

/* One that nobody else is left to confirm is posted as it was checked in and out. */
static gov_status end_of(timebank_teller *t, timebank_booking *k)
{
    if (k->expires_us != 0 && k->expires_us <= access_now(t->g))
        return timebank_let_go(t, k, TIMEBANK_EXPIRED);
    return k->state == TIMEBANK_SERVED ? timebank_settle(t, k, k->served) : timebank_let_go(t, k, TIMEBANK_CANCELLED);
}

gov_status timebank_end_all(timebank_teller *t, int64_t resident)
{
    static const store_sql sql = {"SELECT id FROM gov_timebank_booking WHERE community = $1 AND book = $2 AND ((state = 1 AND from_us > $4 "
                                  "AND (volunteer = $3 OR recipient = $3)) OR (state = 3 AND recipient = $3)) ORDER BY id LIMIT 1",
                                  0};
    gov_status rc = GOV_OK;
    while (rc == GOV_OK) {
        timebank_booking k;
        int64_t id;
        rc = store_first_int(t->g->store, &sql,
                             STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_i(resident), store_i(access_now(t->g))),
                             &id, t->d);
        if (rc == GOV_OK)
            rc = timebank_load_booking(t->g, id, &k, t->d);
        if (rc == GOV_OK)
            rc = end_of(t, &k);
    }
    return rc == GOV_END ? GOV_OK : rc;
}

/* ---- operations ---- */

static gov_status wrong_state(const timebank_booking *k, const diag *d)
{
    return base_fail(d, M_timebank_state, A_S("state", timebank_state_name(k->state)));
}

static gov_status answer(timebank_teller *t, const timebank_booking *k, value *out)
{
    value_builder b;
    value_builder_init(&b, &t->g->scratch);
    value_builder_set(&b, "id", value_int(k->id));
    value_builder_set(&b, "state", value_text(timebank_state_name(k->state)));
    value_builder_set(&b, "served", value_int(k->served));
    value_builder_set(&b, "own", value_int(k->own));
    value_builder_set(&b, "donated", value_int(k->donated));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(t->d) : GOV_OK;
}

static gov_status put_text(timebank_teller *t, const timebank_booking *k, const store_sql *sql, const char *text)
{
    return access_keep(
        t->g,
        store_post(t->g->store, sql,
                   STORE_ARGS(store_i(t->g->community), store_i(k->id), store_s(text)), 1, t->d),
        &timebank_kept_booking, k->id, 0, 0, t->d);
}

/* Where a place is known and the bank wants people near it. */
static gov_status check_place(timebank_teller *t, const timebank_booking *k, value place)
{
    bool has;
    geo_point at;
    const gov_status rc = timebank_place(t->g, place, &has, &at, t->d);
    if (rc != GOV_OK || t->bank->within_m < 0 || !k->has_place)
        return rc;
    if (!has)
        return base_fail(t->d, M_timebank_where);
    const int64_t metres = geo_distance_m(at, k->place);
    if (metres < 0 || metres > t->bank->within_m)
        return base_fail(t->d, M_timebank_too_far, A_I("metres", metres), A_I("limit", t->bank->within_m));
    return GOV_OK;
}

static gov_status note_presence(timebank_teller *t, const timebank_booking *k, const char *kind)
{
    const value_pair said[] = {{value_text("state"), value_text(timebank_state_name(k->state))},
                               {value_text("served"), value_int(k->served)}};
    const timebank_note note = note_of(k, said, 2);
    return timebank_record(t, kind, &note);
}

enum { EARLY_MINUTES = 60 }; /* how long before its time a service may begin */

static bool may_come(const timebank_booking *k, int64_t now)
{
    return k->state == TIMEBANK_BOOKED && now >= k->from_us - EARLY_MINUTES * 60 * BASE_US_PER_SECOND;
}

static gov_status come(timebank_teller *t, timebank_booking *k)
{
    timebank_part parts[TIMEBANK_MOST_DAYS];
    size_t days;
    k->state = TIMEBANK_STARTED;
    k->in_us = access_now(t->g);
    k->in_by = access_actor_id(t->g);
    timebank_split(t->g, began(k), k->most, k->amount, parts, &days);
    k->day = parts[0].day;
    k->month = parts[0].month;
    return timebank_store_days(t, k, parts, days, false);
}

static void go(timebank_teller *t, timebank_booking *k)
{
    k->out_us = access_now(t->g);
    k->out_by = access_actor_id(t->g);
    k->served = k->out_us > k->in_us ? (k->out_us - k->in_us) / (60 * BASE_US_PER_SECOND) : 0;
    if (k->served > k->most)
        k->served = k->most;
    k->state = TIMEBANK_SERVED;
}

static gov_status check(gov *g, const value *in, bool comes, value *out, const diag *d)
{
    timebank_teller t;
    timebank_booking k;
    gov_status rc = timebank_approach(g, in[0].as.i, TIMEBANK_WRITE, TIMEBANK_VOLUNTEER, &t, &k, d);
    if (rc == GOV_OK && !(comes ? may_come(&k, access_now(g)) : k.state == TIMEBANK_STARTED))
        return wrong_state(&k, d);
    if (rc == GOV_OK)
        rc = check_place(&t, &k, in[1]);
    if (rc == GOV_OK && comes)
        rc = come(&t, &k);
    else if (rc == GOV_OK)
        go(&t, &k);
    if (rc == GOV_OK)
        rc = timebank_store_booking(&t, &k);
    if (rc == GOV_OK)
        rc = note_presence(&t, &k, comes ? "time_started" : "time_served");
    return rc == GOV_OK ? answer(&t, &k, out) : rc;
}

TIMEBANK_RUN(timebank_run_check_in)
{
    return check(g, in, true, out, d);
}

TIMEBANK_RUN(timebank_run_check_out)
{
    return check(g, in, false, out, d);
}

/* What was served without checking in and out is stated by who confirms it; of what was checked out nobody takes away by confirming. */
TIMEBANK_RUN(timebank_run_confirm)
{
    timebank_teller t;
    timebank_booking k;
    gov_status rc = timebank_approach(g, in[0].as.i, TIMEBANK_WRITE, TIMEBANK_RECIPIENT, &t, &k, d);
    if (rc != GOV_OK)
        return rc;
    int64_t minutes = k.state == TIMEBANK_SERVED ? k.served : -1;
    if (k.state != TIMEBANK_SERVED && (k.state > TIMEBANK_SERVED || in[1].kind == VALUE_ABSENT || access_now(g) < k.from_us))
        return wrong_state(&k, d);
    rc = timebank_minutes(in[1], 0, &minutes, d);
    if (rc == GOV_OK && k.state == TIMEBANK_SERVED && minutes != k.served)
        return base_fail(d, M_timebank_checked_out, A_I("minutes", k.served));
    if (rc == GOV_OK && minutes > k.most)
        return base_fail(d, M_timebank_minutes, A_I("minutes", minutes));
    if (rc == GOV_OK)
        rc = timebank_settle(&t, &k, minutes);
    return rc == GOV_OK ? answer(&t, &k, out) : rc;
}

TIMEBANK_RUN(timebank_run_rate)
{
    static const store_sql review = {"UPDATE gov_timebank_booking SET review = $3 WHERE community = $1 AND id = $2", 0};
    timebank_teller t;
    timebank_booking k;
    const char *text;
    gov_status rc = timebank_approach(g, in[0].as.i, TIMEBANK_WRITE, TIMEBANK_RECIPIENT, &t, &k, d);
    if (rc == GOV_OK && (k.state != TIMEBANK_SETTLED || k.kind == TIMEBANK_GROUP))
        return wrong_state(&k, d);
    if (rc == GOV_OK && k.stars != 0)
        return base_fail(d, M_timebank_rated);
    if (rc == GOV_OK && (in[1].as.i < 1 || in[1].as.i > 5))
        return base_fail(d, M_timebank_stars, A_I("stars", in[1].as.i));
    if (rc == GOV_OK)
        rc = timebank_text(g, in[2], 1000, &text, d);
    if (rc != GOV_OK)
        return rc;
    k.stars = in[1].as.i;
    const timebank_member by = {.resident = k.volunteer, .stars = k.stars, .ratings = 1};
    rc = timebank_change_member(&t, &by);
    if (rc == GOV_OK)
        rc = timebank_store_booking(&t, &k);
    if (rc == GOV_OK && text != NULL)
        rc = put_text(&t, &k, &review, text);
    const value_pair said[] = {{value_text("stars"), value_int(k.stars)}};
    const timebank_note note = note_of(&k, said, 1);
    if (rc == GOV_OK)
        rc = timebank_record(&t, "time_rated", &note);
    return rc == GOV_OK ? answer(&t, &k, out) : rc;
}

TIMEBANK_RUN(timebank_run_dispute)
{
    static const store_sql words = {"UPDATE gov_timebank_booking SET dispute = $3 WHERE community = $1 AND id = $2", 0};
    timebank_teller t;
    timebank_booking k;
    const char *text;
    gov_status rc = timebank_approach(g, in[0].as.i, TIMEBANK_WRITE, TIMEBANK_EITHER, &t, &k, d);
    if (rc == GOV_OK && (k.state >= TIMEBANK_DISPUTED || access_now(g) < k.from_us))
        return wrong_state(&k, d);
    if (rc == GOV_OK)
        rc = timebank_text(g, in[1], 1000, &text, d);
    if (rc == GOV_OK)
        rc = timebank_freeze(&t, &k);
    if (rc == GOV_OK)
        rc = put_text(&t, &k, &words, text);
    return rc == GOV_OK ? answer(&t, &k, out) : rc;
}

TIMEBANK_RUN(timebank_run_rule)
{
    static const store_sql words = {"UPDATE gov_timebank_booking SET ruling = $3 WHERE community = $1 AND id = $2", 0};
    timebank_teller t;
    timebank_booking k;
    const char *text;
    int64_t minutes = 0;
    gov_status rc = timebank_approach(g, in[0].as.i, TIMEBANK_RULE, TIMEBANK_EITHER, &t, &k, d);
    if (rc == GOV_OK && k.state != TIMEBANK_DISPUTED)
        return wrong_state(&k, d);
    if (rc == GOV_OK)
        rc = timebank_minutes(in[1], 0, &minutes, d);
    if (rc == GOV_OK && minutes > k.most)
        return base_fail(d, M_timebank_minutes, A_I("minutes", minutes));
    if (rc == GOV_OK)
        rc = timebank_text(g, in[2], 1000, &text, d);
    if (rc == GOV_OK && text != NULL)
        rc = put_text(&t, &k, &words, text);
    if (rc == GOV_OK)
        rc = minutes > 0 ? timebank_settle(&t, &k, minutes) : timebank_let_go(&t, &k, TIMEBANK_VOID);
    return rc == GOV_OK ? answer(&t, &k, out) : rc;
}

TIMEBANK_RUN(timebank_run_cancel)
{
    timebank_teller t;
    timebank_booking k;
    const bool volunteer = value_is_text(in[1], "volunteer"), recipient = value_is_text(in[1], "recipient");
    const bool missed = volunteer || recipient;
    gov_status rc = timebank_approach(g, in[0].as.i, TIMEBANK_WRITE, TIMEBANK_EITHER, &t, &k, d);
    if (rc == GOV_OK && in[1].kind == VALUE_STRING && !missed)
        return base_fail(d, M_timebank_who);
    if (rc == GOV_OK && (k.state != TIMEBANK_BOOKED || (missed && access_now(g) < k.from_us)))
        return wrong_state(&k, d);
    if (rc == GOV_OK)
        rc = timebank_let_go(&t, &k, missed ? TIMEBANK_NO_SHOW : TIMEBANK_CANCELLED);
    if (rc == GOV_OK && missed) {
        const timebank_member by = {.resident = volunteer ? k.volunteer : k.recipient, .no_shows = 1};
        rc = timebank_change_member(&t, &by);
    }
    return rc == GOV_OK ? answer(&t, &k, out) : rc;
}

TIMEBANK_RUN(timebank_run_reverse)
{
    timebank_teller t;
    timebank_booking k;
    gov_status rc = timebank_approach(g, in[0].as.i, TIMEBANK_RULE, TIMEBANK_EITHER, &t, &k, d);
    if (rc == GOV_OK && (k.state != TIMEBANK_SETTLED || k.kind == TIMEBANK_GROUP))
        return wrong_state(&k, d);
    if (rc == GOV_OK)
        rc = timebank_reverse(&t, &k);
    return rc == GOV_OK ? answer(&t, &k, out) : rc;
}

/* For the timer: lets it go when its time has run out, and does nothing with one that was settled before. */
TIMEBANK_RUN(timebank_run_expire)
{
    timebank_teller t;
    timebank_booking k;
    const gov_status rc = timebank_take_booking(g, in[0].as.i, &t, &k, d);
    return rc == GOV_OK ? answer(&t, &k, out) : rc;
}
