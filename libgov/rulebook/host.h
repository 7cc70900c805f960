/* What rooms above add to the language: effects, sections, functions, operations, built-in fields. Part of rulebook.h, which they
 * include. */
#ifndef RULEBOOK_HOST_H
#define RULEBOOK_HOST_H

#include "rulebook/field.h"

/* ---- what rooms above register ---- */

typedef enum rulebook_param_kind {
    RULEBOOK_PARAM_EXPR,     /* CEL */
    RULEBOOK_PARAM_EXPRS,    /* a map of names to CEL */
    RULEBOOK_PARAM_NAME,     /* a name that means something to the room */
    RULEBOOK_PARAM_TEXT,     /* text, perhaps in several languages */
    RULEBOOK_PARAM_DURATION,
    RULEBOOK_PARAM_WORKFLOW, /* the name of a workflow, which must exist */
    RULEBOOK_PARAM_TEMPLATE, /* likewise of a template */
    RULEBOOK_PARAM_SECTION,  /* likewise of a definition of kind `section` */
    RULEBOOK_PARAM_ID,       /* names this instance; with it its reports come as the events ID.REPORT */
    RULEBOOK_PARAM_OF_ID,    /* names an instance that some effect of the workflow begins */
    RULEBOOK_PARAM_VAR       /* a name that the other expressions of this effect may use */
} rulebook_param_kind;
#define RULEBOOK_REF(type) (UINT32_C(1) << (type))
#define RULEBOOK_REF_KEYS  (UINT32_C(1) << 31) /* by their keys, too */

typedef struct rulebook_param {
    const char *name;
    uint8_t kind;
    bool required;
    expr_type type;      /* EXPR, and each of EXPRS */
    const char *section; /* SECTION */
    const char *fields_of; /* EXPRS: the WORKFLOW parameter whose fields the keys are; NULL: any names */
    uint32_t refs;         /* EXPR: what records it may name, RULEBOOK_REF of each type; 0: it names none */
} rulebook_param;
/* An effect that ends later reports to its case, by events that nobody else may send. */
typedef struct rulebook_datum {
    const char *name;
    expr_type type;
} rulebook_datum;
typedef struct rulebook_report {
    const char *name;           /* "done", "failed", "expired", ...: the event is ID.done */
    const rulebook_datum *data; /* the members of its event.data */
    uint32_t data_count;
    bool goes_on; /* it is not the end, and others follow */
    bool by_time; /* nobody's act: it comes when a period is over, also where a past case is lived through again */
    const char *counts; /* by_time: the member of its data that counts the reports which went on before; NULL: none does */
} rulebook_report;
struct rulebook_effect {
    const char *name;
    const rulebook_param *params;
    uint32_t param_count;
    /* Further checks of what was written; may be NULL. */
    gov_status (*check)(void *user, const rulebook_action *action, const rulebook *rb, const diag *d);
    void *user;
    const rulebook_report *reports; /* it ends later, where its RULEBOOK_PARAM_ID is written */
    uint32_t report_count;
};

/* Between whom something is to move. */
typedef struct rulebook_way {
    const char *from, *to; /* of a section's own account; NULL: a record's */
    int64_t from_record, to_record;
    const base_place *place; /* may be NULL */
} rulebook_way;

/* The accounts of a section between which rules may move something themselves (effect `transfer`). */
typedef struct rulebook_accounts {
    /* Is this the name of an account that is no record's? */
    bool (*knows)(const void *content, const char *name);
    /* The ledger's account of that name, or (name NULL) of a record; made at first use. pays: what moves comes from it. */
    gov_status (*find)(struct gov *g, const void *content, const char *name, int64_t record, bool pays, int64_t *account, const diag *d);
    uint32_t (*ledger)(const void *content);
    uint32_t code; /* of the transfers */
    uint32_t (*beside)(const void *content); /* another ledger of the section's, 0: none; may be NULL */
    /* May it go from one to the other? A name, or (NULL) a record; g NULL: asked while rules are loaded, when records are 0. May be NULL. */
    gov_status (*may)(struct gov *g, const void *content, const rulebook_way *way, const diag *d);
    /* Something came into this account of the ledger, or back to it. May be NULL. */
    gov_status (*came)(struct gov *g, const void *content, int64_t account, const diag *d);
} rulebook_accounts;
typedef struct rulebook_section_kind {
    const char *key; /* the first key of its definitions */
    /* Reads the definition's map and makes its content in the loader's arena. Reports every mistake. */
    gov_status (*load)(void *user, rulebook_loader *l, const char *name, const rb_node *root, void **content);
    void *user;
    /* Once all workflows are compiled: what can only be checked against them. Not where rules are merely opened; may be NULL. */
    void (*check)(void *user, rulebook_loader *l, const char *name, void *content);
    /* JSON Schema of its definitions, in pieces ended by NULL; it may refer to the $defs of schema.c. NULL: anything goes. */
    const char *const *schema;
    const rulebook_accounts *accounts; /* NULL: rules move nothing there but by effects of the section's own */
} rulebook_section_kind;

