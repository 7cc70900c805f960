/* Rows of an import that are not as they should be: dirty, of the future, with the numbers of others. */
#include "support/community.h"
#include "support/import_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- dirty rows ---- */

static void dirty_rows_are_flagged_or_refused(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char lines[256];
    put_requests(s, "A1,2026/3/2 9:05,噪音,2,１３８００００００００,30.1,120.1,R1\n" /* 2: fine */
                    ",2026/3/2 9:06,噪音,2,,30.1,120.1,\n"                /* 3: no number */
                    "A3,-,噪音,2,,30.1,120.1,\n"                          /* 4: no time */
                    "A4,2026-02-30 10:00,噪音,2,,30.1,120.1,\n"           /* 5: no such day */
                    "A5,2026-03-02 09:10,吵闹,2,,30.1,120.1,\n"           /* 6: an unknown word */
                    "A6,2026-03-02 09:10,噪音,9,,30.1,120.1,\n"           /* 7: above max */
                    "A7,2026-03-02 09:10,噪音,2,,120.1,30.1,\n"           /* 8: swapped */
                    "A8,2026-03-02 09:10,噪音,2,,30.1,,\n"                /* 9: half a point */
                    "A9,2026-03-02 09:10,噪音\n"                          /* 10: too few cells */
                    "B1,2026-03-02 09:10,噪音,2,,30.1,120.1,,much,more\n" /* 11: too many */
                    "B2,2026-03-02 09:10,噪音,2,\xFF\xFE,30.1,120.1,\n"   /* 12: no text */
                    "B3,2026-03-02 09:10,噪音,2,\"x\"y,30.1,120.1,\n"     /* 13: a stray quote */
                    "A1,2026-03-02 09:11,漏水,2,,30.1,120.1,\n"           /* 14: there already, otherwise */
                    "B5,2026-03-02 09:11,漏水,2,,30.1,120.1,R9\n"         /* 15: nobody */
                    "B6,2026-03-02 09:12,漏水,两,,30.1,120.1,\n"          /* 16: not a number */
                    ",,,,,,,\n"                                           /* 17: blank */
                    "C1,2026-03-02 09:20,漏水,,无,30.9,120.9,\n"    /* 18: outside every grid */
                    "C2,2026年3月2日 9:21,漏水,,,30.5,120.5,\n"     /* 19: the default point */
                    "C3,2026-03-02 09:15,漏水,,,,,\n"               /* 20: earlier, and nowhere */
                    "C4,20260302 092200,漏水,,,30.15,120.15,R1\n"); /* 21: fine */
    const gov_import_result r = import_fine(&c, s, "requests.map.yaml");
    refused_lines(s, lines, sizeof lines);
    assert_string_equal(lines, "3 4 5 6 7 8 9 10 11 12 13 14 15 16 17");
    assert_int_equal(r.rows, 20);
    assert_int_equal(r.added, 5);
    assert_int_equal(r.unchanged, 0);
    assert_int_equal(r.refused, 15);
    assert_int_equal(r.flagged, 3);
    assert_flags(&c, "A1", "[]");
    assert_flags(&c, "C1", "[\"outside_grids\"]");
    assert_flags(&c, "C2", "[\"default_point\"]");
    assert_flags(&c, "C3", "[\"blank_place\",\"out_of_order\"]");
    gov_value *v = case_of(&c, "A1");
    assert_text_at(v, "grid", "G1");
    assert_text_at(v, "reporter", "R1");
    assert_instant_at(v, "opened_at", "2026-03-02T01:05:00Z");
    assert_json_at(v, "fields.urgency", "2");
    gov_value_free(v);
    v = case_of(&c, "C3"); /* at the clock as it stood */
    assert_instant_at(v, "opened_at", "2026-03-02T01:21:00Z");
    assert_json_at(v, "grid", "null");
    assert_json_at(v, "fields.urgency", "3");
    gov_value_free(v);
    v = case_of(&c, "C2");
    assert_null(gov_value_find(v, "fields.place")); /* it is not known where */
    gov_value_free(v);
    community_free(&c);
}

