/* The tally as a map: titles, rates and masks. What the report is about, its totals, deadlines, indicators. */
#include "insight/insight.h"

#include <stdlib.h>
#include <string.h>

void insight_put(value_builder *b, const char *key, const char *text)
{
    value_builder_set(b, key, text != NULL ? value_text(text) : value_null());
}

void insight_add_map(value_builder *list, const value_builder *map)
{
    list->failed = list->failed || map->failed;
    value_builder_add(list, value_builder_map(map));
}

void insight_put_rate(value_builder *b, int64_t num, int64_t den, insight_mark mark)
{
    value_builder_set(b, "permille", mark != INSIGHT_PLAIN ? value_text("*")
                                     : den > 0             ? value_int(insight_permille(num, den))
                                                           : value_null());
}

insight_mark insight_few(const insight_tally *t, int64_t n)
{
    return t->masked && n > 0 && n < INSIGHT_SMALL ? INSIGHT_FEW : INSIGHT_PLAIN;
}

static const char *copy_text(insight_tally *t, value_builder *b, const char *text)
{
    const char *copy = base_arena_strdup(&t->arena, text);
    b->failed = b->failed || copy == NULL;
    return copy;
}

void insight_put_breaks(insight_tally *t, value_builder *b, const int64_t breaks[INSIGHT_BREAKS])
{
    value_builder list;
    value_builder_init(&list, &t->arena);
    for (size_t i = 0; i < INSIGHT_BREAKS; i++)
        value_builder_add(&list, value_int(breaks[i]));
    b->failed = b->failed || list.failed;
    value_builder_set(b, "breaks", value_builder_list(&list));
}

/* ---- lists by rank ---- */

static int by_rank(const void *a, const void *b)
{
    const insight_line *x = a, *y = b;
    const bool open_x = x->mark != INSIGHT_PLAIN, open_y = y->mark != INSIGHT_PLAIN;
    if (open_x != open_y)
        return open_x ? 1 : -1;
    const bool none_x = x->key[0] == '\0', none_y = y->key[0] == '\0';
    if (!open_x && none_x != none_y)
        return none_x ? 1 : -1;
    if (!open_x && x->cases != y->cases)
        return x->cases > y->cases ? -1 : 1;
    return strcmp(x->key, y->key);
}

void insight_rank(insight_line *lines, size_t n)
{
    if (n > 1)
        qsort(lines, n, sizeof *lines, by_rank);
}

gov_status insight_mask_lines(insight_tally *t, insight_line *lines, size_t n, int64_t total, const diag *d)
{
    int64_t *parts = base_arena_array(&t->arena, n, sizeof *parts);
    uint8_t *marks = base_arena_array(&t->arena, n, sizeof *marks);
    if (parts == NULL || marks == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < n; i++)
        parts[i] = lines[i].cases;
    if (t->masked)
        insight_mask_parts(parts, n, total, true, marks);
    for (size_t i = 0; i < n; i++)
        lines[i].mark = marks[i];
    return GOV_OK;
}

/* ---- what the report is about ---- */

static void put_time(insight_tally *t, value_builder *b, const char *key, const char *local_key, int64_t us)
{
    char name[24];
    insight_time_name(t->g->rules->zone, us, name);
    value_builder_set(b, key, value_from_us(us));
    insight_put(b, local_key, copy_text(t, b, name));
}

static const char *lead_title(const insight_tally *t)
{
    return t->lead != NULL ? rulebook_text_in(&t->lead->title, t->lang, t->lead_name) : t->lead_name;
}

