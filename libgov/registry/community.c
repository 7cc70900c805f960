/* Communities, and the versions of the rules that were ever in force in each. */
#include "registry/state.h"

#include <string.h>

gov_status registry_community_find(store *s, const char *name, base_arena *arena, registry_community *out,
                                   const diag *d)
{
    static const store_sql all = {"SELECT community, name, rules, created_us FROM gov_community "
                                  "ORDER BY community LIMIT 2"};
    static const store_sql named = {"SELECT community, name, rules, created_us FROM gov_community WHERE name = $1"};
    store_rows rows;
    const store_arg arg = store_s(name);
    if (name != NULL && !base_utf8_valid(name, strlen(name)))
        return base_fail(d, M_community_unknown, A_S("name", name));
    gov_status status = name != NULL ? store_first(s, &named, &arg, 1, &rows, d) : store_first(s, &all, NULL, 0, &rows, d);
    if (status == GOV_END)
        return base_fail(d, M_community_unknown, A_S("name", name != NULL ? name : ""));
    if (status != GOV_OK)
        return status;
    size_t len;
    const char *text = store_text(&rows, 1, &len);
    *out = (registry_community){store_int(&rows, 0), store_int(&rows, 2), store_int(&rows, 3),
                                base_arena_strndup(arena, text, len)};
    status = store_next(&rows, d);
    if (status == GOV_OK) {
        store_rows_close(&rows);
        return base_fail(d, M_community_ambiguous);
    }
    if (status != GOV_END)
        return status;
    return out->name != NULL ? GOV_OK : base_nomem(d);
}

gov_status registry_community_add(store *s, int64_t id, const char *name, int64_t now_us, const diag *d)
{
    static const store_sql taken = {"SELECT community FROM gov_community WHERE name = $1"};
    static const store_sql add = {"INSERT INTO gov_community (community, name, rules, created_us, grids) "
                                  "VALUES ($1, $2, 0, $3, 0)"};
    int64_t other = 0;
    gov_status status = store_first_int(s, &taken, STORE_ARGS(store_s(name)), &other, d);
    if (status == GOV_OK)
        return base_fail(d, M_community_exists, A_S("name", name));
    if (status != GOV_END)
        return status;
    return store_post(s, &add, STORE_ARGS(store_i(id), store_s(name), store_i(now_us)), 1, d);
}

static gov_status find_digest(gov *g, const char *digest, int64_t *rules, const diag *d)
{
    static const store_sql find = {"SELECT rules FROM gov_rules WHERE community = $1 AND digest = $2"};
    return store_first_int(g->store, &find, STORE_ARGS(store_i(g->community), store_s(digest)), rules, d);
}

static gov_status make_current(gov *g, int64_t rules, const diag *d)
{
    static const store_sql set = {"UPDATE gov_community SET rules = $2 WHERE community = $1"};
    const gov_status status = store_post(g->store, &set, STORE_ARGS(store_i(g->community), store_i(rules)), 1, d);
    return access_keep(g, status, &registry_kept_community, 0, 0, 0, d);
}

