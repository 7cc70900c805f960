/* Where a run stands, as text: "1 r a.b,c.d p.h=p.x" - the format's version, running (or n: not started, d: done),
 * the active atomic and final states, then what each history state holds. */
#include "chart/layout.h"

#include <string.h>

static void save_set(const chart *c, const uint64_t *row, const uint64_t *only, base_buf *out)
{
    bool some = false;
    for (uint32_t s = bit_next(row, c->words, 0); s != CHART_NONE;
         s = bit_next(row, c->words, s + 1)) {
        if (only != NULL && !bit_has(only, s))
            continue;
        if (some)
            base_buf_char(out, ',');
        base_buf_add(out, chart_path(c, s), c->nodes[s].path_len);
        some = true;
    }
}

void chart_save(const chart *c, const chart_state *s, base_buf *out)
{
    if (!chart_started(s)) {
        base_buf_str(out, "1 n");
        return;
    }
    base_buf_str(out, chart_done(s) ? "1 d " : "1 r ");
    save_set(c, s->rows, c->leaves, out);
    for (uint32_t slot = 0; slot < c->history_count; slot++) {
        const chart_node *h = &c->nodes[c->histories[slot]];
        const uint64_t *row = s->rows + (size_t)c->words * (slot + 1);
        if (bit_next(row, c->words, 0) == CHART_NONE)
            continue;
        base_buf_char(out, ' ');
        base_buf_add(out, h->done_name + CHART_DONE_PREFIX_LEN, h->path_len);
        base_buf_char(out, '=');
        save_set(c, row, NULL, out);
    }
}

/* ---- reading ---- */

typedef struct reader {
    const chart *c;
    const char *text;
    size_t at, len;
    const char *why; /* what is wrong; NULL: nothing yet */
} reader;

static bool wrong(reader *r, const char *why)
{
    r->why = why;
    return false;
}

/* A path, up to the next ',', '=', or ' '. */
static bool read_state(reader *r, uint32_t *state)
{
    const size_t begin = r->at;
    while (r->at < r->len && r->text[r->at] != ',' && r->text[r->at] != '=' &&
           r->text[r->at] != ' ')
        r->at++;
    *state = chart_find(r->c, r->text + begin, r->at - begin);
    if (*state != CHART_NONE)
        return true;
    r->at = begin;
    return wrong(r, "unknown state");
}

static bool read_set(reader *r, uint64_t *row)
{
    for (;;) {
        const size_t begin = r->at;
        uint32_t s;
        if (!read_state(r, &s))
            return false;
        if (bit_has(row, s)) {
            r->at = begin;
            return wrong(r, "a state is listed twice");
        }
        bit_add(row, s);
        if (r->at == r->len || r->text[r->at] != ',')
            return true;
        r->at++;
    }
}

/* Inside `top`, which is active: one child of each active compound state, all of each parallel one. */
static bool legal(const chart *c, const uint64_t *row, uint32_t top)
{
    for (uint32_t s = top; s != CHART_NONE && s <= c->nodes[top].last;
         s = bit_next(row, c->words, s + 1)) {
        const chart_list *children = &c->nodes[s].children;
        uint32_t active = 0;
        for (uint32_t i = 0; i < children->count; i++)
            active += bit_has(row, children->items[i]);
        if (active != (c->nodes[s].kind == CHART_PARALLEL ? children->count : children->count > 0))
            return false;
    }
    return true;
}

/* Adds what is around the members, up to `top`; all of them have to be atomic or final states inside it. */
static bool close_up(const chart *c, uint64_t *row, uint32_t top)
{
    for (uint32_t s = bit_next(row, c->words, 0); s != CHART_NONE;
         s = bit_next(row, c->words, s + 1))
        if (!bit_has(c->leaves, s) || !node_inside(c, s, top))
            return false;
    for (uint32_t s = bit_prev(row, c->count); s != CHART_NONE && s > top; s = bit_prev(row, s))
        bit_add(row, c->nodes[s].parent);
    return true;
}

static bool history_legal(const chart *c, const uint64_t *row, uint32_t history)
{
    const chart_node *h = &c->nodes[history];
    const chart_node *up = &c->nodes[h->parent];
    uint64_t work[CHART_MAX_STATES / 64];
    if (h->kind == CHART_DEEP) {
        memcpy(work, row, c->words * sizeof *work);
        return close_up(c, work, h->parent) && legal(c, work, h->parent);
    }
    uint32_t members = 0, children = 0;
    for (uint32_t s = bit_next(row, c->words, 0); s != CHART_NONE;
         s = bit_next(row, c->words, s + 1))
        members++;
    for (uint32_t i = 0; i < up->children.count; i++)
        children += bit_has(row, up->children.items[i]);
    return members == children && members == (up->kind == CHART_PARALLEL ? up->children.count : 1);
}

static bool read_histories(reader *r, chart_state *s)
{
    while (r->at < r->len) {
        uint32_t h;
        if (r->text[r->at] != ' ')
            return wrong(r, "a space is missing");
        r->at++;
        const size_t begin = r->at;
        if (!read_state(r, &h))
            return false;
        if (!kind_is_history(r->c->nodes[h].kind) || r->at == r->len || r->text[r->at] != '=') {
            r->at = begin;
            return wrong(r, "no history state");
        }
        r->at++;
        uint64_t *row = state_history(r->c, s, r->c->nodes[h].slot);
        if (bit_any(row, r->c->words, 0, r->c->count)) {
            r->at = begin;
            return wrong(r, "a history state is listed twice");
        }
        if (!read_set(r, row))
            return false;
        if (!history_legal(r->c, row, h)) {
            r->at = begin;
            return wrong(r, "these states were never active together");
        }
    }
    return true;
}

static bool read_all(reader *r, chart_state *s)
{
    const chart *c = r->c;
    if (r->len < 3 || memcmp(r->text, "1 ", 2) != 0)
        return wrong(r, "unknown format");
    const char mode = r->text[2];
    if (mode == 'n' && r->len == 3)
        return true;
    r->at = 2;
    if ((mode != 'r' && mode != 'd') || r->len < 4 || r->text[3] != ' ')
        return wrong(r, "unknown format");
    r->at = 4;
    if (!read_set(r, s->rows))
        return false;
    if (!close_up(c, s->rows, CHART_ROOT) || !legal(c, s->rows, CHART_ROOT)) {
        r->at = 4;
        return wrong(r, "these states cannot be active together");
    }
    bool ended = false;
    for (uint32_t i = 0; i < c->nodes[CHART_ROOT].children.count; i++) {
        const uint32_t child = c->nodes[CHART_ROOT].children.items[i];
        ended = ended || (c->nodes[child].kind == CHART_FINAL && bit_has(s->rows, child));
    }
    if (ended != (mode == 'd')) {
        r->at = 2;
        return wrong(r, "running and done are mixed up");
    }
    s->flags = STATE_STARTED | (ended ? STATE_DONE : 0);
    return read_histories(r, s);
}

gov_status chart_load(const chart *c, const char *text, size_t len, chart_state *s, const diag *d)
{
    reader r = {.c = c, .text = text, .len = len};
    chart_state_init(c, s);
    if (read_all(&r, s))
        return GOV_OK;
    chart_state_init(c, s);
    return base_fail(d, M_chart_snapshot, A_S("why", r.why), A_I("offset", r.at));
}