static void refused_rows_can_be_mended(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char path[512], other[512];
    size_t len;
    put_requests(s, "A1,2026-03-02 09:05,噪音,2,+86 1,30.1,120.1,\nA2,2026-03-02 "
                    "09:06,吵,2,=1+1,30.1,120.1,\n");
    gov_import_result r = import_fine(&c, s, "requests.map.yaml");
    assert_int_equal(r.refused, 1);
    char *text = support_read(support_path(path, s->dir, "refused.csv"), &len);
    char *word = strstr(text, "吵");
    assert_non_null(word);
    char *mended = calloc(len + 16, 1);
    snprintf(mended, len + 16, "%.*s漏水%s", (int)(word - text), text, word + strlen("吵"));
    support_write(support_path(other, s->dir, "mended.csv"), mended, strlen(mended));
    gov_import_options o;
    gov_error *err = NULL;
    gov_import_options_init(&o, sizeof o);
    o.file = other;
    assert_gov_ok(import_with(c.g, s, "requests.map.yaml", &o, &r, &err), err);
    assert_int_equal(r.added, 1);
    assert_int_equal(r.flagged, 0); /* at the very instant of the other: nothing out of order */
    gov_value *v = case_of(&c, "A2");
    assert_text_at(v, "fields.category", "leak");
    assert_text_at(v, "fields.phone",
                   "****"); /* =1+1, masked: what the file was guarded with is gone */
    gov_value_free(v);
    free(mended);
    free(text);
    community_free(&c);
}

/* ---- the future ---- */

static void a_mistyped_year_does_not_move_the_clock(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char lines[64], path[512];
    size_t len;
    put_requests(s, "A1,2026-03-02 09:05,噪音,2,,30.1,120.1,\n"
                    "A2,9999-03-02 09:06,噪音,2,,30.1,120.1,\n" /* 3 */
                    "A3,2206-03-02 09:07,噪音,2,,30.1,120.1,\n" /* 4 */
                    "A4,2026-03-02 09:08,漏水,2,,30.1,120.1,\n"
                    "A5,2026-03-02 09:09,漏水,2,,30.1,120.1,\n");
    const gov_import_result r = import_fine(&c, s, "requests.map.yaml");
    assert_int_equal(r.added, 3);
    assert_int_equal(r.refused, 2);
    assert_int_equal(r.flagged, 0);
    refused_lines(s, lines, sizeof lines);
    assert_string_equal(lines, "3 4");
    char *text = support_read(support_path(path, s->dir, "refused.csv"), &len);
    assert_non_null(strstr(text, "9999-03-02T01:06:00Z 远在将来"));
    free(text);
    gov_value *v = case_of(&c, "A5");
    assert_instant_at(v, "opened_at", "2026-03-02T01:09:00Z");
    gov_value_free(v);
    gov_error *err = NULL;
    int64_t until = 0;
    assert_gov_ok(gov_replayed_until(c.g, &until, &err), err);
    assert_int_equal(until, COMMUNITY_START + INT64_C(9) * 60000000);
    community_free(&c);
}

/* Where a cell is empty, spreadsheets and databases write the day from which they count. */
static void dates_that_mean_none_are_refused(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char lines[64], path[512];
    size_t len;
    gov_error *err = NULL;
    int64_t id = 0;
    put_requests(s, "A1,2026-03-02 09:05,噪音,2,,30.1,120.1,\n"
                    "A2,1899-12-30,噪音,2,,30.1,120.1,\n"          /* 3 */
                    "A3,1900-01-00,噪音,2,,30.1,120.1,\n"          /* 4: no day at all */
                    "A4,1969-12-30,噪音,2,,30.1,120.1,\n"          /* 5 */
                    "A5,0001-01-02,噪音,2,,30.1,120.1,\n"          /* 6 */
                    "A6,1970-01-01 08:00,噪音,2,,30.1,120.1,\n"    /* 7: zero, in Shanghai */
                    "A7,1970-01-01 08:00:01,噪音,2,,30.1,120.1,\n" /* the first second of all */
                    "A8,2026-03-02 09:09,漏水,2,,30.1,120.1,\n");
    const gov_import_result r = import_fine(&c, s, "requests.map.yaml");
    refused_lines(s, lines, sizeof lines);
    assert_string_equal(lines, "3 4 5 6 7");
    assert_int_equal(r.added, 3);
    assert_int_equal(r.flagged, 1);
    assert_flags(&c, "A7", "[\"out_of_order\"]");
    char *text = support_read(support_path(path, s->dir, "refused.csv"), &len);
    assert_non_null(strstr(text, "1899-12-30 00:00:00 不会是办理时间"));
    free(text);
    assert_gov(GOV_E_NOT_FOUND, gov_case_find(c.g, NULL, "A2", &id, &err), err);
    gov_error_free(err);
    gov_value *v = case_of(&c, "A8");
    assert_instant_at(v, "opened_at", "2026-03-02T01:09:00Z");
    gov_value_free(v);
    community_free(&c);
}

