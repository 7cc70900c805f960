/* Shapes: the table, columns and keys of a batch, from which the engines write their SQL. */
#include "store/engine.h"

#include <string.h>

static const store_column *find_column(const store_table *t, const char *name, size_t len)
{
    for (const store_column *c = t->columns; c->name != NULL; c++)
        if (strlen(c->name) == len && memcmp(c->name, name, len) == 0)
            return c;
    return NULL;
}

/* Adds the columns of "a, b+, c" to the shape. */
static gov_status add_list(store *s, store_shape *shape, const char *list, bool may_add,
                           const diag *d)
{
    for (const char *p = list; *p != '\0';) {
        size_t len = strcspn(p, ",");
        const char *next = p + len + (p[len] == ',');
        while (len > 0 && p[len - 1] == ' ')
            len--;
        const bool add = may_add && len > 0 && p[len - 1] == '+';
        const store_column *c = find_column(shape->table, p, len - (add ? 1 : 0));
        if (c == NULL || shape->count == SHAPE_MAX || (add && c->type != STORE_INT))
            return store_misuse(s, list, d);
        shape->add[shape->count] = add;
        shape->columns[shape->count++] = c;
        while (*next == ' ')
            next++;
        p = next;
    }
    return GOV_OK;
}

gov_status store_shape_insert(store *s, const store_insert *in, store_shape *out, const diag *d)
{
    *out = (store_shape){.table = in->table};
    return add_list(s, out, in->columns, false, d);
}

gov_status store_shape_change(store *s, const store_change *in, store_shape *out, const diag *d)
{
    *out = (store_shape){.table = in->table};
    gov_status rc = add_list(s, out, in->key, false, d);
    out->key_count = out->count;
    if (rc == GOV_OK)
        rc = add_list(s, out, in->set, true, d);
    if (rc == GOV_OK && (out->key_count == 0 || out->count == out->key_count))
        rc = store_misuse(s, "a change needs a key and something to set", d);
    return rc;
}

store_arg store_array_at(const store_column *column, const store_array *array, size_t row)
{
    const size_t i = array->same ? 0 : row;
    if (column->type == STORE_INT || column->type == STORE_BOOL)
        return (store_arg){.type = STORE_INT,
                           .null = array->nulls != NULL && array->nulls[i],
                           .i = array->ints[i]};
    const store_span *span = &array->spans[i];
    return (
        store_arg){.type = column->type, .null = span->p == NULL, .p = span->p, .len = span->len};
}

gov_status store_check_array(store *s, const store_column *column, const store_array *array,
                             size_t n, const diag *d)
{
    const bool number = column->type == STORE_INT || column->type == STORE_BOOL;
    if (number ? array->ints == NULL : array->spans == NULL)
        return store_misuse(s, column->name, d);
    if (column->type != STORE_TEXT)
        return GOV_OK;
    for (size_t i = 0; i < (array->same ? 1 : n); i++) {
        const store_arg arg = store_array_at(column, array, i);
        const gov_status rc = store_check_args(s, &arg, 1, d);
        if (rc != GOV_OK)
            return rc;
    }
    return GOV_OK;
}

/* ---- the embedded engine's statements ---- */

void store_shape_write_insert(base_buf *out, const char *verb, const store_shape *shape)
{
    base_buf_str(out, verb);
    base_buf_str(out, shape->table->name);
    for (size_t i = 0; i < shape->count; i++) {
        base_buf_str(out, i == 0 ? " (" : ", ");
        base_buf_str(out, shape->columns[i]->name);
    }
    for (size_t i = 0; i < shape->count; i++) {
        base_buf_str(out, i == 0 ? ") VALUES ($" : ", $");
        base_buf_uint(out, i + 1);
    }
    base_buf_char(out, ')');
}

/* The keys are the first parameters, as the arrays come, though they stand last in the text. */
void store_shape_write_update(base_buf *out, const store_shape *shape)
{
    base_buf_str(out, "UPDATE ");
    base_buf_str(out, shape->table->name);
    for (size_t i = shape->key_count; i < shape->count; i++) {
        base_buf_str(out, i == shape->key_count ? " SET " : ", ");
        base_buf_str(out, shape->columns[i]->name);
        base_buf_str(out, " = ");
        if (shape->add[i]) {
            base_buf_str(out, shape->columns[i]->name);
            base_buf_str(out, " + ");
        }
        base_buf_char(out, '$');
        base_buf_uint(out, i + 1);
    }
    for (size_t i = 0; i < shape->key_count; i++) {
        base_buf_str(out, i == 0 ? " WHERE " : " AND ");
        base_buf_str(out, shape->columns[i]->name);
        base_buf_str(out, " = $");
        base_buf_uint(out, i + 1);
    }
}

bool store_shape_is_whole(const store_shape *shape)
{
    size_t columns = 0;
    while (shape->table->columns[columns].name != NULL)
        columns++;
    bool adds = false;
    for (size_t i = 0; i < shape->count; i++)
        adds = adds || shape->add[i];
    return columns == shape->count && !adds;
}
