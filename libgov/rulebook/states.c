/* States and transitions: from the state map to the chart. */
#include "rulebook/workflow.h"
#include "rulebook/grammar.h"

#include <stdio.h>
#include <string.h>

enum { MAX_TARGETS = 64, MAX_DESCRIPTORS = 64, MAX_TRANSITIONS = 16384 };

static rb_draft *draft(rulebook_loader *l, uint32_t state)
{
    return &((rb_draft *)l->work->states.items)[state];
}

/* ---- first pass: every state gets its number ---- */

static bool is_parallel(rulebook_loader *l, const rb_node *n)
{
    return rulebook_read_bool(l, rb_get(n, "parallel"), "parallel", false);
}

static chart_kind kind_of(rulebook_loader *l, const rb_node *n)
{
    static const chart_kind kinds[] = {CHART_PLAIN, CHART_PLAIN, CHART_PARALLEL, CHART_FINAL, CHART_SHALLOW};
    const rb_node *type = rb_get(n, "type"), *children = rb_get(n, "states");
    const unsigned t = rulebook_read_word(l, type, "type", rb_words_state_type, 0);
    const bool inside = children != NULL && children->kind == RB_MAP && children->count > 0;
    if ((rb_is(type, "atomic") && inside) || (rb_is(type, "compound") && !inside))
        rb_fail(l, type, M_type_and_shape, A_S("type", rb_words_state_type[t]));
    if (is_parallel(l, n)) {
        if (type != NULL && kinds[t] != CHART_PARALLEL)
            rb_fail(l, rb_get(n, "parallel"), M_not_together, A_S("a", "type"), A_S("b", "parallel"));
        return CHART_PARALLEL;
    }
    if (kinds[t] == CHART_SHALLOW && rulebook_read_bool(l, rb_get(n, "deep"), "deep", false))
        return CHART_DEEP;
    return kinds[t];
}

static bool is_history(const rb_node *n)
{
    return rb_is(rb_get(n, "type"), "history");
}

/* An empty state may be written as {} or as nothing at all. */
static bool is_nothing(const rb_node *n)
{
    return n->kind == RB_SCALAR && n->type == RB_NULL && n->count == 0;
}

static void add_children(rulebook_loader *l, uint32_t parent, const rb_node *states);

static void add_state(rulebook_loader *l, uint32_t parent, const rb_node *key, const rb_node *n)
{
    uint32_t state;
    const base_place place = rb_place(key);

    if (!rb_is_name(key->as.text, key->count)) {
        rb_fail(l, key, M_invalid_name, A_S("what", "state"), A_N("name", key->as.text, key->count));
        return;
    }
    if (!is_nothing(n))
        rulebook_read_keys(l, n, "state", is_history(n) ? rb_keys_history : rb_keys_state);
    const chart_state_def def = {.parent = parent, .name = key->as.text, .name_len = key->count,
                                 .kind = kind_of(l, n), .place = &place};
    const gov_status status = chart_add_state(l->work->builder, &def, &state, l->d);
    rb_note(l, status);
    l->work->crowded = status == GOV_E_LIMIT && l->work->states.count >= CHART_MAX_STATES; /* one more would say the same */
    rb_draft *d = status == GOV_OK ? rb_list_add(l, &l->work->states) : NULL;
    if (d == NULL)
        return;
    *d = (rb_draft){key, n, parent};
    add_children(l, state, rb_get(n, "states"));
}

static void add_children(rulebook_loader *l, uint32_t parent, const rb_node *states)
{
    if (states == NULL || !rb_expect(l, states, RB_MAP, "states"))
        return;
    for (uint32_t i = 0; i < states->count && !rb_out(l) && !l->work->crowded; i++)
        add_state(l, parent, states->as.pairs[i].key, states->as.pairs[i].val);
}

