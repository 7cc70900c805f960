/* Nobody changes records, cases, points, hours or money by hand without being found: every column of every table that concerns them, as the schema
 * has them, is changed in turn with plain SQL, and verifying names the table and the row each time. */
#include "case/case.h"
#include "fund/fund.h"
#include "ledger/ledger.h"
#include "points/points.h"
#include "registry/registry.h"
#include "support/community.h"
#include "timebank/timebank.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns that may be changed without a word, and why. */
static const struct {
    const char *table, *column, *why;
} free_columns[] = {
    {"gov_ledger_book", "version",
     "it tells other connections only that their copies are stale; nothing is counted with it"},
    {"gov_ledger_book", "due_us",
     "too early costs the ledger one look; that it may not be too late has a test of its own"},
    {"gov_case_timer", "id", "it orders what is due at one instant"},
    {"gov_case_timer", "provisional", "it is shown; whether an instant rests on a missing year is reckoned by the calendar"},
    {"gov_case_timer", "reason", "a text for people; the journal has it, too"},
    {"gov_case_timer", "turn", "it bounds circles, and is gone with the instant"},
};
/* Tables that have no row to compare with, and why. */
static const struct {
    const char *table, *why;
} free_tables[] = {
    {"gov_case_clock", "every column has a test of its own: test_case_clock_verify"},
    {"gov_case_request", "only so that a call that is repeated gets its first answer"},
};

enum { MOST_GOVS = 96 };

typedef struct swept {
    gov *g[MOST_GOVS];
    size_t count;
    gov_store *homes[6];
    size_t home_count;
    int changed, columns, missed;
} swept;

/* ---- plain SQL ---- */

typedef struct plain {
    gov *g;
    const char *sql;
    const store_arg *args;
    size_t n;
    int64_t changed;
} plain;

static gov_status plain_body(void *user, const diag *d)
{
    plain *p = user;
    const store_sql sql = {p->sql, STORE_DYNAMIC};
    return store_exec(p->g->store, &sql, p->args, p->n, &p->changed, d);
}

static bool execute(gov *g, const char *sql, const store_arg *args, size_t n)
{
    plain p = {g, sql, args, n, 0};
    return store_run(g->store, plain_body, &p, &(diag){&base_malloc, NULL}) == GOV_OK &&
           p.changed == 1;
}

/* ---- one column of one row ---- */

typedef struct target {
    gov *g;
    const store_table *table;
    const store_column *column;
    char where[256]; /* "$2 = id ..." */
    store_arg key[4];
    size_t key_count;
    char row[512]; /* as a finding names it; "": it names the table alone */
    store_arg old;
    int texts; /* of the key */
} target;

static void keys_of(target *t, char *list, size_t size, const char *format)
{
    size_t len = 0;
    list[0] = '\0';
    t->key_count = 0;
    for (const char *p = strchr(t->table->key, ','); p != NULL; p = strchr(p, ',')) {
        p += strspn(p, ", ");
        len += (size_t)snprintf(list + len, size - len, format, (int)strcspn(p, ","), p,
                                (int)t->key_count + 2);
        t->key_count++;
    }
}

static store_arg copy_text(const void *p, size_t len)
{
    char *copy = calloc(1, len + 2);
    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, p, len);
    return store_t(copy, len);
}

static bool key_is_text(const target *t, size_t i)
{
    const char *p = strchr(t->table->key, ',');
    for (;; p = strchr(p, ',')) {
        p += strspn(p, ", ");
        if (i-- > 0)
            continue;
        for (const store_column *c = t->table->columns; c->name != NULL; c++)
            if (strlen(c->name) == strcspn(p, ",") && strncmp(p, c->name, strcspn(p, ",")) == 0)
                return c->type == STORE_TEXT;
        return false;
    }
}

static void free_target(target *t)
{
    free((void *)(uintptr_t)t->old.p);
    for (size_t i = 0; i < t->key_count; i++)
        free((void *)(uintptr_t)t->key[i].p);
}

