/* What the files of room rulebook share while they compile. */
#ifndef RULEBOOK_LOAD_H
#define RULEBOOK_LOAD_H

#include <stdatomic.h>

#include "rulebook/rulebook.h"
#include "rulebook/yaml.h"

/* What is compiled together and freed together: an arena, and things with a destructor of their own. */
typedef struct rb_owned {
    struct rb_owned *next;
    void *what;
    void (*free)(void *what);
} rb_owned;
typedef struct rb_unit {
    base_arena arena;
    rb_owned *owned;
} rb_unit;
void rb_unit_init(rb_unit *u, const gov_allocator *a);
void rb_unit_free(rb_unit *u);
/* Takes `what` over, also when there is no memory (then it is freed at once and false returned). */
bool rb_own(rb_unit *u, void *what, void (*free)(void *));

typedef enum rb_def_kind {
    RB_RULEBOOK, RB_OVERLAY, RB_CALENDAR, RB_WORKFLOW, RB_SCHEDULE, RB_INDICATOR, RB_RECORD, RB_TEMPLATE, RB_SCENARIO,
    RB_SECTION, RB_UNKNOWN
} rb_def_kind;

enum { RB_LOST_STATES = 1, RB_LOST_FIELDS = 2, RB_LOST_EVENTS = 4, RB_LOST_CLOCKS = 8, RB_LOST_ALL = 15 };

/* A definition: a document of some file. */
typedef struct rb_def {
    uint8_t kind; /* rb_def_kind */
    const char *key, *name;
    const rb_source *source;
    size_t file; /* of the bundle */
    rb_slice slice;
    base_place place;
    const rulebook_section_kind *section;
    const uint8_t *tree, *tree_digest; /* its nodes as bytes; NULL: the text is to be read */
    size_t tree_len;
    bool torn;                      /* a part of it, or all, could not be read */
    uint8_t lost;                   /* then: RB_LOST_*, the keys whose values could not be read */
    const uint8_t *made_digest;     /* of the workflow that it compiles to, where that was found out before; else NULL */
    _Atomic(struct rb_lazy *) lazy; /* workflow, schedule, indicator, scenario, once compiled */
} rb_def;

/* Compiled at first use. */
typedef struct rb_lazy {
    const gov_allocator *alloc;
    rb_unit unit;
    const void *made;
} rb_lazy;

/* A growing list of names, for proposals and sets. */
typedef struct rb_names {
    const char **items;
    size_t count, cap;
    base_map known; /* once there are many */
} rb_names;

typedef struct rb_full {
    rulebook pub; /* first: a rulebook * is an rb_full * */
    const gov_allocator *alloc;
    rb_unit unit;
    rulebook_bundle *bundle;
    rb_source *sources;
    _Atomic(bool) *verified; /* per source: do its bytes have the digest that the bundle claims? */
    size_t source_count;
    rb_def *defs;
    size_t def_count;
    bool lenient;
    char digest_text[2 * BASE_DIGEST_SIZE + 1];
    expr_scope *scope; /* now, values, actor, functions */
    rulebook_slot *slots;
    value *presets;
    uint32_t slot_count;
    rulebook_names effect_names;
    bool lost;           /* a document could not be read at all: nobody knows what it defines */
    bool all;            /* everything is compiled now, by one thread */
    const rulebook_options *loading; /* then: by these */
    rb_names used_roles; /* then: the names of roles that rules ask for */
    rb_names given;      /* "WORKFLOW.FIELD" that some rule gives when it opens a case */
} rb_full;

struct rb_work; /* a workflow being compiled: workflow.h */

struct rulebook_loader {
    rb_full *rb;
    rb_unit *unit;
    const diag *d;
    gov_status status;       /* the first failure */
    const expr_scope *scope; /* where expressions are compiled when nothing else is said */
    const char *calendar;    /* what working days count in; NULL: there is none */
    const rb_node **said;    /* by value: its `is`, of the overlay where one replaces it; while the base is read */
    struct rb_work *work;    /* NULL outside of a workflow */
};

void rb_note(rulebook_loader *l, gov_status status);
void *rb_alloc(rulebook_loader *l, size_t count, size_t size); /* from the unit's arena; NULL is noted */
char *rb_copy(rulebook_loader *l, const char *s, size_t len);
static inline bool rb_out(const rulebook_loader *l) { return l->status == GOV_E_NOMEM; }

/* Reports at a node unless it was reported already. */
#define rb_fail(l, node, ...) rb_fail_node((l), (node), &(const diag_report){__VA_ARGS__})
void rb_fail_node(rulebook_loader *l, const rb_node *n, const diag_report *report); /* wide.c */
#define rb_warn(l, place, ...)                                                    \
    do {                                                                          \
        const base_place rb_warn_place = (place);                                 \
        if (base_warn_at((l)->d, &rb_warn_place, __VA_ARGS__) == GOV_E_NOMEM)     \
            rb_note((l), GOV_E_NOMEM);                                            \
    } while (0)

/* ---- read.c ---- */
bool rb_is_name(const char *s, size_t len);
bool rb_is_event_name(const char *s, size_t len);
bool rb_expect(rulebook_loader *l, const rb_node *n, rb_kind kind, const char *what);
const char *rb_read_event(rulebook_loader *l, const rb_node *n, const char *what);
void rb_names_add(rulebook_loader *l, rb_names *names, const char *name); /* each once */
/* As many are listed as are told: proposals need not be looked for any more, which takes long where names are many. */
bool rb_told_enough(const rulebook_loader *l);
bool rb_names_have(const rb_names *names, const char *name);
void rb_names_free(rulebook_loader *l, rb_names *names);
const char *rb_nearest(const rb_names *names, const char *name);

