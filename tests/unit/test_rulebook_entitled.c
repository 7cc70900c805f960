/* What the law grants does not hang on points or hours: each way by which rules could let them count is tried, and refused with its place. */
#include "support/support.h"

#include <gov.h>
#include <string.h>

#define HEAD                                                                                                  \
    "rulebook: tiny\nversion: '1'\nlanguages: [zh, en]\ntime_zone: Asia/Shanghai\nroles: {officer: {}}\n"       \
    "permissions: {case.open: [officer]}\n"
#define BANK "---\ntime_bank: hours_bank\nledger: 3\nskills: {company: {}}\n"
#define POINTS "---\npoints: green\nledger: 7\nholder: resident\nearn: {gift: {}}\n"
#define RELIEF(more, inside)                                                                                  \
    "---\nworkflow: relief\nstatutory: true\nfields: {who: {type: resident}, n: {type: int, default: 0}}\n" more \
    "events: {ask: {by: [officer]}}\nstates:\n  a: {on: {ask: " inside "}}\n  b: {type: final}\n"
/* A case that keeps what it has read of points in a field. */
#define RICH                                                                                                  \
    "---\nworkflow: rich\nfields: {who: {type: resident, indexed: true}, n: {type: int, default: 0}}\nevents: {go: {by: [officer]}}\n" \
    "states: {a: {on: {go: {to: b, do: [{set: {n: \"balance(case.who, 'green')\"}}]}}}, b: {type: final}}\n"
#define TELLER(event)                                                                                         \
    "---\nworkflow: teller\nfields: {who: {type: resident}}\nevents: {go: {by: [officer]}}\nstates:\n"           \
    "  a: {on: {go: {to: b, when: \"hours(case.who) > 5\", do: [{send: {event: " event ", to: friend}}]}}}\n  b: {type: final}\n"

