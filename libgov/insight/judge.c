/* The rulebook's own indicators: which cases they look at, and which of those count. */
#include "insight/insight.h"

#include <string.h>

gov_status insight_judge_prepare(insight_tally *t, const diag *d)
{
    const rulebook_names *names = &t->g->rules->indicators;
    t->indicators = base_arena_array(&t->arena, names->count, sizeof *t->indicators);
    if (t->indicators == NULL)
        return base_nomem(d);
    for (uint32_t i = 0; i < names->count; i++) {
        const gov_status status = rulebook_get_indicator(t->g->rules, names->items[i], &t->indicators[i].rule, d);
        if (status != GOV_OK)
            return status;
    }
    t->indicator_count = names->count;
    return GOV_OK;
}

static void fill_clock(case_machine *m, const insight_clock *from)
{
    for (uint32_t i = 0; i < m->w->clock_count; i++) {
        if (strcmp(m->w->clocks[i].name, from->name) != 0)
            continue;
        case_clock *c = &m->clocks[i];
        c->state = from->state;
        c->origin_us = from->origin_us;
        c->since_us = from->since_us;
        c->due_us = from->due_us;
        c->stopped_us = from->stopped_us;
        c->breached_us = from->breached_us;
        c->budget = cal_of((cal_unit)from->unit, from->budget);
        c->used = from->used;
        c->extensions = from->extensions;
        c->extended = from->extended;
    }
}

/* A case as expressions see it. One that is pinned to an older version is read by the names that both have. */
static gov_status make_machine(insight_tally *t, const insight_case *c, const rulebook_workflow *w, case_machine *m,
                               const diag *d)
{
    *m = (case_machine){.user = t->g, .alloc = t->g->alloc, .rules = t->g->rules, .id = c->id, .now_us = t->at_us};
    gov_status status = case_machine_init(m, w, &t->page, d);
    if (status != GOV_OK)
        return status;
    m->number = c->number;
    m->opened_us = c->opened_us;
    m->closed_us = c->closed_us;
    m->grid = c->grid;
    m->unit = c->unit;
    m->staff = c->staff;
    m->reporter = c->reporter;
    m->parent = c->parent;
    for (size_t i = 0; c->doc.kind == VALUE_MAP && i < c->doc.len; i++) {
        const value key = c->doc.as.pairs[i].key;
        const uint32_t field = rulebook_field_index(&w->fields, key.as.s, key.len);
        if (field != RULEBOOK_NONE)
            case_put_field(m, field, c->doc.as.pairs[i].val);
    }
    for (const insight_clock *k = c->clocks; k != NULL; k = k->next)
        fill_clock(m, k);
    /* A state that this version does not have leaves the machine at its start. */
    status = chart_load(w->chart, c->state, c->state_len, m->state, NULL);
    return status == GOV_E_NOMEM ? base_nomem(d) : GOV_OK;
}

/* These end the report; every other error of an expression concerns the one case alone. */
static bool ends_all(gov_status status)
{
    return status == GOV_E_NOMEM || status == GOV_E_BUG || status == GOV_E_USER || (status >= 400 && status < 500);
}

static gov_status judge_one(insight_indicator *in, const expr_run *run, const diag *d)
{
    bool looks = true, counts = false;
    gov_status status = in->rule->when != NULL ? expr_eval_bool(in->rule->when, run, &looks, NULL) : GOV_OK;
    if (status == GOV_OK && !looks)
        return GOV_OK;
    if (status == GOV_OK)
        status = expr_eval_bool(in->rule->counts, run, &counts, NULL);
    if (status == GOV_E_NOMEM)
        return base_nomem(d);
    if (ends_all(status))
        return base_fail_at(d, &in->rule->place, M_report_indicator, A_S("indicator", in->rule->name));
    if (status != GOV_OK) {
        in->undecided++;
        return GOV_OK;
    }
    in->of++;
    in->counts += counts;
    return GOV_OK;
}

gov_status insight_judge(insight_tally *t, const insight_case *c, const diag *d)
{
    case_machine m;
    bool made = false;
    gov_status status = GOV_OK;
    for (size_t i = 0; i < t->indicator_count && status == GOV_OK; i++) {
        const rulebook_workflow *over = t->indicators[i].rule->over;
        if (strcmp(over->name, c->workflow) != 0)
            continue;
        if (!made) {
            status = make_machine(t, c, over, &m, d);
            made = true;
        }
        if (status == GOV_OK) {
            const expr_run run = case_expr_run(&m);
            status = judge_one(&t->indicators[i], &run, d);
        }
    }
    if (made)
        case_machine_free(&m);
    return status;
}
