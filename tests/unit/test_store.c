/* Room store: what both engines promise alike, and what a file may do to us. */
#include "support/faulty.h"
#include "support/support.h"
#include "support/vfs_shim.h"

#include "store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
static const store_sql delete_thing = {
    "DELETE FROM gov_test_thing WHERE community = $1 AND id = $2", 0};

static gov_error *err;
static const diag D = {&base_malloc, &err};

static void forget(void)
{
    gov_error_free(err);
    err = NULL;
}

static store *open_with(const char *url, uint32_t flags, size_t migrations)
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

static store *fresh(void **state)
{
    return open_with(support_store_of(state)->url, STORE_CREATE, 2);
}

static gov_status add(store *s, int64_t id, const char *name)
{
    return store_post(s, &insert_thing,
                      STORE_ARGS(store_i(1), store_i(id), store_i(id * 10), store_s(name),
                                 store_b("\0x", 2), store_flag(true)),
                      1, &D);
}

static int64_t count(store *s)
{
    int64_t n = -1;
    assert_gov_ok(store_first_int(s, &count_things, STORE_ARGS(store_i(1)), &n, &D), err);
    return n;
}

/* ---- values ---- */

static void test_round_trip(void **state)
{
    static const store_sql read = {"SELECT id, amount, name, bytes, done FROM gov_test_thing "
                                   "WHERE community = $1 ORDER BY id",
                                   0};
    static const char all_bytes[] = "\x00\x01\xff'\"\\$1";
    store *s = fresh(state);
    store_rows rows;
    size_t len;
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_post(s, &insert_thing,
                             STORE_ARGS(store_i(1), store_i(INT64_MAX), store_i(INT64_MAX),
                                        store_s("名'\\\"\x7f"),
                                        store_b(all_bytes, sizeof all_bytes - 1), store_flag(true)),
                             1, &D),
                  err);
    assert_gov_ok(store_post(s, &insert_thing,
                             STORE_ARGS(store_i(1), store_i(-5), store_i(0), store_s(""),
                                        store_b("", 0), store_flag(false)),
                             1, &D),
                  err);
    assert_gov_ok(store_post(s, &insert_thing,
                             STORE_ARGS(store_i(1), store_i(7), store_i(1), store_s(NULL),
                                        store_n(STORE_BYTES), store_flag(false)),
                             1, &D),
                  err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov_ok(store_query(s, &read, STORE_ARGS(store_i(1)), &rows, &D), err);

    assert_gov_ok(store_next(&rows, &D), err);
    assert_int_equal(store_int(&rows, 0), -5);
    assert_false(store_is_null(&rows, 2));
    assert_string_equal(store_text(&rows, 2, &len), "");
    assert_false(store_is_null(&rows, 3));
    (void)store_bytes(&rows, 3, &len);
    assert_int_equal(len, 0);
    assert_int_equal(store_int(&rows, 4), 0);

    assert_gov_ok(store_next(&rows, &D), err);
    assert_int_equal(store_int(&rows, 0), 7);
    assert_true(store_is_null(&rows, 2));
    assert_true(store_is_null(&rows, 3));
    assert_string_equal(store_text(&rows, 2, NULL), "");

    assert_gov_ok(store_next(&rows, &D), err);
    assert_true(store_int(&rows, 0) == INT64_MAX && store_int(&rows, 1) == INT64_MAX);
    assert_string_equal(store_text(&rows, 2, &len), "名'\\\"\x7f");
    assert_memory_equal(store_bytes(&rows, 3, &len), all_bytes, sizeof all_bytes - 1);
    assert_int_equal(len, sizeof all_bytes - 1);
    assert_int_equal(store_int(&rows, 4), 1);
    assert_int_equal(store_next(&rows, &D), GOV_END);
    assert_int_equal(store_next(&rows, &D), GOV_END);
    store_rows_close(&rows);
    store_close(s);
}

