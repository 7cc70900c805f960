/* Transitions that compile and can never be taken: others are taken wherever they could be, their condition never holds, or what they
 * wait for never comes. */
#include "rulebook/lint.h"

#include <string.h>

/* Why one is never taken: the number of the transition that is taken instead, or one of these. */
#define LET_THROUGH CHART_NONE
#define NOT_HELD    (CHART_NONE - 1)
#define NOT_DONE    (CHART_NONE - 2)
#define OVERTAKEN   (CHART_NONE - 3)

typedef struct looking {
    const rulebook_workflow *w;
    const bool *reached;    /* by state, as far as that is known */
    uint32_t *first, *next; /* the transitions of a state, in the order in which they are tried */
    uint32_t *why;          /* by transition: what was found */
    uint32_t late;          /* the one that is doubted */
    const chart_text *event; /* of its descriptors; NULL: it waits for no event */
    const rulebook_names *who; /* then: the roles that may send it, NULL where they do not count */
    uint32_t taker;         /* one that is taken instead */
} looking;

/* ---- is one taken wherever another one could be? ---- */

/* Is the transition's condition settled, whatever the case? */
static bool settled(const rulebook_workflow *w, uint32_t i, bool *holds)
{
    const uint32_t guard = w->transitions[i].guard;
    *holds = guard == CHART_NONE;
    return guard == CHART_NONE || rb_settled(w->guards[guard].when, holds);
}

/* Who may take the doubted one: those with a role of its own `by`, else of the event's; NULL: the host and rules alone, or anybody. */
static const rulebook_names *who_comes(const looking *k)
{
    const rulebook_names *own = &k->w->transitions[k->late].by;
    if (own->count > 0 || k->event == NULL)
        return own->count > 0 ? own : NULL;
    for (uint32_t i = 0; i < k->w->event_count; i++) {
        const rulebook_event *e = &k->w->events[i];
        if (strlen(e->name) == k->event->len && memcmp(e->name, k->event->s, k->event->len) == 0)
            return e->by.count > 0 ? &e->by : NULL;
    }
    return NULL;
}

/* Does the earlier one admit all of them? */
static bool admits(const looking *k, uint32_t early)
{
    const rulebook_names *by = &k->w->transitions[early].by;
    for (uint32_t i = 0; by->count > 0 && k->who != NULL && i < k->who->count; i++)
        if (!rulebook_has_name(by, k->who->items[i]))
            return false;
    return by->count == 0 || k->who != NULL;
}

/* Does the transition let through everybody who comes, whatever the case? */
static bool always_open(const rulebook_workflow *w, uint32_t i)
{
    bool holds;
    return w->transitions[i].by.count == 0 && settled(w, i, &holds) && holds;
}

static bool lets_through(const looking *k, uint32_t early)
{
    const rulebook_workflow *w = k->w;
    const rulebook_transition *a = &w->transitions[early], *b = &w->transitions[k->late];
    bool holds;
    if (!admits(k, early))
        return false;
    if (settled(w, early, &holds))
        return holds;
    size_t n, m;
    const expr_program *p = w->guards[a->guard].when, *q = b->guard != CHART_NONE ? w->guards[b->guard].when : NULL;
    const char *s = p != NULL ? expr_program_source(p, &n) : NULL;
    const char *t = q != NULL ? expr_program_source(q, &m) : NULL;
    return s != NULL && t != NULL && n == m && memcmp(s, t, n) == 0;
}

static bool waits_for(const chart_transition *t, const chart_text *event)
{
    for (size_t i = 0; i < t->event_count; i++)
        if (chart_matches(t->events[i].s, t->events[i].len, event->s, event->len))
            return true;
    return false;
}

/* Is the transition i taken where the doubted one waits? Eventless ones are tried before any event comes. */
static bool takes(const looking *k, uint32_t i)
{
    const chart_transition *t = chart_transition_at(k->w->chart, i);
    if (i == k->late)
        return false;
    if (t->event_count == 0)
        return t->target_count > 0 && (k->event != NULL ? always_open(k->w, i) : lets_through(k, i));
    return k->event != NULL && waits_for(t, k->event) && lets_through(k, i);
}

/* ---- in a state and inside of it ---- */

static bool taken_at(looking *k, uint32_t state, bool leaves)
{
    for (uint32_t i = k->first[state]; i != CHART_NONE; i = k->next[i])
        if (takes(k, i) && (!leaves || chart_transition_at(k->w->chart, i)->target_count > 0)) {
            k->taker = i;
            return true;
        }
    return false;
}

/* Does anything inside the state handle the event and stay where it is? */
static bool stays_inside(const looking *k, uint32_t state)
{
    for (uint32_t s = state + 1; s <= chart_last(k->w->chart, state); s++)
        for (uint32_t i = k->first[s]; i != CHART_NONE; i = k->next[i]) {
            const chart_transition *t = chart_transition_at(k->w->chart, i);
            if (t->target_count == 0 && (k->event == NULL ? t->event_count == 0 : waits_for(t, k->event)))
                return true;
        }
    return false;
}

