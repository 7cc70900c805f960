/* The page's pictures: bars, deadlines, months, weeks, the map. Numbers come from the figures; what is masked is not drawn. */
#include "insight/insight.h"

#include <string.h>

void insight_h(const insight_writer *w, const char *markup)
{
    base_buf_str(w->out, markup);
}

void insight_w(const insight_writer *w, insight_word word)
{
    const char *text = insight_say(w, word);
    insight_write_escaped(w->out, text, strlen(text));
}

void insight_e(const insight_writer *w, value map, const char *path)
{
    size_t len;
    const char *text = insight_text(map, path, &len);
    insight_write_escaped(w->out, text, len);
}

static void put_count(const insight_writer *w, value count)
{
    base_buf text;
    base_buf_init(&text, w->out->alloc);
    insight_write_count(&text, count);
    insight_write_escaped(w->out, text.len > 0 ? text.data : "", text.len);
    w->out->failed = w->out->failed || text.failed;
    base_buf_free(&text);
}

/* A share of a whole as a CSS percentage with two decimals. */
static void put_share(const insight_writer *w, int64_t part, int64_t whole)
{
    const int64_t parts = whole > 0 ? insight_permille(part, whole) : 0;
    base_buf_fmt(w->out, "%d.%d%%", (int)(parts / 10), (int)(parts % 10));
}

/* ---- bars ---- */

static void put_name(const insight_writer *w, value row, const char *title, const char *key, insight_word none)
{
    size_t len;
    (void)insight_text(row, title, &len);
    if (len > 0)
        insight_e(w, row, title);
    else if ((void)insight_text(row, key, &len), len > 0)
        insight_e(w, row, key);
    else
        insight_w(w, none);
}

static bool has_key(value row, const char *key)
{
    size_t len;
    (void)insight_text(row, key, &len);
    return len > 0;
}

void insight_chart_bars(const insight_writer *w, value rows, const char *title, const char *key, insight_word head,
                        insight_word none, size_t top)
{
    int64_t most = 0, rest = 0;
    size_t left_out = 0;
    for (size_t i = 0; i < rows.len; i++)
        if (has_key(rows.as.items[i], key) && insight_int(rows.as.items[i], "cases") > most)
            most = insight_int(rows.as.items[i], "cases");
    insight_h(w, "<table><thead><tr><th>");
    insight_w(w, head);
    insight_h(w, "</th><th></th><th class=\"n\">");
    insight_w(w, W_cases);
    insight_h(w, "</th><th class=\"n\">");
    insight_w(w, W_share);
    insight_h(w, "</th></tr></thead><tbody>");
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i], cases = insight_in(row, "cases");
        if (i >= top && has_key(row, key)) {
            left_out++;
            rest = rest >= 0 && cases.kind == VALUE_INT ? rest + cases.as.i : -1;
            continue;
        }
        insight_h(w, has_key(row, key) ? "<tr><td>" : "<tr><td class=\"q\">");
        put_name(w, row, title, key, none);
        insight_h(w, "</td><td class=\"b\">");
        if (cases.kind == VALUE_INT && cases.as.i > 0 && has_key(row, key)) {
            insight_h(w, "<span class=\"bar\" style=\"width:");
            put_share(w, cases.as.i, most);
            insight_h(w, "\"></span>");
        }
        insight_h(w, "</td><td class=\"n\">");
        put_count(w, cases);
        insight_h(w, "</td><td class=\"n q\">");
        insight_write_percent(w->out, insight_in(row, "permille"));
        insight_h(w, "</td></tr>");
    }
    if (left_out > 0) {
        insight_h(w, "<tr><td class=\"q\" colspan=\"2\">");
        insight_w(w, W_others);
        base_buf_fmt(w->out, " (%zu)</td><td class=\"n\">", left_out);
        put_count(w, rest >= 0 ? value_int(rest) : value_text("*"));
        insight_h(w, "</td><td></td></tr>");
    }
    insight_h(w, "</tbody></table>");
}

