/* The floor floor: hashing is libsodium's, so ours can only be as fast; it shows what the harness itself costs. */
#include "bench/common/bench.h"

#include <string.h>

#include <sodium.h>

#include "base/base.h"

enum { TIMES = 2000 };

static uint8_t text[4096];

static bool hash_ours(void *user)
{
    uint8_t out[BASE_DIGEST_SIZE];

    (void)user;
    for (int i = 0; i < TIMES; i++) {
        text[0] = (uint8_t)i;
        base_sha256(text, sizeof text, out);
        bench_keep(out[0]);
    }
    return true;
}

static bool hash_floor(void *user)
{
    uint8_t out[crypto_hash_sha256_BYTES];

    (void)user;
    for (int i = 0; i < TIMES; i++) {
        text[0] = (uint8_t)i;
        crypto_hash_sha256(out, text, sizeof text);
        bench_keep(out[0]);
    }
    return true;
}

int main(int argc, char **argv)
{
    static const bench_case cases[] = {
        {.name = "base: SHA-256 of 4 KiB",
         .unit = "us",
         .work = TIMES,
         .ours = {.run = hash_ours},
         .floor = {.run = hash_floor},
         .floor_name = "bare libsodium"},
    };

    memset(text, 'x', sizeof text);
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
