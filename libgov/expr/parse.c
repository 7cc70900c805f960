/* Tokens to a tree; macros become nodes of their own here. Recursion is bounded by EXPR_MAX_DEPTH. */
#include "expr/lex.h"

#include <string.h>

typedef struct parser {
    compiler *c;
    token now;
    uint32_t depth;
    bool failed;
} parser;

void expr_count_place(const char *src, size_t len, size_t at, base_place *out)
{
    uint32_t cp;
    out->line = out->column = 1;
    for (size_t i = 0; i < at && i < len;) {
        const size_t n = base_utf8_next(src + i, len - i, &cp);
        out->column++;
        if (src[i] == '\n') {
            out->line++;
            out->column = 1;
        }
        i += n > 0 ? n : 1;
    }
}

base_place expr_place_at(const compiler *c, size_t at)
{
    base_place place = {NULL, 0, 0};
    if (c->o->locate != NULL)
        c->o->locate(c->o->user, at, &place);
    else if (c->d != NULL)
        expr_count_place(c->src, c->len, at, &place);
    return place;
}

base_place expr_spot_inside(const expr_spot *spot, value text, size_t offset)
{
    compiler *c = (compiler *)(uintptr_t)spot->within;
    const token t = expr_lex(c, spot->at);
    value read;
    size_t bad;
    if (t.kind != T_STRING || expr_read_string(c->arena, c->src + t.at, t.len, false, &read, &bad) != NULL || !value_equal(read, text))
        return spot->place;
    return expr_place_at(c, t.at + expr_text_offset(c->src + t.at, t.len, offset));
}

const char *expr_shown(const char *s, size_t *len, char out[EXPR_SHOWN])
{
    size_t at = 0, count = 0;
    uint32_t cp;
    if (*len <= EXPR_SHOWN_MOST) /* as many characters cannot be in fewer bytes */
        return s;
    while (at < *len && count < EXPR_SHOWN_MOST) {
        const size_t n = base_utf8_next(s + at, *len - at, &cp);
        at += n > 0 ? n : 1;
        count++;
    }
    if (at >= *len)
        return s;
    memcpy(out, s, at);
    memcpy(out + at, "\xe2\x80\xa6", 3);
    *len = at + 3;
    return out;
}

/* What is quoted from the source (with its length) is cut; all other texts are our own. */
gov_status expr_mistake(compiler *c, size_t at, const diag_report *given)
{
    const base_place place = expr_place_at(c, at);
    char cut[4][EXPR_SHOWN];
    diag_report r = *given;
    diag_arg *const args[] = {&r.a, &r.b, &r.c, &r.d};
    for (size_t i = 0; i < ARRAY_LEN(args); i++)
        if (args[i]->name != NULL && args[i]->s != NULL && args[i]->len != SIZE_MAX)
            args[i]->s = expr_shown(args[i]->s, &args[i]->len, cut[i]);
    const gov_status status = base_report(c->d, &place, GOV_SEVERITY_ERROR, &r);
    if (c->status == GOV_OK || status == GOV_E_NOMEM)
        c->status = status;
    c->mistakes++;
    return status;
}

static expr_node *fail(parser *p)
{
    p->failed = true;
    return NULL;
}

static expr_node *no_memory(parser *p)
{
    p->c->status = base_nomem(p->c->d);
    return fail(p);
}

static expr_node *too_large(parser *p, const char *what, int64_t limit)
{
    MISTAKE(p->c, p->now.at, M_too_large, A_S("what", what), A_I("limit", limit));
    return fail(p);
}

expr_node *expr_node_new(compiler *c, node_kind kind, uint32_t at, size_t kids)
{
    expr_node *n = base_arena_alloc(c->arena, sizeof *n);
    if (n == NULL) {
        c->status = base_nomem(c->d);
        return NULL;
    }
    n->kind = (uint8_t)kind;
    n->at = at;
    n->count = (uint32_t)kids;
    n->depth = 1;
    n->terms = 1;
    n->kid = n->own;
    if (kids > ARRAY_LEN(n->own)) {
        n->kid = base_arena_array(c->arena, kids, sizeof(expr_node *));
        if (n->kid == NULL) {
            c->status = base_nomem(c->d);
            return NULL;
        }
    }
    c->terms++;
    return n;
}