/* ---- deadlines ---- */

void insight_chart_fates(const insight_writer *w)
{
    static const struct {
        const char *key;
        insight_word word;
        bool due;
    } parts[] = {{"on_time", W_on_time, true},   {"late_done", W_late_done, true}, {"overdue", W_overdue, true},
                 {"not_due", W_not_due, false}, {"ended", W_ended, false},        {"untimed", W_untimed, false}};
    const value f = insight_in(w->figures, "on_time");
    bool whole = true;
    for (size_t i = 0; i < 3; i++)
        whole = whole && insight_in(f, parts[i].key).kind == VALUE_INT;
    if (whole && insight_int(f, "due") > 0) {
        insight_h(w, "<div class=\"stack\">");
        for (size_t i = 0; i < 3; i++)
            if (insight_int(f, parts[i].key) > 0)
                base_buf_fmt(w->out, "<i class=\"g%d\" style=\"flex:%lld 0 0\"></i>", (int)i, (long long)insight_int(f, parts[i].key));
        insight_h(w, "</div>");
    }
    insight_h(w, "<table><tbody>");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (i == 3) {
            insight_h(w, "<tr><td><b>");
            insight_w(w, W_denominator);
            insight_h(w, "</b></td><td class=\"n\"><b>");
            put_count(w, insight_in(f, "due"));
            insight_h(w, "</b></td></tr>");
        }
        base_buf_fmt(w->out, "<tr><td%s>", parts[i].due ? "" : " class=\"q\"");
        if (parts[i].due)
            base_buf_fmt(w->out, "<i class=\"dot g%d\"></i>", (int)i);
        insight_w(w, parts[i].word);
        base_buf_fmt(w->out, "</td><td class=\"n%s\">", parts[i].due ? "" : " q");
        put_count(w, insight_in(f, parts[i].key));
        insight_h(w, "</td></tr>");
    }
    insight_h(w, "</tbody></table>");
}

/* ---- time to close ---- */

void insight_write_step(const insight_writer *w, base_buf *out, value steps, size_t i)
{
    const bool first = i == 0, last = i + 1 == steps.len;
    const char *text = insight_say(w, first ? W_days_up_to : last ? W_days_over : W_days_between), *hole = strstr(text, "{}");
    base_buf_add(out, text, hole != NULL ? (size_t)(hole - text) : strlen(text));
    if (!first)
        insight_write_number(out, insight_int(steps.as.items[i - 1], "up_to_days"));
    if (!first && !last)
        base_buf_str(out, "\xE2\x80\x93");
    if (!last)
        insight_write_number(out, insight_int(steps.as.items[i], "up_to_days"));
    base_buf_str(out, hole != NULL ? hole + 2 : "");
}

void insight_chart_closing(const insight_writer *w)
{
    const value steps = insight_in(w->figures, "closing.steps");
    int64_t most = 0;
    for (size_t i = 0; i < steps.len; i++)
        if (insight_int(steps.as.items[i], "cases") > most)
            most = insight_int(steps.as.items[i], "cases");
    insight_h(w, "<table class=\"steps\"><tbody>");
    for (size_t i = 0; i < steps.len; i++) {
        const value cases = insight_in(steps.as.items[i], "cases");
        insight_h(w, "<tr><td>");
        insight_write_step(w, w->out, steps, i);
        insight_h(w, "</td><td class=\"b\">");
        if (cases.kind == VALUE_INT && cases.as.i > 0) {
            insight_h(w, "<span class=\"bar r\" style=\"width:");
            put_share(w, cases.as.i, most);
            insight_h(w, "\"></span>");
        }
        insight_h(w, "</td><td class=\"n\">");
        put_count(w, cases);
        insight_h(w, "</td></tr>");
    }
    insight_h(w, "</tbody></table>");
}

/* ---- months ---- */

enum { MONTHS_WIDTH = 940, MONTHS_HEIGHT = 150, MONTHS_TOP = 22 };

