/* From a book into the store: what a batch has made and changed, by columns. */
#include "ledger/stored.h"

#include <stdlib.h>
#include <string.h>

/* ---- columns ---- */

typedef ledger_field field;

static bool column(base_arena *a, const void *const *items, size_t n, const field *f,
                   store_array *out)
{
    int64_t *ints = base_arena_array(a, n, sizeof *ints);
    bool *nulls = f->optional && ints != NULL ? base_arena_array(a, n, sizeof *nulls) : NULL;
    if (ints == NULL || (f->optional && nulls == NULL))
        return false;
    bool all_null = f->optional, any_null = false, equal = true;
    for (size_t i = 0; i < n; i++) {
        const char *p = (const char *)items[i] + f->offset;
        if (f->narrow)
            ints[i] = *(const uint32_t *)(const void *)p;
        else
            ints[i] = *(const int64_t *)(const void *)p;
        if (f->optional) {
            nulls[i] = ints[i] == 0;
            all_null = all_null && nulls[i];
            any_null = any_null || nulls[i];
        }
        equal = equal && ints[i] == ints[0];
    }
    /* What is the same in all rows is bound, or sent, once. */
    *out = (store_array){.ints = ints,
                         .nulls = nulls,
                         .same = all_null || (equal && !any_null && n > 1)};
    return true;
}

bool ledger_columns(base_arena *a, const void *const *items, size_t n, const ledger_field *fields,
                    size_t count, store_array *out)
{
    for (size_t i = 0; i < count; i++)
        if (!column(a, items, n, &fields[i], &out[i]))
            return false;
    return true;
}

static store_array same_int(const int64_t *one, const bool *null)
{
    return (store_array){.ints = one, .nulls = null, .same = true};
}

/* ---- canonical bytes ---- */

static void number(base_buf *out, int64_t n)
{
    uint8_t bytes[10];
    size_t len = 0;
    uint64_t u = (uint64_t)n;
    for (; u >= 128; u >>= 7)
        bytes[len++] = (uint8_t)(u | 128);
    bytes[len++] = (uint8_t)u;
    base_buf_add(out, bytes, len);
}

void ledger_block_bytes(base_buf *out, const ledger_block *b, const void *data, size_t len)
{
    const int64_t key[] = {b->book, b->seq, b->count, b->first_us, b->last_us, (int64_t)len};
    for (size_t i = 0; i < ARRAY_LEN(key); i++)
        number(out, key[i]);
    base_buf_add(out, data, len);
}

static void cell_bytes(base_buf *out, ledger_told *told, const ledger_cell *c)
{
    const ledger_account *a = &c->a;
    const int64_t row[] = {c->seq,      a->id,        a->ledger,   a->code,        a->flags,
                           a->subject,  a->reference, a->reason,   a->min_balance, a->max_balance,
                           a->warn_min, a->warn_max,  a->breakage, a->timestamp};
    ledger_tell(told, LEDGER_TOLD_ACCOUNT, row);
    const int64_t fields[] = {a->id,          c->seq,         a->ledger,    a->code,
                              a->flags,       a->subject,     a->reference, a->reason,
                              a->min_balance, a->max_balance, a->warn_min,  a->warn_max,
                              a->breakage,    a->timestamp};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        number(out, fields[i]);
}

static gov_status commit_to(const base_buf *bytes, const ledger_told *told, ledger_commitment *c,
                            const ledger_entry *entry, int64_t *id, const diag *d)
{
    *id = 0;
    if (bytes->failed || told->bytes.failed)
        return base_nomem(d);
    if (entry == NULL || entry->make == NULL)
        return GOV_OK;
    base_sha256(bytes->len > 0 ? bytes->data : "", bytes->len, c->digest);
    c->rows = told->bytes.data;
    c->rows_len = told->bytes.len;
    return entry->make(entry->user, c, id, d);
}

/* ---- ledgers ---- */

