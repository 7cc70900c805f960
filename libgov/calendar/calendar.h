/* Room calendar: durations as rules write them, and calendars that say when they end.
 *
 * Pure: no store, no clock, no global state. A finished calendar is immutable and may be shared by threads.
 * Instants are int64 microseconds since 1970 UTC; days are counted since 1970-01-01 in the calendar's zone;
 * everything lies in the years 1 to 9999, or the call fails with GOV_E_RANGE.
 *
 * How a duration ends
 *  - Time ("2 hours") runs at once, round the clock.
 *  - Days, weeks, months and years exclude the day of the event and end at 24:00 of the last day, which is the
 *    first instant of the next one. A month ends on the same date, or on the last of a shorter month.
 *  - Working days exclude the day of the event and end at the close of business of the last one: the end of its
 *    last span of hours. A working day is a day that has hours.
 *  - Working time runs while the clock on the wall shows a time inside the day's hours; where clocks are turned
 *    back inside the hours, the hour that comes twice counts twice, and one that is skipped never counts.
 *  - An event outside the hours or on a day off changes nothing in this: its day is excluded, or working time
 *    waits for the next opening. What ends exactly at closing time ends then, not at the next opening.
 *  - "0 days" end with the day of the event; "0 working days" at its close of business, or at the next one where
 *    that has passed or the day is off. No time and no working time at all is over at once.
 *  - What is done at the due instant is in time; late is what comes after it.
 *
 * A negative duration is the mirror: the day of the event is excluded (midnight belongs to the day that it ends),
 * and it reaches back to the opening of the last day counted: its first instant, or the start of its first hours. A
 * roll never moves it.
 *
 * Where the answer rests on a day of a year that is not listed, it follows the weekly pattern and is flagged as
 * provisional, or the call fails with GOV_E_REFUSED, as the calendar says. */
#ifndef CALENDAR_CALENDAR_H
#define CALENDAR_CALENDAR_H

#include "base/base.h"

/* ---- durations: duration.c ---- */

typedef enum cal_unit {
    CAL_TIME = 0,         /* amount in microseconds */
    CAL_DAYS = 1,         /* weeks become 7 days */
    CAL_MONTHS = 2,       /* years become 12 months */
    CAL_WORKING_TIME = 3, /* amount in microseconds of working time */
    CAL_WORKING_DAYS = 4,
    CAL_MIXED =
        5 /* P1M2DT3H: `amount` months, then `days`, then `us` from the end of the last day on */
} cal_unit;

typedef struct cal_duration {
    cal_unit unit;
    uint32_t
        ppm; /* days, working days: so many millionths of one more day, as cal_share makes them */
    int64_t amount;
    int64_t days, us; /* CAL_MIXED only */
} cal_duration;

/* "90 minutes", "1.5 hours", "3 days", "2 weeks", "1 month", "1 year", "2 working hours", "5 working days" (singular
 * or plural; seconds to years, working seconds to working days), "P5D", "PT0.5S", "P1M2DT3H". No sign.
 * GOV_E_NOT_FOUND, and nothing reported: the text has not the form of a duration; it may be the name of a value.
 * GOV_E_RULE, reported at `place` (may be NULL): it has, but the unit is misspelt or the number is no good. */
gov_status cal_parse_duration(const char *s, size_t len, cal_duration *out, const base_place *place,
                              const diag *d);
/* A text that cal_parse_duration reads as the same duration: "2 hours", "5 working days", "PT0.5S". A minus is put
 * before a negative one, and millionths are left out. */
void cal_write_duration(base_buf *out, cal_duration dur);

static inline cal_duration cal_of(cal_unit unit, int64_t amount)
{
    return (cal_duration){.unit = unit, .amount = amount};
}
bool cal_is_zero(cal_duration dur);
bool cal_is_negative(cal_duration dur);               /* some part is below zero */
bool cal_negate(cal_duration dur, cal_duration *out); /* false: overflow, or millionths of a day */
/* a + b where both have one unit, or one is zero. False: they have not, or overflow. */
bool cal_sum(cal_duration a, cal_duration b, cal_duration *out);
/* percent / 100 of a duration; 80% of 3 working days are 2 days and 400,000 ppm of the third. False for months and
 * mixed durations (cal_settle them first), for negative ones, and on overflow. */
bool cal_share(cal_duration dur, int64_t percent, cal_duration *out);

/* ---- making a calendar: build.c ---- */

typedef struct cal_span {
    int32_t start, end; /* seconds after midnight, start < end <= 86,400 */
} cal_span;

typedef enum cal_missing { CAL_MISSING_PROVISIONAL = 0, CAL_MISSING_ERROR = 1 } cal_missing;

