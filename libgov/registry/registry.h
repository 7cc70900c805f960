/* Room registry: communities with their installed rules, and their people and places. */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "access/access.h"
#include "geo/geo.h"

#include <gov/registry.h>

extern const store_migration registry_schema; /* version 1 */
extern const journal_kept registry_kept_community, registry_kept_rules, registry_kept_record, registry_kept_shape;
extern const rulebook_host registry_words; /* the fields that records have by themselves */

/* ---- communities and their rules: community.c ---- */

typedef struct registry_community {
    int64_t id, rules, created_us;
    const char *name; /* from the arena */
} registry_community;

/* name NULL: the only one. GOV_E_NOT_FOUND when there is none, or several. */
gov_status registry_community_find(store *s, const char *name, base_arena *arena, registry_community *out,
                                   const diag *d);
/* In the caller's transaction; the journal's first entry is the caller's. GOV_E_EXISTS. */
gov_status registry_community_add(store *s, int64_t id, const char *name, int64_t now_us, const diag *d);
/* Keeps a rulebook's text as a new version of the community's rules and makes it current; *rules is its id, the old one
 * when the same digest is installed already. */
gov_status registry_rules_install(gov *g, const rulebook *r, int64_t *rules, const diag *d);
/* The rules of that id, compiled; kept by g. 0: the current ones. */
gov_status registry_rules(gov *g, int64_t rules, const rulebook **out, const diag *d);
/* The same, without a handle, owned by the caller. */
gov_status registry_rules_read(store *s, const rulebook_host *host, int64_t community, int64_t rules, const rulebook **out,
                               const diag *d);
/* Makes them g's current rules, without writing. */
gov_status registry_rules_use(gov *g, int64_t rules, const diag *d);
/* Takes up what is installed now, where others may have installed; access_hooks.follow. */
gov_status registry_rules_follow(gov *g, const diag *d);
int64_t registry_rules_current(const gov *g);
/* Every version's files and trees are whole and say the same; else rules_damaged. */
gov_status registry_rules_verify(gov *g, const diag *d);
/* The index says what the records do; else index_differs. words.c */
gov_status registry_words_verify(gov *g, const diag *d);

/* ---- records: record.c, check.c ---- */

typedef enum registry_outcome { REGISTRY_ADDED, REGISTRY_CHANGED, REGISTRY_SAME } registry_outcome;

gov_status registry_put(gov *g, const char *kind, const char *key, value fields, int64_t *id,
                        registry_outcome *outcome, const diag *d);
/* GOV_E_NOT_FOUND names kind and key. Cached. */
gov_status registry_find(gov *g, const char *kind, const char *key, size_t len, int64_t *id, const diag *d);
/* As registry_find, but 0 and GOV_OK when there is none. */
gov_status registry_lookup(gov *g, const char *kind, const char *key, size_t len, int64_t *id, const diag *d);
/* Key and name of a record, from g's memory, valid until the record changes; "" for 0 or a missing one. */
gov_status registry_label(gov *g, int64_t id, const char **key, const char **name, const diag *d);

typedef struct registry_record {
    int64_t id, parent, grid, unit;
    const char *kind, *key;
    value doc; /* as it was put, checked */
} registry_record;
/* Everything from the arena. GOV_E_NOT_FOUND. */
gov_status registry_load(gov *g, int64_t id, base_arena *arena, registry_record *out, const diag *d);

/* At most so many records of a kind, by ascending id from the one after `after` on. */
gov_status registry_page(gov *g, const char *kind, int64_t after, int64_t *ids, size_t most, size_t *n, const diag *d);
/* A record as `it` in a condition: id, kind, key, its fields; lists and maps that were never written are empty. */
gov_status registry_it(gov *g, const registry_record *r, base_arena *arena, value *out, const diag *d);

