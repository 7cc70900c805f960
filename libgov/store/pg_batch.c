/* Batches on PostgreSQL: one statement over unnest, or binary COPY for many rows. */
#include "store/pg.h"

#include <string.h>

enum {
    COPY_FROM = 128,
    COPY_CHUNK = 64 * 1024
}; /* COPY costs two round trips that unnest does not */

/* ---- the SQL of a shape, with the columns of `mask` constant ---- */

static bool constant(uint64_t mask, size_t i)
{
    return mask >> i & 1;
}

static void add_value(base_buf *out, uint64_t mask, size_t i)
{
    base_buf_str(out, constant(mask, i) ? "$" : "v.c");
    base_buf_uint(out, i + 1);
}

/* unnest($2, $3) AS v (c2, c3); nothing when all are constant. */
static void add_unnest(base_buf *out, const store_shape *shape, uint64_t mask)
{
    bool any = false;
    for (size_t i = 0; i < shape->count; i++) {
        if (constant(mask, i))
            continue;
        base_buf_str(out, any ? ", $" : " FROM unnest($");
        base_buf_uint(out, i + 1);
        any = true;
    }
    if (!any)
        return;
    any = false;
    for (size_t i = 0; i < shape->count; i++) {
        if (constant(mask, i))
            continue;
        base_buf_str(out, any ? ", c" : ") AS v (c");
        base_buf_uint(out, i + 1);
        any = true;
    }
    base_buf_char(out, ')');
}

static void add_insert(base_buf *out, const store_shape *shape, const char *verb)
{
    base_buf_str(out, verb);
    base_buf_str(out, shape->table->name);
    for (size_t i = 0; i < shape->count; i++) {
        base_buf_str(out, i == 0 ? " (" : ", ");
        base_buf_str(out, shape->columns[i]->name);
    }
    base_buf_char(out, ')');
}

static void write_insert(base_buf *out, const store_shape *shape, uint64_t mask)
{
    add_insert(out, shape, "INSERT INTO ");
    for (size_t i = 0; i < shape->count; i++) {
        base_buf_str(out, i == 0 ? " SELECT " : ", ");
        add_value(out, mask, i);
    }
    add_unnest(out, shape, mask);
}

static void write_update(base_buf *out, const store_shape *shape, uint64_t mask)
{
    base_buf_str(out, "UPDATE ");
    base_buf_str(out, shape->table->name);
    for (size_t i = shape->key_count; i < shape->count; i++) {
        base_buf_str(out, i == shape->key_count ? " AS t SET " : ", ");
        base_buf_str(out, shape->columns[i]->name);
        base_buf_str(out, " = ");
        if (shape->add[i]) {
            base_buf_str(out, "t.");
            base_buf_str(out, shape->columns[i]->name);
            base_buf_str(out, " + ");
        }
        add_value(out, mask, i);
    }
    add_unnest(out, shape, mask);
    for (size_t i = 0; i < shape->key_count; i++) {
        base_buf_str(out, i == 0 ? " WHERE t." : " AND t.");
        base_buf_str(out, shape->columns[i]->name);
        base_buf_str(out, " = ");
        add_value(out, mask, i);
    }
}

static pg_statement *new_variant(store *s, const store_shape *shape, uint64_t mask)
{
    pg_statement *q = base_alloc(s->alloc, sizeof *q);
    base_buf text;
    if (q == NULL)
        return NULL;
    q->shape = *shape;
    q->mask = mask;
    base_buf_init(&text, s->alloc);
    if (shape->key_count == 0)
        write_insert(&text, shape, mask);
    else
        write_update(&text, shape, mask);
    q->text = base_buf_take(&text, NULL);
    base_buf_free(&text);
    if (q->text == NULL) {
        base_free(s->alloc, q);
        return NULL;
    }
    return q;
}

static uint64_t mask_of(const store_shape *shape, const store_array *arrays, size_t n)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < shape->count; i++)
        if (arrays[i].same || n == 1)
            mask |= UINT64_C(1) << i;
    return mask;
}

