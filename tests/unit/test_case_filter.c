/* Filters of lists: what the store answers is compared, row by row, with what the language itself says of each case. */
#include "support/community.h"
#include "support/faulty.h"

#include "case/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rules[] =
    "rulebook: filters\n"
    "version: '1'\n"
    "title: Filters\n"
    "languages: [en]\n"
    "time_zone: Asia/Shanghai\n"
    "values:\n"
    "  limit: {is: 3, source: a test}\n"
    "roles:\n"
    "  clerk: {title: Clerk}\n"
    "  handler: {title: Handler, scope: unit}\n"
    "permissions:\n"
    "  case.open: [clerk]\n"
    "  case.read: [clerk, handler]\n"
    "  record.read: [clerk]\n"
    "sensitivity:\n"
    "  contact: {mask: phone, see: [{role: handler, purpose: handle_case}]}\n"
    "---\n"
    "workflow: matter\n"
    "fields:\n"
    "  kind: {type: string, one_of: [noise, leak, parking], indexed: true}\n"
    "  level: {type: int, indexed: true}\n"
    "  weight: {type: double, indexed: true}\n"
    "  text: {type: string, max_length: 50, indexed: true}\n"
    "  story: {type: string, indexed: true}\n"
    "  late: {type: bool, indexed: true}\n"
    "  happened: {type: timestamp, indexed: true}\n"
    "  day: {type: date, indexed: true}\n"
    "  cost: {type: money, indexed: true}\n"
    "  who: {type: resident, indexed: true}\n"
    "  place: {type: grid, indexed: true}\n"
    "  phone: {type: string, indexed: true, sensitive: contact}\n"
    "  rank: {type: int}\n"
    "  wait: {type: duration, indexed: true}\n"
    "  other: {type: string, indexed: true}\n"
    "events:\n"
    "  give: {by: [clerk], input: {unit: {type: unit}}}\n"
    "  pause: {by: [clerk]}\n"
    "  end: {by: [clerk]}\n"
    "clocks:\n"
    "  answer: {starts: [give], stops: [gone], paused_in: [asleep], budget: 2 hours}\n"
    "states:\n"
    "  here: {on: {give: {do: [{assign: {unit: event.data.unit}}]}, pause: asleep, end: gone}}\n"
    "  asleep:\n"
    "    on: {end: gone}\n"
    "    parallel: true\n"
    "    states:\n"
    "      one: {states: {here: {on: {give: deep}}, deep: {}}}\n"
    "      two: {}\n"
    "  her: {}\n"
    "  gone: {type: final, outcome: done}\n"
    "---\n"
    "workflow: note\n"
    "fields:\n"
    "  level: {type: int, indexed: true}\n"
    "  text: {type: string, max_length: 20, indexed: true}\n"
    "  rank: {type: int}\n"
    "  other: {type: int, indexed: true}\n"
    "states:\n"
    "  open: {}\n"
    "---\n"
    "workflow: old\n"
    "events: {leave: {by: []}}\n"
    "states:\n"
    "  in: {states: {last: {type: history}, a: {}, b: {}}, on: {leave: out}}\n"
    "  out: {on: {leave: in.last}}\n";

/* ---- a small random source ---- */

static uint64_t seed = 1;
static uint32_t draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % below);
}
#define PICK(a) ((a)[draw((uint32_t)ARRAY_LEN(a))])

/* ---- values ---- */

#define A50  "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define A170 A50 A50 A50 "ffffffffffgggggggggg"
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

typedef struct writer {
    char text[16000];
    size_t len;
} writer;

static void put(writer *w, const char *s)
{
    const size_t n = strlen(s);
    assert_true(w->len + n + 1 < sizeof w->text);
    memcpy(w->text + w->len, s, n + 1);
    w->len += n;
}

static void put_quoted(writer *w, const char *s)
{
    char q[1200];
    quoted(q, s);
    put(w, q);
}

static const char *const signs[] = {" == ", " != ", " < ", " <= ", " > ", " >= "};
static const char *const equals[] = {" == ", " != "};

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
    put(w, PICK(names));
    if (draw(4) == 0) {
        put(w, " in [");
        for (uint32_t n = draw(4); n > 0; n--) {
            put(w, PICK(keys));
            put(w, n > 1 ? ", " : "");
        }
        put(w, "]");
        return;
    }
    put(w, PICK(equals));
    put(w, PICK(keys));
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
    gov_error *err = NULL;
    gov_expr *expr = NULL;
    size_t count = 0;
    static char plain[40000];
    without_in(text, plain);
    const gov_status status = gov_expr_compile(NULL, plain, strlen(plain), b->types, &expr, &err);
    if (status != GOV_OK)
        print_message("%s\n", text);
    assert_gov_ok(status, err);
    for (size_t i = 0; i < CASES; i++) {
        gov_value *v = NULL;
        const gov_status one = gov_expr_eval(expr, b->rows[i], &v, NULL);
        if (one == GOV_OK && gov_value_bool(v))
            ids[count++] = b->ids[i];
        assert_true(one == GOV_OK || one == GOV_E_EXPR);
        gov_value_free(v);
    }
    gov_expr_free(expr);
    return count;
}

