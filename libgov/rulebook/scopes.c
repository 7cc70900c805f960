/* The names that a workflow's expressions may use, and the slots behind them. All scopes of a workflow have the same slots, so
 * that one row of values serves every program. */
#include "rulebook/workflow.h"

#include <string.h>

/* ---- In('path') ---- */

gov_status rb_in_call(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    const rb_in *in = user;
    (void)d;
    (void)n;
    *out = value_bool(false);
    if (in->w->chart == NULL || in->in_state == NULL || !value_is(args[0], VALUE_STRING))
        return GOV_OK;
    const uint32_t state = chart_find(in->w->chart, args[0].as.s, args[0].len);
    if (state != CHART_NONE)
        *out = value_bool(in->in_state(run->user, in->w, state));
    return GOV_OK;
}

/* A state of that name may lie elsewhere; else the path that is most like it. */
static gov_status unknown_state(const rb_in *in, value name, const base_place *place, const diag *d)
{
    char best[128] = "";
    base_buf path;
    uint32_t found;
    base_buf_init(&path, in->alloc);
    if (chart_find_name(in->building, name.as.s, name.len, &found, 1) > 0)
        chart_builder_path(in->building, found, &path);
    const bool elsewhere = path.len > 0;
    for (uint32_t i = 1; !elsewhere && i < chart_builder_count(in->building) && !path.failed; i++) {
        const char *pair[] = {best, NULL};
        path.len = 0;
        chart_builder_path(in->building, i, &path);
        pair[1] = path.data;
        if (path.len < sizeof best && base_nearest(name.as.s, name.len, pair, 2) == path.data)
            memcpy(best, path.data, path.len + 1);
    }
    const char *near = elsewhere ? path.data : best[0] != '\0' ? best : NULL;
    const gov_status status = path.failed ? base_nomem(d)
                                          : base_fail_at(d, place, M_unknown_name, A_S("kind", "state"),
                                                         A_N("name", name.as.s, name.len), A_S("near", near));
    base_buf_free(&path);
    return status;
}

static gov_status check_in(void *user, const value *args, size_t n, const expr_spot *spots, const diag *d)
{
    const rb_in *in = user;
    uint32_t state;
    if (n < 1 || !value_is(args[0], VALUE_STRING))
        return GOV_OK;
    if (in->building != NULL) {
        if (chart_resolve_inside(in->building, CHART_ROOT, args[0].as.s, args[0].len, &state) == CHART_FOUND)
            return GOV_OK;
    } else if (in->w->chart == NULL || chart_find(in->w->chart, args[0].as.s, args[0].len) != CHART_NONE) {
        return GOV_OK;
    }
    return in->building != NULL ? unknown_state(in, args[0], &spots->place, d)
                                : base_fail_at(d, &spots->place, M_unknown_name, A_S("kind", "state"),
                                               A_N("name", args[0].as.s, args[0].len));
}

static void add_in(rulebook_loader *l)
{
    rb_in *in = rb_alloc(l, 1, sizeof *in);
    if (in == NULL)
        return;
    *in = (rb_in){l->work->w, l->work->builder, l->rb->pub.host != NULL ? l->rb->pub.host->in_state : NULL, l->rb->alloc};
    l->work->in = in;
    const expr_function f = {.name = "In", .argc = 1, .args = {EXPR_STRING}, .result = EXPR_BOOL, .call = rb_in_call,
                             .check = check_in, .user = in};
    if (l->work->core != NULL && !rb_out(l))
        rb_note(l, expr_scope_function(l->work->core, &f, l->d));
}

/* ---- slots ---- */

enum { EVENT_PARTS = 3 }; /* name, sender, data */

typedef struct part {
    const char *name;
    expr_type type;
} part;

