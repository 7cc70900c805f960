/* Who could help with a request, the best first, and why in that order.
 *
 * Whoever lacks the skill, the permission, the time or the reach is left out, with the reason. Each other one gets parts of 0 to 1000:
 *   time      how much of the window of the request lies in that of the offer
 *   distance  1000 next door, 0 as far as the volunteer goes; 500 where a place is not known
 *   rating    the mean of the stars, 600 before the first one
 *   fairness  who served last least recently: a tenth of it for each 9 days, 1000 for who never did
 * The score is their mean by the bank's weights; equal ones go by who has waited longer, then by the offer. Integers throughout. */
#include "timebank/timebank.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_OFFERS = 500, FULL = 1000, NO_RATING = 600, NO_PLACE = 500, FAIR_DAYS = 90 };

typedef struct candidate {
    timebank_notice offer;
    timebank_member member;
    const char *why; /* left out; NULL: fit */
    int64_t overlap_min, window_min, distance_m, reach_m, idle_days; /* -1: not known */
    int64_t time, distance, rating, fairness, score;
} candidate;

/* ---- the offers ---- */

static gov_status load_offers(timebank_teller *t, const timebank_notice *r, candidate *all, size_t *count)
{
    static const store_sql sql = {"SELECT id FROM gov_timebank_notice WHERE community = $1 AND book = $2 AND kind = 0 AND state = 0 "
                                  "AND skill = $3 AND until_us > $4 AND from_us < $5 ORDER BY id LIMIT $6",
                                  0};
    int64_t *ids = base_arena_array(&t->g->scratch, MOST_OFFERS, sizeof *ids);
    store_rows rows;
    size_t n = 0;
    *count = 0;
    if (ids == NULL)
        return base_nomem(t->d);
    gov_status rc = store_query(t->g->store, &sql,
                                STORE_ARGS(store_i(t->g->community), store_i(r->book), store_s(r->skill),
                                           store_i(r->from_us), store_i(r->until_us), store_i(MOST_OFFERS)),
                                &rows, t->d);
    while (rc == GOV_OK && n < MOST_OFFERS && (rc = store_next(&rows, t->d)) == GOV_OK)
        ids[n++] = store_int(&rows, 0);
    store_rows_close(&rows);
    rc = rc == GOV_END ? GOV_OK : rc;
    for (; *count < n && rc == GOV_OK; (*count)++)
        rc = timebank_load_notice(t->g, ids[*count], TIMEBANK_OFFER, &all[*count].offer, t->d);
    return rc;
}

/* ---- one of them ---- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void weigh(const timebank_teller *t, candidate *c)
{
    const timebank_weights *w = &t->bank->weights;
    const int64_t sum = w->time + w->distance + w->rating + w->fairness;
    const timebank_member *m = &c->member;
    c->time = c->window_min > 0 ? c->overlap_min * FULL / c->window_min : FULL;
    c->distance = c->distance_m < 0 ? NO_PLACE : (c->reach_m - c->distance_m) * FULL / later(c->reach_m, 1);
    c->rating = m->ratings > 0 ? m->stars * FULL / (5 * m->ratings) : NO_RATING;
    c->fairness = c->idle_days < 0 ? FULL : earlier(c->idle_days, FAIR_DAYS) * FULL / FAIR_DAYS;
    c->score = sum > 0 ? (w->time * c->time + w->distance * c->distance + w->rating * c->rating + w->fairness * c->fairness) / sum
                       : 0;
}

static gov_status see_caps(timebank_teller *t, const timebank_notice *r, int64_t volunteer, int64_t from_us, const timebank_skill *s,
                           const char **why)
{
    timebank_part parts[TIMEBANK_MOST_DAYS];
    timebank_room room;
    int64_t amount;
    size_t days;
    gov_status rc = timebank_credit(t->bank, r->minutes, s->rate_num, s->rate_den, &amount, t->d);
    if (rc != GOV_OK)
        return rc;
    timebank_split(t->g, from_us, r->minutes, amount, parts, &days);
    rc = timebank_room_for(t, volunteer, parts, days, 0, true, &room);
    if (rc == GOV_OK && room.own < amount)
        *why = "cap";
    return rc;
}

/* Whether the whole of the common time is taken already is asked when it is booked; here, whether its beginning is. */
static gov_status look_at(timebank_teller *t, const timebank_notice *r, const timebank_skill *s, candidate *c)
{
    const timebank_notice *o = &c->offer;
    const int64_t minute = 60 * BASE_US_PER_SECOND, from = later(r->from_us, o->from_us);
    const int64_t idle = access_now(t->g);
    bool taken = false;
    c->window_min = (r->until_us - r->from_us) / minute;
    c->overlap_min = (earlier(r->until_us, o->until_us) - from) / minute;
    c->reach_m = o->radius_m >= 0 ? o->radius_m : t->bank->reach_m;
    c->distance_m = o->has_place && r->has_place ? geo_distance_m(o->place, r->place) : -1;
    if (o->resident == r->resident)
        c->why = "same_person";
    else if (c->overlap_min < r->minutes)
        c->why = "time";
    else if (c->distance_m > c->reach_m)
        c->why = "distance";
    if (c->why != NULL)
        return GOV_OK;
    gov_status rc = timebank_fit(t, o->resident, s, &c->why);
    if (rc == GOV_OK && c->why == NULL)
        rc = timebank_busy(t, o->resident, from, from + r->minutes * minute, &taken);
    if (rc == GOV_OK && c->why == NULL && taken)
        c->why = "booked";
    if (rc == GOV_OK && c->why == NULL && !t->bank->donates)
        rc = see_caps(t, r, o->resident, from, s, &c->why);
    if (rc == GOV_OK)
        rc = timebank_load_member(t, o->resident, &c->member);
    c->idle_days = c->member.last_us == 0 ? -1 : later(0, idle - c->member.last_us) / BASE_US_PER_DAY;
    if (rc == GOV_OK && c->why == NULL)
        weigh(t, c);
    return rc;
}

