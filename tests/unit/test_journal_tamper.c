/* A record that no one changes unseen: rows and bytes that were tampered with, pages that cannot be read, writers that were killed. */
#include "support/journal_store.h"
#include "support/support.h"

#include "journal/journal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- tampering: someone with the right to write rows ---- */

/* Community 1's entry number 6 of 10 is what these touch. */
static const struct {
    const char *sql, *reason;
    int entry; /* index of the entry that is named; -1: none */
} tamperings[] = {
    {"UPDATE gov_journal_payload SET data = '{\"步骤\":99}' WHERE community = 1 AND entry = $1",
     "payload", 6},
    {"UPDATE gov_journal_payload SET salt = NULL WHERE community = 1 AND entry = $1", "payload", 6},
    {"UPDATE gov_journal_entry SET subject = 5 WHERE community = 1 AND id = $1", "columns", 6},
    {"DELETE FROM gov_journal_payload WHERE community = 1 AND entry = $1", "payload missing", 6},
    {"DELETE FROM gov_journal_entry WHERE community = 1 AND id = $1", "entry missing", 6},
    {"DELETE FROM gov_journal_seal WHERE community = 1 AND entry = $1", "sequence", 7},
    {"DELETE FROM gov_journal_seal WHERE community = 1 AND entry > $1", "entry without seal", 7},
    {"UPDATE gov_journal_seal SET entry = entry + 1 WHERE community = 1 AND entry = $1",
     "entry missing", -2},
    {"DELETE FROM gov_journal_head WHERE community = 1 AND 0 < $1", "head", -1},
    {"UPDATE gov_journal_head SET size = size + 1 WHERE community = 1 AND 0 < $1", "head", -1},
    {"UPDATE gov_journal_head SET last_id = 1 WHERE community = 1 AND 0 < $1", "head", -1},
    {"UPDATE gov_journal_signed SET size = 4 WHERE community = 1 AND 0 < $1", "signature", -1},
};

static void test_tampering(void **state)
{
    uint8_t public_key[32], secret_key[64];
    support_store *at = support_store_of(state);
    (void)crypto_sign_keypair(public_key, secret_key);
    for (size_t i = 0; i < ARRAY_LEN(tamperings); i++) {
        char url[512], name[16];
        int64_t ids[10], changed;
        journal_report report;
        snprintf(name, sizeof name, "t%zu", i);
        if (i >= 7 && strcmp(at->kind, "postgres") == 0)
            break; /* a test has eight schemas at most; the rest of the list runs on SQLite */
        support_store_another(at, name, url);
        store *s = open_store(url);
        journal *j = open_journal(s, 1);
        append_all(j, s, 0, 10, ids);
        assert_gov_ok(store_begin(s, &D), err);
        assert_gov_ok(journal_sign(j, &(journal_signer){public_key, secret_key}, NOW_US, &D), err);
        assert_gov_ok(store_commit(s, &D), err);
        assert_gov_ok(verify(j, &report), err);
        assert_int_equal(report.signed_heads, 1);
        const store_sql sql = {tamperings[i].sql, STORE_DYNAMIC};
        assert_gov_ok(store_begin(s, &D), err);
        assert_gov_ok(store_exec(s, &sql, STORE_ARGS(store_i(ids[6])), &changed, &D), err);
        assert_true(changed > 0);
        assert_gov_ok(store_commit(s, &D), err);
        assert_int_equal(verify(j, &report), GOV_E_VERIFY);
        assert_string_equal(report.reason, tamperings[i].reason);
        assert_int_equal(report.bad_id, tamperings[i].entry >= 0    ? ids[tamperings[i].entry]
                                        : tamperings[i].entry == -2 ? ids[6] + 1
                                                                    : 0);
        forget();
        journal_close(j);
        store_close(s);
    }
}

/* ---- tampering: one byte of the file ---- */

static size_t find_bytes(const char *text, size_t len, const void *what, size_t what_len)
{
    for (size_t i = 0; i + what_len <= len; i++)
        if (memcmp(text + i, what, what_len) == 0)
            return i;
    fail_msg("the bytes are not in the file");
    return 0;
}

static void flip_and_verify(const char *path, const void *what, size_t what_len, size_t offset,
                            int64_t id)
{
    size_t len;
    char *text = support_read(path, &len);
    const size_t at = find_bytes(text, len, what, what_len) + offset;
    text[at] ^= 1;
    support_write(path, text, len);
    store *s = open_store(path);
    journal *j = open_journal(s, 1);
    journal_report report;
    assert_int_equal(verify(j, &report), GOV_E_VERIFY);
    assert_int_equal(report.bad_id, id);
    assert_non_null(report.reason);
    forget();
    journal_close(j);
    store_close(s);
    text[at] ^= 1;
    support_write(path, text, len);
    free(text);
}

