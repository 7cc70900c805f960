/* Stores as files and servers: versions of the schema, addresses, what may not be written, what is moved, lost or damaged, and backups. */
#include "support/store_things.h"
#include "support/support.h"

#include "store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- schema ---- */

static gov_status try_open(const char *url, uint32_t flags, size_t migrations)
{
    store *s = NULL;
    const store_config config = {.url = url,
                                 .flags = flags,
                                 .busy_ms = -1,
                                 .migrations = both,
                                 .migration_count = migrations};
    forget();
    const gov_status rc = store_open(&base_malloc, &config, &s, &D);
    assert_int_equal(gov_error_status(err), rc);
    assert_true((s != NULL) == (rc == GOV_OK));
    store_close(s);
    return rc;
}

static void test_versions(void **state)
{
    support_store *at = support_store_of(state);
    store *old = open_with(at->url, STORE_CREATE, 1);
    static const store_sql put = {"INSERT INTO gov_test_pair (community, a, b) VALUES (1, 'x', 2)",
                                  0};
    static const store_sql get = {"SELECT c FROM gov_test_pair WHERE community = 1 AND c = 'old'",
                                  0};
    store_rows rows;
    assert_gov_ok(store_begin(old, &D), err);
    assert_gov_ok(store_post(old, &put, STORE_NO_ARGS, 1, &D), err);
    assert_gov_ok(store_commit(old, &D), err);
    assert_int_equal(try_open(at->url, 0, 2), GOV_E_OLDER);
    assert_diag(err, 0, "store_older", -1, -1);
    assert_string_equal(gov_error_argument(err, 0, "room"), "test");
    assert_int_equal(try_open(at->url, STORE_CREATE, 2), GOV_E_OLDER);
    assert_int_equal(try_open(at->url, STORE_UPGRADE, 2), GOV_OK);
    store *s = open_with(at->url, 0, 2);
    assert_gov_ok(store_first(s, &get, STORE_NO_ARGS, &rows, &D), err);
    store_rows_close(&rows);
    assert_int_equal(try_open(at->url, 0, 1), GOV_E_NEWER);
    assert_int_equal(try_open(at->url, STORE_UPGRADE | STORE_CREATE, 1), GOV_E_NEWER);
    forget();
    if (store_kind_of(s) == STORE_SQLITE) {
        assert_int_equal(store_begin(old, &D), GOV_E_STATE);
        assert_diag(err, 0, "store_schema_changed", -1, -1);
        forget();
    }
    store_close(old);
    store_close(s);
}

static void test_meta(void **state)
{
    store *s = fresh(state);
    base_buf b;
    base_buf_init(&b, &base_malloc);
    assert_int_equal(store_meta_get(s, "key", &b, &D), GOV_END);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_meta_put(s, "key", "one", 3, &D), err);
    assert_gov_ok(store_meta_put(s, "key", "t\0o", 3, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov_ok(store_meta_get(s, "key", &b, &D), err);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "t\0o", 3);
    base_buf_free(&b);
    store_close(s);
}

/* ---- files ---- */

static void test_addresses(void **state)
{
    char *dir = support_tmpdir();
    char path[512], url[600];
    (void)state;
    assert_int_equal(try_open("", STORE_CREATE, 2), GOV_E_ARG);
    assert_int_equal(try_open("sqlite:", STORE_CREATE, 2), GOV_E_ARG);
    assert_int_equal(try_open("mysql://x", STORE_CREATE, 2), GOV_E_ARG);
    assert_int_equal(try_open(dir, STORE_CREATE, 2), GOV_E_ARG);
    assert_diag(err, 0, "store_not_a_file", -1, -1);
    support_path(path, dir, "none.gov");
    assert_int_equal(try_open(path, 0, 2), GOV_E_NOT_FOUND);
    assert_int_equal(try_open(path, STORE_READ_ONLY, 2), GOV_E_NOT_FOUND);
    assert_int_equal(access(path, F_OK), -1);
    support_path(path, dir, "no/such/folder.gov");
    assert_int_equal(try_open(path, STORE_CREATE, 2), GOV_E_STORE);
    support_path(path, dir, "a b%20?x=#名.gov");
    snprintf(url, sizeof url, "sqlite:%s", path);
    assert_int_equal(try_open(url, STORE_CREATE, 2), GOV_OK);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(try_open(":memory:", STORE_CREATE, 2), GOV_OK);
    support_rmdir(dir);
    forget();
}

