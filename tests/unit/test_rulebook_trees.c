/* Rulebooks from stored trees: they compile to the same as from their text, with the same places, and damage is noticed. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/faulty.h"
#include "support/rulebook_host.h"
#include "rulebook/load.h"

static gov_error *err;
static const diag to_err = {&base_malloc, &err};

static int forget(void **state)
{
    (void)state;
    gov_error_free(err);
    err = NULL;
    return 0;
}

typedef struct kept {
    rulebook *rb;
    base_buf text, trees;
} kept;

static void keep(kept *k)
{
    base_buf_init(&k->text, &base_malloc);
    base_buf_init(&k->trees, &base_malloc);
    rulebook_bundle_write(rulebook_bundle_of(k->rb), &k->text);
    assert_gov_ok(rulebook_trees_write(k->rb, &k->trees, &to_err), err);
}

static void keep_path(kept *k, const char *path)
{
    rulebook_bundle *b = NULL;
    const rulebook_options o = {.host = &test_host};
    assert_gov_ok(rulebook_bundle_read(&base_malloc, path, NULL, 0, &b, &to_err), err);
    assert_gov_ok(rulebook_load(&base_malloc, b, &o, &k->rb, &to_err), err);
    (void)forget(NULL);
    keep(k);
}

static void keep_text(kept *k, const char *text)
{
    rulebook_bundle *b = NULL;
    const rulebook_options o = {.host = &test_host};
    const rulebook_source s = {.path = "r.yaml", .bytes = text, .len = strlen(text)};
    assert_gov_ok(rulebook_bundle_make(&base_malloc, &s, 1, &b, &to_err), err);
    assert_gov_ok(rulebook_load(&base_malloc, b, &o, &k->rb, &to_err), err);
    (void)forget(NULL);
    keep(k);
}

static void drop(kept *k)
{
    rulebook_free(k->rb);
    base_buf_free(&k->text);
    base_buf_free(&k->trees);
}

static gov_status open_kept(const gov_allocator *a, const kept *k, const void *trees, size_t len, rulebook **out, const diag *d)
{
    rulebook_bundle *b = NULL;
    const rulebook_options o = {.host = &test_host, .tzif = k->rb->tzif, .tzif_len = k->rb->tzif_len,
                                .trees = trees, .trees_len = len};
    *out = NULL;
    const gov_status status = rulebook_bundle_parse(a, k->text.data, k->text.len, &b, d);
    return status == GOV_OK ? rulebook_open(a, b, &o, out, d) : status;
}

/* ---- the same trees ---- */

static void same_nodes(const rb_node *a, const rb_node *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->style, b->style);
    assert_int_equal(a->line, b->line);
    assert_int_equal(a->column, b->column);
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->count, b->count);
    if (a->kind == RB_SCALAR) {
        assert_int_equal(a->type, b->type);
        assert_memory_equal(a->as.text, b->as.text, a->count + 1);
    }
    for (uint32_t i = 0; a->kind == RB_LIST && i < a->count; i++)
        same_nodes(a->as.items[i], b->as.items[i]);
    for (uint32_t i = 0; a->kind == RB_MAP && i < a->count; i++) {
        same_nodes(a->as.pairs[i].key, b->as.pairs[i].key);
        same_nodes(a->as.pairs[i].val, b->as.pairs[i].val);
    }
}

static void same_trees(const kept *k)
{
    rulebook *again = NULL;
    assert_gov_ok(open_kept(&base_malloc, k, k->trees.data, k->trees.len, &again, &to_err), err);
    rb_full *a = (rb_full *)k->rb, *b = (rb_full *)again;
    assert_int_equal(a->def_count, b->def_count);
    for (size_t i = 0; i < a->def_count; i++) {
        base_arena arena;
        rb_node *from_text = NULL, *from_tree = NULL;
        assert_string_equal(a->defs[i].name, b->defs[i].name);
        assert_string_equal(a->defs[i].key, b->defs[i].key);
        assert_int_equal(a->defs[i].kind, b->defs[i].kind);
        assert_int_equal(a->defs[i].place.line, b->defs[i].place.line);
        assert_int_equal(a->defs[i].slice.start, b->defs[i].slice.start);
        base_arena_init(&arena, &base_malloc);
        assert_gov_ok(rb_parse(&arena, &a->defs[i].slice, &from_text, &to_err), err);
        assert_gov_ok(rb_read_tree(&arena, &b->defs[i], &from_tree, &to_err), err);
        same_nodes(from_text, from_tree);
        base_arena_free(&arena);
    }
    rulebook_free(again);
}

static void trees_are_those_of_the_text(void **state)
{
    kept k;
    (void)state;
    keep_path(&k, support_source("tests/cases/rulebook/manual"));
    same_trees(&k);
    drop(&k);
}

