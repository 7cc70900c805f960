#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/faulty.h"
#include "support/oom_malloc.h"

/* Stands before each block: its size, and a mark that tells our blocks from others. */
union header {
    struct {
        size_t size;
        size_t mark;
    } h;
    max_align_t align;
};

static const size_t mark_live = 0x6c697665u, mark_freed = 0x66726565u;

static union header *header_of(void *ptr, const char *who)
{
    union header *h = (union header *)ptr - 1;

    if (h->h.mark != mark_live) {
        fprintf(stderr, "faulty: %s of %s\n", who,
                h->h.mark == mark_freed ? "a freed block" : "a block that is not ours");
        abort();
    }
    return h;
}

static bool strike(struct faulty *f)
{
    f->calls++;
    if (f->countdown < 0)
        return false;
    if (f->countdown > 0) {
        f->countdown--;
        return false;
    }
    if (f->hits > 0 && !f->forever)
        return false;
    f->hits++;
    return true;
}

static void account(struct faulty *f, size_t minus, size_t plus)
{
    f->bytes = f->bytes - minus + plus;
    if (f->bytes > f->peak)
        f->peak = f->bytes;
}

static void *faulty_alloc(size_t size, void *user)
{
    struct faulty *f = user;
    union header *h;

    if (strike(f) || size > SIZE_MAX - sizeof *h)
        return NULL;
    h = malloc(sizeof *h + size);
    if (h == NULL)
        return NULL;
    h->h.size = size;
    h->h.mark = mark_live;
    /* Whoever reads what he has not written shall notice. */
    memset(h + 1, 0xa5, size);
    f->live++;
    account(f, 0, size);
    return h + 1;
}

static void faulty_free(void *ptr, void *user)
{
    struct faulty *f = user;
    union header *h;

    if (ptr == NULL)
        return;
    h = header_of(ptr, "free");
    f->live--;
    account(f, h->h.size, 0);
    h->h.mark = mark_freed;
    free(h);
}

/* Always moves the block, so that a pointer kept across a resize is found out. */
static void *faulty_resize(void *ptr, size_t size, void *user)
{
    void *fresh = faulty_alloc(size, user);

    if (fresh == NULL || ptr == NULL)
        return fresh;
    union header *h = header_of(ptr, "resize");
    memcpy(fresh, ptr, h->h.size < size ? h->h.size : size);
    faulty_free(ptr, user);
    return fresh;
}

void faulty_init(struct faulty *f, long countdown, bool forever)
{
    memset(f, 0, sizeof *f);
    f->alloc.alloc = faulty_alloc;
    f->alloc.resize = faulty_resize;
    f->alloc.free = faulty_free;
    f->alloc.user = f;
    f->countdown = countdown;
    f->forever = forever;
}

/* The near allocations one by one, the far ones in growing steps unless all are wanted. */
static long next_failure(long n)
{
    const char *mode = getenv("GOV_OOM");

    if (mode != NULL && strcmp(mode, "all") == 0)
        return n + 1;
    return n < 48 ? n + 1 : n + 1 + n / 12;
}

static bool oom_step(oom_scenario *run, void *user, long n, bool forever)
{
    struct faulty f;
    gov_status rc;

    faulty_init(&f, n, forever);
    rc = run(&f.alloc, user);
    if (f.live != 0)
        fail_msg("allocation %ld failing %s: %ld blocks (%zu bytes) leaked", n + 1,
                 forever ? "for ever" : "once", f.live, f.bytes);
    if (f.hits == 0) {
        if (rc != GOV_OK)
            fail_msg("undisturbed, the scenario answers %d", (int)rc);
        return false;
    }
    if (rc != GOV_E_NOMEM)
        fail_msg("allocation %ld failing %s: status %d, not GOV_E_NOMEM", n + 1,
                 forever ? "for ever" : "once", (int)rc);
    return true;
}

void oom_loop(oom_scenario *run, void *user)
{
    for (int forever = 0; forever < 2; forever++) {
        long n = 0;

        while (oom_step(run, user, n, forever != 0))
            n = next_failure(n);
    }
}

static bool oom_malloc_step(oom_scenario *run, void *user, int flags, long n, bool forever)
{
    gov_status rc;
    long failed;

    oom_malloc_arm(n, forever);
    rc = run(NULL, user);
    failed = oom_malloc_disarm();
    if ((flags & OOM_KEEPS) == 0 && oom_malloc_live() != 0)
        fail_msg("malloc %ld failing %s: %ld blocks leaked", n + 1, forever ? "for ever" : "once",
                 oom_malloc_live());
    if (failed == 0 && rc != GOV_OK)
        fail_msg("undisturbed, the scenario answers %d", (int)rc);
    if (failed > 0 && rc != GOV_OK && rc != GOV_E_NOMEM && (flags & OOM_ANY_ERROR) == 0)
        fail_msg("malloc %ld failing %s: status %d, neither GOV_OK nor GOV_E_NOMEM", n + 1,
                 forever ? "for ever" : "once", (int)rc);
    return failed > 0;
}

void oom_loop_malloc(oom_scenario *run, void *user, int flags)
{
    gov_status rc;

    if (!oom_malloc_available())
        support_skip("malloc cannot be made to fail in this build");
    rc = run(NULL, user); /* lets dependencies set up what they keep for good */
    if (rc != GOV_OK)
        fail_msg("undisturbed, the scenario answers %d", (int)rc);
    for (int forever = 0; forever < 2; forever++) {
        long n = 0;

        while (oom_malloc_step(run, user, flags, n, forever != 0))
            n = next_failure(n);
    }
}
