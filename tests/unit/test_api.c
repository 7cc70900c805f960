/* Opening, upgrading, proving, misusing: what a host sees when a store, a file or its own program is not as it should be. */
#include "support/api_file.h"
#include "support/community.h"
#include "support/faulty.h"
#include "support/oom_malloc.h"
#include "support/vfs_shim.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- helpers ---- */

static gov_options options_of(uint32_t flags)
{
    gov_options o;
    gov_options_init(&o, sizeof o);
    o.flags = flags;
    o.busy_timeout_ms = 50;
    return o;
}

/* Opening must fail so, with one diagnostic that says it in both languages. */
static void opening_fails(const char *url, uint32_t flags, gov_status want)
{
    gov_options o = options_of(flags);
    gov_error *err = NULL;
    gov *g = NULL;
    gov_store *store = NULL;
    assert_gov(want, gov_store_open(url, &o, &store, &err), err);
    assert_null(store);
    assert_int_equal(gov_error_count(err), 1);
    assert_true(strlen(gov_error_message(err, 0, "en")) > 10);
    assert_true(strlen(gov_error_message(err, 0, "zh")) > 10);
    assert_string_not_equal(gov_error_message(err, 0, "zh"), gov_error_message(err, 0, "en"));
    gov_error_free(err);
    TRY(gov_open(url, &o, &g, &e), want);
    assert_null(g);
}

/* ---- opening ---- */

static void what_is_not_there_is_not_made(void **state)
{
    support_store *s = support_store_of(state);
    char path[512], inner[512];
    opening_fails(s->url, 0, GOV_E_NOT_FOUND);
    assert_false(exists(file_of(s)));
    opening_fails(s->url, GOV_OPEN_READONLY, GOV_E_NOT_FOUND);
    assert_false(exists(file_of(s)));
    TRY(gov_store_upgrade(s->url, NULL, NULL, NULL, &e), GOV_E_NOT_FOUND);
    assert_false(exists(file_of(s)));
    (void)snprintf(path, sizeof path, "%.300s/none", s->dir);
    support_path(inner, path, "x.db");
    gov_options o = options_of(GOV_OPEN_CREATE);
    gov_store *store = NULL;
    gov_error *err = NULL;
    assert_true(gov_store_open(inner, &o, &store, &err) >= GOV_E_NOT_FOUND); /* no folder */
    gov_error_free(err);
    err = NULL;
    gov *g = NULL;
    assert_gov_ok(gov_store_open(s->url, &o, &store, &err), err); /* an empty store has no community */
    TRY(gov_attach(store, NULL, &g, &e), GOV_E_NOT_FOUND);
    TRY(gov_attach(store, "", &g, &e), GOV_E_NOT_FOUND);
    TRY(gov_attach(store, "\xff\xfe", &g, &e), GOV_E_NOT_FOUND);
    gov_value *v = NULL;
    assert_gov_ok(gov_community_list(store, &v, &err), err);
    assert_int_equal(gov_value_count(v), 0);
    gov_value_free(v);
    gov_store_free(store);
}

static void files_that_are_no_stores(void **state)
{
    support_store *s = support_store_of(state);
    const char *path = file_of(s);
    static const char text[] = "name,phone\nZhou,1380\n";
    support_write(path, text, strlen(text));
    opening_fails(s->url, 0, GOV_E_CORRUPT);
    opening_fails(s->url, GOV_OPEN_CREATE, GOV_E_CORRUPT);
    size_t len;
    char *same = support_read(path, &len);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(same, text, len);
    free(same);
    (void)remove(path);
    assert_int_equal(mkdir(path, 0700), 0);
    gov_options o = options_of(GOV_OPEN_CREATE);
    gov_store *store = NULL;
    gov_error *err = NULL;
    const gov_status status = gov_store_open(s->url, &o, &store, &err);
    assert_int_not_equal(status, GOV_OK);
    assert_null(store);
    assert_int_equal(gov_error_count(err), 1);
    gov_error_free(err);
    assert_int_equal(rmdir(path), 0);
    opening_fails("mysql://here/x", 0, GOV_E_ARG);
}