static gov_status write_clocks(ledger *l, const diag *d)
{
    static const store_change change = {
        &ledger_book_table, "community, ledger",
        "version, accounts, account_us, transfer_us, first_seq, last_seq, last_id, due_us, caps"};
    static const field fields[] = {{offsetof(ledger_clock, book), true, false},
                                   {offsetof(ledger_clock, version), false, false},
                                   {offsetof(ledger_clock, accounts), false, false},
                                   {offsetof(ledger_clock, account_us), false, false},
                                   {offsetof(ledger_clock, transfer_us), false, false},
                                   {offsetof(ledger_clock, first_seq), false, false},
                                   {offsetof(ledger_clock, last_seq), false, false},
                                   {offsetof(ledger_clock, last_id), false, false},
                                   {offsetof(ledger_clock, due_us), false, false},
                                   {offsetof(ledger_clock, caps), true, false}};
    const void **items = base_arena_array(&l->scratch, l->b.clock_count + 1, sizeof *items);
    store_array arrays[1 + ARRAY_LEN(fields)] = {same_int(&l->community, NULL)};
    size_t n = 0;
    if (items == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < l->b.clock_count; i++) {
        ledger_clock *c = &l->b.clocks[i];
        if (!c->changed)
            continue;
        c->version++;
        c->changed = false;
        items[n++] = c;
    }
    if (n == 0)
        return GOV_OK;
    if (!ledger_columns(&l->scratch, items, n, fields, ARRAY_LEN(fields), arrays + 1))
        return base_nomem(d);
    return store_renew(l->s, &change, arrays, n, d);
}

/* ---- accounts ---- */

static const field account_fields[] = {{offsetof(ledger_cell, seq), false, false},
                                       {offsetof(ledger_cell, a.id), false, false},
                                       {offsetof(ledger_cell, a.ledger), true, false},
                                       {offsetof(ledger_cell, a.code), true, false},
                                       {offsetof(ledger_cell, a.flags), true, false},
                                       {offsetof(ledger_cell, a.subject), false, true},
                                       {offsetof(ledger_cell, a.reference), false, true},
                                       {offsetof(ledger_cell, a.reason), true, false},
                                       {offsetof(ledger_cell, a.min_balance), false, true},
                                       {offsetof(ledger_cell, a.max_balance), false, true},
                                       {offsetof(ledger_cell, a.warn_min), false, true},
                                       {offsetof(ledger_cell, a.warn_max), false, true},
                                       {offsetof(ledger_cell, a.breakage), false, true},
                                       {offsetof(ledger_cell, a.timestamp), false, false}};

static gov_status insert_accounts(ledger *l, const void *const *items, size_t n, int64_t entry,
                                  const diag *d)
{
    static const store_insert insert = {
        &ledger_account_table,
        "community, seq, id, ledger, code, flags, subject, reference, reason, min_balance, "
        "max_balance, warn_min, warn_max, breakage, at_us, entry"};
    static const store_insert nothing = {&ledger_balance_table,
                                         "community, seq, closed, debits_pending, debits_posted, "
                                         "credits_pending, credits_posted, trail"};
    static const store_span empty = {"", 0};
    static const int64_t zero = 0;
    const bool none = entry == 0;
    store_array arrays[2 + ARRAY_LEN(account_fields)] = {same_int(&l->community, NULL)};
    int64_t *closed = base_arena_array(&l->scratch, n, sizeof *closed);
    if (closed == NULL || !ledger_columns(&l->scratch, items, n, account_fields,
                                          ARRAY_LEN(account_fields), arrays + 1))
        return base_nomem(d);
    arrays[1 + ARRAY_LEN(account_fields)] = same_int(&entry, &none);
    for (size_t i = 0; i < n; i++)
        closed[i] = (((const ledger_cell *)items[i])->a.flags & GOV_ACCOUNT_CLOSED) != 0;
    const store_array balances[] = {arrays[0],
                                    arrays[1],
                                    {.ints = closed},
                                    same_int(&zero, NULL),
                                    same_int(&zero, NULL),
                                    same_int(&zero, NULL),
                                    same_int(&zero, NULL),
                                    {.spans = &empty, .same = true}};
    const gov_status rc = store_bulk(l->s, &insert, arrays, n, d);
    return rc == GOV_OK ? store_bulk(l->s, &nothing, balances, n, d) : rc;
}

