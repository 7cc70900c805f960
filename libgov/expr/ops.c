/* Operators on values: equality, order, arithmetic, indexing, and the making of lists, maps and texts. */
#include "expr/inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory, depth and weight ---- */

void *expr_take(expr_ctx *c, size_t count, size_t size)
{
    if (c->scratch == NULL)
        return NULL;
    return base_arena_array(c->scratch, count, size);
}

/* Lists and maps that an expression made carry their depth in `sub` and their weight in `nanos`, which mean nothing to others;
 * 0 is unknown. So no chain of macros can build what is small in memory but endless to walk. */
typedef struct bulk {
    int depth;
    int64_t weight;
    int64_t walked; /* values looked at to find out: what finding out costs */
} bulk;

static bulk bulk_of(value v, int left);

static void add_bulk(bulk *sum, bulk part)
{
    if (part.depth > sum->depth)
        sum->depth = part.depth;
    sum->weight += part.weight;
    sum->walked += part.walked;
}

static bulk walk(value v, int left)
{
    bulk sum = {0, 1, 1};
    if (left == 0)
        return (bulk){VALUE_MAX_DEPTH + 1, EXPR_MAX_WEIGHT + 1, 1};
    for (size_t i = 0; i < v.len && sum.weight <= EXPR_MAX_WEIGHT; i++) {
        if (v.kind == VALUE_LIST) {
            add_bulk(&sum, bulk_of(v.as.items[i], left - 1));
        } else {
            add_bulk(&sum, bulk_of(v.as.pairs[i].key, left - 1));
            add_bulk(&sum, bulk_of(v.as.pairs[i].val, left - 1));
        }
    }
    sum.depth++;
    return sum;
}

static bulk bulk_of(value v, int left)
{
    if (v.kind == VALUE_STRING || v.kind == VALUE_BYTES)
        return (bulk){0, 1 + (int64_t)(v.len / 64), 1};
    if (v.kind == VALUE_LIST || v.kind == VALUE_MAP)
        return v.sub != 0 ? (bulk){v.sub, v.nanos, 1} : walk(v, left);
    if (expr_is_optional(v) && v.as.other != NULL) {
        if (left == 0)
            return (bulk){VALUE_MAX_DEPTH + 1, EXPR_MAX_WEIGHT + 1, 1};
        bulk inside = bulk_of(*(const value *)v.as.other, left - 1);
        inside.depth++;
        return inside;
    }
    return (bulk){0, 1, 1};
}

static int weigh(const expr_node *n, expr_ctx *c, value *made)
{
    const bulk b = walk(*made, VALUE_MAX_DEPTH + 1);
    if (b.depth > VALUE_MAX_DEPTH || b.weight > EXPR_MAX_WEIGHT)
        return expr_stop(c, n, M_value_too_large);
    if (!expr_charge(c, (uint64_t)(b.walked / 16)))
        return expr_too_costly(c, n);
    made->sub = (uint8_t)b.depth;
    made->nanos = (int32_t)b.weight;
    return DONE;
}

int expr_make_list(const expr_node *n, expr_ctx *c, const value *items, size_t len, value *out)
{
    *out = value_list(items, len);
    return weigh(n, c, out);
}

int expr_make_map(const expr_node *n, expr_ctx *c, value_pair *pairs, size_t len, value *out)
{
    bool failed = false;
    value key;
    for (size_t i = 0; i < len; i++) {
        const uint8_t kind = pairs[i].key.kind;
        if (kind != VALUE_BOOL && kind != VALUE_INT && kind != VALUE_UINT && kind != VALUE_STRING) {
            (void)expr_fail_kinds(c, n, &pairs[i].key, 1);
            c->fault.message = M_unsupported_key_type;
            return FAIL;
        }
    }
    if (expr_same_key_twice(c, pairs, len, &key, &failed))
        return expr_fail(c, n, M_duplicate_key, NULL, key);
    if (failed)
        return expr_nomem(c, n);
    *out = value_map(pairs, len);
    return weigh(n, c, out);
}

static int by_key(const void *a, const void *b)
{
    return value_compare(*(const value *)a, *(const value *)b);
}

bool expr_same_key_twice(expr_ctx *c, const value_pair *pairs, size_t len, value *key, bool *failed)
{
    if (len <= 16) {
        for (size_t i = 1; i < len; i++)
            for (size_t j = 0; j < i; j++)
                if (value_equal(pairs[i].key, pairs[j].key)) {
                    *key = pairs[i].key;
                    return true;
                }
        return false;
    }
    value *keys = expr_take(c, len, sizeof *keys);
    if (keys == NULL) {
        *failed = true;
        return false;
    }
    for (size_t i = 0; i < len; i++)
        keys[i] = pairs[i].key;
    qsort(keys, len, sizeof *keys, by_key);
    for (size_t i = 1; i < len; i++)
        if (value_equal(keys[i - 1], keys[i])) {
            *key = keys[i];
            return true;
        }
    return false;
}

