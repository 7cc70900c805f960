/* Filters of lists: what the store answers is compared, row by row, with what the language itself says of each case. */
#include "support/community.h"
#include "support/filter_rules.h"
#include "support/lists.h"

#include "case/live.h"

#include <stdio.h>
#include <string.h>

/* ---- values ---- */

static const char *const texts[] = {"",
                                    "a",
                                    "ab",
                                    "abc",
                                    "A",
                                    "Ab",
                                    "b",
                                    "Ä",
                                    "中",
                                    "中文",
                                    "文",
                                    "%",
                                    "_",
                                    "a%",
                                    "'",
                                    "a'b",
                                    "\\",
                                    "$1",
                                    "i8000000000000001",
                                    "s",
                                    "t",
                                    "b1",
                                    "\xF4\x8F\xBF\xBF",
                                    "a\xF4\x8F\xBF\xBF",
                                    "a\xF4\x8F\xBF\xBFz",
                                    "\xED\x9F\xBF",
                                    "\xEE\x80\x80",
                                    "😀b",
                                    "a b",
                                    "@",
                                    "\"",
                                    "; --"};
static const char *const stories[] = {"",
                                      "a",
                                      A170,
                                      A170 "x",
                                      A170 "xyz",
                                      A170 A50,
                                      A170 A50 "y",
                                      A170 A170,
                                      "中",
                                      A50,
                                      A170 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                      A170 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
static const char *const ints[] = {"0",
                                   "1",
                                   "-1",
                                   "3",
                                   "4",
                                   "5",
                                   "9007199254740992",
                                   "9007199254740993",
                                   "-9007199254740993",
                                   "9223372036854775807",
                                   "-9223372036854775807"};
static const char *const doubles[] = {"0.0",
                                      "-0.0",
                                      "1.5",
                                      "-1.5",
                                      "3.0",
                                      "4.0",
                                      "1e300",
                                      "-1e300",
                                      "5e-324",
                                      "9007199254740992.0",
                                      "9223372036854775807.0"};
static const char *const times[] = {"2026-03-02T01:00:00Z",        "2026-03-02T01:00:00.000001Z",
                                    "2026-03-02T00:59:59.999999Z", "1969-12-31T23:59:59.5Z",
                                    "0001-01-01T00:00:00Z",        "9999-12-31T23:59:59.999999Z",
                                    "2026-03-01T01:00:00Z"};
static const char *const days[] = {"2026-03-02", "2025-12-31", "2026-11-01"};
static const char *const kinds[] = {"noise", "leak", "parking"};
static const char *const people[] = {"wang", "li", "zhao"};
static const char *const grids[] = {"A", "B"};
static const char *const units[] = {"U1", "U2"};

/* Quoted for JSON and for CEL alike: none of the texts has more than these to escape. */
static void quoted(char *out, const char *text)
{
    *out++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            *out++ = '\\';
        *out++ = *text;
    }
    *out++ = '"';
    *out = '\0';
}

static void add_member(char *json, const char *name, const char *text, bool quote)
{
    char written[1200];
    if (draw(4) == 0)
        return; /* has none */
    if (quote)
        quoted(written, text);
    else
        (void)snprintf(written, sizeof written, "%s", text);
    (void)snprintf(json + strlen(json), 4000 - strlen(json), "%s\"%s\":%s",
                   json[1] != '\0' ? "," : "", name, written);
}

enum { CASES = 90 };
typedef struct bed {
    community c;
    int64_t ids[CASES];
    gov_value *rows[CASES]; /* what an expression sees of it */
    gov_value *types;
} bed;

