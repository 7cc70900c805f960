/* What an author wrote where libyaml gives up: said in the author's terms, with what to write instead where that can be told. */
#include "rulebook/yaml.h"

#include <string.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- expressions that YAML took apart ---- */

static bool word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

/* "case.s == "x"": quotes were written around it, and those inside are of the same kind. Then the first of them ends a text for YAML,
 * and a word follows at once. */
static bool quotes_within(const char *p, size_t len)
{
    size_t i = 1;
    if (len < 3 || (p[0] != '"' && p[0] != '\''))
        return false;
    while (i < len && !(p[i] == p[0] && !(p[0] == '\'' && i > 1 && i + 1 < len && p[i + 1] == '\'' && ++i < len)))
        i += p[0] == '"' && p[i] == '\\' ? 2 : 1;
    return i + 1 < len && word_char(p[i + 1]);
}

/* Where such a text ends: at a quote that closes what the others opened, before a comma or a brace. */
static size_t quoted_length(const char *p, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        size_t k = i + 1;
        count += p[i] == p[0];
        while (k < len && blank(p[k]))
            k++;
        if (p[i] == p[0] && count > 2 && count % 2 == 0 && (k == len || p[k] == ',' || p[k] == '}'))
            return i + 1;
    }
    return 0;
}

size_t rb_expression_length(const char *p, size_t len, bool flow)
{
    int depth = 0;
    char quote = 0;
    const size_t quoted = flow && quotes_within(p, len) ? quoted_length(p, len) : 0;
    if (quoted > 0)
        return quoted;
    for (size_t i = 0; flow && i < len; i++) {
        if (quote != 0) {
            quote = p[i] == quote ? 0 : quote;
        } else if (p[i] == '"' || p[i] == '\'') {
            quote = p[i];
        } else if (strchr("([{", p[i]) != NULL) {
            depth++;
        } else if (strchr(")]}", p[i]) != NULL) {
            if (depth-- == 0)
                return i;
        } else if (p[i] == ',' && depth == 0) {
            return i;
        }
    }
    return len;
}

/* Where the list, map or quoted text that ends before `stop` begins; stop when none does. */
static size_t opening(const char *line, size_t stop)
{
    size_t at = stop;
    int depth = 0;
    while (at > 0 && blank(line[at - 1]))
        at--;
    if (at == 0 || strchr("]}\"'", line[at - 1]) == NULL)
        return stop;
    const char last = line[--at];
    while (at > 0 && (last == '"' || last == '\''))
        if (line[--at] == last)
            return at;
    for (at++; at > 0; at--) {
        depth += strchr("]})", line[at - 1]) != NULL ? 1 : strchr("[{(", line[at - 1]) != NULL ? -1 : 0;
        if (depth == 0)
            return at - 1;
    }
    return stop;
}

/* After the last "key: " before `stop`; n when there is none. */
static size_t after_key(const char *line, size_t stop, size_t n)
{
    size_t at = n;
    for (size_t i = 0; i + 1 < stop; i++)
        if (line[i] == ':' && blank(line[i + 1]))
            at = i + 2;
    while (at < n && blank(line[at]))
        at++;
    return at;
}

static uint32_t line_start(const rb_source *s, uint32_t at)
{
    while (at > 0 && s->bytes[at - 1] != '\n' && s->bytes[at - 1] != '\r')
        at--;
    return at;
}

/* The place of a byte on the same line as one that is known. */
static base_place place_on(const rb_source *s, uint32_t known, base_place place, uint32_t at)
{
    for (uint32_t i = known; i > at; i--)
        place.column -= ((unsigned char)s->bytes[i - 1] & 0xc0) != 0x80;
    for (uint32_t i = known; i < at; i++)
        place.column += ((unsigned char)s->bytes[i] & 0xc0) != 0x80;
    return place;
}

