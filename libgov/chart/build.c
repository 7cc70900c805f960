/* The builder: takes states and transitions down as they come; compile.c checks them. */
#include "chart/builder.h"

#include <string.h>

static gov_status bad(const diag *d, const char *what)
{
    return base_fail(d, M_bad_argument, A_S("what", what));
}

gov_status chart_builder_new(const gov_allocator *a, chart_builder **out, const diag *d)
{
    chart_builder *b = base_alloc(a, sizeof *b);
    if (b == NULL)
        return base_nomem(d);
    b->alloc = a;
    base_arena_init(&b->arena, a);
    if (!base_grow(a, &b->states, &b->cap, 0, sizeof *b->states)) {
        base_free(a, b);
        return base_nomem(d);
    }
    b->states[0] = (draft_state){.name = "",
                                 .parent = CHART_NONE,
                                 .kind = CHART_PLAIN,
                                 .first_child = CHART_NONE,
                                 .last_child = CHART_NONE,
                                 .next = CHART_NONE,
                                 .block = CHART_NONE};
    b->count = 1;
    *out = b;
    return GOV_OK;
}

void chart_builder_free(chart_builder *b)
{
    if (b == NULL)
        return;
    base_arena_free(&b->arena);
    base_free(b->alloc, b->states);
    base_free(b->alloc, b->arrows);
    base_free(b->alloc, b);
}

size_t chart_builder_count(const chart_builder *b)
{
    return b->count;
}

static bool copy_place(chart_builder *b, const base_place *from, base_place *to)
{
    if (from == NULL)
        return true;
    *to = *from;
    if (from->origin == NULL)
        return true;
    to->origin = base_arena_strdup(&b->arena, from->origin);
    return to->origin != NULL;
}

void chart_set_root(chart_builder *b, uint64_t user, const base_place *place)
{
    b->states[0].user = user;
    if (!copy_place(b, place, &b->states[0].place)) {
        b->states[0].place = (base_place){0};
        b->failed = true;
    }
}

/* Document order: the parent is the state added last or one around it. */
static bool is_open(const chart_builder *b, uint32_t parent)
{
    uint32_t s = (uint32_t)b->count - 1;
    while (s != parent && s != CHART_NONE)
        s = b->states[s].parent;
    return s == parent && parent != CHART_NONE;
}

gov_status chart_add_state(chart_builder *b, const chart_state_def *def, uint32_t *state,
                           const diag *d)
{
    if (def->kind == CHART_ATOMIC || def->kind == CHART_COMPOUND || !is_open(b, def->parent))
        return bad(d, "states have to come in document order");
    if (b->count >= CHART_MAX_STATES)
        return base_fail_at(d, def->place, M_too_large, A_S("what", "states"),
                            A_I("limit", CHART_MAX_STATES));
    const uint32_t depth = b->states[def->parent].depth + 1;
    if (depth > CHART_MAX_DEPTH)
        return base_fail_at(d, def->place, M_too_large, A_S("what", "nesting of states"),
                            A_I("limit", CHART_MAX_DEPTH));
    if (def->name == NULL || def->name_len > 255)
        return base_fail_at(d, def->place, M_too_large, A_S("what", "a state's name"),
                            A_I("limit", 255));
    const uint32_t id = (uint32_t)b->count;
    if (!base_grow(b->alloc, &b->states, &b->cap, b->count, sizeof *b->states))
        return base_nomem(d);
    draft_state s = {.name_len = (uint32_t)def->name_len,
                     .parent = def->parent,
                     .depth = depth,
                     .kind = def->kind,
                     .first_child = CHART_NONE,
                     .last_child = CHART_NONE,
                     .next = CHART_NONE,
                     .block = CHART_NONE,
                     .user = def->user};
    s.name = base_arena_strndup(&b->arena, def->name, def->name_len);
    if (s.name == NULL || !copy_place(b, def->place, &s.place))
        return base_nomem(d);
    draft_state *parent = &b->states[def->parent];
    if (parent->last_child == CHART_NONE)
        parent->first_child = id;
    else
        b->states[parent->last_child].next = id;
    parent->last_child = id;
    b->states[id] = s;
    b->count++;
    if (state != NULL)
        *state = id;
    return GOV_OK;
}

