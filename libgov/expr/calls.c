/* Calls: which function is meant, which overloads may take these arguments. */
#include "expr/check.h"

#include <string.h>

static const struct {
    const expr_overload *rows;
    const size_t *count;
} tables[] = {
    {expr_standard_functions, &expr_standard_function_count},
    {expr_time_functions, &expr_time_function_count},
    {expr_text_functions, &expr_text_function_count},
    {expr_list_functions, &expr_list_function_count},
    {expr_math_functions, &expr_math_function_count},
};

static bool named(const expr_overload *o, const char *name, size_t len)
{
    return strncmp(o->name, name, len) == 0 && o->name[len] == '\0';
}

size_t expr_find_builtin(const char *name, size_t len, const expr_overload **first)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        const expr_overload *rows = tables[t].rows;
        for (size_t i = 0; i < *tables[t].count; i++) {
            if (!named(&rows[i], name, len))
                continue;
            *first = &rows[i];
            size_t n = 1;
            while (i + n < *tables[t].count && named(&rows[i + n], name, len))
                n++;
            return n;
        }
    }
    return 0;
}

/* The overloads of a call that might take its arguments. */
typedef struct choice {
    const expr_overload **fit;
    size_t count, cap;
    const expr_overload
        *only;       /* the one of this style and count of arguments, when there is just one */
    size_t callable; /* of this style and count of arguments */
    bool known;      /* some function has that name */
} choice;

/* Does the argument's type go with the parameter's? Binds the type variables A and B. */
static bool unify(expr_type param, expr_type arg, expr_type bound[2])
{
    if (param == TYPE_A || param == TYPE_B) {
        expr_type *b = &bound[param == TYPE_B];
        if (*b == EXPR_DYN || *b == EXPR_NULL)
            *b = arg;
        return expr_comparable(*b, arg);
    }
    if (param == EXPR_DYN || arg == EXPR_DYN)
        return true;
    if (expr_type_kind(param) != expr_type_kind(arg))
        return false;
    switch (expr_type_kind(param)) {
    case EXPR_LIST:
    case EXPR_OPTIONAL: return unify(expr_type_item(param), expr_type_item(arg), bound);
    case EXPR_MAP:
        return unify(expr_type_key(param), expr_type_key(arg), bound) &&
               unify(expr_type_val(param), expr_type_val(arg), bound);
    default: return true;
    }
}

static expr_type substitute(expr_type t, const expr_type bound[2])
{
    switch (expr_type_kind(t)) {
    case 14:
    case 15: return bound[t == TYPE_B];
    case EXPR_LIST: return expr_list_of(substitute(expr_type_item(t), bound));
    case EXPR_OPTIONAL: return expr_optional_of(substitute(expr_type_item(t), bound));
    case EXPR_MAP:
        return expr_map_of(substitute(expr_type_key(t), bound),
                           substitute(expr_type_val(t), bound));
    default: return t;
    }
}

static expr_type param_of(const expr_overload *o, size_t i)
{
    return o->style & CALL_VARIADIC && i >= o->argc ? o->args[o->argc - 1U] : o->args[i];
}

static bool takes(const expr_overload *o, const expr_node *n, expr_type *result)
{
    expr_type bound[2] = {EXPR_DYN, EXPR_DYN};
    for (uint32_t i = 0; i < n->count; i++)
        if (!unify(param_of(o, i), n->kid[i]->type, bound))
            return false;
    *result = substitute(o->result, bound);
    return true;
}

static bool callable(const expr_overload *o, const expr_node *n)
{
    const unsigned style = n->flags & NODE_MEMBER ? CALL_MEMBER : CALL_GLOBAL;
    if ((o->style & style) == 0)
        return false;
    return o->style & CALL_VARIADIC ? n->count >= o->argc : n->count == o->argc;
}

