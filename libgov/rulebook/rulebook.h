/* Room rulebook: a community's YAML, compiled into structs that the rooms above run.
 *
 *   rulebook_bundle   the files as bytes, in one canonical order; what is stored and what is digested
 *   rulebook_load     compiles a bundle and reports every mistake at file:line:column
 *   rulebook_open     the same for a bundle that was checked before: reads the root, leaves the rest for later
 *   rulebook          compiled, immutable, shareable by threads; workflows are compiled at their first use
 *
 * Pointers inside a rulebook live as long as it does. Names are NUL-terminated. What is optional and not
 * written is NULL, 0, RULEBOOK_NONE or VALUE_ABSENT. Lists are a pointer and a count. */
#ifndef RULEBOOK_RULEBOOK_H
#define RULEBOOK_RULEBOOK_H

#include "base/base.h"
#include "calendar/calendar.h"
#include "chart/chart.h"
#include "expr/expr.h"
#include "rulebook/field.h" /* texts, names, durations, fields */
#include "rulebook/host.h"  /* what rooms above register */
#include "value/value.h"

/* ---- named values, roles, permissions, masks ---- */

typedef struct rulebook_value {
    const char *name;
    rulebook_text title, source, description;
    bool is_duration;
    cal_duration duration; /* when it is one */
    value val;             /* what expressions see; a duration in days or working time is its text, a string */
    expr_type type;
    base_place place;
} rulebook_value;

typedef enum rulebook_scope { RULEBOOK_SCOPE_ALL, RULEBOOK_SCOPE_GRID, RULEBOOK_SCOPE_UNIT, RULEBOOK_SCOPE_ASSIGNEE, RULEBOOK_SCOPE_REPORTER } rulebook_scope;
typedef struct rulebook_role {
    const char *name;
    rulebook_text title, description;
    uint8_t scope;          /* rulebook_scope */
    const char *when;       /* source of the condition over actor and case; NULL: none */
    const rb_node *when_node;
    base_place place;
} rulebook_role;

typedef struct rulebook_permission {
    const char *action; /* "case.open" */
    rulebook_names roles;
    base_place place;
} rulebook_permission;

typedef enum rulebook_mask { RULEBOOK_MASK_ALL, RULEBOOK_MASK_PHONE, RULEBOOK_MASK_ID_NUMBER, RULEBOOK_MASK_NAME, RULEBOOK_MASK_ADDRESS } rulebook_mask;
typedef struct rulebook_sight {
    const char *role, *purpose; /* purpose NULL: any */
} rulebook_sight;
typedef struct rulebook_class {
    const char *name;
    rulebook_text title;
    uint8_t mask; /* rulebook_mask */
    const rulebook_sight *see;
    uint32_t see_count;
    base_place place;
} rulebook_class;

/* ---- what expressions see ---- */

typedef enum rulebook_slot_kind {
    RULEBOOK_SLOT_NONE,   /* a number that nothing uses */
    RULEBOOK_SLOT_NOW,
    RULEBOOK_SLOT_VALUE,  /* index: rulebook.values; filled in rulebook_workflow.presets */
    RULEBOOK_SLOT_ACTOR,  /* part: rulebook_actor_part */
    RULEBOOK_SLOT_CASE,   /* part: rulebook_case_part */
    RULEBOOK_SLOT_FIELD,  /* index: rulebook_workflow.fields */
    RULEBOOK_SLOT_CLOCK,  /* index: rulebook_workflow.clocks; part: rulebook_clock_part */
    RULEBOOK_SLOT_EVENT_NAME, /* part 1: event.sender */
    RULEBOOK_SLOT_EVENT_DATA, /* all of it */
    RULEBOOK_SLOT_INPUT,  /* index: rulebook_workflow.input_names: event.data.NAME */
    RULEBOOK_SLOT_IT,     /* the value under a field's `when`, a schedule's member, an effect's `as` */
    RULEBOOK_SLOT_PERIOD  /* part 0 start, 1 end */
} rulebook_slot_kind;
typedef enum rulebook_actor_part { RULEBOOK_ACTOR_ID, RULEBOOK_ACTOR_ROLES, RULEBOOK_ACTOR_GRIDS, RULEBOOK_ACTOR_UNIT } rulebook_actor_part;
typedef enum rulebook_case_part {
    RULEBOOK_CASE_ID, RULEBOOK_CASE_NUMBER, RULEBOOK_CASE_WORKFLOW, RULEBOOK_CASE_OPENED_AT, RULEBOOK_CASE_REPORTER,
    RULEBOOK_CASE_ASSIGNEE, RULEBOOK_CASE_UNIT, RULEBOOK_CASE_GRID, RULEBOOK_CASE_PARENT, RULEBOOK_CASE_CHILDREN,
    RULEBOOK_CASE_HOLDERS, RULEBOOK_CASE_PING_PONGS
} rulebook_case_part;
typedef enum rulebook_clock_part { RULEBOOK_CLOCK_DUE, RULEBOOK_CLOCK_CONSUMED, RULEBOOK_CLOCK_LEFT, RULEBOOK_CLOCK_RUNNING, RULEBOOK_CLOCK_BREACHED } rulebook_clock_part;
typedef struct rulebook_slot {
    uint8_t kind, part;
    uint32_t index;
    const char *name; /* "case.urgency" */
} rulebook_slot;