static void by_pages(const bed *b, const char *text, const int64_t *want, size_t count)
{
    gov_error *err = NULL;
    gov_case_query q;
    char cursor[64] = "";
    size_t at = 0;
    bool more = true;
    gov_case_query_init(&q, sizeof q);
    q.where = text;
    q.limit = 7;
    while (more) {
        gov_value *page = NULL;
        q.cursor = cursor[0] != '\0' ? cursor : NULL;
        assert_gov_ok(gov_case_list(b->c.g, &q, &page, &err), err);
        const gov_value *cases = gov_value_get(page, "cases");
        for (size_t i = 0; i < gov_value_count(cases); i++, at++) {
            assert_true(at < count);
            assert_true(gov_value_int(gov_value_get(gov_value_at(cases, i), "id")) == want[at]);
        }
        const char *next = gov_value_string(gov_value_get(page, "next"), NULL);
        more = next != NULL;
        (void)snprintf(cursor, sizeof cursor, "%s", more ? next : "");
        gov_value_free(page);
    }
    assert_int_equal(at, count);
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
    if (got_count != want_count ||
        (got_count > 0 && memcmp(got, want, got_count * sizeof *got) != 0)) {
        for (size_t i = 0, k = 0; i < CASES; i++) {
            bool in_got = false, in_want = false;
            for (k = 0; k < got_count; k++)
                in_got = in_got || got[k] == b->ids[i];
            for (k = 0; k < want_count; k++)
                in_want = in_want || want[k] == b->ids[i];
            if (in_got != in_want) {
                char *row = NULL;
                (void)gov_value_to_json(b->rows[i], &row, NULL, NULL);
                print_message("the store %s\n%s\n", in_got ? "finds" : "does not find", row);
                gov_text_free(row);
                break;
            }
        }
        fail_msg("%s: found %zu, expected %zu", text, got_count, want_count);
    }
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

/* ---- what is refused, and where ---- */

static gov_status list_where(gov *g, const char *workflow, const char *where, size_t *count,
                             gov_error **err)
{
    gov_case_query q;
    gov_value *page = NULL;
    gov_case_query_init(&q, sizeof q);
    q.workflow = workflow;
    q.where = where;
    q.limit = 1000;
    const gov_status status = gov_case_list(g, &q, &page, err);
    *count = gov_value_count(gov_value_get(page, "cases"));
    gov_value_free(page);
    return status;
}

static void what_the_store_cannot_answer(void **state)
{
    static const struct {
        const char *where, *workflow;
        gov_status status;
        const char *code;
        int line, column;
    } table[] = {
        {"case.rank == 3", NULL, GOV_E_EXPR, "filter_not_indexed", 1, 1},
        {"case.level == 3 &&\n  has(case.rank)", "matter", GOV_E_EXPR, "filter_not_indexed", 2, -1},
        {"case.wait == duration('1h')", "matter", GOV_E_EXPR, "filter_unsorted", 1, 1},
        {"case.other == 3", NULL, GOV_E_EXPR, "filter_mixed", 1, 1},
        {"case.other == 3", "note", GOV_OK, NULL, 0, 0},
        {"case.other == 'x'", "note", GOV_E_EXPR, "no_such_overload", 1, 15},
        {"case.story.contains('x')", NULL, GOV_E_EXPR, "filter_cut", 1, 12},
        {"size(case.story) > 3", NULL, GOV_E_EXPR, "filter_cut", 1, 1},
        {"case.story.endsWith('x')", NULL, GOV_E_EXPR, "filter_cut", 1, 12},
        {"case.text.matches('a+')", NULL, GOV_E_EXPR, "filter_function", 1, 11},
        {"case.text.lowerAscii() == 'a'", NULL, GOV_E_EXPR, "filter_function", 1, 11},
        {"case.text.startsWith(case.kind)", NULL, GOV_E_EXPR, "filter_function", 1, 11},
        {"case.level + 1 == 3", NULL, GOV_E_EXPR, "filter_arithmetic", 1, 12},
        {"case.level % 2 == 0", NULL, GOV_E_EXPR, "filter_arithmetic", 1, 12},
        {"case.happened + duration('1h') < now", NULL, GOV_E_EXPR, "filter_arithmetic", 1, 15},
        {"case.text + 'x' == 'ax'", NULL, GOV_E_EXPR, "filter_arithmetic", 1, 11},
        {"case.opened_at + duration('0.0000001s') < now", NULL, GOV_E_EXPR, "filter_fine", 1, 18},
        {"case.level == case.cost", NULL, GOV_E_EXPR, "filter_pair", 1, 12},
        {"case.number == case.text", NULL, GOV_E_EXPR, "filter_pair", 1, 13},
        {"case.unit == case.grid", NULL, GOV_E_EXPR, "filter_pair", 1, 11},
        {"case.late < true", NULL, GOV_E_EXPR, "filter_term", 1, 11},
        {"case.late in [true]", NULL, GOV_E_EXPR, "filter_term", 1, 11},
        {"case.unit < 'U2'", NULL, GOV_E_EXPR, "filter_key", 1, 11},
        {"case.unit.startsWith('U')", NULL, GOV_E_EXPR, "filter_key", 1, 11},
        {"size(case.who) == 2", NULL, GOV_E_EXPR, "filter_key", 1, 1},
        {"'a' in [case.text]", NULL, GOV_E_EXPR, "filter_term", 1, 5},
        {"['a', 'b'].exists(t, t == case.text)", NULL, GOV_E_EXPR, "filter_term", 1, 12},
        {"(case.late ? case.level : case.cost) == 3", NULL, GOV_E_EXPR, "filter_term", 1, 12},
        {"case.opened_at.getHours() == 9", NULL, GOV_E_EXPR, "filter_function", 1, 16},
        {"count('resident', 'true') > 1", NULL, GOV_E_EXPR, "filter_function", 1, 1},
        {"case.number > 'a' && 1 < count('resident', 'true')", NULL, GOV_E_EXPR, "filter_function", 1, 26},
        {"clocks.answer.left < duration('1h')", NULL, GOV_E_EXPR, "filter_term", 1, 1},
        {"clocks.answer.due == case.opened_at", NULL, GOV_E_EXPR, "filter_pair", 1, 19},
        {"case.story < '" A170 "aaaa'", NULL, GOV_E_EXPR, "filter_long", 1, 12},
        {"case.story.startsWith('" A170 "aaaa')", NULL, GOV_E_EXPR, "filter_long", 1, 12},
        {"case.levle == 3", NULL, GOV_E_EXPR, "undeclared_reference", 1, 1},
        {"case.level == 'x'", NULL, GOV_E_EXPR, "no_such_overload", 1, 15},
        {"case.level", NULL, GOV_E_EXPR, "wrong_result", 1, 1},
        {"case.level ==", NULL, GOV_E_EXPR, "unexpected_end", 1, 14},
        {"level=3", NULL, GOV_E_EXPR, NULL, 1, -1},
        {"", NULL, GOV_E_EXPR, NULL, 1, 1},
        {"In('in')", NULL, GOV_E_EXPR, "filter_history", 1, 4},
        {"In('here')", NULL, GOV_OK, NULL, 0, 0},
        {"In('here')", "note", GOV_E_EXPR, "undeclared_reference", 1, 4},
        {"In('gnoe')", "matter", GOV_E_EXPR, "undeclared_reference", 1, 4},
        {"In('asleep.one.deap')", "matter", GOV_E_EXPR, "undeclared_reference", 1, 4},
        {"In(case.text)", "matter", GOV_E_EXPR, "filter_term", 1, 4},
        {"case.level > 1 / 0", NULL, GOV_E_EXPR, "divide_by_zero", 1, 16},
        {"case.level == \"\xff\"", NULL, GOV_E_INPUT, "bad_utf8", 1, 16},
    };
    community c = community_make(support_store_of(state), rules, NULL);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        gov_error *err = NULL;
        size_t count;
        const gov_status status = list_where(c.g, table[i].workflow, table[i].where, &count, &err);
        if (status != table[i].status)
            print_message("%s\n", table[i].where);
        assert_gov(table[i].status, status, err);
        if (table[i].status != GOV_OK && table[i].line >= 0)
            if (table[i].code != NULL)
                assert_diag(err, 0, table[i].code, table[i].line, table[i].column);
        gov_error_free(err);
    }
    community_free(&c);
}

