/* The report as one HTML page that needs nothing else: no scripts, no fonts, no pictures from outside. */
#include "insight/insight.h"

#include <string.h>

static void put_count(const insight_writer *w, value map, const char *path)
{
    base_buf text;
    base_buf_init(&text, w->out->alloc);
    insight_write_count(&text, insight_in(map, path));
    insight_write_escaped(w->out, text.len > 0 ? text.data : "", text.len);
    w->out->failed = w->out->failed || text.failed;
    base_buf_free(&text);
}

static void put_cell(const insight_writer *w, value map, const char *path)
{
    insight_h(w, "<td class=\"n\">");
    put_count(w, map, path);
    insight_h(w, "</td>");
}

static void put_rate_cell(const insight_writer *w, value map)
{
    insight_h(w, "<td class=\"n\">");
    insight_write_percent(w->out, insight_in(map, "permille"));
    insight_h(w, "</td>");
}

static void put_either(const insight_writer *w, value map, const char *first, const char *second, insight_word none)
{
    size_t a, b;
    (void)insight_text(map, first, &a);
    (void)insight_text(map, second, &b);
    if (a > 0 || b > 0)
        insight_e(w, map, a > 0 ? first : second);
    else
        insight_w(w, none);
}

static void begin_section(const insight_writer *w, insight_word title)
{
    insight_h(w, "<section><h2>");
    insight_w(w, title);
    insight_h(w, "</h2>");
}

static void note(const insight_writer *w, insight_word text)
{
    insight_h(w, "<p class=\"note\">");
    insight_w(w, text);
    insight_h(w, "</p>");
}

static void heads(const insight_writer *w, const insight_word *words, size_t n, size_t texts)
{
    insight_h(w, "<table><thead><tr>");
    for (size_t i = 0; i < n; i++) {
        insight_h(w, i < texts ? "<th>" : "<th class=\"n\">");
        insight_w(w, words[i]);
        insight_h(w, "</th>");
    }
    insight_h(w, "</tr></thead><tbody>");
}

/* ---- the head ---- */

static void put_facts(const insight_writer *w)
{
    insight_h(w, "<p class=\"facts\"><span>");
    insight_w(w, W_period);
    insight_h(w, " <b>");
    insight_e(w, w->figures, "period.from_local");
    insight_h(w, "</b> ");
    insight_w(w, W_to);
    insight_h(w, " <b>");
    insight_e(w, w->figures, "period.to_local");
    insight_h(w, "</b></span><span>");
    insight_w(w, W_zone);
    insight_h(w, " <b>");
    insight_e(w, w->figures, "report.zone");
    insight_h(w, "</b></span>");
    if (insight_in(w->figures, "report.workflow_title").kind == VALUE_STRING) {
        insight_h(w, "<span>");
        insight_w(w, W_about);
        insight_h(w, " <b>");
        insight_e(w, w->figures, "report.workflow_title");
        insight_h(w, "</b></span>");
    }
    insight_h(w, "</p>");
}

static void put_head(const insight_writer *w)
{
    base_buf_fmt(w->out,
                 "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"generator\" content=\"libgov\">\n"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
                 w->zh ? "zh-CN" : "en");
    insight_e(w, w->figures, "report.title");
    insight_h(w, " \xC2\xB7 ");
    insight_w(w, W_report);
    insight_h(w, "</title>\n<style>");
    insight_write_style(w->out);
    insight_h(w, "</style>\n</head>\n<body>\n<main>\n<header><p class=\"over\">");
    insight_w(w, W_report);
    if (insight_in(w->figures, "report.public").as.b) {
        insight_h(w, "<span class=\"edition\">");
        insight_w(w, W_public_edition);
        insight_h(w, "</span>");
    }
    insight_h(w, "</p><h1>");
    insight_e(w, w->figures, "report.title");
    insight_h(w, "</h1>");
    put_facts(w);
    insight_h(w, "</header>\n");
}

/* ---- key figures ---- */