/* Somebody else's database is left alone. */
static void another_programs_database(void **state)
{
    support_store *s = support_store_of(state);
    run_sql(file_of(s), "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
    gov_options o = options_of(0);
    gov_store *store = NULL;
    gov_error *err = NULL;
    assert_true(gov_store_open(s->url, &o, &store, &err) >= GOV_E_NOT_FOUND);
    assert_int_equal(gov_error_count(err), 1);
    gov_error_free(err);
}

static void truncated_and_damaged_stores(void **state)
{
    support_store *s = support_store_of(state);
    community c = with_cases(s, 30);
    community_free(&c);
    run_sql(file_of(s), "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
    size_t len;
    char *all = support_read(file_of(s), &len);
    for (size_t keep = 100; keep < len; keep += len / 13 + 1) { /* cut anywhere: an error, or at worst a store that fails to verify */
        support_write(file_of(s), all, keep);
        gov_options o = options_of(0);
        gov_error *err = NULL;
        gov *g = NULL;
        gov_status status = gov_open(s->url, &o, &g, &err);
        if (status == GOV_OK)
            status = gov_act_as_host(g, "check", &err);
        if (status == GOV_OK)
            status = gov_verify(g, NULL, NULL, NULL, &err);
        assert_true(status == GOV_E_CORRUPT || status == GOV_E_VERIFY || status == GOV_E_NOT_FOUND || status == GOV_E_STORE);
        gov_error_free(err);
        gov_free(g);
    }
    for (size_t i = 0; i < 40; i++) { /* garbage over a page */
        char *bad = malloc(len);
        memcpy(bad, all, len);
        const size_t at = i * (len / 40);
        memset(bad + at, 0x5a, len - at < 300 ? len - at : 300);
        support_write(file_of(s), bad, len);
        gov_options o = options_of(0);
        gov_error *err = NULL;
        gov *g = NULL;
        gov_value *v = NULL;
        gov_status status = gov_open(s->url, &o, &g, &err);
        if (status == GOV_OK)
            status = gov_act_as_host(g, "check", &err);
        if (status == GOV_OK)
            status = gov_case_list(g, NULL, &v, &err);
        if (status == GOV_OK)
            status = gov_verify(g, NULL, NULL, NULL, &err);
        assert_true(status != GOV_E_BUG && (status == GOV_OK || gov_error_count(err) >= 1));
        gov_value_free(v);
        gov_error_free(err);
        gov_free(g);
        free(bad);
    }
    free(all);
}

static void a_newer_store_is_refused_and_an_older_one_says_so(void **state)
{
    support_store *s = support_store_of(state);
    community c = with_cases(s, 1);
    community_free(&c);
    run_sql(file_of(s), "UPDATE gov_schema SET version = version + 1 WHERE room = 'case'; PRAGMA user_version = 99");
    opening_fails(s->url, 0, GOV_E_NEWER);
    opening_fails(s->url, GOV_OPEN_CREATE, GOV_E_NEWER);
    TRY(gov_store_upgrade(s->url, NULL, NULL, NULL, &e), GOV_E_NEWER);
    run_sql(file_of(s), "UPDATE gov_schema SET version = version - 1 WHERE room = 'case'");
}

static void upgrading_where_there_is_nothing_to_do(void **state)
{
    support_store *s = support_store_of(state);
    community c = with_cases(s, 1);
    gov_error *err = NULL;
    int32_t from = -1, to = -1;
    assert_gov_ok(gov_store_upgrade(s->url, NULL, &from, &to, &err), err);
    assert_true(from == to && from > 0);
    assert_gov_ok(gov_store_upgrade(s->url, NULL, NULL, NULL, &err), err);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err); /* the open handle works on */
    community_open(&c, "complaint", "{'category': 'noise'}");
    community_free(&c);
}

static void a_store_that_cannot_be_written(void **state)
{
    support_store *s = support_store_of(state);
    community c = with_cases(s, 1);
    community_free(&c);
    gov_options o = options_of(GOV_OPEN_READONLY);
    gov_error *err = NULL;
    gov *g = NULL;
    gov_value *v = NULL;
    gov_rulebook *book = community_rulebook(community_rules);
    assert_gov_ok(gov_open(s->url, &o, &g, &err), err);
    assert_gov_ok(gov_act_as_host(g, "read", &err), err);
    assert_gov_ok(gov_case_list(g, NULL, &v, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(v, "cases")), 1);
    gov_value_free(v);
    assert_gov_ok(gov_verify(g, NULL, NULL, NULL, &err), err);
    TRY(gov_case_open(g, "complaint", NULL, NULL, NULL, &e), GOV_E_READONLY);
    TRY(gov_begin(g, &e), GOV_E_READONLY);
    TRY(gov_install(g, book, &e), GOV_E_READONLY);
    assert_gov_ok(gov_case_list(g, NULL, &v, &err), err); /* and works on */
    gov_value_free(v);
    gov_free(g);
    gov_store *store = NULL;
    assert_gov_ok(gov_store_open(s->url, &o, &store, &err), err);
    TRY(gov_community_create(store, "second", book, NULL, &e), GOV_E_READONLY);
    gov_store_free(store);
    gov_rulebook_free(book);
}

/* A file whose bits forbid writing; root may write it all the same, so there is nothing to see then. */
static void a_file_without_write_permission(void **state)
{
    support_store *s = support_store_of(state);
    community c = with_cases(s, 1);
    community_free(&c);
    if (geteuid() == 0)
        support_skip("root may write everything");
    assert_int_equal(chmod(file_of(s), 0400), 0);
    gov_options o = options_of(0);
    gov_error *err = NULL;
    gov *g = NULL;
    gov_status status = gov_open(s->url, &o, &g, &err);
    if (status == GOV_OK)
        status = gov_act_as_host(g, "write", &err);
    if (status == GOV_OK)
        status = gov_case_open(g, "complaint", NULL, NULL, NULL, &err);
    assert_int_equal(status, GOV_E_READONLY);
    gov_error_free(err);
    gov_free(g);
}

/* Another process holds the lock: after the timeout one clear error, and when it lets go all is well. */
static void locked_by_another_process(void **state)
{
    support_store *s = support_store_of(state);
    community c = with_cases(s, 1);
    community_free(&c);
    int ready[2], leave[2];
    char byte = 0;
    assert_int_equal(pipe(ready) | pipe(leave), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sqlite3 *db = NULL;
        if (sqlite3_open(file_of(s), &db) != SQLITE_OK || sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
            _exit(1);
        if (write(ready[1], "x", 1) != 1 || read(leave[0], &byte, 1) != 1)
            _exit(2);
        _exit(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK ? 0 : 3);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    gov_options o = options_of(0);
    gov_error *err = NULL;
    gov *g = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_open(s->url, &o, &g, &err), err); /* reading goes on beside a writer */
    assert_gov_ok(gov_act_as_host(g, "test", &err), err);
    assert_gov_ok(gov_case_list(g, NULL, &v, &err), err);
    gov_value_free(v);
    v = community_json("{'category': 'noise'}");
    assert_gov(GOV_E_BUSY, gov_case_open(g, "complaint", v, NULL, NULL, &err), err);
    assert_int_equal(gov_error_count(err), 1);
    gov_error_free(err);
    err = NULL;
    TRY(gov_begin(g, &e), GOV_E_BUSY);
    TRY(gov_commit(g, &e), GOV_E_STATE);
    assert_int_equal(write(leave[1], "x", 1), 1);
    int left;
    assert_int_equal(waitpid(child, &left, 0), child);
    assert_int_equal(WEXITSTATUS(left), 0);
    assert_gov_ok(gov_case_open(g, "complaint", v, NULL, NULL, &err), err);
    gov_value_free(v);
    gov_free(g);
    for (int i = 0; i < 2; i++)
        (void)(close(ready[i]), close(leave[i]));
}

/* ---- a full disk ---- */

/* At whatever write the disk gets full: one clear error, nothing of the call is there, and with space again all goes on. */
static void a_full_disk_changes_nothing(void **state)
{
    support_store *s = support_store_of(state);
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    assert_true(vfs_shim_start());
    sqlite3_vfs_register(sqlite3_vfs_find(VFS_SHIM), 1);
    community c = with_cases(s, 2);
    gov_error *err = NULL;
    gov_value *v = community_json("{'category': 'noise'}"), *list = NULL;
    long most = 0;
    for (long n = 0; n < 400; n++) {
        vfs_shim.countdown = n;
        vfs_shim.forever = true;
        vfs_shim.code = SQLITE_FULL;
        vfs_shim.hits = 0;
        const gov_status status = gov_case_open(c.g, "complaint", v, NULL, NULL, &err);
        vfs_shim.countdown = -1;
        if (status == GOV_OK && vfs_shim.hits == 0) {
            most = n;
            break;
        }
        if (status != GOV_OK) {
            assert_int_equal(status, GOV_E_FULL);
            assert_int_equal(gov_error_count(err), 1);
            gov_error_free(err);
            err = NULL;
            assert_gov_ok(gov_case_list(c.g, NULL, &list, &err), err);
            assert_true(gov_value_count(gov_value_get(list, "cases")) >= 2);
            gov_value_free(list);
        }
    }
    assert_true(most > 2);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    gov_value_free(v);
    community_free(&c);
    sqlite3_vfs_register(usual, 1);
}

/* The same with a limit of the system on the size of files, from creating the store on. */
static void a_limit_on_the_size_of_files(void **state)
{
    support_store *s = support_store_of(state);
    gov_rulebook *book = community_rulebook(community_rules);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGXFSZ, SIG_IGN);
        for (rlim_t limit = 8192; limit < 2000000; limit = limit * 3 / 2) {
            const struct rlimit most = {limit, RLIM_INFINITY};
            community c;
            char url[512];
            gov_error *err = NULL;
            (void)snprintf(url, sizeof url, "sqlite:%.400s/%ld.db", s->dir, (long)limit);
            (void)setrlimit(RLIMIT_FSIZE, &most);
            gov_status status = community_try(url, book, NULL, &c, &err);
            for (int i = 0; i < 2000 && status == GOV_OK; i++) {
                gov_value *f = gov_value_new_map(NULL);
                (void)gov_value_set_string(f, "category", "noise");
                status = gov_case_open(c.g, "complaint", f, NULL, NULL, &err);
                gov_value_free(f);
            }
            if (status != GOV_OK && status != GOV_E_FULL && status != GOV_E_STORE)
                _exit(2);
            if (status != GOV_OK && (gov_error_count(err) != 1 || limit >= 2000000))
                _exit(3);
            gov_error_free(err);
            if (c.g != NULL)
                community_free(&c);
            if (status == GOV_OK)
                _exit(0); /* from here on there is room */
        }
        _exit(0);
    }
    int left;
    assert_int_equal(waitpid(child, &left, 0), child);
    assert_true(WIFEXITED(left));
    assert_int_equal(WEXITSTATUS(left), 0);
    gov_rulebook_free(book);
}

