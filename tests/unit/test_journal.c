/* Room journal on a store: what is appended is read, sealed, proved and exported. */
#include "support/faulty.h"
#include "support/journal_store.h"
#include "support/support.h"

#include "journal/journal.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* ---- a journal on a store ---- */

typedef struct seen {
    journal *j;
    int64_t ids[600];
    size_t count;
    int check; /* number of the first entry, to compare contents; -1: do not */
    int stop_after;
} seen;

static gov_status see(void *user, const journal_record *r)
{
    seen *x = user;
    if (x->check >= 0) {
        const int n = x->check + (int)x->count;
        char data[64];
        snprintf(data, sizeof data, "{\"步骤\":%d}", n);
        assert_string_equal(r->data_text, data);
        assert_int_equal(r->data_len, strlen(data));
        assert_int_equal(r->at_us, NOW_US + n);
        assert_int_equal(r->actor, 7);
        assert_int_equal(r->on_behalf, n % 2 ? 9 : 0);
        assert_string_equal(r->kind, "case_sent");
        assert_string_equal(r->purpose, "handling");
        assert_string_equal(r->subject_kind, "case");
        assert_int_equal(r->subject, 100 + n % 3);
        assert_int_equal(r->rule_digest != NULL, n % 2);
        assert_string_equal(r->rule_file, n % 2 ? "workflows/complaint.yaml" : "");
        assert_int_equal(r->rule_line, n % 2 ? n : 0);
        assert_int_equal(r->batch != NULL, n % 5 == 4);
        assert_true(r->sealed);
        assert_false(r->erased);
    }
    x->ids[x->count++] = r->id;
    return x->stop_after > 0 && (int)x->count == x->stop_after ? GOV_E_USER : GOV_OK;
}

