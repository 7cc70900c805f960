/* What concerns the whole community is not for roles that are bound to a part of it, nor is what a mask hides found by asking for it. */
#include "support/community.h"

#include <string.h>

static const char rules[] =
    "rulebook: parts\n"
    "version: '1'\n"
    "title: Parts\n"
    "languages: [en]\n"
    "time_zone: Asia/Shanghai\n"
    "roles:\n"
    "  chief: {title: Chief}\n"
    "  officer: {title: Officer, scope: grid}\n"
    "  party: {when: 'case.number != null'}\n"
    "permissions:\n"
    "  case.open: [chief]\n"
    "  case.read: [chief, officer]\n"
    "  journal.read: [chief, officer, party]\n"
    "  ledger.read: [chief, officer]\n"
    "  ledger.write: [officer]\n"
    "  points.read: [chief, officer]\n"
    "  points.write: [officer]\n"
    "  report.read: [chief, officer, party]\n"
    "sensitivity:\n"
    "  contact: {mask: phone, see: [{role: officer, purpose: visit}]}\n"
    "---\n"
    "points: green\n"
    "title: Green\n"
    "ledger: 7\n"
    "holder: household\n"
    "earn: {patrol: {amount: '5'}}\n"
    "---\n"
    "workflow: matter\n"
    "fields:\n"
    "  phone: {type: string, sensitive: contact, indexed: true}\n"
    "states:\n"
    "  here: {after: {delay: 30 days, to: gone}}\n"
    "  gone: {type: final}\n";

static community people(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    community_put(&c, "grid", "A", "{'name': 'A'}");
    community_put(&c, "grid", "B", "{'name': 'B'}");
    community_put(&c, "household", "ha", "{'name': 'a', 'grid': 'A'}");
    community_put(&c, "household", "hb", "{'name': 'b', 'grid': 'B'}");
    community_put(&c, "staff", "chief", "{'name': 'c', 'roles': ['chief']}");
    community_put(&c, "staff", "gao", "{'name': 'g', 'roles': ['officer'], 'grids': ['A']}");
    community_put(&c, "staff", "bare", "{'name': 'b'}");
    return c;
}

static void act(community *c, const char *staff, const char *purpose)
{
    gov_error *err = NULL;
    assert_gov_ok(staff != NULL ? gov_act_as(c->g, staff, purpose, &err) : gov_act_as_host(c->g, purpose, &err), err);
}

#define TRY(call, want)                \
    do {                               \
        gov_error *e = NULL;           \
        const gov_status s_ = (call);  \
        assert_gov((want), s_, e);     \
        gov_error_free(e);             \
    } while (0)

static void the_journal(void **state)
{
    static const struct {
        const char *who;
        gov_status want;
    } rows[] = {{"chief", GOV_OK}, {"gao", GOV_E_DENIED}, {"bare", GOV_E_DENIED}};
    community c = people(state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gov_value *v = NULL;
        char path[512];
        act(&c, rows[i].who, "audit");
        TRY(gov_journal_read(c.g, 0, 10, &v, &e), rows[i].want);
        gov_value_free(v);
        TRY(gov_verify(c.g, NULL, NULL, NULL, &e), rows[i].want);
        TRY(gov_journal_export(c.g, support_path(path, support_store_of(state)->dir, rows[i].who), NULL, &e), rows[i].want);
    }
    community_free(&c);
}

