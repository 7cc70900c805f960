/* JSON: three ways of writing a value, and reading with jansson. */
#include "value/inner.h"

#include <jansson.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

void value_write_json_string(base_buf *out, const char *s, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    size_t from = 0;
    base_buf_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        base_buf_add(out, s + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\') {
            const char pair[2] = {'\\', (char)c};
            base_buf_add(out, pair, 2);
        } else if (c == '\n' || c == '\t' || c == '\r') {
            base_buf_str(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
        } else {
            const char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            base_buf_add(out, escape, 6);
        }
    }
    if (len > from)
        base_buf_add(out, s + from, len - from);
    base_buf_char(out, '"');
}

static void value_write_base64(base_buf *out, const void *bytes, size_t len)
{
    const size_t need = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
    if (!base_buf_reserve(out, need))
        return;
    sodium_bin2base64(out->data + out->len, need, bytes, len, sodium_base64_VARIANT_ORIGINAL);
    out->len += need - 1;
}

void value_write_duration(base_buf *out, int64_t seconds, int32_t nanos)
{
    if ((seconds < 0 || nanos < 0) && seconds <= 0 && nanos <= 0) {
        base_buf_char(out, '-');
        base_buf_uint(out, 0 - (uint64_t)seconds);
        nanos = -nanos;
    } else {
        base_buf_int(out, seconds);
    }
    if (nanos > 0) {
        char digits[10] = ".000000000";
        size_t len = sizeof digits;
        for (size_t i = 9; i > 0; i--, nanos /= 10)
            digits[i] = (char)('0' + nanos % 10);
        while (digits[len - 1] == '0')
            len--;
        base_buf_add(out, digits, len);
    }
    base_buf_char(out, 's');
}

bool value_parse_duration(const char *s, size_t len, int64_t *seconds, int32_t *nanos)
{
    const bool negative = len > 0 && s[0] == '-';
    size_t at = negative, digits = 0;
    int64_t whole = 0;
    int32_t n = 0;
    if (len < 2 || s[len - 1] != 's')
        return false;
    while (at < len - 1 && s[at] >= '0' && s[at] <= '9')
        at++;
    if (!base_parse_int(s + negative, at - negative, &whole))
        return false;
    if (s[at] == '.') {
        for (at++; at < len - 1 && s[at] >= '0' && s[at] <= '9' && digits < 9; at++, digits++)
            n = n * 10 + (s[at] - '0');
        if (digits == 0)
            return false;
        for (; digits < 9; digits++)
            n *= 10;
    }
    if (at != len - 1)
        return false;
    *seconds = negative ? -whole : whole;
    *nanos = negative ? -n : n;
    return true;
}

typedef enum form { DOCUMENT, PLAIN, TAGGED } form;

static void write_value(base_buf *out, value v, form f, int depth);

/* Opens {"$tag": in a document, {"tag": in the tagged form. */
static void open_tag(base_buf *out, form f, const char *tag)
{
    base_buf_str(out, f == DOCUMENT ? "{\"$" : "{\"");
    base_buf_str(out, tag);
    base_buf_str(out, "\":");
}

static void write_text_of(base_buf *out, value v)
{
    char text[40];
    switch (v.kind) {
    case VALUE_INT:
        base_buf_int(out, v.as.i);
        break;
    case VALUE_UINT:
        base_buf_uint(out, v.as.u);
        break;
    case VALUE_DOUBLE:
        base_buf_add(out, text, base_format_double(v.as.d, text));
        break;
    case VALUE_BYTES:
        value_write_base64(out, v.as.s, v.len);
        break;
    case VALUE_TIMESTAMP:
        base_buf_add(out, text, base_format_rfc3339(v.as.i, v.nanos, text));
        break;
    case VALUE_DURATION:
        value_write_duration(out, v.as.i, v.nanos);
        break;
    default:
        break;
    }
}

/* {"tag":"text"}, or in the plain form just "text". */
static void write_scalar(base_buf *out, value v, form f, const char *tag)
{
    if (f != PLAIN)
        open_tag(out, f, tag);
    if (v.kind == VALUE_TYPE) {
        value_write_json_string(out, v.as.s, v.len);
    } else {
        base_buf_char(out, '"');
        write_text_of(out, v);
        base_buf_char(out, '"');
    }
    if (f != PLAIN)
        base_buf_char(out, '}');
}

