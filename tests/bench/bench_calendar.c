/* Due dates, beside the naive way: walking from day to day over a list of days off. */
#include "bench/common/bench.h"

#include <stdlib.h>
#include <string.h>

#include "calendar/calendar.h"

enum { TIMES = 20000, DAYS = 5, LONG_DAYS = 60 };

static cal_calendar *calendar;
static int64_t off[256]; /* days off besides the weekends */
static size_t off_count;

static const cal_span office[] = {{9 * 3600, 12 * 3600}, {13 * 3600 + 1800, 17 * 3600 + 1800}};

static int64_t start_of(int i)
{
    return INT64_C(1767232800000000) + (int64_t)(i % 300) * BASE_US_PER_DAY + (int64_t)i * 1000003;
}

static bool add(cal_duration dur)
{
    for (int i = 0; i < TIMES; i++) {
        cal_instant end;
        if (cal_add(calendar, start_of(i), dur, CAL_ROLL_NONE, &end, NULL) != GOV_OK)
            return false;
        bench_keep((uint64_t)end.us);
    }
    return true;
}

static bool five_days(void *user)
{
    (void)user;
    return add(cal_of(CAL_WORKING_DAYS, DAYS));
}

static bool sixty_days(void *user)
{
    (void)user;
    return add(cal_of(CAL_WORKING_DAYS, LONG_DAYS));
}

static bool ten_hours(void *user)
{
    (void)user;
    return add(cal_of(CAL_WORKING_TIME, 10 * 3600 * BASE_US_PER_SECOND));
}

static bool is_off(int64_t day)
{
    for (size_t i = 0; i < off_count; i++)
        if (off[i] == day)
            return true;
    return base_weekday(day) > 5;
}

static bool walk(int days)
{
    for (int i = 0; i < TIMES; i++) {
        int64_t day = (start_of(i) / BASE_US_PER_SECOND + 28800) / 86400;
        for (int left = days; left > 0;)
            left -= !is_off(++day);
        bench_keep((uint64_t)day);
    }
    return true;
}

static bool walk_five(void *user)
{
    (void)user;
    return walk(DAYS);
}

static bool walk_sixty(void *user)
{
    (void)user;
    return walk(LONG_DAYS);
}

static bool make_calendar(base_zone **zone)
{
    cal_builder *b;
    bool ok = base_zone_load(NULL, "Asia/Shanghai", zone, NULL, NULL) == GOV_OK &&
              cal_builder_new(NULL, "bench", *zone, &b, NULL) == GOV_OK;

    if (!ok)
        return false;
    ok = cal_builder_hours(b, 1, 5, office, 2, NULL, NULL) == GOV_OK;
    for (int32_t y = 2025; ok && y < 2029; y++) {
        const int64_t spring = base_days_from_civil(y, 2, 10),
                      autumn = base_days_from_civil(y, 10, 1);
        ok = cal_builder_year(b, y, NULL, NULL) == GOV_OK &&
             cal_builder_off(b, y, spring, spring + 6, NULL, NULL) == GOV_OK &&
             cal_builder_off(b, y, autumn, autumn + 6, NULL, NULL) == GOV_OK;
        for (int i = 0; i < 7; i++) {
            off[off_count++] = spring + i;
            off[off_count++] = autumn + i;
        }
    }
    ok = ok && cal_builder_finish(b, &calendar, NULL) == GOV_OK;
    cal_builder_free(b);
    return ok;
}

int main(int argc, char **argv)
{
    static const bench_case cases[] = {
        {.name = "calendar: 5 working days",
         .unit = "ns",
         .work = TIMES,
         .ours = {.run = five_days},
         .floor = {.run = walk_five},
         .floor_name = "day by day, date only"},
        {.name = "calendar: 60 working days",
         .unit = "ns",
         .work = TIMES,
         .ours = {.run = sixty_days},
         .floor = {.run = walk_sixty},
         .floor_name = "day by day, date only"},
        {.name = "calendar: 10 working hours",
         .unit = "ns",
         .work = TIMES,
         .ours = {.run = ten_hours}},
    };
    base_zone *zone = NULL;

    if (!make_calendar(&zone))
        return 1;
    const int answer = bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
    cal_free(calendar);
    base_zone_free(zone);
    return answer;
}
