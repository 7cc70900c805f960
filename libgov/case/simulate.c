/* A workflow without a store: the machine of the rest of this room, with timers in memory and a clock that stands still. */
#include "case/simulation.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static gov_simulation *of(case_machine *m)
{
    return m->user;
}

bool case_simulation_keep(gov_simulation *s, value v, value *out)
{
    s->copied++;
    return value_copy(&s->values, v, out);
}

/* ---- timers ---- */

void case_simulation_free_timer(const gov_simulation *s, const case_pending *p)
{
    base_free(s->alloc, p->name);
    base_free(s->alloc, p->event);
}

bool case_simulation_make_timer(gov_simulation *s, const case_timer *t, case_pending *out)
{
    *out = (case_pending){.name = base_strdup(s->alloc, t->name), .event = base_strdup(s->alloc, t->event), .kind = t->kind,
                          .due_us = t->due_us, .order = s->order++};
    if (out->name != NULL && out->event != NULL && case_simulation_keep(s, t->data, &out->data))
        return true;
    case_simulation_free_timer(s, out);
    return false;
}

/* What is due first stands first, and of what is due at one instant what was set first. */
static int by_due(const void *a, const void *b)
{
    const case_pending *x = a, *y = b;
    if (x->due_us != y->due_us)
        return x->due_us < y->due_us ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

void case_simulation_sort(gov_simulation *s)
{
    if (s->timer_count > 1)
        qsort(s->timers, s->timer_count, sizeof *s->timers, by_due);
}

static void insert(gov_simulation *s, case_pending p)
{
    size_t low = 0, high = s->timer_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (by_due(&s->timers[middle], &p) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(&s->timers[low + 1], &s->timers[low], (s->timer_count++ - low) * sizeof p);
    s->timers[low] = p;
}

static void remove_at(gov_simulation *s, size_t i)
{
    memmove(&s->timers[i], &s->timers[i + 1], (--s->timer_count - i) * sizeof *s->timers);
}

static void take_out(gov_simulation *s, size_t i)
{
    if (s->timers[i].order >= s->step_order)
        case_simulation_free_timer(s, &s->timers[i]); /* an older one is kept until the step has succeeded */
    remove_at(s, i);
}

static gov_status drop_timer(case_machine *m, const char *name, const diag *d)
{
    gov_simulation *s = of(m);
    (void)d;
    for (size_t i = 0; i < s->timer_count; i++)
        if (strcmp(s->timers[i].name, name) == 0) {
            take_out(s, i);
            break;
        }
    return GOV_OK;
}

static gov_status drop_sends(case_machine *m, const char *id, const diag *d)
{
    gov_simulation *s = of(m);
    const size_t len = strlen(id);
    (void)d;
    for (size_t i = s->timer_count; i-- > 0;) {
        const char *name = s->timers[i].name;
        if (strncmp(name, "s:", 2) == 0 && strncmp(name + 2, id, len) == 0 && name[2 + len] == '#')
            take_out(s, i);
    }
    return GOV_OK;
}

static gov_status add_timer(case_machine *m, const case_timer *t, const diag *d)
{
    gov_simulation *s = of(m);
    (void)drop_timer(m, t->name, d);
    if (s->timer_count >= CASE_MOST_PENDING) {
        s->overfull = true;
        return base_fail(d, M_too_large, A_S("what", "pending events"), A_I("limit", CASE_MOST_PENDING));
    }
    if (!base_grow(s->alloc, &s->timers, &s->timer_cap, s->timer_count, sizeof *s->timers))
        return base_nomem(d);
    case_pending p;
    if (!case_simulation_make_timer(s, t, &p))
        return base_nomem(d);
    insert(s, p);
    return GOV_OK;
}

static gov_status move_timer(case_machine *m, const case_timer *t, const diag *d)
{
    gov_simulation *s = of(m);
    for (size_t i = 0; i < s->timer_count; i++)
        if (strcmp(s->timers[i].name, t->name) == 0)
            return s->timers[i].due_us != t->due_us ? add_timer(m, t, d) : GOV_OK;
    return GOV_OK;
}

static bool is_due(const gov_simulation *s, int64_t until)
{
    return s->timer_count > 0 && s->timers[0].due_us <= until;
}

/* ---- the world ---- */

static gov_status note_only(case_machine *m, const rulebook_action *a, const diag *d)
{
    const case_runner *runner = a->as.effect.effect->user;
    value_builder b;
    if (m->community != NULL && runner != NULL && runner->preview != NULL)
        return runner->preview(m->community, m, a, d);
    value_builder_init(&b, m->arena);
    for (uint32_t i = 0; i < a->as.effect.count; i++) {
        value v;
        const gov_status status = case_argument(m, a, a->as.effect.args[i].name, &v, d);
        if (status != GOV_OK)
            return status;
        value_builder_set(&b, a->as.effect.args[i].name, v);
    }
    case_note_effect(m, a->as.effect.effect->name, value_builder_map(&b));
    return b.failed ? base_nomem(d) : GOV_OK;
}

static gov_status send_nowhere(case_machine *m, const rulebook_send *send, const case_timer *when, const diag *d)
{
    (void)m, (void)send, (void)when, (void)d;
    return GOV_OK; /* there are no other cases; the note among the effects stays */
}

static const case_world memory_world = {add_timer, drop_timer, move_timer, drop_sends, note_only, send_nowhere, NULL, NULL};

/* ---- steps ---- */

/* Everything that is still held, copied together; without memory it stays where it is. */
static void gather_values(gov_simulation *s)
{
    enum { MANY = 512 };
    base_arena fresh;
    if (s->copied < MANY)
        return;
    base_arena_init(&fresh, s->alloc);
    value *fields = base_arena_array(&s->step, s->w->fields.count, sizeof *fields);
    value *data = base_arena_array(&s->step, s->timer_count, sizeof *data);
    bool fine = fields != NULL && data != NULL;
    for (uint32_t i = 0; i < s->w->fields.count && fine; i++)
        fine = value_copy(&fresh, case_field(&s->m, i), &fields[i]);
    for (size_t i = 0; i < s->timer_count && fine; i++)
        fine = value_copy(&fresh, s->timers[i].data, &data[i]);
    for (uint32_t i = 0; i < s->w->fields.count && fine; i++)
        case_put_field(&s->m, i, fields[i]);
    for (size_t i = 0; i < s->timer_count && fine; i++)
        s->timers[i].data = data[i];
    base_arena_free(fine ? &s->values : &fresh);
    if (fine)
        s->values = fresh;
    s->copied = fine ? 0 : s->copied;
}

/* The machine lives in `kept`; a step works in `step`, and what the fields then hold is copied over. */
static gov_status keep_fields(gov_simulation *s)
{
    for (uint32_t i = 0; s->m.fields_dirty && i < s->w->fields.count; i++) {
        value v;
        if (!case_simulation_keep(s, case_field(&s->m, i), &v))
            return GOV_E_NOMEM;
        case_put_field(&s->m, i, v);
    }
    s->m.fields_dirty = false;
    return GOV_OK;
}

static void begin_step(gov_simulation *s)
{
    s->m.arena = &s->step;
    s->m.now_us = s->now_us;
    s->m.clocks_moved = false;
    s->m.steps++; /* names the sends that have no name */
    value_builder_init(&s->m.changes, &s->step);
    value_builder_init(&s->m.effects, &s->step);
    value_builder_init(&s->m.raised, &s->step);
}

static void collect_effects(gov_simulation *s)
{
    for (size_t i = 0; i < s->m.effects.len; i++)
        value_builder_add(&s->effects, s->m.effects.items[i]);
}

/* What a step may change beside the chart, which sees to its own state. */
typedef struct before {
    value *slots;
    case_clock *clocks;
    int64_t *entered;
    const case_pending *timers;
    size_t timer_count;
    int64_t steps;
} before;

static bool remember(gov_simulation *s, case_pendings *former, before *b)
{
    const size_t states = chart_state_count(s->w->chart);
    b->slots = base_arena_array(&s->step, s->w->slot_count, sizeof *b->slots);
    b->clocks = base_arena_array(&s->step, s->w->clock_count, sizeof *b->clocks);
    b->entered = base_arena_array(&s->step, states, sizeof *b->entered);
    while (former->cap < s->timer_count)
        if (!base_grow(s->alloc, &former->items, &former->cap, former->cap, sizeof *former->items))
            return false;
    b->timers = former->items;
    b->timer_count = s->timer_count;
    b->steps = s->m.steps;
    if (b->slots == NULL || b->clocks == NULL || b->entered == NULL)
        return false;
    memcpy(b->entered, s->m.entered, states * sizeof *b->entered);
    if (s->w->slot_count > 0)
        memcpy(b->slots, s->m.slots, s->w->slot_count * sizeof *b->slots);
    if (s->w->clock_count > 0)
        memcpy(b->clocks, s->m.clocks, s->w->clock_count * sizeof *b->clocks);
    if (s->timer_count > 0)
        memcpy(former->items, s->timers, s->timer_count * sizeof *former->items);
    return true;
}

/* A timer that is gone; one from before the line is kept until the line has succeeded. */
static void let_go(const gov_simulation *s, const case_pending *p)
{
    if (p->order >= s->line_order)
        case_simulation_free_timer(s, p);
}

/* Gives the timers back that are not among those that stay; both stand in the order in which they are due. */
static void free_others(gov_simulation *s, const case_pending *from, size_t count, const case_pending *stay, size_t stay_count)
{
    for (size_t i = 0, k = 0; i < count; i++) {
        while (k < stay_count && by_due(&stay[k], &from[i]) < 0)
            k++;
        if (k == stay_count || stay[k].order != from[i].order)
            let_go(s, &from[i]);
    }
}

static void undo(gov_simulation *s, const before *b)
{
    if (s->w->slot_count > 0)
        memcpy(s->m.slots, b->slots, s->w->slot_count * sizeof *b->slots);
    memcpy(s->m.entered, b->entered, chart_state_count(s->w->chart) * sizeof *b->entered);
    s->m.fields_dirty = false;
    s->m.steps = b->steps;
    for (uint32_t i = 0; i < s->w->clock_count; i++) {
        base_buf account = s->m.clocks[i].account; /* it may have moved; what was there before stands at its beginning */
        account.len = b->clocks[i].account.len;
        account.failed = b->clocks[i].account.failed;
        if (account.len > 0)
            account.data[account.len - 1] = ']';
        s->m.clocks[i] = b->clocks[i];
        s->m.clocks[i].account = account;
    }
    free_others(s, s->timers, s->timer_count, b->timers, b->timer_count);
    if (b->timer_count > 0)
        memcpy(s->timers, b->timers, b->timer_count * sizeof *b->timers);
    s->timer_count = b->timer_count;
}

/* A step that fails leaves everything as it was. */
static gov_status run_step(gov_simulation *s, const char *event, value data, uint8_t kind, const char *timer, bool *accepted,
                           const diag *d)
{
    before b;
    if (!remember(s, &s->before_step, &b))
        return GOV_E_NOMEM;
    begin_step(s);
    s->step_order = s->order;
    s->overfull = false;
    gov_status status = event == NULL             ? case_machine_start(&s->m, d)
                        : kind == CASE_TIMER_MARK ? case_machine_mark(&s->m, timer, event, d)
                                                  : case_machine_send(&s->m, event, data, accepted, d);
    s->step_order = 0;
    for (uint32_t i = 0; i < s->w->clock_count && status == GOV_OK; i++)
        status = s->m.clocks[i].account.failed ? base_nomem(d) : GOV_OK;
    if (status != GOV_OK) {
        undo(s, &b);
        return status;
    }
    free_others(s, b.timers, b.timer_count, s->timers, s->timer_count);
    collect_effects(s);
    return keep_fields(s);
}

enum { MOST_AT_ONCE = 10000, MOST_EFFECTS = 100000 };

/* The run has no end, or none that anybody would wait for: whatever failed before, this is what is told. */
static gov_status goes_too_far(gov_simulation *s, const char *what, int64_t limit, const diag *d)
{
    s->endless = true;
    if (d != NULL && d->out != NULL) {
        gov_error_free(*d->out);
        *d->out = NULL;
    }
    return base_fail(d, M_too_large, A_S("what", what), A_I("limit", limit));
}

/* Fires what is due up to `until`, in order; what the chart sends itself without delay is due at once. A step that fails is
 * rejected alone: the rest still comes, and the first failure is the answer. A run that goes too far stops where it is. */
static gov_status fire_due(gov_simulation *s, int64_t until, const diag *d)
{
    gov_status first = GOV_OK;
    int at_once = 0;
    s->endless = false;
    while (is_due(s, until)) {
        const case_pending taken = s->timers[0];
        if (at_once >= MOST_AT_ONCE && taken.due_us <= s->now_us)
            return goes_too_far(s, "events at one instant", MOST_AT_ONCE, d);
        remove_at(s, 0);
        at_once = taken.due_us > s->now_us ? 0 : at_once + 1;
        if (taken.due_us > s->now_us)
            s->now_us = taken.due_us;
        const gov_status status = run_step(s, taken.event, taken.data, taken.kind, taken.name, NULL, first == GOV_OK ? d : NULL);
        let_go(s, &taken);
        first = first == GOV_OK || status == GOV_E_NOMEM ? status : first;
        if (status == GOV_E_NOMEM)
            return status;
        if (s->overfull)
            return goes_too_far(s, "pending events", CASE_MOST_PENDING, d);
        if (s->effects.len > MOST_EFFECTS)
            return goes_too_far(s, "effects of one line", MOST_EFFECTS, d);
    }
    return first;
}

/* ---- all of a line or nothing ---- */

typedef struct line_start {
    before b;
    chart_state *state;
    int64_t now_us;
} line_start;

static gov_status begin_line(gov_simulation *s, line_start *l, const diag *d)
{
    const size_t size = chart_state_size(s->w->chart);
    l->state = base_arena_alloc(&s->step, size);
    if (l->state == NULL || !remember(s, &s->before_line, &l->b))
        return base_nomem(d);
    memcpy(l->state, s->m.state, size);
    l->now_us = s->now_us;
    s->line_order = s->order;
    s->endless = false;
    return GOV_OK;
}

/* A line that went too far is as if it had not been written. */
static gov_status end_line(gov_simulation *s, const line_start *l, gov_status status)
{
    s->line_order = 0;
    if (!s->endless && status != GOV_E_NOMEM) {
        free_others(s, l->b.timers, l->b.timer_count, s->timers, s->timer_count);
        return status;
    }
    undo(s, &l->b);
    memcpy(s->m.state, l->state, chart_state_size(s->w->chart));
    s->now_us = l->now_us;
    value_builder_init(&s->effects, &s->step);
    s->endless = false;
    return status;
}

/* ---- answers ---- */

static void write_error(base_buf *out, const gov_error *e)
{
    const char *code = gov_error_code(e, 0), *message = gov_error_message(e, 0, "en");
    base_buf_clear(out);
    base_buf_str(out, "{\"error\":{\"code\":");
    value_write_json_string(out, base_text_or_empty(code), strlen(base_text_or_empty(code)));
    base_buf_str(out, ",\"message\":");
    value_write_json_string(out, base_text_or_empty(message), strlen(base_text_or_empty(message)));
    base_buf_str(out, "}}");
}

static gov_status write_state(gov_simulation *s, base_buf *out)
{
    value active;
    if (case_active_paths(&s->m, &s->step, &active, NULL) != GOV_OK)
        return GOV_E_NOMEM;
    base_buf_str(out, "{\"active\":");
    value_write_tagged(out, active);
    base_buf_str(out, chart_done(s->m.state) ? ",\"done\":true" : ",\"done\":false");
    if (s->effects.len > 0) {
        base_buf_str(out, ",\"effects\":");
        value_write_plain(out, value_builder_list(&s->effects));
    }
    base_buf_char(out, '}');
    return s->effects.failed || out->failed ? GOV_E_NOMEM : GOV_OK;
}

/* ---- lines ---- */

static gov_status bad_line(const char *why, const diag *d)
{
    return base_fail(d, M_bad_line, A_S("why", why));
}

/* There are no records: what refers to one by its key stays that key. */
static gov_status any_record(void *user, rulebook_type type, value reference, int64_t *id, const diag *d)
{
    (void)user, (void)type, (void)d;
    *id = reference.kind == VALUE_INT ? reference.as.i : 0;
    return GOV_OK;
}

/* What an event is given, checked as when it is sent to a case. Events that the workflow does not declare are the tester's to make: a
 * mark, a report of an effect, what a child tells. */
gov_status case_simulation_check(gov_simulation *s, const char *name, value *data, const diag *d)
{
    const rulebook_event *event = rulebook_find_event(s->w, name);
    value checked;
    if (event == NULL)
        return GOV_OK;
    s->m.arena = &s->step;
    s->m.now_us = s->now_us;
    const expr_run run = case_expr_run(&s->m);
    const rulebook_checking how = {.resolve = any_record, .run = &run, .arena = &s->step};
    const gov_status status = rulebook_check_fields(&event->input, *data, &how, &checked, d);
    for (size_t i = 0; status == GOV_OK && i < checked.len; i++) {
        const value_pair *p = &checked.as.pairs[i];
        const rulebook_field *f = rulebook_find_field(&event->input, p->key.as.s, p->key.len);
        const value given = value_get_text(*data, f->name);
        if (rulebook_is_reference(f->type) && given.kind == VALUE_STRING)
            ((value_pair *)(uintptr_t)p)->val = given; /* the map was made for us */
    }
    *data = checked;
    return status;
}

static gov_status handle_event(gov_simulation *s, value line, const diag *d)
{
    const value name = value_get_text(line, "event");
    value data = value_get_text(line, "data");
    gov_status status = GOV_OK;
    if (name.kind != VALUE_STRING || name.len == 0 || memchr(name.as.s, '\0', name.len) != NULL || name.as.s[0] == '@')
        return bad_line("event", d);
    if (data.kind != VALUE_ABSENT)
        status = value_untag(&s->step, data, &data, d);
    if (status == GOV_OK)
        status = case_simulation_check(s, name.as.s, &data, d);
    line_start l;
    if (status == GOV_OK)
        status = begin_line(s, &l, d);
    if (status != GOV_OK)
        return status;
    status = run_step(s, name.as.s, data, 0, NULL, NULL, d);
    return end_line(s, &l, status == GOV_OK ? fire_due(s, s->now_us, d) : status);
}

static gov_status handle_advance(gov_simulation *s, value ms, const diag *d)
{
    int64_t us, until;
    if (ms.kind != VALUE_INT && ms.kind != VALUE_UINT)
        return bad_line("advance_ms is a whole number of milliseconds", d);
    if (ms.kind == VALUE_UINT || ms.as.i < 0 || !base_mul(ms.as.i, 1000, &us) || !base_add(s->now_us, us, &until) || !case_simulation_instant(until))
        return bad_line("advance_ms goes from 0 up to the end of the year 9999", d);
    line_start l;
    gov_status status = begin_line(s, &l, d);
    if (status != GOV_OK)
        return status;
    status = fire_due(s, until, d);
    s->now_us = until;
    return end_line(s, &l, status);
}

static gov_status handle(gov_simulation *s, value line, base_buf *out, const diag *d)
{
    gov_status status;
    if (line.kind != VALUE_MAP)
        return bad_line("not an object", d);
    if (line.len > (size_t)1 + (value_get_text(line, "event").kind != VALUE_ABSENT && value_get_text(line, "data").kind != VALUE_ABSENT))
        return bad_line("event, advance_ms, snapshot and restore stand alone", d);
    if (value_get_text(line, "event").kind != VALUE_ABSENT)
        status = handle_event(s, line, d);
    else if (value_get_text(line, "advance_ms").kind != VALUE_ABSENT)
        status = handle_advance(s, value_get_text(line, "advance_ms"), d);
    else if (value_get_text(line, "snapshot").kind == VALUE_BOOL && value_get_text(line, "snapshot").as.b)
        return case_simulation_save(s, out);
    else if (value_get_text(line, "restore").kind == VALUE_STRING)
        status = case_simulation_restore(s, value_get_text(line, "restore"), d);
    else
        return bad_line("event, advance_ms, snapshot or restore", d);
    return status == GOV_OK ? write_state(s, out) : status;
}

static gov_status start(gov_simulation *s, const diag *d)
{
    if (chart_started(s->m.state))
        return GOV_OK;
    line_start l;
    gov_status status = begin_line(s, &l, d);
    if (status != GOV_OK)
        return status;
    status = run_step(s, NULL, value_absent(), 0, NULL, NULL, d);
    return end_line(s, &l, status == GOV_OK ? fire_due(s, s->now_us, d) : status);
}

gov_status case_simulation_line(gov_simulation *s, const char *line, size_t len, base_buf *out)
{
    gov_error *error = NULL;
    const diag d = {s->alloc, &error};
    value v;
    base_arena_reset(&s->step);
    gather_values(s);
    for (uint32_t i = 0; i < s->w->clock_count; i++)
        base_buf_clear(&s->m.clocks[i].account); /* nobody asks for it here */
    value_builder_init(&s->effects, &s->step);
    gov_status status = start(s, &d);
    if (status == GOV_OK && line != NULL)
        status = value_read_json(&s->step, line, len, &v, &d);
    if (status == GOV_OK)
        status = line != NULL ? handle(s, v, out, &d) : write_state(s, out);
    if (status != GOV_OK && status != GOV_E_NOMEM)
        write_error(out, error);
    gov_error_free(error);
    return status == GOV_E_NOMEM || out->failed ? GOV_E_NOMEM : GOV_OK;
}

/* ---- life ---- */

static const char root_file[] = "rulebook.yaml";

/* The folder of the rulebook that a workflow's file belongs to: the nearest one above it with a rulebook.yaml; *out is NULL when
 * there is none. The rest of the path, within that folder, begins at *inside. */
static gov_status rulebook_folder(const gov_allocator *a, const char *path, char **out, const char **inside, const diag *d)
{
    size_t end = strlen(path);
    char *folder = base_alloc(a, end + sizeof root_file + 2);
    *out = NULL;
    if (folder == NULL)
        return base_nomem(d);
    for (int up = 0; up < 4; up++) {
        struct stat info;
        while (end > 0 && path[end - 1] != '/')
            end--;
        const size_t head = end > 0 ? end : 2; /* a path without a folder lies in the present one */
        memcpy(folder, end > 0 ? path : "./", head);
        memcpy(folder + head, root_file, sizeof root_file);
        if (stat(folder, &info) == 0 && S_ISREG(info.st_mode)) {
            folder[head > 1 ? head - 1 : head] = '\0';
            *inside = path + end;
            *out = folder;
            return GOV_OK;
        }
        if (end == 0)
            break;
        end--;
    }
    base_free(a, folder);
    return GOV_OK;
}

static gov_status load_rules(gov_simulation *s, const char *path, const rulebook_host *host, bool lenient, const diag *d)
{
    const rulebook_options options = {.host = host, .lenient = lenient};
    rulebook_bundle *bundle = NULL;
    rulebook *book = NULL;
    gov_status status = rulebook_bundle_read(s->alloc, path, NULL, 0, &bundle, d);
    if (status == GOV_OK)
        status = rulebook_load(s->alloc, bundle, &options, &book, d);
    s->rules = book;
    return status;
}

/* Those that stand in that file (NULL: all), from the step's arena; their names are joined in *names. */
static gov_status workflows_in(gov_simulation *s, const char *file, size_t *count, const char **names, const diag *d)
{
    base_buf text;
    gov_status status = GOV_OK;
    base_buf_init(&text, s->alloc);
    *count = 0;
    for (uint32_t i = 0; i < s->rules->workflows.count && status == GOV_OK; i++) {
        const rulebook_workflow *w;
        status = rulebook_get_workflow(s->rules, s->rules->workflows.items[i], &w, d);
        if (status != GOV_OK || (file != NULL && strcmp(w->place.origin, file) != 0))
            continue;
        s->w = *count == 0 ? w : s->w;
        base_buf_str(&text, (*count)++ > 0 ? ", " : "");
        base_buf_str(&text, w->name);
    }
    *names = base_arena_strndup(&s->step, base_text_or_empty(text.data), text.len);
    if (status == GOV_OK && (text.failed || *names == NULL))
        status = base_nomem(d);
    base_buf_free(&text);
    return status;
}

/* The only one of the file, or of the rulebook when the file is its root and has none. */
static gov_status only_workflow(gov_simulation *s, const char *file, const diag *d)
{
    const char *names;
    size_t count;
    gov_status status = workflows_in(s, file, &count, &names, d);
    if (status == GOV_OK && count == 0 && file != NULL && strcmp(file, root_file) == 0)
        status = workflows_in(s, NULL, &count, &names, d);
    if (status != GOV_OK || count == 1)
        return status;
    return count == 0 ? base_fail(d, M_workflow_unknown, A_S("workflow", base_text_or_empty(file)))
                      : base_fail(d, M_workflow_several, A_S("names", names));
}

static gov_status named_workflow(gov_simulation *s, const char *name, const diag *d)
{
    const rulebook_names *all = &s->rules->workflows;
    const gov_status status = rulebook_get_workflow(s->rules, name, &s->w, NULL);
    if (status == GOV_OK || status == GOV_E_NOMEM)
        return status == GOV_OK ? GOV_OK : base_nomem(d);
    return base_fail(d, M_workflow_unknown, A_S("workflow", name), A_S("near", base_nearest(name, strlen(name), all->items, all->count)));
}

/* A workflow of a rulebook runs with the rulebook's values, calendars and effects; one that stands alone without. */
static gov_status compile(gov_simulation *s, const char *path, const char *workflow, const rulebook_host *host, const diag *d)
{
    const char *inside = NULL;
    char *folder = NULL;
    gov_status status = rulebook_folder(s->alloc, path, &folder, &inside, d);
    if (status == GOV_OK)
        status = load_rules(s, folder != NULL ? folder : path, host, folder == NULL, d);
    if (status == GOV_OK)
        status = workflow != NULL ? named_workflow(s, workflow, d) : only_workflow(s, inside, d);
    base_free(s->alloc, folder);
    return status;
}

static gov_simulation *make(const gov_allocator *a)
{
    gov_simulation *s = base_alloc(a, sizeof *s);
    if (s == NULL)
        return NULL;
    s->alloc = a;
    base_arena_init(&s->kept, a);
    base_arena_init(&s->values, a);
    base_arena_init(&s->step, a);
    return s;
}

/* The machine under s->rules and s->w. */
static gov_status make_machine(gov_simulation *s, const diag *d)
{
    const gov_status status = case_plain_calendar(s->alloc, s->rules->zone, &s->plain, d);
    s->m = (case_machine){.world = &memory_world, .user = s, .alloc = s->alloc, .rules = s->rules, .plain = s->plain, .arena = &s->kept};
    return status == GOV_OK ? case_machine_init(&s->m, s->w, &s->kept, d) : status;
}

gov_status case_simulation_new(const gov_allocator *a, const char *path, const char *workflow, const rulebook_host *host,
                               void (*host_free)(const rulebook_host *host, const gov_allocator *a), gov_simulation **out,
                               const diag *d)
{
    gov_simulation *s = make(a);
    if (s == NULL) {
        host_free(host, a);
        return base_nomem(d);
    }
    s->host = host;
    s->host_free = host_free;
    gov_status status = compile(s, path, workflow, host, d);
    if (status == GOV_OK)
        status = make_machine(s, d);
    for (uint32_t i = 0; status == GOV_OK && i < s->w->fields.count; i++)
        case_put_field(&s->m, i, s->w->fields.items[i].preset);
    if (status != GOV_OK) {
        gov_simulation_free(s);
        return status;
    }
    *out = s;
    return GOV_OK;
}

/* ---- past cases ---- */

gov_status case_simulation_of(gov *g, const rulebook *rules, const rulebook_workflow *w, gov_simulation **out, const diag *d)
{
    gov_simulation *s = make(g->alloc);
    if (s == NULL)
        return base_nomem(d);
    s->rules = rules;
    s->borrowed = true;
    s->w = w;
    const gov_status status = make_machine(s, d);
    if (status != GOV_OK) {
        gov_simulation_free(s);
        return status;
    }
    s->m.community = g;
    *out = s;
    return GOV_OK;
}

case_machine *case_simulation_machine(gov_simulation *s)
{
    return &s->m;
}

gov_status case_simulation_put(gov_simulation *s, size_t field, value v, const diag *d)
{
    if (!case_simulation_keep(s, v, &v))
        return base_nomem(d);
    case_put_field(&s->m, field, v);
    return GOV_OK;
}

void case_simulation_next(gov_simulation *s)
{
    base_arena_reset(&s->step);
    gather_values(s);
    value_builder_init(&s->effects, &s->step);
}

gov_status case_simulation_start(gov_simulation *s, int64_t at_us, const diag *d)
{
    s->now_us = at_us;
    return run_step(s, NULL, value_absent(), 0, NULL, NULL, d);
}

/* What goes round without end is left out, so that a past case can go on. */
static void drop_due(gov_simulation *s)
{
    while (is_due(s, s->now_us)) {
        case_simulation_free_timer(s, &s->timers[0]);
        remove_at(s, 0);
    }
}

gov_status case_simulation_until(gov_simulation *s, int64_t until_us, const diag *d)
{
    if (until_us < s->now_us)
        return GOV_OK;
    const gov_status status = fire_due(s, until_us, d);
    if (s->endless)
        drop_due(s);
    if (s->now_us < until_us)
        s->now_us = until_us;
    return status;
}

void case_simulation_at(gov_simulation *s, int64_t now_us)
{
    s->now_us = now_us > s->now_us ? now_us : s->now_us;
}

gov_status case_simulation_send(gov_simulation *s, const char *event, value data, bool *accepted, const diag *d)
{
    return run_step(s, event, data, 0, NULL, accepted, d);
}

static void count_report(gov_simulation *s, const rulebook_later *later)
{
    for (size_t i = 0; i < s->timer_count; i++) {
        const case_pending *p = &s->timers[i];
        const char *dot = strchr(p->event, '.');
        const rulebook_report *r = dot != NULL ? rulebook_find_report(later->effect, dot + 1) : NULL;
        if (p->kind != CASE_TIMER_EFFECT || strcmp(p->name + 2, later->id) != 0 || r == NULL || r->counts == NULL)
            continue;
        for (size_t k = 0; p->data.kind == VALUE_MAP && k < p->data.len; k++)
            if (value_is_text(p->data.as.pairs[k].key, r->counts)) /* its map is the simulation's own copy */
                ((value_pair *)(uintptr_t)p->data.as.pairs)[k].val.as.i++;
    }
}

gov_status case_simulation_report(gov_simulation *s, const rulebook_later *later, const char *event, value data, bool *accepted,
                                  const diag *d)
{
    const rulebook_report *r = rulebook_find_report(later->effect, event + strlen(later->id) + 1);
    if (r != NULL && r->goes_on)
        count_report(s, later);
    else if (r != NULL)
        (void)drop_timer(&s->m, case_effect_timer_name(&s->m, later->id), d);
    return case_simulation_send(s, event, data, accepted, d);
}

value case_simulation_effects(const gov_simulation *s)
{
    return s->effects.failed ? value_absent() : value_builder_list(&s->effects);
}

void gov_simulation_free(gov_simulation *s)
{
    if (s == NULL)
        return;
    case_machine_free(&s->m);
    for (size_t i = 0; i < s->timer_count; i++)
        case_simulation_free_timer(s, &s->timers[i]);
    base_free(s->alloc, s->timers);
    base_free(s->alloc, s->before_step.items);
    base_free(s->alloc, s->before_line.items);
    cal_free(s->plain);
    base_arena_free(&s->kept);
    base_arena_free(&s->values);
    base_arena_free(&s->step);
    if (!s->borrowed)
        rulebook_free(s->rules);
    if (s->host_free != NULL)
        s->host_free(s->host, s->alloc);
    base_free(s->alloc, s);
}
