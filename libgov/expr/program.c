/* Compiling a source, evaluating a program, and saying what went wrong. */
#include "expr/inner.h"

#include <stdlib.h>
#include <string.h>

static const expr_options no_options;

/* ---- places of terms, for errors when evaluating ---- */

static size_t collect_offsets(const expr_node *n, uint32_t *out, size_t count)
{
    out[count++] = n->at;
    for (uint32_t i = 0; i < n->count; i++)
        if (n->kid[i] != NULL)
            count = collect_offsets(n->kid[i], out, count);
    return count;
}

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Asks the caller now where each term lies in its file: when it fails, the caller's tables may be gone. */
static gov_status keep_places(compiler *c)
{
    expr_program *p = c->p;
    if (c->o->locate == NULL)
        return GOV_OK;
    p->offsets = base_arena_array(c->arena, c->terms + 1, sizeof *p->offsets);
    p->places =
        p->offsets != NULL ? base_arena_array(c->arena, c->terms + 1, sizeof *p->places) : NULL;
    if (p->places == NULL)
        return base_nomem(c->d);
    const size_t count = collect_offsets(p->root, p->offsets, 0);
    const char *origin = NULL, *kept = NULL;
    qsort(p->offsets, count, sizeof *p->offsets, by_number);
    for (size_t i = 0; i < count; i++) {
        base_place place = {NULL, 0, 0};
        if (i > 0 && p->offsets[i] == p->offsets[i - 1])
            continue;
        c->o->locate(c->o->user, p->offsets[i], &place);
        if (place.origin != NULL && place.origin != origin) {
            origin = place.origin;
            kept = base_arena_strdup(c->arena, origin);
            if (kept == NULL)
                return base_nomem(c->d);
        }
        p->offsets[p->place_count] = p->offsets[i];
        p->places[p->place_count++] =
            (base_place){place.origin != NULL ? kept : NULL, place.line, place.column};
    }
    return GOV_OK;
}

static base_place place_of(const expr_program *p, const expr_node *n)
{
    base_place place = {NULL, 0, 0};
    if (p->places == NULL) {
        expr_count_place(p->src, p->len, n->at, &place);
        return place;
    }
    const uint32_t *at = bsearch(&n->at, p->offsets, p->place_count, sizeof *at, by_number);
    return at != NULL ? p->places[at - p->offsets] : place;
}

/* ---- compiling ---- */

static gov_status compile(compiler *c, const char *src)
{
    expr_program *p = c->p;
    if (c->len > EXPR_MAX_LENGTH) {
        c->src = src;
        return MISTAKE(c, 0, M_too_large, A_S("what", "expression length"), A_I("limit", EXPR_MAX_LENGTH));
    }
    if (!base_utf8_valid(src, c->len)) {
        const size_t bad = base_utf8_bad(src, c->len);
        c->src = src;
        return MISTAKE(c, bad, M_bad_utf8, A_I("offset", bad));
    }
    p->src = c->src = base_arena_strndup(c->arena, src, c->len);
    p->len = c->len;
    if (p->src == NULL)
        return base_nomem(c->d);
    p->root = expr_parse(c);
    if (p->root == NULL)
        return c->status != GOV_OK ? c->status : base_nomem(c->d);
    expr_check(c, p->root);
    if (c->status == GOV_OK)
        (void)expr_build(c, &p->root);
    if (c->status == GOV_OK)
        c->status = keep_places(c);
    return c->status;
}

gov_status expr_compile(const gov_allocator *a, const expr_scope *s, const char *src, size_t len,
                        const expr_options *o, expr_program **out, const diag *d)
{
    *out = NULL;
    if (o != NULL && o->container != NULL && o->container[0] != '\0' &&
        !expr_legal_name(o->container))
        return base_fail(d, M_bad_name, A_S("name", o->container));
    expr_program *p = base_alloc(a, sizeof *p);
    if (p == NULL)
        return base_nomem(d);
    p->alloc = a;
    p->scope = s;
    base_arena_init(&p->arena, a);
    compiler c = {.alloc = a,
                  .arena = &p->arena,
                  .scope = s,
                  .o = o != NULL ? o : &no_options,
                  .d = d,
                  .p = p,
                  .len = len};
    p->expect = c.o->expect;
    const gov_status status = compile(&c, src);
    if (status != GOV_OK) {
        expr_program_free(p);
        return status;
    }
    *out = p;
    return GOV_OK;
}

void expr_program_free(expr_program *p)
{
    if (p == NULL)
        return;
    for (const owned *o = p->owned; o != NULL; o = o->next)
        o->free(o->thing);
    base_arena_free(&p->arena);
    base_free(p->alloc, p);
}

/* ---- reporting ---- */