static void open_case(bed *b, size_t i)
{
    char json[4000] = "{";
    const bool note = i % 5 == 4;
    if (i % 9 == 8) { /* without a field, and with what a history keeps in its state */
        b->ids[i] = community_open(&b->c, "old", "{}");
        for (uint32_t n = draw(3); n > 0; n--)
            community_send(&b->c, b->ids[i], "leave", NULL, GOV_OK);
        return;
    }
    add_member(json, "level", PICK(ints), false);
    add_member(json, "text", PICK(texts), true);
    if (!note) {
        add_member(json, "kind", PICK(kinds), true);
        add_member(json, "weight", PICK(doubles), false);
        add_member(json, "story", PICK(stories), true);
        add_member(json, "late", draw(2) == 0 ? "true" : "false", false);
        add_member(json, "happened", PICK(times), true);
        add_member(json, "day", PICK(days), true);
        add_member(json, "cost", PICK(ints), false);
        add_member(json, "who", PICK(people), true);
        add_member(json, "place", PICK(grids), true);
    }
    (void)strcat(json, "}");
    gov_error *err = NULL;
    gov_value *fields = NULL;
    gov_case_options o;
    assert_gov_ok(gov_value_from_json(NULL, json, strlen(json), &fields, &err), err);
    gov_case_options_init(&o, sizeof o);
    o.reporter = draw(2) == 0 ? PICK(people) : NULL;
    o.grid = draw(2) == 0 ? PICK(grids) : NULL;
    assert_gov_ok(gov_set_now(b->c.g, COMMUNITY_START + (int64_t)i * 60000000 + draw(3), &err),
                  err);
    assert_gov_ok(gov_case_open(b->c.g, note ? "note" : "matter", fields, &o, &b->ids[i], &err),
                  err);
    gov_value_free(fields);
    if (note)
        return;
    if (draw(3) != 0)
        community_send(&b->c, b->ids[i], "give", draw(2) == 0 ? "{'unit': 'U1'}" : "{'unit': 'U2'}",
                       GOV_OK);
    if (draw(4) == 0)
        community_send(&b->c, b->ids[i], "pause", NULL, GOV_OK);
    if (draw(4) == 0)
        community_send(&b->c, b->ids[i], "end", NULL, GOV_OK);
}

/* The case as gov_case_get shows it, under the names of a filter. */
static void add_states(gov_value *row, const gov_value *active)
{
    gov_value *states = gov_value_new_list(NULL);
    for (size_t i = 0; i < gov_value_count(active); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%s", gov_value_string(gov_value_at(active, i), NULL));
        for (char *dot = path; dot != NULL;
             dot = strrchr(path, '.')) { /* the state, then those around it */
            if (dot != path)
                *dot = '\0';
            gov_value *v = gov_value_new_map(NULL);
            (void)gov_value_set_string(v, "path", path);
            (void)gov_value_append(states, gov_value_get(v, "path"));
            gov_value_free(v);
        }
    }
    (void)gov_value_set(row, "states", states);
    gov_value_free(states);
}

static gov_value *row_of(bed *b, int64_t id)
{
    static const char *const same[] = {"id",        "number",  "workflow", "opened_at",
                                       "closed_at", "outcome", "reporter", "unit",
                                       "grid",      "parent",  "source",   "outside_number"};
    gov_error *err = NULL;
    gov_value *v = NULL, *row = gov_value_new_map(NULL);
    char name[64];
    assert_gov_ok(gov_case_get(b->c.g, id, &v, &err), err);
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        (void)snprintf(name, sizeof name, "case.%s", same[i]);
        (void)gov_value_set(row, name, gov_value_get(v, same[i]));
    }
    (void)gov_value_set(row, "case.assignee", gov_value_get(v, "staff"));
    const gov_value *fields = gov_value_get(v, "fields"), *clock = gov_value_find(v, "clocks.0");
    for (size_t i = 0; i < gov_value_count(fields); i++) {
        (void)snprintf(name, sizeof name, "case.%s",
                       gov_value_string(gov_value_key_at(fields, i), NULL));
        (void)gov_value_set(row, name, gov_value_at(fields, i));
    }
    if (clock != NULL) {
        (void)gov_value_set(row, "clocks.answer.due", gov_value_get(clock, "due"));
        (void)gov_value_set(row, "clocks.answer.running", gov_value_get(clock, "running"));
        (void)gov_value_set(row, "clocks.answer.breached", gov_value_get(clock, "breached"));
    }
    add_states(row, gov_value_get(v, "state"));
    (void)gov_value_set_timestamp(row, "now", gov_now(b->c.g));
    (void)gov_value_set_int(row, "values.limit", 3);
    (void)gov_value_set_string(row, "actor.id", "chen");
    (void)gov_value_set_string(row, "actor.unit", "U1");
    gov_value_free(v);
    return row;
}

