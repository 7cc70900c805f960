/* Programmes, their rules and items by name; what their expressions come to. */
#include "points/points.h"

#include <string.h>

/* ---- finding ---- */

static const points_programme *content(const rulebook_section *s)
{
    return strcmp(s->kind, points_section.key) == 0 ? s->content : NULL;
}

const points_programme *points_at(const rulebook *rb, uint32_t i)
{
    for (uint32_t k = 0; k < rb->section_count; k++) {
        const points_programme *p = content(&rb->sections[k]);
        if (p != NULL && i-- == 0)
            return p;
    }
    return NULL;
}

const points_programme *points_find(const rulebook *rb, const char *name)
{
    const points_programme *found = NULL, *p;
    for (uint32_t i = 0; (p = points_at(rb, i)) != NULL; i++) {
        if (name != NULL && strcmp(p->name, name) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = p;
    }
    return found;
}

const points_rule *points_find_rule(const points_programme *p, const char *name, bool takes)
{
    for (uint32_t i = 0; i < p->rule_count; i++)
        if (p->rules[i].takes == takes && strcmp(p->rules[i].name, name) == 0)
            return &p->rules[i];
    return NULL;
}

const points_item *points_find_item(const points_programme *p, const char *name)
{
    for (uint32_t i = 0; i < p->item_count; i++)
        if (strcmp(p->items[i].name, name) == 0)
            return &p->items[i];
    return NULL;
}

enum { MOST_NAMES = 64 };

static gov_status no_rule(const rulebook *rb, const char *rule, bool takes, const base_place *place,
                          const diag *d)
{
    const char *names[MOST_NAMES];
    const points_programme *p;
    size_t count = 0;
    for (uint32_t i = 0; (p = points_at(rb, i)) != NULL; i++)
        for (uint32_t j = 0; j < p->rule_count && count < MOST_NAMES; j++)
            if (p->rules[j].takes == takes)
                names[count++] = p->rules[j].name;
    const char *near = base_nearest(rule, strlen(rule), names, count);
    if (near != NULL)
        return base_fail_at(d, place, M_points_rule_near, A_S("rule", rule), A_S("near", near));
    return base_fail_at(d, place, M_points_rule_unknown, A_S("rule", rule));
}

static bool is_called(const points_programme *p, const char *name)
{
    return name == NULL || strcmp(p->name, name) == 0;
}

gov_status points_unknown(const rulebook *rb, const char *name, size_t len, const base_place *place, const diag *d)
{
    if (name == NULL)
        return base_fail_at(d, place, M_points_unknown);
    return base_fail_at(d, place, M_points_unknown, A_N("programme", name, len),
                        A_S("near", rulebook_defined_near(rb, points_section.key, name, len)));
}

gov_status points_find_for(const rulebook *rb, const char *programme, const char *rule, bool takes,
                           const base_place *place, const points_programme **out,
                           const points_rule **rule_out, const diag *d)
{
    const points_programme *p;
    *out = NULL;
    for (uint32_t i = 0; (p = points_at(rb, i)) != NULL; i++) {
        const points_rule *r = is_called(p, programme) ? points_find_rule(p, rule, takes) : NULL;
        if (r != NULL && *out != NULL)
            return base_fail_at(d, place, M_points_rule_twice, A_S("rule", rule));
        if (r != NULL) {
            *out = p;
            *rule_out = r;
        }
    }
    if (*out != NULL)
        return GOV_OK;
    if (programme != NULL && points_find(rb, programme) == NULL)
        return points_unknown(rb, programme, strlen(programme), place, d);
    return no_rule(rb, rule, takes, place, d);
}

gov_status points_find_item_for(const rulebook *rb, const char *programme, const char *item, const base_place *place,
                                const points_programme **out, const points_item **item_out, const diag *d)
{
    const char *names[MOST_NAMES];
    const points_programme *p;
    size_t count = 0;
    *out = NULL;
    for (uint32_t i = 0; (p = points_at(rb, i)) != NULL; i++) {
        const points_item *found = is_called(p, programme) ? points_find_item(p, item) : NULL;
        if (found != NULL && *out != NULL)
            return base_fail_at(d, place, M_points_item_twice, A_S("item", item));
        if (found != NULL) {
            *out = p;
            *item_out = found;
        }
        for (uint32_t k = 0; k < p->item_count && count < MOST_NAMES; k++)
            names[count++] = p->items[k].name;
    }
    if (*out != NULL)
        return GOV_OK;
    if (programme != NULL && points_find(rb, programme) == NULL)
        return points_unknown(rb, programme, strlen(programme), place, d);
    return base_fail_at(d, place, M_points_item_unknown, A_S("item", item),
                        A_S("near", base_nearest(item, strlen(item), names, count)));
}

const char *points_words_of(const gov *g, const rulebook_text *t, const char *fallback)
{
    return rulebook_text_in(t, g->rules->languages.count > 0 ? g->rules->languages.items[0] : "", fallback);
}

/* ---- expressions ---- */

static bool reads(const expr_program *e, uint32_t slot)
{
    size_t n;
    const uint32_t *slots = expr_program_slots(e, &n);
    for (size_t i = 0; i < n; i++)
        if (slots[i] == slot)
            return true;
    return false;
}

static gov_status holder_value(gov *g, int64_t holder, value *out, const diag *d)
{
    registry_record r;
    *out = value_null();
    if (holder == 0)
        return GOV_OK;
    const gov_status rc = registry_load(g, holder, &g->scratch, &r, d);
    return rc == GOV_OK ? registry_it(g, &r, &g->scratch, out, d) : rc;
}

gov_status points_eval(gov *g, const points_programme *p, const expr_program *e, const points_asking *who, value *out,
                       const diag *d)
{
    const value *presets;
    uint32_t count;
    const rulebook_slot *common = rulebook_common_slots(g->rules, &presets, &count);
    value *slots = base_arena_array(&g->scratch, (size_t)p->slot_count + count + 1, sizeof *slots);
    if (slots == NULL)
        return base_nomem(d);
    if (count > 0)
        memcpy(slots, presets, count * sizeof *slots);
    for (uint32_t i = 0; i < count; i++)
        if (common[i].kind == RULEBOOK_SLOT_NOW)
            slots[i] = value_from_us(access_now(g));
    if (who != NULL && p->slot_count > 0) {
        slots[p->quantity_slot] = value_int(who->quantity);
        if (reads(e, p->holder_slot)) {
            const gov_status rc = holder_value(g, who->holder, &slots[p->holder_slot], d);
            if (rc != GOV_OK)
                return rc;
        }
    }
    const expr_run run = {.slots = slots,
                          .slot_count = p->slot_count > count ? p->slot_count : count,
                          .scratch = &g->scratch,
                          .now_us = access_now(g),
                          .zone = g->rules->zone};
    return expr_eval(e, &run, out, d);
}

gov_status points_int(gov *g, const points_programme *p, const expr_program *e, const points_asking *who, int64_t *out,
                      const diag *d)
{
    value v;
    const gov_status rc = points_eval(g, p, e, who, &v, d);
    *out = rc == GOV_OK && v.kind == VALUE_INT ? v.as.i : 0;
    if (rc == GOV_OK && (v.kind != VALUE_INT || v.as.i < 0))
        return base_fail(d, M_points_amount, A_I("points", *out));
    return rc;
}
