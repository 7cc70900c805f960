/* Mistakes that a chart may have and still run: states that nothing enters, states that nothing leaves, and
 * eventless transitions in a circle. */
#include "chart/layout.h"

#include <string.h>

/* Room for one entry set, with histories that hold nothing. */
typedef struct probe {
    const chart *c;
    chart_state *empty;
    uint64_t *enter, *dflt;
    uint32_t *defaulted;
} probe;

static bool probe_make(probe *p, const chart *c, base_arena *arena)
{
    *p = (probe){.c = c};
    p->empty = base_arena_alloc(arena, chart_state_size(c));
    p->enter = base_arena_array(arena, c->words, sizeof *p->enter);
    p->dflt = base_arena_array(arena, c->words, sizeof *p->dflt);
    p->defaulted = base_arena_array(arena, (size_t)c->history_count + 1, sizeof *p->defaulted);
    return p->empty != NULL && p->enter != NULL && p->dflt != NULL && p->defaulted != NULL;
}

static chart_entry probe_entry(probe *p)
{
    memset(p->enter, 0, p->c->words * sizeof *p->enter);
    memset(p->dflt, 0, p->c->words * sizeof *p->dflt);
    return (chart_entry){p->c, p->empty, false, p->enter, p->dflt, p->defaulted, 0};
}

/* A transition to a history may leave more than it does while the history holds nothing, so it is taken to enter
 * all regions around its targets. */
static void probe_arrow(probe *p, uint32_t arrow)
{
    const chart_route *r = &p->c->routes[arrow];
    chart_entry e = probe_entry(p);
    chart_enter_targets(&e, &p->c->arrows[arrow], r->by_history ? CHART_ROOT : r->domain);
}

static bool merge(const chart *c, const uint64_t *row, bool *reached)
{
    bool fresh = false;
    for (uint32_t s = bit_next(row, c->words, 0); s != CHART_NONE;
         s = bit_next(row, c->words, s + 1)) {
        fresh = fresh || !reached[s];
        reached[s] = true;
    }
    return fresh;
}

static void mark_histories(const chart_transition *t, bool *reached)
{
    for (size_t i = 0; i < t->target_count; i++)
        reached[t->targets[i]] = true;
}

/* A shallow history enters the child that it holds by default, which may be more than was ever entered so far. */
static bool merge_shallow(probe *p, bool *reached)
{
    const chart *c = p->c;
    bool fresh = false;
    for (uint32_t i = 0; i < c->history_count; i++) {
        const chart_node *h = &c->nodes[c->histories[i]];
        const chart_list *children = &c->nodes[h->parent].children;
        for (uint32_t k = 0; h->kind == CHART_SHALLOW && k < children->count; k++) {
            if (!reached[children->items[k]])
                continue;
            chart_entry e = probe_entry(p);
            chart_enter_inside(&e, children->items[k]);
            fresh = merge(c, p->enter, reached) || fresh;
        }
    }
    return fresh;
}

gov_status chart_reachable(const chart *c, bool *reached, const diag *d)
{
    return chart_reachable_without(c, NULL, reached, d);
}

gov_status chart_reachable_without(const chart *c, const bool *never, bool *reached, const diag *d)
{
    base_arena arena;
    probe p;
    base_arena_init(&arena, c->arena.alloc);
    if (!probe_make(&p, c, &arena)) {
        base_arena_free(&arena);
        return base_nomem(d);
    }
    memset(reached, 0, c->count * sizeof *reached);
    chart_entry e = probe_entry(&p);
    chart_enter_inside(&e, CHART_ROOT);
    for (bool more = merge(c, p.enter, reached); more;) {
        more = merge_shallow(&p, reached);
        for (uint32_t i = 0; i < c->arrow_count; i++) {
            if (c->arrows[i].target_count == 0 || !reached[c->arrows[i].source] || (never != NULL && never[i]))
                continue;
            probe_arrow(&p, i);
            more = merge(c, p.enter, reached) || more;
            mark_histories(&c->arrows[i], reached);
        }
    }
    /* An initial state or a default that is a history counts with its parent. */
    for (uint32_t s = 0; s < c->count; s++)
        for (uint32_t i = 0; reached[s] && i < c->nodes[s].initial.count; i++)
            if (kind_is_history(c->nodes[c->nodes[s].initial.items[i]].kind))
                reached[c->nodes[s].initial.items[i]] = true;
    base_arena_free(&arena);
    return GOV_OK;
}

