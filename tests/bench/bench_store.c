/* What the store's interface costs over bare SQLite: the same statements, the same values, the same transactions. */
#include "bench/common/bench.h"
#include "bench/common/syncs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store.h"

enum { ROWS = 50000 };

static const store_table row_table = {.name = "gov_bench_row",
                                      .columns = (const store_column[]){{"community", STORE_INT},
                                                                        {"id", STORE_INT},
                                                                        {"amount", STORE_INT},
                                                                        {"text", STORE_TEXT},
                                                                        {0}},
                                      .key = "community, id",
                                      .flags = STORE_ROWID_KEY};
static const store_migration first = {.room = "bench",
                                      .version = 1,
                                      .create = (const store_table *const[]){&row_table, NULL}};
static const store_migration *const schema[] = {&first};

#define INSERT "INSERT INTO gov_bench_row (community, id, amount, text) VALUES ($1, $2, $3, $4)"
#define SELECT "SELECT amount, text FROM gov_bench_row WHERE community = $1 AND id = $2"
#define UPDATE "UPDATE gov_bench_row SET amount = amount + $3 WHERE community = $1 AND id = $2"
static const char text[] = "占道经营，请到现场查看";

typedef struct bed {
    char path[256];
    store *s;
    sqlite3 *db;
    sqlite3_stmt *stmt, *begin, *commit;
    const char *sql; /* the floor's statement */
    bool filled;
} bed;

static void remove_file(const bed *b)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s%s", b->path, endings[i]);
        (void)unlink(path);
    }
}

static bool insert_all(store *s)
{
    static const store_insert shape = {&row_table, "community, id, amount, text"};
    static int64_t ids[ROWS];
    static const int64_t one = 1;
    static const store_span span = {text, sizeof text - 1};
    for (int i = 0; i < ROWS; i++)
        ids[i] = i;
    const store_array arrays[] = {{.ints = &one, .same = true},
                                  {.ints = ids},
                                  {.ints = ids},
                                  {.spans = &span, .same = true}};
    return store_bulk(s, &shape, arrays, ROWS, NULL) == GOV_OK;
}

static bool open_ours(bed *b)
{
    const store_config config = {.url = b->path,
                                 .flags = STORE_CREATE,
                                 .vfs = VFS_SHIM,
                                 .migrations = schema,
                                 .migration_count = 1};
    if (!vfs_shim_start())
        return false;
    remove_file(b);
    if (store_open(&base_malloc, &config, &b->s, NULL) != GOV_OK)
        return false;
    if (!b->filled)
        return true;
    return store_begin(b->s, NULL) == GOV_OK && insert_all(b->s) &&
           store_commit(b->s, NULL) == GOV_OK;
}

static bool prepare_ours(void *user)
{
    return open_ours(user) && vfs_shim_start();
}

static void finish_ours(void *user)
{
    bed *b = user;
    store_close(b->s);
    remove_file(b);
}

