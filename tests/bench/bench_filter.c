/* Lists over 100,000 cases and 100,000 residents, beside bare SQLite that runs a statement written by hand and reads the same rows: by a
 * filter in CEL that few cases pass, by one that most pass, in an order from the beginning and from the middle; and the way from the text
 * of a filter to the store's statement alone. */
#include "bench/common/bench.h"
#include "bench/common/files.h"

#include "case/live.h"

#include <gov.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char rules_text[] =
    "rulebook: bench\nversion: '1'\ntime_zone: Asia/Shanghai\nlanguages: [en]\n"
    "---\n"
    "record: resident\n"
    "fields:\n"
    "  birth_year: {type: int, indexed: true}\n"
    "---\n"
    "workflow: complaint\n"
    "fields:\n"
    "  category: {type: string, one_of: [noise, leak, parking, lift], indexed: true}\n"
    "  urgency: {type: int, min: 1, max: 5, indexed: true}\n"
    "  description: {type: string}\n"
    "clocks:\n"
    "  answer: {starts: [here], stops: [gone], budget: 2 days}\n"
    "events: {end: {by: []}}\n"
    "states:\n"
    "  here: {on: {end: gone}}\n"
    "  gone: {type: final, outcome: done}\n";

enum { CASES = 100000, PAGE = 50, ORDERED_PAGE = 100, MIDDLE = 50000, STRIDE = 1000 };
#define NOW_US INT64_C(1772413200000000)

static char folder[256], store_path[300], rules_path[300];
static gov *g;
static sqlite3 *bare;
static int64_t community_id, unit_id;

typedef struct question {
    const char *kind;  /* of records; NULL: of cases */
    const char *where, *order;
    const char *sql;   /* the same by hand: ?1 community, ?2 unit, ?3 now, ?4 and ?5 the row before: word or instant, and id */
    const char *before; /* finds that row; NULL: from the beginning */
    int page;
    sqlite3_stmt *stmt, *clocks;
    char cursor[200]; /* of the same place */
} question;

static bool run_sql(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK)
        return true;
    fprintf(stderr, "bench_filter: %s\n", why != NULL ? why : "?");
    sqlite3_free(why);
    return false;
}

/* One resident is put, the others are its copies with other years. */
static bool fill_residents(sqlite3 *db, int64_t id)
{
    char sql[2000];
    snprintf(sql, sizeof sql,
             "BEGIN;"
             "CREATE TEMP TABLE n AS WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d) SELECT i, 1920 + i * 7919 "
             "%% 1000 %% 90 AS year FROM k;"
             "INSERT INTO gov_record SELECT community, id + i, kind, 'r' || i, name, parent, grid, unit, '{\"birth_year\":' || year || "
             "',\"name\":\"A resident\"}', changed_us FROM gov_record r, n WHERE r.id = %lld;"
             "INSERT INTO gov_record_word SELECT community, kind, 'birth_year', 'i8' || printf('%%015x', year), id + i FROM gov_record r, n "
             "WHERE r.id = %lld;"
             "COMMIT; DROP TABLE n",
             CASES - 1, (long long)id, (long long)id);
    return run_sql(db, sql);
}

