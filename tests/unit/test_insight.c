/* The report's figures, reckoned by hand, on both stores. */
#include "insight/insight.h"
#include "support/community.h"
#include "support/faulty.h"
#include "support/oom_malloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A clock of an hour from the dispatch; two units, two grids, indicators of every kind. */
static const char rules[] =
    "rulebook: small\n"
    "version: '7'\n"
    "title: {zh: 小社区, en: Small}\n"
    "languages: [zh, en]\n"
    "time_zone: Asia/Shanghai\n"
    "roles:\n"
    "  analyst: {title: {zh: 分析员}}\n"
    "  handler: {title: {zh: 承办人}, scope: unit}\n"
    "  clerk: {title: {zh: 办事员}}\n"
    "permissions:\n"
    "  report.read: [analyst, handler]\n"
    "---\n"
    "workflow: complaint\n"
    "title: {zh: 诉求, en: Complaint}\n"
    "fields:\n"
    "  category:\n"
    "    type: string\n"
    "    one_of: [{is: noise, title: {zh: 噪音, en: Noise}}, leak, '<script>alert(1)</script>']\n"
    "  address: {type: string}\n"
    "  place: {type: point}\n"
    "events:\n"
    "  dispatch: {by: [clerk], input: {unit: {type: unit, required: true}}}\n"
    "  finish: {by: [clerk]}\n"
    "  withdraw: {by: [clerk]}\n"
    "clocks:\n"
    "  resolution:\n"
    "    starts: [dispatch]\n"
    "    stops: [finish]\n"
    "    budget: 1 hour\n"
    "    marks: {100%: overdue}\n"
    "states:\n"
    "  received: {on: {dispatch: {to: handling, do: [{assign: {unit: event.data.unit}}]}}}\n"
    "  handling: {on: {finish: closed.done, withdraw: closed.withdrawn, overdue: {do: [{log: late}]}}}\n"
    "  closed:\n"
    "    states:\n"
    "      done: {type: final, outcome: done, title: {zh: 已办, en: Done}}\n"
    "      withdrawn: {type: final, outcome: withdrawn}\n"
    "---\n"
    "workflow: check\n"
    "states: {waiting: {after: {delay: 2 hours, to: over}}, over: {type: final, outcome: over}}\n"
    "---\n"
    "indicator: sent_rate\n"
    "title: {zh: 派单率, en: Sent}\n"
    "over: {workflow: complaint, when: \"case.category == 'noise'\"}\n"
    "counts: case.unit != null\n"
    "source: {zh: 噪音类已派单的, en: Noise that was dispatched}\n"
    "---\n"
    "indicator: breach_rate\n"
    "over: {workflow: complaint}\n"
    "counts: clocks.resolution.breached\n"
    "source: x\n"
    "---\n"
    "indicator: gate_rate\n"
    "over: {workflow: complaint}\n"
    "counts: \"case.address == '东门'\"\n"
    "source: x\n";

static const char square[] = "{'name': '%s', 'geometry': {'type': 'Polygon', 'coordinates': "
                             "[[[%d, 30], [%d, 30], [%d, 31], [%d, 31], [%d, 30]]]}}";

/* 2026-12-30T09:00 in Shanghai. */
#define MORNING INT64_C(1798592400000000)
#define MINUTE INT64_C(60000000)
#define AT(day, hour, minute) (MORNING + (((day) * 24 + (hour) - 9) * 60 + (minute)) * MINUTE)

static void now(community *c, int64_t us)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_set_now(c->g, us, &err), err);
    assert_gov_ok(gov_tick(c->g, 0, NULL, &err), err);
}

static void put_places(community *c)
{
    char json[512];
    for (int i = 0; i < 2; i++) {
        (void)snprintf(json, sizeof json, square, i == 0 ? "一格" : "二格", 120 + i, 121 + i, 121 + i, 120 + i, 120 + i);
        community_put(c, "grid", i == 0 ? "g1" : "g2", json);
    }
    community_put(c, "unit", "U1", "{'name': '物业'}");
    community_put(c, "unit", "U2", "{'name': '城管'}");
    community_put(c, "staff", "ana", "{'name': '安', 'roles': ['analyst']}");
    community_put(c, "staff", "han", "{'name': '韩', 'roles': ['handler'], 'unit': 'U1'}");
    community_put(c, "staff", "cle", "{'name': '柯', 'roles': ['clerk']}");
}