static gov_status acquire(store *s, const void *key, const store_shape *shape, uint64_t mask,
                          pg_statement **out, const diag *d)
{
    pg_statement *first = (pg_statement *)store_cache_find(s, key);
    for (pg_statement *q = first; q != NULL; q = q->variant) {
        if (q->mask == mask) {
            *out = q;
            return GOV_OK;
        }
    }
    pg_statement *q = new_variant(s, shape, mask);
    if (q == NULL)
        return store_nomem(s, d);
    q->head.key = key;
    if (first != NULL) {
        q->variant = first->variant;
        first->variant = q;
    } else if (!store_cache_put(s, &q->head)) {
        base_free(s->alloc, q->text);
        base_free(s->alloc, q);
        return store_nomem(s, d);
    }
    *out = q;
    return GOV_OK;
}

/* ---- values ---- */

static void add_field(base_buf *out, const store_arg *arg)
{
    if (arg->null) {
        base_buf_be32(out, UINT32_MAX);
    } else if (arg->type == STORE_INT) {
        base_buf_be32(out, 8);
        base_buf_be64(out, (uint64_t)arg->i);
    } else {
        base_buf_be32(out, (uint32_t)arg->len);
        base_buf_add(out, arg->p, arg->len);
    }
}

/* A one-dimensional array in the server's binary form. */
static void add_array(base_buf *out, const store_column *column, const store_array *array, size_t n)
{
    const bool text = column->type == STORE_TEXT, bytes = column->type == STORE_BYTES;
    bool nulls = false;
    for (size_t i = 0; i < n && !nulls; i++)
        nulls = store_array_at(column, array, i).null;
    base_buf_be32(out, 1);
    base_buf_be32(out, nulls ? 1 : 0);
    base_buf_be32(out, text ? PG_TEXT : bytes ? PG_BYTEA : PG_INT8);
    base_buf_be32(out, (uint32_t)n);
    base_buf_be32(out, 1);
    for (size_t i = 0; i < n; i++) {
        const store_arg arg = store_array_at(column, array, i);
        add_field(out, &arg);
    }
}

static gov_status check_arrays(store *s, const store_shape *shape, const store_array *arrays,
                               size_t n, const diag *d)
{
    gov_status rc = n <= INT32_MAX / 16 ? GOV_OK : store_misuse(s, "too many rows", d);
    for (size_t i = 0; i < shape->count && rc == GOV_OK; i++)
        rc = store_check_array(s, shape->columns[i], &arrays[i], n, d);
    return rc;
}

static gov_status send_batch(store *s, pg_statement *q, const store_array *arrays, size_t n,
                             const diag *d)
{
    static const Oid array_types[] = {PG_INT8S, PG_TEXTS, PG_BYTEAS, PG_INT8S};
    const store_shape *shape = &q->shape;
    size_t at[SHAPE_MAX + 1];
    pg_values v;
    base_buf b;
    base_buf_init(&b, s->alloc);
    v.count = shape->count;
    for (size_t i = 0; i < shape->count; i++) {
        at[i] = b.len;
        if (!constant(q->mask, i))
            add_array(&b, shape->columns[i], &arrays[i], n);
    }
    at[shape->count] = b.len;
    gov_status rc = b.failed            ? store_nomem(s, d)
                    : b.len > INT32_MAX ? store_misuse(s, "too large", d)
                                        : GOV_OK;
    for (size_t i = 0; i < shape->count && rc == GOV_OK; i++) {
        const store_arg arg = store_array_at(shape->columns[i], &arrays[i], 0);
        if (!pg_set(&v, i, &arg))
            rc = store_misuse(s, "a value is too long", d);
        if (constant(q->mask, i))
            continue;
        v.types[i] = array_types[shape->columns[i]->type];
        v.values[i] = b.data + at[i];
        v.lengths[i] = (int)(at[i + 1] - at[i]);
    }
    if (rc == GOV_OK)
        rc = pg_send(s, q, &v, (pg_sent){.expect = (int64_t)n}, d);
    base_buf_free(&b);
    return rc;
}

