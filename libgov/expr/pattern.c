/* Regular expressions: RE2's, run by PCRE2 within a bounded number of steps. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "expr/re2.h"

#include <pcre2.h>
#include <string.h>

enum { HEAP_KIB = 16384, LONGEST_PATTERN = 8192 };

typedef struct pattern {
    const gov_allocator *alloc;
    pcre2_general_context *general;
    pcre2_code *code;
    pcre2_match_context *match[EXPR_PATTERN_TIERS];
} pattern;

static void *take(PCRE2_SIZE size, void *user)
{
    return base_alloc(user, size);
}

static void give_back(void *ptr, void *user)
{
    base_free(user, ptr);
}

void expr_pattern_free(void *thing)
{
    pattern *p = thing;
    if (p == NULL)
        return;
    for (unsigned i = 0; i < EXPR_PATTERN_TIERS; i++)
        pcre2_match_context_free(p->match[i]);
    pcre2_code_free(p->code);
    pcre2_general_context_free(p->general);
    base_free(p->alloc, p);
}

/* PCRE2 allocates through a non-const pointer; we only ever read the allocator. */
static void *allocator_as_user(const gov_allocator *a)
{
    void *user;
    memcpy(&user, &a, sizeof user);
    return user;
}

uint32_t expr_pattern_steps(unsigned tier)
{
    uint32_t steps = EXPR_PATTERN_STEPS;
    while (++tier < EXPR_PATTERN_TIERS)
        steps /= 16;
    return steps;
}

static bool set_limits(pattern *p)
{
    for (unsigned i = 0; i < EXPR_PATTERN_TIERS; i++) {
        p->match[i] = pcre2_match_context_create(p->general);
        if (p->match[i] == NULL)
            return false;
        pcre2_set_match_limit(p->match[i], expr_pattern_steps(i));
        pcre2_set_heap_limit(p->match[i], HEAP_KIB);
    }
    return true;
}

/* What PCRE2 refuses of a translated pattern is too much for it in one way or another. */
static pcre2_code *compile(const pattern *p, const base_buf *text, const char **why)
{
    const uint32_t options = PCRE2_UTF | PCRE2_DOTALL | PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_UCP |
                             PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
    int error;
    PCRE2_SIZE offset;
    pcre2_compile_context *limits = pcre2_compile_context_create(p->general);
    if (limits == NULL)
        return NULL;
    pcre2_set_parens_nest_limit(limits, 250);
    pcre2_set_newline(limits, PCRE2_NEWLINE_LF);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(text->data != NULL ? text->data : ""), text->len,
                                     options, &error, &offset, limits);
    pcre2_compile_context_free(limits);
    if (code == NULL && error != PCRE2_ERROR_HEAP_FAILED)
        *why = "it is too long";
    return code;
}

void *expr_pattern_new(const gov_allocator *a, const char *s, size_t len, const char **why)
{
    base_buf text;
    base_buf_init(&text, a);
    *why = len > LONGEST_PATTERN ? "it is too long" : re2_translate(s, len, &text);
    pattern *p = *why == NULL && !text.failed ? base_alloc(a, sizeof *p) : NULL;
    if (p == NULL) {
        base_buf_free(&text);
        return NULL;
    }
    *p = (pattern){.alloc = a};
    p->general = pcre2_general_context_create(take, give_back, allocator_as_user(a));
    if (p->general != NULL)
        p->code = compile(p, &text, why);
    base_buf_free(&text);
    if (p->code == NULL || !set_limits(p)) {
        expr_pattern_free(p);
        return NULL;
    }
    return p;
}

int expr_pattern_match(const void *thing, unsigned tier, const char *s, size_t len)
{
    const pattern *p = thing;
    pcre2_match_data *data = pcre2_match_data_create(1, p->general);
    if (data == NULL)
        return -2;
    const int found =
        pcre2_match(p->code, (PCRE2_SPTR)(s != NULL ? s : ""), len, 0, 0, data, p->match[tier]);
    pcre2_match_data_free(data);
    if (found >= 0)
        return 1;
    switch (found) {
    case PCRE2_ERROR_NOMATCH: return 0;
    case PCRE2_ERROR_NOMEMORY: return -2;
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT: return -1;
    default: return -3;
    }
}
