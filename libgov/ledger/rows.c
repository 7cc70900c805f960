/* Transfers out of their blocks: by seq, by id, and in the order of time. */
#include "ledger/stored.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_COLUMNS "b.ledger, b.seq, b.transfers, b.first_us, b.last_us, b.entry, b.data"
/* The block that a seq would lie in. */
#define AT(n)                                                                                \
    "(SELECT seq FROM gov_ledger_block WHERE community = $1 AND ledger = $2 AND seq <= $" #n \
    " ORDER BY seq DESC LIMIT 1)"
#define AT_2 AT(3) ", " AT(4)
#define AT_8(a, b, c, d, e, f, g, h) \
    AT(a) ", " AT(b) ", " AT(c) ", " AT(d) ", " AT(e) ", " AT(f) ", " AT(g) ", " AT(h)
#define AT_32                                                                                     \
    AT_8(3, 4, 5, 6, 7, 8, 9, 10)                                                                 \
    ", " AT_8(11, 12, 13, 14, 15, 16, 17, 18) ", " AT_8(19, 20, 21, 22, 23, 24, 25,               \
                                                        26) ", " AT_8(27, 28, 29, 30, 31, 32, 33, \
                                                                      34)

enum { FEW = 2, MANY = 32 };

static gov_status take_block(store_rows *rows, ledger_block *b, const diag *d)
{
    const int64_t count = store_int(rows, 2);
    size_t len;
    b->book = (uint32_t)store_int(rows, 0);
    b->seq = store_int(rows, 1);
    b->count = count > 0 && count <= LEDGER_BLOCK_ROWS ? (uint32_t)count : 0;
    b->first_us = store_int(rows, 3);
    b->last_us = store_int(rows, 4);
    b->entry = store_int(rows, 5);
    const uint8_t *data = store_bytes(rows, 6, &len);
    return ledger_block_read(b, data, len)
               ? GOV_OK
               : base_fail(d, M_ledger_block_damaged, A_I("ledger", b->book), A_I("seq", b->seq));
}

/* ---- by seq ---- */

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Asks for the blocks of `width` seqs, repeating the last one where there are fewer. */
static gov_status probe(ledger *l, const store_sql *sql, uint32_t book, const int64_t *seqs,
                        size_t n, size_t width, store_rows *rows, const diag *d)
{
    store_arg args[2 + MANY];
    args[0] = store_i(l->community);
    args[1] = store_i(book);
    for (size_t i = 0; i < width; i++)
        args[2 + i] = store_i(seqs[i < n ? i : n - 1]);
    return store_query(l->s, sql, args, 2 + width, rows, d);
}

/* What of the ascending seqs lies in the block, from `at` on; those before it are nowhere. */
static gov_status give(const ledger_block *b, const int64_t *seqs, size_t n, size_t *at,
                       ledger_take_row *take, void *user, const diag *d)
{
    const int64_t last = ledger_block_field(b, LEDGER_COL_SEQ, b->count - 1);
    gov_status rc = GOV_OK;
    while (*at < n && seqs[*at] <= last && rc == GOV_OK) {
        const size_t i = seqs[*at] >= b->seq ? ledger_block_find(b, seqs[*at]) : b->count;
        ledger_row r;
        (*at)++;
        if (i == b->count)
            continue;
        ledger_block_row(b, i, &r);
        rc = take(user, &r, d);
    }
    return rc;
}

