/* Checks across definitions, and what is doubtful in a workflow without being wrong. */
#include "rulebook/lint.h"

#include <string.h>

/* ---- the events that can reach a workflow ---- */

typedef struct senders {
    rb_names known;     /* events that this workflow's rules make */
    rb_names elsewhere; /* events that other cases send to parent, children or links */
} senders;

static const char *joined(rulebook_loader *l, const char *a, const char *b)
{
    char *s = a == NULL || b == NULL ? NULL : rb_alloc(l, strlen(a) + strlen(b) + 1, 1);
    if (s != NULL) {
        memcpy(s, a, strlen(a));
        memcpy(s + strlen(a), b, strlen(b) + 1);
    }
    return s;
}

static void from_block(rulebook_loader *l, const rulebook_block *b, senders *s);

static void from_action(rulebook_loader *l, const rulebook_action *a, senders *s)
{
    switch (a->kind) {
    case RULEBOOK_RAISE:
        rb_names_add(l, &s->known, a->as.raise.event);
        return;
    case RULEBOOK_SEND:
        rb_names_add(l, a->as.send.to == RULEBOOK_TO_SELF ? &s->known : &s->elsewhere,
                     a->as.send.to == RULEBOOK_TO_PARENT ? joined(l, "child.", a->as.send.event) : a->as.send.event);
        return;
    case RULEBOOK_IF:
        from_block(l, &a->as.branch.then, s);
        from_block(l, &a->as.branch.otherwise, s);
        return;
    default:
        return;
    }
}

static void from_block(rulebook_loader *l, const rulebook_block *b, senders *s)
{
    for (uint32_t i = 0; i < b->count && !rb_out(l); i++)
        from_action(l, &b->items[i], s);
}

static void made_by(rulebook_loader *l, const rulebook_workflow *w, senders *s)
{
    for (uint32_t i = 0; i < w->block_count; i++)
        from_block(l, &w->blocks[i], s);
    for (uint32_t i = 0; i < w->clock_count; i++)
        for (uint32_t k = 0; k < w->clocks[i].mark_count; k++)
            rb_names_add(l, &s->known, w->clocks[i].marks[k].event);
    for (uint32_t i = 0; i < w->later_count; i++)
        for (uint32_t k = 0; k < w->laters[i].effect->report_count; k++)
            rb_names_add(l, &s->known, joined(l, joined(l, w->laters[i].id, "."), w->laters[i].effect->reports[k].name));
}

void rb_made_events(rulebook_loader *l, const rulebook_workflow *w, rb_names *made)
{
    senders s = {0};
    made_by(l, w, &s);
    *made = s.known;
    rb_names_free(l, &s.elsewhere);
}

static void from_workflow(rulebook_loader *l, const rulebook_workflow *w, senders *s)
{
    made_by(l, w, s);
    for (uint32_t i = 0; i < w->event_count; i++)
        rb_names_add(l, &s->known, w->events[i].name);
}

void rb_event_names(rulebook_loader *l, const rulebook_workflow *w, rb_names *out)
{
    senders s = {.known = *out};
    from_workflow(l, w, &s);
    rb_names_free(l, &s.elsewhere);
    *out = s.known;
}

static bool begins(const char *s, size_t len, const char *word)
{
    const size_t n = strlen(word);
    return len >= n && memcmp(s, word, n) == 0 && (len == n || s[n] == '.');
}

/* What a case is told of its children by itself; what they send arrives as child.EVENT, too. */
static const char *const from_children[] = {"child.done", "child.reopened", "child.merged"};

/* Can anything that happens match the descriptor? */
static bool reachable(const chart_text *t, const senders *s)
{
    if ((t->len == 1 && t->s[0] == '*') || t->s[0] == '@' || begins(t->s, t->len, "done") || begins(t->s, t->len, "error"))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(from_children); i++)
        if (chart_matches(t->s, t->len, from_children[i], strlen(from_children[i])))
            return true;
    for (size_t i = 0; i < s->known.count; i++)
        if (chart_matches(t->s, t->len, s->known.items[i], strlen(s->known.items[i])))
            return true;
    for (size_t i = 0; i < s->elsewhere.count; i++)
        if (chart_matches(t->s, t->len, s->elsewhere.items[i], strlen(s->elsewhere.items[i])))
            return true;
    return false;
}

