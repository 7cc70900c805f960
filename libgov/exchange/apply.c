/* A row into the registry and the cases, on the community's clock. */
#include "exchange/import.h"

#include <string.h>

/* From here on down these are what a person can mend in the row, or in the rules. */
bool import_is_row_fault(gov_status status)
{
    return status >= GOV_E_INPUT && status < GOV_E_STORE;
}

/* ---- the clock ---- */

gov_status import_tick(import_session *s, int64_t until_us, const diag *d)
{
    gov_tick_result r = {0};
    bool any;
    int64_t due;
    gov_status status = case_next_due(s->g, &any, &due, NULL, d);
    if (status != GOV_OK || !any || due > until_us)
        return status;
    if (s->left == 0) {
        s->full = true;
        return GOV_OK;
    }
    status = case_tick(s->g, until_us, s->left, &r, d);
    s->left -= r.fired < s->left ? r.fired : s->left;
    if (status == GOV_OK && r.next_us != 0 && r.next_us <= until_us)
        s->full = true;
    return status;
}

/* What is due at the instant itself waits for the row: what is done in time comes before what happens when it is not. */
static gov_status import_advance(import_session *s, int64_t at_us, const diag *d)
{
    const int64_t now = s->clock_us == IMPORT_NEVER || at_us > s->clock_us ? at_us : s->clock_us;
    const gov_status status = import_tick(s, now - 1, d);
    if (status == GOV_OK && !s->full) {
        s->clock_us = now;
        access_set_clock(s->g, now);
    }
    return status;
}

/* How far the clock goes after the last row. What lies ahead (a closing in the year 9999) waits among the timers. */
static void note_instant(import_session *s, int64_t us)
{
    if (import_is_beyond(s, us))
        return;
    if (us != IMPORT_NEVER && (s->last_us == IMPORT_NEVER || us > s->last_us))
        s->last_us = us;
}

/* ---- records ---- */

static gov_status apply_record(import_session *s, import_row *row, import_did *did, const diag *d)
{
    registry_outcome outcome = REGISTRY_SAME;
    gov_status status = case_catch_up_rooms(s->g, d);
    if (status == GOV_OK)
        status = registry_put(s->g, row->from->map->record_kind, row->text[IMPORT_KEY], row->fields, NULL, &outcome, d);
    *did = outcome == REGISTRY_ADDED     ? IMPORT_DID_ADD
           : outcome == REGISTRY_CHANGED ? IMPORT_DID_CHANGE
                                         : IMPORT_DID_NOTHING;
    return status;
}

/* ---- cases ---- */

static const char *system_of(const import_map *map)
{
    return map->system != NULL ? map->system : CASE_OUTSIDE;
}

static gov_status find_record(gov *g, const char *kind, const char *key, int64_t *id, const diag *d)
{
    *id = 0;
    return key != NULL ? registry_find(g, kind, key, strlen(key), id, d) : GOV_OK;
}

static gov_status create_unit(gov *g, value key, const diag *d)
{
    int64_t id;
    if (key.kind != VALUE_STRING)
        return GOV_OK;
    gov_status status = registry_lookup(g, GOV_KIND_UNIT, key.as.s, key.len, &id, d);
    if (status != GOV_OK || id != 0)
        return status;
    const value_pair name[] = {{value_text("name"), key}};
    const char *text = base_arena_strndup(&g->scratch, key.as.s, key.len);
    return text != NULL ? registry_put(g, GOV_KIND_UNIT, text, value_map(name, 1), &id, NULL, d)
                        : base_nomem(d);
}

/* Units that the row names and that nobody registered yet. */
static gov_status create_units(import_session *s, const import_row *row, const diag *d)
{
    const import_map *map = row->from->map;
    gov_status status = GOV_OK;
    if (row->text[IMPORT_UNIT] != NULL)
        status = create_unit(s->g, value_text(row->text[IMPORT_UNIT]), d);
    for (size_t i = 0; i < map->spec_count && status == GOV_OK; i++)
        if (map->specs[i].field != NULL && map->specs[i].field->type == RULEBOOK_UNIT)
            status = create_unit(s->g, value_get_text(row->fields, map->specs[i].target), d);
    for (size_t i = 0; i < map->life_count && status == GOV_OK; i++)
        for (size_t k = 0; k < map->lives[i].data_count && status == GOV_OK; k++) {
            const import_spec *spec = &map->lives[i].data[k];
            if (row->life_us[i] != IMPORT_NEVER && spec->field != NULL &&
                spec->field->type == RULEBOOK_UNIT)
                status = create_unit(s->g, value_get_text(row->life_data[i], spec->target), d);
        }
    return status;
}