static const struct {
    const char *what, *text, *code; /* code NULL: the rules are fine */
} rules[] = {
    {"minutes, without any points programme", HEAD BANK RELIEF("", "{when: minutes(case.who) > 5, to: b}"), "points_statutory"},
    {"hours of a named bank, into a field", HEAD BANK RELIEF("", "{to: b, do: [{set: {n: \"hours(case.who, 'hours_bank')\"}}]}"), "points_statutory"},
    {"hours as a price", HEAD BANK RELIEF("", "{to: b, do: [{transfer: {ledger: hours_bank, from: case.who, to: \"'pool'\", amount: '60'}}]}"),
     "points_statutory"},
    {"hours in a role's condition", HEAD BANK RELIEF("roles: {busy: {when: minutes(case.who) > 600}}\n", "{by: [busy], to: b}"), "points_statutory"},
    {"hours in a deadline", HEAD BANK RELIEF("clocks: {c: {starts: [a], stops: [b], budget: [{when: hours(case.who) > 5, is: 1 days}, {is: 9 days}]}}\n", "b"),
     "points_statutory"},
    {"hours when cases go over to these rules", HEAD BANK RELIEF("migrate: {from: '0', fields: {n: 'hours(case.who)'}}\n", "b"), "points_statutory"},
    {"hours in a list of cases opened", HEAD BANK RELIEF("", "{to: b, do: [{open: {workflow: part, each: '[1, 2].filter(x, hours(case.who) > x)', as: x}}]}")
     "---\nworkflow: part\nstates: {a: {type: final}}\n", "points_statutory"},
    {"points of other cases' fields", HEAD POINTS RICH RELIEF("", "{when: \"cases('rich', 'who', case.who).exists(c, true)\", to: b}"), "points_statutory_path"},
    {"the same in a role's condition", HEAD POINTS RICH RELIEF("roles: {known: {when: \"size(cases('rich', 'who', case.who)) > 0\"}}\n", "{by: [known], to: b}"),
     "points_statutory_path"},
    {"a workflow that is named when the time comes", HEAD POINTS RICH
     RELIEF("", "{when: \"size(cases(case.n > 0 ? 'rich' : 'relief', 'who', case.who)) > 0\", to: b}"), "points_statutory_path"},
    {"how many such cases there are", HEAD POINTS RICH RELIEF("", "{when: \"count('rich') > 0\", to: b}"), "points_statutory_path"},
    {"points in the filter of a count", HEAD POINTS RELIEF("", "{when: \"count('resident', \\\"balance(it.id, 'green') > 5\\\") > 0\", to: b}"),
     "points_statutory"},
    {"a filter that is made up when the time comes", HEAD POINTS RELIEF("", "{when: \"count('resident', 'it.id == ' + string(case.n)) > 0\", to: b}"),
     "points_statutory"},
    {"a schedule that looks such cases up and opens the claims", HEAD POINTS RICH RELIEF("", "b")
     "---\nschedule: claims\nover: {resident: \"size(cases('rich', 'who', it.id)) > 0\"}\nevery: 1 month\n"
     "do: [{open: {workflow: relief, fields: {who: it.id}}}]\n", "points_statutory_path"},
    {"an event by a link", HEAD BANK TELLER("told") RELIEF("", "b, told: b"), "points_statutory_path"},
    {"an event that a prefix takes", HEAD BANK TELLER("told.rich") RELIEF("", "b, told: b"), "points_statutory_path"},
    {"an event among several", HEAD BANK TELLER("told") RELIEF("", "b, 'heard told': b") TELLER("heard"), "points_statutory_path"},
    {"an event that stops a clock", HEAD BANK TELLER("told")
     RELIEF("clocks: {c: {starts: [a], stops: [told], budget: 3 days, marks: {100%: late}}}\n", "b, late: b"), "points_statutory_path"},
    {"a case that was merged into it", HEAD BANK
     "---\nworkflow: teller\nfields: {who: {type: resident}, into: {type: case}}\nevents: {go: {by: [officer]}}\nstates:\n"
     "  a: {on: {go: {to: b, when: \"hours(case.who) > 5\", do: [{merge: {into: case.into}}]}}}\n  b: {type: final}\n"
     RELIEF("", "b, child.merged: b"), "points_statutory_path"},
    /* What is no matter of points. */
    {"how many residents there are", HEAD POINTS RELIEF("", "{when: \"count('resident', 'it.key == \\\"x\\\"') >= 0\", to: b}"), NULL},
    {"hours where nobody has a claim", HEAD BANK "---\nworkflow: thanks\nfields: {who: {type: resident}}\nevents: {go: {by: [officer]}}\n"
     "states: {a: {on: {go: {when: hours(case.who) > 5, to: b}}}, b: {type: final}}\n" RELIEF("", "b"), NULL},
    {"money that a relief pays", HEAD "---\nfund: aid\nledger: 9\ncontributions: voluntary\npurposes: {relief: {}}\n"
     RELIEF("", "{to: b, do: [{transfer: {id: pay, ledger: aid, from: \"'fund'\", to: \"'relief'\", amount: '5', pending: 5 days}}]}"), NULL},
};

static void earnings_reach_no_claim(void **state)
{
    int missed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        gov_error *err = NULL;
        gov_rulebook *book = NULL;
        char path[512];
        char *dir = support_tmpdir();
        support_write(support_path(path, dir, "rulebook.yaml"), rules[i].text, strlen(rules[i].text));
        const gov_status status = gov_rulebook_load(NULL, path, 0, &book, &err);
        bool found = rules[i].code == NULL && status == GOV_OK;
        for (size_t k = 0; rules[i].code != NULL && k < gov_error_count(err); k++)
            found = found || (strcmp(gov_error_code(err, k), rules[i].code) == 0 && gov_error_line(err, k) > 0);
        if (!found) {
            print_message("%s: wanted %s of:\n%s\n", rules[i].what, rules[i].code != NULL ? rules[i].code : "nothing", rules[i].text);
            support_print_error(err);
        }
        missed += !found;
        gov_error_free(err);
        gov_rulebook_free(book);
        support_rmdir(dir);
    }
    assert_int_equal(missed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(earnings_reach_no_claim)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