static void put_bytes(const char *path, long at, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    fclose(f);
}

static void test_damaged(void **state)
{
    char path[512], *dir;
    struct stat st;
    (void)state;
    make_file(path, &dir);
    assert_int_equal(try_open(path, 0, 2), GOV_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
    assert_int_equal(try_open(path, 0, 2), GOV_E_CORRUPT);
    assert_int_equal(truncate(path, 50), 0);
    assert_int_equal(try_open(path, 0, 2), GOV_E_CORRUPT);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(try_open(path, 0, 2), GOV_E_CORRUPT);
    support_write(path,
                  "this is no database, but it is long enough to be looked at: "
                  "................................................................",
                  124);
    assert_int_equal(try_open(path, STORE_CREATE, 2), GOV_E_CORRUPT);
    support_rmdir(dir);

    make_file(path, &dir);
    put_bytes(path, 0, "not", 3);
    assert_int_equal(try_open(path, 0, 2), GOV_E_CORRUPT);
    support_rmdir(dir);

    make_file(path, &dir);
    put_bytes(path, 68, "\0\0\0\7", 4); /* the application id */
    assert_int_equal(try_open(path, STORE_CREATE, 2), GOV_E_CORRUPT);
    put_bytes(path, 68, "gov1", 4);
    assert_int_equal(try_open(path, 0, 2), GOV_OK);
    put_bytes(path, 60, "\0\7\0\2", 4); /* user_version: a layout to come */
    assert_int_equal(try_open(path, 0, 2), GOV_E_NEWER);
    support_rmdir(dir);

    make_file(path, &dir);
    for (long at = 4096 * 3; at < 4096 * 9; at += 4096)
        put_bytes(path, at, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    store *s = open_with(path, 0, 2);
    assert_int_equal(store_check(s, &D), GOV_E_CORRUPT);
    forget();
    store_close(s);
    support_rmdir(dir);
    forget();
}

static void test_read_only(void **state)
{
    char path[512], *dir;
    (void)state;
    make_file(path, &dir);
    store *s = open_with(path, STORE_READ_ONLY | STORE_CREATE, 2);
    assert_int_equal(count(s), 500);
    assert_int_equal(store_begin(s, &D), GOV_E_READONLY);
    forget();
    assert_int_equal(add(s, 1000, "x"), GOV_E_READONLY);
    forget();
    assert_true(store_is_read_only(s));
    store_close(s);
    /* Without the right to write. Root has every right, so another user tries. */
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(chmod(path, 0444), 0);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(0);
        store *r = NULL;
        const store_config config = {.url = path, .migrations = both, .migration_count = 2};
        const gov_status rc = store_open(&base_malloc, &config, &r, NULL);
        _exit(rc == GOV_E_READONLY ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    support_rmdir(dir);
}

static gov_status tell(void *user, int64_t done, int64_t all)
{
    int64_t *calls = user;
    (*calls)++;
    assert_in_range(done, 0, (unsigned long)all);
    return *calls < 1000 ? GOV_OK : GOV_E_USER;
}

static void test_backup(void **state)
{
    char path[512], copy[512], *dir;
    int64_t calls = 0;
    (void)state;
    make_file(path, &dir);
    support_path(copy, dir, "copy.gov");
    store *s = open_with(path, 0, 2);
    assert_gov_ok(store_backup(s, copy, tell, &calls, &D), err);
    assert_true(calls >= 1);
    assert_int_equal(store_backup(s, copy, NULL, NULL, &D), GOV_E_EXISTS);
    forget();
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(add(s, 1000, "after"), err);
    assert_int_equal(store_backup(s, "elsewhere", NULL, NULL, &D), GOV_E_STATE);
    forget();
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov_ok(store_checkpoint(s, &D), err);
    store *c = open_with(copy, 0, 2);
    assert_int_equal(count(c), 500);
    assert_int_equal(count(s), 501);
    assert_gov_ok(store_check(c, &D), err);
    store_close(c);
    calls = 5000;
    support_path(copy, dir, "stopped.gov");
    assert_int_equal(store_backup(s, copy, tell, &calls, &D), GOV_E_USER);
    assert_int_equal(access(copy, F_OK), -1);
    forget();
    store_close(s);
    support_rmdir(dir);
}

/* ---- where nothing may be written ---- */

/* What an act finds, done by somebody whom modes concern: root gives up being root. -1: it could not. */
static int as_somebody(int (*act)(const char *url), const char *url)
{
    int status = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        _exit(act(url));
    }
    assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status) == 99 ? -1 : WEXITSTATUS(status);
}

static int read_two(const char *url)
{
    store *s = NULL;
    int64_t n = 0;
    const store_config config = {.url = url,
                                 .flags = STORE_READ_ONLY,
                                 .busy_ms = -1,
                                 .migrations = both,
                                 .migration_count = 2};
    gov_error *why = NULL;
    const diag d = {&base_malloc, &why};
    if (store_open(&base_malloc, &config, &s, &d) != GOV_OK)
        return gov_error_status(why) == GOV_E_READONLY ? 10 : 11;
    const bool read =
        store_begin_read(s, &d) == GOV_OK &&
        store_first_int(s, &count_things, STORE_ARGS(store_i(1)), &n, &d) == GOV_OK && n == 2;
    store_rollback(s);
    const bool refused = store_begin(s, &d) == GOV_E_READONLY;
    store_close(s);
    return read && refused ? 0 : 12;
}

static int write_one(const char *url)
{
    store *s = NULL;
    gov_error *why = NULL;
    const diag d = {&base_malloc, &why};
    const store_config config = {.url = url, .migrations = both, .migration_count = 2};
    return store_open(&base_malloc, &config, &s, &d) == GOV_E_READONLY ? 0 : 1;
}

static void test_only_to_read(void **state)
{
    support_store *at = support_store_of(state);
    char folder[480], url[512], path[512];
    snprintf(folder, sizeof folder, "%s/read only 100%% #1?", at->dir);
    assert_int_equal(mkdir(folder, 0777), 0);
    snprintf(url, sizeof url, "sqlite:%s/s.db", folder);
    store *s = open_with(url, STORE_CREATE, 2);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(add(s, 1, "a"), err);
    assert_gov_ok(add(s, 2, "b"), err);
    assert_gov_ok(store_commit(s, &D), err);
    snprintf(path, sizeof path, "%s/s.db-wal", folder);
    size_t len;
    char *log = support_read(path, &len); /* as a writer leaves it that is killed */
    store_close(s);
    snprintf(path, sizeof path, "%s/s.db", folder);
    assert_int_equal(chmod(at->dir, 0755), 0);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    const int found = as_somebody(read_two, url);
    if (found >= 0) {
        assert_int_equal(found, 0);
        assert_int_equal(as_somebody(write_one, url), 0);
    }
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(path, sizeof path, "%s/s.db-wal", folder);
    support_write(path, log, len);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    if (found >= 0)
        assert_int_equal(as_somebody(read_two, url), 10);
    assert_int_equal(chmod(folder, 0755), 0);
    free(log);
    if (found < 0)
        support_skip("%s", "root cannot be given up here");
}

/* ---- a schema that lost a part ---- */

static void lose(store *s, const char *text, const char *what)
{
    assert_gov_ok(store_check_schema(s, &D), err);
    const store_sql sql = {text, STORE_DYNAMIC};
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_post(s, &sql, STORE_NO_ARGS, STORE_ANY_ROWS, &D), err);
    assert_int_equal(store_check_schema(s, &D), GOV_E_CORRUPT);
    assert_non_null(strstr(gov_error_argument(err, 0, "why"), what));
    forget();
    store_rollback(s);
    assert_gov_ok(store_check_schema(s, &D), err);
}

