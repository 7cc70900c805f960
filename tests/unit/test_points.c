/* Points from the outside, and the ledger's public calls: earned by a rule, given by hand, added up. */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

#define HEAD                                                                              \
    "rulebook: tiny\n"                                                                    \
    "version: '1'\n"                                                                      \
    "languages: [zh, en]\n"                                                               \
    "time_zone: Asia/Shanghai\n"                                                          \
    "roles: {officer: {title: {zh: 网格员}}}\n"                                        \
    "permissions: {case.open: [officer], case.read: [officer], points.read: [officer]}\n" \
    "values: {sorting: {is: 5, source: test}}\n"
#define PROGRAMME                                                                               \
    "---\n"                                                                                     \
    "points: green\n"                                                                           \
    "title: {zh: 绿色账户, en: Green}\n"                                                    \
    "ledger: 7\n"                                                                               \
    "holder: household\n"                                                                       \
    "earn: {sorting: {title: {zh: 分类, en: Sorting}, amount: values.sorting}, patrol: {}}\n" \
    "deduct: {mixed: {title: {zh: 混投}, amount: '2', evidence: optional}}\n"
#define WORKFLOW(effects)                                                                        \
    "---\n"                                                                                      \
    "workflow: check\n"                                                                          \
    "fields:\n"                                                                                  \
    "  who: {type: household}\n"                                                                 \
    "  seen: {type: int, default: -1}\n"                                                         \
    "events: {pass: {by: [officer]}, fail: {by: [officer]}, odd: {by: [officer]}, look: {by: "   \
    "[officer]}}\n"                                                                              \
    "states:\n"                                                                                  \
    "  waiting:\n"                                                                               \
    "    on:\n" effects                                                                          \
    "      look: {do: [{set: {seen: \"balance(case.who, 'green') + balance(case.who, 7)\"}}]}\n" \
    "      odd: {do: [{award: {account: case.who, points: 'case.seen < 1000 ? -3 : 0', reason: sorting}}]}\n"          \
    "      fail: {do: [{deduct: {account: case.who, reason: mixed}}]}\n"                         \
    "    after: {delay: 30 days, to: over}\n"                                                    \
    "  over: {type: final}\n"

static const char rules[] = HEAD PROGRAMME WORKFLOW(
    "      pass: {do: [{award: {account: case.who, points: values.sorting, reason: sorting}}]}\n");

static int64_t balance(community *c, const char *kind, const char *key)
{
    gov_error *err = NULL;
    int64_t points = -1;
    assert_gov_ok(gov_points_balance(c->g, NULL, kind, key, &points, &err), err);
    return points;
}

static void people(community *c)
{
    community_put(c, "household", "h1", "{'name': '1-101'}");
    community_put(c, "household", "h2", "{'name': '1-102'}");
    community_put(c, "resident", "r1", "{'name': '周', 'household': 'h1'}");
    community_put(c, "resident", "r2", "{'name': '吴'}");
    community_put(c, "staff", "li", "{'name': '李', 'roles': ['officer']}");
}

static void assert_sums_to_zero(community *c, int64_t outstanding)
{
    gov_error *err = NULL;
    gov_value *totals = NULL, *report = NULL;
    int64_t n = -1;
    assert_gov_ok(gov_points_totals(c->g, &totals, &err), err);
    n = gov_value_int(gov_value_find(totals, "0.sum"));
    assert_int_equal(n, 0);
    n = gov_value_int(gov_value_find(totals, "0.outstanding"));
    assert_int_equal(n, outstanding);
    gov_value_free(totals);
    assert_gov_ok(gov_verify(c->g, NULL, NULL, &report, &err), err);
    gov_value_free(report);
}

static void a_passed_check_earns_points(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    people(&c);
    const int64_t id = community_open(&c, "check", "{'who': 'h1'}");
    assert_int_equal(balance(&c, NULL, "h1"), 0);
    community_send(&c, id, "pass", NULL, GOV_OK);
    community_send(&c, id, "pass", NULL, GOV_OK);
    assert_int_equal(balance(&c, NULL, "h1"), 10);
    assert_int_equal(balance(&c, "resident", "r1"), 10); /* the household's */
    community_send(&c, id, "look", NULL, GOV_OK);
    gov_error *err = NULL;
    gov_value *v = NULL;
    int64_t n = 0;
    assert_gov_ok(gov_case_get(c.g, id, &v, &err), err);
    n = gov_value_int(gov_value_find(v, "fields.seen"));
    assert_int_equal(n, 20);
    gov_value_free(v);
    /* A step that fails gives nothing. */
    community_send(&c, id, "odd", NULL, GOV_E_RANGE);
    assert_int_equal(balance(&c, NULL, "h1"), 10);
    for (int i = 0; i < 5; i++)
        community_send(&c, id, "fail", NULL, GOV_OK);
    community_send(&c, id, "fail", NULL, GOV_E_REFUSED);
    assert_int_equal(balance(&c, NULL, "h1"), 0);
    assert_sums_to_zero(&c, 0);
    community_free(&c);
}