/* Parameters in any order and more than once; NULL where a value was before; numbers that are not bigint. */
static void test_parameters(void **state)
{
    static const store_sql sql = {
        "SELECT CAST($3 AS TEXT), CAST($1 AS BIGINT), CAST($2 AS TEXT), $1 + 1, "
        "CASE WHEN $1 > 3 THEN 1 ELSE 0 END",
        0};
    static const store_sql order = {
        "SELECT id FROM gov_test_thing WHERE community = $1 AND amount >= $2 "
        "ORDER BY id DESC LIMIT $3",
        0};
    store *s = fresh(state);
    store_rows rows;
    for (int i = 0; i < 3; i++) {
        const store_arg two = i == 1 ? store_n(STORE_TEXT) : store_s("two");
        assert_gov_ok(store_first(s, &sql, STORE_ARGS(store_i(7), two, store_s("three")), &rows,
                                  &D),
                      err);
        assert_string_equal(store_text(&rows, 0, NULL), "three");
        assert_int_equal(store_int(&rows, 1), 7);
        assert_int_equal(store_is_null(&rows, 2), i == 1);
        assert_int_equal(store_int(&rows, 3), 8);
        assert_int_equal(store_int(&rows, 4), 1);
        store_rows_close(&rows);
    }
    assert_gov_ok(store_begin(s, &D), err);
    for (int64_t i = 1; i <= 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%d", (int)i);
        assert_gov_ok(add(s, i, name), err);
    }
    assert_gov_ok(store_query(s, &order, STORE_ARGS(store_i(1), store_i(20), store_i(2)), &rows,
                              &D),
                  err);
    /* the same statement again while the first answer is being read */
    assert_gov_ok(store_next(&rows, &D), err);
    int64_t inner = 0;
    assert_gov_ok(store_first_int(s, &order, STORE_ARGS(store_i(1), store_i(0), store_i(1)), &inner,
                                  &D),
                  err);
    assert_int_equal(inner, 5);
    assert_int_equal(store_int(&rows, 0), 5);
    assert_gov_ok(store_next(&rows, &D), err);
    assert_int_equal(store_int(&rows, 0), 4);
    assert_int_equal(store_next(&rows, &D), GOV_END);
    store_rollback(s);
    store_close(s);
}

static void test_refused_values(void **state)
{
    store *s = fresh(state);
    assert_gov_ok(store_begin(s, &D), err);
    assert_int_equal(store_post(s, &insert_thing,
                                STORE_ARGS(store_i(1), store_i(1), store_i(1), store_t("a\0b", 3),
                                           store_n(STORE_BYTES), store_flag(true)),
                                1, &D),
                     GOV_E_INPUT);
    assert_diag(err, 0, "store_nul_in_text", -1, -1);
    forget();
    store_rollback(s);
    assert_int_equal(add(s, 1, "outside a transaction"), GOV_E_STATE);
    forget();
    assert_gov_ok(store_begin_read(s, &D), err);
    assert_int_equal(add(s, 1, "in a reading one"), GOV_E_STATE);
    forget();
    store_rollback(s);
    assert_int_equal(count(s), 0);
    store_close(s);
}

static void test_dynamic(void **state)
{
    store *s = fresh(state);
    for (int i = 0; i < 3; i++) {
        char text[64];
        int64_t got = 0;
        snprintf(text, sizeof text, "SELECT CAST($1 AS BIGINT) + %d", i);
        const store_sql sql = {text, STORE_DYNAMIC};
        assert_gov_ok(store_first_int(s, &sql, STORE_ARGS(store_i(10)), &got, &D), err);
        assert_int_equal(got, 10 + i);
    }
    const store_sql wrong = {"SELECT nothing FROM nowhere", STORE_DYNAMIC};
    int64_t got;
    assert_int_equal(store_first_int(s, &wrong, STORE_NO_ARGS, &got, &D), GOV_E_BUG);
    forget();
    assert_int_equal(count(s), 0);
    store_close(s);
}

/* ---- transactions ---- */

static void test_savepoints(void **state)
{
    store *s = fresh(state);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(add(s, 1, "a"), err);
    assert_gov_ok(store_savepoint(s, &D), err);
    assert_gov_ok(add(s, 2, "b"), err);
    assert_gov_ok(store_savepoint(s, &D), err);
    assert_gov_ok(add(s, 3, "c"), err);
    assert_int_equal(count(s), 3);
    assert_int_equal(store_depth(s), 3);
    assert_gov_ok(store_rollback_to(s, &D), err);
    assert_int_equal(count(s), 2);
    assert_gov_ok(store_savepoint(s, &D), err);
    assert_gov_ok(add(s, 4, "d"), err);
    assert_gov_ok(store_release(s, &D), err);
    assert_gov_ok(store_release(s, &D), err);
    assert_int_equal(store_release(s, &D), GOV_E_STATE);
    forget();
    assert_gov_ok(store_commit(s, &D), err);
    assert_int_equal(count(s), 3);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(add(s, 9, "z"), err);
    store_rollback(s);
    store_rollback(s);
    assert_int_equal(count(s), 3);
    assert_int_equal(store_commit(s, &D), GOV_E_STATE);
    forget();
    store_close(s);
}

