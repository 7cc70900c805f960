/* Snapshots of a simulation: one document with the chart's state, the clock, the fields, clocks and timers. */
#include "case/simulation.h"

#include <stdlib.h>
#include <string.h>

#define LAST_US (INT64_C(253402300799) * BASE_US_PER_SECOND)

bool case_simulation_instant(int64_t us)
{
    return us >= 0 && us <= LAST_US;
}

/* ---- saving ---- */

static value clock_value(base_arena *arena, const case_clock *c)
{
    const int64_t numbers[] = {c->state, c->provisional, c->fired, c->origin_us, c->since_us, c->due_us, c->stopped_us,
                               c->breached_us, c->budget.unit, c->budget.amount, c->used, c->extensions, c->extended};
    value_builder b;
    value_builder_init(&b, arena);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        value_builder_add(&b, value_int(numbers[i]));
    return b.failed ? value_null() : value_builder_list(&b);
}

static int by_order(const void *a, const void *b)
{
    const case_pending *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

static value timers_value(gov_simulation *s)
{
    value_builder list;
    value_builder_init(&list, &s->step);
    if (s->timer_count > 1)
        qsort(s->timers, s->timer_count, sizeof *s->timers, by_order);
    for (size_t i = 0; i < s->timer_count; i++) {
        const case_pending *p = &s->timers[i];
        value_builder b;
        value_builder_init(&b, &s->step);
        value_builder_add(&b, value_text(p->name));
        value_builder_add(&b, value_text(p->event));
        value_builder_add(&b, value_int(p->kind));
        value_builder_add(&b, value_int(p->due_us));
        value_builder_add(&b, p->data.kind == VALUE_ABSENT ? value_null() : p->data);
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_list(&b));
    }
    case_simulation_sort(s);
    return list.failed ? value_null() : value_builder_list(&list);
}

/* Every field has its place; without a value it is null. Only where null is a value, too, a field without one is left out. */
static value fields_value(gov_simulation *s)
{
    value_builder b;
    value_builder_init(&b, &s->step);
    for (uint32_t i = 0; i < s->w->fields.count; i++) {
        const value v = case_field(&s->m, i);
        if (v.kind != VALUE_ABSENT || s->w->fields.items[i].type != RULEBOOK_ANY)
            value_builder_set(&b, s->w->fields.items[i].name, v.kind != VALUE_ABSENT ? v : value_null());
    }
    return b.failed ? value_null() : value_builder_map(&b);
}

gov_status case_simulation_save(gov_simulation *s, base_buf *out)
{
    value_builder b, clocks;
    base_buf state, doc;
    base_buf_init(&state, s->alloc);
    base_buf_init(&doc, s->alloc);
    chart_save(s->w->chart, s->m.state, &state);
    value_builder_init(&b, &s->step);
    value_builder_init(&clocks, &s->step);
    for (uint32_t i = 0; i < s->w->clock_count; i++)
        value_builder_add(&clocks, clock_value(&s->step, &s->m.clocks[i]));
    const value fields = fields_value(s), timers = timers_value(s);
    value_builder_set(&b, "state", value_string(base_text_or_empty(state.data), state.len));
    value_builder_set(&b, "now", value_int(s->now_us));
    value_builder_set(&b, "steps", value_int(s->m.steps));
    value_builder_set(&b, "fields", fields);
    value_builder_set(&b, "clocks", value_builder_list(&clocks));
    value_builder_set(&b, "timers", timers);
    value_write_document(&doc, value_builder_map(&b));
    const bool failed = state.failed || doc.failed || b.failed || clocks.failed || fields.kind == VALUE_NULL || timers.kind == VALUE_NULL;
    base_buf_str(out, "{\"snapshot\":");
    if (!failed)
        value_write_json_string(out, doc.data, doc.len);
    base_buf_char(out, '}');
    base_buf_free(&state);
    base_buf_free(&doc);
    return failed || out->failed ? GOV_E_NOMEM : GOV_OK;
}

/* ---- reading ---- */

/* What a document says, read whole before anything is changed. */
typedef struct restored {
    int64_t now_us, steps;
    chart_state *state;
    case_clock *clocks;
    value *fields;
    case_pending *timers; /* of the allocator */
    size_t timer_count, timer_cap;
} restored;

static gov_status no_snapshot(const char *where, const char *expected, const diag *d)
{
    return base_fail(d, M_bad_snapshot, A_S("where", where), A_S("expected", expected));
}

static gov_status wrong_field(gov_simulation *s, const char *name, size_t len, const char *expected, const diag *d)
{
    static const char head[] = "fields.";
    char *where = base_arena_alloc(&s->step, sizeof head + len);
    if (where == NULL)
        return base_nomem(d);
    memcpy(where, head, sizeof head - 1);
    memcpy(where + sizeof head - 1, name, len);
    where[sizeof head - 1 + len] = '\0';
    return no_snapshot(where, expected, d);
}

