/* Bookings: a volunteer's time, reserved for somebody and paid for by a pending transfer. */
#include "timebank/timebank.h"

#include <string.h>

static const int64_t minute_us = 60 * BASE_US_PER_SECOND;

const char *timebank_state_name(int64_t state)
{
    static const char *const names[] = {"none",      "booked",  "started", "served",  "disputed", "settled",
                                        "cancelled", "no_show", "expired", "void", "reversed"};
    return state > 0 && (size_t)state < ARRAY_LEN(names) ? names[state] : names[0];
}

/* ---- rows ---- */

static const char *text_of(gov *g, store_rows *rows, int column, bool *failed)
{
    size_t len;
    const char *text = store_text(rows, column, &len);
    const char *copy = base_arena_strndup(&g->scratch, text, len);
    *failed = *failed || copy == NULL;
    return copy;
}

static gov_status read_booking(gov *g, store_rows *rows, timebank_booking *k, const diag *d)
{
    bool failed = false;
    *k = (timebank_booking){.id = store_int(rows, 0),
                            .book = (uint32_t)store_int(rows, 1),
                            .kind = (int32_t)store_int(rows, 2),
                            .state = (int32_t)store_int(rows, 3),
                            .offer = store_int(rows, 4),
                            .request = store_int(rows, 5),
                            .volunteer = store_int(rows, 6),
                            .recipient = store_int(rows, 7),
                            .skill = text_of(g, rows, 8, &failed),
                            .activity = text_of(g, rows, 9, &failed),
                            .from_us = store_int(rows, 10),
                            .until_us = store_int(rows, 11),
                            .minutes = store_int(rows, 12),
                            .most = store_int(rows, 13),
                            .amount = store_int(rows, 14),
                            .rate_num = store_int(rows, 15),
                            .rate_den = store_int(rows, 16),
                            .has_place = !store_is_null(rows, 17),
                            .place = {store_int(rows, 17), store_int(rows, 18)},
                            .transfer = store_int(rows, 19),
                            .expires_us = store_int(rows, 20),
                            .in_us = store_int(rows, 21),
                            .in_by = store_int(rows, 22),
                            .out_us = store_int(rows, 23),
                            .out_by = store_int(rows, 24),
                            .served = store_int(rows, 25),
                            .own = store_int(rows, 26),
                            .donated = store_int(rows, 27),
                            .day = store_int(rows, 28),
                            .month = store_int(rows, 29),
                            .confirmed_us = store_int(rows, 30),
                            .confirmed_by = store_int(rows, 31),
                            .stars = store_int(rows, 32),
                            .case_id = store_int(rows, 33),
                            .effect = text_of(g, rows, 34, &failed)};
    return failed ? base_nomem(d) : GOV_OK;
}

