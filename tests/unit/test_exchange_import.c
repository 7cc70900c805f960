/* Imports: what an office's files become in a community, on both stores. */
#include "support/community.h"
#include "support/faulty.h"
#include "support/import_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- again, further, changed ---- */

static void a_second_import_adds_nothing(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char lines[64];
    put_requests(s,
                 "A1,2026-03-02 09:05,噪音,2,,30.1,120.1,\nA2,x,噪音,2,,30.1,120.1,\nA3,2026-03-02 "
                 "09:07,漏水,2,,30.1,120.1,\n"
                 "A4,2026-03-02 09:08,漏水,7,,30.1,120.1,\n");
    gov_import_result r = import_fine(&c, s, "requests.map.yaml");
    assert_int_equal(r.added, 2);
    char *before = contents(c.g);
    r = import_fine(&c, s, "requests.map.yaml");
    assert_int_equal(r.rows, 4);
    assert_int_equal(r.added, 0);
    assert_int_equal(r.unchanged, 2);
    assert_int_equal(r.refused, 2);
    refused_lines(s, lines, sizeof lines); /* told again */
    assert_string_equal(lines, "3 5");
    char *after = contents(c.g);
    assert_string_equal(before, after);
    free(before);
    free(after);
    community_free(&c);
}

static void a_file_that_grew_or_changed(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    put_requests(
        s, "A1,2026-03-02 09:05,噪音,2,,30.1,120.1,\nA2,2026-03-02 09:06,噪音,2,,30.1,120.1,\n");
    (void)import_fine(&c, s, "requests.map.yaml");
    put_requests(
        s, "A1,2026-03-02 09:05,噪音,2,,30.1,120.1,\nA2,2026-03-02 09:06,噪音,2,,30.1,120.1,\n"
           "A3,2026-03-02 09:09,噪音,2,,30.1,120.1,\n");
    gov_import_result r = import_fine(&c, s, "requests.map.yaml");
    assert_int_equal(r.added, 1);
    assert_int_equal(r.flagged, 0);
    assert_int_equal(r.unchanged, 2);
    put_requests(
        s, "A0,2026-03-02 09:00,噪音,2,,30.1,120.1,\nA1,2026-03-02 09:05,噪音,2,,30.1,120.1,\n"
           "A2,2026-03-02 09:06,噪音,2,,30.1,120.1,\nA3,2026-03-02 09:09,噪音,2,,30.1,120.1,\n");
    r = import_fine(&c, s, "requests.map.yaml");
    assert_int_equal(r.added, 1);
    assert_int_equal(r.unchanged, 3);
    assert_flags(&c, "A0", "[\"out_of_order\"]");
    put_requests(s, "A0,2026-03-02 09:00,噪音,2,,30.1,120.1,\n"); /* shorter than it was */
    r = import_fine(&c, s, "requests.map.yaml");
    assert_int_equal(r.unchanged, 1);
    assert_int_equal(r.rows, 1);
    community_free(&c);
}

static void records_are_replaced_by_changed_rows(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    put_file(s, "staff.map.yaml",
             "import: staff\nfile: staff.csv\ncolumns:\n  code: id\n  name: name\n"
             "  roles: {column: roles, type: list, separator: ';', translate: {派单: dispatcher, "
             "承办: handler}}\n"
             "  unit: unit\n  active: {column: active, translate: {在职: true, 离职: false}}\n"
             "  phone: {value: '12345'}\nkey: code\n");
    put_file(s, "staff.csv",
             "id,name,roles,unit,active\nS1,甲,派单;承办,U1,在职\nS2,乙,承办,U1,在职\nS3,丙,扫地,"
             "U1,在职\nS4,丁,承办,U7,在职\n");
    gov_import_result r = import_fine(&c, s, "staff.map.yaml");
    assert_int_equal(r.added, 2);
    assert_int_equal(r.refused, 2);
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_record_get(c.g, "staff", "S1", &v, &err), err);
    assert_json_at(v, "roles", "[\"dispatcher\",\"handler\"]");
    assert_text_at(v, "unit", "U1");
    assert_text_at(v, "phone", "12345");
    gov_value_free(v);
    put_file(s, "staff.csv", "id,name,roles,unit,active\nS1,甲,派单,U1,在职\nS2,乙,承办,U1,在职\n");
    r = import_fine(&c, s, "staff.map.yaml");
    assert_int_equal(r.changed, 1);
    assert_int_equal(r.unchanged, 1);
    community_free(&c);
}

