/* Tables as data become DDL here, and migrations are applied. */
#include "store/engine.h"

#include <stdio.h>
#include <string.h>

static const store_table schema_table = {.name = "gov_schema",
                                         .columns = (const store_column[]){{"community", STORE_INT},
                                                                           {"room", STORE_TEXT},
                                                                           {"version", STORE_INT},
                                                                           {0}},
                                         .key = "community, room"};
static const store_table meta_table = {
    .name = "gov_meta",
    .columns = (const store_column[]){{"community", STORE_INT},
                                      {"name", STORE_TEXT},
                                      {"number", STORE_INT, .nullable = true},
                                      {"value", STORE_BYTES, .nullable = true},
                                      {0}},
    .key = "community, name"};

static const store_migration own_first = {.room = "store",
                                          .version = 1,
                                          .create =
                                              (const store_table *const[]){&schema_table,
                                                                           &meta_table, NULL}};
static const store_migration *const own[] = {&own_first};

/* ---- DDL ---- */

static void write_column(base_buf *out, store_kind kind, const store_column *c)
{
    static const char *const types[2][4] = {{"INTEGER", "TEXT", "BLOB", "INTEGER"},
                                            {"BIGINT", "TEXT COLLATE \"C\"", "BYTEA", "BIGINT"}};
    base_buf_str(out, c->name);
    base_buf_char(out, ' ');
    base_buf_str(out, types[kind][c->type]);
    if (!c->nullable)
        base_buf_str(out, " NOT NULL");
    if (c->type == STORE_BOOL) {
        base_buf_str(out, " CHECK (");
        base_buf_str(out, c->name);
        base_buf_str(out, " IN (0, 1))");
    }
    if (c->check != NULL) {
        base_buf_str(out, " CHECK (");
        base_buf_str(out, c->check);
        base_buf_char(out, ')');
    }
}

static const char *last_key_column(const store_table *t)
{
    const char *comma = strrchr(t->key, ',');
    return comma != NULL ? comma + 1 + strspn(comma + 1, " ") : t->key;
}

static void store_write_table(base_buf *out, store_kind kind, const store_table *t)
{
    const bool rowid = kind == STORE_SQLITE && t->flags & STORE_ROWID_KEY;
    base_buf_str(out, "CREATE TABLE ");
    base_buf_str(out, t->name);
    base_buf_str(out, " (");
    for (const store_column *c = t->columns; c->name != NULL; c++) {
        if (rowid && strcmp(c->name, last_key_column(t)) == 0) {
            base_buf_str(out, c->name);
            base_buf_str(out, " INTEGER PRIMARY KEY");
        } else {
            write_column(out, kind, c);
        }
        if (c[1].name != NULL || !rowid)
            base_buf_str(out, ", ");
    }
    if (!rowid) {
        base_buf_str(out, "PRIMARY KEY (");
        base_buf_str(out, t->key);
        base_buf_char(out, ')');
    }
    base_buf_char(out, ')');
    if (kind == STORE_SQLITE)
        base_buf_str(out,
                     rowid || t->flags & STORE_WIDE_ROWS ? " STRICT" : " STRICT, WITHOUT ROWID");
    base_buf_str(out, ";\n");
}

static void store_write_indexes(base_buf *out, const store_table *t)
{
    for (const store_index *x = t->indexes; x != NULL && x->name != NULL; x++) {
        base_buf_str(out, x->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
        base_buf_str(out, x->name);
        base_buf_str(out, " ON ");
        base_buf_str(out, t->name);
        base_buf_str(out, " (");
        base_buf_str(out, x->columns);
        base_buf_char(out, ')');
        if (x->where != NULL) {
            base_buf_str(out, " WHERE ");
            base_buf_str(out, x->where);
        }
        base_buf_str(out, ";\n");
    }
}

static void write_extension(base_buf *out, store_kind kind, const store_table *t)
{
    for (const store_column *c = t->columns; c != NULL && c->name != NULL; c++) {
        base_buf_str(out, "ALTER TABLE ");
        base_buf_str(out, t->name);
        base_buf_str(out, " ADD COLUMN ");
        write_column(out, kind, c);
        base_buf_str(out, ";\n");
    }
    store_write_indexes(out, t);
}

static gov_status apply(store *s, const store_migration *m, const diag *d)
{
    base_buf text;
    base_buf_init(&text, s->alloc);
    for (size_t i = 0; m->create != NULL && m->create[i] != NULL; i++) {
        store_write_table(&text, s->kind, m->create[i]);
        store_write_indexes(&text, m->create[i]);
    }
    for (size_t i = 0; m->extend != NULL && m->extend[i] != NULL; i++)
        write_extension(&text, s->kind, m->extend[i]);
    for (size_t i = 0; m->sql != NULL && m->sql[i] != NULL; i++) {
        base_buf_str(&text, m->sql[i]);
        base_buf_str(&text, ";\n");
    }
    gov_status rc = text.failed ? store_nomem(s, d) : GOV_OK;
    if (rc == GOV_OK && text.len > 0)
        rc = s->engine->script(s, text.data, d);
    base_buf_free(&text);
    if (rc != GOV_OK)
        return rc;
    static const store_sql note = {
        "INSERT INTO gov_schema (community, room, version) VALUES (0, $1, $2) "
        "ON CONFLICT (community, room) DO UPDATE SET version = excluded.version",
        0};
    return store_post(s, &note, STORE_ARGS(store_s(m->room), store_i(m->version)), 1, d);
}

/* ---- versions ---- */

static int newest(const store_migration *const *list, size_t count, const char *room)
{
    int version = 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i]->room, room) == 0 && list[i]->version > version)
            version = list[i]->version;
    return version;
}

