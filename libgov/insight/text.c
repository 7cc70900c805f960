/* The report as text for a terminal: aligned by display width, since a Chinese character takes two columns. */
#include "insight/insight.h"

#include <string.h>

enum { MAX_COLUMNS = 8, MAX_CELL = 44, TOP = 20 };

/* A table is made of cells in one buffer, then written with each column as wide as its widest cell. */
typedef struct grid_text {
    base_buf cells; /* each ends with a NUL */
    size_t columns, count;
    size_t texts; /* so many columns on the left hold text; the others numbers, aligned right */
    bool bars;    /* but the last one, which holds a bar */
} grid_text;

static void table_begin(const insight_writer *w, grid_text *t, size_t columns, size_t texts)
{
    *t = (grid_text){.columns = columns, .texts = texts};
    base_buf_init(&t->cells, w->out->alloc);
}

static void cell_end(grid_text *t)
{
    base_buf_char(&t->cells, '\0');
    t->count++;
}

static void cell_word(const insight_writer *w, grid_text *t, insight_word word)
{
    base_buf_str(&t->cells, insight_say(w, word));
    cell_end(t);
}

/* Cuts what is too wide, at a whole character. */
static void cell_outside(grid_text *t, const char *s, size_t len)
{
    const size_t start = t->cells.len;
    insight_write_safe(&t->cells, s, len);
    if (!t->cells.failed && t->cells.len > start && insight_width(t->cells.data + start, t->cells.len - start) > MAX_CELL) {
        size_t end = start, width = 0;
        uint32_t cp;
        while (width < MAX_CELL - 3) {
            const size_t took = base_utf8_next(t->cells.data + end, t->cells.len - end, &cp);
            if (took == 0)
                break;
            width += insight_width(t->cells.data + end, took);
            end += took;
        }
        t->cells.len = end;
        base_buf_str(&t->cells, "...");
    }
    cell_end(t);
}

static void cell_text(const insight_writer *w, grid_text *t, value row, const char *first, const char *second, insight_word none)
{
    size_t a, b;
    const char *x = insight_text(row, first, &a), *y = insight_text(row, second, &b);
    if (a > 0 || b > 0)
        cell_outside(t, a > 0 ? x : y, a > 0 ? a : b);
    else
        cell_word(w, t, none);
}

static void cell_count(grid_text *t, value row, const char *path)
{
    insight_write_count(&t->cells, insight_in(row, path));
    cell_end(t);
}

static void cell_rate(grid_text *t, value row)
{
    insight_write_percent(&t->cells, insight_in(row, "permille"));
    cell_end(t);
}

static void cell_change(grid_text *t, value change, const char *unit)
{
    if (change.kind == VALUE_INT) {
        insight_write_signed_points(&t->cells, change.as.i);
        base_buf_str(&t->cells, unit);
    } else {
        base_buf_char(&t->cells, '-');
    }
    cell_end(t);
}

static void spaces(base_buf *out, size_t n)
{
    while (n-- > 0)
        base_buf_char(out, ' ');
}

static void write_cell(const insight_writer *w, const char *cell, size_t width, bool text, bool last)
{
    const size_t len = strlen(cell), own = insight_width(cell, len);
    const size_t gap = width > own ? width - own : 0;
    if (!text)
        spaces(w->out, gap);
    base_buf_add(w->out, cell, len);
    if (text && !last)
        spaces(w->out, gap);
}

static void table_end(const insight_writer *w, grid_text *t)
{
    size_t widths[MAX_COLUMNS] = {0}, column = 0;
    const char *cell = t->cells.data;
    for (size_t i = 0; !t->cells.failed && i < t->count; i++, cell += strlen(cell) + 1) {
        const size_t width = insight_width(cell, strlen(cell));
        if (width > widths[i % t->columns])
            widths[i % t->columns] = width;
    }
    cell = t->cells.data;
    for (size_t i = 0; !t->cells.failed && i < t->count; i++, cell += strlen(cell) + 1) {
        column = i % t->columns;
        spaces(w->out, 2);
        const bool last = column == t->columns - 1;
        write_cell(w, cell, widths[column], column < t->texts || (last && t->bars), last);
        while (last && w->out->len > 0 && w->out->data[w->out->len - 1] == ' ')
            w->out->len--;
        if (last)
            base_buf_char(w->out, '\n');
    }
    w->out->failed = w->out->failed || t->cells.failed;
    base_buf_free(&t->cells);
}

/* ---- pieces ---- */

static void write_rule(const insight_writer *w, char c, size_t n)
{
    while (n-- > 0)
        base_buf_char(w->out, c);
    base_buf_char(w->out, '\n');
}

