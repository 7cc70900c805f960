/* Counts what SQLite writes and syncs: open both sides of a durable benchmark with this VFS. */
#ifndef GOV_BENCH_SYNCS_H
#define GOV_BENCH_SYNCS_H

#include "support/vfs_shim.h"

#endif
