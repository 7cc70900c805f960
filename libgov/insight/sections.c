/* The figures about the leading workflow: deadlines, categories and weeks, months, units, repeat places. */
#include "insight/insight.h"

#include <string.h>

/* ---- deadlines ---- */

static void insight_mark_due(const insight_tally *t, insight_due_marks *out)
{
    const int64_t *f = t->fates;
    *out = (insight_due_marks){.due = f[INSIGHT_ON_TIME] + f[INSIGHT_LATE] + f[INSIGHT_OVERDUE]};
    if (!t->masked)
        return;
    const int64_t groups[] = {out->due, f[INSIGHT_NOT_DUE], f[INSIGHT_ENDED], f[INSIGHT_UNTIMED]};
    const int64_t halves[] = {f[INSIGHT_ON_TIME], f[INSIGHT_LATE] + f[INSIGHT_OVERDUE]};
    const int64_t late[] = {f[INSIGHT_LATE], f[INSIGHT_OVERDUE]};
    uint8_t marks[2];
    insight_mask_parts(groups, 4, t->opened, true, out->groups);
    insight_mask_below(halves, 2, out->due, (insight_mark)out->groups[0], marks);
    out->on_time = marks[0];
    out->late = marks[1];
    insight_mask_below(late, 2, halves[1], (insight_mark)out->late, marks);
    out->late_done = marks[0];
    out->overdue = marks[1];
}

gov_status insight_deadline_figures(insight_tally *t, value_builder *b, const diag *d)
{
    const int64_t *f = t->fates;
    insight_due_marks m;
    value_builder map;
    insight_mark_due(t, &m);
    const bool shown = m.groups[0] == INSIGHT_PLAIN && m.on_time == INSIGHT_PLAIN;
    value_builder_init(&map, &t->arena);
    value_builder_set(&map, "on_time", insight_count(f[INSIGHT_ON_TIME], (insight_mark)m.on_time));
    value_builder_set(&map, "late", insight_count(f[INSIGHT_LATE] + f[INSIGHT_OVERDUE], (insight_mark)m.late));
    value_builder_set(&map, "late_done", insight_count(f[INSIGHT_LATE], (insight_mark)m.late_done));
    value_builder_set(&map, "overdue", insight_count(f[INSIGHT_OVERDUE], (insight_mark)m.overdue));
    value_builder_set(&map, "due", insight_count(m.due, (insight_mark)m.groups[0]));
    insight_put_rate(&map, f[INSIGHT_ON_TIME], m.due, shown ? INSIGHT_PLAIN : INSIGHT_HIDDEN);
    value_builder_set(&map, "not_due", insight_count(f[INSIGHT_NOT_DUE], (insight_mark)m.groups[1]));
    value_builder_set(&map, "ended", insight_count(f[INSIGHT_ENDED], (insight_mark)m.groups[2]));
    value_builder_set(&map, "untimed", insight_count(f[INSIGHT_UNTIMED], (insight_mark)m.groups[3]));
    value_builder_set(b, "on_time", value_builder_map(&map));
    return map.failed ? base_nomem(d) : GOV_OK;
}

/* ---- categories and their weeks ---- */

/* What a category's text means to people: the title that its field gives it, else the text. */
static const char *insight_category_title(const insight_tally *t, const char *text, size_t len)
{
    const rulebook_field *f = t->lead != NULL ? rulebook_find_field(&t->lead->fields, "category", strlen("category")) : NULL;
    for (uint32_t i = 0; f != NULL && f->one_of_titles != NULL && i < f->one_of_count; i++)
        if (f->one_of[i].kind == VALUE_STRING && f->one_of[i].len == len && memcmp(f->one_of[i].as.s, text, len) == 0)
            return rulebook_text_in(&f->one_of_titles[i], t->lang, text);
    return text;
}

enum { BUSIEST = 10 };

static void put_week_names(insight_tally *t, value_builder *map)
{
    value_builder names, starts;
    value_builder_init(&names, &t->arena);
    value_builder_init(&starts, &t->arena);
    for (int64_t i = 0; i < t->week_count; i++) {
        char name[16], date[11];
        const int64_t week = t->week_base + i;
        insight_week_name(week, name);
        base_format_date(week * 7 - 3, date);
        value_builder_add_copy(&names, name);
        value_builder_add_copy(&starts, date);
        map->failed = map->failed || names.items == NULL || names.items[i].kind == VALUE_ABSENT ||
                      starts.items == NULL || starts.items[i].kind == VALUE_ABSENT;
        if (map->failed)
            return;
    }
    map->failed = map->failed || names.failed || starts.failed;
    value_builder_set(map, "weeks", value_builder_list(&names));
    value_builder_set(map, "starts", value_builder_list(&starts));
}

