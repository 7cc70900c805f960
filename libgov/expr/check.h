/* What check.c, names.c and calls.c share. */
#ifndef EXPR_CHECK_H
#define EXPR_CHECK_H

#include "expr/inner.h"

typedef struct local_var {
    const char *name;
    uint32_t len;
    expr_type type;
    uint32_t slot; /* in expr_ctx.local */
    bool bound;    /* by cel.bind */
} local_var;

typedef struct checker {
    compiler *c;
    local_var locals[EXPR_MAX_LOCALS];
    uint32_t local_count;
    uint32_t macros;     /* in one another, here */
    uint32_t next_slot;  /* of a variable */
    uint32_t most_slots; /* next_slot at its highest since somebody set this back */
    uint32_t proposals;  /* made so far: what looks through all names is done a few times only */
} checker;

enum { LONGEST_PATH = 512, MOST_PROPOSALS = 20 };

/* One way to read a name: `prefix` (a container with its dot, or empty) before it. */
typedef struct candidates {
    const char *container;
    size_t len; /* of the prefix of the next candidate; SIZE_MAX: none left */
} candidates;
candidates expr_candidates(const checker *k, bool rooted);
/* Writes the next full name to buf. False: no more, or too long for buf. */
bool expr_next_candidate(candidates *it, const char *name, size_t len, char buf[LONGEST_PATH],
                         size_t *full);

const local_var *expr_find_local(const checker *k, const expr_node *ident, uint32_t *index);
/* Looks up the name that `top` (an identifier, or selects on one) begins with, then checks the selects that are left. */
void expr_check_path(checker *k, expr_node *top);
/* Is it an identifier, or plain selects on one? The identifier, or NULL. */
expr_node *expr_path_start(expr_node *top);
/* Writes a path as it would be named. False: too long. */
bool expr_path_text(const expr_node *top, char buf[LONGEST_PATH], size_t *len);

void expr_check_node(checker *k, expr_node *n);
void expr_check_select(checker *k, expr_node *n);
void expr_check_call(checker *k, expr_node *n);
bool expr_comparable(expr_type a, expr_type b);
expr_type expr_join(expr_type a, expr_type b);
/* Reports in checked programs only; elsewhere it is an error of evaluating. */
bool expr_checked(const checker *k);
/* Has it an order, for <, sort() and sortBy()? */
bool expr_can_order(expr_type t);
void expr_wrong_type(checker *k, const expr_node *n, const char *what, const char *expected,
                     expr_type found);
/* Where a term begins: that of an operator is where its first operand does. */
uint32_t expr_start_of(const expr_node *n);

/* ---- propose.c ---- */

/* The known name that is most like an unknown one, or NULL; *len becomes that of the part of it that is unknown. */
const char *expr_propose_name(checker *k, const char *name, size_t *len);
/* The same for functions and macros. */
const char *expr_propose_function(checker *k, const char *name, size_t len, bool member);
bool expr_is_namespace(const checker *k, const char *name, size_t len);

/* Types (or lists of them) to choose from, each once. */
enum { EXPR_TYPES_SHOWN = 10, EXPR_TYPES_TEXT = EXPR_TYPES_SHOWN * (EXPR_TYPE_TEXT + 4) + 8 };
typedef struct type_texts {
    char items[EXPR_TYPES_SHOWN][EXPR_TYPE_TEXT];
    size_t count;
    bool more;
} type_texts;
void expr_types_add(type_texts *t, const char *text);
const char *expr_types_text(const type_texts *t,
                            char out[EXPR_TYPES_TEXT]); /* "string, bytes or list" */

/* ---- calls.c ---- */

typedef struct function_table {
    const expr_overload *rows;
    const size_t *count;
} function_table;
extern const function_table expr_tables[];
extern const size_t expr_table_count;
/* Does the argument's type go with the parameter's? Binds the type variables A and B. */
bool expr_unify(expr_type param, expr_type arg, expr_type bound[2]);
expr_type expr_substitute(expr_type t, const expr_type bound[2]);
expr_type expr_param_of(const expr_overload *o, size_t i);
bool expr_callable(const expr_overload *o, const expr_node *n);

/* ---- refine.c ---- */

/* Of a call to a built-in function whose overload is found: what its signature does not say. */
void expr_refine(checker *k, expr_node *n);
void expr_check_sort_key(checker *k, const expr_node *key);

/* ---- overloads.c ---- */

/* Argument i (or the target) is not what is expected. */
void expr_report_argument(checker *k, const expr_node *n, uint32_t i, const char *expected);

/* Reports that no overload of the called function takes its arguments. */
void expr_report_call(checker *k, const expr_node *n);
/* The same of an operator: `bad` is the operand that does not fit, beside one of type `beside` (EXPR_TYPE_NONE: whatever stands there). */
#define EXPR_TYPE_NONE ((expr_type)UINT64_MAX)
void expr_report_operator(checker *k, const char *op, const expr_node *a, const expr_node *b,
                          const expr_node *bad, expr_type beside, const type_texts *expected);

#endif
