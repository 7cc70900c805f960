/* Functions that a program adds to the language: signatures, errors, lifetimes; in expressions, rulebooks and stores. */
#include "support/community.h"
#include "support/faulty.h"

#include <stdio.h>
#include <string.h>

static int calls, released;

static gov_status rainfall(void *user, const gov_value *args, gov_value *answer, char *why)
{
    size_t len;
    const char *where = gov_value_string(gov_value_at(args, 0), &len);
    (void)user;
    calls++;
    if (strcmp(where, "nowhere") == 0) {
        (void)snprintf(why, GOV_FUNCTION_WHY, "no gauge at %s", where);
        return GOV_E_EXPR;
    }
    if (strcmp(where, "broken") == 0)
        return GOV_E_USER;
    if (strcmp(where, "odd") == 0)
        return gov_value_set_string(answer, "value", "much");
    return gov_value_set_double(answer, "value", 12.5);
}

static gov_status twice(void *user, const gov_value *args, gov_value *answer, char *why)
{
    (void)user;
    (void)why;
    calls++;
    return gov_value_set_int(answer, "value", 2 * gov_value_int(gov_value_at(args, 0)));
}

static gov_status same(void *user, const gov_value *args, gov_value *answer, char *why)
{
    (void)user;
    (void)why;
    return gov_value_set(answer, "value", gov_value_at(args, 0));
}

static gov_status silent(void *user, const gov_value *args, gov_value *answer, char *why)
{
    (void)user;
    (void)args;
    (void)answer;
    (void)why;
    return GOV_OK;
}

static void gone(void *user)
{
    released += *(const int *)user;
}

static gov_status add(gov_scope *s, const char *signature, gov_function_call call, uint32_t flags,
                      gov_error **err)
{
    static const int one = 1;
    const gov_function f = {.size = sizeof f,
                            .signature = signature,
                            .call = call,
                            .user = (void *)(uintptr_t)&one,
                            .release = gone,
                            .flags = flags};
    return gov_scope_add(s, &f, err);
}

static gov_scope *make_scope(void)
{
    gov_error *err = NULL;
    gov_scope *s = NULL;
    assert_gov_ok(gov_scope_new(NULL, &s, &err), err);
    assert_gov_ok(add(s, "rainfall(string) -> double", rainfall, 0, &err), err);
    assert_gov_ok(add(s, "rainfall(string, timestamp) -> double", rainfall, 0, &err), err);
    assert_gov_ok(add(s, "int.twice() -> int", twice, GOV_FUNCTION_PURE, &err), err);
    assert_gov_ok(add(s, "host.same(dyn)->dyn", same, 0, &err), err);
    assert_gov_ok(add(s, " host.nothing( ) -> dyn ", silent, 0, &err), err);
    return s;
}

/* The value as JSON, or "!code". */
static void gives(const gov_scope *s, const char *source, const char *want)
{
    char line[1024];
    char *out = NULL;
    size_t len;
    gov_error *err = NULL;
    gov_expr *e = NULL;
    gov_value *v = NULL;
    const gov_expr_options o = {.size = sizeof o, .scope = s};
    gov_status status = gov_expr_compile_with(NULL, source, strlen(source), &o, &e, &err);
    if (status == GOV_OK)
        status = gov_expr_eval(e, NULL, &v, &err);
    if (status != GOV_OK) {
        (void)snprintf(line, sizeof line, "!%s", gov_error_code(err, 0));
    } else {
        assert_int_equal(gov_value_to_json(v, &out, &len, NULL), GOV_OK);
        (void)snprintf(line, sizeof line, "%s", out);
    }
    assert_string_equal(line, want);
    gov_text_free(out);
    gov_value_free(v);
    gov_expr_free(e);
    gov_error_free(err);
}

