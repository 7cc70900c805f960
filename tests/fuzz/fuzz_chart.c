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
static void load_bytes(const chart *c, const uint8_t *data, size_t size)
{
    chart_state *s = malloc(chart_state_size(c)), *back = malloc(chart_state_size(c));
    base_buf text;

    base_buf_init(&text, NULL);
    if (s != NULL && back != NULL && chart_load(c, (const char *)data, size, s, NULL) == GOV_OK) {
        chart_save(c, s, &text);
        if (chart_load(c, text.data, text.len, back, NULL) != GOV_OK || !chart_same(c, s, back))
            die_if("what was loaded is not loaded again");
    }
    base_buf_free(&text);
    free(s);
    free(back);
}

static void check_static(const chart *c)
{
    bool reached[MODEL_STATES];
    uint32_t cycle;

    if (chart_reachable(c, reached, NULL) != GOV_OK || chart_always_cycle(c, &cycle, NULL) != GOV_OK)
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
        load_bytes(c, data, size);
        die_if(model_compare(&m, c, &src, 12, true, NULL));
    }
    chart_free(c);
    return 0;
}
