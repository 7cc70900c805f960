/* What a record of each kind is made of. */
#include "registry/state.h"

#include <string.h>

static const registry_builtin builtins[] = {
    {"grid", "name", RULEBOOK_STRING, REGISTRY_NAME, NULL},
    {"grid", "parent", RULEBOOK_GRID, REGISTRY_PARENT, NULL},
    {"grid", "level", RULEBOOK_STRING, REGISTRY_NONE, NULL},
    {"grid", "officers", RULEBOOK_LIST, REGISTRY_NONE, "staff"},
    {"grid", "geometry", RULEBOOK_MAP, REGISTRY_SHAPE, NULL},
    {"unit", "name", RULEBOOK_STRING, REGISTRY_NAME, NULL},
    {"unit", "parent", RULEBOOK_UNIT, REGISTRY_PARENT, NULL},
    {"unit", "kind", RULEBOOK_STRING, REGISTRY_NONE, NULL},
    {"unit", "phone", RULEBOOK_STRING, REGISTRY_NONE, NULL},
    {"staff", "name", RULEBOOK_STRING, REGISTRY_NAME, NULL},
    {"staff", "roles", RULEBOOK_LIST, REGISTRY_NONE, NULL},
    {"staff", "unit", RULEBOOK_UNIT, REGISTRY_UNIT, NULL},
    {"staff", "grids", RULEBOOK_LIST, REGISTRY_NONE, "grid"},
    {"staff", "phone", RULEBOOK_STRING, REGISTRY_NONE, NULL},
    {"staff", "active", RULEBOOK_BOOL, REGISTRY_NONE, NULL},
    {"premises", "name", RULEBOOK_STRING, REGISTRY_NAME, NULL},
    {"premises", "address", RULEBOOK_STRING, REGISTRY_NONE, NULL},
    {"premises", "grid", RULEBOOK_GRID, REGISTRY_GRID, NULL},
    {"premises", "place", RULEBOOK_POINT, REGISTRY_NONE, NULL},
    {"household", "name", RULEBOOK_STRING, REGISTRY_NAME, NULL},
    {"household", "address", RULEBOOK_STRING, REGISTRY_NONE, NULL},
    {"household", "grid", RULEBOOK_GRID, REGISTRY_GRID, NULL},
    {"household", "premises", RULEBOOK_PREMISES, REGISTRY_PARENT, NULL},
    {"household", "tags", RULEBOOK_LIST, REGISTRY_NONE, NULL},
    {"resident", "name", RULEBOOK_STRING, REGISTRY_NAME, NULL},
    {"resident", "household", RULEBOOK_HOUSEHOLD, REGISTRY_PARENT, NULL},
    {"resident", "grid", RULEBOOK_GRID, REGISTRY_GRID, NULL},
    {"resident", "birth_date", RULEBOOK_DATE, REGISTRY_NONE, NULL},
    {"resident", "birth_year", RULEBOOK_INT, REGISTRY_NONE, NULL},
    {"resident", "tags", RULEBOOK_LIST, REGISTRY_NONE, NULL},
    {"group", "name", RULEBOOK_STRING, REGISTRY_NAME, NULL},
    {"group", "members", RULEBOOK_LIST, REGISTRY_NONE, "resident"},
};

const rulebook_host registry_words = {.builtins = builtins, .builtin_count = ARRAY_LEN(builtins)};

const registry_builtin *registry_builtins(size_t *count)
{
    *count = ARRAY_LEN(builtins);
    return builtins;
}

bool registry_kind_known(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
        if (strcmp(builtins[i].kind, kind) == 0)
            return true;
    return false;
}

const char *registry_kind_of(unsigned type)
{
    switch (type) {
    case RULEBOOK_RESIDENT:
        return GOV_KIND_RESIDENT;
    case RULEBOOK_HOUSEHOLD:
        return GOV_KIND_HOUSEHOLD;
    case RULEBOOK_PREMISES:
        return GOV_KIND_PREMISES;
    case RULEBOOK_GRID:
        return GOV_KIND_GRID;
    case RULEBOOK_UNIT:
        return GOV_KIND_UNIT;
    case RULEBOOK_STAFF:
        return GOV_KIND_STAFF;
    case RULEBOOK_GROUP:
        return GOV_KIND_GROUP;
    default:
        return NULL;
    }
}

/* Of a kind's own fields, what people look for and sort by is indexed without being asked for. */
static bool sorts_well(const registry_builtin *b)
{
    return b->type == RULEBOOK_INT || b->type == RULEBOOK_DATE || b->type == RULEBOOK_BOOL ||
           (b->type == RULEBOOK_STRING && (strcmp(b->name, "level") == 0 || strcmp(b->name, "kind") == 0));
}

