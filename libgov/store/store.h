/* Room store: SQLite and PostgreSQL behind one narrow interface. Above it nothing knows which engine it is.
 *
 * The house rules of SQL, for every text handed to this room: one text for both engines; $1.. parameters; CAST, never
 * `::`; integers, text and bytes only, booleans 0/1; CAST(sum(x) AS BIGINT); no division; INSERT ... ON CONFLICT
 * (cols); top-level RETURNING; keyset paging; NULLS FIRST written out; no DML inside CTEs, no = ANY, no LIKE, no triggers,
 * no locking clause (use STORE_LOCK). Every key starts with `community`, and every join and subquery carries it.
 * Tables are named gov_<room>_<thing> and declared as data (store_table); the engine writes their DDL.
 *
 * A store is a connection: one thread at a time, never across a fork, never on a network file system. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/base.h"
#include "value/value.h"

typedef struct store store;

/* ---- statements ---- */

enum {
    STORE_LOCK =
        1, /* lock the rows read until the transaction ends (FOR UPDATE; SQLite is locked as a whole) */
    STORE_LOCK_SKIP = 2, /* the same, passing over rows that others have locked */
    STORE_DYNAMIC =
        4 /* text made at run time: prepared, used and forgotten; need only live during the call */
};

/* Always `static const` (unless STORE_DYNAMIC): prepared at its first use and cached per connection by its address. */
typedef struct store_sql {
    const char *text;
    uint32_t flags;
} store_sql;

typedef enum store_type { STORE_INT, STORE_TEXT, STORE_BYTES, STORE_BOOL } store_type;

typedef struct store_arg {
    store_type type;
    bool null;
    int64_t i;
    const void *p; /* text and bytes: borrowed during the call only */
    size_t len;
} store_arg;

static inline store_arg store_i(int64_t i)
{
    return (store_arg){.type = STORE_INT, .i = i};
}
static inline store_arg store_flag(bool b)
{
    return (store_arg){.type = STORE_INT, .i = b ? 1 : 0};
}
static inline store_arg store_t(const char *s, size_t len) /* s NULL: SQL NULL */
{
    return (store_arg){.type = STORE_TEXT, .null = s == NULL, .p = s, .len = len};
}
static inline store_arg store_b(const void *p, size_t len) /* p NULL: SQL NULL */
{
    return (store_arg){.type = STORE_BYTES, .null = p == NULL, .p = p, .len = len};
}
store_arg store_s(const char *s); /* NUL-terminated text; NULL: SQL NULL */
/* NULL in the place of a parameter of that type. */
static inline store_arg store_n(store_type type)
{
    return (store_arg){.type = type, .null = true};
}
/* An integer, or NULL when it is 0 (optional references). */
static inline store_arg store_i0(int64_t i)
{
    return (store_arg){.type = STORE_INT, .null = i == 0, .i = i};
}

/* Two arguments at once: store_query(s, &sql, STORE_ARGS(store_i(1), store_s("x")), &rows, d). */
#define STORE_ARGS(...) \
    (const store_arg[]){__VA_ARGS__}, sizeof((const store_arg[]){__VA_ARGS__}) / sizeof(store_arg)
#define STORE_NO_ARGS NULL, 0

/* ---- tables as data ---- */

typedef struct store_column {
    const char *name; /* NULL ends the list */
    store_type type;
    bool nullable;
    const char *check; /* SQL condition, or NULL; booleans get theirs by themselves */
} store_column;

typedef struct store_index {
    const char *name;    /* gov_..._by_...; NULL ends the list */
    const char *columns; /* "community, case_id, at_us DESC" */
    bool unique;
    const char *where; /* partial index, or NULL */
} store_index;

enum {
    /* On SQLite the last key column alone is INTEGER PRIMARY KEY; on PostgreSQL the key stays (community, ..., id). */
    STORE_ROWID_KEY = 1,
    /* On SQLite keep the rows in a heap beside the key (for rows over some 400 bytes); else they live in the key's
     * own B-tree (WITHOUT ROWID). */
    STORE_WIDE_ROWS = 2
};

typedef struct store_table {
    const char *name;
    const store_column *columns; /* ended by {0} */
    const char *key;             /* "community, id" */
    uint32_t flags;
    const store_index *indexes; /* ended by {0}, or NULL */
} store_table;

/* One step of one room's schema; applied once, in the order of the list. Fresh stores run them all. A list is static;
 * steps already released are never edited. */
