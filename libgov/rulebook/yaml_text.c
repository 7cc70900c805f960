/* What is done on the bytes of a rulebook's file itself: characters, documents, places. */
#include "rulebook/yaml.h"

#include <string.h>

/* Characters that YAML does not allow, and those that some readers take for a line's end and others do not. */
static bool forbidden(uint32_t cp)
{
    if (cp < 0x20)
        return cp != '\t' && cp != '\n' && cp != '\r';
    return (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 || cp == 0x2029 || cp == 0xfeff || cp == 0xfffe || cp == 0xffff;
}

static gov_status report_character(const rb_source *s, size_t at, base_place place, uint32_t cp, size_t n,
                                   const diag *d)
{
    if (n == 0)
        return base_fail_at(d, &place, M_bad_utf8, A_I("offset", at));
    char code[16] = "U+";
    static const char digits[] = "0123456789ABCDEF";
    for (int i = 0; i < 4; i++)
        code[2 + i] = digits[(cp >> (12 - 4 * i)) & 15];
    (void)s;
    return base_fail_at(d, &place, M_yaml_control, A_S("character", code));
}

gov_status rb_check_text(const rb_source *s, const diag *d)
{
    gov_status status = GOV_OK;
    base_place place = {s->path, 1, 1};
    unsigned shown = 0;

    if (s->len > RB_MAX_FILE)
        return base_fail_at(d, &place, M_too_large, A_S("what", s->path), A_I("limit", RB_MAX_FILE));
    for (size_t i = 0; i < s->len && shown < RB_MAX_SHOWN;) {
        const unsigned char c = (unsigned char)s->bytes[i];
        uint32_t cp = c;
        size_t n = 1;
        if (c >= 0x80)
            n = base_utf8_next(s->bytes + i, s->len - i, &cp);
        if (n == 0) /* in another encoding, or no text at all: the first place says it */
            return report_character(s, i, place, cp, n, d);
        if (n == 0 || forbidden(cp)) {
            const gov_status bad = report_character(s, i, place, cp, n, d);
            if (bad == GOV_E_NOMEM)
                return bad;
            status = status == GOV_OK ? bad : status;
            shown++;
        }
        i += n > 0 ? n : 1;
        if (c == '\n' || (c == '\r' && (i >= s->len || s->bytes[i] != '\n'))) {
            place.line++;
            place.column = 1;
        } else {
            place.column++;
        }
    }
    return status;
}

/* One character of as many bytes, so that what follows keeps its column and its offset. */
static const char *const stand_ins[] = {"?", "?", "\xc2\xbf", "\xef\xbf\xbd", "\xf0\xa0\x80\x80"};

gov_status rb_mend_text(base_arena *arena, rb_source *s, const diag *d)
{
    if (s->len > RB_MAX_FILE)
        s->len = 0;
    char *copy = base_arena_strndup(arena, s->bytes, s->len);
    if (copy == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < s->len;) {
        uint32_t cp = 0;
        const size_t n = base_utf8_next(copy + i, s->len - i, &cp);
        if (n == 0 || forbidden(cp))
            memcpy(copy + i, stand_ins[n], n > 0 ? n : 1);
        i += n > 0 ? n : 1;
    }
    s->bytes = copy;
    return GOV_OK;
}

/* ---- documents ---- */

static uint32_t line_end(const rb_source *s, uint32_t at)
{
    while (at < s->len && s->bytes[at] != '\n' && s->bytes[at] != '\r')
        at++;
    return at;
}

static uint32_t after_break(const rb_source *s, uint32_t at)
{
    if (at + 1 < s->len && s->bytes[at] == '\r' && s->bytes[at + 1] == '\n')
        return at + 2;
    return at < s->len ? at + 1 : at;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "---" or "..." at the start of a line, alone or before a blank. */
static bool marker(const rb_source *s, uint32_t at, uint32_t end, char c)
{
    const char *p = s->bytes + at;
    return end - at >= 3 && p[0] == c && p[1] == c && p[2] == c && (end - at == 3 || blank(p[3]));
}

/* Does the line hold nothing that belongs to a document? */
static bool empty_line(const rb_source *s, uint32_t at, uint32_t end)
{
    if (end - at >= 6 && memcmp(s->bytes + at, "%YAML ", 6) == 0)
        return true;
    while (at < end && blank(s->bytes[at]))
        at++;
    return at == end || s->bytes[at] == '#';
}

bool rb_next_slice(const rb_source *s, uint32_t *at, uint32_t *line, rb_slice *out)
{
    bool content = false, open = false;
    rb_slice slice = {s, 0, 0, 0};
    uint32_t p = *at, n = *line;

    while (p < s->len) {
        const uint32_t end = line_end(s, p);
        const bool begins = marker(s, p, end, '-');
        if (marker(s, p, end, '.') || (begins && open)) {
            if (content && open)
                break;
            open = false;
        }
        if (!open && !marker(s, p, end, '.') && (begins || !empty_line(s, p, end))) {
            open = true;
            slice.start = p;
            slice.line = n;
        }
        if (open)
            content |= begins ? !empty_line(s, p + 3, end) : !empty_line(s, p, end);
        p = after_break(s, end);
        n++;
    }
    slice.len = p - slice.start;
    *at = p;
    *line = n;
    *out = slice;
    return content && open;
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool rb_peek(const rb_slice *slice, const char **kind, size_t *kind_len, const char **name, size_t *name_len)
{
    const rb_source *s = slice->source;
    uint32_t p = slice->start;
    const uint32_t stop = slice->start + slice->len;

    while (p < stop) {
        const uint32_t end = line_end(s, p);
        if (!marker(s, p, end, '-') && !empty_line(s, p, end)) {
            uint32_t q = p;
            while (q < end && name_char(s->bytes[q]))
                q++;
            if (q == p || q + 1 >= end || s->bytes[q] != ':' || s->bytes[q + 1] != ' ')
                return false;
            *kind = s->bytes + p;
            *kind_len = q - p;
            for (q += 2; q < end && s->bytes[q] == ' ';)
                q++;
            const uint32_t first = q;
            while (q < end && name_char(s->bytes[q]))
                q++;
            *name = s->bytes + first;
            *name_len = q - first;
            while (q < end && blank(s->bytes[q]))
                q++;
            return *name_len > 0 && (q == end || (s->bytes[q] == '#' && blank(s->bytes[q - 1])));
        }
        if (marker(s, p, end, '-') && !empty_line(s, p + 3, end))
            return false;
        p = after_break(s, end);
    }
    return false;
}

void rb_peek_place(const rb_slice *slice, base_place *place)
{
    const rb_source *s = slice->source;
    uint32_t p = slice->start;
    *place = (base_place){s->path, slice->line, 1};
    for (uint32_t end = line_end(s, p); p < slice->start + slice->len; end = line_end(s, p)) {
        if (!marker(s, p, end, '-') && !empty_line(s, p, end))
            return;
        p = after_break(s, end);
        place->line++;
    }
}

/* ---- places ---- */

typedef struct cursor {
    const rb_source *s;
    uint32_t at, line, column;
} cursor;

static void step(cursor *c)
{
    const char byte = c->s->bytes[c->at++];
    if (byte == '\n' || (byte == '\r' && (c->at >= c->s->len || c->s->bytes[c->at] != '\n'))) {
        c->line++;
        c->column = 1;
    } else if (byte != '\r' && (c->at >= c->s->len || ((unsigned char)c->s->bytes[c->at] & 0xc0) != 0x80)) {
        c->column++;
    }
}

static bool white(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Bytes of text that an escape gives; *source receives how many bytes it takes. */
static size_t escape_size(const cursor *c, uint32_t end, uint32_t *source)
{
    const char *p = c->s->bytes + c->at;
    const uint32_t left = end - c->at;
    unsigned digits = 0;
    uint32_t cp = 0;

    *source = left < 2 ? left : 2;
    if (left < 2)
        return 0;
    switch (p[1]) {
    case 'x': digits = 2; break;
    case 'u': digits = 4; break;
    case 'U': digits = 8; break;
    case 'N': case '_': return 2; /* U+0085, U+00A0 */
    case 'L': case 'P': return 3; /* U+2028, U+2029 */
    default: return 1;
    }
    for (unsigned i = 0; i < digits && 2 + i < left; i++) {
        const char h = p[2 + i];
        cp = cp * 16 + (uint32_t)(h <= '9' ? h - '0' : (h | 32) - 'a' + 10);
    }
    *source = 2 + digits < left ? 2 + digits : left;
    char utf8[4];
    return base_utf8_put(cp, utf8);
}

/* A run of blanks and breaks in a plain or quoted scalar; gives the bytes of text that it stands for. */
static size_t fold(cursor *c, uint32_t end)
{
    size_t breaks = 0, blanks = 0;
    while (c->at < end && white(c->s->bytes[c->at])) {
        const uint32_t line = c->line;
        step(c);
        breaks += c->line - line;
        blanks++;
    }
    if (breaks == 0)
        return blanks;
    return breaks == 1 ? 1 : breaks - 1;
}

/* Advances over one unit of a plain or quoted scalar; gives the bytes of text it stands for. */
static size_t flow_unit(cursor *c, rb_style style, uint32_t end)
{
    const char *p = c->s->bytes + c->at;
    uint32_t taken = 1;
    size_t given = 1;

    if (style == RB_DOUBLE && *p == '\\') {
        if (c->at + 1 < end && (p[1] == '\n' || p[1] == '\r')) { /* an escaped break gives nothing */
            step(c);
            const size_t folded = fold(c, end);
            return folded > 1 ? folded : 0;
        }
        given = escape_size(c, end, &taken);
    } else if (style == RB_SINGLE && *p == '\'') {
        taken = 2;
    }
    while (taken-- > 0 && c->at < end)
        step(c);
    return given;
}

static void walk_flow(cursor *c, const rb_node *n, size_t offset)
{
    const rb_style style = (rb_style)n->style;
    uint32_t end = n->end;

    if (style != RB_PLAIN) {
        step(c);
        end = end > n->start + 1 ? end - 1 : end;
    }
    for (size_t v = 0; v < offset && c->at < end;) {
        if (!white(c->s->bytes[c->at])) {
            v += flow_unit(c, style, end);
            continue;
        }
        const cursor before = *c;
        size_t given = fold(c, end);
        if (v + given > offset) { /* inside the run */
            *c = before;
            for (; v < offset && c->at < end; v++)
                step(c);
            return;
        }
        v += given;
    }
    while (style == RB_DOUBLE && c->at + 1 < end && c->s->bytes[c->at] == '\\' && white(c->s->bytes[c->at + 1]) &&
           !blank(c->s->bytes[c->at + 1])) /* an escaped break comes before what follows it */
        (void)flow_unit(c, style, end);
}

/* In block scalars all that is not white stands in the text as it stands in the file. */
static void walk_block(cursor *c, const rb_node *n, size_t offset)
{
    const uint32_t header = c->line;
    while (c->at < n->end && c->line == header)
        step(c);
    size_t v = 0;
    for (;;) {
        while (v < n->count && white(n->as.text[v]) && v < offset)
            v++;
        if (v >= n->count || white(n->as.text[v]))
            return;
        while (c->at < n->end && white(c->s->bytes[c->at]))
            step(c);
        while (v < n->count && !white(n->as.text[v])) {
            if (v >= offset || c->at >= n->end)
                return;
            step(c);
            v++;
        }
        if (v >= offset)
            return;
    }
}

base_place rb_locate(const rb_node *n, size_t offset)
{
    cursor c = {n->source, n->start, n->line, n->column};
    if (offset > n->count)
        offset = n->count;
    if (n->style == RB_LITERAL || n->style == RB_FOLDED)
        walk_block(&c, n, offset);
    else
        walk_flow(&c, n, offset);
    return (base_place){n->source->path, c.line, c.column};
}

bool rb_was_cut(const rb_node *n)
{
    const rb_source *s = n->source;
    uint32_t p = n->end;

    if (n->style != RB_PLAIN)
        return false;
    while (p < s->len && blank(s->bytes[p]))
        p++;
    return p > n->end && p < s->len && s->bytes[p] == '#';
}

const char *rb_line_rest(const rb_source *s, uint32_t from, size_t *len)
{
    uint32_t end = line_end(s, from);
    while (end > from && blank(s->bytes[end - 1]))
        end--;
    *len = end - from;
    return s->bytes + from;
}
