/* Projects: what they cost, where the money comes from, and what falls on each unit. */
#include "fund/ops.h"

#include <string.h>

const char *const fund_kind_names[] = {"unit", "government", "residents", "social", "other"};

/* ---- rows ---- */

#define FIND "SELECT rule, name, cost, agreed, agreed_by, made_us, started_us FROM gov_fund_project WHERE community = $1 AND id = $2"

gov_status fund_project_get(gov *g, int64_t id, bool lock, fund_project *out, const diag *d)
{
    static const store_sql look = {FIND, 0}, hold = {FIND, STORE_LOCK};
    store_rows rows;
    gov_status rc = store_first(g->store, lock ? &hold : &look, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    if (rc == GOV_END)
        return base_fail(d, M_fund_nothing, A_S("what", "project"), A_I("id", id));
    if (rc != GOV_OK)
        return rc;
    const char *rule = base_arena_strdup(&g->scratch, store_text(&rows, 0, NULL));
    *out = (fund_project){.id = id,
                          .name = base_arena_strdup(&g->scratch, store_text(&rows, 1, NULL)),
                          .cost = store_int(&rows, 2),
                          .agreed = store_int(&rows, 3) != 0,
                          .agreed_by = store_is_null(&rows, 4) ? "" : base_arena_strdup(&g->scratch, store_text(&rows, 4, NULL)),
                          .made_us = store_int(&rows, 5),
                          .started_us = store_int(&rows, 6)};
    store_rows_close(&rows);
    if (rule == NULL || out->name == NULL || out->agreed_by == NULL)
        return base_nomem(d);
    return fund_find(g, "cost_share", rule, (const void **)&out->rule, d);
}

gov_status fund_portions_of(gov *g, int64_t project, fund_portions *out, const diag *d)
{
    static const store_sql count = {"SELECT count(*) FROM gov_fund_portion WHERE community = $1 AND project = $2"};
    static const store_sql list = {"SELECT id, nr, kind, name, amount, charged, account, premises, floor, area FROM gov_fund_portion WHERE "
                                   "community = $1 AND project = $2 ORDER BY nr"};
    store_rows rows;
    int64_t n = 0;
    gov_status rc = store_first_int(g->store, &count, STORE_ARGS(store_i(g->community), store_i(project)), &n, d);
    *out = (fund_portions){.items = rc == GOV_OK ? base_arena_array(&g->scratch, (size_t)n + 1, sizeof *out->items) : NULL};
    if (rc == GOV_OK && out->items == NULL)
        return base_nomem(d);
    if (rc == GOV_OK)
        rc = store_query(g->store, &list, STORE_ARGS(store_i(g->community), store_i(project)), &rows, d);
    if (rc != GOV_OK)
        return rc;
    while (out->count < (size_t)n && (rc = store_next(&rows, d)) == GOV_OK) {
        fund_portion *p = &out->items[out->count++];
        *p = (fund_portion){.id = store_int(&rows, 0), .nr = store_int(&rows, 1), .kind = (uint8_t)store_int(&rows, 2),
                            .amount = store_int(&rows, 4), .charged = store_int(&rows, 5), .account = store_int(&rows, 6)};
        p->unit = (fund_unit){.name = base_arena_strdup(&g->scratch, store_text(&rows, 3, NULL)),
                              .premises = store_int(&rows, 7), .floor = store_int(&rows, 8), .area = store_int(&rows, 9),
                              .has_floor = !store_is_null(&rows, 8), .has_area = !store_is_null(&rows, 9)};
        if (p->unit.name == NULL) {
            rc = base_nomem(d);
            break;
        }
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

static gov_status put_portion(gov *g, int64_t project, fund_portion *p, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_fund_portion (community, id, project, nr, kind, name, amount, charged, premises, floor, "
                                  "area) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10)"};
    const gov_status rc = access_new_id(g, &p->id, d);
    if (rc != GOV_OK)
        return rc;
    return access_keep(
        g,
        store_post(g->store, &add,
                   STORE_ARGS(store_i(g->community), store_i(p->id), store_i(project),
                              store_i(p->nr), store_i(p->kind), store_s(p->unit.name),
                              store_i(p->amount), store_i0(p->unit.premises),
                              p->unit.has_floor ? store_i(p->unit.floor) : store_n(STORE_INT),
                              p->unit.has_area ? store_i(p->unit.area) : store_n(STORE_INT)),
                   1, d),
        &fund_kept_portion, p->id, 0, 0, d);
}

static gov_status set_amount(gov *g, const fund_portion *p, const diag *d)
{
    static const store_sql set = {"UPDATE gov_fund_portion SET amount = $3, charged = $4, account = $5 WHERE community = $1 AND id = $2"};
    return access_keep(g,
                       store_post(g->store, &set,
                                  STORE_ARGS(store_i(g->community), store_i(p->id),
                                             store_i(p->amount), store_i(p->charged),
                                             store_i0(p->account)),
                                  1, d),
                       &fund_kept_portion, p->id, 0, 0, d);
}

/* ---- dividing ---- */

gov_status fund_project_divide(gov *g, const fund_project *p, const fund_portions *all, int64_t total, fund_division *x, const diag *d)
{
    *x = (fund_division){.rule = p->rule, .agreed = p->agreed, .total = total};
    x->units = base_arena_array(&g->scratch, all->count + 1, sizeof *x->units);
    if (x->units == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].kind == FUND_UNIT)
            x->units[x->count++] = all->items[i].unit;
    return fund_divide(g, x, d);
}

/* The unit whose area is missing as long as nobody has agreed on anything else; NULL: the shares can be reckoned. */
static const char *undecided(const fund_project *p, const fund_portions *all)
{
    for (size_t i = 0; i < all->count && !p->agreed && p->rule->by != FUND_BY_AREA; i++)
        if (all->items[i].kind == FUND_UNIT && !all->items[i].unit.has_area)
            return all->items[i].unit.name;
    return NULL;
}

/* What the residents bear together, divided among the units (no parts: it is not decided how); *sum is what all sources come to. */
static gov_status divide_residents(gov *g, const fund_project *p, const fund_portions *all, int64_t *sum, fund_division *x, const diag *d)
{
    int64_t residents = 0;
    *sum = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].kind == FUND_UNIT)
            continue;
        if (!base_add(*sum, all->items[i].amount, sum))
            return base_fail(d, M_overflow, A_S("what", "sources"));
        if (all->items[i].kind == FUND_RESIDENTS)
            residents += all->items[i].amount; /* within the sum */
    }
    *x = (fund_division){.rule = p->rule};
    return undecided(p, all) == NULL ? fund_project_divide(g, p, all, residents, x, d) : GOV_OK;
}

