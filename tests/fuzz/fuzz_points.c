/* Points programmes from anywhere, with the rooms that know them: refused with places that exist, or read, and then opened again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "points/points.h"

static void check(int truth)
{
    if (!truth)
        abort();
}

static const rulebook_host *const rooms[] = {&registry_words, &case_words, &points_words};
static const rulebook_host host = {.in_state = case_in_state, .calendar = case_calendar_of, .parts = rooms, .part_count = ARRAY_LEN(rooms)};

static void check_places(const gov_error *err)
{
    for (size_t i = 0; i < gov_error_count(err); i++) {
        check(gov_error_line(err, i) >= 0 && gov_error_column(err, i) >= 0);
        check(base_utf8_valid(gov_error_message(err, i, "en"), strlen(gov_error_message(err, i, "en"))));
        check(base_utf8_valid(gov_error_message(err, i, "zh"), strlen(gov_error_message(err, i, "zh"))));
    }
}

/* What was taken has everything that the room later reads without looking. */
static void check_programme(const points_programme *p)
{
    check(p->name != NULL && p->book > 0 && p->goods != p->book && p->top > 0);
    for (uint32_t i = 0; i < p->rule_count; i++) {
        check(p->rules[i].name != NULL);
        check(p->rules[i].on.workflow == NULL || p->rules[i].on.amount != NULL);
        for (uint32_t k = 0; k < p->rules[i].caps.count; k++)
            check(p->rules[i].caps.items[k].amount != NULL);
    }
    for (uint32_t i = 0; i < p->item_count; i++)
        check(p->items[i].name != NULL && p->items[i].price != NULL && (p->items[i].unlimited || p->goods != 0));
    for (uint32_t i = 0; i < p->tiers.count; i++)
        check(p->tiers.levels[i].name != NULL && p->tiers.levels[i].from != NULL);
    check((p->expires.notice.kind == RULEBOOK_LENGTH_NONE) == (p->expires.template == NULL));
    check(p->expires.kind != POINTS_AFTER || p->expires.after.kind != RULEBOOK_LENGTH_NONE);
}

static uint32_t check_programmes(const rulebook *rb)
{
    const points_programme *p;
    uint32_t n = 0;
    for (; (p = points_at(rb, n)) != NULL; n++)
        check_programme(p);
    return n;
}

static void reopen(const rulebook *rb)
{
    const rulebook_options o = {.host = &host, .tzif = rb->tzif, .tzif_len = rb->tzif_len, .lenient = true};
    rulebook_bundle *b = NULL;
    rulebook *again = NULL;
    base_buf text;
    base_buf_init(&text, &base_malloc);
    rulebook_bundle_write(rulebook_bundle_of(rb), &text);
    check(rulebook_bundle_parse(&base_malloc, text.data, text.len, &b, NULL) == GOV_OK);
    check(rulebook_open(&base_malloc, b, &o, &again, NULL) == GOV_OK);
    check(check_programmes(rb) == check_programmes(again));
    rulebook_free(again);
    base_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gov_error *err = NULL;
    const diag d = {&base_malloc, &err};
    const rulebook_source s = {.path = "r.yaml", .bytes = (const char *)data, .len = size};
    const rulebook_options o = {.host = &host, .today = 20000, .lenient = true};
    rulebook_bundle *b = NULL;
    rulebook *rb = NULL;
    gov_status status = rulebook_bundle_make(&base_malloc, &s, 1, &b, &d);
    if (status == GOV_OK)
        status = rulebook_load(&base_malloc, b, &o, &rb, &d);
    check((status == GOV_OK) == (rb != NULL));
    check_places(err);
    gov_error_free(err);
    if (rb != NULL)
        reopen(rb);
    rulebook_free(rb);
    return 0;
}