/* ---- actions ---- */

typedef struct rulebook_block {
    const rulebook_action *items;
    uint32_t count;
} rulebook_block;

typedef enum rulebook_action_kind {
    RULEBOOK_SET, RULEBOOK_RAISE, RULEBOOK_SEND, RULEBOOK_CANCEL, RULEBOOK_IF, RULEBOOK_LOG, RULEBOOK_EFFECT
} rulebook_action_kind;
typedef enum rulebook_to { RULEBOOK_TO_SELF, RULEBOOK_TO_PARENT, RULEBOOK_TO_CHILDREN, RULEBOOK_TO_LINK, RULEBOOK_TO_SENDER } rulebook_to;

typedef struct rulebook_assignment {
    uint32_t field; /* index into rulebook_workflow.fields */
    const expr_program *expr;
    base_place place;
} rulebook_assignment;

typedef struct rulebook_send {
    const char *event;
    uint8_t to;                /* rulebook_to */
    const char *link;          /* RULEBOOK_TO_LINK */
    rulebook_duration after;   /* kind NONE: at once, or at `at` */
    const expr_program *at;    /* a timestamp */
    const char *id;            /* NULL: cannot be cancelled by name */
    const expr_program *data;  /* a map */
} rulebook_send;

typedef struct rulebook_argument {
    const char *name;          /* the parameter's, or a member's of EXPRS */
    const struct rulebook_param *param;
    const expr_program *expr;  /* EXPR */
    const char *text;          /* NAME, WORKFLOW, TEMPLATE, EVENT, VAR, TEXT: as it was written */
    rulebook_text words;       /* TEXT */
    rulebook_duration duration; /* DURATION */
    const struct rulebook_argument *members; /* EXPRS: one for each key */
    uint32_t member_count;
    uint32_t slot;             /* VAR: the slot of its name */
    base_place place;
} rulebook_argument;

struct rulebook_action {
    uint8_t kind;
    base_place place;
    union {
        struct {
            const rulebook_assignment *items;
            uint32_t count;
        } set;
        struct {
            const char *event;
            const expr_program *data; /* may be NULL */
        } raise;
        rulebook_send send;
        struct {
            const char *id;
            const struct rulebook_later *later; /* an effect's; NULL: of something sent */
        } cancel;
        struct {
            const expr_program *when;
            rulebook_block then, otherwise;
        } branch;
        struct {
            rulebook_text text;
        } log;
        struct {
            const rulebook_effect *effect;
            const rulebook_argument *args; /* in the order of the effect's params; those not written are left out */
            uint32_t count;
        } effect;
    } as;
};
const rulebook_argument *rulebook_arg(const rulebook_action *effect, const char *name); /* NULL: not written */

/* ---- workflows ---- */

typedef struct rulebook_event {
    const char *name;
    rulebook_text title, description;
    rulebook_names by; /* roles; none: nobody but the rules themselves */
    rulebook_fields input;
    base_place place;
} rulebook_event;

typedef struct rulebook_transition { /* by the chart's transition id */
    rulebook_names by;      /* in addition to the event's roles; count 0: no further condition */
    uint32_t guard;         /* index into guards, or RULEBOOK_NONE */
    uint32_t block;         /* index into blocks, or RULEBOOK_NONE */
    uint32_t timer;         /* index into timers, or RULEBOOK_NONE */
    const char *on;         /* the descriptor as written; "always", "after" */
    rulebook_text title;
    base_place event_place; /* of the descriptor */
    base_place place;
} rulebook_transition;