gov_status ledger_write_accounts(ledger *l, ledger_time t, const ledger_entry *entry, const diag *d)
{
    const size_t most = l->b.cell_count;
    const void **items = base_arena_array(&l->scratch, most + 1, sizeof *items);
    int64_t *seqs = base_arena_array(&l->scratch, most + 1, sizeof *seqs);
    if (items == NULL || seqs == NULL)
        return base_nomem(d);
    size_t n = 0;
    for (size_t i = 0; i < most; i++)
        if (l->b.cells[i].fresh)
            items[n++] = &l->b.cells[i];
    if (n == 0)
        return GOV_OK;
    gov_status rc = store_new_ids(l->s, t.real_ms, n, seqs, d);
    ledger_commitment c = {.accounts = true,
                           .count = n,
                           .first_seq = seqs[0],
                           .last_seq = seqs[n - 1]};
    base_buf bytes;
    ledger_told told = {.bytes = {0}};
    base_buf_init(&bytes, l->alloc);
    base_buf_init(&told.bytes, l->alloc);
    size_t at = 0;
    for (size_t i = 0; i < most && rc == GOV_OK; i++) {
        ledger_cell *cell = &l->b.cells[i];
        if (!cell->fresh)
            continue;
        ledger_clock *clock = ledger_clock_of(&l->b, cell->a.ledger);
        cell->seq = seqs[at];
        cell->generation = clock->generation;
        clock->accounts++;
        clock->changed = true;
        cell->fresh = false;
        if (at++ == 0)
            c.first_us = cell->a.timestamp;
        c.last_us = cell->a.timestamp;
        cell_bytes(&bytes, &told, cell);
    }
    int64_t id = 0;
    if (rc == GOV_OK)
        rc = commit_to(&bytes, &told, &c, entry, &id, d);
    base_buf_free(&bytes);
    base_buf_free(&told.bytes);
    if (rc == GOV_OK)
        rc = insert_accounts(l, items, n, id, d);
    if (rc == GOV_OK)
        rc = write_clocks(l, d);
    return rc;
}

typedef struct changed {
    int64_t seq;
    ledger_cell *cell;
} changed;

