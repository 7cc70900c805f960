/* Room ledger, how transfers are kept: blocks by themselves, and what is found in a store beside looking at everything. */
#include "support/community.h"

#include "ledger/lines.h"
#include "ledger/stored.h"

#include <stdlib.h>
#include <string.h>

#define REAL_MS   INT64_C(1772409900000)
#define NOW       (REAL_MS * 1000)
#define COMMUNITY 5

static gov_error *err;
static const diag D = {&base_malloc, &err};
static const store_migration *const schema[] = {&ledger_schema};
static uint64_t seed = 11;

static uint32_t rnd(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* ---- blocks ---- */

/* Of every size, some of them the largest and the smallest there are. */
static int64_t number(void)
{
    switch (rnd(6)) {
    case 0: return 0;
    case 1: return INT64_MAX - (int64_t)rnd(3);
    case 2: return (int64_t)rnd(200);
    default: return (int64_t)(((uint64_t)rnd(1U << 30) << 32 | rnd(1U << 31)) >> rnd(62));
    }
}

static void fill(ledger_row *r, int64_t seq, int64_t us)
{
    ledger_transfer *t = &r->t;
    *r = (ledger_row){.seq = seq, .kind = LEDGER_LIVE, .released = number()};
    t->timestamp = us;
    t->ledger = 9;
    t->code = (uint32_t)number();
    t->flags = rnd(5) == 0 ? LEDGER_EXPIRED : rnd(512);
    t->debit_account = number();
    t->credit_account = number();
    t->amount = number();
    t->pending_id = number();
    t->subject = number();
    t->reference = number();
    t->reason = (uint32_t)number();
    t->timeout = (uint32_t)number();
    t->effective_at = rnd(3) == 0 ? INT64_MIN + (int64_t)rnd(9) : number();
    t->reversal_of = number();
    t->expires_at = number();
    if (t->flags == LEDGER_EXPIRED) {
        r->kind = LEDGER_EXPIRY;
    } else if (rnd(2) == 0) {
        r->native = true;
        t->id = seq;
    } else {
        t->id = 1 + (number() >> 1);
    }
}

static void assert_row(const ledger_row *a, const ledger_row *b)
{
    assert_memory_equal(&a->t, &b->t, sizeof a->t);
    assert_true(a->seq == b->seq && a->released == b->released && a->kind == b->kind &&
                a->native == b->native);
}

static void blocks_give_back_what_they_took(void **state)
{
    static ledger_row rows[LEDGER_BLOCK_ROWS];
    static uint8_t bytes[LEDGER_BLOCK_MOST];
    ledger_row *list[LEDGER_BLOCK_ROWS];
    (void)state;
    for (int round = 0; round < 400; round++) {
        const size_t n = 1 + rnd(LEDGER_BLOCK_ROWS);
        int64_t seq = 1 + rnd(1000), us = rnd(1000);
        for (size_t i = 0; i < n; i++) {
            fill(&rows[i], seq, us);
            list[i] = &rows[i];
            seq += rnd(4) == 0 ? 1 + (number() >> 9) : 1;
            us += rnd(4) == 0 ? 1 + (number() >> 9) : 1;
        }
        const size_t len = ledger_block_write(list, n, bytes);
        ledger_block b = {.book = 9,
                          .count = (uint32_t)n,
                          .seq = rows[0].seq,
                          .first_us = rows[0].t.timestamp};
        assert_true(len <= sizeof bytes);
        assert_true(ledger_block_read(&b, bytes, len));
        for (size_t i = 0; i < n; i++) {
            ledger_row back;
            ledger_block_row(&b, i, &back);
            assert_row(&back, &rows[i]);
            assert_int_equal(ledger_block_find(&b, rows[i].seq), i);
            assert_true(ledger_block_may_hold(&b, LEDGER_COL_SUBJECT, rows[i].t.subject));
        }
        assert_int_equal(ledger_block_find(&b, rows[n - 1].seq + 1), n);
        assert_false(ledger_block_read(&b, bytes, len - 1));
    }
}

static void plain_rows_take_few_bytes(void **state)
{
    static ledger_row rows[LEDGER_BLOCK_ROWS];
    static uint8_t bytes[LEDGER_BLOCK_MOST];
    ledger_row *list[LEDGER_BLOCK_ROWS];
    (void)state;
    for (int i = 0; i < LEDGER_BLOCK_ROWS; i++) {
        rows[i] = (ledger_row){.seq = 1000 + i, .native = true};
        rows[i].t = (ledger_transfer){.id = 1000 + i,
                                      .debit_account = 5000 + rnd(10000),
                                      .credit_account = 5000 + rnd(10000),
                                      .amount = 1 + rnd(1000),
                                      .ledger = 9,
                                      .code = 1,
                                      .timestamp = 77 + i};
        list[i] = &rows[i];
    }
    assert_true(ledger_block_write(list, LEDGER_BLOCK_ROWS, bytes) < 7 * LEDGER_BLOCK_ROWS);
}

/* Whatever the bytes are, they are a block or they are none. */
static void damaged_blocks_do_no_harm(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        const size_t len = rnd(120);
        uint8_t *bytes = malloc(len + 1);
        assert_non_null(bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)(rnd(3) == 0 ? rnd(256) : rnd(4));
        ledger_block b = {.book = 9, .count = rnd(6), .seq = number(), .first_us = number()};
        if (ledger_block_read(&b, bytes, len)) {
            ledger_row r;
            for (size_t i = 0; i < b.count; i++)
                ledger_block_row(&b, i, &r);
            (void)ledger_block_find(&b, number());
        }
        free(bytes);
    }
}

