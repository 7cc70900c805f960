/* What the programmes' accounts come to. */
#include "insight/insight.h"

gov_status insight_program_figures(insight_tally *t, value_builder *b, const diag *d)
{
    value_builder list;
    value_builder_init(&list, &t->arena);
    value_builder_set(b, "programs", value_builder_list(&list));
    return b->failed ? base_nomem(d) : GOV_OK;
}
