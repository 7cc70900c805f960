/* Clocks: what starts, stops and pauses them, their budgets, marks and extensions. */
#include "rulebook/workflow.h"
#include "rulebook/grammar.h"

#include <string.h>

const rulebook_clock *rulebook_find_clock(const rulebook_workflow *w, const char *name)
{
    for (uint32_t i = 0; i < w->clock_count; i++)
        if (strcmp(w->clocks[i].name, name) == 0)
            return &w->clocks[i];
    return NULL;
}

/* ---- what a clock listens to ---- */

static rulebook_trigger read_trigger(rulebook_loader *l, const rb_node *n, bool states_only)
{
    rulebook_trigger t = {.state = RULEBOOK_NONE};
    uint32_t state;
    t.place = rb_place(n);
    t.name = rb_read_event(l, n, "clock");
    if (t.name == NULL)
        return t;
    const bool found = chart_resolve_inside(l->work->builder, CHART_ROOT, t.name, strlen(t.name), &state) == CHART_FOUND;
    const bool event = !states_only && rulebook_find_event(l->work->w, t.name) != NULL;
    if (found && event)
        rb_fail(l, n, M_state_or_event, A_S("name", t.name));
    if (found)
        t.state = state;
    else if (states_only)
        rb_report_state(l, n, t.name, strlen(t.name));
    return t;
}

static rulebook_triggers read_triggers(rulebook_loader *l, const rb_node *n, const char *what, bool states_only)
{
    rulebook_triggers out = {0};
    if (n == NULL)
        return out;
    const bool one = n->kind == RB_SCALAR;
    if (!one && !rb_expect(l, n, RB_LIST, what))
        return out;
    rulebook_trigger *items = rb_alloc(l, one ? 1 : n->count, sizeof *items);
    if (items == NULL)
        return out;
    for (uint32_t i = 0; i < (one ? 1 : n->count) && !rb_out(l); i++) {
        items[out.count] = read_trigger(l, one ? n : n->as.items[i], states_only);
        out.count += items[out.count].name != NULL;
    }
    if (out.count == 0 && !rb_out(l) && !one && n->count == 0)
        rb_fail(l, n, M_empty, A_S("what", what));
    out.items = items;
    return out;
}

/* ---- marks and extensions ---- */

static bool read_mark(rulebook_loader *l, const rb_pair *pair, rulebook_mark *m)
{
    const rb_node *key = pair->key;
    const char *s = key->as.text;
    m->place = rb_place(key);
    m->event = rb_read_event(l, pair->val, "mark");
    if (key->count > 1 && s[key->count - 1] == '%') {
        m->is_percent = true;
        if (base_parse_int(s, key->count - 1, &m->percent) && m->percent > 0 && m->percent <= 10000)
            return m->event != NULL;
    } else if (key->count > 1 && s[0] == '+') {
        size_t skip = 1;
        while (skip < key->count && s[skip] == ' ')
            skip++;
        m->after = rb_duration_text(l, key, s + skip, key->count - skip, l->scope);
        return m->event != NULL;
    }
    rb_fail(l, key, M_bad_mark, A_N("text", s, key->count));
    return m->event != NULL; /* which the workflow takes, whenever it comes */
}

static void read_marks(rulebook_loader *l, const rb_node *n, rulebook_clock *c)
{
    if (n == NULL || !rb_expect(l, n, RB_MAP, "marks"))
        return;
    rulebook_mark *marks = rb_alloc(l, n->count, sizeof *marks);
    if (marks == NULL)
        return;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++)
        c->mark_count += read_mark(l, &n->as.pairs[i], &marks[c->mark_count]);
    c->marks = marks;
}

/* Is there a budget that such an amount can be added to? */
static bool adds_to(const rulebook_duration *budget, cal_unit unit)
{
    bool any = budget->kind != RULEBOOK_LENGTH_CASES && (budget->kind != RULEBOOK_LENGTH_FIXED || budget->fixed.unit == unit);
    for (uint32_t i = 0; budget->kind == RULEBOOK_LENGTH_CASES && i < budget->case_count; i++)
        any = any || adds_to(&budget->cases[i].is, unit);
    return any;
}