static void begin_part(const insight_writer *w, insight_word title)
{
    const char *text = insight_say(w, title);
    base_buf_char(w->out, '\n');
    base_buf_str(w->out, text);
    base_buf_char(w->out, '\n');
    write_rule(w, '-', insight_width(text, strlen(text)));
}

static void outside(const insight_writer *w, const char *path)
{
    size_t len;
    const char *s = insight_text(w->figures, path, &len);
    insight_write_safe(w->out, s, len);
}

static void put_head(const insight_writer *w)
{
    outside(w, "report.title");
    base_buf_str(w->out, "  ");
    base_buf_str(w->out, insight_say(w, W_report));
    if (insight_in(w->figures, "report.public").as.b)
        base_buf_fmt(w->out, "  [%s]", insight_say(w, W_public_edition));
    base_buf_char(w->out, '\n');
    write_rule(w, '=', 64);
    base_buf_fmt(w->out, "%s ", insight_say(w, W_period));
    outside(w, "period.from_local");
    base_buf_fmt(w->out, " %s ", insight_say(w, W_to));
    outside(w, "period.to_local");
    base_buf_str(w->out, " (");
    outside(w, "report.zone");
    base_buf_str(w->out, ")\n");
    if (insight_in(w->figures, "report.workflow_title").kind == VALUE_STRING) {
        base_buf_fmt(w->out, "%s ", insight_say(w, W_about));
        outside(w, "report.workflow_title");
        base_buf_char(w->out, '\n');
    }
}

static void put_totals(const insight_writer *w)
{
    static const struct {
        insight_word word;
        const char *path;
    } lines[] = {{W_opened, "totals.opened"}, {W_closed, "totals.closed"}, {W_open, "totals.open"}};
    grid_text t;
    base_buf_char(w->out, '\n');
    table_begin(w, &t, 2, 1);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        cell_word(w, &t, lines[i].word);
        cell_count(&t, w->figures, lines[i].path);
    }
    table_end(w, &t);
}

static void put_deadlines(const insight_writer *w)
{
    static const struct {
        insight_word word;
        const char *path;
    } lines[] = {{W_on_time, "on_time"}, {W_late_done, "late_done"}, {W_overdue, "overdue"},   {W_denominator, "due"},
                 {W_not_due, "not_due"}, {W_ended, "ended"},         {W_untimed, "untimed"}};
    const value f = insight_in(w->figures, "on_time");
    grid_text t;
    begin_part(w, W_fates);
    table_begin(w, &t, 2, 1);
    cell_word(w, &t, W_on_time_rate);
    cell_rate(&t, f);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        cell_word(w, &t, lines[i].word);
        cell_count(&t, f, lines[i].path);
    }
    table_end(w, &t);
    base_buf_fmt(w->out, "  %s\n", insight_say(w, W_fate_note));
    begin_part(w, W_closing);
    table_begin(w, &t, 2, 1);
    cell_word(w, &t, W_median);
    insight_write_span(w, &t.cells, insight_in(w->figures, "closing.median_s"));
    cell_end(&t);
    cell_word(w, &t, W_p90);
    insight_write_span(w, &t.cells, insight_in(w->figures, "closing.p90_s"));
    cell_end(&t);
    const value steps = insight_in(w->figures, "closing.steps");
    for (size_t i = 0; i < steps.len; i++) {
        insight_write_step(w, &t.cells, steps, i);
        cell_end(&t);
        cell_count(&t, steps.as.items[i], "cases");
    }
    table_end(w, &t);
    base_buf_fmt(w->out, "  %s\n", insight_say(w, W_closing_note));
}

static void put_indicators(const insight_writer *w)
{
    const value rows = insight_in(w->figures, "indicators");
    grid_text t;
    if (rows.len == 0)
        return;
    begin_part(w, W_indicators);
    table_begin(w, &t, 4, 1);
    cell_word(w, &t, W_indicator);
    cell_word(w, &t, W_numerator);
    cell_word(w, &t, W_denominator);
    cell_word(w, &t, W_rate);
    for (size_t i = 0; i < rows.len; i++) {
        cell_text(w, &t, rows.as.items[i], "title", "indicator", W_none);
        cell_count(&t, rows.as.items[i], "numerator");
        cell_count(&t, rows.as.items[i], "denominator");
        cell_rate(&t, rows.as.items[i]);
    }
    table_end(w, &t);
}

/* A bar of at most 24 signs. */
static void cell_bar(grid_text *t, value cases, int64_t most)
{
    const int64_t n = cases.kind == VALUE_INT ? insight_permille(cases.as.i, most) * 24 / 1000 : 0;
    for (int64_t i = 0; i < n; i++)
        base_buf_char(&t->cells, '=');
    cell_end(t);
}

static bool has_key(value row, const char *key)
{
    size_t len;
    (void)insight_text(row, key, &len);
    return len > 0;
}