static int64_t open_in(community *c, int64_t at, const char *grid, const char *json, const char *unit)
{
    gov_error *err = NULL;
    gov_case_options o;
    gov_value *v = community_json(json);
    int64_t id = 0;
    char data[64];
    now(c, at);
    gov_case_options_init(&o, sizeof o);
    o.grid = grid;
    assert_gov_ok(gov_case_open(c->g, "complaint", v, &o, &id, &err), err);
    gov_value_free(v);
    (void)snprintf(data, sizeof data, "{'unit': '%s'}", unit != NULL ? unit : "");
    if (unit != NULL)
        community_send(c, id, "dispatch", data, GOV_OK);
    return id;
}

static void send_at(community *c, int64_t at, int64_t id, const char *event)
{
    now(c, at);
    community_send(c, id, event, NULL, GOV_OK);
}

/* Seven complaints and a check, from Wednesday of week 53 of 2026 to Monday of week 1 of 2027. */
static void live(community *c)
{
    static const char gate[] = "{'category': 'noise', 'address': '东门'}";
    put_places(c);
    const int64_t a = open_in(c, AT(0, 9, 0), "g1", gate, "U1");
    send_at(c, AT(0, 9, 30), a, "finish"); /* 30 minutes, on time */
    const int64_t b = open_in(c, AT(0, 10, 0), "g1", gate, "U1");
    send_at(c, AT(0, 11, 0), b, "finish"); /* at the due instant: on time */
    const int64_t l = open_in(c, AT(1, 23, 30), "g2", "{'category': 'leak', 'address': ' 西门 '}", "U2");
    send_at(c, AT(2, 1, 0), l, "finish"); /* 90 minutes: late; opened in December, closed in January */
    open_in(c, AT(2, 8, 0), "g1", gate, "U1"); /* open and overdue */
    community_open(c, "check", "{}");
    open_in(c, AT(5, 9, 0), NULL, "{'category': '<script>alert(1)</script>'}", NULL); /* never dispatched */
    const int64_t w = open_in(c, AT(5, 10, 0), NULL, "{'category': 'leak', 'place': {'lat': 305000100, 'lon': 1215000000}}", "U2");
    open_in(c, AT(5, 10, 5), NULL, "{'category': 'leak', 'place': {'lat': 304999900, 'lon': 1215000200}}", "U2");
    send_at(c, AT(5, 10, 10), w, "withdraw"); /* ended in time, without an answer */
    now(c, AT(5, 10, 30));
}

static gov_value *report(community *c, int64_t from, int64_t to, uint32_t flags, const char *lang)
{
    gov_error *err = NULL;
    gov_report_options o;
    gov_value *v = NULL;
    gov_report_options_init(&o, sizeof o);
    o.from_us = from;
    o.to_us = to;
    o.flags = flags;
    o.lang = lang;
    assert_gov_ok(gov_report(c->g, &o, &v, &err), err);
    return v;
}

static int64_t number(const gov_value *v, const char *path)
{
    const gov_value *at = gov_value_find(v, path);
    if (at == NULL || gov_value_kind(at) != GOV_VALUE_INT)
        fail_msg("%s is no number", path);
    return gov_value_int(at);
}

typedef struct expectation {
    const char *path;
    int64_t want;
} expectation;

static void expect(const gov_value *v, const expectation *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (number(v, list[i].path) != list[i].want)
            fail_msg("%s is %lld, not %lld", list[i].path, (long long)number(v, list[i].path), (long long)list[i].want);
}
#define EXPECT(v, ...) expect((v), (const expectation[]){__VA_ARGS__}, ARRAY_LEN(((const expectation[]){__VA_ARGS__})))

static void totals_deadlines_and_times(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    live(&c);
    gov_value *v = report(&c, 0, 0, 0, NULL);
    assert_text_at(v, "report.workflow", "complaint");
    assert_text_at(v, "report.lang", "zh");
    assert_text_at(v, "report.title", "小社区");
    assert_text_at(v, "period.from_local", "2026-12-30 09:00");
    assert_text_at(v, "period.to_local", "2027-01-04 10:30");
    EXPECT(v, {"totals.opened", 7}, {"totals.closed", 4}, {"totals.open", 3}, {"totals.permille", 571});
    EXPECT(v, {"on_time.on_time", 2}, {"on_time.late", 2}, {"on_time.late_done", 1}, {"on_time.overdue", 1}, {"on_time.due", 4},
           {"on_time.permille", 500}, {"on_time.not_due", 1}, {"on_time.ended", 1}, {"on_time.untimed", 1});
    /* 600, 1800, 3600 and 5400 seconds: ranks 2 and 4 of 4 */
    EXPECT(v, {"closing.cases", 4}, {"closing.median_s", 1800}, {"closing.p90_s", 5400}, {"closing.steps.0.cases", 4});
    EXPECT(v, {"workflows.0.opened", 7}, {"workflows.0.outcomes.0.cases", 3}, {"workflows.0.outcomes.1.cases", 1},
           {"workflows.1.opened", 1}, {"workflows.1.closed", 1});
    assert_text_at(v, "workflows.0.outcomes.0.title", "已办");
    assert_text_at(v, "workflows.0.outcomes.1.title", "withdrawn");
    gov_value_free(v);
    v = report(&c, 0, 0, 0, "en");
    assert_text_at(v, "workflows.0.outcomes.0.title", "Done");
    assert_text_at(v, "rulebook.version", "7");
    assert_true(number(v, "journal.size") > 0);
    gov_value_free(v);
    community_free(&c);
}

