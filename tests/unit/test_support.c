/* The shared helpers: the allocator that fails, the stores, the files. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/faulty.h"

static void faulty_counts_what_is_live(void **state)
{
    struct faulty f;
    char *a, *b;

    (void)state;
    faulty_init(&f, -1, false);
    a = f.alloc.alloc(10, f.alloc.user);
    b = f.alloc.resize(NULL, 5, f.alloc.user);
    assert_non_null(a);
    assert_non_null(b);
    strcpy(a, "123456789");
    a = f.alloc.resize(a, 1000, f.alloc.user);
    assert_string_equal(a, "123456789");
    assert_int_equal(f.live, 2);
    assert_int_equal(f.bytes, 1005);
    f.alloc.free(a, f.alloc.user);
    f.alloc.free(b, f.alloc.user);
    f.alloc.free(NULL, f.alloc.user);
    assert_int_equal(f.live, 0);
    assert_int_equal(f.bytes, 0);
    assert_int_equal(f.peak, 1015);
}

static void faulty_keeps_the_block_it_cannot_resize(void **state)
{
    struct faulty f;
    char *a;

    (void)state;
    faulty_init(&f, 1, false);
    a = f.alloc.alloc(4, f.alloc.user);
    strcpy(a, "abc");
    assert_null(f.alloc.resize(a, 100, f.alloc.user));
    assert_string_equal(a, "abc");
    f.alloc.free(a, f.alloc.user);
    assert_int_equal(f.live, 0);
    assert_int_equal(f.hits, 1);
}

/* A scenario of three allocations that does everything right. */
static gov_status three_blocks(const gov_allocator *alloc, void *user)
{
    void *block[3] = {NULL, NULL, NULL};
    gov_status rc = GOV_OK;
    int *most = user;

    for (int i = 0; i < 3 && rc == GOV_OK; i++) {
        block[i] = alloc != NULL ? alloc->alloc(8, alloc->user) : malloc(8);
        if (block[i] == NULL)
            rc = GOV_E_NOMEM;
        else if (i + 1 > *most)
            *most = i + 1;
    }
    for (int i = 0; i < 3; i++) {
        if (alloc != NULL)
            alloc->free(block[i], alloc->user);
        else
            free(block[i]);
    }
    return rc;
}

static void the_loops_end_with_success(void **state)
{
    int most = 0;

    (void)state;
    oom_loop(three_blocks, &most);
    assert_int_equal(most, 3);
    oom_loop_malloc(three_blocks, &most, 0);
}

static void each_store_is_new(void **state)
{
    support_store *s = support_store_of(state);
    char other[512];

    support_store_another(s, "second", other);
    assert_string_not_equal(s->url, other);
    assert_non_null(strstr(s->url, s->kind));
}

static void folders_vanish_with_their_content(void **state)
{
    char *dir = support_tmpdir();
    char path[512], copy[512], *text;
    struct stat st;
    size_t len;

    (void)state;
    support_write(support_path(path, dir, "x"), "a\0b", 3);
    text = support_read(path, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(text, "a\0b", 4);
    free(text);
    snprintf(copy, sizeof copy, "%s", dir);
    support_rmdir(dir);
    assert_int_not_equal(stat(copy, &st), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faulty_counts_what_is_live),
        cmocka_unit_test(faulty_keeps_the_block_it_cannot_resize),
        cmocka_unit_test(the_loops_end_with_success),
        cmocka_unit_test(folders_vanish_with_their_content),
        STORE_TESTS(each_store_is_new),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