static const part case_parts[] = {{"id", EXPR_INT}, {"number", EXPR_STRING}, {"workflow", EXPR_STRING},
                                  {"opened_at", EXPR_TIMESTAMP}, {"reporter", EXPR_DYN}, {"assignee", EXPR_DYN},
                                  {"unit", EXPR_DYN}, {"grid", EXPR_DYN}, {"parent", EXPR_DYN},
                                  {"children", EXPR_LIST}, {"holders", EXPR_LIST | EXPR_INT << 4}, {"ping_pongs", EXPR_INT}};
static const part clock_parts[] = {{"due", EXPR_TIMESTAMP}, {"consumed", EXPR_DURATION}, {"left", EXPR_DURATION},
                                   {"running", EXPR_BOOL}, {"breached", EXPR_BOOL}};

static const char *dotted(rulebook_loader *l, const char *a, const char *b, const char *c)
{
    const size_t n = strlen(a), m = strlen(b), k = strlen(c);
    char *s = rb_alloc(l, n + m + k + 3, 1);
    if (s == NULL)
        return NULL;
    memcpy(s, a, n);
    s[n] = '.';
    memcpy(s + n + 1, b, m);
    if (k > 0)
        s[n + 1 + m] = '.';
    memcpy(s + n + m + 1 + (k > 0), c, k + 1);
    return s;
}

static void add_slot(rulebook_loader *l, expr_scope *s, rulebook_slot slot, expr_type type)
{
    rb_work *work = l->work;
    if (slot.name == NULL || s == NULL)
        return;
    const uint32_t at = rb_scope_var(l, s, slot.name, type);
    if (at < work->w->slot_count)
        ((rulebook_slot *)(uintptr_t)work->w->slots)[at] = slot;
}

static bool reserved(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(case_parts); i++)
        if (strcmp(case_parts[i].name, name) == 0)
            return true;
    return false;
}

static void add_fields(rulebook_loader *l)
{
    rulebook_workflow *w = l->work->w;
    for (uint32_t i = 0; i < w->fields.count && !rb_out(l); i++) {
        rulebook_field *f = (rulebook_field *)(uintptr_t)&w->fields.items[i];
        if (reserved(f->name)) {
            rb_note(l, base_fail_at(l->d, &f->place, M_reserved_field, A_S("name", f->name)));
            continue;
        }
        const rulebook_slot slot = {RULEBOOK_SLOT_FIELD, 0, i, dotted(l, "case", f->name, "")};
        const size_t before = expr_scope_slots(l->work->core);
        add_slot(l, l->work->core, slot, rb_field_type(f));
        f->slot = (uint32_t)before;
    }
}

static void add_clocks(rulebook_loader *l)
{
    const rb_node *clocks = rb_get(l->work->root, "clocks");
    for (uint32_t i = 0; clocks != NULL && clocks->kind == RB_MAP && i < clocks->count; i++) {
        const rb_node *key = clocks->as.pairs[i].key;
        if (!rb_is_name(key->as.text, key->count))
            continue;
        for (uint8_t k = 0; k < ARRAY_LEN(clock_parts); k++)
            add_slot(l, l->work->core,
                     (rulebook_slot){RULEBOOK_SLOT_CLOCK, k, i, dotted(l, "clocks", key->as.text, clock_parts[k].name)},
                     clock_parts[k].type);
    }
}

/* event.name, event.sender, event.data, and one slot for each input of any event; what a scope does not know has no name in it, so
 * that the numbers stay the same. */
static expr_scope *event_scope(rulebook_loader *l, bool whole, const bool *known, const expr_type *types)
{
    const rb_work *work = l->work;
    const rulebook_slot *slots = work->w->slots + expr_scope_slots(work->core);
    expr_scope *s = rb_scope(l, work->core);
    if (s == NULL)
        return NULL;
    (void)rb_scope_var(l, s, "event.name", EXPR_STRING);
    (void)rb_scope_var(l, s, "event.sender", EXPR_DYN);
    if (whole)
        (void)rb_scope_var(l, s, "event.data", EXPR_DYN);
    else
        rb_scope_skip(l, s, 1);
    if (known == NULL)
        rb_scope_skip(l, s, work->inputs.count);
    for (size_t i = 0; known != NULL && i < work->inputs.count && !rb_out(l); i++) {
        if (known[i])
            (void)rb_scope_var(l, s, slots[EVENT_PARTS + i].name, types[i]);
        else
            rb_scope_skip(l, s, 1);
    }
    return s;
}