int expr_make_optional(const expr_node *n, expr_ctx *c, const value *v, value *out)
{
    *out = (value){.kind = VALUE_OTHER, .sub = OTHER_OPTIONAL};
    if (v == NULL)
        return DONE;
    value *box = expr_take(c, 1, sizeof *box);
    if (box == NULL)
        return expr_nomem(c, n);
    *box = *v;
    out->as.other = box;
    const bulk b = bulk_of(*out, VALUE_MAX_DEPTH + 1);
    return b.depth > VALUE_MAX_DEPTH ? expr_stop(c, n, M_value_too_large) : DONE;
}

int expr_text(const expr_node *n, expr_ctx *c, const char *s, size_t len, value *out)
{
    if (!expr_charge(c, 1 + len / 64))
        return expr_too_costly(c, n);
    char *copy = expr_take(c, len + 1, 1);
    if (copy == NULL)
        return expr_nomem(c, n);
    if (len > 0)
        memcpy(copy, s, len);
    *out = value_string(copy, len);
    return DONE;
}

/* ---- equality and order ---- */

static int equal_lists(expr_ctx *c, value a, value b)
{
    if (a.len != b.len)
        return 0;
    for (size_t i = 0; i < a.len; i++) {
        const int same = expr_equal(c, a.as.items[i], b.as.items[i]);
        if (same != 1)
            return same;
    }
    return 1;
}

static int equal_maps(expr_ctx *c, value a, value b)
{
    if (a.len != b.len)
        return 0;
    for (size_t i = 0; i < a.len; i++) {
        const value_pair *p = &a.as.pairs[i];
        value other = b.as.pairs[i].val;
        if (!value_equal(p->key, b.as.pairs[i].key)) {
            if (!expr_charge(c, 1 + b.len / 16))
                return -1;
            other = value_find(b, p->key);
        }
        const int same = other.kind == VALUE_ABSENT ? 0 : expr_equal(c, p->val, other);
        if (same != 1)
            return same;
    }
    return 1;
}

static int equal_optionals(expr_ctx *c, value a, value b)
{
    if (a.as.other == NULL || b.as.other == NULL)
        return a.as.other == b.as.other;
    return expr_equal(c, *(const value *)a.as.other, *(const value *)b.as.other);
}

static bool is_number(value v)
{
    return v.kind == VALUE_INT || v.kind == VALUE_UINT || v.kind == VALUE_DOUBLE;
}

/* An integer beside a double is compared as the double nearest to it, as CEL has it; integers beside integers exactly. */
static int compare_numbers(value a, value b, bool *unordered)
{
    if (a.kind != VALUE_DOUBLE && b.kind != VALUE_DOUBLE) {
        *unordered = false;
        return value_compare(a, b);
    }
    const double x = a.kind == VALUE_DOUBLE ? a.as.d
                     : a.kind == VALUE_INT  ? (double)a.as.i
                                            : (double)a.as.u;
    const double y = b.kind == VALUE_DOUBLE ? b.as.d
                     : b.kind == VALUE_INT  ? (double)b.as.i
                                            : (double)b.as.u;
    *unordered = isnan(x) || isnan(y);
    return (x > y) - (x < y);
}

int expr_equal(expr_ctx *c, value a, value b)
{
    bool unordered;
    if (is_number(a) && is_number(b))
        return compare_numbers(a, b, &unordered) == 0 && !unordered;
    if (a.kind != b.kind)
        return 0;
    switch (a.kind) {
    case VALUE_LIST: return expr_charge(c, 1 + a.len / 16) ? equal_lists(c, a, b) : -1;
    case VALUE_MAP: return expr_charge(c, 1 + a.len / 16) ? equal_maps(c, a, b) : -1;
    case VALUE_OTHER:
        return expr_is_optional(a) && expr_is_optional(b) ? equal_optionals(c, a, b) : 0;
    case VALUE_STRING:
    case VALUE_BYTES:
        if (a.len != b.len)
            return 0;
        return expr_charge_text(c, a.len) ? value_equal(a, b) : -1;
    default: return value_equal(a, b);
    }
}