static void test_flipped_bytes(void **state)
{
    char *dir = support_tmpdir(), path[512];
    int64_t ids[200];
    base_buf leaf;
    journal_hash hash;
    journal_report report;
    (void)state;
    support_path(path, dir, "x.gov");
    store *s = open_store(path);
    journal *j = open_journal(s, 1);
    append_all(j, s, 0, 200, ids);
    base_buf_init(&leaf, &base_malloc);
    assert_gov_ok(journal_read(j, &(journal_filter){.id = ids[150]}, keep_leaf, &leaf, &D), err);
    journal_leaf_hash(leaf.data, leaf.len, &hash);
    journal_close(j);
    store_close(s); /* moves the log into the file */

    for (size_t i = 0; i < leaf.len; i++) /* any byte of the leaf */
        flip_and_verify(path, leaf.data, leaf.len, i, ids[150]);
    for (size_t i = 0; i < JOURNAL_HASH; i++) /* of its seal */
        flip_and_verify(path, &hash, sizeof hash, i, ids[150]);
    const char *data = "{\"步骤\":150}";
    for (size_t i = 0; i < strlen(data); i++) /* of its payload */
        flip_and_verify(path, data, strlen(data), i, ids[150]);
    s = open_store(path);
    j = open_journal(s, 1);
    assert_gov_ok(verify(j, &report), err);
    journal_close(j);
    store_close(s);
    base_buf_free(&leaf);
    support_rmdir(dir);
}

/* A page of the file made unreadable: the engine fails, the entry is still named. */
static void test_unreadable_page(void **state)
{
    char *dir = support_tmpdir(), path[512];
    static int64_t ids[500];
    (void)state;
    support_path(path, dir, "x.gov");
    store *s = open_store(path);
    journal *j = open_journal(s, 1);
    append_all(j, s, 0, 500, ids);
    journal_close(j);
    store_close(s);
    size_t len;
    char *text = support_read(path, &len);
    const char *data = "{\"步骤\":300}";
    const size_t at = find_bytes(text, len, data, strlen(data)) / 4096 * 4096;
    memset(text + at, 0xff, 12);
    support_write(path, text, len);
    free(text);
    s = open_store(path);
    j = open_journal(s, 1);
    journal_report report;
    assert_int_equal(verify(j, &report), GOV_E_VERIFY);
    assert_in_range(report.bad_id, ids[1], ids[300]);
    assert_string_equal(report.reason, "unreadable");
    forget();
    journal_close(j);
    store_close(s);
    support_rmdir(dir);
}

/* ---- a writer killed at random ---- */

/* Appends three entries in each transaction, and a byte to the pipe for each that is committed, until it is killed. */
static void write_until_killed(const char *url, int to)
{
    store *s = NULL;
    journal *j = NULL;
    const store_config config = {.url = url, .migrations = schema, .migration_count = 1};
    if (store_open(&base_malloc, &config, &s, NULL) != GOV_OK ||
        journal_open(s, 1, NULL, &j, NULL) != GOV_OK)
        _exit(1);
    for (int n = 0;; n += 3) {
        if (store_begin(s, NULL) != GOV_OK)
            _exit(2);
        for (int i = 0; i < 3; i++)
            if (append(j, n + i, NULL, NULL) != GOV_OK)
                _exit(3);
        if (store_commit(s, NULL) != GOV_OK || write(to, "x", 1) != 1)
            _exit(4);
        if (n % 5 == 0 && journal_seal(j, 100, NULL, NULL) != GOV_OK)
            _exit(5);
    }
}

static void test_killed(void **state)
{
    enum { ROUNDS = 12 };
    support_store *at = support_store_of(state);
    store *s = open_store(at->url);
    journal *j;
    journal_report report;
    uint64_t acknowledged = 0;
    store_close(s);
    for (int round = 0; round < ROUNDS; round++) {
        int ends[2], status;
        char bytes[4096];
        ssize_t n;
        assert_int_equal(pipe(ends), 0);
        fflush(NULL);
        const pid_t child = fork();
        if (child == 0)
            write_until_killed(at->url, ends[1]);
        close(ends[1]);
        if (round % 2 == 0) /* on a busy machine too, some rounds get as far as a commit */
            acknowledged += read(ends[0], bytes, 1) == 1;
        const struct timespec nap = {0, 20000000L + (long)randombytes_uniform(40000000)};
        nanosleep(&nap, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        while ((n = read(ends[0], bytes, sizeof bytes)) > 0)
            acknowledged += (uint64_t)n;
        close(ends[0]);
        s = open_store(at->url);
        j = open_journal(s, 1);
        assert_gov_ok(verify(j, &report), err);
        journal_close(j);
        store_close(s);
    }
    s = open_store(at->url);
    j = open_journal(s, 1);
    assert_gov_ok(journal_seal(j, 1000000, NULL, &D), err);
    assert_gov_ok(verify(j, &report), err);
    /* What was acknowledged is there; of each round one more transaction may be. */
    assert_int_equal(report.sealed % 3, 0);
    assert_in_range(report.sealed / 3, acknowledged, acknowledged + ROUNDS);
    assert_true(acknowledged > 0);
    journal_close(j);
    store_close(s);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        STORE_TESTS(test_tampering),
        STORE_TESTS(test_killed),
        cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_unreadable_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