static void answers_calls(void **state)
{
    gov_scope *s = make_scope();
    (void)state;
    released = 0;
    gives(s, "rainfall('west') > 10.0", "true");
    gives(s, "rainfall('west', timestamp(0))", "12.5");
    gives(s, "21.twice()", "42");
    gives(s, "host.same([1, {'a': b'x'}]) == [1, {'a': b'x'}]", "true");
    gives(s, "host.same(optional.of(1))", "1");
    gives(s, "host.nothing()", "null");
    gives(s, "rainfall(1)", "!wrong_argument");
    gives(s, "rainfal('west')", "!unknown_function");
    gives(s, "twice(1)", "!no_such_overload");
    gives(s, "rainfall('nowhere') > 1.0", "!host_failed");
    gives(s, "[true].exists(x, rainfall('nowhere') > 1.0 || x)",
          "true"); /* an error in the sense of the language */
    gives(s, "[true].exists(x, rainfall('broken') > 1.0 || x)", "!host_stopped");
    gives(s, "rainfall('odd') > 1.0", "!host_type");
    gives(s, "[1].map(x, lists.range(1000)).map(x, x.map(y, x.map(z, rainfall('west'))))",
          "!too_costly");
    assert_int_equal(released, 0);
    gov_scope_free(s);
    assert_int_equal(released, 5);
}

/* What hosts cannot say exactly becomes what was declared; what is in lists and maps is looked at, both ways. */
static void values_have_the_declared_types(void **state)
{
    static const struct {
        const char *signature, *source, *want;
    } table[] = {
        {"f(dyn) -> uint", "f(7) + 1u == 8u", "true"},
        {"f(dyn) -> uint", "f(7u) == 7u", "true"},
        {"f(dyn) -> list(uint)", "f([1, 2])[1] + 1u == 3u", "true"},
        {"f(dyn) -> map(string, uint)", "f({'a': 1}).a + 1u == 2u", "true"},
        {"f(dyn) -> double", "f(2) / 4.0 == 0.5", "true"},
        {"f(dyn) -> optional(int)", "f(null).hasValue()", "false"},
        {"f(dyn) -> optional(int)", "f(3).value() == 3", "true"},
        {"f(dyn) -> optional(uint)", "f(3).orValue(0u) == 3u", "true"},
        {"f(optional(int)) -> dyn", "f(optional.none()) == null", "true"},
        {"f(list(int)) -> dyn", "f(dyn([1, 2])) == [1, 2]", "true"},
        {"f(dyn) -> uint", "f(-1)", "!host_type"},
        {"f(dyn) -> list(int)", "f([1, 'x'])", "!host_type"},
        {"f(dyn) -> map(string, int)", "f({'a': 'x'})", "!host_type"},
        {"f(dyn) -> optional(int)", "f('x')", "!host_type"},
        {"f(list(int)) -> dyn", "f(dyn([1, 'x']))", "!wrong_argument"},
        {"f(map(string, list(int))) -> dyn", "f(dyn({'a': [1, 'x']}))", "!wrong_argument"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        gov_error *err = NULL;
        gov_scope *s = NULL;
        assert_gov_ok(gov_scope_new(NULL, &s, &err), err);
        assert_gov_ok(add(s, table[i].signature, same, 0, &err), err);
        gives(s, table[i].source, table[i].want);
        gov_scope_free(s);
    }
}

static void keeps_what_is_used(void **state)
{
    static const char source[] = "rainfall(x) + double(1.twice())";
    gov_error *err = NULL;
    gov_expr *e = NULL;
    gov_value *in = community_json("{'x': 'string'}"), *v = NULL;
    gov_scope *s = make_scope();
    gov_expr_options o;
    (void)state;
    gov_expr_options_init(&o, sizeof o);
    o.variables = in;
    o.scope = s;
    o.type = "double";
    released = calls = 0;
    assert_gov_ok(gov_expr_compile_with(NULL, source, sizeof source - 1, &o, &e, &err), err);
    assert_int_equal(calls, 1); /* the pure one was answered at once */
    assert_int_equal(add(s, "late() -> int", silent, 0, &err), GOV_E_STATE);
    gov_error_free(err);
    err = NULL;
    gov_scope_free(s);
    assert_int_equal(released, 0);
    gov_value_free(in);
    in = community_json("{'x': 'west'}");
    assert_gov_ok(gov_expr_eval(e, in, &v, &err), err);
    assert_true(gov_value_double(v) > 14.4 && gov_value_double(v) < 14.6);
    gov_value_free(v);
    gov_value_free(in);
    gov_expr_free(e);
    assert_int_equal(released, 5);
}

static void refuses_bad_signatures(void **state)
{
    static const struct {
        const char *signature;
        gov_status status;
    } table[] = {
        {"", GOV_E_ARG},
        {"f", GOV_E_ARG},
        {"f()", GOV_E_ARG},
        {"f() ->", GOV_E_ARG},
        {"f() -> integer", GOV_E_ARG},
        {"f(int,) -> int", GOV_E_ARG},
        {"f(int -> int", GOV_E_ARG},
        {"f(list(int) -> int", GOV_E_ARG},
        {"f() -> int x", GOV_E_ARG},
        {"1f() -> int", GOV_E_ARG},
        {"a..b() -> int", GOV_E_ARG},
        {"int.a.b() -> int", GOV_E_ARG},
        {"f(int, int, int, int, int, int, int, int, int) -> int", GOV_E_ARG},
        {"has(int) -> bool", GOV_E_ARG},
        {"true() -> bool", GOV_E_ARG},
        {"in(int) -> bool", GOV_E_ARG},
        {"int.in() -> bool", GOV_E_ARG},
        {"a.null(int) -> bool", GOV_E_ARG},
        {"while(int) -> bool", GOV_E_ARG},
        {"list(int).all(int) -> bool", GOV_E_ARG},
        {"list(int).map(int, int) -> bool", GOV_E_ARG},
        {"cel.bind(int, int, int) -> bool", GOV_E_ARG},
        {"map(int) -> bool", GOV_OK},
        {"int.has() -> bool", GOV_OK},
        {"int.as(int) -> bool", GOV_OK},
        {"size(string) -> int", GOV_E_EXISTS},
        {"size(dyn) -> int", GOV_E_EXISTS},
        {"math.greatest(string) -> string", GOV_E_EXISTS},
        {"rainfall(string) -> int", GOV_E_EXISTS},
        {"size(timestamp) -> int", GOV_OK},
        {"rainfall(int) -> int", GOV_OK},
        {"list(map(string, int)).total() -> map(string, list(int))", GOV_OK},
        {"f(int, int, int, int, int, int, int, int) -> int", GOV_OK},
    };
    gov_scope *s = make_scope();
    (void)state;
    released = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        gov_error *err = NULL;
        const gov_status status = add(s, table[i].signature, silent, 0, &err);
        if (status != table[i].status)
            fail_msg("%s gives %d", table[i].signature, (int)status);
        gov_error_free(err);
    }
    assert_int_equal(released, 0);
    gov_scope_free(s);
    assert_int_equal(released, 5 + 7);
}

