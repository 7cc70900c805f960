/* Looking at a chart and at where a run stands. */
#include "chart/layout.h"

#include <string.h>

size_t chart_state_count(const chart *c)
{
    return c->count;
}

size_t chart_transition_count(const chart *c)
{
    return c->arrow_count;
}

const chart_transition *chart_transition_at(const chart *c, uint32_t id)
{
    return id < c->arrow_count ? &c->arrows[id] : NULL;
}

uint32_t chart_find(const chart *c, const char *path, size_t len)
{
    uint32_t at = chart_hash(path, len) & c->path_mask;
    for (; c->path_slots[at] != 0; at = (at + 1) & c->path_mask) {
        const uint32_t s = c->path_slots[at];
        if (c->nodes[s].path_len == len && memcmp(chart_path(c, s), path, len) == 0)
            return s;
    }
    return CHART_NONE;
}

const char *chart_path(const chart *c, uint32_t state)
{
    return c->nodes[state].done_name + CHART_DONE_PREFIX_LEN;
}

const char *chart_name(const chart *c, uint32_t state)
{
    return c->nodes[state].name;
}

chart_kind chart_kind_of(const chart *c, uint32_t state)
{
    return c->nodes[state].kind;
}

uint64_t chart_user(const chart *c, uint32_t state)
{
    return c->nodes[state].user;
}

uint32_t chart_parent(const chart *c, uint32_t state)
{
    return c->nodes[state].parent;
}

const uint32_t *chart_entry_blocks(const chart *c, uint32_t state, size_t *count)
{
    *count = c->nodes[state].entry.count;
    return c->nodes[state].entry.items;
}

const uint32_t *chart_exit_blocks(const chart *c, uint32_t state, size_t *count)
{
    *count = c->nodes[state].exit.count;
    return c->nodes[state].exit.items;
}

uint32_t chart_last(const chart *c, uint32_t state)
{
    return c->nodes[state].last;
}

const uint32_t *chart_initial(const chart *c, uint32_t state, size_t *count, uint32_t *block)
{
    const chart_node *n = &c->nodes[state];
    *count = n->initial.count;
    if (block != NULL)
        *block = n->block;
    return n->initial.items;
}

size_t chart_state_size(const chart *c)
{
    return sizeof(chart_state) + sizeof(uint64_t) * c->words * ((size_t)c->history_count + 1);
}

void chart_state_init(const chart *c, chart_state *s)
{
    memset(s, 0, chart_state_size(c));
    s->words = c->words * (c->history_count + 1);
}

bool chart_started(const chart_state *s)
{
    return (s->flags & STATE_STARTED) != 0;
}

bool chart_done(const chart_state *s)
{
    return (s->flags & STATE_DONE) != 0;
}

bool chart_in(const chart *c, const chart_state *s, uint32_t state)
{
    return state < c->count && bit_has(s->rows, state);
}

bool chart_in_path(const chart *c, const chart_state *s, const char *path, size_t len)
{
    return chart_in(c, s, chart_find(c, path, len));
}

bool chart_same(const chart *c, const chart_state *a, const chart_state *b)
{
    return memcmp(a, b, chart_state_size(c)) == 0;
}

static uint32_t next_leaf(const chart *c, const chart_state *s, uint32_t from)
{
    uint32_t at = bit_next(s->rows, c->words, from);
    while (at != CHART_NONE && !bit_has(c->leaves, at))
        at = bit_next(s->rows, c->words, at + 1);
    return at;
}

size_t chart_active(const chart *c, const chart_state *s, uint32_t *out, size_t cap)
{
    size_t count = 0;
    for (uint32_t a = next_leaf(c, s, 0); a != CHART_NONE; a = next_leaf(c, s, a + 1)) {
        if (count < cap)
            out[count] = a;
        count++;
    }
    return count;
}

size_t chart_candidates(const chart *c, const chart_state *s, const char *name, size_t len,
                        uint32_t *out, size_t cap)
{
    uint64_t seen[CHART_MAX_STATES / 64] = {0};
    const chart_word *w = name != NULL ? &c->events[chart_word_of(c, name, len)] : NULL;
    size_t count = 0;
    if (chart_done(s))
        return 0;
    for (uint32_t a = next_leaf(c, s, 0); a != CHART_NONE; a = next_leaf(c, s, a + 1))
        for (uint32_t at = a; at != CHART_NONE && !bit_has(seen, at); at = c->nodes[at].parent) {
            bit_add(seen, at);
            if (w != NULL && !bit_has(w->has, at))
                continue;
            const chart_list list = w != NULL ? word_arrows(w, at) : c->nodes[at].arrows;
            for (uint32_t i = 0; i < list.count; i++) {
                if (w == NULL && c->arrows[list.items[i]].event_count == 0)
                    continue;
                if (count < cap)
                    out[count] = list.items[i];
                count++;
            }
        }
    return count;
}
