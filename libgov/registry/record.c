/* Records: one checked document under the office's own key, and the columns that other rooms join on. */
#include "registry/state.h"

#include <string.h>

enum { LONGEST_KEY = 128 };

/* ---- keys ---- */

/* "kind\0key" in `out`, which holds both and the NUL. */
static size_t cache_key(char *out, const char *kind, const char *key, size_t len)
{
    const size_t kind_len = strlen(kind) + 1;
    memcpy(out, kind, kind_len);
    memcpy(out + kind_len, key, len);
    return kind_len + len;
}

static gov_status remember(gov *g, const char *name, size_t len, int64_t id, const diag *d)
{
    registry_state_t *state = registry_state(g);
    uint64_t *slot = base_map_get(&state->ids, name, len);
    if (slot == NULL) {
        const char *copy = base_arena_strndup(&state->memory, name, len);
        slot = copy != NULL ? base_map_put(&state->ids, copy, len, NULL) : NULL;
    }
    if (slot == NULL)
        return base_nomem(d);
    *slot = (uint64_t)id;
    return GOV_OK;
}

gov_status registry_lookup(gov *g, const char *kind, const char *key, size_t len, int64_t *id, const diag *d)
{
    static const store_sql find = {"SELECT id FROM gov_record WHERE community = $1 AND kind = $2 AND record_key = $3"};
    char name[32 + LONGEST_KEY];
    registry_state_t *state = registry_fresh(g);
    *id = 0;
    if (len == 0 || len > LONGEST_KEY || strlen(kind) >= 32 || !base_utf8_valid(key, len))
        return GOV_OK;
    const size_t name_len = cache_key(name, kind, key, len);
    const uint64_t *known = base_map_get(&state->ids, name, name_len);
    if (known != NULL) {
        *id = (int64_t)*known;
        return GOV_OK;
    }
    const gov_status status = store_first_int(
        g->store, &find, STORE_ARGS(store_i(g->community), store_s(kind), store_t(key, len)), id, d);
    if (status == GOV_END)
        return GOV_OK;
    return status == GOV_OK ? remember(g, name, name_len, *id, d) : status;
}

gov_status registry_find(gov *g, const char *kind, const char *key, size_t len, int64_t *id, const diag *d)
{
    const gov_status status = registry_lookup(g, kind, key, len, id, d);
    if (status == GOV_OK && *id == 0)
        return base_fail(d, M_record_unknown, A_S("kind", kind), A_N("key", key, len));
    return status;
}

typedef struct label {
    const char *key, *name;
} label;

