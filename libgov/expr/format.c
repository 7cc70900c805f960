/* "%s has %d points".format([name, points]) */
#include "expr/inner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIGITS = 100 };

typedef struct verb {
    char letter;
    int precision; /* -1: none given */
} verb;

static bool special_double(base_buf *b, value v)
{
    if (v.kind != VALUE_DOUBLE || isfinite(v.as.d))
        return false;
    base_buf_str(b, isnan(v.as.d) ? "NaN" : v.as.d > 0 ? "Infinity" : "-Infinity");
    return true;
}

/* The digits that read back as d, as few as that takes, without zeros around them; the point stands behind *point of them. */
static size_t digits_of(double d, char out[32], long *point)
{
    char text[32];
    size_t count = 0;
    bool fraction = false;
    *point = 0;
    base_format_double(d, text);
    const char *p = text;
    for (; *p != '\0' && *p != 'e'; p++) {
        fraction = fraction || *p == '.';
        if (*p < '0' || *p > '9')
            continue;
        if (count > 0 || *p != '0') {
            out[count++] = *p;
            *point += !fraction;
        } else {
            *point -= fraction; /* 0.00x */
        }
    }
    if (*p == 'e')
        *point += strtol(p + 1, NULL, 10);
    while (count > 0 && out[count - 1] == '0')
        count--;
    if (count == 0) {
        out[count++] = '0';
        *point = 1;
    }
    return count;
}

static size_t fixed(const char *digits, size_t count, long point, char *out)
{
    size_t len = 0;
    for (long i = point > 0 ? 0 : point - 1; i < (long)count || i < point; i++) {
        if (i == point)
            out[len++] = '.';
        out[len++] = i >= 0 && i < (long)count ? digits[i] : '0';
    }
    return len;
}

size_t expr_double_text(double d, int plain, char out[EXPR_DOUBLE_TEXT])
{
    char digits[32];
    long point;
    size_t len = 0;
    const size_t count = digits_of(d, digits, &point);
    if (signbit(d))
        out[len++] = '-';
    if (plain == 0 || (point > -4 && point <= plain))
        return len + fixed(digits, count, point, out + len);
    len += fixed(digits, count, 1, out + len);
    return len + (size_t)snprintf(out + len, EXPR_DOUBLE_TEXT - len, "e%+03ld", point - 1);
}

/* Digits without an exponent, as few as read back as d. */
static void write_double(base_buf *b, double d)
{
    char text[EXPR_DOUBLE_TEXT];
    base_buf_add(b, text, expr_double_text(d, 0, text));
}

static const char *write_any(expr_ctx *c, base_buf *b, value v, int depth);

static const char *write_list(expr_ctx *c, base_buf *b, value v, int depth)
{
    const char *why = NULL;
    base_buf_char(b, '[');
    for (size_t i = 0; why == NULL && i < v.len; i++) {
        if (i > 0)
            base_buf_str(b, ", ");
        why = write_any(c, b, v.as.items[i], depth + 1);
    }
    base_buf_char(b, ']');
    return why;
}

typedef struct entry {
    const char *text; /* of the key */
    size_t len;
    const value *val;
} entry;

static int by_text(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const size_t n = x->len < y->len ? x->len : y->len;
    const int cmp = n > 0 ? memcmp(x->text, y->text, n) : 0;
    return cmp != 0 ? cmp : (x->len > y->len) - (x->len < y->len);
}

/* In the order of the keys' texts. */
static const char *write_map(expr_ctx *c, base_buf *b, value v, int depth)
{
    const char *why = NULL;
    base_buf keys;
    entry *entries = base_array(b->alloc, v.len, sizeof *entries);
    size_t *ends = base_array(b->alloc, v.len, sizeof *ends);
    base_buf_init(&keys, b->alloc);
    for (size_t i = 0; entries != NULL && ends != NULL && why == NULL && i < v.len; i++) {
        why = write_any(c, &keys, v.as.pairs[i].key, depth + 1);
        ends[i] = keys.len;
    }
    if (entries == NULL || ends == NULL || keys.failed) {
        b->failed = true;
    } else if (why == NULL) {
        for (size_t i = 0; i < v.len; i++) {
            const size_t start = i > 0 ? ends[i - 1] : 0;
            entries[i] = (entry){keys.data + start, ends[i] - start, &v.as.pairs[i].val};
        }
        if (v.len > 1)
            qsort(entries, v.len, sizeof *entries, by_text);
        base_buf_char(b, '{');
        for (size_t i = 0; why == NULL && i < v.len; i++) {
            base_buf_str(b, i > 0 ? ", " : "");
            base_buf_add(b, entries[i].text, entries[i].len);
            base_buf_str(b, ": ");
            why = write_any(c, b, *entries[i].val, depth + 1);
        }
        base_buf_char(b, '}');
    }
    base_buf_free(&keys);
    base_free(b->alloc, entries);
    base_free(b->alloc, ends);
    return why;
}

