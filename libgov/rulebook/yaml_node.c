/* Reading node trees: members, meaning of scalars, conversion to values. */
#include "rulebook/yaml.h"

#include <math.h>
#include <string.h>

rb_pair *rb_find(const rb_node *map, const char *key)
{
    const size_t len = strlen(key);
    if (map == NULL || map->kind != RB_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->count; i++) {
        const rb_node *k = map->as.pairs[i].key;
        if (k->count == len && k->as.text[0] == key[0] && memcmp(k->as.text, key, len) == 0)
            return &map->as.pairs[i];
    }
    return NULL;
}

rb_node *rb_get(const rb_node *map, const char *key)
{
    const rb_pair *pair = rb_find(map, key);
    return pair != NULL ? pair->val : NULL;
}

bool rb_is(const rb_node *scalar, const char *text)
{
    return scalar != NULL && scalar->kind == RB_SCALAR && scalar->as.text[0] == text[0] &&
           scalar->count == strlen(text) && memcmp(scalar->as.text, text, scalar->count) == 0;
}

const char *rb_kind_name(const rb_node *n)
{
    static const char *const scalars[] = {"null", "bool", "int", "double", "string"};
    if (n->kind == RB_SCALAR)
        return scalars[n->type];
    return n->kind == RB_LIST ? "list" : "map";
}

/* ---- the core schema ---- */

static bool one_of(const char *s, size_t len, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (len > 0 && words[i][0] == s[0] && strlen(words[i]) == len && memcmp(words[i], s, len) == 0)
            return true;
    return false;
}

static size_t digits(const char *s, size_t len, size_t at)
{
    size_t n = 0;
    while (at + n < len && s[at + n] >= '0' && s[at + n] <= '9')
        n++;
    return n;
}

static bool based_int(const char *s, size_t len)
{
    if (len < 3 || s[0] != '0' || (s[1] != 'o' && s[1] != 'x'))
        return false;
    for (size_t i = 2; i < len; i++) {
        const bool octal = s[i] >= '0' && s[i] <= '7';
        const bool hex = (s[i] >= '0' && s[i] <= '9') || ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'f');
        if (s[1] == 'o' ? !octal : !hex)
            return false;
    }
    return true;
}

static rb_type number_type(const char *s, size_t len)
{
    static const char *const infinities[] = {".inf", ".Inf", ".INF"};
    size_t at = len > 0 && (s[0] == '-' || s[0] == '+');
    if (one_of(s + at, len - at, infinities, ARRAY_LEN(infinities)))
        return RB_FLOAT;
    const size_t whole = digits(s, len, at);
    at += whole;
    if (at == len)
        return whole > 0 ? RB_INT : RB_STRING;
    size_t fraction = 0;
    if (s[at] == '.') {
        fraction = digits(s, len, at + 1);
        at += 1 + fraction;
    }
    if (whole == 0 && fraction == 0)
        return RB_STRING;
    if (at < len && (s[at] == 'e' || s[at] == 'E')) {
        at++;
        if (at < len && (s[at] == '-' || s[at] == '+'))
            at++;
        const size_t exponent = digits(s, len, at);
        if (exponent == 0)
            return RB_STRING;
        at += exponent;
    }
    return at == len ? RB_FLOAT : RB_STRING;
}

rb_type rb_resolve(const char *s, size_t len)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    static const char *const nans[] = {".nan", ".NaN", ".NAN"};
    if (len == 0 || one_of(s, len, nulls, ARRAY_LEN(nulls)))
        return RB_NULL;
    if (one_of(s, len, bools, ARRAY_LEN(bools)))
        return RB_BOOL;
    if (one_of(s, len, nans, ARRAY_LEN(nans)))
        return RB_FLOAT;
    return based_int(s, len) ? RB_INT : number_type(s, len);
}

