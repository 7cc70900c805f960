/* Cases among others: bundles with a joint deadline, messages, duplicates, recurrences, returned tickets, reopening. */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

#define HEAD                                                                                                      \
    "rulebook: families\nversion: '1'\ntime_zone: Asia/Shanghai\ncalendar: cn\nroles: {desk: {}}\n"                \
    "permissions: {case.open: [desk], case.read: [desk]}\n---\n"                                                   \
    "calendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\nyears: {2026: {off: [2026-04-04..2026-04-06]}}\n---\n"

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

static void text_is(community *c, int64_t id, const char *path, const char *want)
{
    gov_value *v = get(c, id);
    assert_text_at(v, path, want);
    gov_value_free(v);
}

static size_t size_of(community *c, int64_t id, const char *path)
{
    gov_value *v = get(c, id);
    const size_t n = gov_value_count(gov_value_find(v, path));
    gov_value_free(v);
    return n;
}

/* ---- one thing: nine items, one form ---- */

static const char bundle[] = HEAD
    "workflow: newborn\n"
    "fields: {items: {type: list}, told: {type: int, default: 0}}\n"
    "events: {finish: {by: [desk]}}\n"
    "clocks: {joint: {starts: [working], stops: [ready], budget: 5 working days, marks: {100%: late}},\n"
    "         apart: {starts: [working], stops: [ready], budget: 30 working days}}\n"
    "states:\n"
    "  working:\n"
    "    entry: [{open: {workflow: item, link: item, each: case.items, as: it, key: it.name,\n"
    "                    fields: {name: it.name, needs: it.needs, due_by: clocks.joint.due}}}]\n"
    "    on:\n"
    "      child.finished: {do: [{send: {event: sibling, to: children, data: '{\"name\": event.data.name}'}}]}\n"
    "      child.done: {when: 'case.children.all(c, c.ended)', to: ready}\n"
    "      child.ask: {do: [{send: {event: answer, to: sender, data: '{\"told\": case.told + 1}'}}, {set: {told: case.told + 1}}]}\n"
    "      late: {do: [{set: {told: 100}}]}\n"
    "  ready: {type: final, outcome: ready}\n"
    "---\n"
    "workflow: item\n"
    "fields: {name: {type: string}, needs: {type: list}, due_by: {type: timestamp}, told: {type: int, default: 0}}\n"
    "events: {sibling: {input: {name: {type: string}}}, answer: {input: {told: {type: int}}}, finish: {by: [desk]}, ask: {by: [desk]}}\n"
    "clocks: {joint: {starts: [waiting], stops: [done], due: case.due_by}}\n"
    "states:\n"
    "  waiting:\n"
    "    on: {sibling: {do: [{set: {needs: 'case.needs.filter(n, n != event.data.name)'}}]}}\n"
    "    always: {when: size(case.needs) == 0, to: open}\n"
    "  open:\n"
    "    on:\n"
    "      finish: {to: done, do: [{send: {event: finished, to: parent, data: '{\"name\": case.name}'}}]}\n"
    "      ask: {do: [{send: {event: ask, to: parent}}]}\n"
    "      answer: {do: [{set: {told: event.data.told}}]}\n"
    "  done: {type: final, outcome: done}\n";

/* i6 waits for i1 and i2, i9 for i6; the rest may begin at once. */
static const char nine[] =
    "{'items': [{'name': 'i1', 'needs': []}, {'name': 'i2', 'needs': []}, {'name': 'i3', 'needs': []}, {'name': 'i4', 'needs': []},"
    "{'name': 'i5', 'needs': []}, {'name': 'i6', 'needs': ['i1', 'i2']}, {'name': 'i7', 'needs': []}, {'name': 'i8', 'needs': []},"
    "{'name': 'i9', 'needs': ['i6']}]}";

static void read_children(community *c, int64_t id, int64_t out[9])
{
    gov_value *v = get(c, id);
    const gov_value *list = gov_value_get(v, "children");
    assert_int_equal(gov_value_count(list), 9);
    for (size_t i = 0; i < 9; i++)
        out[i] = gov_value_int(gov_value_at(list, i));
    gov_value_free(v);
}