/* The notations of a rulebook; false: not of this form. */
bool cal_parse_span(const char *s, size_t len, cal_span *out); /* "09:00-12:00", "18:00-24:00" */
bool cal_parse_weekdays(const char *s, size_t len, unsigned *first,
                        unsigned *last); /* "mon", "mon-fri": 1..7 */
bool cal_parse_dates(const char *s, size_t len, int64_t *first,
                     int64_t *last); /* one date, or a..b */

/* A builder reports each mistake at `place` (may be NULL) with GOV_E_RULE and goes on, so that all are found;
 * cal_builder_finish fails when there was one. The zone is borrowed and must outlive the calendar; the name is copied.
 * Without hours, years and all, the result still knows time, days and months. */
typedef struct cal_builder cal_builder;
typedef struct cal_calendar cal_calendar;

gov_status cal_builder_new(const gov_allocator *a, const char *name, const base_zone *zone,
                           cal_builder **out, const diag *d);
void cal_builder_free(cal_builder *b);
void cal_builder_missing(cal_builder *b, cal_missing missing); /* the default is provisional */
/* Hours of the weekdays first..last (1 Monday .. 7 Sunday); ascending, not overlapping. */
gov_status cal_builder_hours(cal_builder *b, unsigned first, unsigned last, const cal_span *spans,
                             size_t count, const base_place *place, const diag *d);
gov_status cal_builder_year(cal_builder *b, int32_t year, const base_place *place, const diag *d);
/* Days off of a year begun before. A day may be named twice. */
gov_status cal_builder_off(cal_builder *b, int32_t year, int64_t first, int64_t last,
                           const base_place *place, const diag *d);
/* Make-up working days, with Monday's hours where count is 0 (and spans NULL), or their own. */
gov_status cal_builder_work(cal_builder *b, int32_t year, int64_t first, int64_t last,
                            const cal_span *spans, size_t count, const base_place *place,
                            const diag *d);
gov_status cal_builder_finish(cal_builder *b, cal_calendar **out, const diag *d);
void cal_free(cal_calendar *c);

/* ---- asking a calendar: calendar.c ---- */

const char *cal_name(const cal_calendar *c);
const base_zone *cal_zone(const cal_calendar *c);
/* SHA-256 of what the calendar says (hours, years, what a missing year means, the zone's name; not its own name). */
const uint8_t *cal_digest(const cal_calendar *c);
bool cal_has_hours(const cal_calendar *c); /* false: no working day at all */

size_t cal_year_count(const cal_calendar *c);
int32_t cal_year_at(const cal_calendar *c, size_t i); /* listed years, ascending */
bool cal_year_listed(const cal_calendar *c, int32_t year);
/* Are all years of these days listed? If not, *missing (may be NULL) is the first that is not. */
bool cal_covers(const cal_calendar *c, int64_t first_day, int64_t last_day, int32_t *missing);

/* The local day of an instant, and the first instant of a day (GOV_E_RANGE outside of the years 1 to 9999). */
gov_status cal_day_of(const cal_calendar *c, int64_t us, int64_t *day, const diag *d);
gov_status cal_day_start(const cal_calendar *c, int64_t day, int64_t *us, const diag *d);

/* *provisional (may be NULL) is set, never cleared, when the answer rests on a year that is not listed. */
gov_status cal_is_working_day(const cal_calendar *c, int64_t day, bool *working, bool *provisional,
                              const diag *d);
/* The first working day after `day`. */
gov_status cal_next_working_day(const cal_calendar *c, int64_t day, int64_t *next,
                                bool *provisional, const diag *d);
/* Working days after `from`, up to and including `to`; negative when `to` is before `from`. */
gov_status cal_working_days_between(const cal_calendar *c, int64_t from, int64_t to, int64_t *count,
                                    bool *provisional, const diag *d);
/* The hours of a day by the calendar alone (a missing year follows the weekly pattern); 0 spans on a day off. */
size_t cal_day_hours(const cal_calendar *c, int64_t day, const cal_span **spans);
/* What a day is by the calendar: as its weekday is (with hours, or free), listed as off, a working day on a weekday without hours, or
 * one whose hours are its own. */
typedef enum cal_kind { CAL_KIND_USUAL, CAL_KIND_FREE, CAL_KIND_OFF, CAL_KIND_MAKE_UP, CAL_KIND_OWN_HOURS } cal_kind;
cal_kind cal_day_kind(const cal_calendar *c, int64_t day);

/* ---- when a duration ends, how much of it is used: reckon.c ---- */