/* One category's weeks. Where its sum is masked, so are they. */
static gov_status put_strip(insight_tally *t, value_builder *rows, const insight_line *line, int64_t *shown, size_t *shown_count,
                            const diag *d)
{
    const size_t n = (size_t)t->week_count;
    int64_t *parts = base_arena_array(&t->arena, n, sizeof *parts);
    uint8_t *marks = base_arena_array(&t->arena, n, sizeof *marks);
    value_builder b, list;
    if (parts == NULL || marks == NULL)
        return base_nomem(d);
    value_builder_init(&b, &t->arena);
    value_builder_init(&list, &t->arena);
    for (size_t i = 0; i < n; i++)
        parts[i] = line->row->weeks[i];
    if (line->mark != INSIGHT_PLAIN)
        memset(marks, INSIGHT_HIDDEN, n);
    else if (t->masked)
        insight_mask_parts(parts, n, line->cases, true, marks);
    for (size_t i = 0; i < n; i++) {
        value_builder_add(&list, insight_count(parts[i], (insight_mark)marks[i]));
        if (marks[i] == INSIGHT_PLAIN && parts[i] > 0)
            shown[(*shown_count)++] = parts[i];
    }
    insight_put(&b, "category", line->key);
    insight_put(&b, "title", line->title);
    value_builder_set(&b, "cases", value_builder_list(&list));
    b.failed = b.failed || list.failed;
    insight_add_map(rows, &b);
    return GOV_OK;
}

static gov_status put_weeks(insight_tally *t, value_builder *b, const insight_line *lines, size_t n, const diag *d)
{
    static const int64_t percent[INSIGHT_BREAKS] = {40, 70, 88, 97}; /* the peaks shall stand out */
    value_builder map, rows;
    int64_t breaks[INSIGHT_BREAKS];
    size_t shown_count = 0;
    int64_t *shown = base_arena_array(&t->arena, (size_t)t->week_count * BUSIEST, sizeof *shown);
    if (shown == NULL)
        return base_nomem(d);
    value_builder_init(&map, &t->arena);
    value_builder_init(&rows, &t->arena);
    put_week_names(t, &map);
    for (size_t i = 0; i < n && i < BUSIEST; i++) {
        const gov_status status = put_strip(t, &rows, &lines[i], shown, &shown_count, d);
        if (status != GOV_OK)
            return status;
    }
    value_builder_set(&map, "rows", value_builder_list(&rows));
    insight_breaks(shown, shown_count, percent, breaks);
    insight_put_breaks(t, &map, breaks);
    b->failed = b->failed || map.failed || rows.failed;
    value_builder_set(b, "weeks", value_builder_map(&map));
    return GOV_OK;
}

gov_status insight_category_figures(insight_tally *t, value_builder *b, const diag *d)
{
    const size_t n = t->categories.count;
    value_builder list;
    insight_line *lines = base_arena_array(&t->arena, n, sizeof *lines);
    if (lines == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        const insight_row *row = &t->categories.items[i];
        lines[i] = (insight_line){row->key, insight_category_title(t, row->key, row->len), row, row->cases, INSIGHT_PLAIN};
    }
    const gov_status status = insight_mask_lines(t, lines, n, t->opened, d);
    if (status != GOV_OK)
        return status;
    insight_rank(lines, n);
    value_builder_init(&list, &t->arena);
    for (size_t i = 0; i < n; i++) {
        value_builder line;
        value_builder_init(&line, &t->arena);
        insight_put(&line, "category", lines[i].key);
        insight_put(&line, "title", lines[i].title);
        value_builder_set(&line, "cases", insight_count(lines[i].cases, (insight_mark)lines[i].mark));
        insight_put_rate(&line, lines[i].cases, t->opened, (insight_mark)lines[i].mark);
        insight_add_map(&list, &line);
    }
    b->failed = b->failed || list.failed;
    value_builder_set(b, "categories", value_builder_list(&list));
    return put_weeks(t, b, lines, n, d);
}

/* ---- units ---- */

static bool make_rates(insight_tally *t, size_t n, insight_rates *r)
{
    int64_t **const numbers[] = {&r->nums, &r->dens, &r->wholes, &r->rests};
    uint8_t **const marks[] = {&r->whole_marks, &r->den_marks, &r->marks};
    bool made = true;
    r->n = n;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        made = (*numbers[i] = base_arena_array(&t->arena, n, sizeof **numbers[i])) != NULL && made;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        made = (*marks[i] = base_arena_array(&t->arena, n, 1)) != NULL && made;
    return made;
}

static void put_on_time(value_builder *b, const insight_rates *m, size_t i)
{
    value_builder_set(b, "on_time", insight_count(m->nums[i], (insight_mark)m->marks[i]));
    value_builder_set(b, "due", insight_count(m->dens[i], (insight_mark)m->den_marks[i]));
    insight_put_rate(b, m->nums[i], m->dens[i], (insight_mark)m->marks[i]);
}

