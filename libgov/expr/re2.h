/* From RE2's syntax to PCRE2's. Only pattern.c includes this. */
#ifndef EXPR_RE2_H
#define EXPR_RE2_H

#include "expr/inner.h"

/* Flags of a pattern that can be set within it. */
enum { RE2_FOLD = 1, RE2_LINES = 2, RE2_DOT_ALL = 4, RE2_UNGREEDY = 8 };

/* ---- re2_class.c: what stands for one character ---- */

typedef struct re2_text {
    const char *s;
    size_t len, at;
    base_buf *out;
    bool fold;       /* letters match whatever their case is */
    const char *why; /* what is wrong, once something is */
} re2_text;

/* The next character of the pattern, read past. False: the end, or no UTF-8 (why is set). */
bool re2_next(re2_text *t, uint32_t *cp);
bool re2_is(const re2_text *t, size_t ahead, char ch);
/* What follows a backslash and stands for one character, in a class or out of it. */
bool re2_escaped(re2_text *t, uint32_t *cp);
/* \d \s \w, \p{...} and their opposites at the place of the backslash, as the inside of a class. False: none of them stands there,
 * or it is wrong (why is set). */
bool re2_group(re2_text *t);
/* [...], from the bracket on. */
bool re2_class(re2_text *t);
/* Characters `low` to `high`, for the inside of a class or, when they are one, out of it. False: no text has any of them. */
bool re2_range(base_buf *out, uint32_t low, uint32_t high);

/* ---- re2.c ---- */

/* Writes the PCRE2 pattern that matches where `s` does in RE2. NULL: fine (look at out->failed), else what is wrong. */
const char *re2_translate(const char *s, size_t len, base_buf *out);

#endif
