/* Programs: what the checker finds when a rule is loaded, slots, functions from above, limits, memory. */
#include "support/faulty.h"
#include "support/support.h"

#include <gov/expr.h>
#include <stdio.h>
#include <string.h>

#include "expr/expr.h"

/* ---- a scope such as a workflow has ---- */

enum { URGENCY, CATEGORY, ANONYMOUS, PHONE, TAGS, OPENED, BALANCE, DATA, SLOTS };

static gov_status twice(void *user, const value *args, size_t n, value *out, const expr_run *run,
                        const diag *d)
{
    int64_t r;
    (void)user;
    (void)n;
    (void)run;
    if (!base_add(args[0].as.i, args[0].as.i, &r))
        return base_fail(d, M_overflow, A_S("what", "twice"));
    *out = value_int(r);
    return GOV_OK;
}

static gov_status twice_text(void *user, const value *args, size_t n, value *out,
                             const expr_run *run, const diag *d)
{
    (void)user;
    (void)n;
    (void)d;
    char *text = base_arena_alloc(run->scratch, 2 * args[0].len + 1);
    if (text == NULL)
        return GOV_E_NOMEM;
    memcpy(text, args[0].as.s, args[0].len);
    memcpy(text + args[0].len, args[0].as.s, args[0].len);
    *out = value_string(text, 2 * args[0].len);
    return GOV_OK;
}

static gov_status broken_store(void *user, const value *args, size_t n, value *out,
                               const expr_run *run, const diag *d)
{
    (void)user;
    (void)args;
    (void)n;
    (void)out;
    (void)run;
    (void)d;
    return GOV_E_BUSY;
}

static gov_status known_state(void *user, const value *args, size_t n, const expr_spot *spots,
                              const diag *d)
{
    (void)user;
    (void)n;
    if (args[0].kind == VALUE_STRING && !value_is_text(args[0], "closed"))
        return base_fail_at(d, &spots->place, M_undeclared_reference,
                            A_N("name", args[0].as.s, args[0].len), A_S("near", "closed"));
    return GOV_OK;
}

static gov_status in_state(void *user, const value *args, size_t n, value *out, const expr_run *run,
                           const diag *d)
{
    (void)user;
    (void)n;
    (void)run;
    (void)d;
    *out = value_bool(value_is_text(args[0], "closed"));
    return GOV_OK;
}

static gov_status declare(const gov_allocator *a, expr_scope **out, const diag *d)
{
    static const struct {
        const char *name;
        expr_type type;
    } vars[SLOTS] = {
        [URGENCY] = {"case.urgency", EXPR_INT},
        [CATEGORY] = {"case.category", EXPR_STRING},
        [ANONYMOUS] = {"case.anonymous", EXPR_BOOL},
        [PHONE] = {"case.phone", EXPR_STRING},
        [TAGS] = {"case.tags", EXPR_LIST | EXPR_STRING << 4},
        [OPENED] = {"case.opened_at", EXPR_TIMESTAMP},
        [BALANCE] = {"balance", EXPR_DOUBLE},
        [DATA] = {"event.data", EXPR_MAP},
    };
    static const expr_function functions[] = {
        {.name = "twice",
         .pure = true,
         .argc = 1,
         .args = {EXPR_INT},
         .result = EXPR_INT,
         .call = twice},
        {.name = "twice",
         .pure = true,
         .argc = 1,
         .args = {EXPR_STRING},
         .result = EXPR_STRING,
         .call = twice_text},
        {.name = "store.read",
         .argc = 1,
         .args = {EXPR_INT},
         .result = EXPR_BOOL,
         .call = broken_store},
        {.name = "In",
         .argc = 1,
         .args = {EXPR_STRING},
         .result = EXPR_BOOL,
         .call = in_state,
         .check = known_state},
    };
    uint32_t slot;
    gov_status status = expr_scope_new(a, NULL, out, d);
    for (size_t i = 0; status == GOV_OK && i < SLOTS; i++)
        status = expr_scope_var(*out, vars[i].name, vars[i].type, &slot, d);
    for (size_t i = 0; status == GOV_OK && i < ARRAY_LEN(functions); i++)
        status = expr_scope_function(*out, &functions[i], d);
    return status;
}

static int setup(void **state)
{
    expr_scope *s = NULL;
    if (declare(NULL, &s, NULL) != GOV_OK)
        return 1;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    expr_scope_free(*state);
    return 0;
}

static const expr_options guard = {.declared_only = true, .expect = EXPR_BOOL};
static const expr_options any = {.declared_only = true};

/* ---- the checker ---- */

