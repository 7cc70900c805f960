/* The server engine: PostgreSQL through libpq.
 *
 * Everything is sent in pipeline mode and queued; a query, a flush or a commit sends a Sync and reads all answers, so
 * that a transaction costs as many round trips as it has questions, plus one. An error makes the server skip what
 * follows up to the Sync. */
#include "store/pg.h"

#include <stdio.h>
#include <string.h>

/* ---- errors ---- */

static store_error class_of(store *s, const char *state)
{
    static const struct {
        const char *prefix;
        store_error error;
    } classes[] = {{"40001", STORE_RETRY},     {"40P01", STORE_RETRY},    {"55P03", STORE_LOCKED},
                   {"23505", STORE_DUPLICATE}, {"23", STORE_CHECK},       {"53100", STORE_NO_SPACE},
                   {"XX001", STORE_DAMAGED},   {"XX002", STORE_DAMAGED},  {"08", STORE_GONE},
                   {"57P", STORE_GONE},        {"42501", STORE_NO_WRITE}, {"42703", STORE_DAMAGED},
                   {"42", STORE_BUG},          {"22021", STORE_OTHER},    {"22", STORE_BUG},
                   {"26", STORE_BUG},          {"25P02", STORE_OTHER},    {"3B", STORE_BUG}};
    if (strcmp(state, "25006") == 0)
        return s->flags & STORE_READ_ONLY ? STORE_NO_WRITE : STORE_BUG;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (strncmp(state, classes[i].prefix, strlen(classes[i].prefix)) == 0)
            return classes[i].error;
    return STORE_OTHER;
}

/* The server's primary message names constraints and tables, never values; its detail, which does, is left out. */
gov_status pg_fail(store *s, const PGresult *result, const diag *d)
{
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (state == NULL) {
        if (PQstatus(pg_of(s)->conn) == CONNECTION_BAD)
            return store_fail(s, STORE_GONE, "no answer", d);
        return store_fail(s, STORE_OTHER, PQerrorMessage(pg_of(s)->conn), d);
    }
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    /* our own statements ask only for what our own schema has */
    if (strcmp(state, "42P01") == 0 && strstr(base_text_or_empty(text), "\"gov_") != NULL)
        return store_fail(s, STORE_DAMAGED, text, d);
    return store_fail(s, class_of(s, state), base_text_or_empty(text), d);
}

/* ---- values ---- */

static void pg_put_be64(unsigned char *out, int64_t n)
{
    const uint64_t u = (uint64_t)n;
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(u >> (56 - 8 * i));
}

bool pg_set(pg_values *v, size_t i, const store_arg *arg)
{
    v->formats[i] = 1;
    v->types[i] = arg->type == STORE_TEXT ? PG_TEXT : arg->type == STORE_BYTES ? PG_BYTEA : PG_INT8;
    v->values[i] = NULL;
    v->lengths[i] = 0;
    if (arg->null)
        return true;
    if (v->types[i] == PG_INT8) {
        pg_put_be64(v->numbers[i], arg->i);
        v->values[i] = (const char *)v->numbers[i];
        v->lengths[i] = 8;
        return true;
    }
    v->values[i] = arg->p;
    v->lengths[i] = (int)arg->len;
    return arg->len <= INT32_MAX / 2;
}

static gov_status set_all(store *s, pg_values *v, const store_arg *args, size_t n, const diag *d)
{
    if (n > PG_MAX_ARGS)
        return store_misuse(s, "too many arguments", d);
    v->count = n;
    for (size_t i = 0; i < n; i++)
        if (!pg_set(v, i, &args[i]))
            return store_fail(s, STORE_OTHER, "a value is too long", d);
    return GOV_OK;
}

/* ---- the pipeline ---- */

static gov_status enter_pipeline(store *s, const diag *d)
{
    pg *p = pg_of(s);
    if (p->piped)
        return GOV_OK;
    if (!PQenterPipelineMode(p->conn))
        return pg_fail(s, NULL, d);
    p->piped = true;
    return GOV_OK;
}

static void note_sent(pg *p, pg_sent what)
{
    p->expecting = p->expecting || what.expect != STORE_ANY_ROWS;
    p->sent[p->sent_count++] = what;
}

/* Leaves room for two messages: a Parse and what it is for. */
static gov_status make_room(store *s, const diag *d)
{
    if (pg_of(s)->sent_count + 2 > PG_MAX_PENDING) {
        const gov_status rc = pg_sync(s, NULL, d);
        if (rc != GOV_OK)
            return rc;
    }
    return enter_pipeline(s, d);
}