/* Every style of scalars, aliases, several documents, a mark of byte order, lines that end in CR LF. */
static const char odd[] = "\xef\xbb\xbfrulebook: t\r\nversion: '1''s'\r\ntime_zone: \"Asia/Shanghai\"\r\ndescription: |\r\n  one\r\n  two\r\n"
                          "title: {zh: \"\\u5e78\\\"福\", en: 'a b'}\r\nvalues:\r\n  x: &x {is: 2, source: 's'}\r\n"
                          "  z: {is: [1, 2.5, true, ~, \"\", 0x1f], source: 'two\r\n\r\n   lines'}\r\n  y: *x\r\n"
                          "--- # more\r\nworkflow: w\r\nfields: {a: &f {type: int}, b: *f}\r\nstates:\r\n  a:\r\n    always:\r\n"
                          "      when: case.a >\r\n        case.b\r\n      to: b\r\n  b: {type: final}\r\n";

static void odd_trees(void **state)
{
    kept k;
    (void)state;
    keep_text(&k, odd);
    same_trees(&k);
    drop(&k);
}

static void compiled_alike(void **state)
{
    kept k;
    rulebook *from_text = NULL, *from_trees = NULL;
    (void)state;
    keep_path(&k, support_source("tests/cases/rulebook/manual"));
    assert_gov_ok(open_kept(&base_malloc, &k, NULL, 0, &from_text, &to_err), err);
    assert_gov_ok(open_kept(&base_malloc, &k, k.trees.data, k.trees.len, &from_trees, &to_err), err);
    assert_int_equal(from_text->workflows.count, from_trees->workflows.count);
    for (uint32_t i = 0; i < from_text->workflows.count; i++) {
        const rulebook_workflow *v, *w;
        assert_gov_ok(rulebook_get_workflow(from_text, from_text->workflows.items[i], &v, &to_err), err);
        assert_gov_ok(rulebook_get_workflow(from_trees, from_text->workflows.items[i], &w, &to_err), err);
        assert_string_equal(v->digest_text, w->digest_text);
        assert_int_equal(v->slot_count, w->slot_count);
        assert_int_equal(v->guard_count, w->guard_count);
        for (uint32_t g = 0; g < v->guard_count; g++) {
            assert_int_equal(v->guards[g].place.line, w->guards[g].place.line);
            assert_int_equal(v->guards[g].place.column, w->guards[g].place.column);
            assert_string_equal(v->guards[g].place.origin, w->guards[g].place.origin);
        }
    }
    base_buf twice;
    base_buf_init(&twice, &base_malloc);
    assert_gov_ok(rulebook_trees_write(from_trees, &twice, &to_err), err);
    assert_int_equal(twice.len, k.trees.len);
    assert_memory_equal(twice.data, k.trees.data, twice.len);
    base_buf_free(&twice);
    rulebook_free(from_text);
    rulebook_free(from_trees);
    drop(&k);
}

/* ---- damage ---- */

static gov_status use_all(const kept *k, const void *trees, size_t len)
{
    rulebook *rb = NULL;
    gov_status status = open_kept(&base_malloc, k, trees, len, &rb, &to_err);
    for (uint32_t i = 0; rb != NULL && status == GOV_OK && i < rb->workflows.count; i++) {
        const rulebook_workflow *w;
        status = rulebook_get_workflow(rb, rb->workflows.items[i], &w, &to_err);
    }
    for (uint32_t i = 0; rb != NULL && status == GOV_OK && i < rb->schedules.count; i++) {
        const rulebook_schedule *s;
        status = rulebook_get_schedule(rb, rb->schedules.items[i], &s, &to_err);
    }
    for (uint32_t i = 0; rb != NULL && status == GOV_OK && i < rb->indicators.count; i++) {
        const rulebook_indicator *n;
        status = rulebook_get_indicator(rb, rb->indicators.items[i], &n, &to_err);
    }
    for (uint32_t i = 0; rb != NULL && status == GOV_OK && i < rb->scenarios.count; i++) {
        const rulebook_scenario *s;
        status = rulebook_get_scenario(rb, i, &s, &to_err);
    }
    rulebook_free(rb);
    return status;
}

static void one_clear_error(const kept *k, const void *trees, size_t len, size_t at)
{
    const gov_status status = use_all(k, trees, len);
    if (status != GOV_E_CORRUPT || gov_error_count(err) != 1)
        fail_msg("byte %zu: status %d, %zu diagnostics", at, (int)status, gov_error_count(err));
    assert_string_equal(gov_error_code(err, 0), "bundle_damaged");
    (void)forget(NULL);
}