static void put_column(const insight_writer *w, const char *class, int64_t x, int64_t width, value count, int64_t most, bool label)
{
    if (count.kind != VALUE_INT)
        return;
    const int64_t height = most > 0 ? insight_permille(count.as.i, most) * MONTHS_HEIGHT / 1000 : 0;
    base_buf_fmt(w->out, "<rect class=\"%s\" x=\"%lld\" y=\"%lld\" width=\"%lld\" height=\"%lld\"/>", class, (long long)x,
                 (long long)(MONTHS_TOP + MONTHS_HEIGHT - height), (long long)width, (long long)height);
    if (!label)
        return;
    base_buf_fmt(w->out, "<text x=\"%lld\" y=\"%lld\">", (long long)(x + width / 2), (long long)(MONTHS_TOP + MONTHS_HEIGHT - height - 6));
    put_count(w, count);
    insight_h(w, "</text>");
}

void insight_chart_months(const insight_writer *w)
{
    const value rows = insight_in(w->figures, "months");
    int64_t most = 0;
    if (rows.len < 2)
        return;
    for (size_t i = 0; i < rows.len; i++) {
        const int64_t opened = insight_int(rows.as.items[i], "opened"), closed = insight_int(rows.as.items[i], "closed");
        most = opened > most ? opened : most;
        most = closed > most ? closed : most;
    }
    const int64_t slot = MONTHS_WIDTH / (int64_t)rows.len, column = slot * 30 / 100 > 52 ? 52 : slot * 30 / 100;
    base_buf_fmt(w->out, "<svg class=\"months\" viewBox=\"0 0 %d %d\" role=\"img\"><title>", MONTHS_WIDTH, MONTHS_TOP + MONTHS_HEIGHT + 24);
    insight_w(w, W_months);
    insight_h(w, "</title>");
    for (size_t i = 0; i < rows.len; i++) {
        const value row = rows.as.items[i];
        const int64_t middle = slot * (int64_t)i + slot / 2;
        put_column(w, "o", middle - column - 1, column, insight_in(row, "opened"), most, column >= 24);
        put_column(w, "k", middle + 1, column, insight_in(row, "closed"), most, column >= 24);
        base_buf_fmt(w->out, "<text class=\"ax\" x=\"%lld\" y=\"%d\">", (long long)middle, MONTHS_TOP + MONTHS_HEIGHT + 18);
        if (rows.len <= 14 || i % 3 == 0)
            insight_e(w, row, "month");
        insight_h(w, "</text>");
    }
    base_buf_fmt(w->out, "<line x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/></svg><ul class=\"legend\"><li><i style=\"background:#1f5f74\"></i>",
                 MONTHS_WIDTH, MONTHS_TOP + MONTHS_HEIGHT, MONTHS_TOP + MONTHS_HEIGHT);
    insight_w(w, W_opened);
    insight_h(w, "</li><li><i style=\"background:#a3c7cf\"></i>");
    insight_w(w, W_closed);
    insight_h(w, "</li></ul>");
}

/* ---- weeks ---- */

static void put_ranges(const insight_writer *w, const char *prefix, value breaks, bool masked)
{
    insight_h(w, "<ul class=\"legend\"><li><i class=\"");
    base_buf_fmt(w->out, "%s0\"></i>0</li>", prefix);
    for (size_t i = 0; i <= breaks.len; i++) {
        const int64_t least = masked ? INSIGHT_SMALL : 1, from = i > 0 ? breaks.as.items[i - 1].as.i + 1 : least;
        base_buf_fmt(w->out, "<li><i class=\"%s%zu\"></i>", prefix, i + 1);
        insight_write_number(w->out, from);
        if (i == breaks.len) {
            insight_h(w, "+");
        } else if (breaks.as.items[i].as.i > from) {
            insight_h(w, "\xE2\x80\x93");
            insight_write_number(w->out, breaks.as.items[i].as.i);
        }
        insight_h(w, "</li>");
    }
    if (masked)
        base_buf_fmt(w->out, "<li><i class=\"%sm\"></i>&lt;5 / *</li>", prefix);
    insight_h(w, "</ul>");
}

