/* Where an import may write: nothing is replaced but what an import has written before, and nothing that is read or kept. */
#include "exchange/import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { LOOK_AT = 1 << 16 };

static bool ends_with(const char *s, size_t len, const char *end)
{
    const size_t n = strlen(end);
    return len >= n && memcmp(s + len - n, end, n) == 0;
}

/* The first record of a file is a header that only files of refused rows have. */
static bool is_own_header(const char *s, size_t len)
{
    static const char *const lists[] = {"file,line,number,reason", "文件,行号,编号,原因"};
    static const char *const rows[] = {"refused_line,refused_reason", "拒收行号,拒收原因"};
    bool quoted = false;
    size_t end = 0;
    if (len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) {
        s += 3;
        len -= 3;
    }
    while (end < len && (quoted || (s[end] != '\n' && s[end] != '\r')))
        quoted = s[end++] == '"' ? !quoted : quoted;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if ((end == strlen(lists[i]) && memcmp(s, lists[i], end) == 0) || ends_with(s, end, rows[i]))
            return true;
    return false;
}

static bool is_own(const char *path)
{
    char start[LOOK_AT];
    FILE *f = fopen(path, "rb");
    const size_t n = f != NULL ? fread(start, 1, sizeof start, f) : 0;
    if (f != NULL)
        (void)fclose(f);
    return is_own_header(start, n);
}

static bool same(const struct stat *a, const char *path)
{
    struct stat b;
    return stat(path, &b) == 0 && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

gov_status import_target_check(gov *g, const char *path, const char *const *read, size_t count,
                               const diag *d)
{
    struct stat st, link;
    if (stat(path, &st) != 0 && lstat(path, &st) != 0)
        return GOV_OK;
    for (size_t i = 0; i < count; i++)
        if (same(&st, read[i]))
            return base_fail(d, M_import_target_read, A_S("path", path));
    if (store_has_file(g->store, path))
        return base_fail(d, M_import_target_store, A_S("path", path));
    if (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
        return GOV_OK; /* a terminal, a pipe: nothing is replaced there */
    const bool plain = S_ISREG(st.st_mode) && lstat(path, &link) == 0 && S_ISREG(link.st_mode);
    if (plain && (st.st_size == 0 || is_own(path)))
        return GOV_OK;
    return base_fail(d, M_store_target_exists, A_S("place", path));
}

void import_target_clear(const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_size == 0 || is_own(path)))
        (void)remove(path);
}

/* A file is made, never taken over: what came there since it was looked at stays. */
gov_status import_target_open(const char *path, FILE **out, const diag *d)
{
    struct stat st;
    char why[128] = "";
    import_target_clear(path);
    const bool made = stat(path, &st) != 0 || S_ISREG(st.st_mode);
    *out = fopen(path, made ? "wbx" : "wb");
    if (*out != NULL)
        return GOV_OK;
    if (errno == EEXIST)
        return base_fail(d, M_store_target_exists, A_S("place", path));
    if (errno == ENOSPC)
        return base_fail(d, M_store_full, A_S("place", path));
    (void)strerror_r(errno, why, sizeof why);
    return base_fail(d, M_import_open_file, A_S("path", path), A_S("why", why));
}

void import_target_drop(const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
        (void)remove(path);
}
