/* Room store: what both engines promise alike. */
#include "support/store_things.h"
#include "support/support.h"

#include "store/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const store_sql delete_thing = {
    "DELETE FROM gov_test_thing WHERE community = $1 AND id = $2", 0};

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

/* ---- a file that is moved under an open store ---- */

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
        STORE_TESTS(test_row_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