/* After a failure only rollback is accepted, on both engines; a savepoint confines it. */
static void test_spoilt(void **state)
{
    store *s = fresh(state);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(add(s, 1, "a"), err);
    assert_gov_ok(store_savepoint(s, &D), err);
    gov_status rc = add(s, 1, "b");
    if (rc == GOV_OK)
        rc = store_flush(s, &D);
    assert_int_equal(rc, GOV_E_EXISTS);
    assert_int_equal(store_error_class(s), STORE_DUPLICATE);
    assert_diag(err, 0, "store_duplicate", -1, -1);
    forget();
    assert_int_equal(add(s, 2, "c"), GOV_E_STATE);
    assert_diag(err, 0, "store_spoilt", -1, -1);
    forget();
    int64_t n;
    assert_int_equal(store_first_int(s, &count_things, STORE_ARGS(store_i(1)), &n, NULL),
                     GOV_E_STATE);
    assert_int_equal(store_release(s, NULL), GOV_E_STATE);
    assert_gov_ok(store_rollback_to(s, &D), err);
    assert_gov_ok(add(s, 2, "c"), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_int_equal(count(s), 2);

    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(add(s, 3, "d"), err);
    (void)add(s, 4, "a"); /* the unique name; told now or when committing */
    assert_int_not_equal(store_commit(s, &D), GOV_OK);
    forget();
    assert_false(store_in_transaction(s));
    assert_int_equal(count(s), 2);
    store_close(s);
}

static void test_classes(void **state)
{
    static const store_sql negative = {
        "UPDATE gov_test_thing SET amount = 0 - 1 WHERE community = $1", 0};
    static const store_sql two = {"UPDATE gov_test_thing SET done = 2 WHERE community = $1", 0};
    static const store_sql null_it = {
        "UPDATE gov_test_thing SET amount = NULL WHERE community = $1", 0};
    static const store_sql text_it = {"UPDATE gov_test_thing SET name = 'x' WHERE community = $1",
                                      0};
    static const struct {
        const store_sql *sql;
        int64_t expect;
        gov_status status;
        store_error error;
    } cases[] = {{&negative, -1, GOV_E_BUG, STORE_CHECK},
                 {&two, -1, GOV_E_BUG, STORE_CHECK},
                 {&null_it, -1, GOV_E_BUG, STORE_CHECK},
                 {&text_it, -1, GOV_E_EXISTS, STORE_DUPLICATE},
                 {&delete_thing, 1, GOV_E_CONFLICT, STORE_MISMATCH}};
    store *s = fresh(state);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(add(s, 1, "a"), err);
    assert_gov_ok(add(s, 2, "b"), err);
    assert_gov_ok(store_commit(s, &D), err);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_gov_ok(store_begin(s, &D), err);
        const store_arg args[2] = {store_i(1), store_i(77)};
        gov_status rc = store_post(s, cases[i].sql, args, cases[i].sql == &delete_thing ? 2 : 1,
                                   cases[i].expect, &D);
        if (rc == GOV_OK)
            rc = store_commit(s, &D);
        assert_int_equal(rc, cases[i].status);
        assert_int_equal(store_error_class(s), cases[i].error);
        assert_int_equal(gov_error_status(err), cases[i].status);
        forget();
        store_rollback(s);
    }
    assert_int_equal(count(s), 2);
    store_close(s);
}

