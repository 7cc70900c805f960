/* Tiers by what was earned, and warnings before it expires. */
#include "points/points.h"

#include <stdlib.h>
#include <string.h>

/* ---- tiers ---- */

gov_status points_tier(gov *g, const points_programme *p, int64_t holder, const points_level **out, int64_t *earned, const diag *d)
{
    points_span span = {0};
    int64_t best = -1;
    *out = NULL;
    *earned = 0;
    gov_status rc = points_account(g, p, holder, false, &span.account, d);
    if (rc == GOV_OK && p->tiers.over.kind != RULEBOOK_LENGTH_NONE)
        rc = points_before(g, &p->tiers.over, access_now(g), &span.from_us, d);
    else if (rc == GOV_OK)
        rc = points_period_start(g, p->tiers.per, &span.from_us, d);
    if (rc == GOV_OK && span.account != 0)
        rc = points_earned(g, &span, earned, d);
    for (uint32_t i = 0; i < p->tiers.count && rc == GOV_OK; i++) {
        const points_level *level = &p->tiers.levels[i];
        int64_t from;
        rc = points_int(g, p, level->from, NULL, &from, d);
        if (rc == GOV_OK && from <= *earned && from > best) {
            best = from;
            *out = level;
        }
    }
    return rc;
}

/* ---- warnings ---- */

gov_status points_expect(gov *g, const points_programme *p, int64_t expires_us, const diag *d)
{
    int64_t due_us;
    base_buf name;
    if (expires_us == 0 || p->expires.notice.kind == RULEBOOK_LENGTH_NONE)
        return GOV_OK;
    gov_status rc = points_before(g, &p->expires.notice, expires_us, &due_us, d);
    if (rc != GOV_OK)
        return rc;
    base_buf_init(&name, g->alloc);
    base_buf_fmt(&name, "points.notice:%s:%lld", p->name, (long long)expires_us);
    const value_pair data[] = {{value_text("programme"), value_text(p->name)}, {value_text("expires"), value_int(expires_us)}};
    const case_timer t = {.name = name.data,
                          .kind = CASE_TIMER_ROOM,
                          .due_us = due_us > access_now(g) ? due_us : access_now(g),
                          .event = "points.notice",
                          .data = value_map(data, ARRAY_LEN(data))};
    rc = name.failed ? base_nomem(d) : case_schedule(g, &t, d);
    base_buf_free(&name);
    return rc;
}

/* What is to be told to one holder. */
typedef struct warned {
    int64_t holder, points;
} warned;

typedef struct warning {
    warned *items;
    size_t count, cap;
} warning;

static int by_holder(const void *a, const void *b)
{
    const warned *x = a, *y = b;
    return x->holder < y->holder ? -1 : x->holder > y->holder;
}

/* Nobody is told twice of the same points, however often the timer comes; of those that were locked then and came back, they are. */
static gov_status note_lot(gov *g, const ledger_rest *lot, warning *w, const diag *d)
{
    static const store_sql find = {"SELECT points FROM gov_points_notice WHERE community = $1 AND lot = $2", 0};
    static const store_sql add = {"INSERT INTO gov_points_notice (community, lot, points) VALUES ($1, $2, $3) "
                                  "ON CONFLICT (community, lot) DO UPDATE SET points = $3",
                                  0};
    int64_t told = 0;
    gov_status rc = store_first_int(g->store, &find, STORE_ARGS(store_i(g->community), store_i(lot->lot)), &told, d);
    if ((rc != GOV_OK && rc != GOV_END) || (rc == GOV_OK && told >= lot->left))
        return rc;
    rc = store_post(g->store, &add, STORE_ARGS(store_i(g->community), store_i(lot->lot), store_i(lot->left)), 1, d);
    rc = access_keep(g, rc, &points_kept_notice, lot->lot, 0, 0, d);
    if (rc != GOV_OK)
        return rc;
    if (!base_grow(g->alloc, &w->items, &w->cap, w->count, sizeof *w->items))
        return base_nomem(d);
    w->items[w->count++] = (warned){lot->subject, lot->left - told};
    return GOV_OK;
}

enum { PAGE = 256 };

