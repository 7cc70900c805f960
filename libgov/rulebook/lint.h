/* What is checked when everything is compiled: across definitions, and what is doubtful without being wrong. */
#ifndef RULEBOOK_LINT_H
#define RULEBOOK_LINT_H

#include "rulebook/load.h"

void rb_lint(rulebook_loader *l, int64_t today);
/* Takes out again what was told only because of another mistake: follow.c. */
void rb_drop_followers(rulebook_loader *l);
/* Adds the events that a workflow's own rules, clocks and effects make, and those that it declares. */
void rb_event_names(rulebook_loader *l, const rulebook_workflow *w, rb_names *out);
/* The events that the workflow's own rules, clocks and effects make. */
void rb_made_events(rulebook_loader *l, const rulebook_workflow *w, rb_names *made);

/* entitled.c: neither points nor hours count in statutory workflows. */
void rb_check_entitlements(rulebook_loader *l);

/* ---- later.c ---- */

void rb_check_laters(rulebook_loader *l, const rulebook_workflow *w);
void rb_check_messages(rulebook_loader *l, const rulebook_workflow *sender, const rulebook_workflow *receiver);

/* ---- never.c ---- */

/* Transitions that are never taken, by their number: told, and marked in `never`, which was cleared; and the states that a case can come
 * to without them. */
gov_status rb_doubt_transitions(rulebook_loader *l, const rulebook_workflow *w, bool *never, bool *reached);

/* ---- doubt.c ---- */

/* reached: by state; elsewhere: what other workflows send. */
void rb_doubt(rulebook_loader *l, const rulebook_workflow *w, const bool *reached, const rb_names *elsewhere);
/* null_due.c: due instants that rules take for granted where there is none. */
void rb_doubt_dues(rulebook_loader *l, const rulebook_workflow *w, const bool *reached);
void rb_doubt_fields(rulebook_loader *l, const rulebook_workflow *w);
void rb_doubt_roles(rulebook_loader *l, const rulebook_role *roles, uint32_t count);

#endif
