/* Plans: how what a unit owes is paid - at once, in instalments, or as the rent of a lease - and what is late. */
#include "fund/ops.h"

#include <string.h>

const char *const fund_plan_names[] = {"once", "instalments", "lease"};

/* ---- rows ---- */

#define COLUMNS "id, portion, kind, total, settled, count, from_day, lead, made_us, ended_us"

static void read_plan(store_rows *rows, fund_plan *out)
{
    *out = (fund_plan){.id = store_int(rows, 0), .portion = store_int(rows, 1), .kind = (uint8_t)store_int(rows, 2),
                       .total = store_int(rows, 3), .settled = store_int(rows, 4), .count = store_int(rows, 5),
                       .from_day = store_int(rows, 6), .lead = store_int(rows, 7), .made_us = store_int(rows, 8),
                       .ended_us = store_int(rows, 9)};
}

/* id 0: there is none. */
static gov_status current(gov *g, int64_t portion, fund_plan *out, const diag *d)
{
    static const store_sql find = {"SELECT " COLUMNS " FROM gov_fund_plan WHERE community = $1 AND portion = $2 AND ended_us IS NULL"};
    store_rows rows;
    *out = (fund_plan){0};
    const gov_status rc = store_first(g->store, &find, STORE_ARGS(store_i(g->community), store_i(portion)), &rows, d);
    if (rc != GOV_OK)
        return rc == GOV_END ? GOV_OK : rc;
    read_plan(&rows, out);
    store_rows_close(&rows);
    return GOV_OK;
}

static gov_status put_plan(gov *g, fund_plan *p, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_fund_plan (community, id, portion, kind, total, settled, count, from_day, lead, made_us) VALUES "
                                  "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
    p->made_us = access_now(g);
    const gov_status rc = access_new_id(g, &p->id, d);
    if (rc != GOV_OK)
        return rc;
    return access_keep(
        g,
        store_post(g->store, &add,
                   STORE_ARGS(store_i(g->community), store_i(p->id), store_i(p->portion),
                              store_i(p->kind), store_i(p->total), store_i(p->settled),
                              store_i(p->count), store_i(p->from_day), store_i(p->lead), store_i(p->made_us)),
                   1, d),
        &fund_kept_plan, p->id, 0, 0, d);
}

static gov_status end_plan(gov *g, const fund_plan *p, const diag *d)
{
    static const store_sql end = {"UPDATE gov_fund_plan SET ended_us = $3 WHERE community = $1 AND id = $2 AND ended_us IS NULL"};
    return access_keep(
        g,
        store_post(g->store, &end,
                   STORE_ARGS(store_i(g->community), store_i(p->id), store_i(access_now(g))), 1, d),
        &fund_kept_plan, p->id, 0, 0, d);
}

static gov_status set_charged(gov *g, const fund_portion *u, int64_t charged, const diag *d)
{
    static const store_sql set = {"UPDATE gov_fund_portion SET charged = $3 WHERE community = $1 AND id = $2"};
    return access_keep(
        g,
        store_post(g->store, &set,
                   STORE_ARGS(store_i(g->community), store_i(u->id), store_i(charged)), 1, d),
        &fund_kept_portion, u->id, 0, 0, d);
}

/* ---- making ---- */

/* What a lease comes to for this unit: its part of a month's rent, all the months. */
static gov_status rent_of(gov *g, const fund_project *p, const fund_portion *u, int64_t *total, const diag *d)
{
    fund_portions all;
    fund_division x;
    if (p->rule->rent == 0)
        return base_fail(d, M_share_no_lease, A_S("rule", p->rule->name));
    gov_status rc = fund_portions_of(g, p->id, &all, d);
    if (rc == GOV_OK)
        rc = fund_project_divide(g, p, &all, p->rule->rent, &x, d);
    for (size_t i = 0; rc == GOV_OK && i < x.count; i++)
        if (strcmp(x.units[i].name, u->unit.name) == 0 && !base_mul(x.parts[i].share, p->rule->lease_months, total))
            return base_fail(d, M_overflow, A_S("what", "rent"));
    return rc;
}

