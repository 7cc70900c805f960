/* What expressions may name: variables with their slots, and functions. */
#include "expr/inner.h"

#include <string.h>

gov_status expr_scope_new(const gov_allocator *a, const expr_scope *parent, expr_scope **out,
                          const diag *d)
{
    expr_scope *s = base_alloc(a, sizeof *s);
    if (s == NULL)
        return base_nomem(d);
    s->alloc = a;
    s->parent = parent;
    s->slot_base = (uint32_t)expr_scope_slots(parent);
    base_arena_init(&s->arena, a);
    base_map_init(&s->names, a);
    *out = s;
    return GOV_OK;
}

void expr_scope_free(expr_scope *s)
{
    if (s == NULL)
        return;
    base_map_free(&s->names);
    base_free(s->alloc, s->vars);
    base_free(s->alloc, s->functions);
    base_arena_free(&s->arena);
    base_free(s->alloc, s);
}

size_t expr_scope_slots(const expr_scope *s)
{
    return s != NULL ? s->slot_base + s->var_count : 0;
}

/* Names are identifiers joined by dots; anything else could never be written in an expression. */
bool expr_legal_name(const char *s)
{
    bool start = true;
    for (; *s != '\0'; s++) {
        const bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_';
        const bool digit = *s >= '0' && *s <= '9';
        if (*s == '.' ? start : !letter && (start || !digit))
            return false;
        start = *s == '.';
    }
    return !start;
}

gov_status expr_scope_var(expr_scope *s, const char *dotted_name, expr_type type, uint32_t *slot,
                          const diag *d)
{
    bool fresh;
    if (!expr_legal_name(dotted_name))
        return base_fail(d, M_bad_name, A_S("name", dotted_name));
    uint64_t *known = base_map_get(&s->names, dotted_name, strlen(dotted_name));
    if (known != NULL) {
        s->vars[*known].type = type;
        if (slot != NULL)
            *slot = s->slot_base + (uint32_t)*known;
        return GOV_OK;
    }
    const char *name = base_arena_strdup(&s->arena, dotted_name);
    if (name == NULL || !base_grow(s->alloc, &s->vars, &s->var_cap, s->var_count, sizeof *s->vars))
        return base_nomem(d);
    known = base_map_put(&s->names, name, strlen(name), &fresh);
    if (known == NULL)
        return base_nomem(d);
    *known = s->var_count;
    s->vars[s->var_count] = (scope_var){name, type, false};
    if (slot != NULL)
        *slot = s->slot_base + (uint32_t)s->var_count;
    s->var_count++;
    return GOV_OK;
}

void expr_scope_close(expr_scope *s, uint32_t slot)
{
    if (slot >= s->slot_base && slot - s->slot_base < s->var_count)
        s->vars[slot - s->slot_base].closed = true;
}

bool expr_scope_closed(const expr_scope *s, uint32_t slot)
{
    while (s != NULL && slot < s->slot_base)
        s = s->parent;
    return s != NULL && slot - s->slot_base < s->var_count && s->vars[slot - s->slot_base].closed;
}

gov_status expr_scope_skip(expr_scope *s, size_t count, const diag *d)
{
    for (; count > 0; count--) {
        if (!base_grow(s->alloc, &s->vars, &s->var_cap, s->var_count, sizeof *s->vars))
            return base_nomem(d);
        s->vars[s->var_count++] = (scope_var){NULL, EXPR_DYN, false};
    }
    return GOV_OK;
}

gov_status expr_scope_function(expr_scope *s, const expr_function *f, const diag *d)
{
    if (!expr_legal_name(f->name))
        return base_fail(d, M_bad_name, A_S("name", f->name));
    if (f->call == NULL || f->argc > EXPR_MAX_PARAMS || (f->member && f->argc == 0))
        return base_fail(d, M_bad_argument, A_S("what", "function"));
    expr_function *copy = base_arena_alloc(&s->arena, sizeof *copy);
    const char *name = base_arena_strdup(&s->arena, f->name);
    if (copy == NULL || name == NULL ||
        !base_grow(s->alloc, &s->functions, &s->function_cap, s->function_count,
                   sizeof *s->functions))
        return base_nomem(d);
    *copy = *f;
    copy->name = name;
    expr_overload *o = &s->functions[s->function_count++];
    *o = (expr_overload){.name = name,
                         .style = f->member ? CALL_MEMBER : CALL_GLOBAL,
                         .argc = f->argc,
                         .result = f->result,
                         .host = copy};
    memcpy(o->args, f->args, sizeof o->args);
    return GOV_OK;
}

bool expr_scope_find(const expr_scope *s, const char *name, size_t len, uint32_t *slot,
                     expr_type *type)
{
    for (; s != NULL; s = s->parent) {
        const uint64_t *known = s->var_count > 0 ? base_map_get(&s->names, name, len) : NULL;
        if (known != NULL) {
            if (slot != NULL)
                *slot = s->slot_base + (uint32_t)*known;
            if (type != NULL)
                *type = s->vars[*known].type;
            return true;
        }
    }
    return false;
}

const char *expr_scope_name(const expr_scope *s, uint32_t slot)
{
    while (s != NULL && slot < s->slot_base)
        s = s->parent;
    return s != NULL && slot - s->slot_base < s->var_count ? s->vars[slot - s->slot_base].name
                                                           : NULL;
}
