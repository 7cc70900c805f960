/* From a builder to a chart: check the structure, lay it out, know beforehand what can be known. */
#include "chart/builder.h"

#include <string.h>

typedef struct compiling {
    const chart_builder *b;
    chart *c;
    const diag *d;
    gov_status status; /* the first mistake's; NOMEM beats all */
} compiling;

static void note(compiling *k, gov_status status)
{
    if (k->status == GOV_OK || status == GOV_E_NOMEM)
        k->status = status;
}

static const char *kind_word(chart_kind kind)
{
    switch (kind) {
    case CHART_PARALLEL: return "parallel";
    case CHART_FINAL: return "final";
    case CHART_SHALLOW:
    case CHART_DEEP: return "history";
    default: return "compound";
    }
}

#define fault(k, place, ...) note((k), base_fail_at((k)->d, (place), __VA_ARGS__))

/* ---- layout ---- */

static bool list_of(chart *c, const uint32_t *items, uint32_t count, chart_list *out)
{
    uint32_t *copy = base_arena_array(&c->arena, count, sizeof *copy);
    if (copy == NULL)
        return false;
    if (count > 0)
        memcpy(copy, items, count * sizeof *copy);
    *out = (chart_list){copy, count};
    return true;
}

static bool list_of_chain(chart *c, const block_chain *chain, chart_list *out)
{
    uint32_t *copy = base_arena_array(&c->arena, chain->count, sizeof *copy);
    uint32_t n = 0;
    if (copy == NULL)
        return false;
    for (const block_link *l = chain->first; l != NULL; l = l->next)
        copy[n++] = l->block;
    *out = (chart_list){copy, n};
    c->acting = c->acting || n > 0;
    return true;
}

static bool list_children(compiling *k, uint32_t state)
{
    const draft_state *states = k->b->states;
    chart_node *n = &k->c->nodes[state];
    uint32_t real = 0, past = 0;
    for (uint32_t s = states[state].first_child; s != CHART_NONE; s = states[s].next)
        *(kind_is_history(states[s].kind) ? &past : &real) += 1;
    uint32_t *children = base_arena_array(&k->c->arena, real, sizeof *children);
    uint32_t *histories = base_arena_array(&k->c->arena, past, sizeof *histories);
    if (children == NULL || histories == NULL)
        return false;
    n->children = (chart_list){children, real};
    n->histories = (chart_list){histories, past};
    for (uint32_t s = states[state].first_child; s != CHART_NONE; s = states[s].next)
        *(kind_is_history(states[s].kind) ? histories++ : children++) = s;
    return true;
}

static bool set_path(chart *c, uint32_t state)
{
    chart_node *n = &c->nodes[state];
    const chart_node *up = state != CHART_ROOT ? &c->nodes[n->parent] : NULL;
    const uint32_t before = up != NULL && up->path_len > 0 ? up->path_len + 1 : 0;
    n->path_len = before + n->name_len;
    char *text = base_arena_alloc(&c->arena, CHART_DONE_PREFIX_LEN + (size_t)n->path_len + 1);
    if (text == NULL)
        return false;
    memcpy(text, CHART_DONE_PREFIX, CHART_DONE_PREFIX_LEN);
    char *path = text + CHART_DONE_PREFIX_LEN;
    if (before > 0) {
        memcpy(path, up->done_name + CHART_DONE_PREFIX_LEN, up->path_len);
        path[up->path_len] = '.';
    }
    memcpy(path + before, n->name, n->name_len);
    n->done_name = text;
    return true;
}