static int by_seq(const void *a, const void *b)
{
    const changed *x = a, *y = b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* The accounts that the batch has changed, in the order of their rows. */
static changed *changed_cells(ledger *l, size_t *n)
{
    changed *list = base_arena_array(&l->scratch, l->b.touched_count + 1, sizeof *list);
    *n = 0;
    for (size_t i = 0; i < l->b.touched_count && list != NULL; i++) {
        ledger_cell *c = &l->b.cells[l->b.touched[i]];
        if (c->dirty)
            list[(*n)++] = (changed){c->seq, c};
    }
    if (list != NULL)
        qsort(list, *n, sizeof *list, by_seq);
    return list;
}

static gov_status update_balances(ledger *l, const diag *d)
{
    static const store_change change = {
        &ledger_balance_table, "community, seq",
        "debits_posted, credits_posted, debits_pending, credits_pending, closed, trail"};
    static const field fields[] = {{offsetof(ledger_cell, seq), false, false},
                                   {offsetof(ledger_cell, a.debits_posted), false, false},
                                   {offsetof(ledger_cell, a.credits_posted), false, false},
                                   {offsetof(ledger_cell, a.debits_pending), false, false},
                                   {offsetof(ledger_cell, a.credits_pending), false, false}};
    size_t n, used = 0;
    const changed *list = changed_cells(l, &n);
    if (list == NULL)
        return base_nomem(d);
    if (n == 0)
        return GOV_OK;
    const void **items = base_arena_array(&l->scratch, n, sizeof *items);
    int64_t *closed = base_arena_array(&l->scratch, n, sizeof *closed);
    store_span *trails = base_arena_array(&l->scratch, n, sizeof *trails);
    uint8_t *bytes = base_arena_array(&l->scratch, n, LEDGER_TRAIL_BYTES);
    store_array arrays[3 + ARRAY_LEN(fields)] = {same_int(&l->community, NULL)};
    if (items == NULL || closed == NULL || trails == NULL || bytes == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        ledger_cell *c = list[i].cell;
        const size_t len = ledger_trail_write(&c->trail, bytes + used);
        c->dirty = false;
        items[i] = c;
        closed[i] = (c->a.flags & GOV_ACCOUNT_CLOSED) != 0;
        trails[i] = (store_span){bytes + used, len};
        used += len;
    }
    if (!ledger_columns(&l->scratch, items, n, fields, ARRAY_LEN(fields), arrays + 1))
        return base_nomem(d);
    arrays[1 + ARRAY_LEN(fields)] = (store_array){.ints = closed};
    arrays[2 + ARRAY_LEN(fields)] = (store_array){.spans = trails};
    return store_renew(l->s, &change, arrays, n, d);
}

/* ---- trails ---- */

typedef struct chunk {
    int64_t seq, account, number, first_us, last_us, balance[4], sides;
    ledger_links links;
    uint8_t bytes[LEDGER_TRAIL_ITEMS * 10];
    size_t len;
} chunk;

typedef struct chunks {
    chunk *items;
    size_t count, cap;
} chunks;

static gov_status walk(ledger *l, const ledger_row *r, int side, chunks *made, ledger_time t,
                       const diag *d)
{
    ledger_cell *c = &l->b.cells[side == 0 ? r->debit : r->credit];
    ledger_trail *trail = &c->trail;
    int64_t change[4], seq;
    ledger_effect(r, side, change);
    for (int i = 0; i < 4; i++)
        c->before[i] += change[i];
    if (trail->count == 0)
        trail->first_us = r->t.timestamp;
    trail->sides |= (uint32_t)side << trail->count;
    trail->items[trail->count++] = r->seq;
    if (trail->count < LEDGER_TRAIL_ITEMS)
        return GOV_OK;
    if (!base_grow(l->alloc, &made->items, &made->cap, made->count, sizeof *made->items))
        return base_nomem(d);
    const gov_status rc = store_new_id(l->s, t.real_ms, &seq, d);
    if (rc != GOV_OK)
        return rc;
    chunk *k = &made->items[made->count++];
    *k = (chunk){.seq = seq,
                 .account = c->a.id,
                 .number = trail->chunks,
                 .first_us = trail->first_us,
                 .last_us = r->t.timestamp,
                 .sides = trail->sides};
    memcpy(k->balance, c->before, sizeof k->balance);
    k->len = ledger_items_write(trail->items, trail->count, k->bytes);
    return ledger_trail_flush(trail, seq, &k->links)
               ? GOV_OK
               : base_fail(d, M_overflow, A_S("what", "history"));
}

static gov_status insert_chunks(ledger *l, const chunks *made, const diag *d)
{
    static const store_insert insert = {
        &ledger_trail_table,
        "community, seq, account, number, previous, jump, first_us, last_us, "
        "debits_pending, debits_posted, credits_pending, credits_posted, sides, items"};
    static const field fields[] = {{offsetof(chunk, seq), false, false},
                                   {offsetof(chunk, account), false, false},
                                   {offsetof(chunk, number), false, false},
                                   {offsetof(chunk, links.previous), false, true},
                                   {offsetof(chunk, links.jump), false, true},
                                   {offsetof(chunk, first_us), false, false},
                                   {offsetof(chunk, last_us), false, false},
                                   {offsetof(chunk, balance[LEDGER_DP]), false, false},
                                   {offsetof(chunk, balance[LEDGER_DD]), false, false},
                                   {offsetof(chunk, balance[LEDGER_CP]), false, false},
                                   {offsetof(chunk, balance[LEDGER_CC]), false, false},
                                   {offsetof(chunk, sides), false, false}};
    const size_t n = made->count;
    if (n == 0)
        return GOV_OK;
    const void **items = base_arena_array(&l->scratch, n, sizeof *items);
    store_span *spans = base_arena_array(&l->scratch, n, sizeof *spans);
    store_array arrays[2 + ARRAY_LEN(fields)] = {same_int(&l->community, NULL)};
    if (items == NULL || spans == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        items[i] = &made->items[i];
        spans[i] = (store_span){made->items[i].bytes, made->items[i].len};
    }
    if (!ledger_columns(&l->scratch, items, n, fields, ARRAY_LEN(fields), arrays + 1))
        return base_nomem(d);
    arrays[1 + ARRAY_LEN(fields)] = (store_array){.spans = spans};
    return store_bulk(l->s, &insert, arrays, n, d);
}

static gov_status write_trails(ledger *l, ledger_row *const *rows, size_t n, ledger_time t,
                               const diag *d)
{
    chunks made = {0};
    gov_status rc = GOV_OK;
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        rc = walk(l, rows[i], 0, &made, t, d);
        if (rc == GOV_OK)
            rc = walk(l, rows[i], 1, &made, t, d);
    }
    for (size_t i = 0; i < l->b.touched_count && rc == GOV_OK; i++) {
        const ledger_cell *c = &l->b.cells[l->b.touched[i]];
        if (c->dirty && (c->before[LEDGER_DP] != c->a.debits_pending ||
                         c->before[LEDGER_DD] != c->a.debits_posted ||
                         c->before[LEDGER_CP] != c->a.credits_pending ||
                         c->before[LEDGER_CC] != c->a.credits_posted))
            rc = base_fail(d, M_internal, A_S("what", "a balance is not the sum of its rows"));
    }
    if (rc == GOV_OK)
        rc = insert_chunks(l, &made, d);
    base_free(l->alloc, made.items);
    return rc;
}

