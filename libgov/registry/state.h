/* What the registry keeps per open community: compiled rules, keys it has looked up, the grids' index. All of it is a
 * copy of rows, dropped when the store's epoch moves. */
#ifndef REGISTRY_STATE_H
#define REGISTRY_STATE_H

#include "registry/registry.h"

typedef struct registry_version {
    int64_t id;
    const rulebook *book;
} registry_version;

typedef struct registry_state_t {
    const rulebook_host *host; /* what rooms above taught the rule language */
    int64_t current;           /* rules in force */
    registry_version *rules;
    size_t rules_count, rules_cap;

    uint64_t rules_epoch, rules_changes; /* of `current` */
    uint64_t epoch, changes;             /* of what follows */
    base_arena memory;  /* keys and names */
    base_map ids;       /* "kind\0key" to id */
    base_map labels;    /* the id's 8 bytes to a registry_label_t * in memory */

    bool grids_known;   /* the index is there, of the grids as they were at that version */
    bool grids_checked; /* the version was compared since the epoch moved */
    int64_t grids_version;
    base_arena grid_memory;
    registry_grid *grids;
    size_t grid_count;
    base_map grid_at; /* the id's 8 bytes, those of the grid itself, to its place in grids */
    geo_index *index;
} registry_state_t;

registry_state_t *registry_state(const gov *g);
void registry_forget_rows(registry_state_t *state); /* drops keys and names */
void registry_forget_grids(registry_state_t *state, const gov_allocator *a);
/* Tells every connection that the grids changed, in the transaction that changes them. */
gov_status registry_grids_changed(gov *g, const diag *d);
/* Drops them when another connection, or a rollback, may have changed the rows. */
registry_state_t *registry_fresh(gov *g);

/* What every record of a kind has, and which column it fills. */
typedef enum registry_column { REGISTRY_NONE, REGISTRY_PARENT, REGISTRY_GRID, REGISTRY_UNIT, REGISTRY_NAME, REGISTRY_SHAPE } registry_column;
typedef rulebook_builtin registry_builtin;
const registry_builtin *registry_builtins(size_t *count);

/* What a record that the actor puts may refer to: what the actor may read or write, and what it referred to before, where the actor
 * may know. Any other key is as one that nobody has. */
typedef struct registry_sight {
    gov *g;
    bool all;             /* nothing is out of sight */
    value before;         /* the record as it was; absent: new, or out of sight itself */
    rulebook_fields fields; /* of its kind */
} registry_sight;
gov_status registry_sight_of(gov *g, const char *kind, const char *key, registry_sight *out, const diag *d);
gov_status registry_sees(const registry_sight *s, int64_t id, bool *sees, const diag *d);

/* As registry_fields, under rules that need not be in force. */
gov_status registry_fields_under(const rulebook *rules, const char *kind, base_arena *arena, rulebook_fields *out, const diag *d);

/* Checks a document against the kind's own fields and the community's `record:` definition; *out has the defaults. */
gov_status registry_check(const registry_sight *sight, const char *kind, value fields, base_arena *arena, value *out, const diag *d);

/* The record as it is shown; `fields` are its kind's. GOV_END, unreported: not for this actor. */
gov_status registry_view(gov *g, const registry_record *r, const rulebook_fields *fields, value *out, const diag *d);

/* ---- the index: words.c ---- */

/* Brings the index of a record to what its document says now. fresh: there is none yet. */
gov_status registry_words_put(gov *g, const char *kind, int64_t id, bool fresh, const rulebook_fields *fields, value doc,
                              const diag *d);
/* Brings the index of all records from what one version of the rules asks of it to what another asks. */
gov_status registry_words_follow(gov *g, const rulebook *before, const rulebook *after, const diag *d);
/* Does the index have each text of that field? */
bool registry_lists_texts(const char *kind, const rulebook_field *f);
/* The column of gov_record r that the field fills; NULL: none. */
const char *registry_row_column(const char *kind, const rulebook_field *f);

#endif
