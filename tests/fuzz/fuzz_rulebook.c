/* Rulebooks from anywhere: either refused with places that exist, or compiled, and then the stored bytes open to the same. */
#include "common/rules.h"
#include "support/rulebook_host.h"

static void reopen(const rulebook *rb)
{
    rulebook *again = open_again(&test_host, rb);
    check(again->workflows.count == rb->workflows.count);
    for (uint32_t i = 0; i < rb->workflows.count; i++) {
        const rulebook_workflow *v, *w;
        check(rulebook_get_workflow(rb, rb->workflows.items[i], &v, NULL) == GOV_OK);
        check(rulebook_get_workflow(again, rb->workflows.items[i], &w, NULL) == GOV_OK);
        check(memcmp(v->digest, w->digest, BASE_DIGEST_SIZE) == 0 && v->slot_count == w->slot_count);
    }
    rulebook_free(again);
}

/* Bytes that claim to be what a store keeps: they are opened without being read as rules. */
static void open_anything(const uint8_t *data, size_t size)
{
    const rulebook_options o = {.host = &test_host, .today = 20000, .lenient = true};
    gov_error *err = NULL;
    const diag d = {&base_malloc, &err};
    rulebook_bundle *b = NULL;
    rulebook *rb = NULL;
    if (rulebook_bundle_parse(&base_malloc, (const char *)data, size, &b, &d) == GOV_OK)
        (void)rulebook_open(&base_malloc, b, &o, &rb, &d);
    rulebook_free(rb);
    gov_error_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_anything(data, size);
    rulebook *rb = load_rules(&test_host, data, size);
    if (rb != NULL)
        reopen(rb);
    rulebook_free(rb);
    return 0;
}
