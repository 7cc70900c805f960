/* People and places from the outside: what each kind takes and refuses, who sees what of it, and which grid a point is in. */
#include "support/community.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rules[] =
    "rulebook: people\n"
    "version: '1'\n"
    "time_zone: Asia/Shanghai\n"
    "roles:\n"
    "  clerk: {title: 办事员}\n"
    "  officer: {scope: grid}\n"
    "  keeper: {scope: unit}\n"
    "  doctor: {}\n"
    "permissions:\n"
    "  record.read: [clerk, officer, keeper, doctor]\n"
    "  record.write: [clerk, officer]\n"
    "  journal.read: [clerk]\n"
    "sensitivity:\n"
    "  contact: {mask: phone, see: [{role: officer, purpose: visit}]}\n"
    "  health: {mask: all, see: [{role: doctor}]}\n"
    "  identity: {mask: id_number, see: [{role: clerk, purpose: register}]}\n"
    "---\n"
    "record: resident\n"
    "fields:\n"
    "  phone: {type: string, sensitive: contact, max_length: 20}\n"
    "  id_number: {type: string, sensitive: identity}\n"
    "  illness: {type: string, sensitive: health}\n"
    "  children: {type: int, min: 0, max: 20, default: 0}\n"
    "  marital: {type: string, one_of: [single, married]}\n";

/* ---- helpers ---- */

static void act(community *c, const char *staff, const char *purpose)
{
    gov_error *err = NULL;
    if (staff == NULL)
        assert_gov_ok(gov_act_as_host(c->g, purpose, &err), err);
    else
        assert_gov_ok(gov_act_as(c->g, staff, purpose, &err), err);
}

static gov_value *get(community *c, const char *kind, const char *key)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_record_get(c->g, kind, key, &v, &err), err);
    return v;
}

static void get_fails(community *c, const char *kind, const char *key, gov_status want)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov(want, gov_record_get(c->g, kind, key, &v, &err), err);
    assert_null(v);
    gov_error_free(err);
}

/* A record that the actor shall not know of is answered in the words for one that there is not. */
static void hidden(community *c, const char *kind, const char *key)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    char want[100];
    (void)snprintf(want, sizeof want, "there is no %s \"%s\"", kind, key);
    assert_gov(GOV_E_NOT_FOUND, gov_record_get(c->g, kind, key, &v, &err), err);
    assert_null(v);
    assert_int_equal(gov_error_count(err), 1);
    assert_string_equal(gov_error_code(err, 0), "record_unknown");
    assert_string_equal(gov_error_message(err, 0, "en"), want);
    gov_error_free(err);
}

/* The diagnostics' first code; the put must fail. */
static void put_fails(community *c, const char *kind, const char *key, const char *json, gov_status want, const char *code)
{
    gov_error *err = NULL;
    gov_value *v = community_json(json);
    int64_t id = -5;
    assert_gov(want, gov_record_put(c->g, kind, key, v, &id, &err), err);
    assert_int_equal(id, -5);
    assert_string_equal(gov_error_code(err, 0), code);
    gov_error_free(err);
    gov_value_free(v);
}

static size_t entries(community *c)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_journal_read(c->g, 0, 1000, &v, &err), err);
    const size_t n = gov_value_count(gov_value_get(v, "entries"));
    gov_value_free(v);
    return n;
}

static char *square(double lon, double lat, double size)
{
    static char text[4][400];
    static unsigned turn;
    char *out = text[turn++ % 4];
    (void)snprintf(out, sizeof text[0],
                   "{'type': 'Polygon', 'coordinates': [[[%.4f, %.4f], [%.4f, %.4f], [%.4f, %.4f], [%.4f, %.4f], [%.4f, %.4f]]]}", lon,
                   lat, lon + size, lat, lon + size, lat + size, lon, lat + size, lon, lat);
    return out;
}

static int64_t put_grid(community *c, const char *key, const char *parent, const char *shape)
{
    char json[900];
    (void)snprintf(json, sizeof json, "{'name': '%s'%s%s%s%s%s}", key, parent != NULL ? ", 'parent': '" : "",
                   parent != NULL ? parent : "", parent != NULL ? "'" : "", shape != NULL ? ", 'geometry': " : "",
                   shape != NULL ? shape : "");
    return community_put(c, "grid", key, json);
}

static int64_t locate(community *c, int64_t lat, int64_t lon)
{
    gov_error *err = NULL;
    const gov_point p = {lat, lon};
    int64_t id = -1;
    assert_gov_ok(gov_locate(c->g, &p, 1, &id, &err), err);
    return id;
}

/* ---- each kind ---- */

