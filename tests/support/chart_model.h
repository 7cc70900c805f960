/*
 * A second way to run statecharts, for comparison: SCXML's appendix D written down as it stands, on arrays of
 * bool, with nothing known beforehand. And random charts for both ways, drawn from a stream of bytes.
 *
 * Guards are pure: they look at the configuration or at how many actions ran. Actions are numbers; some of them
 * raise an event. Both ways keep a digest of everything that they do, in order.
 */
#ifndef GOV_TEST_CHART_MODEL_H
#define GOV_TEST_CHART_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chart/chart.h"

enum {
    MODEL_STATES = 40,
    MODEL_ARROWS = 60,
    MODEL_TARGETS = 3,
    MODEL_EVENTS = 10,
    MODEL_QUEUE = 1 << 17,
    MODEL_BLOCKS = 4 * MODEL_STATES + MODEL_ARROWS
};

static const char *const model_events[MODEL_EVENTS] = {"a",  "b",    "a.x",        "a.x.y",
                                                       "c",  "ab",   "done.state", "done",
                                                       "@t", "c.c.c"};
static const char *const model_descriptors[] = {"a",    "b",          "a.x", "*",   "c",  "a.x.*",
                                                "done", "done.state", "@t",  "c.c", "b.", "e1"};

typedef struct model_state {
    uint32_t parent;
    chart_kind kind; /* as compiled: CHART_ATOMIC or CHART_COMPOUND, not CHART_PLAIN */
    uint32_t initial[MODEL_TARGETS];
    size_t initial_count;
    bool has_initial;
    char name[8];
} model_state;

typedef struct model_arrow {
    uint32_t source, guard, block;
    bool internal;
    char events[2][64];
    size_t event_count;
    uint32_t targets[MODEL_TARGETS];
    size_t target_count;
} model_arrow;

/* A chart, and a run of it. Blocks: 4s entry, 4s+1 second entry, 4s+2 exit, 4s+3 initial; then the arrows'. */
typedef struct model {
    model_state states[MODEL_STATES];
    uint32_t count;
    model_arrow arrows[MODEL_ARROWS];
    uint32_t arrow_count;
    int8_t raises[MODEL_BLOCKS]; /* an event's index or -1 */
    /* the run */
    bool active[MODEL_STATES], running, done;
    bool held[MODEL_STATES][MODEL_STATES], has_held[MODEL_STATES];
    bool enter[MODEL_STATES], dflt[MODEL_STATES], defaulted[MODEL_STATES];
    char (*queue)[64];
    size_t head, tail;
    uint32_t steps;
    uint64_t digest, actions;
    bool endless;
} model;

/* ---- random charts ---- */

typedef struct model_source {
    const uint8_t *bytes;
    size_t len, at;
} model_source;

static inline unsigned model_draw(model_source *s, unsigned below)
{
    return s->at < s->len ? s->bytes[s->at++] % below : 0;
}

static inline bool model_inside(const model *m, uint32_t s, uint32_t ancestor)
{
    while (s != CHART_ROOT && s != CHART_NONE) {
        s = m->states[s].parent;
        if (s == ancestor)
            return true;
    }
    return false;
}

static inline bool model_is_history(const model *m, uint32_t s)
{
    return m->states[s].kind == CHART_SHALLOW || m->states[s].kind == CHART_DEEP;
}