static bed make(support_store *s, int64_t advance)
{
    gov_error *err = NULL;
    bed b = {.c = community_make(s, rules, NULL)};
    for (size_t i = 0; i < ARRAY_LEN(people); i++)
        (void)community_put(&b.c, "resident", people[i], "{'name': 'x'}");
    for (size_t i = 0; i < ARRAY_LEN(grids); i++)
        (void)community_put(&b.c, "grid", grids[i], "{'name': 'x'}");
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        (void)community_put(&b.c, "unit", units[i], "{'name': 'x'}");
    (void)community_put(&b.c, "staff", "chen", "{'name': 'c', 'roles': ['clerk'], 'unit': 'U1'}");
    assert_gov_ok(gov_begin(b.c.g, &err), err);
    for (size_t i = 0; i < CASES; i++)
        open_case(&b, i);
    assert_gov_ok(gov_commit(b.c.g, &err), err);
    assert_gov_ok(gov_act_as(b.c.g, "chen", "test", &err), err);
    assert_gov_ok(gov_set_now(b.c.g, COMMUNITY_START + advance, &err), err);
    for (size_t i = 0; i < CASES; i++)
        b.rows[i] = row_of(&b, b.ids[i]);
    b.types = community_json("{'case.id':'int','case.number':'string','case.workflow':'string','"
                             "case.opened_at':'timestamp','case.closed_at':"
                             "'timestamp','case.outcome':'string','case.reporter':'string','case."
                             "unit':'string','case.grid':'string','case.parent':"
                             "'int','case.source':'string','case.outside_number':'string','case."
                             "assignee':'string','case.kind':'string','case.level':"
                             "'int','case.weight':'double','case.text':'string','case.story':'"
                             "string','case.late':'bool','case.happened':'timestamp',"
                             "'case.day':'string','case.cost':'int','case.who':'string','case."
                             "place':'string','clocks.answer.due':'timestamp',"
                             "'clocks.answer.running':'bool','clocks.answer.breached':'bool','now':"
                             "'timestamp','values.limit':'int','actor.id':"
                             "'string','actor.unit':'string','states':'list(string)'}");
    return b;
}

static void unmake(bed *b)
{
    for (size_t i = 0; i < CASES; i++)
        gov_value_free(b->rows[i]);
    gov_value_free(b->types);
    community_free(&b->c);
}

/* ---- random filters ---- */

static void put_quoted(writer *w, const char *s)
{
    char q[1200];
    quoted(q, s);
    put(w, q);
}

static void put_number(writer *w)
{
    switch (draw(4)) {
    case 0: put(w, "values.limit"); return;
    case 1: {
        static const char *const some[] = {"3u", "0u", "18446744073709551615u",
                                           "9223372036854775808u"};
        put(w, PICK(some));
        return;
    }
    case 2: {
        static const char *const some[] = {"0.0",
                                           "3.5",
                                           "4.0",
                                           "-1.5",
                                           "1e300",
                                           "-1e300",
                                           "9007199254740992.0",
                                           "9223372036854775807.0",
                                           "-9223372036854775808.0",
                                           "(0.0 / 0.0)",
                                           "(1.0 / 0.0)"};
        put(w, PICK(some));
        return;
    }
    default: put(w, draw(8) == 0 ? "(-9223372036854775807 - 1)" : PICK(ints));
    }
}

