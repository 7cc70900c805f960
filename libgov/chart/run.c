/* The interpreter: one external event is one macrostep, as in appendix D of SCXML. */
#include "chart/layout.h"

#include <string.h>

typedef struct queued queued;
struct queued {
    queued *next;
    chart_event event;
    uint32_t word;
};

/* One macrostep. Everything lies in one block of the scratch arena and works on a copy of the state, which
 * replaces the caller's at the end. */
struct chart_run {
    const chart *c;
    const chart_caller *by;
    const chart_hooks *hooks;
    const diag *d;
    chart_state *state;
    const chart_event *event; /* the current one */
    queued *first, *last;     /* the internal queue */
    uint64_t *seen, *exit, *enter, *dflt;
    uint32_t *enabled, *domains; /* transitions of this microstep and what they stay inside of */
    uint32_t enabled_count;
    uint32_t *defaulted;
    uint32_t defaulted_count;
    uint32_t steps;
    bool ended;
};

const chart_event *chart_current_event(const chart_run *run)
{
    return run->event;
}

const chart_state *chart_current_state(const chart_run *run)
{
    return run->state;
}

const chart *chart_of_run(const chart_run *run)
{
    return run->c;
}

/* ---- the internal queue ---- */

static gov_status enqueue(chart_run *run, const chart_event *event, uint32_t word)
{
    queued *q = base_arena_alloc(run->by->scratch, sizeof *q);
    if (q == NULL)
        return base_nomem(run->d);
    q->event = *event;
    q->event.internal = true;
    q->word = word;
    if (run->last == NULL)
        run->first = q;
    else
        run->last->next = q;
    run->last = q;
    return GOV_OK;
}

gov_status chart_raise(chart_run *run, const char *name, size_t len, value data)
{
    const char *copy = base_arena_strndup(run->by->scratch, name, len);
    if (copy == NULL)
        return base_nomem(run->d);
    return enqueue(run, &(chart_event){copy, len, data, true}, chart_word_of(run->c, name, len));
}

static gov_status raise_done(chart_run *run, uint32_t state)
{
    const chart_node *n = &run->c->nodes[state];
    const chart_event e = {n->done_name, CHART_DONE_PREFIX_LEN + n->path_len, value_absent(), true};
    return enqueue(run, &e, n->done_event);
}

/* ---- which transitions ---- */

/* The first transition of `list` that admits the event and whose guard holds. */
static gov_status first_enabled(chart_run *run, chart_list list, uint32_t *found)
{
    *found = CHART_NONE;
    for (uint32_t i = 0; i < list.count; i++) {
        const chart_transition *t = &run->c->arrows[list.items[i]];
        bool holds = true;
        gov_status status = GOV_OK;
        if (t->asks)
            status = run->hooks->admits(run->by->user, list.items[i], run, &holds, run->d);
        if (status == GOV_OK && holds && t->guard != CHART_NONE)
            status = run->hooks->guard(run->by->user, t->guard, run, &holds, run->d);
        if (status != GOV_OK)
            return status;
        if (holds) {
            *found = list.items[i];
            return GOV_OK;
        }
    }
    return GOV_OK;
}

/* From each active atomic state upwards, the first state with an enabled transition. A state seen before, on
 * the way from another region, was decided then, with all that is above it. */
