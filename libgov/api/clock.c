/* The machine's clock and random bytes, for a host that brings none of its own. */
#include "api/api.h"

#include <sodium.h>
#include <time.h>

int64_t api_system_now(void *user)
{
    struct timespec t;
    (void)user;
    if (clock_gettime(CLOCK_REALTIME, &t) != 0)
        return 0;
    return (int64_t)t.tv_sec * BASE_US_PER_SECOND + t.tv_nsec / 1000;
}

void api_system_random(void *bytes, size_t len, void *user)
{
    (void)user;
    randombytes_buf(bytes, len);
}
