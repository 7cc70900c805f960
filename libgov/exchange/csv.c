/* Writing CSV for spreadsheets and people, and the file of refused rows. */
#include "exchange/table.h"

#include <string.h>

enum { FLUSH_AT = 64 * 1024, DIGITS_LOST_AT = 12 };

struct exchange_csv {
    const gov_allocator *alloc;
    exchange_write *write;
    void *user;
    exchange_csv_options options;
    base_buf held;
    bool in_row, failed;
};

gov_status exchange_csv_new(const gov_allocator *a, exchange_write *write, void *user,
                            const exchange_csv_options *options, exchange_csv **out, const diag *d)
{
    exchange_csv *w = base_alloc(a, sizeof *w);
    if (w == NULL)
        return base_nomem(d);
    w->alloc = a;
    w->write = write;
    w->user = user;
    if (options != NULL)
        w->options = *options;
    base_buf_init(&w->held, a);
    if (!w->options.plain)
        base_buf_str(&w->held, "\xEF\xBB\xBF");
    *out = w;
    return GOV_OK;
}

void exchange_csv_free(exchange_csv *w)
{
    if (w == NULL)
        return;
    base_buf_free(&w->held);
    base_free(w->alloc, w);
}

static void hand_over(exchange_csv *w)
{
    if (!w->failed && !w->held.failed && w->held.len > 0 &&
        !w->write(w->user, w->held.data, w->held.len))
        w->failed = true;
    w->held.len = 0;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* [+-]digits[.digits] */
static bool is_number(const char *s, size_t len)
{
    size_t i = len > 0 && (s[0] == '-' || s[0] == '+'), digits = 0;
    for (; i < len && digit(s[i]); i++)
        digits++;
    if (i < len && s[i] == '.')
        for (i++; i < len && digit(s[i]); i++)
            digits++;
    return i == len && digits > 0;
}

static bool runs_as_formula(const char *s, size_t len)
{
    return len > 0 && memchr("=+-@\t\r", s[0], 6) != NULL && !is_number(s, len);
}

/* Digits that a spreadsheet would not give back as they were. */
static bool loses_digits(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!digit(s[i]))
            return false;
    return len >= DIGITS_LOST_AT || (len > 1 && s[0] == '0');
}

static bool needs_quotes(const char *s, size_t len)
{
    if (len == 0)
        return false;
    if (s[0] == ' ' || s[len - 1] == ' ')
        return true;
    for (size_t i = 0; i < len; i++)
        if (s[i] == ',' || s[i] == '"' || s[i] == '\n' || s[i] == '\r' || s[i] == ';' ||
            s[i] == '\t')
            return true;
    return false;
}

static void separate(exchange_csv *w)
{
    if (w->in_row)
        base_buf_char(&w->held, ',');
    w->in_row = true;
}

void exchange_csv_cell(exchange_csv *w, const char *s, size_t len)
{
    const bool guard = !w->options.plain && runs_as_formula(s, len);
    const bool keep = w->options.keep_digits && !w->options.plain && loses_digits(s, len);
    const bool quotes = guard || keep || needs_quotes(s, len);
    base_buf *b = &w->held;
    separate(w);
    if (quotes)
        base_buf_char(b, '"');
    if (guard)
        base_buf_char(b, '\'');
    for (const char *end = s + len; quotes && s < end;) {
        const char *q = memchr(s, '"', (size_t)(end - s));
        const size_t n = q != NULL ? (size_t)(q - s) + 1 : (size_t)(end - s);
        base_buf_add(b, s, n);
        if (q != NULL)
            base_buf_char(b, '"');
        s += n;
        len = (size_t)(end - s);
    }
    base_buf_add(b, s, len);
    if (keep)
        base_buf_char(b, '\t');
    if (quotes)
        base_buf_char(b, '"');
}

void exchange_csv_text(exchange_csv *w, const char *s)
{
    exchange_csv_cell(w, s, strlen(s));
}

void exchange_csv_int(exchange_csv *w, int64_t n)
{
    separate(w);
    base_buf_int(&w->held, n);
}

void exchange_csv_end_row(exchange_csv *w)
{
    base_buf_str(&w->held, w->options.plain ? "\n" : "\r\n");
    w->in_row = false;
    if (w->held.len >= FLUSH_AT)
        hand_over(w);
}

