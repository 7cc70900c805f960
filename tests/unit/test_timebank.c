/* Time banks from the outside: offers, matches, bookings, what is confirmed and what is not, gifts, groups, leaving and death. */
#include "support/bank.h"
#include "support/faulty.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rules[] = BANK_HEAD BANK_OF(BANK_USUAL);

/* ---- tests ---- */

/* Two hours are earned, two redeemed, nothing is left; more is refused. */
static void hours_are_earned_and_redeemed(void **state)
{
    community c = bank_usual(state, rules);
    bank_serve(&c, "timebank.draw", "old", "ancient", "2026-03-02T10:00", 120);
    assert_bank_minutes(&c, "old", 120);
    assert_bank_total(&c, "backed", 120);
    bank_serve(&c, "timebank.book", "young", "old", "2026-03-03T10:00", 120);
    assert_bank_minutes(&c, "old", 0);
    assert_bank_minutes(&c, "young", 120);
    bank_refused(&c, "timebank.book", "{'volunteer': 'young', 'recipient': 'old', 'skill': 'company', 'from': '2026-03-04T10:00', 'minutes': 1}",
            "timebank_not_enough");
    gov_value *v = bank_run(&c, "timebank.statement", "{'resident': 'old'}");
    assert_int_equal(gov_value_count(gov_value_find(v, "rows")), 4);
    assert_text_at(v, "rows.0.kind", "service");
    assert_text_at(v, "rows.0.step", "posted");
    assert_int_equal(bank_number(v, "rows.0.minutes"), -120);
    assert_int_equal(bank_number(v, "rows.0.balance"), 0);
    assert_text_at(v, "rows.1.step", "reserved");
    assert_int_equal(bank_number(v, "rows.1.minutes"), 0);
    assert_text_at(v, "rows.2.kind", "help");
    assert_int_equal(bank_number(v, "rows.2.minutes"), 120);
    gov_value_free(v);
    v = bank_run(&c, "timebank.balance", "{'resident': 'young'}");
    assert_int_equal(bank_number(v, "coins"), 2);
    assert_text_at(v, "level", "one_star");
    assert_text_at(v, "level_title", "一星");
    assert_int_equal(bank_number(v, "to_next"), 298 * 60);
    gov_value_free(v);
    v = bank_run(&c, "timebank.level", "{'resident': 'nurse'}");
    assert_int_equal(gov_value_kind(gov_value_find(v, "level")), GOV_VALUE_NULL);
    assert_int_equal(bank_number(v, "to_next"), 120);
    gov_value_free(v);
    assert_bank_sound(&c);
    community_free(&c);
}

/* What is served is posted, not what was booked. */
static void what_was_served_counts(void **state)
{
    community c = bank_usual(state, rules);
    gov_error *err = NULL;
    bank_serve(&c, "timebank.draw", "old", "ancient", "2026-03-02T10:00", 300);
    const int64_t id = bank_made(bank_run(&c, "timebank.book",
                                "{'volunteer': 'young', 'recipient': 'old', 'skill': 'law', 'from': '2026-03-03T10:00', 'minutes': 60, "
                                "'at_most': 90, 'place': {'lat': 31.2, 'lon': 121.4}}"));
    assert_int_equal(bank_minutes_of(&c, "old", "reserved"), 135); /* at most 90, at 3/2 */
    assert_int_equal(bank_minutes_of(&c, "old", "available"), 300 - 135);
    assert_int_equal(bank_minutes_of(&c, "young", "expected"), 135);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(90000000000), &err), err); /* the next day, 10:00 */
    bank_refused_on(&c, "timebank.check_in", id, "", "timebank_where");
    bank_refused_on(&c, "timebank.check_in", id, ", 'place': {'lat': 31.21, 'lon': 121.4}", "timebank_too_far");
    bank_refused_on(&c, "timebank.check_out", id, ", 'place': {'lat': 31.2, 'lon': 121.4}", "timebank_state");
    gov_value_free(bank_run_on(&c, "timebank.check_in", "booking", id, ", 'place': {'lat': 31.201, 'lon': 121.4}"));
    bank_refused_on(&c, "timebank.cancel", id, "", "timebank_state");
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(90000000000) + INT64_C(4259000000), &err), err); /* 70 min 59 s */
    gov_value *v = bank_run_on(&c, "timebank.check_out", "booking", id, ", 'place': {'lat': 31.2, 'lon': 121.4}");
    assert_int_equal(bank_number(v, "served"), 70);
    gov_value_free(v);
    bank_refused_on(&c, "timebank.confirm", id, ", 'minutes': 71", "timebank_checked_out");
    bank_refused_on(&c, "timebank.confirm", id, ", 'minutes': 0", "timebank_checked_out"); /* nor is anything taken away like that */
    v = bank_run_on(&c, "timebank.confirm", "booking", id, "");
    assert_text_at(v, "state", "settled");
    assert_int_equal(bank_number(v, "own"), 105);
    gov_value_free(v);
    assert_bank_minutes(&c, "young", 105);
    assert_bank_minutes(&c, "old", 195);
    bank_refused_on(&c, "timebank.confirm", id, "", "timebank_state");
    bank_refused_on(&c, "timebank.rate", id, ", 'stars': 6", "timebank_stars");
    gov_value_free(bank_run_on(&c, "timebank.rate", "booking", id, ", 'stars': 4, 'text': '耐心'"));
    bank_refused_on(&c, "timebank.rate", id, ", 'stars': 5", "timebank_rated");
    assert_int_equal(bank_minutes_of(&c, "young", "stars"), 4);
    v = bank_run_on(&c, "timebank.reverse", "booking", id, "");
    assert_text_at(v, "state", "reversed");
    gov_value_free(v);
    assert_bank_minutes(&c, "young", 0);
    assert_bank_minutes(&c, "old", 300);
    assert_int_equal(bank_minutes_of(&c, "young", "served"), 0);
    assert_bank_sound(&c);
    community_free(&c);
}

