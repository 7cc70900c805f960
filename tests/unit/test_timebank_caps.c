/* How much time may be earned: the caps of the schemes of the field, by the days on which it was served, also over midnight. */
#include "support/bank.h"

#include <stdio.h>

static const char changning[] = BANK_HEAD BANK_OF("cap: {day: 2 hours, total: 600 hours}\npool: {draw: {when: age >= 60}, backed: unlimited}\n" BANK_SKILLS);
static const char nanjing[] =
    BANK_HEAD BANK_OF("cap: {day: 10 hours, total: 12 hours, over: donated}\npool: {draw: {when: age >= 80}, backed: unlimited}\n"
              "group_hours: donated\n" BANK_SKILLS);
static const char jiaozhou[] = BANK_HEAD BANK_OF("rounding: up_to_hour\npool: {draw: {when: age >= 60}, backed: unlimited}\n" BANK_SKILLS);

static void caps_refuse(void **state)
{
    community c = bank_usual(state, changning);
    bank_serve(&c, "timebank.draw", "young", "old", "2026-03-02T10:00", 90);
    bank_refused(&c, "timebank.draw", "{'volunteer': 'young', 'recipient': 'old', 'skill': 'company', 'from': '2026-03-02T14:00', 'minutes': 31}",
            "timebank_over_cap");
    /* What is booked counts; another day is another day. */
    (void)bank_book(&c, "timebank.draw", "young", "old", "2026-03-02T14:00", 30);
    bank_refused(&c, "timebank.draw", "{'volunteer': 'young', 'recipient': 'old', 'skill': 'company', 'from': '2026-03-02T16:00', 'minutes': 1}",
            "timebank_over_cap");
    (void)bank_book(&c, "timebank.draw", "young", "old", "2026-03-03T00:00", 120);
    bank_refused(&c, "timebank.group", "{'activity': '清扫', 'skill': 'company', 'from': '2026-03-02T08:00', 'volunteers': ['young'], 'minutes': 60}",
            "timebank_over_cap");
    gov_value *v = bank_run(&c, "timebank.group", "{'activity': '清扫', 'skill': 'company', 'volunteers': ['nurse', {'resident': 'aunt', 'minutes': 30}], 'minutes': 60}");
    assert_int_equal(gov_value_count(gov_value_find(v, "volunteers")), 2);
    gov_value_free(v);
    assert_bank_minutes(&c, "nurse", 60);
    assert_bank_minutes(&c, "aunt", 30);
    assert_bank_total(&c, "issued", 90);
    /* All or nothing. */
    bank_refused(&c, "timebank.group", "{'activity': '清扫', 'skill': 'company', 'volunteers': ['aunt', 'minor2'], 'minutes': 60}", "record_unknown");
    assert_bank_minutes(&c, "aunt", 30);
    assert_bank_sound(&c);
    community_free(&c);
}

static void caps_donate(void **state)
{
    community c = bank_usual(state, nanjing);
    bank_serve(&c, "timebank.draw", "young", "ancient", "2026-03-02T10:00", 599);
    bank_serve(&c, "timebank.draw", "young", "ancient", "2026-03-03T10:00", 300); /* 121 are left */
    assert_bank_minutes(&c, "young", 720);
    assert_int_equal(bank_minutes_of(&c, "young", "served"), 899);
    assert_int_equal(bank_minutes_of(&c, "young", "donated"), 179);
    /* Paid by a person, the excess is the pool's. */
    bank_serve(&c, "timebank.book", "ancient", "young", "2026-03-04T10:00", 60);
    bank_serve(&c, "timebank.draw", "young", "ancient", "2026-03-05T10:00", 60);
    bank_serve(&c, "timebank.book", "young", "ancient", "2026-03-06T10:00", 60);
    assert_bank_minutes(&c, "young", 720);
    assert_bank_minutes(&c, "ancient", 0);
    gov_value *v = bank_run(&c, "timebank.totals", "{}");
    const int64_t pool = bank_number(v, "pool"), backed = bank_number(v, "backed");
    gov_value_free(v);
    assert_int_equal(pool - backed, -720); /* all that members hold */
    gov_value_free(bank_run(&c, "timebank.group", "{'activity': '义诊', 'skill': 'company', 'volunteers': ['nurse'], 'minutes': 90}"));
    assert_bank_minutes(&c, "nurse", 0);
    assert_int_equal(bank_minutes_of(&c, "nurse", "served"), 90);
    assert_int_equal(bank_minutes_of(&c, "nurse", "donated"), 90);
    assert_bank_sound(&c);
    community_free(&c);
}

