/* Connecting to PostgreSQL with nothing but what the URL says. */
#include "store/pg.h"

#include <stdio.h>
#include <string.h>

/* libpq fills options that are not given from environment variables, so each that has a variable is given:
 * its compiled default, or nothing. */
static const char *instead_of_environment(const PQconninfoOption *o)
{
    if (strcmp(o->keyword, "passfile") == 0)
        return "/dev/null/none"; /* an empty name would mean ~/.pgpass */
    if (strcmp(o->keyword, "connect_timeout") == 0)
        return "10";
    if (strcmp(o->keyword, "client_encoding") == 0)
        return "UTF8";
    if (strcmp(o->keyword, "application_name") == 0)
        return "gov";
    return o->compiled != NULL ? o->compiled : "";
}

static void add_option(base_buf *out, const char *keyword, const char *setting)
{
    base_buf_str(out, keyword);
    base_buf_str(out, "='");
    for (const char *p = setting; *p != '\0'; p++) {
        if (*p == '\'' || *p == '\\')
            base_buf_char(out, '\\');
        base_buf_char(out, *p);
    }
    base_buf_str(out, "' ");
}

static gov_status connection_string(store *s, const char *url, base_buf *out, const diag *d)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (options == NULL)
        return base_fail(d, M_store_url, A_S("url", "postgresql://..."));
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val != NULL)
            add_option(out, o->keyword, o->val);
        else if (o->envvar != NULL &&
                 strcmp(o->keyword, "service") != 0) /* an empty service is an error */
            add_option(out, o->keyword, instead_of_environment(o));
    }
    PQconninfoFree(options);
    return out->failed ? store_nomem(s, d) : GOV_OK;
}

/* Notices go nowhere: libpq would print them. */
static void ignore_notice(void *user, const PGresult *notice)
{
    (void)user;
    (void)notice;
}

static gov_status name_place(store *s, const diag *d)
{
    base_buf b;
    base_buf_init(&b, s->alloc);
    base_buf_str(&b, "postgresql://");
    base_buf_str(&b, base_text_or_empty(PQhost(pg_of(s)->conn)));
    base_buf_char(&b, '/');
    base_buf_str(&b, base_text_or_empty(PQdb(pg_of(s)->conn)));
    char *place = base_buf_take(&b, NULL);
    base_buf_free(&b);
    if (place == NULL)
        return store_nomem(s, d);
    base_free(s->alloc, s->place);
    s->place = place;
    return GOV_OK;
}

/* Reads are read-only unless a transaction begun for writing says otherwise; locks are waited for as long as told. */
static gov_status set_up(store *s, const diag *d)
{
    char text[256];
    PGconn *conn = pg_of(s)->conn;
    const char *encoding = PQparameterStatus(conn, "server_encoding");
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return store_fail(s, STORE_OTHER, "the database's encoding is not UTF8", d);
    if (PQserverVersion(conn) < 120000)
        return store_fail(s, STORE_OTHER, "PostgreSQL 12 or later is needed", d);
    snprintf(text, sizeof text,
             "SET default_transaction_read_only = on; SET lock_timeout = %d; SET "
             "synchronous_commit = %s;"
             "SET standard_conforming_strings = on; SET idle_in_transaction_session_timeout = 0",
             s->busy_ms > 0 ? (int)s->busy_ms : 1, s->flags & STORE_FAST ? "off" : "on");
    PGresult *r = PQexec(conn, text);
    const gov_status rc = PQresultStatus(r) == PGRES_COMMAND_OK ? GOV_OK : pg_fail(s, r, d);
    PQclear(r);
    return rc;
}

gov_status pg_connect(store *s, const char *url, const diag *d)
{
    base_buf info;
    base_buf_init(&info, s->alloc);
    gov_status rc = connection_string(s, url, &info, d);
    if (rc == GOV_OK) {
        pg_of(s)->conn = PQconnectdb(info.data);
        if (pg_of(s)->conn == NULL)
            rc = store_nomem(s, d);
    }
    base_buf_free(&info);
    if (rc != GOV_OK)
        return rc;
    (void)PQsetNoticeReceiver(pg_of(s)->conn, ignore_notice, NULL);
    rc = name_place(s, d);
    if (rc != GOV_OK)
        return rc;
    if (PQstatus(pg_of(s)->conn) != CONNECTION_OK)
        return store_fail(s, STORE_OTHER, PQerrorMessage(pg_of(s)->conn), d);
    return set_up(s, d);
}

gov_status pg_reconnect(store *s, const diag *d)
{
    pg *p = pg_of(s);
    PQreset(p->conn);
    p->piped = PQpipelineStatus(p->conn) != PQ_PIPELINE_OFF;
    if (PQstatus(p->conn) != CONNECTION_OK)
        return store_fail(s, STORE_GONE, PQerrorMessage(p->conn), d);
    return set_up(s, d);
}
