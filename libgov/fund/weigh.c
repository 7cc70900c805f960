/* What each unit weighs under a rule, and a sum divided by that. */
#include "fund/ops.h"

#include <stdio.h>
#include <string.h>

enum { MOST_UNITS = 2000 };
/* Areas are kept in units of 1e-4 square metre, the finest that a survey gives. */
#define AREA_SCALE 10000

/* ---- units ---- */

static gov_status bad_unit(const char *unit, const char *what, const diag *d)
{
    return base_fail(d, M_share_unit, A_S("unit", unit), A_S("what", what),
                     A_S("form", strcmp(what, "floor") == 0 ? "-100..1000" : "89.5 m², > 0, 0.0001"));
}

static gov_status read_number(const fund_unit *u, value v, const char *what, bool area, int64_t *out, bool *has, const diag *d)
{
    fund_ratio r;
    *has = v.kind != VALUE_ABSENT && v.kind != VALUE_NULL;
    if (!*has)
        return GOV_OK;
    if (!area && v.kind == VALUE_INT) {
        *out = v.as.i;
        return *out >= -100 && *out <= 1000 ? GOV_OK : bad_unit(u->name, what, d);
    }
    if (!area || !fund_ratio_of(v, &r) || AREA_SCALE % r.den != 0 || !base_mul(r.num, AREA_SCALE / r.den, out) || *out == 0)
        return bad_unit(u->name, what, d);
    return GOV_OK;
}

static gov_status read_figures(fund_unit *u, value doc, const diag *d)
{
    gov_status rc = u->has_floor ? GOV_OK : read_number(u, value_get_text(doc, "floor"), "floor", false, &u->floor, &u->has_floor, d);
    if (rc == GOV_OK && !u->has_area)
        rc = read_number(u, value_get_text(doc, "area"), "area", true, &u->area, &u->has_area, d);
    return rc;
}

/* What the input leaves out, the record of the premises says. */
static gov_status read_premises(gov *g, fund_unit *u, value key, const diag *d)
{
    registry_record r;
    gov_status rc = registry_find(g, GOV_KIND_PREMISES, key.as.s, key.len, &u->premises, d);
    if (rc == GOV_OK)
        rc = registry_load(g, u->premises, &g->scratch, &r, d);
    return rc == GOV_OK ? read_figures(u, r.doc, d) : rc;
}

static gov_status read_unit(gov *g, value v, fund_unit *u, const diag *d)
{
    const value name = v.kind == VALUE_MAP ? value_get_text(v, "unit") : v;
    const value key = v.kind == VALUE_MAP ? value_get_text(v, "premises") : v;
    const value shown = name.kind == VALUE_STRING ? name : key;
    if (shown.kind != VALUE_STRING || shown.len == 0 || shown.len > 128 || (u->name = fund_text(g, shown)) == NULL)
        return shown.kind == VALUE_STRING && shown.len <= 128 && shown.len > 0 ? base_nomem(d) : fund_bad_input("units", d);
    gov_status rc = v.kind == VALUE_MAP ? read_figures(u, v, d) : GOV_OK;
    if (rc == GOV_OK && key.kind == VALUE_STRING)
        rc = read_premises(g, u, key, d);
    return rc;
}

gov_status fund_twice(const char *name, const char *list, size_t i, const diag *d)
{
    char at[48];
    (void)snprintf(at, sizeof at, "%s[%zu]", list, i);
    return base_fail(d, M_share_twice, A_S("at", at), A_S("name", name));
}

gov_status fund_read_units(gov *g, value list, fund_unit **out, size_t *count, const diag *d)
{
    base_map seen;
    bool fresh = true;
    gov_status rc = GOV_OK;
    *count = list.kind == VALUE_LIST ? list.len : 0;
    if (list.kind != VALUE_LIST || list.len == 0)
        return fund_bad_input("units", d);
    if (list.len > MOST_UNITS)
        return base_fail(d, M_too_large, A_S("what", "units"), A_I("limit", MOST_UNITS));
    fund_unit *units = base_arena_array(&g->scratch, list.len, sizeof *units);
    if (units == NULL)
        return base_nomem(d);
    base_map_init(&seen, g->alloc);
    for (size_t i = 0; i < list.len && rc == GOV_OK; i++) {
        rc = read_unit(g, list.as.items[i], &units[i], d);
        if (rc == GOV_OK && base_map_put(&seen, units[i].name, strlen(units[i].name), &fresh) == NULL)
            rc = base_nomem(d);
        if (rc == GOV_OK && !fresh)
            rc = fund_twice(units[i].name, "units", i, d);
    }
    base_map_free(&seen);
    *out = units;
    return rc;
}

/* ---- weights ---- */

/* Below the first floor that is written nothing is borne; one that is missing among them or above is nobody's to guess. */
static gov_status floor_of(const fund_cost_share *rule, const fund_unit *u, const fund_floor **out, const diag *d)
{
    *out = NULL;
    if (!u->has_floor)
        return bad_unit(u->name, "floor", d);
    for (uint32_t i = 0; i < rule->floor_count; i++)
        if (rule->floors[i].floor == u->floor)
            *out = &rule->floors[i];
    if (*out == NULL && u->floor > rule->floors[0].floor)
        return base_fail(d, M_share_no_coefficient, A_S("unit", u->name), A_I("floor", u->floor));
    return GOV_OK;
}

