#define _GNU_SOURCE
#include "support/oom_malloc.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OOM_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define OOM_SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(OOM_SANITIZED)

/* glibc's own names for what we cover; calling dlsym() here could itself call malloc. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *block);

enum { MARKS = 1 << 15 };

struct oom_state {
    bool armed;
    bool forever;
    long countdown;
    long failed;
    long live;
};

static _Thread_local struct oom_state state;

/*
 * The blocks handed out while armed, in an open hash of addresses. Only the arming thread adds and
 * only it removes: a block that another thread frees stays counted.
 */
static _Thread_local uintptr_t marks[MARKS];

static size_t mark_slot(uintptr_t at)
{
    return (size_t)((at >> 4) * 0x9e3779b97f4a7c15u >> 40) & (MARKS - 1);
}

static void mark_add(void *block)
{
    uintptr_t at = (uintptr_t)block;
    size_t i = mark_slot(at);

    for (size_t n = 0; n < MARKS; n++, i = (i + 1) & (MARKS - 1)) {
        if (marks[i] <= 1) { /* 0 never used, 1 given back */
            marks[i] = at;
            state.live++;
            return;
        }
    }
}

static void mark_drop(void *block)
{
    uintptr_t at = (uintptr_t)block;
    size_t i = mark_slot(at);

    if (state.live == 0)
        return;
    for (size_t n = 0; n < MARKS && marks[i] != 0; n++, i = (i + 1) & (MARKS - 1)) {
        if (marks[i] == at) {
            marks[i] = 1;
            state.live--;
            return;
        }
    }
}

/* Says whether this allocation shall fail. */
static bool strike(void)
{
    if (!state.armed)
        return false;
    if (state.countdown > 0) {
        state.countdown--;
        return false;
    }
    if (state.failed > 0 && !state.forever)
        return false;
    state.failed++;
    errno = ENOMEM;
    return true;
}

static void *note(void *block)
{
    if (block != NULL && state.armed)
        mark_add(block);
    return block;
}

/* The project compiles with hidden visibility, under which shared libraries would not see these. */
#pragma GCC visibility push(default)

void *malloc(size_t size)
{
    return strike() ? NULL : note(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return strike() ? NULL : note(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    void *fresh;

    if (strike())
        return NULL;
    fresh = __libc_realloc(old, size);
    if (old != NULL && (fresh != NULL || size == 0))
        mark_drop(old);
    return note(fresh);
}

void *memalign(size_t align, size_t size);
void *memalign(size_t align, size_t size)
{
    return strike() ? NULL : note(__libc_memalign(align, size));
}

void *aligned_alloc(size_t align, size_t size)
{
    return strike() ? NULL : note(__libc_memalign(align, size));
}

int posix_memalign(void **out, size_t align, size_t size)
{
    void *block = strike() ? NULL : note(__libc_memalign(align, size));

    if (block == NULL)
        return ENOMEM;
    *out = block;
    return 0;
}

void free(void *block)
{
    if (block == NULL)
        return;
    mark_drop(block);
    __libc_free(block);
}

#pragma GCC visibility pop

bool oom_malloc_available(void)
{
    return true;
}

void oom_malloc_arm(long n, bool forever)
{
    for (size_t i = 0; i < MARKS; i++)
        marks[i] = 0;
    state = (struct oom_state){.armed = true, .forever = forever, .countdown = n};
}

long oom_malloc_disarm(void)
{
    state.armed = false;
    return state.failed;
}

long oom_malloc_live(void)
{
    return state.live;
}

#else

bool oom_malloc_available(void)
{
    return false;
}

void oom_malloc_arm(long n, bool forever)
{
    (void)n;
    (void)forever;
}

long oom_malloc_disarm(void)
{
    return 0;
}

long oom_malloc_live(void)
{
    return 0;
}

#endif