/* ---- queries, beside looking at everything ---- */

enum { LEDGERS = 3, MOST = 6000 };

typedef struct kept {
    ledger_transfer t[MOST];
    size_t count;
} kept;

static ledger *open_ledgers(void **state, store **s)
{
    const store_config config = {.url = support_store_of(state)->url,
                                 .flags = STORE_CREATE | STORE_FAST,
                                 .busy_ms = 10000,
                                 .migrations = schema,
                                 .migration_count = 1};
    ledger *l;
    ledger_account a[LEDGERS * 4];
    ledger_result r[LEDGERS * 4];
    for (size_t i = 0; i < ARRAY_LEN(a); i++)
        a[i] = (ledger_account){.id = 1 + (int64_t)i, .ledger = 1 + (uint32_t)i / 4, .code = 1};
    assert_gov_ok(store_open(&base_malloc, &config, s, &D), err);
    assert_gov_ok(ledger_open(*s, COMMUNITY, &l, &D), err);
    assert_gov_ok(store_begin(*s, &D), err);
    assert_gov_ok(ledger_create_accounts(l, a, ARRAY_LEN(a), (ledger_time){NOW - 1000, REAL_MS, 7},
                                         NULL, r, &D),
                  err);
    assert_gov_ok(store_commit(*s, &D), err);
    return l;
}