static void put_ranked(const insight_writer *w, const char *list, const char *title, const char *key, insight_word head,
                       insight_word column, insight_word none)
{
    const value rows = insight_in(w->figures, list);
    int64_t most = 0;
    size_t left_out = 0;
    grid_text t;
    if (rows.len == 0)
        return;
    for (size_t i = 0; i < rows.len; i++)
        if (has_key(rows.as.items[i], key) && insight_int(rows.as.items[i], "cases") > most)
            most = insight_int(rows.as.items[i], "cases");
    begin_part(w, head);
    table_begin(w, &t, 4, 1);
    cell_word(w, &t, column);
    cell_word(w, &t, W_cases);
    cell_word(w, &t, W_share);
    cell_end(&t);
    t.bars = true;
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i];
        if (i >= TOP && has_key(row, key)) {
            left_out++;
            continue;
        }
        cell_text(w, &t, row, title, key, none);
        cell_count(&t, row, "cases");
        cell_rate(&t, row);
        cell_bar(&t, has_key(row, key) ? insight_in(row, "cases") : value_null(), most);
    }
    table_end(w, &t);
    if (left_out > 0)
        base_buf_fmt(w->out, "  %s: %zu\n", insight_say(w, W_others), left_out);
}

static void put_weeks(const insight_writer *w)
{
    const value weeks = insight_in(w->figures, "weeks"), names = insight_in(weeks, "weeks"), rows = insight_in(weeks, "rows");
    enum { SHOWN = 7 };
    const size_t from = names.len > SHOWN ? names.len - SHOWN : 0;
    grid_text t;
    if (rows.len == 0 || names.len == 0)
        return;
    begin_part(w, W_weeks);
    table_begin(w, &t, 1 + names.len - from, 1);
    cell_word(w, &t, W_category);
    for (size_t i = from; i < names.len; i++)
        cell_outside(&t, names.as.items[i].as.s, names.as.items[i].len);
    for (size_t i = 0; i < rows.len; i++) {
        const value cells = insight_in(rows.as.items[i], "cases");
        cell_text(w, &t, rows.as.items[i], "title", "category", W_no_category);
        for (size_t k = from; k < names.len && k < cells.len; k++) {
            insight_write_count(&t.cells, cells.as.items[k]);
            cell_end(&t);
        }
    }
    table_end(w, &t);
}

static void put_months(const insight_writer *w)
{
    static const insight_word heads[] = {W_month, W_opened, W_change, W_closed, W_on_time, W_denominator, W_on_time_rate, W_points_change};
    const value rows = insight_in(w->figures, "months");
    grid_text t;
    if (rows.len == 0)
        return;
    begin_part(w, W_months);
    table_begin(w, &t, ARRAY_LEN(heads), 1);
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        cell_word(w, &t, heads[i]);
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i];
        size_t len;
        const char *month = insight_text(row, "month", &len);
        insight_write_safe(&t.cells, month, len);
        base_buf_str(&t.cells, insight_in(row, "whole").as.b ? "" : "*");
        cell_end(&t);
        cell_count(&t, row, "opened");
        cell_change(&t, insight_in(row, "change_permille"), "%");
        cell_count(&t, row, "closed");
        cell_count(&t, row, "on_time");
        cell_count(&t, row, "due");
        cell_rate(&t, row);
        cell_change(&t, insight_in(row, "rate_change_permille"), "");
    }
    table_end(w, &t);
    base_buf_fmt(w->out, "  * %s\n", insight_say(w, W_partial));
}

static void put_units(const insight_writer *w)
{
    static const insight_word heads[] = {W_unit, W_cases, W_on_time, W_denominator, W_on_time_rate, W_overdue};
    const value rows = insight_in(w->figures, "units");
    grid_text t;
    if (rows.len == 0)
        return;
    begin_part(w, W_units);
    table_begin(w, &t, ARRAY_LEN(heads), 1);
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        cell_word(w, &t, heads[i]);
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i];
        cell_text(w, &t, row, "name", "unit", W_no_unit);
        cell_count(&t, row, "cases");
        cell_count(&t, row, "on_time");
        cell_count(&t, row, "due");
        cell_rate(&t, row);
        cell_count(&t, row, "overdue");
    }
    table_end(w, &t);
}