static int64_t changed_rows(PGresult *r)
{
    int64_t n = 0;
    const char *text = PQcmdTuples(r);
    return base_parse_int(text, strlen(text), &n) ? n : 0;
}

/* Judges one answer. Only the first failure of a pipeline is reported; the rest is its consequence. */
static gov_status judge(store *s, const pg_sent *what, PGresult *r, gov_status so_far,
                        const diag *d)
{
    const ExecStatusType status = PQresultStatus(r);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        if (what->commit && strcmp(PQcmdStatus(r), "COMMIT") != 0)
            return so_far != GOV_OK ? so_far
                                    : store_fail(s, STORE_OTHER, "the server rolled back", d);
        if (what->preparing != NULL || what->keep)
            return so_far;
        const int64_t found = changed_rows(r);
        if (what->changed != NULL)
            *what->changed = found;
        if (what->expect != STORE_ANY_ROWS && found != what->expect && so_far == GOV_OK)
            return store_mismatch(s, what->text, what->expect, found, d);
        return so_far;
    }
    if (what->preparing != NULL)
        what->preparing->prepared = false;
    if (so_far != GOV_OK)
        return so_far;
    if (status == PGRES_PIPELINE_ABORTED)
        return store_fail(s, STORE_OTHER, "skipped by the server", d);
    return pg_fail(s, r, d);
}

static gov_status lost(store *s, bool committing, gov_status so_far, const diag *d)
{
    pg *p = pg_of(s);
    for (size_t i = 0; i < p->sent_count; i++)
        if (p->sent[i].preparing != NULL)
            p->sent[i].preparing->prepared = false;
    p->sent_count = 0;
    if (so_far != GOV_OK)
        return so_far;
    return committing ? store_fail(s, STORE_UNKNOWN, "", d)
                      : store_fail(s, STORE_GONE, PQerrorMessage(p->conn), d);
}

gov_status pg_sync(store *s, PGresult **rows, const diag *d)
{
    pg *p = pg_of(s);
    if (p->sent_count == 0)
        return GOV_OK;
    const bool committing = p->sent[p->sent_count - 1].commit;
    if (!PQpipelineSync(p->conn))
        return lost(s, committing, GOV_OK, d);
    gov_status rc = GOV_OK;
    for (size_t i = 0; i < p->sent_count; i++) {
        PGresult *r = PQgetResult(p->conn);
        if (r == NULL || PQstatus(p->conn) == CONNECTION_BAD) {
            PQclear(r);
            return lost(s, committing, rc, d);
        }
        rc = judge(s, &p->sent[i], r, rc, d);
        if (p->sent[i].keep && rc == GOV_OK && rows != NULL)
            *rows = r;
        else
            PQclear(r);
        while ((r = PQgetResult(p->conn)) != NULL)
            PQclear(r);
    }
    PGresult *end = PQgetResult(p->conn);
    const bool whole = PQresultStatus(end) == PGRES_PIPELINE_SYNC;
    PQclear(end);
    if (!whole)
        rc = lost(s, committing, rc, d);
    p->sent_count = 0;
    p->expecting = false;
    if (rc != GOV_OK && rows != NULL) {
        PQclear(*rows);
        *rows = NULL;
    }
    return rc;
}

gov_status pg_leave_pipeline(store *s, const diag *d)
{
    const gov_status rc = pg_sync(s, NULL, d);
    if (rc != GOV_OK || !pg_of(s)->piped)
        return rc;
    if (!PQexitPipelineMode(pg_of(s)->conn))
        return pg_fail(s, NULL, d);
    pg_of(s)->piped = false;
    return GOV_OK;
}

static gov_status send_plain(store *s, const char *text, bool commit, const diag *d)
{
    const gov_status rc = make_room(s, d);
    if (rc != GOV_OK)
        return rc;
    if (!PQsendQueryParams(pg_of(s)->conn, text, 0, NULL, NULL, NULL, NULL, 1))
        return pg_fail(s, NULL, d);
    note_sent(pg_of(s), (pg_sent){.text = text, .expect = STORE_ANY_ROWS, .commit = commit});
    return GOV_OK;
}

