/* What is wanted beside what is there. */
#include "scenario/scenario.h"

#include <string.h>

/* ---- fields ---- */

/* Keys of records, and the scenario's own names of cases. */
static gov_status resolve(void *user, rulebook_type type, value reference, int64_t *id, const diag *d)
{
    scenario_run *r = user;
    const scenario_case *c = type == RULEBOOK_CASE && reference.kind == VALUE_STRING ? scenario_case_of(r, reference.as.s) : NULL;
    if (c == NULL)
        return registry_reference(r->g, type, reference, id, d);
    *id = c->id;
    return GOV_OK;
}

gov_status scenario_field_is(scenario_run *r, case_machine *m, const rulebook_wanted *wanted, bool *is, value *found, const diag *d)
{
    const uint32_t at = rulebook_field_index(&m->w->fields, wanted->name, strlen(wanted->name));
    const rulebook_checking how = {.partial = true, .resolve = resolve, .user = r, .arena = m->arena, .place = &wanted->place};
    value want;
    *found = value_absent();
    *is = false;
    if (at == RULEBOOK_NONE)
        return GOV_OK;
    *found = case_field(m, at);
    const gov_status status = rulebook_check_field(&m->w->fields.items[at], wanted->val, &how, &want, d);
    if (status != GOV_OK)
        return status;
    *is = want.kind == VALUE_ABSENT ? found->kind == VALUE_ABSENT || found->kind == VALUE_NULL : value_equal(want, *found);
    return GOV_OK;
}

/* ---- what effects noted ---- */

/* A record's key stands for its id, the scenario's name of a case for the case. */
static gov_status stands_for(scenario_run *r, value name, int64_t id, bool *is, const diag *d)
{
    const scenario_case *c = scenario_case_of(r, name.as.s);
    const char *key = "";
    *is = c != NULL && c->id == id;
    if (*is || id <= 0)
        return GOV_OK;
    const gov_status status = registry_label(r->g, id, &key, NULL, d);
    *is = status == GOV_OK && key[0] != '\0' && value_is_text(name, key);
    return status;
}

/* An instant is written as text, as people write it. */
static gov_status same_instant(scenario_run *r, value wanted, value found, bool *is)
{
    int64_t at = 0, us = 0;
    *is = wanted.kind == VALUE_STRING && value_to_us(found, &at) && gov_time_parse(r->g, wanted.as.s, &us, NULL) == GOV_OK && us == at;
    return GOV_OK;
}

gov_status scenario_contains(scenario_run *r, value wanted, value found, bool *is, const diag *d)
{
    gov_status status = GOV_OK;
    *is = true;
    if (wanted.kind == VALUE_MAP && found.kind == VALUE_MAP) {
        for (size_t i = 0; i < wanted.len && *is && status == GOV_OK; i++)
            status = scenario_contains(r, wanted.as.pairs[i].val, value_find(found, wanted.as.pairs[i].key), is, d);
        return status;
    }
    if (wanted.kind == VALUE_LIST && found.kind == VALUE_LIST) {
        *is = wanted.len == found.len;
        for (size_t i = 0; i < wanted.len && *is && status == GOV_OK; i++)
            status = scenario_contains(r, wanted.as.items[i], found.as.items[i], is, d);
        return status;
    }
    if (wanted.kind == VALUE_STRING && found.kind == VALUE_TIMESTAMP)
        return same_instant(r, wanted, found, is);
    if (wanted.kind == VALUE_STRING && found.kind == VALUE_INT)
        return stands_for(r, wanted, found.as.i, is, d);
    *is = wanted.kind == VALUE_NULL ? found.kind == VALUE_NULL || found.kind == VALUE_ABSENT : value_equal(wanted, found);
    return GOV_OK;
}

gov_status scenario_answer(scenario_run *r, const rulebook_step *step, value answer, const diag *d)
{
    for (size_t i = 0; i < step->gives.len; i++) {
        const value_pair *p = &step->gives.as.pairs[i];
        const value found = value_find(answer, p->key);
        const char *shown, *wanted;
        bool is = false;
        gov_status status = scenario_contains(r, p->val, found, &is, d);
        if (status != GOV_OK)
            return status;
        if (is)
            continue;
        status = scenario_text(r, NULL, NULL, found, &shown, d);
        if (status == GOV_OK)
            status = scenario_text(r, NULL, NULL, p->val, &wanted, d);
        if (status != GOV_OK)
            return status;
        if (base_fail_at(&r->to_wrong, &step->place, M_scenario_differs, A_S("what", p->key.as.s), A_S("found", shown),
                         A_S("wanted", wanted)) == GOV_E_NOMEM)
            return base_nomem(d);
    }
    return GOV_OK;
}

/* ---- for people ---- */

gov_status scenario_text(scenario_run *r, case_machine *m, const rulebook_field *f, value v, const char **out, const diag *d)
{
    base_buf text;
    *out = "null";
    if (v.kind == VALUE_ABSENT || v.kind == VALUE_NULL)
        return GOV_OK;
    if (f != NULL && v.kind == VALUE_INT && registry_kind_of(f->type) != NULL)
        return registry_label(r->g, v.as.i, out, NULL, d);
    base_buf_init(&text, r->g->alloc);
    value_write_plain(&text, v);
    *out = text.failed ? NULL : base_arena_strndup(m != NULL ? m->arena : r->arena, text.data, text.len);
    base_buf_free(&text);
    return *out != NULL ? GOV_OK : base_nomem(d);
}
