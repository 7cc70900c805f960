/* When a duration ends, and how much of a budget a stretch of time uses.
 *
 * Working time is reckoned on the wall clock: within a stretch of constant offset from UTC, local time runs evenly, so
 * the working time between two of its instants is a difference of two sums. A change of the clocks begins a new stretch.
 * Day budgets are reckoned by closings: a day is used up when it closes, and its closing is what a clock must live to see. */
#include "calendar/tables.h"

#define SECOND BASE_US_PER_SECOND
#define DAY    BASE_US_PER_DAY

static int64_t floor_div(int64_t n, int64_t by)
{
    return n / by - (n % by < 0);
}

/* ---- instants and days ---- */

static bool in_range(int64_t us)
{
    return us >= CAL_FIRST_US && us <= CAL_LAST_US;
}

static gov_status out_of_range(const diag *d)
{
    return base_fail(d, M_calendar_range);
}

static int64_t to_local(const cal_calendar *c, int64_t us)
{
    return us + base_zone_offset(c->zone, floor_div(us, SECOND)) * SECOND;
}

static int64_t local_day(const cal_calendar *c, int64_t us)
{
    return floor_div(to_local(c, us), DAY);
}

/* The first instant at which the wall clock shows this time, or at which it has jumped over it. */
static int64_t instant_of(const cal_calendar *c, int64_t local_us)
{
    const int64_t local = floor_div(local_us, SECOND);
    int64_t utc, start, end;
    if (base_zone_to_utc(c->zone, local, &utc) == BASE_LOCAL_SKIPPED) {
        (void)base_zone_stretch(c->zone, utc, &start, &end);
        return start * SECOND;
    }
    return utc * SECOND + (local_us - local * SECOND);
}

static int64_t day_start(const cal_calendar *c, int64_t day)
{
    return instant_of(c, day * DAY);
}

static int64_t day_end(const cal_calendar *c, int64_t day)
{
    return day_start(c, day + 1);
}

static int64_t close_of_business(const cal_calendar *c, int64_t day)
{
    const cal_hours *h = cal_hours_of(c, day);
    return instant_of(c, day * DAY + h->spans[h->count - 1].end * SECOND);
}

static int64_t opening(const cal_calendar *c, int64_t day)
{
    return instant_of(c, day * DAY + cal_hours_of(c, day)->spans[0].start * SECOND);
}

static bool is_working(const cal_calendar *c, int64_t day)
{
    return cal_hours_of(c, day)->count > 0;
}

gov_status cal_day_of(const cal_calendar *c, int64_t us, int64_t *day, const diag *d)
{
    *day = 0;
    if (!in_range(us))
        return out_of_range(d);
    *day = local_day(c, us);
    return GOV_OK;
}

gov_status cal_day_start(const cal_calendar *c, int64_t day, int64_t *us, const diag *d)
{
    *us = 0;
    if (day < CAL_FIRST_DAY || day > CAL_LAST_DAY)
        return out_of_range(d);
    *us = day_start(c, day);
    return in_range(*us) ? GOV_OK : out_of_range(d);
}

/* ---- working time ---- */

/* Working microseconds before a local instant. */
static int64_t worked(const cal_calendar *c, int64_t local_us)
{
    const int64_t day = floor_div(local_us, DAY), time = local_us - day * DAY;
    const cal_hours *h = cal_hours_of(c, day);
    int64_t sum = cal_sums_before(c, day).seconds * SECOND;
    for (size_t i = 0; i < h->count && h->spans[i].start * SECOND < time; i++) {
        const int64_t start = h->spans[i].start * SECOND, end = h->spans[i].end * SECOND;
        sum += (time < end ? time : end) - start;
    }
    return sum;
}

/* The time within the hours at which `part` of them is used: at the end of a span, or (late) at the start of the next. */
static int64_t time_within(const cal_hours *h, int64_t part, bool late)
{
    for (size_t i = 0; i < h->count; i++) {
        const int64_t start = h->spans[i].start * SECOND, length = h->spans[i].end * SECOND - start;
        if (part < length || (part == length && !late))
            return start + part;
        part -= length;
    }
    return h->count > 0 ? h->spans[h->count - 1].end * SECOND : 0;
}

