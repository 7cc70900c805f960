/* Clocks that are recomputed from their accounts: whatever a clock lives through verifies, and whatever was altered does not. */
#include "support/community.h"

#include "access/access.h"

#include <stdio.h>
#include <string.h>

/* Monday 2 March 2026; Wednesday is off, Saturday is worked. */
#define RULES(OFF)                                                                               \
    "rulebook: clocks\n"                                                                         \
    "version: '1'\n"                                                                             \
    "title: Clocks\n"                                                                            \
    "languages: [en]\n"                                                                          \
    "time_zone: Asia/Shanghai\n"                                                                 \
    "calendar: cn\n"                                                                             \
    "roles: {dispatcher: {title: Dispatcher}}\n"                                                 \
    "permissions: {case.open: [dispatcher], case.read: [dispatcher]}\n"                          \
    "---\n"                                                                                      \
    "calendar: cn\n"                                                                             \
    "hours: {mon-fri: ['09:00-12:00', '14:00-18:00']}\n"                                         \
    "years: {2026: {off: [" OFF "], work: [2026-03-07]}}\n"                                      \
    "---\n"                                                                                      \
    "workflow: job\n"                                                                            \
    "fields: {by: {type: timestamp}}\n"                                                          \
    "events:\n"                                                                                  \
    "  give: {by: [dispatcher], input: {unit: {type: unit}}}\n"                                  \
    "  wait: {by: [dispatcher]}\n"                                                               \
    "  go_on: {by: [dispatcher]}\n"                                                              \
    "  longer: {by: [dispatcher]}\n"                                                             \
    "  done: {by: [dispatcher]}\n"                                                               \
    "  redo: {by: [dispatcher]}\n"                                                               \
    "clocks:\n"                                                                                  \
    "  hours: {starts: [give, redo], stops: [done], again: resume, budget: 4 hours, paused_in: " \
    "[waiting],\n"                                                                               \
    "          marks: {50%: half, 100%: overdue}, extend: {event: longer, amount: 1 hour}}\n"    \
    "  days: {starts: [give, redo], stops: [done], budget: 3 working days, paused_in: "          \
    "[waiting],\n"                                                                               \
    "         extend: {event: longer, amount: 2 working days}}\n"                                \
    "  work: {starts: [give], stops: [done], budget: 10 working hours, paused_in: [waiting]}\n"  \
    "  month: {starts: [give], stops: [done], budget: 1 month, roll: next_working_day, "         \
    "paused_in: [waiting]}\n"                                                                    \
    "  own: {starts: [give], stops: [done], per: holder, budget: 4 hours}\n"                     \
    "  instant: {starts: [give], stops: [done], paused_in: [waiting], due: "                     \
    "\"timestamp('2026-03-02T06:00:00Z')\"}\n"                                                   \
    "  asleep: {starts: [wait, redo], stops: [done], again: resume, budget: 2 days, paused_in: " \
    "[waiting]}\n"                                                                               \
    "states:\n"                                                                                  \
    "  fresh: {on: {give: {to: working, do: [{assign: {unit: event.data.unit}}]}}}\n"            \
    "  working:\n"                                                                               \
    "    on:\n"                                                                                  \
    "      give: {do: [{assign: {unit: event.data.unit}}]}\n"                                    \
    "      longer half overdue: {do: [{log: noted}]}\n"                                          \
    "      wait: waiting\n"                                                                      \
    "      done: finished\n"                                                                     \
    "  waiting: {on: {go_on: working, longer: {do: [{log: noted}]}, done: finished}}\n"          \
    "  finished: {on: {redo: working}}\n"

static const char rules[] = RULES("2026-03-04"), amended[] = RULES("2026-03-04, 2026-03-05");

static community make(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    community_put(&c, "unit", "U1", "{'name': '物业'}");
    community_put(&c, "unit", "U2", "{'name': '城管'}");
    return c;
}

static void verify(community *c, int64_t clocks)
{
    gov_error *err = NULL;
    gov_value *report = NULL;
    assert_gov_ok(gov_verify(c->g, NULL, NULL, &report, &err), err);
    assert_int_equal(gov_value_int(gov_value_get(report, "clocks")), clocks);
    gov_value_free(report);
}

static const struct step {
    const char *event, *data;
    int64_t minutes; /* afterwards */
} steps[] = {{"give", "{'unit': 'U1'}", 100},
             {"wait", NULL, 1500},
             {"longer", NULL, 30},
             {"go_on", NULL, 200},
             {"longer", NULL, 100},
             {"give", "{'unit': 'U2'}", 3000},
             {"wait", NULL, 60},
             {"go_on", NULL, 6000},
             {"done", NULL, 700},
             {"redo", NULL, 5},
             {"wait", NULL, 10},
             {"done", NULL, 10},
             {"redo", NULL, 1},
             {"longer", NULL, 2000},
             {"done", NULL, 0}};

