/* Rules that compare or reckon with `clocks.X.due` where nobody can say when the clock is due: it is null there, and the expression fails,
 * which an author would find when the first case gets there.
 *
 * Told is only what is sure to be possible by the chart: the clock may be paused in a state in which the rule is asked, or the rule
 * is asked where no case comes any more once the clock was started; and nothing in the expression, or around it, asks for null. */
#include "rulebook/lint.h"

#include <string.h>

enum { MOST_CLOCKS = 64, MOST_STATES = 1024 };
#define ALL_CLOCKS UINT64_MAX

typedef enum spot { GUARD, ENTRY_OR_EXIT, ACTIONS } spot;

typedef struct looking {
    rulebook_loader *l;
    const rulebook_workflow *w;
    const bool *reached;
    bool *later[MOST_CLOCKS]; /* by state: may a case be there when the clock was started? NULL: not asked yet */
    uint32_t state;           /* where the expression is asked, by which transition (NULL: none), of which timer (NULL: none) */
    const chart_transition *by;
    const rulebook_timer *timer;
    spot where;
    bool known;    /* the following was found out, which it is for expressions that read a due instant */
    uint64_t null; /* clocks whose due instant may be null there ... */
    const char *paused[MOST_CLOCKS]; /* ... since they may be paused in that state; NULL: they have not started */
} looking;

/* ---- what a condition says of clocks ---- */

static bool slot_of(const looking *k, const expr_term *t, rulebook_clock_part part, uint32_t *clock)
{
    const rulebook_slot *slot = t->slot < k->w->slot_count ? &k->w->slots[t->slot] : NULL;
    *clock = slot != NULL ? slot->index : 0;
    return slot != NULL && slot->kind == RULEBOOK_SLOT_CLOCK && slot->part == part && slot->index < MOST_CLOCKS;
}

/* `clocks.X.due != null`, or == */
static uint64_t equality(const looking *k, const expr_term *t, bool holds)
{
    uint32_t clock;
    for (uint32_t i = 0; i < 2 && t->count == 2; i++) {
        const expr_term a = expr_look(t->kids[i]), b = expr_look(t->kids[1 - i]);
        if (a.form == EXPR_NAME && slot_of(k, &a, RULEBOOK_CLOCK_DUE, &clock) && b.form == EXPR_CONSTANT && b.type == EXPR_NULL)
            return (strcmp(t->sign, "!=") == 0) == holds ? UINT64_C(1) << clock : 0;
    }
    return 0;
}

static uint64_t sure(const looking *k, const expr_node *n, bool holds);

static uint64_t sure_of_kids(const looking *k, const expr_term *t, bool holds, bool each)
{
    uint64_t all = each ? ALL_CLOCKS : 0;
    for (uint32_t i = 0; i < t->count; i++)
        all = each ? all & sure(k, t->kids[i], holds) : all | sure(k, t->kids[i], holds);
    return all;
}

/* The clocks that have a due instant where that holds, or does not. A rule that asks in which state it is knows about all of them. */
static uint64_t sure(const looking *k, const expr_node *n, bool holds)
{
    uint32_t clock;
    if (n == NULL)
        return 0;
    const expr_term t = expr_look(n);
    switch (t.form) {
    case EXPR_NOT:
        return sure_of_kids(k, &t, !holds, false);
    case EXPR_AND:
        return sure_of_kids(k, &t, holds, !holds);
    case EXPR_OR:
        return sure_of_kids(k, &t, holds, holds);
    case EXPR_EQUAL:
        return equality(k, &t, holds);
    case EXPR_HAS:
        return holds && slot_of(k, &t, RULEBOOK_CLOCK_DUE, &clock) ? UINT64_C(1) << clock : 0;
    case EXPR_NAME:
        return holds && slot_of(k, &t, RULEBOOK_CLOCK_RUNNING, &clock) ? UINT64_C(1) << clock : 0;
    case EXPR_CALL:
        return t.name_len == 2 && memcmp(t.name, "In", 2) == 0 ? ALL_CLOCKS : 0;
    default:
        return 0;
    }
}

/* ---- expressions ---- */

static void tell(const looking *k, const expr_program *p, const expr_node *n, uint64_t known)
{
    uint32_t clock;
    const expr_term t = expr_look(n);
    if (t.form != EXPR_NAME || !slot_of(k, &t, RULEBOOK_CLOCK_DUE, &clock) || ((k->null & ~known) >> clock & 1) == 0)
        return;
    const char *paused = k->paused[clock];
    rb_warn(k->l, expr_place_of(p, n), M_due_null, A_S("clock", k->w->clocks[clock].name), A_S("paused", paused),
            A_S("before", paused == NULL ? k->w->states[k->state].path : NULL));
}

