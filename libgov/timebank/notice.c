/* Offers and requests: who could serve, who asks for help, when and where. */
#include "timebank/timebank.h"

#include <string.h>

enum { MOST_NOTE = 1000, MOST_RADIUS = 100000 };

/* ---- rows ---- */

static gov_status read_notice(gov *g, store_rows *rows, timebank_notice *out, const diag *d)
{
    size_t skill_len, note_len;
    const char *skill = store_text(rows, 6, &skill_len), *note = store_text(rows, 13, &note_len);
    *out = (timebank_notice){.id = store_int(rows, 0),
                             .book = (uint32_t)store_int(rows, 1),
                             .kind = (int32_t)store_int(rows, 2),
                             .state = (int32_t)store_int(rows, 3),
                             .resident = store_int(rows, 4),
                             .pooled = store_int(rows, 5) != 0,
                             .skill = base_arena_strndup(&g->scratch, skill, skill_len),
                             .note = base_arena_strndup(&g->scratch, note, note_len),
                             .from_us = store_int(rows, 7),
                             .until_us = store_int(rows, 8),
                             .minutes = store_int(rows, 9),
                             .has_place = !store_is_null(rows, 10),
                             .place = {store_int(rows, 10), store_int(rows, 11)},
                             .radius_m = store_is_null(rows, 12) ? -1 : store_int(rows, 12)};
    return out->skill != NULL && out->note != NULL ? GOV_OK : base_nomem(d);
}

