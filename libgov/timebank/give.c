/* Minutes that move without a booking: gifts, the hours of groups, what is left behind by who leaves or dies. */
#include "timebank/timebank.h"

#include <string.h>

enum { MOST_VOLUNTEERS = 500 };

/* ---- to a person, or to the pool ---- */

typedef struct giving {
    int64_t from, to, minutes; /* to 0: the pool */
    uint32_t code;
    const rulebook_names *allowed;
    bool capped; /* what the receiver may not hold is refused, else it goes to the pool */
} giving;

static gov_status check_receiver(timebank_teller *t, const giving *v)
{
    bool is;
    if (v->to == 0)
        return rulebook_has_name(v->allowed, "pool") ? GOV_OK : base_fail(t->d, M_timebank_whom);
    if (v->to == v->from)
        return base_fail(t->d, M_timebank_same_person);
    gov_status rc = timebank_check_active(t, v->to);
    if (rc == GOV_OK)
        rc = timebank_related(t, v->allowed, v->from, v->to, &is);
    return rc == GOV_OK && !is ? base_fail(t->d, M_timebank_whom) : rc;
}

/* What the total cap leaves the receiver; the rest is the pool's. */
static gov_status share(timebank_teller *t, const giving *v, int64_t *theirs)
{
    ledger_account a;
    *theirs = v->to != 0 ? v->minutes : 0;
    if (v->to == 0 || t->bank->cap_total == TIMEBANK_NO_LIMIT)
        return GOV_OK;
    const gov_status rc = timebank_figures(t, v->to, TIMEBANK_MEMBER, &a);
    const int64_t has = timebank_balance_of(&a), left = t->bank->cap_total > has ? t->bank->cap_total - has : 0;
    if (rc != GOV_OK || left >= v->minutes)
        return rc;
    if (v->capped || !t->bank->has_pool)
        return base_fail(t->d, M_timebank_over_cap, A_S("cap", "total"), A_I("minutes", v->minutes), A_I("left", left));
    *theirs = left;
    return GOV_OK;
}

/* How far an account may go below zero is for being served: what is given away has been earned. */
static gov_status check_gift(timebank_teller *t, const giving *v)
{
    return v->code == TIMEBANK_BY_GIFT ? timebank_check_has(t, v->from, v->minutes) : GOV_OK;
}

static gov_status give(timebank_teller *t, const giving *v, value *out)
{
    ledger_transfer events[2];
    int64_t from, to, theirs = 0;
    size_t n = 0;
    gov_status rc = check_receiver(t, v);
    if (rc == GOV_OK)
        rc = check_gift(t, v);
    if (rc == GOV_OK)
        rc = share(t, v, &theirs);
    if (rc == GOV_OK)
        rc = timebank_account(t, v->from, TIMEBANK_MEMBER, &from);
    if (rc == GOV_OK && theirs > 0) {
        rc = timebank_account(t, v->to, TIMEBANK_MEMBER, &to);
        if (rc == GOV_OK)
            rc = timebank_transfer(t, v->code, from, to, theirs, &events[n++]);
    }
    if (rc == GOV_OK && theirs < v->minutes) {
        rc = timebank_own_account(t, TIMEBANK_POOL, &to);
        if (rc == GOV_OK)
            rc = timebank_transfer(t, v->code, from, to, v->minutes - theirs, &events[n++]);
    }
    const value_pair said[] = {{value_text("minutes"), value_int(v->minutes)},
                               {value_text("to"), v->to != 0 ? value_int(v->to) : value_text("pool")},
                               {value_text("pool"), value_int(v->minutes - theirs)}};
    const timebank_note note = {GOV_KIND_RESIDENT, v->from, value_map(said, ARRAY_LEN(said))};
    if (rc == GOV_OK && n > 0)
        rc = timebank_post(t, events, n, &note);
    const timebank_member by = {.resident = v->from, .donated = v->to == 0 ? v->minutes : 0};
    if (rc == GOV_OK && by.donated > 0 && v->code == TIMEBANK_BY_GIFT)
        rc = timebank_change_member(t, &by);
    if (rc != GOV_OK)
        return rc;
    value_builder b;
    value_builder_init(&b, &t->g->scratch);
    value_builder_set(&b, "minutes", value_int(v->minutes));
    value_builder_set(&b, "received", value_int(theirs));
    value_builder_set(&b, "pool", value_int(v->minutes - theirs));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(t->d) : GOV_OK;
}

