/* The embedded engine: one SQLite file in WAL mode. */
#include "store/engine.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "gov1" in the file's header; and the layout of what this room itself keeps there. */
enum {
    APPLICATION_ID = 0x676F7631,
    LAYOUT = 1,
    DEFAULT_CACHE_KIB = 32 * 1024
};

typedef struct lite {
    sqlite3 *db;
    int64_t seen_version;    /* PRAGMA data_version when cached rows were last known to be true */
    int64_t checked_version; /* the same, when the schema was last looked at */
    bool made;               /* there was no such file */
    bool immutable; /* opened where not even a reader may write: nobody else is waited for */
} lite;

typedef struct lite_statement {
    store_cached head;
    sqlite3_stmt *stmt;
    bool busy, temporary, writes;
    int parameters;    /* of SQLite's count */
    uint8_t *argument; /* parameter i + 1 of SQLite takes argument[i] */
    store_shape shape; /* of batches */
} lite_statement;

static const store_sql begin_write_sql = {"BEGIN IMMEDIATE", 0};
static const store_sql begin_read_sql = {"BEGIN", 0};
static const store_sql commit_sql = {"COMMIT", 0};
static const store_sql rollback_sql = {"ROLLBACK", 0};
static const store_sql savepoint_sql = {"SAVEPOINT s", 0};
static const store_sql release_sql = {"RELEASE s", 0};
static const store_sql back_sql = {"ROLLBACK TO s", 0};
static const store_sql data_version_sql = {"PRAGMA data_version", 0};
static const store_sql user_version_sql = {"PRAGMA user_version", 0};

static lite *in(const store *s)
{
    return s->inside;
}

/* ---- errors ---- */

/* Our own statements ask only for what our own schema has. */
static bool schema_is_gone(sqlite3 *db)
{
    static const char table[] = "no such table: gov_", column[] = "no such column: ";
    const char *text = db != NULL ? sqlite3_errmsg(db) : "";
    return strncmp(text, table, sizeof table - 1) == 0 ||
           strncmp(text, column, sizeof column - 1) == 0;
}

static store_error class_of(sqlite3 *db, int code)
{
    const int err = db != NULL ? sqlite3_system_errno(db) : 0;
    switch (code & 0xff) {
    case SQLITE_BUSY: return code == SQLITE_BUSY_SNAPSHOT ? STORE_RETRY : STORE_LOCKED;
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return STORE_LOCKED;
    case SQLITE_CONSTRAINT:
        return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       code == SQLITE_CONSTRAINT_ROWID
                   ? STORE_DUPLICATE
                   : STORE_CHECK;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return STORE_DAMAGED;
    case SQLITE_FULL: return STORE_NO_SPACE;
    case SQLITE_READONLY: return STORE_NO_WRITE;
    case SQLITE_NOMEM: return STORE_NO_MEMORY;
    case SQLITE_IOERR:
        if (code == SQLITE_IOERR_NOMEM)
            return STORE_NO_MEMORY;
        if (code == SQLITE_IOERR_CORRUPTFS)
            return STORE_DAMAGED;
        return store_wants_space(db, code) ? STORE_NO_SPACE : STORE_OTHER;
    case SQLITE_CANTOPEN:
        return err == EROFS || err == EACCES ? STORE_NO_WRITE
               : store_wants_space(db, code) ? STORE_NO_SPACE
                                             : STORE_OTHER;
    case SQLITE_ERROR: return schema_is_gone(db) ? STORE_DAMAGED : STORE_BUG;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH: return STORE_BUG;
    default: return STORE_OTHER;
    }
}

static gov_status lite_fail(store *s, int code, const diag *d)
{
    sqlite3 *db = in(s)->db;
    return store_fail(s, class_of(db, code), db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code),
                      d);
}

/* ---- statements ---- */

static void statement_free(store *s, lite_statement *q)
{
    if (q == NULL)
        return;
    sqlite3_finalize(q->stmt);
    base_free(s->alloc, q->argument);
    base_free(s->alloc, q);
}

/* SQLite numbers $1, $2 by first appearance; find out which argument each of its parameters takes. */
static bool map_parameters(lite_statement *q)
{
    for (int i = 0; i < q->parameters; i++) {
        const char *name = sqlite3_bind_parameter_name(q->stmt, i + 1);
        int64_t n = 0;
        if (name == NULL || name[0] != '$' || !base_parse_int(name + 1, strlen(name + 1), &n) ||
            n < 1 || n > 200)
            return false;
        q->argument[i] = (uint8_t)(n - 1);
    }
    return true;
}

