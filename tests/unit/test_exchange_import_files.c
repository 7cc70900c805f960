/* Imports of whole files: wrong ones, zipped ones, outlines, maps with mistakes; and imports that are stopped or killed anywhere. */
#include "support/community.h"
#include "support/import_files.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

/* ---- stopped anywhere ---- */

static int32_t stop_after(uint64_t done, uint64_t total, void *user)
{
    int *left = user;
    assert_true(done <= total);
    return (*left)-- <= 0;
}

static void stopped_after_any_batch_it_goes_on(void **state)
{
    support_store *s = support_store_of(state);
    char *want = NULL;
    gov_import_result r = {0};
    bool stopped = true;
    for (int stop = -1; stop < 60 && stopped; stop++) {
        support_store other = *s;
        char name[32];
        snprintf(name, sizeof name, "stop%d", stop + 1);
        support_store_another(s, name, other.url);
        community c = make(&other);
        put_merge(s);
        gov_import_options o;
        gov_error *err = NULL;
        int left = stop;
        gov_import_options_init(&o, sizeof o);
        o.batch = 1;
        if (stop >= 0) {
            o.progress = stop_after;
            o.user = &left;
        }
        const gov_status status = import_with(c.g, s, "import.yaml", &o, &r, &err);
        stopped = status == GOV_E_USER || stop < 0;
        assert_true(status == GOV_OK || status == GOV_E_USER);
        gov_error_free(err);
        err = NULL;
        o.progress = NULL;
        assert_gov_ok(import_with(c.g, s, "import.yaml", &o, &r, &err), err);
        char *got = contents(c.g);
        if (want == NULL)
            want = got;
        else
            assert_string_equal(got, want);
        if (want != got)
            free(got);
        community_free(&c);
        if (strcmp(s->kind, "postgres") == 0)
            stop += 3; /* each has a schema of its own, and there are few */
    }
    free(want);
}

/* Imports the example community in a process of its own that is killed after so many milliseconds; 0: never. True: it ended. */
static bool import_in_child(const char *url, int ms)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        gov *g = NULL;
        gov_error *err = NULL;
        gov_import_options o;
        gov_import_options_init(&o, sizeof o);
        o.batch = 50;
        gov_status status = open_for(url, &g, &err);
        if (status == GOV_OK)
            status = gov_import(g, support_source("examples/community/data/import.yaml"), &o, NULL,
                                &err);
        if (status != GOV_OK)
            support_print_error(err);
        gov_free(g);
        _exit(status == GOV_OK ? 0 : 1);
    }
    if (ms > 0) {
        const struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
        nanosleep(&t, NULL);
        (void)kill(pid, SIGKILL);
    }
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    if (WIFEXITED(how))
        assert_int_equal(WEXITSTATUS(how), 0);
    return WIFEXITED(how);
}

static char *example_contents(const char *url)
{
    gov_error *err = NULL;
    gov *g = NULL;
    int64_t until = 0;
    assert_gov_ok(open_for(url, &g, &err), err);
    assert_gov_ok(gov_replayed_until(g, &until, &err), err);
    assert_gov_ok(gov_set_now(g, until, &err), err);
    char *all = contents(g);
    gov_free(g);
    return all;
}

static void killed_at_any_point_it_ends_the_same(void **state)
{
    support_store *s = support_store_of(state);
    char other[512];
    int kills = 0;
    make_example(s->url);
    assert_true(import_in_child(s->url, 0));
    char *want = example_contents(s->url);
    support_store_another(s, "killed", other);
    make_example(other);
    for (int ms = 15; !import_in_child(other, ms); ms += ms / 8 + 7)
        kills++;
    char *got = example_contents(other);
    assert_string_equal(got, want);
    assert_true(kills > 2);
    free(got);
    free(want);
}

/* Another process imports the same files between two batches of this one, in the middle of a file. */
static int32_t another_imports(uint64_t done, uint64_t total, void *user)
{
    const char **url = user;
    if (*url != NULL && done < total) {
        assert_true(import_in_child(*url, 0));
        *url = NULL;
    }
    return 0;
}