typedef struct rulebook_guard {
    const expr_program *when;
    base_place place;
} rulebook_guard;

/* An `after`: begins when its state is entered and ends when it is left. */
typedef struct rulebook_timer {
    uint32_t state;           /* chart state */
    rulebook_duration delay;  /* kind NONE: `at` */
    const expr_program *at;   /* a timestamp */
    bool follows;             /* `at` reads clocks: it is asked again whenever one of them moves */
    uint8_t roll;             /* cal_roll */
    rulebook_text law;
    const char *event;        /* what to send when it is due: "@STATE.PATH#N" */
    uint32_t transition;      /* chart transition that it takes */
    base_place place;
} rulebook_timer;

typedef struct rulebook_state { /* by chart state; [0] is the root */
    const char *name, *path;
    rulebook_text title, description;
    const char *outcome;      /* NULL: none */
    const uint32_t *timers;   /* indexes into rulebook_workflow.timers */
    uint32_t timer_count;
    base_place place;
} rulebook_state;

/* What starts, stops or pauses a clock: an event, or a state that is entered. */
typedef struct rulebook_trigger {
    const char *name;
    uint32_t state; /* chart state; RULEBOOK_NONE: an event of that name */
    base_place place;
} rulebook_trigger;
typedef struct rulebook_triggers {
    const rulebook_trigger *items;
    uint32_t count;
} rulebook_triggers;

typedef struct rulebook_mark {
    bool is_percent;
    int64_t percent;
    rulebook_duration after; /* after the due instant */
    const char *event;
    base_place place;
} rulebook_mark;

typedef struct rulebook_clock {
    const char *name;
    rulebook_text title, description;
    rulebook_triggers starts, stops, paused_in;
    bool resumes;              /* again: resume */
    bool per_holder;           /* per: holder */
    rulebook_duration budget;  /* kind NONE: `due` */
    const expr_program *due;   /* a timestamp */
    const rulebook_mark *marks;
    uint32_t mark_count;
    struct {
        const char *event;     /* NULL: it cannot be extended */
        rulebook_duration amount, at_most; /* at_most may be NONE */
        int64_t times;         /* -1: no limit */
        bool before_breach;
        base_place place;
    } extend;
    uint8_t roll;              /* cal_roll */
    rulebook_text law;
    const char *calendar;      /* name of its calendar; NULL: the rulebook has none */
    base_place place;
} rulebook_clock;

typedef struct rulebook_migration_pair {
    const char *from, *to;    /* states: paths; fields: name and NULL */
    const expr_program *expr; /* fields: over the old case, a map in the slot `case_slot` */
    base_place place;
} rulebook_migration_pair;
typedef struct rulebook_migration {
    const char *from; /* version; NULL: none is written */
    const rulebook_migration_pair *states, *fields;
    uint32_t state_count, field_count;
    uint32_t case_slot; /* of the fields' programs, after the common slots: `case`, whatever the old one's fields were */
    bool recompute_timers;
    base_place place;
} rulebook_migration;

/* An effect that a workflow begins and that ends later, by its id. */
typedef struct rulebook_later {
    const char *id;
    const rulebook_effect *effect;
    base_place place;
} rulebook_later;

struct rulebook_workflow {
    const char *name;
    rulebook_text title, description;
    uint8_t digest[BASE_DIGEST_SIZE]; /* of its text and of the values that it names */
    char digest_text[2 * BASE_DIGEST_SIZE + 1];
    const char *rulebook_version;
    rulebook_fields fields;
    const rulebook_event *events;
    uint32_t event_count;
    const rulebook_role *roles; /* of its own */
    uint32_t role_count;
    const chart *chart;
    const rulebook_state *states;           /* chart_state_count of them */
    const rulebook_transition *transitions; /* chart_transition_count of them */
    const rulebook_guard *guards;
    uint32_t guard_count;
    const rulebook_block *blocks;
    uint32_t block_count;
    const rulebook_timer *timers;
    uint32_t timer_count;
    bool timers_follow;       /* one of them follows a clock */
    const rulebook_clock *clocks;
    uint32_t clock_count;
    const rulebook_later *laters; /* effects that end later, each id once */
    uint32_t later_count;
    const char *calendar; /* name; NULL: the rulebook has none */
    bool statutory;       /* residents are entitled to it by law: what they have earned may not count in it */
    rulebook_migration migrate;
    /* Every program of the workflow reads the same slots. */
    const expr_scope *scope;    /* case, clocks, actor, values, now and event with untyped data; for further programs */
    const rulebook_slot *slots;
    const value *presets;       /* slot_count of them: values filled in, the rest absent; copy, then fill */
    uint32_t slot_count;
    rulebook_names input_names; /* X of every event.data.X */
    base_place place;
    const rulebook *owner;
};
const rulebook_event *rulebook_find_event(const rulebook_workflow *w, const char *name);
const rulebook_clock *rulebook_find_clock(const rulebook_workflow *w, const char *name);
const rulebook_later *rulebook_find_later(const rulebook_workflow *w, const char *id); /* NULL: none */
/* The role's `when` compiled for a workflow, which may be of another version of the rulebook. The caller frees it. NULL in
 * *out when the role has no condition. */
