/* What was taken stands with its evidence, may be appealed in time, and is given back where the appeal is granted. */
#include "points/points.h"

#include <string.h>

gov_status points_keep_deduction(gov *g, const points_gift *gift, int64_t holder, const points_given *given, const diag *d)
{
    static const store_sql add = {
        "INSERT INTO gov_points_deduction (community, id, programme, rule, holder, amount, case_id, evidence, at_us, until_us) VALUES "
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        0};
    base_buf text;
    int64_t until_us;
    const bool shown = gift->evidence.kind != VALUE_ABSENT && gift->evidence.kind != VALUE_NULL;
    gov_status rc = points_after(g, &gift->rule->appeal, access_now(g), &until_us, d);
    base_buf_init(&text, g->alloc);
    if (shown)
        value_write_document(&text, gift->evidence);
    if (rc == GOV_OK && text.failed)
        rc = base_nomem(d);
    if (rc == GOV_OK)
        rc = access_keep(g,
                         store_post(g->store, &add,
                                    STORE_ARGS(store_i(g->community), store_i(given->transfer),
                                               store_s(gift->programme->name),
                                               store_s(gift->rule->name), store_i(holder),
                                               store_i(given->moved), store_i0(gift->case_id),
                                               store_t(shown ? text.data : NULL, text.len),
                                               store_i(access_now(g)), store_i(until_us)),
                                    1, d),
                         &points_kept_deduction, given->transfer, 0, 0, d);
    base_buf_free(&text);
    return rc;
}

/* A deduction that was taken back, in an appeal or without one. */
gov_status points_keep_reversal(gov *g, int64_t id, int64_t reversal, const diag *d)
{
    static const store_sql set = {"UPDATE gov_points_deduction SET reversal = $3 WHERE community = $1 AND id = $2", 0};
    return access_keep(g,
                       store_post(g->store, &set,
                                  STORE_ARGS(store_i(g->community), store_i(id), store_i(reversal)),
                                  1, d),
                       &points_kept_deduction, id, 0, 0, d);
}

typedef struct deduction {
    int64_t id, holder, until_us, appeal_us, ruled_us, reversal;
    const char *programme;
} deduction;

/* id 0: the holder's newest. */
static gov_status find(gov *g, int64_t id, int64_t holder, deduction *out, const diag *d)
{
    static const store_sql by_id = {"SELECT id, holder, until_us, appeal_us, ruled_us, reversal, programme FROM gov_points_deduction WHERE "
                                    "community = $1 AND id = $2",
                                    STORE_LOCK};
    static const store_sql newest = {"SELECT id, holder, until_us, appeal_us, ruled_us, reversal, programme FROM gov_points_deduction WHERE "
                                     "community = $1 AND holder = $2 ORDER BY id DESC LIMIT 1",
                                     STORE_LOCK};
    store_rows rows;
    size_t len;
    const gov_status rc = store_first(g->store, id != 0 ? &by_id : &newest,
                                      STORE_ARGS(store_i(g->community), store_i(id != 0 ? id : holder)), &rows, d);
    if (rc == GOV_END)
        return base_fail(d, M_points_deduction_unknown, A_I("deduction", id));
    if (rc != GOV_OK)
        return rc;
    const char *programme = store_text(&rows, 6, &len);
    *out = (deduction){store_int(&rows, 0), store_int(&rows, 1), store_int(&rows, 2), store_int(&rows, 3), store_int(&rows, 4),
                       store_int(&rows, 5),
                       base_arena_strndup(&g->scratch, programme, len)};
    store_rows_close(&rows);
    return out->programme != NULL ? GOV_OK : base_nomem(d);
}

static gov_status record(gov *g, const char *kind, const deduction *a, const char *text, value granted, const diag *d)
{
    const value_pair data[] = {{value_text("programme"), value_text(a->programme)},
                               {value_text("deduction"), value_int(a->id)},
                               {value_text("text"), value_text(base_text_or_empty(text))},
                               {value_text("granted"), granted}};
    const journal_entry e = {.kind = kind,
                             .subject_kind = "deduction",
                             .subject = a->id,
                             .data = value_map(data, granted.kind == VALUE_ABSENT ? 3 : 4)};
    return access_record(g, &e, NULL, d);
}

gov_status points_appeal(gov *g, int64_t id, int64_t holder, int64_t appellant, const char *text, int64_t *out, const diag *d)
{
    static const store_sql set = {
        "UPDATE gov_points_deduction SET appellant = $3, appeal_us = $4, appeal = $5 WHERE community = $1 AND id = $2", 0};
    deduction a;
    gov_status rc = find(g, id, holder, &a, d);
    if (rc != GOV_OK)
        return rc;
    if (a.holder != holder) /* another one's, and whose is not told */
        return base_fail(d, M_points_deduction_unknown, A_I("deduction", id));
    if (a.appeal_us != 0)
        return base_fail(d, M_points_appealed, A_I("deduction", a.id));
    if (a.reversal != 0)
        return base_fail(d, M_points_reversed, A_I("deduction", a.id));
    if (access_now(g) > a.until_us)
        return base_fail(d, M_points_appeal_late, A_I("deduction", a.id));
    rc = access_keep(g,
                     store_post(g->store, &set,
                                STORE_ARGS(store_i(g->community), store_i(a.id), store_i(appellant),
                                           store_i(access_now(g)), store_s(text)),
                                1, d),
                     &points_kept_deduction, a.id, 0, 0, d);
    *out = a.id;
    return rc == GOV_OK ? record(g, "points.appeal", &a, text, value_absent(), d) : rc;
}