/* Prepares anew when never done, undone by an error, or used with other types before. */
static gov_status send_parse(store *s, pg_statement *q, const pg_values *v, const diag *d)
{
    pg *p = pg_of(s);
    if (q->prepared && q->count == v->count &&
        memcmp(q->types, v->types, v->count * sizeof *v->types) == 0)
        return GOV_OK;
    snprintf(q->name, sizeof q->name, "q%u", ++p->serial);
    q->count = v->count;
    if (v->count > 0)
        memcpy(q->types, v->types, v->count * sizeof *v->types);
    if (!PQsendPrepare(p->conn, q->name, q->text, (int)q->count, q->types))
        return pg_fail(s, NULL, d);
    q->prepared = true;
    note_sent(p, (pg_sent){.preparing = q, .text = q->text, .expect = STORE_ANY_ROWS});
    return GOV_OK;
}

gov_status pg_send(store *s, pg_statement *q, const pg_values *v, pg_sent what, const diag *d)
{
    gov_status rc = make_room(s, d);
    if (rc == GOV_OK)
        rc = send_parse(s, q, v, d);
    if (rc != GOV_OK)
        return rc;
    if (!PQsendQueryPrepared(pg_of(s)->conn, q->name, (int)v->count, v->values, v->lengths,
                             v->formats, 1))
        return pg_fail(s, NULL, d);
    what.text = q->text;
    note_sent(pg_of(s), what);
    return GOV_OK;
}

/* ---- statements ---- */

static void statement_free(store *s, pg_statement *q)
{
    while (q != NULL) {
        pg_statement *variant = q->variant;
        base_free(s->alloc, q->text);
        base_free(s->alloc, q);
        q = variant;
    }
}

static const char *lock_clause(uint32_t flags)
{
    return flags & STORE_LOCK_SKIP ? " FOR UPDATE SKIP LOCKED"
           : flags & STORE_LOCK    ? " FOR UPDATE"
                                   : "";
}

static gov_status acquire(store *s, const store_sql *sql, pg_statement **out, const diag *d)
{
    *out = (pg_statement *)store_cache_find(s, sql);
    if (*out != NULL)
        return GOV_OK;
    pg_statement *q = base_alloc(s->alloc, sizeof *q);
    base_buf text;
    base_buf_init(&text, s->alloc);
    base_buf_str(&text, sql->text);
    base_buf_str(&text, s->writing ? lock_clause(sql->flags) : "");
    if (q != NULL)
        q->text = base_buf_take(&text, NULL);
    base_buf_free(&text);
    if (q == NULL || q->text == NULL) {
        statement_free(s, q);
        return store_nomem(s, d);
    }
    q->head.key = sql;
    if (!store_cache_put(s, &q->head)) {
        statement_free(s, q);
        return store_nomem(s, d);
    }
    *out = q;
    return GOV_OK;
}

/* A locking statement outside a writing transaction reads without locks, and is then not the cached one. */
static bool once_only(const store *s, const store_sql *sql)
{
    return sql->flags & STORE_DYNAMIC ||
           (!s->writing && sql->flags & (STORE_LOCK | STORE_LOCK_SKIP));
}

static gov_status send_once(store *s, const store_sql *sql, const pg_values *v, pg_sent what,
                            const diag *d)
{
    base_buf text;
    gov_status rc = make_room(s, d);
    if (rc != GOV_OK)
        return rc;
    base_buf_init(&text, s->alloc);
    base_buf_str(&text, sql->text);
    base_buf_str(&text, s->writing ? lock_clause(sql->flags) : "");
    if (text.failed)
        rc = store_nomem(s, d);
    else if (!PQsendQueryParams(pg_of(s)->conn, text.data, (int)v->count, v->types, v->values,
                                v->lengths, v->formats, 1))
        rc = pg_fail(s, NULL, d);
    base_buf_free(&text);
    what.text = "";
    if (rc == GOV_OK)
        note_sent(pg_of(s), what);
    return rc;
}

static gov_status send_sql(store *s, const store_sql *sql, const store_arg *args, size_t n,
                           pg_sent what, const diag *d)
{
    pg_values v;
    pg_statement *q;
    gov_status rc = set_all(s, &v, args, n, d);
    if (rc != GOV_OK)
        return rc;
    if (once_only(s, sql))
        return send_once(s, sql, &v, what, d);
    rc = acquire(s, sql, &q, d);
    return rc == GOV_OK ? pg_send(s, q, &v, what, d) : rc;
}

/* ---- transactions ---- */

/* A new connection in place of a lost one. It knows none of the statements; the lease on ids goes on, for it is not the
 * connection's. */