static void hours_are_rounded_up(void **state)
{
    community c = bank_usual(state, jiaozhou);
    bank_serve(&c, "timebank.draw", "young", "old", "2026-03-02T10:00", 20);
    assert_bank_minutes(&c, "young", 60);
    bank_serve(&c, "timebank.draw", "young", "old", "2026-03-03T10:00", 60);
    assert_bank_minutes(&c, "young", 120);
    assert_int_equal(bank_minutes_of(&c, "young", "served"), 80);
    assert_bank_sound(&c);
    community_free(&c);
}

static void accounts_go_as_low_as_the_rules_let_them(void **state)
{
    community c = bank_usual(state, BANK_HEAD BANK_OF("negative: 2 hours\n" BANK_SKILLS));
    bank_serve(&c, "timebank.book", "young", "old", "2026-03-02T10:00", 120);
    assert_bank_minutes(&c, "old", -120);
    bank_refused(&c, "timebank.book", "{'volunteer': 'young', 'recipient': 'old', 'skill': 'company', 'from': '2026-03-04T10:00', 'minutes': 1}",
            "timebank_not_enough");
    bank_refused(&c, "timebank.leave", "{'resident': 'old'}", "timebank_owes");
    bank_refused(&c, "timebank.gift", "{'resident': 'young', 'pool': true, 'minutes': 1}", "timebank_whom");
    assert_bank_sound(&c);
    community_free(&c);
}

/* A cap is not passed by standing twice in one list. */
static void nobody_stands_twice_in_a_group(void **state)
{
    community c = bank_usual(state, BANK_HEAD BANK_OF("cap: {total: 4 hours}\n" BANK_SKILLS));
    bank_refused(&c, "timebank.group",
            "{'activity': 'a', 'skill': 'company', 'volunteers': [{'resident': 'young', 'minutes': 180}, 'nurse', {'resident': 'young', 'minutes': 180}], 'minutes': 1}",
            "timebank_twice");
    assert_bank_minutes(&c, "young", 0);
    assert_bank_sound(&c);
    community_free(&c);
}

/* Not days ahead, and counted by the day on which it was served. */
static void services_begin_at_their_time(void **state)
{
    community c = bank_usual(state, changning);
    const int64_t id = bank_book(&c, "timebank.draw", "young", "old", "2026-03-03T10:00", 120);
    bank_refused_on(&c, "timebank.check_in", id, "", "timebank_state");
    bank_set_now(&c, "2026-03-03T08:59");
    bank_refused_on(&c, "timebank.check_in", id, "", "timebank_state");
    bank_set_now(&c, "2026-03-04T09:00"); /* a day late */
    gov_value_free(bank_run_on(&c, "timebank.check_in", "booking", id, ""));
    bank_refused(&c, "timebank.draw", "{'volunteer': 'young', 'recipient': 'old', 'skill': 'company', 'from': '2026-03-04T14:00', 'minutes': 1}",
            "timebank_over_cap");
    bank_set_now(&c, "2026-03-04T11:00");
    gov_value_free(bank_run_on(&c, "timebank.check_out", "booking", id, ""));
    gov_value_free(bank_run_on(&c, "timebank.confirm", "booking", id, ""));
    assert_bank_minutes(&c, "young", 120);
    bank_refused(&c, "timebank.draw", "{'volunteer': 'young', 'recipient': 'old', 'skill': 'company', 'from': '2026-03-04T14:00', 'minutes': 1}",
            "timebank_over_cap");
    const int64_t early = bank_book(&c, "timebank.draw", "young", "old", "2026-03-05T10:00", 120);
    bank_set_now(&c, "2026-03-05T09:00");
    gov_value_free(bank_run_on(&c, "timebank.check_in", "booking", early, ""));
    assert_bank_sound(&c);
    community_free(&c);
}

