/* What the files of this room share among themselves. Nobody else includes it. */
#ifndef EXPR_INNER_H
#define EXPR_INNER_H

#include "expr/expr.h"

#include <stdatomic.h>

/* How a step of an evaluation ended: with a value, with an error of the language (which `||`, `&&` and the macros may
 * absorb), or in a way that ends the whole evaluation (no memory, too costly, a failing store). */
enum { DONE = 0, FAIL = 1, STOP = 2 };

/* VALUE_OTHER's `sub`. */
enum { OTHER_OPTIONAL = 1, OTHER_ERROR = 2, OTHER_LAZY = 3 };

/* Type variables of the built-in functions' declarations; never the type of an expression. */
#define TYPE_A ((expr_type)15)
#define TYPE_B ((expr_type)14)

typedef enum node_kind {
    K_CONST,
    K_IDENT,   /* a name not looked up yet */
    K_UNKNOWN, /* a name that means nothing here: an error when it is evaluated */
    K_SLOT,
    K_LOCAL,      /* a variable of a macro */
    K_BOUND,      /* a variable of cel.bind */
    K_SELECT,     /* kid[0].name */
    K_TEST,       /* has(kid[0].name) */
    K_TEST_SLOT,  /* has() of a declared dotted name */
    K_OPT_SELECT, /* kid[0].?name */
    K_INDEX,
    K_OPT_INDEX,
    K_CALL,
    K_LIST,
    K_MAP, /* key, value, key, value, ... */
    K_MESSAGE,
    K_NOT,
    K_NEGATE,
    K_ARITH,
    K_EQUAL, /* == and != */
    K_ORDER,
    K_IN,
    K_AND,
    K_OR,
    K_COND,
    K_MACRO, /* kid: range, body, filter or NULL */
    K_BIND   /* kid: init, body */
} node_kind;

typedef enum node_op {
    OP_NONE,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    MACRO_ALL,
    MACRO_EXISTS,
    MACRO_EXISTS_ONE,
    MACRO_MAP,
    MACRO_FILTER,
    MACRO_TRANSFORM_LIST,
    MACRO_TRANSFORM_MAP,
    MACRO_TRANSFORM_ENTRY,
    MACRO_OPT_MAP,
    MACRO_OPT_FLAT_MAP,
    MACRO_SORT_BY
} node_op;

enum {
    NODE_ROOTED = 1,   /* a name written with a leading dot: looked up in the root only */
    NODE_MEMBER = 2,   /* a call as target.name() */
    NODE_OPTIONAL = 4, /* an entry written ?x of a list or map */
    NODE_SETTLED = 8,  /* a select whose name was looked up as a whole already */
    NODE_TWO = 16,     /* a macro with two variables */
    NODE_QUOTED = 32,  /* a field written in backticks: never a part of a longer name */
    NODE_PARENS =
        64 /* written in parentheses: what follows selects from it, and is no part of its name */
};

typedef struct expr_ctx expr_ctx;
typedef struct expr_overload expr_overload;
typedef int (*expr_step)(const expr_node *n, expr_ctx *c, value *out);
typedef int (*expr_test)(const expr_node *n, const expr_run *run); /* fast.c */

/* `a` has n->count values, of the kinds that the overload asked for. */
typedef int (*expr_builtin)(expr_ctx *c, const expr_node *n, const value *a, value *out);

struct expr_node {
    expr_step eval;
    expr_test test; /* NULL: none */
    expr_node **kid;
    expr_node *own[3]; /* where kid points when there are few */
    uint32_t at;       /* byte offset in the source, for messages */
    uint32_t count;    /* kids */
    uint32_t slot;     /* slot, or local variable */
    uint8_t kind, op, flags;
    uint16_t depth;
    uint32_t terms; /* in the tree below, itself included: what one repetition costs */
    const char *name;
    uint32_t name_len;
    uint32_t second_len; /* the second variable's name, of a macro with two */
    const char *second;
    expr_type type;
    value v;           /* a constant; the key of a select */
    const void *extra; /* overloads, pattern, set of constants, zone */
    uint32_t extra_count;
    const void
        *aid; /* of a call whose last argument is constant: its compiled pattern, or its zone */
};

