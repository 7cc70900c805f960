/* What a finished calendar holds; for the files of this room only. */
#ifndef CALENDAR_TABLES_H
#define CALENDAR_TABLES_H

#include "calendar/calendar.h"

/* The days of the years 1 to 9999, and their microseconds in UTC. */
#define CAL_FIRST_DAY (-INT64_C(719162))
#define CAL_LAST_DAY  INT64_C(2932896)
#define CAL_FIRST_US  (CAL_FIRST_DAY * BASE_US_PER_DAY)
#define CAL_LAST_US   ((CAL_LAST_DAY + 1) * BASE_US_PER_DAY - 1)

enum { CAL_MAX_SPANS = 48, CAL_MAX_YEARS = 1000, CAL_CLOSED = 0 };

typedef struct cal_hours {
    cal_span *spans;
    size_t count;
    uint32_t seconds; /* of them all */
} cal_hours;

/* One listed year. The sums count from a point that is the same for all days of the calendar. */
typedef struct cal_year {
    int32_t year;
    uint32_t length; /* in days */
    int64_t first;   /* January 1 */
    int64_t days_before, seconds_before;
    uint16_t days[367];    /* working days of this year before day i */
    uint32_t seconds[367]; /* working seconds of this year before day i */
    uint16_t hours[366];   /* index into the calendar's hours */
} cal_year;

struct cal_calendar {
    const gov_allocator *alloc;
    char *name;
    const base_zone *zone;
    cal_missing missing;
    cal_hours *hours; /* [0] none; [1]..[7] those of the weekdays; then those of single days */
    size_t hours_count;
    bool has_hours;
    int64_t week_days[8],
        week_seconds[8]; /* of a week that follows the pattern, before weekday i + 1 */
    cal_year *years;     /* ascending */
    size_t year_count;
    uint8_t digest[BASE_DIGEST_SIZE];
};

/* Working days and seconds of all days before some day, from an arbitrary point on: only differences mean something. */
typedef struct cal_sums {
    int64_t days, seconds;
} cal_sums;

cal_sums cal_sums_before(const cal_calendar *c, int64_t day);

/* The first day from `day` on with which the sum of days (or seconds) reaches `target`; false: not in our years. */
bool cal_reach(const cal_calendar *c, int64_t day, bool seconds, int64_t target, int64_t *out);
/* The last day up to `day` before which the sum is `target` at most. */
bool cal_reach_back(const cal_calendar *c, int64_t day, bool seconds, int64_t target, int64_t *out);

const cal_hours *cal_hours_of(const cal_calendar *c, int64_t day);
/* The answer rests on these days: an error, or a flag, where a year of theirs is not listed. */
gov_status cal_rest_on(const cal_calendar *c, int64_t first, int64_t last, bool *provisional,
                       const diag *d);
gov_status cal_need_hours(const cal_calendar *c, const diag *d);

#endif
