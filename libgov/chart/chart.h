/* Room chart: statecharts with the semantics of W3C SCXML, appendix D. Pure: no store, no clock, no
 * expressions. Guards and actions are numbers that the caller gives a meaning through hooks.
 *
 * Three things:
 *   chart_builder  filled state by state, then compiled;
 *   chart          compiled, immutable, shareable by threads;
 *   chart_state    where one run stands: a small flat value that can be copied, compared and saved.
 *
 * Points where the algorithm's text leaves a choice:
 *  - The root is a compound state that is always active. A transition of the root never exits the root:
 *    it exits and enters what is inside.
 *  - A guard or an action that fails ends the macrostep; the state stays as it was (SCXML would raise
 *    error.execution and go on).
 *  - done.state.PATH is raised for every enclosing parallel state that completes, also for a parallel
 *    state whose region is itself a parallel one.
 *  - The actions of a history state's default run when its parent is entered, and not when the default is
 *    used while the parent stays active.
 *  - A history state without a default of its own takes its parent's initial states (all regions of a
 *    parallel one).
 *  - What a transition enters hangs below what it left: its domain is found once, before histories are
 *    recorded anew. (Found again afterwards it could lie further in, and states would be left out.)
 *  - Names that begin with '@' are for events that the caller generates (timers): they match a descriptor
 *    that is equal to them and nothing else, not even `*`. */
#ifndef CHART_CHART_H
#define CHART_CHART_H

#include "base/base.h"
#include "value/value.h"

#define CHART_NONE UINT32_MAX
#define CHART_ROOT 0u

#define CHART_MAX_STATES      4096
#define CHART_MAX_DEPTH       64
#define CHART_MAX_TRANSITIONS 65536
#define CHART_MAX_MICROSTEPS  1000 /* in one macrostep */

typedef enum chart_kind {
    CHART_PLAIN, /* for the builder: atomic or compound, as its children say */
    CHART_PARALLEL,
    CHART_FINAL,
    CHART_SHALLOW, /* history of the parent's children */
    CHART_DEEP,    /* history of the parent's atomic descendants */
    CHART_ATOMIC,  /* what CHART_PLAIN becomes */
    CHART_COMPOUND
} chart_kind;

typedef struct chart chart;
typedef struct chart_builder chart_builder;
typedef struct chart_state chart_state;
typedef struct chart_run chart_run;

/* ---- building: build.c, resolve.c ---- */

/* A new builder holds the root, state 0. Names and lists are copied by every call below. */
gov_status chart_builder_new(const gov_allocator *a, chart_builder **out, const diag *d);
void chart_builder_free(chart_builder *b);

/* What is said about a state. `user` is the caller's own; `place` (may be NULL) is where diagnostics point. */
typedef struct chart_state_def {
    uint32_t parent; /* CHART_ROOT or a state added before */
    const char *name;
    size_t name_len;
    chart_kind kind; /* not CHART_ATOMIC, CHART_COMPOUND */
    uint64_t user;
    const base_place *place;
} chart_state_def;

/* States come in document order: after a state, all that is inside it, before its next sibling. Their
 * numbers are 1, 2, 3, ... in that order, and stay the same in the chart. */
gov_status chart_add_state(chart_builder *b, const chart_state_def *def, uint32_t *state,
                           const diag *d);
void chart_set_root(chart_builder *b, uint64_t user, const base_place *place);
/* Action blocks, run in the order in which they are added. The root may have them, too: its entry runs at the
 * start, its exit when a top-level final state ends the run. */
gov_status chart_add_entry(chart_builder *b, uint32_t state, uint32_t block, const diag *d);
gov_status chart_add_exit(chart_builder *b, uint32_t state, uint32_t block, const diag *d);
/* The initial states of a compound state (default: its first child), or the default of a history state.
 * They may lie at any depth inside; several have to be in different regions. block: CHART_NONE or the actions. */
gov_status chart_set_initial(chart_builder *b, uint32_t state, const uint32_t *targets,
                             size_t count, uint32_t block, const diag *d);

/* A transition. In the builder's call everything is read and copied; in a chart it is read-only. */
typedef struct chart_text {
    const char *s;
    size_t len;
} chart_text;
typedef struct chart_transition {
    uint32_t source;
    uint32_t guard;           /* CHART_NONE: always holds */
    uint32_t block;           /* CHART_NONE: no actions */
    bool internal;            /* leaves a compound source active when all targets are inside it */
    bool asks;                /* the hook `admits` is asked before the guard */
    const chart_text *events; /* descriptors; none: eventless */
    size_t event_count;
    const uint32_t *targets; /* none: targetless, exits and enters nothing */
    size_t target_count;
    uint64_t user;
    const base_place *place; /* NULL in a chart */
} chart_transition;

