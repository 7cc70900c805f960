/* The journal as a host sees it: pages, proofs, exports, a flipped byte; and a backup of a store in use. */
#include "support/api_file.h"
#include "support/community.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the journal from outside ---- */

static void the_journal_pages(void **state)
{
    community c = with_cases(support_store_of(state), 5);
    gov_error *err = NULL;
    gov_value *v = NULL;
    int64_t after = 0, last = 0;
    size_t seen = 0, told = 0, pages = 0, phones = 0;
    for (bool more = true; more; pages++) {
        assert_gov_ok(gov_journal_read(c.g, after, 4, &v, &err), err);
        const gov_value *list = gov_value_get(v, "entries");
        for (size_t i = 0; i < gov_value_count(list); i++) {
            const gov_value *e = gov_value_at(list, i);
            const int64_t id = gov_value_int(gov_value_get(e, "entry"));
            assert_true(id > last);
            last = id;
            seen++;
            const char *kind = gov_value_string(gov_value_get(e, "kind"), NULL);
            told += kind != NULL && strncmp(kind, "row_", 4) == 0;
            const gov_value *phone = gov_value_find(e, "data.set.phone");
            if (phone != NULL) {
                assert_string_equal(gov_value_string(phone, NULL), "138****1234");
                phones++;
            }
        }
        const gov_value *next = gov_value_get(v, "next");
        more = gov_value_kind(next) != GOV_VALUE_NULL;
        after = gov_value_int(next);
        gov_value_free(v);
    }
    assert_int_equal(phones, 5);
    assert_int_equal(told, 3);                  /* the rows of the community, its rules and the unit */
    assert_int_equal(seen - told, 1 + 1 + 5 * 2); /* rules, unit, each case opened and dispatched */
    assert_int_equal(pages, 4);
    assert_gov_ok(gov_journal_read(c.g, INT64_MAX, 4, &v, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(v, "entries")), 0);
    gov_value_free(v);
    community_free(&c);
}

static size_t find_bytes(const char *hay, size_t len, const char *needle, size_t n, size_t from)
{
    for (size_t i = from; i + n <= len; i++)
        if (memcmp(hay + i, needle, n) == 0)
            return i;
    return SIZE_MAX;
}

/* One byte of a kept entry, flipped in the file: verification names that entry; flipped in the case's row: that row. */
static void a_flipped_byte_is_found(void **state)
{
    support_store *s = support_store_of(state);
    community c = with_cases(s, 3);
    gov_error *err = NULL;
    gov_value *v = NULL;
    const int64_t id = community_open(&c, "complaint", "{'category': 'leak', 'phone': '15912345678'}");
    assert_gov_ok(gov_case_history(c.g, id, &v, &err), err);
    const int64_t entry = gov_value_int(gov_value_find(v, "0.entry"));
    gov_value_free(v);
    community_free(&c);
    run_sql(file_of(s), "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
    size_t len, flipped = 0, rows = 0;
    char *all = support_read(file_of(s), &len);
    for (size_t at = 0; (at = find_bytes(all, len, "15912345678", 11, at)) != SIZE_MAX; at += 11) {
        /* it stands in the case's row, in the journal, and maybe on pages that are free */
        all[at + 5] ^= 1;
        support_write(file_of(s), all, len);
        all[at + 5] ^= 1;
        assert_gov_ok(community_try(s->url, NULL, NULL, &c, &err), err);
        const gov_status status = gov_verify(c.g, NULL, NULL, &v, &err);
        assert_true(status == GOV_OK || status == GOV_E_VERIFY);
        assert_int_equal(gov_value_bool(gov_value_get(v, "ok")), status == GOV_OK);
        if (status == GOV_E_VERIFY && strcmp(gov_error_code(err, 0), "row_altered") == 0) {
            assert_non_null(strstr(gov_error_message(err, 0, "en"), "gov_case"));
            rows++;
        } else if (status == GOV_E_VERIFY) {
            assert_true(gov_value_int(gov_value_get(v, "bad_entry")) == entry);
            assert_non_null(gov_value_string(gov_value_get(v, "reason"), NULL));
            char digits[32];
            (void)snprintf(digits, sizeof digits, "%lld", (long long)entry);
            assert_non_null(strstr(gov_error_message(err, 0, "en"), digits));
            flipped++;
        }
        gov_error_free(err);
        err = NULL;
        gov_value_free(v);
        v = NULL;
        community_free(&c);
    }
    assert_true(flipped >= 1 && rows >= 1);
    support_write(file_of(s), all, len);
    assert_gov_ok(community_try(s->url, NULL, NULL, &c, &err), err);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, &v, &err), err);
    assert_int_equal(gov_value_bool(gov_value_get(v, "ok")), 1);
    gov_value_free(v);
    free(all);
    community_free(&c);
}

static int32_t stop(uint64_t done, uint64_t total, void *user)
{
    int *calls = user;
    (void)done, (void)total;
    return ++*calls > 0;
}