static const char too_long[] = "";
static const char unknown_verb[] = "after % may come s, d, f, e, b, o, x, X or %";

static const char *write_scalar(base_buf *b, value v)
{
    char text[40];
    switch (v.kind) {
    case VALUE_NULL: base_buf_str(b, "null"); return NULL;
    case VALUE_BOOL: base_buf_str(b, v.as.b ? "true" : "false"); return NULL;
    case VALUE_INT: base_buf_int(b, v.as.i); return NULL;
    case VALUE_UINT: base_buf_uint(b, v.as.u); return NULL;
    case VALUE_DOUBLE:
        if (!special_double(b, v))
            write_double(b, v.as.d);
        return NULL;
    case VALUE_TIMESTAMP: base_buf_add(b, text, expr_format_timestamp(v, text)); return NULL;
    case VALUE_DURATION: value_write_duration(b, v.as.i, v.nanos); return NULL;
    default:
        return "only strings, bytes, numbers, bools, times, types, lists, maps and null have a "
               "text for %s";
    }
}

/* What %s writes. NULL: fine, else what is wrong. */
static const char *write_any(expr_ctx *c, base_buf *b, value v, int depth)
{
    if (depth > VALUE_MAX_DEPTH || b->len / 64 > c->cost || b->len > (size_t)EXPR_MAX_WEIGHT * 64 ||
        !expr_charge(c, 1))
        return too_long;
    switch (v.kind) {
    case VALUE_STRING:
    case VALUE_TYPE: base_buf_add(b, v.as.s, v.len); return NULL;
    case VALUE_BYTES:
        if (!base_utf8_valid(v.as.s, v.len))
            return "the bytes are not UTF-8";
        base_buf_add(b, v.as.s, v.len);
        return NULL;
    case VALUE_LIST: return write_list(c, b, v, depth);
    case VALUE_MAP: return write_map(c, b, v, depth);
    default: return write_scalar(b, v);
    }
}

static const char *write_decimal(base_buf *b, value v)
{
    if (v.kind == VALUE_INT)
        base_buf_int(b, v.as.i);
    else if (v.kind == VALUE_UINT)
        base_buf_uint(b, v.as.u);
    else if (v.kind != VALUE_DOUBLE)
        return "only numbers can be written with %d";
    else if (!special_double(b, v))
        write_double(b, v.as.d);
    return NULL;
}

static void write_radix(base_buf *b, value v, unsigned bits, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    const bool negative = v.kind == VALUE_INT && v.as.i < 0;
    uint64_t u = v.kind == VALUE_BOOL ? v.as.b : negative ? 0 - v.as.u : v.as.u;
    char text[65];
    size_t at = sizeof text;
    do {
        text[--at] = digits[u & ((1U << bits) - 1)];
        u >>= bits;
    } while (u > 0);
    if (negative)
        base_buf_char(b, '-');
    base_buf_add(b, text + at, sizeof text - at);
}

static const char *write_hex(base_buf *b, value v, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    if (v.kind == VALUE_INT || v.kind == VALUE_UINT) {
        write_radix(b, v, 4, upper);
        return NULL;
    }
    if (v.kind != VALUE_STRING && v.kind != VALUE_BYTES)
        return "only integers, strings and bytes can be written with %x";
    for (size_t i = 0; i < v.len; i++) {
        base_buf_char(b, digits[(unsigned char)v.as.s[i] >> 4]);
        base_buf_char(b, digits[v.as.s[i] & 15]);
    }
    return NULL;
}