/* What stands in messages for a function: an operator's sign, or a name. */
static const char *function_text(const expr_node *n, size_t *len)
{
    static const char *const ops[] = {"",
                                      "+",
                                      "-",
                                      "*",
                                      "/",
                                      "%",
                                      "==",
                                      "!=",
                                      "<",
                                      "<=",
                                      ">",
                                      ">=",
                                      "all",
                                      "exists",
                                      "exists_one",
                                      "map",
                                      "filter",
                                      "transformList",
                                      "transformMap",
                                      "transformMapEntry",
                                      "optMap",
                                      "optFlatMap",
                                      "sortBy"};
    const char *text = ops[n->op];
    switch (n->kind) {
    case K_CALL: *len = n->name_len; return n->name;
    case K_NOT: text = "!"; break;
    case K_NEGATE: text = "-"; break;
    case K_IN: text = "in"; break;
    case K_AND: text = "&&"; break;
    case K_OR: text = "||"; break;
    case K_COND: text = "?:"; break;
    case K_INDEX:
    case K_OPT_INDEX: text = "[]"; break;
    case K_LIST: text = "[...]"; break;
    case K_MAP: text = "{...}"; break;
    default: break;
    }
    *len = strlen(text);
    return text;
}

static void types_text(const expr_fault *f, char *out, size_t size)
{
    char one[EXPR_TYPE_TEXT];
    size_t at = 0;
    out[at++] = '(';
    for (size_t i = 0; i < f->kind_count; i++) {
        const char *text = expr_type_text(f->kinds[i], one);
        const size_t n = strlen(text);
        if (at + n + 4 > size)
            break;
        if (i > 0) {
            memcpy(out + at, ", ", 2);
            at += 2;
        }
        memcpy(out + at, text, n);
        at += n;
    }
    memcpy(out + at, ")", 2);
}

/* A value as a person would write it, cut when it is long. */
static void show_value(base_buf *buf, value v)
{
    char number[32], cut[EXPR_SHOWN];
    if (v.kind == VALUE_ABSENT)
        return;
    if (v.kind == VALUE_STRING || v.kind == VALUE_TYPE)
        base_buf_add(buf, v.as.s, v.len);
    else if (v.kind == VALUE_DOUBLE) /* JSON has no NaN */
        base_buf_add(buf, number, base_format_double(v.as.d, number));
    else if (v.kind == VALUE_LIST || v.kind == VALUE_MAP || v.kind == VALUE_OTHER)
        base_buf_str(buf, v.kind == VALUE_LIST ? "[...]" : "{...}");
    else
        value_write_plain(buf, v);
    size_t len = buf->len;
    if (!buf->failed && len > 0 && expr_shown(buf->data, &len, cut) == cut) {
        buf->len = len - 3;
        base_buf_add(buf, cut + len - 3, 3); /* the ellipsis */
    }
}

static const char *name_of(const expr_program *p, const expr_node *n, size_t *len, char out[EXPR_SHOWN])
{
    const char *name =
        n->kind == K_SLOT || n->kind == K_TEST_SLOT ? expr_scope_name(p->scope, n->slot) : NULL;
    *len = name != NULL ? strlen(name) : n->name_len;
    return expr_shown(name != NULL ? name : n->name, len, out);
}

static gov_status report_plain(expr_ctx *c, const base_place *place, const diag *d)
{
    const expr_fault *f = &c->fault;
    const expr_node *n = f->where;
    char types[4 * 20 + 8], type[EXPR_TYPE_TEXT], cut[EXPR_SHOWN];
    size_t function_len, name_len;
    base_buf text;
    const char *function = function_text(n, &function_len),
               *name = name_of(c->program, n, &name_len, cut);
    base_buf_init(&text, c->program->alloc);
    show_value(&text, f->v);
    types_text(f, types, sizeof types);
    gov_status status;
    if (text.failed)
        status = base_nomem(d);
    else if (f->message == M_no_such_field)
        status = base_fail_at(d, place, M_no_such_field, A_N("field", name, name_len),
                              A_S("type", expr_type_text(expr_kind_type(f->v), type)));
    else if (f->message == M_undeclared_reference || f->message == M_no_value ||
             f->message == M_unknown_function)
        status = base_fail_at(d, place, f->message, A_N("name", name, name_len));
    else if (f->message == M_too_costly)
        status = base_fail_at(d, place, f->message,
                              A_I("limit", c->run->cost_limit != 0 ? c->run->cost_limit
                                                                   : EXPR_DEFAULT_COST));
    else
        status = base_fail_at(d, place, f->message, A_N("function", function, function_len),
                              A_S("types", types), A_N("value", text.data, text.len),
                              A_S("what", f->what), A_S("expected", f->what));
    base_buf_free(&text);
    return status;
}

/* The function's own report first, whose status counts, then where it was called. */
static gov_status report_foreign(expr_ctx *c, const base_place *place, const diag *d)
{
    expr_fault *f = &c->fault;
    size_t len;
    const char *name = function_text(f->where, &len);
    gov_status status = f->status;
    if (f->foreign != NULL) {
        const gov_status forwarded = base_forward(d, f->foreign);
        if (forwarded == GOV_E_NOMEM)
            status = GOV_E_NOMEM;
        expr_fault_drop(f);
    }
    if (status != GOV_E_NOMEM &&
        base_fail_at(d, place, M_function_failed, A_N("function", name, len)) == GOV_E_NOMEM)
        status = GOV_E_NOMEM;
    return status;
}