static gov_status collect(gov *g, const points_programme *p, int64_t account, int64_t expires_us, warning *w, const diag *d)
{
    ledger *l;
    size_t count = PAGE;
    ledger_rest after = {.expires_us = expires_us - 1, .lot = INT64_MAX};
    ledger_rest *page = base_arena_array(&g->scratch, PAGE, sizeof *page);
    gov_status rc = page != NULL ? ledger_of(g, &l, d) : base_nomem(d);
    while (rc == GOV_OK && count == PAGE) {
        rc = ledger_lots_left(l, p->book, account, &after, expires_us, page, PAGE, &count, d);
        for (size_t i = 0; i < count && rc == GOV_OK; i++)
            rc = note_lot(g, &page[i], w, d);
        if (count > 0)
            after = page[count - 1];
    }
    return rc;
}

/* The same shape as the effect `notify` has in a case's entry, so that a host delivers both alike. */
static gov_status warn_holder(gov *g, const points_programme *p, int64_t expires_us, const warned *w, const diag *d)
{
    registry_record r;
    const gov_status rc = registry_load(g, w->holder, &g->scratch, &r, d);
    if (rc != GOV_OK)
        return rc == GOV_E_NOT_FOUND ? GOV_OK : rc;
    const value_pair said[] = {{value_text("programme"), value_text(p->name)},
                               {value_text("points"), value_int(w->points)},
                               {value_text("expires_at"), value_from_us(expires_us)}};
    const value_pair note[] = {{value_text("to"), value_int(w->holder)},
                               {value_text("template"), value_text(p->expires.template)},
                               {value_text("data"), value_map(said, ARRAY_LEN(said))}};
    const value_pair effect[] = {{value_text("notify"), value_map(note, ARRAY_LEN(note))}};
    const value effects[] = {value_map(effect, 1)};
    const value_pair data[] = {{value_text("effects"), value_list(effects, 1)}};
    const journal_entry e = {.kind = "points.notice", .subject_kind = r.kind, .subject = w->holder, .data = value_map(data, 1)};
    return access_record(g, &e, NULL, d);
}

gov_status points_warn(gov *g, const points_programme *p, int64_t account, int64_t expires_us, int64_t *told, const diag *d)
{
    warning w = {0};
    gov_status rc = p->expires.template != NULL ? collect(g, p, account, expires_us, &w, d) : GOV_OK;
    *told = 0;
    if (w.count > 1)
        qsort(w.items, w.count, sizeof *w.items, by_holder);
    for (size_t i = 0; i < w.count && rc == GOV_OK; i++) {
        warned one = w.items[i];
        while (i + 1 < w.count && w.items[i + 1].holder == one.holder)
            one.points += w.items[++i].points;
        rc = warn_holder(g, p, expires_us, &one, d);
        ++*told;
    }
    base_free(g->alloc, w.items);
    return rc;
}

/* The lots stand in the order of their expiry: from the first one on whose time to be told of is to come, the timers see to it. */
gov_status points_came(gov *g, const points_programme *p, int64_t account, const diag *d)
{
    ledger *l;
    size_t count = PAGE;
    bool due = true;
    ledger_rest after = {0};
    if (account == 0 || p->expires.notice.kind == RULEBOOK_LENGTH_NONE)
        return GOV_OK;
    ledger_rest *page = base_arena_array(&g->scratch, PAGE, sizeof *page);
    gov_status rc = page != NULL ? ledger_of(g, &l, d) : base_nomem(d);
    while (rc == GOV_OK && due && count == PAGE) {
        rc = ledger_lots_left(l, p->book, account, &after, INT64_MAX - 1, page, PAGE, &count, d);
        for (size_t i = 0; i < count && rc == GOV_OK && due; i++) {
            int64_t told, from_us = 0;
            if (page[i].expires_us == after.expires_us)
                continue;
            after = page[i];
            rc = points_before(g, &p->expires.notice, after.expires_us, &from_us, d);
            due = from_us <= access_now(g);
            if (rc == GOV_OK)
                rc = due ? points_warn(g, p, account, after.expires_us, &told, d) : points_expect(g, p, after.expires_us, d);
        }
        if (count > 0)
            after = page[count - 1];
    }
    return rc;
}