/* The first row of g in which the column is null, or is not. */
static bool find_row(target *t, gov *g, bool null)
{
    char sql[1024], names[256];
    store_rows rows;
    t->g = g;
    keys_of(t, names, sizeof names, ", %.*s");
    (void)snprintf(
        sql, sizeof sql,
        "SELECT %s%s FROM %s WHERE community = $1 AND %s IS %sNULL ORDER BY community%s LIMIT 1",
        t->column->name, names, t->table->name, t->column->name, null ? "" : "NOT ", names);
    const store_sql q = {sql, STORE_DYNAMIC};
    const gov_status rc = store_first(g->store, &q, STORE_ARGS(store_i(g->community)), &rows,
                                      &(diag){&base_malloc, NULL});
    if (rc != GOV_OK)
        return false;
    size_t len = 0, used = 0;
    t->old = store_n(t->column->type);
    if (!null && (t->column->type == STORE_INT || t->column->type == STORE_BOOL)) {
        t->old = store_i(store_int(&rows, 0));
    } else if (!null) {
        const void *p = t->column->type == STORE_TEXT ? store_text(&rows, 0, &len)
                                                      : store_bytes(&rows, 0, &len);
        t->old = copy_text(p, len);
        if (t->column->type == STORE_BYTES)
            t->old = store_b(t->old.p, len);
    }
    for (size_t i = 0; i < t->key_count; i++) {
        const bool text = key_is_text(t, i);
        const char *p = text ? store_text(&rows, (int)i + 1, &len) : NULL;
        t->key[i] = text ? copy_text(p, len) : store_i(store_int(&rows, (int)i + 1));
        t->texts += text;
        used += (size_t)snprintf(t->row + used, sizeof t->row - used, "%s%lld", i > 0 ? ", " : "",
                                 (long long)t->key[i].i);
    }
    if (t->key_count == 0)
        (void)snprintf(t->row, sizeof t->row, "%lld", (long long)g->community);
    store_rows_close(&rows);
    return true;
}

static bool put(target *t, store_arg now, bool back, const store_arg *at)
{
    char sql[1024], where[512];
    store_arg args[8] = {store_i(t->g->community)};
    keys_of(t, where, sizeof where, " AND %.*s = $%d");
    (void)snprintf(sql, sizeof sql, "UPDATE %s SET %s = $%zu WHERE community = $1%s",
                   t->table->name, t->column->name, t->key_count + 2, where);
    if (strcmp(t->column->name, "community") == 0 && back)
        args[0] = *at;
    for (size_t i = 0; i < t->key_count; i++)
        args[1 + i] = t->key[i];
    /* A row whose key was changed is found again under the new one. */
    const char *p = strchr(t->table->key, ',');
    for (size_t i = 0; back && i < t->key_count; i++, p = strchr(p, ',')) {
        p += strspn(p, ", ");
        if (strlen(t->column->name) == strcspn(p, ",") &&
            strncmp(p, t->column->name, strcspn(p, ",")) == 0)
            args[1 + i] = *at;
    }
    args[1 + t->key_count] = now;
    return execute(t->g, sql, args, t->key_count + 2);
}

/* Another value that the schema lets in. */
static bool change(target *t, store_arg *now, char bytes[static 70000])
{
    static const int64_t steps[] = {1, -1, 1000003, -1000003, 3};
    const bool number = t->column->type == STORE_INT || t->column->type == STORE_BOOL;
    for (size_t i = 0; number && i < sizeof steps / sizeof *steps; i++) {
        *now = store_i((int64_t)((uint64_t)t->old.i + (uint64_t)steps[i]));
        if (put(t, *now, false, NULL))
            return true;
    }
    if (number || t->old.len > 69990)
        return false;
    if (t->old.len > 0)
        memcpy(bytes, t->old.p, t->old.len);
    if (t->column->type == STORE_TEXT) {
        bytes[t->old.len] = 'x';
        *now = store_t(bytes, t->old.len + 1);
    } else {
        bytes[t->old.len > 0 ? t->old.len - 1 : 0] ^= 1;
        *now = store_b(bytes, t->old.len > 0 ? t->old.len : 1);
    }
    return put(t, *now, false, NULL);
}

static bool is_free(const target *t)
{
    for (size_t i = 0; i < sizeof free_columns / sizeof *free_columns; i++)
        if (strcmp(free_columns[i].table, t->table->name) == 0 &&
            strcmp(free_columns[i].column, t->column->name) == 0)
            return true;
    return false;
}

/* The finding says where: the table and the row, as it was or as it was made. */
static bool found(target *t, const char *now_row)
{
    gov_error *err = NULL;
    const gov_status status = gov_verify(t->g, NULL, NULL, NULL, &err);
    const char *text = status != GOV_OK ? gov_error_message(err, 0, "en") : "nothing was found";
    char row[560], other[560];
    (void)snprintf(row, sizeof row, ", row %s:", t->row);
    (void)snprintf(other, sizeof other, ", row %s:", now_row);
    /* Rules that are not whole, and a community without its own, are refused before anything is compared. */
    const bool refused = status != GOV_OK && (strcmp(t->table->name, "gov_rules") == 0 ||
                                              strcmp(t->table->name, "gov_community") == 0);
    const bool right =
        refused || ((status == GOV_E_VERIFY || status == GOV_E_CORRUPT) &&
                    strstr(text, t->table->name) != NULL &&
                    (t->texts > 0 || strstr(text, row) != NULL || strstr(text, other) != NULL));
    if (!right)
        print_message("%s.%s of row %s: %s\n", t->table->name, t->column->name, t->row, text);
    gov_error_free(err);
    return right;
}

