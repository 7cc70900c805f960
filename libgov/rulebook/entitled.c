/* What the law grants does not hang on what was earned: neither points nor hours count where a workflow is statutory, nor do they reach it. */
#include "rulebook/lint.h"

#include <string.h>

/* ---- where they count ---- */

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

static const char *const earnings[] = {"balance", "tier", "minutes", "hours"};

static bool is_call(const expr_term *t, const char *name)
{
    return t->form == EXPR_CALL && t->name_len == strlen(name) && memcmp(t->name, name, t->name_len) == 0;
}

static bool constant_text(const expr_program *p, const expr_node *n, value *out)
{
    const expr_run nothing = {0};
    return expr_look(n).form == EXPR_CONSTANT && expr_eval_term(p, n, &nothing, out, NULL) == GOV_OK && out->kind == VALUE_STRING;
}

/* The filter of count() is an expression in a text; what the text will be only when the time comes may ask for anything. */
static bool filter_asks(const expr_program *p, const expr_node *n)
{
    value text;
    if (!constant_text(p, n, &text))
        return true;
    for (size_t at = 0; at < text.len; at++)
        for (size_t i = 0; i < ARRAY_LEN(earnings); i++) {
            const size_t len = strlen(earnings[i]);
            if (text.len - at > len && memcmp(text.as.s + at, earnings[i], len) == 0 && memchr(" \t\r\n(", text.as.s[at + len], 5) != NULL)
                return true;
        }
    return false;
}

static bool asks_points(const expr_program *p, const expr_node *n)
{
    if (n == NULL)
        return false;
    const expr_term t = expr_look(n);
    for (size_t i = 0; i < ARRAY_LEN(earnings); i++)
        if (is_call(&t, earnings[i]))
            return true;
    if (is_call(&t, "count") && t.count > 1 && filter_asks(p, t.kids[1]))
        return true;
    for (uint32_t i = 0; i < t.count; i++)
        if (asks_points(p, t.kids[i]))
            return true;
    return false;
}

/* cases('helper', ...), count('helper', ...), or those of a workflow that is named when the time comes. */
static bool asks_cases(const expr_program *p, const expr_node *n, const char *workflow)
{
    if (n == NULL)
        return false;
    const expr_term t = expr_look(n);
    value named;
    if ((is_call(&t, "cases") || is_call(&t, "count")) && t.count > 0 &&
        (!constant_text(p, t.kids[0], &named) || value_is_text(named, workflow)))
        return true;
    for (uint32_t i = 0; i < t.count; i++)
        if (asks_cases(p, t.kids[i], workflow))
            return true;
    return false;
}

static void watch_program(const watching *s, const expr_program *p, const base_place *place)
{
    if (p != NULL && (s->cases_of != NULL ? asks_cases(p, expr_program_root(p), s->cases_of) : asks_points(p, expr_program_root(p))))
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

/* Of money nothing is said: a relief pays some. */
static bool is_earned(const rulebook *rb, const char *ledger)
{
    return rulebook_find_section(rb, "points", ledger) != NULL || rulebook_find_section(rb, "time_bank", ledger) != NULL;
}

static void watch_effect(const watching *s, const rulebook_action *a)
{
    static const char *const forbidden[] = {"deduct", "redeem", "book"};
    for (size_t i = 0; i < ARRAY_LEN(forbidden) && s->cases_of == NULL; i++)
        if (strcmp(a->as.effect.effect->name, forbidden[i]) == 0)
            statutory(s, &a->place);
    /* Whatever moves points or hours is a price. */
    const rulebook_argument *ledger_named = rulebook_arg(a, "ledger");
    if (s->cases_of == NULL && ledger_named != NULL && ledger_named->text != NULL && is_earned(rulebook_loader_rulebook(s->l), ledger_named->text))
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
    for (uint32_t i = 0; i < w->migrate.field_count; i++)
        watch_program(s, w->migrate.fields[i].expr, &w->migrate.fields[i].place);
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

/* One of the descriptors "a b.c *" takes it. */
static bool takes(const char *descriptors, const char *event)
{
    for (const char *p = descriptors; *p != '\0';) {
        const size_t len = strcspn(p, " ");
        if (len > 0 && chart_matches(p, len, event, strlen(event)))
            return true;
        p += len + (p[len] == ' ');
    }
    return false;
}

static bool triggers(const rulebook_triggers *t, const char *event)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (t->items[i].state == RULEBOOK_NONE && strcmp(t->items[i].name, event) == 0)
            return true;
    return false;
}

/* Waits for an event of that name, whoever sends it; a clock does so, too. */
static bool hears(const rulebook_workflow *w, const char *event)
{
    for (uint32_t i = 0; w->transitions != NULL && i < chart_transition_count(w->chart); i++)
        if (w->transitions[i].on != NULL && takes(w->transitions[i].on, event))
            return true;
    for (uint32_t i = 0; i < w->clock_count; i++) {
        const rulebook_clock *c = &w->clocks[i];
        if (triggers(&c->starts, event) || triggers(&c->stops, event) || triggers(&c->paused_in, event) ||
            (c->extend.event != NULL && strcmp(c->extend.event, event) == 0))
            return true;
    }
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
        if (a->kind == RULEBOOK_EFFECT && strcmp(a->as.effect.effect->name, "merge") == 0 && hears(to, "child.merged"))
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

/* A schedule that looks up cases of the one opens cases of the other. */
static bool scheduled(rulebook_loader *l, const rulebook_workflow *known, const rulebook_workflow *other)
{
    const rulebook *rb = rulebook_loader_rulebook(l);
    for (uint32_t k = 0; k < rb->schedules.count; k++) {
        const rulebook_schedule *c = NULL;
        const base_place *first = NULL;
        if (rulebook_get_schedule(rb, rb->schedules.items[k], &c, NULL) != GOV_OK || c->scope == NULL || !opens(&c->block, other->name))
            continue;
        const watching s = {l, NULL, &first, known->name};
        watch_program(&s, c->member, &c->place);
        watch_block(&s, &c->block);
        if (first != NULL)
            return true;
    }
    return false;
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
            if (all[i].next != RULEBOOK_NONE || (!reaches(known, other) && !reaches(other, known) && !reads(l, other, known) && !scheduled(l, known, other)))
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
void rb_check_entitlements(rulebook_loader *l)
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