static const char *path_of(rulebook_loader *l, uint32_t state)
{
    base_buf b;
    base_buf_init(&b, l->rb->alloc);
    chart_builder_path(l->work->builder, state, &b);
    const char *path = NULL;
    if (b.failed)
        rb_note(l, base_nomem(l->d));
    else
        path = rb_copy(l, b.len > 0 ? b.data : "", b.len);
    base_buf_free(&b);
    return path;
}

static void fill_info(rulebook_loader *l, uint32_t state, rulebook_state *info)
{
    const rb_node *n = draft(l, state)->node, *key = draft(l, state)->key;
    info->path = path_of(l, state);
    info->name = state == CHART_ROOT ? "" : rb_copy(l, key->as.text, key->count);
    info->place = rb_place(state == CHART_ROOT ? n : key);
    if (state == CHART_ROOT)
        return;
    info->title = rulebook_read_text(l, rb_get(n, "title"));
    info->description = rulebook_read_text(l, rb_get(n, "description"));
    info->outcome = rulebook_read_name(l, rb_get(n, "outcome"), "outcome");
    if (info->outcome != NULL && !rb_is(rb_get(n, "type"), "final"))
        rb_warn(l, rb_place(rb_find(n, "outcome")->key), M_outcome_not_final, A_S("state", info->path));
    if (rb_get(n, "initial") != NULL &&
        (rb_is(rb_get(n, "type"), "parallel") || rb_get(n, "parallel") != NULL))
        rb_warn(l, rb_place(rb_find(n, "initial")->key), M_initial_on_parallel, A_S("state", info->path));
}

void rb_states(rulebook_loader *l)
{
    rb_work *work = l->work;
    rb_draft *root = rb_list_add(l, &work->states);
    if (root == NULL)
        return;
    *root = (rb_draft){NULL, work->root, CHART_NONE};
    const rb_node *inside = rb_get(work->root, "states");
    add_children(l, CHART_ROOT, inside);
    if (inside != NULL && inside->kind == RB_MAP && inside->count == 0)
        rb_fail(l, inside, M_empty, A_S("what", "states"));
    rulebook_state *states = rb_alloc(l, work->states.count, sizeof *states);
    for (uint32_t i = 0; states != NULL && i < work->states.count && !rb_out(l); i++)
        fill_info(l, i, &states[i]);
    work->w->states = states;
}

/* ---- targets ---- */

/* A state that does not exist by that name: perhaps one of that name lies elsewhere, or one is named nearly so. */
void rb_report_state(rulebook_loader *l, const rb_node *n, const char *name, size_t len)
{
    const char *last = name;
    for (const char *p = name; p < name + len; p++)
        if (*p == '.')
            last = p + 1;
    const char right[2] = {rb_wide(name, len), '\0'};
    if (right[0] != '\0') {
        rb_fail(l, n, M_yaml_wide, A_N("found", name, 3), A_S("wanted", right));
        return;
    }
    uint32_t found[1];
    rb_names known = {0};
    if (chart_find_name(l->work->builder, last, len - (size_t)(last - name), found, 1) > 0) {
        rb_fail(l, n, M_unknown_name, A_S("kind", "state"), A_N("name", name, len), A_S("near", path_of(l, found[0])));
        return;
    }
    for (uint32_t i = 1; i < l->work->states.count && !rb_told_enough(l); i++) {
        rb_names_add(l, &known, l->work->w->states[i].name);
        rb_names_add(l, &known, l->work->w->states[i].path);
    }
    const char *near = base_nearest(name, len, known.items, known.count);
    for (uint32_t i = 1; near != NULL && i < l->work->states.count; i++) /* the path is what one has to write */
        if (strcmp(l->work->w->states[i].name, near) == 0 && draft(l, i)->parent != CHART_ROOT) {
            near = l->work->w->states[i].path;
            break;
        }
    rb_fail(l, n, M_unknown_name, A_S("kind", "state"), A_N("name", name, len), A_S("near", near));
    rb_names_free(l, &known);
}

