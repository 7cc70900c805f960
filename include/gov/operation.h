/**
 * @file gov/operation.h
 * Operations: what the programmes of a community do when they are asked to - redeem points, book an hour of help, pay a share. Each has
 * a name ("points.redeem"), operands with types, a permission of the rulebook, and answers with a map. The same names stand in
 * scenarios (`call`), on the command line (`gov run`) and in the bindings.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_OPERATION_H
#define GOV_OPERATION_H

#include <gov/access.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Runs an operation as the actor that is set. What programmes had put off until before now (an expiry, a time-out) happens first.
 * Permission: the operation's own, as gov_operation_list() tells it; for each record that is named, too, unless it is one to whom something
 * is given.
 * @param name     e.g. "points.redeem"
 * @param input    a map of the operands; records by their keys, or as {"household": KEY} where the key alone may mean several; what
 *                 operations answer as `id` as an int or its decimal text. NULL: none
 * @param options  may be NULL; an idempotency key is for operations that write
 * @param out      the answer, a map, or null where there is nothing to tell; owned by the caller; may be NULL
 * @return GOV_OK, GOV_E_ARG, GOV_E_NOT_FOUND (operation, record), GOV_E_INPUT (operands: each mistake is told), GOV_E_DENIED, GOV_E_CONFLICT,
 *         what the operation itself refuses (GOV_E_REFUSED, GOV_E_STATE, GOV_E_RANGE, GOV_E_RULE), GOV_E_STORE and its kin, GOV_E_NOMEM.
 *         On failure nothing has changed.
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_operation_run(gov *g, const char *name, const gov_value *input, const gov_call_options *options,
                                     gov_value **out, gov_error **err);

/**
 * The operations there are: a list of maps with `name`, `permission` (null: any actor that is set), `writes`, and `operands`, a
 * list of maps with `name`, `type` (text, int, bool, time, date, duration, list, map, any, record, id, name), `required`, and `kinds` of a record or a name.
 * Permission: any actor that is set.
 * @param out owned by the caller
 * @return GOV_OK, GOV_E_ARG, GOV_E_DENIED (no actor is set), GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_operation_list(gov *g, gov_value **out, gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