/* The borders that the figures carry, for insight_class. */
static bool read_breaks(value map, int64_t out[INSIGHT_BREAKS], value *list)
{
    *list = insight_in(map, "breaks");
    for (size_t i = 0; i < list->len && i < INSIGHT_BREAKS; i++)
        out[i] = list->as.items[i].kind == VALUE_INT ? list->as.items[i].as.i : 0;
    return list->kind == VALUE_LIST && list->len == INSIGHT_BREAKS;
}

static void put_week_heads(const insight_writer *w, value weeks)
{
    const value starts = insight_in(weeks, "starts");
    const size_t every = starts.len > 26 ? 4 : starts.len > 14 ? 2 : 1;
    insight_h(w, "<thead><tr><th class=\"c\"></th>");
    for (size_t i = 0; i < starts.len; i += every) {
        const value start = starts.as.items[i];
        const size_t span = starts.len - i < every ? starts.len - i : every;
        base_buf_fmt(w->out, "<th colspan=\"%zu\">", span);
        if (start.kind == VALUE_STRING && start.len == 10)
            insight_write_escaped(w->out, start.as.s + 5, 5);
        insight_h(w, "</th>");
    }
    insight_h(w, "</tr></thead>");
}

void insight_chart_weeks(const insight_writer *w)
{
    const value weeks = insight_in(w->figures, "weeks"), rows = insight_in(weeks, "rows");
    int64_t breaks[INSIGHT_BREAKS];
    value borders;
    if (rows.len == 0 || !read_breaks(weeks, breaks, &borders))
        return;
    base_buf_fmt(w->out, "<table class=\"strip%s\">", insight_in(weeks, "starts").len > 27 ? " dense" : "");
    put_week_heads(w, weeks);
    insight_h(w, "<tbody>");
    for (size_t i = 0; i < rows.len; i++) {
        const value cells = insight_in(rows.as.items[i], "cases");
        insight_h(w, "<tr><td class=\"c\">");
        put_name(w, rows.as.items[i], "title", "category", W_no_category);
        insight_h(w, "</td>");
        for (size_t k = 0; k < cells.len; k++) {
            const value n = cells.as.items[k];
            if (n.kind == VALUE_INT)
                base_buf_fmt(w->out, "<td class=\"h%d\">", insight_class(n.as.i, breaks));
            else
                insight_h(w, "<td class=\"hm\">");
            put_count(w, n);
            insight_h(w, "</td>");
        }
        insight_h(w, "</tr>");
    }
    insight_h(w, "</tbody></table>");
    put_ranges(w, "h", borders, insight_in(w->figures, "report.public").as.b);
}

/* ---- the map ---- */

/* In units of the drawing, which is some 2000 wide. */
enum { LABELS = 40, LARGE = 54, SMALL = 38 };

typedef struct label_box {
    int64_t left, top, right, bottom;
} label_box;

/* The name above, the number below, as wide as the wider of them. */
static label_box box_of(value area, int64_t size)
{
    size_t len;
    const char *name = insight_text(area, "name", &len);
    int64_t width = (int64_t)insight_width(name, len) * size / 2;
    width = width > size * 2 ? width : size * 2;
    const int64_t x = insight_int(area, "x"), y = insight_int(area, "y");
    return (label_box){x - width / 2, y - size, x + width / 2, y + size * 6 / 5};
}

static bool apart(const label_box *boxes, size_t n, label_box b)
{
    for (size_t i = 0; i < n; i++)
        if (b.left < boxes[i].right && boxes[i].left < b.right && b.top < boxes[i].bottom && boxes[i].top < b.bottom)
            return false;
    return true;
}

