/* Room journal: the tree against public vectors and RFC 6962's own laws, and a record that no one changes unseen. */
#include "support/faulty.h"
#include "support/support.h"

#include "journal/journal.h"

#include <dirent.h>
#include <jansson.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REAL_MS INT64_C(1772409900000)
#define NOW_US  (REAL_MS * 1000)

static gov_error *err;
static const diag D = {&base_malloc, &err};
static const store_migration *const schema[] = {&journal_schema_1};

static void forget(void)
{
    gov_error_free(err);
    err = NULL;
}

/* ---- the tree ---- */

static journal_hash hash_of_hex(const char *hex)
{
    journal_hash h;
    assert_int_equal(strlen(hex), 64);
    assert_true(base_unhex(hex, 64, h.bytes));
    return h;
}

static void test_roots(void **state)
{
    (void)state;
    json_t *doc =
        json_load_file(support_shared_or_skip("merkle/rfc6962_leaves_roots.json"), 0, NULL);
    assert_non_null(doc);
    json_t *leaves = json_object_get(doc, "leaves_hex"), *roots = json_object_get(doc, "roots_hex");
    journal_hash hashes[16], got;
    journal_edge edge = {.size = 0};
    const size_t n = json_array_size(leaves);
    assert_int_equal(json_array_size(roots), n + 1);
    for (size_t i = 0; i <= n; i++) {
        const journal_hash want = hash_of_hex(json_string_value(json_array_get(roots, i)));
        journal_edge_root(&edge, &got);
        assert_memory_equal(&got, &want, sizeof got);
        journal_root_of(hashes, i, &got);
        assert_memory_equal(&got, &want, sizeof got);
        if (i == n)
            break;
        const char *hex = json_string_value(json_array_get(leaves, i));
        uint8_t bytes[64];
        assert_true(base_unhex(hex, strlen(hex), bytes));
        journal_leaf_hash(bytes, strlen(hex) / 2, &hashes[i]);
        journal_edge_add(&edge, &hashes[i]);
    }
    json_decref(doc);
}

static bool read_hash(json_t *text, uint8_t out[64], size_t *len)
{
    const char *s = json_string_value(text);
    return s != NULL && sodium_base642bin(out, 64, s, strlen(s), NULL, len, NULL,
                                          sodium_base64_VARIANT_ORIGINAL) == 0;
}

static uint64_t read_number(json_t *n)
{
    const double d = json_real_value(n);
    return d >= 18446744073709551615.0 ? UINT64_MAX : (uint64_t)d;
}

/* One public vector: does our answer agree with the one that is wanted? Proofs of a wrong length per hash are refused
 * before they are hashes at all. */
static void check_vector(const char *path)
{
    json_error_t why;
    json_t *doc = json_load_file(path, JSON_DECODE_INT_AS_REAL, &why); /* 2^64 - 1 occurs */
    if (doc == NULL)
        fail_msg("%s: %s", path, why.text);
    uint8_t root[64], leaf[64], one[64];
    size_t root_len = 0, leaf_len = 0, len = 0;
    journal_hash proof[80];
    bool shaped =
        read_hash(json_object_get(doc, "root"), root, &root_len) && root_len == JOURNAL_HASH &&
        read_hash(json_object_get(doc, "leafHash"), leaf, &leaf_len) && leaf_len == JOURNAL_HASH;
    json_t *list = json_object_get(doc, "proof");
    const size_t count = json_array_size(list);
    assert_true(count < ARRAY_LEN(proof));
    for (size_t i = 0; i < count && shaped; i++) {
        shaped = read_hash(json_array_get(list, i), one, &len) && len == JOURNAL_HASH;
        memcpy(proof[i].bytes, one, JOURNAL_HASH);
    }
    const bool good =
        shaped &&
        journal_check_inclusion((journal_hash *)leaf, read_number(json_object_get(doc, "leafIdx")),
                                read_number(json_object_get(doc, "treeSize")), proof, count,
                                (journal_hash *)root);
    if (good == json_is_true(json_object_get(doc, "wantErr")))
        fail_msg("%s", path);
    json_decref(doc);
}

static int walk_vectors(const char *dir)
{
    int seen = 0;
    DIR *d = opendir(dir);
    struct dirent *e;
    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        char path[1024];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        const size_t len = strlen(path);
        if (len > 5 && strcmp(path + len - 5, ".json") == 0) {
            check_vector(path);
            seen++;
        } else {
            seen += walk_vectors(path);
        }
    }
    closedir(d);
    return seen;
}

static void test_inclusion_vectors(void **state)
{
    (void)state;
    char dir[512];
    snprintf(dir, sizeof dir, "%s", support_shared_or_skip("merkle/inclusion"));
    assert_true(walk_vectors(dir) > 50);
}

/* RFC 6962's definition, written down as it stands there. */
static void law_root(const journal_hash *d, size_t n, journal_hash *out)
{
    if (n == 1) {
        *out = *d;
        return;
    }
    size_t k = 1;
    while (2 * k < n)
        k *= 2;
    journal_hash left, right;
    law_root(d, k, &left);
    law_root(d + k, n - k, &right);
    journal_node_hash(&left, &right, out);
}

