/* Extension functions on lists, lists as sets, and optionals. */
#include "expr/inner.h"

#include <string.h>

#define LIST_A     (EXPR_LIST | TYPE_A << 4)
#define OPTIONAL_A (EXPR_OPTIONAL | TYPE_A << 4)

/* ---- lists ---- */

static int fn_slice(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const int64_t start = a[1].as.i, end = a[2].as.i;
    if (start < 0 || end < start || (uint64_t)end > a[0].len)
        return expr_fail(c, n, M_invalid_argument, "index out of range",
                         start < 0 || end < start ? a[1] : a[2]);
    return expr_make_list(n, c, a[0].len > 0 ? a[0].as.items + start : NULL, (size_t)(end - start),
                          out);
}

/* The items that a function collects; the array is taken anew when it is full. */
typedef struct items {
    value *at;
    size_t len, cap;
} items;

static int add_item(expr_ctx *c, const expr_node *n, items *to, value v)
{
    if (!expr_charge(c, (to->len & 15) == 0))
        return expr_too_costly(c, n);
    if (to->len == to->cap) {
        const size_t cap = to->cap == 0 ? 8 : to->cap * 2;
        value *grown = expr_take(c, cap, sizeof *grown);
        if (grown == NULL)
            return expr_nomem(c, n);
        if (to->len > 0)
            memcpy(grown, to->at, to->len * sizeof *grown);
        to->at = grown;
        to->cap = cap;
    }
    to->at[to->len++] = v;
    return DONE;
}

static int flatten(expr_ctx *c, const expr_node *n, value list, int64_t depth, items *to)
{
    int how = expr_charge(c, 1) ? DONE : expr_too_costly(c, n);
    for (size_t i = 0; how == DONE && i < list.len; i++) {
        const value v = list.as.items[i];
        how = v.kind == VALUE_LIST && depth > 0 ? flatten(c, n, v, depth - 1, to)
                                                : add_item(c, n, to, v);
    }
    return how;
}

static int fn_flatten(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const int64_t depth = n->count == 2 ? a[1].as.i : 1;
    items to = {0};
    if (depth < 0)
        return expr_fail(c, n, M_invalid_argument, "the level must not be negative", a[1]);
    const int how = flatten(c, n, a[0], depth, &to);
    return how == DONE ? expr_make_list(n, c, to.at, to.len, out) : how;
}

/* Is v equal to one of the items? 1, 0, or -1: too costly. */
static int member(expr_ctx *c, const value *list, size_t len, value v)
{
    if (!expr_charge(c, 1 + len / 16))
        return -1;
    for (size_t i = 0; i < len; i++) {
        const int same = expr_equal(c, list[i], v);
        if (same != 0)
            return same;
    }
    return 0;
}

static int fn_distinct(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    items to = {0};
    for (size_t i = 0; i < a[0].len; i++) {
        const int known = member(c, to.at, to.len, a[0].as.items[i]);
        if (known < 0)
            return expr_too_costly(c, n);
        const int how = known == 0 ? add_item(c, n, &to, a[0].as.items[i]) : DONE;
        if (how != DONE)
            return how;
    }
    return expr_make_list(n, c, to.at, to.len, out);
}

static int fn_range(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const int64_t len = a[0].as.i;
    if (len < 0)
        return expr_fail(c, n, M_invalid_argument, "a length must not be negative", a[0]);
    if (len > EXPR_MAX_WEIGHT)
        return expr_stop(c, n, M_value_too_large);
    if (!expr_charge(c, (uint64_t)len / 16))
        return expr_too_costly(c, n);
    value *to = expr_take(c, (size_t)len, sizeof *to);
    if (to == NULL)
        return expr_nomem(c, n);
    for (int64_t i = 0; i < len; i++)
        to[i] = value_int(i);
    return expr_make_list(n, c, to, (size_t)len, out);
}