static void finds_mistakes_when_loading(void **state)
{
    static const struct {
        const char *source, *code;
        int column;
        const char *argument, *text; /* an argument that the message must have */
    } table[] = {
        {"case.urgncy > 3", "undeclared_reference", 1, "near", "case.urgency"},
        {"1 > 2 || ca", "undeclared_reference", 10, "name", "ca"},
        {"case.urgency.deep > 3", "no_such_field", 14, "type", "int"},
        {"case.urgency > 'a'", "no_such_overload", 16, "types", "(int, string)"},
        {"case.urgency > 'a'", "no_such_overload", 16, "expected", "int, uint or double"},
        {"case.urgency + case.category == 'a'", "no_such_overload", 16, "expected", "int"},
        {"case.category == 4", "no_such_overload", 18, "beside", "string"},
        {"case.category in ['a', 'b'] && case.urgency", "wrong_type", 32, "found", "int"},
        {"4 in case.tags", "no_such_overload", 1, "expected", "string"},
        {"4 in case.urgency", "no_such_overload", 6, "expected", "list or map"},
        {"!case.urgency", "wrong_type", 2, "expected", "bool"},
        {"-case.category == 1", "wrong_type", 2, "found", "string"},
        {"case.urgency", "wrong_result", 1, "expected", "bool"},
        {"sise(case.tags) > 1", "unknown_function", 1, "near", "size"},
        {"size(case.urgency) > 1", "wrong_argument", 6, "expected", "string, bytes, list or map"},
        {"case.urgency.startsWith('a')", "wrong_target", 1, "expected", "string"},
        {"case.category.startsWith(1)", "wrong_argument", 26, "expected", "string"},
        {"case.category.startsWith('a', 'b')", "no_such_overload", 15, "function", "startsWith"},
        {"case.tags.all(t, t > 1)", "no_such_overload", 22, "types", "(string, int)"},
        {"case.tags.all(t, t)", "wrong_type", 18, "found", "string"},
        {"case.urgency.all(t, true)", "wrong_type", 1, "expected", "list or map"},
        {"case.opened_at + case.opened_at > case.opened_at", "no_such_overload", 18, "expected",
         "duration"},
        {"case.category.matches('(')", "bad_pattern", 23, "what", "a parenthesis has no partner"},
        {"case.opened_at.getHours('Mars/Base') > 1", "zone_unknown", 25, "zone", "Mars/Base"},
        {"twice(true) == 2", "wrong_argument", 7, "expected", "int or string"},
        {"In('clsed')", "undeclared_reference", 4, "near", "closed"},
        {"case.urgency > 3 ? true : 1", "no_such_overload", 27, "expected", "bool"},
        /* names of macros, of functions with a dot, and a mistake that would draw others after it */
        {"case.tags.exist(t, t == 'x')", "unknown_function", 11, "near", "exists"},
        {"case.tags.al(t, t == 'x')", "unknown_function", 11, "near", "all"},
        {"case.tags.exists_on(t, t == 'x')", "unknown_function", 11, "near", "exists_one"},
        {"case.tags.map(t).size() > 1", "bad_macro", 11, "macro", "map"},
        {"hass(case.tags)", "unknown_function", 1, "near", "has"},
        {"math.greatst(1, 2) > 1", "unknown_function", 1, "near", "math.greatest"},
        {"mth.greatest(1, 2) > 1", "unknown_function", 1, "near", "math.greatest"},
        {"cel.bnd(x, 1, x > 0)", "unknown_function", 1, "near", "cel.bind"},
        {"optional.off(1).hasValue()", "unknown_function", 1, "near", "optional.of"},
        {"sets.contians(case.tags, ['a'])", "unknown_function", 1, "near", "sets.contains"},
        {"strings.quot('a') == ''", "unknown_function", 1, "near", "strings.quote"},
        {"stor.read(1)", "unknown_function", 1, "near", "store.read"},
        {"case.category.startWith('gas')", "unknown_function", 15, "near", "startsWith"},
        {"case.category.contians('gas')", "unknown_function", 15, "near", "contains"},
        {"caes.urgency > 3", "undeclared_reference", 1, "near", "case.urgency"},
        {"case.urgncy.deep.er > 3", "undeclared_reference", 1, "name", "case.urgncy"},
        {"urgency > 3", "undeclared_reference", 1, "near", "case.urgency"},
        {"case.tags.all(tag, tga == 'x')", "undeclared_reference", 20, "near", "tag"},
        {"(case.urgency + case.category) > 'x'", "no_such_overload", 17, "types", "(int, string)"},
        {"case.tags[case.category] == 'x'", "no_such_overload", 11, "expected", "int"},
        {"startsWith(case.category, 'a')", "no_such_overload", 1, "expected", "string.startsWith(string)"},
        {"size(case.tags, 1) > 1", "no_such_overload", 1, "types", "(list(string), int)"},
        {"(case.urgency > 3", "unexpected_end", 18, "expected", "\")\""},
        /* what no evaluation could ever do, though a signature takes it */
        {"math.greatest(case.category, 1) > 1", "wrong_argument", 15, "expected", "int, uint or double"},
        {"math.least(case.tags) == 'a'", "wrong_argument", 12, "found", "list(string)"},
        {"math.greatest(1, case.anonymous) > 1", "wrong_argument", 18, "found", "bool"},
        {"[?case.urgency] == []", "wrong_type", 3, "expected", "optional"},
        {"{?'a': case.urgency} == {}", "wrong_type", 8, "found", "int"},
        {"[event.data].sort() == []", "wrong_target", 1, "found", "list(map)"},
        {"case.tags.sortBy(t, [t]) == []", "wrong_type", 21, "found", "list(string)"},
        {"[[1]].flatten().exists(x, x == 'a')", "no_such_overload", 32, "beside", "int"},
        {"'%y'.format([1]) == ''", "invalid_argument", 1, "function", "format"},
        {"'%s%s'.format([case.category]) == ''", "invalid_argument", 1, "function", "format"},
        {"'%d'.format([case.category]) == ''", "wrong_type", 14, "found", "string"},
        {"sets.contains(['a'], [1])", "wrong_argument", 22, "expected", "list(string)"},
        {"optional.of(1).or(optional.of('a')).hasValue()", "wrong_argument", 19, "expected",
         "optional(int)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        expr_program *p = NULL;
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        const gov_status status =
            expr_compile(NULL, *state, table[i].source, strlen(table[i].source), &guard, &p, &d);
        if (status == GOV_OK || gov_error_count(err) != 1 ||
            strcmp(gov_error_argument(err, 0, table[i].argument), table[i].text) != 0) {
            print_error("%s\n", table[i].source);
            support_print_error(err);
            fail();
        }
        assert_null(p);
        assert_diag(err, 0, table[i].code, 1, table[i].column);
        gov_error_free(err);
    }
}

static void reports_every_mistake(void **state)
{
    static const char source[] =
        "case.urgncy > 1 &&\n  case.category > 2 &&\n  nothing(case.urgency)";
    expr_program *p;
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    assert_int_equal(expr_compile(NULL, *state, source, strlen(source), &guard, &p, &d),
                     GOV_E_EXPR);
    assert_int_equal(gov_error_count(err), 3);
    assert_diag(err, 0, "undeclared_reference", 1, 1);
    assert_diag(err, 1, "no_such_overload", 2, 19);
    assert_diag(err, 2, "unknown_function", 3, 3);
    gov_error_free(err);
}

static void accepts_what_fits(void **state)
{
    static const struct {
        const char *source;
        expr_type type;
    } table[] = {
        {"case.urgency >= 4 && case.category in ['elevator', 'gas'] && !case.anonymous", EXPR_BOOL},
        {"case.urgency > 1.5 || case.urgency == 2u || balance < 3", EXPR_BOOL},
        {"case.phone == null || has(case.phone)", EXPR_BOOL},
        {"event.data.anything > 3 && event.data.other.deep in case.tags", EXPR_BOOL},
        {"case.tags.map(t, size(t))", EXPR_LIST | EXPR_INT << 4},
        {"case.tags.filter(t, t.startsWith('a'))[0]", EXPR_STRING},
        {"{'a': case.tags}", EXPR_MAP | EXPR_STRING << 4 | (EXPR_LIST | EXPR_STRING << 4) << 8},
        {"case.opened_at - case.opened_at", EXPR_DURATION},
        {"twice(2) + twice(size('x'))", EXPR_INT},
        {"twice('a')", EXPR_STRING},
        {"case.urgency > 3 ? case.phone : null", EXPR_DYN},
        {"case.anonymous ? 1 : null", EXPR_DYN},
        {"optional.of(1).orValue(null)", EXPR_DYN},
        {"math.greatest(case.urgency, 2)", EXPR_INT},
        {"math.greatest(case.urgency, balance)", EXPR_DYN},
        {"math.least([1.5, balance])", EXPR_DOUBLE},
        {"[[1], [2]].flatten()", EXPR_LIST | EXPR_INT << 4},
        {"[[[1]]].flatten(2)", EXPR_LIST | EXPR_INT << 4},
        {"case.tags.sortBy(t, size(t))", EXPR_LIST | EXPR_STRING << 4},
        {"[?optional.of(1)]", EXPR_LIST | EXPR_INT << 4},
        {"'%s %d%%'.format([case.tags, balance])", EXPR_STRING},
        {"[1, 'a']", EXPR_LIST},
        {"[] + case.tags", EXPR_LIST | EXPR_STRING << 4},
        {"In('closed')", EXPR_BOOL},
        {"In(case.category)", EXPR_BOOL},
        {"dyn(case.urgency) == 'x'", EXPR_BOOL},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        expr_program *p = NULL;
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        char found[EXPR_TYPE_TEXT], want[EXPR_TYPE_TEXT];
        assert_gov_ok(expr_compile(NULL, *state, table[i].source, strlen(table[i].source), &any, &p,
                                   &d),
                      err);
        assert_string_equal(expr_type_text(expr_program_type(p), found),
                            expr_type_text(table[i].type, want));
        expr_program_free(p);
    }
}

/* What is quoted from a source is cut, and on a character. */
static void quotes_no_more_than_a_line(void **state)
{
    static const struct {
        const char *unit, *code, *argument;
    } table[] = {
        {"a", "undeclared_reference", "name"},
        {"9", "bad_literal", "literal"},
        {"好", "bad_conversion", "value"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        base_buf source, want;
        expr_program *p = NULL;
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        value v;
        base_arena scratch;
        base_buf_init(&source, NULL);
        base_buf_init(&want, NULL);
        base_arena_init(&scratch, NULL);
        const bool fails_late = strcmp(table[i].argument, "value") == 0;
        base_buf_str(&source, fails_late ? "int('" : "");
        for (int n = 0; n < 1000; n++)
            base_buf_str(&source, table[i].unit);
        base_buf_str(&source, fails_late ? "' + case.category) == 1" : " == 1");
        for (int n = 0; n < 64; n++)
            base_buf_str(&want, table[i].unit);
        base_buf_str(&want, "…");
        value slots[SLOTS] = {[CATEGORY] = value_text("x")};
        const expr_run run = {.slots = slots, .slot_count = SLOTS, .scratch = &scratch};
        gov_status status = expr_compile(NULL, *state, source.data, source.len, &guard, &p, &d);
        if (fails_late) {
            assert_gov_ok(status, err);
            status = expr_eval(p, &run, &v, &d);
        }
        assert_gov(GOV_E_EXPR, status, err);
        assert_string_equal(gov_error_code(err, 0), table[i].code);
        assert_string_equal(gov_error_argument(err, 0, table[i].argument), want.data);
        gov_error_free(err);
        expr_program_free(p);
        base_arena_free(&scratch);
        base_buf_free(&source);
        base_buf_free(&want);
    }
}

/* The source as it would stand in a file, from line 7, column 20 on. */
static void locate(void *user, size_t offset, base_place *out)
{
    assert_ptr_equal(user, &guard);
    *out = (base_place){"rules.yaml", 7, 20 + (uint32_t)offset};
}

static void places_lie_in_the_file(void **state)
{
    expr_options o = guard;
    expr_program *p = NULL;
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    value v;
    static const char wrong[] = "case.urgncy > 1",
                      right[] = "case.urgency > 1 && 1 / (case.urgency - 3) == 1";
    o.locate = locate;
    o.user = (void *)(uintptr_t)&guard;
    assert_gov(GOV_E_EXPR, expr_compile(NULL, *state, wrong, strlen(wrong), &o, &p, &d), err);
    assert_diag(err, 0, "undeclared_reference", 7, 20);
    assert_string_equal(gov_error_origin(err, 0), "rules.yaml");
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(expr_compile(NULL, *state, right, strlen(right), &o, &p, &d), err);
    value slots[SLOTS] = {[URGENCY] = value_int(3)};
    const expr_run run = {.slots = slots, .slot_count = 1};
    assert_gov(GOV_E_EXPR, expr_eval(p, &run, &v, &d), err);
    assert_diag(err, 0, "divide_by_zero", 7, 42);
    assert_string_equal(gov_error_origin(err, 0), "rules.yaml");
    gov_error_free(err);
    expr_program_free(p);
}

/* ---- slots and functions ---- */

static bool fetch(void *user, uint32_t slot, value *out)
{
    ++*(int *)user;
    *out = value_text("fetched");
    return slot == CATEGORY;
}

static void reads_only_the_slots_it_names(void **state)
{
    static const char source[] = "has(case.phone) ? case.category : string(case.urgency)";
    expr_program *p = NULL;
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    size_t count;
    int fetched = 0;
    value v, slots[SLOTS];
    base_arena scratch;
    base_arena_init(&scratch, NULL);
    assert_gov_ok(expr_compile(NULL, *state, source, strlen(source), &any, &p, &d), err);
    const uint32_t *used = expr_program_slots(p, &count);
    assert_int_equal(count, 3);
    assert_true(used[0] == URGENCY && used[1] == CATEGORY && used[2] == PHONE);
    for (size_t i = 0; i < SLOTS; i++)
        slots[i] = value_absent();
    slots[URGENCY] = value_int(3);
    expr_run run = {
        .slots = slots, .slot_count = SLOTS, .fetch = fetch, .user = &fetched, .scratch = &scratch};
    assert_gov_ok(expr_eval(p, &run, &v, &d),
                  err); /* the phone is not there: one look, then urgency */
    assert_true(value_is_text(v, "3"));
    assert_int_equal(fetched, 1);
    slots[PHONE] = value_text("1");
    assert_gov_ok(expr_eval(p, &run, &v, &d), err);
    assert_true(value_is_text(v, "fetched"));
    slots[PHONE] = value_null(); /* null is as good as not there */
    assert_gov_ok(expr_eval(p, &run, &v, &d), err);
    assert_true(value_is_text(v, "3"));
    slots[URGENCY] = value_absent();
    assert_gov(GOV_E_EXPR, expr_eval(p, &run, &v, &d), err);
    assert_diag(err, 0, "no_value", 1, 42);
    assert_string_equal(gov_error_argument(err, 0, "name"), "case.urgency");
    gov_error_free(err);
    base_arena_free(&scratch);
    expr_program_free(p);
}

static gov_status eval_text(const expr_scope *s, const char *source, value *v, base_arena *scratch,
                            gov_error **err)
{
    expr_program *p = NULL;
    const diag d = {NULL, err};
    value slots[SLOTS];
    for (size_t i = 0; i < SLOTS; i++)
        slots[i] = value_absent();
    slots[URGENCY] = value_int(3);
    const expr_run run = {.slots = slots, .slot_count = SLOTS, .scratch = scratch};
    gov_status status = expr_compile(NULL, s, source, strlen(source), &any, &p, &d);
    if (status == GOV_OK)
        status = expr_eval(p, &run, v, &d);
    if (status == GOV_OK)
        status = value_copy(scratch, *v, v) ? GOV_OK : GOV_E_NOMEM;
    expr_program_free(p);
    return status;
}

static void calls_functions_from_above(void **state)
{
    gov_error *err = NULL;
    base_arena scratch;
    value v;
    base_arena_init(&scratch, NULL);
    assert_gov_ok(eval_text(*state, "twice(case.urgency) + twice(2)", &v, &scratch, &err), err);
    assert_int_equal(v.as.i, 10);
    assert_gov_ok(eval_text(*state, "twice('ab')", &v, &scratch, &err), err);
    assert_true(value_is_text(v, "abab"));
    /* an error of the function is one of the language, and || may pass it by */
    assert_gov_ok(eval_text(*state, "twice(9223372036854775807) == 1 || case.urgency == 3", &v,
                            &scratch, &err),
                  err);
    assert_true(v.as.b);
    assert_null(err);
    assert_gov(GOV_E_RANGE,
               eval_text(*state, "case.urgency < twice(9223372036854775807)", &v, &scratch, &err),
               err);
    assert_diag(err, 0, "overflow", -1, -1);
    assert_diag(err, 1, "function_failed", 1, 16);
    gov_error_free(err);
    err = NULL;
    /* a store that fails ends the evaluation */
    assert_gov(GOV_E_BUSY,
               eval_text(*state, "store.read(1) || case.urgency == 3", &v, &scratch, &err), err);
    gov_error_free(err);
    base_arena_free(&scratch);
}

static void scopes_add_to_their_parents(void **state)
{
    expr_scope *child = NULL;
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    uint32_t slot;
    expr_type type;
    assert_gov_ok(expr_scope_new(NULL, *state, &child, &d), err);
    assert_gov_ok(expr_scope_var(child, "event.data.unit", EXPR_STRING, &slot, &d), err);
    assert_int_equal(slot, SLOTS);
    assert_int_equal(expr_scope_slots(child), SLOTS + 1);
    assert_string_equal(expr_scope_name(child, SLOTS), "event.data.unit");
    assert_string_equal(expr_scope_name(child, DATA), "event.data");
    assert_null(expr_scope_name(child, SLOTS + 1));
    assert_true(expr_scope_find(child, "event.data", 10, &slot, &type) && slot == DATA &&
                type == EXPR_MAP);
    assert_false(expr_scope_find(*state, "event.data.unit", 15, &slot, &type));
    assert_gov(GOV_E_ARG, expr_scope_var(child, "a..b", EXPR_INT, NULL, &d), err);
    gov_error_free(err);
    expr_scope_free(child);
}

static void folds_constants(void **state)
{
    static const char *const constant[] = {"1 + 2 * 3",
                                           "false && case.urgency > 1",
                                           "case.urgency > 1 || true",
                                           "'a' in ['a']",
                                           "true ? 1 : case.urgency",
                                           "size('abc') == 3",
                                           "duration('5s') > duration('1s')",
                                           "twice(2)"};
    static const char *const not [] = {"1 / 0", "case.urgency", "In('closed')",
                                       "case.urgency > 1 || false"};
    value v;
    for (size_t i = 0; i < ARRAY_LEN(constant) + ARRAY_LEN(not ); i++) {
        const bool is = i < ARRAY_LEN(constant);
        const char *source = is ? constant[i] : not [i - ARRAY_LEN(constant)];
        expr_program *p = NULL;
        assert_int_equal(expr_compile(NULL, *state, source, strlen(source), &any, &p, NULL),
                         GOV_OK);
        assert_int_equal(expr_program_constant(p, &v), is);
        expr_program_free(p);
    }
}

static void results_keep_their_type(void **state)
{
    static const char source[] = "event.data.x";
    const value_pair pair = {value_text("x"), value_int(1)};
    value slots[SLOTS] = {[DATA] = value_map(&pair, 1)};
    expr_program *p = NULL;
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    value v;
    bool yes;
    const expr_run run = {.slots = slots, .slot_count = SLOTS};
    assert_gov_ok(expr_compile(NULL, *state, source, strlen(source), &guard, &p, &d), err);
    assert_gov(GOV_E_EXPR, expr_eval(p, &run, &v, &d), err);
    assert_diag(err, 0, "wrong_result", 1, 12); /* the field x */
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_EXPR, expr_eval_bool(p, &run, &yes, &d), err);
    gov_error_free(err);
    expr_program_free(p);
}

/* ---- memory ---- */

/* A guard over scalars, strings and constant lists: no memory at all, failing or not. */
static void guards_take_no_memory(void **state)
{
    static const char *const sources[] = {
        "case.urgency >= 4 && case.category in ['elevator', 'gas'] && !case.anonymous",
        "case.urgency % 2 == 0 ? case.category.startsWith('e') : case.category.size() > 3",
        "case.tags.exists(t, t == 'alone') || case.tags.all(t, t.contains('x'))",
        ("case.opened_at.getHours('Asia/Shanghai') < 8 || case.opened_at + duration('1h') > "
         "case.opened_at"),
        "has(case.phone) && case.phone != '' || balance > 2.5",
        "event.data.n in case.tags || event.data.n == 'x'",
        "1 / (case.urgency - 4) == 1 || true && case.anonymous",
    };
    const value tags[] = {value_text("alone"), value_text("old")};
    const value_pair pair = {value_text("n"), value_text("old")};
    const value slots[SLOTS] = {value_int(4),       value_text("elevator"), value_bool(false),
                                value_text("1380"), value_list(tags, 2),    value_timestamp(0, 0),
                                value_double(1.5),  value_map(&pair, 1)};
    struct faulty f;
    faulty_init(&f, -1, false);
    const expr_run run = {.slots = slots, .slot_count = SLOTS};
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        expr_program *p = NULL;
        value v;
        assert_int_equal(expr_compile(&f.alloc, *state, sources[i], strlen(sources[i]), &guard, &p,
                                      NULL),
                         GOV_OK);
        const long calls = f.calls;
        for (int k = 0; k < 10; k++)
            (void)expr_eval(p, &run, &v, NULL);
        assert_int_equal(f.calls, calls);
        expr_program_free(p);
    }
    assert_int_equal(f.live, 0);
}