/* In any order: an operand that settles && or || makes the failure of another one not count. */
static uint64_t known_beside(const looking *k, const expr_term *t, uint32_t i)
{
    uint64_t known = 0;
    for (uint32_t j = 0; j < t->count; j++)
        known |= j != i ? sure(k, t->kids[j], t->form == EXPR_AND) : 0;
    return known;
}

static void look_at(const looking *k, const expr_program *p, const expr_node *n, uint64_t known)
{
    if (n == NULL)
        return;
    const expr_term t = expr_look(n);
    for (uint32_t i = 0; i < t.count; i++) {
        uint64_t here = known;
        if (t.kids[i] == NULL)
            continue;
        if (t.form == EXPR_AND || t.form == EXPR_OR)
            here |= known_beside(k, &t, i);
        if (t.form == EXPR_CHOICE && i > 0)
            here |= sure(k, t.kids[0], i == 1);
        if (t.form == EXPR_ORDER || t.form == EXPR_ARITHMETIC)
            tell(k, p, t.kids[i], here);
        look_at(k, p, t.kids[i], here);
    }
}

static bool reads_due(const looking *k, const expr_program *p)
{
    size_t count = 0;
    const uint32_t *slots = p != NULL ? expr_program_slots(p, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        if (slots[i] < k->w->slot_count && k->w->slots[slots[i]].kind == RULEBOOK_SLOT_CLOCK &&
            k->w->slots[slots[i]].part == RULEBOOK_CLOCK_DUE)
            return true;
    return false;
}

static void find_nulls(looking *k);

static void look(looking *k, const expr_program *p, uint64_t known)
{
    if (!reads_due(k, p))
        return;
    find_nulls(k);
    look_at(k, p, expr_program_root(p), known);
}

/* What has to be an instant as a whole. */
static void look_at_instant(looking *k, const expr_program *p, uint64_t known)
{
    look(k, p, known);
    if (reads_due(k, p))
        tell(k, p, expr_program_root(p), known);
}

static void look_at_length(looking *k, const rulebook_duration *d, uint64_t known)
{
    look(k, d->expr, known);
    for (uint32_t i = 0; i < d->case_count; i++) {
        look(k, d->cases[i].when, known);
        look_at_length(k, &d->cases[i].is, known);
    }
}

static void look_at_argument(looking *k, const rulebook_argument *a, uint64_t known)
{
    look(k, a->expr, known);
    look_at_length(k, &a->duration, known);
    for (uint32_t i = 0; i < a->member_count; i++)
        look_at_argument(k, &a->members[i], known);
}

static void look_at_block(looking *k, const rulebook_block *b, uint64_t known);

static void look_at_action(looking *k, const rulebook_action *a, uint64_t known)
{
    switch (a->kind) {
    case RULEBOOK_SET:
        for (uint32_t i = 0; i < a->as.set.count; i++)
            look(k, a->as.set.items[i].expr, known);
        return;
    case RULEBOOK_RAISE:
        look(k, a->as.raise.data, known);
        return;
    case RULEBOOK_SEND:
        look(k, a->as.send.data, known);
        look_at_instant(k, a->as.send.at, known);
        look_at_length(k, &a->as.send.after, known);
        return;
    case RULEBOOK_IF:
        look(k, a->as.branch.when, known);
        if (a->as.branch.when == NULL)
            return;
        look_at_block(k, &a->as.branch.then, known | sure(k, expr_program_root(a->as.branch.when), true));
        look_at_block(k, &a->as.branch.otherwise, known | sure(k, expr_program_root(a->as.branch.when), false));
        return;
    case RULEBOOK_EFFECT:
        for (uint32_t i = 0; i < a->as.effect.count; i++)
            look_at_argument(k, &a->as.effect.args[i], known);
        return;
    default:
        return;
    }
}

static void look_at_block(looking *k, const rulebook_block *b, uint64_t known)
{
    for (uint32_t i = 0; i < b->count; i++)
        look_at_action(k, &b->items[i], known);
}

/* ---- where a case may be ---- */

static bool within(const chart *c, uint32_t outer, uint32_t state)
{
    return outer <= state && state <= chart_last(c, outer);
}

static bool around(const chart *c, uint32_t outer, uint32_t state)
{
    return outer < state && within(c, outer, state);
}

static uint32_t common(const chart *c, uint32_t a, uint32_t b)
{
    while (!within(c, a, b))
        a = chart_parent(c, a);
    return a;
}

/* May both be active at once? */
static bool together(const chart *c, uint32_t a, uint32_t b)
{
    const uint32_t both = common(c, a, b);
    return both == a || both == b || chart_kind_of(c, both) == CHART_PARALLEL;
}

static void add_together(const chart *c, bool *set, uint32_t state)
{
    const chart_kind kind = chart_kind_of(c, state);
    const uint32_t to = kind == CHART_SHALLOW || kind == CHART_DEEP ? chart_parent(c, state) : state;
    for (uint32_t s = 0; s < chart_state_count(c); s++)
        set[s] = set[s] || together(c, to, s);
}

static bool takes(const chart_transition *t, const char *event)
{
    for (size_t k = 0; k < t->event_count; k++)
        if (chart_matches(t->events[k].s, t->events[k].len, event, strlen(event)))
            return true;
    return false;
}

/* The states in which what starts the clock happens. An event that rules make or that nothing takes may come anywhere. */
static void add_starts(const looking *k, const rulebook_clock *clock, bool *set)
{
    const chart *c = k->w->chart;
    for (uint32_t i = 0; i < clock->starts.count; i++) {
        const rulebook_trigger *t = &clock->starts.items[i];
        const rulebook_event *e = t->state == RULEBOOK_NONE ? rulebook_find_event(k->w, t->name) : NULL;
        if (t->state != RULEBOOK_NONE)
            add_together(c, set, t->state);
        else if (e == NULL || e->by.count == 0)
            memset(set, 1, chart_state_count(c) * sizeof *set);
        for (uint32_t j = 0; e != NULL && j < chart_transition_count(c); j++) {
            const chart_transition *tr = chart_transition_at(c, j);
            for (size_t n = 0; takes(tr, t->name) && n < tr->target_count; n++)
                add_together(c, set, tr->targets[n]);
            if (takes(tr, t->name) && tr->target_count == 0)
                add_together(c, set, tr->source);
        }
    }
}

/* Where a case may be from the start of the clock on; too many rather than too few. NULL: no memory, which is noted. */
static const bool *states_after(looking *k, uint32_t clock)
{
    const chart *c = k->w->chart;
    const size_t count = chart_state_count(c), moves = chart_transition_count(c);
    if (k->later[clock] != NULL)
        return k->later[clock];
    bool *set = base_array(k->l->rb->alloc, count + moves + 1, sizeof *set), *done = set != NULL ? set + count : NULL;
    if (set == NULL) {
        rb_note(k->l, base_nomem(k->l->d));
        return NULL;
    }
    k->later[clock] = set;
    add_starts(k, &k->w->clocks[clock], set);
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < moves; i++) {
            const chart_transition *t = chart_transition_at(c, i);
            if (done[i] || !set[t->source])
                continue;
            done[i] = more = true;
            for (size_t n = 0; n < t->target_count; n++)
                add_together(c, set, t->targets[n]);
        }
    }
    return set;
}