/* ---- over midnight ---- */

static void refused_for(community *c, const char *from, int minutes, const char *code)
{
    char json[256];
    (void)snprintf(json, sizeof json, "{'volunteer': 'young', 'recipient': 'old', 'skill': 'company', 'from': '%s', 'minutes': %d}", from, minutes);
    bank_refused(c, "timebank.draw", json, code);
}

/* The day has exactly so much room left for more. */
static void assert_room(community *c, const char *from, int minutes)
{
    refused_for(c, from, minutes + 1, "timebank_over_cap");
    const int64_t id = bank_book(c, "timebank.draw", "young", "old", from, minutes);
    gov_value_free(bank_run_on(c, "timebank.cancel", "booking", id, ""));
}

/* Two hours from eleven at night: one hour for each day, booked and served. */
static void each_day_has_its_own_minutes(void **state)
{
    community c = bank_usual(state, changning);
    const int64_t id = bank_book(&c, "timebank.draw", "young", "old", "2026-03-03T23:00", 120);
    assert_room(&c, "2026-03-03T10:00", 60);
    assert_room(&c, "2026-03-04T10:00", 60);
    assert_room(&c, "2026-03-05T10:00", 120);
    bank_set_now(&c, "2026-03-04T01:00");
    gov_value *v = bank_run_on(&c, "timebank.confirm", "booking", id, ", 'minutes': 120");
    assert_int_equal(bank_number(v, "own"), 120);
    gov_value_free(v);
    assert_room(&c, "2026-03-04T10:00", 60);
    bank_serve(&c, "timebank.draw", "young", "old", "2026-03-04T23:00", 90);
    refused_for(&c, "2026-03-04T10:00", 1, "timebank_over_cap");
    gov_value_free(bank_run_on(&c, "timebank.reverse", "booking", id, ""));
    assert_room(&c, "2026-03-04T10:00", 60); /* it is as if it had not been */
    assert_bank_sound(&c);
    community_free(&c);
}

/* Booked for one evening, and it grew late. */
static void what_was_checked_in_and_out_is_split(void **state)
{
    community c = bank_usual(state, changning);
    const int64_t id =
        bank_made(bank_run(&c, "timebank.draw", "{'volunteer': 'young', 'recipient': 'old', 'skill': 'company', 'from': '2026-03-03T22:00', "
                                                "'minutes': 60, 'at_most': 110}"));
    assert_room(&c, "2026-03-04T10:00", 120);
    bank_set_now(&c, "2026-03-03T23:40");
    gov_value_free(bank_run_on(&c, "timebank.check_in", "booking", id, ""));
    assert_room(&c, "2026-03-04T10:00", 30); /* 90 of what it may become */
    bank_set_now(&c, "2026-03-04T00:45");
    gov_value_free(bank_run_on(&c, "timebank.check_out", "booking", id, ""));
    gov_value_free(bank_run_on(&c, "timebank.confirm", "booking", id, ""));
    assert_bank_minutes(&c, "young", 65);
    assert_room(&c, "2026-03-04T10:00", 120 - 45);
    assert_bank_sound(&c);
    community_free(&c);
}

/* What exceeds one day's cap is donated, what the other day has room for is not. */
static void a_long_night_is_capped_by_each_day(void **state)
{
    community c = bank_usual(state, BANK_HEAD BANK_OF("cap: {day: 10 hours, over: donated}\npool: {draw: {when: age >= 60}, backed: unlimited}\n" BANK_SKILLS));
    bank_serve(&c, "timebank.draw", "young", "old", "2026-03-03T20:00", 36 * 60); /* 4, 24 and 8 hours */
    assert_bank_minutes(&c, "young", (4 + 10 + 8) * 60);
    assert_int_equal(bank_minutes_of(&c, "young", "donated"), 14 * 60);
    bank_serve(&c, "timebank.draw", "young", "old", "2026-03-05T09:00", 4 * 60); /* of which the last day takes two */
    assert_bank_minutes(&c, "young", (4 + 10 + 10) * 60);
    refused_for(&c, "2026-03-09T00:00", 366 * 1440 + 1, "timebank_minutes");
    assert_bank_sound(&c);
    community_free(&c);
}