static void bookings_end_in_other_ways(void **state)
{
    community c = bank_usual(state, rules);
    gov_error *err = NULL;
    gov_value *v;
    bank_serve(&c, "timebank.draw", "old", "ancient", "2026-03-02T10:00", 300);
    /* Called off. */
    v = bank_run(&c, "timebank.bookings", "{'resident': 'old'}");
    assert_int_equal(gov_value_count(gov_value_find(v, "bookings")), 1);
    assert_text_at(v, "bookings.0.state", "settled");
    assert_text_at(v, "bookings.0.recipient.key", "ancient");
    gov_value_free(v);
    v = bank_run(&c, "timebank.bookings", "{'resident': 'old', 'open': true}");
    assert_int_equal(gov_value_count(gov_value_find(v, "bookings")), 0);
    gov_value_free(v);
    int64_t id = bank_book(&c, "timebank.book", "young", "old", "2026-03-03T10:00", 60);
    bank_refused(&c, "timebank.book", "{'volunteer': 'young', 'recipient': 'alone', 'skill': 'company', 'from': '2026-03-03T10:59', 'minutes': 5}",
            "timebank_busy");
    bank_refused_on(&c, "timebank.cancel", id, ", 'missed_by': 'volunteer'", "timebank_state"); /* not yet */
    gov_value_free(bank_run_on(&c, "timebank.cancel", "booking", id, ""));
    assert_int_equal(bank_minutes_of(&c, "old", "reserved"), 0);
    /* Nobody came. */
    id = bank_book(&c, "timebank.book", "young", "old", "2026-03-03T10:00", 60);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(95000000000), &err), err);
    bank_refused_on(&c, "timebank.cancel", id, ", 'missed_by': 'me'", "timebank_who");
    gov_value_free(bank_run_on(&c, "timebank.cancel", "booking", id, ", 'missed_by': 'volunteer'"));
    assert_int_equal(bank_minutes_of(&c, "young", "no_shows"), 1);
    /* Disputed: it waits beyond its time, until it is ruled. */
    id = bank_book(&c, "timebank.book", "young", "old", "2026-03-04T10:00", 60);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(180000000000), &err), err);
    gov_value_free(bank_run_on(&c, "timebank.dispute", "booking", id, ", 'text': '只来了半小时'"));
    community_advance(&c, 30 * 1440);
    assert_int_equal(bank_minutes_of(&c, "old", "reserved"), 60);
    bank_refused_on(&c, "timebank.confirm", id, ", 'minutes': 60", "timebank_state");
    bank_refused_on(&c, "timebank.rule", id, ", 'minutes': 61", "timebank_minutes");
    v = bank_run_on(&c, "timebank.rule", "booking", id, ", 'minutes': 30, 'text': '双方认可'");
    assert_text_at(v, "state", "settled");
    gov_value_free(v);
    assert_bank_minutes(&c, "young", 30);
    assert_int_equal(bank_minutes_of(&c, "old", "reserved"), 0);
    /* Forgotten: it expires, by itself. */
    id = bank_book(&c, "timebank.book", "young", "old", "2026-04-10T10:00", 60);
    community_advance(&c, 20 * 1440);
    v = bank_run_on(&c, "timebank.booking", "booking", id, "");
    assert_text_at(v, "state", "expired");
    gov_value_free(v);
    assert_int_equal(bank_minutes_of(&c, "old", "reserved"), 0);
    v = bank_run(&c, "timebank.statement", "{'resident': 'old', 'limit': 2}");
    assert_text_at(v, "rows.0.step", "released");
    assert_text_at(v, "rows.1.step", "reserved");
    assert_int_equal(bank_number(v, "rows.0.balance"), 270);
    gov_value_free(v);
    bank_refused_on(&c, "timebank.confirm", id, ", 'minutes': 60", "timebank_state");
    bank_refused_on(&c, "timebank.dispute", id, ", 'text': 'x'", "timebank_state");
    assert_bank_minutes(&c, "old", 270);
    assert_bank_sound(&c);
    community_free(&c);
}

static void the_rules_say_who(void **state)
{
    community c = bank_usual(state, rules);
    static const struct {
        const char *what, *code;
    } rows[] = {
        {"'volunteer': 'minor', 'recipient': 'old', 'skill': 'company'", "timebank_may_not_serve"},
        {"'volunteer': 'nurse', 'recipient': 'old', 'skill': 'law'", "timebank_not_qualified"},
        {"'volunteer': 'young', 'recipient': 'old', 'skill': 'nursing'", "timebank_not_qualified"},
        {"'volunteer': 'nurse', 'recipient': 'young', 'skill': 'company'", "timebank_too_young"},
        {"'volunteer': 'old', 'recipient': 'old', 'skill': 'company'", "timebank_same_person"},
        {"'volunteer': 'young', 'recipient': 'old', 'skill': 'laws'", "timebank_skill_unknown"},
        {"'volunteer': 'young', 'skill': 'law'", "timebank_incomplete"},
        {"'volunteer': 'young', 'recipient': 'old', 'skill': 'law'", "timebank_not_enough"},
        {"'volunteer': 'nobody', 'recipient': 'old', 'skill': 'law'", "unknown_reference"},
    };
    char json[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(json, sizeof json, "{%s, 'from': '2026-03-03T10:00', 'minutes': 60}", rows[i].what);
        bank_refused(&c, "timebank.book", json, rows[i].code);
    }
    /* Help is for the old, and for those who live alone; the fund backs it to a point. */
    bank_refused(&c, "timebank.draw", "{'volunteer': 'young', 'recipient': 'old', 'skill': 'law', 'from': '2026-03-03T10:00', 'minutes': 60}",
            "timebank_no_draw");
    (void)bank_book(&c, "timebank.draw", "young", "alone", "2026-03-03T10:00", 300);
    bank_refused(&c, "timebank.draw", "{'volunteer': 'nurse', 'recipient': 'ancient', 'skill': 'company', 'from': '2026-03-03T10:00', 'minutes': 301}",
            "timebank_pool_short");
    (void)bank_book(&c, "timebank.draw", "nurse", "ancient", "2026-03-03T10:00", 300);
    for (int i = 0; i < 3; i++) {
        static const char *const odd[] = {"'minutes': 0", "'minutes': -5", "'minutes': 9223372036854775807"};
        snprintf(json, sizeof json, "{'volunteer': 'young', 'recipient': 'old', 'skill': 'law', 'from': '2026-03-09T10:00', %s}", odd[i]);
        bank_refused(&c, "timebank.book", json, "timebank_minutes");
    }
    assert_bank_sound(&c);
    community_free(&c);
}