/* ---- where an expression is asked ---- */

/* The state around which everything is left that the transition leaves; the state itself where nothing is. */
static uint32_t domain_of(const chart *c, const chart_transition *t)
{
    uint32_t domain = t->source;
    bool inside = t->internal && chart_kind_of(c, domain) == CHART_COMPOUND;
    for (size_t i = 0; i < t->target_count; i++)
        inside = inside && around(c, domain, t->targets[i]);
    while (!inside && domain != CHART_ROOT) {
        domain = chart_parent(c, domain);
        inside = chart_kind_of(c, domain) == CHART_COMPOUND || domain == CHART_ROOT;
        for (size_t i = 0; i < t->target_count; i++)
            inside = inside && around(c, domain, t->targets[i]);
    }
    return domain;
}

/* Does another transition, of the waiting state or one between, take the event first, whatever the case? */
static bool taken_inside(const looking *k, const chart_transition *t, uint32_t wait)
{
    const chart *c = k->w->chart;
    for (uint32_t i = 0; i < chart_transition_count(c); i++) {
        const chart_transition *other = chart_transition_at(c, i);
        if (!around(c, t->source, other->source) || !within(c, other->source, wait) || other->guard != CHART_NONE)
            continue;
        size_t n = 0;
        for (size_t e = 0; e < t->event_count; e++)
            for (size_t o = 0; o < other->event_count; o++)
                if (chart_matches(other->events[o].s, other->events[o].len, t->events[e].s, t->events[e].len)) {
                    n++;
                    break;
                }
        if (t->event_count > 0 && n == t->event_count)
            return true;
    }
    return false;
}

/* May the clock wait there, when that is asked? */
static bool waits_at(const looking *k, uint32_t wait, uint32_t state, const chart_transition *t, spot where)
{
    const chart *c = k->w->chart;
    if (!k->reached[wait] || !together(c, wait, state))
        return false;
    const bool inside = around(c, state, wait);
    if (where == ENTRY_OR_EXIT)
        return !inside; /* what is inside was left before, or is entered afterwards */
    if (inside && t != NULL && taken_inside(k, t, wait))
        return false;
    return where == GUARD || t->target_count == 0 || !around(c, domain_of(c, t), wait);
}