static void damage_is_noticed(void **state)
{
    enum { VERSION = 10 }; /* there begins the version: another one is no damage */
    kept k;
    (void)state;
    keep_path(&k, support_source("tests/cases/rulebook/manual"));
    for (size_t i = 0; i < k.trees.len; i += i < 400 ? 1 : 13) {
        k.trees.data[i] ^= 4;
        if (i == VERSION || i == VERSION + 1)
            assert_gov_ok(use_all(&k, k.trees.data, k.trees.len), err);
        else
            one_clear_error(&k, k.trees.data, k.trees.len, i);
        k.trees.data[i] ^= 4;
    }
    for (size_t n = 1; n < k.trees.len; n += n < 200 ? 1 : 97)
        one_clear_error(&k, k.trees.data, n, n);
    assert_gov_ok(use_all(&k, "", 0), err);
    drop(&k);
}

static void trees_of_another_rulebook(void **state)
{
    kept a, b;
    (void)state;
    keep_text(&a, "rulebook: t\nversion: '1'\ntime_zone: UTC\n");
    keep_text(&b, "rulebook: t\nversion: '2'\ntime_zone: UTC\n");
    one_clear_error(&a, b.trees.data, b.trees.len, 0);
    drop(&a);
    drop(&b);
}

static gov_status verify_kept(const gov_allocator *a, const kept *k, const void *trees, size_t len, const diag *d)
{
    rulebook_bundle *b = NULL;
    const rulebook_options o = {.host = &test_host, .tzif = k->rb->tzif, .tzif_len = k->rb->tzif_len,
                                .trees = trees, .trees_len = len};
    const gov_status status = rulebook_bundle_parse(a, k->text.data, k->text.len, &b, d);
    return status == GOV_OK ? rulebook_trees_verify(a, b, &o, d) : status;
}

/* Trees whose digests fit and that say something else than the text: only reading the text again shows it. */
static void trees_with_other_rules(void **state)
{
    static const char text[] = "rulebook: t\nversion: '1'\ntime_zone: UTC\nvalues: {n: {is: %d, source: s}}\n";
    char one[128], two[128];
    kept a, b;
    (void)state;
    (void)snprintf(one, sizeof one, text, 1);
    (void)snprintf(two, sizeof two, text, 22);
    keep_text(&a, one);
    keep_text(&b, two);
    memcpy(b.trees.data + 12, a.trees.data + 12, BASE_DIGEST_SIZE); /* the bundle's digest */
    assert_gov_ok(verify_kept(&base_malloc, &a, a.trees.data, a.trees.len, &to_err), err);
    assert_gov_ok(verify_kept(&base_malloc, &a, "", 0, &to_err), err);
    assert_gov(GOV_E_CORRUPT, verify_kept(&base_malloc, &a, b.trees.data, b.trees.len, &to_err), err);
    drop(&a);
    drop(&b);
}

/* ---- memory ---- */

static gov_status oom_open(const gov_allocator *a, void *user)
{
    const kept *k = user;
    gov_error *error = NULL;
    const diag d = {a, &error};
    rulebook *rb = NULL;
    const rulebook_workflow *w;
    base_buf again;
    base_buf_init(&again, a);
    gov_status status = open_kept(a, k, k->trees.data, k->trees.len, &rb, &d);
    if (status == GOV_OK)
        status = rulebook_get_workflow(rb, "w", &w, &d);
    if (status == GOV_OK)
        status = rulebook_trees_write(rb, &again, &d);
    if (status == GOV_OK)
        status = verify_kept(a, k, again.data, again.len, &d);
    rulebook_free(rb);
    base_buf_free(&again);
    gov_error_free(error);
    return status;
}

static void out_of_memory(void **state)
{
    kept k;
    (void)state;
    keep_text(&k, "rulebook: t\nversion: '1'\ntime_zone: UTC\nvalues: {n: {is: 2, source: s}}\n---\nworkflow: w\n"
                  "roles: {r: {}}\nfields: {a: {type: int, default: 1, when: 'it > 0'}}\n"
                  "events: {go: {by: [r], input: {x: {type: int}}}}\n"
                  "states: {a: {on: {go: {when: event.data.x > values.n, to: b}}}, b: {type: final}}\n");
    oom_loop(oom_open, &k);
    drop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(trees_are_those_of_the_text, forget),
        cmocka_unit_test_teardown(odd_trees, forget),
        cmocka_unit_test_teardown(compiled_alike, forget),
        cmocka_unit_test_teardown(damage_is_noticed, forget),
        cmocka_unit_test_teardown(trees_of_another_rulebook, forget),
        cmocka_unit_test_teardown(trees_with_other_rules, forget),
        cmocka_unit_test_teardown(out_of_memory, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