static void key_head(const insight_writer *w, insight_word title)
{
    insight_h(w, "<div class=\"key\"><h3>");
    insight_w(w, title);
    insight_h(w, "</h3><p class=\"big\">");
}

static void key_definition(const insight_writer *w, insight_word text)
{
    insight_h(w, "<p class=\"def\">");
    insight_w(w, text);
    insight_h(w, "</p></div>");
}

/* "90.4" with a small "%" */
static void big_rate(const insight_writer *w, value permille)
{
    base_buf text;
    base_buf_init(&text, w->out->alloc);
    insight_write_percent(&text, permille);
    if (text.len > 1 && text.data[text.len - 1] == '%') {
        base_buf_add(w->out, text.data, text.len - 1);
        insight_h(w, "<small>%</small>");
    } else {
        base_buf_add(w->out, text.len > 0 ? text.data : "", text.len);
    }
    w->out->failed = w->out->failed || text.failed;
    base_buf_free(&text);
}

static void put_of(const insight_writer *w, value map, const char *num, const char *den)
{
    insight_h(w, "</p><p class=\"of\">");
    put_count(w, map, num);
    insight_h(w, " / ");
    put_count(w, map, den);
    insight_h(w, "</p>");
}

static void put_time_key(const insight_writer *w, insight_word title, insight_word definition, const char *path)
{
    insight_h(w, "<div class=\"key\"><h3>");
    insight_w(w, W_closing);
    insight_h(w, " \xC2\xB7 ");
    insight_w(w, title);
    insight_h(w, "</h3><p class=\"big span\">");
    insight_write_span(w, w->out, insight_in(w->figures, path));
    insight_h(w, "</p>");
    key_definition(w, definition);
}

static void put_indicator_keys(const insight_writer *w)
{
    const value list = insight_in(w->figures, "indicators"), lead = insight_in(w->figures, "report.workflow");
    size_t shown = 0;
    for (size_t i = 0; i < list.len && shown < 3; i++) {
        const value in = list.as.items[i];
        if (!value_equal(insight_in(in, "workflow"), lead) || value_is_text(insight_in(in, "indicator"), "on_time_rate"))
            continue;
        insight_h(w, "<div class=\"key\"><h3>");
        insight_e(w, in, "title");
        insight_h(w, "</h3><p class=\"big\">");
        big_rate(w, insight_in(in, "permille"));
        put_of(w, in, "numerator", "denominator");
        insight_h(w, "<p class=\"def\">");
        insight_e(w, in, "source");
        insight_h(w, "</p></div>");
        shown++;
    }
    if (shown == 1 || shown == 2)
        put_time_key(w, W_median, W_def_median, "closing.median_s");
    if (shown == 1)
        put_time_key(w, W_p90, W_def_p90, "closing.p90_s");
}

static void put_keys(const insight_writer *w)
{
    const value totals = insight_in(w->figures, "totals");
    insight_h(w, "<div class=\"keys\">");
    key_head(w, W_opened);
    put_count(w, totals, "opened");
    insight_h(w, "<small>");
    insight_w(w, W_case_unit);
    insight_h(w, "</small></p><p class=\"of\">");
    insight_w(w, W_open);
    insight_h(w, " ");
    put_count(w, totals, "open");
    insight_h(w, "</p>");
    key_definition(w, W_def_opened);
    key_head(w, W_closed);
    put_count(w, totals, "closed");
    insight_h(w, "<small>");
    insight_w(w, W_case_unit);
    insight_h(w, "</small></p><p class=\"of\">");
    insight_write_percent(w->out, insight_in(totals, "permille"));
    insight_h(w, "</p>");
    key_definition(w, W_def_closed);
    key_head(w, W_on_time_rate);
    big_rate(w, insight_in(w->figures, "on_time.permille"));
    put_of(w, insight_in(w->figures, "on_time"), "on_time", "due");
    key_definition(w, W_def_on_time);
    put_indicator_keys(w);
    insight_h(w, "</div>\n");
}

/* ---- sections ---- */