static bool is_place(const looking *k, uint32_t state)
{
    const chart_kind kind = chart_kind_of(k->w->chart, state);
    return kind != CHART_SHALLOW && kind != CHART_DEEP && k->reached[state];
}

typedef bool inside_fn(looking *k, uint32_t state);

static bool all_inside(looking *k, uint32_t state, inside_fn *holds)
{
    size_t count = 0;
    for (uint32_t s = state + 1; s <= chart_last(k->w->chart, state); s = chart_last(k->w->chart, s) + 1)
        if (is_place(k, s) && ++count > 0 && !holds(k, s))
            return false;
    return count > 0;
}

static bool any_inside(looking *k, uint32_t state, inside_fn *holds)
{
    for (uint32_t s = state + 1; s <= chart_last(k->w->chart, state); s = chart_last(k->w->chart, s) + 1)
        if (is_place(k, s) && holds(k, s))
            return true;
    return false;
}

/* Wherever a case stands inside of the state, does a transition from there leave something? Then one of a state around it, which would
 * leave the same, is not taken. */
static bool preempts(looking *k, uint32_t state)
{
    if (taken_at(k, state, true) && !stays_inside(k, state))
        return true;
    return chart_kind_of(k->w->chart, state) == CHART_PARALLEL ? any_inside(k, state, preempts) : all_inside(k, state, preempts);
}

/* Is what lies inside of the state enough that the doubted transition, of a state around it, is never taken there? */
static bool hidden_in(looking *k, uint32_t state);

static bool hidden_below(looking *k, uint32_t state)
{
    return all_inside(k, state, hidden_in) || (chart_kind_of(k->w->chart, state) == CHART_PARALLEL &&
                                               chart_transition_at(k->w->chart, k->late)->target_count > 0 &&
                                               any_inside(k, state, preempts));
}

static bool hidden_in(looking *k, uint32_t state)
{
    return taken_at(k, state, false) || hidden_below(k, state);
}

/* Which transition is taken wherever the doubted one could be, for this event; LET_THROUGH: none. */
static uint32_t taker_of(looking *k, const chart_text *event)
{
    const uint32_t source = chart_transition_at(k->w->chart, k->late)->source;
    k->event = event;
    k->who = who_comes(k);
    for (uint32_t i = k->first[source]; i != CHART_NONE; i = k->next[i]) {
        const bool before = i < k->late || (event != NULL && chart_transition_at(k->w->chart, i)->event_count == 0);
        if (before && takes(k, i))
            return i;
    }
    for (uint32_t s = source; event != NULL && s != CHART_ROOT;) {
        s = chart_parent(k->w->chart, s);
        for (uint32_t i = k->first[s]; i != CHART_NONE; i = k->next[i])
            if (chart_transition_at(k->w->chart, i)->event_count == 0 && takes(k, i))
                return i;
    }
    return k->reached[source] && hidden_below(k, source) ? k->taker : LET_THROUGH;
}

/* ---- what never comes ---- */

/* Can a case come to the end of the state? */
static bool ends(const looking *k, uint32_t state, uint32_t *endless)
{
    const chart *c = k->w->chart;
    const bool parallel = chart_kind_of(c, state) == CHART_PARALLEL;
    for (uint32_t s = state + 1; s <= chart_last(c, state); s = chart_last(c, s) + 1) {
        if (parallel && is_place(k, s) && !ends(k, s, endless))
            return false;
        if (!parallel && is_place(k, s) && chart_kind_of(c, s) == CHART_FINAL)
            return true;
    }
    *endless = state;
    return parallel;
}

/* The state whose end the descriptor waits for and which has none; CHART_NONE: it is another event, or it may come. */
static uint32_t never_done(const looking *k, const chart_text *event, uint32_t *endless)
{
    static const char prefix[] = "done.state.";
    const size_t n = sizeof prefix - 1;
    if (event->len <= n || memcmp(event->s, prefix, n) != 0)
        return CHART_NONE;
    const uint32_t state = chart_find(k->w->chart, event->s + n, event->len - n);
    return state != CHART_NONE && k->reached[state] && !ends(k, state, endless) ? state : CHART_NONE;
}

