/* Periods and expiries, in the community's own days. */
#include "points/points.h"

static gov_status calendar_of(gov *g, const cal_calendar **out, const diag *d)
{
    case_machine m;
    const gov_status rc = case_machine_of(g, &m, d);
    *out = rc == GOV_OK ? case_calendar(&m, NULL) : NULL;
    return rc;
}

/* The first instant of the day, week, month or year that now lies in; years to come are counted on. */
static gov_status start_of(gov *g, uint8_t per, int32_t years, int64_t *out, const diag *d)
{
    const cal_calendar *cal;
    int64_t day;
    int32_t year;
    unsigned month, date;
    gov_status rc = calendar_of(g, &cal, d);
    if (rc == GOV_OK)
        rc = cal_day_of(cal, access_now(g), &day, d);
    if (rc != GOV_OK)
        return rc;
    base_civil_from_days(day, &year, &month, &date);
    if (per == POINTS_WEEK)
        day -= (int64_t)base_weekday(day) - 1;
    else if (per == POINTS_MONTH)
        day -= (int64_t)date - 1;
    else if (per == POINTS_YEAR)
        day = base_days_from_civil(year + years, 1, 1);
    return cal_day_start(cal, day, out, d);
}

gov_status points_period_start(gov *g, uint8_t per, int64_t *from_us, const diag *d)
{
    *from_us = 0;
    return per == POINTS_EVER || per == POINTS_CASE ? GOV_OK : start_of(g, per, 0, from_us, d);
}

gov_status points_add(gov *g, int64_t from_us, cal_duration dur, cal_instant *end, const diag *d)
{
    const cal_calendar *cal;
    const gov_status rc = calendar_of(g, &cal, d);
    return rc == GOV_OK ? cal_add(cal, from_us, dur, CAL_ROLL_NONE, end, d) : rc;
}

static gov_status reckon(gov *g, const rulebook_duration *span, bool back, int64_t from_us, cal_duration *length, cal_instant *out,
                         const diag *d)
{
    const value *presets;
    uint32_t count;
    cal_duration dur = {0};
    (void)rulebook_common_slots(g->rules, &presets, &count);
    const expr_run run = {.slots = presets,
                          .slot_count = count,
                          .scratch = &g->scratch,
                          .now_us = access_now(g),
                          .zone = g->rules->zone};
    gov_status rc = rulebook_duration_of(span, &run, &dur, NULL, d);
    if (rc == GOV_OK && back && !cal_negate(dur, &dur))
        rc = base_fail_at(d, &span->place, M_overflow, A_S("what", "duration"));
    if (rc == GOV_OK)
        rc = points_add(g, from_us, dur, out, d);
    *length = dur;
    return rc;
}

gov_status points_end(gov *g, const rulebook_duration *span, int64_t from_us, cal_duration *length, cal_instant *end, const diag *d)
{
    return reckon(g, span, false, from_us, length, end, d);
}

static gov_status instant_of(gov *g, const rulebook_duration *span, bool back, int64_t from_us, int64_t *out, const diag *d)
{
    cal_duration length;
    cal_instant end = {0};
    const gov_status rc = reckon(g, span, back, from_us, &length, &end, d);
    *out = end.us;
    return rc;
}

gov_status points_after(gov *g, const rulebook_duration *span, int64_t from_us, int64_t *end_us, const diag *d)
{
    return instant_of(g, span, false, from_us, end_us, d);
}

gov_status points_before(gov *g, const rulebook_duration *span, int64_t from_us, int64_t *start_us, const diag *d)
{
    return instant_of(g, span, true, from_us, start_us, d);
}

gov_status points_expiry_of(gov *g, const points_programme *p, int64_t *at_us, const diag *d)
{
    *at_us = 0;
    switch (p->expires.kind) {
    case POINTS_AFTER: return points_after(g, &p->expires.after, access_now(g), at_us, d);
    case POINTS_END_OF_YEAR: return start_of(g, POINTS_YEAR, 1, at_us, d);
    case POINTS_END_OF_NEXT_YEAR: return start_of(g, POINTS_YEAR, 2, at_us, d);
    default: return GOV_OK;
    }
}