/* Adds a state and, more or less at random, what is inside it. */
static inline void model_grow(model *m, model_source *src, uint32_t parent, unsigned depth,
                              bool region)
{
    const uint32_t id = m->count++;
    model_state *s = &m->states[id];
    const unsigned kind = model_draw(src, 16);
    unsigned children = depth < 5 && kind >= 6 ? 1 + model_draw(src, 3) : 0;

    s->parent = parent;
    s->kind = CHART_ATOMIC;
    snprintf(s->name, sizeof s->name, "%c%u", "nm"[id % 2], (unsigned)id);
    if (parent == CHART_NONE)
        children = 1 + model_draw(src, 4);
    else if (kind == 0 && !region)
        s->kind = CHART_FINAL;
    if (s->kind == CHART_FINAL || children == 0)
        return;
    s->kind = kind >= 12 && parent != CHART_NONE ? CHART_PARALLEL : CHART_COMPOUND;
    for (unsigned i = 0; i < children && m->count < MODEL_STATES; i++)
        model_grow(m, src, id, depth + 1, s->kind == CHART_PARALLEL);
    if (m->count == id + 1)
        s->kind = CHART_ATOMIC;
    else if (model_draw(src, 3) == 0 && m->count < MODEL_STATES) {
        model_state *h = &m->states[m->count];

        snprintf(h->name, sizeof h->name, "h%u", (unsigned)m->count++);
        h->parent = id;
        h->kind = model_draw(src, 2) == 0 ? CHART_SHALLOW : CHART_DEEP;
    }
}

/* Lies the innermost state around both in between, and is it parallel? */
static inline bool model_orthogonal(const model *m, uint32_t x, uint32_t y)
{
    uint32_t around;

    x = model_is_history(m, x) ? m->states[x].parent : x;
    y = model_is_history(m, y) ? m->states[y].parent : y;
    if (x == y || model_inside(m, x, y) || model_inside(m, y, x))
        return false;
    for (around = m->states[x].parent; !model_inside(m, y, around);)
        around = m->states[around].parent;
    return m->states[around].kind == CHART_PARALLEL;
}

/* Up to `most` targets inside `top` that may be active together. */
static inline size_t model_targets(const model *m, model_source *src, uint32_t top, size_t most,
                                   uint32_t *out)
{
    size_t count = 0;

    for (int tries = 0; tries < 6 && count < most; tries++) {
        const uint32_t t = model_draw(src, m->count);
        bool fits = t != CHART_ROOT && model_inside(m, t, top);

        for (size_t i = 0; i < count; i++)
            fits = fits && model_orthogonal(m, t, out[i]);
        if (fits)
            out[count++] = t;
    }
    return count;
}

static inline void model_path(const model *m, uint32_t s, char out[64])
{
    char rest[64] = "";

    out[0] = '\0';
    for (; s != CHART_ROOT; s = m->states[s].parent) {
        snprintf(out, 64, "%s%s%.40s", m->states[s].name, rest[0] != '\0' ? "." : "", rest);
        snprintf(rest, sizeof rest, "%s", out);
    }
}

static inline void model_descriptor(const model *m, model_source *src, char out[64])
{
    const unsigned pick = model_draw(src, ARRAY_LEN(model_descriptors) + 4);

    if (pick < ARRAY_LEN(model_descriptors)) {
        snprintf(out, 64, "%s", model_descriptors[pick]);
    } else {
        char path[64];

        model_path(m, 1 + model_draw(src, m->count - 1), path);
        snprintf(out, 64, "done.state.%.50s", path);
    }
}

static inline void model_arrow_draw(model *m, model_source *src, uint32_t i)
{
    model_arrow *t = &m->arrows[i];

    do
        t->source = model_draw(src, m->count);
    while (m->states[t->source].kind == CHART_FINAL && src->at < src->len);
    if (m->states[t->source].kind == CHART_FINAL || model_is_history(m, t->source))
        t->source = CHART_ROOT;
    t->guard = model_draw(src, 3) == 0 ? CHART_NONE : model_draw(src, 128);
    t->block = 4 * MODEL_STATES + i;
    t->internal = model_draw(src, 3) == 0;
    t->event_count = model_draw(src, 8) == 0 ? 0 : 1 + model_draw(src, 2);
    for (size_t e = 0; e < t->event_count; e++)
        model_descriptor(m, src, t->events[e]);
    t->target_count =
        model_targets(m, src, CHART_ROOT, model_draw(src, MODEL_TARGETS + 1), t->targets);
}

