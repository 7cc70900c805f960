/* Scenarios: a store and a community for each, and what came of them. */
#include "api/api.h"

#include "scenario/scenario.h"

#include <string.h>

void gov_scenario_options_init(gov_scenario_options *options, size_t size)
{
    if (options == NULL || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

typedef struct rehearsal {
    const gov_allocator *alloc;
    scenario_setting setting;
    const char *inside;
    gov_rulebook rules;
    gov_store *home; /* NULL: a new one for each */
    scenario_cover *cover;
    gov_scenario_told told;
    void *user;
    base_arena arena;
    value_builder results;
    int64_t passed, failed;
    char prefix[17];
    struct others *others;
} rehearsal;

/* Rules that a scenario goes over to, as they were read for the names in its later steps; once for each path. */
typedef struct others {
    struct others *next;
    const char *path, *overlay;
    gov_rulebook *rules; /* NULL: they cannot be read, which the step tells when it is played */
} others;

static bool same_path(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static gov_status read_others(void *user, const char *origin, const char *to, const char *overlay, const rulebook **out, const diag *d)
{
    rehearsal *r = user;
    const char *path, *over = r->setting.overlay;
    gov_status status = scenario_path(&r->setting, &r->arena, origin, to, &path, d);
    if (status == GOV_OK && overlay != NULL)
        status = scenario_path(&r->setting, &r->arena, origin, overlay, &over, d);
    others *o = r->others;
    while (status == GOV_OK && o != NULL && !(same_path(o->path, path) && same_path(o->overlay, over)))
        o = o->next;
    if (status == GOV_OK && o == NULL) {
        o = base_arena_alloc(&r->arena, sizeof *o);
        if (o == NULL)
            return base_nomem(d);
        *o = (others){r->others, path, over, NULL};
        r->others = o;
        if (gov_rulebook_load_over(r->alloc, path, over, 0, r->setting.scope, &o->rules, NULL) == GOV_E_NOMEM)
            return base_nomem(d);
    }
    if (status == GOV_OK && o->rules == NULL)
        return GOV_E_NOT_FOUND;
    *out = status == GOV_OK ? o->rules->book : NULL;
    return status;
}

static void free_others(rehearsal *r)
{
    for (others *o = r->others; o != NULL; o = o->next)
        gov_rulebook_free(o->rules);
}

static gov_status migrate(gov *g, const scenario_setting *setting, const char *path, const char *overlay, bool dry_run,
                          gov_value **report, gov_error **err)
{
    gov_rulebook *rules = NULL;
    gov_status status = gov_rulebook_load_over(g->alloc, path, overlay, 0, setting->scope, &rules, err);
    if (status != GOV_OK)
        return status;
    if (err != NULL) { /* warnings: `gov check` is for them */
        gov_error_free(*err);
        *err = NULL;
    }
    status = gov_migrate(g, rules, dry_run ? GOV_MIGRATE_DRY_RUN : 0, report, err);
    gov_rulebook_free(rules);
    return status;
}

static gov_status open_home(const rehearsal *r, const char *url, gov_store **out, gov_error **err)
{
    const gov_options o = {.size = sizeof o, .alloc = r->alloc, .flags = GOV_OPEN_CREATE | GOV_OPEN_RELAXED, .scope = r->setting.scope};
    return gov_store_open(url, &o, out, err);
}

/* A community whose name nobody has: on a server others may have run the same scenarios before. */
static gov_status make_community(rehearsal *r, gov_store *home, size_t i, gov **out, gov_error **err)
{
    char name[64], number[24];
    (void)base_format_int((int64_t)i, number);
    base_buf text;
    base_buf_init(&text, r->alloc);
    base_buf_fmt(&text, "scenario %s.%s", r->prefix, number);
    if (text.failed || text.len >= sizeof name) {
        base_buf_free(&text);
        return base_nomem(&(diag){r->alloc, err});
    }
    memcpy(name, text.data, text.len + 1);
    base_buf_free(&text);
    const gov_status status = gov_community_create(home, name, &r->rules, NULL, err);
    return status == GOV_OK ? gov_attach(home, name, out, err) : status;
}

static gov_status play_one(rehearsal *r, size_t i, gov_error **err)
{
    const diag d = {r->alloc, err};
    gov_store *own = NULL;
    gov *g = NULL;
    value result = value_null();
    bool passed = false;
    gov_status status = r->home == NULL ? open_home(r, ":memory:", &own, err) : GOV_OK;
    if (status == GOV_OK)
        status = make_community(r, r->home != NULL ? r->home : own, i, &g, err);
    if (status == GOV_OK)
        status = scenario_play(g, i, &r->setting, r->cover, &r->arena, &result, &passed, &d);
    gov_free(g);
    gov_store_free(own);
    if (status != GOV_OK)
        return status;
    r->passed += passed;
    r->failed += !passed;
    value_builder_add(&r->results, result);
    return r->told == NULL || r->told(&result, r->user) == 0 ? GOV_OK : GOV_E_USER;
}

static gov_status play_all(rehearsal *r, gov_error **err)
{
    const diag d = {r->alloc, err};
    gov_status status = GOV_OK;
    for (size_t i = 0; i < r->rules.book->scenarios.count && status == GOV_OK; i++) {
        const rulebook_scenario *s;
        status = rulebook_get_scenario(r->rules.book, i, &s, &d);
        if (status == GOV_OK && rulebook_lies_inside(s->place.origin, r->inside))
            status = play_one(r, i, err);
    }
    return status;
}

static gov_status publish(rehearsal *r, gov_value **report, const diag *d)
{
    value_builder b;
    value coverage;
    gov_status status = scenario_cover_view(r->cover, r->inside[0] != '\0', &r->arena, &coverage, d);
    value_builder_init(&b, &r->arena);
    value_builder_set(&b, "passed", value_int(r->passed));
    value_builder_set(&b, "failed", value_int(r->failed));
    value_builder_set(&b, "results", value_builder_list(&r->results));
    value_builder_set(&b, "coverage", coverage);
    if (status == GOV_OK && (b.failed || r->results.failed))
        status = base_nomem(d);
    return status == GOV_OK ? value_publish(r->alloc, value_builder_map(&b), report, d) : status;
}

static gov_status load(rehearsal *r, const char *path, const diag *d)
{
    rulebook_options options = {.others = read_others, .others_user = r};
    rulebook_bundle *bundle = NULL;
    rulebook *book = NULL;
    rulebook_tests tests;
    gov_status status = api_host_new(r->alloc, r->setting.scope, &r->rules.host, d);
    options.host = r->rules.host;
    if (status == GOV_OK)
        status = rulebook_bundle_read_tests(r->alloc, path, r->setting.overlay, &bundle, &tests, d);
    if (status == GOV_OK) {
        r->inside = tests.inside;
        r->setting.path = tests.path;
        r->setting.dir = tests.dir;
    }
    if (status == GOV_OK)
        status = rulebook_load(r->alloc, bundle, &options, &book, d);
    r->rules.book = book;
    r->rules.alloc = r->alloc;
    return status == GOV_OK ? scenario_cover_new(r->alloc, book, &r->cover, d) : status;
}

gov_status gov_scenarios_run(const gov_allocator *alloc, const char *path, const gov_scenario_options *options,
                             gov_scenario_told told, void *user, gov_value **report, gov_error **err)
{
    rehearsal r = {.alloc = alloc != NULL ? alloc : &base_malloc, .told = told, .user = user};
    const diag d = {r.alloc, err};
    gov_scenario_options o;
    uint8_t random[8];
    gov_error *failure = NULL; /* warnings about the rules are kept apart from what ends the run */
    if (path == NULL || report == NULL)
        return base_misuse(err, path == NULL ? "path" : "report");
    gov_status status = access_options(&o, sizeof o, options, options != NULL ? options->size : 0, &d);
    if (status == GOV_OK && o.reserved != 0)
        status = base_fail(&d, M_bad_options);
    if (status != GOV_OK)
        return status;
    r.setting = (scenario_setting){.lang = o.lang != NULL ? o.lang : "en", .overlay = o.overlay, .scope = o.scope,
                                   .migrate = migrate};
    base_arena_init(&r.arena, r.alloc);
    value_builder_init(&r.results, &r.arena);
    status = load(&r, path, &d);
    if (status == GOV_OK && o.url != NULL)
        status = open_home(&r, o.url, &r.home, &failure);
    if (status == GOV_OK) {
        api_system_random(random, sizeof random, NULL);
        base_hex(random, sizeof random, r.prefix);
        status = play_all(&r, &failure);
    }
    if (status == GOV_OK)
        status = publish(&r, report, &(diag){r.alloc, &failure});
    if (status != GOV_OK && failure != NULL)
        status = base_forward(&d, failure);
    gov_error_free(failure);
    gov_store_free(r.home);
    scenario_cover_free(r.cover);
    rulebook_free(r.rules.book);
    free_others(&r); /* scenarios name their fields by those */
    api_host_free(r.rules.host, r.alloc);
    base_arena_free(&r.arena);
    return status;
}
