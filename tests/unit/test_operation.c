/* Operations: by name, with operands that are checked, behind the gate; a request that comes twice happens once. */
#include "support/community.h"

#include <string.h>

static const char rules[] =
    "rulebook: ops\nversion: '1'\ntime_zone: Asia/Shanghai\n"
    "roles: {clerk: {}, officer: {scope: grid}}\n"
    "permissions: {points.read: [clerk, officer], points.write: [clerk, officer], points.redeem: [officer], record.read: [clerk, officer]}\n"
    "---\npoints: green\nledger: 1\nholder: household\ntransferable: anyone\nearn: {patrol: {amount: '10'}}\n";

static community ready(void **state)
{
    community c = community_make(support_store_of(state), rules, NULL);
    community_put(&c, "grid", "g1", "{}");
    community_put(&c, "grid", "g2", "{}");
    community_put(&c, "household", "h1", "{'grid': 'g1'}");
    community_put(&c, "household", "h2", "{'grid': 'g2'}");
    community_put(&c, "staff", "li", "{'roles': ['clerk']}");
    community_put(&c, "staff", "he", "{'roles': ['officer'], 'grids': ['g2']}");
    community_put(&c, "staff", "no", "{}");
    return c;
}

static gov_status run(community *c, const char *name, const char *input, const char *key, gov_value **out, gov_error **err)
{
    gov_call_options o;
    gov_value *v = community_json(input);
    gov_call_options_init(&o, sizeof o);
    o.idempotency_key = key;
    const gov_status status = gov_operation_run(c->g, name, v, &o, out, err);
    gov_value_free(v);
    return status;
}

static void refused(community *c, const char *name, const char *input, gov_status want, const char *code)
{
    gov_error *err = NULL;
    gov_value *out = NULL;
    assert_gov(want, run(c, name, input, NULL, &out, &err), err);
    assert_string_equal(gov_error_code(err, 0), code);
    assert_null(out);
    gov_error_free(err);
}

static int64_t balance(community *c, const char *household)
{
    gov_error *err = NULL;
    int64_t points = -1;
    assert_gov_ok(gov_act_as_host(c->g, "test", &err), err);
    assert_gov_ok(gov_points_balance(c->g, NULL, NULL, household, &points, &err), err);
    return points;
}

static void an_operation_is_found_and_answers(void **state)
{
    community c = ready(state);
    gov_error *err = NULL;
    gov_value *out = NULL;
    assert_gov_ok(run(&c, "points.award", "{'account': 'h1', 'rule': 'patrol'}", NULL, &out, &err), err);
    assert_int_equal(gov_value_int(gov_value_get(out, "balance")), 10);
    gov_value_free(out);
    assert_gov_ok(run(&c, "points.award", "{'account': {'household': 'h1'}, 'rule': 'patrol'}", NULL, NULL, &err), err);
    assert_int_equal(balance(&c, "h1"), 20);
    assert_gov_ok(gov_operation_list(c.g, &out, &err), err);
    bool found = false;
    for (size_t i = 0; i < gov_value_count(out); i++)
        found = found || strcmp(gov_value_string(gov_value_get(gov_value_at(out, i), "name"), NULL), "points.award") == 0;
    assert_true(found);
    gov_value_free(out);
    community_free(&c);
}

static void each_mistake_is_told_and_nothing_happens(void **state)
{
    community c = ready(state);
    gov_error *err = NULL;
    refused(&c, "points.awrd", "{}", GOV_E_NOT_FOUND, "operation_unknown");
    refused(&c, "points.award", "{'rule': 'patrol'}", GOV_E_INPUT, "missing_field");
    refused(&c, "points.award", "{'account': 'h9', 'rule': 'patrol'}", GOV_E_INPUT, "unknown_reference");
    refused(&c, "points.award", "{'account': 7.5, 'rule': 'patrol'}", GOV_E_INPUT, "bad_field");
    refused(&c, "points.award", "{'account': {'resident': 'h1'}, 'rule': 'patrol'}", GOV_E_INPUT, "unknown_reference");
    refused(&c, "points.award", "{'account': 'h1', 'rule': 'patrol', 'programme': 'gren'}", GOV_E_INPUT, "operand_section");
    refused(&c, "points.award", "{'account': 'h1', 'rule': 'patrol', 'points': '3x'}", GOV_E_INPUT, "bad_field");
    gov_value *input = community_json("{'acount': 'h1', 'rle': 'patrol'}");
    assert_gov(GOV_E_INPUT, gov_operation_run(c.g, "points.award", input, NULL, NULL, &err), err);
    assert_int_equal(gov_error_count(err), 4); /* two unknown, two missing */
    gov_error_free(err);
    err = NULL;
    gov_value_free(input);
    assert_gov(GOV_E_ARG, gov_operation_run(c.g, NULL, NULL, NULL, NULL, &err), err);
    gov_error_free(err);
    assert_int_equal(balance(&c, "h1"), 0);
    community_free(&c);
}