static bool lay_out_state(compiling *k, uint32_t s)
{
    const draft_state *from = &k->b->states[s];
    chart *c = k->c;
    chart_node *n = &c->nodes[s];
    *n = (chart_node){.name_len = from->name_len,
                      .parent = from->parent,
                      .last = s,
                      .kind = from->kind,
                      .depth = from->depth,
                      .block = from->block,
                      .user = from->user};
    n->name = base_arena_strndup(&c->arena, from->name, from->name_len);
    if (n->name == NULL || !set_path(c, s) || !list_children(k, s) ||
        !list_of_chain(c, &from->entry, &n->entry) || !list_of_chain(c, &from->exit, &n->exit) ||
        !list_of(c, from->initial.items, from->initial.count, &n->initial))
        return false;
    c->acting = c->acting || n->block != CHART_NONE;
    if (n->kind == CHART_PLAIN)
        n->kind =
            from->first_child == CHART_NONE && s != CHART_ROOT ? CHART_ATOMIC : CHART_COMPOUND;
    /* What the author left out: the first child; for a history what its parent would do (which, its own
     * initial being set by now, is known). */
    if (kind_is_history(n->kind)) {
        n->slot = c->history_count++;
        const chart_node *up = &c->nodes[n->parent];
        if (!from->has_initial)
            n->initial = up->kind == CHART_PARALLEL ? up->children : up->initial;
    } else if (n->kind == CHART_COMPOUND && !from->has_initial && n->children.count > 0) {
        n->initial = (chart_list){n->children.items, 1};
    }
    return true;
}

static bool lay_out_states(compiling *k)
{
    chart *c = k->c;
    c->nodes = base_arena_array(&c->arena, c->count, sizeof *c->nodes);
    c->leaves = base_arena_array(&c->arena, c->words, sizeof *c->leaves);
    c->histories = base_arena_array(&c->arena, c->count, sizeof *c->histories);
    if (c->nodes == NULL || c->leaves == NULL || c->histories == NULL)
        return false;
    for (uint32_t s = 0; s < c->count; s++) {
        if (!lay_out_state(k, s))
            return false;
        const chart_node *n = &c->nodes[s];
        if (kind_is_history(n->kind))
            c->histories[n->slot] = s;
        if (n->kind == CHART_ATOMIC || n->kind == CHART_FINAL) {
            bit_add(c->leaves, s);
            c->leaf_count++;
        }
    }
    for (uint32_t s = c->count - 1; s > 0; s--) {
        chart_node *up = &c->nodes[c->nodes[s].parent];
        if (up->last < c->nodes[s].last)
            up->last = c->nodes[s].last;
    }
    return true;
}

static bool lay_out_arrows(compiling *k)
{
    chart *c = k->c;
    c->arrows = base_arena_array(&c->arena, c->arrow_count, sizeof *c->arrows);
    c->routes = base_arena_array(&c->arena, c->arrow_count, sizeof *c->routes);
    uint32_t *ids = base_arena_array(&c->arena, c->arrow_count, sizeof *ids);
    if (c->arrows == NULL || c->routes == NULL || ids == NULL)
        return false;
    for (uint32_t i = 0; i < c->arrow_count; i++) {
        const chart_transition *from = &k->b->arrows[i].t;
        chart_transition *to = &c->arrows[i];
        chart_list targets;
        chart_text *events = base_arena_array(&c->arena, from->event_count, sizeof *events);
        *to = *from;
        if (events == NULL || !list_of(c, from->targets, (uint32_t)from->target_count, &targets))
            return false;
        for (size_t e = 0; e < from->event_count; e++) {
            events[e] = from->events[e];
            events[e].s = base_arena_strndup(&c->arena, from->events[e].s, from->events[e].len);
            if (events[e].s == NULL)
                return false;
        }
        to->targets = targets.items;
        to->events = events;
        c->guarded = c->guarded || to->guard != CHART_NONE;
        c->asking = c->asking || to->asks;
        c->acting = c->acting || to->block != CHART_NONE;
        c->nodes[to->source].arrows.count++;
    }
    for (uint32_t s = 0, at = 0; s < c->count; s++) {
        c->nodes[s].arrows.items = ids + at;
        at += c->nodes[s].arrows.count;
        c->nodes[s].arrows.count = 0;
    }
    for (uint32_t i = 0; i < c->arrow_count; i++) {
        chart_list *list = &c->nodes[c->arrows[i].source].arrows;
        ids[(size_t)(list->items - ids) + list->count++] = i;
    }
    return true;
}

/* ---- the structure's rules ---- */

