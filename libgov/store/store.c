/* What both engines have in common: addresses, transactions and their hooks, errors, the statement cache. */
#include "store/engine.h"

#include <string.h>

enum { DEFAULT_BUSY_MS = 5000, MAX_TRIES = 5 };

store_arg store_s(const char *s)
{
    return store_t(s, s != NULL ? strlen(s) : 0);
}

/* ---- errors ---- */

static gov_status report(store *s, store_error error, const char *what, const diag *d)
{
    switch (error) {
    case STORE_FINE:
    case STORE_MISMATCH: break;
    case STORE_RETRY: return base_fail(d, M_store_retry, A_S("why", what));
    case STORE_LOCKED: return base_fail(d, M_store_busy, A_S("place", s->place));
    case STORE_DUPLICATE: return base_fail(d, M_store_duplicate, A_S("why", what));
    case STORE_CHECK: return base_fail(d, M_store_row_refused, A_S("why", what));
    case STORE_GONE: return base_fail(d, M_store_gone, A_S("place", s->place), A_S("why", what));
    case STORE_UNKNOWN: return base_fail(d, M_store_unknown_outcome, A_S("place", s->place));
    case STORE_DAMAGED:
        return base_fail(d, M_store_corrupt, A_S("place", s->place), A_S("why", what));
    case STORE_NO_SPACE: return base_fail(d, M_store_full, A_S("place", s->place));
    case STORE_NO_WRITE: return base_fail(d, M_store_readonly, A_S("place", s->place));
    case STORE_NO_MEMORY: return base_nomem(d);
    case STORE_OTHER: return base_fail(d, M_store_failed, A_S("place", s->place), A_S("why", what));
    case STORE_BUG: return base_fail(d, M_store_bug, A_S("why", what));
    }
    return base_fail(d, M_internal, A_S("what", "store error class"));
}

gov_status store_damaged(store *s, const char *why, const diag *d)
{
    return report(s, STORE_DAMAGED, why, d);
}

gov_status store_read_document(store *s, base_arena *arena, const char *text, size_t len, value *out, const diag *d)
{
    gov_error *why = NULL;
    const diag inner = {arena->alloc, &why};
    gov_status status = value_read_document(arena, text, len, out, &inner);
    if (status == GOV_E_NOMEM)
        status = base_nomem(d);
    else if (status != GOV_OK)
        status = store_damaged(s, base_text_or_empty(gov_error_message(why, 0, "en")), d);
    gov_error_free(why);
    return status;
}

static void spoil(store *s, store_error error)
{
    s->error = error;
    s->failed = s->depth > 0;
}

gov_status store_fail(store *s, store_error error, const char *what, const diag *d)
{
    spoil(s, error);
    return report(s, error, what, d);
}

gov_status store_misuse(store *s, const char *what, const diag *d)
{
    return store_fail(s, STORE_BUG, what, d);
}

gov_status store_nomem(store *s, const diag *d)
{
    return store_fail(s, STORE_NO_MEMORY, "", d);
}

gov_status store_mismatch(store *s, const char *sql, int64_t expected, int64_t found, const diag *d)
{
    spoil(s, STORE_MISMATCH);
    return base_fail(d, M_store_mismatch, A_I("expected", expected), A_I("found", found),
                     A_S("sql", sql));
}

store_error store_error_class(const store *s)
{
    return s->error;
}

gov_status store_check_args(store *s, const store_arg *args, size_t n, const diag *d)
{
    for (size_t i = 0; i < n; i++) {
        if (args[i].type == STORE_TEXT && !args[i].null &&
            memchr(args[i].p, 0, args[i].len) != NULL) {
            spoil(s, STORE_BUG);
            return base_fail(d, M_store_nul_in_text);
        }
    }
    return GOV_OK;
}

static gov_status wrong_state(store *s, const char *why, const diag *d)
{
    s->error = STORE_BUG;
    return base_fail(d, M_store_state, A_S("why", why));
}

/* What spoilt it is named again where it lies outside: whoever passed over the first report must not hide it. */
static gov_status spoilt(store *s, const diag *d)
{
    if (s->error == STORE_GONE)
        return report(s, s->error, "an earlier call has lost it", d);
    return s->error == STORE_NO_SPACE ? report(s, s->error, "", d) : base_fail(d, M_store_spoilt);
}