static void test_lost_parts(void **state)
{
    store *s = fresh(state);
    lose(s, "DROP TABLE gov_test_wide", "gov_test_wide");
    lose(s, "DROP TABLE gov_meta", "gov_meta");
    lose(s, "DROP INDEX gov_test_thing_by_name", "gov_test_thing_by_name");
    lose(s, "ALTER TABLE gov_test_pair DROP COLUMN c", "gov_test_pair.c");
    const store_sql drop = {"DROP TABLE gov_test_thing", STORE_DYNAMIC};
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_post(s, &drop, STORE_NO_ARGS, STORE_ANY_ROWS, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    int64_t n;
    assert_int_equal(store_first_int(s, &count_things, STORE_ARGS(store_i(1)), &n, &D),
                     GOV_E_CORRUPT);
    forget();
    store_close(s);
}

/* ---- a lost server ---- */

static void test_lost_server(void **state)
{
    support_store *at = support_store_of(state);
    static const store_sql own = {"SELECT pg_backend_pid()", 0};
    static const store_sql kill_it = {
        "SELECT CASE WHEN pg_terminate_backend(CAST($1 AS int), 5000) THEN 1 ELSE 0 END", 0};
    int64_t pid = 0, done = 0;
    store *s = fresh(state), *other = open_with(at->url, 0, 2);
    if (store_kind_of(s) == STORE_POSTGRES) {
        assert_gov_ok(store_begin(s, &D), err);
        assert_gov_ok(add(s, 1, "a"), err);
        assert_gov_ok(store_first_int(s, &own, STORE_NO_ARGS, &pid, &D), err);
        assert_gov_ok(add(s, 2, "b"), err);
        assert_gov_ok(store_first_int(other, &kill_it, STORE_ARGS(store_i(pid)), &done, &D), err);
        assert_int_equal(done, 1);
        const gov_status rc = store_commit(s, &D);
        assert_true(rc == GOV_E_STORE || rc == GOV_E_UNKNOWN_OUTCOME);
        assert_int_equal(gov_error_status(err), rc);
        forget();
        assert_false(store_in_transaction(s));
        assert_int_not_equal(store_first_int(s, &own, STORE_NO_ARGS, &pid, &D), GOV_OK);
        forget();
        assert_int_equal(count(other), 0);
        /* the next transaction has a connection of its own, which knows none of the statements */
        for (int i = 3; i < 5; i++) {
            assert_gov_ok(store_begin(s, &D), err);
            assert_gov_ok(add(s, i, i == 3 ? "c" : "d"), err);
            assert_gov_ok(store_commit(s, &D), err);
        }
        assert_int_equal(count(other), 2);
        assert_int_equal(count(s), 2);
        /* the cause is told however often it is asked */
        assert_gov_ok(store_begin(s, &D), err);
        assert_gov_ok(store_first_int(s, &own, STORE_NO_ARGS, &pid, &D), err);
        assert_gov_ok(store_first_int(other, &kill_it, STORE_ARGS(store_i(pid)), &done, &D), err);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(store_first_int(s, &own, STORE_NO_ARGS, &pid, &D), GOV_E_STORE);
            assert_diag(err, 0, "store_gone", -1, -1);
            forget();
        }
        assert_int_equal(store_commit(s, &D), GOV_E_STORE);
        assert_diag(err, 0, "store_gone", -1, -1);
        forget();
    }
    store_close(s);
    store_close(other);
}