#define RULES(expression)                                                                   \
    "rulebook: tiny\n"                                                                      \
    "version: '1'\n"                                                                        \
    "languages: [en]\n"                                                                     \
    "time_zone: Asia/Shanghai\n"                                                            \
    "values: {sign: {is: 2 working hours, source: test}, most: {is: 12.0, source: test}}\n" \
    "---\n"                                                                                 \
    "calendar: cn\n"                                                                        \
    "hours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\n"                                    \
    "years: {2026: {off: [2026-05-01], work: []}}\n"                                        \
    "---\n"                                                                                 \
    "workflow: flood\n"                                                                     \
    "events: {look: {by: []}}\n"                                                            \
    "states:\n"                                                                             \
    "  quiet: {on: {look: {when: \"" expression "\", to: over}}}\n"                         \
    "  over: {type: final}\n"

static gov_status load(const char *text, const gov_scope *s, gov_rulebook **out, gov_error **err)
{
    char path[512];
    char *dir = support_tmpdir();
    support_write(support_path(path, dir, "rulebook.yaml"), text, strlen(text));
    const gov_status status = gov_rulebook_load_with(NULL, path, 0, s, out, err);
    support_rmdir(dir);
    return status;
}

static void rules_may_call_them(void **state)
{
    const char *const url = support_store_of(state)->url; /* may skip the test */
    gov_error *err = NULL;
    gov_rulebook *rules = NULL;
    gov_store *store = NULL;
    gov *g = NULL;
    gov_value *in = community_json("{}");
    gov_options o;
    int64_t id;
    gov_scope *s = make_scope();
    released = calls = 0;
    assert_int_equal(load(RULES("rainfall(1) > 2.0"), s, &rules, &err), GOV_E_RULE);
    assert_string_equal(gov_error_code(err, 0), "wrong_argument");
    assert_int_equal(gov_error_line(err, 0), 14);
    assert_int_equal(gov_error_column(err, 0), 39);
    gov_error_free(err);
    err = NULL;
    assert_int_equal(load(RULES("rainfall('west') > 2.0"), NULL, &rules, &err), GOV_E_RULE);
    assert_string_equal(gov_error_code(err, 0), "unknown_function");
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(load(RULES("rainfall('west') > values.most"), s, &rules, &err), err);
    gov_error_free(err); /* warnings */
    err = NULL;
    gov_options_init(&o, sizeof o);
    o.scope = s;
    o.flags = GOV_OPEN_CREATE;
    assert_gov_ok(gov_store_open(url, &o, &store, &err), err);
    gov_scope_free(s);
    assert_gov_ok(gov_community_create(store, NULL, rules, NULL, &err), err);
    gov_rulebook_free(rules);
    assert_gov_ok(gov_attach(store, NULL, &g, &err), err);
    assert_gov_ok(gov_act_as_host(g, "test", &err), err);
    assert_gov_ok(gov_case_open(g, "flood", in, NULL, &id, &err), err);
    assert_gov_ok(gov_case_send(g, id, "look", in, NULL, &err), err);
    assert_true(calls > 0);
    gov_value_free(in);
    gov_store_free(store);
    assert_int_equal(released, 0);
    gov_free(g);
    assert_int_equal(released, 5);
}

