/* Lists of records: what the store answers is compared, row by row, with what the language itself says of each record, and its
 * order with a sort of our own. */
#include "support/community.h"
#include "support/lists.h"
#include "support/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

static const char head[] =
    "rulebook: records\n"
    "version: '1'\n"
    "title: Records\n"
    "languages: [en]\n"
    "time_zone: Asia/Shanghai\n"
    "values:\n"
    "  limit: {is: 3, source: a test}\n"
    "roles:\n"
    "  clerk: {title: Clerk}\n"
    "  officer: {title: Officer, scope: grid}\n"
    "permissions:\n"
    "  record.read: [clerk, officer]\n"
    "  record.write: [clerk]\n"
    "sensitivity:\n"
    "  contact: {mask: phone, see: [{role: officer, purpose: visit}]}\n"
    "---\n"
    "record: household\n"
    "fields:\n"
    "  tags: {type: list, sensitive: contact}\n"
    "---\n"
    "record: resident\n"
    "fields:\n";
static const char fields[] = "  level: {type: int, indexed: true}\n"
                             "  weight: {type: double, indexed: true}\n"
                             "  text: {type: string, max_length: 50, indexed: true}\n"
                             "  story: {type: string, indexed: true}\n"
                             "  late: {type: bool, indexed: true}\n"
                             "  happened: {type: timestamp, indexed: true}\n"
                             "  day: {type: date, indexed: true}\n"
                             "  cost: {type: money, indexed: true}\n"
                             "  friend: {type: resident, indexed: true}\n"
                             "  phone: {type: string, indexed: true, sensitive: contact}\n"
                             "  rank: {type: int}\n"
                             "  wait: {type: duration, indexed: true}\n"
                             "  kin: {type: map}\n";

static const char *rules_with(const char *declared)
{
    static char text[4000];
    (void)snprintf(text, sizeof text, "%s%s", head, declared);
    return text;
}

/* ---- records ---- */

static const char *const texts[] = {"",  "a",  "ab", "abc", "A",    "Ab",  "b",  "Ä", "中", "中文", "文", "%",
                                    "_", "a%", "'",  "a'b", "\\\\", "$1", "s",  "t", "b1", "\xF4\x8F\xBF\xBF",
                                    "a b", "@", "\\\"", "; --", "\xED\x9F\xBF", "\xEE\x80\x80", "😀b"};
