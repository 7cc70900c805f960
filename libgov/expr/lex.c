/* Source to tokens, one at a time. */
#include "expr/lex.h"

#include <string.h>

enum { CLASS_LETTER = 1, CLASS_DIGIT = 2, CLASS_SPACE = 4 };

static unsigned class_of(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')
        return CLASS_LETTER;
    if (c >= '0' && c <= '9')
        return CLASS_DIGIT;
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r' ? CLASS_SPACE : 0;
}

static bool is_hex(char c)
{
    return class_of(c) == CLASS_DIGIT || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static size_t skip_space(const char *s, size_t len, size_t at)
{
    for (;;) {
        while (at < len && class_of(s[at]) == CLASS_SPACE)
            at++;
        if (at + 1 >= len || s[at] != '/' || s[at + 1] != '/')
            return at;
        while (at < len && s[at] != '\n')
            at++;
    }
}

static size_t skip_digits(const char *s, size_t len, size_t at)
{
    while (at < len && class_of(s[at]) == CLASS_DIGIT)
        at++;
    return at;
}

static token lex_number(const char *s, size_t len, size_t at)
{
    size_t end = at;
    bool real = false;
    if (s[at] == '0' && at + 2 < len && s[at + 1] == 'x' && is_hex(s[at + 2])) {
        for (end = at + 2; end < len && is_hex(s[end]);)
            end++;
    } else {
        end = skip_digits(s, len, at);
        if (end + 1 < len && s[end] == '.' && class_of(s[end + 1]) == CLASS_DIGIT) {
            real = true;
            end = skip_digits(s, len, end + 1);
        }
        if (end < len && (s[end] == 'e' || s[end] == 'E')) {
            size_t exponent = end + 1;
            if (exponent < len && (s[exponent] == '+' || s[exponent] == '-'))
                exponent++;
            if (exponent < len && class_of(s[exponent]) == CLASS_DIGIT) {
                real = true;
                end = skip_digits(s, len, exponent);
            }
        }
    }
    if (!real && end < len && (s[end] == 'u' || s[end] == 'U'))
        end++;
    return (token){T_NUMBER, (uint32_t)at, (uint32_t)(end - at)};
}

/* How many bytes of prefix a string literal at `at` has; SIZE_MAX: it is none. */
static size_t string_prefix(const char *s, size_t len, size_t at, bool *raw, bool *bytes)
{
    size_t n = 0;
    *bytes = at < len && (s[at] == 'b' || s[at] == 'B');
    n += *bytes;
    *raw = at + n < len && (s[at + n] == 'r' || s[at + n] == 'R');
    n += *raw;
    return at + n < len && (s[at + n] == '"' || s[at + n] == '\'') ? n : SIZE_MAX;
}

static token bad_token(compiler *c, size_t at, const char *literal, const char *why)
{
    MISTAKE(c, at, M_bad_literal, A_S("literal", literal), A_S("why", why));
    return (token){T_BAD, (uint32_t)at, 0};
}

static token lex_string(compiler *c, size_t at, size_t prefix, bool raw, bool bytes)
{
    const char *s = c->src;
    const char quote = s[at + prefix];
    size_t i = at + prefix + 1;
    const bool triple = i + 1 < c->len && s[i] == quote && s[i + 1] == quote;
    const token_kind kind = bytes ? T_BYTES : T_STRING;
    for (i += triple ? 2 : 0; i < c->len; i++) {
        if (s[i] == '\\' && !raw) {
            i++;
            if (!triple && i < c->len && (s[i] == '\n' || s[i] == '\r'))
                break;
        } else if (s[i] == quote && !triple) {
            return (token){kind, (uint32_t)at, (uint32_t)(i + 1 - at)};
        } else if (s[i] == quote && i + 2 < c->len && s[i + 1] == quote && s[i + 2] == quote) {
            return (token){kind, (uint32_t)at, (uint32_t)(i + 3 - at)};
        } else if (!triple && (s[i] == '\n' || s[i] == '\r')) {
            break;
        }
    }
    return bad_token(c, at, "string", "its closing quote is missing");
}

static token lex_quoted(compiler *c, size_t at)
{
    size_t i = at + 1;
    while (
        i < c->len && c->src[i] != '`' &&
        (class_of(c->src[i]) & (CLASS_LETTER | CLASS_DIGIT) || strchr(".-/ ", c->src[i]) != NULL))
        i++;
    if (i >= c->len || c->src[i] != '`' || i == at + 1)
        return bad_token(c, at, "`name`",
                         "only letters, digits, _ . - / and spaces may stand in backticks");
    return (token){T_QUOTED, (uint32_t)at, (uint32_t)(i + 1 - at)};
}

static token lex_operator(compiler *c, size_t at)
{
    static const struct {
        char text[3];
        token_kind kind;
    } pairs[] = {{"==", T_EQ}, {"!=", T_NE},  {"<=", T_LE},
                 {">=", T_GE}, {"&&", T_AND}, {"||", T_OR}};
    const char first = c->src[at], second = at + 1 < c->len ? c->src[at + 1] : '\0';
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (pairs[i].text[0] == first && pairs[i].text[1] == second)
            return (token){pairs[i].kind, (uint32_t)at, 2};
    if (first != '\0' && strchr("+-*/%!<>?:.,()[]{}", first) != NULL)
        return (token){(token_kind)(unsigned char)first, (uint32_t)at, 1};
    uint32_t cp;
    const size_t n = base_utf8_next(c->src + at, c->len - at, &cp);
    MISTAKE(c, at, M_bad_character, A_N("character", c->src + at, n));
    return (token){T_BAD, (uint32_t)at, 1};
}

token expr_lex(compiler *c, size_t at)
{
    const char *s = c->src;
    bool raw, bytes;
    at = skip_space(s, c->len, at);
    if (at >= c->len)
        return (token){T_END, (uint32_t)c->len, 0};
    const unsigned class = class_of(s[at]);
    if (class == CLASS_DIGIT ||
        (s[at] == '.' && at + 1 < c->len && class_of(s[at + 1]) == CLASS_DIGIT))
        return lex_number(s, c->len, at);
    if (class == CLASS_LETTER || s[at] == '"' || s[at] == '\'') {
        const size_t prefix = string_prefix(s, c->len, at, &raw, &bytes);
        if (prefix != SIZE_MAX)
            return lex_string(c, at, prefix, raw, bytes);
        size_t end = at + 1;
        while (end < c->len && class_of(s[end]) & (CLASS_LETTER | CLASS_DIGIT))
            end++;
        return (token){T_IDENT, (uint32_t)at, (uint32_t)(end - at)};
    }
    return s[at] == '`' ? lex_quoted(c, at) : lex_operator(c, at);
}