static bool consider(checker *k, expr_node *n, choice *ch, const expr_overload *o)
{
    expr_type result = EXPR_DYN;
    ch->known = true;
    if (!callable(o, n))
        return true;
    ch->only = ch->callable++ == 0 ? o : NULL;
    if (!takes(o, n, &result) && expr_checked(k))
        return true;
    n->type = ch->count == 0 ? result : expr_join(n->type, result);
    if (ch->count == ch->cap) {
        const size_t cap = ch->cap == 0 ? 4 : ch->cap * 2;
        const expr_overload **grown = base_arena_array(k->c->arena, cap, sizeof *grown);
        if (grown == NULL) {
            k->c->status = base_nomem(k->c->d);
            return false;
        }
        if (ch->count > 0)
            memcpy(grown, ch->fit, ch->count * sizeof *grown);
        ch->fit = grown;
        ch->cap = cap;
    }
    ch->fit[ch->count++] = o;
    return true;
}

static bool exists(const checker *k, const char *name, size_t len)
{
    const expr_overload *first;
    for (const expr_scope *s = k->c->scope; s != NULL; s = s->parent)
        for (size_t i = 0; i < s->function_count; i++)
            if (named(&s->functions[i], name, len))
                return true;
    return expr_find_builtin(name, len, &first) > 0;
}

static void collect(checker *k, expr_node *n, choice *ch, const char *name, size_t len)
{
    const expr_overload *first;
    for (const expr_scope *s = k->c->scope; s != NULL; s = s->parent)
        for (size_t i = 0; i < s->function_count; i++)
            if (named(&s->functions[i], name, len) && !consider(k, n, ch, &s->functions[i]))
                return;
    const size_t count = expr_find_builtin(name, len, &first);
    for (size_t i = 0; i < count; i++)
        if (!consider(k, n, ch, &first[i]))
            return;
}

/* Finds the full name of a global function through the containers; keeps it in the arena. */
static bool find_global(checker *k, expr_node *n, const char *name, size_t len, bool rooted)
{
    char full[LONGEST_PATH];
    size_t full_len;
    candidates it = expr_candidates(k, rooted);
    while (expr_next_candidate(&it, name, len, full, &full_len)) {
        if (!exists(k, full, full_len))
            continue;
        if (full_len != n->name_len || memcmp(full, n->name, full_len) != 0) {
            n->name = base_arena_strndup(k->c->arena, full, full_len);
            if (n->name == NULL) {
                k->c->status = base_nomem(k->c->d);
                n->name = "";
                full_len = 0;
            }
            n->name_len = (uint32_t)full_len;
        }
        return true;
    }
    return false;
}

/* math.greatest(x): is the target the first part of a function's name? Then it is no target. */
static void join_namespace(checker *k, expr_node *n)
{
    char path[LONGEST_PATH];
    size_t len;
    uint32_t index;
    const expr_node *start = expr_path_start(n->kid[0]);
    if (start == NULL || n->kid[0]->kind == K_TEST || (n->kid[0]->flags & NODE_PARENS) != 0 ||
        expr_find_local(k, start, &index) != NULL || !expr_path_text(n->kid[0], path, &len) ||
        len + 1 + n->name_len >= LONGEST_PATH)
        return;
    path[len++] = '.';
    memcpy(path + len, n->name, n->name_len);
    if (!find_global(k, n, path, len + n->name_len, (start->flags & NODE_ROOTED) != 0))
        return;
    n->flags &= (uint8_t)~NODE_MEMBER;
    n->at = start->at;
    n->count--;
    memmove(n->kid, n->kid + 1, n->count * sizeof *n->kid);
}

static void add_function_names(const expr_overload *rows, size_t count, const char **names,
                               size_t cap, size_t *n)
{
    for (size_t i = 0; i < count && *n < cap; i++)
        if (i == 0 || strcmp(rows[i].name, rows[i - 1].name) != 0)
            names[(*n)++] = rows[i].name;
}

