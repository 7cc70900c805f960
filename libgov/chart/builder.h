/* The builder's own layout, for build.c, resolve.c and compile.c only. */
#ifndef CHART_BUILDER_H
#define CHART_BUILDER_H

#include "chart/layout.h"

typedef struct block_link block_link;
struct block_link {
    block_link *next;
    uint32_t block;
};

typedef struct block_chain {
    block_link *first;
    uint32_t count;
} block_chain;

typedef struct draft_state {
    const char *name;
    uint32_t name_len;
    uint32_t parent, depth;
    chart_kind kind;
    uint32_t first_child, last_child, next; /* histories included; CHART_NONE ends */
    block_chain entry, exit;
    chart_list initial;
    bool has_initial;
    uint32_t block;
    uint64_t user;
    base_place place;
} draft_state;

typedef struct draft_arrow {
    chart_transition t; /* its lists lie in the arena */
    base_place place;
} draft_arrow;

struct chart_builder {
    base_arena arena;
    const gov_allocator *alloc;
    draft_state *states;
    size_t count, cap;
    draft_arrow *arrows;
    size_t arrow_count, arrow_cap;
    bool failed; /* a call that returns nothing had no memory: chart_build tells */
};

#endif
