/* What the store remembers of imports: how far each file was taken, which rows were refused, which events came. */
#include "exchange/import.h"

#include <string.h>

static const store_column mark_columns[] = {
    {"community", STORE_INT},      {"name", STORE_TEXT},
    {"taken", STORE_INT},          {"chain", STORE_BYTES},
    {"rules", STORE_INT},          {"refused", STORE_INT},
    {"clock_us", STORE_INT, true}, {"last_us", STORE_INT, true},
    {"finished", STORE_BOOL},      {0}};
static const store_table mark_table = {"gov_exchange_import", mark_columns, "community, name", 0,
                                       NULL};

static const store_column refusal_columns[] = {{"community", STORE_INT}, {"name", STORE_TEXT},
                                               {"number", STORE_INT},    {"line", STORE_INT},
                                               {"reason", STORE_TEXT},   {"reason_zh", STORE_TEXT},
                                               {0}};
static const store_table refusal_table = {"gov_exchange_refusal", refusal_columns,
                                          "community, name, number", 0, NULL};

static const store_column key_columns[] = {{"community", STORE_INT},
                                           {"name", STORE_TEXT},
                                           {"event_key", STORE_TEXT},
                                           {"content", STORE_INT},
                                           {0}};
static const store_table key_table = {"gov_exchange_event", key_columns,
                                      "community, name, event_key", 0, NULL};

static const store_table *const tables[] = {&mark_table, &refusal_table, &key_table, NULL};
const store_migration exchange_schema = {"exchange", 1, tables, NULL, NULL};

/* ---- marks ---- */

static int64_t instant_of(store_rows *rows, int column)
{
    return store_is_null(rows, column) ? IMPORT_NEVER : store_int(rows, column);
}

static store_arg instant_arg(int64_t us)
{
    return us == IMPORT_NEVER ? store_n(STORE_INT) : store_i(us);
}

gov_status import_mark_load(gov *g, const char *name, import_mark *out, const diag *d)
{
    static const store_sql sql = {
        "SELECT taken, chain, rules, refused, clock_us, last_us, finished FROM gov_exchange_import "
        "WHERE community = $1 AND name = $2"};
    store_rows rows;
    size_t len;
    *out = (import_mark){.clock_us = IMPORT_NEVER, .last_us = IMPORT_NEVER};
    const gov_status status =
        store_first(g->store, &sql, STORE_ARGS(store_i(g->community), store_s(name)), &rows, d);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status;
    out->known = true;
    out->rows = store_int(&rows, 0);
    const void *chain = store_bytes(&rows, 1, &len);
    if (len == BASE_DIGEST_SIZE)
        memcpy(out->chain, chain, len);
    out->rules = store_int(&rows, 2);
    out->refused = store_int(&rows, 3);
    out->clock_us = instant_of(&rows, 4);
    out->last_us = instant_of(&rows, 5);
    out->finished = store_int(&rows, 6) != 0;
    store_rows_close(&rows);
    return GOV_OK;
}

gov_status import_mark_save(gov *g, const char *name, const import_mark *mark, const diag *d)
{
    static const store_sql sql = {"INSERT INTO gov_exchange_import (community, name, taken, chain, "
                                  "rules, refused, clock_us, last_us, finished) VALUES "
                                  "($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (community, "
                                  "name) DO UPDATE SET taken = excluded.taken, "
                                  "chain = excluded.chain, rules = excluded.rules, refused = "
                                  "excluded.refused, clock_us = excluded.clock_us, "
                                  "last_us = excluded.last_us, finished = excluded.finished"};
    return store_post(g->store, &sql,
                      STORE_ARGS(store_i(g->community), store_s(name), store_i(mark->rows),
                                 store_b(mark->chain, BASE_DIGEST_SIZE), store_i(mark->rules),
                                 store_i(mark->refused), instant_arg(mark->clock_us),
                                 instant_arg(mark->last_us), store_flag(mark->finished)),
                      1, d);
}

gov_status exchange_replayed(gov *g, int64_t *us, const diag *d)
{
    static const store_sql sql = {"SELECT max(clock_us) FROM gov_exchange_import WHERE community = "
                                  "$1 AND clock_us IS NOT NULL"};
    store_rows rows;
    *us = -1;
    const gov_status status =
        store_first(g->store, &sql, STORE_ARGS(store_i(g->community)), &rows, d);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status;
    if (!store_is_null(&rows, 0))
        *us = store_int(&rows, 0);
    store_rows_close(&rows);
    return GOV_OK;
}

/* ---- refused rows ---- */

gov_status import_refusal_add(gov *g, const char *name, uint64_t row, uint64_t line, const char *en,
                              const char *zh, const diag *d)
{
    static const store_sql sql = {"INSERT INTO gov_exchange_refusal (community, name, number, "
                                  "line, reason, reason_zh) VALUES ($1, $2, $3, $4, $5, $6)"};
    return store_post(g->store, &sql,
                      STORE_ARGS(store_i(g->community), store_s(name), store_i((int64_t)row),
                                 store_i((int64_t)line), store_s(en), store_s(zh)),
                      1, d);
}

gov_status import_refusal_next(gov *g, const char *name, const char *lang, uint64_t after,
                               uint64_t *row, base_arena *arena, const char **reason, const diag *d)
{
    static const store_sql sql = {"SELECT number, reason, reason_zh FROM gov_exchange_refusal "
                                  "WHERE community = $1 AND name = $2 AND number > $3 "
                                  "ORDER BY number LIMIT 1"};
    store_rows rows;
    size_t len;
    gov_status status =
        store_first(g->store, &sql,
                    STORE_ARGS(store_i(g->community), store_s(name), store_i((int64_t)after)),
                    &rows, d);
    if (status != GOV_OK)
        return status;
    *row = (uint64_t)store_int(&rows, 0);
    const char *text = store_text(&rows, strcmp(lang, "zh") == 0 ? 2 : 1, &len);
    *reason = base_arena_strndup(arena, text, len);
    store_rows_close(&rows);
    return *reason != NULL ? GOV_OK : base_nomem(d);
}

gov_status import_refusals_drop(gov *g, const char *name, const diag *d)
{
    static const store_sql sql = {
        "DELETE FROM gov_exchange_refusal WHERE community = $1 AND name = $2"};
    return store_post(g->store, &sql, STORE_ARGS(store_i(g->community), store_s(name)),
                      STORE_ANY_ROWS, d);
}

/* ---- events ---- */

gov_status import_key_find(gov *g, const char *name, const char *key, int64_t *content,
                           const diag *d)
{
    static const store_sql sql = {"SELECT content FROM gov_exchange_event WHERE community = $1 AND "
                                  "name = $2 AND event_key = $3"};
    *content = 0;
    const gov_status status = store_first_int(
        g->store, &sql, STORE_ARGS(store_i(g->community), store_s(name), store_s(key)), content, d);
    return status == GOV_END ? GOV_OK : status;
}

gov_status import_key_add(gov *g, const char *name, const char *key, int64_t content, const diag *d)
{
    static const store_sql sql = {"INSERT INTO gov_exchange_event (community, name, event_key, "
                                  "content) VALUES ($1, $2, $3, $4)"};
    return store_post(
        g->store, &sql,
        STORE_ARGS(store_i(g->community), store_s(name), store_s(key), store_i(content)), 1, d);
}
