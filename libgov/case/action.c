/* Actions: what rules do when a transition is taken or a state is entered or left. */
#include "case/case.h"

#include <stdio.h>
#include <string.h>

static gov_status run_action(case_machine *m, const rulebook_action *a, chart_run *run, const diag *d);

/* Was this very rule told of before? Cases that open each other fail once for each of them. */
static bool is_told(const base_place *place, const diag *d)
{
    const gov_error *e = d != NULL && d->out != NULL ? *d->out : NULL;
    for (size_t i = 0; i < gov_error_count(e); i++) {
        const char *origin = gov_error_origin(e, i);
        if (base_error_message(e, i) == M_rule_failed && gov_error_line(e, i) == (int64_t)place->line &&
            gov_error_column(e, i) == (int64_t)place->column && origin != NULL && place->origin != NULL && strcmp(origin, place->origin) == 0)
            return true;
    }
    return false;
}

static gov_status fail_rule(const base_place *place, gov_status status, const diag *d)
{
    if (is_told(place, d))
        return status;
    return base_fail_at(d, place, M_rule_failed) == GOV_E_NOMEM ? GOV_E_NOMEM : status;
}

gov_status case_run_block(case_machine *m, const rulebook_block *block, chart_run *run, const diag *d)
{
    for (uint32_t i = 0; i < block->count; i++) {
        const gov_status status = run_action(m, &block->items[i], run, d);
        if (status != GOV_OK) {
            if (block->items[i].kind == RULEBOOK_IF)
                return status; /* it told of itself, or of the action inside */
            /* The cause stands first; then the rule that it befell. */
            return fail_rule(&block->items[i].place, status, d);
        }
    }
    return GOV_OK;
}

static gov_status run_set(case_machine *m, const rulebook_action *a, const diag *d)
{
    const expr_run er = case_expr_run(m);
    const rulebook_checking how = {.partial = true, .resolve = m->world->resolve, .user = m->user, .run = &er, .arena = m->arena};
    for (uint32_t i = 0; i < a->as.set.count; i++) {
        const rulebook_assignment *set = &a->as.set.items[i];
        const rulebook_field *f = &m->w->fields.items[set->field];
        value v, checked;
        gov_status status = expr_eval(set->expr, &er, &v, d);
        if (status == GOV_OK)
            status = rulebook_check_field(f, v, &how, &checked, d);
        if (status != GOV_OK)
            return status;
        if (!value_copy(m->arena, checked, &checked)) /* a result may point into the event or a slot */
            return base_nomem(d);
        case_put_field(m, set->field, checked);
        m->fields_dirty = true;
        value_builder_set(&m->changes, f->name, checked.kind == VALUE_ABSENT ? value_null() : checked);
    }
    return GOV_OK;
}

static gov_status data_of(case_machine *m, const expr_program *program, value *out, const diag *d)
{
    *out = value_absent();
    if (program == NULL)
        return GOV_OK;
    const expr_run er = case_expr_run(m);
    const gov_status status = expr_eval(program, &er, out, d);
    if (status != GOV_OK)
        return status;
    return value_copy(m->arena, *out, out) ? GOV_OK : base_nomem(d);
}

static gov_status run_raise(case_machine *m, const rulebook_action *a, chart_run *run, const diag *d)
{
    value data;
    const gov_status status = data_of(m, a->as.raise.data, &data, d);
    if (status != GOV_OK)
        return status;
    return chart_raise(run, a->as.raise.event, strlen(a->as.raise.event), data) == GOV_OK ? GOV_OK : base_nomem(d);
}

static gov_status send_due(case_machine *m, const rulebook_action *a, case_timer *t, const diag *d)
{
    const rulebook_send *s = &a->as.send;
    const expr_run er = case_expr_run(m);
    t->due_us = m->now_us;
    if (s->at != NULL) {
        const gov_status given = case_instant(m, s->at, &a->place, &t->due_us, &t->provisional, d);
        return given == GOV_OK && m->asked_waiting ? base_fail_at(d, &a->place, M_no_instant) : given;
    }
    if (s->after.kind == RULEBOOK_LENGTH_NONE)
        return GOV_OK;
    cal_instant end;
    gov_status status = rulebook_duration_of(&s->after, &er, &t->length, NULL, d);
    if (status == GOV_OK)
        status = case_end_of(m, m->w->calendar, m->now_us, t->length, CAL_ROLL_NONE, &end, d);
    if (status != GOV_OK)
        return status;
    t->due_us = end.us;
    t->since_us = m->now_us;
    t->provisional = end.provisional;
    return GOV_OK;
}

/* "s:ID#STEP.N": each message is its own, whatever others wait under its id. */
static const char *send_name(case_machine *m, const char *id)
{
    const size_t size = (id != NULL ? strlen(id) : 0) + 64;
    char *name = base_arena_alloc(m->arena, size);
    if (name != NULL)
        (void)snprintf(name, size, "s:%s#%lld.%zu", id != NULL ? id : "", (long long)m->steps, m->effects.len);
    return name;
}