static const char *nearest_function(const checker *k, const char *name, size_t len)
{
    const char *names[512];
    size_t count = 0;
    for (const expr_scope *s = k->c->scope; s != NULL; s = s->parent)
        add_function_names(s->functions, s->function_count, names, ARRAY_LEN(names), &count);
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        add_function_names(tables[t].rows, *tables[t].count, names, ARRAY_LEN(names), &count);
    return base_nearest(name, len, names, count);
}

static void report_argument(checker *k, const expr_node *n, const expr_overload *o)
{
    char expected[EXPR_TYPE_TEXT], found[EXPR_TYPE_TEXT];
    expr_type bound[2] = {EXPR_DYN, EXPR_DYN};
    const uint32_t target = n->flags & NODE_MEMBER ? 1 : 0;
    for (uint32_t i = 0; i < n->count; i++) {
        if (unify(param_of(o, i), n->kid[i]->type, bound))
            continue;
        MISTAKE(k->c, n->kid[i]->at, M_wrong_argument, A_N("function", n->name, n->name_len),
                A_I("number", (int64_t)i + 1 - target),
                A_S("expected", expr_type_text(substitute(param_of(o, i), bound), expected)),
                A_S("found", expr_type_text(n->kid[i]->type, found)));
        return;
    }
}

static void report(checker *k, expr_node *n, const choice *ch)
{
    char one[EXPR_TYPE_TEXT];
    base_buf types;
    if (!ch->known) {
        MISTAKE(k->c, n->at, M_unknown_function, A_N("name", n->name, n->name_len),
                A_S("near", nearest_function(k, n->name, n->name_len)));
        return;
    }
    if (ch->only != NULL) {
        report_argument(k, n, ch->only);
        return;
    }
    base_buf_init(&types, k->c->alloc);
    base_buf_char(&types, '(');
    for (uint32_t i = 0; i < n->count; i++) {
        base_buf_str(&types, i > 0 ? ", " : "");
        base_buf_str(&types, expr_type_text(n->kid[i]->type, one));
    }
    base_buf_char(&types, ')');
    if (types.failed)
        k->c->status = base_nomem(k->c->d);
    else
        MISTAKE(k->c, n->at, M_no_such_overload, A_N("function", n->name, n->name_len),
                A_S("types", types.data));
    base_buf_free(&types);
}

/* Lets the functions' owners look at constant arguments: In('no.such.state') is found when rules are loaded. */
static void check_host(checker *k, expr_node *n, const choice *ch)
{
    value args[EXPR_MAX_PARAMS];
    base_place place = {NULL, 0, 0};
    if (ch->count != 1 || ch->fit[0]->host == NULL || ch->fit[0]->host->check == NULL)
        return;
    for (uint32_t i = 0; i < n->count; i++)
        args[i] = n->kid[i]->kind == K_CONST ? n->kid[i]->v : value_absent();
    if (k->c->o->locate != NULL)
        k->c->o->locate(k->c->o->user, n->at, &place);
    else
        expr_count_place(k->c->src, k->c->len, n->at, &place);
    const expr_function *f = ch->fit[0]->host;
    const gov_status status = f->check(f->user, args, n->count, &place, k->c->d);
    if (status != GOV_OK) {
        k->c->status = k->c->status == GOV_OK ? status : k->c->status;
        k->c->mistakes++;
    }
}

void expr_check_call(checker *k, expr_node *n)
{
    choice ch = {0};
    if (n->flags & NODE_MEMBER)
        join_namespace(k, n);
    for (uint32_t i = 0; i < n->count; i++)
        expr_check_node(k, n->kid[i]);
    if ((n->flags & NODE_MEMBER) == 0)
        (void)find_global(k, n, n->name, n->name_len, (n->flags & NODE_ROOTED) != 0);
    collect(k, n, &ch, n->name, n->name_len);
    n->extra = ch.fit;
    n->extra_count = (uint32_t)ch.count;
    if (ch.known)
        n->flags |= NODE_SETTLED;
    if (ch.count != 1 && ch.count == 0)
        n->type = EXPR_DYN;
    if (expr_checked(k) && ch.count == 0)
        report(k, n, &ch);
    check_host(k, n, &ch);
}
