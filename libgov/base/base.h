/* Room base: memory, diagnostics, buffers, maps, UTF-8, checked arithmetic, civil time, time zones,
 * digests. Knows nothing of governance and of no other room. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gov/base.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* ---- memory: alloc.c ---- */

/* The malloc family; also what a NULL allocator means. */
extern const gov_allocator base_malloc;

void *base_alloc(const gov_allocator *a, size_t size);  /* zeroed; size 0 gives a unique pointer */
void *base_array(const gov_allocator *a, size_t count, size_t size); /* zeroed, overflow-checked */
void *base_resize(const gov_allocator *a, void *ptr, size_t size);   /* the new tail is not zeroed */
void base_free(const gov_allocator *a, void *ptr);
char *base_strdup(const gov_allocator *a, const char *s);
char *base_strndup(const gov_allocator *a, const char *s, size_t len);

/* Grows *items (of `size` bytes each) so that index `count` is valid: doubles *capacity. */
bool base_grow(const gov_allocator *a, void *items, size_t *capacity, size_t count, size_t size);

/* An arena: many small allocations, freed together. Pointers stay valid until reset, rewind or free. */
typedef struct base_block base_block;
typedef struct base_arena {
    const gov_allocator *alloc;
    base_block *head;
    size_t used;  /* bytes handed out, so that callers can bound what an input may take */
    size_t limit; /* 0: none; past it base_arena_alloc gives NULL */
} base_arena;

void base_arena_init(base_arena *arena, const gov_allocator *a);
void *base_arena_alloc(base_arena *arena, size_t size); /* zeroed, 16-byte aligned */
void *base_arena_array(base_arena *arena, size_t count, size_t size);
char *base_arena_strndup(base_arena *arena, const char *s, size_t len); /* adds a NUL */
char *base_arena_strdup(base_arena *arena, const char *s);
void base_arena_reset(base_arena *arena); /* keeps one block, so that a loop settles at no allocation */
void base_arena_free(base_arena *arena);

/* ---- diagnostics: error.c, messages.def ---- */

typedef enum base_message {
#define MESSAGE(code, status, en, zh) M_##code,
#include "base/messages.def"
#undef MESSAGE
    M_COUNT_
} base_message;

/* Where diagnostics go. Internal calls take it as their last parameter; a public call makes one from its
 * `gov_error **err`. NULL, or out == NULL: nobody listens, and reporting costs nothing. */
typedef struct diag {
    const gov_allocator *alloc;
    gov_error **out;
} diag;

/* A place in an outside text; line and column count from 1, 0 means unknown. */
typedef struct base_place {
    const char *origin;
    uint32_t line, column;
} base_place;

typedef struct diag_arg {
    const char *name; /* as {name} in the message; NULL ends the list */
    const char *s;    /* text, or NULL for a number */
    size_t len;
    int64_t i;
} diag_arg;

#define A_S(n, text) {(n), base_text_or_empty(text), SIZE_MAX, 0}
#define A_N(n, ptr, length) {(n), base_text_or_empty(ptr), (length), 0}
#define A_I(n, number) {(n), NULL, 0, (int64_t)(number)}

typedef struct diag_report {
    base_message message;
    diag_arg a, b, c, d, e, f;
} diag_report;

/* base_fail(d, M_unknown_key, A_S("key", key), A_S("near", near)): reports and returns the status that the
 * catalogue gives the message (GOV_E_NOMEM if the report itself found no memory). */
#define base_fail(d, ...) base_report((d), NULL, GOV_SEVERITY_ERROR, &(const diag_report){__VA_ARGS__})
#define base_fail_at(d, place, ...) \
    base_report((d), (place), GOV_SEVERITY_ERROR, &(const diag_report){__VA_ARGS__})
/* A warning: recorded, GOV_OK returned (GOV_E_NOMEM when it could not be recorded). */
#define base_warn_at(d, place, ...) \
    base_report((d), (place), GOV_SEVERITY_WARNING, &(const diag_report){__VA_ARGS__})

gov_status base_report(const diag *d, const base_place *place, int32_t severity, const diag_report *r);
/* A public call was misused: bad_argument about `what`. */
gov_status base_misuse(gov_error **err, const char *what);
/* Options structs: copies the known fields of what the caller gave (NULL: all zero), refuses unknown ones that are set. */
gov_status base_options(void *dst, size_t known, const void *src, size_t src_size, const diag *d);
gov_status base_nomem(const diag *d); /* reports the static out-of-memory error; returns GOV_E_NOMEM */
const char *base_text_or_empty(const char *s);
size_t base_errors(const diag *d); /* diagnostics of severity error so far, with those that are not listed */
enum { BASE_MOST_LISTED = 1000 }; /* errors, and as many warnings; of more only the number is told */
const char *base_message_code(base_message m);
gov_status base_message_status(base_message m);

