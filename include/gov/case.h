/**
 * @file gov/case.h
 * Cases: opened under a workflow of the rulebook, moved on by events and by time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_CASE_H
#define GOV_CASE_H

#include <gov/access.h>
#include <gov/expr.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What else a case is opened with; every field may be left zero. @since 0.1 */
typedef struct gov_case_options {
    size_t size;            /**< sizeof at the caller's compile time. @since 0.1 */
    const char *reporter;   /**< Key of the resident who reports; NULL: anonymous. @since 0.1 */
    const char *grid;       /**< Key of the grid; NULL: located by the first field of type point. @since 0.1 */
    const char *source;     /**< The other system whose number follows, e.g. "hotline". @since 0.1 */
    const char *number;     /**< That system's own number: unique per source, searchable. @since 0.1 */
    const char *idempotency_key; /**< The actor's own: the same key with the same input gives the first answer again. @since 0.1 */
    uint64_t reserved;      /**< Zero. */
} gov_case_options;

/**
 * Zeroes the options and sets their size; for callers that cannot use an initialiser.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_case_options_init(gov_case_options *options, size_t size);

/**
 * Opens a case: checks the fields, finds its grid, enters the workflow's initial states.
 * Permission: `case.open`.
 * @param workflow  name of the workflow in the rulebook
 * @param fields    a map of the workflow's fields; NULL: none. Borrowed.
 * @param options   may be NULL
 * @param id        the new case (or the first one under the same idempotency key); may be NULL
 * @return GOV_OK, GOV_E_NOT_FOUND (workflow, reporter, grid), GOV_E_INPUT (a field; all of them are named),
 *         GOV_E_EXISTS (the other system's number is taken), GOV_E_CONFLICT (the idempotency key with another
 *         input), GOV_E_REFUSED, GOV_E_DENIED, GOV_E_EXPR, GOV_E_RANGE (the store's clock: gov_options.now_us), GOV_E_RETRY,
 *         GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_case_open(gov *g, const char *workflow, const gov_value *fields,
                                 const gov_case_options *options, int64_t *id, gov_error **err);

/**
 * Sends an event to a case: one macrostep with its effects, in one transaction.
 * Who may: the roles under `by` of the event.
 * @param data     the event's input, a map; NULL: none. Borrowed.
 * @param options  may be NULL
 * @return GOV_OK, GOV_E_NOT_FOUND, GOV_E_CONFLICT (the idempotency key with another input), GOV_E_INPUT (the input does not fit its declaration), GOV_E_REFUSED (nothing in the case's
 *         state accepts the event, or a rule refuses; the error cites file and line), GOV_E_DENIED, GOV_E_EXPR,
 *         GOV_E_LIMIT (1,000 microsteps; 100,000 steps of the case that are due before it), GOV_E_RANGE (the store's clock), GOV_E_RETRY,
 *         GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_case_send(gov *g, int64_t id, const char *event, const gov_value *data,
                                 const gov_call_options *options, gov_error **err);

/**
 * Finds a case by number: another system's, or, with source NULL or "", the community's own; when that is none, an imported
 * number whose system has no name.
 * Permission: `case.read`. A case outside of the actor's part of the community is answered as one that does not exist.
 * @return GOV_OK, GOV_E_NOT_FOUND, GOV_E_DENIED (no permission at all), GOV_E_STORE and its kin
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_case_find(gov *g, const char *source, const char *number, int64_t *id, gov_error **err);

/**
 * One case as a map: id, number, numbers, workflow, state (list of paths), outcome, opened_at, closed_at, grid, unit,
 * staff, reporter, parent, children (ids), holders (the units that had it, in order), ping_pongs (how often it came back
 * to one), fields, clocks, links, flags (what an import noticed). Sensitive fields are masked unless the rulebook shows them to this actor
 * for this purpose; each such look is journalled.
 * Permission: `case.read`. A case outside of the actor's part of the community is answered as one that does not exist.
 * @param out owned by the caller
 * @return GOV_OK, GOV_E_NOT_FOUND, GOV_E_DENIED (no permission at all), GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_case_get(gov *g, int64_t id, gov_value **out, gov_error **err);

/** What a list asks for; every field may be left zero. @since 0.1 */
typedef struct gov_case_query {
    size_t size;           /**< sizeof at the caller's compile time. @since 0.1 */
    const char *workflow;  /**< NULL: all. @since 0.1 */
    const char *grid;      /**< Key of a grid; its whole subtree counts. NULL: all. @since 0.1 */
    const char *unit;      /**< Key of the unit that has it. NULL: all. @since 0.1 */
    const char *field;     /**< An indexed field ... @since 0.1 */
    const char *equals;    /**< ... whose value, as text, is this. @since 0.1 */
    const char *cursor;    /**< From the page before; NULL: the first. @since 0.1 */
    uint32_t limit;        /**< Most rows of a page, 1 to 1000; 0: 50. @since 0.1 */
    uint32_t flags;        /**< GOV_CASE_OPEN_ONLY, GOV_CASE_OVERDUE_ONLY. @since 0.1 */
    const char *where;     /**< A filter in CEL (docs/filters.md): `case.unit == "WY" && clocks.resolution.due < now`. What the
                            *   store cannot answer by columns and indexed fields is refused. NULL: all. @since 0.1 */
    const char *order;     /**< A name as in filters, with `asc` or `desc` behind it: `clocks.resolution.due`, `case.opened_at desc`.
                            *   Cases without a value come last; ties go by id. NULL: the order of opening. @since 0.1 */
} gov_case_query;