/* A timer of the same state that is due before this one, or at the same instant and listed first, and leaves the state. */
static uint32_t overtaken(const looking *k)
{
    const rulebook_workflow *w = k->w;
    const uint32_t timer = w->transitions[k->late].timer;
    if (timer == RULEBOOK_NONE || w->timers[timer].delay.kind != RULEBOOK_LENGTH_FIXED)
        return LET_THROUGH;
    const rulebook_timer *late = &w->timers[timer];
    for (uint32_t i = k->first[late->state]; i != CHART_NONE; i = k->next[i]) {
        const chart_transition *t = chart_transition_at(w->chart, i);
        const rulebook_timer *early = w->transitions[i].timer != RULEBOOK_NONE ? &w->timers[w->transitions[i].timer] : NULL;
        if (early == NULL || early == late || t->target_count == 0 || t->internal || !always_open(w, i) ||
            early->delay.kind != RULEBOOK_LENGTH_FIXED)
            continue;
        const cal_duration a = early->delay.fixed, b = late->delay.fixed; /* an overlay may change named values */
        if (early->delay.value == RULEBOOK_NONE && late->delay.value == RULEBOOK_NONE && a.unit == b.unit && a.unit != CAL_MIXED &&
            early->roll == late->roll && (a.amount < b.amount || (a.amount == b.amount && i < k->late)))
            return i;
    }
    return LET_THROUGH;
}

/* ---- all transitions ---- */

static uint32_t why_never(looking *k)
{
    const chart_transition *t = chart_transition_at(k->w->chart, k->late);
    bool holds;
    uint32_t endless, taker = LET_THROUGH;
    if (settled(k->w, k->late, &holds) && !holds)
        return NOT_HELD;
    if (t->event_count == 0)
        return taker_of(k, NULL);
    if (overtaken(k) != LET_THROUGH)
        return OVERTAKEN;
    bool done = true;
    for (size_t i = 0; i < t->event_count; i++) {
        if (never_done(k, &t->events[i], &endless) != CHART_NONE)
            continue;
        done = false;
        taker = taker_of(k, &t->events[i]);
        if (taker == LET_THROUGH)
            return LET_THROUGH;
    }
    return done ? NOT_DONE : taker;
}

static void tell(rulebook_loader *l, looking *k, uint32_t why)
{
    const rulebook_workflow *w = k->w;
    const rulebook_transition *t = &w->transitions[k->late];
    const chart_text *event = chart_transition_at(w->chart, k->late)->events;
    uint32_t endless = CHART_ROOT;
    if (why == NOT_HELD) {
        rb_warn(l, w->guards[t->guard].place, M_guard_never_holds, A_S("event", t->on));
    } else if (why == NOT_DONE) {
        const uint32_t state = never_done(k, &event[0], &endless);
        rb_warn(l, t->place, M_done_never_comes, A_S("state", state != CHART_NONE ? w->states[state].path : ""),
                A_S("inside", w->states[endless].path));
    } else if (why == OVERTAKEN) {
        rb_warn(l, t->place, M_timer_never_due, A_I("line", w->transitions[overtaken(k)].place.line));
    } else if (why != LET_THROUGH) {
        rb_warn(l, t->place, M_transition_never_taken, A_S("event", t->on), A_I("line", w->transitions[why].place.line));
    }
}

static bool list_by_state(looking *k, const gov_allocator *a)
{
    const size_t states = chart_state_count(k->w->chart), count = chart_transition_count(k->w->chart);
    k->first = base_array(a, states + 2 * count + 1, sizeof *k->first);
    if (k->first == NULL)
        return false;
    k->next = k->first + states;
    k->why = k->next + count;
    memset(k->first, 0xff, (states + count) * sizeof *k->first);
    for (uint32_t i = (uint32_t)count; i-- > 0;) {
        const uint32_t source = chart_transition_at(k->w->chart, i)->source;
        k->next[i] = k->first[source];
        k->first[source] = i;
    }
    return true;
}

static size_t count_reached(const looking *k)
{
    size_t n = 0;
    for (size_t s = 0; s < chart_state_count(k->w->chart); s++)
        n += k->reached[s];
    return n;
}

gov_status rb_doubt_transitions(rulebook_loader *l, const rulebook_workflow *w, bool *never, bool *reached)
{
    enum { ROUNDS = 4 }; /* what is never taken may leave states unreached, and they others untaken */
    const uint32_t count = (uint32_t)chart_transition_count(w->chart);
    looking k = {.w = w, .reached = reached};
    size_t before = 0, now = 0;
    gov_status status = chart_reachable(w->chart, reached, l->d);
    if (status == GOV_OK && !list_by_state(&k, l->rb->alloc))
        status = base_nomem(l->d);
    for (int round = 0; status == GOV_OK && round < ROUNDS && (round == 0 || now != before); round++) {
        before = count_reached(&k);
        for (k.late = 0; k.late < count; k.late++) {
            k.why[k.late] = never[k.late] ? k.why[k.late] : why_never(&k);
            never[k.late] = k.why[k.late] != LET_THROUGH;
        }
        status = chart_reachable_without(w->chart, never, reached, l->d);
        now = count_reached(&k);
    }
    for (k.late = 0; status == GOV_OK && k.late < count; k.late++)
        if (never[k.late])
            tell(l, &k, k.why[k.late]);
    base_free(l->rb->alloc, k.first);
    return status;
}
