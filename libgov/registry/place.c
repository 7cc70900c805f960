/* The grid tree: which grid a point lies in, and which grid lies in which. */
#include "registry/state.h"

#include <string.h>

enum { PAGE = 512 };

static const registry_grid *grid_of(const registry_state_t *state, int64_t id)
{
    const uint64_t *at = base_map_get(&state->grid_at, (const char *)&id, sizeof id);
    return at != NULL ? &state->grids[*at] : NULL;
}

static int32_t level_of(const registry_state_t *state, const registry_grid *grid)
{
    int32_t level = 0;
    for (int64_t parent = grid->parent; parent != 0 && level < GEO_MAX_LEVEL; level++) {
        const registry_grid *up = grid_of(state, parent);
        parent = up != NULL ? up->parent : 0;
    }
    return level;
}

static gov_status read_grid(gov *g, store_rows *rows, registry_grid *out, const diag *d)
{
    registry_state_t *state = registry_state(g);
    size_t key_len, name_len, len;
    const char *key = store_text(rows, 1, &key_len), *name = store_text(rows, 2, &name_len);
    *out = (registry_grid){.id = store_int(rows, 0),
                           .parent = store_int(rows, 3),
                           .key = base_arena_strndup(&state->grid_memory, key, key_len),
                           .name = base_arena_strndup(&state->grid_memory, name, name_len)};
    if (out->key == NULL || out->name == NULL)
        return base_nomem(d);
    if (store_is_null(rows, 4))
        return GOV_OK;
    const char *text = store_text(rows, 4, &len);
    geo_shape *shape = NULL;
    const gov_status status = geo_shape_from_json(g->alloc, NULL, text, len, NULL, &shape, d);
    out->shape = shape;
    return status;
}

static gov_status count_grids(gov *g, size_t *count, const diag *d)
{
    static const store_sql sql = {"SELECT count(*) FROM gov_record WHERE community = $1 AND kind = 'grid'"};
    int64_t n = 0;
    const gov_status status = store_first_int(g->store, &sql, STORE_ARGS(store_i(g->community)), &n, d);
    *count = (size_t)n;
    return status;
}

static gov_status read_grids(gov *g, const diag *d)
{
    static const store_sql sql = {
        "SELECT r.id, r.record_key, r.name, r.parent, s.shape FROM gov_record r LEFT JOIN gov_record_shape s "
        "ON s.community = r.community AND s.id = r.id "
        "WHERE r.community = $1 AND r.kind = 'grid' AND r.record_key > $2 ORDER BY r.record_key LIMIT $3"};
    registry_state_t *state = registry_state(g);
    size_t count;
    gov_status status = count_grids(g, &count, d);
    if (status != GOV_OK)
        return status;
    state->grids = base_arena_array(&state->grid_memory, count, sizeof *state->grids);
    if (state->grids == NULL)
        return base_nomem(d);
    const char *after = "";
    for (bool more = true; more;) {
        store_rows rows;
        size_t got = 0;
        status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_s(after), store_i(PAGE)), &rows, d);
        if (status != GOV_OK)
            return status;
        while (state->grid_count < count && (status = store_next(&rows, d)) == GOV_OK) {
            status = read_grid(g, &rows, &state->grids[state->grid_count++], d);
            if (status != GOV_OK)
                break;
            got++;
        }
        store_rows_close(&rows);
        if (status != GOV_OK && status != GOV_END)
            return status;
        more = got == PAGE && state->grid_count < count;
        after = got > 0 ? state->grids[state->grid_count - 1].key : after;
    }
    return GOV_OK;
}

static gov_status note_places(registry_state_t *state, const diag *d)
{
    for (size_t i = 0; i < state->grid_count; i++) {
        uint64_t *at = base_map_put(&state->grid_at, (const char *)&state->grids[i].id, sizeof state->grids[i].id, NULL);
        if (at == NULL)
            return base_nomem(d);
        *at = i;
    }
    return GOV_OK;
}

static gov_status build_index(gov *g, const diag *d)
{
    registry_state_t *state = registry_state(g);
    size_t n = 0;
    const gov_status noted = note_places(state, d);
    geo_area *areas = noted == GOV_OK ? base_array(g->alloc, state->grid_count, sizeof *areas) : NULL;
    if (areas == NULL)
        return noted == GOV_OK ? base_nomem(d) : noted;
    for (size_t i = 0; i < state->grid_count; i++) {
        registry_grid *grid = &state->grids[i];
        grid->level = level_of(state, grid);
        if (grid->shape != NULL)
            areas[n++] = (geo_area){grid->shape, grid->id, grid->level};
    }
    const gov_status status = geo_index_build(g->alloc, areas, n, &state->index, d);
    base_free(g->alloc, areas);
    return status;
}

gov_status registry_grids_changed(gov *g, const diag *d)
{
    static const store_sql set = {"UPDATE gov_community SET grids = $2 WHERE community = $1"};
    int64_t version;
    registry_forget_grids(registry_state(g), g->alloc);
    const gov_status status = access_new_id(g, &version, d);
    const gov_status set_now =
        status == GOV_OK ? store_post(g->store, &set, STORE_ARGS(store_i(g->community), store_i(version)), 1, d) : status;
    return access_keep(g, set_now, &registry_kept_community, 0, 0, 0, d);
}

/* Outlines are many bytes to read and an index to build: they are kept as long as nobody changed a grid, which one number tells.
 * It is an id, so that a change that was undone and another one never have the same. */
static gov_status know_grids(gov *g, const diag *d)
{
    static const store_sql current = {"SELECT grids FROM gov_community WHERE community = $1"};
    registry_state_t *state = registry_fresh(g);
    int64_t version = 0;
    if (state->grids_known && state->grids_checked)
        return GOV_OK;
    gov_status status = store_first_int(g->store, &current, STORE_ARGS(store_i(g->community)), &version, d);
    if (status != GOV_OK)
        return status;
    state->grids_checked = true;
    if (state->grids_known && state->grids_version == version)
        return GOV_OK;
    registry_forget_grids(state, g->alloc);
    state->grids_version = version;
    status = read_grids(g, d);
    if (status == GOV_OK)
        status = build_index(g, d);
    if (status != GOV_OK)
        registry_forget_grids(state, g->alloc);
    state->grids_known = status == GOV_OK;
    return status;
}

gov_status registry_locate(gov *g, const geo_point *points, size_t n, int64_t *ids, const diag *d)
{
    const gov_status status = know_grids(g, d);
    if (status == GOV_OK)
        geo_locate(registry_state(g)->index, GEO_DEEPEST, points, n, ids);
    return status;
}

gov_status registry_grids(gov *g, const registry_grid **out, size_t *count, const diag *d)
{
    const gov_status status = know_grids(g, d);
    *out = registry_state(g)->grids;
    *count = status == GOV_OK ? registry_state(g)->grid_count : 0;
    return status;
}

gov_status registry_grid_within(gov *g, int64_t grid, const int64_t *grids, size_t n, bool *within, const diag *d)
{
    const gov_status status = know_grids(g, d);
    *within = false;
    for (size_t up = 0; status == GOV_OK && grid != 0 && up <= registry_state(g)->grid_count && !*within; up++) {
        for (size_t i = 0; i < n; i++)
            *within = *within || grids[i] == grid;
        const registry_grid *at = grid_of(registry_state(g), grid);
        grid = at != NULL ? at->parent : 0;
    }
    return status;
}
