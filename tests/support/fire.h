/* Processes that work at random while one after the other is killed with SIGKILL and another one takes its place. What a worker has
 * been told was done, it writes into a pipe: that has to be there afterwards. */
#ifndef GOV_TEST_FIRE_H
#define GOV_TEST_FIRE_H

#include "support/support.h"

#include <sys/types.h>

enum { FIRE_WORKERS = 3 };

/* One acknowledged act, in the test's own words. Written at once, so a pipe takes all of it or nothing. */
typedef struct fire_ack {
    int64_t what, id, amount, more;
} fire_ack;

typedef struct fire {
    /* Never returns but with what went wrong; `out` is for fire_tell. `number`: another one for each process. */
    int (*work)(void *user, int out, uint64_t number);
    void *user;
    fire_ack *acks; /* freed by fire_free */
    size_t count, cap;
    int shots;
    pid_t worker[FIRE_WORKERS];
    uint64_t started;
    int in, out;
} fire;

/* For so many seconds, and until something was acknowledged. Fails the test when a worker ends by itself. No store may be open here: no
 * connection crosses a fork. */
void fire_burn(fire *f, int seconds);
bool fire_tell(int out, const fire_ack *ack);
void fire_free(fire *f);
/* A few seconds, or many under GOV_LONG. */
int fire_seconds(int few, int many);
uint32_t fire_random(uint64_t *state, uint32_t below);

#endif
