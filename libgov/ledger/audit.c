/* Every row of the ledger's tables against what made it. The journal is told of each batch's blocks, accounts, lots and counts, and a
 * block says what its transfers are: from both follows what stands in every other table. What follows and what stands are added up, row
 * by row, into sums that are linear in each column, under secret factors: where the sums of a table agree its rows do, in whatever
 * order they came and in no more memory than the sums take. Where they do not, a second reading looks at the rows of that sum alone. */
#include "ledger/stored.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024, MOST_KEYS = 4, MOST_COLUMNS = 16, AUDIT_PAGE = 512 };

typedef enum part {
    BLOCKS,
    ACCOUNTS,
    IDS, /* before what is found through it */
    FAILED,
    PENDING,
    LOTS,
    USES,
    COUNTS,
    REVERSED,
    EFFECTS,
    BALANCES,
    PARTS
} part;

static const store_table *const tables[PARTS] = {
    [BLOCKS] = &ledger_block_table,      [ACCOUNTS] = &ledger_account_table,
    [FAILED] = &ledger_failed_table,     [PENDING] = &ledger_pending_table,
    [LOTS] = &ledger_lot_table,          [USES] = &ledger_use_table,
    [COUNTS] = &ledger_count_table,      [REVERSED] = &ledger_reversed_table,
    [EFFECTS] = &ledger_effective_table, [IDS] = &ledger_id_table,
    [BALANCES] = &ledger_balance_table};

/* A row, or what one thing adds to it. Columns stand as in the table, without the community and the key; trails are not among them. */
typedef struct line {
    int64_t key[MOST_KEYS], columns[MOST_COLUMNS], there;
} line;

typedef struct audit {
    gov *g;
    ledger *l;
    const diag *d;
    uint64_t secret;
    uint64_t (*sums)[BUCKETS];
    ledger_index places; /* of accounts */
    int64_t *seqs;       /* of their rows */
    size_t seq_count, seq_cap;
    bool has_ids, has_closing;
    ledger_index waiting; /* pending reversals ... */
    int64_t *taken_back;  /* ... and the rows of what they take back */
    size_t taken_count, taken_cap;
    int64_t entry, actor; /* of the entry that is read */
    int64_t wrong;        /* the first whose blocks are not those that it commits to */
    base_buf digests;
    ledger_extents extents;
    /* The second reading. */
    bool searching;
    int part;
    uint64_t bucket;
    line *lines;
    size_t count, cap;
} audit;

/* ---- tables as they are declared ---- */

static int word_of(const char *list, const char *name)
{
    int at = 0;
    for (const char *p = list; *p != '\0'; at++) {
        const size_t len = strcspn(p, ", ");
        if (strlen(name) == len && memcmp(p, name, len) == 0)
            return at;
        p += len;
        p += strspn(p, ", ");
    }
    return -1;
}

static int key_count(const store_table *t)
{
    int n = 0;
    for (const char *p = t->key; *p != '\0'; p++)
        n += *p == ',';
    return n;
}

/* The column of that number among those that are compared; NULL: there are no more. */
static const store_column *compared(const store_table *t, int wanted)
{
    for (const store_column *c = t->columns; c->name != NULL; c++)
        if (word_of(t->key, c->name) < 0 && (c->type != STORE_BYTES || t == &ledger_block_table) &&
            wanted-- == 0)
            return c;
    return NULL;
}

/* ---- sums ---- */

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static gov_status keep_line(audit *a, const line *x)
{
    for (size_t i = 0; i < a->count; i++)
        if (memcmp(a->lines[i].key, x->key, sizeof x->key) == 0) {
            for (int c = 0; c < MOST_COLUMNS; c++)
                a->lines[i].columns[c] =
                    (int64_t)((uint64_t)a->lines[i].columns[c] + (uint64_t)x->columns[c]);
            a->lines[i].there += x->there;
            return GOV_OK;
        }
    if (!base_grow(a->l->alloc, &a->lines, &a->cap, a->count, sizeof *a->lines))
        return base_nomem(a->d);
    a->lines[a->count++] = *x;
    return GOV_OK;
}

