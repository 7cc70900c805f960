/* A community for a test: rules from a text, a store of either engine, a clock that stands still. */
#ifndef GOV_TEST_COMMUNITY_H
#define GOV_TEST_COMMUNITY_H

#include <gov.h>

#include "support/support.h"

typedef struct community {
    gov_store *store;
    gov *g;
} community;

/* Rules that most tests do with: complaints that are dispatched within a clock, a point, a phone that is masked. */
extern const char community_rules[];

/* Creates it on s's store; the host acts, and it is 2026-03-02T09:00 in Shanghai. alloc may be NULL. */
community community_make(support_store *s, const char *rules, const gov_allocator *alloc);
/* The same, telling what failed instead of failing the test. */
gov_status community_try(const char *url, const gov_rulebook *rules, const gov_allocator *alloc, community *out,
                         gov_error **err);
void community_free(community *c);
gov_rulebook *community_rulebook(const char *text); /* from a file of its own, which is removed again */

gov_value *community_json(const char *json); /* with single quotes for double ones */
/* Puts a record from such a text. */
int64_t community_put(community *c, const char *kind, const char *key, const char *json);
/* The same, telling what failed. */
gov_status community_try_put(community *c, const char *kind, const char *key, const char *json);
int64_t community_open(community *c, const char *workflow, const char *json);
/* Sends and asserts the answer. */
void community_send(community *c, int64_t id, const char *event, const char *json, gov_status want);
/* Moves the clock and fires what is due. */
gov_tick_result community_advance(community *c, int64_t minutes);
/* Part of a community's life: answers what failed first, as the host, at the start. */
typedef gov_status community_life(community *c, void *user);
/* Lives it again and again while one allocation after the other fails, each time in a new community with these rules, or in the one that
 * stands on s's store where `rules` is NULL. */
void community_without_memory(support_store *s, const char *rules, community_life *live, void *user);
/* The first active state. */
void assert_state(community *c, int64_t id, const char *path);

#define assert_text_at(v, path, want) assert_string_equal(gov_value_string(gov_value_find((v), (path)), NULL), (want))

#define COMMUNITY_START INT64_C(1772413200000000) /* 2026-03-02T09:00+08:00 */

#endif
