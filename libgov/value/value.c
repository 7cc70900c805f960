/* Values: equality, order, lookup, copies and builders. */
#include "value/value.h"

#include <math.h>
#include <string.h>

value value_text(const char *s)
{
    return s != NULL ? value_string(s, strlen(s)) : value_absent();
}

value value_from_us(int64_t us)
{
    int64_t seconds = us / BASE_US_PER_SECOND, rest = us % BASE_US_PER_SECOND;
    if (rest < 0) {
        rest += BASE_US_PER_SECOND;
        seconds--;
    }
    return value_timestamp(seconds, (int32_t)rest * 1000);
}

bool value_to_us(value v, int64_t *us)
{
    int64_t whole;
    return v.nanos % 1000 == 0 && base_mul(v.as.i, BASE_US_PER_SECOND, &whole) &&
           base_add(whole, v.nanos / 1000, us);
}

bool value_is_text(value v, const char *s)
{
    const size_t len = strlen(s);
    return v.kind == VALUE_STRING && v.len == len && memcmp(v.as.s, s, len) == 0;
}

static bool is_number(value v)
{
    return v.kind == VALUE_INT || v.kind == VALUE_UINT || v.kind == VALUE_DOUBLE;
}

static int order(bool less, bool greater)
{
    return less ? -1 : greater;
}

static int compare_int_double(int64_t i, double d)
{
    if (d >= 9223372036854775808.0)
        return -1;
    if (d < -9223372036854775808.0)
        return 1;
    const double whole = trunc(d);
    const int64_t t = (int64_t)whole;
    return i != t ? order(i < t, i > t) : order(whole < d, whole > d);
}

static int compare_uint_double(uint64_t u, double d)
{
    if (d >= 18446744073709551616.0)
        return -1;
    if (d < 0)
        return 1;
    const double whole = trunc(d);
    const uint64_t t = (uint64_t)whole;
    return u != t ? order(u < t, u > t) : order(whole < d, whole > d);
}

/* Exact across kinds; NaN sorts after everything (value_equal looks at it before). */
static int compare_numbers(value a, value b)
{
    if (a.kind == VALUE_DOUBLE && b.kind == VALUE_DOUBLE) {
        if (isnan(a.as.d) || isnan(b.as.d))
            return (int)(isnan(a.as.d) != 0) - (int)(isnan(b.as.d) != 0);
        return order(a.as.d < b.as.d, a.as.d > b.as.d);
    }
    if (a.kind == VALUE_DOUBLE)
        return -compare_numbers(b, a);
    if (b.kind == VALUE_DOUBLE) {
        if (isnan(b.as.d))
            return -1;
        return a.kind == VALUE_INT ? compare_int_double(a.as.i, b.as.d) : compare_uint_double(a.as.u, b.as.d);
    }
    if (a.kind == b.kind)
        return a.kind == VALUE_INT ? order(a.as.i < b.as.i, a.as.i > b.as.i) : order(a.as.u < b.as.u, a.as.u > b.as.u);
    if (a.kind == VALUE_UINT)
        return -compare_numbers(b, a);
    if (a.as.i < 0)
        return -1;
    return order((uint64_t)a.as.i < b.as.u, (uint64_t)a.as.i > b.as.u);
}

static int compare_bytes(value a, value b)
{
    const size_t n = a.len < b.len ? a.len : b.len;
    const int c = n > 0 ? memcmp(a.as.s, b.as.s, n) : 0;
    return c != 0 ? order(c < 0, c > 0) : order(a.len < b.len, a.len > b.len);
}

static bool equal_maps(value a, value b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        const value other = value_find(b, a.as.pairs[i].key);
        if (other.kind == VALUE_ABSENT || !value_equal(a.as.pairs[i].val, other))
            return false;
    }
    return true;
}

bool value_equal(value a, value b)
{
    if (is_number(a) && is_number(b)) {
        if ((a.kind == VALUE_DOUBLE && isnan(a.as.d)) || (b.kind == VALUE_DOUBLE && isnan(b.as.d)))
            return false;
        return compare_numbers(a, b) == 0;
    }
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case VALUE_BOOL:
        return a.as.b == b.as.b;
    case VALUE_STRING:
    case VALUE_BYTES:
    case VALUE_TYPE:
        return a.len == b.len && (a.len == 0 || memcmp(a.as.s, b.as.s, a.len) == 0);
    case VALUE_TIMESTAMP:
    case VALUE_DURATION:
        return a.as.i == b.as.i && a.nanos == b.nanos;
    case VALUE_LIST:
        if (a.len != b.len)
            return false;
        for (size_t i = 0; i < a.len; i++)
            if (!value_equal(a.as.items[i], b.as.items[i]))
                return false;
        return true;
    case VALUE_MAP:
        return equal_maps(a, b);
    default:
        return a.kind == VALUE_NULL;
    }
}

static int compare_lists(value a, value b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        const int c = value_compare(a.as.items[i], b.as.items[i]);
        if (c != 0)
            return c;
    }
    return order(a.len < b.len, a.len > b.len);
}

static int compare_maps(value a, value b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        int c = value_compare(a.as.pairs[i].key, b.as.pairs[i].key);
        if (c == 0)
            c = value_compare(a.as.pairs[i].val, b.as.pairs[i].val);
        if (c != 0)
            return c;
    }
    return order(a.len < b.len, a.len > b.len);
}