static void each_month_has_its_own_minutes(void **state)
{
    community c = bank_usual(state, BANK_HEAD BANK_OF("cap: {month: 1 hour}\npool: {draw: {when: age >= 60}, backed: unlimited}\n" BANK_SKILLS));
    bank_serve(&c, "timebank.draw", "young", "old", "2026-03-31T23:30", 45);
    assert_room(&c, "2026-04-05T10:00", 45);
    refused_for(&c, "2026-04-30T23:00", 60 + 60 + 1, "timebank_over_cap");
    gov_value_free(bank_run(&c, "timebank.group",
                            "{'activity': 'x', 'skill': 'company', 'from': '2026-03-31T23:40', 'volunteers': ['nurse'], 'minutes': 80}"));
    bank_refused(&c, "timebank.group", "{'activity': 'x', 'skill': 'company', 'volunteers': ['nurse'], 'minutes': 1}", "timebank_over_cap");
    assert_bank_sound(&c);
    community_free(&c);
}

/* An hour that was begun counts whole, and for the days as it was served. */
static void rounded_hours_are_split_alike(void **state)
{
    community c = bank_usual(state, BANK_HEAD BANK_OF("rounding: up_to_hour\ncap: {day: 45 minutes}\npool: {draw: {when: age >= 60}, backed: unlimited}\n" BANK_SKILLS));
    refused_for(&c, "2026-03-03T23:30", 20, "timebank_over_cap"); /* 60 on one day */
    bank_serve(&c, "timebank.draw", "young", "old", "2026-03-03T23:45", 20);
    assert_bank_minutes(&c, "young", 60);
    refused_for(&c, "2026-03-03T23:59", 4, "timebank_over_cap"); /* 15 and 45: nothing is left of the first day */
    assert_bank_sound(&c);
    community_free(&c);
}

#define BERLIN                                                          \
    "rulebook: tiny\n"                                                  \
    "version: '1'\n"                                                    \
    "time_zone: Europe/Berlin\n"                                        \
    "roles: {bank: {title: {zh: 时间银行}}}\n"                          \
    "---\n"                                                             \
    "record: resident\n"                                                \
    "fields: {birth_date: {type: date}, tags: {type: list}, kin: {type: map}}\n"
static const char berlin[] = BERLIN BANK_OF("cap: {day: 23 hours}\npool: {draw: {when: age >= 60}, backed: unlimited}\n" BANK_SKILLS);

/* In a zone whose days have 23 and 25 hours. */
static void days_are_as_long_as_they_are(void **state)
{
    community c = bank_usual(state, berlin);
    (void)bank_book(&c, "timebank.draw", "young", "old", "2026-03-29T00:00", 24 * 60); /* 23 hours, and one of the next day */
    refused_for(&c, "2026-03-30T01:00", 23 * 60, "timebank_over_cap");
    (void)bank_book(&c, "timebank.draw", "young", "old", "2026-03-30T01:00", 22 * 60);
    assert_room(&c, "2026-03-31T00:00", 23 * 60); /* no minute came from the day before */
    refused_for(&c, "2026-10-25T01:00", 24 * 60, "timebank_over_cap"); /* until midnight: all of it is one day's */
    (void)bank_book(&c, "timebank.draw", "young", "old", "2026-10-25T03:00", 24 * 60);
    assert_bank_sound(&c);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(caps_refuse),
        STORE_TESTS(caps_donate),
        STORE_TESTS(hours_are_rounded_up),
        STORE_TESTS(accounts_go_as_low_as_the_rules_let_them),
        STORE_TESTS(nobody_stands_twice_in_a_group),
        STORE_TESTS(services_begin_at_their_time),
        STORE_TESTS(each_day_has_its_own_minutes),
        STORE_TESTS(what_was_checked_in_and_out_is_split),
        STORE_TESTS(a_long_night_is_capped_by_each_day),
        STORE_TESTS(each_month_has_its_own_minutes),
        STORE_TESTS(rounded_hours_are_split_alike),
        STORE_TESTS(days_are_as_long_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