static void post_some(store *s, ledger *l, kept *k, int64_t now)
{
    static ledger_transfer t[400];
    static ledger_result r[400];
    int64_t ids[400];
    const size_t n = 1 + rnd(rnd(3) == 0 ? 400 : 20);
    const uint32_t only = rnd(LEDGERS + 1);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_new_ids(s, REAL_MS, n, ids, &D), err);
    for (size_t i = 0; i < n; i++) {
        const uint32_t book = only != 0 ? only : 1 + rnd(LEDGERS);
        t[i] = (ledger_transfer){.id = rnd(10) == 0 ? (int64_t)(1000000 + k->count + i) : ids[i],
                                 .debit_account = 1 + (book - 1) * 4 + rnd(2),
                                 .credit_account = 3 + (book - 1) * 4 + rnd(2),
                                 .amount = rnd(100),
                                 .subject = rnd(40) == 0 ? 1 + rnd(3) : 0,
                                 .reference = rnd(30) == 0 ? 1 + rnd(3) : 0,
                                 .reason = rnd(3),
                                 .ledger = book,
                                 .code = 1 + rnd(2)};
    }
    assert_gov_ok(ledger_transfer_batch(l, t, n, (ledger_time){now, REAL_MS, 7}, NULL, r, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    for (size_t i = 0; i < n && k->count < MOST; i++) {
        assert_int_equal(r[i].code, GOV_LEDGER_CREATED);
        k->t[k->count] = t[i];
        k->t[k->count++].timestamp = r[i].timestamp;
    }
}

static int by_time(const void *a, const void *b)
{
    const ledger_transfer *x = a, *y = b;
    return x->timestamp != y->timestamp ? (x->timestamp < y->timestamp ? -1 : 1)
                                        : (int)x->ledger - (int)y->ledger;
}

static bool matches(const ledger_query *q, const ledger_transfer *t)
{
    return t->timestamp >= q->from_us && (q->to_us == 0 || t->timestamp <= q->to_us) &&
           (q->subject == 0 || t->subject == q->subject) &&
           (q->reference == 0 || t->reference == q->reference) &&
           (q->reason == 0 || t->reason == q->reason) && (q->code == 0 || t->code == q->code) &&
           (q->ledger == 0 || t->ledger == q->ledger);
}

static void compare_query(ledger *l, const kept *k)
{
    static ledger_transfer got[MOST];
    const int64_t span = k->t[k->count - 1].timestamp - NOW;
    ledger_query q = {.from_us = rnd(2) ? NOW + span / 64 * rnd(64) : 0,
                      .subject = rnd(3) == 0 ? 1 + rnd(3) : 0,
                      .reference = rnd(4) == 0 ? 1 + rnd(3) : 0,
                      .reason = rnd(4) == 0 ? 1 + rnd(2) : 0,
                      .code = rnd(4) == 0 ? 1 + rnd(2) : 0,
                      .ledger = rnd(2) ? 1 + rnd(LEDGERS + 1) : 0,
                      .reversed = rnd(2) == 0};
    q.to_us = rnd(2) ? q.from_us + span / 16 * rnd(16) : 0;
    size_t cap = rnd(3) == 0 ? 1 + rnd(5) : 1 + rnd(2000), count, found = 0;
    assert_gov_ok(ledger_query_transfers(l, &q, got, cap, &count, &D), err);
    for (size_t i = 0; i < k->count && found < cap; i++) {
        const ledger_transfer *t = &k->t[q.reversed ? k->count - 1 - i : i];
        if (!matches(&q, t))
            continue;
        assert_true(found < count);
        assert_true(got[found].id == t->id && got[found].timestamp == t->timestamp);
        found++;
    }
    assert_int_equal(found, count);
}

static void queries_find_what_there_is(void **state)
{
    static kept k;
    store *s;
    ledger *l = open_ledgers(state, &s);
    int64_t now = NOW;
    k.count = 0;
    while (k.count < MOST - 400) {
        now += 500 + rnd(5) * INT64_C(1000000);
        post_some(s, l, &k, now);
    }
    qsort(k.t, k.count, sizeof *k.t, by_time);
    for (int i = 0; i < 300; i++)
        compare_query(l, &k);
    /* By id, in any order, some of nothing. */
    int64_t ids[300];
    ledger_transfer out[300];
    for (int round = 0; round < 10; round++) {
        size_t at[300];
        for (size_t i = 0; i < 300; i++) {
            at[i] = rnd((uint32_t)k.count + 20);
            ids[i] = at[i] < k.count ? k.t[at[i]].id : 5 + rnd(1000);
        }
        assert_gov_ok(ledger_lookup_transfers(l, ids, 300, out, &D), err);
        for (size_t i = 0; i < 300; i++) {
            assert_true(out[i].id == (at[i] < k.count ? ids[i] : 0));
            if (at[i] < k.count)
                assert_memory_equal(&out[i], &k.t[at[i]], sizeof out[i]);
        }
    }
    assert_gov_ok(ledger_verify(l, &D), err);
    ledger_close(l);
    store_close(s);
}

/* ---- the export, piece by piece ---- */

typedef struct pieces {
    base_buf all;
    size_t count;
} pieces;

static int32_t take_piece(const char *text, size_t len, void *user)
{
    pieces *p = user;
    base_buf_add(&p->all, text, len);
    p->count++;
    return 0;
}

static int32_t refuse_piece(const char *text, size_t len, void *user)
{
    (void)text;
    (void)len;
    (void)user;
    return 1;
}

static void exports_piece_by_piece(void **state)
{
    static gov_transfer t[2000];
    community c = community_make(support_store_of(state), community_rules, NULL);
    const gov_account a[] = {{.id = 1, .ledger = 1, .code = 1}, {.id = 2, .ledger = 1, .code = 1}};
    gov_error *e = NULL;
    char *text;
    size_t len;
    pieces p = {.count = 0};
    base_buf_init(&p.all, &base_malloc);
    assert_gov_ok(gov_ledger_create_accounts(c.g, a, 2, NULL, &e), e);
    for (int i = 0; i < 2000; i++)
        t[i] = (gov_transfer){.id = 1 + i,
                              .debit_account = 1 + i % 2,
                              .credit_account = 2 - i % 2,
                              .amount = i,
                              .ledger = 1,
                              .code = 1};
    assert_gov_ok(gov_ledger_transfer(c.g, t, 2000, NULL, &e), e);
    assert_gov_ok(gov_ledger_export(c.g, 0, &text, &len, &e), e);
    assert_gov_ok(gov_ledger_export_to(c.g, 0, take_piece, &p, &e), e);
    assert_true(p.count > 2);
    assert_int_equal(p.all.len, len);
    assert_memory_equal(p.all.data, text, len);
    assert_gov(GOV_E_USER, gov_ledger_export_to(c.g, 0, refuse_piece, NULL, &e), e);
    gov_error_free(e);
    gov_text_free(text);
    base_buf_free(&p.all);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_give_back_what_they_took),
        cmocka_unit_test(plain_rows_take_few_bytes),
        cmocka_unit_test(damaged_blocks_do_no_harm),
        STORE_TESTS(queries_find_what_there_is),
        STORE_TESTS(exports_piece_by_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
