/* Imports: what an office's files become in a community, on both stores. */
#include "support/community.h"
#include "support/faulty.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

/* ---- helpers ---- */

static void put_file(support_store *s, const char *name, const char *text)
{
    char path[512];
    support_write(support_path(path, s->dir, name), text, strlen(text));
}

static gov_status import_with(gov *g, support_store *s, const char *map, gov_import_options *o,
                              gov_import_result *r, gov_error **err)
{
    char path[512];
    *r = (gov_import_result){.size = sizeof *r};
    return gov_import(g, support_path(path, s->dir, map), o, r, err);
}

static gov_import_result import_fine(community *c, support_store *s, const char *map)
{
    gov_import_options o;
    gov_import_result r;
    gov_error *err = NULL;
    char refused[512];
    gov_import_options_init(&o, sizeof o);
    o.refused = support_path(refused, s->dir, "refused.csv");
    o.batch = 3;
    assert_gov_ok(import_with(c->g, s, map, &o, &r, &err), err);
    assert_int_equal(r.rows, r.added + r.unchanged + r.changed + r.refused);
    return r;
}

static gov_status import_fails(community *c, support_store *s, const char *map, gov_status want,
                               gov_error **err)
{
    gov_import_result r;
    assert_gov(want, import_with(c->g, s, map, NULL, &r, err), *err);
    return want;
}

static gov_value *case_of(community *c, const char *number)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    int64_t id = 0;
    assert_gov_ok(gov_case_find(c->g, NULL, number, &id, &err), err);
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    return v;
}

static void assert_json_at(const gov_value *v, const char *path, const char *want)
{
    char *text = NULL;
    size_t len;
    gov_error *err = NULL;
    assert_gov_ok(gov_value_to_json(gov_value_find(v, path), &text, &len, &err), err);
    assert_string_equal(text, want);
    gov_text_free(text);
}

static void assert_instant_at(const gov_value *v, const char *path, const char *want)
{
    char text[64];
    snprintf(text, sizeof text, "{\"$timestamp\":\"%s\"}", want);
    assert_json_at(v, path, text);
}

static void assert_flags(community *c, const char *number, const char *want)
{
    gov_value *v = case_of(c, number);
    assert_json_at(v, "flags", want);
    gov_value_free(v);
}

/* Everything that reports look at, without the ids, which come from the machine's clock. */
static char *contents(gov *g)
{
    static const char *const members[] = {"number",  "outside_number", "workflow",  "state",
                                          "outcome", "opened_at",      "closed_at", "grid",
                                          "unit",    "staff",          "reporter",  "fields",
                                          "clocks",  "flags"};
    gov_error *err = NULL;
    gov_case_query q;
    gov_value *page = NULL;
    char *all = NULL, *cursor = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&all, &size);
    gov_case_query_init(&q, sizeof q);
    do {
        q.limit = 200;
        q.cursor = cursor;
        assert_gov_ok(gov_case_list(g, &q, &page, &err), err);
        const gov_value *cases = gov_value_get(page, "cases");
        for (size_t i = 0; i < gov_value_count(cases); i++) {
            gov_value *v = NULL;
            assert_gov_ok(gov_case_get(g,
                                       gov_value_int(gov_value_get(gov_value_at(cases, i), "id")),
                                       &v, &err),
                          err);
            for (size_t k = 0; k < sizeof members / sizeof *members; k++) {
                char *text = NULL;
                size_t len;
                assert_gov_ok(gov_value_to_json(gov_value_get(v, members[k]), &text, &len, &err),
                              err);
                fprintf(f, "%s ", text);
                gov_text_free(text);
            }
            fputc('\n', f);
            gov_value_free(v);
        }
        free(cursor);
        const char *next = gov_value_string(gov_value_get(page, "next"), NULL);
        cursor = next != NULL ? strdup(next) : NULL;
        gov_value_free(page);
        page = NULL;
    } while (cursor != NULL);
    gov_value *verified = NULL;
    assert_gov_ok(gov_verify(g, NULL, NULL, &verified, &err), err);
    fprintf(f, "%lld entries, %lld parked",
            (long long)gov_value_int(gov_value_get(verified, "entries")),
            (long long)gov_value_int(gov_value_get(verified, "parked")));
    gov_value_free(verified);
    fclose(f);
    return all;
}