static gov_status put_about(insight_tally *t, value_builder *b, const diag *d)
{
    const rulebook *r = t->g->rules;
    value_builder about, period, rules;
    value_builder_init(&about, &t->arena);
    value_builder_init(&period, &t->arena);
    value_builder_init(&rules, &t->arena);
    insight_put(&about, "lang", t->lang);
    value_builder_set(&about, "public", value_bool(t->masked));
    insight_put(&about, "community", t->g->name);
    insight_put(&about, "title", rulebook_text_in(&r->title, t->lang, t->g->name));
    insight_put(&about, "workflow", t->lead_name);
    insight_put(&about, "workflow_title", lead_title(t));
    insight_put(&about, "clock", t->clock != NULL ? t->clock->name : NULL);
    insight_put(&about, "clock_title", t->clock != NULL ? rulebook_text_in(&t->clock->title, t->lang, t->clock->name) : NULL);
    insight_put(&about, "zone", base_zone_name(r->zone));
    put_time(t, &period, "from", "from_local", t->from_us);
    put_time(t, &period, "to", "to_local", t->to_given ? t->end_us : t->at_us);
    put_time(t, &period, "at", "at_local", t->at_us);
    insight_put(&rules, "id", r->id);
    insight_put(&rules, "version", r->version);
    insight_put(&rules, "digest", r->digest_text);
    value_builder_set(b, "report", value_builder_map(&about));
    value_builder_set(b, "period", value_builder_map(&period));
    value_builder_set(b, "rulebook", value_builder_map(&rules));
    return about.failed || period.failed || rules.failed ? base_nomem(d) : GOV_OK;
}

static gov_status put_journal(insight_tally *t, value_builder *b, const diag *d)
{
    journal_head head;
    value_builder map;
    char *root = base_arena_alloc(&t->arena, 2 * JOURNAL_HASH + 1);
    if (root == NULL)
        return base_nomem(d);
    const gov_status status = journal_head_now(t->g->journal, &head, d);
    if (status != GOV_OK)
        return status;
    base_hex(head.root, sizeof head.root, root);
    value_builder_init(&map, &t->arena);
    value_builder_set(&map, "size", value_int((int64_t)head.size));
    insight_put(&map, "root", root);
    value_builder_set(b, "journal", value_builder_map(&map));
    return map.failed ? base_nomem(d) : GOV_OK;
}

/* ---- totals and workflows ---- */

/* closed + open = opened */
static void put_totals(insight_tally *t, value_builder *b, int64_t opened, int64_t closed, uint8_t marks[2])
{
    const int64_t parts[] = {closed, opened - closed};
    const insight_mark whole = insight_few(t, opened);
    memset(marks, INSIGHT_PLAIN, 2);
    if (t->masked)
        insight_mask_parts(parts, 2, opened, true, marks);
    value_builder_set(b, "opened", insight_count(opened, whole));
    value_builder_set(b, "closed", insight_count(closed, marks[0]));
    value_builder_set(b, "open", insight_count(opened - closed, marks[1]));
    insight_put_rate(b, closed, opened, marks[0] != INSIGHT_PLAIN ? INSIGHT_HIDDEN : whole);
}

static const char *outcome_title(insight_tally *t, const rulebook_workflow *w, const char *outcome)
{
    for (uint32_t i = 0; w != NULL && i < chart_state_count(w->chart); i++)
        if (w->states[i].outcome != NULL && strcmp(w->states[i].outcome, outcome) == 0)
            return rulebook_text_in(&w->states[i].title, t->lang, outcome);
    return outcome;
}

static gov_status put_outcomes(insight_tally *t, value_builder *b, const rulebook_workflow *w, const insight_row *of,
                               uint8_t closed_mark, const diag *d)
{
    value_builder list;
    size_t n = 0;
    insight_line *lines = base_arena_array(&t->arena, t->outcomes.count, sizeof *lines);
    if (lines == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < t->outcomes.count; i++) {
        const insight_row *row = &t->outcomes.items[i];
        const char *outcome = row->key + strlen(row->key) + 1;
        if (strcmp(row->key, of->key) == 0)
            lines[n++] = (insight_line){outcome, outcome_title(t, w, outcome), row, row->cases, INSIGHT_PLAIN};
    }
    const gov_status status = insight_mask_lines(t, lines, n, of->closed, d);
    if (status != GOV_OK)
        return status;
    for (size_t i = 0; closed_mark == INSIGHT_HIDDEN && i < n; i++)
        lines[i].mark = INSIGHT_HIDDEN;
    insight_rank(lines, n);
    value_builder_init(&list, &t->arena);
    for (size_t i = 0; i < n; i++) {
        value_builder line;
        value_builder_init(&line, &t->arena);
        insight_put(&line, "outcome", lines[i].key);
        insight_put(&line, "title", lines[i].title);
        value_builder_set(&line, "cases", insight_count(lines[i].cases, lines[i].mark));
        insight_add_map(&list, &line);
    }
    value_builder_set(b, "outcomes", value_builder_list(&list));
    return list.failed ? base_nomem(d) : GOV_OK;
}