static inline void model_random(model *m, model_source *src)
{
    memset(m, 0, offsetof(model, queue));
    m->count = 0;
    model_grow(m, src, CHART_NONE, 0, false);
    for (uint32_t s = 0; s < m->count; s++) {
        model_state *st = &m->states[s];
        const uint32_t top = model_is_history(m, s) ? st->parent : s;

        if (!model_is_history(m, s) && st->kind != CHART_COMPOUND)
            continue;
        if (model_draw(src, 2) == 0)
            st->initial_count =
                model_targets(m, src, top, 1 + model_draw(src, MODEL_TARGETS), st->initial);
        st->has_initial = st->initial_count > 0;
    }
    m->arrow_count = m->count > 1 ? model_draw(src, MODEL_ARROWS) : 0;
    for (uint32_t i = 0; i < m->arrow_count; i++)
        model_arrow_draw(m, src, i);
    for (uint32_t b = 0; b < MODEL_BLOCKS; b++)
        m->raises[b] = (int8_t)(model_draw(src, 12) == 0 ? (int)model_draw(src, MODEL_EVENTS) : -1);
}

/* ---- the chart room's chart of it ---- */

static inline chart_kind model_drawn_kind(chart_kind kind)
{
    return kind == CHART_ATOMIC || kind == CHART_COMPOUND ? CHART_PLAIN : kind;
}

static inline gov_status model_fill(const model *m, chart_builder *b, const diag *d)
{
    gov_status status = GOV_OK;

    for (uint32_t s = 0; s < m->count && status == GOV_OK; s++) {
        const model_state *st = &m->states[s];
        const bool past = model_is_history(m, s);

        if (s != CHART_ROOT)
            status = chart_add_state(b,
                                     &(chart_state_def){.parent = st->parent,
                                                        .name = st->name,
                                                        .name_len = strlen(st->name),
                                                        .kind = model_drawn_kind(st->kind)},
                                     NULL, d);
        if (status == GOV_OK && !past)
            status = chart_add_entry(b, s, 4 * s, d);
        if (status == GOV_OK && !past)
            status = chart_add_entry(b, s, 4 * s + 1, d);
        if (status == GOV_OK && !past)
            status = chart_add_exit(b, s, 4 * s + 2, d);
        if (status == GOV_OK && st->has_initial)
            status = chart_set_initial(b, s, st->initial, st->initial_count, 4 * s + 3, d);
    }
    for (uint32_t i = 0; i < m->arrow_count && status == GOV_OK; i++) {
        const model_arrow *t = &m->arrows[i];
        const chart_text events[2] = {{t->events[0], strlen(t->events[0])},
                                      {t->events[1], strlen(t->events[1])}};

        status = chart_add_transition(b,
                                      &(chart_transition){.source = t->source,
                                                          .guard = t->guard,
                                                          .block = t->block,
                                                          .internal = t->internal,
                                                          .events = events,
                                                          .event_count = t->event_count,
                                                          .targets = t->targets,
                                                          .target_count = t->target_count},
                                      NULL, d);
    }
    return status;
}

static inline gov_status model_chart(const model *m, const gov_allocator *a, chart **out,
                                     const diag *d)
{
    chart_builder *b = NULL;
    gov_status status = chart_builder_new(a, &b, d);

    if (status == GOV_OK)
        status = model_fill(m, b, d);
    if (status == GOV_OK)
        status = chart_build(b, a, out, d);
    chart_builder_free(b);
    return status;
}

/* ---- appendix D ---- */

static inline void model_note(uint64_t *digest, char what, uint32_t which)
{
    *digest = (*digest ^ (uint64_t)(unsigned char)what ^ ((uint64_t)which << 8)) * 1099511628211u;
}

/* A guard: every other one looks at a state, the rest at how many actions ran. */
static inline bool model_guard(uint32_t guard, const bool *active_at, uint64_t actions)
{
    return guard % 2 == 0 ? *active_at : (actions + guard) % 3 != 0;
}

static inline void model_raise(model *m, const char *name)
{
    if (m->tail < MODEL_QUEUE)
        snprintf(m->queue[m->tail++], 64, "%s", name);
}

static inline void model_act(model *m, uint32_t block)
{
    model_note(&m->digest, '!', block);
    m->actions++;
    if (m->raises[block] >= 0)
        model_raise(m, model_events[m->raises[block]]);
}