gov_status rulebook_role_program(const gov_allocator *a, const rulebook_role *role, const rulebook_workflow *w,
                                 expr_program **out, const diag *d);

/* An expression of a section over a workflow's names, compiled for that workflow, which may be of another version of the rulebook. The
 * caller frees it. The node has to live in the section's rulebook. */
gov_status rulebook_workflow_program(const gov_allocator *a, const rb_node *n, expr_type expect, const rulebook_workflow *w,
                                     expr_program **out, const diag *d);

/* ---- other definitions ---- */

typedef struct rulebook_calendar {
    const char *name;
    rulebook_text title;
    const cal_calendar *cal;
    base_place place;
} rulebook_calendar;

typedef struct rulebook_template {
    const char *name;
    rulebook_text title, text;
    base_place place;
} rulebook_template;

typedef struct rulebook_record {
    const char *name; /* resident, household, ... */
    rulebook_text title, description;
    rulebook_fields fields;
    const expr_scope *scope; /* record.NAME by field, then `it`; for the fields' `when` */
    base_place place;
} rulebook_record;

typedef struct rulebook_indicator {
    const char *name;
    rulebook_text title, description, source;
    const char *workflow;
    const expr_program *when;   /* which cases it looks at; NULL: all */
    const expr_program *counts; /* which of those count: a bool */
    const rulebook_workflow *over; /* its slots are those of the programs */
    base_place place;
} rulebook_indicator;

typedef enum rulebook_period { RULEBOOK_DAY, RULEBOOK_WEEK, RULEBOOK_MONTH, RULEBOOK_YEAR } rulebook_period;
typedef enum rulebook_day_off { RULEBOOK_KEEP, RULEBOOK_MOVE, RULEBOOK_SKIP } rulebook_day_off;
typedef struct rulebook_schedule {
    const char *name;
    rulebook_text title, description;
    const char *over;          /* household, resident, group, grids, staff ...; NULL: once */
    const char *over_name;     /* over: {group: NAME}; NULL: none */
    const expr_program *member; /* which of them, over `it`; NULL: all */
    uint8_t period;            /* rulebook_period */
    int64_t every;             /* so many periods; 1 */
    int8_t nth;                /* of the month: 1..5, -1 the last, with weekday; 0: not so */
    uint8_t weekday;           /* 1..7 */
    bool working_days_only;
    uint8_t day_off;           /* rulebook_day_off */
    const char *calendar;
    cal_rhythm rhythm;         /* all of the above */
    rulebook_block block;
    const expr_scope *scope;
    const rulebook_slot *slots;
    const value *presets;
    uint32_t slot_count;
    base_place place;
} rulebook_schedule;

/* ---- scenarios: what a rulebook's tests say, checked against it; scenario.c, scenario_expect.c ---- */

/* A record that a scenario stands on. */
typedef struct rulebook_given {
    const char *kind, *key;
    value fields; /* a map, as it is written */
    base_place place;
} rulebook_given;
typedef struct rulebook_givens {
    const rulebook_given *items;
    uint32_t count;
} rulebook_givens;

typedef enum rulebook_who { RULEBOOK_AS_HOST, RULEBOOK_AS_STAFF, RULEBOOK_AS_RESIDENT } rulebook_who;
typedef enum rulebook_step_kind {
    RULEBOOK_STEP_GIVEN, RULEBOOK_STEP_AT, RULEBOOK_STEP_ADVANCE, RULEBOOK_STEP_OPEN, RULEBOOK_STEP_SEND,
    RULEBOOK_STEP_FIND, RULEBOOK_STEP_TICK, RULEBOOK_STEP_EXPECT, RULEBOOK_STEP_CALL, RULEBOOK_STEP_MIGRATE
} rulebook_step_kind;