/* Where a record belongs, for scoped roles: scope.c. */
gov_status registry_subject(gov *g, const registry_record *r, access_subject *out, const diag *d);
/* Refuses what is out of the actor's reach: as denied where the record may be read, else as if there were none. */
gov_status registry_check_scope(gov *g, const char *action, int64_t id, const char *kind, const char *key, const diag *d);
/* access_reaches on the record of that id; 0: none, so nothing that could be out of reach. */
gov_status registry_reaches(gov *g, const char *action, int64_t id, bool *reaches, const diag *d);

/* ---- what lists offer to filters and orders: offer.c ---- */

/* Names of a list as they are collected: filled by the room that lists, then handed to access_filter and access_order_read. */
typedef struct registry_offer {
    gov *g;
    base_arena *arena; /* outlives the list */
    const diag *d;
    expr_scope *scope;
    access_column *items;
    size_t count, cap;
    gov_status status; /* of the first failure, reported; what follows does nothing */
} registry_offer;
gov_status registry_offer_begin(registry_offer *o, gov *g, base_arena *arena, const diag *d);
void registry_offer_end(registry_offer *o);
void registry_offer_fail(registry_offer *o, gov_status status);
/* The three in one, in the arena; NULL: no memory. */
const char *registry_offer_name(registry_offer *o, const char *a, const char *b, const char *c);
access_column *registry_offer_find(const registry_offer *o, const char *name);
/* NULL when that failed, or a name was NULL. */
access_column *registry_offer_add(registry_offer *o, const access_column *c);
void registry_offer_refuse(registry_offer *o, access_column *c, base_message why);
/* A field as the index has it, in the table of words that `words` describes; not added yet. */
access_column registry_offer_field(registry_offer *o, const char *prefix, const rulebook_field *f,
                                   const access_column *words);
/* All names are there: fills in everything but what the list has of its own. */
gov_status registry_offer_done(registry_offer *o, access_filtering *out);

/* ---- places: place.c ---- */

/* ids[i] 0: in no grid. */
gov_status registry_locate(gov *g, const geo_point *points, size_t n, int64_t *ids, const diag *d);
gov_status registry_grid_within(gov *g, int64_t grid, const int64_t *grids, size_t n, bool *within, const diag *d);
/* All grids with their outlines, for maps; ids ascending by key. Shapes stay with g until a grid changes. */
typedef struct registry_grid {
    int64_t id, parent;
    const char *key, *name;
    const geo_shape *shape; /* NULL: no outline */
    int32_t level;
} registry_grid;
gov_status registry_grids(gov *g, const registry_grid **out, size_t *count, const diag *d);

/* ---- what rules ask: count.c ---- */

/* Ids of a group's members, as they are listed. `group` is an id or a key. */
gov_status registry_members(gov *g, value group, base_arena *arena, value *list, const diag *d);
/* Does the point (a map of lat and lon) lie in the grid, or in one inside it? `grid` is an id or a key. */
gov_status registry_within(gov *g, value point, value grid, bool *within, const diag *d);
/* Records of a kind for which the filter (NULL: none) holds. Only those count that the actor may read, and a field that the
 * actor sees masked is not there for the filter; lists that were never written are empty. Paid for by the evaluation that asks. */
gov_status registry_count(gov *g, const char *kind, const rulebook_filter *filter, const expr_run *run, int64_t *count,
                          const diag *d);

/* Fills an actor from the record of staff or resident; access_hooks.resolve. */
gov_status registry_resolve(gov *g, access_kind kind, const char *key, base_arena *arena, access_actor *actor,
                            const diag *d);

/* Makes g's state of this room, and teaches access to resolve actors. `host` is static. */
bool registry_kind_known(const char *kind);
const char *registry_kind_of(unsigned type); /* of a reference type; NULL for others */
/* The fields of a kind: the community's `record:` definition, then the kind's own that it does not name. From the arena. */
gov_status registry_fields(gov *g, const char *kind, base_arena *arena, rulebook_fields *out, const diag *d);
/* For rulebook_checking.resolve; user: the gov. */
gov_status registry_reference(void *user, rulebook_type type, value reference, int64_t *id, const diag *d);

gov_status registry_attach(gov *g, const rulebook_host *host, const diag *d);

#endif
