/* Stores as files, and communities on them, as a host makes them. */
#ifndef GOV_TEST_API_FILE_H
#define GOV_TEST_API_FILE_H

#include "support/community.h"

#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#define TRY(call, want)                \
    do {                               \
        gov_error *e = NULL;           \
        assert_gov((want), (call), e); \
        gov_error_free(e);             \
    } while (0)

/* ---- helpers ---- */

static inline const char *file_of(const support_store *s)
{
    return s->url + strlen("sqlite:");
}

static inline void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *problem = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &problem) != SQLITE_OK)
        fail_msg("%s: %s", sql, problem);
    sqlite3_close(db);
}

static inline bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static inline community with_cases(support_store *s, int n)
{
    community c = community_make(s, community_rules, NULL);
    community_put(&c, "unit", "U1", "{'name': '物业'}");
    for (int i = 0; i < n; i++) {
        const int64_t id = community_open(&c, "complaint", "{'category': 'noise', 'phone': '13800001234'}");
        community_send(&c, id, "dispatch", "{'unit': 'U1'}", GOV_OK);
    }
    return c;
}

#endif