static void a_statement_says_why(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    gov_value *v = NULL;
    int64_t n = 0;
    people(&c);
    const int64_t id = community_open(&c, "check", "{'who': 'h1'}");
    community_send(&c, id, "pass", NULL, GOV_OK);
    assert_gov_ok(gov_points_award(c.g, "green", "resident", "r1", "patrol", 20, &err), err);
    assert_gov_ok(gov_points_award(c.g, NULL, NULL, "h1", "mixed", 0, &err), err);
    assert_gov_ok(gov_points_statement(c.g, NULL, NULL, "h1", 0, 0, &v, &err), err);
    assert_int_equal(gov_value_count(v), 3);
    assert_text_at(v, "0.reason", "mixed");
    assert_text_at(v, "0.title", "混投");
    assert_text_at(v, "1.reason", "patrol");
    assert_text_at(v, "2.title", "分类");
    static const struct {
        const char *path;
        int64_t want;
    } rows[] = {{"0.points", -2},  {"0.balance", 23}, {"1.points", 20},
                {"1.balance", 25}, {"2.points", 5},   {"2.balance", 5}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        n = gov_value_int(gov_value_find(v, rows[i].path));
        assert_int_equal(n, rows[i].want);
    }
    n = gov_value_int(gov_value_find(v, "2.case"));
    assert_true(n == id);
    assert_int_equal(gov_value_kind(gov_value_find(v, "1.case")), GOV_VALUE_NULL);
    gov_value_free(v);
    v = NULL;
    assert_gov_ok(gov_points_award(c.g, NULL, NULL, "h2", "sorting", 0, &err), err);
    assert_gov_ok(gov_points_top(c.g, NULL, 0, &v, &err), err);
    assert_int_equal(gov_value_count(v), 2);
    assert_int_equal(gov_value_count(gov_value_find(v, "0")), 2); /* rank and points, no name */
    n = gov_value_int(gov_value_find(v, "0.points"));
    assert_int_equal(n, 23);
    gov_value_free(v);
    assert_sums_to_zero(&c, 28);
    community_free(&c);
}

static void refuses_what_makes_no_sense(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    int64_t n;
    people(&c);
#define REFUSED(status, code, call)        \
    do {                                   \
        assert_gov(status, call, err);     \
        assert_diag(err, 0, code, -1, -1); \
        gov_error_free(err);               \
        err = NULL;                        \
    } while (0)
    REFUSED(GOV_E_NOT_FOUND, "points_unknown",
            gov_points_balance(c.g, "blue", NULL, "h1", &n, &err));
    assert_gov(GOV_E_NOT_FOUND, gov_points_balance(c.g, "grene", NULL, "h1", &n, &err), err);
    assert_string_equal(gov_error_argument(err, 0, "near"), "green");
    gov_error_free(err);
    err = NULL;
    REFUSED(GOV_E_REFUSED, "points_holder",
            gov_points_balance(c.g, NULL, "resident", "r2", &n, &err));
    REFUSED(GOV_E_RULE, "points_rule_near",
            gov_points_award(c.g, NULL, NULL, "h1", "sortin", 1, &err));
    REFUSED(GOV_E_RULE, "points_no_amount",
            gov_points_award(c.g, NULL, NULL, "h1", "patrol", 0, &err));
    REFUSED(GOV_E_RANGE, "points_amount",
            gov_points_award(c.g, NULL, NULL, "h1", "patrol", -4, &err));
    REFUSED(GOV_E_REFUSED, "points_not_enough",
            gov_points_award(c.g, NULL, NULL, "h1", "mixed", 0, &err));
    assert_gov_ok(gov_act_as(c.g, "li", "handle_case", &err), err);
    assert_int_equal(balance(&c, NULL, "h1"), 0);
    REFUSED(GOV_E_DENIED, "permission_denied",
            gov_points_award(c.g, NULL, NULL, "h1", "patrol", 4, &err));
    community_free(&c);
}

static void load_refused(const char *text, const char *code)
{
    gov_error *err = NULL;
    gov_rulebook *book = NULL;
    char path[512];
    char *dir = support_tmpdir();
    support_write(support_path(path, dir, "rulebook.yaml"), text, strlen(text));
    assert_gov(GOV_E_RULE, gov_rulebook_load(NULL, path, 0, &book, &err), err);
    bool found = false;
    for (size_t i = 0; i < gov_error_count(err); i++)
        found = found || (strcmp(gov_error_code(err, i), code) == 0 && gov_error_line(err, i) > 0);
    if (!found)
        support_print_error(err);
    assert_true(found);
    gov_error_free(err);
    support_rmdir(dir);
}

