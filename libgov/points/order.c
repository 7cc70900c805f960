/* Orders of the catalogue: points and goods are locked in one chain of transfers, and settled in one. */
#include "points/points.h"

#include <string.h>

static const char *const status_names[] = {"", "open", "fulfilled", "cancelled", "lapsed", "returned"};

const char *points_status_name(int64_t status)
{
    return status > 0 && status < (int64_t)ARRAY_LEN(status_names) ? status_names[status] : "";
}

/* ---- redeeming ---- */

static gov_status check_limit(gov *g, const points_programme *p, const points_item *item, int64_t holder, int64_t quantity,
                              const diag *d)
{
    static const store_sql sql = {
        "SELECT CAST(sum(quantity) AS BIGINT) FROM gov_points_order WHERE community = $1 AND holder = $2 AND programme = $3 AND item = "
        "$4 AND ordered_us >= $5 AND status IN (1, 2)",
        0};
    int64_t most, from_us, had = 0;
    if (item->limit.amount == NULL || item->limit.per == POINTS_CASE)
        return GOV_OK;
    gov_status rc = points_int(g, p, item->limit.amount, NULL, &most, d);
    if (rc == GOV_OK)
        rc = points_period_start(g, item->limit.per, &from_us, d);
    if (rc == GOV_OK)
        rc = store_first_int(g->store, &sql,
                             STORE_ARGS(store_i(g->community), store_i(holder), store_s(p->name), store_s(item->name), store_i(from_us)),
                             &had, d);
    if (rc != GOV_OK && rc != GOV_END)
        return rc;
    if (quantity > most - had)
        return base_fail(d, M_points_limit, A_S("item", item->name), A_I("limit", most));
    return GOV_OK;
}

static gov_status price_of(gov *g, const points_programme *p, const points_item *item, points_order *o, const diag *d)
{
    int64_t price = 0;
    const gov_status rc = points_int(g, p, item->price, NULL, &price, d);
    if (rc == GOV_OK && !base_mul(price, o->quantity, &o->price))
        return base_fail(d, M_overflow, A_S("what", "price"));
    return rc;
}

static gov_status keep_order(gov *g, const points_order *o, const diag *d)
{
    static const store_sql add = {
        "INSERT INTO gov_points_order (community, id, programme, item, record, holder, quantity, price, status, ordered_us, due_us, "
        "book, goods, points_lock, goods_lock, length, provisional) VALUES "
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        0};
    return access_keep(
        g,
        store_post(g->store, &add,
                   STORE_ARGS(store_i(g->community), store_i(o->id), store_s(o->programme),
                              store_s(o->item), store_i(o->record), store_i(o->holder),
                              store_i(o->quantity), store_i(o->price), store_i(o->status),
                              store_i(o->ordered_us), store_i0(o->due_us), store_i(o->book),
                              store_i0(o->goods), store_i(o->points_lock), store_i0(o->goods_lock),
                              store_s(o->within), store_flag(o->provisional)),
                   1, d),
        &points_kept_order, o->id, 0, 0, d);
}

static gov_status timer_name(gov *g, int64_t order, char **out, const diag *d)
{
    base_buf name;
    base_buf_init(&name, g->alloc);
    base_buf_fmt(&name, "points.lapse:%lld", (long long)order);
    *out = name.failed ? NULL : base_arena_strndup(&g->scratch, name.data, name.len);
    base_buf_free(&name);
    return *out != NULL ? GOV_OK : base_nomem(d);
}

gov_status points_order_timer(gov *g, const points_order *o, const diag *d)
{
    char *name;
    const value_pair data[] = {{value_text("order"), value_int(o->id)}};
    if (o->due_us == 0)
        return GOV_OK;
    const gov_status rc = timer_name(g, o->id, &name, d);
    return rc == GOV_OK ? case_schedule(g, &(case_timer){.name = name, .kind = CASE_TIMER_ROOM, .due_us = o->due_us,
                                                         .event = "points.lapse", .data = value_map(data, 1),
                                                         .provisional = o->provisional},
                                        d)
                        : rc;
}

