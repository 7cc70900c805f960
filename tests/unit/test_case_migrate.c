/* Cases that go over to another version of their rules: states by a map, fields, clocks and timers; what cannot is left alone. */
#include "support/community.h"
#include "support/faulty.h"

#include <stdio.h>
#include <string.h>

#define HEAD(version)                                                                                             \
    "rulebook: moves\nversion: '" version "'\ntime_zone: Asia/Shanghai\ncalendar: cn\n"                            \
    "roles: {desk: {title: Desk}}\n"                                                                               \
    "permissions: {case.open: [desk], case.read: [desk], journal.read: [desk]}\n"                                  \
    "sensitivity: {contact: {title: Contact, mask: phone, see: []}}\n"                                             \
    "---\ncalendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\nyears: {2026: {off: [], work: []}}\n---\n"

/* The first version. */
static const char first[] = HEAD("1")
    "workflow: job\n"
    "fields:\n"
    "  note: {type: string, indexed: true}\n"
    "  level: {type: string, default: high, indexed: true}\n"
    "  phone: {type: string, sensitive: contact}\n"
    "  told: {type: int, default: 0}\n"
    "events: {go: {by: [desk]}, hold: {by: [desk]}, on: {by: [desk]}, back: {by: [desk]}, done: {by: [desk]}, odd: {by: [desk]}}\n"
    "clocks:\n"
    "  term: {starts: [go], stops: [done], budget: 4 hours, paused_in: [work.held], marks: {50%: half, 100%: late}}\n"
    "  gone: {starts: [odd, go], stops: [done], budget: 90 hours}\n"
    "states:\n"
    "  new: {on: {go: work, odd: strange}, after: {delay: 1 days, do: [{set: {told: case.told + 1}}]}}\n"
    "  work:\n"
    "    on: {half: {do: [{set: {told: case.told + 1}}]}, late: {do: [{set: {told: case.told + 10}}]}, done: end, back: new}\n"
    "    states:\n"
    "      busy: {on: {hold: held}, after: {delay: PT10H, do: [{set: {told: case.told + 100}}]}}\n"
    "      held: {on: {on: busy}}\n"
    "      h: {type: history, to: busy}\n"
    "  strange: {on: {done: end}}\n"
    "  end: {type: final, outcome: done}\n";

/* The second one; %s: keep or recompute, and the clock's budget. */
static const char second[] = HEAD("2")
    "workflow: job\n"
    "migrate: {from: '1', states: {new: fresh, work.busy: task.doing, work: task}, fields: {level: \"case.level == 'high' ? 3 : 1\"}, "
    "timers: %s}\n"
    "fields:\n"
    "  note: {type: string, indexed: true}\n"
    "  level: {type: int, min: 1, max: 3, indexed: true}\n"
    "  told: {type: int, default: 0}\n"
    "  place: {type: string, default: here}\n"
    "events: {go: {by: [desk]}, hold: {by: [desk]}, on: {by: [desk]}, done: {by: [desk]}}\n"
    "clocks:\n"
    "  term: {starts: [go], stops: [done], budget: %s, paused_in: [task.held], marks: {50%%: half, 100%%: late}}\n"
    "states:\n"
    "  fresh: {on: {go: task}, after: {delay: 2 days, do: [{set: {told: case.told + 1}}]}}\n"
    "  task:\n"
    "    on: {half: {do: [{set: {told: case.told + 1}}]}, late: {do: [{set: {told: case.told + 10}}]}, done: end}\n"
    "    states:\n"
    "      doing: {on: {hold: held}, after: {delay: PT20H, do: [{set: {told: case.told + 100}}]}}\n"
    "      held: {on: {on: doing}}\n"
    "  end: {type: final, outcome: done}\n";

static gov_rulebook *version_two(const char *timers, const char *budget)
{
    char text[8192];
    assert_true(snprintf(text, sizeof text, second, timers, budget) < (int)sizeof text);
    return community_rulebook(text);
}

static gov_value *migrate(community *c, const gov_rulebook *book, uint32_t flags)
{
    gov_error *err = NULL;
    gov_value *report = NULL;
    assert_gov_ok(gov_migrate(c->g, book, flags, &report, &err), err);
    return report;
}

