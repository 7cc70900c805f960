/* What fuzzers of rulebooks share: any bytes are refused with places that exist, or read, and what was stored opens to the same. */
#ifndef GOV_FUZZ_RULES_H
#define GOV_FUZZ_RULES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rulebook/rulebook.h"

static inline void check(int truth)
{
    if (!truth)
        abort();
}

static inline void check_places(const gov_error *err, const uint8_t *data, size_t size)
{
    int64_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || (data[i] == '\r' && (i + 1 == size || data[i + 1] != '\n'));
    for (size_t i = 0; i < gov_error_count(err); i++) {
        const int64_t line = gov_error_line(err, i);
        check(line >= 0 && line <= lines);
        check(gov_error_column(err, i) >= 0);
        check(base_utf8_valid(gov_error_message(err, i, "en"), strlen(gov_error_message(err, i, "en"))));
        check(base_utf8_valid(gov_error_message(err, i, "zh"), strlen(gov_error_message(err, i, "zh"))));
    }
}

/* NULL: refused. */
static inline rulebook *load_rules(const rulebook_host *host, const uint8_t *data, size_t size)
{
    gov_error *err = NULL;
    const diag d = {&base_malloc, &err};
    const rulebook_source s = {.path = "r.yaml", .bytes = (const char *)data, .len = size};
    const rulebook_options o = {.host = host, .today = 20000, .lenient = true};
    rulebook_bundle *b = NULL;
    rulebook *rb = NULL;
    check(rulebook_bundle_make(&base_malloc, &s, 1, &b, &d) == GOV_OK);
    const gov_status status = rulebook_load(&base_malloc, b, &o, &rb, &d);
    check((status == GOV_OK) == (rb != NULL) && (status == GOV_OK) == (gov_error_status(err) == GOV_OK));
    check_places(err, data, size);
    gov_error_free(err);
    return rb;
}

/* From what is kept of it in a store. */
static inline rulebook *open_again(const rulebook_host *host, const rulebook *rb)
{
    const rulebook_options o = {.host = host, .tzif = rb->tzif, .tzif_len = rb->tzif_len, .lenient = true};
    rulebook_bundle *b = NULL;
    rulebook *again = NULL;
    base_buf text;
    base_buf_init(&text, &base_malloc);
    rulebook_bundle_write(rulebook_bundle_of(rb), &text);
    check(rulebook_bundle_parse(&base_malloc, text.data, text.len, &b, NULL) == GOV_OK);
    check(rulebook_open(&base_malloc, b, &o, &again, NULL) == GOV_OK);
    check(memcmp(again->digest, rb->digest, BASE_DIGEST_SIZE) == 0);
    base_buf_free(&text);
    return again;
}

#endif
