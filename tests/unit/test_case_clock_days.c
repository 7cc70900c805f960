/* Clocks over a Sunday that is worked and a holiday, by instants reckoned by hand.
 *
 *   September 2026   18 Fri, 19 Sat, 20 Sun worked (for the holiday), 21 Mon - 24 Thu, 25 Fri - 27 Sun off (Mid-Autumn), 28 Mon
 *   hours            09:00-12:00, 13:30-17:30: seven a day */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

static const char rules[] =
    "rulebook: days\nversion: '1'\nlanguages: [en]\ntime_zone: Asia/Shanghai\ncalendar: cn\n"
    "roles: {desk: {title: Desk}}\npermissions: {case.open: [desk], case.read: [desk]}\n"
    "---\n"
    "calendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\n"
    "years: {2026: {off: [2026-09-25..2026-09-27, 2026-10-01..2026-10-07], work: [2026-09-20, 2026-10-10]}}\n"
    "---\n"
    "template: late\ntext: {en: Late}\n"
    "---\n"
    "workflow: job\n"
    "fields: {told: {type: list}, left: {type: duration}, used: {type: duration}, due: {type: timestamp}, runs: {type: bool},\n"
    "         breached: {type: bool}}\n"
    "events:\n"
    "  give: {by: [desk], input: {unit: {type: unit, required: true}}}\n"
    "  more: {by: [desk], input: {days: {type: int, required: true}}}\n"
    "  wait: {by: [desk]}\n"
    "  go_on: {by: [desk]}\n"
    "  done: {by: [desk]}\n"
    "  redo: {by: [desk]}\n"
    "  look: {by: [desk]}\n"
    "clocks:\n"
    "  whole: {starts: [give], stops: [finished], budget: 2 working days, per: case,\n"
    "          extend: {event: more, amount: {expr: \"string(event.data.days) + ' working days'\"}, at_most: 3 working days, times: 3,\n"
    "                   before_breach: true}}\n"
    "  own: {starts: [give], stops: [finished], budget: 2 working days, per: holder}\n"
    "  steps: {starts: [give], stops: [finished], budget: 4 working days,\n"
    "          marks: {50%: half, 100%: overdue, +1 working days: to_chief, +2 working days: to_mayor}}\n"
    "  anew: {starts: [give, redo], stops: [done], budget: 7 working hours, again: reset}\n"
    "  goes_on: {starts: [give, redo], stops: [done], budget: 7 working hours, again: resume, paused_in: [waiting]}\n"
    "states:\n"
    "  fresh: {on: {give: {to: working, do: [{assign: {unit: event.data.unit}}, {set: {told: '[]'}}]}}}\n"
    "  working:\n"
    "    on:\n"
    "      give: {do: [{assign: {unit: event.data.unit}}]}\n"
    "      more: {do: [{log: more}]}\n"
    "      wait: waiting\n"
    "      redo: {do: [{log: redo}]}\n"
    "      done: {do: [{log: done}]}\n"
    "      half: {do: [{set: {told: \"case.told + ['half']\"}}]}\n"
    "      overdue: {do: [{notify: {to: case.unit, template: late}}, {set: {told: \"case.told + ['unit']\"}}]}\n"
    "      to_chief: {do: [{notify: {to: \"'chief'\", template: late}}, {set: {told: \"case.told + ['chief']\"}}]}\n"
    "      to_mayor: {do: [{notify: {to: \"'mayor'\", template: late}}, {set: {told: \"case.told + ['mayor']\"}}]}\n"
    "      look: {do: [{set: {left: clocks.goes_on.left, used: clocks.goes_on.consumed, due: clocks.goes_on.due,\n"
    "                         runs: clocks.goes_on.running, breached: clocks.whole.breached}}]}\n"
    "  waiting: {on: {go_on: working}}\n"
    "  finished: {type: final}\n";

enum { WHOLE, OWN, STEPS, ANEW, GOES_ON };

static int64_t instant(community *c, const char *time)
{
    gov_error *err = NULL;
    int64_t us = 0;
    assert_gov_ok(gov_time_parse(c->g, time, &us, &err), err);
    return us;
}

