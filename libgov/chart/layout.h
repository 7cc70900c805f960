/* What the files of the room chart share: how a compiled chart and a state lie in memory. Others include
 * chart/chart.h. */
#ifndef CHART_LAYOUT_H
#define CHART_LAYOUT_H

#include "chart/chart.h"

/* ---- sets of states: bit i of a row of 64-bit words is state i ---- */

static inline bool bit_has(const uint64_t *w, uint32_t i)
{
    return (w[i >> 6] >> (i & 63)) & 1;
}

static inline void bit_add(uint64_t *w, uint32_t i)
{
    w[i >> 6] |= UINT64_C(1) << (i & 63);
}

static inline void bit_drop(uint64_t *w, uint32_t i)
{
    w[i >> 6] &= ~(UINT64_C(1) << (i & 63));
}

/* The first member >= from, CHART_NONE when there is none. */
static inline uint32_t bit_next(const uint64_t *w, uint32_t words, uint32_t from)
{
    uint32_t at = from >> 6;
    if (at >= words)
        return CHART_NONE;
    uint64_t word = w[at] & (~UINT64_C(0) << (from & 63));
    while (word == 0) {
        if (++at == words)
            return CHART_NONE;
        word = w[at];
    }
    return at * 64 + (uint32_t)__builtin_ctzll(word);
}

/* The last member < before, CHART_NONE when there is none. */
static inline uint32_t bit_prev(const uint64_t *w, uint32_t before)
{
    if (before == 0)
        return CHART_NONE;
    uint32_t at = (before - 1) >> 6;
    uint64_t word = w[at] & (~UINT64_C(0) >> (63 - ((before - 1) & 63)));
    while (word == 0) {
        if (at == 0)
            return CHART_NONE;
        word = w[--at];
    }
    return at * 64 + 63 - (uint32_t)__builtin_clzll(word);
}

/* Any member in lo..hi? */
static inline bool bit_any(const uint64_t *w, uint32_t words, uint32_t lo, uint32_t hi)
{
    const uint32_t at = bit_next(w, words, lo);
    return at != CHART_NONE && at <= hi;
}

/* to |= from, restricted to lo..hi. */
static inline void bit_or_range(uint64_t *to, const uint64_t *from, uint32_t lo, uint32_t hi)
{
    if (lo > hi)
        return;
    for (uint32_t k = lo >> 6; k <= hi >> 6; k++) {
        uint64_t mask = ~UINT64_C(0);
        if (k == lo >> 6)
            mask &= ~UINT64_C(0) << (lo & 63);
        if (k == hi >> 6)
            mask &= ~UINT64_C(0) >> (63 - (hi & 63));
        to[k] |= from[k] & mask;
    }
}

/* ---- a chart ---- */

typedef struct chart_list {
    const uint32_t *items;
    uint32_t count;
} chart_list;

/* States are numbered in document order, so what is inside state s is s+1 .. last, and walking a set of
 * states upwards is entry order, downwards exit order. */
typedef struct chart_node {
    const char *name;
    const char *done_name; /* "done.state.PATH"; the path is its tail */
    uint32_t name_len, path_len;
    uint32_t parent, last;
    chart_kind kind;
    uint32_t depth;
    chart_list children;  /* without histories */
    chart_list histories; /* its history states */
    chart_list initial;   /* initial states, or a history's default */
    uint32_t block;       /* of initial */
    chart_list entry, exit;
    chart_list arrows;   /* transitions, in their order */
    uint32_t slot;       /* of a history: which of the saved sets */
    uint32_t done_event; /* index into words */
    uint64_t user;
} chart_node;

#define CHART_DONE_PREFIX "done.state."
enum { CHART_DONE_PREFIX_LEN = sizeof CHART_DONE_PREFIX - 1 };

/* What is known beforehand about a transition. */
typedef struct chart_route {
    uint32_t domain; /* CHART_NONE: targetless */
    bool by_history; /* a target is a history state: the domain depends on what it holds */
    const uint64_t
        *enter; /* states to enter, or NULL: a history has a say (or the chart is too large) */
    const uint64_t *dflt; /* of these, the ones whose initial actions run */
} chart_route;