static void mistakes_are_found_in_the_rules(void **state)
{
    (void)state;
    load_refused(HEAD PROGRAMME WORKFLOW(
                     "      pass: {do: [{award: {account: case.who, reason: sortin}}]}\n"),
                 "points_rule_near");
    load_refused(HEAD PROGRAMME WORKFLOW(
                     "      pass: {do: [{award: {account: case.who, reason: patrol}}]}\n"),
                 "points_no_amount");
    load_refused(HEAD PROGRAMME WORKFLOW(
                     "      pass: {do: [{award: {account: case.who, reason: mixed}}]}\n"),
                 "points_rule_unknown");
    load_refused(HEAD PROGRAMME
                 "---\npoints: blue\nledger: 7\nholder: resident\n" WORKFLOW("      pass: {}\n"),
                 "points_ledger_taken");
    load_refused(
        HEAD PROGRAMME
        "---\npoints: blue\nledger: 8\nholder: resident\nearn: {sorting: {amount: '1'}}\n" WORKFLOW(
            "      pass: {do: [{award: {account: case.who, reason: sorting}}]}\n"),
        "points_rule_twice");
}

/* ---- the ledger itself ---- */

static void transfers_through_the_public_calls(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    int64_t ids[4];
    gov_ledger_result r[2];
    assert_gov_ok(gov_ledger_new_ids(c.g, 4, ids, &err), err);
    const gov_account a[] = {{.id = ids[0], .ledger = 1, .code = 1},
                             {.id = ids[1], .ledger = 1, .code = 1}};
    assert_gov_ok(gov_ledger_create_accounts(c.g, a, 2, r, &err), err);
    gov_transfer t[] = {{.id = ids[2],
                         .debit_account = ids[0],
                         .credit_account = ids[1],
                         .amount = 30,
                         .ledger = 1,
                         .code = 1},
                        {.id = ids[3],
                         .debit_account = ids[1],
                         .credit_account = ids[0],
                         .amount = 10,
                         .ledger = 1,
                         .code = 1,
                         .flags = GOV_TRANSFER_PENDING,
                         .timeout = 3600}};
    assert_gov_ok(gov_ledger_transfer(c.g, t, 2, r, &err), err);
    assert_int_equal(r[0].code, GOV_LEDGER_CREATED);
    assert_int_equal(r[1].code, GOV_LEDGER_CREATED);
    assert_gov_ok(gov_ledger_transfer(c.g, t, 2, r, &err), err);
    assert_string_equal(gov_ledger_result_name(r[1].code), "exists");
    gov_account now[2];
    gov_transfer got[2];
    assert_gov_ok(gov_ledger_lookup_accounts(c.g, ids, 2, now, &err), err);
    assert_true(now[1].credits_posted == 30 && now[1].debits_pending == 10);
    assert_gov_ok(gov_ledger_lookup_transfers(c.g, ids + 1, 2, got, &err), err);
    assert_true(got[0].id == 0 && got[1].id == ids[2] && got[1].amount == 30);
    /* The hold expires by itself, and the tick says when. */
    gov_tick_result tick = community_advance(&c, 1);
    assert_true(tick.next_us > COMMUNITY_START &&
                tick.next_us < COMMUNITY_START + INT64_C(3601000000));
    (void)community_advance(&c, 61);
    gov_ledger_filter f;
    gov_ledger_filter_init(&f, sizeof f);
    f.account = ids[1];
    gov_ledger_balance b[8];
    size_t count = 0;
    assert_gov_ok(gov_ledger_account_balances(c.g, &f, b, 8, &count, &err), err);
    assert_int_equal(count, 3);
    assert_true(b[1].debits_pending == 10 && b[2].debits_pending == 0 && b[2].transfer == 0);
    assert_gov_ok(gov_ledger_account_transfers(c.g, &f, got, 1, &count, &err), err);
    assert_int_equal(count, 1);
    f.flags = 64;
    assert_gov(GOV_E_ARG, gov_ledger_account_transfers(c.g, &f, got, 1, &count, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_sums_to_zero(&c, 0);
    community_free(&c);
}

static gov_status give_points(community *c, void *user)
{
    (void)user;
    gov_value *f = community_json("{'name': '1-101'}"), *v = NULL;
    gov_status rc = gov_begin(c->g, NULL);
    if (rc == GOV_OK)
        rc = gov_record_put(c->g, "household", "h1", f, NULL, NULL);
    gov_value_free(f);
    if (rc == GOV_OK)
        rc = gov_points_award(c->g, NULL, NULL, "h1", "patrol", 3, NULL);
    if (rc == GOV_OK)
        rc = gov_points_statement(c->g, NULL, NULL, "h1", 0, 0, &v, NULL);
    gov_value_free(v);
    v = NULL;
    if (rc == GOV_OK)
        rc = gov_points_totals(c->g, &v, NULL);
    gov_value_free(v);
    v = NULL;
    if (rc == GOV_OK)
        rc = gov_points_top(c->g, NULL, 0, &v, NULL);
    gov_value_free(v);
    if (rc == GOV_OK)
        rc = gov_commit(c->g, NULL);
    return rc;
}

static void survives_want_of_memory(void **state)
{
    community_without_memory(support_store_of(state), rules, give_points, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(a_passed_check_earns_points),
        STORE_TESTS(a_statement_says_why),
        STORE_TESTS(refuses_what_makes_no_sense),
        cmocka_unit_test(mistakes_are_found_in_the_rules),
        STORE_TESTS(transfers_through_the_public_calls),
        STORE_TEST(survives_want_of_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