static gov_value *get(community *c, int64_t id)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    return v;
}

static int64_t number(community *c, int64_t id, const char *path)
{
    gov_value *v = get(c, id);
    const int64_t n = gov_value_int(gov_value_find(v, path));
    gov_value_free(v);
    return n;
}

/* When the clock is due, in minutes after the start of the test. */
static int64_t due(community *c, int64_t id)
{
    gov_value *v = get(c, id);
    const int64_t us = gov_value_seconds(gov_value_find(v, "clocks.0.due"), NULL) - COMMUNITY_START / 1000000;
    gov_value_free(v);
    return us / 60;
}

static void all_is_well(community *c)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_verify(c->g, NULL, NULL, &v, &err), err);
    gov_value_free(v);
}

static void open_only(community *c, int64_t id[4])
{
    for (int i = 0; i < 4; i++)
        id[i] = community_open(c, "job", "{'note': 'n', 'phone': '13800138000'}");
    community_send(c, id[1], "go", NULL, GOV_OK);
    community_send(c, id[2], "go", NULL, GOV_OK);
    community_send(c, id[3], "odd", NULL, GOV_OK);
    community_advance(c, 60);
    community_send(c, id[2], "hold", NULL, GOV_OK);
}

/* At 10:00: 0 is new, 1 works since 9:00, 2 waits after one hour of work, 3 is where the new version knows nothing of. */
static void what_can_be_mapped_moves_and_the_rest_stays(void **state)
{
    community c = community_make(support_store_of(state), first, NULL);
    int64_t id[4];
    open_only(&c, id);
    gov_rulebook *book = version_two("keep", "6 hours");
    gov_value *report = migrate(&c, book, 0);
    assert_int_equal(gov_value_int(gov_value_get(report, "migrated")), 3);
    assert_int_equal(gov_value_int(gov_value_get(report, "refused")), 1);
    assert_text_at(report, "refused_cases.0.why.code", "migrate_state");
    assert_text_at(report, "refused_cases.0.state.0", "strange");
    gov_value_free(report);
    assert_state(&c, id[0], "fresh");
    assert_state(&c, id[1], "task.doing");
    assert_state(&c, id[2], "task.held");
    assert_state(&c, id[3], "strange");
    assert_int_equal(number(&c, id[1], "fields.level"), 3);
    gov_value *v = get(&c, id[1]);
    assert_text_at(v, "fields.place", "here");
    assert_null(gov_value_find(v, "fields.phone"));
    gov_value_free(v);
    community_send(&c, id[3], "done", NULL, GOV_OK); /* by its own, old rules */
    all_is_well(&c);
    /* Again: nothing is left to do but what cannot be. */
    report = migrate(&c, NULL, 0);
    assert_int_equal(gov_value_int(gov_value_get(report, "migrated")), 0);
    assert_int_equal(gov_value_int(gov_value_get(report, "same")), 3);
    assert_int_equal(gov_value_int(gov_value_get(report, "refused")), 0); /* it has ended meanwhile */
    gov_value_free(report);
    gov_rulebook_free(book);
    community_free(&c);
}

/* Kept: 4 hours from 9:00 are due at 13:00, the state's timer of 10 hours at 19:00. */
static void kept_clocks_and_timers_stay_due_when_they_were(void **state)
{
    community c = community_make(support_store_of(state), first, NULL);
    int64_t id[4];
    open_only(&c, id);
    gov_rulebook *book = version_two("keep", "6 hours");
    gov_value_free(migrate(&c, book, 0));
    assert_int_equal(due(&c, id[1]), 240);
    community_advance(&c, 60); /* 11:00: half of four hours */
    assert_int_equal(number(&c, id[1], "fields.told"), 1);
    community_send(&c, id[2], "on", NULL, GOV_OK); /* three hours left from 11:00 */
    assert_int_equal(due(&c, id[2]), 300);
    community_advance(&c, 120); /* 13:00 */
    assert_int_equal(number(&c, id[1], "fields.told"), 1);
    community_advance(&c, 1);
    assert_int_equal(number(&c, id[1], "fields.told"), 11);
    community_advance(&c, 359); /* 19:00 */
    assert_int_equal(number(&c, id[1], "fields.told"), 111);
    /* A day, as it was, ends with the day after the opening, not two days later. */
    community_advance(&c, 29 * 60); /* midnight after 3 March */
    assert_int_equal(number(&c, id[0], "fields.told"), 1);
    all_is_well(&c);
    gov_rulebook_free(book);
    community_free(&c);
}