static void categories_weeks_and_months(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    live(&c);
    gov_value *v = report(&c, 0, 0, 0, NULL);
    assert_text_at(v, "categories.0.category", "leak"); /* as many as noise, and before it in order */
    assert_text_at(v, "categories.1.title", "噪音");
    assert_text_at(v, "categories.2.category", "<script>alert(1)</script>");
    EXPECT(v, {"categories.0.cases", 3}, {"categories.1.cases", 3}, {"categories.2.cases", 1}, {"categories.2.permille", 143});
    assert_int_equal(gov_value_count(gov_value_find(v, "weeks.weeks")), 2);
    assert_text_at(v, "weeks.weeks.0", "2026-W53");
    assert_text_at(v, "weeks.weeks.1", "2027-W01");
    assert_text_at(v, "weeks.starts.0", "2026-12-28");
    EXPECT(v, {"weeks.rows.0.cases.0", 1}, {"weeks.rows.0.cases.1", 2}, {"weeks.rows.1.cases.0", 3}, {"weeks.rows.1.cases.1", 0});
    assert_int_equal(gov_value_count(gov_value_find(v, "months")), 2);
    assert_text_at(v, "months.0.month", "2026-12");
    EXPECT(v, {"months.0.opened", 3}, {"months.0.closed", 2}, {"months.0.on_time", 2}, {"months.0.due", 3}, {"months.0.permille", 667});
    EXPECT(v, {"months.1.opened", 4}, {"months.1.closed", 2}, {"months.1.on_time", 0}, {"months.1.due", 1}, {"months.1.permille", 0});
    assert_true(gov_value_bool(gov_value_find(v, "months.0.whole")));
    assert_false(gov_value_bool(gov_value_find(v, "months.1.whole")));
    assert_null(gov_value_find(v, "months.1.change_permille")); /* a part of a month is compared with nothing */
    gov_value_free(v);
    now(&c, AT(33, 0, 0));
    v = report(&c, 0, 0, 0, NULL);
    EXPECT(v, {"months.1.change_permille", 333}, {"months.1.rate_change_permille", -667});
    gov_value_free(v);
    community_free(&c);
}

static void grids_units_and_places(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    live(&c);
    gov_value *v = report(&c, 0, 0, 0, NULL);
    assert_text_at(v, "grids.0.name", "一格");
    assert_text_at(v, "grids.1.name", "二格"); /* the points were located */
    assert_text_at(v, "grids.2.grid", "");
    EXPECT(v, {"grids.0.cases", 3}, {"grids.1.cases", 3}, {"grids.2.cases", 1});
    assert_text_at(v, "units.0.name", "物业");
    EXPECT(v, {"units.0.cases", 3}, {"units.0.on_time", 2}, {"units.0.due", 3}, {"units.0.overdue", 1});
    EXPECT(v, {"units.1.cases", 3}, {"units.1.on_time", 0}, {"units.1.due", 1}, {"units.1.overdue", 0});
    EXPECT(v, {"units.2.cases", 1}, {"units.2.due", 0}, {"repeats.places", 2}, {"repeats.cases", 5});
    assert_int_equal(gov_value_kind(gov_value_find(v, "units.2.permille")), GOV_VALUE_NULL);
    assert_text_at(v, "repeats.top.0.place", "东门");
    assert_text_at(v, "repeats.top.0.grid_name", "一格");
    assert_text_at(v, "repeats.top.0.title", "噪音");
    assert_text_at(v, "repeats.top.1.place", "30.5000, 121.5000");
    EXPECT(v, {"repeats.top.0.cases", 3}, {"repeats.top.1.cases", 2});
    EXPECT(v, {"indicators.0.numerator", 3}, {"indicators.0.denominator", 3}, {"indicators.0.permille", 1000});
    EXPECT(v, {"indicators.1.numerator", 2}, {"indicators.1.denominator", 7}, {"indicators.1.permille", 286});
    EXPECT(v, {"indicators.2.numerator", 3}, {"indicators.2.denominator", 4}, {"indicators.2.undecided", 3});
    assert_text_at(v, "indicators.0.title", "派单率");
    assert_text_at(v, "indicators.0.source", "噪音类已派单的");
    gov_value_free(v);
    community_free(&c);
}