/* What an operation is given. */
typedef enum rulebook_operand_type {
    RULEBOOK_OPERAND_TEXT, RULEBOOK_OPERAND_INT, RULEBOOK_OPERAND_BOOL, RULEBOOK_OPERAND_TIME, RULEBOOK_OPERAND_DATE,
    RULEBOOK_OPERAND_DURATION, RULEBOOK_OPERAND_LIST, RULEBOOK_OPERAND_MAP, RULEBOOK_OPERAND_ANY,
    RULEBOOK_OPERAND_RECORD, /* of one of `kinds`: named by its key, or by {kind: key} where that may be several; comes as its id */
    RULEBOOK_OPERAND_ID,     /* what an operation or a case has been answered with */
    RULEBOOK_OPERAND_SECTION /* the name of a definition of the kind `kinds` */
} rulebook_operand_type;
typedef struct rulebook_operand {
    const char *name;
    uint8_t type; /* rulebook_operand_type */
    bool required;
    const char *kinds; /* RECORD: "household resident"; SECTION: "points" */
    bool free;         /* RECORD: also one that the operation's permission does not reach, as whom something is given to */
} rulebook_operand;
enum { RULEBOOK_MOST_OPERANDS = 24 };

/* Something that a room does when it is asked to: the one shape in which hosts, scenarios and timers reach what the rooms of
 * programmes can do. */
typedef struct rulebook_operation {
    const char *name;       /* "points.redeem" */
    const char *permission; /* of the rulebook's `permissions`: "points.write"; NULL: whoever is set as the actor, whatever their roles */
    bool writes;
    const rulebook_operand *operands;
    size_t operand_count;
    /* in: the operands in the table's order, absent where they are not given. *out: the answer, a map; null unless it is set. Runs in a
     * transaction, and may run more than once before it is committed. */
    gov_status (*run)(struct gov *g, const value *in, value *out, const diag *d);
    bool hidden; /* for timers only: nobody else may call it */
} rulebook_operation;

/* A field that every record of a kind has, declared or not. */
typedef struct rulebook_builtin {
    const char *kind, *name;
    rulebook_type type;
    unsigned column;   /* the owner's own */
    const char *items; /* lists of keys: the kind of record that each names, or NULL */
} rulebook_builtin;

/* Tables are borrowed and must outlive the rulebook; they are usually static. */
typedef struct rulebook_host {
    const rulebook_builtin *builtins;
    size_t builtin_count;
    const rulebook_section_kind *sections;
    size_t section_count;
    const rulebook_effect *effects;
    size_t effect_count;
    const expr_function *functions; /* those without a user get the rulebook whose expressions call them */
    size_t function_count;
    const rulebook_operation *operations;
    size_t operation_count;
    /* In('path') in an expression that runs with expr_run.user == run_user: is the state active? NULL: false. */
    bool (*in_state)(void *run_user, const rulebook_workflow *w, uint32_t state);
    /* The calendar of that name (NULL: the one that counts where the expression stands) for what runs; NULL: the rulebook's
     * own, as it was when the expression was compiled. */
    const cal_calendar *(*calendar)(const expr_run *run, const char *name);
    /* Told of each macrostep of a stored case inside its transaction, before its journal entry is written; `step` is a case_stepped
     * of room case. A failure rolls the step back. */
    gov_status (*stepped)(struct gov *g, const void *step, const diag *d);
    const struct rulebook_host *const *parts; /* further tables, usually one per room */
    size_t part_count;
} rulebook_host;
/* Table i of a host: itself for 0, then its parts; NULL past the end. */
const rulebook_host *rulebook_host_part(const rulebook_host *host, size_t i);
/* Of sections of that kind; NULL: they have none. */
const rulebook_accounts *rulebook_accounts_of(const rulebook_host *host, const char *kind);
/* Does it keep this ledger? */
bool rulebook_keeps_ledger(const rulebook_host *host, const char *kind, const void *content, uint32_t ledger);
const rulebook_effect *rulebook_find_effect(const rulebook_host *host, const char *name); /* NULL: none */
const rulebook_report *rulebook_find_report(const rulebook_effect *e, const char *name);  /* NULL: none */

/* ---- operations: operation.c ---- */

/* Operation i of a host's rooms, in their order; NULL past the end. */
const rulebook_operation *rulebook_operation_at(const rulebook_host *host, size_t i);
/* Reports GOV_E_NOT_FOUND at the place (may be NULL), with the nearest name. A hidden one is found only when it is asked for. */
gov_status rulebook_find_operation(const rulebook_host *host, const char *name, bool hidden, const base_place *place,
                                   const rulebook_operation **out, const diag *d);
/* Checks a map against the operands of an operation; out has room for all of them. Records are looked up by how->resolve, and what an ID
 * is given as text, too, as a RULEBOOK_CASE, before it is read as a number; without it only numbers pass. Every mistake is reported. */
gov_status rulebook_read_operands(const rulebook *rb, const rulebook_operation *op, value input, const rulebook_checking *how,
                                  value *out, const diag *d);

#endif
