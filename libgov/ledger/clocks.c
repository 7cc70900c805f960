/* The row of each ledger against its accounts and transfers: how many, how far. */
#include "ledger/stored.h"

#include <string.h>

static ledger_extent *extent_of(ledger_extents *x, uint32_t book)
{
    if (x->last < x->count && x->items[x->last].book == book)
        return &x->items[x->last];
    for (x->last = 0; x->last < x->count; x->last++)
        if (x->items[x->last].book == book)
            return &x->items[x->last];
    if (!base_grow(x->alloc, &x->items, &x->cap, x->count, sizeof *x->items))
        return NULL;
    x->items[x->count++] = (ledger_extent){.book = book};
    return &x->items[x->last];
}

bool ledger_extent_row(ledger_extents *x, const ledger_row *r)
{
    ledger_extent *e = extent_of(x, r->t.ledger);
    if (e == NULL)
        return false;
    if (e->first_seq == 0 || r->seq < e->first_seq)
        e->first_seq = r->seq;
    if (r->seq > e->last_seq)
        e->last_seq = r->seq;
    if (r->t.timestamp > e->transfer_us)
        e->transfer_us = r->t.timestamp;
    if (r->t.id > e->last_id)
        e->last_id = r->t.id;
    return true;
}

bool ledger_extent_failed(ledger_extents *x, uint32_t book, int64_t id)
{
    ledger_extent *e = extent_of(x, book);
    if (e != NULL && id > e->last_id)
        e->last_id = id;
    return e != NULL;
}

bool ledger_extent_account(ledger_extents *x, uint32_t book, int64_t at_us)
{
    ledger_extent *e = extent_of(x, book);
    if (e == NULL)
        return false;
    e->accounts++;
    if (at_us > e->account_us)
        e->account_us = at_us;
    return true;
}

static gov_status differs(uint32_t book, const char *column, int64_t is, int64_t should,
                          const diag *d)
{
    char text[3][24];
    (void)base_format_int(book, text[0]);
    (void)base_format_int(is, text[1]);
    (void)base_format_int(should, text[2]);
    return base_fail(d, M_row_differs, A_S("table", "gov_ledger_book"), A_S("row", text[0]),
                     A_S("column", column), A_S("is", text[1]), A_S("should", text[2]));
}

/* Nothing may be due before the ledger looks; that it looks too early costs it one look. A lot that there is no room for is not due; when
 * some was released after it expired, it is due since then. */
static gov_status check_due(ledger *l, const ledger_clock *c, const diag *d)
{
    static const store_sql pending = {"SELECT due_us FROM gov_ledger_pending WHERE community = $1 "
                                      "AND ledger = $2 AND status = 1 AND due_us "
                                      "IS NOT NULL ORDER BY due_us NULLS FIRST, seq LIMIT 1",
                                      0};
    static const store_sql lots = {"SELECT t.expires_us FROM " LEDGER_LOTS_AND_ROOM
                                   " WHERE " LEDGER_LOT_DUE " AND t.rest <= " LEDGER_ROOM
                                   " ORDER BY t.expires_us, t.seq LIMIT 1",
                                   0};
    int64_t due = INT64_MAX, expires = INT64_MAX;
    const store_arg args[] = {store_i(l->community), store_i(c->book)};
    gov_status rc = store_first_int(l->s, &pending, args, 2, &due, d);
    if (rc == GOV_OK || rc == GOV_END)
        rc = store_first_int(l->s, &lots, args, 2, &expires, d);
    if (rc != GOV_OK && rc != GOV_END)
        return rc;
    if (rc == GOV_OK && expires < c->transfer_us)
        expires = c->transfer_us;
    due = due < expires ? due : expires;
    return c->due_us > due ? differs(c->book, "due_us", c->due_us, due, d) : GOV_OK;
}

static gov_status check_clock(ledger *l, const ledger_clock *c, const ledger_extent *e,
                              const diag *d)
{
    static const store_sql caps = {
        "SELECT count(*) FROM gov_ledger_cap WHERE community = $1 AND ledger = $2", 0};
    const struct {
        const char *column;
        int64_t is, should;
    } n[] = {{"accounts", c->accounts, e->accounts},
             {"account_us", c->account_us, e->account_us},
             {"transfer_us", c->transfer_us, e->transfer_us},
             {"last_seq", c->last_seq, e->last_seq},
             {"last_id", c->last_id, e->last_id},
             {"first_seq", c->first_seq, e->first_seq}};
    for (size_t i = 0; i < ARRAY_LEN(n); i++)
        if (n[i].is != n[i].should)
            return differs(c->book, n[i].column, n[i].is, n[i].should, d);
    int64_t count = 0;
    const gov_status rc =
        store_first_int(l->s, &caps, STORE_ARGS(store_i(l->community), store_i(c->book)), &count,
                        d);
    if (rc == GOV_OK && count != c->caps)
        return differs(c->book, "caps", c->caps, count, d);
    return rc == GOV_OK ? check_due(l, c, d) : rc;
}

gov_status ledger_check_clocks(ledger *l, const ledger_extents *x, const diag *d)
{
    static const ledger_extent nothing = {0};
    gov_status rc = GOV_OK;
    char row[24];
    for (size_t i = 0; i < x->count && rc == GOV_OK; i++)
        if (ledger_clock_of(&l->b, x->items[i].book) == NULL) {
            (void)base_format_int(x->items[i].book, row);
            rc = base_fail(d, M_row_gone, A_S("table", "gov_ledger_book"), A_S("row", row));
        }
    for (size_t i = 0; i < l->b.clock_count && rc == GOV_OK; i++) {
        const ledger_extent *e = &nothing;
        for (size_t k = 0; k < x->count; k++)
            e = x->items[k].book == l->b.clocks[i].book ? &x->items[k] : e;
        rc = check_clock(l, &l->b.clocks[i], e, d);
    }
    return rc;
}
