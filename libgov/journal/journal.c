/* Appending entries, and sealing them into the tree. */
#include "journal/inside.h"

#include <sodium.h>
#include <string.h>

static const store_column entry_columns[] = {{"community", STORE_INT, false, NULL},
                                             {"id", STORE_INT, false, NULL},
                                             {"subject", STORE_INT, false, NULL},
                                             {"leaf", STORE_BYTES, false, NULL},
                                             {0}};
static const store_index entry_indexes[] = {{"gov_journal_entry_by_subject",
                                             "community, subject, id", false, "subject <> 0"},
                                            {0}};
static const store_table entry_table = {.name = "gov_journal_entry",
                                        .columns = entry_columns,
                                        .key = "community, id",
                                        .flags = STORE_ROWID_KEY,
                                        .indexes = entry_indexes};

static const store_column payload_columns[] = {{"community", STORE_INT, false, NULL},
                                               {"entry", STORE_INT, false, NULL},
                                               {"salt", STORE_BYTES, true, NULL},
                                               {"data", STORE_TEXT, true, NULL},
                                               {0}};
static const store_table payload_table = {.name = "gov_journal_payload",
                                          .columns = payload_columns,
                                          .key = "community, entry",
                                          .flags = STORE_ROWID_KEY};

static const store_column seal_columns[] = {{"community", STORE_INT, false, NULL},
                                            {"seq", STORE_INT, false, NULL},
                                            {"entry", STORE_INT, false, NULL},
                                            {"hash", STORE_BYTES, false, NULL},
                                            {0}};
static const store_table seal_table = {.name = "gov_journal_seal",
                                       .columns = seal_columns,
                                       .key = "community, seq"};

/* PostgreSQL only: committed and waiting for journal_seal. */
static const store_column pending_columns[] = {{"community", STORE_INT, false, NULL},
                                               {"entry", STORE_INT, false, NULL},
                                               {"hash", STORE_BYTES, false, NULL},
                                               {0}};
static const store_table pending_table = {.name = "gov_journal_pending",
                                          .columns = pending_columns,
                                          .key = "community, entry"};

static const store_column head_columns[] = {{"community", STORE_INT, false, NULL},
                                            {"size", STORE_INT, false, NULL},
                                            {"last_id", STORE_INT, false, NULL},
                                            {"edge", STORE_BYTES, false, NULL},
                                            {0}};
static const store_table head_table = {.name = "gov_journal_head",
                                       .columns = head_columns,
                                       .key = "community",
                                       .flags = STORE_ROWID_KEY};

static const store_column signed_columns[] = {
    {"community", STORE_INT, false, NULL},   {"size", STORE_INT, false, NULL},
    {"at_us", STORE_INT, false, NULL},       {"algorithm", STORE_INT, false, NULL},
    {"root", STORE_BYTES, false, NULL},      {"public_key", STORE_BYTES, false, NULL},
    {"signature", STORE_BYTES, false, NULL}, {0}};
static const store_table signed_table = {.name = "gov_journal_signed",
                                         .columns = signed_columns,
                                         .key = "community, size"};

static const store_table *const tables[] = {&entry_table, &payload_table,
                                            &seal_table,  &pending_table,
                                            &head_table,  &signed_table,
                                            NULL};
const store_migration journal_schema_1 = {.room = "journal", .version = 1, .create = tables};

/* ---- the head ---- */

gov_status journal_load_edge(journal *j, bool lock, const diag *d)
{
    static const store_sql plain = {
        "SELECT size, last_id, edge FROM gov_journal_head WHERE community = $1", 0};
    static const store_sql locking = {
        "SELECT size, last_id, edge FROM gov_journal_head WHERE community = $1", STORE_LOCK};
    store_rows rows;
    if (!lock && j->edge_known && j->edge_epoch == store_epoch(j->s))
        return GOV_OK;
    j->edge.size = 0;
    j->last_id = 0;
    gov_status rc =
        store_first(j->s, lock ? &locking : &plain, STORE_ARGS(store_i(j->community)), &rows, d);
    if (rc == GOV_OK) {
        size_t len;
        const void *edge = store_bytes(&rows, 2, &len);
        j->edge.size = (uint64_t)store_int(&rows, 0);
        j->last_id = store_int(&rows, 1);
        if (len == journal_edge_count(&j->edge) * JOURNAL_HASH)
            memcpy(j->edge.roots, edge, len);
        else
            rc = base_fail(d, M_journal_head_fault, A_S("reason", "head"));
        store_rows_close(&rows);
    }
    if (rc != GOV_OK && rc != GOV_END)
        return rc;
    j->edge_known = true;
    j->edge_epoch = store_epoch(j->s);
    return GOV_OK;
}