/* One signature of a function; those of one name stand together. */
struct expr_overload {
    const char *name;
    uint8_t style; /* CALL_* */
    uint8_t argc;
    expr_type args[EXPR_MAX_PARAMS];
    expr_type result;
    expr_builtin call;
    const expr_function *host; /* not a built-in one */
};
enum {
    CALL_GLOBAL = 1,
    CALL_MEMBER = 2,
    CALL_BOTH = 3,
    CALL_VARIADIC = 4,
    CALL_PATTERN = 8,
    CALL_ZONE = 16,
    CALL_LAZY = 32
};

typedef struct scope_var {
    const char *name;
    expr_type type;
    bool closed; /* what may be selected from it is declared as well */
} scope_var;

struct expr_scope {
    const gov_allocator *alloc;
    const expr_scope *parent;
    base_arena arena;
    base_map names; /* name to index in vars */
    scope_var *vars;
    size_t var_count, var_cap;
    uint32_t slot_base;
    expr_overload *functions; /* in any order */
    size_t function_count, function_cap;
};

bool expr_legal_name(const char *dotted);
bool expr_scope_closed(const expr_scope *s, uint32_t slot);

struct expr_program {
    const gov_allocator *alloc;
    base_arena arena;
    const char *src;
    size_t len;
    expr_node *root;
    expr_type expect;
    uint32_t *slots;
    size_t slot_count;
    /* Where the source lies in its file, for errors when evaluating: asked once, for every term that can fail. */
    base_place *places; /* by index of `offsets`; NULL: count lines in the source */
    uint32_t *offsets;
    size_t place_count;
    const expr_scope *scope; /* for the names of slots in messages; NULL when there is none */
    struct owned *owned;     /* patterns and zones, freed with the program */
};

/* A thing from elsewhere that dies with the program. */
typedef struct owned {
    struct owned *next;
    void (*free)(void *thing);
    void *thing;
} owned;

/* The error at hand. */
typedef struct expr_fault {
    base_message message;
    const expr_node *where;
    const char *what; /* static text */
    value v;
    uint8_t kinds[4]; /* of the arguments, for no_such_overload */
    uint8_t kind_count;
    gov_status status; /* of a function from above, with its error */
    gov_error *foreign;
} expr_fault;

/* What cel.bind binds, until somebody asks for it. */
typedef struct expr_lazy {
    const expr_node *init;
    bool failed;
    expr_fault fault;
} expr_lazy;

struct expr_ctx {
    const expr_program *program;
    const expr_run *run;
    const value *slots;
    size_t slot_count;
    const diag *d;
    base_arena *scratch;
    uint64_t cost;
    expr_fault fault;
    value local[EXPR_MAX_LOCALS];
    expr_lazy *lazy[EXPR_MAX_LOCALS]; /* where local is OTHER_LAZY */
};

/* ---- parse.c ---- */

typedef struct compiler {
    const gov_allocator *alloc;
    base_arena *arena;
    const expr_scope *scope;
    const expr_options *o;
    const diag *d;
    expr_program *p;
    const char *src;
    size_t len;
    uint32_t terms;
    gov_status status; /* the first failure; all are reported */
    size_t mistakes;
} compiler;

/* The tree of the source, NULL on failure (reported, c->status). */
expr_node *expr_parse(compiler *c);
expr_node *expr_node_new(compiler *c, node_kind kind, uint32_t at, size_t kids);
/* The source, or a value made of it, in a message: its beginning with an ellipsis when it is long. Returns s or out. */
enum { EXPR_SHOWN_MOST = 64, EXPR_SHOWN = EXPR_SHOWN_MOST * 4 + 4 };
const char *expr_shown(const char *s, size_t *len, char out[EXPR_SHOWN]);
/* Reports a mistake at an offset of the source. */
gov_status expr_mistake(compiler *c, size_t at, const diag_report *r);
#define MISTAKE(c, at, ...) expr_mistake((c), (at), &(const diag_report){__VA_ARGS__})
/* Where an offset of the source lies. */
base_place expr_place_at(const compiler *c, size_t at);
/* Line and column of an offset, both from 1, columns in characters. */
void expr_count_place(const char *src, size_t len, size_t at, base_place *out);

/* ---- literal.c ---- */

