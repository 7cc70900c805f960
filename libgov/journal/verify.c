/* Recomputes the journal from its rows and says where the first of them is not as it was written. */
#include "journal/inside.h"

#include <string.h>

enum { VERIFY_PAGE = 512 };

typedef struct signed_head {
    uint64_t size;
    uint8_t root[JOURNAL_HASH];
} signed_head;

typedef struct check {
    journal *j;
    journal_report *out;
    const diag *d;
    journal_edge edge;
    int64_t last_id;
    signed_head *heads;
    size_t head_count, head_cap, head_next;
    base_buf scratch;
    uint64_t all;
    gov_status (*progress)(void *user, uint64_t done, uint64_t all);
    void *user;
} check;

static gov_status fault(check *c, int64_t entry, const char *reason)
{
    c->out->bad_id = entry;
    c->out->reason = reason;
    if (entry == 0)
        return base_fail(c->d, M_journal_head_fault, A_S("reason", reason));
    return base_fail(c->d, M_journal_fault, A_I("entry", entry), A_S("reason", reason));
}

bool journal_payload_holds(base_buf *scratch, const leaf_parts *leaf, const void *salt,
                           const char *data, size_t len)
{
    uint8_t digest[JOURNAL_HASH];
    base_buf_clear(scratch);
    base_buf_add(scratch, salt, JOURNAL_SALT);
    base_buf_add(scratch, data, len);
    if (scratch->failed)
        return false;
    base_sha256(scratch->data, scratch->len, digest);
    return memcmp(digest, leaf->commitment, JOURNAL_HASH) == 0;
}

/* ---- one entry ---- */

/* Columns: 0 seq, 1 entry, 2 hash, 3 the entry's id, 4 subject, 5 leaf, 6 the payload's entry, 7 salt, 8 data. */
static gov_status check_row(check *c, store_rows *rows)
{
    leaf_parts parts;
    journal_hash hash;
    size_t hash_len, leaf_len, salt_len, data_len;
    const int64_t entry = store_int(rows, 1);
    const void *seal = store_bytes(rows, 2, &hash_len);
    if (store_int(rows, 0) != (int64_t)c->edge.size)
        return fault(c, entry, "sequence");
    if (store_is_null(rows, 3))
        return fault(c, entry, "entry missing");
    const void *leaf = store_bytes(rows, 5, &leaf_len);
    journal_leaf_hash(leaf, leaf_len, &hash);
    if (hash_len != JOURNAL_HASH || !journal_leaf_read(leaf, leaf_len, &parts) ||
        memcmp(hash.bytes, seal, JOURNAL_HASH) != 0)
        return fault(c, entry, "leaf");
    if (parts.id != entry || parts.community != c->j->community ||
        parts.subject != store_int(rows, 4))
        return fault(c, entry, "columns");
    if (store_is_null(rows, 6))
        return fault(c, entry, "payload missing");
    if (store_is_null(rows, 7) && store_is_null(rows, 8)) {
        c->out->erased++;
    } else {
        const void *salt = store_bytes(rows, 7, &salt_len);
        const char *data = store_text(rows, 8, &data_len);
        if (salt_len != JOURNAL_SALT ||
            !journal_payload_holds(&c->scratch, &parts, salt, data, data_len))
            return c->scratch.failed ? base_nomem(c->d) : fault(c, entry, "payload");
    }
    journal_edge_add(&c->edge, &hash);
    c->last_id = entry;
    c->out->sealed++;
    return GOV_OK;
}

/* Did the tree of that size have the root that was signed? */
static gov_status check_signed(check *c)
{
    journal_hash root;
    while (c->head_next < c->head_count && c->heads[c->head_next].size == c->edge.size) {
        journal_edge_root(&c->edge, &root);
        if (memcmp(root.bytes, c->heads[c->head_next].root, JOURNAL_HASH) != 0)
            return fault(c, 0, "signed head");
        c->head_next++;
        c->out->signed_heads++;
    }
    return GOV_OK;
}

/* ---- all of them ---- */

static const store_sql seal_page = {
    "SELECT s.seq, s.entry, s.hash, e.id, e.subject, e.leaf, p.entry, p.salt, p.data FROM "
    "gov_journal_seal s "
    "LEFT JOIN gov_journal_entry e ON e.community = s.community AND e.id = s.entry "
    "LEFT JOIN gov_journal_payload p ON p.community = s.community AND p.entry = s.entry "
    "WHERE s.community = $1 AND s.seq >= $2 ORDER BY s.seq LIMIT $3",
    0};