/* The slots behind those names, the same for every scope. */
static void fill_event_slots(rulebook_loader *l)
{
    const rb_work *work = l->work;
    rulebook_slot *slots = (rulebook_slot *)(uintptr_t)work->w->slots + expr_scope_slots(work->core);
    slots[0] = (rulebook_slot){RULEBOOK_SLOT_EVENT_NAME, 0, 0, "event.name"};
    slots[1] = (rulebook_slot){RULEBOOK_SLOT_EVENT_NAME, 1, 0, "event.sender"};
    slots[2] = (rulebook_slot){RULEBOOK_SLOT_EVENT_DATA, 0, 0, "event.data"};
    for (size_t i = 0; i < work->inputs.count && !rb_out(l); i++)
        slots[EVENT_PARTS + i] = (rulebook_slot){RULEBOOK_SLOT_INPUT, 0, (uint32_t)i,
                                                 dotted(l, "event.data", work->inputs.items[i], "")};
}

static void collect_inputs(rulebook_loader *l)
{
    rb_work *work = l->work;
    for (uint32_t e = 0; e < work->w->event_count; e++)
        for (uint32_t i = 0; i < work->w->events[e].input.count; i++)
            rb_names_add(l, &work->inputs, work->w->events[e].input.items[i].name);
    const rb_report *reports = work->reports.items;
    for (size_t r = 0; r < work->reports.count; r++)
        for (uint32_t i = 0; i < reports[r].report->data_count; i++)
            rb_names_add(l, &work->inputs, reports[r].report->data[i].name);
    const char **names = rb_alloc(l, work->inputs.count, sizeof *names);
    if (names == NULL)
        return;
    if (work->inputs.count > 0)
        memcpy(names, work->inputs.items, work->inputs.count * sizeof *names);
    work->w->input_names = (rulebook_names){names, (uint32_t)work->inputs.count};
}

static uint32_t slots_needed(rulebook_loader *l)
{
    const rb_work *work = l->work;
    const rb_node *clocks = rb_get(work->root, "clocks");
    const uint32_t clock_count = clocks != NULL && clocks->kind == RB_MAP ? clocks->count : 0;
    return l->rb->slot_count + (uint32_t)ARRAY_LEN(case_parts) + work->w->fields.count +
           clock_count * (uint32_t)ARRAY_LEN(clock_parts) + EVENT_PARTS + (uint32_t)work->inputs.count + 1;
}

void rb_work_scopes(rulebook_loader *l)
{
    rb_work *work = l->work;
    rulebook_workflow *w = work->w;
    collect_inputs(l);
    w->slot_count = slots_needed(l);
    rulebook_slot *slots = rb_alloc(l, w->slot_count, sizeof *slots);
    value *presets = rb_alloc(l, w->slot_count, sizeof *presets);
    work->core = rb_scope(l, l->rb->scope);
    if (slots == NULL || presets == NULL || work->core == NULL)
        return;
    memcpy(slots, l->rb->slots, l->rb->slot_count * sizeof *slots);
    memcpy(presets, l->rb->presets, l->rb->slot_count * sizeof *presets);
    for (uint32_t i = l->rb->slot_count; i < w->slot_count; i++)
        presets[i] = value_absent();
    w->slots = slots;
    w->presets = presets;
    for (uint8_t i = 0; i < ARRAY_LEN(case_parts); i++)
        add_slot(l, work->core, (rulebook_slot){RULEBOOK_SLOT_CASE, i, 0, dotted(l, "case", case_parts[i].name, "")},
                 case_parts[i].type);
    add_fields(l);
    add_clocks(l);
    add_in(l);
    if (!rb_out(l))
        fill_event_slots(l);
    const expr_scope *whole = event_scope(l, true, NULL, NULL);
    const expr_scope *nothing = event_scope(l, false, NULL, NULL);
    work->anywhere = (rb_context){whole, whole};
    work->nowhere = (rb_context){nothing, whole};
    w->scope = whole;
    /* The last slot is that of `it` under a field's `when`, and of an effect's `as`. */
    slots[w->slot_count - 1] = (rulebook_slot){RULEBOOK_SLOT_IT, 0, 0, "it"};
    l->scope = whole;
}

