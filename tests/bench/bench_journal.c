/* The journal beside bare SQLite that writes the same rows, with the same hashes, tree and syncs. */
#include "bench/common/bench.h"
#include "bench/common/syncs.h"

#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/journal.h"

#define REAL_MS INT64_C(1772409900000)

static const store_migration *const schema[] = {&journal_schema_1};

/* What one entry says; the same on both sides. */
static const char data[] =
    "{\"duration\":{\"$duration\":\"5400s\"},\"event\":\"dispatch\",\"from\":\"registered\","
    "\"to\":\"dispatched\",\"unit\":\"1772409900000\",\"clock\":\"handle\"}";

typedef struct bed {
    char path[256];
    bool memory;
    int transactions, per_transaction;
    /* ours */
    store *s;
    journal *j;
    /* the floor's */
    sqlite3 *db;
    sqlite3_stmt *entry, *payload, *seal, *head, *mark, *begin, *commit;
    uint8_t edge[64][32];
    uint64_t size;
} bed;

static void remove_file(const bed *b)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3 && !b->memory; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s%s", b->path, endings[i]);
        (void)unlink(path);
    }
}

/* Both sides start from the schema and the settings that the library makes. */
static bool make_store(bed *b)
{
    const store_config config = {.url = b->path,
                                 .flags = STORE_CREATE,
                                 .vfs = VFS_SHIM,
                                 .migrations = schema,
                                 .migration_count = 1};
    if (!vfs_shim_start() || sodium_init() < 0)
        return false;
    remove_file(b);
    return store_open(&base_malloc, &config, &b->s, NULL) == GOV_OK;
}

/* ---- ours ---- */

static bool prepare_ours(void *user)
{
    bed *b = user;
    return make_store(b) && journal_open(b->s, 1, NULL, &b->j, NULL) == GOV_OK && vfs_shim_start();
}

static bool run_ours(void *user)
{
    static const uint8_t digest[32] = {7};
    bed *b = user;
    int n = 0;
    for (int t = 0; t < b->transactions; t++) {
        if (store_begin(b->s, NULL) != GOV_OK)
            return false;
        for (int i = 0; i < b->per_transaction; i++, n++) {
            const journal_entry e = {.real_ms = REAL_MS + n,
                                     .at_us = REAL_MS * 1000 + n,
                                     .kind = "case_event",
                                     .actor = 42,
                                     .purpose = "handling",
                                     .subject_kind = "case",
                                     .subject = 1 + n / 5,
                                     .rule_digest = digest,
                                     .rule_file = "workflows/request.yaml",
                                     .rule_line = 31,
                                     .data_text = data,
                                     .data_len = sizeof data - 1};
            if (journal_append(b->j, &e, NULL, NULL) != GOV_OK)
                return false;
        }
        if (store_commit(b->s, NULL) != GOV_OK)
            return false;
    }
    return true;
}

static uint64_t syncs(void *user)
{
    (void)user;
    return vfs_shim.syncs;
}

static void finish_ours(void *user)
{
    bed *b = user;
    journal_close(b->j);
    store_close(b->s);
    remove_file(b);
}

/* ---- the floor ---- */

static bool prepare_sql(bed *b, const char *text, sqlite3_stmt **out)
{
    return sqlite3_prepare_v2(b->db, text, -1, out, NULL) == SQLITE_OK;
}