static gov_status add(audit *a, part p, const line *x, bool stands)
{
    uint64_t h = mix(a->secret + (uint64_t)p), sum;
    for (int i = 0; i < MOST_KEYS; i++)
        h = mix(h ^ (uint64_t)x->key[i]) + UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t bucket = h % BUCKETS;
    if (a->searching)
        return (int)p == a->part && bucket == a->bucket && !stands ? keep_line(a, x) : GOV_OK;
    sum = (uint64_t)x->there * mix(h);
    for (int i = 0; i < MOST_COLUMNS; i++)
        if (x->columns[i] != 0)
            sum += (uint64_t)x->columns[i] * (mix(h + 1 + (uint64_t)i) | 1);
    a->sums[p][bucket] += stands ? (uint64_t)0 - sum : sum;
    return GOV_OK;
}

#define FOLLOWS(a, p, ...) add((a), (p), &(line)__VA_ARGS__, false)

/* ---- what follows from a transfer ---- */

static int64_t account_seq(const audit *a, int64_t id)
{
    const uint32_t at = ledger_index_get(&a->places, id);
    return at != LEDGER_NONE ? a->seqs[at] : 0;
}

static gov_status seq_of(audit *a, int64_t id, int64_t *seq)
{
    static const store_sql sql = {"SELECT seq FROM gov_ledger_id WHERE community = $1 AND id = $2",
                                  0};
    *seq = id;
    if (!a->has_ids)
        return GOV_OK;
    const gov_status rc =
        store_first_int(a->l->s, &sql, STORE_ARGS(store_i(a->l->community), store_i(id)), seq,
                        a->d);
    return rc == GOV_END ? GOV_OK : rc;
}

static gov_status close_side(audit *a, int64_t account, int64_t by)
{
    return FOLLOWS(a, BALANCES, {.key = {account_seq(a, account)}, .columns = {by}});
}

/* What it opened again, when it was a closing one. */
static gov_status reopen(audit *a, const ledger_row *r, int64_t seq)
{
    static const store_sql sql = {
        "SELECT closes FROM gov_ledger_pending WHERE community = $1 AND seq = $2", 0};
    int64_t closes = 0;
    gov_status rc =
        a->has_closing
            ? store_first_int(a->l->s, &sql, STORE_ARGS(store_i(a->l->community), store_i(seq)),
                              &closes, a->d)
            : GOV_OK;
    rc = rc == GOV_END ? GOV_OK : rc;
    if (rc == GOV_OK && closes & GOV_TRANSFER_CLOSING_DEBIT)
        rc = close_side(a, r->t.debit_account, -1);
    if (rc == GOV_OK && closes & GOV_TRANSFER_CLOSING_CREDIT)
        rc = close_side(a, r->t.credit_account, -1);
    return rc;
}

/* In the pending table's columns: ledger, status, due_us, resolved_us, resolved_by, actor, closes. */
static gov_status follow_pending(audit *a, const ledger_row *r)
{
    const uint32_t closing = GOV_TRANSFER_CLOSING_DEBIT | GOV_TRANSFER_CLOSING_CREDIT;
    int64_t seq;
    gov_status rc = GOV_OK;
    if (r->t.flags & GOV_TRANSFER_PENDING) {
        const int64_t due_us =
            r->t.timeout != 0 ? r->t.timestamp + (int64_t)r->t.timeout * BASE_US_PER_SECOND : 0;
        rc = FOLLOWS(a, PENDING,
                     {.key = {r->seq},
                      .columns = {r->t.ledger, LEDGER_PENDING, due_us, 0, 0, a->actor,
                                  r->t.flags & closing},
                      .there = 1});
        if (rc == GOV_OK && r->t.flags & GOV_TRANSFER_CLOSING_DEBIT)
            rc = close_side(a, r->t.debit_account, 1);
        if (rc == GOV_OK && r->t.flags & GOV_TRANSFER_CLOSING_CREDIT)
            rc = close_side(a, r->t.credit_account, 1);
        return rc;
    }
    const bool posts = (r->t.flags & GOV_TRANSFER_POST_PENDING) != 0,
               voids = (r->t.flags & GOV_TRANSFER_VOID_PENDING) != 0;
    if (!posts && !voids && r->kind != LEDGER_EXPIRY)
        return GOV_OK;
    const int64_t to = posts ? LEDGER_POSTED : voids ? LEDGER_VOIDED : LEDGER_LAPSED;
    rc = seq_of(a, r->t.pending_id, &seq);
    if (rc == GOV_OK)
        rc = FOLLOWS(a, PENDING,
                     {.key = {seq},
                      .columns = {0, to - LEDGER_PENDING, 0, r->t.timestamp, r->t.id}});
    return rc == GOV_OK && !posts ? reopen(a, r, seq) : rc;
}

