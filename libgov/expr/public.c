/* The public face of expressions: names and values come as maps. */
#include "expr/inner.h"

#include <gov/expr.h>
#include <string.h>

enum { EVAL_MEMORY = 64 * 1024 * 1024 };

struct gov_expr {
    const gov_allocator *alloc;
    expr_scope *scope;
    expr_program *program;
};

/* "list(map(string, int))" from *s on. */
static bool read_type(const char **s, const char *end, int depth, expr_type *out);

static void skip_spaces(const char **s, const char *end)
{
    while (*s < end && **s == ' ')
        (*s)++;
}

static bool take_char(const char **s, const char *end, char c)
{
    skip_spaces(s, end);
    if (*s >= end || **s != c)
        return false;
    (*s)++;
    return true;
}

static bool read_name(const char **s, const char *end, expr_type *out)
{
    static const struct {
        const char *name;
        expr_type type;
    } names[] = {
        {"dyn", EXPR_DYN},       {"null_type", EXPR_NULL},      {"bool", EXPR_BOOL},
        {"int", EXPR_INT},       {"uint", EXPR_UINT},           {"double", EXPR_DOUBLE},
        {"string", EXPR_STRING}, {"bytes", EXPR_BYTES},         {"list", EXPR_LIST},
        {"map", EXPR_MAP},       {"timestamp", EXPR_TIMESTAMP}, {"duration", EXPR_DURATION},
        {"type", EXPR_TYPE},     {"optional", EXPR_OPTIONAL}};
    skip_spaces(s, end);
    const char *start = *s;
    while (*s < end && ((**s >= 'a' && **s <= 'z') || **s == '_'))
        (*s)++;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strlen(names[i].name) == (size_t)(*s - start) &&
            memcmp(names[i].name, start, (size_t)(*s - start)) == 0) {
            *out = names[i].type;
            return true;
        }
    }
    return false;
}

static bool read_type(const char **s, const char *end, int depth, expr_type *out)
{
    expr_type first, second;
    if (depth > 16 || !read_name(s, end, out))
        return false;
    if (*out != EXPR_LIST && *out != EXPR_MAP && *out != EXPR_OPTIONAL)
        return true;
    if (!take_char(s, end, '('))
        return true;
    if (!read_type(s, end, depth + 1, &first))
        return false;
    if (*out == EXPR_MAP) {
        if (!take_char(s, end, ',') || !read_type(s, end, depth + 1, &second))
            return false;
        *out = expr_map_of(first, second);
    } else {
        *out = *out == EXPR_LIST ? expr_list_of(first) : expr_optional_of(first);
    }
    return take_char(s, end, ')');
}

static gov_status declare(gov_expr *e, const gov_value *variables, const diag *d)
{
    gov_status status = expr_scope_new(e->alloc, NULL, &e->scope, d);
    if (status != GOV_OK || variables == NULL)
        return status;
    if (variables->kind != VALUE_MAP)
        return base_fail(d, M_not_a_map);
    for (size_t i = 0; status == GOV_OK && i < variables->len; i++) {
        const value key = variables->as.pairs[i].key, text = variables->as.pairs[i].val;
        expr_type type;
        if (key.kind != VALUE_STRING || text.kind != VALUE_STRING)
            return base_fail(d, M_bad_argument, A_S("what", "variables"));
        const char *s = text.as.s, *end = s + text.len;
        if (!read_type(&s, end, 0, &type) || (skip_spaces(&s, end), s != end))
            return base_fail(d, M_bad_type, A_N("type", text.as.s, text.len));
        if (memchr(key.as.s, '\0', key.len) != NULL)
            return base_fail(d, M_bad_name, A_N("name", key.as.s, key.len));
        char *name = base_strndup(e->alloc, key.as.s, key.len);
        status = name != NULL ? expr_scope_var(e->scope, name, type, NULL, d) : base_nomem(d);
        base_free(e->alloc, name);
    }
    return status;
}