static bool try_row(swept *s, target *t)
{
    static char bytes[70000];
    store_arg now = {0};
    memset(bytes, 0, sizeof bytes);
    if (!change(t, &now, bytes)) {
        print_message("%s.%s cannot be changed\n", t->table->name, t->column->name);
        return false;
    }
    /* The key under which the row now stands. */
    target moved = *t;
    const char *p = strchr(t->table->key, ',');
    size_t used = 0;
    for (size_t i = 0; i < t->key_count; i++, p = strchr(p, ',')) {
        p += strspn(p, ", ");
        const bool this = strlen(t->column->name) == strcspn(p, ",") &&
                          strncmp(p, t->column->name, strcspn(p, ",")) == 0;
        used += (size_t)snprintf(moved.row + used, sizeof moved.row - used, "%s%lld",
                                 i > 0 ? ", " : "", (long long)(this ? now.i : t->key[i].i));
    }
    const bool right = found(t, moved.row);
    assert_true(put(t, t->old, true, &now));
    s->changed++;
    return right;
}

static void sweep_column(swept *s, const store_table *table, const store_column *column)
{
    int rows = 0;
    for (int null = 0; null < 2; null++) {
        target t = {.table = table, .column = column};
        if (is_free(&t) || (null && !column->nullable)) {
            rows += is_free(&t);
            continue;
        }
        for (size_t i = 0; i < s->count; i++) {
            if (!find_row(&t, s->g[i], null != 0))
                continue;
            rows++;
            s->missed += !try_row(s, &t);
            free_target(&t);
            break;
        }
    }
    if (rows == 0) {
        print_message("no row of %s to change %s in\n", table->name, column->name);
        s->missed++;
    }
    s->columns++;
}

static bool is_free_table(const store_table *t)
{
    for (size_t i = 0; i < sizeof free_tables / sizeof *free_tables; i++)
        if (strcmp(free_tables[i].table, t->name) == 0)
            return true;
    return false;
}

/* Every column of every table of that schema; a new one is tried as soon as it is there. */
static void sweep(swept *s, const store_migration *schema)
{
    gov_error *err = NULL;
    for (const store_table *const *t = schema->create; *t != NULL; t++)
        for (const store_column *c = (*t)->columns; c->name != NULL; c++)
            if (!is_free_table(*t))
                sweep_column(s, *t, c);
    print_message("%s: %d columns, %d changes, %d not found\n", schema->room, s->columns,
                  s->changed, s->missed);
    for (size_t i = 0; i < s->count; i++)
        assert_gov_ok(gov_verify(s->g[i], NULL, NULL, NULL, &err), err);
    assert_int_equal(s->missed, 0);
}

/* ---- communities to change ---- */

static void add_store(swept *s, const char *url)
{
    gov_error *err = NULL;
    gov_store *home = NULL;
    gov_value *names = NULL;
    gov_options o;
    gov_options_init(&o, sizeof o);
    assert_gov_ok(gov_store_open(url, &o, &home, &err), err);
    s->homes[s->home_count++] = home;
    assert_gov_ok(gov_community_list(home, &names, &err), err);
    for (size_t i = 0; i < gov_value_count(names) && s->count < MOST_GOVS; i++) {
        gov *g = NULL;
        assert_gov_ok(
            gov_attach(home, gov_value_string(gov_value_get(gov_value_at(names, i), "name"), NULL),
                       &g, &err),
            err);
        assert_gov_ok(gov_act_as_host(g, "test", &err), err);
        s->g[s->count++] = g;
    }
    gov_value_free(names);
}

static void play(const char *cases, const char *url)
{
    gov_error *err = NULL;
    gov_value *report = NULL;
    const gov_scenario_options o = {.size = sizeof o, .url = url};
    assert_gov_ok(gov_scenarios_run(NULL, support_source(cases), &o, NULL, NULL, &report, &err),
                  err);
    assert_int_equal(gov_value_int(gov_value_get(report, "failed")), 0);
    gov_value_free(report);
}

static void free_all(swept *s)
{
    for (size_t i = 0; i < s->count; i++)
        gov_free(s->g[i]);
    for (size_t i = 0; i < s->home_count; i++)
        gov_store_free(s->homes[i]);
}

static gov_value *run(community *c, const char *name, const char *json, const char *message)
{
    gov_error *err = NULL;
    gov_value *in = community_json(json), *out = NULL;
    if (message != NULL)
        assert_int_equal(gov_value_set_string(in, "message", message), GOV_OK);
    assert_gov_ok(gov_operation_run(c->g, name, in, NULL, &out, &err), err);
    gov_value_free(in);
    return out;
}

static void points_are_safe(void **state)
{
    support_store *s = support_store_of(state);
    swept all = {.count = 0};
    play("tests/cases/points", s->url);
    add_store(&all, s->url);
    sweep(&all, &points_schema);
    free_all(&all);
}

