/* The ways to the history against the history: what every account's trail and its chunks should be is made once more from all
 * transfers, in the order of time. An account costs a few numbers in memory; only one that differs is looked at chunk by chunk. */
#include "ledger/stored.h"

#include <string.h>

/* What a chunk says beside its place and its links. */
typedef struct content {
    int64_t first_us, last_us, balance[4], sides;
    uint64_t items;
} content;

typedef struct history {
    int64_t id, seq;
    content open; /* of the transfers after the last full chunk */
    uint32_t count;
    uint32_t chunks;
    uint64_t sum; /* over the chunks */
} history;

typedef struct chunk {
    int64_t seq, number, previous, jump;
    content c;
} chunk;

typedef struct checking {
    ledger *l;
    const diag *d;
    history *items;
    size_t count, cap;
    ledger_index at;
    int64_t rows;
    int64_t wanted; /* the account whose chunks are collected; 0: none */
    chunk *should, *stands;
    size_t should_count, should_cap, stands_count, stands_cap;
} checking;

static uint64_t mix(uint64_t x, uint64_t y)
{
    x = (x ^ y) * UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 29;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 32;
}

static uint64_t content_digest(const content *c, int64_t number)
{
    uint64_t h = mix(c->items, (uint64_t)number + 1);
    h = mix(mix(h, (uint64_t)c->first_us), (uint64_t)c->last_us);
    for (int i = 0; i < 4; i++)
        h = mix(h, (uint64_t)c->balance[i]);
    return mix(h, (uint64_t)c->sides);
}

/* ---- what should be ---- */

static gov_status follow_side(checking *k, const ledger_row *r, int side)
{
    const uint32_t at =
        ledger_index_get(&k->at, side == 0 ? r->t.debit_account : r->t.credit_account);
    int64_t change[4];
    if (at == LEDGER_NONE)
        return GOV_OK; /* said already: its row is gone */
    history *h = &k->items[at];
    ledger_effect(r, side, change);
    for (int i = 0; i < 4; i++)
        h->open.balance[i] = (int64_t)((uint64_t)h->open.balance[i] + (uint64_t)change[i]);
    if (h->count == 0)
        h->open.first_us = r->t.timestamp;
    h->open.last_us = r->t.timestamp;
    h->open.sides |= (int64_t)side << h->count;
    h->open.items = mix(h->open.items, (uint64_t)r->seq);
    if (++h->count < LEDGER_TRAIL_ITEMS)
        return GOV_OK;
    if (h->id == k->wanted) {
        if (!base_grow(k->l->alloc, &k->should, &k->should_cap, k->should_count, sizeof *k->should))
            return base_nomem(k->d);
        k->should[k->should_count++] = (chunk){.number = h->chunks, .c = h->open};
    }
    h->sum += content_digest(&h->open, h->chunks++);
    h->open.sides = 0;
    h->open.items = 0;
    h->count = 0;
    return GOV_OK;
}

static gov_status follow_all(checking *k)
{
    ledger_scan *scan;
    ledger_row r;
    gov_status rc =
        ledger_scan_open(k->l,
                         &(ledger_want){.from_us = INT64_MIN, .to_us = INT64_MAX, .expiries = true},
                         &scan, k->d);
    while (rc == GOV_OK && (rc = ledger_scan_next(scan, &r, k->d)) == GOV_OK) {
        rc = follow_side(k, &r, 0);
        if (rc == GOV_OK)
            rc = follow_side(k, &r, 1);
    }
    ledger_scan_close(scan);
    return rc == GOV_END ? GOV_OK : rc;
}

/* ---- what stands ---- */

#define CHUNK_COLUMNS                                                                 \
    "seq, number, previous, jump, first_us, last_us, debits_pending, debits_posted, " \
    "credits_pending, credits_posted, "                                               \
    "sides, items, account FROM gov_ledger_trail WHERE community = $1 AND "

static uint64_t items_digest(const int64_t *items, size_t n)
{
    uint64_t h = 0;
    for (size_t i = 0; i < n; i++)
        h = mix(h, (uint64_t)items[i]);
    return h;
}

static int64_t link_of(store_rows *rows, int column)
{
    const int64_t n = store_int(rows, column);
    return n == 0 && !store_is_null(rows, column) ? INT64_MIN : n;
}