/* Sorts the diagnostics: errors before warnings, each by file (in the order in which the files came up), line and column; drops
 * repetitions. */
gov_status base_sort_errors(const diag *d); /* GOV_E_NOMEM, or GOV_OK */

/* Of diagnostic i; M_COUNT_ for none. */
base_message base_error_message(const gov_error *error, size_t i);
/* Takes out those listed for which drop[i] is true. One error at least has to stay of any. */
void base_drop_errors(const diag *d, const bool *drop);
/* Mistakes before warnings, each in their order: for calls that fail for another reason than the rules that they read. */
void base_errors_first(const diag *d);

/* Adds copies of all diagnostics of `from` to d; returns from's status (or GOV_E_NOMEM). */
gov_status base_forward(const diag *d, const gov_error *from);
/* What has no place gets this one. */
gov_status base_forward_at(const diag *d, const base_place *at, const gov_error *from);

/* The nearest of `names` to `name` by edit distance, or NULL when none is near. */
const char *base_nearest(const char *name, size_t len, const char *const *names, size_t count);

/* ---- buffers: buf.c ---- */

/* A growing byte buffer, always NUL-terminated once non-empty. Failure is sticky: check `failed` at the end. */
typedef struct base_buf {
    const gov_allocator *alloc;
    char *data;
    size_t len, cap;
    bool failed;
} base_buf;

