#include "bench/common/replay.h"

#include "bench/common/bench.h"

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_STATEMENTS = 256, MOST_PARAMETERS = 64 };

typedef enum op_hash { HASH_NOTHING, HASH_LEAF, HASH_PAYLOAD } op_hash;

typedef struct statement {
    char *sql;
    sqlite3_stmt *stmt;
    op_hash hash;
    int index[MOST_PARAMETERS]; /* by the number in $n: SQLite counts by first appearance */
} statement;

struct replay {
    char *path;
    FILE *file;
    bool on;
    statement statements[MOST_STATEMENTS];
    size_t statement_count;
    sqlite3 *db;
    uint8_t *ops;
    size_t ops_len;
    uint8_t edge[64][32];
    uint64_t leaves;
};

static bool fail(const char *what)
{
    fprintf(stderr, "replay: %s\n", what);
    return false;
}

replay *replay_new(const char *trace)
{
    replay *r = calloc(1, sizeof *r);
    if (r != NULL)
        r->path = strdup(trace);
    return r;
}

void replay_free(replay *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->statement_count; i++)
        free(r->statements[i].sql);
    (void)unlink(r->path);
    free(r->path);
    free(r);
}

/* ---- recording ---- */

static replay *watching;

static uint32_t statement_of(replay *r, const char *sql)
{
    for (uint32_t i = 0; i < r->statement_count; i++)
        if (strcmp(r->statements[i].sql, sql) == 0)
            return i;
    if (r->statement_count == MOST_STATEMENTS)
        abort();
    statement *s = &r->statements[r->statement_count];
    s->sql = strdup(sql);
    s->hash = strncmp(sql, "INSERT INTO gov_journal_entry ", 30) == 0     ? HASH_LEAF
              : strncmp(sql, "INSERT INTO gov_journal_payload ", 32) == 0 ? HASH_PAYLOAD
                                                                          : HASH_NOTHING;
    return (uint32_t)r->statement_count++;
}

static void put(const void *bytes, size_t len)
{
    if (fwrite(bytes, 1, len, watching->file) != len)
        abort();
}

static void put_value(char kind, const char *bytes, size_t len)
{
    const uint32_t n = (uint32_t)len;
    put(&kind, 1);
    put(&n, sizeof n);
    put(bytes, len);
}

/* One literal of expanded SQL, at *p. */
static void put_literal(const char **p)
{
    static char buf[1 << 20];
    const char *s = *p;
    size_t n = 0;
    if (*s == '\'') {
        for (s++; *s != '\'' || s[1] == '\''; s++) {
            s += *s == '\'';
            buf[n++] = *s;
        }
        s++;
        put_value('t', buf, n);
    } else if (*s == 'x' && s[1] == '\'') {
        for (s += 2; *s != '\''; s += 2) {
            const char two[3] = {s[0], s[1], '\0'};
            buf[n++] = (char)strtol(two, NULL, 16);
        }
        s++;
        put_value('b', buf, n);
    } else if (strncmp(s, "NULL", 4) == 0) {
        s += 4;
        put_value('n', "", 0);
    } else {
        char *end;
        const long long i = strtoll(s, &end, 10);
        put_value('i', (const char *)&i, sizeof i);
        s = end;
    }
    *p = s;
}

static int record(unsigned what, void *user, void *stmt, void *text)
{
    const char *sql = sqlite3_sql(stmt);
    (void)what, (void)user, (void)text;
    if (!watching->on || sql == NULL || strncmp(sql, "PRAGMA ", 7) == 0)
        return 0;
    char *expanded = sqlite3_expanded_sql(stmt);
    const char *e = expanded;
    if (expanded == NULL)
        return 0;
    const uint32_t index = statement_of(watching, sql);
    put(&index, sizeof index);
    for (const char *s = sql; *s != '\0';) {
        if (*s != '$') {
            s++;
            e++;
            continue;
        }
        int32_t parameter = (int32_t)strtol(s + 1, (char **)(uintptr_t)&s, 10);
        put(&parameter, sizeof parameter);
        put_literal(&e);
    }
    const int32_t end = 0;
    put(&end, sizeof end);
    sqlite3_free(expanded);
    return 0;
}

static int record_on_open(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
    (void)error, (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, record, NULL);
}

bool replay_watch(replay *r)
{
    r->file = fopen(r->path, "wb");
    if (r->file == NULL)
        return fail("no room for the record");
    r->on = false;
    watching = r;
    return sqlite3_auto_extension((void (*)(void))record_on_open) == SQLITE_OK;
}

void replay_on(replay *r, bool on)
{
    r->on = on;
}

bool replay_stop(replay *r)
{
    (void)sqlite3_cancel_auto_extension((void (*)(void))record_on_open);
    r->on = false;
    return fclose(r->file) == 0;
}

/* ---- running ---- */

