/* Rows and cells out of text: RFC 4180, and what is done with files that break it. A row is parsed where it lies in
 * the buffer; its cells point there, so that memory does not grow with the file. */
#include "exchange/table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { SNIFF_LINES = 20 };

struct exchange_table {
    const gov_allocator *alloc;
    exchange_format format;
    base_arena arena; /* origin and header */
    const char *origin;
    int fd;    /* -1: a callback of the caller's */
    bool once; /* a pipe */
    exchange_input *in;
    exchange_decoder *dec;
    base_buf text;
    size_t at; /* where the next row begins in text */
    exchange_ended ended;
    bool skip_line; /* the rest of a line that was too long is still to come */
    bool replay;    /* the row at hand is to be given once more */
    bool unguard;
    uint64_t line, rows;
    char delimiter[4];
    size_t delimiter_len;
    uint8_t stops[256]; /* bytes that may end an unquoted cell */
    exchange_cell *cells;
    size_t cell_cap;
    exchange_row row;
    const char **header; /* NUL-terminated, trimmed */
    size_t width;
};

/* ---- opening ---- */

static ptrdiff_t read_fd(void *user, void *bytes, size_t cap)
{
    const exchange_table *t = user;
    for (;;) {
        const ssize_t n = read(t->fd, bytes, cap);
        if (n >= 0 || errno != EINTR)
            return n;
    }
}

static void set_delimiter(exchange_table *t, uint32_t cp)
{
    t->delimiter_len = base_utf8_put(cp, t->delimiter);
    memset(t->stops, 0, sizeof t->stops);
    t->stops['\n'] = t->stops['\r'] = t->stops[(unsigned char)t->delimiter[0]] = 1;
}

static bool at_delimiter(const exchange_table *t, const char *s, const char *end)
{
    return (size_t)(end - s) >= t->delimiter_len && memcmp(s, t->delimiter, t->delimiter_len) == 0;
}

static gov_status how_it_ended(const exchange_table *t, const diag *d)
{
    const base_place place = {t->origin, t->line > UINT32_MAX ? 0 : (uint32_t)t->line, 0};
    switch (t->ended) {
    case EXCHANGE_CUT:
        return base_fail_at(d, &place, M_table_cut, A_I("row", t->rows), A_I("line", t->line - 1));
    case EXCHANGE_BROKEN:
        return base_fail_at(d, &place, M_table_gzip, A_I("row", t->rows), A_I("line", t->line - 1));
    case EXCHANGE_MORE:
        return base_fail_at(d, &place, M_table_trailing, A_I("row", t->rows), A_I("line", t->line - 1));
    case EXCHANGE_FAILED: return base_fail_at(d, &place, M_table_read, A_I("row", t->rows));
    case EXCHANGE_NO_MEMORY: return base_nomem(d);
    case EXCHANGE_NO_DECODER: return base_fail_at(d, &place, M_unsupported, A_S("what", "iconv"));
    default: return GOV_END;
    }
}

/* Makes the buffer hold more text behind the row at hand. False: there is no more. */
static bool more(exchange_table *t)
{
    if (t->ended != EXCHANGE_GOES_ON)
        return false;
    if (t->at > 0) {
        memmove(t->text.data, t->text.data + t->at, t->text.len - t->at);
        t->text.len -= t->at;
        t->at = 0;
    }
    return exchange_decoder_fill(t->dec, &t->text, &t->ended);
}

static gov_status refuse_kind(const exchange_table *t, const diag *d)
{
    static const struct {
        const char *magic, *kind;
        size_t len;
        base_message message;
    } known[] = {
        {"PK\x03\x04", "xlsx / ods / zip", 4, M_table_workbook},
        {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "xls", 8, M_table_workbook},
        {"\x09\x08\x10", "xls", 3, M_table_workbook},
        {"<?xml", "XML", 5, M_table_workbook},
        {"<html", "HTML", 5, M_table_workbook},
        {"<HTML", "HTML", 5, M_table_workbook},
        {"<!DOCTYPE", "HTML", 9, M_table_workbook},
        {"<table", "HTML", 6, M_table_workbook},
        {"%PDF", "PDF", 4, M_table_not_csv},
        {"Rar!", "RAR", 4, M_table_not_csv},
        {"7z\xBC\xAF", "7z", 4, M_table_not_csv},
        {"SQLite format 3", "SQLite", 15, M_table_not_csv},
    };
    const base_place place = {t->origin, 0, 0};
    exchange_cell head = exchange_decoder_peek(t->dec);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (head.len >= known[i].len && memcmp(head.s, known[i].magic, known[i].len) == 0)
            return base_fail_at(d, &place, known[i].message, A_S("kind", known[i].kind));
    head = exchange_trim(head);
    if (head.len >= 2 &&
        (head.s[0] == '{' || (head.s[0] == '[' && (head.s[1] == '{' || head.s[1] == '['))))
        return base_fail_at(d, &place, M_table_not_csv, A_S("kind", "JSON"));
    return GOV_OK;
}