static gov_status chain(chart_builder *b, uint32_t state, bool entry, uint32_t block, const diag *d)
{
    if (state >= b->count || block == CHART_NONE)
        return bad(d, "no such state or block");
    block_link *link = base_arena_alloc(&b->arena, sizeof *link);
    if (link == NULL)
        return base_nomem(d);
    link->block = block;
    block_chain *to = entry ? &b->states[state].entry : &b->states[state].exit;
    block_link **end = &to->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = link;
    to->count++;
    return GOV_OK;
}

gov_status chart_add_entry(chart_builder *b, uint32_t state, uint32_t block, const diag *d)
{
    return chain(b, state, true, block, d);
}

gov_status chart_add_exit(chart_builder *b, uint32_t state, uint32_t block, const diag *d)
{
    return chain(b, state, false, block, d);
}

static bool copy_targets(chart_builder *b, const uint32_t *targets, size_t count, uint32_t **out)
{
    *out = base_arena_array(&b->arena, count, sizeof **out);
    if (*out != NULL && count > 0)
        memcpy(*out, targets, count * sizeof **out);
    return *out != NULL;
}

gov_status chart_set_initial(chart_builder *b, uint32_t state, const uint32_t *targets,
                             size_t count, uint32_t block, const diag *d)
{
    if (state >= b->count || count > CHART_MAX_STATES)
        return bad(d, "no such state");
    uint32_t *copy;
    if (!copy_targets(b, targets, count, &copy))
        return base_nomem(d);
    b->states[state].initial = (chart_list){copy, (uint32_t)count};
    b->states[state].block = block;
    b->states[state].has_initial = true;
    return GOV_OK;
}

/* Descriptors are kept without the ending that says nothing, and `*` beside others stays. */
static bool copy_events(chart_builder *b, const chart_transition *from, chart_text **out)
{
    *out = base_arena_array(&b->arena, from->event_count, sizeof **out);
    if (*out == NULL)
        return false;
    for (size_t i = 0; i < from->event_count; i++) {
        const chart_text *e = &from->events[i];
        const size_t len = e->s != NULL ? chart_descriptor_trim(e->s, e->len) : 0;
        (*out)[i].s = base_arena_strndup(&b->arena, e->s, len);
        (*out)[i].len = len;
        if ((*out)[i].s == NULL)
            return false;
    }
    return true;
}

gov_status chart_add_transition(chart_builder *b, const chart_transition *t, uint32_t *id,
                                const diag *d)
{
    if (t->source >= b->count || t->target_count > CHART_MAX_STATES)
        return bad(d, "no such state");
    if (b->arrow_count >= CHART_MAX_TRANSITIONS)
        return base_fail_at(d, t->place, M_too_large, A_S("what", "transitions"),
                            A_I("limit", CHART_MAX_TRANSITIONS));
    if (!base_grow(b->alloc, &b->arrows, &b->arrow_cap, b->arrow_count, sizeof *b->arrows))
        return base_nomem(d);
    draft_arrow arrow = {.t = *t};
    uint32_t *targets;
    chart_text *events;
    if (!copy_targets(b, t->targets, t->target_count, &targets) || !copy_events(b, t, &events) ||
        !copy_place(b, t->place, &arrow.place))
        return base_nomem(d);
    arrow.t.targets = targets;
    arrow.t.events = events;
    arrow.t.place = NULL;
    if (id != NULL)
        *id = (uint32_t)b->arrow_count;
    b->arrows[b->arrow_count++] = arrow;
    return GOV_OK;
}