static gov_status follow_effects(audit *a, const ledger_row *r)
{
    gov_status rc = GOV_OK;
    for (int side = 0; side < 2 && rc == GOV_OK; side++) {
        const int64_t account = side == 0 ? r->t.debit_account : r->t.credit_account;
        int64_t n[4];
        ledger_effect(r, side, n);
        rc = FOLLOWS(a, BALANCES,
                     {.key = {account_seq(a, account)},
                      .columns = {0, n[LEDGER_DP], n[LEDGER_DD], n[LEDGER_CP], n[LEDGER_CC]}});
        if (rc == GOV_OK && r->t.effective_at != 0)
            rc = FOLLOWS(a, EFFECTS,
                         {.key = {account, r->t.effective_at, r->seq},
                          .columns = {r->t.timestamp, n[LEDGER_DP], n[LEDGER_DD], n[LEDGER_CP],
                                      n[LEDGER_CC]},
                          .there = 1});
    }
    return rc;
}

/* What was reserved to be taken back counts; what of that was not posted does not any more. */
static gov_status follow_reversal(audit *a, const ledger_row *r)
{
    const uint32_t at = ledger_index_get(&a->waiting, r->t.pending_id);
    int64_t seq;
    if (r->t.pending_id != 0 && at != LEDGER_NONE) {
        const int64_t posted = r->t.flags & GOV_TRANSFER_POST_PENDING ? r->t.amount : 0;
        return FOLLOWS(a, REVERSED,
                       {.key = {a->taken_back[at]}, .columns = {posted - r->released}});
    }
    if (r->t.reversal_of == 0 || r->t.amount == 0)
        return GOV_OK;
    gov_status rc = seq_of(a, r->t.reversal_of, &seq);
    if (rc == GOV_OK && r->t.flags & GOV_TRANSFER_PENDING) {
        if (!base_grow(a->l->alloc, &a->taken_back, &a->taken_cap, a->taken_count,
                       sizeof *a->taken_back) ||
            !ledger_index_reserve(&a->waiting, 1))
            return base_nomem(a->d);
        ledger_index_set(&a->waiting, r->t.id, (uint32_t)a->taken_count);
        a->taken_back[a->taken_count++] = seq;
    }
    /* It is there once, however often something was taken back: whether it is, its amount tells. */
    return rc == GOV_OK ? FOLLOWS(a, REVERSED, {.key = {seq}, .columns = {r->t.amount}}) : rc;
}

static gov_status follow_row(audit *a, const ledger_row *r)
{
    gov_status rc = ledger_extent_row(&a->extents, r) ? follow_effects(a, r) : base_nomem(a->d);
    if (rc == GOV_OK)
        rc = follow_pending(a, r);
    if (rc == GOV_OK && !r->native && r->kind == LEDGER_LIVE)
        rc = FOLLOWS(a, IDS, {.key = {r->t.id}, .columns = {r->t.ledger, r->seq}, .there = 1});
    return rc == GOV_OK ? follow_reversal(a, r) : rc;
}

