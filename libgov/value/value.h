/* Room value: the dynamic value and its canonical JSON text.
 *
 * A value is 24 bytes, passed by value; scalars are inside it, strings and containers point into memory
 * that somebody else keeps (usually an arena). Values are immutable once made; nothing is counted. */
#ifndef VALUE_VALUE_H
#define VALUE_VALUE_H

#include "base/base.h"

#include <gov/value.h>

typedef enum value_kind {
    VALUE_NULL = GOV_VALUE_NULL,
    VALUE_BOOL = GOV_VALUE_BOOL,
    VALUE_INT = GOV_VALUE_INT,
    VALUE_UINT = GOV_VALUE_UINT,
    VALUE_DOUBLE = GOV_VALUE_DOUBLE,
    VALUE_STRING = GOV_VALUE_STRING,
    VALUE_BYTES = GOV_VALUE_BYTES,
    VALUE_LIST = GOV_VALUE_LIST,
    VALUE_MAP = GOV_VALUE_MAP,
    VALUE_TIMESTAMP = GOV_VALUE_TIMESTAMP,
    VALUE_DURATION = GOV_VALUE_DURATION,
    VALUE_TYPE = GOV_VALUE_TYPE, /* a type's name, e.g. "int"; text as in a string */
    VALUE_OTHER = 12,            /* for the use of expr: optionals, errors, ... */
    VALUE_ABSENT = 13            /* no value at all: a map without the key, a slot not filled */
} value_kind;

typedef struct gov_value value;

typedef struct value_pair value_pair;

/* The public opaque gov_value is this struct; the kinds' numbers are those of gov/value.h. */
struct gov_value {
    uint8_t kind;
    uint8_t sub;   /* for VALUE_OTHER: what expr makes of it */
    int32_t nanos; /* timestamp, duration: 0..999,999,999, or for negative durations -999,999,999..0 */
    union {
        bool b;
        int64_t i;  /* int; seconds of a timestamp (since 1970) or of a duration */
        uint64_t u;
        double d;
        const char *s;           /* string, bytes, type: len bytes, not necessarily NUL-terminated */
        const value *items;      /* list: len of them */
        const value_pair *pairs; /* map: len of them, in order of insertion, keys unique */
        const void *other;
    } as;
    size_t len;
};

/* Keys are bool, int, uint or string, as in CEL; numerically equal int and uint keys are the same key. */
struct value_pair {
    value key, val;
};

static inline value value_null(void) { return (value){.kind = VALUE_NULL}; }
static inline value value_absent(void) { return (value){.kind = VALUE_ABSENT}; }
static inline value value_bool(bool b) { return (value){.kind = VALUE_BOOL, .as.b = b}; }
static inline value value_int(int64_t i) { return (value){.kind = VALUE_INT, .as.i = i}; }
static inline value value_uint(uint64_t u) { return (value){.kind = VALUE_UINT, .as.u = u}; }
static inline value value_double(double d) { return (value){.kind = VALUE_DOUBLE, .as.d = d}; }
static inline value value_string(const char *s, size_t len)
{
    return (value){.kind = VALUE_STRING, .as.s = s, .len = len};
}
static inline value value_bytes(const void *p, size_t len)
{
    return (value){.kind = VALUE_BYTES, .as.s = (const char *)p, .len = len};
}
static inline value value_list(const value *items, size_t len)
{
    return (value){.kind = VALUE_LIST, .as.items = items, .len = len};
}
static inline value value_map(const value_pair *pairs, size_t len)
{
    return (value){.kind = VALUE_MAP, .as.pairs = pairs, .len = len};
}
static inline value value_timestamp(int64_t seconds, int32_t nanos)
{
    return (value){.kind = VALUE_TIMESTAMP, .nanos = nanos, .as.i = seconds};
}
static inline value value_duration(int64_t seconds, int32_t nanos)
{
    return (value){.kind = VALUE_DURATION, .nanos = nanos, .as.i = seconds};
}
value value_text(const char *s); /* a string of a NUL-terminated text; absent for NULL */

