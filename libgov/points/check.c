/* What a programme's rules wait for, checked against the workflows; and that points do not count where the law entitles. */
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

/* ---- entitlements ---- */

typedef struct watching {
    rulebook_loader *l;
    const rulebook_workflow *w;
    const base_place **first; /* where points count first is noted there; NULL: it is a mistake */
    const char *cases_of;     /* not for points: for whoever asks for cases of that workflow */
} watching;

static void statutory(const watching *s, const base_place *place)
{
    if (s->first != NULL) {
        *s->first = *s->first != NULL ? *s->first : place;
        return;
    }
    rulebook_loader_fail(s->l, base_fail_at(rulebook_loader_diag(s->l), place, M_points_statutory, A_S("workflow", s->w->name)));
}

static bool asks_points(const expr_node *n)
{
    static const char *const names[] = {"balance", "tier", "minutes", "hours"};
    if (n == NULL)
        return false;
    const expr_term t = expr_look(n);
    for (size_t i = 0; i < ARRAY_LEN(names) && t.form == EXPR_CALL; i++)
        if (t.name_len == strlen(names[i]) && memcmp(t.name, names[i], t.name_len) == 0)
            return true;
    for (uint32_t i = 0; i < t.count; i++)
        if (asks_points(t.kids[i]))
            return true;
    return false;
}

/* cases('helper', ...), or cases() of a workflow that is named when the time comes. */
static bool asks_cases(const expr_program *p, const expr_node *n, const char *workflow)
{
    if (n == NULL)
        return false;
    const expr_term t = expr_look(n);
    if (t.form == EXPR_CALL && t.name_len == strlen("cases") && memcmp(t.name, "cases", t.name_len) == 0 && t.count > 0) {
        const expr_run nothing = {0};
        value named;
        if (expr_look(t.kids[0]).form != EXPR_CONSTANT || expr_eval_term(p, t.kids[0], &nothing, &named, NULL) != GOV_OK ||
            value_is_text(named, workflow))
            return true;
    }
    for (uint32_t i = 0; i < t.count; i++)
        if (asks_cases(p, t.kids[i], workflow))
            return true;
    return false;
}

static void watch_program(const watching *s, const expr_program *p, const base_place *place)
{
    if (p != NULL && (s->cases_of != NULL ? asks_cases(p, expr_program_root(p), s->cases_of) : asks_points(expr_program_root(p))))
        statutory(s, place);
}

static void watch_duration(const watching *s, const rulebook_duration *span)
{
    watch_program(s, span->expr, &span->place);
    for (uint32_t i = 0; i < span->case_count; i++) {
        watch_program(s, span->cases[i].when, &span->place);
        watch_duration(s, &span->cases[i].is);
    }
}

static void watch_effect(const watching *s, const rulebook_action *a)
{
    static const char *const forbidden[] = {"deduct", "redeem"};
    for (size_t i = 0; i < ARRAY_LEN(forbidden) && s->cases_of == NULL; i++)
        if (strcmp(a->as.effect.effect->name, forbidden[i]) == 0)
            statutory(s, &a->place);
    /* Whatever moves points is a price. */
    const rulebook_argument *ledger_named = rulebook_arg(a, "ledger");
    if (s->cases_of == NULL && ledger_named != NULL && ledger_named->text != NULL && points_find(rulebook_loader_rulebook(s->l), ledger_named->text) != NULL)
        statutory(s, &a->place);
    for (uint32_t i = 0; i < a->as.effect.count; i++) {
        const rulebook_argument *arg = &a->as.effect.args[i];
        watch_program(s, arg->expr, &arg->place);
        watch_duration(s, &arg->duration);
        for (uint32_t k = 0; k < arg->member_count; k++)
            watch_program(s, arg->members[k].expr, &arg->members[k].place);
    }
}

/* What was read into a field counts wherever the field does: so it may not be read at all. */
static void watch_block(const watching *s, const rulebook_block *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const rulebook_action *a = &b->items[i];
        if (a->kind == RULEBOOK_SET)
            for (uint32_t k = 0; k < a->as.set.count; k++)
                watch_program(s, a->as.set.items[k].expr, &a->as.set.items[k].place);
        if (a->kind == RULEBOOK_RAISE)
            watch_program(s, a->as.raise.data, &a->place);
        if (a->kind == RULEBOOK_SEND) {
            watch_program(s, a->as.send.data, &a->place);
            watch_program(s, a->as.send.at, &a->place);
            watch_duration(s, &a->as.send.after);
        }
        if (a->kind == RULEBOOK_EFFECT)
            watch_effect(s, a);
        if (a->kind != RULEBOOK_IF)
            continue;
        watch_program(s, a->as.branch.when, &a->place);
        watch_block(s, &a->as.branch.then);
        watch_block(s, &a->as.branch.otherwise);
    }
}