gov_status timebank_load_booking(gov *g, int64_t id, timebank_booking *out, const diag *d)
{
    static const store_sql sql = {
        "SELECT id, book, kind, state, offer, request, volunteer, recipient, skill, activity, from_us, until_us, minutes, most, "
        "amount, rate_num, rate_den, lat, lon, transfer, expires_us, in_us, in_by, out_us, out_by, served, own, donated, day, "
        "month, confirmed_us, confirmed_by, stars, case_id, effect FROM gov_timebank_booking WHERE community = $1 AND id = $2",
        0};
    store_rows rows;
    gov_status rc = store_first(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    if (rc == GOV_END)
        return base_fail(d, M_timebank_no_booking, A_I("id", id));
    if (rc != GOV_OK)
        return rc;
    rc = read_booking(g, &rows, out, d);
    store_rows_close(&rows);
    return rc;
}

gov_status timebank_insert_booking(timebank_teller *t, const timebank_booking *k)
{
    static const store_sql sql = {
        "INSERT INTO gov_timebank_booking (community, id, book, kind, state, offer, request, volunteer, recipient, skill, "
        "activity, from_us, until_us, minutes, most, amount, rate_num, rate_den, lat, lon, transfer, expires_us, served, own, "
        "donated, day, month, confirmed_us, confirmed_by, case_id, effect) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
        "$12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)",
        0};
    return access_keep(
        t->g,
        store_post(t->g->store, &sql,
                   STORE_ARGS(store_i(t->g->community), store_i(k->id), store_i(k->book),
                              store_i(k->kind), store_i(k->state), store_i0(k->offer),
                              store_i0(k->request), store_i(k->volunteer), store_i0(k->recipient),
                              store_s(k->skill), store_s(k->activity), store_i(k->from_us),
                              store_i(k->until_us), store_i(k->minutes), store_i(k->most),
                              store_i(k->amount), store_i(k->rate_num), store_i(k->rate_den),
                              k->has_place ? store_i(k->place.lat) : store_n(STORE_INT),
                              k->has_place ? store_i(k->place.lon) : store_n(STORE_INT),
                              store_i0(k->transfer), store_i0(k->expires_us), store_i(k->served),
                              store_i(k->own), store_i(k->donated), store_i(k->day),
                              store_i(k->month), store_i0(k->confirmed_us),
                              store_i0(k->confirmed_by), store_i0(k->case_id), store_s(k->effect)),
                   1, t->d),
        &timebank_kept_booking, k->id, 0, 0, t->d);
}

gov_status timebank_store_booking(timebank_teller *t, const timebank_booking *k)
{
    static const store_sql sql = {
        "UPDATE gov_timebank_booking SET state = $3, transfer = $4, expires_us = $5, in_us = $6, in_by = $7, out_us = $8, "
        "out_by = $9, served = $10, own = $11, donated = $12, confirmed_us = $13, confirmed_by = $14, stars = $15, day = $16, month = $17 WHERE "
        "community = $1 AND id = $2",
        0};
    return access_keep(
        t->g,
        store_post(t->g->store, &sql,
                   STORE_ARGS(store_i(t->g->community), store_i(k->id), store_i(k->state),
                              store_i0(k->transfer), store_i0(k->expires_us), store_i0(k->in_us),
                              store_i0(k->in_by), store_i0(k->out_us), store_i0(k->out_by),
                              store_i(k->served), store_i(k->own), store_i(k->donated),
                              store_i0(k->confirmed_us), store_i0(k->confirmed_by),
                              store_i0(k->stars), store_i(k->day), store_i(k->month)),
                   1, t->d),
        &timebank_kept_booking, k->id, 0, 0, t->d);
}

gov_status timebank_busy(timebank_teller *t, int64_t volunteer, int64_t from_us, int64_t until_us, bool *is)
{
    static const store_sql sql = {"SELECT id FROM gov_timebank_booking WHERE community = $1 AND book = $2 AND volunteer = $3 AND "
                                  "state < 4 AND from_us < $4 AND until_us > $5 AND month >= $6 AND month <= $7 LIMIT 1",
                                  0};
    int64_t id, day, first, last;
    timebank_civil(t->g, from_us, &day, &first);
    timebank_civil(t->g, until_us, &day, &last);
    const gov_status rc = store_first_int(t->g->store, &sql,
                                          STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_i(volunteer),
                                                     store_i(until_us), store_i(from_us), store_i(first - 1), store_i(last)),
                                          &id, t->d);
    *is = rc == GOV_OK;
    return rc == GOV_END ? GOV_OK : rc;
}

/* ---- coming to one ---- */

gov_status timebank_check_party(gov *g, const char *permission, const timebank_booking *k, unsigned sides, const diag *d)
{
    const int64_t who[] = {sides & TIMEBANK_VOLUNTEER ? k->volunteer : 0, sides & TIMEBANK_RECIPIENT ? k->recipient : 0};
    const int64_t both[] = {k->volunteer, k->recipient};
    bool reaches;
    gov_status rc = timebank_reaches(g, permission, who, 2, &reaches, d);
    if (rc != GOV_OK || reaches)
        return rc;
    rc = timebank_reaches(g, permission, both, 2, &reaches, d);
    if (rc != GOV_OK)
        return rc;
    return reaches ? access_deny(g, permission, d) : base_fail(d, M_timebank_no_booking, A_I("id", k->id));
}

