/* The import and replay of the city's half year beside bare SQLite.
 *
 * The floor runs every statement that our import ran, in the same order and the same transactions, with the same values: it
 * was recorded from a first, untimed import. So it reads and writes the same bytes and syncs as often. It also reads the
 * CSV, splits its rows, and computes the hashes of rows, documents, leaves and tree. What it leaves out is what a library
 * does: rules, clocks, checks, JSON, maps, permissions. */
#include "bench/common/bench.h"
#include "bench/common/syncs.h"

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <gov.h>

enum { MOST_STATEMENTS = 256, MOST_PARAMETERS = 64 };

typedef enum op_hash { HASH_NOTHING, HASH_LEAF, HASH_PAYLOAD } op_hash;

typedef struct statement {
    char *sql;
    sqlite3_stmt *stmt;
    op_hash hash;
    int index[MOST_PARAMETERS]; /* by the number in $n: SQLite counts by first appearance */
} statement;

typedef struct bed {
    char dir[256], store[300], start[300], trace[300], data[300];
    int rows; /* of the export; 0: all */
    bool recorded;
    gov *g;
    statement statements[MOST_STATEMENTS];
    size_t statement_count;
    sqlite3 *db;
    uint8_t *ops;
    size_t ops_len;
    uint8_t edge[64][32];
    uint64_t leaves;
} bed;

static bool fail(const char *what)
{
    fprintf(stderr, "bench_import: %s\n", what);
    return false;
}

/* ---- files ---- */

static void remove_store(const bed *b)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[320];
        snprintf(path, sizeof path, "%s%s", b->store, endings[i]);
        (void)unlink(path);
    }
}

static bool copy_file(const char *from, const char *to)
{
    char block[65536];
    size_t n;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    while (in != NULL && out != NULL && (n = fread(block, 1, sizeof block, in)) > 0)
        (void)fwrite(block, 1, n, out);
    const bool fine = in != NULL && out != NULL && !ferror(in) && !ferror(out);
    if (in != NULL)
        (void)fclose(in);
    return (out == NULL || fclose(out) == 0) && fine;
}

/* The export, or its head, and the precincts, in one folder. */
static bool place_data(bed *b, const char *shared)
{
    char from[512], to[512], line[8192];
    snprintf(from, sizeof from, "%s/data/city311/precincts_2015.geojson", shared);
    snprintf(to, sizeof to, "%s/precincts_2015.geojson", b->dir);
    if (!copy_file(from, to))
        return false;
    snprintf(from, sizeof from, "%s/data/city311/requests_2011.csv.gz", shared);
    snprintf(b->data, sizeof b->data, "%s/requests_2011.csv.gz", b->dir);
    if (b->rows == 0)
        return copy_file(from, b->data);
    gzFile in = gzopen(from, "rb"), out = gzopen(b->data, "wb");
    for (int i = 0;
         in != NULL && out != NULL && i <= b->rows && gzgets(in, line, sizeof line) != NULL; i++)
        (void)gzputs(out, line);
    return gzclose(in) == Z_OK && gzclose(out) == Z_OK;
}

/* ---- ours ---- */

static bool told(gov_status status, gov_error **err)
{
    if (status != GOV_OK)
        fprintf(stderr, "bench_import: %s\n",
                *err != NULL ? gov_error_message(*err, 0, "en") : "?");
    gov_error_free(*err);
    *err = NULL;
    return status == GOV_OK;
}

static bool open_ours(bed *b)
{
    gov_error *err = NULL;
    return told(gov_open(b->store, NULL, &b->g, &err), &err) &&
           told(gov_act_as_host(b->g, "import", &err), &err);
}

static bool make_start(bed *b)
{
    gov_error *err = NULL;
    gov_rulebook *rules = NULL;
    gov_store *store = NULL;
    gov_options o;
    gov_options_init(&o, sizeof o);
    o.flags = GOV_OPEN_CREATE;
    remove_store(b);
    const bool fine =
        told(gov_rulebook_load(NULL, GOV_TEST_SOURCE_DIR "/examples/city311", 0, &rules, &err),
             &err) &&
        told(gov_store_open(b->store, &o, &store, &err), &err) &&
        told(gov_community_create(store, NULL, rules, NULL, &err), &err);
    gov_store_free(store);
    gov_rulebook_free(rules);
    return fine && copy_file(b->store, b->start);
}

static bool run_ours(void *user)
{
    bed *b = user;
    gov_error *err = NULL;
    gov_import_options o;
    gov_import_options_init(&o, sizeof o);
    o.file = b->dir;
    return told(gov_import(b->g, GOV_TEST_SOURCE_DIR "/examples/city311/data/import.yaml", &o, NULL,
                           &err),
                &err);
}

static void finish_ours(void *user)
{
    bed *b = user;
    gov_free(b->g);
    b->g = NULL;
    remove_store(b);
}

/* ---- recording ---- */

static FILE *recording;
static bed *recorded_bed;