/* An extension that could never be granted is a mistake, and not first when somebody asks for it. */
static void check_extension(rulebook_loader *l, const rb_node *n, const rulebook_clock *c)
{
    const rulebook_duration *amount = &c->extend.amount, *most = &c->extend.at_most;
    if (c->due != NULL)
        rb_fail(l, n, M_not_together, A_S("a", "due"), A_S("b", "extend"));
    if (amount->kind != RULEBOOK_LENGTH_FIXED) {
        if (most->kind == RULEBOOK_LENGTH_FIXED && !adds_to(&c->budget, most->fixed.unit)) /* the amount has the budget's unit */
            rb_fail(l, rb_get(n, "at_most"), M_extend_never, A_S("why", "at_most"));
        return;
    }
    if (amount->fixed.amount <= 0)
        rb_fail(l, rb_get(n, "amount"), M_extend_never, A_S("why", "amount"));
    else if (!adds_to(&c->budget, amount->fixed.unit))
        rb_fail(l, rb_get(n, "amount"), M_extend_never, A_S("why", "budget"));
    else if (most->kind == RULEBOOK_LENGTH_FIXED &&
             (most->fixed.unit != amount->fixed.unit || most->fixed.amount < amount->fixed.amount))
        rb_fail(l, rb_get(n, "at_most"), M_extend_never, A_S("why", "at_most"));
}

static void read_extension(rulebook_loader *l, const rb_node *n, rulebook_clock *c)
{
    c->extend.times = -1;
    if (!rulebook_read_keys(l, n, "extend", rb_keys_extend))
        return;
    c->extend.place = rb_place(n);
    c->extend.event = rb_read_event(l, rb_get(n, "event"), "event");
    const rb_context context = c->extend.event != NULL
                                   ? rb_event_context(l, c->extend.event, strlen(c->extend.event))
                                   : l->work->anywhere;
    c->extend.amount = rb_event_duration(l, rb_get(n, "amount"), &context);
    c->extend.at_most = rb_event_duration(l, rb_get(n, "at_most"), &context);
    c->extend.times = rulebook_read_int(l, rb_get(n, "times"), "times", 1, 1000000, -1);
    check_extension(l, n, c);
    c->extend.before_breach = rulebook_read_bool(l, rb_get(n, "before_breach"), "before_breach", false);
}

/* ---- a clock ---- */

static void read_clock(rulebook_loader *l, const rb_node *key, const rb_node *n, rulebook_clock *c)
{
    const char *around = l->calendar;

    c->place = rb_place(key);
    c->extend.times = -1;
    c->name = rulebook_read_name(l, key, "clock");
    if (c->name == NULL)
        c->name = "";
    if (!rulebook_read_keys(l, n, "clock", rb_keys_clock))
        return;
    c->calendar = l->calendar = rb_calendar_choice(l, n, around);
    c->title = rulebook_read_text(l, rb_get(n, "title"));
    c->description = rulebook_read_text(l, rb_get(n, "description"));
    c->starts = read_triggers(l, rb_get(n, "starts"), "starts", false);
    c->stops = read_triggers(l, rb_get(n, "stops"), "stops", false);
    c->paused_in = read_triggers(l, rb_get(n, "paused_in"), "paused_in", true);
    c->resumes = rulebook_read_word(l, rb_get(n, "again"), "again", rb_words_again, 0) == 1;
    c->per_holder = rulebook_read_word(l, rb_get(n, "per"), "per", rb_words_per, 0) == 1;
    const rb_node *budget = rb_get(n, "budget"), *due = rb_get(n, "due");
    if (budget != NULL && due != NULL)
        rb_fail(l, rb_find(n, "due")->key, M_not_together, A_S("a", "budget"), A_S("b", "due"));
    if (budget == NULL && due == NULL)
        rb_fail(l, key, M_missing_key, A_S("key", "budget"), A_S("what", c->name));
    c->budget = rb_event_duration(l, budget, &l->work->anywhere);
    c->due = rb_event_expr(l, due, EXPR_TIMESTAMP, &l->work->anywhere);
    rb_law(l, n, &c->law, &c->roll);
    read_marks(l, rb_get(n, "marks"), c);
    read_extension(l, rb_get(n, "extend"), c);
    l->calendar = around;
}

void rb_clocks(rulebook_loader *l, const rb_node *n)
{
    rulebook_workflow *w = l->work->w;
    if (n == NULL || !rb_expect(l, n, RB_MAP, "clocks"))
        return;
    rulebook_clock *clocks = rb_alloc(l, n->count, sizeof *clocks);
    if (clocks == NULL)
        return;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++)
        read_clock(l, n->as.pairs[i].key, n->as.pairs[i].val, &clocks[i]);
    w->clocks = clocks;
    w->clock_count = rb_out(l) ? 0 : n->count;
}