/* A stretch of constant offset around an instant, cut to our years; in microseconds. */
static int64_t stretch_around(const cal_calendar *c, int64_t us, int64_t *start, int64_t *end)
{
    int64_t from, to;
    const int64_t offset = base_zone_stretch(c->zone, floor_div(us, SECOND), &from, &to);
    *start = from < CAL_FIRST_US / SECOND ? CAL_FIRST_US : from * SECOND;
    *end = to > CAL_LAST_US / SECOND ? CAL_LAST_US + 1 : to * SECOND;
    return offset * SECOND;
}

static int64_t worked_between(const cal_calendar *c, int64_t from, int64_t to)
{
    int64_t sum = 0, start, end;
    while (from < to) {
        const int64_t offset = stretch_around(c, from, &start, &end);
        if (end > to)
            end = to;
        sum += worked(c, end + offset) - worked(c, from + offset);
        from = end;
    }
    return sum;
}

/* n > 0 of working time after `us`. */
static bool work_on(const cal_calendar *c, int64_t us, int64_t n, int64_t *out)
{
    int64_t start, end, day;
    while (us <= CAL_LAST_US) {
        const int64_t offset = stretch_around(c, us, &start, &end);
        const int64_t before = worked(c, us + offset), have = worked(c, end + offset) - before;
        if (have >= n) {
            const int64_t target = before + n;
            if (!cal_reach(c, floor_div(us + offset, DAY), true, -floor_div(-target, SECOND), &day))
                return false;
            *out = day * DAY - offset +
                   time_within(cal_hours_of(c, day),
                               target - cal_sums_before(c, day).seconds * SECOND, false);
            return true;
        }
        n -= have;
        us = end;
    }
    return false;
}

/* n > 0 of working time before `us`. */
static bool work_back(const cal_calendar *c, int64_t us, int64_t n, int64_t *out)
{
    int64_t start, end, day;
    while (us > CAL_FIRST_US) {
        const int64_t offset = stretch_around(c, us - 1, &start, &end);
        const int64_t before = worked(c, us + offset), have = before - worked(c, start + offset);
        if (have >= n) {
            const int64_t target = before - n;
            if (!cal_reach_back(c, floor_div(us - 1 + offset, DAY), true, floor_div(target, SECOND),
                                &day))
                return false;
            *out = day * DAY - offset +
                   time_within(cal_hours_of(c, day),
                               target - cal_sums_before(c, day).seconds * SECOND, true);
            return true;
        }
        n -= have;
        us = start;
    }
    return false;
}

/* ---- one reckoning ---- */

/* Where a duration is reckoned from: the event, its day (which is excluded), and where the clock runs on from. */
typedef struct start {
    int64_t event, day, from;
} start;

typedef struct reckoning {
    const cal_calendar *c;
    start s;
    cal_duration dur;
    cal_roll roll;
    cal_instant *out;
    const diag *d;
} reckoning;

static gov_status end_at(const reckoning *r, int64_t us, int64_t day)
{
    if (!in_range(us) || day < CAL_FIRST_DAY || day > CAL_LAST_DAY)
        return out_of_range(r->d);
    r->out->us = us;
    r->out->day = day;
    return GOV_OK;
}

static gov_status end_now(const reckoning *r)
{
    return end_at(r, r->s.from, local_day(r->c, r->s.from));
}

/* An end at some time of a day, moved to the same time of the next working day if that one is off. */
static gov_status end_in_day(const reckoning *r, int64_t us, bool whole_day, int64_t day)
{
    bool working;
    int64_t to;
    gov_status st = end_at(r, us, day);
    if (st != GOV_OK || r->roll == CAL_ROLL_NONE)
        return st;
    st = cal_need_hours(r->c, r->d);
    if (st == GOV_OK)
        st = cal_is_working_day(r->c, day, &working, &r->out->provisional, r->d);
    if (st != GOV_OK || working)
        return st;
    st = cal_next_working_day(r->c, day, &to, &r->out->provisional, r->d);
    if (st != GOV_OK)
        return st;
    r->out->rolled = true;
    if (whole_day)
        return end_at(r, day_end(r->c, to), to);
    return end_at(r, instant_of(r->c, to_local(r->c, us) + (to - day) * DAY), to);
}

