/* Time zone files from anywhere: either refused, or every instant has an offset and a way back. */
#include <stdint.h>
#include <stdlib.h>

#include "base/base.h"

static void check(int truth)
{
    if (!truth)
        abort();
}

static void probe(const base_zone *z, int64_t seconds)
{
    const int64_t local = seconds + base_zone_offset(z, seconds);
    int64_t back;

    switch (base_zone_to_utc(z, local, &back)) {
    case BASE_LOCAL_UNIQUE: check(back == seconds); break;
    case BASE_LOCAL_REPEATED:
        check(back <= seconds && back + base_zone_offset(z, back) == local);
        break;
    default: check(0); /* an instant's own local time exists */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    base_zone *z;
    gov_error *err = NULL;
    const diag d = {.alloc = NULL, .out = &err};

    if (base_zone_parse(NULL, "Fuzz/Zone", data, size, &z, &d) != GOV_OK) {
        check(z == NULL && gov_error_count(err) == 1);
        gov_error_free(err);
        return 0;
    }
    for (int64_t s = -10000000000; s < 10000000000; s += 86400 * 97 + 4111)
        probe(z, s);
    for (int shift = 34; shift < 60; shift++) {
        probe(z, INT64_C(1) << shift);
        probe(z, -(INT64_C(1) << shift));
    }
    for (int64_t local = 1700000000; local < 1760000000; local += 86400 * 3 + 977) {
        int64_t utc;
        if (base_zone_to_utc(z, local, &utc) != BASE_LOCAL_SKIPPED)
            check(utc + base_zone_offset(z, utc) == local);
    }
    base_zone_free(z);
    return 0;
}