static ledger_note note_of(const points_order *o, const char *what, value_pair pairs[static 6], int64_t account)
{
    pairs[0] = (value_pair){value_text("programme"), value_text(o->programme)};
    pairs[1] = (value_pair){value_text("order"), value_int(o->id)};
    pairs[2] = (value_pair){value_text("item"), value_text(o->item)};
    pairs[3] = (value_pair){value_text("quantity"), value_int(o->quantity)};
    pairs[4] = (value_pair){value_text("points"), value_int(o->price)};
    pairs[5] = (value_pair){value_text("order_is"), value_text(what)};
    return (ledger_note){"account", account, value_map(pairs, 6)};
}

/* Nothing is sold that is not there, and nothing is paid that cannot be had: one chain. */
static gov_status lock_both(gov *g, const points_programme *p, const points_item *item, points_order *o, int64_t account, const diag *d)
{
    ledger *l;
    points_goods goods;
    value_pair pairs[6];
    int32_t code;
    size_t failed;
    ledger_transfer t[] = {{.debit_account = account, .amount = o->price, .reference = o->id, .ledger = o->book,
                            .code = POINTS_CODE_REDEMPTION, .flags = GOV_TRANSFER_PENDING},
                           {.amount = o->quantity, .reference = o->id, .ledger = o->goods, .code = POINTS_CODE_REDEMPTION,
                            .flags = GOV_TRANSFER_PENDING}};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = points_own_account(g, p, POINTS_CODE_SHOP, &t[0].credit_account, d);
    if (rc == GOV_OK)
        rc = ledger_reason_number(l, o->book, item->name, &t[0].reason, d);
    if (rc == GOV_OK && !item->unlimited) {
        rc = points_goods_of(g, p, item, &goods, d);
        t[1].debit_account = goods.item;
        t[1].credit_account = goods.given;
    }
    const ledger_note note = note_of(o, "open", pairs, account);
    if (rc == GOV_OK)
        rc = points_post(g, t, item->unlimited ? 1 : 2, &note, &code, &failed, d);
    if (rc != GOV_OK)
        return rc;
    o->points_lock = t[0].id;
    o->goods_lock = item->unlimited ? 0 : t[1].id;
    if (code == GOV_LEDGER_CREATED)
        return GOV_OK;
    if (code != GOV_LEDGER_EXCEEDS_CREDITS)
        return base_fail(d, M_points_refused, A_S("result", gov_ledger_result_name(code)));
    return failed == 0 ? base_fail(d, M_points_not_enough, A_I("points", o->price)) : base_fail(d, M_points_sold_out, A_S("item", item->name));
}

gov_status points_redeem(gov *g, const points_programme *p, const points_item *item, int64_t record, int64_t quantity,
                         points_order *out, const diag *d)
{
    points_state s;
    *out = (points_order){.record = record, .quantity = quantity, .status = POINTS_OPEN, .ordered_us = access_now(g), .book = p->book,
                          .goods = item->unlimited ? 0 : p->goods, .programme = p->name, .item = item->name};
    if (quantity < 1)
        return base_fail(d, M_points_quantity, A_I("quantity", quantity));
    gov_status rc = points_holder(g, p, record, &out->holder, d);
    if (rc == GOV_OK)
        rc = price_of(g, p, item, out, d);
    if (rc == GOV_OK)
        rc = points_hold(g, p, !item->unlimited, d);
    if (rc == GOV_OK)
        rc = check_limit(g, p, item, out->holder, quantity, d);
    if (rc == GOV_OK)
        rc = points_state_of(g, p->book, out->holder, &s, d);
    if (rc == GOV_OK && (s.account == 0 || s.balance < out->price))
        return base_fail(d, M_points_not_enough, A_I("points", out->price));
    if (rc == GOV_OK)
        rc = access_new_id(g, &out->id, d);
    if (rc == GOV_OK && item->within.kind != RULEBOOK_LENGTH_NONE)
        rc = points_order_due(g, item, out, d);
    if (rc == GOV_OK)
        rc = lock_both(g, p, item, out, s.account, d);
    if (rc == GOV_OK)
        rc = keep_order(g, out, d);
    return rc == GOV_OK ? points_order_timer(g, out, d) : rc;
}

