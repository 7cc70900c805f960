/* Points as they are shown: statements, the highest, the programmes in figures, the catalogue, what expires. */
#include "points/points.h"

#include <string.h>

/* ---- statements ---- */

/* What a transfer was to the account; NULL: what was pending has lapsed. */
static const char *kind_of(const ledger_transfer *t, int64_t account)
{
    if (t == NULL)
        return "released";
    const bool paid = t->debit_account == account;
    if (t->flags & LEDGER_BREAKAGE)
        return "expired";
    if (t->flags & GOV_TRANSFER_VOID_PENDING)
        return "refunded";
    if (t->code == POINTS_CODE_REDEMPTION)
        return t->flags & GOV_TRANSFER_POST_PENDING ? "fulfilled" : t->reversal_of != 0 ? "returned" : "redeemed";
    if (t->reversal_of != 0)
        return "reversed";
    switch (t->code) {
    case POINTS_CODE_AWARD: return "earned";
    case POINTS_CODE_DEDUCTION: return "deducted";
    case POINTS_CODE_GIFT: return paid ? "sent" : "received";
    default: return "moved";
    }
}

static int64_t free_after(const ledger_balance *b)
{
    return b->credits_posted - b->debits_posted - b->debits_pending;
}

static const char *title_of(gov *g, const points_programme *p, const ledger_transfer *t, const char *name)
{
    const points_rule *rule = points_find_rule(p, name, t->code == POINTS_CODE_DEDUCTION);
    const points_item *item = points_find_item(p, name);
    if (t->code == POINTS_CODE_REDEMPTION)
        return item != NULL ? points_words_of(g, &item->title, NULL) : NULL;
    return rule != NULL ? points_words_of(g, &rule->title, NULL) : NULL;
}

/* One change of the account: the transfer that made it (NULL: none), what could be spent before and after it. */
static gov_status show_row(gov *g, ledger *l, const points_programme *p, const ledger_transfer *t, int64_t account, int64_t before,
                           const ledger_balance *after, value_builder *list, const diag *d)
{
    char name[65] = "";
    value_builder b;
    const gov_status rc = t != NULL ? ledger_reason_name(l, p->book, t->reason, name, d) : GOV_OK;
    if (rc != GOV_OK)
        return rc;
    const char *title = t != NULL ? title_of(g, p, t, name) : NULL;
    const bool order = t != NULL && t->code == POINTS_CODE_REDEMPTION && t->reference != 0;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "at", value_from_us(after->timestamp));
    value_builder_set(&b, "kind", value_text(kind_of(t, account)));
    value_builder_set(&b, "points", value_int(free_after(after) - before));
    value_builder_set(&b, "balance", value_int(free_after(after)));
    value_builder_set_copy(&b, "reason", name);
    value_builder_set(&b, "title", title != NULL ? value_text(title) : value_null());
    value_builder_set(&b, "case", t != NULL && t->subject != 0 ? value_int(t->subject) : value_null());
    value_builder_set(&b, "order", order ? value_int(t->reference) : value_null());
    value_builder_set(&b, "transfer", t != NULL ? value_int(t->id) : value_null());
    list->failed = list->failed || b.failed;
    value_builder_add(list, value_builder_map(&b));
    return GOV_OK;
}

/* The newest first. Balances have a row for each change, transfers none for what lapsed. */
static gov_status show_rows(gov *g, const points_programme *p, const ledger_filter *f, uint32_t limit, value_builder *list, const diag *d)
{
    ledger *l;
    size_t count = 0, same = 0, next = 0;
    ledger_transfer *rows = base_arena_array(&g->scratch, limit, sizeof *rows);
    ledger_balance *after = base_arena_array(&g->scratch, (size_t)limit + 1, sizeof *after);
    if (rows == NULL || after == NULL)
        return base_nomem(d);
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_account_transfers(l, f, rows, limit, &count, d);
    if (rc == GOV_OK)
        rc = ledger_account_balances(l, f, after, (size_t)limit + 1, &same, d);
    for (size_t i = 0; i < same && i < limit && rc == GOV_OK; i++) {
        const bool made = after[i].transfer != 0 && next < count && rows[next].id == after[i].transfer;
        const int64_t before = i + 1 < same ? free_after(&after[i + 1]) : 0;
        rc = show_row(g, l, p, made ? &rows[next] : NULL, f->account, before, &after[i], list, d);
        next += made;
    }
    return rc;
}

