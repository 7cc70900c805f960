/* Until when an order is to be handed out, where the calendar has not got the year yet, and where it is changed. */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

#define RULES(VERSION, YEARS)                                                                                              \
    "rulebook: shop\nversion: '" VERSION "'\nlanguages: [en]\ntime_zone: Asia/Shanghai\ncalendar: cn\n"                       \
    "roles: {officer: {title: Officer}}\n"                                                                                 \
    "permissions: {points.read: [officer], points.write: [officer], points.redeem: [officer], points.fulfil: [officer]}\n"  \
    "---\ncalendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\nyears: {2026: {off: [2026-01-01]}" YEARS "}\n"       \
    "---\npoints: green\nledger: 7\ngoods: 5\nholder: resident\nearn: {gift: {}}\n"                                          \
    "catalogue:\n"                                                                                                         \
    "  rice: {price: 1, stock: 9, fulfil_within: 5 working days}\n"                                                        \
    "  soap: {price: 1, stock: 9, fulfil_within: 120 hours}\n"

static void at(community *c, const char *time)
{
    gov_error *err = NULL;
    int64_t us = 0;
    assert_gov_ok(gov_time_parse(c->g, time, &us, &err), err);
    assert_gov_ok(gov_set_now(c->g, us, &err), err);
    assert_gov_ok(gov_tick(c->g, 0, NULL, &err), err);
}

static gov_value *run(community *c, const char *name, const char *json)
{
    gov_error *err = NULL;
    gov_value *in = community_json(json), *out = NULL;
    assert_gov_ok(gov_operation_run(c->g, name, in, NULL, &out, &err), err);
    gov_value_free(in);
    return out;
}

static void is_due(community *c, const gov_value *order, const char *time, bool provisional)
{
    gov_error *err = NULL;
    int64_t us = 0;
    assert_gov_ok(gov_time_parse(c->g, time, &us, &err), err);
    assert_int_equal(gov_value_seconds(gov_value_get(order, "due_at"), NULL), us / 1000000);
    assert_int_equal(gov_value_bool(gov_value_get(order, "provisional")), provisional);
}

static gov_value *orders(community *c)
{
    return run(c, "points.orders", "{'programme': 'green', 'account': 'wang'}");
}

static void install(community *c, const char *text)
{
    gov_error *err = NULL;
    gov_rulebook *book = community_rulebook(text);
    assert_gov_ok(gov_install(c->g, book, &err), err);
    gov_rulebook_free(book);
}

static void verify(community *c)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_verify(c->g, NULL, NULL, NULL, &err), err);
}

static community make(void **state)
{
    community c = community_make(support_store_of(state), RULES("1", ""), NULL);
    community_put(&c, "resident", "wang", "{'name': 'Wang'}");
    at(&c, "2026-12-29 10:00");
    gov_value_free(run(&c, "points.award", "{'programme': 'green', 'account': 'wang', 'rule': 'gift', 'points': 9}"));
    return c;
}

/* From Tuesday the 29th: 30, 31 December, 1, 4 and 5 January by the pattern of the week. The list of 2027 has the 1st and the 4th off:
 * 5, 6 and 7 January. Soap is promised in hours, which ask no calendar. */
static void a_missing_year_is_told_and_moves_the_order_when_it_comes(void **state)
{
    community c = make(state);
    gov_value *rice = run(&c, "points.redeem", "{'programme': 'green', 'account': 'wang', 'item': 'rice'}");
    gov_value *soap = run(&c, "points.redeem", "{'programme': 'green', 'account': 'wang', 'item': 'soap'}");
    is_due(&c, rice, "2027-01-05 17:30", true);
    is_due(&c, soap, "2027-01-03 10:00", false);
    gov_value_free(rice);
    gov_value_free(soap);
    verify(&c);
    at(&c, "2026-12-30 10:00");
    install(&c, RULES("2", ", 2027: {off: [2027-01-01, 2027-01-04]}"));
    gov_value *all = orders(&c);
    is_due(&c, gov_value_find(all, "orders.1"), "2027-01-07 17:30", false); /* the newest comes first */
    is_due(&c, gov_value_find(all, "orders.0"), "2027-01-03 10:00", false);
    gov_value_free(all);
    verify(&c);
    at(&c, "2027-01-07 17:29");
    all = orders(&c);
    assert_text_at(all, "orders.1.status", "open");
    assert_text_at(all, "orders.0.status", "lapsed");
    gov_value_free(all);
    at(&c, "2027-01-07 17:30");
    all = orders(&c);
    assert_text_at(all, "orders.1.status", "lapsed");
    gov_value_free(all);
    verify(&c);
    community_free(&c);
}

/* What was handed out has no date any more that could move. */
static void what_is_settled_stays(void **state)
{
    community c = make(state);
    gov_value *rice = run(&c, "points.redeem", "{'programme': 'green', 'account': 'wang', 'item': 'rice'}");
    char json[64];
    snprintf(json, sizeof json, "{'order': %lld}", (long long)gov_value_int(gov_value_get(rice, "id")));
    gov_value_free(rice);
    gov_value_free(run(&c, "points.fulfil", json));
    install(&c, RULES("2", ", 2027: {off: [2027-01-01, 2027-01-04]}"));
    gov_value *all = orders(&c);
    is_due(&c, gov_value_find(all, "orders.0"), "2027-01-05 17:30", true);
    gov_value_free(all);
    at(&c, "2027-01-10 10:00");
    verify(&c);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_missing_year_is_told_and_moves_the_order_when_it_comes),
        STORE_TESTS(what_is_settled_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
