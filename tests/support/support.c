#define _XOPEN_SOURCE 700
#include "support/support.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <inttypes.h>

#ifdef GOV_HAVE_PQ
#include <libpq-fe.h>
#endif

/* ---- statuses and errors ---- */

void support_print_error(const gov_error *err)
{
    for (size_t i = 0; i < gov_error_count(err); i++) {
        const char *origin = gov_error_origin(err, i);

        print_error("  %s:%" PRId64 ":%" PRId64 ": %s: %s\n", origin != NULL ? origin : "-",
                    gov_error_line(err, i), gov_error_column(err, i), gov_error_code(err, i),
                    gov_error_message(err, i, "en"));
    }
}

void support_status(gov_status got, gov_status want, gov_error **err, const char *what,
                    const char *file, int line)
{
    if (got == want) {
        if (want == GOV_OK && *err != NULL && gov_error_status(*err) != GOV_OK) {
            print_error("%s answered GOV_OK and left an error:\n", what);
            support_print_error(*err);
            _fail(file, line);
        }
        return;
    }
    print_error("%s answered %d, not %d\n", what, (int)got, (int)want);
    support_print_error(*err);
    gov_error_free(*err);
    *err = NULL;
    _fail(file, line);
}

void support_diag(const gov_error *err, size_t i, const char *code, int64_t line, int64_t column,
                  const char *file, int at)
{
    const char *got = gov_error_code(err, i);

    if (got != NULL && strcmp(got, code) == 0 && (line < 0 || gov_error_line(err, i) == line) &&
        (column < 0 || gov_error_column(err, i) == column))
        return;
    print_error("diagnostic %zu is not %s at %" PRId64 ":%" PRId64 "; there are:\n", i, code, line,
                column);
    support_print_error(err);
    _fail(file, at);
}

void support_reason(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    fputs("# skipped: ", stdout);
    vprintf(format, ap);
    putchar('\n');
    fflush(stdout);
    va_end(ap);
}

/* ---- files ---- */

char *support_tmpdir(void)
{
    const char *base = getenv("TMPDIR");
    char path[400];

    if (base == NULL || base[0] == '\0' || strlen(base) > 300)
        base = "/tmp";
    snprintf(path, sizeof path, "%s/govtest.XXXXXX", base);
    if (mkdtemp(path) == NULL)
        fail_msg("mkdtemp %s: %s", path, strerror(errno));
    return strdup(path);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void support_rmdir(char *path)
{
    if (path == NULL)
        return;
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

char *support_path(char out[static 512], const char *dir, const char *name)
{
    if (snprintf(out, 512, "%s/%s", dir, name) >= 512)
        fail_msg("path too long: %s/%s", dir, name);
    return out;
}

char *support_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    size_t cap = 1 << 16, used = 0;
    char *data = malloc(cap + 1);

    if (f == NULL || data == NULL)
        fail_msg("%s: %s", path, strerror(errno));
    for (;;) {
        size_t got = fread(data + used, 1, cap - used, f);

        used += got;
        if (got == 0)
            break;
        if (used == cap) {
            data = realloc(data, (cap *= 2) + 1);
            if (data == NULL)
                fail_msg("%s: too large", path);
        }
    }
    fclose(f);
    data[used] = '\0';
    if (len != NULL)
        *len = used;
    return data;
}

void support_write(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
        fail_msg("%s: %s", path, strerror(errno));
}

static char found[1024];

const char *support_source(const char *relative)
{
    snprintf(found, sizeof found, "%s/%s", GOV_TEST_SOURCE_DIR, relative);
    return found;
}

const char *support_shared(const char *relative)
{
    const char *base = getenv("GOV_SHARED");
    struct stat st;

    if (base != NULL && base[0] != '\0')
        snprintf(found, sizeof found, "%s/%s", base, relative);
    else
        snprintf(found, sizeof found, "%s/../shared/%s", GOV_TEST_SOURCE_DIR, relative);
    return stat(found, &st) == 0 ? found : NULL;
}

const char *support_shared_or_skip(const char *relative)
{
    const char *path = support_shared(relative);

    if (path == NULL)
        support_skip("the data set %s is not here (GOV_SHARED)", relative);
    return path;
}

/* ---- stores ---- */

#ifdef GOV_HAVE_PQ

static bool pg_run(const char *sql)
{
    PGconn *conn = PQconnectdb(getenv("GOV_TEST_PG"));
    PGresult *result = PQexec(conn, sql);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;

    if (!ok)
        print_error("PostgreSQL: %s", PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    return ok;
}

static bool pg_here(void)
{
    const char *url = getenv("GOV_TEST_PG");

    return url != NULL && url[0] != '\0';
}

#else

static bool pg_run(const char *sql)
{
    (void)sql;
    return false;
}

static bool pg_here(void)
{
    return false;
}

#endif

/* A store of its own on PostgreSQL is a schema of its own, chosen through the URL. */
static bool pg_new(support_store *s, char out[static 512])
{
    static unsigned serial;
    char *schema = s->schemas[s->schema_count];
    char sql[128];
    const char *url = getenv("GOV_TEST_PG");

    if (s->schema_count == sizeof s->schemas / sizeof s->schemas[0])
        fail_msg("too many stores in one test");
    snprintf(schema, sizeof s->schemas[0], "t%ld_%u", (long)getpid(), serial++);
    snprintf(sql, sizeof sql, "SET client_min_messages = warning; CREATE SCHEMA %s", schema);
    if (!pg_run(sql))
        return false;
    s->schema_count++;
    snprintf(out, 512, "%s%coptions=-csearch_path%%3D%s", url, strchr(url, '?') ? '&' : '?',
             schema);
    return true;
}

int support_store_setup(void **state)
{
    support_store *s = calloc(1, sizeof *s);

    if (s == NULL)
        return -1;
    s->kind = *state;
    s->dir = support_tmpdir();
    if (strcmp(s->kind, "sqlite") == 0) {
        s->available = true;
        snprintf(s->url, sizeof s->url, "sqlite:%s/store.db", s->dir);
    } else if (pg_here()) {
        s->available = pg_new(s, s->url);
        if (!s->available)
            return -1;
    }
    *state = s;
    return 0;
}

support_store *support_store_of(void **state)
{
    support_store *s = *state;

    if (!s->available)
        support_skip("no %s server (GOV_TEST_PG)", s->kind);
    return s;
}

void support_store_another(support_store *s, const char *name, char out[static 512])
{
    if (strcmp(s->kind, "sqlite") == 0)
        snprintf(out, 512, "sqlite:%s/%s.db", s->dir, name);
    else if (!pg_new(s, out))
        fail_msg("no second schema");
}

int support_store_teardown(void **state)
{
    support_store *s = *state;

    for (unsigned i = 0; i < s->schema_count; i++) {
        char sql[200];

        /* A test that failed may have left a transaction open: better a schema that stays than waiting for ever. */
        snprintf(sql, sizeof sql, "SET client_min_messages = warning; SET lock_timeout = 3000; DROP SCHEMA %s CASCADE",
                 s->schemas[i]);
        pg_run(sql);
    }
    support_rmdir(s->dir);
    free(s);
    return 0;
}
