/* A connection belongs to the process that opened it: after fork() the child has the same files and sockets open, and would break
 * locks and protocols of its parent. The child must be told apart at every call, so cheaply that no call is slower for it: the
 * kernel wipes one page for every child, where it can; else the process is asked for its number. */
#define _DEFAULT_SOURCE /* for madvise */
#include "store/engine.h"

#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096 }; /* or what that is rounded up to */

void store_process_note(store *s)
{
    s->process = getpid();
#if defined(MADV_WIPEONFORK) && defined(MAP_ANONYMOUS)
    unsigned char *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    if (madvise(page, PAGE_BYTES, MADV_WIPEONFORK) != 0) { /* an old kernel */
        (void)munmap(page, PAGE_BYTES);
        return;
    }
    *page = 1;
    s->unforked = page;
#endif
}

void store_process_forget(store *s)
{
    if (s->unforked != NULL)
        (void)munmap((void *)(uintptr_t)s->unforked, PAGE_BYTES);
    s->unforked = NULL;
}

bool store_forked(const store *s)
{
    return s->unforked != NULL ? *s->unforked == 0 : getpid() != s->process;
}

gov_status store_check_process(store *s, const diag *d)
{
    if (!store_forked(s))
        return GOV_OK;
    s->error = STORE_BUG;
    return base_fail(d, M_store_forked, A_S("place", s->place));
}