/* printf's digits, with a point whatever the locale says. */
static const char *write_real(base_buf *b, value v, verb f)
{
    char text[512];
    const int precision = f.precision < 0 ? 6 : f.precision;
    if (v.kind != VALUE_DOUBLE && v.kind != VALUE_INT && v.kind != VALUE_UINT)
        return "only numbers can be written with %f and %e";
    if (special_double(b, v))
        return NULL;
    const double d = v.kind == VALUE_DOUBLE ? v.as.d
                     : v.kind == VALUE_INT  ? (double)v.as.i
                                            : (double)v.as.u;
    const int len = f.letter == 'f' ? snprintf(text, sizeof text, "%.*f", precision, d)
                                    : snprintf(text, sizeof text, "%.*e", precision, d);
    for (int i = 0; i < len && i < (int)sizeof text - 1; i++)
        base_buf_char(b, (text[i] >= '0' && text[i] <= '9') || strchr("+-e", text[i]) != NULL
                             ? text[i]
                             : '.');
    return NULL;
}

static const char *write_verb(expr_ctx *c, base_buf *b, verb f, value v)
{
    const bool integer = v.kind == VALUE_INT || v.kind == VALUE_UINT;
    switch (f.letter) {
    case 's': return write_any(c, b, v, 0);
    case 'd': return write_decimal(b, v);
    case 'f':
    case 'e': return write_real(b, v, f);
    case 'b':
        if (!integer && v.kind != VALUE_BOOL)
            return "only integers and bools can be written with %b";
        write_radix(b, v, 1, false);
        return NULL;
    case 'o':
        if (!integer)
            return "only integers can be written with %o";
        write_radix(b, v, 3, false);
        return NULL;
    case 'x':
    case 'X': return write_hex(b, v, f.letter == 'X');
    default: return unknown_verb;
    }
}

/* After the '%' at *i: an optional precision and the letter. */
static const char *read_verb(value pattern, size_t *i, verb *f)
{
    f->precision = -1;
    if (*i < pattern.len && pattern.as.s[*i] == '.') {
        const size_t digits = *i + 1;
        f->precision = 0;
        for ((*i)++; *i < pattern.len && pattern.as.s[*i] >= '0' && pattern.as.s[*i] <= '9';
             (*i)++) {
            f->precision = f->precision * 10 + (pattern.as.s[*i] - '0');
            if (f->precision > MOST_DIGITS)
                return "too many digits are asked for";
        }
        if (*i == digits)
            return "after %. comes a number";
    }
    if (*i >= pattern.len)
        return "it ends in %";
    f->letter = pattern.as.s[(*i)++];
    return NULL;
}

const char *expr_format_verb(value pattern, size_t *at, char *letter)
{
    verb f;
    *letter = '\0';
    while (*at < pattern.len) {
        if (pattern.as.s[(*at)++] != '%')
            continue;
        if (*at < pattern.len && pattern.as.s[*at] == '%') {
            (*at)++;
            continue;
        }
        const char *why = read_verb(pattern, at, &f);
        if (why == NULL && (f.letter == '\0' || strchr("sdfeboxX", f.letter) == NULL))
            why = unknown_verb;
        *letter = f.letter;
        return why;
    }
    return NULL;
}

bool expr_format_takes(char letter, expr_type t, const char **expected)
{
    const bool integer = t == EXPR_INT || t == EXPR_UINT;
    if (t == EXPR_DYN)
        return true;
    switch (letter) {
    case 's':
        *expected = "anything but an optional";
        return expr_type_kind(t) != EXPR_OPTIONAL;
    case 'b': *expected = "int, uint or bool"; return integer || t == EXPR_BOOL;
    case 'o': *expected = "int or uint"; return integer;
    case 'x':
    case 'X':
        *expected = "int, uint, string or bytes";
        return integer || t == EXPR_STRING || t == EXPR_BYTES;
    default: *expected = "int, uint or double"; return integer || t == EXPR_DOUBLE;
    }
}

int expr_format(expr_ctx *c, base_buf *b, value pattern, value args, const char **why)
{
    size_t used = 0;
    if (!expr_charge(c, 1 + pattern.len / 64))
        return STOP;
    for (size_t i = 0; i < pattern.len;) {
        verb f;
        if (pattern.as.s[i++] != '%') {
            base_buf_char(b, pattern.as.s[i - 1]);
            continue;
        }
        if (i < pattern.len && pattern.as.s[i] == '%') {
            base_buf_char(b, '%');
            i++;
            continue;
        }
        *why = read_verb(pattern, &i, &f);
        if (*why == NULL)
            *why = used < args.len ? write_verb(c, b, f, args.as.items[used++])
                                   : "there are fewer values than % signs";
        if (*why != NULL)
            return *why == too_long ? STOP : FAIL;
    }
    return DONE;
}
