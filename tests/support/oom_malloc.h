/*
 * Makes malloc itself fail, for what dependencies allocate behind our back. The test binary's own
 * malloc, calloc, realloc and the like stand in front of the C library's; the switch is per thread,
 * so other threads are never hit. Not available under sanitizers, which own malloc there, nor
 * outside glibc: oom_malloc_available() says so.
 */
#ifndef GOV_TEST_OOM_MALLOC_H
#define GOV_TEST_OOM_MALLOC_H

#include <stdbool.h>

bool oom_malloc_available(void);

/*
 * From now on, in this thread, let n allocations pass, then fail: one only, or all that follow
 * when forever is true.
 */
void oom_malloc_arm(long n, bool forever);

/* Ends what oom_malloc_arm began; returns how many allocations were made to fail. */
long oom_malloc_disarm(void);

/* Blocks allocated by this thread while armed and not freed since; for finding leaks. */
long oom_malloc_live(void);

#endif
