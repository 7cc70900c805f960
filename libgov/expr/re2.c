/* Reads a pattern by RE2's grammar and writes one for PCRE2 that matches the same texts. What RE2 refuses is refused here, and no
 * character of a pattern reaches PCRE2 but in a form whose meaning both share: so their differences need no list. */
#include "expr/re2.h"

#include <string.h>

enum { MOST_REPEATS = 1000, MOST_GROUPS = 100, MOST_NAMES = 256 };
#define NOTHING SIZE_MAX

/* An open parenthesis. */
typedef struct frame {
    size_t open;    /* where it stands in the output */
    unsigned flags; /* outside of it */
    bool fold_out;  /* what PCRE2 had been told there */
    uint32_t most;  /* that something before it is repeated, in the parentheses around it */
} frame;

typedef struct translator {
    re2_text t;
    unsigned flags;
    bool fold_out;    /* is PCRE2 ignoring case at the end of the output? */
    size_t item;      /* where the last thing begins that could be repeated; NOTHING */
    bool wrap;        /* it has to be put into parentheses for that */
    bool repeated;    /* the last token was a quantifier */
    uint32_t repeats; /* of the last thing, with what is in it */
    uint32_t most;    /* of those before it in the same parentheses */
    frame frames[MOST_GROUPS];
    size_t depth;
    uint16_t names[2 * MOST_NAMES]; /* where groups' names begin, and how long they are */
    size_t name_count;
} translator;

static bool wrong(translator *r, const char *why)
{
    r->t.why = why;
    return false;
}

/* The last thing is done with: another comes, or its parentheses end. */
static void settle(translator *r)
{
    if (r->repeats > r->most)
        r->most = r->repeats;
    r->repeats = 1;
    r->item = NOTHING;
}

static void begin_item(translator *r, bool has_case)
{
    const bool fold = (r->flags & RE2_FOLD) != 0;
    settle(r);
    if (has_case && fold != r->fold_out) {
        base_buf_str(r->t.out, fold ? "(?i)" : "(?-i)");
        r->fold_out = fold;
    }
    r->t.fold = fold;
    r->item = r->t.out->len;
    r->wrap = false;
}

static void literal(translator *r, uint32_t cp)
{
    begin_item(r, true);
    if (!re2_range(r->t.out, cp, cp))
        base_buf_str(r->t.out, "[^\\x{0}-\\x{10ffff}]");
}

static void assertion(translator *r, const char *text)
{
    begin_item(r, false);
    base_buf_str(r->t.out, text);
    r->wrap = true;
}

/* ---- parentheses ---- */

static bool push(translator *r, unsigned flags)
{
    if (r->depth == MOST_GROUPS)
        return wrong(r, "its groups nest too deeply");
    settle(r);
    r->frames[r->depth++] = (frame){r->t.out->len, r->flags, r->fold_out, r->most};
    r->most = 1;
    r->flags = flags;
    base_buf_str(r->t.out, "(?:");
    return true;
}

static bool pop(translator *r)
{
    if (r->depth == 0)
        return wrong(r, "a parenthesis has no partner");
    const frame *f = &r->frames[--r->depth];
    settle(r);
    base_buf_char(r->t.out, ')');
    r->item = f->open;
    r->wrap = false;
    r->repeats = r->most;
    r->most = f->most;
    r->flags = f->flags;
    r->fold_out = f->fold_out;
    return true;
}