/* ---- finding the delimiter ---- */

/* How often the delimiter stands outside quotes on the line at *s, which is moved behind it. */
static size_t count_on_line(const exchange_table *t, const char **s, const char *end)
{
    size_t n = 0;
    bool quoted = false;
    const char *p = *s;
    for (; p < end; p++) {
        if (*p == '"') {
            quoted = !quoted;
        } else if (!quoted && (*p == '\n' || *p == '\r')) {
            p += *p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
            break;
        } else if (!quoted && at_delimiter(t, p, end)) {
            n++;
        }
    }
    *s = p;
    return n;
}

static void pass_empty_lines(const char **s, const char *end)
{
    while (*s < end && (**s == '\n' || **s == '\r'))
        ++*s;
}

/* The one that stands on the most of the first lines as often as in the header. */
static void sniff(exchange_table *t)
{
    static const uint32_t candidates[] = {',', ';', '\t', 0xFF0C, '|'};
    uint32_t best = ',';
    size_t best_score = 0;
    const char *end = t->text.data + t->text.len;
    for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
        const char *p = t->text.data + t->at;
        set_delimiter(t, candidates[i]);
        pass_empty_lines(&p, end);
        for (uint32_t k = 0; k < t->format.skip_rows && p < end; k++) {
            count_on_line(t, &p, end);
            pass_empty_lines(&p, end);
        }
        const size_t wanted = p < end ? count_on_line(t, &p, end) : 0;
        size_t score = wanted > 0 ? 1000 + (wanted < 1000 ? wanted : 999) : 0;
        for (int k = 0; wanted > 0 && k < SNIFF_LINES && p < end; k++)
            score += count_on_line(t, &p, end) == wanted ? 1000 : 0;
        if (score > best_score) {
            best_score = score;
            best = candidates[i];
        }
    }
    set_delimiter(t, best);
}

static bool usable(uint32_t delimiter)
{
    return delimiter != '"' && delimiter != '\n' && delimiter != '\r' && delimiter != 0;
}

/* Excel's own first line "sep=;". */
static bool take_sep_line(exchange_table *t)
{
    const char *s = t->text.data + t->at, *end = t->text.data + t->text.len;
    if (end - s < 6 || memcmp(s, "sep=", 4) != 0 || !usable((unsigned char)s[4]) ||
        (s[5] != '\n' && s[5] != '\r'))
        return false;
    set_delimiter(t, (unsigned char)s[4]);
    t->at += s[5] == '\r' && end - s > 6 && s[6] == '\n' ? 7 : 6;
    t->line++;
    return true;
}

/* ---- a row ---- */

typedef struct scan {
    const char *s, *end;
    bool last;    /* nothing comes behind end */
    bool recover; /* a quote that is not closed was met: this time it ends with its line */
    uint32_t flags;
    size_t count;
    const char *next; /* behind the row */
} scan;

typedef enum scanned { ROW_WHOLE, ROW_UNFINISHED, ROW_OPEN, ROW_NOMEM } scanned;

static bool add_cell(exchange_table *t, scan *c, const char *from, const char *to)
{
    if (c->count < t->format.max_columns) {
        if (!base_grow(t->alloc, &t->cells, &t->cell_cap, c->count, sizeof *t->cells))
            return false;
        t->cells[c->count] = (exchange_cell){from, (size_t)(to - from)};
    }
    c->count++;
    return true;
}

/* From p to the delimiter or line end that closes an unquoted cell; end when there is none. */
static const char *plain_end(const exchange_table *t, const char *p, const char *end)
{
    for (;; p++) {
        while (p < end && !t->stops[(unsigned char)*p])
            p++;
        if (p == end || *p == '\n' || *p == '\r' || at_delimiter(t, p, end))
            return p;
    }
}