static gov_status wrong_item(const char *list, size_t i, const diag *d)
{
    char where[64], number[24];
    const size_t head = strlen(list), len = base_format_int((int64_t)i, number);
    memcpy(where, list, head);
    where[head] = '[';
    memcpy(where + head + 1, number, len);
    memcpy(where + head + 1 + len, "]", 2);
    return no_snapshot(where, NULL, d);
}

/* Nothing is missing, and nothing is there that a snapshot does not have. */
static gov_status check_members(value doc, const diag *d)
{
    static const struct {
        const char *name;
        uint8_t kind;
        const char *expected;
    } members[] = {{"clocks", VALUE_LIST, "list"}, {"fields", VALUE_MAP, "map"},      {"now", VALUE_INT, "int"},
                   {"state", VALUE_STRING, "string"}, {"steps", VALUE_INT, "int"}, {"timers", VALUE_LIST, "list"}};
    if (doc.kind != VALUE_MAP)
        return no_snapshot("restore", "map", d);
    for (size_t i = 0; i < doc.len; i++) {
        const value key = doc.as.pairs[i].key;
        bool known = false;
        for (size_t k = 0; k < ARRAY_LEN(members); k++)
            known = known || value_is_text(key, members[k].name);
        if (!known)
            return no_snapshot(key.kind == VALUE_STRING ? key.as.s : "restore", NULL, d);
    }
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const value v = value_get_text(doc, members[i].name);
        if (v.kind != members[i].kind || (v.kind == VALUE_INT && !case_simulation_instant(v.as.i)))
            return no_snapshot(members[i].name, members[i].expected, d);
    }
    return GOV_OK;
}

static bool clock_from(value v, case_clock *c)
{
    int64_t n[13];
    if (v.kind != VALUE_LIST || v.len != ARRAY_LEN(n))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(n); i++) {
        if (v.as.items[i].kind != VALUE_INT)
            return false;
        n[i] = v.as.items[i].as.i;
        if (i >= 2 && i != 8 && !case_simulation_instant(n[i])) /* amounts are in units of a us or longer: the same bound does */
            return false;
    }
    c->state = (uint8_t)n[0];
    c->provisional = n[1] != 0;
    c->fired = (uint32_t)n[2];
    c->origin_us = n[3];
    c->since_us = n[4];
    c->due_us = n[5];
    c->stopped_us = n[6];
    c->breached_us = n[7];
    c->budget = cal_of((cal_unit)n[8], n[9]);
    c->used = n[10];
    c->extensions = n[11];
    c->extended = n[12];
    return n[0] >= 0 && n[0] <= CASE_CLOCK_STOPPED && n[8] >= 0 && n[8] <= CAL_MIXED && n[2] <= UINT32_MAX;
}

static gov_status read_clocks(gov_simulation *s, value list, restored *r, const diag *d)
{
    r->clocks = base_arena_array(&s->step, s->w->clock_count, sizeof *r->clocks);
    if (r->clocks == NULL)
        return base_nomem(d);
    for (uint32_t i = 0; i < s->w->clock_count || i < list.len; i++)
        if (i >= list.len || i >= s->w->clock_count || !clock_from(list.as.items[i], &r->clocks[i]))
            return wrong_item("clocks", i, d);
    return GOV_OK;
}

/* A value was checked when the field got it, and is checked again. Only a field's condition is not: it held then, and may look at
 * what has changed since. */
static gov_status read_fields(gov_simulation *s, value map, restored *r, const diag *d)
{
    const rulebook_fields *fields = &s->w->fields;
    const rulebook_checking how = {.partial = true, .arena = &s->step};
    r->fields = base_arena_array(&s->step, fields->count, sizeof *r->fields);
    if (r->fields == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < map.len; i++) {
        const value key = map.as.pairs[i].key;
        if (key.kind != VALUE_STRING)
            return no_snapshot("fields", "map", d);
        if (rulebook_find_field(fields, key.as.s, key.len) == NULL)
            return wrong_field(s, key.as.s, key.len, NULL, d);
    }
    for (uint32_t i = 0; i < fields->count; i++) {
        rulebook_field f = fields->items[i];
        const char *type = rulebook_type_name((rulebook_type)f.type);
        const value v = value_get_text(map, f.name);
        f.when = NULL;
        if (v.kind == VALUE_ABSENT && f.type != RULEBOOK_ANY)
            return wrong_field(s, f.name, strlen(f.name), type, d);
        const gov_status status = rulebook_check_field(&f, v, &how, &r->fields[i], NULL);
        if (status == GOV_E_NOMEM)
            return base_nomem(d);
        if (status != GOV_OK)
            return wrong_field(s, f.name, strlen(f.name), type, d);
        if (!case_simulation_keep(s, r->fields[i], &r->fields[i]))
            return base_nomem(d);
    }
    return GOV_OK;
}

/* ---- timers ---- */

