/* Steps of cases at synchronous=FULL, one in a transaction of its own and 500 in one, and opening a community of a hundred
 * workflows, each beside bare SQLite that runs the same statements with the same values and hashes (common/replay.h). The public
 * locate call beside the index alone. */
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

#include "registry/registry.h"

#include <gov.h>

static const char *const community_header = "rulebook: bench\nversion: '1'\ntime_zone: Asia/Shanghai\nlanguages: [zh, en]\n"
                                            "roles:\n  dispatcher: {}\n  handler: {scope: unit}\n"
                                            "permissions: {case.open: [dispatcher], case.read: [dispatcher, handler]}\n";
/* A complaint as communities have it: a dozen fields, two clocks with marks, timers, an assignment, a notice. */
static const char *const workflow =
    "---\n"
    "workflow: complaint%s\n"
    "fields:\n"
    "  category: {type: string, one_of: [noise, leak, parking], required: true, indexed: true}\n"
    "  description: {type: string, max_length: 2000}\n"
    "  address: {type: string}\n"
    "  phone: {type: string}\n"
    "  urgency: {type: int, min: 1, max: 4, default: 3}\n"
    "  place: {type: point}\n"
    "  returns: {type: int, default: 0}\n"
    "  rework: {type: int, default: 0}\n"
    "  late: {type: bool, default: false, indexed: true}\n"
    "events:\n"
    "  dispatch: {by: [dispatcher], input: {unit: {type: unit, required: true}, note: {type: string}}}\n"
    "  return: {by: [handler], input: {reason: {type: string, required: true}}}\n"
    "  finish: {by: [handler], input: {answer: {type: string, required: true}}}\n"
    "  extend: {by: [dispatcher]}\n"
    "clocks:\n"
    "  response: {starts: [received], stops: [handling], budget: 2 hours, marks: {100%%: slow}}\n"
    "  resolution:\n"
    "    starts: [dispatch]\n"
    "    stops: [closed]\n"
    "    budget: [{when: case.urgency == 1, is: 2 hours}, {is: 5 days}]\n"
    "    marks: {80%%: remind, 100%%: overdue}\n"
    "    extend: {event: extend, amount: P2D, times: 1}\n"
    "states:\n"
    "  received:\n"
    "    on:\n"
    "      dispatch:\n"
    "        to: handling\n"
    "        do:\n"
    "          - assign: {unit: event.data.unit}\n"
    "          - notify: {to: event.data.unit, template: assigned}\n"
    "      slow: {do: [{set: {late: true}}]}\n"
    "    after: {delay: 3 days, to: closed}\n"
    "  handling:\n"
    "    on:\n"
    "      remind: {do: [{notify: {to: case.unit, template: assigned}}]}\n"
    "      overdue: {do: [{set: {late: true}}]}\n"
    "      extend: {do: [{log: extended}]}\n"
    "      return: {when: case.returns < 2, to: received, do: [{set: {returns: case.returns + 1}}]}\n"
    "      finish: closed\n"
    "  closed: {type: final, outcome: done}\n";
static const char *const template_text = "---\ntemplate: assigned\ntext: {zh: 有一件新工单}\n";

enum { WARM = 3 };

typedef struct bed {
    char dir[256], store[300], start[300], rulebook[300];
    int steps, group; /* group 0: each in a transaction of its own */
    int workflows;
    bool made, recorded;
    replay *replay;
    gov *g;
    int64_t *ids;
    gov_value *data;
} bed;

#define NOW_US INT64_C(1772413200000000)

/* ---- the start: a community with its cases opened ---- */

static bool write_rules(const bed *b)
{
    FILE *f = fopen(b->rulebook, "w");
    if (f == NULL)
        return false;
    fputs(community_header, f);
    for (int i = 0; i < b->workflows; i++) {
        char name[16] = "";
        if (i > 0)
            snprintf(name, sizeof name, "_%d", i);
        fprintf(f, workflow, name);
    }
    fputs(template_text, f);
    return fclose(f) == 0;
}

static bool open_community(bed *b)
{
    gov_error *err = NULL;
    return told(gov_open(b->store, NULL, &b->g, &err), &err) && told(gov_act_as_host(b->g, "bench", &err), &err) &&
           told(gov_set_now(b->g, NOW_US, &err), &err);
}

static bool open_cases(bed *b)
{
    gov_error *err = NULL;
    gov_value *unit = gov_value_new_map(NULL), *fields = gov_value_new_map(NULL);
    (void)gov_value_set_string(unit, "name", "物业服务中心");
    (void)gov_value_set_string(fields, "category", "noise");
    (void)gov_value_set_string(fields, "description", "楼上半夜装修，噪音很大，孩子和老人都睡不好，请尽快处理。");
    (void)gov_value_set_string(fields, "address", "幸福路1号3幢2单元501室");
    (void)gov_value_set_string(fields, "phone", "13800001234");
    bool fine = told(gov_record_put(b->g, "unit", "U1", unit, NULL, &err), &err) && told(gov_begin(b->g, &err), &err);
    b->ids = calloc((size_t)b->steps + WARM, sizeof *b->ids);
    for (int i = 0; i < b->steps + WARM && fine; i++)
        fine = told(gov_case_open(b->g, "complaint", fields, NULL, &b->ids[i], &err), &err);
    gov_value_free(unit);
    gov_value_free(fields);
    return fine && told(gov_commit(b->g, &err), &err);
}