static gov_status keep_rules(gov *g, const rulebook *r, int64_t rules, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_rules (community, rules, digest, version, installed_us, bundle, tzif, "
                                  "trees) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
    base_buf bundle, trees;
    base_buf_init(&bundle, g->alloc);
    base_buf_init(&trees, g->alloc);
    rulebook_bundle_write(rulebook_bundle_of(r), &bundle);
    gov_status status = rulebook_trees_write(r, &trees, d);
    if (status == GOV_OK && bundle.failed)
        status = base_nomem(d);
    if (status == GOV_OK)
        status = store_post(g->store, &add,
                            STORE_ARGS(store_i(g->community), store_i(rules), store_s(r->digest_text), store_s(r->version),
                                       store_i(access_now(g)), store_b(bundle.data, bundle.len),
                                       store_b(r->tzif, r->tzif_len), store_b(trees.len > 0 ? trees.data : "", trees.len)),
                            1, d);
    base_buf_free(&bundle);
    base_buf_free(&trees);
    return access_keep(g, status, &registry_kept_rules, rules, 0, 0, d);
}

gov_status registry_rules_install(gov *g, const rulebook *r, int64_t *rules, const diag *d)
{
    gov_status status = find_digest(g, r->digest_text, rules, d);
    if (status == GOV_OK && *rules == registry_state(g)->current)
        return GOV_OK;
    if (status == GOV_END) {
        status = access_new_id(g, rules, d);
        if (status == GOV_OK)
            status = keep_rules(g, r, *rules, d);
    }
    if (status == GOV_OK)
        status = make_current(g, *rules, d);
    if (status == GOV_OK && g->rules != NULL) /* else the community is just being made */
        status = registry_words_follow(g, g->rules, r, d);
    g->home->rule_changes++;
    const value_pair data[] = {{value_text("rulebook"), value_text(r->id)},
                               {value_text("version"), value_text(r->version)},
                               {value_text("digest"), value_text(r->digest_text)}};
    const journal_entry entry = {.kind = "install", .subject_kind = "rules", .subject = *rules,
                                 .data = value_map(data, ARRAY_LEN(data))};
    return status == GOV_OK ? access_record(g, &entry, NULL, d) : status;
}

/* They were whole when they were kept: what is wrong with them now befell the store. */
static gov_status damaged_rules(int64_t rules, gov_status status, const gov_error *error, const diag *d)
{
    if (status == GOV_E_NOMEM)
        return base_nomem(d);
    if (status >= GOV_E_STORE && status < GOV_E_UNSUPPORTED)
        return base_forward(d, error);
    const char *why = gov_error_message(error, 0, "en");
    return base_fail(d, M_rules_damaged, A_I("rules", rules), A_S("why", why != NULL ? why : "digest"));
}

/* Of a row with bundle, tzif, trees. out NULL: all of it is read and compared. */
static gov_status open_rules(const gov_allocator *a, const rulebook_host *host, store_rows *rows, const rulebook **out,
                             const diag *d)
{
    size_t len;
    rulebook_options options = {.host = host};
    const char *text = store_bytes(rows, 0, &len);
    rulebook_bundle *bundle = NULL;
    rulebook *book = NULL;
    options.tzif = store_bytes(rows, 1, &options.tzif_len);
    options.trees = store_bytes(rows, 2, &options.trees_len);
    gov_status status = rulebook_bundle_parse(a, text, len, &bundle, d);
    if (status == GOV_OK)
        status = out != NULL ? rulebook_open(a, bundle, &options, &book, d) : rulebook_trees_verify(a, bundle, &options, d);
    if (out != NULL)
        *out = book;
    return status;
}

static gov_status read_rules(store *s, const rulebook_host *host, int64_t rules, store_rows *rows, const rulebook **out,
                             const diag *d)
{
    gov_error *error = NULL;
    const diag quiet = {store_allocator(s), &error};
    gov_status status = open_rules(store_allocator(s), host, rows, out, &quiet);
    if (status != GOV_OK)
        status = damaged_rules(rules, status, error, d);
    gov_error_free(error);
    return status;
}

gov_status registry_rules_read(store *s, const rulebook_host *host, int64_t community, int64_t rules, const rulebook **out,
                               const diag *d)
{
    static const store_sql load = {"SELECT bundle, tzif, trees FROM gov_rules WHERE community = $1 AND rules = $2"};
    store_rows rows;
    gov_status status = store_first(s, &load, STORE_ARGS(store_i(community), store_i(rules)), &rows, d);
    if (status == GOV_END)
        return base_fail(d, M_rules_unknown, A_I("rules", rules));
    if (status != GOV_OK)
        return status;
    status = read_rules(s, host, rules, &rows, out, d);
    store_rows_close(&rows);
    return status;
}

gov_status registry_rules_verify(gov *g, const diag *d)
{
    static const store_sql all = {"SELECT bundle, tzif, trees, rules FROM gov_rules WHERE community = $1 ORDER BY rules"};
    store_rows rows;
    gov_status status = store_query(g->store, &all, STORE_ARGS(store_i(g->community)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK)
        status = read_rules(g->store, registry_state(g)->host, store_int(&rows, 3), &rows, NULL, d);
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

gov_status registry_rules(gov *g, int64_t rules, const rulebook **out, const diag *d)
{
    registry_state_t *state = registry_state(g);
    if (rules == 0)
        rules = state->current;
    for (size_t i = 0; i < state->rules_count; i++)
        if (state->rules[i].id == rules) {
            *out = state->rules[i].book;
            return GOV_OK;
        }
    if (!base_grow(g->alloc, &state->rules, &state->rules_cap, state->rules_count, sizeof *state->rules))
        return base_nomem(d);
    const gov_status status = registry_rules_read(g->store, state->host, g->community, rules, out, d);
    if (status == GOV_OK)
        state->rules[state->rules_count++] = (registry_version){rules, *out};
    return status;
}

gov_status registry_rules_use(gov *g, int64_t rules, const diag *d)
{
    const rulebook *book;
    const gov_status status = registry_rules(g, rules, &book, d);
    if (status == GOV_OK) {
        g->rules = book;
        registry_state(g)->current = rules;
    }
    return status;
}

static gov_status read_current(gov *g, int64_t *rules, const diag *d)
{
    static const store_sql now = {"SELECT rules FROM gov_community WHERE community = $1"};
    const gov_status status = store_first_int(g->store, &now, STORE_ARGS(store_i(g->community)), rules, d);
    return status == GOV_END ? base_fail(d, M_community_unknown, A_S("name", g->name)) : status;
}

gov_status registry_rules_follow(gov *g, const diag *d)
{
    registry_state_t *state = registry_state(g);
    int64_t rules = 0;
    if (state->rules_epoch == store_epoch(g->store) && state->rules_changes == g->home->rule_changes)
        return GOV_OK;
    const bool own = !store_in_transaction(g->store);
    gov_status status = own ? store_begin_read(g->store, d) : GOV_OK;
    const uint64_t epoch = store_epoch(g->store);
    if (status == GOV_OK)
        status = read_current(g, &rules, d);
    if (status == GOV_OK)
        status = registry_rules_use(g, rules, d);
    if (own)
        store_rollback(g->store);
    if (status == GOV_OK) {
        state->rules_epoch = epoch;
        state->rules_changes = g->home->rule_changes;
    }
    return status;
}

int64_t registry_rules_current(const gov *g)
{
    return registry_state(g)->current;
}
