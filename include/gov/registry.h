/**
 * @file gov/registry.h
 * People and places: grids, units, staff, residents, households, premises, groups.
 *
 * A record is one document (a map) under a key of the office's own numbering, unique within its kind.
 * Fields that every record of a kind has are listed at GOV_KIND_*; a community declares more with `record:` definitions
 * of its rulebook. References to other records are written by key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_REGISTRY_H
#define GOV_REGISTRY_H

#include <gov/access.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GOV_KIND_GRID "grid"           /**< name, parent (grid), level, officers (list of staff), geometry (GeoJSON, WGS 84). */
#define GOV_KIND_UNIT "unit"           /**< name, kind, parent (unit), phone. */
#define GOV_KIND_STAFF "staff"         /**< name, roles (list), unit, grids (list), active (bool). */
#define GOV_KIND_PREMISES "premises"   /**< name, address, grid, place (point). */
#define GOV_KIND_HOUSEHOLD "household" /**< name, address, grid, premises, tags (list). */
#define GOV_KIND_RESIDENT "resident"   /**< name, household, grid, birth_date or birth_year, tags (list). */
#define GOV_KIND_GROUP "group"         /**< name, members (list of residents). */

/**
 * Adds a record, or replaces the one of that key.
 * Permission: `record.write`.
 * Turns of schedules and what programmes have put off until now are done first: who becomes a member today was none yesterday.
 * @param kind    one of GOV_KIND_*
 * @param key     1 to 128 bytes of UTF-8, unique within the kind
 * @param fields  the whole document, a map. Borrowed.
 * @param id      its id; may be NULL
 * @return GOV_OK, GOV_E_INPUT (every bad field is named), GOV_E_NOT_FOUND (a reference), GOV_E_DENIED, GOV_E_RETRY,
 *         GOV_E_LIMIT (more than 100,000 steps are due before it: gov_tick() takes them first), GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_record_put(gov *g, const char *kind, const char *key, const gov_value *fields, int64_t *id,
                                  gov_error **err);

/**
 * One record as a map: `id`, `key`, `kind` and its fields; sensitive ones are masked as in gov_case_get().
 * Permission: `record.read`. A record outside of the actor's part of the community is answered as one that does not exist.
 * @param out owned by the caller
 * @return GOV_OK, GOV_E_NOT_FOUND, GOV_E_DENIED (no permission at all), GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_record_get(gov *g, const char *kind, const char *key, gov_value **out, gov_error **err);

/** Which records of a kind to list; every field may be left zero. @since 0.1 */
typedef struct gov_record_query {
    size_t size;        /**< sizeof at the caller's compile time. @since 0.1 */
    const char *where;  /**< A filter in CEL (docs/filters.md): `it.birth_year < 1946 && "alone" in it.tags`. What the store cannot
                         *   answer by columns and indexed fields is refused. NULL: all. @since 0.1 */
    const char *order;  /**< A name as in filters, with `asc` or `desc` behind it: `it.birth_year desc`. NULL: by key. @since 0.1 */
    const char *cursor; /**< From the page before; NULL: the first. @since 0.1 */
    uint32_t limit;     /**< Most rows of a page, 1 to 1000; 0: 50. @since 0.1 */
    uint32_t flags;     /**< Zero. @since 0.1 */
} gov_record_query;

/**
 * Zeroes the query and sets its size.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_record_query_init(gov_record_query *query, size_t size);

/**
 * A page of records of a kind as a map: `records` and `next` (a cursor, or null at the end). Pages are stable under inserts, and no
 * snapshot. Records that have no value to order by come last.
 * Permission: `record.read`; scoped roles see their own part. Nobody lists records by a field that is masked for them.
 * @param query  may be NULL: all, by key
 * @return GOV_OK; GOV_E_EXPR (the filter or the order, with line and column), GOV_E_ARG (a cursor of another list), GOV_E_DENIED,
 *         GOV_E_INPUT (the kind), GOV_E_LIMIT (a filter of too many conditions), GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_record_list(gov *g, const char *kind, const gov_record_query *query, gov_value **out,
                                   gov_error **err);

/** A point on the earth, WGS 84, in units of 1e-7 degree. @since 0.1 */
typedef struct gov_point {
    int64_t lat; /**< -900000000 to 900000000 @since 0.1 */
    int64_t lon; /**< -1800000000 to 1800000000 @since 0.1 */
} gov_point;

/**
 * Finds the grid of each point: the deepest one whose polygon holds it. A point on a shared edge belongs to exactly one.
 * Permission: `record.read`.
 * @param points  n of them, borrowed
 * @param n       any number
 * @param ids     n ids out; 0: in no grid
 * @return GOV_OK, GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM. Takes memory for the grids' outlines once.
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_locate(gov *g, const gov_point *points, size_t n, int64_t *ids, gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