static const char *const stories[] = {"", "a", A170, A170 "x", A170 A50, A170 A50 "y", "中", A50};
static const char *const ints[] = {"0", "1", "-1", "3", "4", "9007199254740993", "9223372036854775807", "-9223372036854775807"};
static const char *const doubles[] = {"0.0", "-0.0", "1.5", "-1.5", "3.0", "1e300", "-1e300", "5e-324"};
static const char *const times[] = {"2026-03-02T01:00:00Z", "2026-03-02T01:00:00.000001Z", "1969-12-31T23:59:59.5Z",
                                    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"};
static const char *const days[] = {"2026-03-02", "2025-12-31", "1950-11-01"};
static const char *const years[] = {"1931", "1950", "1951", "2001"};
static const char *const tags[] = {"alone", "old", "", "中", "b1", A170 A50, A170 A50 "y"};
static const char *const grids[] = {"A", "B"};
static const char *const homes[] = {"h1", "h2"};

static void add_member(char *json, const char *name, const char *text, bool quote)
{
    if (draw(4) != 0) /* else it has none */
        (void)snprintf(json + strlen(json), 4000 - strlen(json), "%s\"%s\":%s%s%s", json[1] != '\0' ? "," : "", name,
                       quote ? "\"" : "", text, quote ? "\"" : "");
}

static int64_t put_random(community *c, const char *key)
{
    char json[4000] = "{", list[1200] = "[";
    gov_error *err = NULL;
    gov_value *v = NULL;
    int64_t id;
    for (uint32_t n = draw(4); n > 0; n--) /* the same one twice, now and then */
        (void)snprintf(list + strlen(list), sizeof list - strlen(list), "%s\"%s\"", list[1] != '\0' ? "," : "", PICK(tags));
    (void)strcat(list, "]");
    add_member(json, "level", PICK(ints), false);
    add_member(json, "weight", PICK(doubles), false);
    add_member(json, "text", PICK(texts), true);
    add_member(json, "story", PICK(stories), true);
    add_member(json, "late", draw(2) == 0 ? "true" : "false", false);
    add_member(json, "happened", PICK(times), true);
    add_member(json, "day", PICK(days), true);
    add_member(json, "cost", PICK(ints), false);
    add_member(json, "friend", "r00", true);
    add_member(json, "name", PICK(texts), true);
    add_member(json, "birth_year", PICK(years), false);
    add_member(json, "birth_date", PICK(days), true);
    add_member(json, "grid", PICK(grids), true);
    add_member(json, "household", PICK(homes), true);
    add_member(json, "tags", list, false);
    (void)strcat(json, "}");
    assert_gov_ok(gov_value_from_json(NULL, json, strlen(json), &v, &err), err);
    assert_gov_ok(gov_record_put(c->g, "resident", key, v, &id, &err), err);
    gov_value_free(v);
    return id;
}

enum { RECORDS = 80, MOST = 400 };
typedef struct bed {
    community c;
    size_t count;
    int64_t ids[MOST];
    gov_value *shown[MOST]; /* as gov_record_get shows it */
    gov_value *rows[MOST];  /* the same under the names of a filter */
    gov_value *types;
} bed;

static void keep_row(bed *b, const char *key, int64_t id)
{
    gov_error *err = NULL;
    gov_value *v = NULL, *row = gov_value_new_map(NULL), *none = gov_value_new_list(NULL);
    char name[64];
    assert_gov_ok(gov_record_get(b->c.g, "resident", key, &v, &err), err);
    (void)gov_value_set(row, "it.tags", none);
    gov_value_free(none);
    for (size_t i = 0; i < gov_value_count(v); i++) {
        (void)snprintf(name, sizeof name, "it.%s", gov_value_string(gov_value_key_at(v, i), NULL));
        (void)gov_value_set(row, name, gov_value_at(v, i));
    }
    (void)gov_value_set_timestamp(row, "now", gov_now(b->c.g));
    (void)gov_value_set_int(row, "values.limit", 3);
    (void)gov_value_set_string(row, "actor.id", "chen");
    b->ids[b->count] = id;
    b->shown[b->count] = v;
    b->rows[b->count++] = row;
}

static void add_record(bed *b)
{
    char key[16];
    /* Keys in no order, so that theirs is another than that of the ids. */
    (void)snprintf(key, sizeof key, b->count == 0 ? "r00" : "r%02x", (unsigned)(b->count * 37 % 256) + (b->count >= 256 ? 4096 : 0));
    const int64_t id = put_random(&b->c, key);
    keep_row(b, key, id);
}

static bed *make(support_store *s)
{
    bed *b = calloc(1, sizeof *b);
    gov_error *err = NULL;
    b->c = community_make(s, rules_with(fields), NULL);
    (void)community_put(&b->c, "grid", "A", "{'name': 'a'}");
    (void)community_put(&b->c, "grid", "B", "{'name': 'b'}");
    (void)community_put(&b->c, "household", "h1", "{'name': '1'}");
    (void)community_put(&b->c, "household", "h2", "{'name': '2'}");
    (void)community_put(&b->c, "resident", "r00", "{'name': 'nobody yet'}");
    (void)community_put(&b->c, "staff", "chen", "{'name': 'c', 'roles': ['clerk']}");
    assert_gov_ok(gov_begin(b->c.g, &err), err);
    for (size_t i = 0; i < RECORDS; i++)
        add_record(b);
    assert_gov_ok(gov_commit(b->c.g, &err), err);
    assert_gov_ok(gov_act_as(b->c.g, "chen", "test", &err), err);
    b->types = community_json("{'it.id':'int','it.key':'string','it.kind':'string','it.level':'int','it.weight':'double',"
                              "'it.text':'string','it.story':'string','it.late':'bool','it.happened':'timestamp',"
                              "'it.day':'string','it.cost':'int','it.friend':'string','it.name':'string',"
                              "'it.birth_year':'int','it.birth_date':'string','it.grid':'string','it.household':'string',"
                              "'it.tags':'list(string)','now':'timestamp','values.limit':'int','actor.id':'string'}");
    return b;
}

static void unmake(bed *b)
{
    for (size_t i = 0; i < b->count; i++) {
        gov_value_free(b->rows[i]);
        gov_value_free(b->shown[i]);
    }
    gov_value_free(b->types);
    community_free(&b->c);
    free(b);
}

/* ---- random filters ---- */

static void put_quoted(writer *w, const char *s)
{
    put(w, "\"");
    put(w, s); /* escaped already, alike for JSON and CEL */
    put(w, "\"");
}

static void number_leaf(writer *w)
{
    static const char *const names[] = {"it.level", "it.cost", "it.weight", "it.birth_year", "size(it.text)", "size(it.name)"};
    static const char *const others[] = {"values.limit", "3u", "1950", "3.5", "-1.5", "(0.0 / 0.0)", "2", "1e300"};
    put(w, PICK(names));
    put(w, PICK(signs));
    put(w, draw(2) == 0 ? PICK(ints) : PICK(others));
}

static void text_leaf(writer *w)
{
    static const char *const names[] = {"it.text", "it.name", "it.key", "it.day", "it.birth_date", "it.kind", "it.name"};
    static const char *const words[] = {"resident", "r", "r0", "2026-03-02", "20", "-1"};
    static const char *const calls[] = {".startsWith(", ".endsWith(", ".contains("};
    put(w, PICK(names));
    const bool call = draw(2) == 0;
    put(w, call ? PICK(calls) : PICK(signs));
    put_quoted(w, draw(3) == 0 ? PICK(words) : PICK(texts));
    put(w, call ? ")" : "");
}

static void key_leaf(writer *w)
{
    static const char *const names[] = {"it.grid", "it.household", "it.friend"};
    static const char *const keys[] = {"\"A\"", "\"B\"", "\"h1\"", "\"r00\"", "\"nobody\"", "null", "actor.id"};
    put_key_leaf(w, PICK(names), keys, ARRAY_LEN(keys));
}

static void tag_leaf(writer *w)
{
    put_quoted(w, draw(6) == 0 ? "gone" : PICK(tags));
    put(w, " in it.tags");
}

static void odd_leaf(writer *w)
{
    static const char *const odd[] = {"has(it.name)", "!has(it.name)", "has(it.grid)", "!has(it.grid)", "has(it.level)",
                                      "!has(it.friend)", "has(it.key)", "!has(it.id)", "it.late", "!it.late", "true",
                                      "1 / 0 == 1", "it.grid == null", "it.household != null", "it.name == it.key",
                                      "it.name != it.kind", "it.happened < now", "it.happened >= now - duration(\"1h\")",
                                      "it.name in [\"a\", \"ab\", null]", "it.grid in []", "it.name == it.name",
                                      "it.story == \"" A170 A50 "\"", "it.story.startsWith(\"" A50 "\")", "it.story < \"b\"",
                                      "it.id > 5", "it.name < \"a\\u0000b\"", "\"a\\u0000b\" in it.tags",
                                      "!(\"a\\u0000b\" in it.tags)"};
    put(w, PICK(odd));
}

static void filter(writer *w, int depth)
{
    static void (*const leaves[])(writer *) = {number_leaf, text_leaf, key_leaf, tag_leaf, odd_leaf};
    const uint32_t what = depth == 0 ? 0 : draw(8);
    put(w, what == 2 ? "!(" : "(");
    if (what < 2) {
        PICK(leaves)(w);
    } else {
        filter(w, depth - 1);
        if (what > 2) {
            put(w, what == 7 ? " ? " : what < 5 ? " && " : " || ");
            filter(w, depth - 1);
        }
        if (what == 7) {
            put(w, " : ");
            filter(w, depth - 1);
        }
    }
    put(w, ")");
}

/* ---- both ways ---- */

typedef struct found {
    int64_t ids[MOST];
    size_t count;
} found;

static gov_status list_all(gov *g, const char *kind, const char *where, const char *order, uint32_t limit, found *out,
                           gov_error **err)
{
    gov_record_query q;
    char cursor[CURSOR_BYTES];
    gov_record_query_init(&q, sizeof q);
    q.where = where;
    q.order = order;
    q.limit = limit;
    out->count = 0;
    for (bool more = true; more;) {
        gov_value *page = NULL;
        const gov_status status = gov_record_list(g, kind, &q, &page, err);
        if (status != GOV_OK)
            return status;
        more = take_page(page, "records", out->ids, &out->count, MOST, cursor);
        q.cursor = cursor;
    }
    return GOV_OK;
}

static void expected(const bed *b, const char *text, found *out)
{
    out->count = rows_that_hold(text, b->types, b->rows, b->ids, b->count, out->ids);
}

/* Returns whether it was answered; a filter of which only an error is left finds nothing either way. */
static bool both_ways(const bed *b, const char *text, uint32_t limit)
{
    static found got, want;
    gov_error *err = NULL;
    expected(b, text, &want);
    const gov_status status = list_all(b->c.g, "resident", text, "it.id", limit, &got, &err);
    const char *code = err != NULL ? gov_error_code(err, 0) : "";
    const bool failed = status == GOV_E_EXPR && strcmp(code, "divide_by_zero") == 0;
    if (status != GOV_OK && !failed) {
        print_message("%s\n", text);
        assert_gov_ok(status, err);
    }
    gov_error_free(err);
    assert_same_rows(text, got.ids, got.count, want.ids, want.count, b->rows, b->ids, b->count);
    return !failed;
}

static void thousands_of_filters(void **state)
{
    enum { LEAVES = 900, TREES = 600 };
    support_store *s = support_store_of(state);
    seed = 20260302;
    bed *b = make(s);
    size_t answered = 0;
    for (int i = 0; i < LEAVES + TREES; i++) {
        static writer w;
        w.len = 0;
        filter(&w, i < LEAVES ? (int)draw(2) : 4);
        answered += both_ways(b, w.text, i % 25 == 0 ? 7 : 1000);
    }
    assert_true(answered > (LEAVES + TREES) * 9 / 10);
    unmake(b);
}

/* ---- orders ---- */

static const gov_value *value_at(const bed *b, size_t i, const char *name)
{
    const gov_value *v = gov_value_get(b->rows[i], name);
    return v;
}

static size_t place_of(const bed *b, int64_t id)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->ids[i] == id)
            return i;
    fail_msg("a record that nobody put");
    return 0;
}