/* A filter as long as the language allows ends at a limit, soon, and never in the engine. */
static void too_much_to_ask(void **state)
{
    enum { MANY = 3000 };
    community c = community_make(support_store_of(state), rules, NULL);
    char *text = malloc(MANY * 32);
    static const char *const repeated[][3] = {{"case.level == 1", " || case.level == 1", ""},
                                              {"case.text in ['x'", ", 'x'", "]"},
                                              {"!case.late", " == case.late", ""},
                                              {"case.level in [1", ", 1", "]"}};
    for (size_t k = 0; k < ARRAY_LEN(repeated); k++) {
        gov_error *err = NULL;
        size_t count;
        size_t len = (size_t)sprintf(text, "%s", repeated[k][0]);
        for (int i = 0; i < (k == 2 ? 200 : MANY); i++)
            len += (size_t)sprintf(text + len, "%s", repeated[k][1]);
        (void)strcpy(text + len, repeated[k][2]);
        assert_gov(k == 3 ? GOV_OK : GOV_E_LIMIT, list_where(c.g, NULL, text, &count, &err), err);
        gov_error_free(err);
    }
    size_t len = 0; /* each level would be asked for twice */
    for (int i = 0; i < 100; i++)
        len += (size_t)sprintf(text + len, "(");
    len += (size_t)sprintf(text + len, "case.late");
    for (int i = 0; i < 100; i++)
        len += (size_t)sprintf(text + len, " ? case.late : !case.late)");
    gov_error *err = NULL;
    size_t count;
    assert_gov(GOV_E_LIMIT, list_where(c.g, NULL, text, &count, &err), err);
    gov_error_free(err);
    free(text);
    community_free(&c);
}

