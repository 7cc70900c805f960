/* The journal's tree against public vectors and RFC 6962's own laws. */
#include "support/journal_store.h"
#include "support/support.h"

#include "journal/journal.h"

#include <dirent.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

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
        json_load_file(support_shared_or_skip("data/merkle/rfc6962_leaves_roots.json"), 0, NULL);
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
    int checked = 0;
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
            checked++;
        } else {
            checked += walk_vectors(path);
        }
    }
    closedir(d);
    return checked;
}

static void test_inclusion_vectors(void **state)
{
    (void)state;
    char dir[512];
    snprintf(dir, sizeof dir, "%s", support_shared_or_skip("data/merkle/inclusion"));
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

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_inclusion_vectors),
        cmocka_unit_test(test_proofs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