gov_status registry_fields_under(const rulebook *rules, const char *kind, base_arena *arena, rulebook_fields *out, const diag *d)
{
    const rulebook_record *declared = rulebook_find_record(rules, kind);
    const uint32_t own = declared != NULL ? declared->fields.count : 0;
    rulebook_field *fields = base_arena_array(arena, own + ARRAY_LEN(builtins), sizeof *fields);
    uint32_t n = own;
    if (fields == NULL)
        return base_nomem(d);
    if (own > 0)
        memcpy(fields, declared->fields.items, own * sizeof *fields);
    for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
        const registry_builtin *b = &builtins[i];
        const bool named = declared != NULL && rulebook_find_field(&declared->fields, b->name, strlen(b->name)) != NULL;
        if (strcmp(b->kind, kind) != 0 || named)
            continue;
        fields[n++] = (rulebook_field){.name = b->name,
                                       .indexed = sorts_well(b),
                                       .type = (uint8_t)b->type,
                                       .slot = RULEBOOK_NONE,
                                       .preset = value_absent(),
                                       .min = value_absent(),
                                       .max = value_absent(),
                                       .max_length = -1,
                                       .when_it = RULEBOOK_NONE};
    }
    *out = (rulebook_fields){fields, n};
    return GOV_OK;
}

gov_status registry_fields(gov *g, const char *kind, base_arena *arena, rulebook_fields *out, const diag *d)
{
    return registry_fields_under(g->rules, kind, arena, out, d);
}

gov_status registry_reference(void *user, rulebook_type type, value reference, int64_t *id, const diag *d)
{
    static const store_sql exists = {"SELECT id FROM gov_record WHERE community = $1 AND id = $2 AND kind = $3"};
    gov *g = user;
    const char *kind = registry_kind_of(type);
    if (kind == NULL) { /* cases, accounts, files: checked by those who own them */
        *id = reference.kind == VALUE_INT ? reference.as.i : 0;
        return reference.kind == VALUE_INT ? GOV_OK : GOV_E_NOT_FOUND;
    }
    gov_status status;
    if (reference.kind == VALUE_INT) {
        status = store_first_int(g->store, &exists, STORE_ARGS(store_i(g->community), store_i(reference.as.i), store_s(kind)), id, d);
        return status == GOV_END ? GOV_E_NOT_FOUND : status;
    }
    status = registry_lookup(g, kind, reference.as.s, reference.len, id, d);
    return status == GOV_OK && *id == 0 ? GOV_E_NOT_FOUND : status;
}

/* As registry_reference, for what the actor writes. */
static gov_status seen_reference(void *user, rulebook_type type, value reference, int64_t *id, const diag *d)
{
    const registry_sight *sight = user;
    bool sees = true;
    gov_status status = registry_reference(sight->g, type, reference, id, d);
    if (status == GOV_OK && registry_kind_of(type) != NULL)
        status = registry_sees(sight, *id, &sees, d);
    return status == GOV_OK && !sees ? GOV_E_NOT_FOUND : status;
}

static gov_status role_known(gov *g, const char *role, bool *known, const diag *d)
{
    *known = rulebook_find_role(g->rules, NULL, role) != NULL;
    for (size_t i = 0; i < g->rules->workflows.count && !*known; i++) {
        const rulebook_workflow *w;
        const gov_status status = rulebook_get_workflow(g->rules, g->rules->workflows.items[i], &w, d);
        if (status != GOV_OK)
            return status;
        *known = rulebook_find_role(g->rules, w, role) != NULL;
    }
    return GOV_OK;
}

static gov_status check_roles(gov *g, value roles, const diag *d)
{
    for (size_t i = 0; roles.kind == VALUE_LIST && i < roles.len; i++) {
        const value role = roles.as.items[i];
        bool known = false;
        gov_status status = GOV_OK;
        if (role.kind == VALUE_STRING)
            status = role_known(g, role.as.s, &known, d); /* NUL-terminated: checked values lie in the arena */
        if (status != GOV_OK)
            return status;
        if (!known)
            return base_fail(d, M_role_unknown, A_N("role", role.kind == VALUE_STRING ? role.as.s : "?",
                                                    role.kind == VALUE_STRING ? role.len : 1));
    }
    return GOV_OK;
}

gov_status registry_check(const registry_sight *sight, const char *kind, value fields, base_arena *arena, value *out, const diag *d)
{
    gov *g = sight->g;
    registry_sight own = *sight;
    const rulebook_checking how = {.resolve = seen_reference, .user = &own, .arena = arena};
    gov_status status = GOV_OK;
    value copy;
    if (!value_copy(arena, fields, &copy))
        return base_nomem(d);
    if (status == GOV_OK)
        status = rulebook_check_fields(&sight->fields, copy, &how, out, d);
    if (status == GOV_OK && strcmp(kind, GOV_KIND_STAFF) == 0)
        status = check_roles(g, value_get_text(*out, "roles"), d);
    return status;
}