static gov_status reconnect(store *s, const diag *d)
{
    pg *p = pg_of(s);
    for (store_cached *c = s->cached; c != NULL; c = c->next)
        for (pg_statement *q = (pg_statement *)c; q != NULL; q = q->variant)
            q->prepared = false;
    p->sent_count = 0;
    p->expecting = false;
    return pg_reconnect(s, d);
}

static gov_status begin(store *s, bool write, const diag *d)
{
    const gov_status rc = PQstatus(pg_of(s)->conn) == CONNECTION_BAD ? reconnect(s, d) : GOV_OK;
    if (rc != GOV_OK)
        return rc;
    s->epoch++; /* others may have committed: cached rows live within one transaction */
    return send_plain(s,
                      write ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
                            : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                      false, d);
}

static void rollback(store *s)
{
    if (PQstatus(pg_of(s)->conn) == CONNECTION_BAD)
        return;
    const store_error error = s->error; /* what rolling back meets is no news */
    (void)pg_sync(s, NULL, NULL);
    if (PQtransactionStatus(pg_of(s)->conn) != PQTRANS_IDLE &&
        send_plain(s, "ROLLBACK", false, NULL) == GOV_OK)
        (void)pg_sync(s, NULL, NULL);
    s->error = error;
}

static gov_status commit(store *s, const diag *d)
{
    gov_status rc = pg_of(s)->expecting ? pg_sync(s, NULL, d) : GOV_OK;
    if (rc == GOV_OK)
        rc = send_plain(s, "COMMIT", true, d);
    if (rc == GOV_OK)
        rc = pg_sync(s, NULL, d);
    if (rc != GOV_OK)
        rollback(s);
    return rc;
}

/* Named by depth: when an earlier failure made the server skip a SAVEPOINT, going back to it must not reach another. */
static gov_status send_savepoint(store *s, const char *verb, int depth, const diag *d)
{
    pg_values none = {.count = 0};
    char text[64];
    snprintf(text, sizeof text, "%s s%d", verb, depth);
    return send_once(s, &(const store_sql){text, STORE_DYNAMIC}, &none,
                     (pg_sent){.expect = STORE_ANY_ROWS}, d);
}

static gov_status savepoint(store *s, int depth, const diag *d)
{
    return send_savepoint(s, "SAVEPOINT", depth, d);
}

/* What was queued inside shall fail inside. */
static gov_status release(store *s, int depth, const diag *d)
{
    const gov_status rc = pg_sync(s, NULL, d);
    return rc == GOV_OK ? send_savepoint(s, "RELEASE", depth, d) : rc;
}

static gov_status rollback_to(store *s, int depth, const diag *d)
{
    (void)pg_sync(s, NULL, NULL);
    gov_status rc = send_savepoint(s, "ROLLBACK TO", depth, d);
    if (rc == GOV_OK)
        rc = send_savepoint(s, "RELEASE", depth, d);
    return rc == GOV_OK ? pg_sync(s, NULL, d) : rc;
}

static bool moved(store *s)
{
    (void)s;
    return true;
}

/* ---- reading ---- */

static gov_status query(store *s, const store_sql *sql, const store_arg *args, size_t n,
                        store_rows *rows, const diag *d)
{
    PGresult *r = NULL;
    gov_status rc = send_sql(s, sql, args, n, (pg_sent){.expect = STORE_ANY_ROWS, .keep = true}, d);
    if (rc == GOV_OK)
        rc = pg_sync(s, &r, d);
    if (rc != GOV_OK)
        return rc;
    rows->result = r;
    rows->row = -1;
    rows->row_count = PQntuples(r);
    rows->column_count = PQnfields(r);
    rows->done = false;
    return GOV_OK;
}

static gov_status next(store_rows *rows, const diag *d)
{
    (void)d;
    rows->row++;
    return rows->row < rows->row_count ? GOV_OK : GOV_END;
}

static void close_rows(store_rows *rows)
{
    PQclear(rows->result);
    rows->result = NULL;
}

static int64_t get_int(store_rows *rows, int column)
{
    if (PQgetisnull(rows->result, rows->row, column))
        return 0;
    const unsigned char *p = (const unsigned char *)PQgetvalue(rows->result, rows->row, column);
    const int len = PQgetlength(rows->result, rows->row, column);
    const Oid type = PQftype(rows->result, column);
    if (type != PG_INT8 && type != 21 && type != 23 && type != 16) { /* nor int2, int4, bool */
        (void)store_misuse(rows->s, "an integer was asked of another type", NULL);
        return 0;
    }
    uint64_t u = type != 16 && p[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < len; i++)
        u = u << 8 | p[i];
    return (int64_t)u;
}