TIMEBANK_RUN(timebank_run_gift)
{
    timebank_teller t;
    giving v = {.from = in[1].as.i, .to = in[2].kind == VALUE_INT ? in[2].as.i : 0, .code = TIMEBANK_BY_GIFT, .capped = true};
    const bool pool = in[3].kind == VALUE_BOOL && in[3].as.b;
    gov_status rc = timebank_open(g, in[0], true, &t, d);
    if (rc == GOV_OK && pool == (v.to != 0))
        return base_fail(d, M_timebank_incomplete);
    if (rc == GOV_OK)
        rc = timebank_minutes(in[4], 1, &v.minutes, d);
    if (rc == GOV_OK)
        rc = timebank_check_active(&t, v.from);
    if (rc != GOV_OK)
        return rc;
    v.allowed = &t.bank->gift_to;
    return give(&t, &v, out);
}

/* ---- groups ---- */

/* {resident, minutes} or a key alone. */
static gov_status read_volunteer(timebank_teller *t, value item, int64_t otherwise, int64_t *resident, int64_t *minutes)
{
    const value key = item.kind == VALUE_MAP ? value_get_text(item, "resident") : item;
    const value own = value_get_text(item, "minutes");
    char text[129] = "";
    *minutes = otherwise;
    if (key.kind != VALUE_STRING || key.len >= sizeof text)
        return base_fail(t->d, M_timebank_incomplete);
    memcpy(text, key.as.s, key.len);
    gov_status rc = registry_find(t->g, GOV_KIND_RESIDENT, key.as.s, key.len, resident, t->d);
    if (rc == GOV_OK)
        rc = registry_check_scope(t->g, TIMEBANK_RULE, *resident, GOV_KIND_RESIDENT, text, t->d);
    if (rc == GOV_OK)
        rc = timebank_minutes(own, 1, minutes, t->d);
    return rc == GOV_OK && *minutes < 1 ? base_fail(t->d, M_timebank_minutes, A_I("minutes", *minutes)) : rc;
}

typedef struct activity {
    const timebank_skill *skill;
    const char *name;
    int64_t id, from_us, issuer, pool;
    bool donated, timed;
    int64_t *residents; /* who has been credited */
    size_t resident_count;
    ledger_transfer *events;
    size_t count;
    value_builder rows;
} activity;

/* The caps are judged by what stands in the ledger, which has nothing of this activity yet: so nobody stands in it twice. */
static gov_status check_once(timebank_teller *t, activity *a, int64_t resident)
{
    const char *key, *name;
    for (size_t i = 0; i < a->resident_count; i++) {
        if (a->residents[i] != resident)
            continue;
        const gov_status rc = registry_label(t->g, resident, &key, &name, t->d);
        return rc == GOV_OK ? base_fail(t->d, M_timebank_twice, A_S("volunteer", key)) : rc;
    }
    a->residents[a->resident_count++] = resident;
    return GOV_OK;
}