/* What was paid stays paid: only the difference between the old charge and the new one moves. */
static gov_status recharge(gov *g, const fund_project *p, const fund_portion *u, int64_t to, int64_t owed, const diag *d)
{
    int64_t project;
    const int64_t settled = u->charged - owed;
    fund_move m = {.book = p->rule->book, .code = FUND_CHANGE, .subject = u->id, .note = "share.recharged"};
    if (to == u->charged)
        return GOV_OK;
    if (to < settled)
        return base_fail(d, M_share_settled, A_S("unit", u->unit.name), A_I("settled", settled), A_I("charge", to));
    gov_status rc = fund_account(g, p->rule->book, p->id, FUND_CODE_PROJECT, &project, d);
    m.from = to > u->charged ? u->account : project;
    m.to = to > u->charged ? project : u->account;
    m.amount = to > u->charged ? to - u->charged : u->charged - to;
    if (rc == GOV_OK)
        rc = fund_post(g, &m, NULL, d);
    return rc == GOV_OK ? set_charged(g, u, to, d) : rc;
}

static gov_status months_of(const fund_project *p, const fund_plan_order *o, int64_t *count, const diag *d)
{
    const int64_t most = o->most != 0 ? o->most : p->rule->most_instalments;
    if (o->kind == FUND_LEASE)
        *count = p->rule->lease_months;
    else
        *count = o->kind == FUND_ONCE ? 1 : o->months;
    if (o->kind == FUND_INSTALMENTS && (*count < 1 || *count > most))
        return base_fail(d, M_share_months, A_I("months", *count), A_I("most", most));
    return GOV_OK;
}

/* Each rate is reckoned from the same day: of a chain of months the shortest one would set the date of all that follow. */
static int64_t rate_day(const fund_plan *plan, int64_t k)
{
    return fund_months_after(plan->from_day, plan->lead + k);
}

gov_status fund_plan_make(gov *g, const fund_project *p, const fund_portion *u, const fund_plan_order *o, value *out, const diag *d)
{
    int64_t owed, charge = u->amount, today;
    fund_plan old, plan = {.portion = u->id, .kind = (uint8_t)o->kind};
    gov_status rc = fund_today(g, &today, d);
    if (rc == GOV_OK)
        rc = months_of(p, o, &plan.count, d);
    plan.lead = o->first_day == 0;
    plan.from_day = o->first_day != 0 ? o->first_day : today;
    if (rc == GOV_OK && (plan.from_day < 0 || fund_months_after(plan.from_day, plan.lead + plan.count) > base_days_from_civil(9999, 12, 31)))
        return base_fail(d, M_overflow, A_S("what", "first"));
    if (rc == GOV_OK)
        rc = current(g, u->id, &old, d);
    if (rc == GOV_OK && !o->anew && old.id != 0)
        return base_fail(d, M_share_planned, A_S("unit", u->unit.name));
    if (rc == GOV_OK && o->anew && old.id == 0)
        return base_fail(d, M_share_no_plan, A_S("unit", u->unit.name));
    if (rc == GOV_OK && o->kind == FUND_LEASE)
        rc = rent_of(g, p, u, &charge, d);
    if (rc == GOV_OK)
        rc = fund_owed(g, u, &owed, d);
    if (rc == GOV_OK && (u->account == 0 || charge == u->charged - owed))
        return base_fail(d, M_share_nothing_owed, A_S("unit", u->unit.name));
    if (rc == GOV_OK)
        rc = recharge(g, p, u, charge, owed, d);
    if (rc == GOV_OK && old.id != 0)
        rc = end_plan(g, &old, d);
    if (rc != GOV_OK)
        return rc;
    plan.settled = u->charged - owed;
    plan.total = charge - plan.settled;
    rc = put_plan(g, &plan, d);
    const value_pair data[] = {{value_text("unit"), value_text(u->unit.name)},
                               {value_text("plan"), value_text(fund_plan_names[plan.kind])},
                               {value_text("total"), value_int(plan.total)},
                               {value_text("months"), value_int(plan.count)},
                               {value_text("settled"), value_int(plan.settled)}};
    if (rc == GOV_OK)
        rc = fund_journal(g, o->anew ? "share.switched" : "share.planned", p->id, data, ARRAY_LEN(data), d);
    return rc == GOV_OK ? fund_plan_value(g, p, &plan, plan.total, today, out, d) : rc;
}

