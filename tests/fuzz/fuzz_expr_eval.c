/*
 * Evaluation: any expression over variables of every kind gives a value or an error, the same each time, within its limits; a value of
 * the type that the checker promised. Behind a NUL the input may have a tagged value for the variable `d`. Compiled as it
 * comes, and checked.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "expr/expr.h"

enum { MEMORY = 32 * 1024 * 1024, COST = 20000 };

static void check(int truth)
{
    if (!truth)
        abort();
}

static value slots[6];

/* A function of a room above: fails for some arguments, in both ways. */
static gov_status odd(void *user, const value *args, size_t n, value *out, const expr_run *run,
                      const diag *d)
{
    (void)user;
    (void)n;
    if (args[0].as.i % 3 == 1)
        return base_fail(d, M_invalid_argument, A_S("function", "odd"),
                         A_S("what", "one too many"));
    if (args[0].as.i % 7 == 2)
        return expr_spend(run, COST, d);
    *out = value_bool(args[0].as.i % 2 != 0);
    return GOV_OK;
}

static expr_scope *make_scope(void)
{
    static const value items[] = {{.kind = VALUE_STRING, .as.s = "old", .len = 3},
                                  {.kind = VALUE_INT, .as.i = 2}};
    static const value_pair pairs[] = {{{.kind = VALUE_STRING, .as.s = "k", .len = 1},
                                        {.kind = VALUE_LIST, .as.items = items, .len = 2}}};
    static const struct {
        const char *name;
        expr_type type;
    } vars[] = {{"x", EXPR_INT}, {"case.name", EXPR_STRING}, {"l", EXPR_LIST},
                {"m", EXPR_MAP}, {"t", EXPR_TIMESTAMP},      {"d", EXPR_DYN}};
    expr_scope *s = NULL;
    slots[0] = value_int(7);
    slots[1] = value_string("\xe4\xbd\xa0\xe5\xa5\xbd, hello", 13);
    slots[2] = value_list(items, 2);
    slots[3] = value_map(pairs, 1);
    slots[4] = value_timestamp(1772386215, 250000000);
    slots[5] = value_double(-2.5);
    check(expr_scope_new(NULL, NULL, &s, NULL) == GOV_OK);
    for (size_t i = 0; i < ARRAY_LEN(vars); i++)
        check(expr_scope_var(s, vars[i].name, vars[i].type, NULL, NULL) == GOV_OK);
    const expr_function f = {
        .name = "odd", .argc = 1, .args = {EXPR_INT}, .result = EXPR_BOOL, .call = odd};
    check(expr_scope_function(s, &f, NULL) == GOV_OK);
    return s;
}

/* Appends the answer, or the error's code, to `out`. */
static gov_status evaluate(const expr_program *p, bool checked, base_buf *out)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    base_arena scratch;
    value v;
    base_arena_init(&scratch, NULL);
    scratch.limit = MEMORY;
    const expr_run run = {.slots = slots,
                          .slot_count = ARRAY_LEN(slots),
                          .scratch = &scratch,
                          .cost_limit = COST};
    const gov_status status = expr_eval(p, &run, &v, &d);
    check((status == GOV_OK) == (gov_error_count(err) == 0));
    bool quick;
    const expr_run again = {.slots = slots,
                            .slot_count = ARRAY_LEN(slots),
                            .scratch = &scratch,
                            .cost_limit = COST};
    if (status == GOV_OK && v.kind == VALUE_BOOL) /* the short way of guards */
        check(expr_eval_bool(p, &again, &quick, NULL) == GOV_OK && quick == v.as.b);
    if (status == GOV_OK && checked) /* what can be known beforehand is so */
        check(expr_type_kind(expr_program_type(p)) == 0 || v.kind == VALUE_NULL ||
              expr_type_kind(expr_program_type(p)) == expr_type_kind(expr_type_of(v)));
    if (status == GOV_OK)
        value_write_document(out, v);
    else if (status != GOV_E_NOMEM)
        base_buf_str(out, gov_error_message(err, 0, "en"));
    check(status == GOV_OK || status == GOV_E_EXPR || status == GOV_E_LIMIT ||
          status == GOV_E_NOMEM);
    gov_error_free(err);
    base_arena_free(&scratch);
    return status;
}

static void try_one(const expr_scope *s, const char *text, size_t size, bool checked)
{
    const expr_options o = {.declared_only = checked};
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    expr_program *p = NULL;
    base_buf first, second;
    const gov_status status = expr_compile(NULL, s, text, size, &o, &p, &d);
    check((status == GOV_OK) == (p != NULL) && (status == GOV_OK) == (gov_error_count(err) == 0));
    if (status == GOV_OK) {
        base_buf_init(&first, NULL);
        base_buf_init(&second, NULL);
        check(evaluate(p, checked, &first) == evaluate(p, checked, &second));
        check(first.len == second.len &&
              (first.len == 0 || memcmp(first.data, second.data, first.len) == 0));
        base_buf_free(&first);
        base_buf_free(&second);
    } else {
        check(status == GOV_E_EXPR || status == GOV_E_LIMIT || status == GOV_E_INPUT);
    }
    gov_error_free(err);
    expr_program_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = size > 0 ? memchr(text, '\0', size) : NULL;
    const size_t len = end != NULL ? (size_t)(end - text) : size;
    expr_scope *s = make_scope();
    base_arena arena;
    base_arena_init(&arena, NULL);
    arena.limit = MEMORY;
    if (len < size &&
        value_read_tagged(&arena, text + len + 1, size - len - 1, &slots[5], NULL) != GOV_OK)
        slots[5] = value_null();
    try_one(s, text, len, false);
    try_one(s, text, len, true);
    base_arena_free(&arena);
    expr_scope_free(s);
    return 0;
}