static void two_at_once_do_not_mix(void **state)
{
    support_store *s = support_store_of(state);
    char other[512];
    gov *g = NULL;
    gov_error *err = NULL;
    gov_import_options o;
    make_example(s->url);
    assert_true(import_in_child(s->url, 0));
    char *want = example_contents(s->url);
    support_store_another(s, "two", other);
    make_example(other);
    const char *url = other;
    gov_import_options_init(&o, sizeof o);
    o.batch = 200;
    o.progress = another_imports;
    o.user = &url;
    assert_gov_ok(open_for(other, &g, &err), err);
    assert_int_equal(gov_import(g, support_source("examples/community/data/import.yaml"), &o, NULL, &err), GOV_E_BUSY);
    assert_non_null(strstr(gov_error_message(err, 0, "en"), "another process is importing"));
    gov_error_free(err);
    gov_free(g);
    assert_true(import_in_child(other, 0)); /* there is nothing left to do */
    char *got = example_contents(other);
    assert_string_equal(got, want);
    free(got);
    free(want);
}

/* ---- files that are no tables ---- */

static void whole_files_that_are_wrong(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    gov_error *err = NULL;
    import_fails(&c, s, "requests.map.yaml", GOV_E_NOT_FOUND, &err); /* no such file */
    gov_error_free(err);
    err = NULL;
    put_file(s, "requests.csv",
             "编号,时间,类别,紧急,电话,纬度,经度\nA1,2026-03-02 09:05,噪音,2,,30.1,120.1\n");
    import_fails(&c, s, "requests.map.yaml", GOV_E_INPUT, &err);
    assert_diag(err, 0, "table_no_columns", 1, -1);
    assert_int_equal(gov_error_count(err), 1);
    gov_error_free(err);
    err = NULL;
    char map[2048];
    snprintf(map, sizeof map, "%s", requests_map);
    char *format = strstr(map, "{time_zone: Asia/Shanghai}");
    memcpy(format, "{delimiter: ';'}          ", 26);
    put_file(s, "semicolons.map.yaml", map);
    put_requests(s, "A1,2026-03-02 09:05,噪音,2,,30.1,120.1,\n");
    import_fails(&c, s, "semicolons.map.yaml", GOV_E_INPUT, &err);
    assert_int_equal(gov_error_count(err), 1);
    assert_diag(err, 0, "table_no_columns", 1, -1);
    gov_error_free(err);
    err = NULL;
    put_file(s, "requests.csv", "PK\x03\x04 and so on");
    import_fails(&c, s, "requests.map.yaml", GOV_E_INPUT, &err);
    assert_diag(err, 0, "table_workbook", -1, -1);
    gov_error_free(err);
    community_free(&c);
}

static size_t zipped_requests(support_store *s, int rows, char **out)
{
    char path[512], row[160];
    size_t size;
    unsigned seed = 7;
    gzFile z = gzopen(support_path(path, s->dir, "requests.csv"), "wb");
    assert_true(gzputs(z, head) > 0);
    for (int i = 0; i < rows; i++) {
        seed = seed * 1103515245u + 12345u;
        snprintf(row, sizeof row, "N%05d,2026-03-02 09:%02d,噪音,2,%010u,30.1,120.1,\n", i, i * 59 / rows, seed);
        assert_true(gzputs(z, row) > 0);
    }
    assert_int_equal(gzclose(z), Z_OK);
    *out = support_read(path, &size);
    return size;
}

/* What is wrong with a gzipped file is known before a row of it is taken. */
static void import_nothing(community *c, support_store *s, const char *bytes, size_t len, const char *why)
{
    char path[512];
    gov_error *err = NULL;
    gov_import_result r;
    support_write(support_path(path, s->dir, "requests.csv"), bytes, len);
    assert_gov(GOV_E_INPUT, import_with(c->g, s, "requests.map.yaml", NULL, &r, &err), err);
    assert_diag(err, 0, why, -1, -1);
    assert_int_equal(gov_error_count(err), 1);
    assert_int_equal(r.rows + r.added + r.refused, 0);
    gov_error_free(err);
}