/* An event name that a descriptor names, with the transitions that it may trigger. */
typedef struct chart_word {
    const char *s;
    size_t len;
    uint32_t hash;
    bool exact;            /* matches itself only: done.state.PATH, '@' */
    const uint64_t *has;   /* states with such transitions */
    const uint32_t *rank;  /* per 64 states: how many such states before them */
    const uint32_t *first; /* per such state, and one more: where its transitions begin in */
    const uint32_t *arrows;
} chart_word;

/* Words that no descriptor spells. */
enum { WORD_ALWAYS, WORD_STAR, WORD_NOTHING, WORD_FIRST };

struct chart {
    base_arena arena; /* everything below lies in it */
    chart_node *nodes;
    uint32_t count, words; /* states; 64-bit words of a set of them */
    chart_transition *arrows;
    chart_route *routes;
    uint32_t arrow_count;
    chart_word *events;
    uint32_t event_count;
    uint32_t *event_slots; /* open addressing by hash; index, 0: free */
    uint32_t event_mask;
    size_t event_max;     /* the longest word */
    uint32_t *path_slots; /* the same for states by path */
    uint32_t path_mask;
    uint64_t *leaves; /* atomic and final states */
    uint32_t leaf_count;
    uint32_t *histories; /* history states by slot */
    uint32_t history_count;
    bool guarded, acting, asking; /* guards, action blocks, or transitions that ask are there */
};

/* A run's place: the active states, then for each history state what it holds (nothing: never left). */
struct chart_state {
    uint32_t flags;
    uint32_t words; /* of all rows, so that a state can be told from one of another chart */
    uint64_t rows[];
};
enum { STATE_STARTED = 1, STATE_DONE = 2 };

static inline uint64_t *state_history(const chart *c, chart_state *s, uint32_t slot)
{
    return s->rows + (size_t)c->words * (slot + 1);
}

static inline bool node_inside(const chart *c, uint32_t state, uint32_t ancestor)
{
    return state > ancestor && state <= c->nodes[ancestor].last;
}

static inline bool kind_is_history(chart_kind k)
{
    return k == CHART_SHALLOW || k == CHART_DEEP;
}

static inline uint32_t chart_hash(const char *s, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)s[i]) * 16777619u;
    return h;
}

/* ---- events.c ---- */

/* The word that decides for an event of that name: itself, its longest known prefix, or a WORD_. */
uint32_t chart_word_of(const chart *c, const char *name, size_t len);
/* The transitions of `state` that the word may trigger; the state is in word->has. */
static inline chart_list word_arrows(const chart_word *w, uint32_t state)
{
    const uint64_t before = w->has[state >> 6] & ((UINT64_C(1) << (state & 63)) - 1);
    const uint32_t k = w->rank[state >> 6] + (uint32_t)__builtin_popcountll(before);
    return (chart_list){w->arrows + w->first[k], w->first[k + 1] - w->first[k]};
}
bool chart_descriptor_valid(const char *s, size_t len);
size_t chart_descriptor_trim(const char *s, size_t len);   /* "a.*" and "a." mean "a" */
bool chart_index_events(chart *c, const gov_allocator *a); /* false: no memory */

/* ---- enter.c ---- */

/* The states that a transition enters, as they are gathered. */
typedef struct chart_entry {
    const chart *c;
    chart_state *state; /* NULL while compiling: `depends` is set where a history has a say */
    bool depends;
    uint64_t *enter, *dflt;
    uint32_t *defaulted; /* histories whose default was used */
    uint32_t defaulted_count;
} chart_entry;

void chart_enter_inside(chart_entry *e, uint32_t state);
void chart_enter_up(chart_entry *e, uint32_t state, uint32_t top);
void chart_enter_targets(chart_entry *e, const chart_transition *t, uint32_t domain);
/* The innermost compound state around source and targets that the transition does not leave. */
uint32_t chart_domain(const chart *c, chart_state *s, const chart_transition *t);

#endif