static gov_status prepare(store *s, const char *text, bool keep, lite_statement **out,
                          const diag *d)
{
    *out = NULL;
    lite_statement *q = base_alloc(s->alloc, sizeof *q);
    if (q == NULL)
        return store_nomem(s, d);
    const int code = sqlite3_prepare_v3(in(s)->db, text, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0,
                                        &q->stmt, NULL);
    if (code != SQLITE_OK || q->stmt == NULL) {
        const gov_status rc =
            code != SQLITE_OK ? lite_fail(s, code, d) : store_misuse(s, "empty statement", d);
        statement_free(s, q);
        return rc;
    }
    q->parameters = sqlite3_bind_parameter_count(q->stmt);
    q->writes = !sqlite3_stmt_readonly(q->stmt);
    q->argument = base_array(s->alloc, (size_t)q->parameters + 1, sizeof *q->argument);
    gov_status rc = GOV_OK;
    if (q->argument == NULL)
        rc = store_nomem(s, d);
    else if (!map_parameters(q))
        rc = store_misuse(s, text, d);
    if (rc != GOV_OK)
        statement_free(s, q);
    else
        *out = q;
    return rc;
}

/* The statement of that address, ready to be bound; a second one while the first is in use. */
static gov_status acquire(store *s, const store_sql *sql, lite_statement **out, const diag *d)
{
    lite_statement *q = (lite_statement *)store_cache_find(s, sql);
    const bool lasting = q == NULL && !(sql->flags & STORE_DYNAMIC);
    if (q != NULL && !q->busy && !(sql->flags & STORE_DYNAMIC)) {
        *out = q;
        return GOV_OK;
    }
    const gov_status rc = prepare(s, sql->text, lasting, &q, d);
    if (rc != GOV_OK)
        return rc;
    q->head.key = sql;
    q->temporary = !lasting;
    if (lasting && !store_cache_put(s, &q->head)) {
        statement_free(s, q);
        return store_nomem(s, d);
    }
    *out = q;
    return GOV_OK;
}

static void let_go(store *s, lite_statement *q)
{
    q->busy = false;
    if (q->temporary)
        statement_free(s, q);
    else
        sqlite3_reset(q->stmt);
}

static int bind_one(sqlite3_stmt *stmt, int index, const store_arg *arg, void (*how)(void *))
{
    if (arg->null)
        return sqlite3_bind_null(stmt, index);
    switch (arg->type) {
    case STORE_TEXT: return sqlite3_bind_text64(stmt, index, arg->p, arg->len, how, SQLITE_UTF8);
    case STORE_BYTES:
        return arg->len == 0 ? sqlite3_bind_zeroblob(stmt, index, 0)
                             : sqlite3_bind_blob64(stmt, index, arg->p, arg->len, how);
    default: return sqlite3_bind_int64(stmt, index, arg->i);
    }
}

static gov_status bind_all(store *s, lite_statement *q, const store_arg *args, size_t n,
                           void (*how)(void *), const diag *d)
{
    for (int i = 0; i < q->parameters; i++) {
        if (q->argument[i] >= n)
            return store_misuse(s, "too few arguments", d);
        const int code = bind_one(q->stmt, i + 1, &args[q->argument[i]], how);
        if (code != SQLITE_OK)
            return lite_fail(s, code, d);
    }
    return GOV_OK;
}

/* Runs to the end; SQLITE_DONE when well. */
static int run_through(lite_statement *q)
{
    int code;
    while ((code = sqlite3_step(q->stmt)) == SQLITE_ROW)
        ;
    return code;
}

static gov_status run_plain(store *s, const store_sql *sql, const diag *d)
{
    lite_statement *q;
    gov_status rc = acquire(s, sql, &q, d);
    if (rc != GOV_OK)
        return rc;
    const int code = run_through(q);
    if (code != SQLITE_DONE)
        rc = lite_fail(s, code, d);
    let_go(s, q);
    return rc;
}

static gov_status read_pragma(store *s, const store_sql *sql, int64_t *out, const diag *d)
{
    lite_statement *q;
    gov_status rc = acquire(s, sql, &q, d);
    if (rc != GOV_OK)
        return rc;
    const int code = sqlite3_step(q->stmt);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(q->stmt, 0);
    else
        rc = code == SQLITE_DONE ? store_misuse(s, sql->text, d) : lite_fail(s, code, d);
    let_go(s, q);
    return rc;
}

