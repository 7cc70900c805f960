/* Room ledger: what a user relies on, one thing each; failures, and two writers. */
#include "support/faulty.h"
#include "support/ledger_calls.h"
#include "support/support.h"

#include "ledger/stored.h"

#include <sys/wait.h>
#include <unistd.h>

/* ---- what a user relies on, one thing each ---- */

static void keeps_communities_apart(void **state)
{
    support_store *on = support_store_of(state);
    store *s = open_on(on->url, 0, &base_malloc);
    int64_t id;
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_new_id(s, REAL_MS, &id, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    /* The same id in two communities of one file, one that could be the row's key itself. */
    for (int64_t community = 1; community <= 2; community++) {
        ledger *l = NULL;
        assert_gov_ok(ledger_open(s, community, &l, &D), err);
        two_accounts(s, l, 0);
        assert_code(CREATED, transfer(s, l,
                                      TRANSFER(.id = id, .debit_account = 1, .credit_account = 2,
                                               .amount = community),
                                      NOW));
        assert_code(EXISTS, transfer(s, l,
                                     TRANSFER(.id = id, .debit_account = 1, .credit_account = 2,
                                              .amount = community),
                                     NOW));
        assert_true(look(l, 2).credits_posted == community);
        ledger_transfer t;
        assert_gov_ok(ledger_lookup_transfers(l, &id, 1, &t, &D), err);
        assert_true(t.id == id && t.amount == community);
        assert_gov_ok(ledger_verify(l, &D), err);
        ledger_close(l);
    }
    store_close(s);
}

static void finds_any_page_of_a_long_history(void **state)
{
    enum { BATCHES = 60, EACH = 100 };
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    two_accounts(s, l, 0);
    static ledger_transfer t[EACH];
    static ledger_result r[EACH];
    static int64_t at[BATCHES * EACH];
    for (int b = 0; b < BATCHES; b++) {
        for (int i = 0; i < EACH; i++)
            t[i] = TRANSFER(.id = 1 + b * EACH + i, .debit_account = 1, .credit_account = 2,
                            .amount = 1);
        transfers(s, l, t, EACH, NOW + b * INT64_C(1000000), r);
        for (int i = 0; i < EACH; i++)
            at[b * EACH + i] = r[i].timestamp;
    }
    ledger_balance page[50];
    size_t count;
    for (int from = 0; from < BATCHES * EACH; from += 37) {
        ledger_filter f = {.account = 2, .timestamp_min = at[from]};
        assert_gov_ok(ledger_account_balances(l, &f, page, 50, &count, &D), err);
        assert_int_equal(count, BATCHES * EACH - from < 50 ? BATCHES * EACH - from : 50);
        for (size_t i = 0; i < count; i++)
            assert_true(page[i].credits_posted == from + (int)i + 1);
        f = (ledger_filter){.account = 1, .timestamp_max = at[from], .flags = GOV_LEDGER_REVERSED};
        assert_gov_ok(ledger_account_balances(l, &f, page, 50, &count, &D), err);
        assert_int_equal(count, from + 1 < 50 ? from + 1 : 50);
        for (size_t i = 0; i < count; i++)
            assert_true(page[i].debits_posted == from + 1 - (int)i);
    }
    done(s, l);
}

static void names_reasons(void **state)
{
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    uint32_t sorting, patrol, again_;
    char name[65];
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_reason_number(l, 1, "sorting", &sorting, &D), err);
    assert_gov_ok(ledger_reason_number(l, 1, "patrol", &patrol, &D), err);
    assert_gov_ok(ledger_reason_number(l, 1, "sorting", &again_, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_int_equal(sorting, again_);
    assert_int_not_equal(sorting, patrol);
    assert_gov_ok(ledger_reason_name(l, 1, patrol, name, &D), err);
    assert_string_equal(name, "patrol");
    assert_gov_ok(ledger_reason_name(l, 2, patrol, name, &D), err);
    assert_string_equal(name, "");
    done(s, l);
}

static void refuses_empty_and_huge_batches(void **state)
{
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    const ledger_transfer t = TRANSFER(.id = 1);
    ledger_result r;
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov(GOV_E_LIMIT,
               ledger_transfer_batch(l, &t, 0, (ledger_time){NOW, REAL_MS}, NULL, &r, &D), err);
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_LIMIT,
               ledger_transfer_batch(l, &t, LEDGER_BATCH_MAX + 1, (ledger_time){NOW, REAL_MS}, NULL,
                                     &r, &D),
               err);
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_RANGE,
               ledger_transfer_batch(l, &t, 1, (ledger_time){0, REAL_MS}, NULL, &r, &D), err);
    gov_error_free(err);
    err = NULL;
    store_rollback(s);
    done(s, l);
}

