/* The import and replay of the city's half year beside bare SQLite.
 *
 * The floor runs every statement that our import ran (see common/replay.h). It also reads the CSV, splits its rows, and
 * computes their hashes. What it leaves out is what a library does: rules, clocks, checks, JSON, maps, permissions.
 */
#include "bench/common/bench.h"
#include "bench/common/files.h"
#include "bench/common/replay.h"
#include "bench/common/syncs.h"

#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <gov.h>

typedef struct bed {
    char dir[256], store[300], start[300], trace[300], data[300];
    int rows; /* of the export; 0: all */
    bool recorded;
    gov *g;
    replay *replay;
} bed;

/* ---- files ---- */

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
    remove_store(b->store);
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
    remove_store(b->store);
}

/* ---- recording ---- */

static bool record_import(bed *b)
{
    if (b->recorded)
        return true;
    if (!make_start(b) || !replay_watch(b->replay))
        return false;
    replay_on(b->replay, true);
    const bool fine = open_ours(b) && run_ours(b);
    finish_ours(b);
    b->recorded = replay_stop(b->replay) && fine;
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
    return record_import(b) && copy_file(b->start, b->store) && replay_open(b->replay, b->store, false) && vfs_shim_start();
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

static bool run_floor(void *user)
{
    bed *b = user;
    return read_csv(b) && replay_run(b->replay);
}

static void finish_floor(void *user)
{
    bed *b = user;
    replay_close(b->replay);
    remove_store(b->store);
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
    b.replay = replay_new(b.trace);
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
                                        "start.gov"};
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", b.dir, files[i]);
        (void)unlink(path);
    }
    replay_free(b.replay);
    (void)rmdir(b.dir);
    return rc;
}
