/* Random charts, run by the chart room and by appendix D as it stands: both must do the same, in the same order. */
#include "support/support.h"

#include "support/chart_model.h"

enum { CHARTS = 2000, MANY_CHARTS = 50000, BYTES = 1500, EVENTS = 30 };

static uint64_t noise;

static uint8_t next_byte(void)
{
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    return (uint8_t)(noise >> 32);
}

static void two_ways_agree(void **state)
{
    static model m;
    const unsigned charts = getenv("GOV_LONG") != NULL ? MANY_CHARTS : CHARTS;
    unsigned built = 0, deep = 0;

    (void)state;
    m.queue = malloc(MODEL_QUEUE * sizeof *m.queue);
    assert_non_null(m.queue);
    for (unsigned seed = 1; seed <= charts; seed++) {
        uint8_t bytes[BYTES];
        model_source src = {bytes, BYTES, 0};
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        chart *c = NULL;

        noise = seed * UINT64_C(0x9e3779b97f4a7c15);
        for (size_t i = 0; i < BYTES; i++)
            bytes[i] = next_byte();
        model_random(&m, &src);
        if (model_chart(&m, NULL, &c, &d) == GOV_OK) {
            built++;
            deep += m.count > 12;
            for (size_t i = 0; i < BYTES; i++)
                bytes[i] = next_byte();
            src.at = 0;
            const char *why = model_compare(&m, c, &src, EVENTS, seed % 2 == 0, &d);
            if (why != NULL)
                fail_msg("chart %u: %s", seed, why);
        } else {
            /* All that is refused here are histories that lead back to themselves. */
            assert_string_equal(gov_error_code(err, 0), "chart_history_circle");
        }
        gov_error_free(err);
        chart_free(c);
    }
    free(m.queue);
    assert_true(built > charts / 2);
    assert_true(deep > charts / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_ways_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