static bool is_name(value v)
{
    return v.kind == VALUE_STRING && v.len > 0 && memchr(v.as.s, '\0', v.len) == NULL;
}

/* Does the workflow have that timer? */
static bool is_known(const gov_simulation *s, const case_timer *t)
{
    size_t clock, mark;
    bool found = t->kind == CASE_TIMER_SEND;
    if (t->kind == CASE_TIMER_MARK)
        return case_mark_of(&s->m, t->name, &clock, &mark) && strcmp(s->w->clocks[clock].marks[mark].event, t->event) == 0;
    for (uint32_t i = 0; t->kind == CASE_TIMER_AFTER && i < s->w->timer_count && !found; i++)
        found = strcmp(s->w->timers[i].event, t->event) == 0 && (t->due_us != CASE_NEVER || s->w->timers[i].follows);
    return found && (t->due_us != CASE_NEVER || t->kind == CASE_TIMER_AFTER);
}

static bool timer_from(const gov_simulation *s, value v, const restored *r, case_timer *out)
{
    if (v.kind != VALUE_LIST || v.len != 5 || !is_name(v.as.items[0]) || !is_name(v.as.items[1]) || v.as.items[2].kind != VALUE_INT ||
        v.as.items[2].as.i < CASE_TIMER_AFTER || v.as.items[2].as.i > CASE_TIMER_SEND || v.as.items[3].kind != VALUE_INT ||
        (v.as.items[3].as.i != CASE_NEVER && !case_simulation_instant(v.as.items[3].as.i)))
        return false;
    *out = (case_timer){.name = v.as.items[0].as.s, .event = v.as.items[1].as.s, .kind = (uint8_t)v.as.items[2].as.i,
                        .due_us = v.as.items[3].as.i, .data = v.as.items[4].kind == VALUE_NULL ? value_absent() : v.as.items[4]};
    for (size_t i = 0; i < r->timer_count; i++)
        if (strcmp(r->timers[i].name, out->name) == 0)
            return false;
    return is_known(s, out);
}

static gov_status read_timers(gov_simulation *s, value list, restored *r, const diag *d)
{
    if (list.len > CASE_MOST_PENDING)
        return wrong_item("timers", CASE_MOST_PENDING, d);
    for (size_t i = 0; i < list.len; i++) {
        case_timer t;
        if (!timer_from(s, list.as.items[i], r, &t))
            return wrong_item("timers", i, d);
        if (!base_grow(s->alloc, &r->timers, &r->timer_cap, r->timer_count, sizeof *r->timers) ||
            !case_simulation_make_timer(s, &t, &r->timers[r->timer_count]))
            return base_nomem(d);
        r->timer_count++;
    }
    return GOV_OK;
}

static void free_timers(const gov_simulation *s, case_pending *timers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        case_simulation_free_timer(s, &timers[i]);
    base_free(s->alloc, timers);
}

/* ---- restoring ---- */

static gov_status read_all(gov_simulation *s, value text, restored *r, const diag *d)
{
    value doc;
    r->state = base_arena_alloc(&s->step, chart_state_size(s->w->chart));
    if (r->state == NULL)
        return base_nomem(d);
    gov_status status = value_read_document(&s->step, text.as.s, text.len, &doc, d);
    if (status == GOV_OK)
        status = check_members(doc, d);
    if (status != GOV_OK)
        return status;
    r->now_us = value_get_text(doc, "now").as.i;
    r->steps = value_get_text(doc, "steps").as.i;
    const value state = value_get_text(doc, "state");
    status = chart_load(s->w->chart, state.as.s, state.len, r->state, d);
    if (status == GOV_OK)
        status = read_clocks(s, value_get_text(doc, "clocks"), r, d);
    if (status == GOV_OK)
        status = read_fields(s, value_get_text(doc, "fields"), r, d);
    return status == GOV_OK ? read_timers(s, value_get_text(doc, "timers"), r, d) : status;
}

gov_status case_simulation_restore(gov_simulation *s, value text, const diag *d)
{
    restored r = {0};
    const gov_status status = read_all(s, text, &r, d);
    if (status != GOV_OK) {
        free_timers(s, r.timers, r.timer_count);
        return status;
    }
    memcpy(s->m.state, r.state, chart_state_size(s->w->chart));
    for (uint32_t i = 0; i < s->w->clock_count; i++) {
        const base_buf account = s->m.clocks[i].account;
        s->m.clocks[i] = r.clocks[i];
        s->m.clocks[i].account = account;
    }
    for (uint32_t i = 0; i < s->w->fields.count; i++)
        case_put_field(&s->m, i, r.fields[i]);
    free_timers(s, s->timers, s->timer_count);
    s->timers = r.timers;
    s->timer_count = r.timer_count;
    s->timer_cap = r.timer_cap;
    case_simulation_sort(s);
    s->now_us = r.now_us;
    s->m.steps = r.steps;
    value_builder_init(&s->effects, &s->step); /* those of a start before it are undone with it */
    return GOV_OK;
}