static void write_items(base_buf *out, value v, form f, int depth)
{
    base_buf_char(out, '[');
    for (size_t i = 0; i < v.len; i++) {
        if (i > 0)
            base_buf_char(out, ',');
        write_value(out, v.as.items[i], f, depth + 1);
    }
    base_buf_char(out, ']');
}

static int by_key(const void *a, const void *b)
{
    return value_compare((*(const value_pair *const *)a)->key, (*(const value_pair *const *)b)->key);
}

static bool plain_keys(value v, form f)
{
    for (size_t i = 0; i < v.len; i++) {
        const value *k = &v.as.pairs[i].key;
        if (k->kind != VALUE_STRING)
            return false;
        if (f == DOCUMENT && k->len > 0 && (k->as.s[0] == '$' || memchr(k->as.s, '\0', k->len) != NULL))
            return false; /* the first would look like a tag, the second no JSON reader takes in a key */
    }
    return true;
}

static void write_pair(base_buf *out, const value_pair *p, form f, bool object, int depth)
{
    if (object) {
        if (p->key.kind == VALUE_STRING) {
            value_write_json_string(out, p->key.as.s, p->key.len);
        } else if (p->key.kind == VALUE_BOOL) {
            base_buf_str(out, p->key.as.b ? "\"true\"" : "\"false\"");
        } else {
            base_buf_char(out, '"');
            write_text_of(out, p->key);
            base_buf_char(out, '"');
        }
        base_buf_char(out, ':');
        write_value(out, p->val, f, depth + 1);
    } else {
        base_buf_char(out, '[');
        write_value(out, p->key, f, depth + 1);
        base_buf_char(out, ',');
        write_value(out, p->val, f, depth + 1);
        base_buf_char(out, ']');
    }
}

static void write_map(base_buf *out, value v, form f, int depth)
{
    const bool object = f == PLAIN || (f == DOCUMENT && plain_keys(v, f));
    const value_pair *few[32], **sorted = few;
    if (v.len > ARRAY_LEN(few)) {
        sorted = base_array(out->alloc, v.len, sizeof(const value_pair *));
        if (sorted == NULL) {
            out->failed = true;
            return;
        }
    }
    for (size_t i = 0; i < v.len; i++)
        sorted[i] = &v.as.pairs[i];
    if (f != PLAIN && v.len > 1)
        qsort(sorted, v.len, sizeof *sorted, by_key);
    if (!object)
        open_tag(out, f, "map");
    base_buf_char(out, object ? '{' : '[');
    for (size_t i = 0; i < v.len; i++) {
        if (i > 0)
            base_buf_char(out, ',');
        write_pair(out, sorted[i], f, object, depth);
    }
    base_buf_str(out, object ? "}" : "]}");
    if (sorted != few)
        base_free(out->alloc, sorted);
}

static void write_number(base_buf *out, value v, form f)
{
    const bool finite = v.kind != VALUE_DOUBLE || isfinite(v.as.d);
    if (f == TAGGED)
        write_scalar(out, v, f, v.kind == VALUE_INT ? "int" : v.kind == VALUE_UINT ? "uint" : "double");
    else if (f == DOCUMENT && (v.kind == VALUE_UINT || !finite))
        write_scalar(out, v, f, v.kind == VALUE_UINT ? "uint" : "double");
    else if (!finite)
        base_buf_str(out, "null");
    else
        write_text_of(out, v);
}