static bool prepare_floor(void *user)
{
    bed *b = user;
    if (!make_store(b))
        return false;
    if (!b->memory) {
        store_close(b->s);
        b->s = NULL;
        if (sqlite3_open_v2(b->path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                            VFS_SHIM) != SQLITE_OK)
            return false;
    } else {
        /* The same tables, made anew: a store in memory cannot be opened twice. */
        store_close(b->s);
        b->s = NULL;
        if (sqlite3_open(":memory:", &b->db) != SQLITE_OK ||
            sqlite3_exec(b->db,
                         "CREATE TABLE gov_meta (community INTEGER NOT NULL, name TEXT NOT NULL, "
                         "number INTEGER, "
                         "value BLOB, PRIMARY KEY (community, name)) STRICT, WITHOUT ROWID;"
                         "CREATE TABLE gov_journal_entry (community INTEGER NOT NULL, id INTEGER "
                         "PRIMARY KEY, subject "
                         "INTEGER NOT NULL, leaf BLOB NOT NULL) STRICT;"
                         "CREATE INDEX by_subject ON gov_journal_entry (community, subject, id) "
                         "WHERE subject <> 0;"
                         "CREATE TABLE gov_journal_payload (community INTEGER NOT NULL, entry "
                         "INTEGER PRIMARY KEY, "
                         "salt BLOB, data TEXT) STRICT;"
                         "CREATE TABLE gov_journal_seal (community INTEGER NOT NULL, seq INTEGER "
                         "NOT NULL, entry "
                         "INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (community, seq)) "
                         "STRICT, WITHOUT ROWID;"
                         "CREATE TABLE gov_journal_head (community INTEGER PRIMARY KEY, size "
                         "INTEGER NOT NULL, "
                         "last_id INTEGER NOT NULL, edge BLOB NOT NULL) STRICT;",
                         NULL, NULL, NULL) != SQLITE_OK)
            return false;
    }
    b->size = 0;
    return sqlite3_exec(
               b->db,
               "PRAGMA cache_size = -32768; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON",
               NULL, NULL, NULL) == SQLITE_OK &&
           prepare_sql(
               b,
               "INSERT INTO gov_journal_entry (community, id, subject, leaf) VALUES (1, ?, ?, ?)",
               &b->entry) &&
           prepare_sql(
               b,
               "INSERT INTO gov_journal_payload (community, entry, salt, data) VALUES (1, ?, ?, ?)",
               &b->payload) &&
           prepare_sql(
               b, "INSERT INTO gov_journal_seal (community, seq, entry, hash) VALUES (1, ?, ?, ?)",
               &b->seal) &&
           prepare_sql(b,
                       "INSERT INTO gov_journal_head (community, size, last_id, edge) VALUES (1, "
                       "?, ?, ?) ON "
                       "CONFLICT (community) DO UPDATE SET size = excluded.size, last_id = "
                       "excluded.last_id, "
                       "edge = excluded.edge",
                       &b->head) &&
           prepare_sql(b,
                       "INSERT INTO gov_meta (community, name, number) VALUES (0, 'last_id', ?) ON "
                       "CONFLICT "
                       "(community, name) DO UPDATE SET number = excluded.number",
                       &b->mark) &&
           prepare_sql(b, "BEGIN IMMEDIATE", &b->begin) && prepare_sql(b, "COMMIT", &b->commit) &&
           vfs_shim_start();
}

static bool step(sqlite3_stmt *stmt)
{
    const int code = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return code == SQLITE_DONE;
}

static void grow_tree(bed *b, const uint8_t hash[32])
{
    uint8_t both[65];
    size_t n = (size_t)__builtin_popcountll(b->size);
    memcpy(both + 33, hash, 32);
    for (uint64_t size = b->size; size & 1; size >>= 1) {
        both[0] = 1;
        memcpy(both + 1, b->edge[--n], 32);
        crypto_hash_sha256(both + 33, both, sizeof both);
    }
    memcpy(b->edge[n], both + 33, 32);
    b->size++;
}

/* The leaf's layout does not matter here, its length does. */
static size_t make_leaf(uint8_t *leaf, int64_t id, const uint8_t commitment[32])
{
    size_t len = 0;
    leaf[len++] = 0;
    memset(leaf + len, 0, 190);
    memcpy(leaf + len + 2, &id, sizeof id);
    len += 51 + 11 + 5 + 9 + 32 + 4 + 23;
    memcpy(leaf + len, commitment, 32);
    return len + 32;
}

static int64_t floor_id(int n)
{
    return (REAL_MS - STORE_ID_EPOCH_MS + n) << 22;
}