static void matches_say_why(void **state)
{
    community c = bank_usual(state, rules);
    gov_error *err = NULL;
    /* A law request meets lawyers alone. */
    bank_refused(&c, "timebank.offer", "{'resident': 'nurse', 'skill': 'law', 'from': '2026-03-05T09:00', 'until': '2026-03-05T12:00'}",
            "timebank_not_qualified");
    const int64_t near = bank_made(bank_run(&c, "timebank.offer", "{'resident': 'young', 'skill': 'company', 'from': '2026-03-05T09:00', 'until': "
                                                        "'2026-03-05T12:00', 'place': {'lat': 31.2, 'lon': 121.4}}"));
    const int64_t far = bank_made(bank_run(&c, "timebank.offer", "{'resident': 'nurse', 'skill': 'company', 'from': '2026-03-05T08:00', 'until': "
                                                       "'2026-03-05T18:00', 'place': {'lat': 31.21, 'lon': 121.4}}"));
    (void)bank_made(bank_run(&c, "timebank.offer", "{'resident': 'aunt', 'skill': 'company', 'from': '2026-03-05T08:00', 'until': "
                                         "'2026-03-05T18:00', 'place': {'lat': 31.3, 'lon': 121.4}}"));
    (void)bank_made(bank_run(&c, "timebank.offer", "{'resident': 'alone', 'skill': 'company', 'from': '2026-03-05T11:30', 'until': '2026-03-05T18:00'}"));
    (void)bank_made(bank_run(&c, "timebank.offer", "{'resident': 'young', 'skill': 'law', 'from': '2026-03-05T09:00', 'until': '2026-03-05T12:00'}"));
    const int64_t request = bank_made(bank_run(&c, "timebank.request", "{'resident': 'ancient', 'skill': 'company', 'from': '2026-03-05T10:00', 'until': "
                                                             "'2026-03-05T12:00', 'minutes': 60, 'pool': true, 'place': {'lat': 31.2, 'lon': 121.4}}"));
    gov_value *v = bank_run_on(&c, "timebank.match", "request", request, "");
    assert_int_equal(gov_value_count(gov_value_find(v, "matches")), 2);
    assert_true(bank_number(v, "matches.0.offer") == near);
    assert_true(bank_number(v, "matches.1.offer") == far);
    assert_text_at(v, "matches.0.volunteer.key", "young");
    assert_int_equal(bank_number(v, "matches.0.parts.time.overlap"), 120);
    assert_int_equal(bank_number(v, "matches.0.parts.distance.metres"), 0);
    assert_int_equal(bank_number(v, "matches.0.parts.distance.score"), 1000);
    assert_int_equal(bank_number(v, "matches.1.parts.distance.metres"), 1112);
    assert_int_equal(bank_number(v, "matches.1.parts.distance.score"), (3000 - 1112) * 1000 / 3000);
    /* 30 of time, 30 of distance, 20 of rating, 20 of fairness. */
    assert_int_equal(bank_number(v, "matches.0.score"), (30 * 1000 + 30 * 1000 + 20 * 600 + 20 * 1000) / 100);
    assert_int_equal(bank_number(v, "matches.1.score"), (30 * 1000 + 30 * 629 + 20 * 600 + 20 * 1000) / 100);
    assert_int_equal(gov_value_count(gov_value_find(v, "left_out")), 2);
    assert_text_at(v, "left_out.0.why", "distance");
    assert_text_at(v, "left_out.1.why", "time");
    gov_value_free(v);
    /* Names are masked for who may not see them. */
    assert_gov_ok(gov_act_as_resident(c.g, "ancient", "ask", &err), err);
    v = bank_run_on(&c, "timebank.match", "request", request, "");
    assert_text_at(v, "matches.0.volunteer.name", "张**");
    assert_null(gov_value_find(v, "left_out"));
    gov_value_free(v);
    assert_gov_ok(gov_act_as(c.g, "clerk", "match", &err), err);
    v = bank_run_on(&c, "timebank.match", "request", request, "");
    assert_text_at(v, "matches.0.volunteer.name", "张三丰");
    gov_value_free(v);
    assert_gov_ok(gov_act_as_host(c.g, "test", &err), err);
    char more[64];
    snprintf(more, sizeof more, ", 'offer': %lld", (long long)near);
    v = bank_run_on(&c, "timebank.book", "request", request, more);
    assert_text_at(v, "paid_by", "pool");
    gov_value_free(v);
    bank_refused(&c, "timebank.book", "{'request': 1}", "timebank_no_notice");
    snprintf(more, sizeof more, "{'request': %lld, 'offer': %lld}", (long long)request, (long long)far);
    bank_refused(&c, "timebank.book", more, "timebank_not_open");
    v = bank_run(&c, "timebank.notices", "{'resident': 'nurse'}");
    assert_int_equal(gov_value_count(gov_value_find(v, "notices")), 1);
    assert_true(bank_number(v, "notices.0.id") == far);
    gov_value_free(v);
    snprintf(more, sizeof more, "{'notice': %lld}", (long long)far);
    gov_value_free(bank_run(&c, "timebank.withdraw", more));
    bank_refused(&c, "timebank.withdraw", more, "timebank_not_open");
    community_free(&c);
}