static void the_ledger(void **state)
{
    community c = people(state);
    gov_value *v = NULL;
    int64_t points = 0;
    gov_account accounts[1] = {{.id = 1}};
    const int64_t ids[] = {1};
    act(&c, "gao", "visit");
    TRY(gov_points_award(c.g, NULL, NULL, "ha", "patrol", 0, &e), GOV_OK);
    TRY(gov_points_award(c.g, NULL, NULL, "hb", "patrol", 0, &e), GOV_E_NOT_FOUND);
    TRY(gov_points_award(c.g, NULL, NULL, "never", "patrol", 0, &e), GOV_E_NOT_FOUND);
    TRY(gov_points_balance(c.g, NULL, NULL, "ha", &points, &e), GOV_OK);
    assert_int_equal(points, 5);
    TRY(gov_points_balance(c.g, NULL, NULL, "hb", &points, &e), GOV_E_NOT_FOUND);
    TRY(gov_points_statement(c.g, NULL, NULL, "hb", 0, 0, &v, &e), GOV_E_NOT_FOUND);
    TRY(gov_points_top(c.g, NULL, 0, &v, &e), GOV_E_DENIED);
    TRY(gov_points_totals(c.g, &v, &e), GOV_E_DENIED);
    TRY(gov_ledger_lookup_accounts(c.g, ids, 1, accounts, &e), GOV_E_DENIED);
    TRY(gov_ledger_create_accounts(c.g, accounts, 1, NULL, &e), GOV_E_DENIED);
    act(&c, "chief", "audit");
    TRY(gov_points_balance(c.g, NULL, NULL, "hb", &points, &e), GOV_OK);
    TRY(gov_points_totals(c.g, &v, &e), GOV_OK);
    gov_value_free(v);
    TRY(gov_ledger_lookup_accounts(c.g, ids, 1, accounts, &e), GOV_OK);
    community_free(&c);
}

/* What the programmes come to in all is for who reads the whole report. */
static void programmes_in_the_report(void **state)
{
    static const struct {
        const char *who;
        size_t programmes;
    } rows[] = {{NULL, 1}, {"chief", 1}, {"gao", 0}, {"party", 0}, {"both", 1}};
    community c = people(state);
    community_put(&c, "staff", "party", "{'name': 'p', 'roles': ['party']}");
    community_put(&c, "staff", "both", "{'name': 'q', 'roles': ['officer', 'chief'], 'grids': ['A']}");
    act(&c, "gao", "visit");
    TRY(gov_points_award(c.g, NULL, NULL, "ha", "patrol", 0, &e), GOV_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gov_value *v = NULL;
        char *text = NULL, *html = NULL;
        act(&c, rows[i].who, "audit");
        TRY(gov_report(c.g, NULL, &v, &e), GOV_OK);
        assert_int_equal(gov_value_count(gov_value_get(v, "programs")), rows[i].programmes);
        TRY(gov_report_text(c.g, NULL, &text, NULL, &e), GOV_OK);
        TRY(gov_report_html(c.g, NULL, &html, NULL, &e), GOV_OK);
        assert_int_equal(strstr(text, "Green") != NULL, rows[i].programmes == 1);
        assert_int_equal(strstr(html, "Green") != NULL, rows[i].programmes == 1);
        gov_value_free(v);
        gov_text_free(text);
        gov_text_free(html);
    }
    community_free(&c);
}

static int64_t open_in(community *c, const char *grid, const char *json)
{
    gov_error *err = NULL;
    gov_case_options o;
    gov_value *f = community_json(json);
    int64_t id = 0;
    gov_case_options_init(&o, sizeof o);
    o.grid = grid;
    assert_gov_ok(gov_case_open(c->g, "matter", f, &o, &id, &err), err);
    gov_value_free(f);
    return id;
}

/* Who is found by a number has that number: only whoever may see it may ask for it. */
static void a_filter_by_what_is_masked(void **state)
{
    static const struct {
        const char *who, *purpose;
        gov_status want;
        size_t found;
    } rows[] = {{"chief", "visit", GOV_E_DENIED, 0},
                {"gao", "audit", GOV_E_DENIED, 0},
                {"gao", "visit", GOV_OK, 1}, /* the one of grid A */
                {NULL, "host", GOV_E_DENIED, 0}};
    community c = people(state);
    open_in(&c, "A", "{'phone': '13800001234'}");
    open_in(&c, "A", "{'phone': '13900009999'}");
    open_in(&c, "B", "{'phone': '13800001234'}");
    gov_case_query q;
    gov_case_query_init(&q, sizeof q);
    q.field = "phone";
    q.equals = "13800001234";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gov_value *v = NULL;
        act(&c, rows[i].who, rows[i].purpose);
        TRY(gov_case_list(c.g, &q, &v, &e), rows[i].want);
        assert_int_equal(gov_value_count(gov_value_get(v, "cases")), rows[i].found);
        gov_value_free(v);
    }
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(the_journal),
        STORE_TESTS(the_ledger),
        STORE_TESTS(programmes_in_the_report),
        STORE_TESTS(a_filter_by_what_is_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