static void who_may_is_asked_first(void **state)
{
    community c = ready(state);
    gov_error *err = NULL;
    const char *award = "{'account': 'h1', 'rule': 'patrol'}";
    assert_gov_ok(gov_act_as(c.g, "no", "test", &err), err);
    refused(&c, "points.award", award, GOV_E_DENIED, "permission_denied");
    assert_gov_ok(gov_act_as(c.g, "he", "test", &err), err); /* another grid's */
    assert_true(run(&c, "points.award", award, NULL, NULL, NULL) != GOV_OK);
    assert_gov_ok(run(&c, "points.award", "{'account': 'h2', 'rule': 'patrol'}", NULL, NULL, &err), err);
    assert_gov_ok(gov_act_as(c.g, "li", "test", &err), err);
    assert_gov_ok(run(&c, "points.award", award, NULL, NULL, &err), err);
    assert_int_equal(balance(&c, "h1"), 10);
    assert_int_equal(balance(&c, "h2"), 10);
    assert_gov_ok(gov_act_as(c.g, "he", "test", &err), err); /* to whom it is given may be anyone, from whom may not, even to the same */
    assert_gov_ok(run(&c, "points.transfer", "{'account': 'h2', 'to': 'h1', 'points': 1}", NULL, NULL, &err), err);
    assert_true(run(&c, "points.transfer", "{'account': 'h1', 'to': 'h2', 'points': 1}", NULL, NULL, NULL) != GOV_OK);
    refused(&c, "points.transfer", "{'account': 'h1', 'to': 'h1', 'points': 100000}", GOV_E_NOT_FOUND, "record_unknown");
    community_free(&c);
}

static void a_request_that_comes_twice_happens_once(void **state)
{
    community c = ready(state);
    gov_error *err = NULL;
    gov_value *first = NULL, *second = NULL;
    const char *award = "{'account': 'h1', 'rule': 'patrol'}";
    assert_gov_ok(run(&c, "points.award", award, "k1", &first, &err), err);
    assert_gov_ok(run(&c, "points.award", award, "k1", &second, &err), err);
    assert_true(gov_value_int(gov_value_get(first, "id")) == gov_value_int(gov_value_get(second, "id")));
    assert_int_equal(gov_value_int(gov_value_get(second, "balance")), 10);
    gov_value_free(first);
    gov_value_free(second);
    assert_gov(GOV_E_CONFLICT, run(&c, "points.award", "{'account': 'h2', 'rule': 'patrol'}", "k1", NULL, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_act_as(c.g, "li", "test", &err), err); /* somebody else's key */
    assert_gov_ok(run(&c, "points.award", award, "k1", NULL, &err), err);
    assert_int_equal(balance(&c, "h1"), 20);
    assert_gov(GOV_E_ARG, run(&c, "points.balance", "{'account': 'h1'}", "k2", NULL, &err), err); /* reading takes none */
    gov_error_free(err);
    community_free(&c);
}

/* Refused after its work was half done: nothing of it stays, and the key is free. */
static void a_refused_request_leaves_its_key_free(void **state)
{
    community c = ready(state);
    gov_error *err = NULL;
    assert_gov(GOV_E_RULE, run(&c, "points.award", "{'account': 'h1', 'rule': 'patroll'}", "k1", NULL, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(run(&c, "points.award", "{'account': 'h1', 'rule': 'patrol'}", "k1", NULL, &err), err);
    assert_int_equal(balance(&c, "h1"), 10);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(an_operation_is_found_and_answers),
        STORE_TESTS(each_mistake_is_told_and_nothing_happens),
        STORE_TESTS(who_may_is_asked_first),
        STORE_TESTS(a_request_that_comes_twice_happens_once),
        STORE_TESTS(a_refused_request_leaves_its_key_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