/* The value of a string or bytes literal (with its prefix and quotes); *bad is the offset of what is wrong. */
const char *expr_read_string(base_arena *arena, const char *s, size_t len, bool bytes, value *out,
                             size_t *bad);
/* Where in a literal (with its quotes) the byte `offset` of its text is written. */
size_t expr_text_offset(const char *s, size_t len, size_t offset);
/* Number literals: "12", "0x1F", "1.5e3", "7u"; NULL when fine, else what is wrong. */
const char *expr_read_number(const char *s, size_t len, bool negative, value *out);

/* ---- check.c ---- */

/* Looks up names, settles types; reports what does not fit. */
void expr_check(compiler *c, expr_node *root);

/* ---- build.c ---- */

/* Chooses each node's eval, folds constants. */
gov_status expr_build(compiler *c, expr_node **root);
gov_status expr_own(compiler *c, void *thing, void (*free_thing)(void *));

/* ---- eval.c, loop.c ---- */

int expr_step_const(const expr_node *n, expr_ctx *c, value *out);
void expr_step_choose(expr_node *n); /* the eval of an operator */
expr_step expr_step_loop(const expr_node *n);
int expr_step_bound(const expr_node *n, expr_ctx *c, value *out);
int expr_load_slot(const expr_node *n, expr_ctx *c, value *out);

#define EXPR_NAN_ORDER "NaN values cannot be ordered"
int expr_fail(expr_ctx *c, const expr_node *n, base_message m, const char *what, value v);
int expr_fail_kinds(expr_ctx *c, const expr_node *n, const value *args, size_t count);
/* The same, with what is expected (static text). */
int expr_fail_wanted(expr_ctx *c, const expr_node *n, const value *args, size_t count,
                     const char *expected);
int expr_stop(expr_ctx *c, const expr_node *n, base_message m);
int expr_nomem(expr_ctx *c, const expr_node *n);
void expr_fault_drop(expr_fault *f);
static inline bool expr_charge(expr_ctx *c, uint64_t units)
{
    if (units > c->cost) {
        c->cost = 0;
        return false;
    }
    c->cost -= units;
    return true;
}
/* What reading through a text costs; short ones are part of their term. */
static inline bool expr_charge_text(expr_ctx *c, size_t len)
{
    return len < 64 || expr_charge(c, len / 64);
}
int expr_too_costly(expr_ctx *c, const expr_node *n);
/* Memory from scratch; NULL when there is none (then return expr_nomem()). */
void *expr_take(expr_ctx *c, size_t count, size_t size);
gov_status expr_report_fault(expr_ctx *c, const diag *d);
gov_status expr_report_fault_at(expr_ctx *c, const base_place *place, const diag *d);

/* ---- fast.c ---- */

expr_test expr_test_of(const expr_node *n); /* of a node whose kids have theirs; NULL: none */
/* Is it in the constant list of strings that build.c made ready? */
bool expr_in_strings(const expr_node *n, const value *v);

/* ---- ops.c ---- */

/* Equality in the sense of CEL, with optionals, charged to c. -1: too costly. */
int expr_equal(expr_ctx *c, value a, value b);
/* Compares two of the kinds that can be ordered. False: no such overload. *unordered: one is NaN. */
bool expr_order(value a, value b, int *cmp, bool *unordered);
int expr_arith(const expr_node *n, expr_ctx *c, node_op op, value a, value b, value *out);
int expr_negate(const expr_node *n, expr_ctx *c, value a, value *out);
int expr_index(const expr_node *n, expr_ctx *c, value a, value i,
               value *out); /* absent when not there */
int expr_concat(const expr_node *n, expr_ctx *c, value a, value b, value *out);
/* A list or map of these (kept, not copied), its depth and weight checked. */
int expr_make_list(const expr_node *n, expr_ctx *c, const value *items, size_t len, value *out);
int expr_make_map(const expr_node *n, expr_ctx *c, value_pair *pairs, size_t len, value *out);
bool expr_same_key_twice(expr_ctx *c, const value_pair *pairs, size_t len, value *key,
                         bool *failed);
int expr_make_optional(const expr_node *n, expr_ctx *c, const value *v /* NULL: none */,
                       value *out);