/* The value around byte `problem` when it looks like an expression that YAML reads as something else. */
static bool swallowed(const rb_source *s, uint32_t problem, bool flow, const char **text, size_t *len)
{
    const uint32_t start = line_start(s, problem);
    size_t n;
    const char *line = rb_line_rest(s, start, &n);
    const size_t stop = problem - start < n ? problem - start : n;
    const size_t open = opening(line, stop);
    const size_t at = open < stop && open == after_key(line, open, n) ? open : after_key(line, stop, n);
    if (at + 1 >= n || strchr("#|>", line[at]) != NULL)
        return false;
    *text = line + at;
    *len = rb_expression_length(line + at, n - at, flow || memchr(line, '{', at) != NULL);
    if (strchr("![{\"'&*%@`", line[at]) != NULL)
        return true;
    for (size_t i = at; i + 1 < n; i++)
        if ((line[i] == ':' || line[i] == '?') && blank(line[i + 1]))
            return true;
    return memchr(line + at, '[', n - at) != NULL || memchr(line + at, '{', n - at) != NULL;
}

bool rb_expression_like(const char *s, size_t len)
{
    static const char *const marks[] = {"&&", "||", "==", "!=", "<", ">", " in ", " ? ", "case.", "event.",
                                        "actor.", "values.", "clocks.", "has("};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const size_t n = strlen(marks[i]);
        for (size_t k = 0; k + n <= len; k++)
            if (memcmp(s + k, marks[i], n) == 0)
                return true;
    }
    return false;
}

/* ---- quotes ---- */

static void put_quoted(base_buf *out, const char *text, size_t len)
{
    const char quote = memchr(text, '\'', len) != NULL ? '"' : '\'';
    base_buf_char(out, quote);
    for (size_t i = 0; i < len; i++) {
        if (quote == '"' && (text[i] == '"' || text[i] == '\\'))
            base_buf_char(out, '\\');
        base_buf_char(out, text[i]);
    }
    base_buf_char(out, quote);
}

static gov_status report_quoted(const gov_allocator *a, base_message m, base_place place, const char *text, size_t len, const diag *d)
{
    base_buf quoted;
    while (len > 0 && blank(text[len - 1]))
        len--;
    if (quotes_within(text, len) && text[len - 1] == text[0]) { /* its own quotes give way to others */
        text++;
        len -= 2;
    }
    base_buf_init(&quoted, a);
    put_quoted(&quoted, text, len);
    const gov_status status = quoted.failed ? base_nomem(d) : base_fail_at(d, &place, m, A_S("quoted", quoted.data));
    base_buf_free(&quoted);
    return status;
}

gov_status rb_report_quote(const gov_allocator *a, base_place place, const char *text, size_t len, const diag *d)
{
    return report_quoted(a, M_yaml_quote, place, text, len, d);
}

gov_status rb_report_text(const gov_allocator *a, base_place place, const char *text, size_t len, const diag *d)
{
    return report_quoted(a, M_yaml_text, place, text, len, d);
}

/* ---- what else it may be ---- */

static bool says(const rb_break *b, const char *words)
{
    return b->problem != NULL && strstr(b->problem, words) != NULL;
}

bool rb_break_opens(const rb_break *b)
{
    if (says(b, "unexpected end of stream") || says(b, "unexpected document indicator"))
        return strstr(b->context, "quoted scalar") != NULL;
    return says(b, "expected ',' or");
}

/* The value on the line of the problem that begins after its first key. */
static bool whole_value(const rb_break *b, uint32_t *from, size_t *len)
{
    size_t n;
    const uint32_t start = line_start(b->source, b->at);
    const char *line = rb_line_rest(b->source, start, &n);
    const size_t stop = b->at - start < n ? b->at - start : n;
    size_t at = 0;
    if (b->flow)
        at = after_key(line, stop, n);
    else
        for (; at + 1 < stop && !(line[at] == ':' && blank(line[at + 1])); at++) {
        }
    if (!b->flow && at + 1 >= stop)
        return false;
    for (at += b->flow ? 0 : 1; at < n && blank(line[at]); at++) {
    }
    if (at >= n || at > stop)
        return false;
    *from = start + (uint32_t)at;
    *len = rb_expression_length(line + at, n - at, b->flow);
    return true;
}

