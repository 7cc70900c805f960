/**
 * @file gov/exchange.h
 * Import of what offices export.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_EXCHANGE_H
#define GOV_EXCHANGE_H

#include <gov/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How to import; every field but `size` may be left zero. @since 0.1 */
typedef struct gov_import_options {
    size_t size;            /**< sizeof at the caller's compile time. @since 0.1 */
    const char *file;       /**< The data, or the folder of all data; NULL: the `file` that the map names, beside it. @since 0.1 */
    const char *refused;    /**< Where rows that cannot be imported go, as CSV with line number and reason; NULL: nowhere. For a list of
                                 maps it is one list of all, and FILE-NAME.csv beside it has the rows of each file. Only a file that an
                                 import wrote is replaced, else the call gives GOV_E_EXISTS; a dry run writes none. @since 0.1 */
    uint32_t batch;         /**< Rows per transaction, 1 to 100,000; 0: 500. @since 0.1 */
    uint32_t flags;         /**< GOV_IMPORT_*. @since 0.1 */
    gov_progress progress;  /**< May be NULL. Counts bytes of the files. @since 0.1 */
    void *user;             /**< Passed to progress. @since 0.1 */
    const char *lang;       /**< Of the reasons in the refused file: "zh" or "en"; NULL: the rulebook's first language. @since 0.1 */
} gov_import_options;

#define GOV_IMPORT_DRY_RUN 1U /**< Check every row, change nothing. */

/**
 * Zeroes the options and sets their size.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_import_options_init(gov_import_options *options, size_t size);

/** What an import did. @since 0.1 */
typedef struct gov_import_result {
    size_t size;        /**< sizeof at the caller's compile time. @since 0.1 */
    uint64_t rows;      /**< Rows read. @since 0.1 */
    uint64_t added;     /**< New records, cases or events. @since 0.1 */
    uint64_t unchanged; /**< Rows that were imported before. @since 0.1 */
    uint64_t changed;   /**< Records that were replaced. @since 0.1 */
    uint64_t flagged;   /**< Of the added, those imported with a recorded flag. @since 0.1 */
    uint64_t refused;   /**< Rows that went to the refused file. @since 0.1 */
    uint64_t events;    /**< Events replayed on the cases. @since 0.1 */
} gov_import_result;

/**
 * Imports a file as its map says: grids, units, staff, households, residents, premises, cases or events. Works in batches,
 * each one transaction with a mark of how far it came: killed and run again, it goes on where it was; run twice, it adds nothing.
 * Cases and events are replayed on the community's clock in the order of time; afterwards the handle's clock stands where
 * the replay ended (see gov_set_now() and gov_replayed_until()). Memory does not grow with the file. docs/import.md describes maps.
 * Permission: the host.
 * @param map  path of the import map (YAML), or of a list of maps (`order:`, `replay:`)
 * @param result may be NULL; filled in on failure too, with what was done until then
 * @return GOV_OK (refused rows are counted, not errors), GOV_E_RULE (the map; every mistake with its place), GOV_E_INPUT (a file that is
 *         no table, lacks columns or is cut short), GOV_E_NOT_FOUND (no such file), GOV_E_DENIED, GOV_E_STATE (a group is open),
 *         GOV_E_EXISTS (the refused rows would go to a file that is not theirs), GOV_E_LIMIT, GOV_E_USER, GOV_E_STORE and its kin,
 *         GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_import(gov *g, const char *map, const gov_import_options *options, gov_import_result *result,
                              gov_error **err);

/**
 * The instant at which the last replay left this community's clock. Another process that reports on imported history sets
 * its clock there (gov_set_now()), for reports and deadlines look at the clock.
 * Permission: anyone.
 * @param us  out: microseconds since 1970; -1: nothing was replayed
 * @return GOV_OK, GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_replayed_until(gov *g, int64_t *us, gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