static inline bool model_is_atomic(const model *m, uint32_t s)
{
    return m->states[s].kind == CHART_ATOMIC || m->states[s].kind == CHART_FINAL;
}

/* A history without a default takes its parent's initial states, or all regions; no initial: the first child. */
static inline size_t model_initial(const model *m, uint32_t s, uint32_t out[MODEL_STATES])
{
    const model_state *st = &m->states[s];
    size_t n = 0;

    if (st->has_initial) {
        memcpy(out, st->initial, sizeof st->initial);
        return st->initial_count;
    }
    if (model_is_history(m, s))
        return model_initial(m, st->parent, out);
    for (uint32_t k = s + 1; k < m->count && (n == 0 || st->kind == CHART_PARALLEL); k++)
        if (m->states[k].parent == s && !model_is_history(m, k))
            out[n++] = k;
    return n;
}

static inline void model_add_descendants(model *m, uint32_t s);

static inline void model_add_ancestors(model *m, uint32_t s, uint32_t top)
{
    for (uint32_t anc = m->states[s].parent; anc != top && anc != CHART_NONE;
         anc = m->states[anc].parent) {
        m->enter[anc] = true;
        if (m->states[anc].kind != CHART_PARALLEL)
            continue;
        for (uint32_t child = 0; child < m->count; child++) {
            bool some = false;

            if (m->states[child].parent != anc || model_is_history(m, child))
                continue;
            for (uint32_t x = 0; x < m->count; x++)
                some = some || (m->enter[x] && model_inside(m, x, child));
            if (!some)
                model_add_descendants(m, child);
        }
    }
}

static inline void model_add_descendants(model *m, uint32_t s)
{
    uint32_t to[MODEL_STATES];

    if (model_is_history(m, s)) {
        size_t n = 0;

        if (m->has_held[s]) {
            for (uint32_t x = 0; x < m->count; x++)
                if (m->held[s][x])
                    to[n++] = x;
        } else {
            m->defaulted[s] = m->states[s].has_initial;
            n = model_initial(m, s, to);
        }
        for (size_t i = 0; i < n; i++)
            model_add_descendants(m, to[i]);
        for (size_t i = 0; i < n; i++)
            model_add_ancestors(m, to[i], m->states[s].parent);
        return;
    }
    m->enter[s] = true;
    if (m->states[s].kind == CHART_COMPOUND) {
        const size_t n = model_initial(m, s, to);

        m->dflt[s] = true;
        for (size_t i = 0; i < n; i++)
            model_add_descendants(m, to[i]);
        for (size_t i = 0; i < n; i++)
            model_add_ancestors(m, to[i], s);
    } else if (m->states[s].kind == CHART_PARALLEL) {
        for (uint32_t child = 0; child < m->count; child++) {
            bool some = false;

            if (m->states[child].parent != s || model_is_history(m, child))
                continue;
            for (uint32_t x = 0; x < m->count; x++)
                some = some || (m->enter[x] && model_inside(m, x, child));
            if (!some)
                model_add_descendants(m, child);
        }
    }
}

static inline void model_effective(const model *m, uint32_t target, bool out[MODEL_STATES])
{
    uint32_t to[MODEL_STATES];

    if (!model_is_history(m, target)) {
        out[target] = true;
    } else if (m->has_held[target]) {
        for (uint32_t x = 0; x < m->count; x++)
            out[x] = out[x] || m->held[target][x];
    } else {
        const size_t n = model_initial(m, target, to);

        for (size_t i = 0; i < n; i++)
            model_effective(m, to[i], out);
    }
}

static inline bool model_all_inside(const model *m, const bool *set, uint32_t top)
{
    for (uint32_t x = 0; x < m->count; x++)
        if (set[x] && !model_inside(m, x, top))
            return false;
    return true;
}