static void put_span(const insight_writer *w, const char *path, insight_word title, insight_word definition)
{
    insight_h(w, "<div><p class=\"q\">");
    insight_w(w, title);
    insight_h(w, "</p><p class=\"big\">");
    insight_write_span(w, w->out, insight_in(w->figures, path));
    insight_h(w, "</p><p class=\"small\">");
    insight_w(w, definition);
    insight_h(w, "</p></div>");
}

static void put_deadlines(const insight_writer *w)
{
    insight_h(w, "<div class=\"two\">");
    begin_section(w, W_fates);
    insight_chart_fates(w);
    note(w, W_fate_note);
    insight_h(w, "</section>");
    begin_section(w, W_closing);
    insight_h(w, "<div class=\"spans\">");
    put_span(w, "closing.median_s", W_median, W_def_median);
    put_span(w, "closing.p90_s", W_p90, W_def_p90);
    insight_h(w, "</div>");
    insight_chart_closing(w);
    note(w, W_closing_note);
    insight_h(w, "</section></div>\n");
}

static void put_categories(const insight_writer *w)
{
    const value rows = insight_in(w->figures, "categories");
    if (rows.len == 0)
        return;
    begin_section(w, W_categories);
    insight_chart_bars(w, rows, "title", "category", W_category, W_no_category, 14);
    insight_h(w, "</section>\n");
    begin_section(w, W_weeks);
    insight_chart_weeks(w);
    note(w, W_weeks_note);
    insight_h(w, "</section>\n");
}

static void put_grids(const insight_writer *w)
{
    const value rows = insight_in(w->figures, "grids");
    const bool drawn = insight_in(w->figures, "map.areas").len > 0;
    if (rows.len == 0)
        return;
    begin_section(w, W_grids);
    if (drawn) {
        insight_h(w, "<div class=\"mapped\"><div>");
        insight_chart_map(w);
        note(w, W_map_note);
        insight_h(w, "</div><div>");
    }
    insight_chart_bars(w, rows, "name", "grid", W_grid, W_no_grid, 16);
    insight_h(w, drawn ? "</div></div></section>\n" : "</section>\n");
}

static void put_change(const insight_writer *w, value change, bool percent)
{
    insight_h(w, "<td class=\"n q\">");
    if (change.kind == VALUE_INT) {
        insight_write_signed_points(w->out, change.as.i);
        insight_h(w, percent ? "%" : "");
    } else {
        insight_h(w, "-");
    }
    insight_h(w, "</td>");
}

static void put_months(const insight_writer *w)
{
    static const insight_word words[] = {W_month, W_opened, W_change, W_closed, W_on_time, W_denominator, W_on_time_rate, W_points_change};
    const value rows = insight_in(w->figures, "months");
    if (rows.len == 0)
        return;
    begin_section(w, W_months);
    insight_chart_months(w);
    heads(w, words, ARRAY_LEN(words), 1);
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i];
        insight_h(w, "<tr><td>");
        insight_e(w, row, "month");
        if (!insight_in(row, "whole").as.b) {
            insight_h(w, " <span class=\"small\">");
            insight_w(w, W_partial);
            insight_h(w, "</span>");
        }
        insight_h(w, "</td>");
        put_cell(w, row, "opened");
        put_change(w, insight_in(row, "change_permille"), true);
        put_cell(w, row, "closed");
        put_cell(w, row, "on_time");
        put_cell(w, row, "due");
        put_rate_cell(w, row);
        put_change(w, insight_in(row, "rate_change_permille"), false);
        insight_h(w, "</tr>");
    }
    insight_h(w, "</tbody></table>");
    note(w, W_months_note);
    insight_h(w, "</section>\n");
}