gov_status timebank_take_booking(gov *g, int64_t id, timebank_teller *t, timebank_booking *out, const diag *d)
{
    gov_status rc = timebank_load_booking(g, id, out, d);
    if (rc == GOV_OK)
        rc = timebank_open_book(g, out->book, true, t, d);
    if (rc == GOV_OK)
        rc = timebank_load_booking(g, id, out, d);
    if (rc == GOV_OK && out->state < TIMEBANK_DISPUTED && out->expires_us != 0 && out->expires_us <= access_now(g))
        rc = timebank_let_go(t, out, TIMEBANK_EXPIRED);
    return rc;
}

gov_status timebank_approach(gov *g, int64_t id, const char *permission, unsigned sides, timebank_teller *t,
                             timebank_booking *k, const diag *d)
{
    const gov_status rc = timebank_take_booking(g, id, t, k, d);
    return rc == GOV_OK ? timebank_check_party(g, permission, k, sides, d) : rc;
}

/* ---- booking ---- */

/* What the terms leave open is taken from the request and the offer, within whose windows the booking has to lie. */
static gov_status fill(timebank_teller *t, const timebank_terms *terms, timebank_booking *k)
{
    timebank_notice r = {0}, o = {0};
    const int64_t from = terms->from_us;
    gov_status rc = GOV_OK;
    if (terms->request != 0)
        rc = timebank_load_notice(t->g, terms->request, TIMEBANK_REQUEST, &r, t->d);
    if (rc == GOV_OK && terms->offer != 0)
        rc = timebank_load_notice(t->g, terms->offer, TIMEBANK_OFFER, &o, t->d);
    if (rc != GOV_OK)
        return rc;
    if ((r.id != 0 && (r.state != TIMEBANK_OPEN || r.book != t->bank->book)) ||
        (o.id != 0 && (o.state != TIMEBANK_OPEN || o.book != t->bank->book)))
        return base_fail(t->d, M_timebank_not_open, A_I("id", r.id != 0 && r.state != TIMEBANK_OPEN ? r.id : o.id));
    if (r.id != 0 && o.id != 0 && strcmp(r.skill, o.skill) != 0)
        return base_fail(t->d, M_timebank_other_skill, A_S("wanted", r.skill), A_S("skill", o.skill));
    k->offer = o.id;
    k->request = r.id;
    k->volunteer = o.id != 0 ? o.resident : terms->volunteer;
    k->recipient = r.id != 0 ? r.resident : terms->recipient;
    k->skill = r.id != 0 ? r.skill : o.id != 0 ? o.skill : terms->skill;
    k->minutes = terms->minutes != 0 ? terms->minutes : r.minutes;
    k->most = terms->most != 0 ? terms->most : k->minutes;
    k->from_us = from != 0 ? from : r.from_us > o.from_us ? r.from_us : o.from_us;
    k->has_place = terms->has_place || r.has_place;
    k->place = terms->has_place ? terms->place : r.place;
    k->kind = terms->pooled || r.pooled ? TIMEBANK_HELP : TIMEBANK_SERVICE;
    if (k->skill == NULL || k->volunteer == 0 || k->recipient == 0)
        return base_fail(t->d, M_timebank_incomplete);
    if (k->minutes < 1 || k->most < k->minutes || k->most > TIMEBANK_LONGEST || k->from_us <= 0)
        return base_fail(t->d, M_timebank_minutes, A_I("minutes", k->most > k->minutes ? k->most : k->minutes));
    k->until_us = k->from_us + k->minutes * minute_us;
    if (k->until_us > INT64_MAX / 2)
        return base_fail(t->d, M_timebank_window);
    if ((r.id != 0 && (k->from_us < r.from_us || k->until_us > r.until_us)) ||
        (o.id != 0 && (k->from_us < o.from_us || k->until_us > o.until_us)))
        return base_fail(t->d, M_timebank_outside);
    return GOV_OK;
}