/* Refuses work in a spoilt transaction, and writes outside one. */
static gov_status ready(store *s, bool write, const diag *d)
{
    if (store_forked(s))
        return store_check_process(s, d);
    if (s->failed)
        return spoilt(s, d);
    if (write && !s->writing) {
        if (s->flags & STORE_READ_ONLY)
            return store_fail(s, STORE_NO_WRITE, "", d);
        return wrong_state(s, "writing needs a transaction begun for writing", d);
    }
    return GOV_OK;
}

/* ---- the statement cache ---- */

static size_t slot_of(const store *s, const void *key)
{
    const uint64_t h = (uint64_t)(uintptr_t)key * UINT64_C(0x9E3779B97F4A7C15);
    size_t i = (size_t)(h >> 32) & (s->slot_count - 1);
    while (s->slots[i] != NULL && s->slots[i]->key != key)
        i = (i + 1) & (s->slot_count - 1);
    return i;
}

store_cached *store_cache_find(const store *s, const void *key)
{
    return s->slot_count > 0 ? s->slots[slot_of(s, key)] : NULL;
}

bool store_cache_put(store *s, store_cached *c)
{
    if ((s->cached_count + 1) * 2 > s->slot_count) {
        const size_t count = s->slot_count > 0 ? s->slot_count * 2 : 64;
        store_cached **slots = base_array(s->alloc, count, sizeof *slots);
        if (slots == NULL)
            return false;
        base_free(s->alloc, s->slots);
        s->slots = slots;
        s->slot_count = count;
        for (store_cached *old = s->cached; old != NULL; old = old->next)
            s->slots[slot_of(s, old->key)] = old;
    }
    s->slots[slot_of(s, c->key)] = c;
    c->next = s->cached;
    s->cached = c;
    s->cached_count++;
    return true;
}

/* ---- open and close ---- */

static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static gov_status open_engine(store *s, const store_config *config, const diag *d)
{
    const char *url = config->url;
    if (starts_with(url, "postgresql://") || starts_with(url, "postgres://")) {
#ifdef GOV_HAVE_PQ
        return store_pg_open(s, config, url, d);
#else
        return base_fail(d, M_unsupported, A_S("what", "PostgreSQL"));
#endif
    }
    if (strstr(url, "://") != NULL)
        return base_fail(d, M_store_url, A_S("url", url));
    const char *path = starts_with(url, "sqlite:") ? url + strlen("sqlite:") : url;
    if (*path == '\0')
        return base_fail(d, M_store_url, A_S("url", url));
    return store_sqlite_open(s, config, path, d);
}

/* The schema as this library wants it, or a refusal that names the room. */
static gov_status settle_schema(store *s, const store_config *config, const diag *d)
{
    const store_migration *const *list = config->migrations;
    if (list == NULL)
        return GOV_OK;
    const gov_status state = store_schema_state(s, list, config->migration_count, d);
    if (state == GOV_END) {
        if (!(config->flags & STORE_CREATE))
            return store_fail(s, STORE_DAMAGED, "no schema", d);
        return store_migrate(s, list, config->migration_count, d);
    }
    if (state == GOV_E_OLDER && config->flags & STORE_UPGRADE) {
        if (d != NULL && d->out != NULL) {
            gov_error_free(*d->out);
            *d->out = NULL;
        }
        return store_migrate(s, list, config->migration_count, d);
    }
    return state;
}

gov_status store_open(const gov_allocator *a, const store_config *config, store **out,
                      const diag *d)
{
    *out = NULL;
    if (config->url == NULL)
        return base_fail(d, M_store_url, A_S("url", ""));
    store *s = base_alloc(a, sizeof *s);
    if (s == NULL)
        return base_nomem(d);
    s->alloc = a;
    s->flags = config->flags & STORE_READ_ONLY ? STORE_READ_ONLY : config->flags;
    s->busy_ms = config->busy_ms == 0 ? DEFAULT_BUSY_MS : config->busy_ms < 0 ? 0 : config->busy_ms;
    s->epoch = 1;
    store_process_note(s);
    s->migrations = config->migrations;
    s->migration_count = config->migrations != NULL ? config->migration_count : 0;
    gov_status rc = open_engine(s, config, d);
    if (rc == GOV_OK)
        rc = settle_schema(s, config, d);
    if (rc == GOV_OK && config->migrations != NULL)
        rc = store_ids_lease(s, d);
    if (rc != GOV_OK) {
        store_close(s);
        return rc;
    }
    s->opened = true;
    *out = s;
    return GOV_OK;
}