static void a_period_cuts(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    live(&c);
    gov_value *v = report(&c, AT(2, 0, 0), AT(5, 0, 0), 0, NULL);
    EXPECT(v, {"totals.opened", 1}, {"totals.closed", 0}, {"on_time.overdue", 1}, {"on_time.due", 1}, {"months.0.closed", 1},
           {"months.0.opened", 1}, {"closing.cases", 0});
    assert_int_equal(gov_value_kind(gov_value_find(v, "closing.median_s")), GOV_VALUE_NULL);
    gov_value_free(v);
    /* At 10:30 on the first day B was open and had half an hour left, whatever became of it later. */
    v = report(&c, 0, AT(0, 10, 30), 0, NULL);
    EXPECT(v, {"totals.opened", 2}, {"totals.closed", 1}, {"on_time.on_time", 1}, {"on_time.not_due", 1}, {"on_time.due", 1});
    gov_value_free(v);
    gov_report_options o;
    gov_report_options_init(&o, sizeof o);
    o.from_us = o.to_us = AT(1, 0, 0);
    gov_error *err = NULL;
    assert_gov(GOV_E_ARG, gov_report(c.g, &o, &v, &err), err);
    assert_diag(err, 0, "report_period", -1, -1);
    gov_error_free(err);
    community_free(&c);
}

static void misuse_and_permission(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_report_options o;
    gov_error *err = NULL;
    gov_value *v = NULL;
    live(&c);
    gov_report_options_init(&o, sizeof o);
    o.lang = "fr";
    assert_gov(GOV_E_ARG, gov_report(c.g, &o, &v, NULL), err);
    o.lang = "zh-CN";
    o.workflow = "nothing";
    assert_gov(GOV_E_NOT_FOUND, gov_report(c.g, &o, &v, NULL), err);
    o.workflow = NULL;
    o.flags = 8;
    assert_gov(GOV_E_ARG, gov_report(c.g, &o, &v, NULL), err);
    assert_gov(GOV_E_ARG, gov_report(c.g, NULL, NULL, NULL), err);
    assert_gov_ok(gov_act_as(c.g, "cle", "office", &err), err);
    assert_gov(GOV_E_DENIED, gov_report(c.g, NULL, &v, NULL), err);
    assert_gov_ok(gov_act_as(c.g, "ana", "office", &err), err);
    assert_gov_ok(gov_report(c.g, NULL, &v, &err), err);
    EXPECT(v, {"totals.opened", 7});
    gov_value_free(v);
    assert_gov_ok(gov_act_as(c.g, "han", "office", &err), err); /* sees the cases of the own unit */
    assert_gov_ok(gov_report(c.g, NULL, &v, &err), err);
    EXPECT(v, {"totals.opened", 3}, {"on_time.due", 3});
    gov_value_free(v);
    community_free(&c);
}

static void an_empty_community(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    char *text = NULL, *html = NULL;
    gov_value *v = report(&c, 0, 0, 0, NULL);
    EXPECT(v, {"totals.opened", 0}, {"on_time.due", 0}, {"closing.cases", 0});
    assert_text_at(v, "report.workflow", "complaint");
    assert_int_equal(gov_value_kind(gov_value_find(v, "on_time.permille")), GOV_VALUE_NULL);
    gov_value_free(v);
    assert_gov_ok(gov_report_text(c.g, NULL, &text, NULL, &err), err);
    assert_gov_ok(gov_report_html(c.g, NULL, &html, NULL, &err), err);
    assert_non_null(strstr(text, "统计期内没有受理工单"));
    assert_non_null(strstr(html, "统计期内没有受理工单"));
    gov_text_free(text);
    gov_text_free(html);
    community_free(&c);
}

/* ---- the pages ---- */

