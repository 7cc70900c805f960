/* A clock's account line by line: each start, pause, extension with who granted it, each day that does not count or counts though it is a
 * Sunday, marks, the article of law, and years that the calendar does not list. */
#include "support/community.h"

#include <string.h>

#define HEAD(YEARS)                                                                                               \
    "rulebook: accounts\nversion: '1'\ntime_zone: Asia/Shanghai\ncalendar: cn\nroles: {desk: {}, chief: {}}\n"     \
    "permissions: {case.open: [desk], case.read: [desk]}\n---\n"                                                   \
    "calendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\n"                                             \
    "years: {2026: {off: [2026-03-05, 2026-04-04..2026-04-06], work: [2026-03-08]}" YEARS "}\n---\n"

#define FLOW(BUDGET, MORE)                                                                                            \
    "workflow: request\n"                                                                                         \
    "events: {ask: {by: [desk]}, answer: {by: [desk]}, extend: {by: [desk], input: {days: {type: int, min: 1, default: 2, title: {zh: 天数}}}},\n"        \
    "         approve: {by: [chief]}, finish: {by: [desk]}}\n"      \
    "clocks:\n  decide:\n    starts: [open]\n    stops: [finish]\n    budget: " BUDGET "\n    paused_in: [waiting]\n" \
    "    marks: {50%: half, 100%: late}\n    law: {zh: 条例第三十条, en: Article 30}\n    roll: next_working_day\n"       \
    "    extend: {event: extend, amount: " MORE ", at_most: " MORE ", times: 1}\n"                                        \
    "states:\n"                                                                                                   \
    "  open:\n    on:\n      ask: waiting\n      extend: {do: [{log: more}]}\n      half: {do: [{log: half}]}\n      late: {do: [{log: late}]}\n" \
    "      approve: {when: clocks.decide.breached, do: [{log: yes}]}\n      finish: {to: done, by: [chief]}\n"     \
    "  waiting: {on: {answer: open}}\n  done: {type: final, outcome: done}\n"

static gov_value *explain(community *c, int64_t id)
{
    gov_value *v = NULL;
    gov_error *err = NULL;
    assert_gov_ok(gov_case_explain(c->g, id, &v, &err), err);
    return v;
}

static const gov_value *lines_of(const gov_value *v)
{
    return gov_value_find(v, "clocks.0.lines");
}

/* The first line from `from` on that says this; fails when there is none. */
static const gov_value *line(const gov_value *v, size_t *from, const char *what)
{
    const gov_value *lines = lines_of(v);
    for (; *from < gov_value_count(lines); ++*from) {
        const gov_value *one = gov_value_at(lines, *from);
        if (strcmp(gov_value_string(gov_value_get(one, "what"), NULL), what) == 0) {
            ++*from;
            return one;
        }
    }
    fail_msg("no line \"%s\"", what);
    return NULL;
}

static size_t count(const gov_value *v, const char *what)
{
    const gov_value *lines = lines_of(v);
    size_t n = 0;
    for (size_t i = 0; i < gov_value_count(lines); i++)
        n += strcmp(gov_value_string(gov_value_get(gov_value_at(lines, i), "what"), NULL), what) == 0;
    return n;
}

/* Monday 2 March, 9:00, 5 working days: Tuesday, Wednesday, not Thursday (off), Friday, the make-up Sunday, Monday. */
static void each_day_that_matters_is_a_line(void **state)
{
    community c = community_make(support_store_of(state), HEAD("") FLOW("5 working days", "2 working days"), NULL);
    const int64_t id = community_open(&c, "request", "{}");
    size_t at = 0;
    gov_value *v = explain(&c, id);
    const gov_value *one = line(v, &at, "start");
    assert_text_at(one, "by", "host");
    assert_text_at(one, "length", "5 working days");
    assert_text_at(line(v, &at, "not_counted"), "from", "2026-03-05");
    one = line(v, &at, "not_counted"); /* the Saturday alone */
    assert_text_at(one, "why", "weekend");
    assert_text_at(one, "to", "2026-03-07");
    one = line(v, &at, "counted");
    assert_text_at(one, "from", "2026-03-08");
    assert_text_at(one, "why", "work");
    one = line(v, &at, "due");
    assert_int_equal(gov_value_seconds(gov_value_get(one, "at"), NULL), 1773048600); /* 2026-03-09T17:30+08:00 */
    assert_int_equal(count(v, "mark_ahead"), 2);
    assert_text_at(v, "clocks.0.law.zh", "条例第三十条");
    assert_text_at(v, "clocks.0.calendar", "cn");
    gov_value_free(v);
    community_free(&c);
}

