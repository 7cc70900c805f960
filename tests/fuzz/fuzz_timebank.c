/*
 * Time banks from anywhere: a rulebook with one, which is refused or has all that the room later reads without looking; and a message between
 * communities, which is refused or is one that can be signed anew and read back the same.
 */
#include "common/rules.h"
#include "timebank/timebank.h"

#include <sodium.h>

static const rulebook_host *const rooms[] = {&registry_words, &case_words, &timebank_words};
static const rulebook_host host = {
    .in_state = case_in_state, .calendar = case_calendar_of, .parts = rooms, .part_count = ARRAY_LEN(rooms)};

static void check_bank(const timebank_bank *b)
{
    check(b->name != NULL && b->book > 0 && b->kin != NULL && b->skill_count <= 100000);
    check(b->cap_day >= 0 && b->cap_month >= 0 && b->cap_total >= 0 && b->negative >= 0 && b->confirm_minutes >= 0);
    check(!b->donates || b->has_pool);
    check(!b->group_donated || b->has_pool);
    for (uint32_t i = 0; i < b->skill_count; i++) {
        const timebank_skill *s = &b->skills[i];
        check(s->name != NULL && s->rate_num >= 1 && s->rate_den >= 1);
    }
    for (uint32_t i = 0; i < b->level_count; i++)
        check(b->levels[i].name != NULL && (i == 0 || b->levels[i].minutes > b->levels[i - 1].minutes));
}

static void read_rules(const uint8_t *data, size_t size)
{
    rulebook *rb = load_rules(&host, data, size);
    for (uint32_t i = 0; rb != NULL && i < rb->section_count; i++)
        if (strcmp(rb->sections[i].kind, timebank_section.key) == 0)
            check_bank(rb->sections[i].content);
    rulebook_free(rb);
}

static void read_message(const uint8_t *data, size_t size)
{
    gov g = {.alloc = &base_malloc};
    gov_error *err = NULL;
    const diag d = {&base_malloc, &err};
    uint8_t seed[32], public_key[32], secret_key[64];
    timebank_message m, again;
    memset(seed, 'k', sizeof seed);
    (void)crypto_sign_seed_keypair(public_key, secret_key, seed);
    base_arena_init(&g.scratch, &base_malloc);
    const gov_status status = timebank_read_message(&g, value_string((const char *)data, size), &m, &d);
    check(status == gov_error_status(err));
    check(status == GOV_OK || status == GOV_E_INPUT || status == GOV_E_LIMIT);
    if (status == GOV_OK) {
        (void)timebank_check_signature(&g, &m, public_key, NULL);
        check(timebank_write_message(&g, &m, secret_key, NULL) == GOV_OK);
        const gov_status back = timebank_read_message(&g, value_string(m.text, m.len), &again, NULL);
        check(back == GOV_OK || m.len > TIMEBANK_LONGEST_MESSAGE);
        if (back == GOV_OK) {
            check(timebank_check_signature(&g, &again, public_key, NULL) == GOV_OK);
            check(again.sequence == m.sequence && again.amount == m.amount && memcmp(again.hash, m.hash, sizeof m.hash) == 0);
        }
    }
    gov_error_free(err);
    base_arena_free(&g.scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == '{')
        read_message(data, size);
    else
        read_rules(data, size);
    return 0;
}