static inline uint32_t model_domain(const model *m, const model_arrow *t)
{
    bool effective[MODEL_STATES] = {false};

    if (t->target_count == 0)
        return CHART_NONE;
    for (size_t i = 0; i < t->target_count; i++)
        model_effective(m, t->targets[i], effective);
    if (t->source == CHART_ROOT)
        return CHART_ROOT;
    if (t->internal && m->states[t->source].kind == CHART_COMPOUND &&
        model_all_inside(m, effective, t->source))
        return t->source;
    for (uint32_t anc = m->states[t->source].parent;; anc = m->states[anc].parent)
        if (anc == CHART_ROOT ||
            (m->states[anc].kind == CHART_COMPOUND && model_all_inside(m, effective, anc)))
            return anc;
}

static inline void model_exit_set(const model *m, const model_arrow *t, bool out[MODEL_STATES])
{
    const uint32_t domain = model_domain(m, t);

    for (uint32_t s = 0; s < m->count; s++)
        if (domain != CHART_NONE && m->active[s] && model_inside(m, s, domain))
            out[s] = true;
}

/* Events match as SCXML 3.12.1 says, but done.state.PATH and '@' by the whole name. */
static inline bool model_name_match(const char *descriptor, const char *name)
{
    char want[64];
    size_t n;

    if (strcmp(descriptor, "*") == 0)
        return name[0] != '@';
    snprintf(want, sizeof want, "%s", descriptor);
    n = strlen(want);
    if (n > 2 && strcmp(want + n - 2, ".*") == 0)
        want[n - 2] = '\0';
    else if (n > 1 && want[n - 1] == '.')
        want[n - 1] = '\0';
    n = strlen(want);
    if (strcmp(want, name) == 0)
        return true;
    if (want[0] == '@' || strncmp(want, "done.state.", 11) == 0)
        return false;
    return strncmp(want, name, n) == 0 && name[n] == '.';
}

static inline bool model_enabled(const model *m, const model_arrow *t, const char *event)
{
    bool match = event == NULL ? t->event_count == 0 : false;

    for (size_t e = 0; event != NULL && e < t->event_count; e++)
        match = match || model_name_match(t->events[e], event);
    return match && (t->guard == CHART_NONE ||
                     model_guard(t->guard, &m->active[t->guard / 2 % m->count], m->actions));
}

/* selectTransitions, with removeConflictingTransitions. */
static inline size_t model_select(const model *m, const char *event, uint32_t out[MODEL_ARROWS])
{
    uint32_t enabled[MODEL_ARROWS];
    size_t n = 0, kept = 0;

    for (uint32_t leaf = 0; leaf < m->count; leaf++) {
        bool found = !m->active[leaf] || !model_is_atomic(m, leaf);

        for (uint32_t s = leaf; s != CHART_NONE && !found; s = m->states[s].parent)
            for (uint32_t i = 0; i < m->arrow_count && !found; i++) {
                if (m->arrows[i].source != s || !model_enabled(m, &m->arrows[i], event))
                    continue;
                found = true;
                for (size_t k = 0; k < n; k++)
                    if (enabled[k] == i)
                        goto known;
                enabled[n++] = i;
            known:;
            }
    }
    for (size_t i = 0; i < n; i++) {
        const model_arrow *t1 = &m->arrows[enabled[i]];
        bool exit1[MODEL_STATES] = {false}, remove[MODEL_ARROWS] = {false}, preempted = false;
        size_t still = 0;

        model_exit_set(m, t1, exit1);
        for (size_t j = 0; j < kept && !preempted; j++) {
            bool exit2[MODEL_STATES] = {false}, meet = false;

            model_exit_set(m, &m->arrows[out[j]], exit2);
            for (uint32_t s = 0; s < m->count; s++)
                meet = meet || (exit1[s] && exit2[s]);
            if (meet && model_inside(m, t1->source, m->arrows[out[j]].source))
                remove[j] = true;
            else if (meet)
                preempted = true;
        }
        if (preempted)
            continue;
        for (size_t j = 0; j < kept; j++)
            if (!remove[j])
                out[still++] = out[j];
        out[still++] = enabled[i];
        kept = still;
    }
    return kept;
}

