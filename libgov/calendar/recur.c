/* What comes again: every day, week, month or year, every so many of them, the n-th weekday, working days only. */
#include "calendar/tables.h"

enum {
    MOST_EMPTY = 2000, /* periods in a row without an occurrence; then there is none */
    MOST_BACK = 400    /* periods that may lie wholly in days off */
};

static int64_t floor_div(int64_t n, int64_t by)
{
    return n / by - (n % by < 0);
}

static int64_t first_of_month(int64_t months)
{
    const int64_t year = floor_div(months, 12);
    return base_days_from_civil((int32_t)year, (unsigned)(months - year * 12) + 1, 1);
}

/* ---- periods: numbered, without gaps ---- */

static int64_t period_of(const cal_rhythm *r, int64_t day)
{
    int32_t year;
    unsigned month, date;
    base_civil_from_days(day, &year, &month, &date);
    switch (r->period) {
    case CAL_EVERY_DAY:
        return floor_div(day, r->every);
    case CAL_EVERY_WEEK:
        return floor_div(floor_div(day + 3, 7), r->every); /* day -3 was a Monday */
    case CAL_EVERY_MONTH:
        return floor_div((int64_t)year * 12 + month - 1, r->every);
    default:
        return floor_div(year, r->every);
    }
}

static int64_t first_day_of(const cal_rhythm *r, int64_t period)
{
    switch (r->period) {
    case CAL_EVERY_DAY:
        return period * r->every;
    case CAL_EVERY_WEEK:
        return period * r->every * 7 - 3;
    case CAL_EVERY_MONTH:
        return first_of_month(period * r->every);
    default:
        return base_days_from_civil((int32_t)(period * r->every), 1, 1);
    }
}

/* The n-th of that weekday in the month that begins with `first`; false: the month has no fifth one. */
static bool nth_weekday(int64_t first, int nth, unsigned weekday, int64_t *day)
{
    int32_t year;
    unsigned month, date;
    base_civil_from_days(first, &year, &month, &date);
    const int64_t length = base_month_length(year, month);
    if (nth > 0) {
        *day = first + (weekday + 7 - base_weekday(first)) % 7 + (int64_t)(nth - 1) * 7;
        return *day < first + length;
    }
    const int64_t last = first + length - 1;
    *day = last - (base_weekday(last) + 7 - weekday) % 7;
    return true;
}

/* The day within a period on which it is due; false: this period has none. */
static bool day_in(const cal_rhythm *r, int64_t first, int64_t *day)
{
    int32_t year;
    unsigned month, date;
    *day = first;
    if (r->nth != 0)
        return nth_weekday(first, r->nth, r->weekday, day);
    if (r->on == 0)
        return true;
    base_civil_from_days(first, &year, &month, &date);
    if (r->period == CAL_EVERY_WEEK) {
        *day = first + r->on - 1;
    } else {
        const unsigned in = r->period == CAL_EVERY_YEAR ? r->on / 100 : month, wanted = r->on % 100, length = base_month_length(year, in);
        *day = base_days_from_civil(year, in, wanted < length ? wanted : length);
    }
    return true;
}

/* ---- the time of day ---- */

/* Written, or the opening of business: of that day, else of the first weekday that has hours, else midnight. */
static int64_t seconds_of(const cal_calendar *c, const cal_rhythm *r, int64_t day)
{
    const cal_hours *h = cal_hours_of(c, day);
    if (r->at >= 0)
        return r->at;
    for (size_t i = 1; i <= 7 && h->count == 0; i++)
        h = &c->hours[i];
    return h->count > 0 ? h->spans[0].start : 0;
}

static gov_status instant_of(const cal_calendar *c, int64_t day, int64_t seconds, int64_t *us, const diag *d)
{
    int64_t utc, start, end;
    if (day < CAL_FIRST_DAY || day > CAL_LAST_DAY)
        return base_fail(d, M_calendar_range);
    if (base_zone_to_utc(c->zone, day * 86400 + seconds, &utc) == BASE_LOCAL_SKIPPED) {
        (void)base_zone_stretch(c->zone, utc, &start, &end);
        utc = start;
    }
    *us = utc * BASE_US_PER_SECOND;
    return GOV_OK;
}

/* ---- occurrences ---- */

/* The last working day from `day` back to `first`; *day is left alone where there is none. */
static gov_status move_back(const cal_calendar *c, int64_t first, int64_t *day, cal_occurrence *out, const diag *d)
{
    gov_status status = GOV_OK;
    for (int64_t back = *day; back >= first && status == GOV_OK; back--) {
        bool working;
        status = cal_is_working_day(c, back, &working, &out->provisional, d);
        if (status == GOV_OK && working) {
            *day = back;
            return GOV_OK;
        }
    }
    return status;
}

