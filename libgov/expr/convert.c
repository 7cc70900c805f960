/* The standard functions on values: conversions, sizes, strings. */
#include "expr/inner.h"

#include <math.h>
#include <string.h>

static int bad(expr_ctx *c, const expr_node *n, value v)
{
    return expr_fail(c, n, M_bad_conversion, NULL, v);
}

static int range(expr_ctx *c, const expr_node *n, value v)
{
    return expr_fail(c, n, M_out_of_range, NULL, v);
}

static int fn_same(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    (void)c;
    (void)n;
    *out = a[0];
    return DONE;
}

static int fn_type(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    size_t len;
    (void)c;
    (void)n;
    const char *name = expr_type_name(a[0], &len);
    *out = (value){.kind = VALUE_TYPE, .as.s = name, .len = len};
    return DONE;
}

static int fn_size(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    size_t len = a[0].len;
    if (a[0].kind == VALUE_STRING) {
        if (!expr_charge(c, len / 64))
            return expr_too_costly(c, n);
        len = base_utf8_count(a[0].as.s, len);
    }
    *out = value_int((int64_t)len);
    return DONE;
}

/* ---- bool, int, uint, double ---- */

static bool one_of(value v, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (value_is_text(v, texts[i]))
            return true;
    return false;
}

static int fn_bool(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
    const bool is = one_of(a[0], yes, ARRAY_LEN(yes));
    if (!is && !one_of(a[0], no, ARRAY_LEN(no)))
        return bad(c, n, a[0]);
    *out = value_bool(is);
    return DONE;
}

/* A double that is not within both bounds (exclusive) has no integer. */
static bool whole(double d, double low, double high)
{
    return d > low && d < high; /* false for NaN */
}

static int fn_int(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const value v = a[0];
    int64_t i;
    switch (v.kind) {
    case VALUE_UINT:
        if (v.as.u > INT64_MAX)
            return range(c, n, v);
        *out = value_int((int64_t)v.as.u);
        return DONE;
    case VALUE_DOUBLE:
        if (!whole(v.as.d, -0x1p63, 0x1p63))
            return range(c, n, v);
        *out = value_int((int64_t)v.as.d);
        return DONE;
    case VALUE_TIMESTAMP: *out = value_int(v.as.i); return DONE;
    default: break;
    }
    const size_t plus = v.len > 1 && v.as.s[0] == '+' && v.as.s[1] != '-';
    if (!base_parse_int(v.as.s + plus, v.len - plus, &i))
        return bad(c, n, v);
    *out = value_int(i);
    return DONE;
}

static int fn_uint(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const value v = a[0];
    uint64_t u;
    switch (v.kind) {
    case VALUE_INT:
        if (v.as.i < 0)
            return range(c, n, v);
        *out = value_uint((uint64_t)v.as.i);
        return DONE;
    case VALUE_DOUBLE:
        if (!whole(v.as.d, -1, 0x1p64) || v.as.d < 0)
            return range(c, n, v);
        *out = value_uint((uint64_t)v.as.d);
        return DONE;
    default:
        if (!base_parse_uint(v.as.s, v.len, &u))
            return bad(c, n, v);
        *out = value_uint(u);
        return DONE;
    }
}

static bool special_double(value v, double *d)
{
    static const char *const nan_texts[] = {"NaN", "nan", "NAN"};
    static const char *const inf_texts[] = {"Infinity", "infinity", "inf",      "Inf",
                                            "+Inf",     "+inf",     "+Infinity"};
    static const char *const minus_texts[] = {"-Infinity", "-infinity", "-inf", "-Inf"};
    if (one_of(v, nan_texts, ARRAY_LEN(nan_texts)))
        *d = NAN;
    else if (one_of(v, inf_texts, ARRAY_LEN(inf_texts)))
        *d = INFINITY;
    else if (one_of(v, minus_texts, ARRAY_LEN(minus_texts)))
        *d = -INFINITY;
    else
        return false;
    return true;
}

static int fn_double(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const value v = a[0];
    double d;
    if (v.kind == VALUE_INT)
        *out = value_double((double)v.as.i);
    else if (v.kind == VALUE_UINT)
        *out = value_double((double)v.as.u);
    else if (special_double(v, &d))
        *out = value_double(d);
    else if (v.len > 1024 || !base_parse_double(v.as.s, v.len, &d))
        return bad(c, n, v);
    else if (isinf(d))
        return range(c, n, v);
    else
        *out = value_double(d);
    return DONE;
}