/* Who says now what can be done tomorrow. */
static void what_is_over_is_not_offered(void **state)
{
    community c = bank_usual(state, rules);
    bank_set_now(&c, "2026-03-05T10:30");
    bank_refused(&c, "timebank.request", "{'resident': 'old', 'skill': 'company', 'from': '2026-03-05T09:00', 'until': '2026-03-05T10:30'}",
                 "timebank_past");
    bank_refused(&c, "timebank.offer", "{'resident': 'young', 'skill': 'company', 'from': '2026-03-04T09:00', 'until': '2026-03-04T12:00'}",
                 "timebank_past");
    bank_refused(&c, "timebank.request", "{'resident': 'old', 'skill': 'company', 'from': '2026-03-05T09:00', 'until': '2026-03-05T11:00', 'minutes': 31}",
                 "timebank_past");
    (void)bank_made(bank_run(&c, "timebank.request",
                             "{'resident': 'old', 'skill': 'company', 'from': '2026-03-05T09:00', 'until': '2026-03-05T11:00', 'minutes': 30}"));
    (void)bank_made(bank_run(&c, "timebank.offer", "{'resident': 'young', 'skill': 'company', 'from': '2026-03-05T09:00', 'until': '2026-03-05T12:00'}"));
    community_free(&c);
}

static void people_see_to_their_own(void **state)
{
    community c = bank_usual(state, rules);
    gov_error *err = NULL;
    bank_serve(&c, "timebank.draw", "old", "ancient", "2026-03-02T10:00", 120);
    assert_gov_ok(gov_act_as_resident(c.g, "old", "ask", &err), err);
    bank_refused(&c, "timebank.book", "{'volunteer': 'young', 'recipient': 'old', 'skill': 'company', 'from': '2026-03-03T10:00', 'minutes': 60}",
            "timebank_consent");
    assert_gov_ok(gov_act_as_resident(c.g, "young", "serve", &err), err);
    bank_refused(&c, "timebank.book", "{'volunteer': 'young', 'recipient': 'old', 'skill': 'company', 'from': '2026-03-03T10:00', 'minutes': 60}",
            "timebank_consent");
    const int64_t offer = bank_made(bank_run(&c, "timebank.offer", "{'resident': 'young', 'skill': 'company', 'from': '2026-03-03T09:00', 'until': "
                                                         "'2026-03-03T12:00'}"));
    assert_gov_ok(gov_act_as_resident(c.g, "old", "ask", &err), err);
    bank_refused(&c, "timebank.offer", "{'resident': 'young', 'skill': 'company', 'from': '2026-03-03T09:00', 'until': '2026-03-03T12:00'}",
            "record_unknown");
    const int64_t id = bank_made(bank_run_on(&c, "timebank.book", "offer", offer, ", 'recipient': 'old', 'from': '2026-03-03T10:00', 'minutes': 60"));
    bank_refused(&c, "timebank.balance", "{'resident': 'young'}", "record_unknown");
    bank_refused(&c, "timebank.gift", "{'resident': 'young', 'to': 'old', 'minutes': 1}", "record_unknown");
    bank_refused_on(&c, "timebank.check_in", id, "", "permission_denied"); /* that is the volunteer's */
    bank_refused_on(&c, "timebank.rule", id, ", 'minutes': 1", "permission_denied");
    assert_gov_ok(gov_act_as_resident(c.g, "aunt", "ask", &err), err);
    bank_refused_on(&c, "timebank.booking", id, "", "timebank_no_booking");
    bank_refused_on(&c, "timebank.cancel", id, "", "timebank_no_booking");
    bank_refused(&c, "timebank.book", "{'volunteer': 'young', 'recipient': 'old', 'skill': 'company', 'from': '2026-03-04T10:00', 'minutes': 9}",
            "permission_denied");
    bank_refused(&c, "timebank.totals", "{}", "permission_denied");
    assert_gov_ok(gov_act_as_resident(c.g, "young", "serve", &err), err);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(90000000000), &err), err);
    gov_value_free(bank_run_on(&c, "timebank.check_in", "booking", id, ""));
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(93600000000), &err), err);
    gov_value_free(bank_run_on(&c, "timebank.check_out", "booking", id, ""));
    bank_refused_on(&c, "timebank.confirm", id, "", "permission_denied"); /* and that is not */
    assert_gov_ok(gov_act_as_resident(c.g, "old", "ask", &err), err);
    gov_value_free(bank_run_on(&c, "timebank.confirm", "booking", id, ""));
    assert_bank_minutes(&c, "old", 60);
    assert_gov_ok(gov_act_as_host(c.g, "test", &err), err);
    assert_bank_sound(&c);
    community_free(&c);
}

