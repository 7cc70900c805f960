/* The line protocol of `gov eval`: one expression with its bindings in, its value or error out, as JSON. */
#include "expr/inner.h"

#include <math.h>
#include <string.h>

/* What one line may take for reading, compiling and evaluating together. */
enum { LINE_MEMORY = 64 * 1024 * 1024 };

typedef struct line {
    const gov_allocator *alloc;
    const gov_scope *base; /* may be NULL */
    base_arena arena;
    expr_scope *scope;
    expr_program *program;
    value *slots;
    size_t slot_count;
    value result;
} line;

/* {"error": "message"}: a name whose evaluation fails. */
static bool is_error(value v, value *message)
{
    if (v.kind != VALUE_MAP || v.len != 1 || !value_is_text(v.as.pairs[0].key, "error") ||
        v.as.pairs[0].val.kind != VALUE_STRING)
        return false;
    const value text = v.as.pairs[0].val;
    *message = (value){.kind = VALUE_OTHER, .sub = OTHER_ERROR, .as.s = text.as.s, .len = text.len};
    return true;
}

/* "variables": {name: type}: only these names may be used, and the types are checked. */
static gov_status declare(line *l, value variables, expr_options *o, const diag *d)
{
    expr_type type;
    if (variables.kind == VALUE_ABSENT)
        return GOV_OK;
    if (variables.kind != VALUE_MAP)
        return base_fail(d, M_bad_tag, A_S("why", "\"variables\" must be an object"));
    o->declared_only = true;
    for (size_t i = 0; i < variables.len; i++) {
        const value_pair *p = &variables.as.pairs[i];
        if (p->val.kind != VALUE_STRING)
            return base_fail(d, M_bad_tag, A_S("why", "a type must be a string"));
        if (!expr_read_type(p->val.as.s, p->val.len, &type))
            return expr_bad_type(p->val, d);
        const char *name = base_arena_strndup(&l->arena, p->key.as.s, p->key.len);
        const gov_status status =
            name != NULL ? expr_scope_var(l->scope, name, type, NULL, d) : base_nomem(d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

/* A value of the protocol, which may be an optional: {"optional": null} or {"optional": [VALUE]}. */
static gov_status read_value(line *l, value json, value *out, const diag *d)
{
    if (json.kind != VALUE_MAP || json.len != 1 ||
        !value_is_text(json.as.pairs[0].key, "optional"))
        return value_untag(&l->arena, json, out, d);
    const value inside = json.as.pairs[0].val;
    *out = (value){.kind = VALUE_OTHER, .sub = OTHER_OPTIONAL};
    if (inside.kind == VALUE_NULL)
        return GOV_OK;
    if (inside.kind != VALUE_LIST || inside.len != 1)
        return base_fail(d, M_bad_tag, A_S("why", "\"optional\" is null or a list of one value"));
    value *held = base_arena_alloc(&l->arena, sizeof *held);
    out->as.other = held;
    return held != NULL ? read_value(l, inside.as.items[0], held, d) : base_nomem(d);
}

/* One binding: its slot is the declared one, or a new one. */
static gov_status bind_one(line *l, const value_pair *p, uint32_t *slot, value *out, const diag *d)
{
    const char *name = base_arena_strndup(&l->arena, p->key.as.s, p->key.len);
    if (name == NULL)
        return base_nomem(d);
    gov_status status = GOV_OK;
    if (!expr_scope_find(l->scope, p->key.as.s, p->key.len, slot, NULL))
        status = expr_scope_var(l->scope, name, EXPR_DYN, slot, d);
    if (status == GOV_OK && !is_error(p->val, out))
        status = read_value(l, p->val, out, d);
    return status;
}

static gov_status bind(line *l, value bindings, const diag *d)
{
    const size_t known = bindings.kind == VALUE_MAP ? bindings.len : 0;
    if (bindings.kind != VALUE_ABSENT && bindings.kind != VALUE_MAP)
        return base_fail(d, M_bad_tag, A_S("why", "\"bindings\" must be an object"));
    l->slot_count = expr_scope_slots(l->scope) + known;
    l->slots = base_arena_array(&l->arena, l->slot_count, sizeof *l->slots);
    if (l->slots == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < l->slot_count; i++)
        l->slots[i] =
            l->base != NULL && i < l->base->preset_count ? l->base->presets[i] : value_absent();
    for (size_t i = 0; i < known; i++) {
        uint32_t slot = 0;
        value v = value_absent();
        const gov_status status = bind_one(l, &bindings.as.pairs[i], &slot, &v, d);
        if (status != GOV_OK)
            return status;
        l->slots[slot] = v;
    }
    return GOV_OK;
}

static gov_status known_keys(value in, const diag *d)
{
    static const char *const keys[] = {"expr", "bindings", "container", "disable_macros",
                                       "variables"};
    for (size_t i = 0; i < in.len; i++) {
        size_t k = 0;
        while (k < ARRAY_LEN(keys) && !value_is_text(in.as.pairs[i].key, keys[k]))
            k++;
        if (k == ARRAY_LEN(keys))
            return base_fail(d, M_bad_tag, A_S("why", "an unknown member in the line"));
    }
    return GOV_OK;
}

static gov_status evaluate(line *l, const char *json, size_t len, const diag *d)
{
    value in;
    expr_options o = {0};
    gov_status status = value_read_json(&l->arena, json, len, &in, d);
    if (status != GOV_OK)
        return status;
    const value source = value_get_text(in, "expr"), container = value_get_text(in, "container"),
                off = value_get_text(in, "disable_macros");
    if (source.kind != VALUE_STRING)
        return base_fail(d, M_bad_tag,
                         A_S("why", "a line must be an object with a string \"expr\""));
    if ((container.kind != VALUE_ABSENT && container.kind != VALUE_STRING) ||
        (off.kind != VALUE_ABSENT && off.kind != VALUE_BOOL))
        return base_fail(d, M_bad_tag,
                         A_S("why", "\"container\" must be a string, \"disable_macros\" a bool"));
    status = known_keys(in, d);
    if (status == GOV_OK)
        status = expr_scope_new(l->alloc, l->base != NULL ? l->base->scope : NULL, &l->scope, d);
    if (status == GOV_OK)
        status = declare(l, value_get_text(in, "variables"), &o, d);
    if (status == GOV_OK)
        status = bind(l, value_get_text(in, "bindings"), d);
    if (status != GOV_OK)
        return status;
    o.disable_macros = off.kind == VALUE_BOOL && off.as.b;
    if (container.kind == VALUE_STRING) {
        o.container = base_arena_strndup(&l->arena, container.as.s, container.len);
        if (o.container == NULL)
            return base_nomem(d);
    }
    status = expr_compile(l->alloc, l->scope, source.as.s, source.len, &o, &l->program, d);
    if (status != GOV_OK)
        return status;
    const expr_run run = {.slots = l->slots, .slot_count = l->slot_count, .scratch = &l->arena};
    return expr_eval(l->program, &run, &l->result, d);
}

/* {"code":...,"message":...,"line":...,"column":...}: the last two where a place is known. */
static void write_one_error(base_buf *out, const gov_error *e, size_t i)
{
    const char *code = base_text_or_empty(gov_error_code(e, i)),
               *message = base_text_or_empty(gov_error_message(e, i, "en"));
    base_buf_str(out, "{\"code\":");
    value_write_json_string(out, code, strlen(code));
    base_buf_str(out, ",\"message\":");
    value_write_json_string(out, message, strlen(message));
    if (gov_error_line(e, i) > 0)
        base_buf_fmt(out, ",\"line\":%lld,\"column\":%lld", (long long)gov_error_line(e, i),
                     (long long)gov_error_column(e, i));
}

/* The first diagnostic, and in "more" those after it. */
static void write_error(base_buf *out, const gov_error *e)
{
    const size_t count = gov_error_count(e);
    base_buf_str(out, "{\"error\":");
    write_one_error(out, e, 0);
    for (size_t i = 1; i < count; i++) {
        base_buf_str(out, i == 1 ? ",\"more\":[" : ",");
        write_one_error(out, e, i);
        base_buf_char(out, '}');
    }
    base_buf_str(out, count > 1 ? "]}}" : "}}");
}

/* Plain from a ten-thousandth up to 16 digits, as people write them; otherwise with an exponent. */
static void write_double(base_buf *out, double d)
{
    enum { PLAIN_DIGITS = 16 };
    char text[EXPR_DOUBLE_TEXT];
    base_buf_str(out, "{\"double\":\"");
    if (isfinite(d)) {
        const size_t len = expr_double_text(d, PLAIN_DIGITS, text);
        base_buf_add(out, text, len);
        if (memchr(text, '.', len) == NULL && memchr(text, 'e', len) == NULL)
            base_buf_str(out, ".0");
    } else {
        base_buf_add(out, text, base_format_double(d, text));
    }
    base_buf_str(out, "\"}");
}

/* Maps in the order in which they were made. The protocol has no tag of its own for optionals: none is {"optional":null},
 * others {"optional":[VALUE]}. Values are no deeper than VALUE_MAX_DEPTH. */
static void write_value(base_buf *out, value v)
{
    if (v.kind == VALUE_DOUBLE) {
        write_double(out, v.as.d);
    } else if (v.kind == VALUE_LIST) {
        base_buf_char(out, '[');
        for (size_t i = 0; i < v.len; i++) {
            base_buf_str(out, i > 0 ? "," : "");
            write_value(out, v.as.items[i]);
        }
        base_buf_char(out, ']');
    } else if (v.kind == VALUE_MAP) {
        base_buf_str(out, "{\"map\":[");
        for (size_t i = 0; i < v.len; i++) {
            base_buf_str(out, i > 0 ? ",[" : "[");
            write_value(out, v.as.pairs[i].key);
            base_buf_char(out, ',');
            write_value(out, v.as.pairs[i].val);
            base_buf_char(out, ']');
        }
        base_buf_str(out, "]}");
    } else if (!expr_is_optional(v)) {
        value_write_tagged(out, v);
    } else if (v.as.other == NULL) {
        base_buf_str(out, "{\"optional\":null}");
    } else {
        base_buf_str(out, "{\"optional\":[");
        write_value(out, *(const value *)v.as.other);
        base_buf_str(out, "]}");
    }
}

gov_status expr_eval_line(const gov_allocator *a, const gov_scope *s, const char *json, size_t len,
                          base_buf *out)
{
    gov_error *e = NULL;
    const diag d = {a, &e};
    line l = {.alloc = a, .base = s};
    base_arena_init(&l.arena, a);
    l.arena.limit = LINE_MEMORY;
    gov_status status = evaluate(&l, json, len, &d);
    if (status == GOV_E_NOMEM &&
        (l.arena.used > LINE_MEMORY / 4 || len > LINE_MEMORY / 4)) { /* the line's share of memory */
        gov_error_free(e);
        e = NULL;
        status = base_fail(&d, M_value_too_large, .a = {NULL});
    }
    if (status == GOV_OK) {
        base_buf_str(out, "{\"value\":");
        write_value(out, l.result);
        base_buf_char(out, '}');
    } else if (status != GOV_E_NOMEM) {
        write_error(out, e);
    }
    expr_program_free(l.program);
    expr_scope_free(l.scope);
    base_arena_free(&l.arena);
    gov_error_free(e);
    return status == GOV_E_NOMEM || out->failed ? GOV_E_NOMEM : GOV_OK;
}