/* What something has to be refused with, and by which rule. */
typedef struct rulebook_refusal {
    const char *code; /* of the error; NULL: not asked */
    const char *file; /* of the rule, as diagnostics name it; NULL: not asked */
    int64_t line;     /* in it; 0: not asked */
} rulebook_refusal;

/* A name with what is wanted of it. */
typedef struct rulebook_wanted {
    const char *name;
    value val; /* as it is written; absent: the name alone */
    base_place place;
} rulebook_wanted;
typedef struct rulebook_wanteds {
    const rulebook_wanted *items;
    uint32_t count;
    bool asked; /* written, if only as an empty list */
    base_place place;
} rulebook_wanteds;

/* Which cases are meant. */
typedef struct rulebook_query {
    const char *workflow;
    const char *link;           /* NULL: any */
    const char *parent;         /* the scenario's name of a case; NULL: any */
    rulebook_wanteds states, fields;
    rulebook_wanteds outcome;   /* one name; "" for a case that has none */
    int64_t count;              /* how many there are; -1: at least one */
    int64_t nth;                /* find: which of them, from 1; -1: there is one only */
    base_place place;
} rulebook_query;
typedef struct rulebook_queries {
    const rulebook_query *items;
    uint32_t count;
    bool asked;
} rulebook_queries;

typedef struct rulebook_wanted_clock {
    const char *name, *state;         /* "idle", "running", "paused", "stopped"; NULL: not asked */
    value due;                        /* timestamp, null: it has none, absent: not asked */
    bool has_consumed, has_left;
    cal_duration consumed, left;
    int8_t running, breached, provisional; /* -1: not asked */
    base_place place;
} rulebook_wanted_clock;
typedef struct rulebook_wanted_balance {
    const char *programme; /* NULL: the only one */
    const char *kind, *holder; /* kind NULL: the programme's own */
    int64_t points;
    base_place place;
} rulebook_wanted_balance;
typedef struct rulebook_condition {
    const expr_program *program;
    const char *text;
    base_place place;
} rulebook_condition;

typedef struct rulebook_expectation {
    rulebook_wanteds states, raised, not_raised, fields, effects, allowed, refused;
    const rulebook_refusal *refusals; /* what refuses each of `refused` */
    rulebook_wanteds properties; /* outcome, ended, unit, staff, grid, reporter */
    const rulebook_wanted_clock *clocks;
    uint32_t clock_count;
    const rulebook_condition *that;
    uint32_t that_count;
    rulebook_queries children, cases;
    const rulebook_wanted_balance *balances;
    uint32_t balance_count;
} rulebook_expectation;

typedef struct rulebook_step {
    uint8_t kind; /* rulebook_step_kind */
    uint8_t who;  /* rulebook_who */
    const char *as, *purpose; /* key of who acts; NULL: the host, the usual purpose */
    rulebook_refusal fails;   /* with what it has to fail; no code: not at all */
    const char *name;         /* the case, or what a call made, as the scenario calls it; NULL: none */
    const char *workflow, *event, *reporter, *grid, *source, *number, *key; /* open, send */
    const struct rulebook_operation *operation; /* call */
    value fields;             /* open: the fields; send: the event's data; call: what it is given; a map */
    value gives;              /* call, migrate: what the answer has to contain; absent: not asked */
    const char *to, *overlay; /* migrate: paths from the scenario's folder; NULL: the same rulebook, the overlay in force */
    bool dry_run;             /* migrate */
    int64_t at_us;            /* at */
    cal_duration advance;     /* advance */
    int64_t max;              /* tick; 0: all that is due */
    rulebook_givens givens;
    rulebook_query find;
    rulebook_expectation expect;
    base_place place;
} rulebook_step;

typedef struct rulebook_scenario {
    rulebook_text title, description;
    const char *calendar; /* what `advance` counts in; NULL: there is none */
    rulebook_givens givens;
    const rulebook_step *steps;
    uint32_t step_count;
    base_place place;
} rulebook_scenario;

/* A definition whose meaning a room above knows. */
typedef struct rulebook_section {
    const char *kind, *name; /* "points", "green_account" */
    void *content;           /* what the room's loader made; lives in the rulebook's arena */
    base_place place;
} rulebook_section;

