/* Functions that rules have beside the language's own: dates, working time, places, people, figures. */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

#define HEAD                                                                                      \
    "rulebook: tiny\n"                                                                            \
    "version: '1'\n"                                                                              \
    "languages: [zh, en]\n"                                                                       \
    "time_zone: Asia/Shanghai\n"                                                                  \
    "roles: {officer: {title: {zh: 网格员}}, own: {title: {zh: 本格}, scope: grid}}\n"       \
    "permissions: {case.open: [officer, own], case.read: [officer, own], record.read: [officer, " \
    "own]}\n"                                                                                     \
    "values: {sign: {is: 2 working hours, source: test}}\n"                                       \
    "---\n"                                                                                       \
    "calendar: cn\n"                                                                              \
    "hours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\n"                                          \
    "years: {2026: {off: [2026-02-15..2026-02-23, 2026-05-01], work: [2026-02-14]}}\n"            \
    "---\n"                                                                                       \
    "calendar: daily\n"                                                                           \
    "hours: {mon-sun: ['00:00-24:00']}\n"                                                         \
    "years: {2026: {off: [], work: []}}\n"
#define WORKFLOW(calendar, expression)                         \
    "---\n"                                                    \
    "workflow: ask\n"                                          \
    "calendar: " calendar "\n"                                 \
    "fields:\n"                                                \
    "  n: {type: any}\n"                                       \
    "  urgency: {type: int, default: 3}\n"                     \
    "  place: {type: point}\n"                                 \
    "  team: {type: group}\n"                                  \
    "events: {look: {by: [officer, own]}}\n"                   \
    "states:\n"                                                \
    "  waiting:\n"                                             \
    "    on: {look: {do: [{set: {n: \"" expression "\"}}]}}\n" \
    "    after: {delay: 30 days, to: over}\n"                  \
    "  over: {type: final}\n"

static void people(community *c)
{
    community_put(c, "grid", "west",
                  "{'name': '西', 'geometry': {'type': 'Polygon', 'coordinates': [[[120.0, 30.0], "
                  "[120.1, 30.0], [120.1, "
                  "30.1], [120.0, 30.1], [120.0, 30.0]]]}}");
    community_put(c, "grid", "east",
                  "{'name': '东', 'geometry': {'type': 'Polygon', 'coordinates': [[[120.1, 30.0], "
                  "[120.2, 30.0], [120.2, "
                  "30.1], [120.1, 30.1], [120.1, 30.0]]]}}");
    community_put(c, "household", "h1", "{'name': '1-101', 'grid': 'west', 'tags': ['disabled']}");
    community_put(c, "household", "h2", "{'name': '1-102', 'grid': 'east'}");
    community_put(c, "resident", "r1",
                  "{'name': '周', 'household': 'h1', 'birth_date': '1950-03-02'}");
    community_put(c, "resident", "r2",
                  "{'name': '吴', 'household': 'h2', 'birth_date': '1950-03-03'}");
    community_put(c, "resident", "r3", "{'name': '郑', 'household': 'h2'}");
    community_put(c, "group", "team", "{'name': '队', 'members': ['r1', 'r3']}");
    community_put(c, "staff", "li", "{'name': '李', 'roles': ['officer']}");
    community_put(c, "staff", "wang", "{'name': '王', 'roles': ['own'], 'grids': ['west']}");
}

/* A community on the test's store, whose rules change from question to question. */
static community begin(void **state)
{
    community c = community_make(support_store_of(state), HEAD, NULL);
    people(&c);
    return c;
}

/* Opens a case whose rule computes the expression into a field, and compares it as JSON. */
static void ask(community *c, const char *rules, const char *who, const char *want,
                gov_status status)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    char *text = NULL;
    gov_rulebook *book = community_rulebook(rules);
    assert_gov_ok(gov_act_as_host(c->g, "test", &err), err);
    assert_gov_ok(gov_install(c->g, book, &err), err);
    gov_rulebook_free(book);
    const int64_t id =
        community_open(c, "ask",
                       "{'place': {'lat': 300500000, 'lon': 1200500000}, 'team': 'team'}");
    if (who != NULL)
        assert_gov_ok(gov_act_as(c->g, who, "handle_case", &err), err);
    community_send(c, id, "look", NULL, status);
    if (status == GOV_OK) {
        assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
        assert_gov_ok(gov_value_to_json(gov_value_find(v, "fields.n"), &text, NULL, &err), err);
        assert_string_equal(text, want);
    }
    gov_text_free(text);
    gov_value_free(v);
}