/* One row of next spring among those of last: it is refused, and nobody is late because of it. */
static void a_row_ahead_of_now_makes_no_other_late(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char rows[512], lines[64], day[2][32], path[512];
    size_t len;
    gov_error *err = NULL;
    int64_t until = 0;
    for (int i = 0; i < 2; i++) {
        struct tm tm;
        const time_t soon = time(NULL) + (i == 0 ? 200 : 3) * 86400;
        strftime(day[i], sizeof day[i], "%Y-%m-%d %H:%M", gmtime_r(&soon, &tm));
    }
    for (int first = 0; first < 2; first++) { /* also as the very first row of the file */
        snprintf(rows, sizeof rows, "%s%d1,%s,噪音,2,,30.1,120.1,\n%s%d2,%s,漏水,2,,30.1,120.1,\nB%d,2026-03-02 09:08,漏水,2,,30.1,120.1,\n",
                 first == 0 ? "A" : "C", first, first == 0 ? "2026-03-02 09:05" : day[0], first == 0 ? "A" : "C", first,
                 first == 0 ? day[0] : day[1], first);
        put_requests(s, rows);
        const gov_import_result r = import_fine(&c, s, "requests.map.yaml");
        refused_lines(s, lines, sizeof lines);
        assert_string_equal(lines, first == 0 ? "3" : "2 3");
        assert_int_equal(r.added, first == 0 ? 2 : 1);
        char *text = support_read(support_path(path, s->dir, "refused.csv"), &len);
        assert_non_null(strstr(text, "尚未到来"));
        free(text);
        assert_gov_ok(gov_replayed_until(c.g, &until, &err), err);
        assert_int_equal(until, COMMUNITY_START + INT64_C(8) * 60000000);
    }
    assert_flags(&c, "B0", "[]");
    community_free(&c);
}

static void rows_of_the_near_future_say_so(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char row[128], day[32];
    const time_t soon = time(NULL) + 60 * 86400;
    struct tm tm;
    strftime(day, sizeof day, "%Y-%m-%d %H:%M", gmtime_r(&soon, &tm));
    snprintf(row, sizeof row, "A1,%s,噪音,2,,30.1,120.1,\n", day);
    put_requests(s, row);
    const gov_import_result r = import_fine(&c, s, "requests.map.yaml");
    assert_int_equal(r.added, 1);
    assert_flags(&c, "A1", "[\"ahead_of_now\"]");
    community_free(&c);
}

/* ---- numbers ---- */

