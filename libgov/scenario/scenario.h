/* Room scenario: plays the scenarios of a rulebook, each on a community of its own.
 *
 * A step does what a host does, by the public calls; what is expected is compared with what stands in the store, unmasked.
 *
 *   scenario_play   one scenario on a community made for it (play.c), its records (given.c), its expectations (expect.c)
 *   scenario_cover  which states and transitions were reached (cover.c) */
#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H

#include "case/case.h"

#include <gov/scenario.h>

/* ---- cover.c ---- */

typedef struct scenario_cover scenario_cover;
gov_status scenario_cover_new(const gov_allocator *a, const rulebook *rb, scenario_cover **out, const diag *d);
void scenario_cover_free(scenario_cover *c);
const case_watch *scenario_cover_watch(scenario_cover *c);
/* What was told since the last of these calls happened, or was rolled back. */
void scenario_cover_keep(scenario_cover *c, bool happened);
/* A list of maps, one for each workflow; `touched`: only those that some case ran under. */
gov_status scenario_cover_view(const scenario_cover *c, bool touched, base_arena *arena, value *out, const diag *d);

/* ---- play.c ---- */

/* What scenarios are about, for those that go over to other rules. */
typedef struct scenario_setting {
    const char *lang;
    const char *path, *dir; /* the rulebook, and its folder */
    const char *overlay;    /* over it; NULL: none */
    const gov_scope *scope; /* the program's own functions; NULL: none */
    /* Reads other rules, and moves the community's cases to them: the floors above know how. *report is the caller's. */
    gov_status (*migrate)(gov *g, const struct scenario_setting *setting, const char *path, const char *overlay, bool dry_run,
                          gov_value **report, gov_error **err);
} scenario_setting;

/* Plays scenario i of g's rules. *result is in the arena. GOV_OK whether it passed or not; anything else: it could not be played. */
gov_status scenario_play(gov *g, size_t i, const scenario_setting *setting, scenario_cover *cover, base_arena *arena, value *result,
                         bool *passed, const diag *d);

/* A case, or what a call made, that the scenario has a name for. */
typedef struct scenario_case {
    const char *name;
    int64_t id;
    int64_t seen, looked; /* journal entries up to here were looked at before the last steps; by the latest expectations */
} scenario_case;

/* A scenario under way. */
typedef struct scenario_run {
    gov *g;
    const rulebook_scenario *s;
    const scenario_setting *setting;
    base_arena *arena;
    scenario_case *cases;
    size_t case_count;
    gov_error *wrong; /* of the step that runs: what was not as it should be */
    diag to_wrong;
} scenario_run;

const scenario_case *scenario_case_of(const scenario_run *r, const char *name); /* NULL: not there */

/* Is that rule the one that is wanted? And how it is written. */
bool scenario_refused_by(const rulebook_refusal *wanted, const char *file, int64_t line);
void scenario_rule_text(base_buf *out, const char *file, int64_t line);

/* ---- migrate.c ---- */
/* A path that a scenario writes, from the folder that its file `origin` lies in; in the arena. */
gov_status scenario_path(const scenario_setting *s, base_arena *arena, const char *origin, const char *written, const char **out, const diag *d);
/* Goes over to other rules, as the host, or tells what would come of it: *report is the caller's. */
gov_status scenario_migrate(scenario_run *r, const rulebook_step *step, gov_value **report, gov_error **err);

/* ---- given.c ---- */
gov_status scenario_give(scenario_run *r, const rulebook_givens *givens, gov_error **err);

/* ---- expect.c, compare.c ---- */
gov_status scenario_expect(scenario_run *r, const rulebook_step *step, const diag *d);
/* Is what was wanted of it in the answer of a call? What differs is told member by member. */
gov_status scenario_answer(scenario_run *r, const rulebook_step *step, value answer, const diag *d);
/* The cases that a query means; inside of a transaction. */
gov_status scenario_query(scenario_run *r, const rulebook_query *q, base_arena *arena, int64_t *first, int64_t *count, const diag *d);
/* Finds what a step names, by its query. *id 0: there is none, which is told. */
gov_status scenario_find(scenario_run *r, const rulebook_step *step, int64_t *id, const diag *d);

/* Is the field as it is wanted? Names of records and cases stand for what they name. */
gov_status scenario_field_is(scenario_run *r, case_machine *m, const rulebook_wanted *wanted, bool *is, value *found, const diag *d);
/* Is `wanted` contained in `found`? */
gov_status scenario_contains(scenario_run *r, value wanted, value found, bool *is, const diag *d);
/* For people: keys for references. */
gov_status scenario_text(scenario_run *r, case_machine *m, const rulebook_field *f, value v, const char **out, const diag *d);

#endif