static void assert_sorted(const bed *b, const found *got, const char *name, bool descending)
{
    for (size_t i = 1; i < got->count; i++) {
        const size_t x = place_of(b, got->ids[i - 1]), y = place_of(b, got->ids[i]);
        if (order_rows(value_at(b, x, name), b->ids[x], value_at(b, y, name), b->ids[y], descending) >= 0)
            fail_msg("%s: row %zu stands before row %zu", name, i - 1, i);
    }
}

/* Page by page, with a record put after each: those of before are all there, once, and everything is in order. */
static void walk(bed *b, const char *name, bool descending, const char *where)
{
    static found got, want;
    char order[64], cursor[CURSOR_BYTES];
    gov_error *err = NULL;
    gov_record_query q;
    bool more = true;
    (void)snprintf(order, sizeof order, "%s%s", name, descending ? " desc" : "");
    if (where != NULL)
        expected(b, where, &want);
    const size_t before = b->count, expect = where != NULL ? want.count : before;
    got.count = 0;
    gov_record_query_init(&q, sizeof q);
    q.where = where;
    q.order = order;
    q.limit = 9;
    for (int turn = 0; more; turn++) {
        gov_value *page = NULL;
        assert_gov_ok(gov_record_list(b->c.g, "resident", &q, &page, &err), err);
        more = take_page(page, "records", got.ids, &got.count, MOST, cursor);
        q.cursor = cursor;
        if (turn < 3)
            add_record(b);
    }
    assert_sorted(b, &got, name, descending);
    size_t old = 0;
    for (size_t i = 0; i < got.count; i++)
        old += place_of(b, got.ids[i]) < before;
    assert_int_equal(old, expect);
}