/* inside: for `initial` and a history's default, the state whose children are meant; CHART_NONE: from `from`. */
static bool resolve(rulebook_loader *l, uint32_t from, uint32_t inside, const rb_node *n, uint32_t *state)
{
    uint32_t other = CHART_NONE;
    if (!rb_expect(l, n, RB_SCALAR, "to"))
        return false;
    const chart_found found =
        inside != CHART_NONE ? chart_resolve_inside(l->work->builder, inside, n->as.text, n->count, state)
                             : chart_resolve(l->work->builder, from, n->as.text, n->count, state, &other);
    if (found == CHART_FOUND)
        return true;
    if (found == CHART_AMBIGUOUS)
        rb_fail(l, n, M_ambiguous_state, A_N("name", n->as.text, n->count), A_S("a", path_of(l, *state)),
                A_S("b", path_of(l, other)));
    else
        rb_report_state(l, n, n->as.text, n->count);
    return false;
}

/* A name or a list of names; returns how many were found. */
static size_t read_targets(rulebook_loader *l, uint32_t from, uint32_t inside, const rb_node *n, uint32_t *out)
{
    size_t count = 0;
    if (n == NULL)
        return 0;
    if (n->kind != RB_LIST)
        return resolve(l, from, inside, n, &out[0]);
    if (n->count == 0)
        rb_fail(l, n, M_empty, A_S("what", "to"));
    if (n->count > MAX_TARGETS) {
        rb_fail(l, n, M_too_large, A_S("what", "to"), A_I("limit", MAX_TARGETS));
        return 0;
    }
    for (uint32_t i = 0; i < n->count; i++)
        count += resolve(l, from, inside, n->as.items[i], &out[count]);
    return count;
}

/* ---- blocks ---- */

uint32_t rb_add_block(rulebook_loader *l, const rb_node *n, const rb_context *c)
{
    if (n == NULL)
        return CHART_NONE;
    const rulebook_block block = rb_block(l, n, c);
    rulebook_block *out = rb_list_add(l, &l->work->blocks);
    if (out == NULL)
        return CHART_NONE;
    *out = block;
    return (uint32_t)l->work->blocks.count - 1;
}

static void read_entry(rulebook_loader *l, uint32_t state, const rb_node *n)
{
    const rb_node *entry = rb_get(n, "entry"), *leave = rb_get(n, "exit");
    if (entry != NULL)
        rb_note(l, chart_add_entry(l->work->builder, state, rb_add_block(l, entry, &l->work->anywhere), l->d));
    if (leave != NULL)
        rb_note(l, chart_add_exit(l->work->builder, state, rb_add_block(l, leave, &l->work->anywhere), l->d));
}

/* `initial` of a state, and `to` of a history state: targets, or {to:, do:}. */
static void read_initial(rulebook_loader *l, uint32_t state, uint32_t inside, const rb_node *n)
{
    uint32_t targets[MAX_TARGETS], block = CHART_NONE;
    if (n == NULL)
        return;
    const rb_node *to = n;
    if (n->kind == RB_MAP) {
        rulebook_read_keys(l, n, "initial", rb_keys_initial_map);
        to = rb_get(n, "to");
        block = rb_add_block(l, rb_get(n, "do"), &l->work->anywhere);
    }
    const size_t count = read_targets(l, state, inside, to, targets);
    if (count > 0)
        rb_note(l, chart_set_initial(l->work->builder, state, targets, count, block, l->d));
}

/* ---- transitions ---- */

/* What a transition waits for. */
typedef struct trigger {
    const rb_node *node; /* where it is written */
    const char *on;
    chart_text events[MAX_DESCRIPTORS];
    size_t count;
    rb_context context;
    size_t len; /* of `on`, where descriptors are written */
    bool known; /* is the context made? Many transitions hold no expression and need none */
    bool timer;
} trigger;

static const rb_context *context_of(rulebook_loader *l, trigger *t)
{
    if (!t->known)
        t->context = rb_event_context(l, t->on, t->len);
    t->known = true;
    return &t->context;
}