/* ---- time ---- */

static const char city_rules[] =
    "rulebook: city\n"
    "version: '1'\n"
    "languages: [en]\n"
    "time_zone: America/New_York\n"
    "roles: {worker: {}}\n"
    "permissions: {case.open: [worker]}\n"
    "---\n"
    "workflow: request\n"
    "fields:\n"
    "  target: {type: timestamp}\n"
    "  late: {type: bool, default: false}\n"
    "events:\n"
    "  dispatch: {by: [worker], input: {unit: {type: unit, required: true}}}\n"
    "  close: {by: [worker]}\n"
    "clocks:\n"
    "  resolution: {starts: [handling.timed], stops: [closed], due: case.target, marks: {100%: "
    "overdue}}\n"
    "initial: received\n"
    "states:\n"
    "  received:\n"
    "    on:\n"
    "      dispatch:\n"
    "        - {when: has(case.target), to: handling.timed, do: [{assign: {unit: "
    "event.data.unit}}]}\n"
    "        - {to: handling.untimed, do: [{assign: {unit: event.data.unit}}]}\n"
    "  handling:\n"
    "    initial: untimed\n"
    "    states:\n"
    "      timed: {on: {overdue: {do: [{set: {late: true}}]}}}\n"
    "      untimed: {}\n"
    "    on: {close: closed}\n"
    "  closed: {type: final, outcome: closed}\n";

static const char city_map[] =
    "import: cases\n"
    "file: city.csv\n"
    "workflow: request\n"
    "columns:\n"
    "  number: id\n"
    "  opened_at: {column: opened, type: timestamp}\n"
    "  target: {column: target, blank: flag, not_before: opened_at}\n"
    "create_units: true\n"
    "life:\n"
    "  - {event: dispatch, at: opened_at, data: {unit: {column: dept}}}\n"
    "  - {event: close, at: {column: closed, type: timestamp}}\n";

static void lives_are_replayed_in_the_order_of_time(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, city_rules, NULL);
    gov_error *err = NULL;
    int64_t until = 0;
    put_file(s, "city.map.yaml", city_map);
    put_file(
        s, "city.csv",
        "id,opened,target,closed,dept\n"
        "1,2011-07-01 08:00,2011-07-05 08:00,2011-07-05 08:00:00,Parks\n" /* closed at the very instant */
        "2,2011-07-01 08:00,2011-07-05 08:00,2011-07-05 08:00:01,Parks\n" /* a second late */
        "3,2011-07-01 09:00,,2011-07-01 09:00,Roads\n"                 /* untimed, closed at once */
        "4,2011-07-02 09:00,2011-07-01 00:00,2011-07-03 09:00,Roads\n" /* due before it came */
        "5,2011-07-02 10:00,2059-01-01 00:00,,Roads\n"                 /* open */
        "6,2011-07-02 11:00,2011-07-09 00:00,2011-07-01 00:00,Roads\n" /* closed before it came */
        "7,2011-07-02 12:00,2011-07-09 00:00,,Parks\n" /* open and late in the end */
        "8,2011-07-02 13:00,,2011-07-10 00:00,\n");    /* dispatched to nobody */
    const gov_import_result r = import_fine(&c, s, "city.map.yaml");
    assert_int_equal(r.added, 8);
    assert_int_equal(r.refused, 0);
    assert_int_equal(r.flagged, 4);
    assert_int_equal(r.events, 14);
    static const struct {
        const char *number, *late, *outcome, *flags;
    } want[] = {{"1", "false", "\"closed\"", "[]"},
                {"2", "true", "\"closed\"", "[]"},
                {"3", "false", "\"closed\"", "[\"blank_target\"]"},
                {"4", "true", "\"closed\"", "[\"target_before_opened_at\"]"},
                {"5", "false", "null", "[]"},
                {"6", "false", "\"closed\"", "[\"close_before_opened_at\"]"},
                {"7", "true", "null", "[]"},
                {"8", "false", "null", "[\"blank_target\"]"}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        gov_value *v = case_of(&c, want[i].number);
        assert_json_at(v, "fields.late", want[i].late);
        assert_json_at(v, "outcome", want[i].outcome);
        assert_json_at(v, "flags", want[i].flags);
        gov_value_free(v);
    }
    gov_value *v = case_of(&c, "6");
    assert_instant_at(v, "closed_at", "2011-07-02T15:00:00Z");
    assert_text_at(v, "unit", "Roads");
    gov_value_free(v);
    assert_gov_ok(gov_replayed_until(c.g, &until, &err), err);
    assert_int_equal(
        until,
        INT64_C(1310270400000000)); /* 2011-07-10T04:00Z: the last instant in the data, not 2059 */
    assert_int_equal(gov_now(c.g), until);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, &v, &err), err);
    assert_json_at(v, "parked",
                   "2"); /* dispatched to nobody, closed in a state that knows no closing */
    gov_value_free(v);
    community_free(&c);
}