/* ---- who may ask ---- */

static void open_with_phone(community *c, const char *unit, const char *phone)
{
    char json[100];
    (void)snprintf(json, sizeof json, "{'phone': '%s', 'level': 1}", phone);
    const int64_t id = community_open(c, "matter", json);
    (void)snprintf(json, sizeof json, "{'unit': '%s'}", unit);
    community_send(c, id, "give", json, GOV_OK);
}

/* What is masked cannot be found out by asking for it. */
static void a_masked_field_is_no_oracle(void **state)
{
    static const char *const asking[] = {"case.phone == '13800001234'",
                                         "case.phone.startsWith('138')",
                                         "has(case.phone)",
                                         "case.level == 1 && !(case.phone != '13800001234')",
                                         "case.level == 1 || case.phone == 'x'",
                                         "case.phone in ['13800001234']"};
    gov_error *err = NULL;
    size_t count;
    community c = community_make(support_store_of(state), rules, NULL);
    (void)community_put(&c, "unit", "U1", "{'name': '1'}");
    (void)community_put(&c, "unit", "U2", "{'name': '2'}");
    (void)community_put(&c, "staff", "chen", "{'name': 'c', 'roles': ['clerk']}");
    (void)community_put(&c, "staff", "hua", "{'name': 'h', 'roles': ['handler'], 'unit': 'U1'}");
    (void)community_put(&c, "staff", "both",
                        "{'name': 'b', 'roles': ['handler', 'clerk'], 'unit': 'U1'}");
    open_with_phone(&c, "U1", "13800001234");
    open_with_phone(&c, "U2", "13800001234");
    open_with_phone(&c, "U2", "13900001234");
    for (size_t i = 0; i < ARRAY_LEN(asking); i++) {
        static const struct {
            const char *who, *purpose;
            gov_status want;
        } actors[] = {{NULL, "handle_case", GOV_E_DENIED}, {"chen", "handle_case", GOV_E_DENIED},
                      {"hua", "look", GOV_E_DENIED},       {"both", "look", GOV_E_DENIED},
                      {"hua", "handle_case", GOV_OK},      {"both", "handle_case", GOV_OK}};
        for (size_t k = 0; k < ARRAY_LEN(actors); k++) {
            if (actors[k].who == NULL)
                assert_gov_ok(gov_act_as_host(c.g, actors[k].purpose, &err), err);
            else
                assert_gov_ok(gov_act_as(c.g, actors[k].who, actors[k].purpose, &err), err);
            assert_gov(actors[k].want, list_where(c.g, NULL, asking[i], &count, &err), err);
            if (actors[k].want != GOV_OK)
                assert_diag(err, 0, "filter_hidden", 1, -1);
            else
                assert_int_equal(count, 1); /* of both's cases, the one whose phone is shown */
            gov_error_free(err);
            err = NULL;
        }
    }
    assert_gov_ok(list_where(c.g, NULL, "case.level == 1", &count, &err), err);
    assert_int_equal(count, 3);
    assert_gov_ok(gov_act_as(c.g, "hua", "handle_case", &err), err);
    assert_gov_ok(list_where(c.g, NULL, "case.level == 1", &count, &err), err);
    assert_int_equal(count, 1); /* a scoped role reaches its part, whatever the filter */
    assert_gov_ok(list_where(c.g, NULL, "case.unit == 'U2' || true", &count, &err), err);
    assert_int_equal(count, 1);
    assert_gov_ok(list_where(c.g, NULL, "case.unit == actor.unit", &count, &err), err);
    assert_int_equal(count, 1);
    community_free(&c);
}