static gov_status weight_of(const fund_division *x, fund_unit *u, fund_part *p, const diag *d)
{
    const fund_floor *f;
    int64_t weight = 1;
    u->coefficient = (fund_ratio){1, 1};
    if (x->basis == FUND_BY_FLOOR) {
        const gov_status rc = floor_of(x->rule, u, &f, d);
        if (rc != GOV_OK)
            return rc;
        weight = f != NULL ? f->weight : 0;
        u->coefficient = f != NULL ? f->coefficient : (fund_ratio){0, 1};
        p->rank = u->floor;
    }
    if (x->basis == FUND_BY_AREA || (x->basis == FUND_BY_FLOOR && x->rule->times_area)) {
        if (!u->has_area && weight > 0 && x->basis != x->rule->by) /* floors would do, had they been agreed on */
            return base_fail(d, M_share_not_agreed, A_S("unit", u->name));
        if (!u->has_area && weight > 0)
            return bad_unit(u->name, "area", d);
        if (!base_mul(weight, u->area, &weight))
            return base_fail(d, M_overflow, A_S("what", "weights"));
    }
    p->weight = weight;
    return GOV_OK;
}

static int64_t common(int64_t a, int64_t b)
{
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The rounding keeps the order of the floors, too; said here once more, since the neighbours will look at nothing else. */
static gov_status check_monotonic(const fund_division *x, const diag *d)
{
    if (x->basis != FUND_BY_FLOOR || x->rule->times_area)
        return GOV_OK;
    for (uint32_t k = 1; k < x->rule->floor_count; k++) {
        int64_t most = 0, least = INT64_MAX;
        for (size_t i = 0; i < x->count; i++) {
            if (x->units[i].floor <= x->rule->floors[k - 1].floor && x->parts[i].share > most)
                most = x->parts[i].share;
            if (x->units[i].floor >= x->rule->floors[k].floor && x->parts[i].share < least)
                least = x->parts[i].share;
        }
        if (most > least)
            return base_fail(d, M_share_not_monotonic, A_I("floor", x->rule->floors[k].floor), A_I("below", x->rule->floors[k - 1].floor));
    }
    return GOV_OK;
}

gov_status fund_divide(gov *g, fund_division *x, const diag *d)
{
    int64_t by = 0;
    gov_status rc = GOV_OK;
    /* What departs from the areas binds those only who agreed on it. */
    x->basis = x->agreed ? x->rule->by : FUND_BY_AREA;
    x->parts = base_arena_array(&g->scratch, x->count + 1, sizeof *x->parts);
    if (x->parts == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < x->count && rc == GOV_OK; i++) {
        rc = weight_of(x, &x->units[i], &x->parts[i], d);
        by = common(by, x->parts[i].weight);
    }
    for (size_t i = 0; i < x->count && by > 1; i++)
        x->parts[i].weight /= by;
    if (rc == GOV_OK)
        rc = fund_split(x->total, x->parts, x->count, &g->scratch, &x->weights, d);
    return rc == GOV_OK ? check_monotonic(x, d) : rc;
}

/* ---- telling ---- */

static value area_value(gov *g, int64_t area)
{
    char text[48];
    fund_ratio_text((fund_ratio){area / common(area, AREA_SCALE), AREA_SCALE / common(area, AREA_SCALE)}, text);
    const char *copy = base_arena_strdup(&g->scratch, text);
    return copy != NULL ? value_text(copy) : value_absent();
}

static value unit_value(gov *g, const fund_division *x, size_t i, bool *failed)
{
    const fund_unit *u = &x->units[i];
    const fund_part *p = &x->parts[i];
    char text[48];
    value_builder b;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "unit", value_text(u->name));
    if (u->has_floor)
        value_builder_set(&b, "floor", value_int(u->floor));
    if (u->has_area)
        value_builder_set(&b, "area", area_value(g, u->area));
    if (x->basis == FUND_BY_FLOOR) {
        fund_ratio_text(u->coefficient, text);
        value_builder_set_copy(&b, "coefficient", text);
    }
    value_builder_set(&b, "weight", value_int(p->weight));
    value_builder_set(&b, "share", value_int(p->share));
    value_builder_set(&b, "remainder", value_int(p->rest));
    value_builder_set(&b, "rounded_up", value_bool(p->up));
    value_builder_set(&b, "tie", value_bool(p->tie));
    *failed = *failed || b.failed;
    return value_builder_map(&b);
}

value fund_division_value(gov *g, const fund_division *x)
{
    static const char *const bases[] = {"area", "floor", "unit"};
    bool failed = false, tie = false;
    value_builder list, b;
    value_builder_init(&list, &g->scratch);
    value_builder_init(&b, &g->scratch);
    for (size_t i = 0; i < x->count; i++) {
        value_builder_add(&list, unit_value(g, x, i, &failed));
        tie = tie || x->parts[i].tie;
    }
    value_builder_set(&b, "basis", value_text(bases[x->basis]));
    value_builder_set(&b, "rule", value_text(bases[x->rule->by]));
    value_builder_set(&b, "agreed", value_bool(x->agreed));
    value_builder_set(&b, "total", value_int(x->total));
    value_builder_set(&b, "weights", value_int(x->weights)); /* a remainder counts in parts of this */
    value_builder_set(&b, "tie", value_bool(tie));
    value_builder_set(&b, "shares", value_builder_list(&list));
    return failed || list.failed || b.failed ? value_absent() : value_builder_map(&b);
}
