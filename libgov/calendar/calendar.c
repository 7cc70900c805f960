/* What a calendar says of a day, and how many working days and seconds lie before it. */
#include "calendar/tables.h"

const char *cal_name(const cal_calendar *c)
{
    return c->name;
}

const base_zone *cal_zone(const cal_calendar *c)
{
    return c->zone;
}

const uint8_t *cal_digest(const cal_calendar *c)
{
    return c->digest;
}

bool cal_has_hours(const cal_calendar *c)
{
    return c->has_hours;
}

/* ---- years ---- */

size_t cal_year_count(const cal_calendar *c)
{
    return c->year_count;
}

int32_t cal_year_at(const cal_calendar *c, size_t i)
{
    return i < c->year_count ? c->years[i].year : 0;
}

/* The last listed year that begins on or before the day; NULL: none. */
static const cal_year *year_before(const cal_calendar *c, int64_t day)
{
    size_t low = 0, high = c->year_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (c->years[middle].first <= day)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &c->years[low - 1] : NULL;
}

static bool within(const cal_year *y, int64_t day)
{
    return y != NULL && day < y->first + (int64_t)y->length;
}

bool cal_year_listed(const cal_calendar *c, int32_t year)
{
    return within(year_before(c, base_days_from_civil(year, 1, 1)),
                  base_days_from_civil(year, 1, 1));
}

bool cal_covers(const cal_calendar *c, int64_t first_day, int64_t last_day, int32_t *missing)
{
    int64_t day = first_day;
    unsigned month, date;
    for (const cal_year *y = year_before(c, day); within(y, day); y++) {
        day = y->first + (int64_t)y->length;
        if (day > last_day)
            return true;
        if (y + 1 == c->years + c->year_count)
            break;
    }
    if (missing != NULL)
        base_civil_from_days(day, missing, &month, &date);
    return false;
}

gov_status cal_rest_on(const cal_calendar *c, int64_t first, int64_t last, bool *provisional,
                       const diag *d)
{
    int32_t year;
    if (cal_covers(c, first, last, &year))
        return GOV_OK;
    if (c->missing == CAL_MISSING_ERROR)
        return base_fail(d, M_calendar_year_missing, A_S("calendar", c->name), A_I("year", year));
    if (provisional != NULL)
        *provisional = true;
    return GOV_OK;
}

gov_status cal_need_hours(const cal_calendar *c, const diag *d)
{
    return c->has_hours ? GOV_OK : base_fail(d, M_calendar_no_hours, A_S("calendar", c->name));
}

/* ---- sums ---- */

/* as if no year were listed */
static cal_sums cal_sums_of_pattern(const cal_calendar *c, int64_t day)
{
    int64_t weeks = (day + 3) / 7, rest = (day + 3) % 7; /* day -3 was a Monday */
    if (rest < 0) {
        rest += 7;
        weeks--;
    }
    return (cal_sums){weeks * c->week_days[7] + c->week_days[rest],
                      weeks * c->week_seconds[7] + c->week_seconds[rest]};
}

cal_sums cal_sums_before(const cal_calendar *c, int64_t day)
{
    const cal_year *y = year_before(c, day);
    if (y == NULL)
        return cal_sums_of_pattern(c, day);
    const int64_t end = y->first + (int64_t)y->length;
    const size_t i = day < end ? (size_t)(day - y->first) : y->length;
    cal_sums sums = {y->days_before + y->days[i], y->seconds_before + y->seconds[i]};
    if (day > end) {
        const cal_sums from = cal_sums_of_pattern(c, end), to = cal_sums_of_pattern(c, day);
        sums.days += to.days - from.days;
        sums.seconds += to.seconds - from.seconds;
    }
    return sums;
}

static int64_t sum_before(const cal_calendar *c, int64_t day, bool seconds)
{
    const cal_sums sums = cal_sums_before(c, day);
    return seconds ? sums.seconds : sums.days;
}