static gov_status credit_one(timebank_teller *t, activity *a, int64_t resident, int64_t minutes)
{
    const timebank_bank *b = t->bank;
    timebank_booking k = {.book = b->book, .kind = TIMEBANK_GROUP, .state = TIMEBANK_SETTLED, .volunteer = resident,
                          .skill = a->skill->name, .activity = a->name, .from_us = a->from_us, .minutes = minutes,
                          .most = minutes, .served = minutes, .rate_num = a->skill->rate_num,
                          .rate_den = a->skill->rate_den, .offer = a->id, .confirmed_us = access_now(t->g),
                          .confirmed_by = access_actor_id(t->g)};
    timebank_room room = {0};
    timebank_part parts[TIMEBANK_MOST_DAYS] = {{0}};
    size_t days = 0;
    const char *why;
    int64_t account;
    gov_status rc = timebank_fit(t, resident, a->skill, &why);
    if (rc == GOV_OK && why != NULL)
        return base_fail(t->d, M_timebank_may_not_serve);
    if (rc == GOV_OK && minutes > TIMEBANK_LONGEST)
        return base_fail(t->d, M_timebank_minutes, A_I("minutes", minutes));
    if (rc == GOV_OK)
        rc = timebank_credit(b, minutes, k.rate_num, k.rate_den, &k.amount, t->d);
    k.until_us = k.from_us + minutes * 60 * BASE_US_PER_SECOND;
    if (rc == GOV_OK) /* whose time is not known counts on the day on which it is written down */
        timebank_split(t->g, k.from_us, a->timed ? minutes : 0, k.amount, parts, &days);
    k.day = parts[0].day;
    k.month = parts[0].month;
    if (rc == GOV_OK && !a->donated)
        rc = timebank_room_for(t, resident, parts, days, 0, true, &room);
    if (rc == GOV_OK && !a->donated && room.own < k.amount && !b->donates)
        return base_fail(t->d, M_timebank_over_cap, A_S("cap", room.cap), A_I("minutes", k.amount), A_I("left", room.own));
    k.own = room.own;
    k.donated = k.amount - k.own;
    if (rc == GOV_OK)
        rc = access_new_id(t->g, &k.id, t->d);
    if (rc == GOV_OK && k.own > 0)
        rc = timebank_account(t, resident, TIMEBANK_MEMBER, &account);
    if (rc == GOV_OK && k.own > 0) {
        rc = timebank_transfer(t, TIMEBANK_BY_GROUP, a->issuer, account, k.own, &a->events[a->count]);
        a->events[a->count++].subject = k.id;
    }
    if (rc == GOV_OK && k.donated > 0) {
        rc = timebank_transfer(t, TIMEBANK_BY_GROUP, a->issuer, a->pool, k.donated, &a->events[a->count]);
        a->events[a->count++].subject = k.id;
    }
    if (rc == GOV_OK)
        rc = timebank_insert_booking(t, &k);
    if (rc == GOV_OK && !a->donated)
        rc = timebank_store_days(t, &k, parts, days, true);
    const timebank_member by = {
        .resident = resident, .served = minutes, .donated = k.donated, .services = 1, .last_us = k.from_us};
    if (rc == GOV_OK)
        rc = timebank_change_member(t, &by);
    value_builder row;
    const char *key, *name;
    value_builder_init(&row, &t->g->scratch);
    if (rc == GOV_OK)
        rc = registry_label(t->g, resident, &key, &name, t->d);
    if (rc != GOV_OK)
        return rc;
    value_builder_set_copy(&row, "resident", key);
    value_builder_set(&row, "minutes", value_int(minutes));
    value_builder_set(&row, "own", value_int(k.own));
    value_builder_set(&row, "donated", value_int(k.donated));
    a->rows.failed = a->rows.failed || row.failed;
    value_builder_add(&a->rows, value_builder_map(&row));
    return GOV_OK;
}

enum { IN_BANK, IN_ACTIVITY, IN_SKILL, IN_FROM, IN_VOLUNTEERS, IN_MINUTES, IN_DONATED };