/* Reckoned again: 6 hours from 9:00 are due at 15:00, half of them at 12:00; 20 hours after 9:00 are 5:00; two days end on 4 March. */
static void recomputed_ones_follow_the_new_rule_from_where_they_began(void **state)
{
    community c = community_make(support_store_of(state), first, NULL);
    int64_t id[4];
    open_only(&c, id);
    gov_rulebook *book = version_two("recompute", "6 hours");
    gov_value_free(migrate(&c, book, 0));
    assert_int_equal(due(&c, id[1]), 360);
    community_advance(&c, 119);
    assert_int_equal(number(&c, id[1], "fields.told"), 0);
    community_advance(&c, 1); /* 12:00 */
    assert_int_equal(number(&c, id[1], "fields.told"), 1);
    community_send(&c, id[2], "on", NULL, GOV_OK); /* five hours left from 12:00 */
    assert_int_equal(due(&c, id[2]), 480);
    community_advance(&c, 181);
    assert_int_equal(number(&c, id[1], "fields.told"), 11);
    community_advance(&c, 20 * 60 - 361 - 1);
    assert_int_equal(number(&c, id[1], "fields.told"), 11);
    community_advance(&c, 1);
    assert_int_equal(number(&c, id[1], "fields.told"), 111);
    community_advance(&c, 19 * 60); /* midnight after 3 March */
    assert_int_equal(number(&c, id[0], "fields.told"), 0);
    community_advance(&c, 24 * 60);
    assert_int_equal(number(&c, id[0], "fields.told"), 1);
    all_is_well(&c);
    gov_rulebook_free(book);
    community_free(&c);
}

/* From hours to working hours: what was used before is counted anew. Opened on Monday at 11:00, moved at 14:30: two working hours
 * were used (11-12, 13:30-14:30), four of six are left: 3 until 17:30, the last on Tuesday until 10:00. */
static void a_clock_may_change_what_it_counts_in(void **state)
{
    community c = community_make(support_store_of(state), first, NULL);
    community_advance(&c, 120);
    const int64_t id = community_open(&c, "job", "{}"), ended = community_open(&c, "job", "{}");
    community_send(&c, id, "go", NULL, GOV_OK);
    community_send(&c, ended, "go", NULL, GOV_OK);
    community_send(&c, ended, "done", NULL, GOV_OK);
    community_advance(&c, 210);
    gov_rulebook *book = version_two("recompute", "6 working hours");
    gov_value_free(migrate(&c, book, 0));
    assert_int_equal(due(&c, id), 25 * 60);
    gov_value *v = get(&c, id);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.consumed"), NULL), 2 * 3600);
    gov_value_free(v);
    community_advance(&c, 60);
    community_send(&c, id, "hold", NULL, GOV_OK);
    all_is_well(&c);
    community_advance(&c, 60); /* 15:30 to 16:30 */
    community_send(&c, id, "on", NULL, GOV_OK);
    assert_int_equal(due(&c, id), 26 * 60);
    all_is_well(&c);
    gov_rulebook_free(book);
    community_free(&c);
}

/* Who reads what happened under the old version sees no more of it than before. */
static void a_field_that_went_stays_masked_in_the_history(void **state)
{
    community c = community_make(support_store_of(state), first, NULL);
    const int64_t id = community_open(&c, "job", "{'phone': '13800138000'}");
    gov_rulebook *book = version_two("keep", "4 hours");
    gov_error *err = NULL;
    gov_value *v = NULL;
    char *text = NULL;
    gov_value_free(migrate(&c, book, 0));
    assert_gov_ok(gov_case_history(c.g, id, &v, &err), err);
    assert_gov_ok(gov_value_to_json(v, &text, NULL, &err), err);
    assert_null(strstr(text, "13800138000"));
    assert_non_null(strstr(text, "case.migrate"));
    assert_non_null(strstr(text, "138****8000"));
    gov_text_free(text);
    gov_value_free(v);
    assert_gov_ok(gov_journal_read(c.g, 0, 0, &v, &err), err);
    assert_gov_ok(gov_value_to_json(v, &text, NULL, &err), err);
    assert_null(strstr(text, "13800138000"));
    gov_text_free(text);
    gov_value_free(v);
    gov_rulebook_free(book);
    community_free(&c);
}

