/* Until when an order is to be handed out: reckoned by the community's own calendar, and again when that says something else. */
#include "points/points.h"

#include <string.h>

/* What pure time gives no calendar can change: no length is kept of it. */
gov_status points_order_due(gov *g, const points_item *item, points_order *o, const diag *d)
{
    cal_instant end;
    cal_duration length;
    base_buf text;
    gov_status rc = points_end(g, &item->within, o->ordered_us, &length, &end, d);
    if (rc != GOV_OK)
        return rc;
    o->due_us = end.us;
    o->provisional = end.provisional;
    if (length.unit == CAL_TIME)
        return GOV_OK;
    base_buf_init(&text, g->alloc);
    cal_write_duration(&text, length);
    o->within = text.failed ? NULL : base_arena_strndup(&g->scratch, text.data, text.len);
    base_buf_free(&text);
    return o->within != NULL ? GOV_OK : base_nomem(d);
}

static gov_status keep_due(gov *g, const points_order *o, const diag *d)
{
    static const store_sql set = {
        "UPDATE gov_points_order SET due_us = $3, provisional = $4 WHERE community = $1 AND id = $2 AND status = 1", 0};
    const gov_status rc = access_keep(
        g,
        store_post(g->store, &set,
                   STORE_ARGS(store_i(g->community), store_i(o->id), store_i(o->due_us), store_flag(o->provisional)), 1, d),
        &points_kept_order, o->id, 0, 0, d);
    return rc == GOV_OK ? points_order_timer(g, o, d) : rc;
}

/* What is due already stays so, as everything does that is past. */
static gov_status reckon(gov *g, int64_t id, const diag *d)
{
    points_order o;
    cal_duration length;
    cal_instant end;
    gov_status rc = points_order_of(g, id, &o, d);
    if (rc != GOV_OK || o.within == NULL || o.due_us <= access_now(g) ||
        cal_parse_duration(o.within, strlen(o.within), &length, NULL, NULL) != GOV_OK)
        return rc;
    rc = points_add(g, o.ordered_us, length, &end, d);
    if (rc != GOV_OK || (end.us == o.due_us && end.provisional == o.provisional))
        return rc;
    o.due_us = end.us > access_now(g) ? end.us : access_now(g);
    o.provisional = end.provisional;
    return keep_due(g, &o, d);
}

enum { PAGE = 64 };

gov_status points_reckon(gov *g, const diag *d)
{
    static const store_sql sql = {
        "SELECT id FROM gov_points_order WHERE community = $1 AND id > $2 AND status = 1 AND length IS NOT NULL ORDER BY id LIMIT $3", 0};
    int64_t ids[PAGE], after = 0;
    size_t count = PAGE;
    gov_status rc = GOV_OK;
    while (rc == GOV_OK && count == PAGE) {
        store_rows rows;
        count = 0;
        rc = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(after), store_i(PAGE)), &rows, d);
        while (rc == GOV_OK && count < PAGE && (rc = store_next(&rows, d)) == GOV_OK)
            ids[count++] = store_int(&rows, 0);
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
        for (size_t i = 0; i < count && rc == GOV_OK; i++)
            rc = reckon(g, ids[i], d);
        after = count > 0 ? ids[count - 1] : after;
    }
    return rc;
}
