/* Below the chart: a card for each clock, and what the signs mean. */
#include "diagram/inner.h"

#include <string.h>

enum { CARD = 290, CARD_GAP = 16, TERM = 64, PAD = 12 };

static const char *colour(uint32_t clock)
{
    static const char *const colours[] = {"#c2410c", "#1d4ed8", "#15803d", "#a21caf", "#0e7490", "#a16207", "#be123c", "#4d7c0f"};
    return colours[clock % ARRAY_LEN(colours)];
}

/* A clock face: filled where it runs, with two bars where it waits. x and y are its centre. */
void diagram_clock_glyph(base_buf *out, int32_t x, int32_t y, uint32_t clock, diagram_clock_use use)
{
    const char *c = colour(clock);
    if (use == DIAGRAM_CLOCK_PAUSED) {
        base_buf_fmt(out, "<circle cx=\"%d\" cy=\"%d\" r=\"6\" fill=\"#fff\" stroke=\"%s\" stroke-width=\"1.6\"/>", (int)x, (int)y, c);
        base_buf_fmt(out, "<path d=\"M%d.2 %dv5M%d.8 %dv5\" stroke=\"%s\" stroke-width=\"1.8\" fill=\"none\"/>\n", (int)x - 2,
                     (int)y - 2, (int)x + 1, (int)y - 2, c);
        return;
    }
    base_buf_fmt(out, "<circle cx=\"%d\" cy=\"%d\" r=\"6.8\" fill=\"%s\"/>", (int)x, (int)y, c);
    base_buf_fmt(out, "<path d=\"M%d %dv4.5l3 2\" stroke=\"#fff\" stroke-width=\"1.5\" fill=\"none\"/>\n", (int)x, (int)y - 4);
}

/* ---- cards ---- */

typedef struct card {
    diagram_text title, *words;
    diagram_term *terms;
    uint32_t count;
    int32_t h;
} card;

static void make_card(diagram_job *g, uint32_t clock, int32_t width, card *out)
{
    const rulebook_clock *c = &g->w->clocks[clock];
    const char *title = rulebook_text_in(&c->title, g->lang, c->name);
    base_buf b;
    base_buf_init(&b, g->alloc);
    base_buf_str(&b, title);
    if (strcmp(title, c->name) != 0)
        base_buf_fmt(&b, " (%s)", c->name);
    diagram_wrap(g, &out->title, diagram_keep(g, &b), DIAGRAM_TITLE, width - 2 * PAD - 22, 2);
    out->terms = diagram_clock_terms(g, clock, &out->count);
    out->words = diagram_alloc(g, out->count, sizeof *out->words);
    out->h = out->title.h + 2 * PAD + 4;
    for (uint32_t i = 0; i < out->count && !g->failed; i++) {
        diagram_wrap(g, &out->words[i], out->terms[i].words, DIAGRAM_SMALL, width - 2 * PAD - TERM - 8, 12);
        out->h += out->words[i].h + 3;
    }
}

static void put_card(diagram_job *g, const card *c, uint32_t clock, int32_t x, int32_t y, int32_t width, int32_t height)
{
    base_buf *b = g->out;
    base_buf_fmt(b, "<rect class=\"card\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\"/>", (int)x, (int)y, (int)width, (int)height);
    base_buf_fmt(b, "<rect x=\"%d\" y=\"%d\" width=\"4\" height=\"%d\" rx=\"2\" fill=\"%s\"/>\n", (int)x, (int)y + 8, (int)height - 16, colour(clock));
    diagram_clock_glyph(b, x + PAD + 8, y + PAD + 9, clock, DIAGRAM_CLOCK_RUNS);
    diagram_put_lines(b, &c->title, x + PAD + 22, y + PAD, "start");
    y += PAD + c->title.h + 6;
    for (uint32_t i = 0; i < c->count; i++) {
        base_buf_fmt(b, "<text class=\"term\" x=\"%d\" y=\"%d\">", (int)x + PAD + 2, (int)y + 12);
        diagram_put_escaped(b, c->terms[i].term, strlen(c->terms[i].term));
        base_buf_str(b, "</text>\n");
        diagram_put_lines(b, &c->words[i], x + PAD + TERM + 8, y, "start");
        y += c->words[i].h + 3;
    }
}

/* ---- signs ---- */