static void exports_prove_themselves(void **state)
{
    support_store *s = support_store_of(state);
    community c = with_cases(s, 3);
    gov_error *err = NULL;
    gov_value *v = NULL;
    char path[512], none[512];
    unsigned char pk[32], sk[64], other[32], other_secret[64];
    assert_gov_ok(gov_journal_new_key(sk, &err), err);
    memcpy(pk, sk + 32, sizeof pk);
    assert_int_equal(crypto_sign_keypair(other, other_secret), 0);
    TRY(gov_journal_new_key(NULL, &e), GOV_E_ARG);
    support_path(path, s->dir, "journal.jsonl");
    support_path(none, s->dir, "none.jsonl");
    for (int signing = 0; signing < 2; signing++) {
        (void)remove(path);
        assert_gov_ok(gov_tick(c.g, 0, NULL, &err), err);
        assert_gov_ok(gov_journal_export(c.g, path, signing ? sk : NULL, &err), err);
        TRY(gov_journal_export(c.g, path, NULL, &e), GOV_E_EXISTS);
        assert_gov_ok(gov_journal_check(NULL, path, NULL, &v, &err), err);
        assert_int_equal(gov_value_bool(gov_value_get(v, "ok")), 1);
        assert_true(gov_value_int(gov_value_get(v, "entries")) >= 8);
        gov_value_free(v);
        v = NULL;
        TRY(gov_journal_check(NULL, path, pk, NULL, &e), signing ? GOV_OK : GOV_E_VERIFY);
        TRY(gov_journal_check(NULL, path, other, NULL, &e), GOV_E_VERIFY);
    }
    size_t len;
    char *all = support_read(path, &len);
    for (size_t i = 0; i < 60; i++) { /* any byte changed: refused, or no export any more */
        const size_t at = i * (len - 2) / 59;
        all[at] = all[at] == '7' ? '8' : '7';
        support_write(none, all, len);
        err = NULL;
        const gov_status status = gov_journal_check(NULL, none, pk, &v, &err);
        assert_true(status == GOV_E_VERIFY || status == GOV_E_INPUT);
        assert_true(status == GOV_E_VERIFY || v == NULL);
        gov_error_free(err);
        err = NULL;
        gov_value_free(v);
        v = NULL;
        free(all);
        all = support_read(path, &len);
    }
    for (size_t keep = 0; keep < len; keep += len / 20 + 1) { /* and cut anywhere */
        support_write(none, all, keep);
        err = NULL;
        const gov_status status = gov_journal_check(NULL, none, pk, NULL, &err);
        assert_true(status == GOV_E_VERIFY || status == GOV_E_INPUT);
        gov_error_free(err);
    }
    free(all);
    err = NULL;
    TRY(gov_journal_check(NULL, s->dir, NULL, NULL, &e) == GOV_OK ? GOV_OK : GOV_E_STORE, GOV_E_STORE);
    (void)remove(none);
    TRY(gov_journal_check(NULL, none, NULL, &v, &e), GOV_E_NOT_FOUND);
    char inside[700];
    (void)snprintf(inside, sizeof inside, "%s/no/such", s->dir);
    err = NULL;
    assert_true(gov_journal_export(c.g, inside, NULL, &err) != GOV_OK);
    gov_error_free(err);
    int calls = 0;
    v = (gov_value *)(uintptr_t)1;
    TRY(gov_verify(c.g, stop, &calls, &v, &e), GOV_E_USER);
    assert_null(v);
    assert_true(calls >= 1);
    community_free(&c);
}

static void a_backup_of_a_store_in_use(void **state)
{
    support_store *s = support_store_of(state);
    community c = with_cases(s, 20), copy;
    gov_error *err = NULL;
    char path[512], url[600];
    support_path(path, s->dir, "copy.db");
    (void)snprintf(url, sizeof url, "sqlite:%s", path);
    if (strcmp(s->kind, "sqlite") != 0) {
        TRY(gov_store_backup(c.store, path, NULL, NULL, &e), GOV_E_UNSUPPORTED);
        community_free(&c);
        return;
    }
    int calls = 0;
    TRY(gov_store_backup(c.store, path, stop, &calls, &e), GOV_E_USER);
    assert_false(exists(path)); /* half a copy is none */
    assert_gov_ok(gov_store_backup(c.store, path, NULL, NULL, &err), err);
    TRY(gov_store_backup(c.store, path, NULL, NULL, &e), GOV_E_EXISTS);
    community_open(&c, "complaint", "{'category': 'noise'}"); /* goes on */
    assert_gov_ok(community_try(url, NULL, NULL, &copy, &err), err);
    assert_gov_ok(gov_verify(copy.g, NULL, NULL, NULL, &err), err);
    gov_value *v = NULL;
    int64_t id;
    assert_gov_ok(gov_case_find(copy.g, NULL, "2026-000020", &id, &err), err);
    TRY(gov_case_find(copy.g, NULL, "2026-000021", &id, &e), GOV_E_NOT_FOUND);
    gov_value_free(v);
    assert_gov_ok(gov_begin(c.g, &err), err);
    (void)remove(path);
    TRY(gov_store_backup(c.store, path, NULL, NULL, &e) == GOV_OK ? GOV_OK : GOV_E_STATE, GOV_E_STATE);
    assert_gov_ok(gov_rollback(c.g, &err), err);
    community_free(&copy);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(the_journal_pages),
        STORE_TEST(a_flipped_byte_is_found, "sqlite"),
        STORE_TESTS(exports_prove_themselves),
        STORE_TESTS(a_backup_of_a_store_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
