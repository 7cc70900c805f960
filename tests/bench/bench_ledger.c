/* The ledger beside bare SQLite that reads the same accounts, inserts a row for each transfer, updates the same balances and syncs as
 * often, in tables as plain as can be and without any history. BENCH_LEDGER_STORED=N stores N transfers first;
 * GOV_LONG=1 (tests/bench/run --long) shows last whether the rate holds up to ten million. */
#include "bench/common/bench.h"
#include "bench/common/files.h"
#include "bench/common/syncs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger/lines.h"

#define REAL_MS       INT64_C(1772409900000)
#define ACCOUNTS      10000
#define ACCOUNT_ID(i) ((INT64_C(1) << 59) + (i))
#define COMMUNITY     (INT64_C(1) << 60)

static const store_migration *const schema[] = {&ledger_schema};

typedef struct bed {
    char path[256];
    int batches, each; /* transfers */
    bool random_ids;
    uint32_t flags; /* of the transfers */
    long stored;
    uint64_t seed;
    int64_t clock_ms;
    ledger_transfer t[LEDGER_BATCH_MAX];
    ledger_result r[LEDGER_BATCH_MAX];
    bool
        by_turns; /* two connections, each finding what the other wrote: nothing that was kept in memory holds */
    store *s, *other_s;
    ledger *l, *other_l;
    gov *g; /* of a whole community: with access checked and the journal's entry for each batch */
    /* the floor's */
    sqlite3 *db, *other_db;
    sqlite3_stmt *begin, *commit, *read, *insert, *update, *other[5];
    int64_t debits[ACCOUNTS], credits[ACCOUNTS];
    bool touched[ACCOUNTS];
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

static uint32_t rnd(bed *b, uint32_t below)
{
    b->seed = b->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(b->seed >> 33) % below;
}

/* ---- ours ---- */

static gov_status entry_made(void *user, const ledger_commitment *c, int64_t *entry, const diag *d)
{
    (void)user;
    (void)d;
    bench_keep(c->digest[0]);
    *entry = COMMUNITY + 9;
    return GOV_OK;
}

static void take_turns(bed *b)
{
    store *const s = b->s;
    ledger *const l = b->l;
    if (b->other_s == NULL)
        return;
    b->s = b->other_s, b->l = b->other_l;
    b->other_s = s, b->other_l = l;
}

static bool post_batch(bed *b, int n)
{
    static const ledger_entry entry = {entry_made, NULL};
    take_turns(b);
    int64_t ids[LEDGER_BATCH_MAX];
    b->clock_ms += 40;
    const ledger_time t = {b->clock_ms * 1000, b->clock_ms};
    if (store_begin(b->s, NULL) != GOV_OK ||
        store_new_ids(b->s, b->clock_ms, (size_t)n, ids, NULL) != GOV_OK)
        return false;
    for (int i = 0; i < n; i++) {
        const uint32_t debit = rnd(b, ACCOUNTS), other = rnd(b, ACCOUNTS - 1);
        b->t[i] = (ledger_transfer){
            .id = b->random_ids
                      ? (int64_t)(((uint64_t)rnd(b, 1U << 30) << 32 | rnd(b, 1U << 31)) + 1)
                      : ids[i],
            .debit_account = ACCOUNT_ID(debit),
            .credit_account = ACCOUNT_ID(other >= debit ? other + 1 : other),
            .amount = 1 + rnd(b, 1000),
            .ledger = 1,
            .code = 1,
            .flags = b->flags};
    }
    return ledger_transfer_batch(b->l, b->t, (size_t)n, t, &entry, b->r, NULL) == GOV_OK &&
           b->r[n - 1].code == GOV_LEDGER_CREATED && store_commit(b->s, NULL) == GOV_OK;
}

static bool make_store(bed *b)
{
    const store_config config = {.url = b->path,
                                 .flags = STORE_CREATE,
                                 .vfs = VFS_SHIM,
                                 .migrations = schema,
                                 .migration_count = 1};
    static ledger_account a[LEDGER_BATCH_MAX];
    if (!vfs_shim_start())
        return false;
    remove_file(b);
    b->seed = 7;
    b->clock_ms = REAL_MS;
    if (store_open(&base_malloc, &config, &b->s, NULL) != GOV_OK ||
        store_begin(b->s, NULL) != GOV_OK || ledger_open(b->s, COMMUNITY, &b->l, NULL) != GOV_OK)
        return false;
    for (int from = 0; from < ACCOUNTS; from += 5000) {
        for (int i = 0; i < 5000; i++)
            a[i] = (ledger_account){.id = ACCOUNT_ID(from + i), .ledger = 1, .code = 1};
        if (ledger_create_accounts(b->l, a, 5000, (ledger_time){REAL_MS * 1000, REAL_MS}, NULL,
                                   b->r, NULL) != GOV_OK)
            return false;
    }
    if (store_commit(b->s, NULL) != GOV_OK)
        return false;
    const bool random_ids = b->random_ids;
    b->random_ids = false;
    for (long n = 0; n < b->stored; n += LEDGER_BATCH_MAX)
        if (!post_batch(b, LEDGER_BATCH_MAX))
            return false;
    b->random_ids = random_ids;
    if (b->by_turns && (store_open(&base_malloc, &config, &b->other_s, NULL) != GOV_OK ||
                        ledger_open(b->other_s, COMMUNITY, &b->other_l, NULL) != GOV_OK))
        return false;
    /* Once around, so that both sides start with warm caches. */
    return post_batch(b, LEDGER_BATCH_MAX) && (!b->by_turns || post_batch(b, LEDGER_BATCH_MAX));
}

static bool prepare_ours(void *user)
{
    bed *b = user;
    return make_store(b) && vfs_shim_start();
}

static bool run_ours(void *user)
{
    bed *b = user;
    for (int i = 0; i < b->batches; i++)
        if (!post_batch(b, b->each))
            return false;
    return true;
}

static uint64_t syncs(void *user)
{
    (void)user;
    bench_wrote(vfs_shim.bytes);
    return vfs_shim.syncs;
}

static void finish_ours(void *user)
{
    bed *b = user;
    ledger_close(b->l);
    store_close(b->s);
    ledger_close(b->other_l);
    store_close(b->other_s);
    b->other_l = NULL;
    b->other_s = NULL;
    remove_file(b);
}

/* ---- the same through the public calls ---- */

static bool public_batch(bed *b)
{
    int64_t ids[LEDGER_BATCH_MAX];
    if (gov_ledger_new_ids(b->g, (size_t)b->each, ids, NULL) != GOV_OK)
        return false;
    for (int i = 0; i < b->each; i++) {
        const uint32_t debit = rnd(b, ACCOUNTS), other = rnd(b, ACCOUNTS - 1);
        b->t[i] =
            (ledger_transfer){.id = ids[i],
                              .debit_account = ACCOUNT_ID(debit),
                              .credit_account = ACCOUNT_ID(other >= debit ? other + 1 : other),
                              .amount = 1 + rnd(b, 1000),
                              .ledger = 1,
                              .code = 1};
    }
    return gov_ledger_transfer(b->g, b->t, (size_t)b->each, b->r, NULL) == GOV_OK &&
           b->r[b->each - 1].code == GOV_LEDGER_CREATED;
}

static bool run_public(void *user)
{
    bed *b = user;
    for (int i = 0; i < b->batches; i++)
        if (!public_batch(b))
            return false;
    return true;
}

static void finish_public(void *user)
{
    bed *b = user;
    gov_free(b->g);
    b->g = NULL;
    remove_file(b);
}

static bool prepare_public(void *user)
{
    static gov_account a[LEDGER_BATCH_MAX];
    bed *b = user;
    b->seed = 7;
    if (!make_community(b->path, GOV_TEST_SOURCE_DIR "/examples/community") ||
        gov_open(b->path, NULL, &b->g, NULL) != GOV_OK ||
        gov_act_as_host(b->g, "bench", NULL) != GOV_OK)
        return false;
    for (int from = 0; from < ACCOUNTS; from += 5000) {
        for (int i = 0; i < 5000; i++)
            a[i] = (gov_account){.id = ACCOUNT_ID(from + i), .ledger = 1, .code = 1};
        if (gov_ledger_create_accounts(b->g, a, 5000, b->r, NULL) != GOV_OK)
            return false;
    }
    const int each = b->each;
    b->each = LEDGER_BATCH_MAX;
    const bool warm = public_batch(b);
    b->each = each;
    return warm && vfs_shim_start();
}

/* ---- the floor ---- */

static bool prepared(bed *b, const char *text, sqlite3_stmt **out)
{
    return sqlite3_prepare_v3(b->db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK;
}

static const char bare_schema[] =
    "PRAGMA journal_mode = WAL; PRAGMA cache_size = -32768; PRAGMA synchronous = FULL; "
    "CREATE TABLE IF NOT EXISTS account (community INTEGER NOT NULL, seq INTEGER PRIMARY KEY, id "
    "INTEGER NOT "
    "NULL, "
    "ledger INTEGER NOT NULL, code INTEGER NOT NULL, flags INTEGER NOT NULL, "
    "debits_pending INTEGER NOT NULL, debits_posted INTEGER NOT NULL, "
    "credits_pending INTEGER NOT NULL, credits_posted INTEGER NOT NULL, at_us INTEGER NOT NULL) "
    "STRICT; "
    "CREATE UNIQUE INDEX IF NOT EXISTS account_by_id ON account (community, id); "
    "CREATE TABLE IF NOT EXISTS transfer (community INTEGER NOT NULL, seq INTEGER PRIMARY KEY, id "
    "INTEGER, "
    "ledger INTEGER NOT NULL, code INTEGER NOT NULL, flags INTEGER NOT NULL, "
    "debit_account INTEGER NOT NULL, credit_account INTEGER NOT NULL, amount INTEGER NOT NULL, "
    "reason INTEGER NOT NULL, at_us INTEGER NOT NULL, entry INTEGER) STRICT; "
    "CREATE UNIQUE INDEX IF NOT EXISTS transfer_by_id ON transfer (community, id) WHERE id IS NOT "
    "NULL";

static bool step(sqlite3_stmt *stmt, int want);
static bool bare_batch(bed *b);

static bool bare_accounts_made(bed *b)
{
    sqlite3_stmt *make;
    bool good =
        sqlite3_exec(b->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
        prepared(b, "INSERT INTO account VALUES (?1, ?2, ?2, 1, 1, 0, 0, 0, 0, 0, ?3)", &make);
    for (int i = 0; i < ACCOUNTS && good; i++) {
        sqlite3_bind_int64(make, 1, COMMUNITY);
        sqlite3_bind_int64(make, 2, ACCOUNT_ID(i));
        sqlite3_bind_int64(make, 3, REAL_MS * 1000 + i);
        good = step(make, SQLITE_DONE) && sqlite3_reset(make) == SQLITE_OK;
    }
    sqlite3_finalize(make);
    return good && sqlite3_exec(b->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

static bool connected(bed *b)
{
    return sqlite3_open_v2(b->path, &b->db,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                           VFS_SHIM) == SQLITE_OK &&
           sqlite3_exec(b->db, bare_schema, NULL, NULL, NULL) == SQLITE_OK &&
           prepared(b, "BEGIN IMMEDIATE", &b->begin) && prepared(b, "COMMIT", &b->commit) &&
           prepared(
               b,
               "SELECT seq, ledger, code, flags, debits_pending, debits_posted, "
               "credits_pending, credits_posted, at_us FROM account WHERE community = ? AND id "
               "= ?",
               &b->read) &&
           prepared(
               b,
               "INSERT INTO transfer (community, seq, id, ledger, code, flags, debit_account, "
               "credit_account, amount, reason, at_us, entry) VALUES (?1, ?2, ?8, 1, 1, 0, ?3, "
               "?4, ?5, 0, ?6, ?7)",
               &b->insert) &&
           prepared(
               b,
               "UPDATE account SET debits_posted = ?3, credits_posted = ?4 WHERE community = ?1 "
               "AND id = ?2",
               &b->update);
}

/* Exchanges the two connections. */
static void floor_turns(bed *b)
{
    sqlite3 *const db = b->db;
    sqlite3_stmt *const kept[] = {b->begin, b->commit, b->read, b->insert, b->update};
    b->db = b->other_db;
    b->begin = b->other[0], b->commit = b->other[1], b->read = b->other[2];
    b->insert = b->other[3], b->update = b->other[4];
    b->other_db = db;
    memcpy(b->other, kept, sizeof kept);
}

static bool prepare_floor(void *user)
{
    bed *b = user;
    if (!vfs_shim_start())
        return false;
    remove_file(b);
    b->seed = 7;
    b->clock_ms = REAL_MS;
    if (!connected(b) || !bare_accounts_made(b))
        return false;
    if (b->by_turns) {
        floor_turns(b);
        if (!connected(b))
            return false;
    }
    /* Once around, so that both sides start with warm caches. */
    const int each = b->each;
    b->each = LEDGER_BATCH_MAX;
    const bool warm = bare_batch(b) && (!b->by_turns || bare_batch(b));
    b->each = each;
    return warm && vfs_shim_start();
}

static bool step(sqlite3_stmt *stmt, int want)
{
    const int code = sqlite3_step(stmt);
    return code == want;
}

static bool bare_accounts(bed *b, bool write)
{
    sqlite3_stmt *stmt = write ? b->update : b->read;
    for (int i = 0; i < ACCOUNTS; i++) {
        if (!b->touched[i])
            continue;
        sqlite3_bind_int64(stmt, 1, COMMUNITY);
        sqlite3_bind_int64(stmt, 2, ACCOUNT_ID(i));
        if (write) {
            sqlite3_bind_int64(stmt, 3, b->debits[i]);
            sqlite3_bind_int64(stmt, 4, b->credits[i]);
        }
        if (!step(stmt, write ? SQLITE_DONE : SQLITE_ROW))
            return false;
        if (!write) {
            b->debits[i] = sqlite3_column_int64(stmt, 5);
            b->credits[i] = sqlite3_column_int64(stmt, 7);
        }
        sqlite3_reset(stmt);
    }
    return true;
}

static bool bare_batch(bed *b)
{
    if (b->other_db != NULL)
        floor_turns(b);
    b->clock_ms += 40;
    memset(b->touched, 0, sizeof b->touched);
    for (int i = 0; i < b->each; i++) {
        const uint32_t debit = rnd(b, ACCOUNTS), other = rnd(b, ACCOUNTS - 1);
        b->t[i] = (ledger_transfer){.debit_account = debit,
                                    .credit_account = other >= debit ? other + 1 : other,
                                    .amount = 1 + rnd(b, 1000)};
        b->touched[b->t[i].debit_account] = b->touched[b->t[i].credit_account] = true;
    }
    if (!step(b->begin, SQLITE_DONE) || sqlite3_reset(b->begin) != SQLITE_OK ||
        !bare_accounts(b, false))
        return false;
    for (int i = 0; i < b->each; i++) {
        const ledger_transfer *t = &b->t[i];
        b->debits[t->debit_account] += t->amount;
        b->credits[t->credit_account] += t->amount;
        sqlite3_bind_int64(b->insert, 1, COMMUNITY);
        sqlite3_bind_int64(b->insert, 2, ((b->clock_ms - STORE_ID_EPOCH_MS) << 22) + (1 << 21) + i);
        sqlite3_bind_int64(b->insert, 3, ACCOUNT_ID(t->debit_account));
        sqlite3_bind_int64(b->insert, 4, ACCOUNT_ID(t->credit_account));
        sqlite3_bind_int64(b->insert, 5, t->amount);
        sqlite3_bind_int64(b->insert, 6, b->clock_ms * 1000 + i);
        sqlite3_bind_int64(b->insert, 7, COMMUNITY + 9);
        if (b->random_ids)
            sqlite3_bind_int64(b->insert, 8,
                               (int64_t)(((uint64_t)rnd(b, 1U << 30) << 32 | rnd(b, 1U << 31)) +
                                         1));
        if (!step(b->insert, SQLITE_DONE))
            return false;
        sqlite3_reset(b->insert);
    }
    return bare_accounts(b, true) && step(b->commit, SQLITE_DONE) &&
           sqlite3_reset(b->commit) == SQLITE_OK;
}

static bool run_floor(void *user)
{
    bed *b = user;
    for (int i = 0; i < b->batches; i++)
        if (!bare_batch(b))
            return false;
    return true;
}

static void disconnect(bed *b)
{
    sqlite3_stmt *const all[] = {b->begin, b->commit, b->read, b->insert, b->update};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        sqlite3_finalize(all[i]);
    sqlite3_close(b->db);
    b->db = NULL;
}

static void finish_floor(void *user)
{
    bed *b = user;
    disconnect(b);
    if (b->by_turns) {
        floor_turns(b);
        disconnect(b);
    }
    remove_file(b);
}

/* ---- in two phases: a batch of reservations, then a batch that posts them ---- */

static bool post_reservations(bed *b)
{
    static const ledger_entry entry = {entry_made, NULL};
    int64_t ids[LEDGER_BATCH_MAX];
    b->clock_ms += 40;
    const ledger_time t = {b->clock_ms * 1000, b->clock_ms};
    if (store_begin(b->s, NULL) != GOV_OK ||
        store_new_ids(b->s, b->clock_ms, LEDGER_BATCH_MAX, ids, NULL) != GOV_OK)
        return false;
    for (int i = 0; i < LEDGER_BATCH_MAX; i++)
        b->t[i] = (ledger_transfer){.id = ids[i],
                                    .amount = INT64_MAX,
                                    .pending_id = b->t[i].id,
                                    .flags = GOV_TRANSFER_POST_PENDING};
    return ledger_transfer_batch(b->l, b->t, LEDGER_BATCH_MAX, t, &entry, b->r, NULL) == GOV_OK &&
           b->r[LEDGER_BATCH_MAX - 1].code == GOV_LEDGER_CREATED &&
           store_commit(b->s, NULL) == GOV_OK;
}

static bool run_two_phases(void *user)
{
    bed *b = user;
    b->flags = GOV_TRANSFER_PENDING;
    bool good = true;
    for (int i = 0; i < b->batches / 2 && good; i++)
        good = post_batch(b, LEDGER_BATCH_MAX) && post_reservations(b);
    b->flags = 0;
    return good;
}

/* ---- statements ---- */

enum { PAGES = 2000 };

static bool run_pages(void *user)
{
    bed *b = user;
    ledger_transfer page[50];
    size_t count;
    for (int i = 0; i < PAGES; i++) {
        const int64_t span = (b->clock_ms - REAL_MS) * 1000;
        const ledger_filter f = {.account = ACCOUNT_ID(rnd(b, ACCOUNTS)),
                                 .timestamp_max = REAL_MS * 1000 + span / 1024 * rnd(b, 1024),
                                 .flags = GOV_LEDGER_REVERSED};
        if (ledger_account_transfers(b->l, &f, page, 50, &count, NULL) != GOV_OK)
            return false;
        bench_keep(count);
    }
    return true;
}

/* ---- queries over the whole ledger: a page from some instant on; a subject that no transfer has ---- */

enum { QUERIES = 500, SEARCHES = 5 };

static bool run_queries(void *user)
{
    bed *b = user;
    ledger_transfer page[50];
    size_t count;
    for (int i = 0; i < QUERIES; i++) {
        const int64_t span = (b->clock_ms - REAL_MS) * 1000;
        const ledger_query q = {.from_us = REAL_MS * 1000 + span / 1024 * rnd(b, 1000),
                                .reversed = i % 2 == 1};
        if (ledger_query_transfers(b->l, &q, page, 50, &count, NULL) != GOV_OK)
            return false;
        bench_keep(count);
    }
    return true;
}

static bool run_searches(void *user)
{
    bed *b = user;
    ledger_transfer page[50];
    size_t count;
    for (int i = 0; i < SEARCHES; i++) {
        const ledger_query q = {.subject = 12345};
        if (ledger_query_transfers(b->l, &q, page, 50, &count, NULL) != GOV_OK || count != 0)
            return false;
    }
    return true;
}

/* ---- growth: what a batch costs as the ledger grows; BENCH_LEDGER_GROW=N, or GOV_LONG=1 for ten million ---- */

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* At every million transfers, the rate of the last 25 batches, and a page of a statement. */
static int grow(bed *b, long most)
{
    enum { LAST = 25 };
    const long step = 1000000 / LEDGER_BATCH_MAX;
    double wall = 0, cpu = 0;
    if (!make_store(b))
        return 1;
    for (long n = 1; n * LEDGER_BATCH_MAX < most + LEDGER_BATCH_MAX; n++) {
        if (n % step == step - LAST) {
            wall = seconds_of(CLOCK_MONOTONIC);
            cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        }
        if (!post_batch(b, LEDGER_BATCH_MAX))
            return 1;
        if (n % step != 0)
            continue;
        const double rate = LAST * LEDGER_BATCH_MAX / (seconds_of(CLOCK_MONOTONIC) - wall),
                     busy = LAST * LEDGER_BATCH_MAX / (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        if (!run_pages(b))
            return 1;
        struct stat file;
        printf("%9ld stored: %8.0f transfers/s, %8.0f per CPU second, a page %6.1f us of CPU, "
               "%.1f bytes each in the file\n",
               n * LEDGER_BATCH_MAX, rate, busy,
               (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu) / PAGES * 1e6,
               stat(b->path, &file) == 0 ? (double)file.st_size / ((double)n * LEDGER_BATCH_MAX)
                                         : 0.0);
        fflush(stdout);
    }
    finish_ours(b);
    return 0;
}

int main(int argc, char **argv)
{
    static bed batches, turns, singles, random_ids, phases, pages;
    const char *stored = getenv("BENCH_LEDGER_STORED"), *dir = getenv("TMPDIR");
    bed *const all[] = {&batches, &turns, &singles, &random_ids, &phases, &pages};
    if (!vfs_shim_start() || sqlite3_vfs_register(sqlite3_vfs_find(VFS_SHIM), 1) != SQLITE_OK)
        return 1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        snprintf(all[i]->path, sizeof all[i]->path, "%s/bench_ledger_%ld.db",
                 dir != NULL ? dir : "/tmp", (long)getpid());
        all[i]->stored = stored != NULL ? atol(stored) : 0;
        all[i]->batches = 25;
        all[i]->each = LEDGER_BATCH_MAX;
    }
    singles.batches = 300;
    singles.each = 1;
    random_ids.random_ids = true;
    turns.by_turns = true;
    if (getenv("BENCH_LEDGER_GROW") != NULL)
        return grow(&batches, atol(getenv("BENCH_LEDGER_GROW")));
    if (stored == NULL)
        pages.stored = 1000000;
#define OURS(bed)                                          \
    {                                                      \
        prepare_ours, run_ours, finish_ours, syncs, &(bed) \
    }
#define PUBLIC(bed)                                              \
    {                                                            \
        prepare_public, run_public, finish_public, syncs, &(bed) \
    }
#define FLOOR(bed)                                            \
    {                                                         \
        prepare_floor, run_floor, finish_floor, syncs, &(bed) \
    }
    const bench_case cases[] = {
        {"ledger_batches", "transfers/s", 25.0 * LEDGER_BATCH_MAX, OURS(batches), FLOOR(batches),
         "bare SQLite"},
        {"ledger_batches_by_turns", "transfers/s", 25.0 * LEDGER_BATCH_MAX, OURS(turns),
         FLOOR(turns), "bare SQLite"},
        {"ledger_batches_random_ids", "transfers/s", 25.0 * LEDGER_BATCH_MAX, OURS(random_ids),
         FLOOR(random_ids), "bare SQLite"},
        {"ledger_single_transfer", "us", 300, OURS(singles), FLOOR(singles), "bare SQLite"},
        {"ledger_community_batches", "transfers/s", 25.0 * LEDGER_BATCH_MAX, PUBLIC(batches),
         FLOOR(batches), "bare SQLite"},
        {"ledger_community_single", "us", 300, PUBLIC(singles), FLOOR(singles), "bare SQLite"},
        {"ledger_two_phases",
         "transfers/s",
         24.0 * LEDGER_BATCH_MAX,
         {prepare_ours, run_two_phases, finish_ours, syncs, &phases},
         {0},
         NULL},
        {"ledger_statement_page",
         "us",
         PAGES,
         {prepare_ours, run_pages, finish_ours, NULL, &pages},
         {0},
         NULL},
        {"ledger_query_page",
         "us",
         QUERIES,
         {prepare_ours, run_queries, finish_ours, NULL, &pages},
         {0},
         NULL},
        {"ledger_query_all",
         "ms",
         SEARCHES,
         {prepare_ours, run_searches, finish_ours, NULL, &pages},
         {0},
         NULL},
    };
    const int code = bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
    const bool list = argc > 1 && strcmp(argv[1], "--list") == 0;
    return code == 0 && getenv("GOV_LONG") != NULL && !list ? grow(&batches, 10000000) : code;
}
