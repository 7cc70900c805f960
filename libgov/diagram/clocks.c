/* In which states a clock may run, and a clock's account in words.
 *
 * Where it may run follows from the chart alone: statuses are carried along the transitions, guards aside, until nothing
 * new comes out. A clock that may run in a state on some way is shown there. */
#include "diagram/inner.h"

#include <string.h>

enum { MAX_CLOCKS = 16, OFF = 1, ON = 2 };

/* ---- where it runs ---- */

typedef struct spread {
    diagram_job *g;
    const rulebook_clock *clock;
    uint32_t states;
    uint8_t *status; /* by state: OFF, ON or both; leaves only */
    bool *entered;
    bool more;
} spread;

static bool inside(const diagram_job *g, uint32_t state, uint32_t outer)
{
    return state >= outer && state <= chart_last(g->c, outer);
}

static bool is_leaf(const diagram_job *g, uint32_t s)
{
    const chart_kind kind = chart_kind_of(g->c, s);
    return kind == CHART_ATOMIC || kind == CHART_FINAL;
}

/* The leaves that are active after the state was entered. */
static void enter(spread *s, uint32_t state)
{
    const chart *c = s->g->c;
    const chart_kind kind = chart_kind_of(c, state);
    size_t count;
    if (is_leaf(s->g, state)) {
        s->entered[state] = true;
    } else if (kind == CHART_PARALLEL) {
        for (uint32_t k = state + 1; k <= chart_last(c, state); k = chart_last(c, k) + 1)
            if (chart_kind_of(c, k) != CHART_SHALLOW && chart_kind_of(c, k) != CHART_DEEP)
                enter(s, k);
    } else if (kind == CHART_COMPOUND) {
        const uint32_t *initial = chart_initial(c, state, &count, NULL);
        for (size_t i = 0; i < count; i++)
            enter(s, initial[i]);
    } else { /* a history: whatever is around it */
        const uint32_t around = chart_parent(c, state);
        for (uint32_t k = around + 1; k <= chart_last(c, around); k++)
            if (is_leaf(s->g, k))
                s->entered[k] = true;
    }
}

static uint8_t apply(uint8_t status, bool starts, bool stops, bool surely)
{
    const uint8_t after = stops ? OFF : starts ? ON : status;
    return surely ? after : (uint8_t)(after | status);
}

static bool names_event(const rulebook_triggers *list, const char *name, size_t len)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].state == RULEBOOK_NONE && strlen(list->items[i].name) == len && memcmp(list->items[i].name, name, len) == 0)
            return true;
    return false;
}

static uint8_t after_block(const spread *s, uint8_t status, const rulebook_block *b, bool surely)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const rulebook_action *a = &b->items[i];
        const char *event = a->kind == RULEBOOK_RAISE ? a->as.raise.event : NULL;
        if (a->kind == RULEBOOK_SEND && a->as.send.to == RULEBOOK_TO_SELF && a->as.send.after.kind == RULEBOOK_LENGTH_NONE)
            event = a->as.send.event;
        if (event != NULL)
            status = apply(status, names_event(&s->clock->starts, event, strlen(event)),
                           names_event(&s->clock->stops, event, strlen(event)), surely);
        if (a->kind == RULEBOOK_IF) {
            status |= after_block(s, status, &a->as.branch.then, false);
            status |= after_block(s, status, &a->as.branch.otherwise, false);
        }
    }
    return status;
}

/* What the transition's events, and those that it raises, make of the status. */
static uint8_t after_events(const spread *s, const chart_transition *t, uint8_t status)
{
    uint8_t result = t->event_count == 0 ? status : 0;
    for (size_t i = 0; i < t->event_count; i++) {
        const chart_text *e = &t->events[i];
        uint8_t one = apply(status, names_event(&s->clock->starts, e->s, e->len), names_event(&s->clock->stops, e->s, e->len), true);
        const rulebook_triggers *const lists[] = {&s->clock->starts, &s->clock->stops};
        for (size_t k = 0; k < ARRAY_LEN(lists); k++)
            for (uint32_t j = 0; j < lists[k]->count; j++) {
                const char *name = lists[k]->items[j].name;
                if (lists[k]->items[j].state == RULEBOOK_NONE && strlen(name) != e->len && chart_matches(e->s, e->len, name, strlen(name)))
                    one |= k == 0 ? ON : OFF;
            }
        result |= one;
    }
    return t->block < s->g->w->block_count ? after_block(s, result, &s->g->w->blocks[t->block], true) : result;
}

/* Entering states may start or stop it. `from`: the state that was left, which is not entered again by going outwards.
 * `leaf` NULL: whatever is entered is entered together. */
static uint8_t after_entry(const spread *s, uint8_t status, const uint32_t *leaf, uint32_t from)
{
    const rulebook_triggers *const lists[] = {&s->clock->starts, &s->clock->stops};
    for (size_t k = 0; k < ARRAY_LEN(lists); k++)
        for (uint32_t i = 0; i < lists[k]->count; i++) {
            const uint32_t at = lists[k]->items[i].state;
            bool entered = false;
            if (at == RULEBOOK_NONE || (from != DIAGRAM_NONE && inside(s->g, from, at)))
                continue;
            for (uint32_t j = at; j <= chart_last(s->g->c, at); j++)
                entered |= leaf != NULL ? j == *leaf : s->entered[j];
            if (entered)
                status = k == 0 ? ON : OFF;
        }
    return status;
}

