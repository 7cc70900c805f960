/* Room exchange, its lower half: tables as offices export them. Reading bytes into rows, cells into typed
 * values, and writing tables that Excel and WPS open. Knows neither the store nor the cases.
 *
 *     exchange_table *t;
 *     status = exchange_table_open(a, path, NULL, &t, d);
 *     status = exchange_table_columns(t, names, n, at, d);        (names[i] stands in column at[i])
 *     while ((status = exchange_table_next(t, &row, d)) == GOV_OK) {
 *         if (row->flags & EXCHANGE_ROW_DAMAGED) ... refuse with exchange_row_report
 *         exchange_cell c = exchange_at(row, at[2]);
 *         fault = exchange_parse_when(c, &format, &when);
 *         if (fault == EXCHANGE_FINE) local = exchange_when_to_us(&when, zone, &us);
 *         else status = exchange_fault_report(fault, t, row, at[2], d);
 *     }
 *     GOV_END: all was read; anything else: the rows so far are good and the rest cannot be read. */
#ifndef EXCHANGE_TABLE_H
#define EXCHANGE_TABLE_H

#include "base/base.h"

/* ---- sources: input.c ---- */

/* Fills up to cap bytes; returns how many, 0 at the end, -1 when reading failed. */
typedef ptrdiff_t exchange_read(void *user, void *bytes, size_t cap);

typedef enum exchange_encoding {
    EXCHANGE_AUTO, /* byte order mark; else UTF-8 when what is there is valid, else GB18030 */
    EXCHANGE_UTF8,
    EXCHANGE_GB18030, /* also reads GBK and GB2312 */
    EXCHANGE_UTF16LE,
    EXCHANGE_UTF16BE
} exchange_encoding;

/* All zero: found out from the data, and the defaults below. */
typedef struct exchange_format {
    exchange_encoding encoding;
    uint32_t delimiter; /* a code point; 0: the best of , ; tab | and the full-width comma */
    uint32_t skip_rows; /* rows above the header (a title, a date of export) */
    bool no_header;     /* the first row is data; columns are then numbered "1", "2", ... */
    size_t max_row;     /* bytes of UTF-8 in one row; 0: 1 MiB */
    size_t max_columns; /* 0: 1024 */
    size_t max_cell;    /* bytes; 0: 256 KiB */
    const char *origin; /* a name for diagnostics; NULL: the path */
} exchange_format;

/* ---- rows: table.c ---- */

typedef struct exchange_cell {
    const char *s; /* UTF-8, len bytes, not NUL-terminated */
    size_t len;
} exchange_cell;

enum {
    EXCHANGE_ROW_BAD_TEXT =
        1, /* bytes that are no text in the encoding, or U+FFFD, which some other tool left */
    EXCHANGE_ROW_FEW = 2,  /* fewer cells than the header has */
    EXCHANGE_ROW_MANY = 4, /* more cells than the header has, and not all of the surplus blank */
    EXCHANGE_ROW_NUL = 8,  /* a NUL character */
    EXCHANGE_ROW_TOO_LONG = 16,  /* over max_row; the rest of the line is left out */
    EXCHANGE_ROW_LONG_CELL = 32, /* a cell over max_cell, cut there at a character */
    EXCHANGE_ROW_OPEN_QUOTE =
        64, /* a quote is never closed: the row was taken to end with its line */
    EXCHANGE_ROW_STRAY_QUOTE =
        128,                  /* text right after a closing quote; the cell is left as it stands */
    EXCHANGE_ROW_BLANK = 256, /* cells, but all blank (spreadsheets leave such rows at the end) */
    /* What makes a row's cells doubtful as a whole; usually refused. */
    EXCHANGE_ROW_DAMAGED = EXCHANGE_ROW_BAD_TEXT | EXCHANGE_ROW_FEW | EXCHANGE_ROW_MANY |
                           EXCHANGE_ROW_NUL | EXCHANGE_ROW_TOO_LONG | EXCHANGE_ROW_LONG_CELL |
                           EXCHANGE_ROW_OPEN_QUOTE | EXCHANGE_ROW_STRAY_QUOTE
};

