/* Extension functions on strings. Positions count characters (code points). */
#include "expr/inner.h"

#include <string.h>

static int out_of_range(expr_ctx *c, const expr_node *n, value at)
{
    return expr_fail(c, n, M_invalid_argument, "index out of range", at);
}

static size_t step_of(const char *s, size_t len)
{
    uint32_t cp;
    const size_t n = base_utf8_next(s, len, &cp);
    return n > 0 ? n : 1; /* a stray byte of a host's text is a character of its own */
}

/* Offset of character `at`; len + 1 when there are fewer than that. */
static size_t offset_of(value s, int64_t at)
{
    size_t i = 0;
    for (; at > 0; at--) {
        if (i >= s.len)
            return s.len + 1;
        i += step_of(s.as.s + i, s.len - i);
    }
    return i;
}

static int64_t count_to(value s, size_t offset)
{
    int64_t n = 0;
    for (size_t i = 0; i < offset; n++)
        i += step_of(s.as.s + i, s.len - i);
    return n;
}

static bool pay(expr_ctx *c, size_t len)
{
    return expr_charge(c, 1 + len / 64);
}

static bool at_is(value s, size_t i, value what)
{
    return what.len <= s.len - i && (what.len == 0 || memcmp(s.as.s + i, what.as.s, what.len) == 0);
}

static int fn_char_at(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    if (!pay(c, a[0].len))
        return expr_too_costly(c, n);
    const size_t i = a[1].as.i < 0 ? a[0].len + 1 : offset_of(a[0], a[1].as.i);
    if (i > a[0].len)
        return out_of_range(c, n, a[1]);
    *out = i == a[0].len ? value_string("", 0)
                         : value_string(a[0].as.s + i, step_of(a[0].as.s + i, a[0].len - i));
    return DONE;
}

/* What a search that begins at or behind the end finds: only an empty text, which is there at the end. */
static value beyond_end(value s, value what)
{
    return value_int(what.len == 0 ? count_to(s, s.len) : -1);
}

static int fn_index_of(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    int64_t at = n->count == 3 ? a[2].as.i : 0;
    if (!pay(c, a[0].len * (1 + a[1].len / 64)))
        return expr_too_costly(c, n);
    if (at < 0)
        return out_of_range(c, n, a[2]);
    size_t i = offset_of(a[0], at);
    if (i > a[0].len) {
        *out = beyond_end(a[0], a[1]);
        return DONE;
    }
    for (; !at_is(a[0], i, a[1]); at++) {
        if (i >= a[0].len) {
            *out = value_int(-1);
            return DONE;
        }
        i += step_of(a[0].as.s + i, a[0].len - i);
    }
    *out = value_int(at);
    return DONE;
}

static int fn_last_index_of(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    size_t last = a[0].len, found = SIZE_MAX;
    if (!pay(c, a[0].len * (1 + a[1].len / 64)))
        return expr_too_costly(c, n);
    if (n->count == 3) {
        if (a[2].as.i < 0)
            return out_of_range(c, n, a[2]);
        last = offset_of(a[0], a[2].as.i);
        if (last >= a[0].len) {
            *out = beyond_end(a[0], a[1]);
            return DONE;
        }
    }
    for (size_t i = 0; i <= last; i += i < a[0].len ? step_of(a[0].as.s + i, a[0].len - i) : 1)
        if (at_is(a[0], i, a[1]))
            found = i;
    *out = value_int(found == SIZE_MAX ? -1 : count_to(a[0], found));
    return DONE;
}

static int fn_substring(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    if (!pay(c, a[0].len))
        return expr_too_costly(c, n);
    const size_t start = a[1].as.i < 0 ? a[0].len + 1 : offset_of(a[0], a[1].as.i);
    size_t end = a[0].len;
    if (start > a[0].len)
        return out_of_range(c, n, a[1]);
    if (n->count == 3) {
        end = a[2].as.i < 0 ? a[0].len + 1 : offset_of(a[0], a[2].as.i);
        if (end > a[0].len || end < start)
            return out_of_range(c, n, a[2]);
    }
    *out = value_string(a[0].len > 0 ? a[0].as.s + start : NULL, end - start);
    return DONE;
}

static int change_case(expr_ctx *c, const expr_node *n, value s, char low, char high, value *out)
{
    if (!pay(c, s.len))
        return expr_too_costly(c, n);
    char *text = expr_take(c, s.len + 1, 1);
    if (text == NULL)
        return expr_nomem(c, n);
    for (size_t i = 0; i < s.len; i++)
        text[i] = (char)(s.as.s[i] >= low && s.as.s[i] <= high ? s.as.s[i] ^ 0x20 : s.as.s[i]);
    *out = value_string(text, s.len);
    return DONE;
}