static void every_kind_keeps_what_it_was_given(void **state)
{
    static const struct {
        const char *kind, *key, *json, *path, *want;
    } cases[] = {
        {"unit", "U0", "{'name': '街道办', 'phone': '0571-1'}", "phone", "0571-1"},
        {"unit", "U1", "{'name': '物业', 'parent': 'U0'}", "parent", "U0"},
        {"grid", "G1", "{'name': '一网格', 'level': 'grid'}", "level", "grid"},
        {"grid", "G1-1", "{'name': '微网格', 'parent': 'G1'}", "parent", "G1"},
        {"staff", "li", "{'name': '李', 'roles': ['clerk'], 'unit': 'U1', 'grids': ['G1'], 'active': true}", "unit", "U1"},
        {"grid", "G1", "{'name': '一网格', 'officers': ['li']}", "officers.0", "li"},
        {"premises", "P1", "{'name': '3幢', 'address': '幸福路1号', 'grid': 'G1', 'place': {'lat': 300000000, 'lon': 1200000000}}", "grid", "G1"},
        {"household", "H1", "{'name': '301', 'premises': 'P1', 'grid': 'G1', 'tags': ['低保']}", "premises", "P1"},
        {"resident", "R1", "{'name': '王', 'household': 'H1', 'birth_year': 1950, 'tags': ['living_alone']}", "tags.0", "living_alone"},
        {"resident", "R2", "{'name': '周', 'birth_date': '2001-02-28', 'marital': 'married'}", "birth_date", "2001-02-28"},
        {"group", "M1", "{'name': '书画', 'members': ['R1', 'R2']}", "members.1", "R2"},
    };
    community c = community_make(support_store_of(state), rules, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int64_t id = community_put(&c, cases[i].kind, cases[i].key, cases[i].json);
        gov_value *v = get(&c, cases[i].kind, cases[i].key);
        assert_true(gov_value_int(gov_value_get(v, "id")) == id && id > 0);
        assert_text_at(v, "key", cases[i].key);
        assert_text_at(v, "kind", cases[i].kind);
        assert_text_at(v, cases[i].path, cases[i].want);
        gov_value_free(v);
    }
    gov_value *v = get(&c, "premises", "P1");
    assert_int_equal(gov_value_int(gov_value_find(v, "place.lon")), 1200000000);
    gov_value_free(v);
    v = get(&c, "resident", "R1");
    assert_int_equal(gov_value_int(gov_value_find(v, "children")), 0); /* the default of the declared field */
    assert_int_equal(gov_value_int(gov_value_find(v, "birth_year")), 1950);
    gov_value_free(v);
    community_free(&c);
}

static void putting_again_replaces_and_the_same_changes_nothing(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    const int64_t id = community_put(&c, "unit", "U1", "{'name': '物业', 'phone': '1'}");
    const size_t before = entries(&c);
    assert_true(community_put(&c, "unit", "U1", "{'phone': '1', 'name': '物业'}") == id);
    assert_int_equal(entries(&c), before);
    assert_true(community_put(&c, "unit", "U1", "{'name': '新物业'}") == id);
    assert_int_equal(entries(&c), before + 2); /* what was put, and its row as it stands now */
    gov_value *v = get(&c, "unit", "U1");
    assert_text_at(v, "name", "新物业");
    assert_null(gov_value_get(v, "phone")); /* the whole document was replaced */
    gov_value_free(v);
    const int64_t grid = put_grid(&c, "A", NULL, square(120, 30, 0.1));
    const size_t with_grid = entries(&c);
    assert_true(put_grid(&c, "A", NULL, square(120, 30, 0.1)) == grid);
    assert_int_equal(entries(&c), with_grid);
    assert_true(put_grid(&c, "A", NULL, square(120, 30, 0.2)) == grid);
    assert_int_equal(entries(&c), with_grid + 3); /* the rows of the grid and of its outline, too */
    community_free(&c);
}

/* What was read can be put back. */
static void a_record_read_and_put_back_is_the_same(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    put_grid(&c, "A", NULL, square(120, 30, 0.1));
    put_grid(&c, "B", "A", square(120, 30, 0.05));
    community_put(&c, "resident", "R1", "{'name': '王', 'grid': 'B'}");
    static const char *const keys[][2] = {{"grid", "A"}, {"grid", "B"}, {"resident", "R1"}};
    const size_t before = entries(&c);
    for (size_t i = 0; i < 3; i++) {
        gov_value *v = get(&c, keys[i][0], keys[i][1]), *back = gov_value_new_map(NULL);
        for (size_t k = 0; k < gov_value_count(v); k++) {
            const char *name = gov_value_string(gov_value_key_at(v, k), NULL);
            if (strcmp(name, "id") != 0 && strcmp(name, "key") != 0 && strcmp(name, "kind") != 0)
                assert_int_equal(gov_value_set(back, name, gov_value_at(v, k)), GOV_OK);
        }
        assert_gov_ok(gov_record_put(c.g, keys[i][0], keys[i][1], back, NULL, &err), err);
        gov_value_free(v);
        gov_value_free(back);
    }
    assert_int_equal(entries(&c), before);
    assert_true(locate(&c, 300200000, 1200200000) > 0);
    gov_value *list = NULL;
    assert_gov_ok(gov_record_list(c.g, "grid", NULL, &list, &err), err);
    assert_text_at(list, "records.0.geometry.type", "Polygon");
    gov_value_free(list);
    community_free(&c);
}