static expr_node *new_node(parser *p, node_kind kind, uint32_t at, size_t kids)
{
    if (p->c->terms >= EXPR_MAX_TERMS)
        return too_large(p, "expression terms", EXPR_MAX_TERMS);
    expr_node *n = expr_node_new(p->c, kind, at, kids);
    if (n == NULL)
        p->failed = true;
    return n;
}

/* Sums up a node whose kids are in place. */
static expr_node *settle(parser *p, expr_node *n)
{
    unsigned depth = 0;
    uint32_t terms = 1;
    for (uint32_t i = 0; i < n->count; i++) {
        if (n->kid[i] == NULL)
            continue;
        if (n->kid[i]->depth > depth)
            depth = n->kid[i]->depth;
        terms += n->kid[i]->terms;
    }
    if (depth + 1 > EXPR_MAX_DEPTH)
        return too_large(p, "expression depth", EXPR_MAX_DEPTH);
    n->depth = (uint16_t)(depth + 1);
    n->terms = terms;
    return n;
}

static void next(parser *p)
{
    p->now = expr_lex(p->c, p->now.at + p->now.len);
    if (p->now.kind == T_BAD)
        p->failed = true;
}

static expr_node *unexpected(parser *p, const char *expected)
{
    if (p->failed)
        return NULL;
    if (p->now.kind == T_END)
        MISTAKE(p->c, p->now.at, M_unexpected_end, A_S("expected", expected));
    else
        MISTAKE(p->c, p->now.at, M_unexpected_token, A_S("expected", expected),
                A_N("found", p->c->src + p->now.at, p->now.len));
    return fail(p);
}

static bool is_char(const parser *p, char ch)
{
    return p->now.kind == (token_kind)(unsigned char)ch;
}

static bool accept(parser *p, char ch)
{
    if (!is_char(p, ch))
        return false;
    next(p);
    return !p->failed;
}

static bool expect(parser *p, char ch)
{
    const char text[4] = {'"', ch, '"', '\0'};
    if (is_char(p, ch)) {
        next(p);
        return !p->failed;
    }
    unexpected(p, text);
    return false;
}

static bool word_in(const char *s, size_t len, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == len && memcmp(words[i], s, len) == 0)
            return true;
    return false;
}

/* true, false, null and in can stand nowhere as a name. */
static bool is_keyword(const char *s, size_t len)
{
    static const char *const words[] = {"true", "false", "null", "in"};
    return len <= 5 && word_in(s, len, words, ARRAY_LEN(words));
}

/* Kept free by the language for its hosts; they may name fields and methods, but not variables. */
static bool is_reserved(const char *s, size_t len)
{
    static const char *const words[] = {"as",   "break",     "const",   "continue", "else",
                                        "for",  "function",  "if",      "import",   "let",
                                        "loop", "namespace", "package", "return",   "var",
                                        "void", "while"};
    return len >= 2 && len <= 9 && word_in(s, len, words, ARRAY_LEN(words));
}

static expr_node *parse_expr(parser *p);
static expr_node *parse_unary(parser *p);

/* A list of nodes that grows; each doubling leaves the old one in the arena. */
typedef struct node_list {
    expr_node **items;
    size_t len, cap;
    expr_node *few[8];
} node_list;

static bool push(parser *p, node_list *l, expr_node *n)
{
    if (n == NULL)
        return false;
    if (l->items == NULL) {
        l->items = l->few;
        l->cap = ARRAY_LEN(l->few);
    }
    if (l->len == l->cap) {
        expr_node **grown = base_arena_array(p->c->arena, l->cap * 2, sizeof *grown);
        if (grown == NULL) {
            no_memory(p);
            return false;
        }
        memcpy(grown, l->items, l->len * sizeof *grown);
        l->items = grown;
        l->cap *= 2;
    }
    l->items[l->len++] = n;
    return true;
}