static void pages_are_safe_and_stable(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    char *one = NULL, *two = NULL;
    size_t len = 0;
    live(&c);
    assert_gov_ok(gov_report_html(c.g, NULL, &one, &len, &err), err);
    assert_gov_ok(gov_report_html(c.g, NULL, &two, NULL, &err), err);
    assert_int_equal(strlen(one), len);
    assert_string_equal(one, two);
    assert_null(strstr(one, "<script"));
    assert_non_null(strstr(one, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_null(strstr(one, "http://"));
    assert_null(strstr(one, "https://"));
    assert_non_null(strstr(one, "<html lang=\"zh-CN\">"));
    assert_non_null(strstr(one, "<svg class=\"map"));
    assert_non_null(strstr(one, "东门"));
    gov_text_free(one);
    gov_text_free(two);
    gov_report_options o;
    gov_report_options_init(&o, sizeof o);
    o.lang = "en";
    assert_gov_ok(gov_report_text(c.g, &o, &one, NULL, &err), err);
    assert_non_null(strstr(one, "On time"));
    assert_non_null(strstr(one, "50.0%"));
    gov_text_free(one);
    community_free(&c);
}

static bool is_count(const char *key, size_t len)
{
    static const char *const keys[] = {"cases", "opened", "closed", "open", "on_time", "late", "late_done", "overdue", "due", "not_due",
                                       "ended", "untimed", "numerator", "denominator", "undecided", "places", "accounts"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strlen(keys[i]) == len && memcmp(keys[i], key, len) == 0)
            return true;
    return false;
}

static void no_small_count(value v, bool count)
{
    if (v.kind == VALUE_INT && count && v.as.i > 0 && v.as.i < 5)
        fail_msg("a count of %d is published", (int)v.as.i);
    for (size_t i = 0; v.kind == VALUE_LIST && i < v.len; i++)
        no_small_count(v.as.items[i], count);
    for (size_t i = 0; v.kind == VALUE_MAP && i < v.len; i++)
        no_small_count(v.as.pairs[i].val, is_count(v.as.pairs[i].key.as.s, v.as.pairs[i].key.len));
}

static void the_public_edition_masks(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    gov_report_options o;
    char *text = NULL;
    live(&c);
    gov_value *v = report(&c, 0, 0, GOV_REPORT_PUBLIC, NULL);
    no_small_count(*v, false);
    EXPECT(v, {"totals.opened", 7});
    assert_text_at(v, "totals.open", "*");
    assert_text_at(v, "on_time.permille", "*");
    assert_text_at(v, "closing.median_s", "*");
    assert_int_equal(gov_value_count(gov_value_find(v, "repeats.top")), 0);
    gov_value_free(v);
    gov_report_options_init(&o, sizeof o);
    o.flags = GOV_REPORT_PUBLIC;
    assert_gov_ok(gov_report_html(c.g, &o, &text, NULL, &err), err);
    assert_null(strstr(text, "东门"));
    assert_non_null(strstr(text, "公开版"));
    assert_non_null(strstr(text, "&lt;5"));
    gov_text_free(text);
    assert_gov_ok(gov_report_text(c.g, &o, &text, NULL, &err), err);
    assert_null(strstr(text, "东门"));
    gov_text_free(text);
    community_free(&c);
}

/* ---- small reckoning ---- */

static uint64_t seed = 42;
static uint64_t roll(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* The definition word for word: the smallest value that at least so many in a hundred do not exceed. */
static int64_t percentile_by_definition(const int64_t *v, size_t n, size_t percent)
{
    for (size_t i = 0; i < n; i++) {
        size_t below = 0;
        for (size_t k = 0; k < n; k++)
            below += v[k] <= v[i];
        if (below * 100 >= percent * n)
            return v[i];
    }
    return -1;
}

static void percentiles_agree_with_their_definition(void **state)
{
    (void)state;
    for (int round = 0; round < 400; round++) {
        int64_t v[60];
        const size_t n = 1 + (size_t)roll(60);
        for (size_t i = 0; i < n; i++)
            v[i] = (int64_t)roll(40);
        insight_sort(v, n);
        assert_int_equal(insight_percentile(v, n, 50), percentile_by_definition(v, n, 50));
        assert_int_equal(insight_percentile(v, n, 90), percentile_by_definition(v, n, 90));
    }
}

static void rates_weeks_and_months(void **state)
{
    /* ISO 8601 weeks at the turns of years, as the standard's calendar has them. */
    static const struct {
        int32_t year;
        unsigned month, day;
        const char *week;
    } days[] = {{2020, 12, 31, "2020-W53"}, {2021, 1, 3, "2020-W53"},  {2021, 1, 4, "2021-W01"},  {2024, 12, 30, "2025-W01"},
                {2025, 12, 29, "2026-W01"}, {2026, 12, 31, "2026-W53"}, {2027, 1, 1, "2026-W53"}, {1970, 1, 1, "1970-W01"},
                {1969, 12, 28, "1969-W52"}, {2012, 1, 1, "2011-W52"}};
    char name[16];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        insight_week_name(insight_week(base_days_from_civil(days[i].year, days[i].month, days[i].day)), name);
        assert_string_equal(name, days[i].week);
    }
    insight_month_name(insight_month(base_days_from_civil(2026, 2, 28)), name);
    assert_string_equal(name, "2026-02");
    assert_int_equal(insight_month_start(insight_month(base_days_from_civil(2026, 2, 28))), base_days_from_civil(2026, 2, 1));
    assert_int_equal(insight_permille(1, 3), 333);
    assert_int_equal(insight_permille(2, 3), 667);
    assert_int_equal(insight_permille(1, 2000), 1); /* a half goes up */
    assert_int_equal(insight_permille(0, 0), 0);
    assert_int_equal(insight_permille(INT64_MAX, INT64_MAX), 1000);
    static const int64_t percent[INSIGHT_BREAKS] = {20, 40, 60, 80};
    int64_t counts[] = {9, 1, 1234, 3, 2, 4, 8, 7, 6, 5}, breaks[INSIGHT_BREAKS], twins[] = {7, 7};
    insight_breaks(counts, ARRAY_LEN(counts), percent, breaks);
    assert_int_equal(breaks[0], 2);
    assert_int_equal(breaks[3], 8);
    assert_int_equal(insight_class(0, breaks), 0);
    assert_int_equal(insight_class(2, breaks), 1);
    assert_int_equal(insight_class(3, breaks), 2);
    assert_int_equal(insight_class(1234, breaks), 5);
    insight_breaks(twins, 2, percent, breaks); /* borders always ascend */
    assert_int_equal(breaks[3], 10);
    insight_breaks(twins, 0, percent, breaks);
    assert_int_equal(breaks[0], 1);
}

static void verdicts_of_clocks(void **state)
{
    const insight_clock stopped = {.state = CASE_CLOCK_STOPPED, .origin_us = 10, .due_us = 100, .stopped_us = 100};
    insight_clock c = stopped;
    (void)state;
    assert_int_equal(insight_fate_of(NULL, 0, 1000, 999, false), INSIGHT_UNTIMED);
    assert_int_equal(insight_fate_of(&c, 0, 1000, 999, false), INSIGHT_ON_TIME);
    assert_int_equal(insight_fate_of(&c, 0, 1000, 999, true), INSIGHT_LATE); /* late in a round before */
    c.stopped_us = 101;
    assert_int_equal(insight_fate_of(&c, 0, 1000, 999, false), INSIGHT_LATE);
    assert_int_equal(insight_fate_of(&c, 0, 100, 99, false), INSIGHT_NOT_DUE); /* seen from before */
    c = (insight_clock){.state = CASE_CLOCK_RUNNING, .origin_us = 10, .due_us = 100};
    assert_int_equal(insight_fate_of(&c, 0, 101, 100, false), INSIGHT_NOT_DUE);
    assert_int_equal(insight_fate_of(&c, 0, 102, 101, false), INSIGHT_OVERDUE);
    assert_int_equal(insight_fate_of(&c, 90, 1000, 999, false), INSIGHT_ENDED);
    assert_int_equal(insight_fate_of(&c, 110, 1000, 999, false), INSIGHT_LATE);
    c.state = CASE_CLOCK_PAUSED; /* its due instant moves on */
    assert_int_equal(insight_fate_of(&c, 0, 1000, 999, false), INSIGHT_NOT_DUE);
    c.breached_us = 100;
    assert_int_equal(insight_fate_of(&c, 0, 1000, 999, false), INSIGHT_OVERDUE);
}

static void late_in_an_earlier_round(void **state)
{
    static const char late[] =
        "[{\"at\":{\"$timestamp\":\"2026-03-02T01:00:00Z\"},\"due\":{\"$timestamp\":\"2026-03-02T02:00:00Z\"},\"what\":\"start\"},"
        "{\"at\":{\"$timestamp\":\"2026-03-02T03:00:00Z\"},\"due\":{\"$timestamp\":\"2026-03-02T02:00:00Z\"},\"what\":\"stop\"},"
        "{\"at\":{\"$timestamp\":\"2026-03-03T01:00:00Z\"},\"due\":{\"$timestamp\":\"2026-03-03T02:00:00Z\"},\"what\":\"start\"}]";
    const gov_store home = {.alloc = &base_malloc};
    gov g = {.alloc = home.alloc};
    insight_tally t;
    bool is_late = false;
    (void)state;
    insight_tally_init(&t, &g);
    t.end_us = INT64_MAX;
    insight_clock c = {.account = late, .account_len = sizeof late - 1};
    assert_int_equal(insight_late_before(&t, &c, &is_late, NULL), GOV_OK);
    assert_true(is_late);
    char *in_time = strdup(late); /* stopped at 01:00 instead */
    memcpy(strstr(in_time, "03:00:00Z"), "01:00:00Z", 9);
    c.account = in_time;
    assert_int_equal(insight_late_before(&t, &c, &is_late, NULL), GOV_OK);
    assert_false(is_late);
    t.end_us = 1; /* before all that */
    c.account = late;
    assert_int_equal(insight_late_before(&t, &c, &is_late, NULL), GOV_OK);
    assert_false(is_late);
    free(in_time);
    insight_tally_free(&t);
}

/* ---- masks: what a reader can find out, by trying everything ---- */

enum { MOST_PARTS = 5, MOST_TOTAL = 24 };

/* One table as published, and what each of its parts could be. */
typedef struct edition {
    int64_t shown[MOST_PARTS]; /* -1: "<5", -2: "*" */
    int64_t low[MOST_PARTS], high[MOST_PARTS];
    size_t n;
} edition;

typedef struct editions {
    edition *items;
    size_t count, cap;
} editions;

static void publish(editions *all, const int64_t *parts, size_t n, int64_t total)
{
    uint8_t marks[MOST_PARTS];
    edition e = {.n = n};
    insight_mask_parts(parts, n, total, true, marks);
    for (size_t i = 0; i < n; i++) {
        assert_false(marks[i] == INSIGHT_PLAIN && parts[i] > 0 && parts[i] < 5);
        e.shown[i] = marks[i] == INSIGHT_PLAIN ? parts[i] : marks[i] == INSIGHT_FEW ? -1 : -2;
        e.low[i] = e.high[i] = parts[i];
    }
    for (size_t k = 0; k < all->count; k++) {
        edition *old = &all->items[k];
        if (memcmp(old->shown, e.shown, sizeof e.shown) != 0)
            continue;
        for (size_t i = 0; i < n; i++) {
            old->low[i] = parts[i] < old->low[i] ? parts[i] : old->low[i];
            old->high[i] = parts[i] > old->high[i] ? parts[i] : old->high[i];
        }
        return;
    }
    if (all->count == all->cap) {
        all->cap = all->cap > 0 ? all->cap * 2 : 1024;
        all->items = realloc(all->items, all->cap * sizeof *all->items);
        assert_non_null(all->items);
    }
    all->items[all->count++] = e;
}

static void publish_all(editions *all, int64_t *parts, size_t i, size_t n, int64_t left, int64_t total)
{
    if (i + 1 == n) {
        parts[i] = left;
        publish(all, parts, n, total);
        return;
    }
    for (parts[i] = 0; parts[i] <= left; parts[i]++) {
        const int64_t kept = parts[i];
        publish_all(all, parts, i + 1, n, left - kept, total);
        parts[i] = kept;
    }
}

/* A reader who knows the total and how figures are withheld: of all tables that would be published just so, no two may agree
 * on a part that is withheld. */
static void masked_parts_cannot_be_reckoned(void **state)
{
    (void)state;
    for (size_t n = 2; n <= MOST_PARTS; n++) {
        const int64_t most = n < 4 ? MOST_TOTAL : n == 4 ? 20 : 14;
        for (int64_t total = 5; total <= most; total++) {
            int64_t parts[MOST_PARTS] = {0};
            editions all = {0};
            publish_all(&all, parts, 0, n, total, total);
            for (size_t k = 0; k < all.count; k++)
                for (size_t i = 0; i < n; i++)
                    if (all.items[k].shown[i] < 0 && all.items[k].low[i] == all.items[k].high[i])
                        fail_msg("part %d of %d of %d is known to be %d", (int)i, (int)n, (int)total, (int)all.items[k].low[i]);
            free(all.items);
        }
    }
}

static void columns_side_by_side(void **state)
{
    static const int64_t wholes[] = {26, 48, 70, 40, 3}, parts[] = {25, 46, 60, 40, 3};
    static const uint8_t whole_marks[] = {0, 0, 0, 0, INSIGHT_FEW};
    uint8_t marks[5] = {0}, rest_marks[5];
    int64_t rests[5];
    (void)state;
    insight_mask_rest(wholes, whole_marks, parts, 5, rests, rest_marks, marks);
    assert_int_equal(marks[0], INSIGHT_HIDDEN); /* 26 - 25 */
    assert_int_equal(marks[1], INSIGHT_HIDDEN); /* 48 - 46 */
    assert_int_equal(marks[2], INSIGHT_HIDDEN); /* else 1 and 2 would follow from 13 - 10 */
    assert_int_equal(marks[3], INSIGHT_PLAIN);
    assert_int_equal(marks[4], INSIGHT_HIDDEN);
}

static void masked_rates(void **state)
{
    int64_t nums[] = {30, 20, 9}, dens[] = {40, 30, 10}, wholes[] = {40, 30, 10}, rests[3];
    uint8_t whole_marks[3] = {0}, den_marks[3], marks[3];
    const insight_rates r = {3, nums, dens, wholes, rests, whole_marks, den_marks, marks};
    (void)state;
    assert_int_equal(insight_mask_rate(3, 4), INSIGHT_HIDDEN);
    assert_int_equal(insight_mask_rate(3, 40), INSIGHT_FEW);
    assert_int_equal(insight_mask_rate(37, 40), INSIGHT_HIDDEN); /* 3 that do not count */
    assert_int_equal(insight_mask_rate(40, 40), INSIGHT_PLAIN);
    assert_int_equal(insight_mask_rate(0, 0), INSIGHT_PLAIN);
    insight_mask_rates(&r, 80, true); /* the last alone would follow from the sum */
    assert_int_equal(marks[0], INSIGHT_PLAIN);
    assert_int_equal(marks[1], INSIGHT_HIDDEN);
    assert_int_equal(marks[2], INSIGHT_HIDDEN);
    assert_int_equal(den_marks[2], INSIGHT_PLAIN);
    wholes[0] = 42; /* two that are not due: neither by themselves nor from the sum */
    wholes[1] = 45;
    insight_mask_rates(&r, 80, true);
    assert_int_equal(den_marks[0], INSIGHT_HIDDEN);
    assert_int_equal(den_marks[1], INSIGHT_HIDDEN);
    assert_int_equal(den_marks[2], INSIGHT_PLAIN);
}

static void widths_and_outside_text(void **state)
{
    static const char nasty[] = "a\x1b[31m<b>&\"'\xE2\x80\xAE\xFF";
    base_buf out;
    (void)state;
    assert_int_equal(insight_width("abc", 3), 3);
    assert_int_equal(insight_width("社区", 6), 4);
    assert_int_equal(insight_width("e\xCC\x81", 3), 1);
    base_buf_init(&out, NULL);
    insight_write_escaped(&out, nasty, sizeof nasty - 1);
    assert_string_equal(out.data, "a\xEF\xBF\xBD[31m&lt;b&gt;&amp;&quot;&#39;\xEF\xBF\xBD\xEF\xBF\xBD");
    base_buf_clear(&out);
    insight_write_safe(&out, nasty, sizeof nasty - 1);
    assert_string_equal(out.data, "a\xEF\xBF\xBD[31m<b>&\"'\xEF\xBF\xBD\xEF\xBF\xBD");
    base_buf_clear(&out);
    insight_write_number(&out, -1234567);
    assert_string_equal(out.data, "-1,234,567");
    base_buf_free(&out);
}

/* ---- want of memory ---- */

static gov_status all_forms(community *c, void *user)
{
    (void)user;
    gov_value *v = NULL;
    char *text = NULL;
    gov_report_options o;
    gov_report_options_init(&o, sizeof o);
    o.flags = GOV_REPORT_PUBLIC;
    gov_status status = gov_set_now(c->g, AT(5, 10, 30), NULL);
    if (status == GOV_OK)
        status = gov_report(c->g, &o, &v, NULL);
    gov_value_free(v);
    if (status == GOV_OK)
        status = gov_report_text(c->g, NULL, &text, NULL, NULL);
    gov_text_free(text);
    text = NULL;
    if (status == GOV_OK)
        status = gov_report_html(c->g, NULL, &text, NULL, NULL);
    gov_text_free(text);
    return status;
}

static gov_status pages_alone(const gov_allocator *alloc, void *user)
{
    base_buf out;
    base_buf_init(&out, alloc);
    const bool text = insight_write_text(&out, *(const value *)user), html = text && insight_write_html(&out, *(const value *)user);
    base_buf_free(&out);
    return text && html ? GOV_OK : GOV_E_NOMEM;
}

static void want_of_memory_leaks_nothing(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, rules, NULL);
    live(&c);
    gov_value *v = report(&c, 0, 0, 0, NULL);
    community_free(&c);
    oom_loop(pages_alone, v);
    if (oom_malloc_available())
        oom_loop_malloc(pages_alone, v, 0);
    gov_value_free(v);
    community_without_memory(s, NULL, all_forms, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(totals_deadlines_and_times),
        STORE_TESTS(categories_weeks_and_months),
        STORE_TESTS(grids_units_and_places),
        STORE_TESTS(a_period_cuts),
        STORE_TESTS(misuse_and_permission),
        STORE_TESTS(an_empty_community),
        STORE_TESTS(pages_are_safe_and_stable),
        STORE_TESTS(the_public_edition_masks),
        cmocka_unit_test(percentiles_agree_with_their_definition),
        cmocka_unit_test(rates_weeks_and_months),
        cmocka_unit_test(verdicts_of_clocks),
        cmocka_unit_test(late_in_an_earlier_round),
        cmocka_unit_test(masked_parts_cannot_be_reckoned),
        cmocka_unit_test(masked_rates),
        cmocka_unit_test(columns_side_by_side),
        cmocka_unit_test(widths_and_outside_text),
        STORE_TEST(want_of_memory_leaks_nothing, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
