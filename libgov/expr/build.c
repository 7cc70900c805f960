/* The last pass: each node gets its eval, constants are folded, patterns and zones made ready. */
#include "expr/inner.h"

#include <stdlib.h>
#include <string.h>

/* What folding may cost at most; past it terms stay as they are written. */
enum { FOLD_COST = 100000 };

typedef struct builder {
    compiler *c;
    expr_ctx ctx;
    expr_run run;
} builder;

gov_status expr_own(compiler *c, void *thing, void (*free_thing)(void *))
{
    owned *o = base_arena_alloc(c->arena, sizeof *o);
    if (o == NULL) {
        free_thing(thing);
        return c->status = base_nomem(c->d);
    }
    *o = (owned){c->p->owned, free_thing, thing};
    c->p->owned = o;
    return GOV_OK;
}

static bool all_constant(const expr_node *n)
{
    for (uint32_t i = 0; i < n->count; i++)
        if (n->kid[i] == NULL || n->kid[i]->kind != K_CONST)
            return false;
    return true;
}

static bool pure_call(const expr_node *n)
{
    const expr_overload *const *fit = n->extra;
    for (uint32_t i = 0; i < n->extra_count; i++)
        if (fit[i]->host != NULL && !fit[i]->host->pure)
            return false;
    return n->extra_count > 0;
}

static bool foldable(const expr_node *n)
{
    switch (n->kind) {
    case K_CONST:
    case K_IDENT:
    case K_UNKNOWN:
    case K_SLOT:
    case K_LOCAL:
    case K_BOUND:
    case K_TEST_SLOT:
    case K_MESSAGE:
    case K_MACRO:
    case K_BIND: return false;
    case K_CALL: return all_constant(n) && pure_call(n);
    default: return all_constant(n);
    }
}

static void report_part(builder *b)
{
    const base_place place = expr_place_at(b->c, b->ctx.fault.where->at);
    const expr_fault *f = &b->ctx.fault;
    b->c->status = f->message == M_function_failed && f->foreign != NULL
                       ? base_forward_at(b->c->d, &place, f->foreign)
                       : expr_report_fault_at(&b->ctx, &place, b->c->d);
    b->c->mistakes++;
}

/* An error stays what it is: a term that fails when it is evaluated, which && and || may pass by. But in a rule that is
 * loaded it was never meant. */
static void fold(builder *b, expr_node *n)
{
    value v;
    b->ctx.fault.foreign = NULL;
    const int how = n->eval(n, &b->ctx, &v);
    if (how != DONE) {
        if (b->ctx.fault.message == M_out_of_memory && how == STOP)
            b->c->status = base_nomem(b->c->d);
        else if (how == FAIL && b->c->o->failing_parts)
            report_part(b);
        expr_fault_drop(&b->ctx.fault);
        return;
    }
    n->kind = K_CONST;
    n->v = v;
    n->count = 0;
    n->terms = 1;
    n->eval = expr_step_const;
    n->test = NULL;
}

/* x && true && y: constants that do not settle the matter go; behind one that does nothing is asked. What stands before it is, for
 * a limit that it meets ends the evaluation whatever the rest says, unless it is too plain to meet any. */
static void shorten_logic(expr_node *n)
{
    uint32_t kept = 0;
    bool plain = true, settled = false;
    for (uint32_t i = 0; i < n->count && !settled; i++) {
        const expr_node *kid = n->kid[i];
        const bool known = kid->kind == K_CONST && kid->v.kind == VALUE_BOOL;
        settled = known && kid->v.as.b == (n->kind == K_OR);
        plain = plain && (known || kid->test != NULL);
        if (!known || settled)
            n->kid[kept++] = n->kid[i];
    }
    if (kept == 0 || (settled && plain)) {
        n->v = value_bool((n->kind == K_AND) != settled);
        n->kind = K_CONST;
        kept = 0;
    }
    n->count = kept;
}

static int by_length(const void *a, const void *b)
{
    const value *x = a, *y = b;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return x->len == 0 ? 0 : memcmp(x->as.s, y->as.s, x->len);
}