static void bad_fields_are_named_and_nothing_is_kept(void **state)
{
    static const struct {
        const char *kind, *json, *code, *near;
        gov_status status;
    } cases[] = {
        {"unit", "{'nam': '物业'}", "unknown_field", "name", GOV_E_INPUT},
        {"resident", "{'name': '王', 'phnoe': '1'}", "unknown_field", "phone", GOV_E_INPUT},
        {"resident", "{'name': 7}", NULL, NULL, GOV_E_INPUT},
        {"resident", "{'name': '王', 'children': 21}", NULL, NULL, GOV_E_INPUT},
        {"resident", "{'name': '王', 'children': -1}", NULL, NULL, GOV_E_INPUT},
        {"resident", "{'name': '王', 'marital': 'maried'}", NULL, NULL, GOV_E_INPUT},
        {"resident", "{'name': '王', 'birth_date': '2001-02-29'}", NULL, NULL, GOV_E_INPUT},
        {"resident", "{'name': '王', 'phone': '123456789012345678901'}", NULL, NULL, GOV_E_INPUT},
        {"resident", "{'name': '王', 'tags': 'x'}", NULL, NULL, GOV_E_INPUT},
        {"staff", "{'name': '李', 'roles': ['clerc']}", "role_unknown", NULL, GOV_E_INPUT},
        {"staff", "{'name': '李', 'roles': [3]}", "role_unknown", NULL, GOV_E_INPUT},
        {"staff", "{'name': '李', 'active': 'yes'}", NULL, NULL, GOV_E_INPUT},
        {"premises", "{'name': 'x', 'place': {'lat': 1200000000, 'lon': 0}}", NULL, NULL, GOV_E_INPUT},
        {"planet", "{'name': 'x'}", "kind_unknown", NULL, GOV_E_INPUT},
    };
    community c = community_make(support_store_of(state), rules, NULL);
    const size_t before = entries(&c);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gov_error *err = NULL;
        gov_value *v = community_json(cases[i].json);
        const gov_status status = gov_record_put(c.g, cases[i].kind, "K", v, NULL, &err);
        if (status != cases[i].status)
            fail_msg("%s %s: %d", cases[i].kind, cases[i].json, (int)status);
        assert_true(gov_error_count(err) > 0);
        if (cases[i].code != NULL)
            assert_string_equal(gov_error_code(err, 0), cases[i].code);
        if (cases[i].near != NULL)
            assert_string_equal(gov_error_argument(err, 0, "near"), cases[i].near);
        gov_error_free(err);
        gov_value_free(v);
    }
    assert_int_equal(entries(&c), before);
    get_fails(&c, "resident", "K", GOV_E_NOT_FOUND);
    /* all of them are named */
    gov_error *err = NULL;
    gov_value *v = community_json("{'nam': 'x', 'children': 99, 'marital': 'no'}");
    assert_gov(GOV_E_INPUT, gov_record_put(c.g, "resident", "K", v, NULL, &err), err);
    assert_int_equal(gov_error_count(err), 3);
    gov_error_free(err);
    gov_value_free(v);
    community_free(&c);
}

static void bad_keys_are_refused(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    char longest[200];
    memset(longest, 'k', sizeof longest);
    longest[128] = '\0';
    const int64_t id = community_put(&c, "unit", longest, "{'name': 'x'}");
    gov_value *v = get(&c, "unit", longest);
    assert_true(gov_value_int(gov_value_get(v, "id")) == id);
    gov_value_free(v);
    longest[128] = 'k';
    longest[129] = '\0';
    put_fails(&c, "unit", longest, "{'name': 'x'}", GOV_E_INPUT, "bad_key");
    put_fails(&c, "unit", "", "{'name': 'x'}", GOV_E_INPUT, "bad_key");
    put_fails(&c, "unit", "\xff\xfe", "{'name': 'x'}", GOV_E_INPUT, "bad_key");
    get_fails(&c, "unit", longest, GOV_E_NOT_FOUND);
    get_fails(&c, "unit", "", GOV_E_NOT_FOUND);
    get_fails(&c, "unit", "\xff\xfe", GOV_E_NOT_FOUND);
    get_fails(&c, "\xff\xfe", "x", GOV_E_INPUT);
    community_free(&c);
}

static void references_must_exist_and_not_go_in_circles(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    static const char *const bad[][2] = {
        {"grid", "{'name': 'x', 'parent': 'nowhere'}"},      {"grid", "{'name': 'x', 'parent': 'U1'}"},
        {"grid", "{'name': 'x', 'officers': ['nobody']}"},   {"staff", "{'name': 'x', 'unit': 'nowhere'}"},
        {"staff", "{'name': 'x', 'grids': ['nowhere']}"},    {"household", "{'name': 'x', 'premises': 'none'}"},
        {"resident", "{'name': 'x', 'household': 'none'}"},  {"group", "{'name': 'x', 'members': ['none']}"},
        {"grid", "{'name': 'x', 'parent': 123456789}"},
    };
    community_put(&c, "unit", "U1", "{'name': '物业'}");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        gov_value *v = community_json(bad[i][1]);
        const gov_status status = gov_record_put(c.g, bad[i][0], "K", v, NULL, &err);
        if (status != GOV_E_NOT_FOUND && status != GOV_E_INPUT)
            fail_msg("%s: %d", bad[i][1], (int)status);
        assert_true(gov_error_count(err) > 0);
        gov_error_free(err);
        err = NULL;
        gov_value_free(v);
        get_fails(&c, bad[i][0], "K", GOV_E_NOT_FOUND);
    }
    put_grid(&c, "A", NULL, NULL);
    put_grid(&c, "B", "A", NULL);
    put_grid(&c, "C", "B", NULL);
    put_fails(&c, "grid", "A", "{'name': 'A', 'parent': 'C'}", GOV_E_INPUT, "record_cycle");
    put_fails(&c, "grid", "A", "{'name': 'A', 'parent': 'A'}", GOV_E_INPUT, "record_cycle");
    put_fails(&c, "grid", "B", "{'name': 'B', 'parent': 'C'}", GOV_E_INPUT, "record_cycle");
    community_put(&c, "unit", "U2", "{'name': 'x', 'parent': 'U1'}");
    put_fails(&c, "unit", "U1", "{'name': 'x', 'parent': 'U2'}", GOV_E_INPUT, "record_cycle");
    gov_value *v = get(&c, "grid", "A");
    assert_null(gov_value_get(v, "parent"));
    gov_value_free(v);
    community_free(&c);
}