static gov_status divide_anew(gov *g, const fund_project *p, fund_portions *all, int64_t *sum, fund_division *x, const diag *d)
{
    gov_status rc = divide_residents(g, p, all, sum, x, d);
    for (size_t i = 0, k = 0; i < all->count && rc == GOV_OK; i++) {
        fund_portion *u = &all->items[i];
        if (u->kind != FUND_UNIT)
            continue;
        const int64_t share = x->parts != NULL ? x->parts[k++].share : 0;
        if (u->amount == share)
            continue;
        u->amount = share;
        rc = set_amount(g, u, d);
    }
    return rc;
}

/* Are these the shares that the units were given? Rules may have changed since. */
static bool still_so(const fund_portions *all, const fund_division *x)
{
    for (size_t i = 0, k = 0; i < all->count && x->parts != NULL; i++)
        if (all->items[i].kind == FUND_UNIT && all->items[i].amount != x->parts[k++].share)
            return false;
    return x->parts != NULL;
}

gov_status fund_share_compute(gov *g, const value *in, value *out, const diag *d)
{
    enum { RULE, TOTAL, UNITS, AGREED };
    fund_division x = {.agreed = in[AGREED].kind == VALUE_BOOL && in[AGREED].as.b};
    gov_status rc = fund_find(g, "cost_share", fund_text(g, in[RULE]), (const void **)&x.rule, d);
    if (rc == GOV_OK)
        rc = fund_positive(in[TOTAL], "total", &x.total, d);
    if (rc == GOV_OK)
        rc = fund_read_units(g, in[UNITS], &x.units, &x.count, d);
    if (rc == GOV_OK)
        rc = fund_divide(g, &x, d);
    if (rc != GOV_OK)
        return rc;
    *out = fund_division_value(g, &x);
    return out->kind != VALUE_ABSENT ? GOV_OK : base_nomem(d);
}

