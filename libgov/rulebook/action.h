/* Actions, and the scopes that expressions of a workflow are compiled in. */
#ifndef RULEBOOK_ACTION_H
#define RULEBOOK_ACTION_H

#include "rulebook/load.h"

/* Two scopes with the same slots: one knows the inputs of the events that lead here, the other one takes event.data
 * as a whole and cannot check what is in it. */
typedef struct rb_context {
    const expr_scope *typed, *whole;
} rb_context;

const expr_program *rb_event_expr(rulebook_loader *l, const rb_node *n, expr_type expect, const rb_context *c);
rulebook_duration rb_event_duration(rulebook_loader *l, const rb_node *n, const rb_context *c);
rulebook_block rb_block(rulebook_loader *l, const rb_node *n, const rb_context *c);

#endif
