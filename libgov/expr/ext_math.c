/* Extension functions on numbers, and base64. */
#include "expr/inner.h"

#include <math.h>
#include <sodium.h>
#include <string.h>

static bool is_number(value v)
{
    return v.kind == VALUE_INT || v.kind == VALUE_UINT || v.kind == VALUE_DOUBLE;
}

/* The largest or smallest of some numbers; the first among equals. */
static int pick(expr_ctx *c, const expr_node *n, const value *items, size_t len, int sign,
                value *out)
{
    for (size_t i = 0; i < len; i++) {
        int cmp;
        bool unordered;
        if (!is_number(items[i]))
            return expr_fail_wanted(c, n, items, len, "int, uint or double");
        if (i == 0) {
            *out = items[i];
            continue;
        }
        (void)expr_order(items[i], *out, &cmp, &unordered);
        if (unordered)
            return expr_fail(c, n, M_invalid_argument, EXPR_NAN_ORDER, value_absent());
        if (cmp * sign > 0)
            *out = items[i];
    }
    return DONE;
}

static int extreme(expr_ctx *c, const expr_node *n, const value *a, int sign, value *out)
{
    if (n->count != 1 || a[0].kind != VALUE_LIST)
        return pick(c, n, a, n->count, sign, out);
    if (a[0].len == 0)
        return expr_fail(c, n, M_invalid_argument, "the list is empty", value_absent());
    if (!expr_charge(c, a[0].len / 16))
        return expr_too_costly(c, n);
    return pick(c, n, a[0].as.items, a[0].len, sign, out);
}

static int fn_greatest(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return extreme(c, n, a, 1, out);
}

static int fn_least(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return extreme(c, n, a, -1, out);
}

#define OF_DOUBLE(fn, expression)                                              \
    static int fn(expr_ctx *c, const expr_node *n, const value *a, value *out) \
    {                                                                          \
        const double d = a[0].as.d;                                            \
        (void)c;                                                               \
        (void)n;                                                               \
        *out = (expression);                                                   \
        return DONE;                                                           \
    }

OF_DOUBLE(fn_ceil, value_double(ceil(d)))
OF_DOUBLE(fn_floor, value_double(floor(d)))
OF_DOUBLE(fn_round, value_double(round(d)))
OF_DOUBLE(fn_trunc, value_double(trunc(d)))
OF_DOUBLE(fn_abs_double, value_double(fabs(d)))
OF_DOUBLE(fn_sign_double, value_double(isnan(d) ? d : (double)((d > 0) - (d < 0))))
OF_DOUBLE(fn_is_nan, value_bool(isnan(d)))
OF_DOUBLE(fn_is_inf, value_bool(isinf(d)))
OF_DOUBLE(fn_is_finite, value_bool(isfinite(d)))

static int fn_sqrt(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const value v = a[0];
    (void)c;
    (void)n;
    *out = value_double(sqrt(v.kind == VALUE_INT    ? (double)v.as.i
                             : v.kind == VALUE_UINT ? (double)v.as.u
                                                    : v.as.d));
    return DONE;
}

static int fn_abs(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    if (a[0].kind == VALUE_INT && a[0].as.i == INT64_MIN)
        return expr_fail(c, n, M_integer_overflow, NULL, value_absent());
    *out = a[0].kind == VALUE_INT && a[0].as.i < 0 ? value_int(-a[0].as.i) : a[0];
    return DONE;
}

static int fn_sign(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    (void)c;
    (void)n;
    *out = a[0].kind == VALUE_INT ? value_int((a[0].as.i > 0) - (a[0].as.i < 0))
                                  : value_uint(a[0].as.u > 0);
    return DONE;
}

/* ---- bits: ints as their two's complement ---- */

static value bits_value(uint8_t kind, uint64_t bits)
{
    value v = {.kind = kind};
    v.as.u = bits;
    return v;
}

#define OF_BITS(fn, expression)                                                \
    static int fn(expr_ctx *c, const expr_node *n, const value *a, value *out) \
    {                                                                          \
        (void)c;                                                               \
        (void)n;                                                               \
        *out = bits_value(a[0].kind, (expression));                            \
        return DONE;                                                           \
    }

OF_BITS(fn_bit_and, a[0].as.u &a[1].as.u)
OF_BITS(fn_bit_or, a[0].as.u | a[1].as.u)
OF_BITS(fn_bit_xor, a[0].as.u ^ a[1].as.u)
OF_BITS(fn_bit_not, ~a[0].as.u)

static int shift(expr_ctx *c, const expr_node *n, const value *a, bool left, value *out)
{
    const int64_t by = a[1].as.i;
    if (by < 0)
        return expr_fail(c, n, M_invalid_argument, "negative offset", a[1]);
    *out = bits_value(a[0].kind, by >= 64 ? 0 : left ? a[0].as.u << by : a[0].as.u >> by);
    return DONE;
}

static int fn_shift_left(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return shift(c, n, a, true, out);
}

static int fn_shift_right(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return shift(c, n, a, false, out);
}

/* ---- base64 ---- */

static int fn_encode(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const size_t size = sodium_base64_encoded_len(a[0].len, sodium_base64_VARIANT_ORIGINAL);
    if (!expr_charge(c, 1 + a[0].len / 64))
        return expr_too_costly(c, n);
    char *text = expr_take(c, size, 1);
    if (text == NULL)
        return expr_nomem(c, n);
    sodium_bin2base64(text, size, (const unsigned char *)a[0].as.s, a[0].len,
                      sodium_base64_VARIANT_ORIGINAL);
    *out = value_string(text, size - 1);
    return DONE;
}