static size_t found(community *c, const char *field, const char *word)
{
    gov_case_query q = {.size = sizeof q, .workflow = "job", .field = field, .equals = word};
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_list(c->g, &q, &v, &err), err);
    const size_t n = gov_value_count(gov_value_get(v, "cases"));
    gov_value_free(v);
    return n;
}

static void cases_are_found_by_their_new_values(void **state)
{
    community c = community_make(support_store_of(state), first, NULL);
    (void)community_open(&c, "job", "{'note': 'x', 'level': 'high'}");
    (void)community_open(&c, "job", "{'note': 'x', 'level': 'low'}");
    gov_rulebook *book = version_two("keep", "4 hours");
    gov_value_free(migrate(&c, book, 0));
    assert_int_equal(found(&c, "level", "3"), 1);
    assert_int_equal(found(&c, "level", "1"), 1);
    assert_int_equal(found(&c, "level", "high"), 0);
    assert_int_equal(found(&c, "note", "x"), 2);
    gov_rulebook_free(book);
    community_free(&c);
}

/* What is wrong with the map or its version is told for each case, and nothing is touched. */
static void a_map_for_another_version_moves_nothing(void **state)
{
    community c = community_make(support_store_of(state), first, NULL);
    const int64_t id = community_open(&c, "job", "{}");
    char text[8192];
    snprintf(text, sizeof text, second, "keep", "4 hours");
    memcpy(strstr(text, "from: '1'"), "from: '9'", 9);
    gov_rulebook *book = community_rulebook(text);
    gov_value *report = migrate(&c, book, 0);
    assert_text_at(report, "refused_cases.0.why.code", "migrate_version");
    gov_value_free(report);
    assert_state(&c, id, "new");
    gov_rulebook_free(book);
    /* Only the version's name changed in between: the case is of that version, too. */
    snprintf(text, sizeof text, "%s", first);
    memcpy(strstr(text, "version: '1'"), "version: '9'", 12);
    book = community_rulebook(text);
    report = migrate(&c, book, 0);
    assert_int_equal(gov_value_int(gov_value_get(report, "same")), 1);
    gov_value_free(report);
    gov_rulebook_free(book);
    snprintf(text, sizeof text, second, "keep", "4 hours");
    memcpy(strstr(text, "from: '1'"), "from: '9'", 9);
    book = community_rulebook(text);
    report = migrate(&c, book, 0);
    assert_int_equal(gov_value_int(gov_value_get(report, "migrated")), 1);
    gov_value_free(report);
    assert_state(&c, id, "fresh");
    gov_rulebook_free(book);
    community_free(&c);
}