static void write_value(base_buf *out, value v, form f, int depth)
{
    if (depth > VALUE_MAX_DEPTH) {
        base_buf_str(out, "null"); /* readers and makers refuse such depth before it comes here */
        return;
    }
    switch (v.kind) {
    case VALUE_BOOL:
        base_buf_str(out, v.as.b ? "true" : "false");
        break;
    case VALUE_INT:
    case VALUE_UINT:
    case VALUE_DOUBLE:
        write_number(out, v, f);
        break;
    case VALUE_STRING:
        value_write_json_string(out, v.as.s, v.len);
        break;
    case VALUE_BYTES:
        write_scalar(out, v, f, "bytes");
        break;
    case VALUE_TIMESTAMP:
        write_scalar(out, v, f, "timestamp");
        break;
    case VALUE_DURATION:
        write_scalar(out, v, f, "duration");
        break;
    case VALUE_TYPE:
        write_scalar(out, v, f, "type");
        break;
    case VALUE_LIST:
        write_items(out, v, f, depth);
        break;
    case VALUE_MAP:
        write_map(out, v, f, depth);
        break;
    default:
        base_buf_str(out, "null");
        break;
    }
}

void value_write_document(base_buf *out, value v)
{
    write_value(out, v, DOCUMENT, 0);
}

void value_write_plain(base_buf *out, value v)
{
    write_value(out, v, PLAIN, 0);
}

void value_write_tagged(base_buf *out, value v)
{
    write_value(out, v, TAGGED, 0);
}

/* ---- reading ---- */

/* A level of values takes up to three of JSON, as in {"$map":[[1,...]]}, and a tagged scalar one more. */
enum { MAX_JSON_DEPTH = 3 * VALUE_MAX_DEPTH + 1 };

/* `room`: how many levels there may still be. */
static gov_status from_json(base_arena *arena, const json_t *j, value *out, int room, const diag *d);

static gov_status from_array(base_arena *arena, const json_t *j, value *out, int room, const diag *d)
{
    const size_t n = json_array_size(j);
    value *items = base_arena_array(arena, n, sizeof *items);
    if (items == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        const gov_status status = from_json(arena, json_array_get(j, i), &items[i], room - 1, d);
        if (status != GOV_OK)
            return status;
    }
    *out = value_list(items, n);
    return GOV_OK;
}

static gov_status from_object(base_arena *arena, json_t *j, value *out, int room, const diag *d)
{
    value_pair *pairs = base_arena_array(arena, json_object_size(j), sizeof *pairs);
    size_t n = 0;
    if (pairs == NULL)
        return base_nomem(d);
    for (void *it = json_object_iter(j); it != NULL; it = json_object_iter_next(j, it), n++) {
        const char *key = base_arena_strdup(arena, json_object_iter_key(it));
        if (key == NULL)
            return base_nomem(d);
        pairs[n].key = value_text(key);
        const gov_status status = from_json(arena, json_object_iter_value(it), &pairs[n].val, room - 1, d);
        if (status != GOV_OK)
            return status;
    }
    *out = value_map(pairs, n);
    return GOV_OK;
}

static gov_status too_deep(const diag *d)
{
    return base_fail(d, M_too_large, A_S("what", "JSON depth"), A_I("limit", VALUE_MAX_DEPTH));
}

static gov_status from_json(base_arena *arena, const json_t *j, value *out, int room, const diag *d)
{
    const char *copy;
    if (room < 0)
        return too_deep(d);
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        return from_object(arena, (json_t *)j, out, room, d);
    case JSON_ARRAY:
        return from_array(arena, j, out, room, d);
    case JSON_STRING:
        copy = base_arena_strndup(arena, json_string_value(j), json_string_length(j));
        if (copy == NULL)
            return base_nomem(d);
        *out = value_string(copy, json_string_length(j));
        return GOV_OK;
    case JSON_INTEGER:
        *out = value_int(json_integer_value(j));
        return GOV_OK;
    case JSON_REAL:
        *out = value_double(json_real_value(j));
        return GOV_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        *out = value_bool(json_is_true(j));
        return GOV_OK;
    default:
        *out = value_null();
        return GOV_OK;
    }
}

static gov_status read_text(base_arena *arena, const char *text, size_t len, int room, value *out, const diag *d)
{
    json_error_t e;
    json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    if (j == NULL) {
        if (json_error_code(&e) == json_error_out_of_memory)
            return base_nomem(d);
        const base_place place = {NULL, (uint32_t)(e.line > 0 ? e.line : 0), (uint32_t)(e.column > 0 ? e.column : 0)};
        return base_fail_at(d, &place, M_bad_json, A_S("why", e.text));
    }
    const gov_status status = from_json(arena, j, out, room, d);
    json_decref(j);
    return status;
}

