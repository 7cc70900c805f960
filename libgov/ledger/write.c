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

/* The fields of a row in this order for ever, each as a LEB128 number of its 64 bits. */
void ledger_row_bytes(base_buf *out, const ledger_row *r)
{
    const ledger_transfer *t = &r->t;
    const int64_t fields[] = {t->id,          r->seq,           t->ledger,         t->code,
                              t->flags,       t->debit_account, t->credit_account, t->amount,
                              r->released,    t->pending_id,    t->subject,        t->reference,
                              t->reason,      t->timeout,       t->timestamp,      t->effective_at,
                              t->reversal_of, t->expires_at};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        number(out, fields[i]);
}

static void cell_bytes(base_buf *out, const ledger_cell *c)
{
    const ledger_account *a = &c->a;
    const int64_t fields[] = {a->id,          c->seq,         a->ledger,    a->code,
                              a->flags,       a->subject,     a->reference, a->reason,
                              a->min_balance, a->max_balance, a->warn_min,  a->warn_max,
                              a->breakage,    a->timestamp};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        number(out, fields[i]);
}

static gov_status commit_to(base_buf *bytes, ledger_commitment *c, const ledger_entry *entry,
                            int64_t *id, const diag *d)
{
    *id = 0;
    if (bytes->failed)
        return base_nomem(d);
    if (entry == NULL || entry->make == NULL)
        return GOV_OK;
    base_sha256(bytes->data, bytes->len, c->digest);
    return entry->make(entry->user, c, id, d);
}

/* ---- ledgers ---- */

static gov_status write_clocks(ledger *l, const diag *d)
{
    static const store_change change = {
        &ledger_book_table, "community, ledger",
        "version, accounts, account_us, transfer_us, last_seq, last_id, due_us"};
    static const field fields[] = {{offsetof(ledger_clock, book), true, false},
                                   {offsetof(ledger_clock, version), false, false},
                                   {offsetof(ledger_clock, accounts), false, false},
                                   {offsetof(ledger_clock, account_us), false, false},
                                   {offsetof(ledger_clock, transfer_us), false, false},
                                   {offsetof(ledger_clock, last_seq), false, false},
                                   {offsetof(ledger_clock, last_id), false, false},
                                   {offsetof(ledger_clock, due_us), false, false}};
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
    return store_many(l->s, &change, arrays, n, d);
}

/* ---- accounts ---- */

static const field account_fields[] = {{offsetof(ledger_cell, seq), false, false},
                                       {offsetof(ledger_cell, a.id), false, false},
                                       {offsetof(ledger_cell, a.ledger), true, false},
                                       {offsetof(ledger_cell, a.code), true, false},
                                       {offsetof(ledger_cell, a.flags), true, false},
                                       {offsetof(ledger_cell, a.debits_pending), false, false},
                                       {offsetof(ledger_cell, a.debits_posted), false, false},
                                       {offsetof(ledger_cell, a.credits_pending), false, false},
                                       {offsetof(ledger_cell, a.credits_posted), false, false},
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
        "community, seq, id, ledger, code, flags, debits_pending, debits_posted, credits_pending, "
        "credits_posted, "
        "subject, reference, reason, min_balance, max_balance, warn_min, warn_max, breakage, "
        "at_us, "
        "entry, trail"};
    static const store_span empty = {"", 0};
    const bool none = entry == 0;
    store_array arrays[3 + ARRAY_LEN(account_fields)] = {same_int(&l->community, NULL)};
    if (!ledger_columns(&l->scratch, items, n, account_fields, ARRAY_LEN(account_fields),
                        arrays + 1))
        return base_nomem(d);
    arrays[1 + ARRAY_LEN(account_fields)] = same_int(&entry, &none);
    arrays[2 + ARRAY_LEN(account_fields)] = (store_array){.spans = &empty, .same = true};
    return store_bulk(l->s, &insert, arrays, n, d);
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
    base_buf_init(&bytes, l->alloc);
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
        cell_bytes(&bytes, cell);
    }
    int64_t id = 0;
    if (rc == GOV_OK)
        rc = commit_to(&bytes, &c, entry, &id, d);
    base_buf_free(&bytes);
    if (rc == GOV_OK)
        rc = insert_accounts(l, items, n, id, d);
    if (rc == GOV_OK)
        rc = write_clocks(l, d);
    return rc;
}