/* Constants are values and never text of a statement. */
static void nothing_is_injected(void **state)
{
    static const char *const evil[] = {"x'; DROP TABLE gov_case; --",
                                       "' OR '1'='1",
                                       "\\\" OR 1=1 --",
                                       "$1",
                                       "$2) OR (1=1",
                                       "x\\u0000y",
                                       "%",
                                       "*",
                                       "\\\\",
                                       "(SELECT 1)",
                                       "@",
                                       "NULL"};
    static const char *const shapes[] = {
        "case.text == \"%s\"",          "case.text.startsWith(\"%s\")",
        "case.number.contains(\"%s\")", "case.text.endsWith(\"%s\")",
        "case.unit == \"%s\"",          "case.kind in [\"%s\", \"q\"]",
        "case.story > \"~%s\"",         "case.workflow == \"%s\"",
        "case.text.contains(\"%s\")",   "case.outcome == \"%s\""};
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    size_t count;
    (void)community_open(&c, "matter", "{'text': 'plain', 'story': 'plain'}");
    for (size_t i = 0; i < ARRAY_LEN(evil); i++)
        for (size_t k = 0; k < ARRAY_LEN(shapes); k++) {
            char where[200];
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#endif
            (void)snprintf(where, sizeof where, shapes[k], evil[i]);
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
            assert_gov_ok(list_where(c.g, NULL, where, &count, &err), err);
            assert_int_equal(count, 0);
        }
    assert_gov_ok(list_where(c.g, NULL, "case.text == 'plain'", &count, &err), err);
    assert_int_equal(count, 1);
    community_free(&c);
}

static void a_cursor_belongs_to_its_filter(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    gov_value *page = NULL;
    gov_case_query q;
    for (int i = 0; i < 3; i++)
        (void)community_open(&c, "matter", "{'level': 1}");
    gov_case_query_init(&q, sizeof q);
    q.where = "case.level == 1";
    q.limit = 1;
    assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
    char cursor[64];
    (void)snprintf(cursor, sizeof cursor, "%s",
                   gov_value_string(gov_value_get(page, "next"), NULL));
    gov_value_free(page);
    q.cursor = cursor;
    assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
    gov_value_free(page);
    q.where = "case.level == 2";
    assert_gov(GOV_E_ARG, gov_case_list(c.g, &q, &page, &err), err);
    gov_error_free(err);
    err = NULL;
    q.where = NULL;
    assert_gov(GOV_E_ARG, gov_case_list(c.g, &q, &page, &err), err);
    gov_error_free(err);
    community_free(&c);
}

/* ---- a store that was there before ---- */

static gov_status list_once(const gov_allocator *alloc, void *user)
{
    community c;
    size_t count = 0;
    gov_status status = community_try(user, NULL, alloc, &c, NULL);
    if (status == GOV_OK)
        status = list_where(
            c.g, NULL,
            "case.level in [1, 2] && (case.text.contains('b') || case.unit == 'U1') && "
            "In('here') && clocks.answer.due > now && "
            "(case.closed_at == null ? now - case.opened_at < duration('1h') : case.story > 'a')",
            &count, NULL);
    if (status == GOV_OK)
        assert_int_equal(count, 1);
    if (c.g != NULL)
        community_free(&c);
    return status;
}

static void a_filter_without_memory(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, rules, NULL);
    (void)community_put(&c, "unit", "U1", "{'name': '1'}");
    const int64_t id = community_open(&c, "matter", "{'level': 1, 'text': 'abc'}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    community_free(&c);
    oom_loop(list_once, s->url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(thousands_of_filters),
        STORE_TESTS(what_the_store_cannot_answer),
        STORE_TESTS(too_much_to_ask),
        STORE_TESTS(a_masked_field_is_no_oracle),
        STORE_TESTS(nothing_is_injected),
        STORE_TEST(a_cursor_belongs_to_its_filter, "sqlite"),
        STORE_TEST(a_filter_without_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
