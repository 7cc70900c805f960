/* A floor for whatever runs on SQLite: every statement that ours ran, recorded once with its values, then run bare in the same
 * order and the same transactions. So it reads and writes the same bytes and syncs as often; the hashes of payloads, leaves
 * and tree are computed, too. What is left out is what a library does. */
#ifndef GOV_BENCH_REPLAY_H
#define GOV_BENCH_REPLAY_H

#include <stdbool.h>

typedef struct replay replay;

/* trace: a file to be made. NULL: no memory. */
replay *replay_new(const char *trace);
void replay_free(replay *r); /* removes the trace; NULL is allowed */

/* Connections that are opened from now on can be recorded, until replay_stop. */
bool replay_watch(replay *r);
void replay_on(replay *r, bool on); /* records only while on, which it is not at first */
bool replay_stop(replay *r);

/* Opens a copy of the store that ours started from, with our settings; prepares every statement when warm. */
bool replay_open(replay *r, const char *store, bool warm);
bool replay_run(replay *r);
void replay_close(replay *r);

#endif