/* Only comes while the clock runs: one of its own marks. */
static bool is_mark(const rulebook_clock *clock, const chart_transition *t)
{
    size_t n = 0;
    for (size_t e = 0; e < t->event_count; e++)
        for (uint32_t i = 0; i < clock->mark_count; i++)
            if (strlen(clock->marks[i].event) == t->events[e].len && memcmp(clock->marks[i].event, t->events[e].s, t->events[e].len) == 0) {
                n++;
                break;
            }
    return t->event_count > 0 && n == t->event_count;
}

static bool timer_reads(const looking *k, const rulebook_timer *t, uint32_t clock)
{
    size_t count = 0;
    const uint32_t *slots = t->at != NULL ? expr_program_slots(t->at, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        if (k->w->slots[slots[i]].kind == RULEBOOK_SLOT_CLOCK && k->w->slots[slots[i]].index == clock)
            return true;
    return false;
}

static const char *pause_at(const looking *k, const rulebook_clock *clock)
{
    for (uint32_t p = 0; p < clock->paused_in.count && clock->due == NULL; p++) {
        const uint32_t wait = clock->paused_in.items[p].state;
        if (wait != RULEBOOK_NONE && waits_at(k, wait, k->state, k->by, k->where))
            return k->w->states[wait].path;
    }
    return NULL;
}

static void find_nulls(looking *k)
{
    const rulebook_workflow *w = k->w;
    if (k->known)
        return;
    k->known = true;
    k->null = 0;
    for (uint32_t i = 0; i < w->clock_count && i < MOST_CLOCKS && k->reached[k->state]; i++) {
        if ((k->by != NULL && is_mark(&w->clocks[i], k->by)) || (k->timer != NULL && timer_reads(k, k->timer, i)))
            continue;
        k->paused[i] = pause_at(k, &w->clocks[i]);
        const bool *later = k->paused[i] == NULL && k->state != CHART_ROOT && k->where == GUARD ? states_after(k, i) : NULL;
        if (k->paused[i] != NULL || (later != NULL && !later[k->state]))
            k->null |= UINT64_C(1) << i;
    }
}

static void go_to(looking *k, uint32_t state, const chart_transition *by, const rulebook_timer *timer, spot where)
{
    k->state = state;
    k->by = by;
    k->timer = timer;
    k->where = where;
    k->known = false;
}

/* ---- one workflow ---- */

static void look_at_transitions(looking *k)
{
    const rulebook_workflow *w = k->w;
    for (uint32_t i = 0; i < chart_transition_count(w->chart) && !rb_out(k->l); i++) {
        const rulebook_transition *t = &w->transitions[i];
        const chart_transition *tr = chart_transition_at(w->chart, i);
        const rulebook_timer *timer = t->timer != RULEBOOK_NONE ? &w->timers[t->timer] : NULL;
        const expr_program *when = t->guard != RULEBOOK_NONE ? w->guards[t->guard].when : NULL;
        go_to(k, tr->source, tr, timer, GUARD);
        look(k, when, 0);
        if (t->block == RULEBOOK_NONE)
            continue;
        go_to(k, tr->source, tr, timer, ACTIONS);
        look_at_block(k, &w->blocks[t->block], when != NULL ? sure(k, expr_program_root(when), true) : 0);
    }
}

static void look_at_states(looking *k)
{
    const rulebook_workflow *w = k->w;
    for (uint32_t s = 0; s < chart_state_count(w->chart) && !rb_out(k->l); s++) {
        size_t entries, exits;
        const uint32_t *in = chart_entry_blocks(w->chart, s, &entries), *out = chart_exit_blocks(w->chart, s, &exits);
        go_to(k, s, NULL, NULL, ENTRY_OR_EXIT);
        for (size_t i = 0; i < entries; i++)
            look_at_block(k, &w->blocks[in[i]], 0);
        for (size_t i = 0; i < exits; i++)
            look_at_block(k, &w->blocks[out[i]], 0);
        for (uint32_t i = 0; i < w->states[s].timer_count; i++)
            look_at_length(k, &w->timers[w->states[s].timers[i]].delay, 0);
    }
}

void rb_doubt_dues(rulebook_loader *l, const rulebook_workflow *w, const bool *reached)
{
    looking k = {.l = l, .w = w, .reached = reached};
    if (w->clock_count == 0 || chart_state_count(w->chart) > MOST_STATES)
        return;
    look_at_transitions(&k);
    look_at_states(&k);
    for (size_t i = 0; i < MOST_CLOCKS; i++)
        base_free(l->rb->alloc, k.later[i]);
}