/* A tree of grids has as many levels as the index knows, and one more is refused when it is put, not when it is used. */
static void a_tree_that_is_too_deep_is_refused(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    char key[16], json[64];
    int deepest = 0;
    put_grid(&c, "g0", NULL, NULL);
    for (int i = 1; i < 80; i++) {
        (void)snprintf(key, sizeof key, "g%d", i);
        (void)snprintf(json, sizeof json, "{'name': 'x', 'parent': 'g%d'}", i - 1);
        gov_value *v = community_json(json);
        const gov_status status = gov_record_put(c.g, "grid", key, v, NULL, &err);
        gov_value_free(v);
        if (status != GOV_OK) {
            assert_int_equal(status, GOV_E_LIMIT);
            gov_error_free(err);
            break;
        }
        deepest = i;
    }
    assert_true(deepest >= 20 && deepest < 79);
    (void)snprintf(key, sizeof key, "g%d", deepest);
    (void)snprintf(json, sizeof json, "{'name': '深', 'grid': '%s'}", key);
    community_put(&c, "resident", "R", json);
    community_put(&c, "staff", "wang", "{'name': '王', 'roles': ['officer'], 'grids': ['g0']}");
    act(&c, "wang", "visit");
    gov_value *v = get(&c, "resident", "R"); /* the deepest grid lies in the top one */
    gov_value_free(v);
    community_free(&c);
}

static void bad_outlines_are_refused(void **state)
{
    static const char *const bad[] = {
        "{'type': 'Polygon', 'coordinates': [[[120, 30], [121, 31], [121, 30], [120, 31], [120, 30]]]}", /* crosses itself */
        "{'type': 'Polygon', 'coordinates': [[[120, 30], [121, 30], [121, 31], [120, 31]]]}",            /* open */
        "{'type': 'Polygon', 'coordinates': [[[120, 30], [121, 30], [120, 30]]]}",                       /* too short */
        "{'type': 'Polygon', 'coordinates': [[[200, 30], [201, 30], [201, 31], [200, 31], [200, 30]]]}", /* out of range */
        "{'type': 'Polygon', 'coordinates': []}",
        "{'type': 'Polygon'}",
        "{'type': 'LineString', 'coordinates': [[120, 30], [121, 30]]}",
        "{'type': 'Polygon', 'coordinates': 'here'}",
        "{}",
    };
    community c = community_make(support_store_of(state), rules, NULL);
    put_grid(&c, "A", NULL, square(120, 30, 0.1));
    const size_t before = entries(&c);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        gov_error *err = NULL;
        char json[300];
        (void)snprintf(json, sizeof json, "{'name': 'A', 'geometry': %s}", bad[i]);
        gov_value *v = community_json(json);
        const gov_status status = gov_record_put(c.g, "grid", "A", v, NULL, &err);
        if (status != GOV_E_INPUT)
            fail_msg("%s: %d", bad[i], (int)status);
        assert_true(gov_error_count(err) > 0);
        gov_error_free(err);
        gov_value_free(v);
    }
    assert_int_equal(entries(&c), before);
    assert_true(locate(&c, 300500000, 1200500000) > 0);
    community_free(&c);
}

/* ---- lists ---- */

