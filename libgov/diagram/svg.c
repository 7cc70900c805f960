/* The picture as SVG: title, chart, legend. Everything was measured and placed before; here it is only written. */
#include "diagram/inner.h"

#include <string.h>

enum { PAGE = 28, CORNER = 7, LEAST_WIDTH = 560, MOST_HEADER = 900 };

void diagram_put_escaped(base_buf *out, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        switch (s[i]) {
        case '<':
            base_buf_str(out, "&lt;");
            break;
        case '>':
            base_buf_str(out, "&gt;");
            break;
        case '&':
            base_buf_str(out, "&amp;");
            break;
        case '"':
            base_buf_str(out, "&quot;");
            break;
        default:
            base_buf_char(out, s[i]);
        }
    }
}

void diagram_put_lines(base_buf *out, const diagram_text *t, int32_t x, int32_t y, const char *anchor)
{
    static const char *const classes[DIAGRAM_STYLES] = {
        [DIAGRAM_TITLE] = "t", [DIAGRAM_NAME] = "n", [DIAGRAM_SMALL] = "s",
        [DIAGRAM_GUARD] = "g", [DIAGRAM_DOES] = "d", [DIAGRAM_HEAD] = "h",
    };
    for (uint32_t i = 0; i < t->count; i++) {
        const diagram_line *l = &t->lines[i];
        const int32_t high = diagram_line_height((diagram_style)l->style);
        y += l->above;
        base_buf_fmt(out, "<text class=\"%s\" x=\"%d\" y=\"%d\"", classes[l->style], (int)x, (int)(y + high - high / 4));
        if (strcmp(anchor, "start") != 0)
            base_buf_fmt(out, " text-anchor=\"%s\"", anchor);
        base_buf_char(out, '>');
        diagram_put_escaped(out, l->s, l->len);
        base_buf_str(out, "</text>\n");
        y += high;
    }
}

static const char style[] =
    "<style>\n"
    "text{font-family:\"Helvetica Neue\",Helvetica,Arial,\"PingFang SC\",\"Hiragino Sans GB\",\"Microsoft YaHei\",\"Noto Sans CJK SC\","
    "\"Source Han Sans SC\",\"WenQuanYi Micro Hei\",sans-serif;fill:#1e293b}\n"
    ".h{font-size:22px;font-weight:700}.t{font-size:14px;font-weight:600}.n{font-size:11px;fill:#64748b}.s{font-size:12px}\n"
    ".g{font-size:11px;fill:#7c3aed}.d{font-size:11px;fill:#0f766e}.term{font-size:11px;fill:#64748b}\n"
    ".box{fill:#f8fafc;stroke:#94a3b8;stroke-width:1.2}.in1{fill:#f1f5f9}.in2{fill:#e9eff6}.region{stroke-dasharray:6 4}\n"
    ".state{fill:#fff;stroke:#334155;stroke-width:1.4}.sign{fill:#fff;stroke:#334155;stroke-width:1.2}.final{fill:#f0fdf4;stroke:#15803d;stroke-width:1.4}\n"
    ".rule{stroke:#cbd5e1}.dot{fill:#1e293b}.ring{fill:#fff;stroke:#1e293b;stroke-width:1.4}.any{fill:#fff;stroke:#64748b;stroke-dasharray:4 3}\n"
    ".e{fill:none;stroke:#475569;stroke-width:1.3}.timed{stroke-dasharray:5 3;stroke:#b45309}.a{fill:#475569}.timed-a{fill:#b45309}\n"
    ".l{fill:#fff;fill-opacity:.94}.card{fill:#fff;stroke:#e2e8f0}\n"
    ".link:hover .e{stroke:#2563eb;stroke-width:2}.link:hover .a,.link:hover .timed-a{fill:#2563eb}\n"
    "</style>\n";

/* ---- states ---- */

static unsigned depth_of(const diagram_job *g, uint32_t s)
{
    unsigned depth = 0;
    for (; s != CHART_ROOT; s = chart_parent(g->c, s))
        depth++;
    return depth;
}

static void put_tooltip(diagram_job *g, uint32_t s)
{
    const char *about = rulebook_text_in(&g->w->states[s].description, g->lang, NULL);
    base_buf_str(g->out, "<title>");
    diagram_put_escaped(g->out, chart_path(g->c, s), strlen(chart_path(g->c, s)));
    if (about != NULL) {
        base_buf_str(g->out, ": ");
        diagram_put_escaped(g->out, about, strlen(about));
    }
    base_buf_str(g->out, "</title>");
}

