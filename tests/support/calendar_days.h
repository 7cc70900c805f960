/* The calendar of 2026 in mainland China, and days and spans in few letters, for the tests of calendars. */
#ifndef GOV_TEST_CALENDAR_DAYS_H
#define GOV_TEST_CALENDAR_DAYS_H

#include "support/support.h"

#include "calendar/calendar.h"

#include <stdio.h>
#include <string.h>

/* Facts of 2026 in mainland China, from the State Council's notice. */
static const char *const off_2026[] = {"2026-01-01..2026-01-03", "2026-02-15..2026-02-23",
                                       "2026-04-04..2026-04-06", "2026-05-01..2026-05-05",
                                       "2026-06-19..2026-06-21", "2026-09-25..2026-09-27",
                                       "2026-10-01..2026-10-07"};
static const char *const work_2026[] = {"2026-01-04", "2026-02-14", "2026-02-28",
                                        "2026-05-09", "2026-09-20", "2026-10-10"};

static inline base_zone *zone(const char *name)
{
    base_zone *z = NULL;

    if (base_zone_load(NULL, name, &z, NULL, NULL) != GOV_OK)
        support_skip("no zone %s on this machine", name);
    return z;
}

static inline int64_t day(const char *text)
{
    int64_t n;

    assert_true(base_parse_date(text, strlen(text), &n));
    return n;
}

/* "2026-03-02T09:00" on the wall of the calendar's zone. */
static inline int64_t at(const cal_calendar *c, const char *text)
{
    char full[40];
    int64_t local, utc;
    int32_t nanos;

    (void)snprintf(full, sizeof full, "%s%sZ", text, strlen(text) == 16 ? ":00" : "");
    assert_true(base_parse_rfc3339(full, strlen(full), &local, &nanos));
    (void)base_zone_to_utc(cal_zone(c), local, &utc);
    return utc * BASE_US_PER_SECOND + nanos / 1000;
}

/* An instant as its zone's wall clock shows it, with seconds only where there are some. */
static inline const char *wall(const cal_calendar *c, int64_t us)
{
    static char text[4][40];
    static int next;
    char *t = text[next++ % 4];
    const int64_t s = us / BASE_US_PER_SECOND - (us % BASE_US_PER_SECOND < 0);

    (void)base_format_rfc3339(s + base_zone_offset(cal_zone(c), s),
                              (int32_t)(us - s * BASE_US_PER_SECOND) * 1000, t);
    t[strlen(t) - 1] = '\0';
    if (strlen(t) == 19 && strcmp(t + 16, ":00") == 0)
        t[16] = '\0';
    return t;
}

static inline cal_duration dur(const char *text)
{
    cal_duration d;

    assert_int_equal(cal_parse_duration(text, strlen(text), &d, NULL, NULL), GOV_OK);
    return d;
}

static const cal_span office[] = {{9 * 3600, 12 * 3600}, {13 * 3600 + 1800, 17 * 3600 + 1800}};

static inline void list(cal_builder *b, int32_t year, const char *const *texts, size_t count, bool off)
{
    for (size_t i = 0; i < count; i++) {
        int64_t first, last;
        assert_true(cal_parse_dates(texts[i], strlen(texts[i]), &first, &last));
        assert_int_equal(off ? cal_builder_off(b, year, first, last, NULL, NULL)
                             : cal_builder_work(b, year, first, last, NULL, 0, NULL, NULL),
                         GOV_OK);
    }
}

static inline cal_calendar *china(const base_zone *z, cal_missing missing)
{
    cal_builder *b;
    cal_calendar *c;

    assert_int_equal(cal_builder_new(NULL, "cn", z, &b, NULL), GOV_OK);
    cal_builder_missing(b, missing);
    assert_int_equal(cal_builder_hours(b, 1, 5, office, 2, NULL, NULL), GOV_OK);
    assert_int_equal(cal_builder_year(b, 2026, NULL, NULL), GOV_OK);
    list(b, 2026, off_2026, ARRAY_LEN(off_2026), true);
    list(b, 2026, work_2026, ARRAY_LEN(work_2026), false);
    assert_int_equal(cal_builder_finish(b, &c, NULL), GOV_OK);
    cal_builder_free(b);
    return c;
}

#endif