static bool make_start(bed *b)
{
    if (b->made)
        return true;
    bool fine = write_rules(b) && make_community(b->store, b->rulebook);
    if (fine && b->steps > 0)
        fine = open_community(b) && open_cases(b);
    gov_free(b->g);
    b->g = NULL;
    b->data = gov_value_new_map(NULL);
    (void)gov_value_set_string(b->data, "unit", "U1");
    (void)gov_value_set_string(b->data, "note", "请在两小时内联系");
    b->made = fine && copy_file(b->store, b->start);
    return b->made;
}

/* ---- steps ---- */

static bool step(bed *b, int i)
{
    gov_error *err = NULL;
    return told(gov_case_send(b->g, b->ids[i], "dispatch", b->data, NULL, &err), &err);
}

static bool run_steps(void *user)
{
    bed *b = user;
    gov_error *err = NULL;
    bool fine = true;
    for (int i = 0; i < b->steps && fine; i++) {
        if (b->group > 0 && i % b->group == 0)
            fine = told(gov_begin(b->g, &err), &err);
        fine = fine && step(b, WARM + i);
        if (b->group > 0 && (i % b->group == b->group - 1 || i == b->steps - 1))
            fine = fine && told(gov_commit(b->g, &err), &err);
    }
    return fine;
}

/* Workflow compiled, statements prepared, as in a process that has run for a while. */
static bool warm_up(bed *b)
{
    for (int i = 0; i < WARM; i++)
        if (!step(b, i))
            return false;
    return true;
}

static void close_ours(void *user)
{
    bed *b = user;
    gov_free(b->g);
    b->g = NULL;
    remove_store(b->store);
}

static bool record_steps(bed *b)
{
    if (b->recorded)
        return true;
    if (!make_start(b) || !copy_file(b->start, b->store) || !replay_watch(b->replay))
        return false;
    bool fine = open_community(b) && warm_up(b);
    replay_on(b->replay, true);
    fine = fine && run_steps(b);
    close_ours(b);
    b->recorded = replay_stop(b->replay) && fine;
    return b->recorded;
}

static bool prepare_ours(void *user)
{
    bed *b = user;
    return record_steps(b) && copy_file(b->start, b->store) && open_community(b) && warm_up(b) && vfs_shim_start();
}

/* The floor has to start from where the recorded steps did: after the warming up. */
static bool prepare_floor(void *user)
{
    bed *b = user;
    if (!record_steps(b) || !copy_file(b->start, b->store) || !open_community(b) || !warm_up(b))
        return false;
    gov_free(b->g);
    b->g = NULL;
    return replay_open(b->replay, b->store, true) && vfs_shim_start();
}