typedef enum cal_roll { CAL_ROLL_NONE = 0, CAL_ROLL_NEXT_WORKING_DAY = 1 } cal_roll;

typedef struct cal_instant {
    int64_t us;
    int64_t day;      /* the local day that it belongs to: for an end at 24:00 the day that ends */
    bool provisional; /* rests on a year that is not listed */
    bool rolled;      /* was moved off a day off */
} cal_instant;

/* When a duration that begins with an event at from_us ends. A roll moves an end on a day off to the next working day:
 * to its 24:00 for days and months, to the same time of that day for time; working units never need it. */
gov_status cal_add(const cal_calendar *c, int64_t from_us, cal_duration dur, cal_roll roll,
                   cal_instant *out, const diag *d);
/* The same, from an instant that this room gave: a further 3 days after an end at 24:00 exclude the day that ended. */
gov_status cal_after(const cal_calendar *c, const cal_instant *from, cal_duration dur,
                     cal_roll roll, cal_instant *out, const diag *d);

/* Clocks that pause. A budget in days is used up day by day, each day at its close (24:00, or close of business for a
 * working day) if the clock runs at that instant; the day of the first start never counts. So a pause moves the due
 * instant by the days that close while it lasts, a pause within one day moves nothing, and pausing gains nobody a day.
 *
 *   cal_settle    once, at the start: a budget in months becomes days, a mixed one time, as counted from that start
 *   cal_elapsed   what a running stretch [from_us, to_us] used of a budget in `unit`; sums over the stretches
 *   cal_resume    when `left` (the budget less what was used) ends if the clock runs from from_us on
 *
 * origin_us is the instant of the clock's first start in all of them; for that start, cal_resume with from_us ==
 * origin_us is cal_add. Nothing left (or less) ends at from_us, or where that is later with the day of the start, as "0
 * days" do. cal_elapsed knows no months and mixed durations, nor does cal_resume once from_us is another instant than
 * origin_us (GOV_E_ARG); a stretch that ends before it begins used nothing. */
gov_status cal_settle(const cal_calendar *c, int64_t origin_us, cal_duration dur, cal_duration *out,
                      const diag *d);
gov_status cal_elapsed(const cal_calendar *c, cal_unit unit, int64_t origin_us, int64_t from_us,
                       int64_t to_us, int64_t *amount, bool *provisional, const diag *d);
gov_status cal_resume(const cal_calendar *c, int64_t origin_us, int64_t from_us, cal_duration left,
                      cal_roll roll, cal_instant *out, const diag *d);

/* ---- what comes again: recur.c ---- */

typedef enum cal_period { CAL_EVERY_DAY, CAL_EVERY_WEEK, CAL_EVERY_MONTH, CAL_EVERY_YEAR } cal_period;
typedef enum cal_day_off { CAL_DAY_KEEP, CAL_DAY_MOVE, CAL_DAY_SKIP } cal_day_off;
enum { CAL_MOST_EVERY = 10000 };

/* Time is divided into periods without gaps: days, weeks from Monday on, months, years, or so many of them together, counted from
 * 1970-01-01, Monday 1969-12-29, January of the year 0 and the year 0. Each period has one occurrence, or none. */
typedef struct cal_rhythm {
    uint8_t period;  /* cal_period */
    int64_t every;   /* so many together, 1.. */
    int8_t nth;      /* of the month: 1..5, -1 the last of that weekday; 0: not so */
    uint8_t weekday; /* 1 Monday .. 7; with nth */
    uint16_t on;     /* day of the week 1..7, of the month 1..31, of the year month * 100 + day; what a month does not have is its last;
                        0: the period's first */
    bool working;    /* on working days only */
    uint8_t day_off; /* cal_day_off: on a day off all the same; moved to the next working day of the same period, else to the last one before
                        it, else out of a period that is all off; not at all */
    int32_t at;      /* seconds after midnight; -1: the opening of business */
} cal_rhythm;

typedef struct cal_occurrence {
    int64_t period;
    int64_t start_us, end_us; /* of the period, exclusive; on working days only, up to the next one; moved out of it: to the end of that day */
    int64_t at_us;
    bool moved, provisional;
} cal_occurrence;

/* The first occurrence at or after an instant. GOV_END (unreported): there is none within two thousand periods. */
gov_status cal_next(const cal_calendar *c, const cal_rhythm *r, int64_t from_us, cal_occurrence *out, const diag *d);
/* The one of the next period that has one, perhaps at the same instant. `out` may be `last`. */
gov_status cal_following(const cal_calendar *c, const cal_rhythm *r, const cal_occurrence *last, cal_occurrence *out, const diag *d);

#endif
