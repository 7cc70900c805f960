/* The versions of its workflow that a case ran under: what its history names may be a field of any of them. */
#include "case/case.h"

#include <string.h>

static gov_status add_version(gov *g, int64_t rules, const char *workflow, case_versions *out, const diag *d)
{
    const rulebook *book;
    const rulebook_workflow *w = NULL;
    gov_status status = registry_rules(g, rules, &book, d);
    if (status == GOV_OK)
        status = rulebook_get_workflow(book, workflow, &w, d);
    if (status == GOV_OK)
        out->items[out->count++] = w;
    return status;
}

gov_status case_versions_of(gov *g, int64_t id, base_arena *arena, case_versions *out, const diag *d)
{
    static const store_sql find = {"SELECT workflow, rules, former FROM gov_case WHERE community = $1 AND id = $2"};
    store_rows rows;
    size_t len;
    value former = value_list(NULL, 0);
    *out = (case_versions){0};
    gov_status status = store_first(g->store, &find, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status;
    const char *name = base_arena_strdup(arena, store_text(&rows, 0, NULL)), *text = store_text(&rows, 2, &len);
    const int64_t rules = store_int(&rows, 1);
    status = name == NULL ? base_nomem(d) : len > 0 ? access_read_stored(g, arena, text, len, &former, d) : GOV_OK;
    if (status == GOV_OK && !value_copy(arena, former, &former))
        status = base_nomem(d);
    store_rows_close(&rows);
    out->items = status == GOV_OK ? base_arena_array(arena, former.len + 1, sizeof *out->items) : NULL;
    if (out->items == NULL)
        return status != GOV_OK ? status : base_nomem(d);
    status = add_version(g, rules, name, out, d);
    for (size_t i = 0; former.kind == VALUE_LIST && i < former.len && status == GOV_OK; i++)
        if (former.as.items[i].kind == VALUE_INT)
            status = add_version(g, former.as.items[i].as.i, name, out, d);
    return status;
}

/* One that is sensitive counts before the others, the event's input before the case's own, a later version before an earlier. */
const rulebook_field *case_named_field(const case_versions *v, const char *event, const char *name, size_t len)
{
    const rulebook_field *best = NULL;
    for (size_t i = 0; i < v->count; i++) {
        const rulebook_event *e = event != NULL ? rulebook_find_event(v->items[i], event) : NULL;
        const rulebook_field *const both[] = {e != NULL ? rulebook_find_field(&e->input, name, len) : NULL,
                                              rulebook_find_field(&v->items[i]->fields, name, len)};
        for (size_t k = 0; k < ARRAY_LEN(both); k++)
            if (both[k] != NULL && (best == NULL || (best->sensitive == NULL && both[k]->sensitive != NULL)))
                best = both[k];
    }
    return best;
}
