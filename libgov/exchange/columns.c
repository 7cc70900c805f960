/* Which column is which, and what to tell of rows and cells that are not right. */
#include "exchange/table.h"

#include <string.h>

enum { SHOWN = 60 };

static void lower(exchange_cell c, char *buf)
{
    for (size_t i = 0; i < c.len; i++)
        buf[i] = c.s[i] >= 'A' && c.s[i] <= 'Z' ? (char)(c.s[i] + 32) : c.s[i];
}

/* The same but for case, width and surrounding space. */
static bool alike(exchange_cell a, exchange_cell b)
{
    char x[200], y[200];
    exchange_cell u, v;
    if (!exchange_fold(a, x, sizeof x, &u) || !exchange_fold(b, y, sizeof y, &v) || u.len != v.len)
        return false;
    char p[200], q[200];
    lower(u, p);
    lower(v, q);
    return memcmp(p, q, u.len) == 0;
}

static bool same(exchange_cell a, exchange_cell b)
{
    return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

/* The column of that name; *twice when it cannot be told which. */
static size_t find(const exchange_table *t, exchange_cell name, bool *twice)
{
    size_t found = EXCHANGE_NO_COLUMN;
    for (int loose = 0; loose < 2 && found == EXCHANGE_NO_COLUMN; loose++)
        for (size_t i = 0; i < exchange_table_width(t); i++) {
            const exchange_cell h = exchange_table_header(t, i);
            if (!(loose ? alike(h, name) : same(h, name)))
                continue;
            *twice |= found != EXCHANGE_NO_COLUMN;
            found = found == EXCHANGE_NO_COLUMN ? i : found;
        }
    return found;
}

static void add_missing(base_buf *missing, const exchange_table *t, const char *name)
{
    const char *near = NULL;
    const char *one;
    /* one at a time: the nearest of all is the nearest that remains */
    base_buf_str(missing, missing->len > 0 ? ", \"" : "\"");
    base_buf_str(missing, name);
    base_buf_char(missing, '"');
    for (size_t i = 0; i < exchange_table_width(t); i++) {
        const char *const pair[2] = {exchange_table_header(t, i).s, near};
        one = base_nearest(name, strlen(name), pair, near != NULL ? 2 : 1);
        near = one != NULL ? one : near;
    }
    if (near != NULL) {
        base_buf_str(missing, " (≈ \"");
        base_buf_str(missing, near);
        base_buf_str(missing, "\")");
    }
}

static gov_status report_missing(const exchange_table *t, const base_buf *missing, const diag *d)
{
    const base_place place = {exchange_table_origin(t), 1, 0};
    base_buf header;
    gov_status status;
    base_buf_init(&header, missing->alloc);
    for (size_t i = 0; i < exchange_table_width(t) && i < SHOWN; i++) {
        base_buf_str(&header, i > 0 ? ", " : "");
        base_buf_str(&header, exchange_table_header(t, i).s);
    }
    if (exchange_table_width(t) > SHOWN)
        base_buf_str(&header, ", ...");
    if (header.failed || missing->failed)
        status = base_nomem(d);
    else
        status = base_fail_at(d, &place, M_table_no_columns, A_S("missing", missing->data),
                              A_S("header", header.data));
    base_buf_free(&header);
    return status;
}

gov_status exchange_table_columns(const exchange_table *t, const char *const *names, size_t n,
                                  size_t *at, const diag *d)
{
    const base_place place = {exchange_table_origin(t), 1, 0};
    base_buf missing;
    gov_status status = GOV_OK;
    bool absent = false;
    base_buf_init(&missing, d != NULL ? d->alloc : NULL);
    for (size_t i = 0; i < n && status == GOV_OK; i++) {
        const bool optional = names[i][0] == '?';
        const char *name = names[i] + optional;
        bool twice = false;
        at[i] = find(t, (exchange_cell){name, strlen(name)}, &twice);
        if (twice) {
            status = base_fail_at(d, &place, M_table_column_twice, A_S("column", name));
        } else if (at[i] == EXCHANGE_NO_COLUMN && !optional) {
            absent = true;
            add_missing(&missing, t, name);
        }
    }
    if (status == GOV_OK && absent)
        status = report_missing(t, &missing, d);
    base_buf_free(&missing);
    return status;
}

/* ---- what is wrong with a row or a cell ---- */

static base_place place_of(const exchange_table *t, const exchange_row *row, size_t column)
{
    return (base_place){exchange_table_origin(t), row->line > UINT32_MAX ? 0 : (uint32_t)row->line,
                        column == EXCHANGE_NO_COLUMN ? 0 : (uint32_t)column + 1};
}

static const char *encoding_name(const exchange_table *t)
{
    static const char *const names[] = {"UTF-8", "UTF-8", "GB18030", "UTF-16LE", "UTF-16BE"};
    return names[exchange_table_encoding(t)];
}

gov_status exchange_row_report(const exchange_table *t, const exchange_row *row, const diag *d)
{
    static const struct {
        uint32_t flag;
        base_message message;
    } known[] = {
        {EXCHANGE_ROW_BAD_TEXT, M_row_bad_text},
        {EXCHANGE_ROW_FEW, M_row_few},
        {EXCHANGE_ROW_MANY, M_row_many},
        {EXCHANGE_ROW_NUL, M_row_nul},
        {EXCHANGE_ROW_TOO_LONG, M_row_too_long},
        {EXCHANGE_ROW_LONG_CELL, M_row_long_cell},
        {EXCHANGE_ROW_OPEN_QUOTE, M_row_open_quote},
        {EXCHANGE_ROW_STRAY_QUOTE, M_row_stray_quote},
        {EXCHANGE_ROW_BLANK, M_row_blank},
    };
    const base_place place = place_of(t, row, EXCHANGE_NO_COLUMN);
    gov_status status = GOV_OK;
    for (size_t i = 0; i < ARRAY_LEN(known) && status != GOV_E_NOMEM; i++) {
        if ((row->flags & known[i].flag) == 0)
            continue;
        const gov_status one =
            base_fail_at(d, &place, known[i].message, A_I("count", row->count),
                         A_I("width", exchange_table_width(t)), A_S("encoding", encoding_name(t)),
                         A_I("limit", exchange_table_limit(t, known[i].flag)));
        status = one == GOV_E_NOMEM ? one : GOV_E_INPUT;
    }
    return status;
}

static base_message exchange_fault_message(exchange_fault fault)
{
    static const base_message messages[EXCHANGE_FAULTS_] = {
        [EXCHANGE_FINE] = M_internal,
        [EXCHANGE_IS_BLANK] = M_cell_blank,
        [EXCHANGE_NOT_NUMBER] = M_cell_number,
        [EXCHANGE_NOT_WHOLE] = M_cell_whole,
        [EXCHANGE_TOO_FINE] = M_cell_fine,
        [EXCHANGE_TOO_LARGE] = M_cell_large,
        [EXCHANGE_SHORTENED] = M_cell_shortened,
        [EXCHANGE_NOT_BOOL] = M_cell_bool,
        [EXCHANGE_NOT_DEGREES] = M_cell_degrees,
        [EXCHANGE_NOT_DATE] = M_cell_date,
        [EXCHANGE_DATE_AMBIGUOUS] = M_cell_date_ambiguous,
        [EXCHANGE_DATE_IMPOSSIBLE] = M_cell_date_impossible,
        [EXCHANGE_TIME_IMPOSSIBLE] = M_cell_time_impossible,
        [EXCHANGE_DATE_SERIAL] = M_cell_date_serial,
    };
    return messages[fault];
}

gov_status exchange_fault_report(exchange_fault fault, const exchange_table *t,
                                 const exchange_row *row, size_t column, const diag *d)
{
    const base_place place = place_of(t, row, column);
    exchange_cell text = exchange_trim(exchange_at(row, column)),
                  name = exchange_table_header(t, column);
    if (fault == EXCHANGE_FINE)
        return GOV_OK;
    if (text.len > 80) { /* a message, not a dump */
        text.len = 80;
        while (text.len > 0 && ((unsigned char)text.s[text.len] & 0xC0) == 0x80)
            text.len--;
    }
    return base_fail_at(d, &place, exchange_fault_message(fault), A_N("column", name.s, name.len),
                        A_N("text", text.s, text.len));
}