static int fn_reverse(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    if (!expr_charge(c, a[0].len / 16))
        return expr_too_costly(c, n);
    value *to = expr_take(c, a[0].len, sizeof *to);
    if (to == NULL)
        return expr_nomem(c, n);
    for (size_t i = 0; i < a[0].len; i++)
        to[i] = a[0].as.items[a[0].len - 1 - i];
    return expr_make_list(n, c, to, a[0].len, out);
}

static int fn_sort(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return expr_sort(n, c, a[0], a[0].as.items, out);
}

static int fn_first(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return expr_make_optional(n, c, a[0].len > 0 ? &a[0].as.items[0] : NULL, out);
}

static int fn_last(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return expr_make_optional(n, c, a[0].len > 0 ? &a[0].as.items[a[0].len - 1] : NULL, out);
}

/* ---- sets ---- */

/* Does `set` have all of `wanted` (1), at least one (any: 1), or not (0)? -1: too costly. */
static int covers(expr_ctx *c, value set, value wanted, bool any)
{
    for (size_t i = 0; i < wanted.len; i++) {
        const int has = member(c, set.as.items, set.len, wanted.as.items[i]);
        if (has < 0 || has == any)
            return has;
    }
    return !any;
}

static int set_answer(expr_ctx *c, const expr_node *n, int answer, value *out)
{
    *out = value_bool(answer == 1);
    return answer < 0 ? expr_too_costly(c, n) : DONE;
}

static int fn_sets_contains(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return set_answer(c, n, covers(c, a[0], a[1], false), out);
}

static int fn_sets_equivalent(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const int forth = covers(c, a[0], a[1], false);
    return set_answer(c, n, forth == 1 ? covers(c, a[1], a[0], false) : forth, out);
}

static int fn_sets_intersects(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return set_answer(c, n, covers(c, a[0], a[1], true), out);
}

/* ---- optionals ---- */

static int fn_of(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return expr_make_optional(n, c, &a[0], out);
}

/* The value that a kind begins with: false, 0, "", an empty list, the year 1, ... */
static bool is_zero(value v)
{
    switch (v.kind) {
    case VALUE_NULL: return true;
    case VALUE_BOOL: return !v.as.b;
    case VALUE_INT:
    case VALUE_UINT: return v.as.u == 0;
    case VALUE_DOUBLE: return v.as.d == 0;
    case VALUE_STRING:
    case VALUE_BYTES:
    case VALUE_LIST:
    case VALUE_MAP: return v.len == 0;
    case VALUE_DURATION: return v.as.i == 0 && v.nanos == 0;
    case VALUE_TIMESTAMP: return v.as.i == INT64_C(-62135596800) && v.nanos == 0;
    default: return expr_is_optional(v) && v.as.other == NULL;
    }
}

static int fn_of_non_zero(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return expr_make_optional(n, c, is_zero(a[0]) ? NULL : &a[0], out);
}

static int fn_none(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    (void)a;
    return expr_make_optional(n, c, NULL, out);
}

static int fn_has_value(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    (void)c;
    (void)n;
    *out = value_bool(a[0].as.other != NULL);
    return DONE;
}

static int fn_value(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    if (a[0].as.other == NULL)
        return expr_fail(c, n, M_invalid_argument, "optional.none() has no value", value_absent());
    *out = *(const value *)a[0].as.other;
    return DONE;
}

static int fn_or(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    (void)c;
    (void)n;
    *out = a[0].as.other != NULL ? a[0] : a[1];
    return DONE;
}

static int fn_or_value(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    (void)c;
    (void)n;
    *out = a[0].as.other != NULL ? *(const value *)a[0].as.other : a[1];
    return DONE;
}

/* The alternative is evaluated only when it is needed. */
int expr_step_or_value(const expr_node *n, expr_ctx *c, value *out)
{
    const bool unwrap = n->name_len > 2; /* orValue, not or */
    value first;
    int how = n->kid[0]->eval(n->kid[0], c, &first);
    if (how != DONE)
        return how;
    if (!expr_is_optional(first))
        return expr_fail_kinds(c, n, &first, 1);
    if (first.as.other != NULL) {
        *out = unwrap ? *(const value *)first.as.other : first;
        return DONE;
    }
    how = n->kid[1]->eval(n->kid[1], c, out);
    if (how == DONE && !unwrap && !expr_is_optional(*out))
        return expr_fail_kinds(c, n, out, 1);
    return how;
}