/* ---- transactions ---- */

/* Has another connection committed since we last looked? Then cached rows are stale. */
static bool lite_moved(store *s)
{
    int64_t version = 0;
    if (read_pragma(s, &data_version_sql, &version, NULL) != GOV_OK)
        return true;
    const bool moved = version != in(s)->seen_version;
    in(s)->seen_version = version;
    return moved;
}

static gov_status look_around(store *s, const diag *d)
{
    int64_t version = 0, mark = 0;
    gov_status rc = read_pragma(s, &data_version_sql, &version, d);
    if (rc != GOV_OK)
        return rc;
    if (version != in(s)->seen_version) {
        in(s)->seen_version = version;
        s->epoch++;
    }
    bool empty = true;
    if (in(s)->immutable)
        rc = store_log_is_empty(s, &empty, d);
    if (rc == GOV_OK && !empty) /* somebody writes after all */
        rc = base_fail(d, M_store_log_unread, A_S("place", s->place));
    if (rc != GOV_OK)
        return rc;
    if (s->schema_mark == 0 || version == in(s)->checked_version)
        return GOV_OK;
    rc = read_pragma(s, &user_version_sql, &mark, d);
    if (rc != GOV_OK)
        return rc;
    if (mark != s->schema_mark)
        return base_fail(d, M_store_schema_changed, A_S("place", s->place));
    in(s)->checked_version = version;
    return GOV_OK;
}

static void lite_rollback(store *s)
{
    if (!sqlite3_get_autocommit(in(s)->db))
        (void)run_plain(s, &rollback_sql, NULL);
    /* Without memory for a statement there is still the one prepared by nobody. */
    if (!sqlite3_get_autocommit(in(s)->db))
        (void)sqlite3_exec(in(s)->db, "ROLLBACK", NULL, NULL, NULL);
}

/* A file that was moved, deleted or replaced takes commits that nobody finds again: its log stays under the old name. */
static gov_status check_place(store *s, const diag *d)
{
    int moved = 0;
    const int code = sqlite3_file_control(in(s)->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return code == SQLITE_OK && moved != 0 ? base_fail(d, M_store_moved, A_S("place", s->place))
                                           : GOV_OK;
}

static gov_status lite_begin(store *s, bool write, const diag *d)
{
    lite_statement *way_back; /* prepared before it is needed: a rollback must not want memory */
    gov_status rc = acquire(s, &rollback_sql, &way_back, d);
    if (rc == GOV_OK)
        rc = run_plain(s, write ? &begin_write_sql : &begin_read_sql, d);
    if (rc != GOV_OK)
        return rc;
    rc = write ? check_place(s, d) : GOV_OK;
    if (rc == GOV_OK)
        rc = look_around(s, d);
    if (rc != GOV_OK)
        lite_rollback(s);
    return rc;
}

static gov_status lite_commit(store *s, const diag *d)
{
    if (sqlite3_get_autocommit(in(s)->db))
        return store_fail(s, STORE_OTHER, "the engine has given up the transaction", d);
    const gov_status rc = run_plain(s, &commit_sql, d);
    if (rc != GOV_OK)
        lite_rollback(s);
    return rc;
}

/* What undoes a savepoint is prepared before it is opened: going back must not need memory. */
static gov_status lite_savepoint(store *s, int depth, const diag *d)
{
    lite_statement *q;
    (void)depth;
    gov_status rc = acquire(s, &back_sql, &q, d);
    if (rc == GOV_OK)
        rc = acquire(s, &release_sql, &q, d);
    return rc == GOV_OK ? run_plain(s, &savepoint_sql, d) : rc;
}

static gov_status lite_release(store *s, int depth, const diag *d)
{
    (void)depth;
    return run_plain(s, &release_sql, d);
}

static gov_status lite_rollback_to(store *s, int depth, const diag *d)
{
    (void)depth;
    if (sqlite3_get_autocommit(in(s)->db))
        return base_fail(d, M_store_spoilt);
    const gov_status rc = run_plain(s, &back_sql, d);
    return rc == GOV_OK ? run_plain(s, &release_sql, d) : rc;
}

/* ---- reading ---- */

static gov_status lite_query(store *s, const store_sql *sql, const store_arg *args, size_t n,
                             store_rows *rows, const diag *d)
{
    lite_statement *q;
    gov_status rc = acquire(s, sql, &q, d);
    if (rc != GOV_OK)
        return rc;
    if (q->writes && !s->writing)
        rc = store_misuse(s, "writing needs a transaction begun for writing", d);
    if (rc == GOV_OK)
        rc = bind_all(s, q, args, n, SQLITE_TRANSIENT, d);
    if (rc != GOV_OK) {
        let_go(s, q);
        return rc;
    }
    q->busy = true;
    rows->statement = q;
    rows->column_count = sqlite3_column_count(q->stmt);
    rows->done = false;
    if (!q->writes)
        return GOV_OK;
    /* What writes and returns does so now, read or not; row says that the first row waits. */
    const int code = sqlite3_step(q->stmt);
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
        rows->row = code;
        return GOV_OK;
    }
    rc = lite_fail(s, code, d);
    store_rows_close(rows);
    return rc;
}

