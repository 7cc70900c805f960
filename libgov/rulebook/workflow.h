/* A workflow while it is being compiled. */
#ifndef RULEBOOK_WORKFLOW_H
#define RULEBOOK_WORKFLOW_H

#include "rulebook/action.h"

/* A list that grows on the heap and moves to the arena when it is complete. */
typedef struct rb_list {
    void *items;
    size_t count, cap, size;
} rb_list;
/* A zeroed item at the end; NULL when there is no memory, which is noted. */
void *rb_list_add(rulebook_loader *l, rb_list *list);
void *rb_list_finish(rulebook_loader *l, rb_list *list);

/* The scopes of a transition, by the events that lead to it. */
typedef struct rb_event_scope {
    const char *key; /* the descriptors */
    rb_context context;
} rb_event_scope;

/* What In('path') looks at: the chart, or the builder as long as there is none. */
typedef struct rb_in {
    const rulebook_workflow *w;
    const chart_builder *building;
    bool (*in_state)(void *run_user, const rulebook_workflow *w, uint32_t state);
    const gov_allocator *alloc;
} rb_in;

/* An event by which an effect of this workflow reports. */
typedef struct rb_report {
    const char *event;
    const rulebook_later *later;
    const rulebook_report *report;
} rb_report;

typedef struct rb_work {
    rulebook_workflow *w;
    const rb_node *root;
    chart_builder *builder;
    rb_in *in;
    expr_scope *core;   /* case, clocks, In; without event */
    rb_context anywhere; /* where any event may have led */
    rb_context nowhere; /* where no event's data can be: timers */
    rb_names inputs;    /* X of event.data.X */
    bool crowded, full; /* more states, more transitions than may be */
    rb_list scopes, states, transitions, guards, blocks, timers, reports;
} rb_work;

/* A state on its way: its node, its number is its index. */
typedef struct rb_draft {
    const rb_node *key, *node;
    uint32_t parent;
} rb_draft;

/* ---- later.c ---- */
void rb_laters(rulebook_loader *l);

/* ---- scopes.c ---- */
void rb_work_scopes(rulebook_loader *l);
/* The scopes for a transition on these descriptors. */
rb_context rb_event_context(rulebook_loader *l, const char *descriptors, size_t len);
gov_status rb_in_call(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d);

/* ---- states.c ---- */
void rb_states(rulebook_loader *l);
void rb_transitions(rulebook_loader *l);
void rb_report_state(rulebook_loader *l, const rb_node *n, const char *name, size_t len);
uint32_t rb_add_block(rulebook_loader *l, const rb_node *n, const rb_context *c);

/* ---- clocks.c ---- */
void rb_clocks(rulebook_loader *l, const rb_node *n);

#endif