static void orders_are_those_of_a_sort(void **state)
{
    static const char *const names[] = {"it.key", "it.name", "it.level", "it.weight", "it.text", "it.late", "it.happened", "it.day",
                                        "it.cost", "it.birth_year", "it.id"};
    support_store *s = support_store_of(state);
    seed = 42;
    bed *b = make(s);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (int down = 0; down < 2; down++)
            walk(b, names[i], down == 1, NULL);
    walk(b, "it.level", false, "\"old\" in it.tags || it.late");
    walk(b, "it.name", true, "!(\"old\" in it.tags)");
    walk(b, "it.birth_year", true, "it.birth_year > 1931 && it.name != \"a\"");
    unmake(b);
}

/* Long texts are put in order by what the index keeps of them: always the same one, and by their beginnings. */
static void long_texts_go_by_their_beginnings(void **state)
{
    static found got;
    gov_error *err = NULL;
    community c = community_make(support_store_of(state), rules_with(fields), NULL);
    const int64_t last = community_put(&c, "resident", "1", "{'story': 'b'}");
    const int64_t long_one = community_put(&c, "resident", "2", "{'story': '" A170 A50 "'}");
    const int64_t first = community_put(&c, "resident", "3", "{'story': 'a'}");
    const int64_t none = community_put(&c, "resident", "4", "{}");
    for (uint32_t limit = 1; limit < 5; limit++) {
        assert_gov_ok(list_all(c.g, "resident", NULL, "it.story asc", limit, &got, &err), err);
        assert_int_equal(got.count, 4);
        assert_true(got.ids[0] == first && got.ids[1] == long_one && got.ids[2] == last && got.ids[3] == none);
        assert_gov_ok(list_all(c.g, "resident", NULL, "it.story desc", limit, &got, &err), err);
        assert_true(got.ids[0] == last && got.ids[1] == long_one && got.ids[2] == first && got.ids[3] == none);
    }
    community_free(&c);
}