static void put_repeats(const insight_writer *w)
{
    const value map = insight_in(w->figures, "repeats"), rows = insight_in(map, "top");
    const bool named = !insight_in(w->figures, "report.public").as.b;
    const size_t columns = named ? 4 : 3;
    grid_text t;
    begin_part(w, W_repeats);
    table_begin(w, &t, columns, columns - 1);
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i];
        cell_text(w, &t, row, "title", "category", W_no_category);
        cell_text(w, &t, row, "grid_name", "grid", W_no_grid);
        if (named)
            cell_text(w, &t, row, "place", "place", W_none);
        cell_count(&t, row, "cases");
    }
    table_end(w, &t);
    base_buf_fmt(w->out, "  %s %s ", insight_say(w, W_repeats_note), insight_say(w, W_repeats_all));
    insight_write_count(w->out, insight_in(map, "places"));
    base_buf_fmt(w->out, "%s%s ", w->zh ? "，" : ", ", insight_say(w, W_repeats_cases));
    insight_write_count(w->out, insight_in(map, "cases"));
    base_buf_str(w->out, w->zh ? "。\n" : ".\n");
}

static void put_workflows(const insight_writer *w)
{
    static const insight_word heads[] = {W_workflow, W_opened, W_closed, W_open};
    const value rows = insight_in(w->figures, "workflows");
    grid_text t;
    begin_part(w, W_workflows);
    table_begin(w, &t, ARRAY_LEN(heads), 1);
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        cell_word(w, &t, heads[i]);
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i], outcomes = insight_in(row, "outcomes");
        cell_text(w, &t, row, "title", "workflow", W_none);
        cell_count(&t, row, "opened");
        cell_count(&t, row, "closed");
        cell_count(&t, row, "open");
        for (size_t k = 0; k < outcomes.len; k++) {
            base_buf_str(&t.cells, "  ");
            cell_text(w, &t, outcomes.as.items[k], "title", "outcome", W_none);
            cell_end(&t);
            cell_count(&t, outcomes.as.items[k], "cases");
            cell_end(&t);
        }
    }
    table_end(w, &t);
}

static void put_programs(const insight_writer *w)
{
    static const insight_word heads[] = {W_program, W_holders, W_issued, W_spent, W_sum};
    const value rows = insight_in(w->figures, "programs");
    grid_text t;
    if (rows.len == 0)
        return;
    begin_part(w, W_programs);
    table_begin(w, &t, ARRAY_LEN(heads), 1);
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        cell_word(w, &t, heads[i]);
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i];
        cell_text(w, &t, row, "title", "program", W_none);
        cell_count(&t, row, "accounts");
        cell_count(&t, row, "issued");
        cell_count(&t, row, "spent");
        insight_write_count(&t.cells, insight_in(row, "sum"));
        base_buf_fmt(&t.cells, " (%s)", insight_say(w, insight_in(row, "balanced").as.b ? W_balanced : W_unbalanced));
        cell_end(&t);
    }
    table_end(w, &t);
}

static void put_foot(const insight_writer *w)
{
    size_t len;
    base_buf_char(w->out, '\n');
    write_rule(w, '-', 64);
    base_buf_fmt(w->out, "%s\n", insight_say(w, W_def_period));
    if (insight_in(w->figures, "report.public").as.b)
        base_buf_fmt(w->out, "%s\n", insight_say(w, W_def_mask));
    base_buf_fmt(w->out, "%s ", insight_say(w, W_rulebook));
    outside(w, "rulebook.id");
    base_buf_fmt(w->out, " %s ", insight_say(w, W_version));
    outside(w, "rulebook.version");
    const char *digest = insight_text(w->figures, "rulebook.digest", &len);
    base_buf_fmt(w->out, " %s ", insight_say(w, W_digest));
    insight_write_safe(w->out, digest, len < 16 ? len : 16);
    base_buf_fmt(w->out, "\n%s ", insight_say(w, W_journal));
    insight_write_count(w->out, insight_in(w->figures, "journal.size"));
    base_buf_fmt(w->out, " %s, %s ", insight_say(w, W_entries), insight_say(w, W_root));
    const char *root = insight_text(w->figures, "journal.root", &len);
    insight_write_safe(w->out, root, len < 16 ? len : 16);
    base_buf_char(w->out, '\n');
}

bool insight_write_text(base_buf *out, value figures)
{
    const insight_writer w = {out, figures, value_is_text(insight_in(figures, "report.lang"), "zh")};
    const value opened = insight_in(figures, "totals.opened");
    put_head(&w);
    put_totals(&w);
    if (opened.kind == VALUE_INT && opened.as.i == 0) {
        base_buf_fmt(out, "\n%s\n", insight_say(&w, W_no_cases));
    } else {
        put_deadlines(&w);
        put_ranked(&w, "categories", "title", "category", W_categories, W_category, W_no_category);
        put_weeks(&w);
        put_ranked(&w, "grids", "name", "grid", W_grids, W_grid, W_no_grid);
        put_months(&w);
        put_units(&w);
        put_repeats(&w);
    }
    put_indicators(&w);
    put_workflows(&w);
    put_programs(&w);
    put_foot(&w);
    return !out->failed;
}