static void funds_are_safe(void **state)
{
    support_store *s = support_store_of(state);
    swept all = {.count = 0};
    play("tests/cases/fund", s->url);
    add_store(&all, s->url);
    sweep(&all, &fund_schema);
    free_all(&all);
}

/* ---- records and rules, cases ---- */

static gov_status open_imported(void *user, const diag *d)
{
    community *c = user;
    const value_pair fields[] = {{value_text("category"), value_text("noise")}};
    const value flags[] = {value_text("late")};
    int64_t unit = 0, grid = 0, resident = 0;
    gov_status status = registry_lookup(c->g, "unit", "u", 1, &unit, d);
    if (status == GOV_OK)
        status = registry_lookup(c->g, "grid", "A", 1, &grid, d);
    if (status == GOV_OK)
        status = registry_lookup(c->g, "resident", "r", 1, &resident, d);
    const case_opening o = {.workflow = "complaint", .fields = value_map(fields, 1), .reporter = resident, .grid = grid,
                            .unit = unit, .source = "12345", .number = "N-1", .content = 77, .flags = value_list(flags, 1)};
    return status == GOV_OK ? case_open(c->g, &o, NULL, d) : status;
}

/* What scenarios do not have: a case that an import brought, and a grid with its outline. */
static void import_a_case(const char *url)
{
    gov_error *err = NULL;
    gov_rulebook *book = community_rulebook(community_rules);
    community c;
    assert_gov_ok(community_try(url, book, NULL, &c, &err), err);
    gov_rulebook_free(book);
    community_put(&c, "grid", "A", "{'name': 'A', 'geometry': {'type': 'Polygon', 'coordinates': [[[120.0, 30.0], [120.1, "
                                   "30.0], [120.1, 30.1], [120.0, 30.0]]]}}");
    community_put(&c, "unit", "u", "{'name': 'u'}");
    community_put(&c, "resident", "r", "{'name': 'r', 'grid': 'A'}");
    community_put(&c, "staff", "s", "{'name': 's', 'roles': ['handler'], 'unit': 'u'}");
    assert_gov_ok(store_run(c.g->store, open_imported, &c, &(diag){&base_malloc, &err}), err);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

/* A deadline, an escalation, and a notice that is still public. */
static void leave_waiting(const char *url)
{
    static const char rules[] =
        "rulebook: waiting\nversion: '1'\ntime_zone: Asia/Shanghai\n---\nworkflow: notice\n"
        "clocks: {answer: {starts: [shown], stops: [over], budget: 3 days, marks: {100%: late}}}\n"
        "states:\n  shown:\n    entry: [{publish: {id: notice, for: 7 days, text: 公示}}]\n"
        "    after: {delay: 2 days, do: [{raise: hurry}]}\n    on: {notice.done: over, late: {}, hurry: {}}\n  over: {type: final}\n";
    gov_error *err = NULL;
    gov_rulebook *book = community_rulebook(rules);
    community c;
    int64_t id;
    assert_gov_ok(community_try(url, book, NULL, &c, &err), err);
    gov_rulebook_free(book);
    assert_gov_ok(gov_case_open(c.g, "notice", NULL, NULL, &id, &err), err);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

static void live_there(const char *url, const char *other_url)
{
    play("tests/cases/scenarios/family", url);
    play("tests/cases/scenarios/effects", url);
    play("tests/cases/scenarios/versions", url);
    import_a_case(other_url);
}

static void records_and_cases_are_safe(void **state)
{
    support_store *s = support_store_of(state);
    swept all = {.count = 0};
    char other[512], waiting[512];
    support_store_another(s, "other", other);
    support_store_another(s, "waiting", waiting);
    live_there(s->url, other);
    leave_waiting(waiting);
    add_store(&all, other);
    add_store(&all, waiting);
    add_store(&all, s->url);
    sweep(&all, &registry_schema);
    all.columns = all.changed = 0;
    sweep(&all, &case_schema);
    free_all(&all);
}

/* Each of these is done to a store of its own, and found. */
static void take_away(void **state, const char *const (*drops)[2], size_t count, bool waiting)
{
    support_store *s = support_store_of(state);
    for (size_t i = 0; i < count; i++) {
        char name[32], url[512];
        swept all = {.count = 0};
        gov_error *err = NULL;
        bool done = false;
        (void)snprintf(name, sizeof name, "d%zu", i);
        support_store_another(s, name, url);
        if (waiting)
            leave_waiting(url);
        else
            play("tests/cases/scenarios/family", url);
        add_store(&all, url);
        for (size_t k = 0; k < all.count && !done; k++) {
            done = execute(all.g[k], drops[i][0], STORE_ARGS(store_i(all.g[k]->community)));
            if (!done)
                continue;
            assert_gov(GOV_E_VERIFY, gov_verify(all.g[k], NULL, NULL, NULL, &err), err);
            if (strstr(gov_error_message(err, 0, "en"), drops[i][1]) == NULL)
                fail_msg("%s: %s", drops[i][0], gov_error_message(err, 0, "en"));
            gov_error_free(err);
        }
        assert_true(done);
        free_all(&all);
    }
}

/* One row each of these tables that is taken away, by number. */
static void nothing_is_taken_away(void **state)
{
    static const char *const drops[][2] = {
        {"DELETE FROM gov_record WHERE community = $1 AND id = (SELECT max(id) FROM gov_record WHERE community = $1)", "gov_record, row"},
        {"DELETE FROM gov_record_word WHERE community = $1 AND word = (SELECT max(word) FROM gov_record_word WHERE community = $1)", "gov_record_word"},
        {"DELETE FROM gov_case WHERE community = $1 AND id = (SELECT max(id) FROM gov_case WHERE community = $1)", "gov_case, row"},
        {"DELETE FROM gov_case_link WHERE community = $1 AND id = (SELECT max(id) FROM gov_case_link WHERE community = $1)", "gov_case_link, row"},
        {"DELETE FROM gov_case_number WHERE community = $1 AND source = '' AND number = (SELECT max(number) FROM gov_case_number WHERE "
         "community = $1 AND source = '')", "gov_case_number, row"},
        {"DELETE FROM gov_case_counter WHERE community = $1", "gov_case_counter, row"},
        {"DELETE FROM gov_case_word WHERE community = $1 AND case_id = (SELECT max(case_id) FROM gov_case_word WHERE community = $1)",
         "gov_case_word"},
    };
    take_away(state, drops, sizeof drops / sizeof *drops, false);
}

/* A deadline that was taken from the queue, put off or set aside by hand would pass in silence. */
static void nothing_that_waits_is_taken_away(void **state)
{
    static const char *const drops[][2] = {
        {"DELETE FROM gov_case_timer WHERE community = $1 AND case_id = (SELECT max(case_id) FROM gov_case_timer WHERE community = $1 AND name LIKE 'a@%') "
         "AND name LIKE 'a@%'", "gov_case_timer, row"},
        {"DELETE FROM gov_case_timer WHERE community = $1 AND case_id > 0 AND name = (SELECT max(name) FROM gov_case_timer WHERE community = $1 AND "
         "name LIKE 'm:%')", "gov_case_timer, row"},
        {"DELETE FROM gov_case_effect WHERE community = $1 AND case_id = (SELECT max(case_id) FROM gov_case_effect WHERE community = $1)",
         "gov_case_effect, row"},
        {"UPDATE gov_case_timer SET due_us = due_us + 86400000000 WHERE community = $1 AND case_id = (SELECT max(case_id) FROM gov_case_timer WHERE "
         "community = $1 AND kind = 1) AND kind = 1", "gov_case_timer, row"},
        {"UPDATE gov_case_timer SET parked = 1 WHERE community = $1 AND case_id = (SELECT max(case_id) FROM gov_case_timer WHERE "
         "community = $1 AND kind = 1) AND kind = 1", "gov_case_timer, row"},
    };
    take_away(state, drops, sizeof drops / sizeof *drops, true);
}

/* What no step can have written is damage, for readers too. */
static void a_state_that_is_none_is_damage(void **state)
{
    static const char *const changes[] = {"UPDATE gov_case SET state = 'zzz' WHERE community = $1 AND id = $2",
                                          "UPDATE gov_case SET workflow = 'zzz' WHERE community = $1 AND id = $2"};
    static const store_sql first = {"SELECT id FROM gov_case WHERE community = $1 ORDER BY id LIMIT 1", 0};
    support_store *s = support_store_of(state);
    swept all = {.count = 0};
    gov_error *err = NULL;
    gov_value *out = NULL;
    play("tests/cases/scenarios/family", s->url);
    add_store(&all, s->url);
    for (size_t i = 0; i < 2; i++) {
        int64_t id = 0;
        gov *g = NULL;
        for (size_t k = all.count; k-- > 0 && id == 0;) {
            g = all.g[k];
            (void)store_first_int(g->store, &first, STORE_ARGS(store_i(g->community)), &id, NULL);
        }
        assert_true(id != 0);
        assert_true(execute(g, changes[i], STORE_ARGS(store_i(g->community), store_i(id))));
        assert_gov(GOV_E_CORRUPT, gov_case_get(g, id, &out, &err), err);
        assert_diag(err, 0, "store_corrupt", -1, -1);
        gov_error_free(err);
        err = NULL;
        assert_true(execute(g, "DELETE FROM gov_case WHERE community = $1 AND id = $2", STORE_ARGS(store_i(g->community), store_i(id))));
    }
    free_all(&all);
}

/* ---- two communities that exchange hours ---- */

static void clear_hours(const char *url, const char *other_url)
{
    static const char *const names[] = {"east", "west"};
    static const char text[] =
        "rulebook: tiny\nversion: '1'\ntime_zone: Asia/Shanghai\n---\ntime_bank: hours\nledger: 3\n"
        "skills: {company: {}}\n";
    gov_error *err = NULL;
    gov_rulebook *book = community_rulebook(text);
    community c[2];
    char secret[2][129], public[2][65], json[1024], *message = NULL;
    for (int i = 0; i < 2; i++) {
        uint8_t seed[32], pub[32], sec[64];
        memset(seed, 7 + i, sizeof seed);
        assert_int_equal(crypto_sign_seed_keypair(pub, sec, seed), 0);
        sodium_bin2hex(secret[i], sizeof secret[i], sec, sizeof sec);
        sodium_bin2hex(public[i], sizeof public[i], pub, sizeof pub);
        assert_gov_ok(community_try(i == 0 ? url : other_url, book, NULL, &c[i], &err), err);
        community_put(&c[i], "resident", names[i], "{'name': 'x'}");
    }
    gov_rulebook_free(book);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(
            json, sizeof json,
            "{'name': '%s', 'as': '%s', 'public_key': '%s', 'most_owed': 900, 'most_claimed': 900}",
            names[1 - i], names[i], public[1 - i]);
        gov_value_free(run(&c[i], "timebank.peer", json, NULL));
    }
    gov_value_free(
        run(&c[0], "timebank.offer",
            "{'resident': 'east', 'skill': 'company', 'from': '2026-03-05T09:00', 'until': "
            "'2026-03-05T12:00', 'place': {'lat': 31.2, 'lon': 121.4}, 'note': 'x'}",
            NULL));
    (void)snprintf(json, sizeof json,
                   "{'activity': 'x', 'skill': 'company', 'volunteers': ['east'], 'minutes': 500}");
    gov_value_free(run(&c[0], "timebank.group", json, NULL));
    static const char *const to[] = {"west", "nobody", "west"};
    for (int k = 0; k < 3; k++) {
        (void)
            snprintf(json, sizeof json,
                     "{'peer': 'west', 'resident': 'east', 'to': '%s', 'minutes': 30, 'key': '%s'}",
                     to[k], secret[0]);
        gov_value *out = run(&c[0], "timebank.send_hours", json, NULL);
        for (int side = 1; k < 2; side = 1 - side) { /* the last one stays on its way */
            const gov_value *said =
                gov_value_get(out, side == 1 && message == NULL ? "message" : "answer");
            free(message);
            message = said != NULL && gov_value_kind(said) == GOV_VALUE_STRING
                          ? strdup(gov_value_string(said, NULL))
                          : NULL;
            gov_value_free(out);
            if (message == NULL)
                break;
            (void)snprintf(json, sizeof json, "{'key': '%s'}", secret[side]);
            out = run(&c[side], "timebank.receive", json, message);
        }
        if (k == 2)
            gov_value_free(out);
    }
    community_free(&c[0]);
    community_free(&c[1]);
}

static void hours_are_safe(void **state)
{
    support_store *s = support_store_of(state);
    swept all = {.count = 0};
    char east[512], west[512];
    play("tests/cases/timebank", s->url);
    support_store_another(s, "east", east);
    support_store_another(s, "west", west);
    clear_hours(east, west);
    add_store(&all, s->url);
    add_store(&all, east);
    add_store(&all, west);
    sweep(&all, &timebank_schema);
    free_all(&all);
}

/* ---- the ledger ---- */

static const char money[] = "rulebook: tiny\nversion: '1'\ntime_zone: Asia/Shanghai\n";

static void transfer(community *c, const gov_transfer *t, size_t n, int32_t want)
{
    gov_error *err = NULL;
    gov_ledger_result r[64];
    assert_gov_ok(gov_ledger_transfer(c->g, t, n, r, &err), err);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(r[i].code, want);
}

/* One of everything that a ledger knows. */
static void use_a_ledger(const char *url)
{
    enum { A = 101, B, CLOSED, HOLDER, SHOP, BROKEN };
    gov_error *err = NULL;
    gov_rulebook *book = community_rulebook(money);
    community c;
    gov_ledger_result r[8];
    assert_gov_ok(community_try(url, book, NULL, &c, &err), err);
    gov_rulebook_free(book);
    const gov_account accounts[] = {
        {.id = A, .ledger = 1, .code = 1, .subject = 5, .reference = 6, .reason = 7},
        {.id = B,
         .ledger = 1,
         .code = 2,
         .min_balance = -1000,
         .max_balance = 100000,
         .warn_min = -900,
         .warn_max = 9000,
         .flags = GOV_ACCOUNT_MIN_BALANCE | GOV_ACCOUNT_MAX_BALANCE | GOV_ACCOUNT_WARN_MIN |
                  GOV_ACCOUNT_WARN_MAX},
        {.id = CLOSED, .ledger = 1, .code = 2},
        {.id = BROKEN, .ledger = 1, .code = 9},
        {.id = HOLDER,
         .ledger = 1,
         .code = 3,
         .breakage = BROKEN,
         .flags = GOV_ACCOUNT_LOTS | GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS},
        {.id = SHOP, .ledger = 1, .code = 4}};
    assert_gov_ok(gov_ledger_create_accounts(c.g, accounts, 6, r, &err), err);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(r[i].code, GOV_LEDGER_CREATED);
    gov_value *cap = community_json("{'ledger': 1, 'number': 1, 'account': 102, 'code': 2, "
                                    "'reason': 3, 'per': 'month', 'amount': 5000}"),
              *note = community_json("{'says': 'x'}");
    assert_gov_ok(gov_ledger_cap_set(c.g, cap, &err), err);
    assert_gov_ok(gov_ledger_note_put(c.g, "account", A, note, &err), err);
    gov_value_free(cap);
    gov_value_free(note);
    gov_transfer many[40];
    for (int i = 0; i < 40; i++) /* enough for histories of both */
        many[i] =
            (gov_transfer){.id = 1001 + i,
                           .debit_account = A,
                           .credit_account = B,
                           .amount = 10 + i,
                           .ledger = 1,
                           .code = 1,
                           .reason = 3,
                           .subject = i % 3,
                           .effective_at = i % 5 == 0 ? COMMUNITY_START - 1000000 * i - 1 : 0};
    transfer(&c, many, 40, GOV_LEDGER_CREATED);
    for (int i = 0; i < 40; i++)
        many[i].id += 100;
    transfer(&c, many, 40, GOV_LEDGER_CREATED);
    const int64_t year = INT64_C(31536000000000);
    const gov_transfer some[] = {
        {.id = 2001,
         .debit_account = A,
         .credit_account = B,
         .amount = 5,
         .ledger = 1,
         .code = 1,
         .flags = GOV_TRANSFER_PENDING,
         .timeout = 60},
        {.id = 2002,
         .debit_account = A,
         .credit_account = B,
         .amount = 6,
         .ledger = 1,
         .code = 1,
         .flags = GOV_TRANSFER_PENDING},
        {.id = 2003,
         .debit_account = A,
         .credit_account = B,
         .amount = 7,
         .ledger = 1,
         .code = 1,
         .flags = GOV_TRANSFER_PENDING},
        {.id = 2004,
         .debit_account = A,
         .credit_account = B,
         .amount = 8,
         .ledger = 1,
         .code = 1,
         .flags = GOV_TRANSFER_PENDING,
         .timeout = 9999},
        {.id = 2005,
         .debit_account = A,
         .credit_account = CLOSED,
         .ledger = 1,
         .code = 1,
         .flags = GOV_TRANSFER_PENDING | GOV_TRANSFER_CLOSING_CREDIT},
        {.id = 2006,
         .pending_id = 2002,
         .amount = 4,
         .ledger = 1,
         .flags = GOV_TRANSFER_POST_PENDING},
        {.id = 2007, .pending_id = 2003, .ledger = 1, .flags = GOV_TRANSFER_VOID_PENDING},
        {.id = 2008, .reversal_of = 1001, .amount = 3, .ledger = 1},
        {.id = 2009, .reversal_of = 1001, .amount = 2, .ledger = 1},
        {.id = 2010,
         .debit_account = A,
         .credit_account = HOLDER,
         .amount = 100,
         .ledger = 1,
         .code = 1,
         .expires_at = COMMUNITY_START + year},
        {.id = 2011,
         .debit_account = A,
         .credit_account = HOLDER,
         .amount = 50,
         .ledger = 1,
         .code = 1,
         .expires_at = COMMUNITY_START + 50000000},
        {.id = 2012,
         .debit_account = HOLDER,
         .credit_account = SHOP,
         .amount = 70,
         .ledger = 1,
         .code = 1},
        {.id = 2013,
         .debit_account = HOLDER,
         .credit_account = SHOP,
         .amount = 20,
         .ledger = 1,
         .code = 1,
         .flags = GOV_TRANSFER_PENDING},
        {.id = 2014, .pending_id = 2013, .ledger = 1, .flags = GOV_TRANSFER_VOID_PENDING},
        {.id = 2015, .reversal_of = 2012, .amount = 25, .ledger = 1}};
    transfer(&c, some, 15, GOV_LEDGER_CREATED);
    const gov_transfer poor = {.id = 3001,
                               .debit_account = HOLDER,
                               .credit_account = SHOP,
                               .amount = 9999,
                               .ledger = 1,
                               .code = 1};
    transfer(&c, &poor, 1, GOV_LEDGER_EXCEEDS_CREDITS);
    (void)community_advance(&c, 30); /* something expires, a reservation and a lot */
    const gov_transfer last = {
        .id = 3002, .debit_account = A, .credit_account = B, .amount = 1, .ledger = 1, .code = 1};
    transfer(&c, &last, 1, GOV_LEDGER_CREATED);
    int64_t own;
    assert_gov_ok(gov_ledger_new_ids(c.g, 1, &own, &err), err);
    const gov_transfer native = {.id = own,
                                 .debit_account = A,
                                 .credit_account = B,
                                 .amount = 1,
                                 .ledger = 1,
                                 .code = 1,
                                 .flags = GOV_TRANSFER_PENDING};
    transfer(&c, &native, 1, GOV_LEDGER_CREATED);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

static void the_ledger_is_safe(void **state)
{
    support_store *s = support_store_of(state);
    swept all = {.count = 0};
    char other[512];
    support_store_another(s, "other", other);
    use_a_ledger(s->url);
    play("tests/cases/points", other);
    add_store(&all, s->url);
    add_store(&all, other);
    static const char later[] = "UPDATE gov_ledger_book SET due_us = due_us + 1000000000 WHERE "
                                "community = $1 AND ledger = $2",
                      back[] = "UPDATE gov_ledger_book SET due_us = due_us - 1000000000 WHERE "
                               "community = $1 AND ledger = $2";
    gov_error *err = NULL;
    assert_true(execute(all.g[0], later, STORE_ARGS(store_i(all.g[0]->community), store_i(1))));
    assert_gov(GOV_E_VERIFY, gov_verify(all.g[0], NULL, NULL, NULL, &err), err);
    assert_non_null(strstr(gov_error_message(err, 0, "en"), "gov_ledger_book, row 1: due_us"));
    gov_error_free(err);
    assert_true(execute(all.g[0], back, STORE_ARGS(store_i(all.g[0]->community), store_i(1))));
    sweep(&all, &ledger_schema);
    free_all(&all);
}

/* ---- a row that is gone, and one that was never made ---- */

static void rows_do_not_come_and_go(void **state)
{
    support_store *s = support_store_of(state);
    swept all = {.count = 0};
    gov_error *err = NULL;
    play("tests/cases/fund", s->url);
    add_store(&all, s->url);
    int64_t id = 0;
    gov *g = NULL;
    static const store_sql pick = {
        "SELECT id FROM gov_fund_entry WHERE community = $1 ORDER BY id LIMIT 1", 0};
    for (size_t i = 0; i < all.count && id == 0; i++) {
        g = all.g[i];
        (void)store_first_int(g->store, &pick, STORE_ARGS(store_i(g->community)), &id, NULL);
    }
    assert_true(id != 0);
    static const char copy[] = "INSERT INTO gov_fund_entry (community, id, pot, kind, state, item, "
                               "amount, party, party_name, named, note, "
                               "made_by, made_us, decided_by, decided_us, at_us, case_id, effect) "
                               "SELECT community, id + 1, pot, kind, 3, item, "
                               "amount, party, party_name, named, note, made_by, made_us, "
                               "decided_by, decided_us, NULL, case_id, effect FROM "
                               "gov_fund_entry WHERE community = $1 AND id = $2";
    static const char drop[] = "DELETE FROM gov_fund_entry WHERE community = $1 AND id = $2";
    assert_true(execute(g, copy, STORE_ARGS(store_i(g->community), store_i(id))));
    assert_gov(GOV_E_VERIFY, gov_verify(g, NULL, NULL, NULL, &err), err);
    assert_diag(err, 0, "row_unknown", -1, -1);
    gov_error_free(err);
    err = NULL;
    assert_true(execute(g, drop, STORE_ARGS(store_i(g->community), store_i(id + 1))));
    assert_gov_ok(gov_verify(g, NULL, NULL, NULL, &err), err);
    assert_true(execute(g, drop, STORE_ARGS(store_i(g->community), store_i(id))));
    assert_gov(GOV_E_VERIFY, gov_verify(g, NULL, NULL, NULL, &err), err);
    assert_diag(err, 0, "row_gone", -1, -1);
    gov_error_free(err);
    free_all(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(points_are_safe),         STORE_TESTS(funds_are_safe),
        STORE_TESTS(hours_are_safe),          STORE_TESTS(the_ledger_is_safe),
        STORE_TESTS(rows_do_not_come_and_go), STORE_TESTS(records_and_cases_are_safe),
        STORE_TESTS(nothing_is_taken_away),
        STORE_TESTS(nothing_that_waits_is_taken_away),
        STORE_TESTS(a_state_that_is_none_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