/* ---- COPY ---- */

static bool put_rows(store *s, const store_shape *shape, const store_array *arrays, size_t n,
                     base_buf *b)
{
    PGconn *conn = pg_of(s)->conn;
    base_buf_add(b, "PGCOPY\n\377\r\n", 11);
    base_buf_be32(b, 0);
    base_buf_be32(b, 0);
    for (size_t row = 0; row < n && !b->failed; row++) {
        base_buf_be16(b, (uint16_t)shape->count);
        for (size_t i = 0; i < shape->count; i++) {
            const store_arg arg = store_array_at(shape->columns[i], &arrays[i], row);
            add_field(b, &arg);
        }
        if (b->len < COPY_CHUNK || b->failed)
            continue;
        if (b->len > INT32_MAX || PQputCopyData(conn, b->data, (int)b->len) != 1)
            return false;
        base_buf_clear(b);
    }
    base_buf_be16(b, UINT16_MAX);
    return !b->failed && PQputCopyData(conn, b->data, (int)b->len) == 1;
}

static gov_status copy_in(store *s, const store_shape *shape, const store_array *arrays, size_t n,
                          const diag *d)
{
    PGconn *conn = pg_of(s)->conn;
    base_buf b;
    base_buf_init(&b, s->alloc);
    add_insert(&b, shape, "COPY ");
    base_buf_str(&b, " FROM STDIN (FORMAT binary)");
    gov_status rc = b.failed ? store_nomem(s, d) : pg_leave_pipeline(s, d);
    if (rc != GOV_OK) {
        base_buf_free(&b);
        return rc;
    }
    PGresult *r = PQexec(conn, b.data);
    if (PQresultStatus(r) != PGRES_COPY_IN) {
        rc = pg_fail(s, r, d);
    } else {
        base_buf_clear(&b);
        const bool put = put_rows(s, shape, arrays, n, &b);
        const bool starved = b.failed;
        (void)PQputCopyEnd(conn, put ? NULL : "given up");
        PGresult *end = PQgetResult(conn);
        if (PQresultStatus(end) != PGRES_COMMAND_OK)
            rc = starved ? store_nomem(s, d) : pg_fail(s, end, d);
        PQclear(end);
        while ((end = PQgetResult(conn)) != NULL)
            PQclear(end);
    }
    PQclear(r);
    base_buf_free(&b);
    return rc;
}

gov_status pg_bulk(store *s, const store_insert *in, const store_array *arrays, size_t n,
                   const diag *d)
{
    store_shape shape;
    pg_statement *q = (pg_statement *)store_cache_find(s, in);
    gov_status rc = GOV_OK;
    if (q != NULL)
        shape = q->shape;
    else
        rc = store_shape_insert(s, in, &shape, d);
    if (rc == GOV_OK)
        rc = check_arrays(s, &shape, arrays, n, d);
    if (rc != GOV_OK)
        return rc;
    if (n >= COPY_FROM)
        return copy_in(s, &shape, arrays, n, d);
    rc = acquire(s, in, &shape, mask_of(&shape, arrays, n), &q, d);
    return rc == GOV_OK ? send_batch(s, q, arrays, n, d) : rc;
}

gov_status pg_many(store *s, const store_change *in, const store_array *arrays, size_t n,
                   const diag *d)
{
    store_shape shape;
    pg_statement *q = (pg_statement *)store_cache_find(s, in);
    gov_status rc = GOV_OK;
    if (q != NULL)
        shape = q->shape;
    else
        rc = store_shape_change(s, in, &shape, d);
    if (rc == GOV_OK)
        rc = check_arrays(s, &shape, arrays, n, d);
    if (rc == GOV_OK)
        rc = acquire(s, in, &shape, mask_of(&shape, arrays, n), &q, d);
    return rc == GOV_OK ? send_batch(s, q, arrays, n, d) : rc;
}
