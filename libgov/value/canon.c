/* The fast way to read a document: only the exact form that value_write_document writes, and in place.
 *
 * Every step of a case reads its document back; through a general JSON reader that was a fifth of a step's time. What is not
 * in canonical form (spaces, unsorted keys, other escapes, rarer tags, invalid UTF-8, anything wrong) is left to the general
 * reader, which knows what to say about it. */
#include "value/inner.h"

#include <string.h>

enum { FEW = 32 };

typedef struct cursor {
    char *p, *end; /* the text is ours: closing quotes become NULs */
    base_arena *arena;
    bool no_memory;
} cursor;

static bool read_any(cursor *c, value *out, int depth);

static bool take(cursor *c, const char *word)
{
    const size_t len = strlen(word);
    if ((size_t)(c->end - c->p) < len || memcmp(c->p, word, len) != 0)
        return false;
    c->p += len;
    return true;
}

/* The escapes of the canonical form, undone in place; `at` is at the first one. */
static bool unescape(cursor *c, char *at, char **close)
{
    char *to = at;
    for (char *from = at; from < c->end; from++) {
        if (*from == '"') {
            *close = from;
            *to = '\0';
            c->p = to;
            return true;
        }
        if ((unsigned char)*from < 0x20)
            return false;
        if (*from != '\\') {
            *to++ = *from;
            continue;
        }
        if (++from == c->end)
            return false;
        const char *found = memchr("\"\\ntr", *from, 5);
        if (found == NULL)
            return false;
        *to++ = "\"\\\n\t\r"[strchr("\"\\ntr", *from) - "\"\\ntr"];
    }
    return false;
}

static bool read_text(cursor *c, value *out)
{
    unsigned char high = 0;
    if (c->p == c->end || *c->p != '"')
        return false;
    char *start = ++c->p, *close;
    for (close = start; close < c->end && *close != '"' && *close != '\\'; close++) {
        high |= (unsigned char)*close;
        if ((unsigned char)*close < 0x20)
            return false;
    }
    if (close == c->end)
        return false;
    char *stop = close;
    if (*close == '\\') {
        if (!unescape(c, close, &close))
            return false;
        stop = c->p;
        high = 0x80;
    }
    *stop = '\0';
    c->p = close + 1;
    *out = value_string(start, (size_t)(stop - start));
    return high < 0x80 || base_utf8_valid(start, out->len);
}

static bool read_number(cursor *c, value *out)
{
    const char *start = c->p;
    bool whole = true;
    while (c->p < c->end && *c->p != ',' && *c->p != '}' && *c->p != ']') {
        whole = whole && *c->p != '.' && *c->p != 'e';
        c->p++;
    }
    const size_t len = (size_t)(c->p - start), sign = len > 0 && start[0] == '-';
    int64_t i;
    double d;
    char again[32];
    if (len == sign || (whole && len > sign + 1 && start[sign] == '0'))
        return false;
    if (whole) {
        if (!base_parse_int(start, len, &i))
            return false;
        *out = value_int(i);
        return true;
    }
    if (!base_parse_double(start, len, &d) || base_format_double(d, again) != len || memcmp(again, start, len) != 0)
        return false;
    *out = value_double(d);
    return true;
}

static bool read_list(cursor *c, value *out, int depth)
{
    value few[FEW];
    size_t n = 0;
    if (take(c, "]")) {
        *out = value_list(NULL, 0);
        return true;
    }
    do {
        if (n == FEW || !read_any(c, &few[n++], depth + 1))
            return false;
    } while (take(c, ","));
    if (!take(c, "]"))
        return false;
    value *items = base_arena_array(c->arena, n, sizeof *items);
    c->no_memory = items == NULL;
    if (items == NULL)
        return false;
    memcpy(items, few, n * sizeof *items);
    *out = value_list(items, n);
    return true;
}

/* {"$timestamp":"..."} and its kin; the cursor is after the opening brace, before the key. */
static bool read_tagged(cursor *c, value *out)
{
    value tag, text;
    return read_text(c, &tag) && take(c, ":") && read_text(c, &text) && take(c, "}") &&
           value_read_scalar(tag.as.s + 1, text, out);
}

static bool ascends(value a, value b)
{
    const size_t n = a.len < b.len ? a.len : b.len;
    const int order = memcmp(a.as.s, b.as.s, n);
    return order < 0 || (order == 0 && a.len < b.len);
}

static bool read_map(cursor *c, value *out, int depth)
{
    value_pair few[FEW];
    size_t n = 0;
    if (take(c, "}")) {
        *out = value_map(NULL, 0);
        return true;
    }
    if (c->end - c->p > 2 && c->p[1] == '$')
        return read_tagged(c, out);
    do {
        if (n == FEW || !read_text(c, &few[n].key) || (n > 0 && !ascends(few[n - 1].key, few[n].key)) ||
            (few[n].key.len > 0 && few[n].key.as.s[0] == '$') || !take(c, ":") || !read_any(c, &few[n].val, depth + 1))
            return false;
        n++;
    } while (take(c, ","));
    if (!take(c, "}"))
        return false;
    value_pair *pairs = base_arena_array(c->arena, n, sizeof *pairs);
    c->no_memory = pairs == NULL;
    if (pairs == NULL)
        return false;
    memcpy(pairs, few, n * sizeof *pairs);
    *out = value_map(pairs, n);
    return true;
}

static bool read_any(cursor *c, value *out, int depth)
{
    if (c->p == c->end || depth >= VALUE_MAX_DEPTH)
        return false;
    switch (*c->p) {
    case '"':
        return read_text(c, out);
    case '{':
        c->p++;
        return read_map(c, out, depth);
    case '[':
        c->p++;
        return read_list(c, out, depth);
    case 't':
        *out = value_bool(true);
        return take(c, "true");
    case 'f':
        *out = value_bool(false);
        return take(c, "false");
    case 'n':
        *out = value_null();
        return take(c, "null");
    default:
        return read_number(c, out);
    }
}

gov_status value_read_canonical(base_arena *arena, const char *text, size_t len, value *out)
{
    char *copy = base_arena_strndup(arena, text, len);
    if (copy == NULL)
        return GOV_E_NOMEM;
    cursor c = {copy, copy + len, arena, false};
    const bool done = read_any(&c, out, 0) && c.p == c.end;
    return done ? GOV_OK : c.no_memory ? GOV_E_NOMEM : GOV_END;
}