static bool run_floor(void *user)
{
    return replay_run(((bed *)user)->replay);
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

/* ---- opening ---- */

static bool prepare_opening(void *user)
{
    bed *b = user;
    return make_start(b) && copy_file(b->start, b->store) && vfs_shim_start();
}

static bool run_opening(void *user)
{
    return open_community(user);
}

/* Bare SQLite with our settings, and the rows that opening reads: schema, community, rules. */
static bool floor_opening(void *user)
{
    static const char *const reads[] = {"PRAGMA cache_size = -32768; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON",
                                        "SELECT * FROM gov_schema", "SELECT * FROM gov_community", "SELECT * FROM gov_rules"};
    const bed *b = user;
    sqlite3 *db = NULL;
    uint64_t sum = 0;
    if (sqlite3_open_v2(b->store, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return false;
    bool fine = sqlite3_exec(db, reads[0], NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 1; i < 4 && fine; i++) {
        sqlite3_stmt *stmt = NULL;
        fine = sqlite3_prepare_v2(db, reads[i], -1, &stmt, NULL) == SQLITE_OK;
        while (fine && sqlite3_step(stmt) == SQLITE_ROW)
            for (int k = 0; k < sqlite3_column_count(stmt); k++)
                sum += (uint64_t)sqlite3_column_bytes(stmt, k);
        sqlite3_finalize(stmt);
    }
    bench_keep(sum);
    sqlite3_close(db);
    return fine;
}

static void remove_only(void *user)
{
    remove_store(((bed *)user)->store);
}

/* ---- points to grids through the public call ---- */

enum { SIDE = 16, POINTS = 1000000 };
static gov_point points[POINTS];
static int64_t found[POINTS];

static bool prepare_locating(void *user)
{
    bed *b = user;
    gov_error *err = NULL;
    if (b->g != NULL)
        return true;
    if (!make_start(b) || !copy_file(b->start, b->store) || !open_community(b) || !told(gov_begin(b->g, &err), &err))
        return false;
    for (int i = 0; i < SIDE * SIDE; i++) {
        char json[400], key[16];
        const double x = 120 + 0.01 * (i % SIDE), y = 30 + 0.01 * (i / SIDE), e = 0.01;
        gov_value *v = NULL;
        snprintf(key, sizeof key, "g%d", i);
        snprintf(json, sizeof json,
                 "{\"name\":\"%s\",\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[%.4f,%.4f],[%.4f,%.4f],[%.4f,%.4f],[%.4f,"
                 "%.4f],[%.4f,%.4f]]]}}",
                 key, x, y, x + e, y, x + e, y + e, x, y + e, x, y);
        if (gov_value_from_json(NULL, json, strlen(json), &v, &err) != GOV_OK ||
            !told(gov_record_put(b->g, "grid", key, v, NULL, &err), &err))
            return false;
        gov_value_free(v);
    }
    uint64_t seed = 88172645463325252U;
    for (int i = 0; i < POINTS; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        points[i] = (gov_point){300000000 + (int64_t)(seed >> 33) % 1600000, 1200000000 + (int64_t)(seed >> 11) % 1600000};
    }
    return told(gov_commit(b->g, &err), &err) && told(gov_locate(b->g, points, 1, found, &err), &err);
}

static bool run_locating(void *user)
{
    bed *b = user;
    gov_error *err = NULL;
    return told(gov_locate(b->g, points, POINTS, found, &err), &err);
}

static bool floor_locating(void *user)
{
    bed *b = user;
    return registry_locate(b->g, (const geo_point *)(const void *)points, POINTS, found, NULL) == GOV_OK;
}

/* ---- */

static void place(bed *b, const char *name)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(b->dir, sizeof b->dir, "%s/gov-bench-%s-%ld", tmp != NULL ? tmp : "/tmp", name, (long)getpid());
    (void)mkdir(b->dir, 0700);
    snprintf(b->store, sizeof b->store, "%s/store.gov", b->dir);
    snprintf(b->start, sizeof b->start, "%s/start.gov", b->dir);
    snprintf(b->rulebook, sizeof b->rulebook, "%s/rulebook.yaml", b->dir);
    char trace[300];
    snprintf(trace, sizeof trace, "%s/trace", b->dir);
    b->replay = replay_new(trace);
}

static void tidy(bed *b)
{
    gov_free(b->g);
    gov_value_free(b->data);
    free(b->ids);
    replay_free(b->replay);
    remove_store(b->store);
    (void)unlink(b->start);
    (void)unlink(b->rulebook);
    (void)rmdir(b->dir);
}

int main(int argc, char **argv)
{
    static bed single = {.steps = 300, .workflows = 1}, grouped = {.steps = 5000, .group = 500, .workflows = 1},
               opening = {.workflows = 100}, locating = {.workflows = 1};
    bed *const beds[] = {&single, &grouped, &opening, &locating};
    static const char *const names[] = {"single", "grouped", "opening", "locating"};
    if (sodium_init() < 0 || !vfs_shim_start() || sqlite3_vfs_register(sqlite3_vfs_find(VFS_SHIM), 1) != SQLITE_OK)
        return 1;
    for (size_t i = 0; i < 4; i++)
        place(beds[i], names[i]);
    const bench_case cases[] = {
        {.name = "case: a step in a transaction",
         .unit = "us",
         .work = 300,
         .ours = {prepare_ours, run_steps, close_ours, syncs, &single},
         .floor = {prepare_floor, run_floor, finish_floor, syncs, &single},
         .floor_name = "bare SQLite"},
        {.name = "case: steps, 500 in a transaction",
         .unit = "us",
         .work = 5000,
         .ours = {prepare_ours, run_steps, close_ours, syncs, &grouped},
         .floor = {prepare_floor, run_floor, finish_floor, syncs, &grouped},
         .floor_name = "bare SQLite"},
        {.name = "case: opening 100 workflows",
         .unit = "ms",
         .work = 1,
         .ours = {prepare_opening, run_opening, close_ours, NULL, &opening},
         .floor = {prepare_opening, floor_opening, remove_only, NULL, &opening},
         .floor_name = "bare SQLite"},
        {.name = "locate: a million points",
         .unit = "points/s",
         .work = POINTS,
         .ours = {prepare_locating, run_locating, NULL, NULL, &locating},
         .floor = {prepare_locating, floor_locating, NULL, NULL, &locating},
         .floor_name = "the index alone"},
    };
    const int rc = bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
    for (size_t i = 0; i < 4; i++)
        tidy(beds[i]);
    return rc;
}