static void rulebooks_give_their_words(void **state)
{
    gov_error *err = NULL;
    gov_rulebook *rules = NULL;
    gov_scope *s = NULL;
    (void)state;
    assert_gov_ok(load(RULES("true"), NULL, &rules, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_rulebook_scope(rules, COMMUNITY_START, &s, &err), err);
    gov_rulebook_free(rules); /* the scope has it */
    gives(s, "string(add_working(now, values.sign))", "\"2026-03-02T03:00:00Z\"");
    gives(s, "values.most > 11.0 && age('1950-03-02', now) == 76", "true");
    gives(s, "values.mots", "!undeclared_reference");
    gives(s, "count('resident')", "!no_community");
    assert_gov_ok(add(s, "rainfall(string) -> double", rainfall, 0, &err), err);
    gives(s, "rainfall('west') > values.most && percentile([3, 1, 2], 50) == 2", "true");
    gov_scope_free(s);
}

static gov_status whole_life(const gov_allocator *a, void *user)
{
    static const char source[] = "host.same([1, 2, 'x'])[0] + 1.twice()";
    gov_scope *s = NULL;
    gov_expr *e = NULL;
    gov_value *v = NULL;
    gov_error *err = NULL;
    (void)user;
    gov_status status = gov_scope_new(a, &s, &err);
    if (status == GOV_OK)
        status = add(s, "host.same(dyn) -> dyn", same, 0, &err);
    if (status == GOV_OK)
        status = add(s, "int.twice() -> int", twice, 0, &err);
    const gov_expr_options o = {.size = sizeof o, .scope = s};
    if (status == GOV_OK)
        status = gov_expr_compile_with(a, source, sizeof source - 1, &o, &e, &err);
    gov_scope_free(s);
    if (status == GOV_OK)
        status = gov_expr_eval(e, NULL, &v, &err);
    gov_value_free(v);
    gov_expr_free(e);
    gov_error_free(err);
    return status;
}

static void survives_want_of_memory(void **state)
{
    (void)state;
    oom_loop(whole_life, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_calls),
        cmocka_unit_test(values_have_the_declared_types),
        cmocka_unit_test(keeps_what_is_used),
        cmocka_unit_test(refuses_bad_signatures),
        STORE_TESTS(rules_may_call_them),
        cmocka_unit_test(rulebooks_give_their_words),
        cmocka_unit_test(survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