/* ---- the files ---- */

typedef struct rulebook_source {
    const char *path; /* relative to the root, '/' between parts */
    const char *bytes;
    size_t len;
    uint8_t digest[BASE_DIGEST_SIZE];
} rulebook_source;
typedef struct rulebook_bundle rulebook_bundle;

/* Reads a file, or a directory with rulebook.yaml, and what `include` names. `overlays` are further files (may be NULL).
 * Mistakes of YAML in the root are reported here already; the other ones when it is compiled. */
gov_status rulebook_bundle_read(const gov_allocator *a, const char *path, const char *const *overlays,
                                size_t overlay_count, rulebook_bundle **out, const diag *d);
/* As rulebook_bundle_read, with the scenarios that lie under `path` besides: files whose first definition is one, named by
 * `include` or not. The path may also be a folder or a file inside of a rulebook's folder. What *tests says lies in the bundle's memory. */
typedef struct rulebook_tests {
    const char *inside; /* where in the rulebook's folder the scenarios lie that are meant; "": anywhere */
    const char *path, *dir; /* the rulebook that they are about, and its folder */
} rulebook_tests;
gov_status rulebook_bundle_read_tests(const gov_allocator *a, const char *path, const char *overlay, rulebook_bundle **out, rulebook_tests *tests,
                                      const diag *d);
bool rulebook_lies_inside(const char *path, const char *inside);
/* A bundle of bytes at hand, which are copied; the first is the root. `include` is not followed. */
gov_status rulebook_bundle_make(const gov_allocator *a, const rulebook_source *sources, size_t count,
                                rulebook_bundle **out, const diag *d);
void rulebook_bundle_free(rulebook_bundle *b);
size_t rulebook_bundle_count(const rulebook_bundle *b);
const rulebook_source *rulebook_bundle_source(const rulebook_bundle *b, size_t i);
const uint8_t *rulebook_bundle_digest(const rulebook_bundle *b); /* SHA-256 over paths, lengths and the files' digests */
/* Canonical text of all files, and back (checked against the digests that it carries). */
void rulebook_bundle_write(const rulebook_bundle *b, base_buf *out);
gov_status rulebook_bundle_parse(const gov_allocator *a, const char *text, size_t len, rulebook_bundle **out,
                                 const diag *d);
/* What a loaded rulebook's files say as node trees, bound to the bundle's digest: given back to rulebook_open, it spares reading
 * YAML. Nothing is written of a rulebook that was itself opened without. */
gov_status rulebook_trees_write(const rulebook *book, base_buf *out, const diag *d);

/* ---- rulebooks ---- */

struct rulebook {
    const char *id, *version;
    rulebook_text title, description;
    rulebook_names languages;
    const base_zone *zone;
    const void *tzif;        /* the zone's own bytes, to be kept with it */
    size_t tzif_len;
    const uint8_t *digest;   /* the bundle's */
    const char *digest_text; /* in hexadecimal */
    const rulebook_value *values;
    uint32_t value_count;
    const rulebook_role *roles;
    uint32_t role_count;
    const rulebook_permission *permissions;
    uint32_t permission_count;
    const rulebook_class *classes;
    uint32_t class_count;
    const char *calendar; /* name of the default one; NULL: none */
    const rulebook_calendar *calendars;
    uint32_t calendar_count;
    const rulebook_template *templates;
    uint32_t template_count;
    const rulebook_record *records;
    uint32_t record_count;
    const rulebook_section *sections;
    uint32_t section_count;
    rulebook_names workflows, indicators, schedules, scenarios;
    const rulebook_host *host;
};

typedef struct rulebook_options {
    const rulebook_host *host;   /* NULL: no sections, effects and functions */
    const void *tzif;            /* the zone's bytes, as kept; NULL: those of the system */
    size_t tzif_len;
    bool lenient; /* a lone workflow under simulation: names of roles, effects and events that nobody declares are fine */
    int64_t today; /* days since 1970: warns of missing years; 0: does not */
    /* For scenarios that go over to other rules: the rulebook at a path that the file `origin` writes, with an overlay (NULL: none) over
     * it. It outlives the one that is loaded. NULL, or an error: what later steps name is looked up when they are played. */
    gov_status (*others)(void *user, const char *origin, const char *to, const char *overlay, const rulebook **out, const diag *d);
    void *others_user;
    const void *trees; /* rulebook_open: what rulebook_trees_write wrote; NULL, or another version's: the text is read */
    size_t trees_len;
} rulebook_options;

