/* What the two files that run simulations share. */
#ifndef CASE_SIMULATION_H
#define CASE_SIMULATION_H

#include "case/simulate.h"

/* A timer. */
typedef struct case_pending {
    char *name, *event;
    uint8_t kind;
    int64_t due_us;
    uint64_t order;
    value data; /* among the simulation's values */
} case_pending;

/* Timers as they were. */
typedef struct case_pendings {
    case_pending *items;
    size_t cap;
} case_pendings;

struct gov_simulation {
    const gov_allocator *alloc;
    const rulebook *rules;
    bool borrowed; /* the rules are somebody else's */
    const rulebook_host *host; /* what they were compiled with, where it is the simulation's own */
    void (*host_free)(const rulebook_host *host, const gov_allocator *a);
    const rulebook_workflow *w;
    cal_calendar *plain;
    base_arena kept;   /* the machine, for ever */
    base_arena values; /* what fields and timers hold; moved into a fresh arena now and then, so that it stays small */
    size_t copied;     /* into it, since */
    base_arena step; /* one line */
    case_machine m;
    int64_t now_us;
    uint64_t order;      /* of the next timer */
    uint64_t step_order; /* timers from this order on were made by the step that runs; 0: none runs */
    case_pending *timers; /* in the order in which they are due */
    size_t timer_count, timer_cap;
    case_pendings before_step, before_line; /* that runs */
    uint64_t line_order; /* timers from this order on were made by the line that runs; 0: none does, or there was none before */
    bool overfull; /* a step was refused since too much would be pending */
    bool endless;  /* the run went too far */
    value_builder effects;
};

/* A value copied to where fields and timers keep theirs. False: no memory. */
bool case_simulation_keep(gov_simulation *s, value v, value *out);
void case_simulation_free_timer(const gov_simulation *s, const case_pending *p);
bool case_simulation_make_timer(gov_simulation *s, const case_timer *t, case_pending *out); /* false: no memory */
/* After they were put in another order. */
void case_simulation_sort(gov_simulation *s);
/* The clock stands between 1970 and the year 9999. */
bool case_simulation_instant(int64_t us);

/* ---- snapshot.c ---- */

gov_status case_simulation_save(gov_simulation *s, base_buf *out);
/* Everything or nothing; what is not as it was saved is told with its place in the document. */
gov_status case_simulation_restore(gov_simulation *s, value text, const diag *d);

#endif