/* ---- communities and their rules ---- */

static void created_and_opened_at_once(void **state)
{
    support_store *s = support_store_of(state);
    char rules[512], *dir = support_tmpdir();
    gov *g = NULL, *again = NULL;
    gov_error *err = NULL;
    gov_value *v = NULL;
    const gov_options o = options_of(0);
    support_write(support_path(rules, dir, "rulebook.yaml"), "rulebook: 1\n", 12);
    TRY(gov_create(s->url, &o, rules, &g, &e), GOV_E_RULE);
    TRY(gov_create(s->url, &o, "/nowhere/at/all", &g, &e), GOV_E_NOT_FOUND);
    assert_int_not_equal(gov_open(s->url, &o, &g, NULL), GOV_OK); /* a mistake creates nothing */
    support_write(rules, community_rules, strlen(community_rules));
    assert_gov_ok(gov_create(s->url, &o, rules, &g, &err), err);
    TRY(gov_create(s->url, &o, rules, &again, &e), GOV_E_EXISTS);
    assert_gov_ok(gov_act_as_host(g, "test", &err), err);
    assert_gov_ok(gov_about(g, &v, &err), err);
    assert_text_at(v, "name", "tiny");
    gov_value_free(v);
    gov_free(g);
    assert_gov_ok(gov_open(s->url, &o, &g, &err), err);
    gov_free(g);
    support_rmdir(dir);
}