static int64_t live(community *c, size_t n)
{
    const int64_t id = community_open(c, "job", "{}");
    for (size_t i = 0; i < n; i++) {
        community_send(c, id, steps[i].event, steps[i].data, GOV_OK);
        community_advance(c, steps[i].minutes);
    }
    return id;
}

/* However far it has come. */
static void a_life_verifies_at_every_step(void **state)
{
    community c = make(state);
    const size_t all = sizeof steps / sizeof *steps;
    const int64_t id = community_open(&c, "job", "{}");
    verify(&c, 0);
    for (size_t i = 0; i < all; i++) {
        community_send(&c, id, steps[i].event, steps[i].data, GOV_OK);
        verify(&c, i == 0 ? 6 : 7);
        community_advance(&c, steps[i].minutes);
        verify(&c, i == 0 ? 6 : 7);
    }
    community_free(&c);
}

/* More than a page holds. */
static void every_clock_is_counted(void **state)
{
    community c = make(state);
    for (int i = 0; i < 50; i++) {
        const int64_t id = community_open(&c, "job", "{}");
        community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    }
    verify(&c, 300);
    community_free(&c);
}

/* ---- what was altered ---- */

typedef struct altering {
    gov *g;
    store_sql sql;
    int64_t rows;
} altering;

static gov_status alter_body(void *user, const diag *d)
{
    altering *a = user;
    return store_exec(a->g->store, &a->sql, STORE_ARGS(store_i(a->g->community)), &a->rows, d);
}

static void alter(community *c, const char *sql)
{
    gov_error *err = NULL;
    const diag d = {&base_malloc, &err};
    altering a = {c->g, {sql, STORE_DYNAMIC}, 0};
    assert_gov_ok(store_run(c->g->store, alter_body, &a, &d), err);
    assert_true(a.rows == 1);
}

static void refuse(community *c, int64_t id, const char *clock, const char *part)
{
    gov_error *err = NULL;
    gov_value *report = NULL, *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    const char *number = gov_value_string(gov_value_get(v, "number"), NULL);
    const gov_status status = gov_verify(c->g, NULL, NULL, &report, &err);
    if (status != GOV_E_VERIFY)
        print_error("%s of %s was altered unseen\n", part, clock);
    assert_int_equal(status, GOV_E_VERIFY);
    assert_non_null(strstr(gov_error_message(err, 0, "en"), number));
    assert_non_null(strstr(gov_error_message(err, 0, "zh"), clock));
    gov_error_free(err);
    assert_int_equal(gov_value_bool(gov_value_get(report, "ok")), 0);
    assert_text_at(report, "bad_case", number);
    assert_text_at(report, "bad_clock", clock);
    assert_text_at(report, "reason", part);
    gov_value_free(report);
    gov_value_free(v);
}

#define WHERE(NAME) " WHERE community = $1 AND name = '" NAME "'"

static void an_altered_column_is_found(void **state)
{
    static const struct {
        const char *alter, *repair, *clock, *part;
    } cases[] = {
#define COLUMN(NAME, COL, DELTA, PART)                                   \
    {"UPDATE gov_case_clock SET " COL " = " COL " + " DELTA WHERE(NAME), \
     "UPDATE gov_case_clock SET " COL " = " COL " - " DELTA WHERE(NAME), NAME, PART}
        COLUMN("days", "due_us", "1", "due"),
        COLUMN("instant", "due_us", "-1", "due"),
        COLUMN("hours", "used", "1", "used"),
        COLUMN("hours", "breached_us", "1", "breached"),
        COLUMN("work", "origin_us", "1", "origin"),
        COLUMN("own", "since_us", "1", "since"),
        COLUMN("days", "budget", "1", "budget"),
        COLUMN("days", "unit", "-1", "unit"),
        COLUMN("hours", "extensions", "-1", "extensions"),
        COLUMN("hours", "extended", "-1", "extended"),
        COLUMN("month", "provisional", "1", "provisional"),
        COLUMN("month", "state", "1", "state"),
    };
    community c = make(state);
    const int64_t id = live(&c, 6);
    verify(&c, 7);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        alter(&c, cases[i].alter);
        refuse(&c, id, cases[i].clock, cases[i].part);
        alter(&c, cases[i].repair);
    }
    verify(&c, 7);
    alter(&c, "UPDATE gov_case_clock SET breached_us = NULL" WHERE("hours"));
    refuse(&c, id, "hours", "breached");
    community_free(&c);
}

static void a_clock_that_stopped_keeps_its_instant(void **state)
{
    community c = make(state);
    const int64_t id = live(&c, 9);
    verify(&c, 7);
    alter(&c, "UPDATE gov_case_clock SET stopped_us = stopped_us - 60000000" WHERE("days"));
    refuse(&c, id, "days", "stopped");
    community_free(&c);
}