static void the_same_number_with_other_content_is_told(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char lines[64], path[512];
    size_t len;
    gov_error *err = NULL;
    gov_case_options o;
    gov_case_options_init(&o, sizeof o);
    o.number = "H1";
    gov_value *fields = community_json("{'category': 'noise'}");
    assert_gov_ok(gov_case_open(c.g, "complaint", fields, &o, NULL, &err), err);
    gov_value_free(fields);
    put_requests(s, "A1,2026-03-02 09:05,噪音,2,,30.1,120.1,\nA2,2026-03-02 09:06,漏水,2,,30.1,120.1,\n");
    gov_import_result r = import_fine(&c, s, "requests.map.yaml");
    assert_int_equal(r.added, 2);
    put_requests(s, "A1,2026/3/2 9:05,噪音,２,,30.10,120.1,\n"     /* the same, written otherwise */
                    "A2,2026-03-02 09:06,噪音,2,,30.1,120.1,\n"    /* 3: another category */
                    "A1,2026-03-02 09:05,噪音,2,,30.1,120.1,R1\n"  /* 4: now with a reporter */
                    "H1,2026-03-02 09:05,噪音,2,,30.1,120.1,\n");  /* 5: no import made it */
    for (int i = 0; i < 2; i++) {
        r = import_fine(&c, s, "requests.map.yaml");
        assert_int_equal(r.added, 0);
        assert_int_equal(r.unchanged, 1);
        assert_int_equal(r.refused, 3);
        refused_lines(s, lines, sizeof lines);
        assert_string_equal(lines, "3 4 5");
    }
    char *text = support_read(support_path(path, s->dir, "refused.csv"), &len);
    assert_non_null(strstr(text, "“A2”此前已导入，但内容不同"));
    assert_non_null(strstr(text, "“H1”已被另一工单使用"));
    free(text);
    gov_value *v = case_of(&c, "A2");
    assert_text_at(v, "fields.category", "leak");
    gov_value_free(v);
    community_free(&c);
}

static void numbers_that_nobody_could_type(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char lines[64], rows[1024], longest[201], path[512];
    size_t len;
    gov_error *err = NULL;
    memset(longest, '7', 200);
    longest[200] = '\0';
    snprintf(rows, sizeof rows,
             "A\x01" "1,2026-03-02 09:05,噪音,2,,30.1,120.1,\n"     /* 2: a control character */
             "%s7,2026-03-02 09:06,噪音,2,,30.1,120.1,\n"           /* 3: too long */
             "%s,2026-03-02 09:07,噪音,2,,30.1,120.1,\n"            /* 4: just not */
             "A\xc2\x85" "2,2026-03-02 09:08,噪音,2,,30.1,120.1,\n" /* 5: a control character beyond ASCII */
             "\"A\n3\",2026-03-02 09:09,噪音,2,,30.1,120.1,\n",     /* 6: two lines */
             longest, longest);
    put_requests(s, rows);
    gov_import_options o;
    gov_import_result r;
    gov_import_options_init(&o, sizeof o);
    o.refused = support_path(path, s->dir, "refused.csv");
    o.lang = "en";
    assert_gov_ok(import_with(c.g, s, "requests.map.yaml", &o, &r, &err), err);
    assert_int_equal(r.added, 1);
    assert_int_equal(r.refused, 4);
    char *text = support_read(path, &len);
    assert_non_null(strstr(text, "byte 2 of the case's number is a control character"));
    assert_non_null(strstr(text, "has 201 bytes; 200 are the most"));
    assert_non_null(strstr(text, "reason"));
    free(text);
    o.lang = "zh"; /* what was refused is told again, in the language asked for now */
    assert_gov_ok(import_with(c.g, s, "requests.map.yaml", &o, &r, &err), err);
    text = support_read(path, &len);
    assert_non_null(strstr(text, "此前已拒收：工单编号有 201 字节"));
    free(text);
    o.lang = "fr";
    assert_gov(GOV_E_ABI, import_with(c.g, s, "requests.map.yaml", &o, &r, &err), err);
    gov_error_free(err);
    refused_lines(s, lines, sizeof lines);
    community_free(&c);
}

static void assert_file(const char *path, const char *want)
{
    size_t len;
    char *text = support_read(path, &len);
    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
}

/* An import with the refused rows at `refused`, which must be refused itself. */
static void assert_no_target(community *c, support_store *s, const char *refused, uint32_t flags)
{
    gov_error *err = NULL;
    gov_import_options o;
    gov_import_result r;
    gov_import_options_init(&o, sizeof o);
    o.refused = refused;
    o.flags = flags;
    assert_gov(GOV_E_EXISTS, import_with(c->g, s, "requests.map.yaml", &o, &r, &err), err);
    gov_error_free(err);
    assert_int_equal(r.rows, 0);
}