typedef struct oom_case {
    const char *source;
    const expr_scope *scope;
} oom_case;

static gov_status compile_and_evaluate(const gov_allocator *alloc, void *user)
{
    const oom_case *c = user;
    gov_error *err = NULL;
    const diag d = {alloc, &err};
    expr_program *p = NULL;
    base_arena scratch;
    value v, slots[SLOTS];
    for (size_t i = 0; i < SLOTS; i++)
        slots[i] = value_absent();
    slots[URGENCY] = value_int(3);
    slots[OPENED] = value_timestamp(0, 0);
    base_arena_init(&scratch, alloc);
    gov_status status = expr_compile(alloc, c->scope, c->source, strlen(c->source), &any, &p, &d);
    const expr_run run = {.slots = slots, .slot_count = SLOTS, .scratch = &scratch};
    if (status == GOV_OK)
        status = expr_eval(p, &run, &v, &d);
    if (status != GOV_OK && status != GOV_E_NOMEM)
        status = GOV_OK; /* an error of the language, reported in full */
    expr_program_free(p);
    base_arena_free(&scratch);
    gov_error_free(err);
    return status;
}

static void survives_want_of_memory(void **state)
{
    static const char *const sources[] = {
        "[case.urgency, 2].map(x, string(x) + '!').filter(s, s.matches('^[0-9]' + '!$')) == ['3!']",
        ("{'a': case.urgency, 'b': [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}.b[case.urgency] + "
         "twice(case.urgency)"),
        "case.opened_at.getHours('Europe/' + 'Berlin') + case.opened_at.getDate('Asia/Shanghai')",
        "case.urgency / 0",
        "twice(9223372036854775807 - case.urgency)",
        "case.urgncy + nothing(1) + 'open'",
    };
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        oom_loop(compile_and_evaluate, &(oom_case){sources[i], *state});
}

