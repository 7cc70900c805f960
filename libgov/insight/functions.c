/* Figures of a list of numbers or durations, for indicators and for rules. */
#include "insight/insight.h"

#include <math.h>
#include <string.h>

enum { NANOS = 1000000000, PER_UNIT = 16 };

static gov_status refuse(const char *function, const char *what, const diag *d)
{
    return base_fail(d, M_invalid_argument, A_S("function", function), A_S("what", what));
}

/* All of one kind that can be added up; *kind is VALUE_ABSENT for an empty list. */
static gov_status kind_of(const char *function, value list, const expr_run *run, uint8_t *kind, const diag *d)
{
    *kind = list.len > 0 ? list.as.items[0].kind : VALUE_ABSENT;
    for (size_t i = 0; i < list.len; i++)
        if (list.as.items[i].kind != *kind ||
            (*kind != VALUE_INT && *kind != VALUE_UINT && *kind != VALUE_DOUBLE && *kind != VALUE_DURATION))
            return refuse(function, "the items must be numbers of one type, or durations", d);
    return expr_spend(run, list.len / PER_UNIT, d);
}

static bool add(value *sum, value v)
{
    int64_t nanos;
    switch (v.kind) {
    case VALUE_INT: return base_add(sum->as.i, v.as.i, &sum->as.i);
    case VALUE_UINT: {
        const uint64_t before = sum->as.u;
        sum->as.u += v.as.u;
        return sum->as.u >= before;
    }
    case VALUE_DOUBLE: sum->as.d += v.as.d; return true;
    default:
        nanos = (int64_t)sum->nanos + v.nanos;
        if (!base_add(sum->as.i, v.as.i, &sum->as.i) || !base_add(sum->as.i, nanos / NANOS, &sum->as.i))
            return false;
        nanos %= NANOS;
        if (nanos < 0 && sum->as.i > 0) { /* a duration's fraction has the sign of its seconds */
            sum->as.i--;
            nanos += NANOS;
        } else if (nanos > 0 && sum->as.i < 0) {
            sum->as.i++;
            nanos -= NANOS;
        }
        sum->nanos = (int32_t)nanos;
        return true;
    }
}

static bool sum_up(value list, value *sum)
{
    *sum = (value){.kind = list.len > 0 ? list.as.items[0].kind : VALUE_INT};
    for (size_t i = 0; i < list.len; i++)
        if (!add(sum, list.as.items[i]))
            return false;
    return true;
}

static gov_status sum_of(const char *function, value list, value *sum, const diag *d)
{
    return sum_up(list, sum) ? GOV_OK : base_fail(d, M_integer_overflow, A_S("function", function));
}

static gov_status call_sum(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    uint8_t kind;
    (void)user;
    (void)n;
    const gov_status status = kind_of("sum", args[0], run, &kind, d);
    return status == GOV_OK ? sum_of("sum", args[0], out, d) : status;
}

/* The mean of numbers whose sum has no room: of each its share, and of all the remainders, which are few. */
static gov_status mean_of_shares(value list, int64_t count, value *out, const diag *d)
{
    int64_t whole = 0, rest = 0;
    uint64_t whole_u = 0, rest_u = 0;
    if (list.as.items[0].kind == VALUE_DURATION)
        return base_fail(d, M_integer_overflow, A_S("function", "mean"));
    for (size_t i = 0; i < list.len; i++) {
        const value v = list.as.items[i];
        if (v.kind == VALUE_INT) {
            whole += v.as.i / count;
            rest += v.as.i % count; /* below count * count in all, and lists have at most 2^31 items */
        } else {
            whole_u += v.as.u / (uint64_t)count;
            rest_u += v.as.u % (uint64_t)count;
        }
    }
    *out = value_double((double)whole + (double)whole_u + ((double)rest + (double)rest_u) / (double)count);
    return GOV_OK;
}

static gov_status call_mean(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    uint8_t kind;
    value sum;
    (void)user;
    (void)n;
    gov_status status = kind_of("mean", args[0], run, &kind, d);
    if (status == GOV_OK && kind == VALUE_ABSENT)
        status = refuse("mean", "the list is empty", d);
    if (status != GOV_OK)
        return status;
    const int64_t count = (int64_t)args[0].len;
    if (!sum_up(args[0], &sum))
        return mean_of_shares(args[0], count, out, d);
    if (kind == VALUE_DURATION) { /* exact to the nanosecond, towards zero: the rest of the seconds is below count * 1e9 */
        const int64_t rest = sum.as.i % count * NANOS + sum.nanos;
        *out = value_duration(sum.as.i / count + rest / count / NANOS, (int32_t)(rest / count % NANOS));
        return GOV_OK;
    }
    *out = value_double((kind == VALUE_INT    ? (double)sum.as.i
                         : kind == VALUE_UINT ? (double)sum.as.u
                                              : sum.as.d) /
                        (double)count);
    return GOV_OK;
}