static expr_node *node_of(parser *p, node_kind kind, uint32_t at, const node_list *l)
{
    expr_node *n = new_node(p, kind, at, l->len);
    if (n == NULL)
        return NULL;
    if (l->len > 0)
        memcpy(n->kid, l->items, l->len * sizeof(expr_node *));
    return settle(p, n);
}

static expr_node *constant(parser *p, uint32_t at, value v)
{
    expr_node *n = new_node(p, K_CONST, at, 0);
    if (n != NULL)
        n->v = v;
    return n;
}

static expr_node *parse_number(parser *p, bool negative, uint32_t at)
{
    value v;
    const char *why = expr_read_number(p->c->src + p->now.at, p->now.len, negative, &v);
    if (why != NULL) {
        MISTAKE(p->c, p->now.at, M_bad_literal, A_N("literal", p->c->src + p->now.at, p->now.len),
                A_S("why", why));
        return fail(p);
    }
    next(p);
    return constant(p, at, v);
}

static expr_node *parse_string(parser *p)
{
    value v;
    size_t bad;
    const uint32_t at = p->now.at;
    const char *why =
        expr_read_string(p->c->arena, p->c->src + at, p->now.len, p->now.kind == T_BYTES, &v, &bad);
    if (why != NULL && why[0] == '\0')
        return no_memory(p);
    if (why != NULL) {
        MISTAKE(p->c, at + bad, M_bad_literal, A_S("literal", "string"), A_S("why", why));
        return fail(p);
    }
    next(p);
    return constant(p, at, v);
}

/* Up to `close`, which is taken; a comma may follow the last item of a list literal. `?x` items when optional. */
static bool parse_items(parser *p, node_list *l, char close, bool literal)
{
    if (literal && is_char(p, ',')) { /* [,] */
        next(p);
        if (!is_char(p, close)) {
            unexpected(p, "\"]\"");
            return false;
        }
    }
    while (!is_char(p, close)) {
        const bool optional = literal && accept(p, '?');
        expr_node *item = p->failed ? NULL : parse_expr(p);
        if (!push(p, l, item))
            return false;
        if (optional)
            item->flags |= NODE_OPTIONAL;
        if (is_char(p, close))
            break;
        if (!is_char(p, ',')) {
            const char text[] = {'"', ',', '"', ' ', 'o', 'r', ' ', '"', close, '"', '\0'};
            unexpected(p, text);
            return false;
        }
        next(p);
        if (!literal && is_char(p, close)) {
            unexpected(p, "expression");
            return false;
        }
    }
    next(p);
    return !p->failed;
}

static expr_node *parse_list(parser *p)
{
    node_list l = {0};
    const uint32_t at = p->now.at;
    next(p);
    return parse_items(p, &l, ']', true) ? node_of(p, K_LIST, at, &l) : NULL;
}

static expr_node *parse_map(parser *p)
{
    node_list l = {0};
    const uint32_t at = p->now.at;
    next(p);
    if (is_char(p, ',')) { /* {,} */
        next(p);
        if (!is_char(p, '}'))
            return unexpected(p, "\"}\"");
    }
    while (!p->failed && !is_char(p, '}')) {
        const bool optional = accept(p, '?');
        expr_node *key = p->failed ? NULL : parse_expr(p);
        if (!push(p, &l, key) || !expect(p, ':') || !push(p, &l, parse_expr(p)))
            return NULL;
        if (optional)
            l.items[l.len - 1]->flags |= NODE_OPTIONAL;
        if (!is_char(p, '}') && !expect(p, ','))
            return NULL;
    }
    next(p);
    return p->failed ? NULL : node_of(p, K_MAP, at, &l);
}