static gov_status prepare(timebank_teller *t, const value *in, activity *a)
{
    const char *skill = NULL;
    gov_status rc = timebank_text(t->g, in[IN_ACTIVITY], 200, &a->name, t->d);
    if (rc == GOV_OK)
        rc = timebank_text(t->g, in[IN_SKILL], 64, &skill, t->d);
    if (rc == GOV_OK && (skill == NULL || a->name == NULL))
        return base_fail(t->d, M_timebank_incomplete);
    if (rc == GOV_OK)
        rc = timebank_find_skill(t->bank, skill, &a->skill, t->d);
    a->from_us = access_now(t->g);
    a->timed = in[IN_FROM].kind != VALUE_ABSENT;
    if (rc == GOV_OK && in[IN_FROM].kind != VALUE_ABSENT && (!timebank_us(in[IN_FROM], &a->from_us) || a->from_us <= 0 ||
                                                             a->from_us > access_now(t->g)))
        return base_fail(t->d, M_timebank_window);
    a->donated = t->bank->group_donated || (in[IN_DONATED].kind == VALUE_BOOL && in[IN_DONATED].as.b);
    if (a->donated && !t->bank->has_pool)
        return base_fail(t->d, M_timebank_no_pool);
    const size_t n = in[IN_VOLUNTEERS].len;
    if (n < 1 || n > MOST_VOLUNTEERS)
        return base_fail(t->d, M_too_large, A_S("what", "volunteers"), A_I("limit", MOST_VOLUNTEERS));
    a->events = base_arena_array(&t->g->scratch, 2 * n, sizeof *a->events);
    a->residents = base_arena_array(&t->g->scratch, n, sizeof *a->residents);
    if (a->events == NULL || a->residents == NULL)
        return base_nomem(t->d);
    if (rc == GOV_OK)
        rc = timebank_own_account(t, TIMEBANK_ISSUER, &a->issuer);
    if (rc == GOV_OK && t->bank->has_pool)
        rc = timebank_own_account(t, TIMEBANK_POOL, &a->pool);
    value_builder_init(&a->rows, &t->g->scratch);
    return rc == GOV_OK ? access_new_id(t->g, &a->id, t->d) : rc;
}

TIMEBANK_RUN(timebank_run_group)
{
    timebank_teller t;
    activity a = {0};
    value_builder b;
    int64_t otherwise = 0;
    gov_status rc = timebank_open(g, in[IN_BANK], true, &t, d);
    if (rc == GOV_OK)
        rc = prepare(&t, in, &a);
    if (rc == GOV_OK)
        rc = timebank_minutes(in[IN_MINUTES], 1, &otherwise, d);
    for (size_t i = 0; rc == GOV_OK && i < in[IN_VOLUNTEERS].len; i++) {
        int64_t resident, minutes;
        rc = read_volunteer(&t, in[IN_VOLUNTEERS].as.items[i], otherwise, &resident, &minutes);
        if (rc == GOV_OK)
            rc = check_once(&t, &a, resident);
        if (rc == GOV_OK)
            rc = credit_one(&t, &a, resident, minutes);
    }
    const value_pair said[] = {{value_text("activity"), value_text(a.name)},
                               {value_text("rows"), value_builder_list(&a.rows)}};
    const timebank_note note = {"activity", a.id, value_map(said, 2)};
    if (rc == GOV_OK && a.count > 0)
        rc = timebank_post(&t, a.events, a.count, &note);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(a.id));
    value_builder_set(&b, "volunteers", value_builder_list(&a.rows));
    *out = value_builder_map(&b);
    return b.failed || a.rows.failed ? base_nomem(d) : GOV_OK;
}

/* ---- leaving, death, inheritance ---- */

static gov_status withdraw_all(timebank_teller *t, int64_t resident)
{
    static const store_sql list = {
        "SELECT id FROM gov_timebank_notice WHERE community = $1 AND book = $2 AND resident = $3 "
        "AND state = 0 ORDER BY id",
        0};
    static const store_sql sql = {"UPDATE gov_timebank_notice SET state = 1 WHERE community = $1 AND book = $2 AND resident = $3 "
                                  "AND state = 0",
                                  0};
    store_rows rows;
    gov_status rc =
        store_query(t->g->store, &list,
                    STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_i(resident)),
                    &rows, t->d);
    while (rc == GOV_OK && (rc = store_next(&rows, t->d)) == GOV_OK)
        rc = access_keep(t->g, rc, &timebank_kept_notice, store_int(&rows, 0), 0, 0, t->d);
    store_rows_close(&rows);
    if (rc != GOV_END)
        return rc;
    return store_post(t->g->store, &sql,
                      STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_i(resident)), STORE_ANY_ROWS, t->d);
}

/* Reserved: what a booking or a peer has not answered for yet. */
static gov_status balance_of(timebank_teller *t, int64_t resident, int64_t *balance, int64_t *reserved)
{
    ledger_account a;
    const gov_status rc = timebank_figures(t, resident, TIMEBANK_MEMBER, &a);
    *balance = timebank_balance_of(&a);
    *reserved = a.debits_pending;
    return rc;
}

