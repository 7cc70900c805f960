/* Files and patterns of names. */
#include "rulebook/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join(base_arena *arena, const char *dir, const char *name)
{
    const size_t n = strlen(dir), m = strlen(name);
    const bool slash = n > 0 && dir[n - 1] != '/';
    char *path = base_arena_alloc(arena, n + slash + m + 1);
    if (path == NULL)
        return NULL;
    memcpy(path, dir, n);
    if (slash)
        path[n] = '/';
    memcpy(path + n + slash, name, m + 1);
    return path;
}

static gov_status cannot_read(const char *path, int error, const diag *d)
{
    char why[128] = "";
    const base_place place = {path, 0, 0};
    if (error == ENOENT || error == ENOTDIR)
        return base_fail_at(d, &place, M_file_missing, A_S("path", path));
    if (error == ENOMEM)
        return base_nomem(d);
    (void)strerror_r(error, why, sizeof why);
    return base_fail_at(d, &place, M_file_unreadable, A_S("path", path), A_S("why", why));
}

gov_status rb_split_path(base_arena *arena, const char *path, char **dir, const char **name, const diag *d)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return cannot_read(path, errno, d);
    const char *slash = strrchr(path, '/');
    if (S_ISDIR(info.st_mode)) {
        *dir = base_arena_strdup(arena, path);
        *name = "rulebook.yaml";
    } else if (slash == NULL) {
        *dir = base_arena_strdup(arena, "");
        *name = path;
    } else {
        *dir = base_arena_strndup(arena, path, slash == path ? 1 : (size_t)(slash - path));
        *name = slash + 1;
    }
    return *dir != NULL ? GOV_OK : base_nomem(d);
}

/* Takes "." and ".." out of a path that begins with a slash. */
static void straighten(char *path)
{
    char *out = path;
    for (const char *p = path; *p != '\0';) {
        while (*p == '/')
            p++;
        const size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') {
            while (out > path && *--out != '/')
                continue;
        } else if (n > 0 && !(n == 1 && p[0] == '.')) {
            *out++ = '/';
            memmove(out, p, n);
            out += n;
        }
        p += n;
    }
    *out = '\0';
}

char *rb_full_path(base_arena *arena, const char *path)
{
    char here[4096] = "";
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
        here[0] = '\0'; /* too deep to be named; it may still be found from here */
    char *full = join(arena, here, path);
    if (full != NULL)
        straighten(full);
    return full;
}

static gov_status read_stream(FILE *f, const char *path, base_buf *bytes, const diag *d)
{
    for (;;) {
        if (!base_buf_reserve(bytes, 65536))
            return base_nomem(d);
        errno = 0;
        const size_t n = fread(bytes->data + bytes->len, 1, 65536, f);
        bytes->len += n;
        if (ferror(f))
            return cannot_read(path, errno, d);
        if (bytes->len > RB_MAX_FILE) {
            const base_place place = {path, 0, 0};
            return base_fail_at(d, &place, M_too_large, A_S("what", path), A_I("limit", RB_MAX_FILE));
        }
        if (n == 0)
            return GOV_OK;
    }
}

/* A pipe that nobody writes would wait for ever, a device might never end. */
static FILE *open_regular(const char *path, gov_status *status, const diag *d)
{
    struct stat info;
    const base_place place = {path, 0, 0};
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        *status = cannot_read(path, errno, d);
        return NULL;
    }
    const bool known = fstat(fd, &info) == 0;
    FILE *f = known && S_ISREG(info.st_mode) ? fdopen(fd, "rb") : NULL;
    if (f != NULL)
        return f;
    if (!known || S_ISREG(info.st_mode))
        *status = cannot_read(path, errno, d);
    else if (S_ISDIR(info.st_mode))
        *status = cannot_read(path, EISDIR, d);
    else
        *status = base_fail_at(d, &place, M_file_irregular, A_S("path", path));
    (void)close(fd);
    return NULL;
}

gov_status rb_read_file(base_arena *arena, const char *dir, const char *path, char **bytes, size_t *len, const diag *d)
{
    base_buf buf;
    const char *full = join(arena, dir, path);
    if (full == NULL)
        return base_nomem(d);
    gov_status status = GOV_OK;
    FILE *f = open_regular(full, &status, d);
    if (f == NULL)
        return status;
    base_buf_init(&buf, arena->alloc);
    status = read_stream(f, full, &buf, d);
    (void)fclose(f);
    if (status == GOV_OK) {
        *len = buf.len;
        *bytes = base_arena_strndup(arena, buf.data, buf.len);
        status = *bytes != NULL ? GOV_OK : base_nomem(d);
    }
    base_buf_free(&buf);
    return status;
}