/* ---- opening ---- */

static gov_status kind_of(value v, uint8_t *kind, const diag *d)
{
    for (uint8_t k = FUND_GOVERNMENT; k <= FUND_OTHER; k++)
        if (value_is_text(v, fund_kind_names[k])) {
            *kind = k;
            return GOV_OK;
        }
    return fund_bad_input("kind", d);
}

/* Whose name it is already. */
static gov_status check_name(gov *g, int64_t project, const char *name, const char *list, size_t i, const diag *d)
{
    static const store_sql find = {"SELECT id FROM gov_fund_portion WHERE community = $1 AND project = $2 AND name = $3"};
    int64_t id;
    const gov_status rc = store_first_int(g->store, &find, STORE_ARGS(store_i(g->community), store_i(project), store_s(name)), &id, d);
    return rc == GOV_END ? GOV_OK : rc == GOV_OK ? fund_twice(name, list, i, d) : rc;
}

/* Its place in the list of them is told where another one has its name. */
static gov_status put_source(gov *g, int64_t project, int64_t nr, size_t i, value name, value kind, value amount, const diag *d)
{
    fund_portion p = {.nr = nr};
    gov_status rc = kind_of(kind, &p.kind, d);
    if (rc == GOV_OK)
        rc = fund_positive(amount, "amount", &p.amount, d);
    if (rc != GOV_OK)
        return rc;
    p.unit.name = name.kind == VALUE_STRING && name.len > 0 && name.len <= 128 ? fund_text(g, name) : fund_kind_names[p.kind];
    if (p.unit.name == NULL)
        return base_nomem(d);
    rc = check_name(g, project, p.unit.name, "sources", i, d);
    return rc == GOV_OK ? put_portion(g, project, &p, d) : rc;
}

static gov_status put_sources(gov *g, int64_t project, value list, const diag *d)
{
    gov_status rc = GOV_OK;
    for (size_t i = 0; list.kind == VALUE_LIST && i < list.len && rc == GOV_OK; i++) {
        const value s = list.as.items[i];
        rc = put_source(g, project, -1 - (int64_t)i, i, value_get_text(s, "name"), value_get_text(s, "kind"), value_get_text(s, "amount"), d);
    }
    return rc;
}

static gov_status put_units(gov *g, int64_t project, value list, const diag *d)
{
    fund_unit *units;
    size_t count;
    gov_status rc = fund_read_units(g, list, &units, &count, d);
    for (size_t i = 0; i < count && rc == GOV_OK; i++) {
        fund_portion p = {.nr = (int64_t)i + 1, .kind = FUND_UNIT, .unit = units[i]};
        rc = check_name(g, project, p.unit.name, "units", i, d);
        if (rc == GOV_OK)
            rc = put_portion(g, project, &p, d);
    }
    return rc;
}

static gov_status name_taken(gov *g, const char *name, const diag *d)
{
    static const store_sql find = {"SELECT id FROM gov_fund_project WHERE community = $1 AND name = $2"};
    int64_t id;
    const gov_status rc = store_first_int(g->store, &find, STORE_ARGS(store_i(g->community), store_s(name)), &id, d);
    return rc == GOV_END ? GOV_OK : rc == GOV_OK ? base_fail(d, M_share_taken, A_S("name", name)) : rc;
}