/* Transitions of one state are tried in the order in which they are added; numbers count from 0. */
gov_status chart_add_transition(chart_builder *b, const chart_transition *t, uint32_t *id,
                                const diag *d);

/* What a target's name means. Either one name, looked up among the children of `from`'s parent and of each
 * further ancestor (and, when none has it, among from's own children), or a dotted path from the root. */
typedef enum chart_found { CHART_FOUND, CHART_UNKNOWN, CHART_AMBIGUOUS } chart_found;
/* *state: the state; for CHART_AMBIGUOUS the nearest one, and *other the next. `other` may be NULL. */
chart_found chart_resolve(const chart_builder *b, uint32_t from, const char *name, size_t len,
                          uint32_t *state, uint32_t *other);
/* For initial states and a history's default (state: the history's parent): one name is a child of `state`. */
chart_found chart_resolve_inside(const chart_builder *b, uint32_t state, const char *name,
                                 size_t len, uint32_t *target);
/* For proposals: the states of that name anywhere, in document order; returns how many there are. */
size_t chart_find_name(const chart_builder *b, const char *name, size_t len, uint32_t *out,
                       size_t cap);
/* Dotted path from the root (nothing for the root). */
void chart_builder_path(const chart_builder *b, uint32_t state, base_buf *out);
size_t chart_builder_count(const chart_builder *b); /* states, the root included */

/* Checks the structure, reports every mistake, and compiles. The builder stays as it was. */
gov_status chart_build(const chart_builder *b, const gov_allocator *a, chart **out, const diag *d);
void chart_free(chart *c);

/* ---- looking at a chart: query.c ---- */

size_t chart_state_count(const chart *c); /* the root included */
size_t chart_transition_count(const chart *c);
const chart_transition *chart_transition_at(const chart *c, uint32_t id);
uint32_t chart_find(const chart *c, const char *path,
                    size_t len);                        /* CHART_NONE when there is none */
const char *chart_path(const chart *c, uint32_t state); /* NUL-terminated; "" for the root */
const char *chart_name(const chart *c, uint32_t state);
chart_kind chart_kind_of(const chart *c, uint32_t state);
uint64_t chart_user(const chart *c, uint32_t state);
uint32_t chart_parent(const chart *c, uint32_t state); /* CHART_NONE for the root */
uint32_t chart_last(const chart *c, uint32_t state); /* what is inside a state is state+1 .. last */
/* The initial states of a compound state or the default of a history state; *block may be NULL. */
const uint32_t *chart_initial(const chart *c, uint32_t state, size_t *count, uint32_t *block);
/* The action blocks that run when the state is entered, and when it is left. */
const uint32_t *chart_entry_blocks(const chart *c, uint32_t state, size_t *count);
const uint32_t *chart_exit_blocks(const chart *c, uint32_t state, size_t *count);
/* Does a descriptor match an event's name? By dot-separated prefix; `*` matches any; `done.state.PATH` and
 * names with '@' match themselves only. */
bool chart_matches(const char *descriptor, size_t dlen, const char *name, size_t len);

/* ---- mistakes that are warnings: check.c ---- */

/* reached[state] for all states: can any sequence of events enter it, guards aside? */
gov_status chart_reachable(const chart *c, bool *reached, const diag *d);
/* The same where some transitions are never taken: never[transition]; NULL: each of them may be. */
gov_status chart_reachable_without(const chart *c, const bool *never, bool *reached, const diag *d);
/* An atomic state that no transition ever leaves, be it its own, one around it or one of another region. */
bool chart_dead_end(const chart *c, uint32_t state);
bool chart_dead_end_without(const chart *c, const bool *never, uint32_t state);
/* A cycle of eventless transitions that no guard can stop: *transition is one of it, or CHART_NONE. */
gov_status chart_always_cycle(const chart *c, uint32_t *transition, const diag *d);
/* The same where other transitions happen at once by themselves, too: prompt[transition]; NULL: none. */
gov_status chart_prompt_cycle(const chart *c, const bool *prompt, uint32_t *transition, const diag *d);

/* ---- running: run.c ---- */

typedef struct chart_event {
    const char *name;
    size_t len;
    value data;    /* value_absent() when there is none */
    bool internal; /* raised, or done.state; set by the chart */
} chart_event;

