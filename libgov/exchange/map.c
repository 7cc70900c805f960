/* Import maps: read from YAML, then checked against the rules of the community. */
#include "exchange/import.h"

#include <string.h>

static const char *const role_names[IMPORT_ROLES_] = {[IMPORT_OPENED_AT] = "opened_at",
                                                      [IMPORT_REPORTER] = "reporter",
                                                      [IMPORT_GRID] = "grid",
                                                      [IMPORT_UNIT] = "unit",
                                                      [IMPORT_AT] = "at",
                                                      [IMPORT_CASE] = "case",
                                                      [IMPORT_LINK] = "link",
                                                      [IMPORT_ACTOR] = "actor",
                                                      [IMPORT_EVENT] = "event",
                                                      [IMPORT_DATA] = "data"};

bool import_is_geojson(const char *file)
{
    const char *dot = strrchr(file, '.');
    return dot != NULL && (strcmp(dot, ".geojson") == 0 || strcmp(dot, ".json") == 0);
}

/* ---- reading ---- */

static const struct {
    const char *word, *record;
    import_kind kind;
} kinds[] = {{"grids", GOV_KIND_GRID, IMPORT_RECORDS},
             {"units", GOV_KIND_UNIT, IMPORT_RECORDS},
             {"staff", GOV_KIND_STAFF, IMPORT_RECORDS},
             {"households", GOV_KIND_HOUSEHOLD, IMPORT_RECORDS},
             {"residents", GOV_KIND_RESIDENT, IMPORT_RECORDS},
             {"premises", GOV_KIND_PREMISES, IMPORT_RECORDS},
             {"groups", GOV_KIND_GROUP, IMPORT_RECORDS},
             {"cases", NULL, IMPORT_CASES},
             {"events", NULL, IMPORT_EVENTS}};

static void read_kind(import_reader *r, const rb_node *n, import_map *map)
{
    const char *names[ARRAY_LEN(kinds)];
    const char *word = import_text(r, n, "import");
    if (word == NULL)
        return;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        names[i] = kinds[i].word;
        if (strcmp(kinds[i].word, word) == 0) {
            map->kind = (uint8_t)kinds[i].kind;
            map->record_kind = kinds[i].record;
            return;
        }
    }
    import_note(r, import_unknown(n, NULL, "import", word, names, ARRAY_LEN(names), r->d));
}

static void read_columns(import_reader *r, const rb_node *n, import_map *map)
{
    if (n == NULL)
        return;
    const base_place here = rulebook_node_place(n);
    if (!rulebook_is_map(n) || rulebook_count(n) == 0 || rulebook_count(n) > IMPORT_MOST_COLUMNS) {
        import_note(r,
                    !rulebook_is_map(n)
                        ? base_fail_at(r->d, &here, M_wrong_kind, A_S("what", "columns"),
                                       A_S("expected", "map"), A_S("found", rulebook_node_kind(n)))
                        : base_fail_at(r->d, &here, M_out_of_bounds, A_S("what", "columns"),
                                       A_I("least", 1), A_I("most", IMPORT_MOST_COLUMNS)));
        return;
    }
    map->specs = base_arena_array(r->arena, rulebook_count(n), sizeof *map->specs);
    if (map->specs == NULL) {
        import_note(r, base_nomem(r->d));
        return;
    }
    for (size_t i = 0; i < rulebook_count(n); i++) {
        base_place place;
        const char *target = rulebook_key(n, i, &place);
        import_spec *spec = &map->specs[map->spec_count++];
        spec->when = map->when;
        import_read_spec(r, rulebook_item(n, i), target, &place, spec);
    }
}

static void read_blanks(import_reader *r, const rb_node *n, import_map *map)
{
    if (n == NULL)
        return;
    const base_place here = rulebook_node_place(n);
    const char **blanks = base_arena_array(r->arena, rulebook_count(n), sizeof *blanks);
    if (!rulebook_is_list(n)) {
        import_note(r, base_fail_at(r->d, &here, M_wrong_kind, A_S("what", "blank"),
                                    A_S("expected", "list"), A_S("found", rulebook_node_kind(n))));
        return;
    }
    if (blanks == NULL) {
        import_note(r, base_nomem(r->d));
        return;
    }
    for (size_t i = 0; i < rulebook_count(n); i++) {
        const char *word = import_text(r, rulebook_item(n, i), "blank");
        if (word != NULL)
            blanks[map->blank_count++] = word;
    }
    map->blanks = blanks;
}