/* U+FF1A and its like, typed with an input method still on. */
char rb_wide(const char *text, size_t len)
{
    static const struct {
        const char *utf8;
        char ascii;
    } marks[] = {{"：", ':'}, {"，", ','}, {"［", '['}, {"］", ']'}, {"｛", '{'}, {"｝", '}'}, {"“", '"'}, {"”", '"'},
                 {"【", '['}, {"】", ']'}, {"‘", '\''}, {"’", '\''}};
    for (size_t k = 0; k < ARRAY_LEN(marks) && len >= 3; k++)
        if (memcmp(text, marks[k].utf8, 3) == 0)
            return marks[k].ascii;
    return 0;
}

static bool wide_mark(const rb_source *s, uint32_t from, uint32_t *at, char *right)
{
    size_t n;
    const char *line = rb_line_rest(s, from, &n);
    for (size_t i = 0; i < n; i++)
        if ((*right = rb_wide(line + i, n - i)) != 0) {
            *at = from + (uint32_t)i;
            return true;
        }
    return false;
}

static gov_status report_wide(const rb_break *b, uint32_t known, base_place place, uint32_t at, char right, const diag *d)
{
    const char ascii[2] = {right, '\0'};
    const base_place where = place_on(b->source, known, place, at);
    return base_fail_at(d, &where, M_yaml_wide, A_N("found", b->source->bytes + at, 3), A_S("wanted", ascii));
}

/* A value that begins with a character which YAML keeps for itself. */
static gov_status report_reserved(const gov_allocator *a, const rb_break *b, uint32_t at, base_place place, const diag *d)
{
    size_t n;
    const char *text = rb_line_rest(b->source, at, &n);
    uint32_t before = at;
    n = rb_expression_length(text, n, b->flow);
    while (before > 0 && (blank(b->source->bytes[before - 1]) || b->source->bytes[before - 1] == '-'))
        before--;
    const char last = before > 0 ? b->source->bytes[before - 1] : '\n';
    for (size_t i = 0; i + 1 < n && strchr("\r\n{,", last) != NULL; i++) /* it begins a key */
        if (text[i] == ':' && blank(text[i + 1]))
            n = i;
    return report_quoted(a, rb_expression_like(text, n) ? M_yaml_quote : M_yaml_text, place, text, n, d);
}

/* A line that stands neither beside those above it nor inside of one. */
static gov_status report_indent(const gov_allocator *a, const rb_break *b, const diag *d)
{
    const uint32_t start = line_start(b->source, b->at);
    const char *s = b->source->bytes;
    uint32_t from = start;
    size_t len;
    while (from < b->at && (blank(s[from]) || s[from] == '-'))
        from++;
    if (from < b->at && whole_value(b, &from, &len)) /* something comes behind a value: "text" more */
        return report_quoted(a, M_yaml_text, place_on(b->source, b->at, b->place, from), s + from, len, d);
    for (from = start; from < b->at && blank(s[from]); from++) {
    }
    const base_place place = place_on(b->source, b->at, b->place, from);
    return base_fail_at(d, &place, M_yaml_indent);
}

/* `title:x` or `title：x` on a line of its own: YAML takes it and the line after it for one text. */
static bool no_key_above(const rb_break *b, uint32_t *from, base_place *place)
{
    uint32_t start = line_start(b->source, b->at);
    size_t n;
    *place = b->place;
    do {
        if (start <= b->start)
            return false;
        start = line_start(b->source, start - 1);
        place->line--;
        (void)rb_line_rest(b->source, start, &n);
    } while (n == 0);
    const char *line = rb_line_rest(b->source, start, &n);
    size_t at = 0;
    while (at < n && blank(line[at]))
        at++;
    for (size_t i = at; i < n; i++)
        if (line[i] == ':' && (i + 1 == n || blank(line[i + 1])))
            return false;
    place->column = (uint32_t)at + 1;
    *from = start + (uint32_t)at;
    return at < n && line[at] != '#' && line[at] != '-';
}