/* ---- reading ---- */

#define ORDER_ROW                                                                                                              \
    "SELECT id, programme, item, record, holder, quantity, price, status, ordered_us, due_us, settled_us, book, goods, points_lock, " \
    "goods_lock, points_post, goods_post, length, provisional FROM gov_points_order WHERE community = $1 AND "

static gov_status read_order(gov *g, store_rows *rows, points_order *o, const diag *d)
{
    size_t programme_len, item_len;
    const char *programme = store_text(rows, 1, &programme_len), *item = store_text(rows, 2, &item_len);
    *o = (points_order){.id = store_int(rows, 0), .record = store_int(rows, 3), .holder = store_int(rows, 4),
                        .quantity = store_int(rows, 5), .price = store_int(rows, 6), .status = store_int(rows, 7),
                        .ordered_us = store_int(rows, 8), .due_us = store_int(rows, 9), .settled_us = store_int(rows, 10),
                        .points_lock = store_int(rows, 13), .goods_lock = store_int(rows, 14), .points_post = store_int(rows, 15),
                        .goods_post = store_int(rows, 16), .book = (uint32_t)store_int(rows, 11),
                        .goods = (uint32_t)store_int(rows, 12),
                        .programme = base_arena_strndup(&g->scratch, programme, programme_len),
                        .item = base_arena_strndup(&g->scratch, item, item_len)};
    o->provisional = store_int(rows, 18) != 0;
    if (!store_is_null(rows, 17) && (o->within = base_arena_strdup(&g->scratch, store_text(rows, 17, NULL))) == NULL)
        return base_nomem(d);
    return o->programme != NULL && o->item != NULL ? GOV_OK : base_nomem(d);
}