static void at(community *c, const char *time)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_set_now(c->g, instant(c, time), &err), err);
    assert_gov_ok(gov_tick(c->g, 0, NULL, &err), err);
}

static community make(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    community_put(&c, "unit", "U1", "{'name': 'One'}");
    community_put(&c, "unit", "U2", "{'name': 'Two'}");
    community_put(&c, "unit", "chief", "{'name': 'Chief'}");
    community_put(&c, "unit", "mayor", "{'name': 'Mayor'}");
    return c;
}

static gov_value *get(community *c, int64_t id)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    return v;
}

static void due_is(community *c, int64_t id, int clock, const char *time)
{
    char path[32];
    gov_value *v = get(c, id);
    snprintf(path, sizeof path, "clocks.%d.due", clock);
    assert_int_equal(gov_value_seconds(gov_value_find(v, path), NULL), instant(c, time) / 1000000);
    gov_value_free(v);
}

static void told_is(community *c, int64_t id, size_t count, const char *last)
{
    gov_value *v = get(c, id);
    const gov_value *told = gov_value_find(v, "fields.told");
    assert_int_equal(gov_value_count(told), count);
    if (count > 0)
        assert_string_equal(gov_value_string(gov_value_at(told, count - 1), NULL), last);
    gov_value_free(v);
}

static void finish(community *c)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_verify(c->g, NULL, NULL, NULL, &err), err);
    community_free(c);
}

/* Given on Friday the 18th: the 20th and 21st. Handed over on the 20th at 15:00 its holder has the 21st and 22nd, and one who gets it
 * on Thursday the 24th has the 28th and 29th; the case's own time does not ask who has it. */
static void a_hand_over_gives_the_holder_all_of_it_and_the_case_no_more(void **state)
{
    community c = make(state);
    at(&c, "2026-09-18 10:00");
    const int64_t id = community_open(&c, "job", "{}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    due_is(&c, id, WHOLE, "2026-09-21 17:30");
    due_is(&c, id, OWN, "2026-09-21 17:30");
    at(&c, "2026-09-20 15:00");
    community_send(&c, id, "give", "{'unit': 'U2'}", GOV_OK);
    due_is(&c, id, WHOLE, "2026-09-21 17:30");
    due_is(&c, id, OWN, "2026-09-22 17:30");
    at(&c, "2026-09-24 10:00");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    due_is(&c, id, OWN, "2026-09-29 17:30");
    finish(&c);
}

/* The 21st becomes the 22nd, then the 24th: three days in all, and not a fourth. Of another case, too late on the 21st at 17:31. */
static void an_extension_adds_working_days_and_knows_its_limits(void **state)
{
    community c = make(state);
    at(&c, "2026-09-18 10:00");
    const int64_t id = community_open(&c, "job", "{}"), late = community_open(&c, "job", "{}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, late, "give", "{'unit': 'U1'}", GOV_OK);
    at(&c, "2026-09-21 10:00");
    community_send(&c, id, "more", "{'days': 1}", GOV_OK);
    due_is(&c, id, WHOLE, "2026-09-22 17:30");
    at(&c, "2026-09-21 17:31");
    community_send(&c, late, "more", "{'days': 1}", GOV_E_REFUSED);
    at(&c, "2026-09-22 11:00");
    community_send(&c, id, "more", "{'days': 3}", GOV_E_REFUSED);
    community_send(&c, id, "more", "{'days': 2}", GOV_OK);
    due_is(&c, id, WHOLE, "2026-09-24 17:30");
    community_send(&c, id, "more", "{'days': 1}", GOV_E_REFUSED);
    finish(&c);
}

/* Four days: the 20th to 23rd. Half of them end with the 21st; a day after the due one is the 24th, two end with the 28th. */
static void marks_lead_to_other_people_after_the_breach(void **state)
{
    community c = make(state);
    at(&c, "2026-09-18 10:00");
    const int64_t id = community_open(&c, "job", "{}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    due_is(&c, id, STEPS, "2026-09-23 17:30");
    at(&c, "2026-09-21 17:29");
    told_is(&c, id, 0, NULL);
    at(&c, "2026-09-21 17:30");
    told_is(&c, id, 1, "half");
    at(&c, "2026-09-23 17:30"); /* what is done now is in time */
    told_is(&c, id, 1, "half");
    at(&c, "2026-09-23 17:31");
    told_is(&c, id, 2, "unit");
    at(&c, "2026-09-24 17:30");
    told_is(&c, id, 2, "unit");
    at(&c, "2026-09-24 17:31");
    told_is(&c, id, 3, "chief");
    at(&c, "2026-09-28 17:30"); /* the holiday went by, and nobody was called at midnight */
    told_is(&c, id, 3, "chief");
    at(&c, "2026-09-28 17:31");
    told_is(&c, id, 4, "mayor");
    finish(&c);
}

/* Seven hours, of which two are used on Sunday the 20th (14:30 to 16:30). Begun again on Thursday the 24th at 13:30: five are left, four
 * until 17:30 and one on Monday the 28th until 10:00; or all seven anew, until 12:00. Read at 15:30: four used, three left. */
static void a_clock_that_starts_again_resumes_or_begins_anew(void **state)
{
    community c = make(state);
    at(&c, "2026-09-20 14:30");
    const int64_t id = community_open(&c, "job", "{}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    at(&c, "2026-09-20 16:30");
    community_send(&c, id, "done", NULL, GOV_OK);
    at(&c, "2026-09-24 13:30");
    community_send(&c, id, "redo", NULL, GOV_OK);
    due_is(&c, id, GOES_ON, "2026-09-28 10:00");
    due_is(&c, id, ANEW, "2026-09-28 12:00");
    at(&c, "2026-09-24 15:30");
    community_send(&c, id, "look", NULL, GOV_OK);
    gov_value *v = get(&c, id);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "fields.used"), NULL), 4 * 3600);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "fields.left"), NULL), 3 * 3600);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "fields.due"), NULL), instant(&c, "2026-09-28 10:00") / 1000000);
    assert_true(gov_value_bool(gov_value_find(v, "fields.runs")));
    assert_true(gov_value_bool(gov_value_find(v, "fields.breached"))); /* two days from the 20th: the 22nd */
    gov_value_free(v);
    finish(&c);
}