static gov_status put_workflow(insight_tally *t, value_builder *list, const char *name, const insight_row *row, const diag *d)
{
    static const insight_row nothing = {.key = ""};
    const rulebook_workflow *w = NULL;
    value_builder b;
    uint8_t marks[2];
    gov_status status = rulebook_get_workflow(t->g->rules, name, &w, d);
    if (status != GOV_OK && status != GOV_E_NOT_FOUND)
        return status;
    if (status == GOV_E_NOT_FOUND)
        w = NULL;
    value_builder_init(&b, &t->arena);
    insight_put(&b, "workflow", name);
    insight_put(&b, "title", w != NULL ? rulebook_text_in(&w->title, t->lang, name) : name);
    row = row != NULL ? row : &nothing;
    put_totals(t, &b, row->cases, row->closed, marks);
    status = put_outcomes(t, &b, w, row, marks[0], d);
    insight_add_map(list, &b);
    return status;
}

/* Those of the rulebook in its order, then those that it has no more. */
static gov_status put_workflows(insight_tally *t, value_builder *b, const diag *d)
{
    const rulebook_names *names = &t->g->rules->workflows;
    value_builder list;
    gov_status status = GOV_OK;
    value_builder_init(&list, &t->arena);
    for (uint32_t i = 0; i < names->count && status == GOV_OK; i++) {
        const uint64_t *at = base_map_get(&t->workflows.map, names->items[i], strlen(names->items[i]));
        status = put_workflow(t, &list, names->items[i], at != NULL ? &t->workflows.items[*at] : NULL, d);
    }
    for (size_t i = 0; i < t->workflows.count && status == GOV_OK; i++)
        if (!rulebook_has_name(names, t->workflows.items[i].key))
            status = put_workflow(t, &list, t->workflows.items[i].key, &t->workflows.items[i], d);
    value_builder_set(b, "workflows", value_builder_list(&list));
    return status == GOV_OK && list.failed ? base_nomem(d) : status;
}

/* ---- time to close, indicators ---- */

/* How many cases took up to so many days, above the step before. */
static void put_closing_steps(insight_tally *t, value_builder *b, uint8_t closed_mark)
{
    static const int64_t days[] = {1, 3, 7, 15, 30, 0}; /* 0: longer than all of them */
    int64_t parts[ARRAY_LEN(days)] = {0};
    uint8_t marks[ARRAY_LEN(days)] = {0};
    value_builder list;
    for (size_t i = 0, k = 0; i < t->lasted_count; i++) {
        while (days[k] != 0 && t->lasted[i] > days[k] * 86400)
            k++;
        parts[k]++;
    }
    if (t->masked)
        insight_mask_below(parts, ARRAY_LEN(days), (int64_t)t->lasted_count, (insight_mark)closed_mark, marks);
    value_builder_init(&list, &t->arena);
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        value_builder step;
        value_builder_init(&step, &t->arena);
        value_builder_set(&step, "up_to_days", days[i] != 0 ? value_int(days[i]) : value_null());
        value_builder_set(&step, "cases", insight_count(parts[i], (insight_mark)marks[i]));
        insight_add_map(&list, &step);
    }
    b->failed = b->failed || list.failed;
    value_builder_set(b, "steps", value_builder_list(&list));
}

