/* A tick that fires a thousand timers: of a thousand that are pending, and of a million. What it costs is what is due, beside bare SQLite
 * that runs the same statements. All in one transaction, so that no sync is measured. */
#include "bench/common/bench.h"
#include "bench/common/files.h"
#include "bench/common/replay.h"

#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gov.h>

enum { DUE = 1000 };
#define NOW_US  INT64_C(1772413200000000)
#define HOUR_US INT64_C(3600000000)

static const char rules[] = "rulebook: bench\nversion: '1'\ntime_zone: Asia/Shanghai\nlanguages: [en]\n"
                            "---\n"
                            "workflow: job\n"
                            "fields: {note: {type: string}, told: {type: int, default: 0}}\n"
                            "events: {go: {}}\n"
                            "states:\n"
                            "  waiting:\n"
                            "    on: {go: over}\n"
                            "    after: {delay: 1 hour, do: [{set: {told: case.told + 1}}]}\n"
                            "  over: {type: final}\n";

typedef struct bed {
    char dir[256], store[300], start[300], rulebook[300];
    int64_t pending; /* beside those that are due */
    bool made, recorded;
    replay *replay;
    gov *g;
} bed;

/* ---- the start ---- */

static bool open_community(bed *b, int64_t now)
{
    gov_error *err = NULL;
    return told(gov_open(b->store, NULL, &b->g, &err), &err) && told(gov_act_as_host(b->g, "bench", &err), &err) &&
           told(gov_set_now(b->g, now, &err), &err);
}

static bool write_rules(const bed *b)
{
    FILE *f = fopen(b->rulebook, "w");
    if (f == NULL)
        return false;
    fputs(rules, f);
    return fclose(f) == 0;
}

static bool open_cases(bed *b)
{
    gov_error *err = NULL;
    bool fine = told(gov_begin(b->g, &err), &err);
    for (int i = 0; i < DUE && fine; i++)
        fine = told(gov_case_open(b->g, "job", NULL, NULL, NULL, &err), &err);
    return fine && told(gov_commit(b->g, &err), &err);
}

/* As many timers of the first case, a year ahead. */
static bool add_pending(const bed *b)
{
    char sql[600];
    sqlite3 *db = NULL;
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lld) "
             "INSERT INTO gov_case_timer (community, case_id, name, id, kind, due_us, event, attempts, parked, provisional, roll) "
             "SELECT c.community, c.id, 's:later' || n.i, c.id + 1000000 + n.i, 3, %lld + n.i * 1000003 %% 86400000000, 'go', 0, 0, 0, 0 "
             "FROM n, (SELECT community, min(id) AS id FROM gov_case GROUP BY community) c; PRAGMA wal_checkpoint(TRUNCATE)",
             (long long)b->pending, (long long)(NOW_US + 365 * 24 * HOUR_US));
    bool fine = sqlite3_open_v2(b->store, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK;
    fine = fine && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(db);
    return fine;
}

static bool make_start(bed *b)
{
    if (b->made)
        return true;
    bool fine = write_rules(b) && make_community(b->store, b->rulebook);
    fine = fine && open_community(b, NOW_US) && open_cases(b);
    gov_free(b->g);
    b->g = NULL;
    b->made = fine && (b->pending == 0 || add_pending(b)) && copy_file(b->store, b->start);
    return b->made;
}

/* ---- ticking ---- */

static bool run_tick(void *user)
{
    bed *b = user;
    gov_error *err = NULL;
    gov_tick_result r = {.size = sizeof r};
    return told(gov_begin(b->g, &err), &err) && told(gov_tick(b->g, 0, &r, &err), &err) && told(gov_commit(b->g, &err), &err) &&
           r.fired == DUE && r.failed + r.parked == 0;
}

static void close_ours(void *user)
{
    bed *b = user;
    gov_free(b->g);
    b->g = NULL;
    remove_store(b->store);
}

static bool record(bed *b)
{
    if (b->recorded)
        return true;
    if (!make_start(b) || !copy_file(b->start, b->store) || !replay_watch(b->replay))
        return false;
    bool fine = open_community(b, NOW_US + HOUR_US);
    replay_on(b->replay, true);
    fine = fine && run_tick(b);
    close_ours(b);
    b->recorded = replay_stop(b->replay) && fine;
    return b->recorded;
}

static bool prepare_ours(void *user)
{
    bed *b = user;
    return record(b) && copy_file(b->start, b->store) && open_community(b, NOW_US + HOUR_US);
}

static bool prepare_floor(void *user)
{
    bed *b = user;
    return record(b) && copy_file(b->start, b->store) && replay_open(b->replay, b->store, true);
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

static void place(bed *b, const char *name)
{
    const char *tmp = getenv("TMPDIR");
    char trace[300];
    snprintf(b->dir, sizeof b->dir, "%s/gov-bench-tick-%s-%ld", tmp != NULL ? tmp : "/tmp", name, (long)getpid());
    (void)mkdir(b->dir, 0700);
    snprintf(b->store, sizeof b->store, "%s/store.gov", b->dir);
    snprintf(b->start, sizeof b->start, "%s/start.gov", b->dir);
    snprintf(b->rulebook, sizeof b->rulebook, "%s/rulebook.yaml", b->dir);
    snprintf(trace, sizeof trace, "%s/trace", b->dir);
    b->replay = replay_new(trace);
}

static void tidy(bed *b)
{
    gov_free(b->g);
    replay_free(b->replay);
    remove_store(b->store);
    (void)unlink(b->start);
    (void)unlink(b->rulebook);
    (void)rmdir(b->dir);
}

int main(int argc, char **argv)
{
    static bed few = {.pending = 0}, many = {.pending = 1000000};
    if (sodium_init() < 0)
        return 1;
    place(&few, "few");
    place(&many, "many");
    const bench_case cases[] = {
        {.name = "tick: 1000 due, nothing else pending",
         .unit = "us",
         .work = DUE,
         .ours = {prepare_ours, run_tick, close_ours, NULL, &few},
         .floor = {prepare_floor, run_floor, finish_floor, NULL, &few},
         .floor_name = "bare SQLite"},
        {.name = "tick: 1000 due of a million pending",
         .unit = "us",
         .work = DUE,
         .ours = {prepare_ours, run_tick, close_ours, NULL, &many},
         .floor = {prepare_floor, run_floor, finish_floor, NULL, &many},
         .floor_name = "bare SQLite"},
    };
    const int rc = bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
    tidy(&few);
    tidy(&many);
    return rc;
}
