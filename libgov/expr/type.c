/* Types as words, and the types of values. */
#include "expr/inner.h"

#include <string.h>

static const char *const kind_names[] = {"dyn",  "null_type", "bool",      "int",
                                         "uint", "double",    "string",    "bytes",
                                         "list", "map",       "timestamp", "duration",
                                         "type", "optional",  "B",         "A"};

static void add(char *out, const char *text)
{
    const size_t used = strlen(out), n = strlen(text);
    if (used + n < EXPR_TYPE_TEXT)
        memcpy(out + used, text, n + 1);
}

static void write_type(expr_type t, char *out)
{
    add(out, kind_names[expr_type_kind(t)]);
    if (t >> 4 == 0)
        return;
    add(out, "(");
    if (expr_type_kind(t) == EXPR_MAP) {
        add(out, kind_names[expr_type_key(t)]);
        add(out, ", ");
        write_type(expr_type_val(t), out);
    } else {
        write_type(expr_type_item(t), out);
    }
    add(out, ")");
}

const char *expr_type_text(expr_type t, char out[EXPR_TYPE_TEXT])
{
    out[0] = '\0';
    write_type(t, out);
    return out;
}

bool expr_type_fits(expr_type from, expr_type to)
{
    if (from == to || from == EXPR_DYN || to == EXPR_DYN)
        return true;
    if (expr_type_kind(from) != expr_type_kind(to))
        return false;
    switch (expr_type_kind(from)) {
    case EXPR_LIST:
    case EXPR_OPTIONAL: return expr_type_fits(expr_type_item(from), expr_type_item(to));
    case EXPR_MAP:
        return expr_type_fits(expr_type_key(from), expr_type_key(to)) &&
               expr_type_fits(expr_type_val(from), expr_type_val(to));
    default: return true;
    }
}

expr_type expr_kind_type(value v)
{
    static const uint8_t types[] = {EXPR_NULL,   EXPR_BOOL,      EXPR_INT,      EXPR_UINT,
                                    EXPR_DOUBLE, EXPR_STRING,    EXPR_BYTES,    EXPR_LIST,
                                    EXPR_MAP,    EXPR_TIMESTAMP, EXPR_DURATION, EXPR_TYPE};
    if (v.kind < ARRAY_LEN(types))
        return types[v.kind];
    return expr_is_optional(v) ? EXPR_OPTIONAL : EXPR_DYN;
}

static expr_type type_of(value v, int depth)
{
    const expr_type kind = expr_kind_type(v);
    if (v.len == 0 || depth > 12 || (kind != EXPR_LIST && kind != EXPR_MAP))
        return kind;
    expr_type key = EXPR_DYN, item = EXPR_DYN;
    for (size_t i = 0; i < v.len; i++) {
        const expr_type t =
            type_of(kind == EXPR_LIST ? v.as.items[i] : v.as.pairs[i].val, depth + 1);
        const expr_type k = kind == EXPR_MAP ? expr_kind_type(v.as.pairs[i].key) : EXPR_DYN;
        item = i == 0 || item == t ? t : EXPR_DYN;
        key = i == 0 || key == k ? k : EXPR_DYN;
        if (item == EXPR_DYN && key == EXPR_DYN)
            break;
    }
    return kind == EXPR_LIST ? expr_list_of(item) : expr_map_of(key, item);
}

expr_type expr_type_of(value v)
{
    return type_of(v, 0);
}

typedef struct type_name {
    const char *name;
    uint8_t kind;
} type_name;

/* The names that the language itself gives its types. */
static const type_name names[] = {
    {"null_type", EXPR_NULL},
    {"bool", EXPR_BOOL},
    {"int", EXPR_INT},
    {"uint", EXPR_UINT},
    {"double", EXPR_DOUBLE},
    {"string", EXPR_STRING},
    {"bytes", EXPR_BYTES},
    {"list", EXPR_LIST},
    {"map", EXPR_MAP},
    {"google.protobuf.Timestamp", EXPR_TIMESTAMP},
    {"google.protobuf.Duration", EXPR_DURATION},
    {"type", EXPR_TYPE},
    {"optional_type", EXPR_OPTIONAL},
};

const char *expr_type_name(value v, size_t *len)
{
    const expr_type t = expr_kind_type(v);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].kind == t) {
            *len = strlen(names[i].name);
            return names[i].name;
        }
    }
    *len = 3;
    return "dyn";
}

bool expr_named_type(const char *name, size_t len, value *out)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0) {
            *out = (value){.kind = VALUE_TYPE, .as.s = names[i].name, .len = len};
            return true;
        }
    }
    return false;
}
