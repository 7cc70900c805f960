/* Rulebooks from files, and what a community is. */
#include "api/api.h"

#include "case/case.h"
#include "diagram/diagram.h"
#include "points/points.h"

#include <string.h>

gov_status gov_rulebook_load_over(const gov_allocator *alloc, const char *path, const char *overlay, int64_t today_us,
                                  const gov_scope *scope, gov_rulebook **out, gov_error **err)
{
    const gov_allocator *a = alloc != NULL ? alloc : &base_malloc;
    const diag d = {a, err};
    rulebook_options options = {.today = today_us / BASE_US_PER_DAY};
    rulebook_bundle *bundle = NULL;
    rulebook *book = NULL;
    if (path == NULL || out == NULL)
        return base_misuse(err, path == NULL ? "path" : "out");
    gov_rulebook *made = base_alloc(a, sizeof *made);
    if (made == NULL)
        return base_nomem(&d);
    made->alloc = a;
    atomic_init(&made->refs, 1);
    gov_status status = api_host_new(a, scope, &made->host, &d);
    options.host = made->host;
    if (status == GOV_OK)
        status = rulebook_bundle_read(a, path, &overlay, overlay != NULL, &bundle, &d);
    if (status == GOV_OK)
        status = rulebook_load(a, bundle, &options, &book, &d);
    made->book = book;
    if (status != GOV_OK) {
        gov_rulebook_free(made);
        return status;
    }
    *out = made;
    return GOV_OK;
}

gov_status gov_rulebook_load_with(const gov_allocator *alloc, const char *path, int64_t today_us, const gov_scope *scope,
                                  gov_rulebook **out, gov_error **err)
{
    return gov_rulebook_load_over(alloc, path, NULL, today_us, scope, out, err);
}

gov_status gov_rulebook_load(const gov_allocator *alloc, const char *path, int64_t today_us, gov_rulebook **out,
                             gov_error **err)
{
    return gov_rulebook_load_with(alloc, path, today_us, NULL, out, err);
}

static void release_rulebook(void *rules)
{
    gov_rulebook_free(rules);
}

gov_status gov_rulebook_scope(const gov_rulebook *rules, int64_t now_us, gov_scope **out, gov_error **err)
{
    const diag d = {rules != NULL ? rules->alloc : NULL, err};
    const value *presets;
    uint32_t count;
    if (rules == NULL || out == NULL)
        return base_misuse(err, rules == NULL ? "rulebook" : "out");
    const rulebook_slot *slots = rulebook_common_slots(rules->book, &presets, &count);
    value *known = base_array(rules->alloc, count, sizeof *known);
    if (known == NULL)
        return base_nomem(&d);
    for (uint32_t i = 0; i < count; i++)
        known[i] = slots[i].kind == RULEBOOK_SLOT_NOW && now_us != 0 ? value_from_us(now_us) : presets[i];
    const expr_lender lender = {(gov_rulebook *)(uintptr_t)rules, release_rulebook};
    const gov_status status =
        expr_hosted_new(rules->alloc, rulebook_common_scope(rules->book), known, count, &lender, out, &d);
    if (status == GOV_OK)
        atomic_fetch_add_explicit(&((gov_rulebook *)(uintptr_t)rules)->refs, 1, memory_order_relaxed);
    base_free(rules->alloc, known);
    return status;
}