static bool prepare_statement(replay *r, statement *s)
{
    if (sqlite3_prepare_v3(r->db, s->sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL) != SQLITE_OK)
        return false;
    for (int i = 1; i <= sqlite3_bind_parameter_count(s->stmt); i++) {
        const int number = atoi(sqlite3_bind_parameter_name(s->stmt, i) + 1);
        if (number < 1 || number >= MOST_PARAMETERS)
            return false;
        s->index[number] = i;
    }
    return true;
}

bool replay_open(replay *r, const char *store, bool warm)
{
    struct stat info;
    const int fd = open(r->path, O_RDONLY);
    if (fd < 0 || fstat(fd, &info) != 0)
        return fail("the record is gone");
    r->ops_len = (size_t)info.st_size;
    r->ops = mmap(NULL, r->ops_len, PROT_READ, MAP_PRIVATE, fd, 0);
    (void)close(fd);
    r->leaves = 0;
    if (r->ops == MAP_FAILED ||
        sqlite3_open_v2(store, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
        sqlite3_exec(r->db,
                     "PRAGMA cache_size = -32768; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; "
                     "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON",
                     NULL, NULL, NULL) != SQLITE_OK)
        return fail("cannot open the floor's store");
    for (size_t i = 0; warm && i < r->statement_count; i++)
        if (!prepare_statement(r, &r->statements[i]))
            return fail(sqlite3_errmsg(r->db));
    return true;
}

static void add_leaf(replay *r, const uint8_t *leaf, size_t len)
{
    uint8_t text[1024], both[65], hash[32];
    size_t n = (size_t)__builtin_popcountll(r->leaves);
    text[0] = 0;
    memcpy(text + 1, leaf, len);
    crypto_hash_sha256(hash, text, len + 1);
    memcpy(both + 33, hash, 32);
    for (uint64_t size = r->leaves; size & 1; size >>= 1) {
        both[0] = 1;
        memcpy(both + 1, r->edge[--n], 32);
        crypto_hash_sha256(both + 33, both, sizeof both);
    }
    memcpy(r->edge[n], both + 33, 32);
    r->leaves++;
}

static bool run_statement(statement *s)
{
    int code;
    uint64_t sum = 0;
    while ((code = sqlite3_step(s->stmt)) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(s->stmt); i++)
            sum += (uint64_t)sqlite3_column_bytes(s->stmt, i);
    bench_keep(sum);
    (void)sqlite3_reset(s->stmt);
    return code == SQLITE_DONE;
}

static void bind(sqlite3_stmt *stmt, int at, char kind, const uint8_t *p, uint32_t len)
{
    int64_t i;
    if (kind == 'i') {
        memcpy(&i, p, sizeof i);
        sqlite3_bind_int64(stmt, at, i);
    } else if (kind == 'n') {
        sqlite3_bind_null(stmt, at);
    } else if (kind == 't') {
        sqlite3_bind_text(stmt, at, (const char *)p, (int)len, SQLITE_STATIC);
    } else {
        sqlite3_bind_blob(stmt, at, p, (int)len, SQLITE_STATIC);
    }
}

/* A recorded statement at p: bound, hashed, run. */
static const uint8_t *play(replay *r, const uint8_t *p)
{
    uint32_t index;
    int32_t parameter;
    uint8_t salted[16384], hash[32];
    size_t salted_len = 0;
    memcpy(&index, p, sizeof index);
    p += sizeof index;
    statement *s = &r->statements[index];
    if (s->stmt == NULL && !prepare_statement(r, s))
        return NULL;
    for (;;) {
        memcpy(&parameter, p, sizeof parameter);
        p += sizeof parameter;
        if (parameter == 0)
            break;
        const char kind = (char)*p++;
        uint32_t len;
        memcpy(&len, p, sizeof len);
        p += sizeof len;
        bind(s->stmt, s->index[parameter], kind, p, len);
        if (s->hash == HASH_LEAF && kind == 'b' && len < 1000)
            add_leaf(r, p, len);
        if (s->hash == HASH_PAYLOAD && (kind == 'b' || kind == 't') && salted_len + len <= sizeof salted) {
            memcpy(salted + salted_len, p, len);
            salted_len += len;
        }
        p += len;
    }
    if (s->hash == HASH_PAYLOAD)
        crypto_hash_sha256(hash, salted, salted_len);
    return run_statement(s) ? p : NULL;
}

bool replay_run(replay *r)
{
    const uint8_t *p = r->ops, *end = r->ops + r->ops_len;
    while (p != NULL && p < end)
        p = play(r, p);
    return p != NULL || fail(sqlite3_errmsg(r->db));
}

void replay_close(replay *r)
{
    for (size_t i = 0; i < r->statement_count; i++) {
        sqlite3_finalize(r->statements[i].stmt);
        r->statements[i].stmt = NULL;
    }
    sqlite3_close(r->db);
    (void)munmap(r->ops, r->ops_len);
}