static void lists_page_in_the_order_of_keys_and_stand_inserts(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    char key[32], json[64], cursor[200] = "";
    for (int i = 0; i < 25; i++) {
        (void)snprintf(key, sizeof key, "k%02d", i * 2);
        (void)snprintf(json, sizeof json, "{'name': '居民%d'}", i);
        community_put(&c, "resident", key, json);
    }
    size_t seen = 0, pages = 0;
    char last[64] = "";
    for (bool more = true; more; pages++) {
        gov_value *page = NULL;
        assert_gov_ok(gov_record_list(c.g, "resident", &(gov_record_query){.size = sizeof(gov_record_query), .cursor = pages == 0 ? NULL : cursor, .limit = 10}, &page, &err), err);
        const gov_value *list = gov_value_get(page, "records");
        for (size_t i = 0; i < gov_value_count(list); i++) {
            const char *k = gov_value_string(gov_value_get(gov_value_at(list, i), "key"), NULL);
            assert_true(strcmp(last, k) < 0);
            (void)snprintf(last, sizeof last, "%s", k);
            seen++;
        }
        const char *next = gov_value_string(gov_value_get(page, "next"), NULL);
        more = next != NULL;
        (void)snprintf(cursor, sizeof cursor, "%s", more ? next : "");
        gov_value_free(page);
        if (pages == 0) { /* one behind the cursor, one ahead of it */
            community_put(&c, "resident", "k01", "{'name': '后'}");
            community_put(&c, "resident", "k99", "{'name': '前'}");
        }
    }
    assert_int_equal(seen, 26);
    assert_int_equal(pages, 3);
    gov_value *page = NULL;
    assert_gov_ok(gov_record_list(c.g, "group", NULL, &page, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(page, "records")), 0);
    assert_int_equal(gov_value_kind(gov_value_get(page, "next")), GOV_VALUE_NULL);
    gov_value_free(page);
    page = NULL;
    assert_gov(GOV_E_ARG, gov_record_list(c.g, "group", &(gov_record_query){.size = sizeof(gov_record_query), .limit = 1001}, &page, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_INPUT, gov_record_list(c.g, "groups", NULL, &page, &err), err);
    gov_error_free(err);
    err = NULL;
    const gov_status odd = gov_record_list(c.g, "group", &(gov_record_query){.size = sizeof(gov_record_query), .cursor = "\xff\xfe"}, &page, &err);
    assert_true(odd == GOV_E_ARG || odd == GOV_E_INPUT);
    gov_error_free(err);
    community_free(&c);
}

/* ---- masks and scopes ---- */

static void sees(community *c, const char *staff, const char *purpose, const char *field, const char *want)
{
    act(c, staff, purpose);
    gov_value *v = get(c, "resident", "R1");
    assert_text_at(v, field, want);
    gov_value_free(v);
}

static void masks_go_by_role_and_purpose(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    put_grid(&c, "A", NULL, NULL);
    put_grid(&c, "B", NULL, NULL);
    community_put(&c, "staff", "li", "{'name': '李', 'roles': ['clerk']}");
    community_put(&c, "staff", "wang", "{'name': '王', 'roles': ['officer'], 'grids': ['A']}");
    community_put(&c, "staff", "both", "{'name': '双', 'roles': ['clerk', 'officer'], 'grids': ['B']}");
    community_put(&c, "staff", "doc", "{'name': '医', 'roles': ['doctor']}");
    community_put(&c, "resident", "R1",
                  "{'name': '周', 'grid': 'A', 'phone': '13800001234', 'id_number': '11010119900307002X', 'illness': '高血压'}");
    const size_t before = entries(&c);
    sees(&c, NULL, "import", "phone", "138****1234"); /* the host sees masks */
    sees(&c, NULL, "visit", "illness", "***");
    sees(&c, "li", "visit", "phone", "138****1234");
    sees(&c, "li", "register", "id_number", "11010119900307002X"); /* 1 look */
    sees(&c, "li", "registers", "id_number", "110***********002X");
    sees(&c, "wang", "visit", "phone", "13800001234"); /* 2 */
    sees(&c, "wang", "curious", "phone", "138****1234");
    sees(&c, "both", "visit", "phone", "138****1234"); /* an officer, but of another grid */
    sees(&c, "doc", "anything", "illness", "高血压");  /* 3: a sight without a purpose holds for all */
    act(&c, NULL, "test");
    assert_int_equal(entries(&c), before + 3);
    community_free(&c);
}

/* Two puts that refer to something: what they answer tells one key from the other and nothing else. */
static void same_answer(community *c, const char *kind, const char *key, const char *field, const char *one, const char *other)
{
    const char *const refers[2] = {one, other};
    char said[2][256];
    for (size_t i = 0; i < 2; i++) {
        gov_error *err = NULL;
        char json[128];
        (void)snprintf(json, sizeof json, "{'name': '某', '%s': '%s'}", field, refers[i]);
        gov_value *v = community_json(json);
        assert_gov(GOV_E_INPUT, gov_record_put(c->g, kind, key, v, NULL, &err), err);
        assert_int_equal(gov_error_count(err), 1);
        (void)snprintf(said[i], sizeof said[i], "%s", gov_error_message(err, 0, "en"));
        char *at = strstr(said[i], refers[i]);
        assert_non_null(at);
        *at = '\0';
        gov_error_free(err);
        gov_value_free(v);
    }
    assert_string_equal(said[0], said[1]);
}

static void grid_officers_stay_in_their_subtree(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    gov_value *page = NULL;
    put_grid(&c, "A", NULL, NULL);
    put_grid(&c, "A1", "A", NULL);
    put_grid(&c, "A11", "A1", NULL);
    put_grid(&c, "B", NULL, NULL);
    community_put(&c, "unit", "U1", "{'name': '物业'}");
    community_put(&c, "staff", "wang", "{'name': '王', 'roles': ['officer'], 'grids': ['A1'], 'unit': 'U1'}");
    community_put(&c, "staff", "mei", "{'name': '梅', 'roles': ['keeper'], 'unit': 'U1'}");
    community_put(&c, "staff", "none", "{'name': '空', 'roles': ['officer']}");
    community_put(&c, "premises", "P1", "{'name': '楼', 'grid': 'A1'}");
    community_put(&c, "household", "H1", "{'name': '户', 'premises': 'P1'}");
    community_put(&c, "household", "H2", "{'name': '远', 'grid': 'B'}");
    community_put(&c, "resident", "in", "{'name': '内', 'grid': 'A11'}");
    community_put(&c, "resident", "home", "{'name': '家', 'household': 'H1'}"); /* by the household's premises */
    community_put(&c, "resident", "up", "{'name': '上', 'grid': 'A'}");
    community_put(&c, "resident", "out", "{'name': '外', 'grid': 'B'}");
    community_put(&c, "resident", "far", "{'name': '无'}");
    act(&c, "wang", "visit");
    gov_value_free(get(&c, "resident", "in"));
    gov_value_free(get(&c, "resident", "home"));
    gov_value_free(get(&c, "grid", "A11"));
    hidden(&c, "resident", "up");
    hidden(&c, "resident", "out");
    hidden(&c, "resident", "far");
    hidden(&c, "grid", "A");
    hidden(&c, "resident", "never");
    assert_gov_ok(gov_record_list(c.g, "resident", NULL, &page, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(page, "records")), 2);
    gov_value_free(page);
    /* and what they write stays there, too */
    put_fails(&c, "resident", "out", "{'name': '外'}", GOV_E_DENIED, "permission_denied"); /* as a new one */
    put_fails(&c, "resident", "nobody", "{'name': '外'}", GOV_E_DENIED, "permission_denied");
    put_fails(&c, "resident", "out", "{'name': '外', 'grid': 'A1'}", GOV_E_NOT_FOUND, "record_unknown");
    same_answer(&c, "resident", "in", "grid", "B", "Z"); /* a grid out of sight, and one that is not there */
    same_answer(&c, "resident", "new", "grid", "B", "Z");
    same_answer(&c, "resident", "out", "grid", "B", "Z");
    same_answer(&c, "resident", "new", "household", "H2", "H9");
    same_answer(&c, "grid", "A12", "parent", "B", "Z");
    put_fails(&c, "unit", "U1", "{'name': '我的'}", GOV_E_DENIED, "permission_denied");
    put_fails(&c, "staff", "wang", "{'name': '王', 'roles': ['clerk']}", GOV_E_DENIED, "permission_denied");
    community_put(&c, "resident", "new", "{'name': '新', 'grid': 'A11'}");
    act(&c, "none", "visit");
    hidden(&c, "resident", "in");
    act(&c, "mei", "visit"); /* keepers know their unit and its staff */
    gov_value_free(get(&c, "staff", "wang"));
    gov_value_free(get(&c, "unit", "U1"));
    hidden(&c, "staff", "none");
    put_fails(&c, "unit", "U1", "{'name': '我的'}", GOV_E_DENIED, "permission_denied");
    community_free(&c);
}

static void says(community *c, const char *kind, const char *key, const char *json, const char *named, char *out, size_t size)
{
    gov_error *err = NULL;
    gov_value *v = community_json(json);
    const gov_status status = gov_record_put(c->g, kind, key, v, NULL, &err);
    const int n = snprintf(out, size, "%d", (int)status);
    for (size_t i = 0, at = (size_t)n; i < gov_error_count(err); i++) {
        const char *text = gov_error_message(err, i, "en"), *name = strstr(text, named);
        assert_true(at + strlen(text) < size);
        at += (size_t)snprintf(out + at, size - at, " %.*s%s", name != NULL ? (int)(name - text) : (int)strlen(text), text,
                               name != NULL ? name + strlen(named) : "");
    }
    gov_error_free(err);
    gov_value_free(v);
}

/* To refer to a record that is out of sight is answered as to refer to none, alone and beside another mistake. */
static void what_is_out_of_sight_is_no_reference(void **state)
{
    static const struct {
        const char *kind, *key, *format, *hidden, *missing;
    } rows[] = {{"group", "G", "{'name': 'g', 'members': ['%s']}", "out", "zzz"},
                {"group", "G", "{'name': 'g', 'members': ['in', '%s']}", "out", "zzz"},
                {"grid", "A12", "{'name': 'a', 'parent': 'A1', 'officers': ['%s']}", "none", "zzzz"},
                {"grid", "A11", "{'name': 'a', 'parent': 'A1', 'officers': ['%s']}", "none", "zzzz"},
                {"staff", "wang", "{'name': 'w', 'grids': ['A1', '%s']}", "B", "Z"},
                {"staff", "new", "{'name': 'w', 'unit': '%s'}", "U1", "U9"},
                {"resident", "in", "{'name': 'i', 'grid': 'A1', 'household': '%s'}", "H2", "H9"},
                {"resident", "in", "{'name': 'i', 'grid': 'A1', 'household': '%s', 'children': -1}", "H2", "H9"},
                {"resident", "in", "{'nam': 'i', 'grid': '%s', 'children': 'x'}", "B", "Z"},
                {"household", "H3", "{'name': 'h', 'grid': 'A1', 'premises': '%s'}", "P2", "P9"}};
    community c = community_make(support_store_of(state), rules, NULL);
    put_grid(&c, "A", NULL, NULL);
    put_grid(&c, "A1", "A", NULL);
    put_grid(&c, "B", NULL, NULL);
    community_put(&c, "unit", "U1", "{'name': '物业'}");
    community_put(&c, "staff", "wang", "{'name': '王', 'roles': ['officer'], 'grids': ['A1']}");
    community_put(&c, "staff", "none", "{'name': '空'}");
    community_put(&c, "grid", "A11", "{'name': 'a', 'parent': 'A1', 'officers': ['wang']}");
    community_put(&c, "premises", "P2", "{'name': '远', 'grid': 'B'}");
    community_put(&c, "household", "H2", "{'name': '远', 'grid': 'B'}");
    community_put(&c, "resident", "in", "{'name': '内', 'grid': 'A11'}");
    community_put(&c, "resident", "out", "{'name': '外', 'grid': 'B'}");
    community_put(&c, "resident", "kept", "{'name': '留', 'grid': 'A11', 'household': 'H2'}");
    act(&c, "wang", "visit");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const keys[] = {rows[i].hidden, rows[i].missing};
        char json[200], said[2][1000];
        for (size_t k = 0; k < 2; k++) {
            const char *at = strstr(rows[i].format, "%s");
            (void)snprintf(json, sizeof json, "%.*s%s%s", (int)(at - rows[i].format), rows[i].format, keys[k], at + 2);
            says(&c, rows[i].kind, rows[i].key, json, keys[k], said[k], sizeof said[k]);
        }
        assert_string_equal(said[0], said[1]);
        assert_true(said[0][0] != '0');
    }
    /* what a record referred to already may stay */
    community_put(&c, "resident", "kept", "{'name': '仍', 'grid': 'A11', 'household': 'H2'}");
    community_put(&c, "grid", "A11", "{'name': '改', 'parent': 'A1', 'officers': ['wang']}");
    community_put(&c, "grid", "A1", "{'name': '改', 'parent': 'A'}");
    community_free(&c);
}