bool expr_order(value a, value b, int *cmp, bool *unordered)
{
    *unordered = false;
    if (is_number(a) && is_number(b)) {
        *cmp = compare_numbers(a, b, unordered);
        return true;
    }
    if (a.kind != b.kind ||
        (a.kind != VALUE_BOOL && a.kind != VALUE_STRING && a.kind != VALUE_BYTES &&
         a.kind != VALUE_TIMESTAMP && a.kind != VALUE_DURATION))
        return false;
    *cmp = value_compare(a, b);
    return true;
}

/* ---- arithmetic ---- */

static int no_overload(const expr_node *n, expr_ctx *c, value a, value b)
{
    const value args[2] = {a, b};
    return expr_fail_kinds(c, n, args, 2);
}

static int overflow(const expr_node *n, expr_ctx *c)
{
    return expr_fail(c, n, M_integer_overflow, NULL, value_absent());
}

static int int_arith(const expr_node *n, expr_ctx *c, node_op op, int64_t a, int64_t b, value *out)
{
    int64_t r = 0;
    bool ok = true;
    if ((op == OP_DIV || op == OP_MOD) && b == 0)
        return expr_fail(c, n, op == OP_DIV ? M_divide_by_zero : M_modulus_by_zero, NULL,
                         value_absent());
    switch (op) {
    case OP_ADD: ok = base_add(a, b, &r); break;
    case OP_SUB: ok = base_sub(a, b, &r); break;
    case OP_MUL: ok = base_mul(a, b, &r); break;
    default:
        ok = !(a == INT64_MIN && b == -1);
        if (ok)
            r = op == OP_DIV ? a / b : a % b;
        break;
    }
    *out = value_int(r);
    return ok ? DONE : overflow(n, c);
}

static int uint_arith(const expr_node *n, expr_ctx *c, node_op op, uint64_t a, uint64_t b,
                      value *out)
{
    uint64_t r = 0;
    bool bad = false;
    if ((op == OP_DIV || op == OP_MOD) && b == 0)
        return expr_fail(c, n, op == OP_DIV ? M_divide_by_zero : M_modulus_by_zero, NULL,
                         value_absent());
    switch (op) {
    case OP_ADD: bad = __builtin_add_overflow(a, b, &r); break;
    case OP_SUB: bad = __builtin_sub_overflow(a, b, &r); break;
    case OP_MUL: bad = __builtin_mul_overflow(a, b, &r); break;
    default: r = op == OP_DIV ? a / b : a % b; break;
    }
    *out = value_uint(r);
    return bad ? overflow(n, c) : DONE;
}

static int double_arith(const expr_node *n, expr_ctx *c, node_op op, value a, value b, value *out)
{
    const double x = a.as.d, y = b.as.d;
    if (op == OP_MOD)
        return no_overload(n, c, a, b);
    *out = value_double(op == OP_ADD ? x + y : op == OP_SUB ? x - y : op == OP_MUL ? x * y : x / y);
    return DONE;
}

bool expr_timestamp_ok(int64_t seconds)
{
    return seconds >= INT64_C(-62135596800) && seconds <= INT64_C(253402300799);
}

/* A duration is what fits in 64 bits of nanoseconds, some 292 years either way. */
static bool duration_ok(int64_t seconds, int32_t nanos)
{
    const int64_t most = INT64_C(9223372036);
    if (seconds >= most)
        return seconds == most && nanos <= 854775807;
    if (seconds <= -most)
        return seconds == -most && nanos >= -854775808;
    return true;
}

static int time_arith(const expr_node *n, expr_ctx *c, node_op op, value a, value b, value *out)
{
    const bool moment = (a.kind == VALUE_TIMESTAMP) != (b.kind == VALUE_TIMESTAMP);
    int64_t seconds, nanos = op == OP_ADD ? (int64_t)a.nanos + b.nanos : (int64_t)a.nanos - b.nanos;
    if ((op != OP_ADD && op != OP_SUB) ||
        (op == OP_ADD && a.kind == VALUE_TIMESTAMP && b.kind == VALUE_TIMESTAMP) ||
        (op == OP_SUB && a.kind == VALUE_DURATION && b.kind == VALUE_TIMESTAMP))
        return no_overload(n, c, a, b);
    if (!(op == OP_ADD ? base_add(a.as.i, b.as.i, &seconds) : base_sub(a.as.i, b.as.i, &seconds)) ||
        !base_add(seconds, nanos / 1000000000, &seconds))
        return expr_fail(c, n, M_out_of_range, NULL, value_absent());
    nanos %= 1000000000;
    /* A timestamp's fraction is never negative; a duration's has the sign of its seconds. */
    if (nanos < 0 && (moment || seconds > 0)) {
        nanos += 1000000000;
        if (!base_sub(seconds, 1, &seconds))
            return expr_fail(c, n, M_out_of_range, NULL, value_absent());
    } else if (!moment && nanos > 0 && seconds < 0) {
        nanos -= 1000000000;
        seconds++;
    }
    if (moment ? !expr_timestamp_ok(seconds) : !duration_ok(seconds, (int32_t)nanos))
        return expr_fail(c, n, M_out_of_range, NULL, value_absent());
    *out =
        moment ? value_timestamp(seconds, (int32_t)nanos) : value_duration(seconds, (int32_t)nanos);
    return DONE;
}