/* Seven hours from Thursday the 24th at 16:30: one that day. It waits from Monday 10:00 (two used) until Saturday the 10th of October,
 * which is worked, at 16:30: one until 17:30, and four on Monday the 12th until 14:30. */
static void waiting_over_a_holiday_costs_nothing(void **state)
{
    community c = make(state);
    at(&c, "2026-09-24 16:30");
    const int64_t id = community_open(&c, "job", "{}");
    community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    at(&c, "2026-09-28 10:00");
    community_send(&c, id, "wait", NULL, GOV_OK);
    at(&c, "2026-10-10 16:30");
    community_send(&c, id, "go_on", NULL, GOV_OK);
    due_is(&c, id, GOES_ON, "2026-10-12 14:30");
    due_is(&c, id, ANEW, "2026-09-28 16:30"); /* this one did not wait: six more hours, three in the morning */
    finish(&c);
}

/* ---- a year that no calendar covers yet ---- */

#define YEARS(year)                                                                                                 \
    "rulebook: years\nversion: '1'\nlanguages: [en]\ntime_zone: Asia/Shanghai\ncalendar: cn\nroles: {desk: {title: Desk}}\n"  \
    "permissions: {case.open: [desk], case.read: [desk]}\n---\n"                                                    \
    "calendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\nyears: {2026: {off: [], work: []}" year "}\n---\n"        \
    "workflow: job\n"                                                                                              \
    "fields: {half: {type: int, default: 0}, late: {type: int, default: 0}}\n"                                       \
    "events: {go: {by: [desk]}, done: {by: [desk]}}\n"                                                              \
    "clocks: {term: {starts: [going], stops: [end], budget: 4 working days, marks: {50%: half, 100%: late}}}\n"      \
    "states:\n"                                                                                                    \
    "  going:\n"                                                                                                   \
    "    on: {half: {do: [{set: {half: case.half + 1}}]}, late: {do: [{set: {late: case.late + 1}}]}, done: end}\n"   \
    "    after: {delay: 3 working days, to: waited}\n"                                                              \
    "  waited: {on: {half: {do: [{set: {half: case.half + 1}}]}, late: {do: [{set: {late: case.late + 1}}]}, done: end}}\n" \
    "  end: {type: final}\n"