gov_status ledger_rows_by_seq(ledger *l, uint32_t book, const int64_t *seqs, size_t n,
                              ledger_take_row *take, void *user, const diag *d)
{
    static const store_sql few = {"SELECT " BLOCK_COLUMNS
                                  " FROM gov_ledger_block b WHERE b.community = $1 AND b.ledger = "
                                  "$2 AND b.seq IN (" AT_2 ") ORDER BY b.seq",
                                  0};
    static const store_sql many = {"SELECT " BLOCK_COLUMNS
                                   " FROM gov_ledger_block b WHERE b.community = $1 AND b.ledger = "
                                   "$2 AND b.seq IN (" AT_32 ") ORDER BY b.seq",
                                   0};
    /* Where a question costs no round trip, one at a time is cheapest. */
    static const store_sql one = {"SELECT " BLOCK_COLUMNS
                                  " FROM gov_ledger_block b WHERE b.community = $1 AND b.ledger = "
                                  "$2 AND b.seq <= $3 ORDER BY b.seq DESC LIMIT 1",
                                  0};
    const bool near = store_kind_of(l->s) == STORE_SQLITE;
    int64_t *sorted = base_array(l->alloc, n + 1, sizeof *sorted);
    if (sorted == NULL)
        return base_nomem(d);
    if (n > 0)
        memcpy(sorted, seqs, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, ascending);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || sorted[kept - 1] != sorted[i])
            sorted[kept++] = sorted[i];
    gov_status rc = GOV_OK;
    for (size_t at = 0; at < kept && rc == GOV_OK;) {
        const size_t left = kept - at, width = near ? 1 : left <= FEW ? FEW : MANY;
        const size_t asked = at + (left < width ? left : width);
        ledger_block b;
        store_rows rows;
        rc = probe(l,
                   near           ? &one
                   : width == FEW ? &few
                                  : &many,
                   book, sorted + at, left, width, &rows, d);
        while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
            rc = take_block(&rows, &b, d);
            if (rc == GOV_OK)
                rc = give(&b, sorted, kept, &at, take, user, d);
        }
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
        at = at < asked ? asked : at; /* the rest of what was asked for is nowhere */
    }
    base_free(l->alloc, sorted);
    return rc;
}

/* ---- by id ---- */

typedef struct seeking {
    const int64_t *ids; /* ascending */
    size_t n;
    bool *found;
    bool native; /* rows whose id is their seq, else those that have one of their own */
    ledger_take_row *take;
    void *user;
} seeking;

static gov_status take_id(void *user, const ledger_row *r, const diag *d)
{
    seeking *s = user;
    const int64_t *at = r->kind == LEDGER_EXPIRY || r->native != s->native
                            ? NULL
                            : bsearch(&r->t.id, s->ids, s->n, sizeof *s->ids, ascending);
    if (at == NULL || s->found[at - s->ids])
        return GOV_OK;
    s->found[at - s->ids] = true;
    return s->take(s->user, r, d);
}

typedef struct place {
    int64_t book, seq;
} place;

static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->book != y->book)
        return x->book < y->book ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

typedef struct places {
    place *items;
    size_t count;
} places;

static gov_status take_place(void *user, store_rows *rows, const diag *d)
{
    places *p = user;
    (void)d;
    p->items[p->count++] = (place){store_int(rows, 0), store_int(rows, 1)};
    return GOV_OK;
}

/* Those with an id from elsewhere. */
static gov_status by_other_id(ledger *l, const int64_t *ids, size_t n, place *items, int64_t *seqs,
                              seeking *s, const diag *d)
{
    static const ledger_list by_id = {{"SELECT ledger, seq FROM gov_ledger_id WHERE community = $1 "
                                       "AND id IN (" LEDGER_PARAMS_4 ")",
                                       0},
                                      {"SELECT ledger, seq FROM gov_ledger_id WHERE community = $1 "
                                       "AND id IN (" LEDGER_PARAMS_128 ")",
                                       0}};
    places p = {items, 0};
    gov_status rc = ledger_each(l, &by_id, ids, n, take_place, &p, d);
    qsort(p.items, p.count, sizeof *p.items, by_place);
    for (size_t from = 0, to; from < p.count && rc == GOV_OK; from = to) {
        for (to = from; to < p.count && p.items[to].book == p.items[from].book; to++)
            seqs[to - from] = p.items[to].seq;
        rc = ledger_rows_by_seq(l, (uint32_t)p.items[from].book, seqs, to - from, take_id, s, d);
    }
    return rc;
}

/* Ids of this store's making are seqs of some ledger; what is in none of them is looked up. */
static gov_status find_ids(ledger *l, seeking *s, place *items, int64_t *some, int64_t *rest,
                           const diag *d)
{
    gov_status rc = GOV_OK;
    size_t count = 0;
    s->native = true;
    for (size_t k = 0; k < l->b.clock_count && rc == GOV_OK; k++) {
        const ledger_clock *c = &l->b.clocks[k];
        count = 0;
        for (size_t i = 0; i < s->n; i++)
            if (!s->found[i] && s->ids[i] >= c->first_seq && s->ids[i] <= c->last_seq)
                some[count++] = s->ids[i];
        if (count > 0 && c->first_seq != 0)
            rc = ledger_rows_by_seq(l, c->book, some, count, take_id, s, d);
    }
    count = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!s->found[i])
            rest[count++] = s->ids[i];
    s->native = false;
    if (rc == GOV_OK && count > 0)
        rc = by_other_id(l, rest, count, items, some, s, d);
    return rc;
}