/* ---- transfers ---- */

/* Seqs ascend within a ledger, as instants do. An id serves as seq itself when this store made it within a day and it comes after
 * all of its ledger; an expiry takes the next number, and all others get an id that the store makes now. */
static gov_status give_seqs(ledger *l, ledger_row **rows, size_t n, ledger_time t, const diag *d)
{
    int64_t mark;
    for (size_t i = 0; i < l->b.clock_count; i++)
        store_seen_id(l->s, l->b.clocks[i].last_seq);
    gov_status rc = store_new_id(l->s, t.real_ms, &mark, d);
    const int64_t day = INT64_C(86400000) << 22;
    ledger_clock *c = NULL;
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        ledger_row *r = rows[i];
        if (c == NULL || c->book != r->t.ledger)
            c = ledger_clock_of(&l->b, r->t.ledger);
        r->native = !l->foreign && r->kind != LEDGER_EXPIRY && r->t.id > mark - day &&
                    r->t.id < mark && r->t.id > c->last_seq;
        r->seq = r->kind == LEDGER_EXPIRY ? c->last_seq + 1 : r->t.id;
        if (!r->native && r->kind != LEDGER_EXPIRY)
            rc = store_new_id(l->s, t.real_ms, &r->seq, d);
        if (r->t.flags & LEDGER_BREAKAGE) {
            r->native = true;
            r->t.id = r->seq;
        }
        c->last_seq = r->seq;
        if (c->first_seq == 0)
            c->first_seq = r->seq;
        if (r->t.id > c->last_id)
            c->last_id = r->t.id;
    }
    return rc;
}

typedef struct blocks {
    base_buf bytes;   /* as they are digested */
    base_buf digests; /* one of each */
    ledger_block *items;
    size_t *offsets; /* of their data */
    size_t *lens;
    size_t count;
} blocks;