static void test_exec_and_returning(void **state)
{
    static const store_sql upsert = {
        "INSERT INTO gov_test_pair (community, a, b) VALUES ($1, $2, $3) "
        "ON CONFLICT (community, a) DO NOTHING",
        0};
    static const store_sql bump = {
        "UPDATE gov_test_pair SET b = b + $3 WHERE community = $1 AND a = $2 "
        "RETURNING b",
        0};
    store *s = fresh(state);
    int64_t changed = -1, b = 0;
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_exec(s, &upsert, STORE_ARGS(store_i(1), store_s("x"), store_i(5)), &changed,
                             &D),
                  err);
    assert_int_equal(changed, 1);
    assert_gov_ok(store_exec(s, &upsert, STORE_ARGS(store_i(1), store_s("x"), store_i(9)), &changed,
                             &D),
                  err);
    assert_int_equal(changed, 0);
    assert_gov_ok(store_first_int(s, &bump, STORE_ARGS(store_i(1), store_s("x"), store_i(2)), &b,
                                  &D),
                  err);
    assert_int_equal(b, 7);
    assert_int_equal(store_first_int(s, &bump, STORE_ARGS(store_i(1), store_s("y"), store_i(2)), &b,
                                     &D),
                     GOV_END);
    assert_gov_ok(store_commit(s, &D), err);
    /* RETURNING is writing too */
    assert_gov_ok(store_begin_read(s, &D), err);
    assert_int_not_equal(store_first_int(s, &bump, STORE_ARGS(store_i(1), store_s("x"), store_i(2)),
                                         &b, &D),
                         GOV_OK);
    forget();
    store_rollback(s);
    store_close(s);
}

/* ---- batches ---- */

enum { BATCH = 300 };

static void check_batch(store *s, int64_t factor)
{
    static const store_sql read = {"SELECT id, amount, name, bytes, done FROM gov_test_thing "
                                   "WHERE community = $1 ORDER BY id",
                                   0};
    store_rows rows;
    assert_gov_ok(store_query(s, &read, STORE_ARGS(store_i(1)), &rows, &D), err);
    for (int64_t i = 0; i < BATCH; i++) {
        char name[32];
        size_t len;
        snprintf(name, sizeof name, "名%d", (int)i);
        assert_gov_ok(store_next(&rows, &D), err);
        assert_int_equal(store_int(&rows, 0), i);
        assert_int_equal(store_int(&rows, 1), i * factor);
        assert_string_equal(store_text(&rows, 2, NULL), name);
        assert_int_equal(store_is_null(&rows, 3), i % 3 == 0);
        (void)store_bytes(&rows, 3, &len);
        assert_int_equal(len, i % 3 == 0 ? 0 : i % 5);
        assert_int_equal(store_int(&rows, 4), 1);
    }
    assert_int_equal(store_next(&rows, &D), GOV_END);
}

