/*
 * What all unit tests share: cmocka with the headers it wants, assertions that print our errors,
 * temporary folders, the public data sets, and stores of both engines. tests/README.md shows how.
 */
#ifndef GOV_TEST_SUPPORT_H
#define GOV_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include <gov/base.h>

/* ---- statuses and errors ---- */

/* The call must answer GOV_OK; else its diagnostics are printed and the test fails at this line. */
#define assert_gov_ok(call, err) support_status((call), GOV_OK, &(err), #call, __FILE__, __LINE__)

/* The call must answer this status. *err is left for a closer look; free it with gov_error_free. */
#define assert_gov(status, call, err) \
    support_status((call), (status), &(err), #call, __FILE__, __LINE__)

/* Diagnostic i of err must have this code and place; line or column -1: anything. */
#define assert_diag(err, i, code, line, column) \
    support_diag((err), (i), (code), (line), (column), __FILE__, __LINE__)

void support_status(gov_status got, gov_status want, gov_error **err, const char *what,
                    const char *file, int line);
void support_diag(const gov_error *err, size_t i, const char *code, int64_t line, int64_t column,
                  const char *file, int at);
void support_print_error(const gov_error *err);

/* ---- skipping ---- */

/* Ends the test as skipped and says why. */
#define support_skip(...)            \
    do {                             \
        support_reason(__VA_ARGS__); \
        skip();                      \
    } while (0)
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void support_reason(const char *format, ...);

/* ---- files ---- */

/* A new empty folder, to be given to support_rmdir(). */
char *support_tmpdir(void);
/* Removes the folder with all that is in it, and frees the path; NULL is allowed. */
void support_rmdir(char *path);
/* Formats DIR/NAME into out and returns it. */
char *support_path(char out[static 512], const char *dir, const char *name);
/* A whole file, NUL-terminated besides; fails the test when it cannot be read. Free it with free(). */
char *support_read(const char *path, size_t *len);
void support_write(const char *path, const void *bytes, size_t len);

/* A file of the project, such as "tests/cases/x". Static storage, good until the next call. */
const char *support_source(const char *relative);
/* A file of the public data sets, NULL when it is not there. Same storage. */
const char *support_shared(const char *relative);
/* The same; skips the test when it is not there. */
const char *support_shared_or_skip(const char *relative);

/* ---- stores ---- */

/* One engine for one test: empty, of its own, gone afterwards. */
typedef struct support_store {
    const char *kind; /* "sqlite" or "postgres" */
    char *dir;        /* a temporary folder, for both */
    char url[512];    /* what to open */
    bool available;
    void *user; /* the test's own */
    char schemas[8][64];
    unsigned schema_count;
} support_store;

/*
 * In the list of tests, STORE_TESTS(f) stands for f on SQLite and f on PostgreSQL. Inside,
 * `support_store *s = support_store_of(state);` gives the store or skips the test.
 */
#define STORE_TEST(f, engine)                                             \
    {                                                                     \
#f " on " engine, f, support_store_setup, support_store_teardown, \
            (void *)(uintptr_t)engine                                     \
    }
#define STORE_TESTS(f) STORE_TEST(f, "sqlite"), STORE_TEST(f, "postgres")

support_store *support_store_of(void **state);
/* The URL of another empty store on the same engine, gone with the first. */
void support_store_another(support_store *s, const char *name, char out[static 512]);

int support_store_setup(void **state);
int support_store_teardown(void **state);

#endif