/* Under 2 hours instead of 4 the case that took 3 would have been late; nothing is written, and nothing installed. */
static void a_dry_run_tells_what_past_cases_would_have_come_to(void **state)
{
    community c = community_make(support_store_of(state), first, NULL);
    const int64_t quick = community_open(&c, "job", "{}"), slow = community_open(&c, "job", "{}");
    community_send(&c, quick, "go", NULL, GOV_OK);
    community_send(&c, slow, "go", NULL, GOV_OK);
    community_advance(&c, 60);
    community_send(&c, quick, "done", NULL, GOV_OK);
    community_advance(&c, 120);
    community_send(&c, slow, "done", NULL, GOV_OK);
    const int64_t moved = community_open(&c, "job", "{}"), stays = community_open(&c, "job", "{}");
    community_send(&c, stays, "odd", NULL, GOV_OK);
    gov_rulebook *book = version_two("recompute", "2 hours");
    gov_error *err = NULL;
    gov_value *before = NULL, *after = NULL;
    assert_gov_ok(gov_journal_read(c.g, 0, 1000, &before, &err), err);
    gov_value *report = migrate(&c, book, GOV_MIGRATE_DRY_RUN);
    assert_gov_ok(gov_journal_read(c.g, 0, 1000, &after, &err), err);
    assert_int_equal(gov_value_count(gov_value_get(before, "entries")), gov_value_count(gov_value_get(after, "entries")));
    assert_int_equal(gov_value_int(gov_value_get(report, "migrated")), 1);
    assert_int_equal(gov_value_int(gov_value_get(report, "refused")), 1);
    assert_int_equal(gov_value_int(gov_value_find(report, "past.cases")), 4);
    assert_int_equal(gov_value_int(gov_value_find(report, "past.same")), 2);
    assert_int_equal(gov_value_int(gov_value_find(report, "past.breaches.was")), 0);
    assert_int_equal(gov_value_int(gov_value_find(report, "past.breaches.would")), 1);
    assert_int_equal(gov_value_count(gov_value_find(report, "past.unsure")), 0);
    assert_int_equal(gov_value_count(gov_value_find(report, "past.otherwise")), 2);
    assert_int_equal(gov_value_int(gov_value_find(report, "past.otherwise.0.id")), slow);
    assert_text_at(report, "past.otherwise.0.what.0", "breach");
    assert_int_equal(gov_value_int(gov_value_find(report, "past.otherwise.0.would.breached.term")), 1);
    assert_int_equal(gov_value_int(gov_value_find(report, "past.otherwise.1.id")), stays);
    assert_text_at(report, "past.otherwise.1.would.refused.0", "odd");
    assert_state(&c, moved, "new");
    gov_value_free(report);
    gov_value_free(before);
    gov_value_free(after);
    gov_rulebook_free(book);
    community_send(&c, moved, "go", NULL, GOV_OK); /* under the rules that are in force */
    community_free(&c);
}

/* No tick came since the marks were due: that says nothing against the history, and what is ahead counts for both versions. */
static void a_dry_run_judges_cases_that_no_tick_has_reached(void **state)
{
    community c = community_make(support_store_of(state), first, NULL);
    gov_error *err = NULL;
    const int64_t id = community_open(&c, "job", "{}");
    (void)community_open(&c, "job", "{}");
    community_send(&c, id, "go", NULL, GOV_OK);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(26) * 3600000000, &err), err);
    gov_rulebook *book = community_rulebook(first);
    gov_value *report = migrate(&c, book, GOV_MIGRATE_DRY_RUN);
    assert_int_equal(gov_value_count(gov_value_find(report, "past.unsure")), 0);
    assert_int_equal(gov_value_int(gov_value_find(report, "past.same")), 2);
    assert_int_equal(gov_value_int(gov_value_find(report, "past.breaches.was")), 1);
    assert_int_equal(gov_value_int(gov_value_find(report, "past.breaches.would")), 1);
    gov_value_free(report);
    gov_rulebook_free(book);
    community_free(&c);
}

/* ---- a clock that was late already ---- */

static const gov_value *told(const gov_value *v, const char *what)
{
    const gov_value *lines = gov_value_find(v, "clocks.0.lines");
    for (size_t i = 0; i < gov_value_count(lines); i++)
        if (strcmp(gov_value_string(gov_value_get(gov_value_at(lines, i), "what"), NULL), what) == 0)
            return gov_value_at(lines, i);
    fail_msg("no line \"%s\"", what);
    return NULL;
}

static int64_t minute_of(const gov_value *line, const char *key)
{
    const gov_value *at = gov_value_get(line, key);
    return gov_value_kind(at) == GOV_VALUE_TIMESTAMP ? (gov_value_seconds(at, NULL) - COMMUNITY_START / 1000000) / 60 : -1;
}

/* Four hours are over after four; the rules change after six, whether the host has ticked or not. What was recorded stays, and the
 * account says what the new rules made of it: still overdue by the same instant, by a later one, or no longer. */