gov_status ledger_rows_by_id(ledger *l, const int64_t *ids, size_t n, ledger_take_row *take,
                             void *user, const diag *d)
{
    if (n == 0)
        return GOV_OK;
    int64_t *sorted = base_array(l->alloc, 3 * n, sizeof *sorted);
    bool *found = base_array(l->alloc, n, sizeof *found);
    place *items = base_array(l->alloc, n + LEDGER_LIST_MANY, sizeof *items);
    gov_status rc = sorted != NULL && found != NULL && items != NULL ? GOV_OK : base_nomem(d);
    if (rc == GOV_OK) {
        size_t kept = 0;
        memcpy(sorted, ids, n * sizeof *ids);
        qsort(sorted, n, sizeof *sorted, ascending);
        for (size_t i = 0; i < n; i++)
            if (sorted[i] > 0 && (kept == 0 || sorted[kept - 1] != sorted[i]))
                sorted[kept++] = sorted[i];
        memset(found, 0, n * sizeof *found);
        seeking s = {.ids = sorted, .n = kept, .found = found, .take = take, .user = user};
        rc = find_ids(l, &s, items, sorted + n, sorted + 2 * n, d);
    }
    base_free(l->alloc, sorted);
    base_free(l->alloc, found);
    base_free(l->alloc, items);
    return rc;
}

/* ---- by time ---- */

/* The seq of the last block of a ledger that begins at or before an instant; GOV_END: none does. Seqs and instants ascend together, so
 * that the range between can be halved again and again. */
static gov_status block_at_near(ledger *l, const ledger_clock *c, int64_t us, int64_t *seq,
                                const diag *d)
{
    static const store_sql sql = {"SELECT seq, first_us FROM gov_ledger_block WHERE community = $1 "
                                  "AND ledger = $2 AND seq <= $3 ORDER BY seq DESC LIMIT 1",
                                  0};
    int64_t low = c->first_seq, high = c->last_seq;
    bool any = false;
    while (low <= high) {
        const int64_t middle = low + (high - low) / 2;
        store_rows rows;
        const gov_status rc =
            store_first(l->s, &sql,
                        STORE_ARGS(store_i(l->community), store_i(c->book), store_i(middle)), &rows,
                        d);
        if (rc != GOV_OK)
            return rc;
        const int64_t found = store_int(&rows, 0);
        const bool before = store_int(&rows, 1) <= us;
        store_rows_close(&rows);
        if (before)
            *seq = found;
        any = any || before;
        low = before ? middle + 1 : low;
        high = before ? high : found - 1;
    }
    return any ? GOV_OK : GOV_END;
}

/* The same; where a question costs a round trip, each cuts the range into thirty-two. */
static gov_status block_at(ledger *l, const ledger_clock *c, int64_t us, int64_t *seq,
                           const diag *d)
{
    static const store_sql sql = {
        "SELECT b.seq, b.first_us FROM gov_ledger_block b WHERE b.community = $1 AND b.ledger = $2 "
        "AND b.seq IN (" AT_32 ") ORDER BY b.seq",
        0};
    if (store_kind_of(l->s) == STORE_SQLITE)
        return block_at_near(l, c, us, seq, d);
    int64_t low = c->first_seq, high = c->last_seq;
    bool any = false;
    for (bool more = low != 0; more;) {
        int64_t probes[MANY];
        for (int64_t i = 0; i < MANY; i++)
            probes[i] = i == 0 ? low : i == MANY - 1 ? high : low + (high - low) / (MANY - 1) * i;
        store_rows rows;
        const int64_t from = low;
        more = false;
        gov_status rc = probe(l, &sql, c->book, probes, MANY, MANY, &rows, d);
        while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
            const int64_t found = store_int(&rows, 0);
            if (store_int(&rows, 1) > us) {
                more = more || found - 1 < high;
                high = found - 1 < high ? found - 1 : high;
                break;
            }
            any = true;
            more = more || found > from;
            low = found;
        }
        store_rows_close(&rows);
        if (rc != GOV_OK && rc != GOV_END)
            return rc;
        more = more && low <= high;
    }
    *seq = low;
    return any ? GOV_OK : GOV_END;
}

typedef struct cursor {
    uint32_t book;
    ledger_block blocks[LEDGER_SCAN_BLOCKS];
    base_buf bytes;
    size_t count, at, row; /* blocks read, the present one, the next row in it */
    int64_t next, most;    /* where to read on, and how many */
    bool ended, has;
    ledger_row current;
} cursor;

