/* Macros that run over lists, maps and optionals, and cel.bind. */
#include "expr/inner.h"

#include <string.h>

static int open_range(const expr_node *n, expr_ctx *c, value *range)
{
    const int how = n->kid[0]->eval(n->kid[0], c, range);
    if (how == DONE && range->kind != VALUE_LIST && range->kind != VALUE_MAP)
        return expr_fail_kinds(c, n, range, 1);
    return how;
}

/* Sets the macro's variables to element i, and pays for one repetition. */
static int turn(const expr_node *n, expr_ctx *c, const value *range, size_t i)
{
    value *local = &c->local[n->slot];
    const uint64_t terms = n->kid[1]->terms + (n->kid[2] != NULL ? n->kid[2]->terms : 0);
    if (!expr_charge(c, terms))
        return expr_too_costly(c, n);
    if (n->flags & NODE_TWO) {
        local[0] = range->kind == VALUE_LIST ? value_int((int64_t)i) : range->as.pairs[i].key;
        local[1] = range->kind == VALUE_LIST ? range->as.items[i] : range->as.pairs[i].val;
    } else {
        local[0] = range->kind == VALUE_LIST ? range->as.items[i] : range->as.pairs[i].key;
    }
    return DONE;
}

static int ask(const expr_node *n, expr_ctx *c, const expr_node *predicate, bool *yes)
{
    value v;
    const int how = predicate->eval(predicate, c, &v);
    if (how != DONE)
        return how;
    if (v.kind != VALUE_BOOL)
        return expr_fail_kinds(c, n, &v, 1);
    *yes = v.as.b;
    return DONE;
}

/* all and exists: an element that settles the matter makes good the errors of others. */
static int step_quantifier(const expr_node *n, expr_ctx *c, value *out)
{
    const bool settles = n->op == MACRO_EXISTS;
    value range;
    expr_fault first;
    bool failed = false;
    int how = open_range(n, c, &range);
    if (how != DONE)
        return how;
    for (size_t i = 0; i < range.len; i++) {
        bool yes = false;
        how = turn(n, c, &range, i);
        if (how == DONE)
            how = ask(n, c, n->kid[1], &yes);
        if (how == STOP || (how == DONE && yes == settles)) {
            if (failed)
                expr_fault_drop(&first);
            *out = value_bool(settles);
            return how;
        }
        if (how == FAIL && failed)
            expr_fault_drop(&c->fault);
        else if (how == FAIL)
            first = c->fault;
        failed = failed || how == FAIL;
    }
    if (failed) {
        c->fault = first;
        return FAIL;
    }
    *out = value_bool(!settles);
    return DONE;
}

static int step_exists_one(const expr_node *n, expr_ctx *c, value *out)
{
    value range;
    size_t count = 0;
    int how = open_range(n, c, &range);
    for (size_t i = 0; how == DONE && i < range.len; i++) {
        bool yes = false;
        how = turn(n, c, &range, i);
        if (how == DONE)
            how = ask(n, c, n->kid[1], &yes);
        count += yes;
    }
    *out = value_bool(count == 1);
    return how;
}

/* map, filter and transformList. */
static int step_to_list(const expr_node *n, expr_ctx *c, value *out)
{
    const bool filter = n->op == MACRO_FILTER;
    const expr_node *predicate = filter ? n->kid[1] : n->kid[2];
    value range, *items;
    size_t len = 0;
    int how = open_range(n, c, &range);
    if (how != DONE)
        return how;
    items = expr_take(c, range.len, sizeof *items);
    if (items == NULL)
        return expr_nomem(c, n);
    for (size_t i = 0; i < range.len; i++) {
        bool yes = true;
        how = turn(n, c, &range, i);
        if (how == DONE && predicate != NULL)
            how = ask(n, c, predicate, &yes);
        if (how == DONE && yes && filter)
            items[len] = range.kind == VALUE_LIST ? range.as.items[i] : range.as.pairs[i].key;
        else if (how == DONE && yes)
            how = n->kid[1]->eval(n->kid[1], c, &items[len]);
        if (how != DONE)
            return how;
        len += yes;
    }
    return expr_make_list(n, c, items, len, out);
}

/* The pairs that a macro collects; the array is taken anew when it is full. */
typedef struct pairs {
    value_pair *items;
    size_t len, cap;
} pairs;

static int add_pair(const expr_node *n, expr_ctx *c, pairs *p, value_pair pair)
{
    if (p->len == p->cap) {
        const size_t cap = p->cap == 0 ? 8 : p->cap * 2;
        value_pair *grown = expr_take(c, cap, sizeof *grown);
        if (grown == NULL)
            return expr_nomem(c, n);
        if (p->len > 0)
            memcpy(grown, p->items, p->len * sizeof *grown);
        p->items = grown;
        p->cap = cap;
    }
    p->items[p->len++] = pair;
    return DONE;
}