/* ---- what is refused ---- */

static void what_the_store_cannot_answer(void **state)
{
    static const struct {
        const char *where, *order, *kind;
        gov_status status;
        const char *code;
        int column;
    } table[] = {
        {"it.rank == 3", NULL, "resident", GOV_E_EXPR, "filter_not_indexed", 1},
        {"it.address == 'x'", NULL, "household", GOV_E_EXPR, "filter_not_indexed", 1},
        {"it.wait == duration('1h')", NULL, "resident", GOV_E_EXPR, "filter_unsorted", 1},
        {"it.kin == {}", NULL, "resident", GOV_E_EXPR, "filter_unsorted", 1},
        {"it.tags == ['old']", NULL, "resident", GOV_E_EXPR, "filter_list", 1},
        {"size(it.tags) == 1", NULL, "resident", GOV_E_EXPR, "filter_list", 6},
        {"it.name in it.tags", NULL, "resident", GOV_E_EXPR, "filter_term", -1},
        {"has(it.tags)", NULL, "resident", GOV_E_EXPR, "filter_list", -1},
        {"it.tags.exists(t, t == 'old')", NULL, "resident", GOV_E_EXPR, NULL, -1},
        {"it.grid < 'B'", NULL, "resident", GOV_E_EXPR, "filter_key", 9},
        {"it.story.contains('x')", NULL, "resident", GOV_E_EXPR, "filter_cut", -1},
        {"it.levle == 3", NULL, "resident", GOV_E_EXPR, "undeclared_reference", 1},
        {"case.level == 3", NULL, "resident", GOV_E_EXPR, "undeclared_reference", 1},
        {NULL, "it.rank", "resident", GOV_E_EXPR, "filter_not_indexed", 1},
        {NULL, " it.wait desc", "resident", GOV_E_EXPR, "filter_unsorted", 2},
        {NULL, "it.grid", "resident", GOV_E_EXPR, "filter_key", 1},
        {NULL, "it.tags", "resident", GOV_E_EXPR, "order_refused", 1},
        {NULL, "it.levle", "resident", GOV_E_EXPR, "undeclared_reference", 1},
        {NULL, "level", "resident", GOV_E_EXPR, "undeclared_reference", 1},
        {NULL, "it.level down", "resident", GOV_E_EXPR, "order_syntax", 10},
        {NULL, "it.level desc, it.name", "resident", GOV_E_EXPR, "order_syntax", 10},
        {NULL, "it.level desc x", "resident", GOV_E_EXPR, "order_syntax", -1},
        {NULL, "", "resident", GOV_E_EXPR, "order_syntax", -1},
        {NULL, "it.level\xff", "resident", GOV_E_INPUT, "bad_utf8", -1},
        {"it.kind == 'x'", NULL, "unit", GOV_OK, NULL, 0},
        {"'clerk' in it.roles && !('A' in it.grids) && it.active != false", "it.active", "staff", GOV_OK, NULL, 0},
        {"'r00' in it.members", "it.name desc", "group", GOV_OK, NULL, 0},
        {"it.parent == 'A' && it.level == 'x'", "it.level", "grid", GOV_OK, NULL, 0},
    };
    static found got;
    community c = community_make(support_store_of(state), rules_with(fields), NULL);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        gov_error *err = NULL;
        const gov_status status = list_all(c.g, table[i].kind, table[i].where, table[i].order, 0, &got, &err);
        if (status != table[i].status)
            print_message("%s %s\n", table[i].where != NULL ? table[i].where : "", table[i].order != NULL ? table[i].order : "");
        assert_gov(table[i].status, status, err);
        if (status != GOV_OK && table[i].code != NULL)
            assert_diag(err, 0, table[i].code, -1, table[i].column);
        gov_error_free(err);
    }
    community_free(&c);
}

