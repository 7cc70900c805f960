/**
 * @file gov/expr.h
 * Expressions in the Common Expression Language (CEL): compile once, evaluate often.
 *
 * The same engine evaluates the guards, filters and indicators of a rulebook. A compiled expression is immutable:
 * threads may share it. docs/expressions.md teaches the language.
 *
 * Limits, each answered with GOV_E_LIMIT: a source has at most GOV_EXPR_MAX_LENGTH bytes, GOV_EXPR_MAX_DEPTH levels of
 * nesting and GOV_EXPR_MAX_TERMS terms, and macros stand at most GOV_EXPR_MAX_MACROS deep in one another. An evaluation costs at most
 * GOV_EXPR_MAX_COST units and takes at most 64 MiB: one unit for each term that a macro repeats, for each 16 items compared or
 * copied, for each 64 bytes of text made, searched, compared or given to a function, for the steps of a pattern that needs many (a
 * thirty-second of those it may take), and for each function of a host or room what it declares. A value that an expression makes
 * holds at most 2^20 values or 64 MiB of text and nests at most 64 levels. A pattern of matches() has at most 8,192 bytes,
 * repeats at most 1,000 times, nests 100 groups and takes at most 1,000,000 steps in one text. A chain of operators or members
 * counts as nesting, a level for each link; && and || do not.
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

#define GOV_EXPR_MAX_LENGTH 65536
#define GOV_EXPR_MAX_DEPTH 250
#define GOV_EXPR_MAX_TERMS 16384
#define GOV_EXPR_MAX_MACROS 64
#define GOV_EXPR_MAX_COST 1000000

/** A compiled expression. Immutable. @since 0.1 */
typedef struct gov_expr gov_expr;

/**
 * What expressions may use beside the language: the functions of a host, and perhaps those of a rulebook. Fill it first, then
 * use it: once something was compiled with it, or a store opened, it takes no more. @since 0.1
 */
typedef struct gov_scope gov_scope;

/** Room for the reason of a failure, its NUL included. @since 0.1 */
#define GOV_FUNCTION_WHY 256

/**
 * Answers a call in an expression.
 * @param args   a list of the arguments, of the types that the signature says; for a member function the target comes first. Borrowed.
 * @param answer an empty map: set its member "value", as by gov_value_set_int(answer, "value", 5); not set is null
 * @param why    at most GOV_FUNCTION_WHY bytes: the reason of a failure, for people
 * @return GOV_OK; GOV_E_EXPR for an error in the sense of the language, which `&&` and `||` may pass by; GOV_E_USER to stop the evaluation.
 *         What the setters return may be passed on.
 *
 * It is called on whichever thread evaluates, perhaps on several at once, perhaps inside a transaction. It must not use the handle whose call
 * it runs in. @since 0.1
 */
typedef gov_status (*gov_function_call)(void *user, const gov_value *args, gov_value *answer, char *why);

/** A function of a host. @since 0.1 */
typedef struct gov_function {
    size_t size;                  /**< sizeof at the caller's compile time. @since 0.1 */
    const char *signature;        /**< "rainfall(string, timestamp) -> double"; "string.shout() -> string" for a member. @since 0.1 */
    gov_function_call call;       /**< @since 0.1 */
    void *user;                   /**< Passed to call. @since 0.1 */
    void (*release)(void *user);  /**< Called once when nothing needs the function any more; NULL: nothing to do. @since 0.1 */
    uint32_t flags;               /**< GOV_FUNCTION_*. @since 0.1 */
    uint32_t cost;                /**< Units of an evaluation that one call takes; 0: 10. @since 0.1 */
} gov_function;

#define GOV_FUNCTION_PURE 1U /**< The answer depends on the arguments alone: calls with constants are answered when compiling. */

/**
 * An empty scope. CONSTRUCTOR. gov_rulebook_scope() makes one that has what a rulebook's expressions may use.
 * @param alloc NULL: malloc. Must outlive whatever is made with the scope.
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_scope_new(const gov_allocator *alloc, gov_scope **out, gov_error **err);

/**
 * Adds a function, or an overload of one. The checker knows its types: wrong arguments are found when an expression is compiled.
 * @param function copied; on failure nothing of it is kept, and `release` is not called
 * @return GOV_OK, GOV_E_ARG (a signature that cannot be read), GOV_E_EXISTS (the language or the scope has a function of this name that
 *         takes these types), GOV_E_STATE (the scope is in use), GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_scope_add(gov_scope *scope, const gov_function *function, gov_error **err);

/**
 * Gives a scope up; what was made with it keeps it. NULL is allowed. DESTRUCTOR.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_scope_free(gov_scope *scope);

/** How to compile; every field but `size` may be left zero. @since 0.1 */
typedef struct gov_expr_options {
    size_t size;                /**< sizeof at the caller's compile time. @since 0.1 */
    const gov_value *variables; /**< As in gov_expr_compile(). @since 0.1 */
    const gov_scope *scope;     /**< Further functions and names; NULL: none. @since 0.1 */
    const char *container;      /**< "a.b": names are looked up in a.b, then in a, then as they stand. NULL: as they stand. @since 0.1 */
    const char *type;           /**< What the expression must yield: "bool"; NULL: anything. @since 0.1 */
} gov_expr_options;

/** Zeroes the options and sets their size. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API void gov_expr_options_init(gov_expr_options *options, size_t size);

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
 * Compiles as gov_expr_compile() does, with more to say about it. CONSTRUCTOR.
 * @param options NULL: all zero
 * @return as gov_expr_compile(); GOV_E_ABI for options of an unknown size
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_expr_compile_with(const gov_allocator *alloc, const char *source, size_t len,
                                         const gov_expr_options *options, gov_expr **out, gov_error **err);

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
 * "disable_macros"?: true, "variables"?: {name: type}} gives {"value": ...} or {"error": {"code": ..., "message": ...}}. Malformed lines and failing
 * expressions are answers too. With "variables" the types and names of the expression are checked first.
 * @param json UTF-8, `len` bytes
 * @param out  one line without its newline, NUL-terminated, owned by the caller, freed by gov_text_free()
 * @param out_len its length, may be NULL
 * @return GOV_OK, GOV_E_ARG, GOV_E_NOMEM
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_expr_eval_line(const char *json, size_t len, char **out, size_t *out_len, gov_error **err);

/**
 * As gov_expr_eval_line(), where expressions may use a scope as well (NULL: none).
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_scope_eval_line(const gov_scope *scope, const char *json, size_t len, char **out, size_t *out_len,
                                       gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
