/* The rulebook's `points` definitions. */
#include "points/points.h"

#include <string.h>

/* ---- reading ---- */

static void read_rules(rulebook_loader *l, const rb_node *map, bool takes, points_rule *rules,
                       uint32_t *count)
{
    static const char *const keys[] = {"title", "description", "amount", NULL};
    for (size_t i = 0; i < rulebook_count(map); i++) {
        const rb_node *node = rulebook_item(map, i);
        base_place place;
        points_rule *r = &rules[(*count)++];
        r->name = rulebook_key(map, i, &place);
        r->place = place;
        r->takes = takes;
        if (!rulebook_read_keys(l, node, takes ? "deduct" : "earn", keys))
            continue;
        r->title = rulebook_read_text(l, rulebook_get(node, "title"));
        r->description = rulebook_read_text(l, rulebook_get(node, "description"));
        r->amount = rulebook_read_expr(l, rulebook_get(node, "amount"), EXPR_INT, NULL);
        value points;
        if (r->amount == NULL || !expr_program_constant(r->amount, &points) || points.kind != VALUE_INT || points.as.i >= 0)
            continue;
        place = rulebook_node_place(rulebook_get(node, "amount"));
        rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_points_amount,
                                             A_I("points", points.as.i)));
    }
}

static const points_programme *content(const rulebook_section *s)
{
    return strcmp(s->kind, points_section.key) == 0 ? s->content : NULL;
}

static void check_ledger(rulebook_loader *l, const points_programme *p, const rb_node *node)
{
    const rulebook *rb = rulebook_loader_rulebook(l);
    for (uint32_t i = 0; i < rb->section_count; i++) {
        const points_programme *other = content(&rb->sections[i]);
        const base_place place = rulebook_node_place(node);
        if (other != NULL && other != p && other->book == p->book)
            rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place,
                                                 M_points_ledger_taken, A_I("ledger", p->book),
                                                 A_S("programme", other->name)));
    }
}

static gov_status load(void *user, rulebook_loader *l, const char *name, const rb_node *root,
                       void **out)
{
    static const char *const keys[] = {"!points", "title", "description", "!ledger", "unit",
                                       "!holder", "earn",  "deduct",      NULL};
    static const char *const holders[] = {"household", "resident", NULL};
    (void)user;
    const rb_node *earn = rulebook_get(root, "earn"), *deduct = rulebook_get(root, "deduct");
    base_arena *arena = rulebook_loader_arena(l);
    points_programme *p = base_arena_alloc(arena, sizeof *p);
    if (p == NULL)
        return base_nomem(rulebook_loader_diag(l));
    p->name = name;
    if (!rulebook_read_keys(l, root, "points", keys))
        return rulebook_loader_status(l);
    p->title = rulebook_read_text(l, rulebook_get(root, "title"));
    p->description = rulebook_read_text(l, rulebook_get(root, "description"));
    p->unit = rulebook_read_text(l, rulebook_get(root, "unit"));
    p->book =
        (uint32_t)rulebook_read_int(l, rulebook_get(root, "ledger"), "ledger", 1, UINT32_MAX, 1);
    p->holder = holders[rulebook_read_word(l, rulebook_get(root, "holder"), "holder", holders, 0)];
    points_rule *rules =
        base_arena_array(arena, rulebook_count(earn) + rulebook_count(deduct) + 1, sizeof *rules);
    if (rules == NULL)
        return base_nomem(rulebook_loader_diag(l));
    read_rules(l, earn, false, rules, &p->rule_count);
    read_rules(l, deduct, true, rules, &p->rule_count);
    p->rules = rules;
    check_ledger(l, p, rulebook_get(root, "ledger"));
    *out = p;
    return GOV_OK;
}

const rulebook_section_kind points_section = {"points", load, NULL};

/* ---- finding ---- */

const points_programme *points_find(const rulebook *rb, const char *name)
{
    const points_programme *found = NULL;
    for (uint32_t i = 0; i < rb->section_count; i++) {
        const points_programme *p = content(&rb->sections[i]);
        if (p == NULL || (name != NULL && strcmp(p->name, name) != 0))
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

static gov_status no_rule(const rulebook *rb, const char *rule, bool takes, const base_place *place,
                          const diag *d)
{
    const char *names[64];
    size_t count = 0;
    for (uint32_t i = 0; i < rb->section_count; i++) {
        const points_programme *p = content(&rb->sections[i]);
        for (uint32_t j = 0; p != NULL && j < p->rule_count && count < ARRAY_LEN(names); j++)
            if (p->rules[j].takes == takes)
                names[count++] = p->rules[j].name;
    }
    const char *near = base_nearest(rule, strlen(rule), names, count);
    if (near != NULL)
        return base_fail_at(d, place, M_points_rule_near, A_S("rule", rule), A_S("near", near));
    return base_fail_at(d, place, M_points_rule_unknown, A_S("rule", rule));
}

gov_status points_find_for(const rulebook *rb, const char *programme, const char *rule, bool takes,
                           const base_place *place, const points_programme **out,
                           const points_rule **rule_out, const diag *d)
{
    *out = NULL;
    for (uint32_t i = 0; i < rb->section_count; i++) {
        const points_programme *p = content(&rb->sections[i]);
        const points_rule *r = NULL;
        if (p != NULL && (programme == NULL || strcmp(p->name, programme) == 0))
            r = points_find_rule(p, rule, takes);
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
        return base_fail_at(d, place, M_points_unknown, A_S("programme", programme));
    return no_rule(rb, rule, takes, place, d);
}

gov_status points_rule_amount(gov *g, const points_rule *rule, int64_t *out, const diag *d)
{
    const value *presets;
    uint32_t count;
    value v;
    if (rule->amount == NULL)
        return GOV_OK;
    (void)rulebook_common_slots(g->rules, &presets, &count);
    const expr_run run = {.slots = presets,
                          .slot_count = count,
                          .scratch = &g->scratch,
                          .now_us = access_now(g),
                          .zone = g->rules->zone};
    const gov_status rc = expr_eval(rule->amount, &run, &v, d);
    if (rc == GOV_OK)
        *out = v.kind == VALUE_INT ? v.as.i : -1;
    return rc;
}
