/* Texts, names, durations and fields: what every other part of a rulebook is made of. Part of rulebook.h, which rooms above include. */
#ifndef RULEBOOK_FIELD_H
#define RULEBOOK_FIELD_H

#include "base/base.h"
#include "calendar/calendar.h"
#include "expr/expr.h"
#include "value/value.h"

#define RULEBOOK_NONE UINT32_MAX

typedef struct rulebook rulebook;
typedef struct rulebook_workflow rulebook_workflow;
typedef struct rulebook_action rulebook_action;
typedef struct rulebook_effect rulebook_effect;
typedef struct rulebook_loader rulebook_loader; /* what a section's loader works with: "reading a section" of rulebook.h */
struct gov; /* a community: room access */
typedef struct rb_node rb_node; /* a YAML node */

/* ---- small things ---- */

/* Text in one or more languages; count 0: none was written. lang "" is the text of a plain string. */
typedef struct rulebook_words {
    const char *lang, *text;
} rulebook_words;
typedef struct rulebook_text {
    const rulebook_words *items;
    uint32_t count;
} rulebook_text;
/* The text in that language, else in its base language ("zh" for "zh-CN"), else the first one; `fallback` for none. */
const char *rulebook_text_in(const rulebook_text *t, const char *lang, const char *fallback);

typedef struct rulebook_names {
    const char *const *items;
    uint32_t count;
} rulebook_names;
bool rulebook_has_name(const rulebook_names *names, const char *name);

/* How long: written as a duration, by a value's name, as cases, or computed. */
typedef enum rulebook_length { RULEBOOK_LENGTH_NONE, RULEBOOK_LENGTH_FIXED, RULEBOOK_LENGTH_CASES, RULEBOOK_LENGTH_EXPR } rulebook_length;
typedef struct rulebook_choice rulebook_choice;
typedef struct rulebook_duration {
    uint8_t kind;               /* RULEBOOK_LENGTH_* */
    cal_duration fixed;         /* FIXED */
    const expr_program *expr;   /* EXPR: a duration, or a string in the form of one */
    const rulebook_choice *cases; /* CASES: the first that holds */
    uint32_t case_count;
    uint32_t value;             /* the named value it was taken from, or RULEBOOK_NONE */
    base_place place;
} rulebook_duration;
struct rulebook_choice {
    const expr_program *when; /* NULL: always */
    rulebook_duration is;
};
/* What it comes to for one run. Cases of which none holds: GOV_E_NOT_FOUND, reported. *chosen (may be NULL) is
 * the case or the duration itself, for explaining. */
gov_status rulebook_duration_of(const rulebook_duration *spec, const expr_run *run, cal_duration *out,
                                const rulebook_duration **chosen, const diag *d);
/* A value as a duration: a CEL duration, or a string in the form of a duration. */
gov_status rulebook_duration_from(value v, cal_duration *out, const base_place *place, const diag *d);

/* ---- fields ---- */

typedef enum rulebook_type {
    RULEBOOK_BOOL, RULEBOOK_INT, RULEBOOK_DOUBLE, RULEBOOK_STRING, RULEBOOK_BYTES, RULEBOOK_DATE,
    RULEBOOK_TIMESTAMP, RULEBOOK_DURATION, RULEBOOK_MONEY, RULEBOOK_POINT, RULEBOOK_LIST, RULEBOOK_MAP,
    RULEBOOK_ANY,
    /* references; their value is the id, an int */
    RULEBOOK_RESIDENT, RULEBOOK_HOUSEHOLD, RULEBOOK_PREMISES, RULEBOOK_GRID, RULEBOOK_UNIT, RULEBOOK_STAFF,
    RULEBOOK_GROUP, RULEBOOK_CASE, RULEBOOK_ACCOUNT, RULEBOOK_FILE,
    RULEBOOK_TYPES_
} rulebook_type;
const char *rulebook_type_name(rulebook_type t);
static inline bool rulebook_is_reference(unsigned type) { return type >= RULEBOOK_RESIDENT && type < RULEBOOK_TYPES_; }

/* Normalised values, as rulebook_check_fields makes them and as expressions see them: bool, int, double, string, bytes
 * as they are; date a string "2026-03-02"; timestamp a timestamp; duration a CEL duration where it is pure time, else
 * its text ("5 working days"); money an int of the smallest unit; point a map {lat, lon} of ints of 1e-7 degree;
 * references an int. */
typedef struct rulebook_field {
    const char *name;
    rulebook_text title, description;
    uint8_t type; /* rulebook_type */
    bool required, indexed;
    uint32_t slot;         /* of case.NAME or event.data.NAME; RULEBOOK_NONE in records */
    value preset;          /* `default`, normalised; absent: none */
    const value *one_of;   /* normalised */
    const rulebook_text *one_of_titles; /* one for each of them, perhaps empty; NULL without choices */
    uint32_t one_of_count;
    value min, max;        /* absent: none */
    int64_t max_length;    /* code points, bytes or items; -1: none */
    const expr_program *matches; /* a bool over slot 0, the text; NULL: none */
    const char *pattern;         /* as it was written */
    const expr_program *when;    /* a bool; NULL: none */
    uint32_t when_it;            /* the slot of `it` in `when` */
    const char *sensitive; /* class, NULL: none */
    base_place place;
} rulebook_field;

typedef struct rulebook_fields {
    const rulebook_field *items;
    uint32_t count;
} rulebook_fields;
const rulebook_field *rulebook_find_field(const rulebook_fields *fields, const char *name, size_t len);
uint32_t rulebook_field_index(const rulebook_fields *fields, const char *name, size_t len); /* or RULEBOOK_NONE */

/* Looks up what a reference names: an int is an id, a string a key. Gives the id in *id. GOV_E_NOT_FOUND (unreported) when
 * there is no such thing. NULL as callback: ints and decimal strings pass unchecked. */
typedef gov_status (*rulebook_resolve)(void *user, rulebook_type type, value reference, int64_t *id, const diag *d);
typedef struct rulebook_checking {
    bool partial;             /* nothing is missing and no default is filled in: a change, not a whole */
    rulebook_resolve resolve;
    void *user;
    const expr_run *run;      /* for `when`; NULL: these are not evaluated */
    base_arena *arena;        /* of the result; must not be NULL */
    const base_place *place;  /* where the diagnostics point; may be NULL */
} rulebook_checking;
/* Checks a map against fields; *out is the map in the order of the fields, defaults filled in, values normalised; fields
 * without a value (and nulls) are left out. Every mistake is reported with the field's name: unknown_field,
 * missing_field, bad_field ... */
gov_status rulebook_check_fields(const rulebook_fields *fields, value map, const rulebook_checking *how, value *out,
                                 const diag *d);
const char *rulebook_value_kind(value v); /* "int", "list" */
/* One value; null gives an absent one. */
gov_status rulebook_check_field(const rulebook_field *f, value v, const rulebook_checking *how, value *out,
                                const diag *d);

#endif