static gov_status locate(import_session *s, import_row *row, int64_t *grid, const diag *d)
{
    gov_status status = GOV_OK;
    if (*grid != 0 || !row->placed)
        return GOV_OK;
    if (!s->grids_known) {
        const registry_grid *grids;
        size_t count;
        status = registry_grids(s->g, &grids, &count, d);
        s->has_grids = false;
        for (size_t i = 0; i < count && status == GOV_OK; i++)
            s->has_grids = s->has_grids || grids[i].shape != NULL;
        s->grids_known = status == GOV_OK;
    }
    if (status == GOV_OK)
        status = registry_locate(s->g, &row->place, 1, grid, d);
    if (status == GOV_OK && *grid == 0 && s->has_grids)
        import_flag(row, "outside_grids");
    return status;
}

static gov_status flags_of(gov *g, const import_row *row, value *out, const diag *d)
{
    value *items = base_arena_array(&g->scratch, row->flag_count, sizeof *items);
    if (items == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < row->flag_count; i++)
        items[i] = value_text(row->flags[i]);
    *out = value_list(items, row->flag_count);
    return GOV_OK;
}

static gov_status open_case(import_session *s, import_row *row, int64_t *id, const diag *d)
{
    gov *g = s->g;
    case_opening o = {.workflow = row->from->map->workflow,
                      .fields = row->fields,
                      .source = row->from->map->system,
                      .number = row->text[IMPORT_KEY],
                      .number_free = true,
                      .content = row->content};
    gov_status status = find_record(g, GOV_KIND_GRID, row->text[IMPORT_GRID], &o.grid, d);
    if (status == GOV_OK)
        status = find_record(g, GOV_KIND_RESIDENT, row->text[IMPORT_REPORTER], &o.reporter, d);
    if (status == GOV_OK && row->from->map->create_units)
        status = create_units(s, row, d);
    if (status == GOV_OK)
        status = find_record(g, GOV_KIND_UNIT, row->text[IMPORT_UNIT], &o.unit, d);
    if (status == GOV_OK)
        status = locate(s, row, &o.grid, d);
    if (status == GOV_OK)
        status = flags_of(g, row, &o.flags, d);
    return status == GOV_OK ? case_open(g, &o, id, d) : status;
}

typedef struct sending {
    gov *g;
    int64_t id;
    const char *event;
    value data;
} sending;

static gov_status send_body(void *user, const diag *d)
{
    const sending *in = user;
    return case_send(in->g, in->id, in->event, in->data, d);
}

/* What is due by now is sent at once. What the rules refuse waits among the timers, where the next tick tries it once more and parks
 * it with the reason: the case itself is imported all the same. */
static gov_status send_now(import_session *s, const case_timer *t, const diag *d)
{
    sending in = {s->g, t->case_id, t->event, t->data};
    gov_error *error = NULL;
    const diag quiet = {s->g->alloc, &error};
    gov_status status =
        s->careful ? store_run(s->g->store, send_body, &in, &quiet) : send_body(&in, &quiet);
    if (status != GOV_OK && s->careful && import_is_row_fault(status))
        status = case_schedule(s->g, t, d);
    else if (status != GOV_OK)
        status = base_forward(d, error);
    gov_error_free(error);
    return status;
}

/* Later events first, so that among timers of the same instant those of the row come before those of the rules. */
static gov_status live(import_session *s, const import_row *row, int64_t id, const diag *d)
{
    const import_map *map = row->from->map;
    const int64_t now = access_now(s->g);
    gov_status status = GOV_OK;
    for (int later = 1; later >= 0; later--)
        for (size_t i = 0; i < map->life_count && status == GOV_OK; i++) {
            const int64_t us = row->life_us[i];
            if (us == IMPORT_NEVER || (us > now) != (later == 1))
                continue;
            const case_timer t = {.case_id = id,
                                  .name = map->lives[i].timer,
                                  .kind = CASE_TIMER_IMPORT,
                                  .due_us = us > now ? us : now,
                                  .event = map->lives[i].event,
                                  .data = row->life_data[i]};
            status = later == 1 ? case_schedule(s->g, &t, d) : send_now(s, &t, d);
            s->counts.events++;
            note_instant(s, us);
        }
    return status;
}