static bool done_path_exists(rulebook_loader *l, const char *s, size_t len)
{
    static const char prefix[] = "done.state.";
    uint32_t state;
    if (len < sizeof prefix || memcmp(s, prefix, sizeof prefix - 1) != 0)
        return true;
    return chart_resolve_inside(l->work->builder, CHART_ROOT, s + sizeof prefix - 1, len - (sizeof prefix - 1), &state) ==
           CHART_FOUND;
}

/* "a b.c *": false when there is none that is good. */
static bool read_descriptors(rulebook_loader *l, const rb_node *n, trigger *t)
{
    const char *s = n->as.text;
    t->node = n;
    t->on = rb_copy(l, s, n->count);
    if (t->on == NULL)
        return false;
    for (size_t at = 0; at < n->count;) {
        size_t end = at;
        while (end < n->count && t->on[end] != ' ')
            end++;
        size_t len = end - at;
        if (len > 2 && memcmp(t->on + end - 2, ".*", 2) == 0)
            len -= 2; /* the same as without, in SCXML too */
        const bool star = len == 1 && t->on[at] == '*';
        if (len > 0 && !star && !rb_is_event_name(t->on + at, len))
            rb_fail(l, n, M_invalid_name, A_S("what", "event"), A_N("name", t->on + at, len));
        else if (len > 0 && !done_path_exists(l, t->on + at, len))
            rb_report_state(l, n, t->on + at + 11, len - 11);
        else if (len > 0 && t->count < MAX_DESCRIPTORS)
            t->events[t->count++] = (chart_text){t->on + at, len};
        at = end + 1;
    }
    if (t->count == 0 && n->count == 0)
        rb_fail(l, n, M_empty, A_S("what", "event"));
    t->known = false;
    t->len = n->count;
    return t->count > 0;
}

static uint32_t add_guard(rulebook_loader *l, const rb_node *when, const rb_context *c)
{
    const expr_program *program = rb_event_expr(l, when, EXPR_BOOL, c);
    rulebook_guard *g = rb_list_add(l, &l->work->guards);
    if (g == NULL)
        return CHART_NONE;
    *g = (rulebook_guard){program, rb_place(when)};
    return (uint32_t)l->work->guards.count - 1;
}

/* `delay` or `at` of an `after`: gives the timer's number, and the name of its event. */
static uint32_t add_timer(rulebook_loader *l, uint32_t state, const rb_node *n, uint32_t *names, trigger *t)
{
    const rb_node *delay = rb_get(n, "delay"), *at = rb_get(n, "at");
    rulebook_timer *timer = rb_list_add(l, &l->work->timers);
    if (timer == NULL)
        return RULEBOOK_NONE;
    const char *path = l->work->w->states[state].path;
    const size_t room = strlen(path) + 24;
    char *event = rb_alloc(l, room, 1);
    if (event == NULL)
        return RULEBOOK_NONE;
    (void)snprintf(event, room, "@%s#%u", path, (unsigned)(*names)++);
    t->events[0] = (chart_text){event, strlen(event)};
    t->count = 1;
    const uint32_t index = (uint32_t)l->work->timers.count - 1;
    if (delay != NULL && at != NULL)
        rb_fail(l, rb_find(n, "at")->key, M_not_together, A_S("a", "delay"), A_S("b", "at"));
    if (delay == NULL && at == NULL)
        rb_fail(l, n, M_missing_key, A_S("key", "delay"), A_S("what", "after"));
    *timer = (rulebook_timer){.state = state, .event = event, .place = rb_place(n)};
    timer->delay = rb_event_duration(l, delay, &l->work->nowhere);
    timer->at = rb_event_expr(l, at, EXPR_TIMESTAMP, &l->work->nowhere);
    rb_law(l, n, &timer->law, &timer->roll);
    return index;
}