gov_status exchange_csv_flush(exchange_csv *w, const diag *d)
{
    if (w->held.failed)
        return base_nomem(d);
    hand_over(w);
    return w->failed ? base_fail(d, M_table_write) : GOV_OK;
}

exchange_cell exchange_unguard(exchange_cell c)
{
    if (c.len >= 2 && c.s[0] == '\'' && runs_as_formula(c.s + 1, c.len - 1))
        return (exchange_cell){c.s + 1, c.len - 1};
    return c;
}

/* ---- refused rows ---- */

struct exchange_refused {
    const gov_allocator *alloc;
    exchange_csv *csv;
    bool chinese;
    uint64_t count;
    base_buf reason;
};

gov_status exchange_refused_new(const gov_allocator *a, exchange_write *write, void *user,
                                const char *lang, exchange_refused **out, const diag *d)
{
    const exchange_csv_options options = {.keep_digits = true};
    exchange_refused *r = base_alloc(a, sizeof *r);
    if (r == NULL)
        return base_nomem(d);
    r->alloc = a;
    r->chinese = lang != NULL && strcmp(lang, "zh") == 0;
    base_buf_init(&r->reason, a);
    const gov_status status = exchange_csv_new(a, write, user, &options, &r->csv, d);
    if (status == GOV_OK)
        *out = r;
    else
        base_free(a, r);
    return status;
}

/* A column that an earlier file of refused rows added; it is replaced by the new one. */
static bool is_own(exchange_cell name)
{
    static const char *const own[] = {"refused_line", "refused_reason", "拒收行号", "拒收原因"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (strlen(own[i]) == name.len && memcmp(own[i], name.s, name.len) == 0)
            return true;
    return false;
}

static void write_header(exchange_refused *r, const exchange_table *t)
{
    for (size_t i = 0; i < exchange_table_width(t); i++) {
        const exchange_cell h = exchange_table_header(t, i);
        if (!is_own(h))
            exchange_csv_cell(r->csv, h.s, h.len);
    }
    exchange_csv_text(r->csv, r->chinese ? "拒收行号" : "refused_line");
    exchange_csv_text(r->csv, r->chinese ? "拒收原因" : "refused_reason");
    exchange_csv_end_row(r->csv);
}

/* The header's number of cells; what the row has beyond stands behind the reason, so that no cell is lost. */
gov_status exchange_refused_add(exchange_refused *r, const exchange_table *t,
                                const exchange_row *row, const gov_error *why, const diag *d)
{
    const size_t width = exchange_table_width(t);
    if (r->count++ == 0)
        write_header(r, t);
    for (size_t i = 0; i < width; i++) {
        const exchange_cell c = exchange_at(row, i);
        if (!is_own(exchange_table_header(t, i)))
            exchange_csv_cell(r->csv, c.s, c.len);
    }
    exchange_csv_int(r->csv, row->line > INT64_MAX ? 0 : (int64_t)row->line);
    base_buf_clear(&r->reason);
    for (size_t i = 0; i < gov_error_count(why); i++) {
        if (gov_error_severity(why, i) != GOV_SEVERITY_ERROR)
            continue;
        if (r->reason.len > 0)
            base_buf_str(&r->reason, r->chinese ? "；" : "; ");
        base_buf_str(&r->reason, gov_error_message(why, i, r->chinese ? "zh" : "en"));
    }
    exchange_csv_cell(r->csv, r->reason.len > 0 ? r->reason.data : "", r->reason.len);
    for (size_t i = width; i < row->count; i++)
        exchange_csv_cell(r->csv, row->cells[i].s, row->cells[i].len);
    exchange_csv_end_row(r->csv);
    return r->reason.failed || r->csv->held.failed ? base_nomem(d)
           : r->csv->failed                        ? base_fail(d, M_table_write)
                                                   : GOV_OK;
}

gov_status exchange_refused_flush(exchange_refused *r, const diag *d)
{
    if (r->count == 0)
        return GOV_OK; /* nothing was refused, not even a mark is written */
    return exchange_csv_flush(r->csv, d);
}

uint64_t exchange_refused_count(const exchange_refused *r)
{
    return r->count;
}

void exchange_refused_free(exchange_refused *r)
{
    if (r == NULL)
        return;
    exchange_csv_free(r->csv);
    base_buf_free(&r->reason);
    base_free(r->alloc, r);
}