static void minutes_are_given_and_left(void **state)
{
    community c = bank_usual(state, rules);
    gov_value *v;
    bank_serve(&c, "timebank.draw", "old", "ancient", "2026-03-02T10:00", 600);
    bank_refused(&c, "timebank.gift", "{'resident': 'old', 'to': 'nurse', 'minutes': 60}", "timebank_whom");
    bank_refused(&c, "timebank.gift", "{'resident': 'old', 'to': 'old', 'minutes': 60}", "timebank_same_person");
    bank_refused(&c, "timebank.gift", "{'resident': 'old', 'to': 'young', 'pool': true, 'minutes': 60}", "timebank_incomplete");
    bank_refused(&c, "timebank.gift", "{'resident': 'old', 'to': 'young', 'minutes': 601}", "timebank_not_enough");
    bank_refused(&c, "timebank.gift", "{'resident': 'old', 'to': 'young', 'minutes': 0}", "timebank_minutes");
    gov_value_free(bank_run(&c, "timebank.gift", "{'resident': 'old', 'to': 'young', 'minutes': 60}"));
    gov_value_free(bank_run(&c, "timebank.gift", "{'resident': 'old', 'pool': true, 'minutes': 40}"));
    assert_bank_minutes(&c, "young", 60);
    assert_bank_total(&c, "pool", 40);
    assert_int_equal(bank_minutes_of(&c, "old", "donated"), 40);
    /* What is in the pool is used before the fund. */
    (void)bank_book(&c, "timebank.draw", "nurse", "ancient", "2026-03-04T10:00", 40);
    assert_bank_total(&c, "backed", 600);
    /* young leaves: nobody is their child, so it is the pool's. */
    bank_refused(&c, "timebank.leave", "{'resident': 'young', 'to': 'old'}", "timebank_whom");
    v = bank_run(&c, "timebank.leave", "{'resident': 'young'}");
    assert_int_equal(bank_number(v, "pool"), 60);
    gov_value_free(v);
    assert_bank_minutes(&c, "young", 0);
    bank_refused(&c, "timebank.offer", "{'resident': 'young', 'skill': 'company', 'from': '2026-03-05T09:00', 'until': '2026-03-05T12:00'}",
            "timebank_left");
    /* old dies with a booking open: it is called off, and the rest waits for the heir. */
    (void)bank_book(&c, "timebank.book", "nurse", "old", "2026-03-06T10:00", 100);
    bank_refused(&c, "timebank.leave", "{'resident': 'old'}", "timebank_open_bookings");
    bank_refused(&c, "timebank.inherit", "{'resident': 'old', 'to': 'aunt'}", "timebank_alive");
    v = bank_run(&c, "timebank.death", "{'resident': 'old'}");
    assert_int_equal(bank_number(v, "frozen"), 500);
    gov_value_free(v);
    assert_int_equal(bank_minutes_of(&c, "old", "reserved"), 0);
    bank_refused(&c, "timebank.gift", "{'resident': 'old', 'pool': true, 'minutes': 1}", "timebank_dead");
    bank_refused(&c, "timebank.inherit", "{'resident': 'old', 'to': 'young'}", "timebank_left");
    bank_refused(&c, "timebank.inherit", "{'resident': 'old', 'to': 'nurse'}", "timebank_whom");
    gov_value_free(bank_run(&c, "timebank.inherit", "{'resident': 'old', 'to': 'aunt'}"));
    assert_bank_minutes(&c, "aunt", 500);
    assert_bank_minutes(&c, "old", 0);
    assert_bank_sound(&c);
    community_free(&c);
}

/* What may be owed is for being served: nothing of it is given away. */
static void gifts_have_been_earned(void **state)
{
    community c = bank_usual(state, BANK_HEAD BANK_OF("negative: 10 hours\npool: {}\ngift: {to: [anyone, pool]}\n" BANK_SKILLS));
    bank_refused(&c, "timebank.gift", "{'resident': 'young', 'to': 'nurse', 'minutes': 1}", "timebank_not_enough");
    bank_serve(&c, "timebank.book", "young", "old", "2026-03-02T10:00", 120);
    bank_refused(&c, "timebank.gift", "{'resident': 'old', 'pool': true, 'minutes': 1}", "timebank_not_enough");
    (void)bank_book(&c, "timebank.book", "nurse", "young", "2026-03-05T10:00", 20); /* reserved */
    bank_refused(&c, "timebank.gift", "{'resident': 'young', 'to': 'nurse', 'minutes': 101}", "timebank_not_enough");
    gov_value_free(bank_run(&c, "timebank.gift", "{'resident': 'young', 'to': 'nurse', 'minutes': 100}"));
    assert_bank_minutes(&c, "nurse", 100);
    assert_bank_sound(&c);
    community_free(&c);
}

/* Served but not confirmed, disputed, under way: a death takes none of it from who served. */
static void what_was_served_outlives_the_served(void **state)
{
    community c = bank_usual(state, BANK_HEAD BANK_OF("negative: 10 hours\n" BANK_SKILLS));
    const int64_t served = bank_book(&c, "timebank.book", "young", "old", "2026-03-03T10:00", 120);
    bank_set_now(&c, "2026-03-03T10:00");
    gov_value_free(bank_run_on(&c, "timebank.check_in", "booking", served, ""));
    bank_set_now(&c, "2026-03-03T11:30");
    gov_value_free(bank_run_on(&c, "timebank.check_out", "booking", served, ""));
    const int64_t disputed = bank_book(&c, "timebank.book", "nurse", "old", "2026-03-03T12:00", 60);
    const int64_t begun = bank_book(&c, "timebank.book", "young", "old", "2026-03-03T13:00", 60);
    const int64_t later = bank_book(&c, "timebank.book", "young", "old", "2026-03-04T13:00", 60);
    bank_set_now(&c, "2026-03-03T13:00");
    gov_value_free(bank_run_on(&c, "timebank.dispute", "booking", disputed, ", 'text': 'x'"));
    gov_value_free(bank_run_on(&c, "timebank.check_in", "booking", begun, ""));
    gov_value_free(bank_run(&c, "timebank.death", "{'resident': 'old'}"));
    assert_bank_minutes(&c, "young", 90);
    assert_int_equal(bank_minutes_of(&c, "old", "reserved"), 120);
    gov_value *v = bank_run_on(&c, "timebank.booking", "booking", later, "");
    assert_text_at(v, "state", "cancelled");
    gov_value_free(v);
    community_advance(&c, 30);
    gov_value_free(bank_run_on(&c, "timebank.check_out", "booking", begun, ""));
    gov_value_free(bank_run_on(&c, "timebank.confirm", "booking", begun, ""));
    community_advance(&c, 20 * 1440);
    gov_value_free(bank_run_on(&c, "timebank.rule", "booking", disputed, ", 'minutes': 45"));
    assert_bank_minutes(&c, "young", 120);
    assert_bank_minutes(&c, "nurse", 45);
    assert_bank_minutes(&c, "old", -165);
    assert_int_equal(bank_minutes_of(&c, "old", "reserved"), 0);
    assert_bank_sound(&c);
    community_free(&c);
}