typedef struct store_migration {
    const char *room;
    int version;                      /* 1, 2, ... within its room */
    const store_table *const *create; /* NULL-ended, or NULL */
    const store_table *const
        *extend;            /* NULL-ended, or NULL: adds these columns (all nullable) and indexes */
    const char *const *sql; /* NULL-ended, or NULL: portable statements, run last */
} store_migration;

/* ---- open and close ---- */

enum {
    STORE_CREATE =
        1, /* make the file (not the PostgreSQL database) and the schema when there is none */
    STORE_READ_ONLY = 2, /* writes are refused with GOV_E_READONLY */
    STORE_UPGRADE = 4,   /* bring an older schema up to date instead of refusing with GOV_E_OLDER */
    STORE_FAST =
        8 /* SQLite: synchronous=NORMAL. A power cut may lose the last commits, never the file */
};

typedef enum store_kind { STORE_SQLITE, STORE_POSTGRES } store_kind;

/* "sqlite:FILE", a bare path, ":memory:", or "postgresql://user@host:port/database?..." (also a socket directory as
 * host=...). Everything about the connection is in the URL: environment variables that libpq knows are overridden,
 * except PGSERVICE, PGSYSCONFDIR and those that only concern message locale, which libpq gives no way to override. */
typedef struct store_config {
    const char *url;
    uint32_t flags;
    int32_t busy_ms;   /* how long to wait for another's lock; 0: 5000, negative: not at all */
    int64_t cache_kib; /* SQLite page cache; 0: 32 MiB */
    const char *vfs;   /* SQLite VFS, for tests and counting; NULL: the default */
    const store_migration *const
        *migrations; /* the library's schema, in order; NULL: do not look at the schema */
    size_t migration_count;
} store_config;

/* GOV_E_NOT_FOUND: no such file and no STORE_CREATE (nothing is made). GOV_E_CORRUPT, _NEWER, _OLDER, _BUSY, _READONLY,
 * _FULL as they say; GOV_E_UNSUPPORTED: built without PostgreSQL; GOV_E_STORE else. */
gov_status store_open(const gov_allocator *a, const store_config *config, store **out,
                      const diag *d);
void store_close(store *s); /* rolls back what is open; NULL is allowed. In a child after fork() only memory is freed. */
/* GOV_E_STATE in a child of the process that opened it, as all that works on the store is there. Costs no system call. */
gov_status store_check_process(store *s, const diag *d);

/* Creates or upgrades, in one transaction; what store_open does under STORE_CREATE or STORE_UPGRADE. */
gov_status store_migrate(store *s, const store_migration *const *list, size_t count, const diag *d);
/* GOV_OK, GOV_E_OLDER, GOV_E_NEWER; a store without any schema: GOV_END. Reports nothing but failures. */
gov_status store_schema_state(store *s, const store_migration *const *list, size_t count,
                              const diag *d);

store_kind store_kind_of(const store *s);
const gov_allocator *store_allocator(const store *s);
/* Is that path, through whatever links, the store's file or one that the engine keeps beside it? */
bool store_has_file(const store *s, const char *path);
bool store_is_read_only(const store *s);

/* ---- transactions ---- */

/* All writes, and reads that belong together, happen in a transaction. After any failure in it the transaction (or the
 * innermost savepoint) accepts nothing but rollback: on both engines alike, GOV_E_STATE. */
gov_status store_begin(store *s, const diag *d); /* to write: BEGIN IMMEDIATE; READ COMMITTED */
gov_status store_begin_read(store *s, const diag *d); /* one snapshot, no writes */
/* Runs the before_commit hooks, flushes, commits. On failure everything is rolled back. GOV_E_UNKNOWN_OUTCOME: the
 * connection went away during COMMIT; open anew and look for the transaction's journal entry. */
gov_status store_commit(store *s, const diag *d);
void store_rollback(store *s); /* the whole transaction; harmless without one */

gov_status store_savepoint(store *s, const diag *d); /* nests */
gov_status store_release(store *s,
                         const diag *d); /* keeps what was done since the innermost savepoint */
gov_status store_rollback_to(store *s, const diag *d); /* undoes it, and ends the savepoint */

/* What was read of it is not what can have been written: reports GOV_E_CORRUPT, with the store's place. */
gov_status store_damaged(store *s, const char *why, const diag *d);
/* A document that was stored; one that cannot be read is damage. As value_read_document() otherwise. */
gov_status store_read_document(store *s, base_arena *arena, const char *text, size_t len, value *out, const diag *d);
bool store_in_transaction(const store *s);
int store_depth(const store *s); /* 0 none, 1 a transaction, 2.. savepoints */