/* What the chart asks its caller. Every member may be NULL except guard and act where the chart has guards
 * or blocks, and admits where a transition asks. Any status but GOV_OK ends the macrostep with that status, and nothing is changed.
 * Order in a microstep: exits (inner first: exiting, exit blocks, exited), then per transition taken and its
 * block, then entries (outer first: entering, entry blocks, initial or history-default block, entered). */
typedef struct chart_hooks {
    gov_status (*guard)(void *user, uint32_t guard, chart_run *run, bool *holds, const diag *d);
    /* Of a transition that asks: false passes it over, as a guard that does not hold. */
    gov_status (*admits)(void *user, uint32_t transition, chart_run *run, bool *holds, const diag *d);
    gov_status (*act)(void *user, uint32_t block, chart_run *run, const diag *d);
    /* An event (external or internal) is about to be handled; `taken` transitions were enabled by it. */
    gov_status (*event)(void *user, const chart_event *event, size_t taken, chart_run *run,
                        const diag *d);
    gov_status (*taken)(void *user, uint32_t transition, chart_run *run, const diag *d);
    gov_status (*exiting)(void *user, uint32_t state, chart_run *run,
                          const diag *d); /* still active */
    gov_status (*exited)(void *user, uint32_t state, chart_run *run,
                         const diag *d); /* timers end */
    gov_status (*entering)(void *user, uint32_t state, chart_run *run,
                           const diag *d); /* active; before its actions */
    gov_status (*entered)(void *user, uint32_t state, chart_run *run,
                          const diag *d); /* timers begin */
} chart_hooks;

/* How a run is called: the scratch arena is not reset by the chart, so the caller does it between calls. */
typedef struct chart_caller {
    const chart_hooks *hooks;
    void *user;
    base_arena *scratch;
} chart_caller;

size_t chart_state_size(const chart *c); /* bytes; the memory has to be aligned as for uint64_t */
void chart_state_init(const chart *c, chart_state *s); /* not started: nothing is active */

/* Enters the initial states and runs to completion. GOV_E_STATE when it was started before. */
gov_status chart_start(const chart *c, chart_state *s, const chart_caller *by, const diag *d);
/* One external event: one macrostep, run to completion. *accepted (may be NULL): did the event itself enable a
 * transition? Eventless transitions are tried either way. After the end nothing happens. On any error *s
 * is unchanged. GOV_E_LIMIT past CHART_MAX_MICROSTEPS. event->name and data have to live during the call. */
gov_status chart_send(const chart *c, chart_state *s, const chart_event *event,
                      const chart_caller *by, bool *accepted, const diag *d);

/* The transitions that the event would take now, by the hooks `guard` and `admits`; nothing is run, and nothing changed. Writes up to cap, and
 * *count is how many there are. Any status of a hook but GOV_OK ends it. */
gov_status chart_would_take(const chart *c, const chart_state *s, const chart_event *event, const chart_caller *by,
                            uint32_t *out, size_t cap, size_t *count, const diag *d);

/* For hooks. */
/* Puts an event at the end of the internal queue. The name is copied; the data has to live until the macrostep ends
 * (in the scratch arena, say). */
gov_status chart_raise(chart_run *run, const char *name, size_t len, value data);
const chart_event *
chart_current_event(const chart_run *run); /* NULL while starting, before the first event */
const chart_state *chart_current_state(const chart_run *run); /* as far as the step has come */
const chart *chart_of_run(const chart_run *run);

/* ---- where a run stands: query.c, save.c ---- */

bool chart_started(const chart_state *s);
bool chart_done(const chart_state *s); /* a top-level final state was entered */
bool chart_in(const chart *c, const chart_state *s, uint32_t state);
bool chart_in_path(const chart *c, const chart_state *s, const char *path, size_t len);
/* Active atomic and final states in document order; returns how many there are, writes up to cap. */
size_t chart_active(const chart *c, const chart_state *s, uint32_t *out, size_t cap);
/* Transitions that the event would try, in the order of trying (inner states first, from each active atomic state
 * in document order), guards aside. name NULL: all that wait for an event. Returns how many there are. */
size_t chart_candidates(const chart *c, const chart_state *s, const char *name, size_t len,
                        uint32_t *out, size_t cap);
bool chart_same(const chart *c, const chart_state *a, const chart_state *b);

/* Canonical text, by paths, so that it survives a recompilation: "1 r a.b,c.d p.h=p.x". The same state always gives the
 * same text. Outside text has to describe a legal configuration, else GOV_E_INPUT and *s is as after
 * chart_state_init. */
void chart_save(const chart *c, const chart_state *s, base_buf *out);
gov_status chart_load(const chart *c, const char *text, size_t len, chart_state *s, const diag *d);

#endif