gov_status fund_plan_follow(gov *g, const fund_project *p, const fund_portion *u, const diag *d)
{
    int64_t owed;
    fund_plan plan;
    gov_status rc = current(g, u->id, &plan, d);
    if (rc == GOV_OK)
        rc = fund_owed(g, u, &owed, d);
    if (rc != GOV_OK || plan.id == 0 || owed <= plan.total)
        return rc;
    rc = end_plan(g, &plan, d);
    plan.settled = u->charged - owed;
    plan.total = owed;
    plan.ended_us = 0;
    if (rc == GOV_OK)
        rc = put_plan(g, &plan, d);
    const value_pair data[] = {{value_text("unit"), value_text(u->unit.name)},
                               {value_text("plan"), value_text(fund_plan_names[plan.kind % 3])},
                               {value_text("total"), value_int(plan.total)},
                               {value_text("settled"), value_int(plan.settled)}};
    return rc == GOV_OK ? fund_journal(g, "share.replanned", p->id, data, ARRAY_LEN(data), d) : rc;
}

/* ---- how it stands ---- */

/* When rate k is due: the same date of each month, or the last of a shorter one; where the rule says so, not on a day off. */
static gov_status due_day(gov *g, const fund_project *p, const fund_plan *plan, int64_t k, const cal_calendar *c, int64_t *day, const diag *d)
{
    bool working = true;
    (void)g;
    *day = rate_day(plan, k);
    if (p->rule->roll == CAL_ROLL_NONE || !cal_has_hours(c))
        return GOV_OK;
    gov_status rc = cal_is_working_day(c, *day, &working, NULL, d);
    if (rc == GOV_OK && !working)
        rc = cal_next_working_day(c, *day, day, NULL, d);
    return rc;
}

/* What was settled under the plan goes to the earliest rate first. */
typedef struct rate {
    int64_t k, day, amount, settled;
    bool late;
} rate;

static gov_status rate_at(gov *g, const fund_project *p, const fund_plan *plan, const cal_calendar *c, int64_t k, int64_t *left, int64_t day,
                          rate *out, const diag *d)
{
    *out = (rate){.k = k, .amount = fund_rate(plan->total, plan->count, k)};
    out->settled = *left < out->amount ? *left : out->amount;
    *left -= out->settled;
    const gov_status rc = due_day(g, p, plan, k, c, &out->day, d);
    out->late = out->day < day && out->settled < out->amount; /* what is paid on the due day is in time */
    return rc;
}

gov_status fund_standing_of(gov *g, const fund_project *p, const fund_portion *u, int64_t day, fund_standing *out, const diag *d)
{
    const cal_calendar *c;
    cal_calendar *own;
    *out = (fund_standing){0};
    gov_status rc = current(g, u->id, &out->plan, d);
    if (rc == GOV_OK)
        rc = fund_owed(g, u, &out->owed, d);
    if (rc == GOV_OK)
        rc = fund_calendar(g, &c, &own, d);
    if (rc != GOV_OK)
        return rc;
    int64_t left = out->plan.total - out->owed;
    for (int64_t k = 0; out->plan.id != 0 && k < out->plan.count && rc == GOV_OK; k++) {
        rate r;
        rc = rate_at(g, p, &out->plan, c, k, &left, day, &r, d);
        if (r.settled == r.amount)
            continue;
        if (r.late && out->late_count++ == 0)
            out->late_since = r.day;
        if (r.late)
            out->late += r.amount - r.settled;
        if (!r.late && out->next_amount == 0) {
            out->next_day = r.day;
            out->next_amount = r.amount - r.settled;
        }
    }
    cal_free(own);
    return rc;
}

