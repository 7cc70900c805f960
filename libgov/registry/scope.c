/* Where a record belongs, for roles that act only in a part of the community. */
#include "registry/state.h"

#include <string.h>

/* A household lies where its premises do, a resident where the household does, unless a grid of its own is written. */
static gov_status grid_of_home(gov *g, int64_t parent, int64_t *grid, const diag *d)
{
    static const store_sql up = {"SELECT grid, parent FROM gov_record WHERE community = $1 AND id = $2"};
    for (int steps = 0; steps < 2 && parent != 0 && *grid == 0; steps++) {
        store_rows rows;
        const gov_status status = store_first(g->store, &up, STORE_ARGS(store_i(g->community), store_i(parent)), &rows, d);
        if (status != GOV_OK)
            return status == GOV_END ? GOV_OK : status;
        *grid = store_int(&rows, 0);
        parent = store_int(&rows, 1);
        store_rows_close(&rows);
    }
    return GOV_OK;
}

gov_status registry_subject(gov *g, const registry_record *r, access_subject *out, const diag *d)
{
    *out = (access_subject){.grid = r->grid, .unit = r->unit};
    if (strcmp(r->kind, GOV_KIND_GRID) == 0)
        out->grid = r->id;
    else if (strcmp(r->kind, GOV_KIND_UNIT) == 0)
        out->unit = r->id;
    else if (strcmp(r->kind, GOV_KIND_STAFF) == 0)
        out->staff = r->id;
    else if (strcmp(r->kind, GOV_KIND_RESIDENT) == 0)
        out->reporter = r->id;
    /* Whoever holds all roles is not measured. */
    if (g->actor.kind == ACCESS_HOST || g->actor.kind == ACCESS_RULES || out->grid != 0)
        return GOV_OK;
    return grid_of_home(g, r->parent, &out->grid, d);
}

gov_status registry_reaches(gov *g, const char *action, int64_t id, bool *reaches, const diag *d)
{
    registry_record record;
    access_subject subject;
    *reaches = true;
    if (id == 0 || g->actor.kind == ACCESS_HOST || g->actor.kind == ACCESS_RULES)
        return GOV_OK;
    gov_status status = registry_load(g, id, &g->scratch, &record, d);
    if (status == GOV_OK)
        status = registry_subject(g, &record, &subject, d);
    return status == GOV_OK ? access_reaches(g, action, &subject, reaches, d) : status;
}

gov_status registry_sight_of(gov *g, const char *kind, const char *key, registry_sight *out, const diag *d)
{
    static const char *const actions[] = {"record.read", "record.write"};
    const access_subject whole = {0};
    registry_record record;
    int64_t id = 0;
    bool seen = false;
    *out = (registry_sight){.g = g, .before = value_absent()};
    gov_status status = registry_fields(g, kind, &g->scratch, &out->fields, d);
    for (size_t i = 0; i < ARRAY_LEN(actions) && status == GOV_OK && !out->all; i++)
        status = access_reaches(g, actions[i], &whole, &out->all, d);
    if (status == GOV_OK && !out->all)
        status = registry_lookup(g, kind, key, strlen(key), &id, d);
    for (size_t i = 0; i < ARRAY_LEN(actions) && status == GOV_OK && id != 0 && !seen; i++)
        status = registry_reaches(g, actions[i], id, &seen, d);
    if (status != GOV_OK || !seen)
        return status;
    status = registry_load(g, id, &g->scratch, &record, d);
    if (status == GOV_OK)
        out->before = record.doc;
    return status;
}

gov_status registry_sees(const registry_sight *s, int64_t id, bool *sees, const diag *d)
{
    *sees = s->all;
    for (size_t i = 0; s->before.kind == VALUE_MAP && i < s->before.len && !*sees; i++) {
        const value_pair *p = &s->before.as.pairs[i];
        const rulebook_field *f = rulebook_find_field(&s->fields, p->key.as.s, p->key.len);
        *sees = f != NULL && registry_kind_of(f->type) != NULL && p->val.kind == VALUE_INT && p->val.as.i == id;
    }
    if (*sees)
        return GOV_OK;
    const gov_status status = registry_reaches(s->g, "record.read", id, sees, d);
    return status == GOV_OK && !*sees ? registry_reaches(s->g, "record.write", id, sees, d) : status;
}

gov_status registry_check_scope(gov *g, const char *action, int64_t id, const char *kind, const char *key, const diag *d)
{
    bool reaches, seen = false;
    gov_status status = registry_reaches(g, action, id, &reaches, d);
    if (status != GOV_OK || reaches)
        return status;
    status = registry_reaches(g, "record.read", id, &seen, d);
    if (status == GOV_OK && !seen)
        return base_fail(d, M_record_unknown, A_S("kind", kind), A_S("key", key));
    return status == GOV_OK ? access_deny(g, action, d) : status;
}