gov_status value_read_json(base_arena *arena, const char *text, size_t len, value *out, const diag *d)
{
    return read_text(arena, text, len, VALUE_MAX_DEPTH, out, d);
}

static gov_status bad_tag(const diag *d, const char *tag)
{
    base_buf why;
    base_buf_init(&why, NULL);
    static const char *const known[] = {"int", "uint", "double", "bytes", "map", "timestamp", "duration", "type", "optional", "null", "string", "bool"};
    bool tells = false;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        tells = tells || strcmp(tag, known[i]) == 0;
    base_buf_fmt(&why, tells ? "no value of tag \"%s\"" : "\"%s\" is no tag; a map is written {\"map\": [[KEY, VALUE], ...]}", tag);
    const gov_status status = base_fail(d, M_bad_tag, A_S("why", why.data));
    base_buf_free(&why);
    return status;
}

static gov_status read_bytes(base_arena *arena, value text, value *out, const diag *d)
{
    char *bytes = base_arena_alloc(arena, text.len + 1);
    size_t n;
    if (bytes == NULL)
        return base_nomem(d);
    if (sodium_base642bin((unsigned char *)bytes, text.len + 1, text.as.s, text.len, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return bad_tag(d, "bytes");
    bytes[n] = '\0';
    *out = value_bytes(bytes, n);
    return GOV_OK;
}

static bool special_double(value text, double *out)
{
    if (value_is_text(text, "NaN"))
        *out = NAN;
    else if (value_is_text(text, "Infinity"))
        *out = INFINITY;
    else if (value_is_text(text, "-Infinity"))
        *out = -INFINITY;
    else
        return base_parse_double(text.as.s, text.len, out);
    return true;
}

bool value_read_scalar(const char *tag, value text, value *out)
{
    int64_t i;
    uint64_t u;
    double number;
    int32_t nanos;
    if (strcmp(tag, "int") == 0 && base_parse_int(text.as.s, text.len, &i))
        *out = value_int(i);
    else if (strcmp(tag, "uint") == 0 && base_parse_uint(text.as.s, text.len, &u))
        *out = value_uint(u);
    else if (strcmp(tag, "double") == 0 && special_double(text, &number))
        *out = value_double(number);
    else if (strcmp(tag, "timestamp") == 0 && base_parse_rfc3339(text.as.s, text.len, &i, &nanos))
        *out = value_timestamp(i, nanos);
    else if (strcmp(tag, "duration") == 0 && value_parse_duration(text.as.s, text.len, &i, &nanos))
        *out = value_duration(i, nanos);
    else if (strcmp(tag, "type") == 0)
        *out = (value){.kind = VALUE_TYPE, .as.s = text.as.s, .len = text.len};
    else
        return false;
    return true;
}

/* What is being turned into values: by which tags, and how many levels there may still be. */
typedef struct tags {
    base_arena *arena;
    bool document;
    int room;
    const diag *d;
} tags;

static gov_status untag(tags *t, value json, value *out);

static bool legal_key(value key)
{
    return key.kind == VALUE_BOOL || key.kind == VALUE_INT || key.kind == VALUE_UINT || key.kind == VALUE_STRING;
}

static int by_key_alone(const void *a, const void *b)
{
    return value_compare(**(const value *const *)a, **(const value *const *)b);
}

/* Sorted, so that a million members from outside do not take a million times a million steps. */
static bool keys_differ(tags *t, const value_pair *pairs, size_t n, bool *nomem)
{
    const value **keys = base_arena_array(t->arena, n, sizeof *keys);
    *nomem = keys == NULL;
    if (keys == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        keys[i] = &pairs[i].key;
    if (n > 1)
        qsort(keys, n, sizeof *keys, by_key_alone);
    for (size_t i = 1; i < n; i++)
        if (value_equal(*keys[i - 1], *keys[i]))
            return false;
    return true;
}

static gov_status untag_map(tags *t, value list, value *out)
{
    bool nomem;
    if (list.kind != VALUE_LIST)
        return bad_tag(t->d, "map");
    value_pair *pairs = base_arena_array(t->arena, list.len, sizeof *pairs);
    if (pairs == NULL)
        return base_nomem(t->d);
    for (size_t i = 0; i < list.len; i++) {
        const value item = list.as.items[i];
        if (item.kind != VALUE_LIST || item.len != 2)
            return bad_tag(t->d, "map");
        gov_status status = untag(t, item.as.items[0], &pairs[i].key);
        if (status == GOV_OK)
            status = untag(t, item.as.items[1], &pairs[i].val);
        if (status != GOV_OK)
            return status;
        if (!legal_key(pairs[i].key))
            return bad_tag(t->d, "map");
    }
    if (!keys_differ(t, pairs, list.len, &nomem))
        return nomem ? base_nomem(t->d) : bad_tag(t->d, "map");
    *out = value_map(pairs, list.len);
    return GOV_OK;
}

static gov_status untag_one(tags *t, const char *tag, value content, value *out)
{
    if (strcmp(tag, "map") == 0)
        return untag_map(t, content, out);
    if (content.kind != VALUE_STRING)
        return bad_tag(t->d, tag);
    if (strcmp(tag, "bytes") == 0)
        return read_bytes(t->arena, content, out, t->d);
    return value_read_scalar(tag, content, out) ? GOV_OK : bad_tag(t->d, tag);
}

static gov_status untag_members(tags *t, value json, value *out)
{
    value_pair *pairs = (value_pair *)json.as.pairs; /* ours: made by read_text a moment ago */
    for (size_t i = 0; i < json.len; i++) {
        const gov_status status = untag(t, pairs[i].val, &pairs[i].val);
        if (status != GOV_OK)
            return status;
    }
    *out = json;
    return GOV_OK;
}

static gov_status untag_items(tags *t, value json, value *out)
{
    value *items = (value *)json.as.items;
    for (size_t i = 0; i < json.len; i++) {
        const gov_status status = untag(t, items[i], &items[i]);
        if (status != GOV_OK)
            return status;
    }
    *out = json;
    return GOV_OK;
}

static gov_status untag_object(tags *t, value json, value *out)
{
    const value key = json.len == 1 ? json.as.pairs[0].key : value_absent();
    if (t->document) {
        if (key.kind == VALUE_STRING && key.len > 0 && key.as.s[0] == '$')
            return untag_one(t, key.as.s + 1, json.as.pairs[0].val, out);
        return untag_members(t, json, out);
    }
    if (key.kind != VALUE_STRING)
        return base_fail(t->d, M_bad_tag, A_S("why", "an object must be exactly one tag"));
    return untag_one(t, key.as.s, json.as.pairs[0].val, out);
}

static gov_status untag(tags *t, value json, value *out)
{
    gov_status status = GOV_OK;
    if (t->room < 0)
        return too_deep(t->d);
    t->room--;
    if (json.kind == VALUE_LIST)
        status = untag_items(t, json, out);
    else if (json.kind == VALUE_MAP)
        status = untag_object(t, json, out);
    else
        *out = json;
    t->room++;
    return status;
}

static gov_status read_with_tags(base_arena *arena, const char *text, size_t len, bool document, value *out,
                                 const diag *d)
{
    tags t = {arena, document, VALUE_MAX_DEPTH, d};
    value json;
    const gov_status status = read_text(arena, text, len, MAX_JSON_DEPTH, &json, d);
    return status == GOV_OK ? untag(&t, json, out) : status;
}

gov_status value_untag(base_arena *arena, value json, value *out, const diag *d)
{
    tags t = {arena, false, VALUE_MAX_DEPTH, d};
    return untag(&t, json, out);
}

gov_status value_read_tagged(base_arena *arena, const char *text, size_t len, value *out, const diag *d)
{
    return read_with_tags(arena, text, len, false, out, d);
}

gov_status value_read_document(base_arena *arena, const char *text, size_t len, value *out, const diag *d)
{
    const gov_status status = value_read_canonical(arena, text, len, out);
    if (status != GOV_END)
        return status == GOV_OK ? status : base_nomem(d);
    return read_with_tags(arena, text, len, true, out, d);
}
