/* The progress bar: on a terminal, for work that takes more than a second. */
#include "cli.h"

#include <string.h>
#include <time.h>

enum { BAR = 30, FIRST_MS = 1000, AGAIN_MS = 200 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_begin(progress *p, cli *c, const char *what)
{
    *p = (progress){.c = c, .what = what, .began_ms = now_ms()};
}

static void put_left(progress *p, int64_t spent_ms, uint64_t done, uint64_t total)
{
    if (done == 0 || total <= done)
        return;
    const uint64_t left =
        (uint64_t)((double)spent_ms / 1000.0 * ((double)(total - done) / (double)done));
    fprintf(stderr, T(p->c, "  %llu:%02llu left", "  剩余 %llu:%02llu"),
            (unsigned long long)(left / 60), (unsigned long long)(left % 60));
}

int32_t progress_step(uint64_t done, uint64_t total, void *user)
{
    progress *p = user;
    if (!p->c->progress)
        return 0;
    const int64_t now = now_ms();
    if (now - p->began_ms < FIRST_MS || now - p->shown_ms < AGAIN_MS)
        return 0;
    p->shown_ms = now;
    p->shown = true;
    fprintf(stderr, "\r\033[K%s ", p->what);
    if (total > 0) {
        const double part = done < total ? (double)done / (double)total : 1.0;
        fputc('[', stderr);
        for (int i = 0; i < BAR; i++)
            fputc(i < (int)(part * BAR) ? '#' : '.', stderr);
        fprintf(stderr, "] %3d%%", (int)(part * 100));
        put_left(p, now - p->began_ms, done, total);
    } else {
        fprintf(stderr, "%llu", (unsigned long long)done);
    }
    fflush(stderr);
    return 0;
}

void progress_end(progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
}
