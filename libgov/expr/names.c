/* What a name means: a variable of a macro, a declared variable, a type, or nothing. */
#include "expr/check.h"

#include <string.h>

bool expr_checked(const checker *k)
{
    return k->c->o->declared_only;
}

/* Names are looked up in the container first, then in what it lies in, last in the root. */
candidates expr_candidates(const checker *k, bool rooted)
{
    const char *container = k->c->o->container;
    if (container == NULL || rooted)
        container = "";
    return (candidates){container, strlen(container)};
}

bool expr_next_candidate(candidates *it, const char *name, size_t len, char buf[LONGEST_PATH],
                         size_t *full)
{
    if (it->len == SIZE_MAX)
        return false;
    const size_t prefix = it->len;
    const size_t dot = prefix > 0 ? 1 : 0;
    if (len >= LONGEST_PATH || prefix + dot >= LONGEST_PATH - len)
        return false;
    memcpy(buf, it->container, prefix);
    if (dot > 0)
        buf[prefix] = '.';
    memcpy(buf + prefix + dot, name, len);
    buf[prefix + dot + len] = '\0';
    *full = prefix + dot + len;
    if (prefix == 0) {
        it->len = SIZE_MAX;
    } else {
        size_t shorter = prefix;
        while (shorter > 0 && it->container[shorter - 1] != '.')
            shorter--;
        it->len = shorter > 0 ? shorter - 1 : 0;
    }
    return true;
}

const local_var *expr_find_local(const checker *k, const expr_node *ident, uint32_t *index)
{
    if (ident->flags & NODE_ROOTED)
        return NULL;
    for (uint32_t i = k->local_count; i > 0; i--) {
        const local_var *l = &k->locals[i - 1];
        if (l->len == ident->name_len && memcmp(l->name, ident->name, l->len) == 0) {
            *index = i - 1;
            return l;
        }
    }
    return NULL;
}

expr_node *expr_path_start(expr_node *top)
{
    while ((top->kind == K_SELECT || top->kind == K_TEST) && (top->flags & NODE_QUOTED) == 0 &&
           (top->kid[0]->flags & NODE_PARENS) == 0)
        top = top->kid[0];
    return top->kind == K_IDENT ? top : NULL;
}

bool expr_path_text(const expr_node *top, char buf[LONGEST_PATH], size_t *len)
{
    size_t at = LONGEST_PATH;
    for (;; top = top->kid[0]) {
        if (top->name_len + 1 > at)
            return false;
        at -= top->name_len;
        memcpy(buf + at, top->name, top->name_len);
        if (top->kind == K_IDENT)
            break;
        buf[--at] = '.';
    }
    *len = LONGEST_PATH - at;
    memmove(buf, buf + at, *len);
    return true;
}

static void use_slot(checker *k, uint32_t slot)
{
    expr_program *p = k->c->p;
    size_t at = 0;
    while (at < p->slot_count && p->slots[at] < slot)
        at++;
    if (at < p->slot_count && p->slots[at] == slot)
        return;
    if ((p->slot_count & (p->slot_count - 1)) == 0) { /* full at each power of two */
        uint32_t *grown = base_arena_array(k->c->arena, p->slot_count == 0 ? 1 : p->slot_count * 2,
                                           sizeof *grown);
        if (grown == NULL) {
            k->c->status = base_nomem(k->c->d);
            return;
        }
        if (p->slot_count > 0)
            memcpy(grown, p->slots, p->slot_count * sizeof *grown);
        p->slots = grown;
    }
    memmove(p->slots + at + 1, p->slots + at, (p->slot_count - at) * sizeof *p->slots);
    p->slots[at] = slot;
    p->slot_count++;
}

/* Tries one full name; turns the node into what it means. */
static bool settle_name(checker *k, expr_node *n, const char *name, size_t len)
{
    uint32_t slot;
    expr_type type;
    value v;
    if (expr_scope_find(k->c->scope, name, len, &slot, &type)) {
        use_slot(k, slot);
        n->kind = n->kind == K_TEST ? K_TEST_SLOT : K_SLOT;
        n->type = n->kind == K_TEST_SLOT ? EXPR_BOOL : type;
        n->slot = slot;
        n->count = 0;
        return true;
    }
    if (n->kind != K_TEST && expr_named_type(name, len, &v)) {
        n->kind = K_CONST;
        n->type = EXPR_TYPE;
        n->count = 0;
        n->v = v;
        return true;
    }
    return false;
}

static bool try_name(checker *k, expr_node *n, const expr_node *start)
{
    char path[LONGEST_PATH], full[LONGEST_PATH];
    size_t len, full_len;
    if (!expr_path_text(n, path, &len))
        return false;
    candidates it = expr_candidates(k, (start->flags & NODE_ROOTED) != 0);
    while (expr_next_candidate(&it, path, len, full, &full_len))
        if (settle_name(k, n, full, full_len))
            return true;
    return false;
}

static void unknown_name(checker *k, expr_node *start, const char *path, size_t len)
{
    start->kind = K_UNKNOWN;
    start->type = EXPR_DYN;
    if (!expr_checked(k))
        return;
    const char *near = expr_propose_name(k, path, &len);
    MISTAKE(k->c, start->at, M_undeclared_reference, A_N("name", path, len), A_S("near", near));
}

/* Checks the selects from above `from` up to `top`, lowest first. */
static void check_rest(checker *k, expr_node *from, expr_node *top)
{
    expr_node *chain[EXPR_MAX_DEPTH + 1];
    size_t count = 0;
    for (expr_node *n = top; n != from; n = n->kid[0])
        chain[count++] = n;
    while (count > 0)
        expr_check_select(k, chain[--count]);
}

void expr_check_path(checker *k, expr_node *top)
{
    uint32_t index;
    char path[LONGEST_PATH];
    size_t len = 0;
    expr_node *start = expr_path_start(top);
    const local_var *local = expr_find_local(k, start, &index);
    if (local != NULL) {
        start->kind = local->bound ? K_BOUND : K_LOCAL;
        start->slot = local->slot;
        start->type = local->type;
        check_rest(k, start, top);
        return;
    }
    const char *shown = path;
    if (!expr_path_text(top, path, &len) && !expr_path_text(start, path, &len)) {
        shown = start->name; /* longer than any that is declared */
        len = start->name_len;
    }
    for (expr_node *n = top;; n = n->kid[0]) {
        const bool is_start = n == start;
        if (try_name(k, n, start)) {
            if (n != top && n->kind == K_SLOT && expr_scope_closed(k->c->scope, n->slot))
                unknown_name(k, n, shown, len);
            n->at = start->at;
            check_rest(k, n, top);
            return;
        }
        if (is_start)
            break;
    }
    unknown_name(k, start, shown, len);
    check_rest(k, start, top);
}