static void communities_of_a_store(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, community_rules, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    gov_rulebook *book = community_rulebook(community_rules);
    int64_t id = 0;
    char longest[200];
    memset(longest, 'n', sizeof longest);
    longest[129] = '\0';
    TRY(gov_community_create(c.store, NULL, book, NULL, &e), GOV_E_EXISTS);
    TRY(gov_community_create(c.store, "tiny", book, NULL, &e), GOV_E_EXISTS);
    TRY(gov_community_create(c.store, "", book, NULL, &e), GOV_E_ARG);
    TRY(gov_community_create(c.store, longest, book, NULL, &e), GOV_E_ARG);
    TRY(gov_community_create(c.store, "\xff", book, NULL, &e), GOV_E_ARG);
    longest[128] = '\0';
    assert_gov_ok(gov_community_create(c.store, longest, book, NULL, &err), err);
    assert_gov_ok(gov_community_create(c.store, "幸福里", book, &id, &err), err);
    assert_gov_ok(gov_community_list(c.store, &v, &err), err);
    assert_int_equal(gov_value_count(v), 3);
    assert_text_at(v, "0.name", "tiny");
    assert_text_at(v, "0.rulebook", "tiny");
    assert_text_at(v, "0.version", "1");
    assert_text_at(v, "0.title.zh", "小社区");
    assert_text_at(v, "2.name", "幸福里");
    assert_true(gov_value_int(gov_value_find(v, "2.id")) == id);
    assert_int_equal(gov_value_kind(gov_value_find(v, "2.created_at")), GOV_VALUE_TIMESTAMP);
    gov_value_free(v);
    gov *g = NULL;
    assert_gov_ok(gov_attach(c.store, "幸福里", &g, &err), err);
    assert_gov_ok(gov_act_as_host(g, "test", &err), err);
    assert_gov_ok(gov_about(g, &v, &err), err);
    assert_text_at(v, "name", "幸福里");
    assert_text_at(v, "time_zone", "Asia/Shanghai");
    assert_text_at(v, "languages.0", "zh");
    assert_text_at(v, "digest", gov_rulebook_digest(book));
    gov_value_free(v);
    gov_free(g);
    gov_rulebook_free(book);
    community_free(&c);
}