static void install(community *c, const char *text, gov_status want)
{
    gov_error *err = NULL;
    gov_rulebook *book = community_rulebook(text);
    assert_gov(want, gov_install(c->g, book, &err), err);
    gov_error_free(err);
    gov_rulebook_free(book);
}

static bool flagged(community *c, int64_t id, const char *path)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_explain(c->g, id, &v, &err), err);
    const bool yes = gov_value_bool(gov_value_find(v, path)) != 0;
    gov_value_free(v);
    return yes;
}

/* Opened on Wednesday 30 December 2026: the 31st, and three days of 2027. By the pattern of the week 1, 4 and 5 January; when the year
 * comes, the 1st to 3rd are off and Saturday the 2nd is not worked: 4, 5 and 6 January. */
static void a_year_that_arrives_makes_certain_what_was_provisional(void **state)
{
    community c = community_make(support_store_of(state), YEARS(""), NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    at(&c, "2026-12-30 10:00");
    const int64_t id = community_open(&c, "job", "{}"), done = community_open(&c, "job", "{}");
    community_send(&c, done, "done", NULL, GOV_OK);
    due_is(&c, id, 0, "2027-01-05 17:30");
    assert_true(flagged(&c, id, "clocks.0.provisional"));
    assert_true(flagged(&c, id, "timers.1.provisional"));
    install(&c, YEARS(", 2027: {off: [2027-01-01..2027-01-03], work: []}"), GOV_OK);
    due_is(&c, id, 0, "2027-01-06 17:30");
    assert_false(flagged(&c, id, "clocks.0.provisional"));
    assert_false(flagged(&c, id, "timers.1.provisional"));
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    assert_gov_ok(gov_case_history(c.g, id, &v, &err), err);
    assert_text_at(v, "1.kind", "case.calendar");
    assert_int_equal(gov_value_count(gov_value_find(v, "1.data.moved")), 2);
    gov_value_free(v);
    at(&c, "2027-01-04 17:29");
    assert_state(&c, id, "going");
    at(&c, "2027-01-04 17:30"); /* half of four, and two of three days */
    v = get(&c, id);
    assert_int_equal(gov_value_int(gov_value_find(v, "fields.half")), 1);
    gov_value_free(v);
    assert_state(&c, id, "going");
    at(&c, "2027-01-05 17:30");
    assert_state(&c, id, "waited");
    at(&c, "2027-01-06 17:31");
    v = get(&c, id);
    assert_int_equal(gov_value_int(gov_value_find(v, "fields.late")), 1);
    gov_value_free(v);
    finish(&c);
}

/* Where the calendar says so, what needs a missing year fails instead. */
static void a_missing_year_may_be_an_error(void **state)
{
    static const char provisional[] = YEARS("");
    char text[sizeof provisional + 32];
    gov_error *err = NULL;
    const char *at_years = strstr(provisional, "years: {2026");
    snprintf(text, sizeof text, "%.*smissing_year: error\n%s", (int)(at_years - provisional), provisional, at_years);
    community c = community_make(support_store_of(state), text, NULL);
    at(&c, "2026-12-24 10:00");
    (void)community_open(&c, "job", "{}"); /* 25, 28, 29 and 30 December */
    at(&c, "2026-12-30 10:00");
    assert_gov(GOV_E_REFUSED, gov_case_open(c.g, "job", NULL, NULL, NULL, &err), err);
    gov_error_free(err);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_hand_over_gives_the_holder_all_of_it_and_the_case_no_more),
        STORE_TESTS(an_extension_adds_working_days_and_knows_its_limits),
        STORE_TESTS(marks_lead_to_other_people_after_the_breach),
        STORE_TESTS(a_clock_that_starts_again_resumes_or_begins_anew),
        STORE_TESTS(waiting_over_a_holiday_costs_nothing),
        STORE_TESTS(a_year_that_arrives_makes_certain_what_was_provisional),
        STORE_TESTS(a_missing_year_may_be_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