static void pauses_marks_and_who_extended_are_told(void **state)
{
    community c = community_make(support_store_of(state), HEAD("") FLOW("3 days", "2 days"), NULL);
    gov_error *err = NULL;
    community_put(&c, GOV_KIND_STAFF, "S1", "{'name': 'Li', 'roles': ['desk']}");
    const int64_t id = community_open(&c, "request", "{}");
    size_t at = 0;
    community_advance(&c, 60);
    community_send(&c, id, "ask", NULL, GOV_OK);
    community_advance(&c, 2 * 24 * 60); /* the 3rd closes while it waits */
    community_send(&c, id, "answer", NULL, GOV_OK);
    assert_gov_ok(gov_act_as(c.g, "S1", "handle_case", &err), err);
    community_send(&c, id, "extend", NULL, GOV_OK);
    assert_gov_ok(gov_act_as_host(c.g, "test", &err), err);
    community_advance(&c, 3 * 24 * 60);
    gov_value *v = explain(&c, id);
    assert_text_at(line(v, &at, "start"), "length", "3 days");
    assert_text_at(line(v, &at, "pause"), "event", "ask");
    assert_text_at(line(v, &at, "resume"), "event", "answer");
    const gov_value *one = line(v, &at, "extend");
    assert_text_at(one, "by", "S1");
    assert_text_at(one, "length", "2 days");
    assert_text_at(line(v, &at, "mark"), "mark", "50%");
    /* Five days from the 2nd less the one that it waited: the 3rd is not counted, so the 8th, a Sunday on which people work. */
    one = line(v, &at, "due");
    assert_int_equal(gov_value_seconds(gov_value_get(one, "at"), NULL), 1772985600); /* 2026-03-09T00:00+08:00 */
    gov_value_free(v);
    community_free(&c);
}

/* Who paused it is not guessed from the instant: two events may have the same one, and after a clock that was set back many have. */
static void what_happened_at_one_instant_is_told_apart(void **state)
{
    community c = community_make(support_store_of(state), HEAD("") FLOW("5 working days", "2 working days"), NULL);
    gov_error *err = NULL;
    static const char *const events[] = {"ask", "answer", "extend", "ask", "answer", "finish"};
    static const char *const whats[] = {"pause", "resume", "extend", "pause", "resume", "stop"};
    const int64_t id = community_open(&c, "request", "{}");
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        assert_gov_ok(gov_set_now(c.g, COMMUNITY_START - (int64_t)i * 60000000, &err), err);
        community_send(&c, id, events[i], NULL, GOV_OK);
    }
    gov_value *v = explain(&c, id), *history = NULL;
    assert_gov_ok(gov_case_history(c.g, id, &history, &err), err);
    size_t at = 0;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        const gov_value *one = line(v, &at, whats[i]);
        assert_text_at(one, "event", events[i]);
        assert_int_equal(gov_value_int(gov_value_get(one, "entry")), gov_value_int(gov_value_get(gov_value_at(history, i + 1), "entry")));
    }
    gov_value_free(history);
    gov_value_free(v);
    community_free(&c);
}