/* The cell is given without its quotes; doubled ones in it are undone when the row is whole. */
static scanned quoted_cell(exchange_table *t, scan *c, const char **p)
{
    const char *open = *p, *q = open + 1;
    for (;; q += 2) {
        q = q < c->end ? memchr(q, '"', (size_t)(c->end - q)) : NULL;
        if (q == NULL)
            return c->last ? ROW_OPEN : ROW_UNFINISHED;
        if (q + 1 == c->end || q[1] != '"')
            break;
    }
    if (q + 1 == c->end && !c->last)
        return ROW_UNFINISHED;
    const char *stop = q + 1;
    if (stop < c->end && *stop != '\n' && *stop != '\r' && !at_delimiter(t, stop, c->end)) {
        stop = plain_end(t, stop, c->end);
        c->flags |= EXCHANGE_ROW_STRAY_QUOTE;
        *p = stop;
        return add_cell(t, c, open, stop) ? ROW_WHOLE : ROW_NOMEM;
    }
    *p = stop;
    return add_cell(t, c, open + 1, q) ? ROW_WHOLE : ROW_NOMEM;
}

static scanned open_cell(exchange_table *t, scan *c, const char **p)
{
    const char *stop = *p;
    while (stop < c->end && *stop != '\n' && *stop != '\r')
        stop++;
    c->flags |= EXCHANGE_ROW_OPEN_QUOTE;
    if (!add_cell(t, c, *p, stop))
        return ROW_NOMEM;
    *p = stop;
    return ROW_WHOLE;
}

/* True when a quoted cell that begins at p is closed before the data ends. */
static bool closes(const char *p, const char *end)
{
    for (p++;; p += 2) {
        p = p < end ? memchr(p, '"', (size_t)(end - p)) : NULL;
        if (p == NULL)
            return false;
        if (p + 1 == end || p[1] != '"')
            return true;
    }
}

static scanned scan_row(exchange_table *t, scan *c)
{
    const char *p = c->s;
    for (;;) {
        scanned how = ROW_WHOLE;
        if (p < c->end && *p == '"') {
            how = c->recover && !closes(p, c->end) ? open_cell(t, c, &p) : quoted_cell(t, c, &p);
        } else {
            const char *stop = plain_end(t, p, c->end);
            if (!add_cell(t, c, p, stop))
                return ROW_NOMEM;
            p = stop;
        }
        if (how != ROW_WHOLE)
            return how;
        if (p == c->end || ((size_t)(c->end - p) < 4 && !c->last && *p != '\n')) {
            c->next = c->end;
            return c->last ? ROW_WHOLE
                           : ROW_UNFINISHED; /* near the end, more may change what p points at */
        }
        if (*p == '\n' || *p == '\r')
            break;
        p += t->delimiter_len;
    }
    c->next = p + (*p == '\r' && p + 1 < c->end && p[1] == '\n' ? 2 : 1);
    return ROW_WHOLE;
}

static uint64_t count_lines(const char *s, const char *end)
{
    uint64_t n = 0;
    for (; s < end; s++)
        n += *s == '\n' || (*s == '\r' && (s + 1 == end || s[1] != '\n'));
    return n;
}

/* Undoes doubled quotes in place: a cell right behind an opening quote is one. */
static void undouble(exchange_cell *c)
{
    const char *first = memchr(c->s, '"', c->len);
    if (first == NULL)
        return;
    char *base = (char *)(uintptr_t)c->s, *to = base + (first - c->s);
    for (const char *from = first; from < c->s + c->len; from++) {
        if (*from == '"' && from + 1 < c->s + c->len && from[1] == '"')
            from++;
        *to++ = *from;
    }
    c->len = (size_t)(to - base);
}

static bool has_replacement(const char *s, const char *end)
{
    while (s < end && (s = memchr(s, '\xEF', (size_t)(end - s))) != NULL) {
        if (end - s >= 3 && s[1] == '\xBF' && s[2] == '\xBD')
            return true;
        s++;
    }
    return false;
}

static void shorten(exchange_table *t, scan *c, exchange_cell *cell)
{
    if (cell->len <= t->format.max_cell)
        return;
    c->flags |= EXCHANGE_ROW_LONG_CELL;
    cell->len = t->format.max_cell;
    while (cell->len > 0 && ((unsigned char)cell->s[cell->len] & 0xC0) == 0x80)
        cell->len--;
}