static void add_transition(rulebook_loader *l, uint32_t state, const rb_node *n, trigger *t, uint32_t *timers)
{
    uint32_t targets[MAX_TARGETS], id;
    rulebook_transition info = {.guard = CHART_NONE, .block = CHART_NONE, .timer = RULEBOOK_NONE, .on = t->on,
                                .event_place = rb_place(t->node), .place = rb_place(n)};
    const bool map = n->kind == RB_MAP;
    if (l->work->full)
        return; /* told before */
    if (l->work->transitions.count >= MAX_TRANSITIONS) {
        l->work->full = true;
        rb_fail(l, n, M_too_large, A_S("what", "transitions"), A_I("limit", MAX_TRANSITIONS));
        return;
    }
    if (is_nothing(n)) {
        rb_fail(l, t->node, M_empty, A_S("what", t->on));
        return;
    }
    if (t->timer && !map) {
        rb_fail(l, n, M_wrong_kind, A_S("what", "after"), A_S("expected", "{delay: ..., to: ...}"), A_S("found", rb_kind_name(n)));
        return;
    }
    if (map)
        rulebook_read_keys(l, n, "transition", t->timer ? rb_keys_timed_transition : rb_get(n, "event") == t->node ? rb_keys_listed_transition : rb_keys_transition);
    if (t->timer)
        info.timer = add_timer(l, state, n, timers, t);
    if (rb_out(l))
        return;
    if (map) {
        info.title = rulebook_read_text(l, rb_get(n, "title"));
        info.by = rulebook_read_roles(l, rb_get(n, "by"), "by");
        const rb_node *when = rb_get(n, "when"), *block = rb_get(n, "do");
        info.guard = when != NULL ? add_guard(l, when, context_of(l, t)) : CHART_NONE;
        info.block = block != NULL ? rb_add_block(l, block, context_of(l, t)) : CHART_NONE;
    }
    chart_transition ct = {.source = state, .guard = info.guard, .block = info.block, .events = t->events,
                           .event_count = t->count, .targets = targets, .place = &info.place,
                           .asks = info.by.count > 0 && t->count > 0 && !t->timer, /* what the rules do by themselves needs nobody's leave */
                           .internal = map && rulebook_read_bool(l, rb_get(n, "internal"), "internal", false)};
    ct.target_count = read_targets(l, state, CHART_NONE, map ? rb_get(n, "to") : n, targets);
    rulebook_transition *out = rb_list_add(l, &l->work->transitions);
    if (out == NULL)
        return;
    *out = info;
    const gov_status status = chart_add_transition(l->work->builder, &ct, &id, l->d);
    rb_note(l, status);
    if (status != GOV_OK)
        l->work->transitions.count--; /* they have the chart's numbers */
    else if (info.timer != RULEBOOK_NONE)
        ((rulebook_timer *)l->work->timers.items)[info.timer].transition = id;
}

/* One transition or an ordered list of them. */
static void add_transitions(rulebook_loader *l, uint32_t state, const rb_node *n, trigger *t)
{
    uint32_t timers = 0;
    if (n->kind != RB_LIST) {
        add_transition(l, state, n, t, &timers);
        return;
    }
    if (n->count == 0)
        rb_fail(l, n, M_empty, A_S("what", t->on));
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++)
        add_transition(l, state, n->as.items[i], t, &timers);
}

/* An item of a list of transitions says under `event` what it waits for; as a map would, `take: busy` names the event by its key. */
static void report_eventless(rulebook_loader *l, const rb_node *item)
{
    char near[80];
    for (uint32_t i = 0; i < item->count; i++) {
        const rb_node *key = item->as.pairs[i].key;
        if (rulebook_find_event(l->work->w, key->as.text) == NULL)
            continue;
        (void)snprintf(near, sizeof near, "event: %s", key->as.text);
        rb_fail(l, key, M_unknown_key, A_N("key", key->as.text, key->count), A_S("what", "transition"), A_S("near", near));
        return;
    }
    rulebook_read_keys(l, item, "transition", rb_keys_listed_transition);
}