/* `Type{field: value}`: there are no message types, but the grammar has them. */
static expr_node *parse_message(parser *p, expr_node *type)
{
    node_list l = {0};
    const uint32_t at = type->at;
    if (!push(p, &l, type))
        return NULL;
    next(p);
    while (!p->failed && !is_char(p, '}')) {
        (void)accept(p, '?');
        if (p->now.kind != T_IDENT && p->now.kind != T_QUOTED)
            return unexpected(p, "field");
        next(p);
        if (!expect(p, ':') || !push(p, &l, parse_expr(p)))
            return NULL;
        if (!is_char(p, '}') && !expect(p, ','))
            return NULL;
    }
    next(p);
    return p->failed ? NULL : node_of(p, K_MESSAGE, at, &l);
}

/* ---- macros ---- */

typedef struct macro {
    const char *name;
    uint8_t args, op;
    bool two, filter; /* two variables; the argument before the last is a filter */
} macro;

static const macro macros[] = {
    {"all", 2, MACRO_ALL, false, false},
    {"exists", 2, MACRO_EXISTS, false, false},
    {"exists_one", 2, MACRO_EXISTS_ONE, false, false},
    {"existsOne", 2, MACRO_EXISTS_ONE, false, false},
    {"map", 2, MACRO_MAP, false, false},
    {"map", 3, MACRO_MAP, false, true},
    {"filter", 2, MACRO_FILTER, false, false},
    {"all", 3, MACRO_ALL, true, false},
    {"exists", 3, MACRO_EXISTS, true, false},
    {"exists_one", 3, MACRO_EXISTS_ONE, true, false},
    {"existsOne", 3, MACRO_EXISTS_ONE, true, false},
    {"transformList", 3, MACRO_TRANSFORM_LIST, true, false},
    {"transformList", 4, MACRO_TRANSFORM_LIST, true, true},
    {"transformMap", 3, MACRO_TRANSFORM_MAP, true, false},
    {"transformMap", 4, MACRO_TRANSFORM_MAP, true, true},
    {"transformMapEntry", 3, MACRO_TRANSFORM_ENTRY, true, false},
    {"transformMapEntry", 4, MACRO_TRANSFORM_ENTRY, true, true},
    {"optMap", 2, MACRO_OPT_MAP, false, false},
    {"optFlatMap", 2, MACRO_OPT_FLAT_MAP, false, false},
    {"sortBy", 2, MACRO_SORT_BY, false, false},
};

static bool simple_name(parser *p, const expr_node *n, const char *macro_name, size_t len)
{
    if (n->kind == K_IDENT && (n->flags & NODE_ROOTED) == 0)
        return true;
    MISTAKE(p->c, n->at, M_bad_macro, A_N("macro", macro_name, len),
            A_S("why", "its variable must be a simple name"));
    p->failed = true;
    return false;
}

/* target.name(args) as a macro; *is false when it is none. */
static expr_node *expand_macro(parser *p, expr_node *target, token name, const node_list *l,
                               bool *is)
{
    const char *text = p->c->src + name.at;
    const macro *m = NULL;
    *is = false;
    for (size_t i = 0; i < ARRAY_LEN(macros) && m == NULL; i++)
        if (macros[i].args == l->len && strlen(macros[i].name) == name.len &&
            memcmp(macros[i].name, text, name.len) == 0)
            m = &macros[i];
    if (m == NULL)
        return NULL;
    *is = true;
    if (!simple_name(p, l->items[0], text, name.len) ||
        (m->two && !simple_name(p, l->items[1], text, name.len)))
        return NULL;
    expr_node *n = new_node(p, K_MACRO, name.at, 3);
    if (n == NULL)
        return NULL;
    n->op = m->op;
    n->name = l->items[0]->name;
    n->name_len = l->items[0]->name_len;
    if (m->two) {
        n->flags |= NODE_TWO;
        n->second = l->items[1]->name;
        n->second_len = l->items[1]->name_len;
        if (n->name_len == n->second_len && memcmp(n->name, n->second, n->name_len) == 0) {
            MISTAKE(p->c, l->items[1]->at, M_bad_macro, A_N("macro", text, name.len),
                    A_S("why", "its two variables have the same name"));
            return fail(p);
        }
    }
    n->kid[0] = target;
    n->kid[1] = l->items[l->len - 1];
    n->kid[2] = m->filter ? l->items[l->len - 2] : NULL;
    return settle(p, n);
}

