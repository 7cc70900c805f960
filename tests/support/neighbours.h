/* Two communities, east and west, each with a store of its own, that exchange hours of their time banks by messages. */
#ifndef GOV_TEST_NEIGHBOURS_H
#define GOV_TEST_NEIGHBOURS_H

#include "support/community.h"

enum { SIDE_MEMBERS = 4, SIDE_LIMIT = 1200, SIDE_START = 1000, SIDES = 2 };

extern const char *const side_names[SIDES];

typedef struct side {
    const char *url;
    const char *bank; /* NULL: the only one */
    char another[1024];
    community c;
    char secret[2 * 64 + 1], public[2 * 32 + 1];
} side;

void side_make_key(side *s, unsigned seed);
/* Members east0.., west0.. with SIDE_START minutes each; each side is a peer of the other. `rules` names one time bank with a skill "company". */
void side_make_both(support_store *store, const char *rules, side s[SIDES]);
void side_open(side *s, gov_rulebook *book); /* book NULL: it is there already */
void side_reopen(side *s);
void side_free_both(side s[SIDES]);

/* An operation, its operands as JSON with single quotes: told how it ended, or asserted. */
gov_status side_try(side *s, const char *name, const gov_value *in, gov_value **out, char code[64]);
gov_value *side_run(side *s, const char *name, const char *json);
void side_refused(side *s, const char *name, const char *json, const char *want);
int64_t side_number(gov_value *v, const char *path);
char *side_text(gov_value *v, const char *path); /* malloc'd; NULL: there is none */

/* The message that sends minutes; what takes it up, and its answer (NULL: none). side_pass frees the message. */
char *side_send(side *s, const char *peer, const char *from, const char *to, int minutes);
gov_status side_deliver(side *s, const char *message, gov_value **out, char code[64]);
char *side_pass(side *s, char *message);
void side_fails(side *s, const char *message, const char *want);
/* It shows that the peer has more from here than is kept, or contradicts itself; nothing of it stays. */
void side_doubts(side *s, const char *message);
/* `s` was restored from an older copy of its store: what the other side has of both chains, for timebank.restore; done, or tried. */
gov_value *side_kept_by(side *other);
void side_recover(side *s, side *other);
gov_status side_try_recover(side *s, side *other, const char *instead, char code[64]);
size_t side_waiting(side *s); /* in its outbox */

/* A figure of its only peer; of a member; and what all members and the pool have. */
int64_t side_position(side *s, const char *path);
int64_t side_minutes(side *s, const char *member);
int64_t side_holdings(side *s, unsigned which);

#endif