static gov_status rates_value(gov *g, const fund_project *p, const fund_plan *plan, int64_t owed, int64_t day, value *out, const diag *d)
{
    const cal_calendar *c;
    cal_calendar *own;
    value_builder list;
    int64_t left = plan->total - owed;
    gov_status rc = fund_calendar(g, &c, &own, d);
    value_builder_init(&list, &g->scratch);
    for (int64_t k = 0; k < plan->count && rc == GOV_OK; k++) {
        rate r;
        value_builder b;
        rc = rate_at(g, p, plan, c, k, &left, day, &r, d);
        value_builder_init(&b, &g->scratch);
        value_builder_set(&b, "due", fund_date(g, r.day));
        value_builder_set(&b, "amount", value_int(r.amount));
        value_builder_set(&b, "settled", value_int(r.settled));
        value_builder_set(&b, "late", value_bool(r.late));
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    cal_free(own);
    *out = value_builder_list(&list);
    return rc == GOV_OK && list.failed ? base_nomem(d) : rc;
}

gov_status fund_plan_value(gov *g, const fund_project *p, const fund_plan *plan, int64_t owed, int64_t day, value *out, const diag *d)
{
    value rates = value_null();
    value_builder b;
    const gov_status rc = plan->ended_us == 0 ? rates_value(g, p, plan, owed, day, &rates, d) : GOV_OK;
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(plan->id));
    value_builder_set(&b, "plan", value_text(fund_plan_names[plan->kind % 3]));
    value_builder_set(&b, "total", value_int(plan->total));
    value_builder_set(&b, "settled_before", value_int(plan->settled));
    value_builder_set(&b, "months", value_int(plan->count));
    value_builder_set(&b, "made_at", value_from_us(plan->made_us));
    value_builder_set(&b, "ended_at", plan->ended_us != 0 ? value_from_us(plan->ended_us) : value_null());
    value_builder_set(&b, "rates", rates);
    return fund_answer(&b, out, d);
}

gov_status fund_plans_of(gov *g, const fund_project *p, const fund_portion *u, int64_t day, value *out, const diag *d)
{
    static const store_sql list = {"SELECT " COLUMNS " FROM gov_fund_plan WHERE community = $1 AND portion = $2 ORDER BY id"};
    store_rows rows;
    value_builder all;
    int64_t owed;
    value_builder_init(&all, &g->scratch);
    gov_status rc = fund_owed(g, u, &owed, d);
    if (rc == GOV_OK)
        rc = store_query(g->store, &list, STORE_ARGS(store_i(g->community), store_i(u->id)), &rows, d);
    if (rc != GOV_OK)
        return rc;
    while ((rc = store_next(&rows, d)) == GOV_OK) {
        fund_plan plan;
        value v;
        read_plan(&rows, &plan);
        rc = fund_plan_value(g, p, &plan, owed, day, &v, d);
        if (rc != GOV_OK)
            break;
        value_builder_add(&all, v);
    }
    store_rows_close(&rows);
    *out = value_builder_list(&all);
    return rc != GOV_END ? rc : all.failed ? base_nomem(d) : GOV_OK;
}

/* ---- operations ---- */

static gov_status plan(gov *g, const value *in, bool anew, value *out, const diag *d)
{
    enum { PROJECT, UNIT, PLAN, MONTHS, FIRST };
    fund_project p;
    fund_portion u;
    fund_plan_order o = {.anew = anew, .months = in[MONTHS].kind == VALUE_INT ? in[MONTHS].as.i : 0};
    unsigned k = 0;
    while (k < 3 && !value_is_text(in[PLAN], fund_plan_names[k]))
        k++;
    o.kind = (fund_plan_kind)k;
    gov_status rc = k < 3 ? fund_day(in[FIRST], "first", 0, &o.first_day, d) : fund_bad_input("plan", d);
    if (rc == GOV_OK)
        rc = fund_portion_named(g, in[PROJECT].as.i, in[UNIT], &p, &u, d);
    return rc == GOV_OK ? fund_plan_make(g, &p, &u, &o, out, d) : rc;
}

gov_status fund_share_plan(gov *g, const value *in, value *out, const diag *d)
{
    return plan(g, in, false, out, d);
}

gov_status fund_share_switch(gov *g, const value *in, value *out, const diag *d)
{
    return plan(g, in, true, out, d);
}