static gov_status check_recipient(timebank_teller *t, const timebank_booking *k)
{
    const timebank_bank *b = t->bank;
    bool holds = true;
    int64_t age;
    gov_status rc = timebank_check_active(t, k->recipient);
    if (rc != GOV_OK)
        return rc;
    if (k->kind == TIMEBANK_HELP) {
        if (b->draw_when == NULL)
            return base_fail(t->d, M_timebank_no_draw);
        rc = timebank_holds(t, b->draw_when, k->recipient, &holds);
        return rc == GOV_OK && !holds ? base_fail(t->d, M_timebank_no_draw) : rc;
    }
    rc = timebank_age(t, k->recipient, &age);
    if (rc == GOV_OK && b->draw_from >= 0 && age < b->draw_from)
        return base_fail(t->d, M_timebank_too_young, A_I("age", b->draw_from));
    if (rc == GOV_OK)
        rc = timebank_holds(t, b->may_redeem, k->recipient, &holds);
    return rc == GOV_OK && !holds ? base_fail(t->d, M_timebank_may_not_redeem) : rc;
}

/* Parts: by the days that it is booked for. */
static gov_status check(timebank_teller *t, timebank_booking *k, timebank_part *parts, size_t *days)
{
    const timebank_skill *s;
    const char *why = NULL;
    timebank_room room;
    bool busy = false;
    if (k->volunteer == k->recipient)
        return base_fail(t->d, M_timebank_same_person);
    gov_status rc = timebank_find_skill(t->bank, k->skill, &s, t->d);
    if (rc == GOV_OK)
        rc = timebank_check_active(t, k->volunteer);
    if (rc == GOV_OK)
        rc = timebank_fit(t, k->volunteer, s, &why);
    if (rc == GOV_OK && why != NULL)
        return strcmp(why, "skill") == 0 ? base_fail(t->d, M_timebank_not_qualified, A_S("skill", s->name))
                                         : base_fail(t->d, M_timebank_may_not_serve);
    if (rc == GOV_OK)
        rc = check_recipient(t, k);
    if (rc == GOV_OK)
        rc = timebank_busy(t, k->volunteer, k->from_us, k->until_us, &busy);
    if (rc == GOV_OK && busy)
        return base_fail(t->d, M_timebank_busy);
    if (rc != GOV_OK)
        return rc;
    k->rate_num = s->rate_num;
    k->rate_den = s->rate_den;
    rc = timebank_credit(t->bank, k->most, k->rate_num, k->rate_den, &k->amount, t->d);
    if (rc != GOV_OK)
        return rc;
    timebank_split(t->g, k->from_us, k->most, k->amount, parts, days);
    k->day = parts[0].day;
    k->month = parts[0].month;
    if (t->bank->donates)
        return GOV_OK;
    rc = timebank_room_for(t, k->volunteer, parts, *days, 0, true, &room);
    if (rc == GOV_OK && room.own < k->amount)
        return base_fail(t->d, M_timebank_over_cap, A_S("cap", room.cap), A_I("minutes", k->amount), A_I("left", room.own));
    return rc;
}