static gov_status end_membership(timebank_teller *t, int64_t resident, timebank_standing how, const char *kind, value data)
{
    const timebank_member by = {.resident = resident, .standing = (int32_t)how};
    const timebank_note note = {GOV_KIND_RESIDENT, resident, data};
    gov_status rc = withdraw_all(t, resident);
    if (rc == GOV_OK)
        rc = timebank_change_member(t, &by);
    return rc == GOV_OK ? timebank_record(t, kind, &note) : rc;
}

TIMEBANK_RUN(timebank_run_leave)
{
    timebank_teller t;
    int64_t open = 0, reserved = 0;
    giving v = {.from = in[1].as.i, .to = in[2].kind == VALUE_INT ? in[2].as.i : 0, .code = TIMEBANK_BY_LEAVING};
    gov_status rc = timebank_open(g, in[0], true, &t, d);
    if (rc == GOV_OK)
        rc = timebank_check_active(&t, v.from);
    if (rc == GOV_OK)
        rc = timebank_count_open(&t, v.from, &open);
    if (rc == GOV_OK)
        rc = balance_of(&t, v.from, &v.minutes, &reserved);
    if (rc == GOV_OK && (open > 0 || reserved > 0))
        return base_fail(d, M_timebank_open_bookings, A_I("count", open > 0 ? open : 1));
    if (rc == GOV_OK && v.minutes < 0)
        return base_fail(d, M_timebank_owes, A_I("minutes", -v.minutes));
    if (rc != GOV_OK)
        return rc;
    v.allowed = &t.bank->leave_to;
    *out = value_map(NULL, 0);
    if (v.minutes > 0)
        rc = give(&t, &v, out);
    const value_pair said[] = {{value_text("minutes"), value_int(v.minutes)}};
    return rc == GOV_OK ? end_membership(&t, v.from, TIMEBANK_LEFT, "time_left", value_map(said, 1)) : rc;
}

TIMEBANK_RUN(timebank_run_death)
{
    timebank_teller t;
    int64_t minutes = 0, reserved;
    value_builder b;
    gov_status rc = timebank_open(g, in[0], true, &t, d);
    if (rc == GOV_OK)
        rc = timebank_check_active(&t, in[1].as.i);
    if (rc == GOV_OK)
        rc = timebank_end_all(&t, in[1].as.i);
    if (rc == GOV_OK)
        rc = balance_of(&t, in[1].as.i, &minutes, &reserved);
    const value_pair said[] = {{value_text("frozen"), value_int(minutes)}};
    if (rc == GOV_OK)
        rc = end_membership(&t, in[1].as.i, TIMEBANK_DEAD, "time_frozen", value_map(said, 1));
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "frozen", value_int(minutes));
    *out = value_builder_map(&b);
    return rc == GOV_OK && b.failed ? base_nomem(d) : rc;
}

TIMEBANK_RUN(timebank_run_inherit)
{
    timebank_teller t;
    timebank_member m;
    int64_t reserved = 0;
    giving v = {.from = in[1].as.i, .to = in[2].kind == VALUE_INT ? in[2].as.i : 0, .code = TIMEBANK_BY_INHERITANCE};
    gov_status rc = timebank_open(g, in[0], true, &t, d);
    if (rc == GOV_OK)
        rc = timebank_load_member(&t, v.from, &m);
    if (rc == GOV_OK && m.standing != TIMEBANK_DEAD)
        return base_fail(d, M_timebank_alive);
    if (rc == GOV_OK)
        rc = balance_of(&t, v.from, &v.minutes, &reserved);
    v.minutes -= reserved; /* what is on its way to a peer may come back, and be inherited then */
    if (rc == GOV_OK && v.minutes <= 0)
        return base_fail(d, M_timebank_not_enough, A_I("minutes", 1));
    if (rc != GOV_OK)
        return rc;
    v.allowed = &t.bank->heirs;
    return give(&t, &v, out);
}
