/* What an open community keeps of this room: compiled conditions, orders of fields, the plain calendar. */
#include "case/live.h"

#include <string.h>

struct case_role_program {
    const rulebook_workflow *w;
    const rulebook_role *role;
    expr_program *program;
};

gov_status case_role_condition(gov *g, const rulebook_workflow *w, const rulebook_role *role, const expr_program **out,
                               const diag *d)
{
    case_room *room = case_room_of(g);
    for (size_t i = 0; i < room->program_count; i++)
        if (room->programs[i].w == w && room->programs[i].role == role) {
            *out = room->programs[i].program;
            return GOV_OK;
        }
    if (!base_grow(g->alloc, &room->programs, &room->program_cap, room->program_count, sizeof *room->programs))
        return base_nomem(d);
    expr_program *made = NULL;
    const gov_status status = rulebook_role_program(g->alloc, role, w, &made, d);
    if (status == GOV_OK) {
        room->programs[room->program_count++] = (struct case_role_program){w, role, made};
        *out = made;
    }
    return status;
}

case_room *case_room_of(const gov *g)
{
    return g->room[ACCESS_CASE];
}

gov_status case_machine_of(gov *g, case_machine *m, const diag *d)
{
    case_room *room = case_room_of(g);
    *m = (case_machine){.world = &case_store_world, .user = g, .community = g, .alloc = g->alloc, .rules = g->rules,
                        .now_us = access_now(g), .actor = &g->actor, .watch = room->watch};
    if (room->plain == NULL || room->plain_zone != g->rules->zone) {
        cal_free(room->plain);
        room->plain = NULL;
        const gov_status status = case_plain_calendar(g->alloc, g->rules->zone, &room->plain, d);
        if (status != GOV_OK)
            return status;
        room->plain_zone = g->rules->zone;
    }
    m->plain = room->plain;
    return GOV_OK;
}

struct case_order {
    const rulebook_workflow *w;
    uint32_t *fields;
};

static gov_status order_fields(gov *g, const rulebook_workflow *w, const uint32_t **out, const diag *d)
{
    case_room *room = case_room_of(g);
    for (size_t i = 0; i < room->order_count; i++)
        if (room->orders[i].w == w) {
            *out = room->orders[i].fields;
            return GOV_OK;
        }
    uint32_t *fields = base_array(g->alloc, w->fields.count, sizeof *fields);
    if (fields == NULL || !base_grow(g->alloc, &room->orders, &room->order_cap, room->order_count, sizeof *room->orders)) {
        base_free(g->alloc, fields);
        return base_nomem(d);
    }
    for (uint32_t i = 0; i < w->fields.count; i++) {
        uint32_t at = i; /* insertion sort: once per workflow, a few dozen names */
        for (; at > 0 && strcmp(w->fields.items[fields[at - 1]].name, w->fields.items[i].name) > 0; at--)
            fields[at] = fields[at - 1];
        fields[at] = i;
    }
    room->orders[room->order_count++] = (struct case_order){w, fields};
    *out = fields;
    return GOV_OK;
}

gov_status case_machine_under(gov *g, case_machine *m, const rulebook_workflow *w, base_arena *arena, const diag *d)
{
    const gov_status status = case_machine_init(m, w, arena, d);
    return status == GOV_OK ? order_fields(g, w, &m->by_name, d) : status;
}

static void free_room(gov *g, void *state)
{
    case_room *room = state;
    for (size_t i = 0; i < room->program_count; i++)
        expr_program_free(room->programs[i].program);
    for (size_t i = 0; i < room->order_count; i++)
        base_free(g->alloc, room->orders[i].fields);
    cal_free(room->plain);
    base_free(g->alloc, room->orders);
    base_free(g->alloc, room->programs);
    base_free(g->alloc, room);
}

gov_status case_attach(gov *g, const diag *d)
{
    case_room *room = base_alloc(g->alloc, sizeof *room);
    if (room == NULL)
        return base_nomem(d);
    g->room[ACCESS_CASE] = room;
    g->room_free[ACCESS_CASE] = free_room;
    g->hooks.catch_up = case_catch_up_rooms;
    return GOV_OK;
}
