/* Money is conserved under fire: processes move amounts at random while one after the other is killed. Afterwards the sums are
 * exact, no transfer is half there, and none that was acknowledged is missing. */
#include "support/fire.h"

#include "ledger/stored.h"

#include <stdio.h>
#include <stdlib.h>

#define REAL_MS   INT64_C(1772409900000)
#define NOW       (REAL_MS * 1000)
#define COMMUNITY 9

enum { ACCOUNTS = 24, EACH = 12, START = 100000 };

static gov_error *err;
static const diag D = {&base_malloc, &err};
static const store_migration *const schema[] = {&ledger_schema};

static store *open_store(const char *url)
{
    store *s = NULL;
    const store_config config = {.url = url,
                                 .flags = STORE_CREATE,
                                 .busy_ms = 60000,
                                 .migrations = schema,
                                 .migration_count = 1};
    return store_open(&base_malloc, &config, &s, NULL) == GOV_OK ? s : NULL;
}

/* ---- a worker ---- */

static uint64_t seed;
static uint32_t rnd(uint32_t below)
{
    return fire_random(&seed, below);
}

/* Pairs: each second one is linked to the one before, so that both are there or neither. */
static void make_batch(ledger_transfer *t, const int64_t *ids, int64_t *held)
{
    for (int i = 0; i < EACH; i++) {
        const int64_t debit = 2 + rnd(ACCOUNTS), other = 2 + rnd(ACCOUNTS - 1);
        t[i] = (ledger_transfer){.id = ids[i],
                                 .debit_account = debit,
                                 .credit_account = other >= debit ? other + 1 : other,
                                 .amount = 1 + rnd(200),
                                 .reference = ids[i & ~1],
                                 .ledger = 1,
                                 .code = 1,
                                 .flags = i % 2 == 0 ? GOV_TRANSFER_LINKED : 0};
        if (i < 2 && rnd(3) == 0)
            t[i].flags |= GOV_TRANSFER_PENDING;
        if (i == 2 && *held != 0)
            t[i] = (ledger_transfer){.id = ids[i],
                                     .pending_id = *held,
                                     .amount = rnd(2) ? INT64_MAX : 1,
                                     .reference = ids[2],
                                     .flags = GOV_TRANSFER_POST_PENDING | GOV_TRANSFER_LINKED};
    }
    *held = t[0].flags & GOV_TRANSFER_PENDING ? t[0].id : 0;
}

/* What was made is told after the commit: the debit account, the id, the amount, the credit account. */
static gov_status one_batch(store *s, ledger *l, int64_t now, int64_t *held, int out, bool *told)
{
    int64_t ids[EACH];
    ledger_transfer t[EACH];
    ledger_result r[EACH];
    const ledger_time when = {now, REAL_MS + now % 100000, 1};
    gov_status rc = store_begin(s, NULL);
    if (rc == GOV_OK)
        rc = store_new_ids(s, when.real_ms, EACH, ids, NULL);
    if (rc == GOV_OK) {
        make_batch(t, ids, held);
        rc = ledger_transfer_batch(l, t, EACH, when, NULL, r, NULL);
    }
    if (rc == GOV_OK)
        rc = store_commit(s, NULL);
    else
        store_rollback(s);
    for (int i = 0; i < EACH && rc == GOV_OK && *told; i++)
        if (r[i].code == GOV_LEDGER_CREATED)
            *told = fire_tell(out, &(fire_ack){t[i].debit_account, t[i].id, t[i].amount, t[i].credit_account});
    return rc;
}

static int work(void *url, int out, uint64_t number)
{
    ledger *l = NULL;
    int64_t held = 0;
    bool told = true;
    store *s = open_store(url);
    seed = number * UINT64_C(0x9e3779b97f4a7c15);
    if (s == NULL || ledger_open(s, COMMUNITY, &l, NULL) != GOV_OK)
        return 3;
    for (int64_t i = 0;; i++) {
        const gov_status rc = one_batch(s, l, NOW + i * 1000, &held, out, &told);
        if (rc != GOV_OK && rc != GOV_E_RETRY && rc != GOV_E_BUSY)
            return 4;
        if (!told)
            return 5;
    }
}

/* ---- the parent ---- */

