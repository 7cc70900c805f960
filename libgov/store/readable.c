/* What SQLite files want of the system: space to write, and files beside them even to be read. */
#include "store/engine.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

/* ---- space ---- */

static bool no_space(int err)
{
    return err == ENOSPC || err == EFBIG
#ifdef EDQUOT
           || err == EDQUOT
#endif
        ;
}

static int errno_of(sqlite3_file *file)
{
    int err = 0;
    if (file != NULL && file->pMethods != NULL)
        (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &err);
    return err;
}

/* Whether a failed write wanted space. SQLite takes ENOSPC for that, but neither a quota nor a limit on a file's size,
 * and what the system said last is often about what was tried afterwards: so the files themselves are asked, too. */
bool store_wants_space(struct sqlite3 *db, int code)
{
    sqlite3_file *file = NULL;
    if (db == NULL)
        return false;
    if (no_space(sqlite3_system_errno(db)))
        return true;
    if (code != SQLITE_IOERR_WRITE && code != SQLITE_IOERR_SHMSIZE && code != SQLITE_IOERR_TRUNCATE)
        return false;
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (no_space(errno_of(file)))
        return true;
    file = NULL;
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    return no_space(errno_of(file));
}

/* ---- reading where nothing may be written ---- */

static bool plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("/._-", c) != NULL;
}

void store_write_immutable(base_buf *out, const char *path)
{
    static const char digits[] = "0123456789ABCDEF";
    base_buf_str(out, path[0] == '/' ? "file://" : "file:");
    for (const char *p = path; *p != '\0'; p++) {
        const unsigned char c = (unsigned char)*p;
        if (plain(*p)) {
            base_buf_char(out, *p);
        } else {
            base_buf_char(out, '%');
            base_buf_char(out, digits[c >> 4]);
            base_buf_char(out, digits[c & 15]);
        }
    }
    base_buf_str(out, "?immutable=1");
}

gov_status store_log_is_empty(store *s, bool *empty, const diag *d)
{
    struct stat st;
    base_buf path;
    base_buf_init(&path, s->alloc);
    base_buf_str(&path, s->place);
    base_buf_str(&path, "-wal");
    const bool failed = path.failed;
    *empty = failed || stat(path.data, &st) != 0 || st.st_size == 0;
    base_buf_free(&path);
    return failed ? store_nomem(s, d) : GOV_OK;
}

/* ---- the store's own files ---- */

bool store_has_file(const store *s, const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    struct stat a, b;
    base_buf own;
    bool has = false;
    if (s->kind != STORE_SQLITE || stat(path, &a) != 0)
        return false;
    base_buf_init(&own, s->alloc);
    for (size_t i = 0; i < ARRAY_LEN(ends) && !has; i++) {
        base_buf_clear(&own);
        base_buf_str(&own, s->place);
        base_buf_str(&own, ends[i]);
        has = own.failed || (stat(own.data, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino);
    }
    base_buf_free(&own);
    return has;
}