static void the_inactive_and_the_unknown_do_not_act(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    community_put(&c, "staff", "li", "{'name': '李', 'roles': ['clerk'], 'active': false}");
    community_put(&c, "staff", "bare", "{'name': '新'}");
    community_put(&c, "resident", "R1", "{'name': '周'}");
    assert_gov(GOV_E_DENIED, gov_act_as(c.g, "li", "visit", &err), err);
    assert_string_equal(gov_error_code(err, 0), "actor_inactive");
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_NOT_FOUND, gov_act_as(c.g, "R1", "visit", &err), err); /* a resident is no staff */
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_NOT_FOUND, gov_act_as_resident(c.g, "li", "visit", &err), err);
    gov_error_free(err);
    err = NULL;
    gov_value_free(get(&c, "resident", "R1")); /* the host acts on */
    act(&c, "bare", "visit");
    get_fails(&c, "resident", "R1", GOV_E_DENIED);
    community_free(&c);
}

/* ---- where a point lies ---- */

static void points_lie_in_the_deepest_grid_and_edges_in_one(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    assert_int_equal(locate(&c, 300500000, 1200500000), 0); /* no grids at all */
    const int64_t a = put_grid(&c, "A", NULL, square(120, 30, 0.2));
    const int64_t a1 = put_grid(&c, "A1", "A", square(120, 30, 0.1));
    const int64_t a2 = put_grid(&c, "A2", "A", square(120.1, 30, 0.1));
    const int64_t deep = put_grid(&c, "A11", "A1", square(120.02, 30.02, 0.02));
    put_grid(&c, "bare", "A", NULL);
    assert_true(locate(&c, 301500000, 1200500000) == a);
    assert_true(locate(&c, 300500000, 1200500000) == a1);
    assert_true(locate(&c, 300500000, 1201500000) == a2);
    assert_true(locate(&c, 300300000, 1200300000) == deep);
    assert_int_equal(locate(&c, 310000000, 1200000000), 0);
    for (int64_t i = 0; i <= 10; i++) { /* the shared edge, ends included, belongs to one of them, always the same */
        const int64_t got = locate(&c, 300000000 + i * 100000, 1201000000);
        assert_true(got == (i < 10 ? a2 : a));
    }
    gov_point many[600];
    int64_t ids[600];
    for (size_t i = 0; i < 600; i++)
        many[i] = (gov_point){300500000, i % 3 == 0 ? 1200500000 : i % 3 == 1 ? 1201500000 : 0};
    assert_gov_ok(gov_locate(c.g, many, 600, ids, &err), err);
    for (size_t i = 0; i < 600; i++)
        assert_true(ids[i] == (i % 3 == 0 ? a1 : i % 3 == 1 ? a2 : 0));
    assert_gov_ok(gov_locate(c.g, NULL, 0, NULL, &err), err);
    many[0] = (gov_point){INT64_MAX, INT64_MIN};
    assert_gov_ok(gov_locate(c.g, many, 1, ids, &err), err);
    assert_int_equal(ids[0], 0);
    community_free(&c);
}