static void read_on(rulebook_loader *l, uint32_t state, const rb_node *n)
{
    if (n->kind == RB_LIST) {
        for (uint32_t i = 0; i < n->count && !rb_out(l); i++) {
            trigger t = {0};
            const rb_node *item = n->as.items[i], *event = rb_get(item, "event");
            uint32_t timers = 0;
            if (!rb_expect(l, item, RB_MAP, "transition"))
                continue;
            if (event == NULL)
                report_eventless(l, item);
            else if (rb_expect(l, event, RB_SCALAR, "event") && read_descriptors(l, event, &t))
                add_transition(l, state, item, &t, &timers);
        }
        return;
    }
    if (!rb_expect(l, n, RB_MAP, "on"))
        return;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++) {
        trigger t = {0};
        if (read_descriptors(l, n->as.pairs[i].key, &t))
            add_transitions(l, state, n->as.pairs[i].val, &t);
    }
}

static void read_done(rulebook_loader *l, uint32_t state, const rb_pair *pair)
{
    static const char prefix[] = "done.state.";
    const char *path = l->work->w->states[state].path;
    char *event = rb_alloc(l, strlen(path) + sizeof prefix, 1);
    if (event == NULL)
        return;
    memcpy(event, prefix, sizeof prefix - 1);
    memcpy(event + sizeof prefix - 1, path, strlen(path) + 1);
    trigger t = {.node = pair->key, .on = event, .count = 1, .context = l->work->anywhere, .known = true};
    t.events[0] = (chart_text){event, strlen(event)};
    add_transitions(l, state, pair->val, &t);
}

/* The transitions of a state come in the order in which they are written. */
static void read_state(rulebook_loader *l, uint32_t state)
{
    const rb_node *n = draft(l, state)->node;
    const uint32_t parent = draft(l, state)->parent;
    if (n->kind != RB_MAP)
        return;
    if (state != CHART_ROOT && is_history(n)) {
        read_initial(l, state, parent, rb_get(n, "to"));
        return;
    }
    if (state == CHART_ROOT || !(rb_is(rb_get(n, "type"), "parallel") || rb_get(n, "parallel") != NULL))
        read_initial(l, state, state, rb_get(n, "initial"));
    read_entry(l, state, n);
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++) {
        const rb_pair *pair = &n->as.pairs[i];
        if (rb_is(pair->key, "on")) {
            read_on(l, state, pair->val);
        } else if (rb_is(pair->key, "always")) {
            trigger t = {.node = pair->key, .on = "always", .context = l->work->anywhere, .known = true};
            add_transitions(l, state, pair->val, &t);
        } else if (rb_is(pair->key, "after")) {
            trigger t = {.node = pair->key, .on = "after", .context = l->work->nowhere, .known = true,
                         .timer = true};
            add_transitions(l, state, pair->val, &t);
        } else if (rb_is(pair->key, "done") && state != CHART_ROOT) {
            read_done(l, state, pair);
        }
    }
}

static void share_timers(rulebook_loader *l)
{
    const rulebook_timer *timers = l->work->timers.items;
    for (uint32_t s = 0; s < l->work->states.count && !rb_out(l); s++) {
        rulebook_state *info = (rulebook_state *)(uintptr_t)&l->work->w->states[s];
        uint32_t count = 0;
        for (uint32_t i = 0; i < l->work->timers.count; i++)
            count += timers[i].state == s;
        uint32_t *own = count > 0 ? rb_alloc(l, count, sizeof *own) : NULL;
        for (uint32_t i = 0; own != NULL && i < l->work->timers.count; i++)
            if (timers[i].state == s)
                own[info->timer_count++] = i;
        info->timers = own;
    }
}

void rb_transitions(rulebook_loader *l)
{
    for (uint32_t s = 0; s < l->work->states.count && !rb_out(l); s++)
        read_state(l, s);
    share_timers(l);
}