/* Line numbers of the refused rows, as "3 5 9". */
static void refused_lines(support_store *s, char *out)
{
    char path[512];
    size_t len;
    char *text = support_read(support_path(path, s->dir, "refused.csv"), &len);
    int column = 0, want = -1, n = 0;
    *out = '\0';
    bool quoted = false;
    char cell[4096];
    size_t used = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"') {
            quoted = !quoted;
        } else if (!quoted && (*p == ',' || *p == '\n')) {
            cell[used] = '\0';
            if (n == 0 && strcmp(cell, "拒收行号") == 0)
                want = column;
            else if (n > 0 && column == want)
                sprintf(out + strlen(out), "%s%s", *out != '\0' ? " " : "", cell);
            column = *p == ',' ? column + 1 : 0;
            n += *p == '\n';
            used = 0;
        } else if (*p != '\r' && used < sizeof cell - 1) {
            cell[used++] = *p;
        }
    }
    free(text);
}

/* ---- dirty rows ---- */

static const char requests_map[] =
    "import: cases\n"
    "file: requests.csv\n"
    "workflow: complaint\n"
    "format: {time_zone: Asia/Shanghai}\n"
    "columns:\n"
    "  number: 编号\n"
    "  opened_at: {column: 时间, type: timestamp}\n"
    "  category: {column: 类别, translate: {噪音: noise, 漏水: leak}}\n"
    "  urgency: 紧急\n"
    "  phone: 电话\n"
    "  place: {type: point, lat: 纬度, lon: 经度}\n"
    "  reporter: 诉求人\n"
    "key: number\n"
    "blank: ['', '-', 无]\n"
    "default_points: [[30.5, 120.5]]\n";

static const char head[] = "编号,时间,类别,紧急,电话,纬度,经度,诉求人\n";

static void people(community *c)
{
    community_put(
        c, "grid", "G1",
        "{'name': '一', 'geometry': {'type': 'Polygon', 'coordinates': "
        "[[[120.0, 30.0], [120.2, 30.0], [120.2, 30.2], [120.0, 30.2], [120.0, 30.0]]]}}");
    community_put(c, "unit", "U1", "{'name': '物业'}");
    community_put(c, "resident", "R1", "{'name': '周'}");
    community_put(c, "staff", "li", "{'name': '李', 'roles': ['dispatcher']}");
    community_put(c, "staff", "wang", "{'name': '王', 'roles': ['handler'], 'unit': 'U1'}");
}

static void put_requests(support_store *s, const char *rows)
{
    char text[8192];
    snprintf(text, sizeof text, "%s%s", head, rows);
    put_file(s, "requests.csv", text);
}

static community make(support_store *s)
{
    community c = community_make(s, community_rules, NULL);
    people(&c);
    put_file(s, "requests.map.yaml", requests_map);
    return c;
}

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
    refused_lines(s, lines);
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
    refused_lines(s, lines);
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
    refused_lines(s, lines);
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
        refused_lines(s, lines);
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
    refused_lines(s, lines);
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
    refused_lines(s, lines);
    assert_string_equal(lines, "2");
    put_requests(s, "A1,2026-03-02 09:05,噪音,2,,30.1,120.1,\nA2,x,噪音,2,,30.1,120.1,\n");
    assert_gov_ok(import_with(c.g, s, "requests.map.yaml", &o, &r, &err), err);
    refused_lines(s, lines);
    assert_string_equal(lines, "2");
    (void)import_fine(&c, s, "requests.map.yaml");
    refused_lines(s, lines);
    assert_string_equal(lines, "3");
    o.file = path;
    o.flags = 0;
    assert_gov(GOV_E_EXISTS, import_with(c.g, s, "requests.map.yaml", &o, &r, &err), err);
    gov_error_free(err);
    refused_lines(s, lines);
    assert_string_equal(lines, "3");
    community_free(&c);
}

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
    refused_lines(s, lines); /* told again */
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

static const char events_map[] =
    "import: events\nfile: events.csv\nformat: {time_zone: Asia/Shanghai}\n"
    "columns:\n  number: n\n  at: {column: at, type: timestamp}\n  case: case\n  actor: who\n"
    "  event: {column: what, translate: {派单: dispatch, 办结: finish, 退单: return}}\n  data: "
    "{column: data, type: json}\nkey: number\n";

static const char merged_list[] =
    "replay: [requests.map.yaml, events.map.yaml]\nuntil: 2026-03-05T00:00\n";

