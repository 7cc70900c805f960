#include "support/fire.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void start(fire *f, int i)
{
    const uint64_t number = ++f->started;
    f->worker[i] = fork();
    assert_true(f->worker[i] >= 0);
    if (f->worker[i] == 0) {
        close(f->in);
        _exit(f->work(f->user, f->out, number));
    }
}

static void shoot(fire *f, int i)
{
    int status = -1;
    assert_int_equal(kill(f->worker[i], SIGKILL), 0);
    assert_true(waitpid(f->worker[i], &status, 0) == f->worker[i]);
    if (!WIFSIGNALED(status)) /* it had ended by itself: that is what must not be */
        fail_msg("a worker ended with %d", WEXITSTATUS(status));
}

static void listen_for(fire *f, int64_t ms)
{
    struct pollfd p = {.fd = f->in, .events = POLLIN};
    const int64_t end = now_ms() + ms;
    for (int64_t left = ms; left >= 0; left = end - now_ms()) {
        if (poll(&p, 1, (int)left) != 1 || !(p.revents & POLLIN))
            continue;
        if (f->count == f->cap) {
            f->cap = f->cap != 0 ? 2 * f->cap : 256;
            f->acks = realloc(f->acks, f->cap * sizeof *f->acks);
            assert_non_null(f->acks);
        }
        assert_true(read(f->in, &f->acks[f->count], sizeof *f->acks) == sizeof *f->acks);
        f->count++;
    }
}

void fire_burn(fire *f, int seconds)
{
    int ends[2];
    const size_t before = f->count;
    const int64_t began = now_ms();
    assert_int_equal(pipe(ends), 0);
    f->in = ends[0];
    f->out = ends[1];
    for (int i = 0; i < FIRE_WORKERS; i++)
        start(f, i);
    do {
        listen_for(f, 60 + f->shots * 37 % 240);
        shoot(f, f->shots % FIRE_WORKERS);
        start(f, f->shots % FIRE_WORKERS);
        f->shots++;
    } while (now_ms() - began < seconds * INT64_C(1000) || (f->count < before + 5 && now_ms() - began < 60000));
    for (int i = 0; i < FIRE_WORKERS; i++)
        shoot(f, i);
    listen_for(f, 20);
    close(ends[0]);
    close(ends[1]);
}

bool fire_tell(int out, const fire_ack *ack)
{
    return write(out, ack, sizeof *ack) == (ssize_t)sizeof *ack;
}

void fire_free(fire *f)
{
    free(f->acks);
    *f = (fire){0};
}

int fire_seconds(int few, int many)
{
    return getenv("GOV_LONG") != NULL ? many : few;
}

uint32_t fire_random(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}
