/**
 * @file gov/store.h
 * A store: one SQLite file, or one PostgreSQL database, that holds communities.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_STORE_H
#define GOV_STORE_H

#include <gov/access.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A connection to a file or a server. Used by one thread at a time, and never across a fork: a child opens its own. What it
 * inherited answers GOV_E_STATE to all that would touch the store, and freeing it frees memory alone. @since 0.1
 */
typedef struct gov_store gov_store;

/** How to open; every field but `size` may be left zero. @since 0.1 */
typedef struct gov_options {
    size_t size;                            /**< sizeof at the caller's compile time. @since 0.1 */
    const gov_allocator *alloc;             /**< NULL: malloc's family. Must outlive the handle. @since 0.1 */
    int64_t (*now_us)(void *user);          /**< The clock: microseconds since 1970 UTC, within 2020 to 2088, as ids are made of it. Outside of that what writes, and gov_tick(), give GOV_E_RANGE. NULL: the system's. @since 0.1 */
    void *now_user;                         /**< Passed to now_us. @since 0.1 */
    void (*random)(void *bytes, size_t len, void *user); /**< Random bytes. NULL: the system's. @since 0.1 */
    void *random_user;                      /**< Passed to random. @since 0.1 */
    uint32_t flags;                         /**< GOV_OPEN_*. @since 0.1 */
    uint32_t busy_timeout_ms;               /**< How long to wait for another process's lock; 0: 5000. @since 0.1 */
    const struct gov_scope *scope;          /**< Functions of the program that the communities' rules may call; NULL: none. @since 0.1 */
} gov_options;

#define GOV_OPEN_CREATE 1U    /**< Make the store when it is not there. */
#define GOV_OPEN_READONLY 2U  /**< Change nothing. */
#define GOV_OPEN_RELAXED 4U   /**< SQLite: a crash of the machine may undo the last commits (never damage the file). For scratch stores. */

/**
 * Zeroes the options and sets their size.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_options_init(gov_options *options, size_t size);

/**
 * Opens a store. CONSTRUCTOR.
 * @param url      "sqlite:FILE", a bare path, or "postgresql://..."
 * @param options  may be NULL
 * @param out      owned by the caller
 * @return GOV_OK, GOV_E_NOT_FOUND (and nothing was made), GOV_E_OLDER (call gov_store_upgrade() after opening with its flag),
 *         GOV_E_NEWER, GOV_E_CORRUPT, GOV_E_BUSY, GOV_E_READONLY, GOV_E_FULL, GOV_E_UNSUPPORTED, GOV_E_STORE, GOV_E_NOMEM
 * @contract thread=any alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_store_open(const char *url, const gov_options *options, gov_store **out, gov_error **err);

/**
 * Closes it; communities that are still open on it keep it alive until they are freed. NULL is allowed. DESTRUCTOR.
 * @contract thread=any alloc=no block=io
 * @since 0.1
 */
GOV_API void gov_store_free(gov_store *store);

/**
 * Brings an older store to this library's schema, one transaction per version. Opens the store by itself.
 * @param from  version found, may be NULL
 * @param to    version now, may be NULL
 * @return GOV_OK (also when there was nothing to do), GOV_E_CORRUPT for what is no store, and as gov_store_open()
 * @contract thread=any alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_store_upgrade(const char *url, const gov_options *options, int32_t *from, int32_t *to,
                                     gov_error **err);

/**
 * Called now and then with what is done and what there is in all (0: not known); anything but 0 stops with GOV_E_USER.
 * It must not call libgov on the same handle. @since 0.1
 */
typedef int32_t (*gov_progress)(uint64_t done, uint64_t total, void *user);

/**
 * Copies a live store into a new SQLite file; other processes may go on writing. The copy is written beside it, as PATH.<number>.part,
 * and gets its name when it is whole: who is killed on the way leaves that part alone.
 * @param path      must not exist
 * @param progress  may be NULL
 * @return GOV_OK, GOV_E_EXISTS, GOV_E_USER, GOV_E_UNSUPPORTED, and as gov_store_open()
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_store_backup(gov_store *store, const char *path, gov_progress progress, void *user,
                                    gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