static const void *get_bytes(store_rows *rows, int column, size_t *len, bool text)
{
    (void)text;
    if (PQgetisnull(rows->result, rows->row, column))
        return NULL;
    *len = (size_t)PQgetlength(rows->result, rows->row, column);
    return PQgetvalue(rows->result, rows->row, column);
}

static bool is_null(store_rows *rows, int column)
{
    return PQgetisnull(rows->result, rows->row, column) != 0;
}

/* ---- writing ---- */

static gov_status write(store *s, const store_sql *sql, const store_arg *args, size_t n,
                        int64_t expect, int64_t *changed, const diag *d)
{
    const gov_status rc =
        send_sql(s, sql, args, n, (pg_sent){.expect = expect, .changed = changed}, d);
    return rc == GOV_OK && changed != NULL ? pg_sync(s, NULL, d) : rc;
}

static gov_status flush(store *s, const diag *d)
{
    return pg_sync(s, NULL, d);
}

static gov_status script(store *s, const char *text, const diag *d)
{
    gov_status rc = pg_leave_pipeline(s, d);
    if (rc != GOV_OK)
        return rc;
    PGresult *r = PQexec(pg_of(s)->conn, text);
    const ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        rc = pg_fail(s, r, d);
    PQclear(r);
    return rc;
}

/* ---- the schema ---- */

static gov_status has_schema(store *s, bool *has, const diag *d)
{
    static const store_sql sql = {
        "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema() "
        "AND tablename = 'gov_schema'",
        0};
    int64_t n = 0;
    gov_status rc = GOV_OK;
    /* One creator at a time; without this, the catalogue's own keys would stop the second one with an error. Only of
     * this store: others may live in the same database, each in a schema of its own. */
    if (s->writing)
        rc = script(s,
                    "SELECT pg_advisory_xact_lock(1735357745, hashtext(current_schema())) "
                    "WHERE current_schema() IS NOT NULL",
                    d);
    if (rc == GOV_OK)
        rc = store_first_int(s, &sql, STORE_NO_ARGS, &n, d);
    *has = n > 0;
    /* Who makes the tables waits for nobody's work, only for the server's own short locks on its catalogue: these are
     * not what busy_ms speaks of. */
    if (rc == GOV_OK && s->writing && n == 0 && s->busy_ms < 5000)
        rc = script(s, "SET LOCAL lock_timeout = 5000", d);
    return rc;
}

static gov_status mark_schema(store *s, int64_t steps, bool fresh, const diag *d)
{
    (void)s;
    (void)steps;
    (void)fresh;
    (void)d;
    return GOV_OK;
}

/* ---- keeping ---- */

static gov_status backup(store *s, const char *path,
                         gov_status (*progress)(void *, int64_t, int64_t), void *user,
                         const diag *d)
{
    (void)s;
    (void)path;
    (void)progress;
    (void)user;
    return base_fail(d, M_unsupported,
                     A_S("what", "backup of a PostgreSQL store (pg_dump makes one)"));
}

static gov_status nothing(store *s, const diag *d)
{
    (void)s;
    (void)d;
    return GOV_OK;
}

static void close_all(store *s)
{
    for (store_cached *c = s->cached, *after; c != NULL; c = after) {
        after = c->next;
        statement_free(s, (pg_statement *)c);
    }
    s->cached = NULL;
    if (s->inside != NULL)
        PQfinish(pg_of(s)->conn);
    base_free(s->alloc, s->inside);
}

static const store_engine engine = {
    .close = close_all,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .savepoint = savepoint,
    .release = release,
    .rollback_to = rollback_to,
    .query = query,
    .next = next,
    .close_rows = close_rows,
    .get_int = get_int,
    .get_bytes = get_bytes,
    .is_null = is_null,
    .write = write,
    .flush = flush,
    .bulk = pg_bulk,
    .many = pg_many,
    .renew = pg_many,
    .script = script,
    .has_schema = has_schema,
    .mark_schema = mark_schema,
    .moved = moved,
    .backup = backup,
    .checkpoint = nothing,
    .check = nothing,
};

gov_status store_pg_open(store *s, const store_config *config, const char *url, const diag *d)
{
    (void)config;
    s->kind = STORE_POSTGRES;
    s->engine = &engine;
    s->place = base_strdup(s->alloc, "postgresql://");
    s->inside = base_alloc(s->alloc, sizeof(pg));
    if (s->place == NULL || s->inside == NULL)
        return store_nomem(s, d);
    return pg_connect(s, url, d);
}