/* ---- a file that is moved under an open store ---- */

static void test_moved_file(void **state)
{
    support_store *at = support_store_of(state);
    store *s = fresh(state);
    if (store_kind_of(s) == STORE_SQLITE) {
        const char *path = at->url + (strncmp(at->url, "sqlite:", 7) == 0 ? 7 : 0);
        char away[600], cwd[512];
        snprintf(away, sizeof away, "%s.away", path);
        assert_int_equal(rename(path, away), 0);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(store_begin(s, &D), GOV_E_STORE);
            assert_diag(err, 0, "store_moved", -1, -1);
            forget();
            assert_false(store_in_transaction(s));
            support_write(path, "", 0); /* replaced by another one */
        }
        assert_int_equal(rename(away, path), 0); /* back again */
        assert_gov_ok(store_begin(s, &D), err);
        assert_gov_ok(add(s, 1, "a"), err);
        assert_gov_ok(store_commit(s, &D), err);
        assert_non_null(getcwd(cwd, sizeof cwd));
        assert_int_equal(chdir("/"), 0); /* a process that goes elsewhere moves nothing */
        assert_gov_ok(store_begin(s, &D), err);
        assert_gov_ok(store_commit(s, &D), err);
        assert_int_equal(chdir(cwd), 0);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(store_begin(s, &D), GOV_E_STORE);
        forget();
    }
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(test_versions),
        STORE_TESTS(test_meta),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_backup),
        STORE_TESTS(test_lost_server),
        STORE_TESTS(test_moved_file),
        STORE_TEST(test_only_to_read, "sqlite"),
        STORE_TESTS(test_lost_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