/* A blank of an input method that stands first on the line, or behind a colon. */
static bool report_blank(const rb_break *b, uint32_t known, base_place place, bool first, gov_status *status, const diag *d)
{
    const char *name;
    size_t n, at = 0;
    const uint32_t start = first ? line_start(b->source, known) : known;
    const char *line = rb_line_rest(b->source, start, &n);
    while (first && at < n && blank(line[at]))
        at++;
    for (; !first && at < n && !(line[at] == ':' && rb_blank(line + at + 1, n - at - 1, &name) > 0); at++) {
    }
    at += first ? 0 : 1;
    if (at >= n || rb_blank(line + at, n - at, &name) == 0)
        return false;
    const base_place where = place_on(b->source, known, place, start + (uint32_t)at);
    *status = base_fail_at(d, &where, M_yaml_blank, A_S("character", name));
    return true;
}

static gov_status report_no_colon(const rb_break *b, uint32_t from, base_place place, const diag *d)
{
    uint32_t at;
    char right;
    gov_status status;
    if (wide_mark(b->source, from, &at, &right))
        return report_wide(b, from, place, at, right, d);
    if (report_blank(b, from, place, false, &status, d))
        return status;
    return base_fail_at(d, &place, M_yaml_no_colon);
}

static gov_status report_line(const gov_allocator *a, const rb_break *b, const diag *d)
{
    uint32_t from;
    size_t len;
    base_place place;
    if (says(b, "could not find expected ':'"))
        return report_no_colon(b, b->from, b->began, d);
    if (says(b, "block sequence entries"))
        return base_fail_at(d, &b->place, M_yaml_list_line);
    if (says(b, "mapping values are not allowed") && whole_value(b, &from, &len) && from < b->at) {
        place = place_on(b->source, b->at, b->place, from);
        const char right = rb_wide(b->source->bytes + from, len);
        return right != 0 ? report_wide(b, from, place, from, right, d) : rb_report_text(a, place, b->source->bytes + from, len, d);
    }
    if (says(b, "mapping values are not allowed") && no_key_above(b, &from, &place))
        return report_no_colon(b, from, place, d);
    return report_indent(a, b, d);
}

/* The expression that holds the problem, in quotes; or the wide comma that ended it, for its author. */
static gov_status report_expression(const gov_allocator *a, const rb_break *b, const char *text, size_t len, const diag *d)
{
    const uint32_t from = (uint32_t)(text - b->source->bytes);
    const base_place place = place_on(b->source, b->at, b->place, from);
    uint32_t at;
    char right;
    if (wide_mark(b->source, from, &at, &right) && at < from + len && (right == ',' || right == ':'))
        return report_wide(b, from, place, at, right, d);
    return rb_report_quote(a, place, text, len, d);
}

/* In {when: case.s == "a #b", …} the rest of the line is a comment for YAML, and with it what closes the map. */
static bool cut_by_hash(const rb_break *b, uint32_t *from, size_t *len)
{
    size_t n;
    const char *line = rb_line_rest(b->source, b->from, &n);
    for (size_t i = 0; i + 1 < n; i++) {
        if (line[i] != ':' || !blank(line[i + 1]))
            continue;
        size_t at = i + 1;
        while (at < n && blank(line[at]))
            at++;
        *from = b->from + (uint32_t)at;
        *len = rb_expression_length(line + at, n - at, true);
        char quote = 0;
        for (size_t k = at; k < at + *len && strchr("'\"", line[at]) == NULL; k++) {
            if (quote != 0 && line[k] == '#' && blank(line[k - 1]))
                return true;
            if (line[k] == quote || (quote == 0 && (line[k] == '"' || line[k] == '\'')))
                quote = quote == 0 ? line[k] : 0;
        }
    }
    return false;
}