/* 4 days from 2 March end with Friday the 6th; 5 with Saturday the 7th, which rolls to the make-up Sunday. */
static void a_roll_is_a_line(void **state)
{
    community c = community_make(support_store_of(state), HEAD("") FLOW("5 days", "2 days"), NULL);
    size_t at = 0;
    gov_value *v = explain(&c, community_open(&c, "request", "{}"));
    assert_int_equal(gov_value_seconds(gov_value_get(line(v, &at, "roll"), "due"), NULL), 1772985600);
    assert_int_equal(gov_value_seconds(gov_value_get(line(v, &at, "due"), "at"), NULL), 1772985600);
    gov_value_free(v);
    community_free(&c);
}

static void a_year_that_is_not_listed_is_flagged(void **state)
{
    community c = community_make(support_store_of(state), HEAD("") FLOW("240 working days", "2 working days"), NULL);
    size_t at = 0;
    gov_value *v = explain(&c, community_open(&c, "request", "{}"));
    assert_int_equal(gov_value_int(gov_value_get(line(v, &at, "unlisted"), "year")), 2027);
    assert_int_equal(gov_value_bool(gov_value_get(line(v, &at, "due"), "provisional")), 1);
    assert_int_equal(gov_value_bool(gov_value_find(v, "clocks.0.provisional")), 1);
    gov_value_free(v);
    community_free(&c);
}

/* ---- what refuses an event ---- */

static const gov_value *refused(const gov_value *v, const char *event)
{
    const gov_value *events = gov_value_get(v, "events");
    for (size_t i = 0; i < gov_value_count(events); i++)
        if (strcmp(gov_value_string(gov_value_get(gov_value_at(events, i), "event"), NULL), event) == 0)
            return gov_value_get(gov_value_at(events, i), "refused_by");
    return NULL;
}

static void a_refusal_names_rule_line_and_words(void **state)
{
    community c = community_make(support_store_of(state), HEAD("") FLOW("5 working days", "2 working days"), NULL);
    gov_error *err = NULL;
    community_put(&c, GOV_KIND_STAFF, "S1", "{'name': 'Li', 'roles': ['desk']}");
    const int64_t id = community_open(&c, "request", "{}");
    assert_gov_ok(gov_act_as(c.g, "S1", "handle_case", &err), err);
    gov_value *v = explain(&c, id);
    assert_int_equal(gov_value_kind(refused(v, "ask")), GOV_VALUE_NULL);
    assert_text_at(v, "events.2.event", "extend");
    assert_text_at(v, "events.2.input.days.type", "int");
    assert_text_at(v, "events.2.input.days.title.zh", "天数");
    assert_int_equal(gov_value_int(gov_value_find(v, "events.2.input.days.min")), 1);
    assert_int_equal(gov_value_int(gov_value_find(v, "events.2.input.days.default")), 2);
    const gov_value *one = refused(v, "answer"); /* nothing in `open` takes it: the state's line */
    assert_text_at(one, "why", "state");
    assert_text_at(one, "code", "event_refused");
    assert_int_equal(gov_value_int(gov_value_get(one, "line")), 26);
    one = refused(v, "approve"); /* the guard, which would refuse whoever sent it */
    assert_text_at(one, "why", "guard");
    assert_int_equal(gov_value_int(gov_value_get(one, "line")), 32);
    one = refused(v, "finish"); /* the desk may send it; the transition wants the chief */
    assert_text_at(one, "why", "role");
    assert_text_at(one, "code", "permission_denied");
    assert_int_equal(gov_value_int(gov_value_get(one, "line")), 33);
    assert_non_null(strstr(gov_value_string(gov_value_find(one, "message.zh"), NULL), "S1"));
    gov_value_free(v);
    community_send(&c, id, "finish", NULL, GOV_E_DENIED);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(each_day_that_matters_is_a_line),
        STORE_TESTS(pauses_marks_and_who_extended_are_told),
        STORE_TESTS(what_happened_at_one_instant_is_told_apart),
        STORE_TESTS(a_roll_is_a_line),
        STORE_TESTS(a_year_that_is_not_listed_is_flagged),
        STORE_TESTS(a_refusal_names_rule_line_and_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