/* x in ["a", "b"]: the strings are made ready for searching. */
static void ready_set(builder *b, expr_node *n)
{
    const value list = n->kid[1]->v;
    if (n->kid[1]->kind != K_CONST || list.kind != VALUE_LIST || list.len == 0)
        return;
    for (size_t i = 0; i < list.len; i++)
        if (list.as.items[i].kind != VALUE_STRING)
            return;
    value *set = base_arena_array(b->c->arena, list.len, sizeof *set);
    if (set == NULL) {
        b->c->status = base_nomem(b->c->d);
        return;
    }
    memcpy(set, list.as.items, list.len * sizeof *set);
    if (list.len > 8)
        qsort(set, list.len, sizeof *set, by_length);
    n->extra = set;
    n->extra_count = (uint32_t)list.len;
}

static void ready_pattern(builder *b, expr_node *n, const expr_node *arg)
{
    const char *why;
    void *pattern = expr_pattern_new(b->c->alloc, arg->v.as.s, arg->v.len, &why);
    if (pattern != NULL) {
        if (expr_own(b->c, pattern, expr_pattern_free) == GOV_OK)
            n->aid = pattern;
    } else if (why == NULL) {
        b->c->status = base_nomem(b->c->d);
    } else if (b->c->o->declared_only) {
        MISTAKE(b->c, arg->at, M_bad_pattern, A_S("what", why));
    }
}

static void ready_zone(builder *b, expr_node *n, const expr_node *arg)
{
    bool nomem = false;
    moment_zone *zone = base_arena_alloc(b->c->arena, sizeof *zone);
    if (zone == NULL) {
        b->c->status = base_nomem(b->c->d);
        return;
    }
    if (expr_zone_read(b->c->alloc, arg->v, zone, &nomem)) {
        if (zone->fixed || expr_own(b->c, zone, expr_zone_free) == GOV_OK)
            n->aid = zone;
    } else if (nomem) {
        b->c->status = base_nomem(b->c->d);
    } else if (b->c->o->declared_only) {
        MISTAKE(b->c, arg->at, M_zone_unknown, A_N("zone", arg->v.as.s, arg->v.len),
                A_S("near", base_zone_near(arg->v.as.s, arg->v.len)));
    }
}

static void ready_call(builder *b, expr_node *n)
{
    const expr_overload *const *fit = n->extra;
    const expr_node *last = n->count > 0 ? n->kid[n->count - 1] : NULL;
    if (last == NULL || last->kind != K_CONST || last->v.kind != VALUE_STRING ||
        n->extra_count != 1)
        return;
    if (fit[0]->style & CALL_PATTERN)
        ready_pattern(b, n, last);
    else if (fit[0]->style & CALL_ZONE)
        ready_zone(b, n, last);
}

static void build(builder *b, expr_node **at)
{
    expr_node *n = *at;
    for (uint32_t i = 0; i < n->count; i++)
        if (n->kid[i] != NULL)
            build(b, &n->kid[i]);
    if (b->c->status != GOV_OK)
        return;
    if (n->kind == K_AND || n->kind == K_OR)
        shorten_logic(n);
    else if (n->kind == K_IN)
        ready_set(b, n);
    else if (n->kind == K_CALL)
        ready_call(b, n);
    else if (n->kind == K_COND && n->kid[0]->kind == K_CONST && n->kid[0]->v.kind == VALUE_BOOL) {
        const uint8_t flags = n->flags & NODE_OPTIONAL;
        *at = n->kid[n->kid[0]->v.as.b ? 1 : 2];
        (*at)->flags |= flags;
        return;
    }
    expr_step_choose(n);
    if (foldable(n))
        fold(b, n);
}

gov_status expr_build(compiler *c, expr_node **root)
{
    builder b = {.c = c};
    b.ctx.program = c->p;
    b.run.scratch = c->arena;
    b.ctx.run = &b.run;
    b.ctx.scratch = c->arena;
    b.ctx.cost = FOLD_COST;
    b.ctx.d = c->o->failing_parts ? c->d : NULL; /* for what functions say */
    build(&b, root);
    return c->status;
}