static void number_leaf(writer *w)
{
    static const char *const names[] = {"case.level",      "case.cost",        "case.weight",
                                        "size(case.text)", "case.text.size()", "size(case.number)",
                                        "case.parent",     "case.level"};
    const char *name = PICK(names);
    if (draw(6) == 0) {
        put(w, name);
        put(w, " in [");
        for (uint32_t n = draw(4); n > 0; n--) {
            put_number(w);
            put(w, n > 1 ? ", " : "");
        }
        put(w, "]");
        return;
    }
    const bool turned = draw(2) == 0;
    if (turned)
        put_number(w);
    else
        put(w, name);
    put(w, PICK(signs));
    if (turned)
        put(w, name);
    else
        put_number(w);
}

static void text_leaf(writer *w)
{
    static const char *const names[] = {"case.text",     "case.kind",    "case.number",
                                        "case.workflow", "case.outcome", "case.day"};
    static const char *const words[] = {"noise",      "leak",        "n",    "matter",
                                        "note",       "2026-000004", "2026", "done",
                                        "2026-03-02", "2026-0",      "e"};
    static const char *const calls[] = {".startsWith(", ".endsWith(", ".contains("};
    const char *name = PICK(names), *word = draw(2) == 0 ? PICK(texts) : PICK(words);
    switch (draw(3)) {
    case 0:
        put(w, name);
        put(w, PICK(calls));
        put_quoted(w, word);
        put(w, ")");
        return;
    case 1:
        put(w, name);
        put(w, " in [");
        for (uint32_t n = draw(5); n > 0; n--) {
            put_quoted(w, draw(2) == 0 ? PICK(texts) : PICK(words));
            put(w, n > 1 ? ", " : "");
        }
        put(w, draw(4) == 0 ? "] " : "]");
        return;
    default:
        put(w, name);
        put(w, PICK(signs));
        put_quoted(w, word);
    }
}

static void story_leaf(writer *w)
{
    put(w, "case.story");
    if (draw(3) == 0) {
        put(w, ".startsWith(");
        put_quoted(w, draw(2) == 0 ? A170 : "a");
        put(w, ")");
    } else if (draw(2) == 0) {
        put(w, PICK(signs));
        put_quoted(w, draw(3) == 0 ? A170 "x" : draw(2) == 0 ? A170 : A50);
    } else {
        put(w, PICK(equals));
        put_quoted(w, PICK(stories));
    }
}

static void time_leaf(writer *w)
{
    static const char *const names[] = {"case.opened_at",
                                        "case.closed_at",
                                        "case.happened",
                                        "clocks.answer.due",
                                        "(case.opened_at + duration(\"45m\"))",
                                        "(case.closed_at - duration(\"1h\"))",
                                        "(clocks.answer.due - duration(\"7201s\"))"};
    static const char *const spans[] = {"(case.closed_at - case.opened_at)",
                                        "(now - case.opened_at)", "(clocks.answer.due - now)",
                                        "(now - case.closed_at)",
                                        "(clocks.answer.due - case.opened_at)"};
    static const char *const lengths[] = {"duration(\"1h\")", "duration(\"-1h\")",
                                          "duration(\"0s\")", "duration(\"0.0000005s\")",
                                          "duration(\"2h\")", "duration(\"7200.0000015s\")"};
    static const char *const moments[] = {"now",
                                          "now - duration(\"30m\")",
                                          "timestamp(\"2026-03-02T01:30:00Z\")",
                                          "timestamp(\"2026-03-02T01:00:00.0000005Z\")",
                                          "timestamp(\"0001-01-01T00:00:00Z\")",
                                          "timestamp(\"9999-12-31T23:59:59.999999999Z\")",
                                          "now + duration(\"2h\")"};
    switch (draw(5)) {
    case 0:
        put(w, PICK(spans));
        put(w, PICK(signs));
        put(w, PICK(lengths));
        return;
    case 1:
        put(w, "case.happened");
        put(w, PICK(signs));
        put(w, "timestamp(");
        put_quoted(w, PICK(times));
        put(w, ")");
        return;
    case 2:
        put(w, "case.opened_at");
        put(w, PICK(signs));
        put(w, "case.closed_at");
        return;
    default:
        put(w, PICK(names));
        put(w, PICK(signs));
        put(w, PICK(moments));
    }
}

