/* Ids that grow with time, and the store's own notes.
 *
 * An id is 41 bits of milliseconds, 10 of node, 12 of sequence. On SQLite there is one writer at a time and the mark of
 * the last id is read and written inside its transaction, so node and sequence are one counter. On PostgreSQL a
 * connection takes the next of 1024 node numbers when it opens; within a millisecond it counts its sequence, past
 * that it borrows from the next millisecond. */
#include "store/engine.h"

#define ID_MARK   "last_id"
#define NODE_MARK "last_node"

static int64_t after(const store *s, int64_t real_ms)
{
    const int64_t from_clock = (real_ms - STORE_ID_EPOCH_MS) * (INT64_C(1) << 22) | s->node;
    if (from_clock > s->last_id)
        return from_clock;
    if (s->kind == STORE_SQLITE)
        return s->last_id + 1;
    const bool ours = (s->last_id & (INT64_C(1023) << 12)) == s->node;
    if (ours && (s->last_id & 4095) < 4095)
        return s->last_id + 1;
    return ((s->last_id >> 22) + 1) * (INT64_C(1) << 22) | s->node;
}

static gov_status read_mark(store *s, const diag *d)
{
    static const store_sql sql = {"SELECT number FROM gov_meta WHERE community = 0 AND name = $1",
                                  0};
    int64_t mark = 0;
    const gov_status rc = store_first_int(s, &sql, STORE_ARGS(store_s(ID_MARK)), &mark, d);
    if (rc != GOV_OK && rc != GOV_END)
        return rc;
    s->saved_id = mark;
    if (mark > s->last_id)
        s->last_id = mark;
    s->id_known = true;
    s->id_epoch = s->epoch;
    return GOV_OK;
}

gov_status store_check_clock(int64_t real_ms, const diag *d)
{
    const int64_t latest = STORE_ID_EPOCH_MS + (INT64_C(1) << 41) - 2;
    const bool fits = real_ms >= STORE_ID_EPOCH_MS && real_ms <= latest;
    return fits ? GOV_OK : base_fail(d, M_overflow, A_S("what", "the machine's clock"));
}

gov_status store_new_ids(store *s, int64_t real_ms, size_t n, int64_t *ids, const diag *d)
{
    if (!s->writing)
        return store_misuse(s, "ids are made in transactions begun for writing", d);
    if (s->kind == STORE_SQLITE && (!s->id_known || s->id_epoch != s->epoch)) {
        const gov_status rc = read_mark(s, d);
        if (rc != GOV_OK)
            return rc;
    }
    const gov_status fits = store_check_clock(real_ms, d);
    if (fits != GOV_OK)
        return fits;
    for (size_t i = 0; i < n; i++) {
        if (s->last_id >> 22 >= (INT64_C(1) << 41) - 2)
            return base_fail(d, M_overflow, A_S("what", "id"));
        ids[i] = s->last_id = after(s, real_ms);
    }
    return GOV_OK;
}

gov_status store_new_id(store *s, int64_t real_ms, int64_t *id, const diag *d)
{
    return store_new_ids(s, real_ms, 1, id, d);
}

void store_seen_id(store *s, int64_t id)
{
    if (id > s->last_id)
        s->last_id = id;
}

gov_status store_ids_save(store *s, const diag *d)
{
    static const store_sql sql = {
        "INSERT INTO gov_meta (community, name, number) VALUES (0, $1, $2) "
        "ON CONFLICT (community, name) DO UPDATE SET number = excluded.number",
        0};
    if (s->kind != STORE_SQLITE || !s->id_known || s->id_epoch != s->epoch ||
        s->last_id <= s->saved_id)
        return GOV_OK;
    const gov_status rc =
        store_post(s, &sql, STORE_ARGS(store_s(ID_MARK), store_i(s->last_id)), 1, d);
    if (rc == GOV_OK)
        s->saved_id = s->last_id; /* an undone COMMIT forgets it: store_ids_undone */
    return rc;
}

void store_ids_undone(store *s)
{
    s->id_known = false;
}

gov_status store_ids_lease(store *s, const diag *d)
{
    static const store_sql sql = {
        "INSERT INTO gov_meta (community, name, number) VALUES (0, $1, 1) "
        "ON CONFLICT (community, name) DO UPDATE SET number = gov_meta.number + 1 "
        "RETURNING number",
        0};
    if (s->kind == STORE_SQLITE || s->flags & STORE_READ_ONLY)
        return GOV_OK;
    int64_t node = 0;
    gov_status rc = store_begin(s, d);
    if (rc == GOV_OK)
        rc = store_first_int(s, &sql, STORE_ARGS(store_s(NODE_MARK)), &node, d);
    if (rc == GOV_OK)
        rc = store_commit(s, d);
    if (rc != GOV_OK)
        store_rollback(s);
    s->node = (node & 1023) << 12;
    return rc;
}

/* ---- notes ---- */

gov_status store_meta_get(store *s, const char *name, base_buf *out, const diag *d)
{
    static const store_sql sql = {"SELECT value FROM gov_meta WHERE community = 0 AND name = $1",
                                  0};
    store_rows rows;
    const gov_status rc = store_first(s, &sql, STORE_ARGS(store_s(name)), &rows, d);
    if (rc != GOV_OK)
        return rc;
    size_t len;
    const void *p = store_bytes(&rows, 0, &len);
    base_buf_add(out, p, len);
    store_rows_close(&rows);
    return out->failed ? store_nomem(s, d) : GOV_OK;
}

gov_status store_meta_put(store *s, const char *name, const void *p, size_t len, const diag *d)
{
    static const store_sql sql = {
        "INSERT INTO gov_meta (community, name, value) VALUES (0, $1, $2) "
        "ON CONFLICT (community, name) DO UPDATE SET value = excluded.value",
        0};
    return store_post(s, &sql, STORE_ARGS(store_s(name), store_b(p, len)), 1, d);
}