static bool is_name(const expr_node *n, const char *name)
{
    return n->kind == K_IDENT && (n->flags & NODE_ROOTED) == 0 && n->name_len == strlen(name) &&
           memcmp(n->name, name, n->name_len) == 0;
}

/* cel.bind(name, init, body) */
static expr_node *expand_bind(parser *p, uint32_t at, const node_list *l)
{
    if (!simple_name(p, l->items[0], "cel.bind", 8))
        return NULL;
    expr_node *n = new_node(p, K_BIND, at, 2);
    if (n == NULL)
        return NULL;
    n->name = l->items[0]->name;
    n->name_len = l->items[0]->name_len;
    n->kid[0] = l->items[1];
    n->kid[1] = l->items[2];
    return settle(p, n);
}

static expr_node *expand_has(parser *p, uint32_t at, const node_list *l)
{
    expr_node *n = l->items[0];
    if (n->kind != K_SELECT) {
        MISTAKE(p->c, at, M_bad_macro, A_S("macro", "has"),
                A_S("why", "its argument must select a field, as in has(a.b)"));
        return fail(p);
    }
    n->kind = K_TEST;
    return n;
}

/* ---- calls, fields, indexes ---- */

static expr_node *make_call(parser *p, expr_node *target, token name, const node_list *l,
                            uint8_t flags)
{
    expr_node *n = new_node(p, K_CALL, name.at, l->len + (target != NULL));
    if (n == NULL)
        return NULL;
    n->name = p->c->src + name.at;
    n->name_len = name.len;
    n->flags = (uint8_t)(flags | (target != NULL ? NODE_MEMBER : 0));
    if (target != NULL)
        n->kid[0] = target;
    if (l->len > 0)
        memcpy(n->kid + (target != NULL), l->items, l->len * sizeof(expr_node *));
    return settle(p, n);
}

static expr_node *parse_global(parser *p, token name, uint8_t flags)
{
    node_list l = {0};
    next(p);
    if (p->failed || !parse_items(p, &l, ')', false))
        return NULL;
    if (!p->c->o->disable_macros && flags == 0 && l.len == 1 && name.len == 3 &&
        memcmp(p->c->src + name.at, "has", 3) == 0)
        return expand_has(p, name.at, &l);
    return make_call(p, NULL, name, &l, flags);
}

static expr_node *parse_member_call(parser *p, expr_node *target, token name)
{
    node_list l = {0};
    bool is = false;
    next(p);
    if (p->failed || !parse_items(p, &l, ')', false))
        return NULL;
    if (!p->c->o->disable_macros) {
        if (l.len == 3 && is_name(target, "cel") && name.len == 4 &&
            memcmp(p->c->src + name.at, "bind", 4) == 0)
            return expand_bind(p, name.at, &l);
        expr_node *n = expand_macro(p, target, name, &l, &is);
        if (is)
            return n;
    }
    return make_call(p, target, name, &l, 0);
}

static expr_node *parse_field(parser *p, expr_node *target)
{
    next(p);
    const bool optional = !p->failed && accept(p, '?');
    const token name = p->now;
    if (p->failed || (name.kind != T_IDENT && name.kind != T_QUOTED) ||
        (name.kind == T_IDENT && is_keyword(p->c->src + name.at, name.len)))
        return unexpected(p, "field");
    next(p);
    if (p->failed)
        return NULL;
    if (name.kind == T_IDENT && !optional && is_char(p, '('))
        return parse_member_call(p, target, name);
    expr_node *n = new_node(p, optional ? K_OPT_SELECT : K_SELECT, name.at, 1);
    if (n == NULL)
        return NULL;
    const bool quoted = name.kind == T_QUOTED;
    n->name = p->c->src + name.at + quoted;
    n->name_len = name.len - 2 * quoted;
    n->flags = quoted ? NODE_QUOTED : 0;
    n->v = value_string(n->name, n->name_len);
    n->kid[0] = target;
    return settle(p, n);
}