/* The fund adds to the pool what it lacks, as far as the rules back it. */
static gov_status back_pool(timebank_teller *t, int64_t pool, int64_t amount, ledger_transfer *events, size_t *n)
{
    ledger_account has, fund;
    int64_t fund_id, after;
    gov_status rc = timebank_figures(t, t->bank->book, TIMEBANK_POOL, &has);
    const int64_t lacks = amount - (timebank_balance_of(&has) - has.debits_pending);
    if (rc != GOV_OK || lacks <= 0)
        return rc;
    rc = timebank_figures(t, t->bank->book, TIMEBANK_FUND, &fund);
    if (rc != GOV_OK)
        return rc;
    if (!base_add(-timebank_balance_of(&fund), lacks, &after) || after > t->bank->backed)
        return base_fail(t->d, M_timebank_pool_short, A_I("minutes", amount));
    rc = timebank_own_account(t, TIMEBANK_FUND, &fund_id);
    return rc == GOV_OK ? timebank_transfer(t, TIMEBANK_BY_BACKING, fund_id, pool, lacks, &events[(*n)++]) : rc;
}

static gov_status reserve(timebank_teller *t, timebank_booking *k)
{
    ledger_transfer events[2];
    int64_t payer, payee, seconds = 0;
    size_t n = 0;
    const bool help = k->kind == TIMEBANK_HELP;
    const int64_t now = access_now(t->g), late = k->until_us > now ? k->until_us : now;
    gov_status rc = help ? timebank_own_account(t, TIMEBANK_POOL, &payer)
                         : timebank_account(t, k->recipient, TIMEBANK_MEMBER, &payer);
    if (rc == GOV_OK)
        rc = timebank_account(t, k->volunteer, TIMEBANK_MEMBER, &payee);
    if (rc == GOV_OK && help)
        rc = back_pool(t, payer, k->amount, events, &n);
    if (rc == GOV_OK)
        rc = timebank_transfer(t, help ? TIMEBANK_BY_HELP : TIMEBANK_BY_SERVICE, payer, payee, k->amount, &events[n]);
    if (rc != GOV_OK)
        return rc;
    seconds = (late - now) / BASE_US_PER_SECOND + t->bank->confirm_minutes * 60 + 1;
    if (seconds > UINT32_MAX)
        return base_fail(t->d, M_timebank_window);
    k->transfer = events[n].id;
    k->expires_us = now + seconds * BASE_US_PER_SECOND;
    events[n].flags |= GOV_TRANSFER_PENDING;
    events[n].timeout = (uint32_t)seconds;
    events[n].subject = k->id;
    const value_pair said[] = {{value_text("bank"), value_text(t->bank->name)},
                               {value_text("skill"), value_text(k->skill)},
                               {value_text("volunteer"), value_int(k->volunteer)},
                               {value_text("recipient"), value_int(k->recipient)},
                               {value_text("from"), value_from_us(k->from_us)},
                               {value_text("minutes"), value_int(k->minutes)},
                               {value_text("amount"), value_int(k->amount)}};
    const timebank_note note = {"booking", k->id, value_map(said, ARRAY_LEN(said))};
    return timebank_post(t, events, n + 1, &note);
}

/* So that whoever waits for it is told. */
static gov_status set_timer(timebank_teller *t, const timebank_booking *k)
{
    char name[48] = "timebank.expire:";
    const value_pair pair = {value_text("booking"), value_int(k->id)};
    (void)base_format_int(k->id, name + strlen(name));
    const case_timer timer = {.kind = CASE_TIMER_ROOM,
                              .name = name,
                              .due_us = k->expires_us,
                              .event = "timebank.expire",
                              .data = value_map(&pair, 1)};
    return case_schedule(t->g, &timer, t->d);
}

gov_status timebank_book(timebank_teller *t, const timebank_terms *terms, timebank_booking *out)
{
    *out = (timebank_booking){.book = t->bank->book,
                              .state = TIMEBANK_BOOKED,
                              .case_id = terms->case_id,
                              .effect = terms->effect};
    timebank_part parts[TIMEBANK_MOST_DAYS];
    size_t days = 0;
    gov_status rc = fill(t, terms, out);
    if (rc == GOV_OK)
        rc = check(t, out, parts, &days);
    if (rc == GOV_OK)
        rc = access_new_id(t->g, &out->id, t->d);
    if (rc == GOV_OK)
        rc = reserve(t, out);
    if (rc == GOV_OK)
        rc = timebank_insert_booking(t, out);
    if (rc == GOV_OK)
        rc = timebank_store_days(t, out, parts, days, true);
    if (rc == GOV_OK)
        rc = set_timer(t, out);
    if (rc == GOV_OK && out->request != 0)
        rc = timebank_set_notice(t, out->request, TIMEBANK_TAKEN);
    return rc;
}