/* ---- a case that books ---- */

#define ROUND                                                                                                                 \
    "---\n"                                                                                                                   \
    "workflow: round\n"                                                                                                       \
    "fields: {whom: {type: resident}, who: {type: resident}, served: {type: int}, left: {type: int}}\n"                      \
    "events: {call_off: {by: [bank]}, give_up: {by: [bank]}}\n"                                                                \
    "states:\n"                                                                                                               \
    "  waiting:\n"                                                                                                            \
    "    entry: [{book: {id: visit, skill: company, volunteer: case.who, recipient: case.whom, from: \"now + duration('1h')\", " \
    "minutes: '60', pool: 'true'}}]\n"                                                                                        \
    "    on:\n"                                                                                                               \
    "      visit.done: {to: done, do: [{set: {served: event.data.served, left: \"minutes(case.who) + hours(case.who, 'hours')\"}}]}\n"      \
    "      visit.failed: missed\n"                                                                                            \
    "      visit.expired: forgotten\n"                                                                                        \
    "      call_off: off\n"                                                                                                   \
    "      give_up: {to: off, do: [{cancel: visit}]}\n"                                                                       \
    "  done: {type: final}\n"                                                                                                 \
    "  missed: {type: final}\n"                                                                                               \
    "  forgotten: {type: final}\n"                                                                                            \
    "  off: {type: final}\n"

static int64_t last_booking(community *c)
{
    gov_value *rows = bank_run(c, "timebank.statement", "{'resident': 'young'}");
    const int64_t booking = bank_number(rows, "rows.0.about");
    gov_value_free(rows);
    return booking;
}

static void a_case_books_and_is_told(void **state)
{
    community c = bank_usual(state, BANK_HEAD BANK_OF(BANK_USUAL) ROUND);
    gov_error *err = NULL;
    gov_value *v = NULL;
    const char *fields = "{'who': 'young', 'whom': 'ancient'}";
    int64_t id = community_open(&c, "round", fields);
    (void)community_advance(&c, 150);
    gov_value_free(bank_run_on(&c, "timebank.confirm", "booking", last_booking(&c), ", 'minutes': 60"));
    (void)community_advance(&c, 1);
    assert_state(&c, id, "done");
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    assert_int_equal(bank_number(v, "fields.served"), 60);
    assert_int_equal(bank_number(v, "fields.left"), 61);
    gov_value_free(v);
    id = community_open(&c, "round", fields);
    gov_value_free(bank_run_on(&c, "timebank.cancel", "booking", last_booking(&c), ""));
    (void)community_advance(&c, 1);
    assert_state(&c, id, "missed");
    id = community_open(&c, "round", fields);
    (void)community_advance(&c, 9 * 1440);
    assert_state(&c, id, "forgotten");
    /* A case that ends lets go of what it booked. */
    id = community_open(&c, "round", fields);
    assert_int_equal(bank_minutes_of(&c, "young", "expected"), 60);
    community_send(&c, id, "call_off", NULL, GOV_OK);
    assert_int_equal(bank_minutes_of(&c, "young", "expected"), 0);
    assert_bank_minutes(&c, "young", 60);
    assert_bank_sound(&c);
    community_free(&c);
}

/* The end of a case takes nobody's hour away: what was begun, served or disputed is confirmed or ruled all the same. */
static void what_was_served_outlives_its_case(void **state)
{
    community c = bank_usual(state, BANK_HEAD BANK_OF(BANK_USUAL) ROUND);
    const char *const ends[] = {"call_off", "give_up"};
    int64_t earned = 0;
    for (int i = 0; i < 8; i++) { /* begun, served, disputed, or only booked for a time that has come */
        const int how = i / 2;
        const int64_t id = community_open(&c, "round", "{'who': 'young', 'whom': 'ancient'}"), booking = last_booking(&c);
        (void)community_advance(&c, 61);
        if (how < 3)
            gov_value_free(bank_run_on(&c, "timebank.check_in", "booking", booking, ""));
        (void)community_advance(&c, 60);
        if (how == 1 || how == 2)
            gov_value_free(bank_run_on(&c, "timebank.check_out", "booking", booking, ""));
        if (how == 2)
            gov_value_free(bank_run_on(&c, "timebank.dispute", "booking", booking, ", 'text': 'was it an hour?'"));
        community_send(&c, id, ends[i % 2], NULL, GOV_OK);
        assert_state(&c, id, "off");
        assert_int_equal(bank_minutes_of(&c, "young", "expected"), 60);
        gov_value_free(bank_run_on(&c, how == 2 ? "timebank.rule" : "timebank.confirm", "booking", booking, ", 'minutes': 60"));
        assert_bank_minutes(&c, "young", earned += 60);
        const gov_tick_result r = community_advance(&c, 1440 * 2);
        assert_int_equal(r.failed + r.parked, 0);
        assert_state(&c, id, "off");
    }
    assert_bank_sound(&c);
    community_free(&c);
}