gov_status registry_label(gov *g, int64_t id, const char **key, const char **name, const diag *d)
{
    static const store_sql find = {"SELECT record_key, name FROM gov_record WHERE community = $1 AND id = $2"};
    static const label nobody = {"", ""};
    registry_state_t *state = registry_fresh(g);
    const uint64_t *known = base_map_get(&state->labels, (const char *)&id, sizeof id);
    const label *found = known != NULL ? (const label *)(uintptr_t)*known : &nobody;
    if (known == NULL && id != 0) {
        store_rows rows;
        const gov_status status = store_first(g->store, &find, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
        if (status == GOV_OK) {
            size_t key_len, name_len;
            const char *key_text = store_text(&rows, 0, &key_len), *name_text = store_text(&rows, 1, &name_len);
            label *made = base_arena_alloc(&state->memory, sizeof *made);
            int64_t *id_copy = base_arena_alloc(&state->memory, sizeof *id_copy);
            if (made != NULL && id_copy != NULL) {
                *id_copy = id;
                *made = (label){base_arena_strndup(&state->memory, key_text, key_len),
                                base_arena_strndup(&state->memory, name_text, name_len)};
            }
            store_rows_close(&rows);
            uint64_t *slot = made != NULL && made->key != NULL && made->name != NULL && id_copy != NULL
                                 ? base_map_put(&state->labels, (const char *)id_copy, sizeof id, NULL)
                                 : NULL;
            if (slot == NULL)
                return base_nomem(d);
            *slot = (uint64_t)(uintptr_t)made;
            found = made;
        } else if (status != GOV_END) {
            return status;
        }
    }
    if (key != NULL)
        *key = found->key;
    if (name != NULL)
        *name = found->name;
    return GOV_OK;
}

/* ---- loading ---- */

static gov_status load_row(gov *g, store_rows *rows, base_arena *arena, registry_record *out, const diag *d)
{
    size_t kind_len, key_len, doc_len;
    const char *kind = store_text(rows, 1, &kind_len), *key = store_text(rows, 2, &key_len);
    (void)g;
    *out = (registry_record){.id = store_int(rows, 0),
                             .parent = store_int(rows, 3),
                             .grid = store_int(rows, 4),
                             .unit = store_int(rows, 5),
                             .kind = base_arena_strndup(arena, kind, kind_len),
                             .key = base_arena_strndup(arena, key, key_len)};
    if (out->kind == NULL || out->key == NULL)
        return base_nomem(d);
    const char *doc = store_text(rows, 6, &doc_len);
    return access_read_stored(g, arena, doc, doc_len, &out->doc, d);
}

gov_status registry_load(gov *g, int64_t id, base_arena *arena, registry_record *out, const diag *d)
{
    static const store_sql load = {"SELECT id, kind, record_key, parent, grid, unit, doc FROM gov_record "
                                   "WHERE community = $1 AND id = $2"};
    store_rows rows;
    gov_status status = store_first(g->store, &load, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    if (status == GOV_END)
        return base_fail(d, M_record_gone, A_I("id", id));
    if (status != GOV_OK)
        return status;
    status = load_row(g, &rows, arena, out, d);
    store_rows_close(&rows);
    return status;
}

/* ---- putting ---- */

typedef struct columns {
    int64_t parent, grid, unit;
    value name, shape;
} columns;

/* Keys of a list; those that stood in it before may stay. */
static gov_status check_items(const registry_sight *sight, const char *kind, value list, value before, const diag *d)
{
    for (size_t i = 0; i < list.len; i++) {
        int64_t id;
        bool sees = false;
        const value key = list.as.items[i];
        if (key.kind != VALUE_STRING)
            return base_fail(d, M_record_unknown, A_S("kind", kind), A_S("key", "?"));
        gov_status status = registry_find(sight->g, kind, key.as.s, key.len, &id, d);
        for (size_t k = 0; before.kind == VALUE_LIST && k < before.len && !sees; k++)
            sees = value_compare(before.as.items[k], key) == 0;
        if (status == GOV_OK && !sees)
            status = registry_sees(sight, id, &sees, d);
        if (status == GOV_OK && !sees)
            return base_fail(d, M_record_unknown, A_S("kind", kind), A_N("key", key.as.s, key.len));
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

static gov_status fill_columns(const registry_sight *sight, const char *kind, value doc, columns *out, const diag *d)
{
    size_t count;
    const registry_builtin *builtins = registry_builtins(&count);
    *out = (columns){.name = value_absent(), .shape = value_absent()};
    for (size_t i = 0; i < count; i++) {
        const registry_builtin *b = &builtins[i];
        if (strcmp(b->kind, kind) != 0)
            continue;
        const value v = value_get_text(doc, b->name);
        const int64_t id = v.kind == VALUE_INT ? v.as.i : 0;
        if (v.kind == VALUE_LIST && b->items != NULL) {
            const gov_status status = check_items(sight, b->items, v, value_get_text(sight->before, b->name), d);
            if (status != GOV_OK)
                return status;
        }
        if (b->column == REGISTRY_NAME)
            out->name = v;
        else if (b->column == REGISTRY_SHAPE)
            out->shape = v;
        else if (b->column == REGISTRY_PARENT)
            out->parent = id;
        else if (b->column == REGISTRY_GRID)
            out->grid = id;
        else if (b->column == REGISTRY_UNIT)
            out->unit = id;
    }
    return GOV_OK;
}

/* A grid or unit inside itself, at whatever distance, is refused, and a tree deeper than the grids' index. id 0: new. */
static gov_status check_tree(gov *g, int64_t id, int64_t parent, const diag *d)
{
    static const store_sql up = {"SELECT parent FROM gov_record WHERE community = $1 AND id = $2"};
    for (int steps = 0; parent != 0 && steps < GEO_MAX_LEVEL; steps++) {
        if (parent == id)
            return base_fail(d, M_record_cycle);
        const gov_status status = store_first_int(g->store, &up, STORE_ARGS(store_i(g->community), store_i(parent)), &parent, d);
        if (status != GOV_OK)
            return status == GOV_END ? GOV_OK : status;
    }
    return parent == 0 ? GOV_OK : base_fail(d, M_too_large, A_S("what", "depth of the tree"), A_I("limit", GEO_MAX_LEVEL));
}

static gov_status check_shape(gov *g, value geometry, base_buf *text, const diag *d)
{
    geo_checker *checker = NULL;
    geo_shape *shape = NULL;
    gov_status status = geo_checker_new(g->alloc, &checker, d);
    if (status == GOV_OK)
        status = geo_shape_from_value(g->alloc, checker, geometry, NULL, &shape, d);
    if (status == GOV_OK)
        geo_shape_write(text, shape);
    geo_shape_free(g->alloc, shape);
    geo_checker_free(checker);
    return status == GOV_OK && text->failed ? base_nomem(d) : status;
}

static gov_status put_shape(gov *g, int64_t id, value geometry, const diag *d)
{
    static const store_sql put = {"INSERT INTO gov_record_shape (community, id, shape) VALUES ($1, $2, $3)"};
    static const store_sql drop = {"DELETE FROM gov_record_shape WHERE community = $1 AND id = $2"};
    base_buf text;
    base_buf_init(&text, g->alloc);
    gov_status status = GOV_OK;
    if (geometry.kind == VALUE_MAP)
        status = check_shape(g, geometry, &text, d);
    if (status == GOV_OK)
        status = store_post(g->store, &drop, STORE_ARGS(store_i(g->community), store_i(id)), STORE_ANY_ROWS, d);
    if (status == GOV_OK && text.len > 0)
        status = store_post(g->store, &put, STORE_ARGS(store_i(g->community), store_i(id), store_t(text.data, text.len)), 1, d);
    base_buf_free(&text);
    return access_keep(g, status, &registry_kept_shape, id, 0, 0, d);
}

/* The document without its outline, which has a table of its own. */
static gov_status write_doc(gov *g, value doc, base_buf *out, const diag *d)
{
    value_builder b;
    value_builder_init(&b, &g->scratch);
    for (size_t i = 0; i < doc.len; i++)
        if (!value_is_text(doc.as.pairs[i].key, "geometry"))
            value_builder_set_n(&b, doc.as.pairs[i].key.as.s, doc.as.pairs[i].key.len, doc.as.pairs[i].val);
    if (b.failed)
        return base_nomem(d);
    value_write_document(out, value_builder_map(&b));
    return out->failed ? base_nomem(d) : GOV_OK;
}

static store_arg name_of(value name)
{
    return name.kind == VALUE_STRING ? store_t(name.as.s, name.len) : store_n(STORE_TEXT);
}

typedef struct putting {
    gov *g;
    const char *kind, *key;
    registry_sight sight;
    int64_t id;
    columns columns;
    base_buf doc;
} putting;

static gov_status add_row(putting *p, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_record (community, id, kind, record_key, name, parent, grid, unit, doc, "
                                  "changed_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
    const value name = p->columns.name;
    gov_status status = access_new_id(p->g, &p->id, d);
    if (status != GOV_OK)
        return status;
    status = store_post(p->g->store, &add,
                      STORE_ARGS(store_i(p->g->community), store_i(p->id), store_s(p->kind), store_s(p->key),
                                 name_of(name),
                                 store_i0(p->columns.parent), store_i0(p->columns.grid), store_i0(p->columns.unit),
                                 store_t(p->doc.data, p->doc.len), store_i(access_now(p->g))),
                      1, d);
    return access_keep(p->g, status, &registry_kept_record, p->id, 0, 0, d);
}

static gov_status change_row(putting *p, const diag *d)
{
    static const store_sql set = {"UPDATE gov_record SET name = $3, parent = $4, grid = $5, unit = $6, doc = $7, changed_us = $8 "
                                  "WHERE community = $1 AND id = $2"};
    const value name = p->columns.name;
    const gov_status status = store_post(p->g->store, &set,
                      STORE_ARGS(store_i(p->g->community), store_i(p->id),
                                 name_of(name),
                                 store_i0(p->columns.parent), store_i0(p->columns.grid), store_i0(p->columns.unit),
                                 store_t(p->doc.data, p->doc.len), store_i(access_now(p->g))),
                      1, d);
    return access_keep(p->g, status, &registry_kept_record, p->id, 0, 0, d);
}

static gov_status same_row(putting *p, bool *same, const diag *d)
{
    static const store_sql load = {"SELECT r.doc, s.shape FROM gov_record r LEFT JOIN gov_record_shape s "
                                   "ON s.community = r.community AND s.id = r.id WHERE r.community = $1 AND r.id = $2"};
    store_rows rows;
    base_buf shape;
    size_t len;
    gov_status status = store_first(p->g->store, &load, STORE_ARGS(store_i(p->g->community), store_i(p->id)), &rows, d);
    if (status != GOV_OK)
        return status == GOV_END ? base_fail(d, M_record_gone, A_I("id", p->id)) : status;
    const char *doc = store_text(&rows, 0, &len);
    *same = len == p->doc.len && memcmp(doc, p->doc.data, len) == 0;
    base_buf_init(&shape, p->g->alloc);
    if (*same && p->columns.shape.kind == VALUE_MAP)
        status = check_shape(p->g, p->columns.shape, &shape, d);
    const char *old = store_text(&rows, 1, &len);
    *same = *same && len == shape.len && (len == 0 || memcmp(old, shape.data, len) == 0);
    base_buf_free(&shape);
    store_rows_close(&rows);
    return status;
}

static gov_status note_change(putting *p, value doc, const char *what, const diag *d)
{
    const value_pair data[] = {{value_text("kind"), value_text(p->kind)},
                               {value_text("key"), value_text(p->key)},
                               {value_text("fields"), doc}};
    const journal_entry entry = {.kind = what, .subject_kind = p->kind, .subject = p->id,
                                 .data = value_map(data, ARRAY_LEN(data))};
    return access_record(p->g, &entry, NULL, d);
}

/* What was remembered of the record may be wrong now. */
static gov_status settle(putting *p, const diag *d)
{
    registry_state_t *state = registry_state(p->g);
    char name[32 + LONGEST_KEY];
    state->changes = ++p->g->home->record_changes;
    if (state->changes % 65536 == 0)
        registry_forget_rows(state); /* so that a long import does not pile up what it has looked up */
    if (state->labels.count > 0)
        base_map_clear(&state->labels);
    if (strcmp(p->kind, GOV_KIND_GRID) == 0) {
        const gov_status status = registry_grids_changed(p->g, d);
        if (status != GOV_OK)
            return status;
    }
    return remember(p->g, name, cache_key(name, p->kind, p->key, strlen(p->key)), p->id, d);
}

static gov_status put_checked(putting *p, value doc, registry_outcome *outcome, const diag *d)
{
    bool same = false;
    gov_status status = registry_lookup(p->g, p->kind, p->key, strlen(p->key), &p->id, d);
    const bool fresh = p->id == 0;
    if (status == GOV_OK)
        status = fill_columns(&p->sight, p->kind, doc, &p->columns, d);
    if (status == GOV_OK)
        status = write_doc(p->g, doc, &p->doc, d);
    if (status == GOV_OK && !fresh)
        status = same_row(p, &same, d);
    *outcome = same ? REGISTRY_SAME : fresh ? REGISTRY_ADDED : REGISTRY_CHANGED;
    if (status != GOV_OK || same)
        return status;
    if (strcmp(p->kind, GOV_KIND_GRID) == 0 || strcmp(p->kind, GOV_KIND_UNIT) == 0)
        status = check_tree(p->g, p->id, p->columns.parent, d);
    if (status == GOV_OK)
        status = fresh ? add_row(p, d) : change_row(p, d);
    if (status == GOV_OK && strcmp(p->kind, GOV_KIND_GRID) == 0)
        status = put_shape(p->g, p->id, p->columns.shape, d);
    if (status == GOV_OK)
        status = registry_words_put(p->g, p->kind, p->id, fresh, &p->sight.fields, doc, d);
    if (status == GOV_OK)
        status = note_change(p, doc, fresh ? "record.add" : "record.change", d);
    return status == GOV_OK ? settle(p, d) : status;
}

gov_status registry_put(gov *g, const char *kind, const char *key, value fields, int64_t *id,
                        registry_outcome *outcome, const diag *d)
{
    putting p = {.g = g, .kind = kind, .key = key};
    registry_outcome done;
    value doc;
    if (!registry_kind_known(kind))
        return base_fail(d, M_kind_unknown, A_S("kind", kind));
    const size_t len = strlen(key);
    if (len == 0 || len > LONGEST_KEY || !base_utf8_plain(key, len))
        return base_fail(d, M_bad_key, A_S("key", key));
    gov_status status = registry_sight_of(g, kind, key, &p.sight, d);
    if (status == GOV_OK)
        status = registry_check(&p.sight, kind, fields, &g->scratch, &doc, d);
    if (status != GOV_OK)
        return status;
    base_buf_init(&p.doc, g->alloc);
    status = put_checked(&p, doc, &done, d);
    base_buf_free(&p.doc);
    if (status == GOV_OK && id != NULL)
        *id = p.id;
    if (status == GOV_OK && outcome != NULL)
        *outcome = done;
    return status;
}

/* ---- actors ---- */

static gov_status role_names(base_arena *arena, value list, access_actor *actor, const diag *d)
{
    const char **roles = base_arena_array(arena, list.kind == VALUE_LIST ? list.len : 0, sizeof *roles);
    if (roles == NULL)
        return base_nomem(d);
    for (size_t i = 0; list.kind == VALUE_LIST && i < list.len; i++)
        if (list.as.items[i].kind == VALUE_STRING)
            roles[actor->role_count++] = list.as.items[i].as.s; /* NUL-terminated: read into the arena */
    actor->roles = roles;
    return GOV_OK;
}

static gov_status own_grids(gov *g, base_arena *arena, value list, access_actor *actor, const diag *d)
{
    int64_t *grids = base_arena_array(arena, list.kind == VALUE_LIST ? list.len : 0, sizeof *grids);
    if (grids == NULL)
        return base_nomem(d);
    for (size_t i = 0; list.kind == VALUE_LIST && i < list.len; i++) {
        const value key = list.as.items[i];
        const gov_status status = registry_lookup(g, GOV_KIND_GRID, key.as.s, key.len, &grids[actor->grid_count], d);
        if (status != GOV_OK)
            return status;
        actor->grid_count += grids[actor->grid_count] != 0;
    }
    actor->grids = grids;
    return GOV_OK;
}

gov_status registry_resolve(gov *g, access_kind kind, const char *key, base_arena *arena, access_actor *actor,
                            const diag *d)
{
    registry_record record;
    int64_t id;
    gov_status status = registry_find(g, kind == ACCESS_STAFF ? GOV_KIND_STAFF : GOV_KIND_RESIDENT, key, strlen(key), &id, d);
    if (status == GOV_OK)
        status = registry_load(g, id, arena, &record, d);
    if (status != GOV_OK)
        return status;
    const value active = value_get_text(record.doc, "active"), name = value_get_text(record.doc, "name");
    if (active.kind == VALUE_BOOL && !active.as.b)
        return base_fail(d, M_actor_inactive, A_S("key", key));
    *actor = (access_actor){.kind = kind, .id = id, .key = record.key,
                            .name = name.kind == VALUE_STRING ? name.as.s : "", .unit = record.unit};
    if (kind != ACCESS_STAFF)
        return GOV_OK;
    status = role_names(arena, value_get_text(record.doc, "roles"), actor, d);
    return status == GOV_OK ? own_grids(g, arena, value_get_text(record.doc, "grids"), actor, d) : status;
}