static gov_status save_edge(journal *j, const diag *d)
{
    static const store_sql sql = {
        "INSERT INTO gov_journal_head (community, size, last_id, edge) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (community) DO UPDATE SET size = excluded.size, last_id = excluded.last_id, "
        "edge = excluded.edge",
        0};
    return store_post(
        j->s, &sql,
        STORE_ARGS(store_i(j->community), store_i((int64_t)j->edge.size), store_i(j->last_id),
                   store_b(j->edge.roots, journal_edge_count(&j->edge) * JOURNAL_HASH)),
        1, d);
}

/* ---- sealing ---- */

/* Columns for a batch of n rows, in one allocation. */
typedef struct columns {
    int64_t *seq, *entry;
    store_span *hash;
} columns;

static bool columns_make(const gov_allocator *a, size_t n, columns *c)
{
    c->seq = base_array(a, n, 2 * sizeof *c->seq + sizeof *c->hash);
    if (c->seq == NULL)
        return false;
    c->entry = c->seq + n;
    c->hash = (store_span *)(void *)(c->entry + n);
    return true;
}

/* Gives each waiting entry its place: seals and head, in the transaction that is open. */
static gov_status seal_waiting(journal *j, const diag *d)
{
    static const store_insert shape = {&seal_table, "community, seq, entry, hash"};
    const size_t n = j->waiting_count;
    columns c;
    if (!columns_make(j->alloc, n, &c))
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        const unsealed *w = &j->waiting[i];
        c.seq[i] = (int64_t)j->edge.size;
        c.entry[i] = w->id;
        c.hash[i] = (store_span){w->hash.bytes, JOURNAL_HASH};
        journal_edge_add(&j->edge, &w->hash);
        j->last_id = w->id;
    }
    const store_array arrays[] = {{.ints = &j->community, .same = true},
                                  {.ints = c.seq},
                                  {.ints = c.entry},
                                  {.spans = c.hash}};
    gov_status rc = store_bulk(j->s, &shape, arrays, n, d);
    base_free(j->alloc, c.seq);
    return rc == GOV_OK ? save_edge(j, d) : rc;
}

/* PostgreSQL: leaves the waiting entries for journal_seal. */
static gov_status post_waiting(journal *j, const diag *d)
{
    static const store_insert shape = {&pending_table, "community, entry, hash"};
    const size_t n = j->waiting_count;
    columns c;
    if (!columns_make(j->alloc, n, &c))
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        c.entry[i] = j->waiting[i].id;
        c.hash[i] = (store_span){j->waiting[i].hash.bytes, JOURNAL_HASH};
    }
    const store_array arrays[] = {{.ints = &j->community, .same = true},
                                  {.ints = c.entry},
                                  {.spans = c.hash}};
    const gov_status rc = store_bulk(j->s, &shape, arrays, n, d);
    base_free(j->alloc, c.seq);
    return rc;
}

static gov_status before_commit(void *user, const diag *d)
{
    journal *j = user;
    const gov_status told = journal_tell_kept(j, d);
    if (told != GOV_OK || j->waiting_count == 0)
        return told;
    if (store_kind_of(j->s) == STORE_POSTGRES)
        return post_waiting(j, d);
    const gov_status rc = journal_load_edge(j, false, d);
    return rc == GOV_OK ? seal_waiting(j, d) : rc;
}

static void released(void *user, int depth)
{
    journal *j = user;
    for (size_t i = j->waiting_count; i > 0 && j->waiting[i - 1].depth >= depth; i--)
        j->waiting[i - 1].depth = depth - 1;
}

static void undone(void *user, int depth)
{
    journal *j = user;
    while (j->waiting_count > 0 && j->waiting[j->waiting_count - 1].depth >= depth)
        j->waiting_count--;
    if (depth <= 1)
        j->kept_count = 0; /* what a savepoint has undone is read again, and is as it was */
    j->edge_known = false;
}

static void committed(void *user)
{
    journal *j = user;
    j->waiting_count = j->kept_count = 0;
}

/* ---- open and close ---- */