static int add_entries(const expr_node *n, expr_ctx *c, pairs *p, value body)
{
    int how = DONE;
    if (body.kind != VALUE_MAP)
        return expr_fail_kinds(c, n, &body, 1);
    for (size_t i = 0; how == DONE && i < body.len; i++)
        how = add_pair(n, c, p, body.as.pairs[i]);
    return how;
}

static int step_to_map(const expr_node *n, expr_ctx *c, value *out)
{
    value range, body;
    pairs p = {0};
    int how = open_range(n, c, &range);
    for (size_t i = 0; how == DONE && i < range.len; i++) {
        bool yes = true;
        how = turn(n, c, &range, i);
        const value key = c->local[n->slot];
        if (how == DONE && n->kid[2] != NULL)
            how = ask(n, c, n->kid[2], &yes);
        if (how != DONE || !yes)
            continue;
        how = n->kid[1]->eval(n->kid[1], c, &body);
        if (how == DONE)
            how = n->op == MACRO_TRANSFORM_MAP ? add_pair(n, c, &p, (value_pair){key, body})
                                               : add_entries(n, c, &p, body);
    }
    return how == DONE ? expr_make_map(n, c, p.items, p.len, out) : how;
}

static int step_optional(const expr_node *n, expr_ctx *c, value *out)
{
    value target;
    int how = n->kid[0]->eval(n->kid[0], c, &target);
    if (how != DONE)
        return how;
    if (!expr_is_optional(target))
        return expr_fail_kinds(c, n, &target, 1);
    *out = target;
    if (target.as.other == NULL)
        return DONE;
    c->local[n->slot] = *(const value *)target.as.other;
    value body;
    how = n->kid[1]->eval(n->kid[1], c, &body);
    if (how != DONE)
        return how;
    if (n->op == MACRO_OPT_MAP)
        return expr_make_optional(n, c, &body, out);
    *out = body;
    return expr_is_optional(body) ? DONE : expr_fail_kinds(c, n, &body, 1);
}

static int step_sort_by(const expr_node *n, expr_ctx *c, value *out)
{
    value range, *keys;
    int how = open_range(n, c, &range);
    if (how != DONE)
        return how;
    if (range.kind != VALUE_LIST)
        return expr_fail_kinds(c, n, &range, 1);
    keys = expr_take(c, range.len, sizeof *keys);
    if (keys == NULL)
        return expr_nomem(c, n);
    for (size_t i = 0; how == DONE && i < range.len; i++) {
        how = turn(n, c, &range, i);
        if (how == DONE)
            how = n->kid[1]->eval(n->kid[1], c, &keys[i]);
    }
    return how == DONE ? expr_sort(n, c, range, keys, out) : how;
}

/* The value is asked for when it is needed, and once: its error is kept as well, unless it holds a report of a function from
 * above, which has one owner (then it is called again, and paid for again). */
int expr_step_bound(const expr_node *n, expr_ctx *c, value *out)
{
    const value *v = &c->local[n->slot];
    if (v->kind != VALUE_OTHER || v->sub != OTHER_LAZY) {
        *out = *v;
        return DONE;
    }
    expr_lazy *l = c->lazy[n->slot];
    if (l->failed) {
        c->fault = l->fault;
        return FAIL;
    }
    const int how = l->init->eval(l->init, c, out);
    if (how == DONE) {
        c->local[n->slot] = *out;
    } else if (how == FAIL && c->fault.foreign == NULL) {
        l->failed = true;
        l->fault = c->fault;
    }
    return how;
}

static int step_bind(const expr_node *n, expr_ctx *c, value *out)
{
    expr_lazy l = {.init = n->kid[0]};
    if (l.init->kind == K_CONST) {
        c->local[n->slot] = l.init->v;
        return n->kid[1]->eval(n->kid[1], c, out);
    }
    c->lazy[n->slot] = &l;
    c->local[n->slot] = (value){.kind = VALUE_OTHER, .sub = OTHER_LAZY};
    const int how = n->kid[1]->eval(n->kid[1], c, out);
    c->lazy[n->slot] = NULL;
    return how;
}

expr_step expr_step_loop(const expr_node *n)
{
    if (n->kind == K_BIND)
        return step_bind;
    switch (n->op) {
    case MACRO_ALL:
    case MACRO_EXISTS: return step_quantifier;
    case MACRO_EXISTS_ONE: return step_exists_one;
    case MACRO_TRANSFORM_MAP:
    case MACRO_TRANSFORM_ENTRY: return step_to_map;
    case MACRO_OPT_MAP:
    case MACRO_OPT_FLAT_MAP: return step_optional;
    case MACRO_SORT_BY: return step_sort_by;
    default: return step_to_list;
    }
}