static int in_order(const void *left, const void *right)
{
    const candidate *a = left, *b = right;
    if ((a->why != NULL) != (b->why != NULL))
        return a->why != NULL ? 1 : -1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->member.last_us != b->member.last_us)
        return a->member.last_us < b->member.last_us ? -1 : 1;
    return a->offer.id < b->offer.id ? -1 : a->offer.id > b->offer.id;
}

/* ---- telling ---- */

static value known(int64_t n)
{
    return n < 0 ? value_null() : value_int(n);
}

static value part(base_arena *arena, int64_t score, int64_t weight, const char *a, value av, const char *b, value bv)
{
    value_builder p;
    value_builder_init(&p, arena);
    value_builder_set(&p, "score", value_int(score));
    value_builder_set(&p, "weight", value_int(weight));
    value_builder_set(&p, a, av);
    value_builder_set(&p, b, bv);
    return p.failed ? value_absent() : value_builder_map(&p);
}

static gov_status tell(timebank_teller *t, const candidate *c, value_builder *list)
{
    base_arena *arena = &t->g->scratch;
    const timebank_weights *w = &t->bank->weights;
    value_builder b, parts;
    value who;
    const gov_status rc = timebank_person(t->g, c->offer.resident, &who, t->d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, arena);
    value_builder_init(&parts, arena);
    value_builder_set(&b, "offer", value_int(c->offer.id));
    value_builder_set(&b, "volunteer", who);
    if (c->why != NULL) {
        value_builder_set(&b, "why", value_text(c->why));
    } else {
        value_builder_set(&b, "score", value_int(c->score));
        value_builder_set(&parts, "skill", value_text(c->offer.skill));
        value_builder_set(&parts, "time",
                          part(arena, c->time, w->time, "overlap", value_int(c->overlap_min), "of", value_int(c->window_min)));
        value_builder_set(&parts, "distance",
                          part(arena, c->distance, w->distance, "metres", known(c->distance_m), "reach", value_int(c->reach_m)));
        value_builder_set(&parts, "rating",
                          part(arena, c->rating, w->rating, "stars", value_int(c->member.stars), "ratings",
                               value_int(c->member.ratings)));
        value_builder_set(&parts, "fairness",
                          part(arena, c->fairness, w->fairness, "days_since", known(c->idle_days), "served",
                               value_int(c->member.served)));
        value_builder_set(&b, "parts", value_builder_map(&parts));
    }
    if (b.failed || parts.failed)
        return base_nomem(t->d);
    value_builder_add(list, value_builder_map(&b));
    return list->failed ? base_nomem(t->d) : GOV_OK;
}

TIMEBANK_RUN(timebank_run_match)
{
    timebank_notice r;
    timebank_teller t;
    const timebank_skill *s;
    value_builder fit, unfit, answer;
    bool reaches;
    size_t count = 0, most = in[1].kind == VALUE_INT && in[1].as.i > 0 && in[1].as.i < MOST_OFFERS ? (size_t)in[1].as.i : 20;
    candidate *all = base_arena_array(&g->scratch, MOST_OFFERS, sizeof *all);
    if (all == NULL)
        return base_nomem(d);
    gov_status rc = timebank_load_notice(g, in[0].as.i, TIMEBANK_REQUEST, &r, d);
    if (rc == GOV_OK)
        rc = timebank_reaches(g, TIMEBANK_READ, &r.resident, 1, &reaches, d);
    if (rc == GOV_OK && !reaches)
        return base_fail(d, M_timebank_no_notice, A_I("id", r.id));
    if (rc == GOV_OK)
        rc = timebank_open_book(g, r.book, false, &t, d);
    if (rc == GOV_OK)
        rc = timebank_find_skill(t.bank, r.skill, &s, d);
    if (rc == GOV_OK)
        rc = load_offers(&t, &r, all, &count);
    for (size_t i = 0; i < count && rc == GOV_OK; i++)
        rc = look_at(&t, &r, s, &all[i]);
    if (rc != GOV_OK)
        return rc;
    qsort(all, count, sizeof *all, in_order);
    value_builder_init(&fit, &g->scratch);
    value_builder_init(&unfit, &g->scratch);
    value_builder_init(&answer, &g->scratch);
    for (size_t i = 0; i < count && rc == GOV_OK; i++) {
        value_builder *list = all[i].why == NULL ? &fit : &unfit;
        if (list->len < most)
            rc = tell(&t, &all[i], list);
    }
    value_builder_set(&answer, "matches", value_builder_list(&fit));
    if (g->actor.kind != ACCESS_RESIDENT) /* why others cannot is not a neighbour's business */
        value_builder_set(&answer, "left_out", value_builder_list(&unfit));
    *out = value_builder_map(&answer);
    return rc == GOV_OK && answer.failed ? base_nomem(d) : rc;
}