static void breach_then(void **state, const char *budget, int64_t due_at, bool overdue, bool ticked)
{
    community c = community_make(support_store_of(state), first, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    const int64_t id = community_open(&c, "job", "{}");
    community_send(&c, id, "go", NULL, GOV_OK);
    if (ticked)
        (void)community_advance(&c, 241);
    assert_gov_ok(gov_set_now(c.g, COMMUNITY_START + INT64_C(360) * 60000000, &err), err);
    gov_rulebook *book = version_two("recompute", budget);
    gov_value_free(migrate(&c, book, 0));
    gov_rulebook_free(book);
    assert_int_equal(number(&c, id, "fields.told"), 11); /* half and late, under the old rules */
    assert_gov_ok(gov_case_explain(c.g, id, &v, &err), err);
    assert_int_equal(minute_of(told(v, "breach"), "due"), 240);
    const gov_value *moved = told(v, "migrate");
    assert_text_at(moved, "version_was", "1");
    assert_text_at(moved, "length", budget);
    assert_int_equal(minute_of(moved, "due"), due_at);
    assert_int_equal(minute_of(moved, "was"), due_at != 240 ? 240 : -1);
    assert_int_equal(gov_value_bool(gov_value_find(v, "clocks.0.breached")), 1);
    assert_int_equal(gov_value_bool(gov_value_find(v, "clocks.0.overdue")), overdue);
    assert_int_equal(minute_of(gov_value_find(v, "clocks.0"), "breached_at"), 240);
    gov_value_free(v);
    all_is_well(&c);
    (void)community_advance(&c, 300);
    community_send(&c, id, "done", NULL, GOV_OK);
    all_is_well(&c);
    community_free(&c);
}

static void a_breach_stays_when_the_budget_shrinks(void **state)
{
    breach_then(state, "2 hours", 240, true, true);
}

static void a_breach_stays_when_the_new_budget_is_over_too(void **state)
{
    breach_then(state, "5 hours", 300, true, true);
}

static void a_breach_stays_when_there_is_time_again(void **state)
{
    breach_then(state, "10 hours", 600, false, true);
}

static void what_was_due_before_a_migration_happened_before_it(void **state)
{
    breach_then(state, "10 hours", 600, false, false);
}

/* ---- timers of states ---- */

static const char reminds[] = HEAD("1")
    "workflow: job\nfields: {told: {type: int, default: 0}}\nevents: {go: {by: [desk]}}\n"
    "states:\n"
    "  new: {on: {go: work}, after: {delay: 1 hour, do: [{set: {told: case.told + 1}}]}}\n"
    "  work: {on: {go: new}}\n";

static const char reminds_more[] = HEAD("2")
    "workflow: job\nmigrate: {from: '1', states: {work: task.busy}, timers: %s}\n"
    "fields: {told: {type: int, default: 0}}\nevents: {go: {by: [desk]}}\n"
    "states:\n"
    "  new:\n"
    "    on: {go: task}\n"
    "    after: [{delay: 2 hours, do: [{set: {told: case.told + 1}}]}, {delay: 5 hours, do: [{set: {told: case.told + 10}}]}]\n"
    "  task:\n"
    "    after: {delay: 3 hours, do: [{set: {told: case.told + 100}}]}\n"
    "    states:\n"
    "      busy: {after: {delay: 1 hour, do: [{set: {told: case.told + 1000}}]}, on: {go: new}}\n";

/* Opened at 9:00, one moved on at 9:30; the rules change at 11:00. */
static void timers_of_a_stay_that_goes_on(void **state, const char *timers)
{
    community c = community_make(support_store_of(state), reminds, NULL);
    char text[4096];
    const int64_t stays = community_open(&c, "job", "{}"), moves = community_open(&c, "job", "{}");
    (void)community_advance(&c, 30);
    community_send(&c, moves, "go", NULL, GOV_OK);
    (void)community_advance(&c, 90);
    assert_int_equal(number(&c, stays, "fields.told"), 1);
    assert_true(snprintf(text, sizeof text, reminds_more, timers) < (int)sizeof text);
    gov_rulebook *book = community_rulebook(text);
    gov_value_free(migrate(&c, book, 0));
    gov_rulebook_free(book);
    (void)community_advance(&c, 0);
    assert_int_equal(number(&c, moves, "fields.told"), 1000); /* since 10:30: at once */
    (void)community_advance(&c, 89);                          /* 12:29 */
    assert_int_equal(number(&c, moves, "fields.told"), 1000);
    (void)community_advance(&c, 1);
    assert_int_equal(number(&c, moves, "fields.told"), 1100);
    (void)community_advance(&c, 89); /* 13:59 */
    assert_int_equal(number(&c, stays, "fields.told"), 1);
    (void)community_advance(&c, 1);
    assert_int_equal(number(&c, stays, "fields.told"), 11);
    (void)community_advance(&c, 6000);
    assert_int_equal(number(&c, stays, "fields.told"), 11);
    assert_int_equal(number(&c, moves, "fields.told"), 1100);
    community_send(&c, moves, "go", NULL, GOV_OK); /* another stay has its timers anew */
    (void)community_advance(&c, 6000);
    assert_int_equal(number(&c, moves, "fields.told"), 1111);
    all_is_well(&c);
    community_free(&c);
}

static void a_timer_that_fired_does_not_fire_again(void **state)
{
    timers_of_a_stay_that_goes_on(state, "keep");
}

static void a_new_timer_counts_from_the_entry_of_the_state(void **state)
{
    timers_of_a_stay_that_goes_on(state, "recompute");
}

/* ---- without memory ---- */

typedef struct short_of {
    const char *url;
    const gov_rulebook *book;
} short_of;

/* A dry run, then the real one, undone: each time the same cases. */
static gov_status move_in_want(const gov_allocator *alloc, void *user)
{
    const short_of *s = user;
    gov_options o;
    gov_store *store = NULL;
    gov *g = NULL;
    gov_error *err = NULL;
    gov_value *report = NULL;
    gov_options_init(&o, sizeof o);
    o.alloc = alloc;
    gov_status status = gov_store_open(s->url, &o, &store, &err);
    if (status == GOV_OK)
        status = gov_attach(store, NULL, &g, &err);
    if (status == GOV_OK)
        status = gov_act_as_host(g, "test", &err);
    if (status == GOV_OK)
        status = gov_set_now(g, COMMUNITY_START + INT64_C(3600000000), &err);
    if (status == GOV_OK)
        status = gov_migrate(g, s->book, GOV_MIGRATE_DRY_RUN, &report, &err);
    gov_value_free(report);
    report = NULL;
    if (status == GOV_OK)
        status = gov_begin(g, &err);
    if (status == GOV_OK) {
        status = gov_migrate(g, s->book, 0, &report, &err);
        gov_error *undone = NULL;
        (void)gov_rollback(g, &undone);
        gov_error_free(undone);
    }
    gov_value_free(report);
    gov_free(g);
    gov_store_free(store);
    gov_error_free(err);
    return status;
}

static void moving_without_memory(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, first, NULL);
    int64_t id[4];
    open_only(&c, id);
    community_send(&c, id[3], "done", NULL, GOV_OK);
    community_free(&c);
    gov_rulebook *book = version_two("recompute", "6 working hours");
    short_of in = {s->url, book};
    oom_loop(move_in_want, &in);
    gov_rulebook_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(what_can_be_mapped_moves_and_the_rest_stays),
        STORE_TESTS(kept_clocks_and_timers_stay_due_when_they_were),
        STORE_TESTS(a_breach_stays_when_the_budget_shrinks),
        STORE_TESTS(a_breach_stays_when_the_new_budget_is_over_too),
        STORE_TESTS(a_breach_stays_when_there_is_time_again),
        STORE_TESTS(what_was_due_before_a_migration_happened_before_it),
        STORE_TESTS(recomputed_ones_follow_the_new_rule_from_where_they_began),
        STORE_TESTS(a_timer_that_fired_does_not_fire_again),
        STORE_TESTS(a_new_timer_counts_from_the_entry_of_the_state),
        STORE_TESTS(a_clock_may_change_what_it_counts_in),
        STORE_TESTS(a_field_that_went_stays_masked_in_the_history),
        STORE_TESTS(cases_are_found_by_their_new_values),
        STORE_TESTS(a_map_for_another_version_moves_nothing),
        STORE_TESTS(a_dry_run_tells_what_past_cases_would_have_come_to),
        STORE_TESTS(a_dry_run_judges_cases_that_no_tick_has_reached),
        STORE_TEST(moving_without_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