/* ---- by event ---- */

/* The declared events that a descriptor matches, and after them the effects' reports; false when others may match as well. */
static bool matching(const rb_work *work, const char *descriptors, size_t len, bool *hit)
{
    const rulebook_workflow *w = work->w;
    const rb_report *reports = work->reports.items;
    bool only = true;
    for (size_t at = 0; at < len;) {
        size_t end = at;
        bool any = false;
        while (end < len && descriptors[end] != ' ')
            end++;
        for (uint32_t e = 0; e < w->event_count; e++)
            if (chart_matches(descriptors + at, end - at, w->events[e].name, strlen(w->events[e].name)))
                hit[e] = any = true;
        for (size_t r = 0; r < work->reports.count; r++)
            if (chart_matches(descriptors + at, end - at, reports[r].event, strlen(reports[r].event)))
                hit[w->event_count + r] = any = true;
        only &= any && descriptors[at] != '*';
        at = end + 1;
    }
    return only;
}

static void learn(const rb_work *work, const char *name, expr_type type, bool *known, expr_type *types)
{
    size_t k = 0;
    while (strcmp(work->inputs.items[k], name) != 0)
        k++;
    types[k] = known[k] && types[k] != type ? EXPR_DYN : type;
    known[k] = true;
}

/* Without any input the one for timers serves as well. */
static const expr_scope *typed_scope(rulebook_loader *l, const bool *hit)
{
    rb_work *work = l->work;
    const rulebook_workflow *w = work->w;
    bool *known = rb_alloc(l, work->inputs.count, sizeof *known);
    expr_type *types = rb_alloc(l, work->inputs.count, sizeof *types);
    if (known == NULL || types == NULL)
        return NULL;
    for (uint32_t e = 0; e < w->event_count; e++)
        for (uint32_t i = 0; hit[e] && i < w->events[e].input.count; i++)
            learn(work, w->events[e].input.items[i].name, rb_field_type(&w->events[e].input.items[i]), known, types);
    const rb_report *reports = work->reports.items;
    for (size_t r = 0; r < work->reports.count; r++)
        for (uint32_t i = 0; hit[w->event_count + r] && i < reports[r].report->data_count; i++)
            learn(work, reports[r].report->data[i].name, reports[r].report->data[i].type, known, types);
    for (size_t i = 0; i < work->inputs.count; i++)
        if (known[i])
            return event_scope(l, false, known, types);
    return work->nowhere.typed;
}

rb_context rb_event_context(rulebook_loader *l, const char *descriptors, size_t len)
{
    rb_work *work = l->work;
    const rb_event_scope *made = work->scopes.items;
    for (size_t i = 0; i < work->scopes.count; i++)
        if (strlen(made[i].key) == len && memcmp(made[i].key, descriptors, len) == 0)
            return made[i].context;
    bool *hit = rb_alloc(l, work->w->event_count + work->reports.count, sizeof *hit);
    if (hit == NULL || !matching(work, descriptors, len, hit))
        return work->anywhere;
    rb_event_scope *fresh = rb_list_add(l, &work->scopes);
    if (fresh == NULL)
        return work->anywhere;
    fresh->context = work->anywhere;
    fresh->key = rb_copy(l, descriptors, len);
    const expr_scope *typed = typed_scope(l, hit);
    if (fresh->key == NULL || typed == NULL) {
        work->scopes.count--;
        return work->anywhere;
    }
    fresh->context.typed = typed;
    return fresh->context;
}