gov_status points_rule_appeal(gov *g, int64_t id, bool granted, const char *why, int64_t *reversal, const diag *d)
{
    static const store_sql set = {
        "UPDATE gov_points_deduction SET ruled_us = $3, granted = $4, ruling = $5 WHERE community = $1 AND id = $2", 0};
    deduction a;
    points_taken taken = {0};
    *reversal = 0;
    gov_status rc = find(g, id, 0, &a, d);
    if (rc != GOV_OK)
        return rc;
    if (a.appeal_us == 0 || a.ruled_us != 0)
        return base_fail(d, M_points_no_appeal, A_I("deduction", a.id));
    const points_programme *p = points_find(g->rules, a.programme);
    if (p == NULL)
        return points_unknown(g->rules, a.programme, strlen(a.programme), NULL, d);
    if (granted && a.reversal == 0)
        rc = points_reverse(g, p, a.id, base_text_or_empty(why), false, &taken, d);
    *reversal = taken.reversal;
    if (rc == GOV_OK)
        rc = access_keep(g,
                         store_post(g->store, &set,
                                    STORE_ARGS(store_i(g->community), store_i(a.id),
                                               store_i(access_now(g)), store_i(granted),
                                               store_s(why)),
                                    1, d),
                         &points_kept_deduction, a.id, 0, 0, d);
    return rc == GOV_OK ? record(g, "points.ruling", &a, why, value_bool(granted), d) : rc;
}

/* ---- showing ---- */

#define DEDUCTION_ROW                                                                                                              \
    "SELECT id, rule, holder, amount, case_id, evidence, at_us, until_us, appeal_us, appeal, ruled_us, granted, ruling, reversal FROM " \
    "gov_points_deduction WHERE community = $1 AND programme = $2 AND id < $3 AND ($4 = 0 OR (appeal_us IS NOT NULL AND ruled_us IS " \
    "NULL)) AND "

static void set_time(value_builder *b, const char *key, store_rows *rows, int column)
{
    value_builder_set(b, key, store_is_null(rows, column) ? value_null() : value_from_us(store_int(rows, column)));
}

static void set_text(value_builder *b, const char *key, store_rows *rows, int column)
{
    if (store_is_null(rows, column))
        value_builder_set(b, key, value_null());
    else
        value_builder_set_copy(b, key, store_text(rows, column, NULL));
}

static gov_status show_row(gov *g, store_rows *rows, value *out, const diag *d)
{
    value_builder b;
    value evidence = value_null();
    size_t len;
    const char *key, *name;
    gov_status rc = registry_label(g, store_int(rows, 2), &key, &name, d);
    if (rc == GOV_OK && !store_is_null(rows, 5)) {
        const char *text = store_text(rows, 5, &len);
        rc = access_read_stored(g, &g->scratch, text, len, &evidence, d);
    }
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(store_int(rows, 0)));
    set_text(&b, "rule", rows, 1);
    value_builder_set_copy(&b, "account", rc == GOV_OK ? key : "");
    value_builder_set(&b, "points", value_int(store_int(rows, 3)));
    value_builder_set(&b, "case", store_is_null(rows, 4) ? value_null() : value_int(store_int(rows, 4)));
    value_builder_set(&b, "evidence", evidence);
    set_time(&b, "at", rows, 6);
    set_time(&b, "appeal_until", rows, 7);
    set_time(&b, "appealed_at", rows, 8);
    set_text(&b, "appeal", rows, 9);
    set_time(&b, "ruled_at", rows, 10);
    value_builder_set(&b, "granted", store_is_null(rows, 11) ? value_null() : value_bool(store_int(rows, 11) != 0));
    set_text(&b, "ruling", rows, 12);
    value_builder_set(&b, "reversal", store_is_null(rows, 13) ? value_null() : value_int(store_int(rows, 13)));
    *out = value_builder_map(&b);
    return rc == GOV_OK && b.failed ? base_nomem(d) : rc;
}

gov_status points_deductions(gov *g, const char *programme, int64_t holder, bool open, int64_t before, int64_t limit, value *out,
                             const diag *d)
{
    static const store_sql all = {DEDUCTION_ROW "$5 = 0 ORDER BY id DESC LIMIT $6", 0};
    static const store_sql own = {DEDUCTION_ROW "holder = $5 ORDER BY id DESC LIMIT $6", 0};
    const store_arg args[] = {store_i(g->community), store_s(programme), store_i(before > 0 ? before : INT64_MAX), store_flag(open),
                              store_i(holder), store_i(limit)};
    store_rows rows;
    value_builder list;
    value_builder_init(&list, &g->scratch);
    gov_status rc = store_query(g->store, holder != 0 ? &own : &all, args, ARRAY_LEN(args), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        value shown = value_null();
        rc = show_row(g, &rows, &shown, d);
        value_builder_add(&list, shown);
    }
    store_rows_close(&rows);
    *out = value_builder_list(&list);
    return rc != GOV_END && rc != GOV_OK ? rc : list.failed ? base_nomem(d) : GOV_OK;
}