static void zipped_file_that_is_cut_or_damaged(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char *whole, path[512];
    const int rows = 2000;
    const size_t size = zipped_requests(s, rows, &whole);
    import_nothing(&c, s, whole, size / 2, "table_zip_cut");
    import_nothing(&c, s, whole, size - 1, "table_zip_cut");
    for (int i = 1; i < 8; i++) { /* anywhere, and in the checksum and the length at the end */
        const size_t at = i < 5 ? size * (size_t)i / 5 : size - 1 - 2 * ((size_t)i - 5);
        whole[at] ^= 0x20;
        import_nothing(&c, s, whole, size, "table_zip_damaged");
        whole[at] ^= 0x20;
    }
    gov_error *err = NULL;
    gov_import_result r;
    support_write(support_path(path, s->dir, "requests.csv"), whole, size);
    assert_gov_ok(import_with(c.g, s, "requests.map.yaml", NULL, &r, &err), err);
    assert_int_equal(r.added, rows);
    assert_int_equal(r.unchanged + r.refused, 0);
    free(whole);
    community_free(&c);
}

/* Zeros may pad it, and another gzip may follow: nothing else. */
static void zipped_file_with_something_behind(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char *whole, path[512], text[64];
    const size_t size = zipped_requests(s, 3, &whole);
    char *more = malloc(size + 64);
    memcpy(more, whole, size);
    memcpy(more + size, "trailing garbage", 16);
    import_nothing(&c, s, more, size + 16, "table_zip_more");
    gov_error *err = NULL;
    gov_import_result r;
    assert_gov(GOV_E_INPUT, import_with(c.g, s, "requests.map.yaml", NULL, &r, &err), err);
    snprintf(text, sizeof text, "from byte %zu on", size + 1);
    assert_non_null(strstr(gov_error_message(err, 0, "en"), text));
    gov_error_free(err);
    err = NULL;
    memset(more + size, 0, 40);
    support_write(support_path(path, s->dir, "requests.csv"), more, size + 40);
    assert_gov_ok(import_with(c.g, s, "requests.map.yaml", NULL, &r, &err), err);
    assert_int_equal(r.added, 3);
    free(more);
    free(whole);
    community_free(&c);
}

/* From a pipe it would be read before it can be checked. */
static void zipped_data_from_a_pipe(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char *whole, path[64];
    gov_import_options o;
    gov_import_result r;
    gov_error *err = NULL;
    int ends[2];
    const size_t size = zipped_requests(s, 3, &whole);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], whole, size), (ssize_t)size);
    close(ends[1]);
    gov_import_options_init(&o, sizeof o);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    o.file = path;
    assert_gov(GOV_E_INPUT, import_with(c.g, s, "requests.map.yaml", &o, &r, &err), err);
    assert_diag(err, 0, "table_zip_pipe", -1, -1);
    assert_int_equal(r.added, 0);
    gov_error_free(err);
    close(ends[0]);
    free(whole);
    community_free(&c);
}

static void grids_from_geojson(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, community_rules, NULL);
    put_file(s, "grids.map.yaml",
             "import: grids\nfile: grids.geojson\ncolumns: {code: id, name: name}\nkey: code\n");
    put_file(s, "grids.geojson",
             "{\"type\": \"FeatureCollection\", \"features\": [\n"
             "{\"type\": \"Feature\", \"properties\": {\"id\": \"G1\", \"name\": \"one\"}, "
             "\"geometry\": {\"type\": \"Polygon\", "
             "\"coordinates\": [[[0,0],[1,0],[1,1],[0,1],[0,0]]]}},\n"
             "{\"type\": \"Feature\", \"properties\": {\"id\": \"G2\", \"name\": \"bow\"}, "
             "\"geometry\": {\"type\": \"Polygon\", "
             "\"coordinates\": [[[2,0],[3,1],[3,0],[2,1],[2,0]]]}},\n"
             "{\"type\": \"Feature\", \"properties\": {\"id\": \"G1\", \"name\": \"one\"}, "
             "\"geometry\": {\"type\": \"Polygon\", "
             "\"coordinates\": [[[5,5],[6,5],[6,6],[5,6],[5,5]]]}},\n"
             "{\"type\": \"Feature\", \"properties\": {\"id\": 7, \"name\": null}, \"geometry\": "
             "null}]}");
    gov_import_result r = import_fine(&c, s, "grids.map.yaml");
    assert_int_equal(r.rows, 4);
    assert_int_equal(r.added, 2);
    assert_int_equal(r.unchanged, 1); /* the second part of the first */
    assert_int_equal(r.refused, 1);
    char lines[64];
    refused_lines(s, lines, sizeof lines);
    assert_string_equal(lines, "3");
    const gov_point points[] = {{5000000, 5000000}, {55000000, 55000000}, {25000000, 5000000}};
    int64_t ids[3];
    gov_error *err = NULL;
    assert_gov_ok(gov_locate(c.g, points, 3, ids, &err), err);
    assert_true(ids[0] != 0 && ids[0] == ids[1] && ids[2] == 0);
    community_free(&c);
}