#define GOV_CASE_OPEN_ONLY 1U    /**< Cases that have not ended. */
#define GOV_CASE_OVERDUE_ONLY 2U /**< Cases with a clock that is past its due instant and still runs. */

/**
 * Zeroes the query and sets its size.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_case_query_init(gov_case_query *query, size_t size);

/**
 * A page of cases, in the order of opening or the one asked for, as a map: `cases` (list of maps as in gov_case_get(), without clocks and
 * links), `next` (a cursor, or null at the end). Pages are stable under inserts, and no snapshot.
 * Permission: `case.read`; scoped roles see their own part. Nobody lists cases by a field that is masked for them.
 * @return GOV_OK; GOV_E_EXPR (the filter or the order, with line and column), GOV_E_ARG (a cursor of another list), GOV_E_DENIED, GOV_E_INPUT (a field that is not indexed, a text that it cannot hold), GOV_E_NOT_FOUND
 *         (unit, grid, workflow), GOV_E_LIMIT (a filter of too many conditions), GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_case_list(gov *g, const gov_case_query *query, gov_value **out, gov_error **err);

/**
 * The case's history: a list of maps in order, each with `at`, `actor`, `purpose`, `kind`, `event`, `data`, `from`, `to`, `rule` (file:line) and `entry`.
 * Permission: `case.read`, as gov_case_get() asks for it: outside of the actor's part, GOV_E_NOT_FOUND.
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_case_history(gov *g, int64_t id, gov_value **out, gov_error **err);

/**
 * What may happen next, for the actor of the handle: a map with
 *  - `state`, and `clocks`: each with `name`, `state`, `due`, `consumed`, `left`, `running`, `breached` (it was late, once), `breached_at`,
 *    `overdue` (it is, by what counts now), `provisional`, `budget`, `calendar`, `law`, `roll`, its `account` as it is kept, and `lines`, the
 *    account for people: maps with `at`, `what` and what belongs to that: what happened, with `event`, `by` and `entry` (of the history, that of
 *    the step that did it), `due` and, where that moved, `was`, and of a migration `version_was`; days (`from`, `to`, `days`, `why`: off, work, hours, weekend) that were "not_counted" or
 *    "counted"; marks raised ("mark") and ahead ("mark_ahead"); where an end rolled on ("roll"); from where on a year is "unlisted"; and
 *    "due". Each line whose instant or days rest on such a year has `provisional`: true
 *  - `timers`: pending, with what they will do, `provisional`, `parked` and `waiting` (for a year that no calendar lists), and `since`, `length`, `law` where they were reckoned by a calendar
 *  - `effects`: under way and not ended, each with `id`, `effect`, `since`, `due`, `provisional`
 *  - `events`: each with `event`, `allowed`, `input` (of each field type, required, title, default and limits) and for a refused one
 *    `refused_by` (`why`: state, guard, role or clock; `code`, `message` by language, `file`, `line`)
 * Permission: `case.read`, as gov_case_get() asks for it: outside of the actor's part, GOV_E_NOT_FOUND.
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_case_explain(gov *g, int64_t id, gov_value **out, gov_error **err);

/** What a tick did. @since 0.1 */
typedef struct gov_tick_result {
    size_t size;          /**< sizeof at the caller's compile time. @since 0.1 */
    uint64_t fired;       /**< Timers and queued events that were handled. @since 0.1 */
    uint64_t failed;      /**< Of these, those that failed and will be retried, or wait for a year that no calendar lists. @since 0.1 */
    uint64_t parked;      /**< Of these, those that failed for the last time and are listed by gov_verify(). @since 0.1 */
    int64_t next_us;      /**< When the next one is due, microseconds since 1970; 0: none is pending. @since 0.1 */
    uint32_t next_provisional; /**< 1: that instant rests on a year that no calendar lists, and is reckoned again when it is. @since 0.1 */
} gov_tick_result;

