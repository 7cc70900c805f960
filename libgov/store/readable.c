/* SQLite files where nothing may be written: a reader of a WAL database wants to make files beside it. */
#include "store/engine.h"

#include <string.h>
#include <sys/stat.h>

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