static void hours_that_come_twice_or_never(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, city_rules, NULL);
    put_file(s, "city.map.yaml", city_map);
    put_file(s, "city.csv",
             "id,opened,target,closed,dept\n"
             "1,2011-03-13 02:30,2011-03-20 00:00,,Parks\n"
             "2,2011-11-06 01:30,2011-11-20 00:00,,Parks\n"
             "3,2011-11-06 02:30,2011-11-20 00:00,,Parks\n");
    (void)import_fine(&c, s, "city.map.yaml");
    assert_flags(&c, "1", "[\"skipped_hour\"]");
    assert_flags(&c, "2", "[\"repeated_hour\"]");
    assert_flags(&c, "3", "[]");
    gov_value *v = case_of(&c, "2");
    assert_instant_at(v, "opened_at", "2011-11-06T05:30:00Z"); /* the first of the two */
    gov_value_free(v);
    community_free(&c);
}

static void files_are_merged_by_time(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    put_merge(s);
    gov_import_result r = import_fine(&c, s, "import.yaml");
    assert_int_equal(r.rows, 14);
    assert_int_equal(r.added, 7);
    assert_int_equal(r.refused, 7);
    assert_int_equal(r.events, 4);
    gov_value *v = case_of(&c, "A1");
    assert_text_at(v, "outcome", "done");
    assert_text_at(v, "unit", "U1");
    assert_json_at(v, "fields.late", "false");
    gov_value_free(v);
    v = case_of(&c, "A2");
    assert_json_at(v, "fields.late", "true");
    gov_value_free(v);
    v = case_of(&c, "A3"); /* nobody touched it for a day: the rules end it, before `until` */
    assert_text_at(v, "outcome", "forgotten");
    gov_value_free(v);
    assert_int_equal(gov_now(c.g), INT64_C(1772640000000000));
    char path[512];
    size_t len;
    char *list = support_read(support_path(path, s->dir, "refused.csv"), &len);
    assert_non_null(strstr(list, "events.csv,5,4,"));
    free(list);
    list = support_read(support_path(path, s->dir, "refused-events.csv"), &len);
    assert_non_null(strstr(list, "not json"));
    free(list);
    r = import_fine(&c, s, "import.yaml");
    assert_int_equal(r.added, 0);
    assert_int_equal(r.unchanged, 7);
    assert_int_equal(r.refused, 7);
    community_free(&c);
}

/* ---- maps ---- */

static void who_may_import(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    gov_error *err = NULL;
    gov_import_options o;
    gov_import_result r;
    put_requests(s, "A1,2026-03-02 09:05,噪音,2,,30.1,120.1,\n");
    assert_gov_ok(gov_act_as(c.g, "li", "import", &err), err);
    import_fails(&c, s, "requests.map.yaml", GOV_E_DENIED, &err);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_act_as_host(c.g, "import", &err), err);
    assert_gov_ok(gov_begin(c.g, &err), err);
    import_fails(&c, s, "requests.map.yaml", GOV_E_STATE, &err);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_rollback(c.g, &err), err);
    gov_import_options_init(&o, sizeof o);
    o.batch = 100001;
    assert_gov(GOV_E_ABI, import_with(c.g, s, "requests.map.yaml", &o, &r, &err), err);
    gov_error_free(err);
    community_free(&c);
}

static void a_dry_run_changes_nothing(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    gov_import_options o;
    gov_import_result dry, r;
    gov_error *err = NULL;
    put_merge(s);
    char *before = contents(c.g);
    const int64_t now = gov_now(c.g);
    gov_import_options_init(&o, sizeof o);
    o.flags = GOV_IMPORT_DRY_RUN;
    o.batch = 2;
    assert_gov_ok(import_with(c.g, s, "import.yaml", &o, &dry, &err), err);
    char *after = contents(c.g);
    assert_string_equal(before, after);
    assert_int_equal(gov_now(c.g), now);
    o.flags = 0;
    assert_gov_ok(import_with(c.g, s, "import.yaml", &o, &r, &err), err);
    assert_memory_equal(&dry, &r, sizeof r);
    free(before);
    free(after);
    community_free(&c);
}