static void unknown_event(rulebook_loader *l, base_place place, const char *name, size_t len, const senders *s)
{
    const char *near = base_nearest(name, len, s->known.items, s->known.count);
    if (near == NULL)
        near = base_nearest(name, len, s->elsewhere.items, s->elsewhere.count);
    if (near == NULL && begins(name, len, "child"))
        near = base_nearest(name, len, from_children, ARRAY_LEN(from_children));
    if (!l->rb->lenient)
        rb_note(l, base_fail_at(l->d, &place, M_event_never_comes, A_N("event", name, len), A_S("near", near)));
}

/* ---- one workflow ---- */

static bool taken(const rulebook_workflow *w, const char *event)
{
    const size_t len = strlen(event);
    for (uint32_t i = 0; i < chart_transition_count(w->chart); i++) {
        const chart_transition *t = chart_transition_at(w->chart, i);
        for (size_t k = 0; k < t->event_count; k++)
            if (chart_matches(t->events[k].s, t->events[k].len, event, len))
                return true;
    }
    for (uint32_t i = 0; i < w->clock_count; i++) {
        const rulebook_clock *c = &w->clocks[i];
        const rulebook_triggers *const lists[] = {&c->starts, &c->stops};
        for (size_t k = 0; k < ARRAY_LEN(lists); k++)
            for (uint32_t j = 0; j < lists[k]->count; j++)
                if (lists[k]->items[j].state == RULEBOOK_NONE && strcmp(lists[k]->items[j].name, event) == 0)
                    return true;
        if (c->extend.event != NULL && strcmp(c->extend.event, event) == 0)
            return true;
    }
    return false;
}

/* What starts or stops a clock is an event or a state. */
static void unknown_trigger(rulebook_loader *l, const rulebook_workflow *w, const rulebook_trigger *t, const senders *s)
{
    rb_names all = {0};
    for (size_t i = 0; i < s->known.count; i++)
        rb_names_add(l, &all, s->known.items[i]);
    for (uint32_t i = 1; i < chart_state_count(w->chart); i++)
        rb_names_add(l, &all, w->states[i].path);
    if (!rb_out(l))
        rb_note(l, base_fail_at(l->d, &t->place, M_trigger_unknown, A_S("name", t->name),
                                A_S("near", rb_nearest(&all, t->name))));
    rb_names_free(l, &all);
}

static void check_made(rulebook_loader *l, const rulebook_workflow *w, const rulebook_block *b, const senders *s)
{
    for (uint32_t i = 0; i < b->count && !rb_out(l); i++) {
        const rulebook_action *a = &b->items[i];
        const char *event = a->kind == RULEBOOK_RAISE ? a->as.raise.event
                            : a->kind == RULEBOOK_SEND && a->as.send.to == RULEBOOK_TO_SELF ? a->as.send.event : NULL;
        if (a->kind == RULEBOOK_IF) {
            check_made(l, w, &a->as.branch.then, s);
            check_made(l, w, &a->as.branch.otherwise, s);
        }
        if (event == NULL || taken(w, event))
            continue;
        rb_names others = {0}; /* those that something takes */
        for (size_t k = 0; k < s->known.count; k++)
            if (strcmp(s->known.items[k], event) != 0 && taken(w, s->known.items[k]))
                rb_names_add(l, &others, s->known.items[k]);
        const char *near = rb_nearest(&others, event);
        if (near != NULL) /* else it may be meant for those who read the journal */
            rb_warn(l, a->place, M_raise_not_taken, A_S("event", event), A_S("near", near));
        rb_names_free(l, &others);
    }
}

static void check_events(rulebook_loader *l, const rulebook_workflow *w, const senders *s)
{
    for (uint32_t i = 0; i < chart_transition_count(w->chart); i++) {
        const chart_transition *t = chart_transition_at(w->chart, i);
        for (size_t k = 0; k < t->event_count; k++)
            if (!reachable(&t->events[k], s))
                unknown_event(l, w->transitions[i].event_place, t->events[k].s, t->events[k].len, s);
    }
    for (uint32_t i = 0; i < w->clock_count; i++) {
        const rulebook_clock *c = &w->clocks[i];
        const rulebook_triggers *const lists[] = {&c->starts, &c->stops};
        for (size_t k = 0; k < ARRAY_LEN(lists); k++)
            for (uint32_t j = 0; j < lists[k]->count; j++) {
                const rulebook_trigger *t = &lists[k]->items[j];
                const chart_text text = {t->name, strlen(t->name)};
                if (t->state == RULEBOOK_NONE && !reachable(&text, s))
                    unknown_trigger(l, w, t, s);
            }
        if (c->extend.event != NULL) {
            const chart_text text = {c->extend.event, strlen(c->extend.event)};
            if (!reachable(&text, s))
                unknown_event(l, c->extend.place, text.s, text.len, s);
        }
    }
    for (uint32_t i = 0; i < w->event_count; i++)
        if (!taken(w, w->events[i].name))
            rb_warn(l, w->events[i].place, M_event_unused, A_S("event", w->events[i].name));
}