static void key_leaf(writer *w)
{
    static const char *const names[] = {"case.reporter", "case.unit",  "case.grid",
                                        "case.who",      "case.place", "case.assignee"};
    static const char *const keys[] = {"\"wang\"",   "\"U1\"", "\"A\"",      "\"B\"",
                                       "\"nobody\"", "null",   "actor.unit", "actor.id"};
    put_key_leaf(w, PICK(names), keys, ARRAY_LEN(keys));
}

static void odd_leaf(writer *w)
{
    static const char *const odd[] = {
        "case.closed_at == null",
        "null != case.outcome",
        "case.parent == null",
        "clocks.answer.due == null",
        "clocks.answer.due != null",
        "case.late == null",
        "case.text != null",
        "has(case.text)",
        "has(case.late)",
        "has(case.unit)",
        "has(case.id)",
        "has(clocks.answer.due)",
        "has(clocks.answer.running)",
        "!has(case.level)",
        "case.late",
        "!case.late",
        "clocks.answer.running",
        "clocks.answer.breached",
        "!clocks.answer.breached",
        "true",
        "false",
        "1 / 0 == 1",
        "case.outcome == case.source",
        "case.opened_at != case.closed_at",
        "case.number != case.outcome",
        "case.grid == case.grid",
        "case.level in []",
        "case.closed_at in [null, now]",
        "case.unit in {\"U1\": 1}",
        "\"\\u0000\" == case.text",
        "case.text < \"a\\u0000b\"",
        "case.text >= \"a\\u0000b\"",
        "case.late == case.late",
        "case.late != clocks.answer.running",
        "case.closed_at - case.opened_at == case.closed_at - case.opened_at",
        "case.parent < 5",
        "case.level == null",
        "case.outcome in [\"done\", null]",
        "In(\"here\")",
        "In(\"asleep\")",
        "In(\"asleep.one\")",
        "!In(\"asleep.one.here\")",
        "In(\"asleep.one.deep\")",
        "In(\"asleep.two\")",
        "In(\"her\")",
        "!In(\"gone\")",
        "In(\"open\")"};
    put(w, PICK(odd));
}

static void leaf(writer *w)
{
    static void (*const leaves[])(writer *) = {number_leaf, text_leaf, time_leaf,
                                               key_leaf,    odd_leaf,  story_leaf};
    PICK(leaves)(w);
}

static void filter(writer *w, int depth)
{
    const uint32_t what = depth == 0 ? 0 : draw(8);
    put(w, "(");
    if (what < 2) {
        leaf(w);
    } else if (what == 2) {
        put(w, "!");
        filter(w, depth - 1);
    } else if (what == 7) {
        filter(w, depth - 1);
        put(w, " ? ");
        filter(w, depth - 1);
        put(w, " : ");
        filter(w, depth - 1);
    } else {
        filter(w, depth - 1);
        put(w, what < 5 ? " && " : what == 5 ? " || " : draw(2) == 0 ? " == " : " || ");
        filter(w, depth - 1);
    }
    put(w, ")");
}

/* ---- both ways ---- */

