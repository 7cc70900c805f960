/* The public face of values: owned roots that keep their parts in an arena of their own. */
#include "value/value.h"

#include <stdlib.h>
#include <string.h>

/* `v` comes first, so that a root is a gov_value; `owned` tells roots from parts by its address. */
typedef struct root {
    value v;
    const struct root *self;
    base_arena arena;
    value_builder builder;
} root;

static root *new_root(const gov_allocator *a)
{
    root *r = base_alloc(a, sizeof *r);
    if (r == NULL)
        return NULL;
    r->self = r;
    base_arena_init(&r->arena, a);
    value_builder_init(&r->builder, &r->arena);
    return r;
}

gov_status value_publish(const gov_allocator *a, value v, gov_value **out, const diag *d)
{
    root *r = new_root(a);
    if (r == NULL || !value_copy(&r->arena, v, &r->v)) {
        gov_value_free(r != NULL ? &r->v : NULL);
        return base_nomem(d);
    }
    *out = &r->v;
    return GOV_OK;
}

gov_value *gov_value_new_map(const gov_allocator *alloc)
{
    root *r = new_root(alloc);
    if (r == NULL)
        return NULL;
    r->v = value_map(NULL, 0);
    return &r->v;
}

gov_value *gov_value_new_list(const gov_allocator *alloc)
{
    root *r = new_root(alloc);
    if (r == NULL)
        return NULL;
    r->v = value_list(NULL, 0);
    return &r->v;
}

void gov_value_free(gov_value *v)
{
    if (v == NULL)
        return;
    root *r = (root *)v;
    const gov_allocator *a = r->arena.alloc;
    base_arena_free(&r->arena);
    base_free(a, r);
}

void gov_text_free(char *text)
{
    free(text);
}