/* What the refused rows are asked to replace stays, unless an import wrote it. */
static void nothing_of_others_is_replaced(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    static const char row[] = "A1,2026-03-02 09:05,吵,2,,30.1,120.1,\n";
    char path[600], data[512], beside[512], whole[1024];
    put_requests(s, row);
    snprintf(whole, sizeof whole, "%s%s", head, row);
    support_path(data, s->dir, "requests.csv");
    put_file(s, "notes.txt", "refused_line,refused_reason of what?\n");
    put_file(s, "requests.zip", "PK");
    support_path(beside, s->dir, "other.csv");
    for (uint32_t dry = 0; dry <= GOV_IMPORT_DRY_RUN; dry++) {
        assert_no_target(&c, s, data, dry);
        assert_no_target(&c, s, support_path(path, s->dir, "requests.map.yaml"), dry);
        assert_int_equal(symlink("requests.csv", beside), 0);
        assert_no_target(&c, s, beside, dry);
        assert_int_equal(unlink(beside), 0);
        assert_int_equal(link(data, beside), 0);
        assert_no_target(&c, s, beside, dry);
        assert_int_equal(unlink(beside), 0);
        assert_no_target(&c, s, support_path(path, s->dir, "notes.txt"), dry);
        assert_no_target(&c, s, s->dir, dry);
        if (strncmp(s->url, "sqlite:", 7) == 0) {
            assert_no_target(&c, s, s->url + 7, dry);
            snprintf(path, sizeof path, "%s-wal", s->url + 7);
            assert_no_target(&c, s, path, dry);
        }
    }
    assert_file(data, whole);
    assert_file(support_path(path, s->dir, "requests.map.yaml"), requests_map);
    assert_file(support_path(path, s->dir, "notes.txt"), "refused_line,refused_reason of what?\n");
    community_free(&c);
}

/* A dry run leaves the file of an earlier import; a run replaces it; the file itself cannot be both. */
static void refused_rows_replace_refused_rows(void **state)
{
    support_store *s = support_store_of(state);
    community c = make(s);
    char path[512], lines[64];
    gov_error *err = NULL;
    gov_import_options o;
    gov_import_result r;
    put_requests(s, "A1,2026-03-02 09:05,吵,2,,30.1,120.1,\n");
    gov_import_options_init(&o, sizeof o);
    o.refused = support_path(path, s->dir, "refused.csv");
    o.flags = GOV_IMPORT_DRY_RUN;
    assert_gov_ok(import_with(c.g, s, "requests.map.yaml", &o, &r, &err), err);
    assert_int_equal(r.refused, 1);
    assert_int_not_equal(access(path, F_OK), 0);
    put_file(s, "refused.csv", ""); /* nothing to lose */
    (void)import_fine(&c, s, "requests.map.yaml");
    refused_lines(s, lines, sizeof lines);
    assert_string_equal(lines, "2");
    put_requests(s, "A1,2026-03-02 09:05,噪音,2,,30.1,120.1,\nA2,x,噪音,2,,30.1,120.1,\n");
    assert_gov_ok(import_with(c.g, s, "requests.map.yaml", &o, &r, &err), err);
    refused_lines(s, lines, sizeof lines);
    assert_string_equal(lines, "2");
    (void)import_fine(&c, s, "requests.map.yaml");
    refused_lines(s, lines, sizeof lines);
    assert_string_equal(lines, "3");
    o.file = path;
    o.flags = 0;
    assert_gov(GOV_E_EXISTS, import_with(c.g, s, "requests.map.yaml", &o, &r, &err), err);
    gov_error_free(err);
    refused_lines(s, lines, sizeof lines);
    assert_string_equal(lines, "3");
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(dirty_rows_are_flagged_or_refused),
        STORE_TESTS(refused_rows_can_be_mended),
        STORE_TESTS(nothing_of_others_is_replaced),
        STORE_TESTS(refused_rows_replace_refused_rows),
        STORE_TESTS(a_mistyped_year_does_not_move_the_clock),
        STORE_TESTS(dates_that_mean_none_are_refused),
        STORE_TESTS(a_row_ahead_of_now_makes_no_other_late),
        STORE_TESTS(rows_of_the_near_future_say_so),
        STORE_TESTS(the_same_number_with_other_content_is_told),
        STORE_TESTS(numbers_that_nobody_could_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