typedef struct exchange_row {
    uint64_t line;   /* physical line on which it begins, from 1 */
    uint64_t number; /* of data rows, from 1; the header is not counted */
    const exchange_cell *cells;
    size_t count;
    uint32_t flags;
} exchange_row;

typedef struct exchange_table exchange_table;

/* Opens a file, gzipped or not, and reads the header. Refused, with how to save as CSV: workbooks (xlsx, xls, ods),
 * HTML dressed as xls, other zips, PDF, JSON; and an empty file. Inflating gives wrong bytes before the checksum at the end
 * tells, so a gzipped file is read through once before: when it is cut, damaged or followed by something else, no row is given. */
gov_status exchange_table_open(const gov_allocator *a, const char *path,
                               const exchange_format *format, exchange_table **out, const diag *d);
/* The same from anywhere; `read` is called until it gives 0. What is gzipped is checked only while it is read. */
gov_status exchange_table_read(const gov_allocator *a, exchange_read *read, void *user,
                               const exchange_format *format, exchange_table **out, const diag *d);
void exchange_table_close(exchange_table *t);

/* The next row, good until the next call. GOV_END: all was read. Empty lines are passed over. An error is
 * final: gzip cut short or damaged, or reading failed; it tells after which row. The row that was cut is not given; of
 * damaged gzip that was not checked before, those just before the damage may be wrong. */
gov_status exchange_table_next(exchange_table *t, const exchange_row **row, const diag *d);

/* The header, trimmed. */
size_t exchange_table_width(const exchange_table *t);
exchange_cell exchange_table_header(const exchange_table *t, size_t column);
const char *exchange_table_origin(const exchange_table *t);
exchange_encoding exchange_table_encoding(const exchange_table *t); /* as found so far */
size_t exchange_table_limit(const exchange_table *t, uint32_t flag); /* that a flag's limit is */
uint64_t
exchange_table_bytes(const exchange_table *t); /* taken from the source so far, for progress */

/* Finds columns by name: exact, else without regard to case, width and surrounding space. at[i] is the column of
 * names[i]; a name beginning with '?' is optional and may get EXCHANGE_NO_COLUMN. One error names every column
 * that is missing with the nearest one there is; one tells of a wanted name that stands in the header twice. */
#define EXCHANGE_NO_COLUMN SIZE_MAX
gov_status exchange_table_columns(const exchange_table *t, const char *const *names, size_t n,
                                  size_t *at, const diag *d);

/* A cell of the row; empty past its end and for EXCHANGE_NO_COLUMN. */
static inline exchange_cell exchange_at(const exchange_row *row, size_t column)
{
    return column < row->count ? row->cells[column] : (exchange_cell){"", 0};
}

/* Adds one diagnostic for each of the row's flags, with its place; returns GOV_E_INPUT (GOV_OK for no flag). */
gov_status exchange_row_report(const exchange_table *t, const exchange_row *row, const diag *d);

/* ---- cells: cell.c ---- */

typedef enum exchange_fault {
    EXCHANGE_FINE,
    EXCHANGE_IS_BLANK, /* nothing there: for the caller to judge */
    EXCHANGE_NOT_NUMBER,
    EXCHANGE_NOT_WHOLE, /* a fraction where whole numbers are wanted */
    EXCHANGE_TOO_FINE,  /* more decimals than are kept */
    EXCHANGE_TOO_LARGE,
    EXCHANGE_SHORTENED, /* 1.10101E+17: a spreadsheet has dropped digits */
    EXCHANGE_NOT_BOOL,
    EXCHANGE_NOT_DEGREES,
    EXCHANGE_NOT_DATE,
    EXCHANGE_DATE_AMBIGUOUS,  /* 3/2/2026 without a stated order; 上午12时 */
    EXCHANGE_DATE_IMPOSSIBLE, /* 2026-02-30 */
    EXCHANGE_TIME_IMPOSSIBLE, /* 25:00 */
    EXCHANGE_DATE_SERIAL,     /* 46083: a spreadsheet's number for a date, not asked for */
    EXCHANGE_FAULTS_
} exchange_fault;