static void test_append_and_read(void **state)
{
    store *s = open_store(support_store_of(state)->url);
    journal *j = open_journal(s, 1), *other = open_journal(s, 2);
    static int64_t ids[600];
    static seen x;
    append_all(j, s, 0, 1, ids);
    append_all(j, s, 1, 600, ids);
    append_all(other, s, 0, 3, NULL);

    x = (seen){.j = j};
    assert_gov_ok(journal_read(j, &(journal_filter){0}, see, &x, &D), err);
    assert_int_equal(x.count, 600);
    assert_memory_equal(x.ids, ids, sizeof ids);

    x = (seen){.check = -1};
    assert_gov_ok(journal_read(j, &(journal_filter){.subject = 101, .limit = 5}, see, &x, &D), err);
    assert_int_equal(x.count, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(x.ids[i], ids[1 + 3 * i]);

    x = (seen){.check = -1};
    assert_gov_ok(
        journal_read(j, &(journal_filter){.subject = 101, .after = ids[7], .descending = true}, see,
                     &x, &D),
        err);
    assert_int_equal(x.count, 2);
    assert_int_equal(x.ids[0], ids[4]);

    x = (seen){.check = -1};
    assert_gov_ok(journal_read(j, &(journal_filter){.descending = true, .limit = 300}, see, &x, &D),
                  err);
    assert_int_equal(x.count, 300);
    assert_int_equal(x.ids[299], ids[300]);

    x = (seen){.check = 42};
    assert_gov_ok(journal_read(j, &(journal_filter){.id = ids[42]}, see, &x, &D), err);
    assert_int_equal(x.count, 1);
    x = (seen){.check = -1, .stop_after = 3};
    assert_int_equal(journal_read(j, &(journal_filter){.after = ids[5]}, see, &x, &D), GOV_E_USER);
    assert_int_equal(x.count, 3);

    journal_report report;
    assert_gov_ok(verify(j, &report), err);
    assert_int_equal(report.sealed, 600);
    assert_int_equal(report.unsealed, 0);
    assert_gov_ok(verify(other, &report), err);
    assert_int_equal(report.sealed, 3);
    journal_close(j);
    journal_close(other);
    store_close(s);
}

/* What is undone leaves no trace in the tree; two connections append by turns. */
static void test_undone(void **state)
{
    support_store *at = support_store_of(state);
    store *s = open_store(at->url), *t = open_store(at->url);
    journal *j = open_journal(s, 1), *k = open_journal(t, 1);
    journal_report report;
    journal_head head;
    for (int round = 0; round < 4; round++) {
        assert_gov_ok(store_begin(s, &D), err);
        assert_gov_ok(append(j, 1, NULL, &D), err);
        assert_gov_ok(store_savepoint(s, &D), err);
        assert_gov_ok(append(j, 2, NULL, &D), err);
        assert_gov_ok(store_savepoint(s, &D), err);
        assert_gov_ok(append(j, 3, NULL, &D), err);
        assert_gov_ok(store_release(s, &D), err);
        assert_gov_ok(store_rollback_to(s, &D), err);
        assert_gov_ok(append(j, 4, NULL, &D), err);
        assert_gov_ok(store_commit(s, &D), err);
        assert_gov_ok(store_begin(s, &D), err);
        assert_gov_ok(append(j, 5, NULL, &D), err);
        store_rollback(s);
        append_all(k, t, 6, 8, NULL);
    }
    assert_gov_ok(journal_seal(j, 1000, NULL, &D), err);
    assert_gov_ok(verify(j, &report), err);
    assert_int_equal(report.sealed, 16);
    assert_gov_ok(journal_head_now(k, &head, &D), err);
    assert_int_equal(head.size, 16);
    assert_memory_equal(head.root, report.root, JOURNAL_HASH);
    journal_close(j);
    journal_close(k);
    store_close(s);
    store_close(t);
}

static gov_status count_sealed(void *user, const journal_record *r)
{
    *(int *)user += r->sealed;
    return GOV_OK;
}

static int sealed_now(journal *j)
{
    int n = 0;
    const journal_filter all = {0};
    assert_gov_ok(journal_read(j, &all, count_sealed, &n, &D), err);
    return n;
}

/* What can still be undone has no place in the tree, and is not said to have one. */
static void test_open_group(void **state)
{
    store *s = open_store(support_store_of(state)->url);
    journal *j = open_journal(s, 1);
    append_all(j, s, 0, 3, NULL);
    assert_gov_ok(journal_seal(j, 100, NULL, &D), err);
    assert_gov_ok(store_begin(s, &D), err);
    for (int i = 3; i < 8; i++)
        assert_gov_ok(append(j, i, NULL, &D), err);
    assert_int_equal(sealed_now(j), 3);
    assert_gov_ok(store_savepoint(s, &D), err);
    assert_gov_ok(append(j, 8, NULL, &D), err);
    assert_int_equal(sealed_now(j), 3);
    assert_gov_ok(store_rollback_to(s, &D), err);
    assert_int_equal(sealed_now(j), 3);
    assert_gov_ok(store_commit(s, &D), err);
    assert_int_equal(sealed_now(j), store_kind_of(s) == STORE_POSTGRES ? 3 : 8);
    assert_gov_ok(journal_seal(j, 100, NULL, &D), err);
    assert_int_equal(sealed_now(j), 8);
    journal_close(j);
    store_close(s);
}

static void test_unsealed(void **state)
{
    store *s = open_store(support_store_of(state)->url);
    journal *j = open_journal(s, 1);
    journal_report report;
    int64_t sealed = -1;
    const bool later = store_kind_of(s) == STORE_POSTGRES;
    assert_gov_ok(store_begin(s, &D), err);
    for (int i = 0; i < 10; i++)
        assert_gov_ok(append(j, i, NULL, &D), err);
    if (later) {
        assert_int_equal(journal_seal(j, 10, NULL, &D), GOV_E_STATE);
        forget();
    }
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov_ok(verify(j, &report), err);
    assert_int_equal(report.unsealed, later ? 10 : 0);
    assert_gov_ok(journal_seal(j, 4, &sealed, &D), err);
    assert_int_equal(sealed, later ? 4 : 0);
    assert_gov_ok(verify(j, &report), err);
    assert_int_equal(report.sealed, later ? 4 : 10);
    assert_gov_ok(journal_seal(j, 100, &sealed, &D), err);
    assert_gov_ok(verify(j, &report), err);
    assert_int_equal(report.sealed, 10);
    assert_int_equal(report.unsealed, 0);
    journal_close(j);
    store_close(s);
}

static void test_erase(void **state)
{
    store *s = open_store(support_store_of(state)->url);
    journal *j = open_journal(s, 1);
    journal_report before, after;
    int64_t ids[5];
    append_all(j, s, 0, 5, ids);
    assert_gov_ok(verify(j, &before), err);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(journal_erase(j, ids[2], &D), err);
    assert_int_equal(journal_erase(j, 12345, &D), GOV_E_NOT_FOUND);
    forget();
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov_ok(verify(j, &after), err);
    assert_int_equal(after.erased, 1);
    assert_memory_equal(before.root, after.root, JOURNAL_HASH);
    journal_close(j);
    store_close(s);
}

static void test_refused(void **state)
{
    store *s = open_store(support_store_of(state)->url);
    journal *j = open_journal(s, 1);
    char longer[400];
    memset(longer, 'x', sizeof longer);
    longer[299] = '\0';
    assert_int_equal(append(j, 1, NULL, &D), GOV_E_BUG);
    forget();
    assert_gov_ok(store_begin(s, &D), err);
    assert_int_equal(journal_append(j, &(journal_entry){.real_ms = REAL_MS, .kind = longer}, NULL,
                                    &D),
                     GOV_E_LIMIT);
    forget();
    assert_gov_ok(journal_append(j, &(journal_entry){.real_ms = REAL_MS, .data = value_absent()},
                                 NULL, &D),
                  err);
    assert_gov_ok(store_commit(s, &D), err);
    journal_report report;
    assert_gov_ok(journal_seal(j, 10, NULL, &D), err);
    assert_gov_ok(verify(j, &report), err);
    assert_int_equal(report.sealed, 1);
    journal_close(j);
    store_close(s);
}

/* ---- heads, proofs, exports ---- */

static void test_proofs_from_store(void **state)
{
    store *s = open_store(support_store_of(state)->url);
    journal *j = open_journal(s, 1);
    int64_t ids[37];
    base_buf path, leaf;
    journal_head old, head;
    journal_hash hash;
    uint64_t at;
    append_all(j, s, 0, 20, ids);
    assert_gov_ok(journal_head_now(j, &old, &D), err);
    append_all(j, s, 20, 37, ids);
    base_buf_init(&path, &base_malloc);
    base_buf_init(&leaf, &base_malloc);
    for (int i = 0; i < 37; i += 6) {
        base_buf_clear(&path);
        base_buf_clear(&leaf);
        assert_gov_ok(journal_prove(j, ids[i], &path, &at, &head, &D), err);
        assert_gov_ok(journal_read(j, &(journal_filter){.id = ids[i]}, keep_leaf, &leaf, &D), err);
        journal_leaf_hash(leaf.data, leaf.len, &hash);
        assert_int_equal(at, i);
        assert_int_equal(head.size, 37);
        assert_true(journal_check_inclusion(&hash, at, head.size, (const journal_hash *)path.data,
                                            path.len / JOURNAL_HASH,
                                            (const journal_hash *)head.root));
    }
    base_buf_clear(&path);
    assert_gov_ok(journal_prove_growth(j, 20, &path, &head, &D), err);
    assert_true(journal_check_consistency(20, head.size, (const journal_hash *)old.root,
                                          (const journal_hash *)head.root,
                                          (const journal_hash *)path.data,
                                          path.len / JOURNAL_HASH));
    assert_int_equal(journal_prove(j, 5, &path, &at, &head, &D), GOV_E_NOT_FOUND);
    forget();
    assert_int_equal(journal_prove_growth(j, 38, &path, &head, &D), GOV_E_ARG);
    forget();
    base_buf_free(&path);
    base_buf_free(&leaf);
    journal_close(j);
    store_close(s);
}

static gov_status collect(void *user, const void *bytes, size_t len)
{
    base_buf_add(user, bytes, len);
    return GOV_OK;
}

static void test_export(void **state)
{
    store *s = open_store(support_store_of(state)->url);
    journal *j = open_journal(s, 1);
    uint8_t public_key[32], secret_key[64], stranger[32] = {1};
    int64_t ids[20];
    base_buf file;
    journal_report report;
    base_buf_init(&file, &base_malloc);
    (void)crypto_sign_keypair(public_key, secret_key);
    const journal_signer signer = {public_key, secret_key};
    append_all(j, s, 0, 20, ids);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(journal_erase(j, ids[3], &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov_ok(journal_export(j, &signer, NOW_US, collect, &file, &D), err);
    assert_gov_ok(journal_verify_export(&base_malloc, file.data, file.len, public_key, &report, &D),
                  err);
    assert_int_equal(report.sealed, 20);
    assert_int_equal(report.erased, 1);
    assert_int_equal(journal_verify_export(&base_malloc, file.data, file.len, stranger, &report,
                                           &D),
                     GOV_E_VERIFY);
    forget();
    assert_int_equal(journal_verify_export(&base_malloc, file.data, file.len - 1, public_key,
                                           &report, &D),
                     GOV_E_INPUT);
    forget();
    file.data[file.len - 1] = '\0';
    const char *cut = strrchr(file.data, '\n') + 1; /* without the last entry */
    file.data[file.len - 1] = '\n';
    assert_int_equal(journal_verify_export(&base_malloc, file.data, (size_t)(cut - file.data),
                                           public_key, &report, &D),
                     GOV_E_VERIFY);
    assert_string_equal(report.reason, "number of entries");
    forget();
    /* no changed byte goes unnoticed */
    for (size_t i = 0; i < file.len; i++) {
        file.data[i] ^= 1;
        const gov_status rc =
            journal_verify_export(&base_malloc, file.data, file.len, public_key, &report, NULL);
        if (rc != GOV_E_VERIFY && rc != GOV_E_INPUT)
            fail_msg("byte %zu", i);
        file.data[i] ^= 1;
    }
    base_buf_free(&file);
    journal_close(j);
    store_close(s);
}

static void test_export_unsigned(void **state)
{
    store *s = open_store(support_store_of(state)->url);
    journal *j = open_journal(s, 1);
    uint8_t public_key[32], secret_key[64];
    int64_t ids[5];
    base_buf file;
    journal_report report;
    base_buf_init(&file, &base_malloc);
    (void)crypto_sign_keypair(public_key, secret_key);
    append_all(j, s, 0, 5, ids);
    assert_gov_ok(journal_export(j, NULL, NOW_US, collect, &file, &D), err);
    assert_gov_ok(journal_verify_export(&base_malloc, file.data, file.len, NULL, &report, &D), err);
    assert_int_equal(report.sealed, 5);
    /* somebody who expects a signature is not content without one */
    assert_int_equal(journal_verify_export(&base_malloc, file.data, file.len, public_key, &report,
                                           &D),
                     GOV_E_VERIFY);
    assert_string_equal(report.reason, "not signed");
    forget();
    /* one that is there has to hold, whoever reads it */
    const journal_signer signer = {public_key, secret_key};
    base_buf_clear(&file);
    assert_gov_ok(journal_export(j, &signer, NOW_US, collect, &file, &D), err);
    assert_gov_ok(journal_verify_export(&base_malloc, file.data, file.len, NULL, &report, &D), err);
    base_buf_char(&file, '\0');
    char *digit = strstr(file.data, "\"signature\":\"") + 14;
    *digit = *digit == '0' ? '1' : '0';
    assert_int_equal(journal_verify_export(&base_malloc, file.data, file.len - 1, NULL, &report,
                                           &D),
                     GOV_E_VERIFY);
    forget();
    base_buf_free(&file);
    journal_close(j);
    store_close(s);
}

/* ---- memory ---- */

static gov_status oom_body(void *user, const diag *d)
{
    journal *j = user;
    const gov_status rc = append(j, 1, NULL, d);
    return rc == GOV_OK ? append(j, 2, NULL, d) : rc;
}

static gov_status nothing_each(void *user, const journal_record *r)
{
    (void)user;
    (void)r;
    return GOV_OK;
}

static gov_status oom_scenario_run(const gov_allocator *alloc, void *user)
{
    static const uint8_t key[64] = {0};
    store *s = NULL;
    journal *j = NULL;
    gov_error *e = NULL;
    const diag d = {alloc, &e};
    journal_report report;
    journal_head head;
    uint64_t at;
    base_buf out;
    const store_config config = {.url = user,
                                 .flags = STORE_CREATE,
                                 .migrations = schema,
                                 .migration_count = 1};
    base_buf_init(&out, alloc);
    gov_status rc = store_open(alloc, &config, &s, &d);
    if (rc == GOV_OK)
        rc = journal_open(s, 1, NULL, &j, &d);
    if (rc == GOV_OK)
        rc = store_run(s, oom_body, j, &d);
    if (rc == GOV_OK)
        rc = journal_read(j, &(journal_filter){0}, nothing_each, NULL, &d);
    if (rc == GOV_OK)
        rc = journal_verify(j, &report, NULL, NULL, &d);
    if (rc == GOV_OK)
        rc = journal_export(j, &(journal_signer){key, key}, NOW_US, collect, &out, &d);
    if (rc == GOV_OK)
        rc = out.failed ? base_nomem(&d) : GOV_OK;
    if (rc == GOV_OK)
        rc = journal_prove_growth(j, 1, &out, &head, &d);
    if (rc == GOV_OK)
        rc = journal_prove(j, 1, &out, &at, &head, &d) == GOV_E_NOMEM ? GOV_E_NOMEM : GOV_OK;
    base_buf_free(&out);
    journal_close(j);
    store_close(s);
    gov_error_free(e);
    return rc;
}

static void test_oom(void **state)
{
    (void)state;
    oom_loop(oom_scenario_run, ":memory:");
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        STORE_TESTS(test_append_and_read),
        STORE_TESTS(test_undone),
        STORE_TESTS(test_open_group),
        STORE_TESTS(test_unsealed),
        STORE_TESTS(test_erase),
        STORE_TESTS(test_refused),
        STORE_TESTS(test_proofs_from_store),
        STORE_TESTS(test_export),
        STORE_TESTS(test_export_unsigned),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
