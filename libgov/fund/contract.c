/* Contracts with providers: a rise of a fee against its cap, the series of checks, and payments that indicators cut. */
#include "fund/ops.h"

#include <string.h>

/* ---- a fee's rise ---- */

/* new * den <= old * (den + num): compared by multiplication, so that nothing is rounded. */
gov_status fund_fee_check_rise(gov *g, const value *in, value *out, const diag *d)
{
    enum { CONTRACT, OLD, NEW };
    const fund_contract *c;
    int64_t old, fresh, most = 0;
    value_builder b;
    gov_status rc = fund_find(g, "contract", fund_text(g, in[CONTRACT]), (const void **)&c, d);
    if (rc == GOV_OK)
        rc = fund_positive(in[OLD], "old", &old, d);
    if (rc == GOV_OK)
        rc = fund_positive(in[NEW], "new", &fresh, d);
    if (rc != GOV_OK)
        return rc;
    if (c->rise.den == 0)
        return base_fail(d, M_fee_no_cap, A_S("contract", c->name));
    const fund_ratio ceiling = {c->rise.num + c->rise.den, c->rise.den};
    if (!fund_ratio_times(ceiling, old, &most)) /* beyond every amount there is: no cap that could be passed */
        most = INT64_MAX;
    if (fresh > most)
        return base_fail(d, M_fee_rise, A_I("old", old), A_I("new", fresh), A_I("most", most));
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "old", value_int(old));
    value_builder_set(&b, "new", value_int(fresh));
    value_builder_set(&b, "most", value_int(most));
    return fund_answer(&b, out, d);
}

/* ---- checks ---- */

enum { MOST_CHECKS = 2000 };

static gov_status check_value(gov *g, const cal_calendar *c, const cal_occurrence *o, value *out, const diag *d)
{
    int64_t day;
    bool working = true, provisional = false;
    value_builder b;
    gov_status rc = cal_day_of(c, o->at_us, &day, d);
    if (rc == GOV_OK && cal_has_hours(c))
        rc = cal_is_working_day(c, day, &working, &provisional, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "date", fund_date(g, day));
    value_builder_set(&b, "day_off", value_bool(!working));
    value_builder_set(&b, "moved", value_bool(o->moved));
    value_builder_set(&b, "provisional", value_bool(o->provisional || provisional));
    return fund_answer(&b, out, d);
}

/* The first check comes one period after the promise, on the same day of the week or month. */
static gov_status list_checks(gov *g, const fund_contract *c, const cal_calendar *cal, int64_t from, int64_t until_us, value_builder *list,
                              const diag *d)
{
    cal_rhythm r = c->checks.rhythm;
    cal_occurrence o;
    int32_t year;
    unsigned month, date;
    int64_t at_us;
    base_civil_from_days(from, &year, &month, &date);
    r.on = (uint16_t)(r.period == CAL_EVERY_WEEK ? base_weekday(from) : r.period == CAL_EVERY_MONTH ? date : 0);
    gov_status rc = fund_day_start(g, from + 1, &at_us, d);
    while (rc == GOV_OK && list->len < MOST_CHECKS) {
        value v;
        rc = list->len == 0 ? cal_next(cal, &r, at_us, &o, d) : cal_following(cal, &r, &o, &o, d);
        if (rc != GOV_OK || o.at_us >= until_us)
            break;
        rc = check_value(g, cal, &o, &v, d);
        value_builder_add(list, v);
    }
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status fund_fee_checks(gov *g, const value *in, value *out, const diag *d)
{
    enum { CONTRACT, FROM };
    const fund_contract *c;
    const cal_calendar *cal;
    cal_calendar *own;
    cal_instant end;
    int64_t from, start_us;
    value_builder list, b;
    gov_status rc = fund_find(g, "contract", fund_text(g, in[CONTRACT]), (const void **)&c, d);
    if (rc == GOV_OK && !c->checks.there)
        return base_fail(d, M_fee_no_checks, A_S("contract", c->name));
    if (rc == GOV_OK)
        rc = fund_day(in[FROM], "from", 0, &from, d);
    if (rc == GOV_OK)
        rc = fund_day_start(g, from, &start_us, d);
    if (rc == GOV_OK)
        rc = fund_end_of(g, &c->checks.length, CAL_ROLL_NONE, start_us, &end, d);
    if (rc == GOV_OK)
        rc = fund_calendar(g, &cal, &own, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&list, &g->scratch);
    rc = list_checks(g, c, cal, from, end.us, &list, d);
    cal_free(own);
    if (rc != GOV_OK || list.failed)
        return rc != GOV_OK ? rc : base_nomem(d);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "count", value_int((int64_t)list.len));
    value_builder_set(&b, "checks", value_builder_list(&list));
    return fund_answer(&b, out, d);
}

