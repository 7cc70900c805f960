/* The tree of RFC 6962, section 2.1: pure functions over hashes. */
#include "journal/journal.h"

#include <string.h>

void journal_leaf_hash(const void *bytes, size_t len, journal_hash *out)
{
    uint8_t small[1024];
    if (len < sizeof small) {
        small[0] = 0;
        if (len > 0)
            memcpy(small + 1, bytes, len);
        base_sha256(small, len + 1, out->bytes);
    } else { /* leaves are bounded: see leaf.c */
        memset(out, 0, sizeof *out);
    }
}

void journal_node_hash(const journal_hash *left, const journal_hash *right, journal_hash *out)
{
    uint8_t both[1 + 2 * JOURNAL_HASH];
    both[0] = 1;
    memcpy(both + 1, left->bytes, JOURNAL_HASH);
    memcpy(both + 1 + JOURNAL_HASH, right->bytes, JOURNAL_HASH);
    base_sha256(both, sizeof both, out->bytes);
}

/* ---- the right edge ---- */

size_t journal_edge_count(const journal_edge *e)
{
    size_t n = 0;
    for (uint64_t size = e->size; size != 0; size &= size - 1)
        n++;
    return n;
}

void journal_edge_add(journal_edge *e, const journal_hash *leaf)
{
    size_t n = journal_edge_count(e);
    journal_hash up = *leaf;
    for (uint64_t size = e->size; size & 1; size >>= 1) {
        n--;
        journal_node_hash(&e->roots[n], &up, &up);
    }
    e->roots[n] = up;
    e->size++;
}

void journal_edge_root(const journal_edge *e, journal_hash *out)
{
    size_t n = journal_edge_count(e);
    if (n == 0) {
        base_sha256("", 0, out->bytes);
        return;
    }
    *out = e->roots[--n];
    while (n > 0)
        journal_node_hash(&e->roots[--n], out, out);
}

/* ---- over all leaves ---- */

void journal_root_of(const journal_hash *leaves, size_t n, journal_hash *out)
{
    journal_edge e;
    e.size = 0;
    for (size_t i = 0; i < n; i++)
        journal_edge_add(&e, &leaves[i]);
    journal_edge_root(&e, out);
}

/* The largest power of two smaller than n; n > 1. */
static size_t split(size_t n)
{
    size_t k = 1;
    while (k < n - k)
        k *= 2;
    return k;
}

static void reverse(journal_hash *path, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        const journal_hash swap = path[i];
        path[i] = path[n - 1 - i];
        path[n - 1 - i] = swap;
    }
}

size_t journal_inclusion(const journal_hash *leaves, size_t n, size_t index, journal_hash *path)
{
    size_t count = 0;
    while (n > 1) {
        const size_t k = split(n);
        if (index < k) {
            journal_root_of(leaves + k, n - k, &path[count++]);
            n = k;
        } else {
            journal_root_of(leaves, k, &path[count++]);
            leaves += k;
            index -= k;
            n -= k;
        }
    }
    reverse(path, count);
    return count;
}

size_t journal_consistency(const journal_hash *leaves, size_t m, size_t n, journal_hash *path)
{
    size_t count = 0;
    bool known = true; /* the verifier has the root of the first m leaves of this subtree */
    while (m != n) {
        const size_t k = split(n);
        if (m <= k) {
            journal_root_of(leaves + k, n - k, &path[count++]);
            n = k;
        } else {
            journal_root_of(leaves, k, &path[count++]);
            leaves += k;
            m -= k;
            n -= k;
            known = false;
        }
    }
    if (!known)
        journal_root_of(leaves, m, &path[count++]);
    reverse(path, count);
    return count;
}

/* ---- checking ---- */

static bool same(const journal_hash *a, const journal_hash *b)
{
    return memcmp(a->bytes, b->bytes, JOURNAL_HASH) == 0;
}

bool journal_check_inclusion(const journal_hash *leaf, uint64_t index, uint64_t size,
                             const journal_hash *path, size_t count, const journal_hash *root)
{
    if (index >= size)
        return false;
    uint64_t at = index, last = size - 1;
    journal_hash h = *leaf;
    for (size_t i = 0; i < count; i++) {
        if (last == 0)
            return false;
        if (at & 1 || at == last) {
            journal_node_hash(&path[i], &h, &h);
            while (!(at & 1) && at != 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            journal_node_hash(&h, &path[i], &h);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && same(&h, root);
}

bool journal_check_consistency(uint64_t m, uint64_t n, const journal_hash *root_m,
                               const journal_hash *root_n, const journal_hash *path, size_t count)
{
    if (m == 0 || m > n)
        return false;
    if (m == n)
        return count == 0 && same(root_m, root_n);
    const bool whole =
        (m & (m - 1)) == 0; /* then the first root itself is the first hash of the path */
    if (!whole && count == 0)
        return false;
    uint64_t at = m - 1, last = n - 1;
    while (at & 1) {
        at >>= 1;
        last >>= 1;
    }
    journal_hash before = whole ? *root_m : path[0], after = before;
    for (size_t i = whole ? 0 : 1; i < count; i++) {
        if (last == 0)
            return false;
        if (at & 1 || at == last) {
            journal_node_hash(&path[i], &before, &before);
            journal_node_hash(&path[i], &after, &after);
            while (!(at & 1) && at != 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            journal_node_hash(&after, &path[i], &after);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && same(&before, root_m) && same(&after, root_n);
}