static void put(spread *s, uint32_t leaf, uint8_t status)
{
    const uint8_t sum = s->status[leaf] | status;
    s->more |= sum != s->status[leaf];
    s->status[leaf] = sum;
}

static bool side_by_side(const diagram_job *g, uint32_t a, uint32_t b)
{
    uint32_t s = a;
    while (!inside(g, b, s))
        s = chart_parent(g->c, s);
    return s != a && s != b && chart_kind_of(g->c, s) == CHART_PARALLEL;
}

/* The statuses that are possible while `state` is active: any of a compound state's, but in every region the same.
 * `ended`: only where the state is complete. */
static uint8_t status_in(const spread *s, uint32_t state, bool ended)
{
    const chart *c = s->g->c;
    const bool parallel = chart_kind_of(c, state) == CHART_PARALLEL;
    uint8_t sum = parallel ? OFF | ON : 0;
    if (is_leaf(s->g, state))
        return ended && chart_kind_of(c, state) != CHART_FINAL ? 0 : s->status[state];
    for (uint32_t k = state + 1; k <= chart_last(c, state); k = chart_last(c, k) + 1) {
        if (chart_kind_of(c, k) == CHART_SHALLOW || chart_kind_of(c, k) == CHART_DEEP)
            continue;
        const uint8_t one = status_in(s, k, ended);
        sum = parallel ? (uint8_t)(sum & one) : (uint8_t)(sum | one);
    }
    return sum;
}

static bool is_done(const chart_transition *t)
{
    return t->event_count == 1 && t->events[0].len > 11 && memcmp(t->events[0].s, "done.state.", 11) == 0;
}

static void follow(spread *s, const chart_transition *t)
{
    const uint8_t before = status_in(s, t->source, is_done(t));
    bool history = false;
    if (before == 0)
        return;
    memset(s->entered, 0, s->states * sizeof *s->entered);
    for (size_t i = 0; i < t->target_count; i++) {
        const chart_kind kind = chart_kind_of(s->g->c, t->targets[i]);
        history |= kind == CHART_SHALLOW || kind == CHART_DEEP;
        enter(s, t->targets[i]);
    }
    const uint8_t after = after_events(s, t, before);
    for (uint32_t leaf = 0; leaf < s->states; leaf++) {
        const bool own = inside(s->g, leaf, t->source);
        if (s->status[leaf] != 0 && is_leaf(s->g, leaf) &&
            ((own && t->target_count == 0) || (!own && side_by_side(s->g, leaf, t->source))))
            put(s, leaf, after_entry(s, after_events(s, t, s->status[leaf]), NULL, t->source));
        if (s->entered[leaf])
            put(s, leaf, after_entry(s, after, history ? &leaf : NULL, t->source));
    }
}

static void spread_clock(spread *s, uint8_t *row)
{
    const uint32_t transitions = (uint32_t)chart_transition_count(s->g->c);
    memset(s->status, 0, s->states);
    memset(s->entered, 0, s->states * sizeof *s->entered);
    enter(s, CHART_ROOT);
    for (uint32_t leaf = 0; leaf < s->states; leaf++)
        if (s->entered[leaf])
            s->status[leaf] = after_entry(s, OFF, NULL, DIAGRAM_NONE);
    s->more = true;
    for (uint32_t pass = 0; s->more && pass < 64; pass++) {
        s->more = false;
        for (uint32_t i = 0; i < transitions; i++)
            follow(s, chart_transition_at(s->g->c, i));
    }
    for (uint32_t leaf = 0; leaf < s->states; leaf++) {
        if ((s->status[leaf] & ON) == 0 || chart_kind_of(s->g->c, leaf) != CHART_ATOMIC)
            continue;
        row[leaf] = DIAGRAM_CLOCK_RUNS;
        for (uint32_t i = 0; i < s->clock->paused_in.count; i++)
            if (s->clock->paused_in.items[i].state != RULEBOOK_NONE && inside(s->g, leaf, s->clock->paused_in.items[i].state))
                row[leaf] = DIAGRAM_CLOCK_PAUSED;
    }
}

uint8_t *diagram_clock_uses(diagram_job *g)
{
    const uint32_t states = (uint32_t)chart_state_count(g->c), clocks = g->w->clock_count;
    spread s = {.g = g, .states = states};
    uint8_t *uses = diagram_alloc(g, (size_t)states * (clocks + 1), 1);
    s.status = diagram_alloc(g, states, 1);
    s.entered = diagram_alloc(g, states, sizeof *s.entered);
    for (uint32_t i = 0; !g->failed && i < clocks && i < MAX_CLOCKS; i++) {
        s.clock = &g->w->clocks[i];
        spread_clock(&s, uses + (size_t)i * states);
    }
    return uses;
}

/* ---- in words ---- */

