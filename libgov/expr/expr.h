/* Room expr: expressions in the Common Expression Language (CEL), compiled once and evaluated often.
 *
 * The whole core language is there but for protocol buffer messages, and of the extensions that cel-go describes: macros with
 * two variables, optionals, strings (format included), math, lists, sets, cel.bind, base64 (ext_*.c, format.c, loop.c).
 *
 * A scope declares the names that expressions may use. An expression is compiled against a scope into a program, which is
 * immutable and may be shared by threads. Evaluating takes the values of the names (slots) from the caller.
 *
 * Limits: the source is at most EXPR_MAX_LENGTH bytes, nests at most EXPR_MAX_DEPTH levels, has at most EXPR_MAX_TERMS
 * terms and EXPR_MAX_LOCALS variables of macros in one another. A value made by an expression is at most
 * VALUE_MAX_DEPTH deep and has a weight (values in it, and one for each 64 bytes of text) of at most EXPR_MAX_WEIGHT. An
 * evaluation costs at most `cost_limit` units: one for each term that a loop repeats, for each 16 items compared or copied, for each 64
 * bytes of text made, searched or compared, for the steps of a pattern, and what functions declare. Patterns of matches() are bounded by PCRE2's own match limits. */
#ifndef EXPR_EXPR_H
#define EXPR_EXPR_H

#include "base/base.h"
#include "value/value.h"

#include <gov/expr.h>

enum {
    EXPR_MAX_LENGTH = GOV_EXPR_MAX_LENGTH,
    EXPR_MAX_DEPTH = GOV_EXPR_MAX_DEPTH,
    EXPR_MAX_TERMS = GOV_EXPR_MAX_TERMS,
    EXPR_MAX_LOCALS = 2 * GOV_EXPR_MAX_MACROS,
    EXPR_MAX_PARAMS = 8,
    EXPR_MAX_WEIGHT = 1 << 20,
    EXPR_DEFAULT_COST = GOV_EXPR_MAX_COST
};

/* ---- types: type.c ---- */

/* A type in one word: a kind in the lowest four bits, its parameters above. Compare with ==. What is too deep to be
 * written in 64 bits is dyn inside. */
typedef uint64_t expr_type;

#define EXPR_DYN       ((expr_type)0) /* anything; what is not known before evaluation */
#define EXPR_NULL      ((expr_type)1)
#define EXPR_BOOL      ((expr_type)2)
#define EXPR_INT       ((expr_type)3)
#define EXPR_UINT      ((expr_type)4)
#define EXPR_DOUBLE    ((expr_type)5)
#define EXPR_STRING    ((expr_type)6)
#define EXPR_BYTES     ((expr_type)7)
#define EXPR_LIST      ((expr_type)8) /* of dyn; expr_list_of() for others */
#define EXPR_MAP       ((expr_type)9) /* of dyn to dyn; expr_map_of() for others */
#define EXPR_TIMESTAMP ((expr_type)10)
#define EXPR_DURATION  ((expr_type)11)
#define EXPR_TYPE      ((expr_type)12)
#define EXPR_OPTIONAL  ((expr_type)13) /* of dyn */

static inline unsigned expr_type_kind(expr_type t)
{
    return (unsigned)(t & 15);
}
static inline expr_type expr_list_of(expr_type item)
{
    return EXPR_LIST | (item >> 60 != 0 ? EXPR_DYN : item) << 4;
}
static inline expr_type expr_map_of(expr_type key, expr_type val)
{
    return EXPR_MAP | (key & 15) << 4 | (val >> 56 != 0 ? EXPR_DYN : val) << 8;
}
static inline expr_type expr_optional_of(expr_type t)
{
    return EXPR_OPTIONAL | (t >> 60 != 0 ? EXPR_DYN : t) << 4;
}
static inline expr_type expr_type_item(expr_type list_or_optional)
{
    return list_or_optional >> 4;
}
static inline expr_type expr_type_key(expr_type map)
{
    return map >> 4 & 15;
}
static inline expr_type expr_type_val(expr_type map)
{
    return map >> 8;
}

enum { EXPR_TYPE_TEXT = 128 };
/* "map(string, list(int))"; returns out. */
const char *expr_type_text(expr_type t, char out[EXPR_TYPE_TEXT]);
/* May a value of type `from` stand where `to` is wanted? dyn goes with everything. */
bool expr_type_fits(expr_type from, expr_type to);
/* The most exact type of a value (lists and maps look at their members). */
expr_type expr_type_of(value v);

/* ---- running: eval.c ---- */