static int sextet_of(char ch)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = ch != '\0' ? strchr(digits, ch) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* With padding or without, over line ends; bits beyond the last byte do not count. SIZE_MAX: it is no base64. */
static size_t decode(value text, unsigned char *out)
{
    size_t len = 0, digits = 0, padding = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char ch = text.as.s[i];
        const int sextet = sextet_of(ch);
        if (ch == '\n' || ch == '\r')
            continue;
        padding += ch == '=';
        if (ch != '=' && (sextet < 0 || padding > 0))
            return SIZE_MAX;
        if (ch == '=')
            continue;
        bits = bits << 6 | (uint32_t)sextet;
        if (digits++ % 4 != 0)
            out[len++] = (unsigned char)(bits >> (6 - 2 * ((digits - 1) % 4)));
    }
    const size_t rest = digits % 4;
    const bool ok = rest != 1 && (padding == 0 || (rest > 0 && padding == 4 - rest));
    return ok ? len : SIZE_MAX;
}

static int fn_decode(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    if (!expr_charge(c, 1 + a[0].len / 64))
        return expr_too_costly(c, n);
    unsigned char *bytes = expr_take(c, a[0].len + 1, 1);
    if (bytes == NULL)
        return expr_nomem(c, n);
    const size_t len = decode(a[0], bytes);
    if (len == SIZE_MAX)
        return expr_fail(c, n, M_invalid_argument, "the text is not base64", value_absent());
    *out = value_bytes(bytes, len);
    return DONE;
}

#define I EXPR_INT
#define U EXPR_UINT
#define D EXPR_DOUBLE
const expr_overload expr_math_functions[] = {
    {"math.greatest", CALL_GLOBAL | CALL_VARIADIC, 1, {EXPR_DYN}, EXPR_DYN, fn_greatest, NULL},
    {"math.least", CALL_GLOBAL | CALL_VARIADIC, 1, {EXPR_DYN}, EXPR_DYN, fn_least, NULL},
    {"math.ceil", CALL_GLOBAL, 1, {D}, D, fn_ceil, NULL},
    {"math.floor", CALL_GLOBAL, 1, {D}, D, fn_floor, NULL},
    {"math.round", CALL_GLOBAL, 1, {D}, D, fn_round, NULL},
    {"math.trunc", CALL_GLOBAL, 1, {D}, D, fn_trunc, NULL},
    {"math.abs", CALL_GLOBAL, 1, {I}, I, fn_abs, NULL},
    {"math.abs", CALL_GLOBAL, 1, {U}, U, fn_abs, NULL},
    {"math.abs", CALL_GLOBAL, 1, {D}, D, fn_abs_double, NULL},
    {"math.sign", CALL_GLOBAL, 1, {I}, I, fn_sign, NULL},
    {"math.sign", CALL_GLOBAL, 1, {U}, U, fn_sign, NULL},
    {"math.sign", CALL_GLOBAL, 1, {D}, D, fn_sign_double, NULL},
    {"math.isNaN", CALL_GLOBAL, 1, {D}, EXPR_BOOL, fn_is_nan, NULL},
    {"math.isInf", CALL_GLOBAL, 1, {D}, EXPR_BOOL, fn_is_inf, NULL},
    {"math.isFinite", CALL_GLOBAL, 1, {D}, EXPR_BOOL, fn_is_finite, NULL},
    {"math.sqrt", CALL_GLOBAL, 1, {D}, D, fn_sqrt, NULL},
    {"math.sqrt", CALL_GLOBAL, 1, {I}, D, fn_sqrt, NULL},
    {"math.sqrt", CALL_GLOBAL, 1, {U}, D, fn_sqrt, NULL},
    {"math.bitAnd", CALL_GLOBAL, 2, {I, I}, I, fn_bit_and, NULL},
    {"math.bitAnd", CALL_GLOBAL, 2, {U, U}, U, fn_bit_and, NULL},
    {"math.bitOr", CALL_GLOBAL, 2, {I, I}, I, fn_bit_or, NULL},
    {"math.bitOr", CALL_GLOBAL, 2, {U, U}, U, fn_bit_or, NULL},
    {"math.bitXor", CALL_GLOBAL, 2, {I, I}, I, fn_bit_xor, NULL},
    {"math.bitXor", CALL_GLOBAL, 2, {U, U}, U, fn_bit_xor, NULL},
    {"math.bitNot", CALL_GLOBAL, 1, {I}, I, fn_bit_not, NULL},
    {"math.bitNot", CALL_GLOBAL, 1, {U}, U, fn_bit_not, NULL},
    {"math.bitShiftLeft", CALL_GLOBAL, 2, {I, I}, I, fn_shift_left, NULL},
    {"math.bitShiftLeft", CALL_GLOBAL, 2, {U, I}, U, fn_shift_left, NULL},
    {"math.bitShiftRight", CALL_GLOBAL, 2, {I, I}, I, fn_shift_right, NULL},
    {"math.bitShiftRight", CALL_GLOBAL, 2, {U, I}, U, fn_shift_right, NULL},
    {"base64.encode", CALL_GLOBAL, 1, {EXPR_BYTES}, EXPR_STRING, fn_encode, NULL},
    {"base64.decode", CALL_GLOBAL, 1, {EXPR_STRING}, EXPR_BYTES, fn_decode, NULL},
};
const size_t expr_math_function_count = ARRAY_LEN(expr_math_functions);