gov_status expr_report_fault(expr_ctx *c, const diag *d)
{
    if (c->fault.message == M_out_of_memory) {
        if (c->scratch == NULL)
            return base_fail(d, M_bad_argument, A_S("what", "scratch"));
        return base_nomem(d);
    }
    if (d == NULL || d->out == NULL) {
        const gov_status status = c->fault.message == M_function_failed
                                      ? c->fault.status
                                      : base_message_status(c->fault.message);
        expr_fault_drop(&c->fault);
        return status;
    }
    const base_place place = place_of(c->program, c->fault.where);
    return expr_report_fault_at(c, &place, d);
}

gov_status expr_report_fault_at(expr_ctx *c, const base_place *place, const diag *d)
{
    return c->fault.message == M_function_failed ? report_foreign(c, place, d)
                                                 : report_plain(c, place, d);
}

/* ---- evaluating ---- */

static inline void begin(expr_ctx *c, const expr_program *p, const expr_run *run, const diag *d)
{
    c->program = p;
    c->run = run;
    c->slots = run->slots;
    c->slot_count = run->slot_count;
    c->d = d;
    c->scratch = run->scratch;
    c->cost = run->cost_left != NULL ? *run->cost_left
              : run->cost_limit != 0 ? run->cost_limit
                                     : EXPR_DEFAULT_COST;
    c->fault.foreign = NULL;
}

static inline int run_root(expr_ctx *c, value *out)
{
    const expr_node *root = c->program->root;
    const int how = root->eval(root, c, out);
    if (c->run->cost_left != NULL)
        *c->run->cost_left = c->cost;
    return how;
}

gov_status expr_spend(const expr_run *run, uint64_t units, const diag *d)
{
    if (run->cost_left == NULL)
        return GOV_OK;
    if (units <= *run->cost_left) {
        *run->cost_left -= units;
        return GOV_OK;
    }
    *run->cost_left = 0;
    return base_fail(d, M_too_costly,
                     A_I("limit", run->cost_limit != 0 ? run->cost_limit : EXPR_DEFAULT_COST));
}

gov_status expr_eval(const expr_program *p, const expr_run *run, value *out, const diag *d)
{
    expr_ctx c;
    begin(&c, p, run, d);
    if (run_root(&c, out) != DONE)
        return expr_report_fault(&c, d);
    if (p->expect != EXPR_DYN &&
        expr_type_kind(p->expect) != expr_type_kind(expr_kind_type(*out))) {
        char expected[EXPR_TYPE_TEXT], found[EXPR_TYPE_TEXT];
        const base_place place = place_of(p, p->root);
        return base_fail_at(d, &place, M_wrong_result,
                            A_S("expected", expr_type_text(p->expect, expected)),
                            A_S("found", expr_type_text(expr_kind_type(*out), found)));
    }
    return GOV_OK;
}

gov_status expr_eval_term(const expr_program *p, const expr_node *n, const expr_run *run,
                          value *out, const diag *d)
{
    expr_ctx c;
    begin(&c, p, run, d);
    return n->eval(n, &c, out) == DONE ? GOV_OK : expr_report_fault(&c, d);
}

base_place expr_place_of(const expr_program *p, const expr_node *n)
{
    return place_of(p, n);
}

gov_status expr_eval_bool(const expr_program *p, const expr_run *run, bool *out, const diag *d)
{
    expr_ctx c;
    value v;
    char found[EXPR_TYPE_TEXT];
    const int quick = p->root->test != NULL ? p->root->test(p->root, run) : -1;
    if (quick >= 0) {
        *out = quick == 1;
        return GOV_OK;
    }
    begin(&c, p, run, d);
    if (run_root(&c, &v) != DONE)
        return expr_report_fault(&c, d);
    if (v.kind == VALUE_BOOL) {
        *out = v.as.b;
        return GOV_OK;
    }
    const base_place place = place_of(p, p->root);
    return base_fail_at(d, &place, M_wrong_result, A_S("expected", "bool"),
                        A_S("found", expr_type_text(expr_kind_type(v), found)));
}

const uint32_t *expr_program_slots(const expr_program *p, size_t *count)
{
    *count = p->slot_count;
    return p->slots;
}

expr_type expr_program_type(const expr_program *p)
{
    return p->root->type;
}

bool expr_program_constant(const expr_program *p, value *out)
{
    if (p->root->kind != K_CONST)
        return false;
    if (out != NULL)
        *out = p->root->v;
    return true;
}

const char *expr_program_source(const expr_program *p, size_t *len)
{
    *len = p->len;
    return p->src;
}