gov_status points_show_statement(gov *g, const points_programme *p, int64_t holder, int64_t before, uint32_t limit, value *out,
                                 const diag *d)
{
    value_builder list;
    int64_t account = 0;
    value_builder_init(&list, &g->scratch);
    gov_status rc = points_account(g, p, holder, false, &account, d);
    const ledger_filter f = {.account = account,
                             .timestamp_max = before > 0 ? before - 1 : 0,
                             .flags = GOV_LEDGER_REVERSED};
    if (rc == GOV_OK && account != 0)
        rc = show_rows(g, p, &f, limit, &list, d);
    *out = value_builder_list(&list);
    return rc == GOV_OK && list.failed ? base_nomem(d) : rc;
}

/* ---- what expires ---- */

gov_status points_show_expiring(gov *g, const points_programme *p, int64_t holder, int64_t until_us, value *out, const diag *d)
{
    enum { MOST = 1000 };
    ledger *l;
    size_t count = 0;
    int64_t account = 0;
    value_builder list;
    const ledger_rest after = {.expires_us = access_now(g), .lot = INT64_MAX};
    ledger_rest *lots = base_arena_array(&g->scratch, MOST, sizeof *lots);
    gov_status rc = lots != NULL ? ledger_of(g, &l, d) : base_nomem(d);
    if (rc == GOV_OK && holder != 0)
        rc = points_account(g, p, holder, false, &account, d);
    if (rc == GOV_OK && (holder == 0 || account != 0))
        rc = ledger_lots_left(l, p->book, account, &after, until_us, lots, MOST, &count, d);
    value_builder_init(&list, &g->scratch);
    for (size_t i = 0; i < count && rc == GOV_OK; i++) {
        const char *key, *name;
        value_builder b;
        rc = registry_label(g, lots[i].subject, &key, &name, d);
        value_builder_init(&b, &g->scratch);
        value_builder_set_copy(&b, "account", rc == GOV_OK ? key : "");
        value_builder_set(&b, "points", value_int(lots[i].left));
        value_builder_set(&b, "expires_at", value_from_us(lots[i].expires_us));
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    *out = value_builder_list(&list);
    return rc == GOV_OK && list.failed ? base_nomem(d) : rc;
}

/* ---- the highest ---- */

enum { MOST_LISTED = 1000 };

static int64_t points_of(const ledger_account *a)
{
    return a->credits_posted - a->debits_posted;
}

/* Who is named has said yes; the name itself is masked as it is for this actor elsewhere. */
static gov_status put_name(gov *g, const points_programme *p, int64_t holder, value_builder *b, const diag *d)
{
    static const char field[] = "name";
    registry_record r;
    access_subject scope;
    rulebook_fields fields;
    const char *key, *name;
    gov_status rc = registry_load(g, holder, &g->scratch, &r, d);
    if (rc == GOV_E_NOT_FOUND)
        return GOV_OK;
    if (rc != GOV_OK)
        return rc;
    const value yes = value_get_text(r.doc, p->consent);
    if (yes.kind != VALUE_BOOL || !yes.as.b)
        return GOV_OK;
    rc = registry_subject(g, &r, &scope, d);
    if (rc == GOV_OK)
        rc = registry_label(g, holder, &key, &name, d);
    if (rc == GOV_OK)
        rc = registry_fields(g, r.kind, &g->scratch, &fields, d);
    if (rc != GOV_OK)
        return rc;
    const rulebook_field *f = rulebook_find_field(&fields, field, sizeof field - 1);
    value shown = value_null();
    rc = access_show(g, f != NULL ? f->sensitive : NULL, r.kind, holder, field, value_text(name), &scope, &g->scratch, &shown, d);
    value_builder_set_copy(b, "account", key);
    value_builder_set(b, "name", shown);
    return rc;
}

/* How many are listed: those in the last place stand together, all of them, or where they are too many for any list, none. */
static size_t listed(const ledger_account *top, size_t count, size_t most)
{
    size_t n = count < most ? count : most;
    if (n == 0 || n == count || points_of(&top[n]) != points_of(&top[n - 1]))
        return n;
    const int64_t last = points_of(&top[n]);
    while (n < count && points_of(&top[n]) == last)
        n++;
    if (n < MOST_LISTED)
        return n;
    while (n > 0 && points_of(&top[n - 1]) == last)
        n--;
    return n;
}

gov_status points_show_top(gov *g, const points_programme *p, uint32_t limit, value *out, const diag *d)
{
    ledger *l;
    size_t count = 0, rank = 0;
    int64_t before = 0;
    value_builder list;
    const uint32_t most = limit == 0 || limit > p->top ? (uint32_t)p->top : limit;
    ledger_account *top = base_arena_array(&g->scratch, MOST_LISTED, sizeof *top);
    gov_status rc = top != NULL ? ledger_of(g, &l, d) : base_nomem(d);
    if (rc == GOV_OK)
        rc = ledger_top(l, p->book, POINTS_CODE_HOLDER, top, MOST_LISTED, &count, d);
    value_builder_init(&list, &g->scratch);
    const size_t end = listed(top, count, most);
    for (size_t i = 0; i < end && rc == GOV_OK; i++) {
        const int64_t points = points_of(&top[i]);
        value_builder b;
        if (points <= 0) /* who has nothing is in no list */
            break;
        if (i == 0 || points != before)
            rank = i + 1;
        before = points;
        value_builder_init(&b, &g->scratch);
        value_builder_set(&b, "rank", value_int((int64_t)rank));
        value_builder_set(&b, "points", value_int(points));
        if (p->consent != NULL)
            rc = put_name(g, p, top[i].subject, &b, d);
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    *out = value_builder_list(&list);
    return rc == GOV_OK && list.failed ? base_nomem(d) : rc;
}

/* ---- all programmes ---- */

gov_status points_show_totals(gov *g, value *out, const diag *d)
{
    const points_programme *p;
    value_builder list;
    value_builder_init(&list, &g->scratch);
    for (uint32_t i = 0; (p = points_at(g->rules, i)) != NULL; i++) {
        points_total t;
        value_builder b;
        const gov_status rc = points_total_of(g, p, &t, d);
        if (rc != GOV_OK)
            return rc;
        value_builder_init(&b, &g->scratch);
        value_builder_set(&b, "programme", value_text(p->name));
        value_builder_set(&b, "title", value_text(points_words_of(g, &p->title, p->name)));
        value_builder_set(&b, "unit", value_text(points_words_of(g, &p->unit, "")));
        value_builder_set(&b, "holders", value_int(t.holders));
        value_builder_set(&b, "given", value_int(t.given));
        value_builder_set(&b, "taken", value_int(t.taken));
        value_builder_set(&b, "spent", value_int(t.spent));
        value_builder_set(&b, "expired", value_int(t.expired));
        value_builder_set(&b, "outstanding", value_int(t.out));
        value_builder_set(&b, "sum", value_int(t.sum));
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    *out = value_builder_list(&list);
    return list.failed ? base_nomem(d) : GOV_OK;
}

/* ---- the catalogue ---- */

static gov_status show_item(gov *g, const points_programme *p, const points_item *item, value *out, const diag *d)
{
    int64_t price, left = 0, limit = 0;
    value_builder b;
    base_buf within;
    gov_status rc = points_int(g, p, item->price, NULL, &price, d);
    if (rc == GOV_OK && !item->unlimited)
        rc = points_stock_left(g, p, item, &left, d);
    if (rc == GOV_OK && item->limit.amount != NULL)
        rc = points_int(g, p, item->limit.amount, NULL, &limit, d);
    if (rc != GOV_OK)
        return rc;
    base_buf_init(&within, g->alloc);
    if (item->within.kind == RULEBOOK_LENGTH_FIXED)
        cal_write_duration(&within, item->within.fixed);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "item", value_text(item->name));
    value_builder_set(&b, "title", value_text(points_words_of(g, &item->title, item->name)));
    value_builder_set(&b, "description", value_text(points_words_of(g, &item->description, "")));
    value_builder_set(&b, "price", value_int(price));
    value_builder_set(&b, "left", item->unlimited ? value_null() : value_int(left));
    value_builder_set(&b, "per_holder", item->limit.amount != NULL ? value_int(limit) : value_null());
    if (within.len > 0)
        value_builder_set_copy(&b, "fulfil_within", within.data);
    if (item->service != NULL)
        value_builder_set(&b, "service", value_text(item->service));
    *out = value_builder_map(&b);
    rc = b.failed || within.failed ? base_nomem(d) : GOV_OK;
    base_buf_free(&within);
    return rc;
}

gov_status points_show_catalogue(gov *g, const points_programme *p, value *out, const diag *d)
{
    value_builder list;
    value_builder_init(&list, &g->scratch);
    for (uint32_t i = 0; i < p->item_count; i++) {
        value item = value_null();
        const gov_status rc = show_item(g, p, &p->items[i], &item, d);
        if (rc != GOV_OK)
            return rc;
        value_builder_add(&list, item);
    }
    *out = value_builder_list(&list);
    return list.failed ? base_nomem(d) : GOV_OK;
}