gov_status timebank_load_notice(gov *g, int64_t id, int32_t kind, timebank_notice *out, const diag *d)
{
    static const store_sql sql = {"SELECT id, book, kind, state, resident, pooled, skill, from_us, until_us, minutes, lat, lon, "
                                  "radius_m, note FROM gov_timebank_notice WHERE community = $1 AND id = $2",
                                  0};
    store_rows rows;
    gov_status rc = store_first(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    if (rc == GOV_OK) {
        rc = read_notice(g, &rows, out, d);
        store_rows_close(&rows);
    }
    if (rc == GOV_END || (rc == GOV_OK && kind >= 0 && out->kind != kind))
        return base_fail(d, M_timebank_no_notice, A_I("id", id));
    return rc;
}

gov_status timebank_set_notice(timebank_teller *t, int64_t id, int32_t state)
{
    static const store_sql sql = {"UPDATE gov_timebank_notice SET state = $3 WHERE community = $1 AND id = $2", 0};
    return access_keep(t->g,
                       store_post(t->g->store, &sql,
                                  STORE_ARGS(store_i(t->g->community), store_i(id), store_i(state)),
                                  1, t->d),
                       &timebank_kept_notice, id, 0, 0, t->d);
}

static gov_status insert(timebank_teller *t, timebank_notice *n)
{
    static const store_sql sql = {
        "INSERT INTO gov_timebank_notice (community, id, book, kind, state, resident, pooled, skill, from_us, until_us, minutes, "
        "lat, lon, radius_m, note, at_us) VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        0};
    const gov_status rc = access_new_id(t->g, &n->id, t->d);
    if (rc != GOV_OK)
        return rc;
    return access_keep(
        t->g,
        store_post(t->g->store, &sql,
                   STORE_ARGS(store_i(t->g->community), store_i(n->id), store_i(n->book),
                              store_i(n->kind), store_i(n->resident), store_flag(n->pooled),
                              store_s(n->skill), store_i(n->from_us), store_i(n->until_us),
                              store_i(n->minutes),
                              n->has_place ? store_i(n->place.lat) : store_n(STORE_INT),
                              n->has_place ? store_i(n->place.lon) : store_n(STORE_INT),
                              n->radius_m >= 0 ? store_i(n->radius_m) : store_n(STORE_INT),
                              store_s(n->note), store_i(access_now(t->g))),
                   1, t->d),
        &timebank_kept_notice, n->id, 0, 0, t->d);
}

/* ---- who may ---- */

gov_status timebank_fit(timebank_teller *t, int64_t volunteer, const timebank_skill *s, const char **why)
{
    bool holds;
    timebank_member m;
    *why = NULL;
    gov_status rc = timebank_load_member(t, volunteer, &m);
    if (rc == GOV_OK && m.standing != TIMEBANK_ACTIVE) {
        *why = "no_member";
        return GOV_OK;
    }
    if (rc == GOV_OK)
        rc = timebank_holds(t, t->bank->may_serve, volunteer, &holds);
    if (rc == GOV_OK && !holds) {
        *why = "may_not_serve";
        return GOV_OK;
    }
    if (rc == GOV_OK)
        rc = timebank_holds(t, s->needs, volunteer, &holds);
    if (rc == GOV_OK && !holds)
        *why = "skill";
    return rc;
}

static gov_status check_may(timebank_teller *t, const timebank_notice *n, const timebank_skill *s)
{
    const char *why = NULL;
    bool holds = true;
    gov_status rc = timebank_check_active(t, n->resident);
    if (rc == GOV_OK && n->kind == TIMEBANK_OFFER)
        rc = timebank_fit(t, n->resident, s, &why);
    if (rc != GOV_OK || n->kind == TIMEBANK_OFFER) {
        if (rc != GOV_OK || why == NULL)
            return rc;
        return strcmp(why, "skill") == 0 ? base_fail(t->d, M_timebank_not_qualified, A_S("skill", s->name))
                                         : base_fail(t->d, M_timebank_may_not_serve);
    }
    if (n->pooled && t->bank->draw_when == NULL)
        return base_fail(t->d, M_timebank_no_draw);
    if (n->pooled)
        rc = timebank_holds(t, t->bank->draw_when, n->resident, &holds);
    return rc == GOV_OK && !holds ? base_fail(t->d, M_timebank_no_draw) : rc;
}

/* ---- operations ---- */

enum { IN_BANK, IN_RESIDENT, IN_SKILL, IN_FROM, IN_UNTIL, IN_MINUTES, IN_PLACE, IN_RADIUS, IN_NOTE, IN_POOL };

static gov_status read_terms(timebank_teller *t, const value *in, timebank_notice *n)
{
    const diag *d = t->d;
    n->resident = in[IN_RESIDENT].as.i;
    n->book = t->bank->book;
    n->radius_m = -1;
    if (!timebank_us(in[IN_FROM], &n->from_us) || !timebank_us(in[IN_UNTIL], &n->until_us) ||
        n->until_us <= n->from_us || n->from_us < 0)
        return base_fail(d, M_timebank_window);
    gov_status rc = timebank_text(t->g, in[IN_SKILL], 64, &n->skill, d);
    if (rc == GOV_OK)
        rc = timebank_text(t->g, in[IN_NOTE], MOST_NOTE, &n->note, d);
    if (rc == GOV_OK)
        rc = timebank_minutes(in[IN_MINUTES], 1, &n->minutes, d);
    if (rc == GOV_OK)
        rc = timebank_place(t->g, in[IN_PLACE], &n->has_place, &n->place, d);
    if (rc != GOV_OK)
        return rc;
    if (n->kind == TIMEBANK_REQUEST && n->minutes == 0)
        n->minutes = (n->until_us - n->from_us) / (60 * BASE_US_PER_SECOND);
    if (n->minutes > (n->until_us - n->from_us) / (60 * BASE_US_PER_SECOND) || (n->kind == TIMEBANK_REQUEST && n->minutes < 1))
        return base_fail(d, M_timebank_window);
    const int64_t begin = n->from_us > access_now(t->g) ? n->from_us : access_now(t->g);
    if (n->until_us <= begin || n->minutes > (n->until_us - begin) / (60 * BASE_US_PER_SECOND))
        return base_fail(d, M_timebank_past);
    if (in[IN_RADIUS].kind == VALUE_INT)
        n->radius_m = in[IN_RADIUS].as.i;
    if (n->radius_m < -1 || n->radius_m > MOST_RADIUS)
        return base_fail(d, M_overflow, A_S("what", "radius"));
    n->pooled = n->kind == TIMEBANK_REQUEST && in[IN_POOL].kind == VALUE_BOOL && in[IN_POOL].as.b;
    return GOV_OK;
}

static gov_status add_notice(gov *g, int32_t kind, const value *in, value *out, const diag *d)
{
    timebank_teller t;
    timebank_notice n = {.kind = kind};
    const timebank_skill *s;
    value_builder b;
    gov_status rc = timebank_open(g, in[IN_BANK], true, &t, d);
    if (rc == GOV_OK)
        rc = read_terms(&t, in, &n);
    if (rc == GOV_OK)
        rc = timebank_find_skill(t.bank, n.skill, &s, d);
    if (rc == GOV_OK)
        rc = check_may(&t, &n, s);
    if (rc == GOV_OK)
        rc = insert(&t, &n);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(n.id));
    *out = value_builder_map(&b);
    const value_pair said[] = {{value_text("bank"), value_text(t.bank->name)},
                               {value_text("skill"), value_text(n.skill)},
                               {value_text("notice"), value_int(n.id)},
                               {value_text("from"), value_from_us(n.from_us)},
                               {value_text("until"), value_from_us(n.until_us)}};
    const timebank_note note = {GOV_KIND_RESIDENT, n.resident, value_map(said, ARRAY_LEN(said))};
    return b.failed ? base_nomem(d) : timebank_record(&t, kind == TIMEBANK_OFFER ? "time_offered" : "time_requested", &note);
}

TIMEBANK_RUN(timebank_run_offer)
{
    return add_notice(g, TIMEBANK_OFFER, in, out, d);
}

TIMEBANK_RUN(timebank_run_request)
{
    return add_notice(g, TIMEBANK_REQUEST, in, out, d);
}

TIMEBANK_RUN(timebank_run_withdraw)
{
    timebank_notice n;
    timebank_teller t;
    bool reaches;
    gov_status rc = timebank_load_notice(g, in[0].as.i, -1, &n, d);
    if (rc == GOV_OK)
        rc = timebank_reaches(g, TIMEBANK_WRITE, &n.resident, 1, &reaches, d);
    if (rc == GOV_OK && !reaches)
        return base_fail(d, M_timebank_no_notice, A_I("id", n.id));
    if (rc == GOV_OK)
        rc = timebank_open_book(g, n.book, true, &t, d);
    if (rc == GOV_OK)
        rc = timebank_load_notice(g, n.id, -1, &n, d);
    if (rc == GOV_OK && n.state != TIMEBANK_OPEN)
        return base_fail(d, M_timebank_not_open, A_I("id", n.id));
    if (rc == GOV_OK)
        rc = timebank_set_notice(&t, n.id, TIMEBANK_WITHDRAWN);
    if (rc != GOV_OK)
        return rc;
    const value_pair said[] = {{value_text("notice"), value_int(n.id)}};
    const timebank_note note = {GOV_KIND_RESIDENT, n.resident, value_map(said, 1)};
    *out = value_map(NULL, 0);
    return timebank_record(&t, "time_withdrawn", &note);
}
