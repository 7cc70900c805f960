/* The public conformance tests of CEL, one line each, through the line protocol. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/expr.h"

/* Groups of tests that ask for what we leave out, and why. */
static const struct {
    const char *group, *why;
} left_out[] = {
    {"network_ext", "no rule of a community looks at network addresses"},
    {"block_ext", "the form in which optimisers write expressions, not people"},
    {"check_only",
     "asks what a checker with type parameters of its own deduces; nothing is evaluated"},
};

typedef struct tally {
    char group[64];
    size_t passed, failed, skipped;
} tally;

static tally groups[64];
static size_t group_count;

static tally *tally_of(const char *group)
{
    for (size_t i = 0; i < group_count; i++)
        if (strcmp(groups[i].group, group) == 0)
            return &groups[i];
    assert_true(group_count < ARRAY_LEN(groups));
    (void)snprintf(groups[group_count].group, sizeof groups[group_count].group, "%s", group);
    return &groups[group_count++];
}

static const char *why_left_out(value needs)
{
    for (size_t i = 0; i < needs.len; i++)
        for (size_t k = 0; k < ARRAY_LEN(left_out); k++)
            if (value_is_text(needs.as.items[i], left_out[k].group))
                return left_out[k].why;
    return NULL;
}

static void name_group(value needs, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < needs.len; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%.*s", i > 0 ? " " : "",
                               (int)needs.as.items[i].len, needs.as.items[i].as.s);
    if (at == 0)
        (void)snprintf(out, size, "core");
}

/* Canonical text of a tagged value: equal values have equal texts, NaN and -0.0 included. */
static void canonical(base_arena *arena, value json, base_buf *out)
{
    value v;
    assert_int_equal(value_untag(arena, json, &v, NULL), GOV_OK);
    value_write_document(out, v);
}

static bool answers(base_arena *arena, value test, base_buf *answer)
{
    static const char *const members[] = {"expr", "bindings", "container"};
    value_builder b;
    base_buf line, got, want;
    value reply;
    value_builder_init(&b, arena);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const value v = value_get_text(test, members[i]);
        if (v.kind != VALUE_ABSENT)
            value_builder_set(&b, members[i], v);
    }
    base_buf_init(&line, NULL);
    base_buf_init(&got, NULL);
    base_buf_init(&want, NULL);
    value_write_plain(&line, value_builder_map(&b));
    assert_int_equal(expr_eval_line(NULL, NULL, line.data, line.len, answer), GOV_OK);
    assert_int_equal(value_read_json(arena, answer->data, answer->len, &reply, NULL), GOV_OK);
    const value expect = value_get_text(test, "expect"), result = value_get_text(reply, "value");
    bool good = result.kind == VALUE_ABSENT;
    if (value_get_text(expect, "error").kind == VALUE_ABSENT) {
        good = !good;
        if (good) {
            canonical(arena, result, &got);
            canonical(arena, value_get_text(expect, "value"), &want);
            good = strcmp(got.data, want.data) == 0;
        }
    }
    base_buf_free(&line);
    base_buf_free(&got);
    base_buf_free(&want);
    return good;
}

static void run_line(const char *text, size_t len)
{
    char group[64];
    base_arena arena;
    base_buf answer;
    value test;
    base_arena_init(&arena, NULL);
    base_buf_init(&answer, NULL);
    assert_int_equal(value_read_json(&arena, text, len, &test, NULL), GOV_OK);
    const value needs = value_get_text(test, "needs");
    name_group(needs, group, sizeof group);
    tally *t = tally_of(group);
    if (why_left_out(needs) != NULL ||
        value_get_text(value_get_text(test, "expect"), "none").kind != VALUE_ABSENT) {
        t->skipped++;
    } else if (answers(&arena, test, &answer)) {
        t->passed++;
    } else {
        const value source = value_get_text(test, "expr");
        print_error("%s: %.*s\n  gives %s\n", group, (int)source.len, source.as.s, answer.data);
        t->failed++;
    }
    base_buf_free(&answer);
    base_arena_free(&arena);
}

static void replays_the_public_tests(void **state)
{
    size_t len, failed = 0;
    (void)state;
    char *text = support_read(support_shared_or_skip("conformance/cel.jsonl"), &len);
    for (char *line = text; line < text + len;) {
        char *end = strchr(line, '\n');
        const size_t n = end != NULL ? (size_t)(end - line) : strlen(line);
        if (n > 0)
            run_line(line, n);
        line += n + 1;
    }
    free(text);
    for (size_t i = 0; i < group_count; i++) {
        print_message("%-40s %4zu passed %4zu failed %4zu left out\n", groups[i].group,
                      groups[i].passed, groups[i].failed, groups[i].skipped);
        failed += groups[i].failed;
    }
    for (size_t k = 0; k < ARRAY_LEN(left_out); k++)
        print_message("left out: %s: %s\n", left_out[k].group, left_out[k].why);
    assert_true(tally_of("core")->passed > 0);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(replays_the_public_tests)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