static void a_cursor_belongs_to_its_list(void **state)
{
    community c = community_make(support_store_of(state), rules_with(fields), NULL);
    static const char *const bad[] = {"", ".", "1", "x.y", "1.00000000", "9999999999999999999999.00000000.s00"};
    gov_error *err = NULL;
    gov_value *page = NULL;
    gov_record_query q;
    char cursor[200], forged[240];
    for (int i = 0; i < 3; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%d", i);
        (void)community_put(&c, "resident", key, i == 2 ? "{}" : "{'level': 1, 'name': 'x'}");
    }
    gov_record_query_init(&q, sizeof q);
    q.limit = 1;
    q.order = "it.level";
    q.where = "it.id > 0";
    assert_gov_ok(gov_record_list(c.g, "resident", &q, &page, &err), err);
    (void)snprintf(cursor, sizeof cursor, "%s", gov_value_string(gov_value_get(page, "next"), NULL));
    gov_value_free(page);
    const gov_record_query good = {.size = sizeof good, .where = q.where, .order = q.order, .cursor = cursor, .limit = 1};
    assert_gov_ok(gov_record_list(c.g, "resident", &good, &page, &err), err);
    gov_value_free(page);
    gov_record_query others[] = {good, good, good, good};
    others[0].where = "it.id > 1";
    others[1].where = NULL;
    others[2].order = "it.level desc";
    others[3].order = NULL;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_gov(GOV_E_ARG, gov_record_list(c.g, "resident", &others[i], &page, &err), err);
        gov_error_free(err);
        err = NULL;
    }
    gov_record_query other_kind = good;
    other_kind.where = NULL;
    other_kind.order = NULL;
    assert_gov(GOV_E_ARG, gov_record_list(c.g, "unit", &other_kind, &page, &err), err);
    gov_error_free(err);
    err = NULL;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        gov_record_query odd = good;
        odd.cursor = bad[i];
        assert_gov(GOV_E_ARG, gov_record_list(c.g, "resident", &odd, &page, &err), err);
        gov_error_free(err);
        err = NULL;
    }
    static const char *const tails[] = {"x", "00", ".s6", ".s00", ".sff", ".i1", ".n", ".nx", ""};
    char *dot = strrchr(cursor, '.');
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        gov_record_query odd = good;
        (void)snprintf(forged, sizeof forged, "%.*s%s", (int)(dot - cursor), cursor, tails[i]);
        odd.cursor = forged;
        const gov_status status = gov_record_list(c.g, "resident", &odd, &page, &err);
        assert_int_equal(status, strcmp(tails[i], ".n") == 0 ? GOV_OK : GOV_E_ARG);
        if (status == GOV_OK)
            gov_value_free(page);
        gov_error_free(err);
        err = NULL;
    }
    community_free(&c);
}