static gov_status declare_only(const gov_allocator *alloc, void *user)
{
    gov_error *err = NULL;
    const diag d = {alloc, &err};
    expr_scope *s = NULL;
    (void)user;
    const gov_status status = declare(alloc, &s, &d);
    expr_scope_free(s);
    gov_error_free(err);
    return status;
}

static gov_status one_line(const gov_allocator *alloc, void *user)
{
    static const char line[] = "{\"expr\":\"x.map(y, y + 1) + "
                               "[a.b]\",\"bindings\":{\"x\":[{\"int\":\"1\"}],\"a.b\":\"c\"}}";
    base_buf out;
    (void)user;
    base_buf_init(&out, alloc);
    const gov_status status = expr_eval_line(alloc, NULL, line, sizeof line - 1, &out);
    base_buf_free(&out);
    return status;
}

static void scopes_and_lines_survive_too(void **state)
{
    (void)state;
    oom_loop(declare_only, NULL);
    oom_loop(one_line, NULL);
}

/* ---- limits ---- */

static gov_status compile_repeated(const char *before, const char *part, size_t times,
                                   const char *after, const char *code)
{
    base_buf source;
    expr_program *p = NULL;
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    base_arena scratch;
    value v;
    base_buf_init(&source, NULL);
    base_arena_init(&scratch, NULL);
    base_buf_str(&source, before);
    for (size_t i = 0; i < times; i++)
        base_buf_str(&source, part);
    base_buf_str(&source, after);
    gov_status status = expr_compile(NULL, NULL, source.data, source.len, NULL, &p, &d);
    const expr_run run = {.scratch = &scratch};
    if (status == GOV_OK)
        status = expr_eval(p, &run, &v, &d);
    if (code != NULL)
        assert_string_equal(gov_error_code(err, 0), code);
    gov_error_free(err);
    expr_program_free(p);
    base_arena_free(&scratch);
    base_buf_free(&source);
    return status;
}