static char *changed_rules(const char *version, const char *from, const char *to)
{
    char *out = malloc(strlen(community_rules) + 500);
    const char *at = strstr(community_rules, from);
    assert_non_null(at);
    (void)sprintf(out, "%.*s%s%s", (int)(at - community_rules), community_rules, to, at + strlen(from));
    char *v = strstr(out, "version: '1'");
    assert_non_null(v);
    v[10] = version[0];
    return out;
}

static void due_is(community *c, int64_t id, int64_t hours)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.due"), NULL), COMMUNITY_START / 1000000 + hours * 3600);
    gov_value_free(v);
}

/* A new version: running cases keep their rules, new ones have the new ones, roles are the current ones for all. */
static void running_cases_keep_their_rules(void **state)
{
    support_store *s = support_store_of(state);
    community c = with_cases(s, 0);
    gov_error *err = NULL;
    const int64_t old = community_open(&c, "complaint", "{'category': 'noise'}");
    char *text = changed_rules("2", "{is: 4 hours}", "{is: 6 hours}");
    gov_rulebook *two = community_rulebook(text);
    free(text);
    text = changed_rules("3", "case.open: [dispatcher, neighbour]", "case.open: [dispatcher, neighbour, handler]");
    gov_rulebook *three = community_rulebook(text);
    free(text);
    assert_gov_ok(gov_install(c.g, two, &err), err);
    const int64_t new = community_open(&c, "complaint", "{'category': 'noise'}");
    community_send(&c, old, "dispatch", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, new, "dispatch", "{'unit': 'U1'}", GOV_OK);
    due_is(&c, old, 4);
    due_is(&c, new, 6);
    gov_value *v = NULL;
    assert_gov_ok(gov_about(c.g, &v, &err), err);
    assert_text_at(v, "version", "2");
    gov_value_free(v);
    assert_gov_ok(gov_install(c.g, two, &err), err); /* again: nothing happens */
    community_free(&c);
    assert_gov_ok(community_try(s->url, NULL, NULL, &c, &err), err);
    due_is(&c, old, 4);
    community_advance(&c, 241);
    assert_gov_ok(gov_case_get(c.g, old, &v, &err), err);
    assert_int_equal(gov_value_bool(gov_value_find(v, "fields.late")), 1);
    gov_value_free(v);
    /* Roles and permissions are the current ones, also for another handle that was open all the time. */
    community_put(&c, "staff", "wang", "{'name': '王', 'roles': ['handler'], 'unit': 'U1'}");
    community twin;
    assert_gov_ok(community_try(s->url, NULL, NULL, &twin, &err), err);
    assert_gov_ok(gov_act_as(twin.g, "wang", "work", &err), err);
    gov_value *f = community_json("{'category': 'noise'}");
    TRY(gov_case_open(twin.g, "complaint", f, NULL, NULL, &e), GOV_E_DENIED);
    assert_gov_ok(gov_begin(c.g, &err), err); /* undone: nobody has it */
    assert_gov_ok(gov_install(c.g, three, &err), err);
    assert_gov_ok(gov_about(c.g, &v, &err), err);
    assert_text_at(v, "version", "3");
    gov_value_free(v);
    assert_gov_ok(gov_rollback(c.g, &err), err);
    assert_gov_ok(gov_about(c.g, &v, &err), err);
    assert_text_at(v, "version", "2");
    gov_value_free(v);
    community_open(&c, "complaint", "{'category': 'noise'}");
    assert_gov_ok(gov_install(c.g, three, &err), err);
    assert_gov_ok(gov_about(twin.g, &v, &err), err);
    assert_text_at(v, "version", "3");
    gov_value_free(v);
    err = NULL;
    const gov_status status = gov_case_open(twin.g, "complaint", f, NULL, NULL, &err);
    assert_int_not_equal(status, GOV_E_NOT_FOUND);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    gov_value_free(f);
    gov_rulebook_free(two);
    gov_rulebook_free(three);
    community_free(&twin);
    community_free(&c);
}