/* room -> version as the store has them; keys are copied into the arena. */
static gov_status read_versions(store *s, base_arena *arena, base_map *found, const diag *d)
{
    static const store_sql sql = {
        "SELECT room, version FROM gov_schema WHERE community = 0 ORDER BY room", 0};
    store_rows rows;
    gov_status rc = store_query(s, &sql, STORE_NO_ARGS, &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        size_t len;
        const char *text = store_text(&rows, 0, &len);
        const char *room = base_arena_strndup(arena, text, len);
        bool fresh;
        uint64_t *slot = room != NULL ? base_map_put(found, room, len, &fresh) : NULL;
        if (slot == NULL) {
            store_rows_close(&rows);
            return store_nomem(s, d);
        }
        *slot = (uint64_t)store_int(&rows, 1);
    }
    return rc == GOV_END ? GOV_OK : rc;
}

static int version_in(const base_map *found, const char *room)
{
    const uint64_t *v = base_map_get(found, room, strlen(room));
    return v != NULL && *v < INT32_MAX ? (int)*v : 0;
}

static gov_status compare(store *s, const base_map *found, const store_migration *const *list,
                          size_t count, const diag *d)
{
    for (size_t i = 0; i < found->count; i++) {
        const char *room = found->entries[i].key;
        const int known =
            strcmp(room, "store") == 0 ? own_first.version : newest(list, count, room);
        const int64_t have = (int64_t)found->entries[i].value;
        if (have > known)
            return base_fail(d, M_store_newer, A_S("place", s->place), A_S("room", room),
                             A_I("found", have), A_I("known", known));
    }
    for (size_t i = 0; i < count; i++) {
        const int have = version_in(found, list[i]->room);
        if (have < list[i]->version)
            return base_fail(d, M_store_older, A_S("place", s->place), A_S("room", list[i]->room),
                             A_I("found", have), A_I("known", newest(list, count, list[i]->room)));
    }
    return GOV_OK;
}

gov_status store_schema_state(store *s, const store_migration *const *list, size_t count,
                              const diag *d)
{
    bool has = false;
    gov_status rc = s->engine->has_schema(s, &has, d);
    if (rc != GOV_OK)
        return rc;
    if (!has)
        return GOV_END;
    base_arena arena;
    base_map found;
    base_arena_init(&arena, s->alloc);
    base_map_init(&found, s->alloc);
    rc = read_versions(s, &arena, &found, d);
    if (rc == GOV_OK)
        rc = compare(s, &found, list, count, d);
    base_map_free(&found);
    base_arena_free(&arena);
    return rc;
}

static gov_status apply_missing(store *s, const base_map *found, const store_migration *const *list,
                                size_t count, const diag *d)
{
    gov_status rc = GOV_OK;
    for (size_t i = 0; i < count && rc == GOV_OK; i++)
        if (version_in(found, list[i]->room) < list[i]->version)
            rc = apply(s, list[i], d);
    return rc;
}

static gov_status migrate_inside(store *s, const store_migration *const *list, size_t count,
                                 const diag *d)
{
    bool has = false;
    base_arena arena;
    base_map found;
    base_arena_init(&arena, s->alloc);
    base_map_init(&found, s->alloc);
    gov_status rc = s->engine->has_schema(s, &has, d);
    if (rc == GOV_OK && !has)
        rc = apply_missing(s, &found, own, ARRAY_LEN(own), d);
    if (rc == GOV_OK && has)
        rc = read_versions(s, &arena, &found, d);
    if (rc == GOV_OK && has) {
        const gov_status state = compare(s, &found, list, count, NULL);
        if (state == GOV_E_NEWER)
            rc = compare(s, &found, list, count, d);
    }
    if (rc == GOV_OK)
        rc = apply_missing(s, &found, list, count, d);
    if (rc == GOV_OK)
        rc = s->engine->mark_schema(s, (int64_t)count, !has, d);
    base_map_free(&found);
    base_arena_free(&arena);
    return rc;
}