static int by_ledger(const void *a, const void *b)
{
    const ledger_row *x = *(const ledger_row *const *)a, *y = *(const ledger_row *const *)b;
    if (x->t.ledger != y->t.ledger)
        return x->t.ledger < y->t.ledger ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* The rows of each ledger stand together, in their order. */
static ledger_row **apart(ledger *l, ledger_row **rows, size_t n)
{
    size_t i = 1;
    while (i < n && rows[i - 1]->t.ledger == rows[i]->t.ledger)
        i++;
    if (i == n)
        return rows;
    ledger_row **ordered = base_arena_array(&l->scratch, n, sizeof *ordered);
    if (ordered != NULL) {
        memcpy(ordered, rows, n * sizeof *rows);
        qsort(ordered, n, sizeof *ordered, by_ledger);
    }
    return ordered;
}

/* How many of the rows a block takes: of one ledger, and so many as a leaf of a tree holds. */
static size_t pack(ledger_row *const *rows, size_t n, uint8_t *out, size_t *len)
{
    size_t count = 1;
    while (count < n && count < LEDGER_BLOCK_ROWS && rows[count]->t.ledger == rows[0]->t.ledger)
        count++;
    *len = ledger_block_write(rows, count, out);
    while (*len > LEDGER_BLOCK_FITS && count > 8) {
        count = count * LEDGER_BLOCK_FITS / *len;
        count = count < 8 ? 8 : count;
        *len = ledger_block_write(rows, count, out);
    }
    return count;
}

static gov_status make_blocks(ledger *l, ledger_row **rows, size_t n, blocks *out,
                              ledger_told *told, const diag *d)
{
    if (n == 0)
        return GOV_OK;
    ledger_row **ordered = apart(l, rows, n);
    uint8_t *data = base_arena_alloc(&l->scratch, LEDGER_BLOCK_MOST);
    out->items = base_arena_array(&l->scratch, n, sizeof *out->items);
    out->offsets = base_arena_array(&l->scratch, n, sizeof *out->offsets);
    out->lens = base_arena_array(&l->scratch, n, sizeof *out->lens);
    if (ordered == NULL || data == NULL || out->items == NULL || out->offsets == NULL ||
        out->lens == NULL)
        return base_nomem(d);
    for (size_t i = 0, count; i < n; i += count) {
        size_t len;
        ledger_row *const *from = ordered + i;
        count = pack(from, n - i, data, &len);
        ledger_block *b = &out->items[out->count];
        b->book = from[0]->t.ledger;
        b->seq = from[0]->seq;
        b->count = (uint32_t)count;
        b->first_us = from[0]->t.timestamp;
        b->last_us = from[count - 1]->t.timestamp;
        const size_t begins = out->bytes.len;
        uint8_t digest[BASE_DIGEST_SIZE] = {0};
        ledger_block_bytes(&out->bytes, b, data, len);
        if (!out->bytes.failed)
            base_sha256(out->bytes.data + begins, out->bytes.len - begins, digest);
        base_buf_add(&out->digests, digest, sizeof digest);
        const int64_t row[] = {b->book,     b->seq,     b->count,
                               b->first_us, b->last_us, ledger_block_mark(digest)};
        ledger_tell(told, LEDGER_TOLD_BLOCK, row);
        out->offsets[out->count] = out->bytes.len - len;
        out->lens[out->count++] = len;
    }
    return out->bytes.failed || out->digests.failed ? base_nomem(d) : GOV_OK;
}

static gov_status insert_blocks(ledger *l, const blocks *made, int64_t entry, const diag *d)
{
    static const store_insert insert = {
        &ledger_block_table, "community, ledger, seq, transfers, first_us, last_us, entry, data"};
    static const field fields[] = {{offsetof(ledger_block, book), true, false},
                                   {offsetof(ledger_block, seq), false, false},
                                   {offsetof(ledger_block, count), true, false},
                                   {offsetof(ledger_block, first_us), false, false},
                                   {offsetof(ledger_block, last_us), false, false}};
    const bool none = entry == 0;
    const size_t n = made->count;
    const void **items = base_arena_array(&l->scratch, n, sizeof *items);
    store_span *data = base_arena_array(&l->scratch, n, sizeof *data);
    store_array arrays[3 + ARRAY_LEN(fields)] = {same_int(&l->community, NULL)};
    if (items == NULL || data == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        items[i] = &made->items[i];
        data[i] = (store_span){made->bytes.data + made->offsets[i], made->lens[i]};
    }
    if (!ledger_columns(&l->scratch, items, n, fields, ARRAY_LEN(fields), arrays + 1))
        return base_nomem(d);
    arrays[1 + ARRAY_LEN(fields)] = same_int(&entry, &none);
    arrays[2 + ARRAY_LEN(fields)] = (store_array){.spans = data};
    return store_bulk(l->s, &insert, arrays, n, d);
}

/* Where the rows are whose id is not their seq. */
static gov_status insert_ids(ledger *l, ledger_row *const *rows, size_t n, const diag *d)
{
    static const store_insert insert = {&ledger_id_table, "community, id, ledger, seq"};
    static const field fields[] = {{offsetof(ledger_row, t.id), false, false},
                                   {offsetof(ledger_row, t.ledger), true, false},
                                   {offsetof(ledger_row, seq), false, false}};
    const void **items = base_arena_array(&l->scratch, n, sizeof *items);
    store_array arrays[1 + ARRAY_LEN(fields)] = {same_int(&l->community, NULL)};
    size_t count = 0;
    if (items == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < n; i++)
        if (!rows[i]->native && rows[i]->kind != LEDGER_EXPIRY)
            items[count++] = rows[i];
    if (count == 0)
        return GOV_OK;
    if (!ledger_columns(&l->scratch, items, count, fields, ARRAY_LEN(fields), arrays + 1))
        return base_nomem(d);
    return store_bulk(l->s, &insert, arrays, count, d);
}

static gov_status write_pending(ledger *l, const diag *d)
{
    static const store_insert insert = {
        &ledger_pending_table,
        "community, seq, status, resolved_us, resolved_by, ledger, due_us, actor, closes"};
    static const store_change change = {&ledger_pending_table, "community, seq",
                                        "status, resolved_us, resolved_by"};
    static const field fields[] = {{offsetof(ledger_row, seq), false, false},
                                   {offsetof(ledger_row, resolved_us), false, true},
                                   {offsetof(ledger_row, resolved_by), false, true},
                                   {offsetof(ledger_row, t.ledger), true, false},
                                   {offsetof(ledger_row, due_us), false, true},
                                   {offsetof(ledger_row, actor), false, false}};
    const void **items = base_arena_array(&l->scratch, l->b.row_count + 1, sizeof *items);
    int64_t *status = base_arena_array(&l->scratch, l->b.row_count + 1, sizeof *status);
    int64_t *closes = base_arena_array(&l->scratch, l->b.row_count + 1, sizeof *closes);
    bool *nulls = base_arena_array(&l->scratch, l->b.row_count + 1, sizeof *nulls);
    gov_status rc =
        items != NULL && status != NULL && closes != NULL && nulls != NULL ? GOV_OK : base_nomem(d);
    for (int fresh = 1; fresh >= 0 && rc == GOV_OK; fresh--) {
        store_array arrays[3 + ARRAY_LEN(fields)] = {same_int(&l->community, NULL)};
        size_t n = 0;
        bool any = false;
        for (size_t i = 0; i < l->b.row_count; i++) {
            ledger_row *r = &l->b.rows[i];
            if (r->kind != LEDGER_LIVE || !(r->t.flags & GOV_TRANSFER_PENDING) ||
                (fresh ? !r->fresh : r->fresh || !r->moved))
                continue;
            if (r->status == LEDGER_PENDING)
                r->resolved_us = r->resolved_by = 0; /* what a broken chain had noted */
            status[n] = r->status;
            closes[n] = r->t.flags & (GOV_TRANSFER_CLOSING_DEBIT | GOV_TRANSFER_CLOSING_CREDIT);
            nulls[n] = closes[n] == 0;
            any = any || !nulls[n];
            items[n++] = r;
        }
        if (n == 0)
            continue;
        if (!ledger_columns(&l->scratch, items, n, fields, 1, arrays + 1) ||
            !ledger_columns(&l->scratch, items, n, fields + 1, ARRAY_LEN(fields) - 1, arrays + 3))
            return base_nomem(d);
        arrays[2] = (store_array){.ints = status};
        arrays[2 + ARRAY_LEN(fields)] =
            (store_array){.ints = closes, .nulls = nulls, .same = !any && n > 1};
        rc = fresh ? store_bulk(l->s, &insert, arrays, n, d)
                   : store_many(l->s, &change, arrays, n, d);
        status += n;
    }
    return rc;
}

static gov_status write_failed(ledger *l, const diag *d)
{
    static const store_insert insert = {&ledger_failed_table, "community, id, ledger"};
    static const field fields[] = {{offsetof(ledger_row, t.id), false, false},
                                   {offsetof(ledger_row, t.ledger), true, false}};
    const void **items = base_arena_array(&l->scratch, l->b.row_count + 1, sizeof *items);
    store_array arrays[1 + ARRAY_LEN(fields)] = {same_int(&l->community, NULL)};
    size_t n = 0;
    if (items == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < l->b.row_count; i++) {
        const ledger_row *r = &l->b.rows[i];
        if (r->kind != LEDGER_FAILED || !r->fresh)
            continue;
        ledger_clock *c = ledger_clock_of(&l->b, r->t.ledger);
        if (r->t.id > c->last_id)
            c->last_id = r->t.id;
        c->changed = true;
        items[n++] = r;
    }
    if (n == 0)
        return GOV_OK;
    if (!ledger_columns(&l->scratch, items, n, fields, ARRAY_LEN(fields), arrays + 1))
        return base_nomem(d);
    return store_bulk(l->s, &insert, arrays, n, d);
}

static gov_status tell_failed(ledger *l, ledger_told *told, const diag *d)
{
    for (size_t i = 0; i < l->b.row_count; i++) {
        const ledger_row *r = &l->b.rows[i];
        const int64_t n[] = {r->t.id, r->t.ledger};
        if (r->kind == LEDGER_FAILED && r->fresh)
            ledger_tell(told, LEDGER_TOLD_FAILED, n);
    }
    return told->bytes.failed ? base_nomem(d) : GOV_OK;
}

static gov_status write_blocks(ledger *l, ledger_row **rows, size_t n, ledger_time t,
                               const ledger_entry *entry, const diag *d)
{
    ledger_commitment c = {.count = n,
                           .book = n > 0 ? rows[0]->t.ledger : 0,
                           .first_us = n > 0 ? rows[0]->t.timestamp : 0,
                           .last_us = n > 0 ? rows[n - 1]->t.timestamp : 0,
                           .first_seq = n > 0 ? INT64_MAX : 0};
    blocks made = {.count = 0};
    ledger_told told = {.bytes = {0}};
    int64_t id = 0;
    base_buf_init(&made.bytes, l->alloc);
    base_buf_init(&made.digests, l->alloc);
    base_buf_init(&told.bytes, l->alloc);
    for (size_t i = 0; i < n; i++) {
        c.first_seq = rows[i]->seq < c.first_seq ? rows[i]->seq : c.first_seq;
        c.last_seq = rows[i]->seq > c.last_seq ? rows[i]->seq : c.last_seq;
        c.book = rows[i]->t.ledger == c.book ? c.book : 0;
    }
    gov_status rc = make_blocks(l, rows, n, &made, &told, d);
    if (rc == GOV_OK)
        rc = ledger_tell_extras(l, t, &told, d);
    if (rc == GOV_OK)
        rc = tell_failed(l, &told, d);
    if (rc == GOV_OK)
        rc = commit_to(&made.digests, &told, &c, entry, &id, d);
    if (rc == GOV_OK && n > 0)
        rc = insert_blocks(l, &made, id, d);
    base_buf_free(&made.bytes);
    base_buf_free(&made.digests);
    base_buf_free(&told.bytes);
    return rc;
}

static gov_status write_rows(ledger *l, ledger_row **rows, size_t n, ledger_time t,
                             const ledger_entry *entry, const diag *d)
{
    gov_status rc = give_seqs(l, rows, n, t, d);
    if (rc == GOV_OK)
        rc = write_trails(l, rows, n, t, d);
    if (rc == GOV_OK)
        rc = write_blocks(l, rows, n, t, entry, d);
    if (rc == GOV_OK)
        rc = insert_ids(l, rows, n, d);
    if (rc == GOV_OK)
        rc = write_pending(l, d);
    if (rc == GOV_OK)
        rc = update_balances(l, d);
    return rc;
}

gov_status ledger_write_transfers(ledger *l, ledger_time t, const ledger_entry *entry,
                                  const diag *d)
{
    ledger_row **rows = base_arena_array(&l->scratch, l->b.row_count + 1, sizeof *rows);
    if (rows == NULL)
        return base_nomem(d);
    size_t n = 0;
    bool failed = false;
    for (size_t i = 0; i < l->b.row_count; i++) {
        ledger_row *r = &l->b.rows[i];
        if (r->fresh && (r->kind == LEDGER_LIVE || r->kind == LEDGER_EXPIRY))
            rows[n++] = r;
        failed = failed || (r->fresh && r->kind == LEDGER_FAILED);
    }
    gov_status rc = n > 0 ? write_rows(l, rows, n, t, entry, d) : GOV_OK;
    if (n == 0 && failed)
        rc = write_blocks(l, rows, 0, t, entry, d);
    if (rc == GOV_OK)
        rc = write_failed(l, d);
    if (rc == GOV_OK)
        rc = ledger_write_extras(l, d);
    if (rc == GOV_OK)
        rc = write_clocks(l, d);
    return rc;
}
