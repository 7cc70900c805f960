/**
 * @file gov/points.h
 * Points programmes of the rulebook: what a household or a resident has earned, and why.
 *
 * Rules give points by the effects `award` and `deduct`; a host may do the same by hand. Each is a transfer on the programme's
 * ledger (see gov/ledger.h), so the points of a programme sum to zero at all times. Points never decide about legal entitlements.
 * Redeeming, tiers, expiry, appeals and the rest are operations (gov/operation.h), which docs/points.md lists.
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
 * Points that a household or resident can spend: without what orders have locked, and without what has expired.
 * Permission: `points.read`.
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
 * What came and went, the newest first: a list of maps with `at`, `kind` ("earned", "deducted", "redeemed", "fulfilled", "refunded",
 * "returned", "reversed", "expired", "sent", "received", "released"), `points` (negative when they went), `balance` after it, `reason` (the rule's or
 * the item's name), its `title` where it still has one, `case` and `order` (id or null), `transfer`.
 * Permission: `points.read`.
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
 * Gives points by hand, or takes them, under one of the programme's rules. What a cap cuts is not given, and no error; where evidence is
 * wanted of what is taken, use the operation points.award.
 * Permission: `points.write`.
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
 * The highest balances of a programme: a list of maps with `rank` (equal balances share one) and `points`, and with `account` and `name`
 * only of those who have agreed to that, by the field that the programme names.
 * Permission: `points.read`.
 * @param limit  most rows, 1 to 1000; 0, and what is more than the programme allows: as many as it does
 * @param out    owned by the caller
 * @return GOV_OK, GOV_E_ARG, GOV_E_NOT_FOUND (programme), GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_points_top(gov *g, const char *programme, uint32_t limit, gov_value **out,
                                  gov_error **err);

/**
 * All programmes in figures: a list of maps with `programme`, `title`, `unit`, `holders` (accounts), `given`, `taken`, `spent`,
 * `expired`, `outstanding`, and `sum` over all accounts, which is zero.
 * Permission: `points.read`.
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
