/* A case among others, for the rest of this room. */
#ifndef CASE_FAMILY_H
#define CASE_FAMILY_H

#include "case/live.h"

gov_status case_put_link(gov *g, int64_t from, const char *link, size_t len, int64_t to, const diag *d);
/* An event for another case, in m's name, due at once. */
gov_status case_tell(gov *g, case_machine *m, int64_t other, const char *event, value data, const diag *d);
gov_status case_run_merge(gov *g, case_machine *m, const rulebook_action *a, const diag *d);

#endif