static void rules_may_transfer(void **state)
{
    community c = bank_usual(state, BANK_HEAD BANK_OF(BANK_USUAL) "---\n"
                                                "workflow: thanks\n"
                                                "fields: {whom: {type: resident}, minutes: {type: int}}\n"
                                                "states:\n"
                                                "  a: {entry: [{transfer: {ledger: hours, from: \"'pool'\", to: case.whom, amount: "
                                                "case.minutes}}], always: b}\n"
                                                "  b: {type: final}\n");
    gov_error *err = NULL;
    bank_serve(&c, "timebank.draw", "old", "ancient", "2026-03-02T10:00", 60);
    gov_value_free(bank_run(&c, "timebank.gift", "{'resident': 'old', 'pool': true, 'minutes': 60}"));
    (void)community_open(&c, "thanks", "{'whom': 'aunt', 'minutes': 45}");
    assert_bank_minutes(&c, "aunt", 45);
    assert_bank_total(&c, "pool", 15);
    gov_value *fields = community_json("{'whom': 'aunt', 'minutes': 16}");
    int64_t id = 0;
    assert_int_not_equal(gov_case_open(c.g, "thanks", fields, NULL, &id, &err), GOV_OK);
    gov_error_free(err);
    gov_value_free(fields);
    assert_bank_sound(&c);
    community_free(&c);
}

/* A look at a masked name is kept. */
static void looks_are_kept(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, rules, NULL);
    gov_error *err = NULL;
    gov_value *before = NULL, *after = NULL;
    bank_people(&c);
    (void)bank_made(bank_run(&c, "timebank.offer", "{'resident': 'young', 'skill': 'company', 'from': '2026-03-05T09:00', 'until': '2026-03-05T12:00'}"));
    const int64_t ask = bank_made(bank_run(&c, "timebank.request", "{'resident': 'old', 'skill': 'company', 'from': '2026-03-05T09:00', 'until': '2026-03-05T10:00'}"));
    assert_gov_ok(gov_verify(c.g, NULL, NULL, &before, &err), err);
    assert_gov_ok(gov_act_as_resident(c.g, "old", "ask", &err), err);
    gov_value_free(bank_run_on(&c, "timebank.match", "request", ask, "")); /* masked: no look */
    assert_gov_ok(gov_act_as(c.g, "clerk", "match", &err), err);
    gov_value_free(bank_run_on(&c, "timebank.match", "request", ask, ""));
    assert_gov_ok(gov_act_as_host(c.g, "test", &err), err);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, &after, &err), err);
    const int64_t grown = bank_number(after, "sealed") + bank_number(after, "unsealed") - bank_number(before, "sealed") - bank_number(before, "unsealed");
    assert_int_equal(grown, 1);
    gov_value_free(before);
    gov_value_free(after);
    community_free(&c);
}

/* Behind our back. */
static void what_was_changed_is_found(void **state)
{
    static const char *const changes[] = {"UPDATE gov_timebank_member SET served = served + 1 WHERE served > 0",
                                          "UPDATE gov_timebank_booking SET amount = amount + 1 WHERE state = 1",
                                          "UPDATE gov_timebank_booking SET served = served - 1 WHERE state = 5"};
    support_store *s = support_store_of(state);
    community c = community_make(s, rules, NULL);
    bank_people(&c);
    bank_serve(&c, "timebank.draw", "old", "ancient", "2026-03-02T10:00", 60);
    (void)bank_book(&c, "timebank.book", "young", "old", "2026-03-03T10:00", 60);
    assert_bank_sound(&c);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        gov_error *err = NULL;
        gov_value *report = NULL;
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(strncmp(s->url, "sqlite:", 7) == 0 ? s->url + 7 : s->url, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_changes(db), 1);
        const gov_status status = gov_verify(c.g, NULL, NULL, &report, &err);
        assert_int_equal(status, GOV_E_VERIFY);
        assert_diag(err, 0, "row_differs", -1, -1);
        gov_error_free(err);
        gov_value_free(report);
        (void)sqlite3_exec(db, i == 0 ? "UPDATE gov_timebank_member SET served = served - 1 WHERE served > 0"
                                      : "UPDATE gov_timebank_booking SET amount = amount - 1 WHERE state = 1", NULL, NULL, NULL);
        sqlite3_close(db);
    }
    community_free(&c);
}

/* ---- rules with mistakes ---- */