void store_close(store *s)
{
    if (s == NULL)
        return;
    store_rollback(s);
    if (s->engine != NULL && !store_forked(s)) /* a child that closed it would close its parent's */
        s->engine->close(s);
    store_process_forget(s);
    base_free(s->alloc, s->place);
    base_free(s->alloc, s->hooks);
    base_free(s->alloc, s->slots);
    base_free(s->alloc, s);
}

store_kind store_kind_of(const store *s)
{
    return s->kind;
}

const gov_allocator *store_allocator(const store *s)
{
    return s->alloc;
}

bool store_is_read_only(const store *s)
{
    return (s->flags & STORE_READ_ONLY) != 0;
}

/* ---- hooks ---- */

gov_status store_add_hook(store *s, const store_hook *hook, const diag *d)
{
    if (!base_grow(s->alloc, &s->hooks, &s->hook_cap, s->hook_count, sizeof *s->hooks))
        return base_nomem(d);
    s->hooks[s->hook_count++] = *hook;
    return GOV_OK;
}

void store_remove_hook(store *s, void *user)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->hook_count; i++)
        if (s->hooks[i].user != user)
            s->hooks[kept++] = s->hooks[i];
    s->hook_count = kept;
}

static gov_status run_before_commit(store *s, const diag *d)
{
    gov_status rc = GOV_OK;
    s->in_hook = true;
    for (size_t i = 0; i < s->hook_count && rc == GOV_OK; i++)
        if (s->hooks[i].before_commit != NULL)
            rc = s->hooks[i].before_commit(s->hooks[i].user, d);
    s->in_hook = false;
    return rc;
}

static void tell_undone(store *s, int depth)
{
    s->epoch++;
    store_ids_undone(s);
    for (size_t i = 0; i < s->hook_count; i++)
        if (s->hooks[i].undone != NULL)
            s->hooks[i].undone(s->hooks[i].user, depth);
}

/* ---- transactions ---- */

static gov_status begin(store *s, bool write, const diag *d)
{
    const gov_status own = store_check_process(s, d);
    if (own != GOV_OK)
        return own;
    if (s->depth != 0)
        return wrong_state(s, "a transaction is open already", d);
    if (write && s->flags & STORE_READ_ONLY)
        return store_fail(s, STORE_NO_WRITE, "", d);
    s->error = STORE_FINE;
    const gov_status rc = s->engine->begin(s, write, d);
    if (rc != GOV_OK)
        return rc;
    s->depth = 1;
    s->writing = write;
    s->failed = false;
    return GOV_OK;
}

gov_status store_begin(store *s, const diag *d)
{
    return begin(s, true, d);
}

gov_status store_begin_read(store *s, const diag *d)
{
    return begin(s, false, d);
}

static void ended(store *s)
{
    s->depth = 0;
    s->writing = s->failed = false;
}

gov_status store_commit(store *s, const diag *d)
{
    if (s->depth != 1 || s->in_hook)
        return wrong_state(s, s->depth == 0 ? "no transaction is open" : "a savepoint is open", d);
    const bool wrote = s->writing;
    gov_status rc = s->failed ? spoilt(s, d) : store_check_process(s, d);
    if (rc == GOV_OK && wrote)
        rc = run_before_commit(s, d);
    if (rc == GOV_OK && wrote)
        rc = store_ids_save(s, d);
    if (rc == GOV_OK && s->failed)
        rc = spoilt(s, d);
    if (rc == GOV_OK)
        rc = s->engine->commit(s, d);
    if (rc != GOV_OK) {
        store_rollback(s);
        return rc;
    }
    ended(s);
    for (size_t i = 0; wrote && i < s->hook_count; i++)
        if (s->hooks[i].committed != NULL)
            s->hooks[i].committed(s->hooks[i].user);
    return GOV_OK;
}

void store_rollback(store *s)
{
    if (s->depth == 0)
        return;
    const bool wrote = s->writing;
    if (!store_forked(s)) /* it is the parent's to undo */
        s->engine->rollback(s);
    ended(s);
    if (wrote)
        tell_undone(s, 1);
}