gov_status fund_share_open(gov *g, const value *in, value *out, const diag *d)
{
    enum { RULE, NAME, COST, UNITS, SOURCES, AGREED, AGREED_BY };
    static const store_sql add = {"INSERT INTO gov_fund_project (community, id, rule, name, cost, agreed, agreed_by, made_us) VALUES ($1, "
                                  "$2, $3, $4, $5, $6, $7, $8)"};
    fund_project p = {.agreed = in[AGREED].kind == VALUE_BOOL && in[AGREED].as.b};
    fund_portions all;
    fund_division x;
    int64_t sum;
    const char *by = fund_text(g, in[AGREED_BY]);
    if (by != NULL && base_utf8_blank(by, strlen(by)))
        by = NULL;
    gov_status rc = fund_find(g, "cost_share", fund_text(g, in[RULE]), (const void **)&p.rule, d);
    if (rc == GOV_OK)
        rc = fund_positive(in[COST], "cost", &p.cost, d);
    p.name = fund_text(g, in[NAME]);
    if (rc == GOV_OK && (p.name == NULL || base_utf8_blank(p.name, strlen(p.name)) || strlen(p.name) > 128))
        return fund_bad_input("name", d);
    if (rc == GOV_OK && p.agreed && by == NULL) /* an agreement is somebody's: a vote, a case, a minute */
        return base_fail(d, M_share_agreement);
    if (rc == GOV_OK)
        rc = name_taken(g, p.name, d);
    if (rc == GOV_OK)
        rc = access_new_id(g, &p.id, d);
    if (rc == GOV_OK)
        rc = access_keep(g,
                         store_post(g->store, &add,
                                    STORE_ARGS(store_i(g->community), store_i(p.id),
                                               store_s(p.rule->name), store_s(p.name),
                                               store_i(p.cost), store_flag(p.agreed), store_s(by),
                                               store_i(access_now(g))),
                                    1, d),
                         &fund_kept_project, p.id, 0, 0, d);
    if (rc == GOV_OK)
        rc = put_units(g, p.id, in[UNITS], d);
    if (rc == GOV_OK)
        rc = put_sources(g, p.id, in[SOURCES], d);
    if (rc == GOV_OK)
        rc = fund_portions_of(g, p.id, &all, d);
    if (rc == GOV_OK)
        rc = divide_anew(g, &p, &all, &sum, &x, d);
    const value_pair data[] = {{value_text("project"), value_text(p.name)},
                               {value_text("rule"), rc == GOV_OK ? value_text(p.rule->name) : value_null()},
                               {value_text("cost"), value_int(p.cost)},
                               {value_text("agreed_by"), p.agreed && by != NULL ? value_text(by) : value_null()}};
    if (rc == GOV_OK)
        rc = fund_journal(g, "share.opened", p.id, data, ARRAY_LEN(data), d);
    return rc == GOV_OK ? fund_answer_id(g, p.id, out, d) : rc;
}

static gov_status not_started(const fund_project *p, const diag *d)
{
    return p->started_us == 0 ? GOV_OK : base_fail(d, M_share_started, A_S("project", p->name));
}

