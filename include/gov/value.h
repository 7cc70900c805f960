/**
 * @file gov/value.h
 * The dynamic value: how records, inputs and answers cross the interface.
 *
 * A `gov_value *` that a call hands out is owned by the caller and freed by gov_value_free(); a
 * `const gov_value *` is borrowed from the value it is part of.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_VALUE_H
#define GOV_VALUE_H

#include <gov/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A value of one of the kinds GOV_VALUE_*. Immutable but for the two setters below. @since 0.1 */
typedef struct gov_value gov_value;

#define GOV_VALUE_NULL 0
#define GOV_VALUE_BOOL 1
#define GOV_VALUE_INT 2
#define GOV_VALUE_UINT 3
#define GOV_VALUE_DOUBLE 4
#define GOV_VALUE_STRING 5
#define GOV_VALUE_BYTES 6
#define GOV_VALUE_LIST 7
#define GOV_VALUE_MAP 8
#define GOV_VALUE_TIMESTAMP 9
#define GOV_VALUE_DURATION 10
#define GOV_VALUE_TYPE 11

/**
 * An empty map, for building a record: gov_value_set_string(v, "category", "noise") and so on. CONSTRUCTOR.
 * @param alloc where its memory comes from; NULL: malloc. Must outlive the value.
 * @return owned by the caller; NULL when there is no memory.
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_value *gov_value_new_map(const gov_allocator *alloc);

/**
 * An empty list. CONSTRUCTOR.
 * @return owned by the caller; NULL when there is no memory.
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_value *gov_value_new_list(const gov_allocator *alloc);

/**
 * Reads JSON: objects become maps with string keys, integers int (refused beyond 64 bits), other numbers double. An
 * object with the one key "$uint", "$double", "$bytes", "$timestamp", "$duration", "$type" or "$map" is the value
 * that gov_value_to_json() writes that way. At most 64 levels deep; duplicate keys are refused.
 * @param text  UTF-8, `len` bytes
 * @param out   owned by the caller
 * @return GOV_OK, GOV_E_INPUT (with the place), GOV_E_NOMEM
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_value_from_json(const gov_allocator *alloc, const char *text, size_t len, gov_value **out,
                                       gov_error **err);

/**
 * Writes canonical JSON: the same value gives the same bytes, and reading them gives the same value.
 * @param out NUL-terminated, owned by the caller, freed by gov_text_free()
 * @param len its length, may be NULL
 * @return GOV_OK, GOV_E_NOMEM
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_value_to_json(const gov_value *value, char **out, size_t *len, gov_error **err);

/**
 * Frees text that a call handed out (with malloc's family). NULL is allowed. DESTRUCTOR.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_text_free(char *text);

/**
 * Frees an owned value with all its parts. NULL is allowed. DESTRUCTOR.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_value_free(gov_value *value);

/**
 * Sets a member of an owned map; the value is copied. A member of that name is replaced.
 * @param map a value made by gov_value_new_map()
 * @return GOV_OK, GOV_E_ARG (not an owned map, or the key is not UTF-8), GOV_E_LIMIT (deeper than 64 levels), GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_value_set(gov_value *map, const char *key, const gov_value *value);
/** As gov_value_set(), with a NUL-terminated UTF-8 text. @contract thread=engine alloc=yes block=no @since 0.1 */
GOV_API gov_status gov_value_set_string(gov_value *map, const char *key, const char *text);
/** As gov_value_set(), with `len` bytes of UTF-8. @contract thread=engine alloc=yes block=no @since 0.1 */
GOV_API gov_status gov_value_set_text(gov_value *map, const char *key, const char *text, size_t len);
/** As gov_value_set(), with an int. @contract thread=engine alloc=yes block=no @since 0.1 */
GOV_API gov_status gov_value_set_int(gov_value *map, const char *key, int64_t number);
/** As gov_value_set(), with a bool (0 or not 0). @contract thread=engine alloc=yes block=no @since 0.1 */
GOV_API gov_status gov_value_set_bool(gov_value *map, const char *key, int32_t truth);
/** As gov_value_set(), with a double. @contract thread=engine alloc=yes block=no @since 0.1 */
GOV_API gov_status gov_value_set_double(gov_value *map, const char *key, double number);
/**
 * As gov_value_set(), with a timestamp in microseconds since 1970 UTC; GOV_E_RANGE outside of the years 1 to 9999.
 * @contract thread=engine alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_value_set_timestamp(gov_value *map, const char *key, int64_t us);
/**
 * As gov_value_set(), with a point: a map of `lat` and `lon` in units of 1e-7 degree (WGS 84). In JSON a point may also be
 * in degrees, {"lat": 30.28, "lon": 120}; two whole numbers are units of 1e-7 degree when one of them can be no degrees.
 * @contract thread=engine alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_value_set_point(gov_value *map, const char *key, int64_t lat_e7, int64_t lon_e7);

/**
 * Appends a copy of `value` to an owned list.
 * @return GOV_OK, GOV_E_ARG (not an owned list), GOV_E_LIMIT (deeper than 64 levels), GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_value_append(gov_value *list, const gov_value *value);

/** GOV_VALUE_*; GOV_VALUE_NULL for NULL. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API int32_t gov_value_kind(const gov_value *value);
/** 0 or 1; 0 when it is no bool. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API int32_t gov_value_bool(const gov_value *value);
/** The int (or a uint below 2^63); 0 when it is neither. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API int64_t gov_value_int(const gov_value *value);
/** The uint (or an int that is not negative); 0 when it is neither. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API uint64_t gov_value_uint(const gov_value *value);
/** The double, or the number nearest to an int or uint; 0 for others. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API double gov_value_double(const gov_value *value);
/**
 * Text of a string or type, or bytes; NUL-terminated, borrowed. NULL when it is none of these.
 * @param len its length in bytes, may be NULL
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API const char *gov_value_string(const gov_value *value, size_t *len);
/**
 * Seconds of a timestamp (since 1970 UTC) or a duration; 0 for others.
 * @param nanos the fraction in nanoseconds, may be NULL
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API int64_t gov_value_seconds(const gov_value *value, int32_t *nanos);
/** Items of a list or members of a map; 0 for others. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API size_t gov_value_count(const gov_value *value);
/** Item i of a list, or the value of member i of a map; NULL past the end. Borrowed. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API const gov_value *gov_value_at(const gov_value *value, size_t i);
/** Key of member i of a map; NULL past the end. Borrowed. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API const gov_value *gov_value_key_at(const gov_value *value, size_t i);
/** Member of a map by its string key; NULL when there is none. Borrowed. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API const gov_value *gov_value_get(const gov_value *map, const char *key);
/**
 * What stands at a path of keys and positions that are joined by dots: `clocks.0.due`. A part that is a number means the
 * member of that name in a map and the item at that position (from 0) in a list.
 * @return borrowed; NULL when a part is missing or the path is empty. A key with a dot in it is out of reach here.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API const gov_value *gov_value_find(const gov_value *value, const char *path);

#ifdef __cplusplus
}
#endif

#endif