gov_status points_order_of(gov *g, int64_t id, points_order *out, const diag *d)
{
    static const store_sql sql = {ORDER_ROW "id = $2", STORE_LOCK};
    store_rows rows;
    gov_status rc = store_first(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    if (rc == GOV_END)
        return base_fail(d, M_points_order_unknown, A_I("order", id));
    if (rc != GOV_OK)
        return rc;
    rc = read_order(g, &rows, out, d);
    store_rows_close(&rows);
    return rc;
}

gov_status points_show_order(gov *g, const points_order *o, value *out, const diag *d)
{
    value_builder b;
    const char *key, *name;
    const points_programme *p = points_find(g->rules, o->programme);
    const points_item *item = p != NULL ? points_find_item(p, o->item) : NULL;
    const gov_status rc = registry_label(g, o->record, &key, &name, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(o->id));
    value_builder_set(&b, "programme", value_text(o->programme));
    value_builder_set(&b, "item", value_text(o->item));
    value_builder_set(&b, "title", item != NULL ? value_text(points_words_of(g, &item->title, o->item)) : value_null());
    value_builder_set_copy(&b, "account", key);
    value_builder_set(&b, "quantity", value_int(o->quantity));
    value_builder_set(&b, "points", value_int(o->price));
    value_builder_set(&b, "status", value_text(points_status_name(o->status)));
    value_builder_set(&b, "ordered_at", value_from_us(o->ordered_us));
    value_builder_set(&b, "due_at", o->due_us != 0 ? value_from_us(o->due_us) : value_null());
    value_builder_set(&b, "provisional", value_bool(o->provisional));
    value_builder_set(&b, "settled_at", o->settled_us != 0 ? value_from_us(o->settled_us) : value_null());
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

gov_status points_orders(gov *g, const char *programme, int64_t holder, int64_t status, int64_t before, int64_t limit, value *out,
                         const diag *d)
{
    static const store_sql all = {
        ORDER_ROW "programme = $2 AND ($3 = 0 OR status = $3) AND id < $4 AND $5 = 0 ORDER BY id DESC LIMIT $6", 0};
    static const store_sql own = {
        ORDER_ROW "programme = $2 AND ($3 = 0 OR status = $3) AND id < $4 AND holder = $5 ORDER BY id DESC LIMIT $6", 0};
    const store_arg args[] = {store_i(g->community), store_s(programme), store_i(status), store_i(before > 0 ? before : INT64_MAX),
                              store_i(holder), store_i(limit)};
    store_rows rows;
    value_builder list;
    value_builder_init(&list, &g->scratch);
    gov_status rc = store_query(g->store, holder != 0 ? &own : &all, args, ARRAY_LEN(args), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        points_order o;
        value shown = value_null();
        rc = read_order(g, &rows, &o, d);
        if (rc == GOV_OK)
            rc = points_show_order(g, &o, &shown, d);
        value_builder_add(&list, shown);
    }
    store_rows_close(&rows);
    *out = value_builder_list(&list);
    return rc != GOV_END && rc != GOV_OK ? rc : list.failed ? base_nomem(d) : GOV_OK;
}

/* ---- settling ---- */

static void fill(ledger_transfer *t, points_order_status to, int64_t lock, int64_t post, uint32_t book)
{
    *t = (ledger_transfer){.ledger = book};
    if (to == POINTS_RETURNED) {
        t->reversal_of = post;
        t->amount = INT64_MAX;
        return;
    }
    t->pending_id = lock;
    t->flags = to == POINTS_FULFILLED ? GOV_TRANSFER_POST_PENDING : GOV_TRANSFER_VOID_PENDING;
    t->amount = to == POINTS_FULFILLED ? INT64_MAX : 0;
}

static gov_status keep_status(gov *g, const points_order *o, int64_t was, const diag *d)
{
    static const store_sql set = {"UPDATE gov_points_order SET status = $3, settled_us = $4, points_post = $5, goods_post = $6 WHERE "
                                  "community = $1 AND id = $2 AND status = $7",
                                  0};
    return access_keep(g,
                       store_post(g->store, &set,
                                  STORE_ARGS(store_i(g->community), store_i(o->id),
                                             store_i(o->status), store_i(o->settled_us),
                                             store_i0(o->points_post), store_i0(o->goods_post),
                                             store_i(was)),
                                  1, d),
                       &points_kept_order, o->id, 0, 0, d);
}

/* What was locked when others were told that theirs expires is told of when it comes back. */
static gov_status tell_holder(gov *g, const points_order *o, const diag *d)
{
    int64_t account = 0;
    const points_programme *p = points_find(g->rules, o->programme);
    const gov_status rc = p != NULL ? points_account(g, p, o->holder, false, &account, d) : GOV_OK;
    return rc == GOV_OK && p != NULL ? points_came(g, p, account, d) : rc;
}

gov_status points_settle(gov *g, points_order *o, points_order_status to, const diag *d)
{
    const int64_t was = o->status, from = to == POINTS_RETURNED ? POINTS_FULFILLED : POINTS_OPEN;
    const points_programme ledgers = {.book = o->book, .goods = o->goods};
    ledger_transfer t[2];
    value_pair pairs[6];
    char *name;
    if (was != from)
        return base_fail(d, M_points_order_closed, A_I("order", o->id), A_S("status", points_status_name(was)));
    fill(&t[0], to, o->points_lock, o->points_post, o->book);
    fill(&t[1], to, o->goods_lock, o->goods_post, o->goods);
    const ledger_note note = note_of(o, points_status_name(to), pairs, 0);
    gov_status rc = points_hold(g, &ledgers, o->goods != 0, d);
    if (rc == GOV_OK)
        rc = points_post(g, t, o->goods_lock != 0 ? 2 : 1, &(ledger_note){"order", o->id, note.data}, NULL, NULL, d);
    if (rc == GOV_OK && to == POINTS_FULFILLED) {
        o->points_post = t[0].id;
        o->goods_post = o->goods_lock != 0 ? t[1].id : 0;
    }
    o->status = to;
    o->settled_us = access_now(g);
    if (rc == GOV_OK)
        rc = keep_status(g, o, was, d);
    if (rc == GOV_OK && to != POINTS_FULFILLED)
        rc = tell_holder(g, o, d);
    if (rc == GOV_OK && o->due_us != 0)
        rc = timer_name(g, o->id, &name, d);
    return rc == GOV_OK && o->due_us != 0 ? case_unschedule(g, 0, name, d) : rc;
}