static void put_box(diagram_graph *m, uint32_t s)
{
    diagram_job *g = m->g;
    const diagram_face *f = &m->faces[s];
    const diagram_box *b = m->boxes[s];
    const unsigned depth = depth_of(g, s);
    const bool region = diagram_is_region(g, s);
    base_buf_str(g->out, "<g>");
    put_tooltip(g, s);
    base_buf_fmt(g->out, "<rect class=\"box%s%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"10\"/></g>\n",
                 depth == 1 ? "" : depth % 2 == 0 ? " in1" : " in2", region ? " region" : "", (int)f->x, (int)f->y, (int)f->w, (int)f->h);
    diagram_put_lines(g->out, &f->head, f->x + b->content_x, f->y + b->content_y, "start");
    diagram_put_lines(g->out, &f->inside, f->x + b->content_x, f->y + b->content_y + f->head.h + 5, "start");
}

static void put_history(diagram_graph *m, uint32_t s)
{
    const diagram_face *f = &m->faces[s];
    const bool deep = chart_kind_of(m->g->c, s) == CHART_DEEP;
    base_buf_str(m->g->out, "<g>");
    put_tooltip(m->g, s);
    base_buf_fmt(m->g->out, "<circle class=\"ring\" cx=\"%d\" cy=\"%d\" r=\"13\"/>", (int)f->x + 14, (int)f->y + 14);
    base_buf_fmt(m->g->out, "<text class=\"t\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text></g>\n", (int)f->x + 14, (int)f->y + 19,
                 deep ? "H*" : "H");
}

static void put_leaf(diagram_graph *m, uint32_t s)
{
    diagram_job *g = m->g;
    const diagram_face *f = &m->faces[s];
    const bool final = chart_kind_of(g->c, s) == CHART_FINAL;
    const int32_t badges = (int32_t)f->badges * 18, middle = f->x + f->w / 2 - badges / 2 + (final ? 10 : 0);
    int32_t x = f->x + f->w - 15;
    base_buf_str(g->out, "<g>");
    put_tooltip(g, s);
    base_buf_fmt(g->out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\"/>",
                 final ? "final" : diagram_is_region(g, s) ? "state region" : "state", (int)f->x, (int)f->y,
                 (int)f->w, (int)f->h, final ? (int)(f->h / 2) : 8);
    if (final) {
        const int cx = (int)f->x + 18, cy = (int)(f->y + f->h / 2);
        base_buf_fmt(g->out, "<circle class=\"ring\" cx=\"%d\" cy=\"%d\" r=\"7\"/><circle class=\"dot\" cx=\"%d\" cy=\"%d\" r=\"4\"/>", cx, cy, cx, cy);
    }
    base_buf_str(g->out, "</g>\n");
    const int32_t top = f->inside.count > 0 ? f->y + 7 : f->y + (f->h - f->head.h) / 2;
    diagram_put_lines(g->out, &f->head, middle, top, "middle");
    if (f->inside.count > 0) {
        base_buf_fmt(g->out, "<path class=\"rule\" d=\"M%d %dh%d\"/>\n", (int)f->x, (int)(f->y + f->head.h + 12), (int)f->w);
        diagram_put_lines(g->out, &f->inside, f->x + 12, f->y + f->head.h + 15, "start");
    }
    for (uint32_t k = g->w->clock_count; f->badges > 0 && k-- > 0;)
        if (f->clocks[k] != DIAGRAM_CLOCK_OFF) {
            diagram_clock_glyph(g->out, x, f->y + 15, k, (diagram_clock_use)f->clocks[k]);
            x -= 18;
        }
}