static gov_status select_arrows(chart_run *run, uint32_t word)
{
    const chart *c = run->c;
    const chart_word *w = &c->events[word];
    const uint64_t *active = run->state->rows;
    uint64_t any = 0;
    run->enabled_count = 0;
    for (uint32_t k = 0; k < c->words; k++)
        any |= w->has[k] & active[k];
    if (any == 0)
        return GOV_OK;
    memset(run->seen, 0, c->words * sizeof *run->seen);
    for (uint32_t k = 0; k < c->words; k++) {
        for (uint64_t leaves = active[k] & c->leaves[k]; leaves != 0; leaves &= leaves - 1) {
            uint32_t s = k * 64 + (uint32_t)__builtin_ctzll(leaves);
            uint32_t found = CHART_NONE;
            for (; s != CHART_NONE && found == CHART_NONE && !bit_has(run->seen, s);
                 s = c->nodes[s].parent) {
                bit_add(run->seen, s);
                if (!bit_has(w->has, s))
                    continue;
                const gov_status status = first_enabled(run, word_arrows(w, s), &found);
                if (status != GOV_OK)
                    return status;
            }
            if (found != CHART_NONE)
                run->enabled[run->enabled_count++] = found;
        }
    }
    return GOV_OK;
}

static uint32_t domain_of(chart_run *run, uint32_t arrow)
{
    const chart_route *r = &run->c->routes[arrow];
    return r->by_history ? chart_domain(run->c, run->state, &run->c->arrows[arrow]) : r->domain;
}

/* Two transitions conflict when both leave a state; each leaves all that is active inside its domain. */
static bool conflict(const chart *c, uint32_t x, uint32_t y)
{
    return x != CHART_NONE && y != CHART_NONE &&
           (x == y || node_inside(c, x, y) || node_inside(c, y, x));
}

/* Of two that conflict the one of the inner source stays, else the one that was selected first. */
static void drop_conflicts(chart_run *run)
{
    const chart *c = run->c;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < run->enabled_count; i++) {
        const uint32_t t = run->enabled[i], domain = domain_of(run, t);
        bool preempted = false;
        for (uint32_t j = 0; j < kept && !preempted; j++)
            preempted = conflict(c, domain, run->domains[j]) &&
                        !node_inside(c, c->arrows[t].source, c->arrows[run->enabled[j]].source);
        if (preempted)
            continue;
        uint32_t still = 0;
        for (uint32_t j = 0; j < kept; j++) {
            if (conflict(c, domain, run->domains[j]))
                continue;
            run->enabled[still] = run->enabled[j];
            run->domains[still++] = run->domains[j];
        }
        run->enabled[still] = t;
        run->domains[still] = domain;
        kept = still + 1;
    }
    run->enabled_count = kept;
}

/* ---- one microstep ---- */

static gov_status run_block(chart_run *run, uint32_t block)
{
    return block != CHART_NONE ? run->hooks->act(run->by->user, block, run, run->d) : GOV_OK;
}

static gov_status run_blocks(chart_run *run, chart_list blocks)
{
    gov_status status = GOV_OK;
    for (uint32_t i = 0; i < blocks.count && status == GOV_OK; i++)
        status = run_block(run, blocks.items[i]);
    return status;
}

static void record_history(chart_run *run, uint32_t state)
{
    const chart *c = run->c;
    const chart_node *n = &c->nodes[state];
    for (uint32_t i = 0; i < n->histories.count; i++) {
        const chart_node *h = &c->nodes[n->histories.items[i]];
        uint64_t *row = state_history(c, run->state, h->slot);
        memset(row, 0, c->words * sizeof *row);
        if (h->kind == CHART_DEEP) {
            bit_or_range(row, run->state->rows, state + 1, n->last);
            for (uint32_t k = 0; k < c->words; k++)
                row[k] &= c->leaves[k];
            continue;
        }
        for (uint32_t j = 0; j < n->children.count; j++)
            if (bit_has(run->state->rows, n->children.items[j]))
                bit_add(row, n->children.items[j]);
    }
}

static gov_status exit_state(chart_run *run, uint32_t s)
{
    void *user = run->by->user;
    const chart_hooks *h = run->hooks;
    gov_status status = h->exiting != NULL ? h->exiting(user, s, run, run->d) : GOV_OK;
    if (status == GOV_OK)
        status = run_blocks(run, run->c->nodes[s].exit);
    bit_drop(run->state->rows, s);
    if (status == GOV_OK && h->exited != NULL)
        status = h->exited(user, s, run, run->d);
    return status;
}

