/* Points programmes from the rulebook alone: the scenarios of tests/cases/points on both stores, whose ledgers, journal and orders must
 * agree when they are done. */
#include "support/community.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES "tests/cases/points"

/* Every community that a scenario left behind is recomputed from its transfers. */
static size_t verify_all(const char *url)
{
    gov_error *err = NULL;
    gov_store *home = NULL;
    gov_value *names = NULL;
    gov_options o;
    gov_options_init(&o, sizeof o);
    assert_gov_ok(gov_store_open(url, &o, &home, &err), err);
    assert_gov_ok(gov_community_list(home, &names, &err), err);
    const size_t count = gov_value_count(names);
    for (size_t i = 0; i < count; i++) {
        gov *g = NULL;
        gov_value *report = NULL;
        const char *name = gov_value_string(gov_value_get(gov_value_at(names, i), "name"), NULL);
        assert_gov_ok(gov_attach(home, name, &g, &err), err);
        assert_gov_ok(gov_act_as_host(g, "test", &err), err);
        assert_gov_ok(gov_verify(g, NULL, NULL, &report, &err), err);
        gov_value_free(report);
        gov_free(g);
    }
    gov_value_free(names);
    gov_store_free(home);
    return count;
}

static void the_scenarios_hold(void **state)
{
    support_store *s = support_store_of(state);
    gov_error *err = NULL;
    gov_value *report = NULL;
    gov_scenario_options o;
    gov_scenario_options_init(&o, sizeof o);
    o.url = s->url;
    assert_gov_ok(gov_scenarios_run(NULL, support_source(CASES), &o, NULL, NULL, &report, &err), err);
    const int64_t passed = gov_value_int(gov_value_get(report, "passed")), failed = gov_value_int(gov_value_get(report, "failed"));
    if (failed != 0) {
        char *text = NULL;
        (void)gov_value_to_json(report, &text, NULL, NULL);
        print_message("%s\n", text != NULL ? text : "");
        gov_text_free(text);
    }
    assert_int_equal(failed, 0);
    assert_true(passed >= 9);
    gov_value_free(report);
    assert_int_equal(verify_all(s->url), passed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TESTS(the_scenarios_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