static void limits_are_kept(void **state)
{
    (void)state;
    /* well above what the language asks for */
    assert_int_equal(compile_repeated("true", " || false", 5000, "", NULL), GOV_OK);
    assert_int_equal(compile_repeated("0", " + 1", 200, "", NULL), GOV_OK);
    assert_int_equal(compile_repeated("[0", ", 1", 10000, "]", NULL), GOV_OK);
    assert_int_equal(compile_repeated("((((((((((((((((((((((((((((((((", "", 0,
                                      "1))))))))))))))))))))))))))))))))", NULL),
                     GOV_OK);
    /* beyond */
    assert_int_equal(compile_repeated("", "(", 100000, "", "too_large"), GOV_E_LIMIT);
    assert_int_equal(compile_repeated("", "(", 60000, "", "too_large"), GOV_E_LIMIT);
    assert_int_equal(compile_repeated("", "[", 60000, "", "too_large"), GOV_E_LIMIT);
    assert_int_equal(compile_repeated("", "!", 60000, "true", "too_large"), GOV_E_LIMIT);
    assert_int_equal(compile_repeated("", "-", 60000, "1", "too_large"), GOV_E_LIMIT);
    assert_int_equal(compile_repeated("0", " + 1", 10000, "", "too_large"), GOV_E_LIMIT);
    assert_int_equal(compile_repeated("a", ".a", 10000, "", "too_large"), GOV_E_LIMIT);
    assert_int_equal(compile_repeated("", "1?1:", 10000, "1", "too_large"), GOV_E_LIMIT);
    assert_int_equal(compile_repeated("[0", ",1", 20000, "]", "too_large"), GOV_E_LIMIT);
    assert_int_equal(compile_repeated("", "[1].map(x,", 70,
                                      "1" /* not closed, but too many variables come first */,
                                      NULL),
                     GOV_E_EXPR);
    /* evaluations that would never end, or take all memory */
    assert_int_equal(compile_repeated("[1,2,3,4,5,6,7,8,9,10]", ".map(x,[x,x])", 60, "",
                                      "value_too_large"),
                     GOV_E_LIMIT);
    assert_int_equal(compile_repeated("['aaaaaaaaaaaaaaaaaaaaaaaaaaaa']", ".map(x,x+x)", 60, "",
                                      NULL),
                     GOV_E_LIMIT);
    assert_int_equal(compile_repeated("[[1,2,3,4,5,6,7,8]]", ".map(x,x+x)", 60, "", NULL),
                     GOV_E_LIMIT);
    assert_int_equal(compile_repeated("", "[0,1,2,3,4,5,6,7,8,9].all(x,", 12, "true))))))))))))",
                                      "too_costly"),
                     GOV_E_LIMIT);
    assert_int_equal(compile_repeated("", "[0,1,2,3,4,5,6,7,8,9].all(x,", 12, "1/0==1))))))))))))",
                                      "too_costly"),
                     GOV_E_LIMIT);
    assert_int_equal(compile_repeated("[1]", ".map(x,[x])", 70, "", "value_too_large"),
                     GOV_E_LIMIT);
    assert_int_equal(compile_repeated("\xff", "", 0, "", "bad_utf8"), GOV_E_INPUT);
}