static gov_status exit_states(chart_run *run)
{
    const chart *c = run->c;
    memset(run->exit, 0, c->words * sizeof *run->exit);
    for (uint32_t i = 0; i < run->enabled_count; i++)
        if (run->domains[i] != CHART_NONE)
            bit_or_range(run->exit, run->state->rows, run->domains[i] + 1,
                         c->nodes[run->domains[i]].last);
    if (c->history_count > 0)
        for (uint32_t s = bit_next(run->exit, c->words, 0); s != CHART_NONE;
             s = bit_next(run->exit, c->words, s + 1))
            record_history(run, s);
    gov_status status = GOV_OK;
    for (uint32_t s = bit_prev(run->exit, c->count); s != CHART_NONE && status == GOV_OK;
         s = bit_prev(run->exit, s))
        status = exit_state(run, s);
    return status;
}

static gov_status take(chart_run *run)
{
    for (uint32_t i = 0; i < run->enabled_count; i++) {
        const uint32_t t = run->enabled[i];
        gov_status status = GOV_OK;
        if (run->hooks->taken != NULL)
            status = run->hooks->taken(run->by->user, t, run, run->d);
        if (status == GOV_OK)
            status = run_block(run, run->c->arrows[t].block);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

static void find_entries(chart_run *run)
{
    const chart *c = run->c;
    memset(run->enter, 0, c->words * sizeof *run->enter);
    memset(run->dflt, 0, c->words * sizeof *run->dflt);
    run->defaulted_count = 0;
    for (uint32_t i = 0; i < run->enabled_count; i++) {
        if (run->domains[i] == CHART_NONE)
            continue;
        const chart_route *r = &c->routes[run->enabled[i]];
        if (r->enter != NULL) {
            for (uint32_t k = 0; k < c->words; k++) {
                run->enter[k] |= r->enter[k];
                run->dflt[k] |= r->dflt[k];
            }
            continue;
        }
        chart_entry e = {
            c, run->state, false, run->enter, run->dflt, run->defaulted, run->defaulted_count};
        chart_enter_targets(&e, &c->arrows[run->enabled[i]], run->domains[i]);
        run->defaulted_count = e.defaulted_count;
    }
}

/* The actions of the history defaults of `state`, which is being entered, once each. */
static gov_status run_defaults(chart_run *run, uint32_t state)
{
    gov_status status = GOV_OK;
    for (uint32_t i = 0; i < run->defaulted_count && status == GOV_OK; i++) {
        const uint32_t h = run->defaulted[i];
        if (h == CHART_NONE || run->c->nodes[h].parent != state)
            continue;
        run->defaulted[i] = CHART_NONE;
        status = run_block(run, run->c->nodes[h].block);
    }
    return status;
}

/* Is the state's part of the run over? */
static bool complete(const chart_run *run, uint32_t state)
{
    const chart *c = run->c;
    const chart_node *n = &c->nodes[state];
    for (uint32_t i = 0; i < n->children.count; i++) {
        const uint32_t child = n->children.items[i];
        if (n->kind == CHART_PARALLEL
                ? !complete(run, child)
                : c->nodes[child].kind == CHART_FINAL && bit_has(run->state->rows, child))
            return n->kind != CHART_PARALLEL;
    }
    return n->kind == CHART_PARALLEL;
}

static gov_status reach_final(chart_run *run, uint32_t final)
{
    const chart_node *nodes = run->c->nodes;
    uint32_t s = nodes[final].parent;
    if (s == CHART_ROOT) {
        run->ended = true;
        return GOV_OK;
    }
    gov_status status = raise_done(run, s);
    for (s = nodes[s].parent;
         status == GOV_OK && s != CHART_ROOT && nodes[s].kind == CHART_PARALLEL;
         s = nodes[s].parent) {
        if (!complete(run, s))
            break;
        status = raise_done(run, s);
    }
    return status;
}

static gov_status enter_state(chart_run *run, uint32_t s)
{
    const chart_node *n = &run->c->nodes[s];
    const chart_hooks *h = run->hooks;
    void *user = run->by->user;
    gov_status status = GOV_OK;
    bit_add(run->state->rows, s);
    if (status == GOV_OK && h->entering != NULL)
        status = h->entering(user, s, run, run->d);
    if (status == GOV_OK)
        status = run_blocks(run, n->entry);
    if (status == GOV_OK && bit_has(run->dflt, s))
        status = run_block(run, n->block);
    if (status == GOV_OK && run->defaulted_count > 0)
        status = run_defaults(run, s);
    if (status == GOV_OK && h->entered != NULL)
        status = h->entered(user, s, run, run->d);
    if (status == GOV_OK && n->kind == CHART_FINAL)
        status = reach_final(run, s);
    return status;
}

static gov_status enter_states(chart_run *run)
{
    const chart *c = run->c;
    gov_status status = GOV_OK;
    for (uint32_t s = bit_next(run->enter, c->words, 0); s != CHART_NONE && status == GOV_OK;
         s = bit_next(run->enter, c->words, s + 1))
        status = enter_state(run, s);
    return status;
}

/* Of the starting itself there is no event to name, only the state. */
static gov_status endless(const chart_run *run)
{
    const chart_event *e = run->event;
    return base_fail(run->d, M_chart_endless, A_N("event", e != NULL ? e->name : "", e != NULL ? e->len : 0),
                     A_I("limit", CHART_MAX_MICROSTEPS), A_S("state", chart_path(run->c, run->c->arrows[run->enabled[0]].source)));
}

static gov_status microstep(chart_run *run)
{
    if (++run->steps > CHART_MAX_MICROSTEPS)
        return endless(run);
    drop_conflicts(run);
    gov_status status = exit_states(run);
    if (status == GOV_OK)
        status = take(run);
    if (status != GOV_OK)
        return status;
    find_entries(run);
    return enter_states(run);
}

/* ---- a macrostep ---- */

static gov_status handle(chart_run *run, const chart_event *event, uint32_t word)
{
    run->event = event;
    gov_status status = select_arrows(run, word);
    if (status == GOV_OK && run->hooks->event != NULL)
        status = run->hooks->event(run->by->user, event, run->enabled_count, run, run->d);
    if (status == GOV_OK && run->enabled_count > 0)
        status = microstep(run);
    return status;
}

/* Eventless transitions first, then the internal queue, until nothing is enabled and nothing waits. */
static gov_status run_to_completion(chart_run *run)
{
    while (!run->ended) {
        gov_status status = select_arrows(run, WORD_ALWAYS);
        if (status == GOV_OK && run->enabled_count > 0) {
            status = microstep(run);
        } else if (status == GOV_OK) {
            queued *q = run->first;
            if (q == NULL)
                return GOV_OK;
            run->first = q->next;
            if (run->first == NULL)
                run->last = NULL;
            status = handle(run, &q->event, q->word);
        }
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

/* The end: all are exited, inner first. What was active stays visible. */
static gov_status finish(chart_run *run)
{
    const size_t bytes = run->c->words * sizeof(uint64_t);
    gov_status status = GOV_OK;
    memcpy(run->exit, run->state->rows, bytes);
    for (uint32_t s = bit_prev(run->exit, run->c->count); s != CHART_NONE && status == GOV_OK;
         s = bit_prev(run->exit, s))
        status = exit_state(run, s);
    memcpy(run->state->rows, run->exit, bytes);
    run->state->flags |= STATE_DONE;
    return status;
}

static void *carve(char **at, size_t bytes)
{
    void *p = *at;
    *at += (bytes + 7) & ~(size_t)7;
    return p;
}

static gov_status begin(const chart *c, const chart_state *s, const chart_caller *by, const diag *d,
                        chart_run **out)
{
    const size_t row = c->words * sizeof(uint64_t),
                 list = ((size_t)c->leaf_count + 1) * sizeof(uint32_t);
    const size_t size = chart_state_size(c),
                 past = ((size_t)c->history_count + 1) * sizeof(uint32_t);
    if ((c->guarded && by->hooks->guard == NULL) || (c->acting && by->hooks->act == NULL) || (c->asking && by->hooks->admits == NULL) ||
        s->words != c->words * (c->history_count + 1))
        return base_fail(d, M_bad_argument, A_S("what", "a chart's hooks or state"));
    char *at = base_arena_alloc(by->scratch,
                                sizeof(chart_run) + size + 4 * row + 2 * (list + 8) + past + 16);
    if (at == NULL)
        return base_nomem(d);
    chart_run *run = carve(&at, sizeof *run);
    *run = (chart_run){.c = c, .by = by, .hooks = by->hooks, .d = d};
    run->state = carve(&at, size);
    run->seen = carve(&at, row);
    run->exit = carve(&at, row);
    run->enter = carve(&at, row);
    run->dflt = carve(&at, row);
    run->enabled = carve(&at, list);
    run->domains = carve(&at, list);
    run->defaulted = carve(&at, past);
    memcpy(run->state, s, size);
    *out = run;
    return GOV_OK;
}

static gov_status conclude(chart_run *run, chart_state *s, gov_status status)
{
    if (status == GOV_OK)
        status = run_to_completion(run);
    if (status == GOV_OK && run->ended)
        status = finish(run);
    if (status == GOV_OK)
        memcpy(s, run->state, chart_state_size(run->c));
    return status;
}

gov_status chart_start(const chart *c, chart_state *s, const chart_caller *by, const diag *d)
{
    chart_run *run;
    if (chart_started(s))
        return base_fail(d, M_chart_was_started);
    gov_status status = begin(c, s, by, d, &run);
    if (status != GOV_OK)
        return status;
    run->state->flags |= STATE_STARTED;
    chart_entry e = {c, run->state, false, run->enter, run->dflt, run->defaulted, 0};
    chart_enter_inside(&e, CHART_ROOT);
    run->defaulted_count = e.defaulted_count;
    return conclude(run, s, enter_states(run));
}

gov_status chart_send(const chart *c, chart_state *s, const chart_event *event,
                      const chart_caller *by, bool *accepted, const diag *d)
{
    chart_run *run;
    if (accepted != NULL)
        *accepted = false;
    if (!chart_started(s))
        return base_fail(d, M_chart_not_started);
    if (chart_done(s))
        return GOV_OK;
    gov_status status = begin(c, s, by, d, &run);
    if (status != GOV_OK)
        return status;
    const chart_event external = {event->name, event->len, event->data, false};
    status = handle(run, &external, chart_word_of(c, event->name, event->len));
    const bool taken = run->enabled_count > 0;
    status = conclude(run, s, status);
    if (accepted != NULL)
        *accepted = status == GOV_OK && taken;
    return status;
}

gov_status chart_would_take(const chart *c, const chart_state *s, const chart_event *event, const chart_caller *by,
                            uint32_t *out, size_t cap, size_t *count, const diag *d)
{
    chart_run *run;
    *count = 0;
    if (!chart_started(s) || chart_done(s))
        return GOV_OK;
    gov_status status = begin(c, s, by, d, &run);
    if (status != GOV_OK)
        return status;
    const chart_event external = {event->name, event->len, event->data, false};
    run->event = &external;
    status = select_arrows(run, chart_word_of(c, event->name, event->len));
    if (status != GOV_OK)
        return status;
    drop_conflicts(run);
    for (size_t i = 0; i < run->enabled_count && i < cap; i++)
        out[i] = run->enabled[i];
    *count = run->enabled_count;
    return GOV_OK;
}