/* ---- string and bytes ---- */

static int fn_string_of_bytes(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    if (!expr_charge(c, a[0].len / 64))
        return expr_too_costly(c, n);
    if (!base_utf8_valid(a[0].as.s, a[0].len))
        return expr_fail(c, n, M_invalid_argument, "the bytes are not UTF-8", value_absent());
    *out = value_string(a[0].as.s, a[0].len);
    return DONE;
}

static int fn_bytes(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    (void)c;
    (void)n;
    *out = value_bytes(a[0].as.s, a[0].len);
    return DONE;
}

static size_t format_uint(uint64_t u, char out[24])
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u > 0);
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

static size_t format_double(double d, char out[EXPR_DOUBLE_TEXT])
{
    if (!isnan(d) && !isinf(d))
        return expr_double_text(d, 6, out);
    const char *text = isnan(d) ? "NaN" : d < 0 ? "-Inf" : "+Inf";
    memcpy(out, text, strlen(text));
    return strlen(text);
}

static int fn_string(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const value v = a[0];
    char text[EXPR_DOUBLE_TEXT];
    size_t len;
    switch (v.kind) {
    case VALUE_BOOL: *out = value_text(v.as.b ? "true" : "false"); return DONE;
    case VALUE_INT: len = base_format_int(v.as.i, text); break;
    case VALUE_UINT: len = format_uint(v.as.u, text); break;
    default: len = format_double(v.as.d, text); break;
    }
    return expr_text(n, c, text, len, out);
}

/* ---- searching ---- */

static const char *find(const char *s, size_t len, const char *what, size_t n)
{
    if (n == 0)
        return s;
    for (const char *end = s + len; (size_t)(end - s) >= n; s++) {
        s = memchr(s, what[0], (size_t)(end - s) - n + 1);
        if (s == NULL)
            return NULL;
        if (memcmp(s, what, n) == 0)
            return s;
    }
    return NULL;
}

static int fn_contains(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    if (!expr_charge(c, (a[0].len / 64) * (1 + a[1].len / 64)))
        return expr_too_costly(c, n);
    *out = value_bool(a[1].len == 0 ||
                      (a[0].len > 0 && find(a[0].as.s, a[0].len, a[1].as.s, a[1].len) != NULL));
    return DONE;
}

static int fn_starts_with(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    (void)c;
    (void)n;
    *out = value_bool(a[1].len == 0 ||
                      (a[1].len <= a[0].len && memcmp(a[0].as.s, a[1].as.s, a[1].len) == 0));
    return DONE;
}

static int fn_ends_with(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    (void)c;
    (void)n;
    *out = value_bool(a[1].len == 0 ||
                      (a[1].len <= a[0].len &&
                       memcmp(a[0].as.s + (a[0].len - a[1].len), a[1].as.s, a[1].len) == 0));
    return DONE;
}

static int fn_matches(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const char *why;
    void *made = NULL;
    const void *pattern = n->aid;
    if (!expr_charge(c, 1 + a[0].len / 64 + (pattern == NULL ? 16 + a[1].len : 0)))
        return expr_too_costly(c, n);
    if (pattern == NULL) {
        pattern = made = expr_pattern_new(c->program->alloc, a[1].as.s, a[1].len, &why);
        if (made == NULL)
            return why != NULL ? expr_fail(c, n, M_bad_pattern, why, value_absent())
                               : expr_nomem(c, n);
    }
    int found = -1;
    bool paid = true;
    for (unsigned tier = 0; found == -1 && paid && tier < EXPR_PATTERN_TIERS; tier++) {
        paid = tier == 0 || expr_charge(c, expr_pattern_steps(tier) / 32);
        if (paid)
            found = expr_pattern_match(pattern, tier, a[0].as.s, a[0].len);
    }
    expr_pattern_free(made);
    if (!paid)
        return expr_too_costly(c, n);
    switch (found) {
    case 0:
    case 1: *out = value_bool(found == 1); return DONE;
    case -1: return expr_stop(c, n, M_pattern_limit);
    case -2: return expr_nomem(c, n);
    default: return expr_fail(c, n, M_invalid_argument, "the text is not UTF-8", value_absent());
    }
}

