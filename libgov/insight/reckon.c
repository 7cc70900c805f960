/* Small reckoning: rates, percentiles, local days, ISO weeks, classes of shading. */
#include "insight/insight.h"

#include <stdio.h>
#include <stdlib.h>

int64_t insight_permille(int64_t num, int64_t den)
{
    if (den <= 0 || num <= 0)
        return 0;
    /* Counts of cases never come near this; what does is cut to its first digits. */
    while (num > INT64_MAX / 4000 || den > INT64_MAX / 4000) {
        num >>= 1;
        den >>= 1;
    }
    return den == 0 ? 0 : (num * 2000 + den) / (den * 2);
}

int64_t insight_percentile(const int64_t *sorted, size_t n, int64_t percent)
{
    const size_t p = (size_t)percent;
    const size_t rank = n / 100 * p + (n % 100 * p + 99) / 100; /* ceil(n * p / 100) without overflow */
    return sorted[rank > 0 ? rank - 1 : 0];
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void insight_sort(int64_t *values, size_t n)
{
    if (n > 1)
        qsort(values, n, sizeof *values, ascending);
}

static int64_t floor_div(int64_t n, int64_t by)
{
    return n / by - (n % by < 0);
}

int64_t insight_day(const base_zone *zone, int64_t us)
{
    const int64_t seconds = floor_div(us, BASE_US_PER_SECOND);
    return floor_div(seconds + base_zone_offset(zone, seconds), 86400);
}

int64_t insight_month(int64_t day)
{
    int32_t year;
    unsigned month, of_month;
    base_civil_from_days(day, &year, &month, &of_month);
    return (int64_t)year * 12 + month - 1;
}

int64_t insight_month_start(int64_t month)
{
    return base_days_from_civil((int32_t)floor_div(month, 12), (unsigned)(month - floor_div(month, 12) * 12) + 1, 1);
}

/* 1970-01-01 was a Thursday: its week began on day -3. */
int64_t insight_week(int64_t day)
{
    return floor_div(day + 3, 7);
}

void insight_week_name(int64_t week, char out[16])
{
    int32_t year;
    unsigned month, of_month;
    const int64_t thursday = week * 7; /* a week belongs to the year of its Thursday */
    base_civil_from_days(thursday, &year, &month, &of_month);
    const int64_t number = (thursday - base_days_from_civil(year, 1, 1)) / 7 + 1;
    (void)snprintf(out, 16, "%04u-W%02u", (unsigned)year % 10000, (unsigned)number % 100);
}

void insight_month_name(int64_t month, char out[16])
{
    const int64_t year = floor_div(month, 12);
    (void)snprintf(out, 16, "%04u-%02u", (unsigned)year % 10000, (unsigned)(month - year * 12 + 1) % 100);
}

void insight_time_name(const base_zone *zone, int64_t us, char out[24])
{
    const int64_t seconds = floor_div(us, BASE_US_PER_SECOND);
    const int64_t local = seconds + base_zone_offset(zone, seconds), day = floor_div(local, 86400);
    const int64_t minutes = (local - day * 86400) / 60;
    char date[11];
    base_format_date(day, date);
    (void)snprintf(out, 24, "%s %02u:%02u", date, (unsigned)(minutes / 60) % 100, (unsigned)(minutes % 60));
}

/* Two leading digits, upwards: a border that people can read. */
static int64_t round_up(int64_t n)
{
    int64_t unit = 1;
    while (n / unit >= 100)
        unit *= 10;
    return n % unit == 0 ? n : (n / unit + 1) * unit;
}

void insight_breaks(int64_t *counts, size_t n, const int64_t percent[INSIGHT_BREAKS], int64_t out[INSIGHT_BREAKS])
{
    insight_sort(counts, n);
    for (size_t i = 0; i < INSIGHT_BREAKS; i++) {
        const int64_t least = i > 0 ? out[i - 1] + 1 : 1;
        out[i] = n > 0 ? round_up(insight_percentile(counts, n, percent[i])) : least;
        if (out[i] < least)
            out[i] = least;
    }
}

int insight_class(int64_t n, const int64_t breaks[INSIGHT_BREAKS])
{
    int class = n > 0;
    for (size_t i = 0; n > 0 && i < INSIGHT_BREAKS; i++)
        class += n > breaks[i];
    return class;
}