static void watch_clock(const watching *s, const rulebook_clock *c)
{
    watch_program(s, c->due, &c->place);
    watch_duration(s, &c->budget);
    watch_duration(s, &c->extend.amount);
    watch_duration(s, &c->extend.at_most);
    for (uint32_t i = 0; i < c->mark_count; i++)
        watch_duration(s, &c->marks[i].after);
}

/* Who may do something is a guard as well. */
static void watch_roles(const watching *s, const rulebook_names *roles)
{
    for (uint32_t i = 0; i < roles->count; i++) {
        const rulebook_role *role = rulebook_find_role(rulebook_loader_rulebook(s->l), s->w, roles->items[i]);
        expr_program *program = NULL;
        if (role == NULL)
            continue;
        if (rulebook_role_program(rulebook_loader_arena(s->l)->alloc, role, s->w, &program, NULL) == GOV_E_NOMEM)
            rulebook_loader_fail(s->l, base_nomem(rulebook_loader_diag(s->l)));
        watch_program(s, program, &role->place);
        expr_program_free(program);
    }
}

static void watch_fields(const watching *s, const rulebook_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++)
        watch_program(s, fields->items[i].when, &fields->items[i].place);
}

static void watch_workflow(const watching *s)
{
    const rulebook_workflow *w = s->w;
    watch_fields(s, &w->fields);
    const rulebook_permission *opening = rulebook_find_permission(rulebook_loader_rulebook(s->l), "case.open");
    if (opening != NULL && s->first == NULL)
        watch_roles(s, &opening->roles);
    for (uint32_t i = 0; i < w->event_count; i++) {
        watch_fields(s, &w->events[i].input);
        watch_roles(s, &w->events[i].by);
    }
    for (uint32_t i = 0; w->transitions != NULL && i < chart_transition_count(w->chart); i++)
        watch_roles(s, &w->transitions[i].by);
    for (uint32_t i = 0; i < w->guard_count; i++)
        watch_program(s, w->guards[i].when, &w->guards[i].place);
    for (uint32_t i = 0; i < w->block_count; i++)
        watch_block(s, &w->blocks[i]);
    for (uint32_t i = 0; i < w->timer_count; i++) {
        watch_program(s, w->timers[i].at, &w->timers[i].place);
        watch_duration(s, &w->timers[i].delay);
    }
    for (uint32_t i = 0; i < w->clock_count; i++)
        watch_clock(s, &w->clocks[i]);
}

/* ---- what reaches a decision by way of other cases ---- */

typedef struct family {
    const rulebook_workflow *w;
    const base_place *counts; /* where points count in it; NULL: nowhere */
    uint32_t next;            /* the workflow that it hears of them through; itself where they count; RULEBOOK_NONE: it does not */
} family;

static bool opens(const rulebook_block *b, const char *workflow)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const rulebook_action *a = &b->items[i];
        if (a->kind == RULEBOOK_IF && (opens(&a->as.branch.then, workflow) || opens(&a->as.branch.otherwise, workflow)))
            return true;
        if (a->kind != RULEBOOK_EFFECT || strcmp(a->as.effect.effect->name, "open") != 0)
            continue;
        const rulebook_argument *named = rulebook_arg(a, "workflow");
        if (named != NULL && named->text != NULL && strcmp(named->text, workflow) == 0)
            return true;
    }
    return false;
}

/* Waits for an event of that name, whoever sends it. */
static bool hears(const rulebook_workflow *w, const char *event)
{
    for (uint32_t i = 0; w->transitions != NULL && i < chart_transition_count(w->chart); i++)
        if (w->transitions[i].on != NULL && (strcmp(w->transitions[i].on, event) == 0 || strcmp(w->transitions[i].on, "*") == 0))
            return true;
    return false;
}

/* Which case a link leads to is known only when it is made: whoever waits for the event may be the one. */
static bool tells(const rulebook_block *b, const rulebook_workflow *to)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const rulebook_action *a = &b->items[i];
        if (a->kind == RULEBOOK_IF && (tells(&a->as.branch.then, to) || tells(&a->as.branch.otherwise, to)))
            return true;
        if (a->kind == RULEBOOK_SEND && (a->as.send.to == RULEBOOK_TO_LINK || a->as.send.to == RULEBOOK_TO_SENDER) &&
            hears(to, a->as.send.event))
            return true;
    }
    return false;
}

static bool reaches(const rulebook_workflow *from, const rulebook_workflow *to)
{
    for (uint32_t i = 0; i < from->block_count; i++)
        if (opens(&from->blocks[i], to->name) || tells(&from->blocks[i], to))
            return true;
    return false;
}

