/* Opening stores and communities. */
#include "api/api.h"

#include "case/case.h"

#include <sodium.h>
#include <string.h>

void gov_options_init(gov_options *options, size_t size)
{
    if (options == NULL || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

static gov_status read_options(const gov_options *given, gov_options *out, const diag *d)
{
    const gov_status status = access_options(out, sizeof *out, given, given != NULL ? given->size : 0, d);
    const uint32_t known = GOV_OPEN_CREATE | GOV_OPEN_READONLY | GOV_OPEN_RELAXED;
    if (status == GOV_OK && (out->flags & ~known) != 0)
        return base_fail(d, M_bad_options);
    if (out->alloc == NULL)
        out->alloc = &base_malloc;
    if (out->now_us == NULL)
        out->now_us = api_system_now;
    if (out->random == NULL)
        out->random = api_system_random;
    return status;
}

static gov_status open_store(const char *url, const gov_options *o, store **out, const diag *d)
{
    const store_config config = {
        .url = url,
        .flags = ((o->flags & GOV_OPEN_CREATE) != 0 ? STORE_CREATE : 0U) |
                 ((o->flags & GOV_OPEN_READONLY) != 0 ? STORE_READ_ONLY : 0U) |
                 ((o->flags & GOV_OPEN_RELAXED) != 0 ? STORE_FAST : 0U),
        .busy_ms = o->busy_timeout_ms > INT32_MAX ? INT32_MAX : (int32_t)o->busy_timeout_ms,
        .migrations = api_schema,
        .migration_count = api_schema_count,
    };
    if (sodium_init() < 0)
        return base_fail(d, M_unsupported, A_S("what", "libsodium"));
    return store_open(o->alloc, &config, out, d);
}

static void free_host(gov_store *home)
{
    api_host_free(home->host, home->alloc);
}

gov_status gov_store_open(const char *url, const gov_options *options, gov_store **out, gov_error **err)
{
    diag d = {NULL, err};
    gov_options o;
    gov_status status = read_options(options, &o, &d);
    if (status == GOV_OK && (url == NULL || out == NULL))
        status = base_fail(&d, M_bad_argument, A_S("what", url == NULL ? "url" : "out"));
    if (status != GOV_OK)
        return status;
    d.alloc = o.alloc;
    gov_store *home = base_alloc(o.alloc, sizeof *home);
    if (home == NULL)
        return base_nomem(&d);
    *home = (gov_store){.alloc = o.alloc,
                        .now_us = o.now_us,
                        .now_user = o.now_user,
                        .random = o.random,
                        .random_user = o.random_user};
    atomic_init(&home->refs, 1);
    home->host_free = free_host;
    status = api_host_new(o.alloc, o.scope, &home->host, &d);
    if (status == GOV_OK)
        status = open_store(url, &o, &home->store, &d);
    if (status != GOV_OK) {
        free_host(home);
        base_free(o.alloc, home);
        return status;
    }
    *out = home;
    return GOV_OK;
}

void gov_store_free(gov_store *home)
{
    if (home != NULL)
        access_release(home);
}

/* The schema's version as one number: the sum over its rooms, which only grows. */
static gov_status schema_version(store *s, int32_t *out, const diag *d)
{
    static const store_sql total = {"SELECT CAST(sum(version) AS BIGINT) FROM gov_schema WHERE community = 0"};
    int64_t n = 0;
    gov_status status = store_begin_read(s, d);
    if (status == GOV_OK)
        status = store_first_int(s, &total, STORE_NO_ARGS, &n, d);
    store_rollback(s);
    *out = (int32_t)n;
    return status == GOV_END ? GOV_OK : status;
}

static gov_status upgrade_store(store *s, int32_t *from, int32_t *to, const diag *d)
{
    gov_error *quiet = NULL;
    const diag nobody = {d->alloc, &quiet};
    const gov_status state = store_schema_state(s, api_schema, api_schema_count, &nobody);
    const bool known = state == GOV_OK || state == GOV_E_OLDER;
    gov_status status = known              ? schema_version(s, from, d)
                        : state == GOV_END ? store_damaged(s, "it holds nothing of libgov", d) /* to make one is not asked */
                                           : base_forward(d, quiet);
    gov_error_free(quiet);
    if (status == GOV_OK)
        status = store_migrate(s, api_schema, api_schema_count, d);
    return status == GOV_OK ? schema_version(s, to, d) : status;
}

gov_status gov_store_upgrade(const char *url, const gov_options *options, int32_t *from, int32_t *to, gov_error **err)
{
    diag d = {NULL, err};
    gov_options o;
    store *s = NULL;
    int32_t before = 0, after = 0;
    gov_status status = read_options(options, &o, &d);
    if (status == GOV_OK && url == NULL)
        status = base_misuse(err, "url");
    if (status != GOV_OK)
        return status;
    d.alloc = o.alloc;
    const store_config config = {.url = url, .busy_ms = (int32_t)(o.busy_timeout_ms & INT32_MAX)};
    if (sodium_init() < 0)
        return base_fail(&d, M_unsupported, A_S("what", "libsodium"));
    status = store_open(o.alloc, &config, &s, &d);
    if (status == GOV_OK)
        status = upgrade_store(s, &before, &after, &d);
    store_close(s);
    if (status == GOV_OK && from != NULL)
        *from = before;
    if (status == GOV_OK && to != NULL)
        *to = after;
    return status;
}

typedef struct backup_user {
    gov_progress progress;
    void *user;
} backup_user;

static gov_status on_page(void *user, int64_t done, int64_t all)
{
    const backup_user *b = user;
    return b->progress((uint64_t)done, (uint64_t)all, b->user) == 0 ? GOV_OK : GOV_E_USER;
}

gov_status gov_store_backup(gov_store *home, const char *path, gov_progress progress, void *user, gov_error **err)
{
    const diag d = {home != NULL ? home->alloc : NULL, err};
    backup_user b = {progress, user};
    if (home == NULL || path == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", home == NULL ? "store" : "path"));
    return store_backup(home->store, path, progress != NULL ? on_page : NULL, &b, &d);
}

/* ---- communities ---- */

static gov_status wire(gov *g, const diag *d)
{
    gov_status status = registry_attach(g, g->home->host, d);
    if (status == GOV_OK)
        status = case_attach(g, d);
    return status;
}

/* A handle that is wired but has no rules yet. */
static gov_status new_handle(gov_store *home, int64_t community, const char *name, gov **out, const diag *d)
{
    gov *g = NULL;
    gov_status status = access_new(home, community, &g, d);
    if (status != GOV_OK)
        return status;
    g->name = base_strdup(g->alloc, name);
    status = g->name != NULL ? wire(g, d) : base_nomem(d);
    if (status != GOV_OK) {
        gov_free(g);
        return status;
    }
    *out = g;
    return GOV_OK;
}

typedef struct creation {
    gov_store *home;
    const char *name;
    const gov_rulebook *rulebook;
    int64_t id;
} creation;

static gov_status add_community(gov *g, const creation *c, const diag *d)
{
    int64_t rules;
    g->actor = (access_actor){.kind = ACCESS_HOST, .key = "", .name = "", .purpose = "create"};
    gov_status status = registry_community_add(g->store, c->id, c->name, access_now(g), d);
    if (status == GOV_OK)
        status = registry_rules_install(g, c->rulebook->book, &rules, d);
    if (status == GOV_OK)
        status = case_schedules_install(g, c->rulebook->book, d);
    return status;
}

static gov_status create_body(void *user, const diag *d)
{
    creation *c = user;
    gov *g = NULL;
    gov_status status = store_new_id(c->home->store, access_real_ms(&(gov){.home = c->home}), &c->id, d);
    if (status == GOV_OK)
        status = new_handle(c->home, c->id, c->name, &g, d);
    if (status != GOV_OK)
        return status;
    status = add_community(g, c, d);
    gov_free(g);
    return status;
}

gov_status gov_community_create(gov_store *home, const char *name, const gov_rulebook *rules, int64_t *id,
                                gov_error **err)
{
    const diag d = {home != NULL ? home->alloc : NULL, err};
    if (home == NULL || rules == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", home == NULL ? "store" : "rules"));
    creation c = {home, name != NULL ? name : rules->book->id, rules, 0};
    if (c.name[0] == '\0' || strlen(c.name) > 128 || !base_utf8_valid(c.name, strlen(c.name)))
        return base_fail(&d, M_bad_argument, A_S("what", "name"));
    if (store_in_transaction(home->store))
        return base_fail(&d, M_group_elsewhere);
    const gov_status status = store_run(home->store, create_body, &c, &d);
    if (status == GOV_OK && id != NULL)
        *id = c.id;
    return status;
}

static gov_status attach_found(gov_store *home, const registry_community *found, gov **out, const diag *d)
{
    gov *g = NULL;
    gov_status status = new_handle(home, found->id, found->name, &g, d);
    if (status == GOV_OK)
        status = registry_rules_use(g, found->rules, d);
    if (status != GOV_OK) {
        gov_free(g);
        return status;
    }
    *out = g;
    return GOV_OK;
}

gov_status gov_attach(gov_store *home, const char *name, gov **out, gov_error **err)
{
    const diag d = {home != NULL ? home->alloc : NULL, err};
    registry_community found;
    base_arena arena;
    if (home == NULL || out == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", home == NULL ? "store" : "out"));
    base_arena_init(&arena, home->alloc);
    const bool own = !store_in_transaction(home->store);
    gov_status status = own ? store_begin_read(home->store, &d) : GOV_OK;
    if (status == GOV_OK)
        status = registry_community_find(home->store, name, &arena, &found, &d);
    if (status == GOV_OK)
        status = attach_found(home, &found, out, &d);
    if (own)
        store_rollback(home->store);
    base_arena_free(&arena);
    return status;
}

gov_status gov_open(const char *url, const gov_options *options, gov **out, gov_error **err)
{
    gov_store *home = NULL;
    if (out == NULL)
        return base_misuse(err, "out");
    gov_status status = gov_store_open(url, options, &home, err);
    if (status != GOV_OK)
        return status;
    status = gov_attach(home, NULL, out, err);
    gov_store_free(home); /* the community keeps it */
    return status;
}

static gov_status create_and_attach(const char *url, const gov_options *o, const gov_rulebook *rules, gov **out,
                                    gov_error **err)
{
    gov_store *home = NULL;
    gov_status status = gov_store_open(url, o, &home, err);
    if (status == GOV_OK)
        status = gov_community_create(home, NULL, rules, NULL, err);
    if (status == GOV_OK)
        status = gov_attach(home, rules->book->id, out, err);
    gov_store_free(home);
    return status;
}

gov_status gov_create(const char *url, const gov_options *options, const char *path, gov **out, gov_error **err)
{
    diag d = {NULL, err};
    gov_options o;
    gov_rulebook *rules = NULL;
    gov_error *warnings = NULL;
    gov_status status = read_options(options, &o, &d);
    if (status == GOV_OK && (url == NULL || path == NULL || out == NULL))
        status = base_misuse(err, url == NULL ? "url" : path == NULL ? "rules" : "out");
    if (status != GOV_OK)
        return status;
    d.alloc = o.alloc;
    o.size = sizeof o;
    o.flags |= GOV_OPEN_CREATE;
    status = gov_rulebook_load_with(o.alloc, path, o.now_us(o.now_user), o.scope, &rules, &warnings);
    if (status == GOV_OK)
        status = create_and_attach(url, &o, rules, out, err);
    else
        status = base_forward(&d, warnings);
    gov_rulebook_free(rules);
    gov_error_free(warnings);
    return status;
}

void gov_free(gov *g)
{
    if (g == NULL)
        return;
    gov_store *home = g->home;
    access_end_group(g);
    for (size_t i = ACCESS_ROOMS; i-- > 0;)
        if (g->room[i] != NULL)
            g->room_free[i](g, g->room[i]);
    base_arena_free(&g->actor_memory);
    base_arena_free(&g->scratch);
    base_arena_free(&g->look_memory);
    base_free(g->alloc, g->looks);
    base_free(g->alloc, g->name);
    base_free(g->alloc, g);
    access_release(home);
}