/* ---- who may ask ---- */

static void act(community *c, const char *who, const char *purpose)
{
    gov_error *err = NULL;
    if (who == NULL)
        assert_gov_ok(gov_act_as_host(c->g, purpose, &err), err);
    else
        assert_gov_ok(gov_act_as(c->g, who, purpose, &err), err);
}

/* What is masked can neither be found out by asking for it, nor by what it is put beside. */
static void a_masked_field_is_no_oracle(void **state)
{
    static const struct {
        const char *kind, *where, *order;
        size_t want;
    } asking[] = {{"resident", "it.phone == '13800001234'", NULL, 1},
                  {"resident", "has(it.phone)", NULL, 2},
                  {"resident", "it.level == 1 && !(it.phone != '13800001234')", NULL, 1},
                  {"resident", NULL, "it.phone", 2},
                  {"resident", NULL, "it.phone desc", 2},
                  {"household", "'alone' in it.tags", NULL, 1},
                  {"household", "!('poor' in it.tags)", NULL, 1}};
    static const struct {
        const char *who, *purpose;
        bool may;
    } actors[] = {{NULL, "visit", false},   {"chen", "visit", false}, {"hua", "look", false},
                  {"both", "look", false}, {"hua", "visit", true},   {"both", "visit", true}};
    static found got;
    gov_error *err = NULL;
    community c = community_make(support_store_of(state), rules_with(fields), NULL);
    (void)community_put(&c, "grid", "A", "{'name': 'a'}");
    (void)community_put(&c, "grid", "B", "{'name': 'b'}");
    (void)community_put(&c, "staff", "chen", "{'name': 'c', 'roles': ['clerk']}");
    (void)community_put(&c, "staff", "hua", "{'name': 'h', 'roles': ['officer'], 'grids': ['A']}");
    (void)community_put(&c, "staff", "both", "{'name': 'b', 'roles': ['officer', 'clerk'], 'grids': ['A']}");
    (void)community_put(&c, "resident", "1", "{'phone': '13800001234', 'level': 1, 'grid': 'A'}");
    (void)community_put(&c, "resident", "2", "{'phone': '13900001234', 'level': 1, 'grid': 'A'}");
    (void)community_put(&c, "resident", "3", "{'phone': '13800001234', 'level': 1, 'grid': 'B'}");
    (void)community_put(&c, "household", "1", "{'tags': ['alone'], 'grid': 'A'}");
    (void)community_put(&c, "household", "2", "{'tags': ['alone'], 'grid': 'B'}");
    for (size_t i = 0; i < ARRAY_LEN(asking); i++)
        for (size_t k = 0; k < ARRAY_LEN(actors); k++) {
            act(&c, actors[k].who, actors[k].purpose);
            assert_gov(actors[k].may ? GOV_OK : GOV_E_DENIED,
                       list_all(c.g, asking[i].kind, asking[i].where, asking[i].order, 1, &got, &err), err);
            if (actors[k].may)
                assert_int_equal(got.count, asking[i].want); /* of both's, those of which it is shown */
            else
                assert_diag(err, 0, "filter_hidden", 1, -1);
            gov_error_free(err);
            err = NULL;
        }
    assert_gov_ok(list_all(c.g, "resident", "it.level == 1", NULL, 0, &got, &err), err);
    assert_int_equal(got.count, 3);
    act(&c, "hua", "look");
    assert_gov_ok(list_all(c.g, "resident", "it.level == 1", "it.level desc", 1, &got, &err), err);
    assert_int_equal(got.count, 2);
    community_free(&c);
}

