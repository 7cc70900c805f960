/* The tables of the registry, and its memory of them. */
#include "registry/state.h"

static const store_column community_columns[] = {
    {"community", STORE_INT}, {"name", STORE_TEXT}, {"rules", STORE_INT}, {"created_us", STORE_INT},
    {"grids", STORE_INT}, {0}};
static const store_index community_indexes[] = {{"gov_community_by_name", "name", false, NULL}, {0}};
static const store_table community_table = {"gov_community", community_columns, "community", STORE_ROWID_KEY,
                                            community_indexes};

static const store_column rules_columns[] = {{"community", STORE_INT}, {"rules", STORE_INT},
                                             {"digest", STORE_TEXT},   {"version", STORE_TEXT},
                                             {"installed_us", STORE_INT}, {"bundle", STORE_BYTES},
                                             {"tzif", STORE_BYTES}, {"trees", STORE_BYTES}, {0}};
static const store_index rules_indexes[] = {{"gov_rules_by_digest", "community, digest", true, NULL}, {0}};
static const store_table rules_table = {"gov_rules", rules_columns, "community, rules", STORE_ROWID_KEY, rules_indexes};

static const store_column record_columns[] = {{"community", STORE_INT},    {"id", STORE_INT},
                                              {"kind", STORE_TEXT},        {"record_key", STORE_TEXT},
                                              {"name", STORE_TEXT, true},  {"parent", STORE_INT, true},
                                              {"grid", STORE_INT, true},   {"unit", STORE_INT, true},
                                              {"doc", STORE_TEXT},         {"changed_us", STORE_INT}, {0}};
static const store_index record_indexes[] = {
    {"gov_record_by_key", "community, kind, record_key", true, NULL},
    {"gov_record_by_name", "community, kind, name", false, NULL},
    {"gov_record_by_grid", "community, grid, kind", false, "grid IS NOT NULL"},
    {0}};
static const store_table record_table = {"gov_record", record_columns, "community, id", STORE_ROWID_KEY, record_indexes};

/* Outlines stand apart: they are large, and read only to build the index and the map. */
static const store_column shape_columns[] = {{"community", STORE_INT}, {"id", STORE_INT}, {"shape", STORE_TEXT}, {0}};
static const store_table shape_table = {"gov_record_shape", shape_columns, "community, id", STORE_ROWID_KEY, NULL};

/* What records are found by and put in order: a word for each value of an indexed field. */
static const store_column word_columns[] = {{"community", STORE_INT}, {"kind", STORE_TEXT}, {"field", STORE_TEXT},
                                            {"word", STORE_TEXT},     {"id", STORE_INT},    {0}};
static const store_index word_indexes[] = {{"gov_record_word_by_id", "community, id", false, NULL}, {0}};
static const store_table word_table = {"gov_record_word", word_columns, "community, kind, field, word, id", 0, word_indexes};

const journal_kept registry_kept_community = {&community_table, NULL, NULL};
const journal_kept registry_kept_rules = {&rules_table, "digest, version", NULL};
const journal_kept registry_kept_record = {&record_table, "kind", NULL};
const journal_kept registry_kept_shape = {&shape_table, NULL, NULL};

static const store_table *const tables[] = {&community_table, &rules_table, &record_table, &shape_table, &word_table, NULL};
const store_migration registry_schema = {"registry", 1, tables, NULL, NULL};

registry_state_t *registry_state(const gov *g)
{
    return g->room[ACCESS_REGISTRY];
}

void registry_forget_grids(registry_state_t *state, const gov_allocator *a)
{
    for (size_t i = 0; i < state->grid_count; i++)
        geo_shape_free(a, (geo_shape *)state->grids[i].shape); /* made by us, lent as const */
    geo_index_free(state->index);
    base_map_clear(&state->grid_at);
    base_arena_reset(&state->grid_memory);
    state->grids = NULL;
    state->grid_count = 0;
    state->index = NULL;
    state->grids_known = false;
}

void registry_forget_rows(registry_state_t *state)
{
    base_map_clear(&state->ids);
    base_map_clear(&state->labels);
    base_arena_reset(&state->memory);
}

registry_state_t *registry_fresh(gov *g)
{
    registry_state_t *state = registry_state(g);
    const uint64_t epoch = store_epoch(g->store);
    if (epoch != state->epoch || g->home->record_changes != state->changes) {
        registry_forget_rows(state);
        state->grids_checked = false;
        state->epoch = epoch;
        state->changes = g->home->record_changes;
    }
    return state;
}

static void free_state(gov *g, void *room)
{
    registry_state_t *state = room;
    registry_forget_grids(state, g->alloc);
    for (size_t i = 0; i < state->rules_count; i++)
        rulebook_free(state->rules[i].book);
    base_free(g->alloc, state->rules);
    base_map_free(&state->grid_at);
    base_map_free(&state->ids);
    base_map_free(&state->labels);
    base_arena_free(&state->memory);
    base_arena_free(&state->grid_memory);
    base_free(g->alloc, state);
}

gov_status registry_attach(gov *g, const rulebook_host *host, const diag *d)
{
    registry_state_t *state = base_alloc(g->alloc, sizeof *state);
    if (state == NULL)
        return base_nomem(d);
    state->host = host;
    base_arena_init(&state->memory, g->alloc);
    base_arena_init(&state->grid_memory, g->alloc);
    base_map_init(&state->grid_at, g->alloc);
    base_map_init(&state->ids, g->alloc);
    base_map_init(&state->labels, g->alloc);
    g->room[ACCESS_REGISTRY] = state;
    g->room_free[ACCESS_REGISTRY] = free_state;
    g->hooks = (access_hooks){registry_resolve, registry_rules_follow, registry_grid_within, NULL};
    return GOV_OK;
}