static void put_dots(diagram_graph *m, uint32_t s)
{
    const diagram_box *b = m->boxes[s];
    for (uint32_t i = 0; i < b->item_count; i++) {
        const diagram_item *it = &b->items[i];
        const int x = (int)(m->faces[s].x + b->content_x + it->x), y = (int)(m->faces[s].y + b->content_y + it->y);
        if (it->kind == DIAGRAM_INITIAL)
            base_buf_fmt(m->g->out, "<circle class=\"dot\" cx=\"%d\" cy=\"%d\" r=\"7\"/>\n", x + 7, y + 7);
        if (it->kind == DIAGRAM_ANY) {
            const char *any = diagram_say_word(m->g, DIAGRAM_W_any);
            base_buf_fmt(m->g->out, "<rect class=\"any\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"13\"/>", x, y, (int)it->w, (int)it->h);
            base_buf_fmt(m->g->out, "<text class=\"s\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">", x + (int)it->w / 2, y + 17);
            diagram_put_escaped(m->g->out, any, strlen(any));
            base_buf_str(m->g->out, "</text>\n");
        }
    }
}

/* ---- links ---- */

static int32_t length(diagram_point a, diagram_point b)
{
    const int32_t dx = a.x > b.x ? a.x - b.x : b.x - a.x, dy = a.y > b.y ? a.y - b.y : b.y - a.y;
    return dx + dy; /* all lines run along or across */
}

static diagram_point towards(diagram_point from, diagram_point to, int32_t by)
{
    const int32_t sx = to.x > from.x ? 1 : to.x < from.x ? -1 : 0, sy = to.y > from.y ? 1 : to.y < from.y ? -1 : 0;
    return (diagram_point){from.x + sx * by, from.y + sy * by};
}

static void put_path(base_buf *out, const diagram_link *l)
{
    diagram_point *p = l->points;
    const uint32_t n = l->point_count;
    const diagram_point tip = p[n - 1];
    p[n - 1] = towards(tip, p[n - 2], 6); /* the line ends in the arrow head */
    base_buf_fmt(out, "<path class=\"e%s\" d=\"M%d %d", l->timer ? " timed" : "", (int)p[0].x, (int)p[0].y);
    for (uint32_t i = 1; i + 1 < n; i++) {
        const int32_t before = length(p[i - 1], p[i]) / 2, after = length(p[i], p[i + 1]) / 2;
        int32_t r = before < after ? before : after;
        r = r > CORNER ? CORNER : r;
        const diagram_point a = towards(p[i], p[i - 1], r), b = towards(p[i], p[i + 1], r);
        base_buf_fmt(out, "L%d %dQ%d %d %d %d", (int)a.x, (int)a.y, (int)p[i].x, (int)p[i].y, (int)b.x, (int)b.y);
    }
    base_buf_fmt(out, "L%d %d\"/>", (int)p[n - 1].x, (int)p[n - 1].y);
    const int32_t up = p[n - 1].y > tip.y ? 9 : -9;
    base_buf_fmt(out, "<path class=\"%s\" d=\"M%d %dl-4.5 %dh9z\"/>", l->timer ? "timed-a" : "a", (int)tip.x, (int)tip.y, (int)up);
    p[n - 1] = tip;
}

static void put_link_tooltip(diagram_job *g, const diagram_link *l)
{
    base_buf_str(g->out, "<title>");
    diagram_put_escaped(g->out, chart_path(g->c, l->from), strlen(chart_path(g->c, l->from)));
    base_buf_str(g->out, " → ");
    diagram_put_escaped(g->out, chart_path(g->c, l->to), strlen(chart_path(g->c, l->to)));
    for (uint32_t i = 0; i < l->saying_count && !g->failed; i++) {
        const char *line = diagram_say_line(g, &l->sayings[i]);
        base_buf_char(g->out, '\n');
        diagram_put_escaped(g->out, line, strlen(line));
        if (l->sayings[i].by[0] != '\0') {
            base_buf_str(g->out, g->zh ? "（" : " (");
            base_buf_str(g->out, diagram_say_word(g, DIAGRAM_W_by));
            diagram_put_escaped(g->out, l->sayings[i].by, strlen(l->sayings[i].by));
            base_buf_str(g->out, g->zh ? "）" : ")");
        }
    }
    base_buf_str(g->out, "</title>");
}

static void put_link(diagram_graph *m, const diagram_link *l)
{
    base_buf *out = m->g->out;
    if (l->point_count < 2)
        return;
    base_buf_str(out, "<g class=\"link\">");
    put_link_tooltip(m->g, l);
    put_path(out, l);
    base_buf_str(out, "</g>\n");
}

static void put_label(diagram_graph *m, const diagram_link *l)
{
    if (l->label.count == 0)
        return;
    base_buf_fmt(m->g->out, "<rect class=\"l\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"/>\n", (int)l->label_x, (int)l->label_y,
                 (int)l->label_w, (int)l->label.h + 4);
    diagram_put_lines(m->g->out, &l->label, l->label_x + l->label_w / 2, l->label_y + 2, "middle");
}

/* ---- the page ---- */

typedef struct page_head {
    diagram_text title, always;
    int32_t h;
} page_head;

static void make_head(diagram_job *g, page_head *h)
{
    const char *title = diagram_state_title(g, CHART_ROOT);
    const char *about = rulebook_text_in(&g->w->description, g->lang, NULL);
    const diagram_inside in = diagram_say_inside(g, CHART_ROOT);
    diagram_wrap(g, &h->title, title, DIAGRAM_HEAD, LEAST_WIDTH, 3);
    if (strcmp(title, g->w->name) != 0)
        diagram_wrap(g, &h->title, g->w->name, DIAGRAM_NAME, LEAST_WIDTH, 1);
    if (about != NULL)
        diagram_wrap(g, &h->title, about, DIAGRAM_SMALL, LEAST_WIDTH, 4);
    if (in.count > 0)
        diagram_wrap(g, &h->always, diagram_say_word(g, DIAGRAM_W_any_time), DIAGRAM_SMALL, LEAST_WIDTH, 1);
    for (uint32_t i = 0; i < in.count && !g->failed; i++)
        diagram_wrap(g, &h->always, diagram_say_line(g, &in.items[i]), DIAGRAM_DOES, LEAST_WIDTH - 20, 3);
    h->h = h->title.h + 14 + (h->always.count > 0 ? h->always.h + 26 : 0);
}

static void put_head(diagram_job *g, const page_head *h)
{
    diagram_put_lines(g->out, &h->title, PAGE, PAGE, "start");
    if (h->always.count == 0)
        return;
    base_buf_fmt(g->out, "<rect class=\"any\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n", PAGE, (int)(PAGE + h->title.h + 10),
                 (int)h->always.w + 24, (int)h->always.h + 12);
    diagram_put_lines(g->out, &h->always, PAGE + 12, PAGE + h->title.h + 16, "start");
}

static void put_chart(diagram_graph *m)
{
    for (uint32_t s = 1; s < m->state_count; s++)
        if (m->boxes[s] != NULL)
            put_box(m, s);
    for (uint32_t i = 0; i < m->link_count && !m->g->failed; i++)
        put_link(m, &m->links[i]);
    for (uint32_t i = 0; i < m->link_count; i++)
        put_label(m, &m->links[i]);
    for (uint32_t s = 0; s < m->state_count; s++) {
        const chart_kind kind = chart_kind_of(m->g->c, s);
        if (m->boxes[s] != NULL)
            put_dots(m, s);
        else if (kind == CHART_SHALLOW || kind == CHART_DEEP)
            put_history(m, s);
        else
            put_leaf(m, s);
    }
}

void diagram_write_svg(diagram_job *g)
{
    diagram_graph m;
    page_head head = {0};
    if (!diagram_build(g, &m))
        return;
    make_head(g, &head);
    const int32_t chart_w = m.boxes[CHART_ROOT]->w, chart_h = m.boxes[CHART_ROOT]->h;
    int32_t width = chart_w > LEAST_WIDTH ? chart_w : LEAST_WIDTH;
    base_buf legend, *out = g->out;
    base_buf_init(&legend, g->alloc);
    g->out = &legend; /* its height is needed first */
    const int32_t top = PAGE + head.h, below = top + chart_h + 28;
    const int32_t legend_h = diagram_put_legend(g, PAGE, below, width);
    g->out = out;
    width += 2 * PAGE;
    const int32_t height = below + legend_h + PAGE - 8;
    base_buf_fmt(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\"", (int)width, (int)height,
                 (int)width, (int)height);
    base_buf_fmt(out, " lang=\"%s\">\n<title>", g->zh ? "zh" : "en");
    diagram_put_escaped(out, diagram_state_title(g, CHART_ROOT), strlen(diagram_state_title(g, CHART_ROOT)));
    base_buf_str(out, "</title>\n");
    base_buf_str(out, style);
    base_buf_fmt(out, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", (int)width, (int)height);
    put_head(g, &head);
    base_buf_fmt(out, "<g transform=\"translate(%d %d)\">\n", (int)(PAGE + (width - 2 * PAGE - chart_w) / 2), (int)top);
    put_chart(&m);
    base_buf_str(out, "</g>\n");
    base_buf_add(out, legend.len > 0 ? legend.data : "", legend.len);
    out->failed = out->failed || legend.failed;
    base_buf_str(out, "</svg>\n");
    base_buf_free(&legend);
}
