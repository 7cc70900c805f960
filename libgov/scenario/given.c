/* The people and places that a scenario stands on. */
#include "scenario/scenario.h"

#include <string.h>

/* Lists that name other records may go round in a circle (a grid its officers, an officer the grids), so they come last. */
static bool names_records(const gov *g, const char *kind, value key)
{
    const rulebook_host *part;
    for (size_t i = 0; (part = rulebook_host_part(g->rules->host, i)) != NULL; i++)
        for (size_t k = 0; k < part->builtin_count; k++) {
            const rulebook_builtin *b = &part->builtins[k];
            if (b->items != NULL && strcmp(b->kind, kind) == 0 && value_is_text(key, b->name))
                return true;
        }
    return false;
}

static bool without_lists(const scenario_run *r, const rulebook_given *given, value *out, bool *any)
{
    value_builder b;
    value_builder_init(&b, r->arena);
    *any = false;
    for (size_t i = 0; i < given->fields.len; i++) {
        const value_pair *p = &given->fields.as.pairs[i];
        if (p->key.kind == VALUE_STRING && names_records(r->g, given->kind, p->key))
            *any = true;
        else if (p->key.kind == VALUE_STRING)
            value_builder_set_n(&b, p->key.as.s, p->key.len, p->val);
    }
    *out = value_builder_map(&b);
    return !b.failed;
}

static gov_status put(scenario_run *r, const rulebook_given *given, value fields, gov_error **err)
{
    return gov_record_put(r->g, given->kind, given->key, &fields, NULL, err);
}

/* Puts what can be put, again and again, until what is left names nothing that is there. */
static gov_status put_plain(scenario_run *r, const rulebook_givens *givens, bool *lists, gov_error **err)
{
    bool *done = base_arena_array(r->arena, givens->count, sizeof *done);
    size_t left = givens->count;
    if (done == NULL)
        return base_nomem(&(diag){r->g->alloc, err});
    while (left > 0) {
        const size_t before = left;
        gov_status status = GOV_OK;
        for (uint32_t i = 0; i < givens->count; i++) {
            value plain;
            if (done[i])
                continue;
            if (!without_lists(r, &givens->items[i], &plain, &lists[i]))
                return base_nomem(&(diag){r->g->alloc, err});
            gov_error_free(*err);
            *err = NULL;
            const gov_status one = put(r, &givens->items[i], plain, err);
            done[i] = one == GOV_OK;
            left -= one == GOV_OK;
            if (one != GOV_OK)
                status = one;
            if (one != GOV_OK && one != GOV_E_NOT_FOUND && one != GOV_E_INPUT)
                return one;
        }
        if (left == before)
            return status;
    }
    gov_error_free(*err);
    *err = NULL;
    return GOV_OK;
}

gov_status scenario_give(scenario_run *r, const rulebook_givens *givens, gov_error **err)
{
    bool *lists = base_arena_array(r->arena, givens->count, sizeof *lists);
    if (lists == NULL)
        return base_nomem(&(diag){r->g->alloc, err});
    gov_status status = put_plain(r, givens, lists, err);
    for (uint32_t i = 0; i < givens->count && status == GOV_OK; i++)
        if (lists[i])
            status = put(r, &givens->items[i], givens->items[i].fields, err);
    return status;
}