static gov_status import_apply_case(import_session *s, import_row *row, import_did *did, const diag *d)
{
    const char *number = row->text[IMPORT_KEY];
    int64_t id = 0, content = 0;
    gov_status status = GOV_OK;
    *did = IMPORT_DID_NOTHING;
    if (number != NULL)
        status = case_find_imported(s->g, system_of(row->from->map), number, &id, &content, d);
    if (status == GOV_OK && id != 0 && content != row->content)
        return content == 0 ? base_fail(d, M_number_taken, A_S("number", number))
                            : base_fail(d, M_import_differs, A_S("number", number));
    if (status != GOV_OK || id != 0)
        return status;
    if (row->at_us != IMPORT_NEVER) {
        if (s->clock_us != IMPORT_NEVER && row->at_us < s->clock_us)
            import_flag(row, "out_of_order");
        status = import_advance(s, row->at_us, d);
        note_instant(s, row->at_us);
    }
    if (status != GOV_OK || s->full)
        return status;
    *did = IMPORT_DID_ADD;
    status = open_case(s, row, &id, d);
    return status == GOV_OK ? live(s, row, id, d) : status;
}

/* ---- events ---- */

static gov_status become(import_session *s, const char *key, const diag *d)
{
    gov *g = s->g;
    const uint64_t *known = base_map_get(&s->actor_ids, key, strlen(key));
    if (known != NULL) {
        g->actor = *(const access_actor *)(uintptr_t)*known;
        return GOV_OK;
    }
    access_actor *actor = base_arena_alloc(&s->actors, sizeof *actor);
    const char *copy = base_arena_strdup(&s->actors, key);
    if (actor == NULL || copy == NULL)
        return base_nomem(d);
    const gov_status status = g->hooks.resolve(g, ACCESS_STAFF, key, &s->actors, actor, d);
    if (status != GOV_OK)
        return status;
    actor->purpose = "import";
    uint64_t *slot = base_map_put(&s->actor_ids, copy, strlen(copy), NULL);
    if (slot == NULL)
        return base_nomem(d);
    *slot = (uint64_t)(uintptr_t)actor;
    g->actor = *actor;
    return GOV_OK;
}

static gov_status find_case(import_session *s, const import_row *row, int64_t *id, const diag *d)
{
    const char *number = row->text[IMPORT_CASE], *link = row->text[IMPORT_LINK];
    gov_status status =
        case_find_number(s->g, system_of(row->from->map), number, strlen(number), id, d);
    if (status == GOV_OK && *id == 0)
        return base_fail(d, M_number_unknown, A_S("number", number));
    if (status != GOV_OK || link == NULL)
        return status;
    status = case_find_child(s->g, *id, link, id, d);
    return status == GOV_OK && *id == 0
               ? base_fail(d, M_import_no_child, A_S("case", number), A_S("link", link))
               : status;
}

static gov_status apply_event(import_session *s, import_row *row, import_did *did, const diag *d)
{
    gov *g = s->g;
    const access_actor before = g->actor;
    const char *key = row->text[IMPORT_KEY], *actor = row->text[IMPORT_ACTOR];
    int64_t id, content = 0;
    gov_status status = key != NULL ? case_check_number(key, d) : GOV_OK;
    if (status == GOV_OK && key != NULL)
        status = import_key_find(g, row->from->name, key, &content, d);
    *did = content != 0 ? IMPORT_DID_NOTHING : IMPORT_DID_ADD;
    if (status == GOV_OK && content != 0 && content != row->content)
        return base_fail(d, M_import_differs, A_S("number", key));
    if (status != GOV_OK || content != 0)
        return status;
    if (s->clock_us != IMPORT_NEVER && row->at_us < s->clock_us)
        import_flag(row, "out_of_order");
    status = import_advance(s, row->at_us, d);
    note_instant(s, row->at_us);
    if (status != GOV_OK || s->full)
        return status;
    status = find_case(s, row, &id, d);
    if (status == GOV_OK && actor != NULL)
        status = become(s, actor, d);
    if (status == GOV_OK)
        status = case_send(g, id, row->text[IMPORT_EVENT], row->data, d);
    g->actor = before;
    if (status == GOV_OK && key != NULL)
        status = import_key_add(g, row->from->name, key, row->content, d);
    s->counts.events++;
    return status;
}

gov_status import_apply(import_session *s, import_row *row, import_did *did, const diag *d)
{
    switch (row->from->map->kind) {
    case IMPORT_RECORDS: return apply_record(s, row, did, d);
    case IMPORT_CASES: return import_apply_case(s, row, did, d);
    default: return apply_event(s, row, did, d);
    }
}