static void mistakes_are_told_at_their_place(void **state)
{
    static const struct {
        const char *bank, *code;
        int line;
    } rows[] = {
        {"cap: {day: 2 working days}\n" BANK_SKILLS, "timebank_whole_minutes", 18},
        {"cap: {day: 90 seconds}\n" BANK_SKILLS, "timebank_whole_minutes", 18},
        {"cap: {total: 3 hours, over: donated}\n" BANK_SKILLS, "timebank_no_pool_for", 18},
        {"group_hours: donated\n" BANK_SKILLS, "timebank_no_pool_for", 18},
        {"skills: {a: {rate: 0}}\n", "timebank_rate", 18},
        {"skills: {a: {rate: 3/x}}\n", "timebank_rate", 18},
        {"levels: {a: {at: 2 hours}, b: {at: 1 hour}}\n" BANK_SKILLS, "timebank_levels", 18},
        {BANK_SKILLS "---\ntime_bank: other\nledger: 3\n" BANK_SKILLS, "timebank_ledger_taken", -1},
        {"may_serve: agee > 3\n" BANK_SKILLS, "undeclared_reference", 18},
        {"may_serve: age\n" BANK_SKILLS, "wrong_result", 18},
        {"capp: 3\n" BANK_SKILLS, "unknown_key", 18},
        {BANK_SKILLS "---\nworkflow: w\nstates: {a: {entry: [{book: {skill: lwa, volunteer: '1', recipient: '2', from: now, minutes: '3'}}], after: "
                "{delay: 1 day, to: b}}, b: {type: final}}\n",
         "timebank_no_skill", -1},
        {BANK_SKILLS "---\nworkflow: w\nstates: {a: {always: {when: \"minutes(1, 'huors') > 60\", to: b}}, b: {type: final}}\n", "timebank_unknown", -1},
        {"gift: {to: pool}\npool: {}\ncap: {over: x}\n" BANK_SKILLS, "unknown_word", 20},
        {"skills: [{}]\n", "wrong_kind", 18},
        {"levels: [{at: 2 hours}]\n" BANK_SKILLS, "wrong_kind", 18},
        {"title: no skills\n", "missing_key", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[4096], path[512];
        gov_error *err = NULL;
        gov_rulebook *rb = NULL;
        char *dir = support_tmpdir();
        snprintf(text, sizeof text, BANK_HEAD "---\ntime_bank: hours\nledger: 3\n%s", rows[i].bank);
        support_write(support_path(path, dir, "rulebook.yaml"), text, strlen(text));
        assert_gov(GOV_E_RULE, gov_rulebook_load(NULL, path, 0, &rb, &err), err);
        if (strcmp(gov_error_code(err, 0), rows[i].code) != 0) {
            fprintf(stderr, "row %zu\n", i);
            support_print_error(err);
        }
        assert_string_equal(gov_error_code(err, 0), rows[i].code);
        if (strcmp(rows[i].code, "timebank_unknown") == 0)
            assert_non_null(strstr(gov_error_message(err, 0, "en"), "did you mean \"hours\""));
        gov_error_free(err);
        support_rmdir(dir);
    }
}

/* ---- without memory ---- */

typedef struct scarce {
    support_store *s;
    gov_rulebook *rules;
    int run;
} scarce;

static gov_status call(community *c, const char *name, const char *json)
{
    gov_value *in = community_json(json), *out = NULL;
    const gov_status status = gov_operation_run(c->g, name, in, NULL, &out, NULL);
    gov_value_free(out);
    gov_value_free(in);
    return status;
}

static gov_status put(community *c, const char *key, const char *json)
{
    gov_value *fields = community_json(json);
    const gov_status status = gov_record_put(c->g, "resident", key, fields, NULL, NULL);
    gov_value_free(fields);
    return status;
}

static gov_status live_a_little(const gov_allocator *alloc, void *user)
{
    static const char *const calls[][2] = {
        {"timebank.draw", "{'volunteer': 'old', 'recipient': 'ancient', 'skill': 'company', 'from': '2026-03-02T08:00', 'minutes': 30}"},
        {"timebank.group", "{'activity': 'x', 'skill': 'company', 'volunteers': ['old'], 'minutes': 30}"},
        {"timebank.gift", "{'resident': 'old', 'pool': true, 'minutes': 1}"},
        {"timebank.statement", "{'resident': 'old'}"},
        {"timebank.offer", "{'resident': 'old', 'skill': 'company', 'from': '2026-03-03T08:00', 'until': '2026-03-03T10:00'}"},
        {"timebank.death", "{'resident': 'old'}"},
        {"timebank.inherit", "{'resident': 'old'}"},
    };
    scarce *u = user;
    char url[512], name[32];
    community c;
    (void)snprintf(name, sizeof name, "oom%d.db", u->run++);
    gov_status rc = community_try(support_path(url, u->s->dir, name), u->rules, alloc, &c, NULL);
    const bool made_one = rc == GOV_OK;
    if (made_one)
        rc = gov_begin(c.g, NULL);
    if (rc == GOV_OK)
        rc = put(&c, "old", "{'name': '王大爷', 'birth_date': '1960-01-01'}");
    if (rc == GOV_OK)
        rc = put(&c, "ancient", "{'name': '赵奶奶', 'birth_date': '1940-01-01'}");
    for (size_t i = 0; i < sizeof calls / sizeof *calls && rc == GOV_OK; i++)
        rc = call(&c, calls[i][0], calls[i][1]);
    if (rc == GOV_OK)
        rc = gov_commit(c.g, NULL);
    if (made_one)
        community_free(&c);
    return rc;
}

static void survives_want_of_memory(void **state)
{
    scarce u = {support_store_of(state), community_rulebook(rules), 0};
    oom_loop(live_a_little, &u);
    gov_rulebook_free(u.rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(hours_are_earned_and_redeemed),
        STORE_TESTS(what_was_served_counts),
        STORE_TESTS(bookings_end_in_other_ways),
        STORE_TESTS(the_rules_say_who),
        STORE_TESTS(matches_say_why),
        STORE_TESTS(what_is_over_is_not_offered),
        STORE_TESTS(people_see_to_their_own),
        STORE_TESTS(minutes_are_given_and_left),
        STORE_TESTS(gifts_have_been_earned),
        STORE_TESTS(what_was_served_outlives_the_served),
        STORE_TESTS(a_case_books_and_is_told),
        STORE_TESTS(what_was_served_outlives_its_case),
        STORE_TESTS(rules_may_transfer),
        STORE_TESTS(looks_are_kept),
        STORE_TEST(what_was_changed_is_found, "sqlite"),
        cmocka_unit_test(mistakes_are_told_at_their_place),
        STORE_TEST(survives_want_of_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
