/* Why no overload takes what it is given: the types that were found, and those that might stand there. */
#include "expr/check.h"

#include <string.h>

enum { MOST_OVERLOADS = 64 };

typedef struct overloads {
    const expr_overload *items[MOST_OVERLOADS];
    size_t count;
} overloads;

static bool named(const expr_overload *o, const expr_node *n)
{
    return strncmp(o->name, n->name, n->name_len) == 0 && o->name[n->name_len] == '\0';
}

/* Those of that name; `all`: or only those with this style and count of arguments. */
static void collect(const checker *k, const expr_node *n, bool all, overloads *out)
{
    const expr_overload *first;
    out->count = 0;
    for (const expr_scope *s = k->c->scope; s != NULL; s = s->parent)
        for (size_t i = 0; i < s->function_count; i++)
            if (named(&s->functions[i], n) && (all || expr_callable(&s->functions[i], n)) && out->count < MOST_OVERLOADS)
                out->items[out->count++] = &s->functions[i];
    const size_t count = expr_find_builtin(n->name, n->name_len, &first);
    for (size_t i = 0; i < count; i++)
        if ((all || expr_callable(&first[i], n)) && out->count < MOST_OVERLOADS)
            out->items[out->count++] = &first[i];
}

static const char *param_text(expr_type t, char out[EXPR_TYPE_TEXT])
{
    if (t == TYPE_A || t == TYPE_B)
        return "dyn";
    return expr_type_kind(t) == EXPR_LIST || expr_type_kind(t) == EXPR_OPTIONAL
               ? expr_type_text(expr_type_item(t) == TYPE_A || expr_type_item(t) == TYPE_B ? expr_type_kind(t) : t, out)
           : expr_type_kind(t) == EXPR_MAP && (expr_type_key(t) >= 14 || expr_type_kind(expr_type_val(t)) >= 14)
               ? "map"
               : expr_type_text(t, out);
}

/* The same where arguments before it have said what the variables stand for. */
static const char *bound_text(expr_type t, const expr_type bound[2], char out[EXPR_TYPE_TEXT])
{
    return bound[0] == EXPR_DYN && bound[1] == EXPR_DYN ? param_text(t, out)
                                                        : expr_type_text(expr_substitute(t, bound), out);
}

/* What may stand as argument i; false: this argument goes with one of them. */
static bool misfit(const overloads *o, const expr_node *n, uint32_t i, type_texts *expected)
{
    char text[EXPR_TYPE_TEXT];
    *expected = (type_texts){.count = 0};
    for (size_t f = 0; f < o->count; f++) {
        expr_type bound[2] = {EXPR_DYN, EXPR_DYN}, before[2];
        const expr_type param = expr_param_of(o->items[f], i);
        for (uint32_t b = 0; o->count == 1 && b < i; b++)
            (void)expr_unify(expr_param_of(o->items[f], b), n->kid[b]->type, bound);
        memcpy(before, bound, sizeof before);
        if (expr_unify(param, n->kid[i]->type, bound))
            return false;
        expr_types_add(expected, bound_text(param, before, text));
    }
    return true;
}

static void add_text(char out[EXPR_TYPE_TEXT], const char *text)
{
    const size_t used = strlen(out), len = strlen(text);
    if (used + len < EXPR_TYPE_TEXT)
        memcpy(out + used, text, len + 1);
}

/* "(string, int)", or "string.name(int)" for a member where the style matters. */
static void signature(const expr_overload *o, bool member, char out[EXPR_TYPE_TEXT])
{
    char text[EXPR_TYPE_TEXT];
    const uint32_t target = member ? 1 : 0;
    out[0] = '\0';
    if (member) {
        add_text(out, param_text(o->args[0], text));
        add_text(out, ".");
        add_text(out, o->name);
    }
    add_text(out, "(");
    for (uint32_t i = target; i < o->argc; i++) {
        add_text(out, i > target ? ", " : "");
        add_text(out, param_text(o->args[i], text));
    }
    add_text(out, o->style & CALL_VARIADIC ? ", ...)" : ")");
}

static void add_types(base_buf *b, const expr_node *const *items, size_t count)
{
    char one[EXPR_TYPE_TEXT];
    base_buf_char(b, '(');
    for (size_t i = 0; i < count; i++) {
        base_buf_str(b, i > 0 ? ", " : "");
        base_buf_str(b, expr_type_text(items[i]->type, one));
    }
    base_buf_char(b, ')');
}

static void report_signatures(checker *k, const expr_node *n, const overloads *o)
{
    base_buf types;
    type_texts expected = {.count = 0};
    char text[EXPR_TYPES_TEXT], one[EXPR_TYPE_TEXT];
    const bool member = (n->flags & NODE_MEMBER) != 0;
    for (size_t i = 0; i < o->count; i++) {
        const bool as_member = (o->items[i]->style & (member ? CALL_MEMBER : CALL_GLOBAL)) == 0 ? !member : member;
        signature(o->items[i], as_member, one);
        expr_types_add(&expected, one);
    }
    base_buf_init(&types, k->c->alloc);
    add_types(&types, (const expr_node *const *)n->kid, n->count);
    if (types.failed)
        k->c->status = base_nomem(k->c->d);
    else
        MISTAKE(k->c, n->at, M_no_such_overload, A_N("function", n->name, n->name_len), A_S("types", types.data),
                A_S("expected", expr_types_text(&expected, text)));
    base_buf_free(&types);
}

void expr_report_argument(checker *k, const expr_node *n, uint32_t i, const char *expected)
{
    char found[EXPR_TYPE_TEXT];
    const expr_node *bad = n->kid[i];
    const uint32_t target = n->flags & NODE_MEMBER ? 1 : 0;
    if (!expr_checked(k))
        return;
    expr_type_text(bad->type, found);
    if (i < target)
        MISTAKE(k->c, expr_start_of(bad), M_wrong_target, A_N("function", n->name, n->name_len),
                A_S("expected", expected), A_S("found", found));
    else
        MISTAKE(k->c, expr_start_of(bad), M_wrong_argument, A_N("function", n->name, n->name_len),
                A_I("number", (int64_t)i + 1 - target), A_S("expected", expected), A_S("found", found));
}

void expr_report_call(checker *k, const expr_node *n)
{
    overloads o;
    type_texts expected;
    char text[EXPR_TYPES_TEXT];
    collect(k, n, false, &o);
    const bool callable = o.count > 0;
    for (uint32_t i = 0; callable && i < n->count; i++) {
        if (!misfit(&o, n, i, &expected))
            continue;
        expr_report_argument(k, n, i, expr_types_text(&expected, text));
        return;
    }
    if (!callable)
        collect(k, n, true, &o);
    report_signatures(k, n, &o);
}

void expr_report_operator(checker *k, const char *op, const expr_node *a, const expr_node *b, const expr_node *bad,
                          expr_type beside, const type_texts *expected)
{
    base_buf types;
    char text[EXPR_TYPES_TEXT], other[EXPR_TYPE_TEXT];
    const expr_node *const both[] = {a, b};
    base_buf_init(&types, k->c->alloc);
    add_types(&types, both, 2);
    if (types.failed)
        k->c->status = base_nomem(k->c->d);
    else
        MISTAKE(k->c, expr_start_of(bad), M_no_such_overload, A_S("function", op), A_S("types", types.data),
                A_S("expected", expr_types_text(expected, text)),
                A_S("beside", beside != EXPR_TYPE_NONE ? expr_type_text(beside, other) : NULL));
    base_buf_free(&types);
}
