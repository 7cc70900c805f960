/* What check.c, names.c and calls.c share. */
#ifndef EXPR_CHECK_H
#define EXPR_CHECK_H

#include "expr/inner.h"

typedef struct local_var {
    const char *name;
    uint32_t len;
    expr_type type;
} local_var;

typedef struct checker {
    compiler *c;
    local_var locals[EXPR_MAX_LOCALS];
    uint32_t local_count;
} checker;

enum { LONGEST_PATH = 512 };

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
const char *expr_nearest_name(const checker *k, const char *name, size_t len);

#endif