/**
 * Fires what is due at the community's clock, in the order of the due instants, each at its own instant in a transaction of its own (all in
 * the caller's group where one is open; what comes of itself without delay shares one, in which each still is undone alone), and seals the journal.
 * @param max     at most so many; 0: all that is due
 * @param result  may be NULL
 * @return GOV_OK, GOV_E_DENIED, GOV_E_RANGE (the store's clock: gov_options.now_us), GOV_E_RETRY (in a group), GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_tick(gov *g, uint64_t max, gov_tick_result *result, gov_error **err);

/** A workflow that runs without a store, on a clock that stands still unless told. @since 0.1 */
typedef struct gov_simulation gov_simulation;

/**
 * Loads a workflow for simulation: a file of a rulebook's folder, which then gives its values, calendars and effects, or a file with a
 * `workflow:` definition alone. CONSTRUCTOR.
 * @param alloc  NULL: malloc. Must outlive the simulation.
 * @param workflow  its name; NULL: the only one of the file, or of the rulebook where the file is its root and has none itself
 * @param scope  has the program's own functions that the rules call; NULL: none. The simulation keeps what it needs of it.
 * @param out    owned by the caller
 * @param err    warnings about doubtful charts also on success
 * @return GOV_OK, GOV_E_RULE, GOV_E_NOT_FOUND, GOV_E_INPUT (there are several workflows, and none is named), GOV_E_NOMEM
 * @contract thread=any alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_simulation_open(const gov_allocator *alloc, const char *path, const char *workflow,
                                       const gov_scope *scope, gov_simulation **out, gov_error **err);

/**
 * Answers one line of the protocol of `gov simulate`; what is wrong with a line is in the answer.
 * @param line     JSON, `len` bytes; NULL: the answer that comes first, before any line
 * @param out      one line without its newline, owned by the caller, freed by gov_text_free()
 * @return GOV_OK, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_simulation_line(gov_simulation *simulation, const char *line, size_t len, char **out,
                                       size_t *out_len, gov_error **err);

/**
 * Frees it; NULL is allowed. DESTRUCTOR.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_simulation_free(gov_simulation *simulation);

#ifdef __cplusplus
}
#endif

#endif
