/* Rows with aligned columns. On a terminal the heading stands out; a pipe gets the same text. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE_MAX = 16 };

struct table {
    size_t columns, count, cap;
    char **cells;          /* an entry may be NULL: empty */
    bool failed;           /* out of memory: rows are missing */
    bool begun;            /* the heading is printed */
    int widths[TABLE_MAX]; /* they only grow */
};

table *table_new(size_t columns)
{
    table *t = calloc(1, sizeof *t);
    if (t != NULL)
        t->columns = columns < TABLE_MAX ? columns : TABLE_MAX;
    return t;
}

void table_take(table *t, char *cell)
{
    if (t != NULL && t->count == t->cap) {
        const size_t cap = t->cap > 0 ? t->cap * 2 : 64;
        char **cells = realloc(t->cells, cap * sizeof *cells);
        if (cells != NULL) {
            t->cells = cells;
            t->cap = cap;
        }
    }
    if (t == NULL || t->count == t->cap) {
        free(cell);
        if (t != NULL)
            t->failed = true;
        return;
    }
    t->cells[t->count++] = cell;
}

void table_add(table *t, const char *cell)
{
    const size_t len = strlen(cell);
    char *copy = malloc(len + 1);
    if (copy != NULL)
        memcpy(copy, cell, len + 1);
    table_take(t, copy);
}

static void put_row(const table *t, size_t row, FILE *out)
{
    for (size_t k = 0; k < t->columns; k++) {
        const char *cell = t->cells[row * t->columns + k];
        if (cell == NULL)
            cell = "";
        if (k > 0)
            fputs("  ", out);
        if (k + 1 < t->columns)
            put_padded(out, cell, t->widths[k]);
        else
            put_text(out, cell, strlen(cell));
    }
}

void table_flush(cli *c, table *t, FILE *out)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++) {
        const int w = t->cells[i] != NULL ? text_width(t->cells[i]) : 0;
        if (w > t->widths[i % t->columns])
            t->widths[i % t->columns] = w;
    }
    for (size_t row = 0; row < t->count / t->columns; row++) {
        fputs(!t->begun ? bold(c) : "", out);
        put_row(t, row, out);
        fputs(!t->begun ? plain(c) : "", out);
        fputc('\n', out);
        t->begun = true;
    }
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i]);
    t->count = 0;
}

void table_put(cli *c, table *t, FILE *out)
{
    table_flush(c, t, out);
    if (t == NULL || t->failed)
        fail(c, EXIT_STORE, "%s", T(c, "out of memory", "内存不足"));
    if (t != NULL)
        free(t->cells);
    free(t);
}