static bool prepare_floor(void *user)
{
    bed *b = user;
    if (!open_ours(b))
        return false;
    store_close(b->s);
    return sqlite3_open_v2(b->path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                           VFS_SHIM) == SQLITE_OK &&
           sqlite3_exec(b->db, "PRAGMA cache_size = -32768; PRAGMA secure_delete = ON", NULL, NULL,
                        NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(b->db, b->sql, -1, &b->stmt, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(b->db, "BEGIN IMMEDIATE", -1, &b->begin, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(b->db, "COMMIT", -1, &b->commit, NULL) == SQLITE_OK &&
           vfs_shim_start();
}

static void finish_floor(void *user)
{
    bed *b = user;
    sqlite3_finalize(b->stmt);
    sqlite3_finalize(b->begin);
    sqlite3_finalize(b->commit);
    sqlite3_close(b->db);
    remove_file(b);
}

static uint64_t syncs(void *user)
{
    (void)user;
    return vfs_shim.syncs;
}

static bool step(sqlite3_stmt *stmt)
{
    const int code = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return code == SQLITE_DONE;
}

/* ---- one statement after another ---- */

static bool post_ours(void *user)
{
    static const store_sql sql = {INSERT, 0};
    bed *b = user;
    if (store_begin(b->s, NULL) != GOV_OK)
        return false;
    for (int i = 0; i < ROWS; i++)
        if (store_post(b->s, &sql,
                       STORE_ARGS(store_i(1), store_i(i), store_i(i),
                                  store_t(text, sizeof text - 1)),
                       1, NULL) != GOV_OK)
            return false;
    return store_commit(b->s, NULL) == GOV_OK;
}

static bool post_floor(void *user)
{
    bed *b = user;
    if (!step(b->begin))
        return false;
    for (int i = 0; i < ROWS; i++) {
        sqlite3_bind_int64(b->stmt, 1, 1);
        sqlite3_bind_int64(b->stmt, 2, i);
        sqlite3_bind_int64(b->stmt, 3, i);
        sqlite3_bind_text(b->stmt, 4, text, sizeof text - 1, SQLITE_STATIC);
        if (!step(b->stmt))
            return false;
    }
    return step(b->commit);
}

static bool bulk_ours(void *user)
{
    bed *b = user;
    return store_begin(b->s, NULL) == GOV_OK && insert_all(b->s) &&
           store_commit(b->s, NULL) == GOV_OK;
}

/* ---- rows by key ---- */

static int64_t scattered(int i)
{
    return (int64_t)(((uint64_t)i * 2654435761u) % ROWS);
}

static bool query_ours(void *user)
{
    static const store_sql sql = {SELECT, 0};
    bed *b = user;
    if (store_begin_read(b->s, NULL) != GOV_OK)
        return false;
    for (int i = 0; i < ROWS; i++) {
        store_rows rows;
        size_t len;
        if (store_first(b->s, &sql, STORE_ARGS(store_i(1), store_i(scattered(i))), &rows, NULL) !=
            GOV_OK)
            return false;
        bench_keep((uint64_t)store_int(&rows, 0) +
                   (uint64_t)(unsigned char)store_text(&rows, 1, &len)[0]);
        store_rows_close(&rows);
    }
    store_rollback(b->s);
    return true;
}

static bool query_floor(void *user)
{
    bed *b = user;
    if (sqlite3_exec(b->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return false;
    for (int i = 0; i < ROWS; i++) {
        sqlite3_bind_int64(b->stmt, 1, 1);
        sqlite3_bind_int64(b->stmt, 2, scattered(i));
        if (sqlite3_step(b->stmt) != SQLITE_ROW)
            return false;
        const int64_t n = sqlite3_column_int64(b->stmt, 0);
        bench_keep((uint64_t)n + sqlite3_column_text(b->stmt, 1)[0]);
        sqlite3_reset(b->stmt);
    }
    return sqlite3_exec(b->db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK;
}

/* ---- durable transactions of one statement ---- */

enum { SMALL = 200 };

static bool small_ours(void *user)
{
    static const store_sql sql = {UPDATE, 0};
    bed *b = user;
    for (int i = 0; i < SMALL; i++)
        if (store_begin(b->s, NULL) != GOV_OK ||
            store_post(b->s, &sql, STORE_ARGS(store_i(1), store_i(scattered(i)), store_i(1)), 1,
                       NULL) != GOV_OK ||
            store_commit(b->s, NULL) != GOV_OK)
            return false;
    return true;
}

static bool small_floor(void *user)
{
    bed *b = user;
    for (int i = 0; i < SMALL; i++) {
        sqlite3_bind_int64(b->stmt, 1, 1);
        sqlite3_bind_int64(b->stmt, 2, scattered(i));
        sqlite3_bind_int64(b->stmt, 3, 1);
        if (!step(b->begin) || !step(b->stmt) || !step(b->commit))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static bed
        inserting = {.sql = INSERT},
        reading = {.sql = SELECT, .filled = true},
        changing = {
            .sql = "UPDATE gov_bench_row SET amount = amount + ?3 WHERE community = ?1 AND id = ?2",
            .filled = true};
    const char *tmp = getenv("TMPDIR");
    snprintf(inserting.path, sizeof inserting.path, "%s/gov-bench-%ld.gov",
             tmp != NULL ? tmp : "/tmp", (long)getpid());
    memcpy(reading.path, inserting.path, sizeof reading.path);
    memcpy(changing.path, inserting.path, sizeof changing.path);
    const bench_case cases[] = {
        {.name = "store: insert, one transaction",
         .unit = "us",
         .work = ROWS,
         .ours = {prepare_ours, post_ours, finish_ours, syncs, &inserting},
         .floor = {prepare_floor, post_floor, finish_floor, syncs, &inserting},
         .floor_name = "bare SQLite"},
        {.name = "store: bulk insert",
         .unit = "us",
         .work = ROWS,
         .ours = {prepare_ours, bulk_ours, finish_ours, syncs, &inserting},
         .floor = {prepare_floor, post_floor, finish_floor, syncs, &inserting},
         .floor_name = "bare SQLite"},
        {.name = "store: row by key",
         .unit = "us",
         .work = ROWS,
         .ours = {prepare_ours, query_ours, finish_ours, NULL, &reading},
         .floor = {prepare_floor, query_floor, finish_floor, NULL, &reading},
         .floor_name = "bare SQLite"},
        {.name = "store: durable transaction",
         .unit = "us",
         .work = SMALL,
         .ours = {prepare_ours, small_ours, finish_ours, syncs, &changing},
         .floor = {prepare_floor, small_floor, finish_floor, syncs, &changing},
         .floor_name = "bare SQLite"},
    };
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