static void sodium_random(void *user, void *out, size_t len)
{
    (void)user;
    randombytes_buf(out, len);
}

gov_status journal_open(store *s, int64_t community, const journal_config *config, journal **out,
                        const diag *d)
{
    *out = NULL;
    if (sodium_init() < 0)
        return base_fail(d, M_internal, A_S("what", "libsodium"));
    journal *j = base_alloc(store_allocator(s), sizeof *j);
    if (j == NULL)
        return base_nomem(d);
    j->s = s;
    j->alloc = store_allocator(s);
    j->community = community;
    if (config != NULL)
        j->config = *config;
    if (j->config.random == NULL)
        j->config.random = sodium_random;
    base_buf_init(&j->leaf, j->alloc);
    base_buf_init(&j->data, j->alloc);
    const store_hook hook = {.before_commit = before_commit,
                             .released = released,
                             .undone = undone,
                             .committed = committed,
                             .user = j};
    const gov_status rc = store_add_hook(s, &hook, d);
    if (rc != GOV_OK) {
        base_free(j->alloc, j);
        return rc;
    }
    *out = j;
    return GOV_OK;
}

void journal_close(journal *j)
{
    if (j == NULL)
        return;
    store_remove_hook(j->s, j);
    base_buf_free(&j->leaf);
    base_buf_free(&j->data);
    base_free(j->alloc, j->waiting);
    base_free(j->alloc, j->kept);
    base_free(j->alloc, j);
}

/* ---- appending ---- */

/* Salt and document, side by side as they are hashed. */
static gov_status write_payload(journal *j, const journal_entry *e, const diag *d)
{
    if (j->salts_left == 0) {
        j->config.random(j->config.random_user, j->salts, sizeof j->salts);
        j->salts_left = SALT_POOL;
    }
    base_buf_clear(&j->data);
    base_buf_add(&j->data, j->salts[--j->salts_left], JOURNAL_SALT);
    if (e->data_text != NULL)
        base_buf_add(&j->data, e->data_text, e->data_len);
    else
        value_write_document(&j->data, value_is(e->data, VALUE_ABSENT) ? value_null() : e->data);
    return j->data.failed ? base_nomem(d) : GOV_OK;
}

static gov_status insert(journal *j, int64_t id, int64_t subject, const diag *d)
{
    static const store_sql entry = {
        "INSERT INTO gov_journal_entry (community, id, subject, leaf) VALUES ($1, $2, $3, $4)", 0};
    static const store_sql payload = {
        "INSERT INTO gov_journal_payload (community, entry, salt, data) VALUES ($1, $2, $3, $4)",
        0};
    const gov_status rc =
        store_post(j->s, &entry,
                   STORE_ARGS(store_i(j->community), store_i(id), store_i(subject),
                              store_b(j->leaf.data, j->leaf.len)),
                   STORE_ANY_ROWS, d);
    if (rc != GOV_OK)
        return rc;
    return store_post(j->s, &payload,
                      STORE_ARGS(store_i(j->community), store_i(id),
                                 store_b(j->data.data, JOURNAL_SALT),
                                 store_t(j->data.data + JOURNAL_SALT, j->data.len - JOURNAL_SALT)),
                      STORE_ANY_ROWS, d);
}

/* Failed buffers stay failed until freed. */
static void renew(journal *j)
{
    if (j->leaf.failed || j->data.failed) {
        base_buf_free(&j->leaf);
        base_buf_free(&j->data);
        base_buf_init(&j->leaf, j->alloc);
        base_buf_init(&j->data, j->alloc);
    }
}

gov_status journal_append(journal *j, const journal_entry *e, int64_t *id, const diag *d)
{
    uint8_t commitment[JOURNAL_HASH];
    int64_t made = 0;
    renew(j);
    if (!base_grow(j->alloc, &j->waiting, &j->waiting_cap, j->waiting_count, sizeof *j->waiting))
        return base_nomem(d);
    gov_status rc = store_new_id(j->s, e->real_ms, &made, d);
    if (rc == GOV_OK)
        rc = write_payload(j, e, d);
    if (rc != GOV_OK)
        return rc;
    base_sha256(j->data.data, j->data.len, commitment);
    base_buf_clear(&j->leaf);
    rc = journal_leaf_write(&j->leaf, j->community, made, e, commitment, d);
    if (rc == GOV_OK && j->leaf.failed)
        rc = base_nomem(d);
    if (rc == GOV_OK)
        rc = insert(j, made, e->subject, d);
    if (rc != GOV_OK)
        return rc;
    unsealed *w = &j->waiting[j->waiting_count++];
    w->id = made;
    w->depth = store_depth(j->s);
    journal_leaf_hash(j->leaf.data, j->leaf.len, &w->hash);
    if (id != NULL)
        *id = made;
    return GOV_OK;
}