static gov_status follow_block(void *user, const ledger_block *b, const void *data, size_t len,
                               const diag *d)
{
    audit *a = user;
    ledger_row r;
    gov_status rc = ledger_add_digest(&a->digests, b, data, len, d);
    for (size_t i = 0; i < b->count && rc == GOV_OK; i++) {
        ledger_block_row(b, i, &r);
        rc = follow_row(a, &r);
    }
    return rc;
}

/* ---- what follows from an entry of the journal ---- */

static gov_status follow_told(audit *a, int kind, const int64_t *n)
{
    line x = {.there = 1};
    switch (kind) {
    case LEDGER_TOLD_BLOCK:
        return FOLLOWS(a, BLOCKS,
                       {.key = {n[0], n[1]},
                        .columns = {n[2], n[3], n[4], a->entry, n[5]},
                        .there = 1});
    case LEDGER_TOLD_ACCOUNT:
        x.key[0] = n[0];
        memcpy(x.columns, n + 1, 13 * sizeof *n);
        x.columns[13] = a->entry;
        if (add(a, ACCOUNTS, &x, false) != GOV_OK ||
            !ledger_extent_account(&a->extents, (uint32_t)n[2], n[13]))
            return base_nomem(a->d);
        return FOLLOWS(a, BALANCES,
                       {.key = {n[0]}, .columns = {(n[4] & GOV_ACCOUNT_CLOSED) != 0}, .there = 1});
    case LEDGER_TOLD_LOT:
        return FOLLOWS(a, LOTS, {.key = {n[0]}, .columns = {n[1], n[2], n[3], n[4]}, .there = 1});
    case LEDGER_TOLD_USE:
        x = (line){.key = {n[0], n[1]}, .columns = {n[4] ? n[2] : 0, n[3]}, .there = n[4]};
        if (add(a, USES, &x, false) != GOV_OK)
            return base_nomem(a->d);
        return FOLLOWS(a, LOTS, {.key = {n[1]}, .columns = {0, 0, 0, 0, n[3] - (n[4] ? n[2] : 0)}});
    case LEDGER_TOLD_COUNT:
        return FOLLOWS(a, COUNTS,
                       {.key = {n[0], n[1], n[2], n[3]}, .columns = {n[4]}, .there = n[5]});
    case LEDGER_TOLD_FAILED:
        if (!ledger_extent_failed(&a->extents, (uint32_t)n[1], n[0]))
            return base_nomem(a->d);
        return FOLLOWS(a, FAILED, {.key = {n[0]}, .columns = {n[1]}, .there = 1});
    default: return GOV_OK;
    }
}

static gov_status follow_blocks(audit *a, value data)
{
    const value first = value_get_text(data, "first_seq"), last = value_get_text(data, "last_seq"),
                book = value_get_text(data, "ledger");
    if (book.kind == VALUE_INT)
        return ledger_blocks_between(a->l, (uint32_t)book.as.i, first.as.i, last.as.i, a->entry,
                                     follow_block, a, a->d);
    return ledger_blocks_of_all(a->l, first.as.i, last.as.i, a->entry, follow_block, a, a->d);
}

static gov_status follow_entry(void *user, const journal_record *record)
{
    audit *a = user;
    const bool transfers = strcmp(record->kind, "transfers") == 0;
    base_arena arena;
    value data;
    if (record->batch == NULL || record->erased ||
        (!transfers && strcmp(record->kind, "accounts") != 0))
        return GOV_OK;
    base_arena_init(&arena, a->l->alloc);
    gov_status rc = store_read_document(a->l->s, &arena, record->data_text, record->data_len, &data, a->d);
    a->entry = record->id;
    a->actor = record->actor;
    base_buf_clear(&a->digests);
    if (rc == GOV_OK && transfers)
        rc = follow_blocks(a, data);
    uint8_t digest[BASE_DIGEST_SIZE];
    base_sha256(a->digests.len > 0 ? a->digests.data : "", a->digests.len, digest);
    if (rc == GOV_OK && transfers && a->wrong == 0 &&
        memcmp(digest, record->batch, sizeof digest) != 0)
        a->wrong = record->id;
    const value rows = rc == GOV_OK ? value_get_text(data, "rows") : value_absent();
    if (rows.kind == VALUE_STRING) {
        ledger_hearing h = {.at = rows.as.s, .end = rows.as.s + rows.len};
        int64_t n[LEDGER_TOLD_MOST] = {0};
        for (int kind; rc == GOV_OK && (kind = ledger_hear(&h, n)) != 0;)
            rc = follow_told(a, kind, n);
    }
    base_arena_free(&arena);
    return rc;
}