static gov_status run_send(case_machine *m, const rulebook_action *a, const diag *d)
{
    const rulebook_send *s = &a->as.send;
    case_timer t = {.case_id = m->id, .kind = CASE_TIMER_SEND, .event = s->event};
    gov_status status = data_of(m, s->data, &t.data, d);
    if (status == GOV_OK)
        status = send_due(m, a, &t, d);
    if (status != GOV_OK)
        return status;
    const value_pair note[] = {{value_text("event"), value_text(s->event)}, {value_text("at"), value_from_us(t.due_us)},
                               {value_text("provisional"), value_bool(true)}};
    value copy;
    t.name = send_name(m, s->id);
    if (t.name == NULL || !value_copy(m->arena, value_map(note, t.provisional ? 3 : 2), &copy))
        return base_nomem(d);
    case_note_effect(m, "send", copy);
    return s->to == RULEBOOK_TO_SELF ? m->world->schedule(m, &t, d) : m->world->send(m, s, &t, d);
}

static gov_status run_branch(case_machine *m, const rulebook_action *a, chart_run *run, const diag *d)
{
    const expr_run er = case_expr_run(m);
    bool holds;
    const gov_status status = expr_eval_bool(a->as.branch.when, &er, &holds, d);
    if (status != GOV_OK)
        return fail_rule(&a->place, status, d);
    return case_run_block(m, holds ? &a->as.branch.then : &a->as.branch.otherwise, run, d);
}

static gov_status run_cancel(case_machine *m, const rulebook_action *a, const diag *d)
{
    gov_status status = m->world->cancel_sends(m, a->as.cancel.id, d);
    if (status != GOV_OK || a->as.cancel.later == NULL)
        return status;
    if (m->world->cancel != NULL)
        return m->world->cancel(m, a->as.cancel.later, d);
    /* In memory: what was foreseen comes no more. */
    const char *foreseen = case_effect_timer_name(m, a->as.cancel.id);
    case_note_effect(m, "cancel", value_text(a->as.cancel.id));
    return foreseen != NULL ? m->world->unschedule(m, foreseen, d) : base_nomem(d);
}

static gov_status run_action(case_machine *m, const rulebook_action *a, chart_run *run, const diag *d)
{
    switch (a->kind) {
    case RULEBOOK_SET:
        return run_set(m, a, d);
    case RULEBOOK_RAISE:
        return run_raise(m, a, run, d);
    case RULEBOOK_SEND:
        return run_send(m, a, d);
    case RULEBOOK_CANCEL:
        return run_cancel(m, a, d);
    case RULEBOOK_IF:
        return run_branch(m, a, run, d);
    case RULEBOOK_LOG:
        case_note_effect(m, "log", value_text(rulebook_text_in(&a->as.log.text, NULL, "")));
        return GOV_OK;
    default:
        return m->world->effect(m, a, d);
    }
}

/* ---- for effects ---- */

gov_status case_argument_length(case_machine *m, const rulebook_action *action, const char *name, bool *given, cal_duration *out,
                                const diag *d)
{
    const rulebook_argument *arg = rulebook_arg(action, name);
    const expr_run er = case_expr_run(m);
    *given = arg != NULL;
    return arg != NULL ? rulebook_duration_of(&arg->duration, &er, out, NULL, d) : GOV_OK;
}

static gov_status length_as_text(case_machine *m, const rulebook_action *action, const char *name, value *out, const diag *d)
{
    bool given;
    cal_duration length = {0};
    base_buf text;
    base_buf_init(&text, m->alloc);
    gov_status status = case_argument_length(m, action, name, &given, &length, d);
    if (status == GOV_OK)
        cal_write_duration(&text, length);
    const char *copy = status == GOV_OK && !text.failed ? base_arena_strndup(m->arena, text.data, text.len) : NULL;
    base_buf_free(&text);
    if (status == GOV_OK && copy == NULL)
        return base_nomem(d);
    *out = value_text(base_text_or_empty(copy));
    return status;
}

gov_status case_argument(case_machine *m, const rulebook_action *action, const char *name, value *out, const diag *d)
{
    const rulebook_argument *arg = rulebook_arg(action, name);
    *out = value_absent();
    if (arg == NULL)
        return GOV_OK;
    const expr_run er = case_expr_run(m);
    if (arg->expr != NULL) {
        const gov_status status = expr_eval(arg->expr, &er, out, d);
        return status != GOV_OK ? status : value_copy(m->arena, *out, out) ? GOV_OK : base_nomem(d);
    }
    if (arg->text != NULL || arg->words.count > 0) {
        *out = value_text(arg->text != NULL ? arg->text : arg->words.items[0].text);
        return GOV_OK;
    }
    if (arg->param->kind == RULEBOOK_PARAM_DURATION)
        return length_as_text(m, action, name, out, d);
    value_builder b;
    value_builder_init(&b, m->arena);
    for (uint32_t i = 0; i < arg->member_count; i++) {
        value v;
        const gov_status status = expr_eval(arg->members[i].expr, &er, &v, d);
        if (status != GOV_OK)
            return status;
        if (!value_copy(m->arena, v, &v))
            return base_nomem(d);
        value_builder_set(&b, arg->members[i].name, v);
    }
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

void case_note_effect(case_machine *m, const char *name, value data)
{
    value_pair *pair = base_arena_alloc(m->arena, sizeof *pair);
    if (pair == NULL) {
        m->effects.failed = true;
        return;
    }
    *pair = (value_pair){value_text(name), data};
    value_builder_add(&m->effects, value_map(pair, 1));
}