static bool is_name_char(char ch)
{
    return ch == '_' || (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') ||
           (ch >= 'A' && ch <= 'Z');
}

static bool group_name(translator *r)
{
    re2_text *t = &r->t;
    const size_t start = t->at;
    while (t->at < t->len && is_name_char(t->s[t->at]))
        t->at++;
    const size_t len = t->at - start;
    if (len == 0 || !re2_is(t, 0, '>'))
        return wrong(r, "the name of a group is malformed");
    for (size_t i = 0; i < r->name_count; i += 2)
        if (r->names[i + 1] == len && memcmp(t->s + r->names[i], t->s + start, len) == 0)
            return wrong(r, "two groups have the same name");
    if (r->name_count + 2 > ARRAY_LEN(r->names))
        return wrong(r, "it has too many named groups");
    r->names[r->name_count++] = (uint16_t)start; /* patterns are shorter than 64 KiB */
    r->names[r->name_count++] = (uint16_t)len;
    t->at++;
    return push(r, r->flags);
}

static unsigned flag_of(char ch)
{
    switch (ch) {
    case 'i': return RE2_FOLD;
    case 'm': return RE2_LINES;
    case 's': return RE2_DOT_ALL;
    case 'U': return RE2_UNGREEDY;
    default: return 0;
    }
}

/* After "(?": flags, then ')' or ':'. */
static bool group_flags(translator *r)
{
    static const char malformed[] = "only (?:...), (?flags) and (?P<name>...) may begin with (?";
    re2_text *t = &r->t;
    unsigned flags = r->flags;
    bool minus = false, some = false;
    for (; t->at < t->len; t->at++) {
        const char ch = t->s[t->at];
        const unsigned flag = flag_of(ch);
        if (flag != 0) {
            flags = minus ? flags & ~flag : flags | flag;
            some = true;
        } else if (ch == '-' && !minus) {
            minus = true;
            some = false;
        } else if ((ch == ':' || ch == ')') && (!minus || some)) {
            t->at++;
            if (ch == ':')
                return push(r, flags);
            r->flags = flags;
            return true;
        } else {
            break;
        }
    }
    return wrong(r, malformed);
}

static bool open_group(translator *r)
{
    re2_text *t = &r->t;
    t->at++;
    if (!re2_is(t, 0, '?'))
        return push(r, r->flags);
    t->at++;
    const size_t name = re2_is(t, 0, 'P') && re2_is(t, 1, '<') ? 2 : re2_is(t, 0, '<') ? 1 : 0;
    if (name == 0 || (name == 1 && (re2_is(t, 1, '=') || re2_is(t, 1, '!'))))
        return group_flags(r);
    t->at += name;
    return group_name(r);
}

/* ---- quantifiers ---- */

typedef struct span {
    uint32_t min, max;
    bool endless;
} span;

/* A number as RE2 reads them there: without leading zeros. */
static bool number(re2_text *t, uint32_t *out)
{
    const size_t start = t->at;
    *out = 0;
    for (; t->at < t->len && t->s[t->at] >= '0' && t->s[t->at] <= '9'; t->at++)
        *out = *out > MOST_REPEATS ? *out : *out * 10 + (uint32_t)(t->s[t->at] - '0');
    return t->at > start && (t->s[start] != '0' || t->at == start + 1);
}

/* {n}, {n,} or {n,m}; anything else that begins with a brace is text. */
static bool braces(re2_text *t, span *out)
{
    const size_t start = t->at++;
    *out = (span){0, 0, false};
    bool ok = number(t, &out->min);
    out->max = out->min;
    if (ok && re2_is(t, 0, ',')) {
        t->at++;
        out->endless = re2_is(t, 0, '}');
        ok = out->endless || number(t, &out->max);
    }
    ok = ok && re2_is(t, 0, '}');
    t->at = ok ? t->at + 1 : start;
    return ok;
}

static void wrap_item(translator *r)
{
    base_buf *out = r->t.out;
    base_buf_str(out, "(?:");
    if (out->failed)
        return;
    memmove(out->data + r->item + 3, out->data + r->item, out->len - 3 - r->item);
    memcpy(out->data + r->item, "(?:", 3);
    base_buf_char(out, ')');
}

static bool repeat(translator *r, span s, const char *sign)
{
    re2_text *t = &r->t;
    bool lazy = re2_is(t, 0, '?');
    t->at += lazy;
    if (r->repeated)
        return wrong(r, "quantifiers cannot follow one another");
    if (r->item == NOTHING)
        return wrong(r, "a quantifier has nothing to repeat");
    if (s.min > MOST_REPEATS || s.max > MOST_REPEATS || (!s.endless && s.min > s.max))
        return wrong(r, s.min > s.max && s.min <= MOST_REPEATS
                            ? "a quantifier's bounds are reversed"
                            : "it repeats more than 1000 times");
    const uint32_t times = s.endless ? s.min : s.max;
    if (sign == NULL && !s.endless && times == 0)
        r->repeats = 1;
    else if (sign == NULL && times > 0)
        r->repeats *= times;
    if (r->repeats > MOST_REPEATS)
        return wrong(r, "it repeats more than 1000 times");
    if (r->wrap)
        wrap_item(r);
    if (sign != NULL)
        base_buf_str(t->out, sign);
    else if (s.endless)
        base_buf_fmt(t->out, "{%u,}", (unsigned)s.min);
    else
        base_buf_fmt(t->out, "{%u,%u}", (unsigned)s.min, (unsigned)s.max);
    if (lazy != ((r->flags & RE2_UNGREEDY) != 0))
        base_buf_char(t->out, '?');
    r->wrap = r->repeated = true;
    return true;
}

/* ---- the whole ---- */

static bool quoted(translator *r)
{
    re2_text *t = &r->t;
    uint32_t cp;
    for (t->at += 2; t->at < t->len; literal(r, cp)) {
        if (re2_is(t, 0, '\\') && re2_is(t, 1, 'E')) {
            t->at += 2;
            break;
        }
        if (!re2_next(t, &cp))
            return false;
    }
    return true;
}

static bool escape(translator *r)
{
    re2_text *t = &r->t;
    uint32_t cp;
    const char ch = t->len - t->at > 1 ? t->s[t->at + 1] : '\0';
    const char *const plain = ch == 'A'   ? "\\A"
                              : ch == 'z' ? "\\z"
                              : ch == 'b' ? "\\b"
                              : ch == 'B' ? "\\B"
                                          : NULL;
    if (plain != NULL) {
        t->at += 2;
        assertion(r, plain);
        return true;
    }
    if (ch == 'Q')
        return quoted(r);
    if (ch != '\0' && strchr("pPdDsSwW", ch) != NULL) {
        begin_item(r, true);
        base_buf_char(t->out, '[');
        const bool ok = re2_group(t);
        base_buf_char(t->out, ']');
        return ok;
    }
    t->at++;
    if (!re2_escaped(t, &cp))
        return false;
    literal(r, cp);
    return true;
}

static bool one_sign(translator *r, char ch)
{
    r->t.at++;
    switch (ch) {
    case '|':
        settle(r);
        base_buf_char(r->t.out, '|');
        return true;
    case '.':
        begin_item(r, false);
        base_buf_str(r->t.out, r->flags & RE2_DOT_ALL ? "." : "[^\\n]");
        return true;
    case '^': assertion(r, r->flags & RE2_LINES ? "(?m:^)" : "\\A"); return true;
    case '$': assertion(r, r->flags & RE2_LINES ? "(?m:$)" : "\\z"); return true;
    default: return pop(r);
    }
}

static bool token(translator *r)
{
    re2_text *t = &r->t;
    const char ch = t->s[t->at];
    const size_t start = t->at;
    uint32_t cp;
    span s = {0, 1, ch != '?'};
    if (ch == '*' || ch == '+' || ch == '?') {
        t->at++;
        return repeat(r, s, ch == '*' ? "*" : ch == '+' ? "+" : "?");
    }
    if (ch == '{' && braces(t, &s))
        return repeat(r, s, NULL);
    t->at = start;
    r->repeated = false;
    switch (ch) {
    case '(': return open_group(r);
    case '\\': return escape(r);
    case '[': begin_item(r, true); return re2_class(t);
    case '|':
    case '.':
    case '^':
    case '$':
    case ')': return one_sign(r, ch);
    default: break;
    }
    if (!re2_next(t, &cp))
        return false;
    literal(r, cp);
    return true;
}

const char *re2_translate(const char *s, size_t len, base_buf *out)
{
    translator r = {.t = {.s = s, .len = len, .out = out},
                    .item = NOTHING,
                    .repeats = 1,
                    .most = 1};
    while (r.t.at < len && !out->failed)
        if (!token(&r) && !out->failed)
            return r.t.why;
    return r.depth > 0 && !out->failed ? "a parenthesis has no partner" : NULL;
}