static void read_defaults(import_reader *r, const rb_node *n, import_map *map)
{
    if (n == NULL)
        return;
    map->defaults = base_arena_array(r->arena, rulebook_count(n), sizeof *map->defaults);
    if (map->defaults == NULL) {
        import_note(r, base_nomem(r->d));
        return;
    }
    for (size_t i = 0; i < rulebook_count(n); i++) {
        const rb_node *item = rulebook_item(n, i);
        const base_place place = rulebook_node_place(item);
        int64_t e7[2] = {0};
        bool fine = rulebook_is_list(n) && rulebook_is_list(item) && rulebook_count(item) == 2;
        for (size_t k = 0; k < 2 && fine; k++) {
            size_t len = 0;
            const char *s = rulebook_scalar(rulebook_item(item, k), &len);
            fine = s != NULL && exchange_parse_degrees((exchange_cell){s, len}, k == 0 ? 90 : 180,
                                                       &e7[k]) == EXCHANGE_FINE;
        }
        if (fine)
            map->defaults[map->default_count++] = (geo_point){e7[0], e7[1]};
        else
            import_note(r, base_fail_at(r->d, &place, M_wrong_kind, A_S("what", "default_points"),
                                        A_S("expected", "[lat, lon]"),
                                        A_S("found", rulebook_node_kind(item))));
    }
}

static void read_flags(import_reader *r, const rb_node *root, import_map *map)
{
    const rb_node *n = rulebook_get(root, "create_units");
    value v = value_absent();
    if (n == NULL)
        return;
    const base_place place = rulebook_node_place(n);
    import_note(r, rulebook_node_value(r->arena, n, &v, r->d));
    if (v.kind != VALUE_BOOL)
        import_note(r, base_fail_at(r->d, &place, M_wrong_kind, A_S("what", "create_units"),
                                    A_S("expected", "bool"), A_S("found", rulebook_node_kind(n))));
    map->create_units = v.kind == VALUE_BOOL && v.as.b;
}

static void read_map(import_reader *r, const rulebook *rules, const rb_node *root, import_map *map)
{
    static const char *const keys[] = {"!import",        "!file",        "workflow", "system",
                                       "format",         "!columns",     "key",      "blank",
                                       "default_points", "create_units", "life",     NULL};
    if (!import_keys(r, root, "import map", keys))
        return;
    read_kind(r, rulebook_get(root, "import"), map);
    map->file = import_text(r, rulebook_get(root, "file"), "file");
    map->workflow = import_text(r, rulebook_get(root, "workflow"), "workflow");
    if (map->workflow != NULL)
        map->workflow_place = rulebook_node_place(rulebook_get(root, "workflow"));
    map->system = import_text(r, rulebook_get(root, "system"), "system");
    import_read_format(r, rulebook_get(root, "format"), rules, map);
    read_columns(r, rulebook_get(root, "columns"), map);
    map->key = import_text(r, rulebook_get(root, "key"), "key");
    if (map->key != NULL)
        map->key_place = rulebook_node_place(rulebook_get(root, "key"));
    read_blanks(r, rulebook_get(root, "blank"), map);
    read_defaults(r, rulebook_get(root, "default_points"), map);
    read_flags(r, root, map);
    import_read_lives(r, rulebook_get(root, "life"), map);
}