static void notices_what_does_not_add_up(void **state)
{
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    static const store_sql steal = {"UPDATE gov_ledger_balance SET credits_posted = credits_posted "
                                    "+ 1 WHERE community = $1 AND seq = (SELECT a.seq FROM "
                                    "gov_ledger_account a WHERE a.community = $1 AND a.id = $2)",
                                    0};
    two_accounts(s, l, 0);
    assert_code(CREATED,
                transfer(s, l,
                         TRANSFER(.id = 10, .debit_account = 1, .credit_account = 2, .amount = 5),
                         NOW));
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_post(s, &steal, STORE_ARGS(store_i(COMMUNITY), store_i(2)), 1, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov(GOV_E_VERIFY, ledger_verify(l, &D), err);
    assert_diag(err, 0, "ledger_differs", -1, -1);
    gov_error_free(err);
    err = NULL;
    ledger_close(l);
    store_close(s);
}

/* ---- without memory ---- */

static gov_status few_transfers(const gov_allocator *alloc, void *user)
{
    store *s = NULL;
    ledger *l = NULL;
    gov_error *e = NULL;
    const diag d = {alloc, &e};
    const store_config config = {.url = user, .migrations = schema, .migration_count = 1};
    ledger_transfer t[40];
    ledger_result r[40];
    ledger_balance b[40];
    size_t count;
    gov_status rc = store_open(alloc, &config, &s, &d);
    if (rc == GOV_OK)
        rc = ledger_open(s, COMMUNITY, &l, &d);
    if (rc == GOV_OK)
        rc = store_begin(s, &d);
    for (int i = 0; i < 40; i++)
        t[i] = TRANSFER(.id = 100 + i, .debit_account = 1, .credit_account = 2, .amount = 1,
                        .flags = i == 3   ? GOV_TRANSFER_PENDING
                                 : i == 5 ? 1
                                          : 0);
    t[38] = TRANSFER(.id = 138, .debit_account = 2, .credit_account = 1, .amount = 9, .flags = 1);
    t[39] = (ledger_transfer){.id = 139, .reversal_of = 138, .amount = INT64_MAX};
    if (rc == GOV_OK)
        rc = ledger_transfer_batch(l, t, 40, (ledger_time){NOW, REAL_MS}, &note_entry, r, &d);
    if (rc == GOV_OK)
        rc = ledger_account_balances(l, &(ledger_filter){.account = 1}, b, 40, &count, &d);
    if (rc == GOV_OK)
        rc = ledger_verify(l, &d);
    if (s != NULL)
        store_rollback(s);
    ledger_close(l);
    store_close(s);
    gov_error_free(e);
    return rc;
}

static void survives_want_of_memory(void **state)
{
    support_store *on = support_store_of(state);
    store *s;
    ledger *l = open_ledger(on, &s);
    two_accounts(s, l, GOV_ACCOUNT_LOTS | GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS);
    const ledger_cap cap = {.book = 1, .number = 1, .side = 1, .window = LEDGER_DAY, .amount = 1000};
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_cap_put(l, &cap, REAL_MS, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    done(s, l);
    oom_loop(few_transfers, on->url);
    oom_loop_malloc(few_transfers, on->url, OOM_ANY_ERROR | OOM_KEEPS);
}

/* ---- two writers, each with balances of its own in memory ---- */

static void two_writers_lose_nothing(void **state)
{
    support_store *on = support_store_of(state);
    store *s[2];
    ledger *l[2];
    for (int i = 0; i < 2; i++)
        l[i] = open_ledger(on, &s[i]);
    two_accounts(s[0], l[0], GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS);
    assert_code(CREATED,
                transfer(s[0], l[0],
                         TRANSFER(.id = 1, .debit_account = 1, .credit_account = 2, .amount = 100),
                         NOW));
    int64_t moved = 0;
    for (int i = 0; i < 200; i++) {
        const int who = i % 3 == 0;
        const int32_t code =
            transfer(s[who], l[who],
                     TRANSFER(.id = 1000 + i, .debit_account = 2, .credit_account = 1, .amount = 1),
                     NOW + i);
        if (moved < 100)
            assert_code(CREATED, code);
        else
            assert_code(EXCEEDS_CREDITS, code);
        moved += code == GOV_LEDGER_CREATED;
    }
    assert_true(look(l[1], 2).debits_posted == 100);
    done(s[0], l[0]);
    done(s[1], l[1]);
}

/* ---- two processes at once ---- */

static int fire(const char *url, int who)
{
    const store_config config = {.url = url,
                                 .flags = STORE_FAST,
                                 .busy_ms = 60000,
                                 .migrations = schema,
                                 .migration_count = 1};
    store *s = NULL;
    ledger *l = NULL;
    ledger_transfer t[FIRE_EACH];
    ledger_result r[FIRE_EACH];
    int moved = 0;
    if (store_open(&base_malloc, &config, &s, NULL) != GOV_OK ||
        ledger_open(s, COMMUNITY, &l, NULL) != GOV_OK)
        return -1;
    for (int b = 0; b < FIRE_BATCHES; b++) {
        for (int i = 0; i < FIRE_EACH; i++)
            t[i] = TRANSFER(.id = 1000 + (who * FIRE_BATCHES + b) * FIRE_EACH + i,
                            .debit_account = 1 + (i + who) % 2, .credit_account = 2 - (i + who) % 2,
                            .amount = 1 + i % 3);
        /* Whoever loses a race is told so, and tries again. */
        for (gov_status rc = GOV_E_RETRY; rc != GOV_OK;) {
            rc = store_begin(s, NULL);
            if (rc == GOV_OK)
                rc = ledger_transfer_batch(l, t, FIRE_EACH, (ledger_time){NOW + b, REAL_MS}, NULL,
                                           r, NULL);
            if (rc == GOV_OK)
                rc = store_commit(s, NULL);
            else
                store_rollback(s);
            if (rc != GOV_OK && rc != GOV_E_RETRY && rc != GOV_E_BUSY)
                return -1;
        }
        for (int i = 0; i < FIRE_EACH; i++)
            moved += r[i].code == GOV_LEDGER_CREATED;
    }
    ledger_close(l);
    store_close(s);
    return moved == FIRE_BATCHES * FIRE_EACH ? 0 : 1;
}

static void two_processes_add_up(void **state)
{
    support_store *on = support_store_of(state);
    store *s;
    ledger *l = open_ledger(on, &s);
    two_accounts(s, l, 0);
    done(s, l);
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(fire(on->url, i));
    }
    for (int i = 0; i < 2; i++) {
        int status = -1;
        assert_true(waitpid(children[i], &status, 0) == children[i]);
        assert_int_equal(status, 0);
    }
    l = open_ledger(on, &s);
    int64_t moved = 0;
    for (int i = 0; i < FIRE_EACH; i++)
        moved += 2 * FIRE_BATCHES * (1 + i % 3);
    assert_true(look(l, 1).debits_posted + look(l, 2).debits_posted == moved);
    done(s, l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(keeps_communities_apart),
        STORE_TESTS(finds_any_page_of_a_long_history),
        STORE_TESTS(names_reasons),
        STORE_TESTS(refuses_empty_and_huge_batches),
        STORE_TESTS(notices_what_does_not_add_up),
        STORE_TEST(survives_want_of_memory, "sqlite"),
        STORE_TESTS(two_writers_lose_nothing),
        STORE_TESTS(two_processes_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