static void test_bulk_and_many(void **state)
{
    static const store_insert shape = {&thing_table, "community, id, amount, name, bytes, done"};
    static const store_change change = {&thing_table, "community, id", "amount+, done"};
    static int64_t ids[BATCH], amounts[BATCH];
    static store_span names[BATCH], blobs[BATCH];
    static char texts[BATCH][32];
    static const int64_t one = 1;
    store *s = fresh(state);
    for (int64_t i = 0; i < BATCH; i++) {
        ids[i] = i;
        amounts[i] = i;
        snprintf(texts[i], sizeof texts[i], "名%d", (int)i);
        names[i] = (store_span){texts[i], strlen(texts[i])};
        blobs[i] = (store_span){i % 3 == 0 ? NULL : "\0\1\2\3", (size_t)(i % 5)};
    }
    const store_array same = {.ints = &one, .same = true};
    const store_array in[] = {
        same, {.ints = ids}, {.ints = amounts}, {.spans = names}, {.spans = blobs}, same};
    const size_t parts[] = {0, 3, 100,
                            BATCH}; /* few rows and many go different ways on PostgreSQL */
    assert_gov_ok(store_begin(s, &D), err);
    for (size_t p = 0; p + 1 < ARRAY_LEN(parts); p++) {
        const size_t at = parts[p];
        const store_array part[] = {same,
                                    {.ints = ids + at},
                                    {.ints = amounts + at},
                                    {.spans = names + at},
                                    {.spans = blobs + at},
                                    same};
        assert_gov_ok(store_bulk(s, &shape, part, parts[p + 1] - at, &D), err);
    }
    check_batch(s, 1);
    const store_array add_up[] = {same, {.ints = ids}, {.ints = amounts}, same};
    assert_gov_ok(store_many(s, &change, add_up, BATCH, &D), err);
    check_batch(s, 2);
    assert_gov_ok(store_many(s, &change, add_up, 1, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    check_batch(s, 2);

    /* whole rows, anew; a part of the columns is no whole row */
    static const store_change whole = {&thing_table, "community, id", "amount, name, bytes, done"};
    static const store_change half = {&thing_table, "community, id", "amount, name"};
    static int64_t doubled[BATCH];
    for (int64_t i = 0; i < BATCH; i++)
        doubled[i] = 3 * i;
    const store_array anew[] = {
        same, {.ints = ids}, {.ints = doubled}, {.spans = names}, {.spans = blobs}, same};
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_renew(s, &whole, anew, BATCH, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    check_batch(s, 3);
    if (store_kind_of(s) == STORE_SQLITE) {
        assert_gov_ok(store_begin(s, &D), err);
        assert_int_equal(store_renew(s, &half, anew, 1, &D), GOV_E_BUG);
        forget();
        store_rollback(s);
    }
    for (int64_t i = 0; i < BATCH; i++)
        doubled[i] = 2 * i;
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_renew(s, &whole, anew, BATCH, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    check_batch(s, 2);

    /* one key that is not there: all or nothing */
    assert_gov_ok(store_begin(s, &D), err);
    ids[5] = 100000;
    gov_status rc = store_many(s, &change, add_up, BATCH, &D);
    if (rc == GOV_OK)
        rc = store_flush(s, &D);
    assert_int_equal(rc, GOV_E_CONFLICT);
    forget();
    ids[5] = 5;
    store_rollback(s);
    assert_gov_ok(store_begin(s, &D), err);
    rc = store_bulk(s, &shape, in, BATCH, &D);
    if (rc == GOV_OK)
        rc = store_flush(s, &D);
    assert_int_equal(rc, GOV_E_EXISTS);
    forget();
    store_rollback(s);
    check_batch(s, 2);
    store_close(s);
}

/* ---- run, hooks, epochs ---- */

typedef struct script {
    store *s;
    int calls, fail_times;
    gov_status fail_with;
    int64_t id;
} script;

static gov_status body(void *user, const diag *d)
{
    script *x = user;
    x->calls++;
    const gov_status rc = add(x->s, x->id, x->id == 1 ? "one" : "more");
    if (rc != GOV_OK)
        return rc;
    if (x->calls <= x->fail_times)
        return base_fail(d, M_bad_argument, A_S("what", "test"));
    return GOV_OK;
}

static gov_status outer(void *user, const diag *d)
{
    script *x = user;
    script inner = {.s = x->s, .fail_times = 1, .id = 2};
    assert_gov_ok(body(x, d), err);
    assert_int_equal(store_run(x->s, body, &inner, d), GOV_E_ARG);
    forget();
    assert_int_equal(count(x->s), 1);
    assert_gov_ok(store_run(x->s, body, &inner, d), err);
    return GOV_OK;
}

static void test_run(void **state)
{
    store *s = fresh(state);
    script x = {.s = s, .fail_times = 1, .id = 1};
    assert_int_equal(store_run(s, body, &x, &D), GOV_E_ARG);
    forget();
    assert_int_equal(x.calls, 1);
    assert_int_equal(count(s), 0);
    assert_gov_ok(store_run(s, outer, &x, &D), err);
    assert_int_equal(count(s), 2);
    assert_false(store_in_transaction(s));
    store_close(s);
}

typedef struct heard {
    char text[256];
    store *s;
    gov_status answer;
} heard;

static void note(heard *h, const char *what, int depth)
{
    const size_t len = strlen(h->text);
    snprintf(h->text + len, sizeof h->text - len, "%s%d ", what, depth);
}

static gov_status hear_commit(void *user, const diag *d)
{
    heard *h = user;
    note(h, "before", store_depth(h->s));
    if (h->answer != GOV_OK)
        return base_fail(d, M_bad_argument, A_S("what", "hook"));
    return add(h->s, 50, "by the hook");
}
static void hear_savepoint(void *user, int depth)
{
    note(user, "open", depth);
}
static void hear_released(void *user, int depth)
{
    note(user, "keep", depth);
}
static void hear_undone(void *user, int depth)
{
    note(user, "undo", depth);
}
static void hear_committed(void *user)
{
    note(user, "done", 0);
}

static void test_hooks(void **state)
{
    store *s = fresh(state);
    heard h = {.s = s};
    const store_hook hook = {hear_commit, hear_savepoint, hear_released,
                             hear_undone, hear_committed, &h};
    assert_gov_ok(store_add_hook(s, &hook, &D), err);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_savepoint(s, &D), err);
    assert_gov_ok(store_savepoint(s, &D), err);
    assert_gov_ok(store_rollback_to(s, &D), err);
    assert_gov_ok(store_release(s, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_string_equal(h.text, "open2 open3 undo3 keep2 before1 done0 ");
    assert_int_equal(count(s), 1);
    h.text[0] = '\0';
    h.answer = GOV_E_ARG;
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(add(s, 1, "a"), err);
    assert_int_equal(store_commit(s, &D), GOV_E_ARG);
    forget();
    assert_string_equal(h.text, "before1 undo1 ");
    assert_int_equal(count(s), 1);
    store_remove_hook(s, &h);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_string_equal(h.text, "before1 undo1 ");
    store_close(s);
}

static void test_two_connections(void **state)
{
    support_store *at = support_store_of(state);
    store *a = fresh(state), *b = open_with(at->url, 0, 2);
    const uint64_t before = store_epoch(b);
    assert_gov_ok(store_begin(a, &D), err);
    assert_gov_ok(add(a, 1, "a"), err);
    assert_gov_ok(store_flush(a, &D), err);
    assert_int_equal(count(b), 0);
    if (store_kind_of(a) == STORE_SQLITE) {
        assert_int_equal(store_begin(b, &D), GOV_E_BUSY);
        assert_int_equal(store_error_class(b), STORE_LOCKED);
        forget();
        assert_true(store_epoch(b) == before);
    }
    /* a reader keeps its snapshot */
    assert_gov_ok(store_begin_read(b, &D), err);
    assert_int_equal(count(b), 0);
    assert_gov_ok(store_commit(a, &D), err);
    assert_int_equal(count(b), 0);
    store_rollback(b);
    assert_int_equal(count(b), 1);
    assert_true(store_epoch(b) != before);
    const uint64_t own = store_epoch(a);
    if (store_kind_of(a) == STORE_SQLITE) {
        assert_gov_ok(store_begin(a, &D), err);
        assert_gov_ok(add(a, 2, "b"), err);
        assert_gov_ok(store_commit(a, &D), err);
        assert_true(store_epoch(a) == own);
    }
    assert_gov_ok(store_begin(a, &D), err);
    const uint64_t inside = store_epoch(a);
    assert_true(store_epoch(a) == inside);
    store_rollback(a);
    assert_true(store_epoch(a) != inside);
    store_close(a);
    store_close(b);
}

/* Who makes a store keeps out only those who make the same one, not its neighbours on the server. */
static void test_two_creators(void **state)
{
    support_store *at = support_store_of(state);
    char url[512];
    store *a = NULL, *b = NULL;
    support_store_another(at, "neighbour", url);
    store_config config = {.url = at->url, .flags = STORE_CREATE, .busy_ms = -1};
    assert_gov_ok(store_open(&base_malloc, &config, &a, &D), err);
    assert_gov_ok(store_begin(a, &D), err);
    assert_int_equal(store_schema_state(a, both, 2, &D), GOV_END);
    store_close(open_with(url, STORE_CREATE, 2));
    config.migrations = both;
    config.migration_count = 2;
    assert_int_equal(store_open(&base_malloc, &config, &b, &D), GOV_E_BUSY);
    forget();
    store_close(a);
    store_close(open_with(at->url, STORE_CREATE, 2));
}

/* ---- ids ---- */

static void test_ids(void **state)
{
    support_store *at = support_store_of(state);
    store *a = fresh(state), *b = open_with(at->url, 0, 2);
    int64_t last = 0, id = 0;
    for (int i = 0; i < 10; i++) {
        store *s = i % 2 == 0 ? a : b;
        assert_gov_ok(store_begin(s, &D), err);
        if (store_kind_of(s) == STORE_POSTGRES)
            store_seen_id(s, last);
        for (int k = 0; k < 9000; k++) {
            assert_gov_ok(store_new_id(s, REAL_MS - i, &id, &D), err);
            assert_true(id > last);
            last = id;
        }
        assert_gov_ok(store_commit(s, &D), err);
    }
    assert_true(store_id_ms(last) >= REAL_MS && store_id_ms(last) < REAL_MS + 1000);
    store_close(b);
    b = open_with(at->url, 0, 2);
    assert_gov_ok(store_begin(b, &D), err);
    if (store_kind_of(b) == STORE_POSTGRES)
        store_seen_id(b, last);
    assert_gov_ok(store_new_id(b, REAL_MS + 100000, &id, &D), err);
    assert_int_equal(store_id_ms(id), REAL_MS + 100000);
    assert_int_equal(store_new_id(b, 5, &last, &D), GOV_E_RANGE);
    forget();
    store_rollback(b);
    assert_int_equal(store_new_id(b, REAL_MS, &last, &D), GOV_E_BUG);
    forget();
    store_close(a);
    store_close(b);
}

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

static char *make_file(char path[512], char **dir)
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

static void test_broken_disk(void **state)
{
    (void)state;
    failing_disk(SQLITE_IOERR_WRITE, false, GOV_E_STORE);
    failing_disk(SQLITE_IOERR_FSYNC, true, GOV_E_STORE);
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

/* Two writers of one row: the second is told that it is locked. */
typedef struct crossing {
    store *s, *rival;
    int tries;
} crossing;

static gov_status cross(void *user, const diag *d)
{
    static const store_sql bump = {
        "UPDATE gov_test_thing SET amount = amount + 1 WHERE community = $1 AND id = $2", 0};
    crossing *x = user;
    if (x->tries++ == 0) {
        /* the rival holds row 1: GOV_E_BUSY, which is not run again */
        return store_post(x->s, &bump, STORE_ARGS(store_i(1), store_i(1)), 1, d);
    }
    return GOV_OK;
}

static void test_row_lock(void **state)
{
    support_store *at = support_store_of(state);
    static const store_sql lock = {"SELECT id FROM gov_test_thing WHERE community = $1 AND id = $2",
                                   STORE_LOCK};
    static const store_sql skip_locked = {
        "SELECT id FROM gov_test_thing WHERE community = $1 ORDER BY id", STORE_LOCK_SKIP};
    int64_t id = 0;
    store *s = fresh(state), *rival = open_with(at->url, 0, 2);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(add(s, 1, "a"), err);
    assert_gov_ok(add(s, 2, "b"), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov_ok(store_begin(rival, &D), err);
    assert_gov_ok(store_first_int(rival, &lock, STORE_ARGS(store_i(1), store_i(1)), &id, &D), err);
    crossing x = {s, rival, 0};
    assert_int_equal(store_run(s, cross, &x, &D), GOV_E_BUSY);
    assert_int_equal(store_error_class(s), STORE_LOCKED);
    forget();
    if (store_kind_of(s) == STORE_POSTGRES) {
        assert_gov_ok(store_begin(s, &D), err);
        assert_gov_ok(store_first_int(s, &skip_locked, STORE_ARGS(store_i(1)), &id, &D), err);
        assert_int_equal(id, 2);
        store_rollback(s);
    }
    store_rollback(rival);
    x.tries = 0;
    assert_gov_ok(store_run(s, cross, &x, &D), err);
    store_close(s);
    store_close(rival);
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
        STORE_TESTS(test_round_trip),
        STORE_TESTS(test_parameters),
        STORE_TESTS(test_refused_values),
        STORE_TESTS(test_dynamic),
        STORE_TESTS(test_savepoints),
        STORE_TESTS(test_spoilt),
        STORE_TESTS(test_classes),
        STORE_TESTS(test_exec_and_returning),
        STORE_TESTS(test_bulk_and_many),
        STORE_TESTS(test_run),
        STORE_TESTS(test_hooks),
        STORE_TESTS(test_two_connections),
        STORE_TESTS(test_two_creators),
        STORE_TESTS(test_ids),
        STORE_TESTS(test_versions),
        STORE_TESTS(test_meta),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_backup),
        STORE_TESTS(test_lost_server),
        STORE_TESTS(test_moved_file),
        STORE_TESTS(test_row_lock),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_full_disk_from_the_start),
        STORE_TEST(test_limited_file, "sqlite"),
        STORE_TEST(test_only_to_read, "sqlite"),
        STORE_TESTS(test_lost_parts),
        cmocka_unit_test(test_broken_disk),
        cmocka_unit_test(test_oom),
        cmocka_unit_test(test_oom_malloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
