/* A store on a disk that is full or broken, and without memory: an error, and all as before. */
#include "support/faulty.h"
#include "support/store_things.h"
#include "support/support.h"
#include "support/vfs_shim.h"

#include "store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- a failing disk ---- */

static gov_status write_some(const char *path, int64_t from, const diag *d)
{
    store *s = NULL;
    const store_config config = {.url = path,
                                 .vfs = VFS_SHIM,
                                 .busy_ms = -1,
                                 .cache_kib = 40,
                                 .migrations = both,
                                 .migration_count = 2};
    gov_status rc = store_open(&base_malloc, &config, &s, d);
    if (rc != GOV_OK)
        return rc;
    rc = store_begin(s, d);
    for (int64_t i = from; i < from + 60 && rc == GOV_OK; i++) {
        char name[600];
        snprintf(name, sizeof name, "%d %0500d", (int)i, 7);
        rc = store_post(s, &insert_thing,
                        STORE_ARGS(store_i(1), store_i(i), store_i(1), store_s(name),
                                   store_n(STORE_BYTES), store_flag(false)),
                        1, d);
    }
    if (rc == GOV_OK)
        rc = store_commit(s, d);
    store_close(s);
    return rc;
}

/* Each write and sync fails in turn, once or from there on: a clear status, and all of the transaction or nothing. */
static void failing_disk(int code, bool forever, gov_status status)
{
    char path[512], *dir;
    make_file(path, &dir);
    assert_true(vfs_shim_start());
    int64_t have = 500;
    for (long n = 0;; n++) {
        forget();
        assert_true(vfs_shim_start());
        vfs_shim.code = code;
        vfs_shim.countdown = n;
        vfs_shim.forever = forever;
        const gov_status rc = write_some(path, 1000 + 100 * n, &D);
        const long hits = vfs_shim.hits;
        vfs_shim.countdown = -1;
        if (rc != GOV_OK) {
            assert_int_equal(rc, status);
            assert_int_equal(gov_error_status(err), status);
        }
        store *s = open_with(path, 0, 2);
        const int64_t now = count(s);
        assert_gov_ok(store_check(s, &D), err);
        store_close(s);
        if (rc == GOV_OK)
            assert_int_equal(now, have + 60);
        else
            assert_true(now == have || now == have + 60); /* a failed sync leaves open which */
        have = now;
        if (hits == 0)
            break;
    }
    assert_true(have > 500);
    support_rmdir(dir);
    forget();
}

/* A store that could not be made leaves no file that looks like a damaged one. */
static void test_full_disk_from_the_start(void **state)
{
    char path[512], *dir;
    (void)state;
    make_file(path, &dir);
    const store_config config = {.url = path,
                                 .flags = STORE_CREATE,
                                 .vfs = VFS_SHIM,
                                 .busy_ms = -1,
                                 .migrations = both,
                                 .migration_count = 2};
    for (long n = 0;; n++) {
        store *s = NULL;
        forget();
        (void)unlink(path);
        assert_true(vfs_shim_start());
        vfs_shim.code = SQLITE_FULL;
        vfs_shim.countdown = n;
        vfs_shim.forever = true;
        const gov_status rc = store_open(&base_malloc, &config, &s, &D);
        vfs_shim.countdown = -1;
        store_close(s);
        if (rc == GOV_OK)
            break;
        assert_int_equal(rc, GOV_E_FULL);
        assert_int_equal(access(path, F_OK), -1);
    }
    support_rmdir(dir);
    forget();
}

static void test_full_disk(void **state)
{
    (void)state;
    failing_disk(SQLITE_FULL, false, GOV_E_FULL);
    failing_disk(SQLITE_FULL, true, GOV_E_FULL);
}

static gov_status add_long(store *s, int64_t id)
{
    static char text[100001];
    memset(text, 'x', sizeof text - 1);
    snprintf(text, 20, "%d", (int)id);
    gov_status rc = store_begin(s, &D);
    if (rc == GOV_OK)
        rc = add(s, id, text);
    if (rc == GOV_OK)
        rc = store_commit(s, &D);
    store_rollback(s);
    return rc;
}