static inline void model_leave(model *m, uint32_t s)
{
    model_note(&m->digest, '<', s);
    model_act(m, 4 * s + 2);
    m->active[s] = false;
}

static inline void model_exit_states(model *m, const uint32_t *arrows, size_t n)
{
    bool leaving[MODEL_STATES] = {false};

    for (size_t i = 0; i < n; i++)
        model_exit_set(m, &m->arrows[arrows[i]], leaving);
    for (uint32_t h = 0; h < m->count; h++) {
        if (!model_is_history(m, h) || !leaving[m->states[h].parent])
            continue;
        m->has_held[h] = true;
        for (uint32_t x = 0; x < m->count; x++)
            m->held[h][x] = m->active[x] &&
                            (m->states[h].kind == CHART_DEEP
                                 ? model_is_atomic(m, x) && model_inside(m, x, m->states[h].parent)
                                 : m->states[x].parent == m->states[h].parent);
    }
    for (uint32_t s = m->count; s-- > 0;)
        if (leaving[s])
            model_leave(m, s);
}

static inline bool model_in_final(const model *m, uint32_t s)
{
    bool all = true, some = false;

    for (uint32_t child = 0; child < m->count; child++) {
        if (m->states[child].parent != s || model_is_history(m, child))
            continue;
        some = some || (m->states[child].kind == CHART_FINAL && m->active[child]);
        if (m->states[s].kind == CHART_PARALLEL)
            all = all && model_in_final(m, child);
    }
    return m->states[s].kind == CHART_PARALLEL ? all : m->states[s].kind == CHART_COMPOUND && some;
}

static inline void model_raise_done(model *m, uint32_t s)
{
    char path[64], name[64];

    model_path(m, s, path);
    snprintf(name, sizeof name, "done.state.%.50s", path);
    model_raise(m, name);
}

static inline void model_reach_final(model *m, uint32_t s)
{
    uint32_t up = m->states[s].parent;

    if (up == CHART_ROOT) {
        m->running = false;
        return;
    }
    model_raise_done(m, up);
    for (up = m->states[up].parent;
         up != CHART_NONE && m->states[up].kind == CHART_PARALLEL && model_in_final(m, up);
         up = m->states[up].parent)
        model_raise_done(m, up);
}

static inline void model_run_defaults(model *m, uint32_t parent)
{
    for (uint32_t h = 0; h < m->count; h++)
        if (m->defaulted[h] && m->states[h].parent == parent) {
            m->defaulted[h] = false;
            model_act(m, 4 * h + 3);
        }
}

static inline void model_enter_gathered(model *m)
{
    for (uint32_t s = 0; s < m->count; s++) {
        if (!m->enter[s])
            continue;
        m->active[s] = true;
        model_note(&m->digest, '>', s);
        model_act(m, 4 * s);
        model_act(m, 4 * s + 1);
        if (m->dflt[s] && m->states[s].has_initial)
            model_act(m, 4 * s + 3);
        model_run_defaults(m, s);
        if (m->states[s].kind == CHART_FINAL)
            model_reach_final(m, s);
    }
}

static inline void model_forget(model *m)
{
    memset(m->enter, 0, sizeof m->enter);
    memset(m->dflt, 0, sizeof m->dflt);
    memset(m->defaulted, 0, sizeof m->defaulted);
}

static inline void model_microstep(model *m, const uint32_t *arrows, size_t n)
{
    uint32_t domains[MODEL_ARROWS];

    if (++m->steps > CHART_MAX_MICROSTEPS) {
        m->endless = true;
        return;
    }
    /* Before anything is left: a history that is recorded now may lead elsewhere than before. */
    for (size_t i = 0; i < n; i++)
        domains[i] = model_domain(m, &m->arrows[arrows[i]]);
    model_exit_states(m, arrows, n);
    for (size_t i = 0; i < n; i++) {
        model_note(&m->digest, '=', arrows[i]);
        model_act(m, m->arrows[arrows[i]].block);
    }
    model_forget(m);
    for (size_t i = 0; i < n; i++) {
        const model_arrow *t = &m->arrows[arrows[i]];
        bool effective[MODEL_STATES] = {false};

        for (size_t k = 0; k < t->target_count; k++) {
            model_effective(m, t->targets[k], effective);
            model_add_descendants(m, t->targets[k]);
        }
        for (uint32_t s = 0; s < m->count; s++)
            if (effective[s])
                model_add_ancestors(m, s, domains[i]);
    }
    model_enter_gathered(m);
}