/* ---- sealing afterwards ---- */

typedef struct seal_call {
    journal *j;
    size_t max;
    int64_t sealed;
} seal_call;

static gov_status take_pending(journal *j, size_t max, const diag *d)
{
    static const store_sql sql = {
        "SELECT entry, hash FROM gov_journal_pending WHERE community = $1 "
        "ORDER BY entry LIMIT $2",
        0};
    store_rows rows;
    const int64_t limit = max > 100000 ? 100000 : (int64_t)max;
    gov_status rc =
        store_query(j->s, &sql, STORE_ARGS(store_i(j->community), store_i(limit)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        size_t len;
        const void *hash = store_bytes(&rows, 1, &len);
        if (len != JOURNAL_HASH)
            rc = base_fail(d, M_journal_fault, A_I("entry", store_int(&rows, 0)),
                           A_S("reason", "seal"));
        else if (!base_grow(j->alloc, &j->waiting, &j->waiting_cap, j->waiting_count,
                            sizeof *j->waiting))
            rc = base_nomem(d);
        if (rc != GOV_OK) {
            store_rows_close(&rows);
            return rc;
        }
        unsealed *w = &j->waiting[j->waiting_count++];
        w->id = store_int(&rows, 0);
        w->depth = store_depth(j->s);
        memcpy(w->hash.bytes, hash, JOURNAL_HASH);
    }
    return rc == GOV_END ? GOV_OK : rc;
}

static gov_status seal_inside(journal *j, seal_call *call, const diag *d)
{
    static const store_sql make = {"INSERT INTO gov_journal_head (community, size, last_id, edge) "
                                   "VALUES ($1, 0, 0, $2) ON CONFLICT (community) DO NOTHING",
                                   0};
    static const store_sql drop = {
        "DELETE FROM gov_journal_pending WHERE community = $1 AND entry = $2", 0};
    gov_status rc = store_post(j->s, &make, STORE_ARGS(store_i(j->community), store_b("", 0)),
                               STORE_ANY_ROWS, d);
    if (rc == GOV_OK)
        rc = journal_load_edge(j, true, d);
    if (rc == GOV_OK)
        rc = take_pending(j, call->max, d);
    if (rc != GOV_OK || j->waiting_count == 0)
        return rc;
    rc = seal_waiting(j, d);
    for (size_t i = 0; i < j->waiting_count && rc == GOV_OK; i++)
        rc = store_post(j->s, &drop, STORE_ARGS(store_i(j->community), store_i(j->waiting[i].id)),
                        1, d);
    call->sealed = (int64_t)j->waiting_count;
    return rc;
}

static gov_status seal_body(void *user, const diag *d)
{
    seal_call *call = user;
    journal *j = call->j;
    const gov_status rc = seal_inside(j, call, d);
    j->waiting_count = 0; /* they are sealed or nobody's: not for before_commit */
    return rc;
}

gov_status journal_seal(journal *j, size_t max, int64_t *sealed, const diag *d)
{
    seal_call call = {.j = j, .max = max};
    if (sealed != NULL)
        *sealed = 0;
    if (store_kind_of(j->s) == STORE_SQLITE)
        return GOV_OK;
    if (store_in_transaction(j->s))
        return base_fail(d, M_store_state, A_S("why", "sealing needs a transaction of its own"));
    const gov_status rc = store_run(j->s, seal_body, &call, d);
    if (rc == GOV_OK && sealed != NULL)
        *sealed = call.sealed;
    return rc;
}

gov_status journal_head_now(journal *j, journal_head *out, const diag *d)
{
    const gov_status rc = journal_load_edge(j, false, d);
    if (rc != GOV_OK)
        return rc;
    journal_hash root;
    journal_edge_root(&j->edge, &root);
    out->size = j->edge.size;
    out->last_id = j->last_id;
    memcpy(out->root, root.bytes, JOURNAL_HASH);
    return GOV_OK;
}