static const char *folder_of(base_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return base_arena_strndup(arena, path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
}

static gov_status read_one(gov *g, base_arena *arena, const char *path, const rb_node *root,
                           const char *text, size_t len, import_map *out, const diag *d)
{
    import_reader r = {.arena = arena, .d = d};
    *out = (import_map){.path = path, .dir = folder_of(arena, path)};
    for (size_t i = 0; i < IMPORT_ROLES_; i++)
        out->by_role[i] = SIZE_MAX;
    if (out->dir == NULL)
        return base_nomem(d);
    base_sha256(text, len, out->digest);
    read_map(&r, g->rules, root, out);
    return r.status == GOV_OK ? import_check(g, arena, out, d) : r.status;
}

/* ---- lists ---- */

static gov_status read_listed(gov *g, base_arena *arena, const char *dir, const rb_node *item,
                              import_map *out, const diag *d)
{
    const rb_node *root = NULL;
    const char *text = NULL;
    size_t len = 0, n;
    const char *name = rulebook_scalar(item, &n);
    const base_place place = rulebook_node_place(item);
    if (name == NULL)
        return base_fail_at(d, &place, M_wrong_kind, A_S("what", "order"), A_S("expected", "text"),
                            A_S("found", rulebook_node_kind(item)));
    char *path = base_arena_alloc(arena, strlen(dir) + n + 1);
    if (path == NULL)
        return base_nomem(d);
    memcpy(path, dir, strlen(dir));
    memcpy(path + strlen(dir), name, n + 1);
    const gov_status status = rulebook_read_yaml(arena, path, &root, &text, &len, d);
    return status == GOV_OK ? read_one(g, arena, path, root, text, len, out, d) : status;
}

static gov_status read_maps(gov *g, base_arena *arena, const char *dir, const rb_node *n,
                            bool replay, import_map **maps, size_t *count, const diag *d)
{
    gov_status status = GOV_OK;
    if (n == NULL)
        return GOV_OK;
    const base_place place = rulebook_node_place(n);
    if (!rulebook_is_list(n) || rulebook_count(n) > IMPORT_MOST_MAPS)
        return base_fail_at(d, &place, M_wrong_kind, A_S("what", replay ? "replay" : "order"),
                            A_S("expected", "list"), A_S("found", rulebook_node_kind(n)));
    *maps = base_arena_array(arena, rulebook_count(n), sizeof **maps);
    if (*maps == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < rulebook_count(n); i++) {
        import_map *map = &(*maps)[(*count)++];
        const base_place at = rulebook_node_place(rulebook_item(n, i));
        gov_status one = read_listed(g, arena, dir, rulebook_item(n, i), map, d);
        if (one == GOV_OK && replay && map->kind == IMPORT_RECORDS)
            one = base_fail_at(d, &at, M_import_no_time, A_S("map", map->path));
        status = one != GOV_OK && (status == GOV_OK || one == GOV_E_NOMEM) ? one : status;
    }
    return status;
}

static gov_status read_until(const gov *g, const rb_node *n, import_list *out, const diag *d)
{
    exchange_when when;
    size_t len;
    const char *s = rulebook_scalar(n, &len);
    out->until_us = IMPORT_NEVER;
    if (n == NULL || (s != NULL && strcmp(s, "last") == 0))
        return GOV_OK;
    const base_place place = rulebook_node_place(n);
    if (s == NULL || exchange_parse_when((exchange_cell){s, len}, NULL, &when) != EXCHANGE_FINE)
        return base_fail_at(d, &place, M_import_until, A_S("text", s));
    (void)exchange_when_to_us(&when, g->rules->zone, &out->until_us);
    return GOV_OK;
}

gov_status import_read(gov *g, base_arena *arena, const char *path, import_list *out, const diag *d)
{
    static const char *const keys[] = {"order", "replay", "until", NULL};
    import_reader r = {.arena = arena, .d = d};
    const rb_node *root = NULL;
    const char *text = NULL;
    size_t len = 0;
    *out = (import_list){.until_us = IMPORT_NEVER};
    gov_status status = rulebook_read_yaml(arena, path, &root, &text, &len, d);
    if (status != GOV_OK)
        return status;
    if (rulebook_get(root, "order") == NULL && rulebook_get(root, "replay") == NULL) {
        import_map *map = base_arena_alloc(arena, sizeof *map);
        if (map == NULL)
            return base_nomem(d);
        status = read_one(g, arena, base_arena_strdup(arena, path), root, text, len, map, d);
        const bool timed = map->by_role[IMPORT_OPENED_AT] != SIZE_MAX || map->kind == IMPORT_EVENTS;
        *(timed ? &out->replay : &out->order) = map;
        *(timed ? &out->replay_count : &out->order_count) = 1;
        return status;
    }
    const char *dir = folder_of(arena, path);
    if (dir == NULL)
        return base_nomem(d);
    (void)import_keys(&r, root, "list of imports", keys);
    import_note(&r, read_until(g, rulebook_get(root, "until"), out, d));
    import_note(&r, read_maps(g, arena, dir, rulebook_get(root, "order"), false, &out->order,
                              &out->order_count, d));
    import_note(&r, read_maps(g, arena, dir, rulebook_get(root, "replay"), true, &out->replay,
                              &out->replay_count, d));
    return r.status;
}

void import_list_free(import_list *list)
{
    for (size_t i = 0; i < list->order_count; i++)
        base_zone_free(list->order[i].own_zone);
    for (size_t i = 0; i < list->replay_count; i++)
        base_zone_free(list->replay[i].own_zone);
}

/* ---- checking ---- */

static uint8_t type_for(unsigned field)
{
    switch (field) {
    case RULEBOOK_BOOL: return IMPORT_BOOL;
    case RULEBOOK_INT: return IMPORT_INT;
    case RULEBOOK_DOUBLE: return IMPORT_DOUBLE;
    case RULEBOOK_MONEY: return IMPORT_MONEY;
    case RULEBOOK_DATE: return IMPORT_DATE;
    case RULEBOOK_TIMESTAMP: return IMPORT_TIMESTAMP;
    case RULEBOOK_POINT: return IMPORT_POINT;
    case RULEBOOK_LIST: return IMPORT_LIST;
    case RULEBOOK_MAP:
    case RULEBOOK_ANY: return IMPORT_JSON;
    default: return IMPORT_TEXT; /* references: their keys */
    }
}

static gov_status fit_type(import_spec *spec, const diag *d)
{
    static const char *const names[IMPORT_TYPES_] = {"text", "int",  "double",    "money",
                                                     "bool", "date", "timestamp", "point",
                                                     "list", "json"};
    const uint8_t wanted = type_for(spec->field->type);
    if (!spec->typed)
        spec->type = wanted;
    const bool fits =
        spec->type == wanted || spec->type == IMPORT_JSON || spec->field->type == RULEBOOK_ANY ||
        (spec->type == IMPORT_INT && (wanted == IMPORT_DOUBLE || wanted == IMPORT_MONEY));
    if (!fits)
        return base_fail_at(d, &spec->place, M_import_type, A_S("field", spec->target),
                            A_S("type", names[spec->type]),
                            A_S("expected", rulebook_type_name((rulebook_type)spec->field->type)));
    if (spec->type == IMPORT_POINT && spec->lat == NULL && spec->constant.kind == VALUE_ABSENT)
        return base_fail_at(d, &spec->place, M_missing_key, A_S("key", "lat"),
                            A_S("what", spec->target));
    return GOV_OK;
}

/* A translation of a field that has a list of choices must mean one of them. */
static gov_status fit_words(base_arena *arena, const import_spec *spec, const diag *d)
{
    const rulebook_checking how = {.arena = arena, .place = &spec->place};
    gov_status status = GOV_OK;
    value out;
    if (spec->field->type == RULEBOOK_LIST || rulebook_is_reference(spec->field->type))
        return GOV_OK;
    rulebook_field plain = *spec->field;
    plain.when = NULL;
    for (size_t i = 0; i < spec->word_count && status != GOV_E_NOMEM; i++) {
        gov_error *error = NULL;
        const diag quiet = {arena->alloc, &error};
        const gov_status one =
            rulebook_check_field(&plain, spec->words[i].means, &how, &out, &quiet);
        if (one == GOV_E_NOMEM)
            status = base_nomem(d);
        else if (one != GOV_OK)
            status = base_fail_at(d, &spec->place, M_import_word, A_S("text", spec->words[i].text),
                                  A_S("why", gov_error_message(error, 0, "en")));
        gov_error_free(error);
    }
    return status;
}

static gov_status check_fields(base_arena *arena, const rulebook_fields *fields, import_spec *specs,
                               size_t count, const char *const *more, size_t more_count,
                               const char *kind, const diag *d)
{
    gov_status status = GOV_OK;
    const char **names = base_arena_array(arena, fields->count + more_count, sizeof *names);
    if (names == NULL)
        return base_nomem(d);
    for (uint32_t i = 0; i < fields->count; i++)
        names[i] = fields->items[i].name;
    for (size_t i = 0; i < more_count; i++)
        names[fields->count + i] = more[i];
    for (size_t i = 0; i < count && status != GOV_E_NOMEM; i++) {
        import_spec *spec = &specs[i];
        gov_status one = GOV_OK;
        spec->field = rulebook_find_field(fields, spec->target, strlen(spec->target));
        if (spec->field == NULL && spec->role == IMPORT_FIELD)
            one = import_unknown(NULL, &spec->place, kind, spec->target, names,
                                 fields->count + more_count, d);
        else if (spec->field != NULL && (spec->role == IMPORT_FIELD || spec->keyed))
            one = fit_type(spec, d);
        if (one == GOV_OK && spec->field != NULL)
            one = fit_words(arena, spec, d);
        status = one != GOV_OK && (status == GOV_OK || one == GOV_E_NOMEM) ? one : status;
    }
    return status;
}

static gov_status find_key(import_map *map, const diag *d)
{
    const char *names[IMPORT_MOST_COLUMNS];
    const bool numbered = map->key == NULL && map->kind != IMPORT_RECORDS;
    if (map->key == NULL && !numbered)
        return GOV_OK;
    const char *wanted = numbered ? "number" : map->key;
    for (size_t i = 0; i < map->spec_count; i++) {
        names[i] = map->specs[i].target;
        if (strcmp(names[i], wanted) == 0) {
            map->specs[i].role = IMPORT_KEY;
            map->by_role[IMPORT_KEY] = i;
            return GOV_OK;
        }
    }
    return numbered ? GOV_OK
                    : import_unknown(NULL, &map->key_place, "column", map->key, names,
                                     map->spec_count, d);
}

static gov_status need_role(const import_map *map, import_role role, const diag *d)
{
    const base_place place = {map->path, 1, 1};
    if (map->by_role[role] != SIZE_MAX)
        return GOV_OK;
    return base_fail_at(d, &place, M_missing_key,
                        A_S("key", role == IMPORT_KEY ? "key" : role_names[role]),
                        A_S("what", role == IMPORT_KEY ? "import map" : "columns"));
}

static void take_roles(import_map *map, const import_role *roles, size_t count)
{
    for (size_t i = 0; i < map->spec_count; i++)
        for (size_t k = 0; k < count; k++)
            if (map->specs[i].role == IMPORT_FIELD &&
                strcmp(map->specs[i].target, role_names[roles[k]]) == 0) {
                map->specs[i].role = (uint8_t)roles[k];
                map->by_role[roles[k]] = i;
            }
}

/* Where a role needs one type of cell. */
static void set_type(import_map *map, import_role role, import_type type, import_blank blank)
{
    if (map->by_role[role] == SIZE_MAX)
        return;
    map->specs[map->by_role[role]].type = (uint8_t)type;
    map->specs[map->by_role[role]].blank = (uint8_t)blank;
}

static void mark_keyed(import_map *map, const rulebook_fields *fields)
{
    if (map->by_role[IMPORT_KEY] == SIZE_MAX)
        return;
    import_spec *key = &map->specs[map->by_role[IMPORT_KEY]];
    key->keyed = rulebook_find_field(fields, key->target, strlen(key->target)) != NULL;
}

static gov_status check_records(gov *g, base_arena *arena, import_map *map, const diag *d)
{
    rulebook_fields fields;
    gov_status status = registry_fields(g, map->record_kind, arena, &fields, d);
    if (status == GOV_OK)
        status = need_role(map, IMPORT_KEY, d);
    if (status != GOV_OK)
        return status;
    mark_keyed(map, &fields);
    status = check_fields(arena, &fields, map->specs, map->spec_count, NULL, 0, "field", d);
    set_type(map, IMPORT_KEY, IMPORT_TEXT, IMPORT_BLANK_REFUSE);
    return status;
}

static gov_status check_life(base_arena *arena, const import_map *map, import_life *life,
                             const diag *d)
{
    const char **names = base_arena_array(arena, map->rules->event_count, sizeof *names);
    if (names == NULL)
        return base_nomem(d);
    for (uint32_t i = 0; i < map->rules->event_count; i++)
        names[i] = map->rules->events[i].name;
    const rulebook_event *event = rulebook_find_event(map->rules, life->event);
    if (event == NULL)
        return import_unknown(NULL, &life->place, "event", life->event, names,
                              map->rules->event_count, d);
    if (life->at_column != SIZE_MAX && map->specs[life->at_column].type != IMPORT_TIMESTAMP)
        return base_fail_at(d, &life->place, M_import_type,
                            A_S("field", map->specs[life->at_column].target), A_S("type", "text"),
                            A_S("expected", "timestamp"));
    return check_fields(arena, &event->input, life->data, life->data_count, NULL, 0, "field", d);
}

static gov_status check_cases(gov *g, base_arena *arena, import_map *map, const diag *d)
{
    static const import_role roles[] = {IMPORT_OPENED_AT, IMPORT_REPORTER, IMPORT_GRID,
                                        IMPORT_UNIT};
    static const char *const more[] = {"number", "opened_at", "reporter", "grid", "unit"};
    const base_place place = {map->path, 1, 1};
    if (map->workflow == NULL)
        return base_fail_at(d, &place, M_missing_key, A_S("key", "workflow"),
                            A_S("what", "import map"));
    gov_status status = rulebook_get_workflow(g->rules, map->workflow, &map->rules, d);
    if (status == GOV_E_NOT_FOUND)
        return import_unknown(NULL, &map->workflow_place, "workflow", map->workflow,
                              g->rules->workflows.items, g->rules->workflows.count, d);
    if (status != GOV_OK)
        return status;
    take_roles(map, roles, ARRAY_LEN(roles));
    mark_keyed(map, &map->rules->fields);
    set_type(map, IMPORT_OPENED_AT, IMPORT_TIMESTAMP, IMPORT_BLANK_REFUSE);
    status = check_fields(arena, &map->rules->fields, map->specs, map->spec_count, more,
                          ARRAY_LEN(more), "field", d);
    set_type(map, IMPORT_KEY, IMPORT_TEXT, IMPORT_BLANK_REFUSE);
    for (size_t i = 0; i < map->life_count && status != GOV_E_NOMEM; i++) {
        const gov_status one = check_life(arena, map, &map->lives[i], d);
        status = one != GOV_OK && (status == GOV_OK || one == GOV_E_NOMEM) ? one : status;
    }
    return status;
}

/* An event that no workflow has can only be a slip of the pen. */
static gov_status check_event_words(gov *g, const import_spec *spec, const diag *d)
{
    gov_status status = GOV_OK;
    for (size_t i = 0; i < spec->word_count; i++) {
        const value means = spec->words[i].means;
        bool known = false;
        const char *near = NULL;
        for (uint32_t k = 0; k < g->rules->workflows.count && means.kind == VALUE_STRING && !known;
             k++) {
            const rulebook_workflow *w;
            const gov_status one =
                rulebook_get_workflow(g->rules, g->rules->workflows.items[k], &w, d);
            if (one != GOV_OK)
                return one;
            for (uint32_t n = 0; n < w->event_count; n++) {
                known = known || value_is_text(means, w->events[n].name);
                const char *pair[2] = {w->events[n].name, near};
                const char *best = base_nearest(means.as.s, means.len, pair, near != NULL ? 2 : 1);
                near = best != NULL ? best : near;
            }
        }
        if (!known)
            status = base_fail_at(d, &spec->place, M_unknown_name, A_S("kind", "event"),
                                  A_N("name", means.kind == VALUE_STRING ? means.as.s : "?",
                                      means.kind == VALUE_STRING ? means.len : 1),
                                  A_S("near", near));
    }
    return status;
}

static gov_status check_events(gov *g, base_arena *arena, import_map *map, const diag *d)
{
    static const import_role roles[] = {IMPORT_AT,    IMPORT_CASE,  IMPORT_LINK,
                                        IMPORT_ACTOR, IMPORT_EVENT, IMPORT_DATA};
    static const char *const more[] = {"number", "at", "case", "link", "actor", "event", "data"};
    static const import_role needed[] = {IMPORT_AT, IMPORT_CASE, IMPORT_EVENT};
    const rulebook_fields none = {NULL, 0};
    take_roles(map, roles, ARRAY_LEN(roles));
    gov_status status =
        check_fields(arena, &none, map->specs, map->spec_count, more, ARRAY_LEN(more), "column", d);
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        const gov_status one = need_role(map, needed[i], d);
        status = status == GOV_OK ? one : status;
    }
    if (status != GOV_OK)
        return status;
    set_type(map, IMPORT_KEY, IMPORT_TEXT, IMPORT_BLANK_REFUSE);
    set_type(map, IMPORT_AT, IMPORT_TIMESTAMP, IMPORT_BLANK_REFUSE);
    set_type(map, IMPORT_CASE, IMPORT_TEXT, IMPORT_BLANK_REFUSE);
    set_type(map, IMPORT_EVENT, IMPORT_TEXT, IMPORT_BLANK_REFUSE);
    if (map->by_role[IMPORT_DATA] != SIZE_MAX)
        map->specs[map->by_role[IMPORT_DATA]].type = IMPORT_JSON;
    return check_event_words(g, &map->specs[map->by_role[IMPORT_EVENT]], d);
}

gov_status import_check(gov *g, base_arena *arena, import_map *map, const diag *d)
{
    gov_status status = find_key(map, d);
    if (status != GOV_OK)
        return status;
    if (map->kind == IMPORT_RECORDS)
        return check_records(g, arena, map, d);
    return map->kind == IMPORT_CASES ? check_cases(g, arena, map, d)
                                     : check_events(g, arena, map, d);
}
