/* Which states were entered and which transitions were taken, over all scenarios. */
#include "scenario/scenario.h"

#include <string.h>

typedef struct cover_one {
    const rulebook_workflow *w; /* of the rulebook that was loaded; communities compile their own */
    uint8_t *states, *transitions; /* 0: never, 1: told, 2: happened */
    size_t state_count, transition_count;
    bool touched;
} cover_one;

struct scenario_cover {
    base_arena arena;
    const gov_allocator *alloc;
    cover_one *items;
    size_t count;
    case_watch watch;
};

static cover_one *one_of(scenario_cover *c, const rulebook_workflow *w)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->items[i].w->name, w->name) == 0) /* under other rules, to which a scenario went over, it is another */
            return memcmp(c->items[i].w->digest, w->digest, BASE_DIGEST_SIZE) == 0 ? &c->items[i] : NULL;
    return NULL;
}

static void on_entered(void *user, const rulebook_workflow *w, uint32_t state)
{
    cover_one *one = one_of(user, w);
    if (one != NULL && state < one->state_count && one->states[state] == 0)
        one->states[state] = 1;
}

static void on_taken(void *user, const rulebook_workflow *w, uint32_t transition)
{
    cover_one *one = one_of(user, w);
    if (one != NULL && transition < one->transition_count && one->transitions[transition] == 0)
        one->transitions[transition] = 1;
}

gov_status scenario_cover_new(const gov_allocator *a, const rulebook *rb, scenario_cover **out, const diag *d)
{
    scenario_cover *c = base_alloc(a, sizeof *c);
    gov_status status = GOV_OK;
    if (c == NULL)
        return base_nomem(d);
    c->alloc = a;
    base_arena_init(&c->arena, a);
    c->watch = (case_watch){on_entered, on_taken, c};
    c->items = base_arena_array(&c->arena, rb->workflows.count, sizeof *c->items);
    if (c->items == NULL)
        status = base_nomem(d);
    for (size_t i = 0; i < rb->workflows.count && status == GOV_OK; i++) {
        cover_one *one = &c->items[i];
        status = rulebook_get_workflow(rb, rb->workflows.items[i], &one->w, d);
        if (status != GOV_OK)
            break;
        one->state_count = chart_state_count(one->w->chart);
        one->transition_count = chart_transition_count(one->w->chart);
        one->states = base_arena_alloc(&c->arena, one->state_count);
        one->transitions = base_arena_alloc(&c->arena, one->transition_count);
        if (one->states == NULL || one->transitions == NULL)
            status = base_nomem(d);
        c->count++;
    }
    if (status != GOV_OK) {
        scenario_cover_free(c);
        return status;
    }
    *out = c;
    return GOV_OK;
}

void scenario_cover_free(scenario_cover *c)
{
    if (c == NULL)
        return;
    base_arena_free(&c->arena);
    base_free(c->alloc, c);
}

const case_watch *scenario_cover_watch(scenario_cover *c)
{
    return &c->watch;
}

static bool keep(uint8_t *marks, size_t count, bool happened)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (marks[i] == 1)
            marks[i] = happened ? 2 : 0;
        any = any || marks[i] == 2;
    }
    return any;
}

void scenario_cover_keep(scenario_cover *c, bool happened)
{
    for (size_t i = 0; i < c->count; i++) {
        cover_one *one = &c->items[i];
        (void)keep(one->transitions, one->transition_count, happened);
        one->touched = keep(one->states, one->state_count, happened);
    }
}

/* ---- as a value ---- */

static void set_place(value_builder *b, const base_place *place)
{
    value_builder_set_copy(b, "file", base_text_or_empty(place->origin));
    value_builder_set(b, "line", value_int(place->line));
}

static value states_of(const cover_one *one, base_arena *arena, bool *failed)
{
    value_builder b, missed;
    int64_t total = 0, reached = 0;
    value_builder_init(&b, arena);
    value_builder_init(&missed, arena);
    for (uint32_t i = 1; i < one->state_count; i++) {
        const chart_kind kind = chart_kind_of(one->w->chart, i);
        if (kind == CHART_SHALLOW || kind == CHART_DEEP)
            continue;
        total++;
        reached += one->states[i] == 2;
        if (one->states[i] == 2)
            continue;
        value_builder m;
        value_builder_init(&m, arena);
        value_builder_set_copy(&m, "state", one->w->states[i].path);
        set_place(&m, &one->w->states[i].place);
        missed.failed = missed.failed || m.failed;
        value_builder_add(&missed, value_builder_map(&m));
    }
    value_builder_set(&b, "reached", value_int(reached));
    value_builder_set(&b, "total", value_int(total));
    value_builder_set(&b, "missed", value_builder_list(&missed));
    *failed = *failed || b.failed || missed.failed;
    return value_builder_map(&b);
}

static void describe(const cover_one *one, uint32_t id, value_builder *m)
{
    const chart_transition *t = chart_transition_at(one->w->chart, id);
    value_builder to;
    value_builder_init(&to, m->arena);
    for (size_t k = 0; k < t->target_count; k++)
        value_builder_add_copy(&to, chart_path(one->w->chart, t->targets[k]));
    value_builder_set_copy(m, "from", chart_path(one->w->chart, t->source));
    value_builder_set_copy(m, "on", base_text_or_empty(one->w->transitions[id].on));
    value_builder_set(m, "to", value_builder_list(&to));
    set_place(m, &one->w->transitions[id].place);
    m->failed = m->failed || to.failed;
}

static value transitions_of(const cover_one *one, base_arena *arena, bool *failed)
{
    value_builder b, missed;
    int64_t reached = 0;
    value_builder_init(&b, arena);
    value_builder_init(&missed, arena);
    for (uint32_t i = 0; i < one->transition_count; i++) {
        reached += one->transitions[i] == 2;
        if (one->transitions[i] == 2)
            continue;
        value_builder m;
        value_builder_init(&m, arena);
        describe(one, i, &m);
        missed.failed = missed.failed || m.failed;
        value_builder_add(&missed, value_builder_map(&m));
    }
    value_builder_set(&b, "reached", value_int(reached));
    value_builder_set(&b, "total", value_int((int64_t)one->transition_count));
    value_builder_set(&b, "missed", value_builder_list(&missed));
    *failed = *failed || b.failed || missed.failed;
    return value_builder_map(&b);
}

gov_status scenario_cover_view(const scenario_cover *c, bool touched, base_arena *arena, value *out, const diag *d)
{
    value_builder list;
    bool failed = false;
    value_builder_init(&list, arena);
    for (size_t i = 0; i < c->count; i++) {
        const cover_one *one = &c->items[i];
        value_builder b;
        if (touched && !one->touched)
            continue;
        value_builder_init(&b, arena);
        value_builder_set_copy(&b, "workflow", one->w->name);
        value_builder_set_copy(&b, "file", base_text_or_empty(one->w->place.origin));
        value_builder_set(&b, "states", states_of(one, arena, &failed));
        value_builder_set(&b, "transitions", transitions_of(one, arena, &failed));
        failed = failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    *out = value_builder_list(&list);
    return failed || list.failed ? base_nomem(d) : GOV_OK;
}
