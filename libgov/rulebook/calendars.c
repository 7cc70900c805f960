/* Definitions of calendars: hours, years, days off and make-up days. */
#include "rulebook/load.h"
#include "rulebook/grammar.h"

#include <string.h>

enum { MAX_SPANS = 24 };

static void free_calendar(void *c)
{
    cal_free(c);
}

/* ["09:00-12:00", "13:30-17:30"]; false when something is wrong, which is reported. */
static bool read_spans(rulebook_loader *l, const rb_node *n, cal_span out[MAX_SPANS], size_t *count)
{
    bool good = true;
    *count = 0;
    if (!rb_expect(l, n, RB_LIST, "hours"))
        return false;
    if (n->count > MAX_SPANS) {
        rb_fail(l, n, M_too_large, A_S("what", "hours"), A_I("limit", MAX_SPANS));
        return false;
    }
    if (n->count == 0) {
        rb_fail(l, n, M_empty, A_S("what", "hours"));
        return false;
    }
    for (uint32_t i = 0; i < n->count; i++) {
        const rb_node *item = n->as.items[i];
        if (!rb_expect(l, item, RB_SCALAR, "hours")) {
            good = false;
        } else if (!cal_parse_span(item->as.text, item->count, &out[i])) {
            rb_fail(l, item, M_bad_span, A_N("text", item->as.text, item->count));
            good = false;
        }
    }
    *count = n->count;
    return good;
}

static void read_hours(rulebook_loader *l, cal_builder *b, const rb_node *n)
{
    cal_span spans[MAX_SPANS];
    size_t count;
    unsigned first, last;

    if (n == NULL || !rb_expect(l, n, RB_MAP, "hours"))
        return;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++) {
        const rb_node *key = n->as.pairs[i].key;
        const base_place place = rb_place(key);
        if (!cal_parse_weekdays(key->as.text, key->count, &first, &last))
            rb_fail(l, key, M_bad_weekdays, A_N("text", key->as.text, key->count));
        else if (read_spans(l, n->as.pairs[i].val, spans, &count))
            rb_note(l, cal_builder_hours(b, first, last, spans, count, &place, l->d));
    }
}

static void read_off(rulebook_loader *l, cal_builder *b, int32_t year, const rb_node *n)
{
    int64_t first, last;
    if (n == NULL || !rb_expect(l, n, RB_LIST, "off"))
        return;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++) {
        const rb_node *item = n->as.items[i];
        const base_place place = rb_place(item);
        if (!rb_expect(l, item, RB_SCALAR, "off"))
            continue;
        if (cal_parse_dates(item->as.text, item->count, &first, &last))
            rb_note(l, cal_builder_off(b, year, first, last, &place, l->d));
        else
            rb_fail(l, item, M_bad_dates, A_N("text", item->as.text, item->count));
    }
}

static void work_days(rulebook_loader *l, cal_builder *b, int32_t year, const rb_node *dates, const rb_node *hours)
{
    cal_span spans[MAX_SPANS];
    size_t count = 0;
    int64_t first, last;
    const base_place place = rb_place(dates);

    if (!rb_expect(l, dates, RB_SCALAR, "work"))
        return;
    if (!cal_parse_dates(dates->as.text, dates->count, &first, &last))
        rb_fail(l, dates, M_bad_dates, A_N("text", dates->as.text, dates->count));
    else if (hours == NULL || read_spans(l, hours, spans, &count))
        rb_note(l, cal_builder_work(b, year, first, last, count > 0 ? spans : NULL, count, &place, l->d));
}

static void read_work(rulebook_loader *l, cal_builder *b, int32_t year, const rb_node *n)
{
    if (n == NULL || !rb_expect(l, n, RB_LIST, "work"))
        return;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++) {
        const rb_node *item = n->as.items[i];
        if (item->kind != RB_MAP) {
            work_days(l, b, year, item, NULL);
            continue;
        }
        for (uint32_t k = 0; k < item->count; k++)
            work_days(l, b, year, item->as.pairs[k].key, item->as.pairs[k].val);
    }
}

static void read_years(rulebook_loader *l, cal_builder *b, const rb_node *n)
{
    int64_t year;

    if (n == NULL || !rb_expect(l, n, RB_MAP, "years"))
        return;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++) {
        const rb_node *key = n->as.pairs[i].key, *val = n->as.pairs[i].val;
        const base_place place = rb_place(key);
        if (key->count != 4 || !base_parse_int(key->as.text, key->count, &year) || year < 1) { /* as in dates */
            rb_fail(l, key, M_bad_year, A_N("text", key->as.text, key->count));
            continue;
        }
        rb_note(l, cal_builder_year(b, (int32_t)year, &place, l->d));
        if (!rulebook_read_keys(l, val, key->as.text, rb_keys_year))
            continue;
        read_off(l, b, (int32_t)year, rb_get(val, "off"));
        read_work(l, b, (int32_t)year, rb_get(val, "work"));
    }
}

void rb_calendar(rulebook_loader *l, const rb_def *def, const rb_node *root, rulebook_calendar *out)
{
    cal_builder *b = NULL;
    cal_calendar *cal = NULL;

    out->name = def->name;
    out->place = def->place;
    rulebook_read_keys(l, root, "calendar", rb_keys_calendar);
    out->title = rulebook_read_text(l, rb_get(root, "title"));
    if (l->rb->pub.zone == NULL) /* reported already */
        return;
    const gov_status status = cal_builder_new(l->rb->alloc, def->name, l->rb->pub.zone, &b, l->d);
    if (status != GOV_OK) {
        rb_note(l, status);
        return;
    }
    cal_builder_missing(b, (cal_missing)rulebook_read_word(l, rb_get(root, "missing_year"), "missing_year", rb_words_missing_year,
                                                           CAL_MISSING_PROVISIONAL));
    read_hours(l, b, rb_get(root, "hours"));
    read_years(l, b, rb_get(root, "years"));
    rb_note(l, cal_builder_finish(b, &cal, l->d));
    cal_builder_free(b);
    if (cal != NULL && !rb_own(l->unit, cal, free_calendar)) {
        rb_note(l, base_nomem(l->d));
        return;
    }
    out->cal = cal;
}

const rulebook_calendar *rulebook_find_calendar(const rulebook *rb, const char *name)
{
    name = name != NULL ? name : rb->calendar;
    for (uint32_t i = 0; name != NULL && i < rb->calendar_count; i++)
        if (strcmp(rb->calendars[i].name, name) == 0)
            return &rb->calendars[i];
    return NULL;
}

void rb_check_calendar_name(rulebook_loader *l, const rb_node *n, const char *name)
{
    if (n == NULL || rb_find_def(l->rb, RB_CALENDAR, NULL, name) != NULL)
        return;
    rb_names known = {0};
    rb_def_names(l, RB_CALENDAR, NULL, &known);
    rb_unknown(l, n, "calendar", name, &known);
    rb_names_free(l, &known);
}

/* `calendar` of a definition, or what holds around it. */
const char *rb_calendar_choice(rulebook_loader *l, const rb_node *map, const char *otherwise)
{
    const rb_node *n = rb_get(map, "calendar");
    const char *name = rulebook_read_name(l, n, "calendar");
    if (name == NULL)
        return otherwise;
    rb_check_calendar_name(l, n, name);
    return name;
}