static bool no_delay(const rulebook_timer *t)
{
    return t->delay.kind == RULEBOOK_LENGTH_FIXED && t->delay.fixed.amount == 0 && t->roll == CAL_ROLL_NONE;
}

/* Circles that take no time: eventless transitions, then those of timers without any delay. */
static void check_circles(rulebook_loader *l, const rulebook_workflow *w)
{
    uint32_t circle = CHART_NONE;
    gov_status status = chart_always_cycle(w->chart, &circle, l->d);
    if (circle != CHART_NONE)
        rb_warn(l, w->transitions[circle].place, M_always_cycle);
    bool *prompt = status == GOV_OK && circle == CHART_NONE
                       ? base_array(l->rb->alloc, (size_t)chart_transition_count(w->chart) + 1, sizeof *prompt)
                       : NULL;
    bool any = false;
    for (uint32_t i = 0; prompt != NULL && i < w->timer_count; i++)
        if (no_delay(&w->timers[i]))
            any = prompt[w->timers[i].transition] = true;
    if (any)
        status = chart_prompt_cycle(w->chart, prompt, &circle, l->d);
    else if (status == GOV_OK && circle == CHART_NONE && prompt == NULL)
        status = base_nomem(l->d);
    rb_note(l, status);
    if (any && circle != CHART_NONE)
        rb_warn(l, w->transitions[circle].place, M_after_cycle);
    base_free(l->rb->alloc, prompt);
}

static void check_states(rulebook_loader *l, const rulebook_workflow *w, const rb_names *elsewhere)
{
    const size_t count = chart_state_count(w->chart);
    bool *reached = base_array(l->rb->alloc, count + chart_transition_count(w->chart) + 1, sizeof *reached);
    bool *const never = reached != NULL ? reached + count : NULL;
    if (reached == NULL) {
        rb_note(l, base_nomem(l->d));
        return;
    }
    gov_status status = rb_doubt_transitions(l, w, never, reached);
    for (uint32_t s = 1; s < count && status == GOV_OK; s++) {
        if (chart_kind_of(w->chart, s) == CHART_SHALLOW || chart_kind_of(w->chart, s) == CHART_DEEP)
            continue;
        /* Of what lies inside an unreachable state nothing more needs to be said. */
        if (!reached[s] && (chart_parent(w->chart, s) == CHART_ROOT || reached[chart_parent(w->chart, s)]))
            rb_warn(l, w->states[s].place, M_state_unreachable, A_S("state", w->states[s].path));
        else if (reached[s] && chart_dead_end_without(w->chart, never, s))
            rb_warn(l, w->states[s].place, M_state_dead_end, A_S("state", w->states[s].path));
    }
    if (status == GOV_OK)
        rb_doubt(l, w, reached, elsewhere);
    base_free(l->rb->alloc, reached);
    rb_note(l, status);
    if (status == GOV_OK)
        check_circles(l, w);
}

/* ---- effects that name other definitions ---- */

static const rulebook_workflow *named_workflow(const rulebook_loader *l, const rulebook_action *a, const char *param)
{
    const rulebook_argument *arg = rulebook_arg(a, param);
    const rulebook_workflow *w = NULL;
    if (arg != NULL && arg->text != NULL)
        (void)rulebook_get_workflow(&l->rb->pub, arg->text, &w, NULL);
    return w;
}

