/* What only the files of room store share: the store's inside, and what an engine must do. */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/store.h"

#include <sys/types.h>

/* A cached statement, kept under the address of what it was made from. Engines embed it as their first member. */
typedef struct store_cached {
    const void *key;
    struct store_cached *next; /* all of the connection, for closing */
} store_cached;

enum { SHAPE_MAX = 40 };

/* A store_insert or store_change, parsed: columns as members of the table. */
typedef struct store_shape {
    const store_table *table;
    const store_column *columns[SHAPE_MAX];
    bool add[SHAPE_MAX];
    size_t key_count; /* 0: an insert */
    size_t count;
} store_shape;

typedef struct store_engine {
    void (*close)(store *s);
    gov_status (*begin)(store *s, bool write, const diag *d);
    gov_status (*commit)(store *s, const diag *d); /* on failure nothing is left open */
    void (*rollback)(store *s);
    gov_status (*savepoint)(store *s, int depth, const diag *d);
    gov_status (*release)(store *s, int depth, const diag *d);
    gov_status (*rollback_to)(store *s, int depth,
                              const diag *d); /* undoes and ends savepoint `depth` */
    gov_status (*query)(store *s, const store_sql *sql, const store_arg *args, size_t n,
                        store_rows *rows, const diag *d);
    gov_status (*next)(store_rows *rows, const diag *d);
    void (*close_rows)(store_rows *rows);
    int64_t (*get_int)(store_rows *rows, int column);
    const void *(*get_bytes)(store_rows *rows, int column, size_t *len, bool text);
    bool (*is_null)(store_rows *rows, int column);
    /* changed NULL: may be queued, and must change `expect` rows; else at once, and tells. */
    gov_status (*write)(store *s, const store_sql *sql, const store_arg *args, size_t n,
                        int64_t expect, int64_t *changed, const diag *d);
    gov_status (*flush)(store *s, const diag *d);
    gov_status (*bulk)(store *s, const store_insert *shape, const store_array *arrays, size_t n,
                       const diag *d);
    gov_status (*many)(store *s, const store_change *shape, const store_array *arrays, size_t n,
                       const diag *d);
    gov_status (*renew)(store *s, const store_change *shape, const store_array *arrays, size_t n,
                        const diag *d);
    gov_status (*script)(store *s, const char *text, const diag *d); /* DDL, at once */
    gov_status (*has_schema)(store *s, bool *has,
                             const diag *d); /* fails on what is no store of ours */
    gov_status (*mark_schema)(store *s, int64_t steps, bool fresh, const diag *d);
    bool (*moved)(store *s); /* outside transactions: may cached rows be stale? */
    gov_status (*backup)(store *s, const char *path,
                         gov_status (*progress)(void *, int64_t, int64_t), void *user,
                         const diag *d);
    gov_status (*checkpoint)(store *s, const diag *d);
    gov_status (*check)(store *s, const diag *d);
} store_engine;

struct store {
    const gov_allocator *alloc;
    const store_engine *engine;
    void *inside; /* the engine's own */
    char *place;  /* the file, or the server without its password; for messages */
    store_kind kind;
    uint32_t flags;
    int32_t busy_ms;
    store_error error;
    int depth;
    bool writing, failed, in_hook;
    bool opened; /* to the end; what was made before that is taken away again */
    uint64_t epoch;
    int64_t schema_mark; /* what the store says of its schema; 0: not looked at */
    const store_migration *const *migrations; /* as the store was opened with; NULL: none */
    size_t migration_count;
    store_hook *hooks;
    size_t hook_count, hook_cap;
    store_cached **slots; /* open addressing by key */
    size_t slot_count, cached_count;
    store_cached *cached;
    int64_t last_id, saved_id; /* saved_id: the mark as it stands in the store */
    int64_t node;              /* already shifted into place */
    bool id_known;
    uint64_t id_epoch;
    const volatile unsigned char *unforked; /* wiped for a child; NULL: compare `process` */
    pid_t process;
};

/* process.c */
void store_process_note(store *s); /* it belongs to this process */
void store_process_forget(store *s);
bool store_forked(const store *s); /* is this a child of the process that opened it? */

/* sqlite.c, store_pg.c: fill in *s; on failure what they made is freed by engine->close if engine is set. */
gov_status store_sqlite_open(store *s, const store_config *config, const char *path, const diag *d);
gov_status store_pg_open(store *s, const store_config *config, const char *url, const diag *d);

/* readable.c */
struct sqlite3;
/* sqlite_backup.c: inside a read transaction of `from`. */
typedef gov_status (*store_progress)(void *user, int64_t done_pages, int64_t all_pages);
gov_status store_sqlite_copy(store *s, struct sqlite3 *from, const char *path, store_progress progress, void *user, const diag *d);
bool store_wants_space(struct sqlite3 *db,
                       int code); /* did a call that failed with it want space? */
/* The name by which SQLite opens a file that nobody changes meanwhile, without files beside it. */
void store_write_immutable(base_buf *out, const char *path);
/* Is there nothing in FILE-wal that is not in the file yet? */
gov_status store_log_is_empty(store *s, bool *empty, const diag *d);

/* store.c */
/* Notes the class, spoils the transaction, reports; what: the engine's words. */
gov_status store_fail(store *s, store_error error, const char *what, const diag *d);
gov_status store_misuse(store *s, const char *what, const diag *d); /* STORE_BUG */
gov_status store_nomem(store *s, const diag *d);
gov_status store_mismatch(store *s, const char *sql, int64_t expected, int64_t found,
                          const diag *d);
gov_status store_check_args(store *s, const store_arg *args, size_t n,
                            const diag *d); /* U+0000 in text */
store_cached *store_cache_find(const store *s, const void *key);
bool store_cache_put(store *s, store_cached *c);

/* shape.c */
gov_status store_shape_insert(store *s, const store_insert *in, store_shape *out, const diag *d);
gov_status store_shape_change(store *s, const store_change *in, store_shape *out, const diag *d);
/* What the embedded engine prepares: one row's parameters in the order of the arrays. */
void store_shape_write_insert(base_buf *out, const char *verb, const store_shape *shape);
void store_shape_write_update(base_buf *out, const store_shape *shape);
bool store_shape_is_whole(const store_shape *shape); /* all columns of the table, none added to */
store_arg store_array_at(const store_column *column, const store_array *array, size_t row);
gov_status store_check_array(store *s, const store_column *column, const store_array *array,
                             size_t n, const diag *d);

/* ids.c */
gov_status store_ids_save(store *s, const diag *d); /* before COMMIT */
void store_ids_undone(store *s);
gov_status store_ids_lease(store *s, const diag *d); /* PostgreSQL, once per connection */

#endif