/* ---- what stands ---- */

static int64_t cell(audit *a, const store_column *c, store_rows *rows, int at, const line *x)
{
    if (c->type ==
        STORE_BYTES) { /* a block's data, with its key and the columns before it, as they were digested */
        ledger_block b = {.book = (uint32_t)x->key[0],
                          .seq = x->key[1],
                          .count = (uint32_t)x->columns[0],
                          .first_us = x->columns[1],
                          .last_us = x->columns[2]};
        uint8_t digest[BASE_DIGEST_SIZE] = {0};
        size_t len;
        base_buf bytes;
        const void *data = store_bytes(rows, at, &len);
        base_buf_init(&bytes, a->l->alloc);
        ledger_block_bytes(&bytes, &b, data, len);
        if (!bytes.failed)
            base_sha256(bytes.data, bytes.len, digest);
        base_buf_free(&bytes);
        return ledger_block_mark(digest);
    }
    const int64_t n = store_int(rows, at);
    return c->nullable && !store_is_null(rows, at) && n == 0 ? INT64_MIN
                                                             : n; /* nothing is not nought */
}

static void names(base_buf *sql, const store_table *t, bool keys)
{
    const char *between = "";
    const store_column *c;
    const char *key = strchr(t->key, ',') + 2;
    if (keys)
        base_buf_str(sql, key);
    for (int i = 0; !keys && (c = compared(t, i)) != NULL; i++, between = ", ") {
        base_buf_str(sql, between);
        base_buf_str(sql, c->name);
    }
}

static void page_sql(base_buf *sql, const store_table *t)
{
    base_buf_str(sql, "SELECT ");
    names(sql, t, true);
    base_buf_str(sql, ", ");
    names(sql, t, false);
    base_buf_str(sql, " FROM ");
    base_buf_str(sql, t->name);
    base_buf_str(sql, " WHERE community = $1 AND (");
    names(sql, t, true);
    base_buf_str(sql, ") > (");
    for (int i = 0; i < key_count(t); i++) {
        base_buf_str(sql, i > 0 ? ", $" : "$");
        base_buf_int(sql, i + 2);
    }
    base_buf_str(sql, ") ORDER BY ");
    names(sql, t, true);
    base_buf_str(sql, " LIMIT ");
    base_buf_int(sql, AUDIT_PAGE);
}

typedef gov_status take_line(audit *a, part p, const line *x);

static gov_status each_standing(audit *a, part p, take_line *take)
{
    const store_table *t = tables[p];
    const int keys = key_count(t);
    line x = {.key = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}};
    store_arg args[1 + MOST_KEYS] = {store_i(a->l->community)};
    base_buf text;
    gov_status rc = GOV_OK;
    base_buf_init(&text, a->l->alloc);
    page_sql(&text, t);
    const store_sql sql = {text.data, STORE_DYNAMIC};
    if (text.failed)
        rc = base_nomem(a->d);
    for (int page = AUDIT_PAGE; rc == GOV_OK && page == AUDIT_PAGE;) {
        store_rows rows;
        const store_column *c;
        page = 0;
        for (int i = 0; i < keys; i++)
            args[1 + i] = store_i(x.key[i]);
        rc = store_query(a->l->s, &sql, args, 1 + (size_t)keys, &rows, a->d);
        if (rc != GOV_OK)
            break;
        for (; rc == GOV_OK && (rc = store_next(&rows, a->d)) == GOV_OK; page++) {
            x = (line){.there = p != REVERSED};
            for (int i = 0; i < keys; i++)
                x.key[i] = store_int(&rows, i);
            for (int i = 0; (c = compared(t, i)) != NULL; i++)
                x.columns[i] = cell(a, c, &rows, keys + i, &x);
            rc = take(a, p, &x);
        }
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
    }
    base_buf_free(&text);
    return rc;
}