/* Reports a fault of a cell with its place, its column's name and its text; returns the status. */
gov_status exchange_fault_report(exchange_fault fault, const exchange_table *t,
                                 const exchange_row *row, size_t column, const diag *d);

/* Without surrounding space of any kind: blanks, tabs, U+00A0, U+3000, zero-width ones, a byte order mark. */
exchange_cell exchange_trim(exchange_cell c);
/* Empty once trimmed, or equal to one of the tokens ("NULL", "-", "无"). */
bool exchange_is_blank(exchange_cell c, const char *const *tokens, size_t n);
/* Trimmed, with full-width letters, digits, signs and spaces made ASCII, for numbers, dates and ids. The text is
 * written to buf; false when it does not fit (then it is nothing of the kind). */
bool exchange_fold(exchange_cell c, char *buf, size_t cap, exchange_cell *out);

exchange_fault exchange_parse_int(exchange_cell c, int64_t *out); /* 1,234  ＋１２３４  12.00 */
/* Fixed point with `scale` decimals kept, 0..9: 1,234.5 with scale 2 gives 123450. */
exchange_fault exchange_parse_decimal(exchange_cell c, int scale, int64_t *out);
exchange_fault exchange_parse_fen(exchange_cell c,
                                  int64_t *out); /* ￥1,234.50  12元  1.2万元  (12.00) */
exchange_fault exchange_parse_bool(exchange_cell c,
                                   bool *out); /* 是 否 true false yes no y n 1 0 √ × ... */
/* Degrees to units of 1e-7, within +-max: 42.3594, 116.39°E, 39.9N. South and west are negative. */
exchange_fault exchange_parse_degrees(exchange_cell c, int32_t max, int64_t *out);

/* ---- dates and times: when.c ---- */

typedef enum exchange_order { /* of 3/2/2026 */
                              EXCHANGE_ORDER_UNKNOWN, /* refused, even where one reading is impossible: one column has one order */
                              EXCHANGE_MONTH_FIRST,
                              EXCHANGE_DAY_FIRST
} exchange_order;

typedef struct exchange_when_format {
    exchange_order order;
    bool serial;      /* numbers are a spreadsheet's days since 1899-12-30 */
    bool serial_1904; /* ... since 1904-01-01 */
} exchange_when_format;

typedef struct exchange_when {
    int64_t days;    /* civil, since 1970-01-01 */
    int64_t micros;  /* of the day */
    bool has_time;   /* else micros is 0 */
    bool has_offset; /* the text named its offset from UTC */
    int32_t offset;  /* seconds */
} exchange_when;

/* 2026-03-02 09:05[:00[.5]]  2026/3/2 9:05  2026.3.2  20260302[ 090500]  2026年3月2日[ 下午2时30分]
 * 2026-03-02T09:05:00+08:00  3/2/2026 with an order  46083.38 with serial. Years 1..9999; 24:00 is the
 * next midnight; a weekday after the date is passed over. NULL format: all zero. */
exchange_fault exchange_parse_when(exchange_cell c, const exchange_when_format *f,
                                   exchange_when *out);
/* Microseconds since 1970 UTC; the zone (NULL: UTC) is used where the text names no offset. Says whether the
 * local time came twice (the first is taken) or never (moved on by the gap). */
base_local exchange_when_to_us(const exchange_when *w, const base_zone *zone, int64_t *us);

/* ---- writing: csv.c ---- */

/* Takes what is written; false: it failed, and the writer stays failed. */
typedef bool exchange_write(void *user, const void *bytes, size_t len);

/* UTF-8 with a byte order mark, CRLF and commas, as spreadsheets expect. Two guards, both of which can be
 * taken off again (exchange_unguard, exchange_trim):
 * - a cell that begins with = + - @ tab or CR and is not a plain number gets a leading apostrophe, because a
 *   spreadsheet would run it as a formula;
 * - with keep_digits, 12 and more digits (ids, phones) and digits with a leading zero get a trailing tab, because a
 *   spreadsheet would turn them into a number and lose digits. */