/* Most ends are near: the range is doubled until it holds the day, then halved. */
bool cal_reach(const cal_calendar *c, int64_t day, bool seconds, int64_t target, int64_t *out)
{
    int64_t low = day, high = day, step = 4;
    while (sum_before(c, high + 1, seconds) < target) {
        if (high >= CAL_LAST_DAY)
            return false;
        low = high + 1;
        high = high + step < CAL_LAST_DAY ? high + step : CAL_LAST_DAY;
        step *= 2;
    }
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (sum_before(c, middle + 1, seconds) >= target)
            high = middle;
        else
            low = middle + 1;
    }
    *out = low;
    return low <= CAL_LAST_DAY;
}

bool cal_reach_back(const cal_calendar *c, int64_t day, bool seconds, int64_t target, int64_t *out)
{
    int64_t low = day, high = day, step = 4;
    while (sum_before(c, low, seconds) > target) {
        if (low <= CAL_FIRST_DAY)
            return false;
        high = low - 1;
        low = low - step > CAL_FIRST_DAY ? low - step : CAL_FIRST_DAY;
        step *= 2;
    }
    while (low < high) {
        const int64_t middle = low + (high - low + 1) / 2;
        if (sum_before(c, middle, seconds) <= target)
            low = middle;
        else
            high = middle - 1;
    }
    *out = low;
    return low >= CAL_FIRST_DAY;
}

/* ---- days ---- */

const cal_hours *cal_hours_of(const cal_calendar *c, int64_t day)
{
    const cal_year *y = year_before(c, day);
    return &c->hours[within(y, day) ? y->hours[day - y->first] : base_weekday(day)];
}

size_t cal_day_hours(const cal_calendar *c, int64_t day, const cal_span **spans)
{
    const cal_hours *h = cal_hours_of(c, day);
    *spans = h->spans;
    return h->count;
}

cal_kind cal_day_kind(const cal_calendar *c, int64_t day)
{
    const cal_hours *h = cal_hours_of(c, day), *usual = &c->hours[base_weekday(day)];
    if (h == usual)
        return h->count > 0 ? CAL_KIND_USUAL : CAL_KIND_FREE;
    if (h->count == 0)
        return CAL_KIND_OFF;
    return usual->count == 0 ? CAL_KIND_MAKE_UP : CAL_KIND_OWN_HOURS;
}

static gov_status check_day(int64_t day, const diag *d)
{
    return day >= CAL_FIRST_DAY && day <= CAL_LAST_DAY ? GOV_OK : base_fail(d, M_calendar_range);
}

gov_status cal_is_working_day(const cal_calendar *c, int64_t day, bool *working, bool *provisional,
                              const diag *d)
{
    gov_status st = check_day(day, d);
    *working = false;
    if (st == GOV_OK)
        st = cal_rest_on(c, day, day, provisional, d);
    if (st == GOV_OK)
        *working = cal_hours_of(c, day)->count > 0;
    return st;
}

gov_status cal_next_working_day(const cal_calendar *c, int64_t day, int64_t *next,
                                bool *provisional, const diag *d)
{
    gov_status st = check_day(day, d);
    if (st == GOV_OK)
        st = cal_need_hours(c, d);
    if (st != GOV_OK)
        return st;
    if (!cal_reach(c, day + 1, false, sum_before(c, day + 1, false) + 1, next))
        return base_fail(d, M_calendar_range);
    return cal_rest_on(c, day + 1, *next, provisional, d);
}

gov_status cal_working_days_between(const cal_calendar *c, int64_t from, int64_t to, int64_t *count,
                                    bool *provisional, const diag *d)
{
    gov_status st = check_day(from, d);
    *count = 0;
    if (st == GOV_OK)
        st = check_day(to, d);
    if (st == GOV_OK)
        st = cal_need_hours(c, d);
    if (st != GOV_OK || from == to)
        return st;
    *count = sum_before(c, to + 1, false) - sum_before(c, from + 1, false);
    return cal_rest_on(c, (from < to ? from : to) + 1, from < to ? to : from, provisional, d);
}