static gov_status end_of_day(const reckoning *r, int64_t day)
{
    if (day < CAL_FIRST_DAY || day > CAL_LAST_DAY)
        return out_of_range(r->d);
    return end_in_day(r, day_end(r->c, day), true, day);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The last day that has closed by then, as far as working days are concerned. */
static int64_t last_closed(const cal_calendar *c, int64_t us)
{
    const int64_t day = local_day(c, us);
    return is_working(c, day) && close_of_business(c, day) <= us ? day : day - 1;
}

static gov_status add_time(const reckoning *r, int64_t amount)
{
    int64_t us;
    if (!base_add(r->s.from, amount, &us) || !in_range(us))
        return out_of_range(r->d);
    if (amount == 0)
        return end_now(r);
    return end_in_day(r, us, false, local_day(r->c, us));
}

static gov_status add_days(const reckoning *r, int64_t days)
{
    const int64_t closed = later(r->s.day, local_day(r->c, r->s.from) - 1);
    int64_t last;
    if (days == 0 && r->dur.ppm == 0) {
        if (r->s.day > CAL_LAST_DAY || day_end(r->c, r->s.day) < r->s.from)
            return end_now(r);
        return end_of_day(r, r->s.day);
    }
    if (!base_add(closed, days, &last) || last > CAL_LAST_DAY)
        return out_of_range(r->d);
    if (r->dur.ppm == 0)
        return end_of_day(r, last);
    const int64_t from = day_end(r->c, last), length = day_end(r->c, last + 1) - from;
    return end_in_day(r,
                      later(from + length / 1000000 * r->dur.ppm +
                                length % 1000000 * r->dur.ppm / 1000000,
                            r->s.from),
                      false, last + 1);
}

static gov_status end_of_business(const reckoning *r, int64_t day)
{
    return end_at(r, close_of_business(r->c, day), day);
}

static gov_status zero_working_days(const reckoning *r)
{
    int64_t day = r->s.day;
    gov_status st = cal_rest_on(r->c, day, day, &r->out->provisional, r->d);
    if (st == GOV_OK && (!is_working(r->c, day) || close_of_business(r->c, day) < r->s.event))
        st = cal_next_working_day(r->c, r->s.day, &day, &r->out->provisional, r->d);
    if (st != GOV_OK)
        return st;
    return close_of_business(r->c, day) < r->s.from ? end_now(r) : end_of_business(r, day);
}

static gov_status add_working_days(const reckoning *r)
{
    gov_status st = cal_need_hours(r->c, r->d);
    int64_t target, day;
    if (st != GOV_OK)
        return st;
    if (r->dur.amount == 0 && r->dur.ppm == 0)
        return zero_working_days(r);
    const int64_t closed = later(r->s.day, last_closed(r->c, r->s.from));
    if (!base_add(cal_sums_before(r->c, closed + 1).days, r->dur.amount, &target) ||
        !base_add(target, r->dur.ppm != 0, &target) ||
        !cal_reach(r->c, closed + 1, false, target, &day))
        return out_of_range(r->d);
    st = cal_rest_on(r->c, later(r->s.day + 1, local_day(r->c, r->s.from)), day,
                     &r->out->provisional, r->d);
    if (st != GOV_OK)
        return st;
    if (r->dur.ppm == 0)
        return end_of_business(r, day);
    const cal_hours *h = cal_hours_of(r->c, day);
    const int64_t time = time_within(h, (int64_t)h->seconds * r->dur.ppm, false);
    return end_at(r, later(instant_of(r->c, day * DAY + time), r->s.from), day);
}

static gov_status add_working_time(const reckoning *r)
{
    gov_status st = cal_need_hours(r->c, r->d);
    int64_t us;
    if (st != GOV_OK)
        return st;
    if (r->dur.amount == 0)
        return end_now(r);
    if (!work_on(r->c, r->s.from, r->dur.amount, &us))
        return out_of_range(r->d);
    const int64_t day = local_day(r->c, us - 1); /* an end at 24:00 is this day's */
    st = cal_rest_on(r->c, local_day(r->c, r->s.from), day, &r->out->provisional, r->d);
    return st == GOV_OK ? end_at(r, us, day) : st;
}

/* The same date so many months on, or the last of a shorter month. */
static bool add_months(int64_t day, int64_t months, int64_t *out)
{
    int32_t year;
    unsigned month, date;
    int64_t n;
    base_civil_from_days(day, &year, &month, &date);
    if (!base_add((int64_t)year * 12 + (int64_t)month - 1, months, &n) || n < 12 || n >= 120000)
        return false;
    year = (int32_t)(n / 12);
    month = (unsigned)(n % 12) + 1;
    const unsigned most = base_month_length(year, month);
    *out = base_days_from_civil(year, month, date < most ? date : most);
    return true;
}

/* Months, then days; where both are 0, the day of the event itself. */
static bool last_day(const reckoning *r, int64_t months, int64_t days, int64_t *day)
{
    return add_months(r->s.day, months, day) && base_add(*day, days, day) &&
           *day >= CAL_FIRST_DAY && *day <= CAL_LAST_DAY;
}

static gov_status add_mixed(const reckoning *r)
{
    int64_t day, us;
    if (!last_day(r, r->dur.amount, r->dur.days, &day))
        return out_of_range(r->d);
    if (r->dur.us == 0)
        return end_of_day(r, day);
    if (!base_add(day_end(r->c, day), r->dur.us, &us) || !in_range(us))
        return out_of_range(r->d);
    return end_in_day(r, us, false, local_day(r->c, us));
}

static gov_status reckon(const reckoning *r)
{
    *r->out = (cal_instant){0};
    if (!in_range(r->s.from) || !in_range(r->s.event))
        return out_of_range(r->d);
    int64_t day;
    switch (r->dur.unit) {
    case CAL_TIME: return add_time(r, r->dur.amount);
    case CAL_DAYS: return add_days(r, r->dur.amount);
    case CAL_MONTHS:
        return last_day(r, r->dur.amount, 0, &day) ? end_of_day(r, day) : out_of_range(r->d);
    case CAL_WORKING_TIME: return add_working_time(r);
    case CAL_WORKING_DAYS: return add_working_days(r);
    case CAL_MIXED: return add_mixed(r);
    }
    return base_fail(r->d, M_bad_argument, A_S("what", "unit"));
}

/* ---- backward ---- */

static gov_status back_working(const reckoning *r)
{
    gov_status st = cal_need_hours(r->c, r->d);
    int64_t us, day, target;
    if (st != GOV_OK)
        return st;
    if (r->dur.unit == CAL_WORKING_TIME) {
        if (r->dur.amount == INT64_MIN || !work_back(r->c, r->s.from, -r->dur.amount, &us))
            return out_of_range(r->d);
        day = local_day(r->c, us);
    } else {
        if (!base_add(cal_sums_before(r->c, r->s.day).days, r->dur.amount, &target) ||
            !cal_reach_back(r->c, r->s.day - 1, false, target, &day))
            return out_of_range(r->d);
        us = opening(r->c, day);
    }
    st = cal_rest_on(r->c, day, later(day, r->s.day - (r->dur.unit == CAL_WORKING_DAYS)),
                     &r->out->provisional, r->d);
    return st == GOV_OK ? end_at(r, us, day) : st;
}

/* The mirror of reckon: the day of the event is excluded, and the last day counted ends where it opens. */
static gov_status reckon_back(const reckoning *r)
{
    int64_t day, us;
    const bool months = r->dur.unit == CAL_MONTHS || r->dur.unit == CAL_MIXED;
    *r->out = (cal_instant){0};
    if (!in_range(r->s.from) || !in_range(r->s.event))
        return out_of_range(r->d);
    if (r->dur.unit == CAL_WORKING_TIME || r->dur.unit == CAL_WORKING_DAYS)
        return back_working(r);
    if (r->dur.unit == CAL_TIME) {
        if (!base_add(r->s.from, r->dur.amount, &us) || !in_range(us))
            return out_of_range(r->d);
        return end_at(r, us, local_day(r->c, us));
    }
    if (!last_day(r, months ? r->dur.amount : 0, months ? r->dur.days : r->dur.amount, &day))
        return out_of_range(r->d);
    if (!base_add(day_start(r->c, day), r->dur.us, &us) || !in_range(us))
        return out_of_range(r->d);
    return end_at(r, us, local_day(r->c, us));
}

/* ---- the calls ---- */

gov_status cal_add(const cal_calendar *c, int64_t from_us, cal_duration dur, cal_roll roll,
                   cal_instant *out, const diag *d)
{
    reckoning r = {c, {from_us, 0, from_us}, dur, roll, out, d};
    const bool back = cal_is_negative(dur);
    if (in_range(from_us))
        r.s.day = local_day(c, back ? from_us - 1 : from_us);
    return back ? reckon_back(&r) : reckon(&r);
}

gov_status cal_after(const cal_calendar *c, const cal_instant *from, cal_duration dur,
                     cal_roll roll, cal_instant *out, const diag *d)
{
    const cal_instant at = *from; /* out may be the same */
    const reckoning r = {c, {at.us, at.day, at.us}, dur, roll, out, d};
    if (at.day < CAL_FIRST_DAY - 1 || at.day > CAL_LAST_DAY + 1)
        return out_of_range(d);
    const gov_status st = cal_is_negative(dur) ? reckon_back(&r) : reckon(&r);
    if (st == GOV_OK)
        out->provisional = out->provisional || at.provisional;
    return st;
}

gov_status cal_resume(const cal_calendar *c, int64_t origin_us, int64_t from_us, cal_duration left,
                      cal_roll roll, cal_instant *out, const diag *d)
{
    reckoning r = {c, {origin_us, 0, from_us}, left, roll, out, d};
    *out = (cal_instant){0};
    if (!in_range(origin_us) || !in_range(from_us))
        return out_of_range(d);
    if (from_us != origin_us && (left.unit == CAL_MONTHS || left.unit == CAL_MIXED))
        return base_fail(d, M_bad_argument, A_S("what", "left"));
    r.s.day = local_day(c, origin_us);
    return cal_is_negative(left) ? end_now(&r) : reckon(&r);
}

gov_status cal_settle(const cal_calendar *c, int64_t origin_us, cal_duration dur, cal_duration *out,
                      const diag *d)
{
    cal_instant end;
    *out = dur;
    if (dur.unit != CAL_MONTHS && dur.unit != CAL_MIXED)
        return GOV_OK;
    const gov_status st = cal_add(c, origin_us, dur, CAL_ROLL_NONE, &end, d);
    if (st != GOV_OK)
        return st;
    const int64_t day = local_day(c, cal_is_negative(dur) ? origin_us - 1 : origin_us);
    *out = dur.us == 0 ? cal_of(CAL_DAYS, end.day - day) : cal_of(CAL_TIME, end.us - origin_us);
    return GOV_OK;
}

/* Working days after `closed` up to `last`, the days that close in a stretch of time. */
static gov_status working_days_used(const cal_calendar *c, int64_t origin_day, int64_t from,
                                    int64_t to, int64_t *amount, bool *provisional, const diag *d)
{
    const int64_t closed = later(origin_day, last_closed(c, from)), last = last_closed(c, to);
    const int64_t first = later(origin_day + 1, local_day(c, from));
    if (last > closed)
        *amount = cal_sums_before(c, last + 1).days - cal_sums_before(c, closed + 1).days;
    return last >= first ? cal_rest_on(c, first, last, provisional, d) : GOV_OK;
}

gov_status cal_elapsed(const cal_calendar *c, cal_unit unit, int64_t origin_us, int64_t from_us,
                       int64_t to_us, int64_t *amount, bool *provisional, const diag *d)
{
    gov_status st = GOV_OK;
    *amount = 0;
    if (!in_range(origin_us) || !in_range(from_us) || !in_range(to_us))
        return out_of_range(d);
    if (unit == CAL_WORKING_TIME || unit == CAL_WORKING_DAYS)
        st = cal_need_hours(c, d);
    if (st != GOV_OK || to_us <= from_us)
        return st;
    const int64_t origin_day = local_day(c, origin_us), from_day = local_day(c, from_us),
                  to_day = local_day(c, to_us);
    switch (unit) {
    case CAL_TIME: *amount = to_us - from_us; return GOV_OK;
    case CAL_DAYS: *amount = later(0, to_day - 1 - later(origin_day, from_day - 1)); return GOV_OK;
    case CAL_WORKING_TIME:
        *amount = worked_between(c, from_us, to_us);
        return cal_rest_on(c, from_day, local_day(c, to_us - 1), provisional, d);
    case CAL_WORKING_DAYS:
        return working_days_used(c, origin_day, from_us, to_us, amount, provisional, d);
    default: return base_fail(d, M_bad_argument, A_S("what", "unit"));
    }
}