static void put_units(const insight_writer *w)
{
    static const insight_word words[] = {W_unit, W_cases, W_on_time, W_denominator, W_on_time_rate, W_overdue};
    const value rows = insight_in(w->figures, "units");
    if (rows.len == 0)
        return;
    begin_section(w, W_units);
    heads(w, words, ARRAY_LEN(words), 1);
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i], overdue = insight_in(row, "overdue");
        insight_h(w, "<tr><td>");
        put_either(w, row, "name", "unit", W_no_unit);
        insight_h(w, "</td>");
        put_cell(w, row, "cases");
        put_cell(w, row, "on_time");
        put_cell(w, row, "due");
        put_rate_cell(w, row);
        insight_h(w, overdue.kind != VALUE_INT || overdue.as.i > 0 ? "<td class=\"n warn\">" : "<td class=\"n\">");
        put_count(w, row, "overdue");
        insight_h(w, "</td></tr>");
    }
    insight_h(w, "</tbody></table>");
    note(w, W_units_note);
    insight_h(w, "</section>\n");
}

static void put_repeats(const insight_writer *w)
{
    static const insight_word words[] = {W_category, W_grid, W_place, W_times};
    const value map = insight_in(w->figures, "repeats"), rows = insight_in(map, "top");
    const bool named = !insight_in(w->figures, "report.public").as.b;
    begin_section(w, W_repeats);
    if (rows.len > 0) {
        const insight_word nameless[] = {W_category, W_grid, W_times};
        heads(w, named ? words : nameless, named ? 4 : 3, named ? 3 : 2);
        for (size_t i = 0; i < rows.len; i++) {
            const value row = rows.as.items[i];
            insight_h(w, "<tr><td>");
            put_either(w, row, "title", "category", W_no_category);
            insight_h(w, "</td><td>");
            put_either(w, row, "grid_name", "grid", W_no_grid);
            insight_h(w, "</td>");
            if (named) {
                insight_h(w, "<td>");
                insight_e(w, row, "place");
                insight_h(w, "</td>");
            }
            put_cell(w, row, "cases");
            insight_h(w, "</tr>");
        }
        insight_h(w, "</tbody></table>");
    }
    insight_h(w, "<p class=\"note\">");
    insight_w(w, W_repeats_note);
    insight_h(w, " ");
    insight_w(w, W_repeats_all);
    insight_h(w, " ");
    put_count(w, map, "places");
    insight_h(w, w->zh ? "，" : ", ");
    insight_w(w, W_repeats_cases);
    insight_h(w, " ");
    put_count(w, map, "cases");
    insight_h(w, w->zh ? "。</p></section>\n" : ".</p></section>\n");
}

static void put_indicators(const insight_writer *w)
{
    static const insight_word words[] = {W_indicator, W_definition, W_numerator, W_denominator, W_rate};
    const value rows = insight_in(w->figures, "indicators");
    if (rows.len == 0)
        return;
    begin_section(w, W_indicators);
    heads(w, words, ARRAY_LEN(words), 2);
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i];
        insight_h(w, "<tr><td><b>");
        insight_e(w, row, "title");
        insight_h(w, "</b></td><td class=\"small\">");
        put_either(w, row, "source", "description", W_none);
        if (insight_in(row, "undecided").kind != VALUE_ABSENT) {
            insight_h(w, " (");
            insight_w(w, W_undecided);
            insight_h(w, " ");
            put_count(w, row, "undecided");
            insight_h(w, ")");
        }
        insight_h(w, "</td>");
        put_cell(w, row, "numerator");
        put_cell(w, row, "denominator");
        insight_h(w, "<td class=\"n\"><b>");
        insight_write_percent(w->out, insight_in(row, "permille"));
        insight_h(w, "</b></td></tr>");
    }
    insight_h(w, "</tbody></table></section>\n");
}

static void put_workflows(const insight_writer *w)
{
    static const insight_word words[] = {W_workflow, W_outcomes, W_opened, W_closed, W_open};
    const value rows = insight_in(w->figures, "workflows");
    begin_section(w, W_workflows);
    heads(w, words, ARRAY_LEN(words), 2);
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i], outcomes = insight_in(row, "outcomes");
        insight_h(w, "<tr><td><b>");
        insight_e(w, row, "title");
        insight_h(w, "</b></td><td>");
        for (size_t k = 0; k < outcomes.len; k++) {
            insight_h(w, k > 0 ? " \xC2\xB7 " : "");
            put_either(w, outcomes.as.items[k], "title", "outcome", W_none);
            insight_h(w, " ");
            put_count(w, outcomes.as.items[k], "cases");
        }
        insight_h(w, "</td>");
        put_cell(w, row, "opened");
        put_cell(w, row, "closed");
        put_cell(w, row, "open");
        insight_h(w, "</tr>");
    }
    insight_h(w, "</tbody></table></section>\n");
}