static inline void model_complete(model *m)
{
    uint32_t arrows[MODEL_ARROWS];

    while (m->running && !m->endless) {
        size_t n = model_select(m, NULL, arrows);

        if (n == 0) {
            if (m->head == m->tail)
                return;
            n = model_select(m, m->queue[m->head++], arrows);
        }
        if (n > 0)
            model_microstep(m, arrows, n);
    }
    if (!m->endless) {
        bool shown[MODEL_STATES];

        memcpy(shown, m->active, sizeof shown);
        for (uint32_t s = m->count; s-- > 0;)
            if (m->active[s])
                model_leave(m, s);
        memcpy(m->active, shown, sizeof shown);
        m->done = true;
    }
}

static inline void model_start(model *m)
{
    m->running = true;
    model_forget(m);
    model_add_descendants(m, CHART_ROOT);
    model_enter_gathered(m);
    model_complete(m);
}

/* Returns whether the event enabled a transition. After an endless step (m->endless) the caller puts things back. */
static inline bool model_send(model *m, const char *event)
{
    uint32_t arrows[MODEL_ARROWS];
    size_t n;

    m->head = m->tail = 0;
    m->steps = 0;
    if (m->done)
        return false;
    n = model_select(m, event, arrows);
    if (n > 0)
        model_microstep(m, arrows, n);
    model_complete(m);
    return n > 0;
}

/* ---- the hooks that do the same in the chart room ---- */

typedef struct model_world {
    const model *m;
    uint64_t digest, actions;
} model_world;

static inline gov_status model_hook_guard(void *user, uint32_t guard, chart_run *run, bool *holds,
                                          const diag *d)
{
    const model_world *w = user;
    const bool active =
        chart_in(chart_of_run(run), chart_current_state(run), guard / 2 % w->m->count);

    (void)d;
    *holds = model_guard(guard, &active, w->actions);
    return GOV_OK;
}

static inline gov_status model_hook_act(void *user, uint32_t block, chart_run *run, const diag *d)
{
    model_world *w = user;
    const int8_t raised = w->m->raises[block];

    (void)d;
    model_note(&w->digest, '!', block);
    w->actions++;
    return raised < 0 ? GOV_OK
                      : chart_raise(run, model_events[raised], strlen(model_events[raised]),
                                    value_absent());
}

static inline gov_status model_hook_taken(void *user, uint32_t t, chart_run *run, const diag *d)
{
    (void)run, (void)d;
    model_note(&((model_world *)user)->digest, '=', t);
    return GOV_OK;
}

static inline gov_status model_hook_exiting(void *user, uint32_t s, chart_run *run, const diag *d)
{
    (void)run, (void)d;
    model_note(&((model_world *)user)->digest, '<', s);
    return GOV_OK;
}

static inline gov_status model_hook_entering(void *user, uint32_t s, chart_run *run, const diag *d)
{
    (void)run, (void)d;
    model_note(&((model_world *)user)->digest, '>', s);
    return GOV_OK;
}

static const chart_hooks model_hooks = {.guard = model_hook_guard,
                                        .act = model_hook_act,
                                        .taken = model_hook_taken,
                                        .exiting = model_hook_exiting,
                                        .entering = model_hook_entering};

/* ---- what must hold whatever the chart ---- */