static int fn_unwrap(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    items to = {0};
    int how = DONE;
    for (size_t i = 0; how == DONE && i < a[0].len; i++) {
        const value v = a[0].as.items[i];
        if (!expr_is_optional(v))
            return expr_fail_kinds(c, n, a, 1);
        if (v.as.other != NULL)
            how = add_item(c, n, &to, *(const value *)v.as.other);
    }
    return how == DONE ? expr_make_list(n, c, to.at, to.len, out) : how;
}

#define LIST_OPTIONAL_A (EXPR_LIST | OPTIONAL_A << 4)
const expr_overload expr_list_functions[] = {
    {"slice", CALL_MEMBER, 3, {LIST_A, EXPR_INT, EXPR_INT}, LIST_A, fn_slice, NULL},
    {"flatten", CALL_MEMBER, 1, {EXPR_LIST}, EXPR_LIST, fn_flatten, NULL},
    {"flatten", CALL_MEMBER, 2, {EXPR_LIST, EXPR_INT}, EXPR_LIST, fn_flatten, NULL},
    {"distinct", CALL_MEMBER, 1, {LIST_A}, LIST_A, fn_distinct, NULL},
    {"lists.range", CALL_GLOBAL, 1, {EXPR_INT}, EXPR_LIST | EXPR_INT << 4, fn_range, NULL},
    {"reverse", CALL_MEMBER, 1, {LIST_A}, LIST_A, fn_reverse, NULL},
    {"reverse", CALL_MEMBER, 1, {EXPR_STRING}, EXPR_STRING, expr_reverse_text, NULL},
    {"sort", CALL_MEMBER, 1, {LIST_A}, LIST_A, fn_sort, NULL},
    {"first", CALL_MEMBER, 1, {LIST_A}, OPTIONAL_A, fn_first, NULL},
    {"last", CALL_MEMBER, 1, {LIST_A}, OPTIONAL_A, fn_last, NULL},
    {"sets.contains", CALL_GLOBAL, 2, {LIST_A, LIST_A}, EXPR_BOOL, fn_sets_contains, NULL},
    {"sets.equivalent", CALL_GLOBAL, 2, {LIST_A, LIST_A}, EXPR_BOOL, fn_sets_equivalent, NULL},
    {"sets.intersects", CALL_GLOBAL, 2, {LIST_A, LIST_A}, EXPR_BOOL, fn_sets_intersects, NULL},
    {"optional.of", CALL_GLOBAL, 1, {TYPE_A}, OPTIONAL_A, fn_of, NULL},
    {"optional.ofNonZeroValue", CALL_GLOBAL, 1, {TYPE_A}, OPTIONAL_A, fn_of_non_zero, NULL},
    {"optional.none", CALL_GLOBAL, 0, {0}, EXPR_OPTIONAL, fn_none, NULL},
    {"optional.unwrap", CALL_GLOBAL, 1, {LIST_OPTIONAL_A}, LIST_A, fn_unwrap, NULL},
    {"unwrapOpt", CALL_MEMBER, 1, {LIST_OPTIONAL_A}, LIST_A, fn_unwrap, NULL},
    {"hasValue", CALL_MEMBER, 1, {OPTIONAL_A}, EXPR_BOOL, fn_has_value, NULL},
    {"value", CALL_MEMBER, 1, {OPTIONAL_A}, TYPE_A, fn_value, NULL},
    {"or", CALL_MEMBER | CALL_LAZY, 2, {OPTIONAL_A, OPTIONAL_A}, OPTIONAL_A, fn_or, NULL},
    {"orValue", CALL_MEMBER | CALL_LAZY, 2, {OPTIONAL_A, TYPE_A}, TYPE_A, fn_or_value, NULL},
};
const size_t expr_list_function_count = ARRAY_LEN(expr_list_functions);