/* open: {workflow: x, fields: {...}}: the fields exist there, and those that are required are given. */
static void check_members(rulebook_loader *l, const rulebook_action *a, const rulebook_param *p)
{
    const rulebook_workflow *w = named_workflow(l, a, p->fields_of);
    const rulebook_argument *arg = rulebook_arg(a, p->name);
    rb_names known = {0};
    if (w == NULL)
        return;
    for (uint32_t i = 0; i < w->fields.count; i++)
        rb_names_add(l, &known, w->fields.items[i].name);
    for (uint32_t i = 0; arg != NULL && i < arg->member_count; i++) {
        const rulebook_argument *m = &arg->members[i];
        const rulebook_field *f = rulebook_find_field(&w->fields, m->name, strlen(m->name));
        if (f == NULL)
            rb_note(l, base_fail_at(l->d, &m->place, M_unknown_name, A_S("kind", "field"), A_S("name", m->name),
                                    A_S("near", rb_nearest(&known, m->name))));
        else
            rb_fits_field(l, &m->place, m->expr, f);
        if (f != NULL)
            rb_names_add(l, &l->rb->given, joined(l, w->name, joined(l, ".", f->name)));
    }
    for (uint32_t i = 0; i < w->fields.count; i++) {
        const rulebook_field *f = &w->fields.items[i];
        bool given = !f->required || !value_is(f->preset, VALUE_ABSENT);
        for (uint32_t k = 0; arg != NULL && k < arg->member_count; k++)
            given |= strcmp(arg->members[k].name, f->name) == 0;
        if (!given)
            rb_note(l, base_fail_at(l->d, &a->place, M_required_not_given, A_S("field", f->name), A_S("workflow", w->name)));
    }
    rb_names_free(l, &known);
}

static void check_block(rulebook_loader *l, const rulebook_block *b)
{
    for (uint32_t i = 0; i < b->count && !rb_out(l); i++) {
        const rulebook_action *a = &b->items[i];
        if (a->kind == RULEBOOK_IF) {
            check_block(l, &a->as.branch.then);
            check_block(l, &a->as.branch.otherwise);
        }
        if (a->kind != RULEBOOK_EFFECT)
            continue;
        const rulebook_effect *e = a->as.effect.effect;
        for (uint32_t k = 0; k < e->param_count; k++)
            if (e->params[k].fields_of != NULL)
                check_members(l, a, &e->params[k]);
        if (e->check != NULL)
            rb_note(l, e->check(e->user, a, &l->rb->pub, l->d));
    }
}

/* ---- calendars ---- */

static void check_years(rulebook_loader *l, int64_t today)
{
    int32_t year;
    unsigned month, day;
    if (today == 0)
        return;
    base_civil_from_days(today, &year, &month, &day);
    for (uint32_t i = 0; i < l->rb->pub.calendar_count; i++) {
        const rulebook_calendar *c = &l->rb->pub.calendars[i];
        for (int32_t y = year; c->cal != NULL && y <= year + 1; y++)
            if (!cal_year_listed(c->cal, y))
                rb_warn(l, c->place, M_year_missing, A_S("calendar", c->name), A_I("year", y));
    }
}

/* ---- all ---- */

static const rb_lazy *lazy_of(const rb_def *def)
{
    return atomic_load_explicit(&((rb_def *)(uintptr_t)def)->lazy, memory_order_acquire);
}

static const void *compiled(const rb_def *def, rb_def_kind kind)
{
    const rb_lazy *lazy = def->kind == (uint8_t)kind ? lazy_of(def) : NULL;
    return lazy != NULL ? lazy->made : NULL;
}

static void check_workflow(rulebook_loader *l, const rulebook_workflow *w, const rb_names *elsewhere)
{
    senders s = {.elsewhere = *elsewhere};
    if (w->chart == NULL)
        return;
    senders own = {0};
    from_workflow(l, w, &own);
    s.known = own.known;
    check_events(l, w, &s);
    for (uint32_t i = 0; i < w->block_count; i++)
        check_made(l, w, &w->blocks[i], &s);
    check_states(l, w, elsewhere);
    for (uint32_t i = 0; i < w->block_count; i++)
        check_block(l, &w->blocks[i]);
    rb_check_laters(l, w);
    rb_names_free(l, &own.known);
    rb_names_free(l, &own.elsewhere);
}

/* ---- messages to other cases ---- */

static const rulebook_workflow *workflow_at(const rb_full *rb, size_t i)
{
    const rulebook_workflow *w = compiled(&rb->defs[i], RB_WORKFLOW);
    return w != NULL && w->chart != NULL ? w : NULL;
}