enum { TREE = 70 };

static void test_proofs(void **state)
{
    (void)state;
    journal_hash leaves[TREE], roots[TREE + 1], path[64];
    for (size_t i = 0; i < TREE; i++) {
        journal_leaf_hash(&i, sizeof i, &leaves[i]);
        law_root(leaves, i + 1, &roots[i + 1]);
        journal_root_of(leaves, i + 1, &path[0]);
        assert_memory_equal(&path[0], &roots[i + 1], sizeof path[0]);
    }
    for (size_t n = 1; n <= TREE; n++) {
        for (size_t i = 0; i < n; i++) {
            const size_t count = journal_inclusion(leaves, n, i, path);
            assert_true(journal_check_inclusion(&leaves[i], i, n, path, count, &roots[n]));
            assert_false(journal_check_inclusion(&leaves[i], i + 1, n, path, count, &roots[n]));
            if (count > 0) {
                assert_false(journal_check_inclusion(&leaves[i], i, n, path, count - 1, &roots[n]));
                path[count - 1].bytes[5] ^= 1;
                assert_false(journal_check_inclusion(&leaves[i], i, n, path, count, &roots[n]));
            }
        }
        for (size_t m = 1; m <= n; m++) {
            const size_t count = journal_consistency(leaves, m, n, path);
            assert_true(journal_check_consistency(m, n, &roots[m], &roots[n], path, count));
            if (m == n)
                continue;
            assert_false(journal_check_consistency(m, n, &roots[m + 1], &roots[n], path, count));
            assert_false(journal_check_consistency(m, n, &roots[m], &roots[m], path, count));
            path[0].bytes[0] ^= 1;
            assert_false(journal_check_consistency(m, n, &roots[m], &roots[n], path, count));
        }
    }
    assert_false(journal_check_consistency(0, 5, &roots[1], &roots[5], path, 0));
    assert_false(journal_check_consistency(6, 5, &roots[1], &roots[5], path, 0));
    assert_false(journal_check_inclusion(&leaves[0], 0, 0, path, 0, &roots[1]));
}

/* ---- a journal on a store ---- */

static store *open_store(const char *url)
{
    store *s = NULL;
    const store_config config = {.url = url,
                                 .flags = STORE_CREATE,
                                 .migrations = schema,
                                 .migration_count = 1};
    forget();
    assert_gov_ok(store_open(&base_malloc, &config, &s, &D), err);
    return s;
}

static journal *open_journal(store *s, int64_t community)
{
    journal *j = NULL;
    assert_gov_ok(journal_open(s, community, NULL, &j, &D), err);
    return j;
}

static const uint8_t rule_digest[JOURNAL_HASH] = {1, 2, 3};

static gov_status append(journal *j, int n, int64_t *id, const diag *d)
{
    value_pair pair = {value_text("步骤"), value_int(n)};
    const journal_entry e = {.real_ms = REAL_MS + n,
                             .at_us = NOW_US + n,
                             .kind = "case_sent",
                             .actor = 7,
                             .on_behalf = n % 2 ? 9 : 0,
                             .purpose = "handling",
                             .subject_kind = "case",
                             .subject = 100 + n % 3,
                             .rule_digest = n % 2 ? rule_digest : NULL,
                             .rule_file = "workflows/complaint.yaml",
                             .rule_line = (uint32_t)n,
                             .batch = n % 5 == 4 ? rule_digest : NULL,
                             .data = value_map(&pair, 1)};
    return journal_append(j, &e, id, d);
}

static void append_all(journal *j, store *s, int from, int to, int64_t *ids)
{
    assert_gov_ok(store_begin(s, &D), err);
    for (int i = from; i < to; i++)
        assert_gov_ok(append(j, i, ids != NULL ? &ids[i] : NULL, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov_ok(journal_seal(j, 1000, NULL, &D), err);
}

static gov_status verify(journal *j, journal_report *report)
{
    forget();
    return journal_verify(j, report, NULL, NULL, &D);
}

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

static gov_status keep_leaf(void *user, const journal_record *r)
{
    base_buf *b = user;
    base_buf_add(b, r->leaf, r->leaf_len);
    return GOV_OK;
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

typedef struct oom_case {
    journal *j;
} oom_case;

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
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_inclusion_vectors),
        cmocka_unit_test(test_proofs),
        STORE_TESTS(test_append_and_read),
        STORE_TESTS(test_undone),
        STORE_TESTS(test_open_group),
        STORE_TESTS(test_unsealed),
        STORE_TESTS(test_erase),
        STORE_TESTS(test_refused),
        STORE_TESTS(test_tampering),
        STORE_TESTS(test_proofs_from_store),
        STORE_TESTS(test_export),
        STORE_TESTS(test_export_unsigned),
        STORE_TESTS(test_killed),
        cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_unreadable_page),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