static gov_status drop_units(gov *g, int64_t project, const diag *d)
{
    static const store_sql list = {"SELECT id FROM gov_fund_portion WHERE community = $1 AND "
                                   "project = $2 AND kind = 0 ORDER BY id"};
    static const store_sql drop = {
        "DELETE FROM gov_fund_portion WHERE community = $1 AND project = $2 AND kind = 0"};
    store_rows rows;
    gov_status rc =
        store_query(g->store, &list, STORE_ARGS(store_i(g->community), store_i(project)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
        rc = access_keep(g, rc, &fund_kept_portion, store_int(&rows, 0), 0, 0, d);
    store_rows_close(&rows);
    if (rc != GOV_END)
        return rc;
    return store_post(g->store, &drop, STORE_ARGS(store_i(g->community), store_i(project)),
                      STORE_ANY_ROWS, d);
}

/* Until it starts a project may still cost something else, gain an agreement, or have other units; the shares follow. */
gov_status fund_share_change(gov *g, const value *in, value *out, const diag *d)
{
    enum { PROJECT, COST, UNITS, AGREED_BY };
    static const store_sql set = {"UPDATE gov_fund_project SET cost = $3, agreed = $4, agreed_by = "
                                  "$5 WHERE community = $1 AND id = $2"};
    fund_project p;
    fund_portions all;
    fund_division x;
    int64_t sum;
    const char *by = fund_text(g, in[AGREED_BY]);
    gov_status rc = fund_project_get(g, in[PROJECT].as.i, true, &p, d);
    if (rc == GOV_OK)
        rc = not_started(&p, d);
    if (rc == GOV_OK && in[COST].kind == VALUE_INT)
        rc = fund_positive(in[COST], "cost", &p.cost, d);
    if (rc != GOV_OK)
        return rc;
    if (by != NULL) { /* an empty text: there is none any more */
        p.agreed = !base_utf8_blank(by, strlen(by));
        p.agreed_by = by;
    }
    rc = access_keep(g,
                     store_post(g->store, &set,
                                STORE_ARGS(store_i(g->community), store_i(p.id), store_i(p.cost),
                                           store_flag(p.agreed),
                                           store_s(p.agreed ? p.agreed_by : NULL)),
                                1, d),
                     &fund_kept_project, p.id, 0, 0, d);
    if (rc == GOV_OK && in[UNITS].kind == VALUE_LIST)
        rc = drop_units(g, p.id, d);
    if (rc == GOV_OK && in[UNITS].kind == VALUE_LIST)
        rc = put_units(g, p.id, in[UNITS], d);
    if (rc == GOV_OK)
        rc = fund_portions_of(g, p.id, &all, d);
    if (rc == GOV_OK)
        rc = divide_anew(g, &p, &all, &sum, &x, d);
    const value_pair data[] = {{value_text("cost"), value_int(p.cost)},
                               {value_text("agreed_by"), p.agreed ? value_text(p.agreed_by) : value_null()},
                               {value_text("units"), value_bool(in[UNITS].kind == VALUE_LIST)}};
    if (rc == GOV_OK)
        rc = fund_journal(g, "share.changed", p.id, data, ARRAY_LEN(data), d);
    return rc == GOV_OK ? fund_answer_id(g, p.id, out, d) : rc;
}

/* A source of that name is set anew, or taken away by an amount of 0. */
gov_status fund_share_source(gov *g, const value *in, value *out, const diag *d)
{
    enum { PROJECT, NAME, KIND, AMOUNT };
    static const store_sql drop = {"DELETE FROM gov_fund_portion WHERE community = $1 AND id = $2"};
    fund_project p;
    fund_portions all;
    fund_division x;
    int64_t least = 0, sum;
    uint8_t kind = FUND_OTHER;
    gov_status rc = fund_project_get(g, in[PROJECT].as.i, true, &p, d);
    if (rc == GOV_OK)
        rc = not_started(&p, d);
    if (rc == GOV_OK)
        rc = kind_of(in[KIND], &kind, d);
    if (rc == GOV_OK)
        rc = fund_portions_of(g, p.id, &all, d);
    if (rc != GOV_OK)
        return rc;
    const value name = in[NAME].kind == VALUE_STRING ? in[NAME] : value_text(fund_kind_names[kind]);
    for (size_t i = 0; i < all.count && rc == GOV_OK; i++) {
        const fund_portion *s = &all.items[i];
        least = s->nr < least ? s->nr : least;
        if (value_is_text(name, s->unit.name))
            rc = s->kind != FUND_UNIT
                     ? access_keep(g,
                                   store_post(g->store, &drop,
                                              STORE_ARGS(store_i(g->community), store_i(s->id)), 1,
                                              d),
                                   &fund_kept_portion, s->id, 0, 0, d)
                     : base_fail(d, M_share_twice, A_S("at", NULL), A_S("name", s->unit.name));
    }
    if (rc == GOV_OK && !(in[AMOUNT].kind == VALUE_INT && in[AMOUNT].as.i == 0))
        rc = put_source(g, p.id, least - 1, 0, name, in[KIND], in[AMOUNT], d);
    if (rc == GOV_OK)
        rc = fund_portions_of(g, p.id, &all, d);
    if (rc == GOV_OK)
        rc = divide_anew(g, &p, &all, &sum, &x, d);
    const value_pair data[] = {{value_text("source"), name}, {value_text("amount"), in[AMOUNT]}};
    if (rc == GOV_OK)
        rc = fund_journal(g, "share.source", p.id, data, ARRAY_LEN(data), d);
    return rc == GOV_OK ? fund_answer_id(g, p.id, out, d) : rc;
}

/* ---- starting ---- */

/* Every unit and source owes what it bears from here on: what the project has to receive is its cost, exactly. */
static gov_status charge(gov *g, const fund_project *p, fund_portions *all, const diag *d)
{
    int64_t project;
    gov_status rc = fund_account(g, p->rule->book, p->id, FUND_CODE_PROJECT, &project, d);
    for (size_t i = 0; i < all->count && rc == GOV_OK; i++) {
        fund_portion *u = &all->items[i];
        fund_move m = {.book = p->rule->book, .code = FUND_SHARE, .to = project, .amount = u->amount, .subject = u->id, .note = "share.charged"};
        if (u->kind == FUND_RESIDENTS || u->amount == 0)
            continue;
        rc = fund_account(g, p->rule->book, u->id, FUND_CODE_PART, &m.from, d);
        if (rc == GOV_OK)
            rc = fund_post(g, &m, NULL, d);
        u->account = m.from;
        u->charged = u->amount;
        if (rc == GOV_OK)
            rc = set_amount(g, u, d);
    }
    return rc;
}

gov_status fund_share_start(gov *g, const value *in, value *out, const diag *d)
{
    static const store_sql set = {"UPDATE gov_fund_project SET started_us = $3 WHERE community = $1 AND id = $2 AND started_us IS NULL"};
    fund_project p;
    fund_portions all;
    fund_division x;
    int64_t sum = 0;
    gov_status rc = fund_project_get(g, in[0].as.i, true, &p, d);
    if (rc == GOV_OK)
        rc = not_started(&p, d);
    if (rc == GOV_OK)
        rc = fund_portions_of(g, p.id, &all, d);
    if (rc == GOV_OK)
        rc = divide_anew(g, &p, &all, &sum, &x, d);
    if (rc == GOV_OK && undecided(&p, &all) != NULL)
        return base_fail(d, M_share_not_agreed, A_S("unit", undecided(&p, &all)));
    if (rc == GOV_OK && sum != p.cost)
        return p.cost > sum ? base_fail(d, M_share_gap, A_S("project", p.name), A_I("sum", sum), A_I("cost", p.cost), A_I("gap", p.cost - sum))
                            : base_fail(d, M_share_gap, A_S("project", p.name), A_I("sum", sum), A_I("cost", p.cost), A_I("over", sum - p.cost));
    if (rc == GOV_OK)
        rc = charge(g, &p, &all, d);
    if (rc == GOV_OK)
        rc = access_keep(g,
                         store_post(g->store, &set,
                                    STORE_ARGS(store_i(g->community), store_i(p.id),
                                               store_i(access_now(g))),
                                    1, d),
                         &fund_kept_project, p.id, 0, 0, d);
    return rc == GOV_OK ? fund_answer_id(g, p.id, out, d) : rc;
}

/* ---- one portion ---- */

gov_status fund_portion_named(gov *g, int64_t project, value name, fund_project *p, fund_portion *out, const diag *d)
{
    fund_portions all;
    const char *names[64];
    size_t n = 0;
    gov_status rc = fund_project_get(g, project, true, p, d);
    if (rc == GOV_OK && p->started_us == 0)
        return base_fail(d, M_share_not_started, A_S("project", p->name));
    if (rc == GOV_OK)
        rc = fund_portions_of(g, project, &all, d);
    for (size_t i = 0; rc == GOV_OK && i < all.count; i++) {
        if (value_is_text(name, all.items[i].unit.name) && all.items[i].kind != FUND_RESIDENTS) {
            *out = all.items[i];
            return GOV_OK;
        }
        if (n < ARRAY_LEN(names))
            names[n++] = all.items[i].unit.name;
    }
    if (rc != GOV_OK)
        return rc;
    const char *text = name.kind == VALUE_STRING ? name.as.s : "";
    return base_fail(d, M_fund_item, A_S("what", "unit"), A_N("name", text, name.kind == VALUE_STRING ? name.len : 0),
                     A_S("near", base_nearest(text, name.kind == VALUE_STRING ? name.len : 0, names, n)));
}

gov_status fund_portion_by_id(gov *g, int64_t project, int64_t id, fund_project *p, fund_portion *out, const diag *d)
{
    fund_portions all;
    gov_status rc = fund_project_get(g, project, true, p, d);
    if (rc == GOV_OK)
        rc = fund_portions_of(g, project, &all, d);
    for (size_t i = 0; rc == GOV_OK && i < all.count; i++)
        if (all.items[i].id == id) {
            *out = all.items[i];
            return GOV_OK;
        }
    return rc == GOV_OK ? base_fail(d, M_fund_nothing, A_S("what", "unit"), A_I("id", id)) : rc;
}

gov_status fund_owed(gov *g, const fund_portion *p, int64_t *owed, const diag *d)
{
    ledger_account a;
    const gov_status rc = fund_balance(g, p->account, &a, d);
    *owed = a.debits_posted - a.credits_posted;
    return rc;
}

/* ---- showing ---- */

static gov_status portion_value(gov *g, const fund_project *p, const fund_portion *u, int64_t day, value *out, const diag *d)
{
    value_builder b;
    value plans, reliefs;
    int64_t owed = 0;
    gov_status rc = fund_owed(g, u, &owed, d);
    if (rc == GOV_OK)
        rc = fund_plans_of(g, p, u, day, &plans, d);
    if (rc == GOV_OK)
        rc = fund_reliefs_of(g, u->id, &reliefs, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, u->kind == FUND_UNIT ? "unit" : "name", value_text(u->unit.name));
    if (u->kind != FUND_UNIT)
        value_builder_set(&b, "kind", value_text(fund_kind_names[u->kind % 5]));
    if (u->unit.has_floor)
        value_builder_set(&b, "floor", value_int(u->unit.floor));
    value_builder_set(&b, u->kind == FUND_UNIT ? "share" : "amount", value_int(u->amount));
    if (u->kind != FUND_RESIDENTS) {
        value_builder_set(&b, "charged", value_int(u->charged));
        value_builder_set(&b, "settled", value_int(u->charged - owed)); /* paid, or borne by others */
        value_builder_set(&b, "owed", value_int(owed));
    }
    if (u->kind == FUND_UNIT) {
        value_builder_set(&b, "plans", plans);
        value_builder_set(&b, "reliefs", reliefs);
    }
    return fund_answer(&b, out, d);
}

gov_status fund_share_show(gov *g, const value *in, value *out, const diag *d)
{
    fund_project p;
    fund_portions all;
    fund_division x;
    int64_t sum = 0, day;
    value_builder b, units, sources;
    gov_status rc = fund_project_get(g, in[0].as.i, false, &p, d);
    if (rc == GOV_OK)
        rc = fund_today(g, &day, d);
    if (rc == GOV_OK)
        rc = fund_portions_of(g, p.id, &all, d);
    if (rc == GOV_OK)
        rc = divide_residents(g, &p, &all, &sum, &x, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_init(&units, &g->scratch);
    value_builder_init(&sources, &g->scratch);
    for (size_t i = 0; i < all.count && rc == GOV_OK; i++) {
        value v;
        rc = portion_value(g, &p, &all.items[i], day, &v, d);
        if (rc == GOV_OK)
            value_builder_add(all.items[i].kind == FUND_UNIT ? &units : &sources, v);
    }
    value_builder_set(&b, "id", value_int(p.id));
    value_builder_set(&b, "project", value_text(p.name));
    value_builder_set(&b, "rule", value_text(p.rule->name));
    value_builder_set(&b, "state", value_text(p.started_us != 0 ? "started" : "open"));
    value_builder_set(&b, "cost", value_int(p.cost));
    value_builder_set(&b, "gap", value_int(p.cost - sum));
    value_builder_set(&b, "agreed_by", p.agreed ? value_text(p.agreed_by) : value_null());
    value_builder_set(&b, "needs_agreement", value_bool(undecided(&p, &all) != NULL));
    value_builder_set(&b, "sources", value_builder_list(&sources));
    value_builder_set(&b, "units", value_builder_list(&units));
    value_builder_set(&b, "division", still_so(&all, &x) ? fund_division_value(g, &x) : value_null());
    if (rc == GOV_OK && (units.failed || sources.failed))
        return base_nomem(d);
    return rc == GOV_OK ? fund_answer(&b, out, d) : rc;
}