/* One active child of each active compound state, all regions of each parallel one, all ancestors. */
static inline bool model_legal(const model *m, const chart *c, const chart_state *st)
{
    if (!chart_in(c, st, CHART_ROOT))
        return false;
    for (uint32_t s = 0; s < m->count; s++) {
        uint32_t children = 0, active = 0;

        if (chart_in(c, st, s) &&
            (model_is_history(m, s) || (s != CHART_ROOT && !chart_in(c, st, m->states[s].parent))))
            return false;
        for (uint32_t k = 0; k < m->count; k++)
            if (m->states[k].parent == s && !model_is_history(m, k)) {
                children++;
                active += chart_in(c, st, k);
            }
        if (chart_in(c, st, s) && m->states[s].kind == CHART_COMPOUND && active != 1)
            return false;
        if (chart_in(c, st, s) && m->states[s].kind == CHART_PARALLEL && active != children)
            return false;
    }
    return true;
}

/* Runs events through both ways; returns what differs first, or NULL. `saving` saves and loads before each event. */
static inline const char *model_compare(model *m, const chart *c, model_source *src,
                                        unsigned events, bool saving, const diag *d)
{
    model_world w = {.m = m};
    chart_state *st = calloc(2, chart_state_size(c) + 8);
    chart_state *back = (chart_state *)(void *)((char *)st + chart_state_size(c));
    model *kept = malloc(sizeof *kept);
    const char *why = NULL;
    bool reached[MODEL_STATES], stuck[MODEL_STATES] = {false};
    base_arena scratch;
    base_buf text, again;

    base_arena_init(&scratch, NULL);
    base_buf_init(&text, NULL);
    base_buf_init(&again, NULL);
    chart_state_init(c, st);
    if (chart_reachable(c, reached, d) != GOV_OK)
        why = "no answer which states can be reached";
    m->head = m->tail = m->steps = 0;
    m->digest = m->actions = 0;
    memset(m->active, 0, sizeof m->active);
    memset(m->has_held, 0, sizeof m->has_held);
    m->done = m->endless = false;
    const chart_caller by = {&model_hooks, &w, &scratch};

    for (unsigned i = 0; i <= events && why == NULL; i++) {
        const char *name = model_events[model_draw(src, MODEL_EVENTS)];
        const size_t candidates = chart_candidates(c, st, name, strlen(name), NULL, 0);
        bool accepted = false, wanted = false;
        gov_status status;

        *kept = *m;
        if (i == 0) {
            status = chart_start(c, st, &by, d);
            model_start(m);
        } else {
            status = chart_send(c, st, &(chart_event){name, strlen(name), value_absent(), false},
                                &by, &accepted, d);
            wanted = model_send(m, name);
        }
        base_arena_reset(&scratch);
        if (m->endless != (status == GOV_E_LIMIT) || (status != GOV_OK && status != GOV_E_LIMIT))
            why = "status";
        if (m->endless) {
            *m = *kept;
            w.digest = m->digest;
            w.actions = m->actions;
            if (i == 0)
                break;
            wanted = false;
        }
        for (uint32_t s = 0; s < m->count && why == NULL; s++) {
            if (chart_in(c, st, s) != m->active[s])
                why = "configuration";
            if (m->active[s] ? !reached[s] : stuck[s])
                why = "a state said to be out of reach, or without a way out";
            stuck[s] = m->active[s] && chart_dead_end(c, s);
        }
        if (accepted && candidates == 0)
            why = "candidates";
        if (why == NULL && (accepted != wanted || chart_done(st) != m->done))
            why = "accepted or done";
        if (why == NULL && w.digest != m->digest)
            why = "order of actions";
        if (why == NULL && !model_legal(m, c, st))
            why = "illegal configuration";
        if (why == NULL && saving) {
            base_buf_clear(&text);
            base_buf_clear(&again);
            chart_save(c, st, &text);
            memset(back, 0xff, chart_state_size(c));
            if (chart_load(c, text.data, text.len, back, d) != GOV_OK || !chart_same(c, st, back))
                why = "load of what was saved";
            chart_save(c, back, &again);
            if (why == NULL &&
                (again.len != text.len || memcmp(again.data, text.data, text.len) != 0))
                why = "text of what was loaded";
            memcpy(st, back, chart_state_size(c));
        }
    }
    base_buf_free(&text);
    base_buf_free(&again);
    base_arena_free(&scratch);
    free(kept);
    free(st);
    return why;
}

#endif