/* ---- expr.c ---- */
const expr_program *rb_expr(rulebook_loader *l, const rb_node *n, expr_type expect, const expr_scope *scope);
bool rb_settled(const expr_program *p, bool *holds); /* is it true, or false, whatever the case? */
void rb_doubt_condition(rulebook_loader *l, const rb_node *n, const expr_program *p, bool more); /* more: something stands after it */
expr_scope *rb_scope(rulebook_loader *l, const expr_scope *parent);
uint32_t rb_scope_var(rulebook_loader *l, expr_scope *s, const char *name, expr_type type);
void rb_scope_skip(rulebook_loader *l, expr_scope *s, size_t count);

/* ---- duration.c ---- */
rulebook_duration rb_duration(rulebook_loader *l, const rb_node *n, const expr_scope *scope);
rulebook_duration rb_duration_text(rulebook_loader *l, const rb_node *n, const char *text, size_t len,
                                   const expr_scope *scope);
/* `law` and `roll` of a map. */
void rb_law(rulebook_loader *l, const rb_node *map, rulebook_text *law, uint8_t *roll);

/* ---- field.c ---- */
bool rb_has_conditions(const rb_node *fields); /* does any field have a `when`? */
rulebook_fields rb_fields(rulebook_loader *l, const rb_node *n);                    /* without `when` */
void rb_field_conditions(rulebook_loader *l, const rb_node *n, rulebook_fields fields, const expr_scope *scope,
                         uint32_t it);
expr_type rb_field_type(const rulebook_field *f);

/* ---- root.c ---- */
void rb_root(rulebook_loader *l, const rb_node *root);
void rb_overlay(rulebook_loader *l, const rb_node *root);
void rb_resolve_values(rulebook_loader *l); /* once all overlays are read: what one sets counts wherever the value is named */
void rb_common_scope(rulebook_loader *l);
rulebook_role *rb_roles(rulebook_loader *l, const rb_node *n, uint32_t *count);
const rulebook_workflow *rb_work_roles(const rulebook_loader *l); /* the workflow being compiled, for its own roles */

/* ---- calendars.c, others.c ---- */
void rb_calendar(rulebook_loader *l, const rb_def *def, const rb_node *root, rulebook_calendar *out);
void rb_template(rulebook_loader *l, const rb_def *def, const rb_node *root, rulebook_template *out);
void rb_record(rulebook_loader *l, const rb_def *def, const rb_node *root, rulebook_record *out);
const rulebook_indicator *rb_indicator(rulebook_loader *l, const rb_def *def, const rb_node *root);
const rulebook_schedule *rb_schedule(rulebook_loader *l, const rb_def *def, const rb_node *root);
const rulebook_workflow *rb_workflow(rulebook_loader *l, const rb_def *def, const rb_node *root);
const rulebook_scenario *rb_scenario(rulebook_loader *l, const rb_def *def, const rb_node *root);

void rb_add_functions(rulebook_loader *l, expr_scope *s); /* functions.c */
void rb_check_calendar_name(rulebook_loader *l, const rb_node *n, const char *name);
const char *rb_calendar_choice(rulebook_loader *l, const rb_node *map, const char *otherwise);

/* ---- defs.c ---- */
void rb_index(rulebook_loader *l, const rulebook_options *o);
bool rb_begins_definition(const rb_full *rb, const char *key);
rb_def *rb_find_def(const rb_full *rb, rb_def_kind kind, const char *key, const char *name);
/* Parses a definition into the arena; NULL when it is broken, which is reported. */
rb_node *rb_read_def(rb_full *rb, base_arena *arena, rb_def *def, gov_status *status, const diag *d);

gov_status rb_work_digest(const rb_full *rb, const rb_def *def, uint8_t out[BASE_DIGEST_SIZE], const diag *d); /* workflow.c */

/* ---- trees.c ---- */
bool rb_keep_tree(rb_full *rb, rb_def *def, const rb_node *root); /* writes it down; false: no memory */
gov_status rb_read_tree(base_arena *arena, const rb_def *def, rb_node **out, const diag *d);
bool rb_trees_usable(const void *bytes, size_t len); /* false: none, or of another version of the library */
gov_status rb_trees_index(rulebook_loader *l, const void *bytes, size_t len); /* the table of definitions as it was stored */

/* Reports that a name of this kind is unknown, with the nearest one that is. */
/* fits.c: mistakes of expressions that show without running them. */
void rb_fits_record(rulebook_loader *l, const base_place *place, const expr_program *p, uint32_t refs, bool required);
void rb_fits_field(rulebook_loader *l, const base_place *place, const expr_program *p, const rulebook_field *f);
bool rb_length_fits(cal_duration dur);
void rb_check_length(rulebook_loader *l, const base_place *place, const char *text, size_t len, cal_duration dur);
bool rb_known_language(const char *s, size_t len);
void rb_unknown(rulebook_loader *l, const rb_node *n, const char *kind, const char *name, const rb_names *known);
void rb_def_names(rulebook_loader *l, rb_def_kind kind, const char *key, rb_names *out);

/* Is there such a definition? Else it is reported as unknown. */
bool rb_check_definition(rulebook_loader *l, const rb_node *n, rb_def_kind kind, const char *key, const char *name);

/* ---- load.c ---- */
void rb_lazy_free(rb_lazy *lazy);

/* ---- bundle.c ---- */
const gov_error *rb_bundle_problems(const rulebook_bundle *b);

#endif