/* Runs body in a transaction of its own, or, when one is open, in a savepoint. Commits when body gives GOV_OK, else undoes
 * and passes its status on. Outermost, a body that failed with class STORE_RETRY is run again, 5 times at most; the
 * diagnostics of tries that were repeated are dropped. Never sleeps: waiting is the engine's busy timeout. */
gov_status store_run(store *s, gov_status (*body)(void *user, const diag *d), void *user,
                     const diag *d);

/* For rooms that keep state beside the transaction. Registered once per store, called in the order of registering. */
typedef struct store_hook {
    gov_status (*before_commit)(void *user, const diag *d); /* still inside; may write */
    void (*savepoint)(void *user, int depth);               /* depth after opening: 2.. */
    void (*released)(void *user, int depth);                /* depth before releasing */
    void (*undone)(
        void *user,
        int depth); /* rolled back to before savepoint `depth`; 1: the whole transaction */
    void (*committed)(void *user);
    void *user;
} store_hook; /* NULL members are skipped */
gov_status store_add_hook(store *s, const store_hook *hook, const diag *d);
void store_remove_hook(store *s, void *user); /* all hooks with that user */

/* Cached rows are valid while this number stays the same. It moves when another connection has committed (SQLite), at each
 * transaction's start (PostgreSQL), and when a transaction or savepoint is undone. */
uint64_t store_epoch(store *s);

/* ---- reading ---- */

typedef struct store_rows {
    store *s;
    void *statement; /* the engine's */
    void *result;
    int32_t row, row_count, column_count;
    bool done;
} store_rows;

/* Rows are then read by store_next: GOV_OK a row, GOV_END no more (and closed). Close when leaving earlier; closing twice
 * is harmless. Queries may be nested. PostgreSQL holds the whole answer in memory: page with LIMIT. */
gov_status store_query(store *s, const store_sql *sql, const store_arg *args, size_t n,
                       store_rows *rows, const diag *d);
gov_status store_next(store_rows *rows, const diag *d);
void store_rows_close(store_rows *rows);
/* The first row at once: GOV_OK (then close the rows), or GOV_END (nothing to close). */
gov_status store_first(store *s, const store_sql *sql, const store_arg *args, size_t n,
                       store_rows *rows, const diag *d);
/* The first column of the first row; GOV_END leaves *out alone. NULL counts as 0. */
gov_status store_first_int(store *s, const store_sql *sql, const store_arg *args, size_t n,
                           int64_t *out, const diag *d);

/* Columns count from 0. Text and bytes are borrowed until the next store_next or close; text is NUL-terminated. NULL
 * gives 0, or "" with length 0. */
int64_t store_int(store_rows *rows, int column);
const char *store_text(store_rows *rows, int column, size_t *len); /* len may be NULL */
const void *store_bytes(store_rows *rows, int column, size_t *len);
bool store_is_null(store_rows *rows, int column);

/* ---- writing ---- */

enum { STORE_ANY_ROWS = -1 };

/* Queues a write (SQLite does it at once). expect: the number of rows that must change, or STORE_ANY_ROWS; another number
 * is GOV_E_CONFLICT, class STORE_MISMATCH. On PostgreSQL failures may come to light at a later call of the same
 * transaction: the next query, flush or commit. */
gov_status store_post(store *s, const store_sql *sql, const store_arg *args, size_t n,
                      int64_t expect, const diag *d);
/* The same, at once, telling how many rows changed (ON CONFLICT DO NOTHING). */
gov_status store_exec(store *s, const store_sql *sql, const store_arg *args, size_t n,
                      int64_t *changed, const diag *d);
gov_status store_flush(store *s, const diag *d); /* everything queued has happened, or failed */

/* Values of one column, for n rows. */
typedef struct store_span {
    const void *p; /* NULL: SQL NULL */
    size_t len;
} store_span;
typedef struct store_array {
    const int64_t *ints;     /* for INT and BOOL columns */
    const store_span *spans; /* for TEXT and BYTES columns */
    const bool *nulls;       /* for ints; NULL: none is NULL */
    bool same;               /* one value for all rows: only element 0 is read */
} store_array;

/* Shapes are `static const`, cached by address like store_sql. */
typedef struct store_insert {
    const store_table *table;
    const char *columns; /* "community, id, at_us", in the order of the arrays */
} store_insert;
typedef struct store_change {
    const store_table *table;
    const char *key; /* "community, id": a unique key of the table; its arrays come first */
    const char
        *set; /* "state, version+": a name with + adds to the column instead of replacing it */
} store_change;