static gov_status check_page(check *c, int64_t limit, int64_t *read)
{
    store_rows rows;
    gov_status rc = store_query(c->j->s, &seal_page,
                                STORE_ARGS(store_i(c->j->community), store_i((int64_t)c->edge.size),
                                           store_i(limit)),
                                &rows, c->d);
    *read = 0;
    while (rc == GOV_OK && (rc = store_next(&rows, c->d)) == GOV_OK) {
        rc = check_row(c, &rows);
        if (rc == GOV_OK)
            rc = check_signed(c);
        if (rc != GOV_OK)
            store_rows_close(&rows);
        (*read)++;
    }
    return rc == GOV_END ? GOV_OK : rc;
}

static gov_status check_seals(check *c)
{
    int64_t read;
    gov_status rc = check_signed(c);
    do {
        if (rc == GOV_OK)
            rc = check_page(c, VERIFY_PAGE, &read);
        if (rc == GOV_OK && c->progress != NULL)
            rc = c->progress(c->user, c->edge.size, c->all);
    } while (rc == GOV_OK && read == VERIFY_PAGE);
    return rc;
}

static gov_status count_of(check *c, const store_sql *sql, uint64_t *out)
{
    int64_t n = 0;
    const gov_status rc =
        store_first_int(c->j->s, sql, STORE_ARGS(store_i(c->j->community)), &n, c->d);
    *out = (uint64_t)n;
    return rc;
}

static gov_status first_of(check *c, const store_sql *sql, const char *reason)
{
    int64_t id = 0;
    const gov_status rc =
        store_first_int(c->j->s, sql, STORE_ARGS(store_i(c->j->community)), &id, c->d);
    return rc == GOV_OK || rc == GOV_END ? fault(c, id, reason) : rc;
}

/* Entries outside the tree are either waiting for their seal, or have no business there. */
static gov_status check_rest(check *c)
{
    static const store_sql entries = {"SELECT count(*) FROM gov_journal_entry WHERE community = $1",
                                      0};
    static const store_sql payloads = {
        "SELECT count(*) FROM gov_journal_payload WHERE community = $1", 0};
    static const store_sql pending = {
        "SELECT count(*) FROM gov_journal_pending WHERE community = $1", 0};
    static const store_sql loose = {
        "SELECT e.id FROM gov_journal_entry e LEFT JOIN gov_journal_seal s ON s.community = "
        "e.community "
        "AND s.entry = e.id LEFT JOIN gov_journal_pending w ON w.community = e.community AND "
        "w.entry = e.id "
        "WHERE e.community = $1 AND s.entry IS NULL AND w.entry IS NULL ORDER BY e.id LIMIT 1",
        0};
    static const store_sql orphan = {
        "SELECT p.entry FROM gov_journal_payload p LEFT JOIN gov_journal_entry e ON e.community = "
        "p.community "
        "AND e.id = p.entry WHERE p.community = $1 AND e.id IS NULL ORDER BY p.entry LIMIT 1",
        0};
    uint64_t n = 0, data = 0;
    gov_status rc = count_of(c, &entries, &n);
    if (rc == GOV_OK)
        rc = count_of(c, &payloads, &data);
    if (rc == GOV_OK)
        rc = count_of(c, &pending, &c->out->unsealed);
    if (rc == GOV_OK && n != c->out->sealed + c->out->unsealed)
        rc = first_of(c, &loose, "entry without seal");
    if (rc == GOV_OK && data != n)
        rc = first_of(c, &orphan, "payload without entry");
    return rc;
}

static gov_status check_head(check *c)
{
    journal_hash root;
    c->j->edge_known = false;
    gov_status rc = journal_load_edge(c->j, false, NULL);
    if (rc == GOV_E_VERIFY)
        return fault(c, 0, "head");
    if (rc != GOV_OK)
        return rc == GOV_E_NOMEM ? base_nomem(c->d) : journal_load_edge(c->j, false, c->d);
    const size_t used = journal_edge_count(&c->edge) * JOURNAL_HASH;
    if (c->j->edge.size != c->edge.size || c->j->last_id != c->last_id ||
        memcmp(c->j->edge.roots, c->edge.roots, used) != 0)
        return fault(c, 0, "head");
    journal_edge_root(&c->edge, &root);
    memcpy(c->out->root, root.bytes, JOURNAL_HASH);
    return GOV_OK;
}