bool rb_int(const rb_node *n, int64_t *out)
{
    const char *s = n->as.text;
    size_t len = n->count;
    if (n->kind != RB_SCALAR || n->type != RB_INT)
        return false;
    if (!based_int(s, len)) {
        if (len > 0 && s[0] == '+') {
            s++;
            len--;
        }
        return base_parse_int(s, len, out);
    }
    const int64_t base = s[1] == 'x' ? 16 : 8;
    *out = 0;
    for (size_t i = 2; i < len; i++) {
        const int64_t digit = s[i] <= '9' ? s[i] - '0' : (s[i] | 32) - 'a' + 10;
        if (!base_mul(*out, base, out) || !base_add(*out, digit, out))
            return false;
    }
    return true;
}

static bool read_float(const rb_node *n, double *out)
{
    const char *s = n->as.text;
    size_t len = n->count;
    const bool negative = s[0] == '-';
    if (s[0] == '-' || s[0] == '+') {
        s++;
        len--;
    }
    if (len == 4 && s[0] == '.' && (s[1] | 32) == 'i') {
        *out = negative ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    if (len == 4 && s[0] == '.' && (s[1] | 32) == 'n') {
        *out = (double)NAN;
        return true;
    }
    char padded[64]; /* ".5" and "5." are numbers in YAML, but not to the strict reader */
    const char *point = memchr(s, '.', len);
    if (point != NULL && len + 3 < sizeof padded) {
        const size_t before = (size_t)(point - s);
        size_t k = 0;
        if (before == 0)
            padded[k++] = '0';
        memcpy(padded + k, s, before + 1);
        k += before + 1;
        if (before + 1 == len || point[1] < '0' || point[1] > '9')
            padded[k++] = '0';
        memcpy(padded + k, point + 1, len - before - 1);
        s = padded;
        len = k + len - before - 1;
    }
    if (!base_parse_double(s, len, out))
        return false;
    if (negative)
        *out = -*out;
    return true;
}

static gov_status scalar_value(base_arena *arena, const rb_node *n, value *out, const diag *d)
{
    const base_place place = rb_place(n);
    int64_t i;
    double f;

    switch (n->type) {
    case RB_NULL:
        *out = value_null();
        return GOV_OK;
    case RB_BOOL:
        *out = value_bool((n->as.text[0] | 32) == 't');
        return GOV_OK;
    case RB_INT:
        if (!rb_int(n, &i))
            return base_fail_at(d, &place, M_yaml_number, A_N("text", n->as.text, n->count));
        *out = value_int(i);
        return GOV_OK;
    case RB_FLOAT:
        if (!read_float(n, &f))
            return base_fail_at(d, &place, M_yaml_number, A_N("text", n->as.text, n->count));
        *out = value_double(f);
        return GOV_OK;
    default:
        (void)arena;
        *out = value_string(n->as.text, n->count);
        return GOV_OK;
    }
}

gov_status rb_value(base_arena *arena, const rb_node *n, value *out, const diag *d)
{
    gov_status status = GOV_OK;

    *out = value_null();
    if (n->kind == RB_SCALAR)
        return scalar_value(arena, n, out, d);
    if (n->kind == RB_LIST) {
        value *items = base_arena_array(arena, n->count, sizeof *items);
        if (items == NULL)
            return base_nomem(d);
        for (uint32_t i = 0; i < n->count && status == GOV_OK; i++)
            status = rb_value(arena, n->as.items[i], &items[i], d);
        *out = value_list(items, n->count);
        return status;
    }
    value_pair *pairs = base_arena_array(arena, n->count, sizeof *pairs);
    if (pairs == NULL)
        return base_nomem(d);
    for (uint32_t i = 0; i < n->count && status == GOV_OK; i++) {
        const rb_node *key = n->as.pairs[i].key;
        pairs[i].key = value_string(key->as.text, key->count);
        status = rb_value(arena, n->as.pairs[i].val, &pairs[i].val, d);
    }
    *out = value_map(pairs, n->count);
    return status;
}