static gov_status report_open(const gov_allocator *a, const rb_break *b, const diag *d)
{
    uint32_t at;
    size_t len;
    char right;
    if (b->place.line == b->began.line && wide_mark(b->source, b->from, &at, &right))
        return report_wide(b, b->from, b->began, at, right, d);
    if (b->at < b->source->len && b->source->bytes[b->at] == ':' && whole_value(b, &at, &len) && at < b->at)
        return rb_report_text(a, place_on(b->source, b->at, b->place, at), b->source->bytes + at, len, d);
    return base_fail_at(d, &b->began, M_yaml_unclosed, A_N("mark", b->source->bytes + b->from, 1));
}

gov_status rb_report_break(const gov_allocator *a, const rb_break *b, const diag *d)
{
    static const char *const of_lines[] = {"could not find expected ':'", "mapping values are not allowed", "expected key",
                                           "expected '-' indicator", "expected <block end>", "not allowed in this context"};
    const char *text;
    size_t len;
    gov_status status;
    const char c = b->at < b->source->len ? b->source->bytes[b->at] : '\0';
    if (report_blank(b, b->at, b->place, true, &status, d))
        return status;
    if ((says(b, "cannot start any token") && c == '\t') || says(b, "tab character"))
        return base_fail_at(d, &b->place, M_yaml_tab);
    if (says(b, "unknown escape character"))
        return base_fail_at(d, &b->place, M_yaml_escape);
    uint32_t from;
    if (rb_break_opens(b) && cut_by_hash(b, &from, &len)) {
        const base_place place = place_on(b->source, b->from, b->began, from);
        return report_quoted(a, rb_expression_like(b->source->bytes + from, len) ? M_yaml_quote : M_yaml_text, place, b->source->bytes + from,
                             len, d);
    }
    if (rb_break_opens(b) && says(b, "unexpected"))
        return base_fail_at(d, &b->began, M_yaml_unclosed, A_N("mark", b->source->bytes + b->from, 1));
    if (swallowed(b->source, b->at, b->flow, &text, &len) && rb_expression_like(text, len))
        return report_expression(a, b, text, len, d);
    if (says(b, "cannot start any token"))
        return report_reserved(a, b, b->at, b->place, d);
    if (says(b, "alphabetic or numeric character") || says(b, "expected whitespace or line break") || says(b, "expected tag URI"))
        return report_reserved(a, b, b->from, b->began, d);
    if (rb_break_opens(b))
        return report_open(a, b, d);
    for (size_t i = 0; i < ARRAY_LEN(of_lines); i++)
        if (says(b, of_lines[i]))
            return report_line(a, b, d);
    return base_fail_at(d, &b->place, M_yaml_syntax, A_S("why", b->problem), A_S("context", b->context));
}

/* ---- going on ---- */

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool rb_next_key(const rb_slice *whole, uint32_t after, rb_slice *out)
{
    const char *s = whole->source->bytes;
    const uint32_t stop = whole->start + whole->len;
    uint32_t line = whole->line, at = whole->start;
    while (at < stop) {
        uint32_t p = at;
        while (at > after && p < stop && name_char(s[p]))
            p++;
        if (p > at && p < stop && s[p] == ':' && (p + 1 == stop || strchr(" \t\r\n", s[p + 1]) != NULL)) {
            *out = (rb_slice){whole->source, at, stop - at, line};
            return true;
        }
        while (at < stop && s[at] != '\n' && s[at] != '\r')
            at++;
        at += at + 1 < stop && s[at] == '\r' && s[at + 1] == '\n' ? 2 : 1;
        line++;
    }
    return false;
}
