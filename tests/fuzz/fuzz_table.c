/* Tables from anywhere, the first byte choosing how they are read: rows in order, cells of sane text, and what is
 * written of them reads back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exchange/table.h"

typedef struct source {
    const char *s;
    size_t len, at, step;
} source;

static void check(int truth)
{
    if (!truth)
        abort();
}

static ptrdiff_t read_source(void *user, void *bytes, size_t cap)
{
    source *o = user;
    size_t n = o->len - o->at;
    n = n < cap ? n : cap;
    n = n < o->step ? n : o->step;
    memcpy(bytes, o->s + o->at, n);
    o->at += n;
    return (ptrdiff_t)n;
}

static bool to_buf(void *user, const void *bytes, size_t len)
{
    base_buf_add(user, bytes, len);
    return true;
}

static void parse_all(exchange_cell c)
{
    exchange_when w;
    int64_t n;
    bool b;
    const exchange_when_format f = {EXCHANGE_DAY_FIRST, true, false};
    check(base_utf8_valid(c.s, c.len));
    check(exchange_trim(c).len <= c.len);
    exchange_parse_int(c, &n);
    exchange_parse_fen(c, &n);
    exchange_parse_bool(c, &b);
    if (exchange_parse_degrees(c, 180, &n) == EXCHANGE_FINE)
        check(n >= -1800000000 && n <= 1800000000);
    if (exchange_parse_when(c, NULL, &w) == EXCHANGE_FINE ||
        exchange_parse_when(c, &f, &w) == EXCHANGE_FINE) {
        exchange_when_to_us(&w, NULL, &n);
        check(w.micros >= 0 && w.micros < BASE_US_PER_DAY);
        check(n >= INT64_C(-62135683200000000) && n < INT64_C(253402387200000000));
    }
}

/* A clean row written by us reads back cell by cell. */
static void read_back(const exchange_row *row)
{
    const exchange_csv_options options = {.plain = true};
    const exchange_format format = {.encoding = EXCHANGE_UTF8, .delimiter = ',', .no_header = true};
    base_buf b;
    exchange_csv *w;
    exchange_table *t;
    const exchange_row *again;
    base_buf_init(&b, NULL);
    check(exchange_csv_new(NULL, to_buf, &b, &options, &w, NULL) == GOV_OK);
    exchange_csv_text(w, "x"); /* so that it is no other kind of file */
    for (size_t i = 0; i < row->count; i++)
        exchange_csv_cell(w, row->cells[i].s, row->cells[i].len);
    exchange_csv_end_row(w);
    check(exchange_csv_flush(w, NULL) == GOV_OK);
    source o = {b.data, b.len, 0, SIZE_MAX};
    check(exchange_table_read(NULL, read_source, &o, &format, &t, NULL) == GOV_OK);
    check(exchange_table_next(t, &again, NULL) == GOV_OK);
    check(again->count == row->count + 1);
    for (size_t i = 0; i < row->count; i++)
        check(again->cells[i + 1].len == row->cells[i].len &&
              memcmp(again->cells[i + 1].s, row->cells[i].s, row->cells[i].len) == 0);
    check(exchange_table_next(t, &again, NULL) == GOV_END);
    exchange_table_close(t);
    exchange_csv_free(w);
    base_buf_free(&b);
}

static void use(exchange_table *t, const diag *d)
{
    const exchange_row *row;
    uint64_t line = 0, number = 0;
    gov_status status;
    while ((status = exchange_table_next(t, &row, d)) == GOV_OK) {
        check(row->line > line && row->number == ++number);
        line = row->line;
        check((exchange_row_report(t, row, NULL) == GOV_OK) == (row->flags == 0));
        for (size_t i = 0; i < row->count; i++)
            parse_all(row->cells[i]);
        if (row->flags == 0 && row->count < 900)
            read_back(row);
    }
    check(status == GOV_END || status == GOV_E_INPUT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    exchange_table *t;
    if (size == 0)
        return 0;
    const uint8_t how = data[0];
    const exchange_format format = {.encoding =
                                        how % 8 < 5 ? (exchange_encoding)(how % 8) : EXCHANGE_AUTO,
                                    .no_header = (how & 8) != 0,
                                    .max_row = (how & 16) != 0 ? 40 : 0,
                                    .max_cell = (how & 32) != 0 ? 10 : 0};
    source o = {(const char *)data + 1, size - 1, 0, (how & 64) != 0 ? 3 : SIZE_MAX};
    const gov_status status = exchange_table_read(NULL, read_source, &o, &format, &t, &d);
    if (status == GOV_OK) {
        use(t, &d);
        exchange_table_close(t);
    } else {
        check(gov_error_count(err) == 1);
    }
    gov_error_free(err);
    return 0;
}