/* ---- the examples ---- */

static void the_example_community(void **state)
{
    support_store *s = support_store_of(state);
    gov_error *err = NULL;
    gov_import_options o;
    gov_import_result r = {.size = sizeof r};
    community c = {0};
    char path[512];
    size_t len;
    make_example(s->url);
    assert_gov_ok(open_for(s->url, &c.g, &err), err);
    gov_import_options_init(&o, sizeof o);
    o.refused = support_path(path, s->dir, "refused.csv");
    assert_gov_ok(gov_import(c.g, support_source("examples/community/data/import.yaml"), &o, &r,
                             &err),
                  err);
    assert_int_equal(r.rows, r.added + r.unchanged + r.changed + r.refused);
    /* every wrong row stands in expected.csv with what becomes of it */
    char *refused = support_read(path, &len),
         *expected = support_read(support_source("examples/community/data/expected.csv"), &len);
    uint64_t count[3] = {0};
    char *save = NULL;
    for (char *line = strtok_r(expected, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char file[64], number[64] = "", result[32], key[256];
        int at;
        if (sscanf(line, "%63[^,],%d,%63[^,],%31[^,]", file, &at, number, result) < 4 &&
            sscanf(line, "%63[^,],%d,,%31[^,]", file, &at, result) < 3)
            continue; /* the header */
        snprintf(key, sizeof key, "%s,%d,%s,", file, at,
                 strcmp(result, "refused") == 0 && strstr(line, ",,") != NULL ? "" : number);
        if (strcmp(result, "refused") == 0)
            assert_non_null(strstr(refused, key));
        if (strcmp(result, "flagged") == 0) {
            gov_value *v = case_of(&c, number);
            assert_int_equal(gov_value_count(gov_value_get(v, "flags")), 1);
            gov_value_free(v);
        }
        count[result[2] == 'f' ? 0 : result[2] == 'a' ? 1 : 2]++;
    }
    assert_int_equal(count[0], r.refused);
    assert_int_equal(count[1], r.flagged);
    assert_int_equal(count[2], r.unchanged);
    gov_value *v = case_of(&c, "XF20260401-002"); /* a roof, over the holidays, late, supervised */
    assert_json_at(v, "fields.breached", "true");
    assert_int_equal(gov_value_count(gov_value_get(v, "links")), 1);
    gov_value_free(v);
    v = case_of(&c, "XF20260420-008");
    assert_json_at(v, "fields.rework", "1");
    assert_text_at(v, "outcome", "resolved");
    gov_value_free(v);
    free(refused);
    free(expected);
    gov_free(c.g);
}

/* Copies the first rows of the city's export. */
static void head_of_city(const char *from, const char *to, int rows)
{
    char line[8192];
    gzFile in = gzopen(from, "rb"), out = gzopen(to, "wb");
    assert_true(in != NULL && out != NULL);
    for (int i = 0; i <= rows && gzgets(in, line, sizeof line) != NULL; i++)
        assert_true(gzputs(out, line) > 0);
    gzclose(in);
    gzclose(out);
}

/* What the export says of itself: on time, late, without an answer but due, and the precinct as recorded. */
typedef struct city_count {
    int64_t on_time, late, unanswered, located, agrees;
} city_count;

static void count_city(gov *g, city_count *n)
{
    gov_case_query q;
    gov_error *err = NULL;
    char *cursor = NULL;
    gov_case_query_init(&q, sizeof q);
    do {
        gov_value *page = NULL;
        q.limit = 1000;
        q.cursor = cursor;
        assert_gov_ok(gov_case_list(g, &q, &page, &err), err);
        const gov_value *cases = gov_value_get(page, "cases");
        for (size_t i = 0; i < gov_value_count(cases); i++) {
            const gov_value *v = gov_value_at(cases, i), *f = gov_value_get(v, "fields");
            const bool late = gov_value_bool(gov_value_get(f, "breached")) != 0;
            const char *answer = gov_value_string(gov_value_get(f, "recorded_ontime"), NULL);
            const char *grid = gov_value_string(gov_value_get(v, "grid"), NULL);
            const char *recorded = gov_value_string(gov_value_get(f, "recorded_precinct"), NULL);
            if (gov_value_get(f, "target") != NULL && answer == NULL)
                n->unanswered += late;
            else if (gov_value_get(f, "target") != NULL && (strcmp(answer, "OVERDUE") == 0) == late)
                *(late ? &n->late : &n->on_time) += 1;
            if (gov_value_get(f, "place") != NULL) {
                n->located++;
                n->agrees += grid != NULL ? recorded != NULL && strcmp(grid, recorded) == 0
                                          : recorded == NULL;
            }
        }
        free(cursor);
        const char *next = gov_value_string(gov_value_get(page, "next"), NULL);
        cursor = next != NULL ? strdup(next) : NULL;
        gov_value_free(page);
    } while (cursor != NULL);
}

static void a_citys_half_year(void **state)
{
    support_store *s = support_store_of(state);
    char export[512], grids[512], copy[512];
    const bool whole = getenv("GOV_LONG") != NULL;
    snprintf(export, sizeof export, "%s",
             support_shared_or_skip("data/city311/requests_2011.csv.gz"));
    snprintf(grids, sizeof grids, "%s",
             support_shared_or_skip("data/city311/precincts_2015.geojson"));
    head_of_city(export, support_path(copy, s->dir, "requests_2011.csv.gz"), whole ? 100000 : 2500);
    size_t len;
    char *text = support_read(grids, &len);
    support_write(support_path(copy, s->dir, "precincts_2015.geojson"), text, len);
    free(text);

    gov_error *err = NULL;
    gov_rulebook *rules = NULL;
    community c;
    assert_gov_ok(gov_rulebook_load(NULL, support_source("examples/city311"), 0, &rules, &err),
                  err);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(community_try(s->url, rules, NULL, &c, &err), err);
    gov_rulebook_free(rules);
    gov_import_options o;
    gov_import_result r = {.size = sizeof r};
    gov_import_options_init(&o, sizeof o);
    o.file = s->dir;
    assert_gov_ok(gov_import(c.g, support_source("examples/city311/data/import.yaml"), &o, &r,
                             &err),
                  err);
    assert_int_equal(r.refused, 0);
    city_count n = {0};
    count_city(c.g, &n);
    if (whole) {
        assert_int_equal(r.added, 253 + 58251);
        assert_int_equal(n.on_time, 35591);
        assert_int_equal(n.late, 11521);
        assert_int_equal(n.unanswered, 158);
        assert_int_equal(n.located, 53476);
        assert_true(n.agrees >= 51965);
    } else {
        assert_int_equal(r.added, 253 + 2500);
        assert_true(n.on_time > 1000 && n.late > 100 && n.agrees * 100 > n.located * 95);
    }
    assert_gov_ok(gov_import(c.g, support_source("examples/city311/data/import.yaml"), &o, &r,
                             &err),
                  err);
    assert_int_equal(r.added + r.changed, 0);
    community_free(&c);
}

/* ---- want of memory ---- */

static gov_status import_small(const gov_allocator *alloc, void *user)
{
    support_store *s = user;
    gov_error *err = NULL;
    gov *g = NULL;
    gov_import_options o;
    gov_options open;
    char path[512], refused[512];
    gov_options_init(&open, sizeof open);
    open.alloc = alloc;
    gov_status status = gov_open(s->url, &open, &g, &err);
    gov_import_options_init(&o, sizeof o);
    o.refused = support_path(refused, s->dir, "refused.csv");
    o.flags = GOV_IMPORT_DRY_RUN; /* so that each try finds the same store */
    if (status == GOV_OK)
        status = gov_act_as_host(g, "import", &err);
    if (status == GOV_OK)
        status = gov_import(g, support_path(path, s->dir, "import.yaml"), &o, NULL, &err);
    gov_free(g);
    gov_error_free(err);
    return status;
}

static void without_memory(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    put_merge(s);
    community_free(&c);
    oom_loop(import_small, s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_second_import_adds_nothing),
        STORE_TESTS(a_file_that_grew_or_changed),
        STORE_TESTS(records_are_replaced_by_changed_rows),
        STORE_TESTS(lives_are_replayed_in_the_order_of_time),
        STORE_TESTS(hours_that_come_twice_or_never),
        STORE_TESTS(files_are_merged_by_time),
        STORE_TESTS(who_may_import),
        STORE_TESTS(a_dry_run_changes_nothing),
        STORE_TESTS(the_example_community),
        STORE_TESTS(a_citys_half_year),
        STORE_TEST(without_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
