/**
 * @file gov/access.h
 * Who acts, for what purpose, and on which community: the handle `gov`, and the actor that each call runs as.
 *
 * Every call on a community passes one gate, which denies by default: it asks the community's rulebook
 * (`roles`, `permissions`, `by` of an event) whether the actor may do this. The host authenticates people;
 * libgov decides what they may do and records what they did.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_ACCESS_H
#define GOV_ACCESS_H

#include <gov/base.h>
#include <gov/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * One community, open on a store. Used by one thread at a time; open as many as wanted.
 * @since 0.1
 */
typedef struct gov gov;

/** How a call that writes is made; every field may be left zero. @since 0.1 */
typedef struct gov_call_options {
    size_t size;                 /**< sizeof at the caller's compile time. @since 0.1 */
    const char *idempotency_key; /**< The actor's own, at most 200 bytes: the same key with the same input gives the first answer again and changes
                                      nothing, with another input GOV_E_CONFLICT. NULL: none. @since 0.1 */
    uint64_t reserved;           /**< Zero. */
} gov_call_options;

/**
 * Zeroes the options and sets their size; for callers that cannot use an initialiser.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_call_options_init(gov_call_options *options, size_t size);

/**
 * The calls that follow are made by the host program itself: administration, imports, ticking. The host may
 * make every call and send every event, and sees sensitive fields masked: only a person with a role sees them plain.
 * @param purpose  why, as a short word that is recorded with each change ("import", "night_run")
 * @return GOV_OK, GOV_E_ARG (no purpose), GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_act_as_host(gov *g, const char *purpose, gov_error **err);

/**
 * The calls that follow are made by a member of staff, with the roles, grids and unit of the registry.
 * @param staff    the staff record's key (its code in the office's own numbering)
 * @param purpose  why, e.g. "handle_case": the rulebook's `sensitivity` decides by it what is shown unmasked
 * @return GOV_OK, GOV_E_NOT_FOUND, GOV_E_ARG (no purpose), GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_act_as(gov *g, const char *staff, const char *purpose, gov_error **err);

/**
 * The calls that follow are made by a resident, by the key of the resident's record. Residents have no roles but
 * those that the rulebook gives by `when` or by the scope `reporter`.
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_act_as_resident(gov *g, const char *resident, const char *purpose, gov_error **err);

/**
 * Groups the calls that follow into one transaction. Each call in a group is all-or-nothing by itself; one that
 * fails leaves the group as it was before that call. Inside a group GOV_E_RETRY is the caller's to handle: roll back
 * and begin again.
 * @return GOV_OK, GOV_E_STATE (a group is open already), GOV_E_BUSY, GOV_E_READONLY, GOV_E_STORE and its kin
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_begin(gov *g, gov_error **err);
/**
 * Ends the group and makes it durable.
 * @return GOV_OK, GOV_E_STATE (no group is open), GOV_E_RETRY, GOV_E_UNKNOWN_OUTCOME, GOV_E_FULL, GOV_E_STORE and its kin
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_commit(gov *g, gov_error **err);
/**
 * Ends the group and undoes it. Looks at personal data made in it stay recorded.
 * @return GOV_OK, GOV_E_STATE (no group is open), GOV_E_STORE and its kin
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_rollback(gov *g, gov_error **err);

/**
 * The community's clock, as the calls see it: microseconds since 1970 UTC.
 * @contract thread=engine alloc=no block=no
 * @since 0.1
 */
GOV_API int64_t gov_now(const gov *g);
/**
 * Lets the community's clock stand still at `us`, for replays and tests. Ids go by real time in any case.
 * @param us  microseconds since 1970 UTC, from 1 on: a community's time begins with 1970
 * @return GOV_OK, GOV_E_ARG (not after 1970-01-01T00:00:00Z, or past year 9999; the clock is left as it was)
 * @contract thread=engine alloc=no block=no
 * @since 0.1
 */
GOV_API gov_status gov_set_now(gov *g, int64_t us, gov_error **err);
/**
 * Lets the community's clock run with the host's again, as it does when a community is opened.
 * @return GOV_OK, GOV_E_ARG
 * @contract thread=engine alloc=no block=no
 * @since 0.1
 */
GOV_API gov_status gov_run_clock(gov *g, gov_error **err);

/**
 * Reads a time as people write it: "2026-03-02" (its beginning), "2026-03-02T09:05" or "2026-03-02 09:05:30" in the community's
 * time zone, or RFC 3339 with a zone of its own. Of a local time that occurs twice it is the first; one that summer time leaves out is
 * refused.
 * @param text  NUL-terminated
 * @param us    microseconds since 1970 UTC
 * @return GOV_OK, GOV_E_INPUT (with the time as the argument `text`), GOV_E_ARG
 * @contract thread=engine alloc=no block=no
 * @since 0.1
 */
GOV_API gov_status gov_time_parse(gov *g, const char *text, int64_t *us, gov_error **err);
/**
 * Writes a time in the community's time zone, with its offset: "2026-03-02T09:05:00+08:00".
 * @param us   microseconds since 1970 UTC
 * @param out  NUL-terminated, owned by the caller, freed by gov_text_free()
 * @param len  its length, may be NULL
 * @return GOV_OK, GOV_E_RANGE (outside the years 1 to 9999), GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_time_format(gov *g, int64_t us, char **out, size_t *len, gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