gov_status store_migrate(store *s, const store_migration *const *list, size_t count, const diag *d)
{
    s->schema_mark = 0; /* our own change is no surprise */
    gov_status rc = store_begin(s, d);
    if (rc != GOV_OK)
        return rc;
    rc = migrate_inside(s, list, count, d);
    if (rc == GOV_OK)
        return store_commit(s, d);
    store_rollback(s);
    s->schema_mark = 0;
    return rc;
}

/* ---- is all of it there? ---- */

static gov_status missing(store *s, const char *what, const char *name, const diag *d)
{
    base_buf text;
    base_buf_init(&text, s->alloc);
    base_buf_str(&text, what);
    base_buf_str(&text, name);
    const gov_status rc =
        text.failed ? store_nomem(s, d) : store_fail(s, STORE_DAMAGED, text.data, d);
    base_buf_free(&text);
    return rc;
}

static gov_status check_columns(store *s, const store_table *t, const diag *d)
{
    static const store_sql lite = {
        "SELECT count(*) FROM pragma_table_info(CAST($1 AS TEXT)) WHERE name = $2", 0};
    static const store_sql server = {
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema() AND "
        "table_name = CAST($1 AS TEXT) AND column_name = CAST($2 AS TEXT)",
        0};
    const store_sql *sql = s->kind == STORE_SQLITE ? &lite : &server;
    for (const store_column *c = t->columns; c != NULL && c->name != NULL; c++) {
        int64_t n = 0;
        const gov_status rc =
            store_first_int(s, sql, STORE_ARGS(store_s(t->name), store_s(c->name)), &n, d);
        if (rc != GOV_OK)
            return rc;
        if (n == 0) {
            char name[160];
            snprintf(name, sizeof name, "%s.%s", t->name, c->name);
            return missing(s, "a column is missing: ", name, d);
        }
    }
    return GOV_OK;
}

static gov_status check_indexes(store *s, const store_table *t, const diag *d)
{
    static const store_sql lite = {
        "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND tbl_name = $1 AND name = $2",
        0};
    static const store_sql server = {
        "SELECT count(*) FROM pg_catalog.pg_indexes WHERE schemaname = current_schema() AND "
        "tablename = CAST($1 AS TEXT) AND indexname = CAST($2 AS TEXT)",
        0};
    const store_sql *sql = s->kind == STORE_SQLITE ? &lite : &server;
    for (const store_index *x = t->indexes; x != NULL && x->name != NULL; x++) {
        int64_t n = 0;
        const gov_status rc =
            store_first_int(s, sql, STORE_ARGS(store_s(t->name), store_s(x->name)), &n, d);
        if (rc != GOV_OK || n == 0)
            return rc != GOV_OK ? rc : missing(s, "an index is missing: ", x->name, d);
    }
    return GOV_OK;
}

static gov_status check_tables(store *s, const store_table *const *list, const diag *d)
{
    static const store_sql lite = {
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1", 0};
    static const store_sql server = {
        "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND "
        "tablename = CAST($1 AS TEXT)",
        0};
    gov_status rc = GOV_OK;
    for (; list != NULL && *list != NULL && rc == GOV_OK; list++) {
        int64_t n = 0;
        rc = store_first_int(s, s->kind == STORE_SQLITE ? &lite : &server,
                             STORE_ARGS(store_s((*list)->name)), &n, d);
        if (rc == GOV_OK && n == 0)
            rc = missing(s, "a table is missing: ", (*list)->name, d);
        if (rc == GOV_OK)
            rc = check_columns(s, *list, d);
        if (rc == GOV_OK)
            rc = check_indexes(s, *list, d);
    }
    return rc;
}

gov_status store_check_schema(store *s, const diag *d)
{
    gov_status rc = s->migrations != NULL ? check_tables(s, own_first.create, d) : GOV_OK;
    for (size_t i = 0; i < s->migration_count && rc == GOV_OK; i++) {
        rc = check_tables(s, s->migrations[i]->create, d);
        if (rc == GOV_OK)
            rc = check_tables(s, s->migrations[i]->extend, d);
    }
    return rc;
}