static void put_closing(insight_tally *t, value_builder *b, uint8_t closed_mark)
{
    const size_t n = t->lasted_count;
    const bool shown = n > 0 && insight_few(t, (int64_t)n) == INSIGHT_PLAIN;
    const value other = n == 0 ? value_null() : value_text("*");
    value_builder map;
    value_builder_init(&map, &t->arena);
    value_builder_set(&map, "cases", insight_count((int64_t)n, closed_mark));
    value_builder_set(&map, "median_s", shown ? value_int(insight_percentile(t->lasted, n, 50)) : other);
    value_builder_set(&map, "p90_s", shown ? value_int(insight_percentile(t->lasted, n, 90)) : other);
    put_closing_steps(t, &map, closed_mark);
    b->failed = b->failed || map.failed;
    value_builder_set(b, "closing", value_builder_map(&map));
}

static void put_indicator(insight_tally *t, value_builder *list, const insight_indicator *in)
{
    const rulebook_indicator *r = in->rule;
    const insight_mark mark = t->masked ? insight_mask_rate(in->counts, in->of) : INSIGHT_PLAIN;
    const insight_mark of = insight_few(t, in->of), few = insight_few(t, in->counts);
    value_builder b;
    value_builder_init(&b, &t->arena);
    insight_put(&b, "indicator", r->name);
    insight_put(&b, "title", rulebook_text_in(&r->title, t->lang, r->name));
    insight_put(&b, "workflow", r->workflow);
    value_builder_set(&b, "numerator", insight_count(in->counts, few != INSIGHT_PLAIN ? few : mark));
    value_builder_set(&b, "denominator", insight_count(in->of, of));
    insight_put_rate(&b, in->counts, in->of, mark);
    if (in->undecided > 0)
        value_builder_set(&b, "undecided", insight_count(in->undecided, insight_few(t, in->undecided)));
    insight_put(&b, "source", rulebook_text_in(&r->source, t->lang, ""));
    insight_put(&b, "description", rulebook_text_in(&r->description, t->lang, ""));
    insight_add_map(list, &b);
}

static void put_indicators(insight_tally *t, value_builder *b)
{
    value_builder list;
    value_builder_init(&list, &t->arena);
    for (size_t i = 0; i < t->indicator_count; i++)
        put_indicator(t, &list, &t->indicators[i]);
    b->failed = b->failed || list.failed;
    value_builder_set(b, "indicators", value_builder_list(&list));
}

/* ---- all of it ---- */

gov_status insight_figures(insight_tally *t, bool drawing, value *out, const diag *d)
{
    value_builder b, totals;
    uint8_t marks[2];
    value_builder_init(&b, &t->arena);
    value_builder_init(&totals, &t->arena);
    gov_status status = put_about(t, &b, d);
    if (status != GOV_OK)
        return status;
    put_totals(t, &totals, t->opened, t->closed, marks);
    b.failed = b.failed || totals.failed;
    value_builder_set(&b, "totals", value_builder_map(&totals));
    status = insight_deadline_figures(t, &b, d);
    put_closing(t, &b, marks[0]);
    put_indicators(t, &b);
    if (status == GOV_OK)
        status = insight_category_figures(t, &b, d);
    if (status == GOV_OK)
        status = insight_grid_figures(t, drawing, &b, d);
    if (status == GOV_OK)
        status = insight_month_figures(t, &b, d);
    if (status == GOV_OK)
        status = insight_unit_figures(t, &b, d);
    if (status == GOV_OK)
        status = insight_repeat_figures(t, &b, d);
    if (status == GOV_OK)
        status = put_workflows(t, &b, d);
    if (status == GOV_OK)
        status = insight_program_figures(t, &b, d);
    if (status == GOV_OK)
        status = put_journal(t, &b, d);
    *out = value_builder_map(&b);
    return status == GOV_OK && b.failed ? base_nomem(d) : status;
}