static void take_chunk(store_rows *rows, chunk *out)
{
    int64_t items[LEDGER_TRAIL_ITEMS] = {0};
    size_t len;
    *out =
        (chunk){store_int(rows, 0),
                store_int(rows, 1),
                link_of(rows, 2),
                link_of(rows, 3),
                {store_int(rows, 4),
                 store_int(rows, 5),
                 {store_int(rows, 6), store_int(rows, 7), store_int(rows, 8), store_int(rows, 9)},
                 store_int(rows, 10),
                 0}};
    const void *bytes = store_bytes(rows, 11, &len);
    uint8_t again[LEDGER_TRAIL_ITEMS * 10];
    if (ledger_items_read(items, LEDGER_TRAIL_ITEMS, bytes, len) &&
        ledger_items_write(items, LEDGER_TRAIL_ITEMS, again) == len)
        out->c.items = items_digest(items, LEDGER_TRAIL_ITEMS);
}

static gov_status keep_chunk(checking *k, const chunk *c)
{
    if (!base_grow(k->l->alloc, &k->stands, &k->stands_cap, k->stands_count, sizeof *k->stands))
        return base_nomem(k->d);
    k->stands[k->stands_count++] = *c;
    return GOV_OK;
}

/* From the newest to the oldest, as far as the links lead, into `stands` in the order of their making. */
static gov_status walk(checking *k, const history *h, const ledger_trail *t, bool *whole)
{
    static const store_sql sql = {"SELECT " CHUNK_COLUMNS "seq = $2", 0};
    int64_t seq = t->top > 0 ? t->spine[t->top - 1] : 0;
    gov_status rc = GOV_OK;
    k->stands_count = 0;
    while (seq != 0 && rc == GOV_OK && k->stands_count <= h->chunks) {
        store_rows rows;
        chunk c;
        rc = store_first(k->l->s, &sql, STORE_ARGS(store_i(k->l->community), store_i(seq)), &rows,
                         k->d);
        if (rc != GOV_OK)
            break;
        take_chunk(&rows, &c);
        const bool own = store_int(&rows, 12) == h->id;
        store_rows_close(&rows);
        if (!own)
            break;
        rc = keep_chunk(k, &c);
        seq = c.previous;
    }
    *whole = seq == 0 && k->stands_count == h->chunks;
    for (size_t i = 0; i < k->stands_count / 2; i++) {
        const chunk c = k->stands[i];
        k->stands[i] = k->stands[k->stands_count - 1 - i];
        k->stands[k->stands_count - 1 - i] = c;
    }
    return rc == GOV_END ? GOV_OK : rc;
}

/* Do links and trail follow from the chunks as they stand? *at: the first chunk whose links do not; stands_count: none. */
static bool linked(const checking *k, const history *h, const ledger_trail *t, size_t *at)
{
    ledger_trail made = {.count = 0};
    uint64_t sum = 0;
    for (*at = 0; *at < k->stands_count; (*at)++) {
        const chunk *c = &k->stands[*at];
        ledger_links links = {0};
        made.count = LEDGER_TRAIL_ITEMS;
        if (!ledger_trail_flush(&made, c->seq, &links) || links.previous != c->previous ||
            links.jump != c->jump)
            return false;
        sum += content_digest(&c->c, c->number);
    }
    return sum == h->sum && made.top == t->top && made.chunks == t->chunks &&
           memcmp(made.spine, t->spine, made.top * sizeof *made.spine) == 0 &&
           memcmp(made.weight, t->weight, made.top) == 0;
}

static bool same_tail(const history *h, const ledger_trail *t)
{
    return t->count == h->count && items_digest(t->items, t->count) == h->open.items &&
           (int64_t)t->sides == h->open.sides && (t->count == 0 || t->first_us == h->open.first_us);
}

/* ---- naming what differs ---- */

static gov_status differs(checking *k, const char *table, int64_t row, const char *column,
                          int64_t is, int64_t should)
{
    char text[3][24];
    const int64_t n[] = {row, is, should};
    for (int i = 0; i < 3; i++)
        (void)base_format_int(n[i] == INT64_MIN ? 0 : n[i], text[i]);
    return base_fail(k->d, M_row_differs, A_S("table", table), A_S("row", text[0]),
                     A_S("column", column), A_S("is", text[1]), A_S("should", text[2]));
}