static int by_seq(const void *a, const void *b)
{
    const ledger_cell *x = *(const ledger_cell *const *)a, *y = *(const ledger_cell *const *)b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Does a batch change nothing but what is posted? */
static bool posts_only(const ledger_book *b)
{
    for (size_t i = 0; i < b->row_count; i++)
        if (b->rows[i].fresh &&
            (b->rows[i].kind == LEDGER_EXPIRY ||
             b->rows[i].t.flags &
                 (GOV_TRANSFER_PENDING | GOV_TRANSFER_POST_PENDING | GOV_TRANSFER_VOID_PENDING)))
            return false;
    return true;
}

static gov_status update_accounts(ledger *l, const diag *d)
{
    static const store_change whole = {
        &ledger_account_table, "community, seq",
        "debits_posted, credits_posted, debits_pending, credits_pending, flags, trail"};
    static const store_change posted = {&ledger_account_table, "community, seq",
                                        "debits_posted, credits_posted, trail"};
    static const field fields[] = {{offsetof(ledger_cell, seq), false, false},
                                   {offsetof(ledger_cell, a.debits_posted), false, false},
                                   {offsetof(ledger_cell, a.credits_posted), false, false},
                                   {offsetof(ledger_cell, a.debits_pending), false, false},
                                   {offsetof(ledger_cell, a.credits_pending), false, false},
                                   {offsetof(ledger_cell, a.flags), true, false}};
    const bool few = posts_only(&l->b);
    const size_t count = few ? 3 : ARRAY_LEN(fields);
    size_t n = 0, used = 0;
    for (size_t i = 0; i < l->b.cell_count; i++)
        n += l->b.cells[i].dirty;
    if (n == 0)
        return GOV_OK;
    const void **items = base_arena_array(&l->scratch, n, sizeof *items);
    store_span *trails = base_arena_array(&l->scratch, n, sizeof *trails);
    uint8_t *bytes = base_arena_array(&l->scratch, n, LEDGER_TRAIL_BYTES);
    store_array arrays[2 + ARRAY_LEN(fields)] = {same_int(&l->community, NULL)};
    if (items == NULL || trails == NULL || bytes == NULL)
        return base_nomem(d);
    n = 0;
    for (size_t i = 0; i < l->b.cell_count; i++) {
        if (!l->b.cells[i].dirty)
            continue;
        l->b.cells[i].dirty = false;
        items[n++] = &l->b.cells[i];
    }
    qsort(items, n, sizeof *items, by_seq);
    for (size_t i = 0; i < n; i++) {
        const size_t len =
            ledger_trail_write(&((const ledger_cell *)items[i])->trail, bytes + used);
        trails[i] = (store_span){bytes + used, len};
        used += len;
    }
    if (!ledger_columns(&l->scratch, items, n, fields, count, arrays + 1))
        return base_nomem(d);
    arrays[1 + count] = (store_array){.spans = trails};
    return store_many(l->s, few ? &posted : &whole, arrays, n, d);
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
    for (size_t i = 0; i < l->b.cell_count && rc == GOV_OK; i++) {
        const ledger_cell *c = &l->b.cells[i];
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

/* Ids made by this store within a day and after the newest row (give or take ten seconds) serve as seq themselves. */
static gov_status give_seqs(ledger *l, ledger_row **rows, size_t n, ledger_time t, const diag *d)
{
    int64_t newest = 0, mark;
    for (size_t i = 0; i < l->b.clock_count; i++)
        if (l->b.clocks[i].last_seq > newest)
            newest = l->b.clocks[i].last_seq;
    gov_status rc = store_new_id(l->s, t.real_ms, &mark, d);
    const int64_t day = INT64_C(86400000) << 22, slack = INT64_C(10000) << 22;
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        ledger_row *r = rows[i];
        r->native =
            !l->foreign && r->t.id > mark - day && r->t.id < mark && r->t.id > newest - slack;
        r->seq = r->t.id;
        if (!r->native)
            rc = store_new_id(l->s, t.real_ms, &r->seq, d);
        if (r->t.flags & LEDGER_BREAKAGE) {
            r->native = true;
            r->t.id = r->seq;
        }
        ledger_clock *c = ledger_clock_of(&l->b, r->t.ledger);
        if (r->seq > c->last_seq)
            c->last_seq = r->seq;
        if (r->t.id > c->last_id)
            c->last_id = r->t.id;
    }
    return rc;
}

static bool plain_row(const ledger_row *r)
{
    const ledger_transfer *t = &r->t;
    return (r->released | t->pending_id | t->subject | t->reference | t->timeout | t->effective_at |
            t->reversal_of | t->expires_at) == 0;
}

static gov_status insert_transfers(ledger *l, ledger_row *const *rows, size_t n, int64_t entry,
                                   const diag *d)
{
    static const store_insert insert = {
        &ledger_transfer_table,
        "community, entry, seq, ledger, code, flags, debit_account, credit_account, amount, "
        "reason, "
        "at_us, id, released, pending_id, subject, reference, timeout, effective_us, reversal_of, "
        "expires_us"};
    /* Most batches hold nothing of the rest. */
    static const store_insert plain = {&ledger_transfer_table,
                                       "community, entry, seq, ledger, code, flags, debit_account, "
                                       "credit_account, amount, reason, "
                                       "at_us"};
    static const field fields[] = {{offsetof(ledger_row, seq), false, false},
                                   {offsetof(ledger_row, t.ledger), true, false},
                                   {offsetof(ledger_row, t.code), true, false},
                                   {offsetof(ledger_row, t.flags), true, false},
                                   {offsetof(ledger_row, t.debit_account), false, false},
                                   {offsetof(ledger_row, t.credit_account), false, false},
                                   {offsetof(ledger_row, t.amount), false, false},
                                   {offsetof(ledger_row, t.reason), true, false},
                                   {offsetof(ledger_row, t.timestamp), false, false},
                                   {offsetof(ledger_row, released), false, true},
                                   {offsetof(ledger_row, t.pending_id), false, true},
                                   {offsetof(ledger_row, t.subject), false, true},
                                   {offsetof(ledger_row, t.reference), false, true},
                                   {offsetof(ledger_row, t.timeout), true, true},
                                   {offsetof(ledger_row, t.effective_at), false, true},
                                   {offsetof(ledger_row, t.reversal_of), false, true},
                                   {offsetof(ledger_row, t.expires_at), false, true}};
    enum { ALWAYS = 9 };
    const bool none = entry == 0;
    const void *const *items = (const void *const *)rows;
    int64_t *ids = base_arena_array(&l->scratch, n, sizeof *ids);
    bool *nulls = base_arena_array(&l->scratch, n, sizeof *nulls), all = true, empty = true;
    store_array arrays[3 + ARRAY_LEN(fields)] = {same_int(&l->community, NULL),
                                                 same_int(&entry, &none)};
    if (ids == NULL || nulls == NULL ||
        !ledger_columns(&l->scratch, items, n, fields, ALWAYS, arrays + 2))
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        ids[i] = rows[i]->t.id;
        nulls[i] = rows[i]->native || rows[i]->kind == LEDGER_EXPIRY;
        all = all && nulls[i];
        empty = empty && plain_row(rows[i]);
    }
    if (all && empty)
        return store_bulk(l->s, &plain, arrays, n, d);
    arrays[2 + ALWAYS] = (store_array){.ints = ids, .nulls = nulls, .same = all};
    if (!ledger_columns(&l->scratch, items, n, fields + ALWAYS, ARRAY_LEN(fields) - ALWAYS,
                        arrays + 3 + ALWAYS))
        return base_nomem(d);
    return store_bulk(l->s, &insert, arrays, n, d);
}

static gov_status write_pending(ledger *l, const diag *d)
{
    static const store_insert insert = {
        &ledger_pending_table,
        "community, seq, status, resolved_us, resolved_by, ledger, due_us, actor"};
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
    gov_status rc = items != NULL && status != NULL ? GOV_OK : base_nomem(d);
    for (int fresh = 1; fresh >= 0 && rc == GOV_OK; fresh--) {
        store_array arrays[2 + ARRAY_LEN(fields)] = {same_int(&l->community, NULL)};
        size_t n = 0;
        for (size_t i = 0; i < l->b.row_count; i++) {
            ledger_row *r = &l->b.rows[i];
            if (r->kind != LEDGER_LIVE || !(r->t.flags & GOV_TRANSFER_PENDING) ||
                (fresh ? !r->fresh : r->fresh || !r->moved))
                continue;
            if (r->status == LEDGER_PENDING)
                r->resolved_us = r->resolved_by = 0; /* what a broken chain had noted */
            status[n] = r->status;
            items[n++] = r;
        }
        if (n == 0)
            continue;
        if (!ledger_columns(&l->scratch, items, n, fields, 1, arrays + 1) ||
            !ledger_columns(&l->scratch, items, n, fields + 1, ARRAY_LEN(fields) - 1, arrays + 3))
            return base_nomem(d);
        arrays[2] = (store_array){.ints = status};
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

static int by_time(const void *a, const void *b)
{
    const ledger_row *x = *(const ledger_row *const *)a, *y = *(const ledger_row *const *)b;
    if (x->t.timestamp != y->t.timestamp)
        return x->t.timestamp < y->t.timestamp ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* The order of the digest: that of the batch, except where imports into several ledgers mix their times. */
static ledger_row **in_time(ledger *l, ledger_row **rows, size_t n)
{
    size_t i = 1;
    while (i < n && rows[i - 1]->t.timestamp < rows[i]->t.timestamp)
        i++;
    if (i >= n)
        return rows;
    ledger_row **ordered = base_arena_array(&l->scratch, n, sizeof *ordered);
    if (ordered != NULL) {
        memcpy(ordered, rows, n * sizeof *rows);
        qsort(ordered, n, sizeof *ordered, by_time);
    }
    return ordered;
}

static gov_status write_rows(ledger *l, ledger_row **rows, size_t n, ledger_time t,
                             const ledger_entry *entry, const diag *d)
{
    gov_status rc = give_seqs(l, rows, n, t, d);
    if (rc != GOV_OK)
        return rc;
    ledger_commitment c = {.count = n,
                           .first_us = rows[0]->t.timestamp,
                           .last_us = rows[n - 1]->t.timestamp,
                           .first_seq = INT64_MAX};
    base_buf bytes;
    base_buf_init(&bytes, l->alloc);
    if (!base_buf_reserve(&bytes, n * 64)) {
        base_buf_free(&bytes);
        return base_nomem(d);
    }
    ledger_row **ordered = in_time(l, rows, n);
    if (ordered == NULL) {
        base_buf_free(&bytes);
        return base_nomem(d);
    }
    for (size_t i = 0; i < n; i++) {
        ledger_row_bytes(&bytes, ordered[i]);
        c.first_seq = rows[i]->seq < c.first_seq ? rows[i]->seq : c.first_seq;
        c.last_seq = rows[i]->seq > c.last_seq ? rows[i]->seq : c.last_seq;
    }
    int64_t id;
    rc = commit_to(&bytes, &c, entry, &id, d);
    base_buf_free(&bytes);
    if (rc == GOV_OK)
        rc = write_trails(l, rows, n, t, d);
    if (rc == GOV_OK)
        rc = insert_transfers(l, rows, n, id, d);
    if (rc == GOV_OK)
        rc = write_pending(l, d);
    if (rc == GOV_OK)
        rc = update_accounts(l, d);
    return rc;
}

gov_status ledger_write_transfers(ledger *l, ledger_time t, const ledger_entry *entry,
                                  const diag *d)
{
    ledger_row **rows = base_arena_array(&l->scratch, l->b.row_count + 1, sizeof *rows);
    if (rows == NULL)
        return base_nomem(d);
    size_t n = 0;
    for (size_t i = 0; i < l->b.row_count; i++) {
        ledger_row *r = &l->b.rows[i];
        if (r->fresh && (r->kind == LEDGER_LIVE || r->kind == LEDGER_EXPIRY))
            rows[n++] = r;
    }
    gov_status rc = n > 0 ? write_rows(l, rows, n, t, entry, d) : GOV_OK;
    if (rc == GOV_OK)
        rc = write_failed(l, d);
    if (rc == GOV_OK)
        rc = ledger_write_extras(l, t, d);
    if (rc == GOV_OK)
        rc = write_clocks(l, d);
    return rc;
}