static expr_node *parse_index(parser *p, expr_node *target)
{
    const uint32_t at = p->now.at;
    next(p);
    const bool optional = !p->failed && accept(p, '?');
    expr_node *index = p->failed ? NULL : parse_expr(p);
    if (index == NULL || !expect(p, ']'))
        return NULL;
    expr_node *n = new_node(p, optional ? K_OPT_INDEX : K_INDEX, at, 2);
    if (n == NULL)
        return NULL;
    n->kid[0] = target;
    n->kid[1] = index;
    return settle(p, n);
}

/* A name and selects, which may be a message's type. */
static bool is_path(const expr_node *n)
{
    while (n->kind == K_SELECT && (n->flags & NODE_QUOTED) == 0)
        n = n->kid[0];
    return n->kind == K_IDENT;
}

static expr_node *parse_ident(parser *p)
{
    const bool rooted = is_char(p, '.');
    const uint32_t at = p->now.at;
    if (rooted)
        next(p);
    const token name = p->now;
    const char *text = p->c->src + name.at;
    if (p->failed || name.kind != T_IDENT || (rooted && is_keyword(text, name.len)))
        return unexpected(p, "name");
    if (is_reserved(text, name.len)) {
        MISTAKE(p->c, name.at, M_reserved_word, A_N("name", text, name.len));
        return fail(p);
    }
    next(p);
    if (p->failed)
        return NULL;
    if (!rooted && is_keyword(text, name.len)) {
        const value v = text[0] == 'n' ? value_null() : value_bool(text[0] == 't');
        if (text[0] == 'i') {
            p->now = name;
            return unexpected(p, "expression");
        }
        return constant(p, at, v);
    }
    if (is_char(p, '('))
        return parse_global(p, name, rooted ? NODE_ROOTED : 0);
    expr_node *n = new_node(p, K_IDENT, at, 0);
    if (n != NULL) {
        n->name = text;
        n->name_len = name.len;
        n->flags = rooted ? NODE_ROOTED : 0;
    }
    return n;
}

static expr_node *parse_primary(parser *p)
{
    expr_node *n;
    switch ((int)p->now.kind) {
    case T_NUMBER: return parse_number(p, false, p->now.at);
    case T_STRING:
    case T_BYTES: return parse_string(p);
    case '[': return parse_list(p);
    case '{': return parse_map(p);
    case T_IDENT:
    case '.': return parse_ident(p);
    case '(':
        next(p);
        n = p->failed ? NULL : parse_expr(p);
        if (n == NULL || !expect(p, ')'))
            return NULL;
        n->flags |= NODE_PARENS;
        return n;
    default: return unexpected(p, "expression");
    }
}

static expr_node *parse_postfix(parser *p, expr_node *n)
{
    while (n != NULL && !p->failed) {
        if (is_char(p, '.'))
            n = parse_field(p, n);
        else if (is_char(p, '['))
            n = parse_index(p, n);
        else if (is_char(p, '{') && is_path(n))
            n = parse_message(p, n);
        else
            return n;
    }
    return NULL;
}

static expr_node *parse_unary(parser *p)
{
    const uint32_t at = p->now.at;
    if (!is_char(p, '!') && !is_char(p, '-'))
        return parse_postfix(p, parse_primary(p));
    const node_kind kind = is_char(p, '!') ? K_NOT : K_NEGATE;
    if (p->depth >= EXPR_MAX_DEPTH)
        return too_large(p, "expression depth", EXPR_MAX_DEPTH);
    next(p);
    if (p->failed)
        return NULL;
    if (kind == K_NEGATE && p->now.kind == T_NUMBER) {
        const char last = p->c->src[p->now.at + p->now.len - 1];
        if (last != 'u' && last != 'U') /* -1u is the negation of 1u, which has none */
            return parse_postfix(p, parse_number(p, true, at));
    }
    p->depth++;
    expr_node *inner = parse_unary(p);
    p->depth--;
    if (inner == NULL)
        return NULL;
    expr_node *n = new_node(p, kind, at, 1);
    if (n == NULL)
        return NULL;
    n->kid[0] = inner;
    return settle(p, n);
}

