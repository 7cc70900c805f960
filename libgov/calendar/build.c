/* Making a calendar: the notations of a rulebook, the builder that finds mistakes, and the tables. */
#include "calendar/tables.h"

#include <stdlib.h>
#include <string.h>

/* ---- notations ---- */

static bool two_digits(const char *s, int32_t *out)
{
    if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
        return false;
    *out = (s[0] - '0') * 10 + (s[1] - '0');
    return true;
}

static bool clock_time(const char *s, int32_t *seconds)
{
    int32_t h, m;
    if (!two_digits(s, &h) || s[2] != ':' || !two_digits(s + 3, &m) || m > 59 ||
        h * 60 + m > 24 * 60)
        return false;
    *seconds = h * 3600 + m * 60;
    return true;
}

bool cal_parse_span(const char *s, size_t len, cal_span *out)
{
    return len == 11 && s[5] == '-' && clock_time(s, &out->start) && clock_time(s + 6, &out->end) &&
           out->start < out->end;
}

static const char weekday_names[7][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static unsigned weekday_of(const char *s)
{
    for (unsigned i = 0; i < 7; i++)
        if (memcmp(s, weekday_names[i], 3) == 0)
            return i + 1;
    return 0;
}

bool cal_parse_weekdays(const char *s, size_t len, unsigned *first, unsigned *last)
{
    if (len != 3 && (len != 7 || s[3] != '-'))
        return false;
    *first = weekday_of(s);
    *last = weekday_of(s + len - 3);
    return *first != 0 && *last != 0;
}

bool cal_parse_dates(const char *s, size_t len, int64_t *first, int64_t *last)
{
    if (len == 10)
        return base_parse_date(s, 10, first) && base_parse_date(s, 10, last);
    return len == 22 && s[10] == '.' && s[11] == '.' && base_parse_date(s, 10, first) &&
           base_parse_date(s + 12, 10, last);
}

/* ---- the builder ---- */

enum {
    DAY_PLAIN = 0,
    DAY_OFF = 1,
    DAY_WORK = 2,
    DAY_OWN = 3
}; /* DAY_OWN + i: hours number i of the single days */

typedef struct draft_year {
    int32_t year;
    base_place place;
    uint16_t marks[366];
} draft_year;

struct cal_builder {
    const gov_allocator *alloc;
    base_arena arena; /* spans */
    char *name;
    const base_zone *zone;
    cal_missing missing;
    cal_hours week[7];
    bool week_given[7];
    cal_hours *own;
    size_t own_count, own_cap;
    draft_year *years;
    size_t year_count, year_cap;
    bool failed;
};

gov_status cal_builder_new(const gov_allocator *a, const char *name, const base_zone *zone,
                           cal_builder **out, const diag *d)
{
    cal_builder *b = base_alloc(a, sizeof *b);
    *out = NULL;
    if (b == NULL)
        return base_nomem(d);
    b->alloc = a;
    base_arena_init(&b->arena, a);
    b->zone = zone;
    b->name = base_strdup(a, name);
    if (b->name == NULL) {
        cal_builder_free(b);
        return base_nomem(d);
    }
    *out = b;
    return GOV_OK;
}

void cal_builder_free(cal_builder *b)
{
    if (b == NULL)
        return;
    base_arena_free(&b->arena);
    base_free(b->alloc, b->name);
    base_free(b->alloc, b->own);
    base_free(b->alloc, b->years);
    base_free(b->alloc, b);
}

void cal_builder_missing(cal_builder *b, cal_missing missing)
{
    b->missing = missing;
}

/* Takes note of a failure that has just been reported. */
static gov_status failed(cal_builder *b, gov_status st)
{
    b->failed = true;
    return st;
}

/* Copies the spans; those that touch become one, so that the same hours always look the same. */
static gov_status copy_spans(cal_builder *b, const cal_span *spans, size_t count, cal_hours *out,
                             const base_place *place, const diag *d)
{
    if (count > CAL_MAX_SPANS)
        return failed(b, base_fail_at(d, place, M_calendar_hours));
    *out = (cal_hours){.spans = base_arena_array(&b->arena, count, sizeof *spans)};
    if (out->spans == NULL)
        return failed(b, base_nomem(d));
    for (size_t i = 0; i < count; i++) {
        const cal_span s = spans[i];
        if (s.start < 0 || s.end <= s.start || s.end > 86400 ||
            (i > 0 && s.start < spans[i - 1].end))
            return failed(b, base_fail_at(d, place, M_calendar_hours));
        if (out->count > 0 && out->spans[out->count - 1].end == s.start)
            out->spans[out->count - 1].end = s.end;
        else
            out->spans[out->count++] = s;
        out->seconds += (uint32_t)(s.end - s.start);
    }
    return GOV_OK;
}

gov_status cal_builder_hours(cal_builder *b, unsigned first, unsigned last, const cal_span *spans,
                             size_t count, const base_place *place, const diag *d)
{
    cal_hours hours;
    if (first < 1 || last > 7 || first > last)
        return failed(b, base_fail_at(d, place, M_calendar_weekdays));
    gov_status st = copy_spans(b, spans, count, &hours, place, d);
    if (st != GOV_OK)
        return st;
    for (unsigned i = first - 1; i < last; i++) {
        if (b->week_given[i])
            st = failed(b, base_fail_at(d, place, M_calendar_hours_twice,
                                        A_S("weekday", weekday_names[i])));
        b->week_given[i] = true;
        b->week[i] = hours;
    }
    return st;
}

static draft_year *find_year(cal_builder *b, int32_t year)
{
    for (size_t i = 0; i < b->year_count; i++)
        if (b->years[i].year == year)
            return &b->years[i];
    return NULL;
}

gov_status cal_builder_year(cal_builder *b, int32_t year, const base_place *place, const diag *d)
{
    if (year < 1 || year > 9999)
        return failed(b, base_fail_at(d, place, M_calendar_year_range, A_I("year", year)));
    if (find_year(b, year) != NULL)
        return failed(b, base_fail_at(d, place, M_calendar_year_twice, A_I("year", year)));
    if (b->year_count >= CAL_MAX_YEARS)
        return failed(b, base_fail_at(d, place, M_too_large, A_S("what", "years"),
                                      A_I("limit", CAL_MAX_YEARS)));
    if (!base_grow(b->alloc, &b->years, &b->year_cap, b->year_count, sizeof *b->years))
        return failed(b, base_nomem(d));
    b->years[b->year_count++] =
        (draft_year){.year = year, .place = place != NULL ? *place : (base_place){0}};
    return GOV_OK;
}

static gov_status bad_day(cal_builder *b, base_message message, int64_t day, int32_t year,
                          const base_place *place, const diag *d)
{
    char text[11];
    base_format_date(day, text);
    return failed(b, base_fail_at(d, place, message, A_S("date", text), A_I("year", year)));
}

/* Marks the days first..last of a year, unless one of them cannot be. */
static gov_status mark_days(cal_builder *b, int32_t year, int64_t first, int64_t last,
                            unsigned mark, const base_place *place, const diag *d)
{
    draft_year *y = find_year(b, year);
    char from[11], to[11];
    if (y == NULL)
        return failed(b, base_fail_at(d, place, M_calendar_year_unknown, A_I("year", year)));
    const int64_t january = base_days_from_civil(year, 1, 1),
                  next = base_days_from_civil(year + 1, 1, 1);
    if (first < CAL_FIRST_DAY || first > CAL_LAST_DAY || last < CAL_FIRST_DAY ||
        last > CAL_LAST_DAY)
        return failed(b, base_fail_at(d, place, M_calendar_range));
    if (first > last) {
        base_format_date(first, from);
        base_format_date(last, to);
        return failed(b, base_fail_at(d, place, M_calendar_backward, A_S("first", from),
                                      A_S("last", to)));
    }
    if (first < january || first >= next)
        return bad_day(b, M_calendar_outside_year, first, year, place, d);
    if (last >= next)
        return bad_day(b, M_calendar_outside_year, last, year, place, d);
    for (int64_t day = first; day <= last; day++) {
        uint16_t *was = &y->marks[day - january];
        if (*was != DAY_PLAIN && (*was == DAY_OFF) != (mark == DAY_OFF))
            return bad_day(b, M_calendar_off_and_work, day, year, place, d);
        if (*was > DAY_OFF)
            return bad_day(b, M_calendar_work_twice, day, year, place, d);
        *was = (uint16_t)mark;
    }
    return GOV_OK;
}

gov_status cal_builder_off(cal_builder *b, int32_t year, int64_t first, int64_t last,
                           const base_place *place, const diag *d)
{
    return mark_days(b, year, first, last, DAY_OFF, place, d);
}

gov_status cal_builder_work(cal_builder *b, int32_t year, int64_t first, int64_t last,
                            const cal_span *spans, size_t count, const base_place *place,
                            const diag *d)
{
    if (count == 0)
        return mark_days(b, year, first, last, DAY_WORK, place, d);
    cal_hours hours;
    const gov_status st = copy_spans(b, spans, count, &hours, place, d);
    if (st != GOV_OK)
        return st;
    if (b->own_count >= UINT16_MAX - 16)
        return failed(b, base_fail_at(d, place, M_too_large, A_S("what", "hours"),
                                      A_I("limit", UINT16_MAX - 16)));
    if (!base_grow(b->alloc, &b->own, &b->own_cap, b->own_count, sizeof *b->own))
        return failed(b, base_nomem(d));
    b->own[b->own_count] = hours;
    return mark_days(b, year, first, last, (unsigned)(DAY_OWN + b->own_count++), place, d);
}

/* ---- the tables ---- */

static bool copy_hours(const gov_allocator *a, const cal_hours *from, cal_hours *to)
{
    *to = (cal_hours){.count = from->count, .seconds = from->seconds};
    if (from->count == 0)
        return true;
    to->spans = base_array(a, from->count, sizeof *to->spans);
    if (to->spans == NULL)
        return false;
    memcpy(to->spans, from->spans, from->count * sizeof *to->spans);
    return true;
}

static bool fill_hours(cal_calendar *c, const cal_builder *b)
{
    c->hours = base_array(c->alloc, 8 + b->own_count, sizeof *c->hours);
    if (c->hours == NULL)
        return false;
    c->hours_count = 8 + b->own_count;
    for (size_t i = 0; i < 7; i++)
        if (!copy_hours(c->alloc, &b->week[i], &c->hours[1 + i]))
            return false;
    for (size_t i = 0; i < b->own_count; i++)
        if (!copy_hours(c->alloc, &b->own[i], &c->hours[8 + i]))
            return false;
    for (size_t i = 0; i < 7; i++) {
        c->week_days[i + 1] = c->week_days[i] + (c->hours[1 + i].count > 0);
        c->week_seconds[i + 1] = c->week_seconds[i] + c->hours[1 + i].seconds;
    }
    c->has_hours = c->week_days[7] > 0 || b->own_count > 0;
    return true;
}

static unsigned hours_of_mark(uint16_t mark, int64_t day)
{
    switch (mark) {
    case DAY_PLAIN: return base_weekday(day);
    case DAY_OFF: return CAL_CLOSED;
    case DAY_WORK: return 1;
    default: return 8U + mark - DAY_OWN;
    }
}

static void fill_year(cal_calendar *c, cal_year *y, const draft_year *draft)
{
    y->year = draft->year;
    y->first = base_days_from_civil(y->year, 1, 1);
    y->length = (uint32_t)(base_days_from_civil(y->year + 1, 1, 1) - y->first);
    const cal_sums before = cal_sums_before(c, y->first); /* of the years already there */
    y->days_before = before.days;
    y->seconds_before = before.seconds;
    for (uint32_t i = 0; i < y->length; i++) {
        const unsigned index = hours_of_mark(draft->marks[i], y->first + i);
        y->hours[i] = (uint16_t)index;
        y->days[i + 1] = (uint16_t)(y->days[i] + (c->hours[index].count > 0));
        y->seconds[i + 1] = y->seconds[i] + c->hours[index].seconds;
    }
}

static int by_year(const void *a, const void *b)
{
    const int32_t x = ((const draft_year *)a)->year, y = ((const draft_year *)b)->year;
    return (x > y) - (x < y);
}

static bool fill_years(cal_calendar *c, cal_builder *b)
{
    c->years = base_array(c->alloc, b->year_count, sizeof *c->years);
    if (c->years == NULL)
        return false;
    if (b->year_count > 0)
        qsort(b->years, b->year_count, sizeof *b->years, by_year);
    for (size_t i = 0; i < b->year_count; i++) {
        fill_year(c, &c->years[i], &b->years[i]);
        c->year_count = i + 1;
    }
    return true;
}

static void write_hours(base_buf *out, const cal_hours *h)
{
    base_buf_be32(out, (uint32_t)h->count);
    for (size_t i = 0; i < h->count; i++) {
        base_buf_be32(out, (uint32_t)h->spans[i].start);
        base_buf_be32(out, (uint32_t)h->spans[i].end);
    }
}

/* Hashed for ever: clocks keep it to know whether they were reckoned with today's calendar. */
static bool make_digest(cal_calendar *c)
{
    const char *zone = base_zone_name(c->zone);
    base_buf out;
    base_buf_init(&out, c->alloc);
    base_buf_str(&out, "gov calendar 1");
    base_buf_be32(&out, (uint32_t)strlen(zone));
    base_buf_str(&out, zone);
    base_buf_be16(&out, (uint16_t)c->missing);
    for (size_t i = 1; i <= 7; i++)
        write_hours(&out, &c->hours[i]);
    base_buf_be32(&out, (uint32_t)c->year_count);
    for (size_t i = 0; i < c->year_count; i++) {
        const cal_year *y = &c->years[i];
        base_buf_be32(&out, (uint32_t)y->year);
        for (uint32_t k = 0; k < y->length; k++)
            write_hours(&out, &c->hours[y->hours[k]]);
    }
    if (!out.failed)
        base_sha256(out.data, out.len, c->digest);
    const bool ok = !out.failed;
    base_buf_free(&out);
    return ok;
}

/* Make-up days without hours of their own need a Monday that has some; known only when all has been said. */
static gov_status check_mondays(cal_builder *b, const diag *d)
{
    gov_status st = GOV_OK;
    if (b->week[0].count > 0)
        return GOV_OK;
    for (size_t i = 0; i < b->year_count; i++)
        for (int k = 0; k < 366; k++)
            if (b->years[i].marks[k] == DAY_WORK)
                st = bad_day(b, M_calendar_no_monday,
                             base_days_from_civil(b->years[i].year, 1, 1) + k, b->years[i].year,
                             b->years[i].place.line != 0 ? &b->years[i].place : NULL, d);
    return st;
}

gov_status cal_builder_finish(cal_builder *b, cal_calendar **out, const diag *d)
{
    *out = NULL;
    const gov_status st = check_mondays(b, d);
    if (st != GOV_OK || b->failed)
        return st != GOV_OK ? st : GOV_E_RULE;
    cal_calendar *c = base_alloc(b->alloc, sizeof *c);
    if (c == NULL)
        return base_nomem(d);
    c->alloc = b->alloc;
    c->zone = b->zone;
    c->missing = b->missing;
    c->name = base_strdup(b->alloc, b->name);
    if (c->name == NULL || !fill_hours(c, b) || !fill_years(c, b) || !make_digest(c)) {
        cal_free(c);
        return base_nomem(d);
    }
    *out = c;
    return GOV_OK;
}

void cal_free(cal_calendar *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->hours_count; i++)
        base_free(c->alloc, c->hours[i].spans);
    base_free(c->alloc, c->hours);
    base_free(c->alloc, c->years);
    base_free(c->alloc, c->name);
    base_free(c->alloc, c);
}
