/*
 * The parser and the checker: any bytes are refused with errors whose places lie in the source, or compiled; the same each time,
 * with memory in proportion to the source; and what was compiled keeps its promises to those who look at it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "expr/expr.h"

enum { MEMORY = 64 * 1024 * 1024 };

static void check(int truth)
{
    if (!truth)
        abort();
}

static size_t taken;

static void *take(size_t size, void *user)
{
    (void)user;
    taken += size;
    return taken <= MEMORY ? malloc(size) : NULL;
}

static void *resize(void *ptr, size_t size, void *user)
{
    (void)user;
    taken += size;
    return taken <= MEMORY ? realloc(ptr, size) : NULL;
}

static void give(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

static const gov_allocator counting = {take, resize, give, NULL};

/* Lines of the source and the longest of them, in bytes: no place lies beyond. */
static void check_places(const gov_error *e, const char *text, size_t size)
{
    int64_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    for (size_t i = 0; i < gov_error_count(e); i++) {
        check(gov_error_line(e, i) <= lines && gov_error_column(e, i) <= (int64_t)size + 1);
        check(gov_error_code(e, i) != NULL && gov_error_message(e, i, "zh") != NULL);
    }
}

static void check_program(const expr_program *p, const expr_scope *s, size_t size)
{
    char text[EXPR_TYPE_TEXT];
    size_t count, len;
    const uint32_t *used = expr_program_slots(p, &count);
    for (size_t i = 0; i < count; i++)
        check(used[i] < expr_scope_slots(s) && (i == 0 || used[i - 1] < used[i]));
    check(expr_type_text(expr_program_type(p), text)[0] != '\0');
    check(expr_program_source(p, &len) != NULL && len == size);
}

static gov_status compile(const expr_scope *s, const char *text, size_t size, const expr_options *o)
{
    gov_error *err = NULL;
    const diag d = {&counting, &err};
    expr_program *p = NULL;
    taken = 0;
    const gov_status status = expr_compile(&counting, s, text, size, o, &p, &d);
    check((status == GOV_OK) == (p != NULL) && (status == GOV_OK) == (gov_error_count(err) == 0));
    check(status == GOV_OK || status == GOV_E_EXPR || status == GOV_E_LIMIT ||
          status == GOV_E_INPUT || (status == GOV_E_NOMEM && taken > MEMORY));
    check_places(err, text, size);
    if (p != NULL)
        check_program(p, s, size);
    gov_error_free(err);
    expr_program_free(p);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *name;
        expr_type type;
    } vars[] = {{"a", EXPR_DYN},        {"a.b", EXPR_INT},
                {"a.b.c", EXPR_STRING}, {"l", EXPR_LIST | EXPR_INT << 4},
                {"m", EXPR_MAP},        {"t", EXPR_TIMESTAMP},
                {"x", EXPR_BOOL},       {"case.urgency", EXPR_INT}};
    static const expr_options options[] = {{0},
                                           {.declared_only = true},
                                           {.declared_only = true,
                                            .expect = EXPR_BOOL,
                                            .container = "a.b"},
                                           {.disable_macros = true, .container = "case"}};
    expr_scope *s = NULL;
    check(expr_scope_new(NULL, NULL, &s, NULL) == GOV_OK);
    for (size_t i = 0; i < ARRAY_LEN(vars); i++)
        check(expr_scope_var(s, vars[i].name, vars[i].type, NULL, NULL) == GOV_OK);
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        check(compile(s, (const char *)data, size, &options[i]) ==
              compile(s, (const char *)data, size, &options[i]));
    expr_scope_free(s);
    return 0;
}
