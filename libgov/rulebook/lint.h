/* What is checked when everything is compiled: across definitions, and what is doubtful without being wrong. */
#ifndef RULEBOOK_LINT_H
#define RULEBOOK_LINT_H

#include "rulebook/load.h"

void rb_lint(rulebook_loader *l, int64_t today);

#endif
