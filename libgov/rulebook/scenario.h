/* What the two files that read scenarios share. */
#ifndef RULEBOOK_SCENARIO_H
#define RULEBOOK_SCENARIO_H

#include "rulebook/load.h"

/* A record that the scenario declares, and a case that one of its steps names. */
typedef struct rb_known {
    struct rb_known *next;
    const char *kind, *key;
} rb_known;
typedef struct rb_known_case {
    struct rb_known_case *next;
    const char *name;
    const rulebook_workflow *w; /* NULL: broken or unknown; said elsewhere */
    bool made; /* not a case, but what a call made */
    base_place place;
} rb_known_case;

/* A scenario while it is read. */
typedef struct rb_play {
    rulebook_loader *l;
    rb_known *records;
    rb_known_case *cases;
    const char *calendar;
    bool moved; /* a step before goes over to other rules ... */
    const rulebook *target; /* ... these; NULL: nobody can say which, and names are looked up when the step is played */
    const rulebook_workflow *old; /* of the same name as the workflow at hand: a case that could not move is still under it; NULL: none is */
} rb_play;

/* ---- scenario.c ---- */
bool rb_play_knows(const rb_play *p, const char *kind, const char *key); /* kind NULL: any */
/* Reads the name of a case that a step before has named; NULL: not written, or unknown, which is reported. */
const char *rb_play_case(rb_play *p, const rb_node *n, const rulebook_workflow **w);
/* The name of a record of that kind (NULL: any); unknown ones are reported. */
const char *rb_play_record(rb_play *p, const rb_node *n, const char *kind);
/* `opens`: for a new case, which is under the rules of now. */
const rulebook_workflow *rb_play_workflow(rb_play *p, const rb_node *n, bool opens, const char **name);
/* A value against a field: NULL: nothing is known of it. Gives it as it is written. */
value rb_play_value(rb_play *p, const rulebook_field *f, const rb_node *n);
bool rb_play_instant(rb_play *p, const rb_node *n, int64_t *us);
/* A literal duration, or the name of a value. */
bool rb_play_duration(rb_play *p, const rb_node *n, cal_duration *out);
/* `fails: CODE`, or `{code: CODE, rule: FILE:LINE}`. */
rulebook_refusal rb_play_refusal(rb_play *p, const rb_node *n);
void rb_play_who(rb_play *p, const rb_node *n, uint8_t *who, const char **as);

/* ---- scenario_expect.c ---- */
void rb_play_query(rb_play *p, const rb_node *n, bool find, rulebook_query *out);
void rb_play_expect(rb_play *p, const rb_node *n, rulebook_step *out);
/* fields NULL: nothing is known of them. */
rulebook_wanteds rb_play_fields(rb_play *p, const rb_node *n, const rulebook_fields *fields);

#endif
