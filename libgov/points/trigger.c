/* Points that cases earn by themselves: rules with `on`, in the transaction of the step that they wait for. */
#include "points/points.h"

#include <string.h>

/* ---- the rules' expressions, compiled for each version of a workflow that cases run under ---- */

enum { WHEN, AMOUNT, ACCOUNT, PARTS };

typedef struct compiled {
    const rulebook_workflow *w;
    const points_rule *rule;
    expr_program *parts[PARTS];
    bool apart; /* an older version that lacks what the rule reads: the rule is not for its cases */
} compiled;

typedef struct points_room {
    compiled *items;
    size_t count, cap;
} points_room;

static void free_compiled(compiled *c)
{
    for (size_t i = 0; i < PARTS; i++)
        expr_program_free(c->parts[i]);
}

static void free_room(gov *g, void *state)
{
    points_room *room = state;
    for (size_t i = 0; i < room->count; i++)
        free_compiled(&room->items[i]);
    base_free(g->alloc, room->items);
    base_free(g->alloc, room);
}

static points_room *room_of(gov *g)
{
    if (g->room[ACCESS_POINTS] == NULL) {
        g->room[ACCESS_POINTS] = base_alloc(g->alloc, sizeof(points_room));
        g->room_free[ACCESS_POINTS] = g->room[ACCESS_POINTS] != NULL ? free_room : NULL;
    }
    return g->room[ACCESS_POINTS];
}

static gov_status compile(gov *g, compiled *c)
{
    const points_trigger *on = &c->rule->on;
    const rb_node *const nodes[PARTS] = {on->when, on->amount, on->account};
    static const expr_type types[PARTS] = {EXPR_BOOL, EXPR_INT, EXPR_DYN};
    for (size_t i = 0; i < PARTS; i++) {
        const gov_status rc = rulebook_workflow_program(g->alloc, nodes[i], types[i], c->w, &c->parts[i], NULL);
        if (rc == GOV_E_NOMEM)
            return rc;
        c->apart = c->apart || rc != GOV_OK;
    }
    return GOV_OK;
}

static gov_status programs_of(gov *g, const rulebook_workflow *w, const points_rule *rule, const compiled **out, const diag *d)
{
    points_room *room = room_of(g);
    compiled c = {.w = w, .rule = rule};
    if (room == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < room->count; i++)
        if (room->items[i].w == w && room->items[i].rule == rule) {
            *out = &room->items[i];
            return GOV_OK;
        }
    if (!base_grow(g->alloc, &room->items, &room->cap, room->count, sizeof *room->items) || compile(g, &c) != GOV_OK) {
        free_compiled(&c);
        return base_nomem(d);
    }
    room->items[room->count++] = c;
    *out = &room->items[room->count - 1];
    return GOV_OK;
}

/* ---- does it apply? ---- */

static bool was_raised(const case_machine *m, const char *event)
{
    const value raised = value_builder_list(&m->raised);
    for (size_t i = 0; i < raised.len; i++)
        if (value_is_text(raised.as.items[i], event))
            return true;
    return false;
}

static bool waits_for(const points_trigger *on, const case_stepped *s)
{
    if (on->workflow == NULL || strcmp(on->workflow, s->m->w->name) != 0)
        return false;
    if (on->event != NULL && (s->event == NULL || strcmp(on->event, s->event) != 0) && !was_raised(s->m, on->event))
        return false;
    if ((on->event == NULL || on->outcome != NULL) && !s->closed)
        return false;
    return on->outcome == NULL || (s->m->outcome != NULL && strcmp(on->outcome, s->m->outcome) == 0);
}

static gov_status read_gift(case_machine *m, const compiled *c, points_gift *gift, bool *due, const diag *d)
{
    const expr_run run = case_expr_run(m);
    value amount = value_int(0), account = value_int(m->reporter);
    gov_status rc = GOV_OK;
    *due = true;
    if (c->parts[WHEN] != NULL)
        rc = expr_eval_bool(c->parts[WHEN], &run, due, d);
    if (rc != GOV_OK || !*due)
        return rc;
    if (c->parts[AMOUNT] != NULL)
        rc = expr_eval(c->parts[AMOUNT], &run, &amount, d);
    if (rc == GOV_OK && c->parts[ACCOUNT] != NULL)
        rc = expr_eval(c->parts[ACCOUNT], &run, &account, d);
    if (rc != GOV_OK)
        return rc;
    gift->amount = amount.kind == VALUE_INT ? amount.as.i : -1;
    gift->holder = account.kind == VALUE_INT ? account.as.i : 0;
    *due = gift->holder != 0; /* a nameless report earns nobody anything */
    return GOV_OK;
}

/* Someone who can hold no points of this programme is passed over: a case does not fail for that. */
static gov_status can_hold(gov *g, const points_gift *gift, bool *can, const diag *d)
{
    gov_error *error = NULL;
    const diag quiet = {g->alloc, &error};
    int64_t holder;
    const gov_status rc = points_holder(g, gift->programme, gift->holder, &holder, &quiet);
    *can = rc == GOV_OK;
    const bool told = rc == GOV_E_REFUSED || rc == GOV_E_NOT_FOUND || rc == GOV_OK;
    if (!told)
        (void)base_forward(d, error);
    gov_error_free(error);
    return told ? GOV_OK : rc;
}

static gov_status fire(gov *g, const case_stepped *s, const points_programme *p, const points_rule *rule, const diag *d)
{
    case_machine *m = s->m;
    const compiled *c = NULL;
    points_given given;
    bool due = false, before = false, can = true;
    points_gift gift = {.programme = p, .rule = rule, .quantity = 1, .case_id = m->id, .since_us = m->opened_us,
                        .evidence = value_absent(), .when_known = true, .place = &rule->place};
    gov_status rc = programs_of(g, m->w, rule, &c, d);
    if (rc != GOV_OK || c->apart)
        return rc;
    const chart_event event = {.name = s->event != NULL ? s->event : "",
                               .len = s->event != NULL ? strlen(s->event) : 0,
                               .data = s->data};
    m->event = s->event != NULL ? &event : NULL;
    rc = read_gift(m, c, &gift, &due, d);
    m->event = NULL;
    if (rc == GOV_OK && due)
        rc = can_hold(g, &gift, &can, d);
    if (rc == GOV_OK && due && can && rule->on.event == NULL)
        rc = points_was_earned(g, &gift, &before, d); /* a case that is opened again and closes once more earns nothing twice */
    if (rc != GOV_OK || !due || !can || before)
        return rc;
    rc = points_give(g, &gift, &given, d);
    return rc == GOV_OK ? points_note(m, &gift, value_int(gift.holder), &given, d) : rc;
}

gov_status points_stepped(gov *g, const void *step, const diag *d)
{
    const case_stepped *s = step;
    const points_programme *p;
    for (uint32_t i = 0; (p = points_at(g->rules, i)) != NULL; i++)
        for (uint32_t k = 0; p->triggered && k < p->rule_count; k++)
            if (waits_for(&p->rules[k].on, s)) {
                const gov_status rc = fire(g, s, p, &p->rules[k], d);
                if (rc != GOV_OK)
                    return rc;
            }
    return GOV_OK;
}
