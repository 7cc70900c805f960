/* The YAML layer: what a scalar means, where a byte of it stands in the file, what is refused and where. */
#include "support/support.h"

#include <string.h>

#include "rulebook/yaml.h"
#include "support/faulty.h"

typedef struct parsed {
    rb_source source;
    base_arena arena;
    gov_error *err;
    rb_node *root;
    gov_status status;
} parsed;

static void parse_bytes(parsed *p, const char *text, size_t len)
{
    const diag d = {&base_malloc, &p->err};
    uint32_t at = 0, line = 1;
    rb_slice slice;

    *p = (parsed){.source = {"t.yaml", text, len}};
    base_arena_init(&p->arena, &base_malloc);
    p->status = rb_check_text(&p->source, &d);
    if (p->status == GOV_OK && rb_next_slice(&p->source, &at, &line, &slice))
        p->status = rb_parse(&p->arena, &slice, &p->root, &d);
}

static void parse(parsed *p, const char *text)
{
    parse_bytes(p, text, strlen(text));
}

static void done(parsed *p)
{
    gov_error_free(p->err);
    base_arena_free(&p->arena);
}

/* ---- meaning ---- */

static void core_schema(void **state)
{
    static const struct {
        const char *text;
        rb_type type;
    } cases[] = {
        {"", RB_NULL}, {"~", RB_NULL}, {"null", RB_NULL}, {"Null", RB_NULL}, {"NULL", RB_NULL}, {"nULL", RB_STRING},
        {"true", RB_BOOL}, {"FALSE", RB_BOOL}, {"True", RB_BOOL}, {"tRUE", RB_STRING}, {"yes", RB_STRING},
        {"on", RB_STRING}, {"no", RB_STRING}, {"off", RB_STRING}, {"y", RB_STRING},
        {"0", RB_INT}, {"-19", RB_INT}, {"+12", RB_INT}, {"0o7", RB_INT}, {"0x3A", RB_INT}, {"007", RB_INT},
        {"0o8", RB_STRING}, {"0xG", RB_STRING}, {"0x", RB_STRING}, {"-0x1", RB_STRING}, {"1_000", RB_STRING},
        {"0b1", RB_STRING}, {"-", RB_STRING}, {"+", RB_STRING}, {"1:30", RB_STRING},
        {"0.", RB_FLOAT}, {"-0.0", RB_FLOAT}, {".5", RB_FLOAT}, {"+12e03", RB_FLOAT}, {"-2E+05", RB_FLOAT},
        {".inf", RB_FLOAT}, {"-.Inf", RB_FLOAT}, {"+.INF", RB_FLOAT}, {".nan", RB_FLOAT}, {".NaN", RB_FLOAT},
        {"-.nan", RB_STRING}, {".", RB_STRING}, {"1e", RB_STRING}, {"e3", RB_STRING}, {".e3", RB_STRING},
        {"2026-03-02", RB_STRING}, {"09:00-12:00", RB_STRING}, {"80%", RB_STRING},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (rb_resolve(cases[i].text, strlen(cases[i].text)) != cases[i].type)
            fail_msg("\"%s\" is of another type", cases[i].text);
}

static void values_of_scalars(void **state)
{
    parsed p;
    value v;
    gov_error *err = NULL;
    const diag d = {&base_malloc, &err};
    (void)state;
    parse(&p, "a: [0x1F, 0o17, -7, .5, 5., -.inf, true, ~, \"5\", '~', 1e3]\n");
    assert_gov_ok(p.status, p.err);
    assert_gov_ok(rb_value(&p.arena, p.root, &v, &d), err);
    const value list = value_get_text(v, "a");
    assert_int_equal(list.len, 11);
    assert_int_equal(list.as.items[0].as.i, 31);
    assert_int_equal(list.as.items[1].as.i, 15);
    assert_int_equal(list.as.items[2].as.i, -7);
    assert_true(list.as.items[3].as.d == 0.5);
    assert_true(list.as.items[4].as.d == 5.0);
    assert_true(list.as.items[5].as.d < -1e308);
    assert_true(list.as.items[6].as.b);
    assert_true(value_is(list.as.items[7], VALUE_NULL));
    assert_true(value_is_text(list.as.items[8], "5"));
    assert_true(value_is_text(list.as.items[9], "~"));
    assert_true(list.as.items[10].as.d == 1000.0);
    done(&p);
}

/* ---- places ---- */

/* In the text '@' marks the byte of the value that is looked for: it is cut out before parsing, and its line and column are
 * what rb_locate has to say about the byte that the value has there. */
static void check_place(const char *marked, size_t offset)
{
    char text[512];
    parsed p;
    uint32_t line = 1, column = 1, want_line = 0, want_column = 0;
    size_t n = 0;
    for (const char *s = marked; *s != '\0'; s++) {
        if (*s == '@') {
            want_line = line;
            want_column = column;
            continue;
        }
        text[n++] = *s;
        if (*s == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*s & 0xc0) != 0x80) {
            column++;
        }
    }
    parse_bytes(&p, text, n);
    assert_gov_ok(p.status, p.err);
    const base_place place = rb_locate(rb_get(p.root, "k"), offset);
    if (place.line != want_line || place.column != want_column)
        fail_msg("%s\nbyte %zu: %u:%u, not %u:%u", marked, offset, place.line, place.column, want_line, want_column);
    done(&p);
}