/* ---- want of memory ---- */

typedef struct oom_user {
    support_store *s;
    gov_rulebook *rules, *more;
    int run;
} oom_user;

static gov_status keeping(const gov_allocator *alloc, void *user)
{
    oom_user *u = user;
    char url[512], path[512], name[32];
    community c;
    gov_value *v = NULL;
    (void)snprintf(name, sizeof name, "oom%d", u->run++);
    (void)snprintf(url, sizeof url, "%.300s/%s.db", u->s->dir, name);
    gov_status status = community_try(url, u->rules, alloc, &c, NULL);
    if (status == GOV_OK)
        status = gov_install(c.g, u->more, NULL);
    if (status == GOV_OK)
        status = gov_community_create(c.store, "second", u->rules, NULL, NULL);
    if (status == GOV_OK)
        status = gov_community_list(c.store, &v, NULL);
    gov_value_free(v);
    v = NULL;
    (void)snprintf(path, sizeof path, "%.300s/%s.jsonl", u->s->dir, name);
    if (status == GOV_OK)
        status = gov_journal_export(c.g, path, NULL, NULL);
    if (status == GOV_OK)
        status = gov_journal_check(alloc, path, NULL, &v, NULL);
    gov_value_free(v);
    v = NULL;
    (void)snprintf(path, sizeof path, "%.300s/%s.copy", u->s->dir, name);
    if (status == GOV_OK)
        status = gov_store_backup(c.store, path, NULL, NULL, NULL);
    if (status == GOV_OK)
        status = gov_verify(c.g, NULL, NULL, &v, NULL);
    gov_value_free(v);
    gov_options o = options_of(0);
    o.alloc = alloc;
    if (status == GOV_OK)
        status = gov_store_upgrade(url, &o, NULL, NULL, NULL);
    if (c.g != NULL)
        community_free(&c);
    return status;
}

