/* Points programmes from anywhere, with the rooms that know them: refused with places that exist, or read, and then opened again. */
#include "common/rules.h"
#include "points/points.h"

static const rulebook_host *const rooms[] = {&registry_words, &case_words, &points_words};
static const rulebook_host host = {.in_state = case_in_state, .calendar = case_calendar_of, .parts = rooms, .part_count = ARRAY_LEN(rooms)};

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rulebook *rb = load_rules(&host, data, size);
    rulebook *again = rb != NULL ? open_again(&host, rb) : NULL;
    if (rb != NULL)
        check(check_programmes(rb) == check_programmes(again));
    rulebook_free(again);
    rulebook_free(rb);
    return 0;
}