#define S EXPR_STRING
const expr_overload expr_standard_functions[] = {
    {"dyn", CALL_GLOBAL, 1, {TYPE_A}, EXPR_DYN, fn_same, NULL},
    {"type", CALL_GLOBAL, 1, {TYPE_A}, EXPR_TYPE, fn_type, NULL},
    {"size", CALL_BOTH, 1, {S}, EXPR_INT, fn_size, NULL},
    {"size", CALL_BOTH, 1, {EXPR_BYTES}, EXPR_INT, fn_size, NULL},
    {"size", CALL_BOTH, 1, {EXPR_LIST}, EXPR_INT, fn_size, NULL},
    {"size", CALL_BOTH, 1, {EXPR_MAP}, EXPR_INT, fn_size, NULL},
    {"bool", CALL_GLOBAL, 1, {EXPR_BOOL}, EXPR_BOOL, fn_same, NULL},
    {"bool", CALL_GLOBAL, 1, {S}, EXPR_BOOL, fn_bool, NULL},
    {"int", CALL_GLOBAL, 1, {EXPR_INT}, EXPR_INT, fn_same, NULL},
    {"int", CALL_GLOBAL, 1, {EXPR_UINT}, EXPR_INT, fn_int, NULL},
    {"int", CALL_GLOBAL, 1, {EXPR_DOUBLE}, EXPR_INT, fn_int, NULL},
    {"int", CALL_GLOBAL, 1, {S}, EXPR_INT, fn_int, NULL},
    {"int", CALL_GLOBAL, 1, {EXPR_TIMESTAMP}, EXPR_INT, fn_int, NULL},
    {"uint", CALL_GLOBAL, 1, {EXPR_UINT}, EXPR_UINT, fn_same, NULL},
    {"uint", CALL_GLOBAL, 1, {EXPR_INT}, EXPR_UINT, fn_uint, NULL},
    {"uint", CALL_GLOBAL, 1, {EXPR_DOUBLE}, EXPR_UINT, fn_uint, NULL},
    {"uint", CALL_GLOBAL, 1, {S}, EXPR_UINT, fn_uint, NULL},
    {"double", CALL_GLOBAL, 1, {EXPR_DOUBLE}, EXPR_DOUBLE, fn_same, NULL},
    {"double", CALL_GLOBAL, 1, {EXPR_INT}, EXPR_DOUBLE, fn_double, NULL},
    {"double", CALL_GLOBAL, 1, {EXPR_UINT}, EXPR_DOUBLE, fn_double, NULL},
    {"double", CALL_GLOBAL, 1, {S}, EXPR_DOUBLE, fn_double, NULL},
    {"string", CALL_GLOBAL, 1, {S}, S, fn_same, NULL},
    {"string", CALL_GLOBAL, 1, {EXPR_BOOL}, S, fn_string, NULL},
    {"string", CALL_GLOBAL, 1, {EXPR_INT}, S, fn_string, NULL},
    {"string", CALL_GLOBAL, 1, {EXPR_UINT}, S, fn_string, NULL},
    {"string", CALL_GLOBAL, 1, {EXPR_DOUBLE}, S, fn_string, NULL},
    {"string", CALL_GLOBAL, 1, {EXPR_BYTES}, S, fn_string_of_bytes, NULL},
    {"string", CALL_GLOBAL, 1, {EXPR_TIMESTAMP}, S, expr_time_to_string, NULL},
    {"string", CALL_GLOBAL, 1, {EXPR_DURATION}, S, expr_time_to_string, NULL},
    {"bytes", CALL_GLOBAL, 1, {EXPR_BYTES}, EXPR_BYTES, fn_same, NULL},
    {"bytes", CALL_GLOBAL, 1, {S}, EXPR_BYTES, fn_bytes, NULL},
    {"contains", CALL_MEMBER, 2, {S, S}, EXPR_BOOL, fn_contains, NULL},
    {"startsWith", CALL_MEMBER, 2, {S, S}, EXPR_BOOL, fn_starts_with, NULL},
    {"endsWith", CALL_MEMBER, 2, {S, S}, EXPR_BOOL, fn_ends_with, NULL},
    {"matches", CALL_BOTH | CALL_PATTERN, 2, {S, S}, EXPR_BOOL, fn_matches, NULL},
};
#undef S
const size_t expr_standard_function_count = ARRAY_LEN(expr_standard_functions);