/* The ids that the store finds, as a list of the case room would ask for them. */
static gov_status ask(gov *g, const char *text, int64_t *ids, size_t *count, gov_error **err)
{
    const diag d = {g->alloc, err};
    base_arena arena;
    access_condition c;
    case_filter f;
    store_rows rows;
    base_arena_init(&arena, g->alloc);
    access_condition_init(&c, g->alloc, &arena);
    access_condition_text(&c, "SELECT c.id FROM gov_case c WHERE c.community = ");
    access_condition_value(&c, store_i(g->community));
    gov_status status = case_filter_add(g, NULL, text, NULL, &c, &f, &d);
    access_condition_text(&c, " ORDER BY c.id");
    *count = 0;
    if (status == GOV_OK && !f.never) {
        const store_sql sql = {c.sql.data, STORE_DYNAMIC};
        status = store_query(g->store, &sql, c.args, c.arg_count, &rows, &d);
        while (status == GOV_OK && store_next(&rows, &d) == GOV_OK)
            ids[(*count)++] = store_int(&rows, 0);
        if (status == GOV_OK)
            store_rows_close(&rows);
        else
            print_message("%s\n", c.sql.data);
    }
    access_condition_free(&c);
    base_arena_free(&arena);
    return status;
}

/* In("path") is a function of the list; the path stands among the states of the row. */
static void without_in(const char *text, char *out)
{
    while (*text != '\0') {
        if (strncmp(text, "In(", 3) != 0) {
            *out++ = *text++;
            continue;
        }
        const char *end = strchr(text, ')');
        out += sprintf(out, "((%.*s) in states)", (int)(end - text - 3), text + 3);
        text = end + 1;
    }
    *out = '\0';
}

static size_t expected(const bed *b, const char *text, int64_t *ids)
{
    static char plain[40000];
    without_in(text, plain);
    return rows_that_hold(plain, b->types, b->rows, b->ids, CASES, ids);
}

static void by_pages(const bed *b, const char *text, const int64_t *want, size_t want_count)
{
    gov_error *err = NULL;
    gov_case_query q;
    char cursor[CURSOR_BYTES];
    int64_t got[CASES];
    size_t count = 0;
    gov_value *page = NULL;
    gov_case_query_init(&q, sizeof q);
    q.where = text;
    q.limit = 7;
    do {
        assert_gov_ok(gov_case_list(b->c.g, &q, &page, &err), err);
        q.cursor = cursor;
    } while (take_page(page, "cases", got, &count, CASES, cursor));
    assert_same_rows(text, got, count, want, want_count, b->rows, b->ids, CASES);
}

/* Returns whether it was answered; a filter of which only an error is left finds nothing either way. */
static bool both_ways(const bed *b, const char *text, bool paged)
{
    int64_t got[CASES], want[CASES];
    size_t got_count = 0;
    gov_error *err = NULL;
    const size_t want_count = expected(b, text, want);
    const gov_status status = ask(b->c.g, text, got, &got_count, &err);
    const char *code = err != NULL ? gov_error_code(err, 0) : "";
    const bool failed = status == GOV_E_EXPR && strcmp(code, "divide_by_zero") == 0,
               large = status == GOV_E_LIMIT;
    if (status != GOV_OK && !failed && !large) {
        print_message("%s\n", text);
        assert_gov_ok(status, err);
    }
    gov_error_free(err);
    if (large)
        return false;
    assert_same_rows(text, got, got_count, want, want_count, b->rows, b->ids, CASES);
    if (paged && !failed)
        by_pages(b, text, want, want_count);
    return true;
}

static void thousands_of_filters(void **state)
{
    enum { LEAVES = 2500, TREES = 1500 };
    support_store *s = support_store_of(state);
    seed = 20260302;
    bed b = make(s, INT64_C(100) * 60000000);
    size_t answered = 0;
    for (int i = 0; i < LEAVES + TREES; i++) {
        static writer w;
        w.len = 0;
        filter(&w, i < LEAVES ? (int)draw(2) : 4);
        answered += both_ways(&b, w.text, i % 50 == 0);
    }
    if (answered < (LEAVES + TREES) * 9 / 10)
        fail_msg("only %zu filters were answered", answered);
    unmake(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(thousands_of_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
