/* The tests' own tools have to be right first. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "support/oom_malloc.h"

/* Through a volatile pointer, or the compiler may drop the pair of malloc and free. */
static void *(*volatile get)(size_t) = malloc;
static char *(*volatile copy)(const char *) = strdup;

static void fails_exactly_the_nth(void **state)
{
    void *a, *b, *c;

    (void)state;
    if (!oom_malloc_available())
        skip();
    oom_malloc_arm(1, false);
    a = get(10);
    b = get(10);
    c = get(10);
    assert_int_equal(oom_malloc_disarm(), 1);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    assert_int_equal(oom_malloc_live(), 2);
    free(a);
    free(c);
    assert_int_equal(oom_malloc_live(), 0);
}

static void fails_for_ever(void **state)
{
    void *a, *b, *c;

    (void)state;
    if (!oom_malloc_available())
        skip();
    oom_malloc_arm(1, true);
    a = get(10);
    b = get(10);
    c = copy("dependencies allocate through the C library too");
    assert_int_equal(oom_malloc_disarm(), 2);
    assert_null(b);
    assert_null(c);
    free(a);
    assert_non_null(c = get(1));
    free(c);
}

static void follows_a_block_that_moves(void **state)
{
    char *a;

    (void)state;
    if (!oom_malloc_available())
        skip();
    oom_malloc_arm(100, false);
    a = calloc(4, 4);
    assert_non_null(a);
    a = realloc(a, 100000);
    assert_non_null(a);
    assert_int_equal(oom_malloc_disarm(), 0);
    assert_int_equal(oom_malloc_live(), 1);
    free(a);
    assert_int_equal(oom_malloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fails_exactly_the_nth),
        cmocka_unit_test(fails_for_ever),
        cmocka_unit_test(follows_a_block_that_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