static gov_status lite_next(store_rows *rows, const diag *d)
{
    lite_statement *q = rows->statement;
    const int code = rows->row != 0 ? rows->row : sqlite3_step(q->stmt);
    rows->row = 0;
    if (code == SQLITE_ROW)
        return GOV_OK;
    return code == SQLITE_DONE ? GOV_END : lite_fail(rows->s, code, d);
}

static void lite_close_rows(store_rows *rows)
{
    let_go(rows->s, rows->statement);
}

static sqlite3_stmt *statement_of(store_rows *rows)
{
    return ((lite_statement *)rows->statement)->stmt;
}

static int64_t lite_int(store_rows *rows, int column)
{
    return sqlite3_column_int64(statement_of(rows), column);
}

static const void *lite_bytes(store_rows *rows, int column, size_t *len, bool text)
{
    sqlite3_stmt *stmt = statement_of(rows);
    const void *p =
        text ? (const void *)sqlite3_column_text(stmt, column) : sqlite3_column_blob(stmt, column);
    *len = (size_t)sqlite3_column_bytes(stmt, column);
    if (p == NULL && *len > 0) {
        /* No memory for a terminated copy: the caller sees "", but neither the next row nor a commit. */
        (void)store_nomem(rows->s, NULL);
        rows->row = SQLITE_NOMEM;
    }
    return p;
}

static bool lite_is_null(store_rows *rows, int column)
{
    return sqlite3_column_type(statement_of(rows), column) == SQLITE_NULL;
}

/* ---- writing ---- */

static gov_status lite_write(store *s, const store_sql *sql, const store_arg *args, size_t n,
                             int64_t expect, int64_t *changed, const diag *d)
{
    lite_statement *q;
    gov_status rc = acquire(s, sql, &q, d);
    if (rc != GOV_OK)
        return rc;
    rc = bind_all(s, q, args, n, SQLITE_STATIC, d);
    if (rc == GOV_OK) {
        const int code = run_through(q);
        const int64_t found = code == SQLITE_DONE ? sqlite3_changes(in(s)->db) : 0;
        if (code != SQLITE_DONE)
            rc = lite_fail(s, code, d);
        else if (expect != STORE_ANY_ROWS && found != expect)
            rc = store_mismatch(s, sql->text, expect, found, d);
        if (changed != NULL)
            *changed = found;
    }
    let_go(s, q);
    return rc;
}

static gov_status lite_flush(store *s, const diag *d)
{
    (void)s;
    (void)d;
    return GOV_OK;
}

static gov_status acquire_shape(store *s, const void *key, const store_insert *insert,
                                const store_change *change, bool renew, lite_statement **out,
                                const diag *d)
{
    *out = (lite_statement *)store_cache_find(s, key);
    if (*out != NULL)
        return GOV_OK;
    store_shape shape;
    gov_status rc = insert != NULL ? store_shape_insert(s, insert, &shape, d)
                                   : store_shape_change(s, change, &shape, d);
    if (rc == GOV_OK && renew && !store_shape_is_whole(&shape))
        rc = store_misuse(s, "only whole rows are renewed", d);
    if (rc != GOV_OK)
        return rc;
    base_buf text;
    base_buf_init(&text, s->alloc);
    if (insert != NULL || renew)
        store_shape_write_insert(&text, renew ? "REPLACE INTO " : "INSERT INTO ", &shape);
    else
        store_shape_write_update(&text, &shape);
    lite_statement *q = NULL;
    rc = text.failed ? store_nomem(s, d) : prepare(s, text.data, true, &q, d);
    base_buf_free(&text);
    if (rc != GOV_OK)
        return rc;
    q->shape = shape;
    q->head.key = key;
    if (!store_cache_put(s, &q->head)) {
        statement_free(s, q);
        return store_nomem(s, d);
    }
    *out = q;
    return GOV_OK;
}

