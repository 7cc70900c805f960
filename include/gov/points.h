/**
 * @file gov/points.h
 * Points programmes of the rulebook: what a household or a resident has earned, and why.
 *
 * Rules give points by the effects `award` and `deduct`; a host may do the same by hand. Each is a transfer on the programme's
 * ledger (see gov/ledger.h), so the points of a programme sum to zero at all times. Points never decide about legal entitlements.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_POINTS_H
#define GOV_POINTS_H

#include <gov/access.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Points that a household or resident has.
 * Permission: `ledger.read`.
 * @param programme  its name in the rulebook; NULL: the only one
 * @param kind       kind of the record that `key` names ("household", "resident"); NULL: the programme's own. A resident's
 *                   points are those of the household where households hold them.
 * @param key        key of the record
 * @param balance    0 for one that has never earned any
 * @return GOV_OK, GOV_E_ARG, GOV_E_NOT_FOUND (programme, record), GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_points_balance(gov *g, const char *programme, const char *kind,
                                      const char *key, int64_t *balance, gov_error **err);

/**
 * What was earned and taken, the newest first: a list of maps with `at`, `points` (negative when taken), `balance` after it, `reason`
 * (the rule's name), `title` of the rule where it still has one, `case` (id or null), `transfer`.
 * Permission: `ledger.read`.
 * @param before  only what happened before this instant; 0: from the newest on
 * @param limit   most rows, 1 to 1000; 0: 50
 * @param out     owned by the caller
 * @return as gov_points_balance()
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_points_statement(gov *g, const char *programme, const char *kind,
                                        const char *key, int64_t before, uint32_t limit,
                                        gov_value **out, gov_error **err);

/**
 * Gives points by hand, or takes them, under one of the programme's rules.
 * Permission: `ledger.write`.
 * @param rule    name under `earn` or `deduct` of the programme: a rule under `deduct` takes
 * @param amount  1 and up; 0: the rule's own
 * @return GOV_OK, GOV_E_ARG, GOV_E_NOT_FOUND (programme, record), GOV_E_RULE (no such rule, a rule without amount), GOV_E_RANGE (a
 *         negative amount), GOV_E_REFUSED (more is taken than there is), GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_points_award(gov *g, const char *programme, const char *kind,
                                    const char *key, const char *rule, int64_t amount,
                                    gov_error **err);

/**
 * The highest balances of a programme, without names: a list of maps with `rank` (equal balances share one) and `points`.
 * Permission: `ledger.read`.
 * @param limit  most rows, 1 to 1000; 0: 10
 * @param out    owned by the caller
 * @return GOV_OK, GOV_E_ARG, GOV_E_NOT_FOUND (programme), GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_points_top(gov *g, const char *programme, uint32_t limit, gov_value **out,
                                  gov_error **err);

/**
 * All programmes in figures: a list of maps with `programme`, `title`, `unit`, `holders` (accounts), `given`, `taken`, `outstanding`,
 * and `sum` over all accounts, which is zero.
 * Permission: `ledger.read`.
 * @param out    owned by the caller
 * @return GOV_OK, GOV_E_ARG, GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_points_totals(gov *g, gov_value **out, gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