gov_status store_savepoint(store *s, const diag *d)
{
    if (s->depth == 0)
        return wrong_state(s, "no transaction is open", d);
    gov_status rc = ready(s, false, d);
    if (rc == GOV_OK)
        rc = s->engine->savepoint(s, s->depth + 1, d);
    if (rc != GOV_OK)
        return rc;
    s->depth++;
    for (size_t i = 0; i < s->hook_count; i++)
        if (s->hooks[i].savepoint != NULL)
            s->hooks[i].savepoint(s->hooks[i].user, s->depth);
    return GOV_OK;
}

gov_status store_release(store *s, const diag *d)
{
    if (s->depth < 2)
        return wrong_state(s, "no savepoint is open", d);
    gov_status rc = ready(s, false, d);
    if (rc == GOV_OK)
        rc = s->engine->release(s, s->depth, d);
    if (rc != GOV_OK)
        return rc;
    for (size_t i = 0; i < s->hook_count; i++)
        if (s->hooks[i].released != NULL)
            s->hooks[i].released(s->hooks[i].user, s->depth);
    s->depth--;
    return GOV_OK;
}

gov_status store_rollback_to(store *s, const diag *d)
{
    if (s->depth < 2)
        return wrong_state(s, "no savepoint is open", d);
    gov_status rc = store_check_process(s, d);
    if (rc == GOV_OK)
        rc = s->engine->rollback_to(s, s->depth, d);
    s->failed = rc != GOV_OK; /* the engine has lost the whole transaction: only rollback is left */
    const int depth = s->depth--;
    if (s->writing)
        tell_undone(s, depth);
    return rc;
}

bool store_in_transaction(const store *s)
{
    return s->depth > 0;
}

int store_depth(const store *s)
{
    return s->depth;
}

static gov_status run_nested(store *s, gov_status (*body)(void *, const diag *), void *user,
                             const diag *d)
{
    gov_status rc = store_savepoint(s, d);
    if (rc != GOV_OK)
        return rc;
    const int depth = s->depth;
    rc = body(user, d);
    if (rc == GOV_OK && s->depth != depth)
        rc = store_misuse(s, "a body left a savepoint open or closed one too many", d);
    if (rc == GOV_OK)
        rc = s->failed ? spoilt(s, d) : store_flush(s, d);
    if (rc == GOV_OK)
        return store_release(s, d);
    gov_status undone = GOV_OK;
    while (s->depth >= depth) {
        const gov_status one = store_rollback_to(s, NULL);
        undone = undone == GOV_OK ? one : undone;
    }
    /* Nobody may go on as if only the body had failed: the whole transaction is spoilt. */
    if (undone != GOV_OK && rc >= GOV_E_INPUT && rc < GOV_E_STORE)
        return undone == GOV_E_NOMEM ? base_nomem(d) : spoilt(s, d);
    return rc;
}

gov_status store_run(store *s, gov_status (*body)(void *user, const diag *d), void *user,
                     const diag *d)
{
    if (s->depth > 0)
        return run_nested(s, body, user, d);
    gov_status rc = GOV_OK;
    for (int try = 1; try <= MAX_TRIES; try++) {
        if (try > 1 && d != NULL && d->out != NULL) {
            gov_error_free(*d->out);
            *d->out = NULL;
        }
        rc = store_begin(s, d);
        if (rc == GOV_OK) {
            rc = body(user, d);
            if (rc == GOV_OK)
                rc = store_commit(s, d);
            else
                store_rollback(s);
        }
        if (rc == GOV_OK || s->error != STORE_RETRY)
            return rc;
    }
    return rc;
}

uint64_t store_epoch(store *s)
{
    if (s->depth == 0 && !store_forked(s) && s->engine->moved(s))
        s->epoch++;
    return s->epoch;
}

/* ---- reading and writing ---- */

gov_status store_query(store *s, const store_sql *sql, const store_arg *args, size_t n,
                       store_rows *rows, const diag *d)
{
    *rows = (store_rows){.s = s, .done = true};
    gov_status rc = ready(s, false, d);
    if (rc == GOV_OK)
        rc = store_check_args(s, args, n, d);
    if (rc != GOV_OK)
        return rc;
    return s->engine->query(s, sql, args, n, rows, d);
}

gov_status store_next(store_rows *rows, const diag *d)
{
    if (rows->done)
        return GOV_END;
    const gov_status rc = rows->s->engine->next(rows, d);
    if (rc != GOV_OK)
        store_rows_close(rows);
    return rc;
}

void store_rows_close(store_rows *rows)
{
    if (rows->s != NULL && !rows->done)
        rows->s->engine->close_rows(rows);
    rows->done = true;
}