static void say_triggers(diagram_job *g, base_buf *b, const rulebook_triggers *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0)
            base_buf_str(b, diagram_say_word(g, DIAGRAM_W_comma));
        if (list->items[i].state != RULEBOOK_NONE)
            base_buf_str(b, diagram_state_title(g, list->items[i].state));
        else
            diagram_say_event(g, b, list->items[i].name, strlen(list->items[i].name));
    }
}

static void say_marks(diagram_job *g, base_buf *b, const rulebook_clock *c)
{
    for (uint32_t i = 0; i < c->mark_count; i++) {
        const rulebook_mark *m = &c->marks[i];
        if (i > 0)
            base_buf_str(b, diagram_say_word(g, DIAGRAM_W_semicolon));
        if (m->is_percent) {
            base_buf_int(b, m->percent);
            base_buf_char(b, '%');
        } else {
            base_buf_str(b, diagram_say_word(g, DIAGRAM_W_overdue_mark));
            diagram_say_duration(g, b, &m->after);
        }
        base_buf_str(b, " → ");
        diagram_say_event(g, b, m->event, strlen(m->event));
    }
}

static void say_extension(diagram_job *g, base_buf *b, const rulebook_clock *c)
{
    diagram_say_event(g, b, c->extend.event, strlen(c->extend.event));
    base_buf_str(b, ": ");
    diagram_say_duration(g, b, &c->extend.amount);
    if (c->extend.at_most.kind != RULEBOOK_LENGTH_NONE) {
        base_buf_str(b, diagram_say_word(g, DIAGRAM_W_comma));
        base_buf_str(b, diagram_say_word(g, DIAGRAM_W_at_most));
        diagram_say_duration(g, b, &c->extend.at_most);
    }
    if (c->extend.times >= 0) {
        base_buf_str(b, diagram_say_word(g, DIAGRAM_W_comma));
        base_buf_int(b, c->extend.times);
        base_buf_str(b, c->extend.times == 1 && !g->zh ? " time" : diagram_say_word(g, DIAGRAM_W_times));
    }
    if (c->extend.before_breach) {
        base_buf_str(b, diagram_say_word(g, DIAGRAM_W_comma));
        base_buf_str(b, diagram_say_word(g, DIAGRAM_W_before_breach));
    }
}

static void say_due(base_buf *b, const rulebook_clock *c)
{
    size_t len = 0;
    const char *s = expr_program_source(c->due, &len);
    base_buf_add(b, s, len);
}

typedef struct terms {
    diagram_term *items;
    uint32_t count;
} terms;

static void add(diagram_job *g, terms *t, diagram_word term, base_buf *b)
{
    const bool empty = b->len == 0 && !b->failed;
    const char *words = diagram_keep(g, b);
    if (!empty && !g->failed)
        t->items[t->count++] = (diagram_term){diagram_say_word(g, term), words};
    base_buf_init(b, g->alloc);
}

diagram_term *diagram_clock_terms(diagram_job *g, uint32_t clock, uint32_t *count)
{
    const rulebook_clock *c = &g->w->clocks[clock];
    terms t = {diagram_alloc(g, 12, sizeof *t.items), 0};
    base_buf b;
    base_buf_init(&b, g->alloc);
    if (c->due != NULL)
        say_due(&b, c);
    add(g, &t, DIAGRAM_W_due, &b);
    diagram_say_duration(g, &b, &c->budget);
    if (c->per_holder && b.len > 0) {
        base_buf_str(&b, diagram_say_word(g, DIAGRAM_W_comma));
        base_buf_str(&b, diagram_say_word(g, DIAGRAM_W_per_holder));
    }
    add(g, &t, DIAGRAM_W_budget, &b);
    say_triggers(g, &b, &c->starts);
    add(g, &t, DIAGRAM_W_starts, &b);
    say_triggers(g, &b, &c->stops);
    add(g, &t, DIAGRAM_W_stops, &b);
    say_triggers(g, &b, &c->paused_in);
    add(g, &t, DIAGRAM_W_pauses, &b);
    if (c->resumes)
        base_buf_str(&b, diagram_say_word(g, DIAGRAM_W_resume));
    add(g, &t, DIAGRAM_W_again, &b);
    say_marks(g, &b, c);
    add(g, &t, DIAGRAM_W_marks, &b);
    if (c->extend.event != NULL)
        say_extension(g, &b, c);
    add(g, &t, DIAGRAM_W_extend, &b);
    base_buf_str(&b, rulebook_text_in(&c->law, g->lang, ""));
    if (c->roll == CAL_ROLL_NEXT_WORKING_DAY) {
        base_buf_str(&b, b.len > 0 ? diagram_say_word(g, DIAGRAM_W_comma) : "");
        base_buf_str(&b, diagram_say_word(g, DIAGRAM_W_rolls));
    }
    add(g, &t, DIAGRAM_W_law, &b);
    if (c->calendar != NULL && (g->w->calendar == NULL || strcmp(c->calendar, g->w->calendar) != 0))
        base_buf_str(&b, c->calendar);
    add(g, &t, DIAGRAM_W_calendar, &b);
    base_buf_free(&b);
    *count = t.count;
    return t.items;
}