/* Binds what row `row` needs; values that are the same for all rows stay bound from the first. */
static int bind_row(lite_statement *q, const store_array *arrays, size_t row)
{
    for (int i = 0; i < q->parameters; i++) {
        const size_t k = q->argument[i];
        if (row > 0 && arrays[k].same)
            continue;
        const store_arg arg = store_array_at(q->shape.columns[k], &arrays[k], row);
        const int code = bind_one(q->stmt, i + 1, &arg, SQLITE_STATIC);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

static gov_status run_batch(store *s, lite_statement *q, const store_array *arrays, size_t n,
                            const diag *d)
{
    int64_t found = 0;
    for (size_t i = 0; i < q->shape.count; i++) {
        const gov_status rc = store_check_array(s, q->shape.columns[i], &arrays[i], n, d);
        if (rc != GOV_OK)
            return rc;
    }
    for (size_t row = 0; row < n; row++) {
        int code = bind_row(q, arrays, row);
        if (code == SQLITE_OK)
            code = sqlite3_step(q->stmt);
        if (code != SQLITE_DONE) {
            const gov_status rc = lite_fail(s, code, d);
            sqlite3_reset(q->stmt);
            return rc;
        }
        found += sqlite3_changes(in(s)->db);
        sqlite3_reset(q->stmt);
    }
    if (found != (int64_t)n)
        return store_mismatch(s, q->shape.table->name, (int64_t)n, found, d);
    return GOV_OK;
}

static gov_status lite_bulk(store *s, const store_insert *shape, const store_array *arrays,
                            size_t n, const diag *d)
{
    lite_statement *q;
    const gov_status rc = acquire_shape(s, shape, shape, NULL, false, &q, d);
    return rc == GOV_OK ? run_batch(s, q, arrays, n, d) : rc;
}

static gov_status lite_many(store *s, const store_change *shape, const store_array *arrays,
                            size_t n, const diag *d)
{
    lite_statement *q;
    const gov_status rc = acquire_shape(s, shape, NULL, shape, false, &q, d);
    return rc == GOV_OK ? run_batch(s, q, arrays, n, d) : rc;
}

static gov_status lite_renew(store *s, const store_change *shape, const store_array *arrays,
                             size_t n, const diag *d)
{
    lite_statement *q;
    const gov_status rc = acquire_shape(s, shape, NULL, shape, true, &q, d);
    return rc == GOV_OK ? run_batch(s, q, arrays, n, d) : rc;
}

static gov_status lite_script(store *s, const char *text, const diag *d)
{
    const int code = sqlite3_exec(in(s)->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? GOV_OK : lite_fail(s, code, d);
}

/* ---- the schema's marks in the header ---- */

static gov_status lite_has_schema(store *s, bool *has, const diag *d)
{
    static const store_sql id_sql = {"PRAGMA application_id", 0};
    static const store_sql count_sql = {"SELECT count(*) FROM sqlite_schema", 0};
    int64_t id = 0, mark = 0, tables = 0;
    gov_status rc = read_pragma(s, &id_sql, &id, d);
    if (rc == GOV_OK)
        rc = read_pragma(s, &user_version_sql, &mark, d);
    if (rc == GOV_OK)
        rc = read_pragma(s, &count_sql, &tables, d);
    if (rc != GOV_OK)
        return rc;
    *has = id == APPLICATION_ID;
    if (*has && mark >> 16 > LAYOUT)
        return base_fail(d, M_store_newer, A_S("place", s->place), A_S("room", "layout"),
                         A_I("found", mark >> 16), A_I("known", LAYOUT));
    if (!*has && (id != 0 || tables > 0))
        return store_fail(s, STORE_DAMAGED, "another application's database", d);
    s->schema_mark = *has ? mark : 0;
    return GOV_OK;
}

static gov_status lite_mark_schema(store *s, int64_t steps, bool fresh, const diag *d)
{
    char text[96];
    (void)fresh;
    const int64_t mark = (int64_t)LAYOUT << 16 | steps;
    snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %lld",
             (int)APPLICATION_ID, (long long)mark);
    const gov_status rc = lite_script(s, text, d);
    s->schema_mark = rc == GOV_OK ? mark : 0;
    return rc;
}

/* ---- open and close ---- */

/* Does the file hold no table of anybody's? One that cannot be read (a full disk has no room for its log's index) is taken at its
 * size: the page that setting the journal's mode has written. */
static bool is_bare(store *s)
{
    static const store_sql count_sql = {"SELECT count(*) FROM sqlite_schema", 0};
    struct stat st;
    int64_t tables = 0;
    if (in(s)->db != NULL && read_pragma(s, &count_sql, &tables, NULL) == GOV_OK)
        return tables == 0;
    return stat(s->place, &st) == 0 && st.st_size <= 4096;
}

/* A file that was begun and came to nothing would be taken for a damaged store. */
static void take_away(const store *s)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        base_buf path;
        base_buf_init(&path, s->alloc);
        base_buf_str(&path, s->place);
        base_buf_str(&path, endings[i]);
        base_buf_char(&path, '\0');
        if (!path.failed)
            (void)unlink(path.data);
        base_buf_free(&path);
    }
}