struct ledger_scan {
    ledger *l;
    ledger_want want;
    cursor *cursors;
    size_t count;
};

static gov_status read_blocks(ledger_scan *s, cursor *c, const diag *d)
{
    static const store_sql up = {"SELECT " BLOCK_COLUMNS
                                 " FROM gov_ledger_block b WHERE b.community = $1 AND b.ledger = "
                                 "$2 AND b.seq >= $3 ORDER BY b.seq LIMIT $4",
                                 0};
    static const store_sql down = {"SELECT " BLOCK_COLUMNS
                                   " FROM gov_ledger_block b WHERE b.community = $1 AND b.ledger = "
                                   "$2 AND b.seq <= $3 ORDER BY b.seq DESC LIMIT $4",
                                   0};
    size_t offsets[LEDGER_SCAN_BLOCKS], lens[LEDGER_SCAN_BLOCKS];
    store_rows rows;
    c->count = c->at = 0;
    c->most = c->most == 0 ? 2 : LEDGER_SCAN_BLOCKS; /* a short page is had from the first two */
    base_buf_clear(&c->bytes);
    gov_status rc = store_query(s->l->s, s->want.reversed ? &down : &up,
                                STORE_ARGS(store_i(s->l->community), store_i(c->book),
                                           store_i(c->next), store_i(c->most)),
                                &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        rc = take_block(&rows, &c->blocks[c->count], d);
        const uint8_t *data = store_bytes(&rows, 6, &lens[c->count]);
        offsets[c->count] = c->bytes.len;
        base_buf_add(&c->bytes, data, lens[c->count]);
        if (rc == GOV_OK && c->bytes.failed)
            rc = base_nomem(d);
        c->next = s->want.reversed ? c->blocks[c->count].seq - 1 : c->blocks[c->count].seq + 1;
        c->count++;
    }
    store_rows_close(&rows);
    if (rc != GOV_END)
        return rc;
    /* The bytes have found their place. */
    for (size_t i = 0; i < c->count; i++)
        (void)ledger_block_read(&c->blocks[i], (const uint8_t *)c->bytes.data + offsets[i],
                                lens[i]);
    c->ended = c->count == 0;
    return GOV_OK;
}

static const struct {
    int column;
    size_t offset;
    bool narrow;
} wants[] = {{LEDGER_COL_SUBJECT, offsetof(ledger_want, subject), false},
             {LEDGER_COL_REFERENCE, offsetof(ledger_want, reference), false},
             {LEDGER_COL_REASON, offsetof(ledger_want, reason), true},
             {LEDGER_COL_CODE, offsetof(ledger_want, code), true}};

static int64_t wanted(const ledger_want *w, size_t i)
{
    const char *p = (const char *)w + wants[i].offset;
    return wants[i].narrow ? *(const uint32_t *)(const void *)p : *(const int64_t *)(const void *)p;
}

static bool block_may_match(const ledger_want *w, const ledger_block *b)
{
    for (size_t i = 0; i < ARRAY_LEN(wants); i++)
        if (wanted(w, i) != 0 && !ledger_block_may_hold(b, wants[i].column, wanted(w, i)))
            return false;
    return b->first_us <= w->to_us && b->last_us >= w->from_us;
}

static bool row_matches(const ledger_want *w, const ledger_block *b, size_t row)
{
    for (size_t i = 0; i < ARRAY_LEN(wants); i++)
        if (wanted(w, i) != 0 && ledger_block_field(b, wants[i].column, row) != wanted(w, i))
            return false;
    const int64_t us = ledger_block_field(b, LEDGER_COL_AT, row);
    return us >= w->from_us && us <= w->to_us &&
           (w->expiries || !(ledger_block_field(b, LEDGER_COL_FLAGS, row) & LEDGER_EXPIRED));
}

/* To the next row that is wanted; c->has tells whether there is one. */
static gov_status forward(ledger_scan *s, cursor *c, const diag *d)
{
    const ledger_want *w = &s->want;
    c->has = false;
    while (!c->ended) {
        if (c->at == c->count) {
            const gov_status rc = read_blocks(s, c, d);
            c->row = 0;
            if (rc != GOV_OK)
                return rc;
            continue;
        }
        const ledger_block *b = &c->blocks[c->at];
        if (w->reversed ? b->last_us < w->from_us : b->first_us > w->to_us) {
            c->ended = true;
            break;
        }
        if (c->row == 0 && !block_may_match(w, b))
            c->row = b->count;
        while (c->row < b->count) {
            const size_t i = w->reversed ? b->count - 1 - c->row : c->row;
            c->row++;
            if (!row_matches(w, b, i))
                continue;
            ledger_block_row(b, i, &c->current);
            c->has = true;
            return GOV_OK;
        }
        c->at++;
        c->row = 0;
    }
    return GOV_OK;
}