/* One case is opened, the others are its copies with other values. */
static bool fill(sqlite3 *db, int64_t id)
{
    char sql[3000];
    snprintf(sql, sizeof sql,
             "BEGIN;"
             "CREATE TEMP TABLE n AS WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d) SELECT i, i * 7919 %% "
             "1000 AS r FROM k;"
             "INSERT INTO gov_case SELECT c.community, c.id + i, '2026-9' || i, workflow, rules, opened_us - i * 60000000, CASE WHEN r %% 3 "
             "= 0 THEN NULL ELSE opened_us END, state, NULL, grid, CASE WHEN r < 200 THEN %lld END, staff, reporter, parent, link, "
             "source, outside_number, flags, '{\"category\":\"' || CASE r %% 4 WHEN 0 THEN 'noise' WHEN 1 THEN 'leak' WHEN 2 THEN "
             "'parking' ELSE 'lift' END || '\",\"description\":\"a text of some length that stands in every case\",\"urgency\":' || (r "
             "/ 4 %% 5 + 1) || '}', steps, former, holders, changed_us, entered FROM gov_case c, n WHERE c.id = %lld;"
             "INSERT INTO gov_case_word SELECT c.community, 'category', 's' || CASE r %% 4 WHEN 0 THEN 'noise' WHEN 1 THEN 'leak' WHEN "
             "2 THEN 'parking' ELSE 'lift' END, c.id + i FROM gov_case c, n WHERE c.id = %lld;"
             "INSERT INTO gov_case_word SELECT c.community, 'urgency', 'i800000000000000' || (r / 4 %% 5 + 1), c.id + i FROM gov_case "
             "c, n WHERE c.id = %lld;"
             "INSERT INTO gov_case_clock SELECT k.community, k.case_id + i, name, state, origin_us, since_us, due_us - i * 60000000, "
             "stopped_us, breached_us, unit, budget, used, extensions, extended, fired, provisional, account FROM gov_case_clock k, n "
             "WHERE k.case_id = %lld;"
             "COMMIT; DROP TABLE n; ANALYZE",
             CASES - 1, (long long)unit_id, (long long)id, (long long)id, (long long)id, (long long)id);
    return run_sql(db, sql);
}