/* A day off is skipped, or moved: to the next working day of its period, else to the last one before it; where the whole period is off,
 * out of it to the next working day there is, and the period lasts until that day is over. Nothing is lost. */
static gov_status settle_day(const cal_calendar *c, const cal_rhythm *r, int64_t first, int64_t *end, int64_t *day, bool *there,
                             cal_occurrence *out, const diag *d)
{
    bool working;
    int64_t next;
    if (r->day_off == CAL_DAY_KEEP && !r->working)
        return GOV_OK;
    gov_status status = cal_is_working_day(c, *day, &working, &out->provisional, d);
    if (status != GOV_OK || working)
        return status;
    *there = r->day_off == CAL_DAY_MOVE && !r->working;
    if (!*there)
        return GOV_OK;
    out->moved = true;
    status = cal_next_working_day(c, *day, &next, &out->provisional, d);
    if (status == GOV_OK && next >= *end)
        status = move_back(c, first, day, out, d);
    if (status != GOV_OK)
        return status;
    const cal_span *hours;
    if (next < *end || cal_day_hours(c, *day, &hours) == 0) { /* ahead, or nothing was found behind */
        *day = next;
        *end = next < *end ? *end : next + 1;
    }
    return GOV_OK;
}

static gov_status occurrence_in(const cal_calendar *c, const cal_rhythm *r, int64_t period, bool *there, cal_occurrence *out, const diag *d)
{
    const int64_t first = first_day_of(r, period), next = first_day_of(r, period + 1);
    int64_t day, end = next;
    *out = (cal_occurrence){.period = period};
    if (first < CAL_FIRST_DAY || next > CAL_LAST_DAY)
        return base_fail(d, M_calendar_range);
    *there = day_in(r, first, &day);
    gov_status status = *there ? settle_day(c, r, first, &end, &day, there, out, d) : GOV_OK;
    if (status == GOV_OK && *there && r->working) /* up to the next working day */
        status = cal_next_working_day(c, day, &end, &out->provisional, d);
    if (status != GOV_OK || !*there)
        return status;
    status = instant_of(c, first, 0, &out->start_us, d);
    if (status == GOV_OK)
        status = instant_of(c, end, 0, &out->end_us, d);
    return status == GOV_OK ? instant_of(c, day, seconds_of(c, r, day), &out->at_us, d) : status;
}

/* The first at or after an instant, of that period or a later one. */
static gov_status next_from(const cal_calendar *c, const cal_rhythm *r, int64_t period, int64_t from_us, cal_occurrence *out, const diag *d)
{
    gov_status status = GOV_OK;
    for (int empty = 0; status == GOV_OK && empty < MOST_EMPTY; empty++, period++) {
        bool there = false;
        status = occurrence_in(c, r, period, &there, out, d);
        if (status == GOV_OK && there && out->at_us >= from_us)
            return GOV_OK;
    }
    return status != GOV_OK ? status : GOV_END;
}

/* The first period whose occurrence may lie at or after an instant in `period`: earlier ones may have moved out into it. Occurrences come
 * in the order of their periods. */
static int64_t first_waiting(const cal_calendar *c, const cal_rhythm *r, int64_t period, int64_t from_us)
{
    int64_t first = period;
    if (r->day_off != CAL_DAY_MOVE || r->working)
        return period;
    for (int64_t p = period - 1; p >= period - MOST_BACK; p--) {
        cal_occurrence o;
        bool there = false;
        if (occurrence_in(c, r, p, &there, &o, NULL) != GOV_OK || (there && o.at_us < from_us))
            break;
        first = there ? p : first;
    }
    return first;
}

static gov_status check_rhythm(const cal_calendar *c, const cal_rhythm *r, const diag *d)
{
    if (r->every < 1 || r->every > CAL_MOST_EVERY || r->period > CAL_EVERY_YEAR)
        return base_fail(d, M_calendar_range);
    return r->working || r->day_off != CAL_DAY_KEEP ? cal_need_hours(c, d) : GOV_OK;
}

gov_status cal_following(const cal_calendar *c, const cal_rhythm *r, const cal_occurrence *last, cal_occurrence *out, const diag *d)
{
    const int64_t at_us = last->at_us, period = last->period;
    const gov_status status = check_rhythm(c, r, d);
    return status == GOV_OK ? next_from(c, r, period + 1, at_us, out, d) : status;
}

gov_status cal_next(const cal_calendar *c, const cal_rhythm *r, int64_t from_us, cal_occurrence *out, const diag *d)
{
    int64_t day;
    gov_status status = check_rhythm(c, r, d);
    if (status == GOV_OK)
        status = cal_day_of(c, from_us, &day, d);
    return status == GOV_OK ? next_from(c, r, first_waiting(c, r, period_of(r, day), from_us), from_us, out, d) : status;
}