/* Stored instants: microseconds since 1970. */
value value_from_us(int64_t us); /* a timestamp */
bool value_to_us(value timestamp_or_duration, int64_t *us); /* false: out of range, or a fraction of a us */

static inline bool value_is(value v, value_kind kind) { return v.kind == (uint8_t)kind; }
bool value_is_text(value v, const char *s); /* the string s? */

/* Equality as CEL's `==`: numbers compare across int, uint and double; NaN equals nothing; kinds that do
 * not compare are unequal. */
bool value_equal(value a, value b);
/* A total order over all values, for sorting and canonical output (kind, then content). */
int value_compare(value a, value b);

/* Member of a map; absent when there is none (or v is no map). */
value value_get(value map, const char *key, size_t len);
value value_get_text(value map, const char *key); /* key NUL-terminated */
value value_find(value map, value key);

/* A deep copy whose every byte lies in the arena. False: no memory. */
bool value_copy(base_arena *arena, value v, value *out);

/* Building maps and lists in an arena; failure is sticky. */
typedef struct value_builder {
    base_arena *arena;
    value *items;      /* list */
    value_pair *pairs; /* map */
    size_t len, cap;
    bool failed;
} value_builder;
void value_builder_init(value_builder *b, base_arena *arena);
void value_builder_add(value_builder *b, value item);
void value_builder_set(value_builder *b, const char *key, value val); /* replaces; key is not copied */
void value_builder_set_n(value_builder *b, const char *key, size_t len, value val);
/* With a copy of the text in the builder's arena; without memory the builder has failed, where value_text(NULL) would be absent. */
void value_builder_set_copy(value_builder *b, const char *key, const char *text);
void value_builder_add_copy(value_builder *b, const char *text);
value value_builder_list(const value_builder *b);
value value_builder_map(const value_builder *b);

/* ---- JSON: json.c ---- */

/* How deep values may nest in any text that is read or written. */
enum { VALUE_MAX_DEPTH = 64 };

/* Document form, the one that is stored and hashed: plain JSON where JSON is exact, else an object with the
 * one key "$uint", "$double", "$bytes" (base64), "$timestamp", "$duration", "$type" or "$map" ([[k, v], ...]).
 * Ints are JSON integers, doubles always have a '.' or an 'e'; maps with string keys are objects
 * whose keys are sorted by bytes (a map that has a key starting with '$' is written as "$map"). No spaces. */
void value_write_document(base_buf *out, value v);
gov_status value_read_document(base_arena *arena, const char *text, size_t len, value *out, const diag *d);

/* Plain form for machines outside, as a host's JSON has it: timestamps are RFC 3339 strings, durations "1.5s", bytes
 * base64, uints and ints numbers, NaN null, keys in insertion order. Not exact when read back. */
void value_write_plain(base_buf *out, value v);

/* Tagged form of the command line's `gov eval` protocol: {"int": "5"}, {"map": [[k, v], ...]}, ... */
void value_write_tagged(base_buf *out, value v);
gov_status value_read_tagged(base_arena *arena, const char *text, size_t len, value *out, const diag *d);
/* The JSON text read as it stands, without giving meaning to any tag; numbers become int or double. */
gov_status value_read_json(base_arena *arena, const char *text, size_t len, value *out, const diag *d);
/* Turns a value read by value_read_json into what its tags mean. */
gov_status value_untag(base_arena *arena, value json, value *out, const diag *d);

void value_write_json_string(base_buf *out, const char *s, size_t len); /* quotes and escapes */
/* "123.5s" and back. */
void value_write_duration(base_buf *out, int64_t seconds, int32_t nanos);
bool value_parse_duration(const char *s, size_t len, int64_t *seconds, int32_t *nanos);

/* Makes an owned public value (freed by gov_value_free) with a deep copy of v. */
gov_status value_publish(const gov_allocator *a, value v, gov_value **out, const diag *d);

#endif