void base_buf_init(base_buf *b, const gov_allocator *a);
void base_buf_free(base_buf *b);
void base_buf_clear(base_buf *b); /* keeps the memory */
bool base_buf_reserve(base_buf *b, size_t more);
void base_buf_add(base_buf *b, const void *bytes, size_t len);
void base_buf_str(base_buf *b, const char *s);
void base_buf_char(base_buf *b, char c);
void base_buf_int(base_buf *b, int64_t n);
void base_buf_uint(base_buf *b, uint64_t n);
/* printf into the buffer; for text that people read, not for hot paths. */
void base_buf_fmt(base_buf *b, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
char *base_buf_take(base_buf *b, size_t *len); /* hands the memory over; NULL when failed */

/* Big-endian integers, for canonical bytes that are hashed. */
void base_buf_be16(base_buf *b, uint16_t n);
void base_buf_be32(base_buf *b, uint32_t n);
void base_buf_be64(base_buf *b, uint64_t n);

/* ---- maps: map.c ---- */

/* From byte strings to 64-bit values; iterates in the order of insertion. Keys are not copied. */
typedef struct base_entry {
    const char *key;
    size_t len;
    uint64_t value;
} base_entry;
typedef struct base_map {
    const gov_allocator *alloc;
    base_entry *entries; /* count of them, in order */
    size_t count, cap;
    uint32_t *slots; /* open addressing; index + 1, 0 is free */
    size_t slot_count;
} base_map;

void base_map_init(base_map *m, const gov_allocator *a);
void base_map_free(base_map *m);
void base_map_clear(base_map *m);
uint64_t *base_map_get(const base_map *m, const char *key, size_t len); /* NULL: not there */
/* The value slot of key, made with value 0 when it is new (*fresh says so). NULL: no memory. */
uint64_t *base_map_put(base_map *m, const char *key, size_t len, bool *fresh);

/* ---- text: utf8.c ---- */

bool base_utf8_valid(const char *s, size_t len);      /* no surrogates, no overlong forms, at most U+10FFFF */
bool base_utf8_plain(const char *s, size_t len);      /* valid, and no control character in it */
size_t base_utf8_bad(const char *s, size_t len);      /* offset of the first bad byte, len when none */
size_t base_utf8_count(const char *s, size_t len);    /* code points of valid text */
size_t base_utf8_next(const char *s, size_t len, uint32_t *cp); /* bytes taken; 0 at the end or when bad */
/* Nothing in it can be seen: white space as Unicode has it, and what takes no room at all. So of a text that has to say something. */
bool base_utf8_blank(const char *s, size_t len);
size_t base_utf8_put(uint32_t cp, char out[4]);       /* bytes written; 0 when cp is no scalar value */

/* ---- numbers: num.c ---- */

static inline bool base_add(int64_t a, int64_t b, int64_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline bool base_sub(int64_t a, int64_t b, int64_t *out) { return !__builtin_sub_overflow(a, b, out); }
static inline bool base_mul(int64_t a, int64_t b, int64_t *out) { return !__builtin_mul_overflow(a, b, out); }

/* Strict decimal: optional '-', digits, nothing else; false on overflow or any other byte. */
bool base_parse_int(const char *s, size_t len, int64_t *out);
bool base_parse_uint(const char *s, size_t len, uint64_t *out);
/* Strict decimal degrees to units of 1e-7, rounding half away from zero at the eighth digit, no floats. */
bool base_parse_e7(const char *s, size_t len, int64_t *out);
size_t base_format_int(int64_t n, char out[24]);   /* length without the NUL */
size_t base_format_double(double d, char out[32]); /* shortest text that reads back as d; locale-free */
bool base_parse_double(const char *s, size_t len, double *out); /* locale-free */

/* ---- civil time: time.c ---- */

#define BASE_US_PER_SECOND INT64_C(1000000)
#define BASE_US_PER_DAY INT64_C(86400000000)

/* Proleptic Gregorian. `month` 1..12, `day` 1..31. */
typedef struct base_civil {
    int32_t year;
    uint8_t month, day, hour, minute, second;
    uint32_t nanos;
} base_civil;

int64_t base_days_from_civil(int32_t year, unsigned month, unsigned day); /* since 1970-01-01 */
void base_civil_from_days(int64_t days, int32_t *year, unsigned *month, unsigned *day);
unsigned base_weekday(int64_t days); /* 1 Monday .. 7 Sunday */
unsigned base_month_length(int32_t year, unsigned month);
bool base_date_valid(int32_t year, unsigned month, unsigned day);
/* "2026-03-02" exactly. */
bool base_parse_date(const char *s, size_t len, int64_t *days);
void base_format_date(int64_t days, char out[11]);
/* "2026-03-02", "2026-03-02T09:05", "2026-03-02 09:05:30": seconds of the civil time, counted as if it were UTC. */
bool base_parse_local(const char *s, size_t len, int64_t *seconds);
/* RFC 3339 ("2026-03-02T09:05:00.5+08:00", "...Z") to seconds since 1970 and nanoseconds. */
bool base_parse_rfc3339(const char *s, size_t len, int64_t *seconds, int32_t *nanos);
size_t base_format_rfc3339(int64_t seconds, int32_t nanos, char out[40]); /* UTC, fraction in 3, 6 or 9 digits */

/* ---- time zones: zone.c ---- */

/* Rules of one IANA zone, read from TZif bytes (RFC 8536, version 2+ with its footer). Immutable. */
typedef struct base_zone base_zone;

gov_status base_zone_parse(const gov_allocator *a, const char *name, const void *tzif, size_t len,
                           base_zone **out, const diag *d);
/* Reads the system's file of that IANA name (names with "..", or absolute ones, are refused).
 * *tzif (may be NULL) receives the raw bytes, for keeping with the rulebook. */
gov_status base_zone_load(const gov_allocator *a, const char *name, base_zone **out, base_buf *tzif,
                          const diag *d);
void base_zone_free(base_zone *z);
const char *base_zone_near(const char *name, size_t len); /* a well-known one that is like it, or NULL */
const char *base_zone_name(const base_zone *z);
int32_t base_zone_offset(const base_zone *z, int64_t seconds); /* seconds east of UTC at that instant */
/* The same, and the stretch [*start, *end) of time around that instant that has this offset. */
int32_t base_zone_stretch(const base_zone *z, int64_t seconds, int64_t *start, int64_t *end);

/* What a local time means. */
typedef enum base_local { BASE_LOCAL_UNIQUE, BASE_LOCAL_REPEATED, BASE_LOCAL_SKIPPED } base_local;
/* Local seconds (civil time counted as if it were UTC) to UTC. A repeated time takes the first (earlier)
 * instant, a skipped one is moved forward by the gap; the answer says which it was. */
base_local base_zone_to_utc(const base_zone *z, int64_t local_seconds, int64_t *utc_seconds);

/* ---- digests: digest.c ---- */

#define BASE_DIGEST_SIZE 32
void base_sha256(const void *bytes, size_t len, uint8_t out[BASE_DIGEST_SIZE]);
/* BLAKE2b of `size` bytes (16 to 64) of two pieces, one behind the other: for what only libgov compares with itself, where SHA-256 would
 * be the larger part of a step. What others check, chains and rulebooks, is SHA-256. */
void base_fingerprint(const void *first, size_t first_len, const void *second, size_t second_len, uint8_t *out, size_t size);
void base_hex(const uint8_t *bytes, size_t len, char *out); /* 2 * len + 1 bytes */
bool base_unhex(const char *s, size_t len, uint8_t *out);

#endif