/* A quota or a limit on the size of files is as good as a full disk, wherever in a page it strikes. */
static void test_limited_file(void **state)
{
    support_store *at = support_store_of(state);
    struct rlimit was;
    store *s = fresh(state);
    assert_gov_ok(add_long(s, 1), err);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    for (rlim_t more = 0; more < 4096; more += 1000) {
        const struct rlimit less = {500000 + more, was.rlim_max};
        gov_status rc = GOV_OK;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
        for (int64_t id = 2; rc == GOV_OK && id < 100; id++)
            rc = add_long(s, id);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(rc, GOV_E_FULL);
        assert_diag(err, 0, "store_full", -1, -1);
        store_close(s);
        s = open_with(at->url, 0, 2);
        static const store_sql drop = {"DELETE FROM gov_test_thing WHERE community = 1 AND id > 1",
                                       0};
        assert_gov_ok(store_begin(s, &D), err);
        assert_gov_ok(store_post(s, &drop, STORE_NO_ARGS, STORE_ANY_ROWS, &D), err);
        assert_gov_ok(store_commit(s, &D), err);
    }
    (void)signal(SIGXFSZ, before);
    assert_int_equal(count(s), 1);
    store_close(s);
}

/* ---- a schema that lost a part ---- */

static void test_broken_disk(void **state)
{
    (void)state;
    failing_disk(SQLITE_IOERR_WRITE, false, GOV_E_STORE);
    failing_disk(SQLITE_IOERR_FSYNC, true, GOV_E_STORE);
}

/* ---- memory ---- */

static gov_status oom_body(void *user, const diag *d)
{
    store *s = user;
    store_rows rows;
    int64_t id;
    static const store_insert shape = {&pair_table, "community, a, b"};
    static const store_change change = {&pair_table, "community, a", "b+"};
    const int64_t ones[] = {1, 1};
    const store_span names[] = {{"x", 1}, {"y", 1}};
    const store_array arrays[] = {{.ints = ones, .same = true}, {.spans = names}, {.ints = ones}};
    gov_status rc = store_new_id(s, REAL_MS, &id, d);
    if (rc == GOV_OK)
        rc = store_post(s, &insert_thing,
                        STORE_ARGS(store_i(1), store_i(1), store_i(1), store_s("n"),
                                   store_b("b", 1), store_flag(true)),
                        1, d);
    if (rc == GOV_OK)
        rc = store_bulk(s, &shape, arrays, 2, d);
    if (rc == GOV_OK)
        rc = store_many(s, &change, arrays, 2, d);
    if (rc == GOV_OK)
        rc = store_query(s, &count_things, STORE_ARGS(store_i(1)), &rows, d);
    if (rc == GOV_OK) {
        rc = store_next(&rows, d);
        store_rows_close(&rows);
    }
    return rc;
}

static gov_status oom_scenario_run(const gov_allocator *alloc, void *user)
{
    store *s = NULL;
    gov_error *e = NULL;
    const gov_allocator *a = alloc != NULL ? alloc : &base_malloc;
    const diag d = {a, &e};
    const store_config config = {.url = user,
                                 .flags = STORE_CREATE,
                                 .migrations = both,
                                 .migration_count = 2};
    gov_status rc = store_open(a, &config, &s, &d);
    if (rc == GOV_OK)
        rc = store_run(s, oom_body, s, &d);
    store_close(s);
    gov_error_free(e);
    return rc;
}

static void test_oom(void **state)
{
    (void)state;
    oom_loop(oom_scenario_run, ":memory:");
}

static void test_oom_malloc(void **state)
{
    (void)state;
    oom_loop_malloc(oom_scenario_run, ":memory:", OOM_KEEPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_full_disk_from_the_start),
        STORE_TEST(test_limited_file, "sqlite"),
        cmocka_unit_test(test_broken_disk),
        cmocka_unit_test(test_oom),
        cmocka_unit_test(test_oom_malloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