/* ---- the index follows ---- */

static size_t count_of(community *c, const char *where)
{
    static found got;
    gov_error *err = NULL;
    assert_gov_ok(list_all(c->g, "resident", where, NULL, 0, &got, &err), err);
    return got.count;
}

static void the_index_follows_what_is_put(void **state)
{
    gov_error *err = NULL;
    community c = community_make(support_store_of(state), rules_with(fields), NULL);
    (void)community_put(&c, "resident", "1", "{'level': 1, 'tags': ['a', 'b', 'a'], 'name': 'x'}");
    assert_int_equal(count_of(&c, "it.level == 1 && 'a' in it.tags && 'b' in it.tags"), 1);
    (void)community_put(&c, "resident", "1", "{'level': 2, 'tags': ['b', 'c']}");
    assert_int_equal(count_of(&c, "it.level == 1 || 'a' in it.tags || has(it.name)"), 0);
    assert_int_equal(count_of(&c, "it.level == 2 && 'c' in it.tags && !has(it.name)"), 1);
    assert_gov_ok(gov_begin(c.g, &err), err);
    (void)community_put(&c, "resident", "1", "{'level': 3}");
    assert_int_equal(count_of(&c, "it.level == 3 && !('b' in it.tags)"), 1);
    assert_gov_ok(gov_rollback(c.g, &err), err);
    assert_int_equal(count_of(&c, "it.level == 2 && 'c' in it.tags"), 1);
    (void)community_put(&c, "resident", "1", "{}");
    assert_int_equal(count_of(&c, "has(it.level) || 'c' in it.tags"), 0);
    community_free(&c);
}

/* ---- a store that was there before ---- */

static gov_status list_once(community *c, void *user)
{
    (void)user;
    gov_value *page = NULL;
    gov_record_query q;
    gov_record_query_init(&q, sizeof q);
    q.where = "it.level in [1, 2] && it.text.contains('b') && ('a' in it.tags || it.grid == 'A') && it.name > 'a'";
    q.order = "it.text desc";
    q.limit = 1;
    gov_status status = gov_record_list(c->g, "resident", &q, &page, NULL);
    if (status == GOV_OK) {
        assert_int_equal(gov_value_count(gov_value_get(page, "records")), 1);
        char cursor[100];
        (void)snprintf(cursor, sizeof cursor, "%s", gov_value_string(gov_value_get(page, "next"), NULL));
        gov_value_free(page);
        q.cursor = cursor;
        status = gov_record_list(c->g, "resident", &q, &page, NULL);
        gov_value_free(status == GOV_OK ? page : NULL);
    }
    return status;
}

static gov_status put_once(community *c, void *user)
{
    (void)user;
    const gov_status status = gov_begin(c->g, NULL);
    return status == GOV_OK ? community_try_put(c, "resident", "1", "{'level': 1, 'text': 'abc', 'tags': ['x', 'y', 'z', 'a']}") : status;
}

static void without_memory(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, rules_with(fields), NULL);
    (void)community_put(&c, "grid", "A", "{'name': '1'}");
    (void)community_put(&c, "resident", "1", "{'level': 1, 'text': 'abc', 'tags': ['a', 'c'], 'name': 'x'}");
    (void)community_put(&c, "resident", "2", "{'level': 2, 'text': 'abd', 'grid': 'A', 'name': 'y'}");
    community_free(&c);
    community_without_memory(s, NULL, list_once, NULL);
    community_without_memory(s, NULL, put_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(thousands_of_filters),
        STORE_TESTS(orders_are_those_of_a_sort),
        STORE_TESTS(long_texts_go_by_their_beginnings),
        STORE_TESTS(what_the_store_cannot_answer),
        STORE_TESTS(a_cursor_belongs_to_its_list),
        STORE_TESTS(a_masked_field_is_no_oracle),
        STORE_TESTS(the_index_follows_what_is_put),
        STORE_TEST(without_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
