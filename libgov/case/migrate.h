/* Cases under other rules than those they were opened with: mapping one, moving those that run, and living past ones again. */
#ifndef CASE_MIGRATE_H
#define CASE_MIGRATE_H

#include "case/live.h"

/* ---- map.c ---- */

/* The counterpart of a state of the old version, by its path; CHART_NONE: it has none. */
uint32_t case_map_state(const rulebook_workflow *w, const char *path, size_t len);
/* A case's fields as a map; absent: no memory. */
value case_fields_of(const case_machine *m, base_arena *arena);
/* Fields of the old version, a map, as m's workflow takes them over. */
gov_status case_map_fields(const case_machine *old, case_machine *m, value fields, const diag *d);
/* m becomes the case old under the workflow w: fields and states; not its clocks and timers. Give m's clocks back, whatever it says.
 * keep: w is of rules that g keeps, and what the room knows of it may be remembered. */
gov_status case_map(gov *g, case_machine *old, const rulebook_workflow *w, bool keep, case_machine *m, const diag *d);

#endif