int value_compare(value a, value b)
{
    if (is_number(a) && is_number(b))
        return compare_numbers(a, b);
    if (a.kind != b.kind)
        return order(a.kind < b.kind, a.kind > b.kind);
    switch (a.kind) {
    case VALUE_BOOL:
        return (int)a.as.b - (int)b.as.b;
    case VALUE_STRING:
    case VALUE_BYTES:
    case VALUE_TYPE:
        return compare_bytes(a, b);
    case VALUE_TIMESTAMP:
    case VALUE_DURATION:
        if (a.as.i != b.as.i)
            return order(a.as.i < b.as.i, a.as.i > b.as.i);
        return order(a.nanos < b.nanos, a.nanos > b.nanos);
    case VALUE_LIST:
        return compare_lists(a, b);
    case VALUE_MAP:
        return compare_maps(a, b);
    default:
        return 0;
    }
}

value value_get(value map, const char *key, size_t len)
{
    if (map.kind != VALUE_MAP)
        return value_absent();
    for (size_t i = 0; i < map.len; i++) {
        const value *k = &map.as.pairs[i].key;
        if (k->kind == VALUE_STRING && k->len == len && (len == 0 || memcmp(k->as.s, key, len) == 0))
            return map.as.pairs[i].val;
    }
    return value_absent();
}

value value_get_text(value map, const char *key)
{
    return value_get(map, key, strlen(key));
}

value value_find(value map, value key)
{
    if (map.kind != VALUE_MAP)
        return value_absent();
    for (size_t i = 0; i < map.len; i++)
        if (value_equal(map.as.pairs[i].key, key))
            return map.as.pairs[i].val;
    return value_absent();
}

static bool copy_list(base_arena *arena, value v, value *out)
{
    value *items = base_arena_array(arena, v.len, sizeof *items);
    if (items == NULL)
        return false;
    for (size_t i = 0; i < v.len; i++)
        if (!value_copy(arena, v.as.items[i], &items[i]))
            return false;
    out->as.items = items;
    return true;
}

static bool copy_map(base_arena *arena, value v, value *out)
{
    value_pair *pairs = base_arena_array(arena, v.len, sizeof *pairs);
    if (pairs == NULL)
        return false;
    for (size_t i = 0; i < v.len; i++)
        if (!value_copy(arena, v.as.pairs[i].key, &pairs[i].key) ||
            !value_copy(arena, v.as.pairs[i].val, &pairs[i].val))
            return false;
    out->as.pairs = pairs;
    return true;
}

bool value_copy(base_arena *arena, value v, value *out)
{
    *out = v;
    switch (v.kind) {
    case VALUE_STRING:
    case VALUE_BYTES:
    case VALUE_TYPE:
        out->as.s = base_arena_strndup(arena, v.as.s, v.len);
        return out->as.s != NULL;
    case VALUE_LIST:
        return copy_list(arena, v, out);
    case VALUE_MAP:
        return copy_map(arena, v, out);
    default:
        return true;
    }
}

void value_builder_init(value_builder *b, base_arena *arena)
{
    *b = (value_builder){.arena = arena};
}

/* Arena memory cannot be resized: a longer array is begun, the shorter one stays until the arena goes. */
static void *grow_in_arena(value_builder *b, const void *old, size_t size)
{
    const size_t cap = b->cap == 0 ? 8 : b->cap * 2;
    void *grown = base_arena_array(b->arena, cap, size);
    if (grown == NULL) {
        b->failed = true;
        return NULL;
    }
    if (b->len > 0)
        memcpy(grown, old, b->len * size);
    b->cap = cap;
    return grown;
}

void value_builder_add(value_builder *b, value item)
{
    if (b->failed)
        return;
    if (b->len == b->cap) {
        value *grown = grow_in_arena(b, b->items, sizeof *grown);
        if (grown == NULL)
            return;
        b->items = grown;
    }
    b->items[b->len++] = item;
}

void value_builder_set_n(value_builder *b, const char *key, size_t len, value val)
{
    if (b->failed)
        return;
    for (size_t i = 0; i < b->len; i++) {
        const value *k = &b->pairs[i].key;
        if (k->len == len && memcmp(k->as.s, key, len) == 0) {
            b->pairs[i].val = val;
            return;
        }
    }
    if (b->len == b->cap) {
        value_pair *grown = grow_in_arena(b, b->pairs, sizeof *grown);
        if (grown == NULL)
            return;
        b->pairs = grown;
    }
    b->pairs[b->len++] = (value_pair){value_string(key, len), val};
}

void value_builder_set(value_builder *b, const char *key, value val)
{
    value_builder_set_n(b, key, strlen(key), val);
}

static bool copy_text(value_builder *b, const char *text, value *out)
{
    const char *copy = base_arena_strdup(b->arena, text);
    b->failed = b->failed || copy == NULL;
    *out = value_text(copy);
    return !b->failed;
}

void value_builder_set_copy(value_builder *b, const char *key, const char *text)
{
    value v;
    if (copy_text(b, text, &v))
        value_builder_set(b, key, v);
}

void value_builder_add_copy(value_builder *b, const char *text)
{
    value v;
    if (copy_text(b, text, &v))
        value_builder_add(b, v);
}

value value_builder_list(const value_builder *b)
{
    return value_list(b->items, b->len);
}

value value_builder_map(const value_builder *b)
{
    return value_map(b->pairs, b->len);
}