/* Looks the other's cases up, by what stands in their fields. */
static bool reads(rulebook_loader *l, const rulebook_workflow *reader, const rulebook_workflow *other)
{
    const base_place *first = NULL;
    watch_workflow(&(watching){l, reader, &first, other->name});
    return first != NULL;
}

/* Cases that open or tell one another know what any of them knows: parents send to children, children to parents. Who looks cases up knows
 * what they know. The shortest way from where points count to each workflow, all of them at once. */
static void spread(rulebook_loader *l, family *all, uint32_t n, uint32_t *queue)
{
    uint32_t ends = 0;
    for (uint32_t i = 0; i < n; i++)
        if (all[i].next == i)
            queue[ends++] = i;
    for (uint32_t at = 0; at < ends; at++)
        for (uint32_t i = 0; i < n; i++) {
            const rulebook_workflow *known = all[queue[at]].w, *other = all[i].w;
            if (all[i].next != RULEBOOK_NONE || (!reaches(known, other) && !reaches(other, known) && !reads(l, other, known)))
                continue;
            all[i].next = queue[at];
            queue[ends++] = i;
        }
}

static void reached(rulebook_loader *l, const family *all, uint32_t i)
{
    base_buf path;
    const rulebook_workflow *w = all[i].w;
    base_buf_init(&path, rulebook_loader_arena(l)->alloc);
    base_buf_str(&path, w->name);
    while (all[i].next != i) {
        i = all[i].next;
        base_buf_str(&path, " - ");
        base_buf_str(&path, all[i].w->name);
    }
    rulebook_loader_fail(l, path.failed ? base_nomem(rulebook_loader_diag(l))
                                        : base_fail_at(rulebook_loader_diag(l), all[i].counts, M_points_statutory_path,
                                                       A_S("workflow", w->name), A_S("path", path.data)));
    base_buf_free(&path);
}

/* A schedule that looks at points, and the cases that it opens because of them. */
static void watch_schedules(rulebook_loader *l, family *all, uint32_t n)
{
    const rulebook *rb = rulebook_loader_rulebook(l);
    for (uint32_t k = 0; k < rb->schedules.count; k++) {
        const rulebook_schedule *c = NULL;
        const base_place *counts = NULL;
        const gov_status rc = rulebook_get_schedule(rb, rb->schedules.items[k], &c, rulebook_loader_diag(l));
        if (rc == GOV_E_NOMEM)
            rulebook_loader_fail(l, rc);
        if (rc != GOV_OK || c->scope == NULL)
            continue;
        const watching s = {l, NULL, &counts, NULL};
        watch_program(&s, c->member, &c->place);
        watch_block(&s, &c->block);
        for (uint32_t i = 0; counts != NULL && i < n; i++)
            if (all[i].counts == NULL && opens(&c->block, all[i].w->name)) {
                all[i].counts = counts;
                all[i].next = i;
            }
    }
}

/* A statutory workflow in which points count has been told of, and is no news to others. */
static void watch_all(rulebook_loader *l)
{
    const rulebook *rb = rulebook_loader_rulebook(l);
    const uint32_t most = rb->workflows.count;
    const gov_allocator *alloc = rulebook_loader_arena(l)->alloc;
    family *all = base_array(alloc, (size_t)most + 1, sizeof *all);
    uint32_t *queue = base_array(alloc, (size_t)most + 1, sizeof *queue), n = 0, claims = 0;
    if (all == NULL || queue == NULL)
        rulebook_loader_fail(l, base_nomem(rulebook_loader_diag(l)));
    for (uint32_t i = 0; all != NULL && queue != NULL && i < most; i++) {
        const rulebook_workflow *w = NULL;
        const gov_status rc = rulebook_get_workflow(rb, rb->workflows.items[i], &w, rulebook_loader_diag(l));
        if (rc == GOV_E_NOMEM)
            rulebook_loader_fail(l, rc);
        if (rc != GOV_OK || w->scope == NULL || w->chart == NULL) /* a broken one has been told of */
            continue;
        family *f = &all[n];
        *f = (family){.w = w};
        watch_workflow(&(watching){l, w, w->statutory ? NULL : &f->counts, NULL});
        f->next = f->counts != NULL ? n : RULEBOOK_NONE;
        claims += w->statutory;
        n++;
    }
    if (claims > 0)
        watch_schedules(l, all, n);
    if (claims > 0 && claims < n)
        spread(l, all, n, queue);
    for (uint32_t i = 0; claims > 0 && i < n; i++)
        if (all[i].w->statutory && all[i].next != RULEBOOK_NONE)
            reached(l, all, i);
    base_free(alloc, queue);
    base_free(alloc, all);
}

void points_check(void *user, rulebook_loader *l, const char *name, void *content)
{
    const points_programme *p = content;
    const rulebook *rb = rulebook_loader_rulebook(l);
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
    if (p == points_at(rb, 0))
        watch_all(l);
}