static int fn_lower(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return change_case(c, n, a[0], 'A', 'Z', out);
}

static int fn_upper(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    return change_case(c, n, a[0], 'a', 'z', out);
}

static bool is_space(uint32_t cp)
{
    return (cp >= 9 && cp <= 13) || cp == 0x20 || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f ||
           cp == 0x205f || cp == 0x3000;
}

static int fn_trim(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    size_t start = SIZE_MAX, end = 0;
    if (!pay(c, a[0].len))
        return expr_too_costly(c, n);
    for (size_t i = 0; i < a[0].len;) {
        uint32_t cp = 0;
        const size_t taken = base_utf8_next(a[0].as.s + i, a[0].len - i, &cp);
        const size_t step = taken > 0 ? taken : 1;
        if (taken == 0 || !is_space(cp)) {
            start = start == SIZE_MAX ? i : start;
            end = i + step;
        }
        i += step;
    }
    *out = start == SIZE_MAX ? value_string("", 0) : value_string(a[0].as.s + start, end - start);
    return DONE;
}

int expr_reverse_text(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    if (!pay(c, a[0].len))
        return expr_too_costly(c, n);
    char *text = expr_take(c, a[0].len + 1, 1);
    if (text == NULL)
        return expr_nomem(c, n);
    for (size_t i = 0; i < a[0].len;) {
        const size_t step = step_of(a[0].as.s + i, a[0].len - i);
        memcpy(text + (a[0].len - i - step), a[0].as.s + i, step);
        i += step;
    }
    *out = value_string(text, a[0].len);
    return DONE;
}

/* Ends a text that was built outside of scratch: copies it there. */
static int finish(expr_ctx *c, const expr_node *n, base_buf *b, value *out)
{
    const int how = b->failed ? expr_nomem(c, n) : expr_text(n, c, b->data, b->len, out);
    base_buf_free(b);
    return how;
}

/* Stops before a text grows past what an evaluation may cost. */
static bool may_grow(expr_ctx *c, const base_buf *b, size_t more)
{
    return (b->len + more) / 64 <= c->cost && b->len + more <= (size_t)EXPR_MAX_WEIGHT * 64;
}

static int fn_join(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const value separator = n->count == 2 ? a[1] : value_string("", 0);
    base_buf b;
    base_buf_init(&b, c->program->alloc);
    for (size_t i = 0; i < a[0].len; i++) {
        const value item = a[0].as.items[i];
        if (item.kind != VALUE_STRING || !may_grow(c, &b, item.len + separator.len)) {
            base_buf_free(&b);
            return item.kind != VALUE_STRING ? expr_fail_kinds(c, n, &item, 1)
                                             : expr_too_costly(c, n);
        }
        if (i > 0)
            base_buf_add(&b, separator.as.s, separator.len);
        base_buf_add(&b, item.as.s, item.len);
    }
    return finish(c, n, &b, out);
}

static int fn_replace(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    int64_t left = n->count == 4 ? a[3].as.i : -1;
    const value s = a[0], old = a[1], new = a[2];
    base_buf b;
    base_buf_init(&b, c->program->alloc);
    for (size_t i = 0; i <= s.len;) {
        const bool hit = left != 0 && at_is(s, i, old);
        if (!may_grow(c, &b, new.len + 8)) {
            base_buf_free(&b);
            return expr_too_costly(c, n);
        }
        if (hit) {
            base_buf_add(&b, new.as.s, new.len);
            left--;
            i += old.len;
        }
        if (!hit ||
            old.len == 0) { /* an empty text is found before each character and at the end */
            const size_t step = i < s.len ? step_of(s.as.s + i, s.len - i) : 1;
            if (i < s.len)
                base_buf_add(&b, s.as.s + i, step);
            i += step;
        }
    }
    return finish(c, n, &b, out);
}

/* How many pieces: for the array's size. */
static size_t count_pieces(value s, value separator)
{
    size_t n = 1;
    for (size_t i = 0; i < s.len;) {
        const bool hit = separator.len > 0 && at_is(s, i, separator);
        n += hit || separator.len == 0;
        i += hit ? separator.len : step_of(s.as.s + i, s.len - i);
    }
    return n;
}