static void lite_close(store *s)
{
    const bool vain = s->inside != NULL && in(s)->made && !s->opened && is_bare(s);
    for (store_cached *c = s->cached, *next; c != NULL; c = next) {
        next = c->next;
        statement_free(s, (lite_statement *)c);
    }
    s->cached = NULL;
    if (s->inside != NULL)
        sqlite3_close_v2(in(s)->db);
    if (vain)
        take_away(s);
    base_free(s->alloc, s->inside);
}

/* The collation that PostgreSQL calls "C". */
static int compare_bytes(void *user, int a_len, const void *a, int b_len, const void *b)
{
    (void)user;
    const int shorter = a_len < b_len ? a_len : b_len;
    const int order = shorter > 0 ? memcmp(a, b, (size_t)shorter) : 0;
    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static gov_status harden(store *s, const store_config *config, const diag *d)
{
    static const int off[] = {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_ENABLE_TRIGGER,
                              SQLITE_DBCONFIG_ENABLE_VIEW,    SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION,
                              SQLITE_DBCONFIG_DQS_DML,        SQLITE_DBCONFIG_DQS_DDL};
    sqlite3 *db = in(s)->db;
    char text[256];
    for (size_t i = 0; i < ARRAY_LEN(off); i++)
        (void)sqlite3_db_config(db, off[i], 0, (int *)NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    sqlite3_busy_timeout(db, s->busy_ms);
    const int code = sqlite3_create_collation(db, "C", SQLITE_UTF8, NULL, compare_bytes);
    if (code != SQLITE_OK)
        return lite_fail(s, code, d);
    /* secure_delete: what a person had erased shall not linger in the file's free pages. */
    snprintf(text, sizeof text,
             "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;"
             "PRAGMA cache_size = -%lld; PRAGMA synchronous = %s",
             (long long)(config->cache_kib > 0 ? config->cache_kib : DEFAULT_CACHE_KIB),
             s->flags & STORE_FAST ? "NORMAL" : "FULL");
    return lite_script(s, text, d);
}

static bool in_memory(const char *path)
{
    return strcmp(path, ":memory:") == 0;
}

static gov_status look_at_path(store *s, const char *path, const diag *d)
{
    struct stat st;
    if (in_memory(path))
        return GOV_OK;
    if (stat(path, &st) != 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return store_fail(s, STORE_OTHER, "its path cannot be looked at", d);
        if (!(s->flags & STORE_CREATE))
            return base_fail(d, M_store_not_found, A_S("place", path));
        in(s)->made = true;
        return GOV_OK;
    }
    return S_ISREG(st.st_mode) ? GOV_OK : base_fail(d, M_store_not_a_file, A_S("place", path));
}

static const store_engine engine;

static gov_status open_file(store *s, const store_config *config, const char *name, int how,
                            const diag *d)
{
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE | how |
                      (s->flags & STORE_CREATE ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(name, &in(s)->db, flags, config->vfs);
    return code == SQLITE_OK ? GOV_OK : lite_fail(s, code, d);
}

/* Even a reader makes files beside a WAL database. Where it may not, the file alone is read: it is the whole store
 * unless changes still lie in the log. */
static gov_status open_to_read(store *s, const store_config *config, const char *path,
                               const diag *d)
{
    bool empty = false;
    base_buf name;
    gov_status rc = open_file(s, config, path, SQLITE_OPEN_READONLY, d);
    if (rc != GOV_OK)
        return rc;
    sqlite3_busy_timeout(in(s)->db, s->busy_ms);
    const int code = sqlite3_exec(in(s)->db, "PRAGMA schema_version", NULL, NULL, NULL);
    if ((code & 0xff) != SQLITE_CANTOPEN && (code & 0xff) != SQLITE_READONLY)
        return code == SQLITE_OK ? GOV_OK : lite_fail(s, code, d);
    rc = store_log_is_empty(s, &empty, d);
    if (rc == GOV_OK && !empty)
        rc = base_fail(d, M_store_log_unread, A_S("place", s->place));
    if (rc != GOV_OK)
        return rc;
    sqlite3_close_v2(in(s)->db);
    in(s)->db = NULL;
    in(s)->immutable = true;
    base_buf_init(&name, s->alloc);
    store_write_immutable(&name, path);
    rc = name.failed ? store_nomem(s, d)
                     : open_file(s, config, name.data, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, d);
    base_buf_free(&name);
    return rc;
}

gov_status store_sqlite_open(store *s, const store_config *config, const char *path, const diag *d)
{
    s->kind = STORE_SQLITE;
    s->engine = &engine;
    s->place = base_strdup(s->alloc, path);
    s->inside = base_alloc(s->alloc, sizeof(lite));
    if (s->place == NULL || s->inside == NULL)
        return store_nomem(s, d);
    in(s)->seen_version = in(s)->checked_version = -1;
    gov_status rc = look_at_path(s, path, d);
    if (rc != GOV_OK)
        return rc;
    rc = s->flags & STORE_READ_ONLY ? open_to_read(s, config, path, d)
                                    : open_file(s, config, path, SQLITE_OPEN_READWRITE, d);
    if (rc != GOV_OK)
        return rc;
    if (!(s->flags & STORE_READ_ONLY) && sqlite3_db_readonly(in(s)->db, "main") == 1)
        return store_fail(s, STORE_NO_WRITE, "", d);
    bool has = false;
    rc = harden(s, config, d);
    if (rc == GOV_OK)
        rc = lite_has_schema(s, &has, d);
    if (config->migrations == NULL)
        s->schema_mark = 0;
    if (rc == GOV_OK && !(s->flags & STORE_READ_ONLY) && (has || s->flags & STORE_CREATE))
        rc = lite_script(s, "PRAGMA journal_mode = WAL", d);
    return rc;
}

/* ---- keeping ---- */

/* Under one read transaction, so that writers neither restart the copy nor show in it. */
static gov_status lite_backup(store *s, const char *path, store_progress progress, void *user, const diag *d)
{
    gov_status rc = store_begin_read(s, d);
    if (rc != GOV_OK)
        return rc;
    rc = store_sqlite_copy(s, in(s)->db, path, progress, user, d);
    store_rollback(s);
    return rc;
}

static gov_status lite_checkpoint(store *s, const diag *d)
{
    const int code =
        sqlite3_wal_checkpoint_v2(in(s)->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY ? GOV_OK : lite_fail(s, code, d);
}

static gov_status lite_check(store *s, const diag *d)
{
    static const store_sql sql = {"PRAGMA integrity_check(1)", 0};
    store_rows rows;
    gov_status rc = store_first(s, &sql, STORE_NO_ARGS, &rows, d);
    if (rc != GOV_OK)
        return rc;
    const char *found = store_text(&rows, 0, NULL);
    if (strcmp(found, "ok") != 0)
        rc = store_fail(s, STORE_DAMAGED, found, d);
    store_rows_close(&rows);
    return rc;
}

static const store_engine engine = {
    .close = lite_close,
    .begin = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .savepoint = lite_savepoint,
    .release = lite_release,
    .rollback_to = lite_rollback_to,
    .query = lite_query,
    .next = lite_next,
    .close_rows = lite_close_rows,
    .get_int = lite_int,
    .get_bytes = lite_bytes,
    .is_null = lite_is_null,
    .write = lite_write,
    .flush = lite_flush,
    .bulk = lite_bulk,
    .many = lite_many,
    .renew = lite_renew,
    .script = lite_script,
    .has_schema = lite_has_schema,
    .mark_schema = lite_mark_schema,
    .moved = lite_moved,
    .backup = lite_backup,
    .checkpoint = lite_checkpoint,
    .check = lite_check,
};