static gov_status trail_differs(checking *k, const history *h)
{
    char row[24];
    (void)base_format_int(h->seq, row);
    return base_fail(k->d, M_row_differs, A_S("table", "gov_ledger_balance"), A_S("row", row),
                     A_S("column", "trail"), A_S("is", "another"),
                     A_S("should", "the way to the account's transfers"));
}

static gov_status gone(checking *k, int64_t seq)
{
    char row[24];
    (void)base_format_int(seq, row);
    return base_fail(k->d, M_row_gone, A_S("table", "gov_ledger_trail"), A_S("row", row));
}

static gov_status compare_content(checking *k, const chunk *is, const chunk *should)
{
    static const char *const names[] = {"debits_pending", "debits_posted", "credits_pending",
                                        "credits_posted"};
    static const char table[] = "gov_ledger_trail";
    const content *a = &is->c, *b = &should->c;
    if (is->number != should->number)
        return differs(k, table, is->seq, "number", is->number, should->number);
    if (a->first_us != b->first_us)
        return differs(k, table, is->seq, "first_us", a->first_us, b->first_us);
    if (a->last_us != b->last_us)
        return differs(k, table, is->seq, "last_us", a->last_us, b->last_us);
    for (int i = 0; i < 4; i++)
        if (a->balance[i] != b->balance[i])
            return differs(k, table, is->seq, names[i], a->balance[i], b->balance[i]);
    if (a->sides != b->sides)
        return differs(k, table, is->seq, "sides", a->sides, b->sides);
    return a->items != b->items
               ? differs(k, table, is->seq, "items", (int64_t)a->items, (int64_t)b->items)
               : GOV_OK;
}

static gov_status read_chunks(checking *k, const history *h)
{
    static const store_sql sql = {"SELECT " CHUNK_COLUMNS
                                  "account = $2 AND seq > $3 ORDER BY seq LIMIT 512",
                                  0};
    int64_t after = INT64_MIN;
    gov_status rc = GOV_OK;
    k->stands_count = 0;
    for (int page = 512; page == 512 && rc == GOV_OK;) {
        store_rows rows;
        page = 0;
        rc = store_query(k->l->s, &sql,
                         STORE_ARGS(store_i(k->l->community), store_i(h->id), store_i(after)),
                         &rows, k->d);
        while (rc == GOV_OK && (rc = store_next(&rows, k->d)) == GOV_OK) {
            chunk c;
            take_chunk(&rows, &c);
            after = c.seq;
            page++;
            rc = keep_chunk(k, &c);
        }
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
    }
    return rc;
}

static bool stands(const checking *k, int64_t seq)
{
    for (size_t i = 0; i < k->stands_count; i++)
        if (k->stands[i].seq == seq)
            return true;
    return false;
}

/* A link into nothing: several that agree speak for a chunk whose number was changed or that is gone, one alone against itself. */
static gov_status check_link(checking *k, const ledger_trail *t, size_t at, const char *column,
                             int64_t is, int64_t should)
{
    int agree = 0;
    for (size_t i = 0; i < k->stands_count; i++)
        agree += (k->stands[i].previous == is) + (k->stands[i].jump == is);
    for (unsigned i = 0; i < t->top; i++)
        agree += t->spine[i] == is;
    return agree > 1 && is != 0 && !stands(k, is)
               ? gone(k, is)
               : differs(k, "gov_ledger_trail", k->stands[at].seq, column, is, should);
}

static gov_status name_chunk(checking *k, const history *h, const ledger_trail *t)
{
    size_t at;
    k->wanted = h->id;
    for (size_t i = 0; i < k->count; i++)
        k->items[i] = (history){.id = k->items[i].id, .seq = k->items[i].seq};
    gov_status rc = follow_all(k);
    if (rc == GOV_OK)
        rc = read_chunks(k, h);
    for (unsigned i = 0; i < t->top && rc == GOV_OK; i++)
        if (!stands(k, t->spine[i]))
            rc = gone(k, t->spine[i]);
    for (size_t i = 0; i < k->stands_count && i < k->should_count && rc == GOV_OK; i++)
        rc = compare_content(k, &k->stands[i], &k->should[i]);
    if (rc == GOV_OK && k->stands_count > k->should_count)
        rc = differs(k, "gov_ledger_trail", k->stands[k->should_count].seq, "account", h->id, 0);
    if (rc != GOV_OK || linked(k, h, t, &at) || at >= k->stands_count)
        return rc == GOV_OK ? trail_differs(k, h) : rc;
    ledger_trail made = {.count = 0};
    ledger_links links = {0};
    for (size_t i = 0; i <= at; i++) {
        made.count = LEDGER_TRAIL_ITEMS;
        (void)ledger_trail_flush(&made, k->stands[i].seq, &links);
    }
    const chunk *c = &k->stands[at];
    return c->previous != links.previous
               ? check_link(k, t, at, "previous", c->previous, links.previous)
               : check_link(k, t, at, "jump", c->jump, links.jump);
}