int expr_concat(const expr_node *n, expr_ctx *c, value a, value b, value *out)
{
    const size_t len = a.len + b.len;
    if (a.len == 0 || b.len == 0) {
        *out = a.len == 0 ? b : a;
        return DONE;
    }
    if (a.kind == VALUE_LIST) {
        if (!expr_charge(c, 1 + len / 16))
            return expr_too_costly(c, n);
        value *items = expr_take(c, len, sizeof *items);
        if (items == NULL)
            return expr_nomem(c, n);
        memcpy(items, a.as.items, a.len * sizeof *items);
        memcpy(items + a.len, b.as.items, b.len * sizeof *items);
        return expr_make_list(n, c, items, len, out);
    }
    if (!expr_charge(c, 1 + len / 64))
        return expr_too_costly(c, n);
    char *text = expr_take(c, len + 1, 1);
    if (text == NULL)
        return expr_nomem(c, n);
    memcpy(text, a.as.s, a.len);
    memcpy(text + a.len, b.as.s, b.len);
    *out = a.kind == VALUE_STRING ? value_string(text, len) : value_bytes(text, len);
    return DONE;
}

static bool is_time(value v)
{
    return v.kind == VALUE_TIMESTAMP || v.kind == VALUE_DURATION;
}

int expr_arith(const expr_node *n, expr_ctx *c, node_op op, value a, value b, value *out)
{
    if (is_time(a) && is_time(b))
        return time_arith(n, c, op, a, b, out);
    if (a.kind != b.kind)
        return no_overload(n, c, a, b);
    switch (a.kind) {
    case VALUE_INT: return int_arith(n, c, op, a.as.i, b.as.i, out);
    case VALUE_UINT: return uint_arith(n, c, op, a.as.u, b.as.u, out);
    case VALUE_DOUBLE: return double_arith(n, c, op, a, b, out);
    case VALUE_STRING:
    case VALUE_BYTES:
    case VALUE_LIST: return op == OP_ADD ? expr_concat(n, c, a, b, out) : no_overload(n, c, a, b);
    default: return no_overload(n, c, a, b);
    }
}

int expr_negate(const expr_node *n, expr_ctx *c, value a, value *out)
{
    if (a.kind == VALUE_DOUBLE) {
        *out = value_double(-a.as.d);
        return DONE;
    }
    if (a.kind != VALUE_INT)
        return expr_fail_kinds(c, n, &a, 1);
    if (a.as.i == INT64_MIN)
        return overflow(n, c);
    *out = value_int(-a.as.i);
    return DONE;
}

/* ---- indexing ---- */

/* A list's index: any number that is whole. */
static bool whole_index(value i, uint64_t *at)
{
    if (i.kind == VALUE_INT) {
        *at = i.as.i < 0 ? UINT64_MAX : (uint64_t)i.as.i;
        return true;
    }
    if (i.kind == VALUE_UINT) {
        *at = i.as.u;
        return true;
    }
    if (i.kind != VALUE_DOUBLE || floor(i.as.d) != i.as.d) /* NaN differs from itself */
        return false;
    *at = i.as.d >= 0 && i.as.d < 9e15 ? (uint64_t)i.as.d : UINT64_MAX;
    return true;
}

int expr_index(const expr_node *n, expr_ctx *c, value a, value i, value *out)
{
    uint64_t at;
    if (a.kind == VALUE_MAP) {
        if ((a.len > 16 && !expr_charge(c, a.len / 16)) ||
            (i.kind == VALUE_STRING && !expr_charge_text(c, i.len)))
            return expr_too_costly(c, n);
        *out = value_find(a, i);
        return DONE;
    }
    if (a.kind != VALUE_LIST ||
        (i.kind != VALUE_INT && i.kind != VALUE_UINT && i.kind != VALUE_DOUBLE))
        return no_overload(n, c, a, i);
    if (!whole_index(i, &at))
        return expr_fail(c, n, M_invalid_argument, "an index must be a whole number", i);
    *out = at < a.len ? a.as.items[at] : value_absent();
    return DONE;
}
