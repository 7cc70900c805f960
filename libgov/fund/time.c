/* Days, months and periods of a community's funds. */
#include "fund/fund.h"

#include <string.h>

gov_status fund_calendar(gov *g, const cal_calendar **out, cal_calendar **own, const diag *d)
{
    const rulebook_calendar *named = g->rules->calendar != NULL ? rulebook_find_calendar(g->rules, NULL) : NULL;
    *own = NULL;
    *out = named != NULL ? named->cal : NULL;
    if (named != NULL)
        return GOV_OK;
    const gov_status rc = case_plain_calendar(g->alloc, g->rules->zone, own, d);
    *out = *own;
    return rc;
}

static int64_t floor_div(int64_t a, int64_t by)
{
    return a / by - (a % by < 0);
}

static int64_t local_day(gov *g, int64_t us)
{
    const int64_t seconds = floor_div(us, BASE_US_PER_SECOND);
    return floor_div(seconds + base_zone_offset(g->rules->zone, seconds), 86400);
}

gov_status fund_today(gov *g, int64_t *day, const diag *d)
{
    (void)d;
    *day = local_day(g, access_now(g));
    return GOV_OK;
}

gov_status fund_day(value v, const char *what, int64_t otherwise, int64_t *day, const diag *d)
{
    *day = otherwise;
    if (v.kind == VALUE_ABSENT || v.kind == VALUE_NULL)
        return GOV_OK;
    return v.kind == VALUE_STRING && base_parse_date(v.as.s, v.len, day) ? GOV_OK : fund_bad_input(what, d);
}

gov_status fund_day_start(gov *g, int64_t day, int64_t *us, const diag *d)
{
    int64_t seconds = 0;
    if (day < base_days_from_civil(1, 1, 1) || day > base_days_from_civil(9999, 12, 31))
        return base_fail(d, M_overflow, A_S("what", "date"));
    (void)base_zone_to_utc(g->rules->zone, day * 86400, &seconds);
    *us = seconds * BASE_US_PER_SECOND;
    return GOV_OK;
}

gov_status fund_window_start(gov *g, fund_window w, int64_t us, int64_t *start_us, const diag *d)
{
    int32_t year;
    unsigned month, day;
    *start_us = 0;
    if (w == FUND_EVER)
        return GOV_OK;
    base_civil_from_days(local_day(g, us), &year, &month, &day);
    return fund_day_start(g, base_days_from_civil(year, w == FUND_YEAR ? 1 : month, 1), start_us, d);
}

int64_t fund_months_after(int64_t day, int64_t months)
{
    int32_t year;
    unsigned month, date;
    base_civil_from_days(day, &year, &month, &date);
    const int64_t count = (int64_t)year * 12 + (month - 1) + months;
    const int32_t to_year = (int32_t)floor_div(count, 12);
    const unsigned to_month = (unsigned)(count - (int64_t)to_year * 12) + 1, last = base_month_length(to_year, to_month);
    return base_days_from_civil(to_year, to_month, date < last ? date : last);
}

value fund_date(gov *g, int64_t day)
{
    char text[11];
    base_format_date(day, text);
    const char *copy = base_arena_strdup(&g->scratch, text);
    return copy != NULL ? value_text(copy) : value_absent();
}

gov_status fund_end_of(gov *g, const rulebook_duration *dur, uint8_t roll, int64_t from_us, cal_instant *out, const diag *d)
{
    const value *presets;
    uint32_t count;
    const cal_calendar *c;
    cal_calendar *own;
    cal_duration length;
    (void)rulebook_common_slots(g->rules, &presets, &count);
    const expr_run run = {.slots = presets, .slot_count = count, .scratch = &g->scratch, .now_us = from_us, .zone = g->rules->zone};
    gov_status rc = rulebook_duration_of(dur, &run, &length, NULL, d);
    if (rc == GOV_OK)
        rc = fund_calendar(g, &c, &own, d);
    if (rc != GOV_OK)
        return rc;
    rc = cal_add(c, from_us, length, (cal_roll)roll, out, d);
    cal_free(own);
    return rc;
}