static int fn_split(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const int64_t limit = n->count == 3 ? a[2].as.i : -1;
    const value s = a[0], separator = a[1];
    size_t len = 0, from = 0;
    if (limit == 0 || (s.len == 0 && separator.len == 0))
        return expr_make_list(n, c, NULL, 0, out);
    const size_t most = count_pieces(s, separator);
    if (!expr_charge(c, 1 + s.len / 64 + most / 16))
        return expr_too_costly(c, n);
    value *pieces = expr_take(c, most, sizeof *pieces);
    if (pieces == NULL)
        return expr_nomem(c, n);
    for (size_t i = 0; i < s.len && (limit < 0 || len + 1 < (size_t)limit);) {
        const size_t step = step_of(s.as.s + i, s.len - i);
        if (separator.len == 0) {
            if (i + step >= s.len)
                break;
            pieces[len++] = value_string(s.as.s + i, step);
            from = i += step;
        } else if (at_is(s, i, separator)) {
            pieces[len++] = value_string(s.as.s + from, i - from);
            from = i += separator.len;
        } else {
            i += step;
        }
    }
    pieces[len++] = value_string(s.len > 0 ? s.as.s + from : NULL, s.len - from);
    return expr_make_list(n, c, pieces, len, out);
}

static int fn_quote(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    static const char special[] = "\a\b\f\n\r\t\v\\\"", letters[] = "abfnrtv\\\"";
    base_buf b;
    if (!pay(c, a[0].len))
        return expr_too_costly(c, n);
    base_buf_init(&b, c->program->alloc);
    base_buf_char(&b, '"');
    for (size_t i = 0; i < a[0].len;) {
        uint32_t cp;
        const char ch = a[0].as.s[i];
        const size_t step = base_utf8_next(a[0].as.s + i, a[0].len - i, &cp);
        const char *at = ch != '\0' ? strchr(special, ch) : NULL;
        if (step == 0) {
            base_buf_str(&b, "\xef\xbf\xbd");
        } else if (at != NULL) {
            base_buf_char(&b, '\\');
            base_buf_char(&b, letters[at - special]);
        } else {
            base_buf_add(&b, a[0].as.s + i, step);
        }
        i += step > 0 ? step : 1;
    }
    base_buf_char(&b, '"');
    return finish(c, n, &b, out);
}

static int fn_format(expr_ctx *c, const expr_node *n, const value *a, value *out)
{
    const char *why = NULL;
    base_buf b;
    base_buf_init(&b, c->program->alloc);
    const int how = expr_format(c, &b, a[0], a[1], &why);
    if (how == DONE)
        return finish(c, n, &b, out);
    base_buf_free(&b);
    return how == STOP ? expr_too_costly(c, n)
                       : expr_fail(c, n, M_invalid_argument, why, value_absent());
}

#define S EXPR_STRING
#define I EXPR_INT
const expr_overload expr_text_functions[] = {
    {"charAt", CALL_MEMBER, 2, {S, I}, S, fn_char_at, NULL},
    {"indexOf", CALL_MEMBER, 2, {S, S}, I, fn_index_of, NULL},
    {"indexOf", CALL_MEMBER, 3, {S, S, I}, I, fn_index_of, NULL},
    {"lastIndexOf", CALL_MEMBER, 2, {S, S}, I, fn_last_index_of, NULL},
    {"lastIndexOf", CALL_MEMBER, 3, {S, S, I}, I, fn_last_index_of, NULL},
    {"substring", CALL_MEMBER, 2, {S, I}, S, fn_substring, NULL},
    {"substring", CALL_MEMBER, 3, {S, I, I}, S, fn_substring, NULL},
    {"lowerAscii", CALL_MEMBER, 1, {S}, S, fn_lower, NULL},
    {"upperAscii", CALL_MEMBER, 1, {S}, S, fn_upper, NULL},
    {"trim", CALL_MEMBER, 1, {S}, S, fn_trim, NULL},
    {"join", CALL_MEMBER, 1, {EXPR_LIST | S << 4}, S, fn_join, NULL},
    {"join", CALL_MEMBER, 2, {EXPR_LIST | S << 4, S}, S, fn_join, NULL},
    {"replace", CALL_MEMBER, 3, {S, S, S}, S, fn_replace, NULL},
    {"replace", CALL_MEMBER, 4, {S, S, S, I}, S, fn_replace, NULL},
    {"split", CALL_MEMBER, 2, {S, S}, EXPR_LIST | S << 4, fn_split, NULL},
    {"split", CALL_MEMBER, 3, {S, S, I}, EXPR_LIST | S << 4, fn_split, NULL},
    {"strings.quote", CALL_GLOBAL, 1, {S}, S, fn_quote, NULL},
    {"format", CALL_MEMBER, 2, {S, EXPR_LIST}, S, fn_format, NULL},
};
const size_t expr_text_function_count = ARRAY_LEN(expr_text_functions);