/* Compiles all of a bundle, which the rulebook takes over on success and on failure. Mistakes and warnings go to d; with a
 * mistake there is no rulebook and the status is that of the first one, mostly GOV_E_RULE. */
gov_status rulebook_load(const gov_allocator *a, rulebook_bundle *b, const rulebook_options *o, rulebook **out,
                         const diag *d);
/* For a bundle that passed rulebook_load before: workflows, indicators and schedules are compiled at their first use. */
gov_status rulebook_open(const gov_allocator *a, rulebook_bundle *b, const rulebook_options *o, rulebook **out,
                         const diag *d);
/* Reads all of the bundle, which is taken over, and compares the trees in `o` with what it says: bundle_damaged where they differ. */
gov_status rulebook_trees_verify(const gov_allocator *a, rulebook_bundle *b, const rulebook_options *o, const diag *d);
void rulebook_free(const rulebook *rb);
const rulebook_bundle *rulebook_bundle_of(const rulebook *rb);

/* ---- filters: filter.c ---- */

/* A condition over `it`, written as text inside a rule: count('resident', "age(it.birth_date, now) >= 60"). It may use
 * `now`, the values and the functions of the rulebook. */
typedef struct rulebook_filter {
    expr_scope *scope;
    expr_program *program;
    value *slots; /* to run with: `it` and `now` are to be filled in */
    size_t slot_count;
    uint32_t it, now;
} rulebook_filter;
/* Mistakes are reported at their own place in the text. */
gov_status rulebook_filter_new(const gov_allocator *a, const rulebook *rb, const char *text, size_t len,
                               rulebook_filter *out, const diag *d);
void rulebook_filter_free(rulebook_filter *f, const gov_allocator *a);
/* Does it hold of that value? Paid for by `outer`, the run of the rule that the filter stands in. */
gov_status rulebook_filter_holds(const rulebook_filter *f, const expr_run *outer, value it, bool *holds, const diag *d);
/* For expr_function.check: is it a filter, where it is constant? `place` is that of the text's quote; with the kind of record
 * or the workflow (NULL: any) its fields are checked too. */
gov_status rulebook_filter_check(const rulebook *rb, value text, const char *kind, const expr_spot *spot, const diag *d);

/* For expr_function.check: is that an indexed field of the workflow? Known while a whole rulebook is loaded. */
gov_status rulebook_check_indexed(const rulebook *rb, const char *workflow, value field, const base_place *place,
                                  const diag *d);

/* Compiles at the first use; safe to call from several threads. GOV_E_NOT_FOUND (unreported) when there is none. */
gov_status rulebook_get_workflow(const rulebook *rb, const char *name, const rulebook_workflow **out, const diag *d);
gov_status rulebook_get_indicator(const rulebook *rb, const char *name, const rulebook_indicator **out, const diag *d);
gov_status rulebook_get_schedule(const rulebook *rb, const char *name, const rulebook_schedule **out, const diag *d);
gov_status rulebook_get_scenario(const rulebook *rb, size_t i, const rulebook_scenario **out, const diag *d);

const rulebook_value *rulebook_find_value(const rulebook *rb, const char *name);
const rulebook_role *rulebook_find_role(const rulebook *rb, const rulebook_workflow *w, const char *name); /* w may be NULL */
const rulebook_permission *rulebook_find_permission(const rulebook *rb, const char *action);
const rulebook_class *rulebook_find_class(const rulebook *rb, const char *name);
const rulebook_calendar *rulebook_find_calendar(const rulebook *rb, const char *name); /* NULL: the default */
const rulebook_template *rulebook_find_template(const rulebook *rb, const char *name);
const rulebook_record *rulebook_find_record(const rulebook *rb, const char *name);
/* Is there such a definition, read already or not? For expr_function.check, which runs while sections are being read. */
bool rulebook_defines(const rulebook *rb, const char *kind, const char *name, size_t len);
const char *rulebook_defined_near(const rulebook *rb, const char *kind, const char *name, size_t len); /* NULL: none has a name like it */
const rulebook_section *rulebook_find_section(const rulebook *rb, const char *kind, const char *name);