gov_status gov_value_from_json(const gov_allocator *alloc, const char *text, size_t len, gov_value **out,
                               gov_error **err)
{
    const diag d = {alloc, err};
    if (text == NULL || out == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", text == NULL ? "text" : "out"));
    root *r = new_root(alloc);
    if (r == NULL)
        return base_nomem(&d);
    const gov_status status = value_read_document(&r->arena, text, len, &r->v, &d);
    if (status != GOV_OK) {
        gov_value_free(&r->v);
        return status;
    }
    *out = &r->v;
    return GOV_OK;
}

gov_status gov_value_to_json(const gov_value *v, char **out, size_t *len, gov_error **err)
{
    const diag d = {NULL, err};
    base_buf buf;
    if (v == NULL || out == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", v == NULL ? "value" : "out"));
    base_buf_init(&buf, NULL);
    value_write_document(&buf, *v);
    *out = base_buf_take(&buf, len);
    return *out != NULL ? GOV_OK : base_nomem(&d);
}

/* A built root continues where its builder is; one that was read starts the builder from what it holds. */
static void adopt(root *r)
{
    value_builder *b = &r->builder;
    if (b->len != r->v.len) {
        b->len = b->cap = 0;
        for (size_t i = 0; i < r->v.len; i++) {
            if (r->v.kind == VALUE_LIST)
                value_builder_add(b, r->v.as.items[i]);
            else
                value_builder_set_n(b, r->v.as.pairs[i].key.as.s, r->v.as.pairs[i].key.len, r->v.as.pairs[i].val);
        }
    }
}

static bool string_keys(value map)
{
    for (size_t i = 0; i < map.len; i++)
        if (map.as.pairs[i].key.kind != VALUE_STRING)
            return false;
    return true;
}

/* A value that goes into a container may itself have one level less than a value may have. */
static bool fits(value v, int room)
{
    if (room < 0)
        return false;
    for (size_t i = 0; v.kind == VALUE_LIST && i < v.len; i++)
        if (!fits(v.as.items[i], room - 1))
            return false;
    for (size_t i = 0; v.kind == VALUE_MAP && i < v.len; i++)
        if (!fits(v.as.pairs[i].val, room - 1))
            return false;
    return true;
}

static gov_status set_member(gov_value *map, const char *key, value v)
{
    root *r = (root *)map;
    value copy;
    if (map == NULL || map->kind != VALUE_MAP || key == NULL || !base_utf8_valid(key, strlen(key)) ||
        !string_keys(*map))
        return GOV_E_ARG;
    if (!fits(v, VALUE_MAX_DEPTH - 1))
        return GOV_E_LIMIT;
    char *name = base_arena_strdup(&r->arena, key);
    if (name == NULL || !value_copy(&r->arena, v, &copy))
        return GOV_E_NOMEM;
    adopt(r);
    value_builder_set(&r->builder, name, copy);
    if (r->builder.failed) {
        r->builder = (value_builder){.arena = &r->arena};
        return GOV_E_NOMEM;
    }
    r->v = value_builder_map(&r->builder);
    return GOV_OK;
}

gov_status gov_value_set(gov_value *map, const char *key, const gov_value *v)
{
    return v != NULL ? set_member(map, key, *v) : GOV_E_ARG;
}

gov_status gov_value_set_text(gov_value *map, const char *key, const char *text, size_t len)
{
    if (text == NULL || !base_utf8_valid(text, len))
        return GOV_E_ARG;
    return set_member(map, key, value_string(text, len));
}

gov_status gov_value_set_string(gov_value *map, const char *key, const char *text)
{
    return text != NULL ? gov_value_set_text(map, key, text, strlen(text)) : GOV_E_ARG;
}

gov_status gov_value_set_int(gov_value *map, const char *key, int64_t number)
{
    return set_member(map, key, value_int(number));
}

gov_status gov_value_set_bool(gov_value *map, const char *key, int32_t truth)
{
    return set_member(map, key, value_bool(truth != 0));
}

gov_status gov_value_set_double(gov_value *map, const char *key, double number)
{
    return set_member(map, key, value_double(number));
}

gov_status gov_value_set_timestamp(gov_value *map, const char *key, int64_t us)
{
    const value v = value_from_us(us);
    if (v.as.i < INT64_C(-62135596800) || v.as.i >= INT64_C(253402300800)) /* years 1 to 9999 */
        return GOV_E_RANGE;
    return set_member(map, key, v);
}

gov_status gov_value_set_point(gov_value *map, const char *key, int64_t lat_e7, int64_t lon_e7)
{
    const value_pair pairs[] = {{value_text("lat"), value_int(lat_e7)}, {value_text("lon"), value_int(lon_e7)}};
    return set_member(map, key, value_map(pairs, ARRAY_LEN(pairs)));
}

gov_status gov_value_append(gov_value *list, const gov_value *v)
{
    root *r = (root *)list;
    value copy;
    if (list == NULL || list->kind != VALUE_LIST || v == NULL)
        return GOV_E_ARG;
    if (!fits(*v, VALUE_MAX_DEPTH - 1))
        return GOV_E_LIMIT;
    if (!value_copy(&r->arena, *v, &copy))
        return GOV_E_NOMEM;
    adopt(r);
    value_builder_add(&r->builder, copy);
    if (r->builder.failed) {
        r->builder = (value_builder){.arena = &r->arena};
        return GOV_E_NOMEM;
    }
    r->v = value_builder_list(&r->builder);
    return GOV_OK;
}

int32_t gov_value_kind(const gov_value *v)
{
    return v != NULL ? v->kind : GOV_VALUE_NULL;
}

int32_t gov_value_bool(const gov_value *v)
{
    return v != NULL && v->kind == VALUE_BOOL && v->as.b;
}

int64_t gov_value_int(const gov_value *v)
{
    if (v != NULL && v->kind == VALUE_UINT)
        return v->as.u <= INT64_MAX ? (int64_t)v->as.u : 0;
    return v != NULL && v->kind == VALUE_INT ? v->as.i : 0;
}

uint64_t gov_value_uint(const gov_value *v)
{
    if (v != NULL && v->kind == VALUE_INT)
        return v->as.i >= 0 ? (uint64_t)v->as.i : 0;
    return v != NULL && v->kind == VALUE_UINT ? v->as.u : 0;
}

double gov_value_double(const gov_value *v)
{
    if (v == NULL)
        return 0;
    return v->kind == VALUE_DOUBLE ? v->as.d
           : v->kind == VALUE_INT  ? (double)v->as.i
           : v->kind == VALUE_UINT ? (double)v->as.u
                                   : 0;
}

const char *gov_value_string(const gov_value *v, size_t *len)
{
    const bool text = v != NULL && (v->kind == VALUE_STRING || v->kind == VALUE_BYTES || v->kind == VALUE_TYPE);
    if (len != NULL)
        *len = text ? v->len : 0;
    return text ? v->as.s : NULL;
}

int64_t gov_value_seconds(const gov_value *v, int32_t *nanos)
{
    const bool time = v != NULL && (v->kind == VALUE_TIMESTAMP || v->kind == VALUE_DURATION);
    if (nanos != NULL)
        *nanos = time ? v->nanos : 0;
    return time ? v->as.i : 0;
}

size_t gov_value_count(const gov_value *v)
{
    return v != NULL && (v->kind == VALUE_LIST || v->kind == VALUE_MAP) ? v->len : 0;
}

const gov_value *gov_value_at(const gov_value *v, size_t i)
{
    if (i >= gov_value_count(v))
        return NULL;
    return v->kind == VALUE_LIST ? &v->as.items[i] : &v->as.pairs[i].val;
}

const gov_value *gov_value_key_at(const gov_value *v, size_t i)
{
    return v != NULL && v->kind == VALUE_MAP && i < v->len ? &v->as.pairs[i].key : NULL;
}

static const gov_value *member(const gov_value *map, const char *key, size_t len)
{
    for (size_t i = 0; i < map->len; i++) {
        const value *k = &map->as.pairs[i].key;
        if (k->kind == VALUE_STRING && k->len == len && memcmp(k->as.s, key, len) == 0)
            return &map->as.pairs[i].val;
    }
    return NULL;
}

const gov_value *gov_value_get(const gov_value *map, const char *key)
{
    return map != NULL && map->kind == VALUE_MAP && key != NULL ? member(map, key, strlen(key)) : NULL;
}

/* Item of a list by its position in decimal digits. */
static const gov_value *item(const gov_value *list, const char *digits, size_t len)
{
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9' || at > list->len)
            return NULL;
        at = at * 10 + (size_t)(digits[i] - '0');
    }
    return len > 0 ? gov_value_at(list, at) : NULL;
}

const gov_value *gov_value_find(const gov_value *v, const char *path)
{
    if (path == NULL)
        return NULL;
    for (;; path++) {
        const size_t len = strcspn(path, ".");
        v = v == NULL               ? NULL
            : v->kind == VALUE_MAP  ? member(v, path, len)
            : v->kind == VALUE_LIST ? item(v, path, len)
                                    : NULL;
        path += len;
        if (v == NULL || *path == '\0')
            return v;
    }
}
