/**
 * @file gov/insight.h
 * Indicators and the report.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_INSIGHT_H
#define GOV_INSIGHT_H

#include <gov/access.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a report covers; every field but `size` may be left zero. @since 0.1 */
typedef struct gov_report_options {
    size_t size;         /**< sizeof at the caller's compile time. @since 0.1 */
    int64_t from_us;     /**< First instant of the period; 0: the first case. @since 0.1 */
    int64_t to_us;       /**< End of the period, exclusive; 0: the community's now. @since 0.1 */
    const char *lang;    /**< "zh" or "en"; NULL: the rulebook's first language. @since 0.1 */
    const char *workflow;/**< NULL: the workflow with the most cases leads, and all are counted. @since 0.1 */
    uint32_t flags;      /**< GOV_REPORT_*. @since 0.1 */
    uint32_t reserved;   /**< Zero. */
} gov_report_options;

#define GOV_REPORT_PUBLIC 1U /**< For publication: counts from 1 to 4 are masked, and no person's name is shown. */

/**
 * Zeroes the options and sets their size.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_report_options_init(gov_report_options *options, size_t size);

/**
 * The report's figures as a map; docs/report.md lists them with their definitions.
 * Permission: `report.read`.
 * @param out owned by the caller
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_report(gov *g, const gov_report_options *options, gov_value **out, gov_error **err);

/**
 * The report as text for a terminal. `*out` is owned by the caller, freed by gov_text_free().
 * Permission: `report.read`.
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_report_text(gov *g, const gov_report_options *options, char **out, size_t *len, gov_error **err);

/**
 * The report as one self-contained HTML page with inline SVG. `*out` is owned by the caller, freed by gov_text_free().
 * Permission: `report.read`.
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_report_html(gov *g, const gov_report_options *options, char **out, size_t *len, gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
