/* The public face of expressions: names and values come as maps. */
#include "expr/inner.h"

#include <string.h>

enum { EVAL_MEMORY = 64 * 1024 * 1024 };

struct gov_expr {
    const gov_allocator *alloc;
    expr_scope *scope;
    expr_program *program;
    gov_scope *base; /* what lies below `scope`; NULL: nothing */
};

static gov_status declare(gov_expr *e, const gov_value *variables, const diag *d)
{
    gov_status status =
        expr_scope_new(e->alloc, e->base != NULL ? e->base->scope : NULL, &e->scope, d);
    if (status != GOV_OK || variables == NULL)
        return status;
    if (variables->kind != VALUE_MAP)
        return base_fail(d, M_not_a_map);
    for (size_t i = 0; status == GOV_OK && i < variables->len; i++) {
        const value key = variables->as.pairs[i].key, text = variables->as.pairs[i].val;
        expr_type type;
        if (key.kind != VALUE_STRING || text.kind != VALUE_STRING)
            return base_fail(d, M_bad_argument, A_S("what", "variables"));
        if (!expr_read_type(text.as.s, text.len, &type))
            return expr_bad_type(text, d);
        if (memchr(key.as.s, '\0', key.len) != NULL)
            return base_fail(d, M_bad_name, A_N("name", key.as.s, key.len));
        char *name = base_strndup(e->alloc, key.as.s, key.len);
        status = name != NULL ? expr_scope_var(e->scope, name, type, NULL, d) : base_nomem(d);
        base_free(e->alloc, name);
    }
    return status;
}

void gov_expr_options_init(gov_expr_options *options, size_t size)
{
    if (options == NULL || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

static gov_status compile(gov_expr *e, const char *source, size_t len,
                          const gov_expr_options *given, const diag *d)
{
    expr_options o = {.declared_only = true, .container = given->container};
    e->base = expr_hosted_hold(given->scope);
    if (given->type != NULL && !expr_read_type(given->type, strlen(given->type), &o.expect))
        return base_fail(d, M_bad_type, A_S("type", given->type));
    const gov_status status = declare(e, given->variables, d);
    return status == GOV_OK ? expr_compile(e->alloc, e->scope, source, len, &o, &e->program, d)
                            : status;
}

gov_status gov_expr_compile_with(const gov_allocator *alloc, const char *source, size_t len,
                                 const gov_expr_options *options, gov_expr **out, gov_error **err)
{
    const diag d = {alloc, err};
    gov_expr_options o;
    if (source == NULL || out == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", source == NULL ? "source" : "out"));
    *out = NULL;
    gov_status status =
        base_options(&o, sizeof o, options, options != NULL ? options->size : 0, &d);
    if (status != GOV_OK)
        return status;
    gov_expr *e = base_alloc(alloc, sizeof *e);
    if (e == NULL)
        return base_nomem(&d);
    e->alloc = alloc;
    status = compile(e, source, len, &o, &d);
    if (status != GOV_OK) {
        gov_expr_free(e);
        return status;
    }
    *out = e;
    return GOV_OK;
}

gov_status gov_expr_compile(const gov_allocator *alloc, const char *source, size_t len,
                            const gov_value *variables, gov_expr **out, gov_error **err)
{
    const gov_expr_options o = {.size = sizeof o, .variables = variables};
    return gov_expr_compile_with(alloc, source, len, &o, out, err);
}

void gov_expr_free(gov_expr *e)
{
    if (e == NULL)
        return;
    expr_program_free(e->program);
    expr_scope_free(e->scope);
    gov_scope_free(e->base);
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
    const gov_scope *base = ev->expr->base;
    *out = ev->bindings != NULL && name != NULL ? find_binding(ev->bindings, name) : value_absent();
    if (out->kind == VALUE_ABSENT && base != NULL && slot < base->preset_count)
        *out = base->presets[slot];
    return out->kind != VALUE_ABSENT;
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
    if (status == GOV_OK && !expr_strip_optionals(&scratch, &v))
        status = base_nomem(&d);
    if (status == GOV_OK)
        status = value_publish(expr->alloc, v, out, &d);
    base_arena_free(&scratch);
    return status;
}

gov_status gov_scope_eval_line(const gov_scope *scope, const char *json, size_t len, char **out,
                               size_t *out_len, gov_error **err)
{
    const diag d = {NULL, err};
    base_buf buf;
    if (json == NULL || out == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", json == NULL ? "json" : "out"));
    base_buf_init(&buf, NULL);
    if (expr_eval_line(NULL, scope, json, len, &buf) != GOV_OK) {
        base_buf_free(&buf);
        return base_nomem(&d);
    }
    *out = base_buf_take(&buf, out_len);
    return *out != NULL ? GOV_OK : base_nomem(&d);
}

gov_status gov_expr_eval_line(const char *json, size_t len, char **out, size_t *out_len,
                              gov_error **err)
{
    return gov_scope_eval_line(NULL, json, len, out, out_len, err);
}