#define ASKED(expression, want)   ask(&c, HEAD WORKFLOW("cn", expression), NULL, want, GOV_OK)
#define FAILS(expression, status) ask(&c, HEAD WORKFLOW("cn", expression), NULL, NULL, status)

/* It is Monday, 2026-03-02, 09:00 in Shanghai. */
static void dates(void **state)
{
    community c = begin(state);
    ASKED("[age('1950-03-02', now), age('1950-03-03', now), age('2024-02-29', '2025-02-28'), "
          "age('2024-02-29', "
          "'2025-03-01'), age('2026-03-03', now)]",
          "[76,75,0,1,-1]");
    /* 15:00 UTC on the first is 23:00 there, 16:00 UTC is the second */
    ASKED("[age('2000-03-02', timestamp('2026-03-01T15:59:59Z')), age('2000-03-02', "
          "timestamp('2026-03-01T16:00:00Z'))]",
          "[25,26]");
    FAILS("age('1950-1' + string(case.urgency) + '-01', now)", GOV_E_EXPR);
    community_free(&c);
}

static void working_time(void **state)
{
    community c = begin(state);
    /* Spring Festival, 15 to 23 February, with the 14th (a Saturday) made up for it */
    ASKED("[working_days('2026-02-13', '2026-02-24'), working_days('2026-02-24', '2026-02-13'), "
          "working_days(now, "
          "'2026-03-09'), working_days('2026-02-27', now, 'daily')]",
          "[2,-2,5,3]");
    ASKED("[add_working(now, values.sign), add_working(now, '4 hours'), add_working(now, "
          "duration('90m')), "
          "add_working(now, '1 day')].map(t, string(t))",
          "[\"2026-03-02T03:00:00Z\",\"2026-03-02T06:30:00Z\",\"2026-03-02T02:30:00Z\",\"2026-03-"
          "03T09:30:00Z\"]");
    ASKED("string(add_working(now, '25 hours', 'daily'))", "\"2026-03-03T02:00:00Z\"");
    /* the innermost calendar wins */
    ask(&c, HEAD WORKFLOW("daily", "working_days('2026-02-13', '2026-02-24')"), NULL, "11", GOV_OK);
    FAILS("add_working(now, string(case.urgency) + ' months')", GOV_E_EXPR);
    FAILS("add_working(now, string(case.urgency) + ' soon')", GOV_E_EXPR);
    FAILS("working_days(now, timestamp('9999-12-31T00:00:00Z')) + [1].map(x, "
          "working_days('0001-01-01', "
          "'9999-12-31') + working_days('0001-01-01', '9999-12-31') + working_days('0001-01-01', "
          "'9999-12-31') + "
          "working_days('0001-01-01', '9999-12-31') + working_days('0001-01-01', '9999-12-31'))[0]",
          GOV_E_LIMIT);
    community_free(&c);
}

static void places(void **state)
{
    community c = begin(state);
    /* one degree of a meridian of that sphere is 6,371,008.8 * pi / 180 m */
    ASKED("[distance(case.place, case.place), distance({'lat': 0, 'lon': 0}, {'lat': 10000000, "
          "'lon': 0})]",
          "[0,111195]");
    ASKED("[within(case.place, 'west'), within(case.place, 'east')]", "[true,false]");
    FAILS("distance(case.place, {'lat': 910000000, 'lon': 0})", GOV_E_EXPR);
    FAILS("within(case.place, 'nowhere')", GOV_E_NOT_FOUND);
    community_free(&c);
}

static void people_are_counted(void **state)
{
    community c = begin(state);
    ASKED(
        "[members(case.team).size(), members('team').size(), count('resident'), count('resident', "
        "'has(it.birth_date) && age(it.birth_date, now) >= 76'), count('household', \\\"'disabled' "
        "in it.tags\\\"), count('ask'), "
        "count('ask', 'it.open && it.urgency > 3'), count('ask', 'it.urgency == "
        "%d'.format([case.urgency]))]",
        "[2,2,3,1,1,1,0,1]");
    FAILS("members('nobody').size()", GOV_E_NOT_FOUND);
    community_free(&c);
}

/* What a rule counts for an officer is what the officer may read. */
static void counting_respects_access(void **state)
{
    static const char rules[] =
        HEAD WORKFLOW("cn", "[count('household'), count('resident'), count('ask')]");
    community c = begin(state);
    ask(&c, rules, "li", "[2,3,1]", GOV_OK);
    ask(&c, rules, "wang", "[1,1,2]", GOV_OK); /* the west alone */
    community_free(&c);
}

