/* What rules ask of people and places: who is in a group, what lies in a grid, how many there are. */
#include "registry/state.h"

#include <string.h>

/* Units of an evaluation: one record is read and its filter begins. */
enum { COST_OF_RECORD = 20, PAGE = 256 };

/* An id, or the key of a record of that kind. */
static gov_status id_of(gov *g, const char *kind, value v, int64_t *id, const diag *d)
{
    if (v.kind == VALUE_STRING)
        return registry_find(g, kind, v.as.s, v.len, id, d);
    *id = v.as.i;
    return v.kind == VALUE_INT ? GOV_OK : base_fail(d, M_record_unknown, A_S("kind", kind), A_S("key", ""));
}

gov_status registry_members(gov *g, value group, base_arena *arena, value *list, const diag *d)
{
    registry_record record;
    value_builder b;
    int64_t id;
    gov_status status = id_of(g, "group", group, &id, d);
    if (status == GOV_OK)
        status = registry_load(g, id, arena, &record, d);
    if (status == GOV_OK && strcmp(record.kind, "group") != 0)
        status = base_fail(d, M_record_gone, A_I("id", id));
    if (status != GOV_OK)
        return status;
    const value members = value_get_text(record.doc, "members");
    value_builder_init(&b, arena);
    for (size_t i = 0; members.kind == VALUE_LIST && i < members.len && status == GOV_OK; i++) {
        int64_t member = 0;
        status = id_of(g, GOV_KIND_RESIDENT, members.as.items[i], &member, d);
        value_builder_add(&b, value_int(member));
    }
    *list = value_builder_list(&b);
    return status == GOV_OK && b.failed ? base_nomem(d) : status;
}

gov_status registry_within(gov *g, value point, value grid, bool *within, const diag *d)
{
    const value lat = value_get_text(point, "lat"), lon = value_get_text(point, "lon");
    const geo_point p = {lat.as.i, lon.as.i};
    int64_t id, found = 0;
    *within = false;
    if (lat.kind != VALUE_INT || lon.kind != VALUE_INT)
        return base_fail(d, M_invalid_argument, A_S("function", "within"), A_S("what", "a point has lat and lon"));
    gov_status status = id_of(g, GOV_KIND_GRID, grid, &id, d);
    if (status == GOV_OK)
        status = registry_locate(g, &p, 1, &found, d);
    return status == GOV_OK && found != 0 ? registry_grid_within(g, found, &id, 1, within, d) : status;
}

/* ---- counting ---- */

/* The record as a filter sees it: what the actor may not see plain is not there; a list or map that was never written is
 * empty, so that `'disabled' in it.tags` can be asked of everybody. */
static gov_status visible(gov *g, const registry_record *r, const rulebook_fields *fields, const access_subject *scope,
                          base_arena *arena, value *out, const diag *d)
{
    value_builder b;
    gov_status status = GOV_OK;
    value_builder_init(&b, arena);
    value_builder_set(&b, "id", value_int(r->id));
    value_builder_set(&b, "kind", value_text(r->kind));
    value_builder_set(&b, "key", value_text(r->key));
    for (size_t i = 0; i < r->doc.len && status == GOV_OK; i++) {
        const value_pair *pair = &r->doc.as.pairs[i];
        const rulebook_field *f = rulebook_find_field(fields, pair->key.as.s, pair->key.len);
        bool may = true;
        if (f != NULL && f->sensitive != NULL && g->actor.kind != ACCESS_RULES)
            status = access_may_see(g, f->sensitive, scope, &may, d);
        if (status == GOV_OK && may)
            value_builder_set_n(&b, pair->key.as.s, pair->key.len, pair->val);
    }
    for (uint32_t i = 0; i < fields->count; i++) {
        const rulebook_field *f = &fields->items[i];
        if ((f->type == RULEBOOK_LIST || f->type == RULEBOOK_MAP) &&
            value_get_text(r->doc, f->name).kind == VALUE_ABSENT)
            value_builder_set(&b, f->name, f->type == RULEBOOK_LIST ? value_list(NULL, 0) : value_map(NULL, 0));
    }
    *out = value_builder_map(&b);
    return status == GOV_OK && b.failed ? base_nomem(d) : status;
}

gov_status registry_it(gov *g, const registry_record *r, base_arena *arena, value *out, const diag *d)
{
    rulebook_fields fields;
    access_subject scope;
    gov_status status = registry_fields(g, r->kind, arena, &fields, d);
    if (status == GOV_OK)
        status = registry_subject(g, r, &scope, d);
    return status == GOV_OK ? visible(g, r, &fields, &scope, arena, out, d) : status;
}

static gov_status counts(gov *g, int64_t id, const rulebook_fields *fields, const rulebook_filter *filter,
                         const expr_run *run, base_arena *arena, bool *yes, const diag *d)
{
    registry_record record;
    access_subject scope;
    value it;
    gov_status status = expr_spend(run, COST_OF_RECORD, d);
    if (status == GOV_OK)
        status = registry_load(g, id, arena, &record, d);
    if (status == GOV_OK)
        status = registry_subject(g, &record, &scope, d);
    if (status == GOV_OK)
        status = access_reaches(g, "record.read", &scope, yes, d);
    if (status != GOV_OK || !*yes || filter == NULL)
        return status;
    status = visible(g, &record, fields, &scope, arena, &it, d);
    expr_run inner = *run;
    inner.scratch = arena;
    return status == GOV_OK ? rulebook_filter_holds(filter, &inner, it, yes, d) : status;
}

gov_status registry_page(gov *g, const char *kind, int64_t after, int64_t *ids, size_t most, size_t *n, const diag *d)
{
    static const store_sql sql = {"SELECT id FROM gov_record WHERE community = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4"};
    store_rows rows;
    *n = 0;
    gov_status status = store_query(
        g->store, &sql, STORE_ARGS(store_i(g->community), store_s(kind), store_i(after), store_i((int64_t)most)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK)
        ids[(*n)++] = store_int(&rows, 0);
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

gov_status registry_count(gov *g, const char *kind, const rulebook_filter *filter, const expr_run *run, int64_t *count,
                          const diag *d)
{
    int64_t ids[PAGE];
    size_t n = PAGE;
    rulebook_fields fields;
    base_arena arena;
    *count = 0;
    base_arena_init(&arena, g->alloc);
    gov_status status = g->actor.kind == ACCESS_RULES ? GOV_OK : access_check(g, "record.read", d);
    if (status == GOV_OK)
        status = registry_fields(g, kind, &g->scratch, &fields, d);
    for (int64_t after = 0; status == GOV_OK && n == PAGE; after = n > 0 ? ids[n - 1] : after) {
        status = registry_page(g, kind, after, ids, PAGE, &n, d);
        for (size_t i = 0; status == GOV_OK && i < n; i++) {
            bool yes = false;
            status = counts(g, ids[i], &fields, filter, run, &arena, &yes, d);
            *count += yes;
            base_arena_reset(&arena);
        }
    }
    base_arena_free(&arena);
    return status;
}