static bool floor_entry(bed *b, int n)
{
    uint8_t payload[16 + sizeof data], commitment[32], leaf[256], hash[32];
    const int64_t id = floor_id(n);
    randombytes_buf(payload, 16);
    memcpy(payload + 16, data, sizeof data - 1);
    crypto_hash_sha256(commitment, payload, 16 + sizeof data - 1);
    const size_t len = make_leaf(leaf, id, commitment);
    crypto_hash_sha256(hash, leaf, len);
    sqlite3_bind_int64(b->entry, 1, id);
    sqlite3_bind_int64(b->entry, 2, 1 + n / 5);
    sqlite3_bind_blob(b->entry, 3, leaf + 1, (int)len - 1, SQLITE_STATIC);
    sqlite3_bind_int64(b->payload, 1, id);
    sqlite3_bind_blob(b->payload, 2, payload, 16, SQLITE_STATIC);
    sqlite3_bind_text(b->payload, 3, data, sizeof data - 1, SQLITE_STATIC);
    sqlite3_bind_int64(b->seal, 1, (int64_t)b->size);
    sqlite3_bind_int64(b->seal, 2, id);
    sqlite3_bind_blob(b->seal, 3, hash, 32, SQLITE_STATIC);
    grow_tree(b, hash);
    return step(b->entry) && step(b->payload) && step(b->seal);
}

static bool run_floor(void *user)
{
    bed *b = user;
    int n = 0;
    for (int t = 0; t < b->transactions; t++) {
        if (!step(b->begin))
            return false;
        for (int i = 0; i < b->per_transaction; i++, n++)
            if (!floor_entry(b, n))
                return false;
        sqlite3_bind_int64(b->head, 1, (int64_t)b->size);
        sqlite3_bind_int64(b->head, 2, floor_id(n));
        sqlite3_bind_blob(b->head, 3, b->edge, 32 * __builtin_popcountll(b->size), SQLITE_STATIC);
        sqlite3_bind_int64(b->mark, 1, floor_id(n));
        if (!step(b->head) || !step(b->mark) || !step(b->commit))
            return false;
    }
    return true;
}

static void finish_floor(void *user)
{
    bed *b = user;
    sqlite3_stmt *const all[] = {b->entry, b->payload, b->seal,  b->head,
                                 b->mark,  b->begin,   b->commit};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        sqlite3_finalize(all[i]);
    sqlite3_close(b->db);
    remove_file(b);
}

/* ---- verifying ---- */

static bool prepare_verify(void *user)
{
    bed *b = user;
    return prepare_ours(user) && run_ours(user) && journal_seal(b->j, 1, NULL, NULL) == GOV_OK;
}

static bool run_verify(void *user)
{
    bed *b = user;
    journal_report report;
    return journal_verify(b->j, &report, NULL, NULL, NULL) == GOV_OK;
}

int main(int argc, char **argv)
{
    static bed batched = {.transactions = 40, .per_transaction = 1000};
    static bed single = {.transactions = 200, .per_transaction = 1};
    static bed memory = {
        .path = ":memory:", .memory = true, .transactions = 40, .per_transaction = 1000};
    const char *tmp = getenv("TMPDIR");
    snprintf(batched.path, sizeof batched.path, "%s/gov-bench-%ld.gov", tmp != NULL ? tmp : "/tmp",
             (long)getpid());
    memcpy(single.path, batched.path, sizeof single.path);
    const bench_case cases[] = {
        {.name = "journal: append, 1000 in a transaction",
         .unit = "us",
         .work = 40000,
         .ours = {prepare_ours, run_ours, finish_ours, syncs, &batched},
         .floor = {prepare_floor, run_floor, finish_floor, syncs, &batched},
         .floor_name = "bare SQLite"},
        {.name = "journal: append, one in a transaction",
         .unit = "us",
         .work = 200,
         .ours = {prepare_ours, run_ours, finish_ours, syncs, &single},
         .floor = {prepare_floor, run_floor, finish_floor, syncs, &single},
         .floor_name = "bare SQLite"},
        {.name = "journal: append in memory",
         .unit = "us",
         .work = 40000,
         .ours = {prepare_ours, run_ours, finish_ours, NULL, &memory},
         .floor = {prepare_floor, run_floor, finish_floor, NULL, &memory},
         .floor_name = "bare SQLite"},
        {.name = "journal: verify",
         .unit = "us",
         .work = 40000,
         .ours = {prepare_verify, run_verify, finish_ours, NULL, &batched}},
    };
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