static void put_label(const insight_writer *w, value area, int64_t size)
{
    const char *on = insight_int(area, "class") >= 4 ? " class=\"on\"" : "";
    const int64_t x = insight_int(area, "x"), y = insight_int(area, "y");
    base_buf_fmt(w->out, "<text%s x=\"%lld\" y=\"%lld\" font-size=\"%d\">", on, (long long)x, (long long)(y - size / 9), (int)size);
    insight_e(w, area, "name");
    base_buf_fmt(w->out, "</text><text%s x=\"%lld\" y=\"%lld\" font-size=\"%d\" font-weight=\"700\">", on, (long long)x,
                 (long long)(y + size * 21 / 20), (int)(size * 23 / 20));
    put_count(w, insight_in(area, "cases"));
    insight_h(w, "</text>");
}

/* The area with the most cases that comes after `last` in that order; areas.len: none. */
static size_t next_area(value areas, size_t last)
{
    const int64_t bound = last < areas.len ? insight_int(areas.as.items[last], "cases") : INT64_MAX;
    size_t best = areas.len;
    int64_t most = -1;
    for (size_t i = 0; i < areas.len; i++) {
        const int64_t n = insight_int(areas.as.items[i], "cases");
        const bool after = n < bound || (n == bound && i > last);
        if (after && n > most) {
            best = i;
            most = n;
        }
    }
    return best;
}

/* Names and numbers where there is room for them, the busiest first; none over another. */
static void put_labels(const insight_writer *w, value areas)
{
    const bool many = areas.len > LABELS;
    const int64_t size = many ? SMALL : LARGE, ease = many ? 14 : 10; /* tenths: borders are close where areas are many */
    const size_t top = many ? 16 : LABELS;
    label_box boxes[LABELS];
    size_t n = 0;
    for (size_t i = next_area(areas, areas.len), seen = 0; i < areas.len && n < top && seen < 200; i = next_area(areas, i), seen++) {
        const value area = areas.as.items[i];
        const label_box b = box_of(area, size);
        const bool room = (b.right - b.left) * ease <= insight_int(area, "width") * 10 &&
                          (b.bottom - b.top) * ease <= insight_int(area, "height") * 10;
        if (insight_in(area, "inner").as.b || !room || !apart(boxes, n, b))
            continue;
        boxes[n++] = b;
        put_label(w, area, size);
    }
}

void insight_chart_map(const insight_writer *w)
{
    const value map = insight_in(w->figures, "map"), areas = insight_in(map, "areas");
    if (areas.len == 0)
        return;
    const bool many = areas.len > LABELS;
    base_buf_fmt(w->out, "<svg class=\"map%s\" viewBox=\"-8 -8 %lld %lld\" role=\"img\"><title>", many ? " many" : "",
                 (long long)(insight_int(map, "width") + 16), (long long)(insight_int(map, "height") + 16));
    insight_w(w, W_map_note);
    insight_h(w, "</title><defs><pattern id=\"few\" width=\"22\" height=\"22\" patternUnits=\"userSpaceOnUse\" "
                 "patternTransform=\"rotate(45)\"><rect width=\"22\" height=\"22\" fill=\"#f7f4ee\"/>"
                 "<rect width=\"9\" height=\"22\" fill=\"#d9d4c8\"/></pattern></defs>");
    for (size_t i = 0; i < areas.len; i++) {
        const value area = areas.as.items[i];
        const int64_t class = insight_int(area, "class");
        if (insight_in(area, "inner").as.b)
            insight_h(w, "<path class=\"in\" fill-rule=\"evenodd\" d=\"");
        else if (class < 0)
            insight_h(w, "<path class=\"mm\" fill-rule=\"evenodd\" d=\"");
        else
            base_buf_fmt(w->out, "<path class=\"m%d\" fill-rule=\"evenodd\" d=\"", (int)(class > 5 ? 5 : class));
        insight_e(w, area, "path");
        insight_h(w, "\"><title>");
        insight_e(w, area, "name");
        insight_h(w, " ");
        put_count(w, insight_in(area, "cases"));
        insight_h(w, "</title></path>");
    }
    put_labels(w, areas);
    insight_h(w, "</svg>");
    put_ranges(w, "m", insight_in(map, "breaks"), insight_in(w->figures, "report.public").as.b);
}