static void prepare(const char *url)
{
    ledger_account a[ACCOUNTS + 2];
    ledger_transfer t[ACCOUNTS];
    ledger_result r[ACCOUNTS + 2];
    ledger *l = NULL;
    store *s = open_store(url);
    assert_non_null(s);
    assert_gov_ok(ledger_open(s, COMMUNITY, &l, &D), err);
    const ledger_time when = {NOW - 1000000, REAL_MS - 1000, 1};
    for (int i = 0; i < ACCOUNTS + 2; i++) {
        a[i] = (ledger_account){.id = 1 + i, .ledger = 1, .code = 1};
        if (i > 0)
            a[i].flags =
                GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS | (i < 6 ? GOV_ACCOUNT_LOTS : 0);
    }
    for (int i = 0; i < ACCOUNTS; i++)
        t[i] = (ledger_transfer){.id = 1 + i,
                                 .debit_account = 1,
                                 .credit_account = 2 + i,
                                 .amount = START,
                                 .ledger = 1,
                                 .code = 1};
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_create_accounts(l, a, ACCOUNTS + 2, when, NULL, r, &D), err);
    assert_gov_ok(ledger_transfer_batch(l, t, ACCOUNTS, when, NULL, r, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    ledger_close(l);
    store_close(s);
}

/* ---- what has to be true ---- */

static void assert_kept(ledger *l, const fire *f)
{
    for (size_t i = 0; i < f->count; i++) {
        const fire_ack *k = &f->acks[i];
        ledger_transfer t;
        assert_gov_ok(ledger_lookup_transfers(l, &k->id, 1, &t, &D), err);
        if (t.id != k->id)
            fail_msg("transfer %lld was acknowledged and is gone", (long long)k->id);
        if (k->what != 0)
            assert_true(t.debit_account == k->what && t.credit_account == k->more && t.amount == k->amount);
    }
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* References that do not stand in two transfers: chains of which a half is there. */
static size_t half_chains(ledger *l)
{
    int64_t *all = NULL;
    size_t n = 0, cap = 0, odd = 0;
    ledger_scan *scan;
    ledger_row r;
    gov_status rc;
    assert_gov_ok(ledger_load_clocks(l, &D), err);
    assert_gov_ok(ledger_scan_open(l, &(ledger_want){.to_us = INT64_MAX}, &scan, &D), err);
    while ((rc = ledger_scan_next(scan, &r, &D)) == GOV_OK) {
        if (r.t.reference == 0 || r.t.flags >= LEDGER_BREAKAGE)
            continue;
        assert_true(base_grow(&base_malloc, &all, &cap, n, sizeof *all));
        all[n++] = r.t.reference;
    }
    assert_int_equal(rc, GOV_END);
    ledger_scan_close(scan);
    if (n > 0)
        qsort(all, n, sizeof *all, by_number);
    for (size_t i = 0, to; i < n; i = to) {
        for (to = i; to < n && all[to] == all[i]; to++)
            ;
        odd += to - i != 2;
    }
    base_free(&base_malloc, all);
    return odd;
}

static void assert_conserved(store *s, ledger *l)
{
    int64_t ids[ACCOUNTS + 2], sum = 0;
    ledger_account a[ACCOUNTS + 2];
    for (int i = 0; i < ACCOUNTS + 2; i++)
        ids[i] = 1 + i;
    assert_gov_ok(ledger_verify(l, &D), err);
    assert_gov_ok(ledger_lookup_accounts(l, ids, ACCOUNTS + 2, a, &D), err);
    for (int i = 1; i < ACCOUNTS + 2; i++) {
        assert_true(a[i].credits_posted >= a[i].debits_posted + a[i].debits_pending);
        sum += a[i].credits_posted - a[i].debits_posted;
    }
    assert_true(sum == INT64_C(1) * START * ACCOUNTS);
    (void)s;
    assert_int_equal(half_chains(l), 0);
}

static void conserves_money_under_fire(void **state)
{
    char *url = support_store_of(state)->url;
    fire f = {.work = work, .user = url};
    prepare(url);
    fire_burn(&f, fire_seconds(4, 60));
    ledger *l = NULL;
    store *s = open_store(url);
    assert_non_null(s);
    assert_gov_ok(ledger_open(s, COMMUNITY, &l, &D), err);
    assert_true(f.count > 0);
    assert_kept(l, &f);
    assert_conserved(s, l);
    ledger_close(l);
    store_close(s);
    print_message("%d shots, %zu transfers acknowledged\n", f.shots, f.count);
    fire_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TESTS(conserves_money_under_fire)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