static void put_programs(const insight_writer *w)
{
    static const insight_word words[] = {W_program, W_holders, W_issued, W_spent, W_sum};
    const value rows = insight_in(w->figures, "programs");
    if (rows.len == 0)
        return;
    begin_section(w, W_programs);
    heads(w, words, ARRAY_LEN(words), 1);
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i];
        const bool balanced = insight_in(row, "balanced").as.b;
        insight_h(w, "<tr><td><b>");
        insight_e(w, row, "title");
        insight_h(w, "</b> <span class=\"small\">");
        insight_e(w, row, "unit");
        insight_h(w, "</span></td>");
        put_cell(w, row, "accounts");
        put_cell(w, row, "issued");
        put_cell(w, row, "spent");
        insight_h(w, balanced ? "<td class=\"n\">" : "<td class=\"n warn\">");
        put_count(w, row, "sum");
        insight_h(w, " \xC2\xB7 ");
        insight_w(w, balanced ? W_balanced : W_unbalanced);
        insight_h(w, "</td></tr>");
    }
    insight_h(w, "</tbody></table>");
    note(w, W_programs_note);
    insight_h(w, "</section>\n");
}

/* ---- the foot ---- */

static void put_foot(const insight_writer *w)
{
    static const insight_word words[] = {W_def_period, W_fate_note, W_def_rates};
    size_t len;
    insight_h(w, "<footer><h2>");
    insight_w(w, W_definitions);
    insight_h(w, "</h2><ul>");
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        insight_h(w, "<li>");
        insight_w(w, words[i]);
        insight_h(w, "</li>");
    }
    if (insight_in(w->figures, "report.public").as.b) {
        insight_h(w, "<li>");
        insight_w(w, W_def_mask);
        insight_h(w, "</li>");
    }
    insight_h(w, "</ul><p class=\"trace\">");
    insight_w(w, W_rulebook);
    insight_h(w, " ");
    insight_e(w, w->figures, "rulebook.id");
    insight_h(w, " ");
    insight_w(w, W_version);
    insight_h(w, " ");
    insight_e(w, w->figures, "rulebook.version");
    insight_h(w, " \xC2\xB7 ");
    insight_w(w, W_digest);
    insight_h(w, " <code>");
    const char *digest = insight_text(w->figures, "rulebook.digest", &len);
    insight_write_escaped(w->out, digest, len < 16 ? len : 16);
    insight_h(w, "</code><br>");
    insight_w(w, W_journal);
    insight_h(w, " ");
    put_count(w, w->figures, "journal.size");
    insight_h(w, " ");
    insight_w(w, W_entries);
    insight_h(w, " \xC2\xB7 ");
    insight_w(w, W_root);
    insight_h(w, " <code>");
    const char *root = insight_text(w->figures, "journal.root", &len);
    insight_write_escaped(w->out, root, len < 16 ? len : 16);
    insight_h(w, "</code></p></footer>\n</main>\n</body>\n</html>\n");
}

bool insight_write_html(base_buf *out, value figures)
{
    const insight_writer w = {out, figures, value_is_text(insight_in(figures, "report.lang"), "zh")};
    const value opened = insight_in(figures, "totals.opened");
    put_head(&w);
    put_keys(&w);
    if (opened.kind == VALUE_INT && opened.as.i == 0) {
        insight_h(&w, "<p class=\"none\">");
        insight_w(&w, W_no_cases);
        insight_h(&w, "</p>");
    } else {
        put_deadlines(&w);
        put_categories(&w);
        put_grids(&w);
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