/* What one evaluation gets. Zero it, then set what is needed. */
typedef struct expr_run {
    const value *slots; /* by slot number; VALUE_ABSENT where unknown */
    size_t slot_count;  /* slots beyond count as absent */
    /* Called for a slot that is absent; false: it has no value. It may set *out to absent or null too. May be NULL. */
    bool (*fetch)(void *user, uint32_t slot, value *out);
    void *user; /* for fetch, and for functions (which also have a user of their own) */
    base_arena
        *scratch; /* memory of results and intermediates; NULL: what needs memory fails. Guards over
                          * scalars, strings and constant lists take none */
    uint64_t cost_limit; /* 0: EXPR_DEFAULT_COST */
    uint64_t *cost_left; /* functions find here what is left, and take from it by expr_spend(). A caller who sets it gives
                          * the budget here instead of cost_limit, and finds the rest in it afterwards */
    int64_t now_us;      /* for functions; the language itself has no clock */
    const base_zone
        *zone; /* for functions; the language's own getters are in UTC unless a zone is named */
} expr_run;

/* ---- scopes: scope.c ---- */

typedef struct expr_scope expr_scope;
typedef struct expr_program expr_program;

/* A function from a room above, or from the host. args[0] is the target of a member function. Writes *out and returns GOV_OK; or
 * reports to d and returns a status. GOV_E_NOMEM, GOV_E_LIMIT, GOV_E_USER and GOV_E_BUG, and those of stores (400..499), end the
 * evaluation; any other status is an error in the sense of CEL, which `||` and `&&` may absorb.
 * Memory for the result comes from run->scratch (NULL when the caller gave none: then return GOV_E_NOMEM). */
typedef gov_status (*expr_callback)(void *user, const value *args, size_t n, value *out,
                                    const expr_run *run, const diag *d);
/* Called for each call of the function when an expression is compiled, so that wrong constants are found early
 * (In('no.such.state')). args[i] is absent where the argument is not constant; it stands at spots[i]. */
typedef struct expr_spot {
    base_place place; /* where the argument begins */
    const void *within;
    uint32_t at;
} expr_spot;
typedef gov_status (*expr_call_check)(void *user, const value *args, size_t n,
                                      const expr_spot *spots, const diag *d);
/* Where the byte `offset` of a text stands that was written there as one literal: behind its quote and prefix, past its escapes. Of a text
 * that was put together: where it begins. For expr_call_check only. */
base_place expr_spot_inside(const expr_spot *spot, value text, size_t offset);

typedef struct expr_function {
    const char *name; /* "age", or qualified: "points.balance" */
    bool member;      /* target.name(...) */
    bool pure;        /* depends on its arguments only: calls with constants are folded */
    uint8_t argc;     /* with the target */
    expr_type args[EXPR_MAX_PARAMS];
    expr_type result;
    expr_callback call;
    expr_call_check check; /* may be NULL */
    void *user;
    uint32_t cost; /* units of one call; 0: 1 */
} expr_function;

/* An empty scope, or one that adds to `parent`, which must outlive it and not grow any more. */
gov_status expr_scope_new(const gov_allocator *a, const expr_scope *parent, expr_scope **out,
                          const diag *d);
void expr_scope_free(expr_scope *s);
/* Declares a variable. Dotted names ("case.urgency", "clocks.resolution.due") are one slot each; the longest declared prefix of
 * what an expression writes wins, the rest selects fields. Declaring a name again replaces it (within this scope: the same slot).
 * Slots count up from 0, a child's from its parent's count. */
gov_status expr_scope_var(expr_scope *s, const char *dotted_name, expr_type type, uint32_t *slot,
                          const diag *d);
/* Leaves so many slots without names, so that those after them keep their numbers in scopes side by side. */
gov_status expr_scope_skip(expr_scope *s, size_t count, const diag *d);
/* Adds a function, or an overload of one. The struct and its name are copied. */
/* What expressions may select from the variable by name is declared too, as "it.name": any other name is unknown. */
void expr_scope_close(expr_scope *s, uint32_t slot);
gov_status expr_scope_function(expr_scope *s, const expr_function *f, const diag *d);
bool expr_scope_find(const expr_scope *s, const char *name, size_t len, uint32_t *slot,
                     expr_type *type);
size_t expr_scope_slots(const expr_scope *s); /* with the parents' */
/* Name of a slot; NULL when there is none. */
const char *expr_scope_name(const expr_scope *s, uint32_t slot);

/* ---- compiling: parse.c, check.c, build.c ---- */

typedef struct expr_options {
    const char
        *container;   /* names are looked up in it first, and in what it lies in; may be NULL */
    expr_type expect; /* what the expression must yield; EXPR_DYN: anything */
    bool
        declared_only; /* check types and names: what is unknown or does not fit is an error of compiling, every one of
                            * them reported. Without it these are errors of evaluating, as `gov eval` wants it */
    bool failing_parts; /* report constant parts that fail whenever they are evaluated, timestamp('x') */
    bool disable_macros; /* has, all, exists, ... are plain functions */
    /* Where in its file byte `offset` of the source lies; NULL: lines and columns of the source itself. */
    void (*locate)(void *user, size_t offset, base_place *out);
    void *user;
} expr_options;

