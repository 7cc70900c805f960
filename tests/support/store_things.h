/* Tables of things, and stores that hold them, for the tests of the store. */
#ifndef GOV_TEST_STORE_THINGS_H
#define GOV_TEST_STORE_THINGS_H

#include "support/support.h"

#include "store/store.h"

#include <stdio.h>

#define REAL_MS INT64_C(1772409900000) /* 2026-03-02 */

static const store_table thing_table = {
    .name = "gov_test_thing",
    .columns = (const store_column[]){{"community", STORE_INT},
                                      {"id", STORE_INT},
                                      {"amount", STORE_INT, .check = "amount >= 0"},
                                      {"name", STORE_TEXT, .nullable = true},
                                      {"bytes", STORE_BYTES, .nullable = true},
                                      {"done", STORE_BOOL},
                                      {0}},
    .key = "community, id",
    .flags = STORE_ROWID_KEY,
    .indexes =
        (const store_index[]){{"gov_test_thing_by_name", "community, name", .unique = true}, {0}}};
static const store_table pair_table = {.name = "gov_test_pair",
                                       .columns = (const store_column[]){{"community", STORE_INT},
                                                                         {"a", STORE_TEXT},
                                                                         {"b", STORE_INT},
                                                                         {0}},
                                       .key = "community, a"};
static const store_table wide_table = {.name = "gov_test_wide",
                                       .columns = (const store_column[]){{"community", STORE_INT},
                                                                         {"a", STORE_TEXT},
                                                                         {"doc", STORE_TEXT},
                                                                         {0}},
                                       .key = "community, a",
                                       .flags = STORE_WIDE_ROWS};

static const store_migration first = {.room = "test",
                                      .version = 1,
                                      .create = (const store_table *const[]){&thing_table,
                                                                             &pair_table, NULL}};
static const store_migration second = {
    .room = "test",
    .version = 2,
    .create = (const store_table *const[]){&wide_table, NULL},
    .extend =
        (const store_table *const[]){
            &(const store_table){
                .name = "gov_test_pair",
                .columns = (const store_column[]){{"c", STORE_TEXT, .nullable = true}, {0}}},
            NULL},
    .sql = (const char *const[]){"UPDATE gov_test_pair SET c = 'old'", NULL}};
static const store_migration *const both[] = {&first, &second};

static const store_sql insert_thing = {"INSERT INTO gov_test_thing (community, id, amount, name, "
                                       "bytes, done) VALUES ($1, $2, $3, $4, $5, $6)",
                                       0};
static const store_sql count_things = {"SELECT count(*) FROM gov_test_thing WHERE community = $1",
                                       0};

static gov_error *err;
static const diag D = {&base_malloc, &err};

static inline void forget(void)
{
    gov_error_free(err);
    err = NULL;
}

static inline store *open_with(const char *url, uint32_t flags, size_t migrations)
{
    store *s = NULL;
    const store_config config = {.url = url,
                                 .flags = flags,
                                 .busy_ms = -1,
                                 .migrations = both,
                                 .migration_count = migrations};
    forget();
    assert_gov_ok(store_open(&base_malloc, &config, &s, &D), err);
    return s;
}

static inline store *fresh(void **state)
{
    return open_with(support_store_of(state)->url, STORE_CREATE, 2);
}

static inline gov_status add(store *s, int64_t id, const char *name)
{
    return store_post(s, &insert_thing,
                      STORE_ARGS(store_i(1), store_i(id), store_i(id * 10), store_s(name),
                                 store_b("\0x", 2), store_flag(true)),
                      1, &D);
}

static inline int64_t count(store *s)
{
    int64_t n = -1;
    assert_gov_ok(store_first_int(s, &count_things, STORE_ARGS(store_i(1)), &n, &D), err);
    return n;
}

/* ---- files ---- */

static inline char *make_file(char path[512], char **dir)
{
    *dir = support_tmpdir();
    support_path(path, *dir, "x.gov");
    store *s = open_with(path, STORE_CREATE, 2);
    assert_gov_ok(store_begin(s, &D), err);
    for (int64_t i = 0; i < 500; i++) {
        char name[64];
        snprintf(name, sizeof name, "a rather long name to fill pages with %d", (int)i);
        assert_gov_ok(add(s, i, name), err);
    }
    assert_gov_ok(store_commit(s, &D), err);
    store_close(s);
    return path;
}

#endif
