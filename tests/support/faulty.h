/*
 * An allocator that fails on demand and keeps accounts, and the loops that make each allocation of
 * a scenario fail in turn.
 */
#ifndef GOV_TEST_FAULTY_H
#define GOV_TEST_FAULTY_H

#include <stdbool.h>
#include <stddef.h>

#include <gov/base.h>

struct faulty {
    gov_allocator alloc; /* hand &alloc to what is tested; user points back here */
    long countdown;      /* allocations that still pass; negative: never fail */
    bool forever;        /* once one failed, fail all that follow */
    long calls;          /* allocations asked for, failed ones included */
    long hits;           /* allocations that were made to fail */
    long live;           /* blocks handed out and not given back */
    size_t bytes;        /* bytes of the live blocks */
    size_t peak;         /* the most that bytes ever was */
};

/* countdown < 0 never fails: then it only counts. */
void faulty_init(struct faulty *f, long countdown, bool forever);

/*
 * A scenario makes its own handles from `alloc`, frees all of them, and returns the status of the
 * call under test, GOV_OK when all went well. Set-up that need not fail belongs outside, in user.
 */
typedef gov_status oom_scenario(const gov_allocator *alloc, void *user);

/*
 * Runs the scenario with its 1st, 2nd, ... allocation failing, each once and from there on for
 * ever, until it passes undisturbed. Every failure must come back as GOV_E_NOMEM with nothing
 * leaked. By default the far allocations are sampled; GOV_OOM=all tries each one.
 */
void oom_loop(oom_scenario *run, void *user);

enum {
    OOM_ANY_ERROR = 1, /* a dependency may report want of memory as another error */
    OOM_KEEPS = 2,     /* a dependency may keep blocks for later: do not look for leaks */
};

/*
 * The same with malloc itself failing, for what dependencies allocate; `alloc` is then NULL. A
 * dependency may do without some memory, so GOV_OK is an answer too. Skips the test where malloc
 * cannot be replaced.
 */
void oom_loop_malloc(oom_scenario *run, void *user, int flags);

#endif