/* The row is whole: undoes quotes, counts lines, sets flags. */
static void finish_row(exchange_table *t, scan *c)
{
    const size_t stored = c->count < t->format.max_columns ? c->count : t->format.max_columns;
    bool blank = true;
    const char *start = c->s;
    const uint64_t lines = count_lines(start, c->next);
    if (memchr(start, '\0', (size_t)(c->next - start)) != NULL)
        c->flags |= EXCHANGE_ROW_NUL;
    if (has_replacement(start, c->next))
        c->flags |= EXCHANGE_ROW_BAD_TEXT;
    for (size_t i = 0; i < stored; i++) {
        exchange_cell *cell = &t->cells[i];
        if (cell->s > start && cell->s[-1] == '"')
            undouble(cell);
        if (t->unguard)
            *cell = exchange_unguard(*cell);
        shorten(t, c, cell);
        blank = blank && exchange_trim(*cell).len == 0;
    }
    t->row = (exchange_row){t->line, t->rows, t->cells, stored,
                            c->flags | (blank ? EXCHANGE_ROW_BLANK : 0)};
    t->line += lines > 0 ? lines : 1;
    t->at = (size_t)(c->next - t->text.data);
}

/* The length of a whole row without its line end. */
static size_t without_end(const scan *c)
{
    const char *end = c->next;
    while (end > c->s && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    return (size_t)(end - c->s);
}

/* Over max_row: keeps what fits, and the rest of the line is passed over. */
static scanned cut_row(exchange_table *t, scan *c)
{
    const char *limit = c->s + t->format.max_row;
    while (limit > c->s && ((unsigned char)*limit & 0xC0) == 0x80)
        limit--;
    scan cut = {.s = c->s, .end = limit, .last = true, .recover = true};
    const scanned how = scan_row(t, &cut);
    cut.flags |= (cut.flags & EXCHANGE_ROW_OPEN_QUOTE) == 0 ? EXCHANGE_ROW_TOO_LONG : 0;
    t->skip_line = cut.next == limit && (limit == c->s || (limit[-1] != '\n' && limit[-1] != '\r'));
    *c = cut;
    return how;
}

/* Parses the row at t->at. GOV_END with t->ended telling why there is none. */
static gov_status parse_row(exchange_table *t, const diag *d)
{
    for (;;) {
        scan c = {.s = t->text.data + t->at, .end = t->text.data + t->text.len};
        c.last = t->ended == EXCHANGE_ENDED;
        if (t->at == t->text.len) {
            if (!more(t))
                return how_it_ended(t, d);
            continue;
        }
        scanned how = scan_row(t, &c);
        if (how == ROW_WHOLE && without_end(&c) > t->format.max_row)
            how = cut_row(t, &c);
        if ((how == ROW_UNFINISHED || how == ROW_OPEN) && (size_t)(c.end - c.s) > t->format.max_row)
            how = cut_row(t, &c);
        if (how == ROW_OPEN) {
            c = (scan){.s = c.s, .end = c.end, .last = true, .recover = true};
            how = scan_row(t, &c);
        }
        if (how == ROW_NOMEM)
            return base_nomem(d);
        if (how == ROW_WHOLE) {
            finish_row(t, &c);
            return GOV_OK;
        }
        if (!more(t) && t->ended != EXCHANGE_ENDED)
            return how_it_ended(t, d); /* the row that was cut is not given */
    }
}

/* Passes over the rest of a line that was too long. */
static void skip_rest(exchange_table *t)
{
    for (;;) {
        const char *p = t->text.data + t->at, *end = t->text.data + t->text.len;
        while (p < end && *p != '\n' && *p != '\r')
            p++;
        t->at = (size_t)(p - t->text.data);
        if (p < end && (*p == '\n' || p + 1 < end || t->ended != EXCHANGE_GOES_ON)) {
            t->at += *p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
            break;
        }
        if (!more(t) && t->at == t->text.len)
            break;
    }
    t->skip_line = false;
}

static gov_status next_row(exchange_table *t, const diag *d)
{
    for (;;) {
        if (t->skip_line)
            skip_rest(t);
        const gov_status status = parse_row(t, d);
        if (status != GOV_OK)
            return status;
        if (t->row.count > 1 || (t->row.flags & EXCHANGE_ROW_BLANK) == 0)
            return GOV_OK; /* else an empty line */
    }
}

/* ---- the header ---- */

static bool is_refused_column(const char *name)
{
    return strcmp(name, "refused_reason") == 0 || strcmp(name, "拒收原因") == 0;
}

static gov_status keep_header(exchange_table *t, const diag *d)
{
    const exchange_row *row = &t->row;
    t->width = row->count;
    while (!t->format.no_header && t->width > 1 && exchange_trim(row->cells[t->width - 1]).len == 0)
        t->width--;
    if (t->width >= t->format.max_columns) {
        const base_place place = {t->origin, (uint32_t)row->line, 0};
        return base_fail_at(d, &place, M_table_too_wide, A_I("limit", t->format.max_columns));
    }
    t->header = base_arena_array(&t->arena, t->width, sizeof *t->header);
    for (size_t i = 0; t->header != NULL && i < t->width; i++) {
        char digits[24];
        exchange_cell name = exchange_trim(row->cells[i]);
        if (t->format.no_header)
            name = (exchange_cell){digits, base_format_int((int64_t)i + 1, digits)};
        t->header[i] = base_arena_strndup(&t->arena, name.s, name.len);
        if (t->header[i] == NULL)
            return base_nomem(d);
        t->unguard |= is_refused_column(t->header[i]);
    }
    t->replay = t->format.no_header;
    return t->header != NULL ? GOV_OK : base_nomem(d);
}

static gov_status start(exchange_table *t, const diag *d)
{
    gov_status status = refuse_kind(t, d);
    if (status != GOV_OK)
        return status;
    char utf8[4];
    if (t->format.delimiter != 0 &&
        (!usable(t->format.delimiter) || base_utf8_put(t->format.delimiter, utf8) == 0))
        return base_fail(d, M_bad_argument, A_S("what", "delimiter"));
    t->line = 1;
    more(t);
    if (!take_sep_line(t)) {
        if (t->format.delimiter != 0)
            set_delimiter(t, t->format.delimiter);
        else
            sniff(t);
    }
    for (uint32_t i = 0; i <= t->format.skip_rows && status == GOV_OK; i++)
        status = next_row(t, d);
    if (status == GOV_END) {
        const base_place place = {t->origin, 0, 0};
        return base_fail_at(d, &place, M_table_empty);
    }
    return status == GOV_OK ? keep_header(t, d) : status;
}

static exchange_table *make(const gov_allocator *a, const exchange_format *format,
                            const char *origin)
{
    exchange_table *t = base_alloc(a, sizeof *t);
    if (t == NULL)
        return NULL;
    t->alloc = a;
    t->fd = -1;
    base_arena_init(&t->arena, a);
    base_buf_init(&t->text, a);
    if (format != NULL)
        t->format = *format;
    if (t->format.max_row == 0)
        t->format.max_row = 1 << 20;
    if (t->format.max_cell == 0)
        t->format.max_cell = 256 * 1024;
    if (t->format.max_columns == 0)
        t->format.max_columns = 1024;
    if (t->format.origin != NULL)
        origin = t->format.origin;
    t->origin = base_arena_strdup(&t->arena, origin != NULL ? origin : "");
    if (t->origin == NULL || !base_buf_reserve(&t->text, 1)) { /* text.data is never NULL */
        exchange_table_close(t);
        return NULL;
    }
    return t;
}

static gov_status open_with(exchange_table *t, exchange_read *read_more, void *user,
                            exchange_table **out, const diag *d)
{
    gov_status status = exchange_input_open(t->alloc, read_more, user, &t->in, d);
    if (status == GOV_OK && t->once && exchange_input_zipped(t->in))
        status = base_fail(d, M_table_zip_pipe, A_S("path", t->origin));
    if (status == GOV_OK)
        status = exchange_decoder_open(t->alloc, t->in, t->format.encoding, &t->dec, d);
    if (status == GOV_OK)
        status = start(t, d);
    if (status == GOV_OK)
        *out = t;
    else
        exchange_table_close(t);
    return status;
}

gov_status exchange_table_read(const gov_allocator *a, exchange_read *read_more, void *user,
                               const exchange_format *format, exchange_table **out, const diag *d)
{
    exchange_table *t = make(a, format, NULL);
    return t != NULL ? open_with(t, read_more, user, out, d) : base_nomem(d);
}

/* Inflates all of it once. */
static gov_status check_zipped(const exchange_table *t, exchange_input *in, const diag *d)
{
    enum { WINDOW = 64 * 1024 };
    exchange_ended ended = EXCHANGE_GOES_ON;
    char *window = base_alloc(t->alloc, WINDOW);
    if (window == NULL)
        return base_nomem(d);
    while (ended == EXCHANGE_GOES_ON)
        (void)exchange_input_fill(in, window, WINDOW, &ended);
    base_free(t->alloc, window);
    const int64_t at = (int64_t)exchange_input_used(in);
    switch (ended) {
    case EXCHANGE_ENDED: return GOV_OK;
    case EXCHANGE_CUT: return base_fail(d, M_table_zip_cut, A_S("path", t->origin), A_I("bytes", at));
    case EXCHANGE_MORE: return base_fail(d, M_table_zip_more, A_S("path", t->origin), A_I("at", at + 1));
    case EXCHANGE_NO_MEMORY: return base_nomem(d);
    case EXCHANGE_FAILED: return base_fail(d, M_table_read, A_I("row", 0));
    default: return base_fail(d, M_table_zip_damaged, A_S("path", t->origin), A_I("bytes", at));
    }
}

/* The checksum of gzip data stands at its end: until it was seen, any row may be another than was written. */
static gov_status check_file(exchange_table *t, const diag *d)
{
    unsigned char magic[2];
    exchange_input *in;
    if (lseek(t->fd, 0, SEEK_CUR) < 0)
        t->once = true;
    if (t->once)
        return GOV_OK;
    const ssize_t n = pread(t->fd, magic, sizeof magic, 0);
    if (n != sizeof magic || magic[0] != 0x1f || magic[1] != 0x8b)
        return GOV_OK;
    gov_status status = exchange_input_open(t->alloc, read_fd, t, &in, d);
    if (status != GOV_OK)
        return status;
    status = check_zipped(t, in, d);
    exchange_input_close(in);
    if (status == GOV_OK && lseek(t->fd, 0, SEEK_SET) != 0)
        return base_fail(d, M_table_read, A_I("row", 0));
    return status;
}

gov_status exchange_table_open(const gov_allocator *a, const char *path,
                               const exchange_format *format, exchange_table **out, const diag *d)
{
    char why[128] = "";
    exchange_table *t = make(a, format, path);
    if (t == NULL)
        return base_nomem(d);
    t->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (t->fd < 0) {
        if (strerror_r(errno, why, sizeof why) != 0)
            why[0] = '\0';
        exchange_table_close(t);
        return base_fail(d, M_table_open, A_S("path", path), A_S("why", why));
    }
    const gov_status status = check_file(t, d);
    if (status != GOV_OK) {
        exchange_table_close(t);
        return status;
    }
    return open_with(t, read_fd, t, out, d);
}

void exchange_table_close(exchange_table *t)
{
    if (t == NULL)
        return;
    exchange_decoder_close(t->dec);
    exchange_input_close(t->in);
    if (t->fd >= 0)
        close(t->fd);
    base_buf_free(&t->text);
    base_free(t->alloc, t->cells);
    base_arena_free(&t->arena);
    base_free(t->alloc, t);
}

gov_status exchange_table_next(exchange_table *t, const exchange_row **out, const diag *d)
{
    if (!t->replay) {
        const gov_status status = next_row(t, d);
        if (status != GOV_OK)
            return status;
    }
    t->replay = false;
    exchange_row *row = &t->row;
    row->number = ++t->rows;
    size_t count = row->count;
    while (count > t->width && exchange_trim(row->cells[count - 1]).len == 0)
        count--; /* delimiters behind the last cell mean nothing */
    if (count >= t->width)
        row->count = count;
    if ((row->flags & EXCHANGE_ROW_BLANK) == 0) {
        row->flags |= row->count < t->width ? EXCHANGE_ROW_FEW : 0;
        row->flags |= row->count > t->width ? EXCHANGE_ROW_MANY : 0;
    }
    *out = row;
    return GOV_OK;
}

/* ---- asking ---- */

size_t exchange_table_width(const exchange_table *t)
{
    return t->width;
}

exchange_cell exchange_table_header(const exchange_table *t, size_t column)
{
    if (column >= t->width)
        return (exchange_cell){"", 0};
    return (exchange_cell){t->header[column], strlen(t->header[column])};
}

const char *exchange_table_origin(const exchange_table *t)
{
    return t->origin;
}

exchange_encoding exchange_table_encoding(const exchange_table *t)
{
    return exchange_decoder_found(t->dec);
}

uint64_t exchange_table_bytes(const exchange_table *t)
{
    return exchange_input_taken(t->in);
}

size_t exchange_table_limit(const exchange_table *t, uint32_t flag)
{
    return flag == EXCHANGE_ROW_LONG_CELL ? t->format.max_cell : t->format.max_row;
}