/* ---- operations ---- */

enum {
    IN_BANK,
    IN_REQUEST,
    IN_OFFER,
    IN_VOLUNTEER,
    IN_RECIPIENT,
    IN_SKILL,
    IN_FROM,
    IN_MINUTES,
    IN_AT_MOST,
    IN_PLACE
};

/* The actor has to reach one of the two people. A resident books with whom has offered, or asked for, just this. */
static gov_status check_actor(timebank_teller *t, const timebank_booking *k)
{
    const int64_t who[] = {k->recipient, k->volunteer};
    const access_actor *actor = &t->g->actor;
    bool reaches;
    const gov_status rc = timebank_reaches(t->g, TIMEBANK_WRITE, who, 2, &reaches, t->d);
    if (rc == GOV_OK && !reaches)
        return access_deny(t->g, TIMEBANK_WRITE, t->d);
    if (rc == GOV_OK && actor->kind == ACCESS_RESIDENT &&
        ((actor->id != k->volunteer && k->offer == 0) || (actor->id != k->recipient && k->request == 0)))
        return base_fail(t->d, M_timebank_consent);
    return rc;
}

static gov_status book(gov *g, const value *in, bool pooled, value *out, const diag *d)
{
    timebank_teller t;
    timebank_booking k;
    timebank_terms terms = {.pooled = pooled,
                            .request = in[IN_REQUEST].kind == VALUE_INT ? in[IN_REQUEST].as.i : 0,
                            .offer = in[IN_OFFER].kind == VALUE_INT ? in[IN_OFFER].as.i : 0,
                            .volunteer = in[IN_VOLUNTEER].kind == VALUE_INT ? in[IN_VOLUNTEER].as.i : 0,
                            .recipient = in[IN_RECIPIENT].kind == VALUE_INT ? in[IN_RECIPIENT].as.i : 0};
    gov_status rc = timebank_open(g, in[IN_BANK], true, &t, d);
    if (rc == GOV_OK)
        rc = timebank_text(g, in[IN_SKILL], 64, &terms.skill, d);
    if (rc == GOV_OK)
        rc = timebank_minutes(in[IN_MINUTES], 1, &terms.minutes, d);
    if (rc == GOV_OK)
        rc = timebank_minutes(in[IN_AT_MOST], 1, &terms.most, d);
    if (rc == GOV_OK)
        rc = timebank_place(g, in[IN_PLACE], &terms.has_place, &terms.place, d);
    if (rc == GOV_OK && in[IN_FROM].kind != VALUE_ABSENT && !timebank_us(in[IN_FROM], &terms.from_us))
        rc = base_fail(d, M_timebank_window);
    if (rc == GOV_OK)
        rc = timebank_book(&t, &terms, &k);
    if (rc == GOV_OK)
        rc = check_actor(&t, &k);
    if (rc != GOV_OK)
        return rc;
    value_builder b;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(k.id));
    value_builder_set(&b, "minutes", value_int(k.minutes));
    value_builder_set(&b, "amount", value_int(k.amount));
    value_builder_set(&b, "paid_by", value_text(k.kind == TIMEBANK_HELP ? "pool" : "recipient"));
    value_builder_set(&b, "expires_at", value_from_us(k.expires_us));
    value_builder_set(&b, "transfer", value_int(k.transfer));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

TIMEBANK_RUN(timebank_run_book)
{
    return book(g, in, false, out, d);
}

TIMEBANK_RUN(timebank_run_draw)
{
    return book(g, in, true, out, d);
}