gov_status store_first(store *s, const store_sql *sql, const store_arg *args, size_t n,
                       store_rows *rows, const diag *d)
{
    const gov_status rc = store_query(s, sql, args, n, rows, d);
    return rc == GOV_OK ? store_next(rows, d) : rc;
}

gov_status store_first_int(store *s, const store_sql *sql, const store_arg *args, size_t n,
                           int64_t *out, const diag *d)
{
    store_rows rows;
    const gov_status rc = store_first(s, sql, args, n, &rows, d);
    if (rc == GOV_OK) {
        *out = store_int(&rows, 0);
        store_rows_close(&rows);
    }
    return rc;
}

int64_t store_int(store_rows *rows, int column)
{
    return rows->done ? 0 : rows->s->engine->get_int(rows, column);
}

const char *store_text(store_rows *rows, int column, size_t *len)
{
    size_t n = 0;
    const char *text = rows->done ? NULL : rows->s->engine->get_bytes(rows, column, &n, true);
    if (len != NULL)
        *len = text != NULL ? n : 0;
    return text != NULL ? text : "";
}

const void *store_bytes(store_rows *rows, int column, size_t *len)
{
    size_t n = 0;
    const void *p = rows->done ? NULL : rows->s->engine->get_bytes(rows, column, &n, false);
    if (len != NULL)
        *len = p != NULL ? n : 0;
    return p != NULL ? p : "";
}

bool store_is_null(store_rows *rows, int column)
{
    return rows->done || rows->s->engine->is_null(rows, column);
}

gov_status store_post(store *s, const store_sql *sql, const store_arg *args, size_t n,
                      int64_t expect, const diag *d)
{
    gov_status rc = ready(s, true, d);
    if (rc == GOV_OK)
        rc = store_check_args(s, args, n, d);
    if (rc != GOV_OK)
        return rc;
    return s->engine->write(s, sql, args, n, expect, NULL, d);
}

gov_status store_exec(store *s, const store_sql *sql, const store_arg *args, size_t n,
                      int64_t *changed, const diag *d)
{
    *changed = 0;
    gov_status rc = ready(s, true, d);
    if (rc == GOV_OK)
        rc = store_check_args(s, args, n, d);
    if (rc != GOV_OK)
        return rc;
    return s->engine->write(s, sql, args, n, STORE_ANY_ROWS, changed, d);
}

gov_status store_flush(store *s, const diag *d)
{
    const gov_status rc = ready(s, false, d);
    return rc == GOV_OK ? s->engine->flush(s, d) : rc;
}

gov_status store_bulk(store *s, const store_insert *shape, const store_array *arrays, size_t n,
                      const diag *d)
{
    const gov_status rc = ready(s, true, d);
    if (rc != GOV_OK || n == 0)
        return rc;
    return s->engine->bulk(s, shape, arrays, n, d);
}

gov_status store_many(store *s, const store_change *shape, const store_array *arrays, size_t n,
                      const diag *d)
{
    const gov_status rc = ready(s, true, d);
    if (rc != GOV_OK || n == 0)
        return rc;
    return s->engine->many(s, shape, arrays, n, d);
}

gov_status store_renew(store *s, const store_change *shape, const store_array *arrays, size_t n,
                       const diag *d)
{
    const gov_status rc = ready(s, true, d);
    if (rc != GOV_OK || n == 0)
        return rc;
    return s->engine->renew(s, shape, arrays, n, d);
}

/* ---- keeping ---- */

gov_status store_backup(store *s, const char *path,
                        gov_status (*progress)(void *user, int64_t done_pages, int64_t all_pages),
                        void *user, const diag *d)
{
    if (s->depth > 0)
        return wrong_state(s, "a backup cannot be made inside a transaction", d);
    const gov_status rc = store_check_process(s, d);
    return rc == GOV_OK ? s->engine->backup(s, path, progress, user, d) : rc;
}

gov_status store_checkpoint(store *s, const diag *d)
{
    if (s->depth > 0)
        return wrong_state(s, "a checkpoint cannot be made inside a transaction", d);
    const gov_status rc = store_check_process(s, d);
    return rc != GOV_OK || s->flags & STORE_READ_ONLY ? rc : s->engine->checkpoint(s, d);
}

gov_status store_check(store *s, const diag *d)
{
    const gov_status rc = ready(s, false, d);
    return rc == GOV_OK ? s->engine->check(s, d) : rc;
}