void gov_rulebook_free(gov_rulebook *r)
{
    if (r == NULL || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    rulebook_free(r->book);
    api_host_free(r->host, r->alloc);
    base_free(r->alloc, r);
}

const char *gov_rulebook_id(const gov_rulebook *r)
{
    return r != NULL ? r->book->id : NULL;
}

const char *gov_rulebook_version(const gov_rulebook *r)
{
    return r != NULL ? r->book->version : NULL;
}

const char *gov_rulebook_digest(const gov_rulebook *r)
{
    return r != NULL ? r->book->digest_text : NULL;
}

/* ---- for editors ---- */

gov_status gov_rulebook_schema(char **out, size_t *out_len, gov_error **err)
{
    const diag d = {NULL, err};
    const rulebook_host *host = NULL;
    base_buf text;
    if (out == NULL)
        return base_misuse(err, "out");
    const gov_status status = api_host_new(&base_malloc, NULL, &host, &d);
    if (status != GOV_OK)
        return status;
    base_buf_init(&text, NULL); /* text that is handed out is malloc's */
    rulebook_write_schema(host, &text);
    *out = base_buf_take(&text, out_len);
    base_buf_free(&text);
    api_host_free(host, &base_malloc);
    return *out != NULL ? GOV_OK : base_nomem(&d);
}

/* ---- diagrams ---- */

static gov_status find_workflow(const rulebook *book, const char *name, const rulebook_workflow **out, const diag *d)
{
    const gov_status status = rulebook_get_workflow(book, name, out, d);
    if (status != GOV_E_NOT_FOUND)
        return status;
    return base_fail(d, M_workflow_unknown, A_S("workflow", name),
                     A_S("near", base_nearest(name, strlen(name), book->workflows.items, book->workflows.count)));
}

gov_status gov_rulebook_diagram(const gov_rulebook *r, const char *workflow, const char *format, const char *lang,
                                char **out, size_t *out_len, gov_error **err)
{
    const diag d = {r != NULL ? r->alloc : NULL, err};
    const rulebook_workflow *w = NULL;
    diagram_format f = DIAGRAM_MERMAID;
    base_buf text;
    if (r == NULL || workflow == NULL || out == NULL)
        return base_misuse(err, r == NULL ? "rulebook" : workflow == NULL ? "workflow" : "out");
    if (format != NULL && !diagram_format_named(format, &f))
        return base_fail(&d, M_diagram_format, A_S("format", format));
    gov_status status = find_workflow(r->book, workflow, &w, &d);
    if (status != GOV_OK)
        return status;
    base_buf_init(&text, NULL); /* text that is handed out is malloc's */
    status = diagram_write(w, f, lang, &text, &d);
    *out = status == GOV_OK ? base_buf_take(&text, out_len) : NULL;
    base_buf_free(&text);
    return *out != NULL || status != GOV_OK ? status : base_nomem(&d);
}

/* ---- install ---- */

static gov_status install_body(gov *g, void *input, const diag *d)
{
    const gov_rulebook *r = input;
    const bool other_days = case_calendars_differ(g->rules, r->book);
    int64_t id;
    gov_status status = registry_rules_install(g, r->book, &id, d);
    if (status == GOV_OK)
        status = registry_rules_use(g, id, d); /* compiled before it is in force */
    if (status == GOV_OK && other_days)
        status = case_reckon_all(g, d);
    if (status == GOV_OK && other_days)
        status = points_reckon(g, d);
    return status == GOV_OK ? case_schedules_install(g, g->rules, d) : status;
}

gov_status gov_install(gov *g, const gov_rulebook *rules, gov_error **err)
{
    static const access_call call = {ACCESS_HOST_ONLY, true};
    if (rules == NULL)
        return base_misuse(err, "rules");
    return access_run(g, &call, install_body, (void *)(uintptr_t)rules, err);
}

/* ---- migrate ---- */

static gov_status report_migration(gov *g, const case_migration *how, value past, gov_value **report, const diag *d)
{
    value_builder b;
    value_builder_init(&b, how->arena);
    value_builder_set(&b, "rulebook", value_text(how->rules->id));
    value_builder_set(&b, "version", value_text(how->rules->version));
    value_builder_set(&b, "digest", value_text(how->rules->digest_text));
    value_builder_set(&b, "dry_run", value_bool(how->rules_id == 0));
    value_builder_set(&b, "migrated", value_int(how->migrated));
    value_builder_set(&b, "same", value_int(how->same));
    value_builder_set(&b, "refused", value_int(how->refused));
    value_builder_set(&b, "refused_cases", value_builder_list(&how->refusals));
    if (past.kind != VALUE_ABSENT)
        value_builder_set(&b, "past", past);
    return b.failed ? base_nomem(d) : value_publish(g->alloc, value_builder_map(&b), report, d);
}

/* One snapshot for all that is read. */
static gov_status dry_run(gov *g, case_migration *how, value *past, const diag *d)
{
    const bool own = !store_in_transaction(g->store);
    gov_status status = own ? store_begin_read(g->store, d) : GOV_OK;
    if (status == GOV_OK)
        status = case_migrate(g, how, d);
    if (status == GOV_OK)
        status = case_rehearse(g, how->rules, how->arena, past, d);
    if (own)
        store_rollback(g->store);
    return status;
}

gov_status gov_migrate(gov *g, const gov_rulebook *rules, uint32_t flags, gov_value **report, gov_error **err)
{
    const diag d = {g != NULL ? g->alloc : NULL, err};
    const bool dry = (flags & GOV_MIGRATE_DRY_RUN) != 0;
    base_arena arena;
    value past = value_absent();
    if (g == NULL)
        return base_misuse(err, "g");
    if ((flags & ~GOV_MIGRATE_DRY_RUN) != 0)
        return base_fail(&d, M_bad_options);
    gov_status status = access_enter(g, ACCESS_HOST_ONLY, &d);
    if (status == GOV_OK && rules != NULL && !dry)
        status = gov_install(g, rules, err);
    if (status != GOV_OK)
        return status;
    base_arena_init(&arena, g->alloc);
    case_migration how = {.rules = dry && rules != NULL ? rules->book : g->rules,
                          .rules_id = dry ? 0 : registry_rules_current(g), .arena = &arena};
    status = dry ? dry_run(g, &how, &past, &d) : case_migrate(g, &how, &d);
    if (status == GOV_OK && report != NULL)
        status = report_migration(g, &how, past, report, &d);
    base_arena_free(&arena);
    return status;
}

/* ---- about ---- */

static value titles(const rulebook_text *text, base_arena *arena)
{
    value_builder b;
    value_builder_init(&b, arena);
    for (uint32_t i = 0; i < text->count; i++)
        value_builder_set(&b, text->items[i].lang[0] != '\0' ? text->items[i].lang : "zh", value_text(text->items[i].text));
    return b.failed ? value_null() : value_builder_map(&b);
}

static gov_status about_body(gov *g, void *input, const diag *d)
{
    const rulebook *r = g->rules;
    value_builder b, languages;
    value_builder_init(&b, &g->scratch);
    value_builder_init(&languages, &g->scratch);
    for (uint32_t i = 0; i < r->languages.count; i++)
        value_builder_add(&languages, value_text(r->languages.items[i]));
    value_builder_set(&b, "id", value_int(g->community));
    value_builder_set(&b, "name", value_text(g->name));
    value_builder_set(&b, "title", titles(&r->title, &g->scratch));
    value_builder_set(&b, "rulebook", value_text(r->id));
    value_builder_set(&b, "version", value_text(r->version));
    value_builder_set(&b, "digest", value_text(r->digest_text));
    value_builder_set(&b, "time_zone", value_text(base_zone_name(r->zone)));
    value_builder_set(&b, "languages", value_builder_list(&languages));
    value_builder_set(&b, "now", value_from_us(access_now(g)));
    if (b.failed || languages.failed)
        return base_nomem(d);
    return access_answer(g, value_builder_map(&b), input, d);
}

gov_status gov_about(gov *g, gov_value **out, gov_error **err)
{
    static const access_call call = {ACCESS_ANYONE, false};
    return out != NULL ? access_run(g, &call, about_body, out, err) : base_misuse(err, "out");
}

/* ---- list ---- */

static gov_status describe(gov_store *home, store_rows *row, base_arena *arena, value *out, const diag *d)
{
    const rulebook *book = NULL;
    value_builder b;
    const gov_status status = registry_rules_read(home->store, home->host, store_int(row, 0), store_int(row, 3), &book, d);
    if (status != GOV_OK)
        return status;
    value_builder_init(&b, arena);
    value_builder_set(&b, "id", value_int(store_int(row, 0)));
    value_builder_set(&b, "created_at", value_from_us(store_int(row, 2)));
    value_builder_set_copy(&b, "name", store_text(row, 1, NULL));
    value_builder_set(&b, "title", titles(&book->title, arena));
    value_builder_set(&b, "rulebook", value_text(book->id));
    value_builder_set(&b, "version", value_text(book->version));
    value_builder_set(&b, "digest", value_text(book->digest_text));
    const bool copied = value_copy(arena, value_builder_map(&b), out);
    rulebook_free(book);
    return b.failed || !copied ? base_nomem(d) : GOV_OK;
}

static gov_status list_communities(gov_store *home, base_arena *arena, value *out, const diag *d)
{
    static const store_sql sql = {"SELECT community, name, created_us, rules FROM gov_community ORDER BY community"};
    store_rows rows;
    value_builder list;
    value_builder_init(&list, arena);
    gov_status status = store_query(home->store, &sql, STORE_NO_ARGS, &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK) {
        value one;
        status = describe(home, &rows, arena, &one, d);
        if (status == GOV_OK)
            value_builder_add(&list, one);
    }
    store_rows_close(&rows);
    *out = value_builder_list(&list);
    if (status != GOV_OK && status != GOV_END)
        return status;
    return list.failed ? base_nomem(d) : GOV_OK;
}

gov_status gov_community_list(gov_store *home, gov_value **out, gov_error **err)
{
    const diag d = {home != NULL ? home->alloc : NULL, err};
    base_arena arena;
    value v;
    if (home == NULL || out == NULL)
        return base_misuse(err, home == NULL ? "store" : "out");
    base_arena_init(&arena, home->alloc);
    const bool own = !store_in_transaction(home->store);
    gov_status status = own ? store_begin_read(home->store, &d) : GOV_OK;
    if (status == GOV_OK)
        status = list_communities(home, &arena, &v, &d);
    if (own)
        store_rollback(home->store);
    if (status == GOV_OK)
        status = value_publish(home->alloc, v, out, &d);
    base_arena_free(&arena);
    return status;
}

/* ---- simulation ---- */

gov_status gov_simulation_open(const gov_allocator *alloc, const char *path, const char *workflow, const gov_scope *scope,
                               gov_simulation **out, gov_error **err)
{
    const gov_allocator *a = alloc != NULL ? alloc : &base_malloc;
    const diag d = {a, err};
    if (path == NULL || out == NULL)
        return base_misuse(err, path == NULL ? "path" : "out");
    const rulebook_host *host;
    const gov_status status = api_host_new(a, scope, &host, &d);
    if (status != GOV_OK)
        return status;
    const gov_status opened = case_simulation_new(a, path, workflow, host, api_host_free, out, &d);
    if (opened != GOV_OK && opened != GOV_E_RULE) /* of the rules mistakes and warnings stand in the order of their lines */
        base_errors_first(&d);
    return opened;
}

gov_status gov_simulation_line(gov_simulation *simulation, const char *line, size_t len, char **out, size_t *out_len,
                               gov_error **err)
{
    base_buf text;
    if (simulation == NULL || out == NULL)
        return base_misuse(err, simulation == NULL ? "simulation" : "out");
    base_buf_init(&text, NULL); /* text that is handed out is malloc's */
    const gov_status status = case_simulation_line(simulation, line, len, &text);
    *out = status == GOV_OK ? base_buf_take(&text, out_len) : NULL;
    base_buf_free(&text);
    return *out != NULL ? GOV_OK : base_nomem((&(diag){NULL, err}));
}