static void put_unit(insight_tally *t, value_builder *list, const insight_line *line, const insight_rates *m, size_t i,
                     uint8_t overdue_mark)
{
    value_builder b;
    value_builder_init(&b, &t->arena);
    insight_put(&b, "unit", line->key);
    insight_put(&b, "name", line->title);
    value_builder_set(&b, "cases", insight_count(line->cases, (insight_mark)line->mark));
    put_on_time(&b, m, i);
    value_builder_set(&b, "overdue", insight_count(line->row->overdue, (insight_mark)overdue_mark));
    insight_add_map(list, &b);
}

static gov_status unit_lines(insight_tally *t, insight_line *lines, size_t n, const diag *d)
{
    for (size_t i = 0; i < n; i++) {
        const insight_row *row = &t->units.items[i];
        const char *key, *name;
        gov_status status = registry_label(t->g, row->id, &key, &name, d);
        if (status != GOV_OK)
            return status;
        lines[i] = (insight_line){base_arena_strdup(&t->arena, key), base_arena_strdup(&t->arena, name), row, row->cases, INSIGHT_PLAIN};
        if (lines[i].key == NULL || lines[i].title == NULL)
            return base_nomem(d);
    }
    const gov_status status = insight_mask_lines(t, lines, n, t->opened, d);
    if (status == GOV_OK)
        insight_rank(lines, n);
    return status;
}

/* Overdue cases are some of the late ones, and those are what is left of the denominators. */
static bool mask_overdue(insight_tally *t, const insight_line *lines, const insight_rates *r, uint8_t *marks)
{
    insight_due_marks due;
    int64_t *late = base_arena_array(&t->arena, r->n, sizeof *late), *overdue = base_arena_array(&t->arena, r->n, sizeof *overdue);
    uint8_t *rest_marks = base_arena_array(&t->arena, r->n, 1);
    if (late == NULL || overdue == NULL || rest_marks == NULL)
        return false;
    for (size_t i = 0; i < r->n; i++) {
        late[i] = lines[i].row->late;
        overdue[i] = lines[i].row->overdue;
    }
    insight_mark_due(t, &due);
    insight_mask_below(overdue, r->n, t->fates[INSIGHT_OVERDUE], (insight_mark)due.overdue, marks);
    insight_mask_rest(late, r->marks, overdue, r->n, r->rests, rest_marks, marks);
    return true;
}

gov_status insight_unit_figures(insight_tally *t, value_builder *b, const diag *d)
{
    const size_t n = t->units.count;
    insight_line *lines = base_arena_array(&t->arena, n, sizeof *lines);
    uint8_t *overdue_marks = base_arena_array(&t->arena, n, 1);
    insight_rates r;
    insight_due_marks due;
    value_builder list;
    if (lines == NULL || overdue_marks == NULL || !make_rates(t, n, &r))
        return base_nomem(d);
    const gov_status status = unit_lines(t, lines, n, d);
    if (status != GOV_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        r.nums[i] = lines[i].row->on_time;
        r.dens[i] = lines[i].row->on_time + lines[i].row->late;
        r.wholes[i] = lines[i].cases;
        r.whole_marks[i] = lines[i].mark;
    }
    insight_mark_due(t, &due);
    if (t->masked) {
        insight_mask_rates(&r, due.due, due.groups[0] == INSIGHT_PLAIN);
        if (!mask_overdue(t, lines, &r, overdue_marks))
            return base_nomem(d);
    }
    value_builder_init(&list, &t->arena);
    for (size_t i = 0; i < n; i++)
        put_unit(t, &list, &lines[i], &r, i, overdue_marks[i]);
    value_builder_set(b, "units", value_builder_list(&list));
    return list.failed ? base_nomem(d) : GOV_OK;
}

/* ---- months ---- */

static int64_t signed_change(int64_t now, int64_t before)
{
    return now >= before ? insight_permille(now - before, before) : -insight_permille(before - now, before);
}

/* Is the whole of the month in the period? The first one counts as whole when the period has no given beginning. */
static bool whole_month(const insight_tally *t, int64_t month)
{
    const base_zone *zone = t->g->rules->zone;
    const int64_t first = insight_day(zone, t->from_us), next = insight_month_start(month + 1);
    const bool begins = !t->from_given || first < insight_month_start(month) ||
                        (first == insight_month_start(month) && (t->from_us == 0 || insight_day(zone, t->from_us - 1) < first));
    return begins && insight_day(zone, t->to_given ? t->end_us : t->at_us) >= next;
}