static void figures(void **state)
{
    community c = begin(state);
    ASKED("[dyn(sum([1, 2, 3])), sum([]), mean([2, 4, 6]), mean([1, 2]), percentile([30, 10, 20], "
          "50), percentile([30, 10, "
          "20], 100), percentile([1, 2, 3, 4], 0), percentile([15, 20, 35, 40, 50], 30), "
          "percentile([15, 20, 35, 40, 50], 40)]",
          "[6,0,4.0,1.5,20,30,1,20,20]");
    ASKED("[string(sum([duration('1.5s'), duration('-0.6s')])), string(mean([duration('2h'), "
          "duration('4h'), "
          "duration('6h')])), string(mean([duration('1s'), duration('2s')])), "
          "string(percentile([duration('3s'), "
          "duration('1s')], 90))]",
          "[\"0.9s\",\"14400s\",\"1.5s\",\"3s\"]");
    /* where the sum has no room: the mean is exact */
    ASKED("[mean([9223372036854775807, 9223372036854775807]) == 9223372036854775807.0, "
          "mean([9223372036854775807, 9223372036854775807, -9223372036854775807]) == "
          "3074457345618258602.0, mean([18446744073709551615u, 18446744073709551615u]) == "
          "18446744073709551615.0]",
          "[true,true,true]");
    FAILS("sum([9223372036854775807, case.urgency])", GOV_E_EXPR);
    FAILS("mean([1].filter(x, x > case.urgency))", GOV_E_EXPR);
    FAILS("percentile([1], 98 + case.urgency)", GOV_E_EXPR);
    FAILS("sum([9223372036854775807, case.urgency])", GOV_E_EXPR);
    FAILS("sum([dyn(case.urgency), 'a'])", GOV_E_EXPR);
    community_free(&c);
}

/* Wrong types, names and filters are found when the rules are loaded, at their place. */
static void mistakes_are_found_early(void **state)
{
    static const struct {
        const char *expression, *code;
        int column;
    } table[] = {
        {"age(1950, now)", "wrong_argument", 4},
        {"working_days(now, now, 'nc')", "unknown_name", 23},
        {"add_working('2026-03-02', '1 day')", "wrong_argument", 12},
        {"distance(1, 2)", "wrong_argument", 9},
        {"within(case.place, true)", "wrong_argument", 19},
        {"count('residents')", "unknown_name", 6},
        {"count('resident', 'it.age >')", "unexpected_end", 27},
        {"count('resident', 'ti.age > 3')", "undeclared_reference", 19},
        {"sum('abc')", "wrong_argument", 4},
        {"percentile([1, 2])", "no_such_overload", 0},
        {"membres('team')", "unknown_function", 0},
        {"sum([9223372036854775807, 1])", "integer_overflow", 0},
        {"age('1950-13-01', now)", "invalid_argument", 4},
        {"add_working(now, 'soon')", "invalid_argument", 17},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        static const char frame[] = HEAD WORKFLOW("cn", "@");
        char rules[4096], path[512];
        gov_error *err = NULL;
        gov_rulebook *made = NULL;
        const size_t before = (size_t)(strchr(frame, '@') - frame);
        const int len = snprintf(rules, sizeof rules, "%.*s%s%s", (int)before, frame,
                                 table[i].expression, frame + before + 1);
        size_t line = before;
        while (rules[line - 1] != '\n')
            line--;
        char *dir = support_tmpdir();
        support_write(support_path(path, dir, "rulebook.yaml"), rules, (size_t)len);
        const gov_status status = gov_rulebook_load(NULL, path, 0, &made, &err);
        support_rmdir(dir);
        const char *code = gov_error_code(err, 0);
        const long column = (long)gov_error_column(err, 0) - (long)(before - line) - 1;
        if (status == GOV_OK || strcmp(code, table[i].code) != 0 || column != table[i].column)
            fail_msg("%s: %s at %ld", table[i].expression,
                     status == GOV_OK ? "fine" : gov_error_message(err, 0, "en"), column);
        gov_error_free(err);
        gov_rulebook_free(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(dates),
        STORE_TESTS(working_time),
        STORE_TESTS(places),
        STORE_TESTS(people_are_counted),
        STORE_TESTS(counting_respects_access),
        STORE_TESTS(figures),
        cmocka_unit_test(mistakes_are_found_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
