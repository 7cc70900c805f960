/* The short way of guards answers what the long way does, for slots of every kind. */
#include "support/support.h"

#include <math.h>
#include <string.h>

#include "expr/expr.h"

static const char *const guards[] = {
    "a",
    "!a",
    "a && b",
    "a || b",
    "!(a && !b)",
    "a < 3",
    "a <= 3",
    "a > 3",
    "a >= 3",
    "a == 3",
    "a != 3",
    "a == 'x'",
    "a != 'x'",
    "a == ''",
    "a == true",
    "a != false",
    "a in ['x', 'yy']",
    "a in []",
    "a in ['a','b','c','d','e','f','g','h','x','']",
    "has(a.b)",
    "has(a)",
    "!has(a.b) && b",
    "a < 3 && b == 'x' || !b",
    "a > 3 || b in ['x'] || a == 'x'",
    "a && true",
    "b || false",
    "a == 3.0",
    "a < b",
    "a in b",
    "(a > 1) == true",
};

static value values[16];
static size_t value_count;

static void make_values(void)
{
    static const value items[] = {{.kind = VALUE_STRING, .as.s = "x", .len = 1}};
    const value all[] = {value_absent(),       value_null(),          value_bool(true),
                         value_bool(false),    value_int(3),          value_int(-4),
                         value_uint(3),        value_double(3),       value_double(NAN),
                         value_string("x", 1), value_string(NULL, 0), value_bytes("x", 1),
                         value_list(items, 1), value_map(NULL, 0),    value_timestamp(0, 0),
                         value_duration(3, 0)};
    memcpy(values, all, sizeof all);
    value_count = sizeof all / sizeof *all;
}

static int fetched;

static bool fetch(void *user, uint32_t slot, value *out)
{
    (void)user;
    (void)slot;
    fetched++;
    *out = value_bool(true);
    return true;
}

static void compare(const expr_program *p, const char *source, const expr_run *run)
{
    value v;
    bool quick = false;
    const gov_status slow = expr_eval(p, run, &v, NULL),
                     fast = expr_eval_bool(p, run, &quick, NULL);
    const gov_status want = slow == GOV_OK && v.kind != VALUE_BOOL ? GOV_E_EXPR : slow;
    if (fast != want || (want == GOV_OK && quick != v.as.b))
        fail_msg("%s: %d, %d", source, (int)want, (int)fast);
}

static void agrees_with_the_long_way(void **state)
{
    value slots[3];
    (void)state;
    make_values();
    for (size_t g = 0; g < sizeof guards / sizeof *guards; g++) {
        expr_scope *s = NULL;
        expr_program *p = NULL;
        assert_int_equal(expr_scope_new(NULL, NULL, &s, NULL), GOV_OK);
        assert_int_equal(expr_scope_var(s, "a", EXPR_DYN, NULL, NULL), GOV_OK);
        assert_int_equal(expr_scope_var(s, "b", EXPR_DYN, NULL, NULL), GOV_OK);
        assert_int_equal(expr_scope_var(s, "a.b", EXPR_DYN, NULL, NULL), GOV_OK);
        if (expr_compile(NULL, s, guards[g], strlen(guards[g]), NULL, &p, NULL) == GOV_OK) {
            for (size_t i = 0; i < value_count * value_count; i++) {
                slots[0] = values[i % value_count];
                slots[1] = slots[2] = values[i / value_count];
                const expr_run plain = {.slots = slots, .slot_count = 3},
                               few = {.slots = slots, .slot_count = 1},
                               asking = {.slots = slots, .slot_count = 3, .fetch = fetch};
                compare(p, guards[g], &plain);
                compare(p, guards[g], &few);
                compare(p, guards[g], &asking);
            }
        }
        expr_program_free(p);
        expr_scope_free(s);
    }
    assert_true(fetched > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_the_long_way)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
