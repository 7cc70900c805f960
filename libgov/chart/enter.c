/* Which states a transition leaves and enters: the sets of SCXML's appendix D. */
#include "chart/layout.h"

/* Does the history state hold anything? While compiling nobody knows. */
static const uint64_t *held(chart_entry *e, uint32_t history)
{
    if (e->state == NULL) {
        e->depends = true;
        return NULL;
    }
    const uint64_t *row = state_history(e->c, e->state, e->c->nodes[history].slot);
    return bit_any(row, e->c->words, 0, CHART_NONE - 1) ? row : NULL;
}

/* Once each, so that there is room for all. */
static void note_default(chart_entry *e, uint32_t history)
{
    for (uint32_t i = 0; i < e->defaulted_count; i++)
        if (e->defaulted[i] == history)
            return;
    e->defaulted[e->defaulted_count++] = history;
}

static void enter_history(chart_entry *e, uint32_t history)
{
    const chart_node *n = &e->c->nodes[history];
    const uint64_t *row = held(e, history);
    if (e->depends)
        return;
    if (row != NULL) {
        for (uint32_t s = bit_next(row, e->c->words, 0); s != CHART_NONE;
             s = bit_next(row, e->c->words, s + 1))
            chart_enter_inside(e, s);
        for (uint32_t s = bit_next(row, e->c->words, 0); s != CHART_NONE;
             s = bit_next(row, e->c->words, s + 1))
            chart_enter_up(e, s, n->parent);
        return;
    }
    if (n->block != CHART_NONE)
        note_default(e, history);
    for (uint32_t i = 0; i < n->initial.count; i++)
        chart_enter_inside(e, n->initial.items[i]);
    for (uint32_t i = 0; i < n->initial.count; i++)
        chart_enter_up(e, n->initial.items[i], n->parent);
}

/* Regions in which nothing is entered yet are entered by default. */
static void fill_regions(chart_entry *e, uint32_t parallel)
{
    const chart_list *children = &e->c->nodes[parallel].children;
    for (uint32_t i = 0; i < children->count; i++) {
        const uint32_t child = children->items[i];
        const uint32_t last = e->c->nodes[child].last;
        if (child == last || !bit_any(e->enter, e->c->words, child + 1, last))
            chart_enter_inside(e, child);
    }
}

void chart_enter_inside(chart_entry *e, uint32_t state)
{
    const chart_node *n = &e->c->nodes[state];
    if (kind_is_history(n->kind)) {
        enter_history(e, state);
        return;
    }
    bit_add(e->enter, state);
    if (n->kind == CHART_COMPOUND) {
        bit_add(e->dflt, state);
        for (uint32_t i = 0; i < n->initial.count; i++)
            chart_enter_inside(e, n->initial.items[i]);
        for (uint32_t i = 0; i < n->initial.count; i++)
            chart_enter_up(e, n->initial.items[i], state);
    } else if (n->kind == CHART_PARALLEL) {
        fill_regions(e, state);
    }
}

void chart_enter_up(chart_entry *e, uint32_t state, uint32_t top)
{
    for (uint32_t s = e->c->nodes[state].parent; s != top && s != CHART_NONE;
         s = e->c->nodes[s].parent) {
        bit_add(e->enter, s);
        if (e->c->nodes[s].kind == CHART_PARALLEL)
            fill_regions(e, s);
    }
}

/* Ancestors of the effective targets: a history stands for the states it leads to. */
static void enter_up_effective(chart_entry *e, uint32_t target, uint32_t top)
{
    const chart_node *n = &e->c->nodes[target];
    if (!kind_is_history(n->kind)) {
        chart_enter_up(e, target, top);
        return;
    }
    const uint64_t *row = held(e, target);
    if (e->depends)
        return;
    if (row == NULL) {
        for (uint32_t i = 0; i < n->initial.count; i++)
            enter_up_effective(e, n->initial.items[i], top);
        return;
    }
    for (uint32_t s = bit_next(row, e->c->words, 0); s != CHART_NONE;
         s = bit_next(row, e->c->words, s + 1))
        chart_enter_up(e, s, top);
}

void chart_enter_targets(chart_entry *e, const chart_transition *t, uint32_t domain)
{
    for (size_t i = 0; i < t->target_count; i++)
        chart_enter_inside(e, t->targets[i]);
    for (size_t i = 0; i < t->target_count; i++)
        enter_up_effective(e, t->targets[i], domain);
}

/* Are all effective states of the target inside `top`? */
static bool target_inside(const chart *c, chart_state *s, uint32_t target, uint32_t top)
{
    const chart_node *n = &c->nodes[target];
    if (!kind_is_history(n->kind) || s == NULL)
        return node_inside(c, target, top);
    const uint64_t *row = state_history(c, s, n->slot);
    bool any = false;
    for (uint32_t i = bit_next(row, c->words, 0); i != CHART_NONE;
         i = bit_next(row, c->words, i + 1)) {
        if (!node_inside(c, i, top))
            return false;
        any = true;
    }
    for (uint32_t i = 0; !any && i < n->initial.count; i++)
        if (!target_inside(c, s, n->initial.items[i], top))
            return false;
    return true;
}

static bool all_inside(const chart *c, chart_state *s, const chart_transition *t, uint32_t top)
{
    for (size_t i = 0; i < t->target_count; i++)
        if (!target_inside(c, s, t->targets[i], top))
            return false;
    return true;
}

uint32_t chart_domain(const chart *c, chart_state *s, const chart_transition *t)
{
    if (t->target_count == 0)
        return CHART_NONE;
    if (t->source == CHART_ROOT)
        return CHART_ROOT;
    if (t->internal && c->nodes[t->source].kind == CHART_COMPOUND && all_inside(c, s, t, t->source))
        return t->source;
    uint32_t top = c->nodes[t->source].parent;
    while (top != CHART_ROOT && (c->nodes[top].kind != CHART_COMPOUND || !all_inside(c, s, t, top)))
        top = c->nodes[top].parent;
    return top;
}
