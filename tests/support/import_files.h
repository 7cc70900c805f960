/* Files as offices export them, maps for them, and imports into a community. */
#ifndef GOV_TEST_IMPORT_FILES_H
#define GOV_TEST_IMPORT_FILES_H

#include "support/community.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers ---- */

static inline void put_file(support_store *s, const char *name, const char *text)
{
    char path[512];
    support_write(support_path(path, s->dir, name), text, strlen(text));
}

static inline gov_status import_with(gov *g, support_store *s, const char *map, gov_import_options *o,
                              gov_import_result *r, gov_error **err)
{
    char path[512];
    *r = (gov_import_result){.size = sizeof *r};
    return gov_import(g, support_path(path, s->dir, map), o, r, err);
}

static inline gov_import_result import_fine(community *c, support_store *s, const char *map)
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

static inline gov_status import_fails(community *c, support_store *s, const char *map, gov_status want,
                               gov_error **err)
{
    gov_import_result r;
    assert_gov(want, import_with(c->g, s, map, NULL, &r, err), *err);
    return want;
}

static inline gov_value *case_of(community *c, const char *number)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    int64_t id = 0;
    assert_gov_ok(gov_case_find(c->g, NULL, number, &id, &err), err);
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    return v;
}

static inline void assert_json_at(const gov_value *v, const char *path, const char *want)
{
    char *text = NULL;
    size_t len;
    gov_error *err = NULL;
    assert_gov_ok(gov_value_to_json(gov_value_find(v, path), &text, &len, &err), err);
    assert_string_equal(text, want);
    gov_text_free(text);
}

static inline void assert_instant_at(const gov_value *v, const char *path, const char *want)
{
    char text[64];
    snprintf(text, sizeof text, "{\"$timestamp\":\"%s\"}", want);
    assert_json_at(v, path, text);
}

static inline void assert_flags(community *c, const char *number, const char *want)
{
    gov_value *v = case_of(c, number);
    assert_json_at(v, "flags", want);
    gov_value_free(v);
}

/* Everything that reports look at, without the ids, which come from the machine's clock. */
static inline char *contents(gov *g)
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
static inline void refused_lines(support_store *s, char *out, size_t cap)
{
    char path[512];
    size_t len;
    char *text = support_read(support_path(path, s->dir, "refused.csv"), &len);
    int column = 0, want = -1, n = 0;
    bool quoted = false;
    char cell[4096];
    size_t used = 0, at = 0;
    *out = '\0';
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"') {
            quoted = !quoted;
        } else if (!quoted && (*p == ',' || *p == '\n')) {
            cell[used] = '\0';
            if (n == 0 && strcmp(cell, "拒收行号") == 0)
                want = column;
            else if (n > 0 && column == want)
                at += (size_t)snprintf(out + at, cap - at, "%s%s", at > 0 ? " " : "", cell);
            assert_true(at < cap);
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

static inline void people(community *c)
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

static inline void put_requests(support_store *s, const char *rows)
{
    char text[8192];
    snprintf(text, sizeof text, "%s%s", head, rows);
    put_file(s, "requests.csv", text);
}

static inline community make(support_store *s)
{
    community c = community_make(s, community_rules, NULL);
    people(&c);
    put_file(s, "requests.map.yaml", requests_map);
    return c;
}

/* ---- time ---- */

static const char events_map[] =
    "import: events\nfile: events.csv\nformat: {time_zone: Asia/Shanghai}\n"
    "columns:\n  number: n\n  at: {column: at, type: timestamp}\n  case: case\n  actor: who\n"
    "  event: {column: what, translate: {派单: dispatch, 办结: finish, 退单: return}}\n  data: "
    "{column: data, type: json}\nkey: number\n";

static const char merged_list[] =
    "replay: [requests.map.yaml, events.map.yaml]\nuntil: 2026-03-05T00:00\n";

static inline void put_merge(support_store *s)
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

/* ---- stopped anywhere ---- */

static inline gov_status open_for(const char *url, gov **out, gov_error **err)
{
    gov_status status = gov_open(url, NULL, out, err);
    return status == GOV_OK ? gov_act_as_host(*out, "import", err) : status;
}

static inline void make_example(const char *url)
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

#endif
