/* What the programmes' accounts come to: the points that are given, taken and held, and that all of them sum to zero. */
#include "insight/insight.h"

#include "points/points.h"

#include <string.h>

static gov_status put_points(insight_tally *t, value_builder *list, const points_programme *p, const diag *d)
{
    points_total total;
    value_builder b;
    const gov_status status = points_total_of(t->g, p, &total, d);
    if (status != GOV_OK)
        return status;
    const int64_t gone = total.taken + total.spent + total.expired;
    /* What a few holders have together would tell on them. */
    const insight_mark few = insight_few(t, total.holders);
    const insight_mark hidden = few != INSIGHT_PLAIN ? INSIGHT_HIDDEN : INSIGHT_PLAIN;
    value_builder_init(&b, &t->arena);
    insight_put(&b, "program", p->name);
    insight_put(&b, "title", rulebook_text_in(&p->title, t->lang, p->name));
    insight_put(&b, "unit", rulebook_text_in(&p->unit, t->lang, ""));
    value_builder_set(&b, "accounts", insight_count(total.holders, few));
    value_builder_set(&b, "issued", insight_count(total.given, hidden));
    value_builder_set(&b, "spent", insight_count(gone, hidden));
    value_builder_set(&b, "held", insight_count(total.out, hidden));
    value_builder_set(&b, "sum", value_int(total.sum));
    value_builder_set(&b, "balanced", value_bool(total.sum == 0 && total.given - gone == total.out));
    insight_add_map(list, &b);
    return GOV_OK;
}

/* An account belongs to a holder, not to a case: what all of them have is not for a role that is bound to a part. Such a reader
 * gets an empty list, and the pages leave the section out. */
gov_status insight_program_figures(insight_tally *t, value_builder *b, const diag *d)
{
    const rulebook *rb = t->g->rules;
    const gov_status whole = access_check_whole(t->g, "report.read", NULL);
    value_builder list;
    if (whole != GOV_OK && whole != GOV_E_DENIED)
        return whole;
    value_builder_init(&list, &t->arena);
    for (uint32_t i = 0; i < rb->section_count && whole == GOV_OK; i++) {
        if (strcmp(rb->sections[i].kind, "points") != 0)
            continue;
        const points_programme *p = points_find(rb, rb->sections[i].name);
        const gov_status status = p != NULL ? put_points(t, &list, p, d) : GOV_OK;
        if (status != GOV_OK)
            return status;
    }
    value_builder_set(b, "programs", value_builder_list(&list));
    return list.failed ? base_nomem(d) : GOV_OK;
}