static void places_inside_scalars(void **state)
{
    (void)state;
    check_place("k: @abc\n", 0);
    check_place("k: ab@c\n", 2);
    check_place("# 注\n中: 1\nk: 中@文\n", 3);
    check_place("k: 'it''@s'\n", 3);
    check_place("k: \"a\\\"@b\"\n", 2);
    check_place("k: \"\\u4e2d@b\"\n", 3);
    check_place("k: \"\\x41\\t@b\"\n", 2);
    check_place("k: \"a\\\n   @b\"\n", 1);
    check_place("k: one\n  @two\n", 4);
    check_place("k: \"one\n\n  @two\"\n", 4);
    check_place("k: 'one\n\n\n  @two'\n", 5);
    check_place("k: |\n  one\n  t@wo\n", 5);
    check_place("k: >-\n  one\n  @two\n", 4);
    check_place("k: >\n  one\n\n  @two\n", 4);
    check_place("k: >\n\n  one\n    more\n  @two\n", 12);
    check_place("{y: 1,\n k: @a}\n", 0);
}

static void peeks_like_it_parses(void **state)
{
    static const char *const texts[] = {"workflow: a\n", "# x\n\nworkflow: a # y\n", "---\nworkflow: a\nx: 1\n",
                                        "--- # c\n# d\nworkflow: a\r\n"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const rb_source s = {"t", texts[i], strlen(texts[i])};
        uint32_t at = 0, line = 1;
        rb_slice slice;
        const char *kind, *name;
        size_t kind_len, name_len;
        assert_true(rb_next_slice(&s, &at, &line, &slice));
        assert_true(rb_peek(&slice, &kind, &kind_len, &name, &name_len));
        assert_memory_equal(kind, "workflow", 8);
        assert_int_equal(kind_len, 8);
        assert_memory_equal(name, "a", 1);
        assert_int_equal(name_len, 1);
        assert_false(rb_next_slice(&s, &at, &line, &slice));
    }
}

static void documents(void **state)
{
    static const char text[] = "# only a comment\n%YAML 1.2\n---\na: 1\n...\n# between\n---\nb: |\n  --- no\n---\n# empty\n"
                               "---\nc: 3\n";
    const rb_source s = {"t", text, sizeof text - 1};
    static const uint32_t lines[] = {3, 7, 12};
    uint32_t at = 0, line = 1;
    rb_slice slice;
    size_t count = 0;
    (void)state;
    while (rb_next_slice(&s, &at, &line, &slice)) {
        assert_true(count < ARRAY_LEN(lines));
        assert_int_equal(slice.line, lines[count]);
        count++;
    }
    assert_int_equal(count, ARRAY_LEN(lines));
}

/* ---- what is refused ---- */

static void refusals(void **state)
{
    static const struct {
        const char *text, *code;
        int line, column;
    } cases[] = {
        {"a: 1\na: 2\n", "yaml_duplicate_key", 2, 1},
        {"a: {b: 1, 'b': 2}\n", "yaml_duplicate_key", 1, 11},
        {"[a]: 1\n", "yaml_key", 1, 1},
        {"a: 99999999999999999999\n", "yaml_number", 1, 4},
        {"a: \"\\0\"\n", "yaml_control", 1, 4},
        {"a: \x7f\n", "yaml_control", 1, 4},
        {"a: x\xe2\x80\xa8y\n", "yaml_control", 1, 5},
        {"a: x\xef\xbb\xbfy\n", "yaml_control", 1, 5},
        {"中: \xc3(\n", "bad_utf8", 1, 4},
        {"a: !foo\n", "yaml_quote", 1, 4},
        {"a: !<tag:example.com,2026:x> 1\n", "yaml_tag", 1, 4},
        {"a: !!map [x]\n", "yaml_tag_wrong", 1, 4},
        {"a: *x\n", "yaml_alias_unknown", 1, 4},
        {"a: [1\n", "yaml_unclosed", 1, 4},
        {"a: \"b\nc: d\n", "yaml_unclosed", 1, 4},
        {"a: b: c\n", "yaml_text", 1, 4},
        {"a: 1\n? [b, c\nd: 2\n", "yaml_unclosed", 2, 3},
        {"a: &b\n", "yaml_text", 1, 4},
        {"a:\n\t- b\n", "yaml_tab", 2, 1},
        {"a:\n  b: 1\n c: 1\n", "yaml_indent", 3, 2},
        {"a: - b\n", "yaml_list_line", 1, 4},
        {"a:\n  中：b\n  c: d\n", "yaml_wide", 2, 4},
        {"a:\n  b:c\n  c: d\n", "yaml_no_colon", 2, 3},
        {"a: \"\\d\"\n", "yaml_escape", 1, 5},
        {"a: %\n", "yaml_text", 1, 4},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        parsed p;
        parse(&p, cases[i].text);
        if (p.status == GOV_OK)
            fail_msg("accepted: %s", cases[i].text);
        assert_diag(p.err, 0, cases[i].code, cases[i].line, cases[i].column);
        done(&p);
    }
}

