/*
 * A chart and events from bytes, run in two ways that must agree; what is built must be legal after each step and
 * must survive saving. The same bytes are also loaded as a saved state.
 */
#include <stdint.h>
#include <stdlib.h>

#include "support/chart_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void die_if(const char *why)
{
    if (why == NULL)
        return;
    fprintf(stderr, "fuzz_chart: %s\n", why);
    abort();
}

/* Outside text: a value or one error, and what was accepted is saved and loaded the same. */
static void load_bytes(const chart *c, const char *data, size_t size)
{
    chart_state *s = malloc(chart_state_size(c)), *back = malloc(chart_state_size(c));
    base_buf text;

    base_buf_init(&text, NULL);
    if (s != NULL && back != NULL && chart_load(c, data, size, s, NULL) == GOV_OK) {
        chart_save(c, s, &text);
        if (chart_load(c, text.data, text.len, back, NULL) != GOV_OK || !chart_same(c, s, back))
            die_if("what was loaded is not loaded again");
    }
    base_buf_free(&text);
    free(s);
    free(back);
}

/* A saved state with a few bytes changed: what its start would be, were it legal. */
static void load_damaged(const chart *c, const model *m, model_source *src)
{
    chart_state *s = malloc(chart_state_size(c));
    model_world w = {.m = m};
    base_arena scratch;
    base_buf text;

    base_arena_init(&scratch, NULL);
    base_buf_init(&text, NULL);
    if (s != NULL) {
        chart_state_init(c, s);
        (void)chart_start(c, s, &(chart_caller){&model_hooks, &w, &scratch}, NULL);
        chart_save(c, s, &text);
        for (unsigned i = model_draw(src, 4); i > 0; i--)
            text.data[model_draw(src, (unsigned)text.len)] = (char)model_draw(src, 256);
        load_bytes(c, text.data, text.len - model_draw(src, 3));
    }
    free(s);
    base_buf_free(&text);
    base_arena_free(&scratch);
}

static void check_static(const chart *c)
{
    bool reached[MODEL_STATES];
    uint32_t cycle;

    if (chart_reachable(c, reached, NULL) != GOV_OK ||
        chart_always_cycle(c, &cycle, NULL) != GOV_OK)
        die_if("checks fail");
    for (uint32_t s = 0; s < chart_state_count(c); s++)
        (void)chart_dead_end(c, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static model m;
    model_source src = {data, size, 0};
    chart *c = NULL;

    if (m.queue == NULL)
        m.queue = malloc(MODEL_QUEUE * sizeof *m.queue);
    if (m.queue == NULL)
        return 0;
    model_random(&m, &src);
    if (model_chart(&m, NULL, &c, NULL) == GOV_OK) {
        check_static(c);
        load_bytes(c, (const char *)data, size);
        load_damaged(c, &m, &src);
        die_if(model_compare(&m, c, &src, 12, true, NULL));
    }
    chart_free(c);
    return 0;
}