/* ---- reading a section: read.c ----
 * Every reader reports what is wrong at its place, remembers that in the loader, and gives something harmless, so that a
 * loader just goes on; rulebook_loader_status says at the end how it went. A node may be NULL: then nothing was written and
 * nothing is reported. */
gov_status rulebook_loader_status(const rulebook_loader *l);
base_arena *rulebook_loader_arena(const rulebook_loader *l); /* of the rulebook: what is made here lives with it */
const diag *rulebook_loader_diag(const rulebook_loader *l);
const rulebook *rulebook_loader_rulebook(const rulebook_loader *l); /* values, roles, classes, calendars are there */
void rulebook_loader_fail(rulebook_loader *l, gov_status status);   /* for what the caller reported itself */

base_place rulebook_node_place(const rb_node *n);
const rb_node *rulebook_get(const rb_node *map, const char *key); /* NULL: not written */
size_t rulebook_count(const rb_node *n);                          /* items of a list, pairs of a map */
const rb_node *rulebook_item(const rb_node *list_or_map, size_t i); /* of a map: the value */
const char *rulebook_key(const rb_node *map, size_t i, base_place *place);
bool rulebook_is_text(const rb_node *n); /* is it a scalar? */
const char *rulebook_scalar(const rb_node *n, size_t *len); /* as it is written, without quotes; NULL: no scalar */

/* Is it a map with keys among these (ended by NULL; '!' in front: it must be there)? */
bool rulebook_read_keys(rulebook_loader *l, const rb_node *n, const char *what, const char *const *keys);
bool rulebook_read_list(rulebook_loader *l, const rb_node *n, const char *what);
rulebook_text rulebook_read_text(rulebook_loader *l, const rb_node *n);
const char *rulebook_read_name(rulebook_loader *l, const rb_node *n, const char *what); /* [A-Za-z_][A-Za-z0-9_]* */
const char *rulebook_read_string(rulebook_loader *l, const rb_node *n, const char *what);
bool rulebook_read_bool(rulebook_loader *l, const rb_node *n, const char *what, bool otherwise);
int64_t rulebook_read_int(rulebook_loader *l, const rb_node *n, const char *what, int64_t least, int64_t most,
                          int64_t otherwise);
/* One of the words (ended by NULL): its number. */
unsigned rulebook_read_word(rulebook_loader *l, const rb_node *n, const char *what, const char *const *words,
                            unsigned otherwise);
rulebook_names rulebook_read_names(rulebook_loader *l, const rb_node *n, const char *what);
rulebook_names rulebook_read_roles(rulebook_loader *l, const rb_node *n, const char *what); /* they must exist */
value rulebook_read_value(rulebook_loader *l, const rb_node *n);
rulebook_duration rulebook_read_duration(rulebook_loader *l, const rb_node *n);
rulebook_fields rulebook_read_fields(rulebook_loader *l, const rb_node *n, const char *prefix);
/* An expression over values, actor, now and the host's functions, or over `scope`, which has to come from
 * rulebook_new_scope. NULL when there is none or it is wrong. */
const expr_program *rulebook_read_expr(rulebook_loader *l, const rb_node *n, expr_type expect, const expr_scope *scope);
/* A scope over the common one, freed with the rulebook; add variables and functions to it. */
expr_scope *rulebook_new_scope(rulebook_loader *l);
/* The common scope's slots: presets with the values filled in, and what each is. */
const rulebook_slot *rulebook_common_slots(const rulebook *rb, const value **presets, uint32_t *count);
const expr_scope *rulebook_common_scope(const rulebook *rb);

/* ---- for editors: schema.c ---- */

/* The JSON Schema (2020-12) of one document of a rulebook, with the effects and sections of the host. */
void rulebook_write_schema(const rulebook_host *host, base_buf *out);

/* ---- YAML that is no rulebook: outside.c ---- */

/* Reads one file into a tree that lies in the arena; *text (may be NULL) is its bytes without BOM. Mistakes of YAML are reported at
 * their places with the status GOV_E_RULE; what the members mean is the caller's to check. */
gov_status rulebook_read_yaml(base_arena *arena, const char *path, const rb_node **root, const char **text, size_t *len,
                              const diag *d);
gov_status rulebook_node_value(base_arena *arena, const rb_node *n, value *out, const diag *d); /* what it means as data */
const char *rulebook_node_kind(const rb_node *n); /* "list", "map", "int", "string", ... */
bool rulebook_is_list(const rb_node *n);
bool rulebook_is_map(const rb_node *n);

#endif
