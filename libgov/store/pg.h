/* What the PostgreSQL files of room store share. */
#ifndef STORE_PG_H
#define STORE_PG_H

#include "store/engine.h"

#include <libpq-fe.h>

enum { PG_MAX_ARGS = 200, PG_MAX_PENDING = 512 };
enum {
    PG_INT8 = 20,
    PG_TEXT = 25,
    PG_BYTEA = 17,
    PG_INT8S = 1016,
    PG_TEXTS = 1009,
    PG_BYTEAS = 1001
};

typedef struct pg_statement {
    store_cached head;
    struct pg_statement *variant; /* the same shape with other columns constant */
    uint64_t mask;                /* of a shape: which columns are constant */
    char *text;                   /* as sent: with the locking clause */
    char name[24];
    Oid types[PG_MAX_ARGS];
    size_t count;
    bool prepared;
    store_shape shape;
} pg_statement;

/* What was sent and not yet answered. */
typedef struct pg_sent {
    pg_statement *preparing; /* set: a Parse of this statement */
    const char *text;        /* static, or of a statement; for messages */
    int64_t expect;
    int64_t *changed;
    bool keep;   /* hand the answer's rows over */
    bool commit; /* a COMMIT */
} pg_sent;

typedef struct pg {
    PGconn *conn;
    pg_sent sent[PG_MAX_PENDING];
    size_t sent_count;
    bool expecting;  /* some of them state how many rows must change */
    bool piped;      /* in pipeline mode */
    unsigned serial; /* of statement names */
} pg;

/* Values as the protocol wants them. */
typedef struct pg_values {
    Oid types[PG_MAX_ARGS];
    const char *values[PG_MAX_ARGS];
    int lengths[PG_MAX_ARGS], formats[PG_MAX_ARGS];
    unsigned char numbers[PG_MAX_ARGS][8];
    size_t count;
} pg_values;

/* store_pg.c */
gov_status pg_fail(store *s, const PGresult *result, const diag *d);
gov_status pg_sync(store *s, PGresult **rows,
                   const diag *d); /* waits for the answers to all that was sent */
gov_status pg_leave_pipeline(store *s, const diag *d);
gov_status pg_send(store *s, pg_statement *q, const pg_values *v, pg_sent what, const diag *d);
bool pg_set(pg_values *v, size_t i,
            const store_arg *arg); /* false: longer than the protocol can carry */

/* pg_connect.c */
gov_status pg_connect(store *s, const char *url, const diag *d);
gov_status pg_reconnect(store *s, const diag *d); /* the same again, where the connection is lost */

/* pg_batch.c */
gov_status pg_bulk(store *s, const store_insert *shape, const store_array *arrays, size_t n,
                   const diag *d);
gov_status pg_many(store *s, const store_change *shape, const store_array *arrays, size_t n,
                   const diag *d);

static inline pg *pg_of(const store *s)
{
    return s->inside;
}

#endif