typedef struct exchange_csv_options {
    bool plain; /* no byte order mark, LF, no guards: for programs */
    bool keep_digits;
} exchange_csv_options;

typedef struct exchange_csv exchange_csv;
gov_status exchange_csv_new(const gov_allocator *a, exchange_write *write, void *user,
                            const exchange_csv_options *options, exchange_csv **out, const diag *d);
void exchange_csv_cell(exchange_csv *w, const char *s, size_t len);
void exchange_csv_text(exchange_csv *w, const char *s);
void exchange_csv_int(exchange_csv *w, int64_t n);
void exchange_csv_end_row(exchange_csv *w);
/* Hands over what is still held; GOV_E_STORE when writing ever failed. Frees nothing. */
gov_status exchange_csv_flush(exchange_csv *w, const diag *d);
void exchange_csv_free(exchange_csv *w);

/* A cell that the writer guarded, without its apostrophe. The reader does this by itself for files whose header
 * has the columns of the refused rows: there it is certain that we wrote it. */
exchange_cell exchange_unguard(exchange_cell c);

/* The refused rows of a table: its header and two columns more, line and reason, so that the file can be mended and
 * imported again as it is. `lang` is "zh" or "en". The header is written with the first refused row. */
typedef struct exchange_refused exchange_refused;
gov_status exchange_refused_new(const gov_allocator *a, exchange_write *write, void *user,
                                const char *lang, exchange_refused **out, const diag *d);
/* Writes the row with every diagnostic of severity error in `why` as its reason. */
gov_status exchange_refused_add(exchange_refused *r, const exchange_table *t,
                                const exchange_row *row, const gov_error *why, const diag *d);
gov_status exchange_refused_flush(exchange_refused *r, const diag *d);
uint64_t exchange_refused_count(const exchange_refused *r);
void exchange_refused_free(exchange_refused *r);

/* ---- inside the room: decode.c, input.c ---- */

/* Bytes from the source, unzipped. */
typedef struct exchange_input exchange_input;
gov_status exchange_input_open(const gov_allocator *a, exchange_read *read, void *user,
                               exchange_input **out, const diag *d);
void exchange_input_close(exchange_input *in);
typedef enum exchange_ended {
    EXCHANGE_GOES_ON,
    EXCHANGE_ENDED,
    EXCHANGE_CUT,    /* gzip without its end */
    EXCHANGE_BROKEN, /* gzip with an error in it */
    EXCHANGE_MORE,   /* something else behind the gzip data */
    EXCHANGE_FAILED, /* the callback failed */
    EXCHANGE_NO_MEMORY,
    EXCHANGE_NO_DECODER /* this system's iconv lacks the encoding */
} exchange_ended;
/* Fills up to cap bytes; 0 bytes when it has ended, and *ended tells how. */
size_t exchange_input_fill(exchange_input *in, char *bytes, size_t cap, exchange_ended *ended);
uint64_t exchange_input_taken(const exchange_input *in);
/* Of these, how many were used; where it ended. */
uint64_t exchange_input_used(const exchange_input *in);
bool exchange_input_zipped(const exchange_input *in);

/* UTF-8 text from those bytes. */
typedef struct exchange_decoder exchange_decoder;
gov_status exchange_decoder_open(const gov_allocator *a, exchange_input *in,
                                 exchange_encoding encoding, exchange_decoder **out, const diag *d);
void exchange_decoder_close(exchange_decoder *dec);
/* Appends some text, at most a few windows of 64 KiB, to out; what is no text becomes U+FFFD. False: nothing came,
 * *ended says why. */
bool exchange_decoder_fill(exchange_decoder *dec, base_buf *out, exchange_ended *ended);
exchange_encoding exchange_decoder_found(const exchange_decoder *dec);
/* The first bytes of the data, unzipped; for telling what kind of file it is. */
exchange_cell exchange_decoder_peek(const exchange_decoder *dec);

#endif
