/**
 * @file gov/scenario.h
 * Scenarios: a rulebook's own tests. Each is played on a community of its own, on a clock that stands still unless told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_SCENARIO_H
#define GOV_SCENARIO_H

#include <gov/base.h>
#include <gov/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How scenarios are run; every field may be left zero. @since 0.1 */
typedef struct gov_scenario_options {
    size_t size;      /**< sizeof at the caller's compile time. @since 0.1 */
    const char *url;  /**< The store that the communities are made on, and left on. NULL: a new one in memory for each. @since 0.1 */
    const char *lang; /**< Language of titles and messages, "zh" or "en". NULL: "en". @since 0.1 */
    const struct gov_scope *scope; /**< Functions of the program that the rules call; NULL: none. Borrowed. @since 0.1 */
    const char *overlay; /**< A file that replaces values, roles and the title of the rulebook, as for gov_rulebook_load_over(); NULL: none. @since 0.1 */
    uint64_t reserved; /**< Zero. */
} gov_scenario_options;

/**
 * Zeroes the options and sets their size.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_scenario_options_init(gov_scenario_options *options, size_t size);

/**
 * What is told of each scenario when it has ended: a map of `title`, `file`, `line`, `passed`, `steps` (how many were run) and
 * `failures`, a list of maps with `file`, `line`, `column`, `code`, `message` and, where the step is about a case, `case` and its
 * `history` as in gov_case_history(), with the `local` time of each entry. Borrowed during the call. @return 0 to go on @since 0.1
 */
typedef int32_t (*gov_scenario_told)(const gov_value *result, void *user);

/**
 * Runs the scenarios under a path: those that the rulebook includes, and every file in its folder that begins with
 * `scenario:`. The path may be a rulebook, or a folder or file of scenarios inside of a rulebook's folder.
 * @param alloc    NULL: malloc
 * @param options  may be NULL
 * @param told     may be NULL
 * @param report   a map of `passed`, `failed`, `results` (a list of what `told` is given) and `coverage` (a list of maps with
 *                 `workflow`, `file`, and for `states` and `transitions` each `reached`, `total` and `missed`); owned by the caller
 * @param err      on success it may hold warnings about the rulebook, and is then to be freed as well
 * @return GOV_OK also when scenarios failed, GOV_E_RULE (mistakes in the rulebook or in a scenario, each with file, line and
 *         column), GOV_E_NOT_FOUND, GOV_E_LIMIT, GOV_E_USER (`told` gave another number than 0), GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=any alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_scenarios_run(const gov_allocator *alloc, const char *path, const gov_scenario_options *options,
                                     gov_scenario_told told, void *user, gov_value **report, gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