static void a_new_outline_is_seen_at_once(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    const int64_t a = put_grid(&c, "A", NULL, square(120, 30, 0.1));
    assert_true(locate(&c, 300500000, 1200500000) == a);
    put_grid(&c, "A", NULL, square(121, 30, 0.1));
    assert_int_equal(locate(&c, 300500000, 1200500000), 0);
    assert_true(locate(&c, 300500000, 1210500000) == a);
    put_grid(&c, "A", NULL, NULL); /* the outline is gone */
    assert_int_equal(locate(&c, 300500000, 1210500000), 0);
    assert_gov_ok(gov_begin(c.g, &err), err);
    put_grid(&c, "A", NULL, square(120, 30, 0.1));
    assert_true(locate(&c, 300500000, 1200500000) == a);
    put_grid(&c, "N", NULL, square(122, 30, 0.1));
    assert_true(locate(&c, 300500000, 1220500000) > 0);
    assert_gov_ok(gov_rollback(c.g, &err), err);
    assert_int_equal(locate(&c, 300500000, 1200500000), 0);
    assert_int_equal(locate(&c, 300500000, 1220500000), 0);
    get_fails(&c, "grid", "N", GOV_E_NOT_FOUND);
    community_free(&c);
}

/* ---- several handles ---- */

/* What one handle writes, another one sees, on the same connection and on another. */
static void handles_see_what_others_write(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, rules, NULL), other;
    gov_error *err = NULL;
    gov *twin = NULL;
    assert_gov_ok(gov_attach(c.store, NULL, &twin, &err), err);
    assert_gov_ok(gov_act_as_host(twin, "test", &err), err);
    assert_gov_ok(community_try(s->url, NULL, NULL, &other, &err), err);
    community same = {c.store, twin};
    community *const all[] = {&c, &same, &other};
    put_grid(&c, "A", NULL, square(120, 30, 0.1));
    community_put(&c, "staff", "li", "{'name': '李', 'grids': ['A']}");
    for (size_t i = 0; i < 3; i++) { /* every cache is warm */
        assert_true(locate(all[i], 300500000, 1200500000) > 0);
        gov_value_free(get(all[i], "staff", "li"));
        get_fails(all[i], "grid", "B", GOV_E_NOT_FOUND);
    }
    for (size_t writer = 0; writer < 3; writer++) {
        const double lon = 121 + (double)writer;
        put_grid(all[writer], "A", NULL, square(lon, 30, 0.1));
        char key[8];
        (void)snprintf(key, sizeof key, "B%zu", writer);
        put_grid(all[writer], key, "A", NULL);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(locate(all[i], 300500000, 1200500000 + 10000000 * (int64_t)writer), 0);
            assert_true(locate(all[i], 300500000, 1210500000 + 10000000 * (int64_t)writer) > 0);
            gov_value *v = get(all[i], "grid", key);
            assert_text_at(v, "parent", "A");
            gov_value_free(v);
        }
    }
    gov_free(twin);
    community_free(&other);
    community_free(&c);
}