/* ---- indicators ---- */

static gov_status deduct(gov *g, const char *lang, const fund_kpi *k, value measured, int64_t payment, int64_t *sum, value *out, const diag *d)
{
    fund_ratio found;
    char line[48];
    int64_t amount = 0;
    value_builder b;
    if (!fund_ratio_of(measured, &found))
        return base_fail(d, M_kpi_missing, A_S("kpi", k->name));
    const int side = fund_ratio_compare(found, k->line);
    const bool missed = k->at_most ? side > 0 : side < 0; /* at the line itself it is kept */
    if (missed && k->share.den > 0 && !fund_ratio_times(k->share, payment, &amount))
        return base_fail(d, M_overflow, A_S("what", "deduction"));
    if (missed && k->share.den == 0)
        amount = k->amount;
    if (!base_add(*sum, amount, sum))
        return base_fail(d, M_overflow, A_S("what", "deduction"));
    fund_ratio_text(k->line, line);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "kpi", value_text(k->name));
    value_builder_set(&b, "title", value_text(fund_title(g, lang, &k->title, k->name)));
    value_builder_set_copy(&b, k->at_most ? "at_most" : "at_least", line);
    value_builder_set(&b, "measured", measured);
    value_builder_set(&b, "kept", value_bool(!missed));
    value_builder_set(&b, "deduction", value_int(amount));
    return fund_answer(&b, out, d);
}

static gov_status unknown_kpi(const fund_contract *c, value measured, const diag *d)
{
    const char *names[64];
    size_t n = 0;
    for (uint32_t i = 0; i < c->kpi_count && n < ARRAY_LEN(names); i++)
        names[n++] = c->kpis[i].name;
    for (size_t i = 0; i < measured.len; i++) {
        const value key = measured.as.pairs[i].key;
        bool known = false;
        for (uint32_t k = 0; k < c->kpi_count; k++)
            known = known || value_is_text(key, c->kpis[k].name);
        if (!known && key.kind == VALUE_STRING)
            return base_fail(d, M_fund_item, A_S("what", "kpi"), A_N("name", key.as.s, key.len),
                             A_S("near", base_nearest(key.as.s, key.len, names, n)));
    }
    return GOV_OK;
}

gov_status fund_kpi_payment(gov *g, const value *in, value *out, const diag *d)
{
    enum { CONTRACT, MEASURED, PAYMENT, LANG };
    const char *lang = fund_text(g, in[LANG]);
    const fund_contract *c;
    int64_t payment = 0, cut = 0;
    value_builder b, list;
    gov_status rc = fund_find(g, "contract", fund_text(g, in[CONTRACT]), (const void **)&c, d);
    if (rc == GOV_OK)
        rc = fund_positive(in[PAYMENT].kind == VALUE_INT || c->payment < 0 ? in[PAYMENT] : value_int(c->payment), "payment", &payment, d);
    if (rc == GOV_OK)
        rc = unknown_kpi(c, in[MEASURED], d);
    value_builder_init(&list, &g->scratch);
    for (uint32_t i = 0; rc == GOV_OK && i < c->kpi_count; i++) {
        value v;
        rc = deduct(g, lang, &c->kpis[i], value_get_text(in[MEASURED], c->kpis[i].name), payment, &cut, &v, d);
        if (rc == GOV_OK)
            value_builder_add(&list, v);
    }
    if (rc != GOV_OK || list.failed)
        return rc != GOV_OK ? rc : base_nomem(d);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "payment", value_int(payment));
    value_builder_set(&b, "deducted", value_int(cut < payment ? cut : payment)); /* nobody is made to pay for working */
    value_builder_set(&b, "net", value_int(cut < payment ? payment - cut : 0));
    value_builder_set(&b, "kpis", value_builder_list(&list));
    return fund_answer(&b, out, d);
}