static int32_t put_word(diagram_job *g, int32_t x, int32_t y, diagram_word word)
{
    const char *s = diagram_say_word(g, word);
    base_buf_fmt(g->out, "<text class=\"n\" x=\"%d\" y=\"%d\">", (int)x, (int)y + 4);
    diagram_put_escaped(g->out, s, strlen(s));
    base_buf_str(g->out, "</text>\n");
    return x + diagram_measure(s, strlen(s), DIAGRAM_NAME) + 22;
}

/* Only a timer that leads somewhere has an arrow. */
static bool has_timers(const diagram_job *g)
{
    for (uint32_t i = 0; i < chart_transition_count(g->c); i++)
        if (g->w->transitions[i].timer != RULEBOOK_NONE && !diagram_stays(g, i))
            return true;
    return false;
}

static bool has_pauses(const diagram_job *g)
{
    for (uint32_t i = 0; i < g->w->clock_count; i++)
        if (g->w->clocks[i].paused_in.count > 0)
            return true;
    return false;
}

bool diagram_is_region(const diagram_job *g, uint32_t state)
{
    return state != CHART_ROOT && chart_kind_of(g->c, chart_parent(g->c, state)) == CHART_PARALLEL &&
           chart_kind_of(g->c, state) != CHART_SHALLOW && chart_kind_of(g->c, state) != CHART_DEEP;
}

static bool has_regions(const diagram_job *g)
{
    for (uint32_t s = 1; s < chart_state_count(g->c); s++)
        if (diagram_is_region(g, s))
            return true;
    return false;
}

static void put_signs(diagram_job *g, int32_t x, int32_t y)
{
    base_buf *b = g->out;
    base_buf_fmt(b, "<circle cx=\"%d\" cy=\"%d\" r=\"6\" class=\"dot\"/>", (int)x + 6, (int)y);
    x = put_word(g, x + 18, y, DIAGRAM_W_begins);
    base_buf_fmt(b, "<circle cx=\"%d\" cy=\"%d\" r=\"6\" class=\"ring\"/><circle cx=\"%d\" cy=\"%d\" r=\"3\" class=\"dot\"/>", (int)x + 6, (int)y, (int)x + 6, (int)y);
    x = put_word(g, x + 18, y, DIAGRAM_W_ends);
    if (has_regions(g)) {
        base_buf_fmt(b, "<rect class=\"sign region\" x=\"%d\" y=\"%d\" width=\"28\" height=\"13\" rx=\"4\"/>", (int)x, (int)y - 7);
        x = put_word(g, x + 34, y, DIAGRAM_W_regions);
    }
    if (has_timers(g)) {
        base_buf_fmt(b, "<path class=\"e timed\" d=\"M%d %dh28\"/>", (int)x, (int)y);
        x = put_word(g, x + 34, y, DIAGRAM_W_timer);
    }
    if (g->w->clock_count > 0) {
        diagram_clock_glyph(b, x + 7, y, 0, DIAGRAM_CLOCK_RUNS);
        x = put_word(g, x + 18, y, DIAGRAM_W_runs);
    }
    if (has_pauses(g)) {
        diagram_clock_glyph(b, x + 7, y, 0, DIAGRAM_CLOCK_PAUSED);
        (void)put_word(g, x + 18, y, DIAGRAM_W_paused);
    }
}

int32_t diagram_put_legend(diagram_job *g, int32_t x, int32_t y, int32_t width)
{
    const uint32_t clocks = g->w->clock_count;
    const uint32_t columns = width > CARD ? (uint32_t)((width + CARD_GAP) / (CARD + CARD_GAP)) : 1;
    const uint32_t across = clocks < columns && clocks > 0 ? clocks : columns;
    int32_t card_width = (width + CARD_GAP) / (int32_t)across - CARD_GAP, at = y;
    card_width = card_width > 520 ? 520 : card_width;
    card *cards = diagram_alloc(g, clocks, sizeof *cards);
    for (uint32_t i = 0; i < clocks && !g->failed; i++)
        make_card(g, i, card_width, &cards[i]);
    for (uint32_t i = 0; i < clocks && !g->failed; i += across) {
        int32_t high = 0;
        for (uint32_t k = i; k < i + across && k < clocks; k++)
            high = cards[k].h > high ? cards[k].h : high;
        for (uint32_t k = i; k < i + across && k < clocks; k++)
            put_card(g, &cards[k], k, x + (int32_t)(k - i) * (card_width + CARD_GAP), at, card_width, high);
        at += high + CARD_GAP;
    }
    put_signs(g, x, at + 8);
    return at + 24 - y;
}
