/* The clock that a host lends a store: what cannot be a time is an error of every call that needs it, not a quiet success. */

#include "support/community.h"

static int64_t told;

static int64_t tell(void *user)
{
    (void)user;
    return told;
}

#define BEFORE_2020 (INT64_C(1577836800) * 1000000 - 1)
#define IN_2026 (INT64_C(1772413200) * 1000000)
#define IN_2090 (INT64_C(3786912000) * 1000000)

static void a_clock_that_is_none(void **state)
{
    support_store *s = support_store_of(state);
    static const int64_t wrong[] = {0, 1, -1, INT64_MIN, INT64_MAX, BEFORE_2020, IN_2090};
    community c = community_make(s, community_rules, NULL);
    gov_error *err = NULL;
    gov_options o;
    gov_store *store = NULL;
    gov *g = NULL;
    gov_options_init(&o, sizeof o);
    o.now_us = tell;
    told = IN_2026;
    assert_gov_ok(gov_store_open(s->url, &o, &store, &err), err);
    assert_gov_ok(gov_attach(store, NULL, &g, &err), err);
    assert_gov_ok(gov_act_as_host(g, "test", &err), err);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        gov_value *fields = NULL;
        told = wrong[i];
        assert_int_equal(gov_tick(g, 0, NULL, &err), GOV_E_RANGE);
        gov_error_free(err);
        err = NULL;
        assert_gov_ok(gov_value_from_json(NULL, "{\"category\":\"noise\"}", 20, &fields, &err), err);
        assert_int_equal(gov_case_open(g, "complaint", fields, NULL, NULL, &err), GOV_E_RANGE);
        gov_error_free(err);
        err = NULL;
        gov_value_free(fields);
    }
    told = IN_2026;
    assert_gov_ok(gov_tick(g, 0, NULL, &err), err);
    gov_free(g);
    gov_store_free(store);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TESTS(a_clock_that_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