/* ---- percentile ---- */

static int compare(value a, value b)
{
    return value_compare(a, b);
}

/* Moves item k to where it stands in order; Hoare's selection, its pivots from the middle, paid for by the step. */
static gov_status select_item(value *items, size_t len, size_t k, const expr_run *run, const diag *d)
{
    size_t low = 0, high = len - 1;
    while (low < high) {
        const value pivot = items[low + (high - low) / 2];
        size_t i = low, j = high;
        const gov_status status = expr_spend(run, 1 + (high - low) / PER_UNIT, d);
        if (status != GOV_OK)
            return status;
        for (;;) {
            while (compare(items[i], pivot) < 0)
                i++;
            while (compare(pivot, items[j]) < 0)
                j--;
            if (i >= j)
                break;
            const value swap = items[i];
            items[i++] = items[j];
            items[j--] = swap;
        }
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
    return GOV_OK;
}

/* By nearest rank: the smallest item that p of a hundred do not exceed. */
static gov_status call_percentile(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    uint8_t kind;
    const size_t len = args[0].len;
    (void)user;
    (void)n;
    gov_status status = kind_of("percentile", args[0], run, &kind, d);
    if (status == GOV_OK && kind == VALUE_ABSENT)
        status = refuse("percentile", "the list is empty", d);
    for (size_t i = 0; kind == VALUE_DOUBLE && status == GOV_OK && i < len; i++)
        if (isnan(args[0].as.items[i].as.d))
            status = refuse("percentile", "NaN has no rank", d);
    if (status == GOV_OK && (args[1].as.i < 0 || args[1].as.i > 100))
        status = refuse("percentile", "a percentile lies between 0 and 100", d);
    if (status != GOV_OK)
        return status;
    value *items = run->scratch != NULL ? base_arena_array(run->scratch, len, sizeof *items) : NULL;
    if (items == NULL)
        return base_nomem(d);
    memcpy(items, args[0].as.items, len * sizeof *items);
    const uint64_t rank = ((uint64_t)len * (uint64_t)args[1].as.i + 99) / 100;
    const size_t k = rank > 0 ? (size_t)rank - 1 : 0;
    status = select_item(items, len, k, run, d);
    *out = items[k];
    return status;
}

#define OF(ITEM) (EXPR_LIST | (ITEM) << 4)
static const expr_function functions[] = {
    {.name = "sum", .pure = true, .argc = 1, .args = {OF(EXPR_INT)}, .result = EXPR_INT, .call = call_sum},
    {.name = "sum", .pure = true, .argc = 1, .args = {OF(EXPR_UINT)}, .result = EXPR_UINT, .call = call_sum},
    {.name = "sum", .pure = true, .argc = 1, .args = {OF(EXPR_DOUBLE)}, .result = EXPR_DOUBLE, .call = call_sum},
    {.name = "sum", .pure = true, .argc = 1, .args = {OF(EXPR_DURATION)}, .result = EXPR_DURATION, .call = call_sum},
    {.name = "mean", .pure = true, .argc = 1, .args = {OF(EXPR_INT)}, .result = EXPR_DOUBLE, .call = call_mean},
    {.name = "mean", .pure = true, .argc = 1, .args = {OF(EXPR_UINT)}, .result = EXPR_DOUBLE, .call = call_mean},
    {.name = "mean", .pure = true, .argc = 1, .args = {OF(EXPR_DOUBLE)}, .result = EXPR_DOUBLE, .call = call_mean},
    {.name = "mean", .pure = true, .argc = 1, .args = {OF(EXPR_DURATION)}, .result = EXPR_DURATION, .call = call_mean},
    {.name = "percentile", .pure = true, .argc = 2, .args = {OF(EXPR_INT), EXPR_INT}, .result = EXPR_INT, .call = call_percentile},
    {.name = "percentile", .pure = true, .argc = 2, .args = {OF(EXPR_UINT), EXPR_INT}, .result = EXPR_UINT, .call = call_percentile},
    {.name = "percentile", .pure = true, .argc = 2, .args = {OF(EXPR_DOUBLE), EXPR_INT}, .result = EXPR_DOUBLE, .call = call_percentile},
    {.name = "percentile", .pure = true, .argc = 2, .args = {OF(EXPR_DURATION), EXPR_INT}, .result = EXPR_DURATION,
     .call = call_percentile},
};
const rulebook_host insight_words = {.functions = functions, .function_count = ARRAY_LEN(functions)};