static void put_merge(support_store *s)
{
    put_file(s, "events.map.yaml", events_map);
    put_file(s, "import.yaml", merged_list);
    put_requests(
        s, "A1,2026-03-02 09:00,噪音,2,,30.1,120.1,\nA2,2026-03-02 09:30,噪音,1,,30.1,120.1,\n"
           "A3,2026-03-02 18:00,漏水,2,,30.1,120.1,\n");
    put_file(s, "events.csv",
             "n,at,case,who,what,data\n"
             "1,2026-03-02 09:00,A1,li,派单,\"{\"\"unit\"\":\"\"U1\"\"}\"\n"
             "2,2026-03-02 09:40,A2,li,派单,\"{\"\"unit\"\":\"\"U1\"\"}\"\n"
             "3,2026-03-02 10:00,A1,wang,办结,\n"
             "4,2026-03-02 10:30,A1,wang,办结,\n"         /* refused: it has ended */
             "5,2026-03-02 10:35,A9,wang,办结,\n"         /* refused: no such case */
             "6,2026-03-02 10:36,A2,nobody,办结,\n"       /* refused: nobody */
             "7,2026-03-02 10:37,A2,li,办结,\n"           /* refused: may not */
             "8,2026-03-02 10:38,A2,wang,退单,not json\n" /* refused: no JSON */
             "9,2026-03-02 10:39,A2,wang,退单,{}\n"       /* refused: a reason is required */
             "10,2026-03-02 10:39,A2,wang,唱歌,{}\n"      /* refused: an unknown word */
             "11,2026-03-02 10:50,A2,wang,办结,\n");      /* ten minutes late */
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

static gov_status open_for(const char *url, gov **out, gov_error **err)
{
    gov_status status = gov_open(url, NULL, out, err);
    return status == GOV_OK ? gov_act_as_host(*out, "import", err) : status;
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

static void make_example(const char *url)
{
    gov_error *err = NULL;
    gov_rulebook *rules = NULL;
    gov_store *store = NULL;
    gov_options o;
    gov_options_init(&o, sizeof o);
    o.flags = GOV_OPEN_CREATE;
    assert_gov_ok(gov_rulebook_load(NULL, support_source("examples/community"), 0, &rules, &err),
                  err);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_store_open(url, &o, &store, &err), err);
    assert_gov_ok(gov_community_create(store, NULL, rules, NULL, &err), err);
    gov_store_free(store);
    gov_rulebook_free(rules);
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
    refused_lines(s, lines);
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
        {"import: [cases\n", "yaml_syntax", -1, -1},
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
        STORE_TESTS(dirty_rows_are_flagged_or_refused),
        STORE_TESTS(refused_rows_can_be_mended),
        STORE_TESTS(nothing_of_others_is_replaced),
        STORE_TESTS(refused_rows_replace_refused_rows),
        STORE_TESTS(a_mistyped_year_does_not_move_the_clock),
        STORE_TESTS(dates_that_mean_none_are_refused),
        STORE_TESTS(rows_of_the_near_future_say_so),
        STORE_TESTS(the_same_number_with_other_content_is_told),
        STORE_TESTS(numbers_that_nobody_could_type),
        STORE_TESTS(a_second_import_adds_nothing),
        STORE_TESTS(a_file_that_grew_or_changed),
        STORE_TESTS(records_are_replaced_by_changed_rows),
        STORE_TESTS(lives_are_replayed_in_the_order_of_time),
        STORE_TESTS(hours_that_come_twice_or_never),
        STORE_TESTS(files_are_merged_by_time),
        STORE_TESTS(stopped_after_any_batch_it_goes_on),
        STORE_TESTS(killed_at_any_point_it_ends_the_same),
        STORE_TESTS(two_at_once_do_not_mix),
        STORE_TESTS(whole_files_that_are_wrong),
        STORE_TESTS(zipped_file_that_is_cut_or_damaged),
        STORE_TESTS(zipped_file_with_something_behind),
        STORE_TESTS(zipped_data_from_a_pipe),
        STORE_TESTS(grids_from_geojson),
        STORE_TESTS(mistakes_in_maps),
        STORE_TESTS(who_may_import),
        STORE_TESTS(a_dry_run_changes_nothing),
        STORE_TESTS(the_example_community),
        STORE_TESTS(a_citys_half_year),
        STORE_TEST(without_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
