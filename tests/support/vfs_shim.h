/* A SQLite VFS in front of the default one that counts writes and syncs, and makes them fail on demand. */
#ifndef GOV_TEST_VFS_SHIM_H
#define GOV_TEST_VFS_SHIM_H

#include <stdbool.h>
#include <stdint.h>

#define VFS_SHIM "gov-shim"

struct vfs_shim {
    uint64_t writes, syncs;
    uint64_t bytes; /* written */
    long countdown; /* writes, syncs and truncations that still succeed; negative: never fail */
    bool forever;   /* once one failed, fail all that follow */
    int code;       /* what a failing one answers: SQLITE_FULL, SQLITE_IOERR_WRITE, ... */
    long hits;      /* made to fail */
};
extern struct vfs_shim vfs_shim;

/* Registers the VFS once and resets the counts. */
bool vfs_shim_start(void);

#endif