static gov_status start(ledger_scan *s, cursor *c, const ledger_clock *clock, const diag *d)
{
    const ledger_want *w = &s->want;
    c->book = clock->book;
    c->next = w->reversed ? clock->last_seq : clock->first_seq;
    c->ended = clock->first_seq == 0;
    gov_status rc = GOV_OK;
    if (!c->ended && (w->reversed ? w->to_us < INT64_MAX : w->from_us > 0)) {
        rc = block_at(s->l, clock, w->reversed ? w->to_us : w->from_us, &c->next, d);
        c->ended = rc == GOV_END && w->reversed; /* all begins later */
        rc = rc == GOV_END ? GOV_OK : rc;
    }
    return rc == GOV_OK ? forward(s, c, d) : rc;
}

gov_status ledger_scan_open(ledger *l, const ledger_want *want, ledger_scan **out, const diag *d)
{
    gov_status rc = GOV_OK;
    *out = NULL;
    ledger_scan *s = base_alloc(l->alloc, sizeof *s);
    if (s == NULL)
        return base_nomem(d);
    *s = (ledger_scan){.l = l, .want = *want};
    s->cursors = base_array(l->alloc, l->b.clock_count + 1, sizeof *s->cursors);
    if (s->cursors == NULL) {
        base_free(l->alloc, s);
        return base_nomem(d);
    }
    for (size_t i = 0; i < l->b.clock_count && rc == GOV_OK; i++) {
        if (want->book != 0 && l->b.clocks[i].book != want->book)
            continue;
        cursor *c = &s->cursors[s->count++];
        memset(c, 0, sizeof *c);
        base_buf_init(&c->bytes, l->alloc);
        rc = start(s, c, &l->b.clocks[i], d);
    }
    if (rc == GOV_OK)
        *out = s;
    else
        ledger_scan_close(s);
    return rc;
}

gov_status ledger_scan_next(ledger_scan *s, ledger_row *out, const diag *d)
{
    cursor *first = NULL;
    for (size_t i = 0; i < s->count; i++) {
        cursor *c = &s->cursors[i];
        if (!c->has)
            continue;
        if (first == NULL) {
            first = c;
            continue;
        }
        const ledger_row *x = &c->current, *y = &first->current;
        const bool before =
            x->t.timestamp != y->t.timestamp ? x->t.timestamp < y->t.timestamp : x->seq < y->seq;
        if (before != s->want.reversed)
            first = c;
    }
    if (first == NULL)
        return GOV_END;
    *out = first->current;
    return forward(s, first, d);
}

void ledger_scan_close(ledger_scan *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        base_buf_free(&s->cursors[i].bytes);
    base_free(s->l->alloc, s->cursors);
    base_free(s->l->alloc, s);
}

/* ---- all blocks of an entry ---- */

gov_status ledger_blocks_between(ledger *l, uint32_t book, int64_t first, int64_t last,
                                 int64_t entry, ledger_take_block *take, void *user, const diag *d)
{
    static const store_sql sql = {"SELECT " BLOCK_COLUMNS
                                  " FROM gov_ledger_block b WHERE b.community = $1 AND b.ledger = "
                                  "$2 AND b.seq >= $3 AND b.seq <= $4 ORDER BY b.seq LIMIT 64",
                                  0};
    for (size_t page = 64; page == 64;) {
        store_rows rows;
        ledger_block b;
        size_t len;
        page = 0;
        gov_status rc = store_query(l->s, &sql,
                                    STORE_ARGS(store_i(l->community), store_i(book), store_i(first),
                                               store_i(last)),
                                    &rows, d);
        while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
            rc = take_block(&rows, &b, d);
            first = b.seq + 1;
            page++;
            const void *data = store_bytes(&rows, 6, &len);
            if (rc == GOV_OK && b.entry == entry)
                rc = take(user, &b, data, len, d);
        }
        store_rows_close(&rows);
        if (rc != GOV_END)
            return rc;
    }
    return GOV_OK;
}
