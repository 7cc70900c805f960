/* A machine in memory, with its timers and a clock that stands still: for simulations, and for living past cases again. */
#ifndef CASE_SIMULATE_H
#define CASE_SIMULATE_H

#include "case/case.h"

/* Of a workflow of `rules`, which are borrowed. Effects look at the community, and change nothing. */
gov_status case_simulation_of(gov *g, const rulebook *rules, const rulebook_workflow *w, gov_simulation **out, const diag *d);
case_machine *case_simulation_machine(gov_simulation *s);
/* A field's value, kept as long as the simulation. */
gov_status case_simulation_put(gov_simulation *s, size_t field, value v, const diag *d);
/* Before each of the calls below: gives back what the one before needed. */
void case_simulation_next(gov_simulation *s);
gov_status case_simulation_start(gov_simulation *s, int64_t at_us, const diag *d);
/* Fires what is due up to that instant, which is then now. A step that fails is passed over; the first failure is the answer. */
gov_status case_simulation_until(gov_simulation *s, int64_t until_us, const diag *d);
/* Now, without firing what is due. */
void case_simulation_at(gov_simulation *s, int64_t now_us);
/* Is that what the event may be given? What a real send checks, but for records, of which there are none. */
gov_status case_simulation_check(gov_simulation *s, const char *event, value *data, const diag *d);
gov_status case_simulation_send(gov_simulation *s, const char *event, value data, bool *accepted, const diag *d);
/* The case is told by an effect, as it was then. What is foreseen of that effect counts it, where the effect says so. */
gov_status case_simulation_report(gov_simulation *s, const rulebook_later *later, const char *event, value data, bool *accepted,
                                  const diag *d);
/* What the effects of the call noted: a list of maps of one member, by the effect's name. */
value case_simulation_effects(const gov_simulation *s);

#endif