/* Compiles. `s` may be NULL (nothing is declared), and must outlive the program. Options NULL: all zero.
 * GOV_E_EXPR (with every mistake found), GOV_E_INPUT (not UTF-8), GOV_E_LIMIT, GOV_E_NOMEM. */
gov_status expr_compile(const gov_allocator *a, const expr_scope *s, const char *src, size_t len,
                        const expr_options *o, expr_program **out, const diag *d);
void expr_program_free(expr_program *p);

/* Evaluates. *out may point into the program, the slots and run->scratch. An error of the language is GOV_E_EXPR, whose code is
 * no_such_overload, no_such_key, no_such_field, undeclared_reference, divide_by_zero, modulus_by_zero, integer_overflow,
 * out_of_range, invalid_argument, bad_conversion, ... and whose place is that of the failing term; functions keep their own
 * status. GOV_E_LIMIT past a limit, GOV_E_NOMEM. */
gov_status expr_eval(const expr_program *p, const expr_run *run, value *out, const diag *d);
/* For functions whose work depends on their arguments: takes units from the evaluation that calls them. GOV_E_LIMIT when
 * it cannot pay, which ends the evaluation. */
gov_status expr_spend(const expr_run *run, uint64_t units, const diag *d);
/* The same for a guard: the result must be a bool (else GOV_E_EXPR). */
gov_status expr_eval_bool(const expr_program *p, const expr_run *run, bool *out, const diag *d);

/* What a caller may want to know of a program. */
const uint32_t *expr_program_slots(const expr_program *p,
                                   size_t *count);  /* the slots it reads, ascending, each once */
expr_type expr_program_type(const expr_program *p); /* of its result, as far as known */
bool expr_program_constant(const expr_program *p,
                           value *out); /* is it one value? out may be NULL */
const char *expr_program_source(const expr_program *p, size_t *len);

/* ---- looking at a checked program: view.c ---- */

/* What a term is, for who turns expressions into something else (a list's filter into the store's question). */
typedef struct expr_node expr_node;
typedef enum expr_form {
    EXPR_CONSTANT,
    EXPR_NAME, /* a declared variable */
    EXPR_HAS,  /* has() of one */
    EXPR_NOT,
    EXPR_AND, /* two kids or more, as EXPR_OR */
    EXPR_OR,
    EXPR_CHOICE, /* ?: */
    EXPR_EQUAL,
    EXPR_ORDER,
    EXPR_IN,
    EXPR_ARITHMETIC,
    EXPR_CALL,
    EXPR_ELSE
} expr_form;
typedef struct expr_term {
    expr_form form;
    const char *sign; /* of EQUAL, ORDER and ARITHMETIC: "==", "<=", "+" */
    uint32_t slot;    /* of NAME and HAS */
    const char *name; /* of CALL: the function's; its target is the first kid. Not NUL-terminated */
    uint32_t name_len;
    expr_type type;
    const expr_node *const *kids; /* of ELSE, some may be NULL */
    uint32_t count;
} expr_term;
const expr_node *expr_program_root(const expr_program *p);
expr_term expr_look(const expr_node *n);
base_place expr_place_of(const expr_program *p, const expr_node *n);
/* As expr_eval, for one term. It must not stand inside a macro, whose variables it may name. */
gov_status expr_eval_term(const expr_program *p, const expr_node *n, const expr_run *run, value *out,
                          const diag *d);
/* ---- what a host adds: host.c ---- */

/* "list(map(string, int))", the whole text. */
bool expr_read_type(const char *s, size_t len, expr_type *out);

/* Whose names a scope lends: let go when nothing uses the scope any more. */
typedef struct expr_lender {
    void *lender;
    void (*release)(void *lender);
} expr_lender;
/* A scope that lies on `parent`, which the lender keeps (both may be NULL), whose slots from 0 on have these values where nothing
 * is bound to their names. The array is copied, what it points at is the lender's. */
gov_status expr_hosted_new(const gov_allocator *a, const expr_scope *parent, const value *presets, size_t count,
                           const expr_lender *lender, gov_scope **out, const diag *d);
/* Keeps it for something that uses it, and gives it back by gov_scope_free(). NULL: NULL. */
gov_scope *expr_hosted_hold(const gov_scope *s);
/* What a host added; valid as long as it is held. */
const expr_function *expr_hosted_functions(const gov_scope *s, size_t *count);

/* ---- the line protocol of `gov eval`: line.c ---- */

/* One line in, one line (without its newline) out; GOV_E_NOMEM is the only failure. */
gov_status expr_eval_line(const gov_allocator *a, const gov_scope *s, const char *json, size_t len, base_buf *out);

#endif