static void proposes_quotes(void **state)
{
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        {"when: !case.a && case.b\n", "'!case.a && case.b'"},
        {"when: case.a ? 1 : 2\n", "'case.a ? 1 : 2'"},
        {"when: \"a\" in case.tags\n", "'\"a\" in case.tags'"},
        {"when: [1, 2].exists(x, x == case.n)\n", "'[1, 2].exists(x, x == case.n)'"},
        {"when: {'a': 1}['a'] == case.n\n", "\"{'a': 1}['a'] == case.n\""},
        {"t: {when: case.n in [1, 2], to: x}\n", "'case.n in [1, 2]'"},
        {"t: {when: !case.a, to: x}\n", "'!case.a'"},
        {"t: {to: x, when: !case.a}\n", "'!case.a'"},
        {"t: {when: !(case.n in [1, 2]), to: x}\n", "'!(case.n in [1, 2])'"},
        {"when: !case.a && case.b && !case.c\n", "'!case.a && case.b && !case.c'"},
        {"t: {when: max(1, case.n) == 2, to: x}\n", "'max(1, case.n) == 2'"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        parsed p;
        parse(&p, cases[i].text);
        assert_int_equal(p.status, GOV_E_RULE);
        assert_diag(p.err, 0, "yaml_quote", 1, -1);
        assert_string_equal(gov_error_argument(p.err, 0, "quoted"), cases[i].quoted);
        done(&p);
    }
}

static void large_and_deep(void **state)
{
    static char text[40000];
    parsed p;
    size_t n = 0;
    (void)state;
    for (int i = 0; i < 64; i++)
        text[n++] = '[';
    for (int i = 0; i < 64; i++)
        text[n++] = ']';
    parse_bytes(&p, text, n);
    assert_gov_ok(p.status, p.err);
    done(&p);
    memset(text, '[', 30000);
    parse_bytes(&p, text, 30000);
    assert_int_equal(p.status, GOV_E_RULE);
    assert_diag(p.err, 0, "yaml_depth", 1, 65);
    done(&p);
}

static gov_status oom_parse(const gov_allocator *a, void *user)
{
    static const char text[] = "a: &x [1, 'b', {c: \"d\\n\"}]\ne: *x\nf: !g 1\ne: 2\nh: [\ni: @x\nj: {k: 1}\n";
    const rb_source s = {"t", text, sizeof text - 1};
    base_arena arena;
    gov_error *err = NULL;
    const gov_allocator *alloc = a != NULL ? a : &base_malloc;
    const diag d = {alloc, &err};
    uint32_t at = 0, line = 1;
    rb_slice slice;
    rb_node *root;
    (void)user;
    base_arena_init(&arena, alloc);
    rb_next_slice(&s, &at, &line, &slice);
    gov_status status = rb_parse(&arena, &slice, &root, &d);
    if (status == GOV_E_RULE && gov_error_status(err) == GOV_E_RULE)
        status = GOV_OK;
    gov_error_free(err);
    base_arena_free(&arena);
    return status;
}

static void out_of_memory(void **state)
{
    (void)state;
    oom_loop(oom_parse, NULL);
    oom_loop_malloc(oom_parse, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(core_schema),
        cmocka_unit_test(values_of_scalars),
        cmocka_unit_test(places_inside_scalars),
        cmocka_unit_test(peeks_like_it_parses),
        cmocka_unit_test(documents),
        cmocka_unit_test(refusals),
        cmocka_unit_test(proposes_quotes),
        cmocka_unit_test(large_and_deep),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