/* Can both be active at once? */
static bool together(const chart *c, uint32_t x, uint32_t y)
{
    if (x == y || node_inside(c, x, y) || node_inside(c, y, x))
        return true;
    uint32_t around = c->nodes[x].parent;
    while (!node_inside(c, y, around))
        around = c->nodes[around].parent;
    return c->nodes[around].kind == CHART_PARALLEL;
}

bool chart_dead_end(const chart *c, uint32_t state)
{
    return chart_dead_end_without(c, NULL, state);
}

bool chart_dead_end_without(const chart *c, const bool *never, uint32_t state)
{
    if (c->nodes[state].kind != CHART_ATOMIC)
        return false;
    for (uint32_t i = 0; i < c->arrow_count; i++) {
        const uint32_t domain = c->routes[i].domain;
        const chart_transition *t = &c->arrows[i];
        if ((t->target_count == 1 && t->targets[0] == state) || (never != NULL && never[i]))
            continue; /* comes back at once, or does not happen */
        if (domain != CHART_NONE && node_inside(c, state, domain) &&
            together(c, state, c->arrows[i].source))
            return false;
    }
    return true;
}

/* Of the transitions that happen at once by themselves and leave their state, the one around the leaf that does so first: the
 * outermost. One with a guard may come to an end. */
static uint32_t prompt_arrow(const chart *c, uint32_t leaf, const bool *prompt)
{
    uint32_t found = CHART_NONE;
    for (uint32_t s = leaf; prompt != NULL && s != CHART_NONE; s = c->nodes[s].parent) {
        uint32_t first = CHART_NONE;
        for (uint32_t i = 0; i < c->arrow_count && first == CHART_NONE; i++)
            if (prompt[i] && c->arrows[i].source == s && c->arrows[i].target_count > 0 && !c->arrows[i].internal)
                first = i;
        if (first != CHART_NONE && c->arrows[first].guard != CHART_NONE)
            return CHART_NONE;
        found = first != CHART_NONE ? first : found;
    }
    return found;
}

/* The eventless transition that a stay in the leaf surely ends with: the first that is tried, if it has no guard. */
static uint32_t sure_arrow(const chart *c, uint32_t leaf, const bool *prompt)
{
    const chart_word *w = &c->events[WORD_ALWAYS];
    for (uint32_t s = leaf; s != CHART_NONE; s = c->nodes[s].parent) {
        if (!bit_has(w->has, s))
            continue;
        const uint32_t first = word_arrows(w, s).items[0];
        return c->arrows[first].guard == CHART_NONE ? first : CHART_NONE;
    }
    return prompt_arrow(c, leaf, prompt);
}

/* A leaf that the sure transition enters and that is itself `circling`. */
static uint32_t next_circling(probe *p, uint32_t arrow, const uint64_t *circling)
{
    const chart *c = p->c;
    probe_arrow(p, arrow);
    for (uint32_t k = 0; k < c->words; k++)
        p->enter[k] &= circling[k];
    return bit_next(p->enter, c->words, 0);
}

gov_status chart_always_cycle(const chart *c, uint32_t *transition, const diag *d)
{
    return chart_prompt_cycle(c, NULL, transition, d);
}

gov_status chart_prompt_cycle(const chart *c, const bool *prompt, uint32_t *transition, const diag *d)
{
    base_arena arena;
    probe p;
    *transition = CHART_NONE;
    base_arena_init(&arena, c->arena.alloc);
    uint64_t *circling = base_arena_array(&arena, c->words, sizeof *circling);
    if (circling == NULL || !probe_make(&p, c, &arena)) {
        base_arena_free(&arena);
        return base_nomem(d);
    }
    for (uint32_t s = 0; s < c->count; s++)
        if (bit_has(c->leaves, s) && sure_arrow(c, s, prompt) != CHART_NONE)
            bit_add(circling, s);
    /* Strike out those that lead out of the circle until all that is left goes round. */
    for (bool more = true; more;) {
        more = false;
        for (uint32_t s = bit_next(circling, c->words, 0); s != CHART_NONE;
             s = bit_next(circling, c->words, s + 1)) {
            const uint32_t t = sure_arrow(c, s, prompt);
            if (c->arrows[t].target_count > 0 && next_circling(&p, t, circling) == CHART_NONE) {
                bit_drop(circling, s);
                more = true;
            }
        }
    }
    uint32_t at = bit_next(circling, c->words, 0);
    for (uint32_t i = 0; at != CHART_NONE && i <= c->count; i++) {
        *transition = sure_arrow(c, at, prompt);
        if (c->arrows[*transition].target_count == 0)
            break;
        at = next_circling(&p, *transition, circling);
    }
    base_arena_free(&arena);
    return GOV_OK;
}