static void nine_items_are_one_thing_with_one_deadline(void **state)
{
    community c = community_make(support_store_of(state), bundle, NULL);
    const int64_t id = community_open(&c, "newborn", nine);
    int64_t item[9];
    gov_error *err = NULL;
    read_children(&c, id, item);
    gov_value *v = get(&c, id);
    /* 2 March excluded: the 3rd to the 6th and the 9th; thirty days with the 4th to 6th of April off end on 14 April. */
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.due"), NULL), 1773048600); /* 2026-03-09T17:30+08 */
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.1.due"), NULL), 1776159000); /* 2026-04-14T17:30+08 */
    gov_value_free(v);
    v = get(&c, item[3]);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.due"), NULL), 1773048600);
    gov_value_free(v);
    assert_state(&c, item[0], "open");
    assert_state(&c, item[5], "waiting");
    community_send(&c, item[5], "finish", NULL, GOV_E_REFUSED);
    for (int i = 0; i < 5; i++)
        community_send(&c, item[i], "finish", NULL, GOV_OK);
    community_advance(&c, 1);
    assert_state(&c, item[5], "open");
    assert_state(&c, item[8], "waiting");
    community_send(&c, item[6], "finish", NULL, GOV_OK);
    community_send(&c, item[7], "finish", NULL, GOV_OK);
    community_send(&c, item[5], "finish", NULL, GOV_OK);
    community_advance(&c, 1);
    assert_state(&c, id, "working"); /* eight of nine are not done */
    community_send(&c, item[8], "finish", NULL, GOV_OK);
    community_advance(&c, 1);
    assert_state(&c, id, "ready");
    assert_int_equal(number(&c, id, "fields.told"), 0);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

/* Two of nine ask; each gets its own answer. */
static void who_asked_is_answered(void **state)
{
    community c = community_make(support_store_of(state), bundle, NULL);
    const int64_t id = community_open(&c, "newborn", nine);
    int64_t item[9];
    read_children(&c, id, item);
    community_send(&c, item[1], "ask", NULL, GOV_OK);
    community_advance(&c, 1);
    community_send(&c, item[0], "ask", NULL, GOV_OK);
    community_advance(&c, 1);
    assert_int_equal(number(&c, item[1], "fields.told"), 1);
    assert_int_equal(number(&c, item[0], "fields.told"), 2);
    assert_int_equal(number(&c, item[2], "fields.told"), 0);
    community_free(&c);
}

/* ---- returned tickets ---- */

static const char tickets[] = HEAD
    "workflow: ticket\n"
    "fields: {returns: {type: int, default: 0}, reason: {type: string}}\n"
    "events:\n"
    "  dispatch: {by: [desk], input: {unit: {type: unit, required: true}}}\n"
    "  give_back: {by: [desk], input: {reason: {type: string, required: true, one_of: [not_ours, unclear]}}}\n"
    "  rule: {by: [desk], input: {granted: {type: bool, required: true}}}\n"
    "  escalate: {by: [desk]}\n"
    "clocks: {own: {starts: [dispatch], stops: [closed], budget: 8 hours, paused_in: [asked], per: holder},\n"
    "         all: {starts: [dispatch], stops: [closed], budget: 8 hours, paused_in: [asked], per: case}}\n"
    "states:\n"
    "  received: {on: {dispatch: {to: handling, do: [{assign: {unit: event.data.unit}}]}}}\n"
    "  handling:\n"
    "    on:\n"
    "      give_back: {when: case.returns < 2, to: asked, do: [{set: {returns: case.returns + 1, reason: event.data.reason}}]}\n"
    "      escalate: {when: case.ping_pongs >= 1, to: closed}\n"
    "  asked: {on: {rule: [{when: event.data.granted, to: received}, {to: handling}]}}\n"
    "  closed: {type: final, outcome: supervised}\n";

static void a_ticket_goes_back_with_a_reason_a_limit_and_a_ruling(void **state)
{
    community c = community_make(support_store_of(state), tickets, NULL);
    community_put(&c, "unit", "U1", "{'name': '物业'}");
    community_put(&c, "unit", "U2", "{'name': '城管'}");
    const int64_t id = community_open(&c, "ticket", "{}");
    community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    community_send(&c, id, "give_back", "{}", GOV_E_INPUT);
    community_send(&c, id, "give_back", "{'reason': 'lazy'}", GOV_E_INPUT);
    community_send(&c, id, "give_back", "{'reason': 'not_ours'}", GOV_OK);
    community_send(&c, id, "rule", "{'granted': true}", GOV_OK);
    community_send(&c, id, "dispatch", "{'unit': 'U2'}", GOV_OK);
    assert_int_equal(number(&c, id, "ping_pongs"), 0);
    community_send(&c, id, "escalate", NULL, GOV_E_REFUSED);
    community_send(&c, id, "give_back", "{'reason': 'unclear'}", GOV_OK);
    community_send(&c, id, "rule", "{'granted': false}", GOV_OK);
    assert_state(&c, id, "handling"); /* it stays with U2 */
    assert_int_equal(size_of(&c, id, "holders"), 2);
    community_send(&c, id, "give_back", "{'reason': 'unclear'}", GOV_E_REFUSED); /* twice is enough */
    assert_int_equal(number(&c, id, "fields.returns"), 2);
    community_free(&c);
}

static void tickets_that_go_to_and_fro_are_counted(void **state)
{
    static const char *const units[] = {"{'unit': 'U1'}", "{'unit': 'U2'}", "{'unit': 'U1'}"};
    community c = community_make(support_store_of(state), tickets, NULL);
    community_put(&c, "unit", "U1", "{'name': '物业'}");
    community_put(&c, "unit", "U2", "{'name': '城管'}");
    const int64_t id = community_open(&c, "ticket", "{}");
    for (int i = 0; i < 3; i++) {
        community_send(&c, id, "dispatch", units[i], GOV_OK);
        community_advance(&c, 60);
        if (i < 2) {
            community_send(&c, id, "give_back", "{'reason': 'not_ours'}", GOV_OK);
            community_advance(&c, 30); /* waits for the ruling: nobody's time */
            community_send(&c, id, "rule", "{'granted': true}", GOV_OK);
        }
    }
    assert_int_equal(number(&c, id, "ping_pongs"), 1);
    text_is(&c, id, "holders.0", "U1");
    text_is(&c, id, "holders.1", "U2");
    text_is(&c, id, "holders.2", "U1");
    gov_value *v = get(&c, id);
    /* The holder's clock began when it came back; the case's own has run for three hours. */
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.0.consumed"), NULL), 3600);
    assert_int_equal(gov_value_seconds(gov_value_find(v, "clocks.1.consumed"), NULL), 3 * 3600);
    gov_value_free(v);
    community_send(&c, id, "escalate", NULL, GOV_OK);
    community_free(&c);
}

/* ---- duplicates and recurrences ---- */

static const char noises[] = HEAD
    "workflow: noise\n"
    "fields: {place: {type: string, indexed: true}, reports: {type: int, default: 1}, sources: {type: list},\n"
    "         relapse: {type: bool, default: false}}\n"
    "events: {same_as: {by: [desk], input: {other: {type: case, required: true}}}, look: {by: [desk]}, finish: {by: [desk]},\n"
    "         again: {by: [desk]}}\n"
    "states:\n"
    "  heard:\n"
    "    entry:\n"
    "      - if: \"cases('noise', 'place', case.place).exists(c, c.ended && c.outcome == 'quiet' && now - c.closed_at < "
    "duration('240h'))\"\n"
    "        then:\n"
    "          - set: {relapse: 'true'}\n"
    "          - link: {to: \"cases('noise', 'place', case.place).filter(c, c.ended && c.outcome == 'quiet')[0].id\", "
    "as: recurrence_of}\n"
    "    on:\n"
    "      same_as: {to: ended.twin, do: [{merge: {into: event.data.other}}]}\n"
    "      child.merged: {do: [{set: {reports: 'case.reports + event.data.fields.reports', sources: "
    "'case.sources + [event.data.number]'}}]}\n"
    "      child.done: {do: [{log: looked}]}\n"
    "      look: {do: [{open: {workflow: visit, link: visit}}]}\n"
    "      finish: ended.quiet\n"
    "  ended:\n"
    "    states: {quiet: {type: final, outcome: quiet}, twin: {type: final, outcome: duplicate}}\n"
    "---\n"
    "workflow: visit\n"
    "fields: {seen: {type: int, default: 0}}\n"
    "events: {done: {by: [desk]}, wrong: {by: [desk]}}\n"
    "states:\n"
    "  all:\n"
    "    states:\n"
    "      steps: {initial: one, states: {one: {on: {done: two}}, two: {on: {done: over}}, h: {type: history, to: one}}}\n"
    "      over: {type: final, outcome: seen}\n"
    "    on: {wrong: {to: all.steps.h}}\n";

/* Three reports of one place are one issue; what came with the others is kept. */
static void reports_of_one_thing_are_merged(void **state)
{
    community c = community_make(support_store_of(state), noises, NULL);
    gov_error *err = NULL;
    int64_t id[3];
    char json[64];
    for (int i = 0; i < 3; i++)
        id[i] = community_open(&c, "noise", "{'place': 'gate', 'sources': []}");
    community_send(&c, id[1], "look", NULL, GOV_OK);
    const int64_t visit = number(&c, id[1], "children.0");
    snprintf(json, sizeof json, "{'other': %lld}", (long long)id[0]);
    community_send(&c, id[0], "same_as", json, GOV_E_REFUSED); /* itself */
    community_send(&c, id[1], "same_as", json, GOV_OK);
    snprintf(json, sizeof json, "{'other': %lld}", (long long)id[1]);
    community_send(&c, id[2], "same_as", json, GOV_OK); /* the same as what is the same as the first */
    community_send(&c, id[0], "same_as", json, GOV_E_REFUSED); /* round in a circle */
    community_advance(&c, 1);
    assert_int_equal(number(&c, id[0], "fields.reports"), 3);
    assert_int_equal(size_of(&c, id[0], "fields.sources"), 2);
    assert_int_equal(size_of(&c, id[0], "links"), 2);
    text_is(&c, id[0], "links.0.link", "merged");
    text_is(&c, id[2], "links.0.link", "duplicate_of");
    assert_int_equal(number(&c, id[2], "links.0.case"), id[0]);
    text_is(&c, id[1], "outcome", "duplicate");
    text_is(&c, id[1], "fields.place", "gate"); /* nothing of it is lost */
    assert_int_equal(number(&c, visit, "parent"), id[0]);
    community_send(&c, visit, "done", NULL, GOV_OK);
    community_send(&c, visit, "done", NULL, GOV_OK);
    assert_int_equal(community_advance(&c, 1).failed, 0);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

/* Within ten days after it was settled the same place is a relapse; on the eleventh it is a new one. */
static void what_comes_again_is_a_relapse(void **state)
{
    community c = community_make(support_store_of(state), noises, NULL);
    const int64_t first = community_open(&c, "noise", "{'place': 'gate'}"), other = community_open(&c, "noise", "{'place': 'hall'}");
    community_send(&c, first, "finish", NULL, GOV_OK);
    community_send(&c, other, "finish", NULL, GOV_OK);
    community_advance(&c, 10 * 24 * 60 - 1);
    const int64_t second = community_open(&c, "noise", "{'place': 'gate'}");
    community_advance(&c, 1);
    const int64_t late = community_open(&c, "noise", "{'place': 'hall'}");
    gov_value *v = get(&c, second);
    assert_true(gov_value_bool(gov_value_find(v, "fields.relapse")));
    assert_text_at(v, "links.0.link", "recurrence_of");
    assert_int_equal(gov_value_int(gov_value_find(v, "links.0.case")), first);
    gov_value_free(v);
    v = get(&c, late);
    assert_false(gov_value_bool(gov_value_find(v, "fields.relapse")));
    assert_int_equal(gov_value_count(gov_value_get(v, "links")), 0);
    gov_value_free(v);
    community_free(&c);
}

/* ---- reopening ---- */

static void a_case_that_is_opened_again_goes_on_where_it_was(void **state)
{
    community c = community_make(support_store_of(state), noises, NULL);
    const int64_t id = community_open(&c, "noise", "{'place': 'gate'}");
    community_send(&c, id, "look", NULL, GOV_OK);
    const int64_t visit = number(&c, id, "children.0");
    gov_error *err = NULL;
    gov_value *v = NULL;
    char *text = NULL;
    community_send(&c, visit, "done", NULL, GOV_OK);
    community_send(&c, visit, "done", NULL, GOV_OK);
    assert_state(&c, visit, "all.over");
    v = get(&c, visit);
    assert_int_equal(gov_value_kind(gov_value_get(v, "closed_at")), GOV_VALUE_TIMESTAMP);
    gov_value_free(v);
    community_send(&c, visit, "wrong", NULL, GOV_OK);
    assert_state(&c, visit, "all.steps.two");
    v = get(&c, visit);
    assert_int_equal(gov_value_kind(gov_value_get(v, "closed_at")), GOV_VALUE_NULL);
    assert_int_equal(gov_value_kind(gov_value_get(v, "outcome")), GOV_VALUE_NULL);
    gov_value_free(v);
    community_advance(&c, 1);
    assert_gov_ok(gov_case_history(c.g, id, &v, &err), err); /* the parent heard of both */
    assert_gov_ok(gov_value_to_json(v, &text, NULL, &err), err);
    assert_non_null(strstr(text, "child.done"));
    assert_non_null(strstr(text, "child.reopened"));
    gov_text_free(text);
    gov_value_free(v);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(nine_items_are_one_thing_with_one_deadline),
        STORE_TESTS(who_asked_is_answered),
        STORE_TESTS(a_ticket_goes_back_with_a_reason_a_limit_and_a_ruling),
        STORE_TESTS(tickets_that_go_to_and_fro_are_counted),
        STORE_TESTS(reports_of_one_thing_are_merged),
        STORE_TESTS(what_comes_again_is_a_relapse),
        STORE_TESTS(a_case_that_is_opened_again_goes_on_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