static void want_of_memory_leaks_nothing(void **state)
{
    char *text = changed_rules("2", "{is: 4 hours}", "{is: 6 hours}");
    oom_user u = {support_store_of(state), community_rulebook(community_rules), community_rulebook(text), 0};
    free(text);
    oom_loop(keeping, &u);
    gov_rulebook_free(u.rules);
    gov_rulebook_free(u.more);
}

/* The same where SQLite, libyaml and the others ask malloc: loading rules, opening a store, one case. */
static gov_status small_life(const gov_allocator *alloc, void *user)
{
    oom_user *u = user;
    char url[512];
    community c;
    gov_value *f = gov_value_new_map(alloc);
    (void)snprintf(url, sizeof url, "%.300s/malloc%d.db", u->s->dir, u->run++);
    if (f == NULL)
        return GOV_E_NOMEM;
    gov_status status = gov_value_set_string(f, "category", "noise");
    if (status != GOV_OK) {
        gov_value_free(f);
        return status;
    }
    status = community_try(url, u->rules, alloc, &c, NULL);
    if (status == GOV_OK)
        status = gov_case_open(c.g, "complaint", f, NULL, NULL, NULL);
    gov_value_free(f);
    if (c.g != NULL)
        community_free(&c);
    return status;
}

static void want_of_memory_below_us(void **state)
{
    if (!oom_malloc_available())
        support_skip("malloc is not ours to replace");
    oom_user u = {support_store_of(state), community_rulebook(community_rules), NULL, 0};
    oom_loop_malloc(small_life, &u, OOM_ANY_ERROR | OOM_KEEPS);
    gov_rulebook_free(u.rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_is_not_there_is_not_made, "sqlite"),
        STORE_TEST(files_that_are_no_stores, "sqlite"),
        STORE_TEST(another_programs_database, "sqlite"),
        STORE_TEST(truncated_and_damaged_stores, "sqlite"),
        STORE_TEST(a_newer_store_is_refused_and_an_older_one_says_so, "sqlite"),
        STORE_TESTS(upgrading_where_there_is_nothing_to_do),
        STORE_TESTS(a_store_that_cannot_be_written),
        STORE_TEST(a_file_without_write_permission, "sqlite"),
        STORE_TEST(locked_by_another_process, "sqlite"),
        STORE_TEST(a_full_disk_changes_nothing, "sqlite"),
        STORE_TEST(a_limit_on_the_size_of_files, "sqlite"),
        STORE_TESTS(created_and_opened_at_once),
        STORE_TESTS(communities_of_a_store),
        STORE_TESTS(running_cases_keep_their_rules),
        STORE_TEST(want_of_memory_leaks_nothing, "sqlite"),
        STORE_TEST(want_of_memory_below_us, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