/* ---- maps ---- */

static void mistakes_in_maps(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    static const struct {
        const char *text, *code;
        int line, column;
    } wrong[] = {
        {"import: cases\nfile: x.csv\nworkflow: complaint\ncolumns:\n  number: a\n  categry: "
         "b\nkey: number\n",
         "unknown_name", 6, 3},
        {"import: case\nfile: x.csv\ncolumns: {a: b}\n", "unknown_name", 1, 9},
        {"import: cases\nfile: x.csv\nworkflow: complain\ncolumns: {number: b}\n", "unknown_name",
         3, 11},
        {"import: cases\nfile: x.csv\nworkflow: complaint\ncolums: {number: b}\n", "unknown_key", 4,
         1},
        {"import: cases\nfile: x.csv\ncolumns: {number: b}\n", "missing_key", 1, 1},
        {"import: cases\nfile: x.csv\nworkflow: complaint\ncolumns:\n  urgency: {column: a, type: "
         "date}\n",
         "import_type", 5, 3},
        {"import: cases\nfile: x.csv\nworkflow: complaint\ncolumns:\n  urgency: {column: a, type: "
         "dat}\n",
         "unknown_word", 5, 30},
        {"import: cases\nfile: x.csv\nworkflow: complaint\ncolumns:\n  category: {column: a, "
         "translate: {x: noice}}\n",
         "import_word", 5, 3},
        {"import: cases\nfile: x.csv\nworkflow: complaint\ncolumns: {number: a}\nkey: nummer\n",
         "unknown_name", 5, 6},
        {"import: cases\nfile: x.csv\nworkflow: complaint\ncolumns: {number: a}\nlife:\n  - "
         "{event: finsh, at: opened_at}\n",
         "unknown_name", 6, 24},
        {"import: cases\nfile: x.csv\nworkflow: complaint\ncolumns: {opened_at: a}\nlife:\n  - "
         "{event: finsh, at: opened_at}\n",
         "unknown_name", 6, 13},
        {"import: cases\nfile: x.csv\nworkflow: complaint\ncolumns: {place: {lat: a}}\n",
         "missing_key", 4, 18},
        {"import: staff\nfile: x.csv\ncolumns: {name: a}\n", "missing_key", 1, 1},
        {"import: staff\nfile: x.csv\ncolumns: {code: a, nme: b}\nkey: code\n", "unknown_name", 3,
         20},
        {"import: events\nfile: x.csv\ncolumns: {at: a, case: b}\n", "missing_key", 1, 1},
        {"import: events\nfile: x.csv\ncolumns: {at: a, case: b, event: {column: c, translate: {x: "
         "finnish}}}\n",
         "unknown_name", 3, 27},
        {"import: cases\nfile: x.csv\nworkflow: complaint\nformat: {time_zone: "
         "Mars/Olympus}\ncolumns: {number: a}\n",
         "unknown_name", 4, 21},
        {"import: [cases\n", "yaml_unclosed", -1, -1},
        {"replay: [wrong.yaml]\nuntil: soon\n", "import_until", 2, 8},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        gov_error *err = NULL;
        put_file(s, "wrong.map.yaml", wrong[i].text);
        import_fails(&c, s, "wrong.map.yaml", GOV_E_RULE, &err);
        assert_diag(err, 0, wrong[i].code, wrong[i].line, wrong[i].column);
        gov_error_free(err);
    }
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(stopped_after_any_batch_it_goes_on),
        STORE_TESTS(killed_at_any_point_it_ends_the_same),
        STORE_TESTS(two_at_once_do_not_mix),
        STORE_TESTS(whole_files_that_are_wrong),
        STORE_TESTS(zipped_file_that_is_cut_or_damaged),
        STORE_TESTS(zipped_file_with_something_behind),
        STORE_TESTS(zipped_data_from_a_pipe),
        STORE_TESTS(grids_from_geojson),
        STORE_TESTS(mistakes_in_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