/* Inserts n rows (SQLite: one statement stepped; PostgreSQL: unnest for few, binary COPY for many). */
gov_status store_bulk(store *s, const store_insert *shape, const store_array *arrays, size_t n,
                      const diag *d);
/* Updates by key, one row each: exactly n rows must change, else as in store_post. Keys must differ from one another. */
gov_status store_many(store *s, const store_change *shape, const store_array *arrays, size_t n,
                      const diag *d);
/* The same for rows that are known to be there, with all columns of the table in the shape: SQLite writes each as a whole without
 * reading the old one, at half the price (and would make a row that is not there). */
gov_status store_renew(store *s, const store_change *shape, const store_array *arrays, size_t n,
                       const diag *d);

/* ---- what went wrong ---- */

typedef enum store_error {
    STORE_FINE,
    STORE_RETRY,     /* GOV_E_RETRY: deadlock, serialization: run the transaction again */
    STORE_LOCKED,    /* GOV_E_BUSY: another process kept its lock past the timeout */
    STORE_DUPLICATE, /* GOV_E_EXISTS: a unique key is taken */
    STORE_CHECK,     /* GOV_E_BUG: a CHECK or NOT NULL refused the row (rooms check first) */
    STORE_MISMATCH,  /* GOV_E_CONFLICT: another number of rows than expected */
    STORE_GONE,      /* GOV_E_STORE: the connection is lost; nothing was committed */
    STORE_UNKNOWN,   /* GOV_E_UNKNOWN_OUTCOME */
    STORE_DAMAGED,   /* GOV_E_CORRUPT */
    STORE_NO_SPACE,  /* GOV_E_FULL */
    STORE_NO_WRITE,  /* GOV_E_READONLY */
    STORE_NO_MEMORY, /* GOV_E_NOMEM */
    STORE_OTHER,     /* GOV_E_STORE: I/O errors and the rest */
    STORE_BUG        /* GOV_E_BUG: our SQL or our use of this room is wrong */
} store_error;
store_error store_error_class(const store *s); /* of the last failure */

/* ---- ids ---- */

/* 2020-01-01T00:00:00Z in milliseconds since 1970: where the 41 bits of an id's time start (they end in 2089). */
#define STORE_ID_EPOCH_MS INT64_C(1577836800000)

/* GOV_E_RANGE for a clock of the machine that no id can be made of. */
gov_status store_check_clock(int64_t real_ms, const diag *d);

/* A new id, greater than every id made or seen before by this store: 41 bits of milliseconds, 10 of node, 12 of sequence,
 * positive. Only inside a write transaction. real_ms is the machine's clock, never the community's `now`. */
gov_status store_new_id(store *s, int64_t real_ms, int64_t *id, const diag *d);
/* n ids, consecutive calls at once; ids[0] < ids[1] < ... */
gov_status store_new_ids(store *s, int64_t real_ms, size_t n, int64_t *ids, const diag *d);
void store_seen_id(store *s, int64_t id); /* an id read under lock: later ones shall be greater */
static inline int64_t store_id_ms(int64_t id)
{
    return (id >> 22) + STORE_ID_EPOCH_MS;
} /* since 1970 */

/* ---- keeping ---- */

/* Copies the live store into a new file (which must not exist); progress may be NULL, and stops the copy by giving other
 * than GOV_OK. PostgreSQL: GOV_E_UNSUPPORTED (pg_dump does it). */
gov_status store_backup(store *s, const char *path,
                        gov_status (*progress)(void *user, int64_t done_pages, int64_t all_pages),
                        void *user, const diag *d);
gov_status store_checkpoint(store *s,
                            const diag *d); /* SQLite: moves the WAL into the file; else nothing */
/* The engine's own check of its file (SQLite: integrity_check, first finding reported); GOV_E_CORRUPT. */
gov_status store_check(store *s, const diag *d);
/* GOV_E_CORRUPT, naming it, when a table, column or index of the schema that the store was opened with is gone. */
gov_status store_check_schema(store *s, const diag *d);

/* A small durable note of the store itself (host key id, ...); name up to 60 bytes. Write inside a transaction. */
gov_status store_meta_get(store *s, const char *name, base_buf *out,
                          const diag *d); /* GOV_END: none */
gov_status store_meta_put(store *s, const char *name, const void *p, size_t len, const diag *d);

#endif