static gov_status stands(audit *a, part p, const line *x)
{
    return add(a, p, x, true);
}

/* ---- naming what differs ---- */

static void show_key(base_buf *out, part p, const int64_t *key)
{
    for (int i = 0; i < key_count(tables[p]); i++) {
        base_buf_str(out, i > 0 ? ", " : "");
        base_buf_int(out, key[i]);
    }
}

static void show_cell(base_buf *out, const store_column *c, int64_t n)
{
    if (c->type == STORE_BYTES)
        base_buf_fmt(out, "#%016llx", (unsigned long long)n);
    else if (c->nullable && n == 0)
        base_buf_str(out, "null");
    else
        base_buf_int(out, n == INT64_MIN ? 0 : n);
}

static gov_status tell_row(audit *a, part p, const line *is, const line *should)
{
    const char *table = tables[p]->name;
    const line *x = is != NULL ? is : should;
    base_buf row, now, then;
    const store_column *c;
    int at = 0;
    base_buf_init(&row, a->l->alloc);
    base_buf_init(&now, a->l->alloc);
    base_buf_init(&then, a->l->alloc);
    show_key(&row, p, x->key);
    while (is != NULL && should != NULL && at < MOST_COLUMNS - 1 &&
           is->columns[at] == should->columns[at])
        at++;
    c = is != NULL && should != NULL ? compared(tables[p], at) : NULL;
    if (c != NULL) {
        show_cell(&now, c, is->columns[at]);
        show_cell(&then, c, should->columns[at]);
    }
    gov_status rc;
    if (row.failed || now.failed || then.failed)
        rc = base_nomem(a->d);
    else if (is == NULL)
        rc = base_fail(a->d, M_row_gone, A_S("table", table), A_N("row", row.data, row.len));
    else if (c == NULL)
        rc = base_fail(a->d, M_row_unknown, A_S("table", table), A_N("row", row.data, row.len));
    else
        rc = base_fail(a->d, M_row_differs, A_S("table", table), A_N("row", row.data, row.len),
                       A_S("column", c->name), A_N("is", now.data, now.len),
                       A_N("should", then.data, then.len));
    base_buf_free(&row);
    base_buf_free(&now);
    base_buf_free(&then);
    return rc;
}

static gov_status compare_line(audit *a, part p, const line *x)
{
    uint64_t h = mix(a->secret + (uint64_t)p);
    for (int i = 0; i < MOST_KEYS; i++)
        h = mix(h ^ (uint64_t)x->key[i]) + UINT64_C(0x9e3779b97f4a7c15);
    if (h % BUCKETS != a->bucket)
        return GOV_OK;
    for (size_t i = 0; i < a->count; i++) {
        line *want = &a->lines[i];
        if (memcmp(want->key, x->key, sizeof x->key) != 0)
            continue;
        if (memcmp(want->columns, x->columns, sizeof x->columns) != 0)
            return tell_row(a, p, x, want->there != 0 || p == REVERSED ? want : NULL);
        want->there = 0;
        memset(want->columns, 0, sizeof want->columns);
        return GOV_OK;
    }
    return tell_row(a, p, x, NULL);
}

static gov_status name_row(audit *a, part p, uint64_t bucket)
{
    static const line none = {.there = 0};
    a->searching = true;
    a->part = (int)p;
    a->bucket = bucket;
    gov_status rc = journal_read(a->g->journal, &(journal_filter){0}, follow_entry, a, a->d);
    if (rc == GOV_OK)
        rc = each_standing(a, p, compare_line);
    for (size_t i = 0; i < a->count && rc == GOV_OK; i++)
        if (a->lines[i].there != 0 ||
            memcmp(a->lines[i].columns, none.columns, sizeof none.columns) != 0)
            rc = tell_row(a, p, NULL, &a->lines[i]);
    return rc;
}

/* ---- all of it ---- */