gov_status fund_share_pay(gov *g, const value *in, value *out, const diag *d)
{
    enum { PROJECT, UNIT, AMOUNT, NOTE };
    fund_project p;
    fund_portion u;
    int64_t owed;
    fund_move m = {.code = FUND_PAYMENT, .note = "share.paid"};
    value_builder b;
    gov_status rc = fund_positive(in[AMOUNT], "amount", &m.amount, d);
    if (rc == GOV_OK)
        rc = fund_portion_named(g, in[PROJECT].as.i, in[UNIT], &p, &u, d);
    if (rc == GOV_OK && u.account == 0)
        return base_fail(d, M_share_nothing_owed, A_S("unit", u.unit.name));
    if (rc != GOV_OK)
        return rc;
    m.book = p.rule->book;
    m.subject = u.id;
    m.to = u.account;
    rc = fund_account(g, m.book, p.id, FUND_CODE_CASH, &m.from, d);
    if (rc == GOV_OK)
        rc = fund_post(g, &m, NULL, d);
    const fund_entry e = {.id = m.id, .pot = p.id, .kind = FUND_ENTRY_PAYMENT, .state = FUND_DONE, .amount = m.amount, .at_us = m.at_us,
                          .item = u.unit.name, .note = fund_text(g, in[NOTE])};
    if (rc == GOV_OK)
        rc = fund_entry_put(g, &e, d);
    if (rc == GOV_OK)
        rc = fund_owed(g, &u, &owed, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(m.id));
    value_builder_set(&b, "owed", value_int(owed));
    return fund_answer(&b, out, d);
}

gov_status fund_share_payments(gov *g, const value *in, value *out, const diag *d)
{
    enum { PROJECT, UNIT };
    fund_project p;
    const fund_query q = {.pot = in[PROJECT].as.i, .until_us = INT64_MAX, .state = FUND_DONE};
    const gov_status rc = fund_project_get(g, q.pot, false, &p, d);
    return rc == GOV_OK ? fund_list_entries(g, &q, in[UNIT], out, d) : rc;
}

static gov_status arrears_of(gov *g, const fund_project *p, int64_t day, value_builder *list, int64_t *sum, const diag *d)
{
    fund_portions all;
    gov_status rc = fund_portions_of(g, p->id, &all, d);
    for (size_t i = 0; rc == GOV_OK && i < all.count; i++) {
        fund_standing s;
        value_builder b;
        const fund_portion *u = &all.items[i];
        if (u->kind != FUND_UNIT || u->account == 0)
            continue;
        rc = fund_standing_of(g, p, u, day, &s, d);
        if (rc != GOV_OK || s.late == 0)
            continue;
        value_builder_init(&b, &g->scratch);
        value_builder_set(&b, "unit", value_text(u->unit.name));
        value_builder_set(&b, "late", value_int(s.late));
        value_builder_set(&b, "rates", value_int(s.late_count));
        value_builder_set(&b, "since", fund_date(g, s.late_since));
        value_builder_set(&b, "days", value_int(day - s.late_since));
        value_builder_set(&b, "owed", value_int(s.owed));
        list->failed = list->failed || b.failed;
        value_builder_add(list, value_builder_map(&b));
        *sum += s.late; /* within what all of them owe */
    }
    return rc;
}

gov_status fund_share_arrears(gov *g, const value *in, value *out, const diag *d)
{
    enum { PROJECT, AT };
    fund_project p;
    int64_t day = 0, today, sum = 0;
    value_builder b, list;
    value_builder_init(&list, &g->scratch);
    gov_status rc = fund_today(g, &today, d);
    if (rc == GOV_OK)
        rc = fund_day(in[AT], "at", today, &day, d);
    if (rc == GOV_OK)
        rc = fund_project_get(g, in[PROJECT].as.i, false, &p, d);
    if (rc == GOV_OK)
        rc = arrears_of(g, &p, day, &list, &sum, d);
    if (rc != GOV_OK || list.failed)
        return rc != GOV_OK ? rc : base_nomem(d);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "at", fund_date(g, day));
    value_builder_set(&b, "late", value_int(sum));
    value_builder_set(&b, "arrears", value_builder_list(&list));
    return fund_answer(&b, out, d);
}
