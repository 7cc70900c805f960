/* What a programme's rules wait for, checked against the workflows. */
#include "points/points.h"

#include <string.h>

/* ---- names of a workflow ---- */

static bool raised_in(const rulebook_block *b, const char *event)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const rulebook_action *a = &b->items[i];
        if (a->kind == RULEBOOK_RAISE && strcmp(a->as.raise.event, event) == 0)
            return true;
        if (a->kind == RULEBOOK_IF && (raised_in(&a->as.branch.then, event) || raised_in(&a->as.branch.otherwise, event)))
            return true;
    }
    return false;
}

/* Declared, raised by the rules, or a mark of a clock. */
static bool has_event(const rulebook_workflow *w, const char *event)
{
    if (rulebook_find_event(w, event) != NULL)
        return true;
    for (uint32_t i = 0; i < w->block_count; i++)
        if (raised_in(&w->blocks[i], event))
            return true;
    for (uint32_t i = 0; i < w->clock_count; i++)
        for (uint32_t k = 0; k < w->clocks[i].mark_count; k++)
            if (strcmp(w->clocks[i].marks[k].event, event) == 0)
                return true;
    return false;
}

static bool has_outcome(const rulebook_workflow *w, const char *outcome)
{
    for (uint32_t i = 0; i < chart_state_count(w->chart); i++)
        if (w->states[i].outcome != NULL && strcmp(w->states[i].outcome, outcome) == 0)
            return true;
    return false;
}

static void unknown(rulebook_loader *l, const points_rule *r, const char *kind, const char *name)
{
    rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &r->place, M_unknown_name, A_S("kind", kind), A_S("name", name)));
}

static void check_trigger(rulebook_loader *l, const points_rule *r)
{
    const rulebook_workflow *w = NULL;
    const points_trigger *on = &r->on;
    const gov_status rc = rulebook_get_workflow(rulebook_loader_rulebook(l), on->workflow, &w, rulebook_loader_diag(l));
    if (rc == GOV_E_NOMEM)
        rulebook_loader_fail(l, rc);
    else if (rc == GOV_E_NOT_FOUND)
        unknown(l, r, "workflow", on->workflow);
    if (rc != GOV_OK || w->scope == NULL || w->chart == NULL || w->states == NULL) /* a broken one has been told of */
        return;
    if (on->event != NULL && !has_event(w, on->event))
        unknown(l, r, "event", on->event);
    if (on->outcome != NULL && !has_outcome(w, on->outcome))
        unknown(l, r, "outcome", on->outcome);
    (void)rulebook_read_expr(l, on->when, EXPR_BOOL, w->scope);
    (void)rulebook_read_expr(l, on->amount, EXPR_INT, w->scope);
    (void)rulebook_read_expr(l, on->account, EXPR_DYN, w->scope);
}

static void check_service(rulebook_loader *l, const points_item *item)
{
    const rulebook_workflow *w = NULL;
    const diag *d = rulebook_loader_diag(l);
    const gov_status rc = rulebook_get_workflow(rulebook_loader_rulebook(l), item->service, &w, d);
    if (rc == GOV_E_NOT_FOUND)
        rulebook_loader_fail(l, base_fail_at(d, &item->place, M_unknown_name, A_S("kind", "workflow"), A_S("name", item->service)));
    else if (rc == GOV_E_NOMEM)
        rulebook_loader_fail(l, rc);
    else if (rc == GOV_OK && w->statutory)
        rulebook_loader_fail(l, base_fail_at(d, &item->place, M_points_statutory, A_S("workflow", w->name)));
}

/* ---- consent ---- */

static bool is_flag(const rulebook *rb, const char *kind, const char *field)
{
    const rulebook_record *r = rulebook_find_record(rb, kind);
    const rulebook_field *f = r != NULL ? rulebook_find_field(&r->fields, field, strlen(field)) : NULL;
    return f != NULL && f->type == RULEBOOK_BOOL;
}

static void check_consent(rulebook_loader *l, const points_programme *p)
{
    const rulebook *rb = rulebook_loader_rulebook(l);
    const bool fits = p->holder != NULL ? is_flag(rb, p->holder, p->consent)
                                        : is_flag(rb, GOV_KIND_HOUSEHOLD, p->consent) && is_flag(rb, GOV_KIND_RESIDENT, p->consent);
    if (!fits)
        rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &p->place, M_points_consent, A_S("field", p->consent)));
}

void points_check(void *user, rulebook_loader *l, const char *name, void *content)
{
    const points_programme *p = content;
    (void)user;
    (void)name;
    for (uint32_t i = 0; i < p->rule_count; i++)
        if (p->rules[i].on.workflow != NULL)
            check_trigger(l, &p->rules[i]);
    for (uint32_t i = 0; i < p->item_count; i++)
        if (p->items[i].service != NULL)
            check_service(l, &p->items[i]);
    if (p->consent != NULL)
        check_consent(l, p);
}
