/* A copy of a live SQLite store: under another name beside the wanted one until it is whole, so that whatever ends the
 * program on the way leaves nothing that could be taken for a backup. */
#include "store/engine.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP_PAGES = 512 };

/* What goes wrong where the copy is written names the copy, not the store. */
static gov_status target_fail(const char *path, sqlite3 *to, int code, const diag *d)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM: return base_nomem(d);
    case SQLITE_FULL: return base_fail(d, M_store_full, A_S("place", path));
    case SQLITE_READONLY: return base_fail(d, M_store_readonly, A_S("place", path));
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        if (code == SQLITE_IOERR_NOMEM)
            return base_nomem(d);
        if (to != NULL && store_wants_space(to, code))
            return base_fail(d, M_store_full, A_S("place", path));
        break;
    default: break;
    }
    return base_fail(d, M_store_failed, A_S("place", path), A_S("why", sqlite3_errstr(code)));
}

static gov_status copy_pages(sqlite3 *from, sqlite3 *to, const char *path, store_progress progress, void *user, const diag *d)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (b == NULL)
        return target_fail(path, to, sqlite3_extended_errcode(to), d);
    gov_status rc = GOV_OK;
    int code;
    do {
        code = sqlite3_backup_step(b, STEP_PAGES);
        const int64_t all = sqlite3_backup_pagecount(b);
        if (progress != NULL && (code == SQLITE_OK || code == SQLITE_DONE))
            rc = progress(user, all - sqlite3_backup_remaining(b), all);
    } while (code == SQLITE_OK && rc == GOV_OK);
    const int end = sqlite3_backup_finish(b);
    if (rc == GOV_OK && code != SQLITE_DONE)
        rc = target_fail(path, to, end != SQLITE_OK ? end : code, d);
    return rc;
}

/* Never over what came there in the meantime, where the file system can say so. */
static gov_status name_it(const char *beside, const char *path, const diag *d)
{
    if (link(beside, path) == 0)
        return GOV_OK;
    if (errno == EEXIST)
        return base_fail(d, M_store_target_exists, A_S("place", path));
    if (rename(beside, path) == 0)
        return GOV_OK;
    char why[128] = "";
    (void)strerror_r(errno, why, sizeof why);
    return base_fail(d, M_store_failed, A_S("place", path), A_S("why", why));
}

gov_status store_sqlite_copy(store *s, sqlite3 *from, const char *path, store_progress progress, void *user, const diag *d)
{
    struct stat st;
    sqlite3 *to = NULL;
    if (stat(path, &st) == 0)
        return base_fail(d, M_store_target_exists, A_S("place", path));
    const size_t room = strlen(path) + 32;
    char *beside = base_alloc(s->alloc, room);
    if (beside == NULL)
        return base_nomem(d);
    (void)snprintf(beside, room, "%s.%ld.part", path, (long)getpid());
    (void)unlink(beside); /* of a program long gone that had our number */
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                      SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(beside, &to, flags, NULL);
    gov_status rc = code == SQLITE_OK ? copy_pages(from, to, path, progress, user, d) : target_fail(path, to, code, d);
    sqlite3_close_v2(to);
    if (rc == GOV_OK)
        rc = name_it(beside, path, d);
    (void)unlink(beside); /* its second name, or half a copy */
    base_free(s->alloc, beside);
    return rc;
}
