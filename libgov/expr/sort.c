/* Sorting lists by keys: stable, without recursion, in memory from scratch. */
#include "expr/inner.h"

#include <string.h>

/* Are all keys of one kind that has an order? *nan: one is none that a number can be compared with. */
static bool same_kind(const value *keys, size_t len, bool *nan)
{
    int cmp;
    bool unordered;
    *nan = false;
    for (size_t i = 0; i < len; i++) {
        if (keys[i].kind != keys[0].kind || !expr_order(keys[0], keys[i], &cmp, &unordered))
            return false;
        *nan = *nan || unordered;
    }
    return true;
}

static void merge(const value *keys, const uint32_t *from, uint32_t *to, size_t low, size_t mid,
                  size_t high)
{
    size_t a = low, b = mid;
    for (size_t i = low; i < high; i++) {
        int cmp = 0;
        bool unordered;
        if (a < mid && b < high)
            (void)expr_order(keys[from[a]], keys[from[b]], &cmp, &unordered);
        to[i] = a < mid && (b >= high || cmp <= 0) ? from[a++] : from[b++];
    }
}

/* Each key is read about once in each round of merging. */
static bool charge_texts(expr_ctx *c, const value *keys, size_t len)
{
    uint64_t rounds = 0;
    for (size_t width = 1; width < len; width *= 2)
        rounds++;
    for (size_t i = 0; i < len; i++)
        if ((keys[i].kind == VALUE_STRING || keys[i].kind == VALUE_BYTES) &&
            !expr_charge(c, rounds * (keys[i].len / 64)))
            return false;
    return true;
}

int expr_sort(const expr_node *n, expr_ctx *c, value list, const value *keys, value *out)
{
    const size_t len = list.len;
    bool nan = false;
    if (len > 0 && !same_kind(keys, len, &nan))
        return expr_fail_kinds(c, n, &list, 1);
    if (nan && len > 1)
        return expr_fail(c, n, M_invalid_argument, EXPR_NAN_ORDER, value_absent());
    if (len > UINT32_MAX || !expr_charge(c, len) || !charge_texts(c, keys, len))
        return expr_too_costly(c, n);
    uint32_t *from = expr_take(c, len, sizeof *from), *to = expr_take(c, len, sizeof *to);
    value *items = expr_take(c, len, sizeof *items);
    if (from == NULL || to == NULL || items == NULL)
        return expr_nomem(c, n);
    for (size_t i = 0; i < len; i++)
        from[i] = (uint32_t)i;
    for (size_t width = 1; width < len; width *= 2) {
        for (size_t low = 0; low < len; low += 2 * width) {
            const size_t mid = low + width < len ? low + width : len;
            merge(keys, from, to, low, mid, mid + width < len ? mid + width : len);
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < len; i++)
        items[i] = list.as.items[from[i]];
    return expr_make_list(n, c, items, len, out);
}