/* The account and the columns say the same, and the calendar something else. */
static void an_altered_account_is_found(void **state)
{
    static const struct {
        const char *from, *to, *part;
    } cases[] = {
        {"\"length\":\"3 working days\"", "\"length\":\"4 working days\"", "due"},
        {"\"what\":\"extend\"", "\"what\":\"breach\"", "account"},
        {"\"what\":\"pause\"", "\"what\":\"nothing\"", "account"},
        {"]", "", "account"},
        {"2026-03-02T01:00:00Z", "2026-02-27T01:00:00Z", "due"},
    };
    community c = make(state);
    const int64_t id = live(&c, 4);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[512];
        (void)snprintf(sql, sizeof sql,
                       "UPDATE gov_case_clock SET account = replace(account, '%s', '%s')" WHERE(
                           "days"),
                       cases[i].from, cases[i].to);
        alter(&c, sql);
        refuse(&c, id, "days", cases[i].part);
        if (cases[i].to[0] == '\0')
            alter(&c, "UPDATE gov_case_clock SET account = account || ']'" WHERE("days"));
        (void)snprintf(sql, sizeof sql,
                       "UPDATE gov_case_clock SET account = replace(account, '%s', '%s')" WHERE(
                           "days"),
                       cases[i].to[0] != '\0' ? cases[i].to : "]", cases[i].from);
        alter(&c, sql);
        verify(&c, 7);
    }
    alter(&c, "UPDATE gov_case_clock SET name = 'nobody'" WHERE("asleep"));
    refuse(&c, id, "nobody", "account");
    community_free(&c);
}

/* Another day off for the case that waits moves nothing by itself, and is no fault; a column that is altered still is. */
static void an_amended_calendar_is_no_fault(void **state)
{
    community c = make(state);
    gov_error *err = NULL;
    const int64_t id = live(&c, 1);
    gov_rulebook *book = community_rulebook(amended);
    assert_gov_ok(gov_install(c.g, book, &err), err);
    gov_rulebook_free(book);
    verify(&c, 6);
    community_advance(&c, 6000);
    community_send(&c, id, "wait", NULL, GOV_OK);
    community_send(&c, id, "go_on", NULL, GOV_OK);
    verify(&c, 7);
    alter(&c, "UPDATE gov_case_clock SET due_us = due_us + 1" WHERE("days"));
    refuse(&c, id, "days", "due");
    community_free(&c);
}

/* The day off is given and taken back, and the case has reckoned with it in between. */
static void a_calendar_that_was_changed_back_is_no_fault(void **state)
{
    community c = make(state);
    gov_error *err = NULL;
    const int64_t id = live(&c, 1);
    for (int i = 0; i < 4; i++) {
        gov_rulebook *book = community_rulebook(i % 2 == 0 ? amended : rules);
        assert_gov_ok(gov_install(c.g, book, &err), err);
        gov_rulebook_free(book);
        verify(&c, i == 0 ? 6 : 7);
        community_send(&c, id, "wait", NULL, GOV_OK);
        community_advance(&c, 1500);
        community_send(&c, id, "go_on", NULL, GOV_OK);
        community_advance(&c, 600);
        verify(&c, 7);
    }
    alter(&c, "UPDATE gov_case_clock SET due_us = due_us + 1" WHERE("days"));
    refuse(&c, id, "days", "due");
    community_free(&c);
}

/* No account speaks of these: the journal does. */
static void the_journal_knows_each_row(void **state)
{
    community c = make(state);
    const int64_t id = live(&c, 6);
    verify(&c, 7);
    alter(&c, "UPDATE gov_case_clock SET fired = fired + 1" WHERE("hours"));
    refuse(&c, id, "hours", "row");
    alter(&c, "UPDATE gov_case_clock SET fired = fired - 1" WHERE("hours"));
    verify(&c, 7);
    alter(&c, "UPDATE gov_case_clock SET fired = 1" WHERE("days"));
    refuse(&c, id, "days", "row");
    alter(&c, "UPDATE gov_case_clock SET fired = 0" WHERE("days"));
    alter(&c, "DELETE FROM gov_case_clock" WHERE("month"));
    refuse(&c, id, "month", "missing");
    alter(&c, "INSERT INTO gov_case_clock SELECT community, case_id, 'month', state, origin_us, since_us, due_us, stopped_us, "
              "breached_us, unit, budget, used, extensions, extended, fired, provisional, account FROM gov_case_clock" WHERE("asleep"));
    gov_error *err = NULL;
    assert_int_equal(gov_verify(c.g, NULL, NULL, NULL, &err), GOV_E_VERIFY);
    gov_error_free(err);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_life_verifies_at_every_step),
        STORE_TESTS(every_clock_is_counted),
        STORE_TESTS(an_altered_column_is_found),
        STORE_TESTS(a_clock_that_stopped_keeps_its_instant),
        STORE_TESTS(an_altered_account_is_found),
        STORE_TESTS(an_amended_calendar_is_no_fault),
        STORE_TESTS(a_calendar_that_was_changed_back_is_no_fault),
        STORE_TESTS(the_journal_knows_each_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