static uint32_t statement_of(bed *b, const char *sql)
{
    for (uint32_t i = 0; i < b->statement_count; i++)
        if (strcmp(b->statements[i].sql, sql) == 0)
            return i;
    if (b->statement_count == MOST_STATEMENTS)
        abort();
    statement *s = &b->statements[b->statement_count];
    s->sql = strdup(sql);
    s->hash = strncmp(sql, "INSERT INTO gov_journal_entry ", 30) == 0     ? HASH_LEAF
              : strncmp(sql, "INSERT INTO gov_journal_payload ", 32) == 0 ? HASH_PAYLOAD
                                                                          : HASH_NOTHING;
    return (uint32_t)b->statement_count++;
}

static void put(const void *bytes, size_t len)
{
    if (fwrite(bytes, 1, len, recording) != len)
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
    bed *b = recorded_bed;
    const char *sql = sqlite3_sql(stmt);
    char *expanded = sqlite3_expanded_sql(stmt);
    const char *e = expanded;
    (void)what;
    (void)user;
    (void)text;
    if (sql == NULL || expanded == NULL || strncmp(sql, "PRAGMA ", 7) == 0) {
        sqlite3_free(expanded);
        return 0;
    }
    const uint32_t index = statement_of(b, sql);
    put(&index, sizeof index);
    for (const char *s = sql; *s != '\0';) {
        if (*s != '$') {
            s++;
            e++;
            continue;
        }
        int32_t parameter = (int32_t)strtol(s + 1, (char **)&s, 10);
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
    (void)error;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, record, NULL);
}

static bool record_import(bed *b)
{
    if (b->recorded)
        return true;
    if (!make_start(b))
        return false;
    recording = fopen(b->trace, "wb");
    if (recording == NULL)
        return fail("no room for the record");
    recorded_bed = b;
    (void)sqlite3_auto_extension((void (*)(void))record_on_open);
    const bool fine = open_ours(b) && run_ours(b);
    (void)sqlite3_cancel_auto_extension((void (*)(void))record_on_open);
    finish_ours(b);
    b->recorded = fine && fclose(recording) == 0;
    return b->recorded;
}

static bool prepare_ours(void *user)
{
    bed *b = user;
    return record_import(b) && copy_file(b->start, b->store) && open_ours(b) && vfs_shim_start();
}

/* ---- the floor ---- */