static void put_month(insight_tally *t, value_builder *list, int64_t i, const insight_rates *m, const uint8_t *closed)
{
    const uint8_t *opened = m->whole_marks;
    const insight_month_row *row = &t->months[i];
    const bool whole = whole_month(t, t->month_base + i), compared = i > 0 && whole && whole_month(t, t->month_base + i - 1);
    char name[16];
    value_builder b;
    value_builder_init(&b, &t->arena);
    insight_month_name(t->month_base + i, name);
    const char *copy = base_arena_strdup(&t->arena, name);
    b.failed = copy == NULL;
    insight_put(&b, "month", copy);
    value_builder_set(&b, "whole", value_bool(whole));
    value_builder_set(&b, "opened", insight_count(row->opened, (insight_mark)opened[i]));
    value_builder_set(&b, "closed", insight_count(row->closed, (insight_mark)closed[i]));
    put_on_time(&b, m, (size_t)i);
    if (compared && row[-1].opened > 0 && opened[i] == INSIGHT_PLAIN && opened[i - 1] == INSIGHT_PLAIN)
        value_builder_set(&b, "change_permille", value_int(signed_change(row->opened, row[-1].opened)));
    if (compared && m->dens[i] > 0 && m->dens[i - 1] > 0 && m->marks[i] == INSIGHT_PLAIN && m->marks[i - 1] == INSIGHT_PLAIN)
        value_builder_set(&b, "rate_change_permille", value_int(insight_permille(m->nums[i], m->dens[i]) -
                                                                insight_permille(m->nums[i - 1], m->dens[i - 1])));
    insight_add_map(list, &b);
}

gov_status insight_month_figures(insight_tally *t, value_builder *b, const diag *d)
{
    const size_t n = (size_t)t->month_count;
    insight_rates r;
    insight_due_marks due;
    value_builder list;
    int64_t closed_sum = 0, *closed = base_arena_array(&t->arena, n, sizeof *closed);
    uint8_t *closed_marks = base_arena_array(&t->arena, n, 1);
    if (closed == NULL || closed_marks == NULL || !make_rates(t, n, &r))
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        r.nums[i] = t->months[i].on_time;
        r.dens[i] = t->months[i].on_time + t->months[i].late;
        r.wholes[i] = t->months[i].opened;
        closed[i] = t->months[i].closed;
        closed_sum += closed[i];
    }
    insight_mark_due(t, &due);
    if (t->masked) {
        insight_mask_parts(r.wholes, n, t->opened, true, r.whole_marks);
        insight_mask_parts(closed, n, closed_sum, true, closed_marks);
        insight_mask_rates(&r, due.due, due.groups[0] == INSIGHT_PLAIN);
    }
    value_builder_init(&list, &t->arena);
    for (int64_t i = 0; i < t->month_count; i++)
        put_month(t, &list, i, &r, closed_marks);
    value_builder_set(b, "months", value_builder_list(&list));
    return list.failed ? base_nomem(d) : GOV_OK;
}

/* ---- repeat places ---- */

static gov_status put_repeat(insight_tally *t, value_builder *list, const insight_repeat *r, const diag *d)
{
    char date[11];
    const char *key, *name;
    value_builder b;
    const gov_status status = registry_label(t->g, r->grid, &key, &name, d);
    if (status != GOV_OK)
        return status;
    base_format_date(insight_day(t->g->rules->zone, r->first_us), date);
    const char *grid = base_arena_strdup(&t->arena, key), *title = base_arena_strdup(&t->arena, name);
    const char *first = base_arena_strdup(&t->arena, date);
    value_builder_init(&b, &t->arena);
    b.failed = grid == NULL || title == NULL || first == NULL;
    insight_put(&b, "grid", grid);
    insight_put(&b, "grid_name", title);
    if (!t->masked)
        insight_put(&b, "place", r->place);
    insight_put(&b, "category", r->category);
    insight_put(&b, "title", insight_category_title(t, r->category, strlen(r->category)));
    value_builder_set(&b, "cases", value_int(r->cases));
    insight_put(&b, "first", first);
    insight_add_map(list, &b);
    return GOV_OK;
}

gov_status insight_repeat_figures(insight_tally *t, value_builder *b, const diag *d)
{
    enum { TOP = 20 };
    insight_repeat top[TOP];
    size_t count;
    int64_t all, cases;
    value_builder map, list;
    value_builder_init(&map, &t->arena);
    value_builder_init(&list, &t->arena);
    gov_status status = insight_repeats(t, top, TOP, &count, &all, &cases, d);
    for (size_t i = 0; i < count && status == GOV_OK; i++)
        status = put_repeat(t, &list, &top[i], d);
    if (status != GOV_OK)
        return status;
    value_builder_set(&map, "places", insight_count(all, insight_few(t, all)));
    value_builder_set(&map, "cases", insight_count(cases, insight_few(t, cases)));
    value_builder_set(&map, "top", value_builder_list(&list));
    value_builder_set(b, "repeats", value_builder_map(&map));
    return map.failed || list.failed ? base_nomem(d) : GOV_OK;
}
