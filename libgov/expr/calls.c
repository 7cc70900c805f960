/* Calls: which function is meant, which overloads may take these arguments. */
#include "expr/check.h"

#include <string.h>

const function_table expr_tables[] = {
    {expr_standard_functions, &expr_standard_function_count},
    {expr_time_functions, &expr_time_function_count},
    {expr_text_functions, &expr_text_function_count},
    {expr_list_functions, &expr_list_function_count},
    {expr_math_functions, &expr_math_function_count},
};
const size_t expr_table_count = ARRAY_LEN(expr_tables);

static bool named(const expr_overload *o, const char *name, size_t len)
{
    return strncmp(o->name, name, len) == 0 && o->name[len] == '\0';
}

size_t expr_find_builtin(const char *name, size_t len, const expr_overload **first)
{
    for (size_t t = 0; t < ARRAY_LEN(expr_tables); t++) {
        const expr_overload *rows = expr_tables[t].rows;
        for (size_t i = 0; i < *expr_tables[t].count; i++) {
            if (!named(&rows[i], name, len))
                continue;
            *first = &rows[i];
            size_t n = 1;
            while (i + n < *expr_tables[t].count && named(&rows[i + n], name, len))
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
    bool known; /* some function has that name */
} choice;

bool expr_unify(expr_type param, expr_type arg, expr_type bound[2])
{
    if (param == TYPE_A || param == TYPE_B) {
        expr_type *b = &bound[param == TYPE_B];
        if (!expr_comparable(*b, arg))
            return false;
        if (arg != EXPR_DYN)
            *b = *b == EXPR_DYN ? arg : expr_join(*b, arg);
        return true;
    }
    if (param == EXPR_DYN || arg == EXPR_DYN)
        return true;
    if (expr_type_kind(param) != expr_type_kind(arg))
        return false;
    switch (expr_type_kind(param)) {
    case EXPR_LIST:
    case EXPR_OPTIONAL: return expr_unify(expr_type_item(param), expr_type_item(arg), bound);
    case EXPR_MAP:
        return expr_unify(expr_type_key(param), expr_type_key(arg), bound) &&
               expr_unify(expr_type_val(param), expr_type_val(arg), bound);
    default: return true;
    }
}

expr_type expr_substitute(expr_type t, const expr_type bound[2])
{
    switch (expr_type_kind(t)) {
    case 14:
    case 15: return bound[t == TYPE_B];
    case EXPR_LIST: return expr_list_of(expr_substitute(expr_type_item(t), bound));
    case EXPR_OPTIONAL: return expr_optional_of(expr_substitute(expr_type_item(t), bound));
    case EXPR_MAP:
        return expr_map_of(expr_substitute(expr_type_key(t), bound),
                           expr_substitute(expr_type_val(t), bound));
    default: return t;
    }
}

expr_type expr_param_of(const expr_overload *o, size_t i)
{
    return o->style & CALL_VARIADIC && i >= o->argc ? o->args[o->argc - 1U] : o->args[i];
}

static bool takes(const expr_overload *o, const expr_node *n, expr_type *result)
{
    expr_type bound[2] = {EXPR_DYN, EXPR_DYN};
    for (uint32_t i = 0; i < n->count; i++)
        if (!expr_unify(expr_param_of(o, i), n->kid[i]->type, bound))
            return false;
    *result = expr_substitute(o->result, bound);
    return true;
}

bool expr_callable(const expr_overload *o, const expr_node *n)
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
    if (!expr_callable(o, n))
        return true;
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

static bool is_name_only(const expr_node *n)
{
    return n->kind == K_IDENT && (n->flags & NODE_ROOTED) == 0;
}

static void unknown_function(checker *k, uint32_t at, const char *name, size_t len, bool member)
{
    const char *use = expr_macro_use(name, len);
    if (use != NULL)
        MISTAKE(k->c, at, M_bad_macro, A_N("macro", name, len), A_S("why", use));
    else
        MISTAKE(k->c, at, M_unknown_function, A_N("name", name, len),
                A_S("near", expr_propose_function(k, name, len, member)));
}

/* mth.greatest(x), cel.bnd(x, 1, x): what stands before the dot is no variable, and was meant as a part of the function's name. */
static bool unknown_in_namespace(checker *k, const expr_node *n)
{
    char path[LONGEST_PATH];
    size_t len;
    uint32_t index;
    const expr_node *target = n->kid[0], *start = expr_path_start(n->kid[0]);
    if (start == NULL || target->kind == K_TEST || (target->flags & NODE_PARENS) != 0 ||
        expr_find_local(k, start, &index) != NULL || !expr_path_text(target, path, &len) ||
        len + 1 + n->name_len >= LONGEST_PATH)
        return false;
    for (size_t i = 1; i <= len; i++)
        if ((i == len || path[i] == '.') && expr_scope_find(k->c->scope, path, i, NULL, NULL))
            return false;
    const bool space = expr_is_namespace(k, path, len);
    path[len++] = '.';
    memcpy(path + len, n->name, n->name_len);
    len += n->name_len;
    if (!space && expr_propose_function(k, path, len, false) == NULL)
        return false;
    unknown_function(k, start->at, path, len, false);
    return true;
}

/* A name that no function has. One mistake is told once: the variable of what was meant for a macro is no second one. */
static void check_unknown(checker *k, expr_node *n)
{
    const uint32_t member = n->flags & NODE_MEMBER ? 1 : 0;
    n->type = EXPR_DYN;
    if (member && unknown_in_namespace(k, n))
        return;
    const size_t before = k->c->mistakes;
    if (member)
        expr_check_node(k, n->kid[0]);
    if (k->c->mistakes == before)
        unknown_function(k, n->at, n->name, n->name_len, member != 0);
    if (member && n->count > 1 && is_name_only(n->kid[1]))
        return;
    for (uint32_t i = member; i < n->count; i++)
        expr_check_node(k, n->kid[i]);
}

static bool known_call(checker *k, expr_node *n)
{
    return n->flags & NODE_MEMBER ? exists(k, n->name, n->name_len)
                                  : find_global(k, n, n->name, n->name_len, (n->flags & NODE_ROOTED) != 0);
}

/* Lets the functions' owners look at constant arguments: In('no.such.state') is found when rules are loaded. */
static void check_host(checker *k, expr_node *n, const choice *ch)
{
    value args[EXPR_MAX_PARAMS];
    expr_spot spots[EXPR_MAX_PARAMS];
    if (ch->count != 1 || ch->fit[0]->host == NULL || ch->fit[0]->host->check == NULL)
        return;
    for (uint32_t i = 0; i < n->count; i++)
        args[i] = n->kid[i]->kind == K_CONST ? n->kid[i]->v : value_absent();
    spots[0] = (expr_spot){expr_place_at(k->c, n->at), k->c, n->at};
    for (uint32_t i = 0; i < n->count; i++) {
        const uint32_t at = expr_start_of(n->kid[i]);
        spots[i] = (expr_spot){expr_place_at(k->c, at), k->c, at};
    }
    const expr_function *f = ch->fit[0]->host;
    const gov_status status = f->check(f->user, args, n->count, spots, k->c->d);
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
    if (!known_call(k, n) && expr_checked(k)) {
        check_unknown(k, n);
        return;
    }
    for (uint32_t i = 0; i < n->count; i++)
        expr_check_node(k, n->kid[i]);
    collect(k, n, &ch, n->name, n->name_len);
    n->extra = ch.fit;
    n->extra_count = (uint32_t)ch.count;
    if (ch.known)
        n->flags |= NODE_SETTLED;
    if (ch.count != 1 && ch.count == 0)
        n->type = EXPR_DYN;
    if (expr_checked(k) && ch.count == 0)
        expr_report_call(k, n);
    else if (ch.count > 0 && ch.fit[0]->host == NULL)
        expr_refine(k, n);
    check_host(k, n, &ch);
}