static bool prepare_floor(void *user)
{
    bed *b = user;
    struct stat info;
    if (!record_import(b) || !copy_file(b->start, b->store))
        return false;
    const int fd = open(b->trace, O_RDONLY);
    if (fd < 0 || fstat(fd, &info) != 0)
        return fail("the record is gone");
    b->ops_len = (size_t)info.st_size;
    b->ops = mmap(NULL, b->ops_len, PROT_READ, MAP_PRIVATE, fd, 0);
    (void)close(fd);
    b->leaves = 0;
    if (b->ops == MAP_FAILED ||
        sqlite3_open_v2(b->store, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK)
        return fail("cannot open the floor's store");
    return sqlite3_exec(
               b->db,
               "PRAGMA cache_size = -32768; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; "
               "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON",
               NULL, NULL, NULL) == SQLITE_OK &&
           vfs_shim_start();
}

/* Rows of the export, unzipped and split, and hashed as we hash them. */
static bool read_csv(const bed *b)
{
    static char line[65536];
    uint8_t chain[32] = {0};
    gzFile in = gzopen(b->data, "rb");
    uint64_t cells = 0;
    if (in == NULL)
        return false;
    while (gzgets(in, line, sizeof line) != NULL) {
        crypto_hash_sha256_state state;
        const char *p = line;
        crypto_hash_sha256_init(&state);
        crypto_hash_sha256_update(&state, chain, sizeof chain);
        while (*p != '\0' && *p != '\n') {
            const char *begin = p;
            bool quoted = false;
            while (*p != '\0' && (quoted || (*p != ',' && *p != '\n')))
                quoted ^= *p++ == '"';
            crypto_hash_sha256_update(&state, (const uint8_t *)begin, (size_t)(p - begin));
            cells++;
            p += *p == ',';
        }
        crypto_hash_sha256_final(&state, chain);
    }
    bench_keep(cells + chain[0]);
    return gzclose(in) == Z_OK;
}

static void add_leaf(bed *b, const uint8_t *leaf, size_t len)
{
    uint8_t text[1024], both[65], hash[32];
    size_t n = (size_t)__builtin_popcountll(b->leaves);
    text[0] = 0;
    memcpy(text + 1, leaf, len);
    crypto_hash_sha256(hash, text, len + 1);
    memcpy(both + 33, hash, 32);
    for (uint64_t size = b->leaves; size & 1; size >>= 1) {
        both[0] = 1;
        memcpy(both + 1, b->edge[--n], 32);
        crypto_hash_sha256(both + 33, both, sizeof both);
    }
    memcpy(b->edge[n], both + 33, 32);
    b->leaves++;
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

static bool prepare_statement(bed *b, statement *s)
{
    if (sqlite3_prepare_v3(b->db, s->sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL) !=
        SQLITE_OK)
        return false;
    for (int i = 1; i <= sqlite3_bind_parameter_count(s->stmt); i++) {
        const int number = atoi(sqlite3_bind_parameter_name(s->stmt, i) + 1);
        if (number < 1 || number >= MOST_PARAMETERS)
            return false;
        s->index[number] = i;
    }
    return true;
}

/* A recorded statement at p: bound, hashed, run. */
static const uint8_t *play(bed *b, const uint8_t *p)
{
    uint32_t index;
    int32_t parameter;
    uint8_t salted[16384], hash[32];
    size_t salted_len = 0;
    memcpy(&index, p, sizeof index);
    p += sizeof index;
    statement *s = &b->statements[index];
    if (s->stmt == NULL && !prepare_statement(b, s))
        return NULL;
    for (;;) {
        memcpy(&parameter, p, sizeof parameter);
        p += sizeof parameter;
        if (parameter == 0)
            break;
        const char kind = (char)*p++;
        uint32_t len;
        int64_t i;
        memcpy(&len, p, sizeof len);
        p += sizeof len;
        const int at = s->index[parameter];
        if (kind == 'i') {
            memcpy(&i, p, sizeof i);
            sqlite3_bind_int64(s->stmt, at, i);
        } else if (kind == 'n') {
            sqlite3_bind_null(s->stmt, at);
        } else if (kind == 't') {
            sqlite3_bind_text(s->stmt, at, (const char *)p, (int)len, SQLITE_STATIC);
        } else {
            sqlite3_bind_blob(s->stmt, at, p, (int)len, SQLITE_STATIC);
        }
        if (s->hash == HASH_LEAF && kind == 'b' && len < 1000)
            add_leaf(b, p, len);
        if (s->hash == HASH_PAYLOAD && (kind == 'b' || kind == 't') &&
            salted_len + len <= sizeof salted) {
            memcpy(salted + salted_len, p, len);
            salted_len += len;
        }
        p += len;
    }
    if (s->hash == HASH_PAYLOAD)
        crypto_hash_sha256(hash, salted, salted_len);
    return run_statement(s) ? p : NULL;
}

static bool run_floor(void *user)
{
    bed *b = user;
    const uint8_t *p = b->ops, *end = b->ops + b->ops_len;
    if (!read_csv(b))
        return false;
    while (p != NULL && p < end)
        p = play(b, p);
    return p != NULL || fail(sqlite3_errmsg(b->db));
}

static void finish_floor(void *user)
{
    bed *b = user;
    for (size_t i = 0; i < b->statement_count; i++) {
        sqlite3_finalize(b->statements[i].stmt);
        b->statements[i].stmt = NULL;
    }
    sqlite3_close(b->db);
    (void)munmap(b->ops, b->ops_len);
    remove_store(b);
}

static uint64_t syncs(void *user)
{
    (void)user;
    return vfs_shim.syncs;
}

int main(int argc, char **argv)
{
    static bed b;
    const char *shared = getenv("GOV_SHARED"), *tmp = getenv("TMPDIR"),
               *rows = getenv("GOV_BENCH_ROWS");
    const char *folder = tmp != NULL ? tmp : "/tmp";
    snprintf(b.dir, sizeof b.dir, "%s/gov-bench-%ld", folder, (long)getpid());
    snprintf(b.store, sizeof b.store, "%s/city.gov", b.dir);
    snprintf(b.start, sizeof b.start, "%s/start.gov", b.dir);
    snprintf(b.trace, sizeof b.trace, "%s/trace", b.dir);
    b.rows = rows != NULL ? atoi(rows) : 0;
    if (sodium_init() < 0 || !vfs_shim_start() ||
        sqlite3_vfs_register(sqlite3_vfs_find(VFS_SHIM), 1) != SQLITE_OK)
        return 1;
    const bool here = shared != NULL && mkdir(b.dir, 0700) == 0 && place_data(&b, shared);
    const bench_case cases[] = {
        {.name = "import: a city's half year, replayed",
         .unit = "us",
         .work = b.rows != 0 ? b.rows : 58251,
         .ours = {prepare_ours, run_ours, finish_ours, syncs, &b},
         .floor = {prepare_floor, run_floor, finish_floor, syncs, &b},
         .floor_name = "bare SQLite"},
    };
    if (!here)
        fprintf(stderr, "bench_import: skipped, GOV_SHARED names no city311\n");
    const int rc = here ? bench_main(argc, argv, cases, 1) : 0;
    static const char *const files[] = {"requests_2011.csv.gz", "precincts_2015.geojson",
                                        "start.gov", "trace"};
    for (size_t i = 0; i < 4; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", b.dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(b.dir);
    return rc;
}