/* ---- the public calls ---- */

static void public_calls(void **state)
{
    gov_error *err = NULL;
    gov_value *vars = NULL, *bindings = NULL, *out = NULL;
    gov_expr *e = NULL;
    char *json;
    static const char names[] =
        "{\"case.urgency\":\"int\",\"tags\":\"list(string)\",\"m\":\"map( string , dyn )\"}";
    static const char values[] = "{\"case\":{\"urgency\":4},\"tags\":[\"a\"],\"m\":{\"k\":2.5}}";
    static const char source[] = "{'u': case.urgency + 1, 't': tags[0], 'k': m.k}";
    (void)state;
    assert_gov_ok(gov_value_from_json(NULL, names, strlen(names), &vars, &err), err);
    assert_gov_ok(gov_value_from_json(NULL, values, strlen(values), &bindings, &err), err);
    assert_gov_ok(gov_expr_compile(NULL, source, strlen(source), vars, &e, &err), err);
    assert_gov_ok(gov_expr_eval(e, bindings, &out, &err), err);
    assert_gov_ok(gov_value_to_json(out, &json, NULL, &err), err);
    assert_string_equal(json, "{\"k\":2.5,\"t\":\"a\",\"u\":5}");
    gov_text_free(json);
    gov_value_free(out);
    assert_gov(GOV_E_EXPR, gov_expr_eval(e, NULL, &out, &err), err);
    assert_diag(err, 0, "no_value", 1, 7);
    gov_error_free(err);
    err = NULL;
    gov_expr_free(e);
    assert_gov(GOV_E_EXPR, gov_expr_compile(NULL, "tgas", 4, vars, &e, &err), err);
    assert_diag(err, 0, "undeclared_reference", 1, 1);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_value_set_string(vars, "x", "lost"), err);
    assert_gov(GOV_E_ARG, gov_expr_compile(NULL, "1", 1, vars, &e, &err), err);
    assert_diag(err, 0, "bad_type", 0, 0);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_expr_eval_line("{\"expr\":\"1 + 1\"}", 16, &json, NULL, &err), err);
    assert_string_equal(json, "{\"value\":{\"int\":\"2\"}}");
    gov_text_free(json);
    assert_int_equal(gov_expr_compile(NULL, NULL, 0, NULL, &e, NULL), GOV_E_ARG);
    assert_int_equal(gov_expr_eval(NULL, NULL, &out, NULL), GOV_E_ARG);
    assert_int_equal(gov_expr_eval_line(NULL, 0, &json, NULL, NULL), GOV_E_ARG);
    gov_expr_free(NULL);
    gov_value_free(vars);
    gov_value_free(bindings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_mistakes_when_loading),
        cmocka_unit_test(reports_every_mistake),
        cmocka_unit_test(accepts_what_fits),
        cmocka_unit_test(quotes_no_more_than_a_line),
        cmocka_unit_test(places_lie_in_the_file),
        cmocka_unit_test(reads_only_the_slots_it_names),
        cmocka_unit_test(calls_functions_from_above),
        cmocka_unit_test(scopes_add_to_their_parents),
        cmocka_unit_test(folds_constants),
        cmocka_unit_test(results_keep_their_type),
        cmocka_unit_test(guards_take_no_memory),
        cmocka_unit_test(survives_want_of_memory),
        cmocka_unit_test(scopes_and_lines_survive_too),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(public_calls),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