/* ---- want of memory ---- */

static gov_status people_and_places(community *c, void *user)
{
    (void)user;
    gov_value *v = NULL;
    const gov_point p = {300500000, 1200500000};
    int64_t id;
    char grid[500];
    (void)snprintf(grid, sizeof grid, "{'name': '甲', 'geometry': %s}", square(120, 30, 0.1));
    gov_status status = community_try_put(c, "grid", "A", grid);
    if (status == GOV_OK)
        status = community_try_put(c, "staff", "wang", "{'name': '王', 'roles': ['officer'], 'grids': ['A']}");
    if (status == GOV_OK)
        status = community_try_put(c, "resident", "R1", "{'name': '周', 'grid': 'A', 'phone': '13800001234'}");
    if (status == GOV_OK)
        status = community_try_put(c, "resident", "R1", "{'name': '周', 'grid': 'A', 'phone': '13800001235'}");
    if (status == GOV_OK)
        status = gov_locate(c->g, &p, 1, &id, NULL);
    if (status == GOV_OK)
        status = gov_act_as(c->g, "wang", "visit", NULL);
    if (status == GOV_OK)
        status = gov_record_get(c->g, "resident", "R1", &v, NULL); /* with a look */
    gov_value_free(v);
    v = NULL;
    if (status == GOV_OK)
        status = gov_record_list(c->g, "grid", NULL, &v, NULL);
    gov_value_free(v);
    if (status == GOV_OK)
        status = gov_act_as_resident(c->g, "R1", "own", NULL);
    return status;
}

static void want_of_memory_leaks_nothing(void **state)
{
    community_without_memory(support_store_of(state), rules, people_and_places, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(every_kind_keeps_what_it_was_given),
        STORE_TESTS(putting_again_replaces_and_the_same_changes_nothing),
        STORE_TESTS(a_record_read_and_put_back_is_the_same),
        STORE_TESTS(bad_fields_are_named_and_nothing_is_kept),
        STORE_TESTS(bad_keys_are_refused),
        STORE_TESTS(references_must_exist_and_not_go_in_circles),
        STORE_TESTS(a_tree_that_is_too_deep_is_refused),
        STORE_TESTS(bad_outlines_are_refused),
        STORE_TESTS(lists_page_in_the_order_of_keys_and_stand_inserts),
        STORE_TESTS(masks_go_by_role_and_purpose),
        STORE_TESTS(grid_officers_stay_in_their_subtree),
        STORE_TESTS(what_is_out_of_sight_is_no_reference),
        STORE_TESTS(the_inactive_and_the_unknown_do_not_act),
        STORE_TESTS(points_lie_in_the_deepest_grid_and_edges_in_one),
        STORE_TESTS(a_new_outline_is_seen_at_once),
        STORE_TESTS(handles_see_what_others_write),
        STORE_TEST(want_of_memory_leaks_nothing, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
