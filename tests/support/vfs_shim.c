#include "support/vfs_shim.h"

#include <sqlite3.h>
#include <stddef.h>

struct vfs_shim vfs_shim = {.countdown = -1};

typedef struct shim_file {
    sqlite3_file base;
    sqlite3_file *real; /* right behind this struct */
} shim_file;

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((shim_file *)f)->real;
}

#define REAL(f) real_of(f)->pMethods

static bool fails(void)
{
    if (vfs_shim.countdown < 0 || vfs_shim.countdown-- > 0)
        return false;
    vfs_shim.countdown = vfs_shim.forever ? 0 : -1;
    vfs_shim.hits++;
    return true;
}

static int shim_close(sqlite3_file *f)
{
    return REAL(f)->xClose(real_of(f));
}

static int shim_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return REAL(f)->xRead(real_of(f), to, n, at);
}

static int shim_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    vfs_shim.writes++;
    vfs_shim.bytes += (uint64_t)n;
    return fails() ? vfs_shim.code : REAL(f)->xWrite(real_of(f), from, n, at);
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return fails() ? vfs_shim.code : REAL(f)->xTruncate(real_of(f), size);
}

static int shim_sync(sqlite3_file *f, int flags)
{
    vfs_shim.syncs++;
    return fails() ? vfs_shim.code : REAL(f)->xSync(real_of(f), flags);
}

static int shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return REAL(f)->xFileSize(real_of(f), size);
}
static int shim_lock(sqlite3_file *f, int level)
{
    return REAL(f)->xLock(real_of(f), level);
}
static int shim_unlock(sqlite3_file *f, int level)
{
    return REAL(f)->xUnlock(real_of(f), level);
}
static int shim_reserved(sqlite3_file *f, int *out)
{
    return REAL(f)->xCheckReservedLock(real_of(f), out);
}
static int shim_control(sqlite3_file *f, int op, void *arg)
{
    return REAL(f)->xFileControl(real_of(f), op, arg);
}
static int shim_sector(sqlite3_file *f)
{
    return REAL(f)->xSectorSize(real_of(f));
}
static int shim_device(sqlite3_file *f)
{
    return REAL(f)->xDeviceCharacteristics(real_of(f));
}

static int shim_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return REAL(f)->xShmMap(real_of(f), page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return REAL(f)->xShmLock(real_of(f), offset, n, flags);
}

static void shim_barrier(sqlite3_file *f)
{
    REAL(f)->xShmBarrier(real_of(f));
}
static int shim_unmap(sqlite3_file *f, int remove)
{
    return REAL(f)->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = shim_close,
                                           .xRead = shim_read,
                                           .xWrite = shim_write,
                                           .xTruncate = shim_truncate,
                                           .xSync = shim_sync,
                                           .xFileSize = shim_size,
                                           .xLock = shim_lock,
                                           .xUnlock = shim_unlock,
                                           .xCheckReservedLock = shim_reserved,
                                           .xFileControl = shim_control,
                                           .xSectorSize = shim_sector,
                                           .xDeviceCharacteristics = shim_device,
                                           .xShmMap = shim_map,
                                           .xShmLock = shim_shm_lock,
                                           .xShmBarrier = shim_barrier,
                                           .xShmUnmap = shim_unmap};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    sqlite3_vfs *under = vfs->pAppData;
    shim_file *file = (shim_file *)f;
    file->base.pMethods = NULL;
    file->real = (sqlite3_file *)(file + 1);
    const int code = under->xOpen(under, name, file->real, flags, out_flags);
    if (code == SQLITE_OK)
        file->base.pMethods = &methods;
    return code;
}

bool vfs_shim_start(void)
{
    static sqlite3_vfs shim;
    vfs_shim = (struct vfs_shim){.countdown = -1, .code = SQLITE_IOERR_WRITE};
    if (shim.zName != NULL)
        return true;
    sqlite3_vfs *under = sqlite3_vfs_find(NULL);
    if (under == NULL)
        return false;
    shim =
        *under; /* all but opening goes straight to the one below, which looks at its own pAppData there */
    shim.zName = VFS_SHIM;
    shim.pNext = NULL;
    shim.szOsFile = (int)sizeof(shim_file) + under->szOsFile;
    shim.xOpen = shim_open;
    shim.pAppData = under;
    return sqlite3_vfs_register(&shim, 0) == SQLITE_OK;
}