/* ---- patterns ---- */

bool rb_glob_match(const char *pattern, size_t len, const char *name)
{
    const char *p = pattern, *end = pattern + len, *star = NULL, *mark = NULL;
    if (*name == '.' && (len == 0 || *pattern != '.'))
        return false;
    while (*name != '\0') {
        if (p < end && *p == '*') {
            star = ++p;
            mark = name;
        } else if (p < end && (*p == *name || *p == '?')) {
            const bool wide = *p++ == '?';
            name++;
            while (wide && ((unsigned char)*name & 0xc0) == 0x80)
                name++;
        } else if (star != NULL) {
            p = star;
            name = ++mark;
        } else {
            return false;
        }
    }
    while (p < end && *p == '*')
        p++;
    return p == end;
}

typedef struct found {
    base_arena *arena;
    char **paths;
    size_t count, cap;
    unsigned depth;
    const diag *d;
} found;

static gov_status walk(found *f, const char *dir, const char *at, const char *pattern);

static gov_status add_path(found *f, char *path)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->paths[i], path) == 0)
            return GOV_OK;
    if (!base_grow(f->arena->alloc, &f->paths, &f->cap, f->count, sizeof *f->paths))
        return base_nomem(f->d);
    if (f->count >= RB_MAX_FILES)
        return base_fail(f->d, M_too_large, A_S("what", "include"), A_I("limit", RB_MAX_FILES));
    f->paths[f->count++] = path;
    return GOV_OK;
}

/* One name of a folder against the first part of the pattern. */
static gov_status try_name(found *f, const char *dir, const char *at, const char *name, const char *pattern)
{
    const size_t part = strcspn(pattern, "/");
    const bool last = pattern[part] == '\0', any = part == 2 && memcmp(pattern, "**", 2) == 0;
    struct stat info;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (!any && !rb_glob_match(pattern, part, name)) ||
        (any && name[0] == '.'))
        return GOV_OK;
    char *path = join(f->arena, at, name);
    const char *full = path != NULL ? join(f->arena, dir, path) : NULL;
    if (full == NULL)
        return base_nomem(f->d);
    if (stat(full, &info) != 0)
        return GOV_OK; /* gone, or a link to nowhere */
    if (S_ISDIR(info.st_mode))
        return any ? walk(f, dir, path, pattern) : last ? GOV_OK : walk(f, dir, path, pattern + part + 1);
    return last && S_ISREG(info.st_mode) ? add_path(f, path) : GOV_OK;
}

/* Matches what lies in `at` (relative to dir) against the pattern. */
static gov_status walk(found *f, const char *dir, const char *at, const char *pattern)
{
    gov_status status = GOV_OK;
    const char *full = join(f->arena, dir, at);
    if (full == NULL)
        return base_nomem(f->d);
    if (f->depth >= 32)
        return GOV_OK;
    f->depth++;
    if (strncmp(pattern, "**/", 3) == 0)
        status = walk(f, dir, at, pattern + 3);
    DIR *folder = status == GOV_OK ? opendir(*full != '\0' ? full : ".") : NULL;
    if (folder == NULL && status == GOV_OK && errno == ENOMEM)
        status = base_nomem(f->d);
    for (struct dirent *e; folder != NULL && status == GOV_OK && (e = readdir(folder)) != NULL;)
        status = try_name(f, dir, at, e->d_name, pattern);
    if (folder != NULL)
        (void)closedir(folder);
    f->depth--;
    return status;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

gov_status rb_glob(base_arena *arena, const char *dir, const char *pattern, char ***paths, size_t *count, const diag *d)
{
    found f = {.arena = arena, .d = d};
    gov_status status = walk(&f, dir, "", pattern);
    if (status == GOV_OK) {
        *paths = base_arena_array(arena, f.count, sizeof **paths);
        if (*paths == NULL)
            status = base_nomem(d);
    }
    if (status == GOV_OK && f.count > 0) {
        memcpy(*paths, f.paths, f.count * sizeof *f.paths);
        qsort(*paths, f.count, sizeof **paths, by_bytes);
        *count = f.count;
    }
    base_free(arena->alloc, f.paths);
    return status;
}