/* ---- all of it ---- */

static gov_status check_account(checking *k, const history *h, const void *bytes, size_t len)
{
    ledger_trail t = {.count = 0};
    bool whole;
    size_t at;
    if (!ledger_trail_read(&t, bytes, len))
        return trail_differs(k, h);
    gov_status rc = walk(k, h, &t, &whole);
    k->rows += (int64_t)k->stands_count;
    if (rc == GOV_OK && !same_tail(h, &t))
        return trail_differs(k, h);
    if (rc == GOV_OK && (!whole || !linked(k, h, &t, &at))) {
        const history copy = *h;
        rc = name_chunk(k, &copy, &t);
    }
    return rc;
}

/* Twice: first to know the accounts, then to compare them. */
static gov_status each_account(checking *k, bool compare)
{
    static const store_sql sql = {"SELECT b.seq, a.id, b.trail FROM " LEDGER_ACCOUNT_TABLES
                                  " WHERE a.community = $1 AND a.seq > $2 ORDER BY a.seq LIMIT 512",
                                  0};
    int64_t seq = INT64_MIN;
    gov_status rc = GOV_OK;
    for (int page = 512; page == 512 && rc == GOV_OK;) {
        store_rows rows;
        size_t len;
        page = 0;
        rc = store_query(k->l->s, &sql, STORE_ARGS(store_i(k->l->community), store_i(seq)), &rows,
                         k->d);
        while (rc == GOV_OK && (rc = store_next(&rows, k->d)) == GOV_OK) {
            seq = store_int(&rows, 0);
            page++;
            const int64_t id = store_int(&rows, 1);
            if (compare) {
                const void *bytes = store_bytes(&rows, 2, &len);
                rc = check_account(k, &k->items[ledger_index_get(&k->at, id)], bytes, len);
            } else if (!base_grow(k->l->alloc, &k->items, &k->cap, k->count, sizeof *k->items) ||
                       !ledger_index_reserve(&k->at, 1)) {
                rc = base_nomem(k->d);
            } else {
                ledger_index_set(&k->at, id, (uint32_t)k->count);
                k->items[k->count++] = (history){.id = id, .seq = seq};
            }
        }
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
    }
    return rc;
}

/* Chunks that no account's way leads to. */
static gov_status check_rest(checking *k)
{
    static const store_sql count = {"SELECT count(*) FROM gov_ledger_trail WHERE community = $1",
                                    0};
    static const store_sql last = {
        "SELECT seq FROM gov_ledger_trail WHERE community = $1 ORDER BY seq DESC LIMIT 1", 0};
    int64_t n = 0, seq = 0;
    char row[24];
    gov_status rc =
        store_first_int(k->l->s, &count, STORE_ARGS(store_i(k->l->community)), &n, k->d);
    if (rc != GOV_OK || n == k->rows)
        return rc;
    rc = store_first_int(k->l->s, &last, STORE_ARGS(store_i(k->l->community)), &seq, k->d);
    (void)base_format_int(seq, row);
    return rc == GOV_OK
               ? base_fail(k->d, M_row_unknown, A_S("table", "gov_ledger_trail"), A_S("row", row))
               : rc;
}

gov_status ledger_verify_trails(ledger *l, const diag *d)
{
    checking k = {.l = l, .d = d, .at.alloc = l->alloc};
    gov_status rc = ledger_load_clocks(l, d);
    if (rc == GOV_OK)
        rc = each_account(&k, false);
    if (rc == GOV_OK)
        rc = follow_all(&k);
    if (rc == GOV_OK)
        rc = each_account(&k, true);
    if (rc == GOV_OK)
        rc = check_rest(&k);
    ledger_index_free(&k.at);
    base_free(l->alloc, k.items);
    base_free(l->alloc, k.should);
    base_free(l->alloc, k.stands);
    return rc;
}