/* The event that some workflow takes and that was probably meant. */
static const char *taken_near(rulebook_loader *l, const char *event)
{
    rb_names names = {0};
    const rulebook_workflow *w;
    for (size_t i = 0; i < l->rb->def_count && !rb_out(l); i++)
        for (uint32_t t = 0; (w = workflow_at(l->rb, i)) != NULL && t < chart_transition_count(w->chart); t++)
            for (size_t k = 0; k < chart_transition_at(w->chart, t)->event_count; k++) {
                const chart_text *e = &chart_transition_at(w->chart, t)->events[k];
                if (e->s[0] != '@' && e->s[0] != '*')
                    rb_names_add(l, &names, rb_copy(l, e->s, e->len));
            }
    const char *near = rb_nearest(&names, event);
    rb_names_free(l, &names);
    return near;
}

static void doubt_message(rulebook_loader *l, const rulebook_action *a)
{
    static const char *const words[] = {[RULEBOOK_TO_PARENT] = "parent", [RULEBOOK_TO_CHILDREN] = "children", [RULEBOOK_TO_SENDER] = "sender"};
    static const char prefix[] = "child.";
    const bool up = a->as.send.to == RULEBOOK_TO_PARENT;
    const char *event = up ? joined(l, prefix, a->as.send.event) : a->as.send.event;
    const rulebook_workflow *w;
    for (size_t i = 0; event != NULL && i < l->rb->def_count; i++)
        if ((w = workflow_at(l->rb, i)) != NULL && taken(w, event))
            return;
    const char *near = event != NULL ? taken_near(l, event) : NULL;
    if (up && near != NULL)
        near = begins(near, strlen(near), "child") && near[5] == '.' ? near + sizeof prefix - 1 : NULL;
    if (!rb_out(l) && event != NULL)
        rb_warn(l, a->place, M_message_not_taken, A_S("event", a->as.send.event),
                A_S("to", a->as.send.to == RULEBOOK_TO_LINK ? a->as.send.link : words[a->as.send.to]), A_S("as", up ? event : NULL),
                A_S("near", near));
}

/* What is sent to other cases and none of them would take is lost. */
static void doubt_messages(rulebook_loader *l, const rulebook_block *b)
{
    for (uint32_t i = 0; i < b->count && !rb_out(l) && !l->rb->lenient; i++) {
        const rulebook_action *a = &b->items[i];
        if (a->kind == RULEBOOK_IF) {
            doubt_messages(l, &a->as.branch.then);
            doubt_messages(l, &a->as.branch.otherwise);
        } else if (a->kind == RULEBOOK_SEND && a->as.send.to != RULEBOOK_TO_SELF && a->as.send.event != NULL) {
            doubt_message(l, a);
        }
    }
}

/* What needs to have seen every definition. */
static void doubt_all(rulebook_loader *l)
{
    const rb_full *rb = l->rb;
    for (size_t i = 0; i < rb->def_count && !rb_out(l); i++) {
        const rulebook_workflow *w = compiled(&rb->defs[i], RB_WORKFLOW);
        if (w == NULL)
            continue;
        rb_doubt_fields(l, w);
        for (uint32_t k = 0; k < w->block_count; k++)
            doubt_messages(l, &w->blocks[k]);
        rb_doubt_roles(l, w->roles, w->role_count);
    }
    rb_doubt_roles(l, rb->pub.roles, rb->pub.role_count);
}

void rb_lint(rulebook_loader *l, int64_t today)
{
    const rb_full *rb = l->rb;
    senders all = {0};
    for (size_t i = 0; i < rb->def_count && !rb_out(l); i++) {
        const rulebook_workflow *w = compiled(&rb->defs[i], RB_WORKFLOW);
        const rulebook_schedule *s = compiled(&rb->defs[i], RB_SCHEDULE);
        if (w != NULL)
            from_workflow(l, w, &all);
        if (s != NULL)
            check_block(l, &s->block);
    }
    for (size_t i = 0; i < rb->def_count && !rb_out(l); i++) {
        const rulebook_workflow *w = compiled(&rb->defs[i], RB_WORKFLOW);
        if (w == NULL)
            continue;
        check_workflow(l, w, &all.elsewhere);
        for (size_t k = 0; k < rb->def_count && w->later_count > 0; k++) {
            const rulebook_workflow *sender = compiled(&rb->defs[k], RB_WORKFLOW);
            if (sender != NULL)
                rb_check_messages(l, sender, w);
        }
    }
    doubt_all(l);
    rb_names_free(l, &all.known);
    rb_names_free(l, &all.elsewhere);
    check_years(l, today);
}