gov_status gov_expr_compile(const gov_allocator *alloc, const char *source, size_t len,
                            const gov_value *variables, gov_expr **out, gov_error **err)
{
    const diag d = {alloc, err};
    const expr_options o = {.declared_only = true};
    if (source == NULL || out == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", source == NULL ? "source" : "out"));
    *out = NULL;
    gov_expr *e = base_alloc(alloc, sizeof *e);
    if (e == NULL)
        return base_nomem(&d);
    e->alloc = alloc;
    gov_status status = declare(e, variables, &d);
    if (status == GOV_OK)
        status = expr_compile(alloc, e->scope, source, len, &o, &e->program, &d);
    if (status != GOV_OK) {
        gov_expr_free(e);
        return status;
    }
    *out = e;
    return GOV_OK;
}

void gov_expr_free(gov_expr *e)
{
    if (e == NULL)
        return;
    expr_program_free(e->program);
    expr_scope_free(e->scope);
    base_free(e->alloc, e);
}

/* "a.b.c": bound as a whole, or c in b in a. */
static value find_binding(const gov_value *bindings, const char *name)
{
    value v = value_get_text(*bindings, name);
    if (v.kind != VALUE_ABSENT)
        return v;
    v = *bindings;
    for (;;) {
        const char *dot = strchr(name, '.');
        v = value_get(v, name, dot != NULL ? (size_t)(dot - name) : strlen(name));
        if (dot == NULL)
            return v;
        name = dot + 1;
    }
}

typedef struct evaluation {
    const gov_expr *expr;
    const gov_value *bindings;
} evaluation;

static bool fetch(void *user, uint32_t slot, value *out)
{
    const evaluation *ev = user;
    const char *name = expr_scope_name(ev->expr->scope, slot);
    if (ev->bindings == NULL || name == NULL)
        return false;
    *out = find_binding(ev->bindings, name);
    return out->kind != VALUE_ABSENT;
}

/* Optionals are no values outside of expressions. */
static bool strip_optionals(base_arena *arena, value *v)
{
    while (expr_is_optional(*v))
        *v = v->as.other != NULL ? *(const value *)v->as.other : value_null();
    if (v->len == 0 || (v->kind != VALUE_LIST && v->kind != VALUE_MAP))
        return true;
    const bool list = v->kind == VALUE_LIST;
    value *items = list ? base_arena_array(arena, v->len, sizeof *items) : NULL;
    value_pair *pairs = list ? NULL : base_arena_array(arena, v->len, sizeof *pairs);
    if (items == NULL && pairs == NULL)
        return false;
    for (size_t i = 0; i < v->len; i++) {
        if (list)
            items[i] = v->as.items[i];
        else
            pairs[i] = v->as.pairs[i];
        if (!strip_optionals(arena, list ? &items[i] : &pairs[i].val))
            return false;
    }
    *v = list ? value_list(items, v->len) : value_map(pairs, v->len);
    return true;
}

gov_status gov_expr_eval(const gov_expr *expr, const gov_value *bindings, gov_value **out,
                         gov_error **err)
{
    const diag d = {expr != NULL ? expr->alloc : NULL, err};
    if (expr == NULL || out == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", expr == NULL ? "expr" : "out"));
    if (bindings != NULL && bindings->kind != VALUE_MAP)
        return base_fail(&d, M_not_a_map);
    evaluation ev = {expr, bindings};
    base_arena scratch;
    base_arena_init(&scratch, expr->alloc);
    scratch.limit = EVAL_MEMORY;
    const expr_run run = {.fetch = fetch, .user = &ev, .scratch = &scratch};
    value v;
    gov_status status = expr_eval(expr->program, &run, &v, &d);
    if (status == GOV_OK && !strip_optionals(&scratch, &v))
        status = base_nomem(&d);
    if (status == GOV_OK)
        status = value_publish(expr->alloc, v, out, &d);
    base_arena_free(&scratch);
    return status;
}

gov_status gov_expr_eval_line(const char *json, size_t len, char **out, size_t *out_len,
                              gov_error **err)
{
    const diag d = {NULL, err};
    base_buf buf;
    if (json == NULL || out == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", json == NULL ? "json" : "out"));
    base_buf_init(&buf, NULL);
    if (expr_eval_line(NULL, json, len, &buf) != GOV_OK) {
        base_buf_free(&buf);
        return base_nomem(&d);
    }
    *out = base_buf_take(&buf, out_len);
    return *out != NULL ? GOV_OK : base_nomem(&d);
}
