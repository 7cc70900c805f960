/* What the files of filters share: the translation under way, and operands. Nobody else includes it. */
#ifndef ACCESS_FILTER_H
#define ACCESS_FILTER_H

#include "access/access.h"

/* How a part of the filter came out: for no row, for every row, or as it was written to the condition. */
typedef enum outcome { NEVER, ALWAYS, SOME } outcome;

typedef struct translation {
    gov *g;
    const access_filtering *how;
    const expr_program *program;
    expr_run run;
    access_condition *out;
    base_arena *arena;
    const diag *d;
    gov_status status; /* of the first refusal or failure, reported */
    gov_error *failed; /* the first constant part that had no value */
    size_t terms, conditions;
} translation;

/* Something that has a value in each row. */
typedef struct operand {
    const access_column *column; /* where it is to be found */
    uint8_t domain;
    bool words;         /* bounds are words */
    bool null_is_value; /* else NULL has no value */
    bool whole;         /* the column itself, not what is computed from it */
    const char *sql;
} operand;

/* Some values of an operand's domain: single ones, and stretches. */
typedef struct stretch {
    bool one;               /* only `low` */
    bool has_low, has_high; /* else without end there */
    bool low_out, high_out; /* the end itself is not among them */
    int64_t low, high;      /* texts have their own */
    const char *low_text, *high_text;
    size_t low_len, high_len;
} stretch;
typedef struct set {
    stretch *items;
    size_t count, cap;
    bool null;     /* null is among them */
    bool equality; /* asked by == and in: null may be compared, and is unequal to the rest */
} set;

enum {
    FILTER_MOST_CONDITIONS = 200,
    FILTER_MOST_TERMS = 20000,
    FILTER_LONGEST_OPERAND = 2000,
    FILTER_LONGEST_SQL = 500000
};

/* Refuses what stands at n. */
void filter_refuse(translation *t, const expr_node *n, const diag_report *r);
#define REFUSE(t, n, ...) filter_refuse((t), (n), &(const diag_report){__VA_ARGS__})
void filter_fail(translation *t, gov_status status); /* reported already */
void *filter_memory(translation *t, size_t count, size_t size);

/* set.c: the values for which `x sign v` holds. False: it holds for none and fails for all. */
bool filter_set(translation *t, const expr_node *n, const operand *x, const char *sign, value v,
                set *out);
bool filter_set_prefix(translation *t, value prefix, set *out);

/* relation.c: rows whose operand is (or, wanted false, is not) in the set, or of which a condition on it holds. */
outcome filter_in_set(translation *t, const operand *x, const set *s, bool want);
outcome filter_has(translation *t, const operand *x, bool want);
outcome filter_flag(translation *t, const operand *x, bool want);
outcome filter_pair(translation *t, const expr_node *n, const operand *a, const operand *b,
                    const char *sign, bool want);
/* Rows of which one of the texts of the column is that one. */
outcome filter_text_within(translation *t, const access_column *c, value text, bool want);
/* Rows whose state is that one, or lies inside it. */
outcome filter_state(translation *t, const char *path, size_t len, bool want);
/* `test` and `untest` are conditions on the operand of which one holds wherever it has a value. */
outcome filter_test(translation *t, const operand *x, const char *test, const char *untest,
                    const char *text, size_t len, bool want);

#endif
