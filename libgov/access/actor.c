/* The handle itself: its clock, its actor, its life. */
#include "access/access.h"

#include <string.h>

int64_t access_now(const gov *g)
{
    if (g->clock.stands)
        return g->clock.us;
    return g->home->now_us(g->home->now_user);
}

int64_t access_real_ms(const gov *g)
{
    return g->home->now_us(g->home->now_user) / 1000;
}

void access_set_clock(gov *g, int64_t us)
{
    g->clock = (access_clock){true, us};
}

void access_random(const gov *g, void *bytes, size_t len)
{
    g->home->random(bytes, len, g->home->random_user);
}

gov_status access_new_id(gov *g, int64_t *id, const diag *d)
{
    return store_new_id(g->store, access_real_ms(g), id, d);
}

int64_t gov_now(const gov *g)
{
    return g != NULL ? access_now(g) : 0;
}

gov_status gov_set_now(gov *g, int64_t us, gov_error **err)
{
    const diag d = {g != NULL ? g->alloc : NULL, err};
    if (g == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", "g"));
    if (us <= ACCESS_BEFORE_TIME_US || us >= INT64_C(253402300800) * BASE_US_PER_SECOND)
        return base_fail(&d, M_clock_range);
    access_set_clock(g, us);
    return GOV_OK;
}

gov_status gov_run_clock(gov *g, gov_error **err)
{
    if (g == NULL)
        return base_misuse(err, "g");
    g->clock = (access_clock){false, 0};
    return GOV_OK;
}

int64_t access_actor_id(const gov *g)
{
    const access_actor *a = &g->actor;
    return a->kind == ACCESS_HOST ? ACCESS_ID_HOST : a->kind == ACCESS_RULES ? ACCESS_ID_RULES : a->id;
}

gov_status access_record(gov *g, const journal_entry *entry, int64_t *id, const diag *d)
{
    journal_entry full = *entry;
    full.real_ms = access_real_ms(g);
    full.at_us = access_now(g);
    full.actor = access_actor_id(g);
    full.purpose = g->actor.purpose;
    return journal_append(g->journal, &full, id, d);
}

gov_status access_keep(gov *g, gov_status written, const journal_kept *k, int64_t a, int64_t b,
                       int64_t c, const diag *d)
{
    const journal_entry by = {.real_ms = access_real_ms(g),
                              .at_us = access_now(g),
                              .actor = access_actor_id(g)};
    return written == GOV_OK
               ? journal_keep(g->journal, k, (const int64_t[JOURNAL_KEY_MAX]){a, b, c}, &by, d)
               : written;
}

/* ---- the actor ---- */

static gov_status set_actor(gov *g, access_kind kind, const char *key, const char *purpose, gov_error **err)
{
    const diag d = {g != NULL ? g->alloc : NULL, err};
    base_arena memory;
    access_actor actor = {.kind = kind, .key = "", .name = ""};
    gov_status status = GOV_OK;
    if (g == NULL || purpose == NULL || purpose[0] == '\0' || (kind != ACCESS_HOST && key == NULL) ||
        strlen(purpose) > JOURNAL_TEXT_MAX || !base_utf8_valid(purpose, strlen(purpose)))
        return base_fail(&d, M_bad_argument,
                         A_S("what", g == NULL ? "g" : kind != ACCESS_HOST && key == NULL ? "key" : "purpose"));
    base_arena_init(&memory, g->alloc);
    if (kind != ACCESS_HOST)
        status = g->hooks.resolve(g, kind, key, &memory, &actor, &d);
    if (status == GOV_OK) {
        actor.purpose = base_arena_strdup(&memory, purpose);
        if (actor.purpose == NULL)
            status = base_nomem(&d);
    }
    if (status != GOV_OK) {
        base_arena_free(&memory);
        return status;
    }
    base_arena_free(&g->actor_memory);
    g->actor_memory = memory;
    g->actor = actor;
    return GOV_OK;
}

gov_status gov_act_as_host(gov *g, const char *purpose, gov_error **err)
{
    return set_actor(g, ACCESS_HOST, NULL, purpose, err);
}

gov_status gov_act_as(gov *g, const char *staff, const char *purpose, gov_error **err)
{
    return set_actor(g, ACCESS_STAFF, staff, purpose, err);
}

gov_status gov_act_as_resident(gov *g, const char *resident, const char *purpose, gov_error **err)
{
    return set_actor(g, ACCESS_RESIDENT, resident, purpose, err);
}

access_actor access_become_rules(gov *g)
{
    const access_actor before = g->actor;
    g->actor = (access_actor){.kind = ACCESS_RULES, .key = "", .name = "", .purpose = "rules"};
    return before;
}

void access_restore(gov *g, access_actor actor)
{
    g->actor = actor;
}

/* ---- life ---- */

static void journal_bytes(void *user, void *out, size_t len)
{
    const gov_store *home = user;
    home->random(out, len, home->random_user);
}

static gov_status journal_for(gov_store *home, int64_t community, journal **out, const diag *d)
{
    const journal_config config = {journal_bytes, home};
    for (size_t i = 0; i < home->journal_count; i++)
        if (home->journals[i].community == community) {
            *out = home->journals[i].journal;
            return GOV_OK;
        }
    if (!base_grow(home->alloc, &home->journals, &home->journal_cap, home->journal_count, sizeof *home->journals))
        return base_nomem(d);
    const gov_status status = journal_open(home->store, community, &config, out, d);
    if (status == GOV_OK)
        home->journals[home->journal_count++] = (struct access_journal){community, *out};
    return status;
}

gov_status access_new(gov_store *home, int64_t community, gov **out, const diag *d)
{
    gov *g = base_alloc(home->alloc, sizeof *g);
    if (g == NULL)
        return base_nomem(d);
    g->home = home;
    g->alloc = home->alloc;
    g->store = home->store;
    g->community = community;
    g->actor = (access_actor){.kind = ACCESS_NOBODY, .key = "", .name = ""};
    base_arena_init(&g->actor_memory, g->alloc);
    base_arena_init(&g->scratch, g->alloc);
    base_arena_init(&g->look_memory, g->alloc);
    const gov_status status = journal_for(home, community, &g->journal, d);
    if (status != GOV_OK) {
        base_free(home->alloc, g);
        return status;
    }
    access_hold(home);
    *out = g;
    return GOV_OK;
}

void access_hold(gov_store *home)
{
    atomic_fetch_add(&home->refs, 1);
}

void access_release(gov_store *home)
{
    if (atomic_fetch_sub(&home->refs, 1) != 1)
        return;
    for (size_t i = 0; i < home->journal_count; i++)
        journal_close(home->journals[i].journal);
    base_free(home->alloc, home->journals);
    store_close(home->store);
    if (home->host_free != NULL)
        home->host_free(home);
    base_free(home->alloc, home);
}

gov_status access_options(void *dst, size_t known, const void *src, size_t src_size, const diag *d)
{
    return base_options(dst, known, src, src_size, d);
}

void gov_call_options_init(gov_call_options *options, size_t size)
{
    if (options == NULL || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

gov_status access_call_options(gov_call_options *dst, const gov_call_options *src, const diag *d)
{
    const gov_status status = access_options(dst, sizeof *dst, src, src != NULL ? src->size : 0, d);
    const char *key = status == GOV_OK ? dst->idempotency_key : NULL;
    if (status == GOV_OK && (dst->reserved != 0 || (key != NULL && (strlen(key) > 200 || !base_utf8_valid(key, strlen(key))))))
        return base_fail(d, M_bad_options);
    return status;
}