/* ---- signed heads ---- */

static gov_status add_head(check *c, store_rows *rows)
{
    uint8_t bytes[SIGNED_BYTES];
    size_t root_len, key_len, signature_len;
    const uint8_t *root = store_bytes(rows, 2, &root_len);
    const uint8_t *key = store_bytes(rows, 3, &key_len);
    const uint8_t *signature = store_bytes(rows, 4, &signature_len);
    if (root_len != JOURNAL_HASH || key_len != 32 || signature_len != 64)
        return fault(c, 0, "signature");
    if (!base_grow(c->j->alloc, &c->heads, &c->head_cap, c->head_count, sizeof *c->heads))
        return base_nomem(c->d);
    signed_head *h = &c->heads[c->head_count++];
    h->size = (uint64_t)store_int(rows, 0);
    memcpy(h->root, root, JOURNAL_HASH);
    journal_signed_bytes(c->j->community, h->size, h->root, store_int(rows, 1), bytes);
    return journal_signature_holds(signature, bytes, key) ? GOV_OK : fault(c, 0, "signature");
}

static gov_status load_heads(check *c)
{
    static const store_sql sql = {
        "SELECT size, at_us, root, public_key, signature FROM gov_journal_signed "
        "WHERE community = $1 ORDER BY size",
        0};
    store_rows rows;
    gov_status rc = store_query(c->j->s, &sql, STORE_ARGS(store_i(c->j->community)), &rows, c->d);
    while (rc == GOV_OK && (rc = store_next(&rows, c->d)) == GOV_OK) {
        rc = add_head(c, &rows);
        if (rc != GOV_OK)
            store_rows_close(&rows);
    }
    return rc == GOV_END ? GOV_OK : rc;
}

/* The engine itself stumbled over damage: find the row where it does, reading singly from the last good one. */
static gov_status name_unreadable(check *c)
{
    static const store_sql entry = {
        "SELECT entry FROM gov_journal_seal WHERE community = $1 AND seq = $2", 0};
    const diag quiet = {c->j->alloc, NULL};
    const diag *const loud = c->d;
    int64_t id = 0, read = 1;
    gov_status rc = store_begin_read(c->j->s, &quiet);
    c->d = &quiet;
    while (rc == GOV_OK && read > 0)
        rc = check_page(c, 1, &read);
    c->d = loud;
    store_rollback(c->j->s);
    if (c->out->reason != NULL)
        id = c->out->bad_id;
    else if (store_first_int(c->j->s, &entry,
                             STORE_ARGS(store_i(c->j->community), store_i((int64_t)c->edge.size)),
                             &id, &quiet) != GOV_OK)
        id = 0;
    return fault(c, id, c->out->reason != NULL ? c->out->reason : "unreadable");
}

static gov_status run_checks(check *c)
{
    static const store_sql seals = {"SELECT count(*) FROM gov_journal_seal WHERE community = $1",
                                    0};
    gov_status rc = c->progress != NULL ? count_of(c, &seals, &c->all) : GOV_OK;
    if (rc == GOV_OK)
        rc = load_heads(c);
    if (rc == GOV_OK)
        rc = check_seals(c);
    if (rc == GOV_OK)
        rc = check_rest(c);
    if (rc == GOV_OK && c->head_next < c->head_count)
        rc = fault(c, 0, "signed head"); /* something was signed that is no longer there */
    return rc == GOV_OK ? check_head(c) : rc;
}

gov_status journal_verify(journal *j, journal_report *out,
                          gov_status (*progress)(void *user, uint64_t done, uint64_t all),
                          void *user, const diag *d)
{
    const bool own = !store_in_transaction(j->s);
    *out = (journal_report){0};
    check *c = base_alloc(j->alloc, sizeof *c);
    if (c == NULL)
        return base_nomem(d);
    c->j = j;
    c->out = out;
    c->d = d;
    c->progress = progress;
    c->user = user;
    base_buf_init(&c->scratch, j->alloc);
    gov_status rc = own ? store_begin_read(j->s, d) : GOV_OK;
    if (rc == GOV_OK) {
        rc = run_checks(c);
        if (own)
            store_rollback(j->s);
        if (own && rc == GOV_E_CORRUPT)
            rc = name_unreadable(c);
    }
    base_buf_free(&c->scratch);
    base_free(j->alloc, c->heads);
    base_free(j->alloc, c);
    return rc;
}
