/**
 * @file gov/expr.h
 * Expressions in the Common Expression Language (CEL): compile once, evaluate often.
 *
 * The same engine evaluates the guards, filters and indicators of a rulebook. A compiled expression is immutable:
 * threads may share it. Limits: 65,536 bytes of source, 250 levels, 16,384 terms; an evaluation costs at most 1,000,000
 * units (about one for each term that a macro repeats) and takes at most 64 MiB.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_EXPR_H
#define GOV_EXPR_H

#include <gov/base.h>
#include <gov/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A compiled expression. Immutable. @since 0.1 */
typedef struct gov_expr gov_expr;

/**
 * Compiles an expression and checks its names and types. CONSTRUCTOR.
 * @param alloc     where its memory comes from; NULL: malloc. Must outlive the expression.
 * @param source    UTF-8, `len` bytes
 * @param variables a map from the names that it may use to their types as text: "int", "list(string)",
 *                  "map(string, dyn)", "timestamp", "duration", "dyn" (anything), ... Names may be dotted
 *                  ("case.urgency"). NULL: it uses none.
 * @param out       owned by the caller
 * @return GOV_OK; GOV_E_EXPR with each mistake, its line and column, and where a name is unknown the one that was
 *         probably meant; GOV_E_ARG for a type that there is not; GOV_E_INPUT (not UTF-8); GOV_E_LIMIT; GOV_E_NOMEM
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_expr_compile(const gov_allocator *alloc, const char *source, size_t len,
                                    const gov_value *variables, gov_expr **out, gov_error **err);

/**
 * Evaluates an expression.
 * @param bindings a map from names to values; a dotted name may be bound as a whole or through maps in one another.
 *                 What is missing has no value, which is an error where it is needed. NULL: none.
 * @param out      owned by the caller, freed by gov_value_free(). An optional is its value, or null.
 * @return GOV_OK; GOV_E_EXPR with the code (no_such_key, divide_by_zero, ...) and the place in the source; GOV_E_LIMIT;
 *         GOV_E_NOMEM
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_expr_eval(const gov_expr *expr, const gov_value *bindings, gov_value **out, gov_error **err);

/**
 * Frees an expression; NULL is allowed. DESTRUCTOR.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_expr_free(gov_expr *expr);

/**
 * Answers one line of the protocol of `gov eval`: {"expr": "...", "bindings"?: {...}, "container"?: "a.b",
 * "disable_macros"?: true} gives {"value": ...} or {"error": {"code": ..., "message": ...}}. Malformed lines and failing
 * expressions are answers too.
 * @param json UTF-8, `len` bytes
 * @param out  one line without its newline, NUL-terminated, owned by the caller, freed by gov_text_free()
 * @param out_len its length, may be NULL
 * @return GOV_OK, GOV_E_ARG, GOV_E_NOMEM
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_expr_eval_line(const char *json, size_t len, char **out, size_t *out_len, gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