typedef struct infix {
    int binding; /* 0: no infix operator */
    node_kind kind;
    node_op op;
} infix;

static infix infix_of(const parser *p)
{
    switch ((int)p->now.kind) {
    case T_OR: return (infix){1, K_OR, OP_NONE};
    case T_AND: return (infix){2, K_AND, OP_NONE};
    case T_EQ: return (infix){3, K_EQUAL, OP_EQ};
    case T_NE: return (infix){3, K_EQUAL, OP_NE};
    case '<': return (infix){3, K_ORDER, OP_LT};
    case T_LE: return (infix){3, K_ORDER, OP_LE};
    case '>': return (infix){3, K_ORDER, OP_GT};
    case T_GE: return (infix){3, K_ORDER, OP_GE};
    case '+': return (infix){4, K_ARITH, OP_ADD};
    case '-': return (infix){4, K_ARITH, OP_SUB};
    case '*': return (infix){5, K_ARITH, OP_MUL};
    case '/': return (infix){5, K_ARITH, OP_DIV};
    case '%': return (infix){5, K_ARITH, OP_MOD};
    case T_IDENT:
        if (p->now.len == 2 && memcmp(p->c->src + p->now.at, "in", 2) == 0)
            return (infix){3, K_IN, OP_NONE};
        return (infix){0, K_CONST, OP_NONE};
    default: return (infix){0, K_CONST, OP_NONE};
    }
}

static expr_node *parse_binary(parser *p, int least);

/* a || b || c is one node, so that long chains are not deep. */
static expr_node *parse_chain(parser *p, expr_node *first, infix in)
{
    node_list l = {0};
    const uint32_t at = p->now.at;
    if (!push(p, &l, first))
        return NULL;
    while (infix_of(p).kind == in.kind) {
        next(p);
        if (p->failed || !push(p, &l, parse_binary(p, in.binding + 1)))
            return NULL;
    }
    return node_of(p, in.kind, at, &l);
}

static expr_node *parse_binary(parser *p, int least)
{
    expr_node *left = parse_unary(p);
    while (left != NULL && !p->failed) {
        const infix in = infix_of(p);
        const uint32_t at = p->now.at;
        if (in.binding == 0 || in.binding < least)
            return left;
        if (in.binding <= 2) {
            left = parse_chain(p, left, in);
            continue;
        }
        next(p);
        expr_node *right = p->failed ? NULL : parse_binary(p, in.binding + 1);
        expr_node *n = right != NULL ? new_node(p, in.kind, at, 2) : NULL;
        if (n == NULL)
            return NULL;
        n->op = (uint8_t)in.op;
        n->kid[0] = left;
        n->kid[1] = right;
        left = settle(p, n);
    }
    return NULL;
}

static expr_node *parse_expr(parser *p)
{
    if (p->depth >= EXPR_MAX_DEPTH)
        return too_large(p, "expression depth", EXPR_MAX_DEPTH);
    p->depth++;
    expr_node *n = parse_binary(p, 1);
    if (n != NULL && is_char(p, '?')) {
        expr_node *cond = new_node(p, K_COND, p->now.at, 3);
        if (cond == NULL)
            return NULL;
        next(p);
        cond->kid[0] = n;
        cond->kid[1] = p->failed ? NULL : parse_binary(p, 1);
        if (cond->kid[1] == NULL || !expect(p, ':'))
            return NULL;
        cond->kid[2] = parse_expr(p);
        n = cond->kid[2] != NULL ? settle(p, cond) : NULL;
    }
    p->depth--;
    return p->failed ? NULL : n;
}

expr_node *expr_parse(compiler *c)
{
    parser p = {.c = c};
    next(&p);
    expr_node *root = p.failed ? NULL : parse_expr(&p);
    if (root != NULL && p.now.kind != T_END)
        root = unexpected(&p, "end");
    return root;
}