static bool name_valid(const char *s, uint32_t len)
{
    if (len == 0 || (s[0] >= '0' && s[0] <= '9'))
        return false;
    for (uint32_t i = 0; i < len; i++)
        if (!(s[i] == '_' || (s[i] >= '0' && s[i] <= '9') ||
              ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z')))
            return false;
    return true;
}

/* Two targets go together when the innermost state around both is parallel. A history stands for its parent. */
static bool go_together(const chart *c, uint32_t x, uint32_t y)
{
    x = kind_is_history(c->nodes[x].kind) ? c->nodes[x].parent : x;
    y = kind_is_history(c->nodes[y].kind) ? c->nodes[y].parent : y;
    if (x == y || node_inside(c, x, y) || node_inside(c, y, x))
        return false;
    uint32_t around = c->nodes[x].parent;
    while (!node_inside(c, y, around))
        around = c->nodes[around].parent;
    return c->nodes[around].kind == CHART_PARALLEL;
}

static void check_targets(compiling *k, const base_place *place, const uint32_t *t, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (t[i] == CHART_ROOT || t[i] >= k->c->count) {
            fault(k, place, M_chart_root_target);
            return;
        }
    }
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (!go_together(k->c, t[j], t[i])) {
                fault(k, place, M_chart_overlap, A_S("a", chart_path(k->c, t[j])),
                      A_S("b", chart_path(k->c, t[i])));
                return;
            }
}

/* Initial states and defaults lie inside; then they are no root and no stranger. */
static void check_initial(compiling *k, uint32_t s)
{
    const chart_node *n = &k->c->nodes[s];
    const draft_state *from = &k->b->states[s];
    const base_place *place = &from->place;
    const uint32_t around = kind_is_history(n->kind) ? n->parent : s;
    if (n->kind != CHART_COMPOUND && !kind_is_history(n->kind)) {
        if (from->has_initial)
            fault(k, place, M_chart_no_initial, A_S("state", chart_path(k->c, s)));
        return;
    }
    if (from->has_initial && n->initial.count == 0)
        fault(k, place, M_chart_initial_outside, A_S("target", ""),
              A_S("state", chart_path(k->c, around)));
    for (uint32_t i = 0; i < n->initial.count; i++) {
        const uint32_t t = n->initial.items[i];
        if (t < k->c->count && node_inside(k->c, t, around))
            continue;
        fault(k, place, M_chart_initial_outside,
              A_S("target", t < k->c->count ? chart_path(k->c, t) : "?"),
              A_S("state", chart_path(k->c, around)));
        return;
    }
    check_targets(k, place, n->initial.items, n->initial.count);
}

static void check_state(compiling *k, uint32_t s)
{
    const chart *c = k->c;
    const chart_node *n = &c->nodes[s];
    const draft_state *from = &k->b->states[s];
    const base_place *place = &from->place;
    const diag_arg state = A_S("state", chart_path(c, s)), kind = A_S("kind", kind_word(n->kind));
    if (s != CHART_ROOT && !name_valid(n->name, n->name_len))
        fault(k, place, M_chart_name, A_N("name", n->name, n->name_len));
    if ((n->kind == CHART_FINAL || kind_is_history(n->kind)) && from->first_child != CHART_NONE)
        fault(k, place, M_chart_children, kind, state);
    if ((n->kind == CHART_FINAL || kind_is_history(n->kind)) && n->arrows.count > 0)
        fault(k, place, M_chart_no_way_out_of, kind, state);
    if (kind_is_history(n->kind) && n->entry.count + n->exit.count > 0)
        fault(k, place, M_chart_no_actions, state);
    if ((n->kind == CHART_PARALLEL || n->kind == CHART_COMPOUND) && n->children.count == 0)
        fault(k, place, M_chart_empty, kind, state);
    if (n->kind == CHART_FINAL && c->nodes[n->parent].kind == CHART_PARALLEL)
        fault(k, place, M_chart_final_region, state);
    check_initial(k, s);
}

static void check_arrow(compiling *k, uint32_t i)
{
    const chart_transition *t = &k->c->arrows[i];
    const base_place *place = &k->b->arrows[i].place;
    check_targets(k, place, t->targets, t->target_count);
    for (size_t e = 0; e < t->event_count; e++)
        if (!chart_descriptor_valid(t->events[e].s, t->events[e].len))
            fault(k, place, M_chart_descriptor, A_N("event", t->events[e].s, t->events[e].len));
}

/* A history's default may be a history beside it; following those must end. All other targets lie further in.
 * (With several targets none can be a history beside: it would stand for the parent of the others.) */
static void check_circle(compiling *k, uint32_t history)
{
    const chart *c = k->c;
    uint32_t at = history;
    for (uint32_t step = 0; step < c->history_count; step++) {
        const chart_list *to = &c->nodes[at].initial;
        if (to->count != 1 || to->items[0] >= c->count ||
            !kind_is_history(c->nodes[to->items[0]].kind))
            return;
        at = to->items[0];
        if (at == history) {
            fault(k, &k->b->states[history].place, M_chart_history_circle,
                  A_S("state", chart_path(c, history)));
            return;
        }
    }
}

/* Paths to states; two states of one path have one parent and one name. */
static bool index_paths(compiling *k)
{
    chart *c = k->c;
    uint32_t slots = 16;
    while (slots < c->count * 2)
        slots *= 2;
    c->path_mask = slots - 1;
    c->path_slots = base_arena_array(&c->arena, slots, sizeof *c->path_slots);
    if (c->path_slots == NULL)
        return false;
    for (uint32_t s = 1; s < c->count; s++) {
        const chart_node *n = &c->nodes[s];
        if (chart_find(c, chart_path(c, s), n->path_len) != CHART_NONE) {
            fault(k, &k->b->states[s].place, M_chart_same_name, A_N("name", n->name, n->name_len));
            continue;
        }
        uint32_t at = chart_hash(chart_path(c, s), n->path_len) & c->path_mask;
        while (c->path_slots[at] != 0)
            at = (at + 1) & c->path_mask;
        c->path_slots[at] = s;
    }
    return true;
}

/* ---- what is known beforehand ---- */

enum {
    ROUTE_WORDS = 4
}; /* for larger charts the sets would take more memory than they save time */

static bool find_route(chart *c, uint32_t i)
{
    const chart_transition *t = &c->arrows[i];
    chart_route *r = &c->routes[i];
    for (size_t k = 0; k < t->target_count; k++)
        r->by_history = r->by_history || kind_is_history(c->nodes[t->targets[k]].kind);
    r->domain = chart_domain(c, NULL, t);
    if (r->by_history || c->words > ROUTE_WORDS)
        return true;
    uint64_t *rows = base_arena_array(&c->arena, (size_t)c->words * 2, sizeof *rows);
    if (rows == NULL)
        return false;
    chart_entry e = {.c = c, .enter = rows, .dflt = rows + c->words};
    chart_enter_targets(&e, t, r->domain);
    if (!e.depends) {
        r->enter = e.enter;
        r->dflt = e.dflt;
    }
    return true;
}

static gov_status compile(compiling *k)
{
    chart *c = k->c;
    c->count = (uint32_t)k->b->count;
    c->words = (c->count + 63) / 64;
    c->arrow_count = (uint32_t)k->b->arrow_count;
    if (!lay_out_states(k) || !lay_out_arrows(k) || !index_paths(k))
        return base_nomem(k->d);
    for (uint32_t s = 0; s < c->count; s++)
        check_state(k, s);
    for (uint32_t i = 0; i < c->history_count; i++)
        check_circle(k, c->histories[i]);
    for (uint32_t i = 0; i < c->arrow_count; i++)
        check_arrow(k, i);
    if (k->status != GOV_OK)
        return k->status;
    if (!chart_index_events(c, k->b->alloc))
        return base_nomem(k->d);
    for (uint32_t i = 0; i < c->arrow_count; i++)
        if (!find_route(c, i))
            return base_nomem(k->d);
    return GOV_OK;
}

gov_status chart_build(const chart_builder *b, const gov_allocator *a, chart **out, const diag *d)
{
    chart *c = b->failed ? NULL : base_alloc(a, sizeof *c);
    if (c == NULL)
        return base_nomem(d);
    base_arena_init(&c->arena, a);
    compiling k = {b, c, d, GOV_OK};
    const gov_status status = compile(&k);
    if (status != GOV_OK) {
        chart_free(c);
        return status;
    }
    *out = c;
    return GOV_OK;
}

void chart_free(chart *c)
{
    if (c == NULL)
        return;
    const gov_allocator *a = c->arena.alloc;
    base_arena_free(&c->arena);
    base_free(a, c);
}