static inline bool expr_is_optional(value v)
{
    return v.kind == VALUE_OTHER && v.sub == OTHER_OPTIONAL;
}
int expr_text(const expr_node *n, expr_ctx *c, const char *s, size_t len, value *out); /* copies */
/* A list of the items in the order of their keys, equal ones as they stood. */
int expr_sort(const expr_node *n, expr_ctx *c, value list, const value *keys, value *out);

/* ---- functions ---- */

extern const expr_overload expr_standard_functions[], expr_time_functions[], expr_math_functions[],
    expr_list_functions[], expr_text_functions[];
extern const size_t expr_standard_function_count, expr_time_function_count,
    expr_math_function_count, expr_list_function_count, expr_text_function_count;
int expr_step_or_value(const expr_node *n, expr_ctx *c, value *out);
int expr_reverse_text(expr_ctx *c, const expr_node *n, const value *a, value *out);
size_t expr_format_timestamp(value v, char out[40]);
/* The shortest text that reads back as d, which is finite: "2", "-0.5"; with an exponent when it has more than `plain` digits
 * before the point or is below a ten-thousandth; 0: never. */
enum { EXPR_DOUBLE_TEXT = 400 };
size_t expr_double_text(double d, int plain, char out[EXPR_DOUBLE_TEXT]);
/* DONE; FAIL, *why says what is wrong; STOP: too costly. */
int expr_format(expr_ctx *c, base_buf *b, value pattern, value args, const char **why);

/* The next % of a constant format: its letter, '\0' at the end; *at begins at 0. NULL: fine, else what is wrong. */
const char *expr_format_verb(value pattern, size_t *at, char *letter);
/* Does what has that type have a text for the letter? If not, *expected says what has. */
bool expr_format_takes(char letter, expr_type t, const char **expected);

/* The overloads of a name: *first, count of them; 0: no such function. */
size_t expr_find_builtin(const char *name, size_t len, const expr_overload **first);
const char *expr_type_name(value v, size_t *len); /* "int", "google.protobuf.Timestamp" */
bool expr_named_type(const char *name, size_t len, value *out);
expr_type expr_kind_type(value v); /* without parameters */

/* ---- pattern.c ---- */

/* Compiles a regular expression. NULL: *why says what is wrong, or is NULL for no memory. */
void *expr_pattern_new(const gov_allocator *a, const char *s, size_t len, const char **why);
void expr_pattern_free(void *pattern);
/* 1 matches, 0 does not, -1 limit exceeded, -2 no memory, -3 not UTF-8. The steps that backtracking takes are counted in tiers:
 * a tier that does not suffice answers -1, and the next one is 16 times as long. */
enum { EXPR_PATTERN_TIERS = 4, EXPR_PATTERN_STEPS = 1000000 };
uint32_t expr_pattern_steps(unsigned tier); /* at most so many, EXPR_PATTERN_STEPS in the last */
int expr_pattern_match(const void *pattern, unsigned tier, const char *s, size_t len);

/* ---- propose.c ---- */

/* How a macro is written, or NULL when that is the name of none. */
const char *expr_macro_use(const char *name, size_t len);

/* ---- host.c ---- */

struct gov_scope {
    const gov_allocator *alloc;
    atomic_int refs;
    expr_scope *scope;
    expr_lender lender;
    value *presets; /* of the first slots, which are the parent's */
    size_t preset_count;
    expr_function *functions; /* the host's own; user is a struct hosted */
    size_t function_count, function_cap;
};
gov_status expr_bad_type(value text, const diag *d);
/* Optionals are no values outside of expressions: an optional becomes its value, or null. False: no memory. */
bool expr_strip_optionals(base_arena *arena, value *v);

/* ---- moment.c ---- */

typedef struct moment_zone {
    bool fixed;
    int32_t offset;
    base_zone *zone;
} moment_zone;
/* Reads "UTC", "+08:00" or an IANA name. */
bool expr_zone_read(const gov_allocator *a, value name, moment_zone *out, bool *nomem);
void expr_zone_free(void *moment_zone_with_a_zone);
bool expr_timestamp_ok(int64_t seconds);
int expr_time_to_string(expr_ctx *c, const expr_node *n, const value *a, value *out);

#endif