static bool open_all(void)
{
    gov_error *err = NULL;
    return told(gov_open(store_path, NULL, &g, &err), &err) && told(gov_act_as_host(g, "bench", &err), &err) &&
           told(gov_set_now(g, NOW_US, &err), &err) &&
           sqlite3_open_v2(store_path, &bare, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
           run_sql(bare, "PRAGMA cache_size = -32768");
}

static bool make(void)
{
    gov_error *err = NULL;
    gov_rulebook *book = NULL;
    gov_store *made = NULL;
    gov_options o;
    int64_t id = 0, resident = 0;
    gov_value *fields = gov_value_new_map(NULL), *unit = gov_value_new_map(NULL), *person = gov_value_new_map(NULL);
    FILE *f = fopen(rules_path, "w");
    gov_options_init(&o, sizeof o);
    o.flags = GOV_OPEN_CREATE | GOV_OPEN_RELAXED;
    if (f == NULL || fputs(rules_text, f) < 0 || fclose(f) != 0)
        return false;
    (void)gov_value_set_string(unit, "name", "Menders");
    (void)gov_value_set_string(person, "name", "A resident");
    (void)gov_value_set_int(person, "birth_year", 1940);
    (void)gov_value_set_string(fields, "category", "noise");
    (void)gov_value_set_int(fields, "urgency", 1);
    bool fine = told(gov_rulebook_load(NULL, rules_path, 0, &book, &err), &err) &&
                told(gov_store_open(store_path, &o, &made, &err), &err) &&
                told(gov_community_create(made, NULL, book, NULL, &err), &err) && told(gov_attach(made, NULL, &g, &err), &err) &&
                told(gov_act_as_host(g, "bench", &err), &err) && told(gov_set_now(g, NOW_US, &err), &err) &&
                told(gov_record_put(g, "unit", "U1", unit, &unit_id, &err), &err) &&
                told(gov_record_put(g, "resident", "r0", person, &resident, &err), &err) &&
                told(gov_case_open(g, "complaint", fields, NULL, &id, &err), &err);
    community_id = fine ? g->community : 0;
    gov_free(g);
    g = NULL;
    gov_store_free(made);
    gov_rulebook_free(book);
    gov_value_free(fields);
    gov_value_free(unit);
    gov_value_free(person);
    sqlite3 *db = NULL;
    fine = fine && sqlite3_open(store_path, &db) == SQLITE_OK &&
           sqlite3_create_collation(db, "C", SQLITE_UTF8, NULL, NULL) == SQLITE_OK && fill_residents(db, resident) && fill(db, id);
    sqlite3_close(db);
    return fine && open_all();
}

static bool prepare(void *user)
{
    (void)user;
    return g != NULL || make();
}

/* ---- a page ---- */

static bool ask(const question *q, const char *cursor, uint32_t limit, gov_value **page)
{
    gov_error *err = NULL;
    if (q->kind != NULL) {
        const gov_record_query query = {
            .size = sizeof query, .where = q->where, .order = q->order, .cursor = cursor, .limit = limit};
        return told(gov_record_list(g, q->kind, &query, page, &err), &err);
    }
    gov_case_query query;
    gov_case_query_init(&query, sizeof query);
    query.where = q->where;
    query.order = q->order;
    query.cursor = cursor;
    query.limit = limit;
    return told(gov_case_list(g, &query, page, &err), &err);
}

static bool ours_page(void *user)
{
    const question *q = user;
    gov_value *page = NULL;
    const bool fine = ask(q, q->cursor[0] != '\0' ? q->cursor : NULL, (uint32_t)q->page, &page) &&
                      gov_value_count(gov_value_get(page, q->kind != NULL ? "records" : "cases")) == (size_t)q->page;
    gov_value_free(page);
    return fine;
}

/* To the middle in large strides, once. */
static bool prepare_ours(void *user)
{
    question *q = user;
    if (!prepare(NULL))
        return false;
    if (q->before == NULL || q->cursor[0] != '\0')
        return true;
    for (int at = 0; at < MIDDLE; at += STRIDE) {
        gov_value *page = NULL;
        if (!ask(q, at > 0 ? q->cursor : NULL, STRIDE, &page))
            return false;
        snprintf(q->cursor, sizeof q->cursor, "%s", gov_value_string(gov_value_get(page, "next"), NULL));
        gov_value_free(page);
    }
    return true;
}

static bool bind_before(const question *q)
{
    sqlite3_stmt *stmt = NULL;
    bool found = sqlite3_prepare_v2(bare, q->before, -1, &stmt, NULL) == SQLITE_OK && sqlite3_bind_int64(stmt, 1, community_id) == SQLITE_OK &&
                 sqlite3_step(stmt) == SQLITE_ROW;
    found = found && sqlite3_bind_value(q->stmt, 4, sqlite3_column_value(stmt, 0)) == SQLITE_OK &&
            sqlite3_bind_value(q->stmt, 5, sqlite3_column_value(stmt, 1)) == SQLITE_OK;
    sqlite3_finalize(stmt);
    return found;
}

static bool prepare_bare(void *user)
{
    question *q = user;
    if (!prepare(NULL))
        return false;
    if (q->stmt != NULL)
        return true;
    return sqlite3_prepare_v2(bare, q->sql, -1, &q->stmt, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(bare, "SELECT * FROM gov_case_clock WHERE community = ?1 AND case_id = ?2", -1, &q->clocks, NULL) ==
               SQLITE_OK &&
           (q->before == NULL || bind_before(q));
}

static uint64_t read_row(sqlite3_stmt *stmt)
{
    uint64_t sum = 0;
    for (int i = 0; i < sqlite3_column_count(stmt); i++)
        sum += (uint64_t)sqlite3_column_bytes(stmt, i);
    return sum;
}

static bool floor_page(void *user)
{
    question *q = user;
    uint64_t sum = 0;
    int rows = 0;
    sqlite3_bind_int64(q->stmt, 1, community_id);
    sqlite3_bind_int64(q->stmt, 2, unit_id);
    sqlite3_bind_int64(q->stmt, 3, NOW_US);
    for (; sqlite3_step(q->stmt) == SQLITE_ROW; rows++) {
        sum += read_row(q->stmt);
        if (q->kind != NULL)
            continue;
        sqlite3_bind_int64(q->clocks, 1, community_id);
        sqlite3_bind_int64(q->clocks, 2, sqlite3_column_int64(q->stmt, 1));
        while (sqlite3_step(q->clocks) == SQLITE_ROW)
            sum += read_row(q->clocks);
        sqlite3_reset(q->clocks);
    }
    sqlite3_reset(q->stmt);
    bench_keep(sum);
    return rows == q->page;
}

/* ---- translating ---- */

enum { TIMES = 1000 };

static bool ours_text(void *user)
{
    const question *q = user;
    for (int i = 0; i < TIMES; i++) {
        access_condition c;
        case_filter f;
        base_arena arena;
        base_arena_init(&arena, g->alloc);
        access_condition_init(&c, g->alloc, &arena);
        access_condition_value(&c, store_i(g->community));
        const gov_status status = case_filter_add(g, NULL, q->where, NULL, &c, &f, NULL);
        bench_keep(c.sql.len);
        access_condition_free(&c);
        base_arena_free(&arena);
        if (status != GOV_OK)
            return false;
    }
    return true;
}

static bool floor_text(void *user)
{
    const question *q = user;
    for (int i = 0; i < TIMES; i++) {
        sqlite3_stmt *stmt = NULL;
        if (sqlite3_prepare_v2(bare, q->sql, -1, &stmt, NULL) != SQLITE_OK)
            return false;
        sqlite3_finalize(stmt);
    }
    return true;
}

int main(int argc, char **argv)
{
    static question rare = {
        .where = "case.category == \"leak\" && case.urgency >= 4 && case.unit == \"U1\" && now - case.opened_at > duration(\"48h\")",
        .page = PAGE,
        .sql = "SELECT c.* FROM gov_case c WHERE c.community = ?1 AND c.id IN (SELECT case_id FROM gov_case_word WHERE community = ?1 AND "
               "field = 'category' AND word = 'sleak') AND c.id IN (SELECT case_id FROM gov_case_word WHERE community = ?1 AND field = "
               "'urgency' AND word >= 'i8000000000000004' AND word < 'j') AND c.unit = ?2 AND ?3 - c.opened_us > 172800000000 ORDER BY "
               "c.id LIMIT 50"};
    static question common = {
        .where = "case.urgency != 1 && (case.closed_at != null || clocks.answer.due < now)",
        .page = PAGE,
        .sql = "SELECT c.* FROM gov_case c WHERE c.community = ?1 AND c.id IN (SELECT case_id FROM gov_case_word WHERE community = ?1 AND "
               "field = 'urgency' AND word >= 'i' AND word < 'j' AND word <> 'i8000000000000001') AND (c.closed_us IS NOT NULL OR EXISTS "
               "(SELECT 1 FROM gov_case_clock k WHERE k.community = ?1 AND k.case_id = c.id AND k.name = 'answer' AND k.due_us < ?3)) "
               "ORDER BY c.id LIMIT 50"};
    static question orders[] = {
        {.order = "case.urgency desc",
         .page = ORDERED_PAGE,
         .sql = "SELECT c.* FROM gov_case_word w JOIN gov_case c ON c.community = ?1 AND c.id = w.case_id WHERE w.community = ?1 AND "
                "w.field = 'urgency' ORDER BY w.word DESC, w.case_id DESC LIMIT 100"},
        {.order = "case.urgency desc",
         .page = ORDERED_PAGE,
         .before = "SELECT word, case_id FROM gov_case_word WHERE community = ?1 AND field = 'urgency' ORDER BY word DESC, case_id DESC "
                   "LIMIT 1 OFFSET 49999",
         .sql = "SELECT c.* FROM gov_case_word w JOIN gov_case c ON c.community = ?1 AND c.id = w.case_id WHERE w.community = ?1 AND "
                "w.field = 'urgency' AND (w.word, w.case_id) < (?4, ?5) ORDER BY w.word DESC, w.case_id DESC LIMIT 100"},
        {.order = "case.opened_at",
         .page = ORDERED_PAGE,
         .sql = "SELECT c.* FROM gov_case c WHERE c.community = ?1 ORDER BY c.opened_us, c.id LIMIT 100"},
        {.kind = "resident",
         .order = "it.birth_year",
         .page = ORDERED_PAGE,
         .sql = "SELECT r.* FROM gov_record_word w JOIN gov_record r ON r.community = ?1 AND r.id = w.id WHERE w.community = ?1 AND w.kind "
                "= 'resident' AND w.field = 'birth_year' ORDER BY w.word, w.id LIMIT 100"},
        {.kind = "resident",
         .order = "it.birth_year",
         .page = ORDERED_PAGE,
         .before = "SELECT word, id FROM gov_record_word WHERE community = ?1 AND kind = 'resident' AND field = 'birth_year' ORDER BY word, "
                   "id LIMIT 1 OFFSET 49999",
         .sql = "SELECT r.* FROM gov_record_word w JOIN gov_record r ON r.community = ?1 AND r.id = w.id WHERE w.community = ?1 AND w.kind "
                "= 'resident' AND w.field = 'birth_year' AND (w.word, w.id) > (?4, ?5) ORDER BY w.word, w.id LIMIT 100"},
    };
    static const char *const endings[] = {"", "-wal", "-shm"};
    const char *tmp = getenv("TMPDIR");
    if (sodium_init() < 0)
        return 1;
    snprintf(folder, sizeof folder, "%s/gov-bench-filter-%ld", tmp != NULL ? tmp : "/tmp", (long)getpid());
    (void)mkdir(folder, 0700);
    snprintf(store_path, sizeof store_path, "%s/store.gov", folder);
    snprintf(rules_path, sizeof rules_path, "%s/rulebook.yaml", folder);
    const bench_case cases[] = {
        {.name = "filter: 50 of few among 100,000",
         .unit = "ms",
         .work = 1,
         .ours = {prepare_ours, ours_page, NULL, NULL, &rare},
         .floor = {prepare_bare, floor_page, NULL, NULL, &rare},
         .floor_name = "bare SQLite"},
        {.name = "filter: 50 of most among 100,000",
         .unit = "ms",
         .work = 1,
         .ours = {prepare_ours, ours_page, NULL, NULL, &common},
         .floor = {prepare_bare, floor_page, NULL, NULL, &common},
         .floor_name = "bare SQLite"},
        {.name = "order: 100 cases by urgency",
         .unit = "ms",
         .work = 1,
         .ours = {prepare_ours, ours_page, NULL, NULL, &orders[0]},
         .floor = {prepare_bare, floor_page, NULL, NULL, &orders[0]},
         .floor_name = "bare SQLite"},
        {.name = "order: the same from the middle",
         .unit = "ms",
         .work = 1,
         .ours = {prepare_ours, ours_page, NULL, NULL, &orders[1]},
         .floor = {prepare_bare, floor_page, NULL, NULL, &orders[1]},
         .floor_name = "bare SQLite"},
        {.name = "order: 100 cases by a column",
         .unit = "ms",
         .work = 1,
         .ours = {prepare_ours, ours_page, NULL, NULL, &orders[2]},
         .floor = {prepare_bare, floor_page, NULL, NULL, &orders[2]},
         .floor_name = "bare SQLite"},
        {.name = "order: 100 residents by year",
         .unit = "ms",
         .work = 1,
         .ours = {prepare_ours, ours_page, NULL, NULL, &orders[3]},
         .floor = {prepare_bare, floor_page, NULL, NULL, &orders[3]},
         .floor_name = "bare SQLite"},
        {.name = "order: the same from their middle",
         .unit = "ms",
         .work = 1,
         .ours = {prepare_ours, ours_page, NULL, NULL, &orders[4]},
         .floor = {prepare_bare, floor_page, NULL, NULL, &orders[4]},
         .floor_name = "bare SQLite"},
        {.name = "filter: from CEL to SQL",
         .unit = "us",
         .work = TIMES,
         .ours = {prepare, ours_text, NULL, NULL, &rare},
         .floor = {prepare_bare, floor_text, NULL, NULL, &rare},
         .floor_name = "SQLite compiling the SQL"},
    };
    const int rc = bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
    gov_free(g);
    sqlite3_finalize(rare.stmt);
    sqlite3_finalize(rare.clocks);
    sqlite3_finalize(common.stmt);
    sqlite3_finalize(common.clocks);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        sqlite3_finalize(orders[i].stmt);
        sqlite3_finalize(orders[i].clocks);
    }
    sqlite3_close(bare);
    for (size_t i = 0; i < 3; i++) {
        char name[320];
        snprintf(name, sizeof name, "%s%s", store_path, endings[i]);
        (void)unlink(name);
    }
    (void)unlink(rules_path);
    (void)rmdir(folder);
    return rc;
}