static gov_status read_places(audit *a)
{
    static const store_sql sql = {"SELECT seq, id FROM gov_ledger_account WHERE community = $1 AND "
                                  "seq > $2 ORDER BY seq LIMIT 4096",
                                  0};
    int64_t seq = INT64_MIN;
    gov_status rc = GOV_OK;
    for (int page = 4096; rc == GOV_OK && page == 4096;) {
        store_rows rows;
        page = 0;
        rc = store_query(a->l->s, &sql, STORE_ARGS(store_i(a->l->community), store_i(seq)), &rows,
                         a->d);
        while (rc == GOV_OK && (rc = store_next(&rows, a->d)) == GOV_OK) {
            seq = store_int(&rows, 0);
            page++;
            if (!base_grow(a->l->alloc, &a->seqs, &a->seq_cap, a->seq_count, sizeof *a->seqs) ||
                !ledger_index_reserve(&a->places, 1)) {
                rc = base_nomem(a->d);
                break;
            }
            ledger_index_set(&a->places, store_int(&rows, 1), (uint32_t)a->seq_count);
            a->seqs[a->seq_count++] = seq;
        }
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
    }
    return rc;
}

static gov_status any(audit *a, const store_sql *sql, bool *out)
{
    int64_t found = 0;
    const gov_status rc =
        store_first_int(a->l->s, sql, STORE_ARGS(store_i(a->l->community)), &found, a->d);
    *out = rc == GOV_OK;
    return rc == GOV_END ? GOV_OK : rc;
}

static gov_status run_audit(audit *a)
{
    static const store_sql ids = {"SELECT 1 FROM gov_ledger_id WHERE community = $1 LIMIT 1", 0};
    static const store_sql closing = {
        "SELECT 1 FROM gov_ledger_pending WHERE community = $1 AND closes IS NOT NULL LIMIT 1", 0};
    ledger_forget(a->l); /* what stands in the store is asked for, not what was read of it before */
    gov_status rc = ledger_load_clocks(a->l, a->d);
    if (rc == GOV_OK)
        rc = read_places(a);
    if (rc == GOV_OK)
        rc = any(a, &ids, &a->has_ids);
    if (rc == GOV_OK)
        rc = any(a, &closing, &a->has_closing);
    if (rc == GOV_OK)
        rc = journal_read(a->g->journal, &(journal_filter){0}, follow_entry, a, a->d);
    for (int p = 0; p < PARTS && rc == GOV_OK; p++)
        rc = each_standing(a, (part)p, stands);
    for (int p = 0; p < PARTS && rc == GOV_OK; p++)
        for (uint64_t bucket = 0; bucket < BUCKETS && rc == GOV_OK; bucket++)
            if (a->sums[p][bucket] != 0)
                rc = name_row(a, (part)p, bucket);
    if (rc == GOV_OK)
        rc = ledger_check_clocks(a->l, &a->extents, a->d);
    return rc == GOV_OK && a->wrong != 0 ? base_fail(a->d, M_ledger_altered, A_I("entry", a->wrong))
                                         : rc;
}

gov_status ledger_audit(gov *g, ledger *l, const diag *d)
{
    audit a = {.g = g,
               .l = l,
               .d = d,
               .places.alloc = l->alloc,
               .waiting.alloc = l->alloc,
               .extents.alloc = l->alloc};
    a.sums = base_array(l->alloc, PARTS, sizeof *a.sums);
    if (a.sums == NULL)
        return base_nomem(d);
    memset(a.sums, 0, PARTS * sizeof *a.sums);
    access_random(g, &a.secret, sizeof a.secret);
    base_buf_init(&a.digests, l->alloc);
    const gov_status rc = run_audit(&a);
    base_buf_free(&a.digests);
    ledger_index_free(&a.places);
    ledger_index_free(&a.waiting);
    base_free(l->alloc, a.taken_back);
    base_free(l->alloc, a.seqs);
    base_free(l->alloc, a.extents.items);
    base_free(l->alloc, a.lines);
    base_free(l->alloc, a.sums);
    return rc;
}
