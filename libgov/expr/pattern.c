/* Regular expressions: PCRE2, held to what RE2 would also take, and to a bounded number of steps. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "expr/inner.h"

#include <pcre2.h>
#include <string.h>

enum { HEAP_KIB = 16384, LONGEST_PATTERN = 8192, MOST_REPEATS = 1000 };

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

/* What follows "(?" in RE2: a group without capture, flags, or a name. */
static bool group_ok(const char *s, size_t len)
{
    size_t i = 0;
    if (len > 0 && s[0] == 'P')
        return len > 1 && s[1] == '<';
    if (len > 0 && s[0] == '<')
        return len > 1 && s[1] != '=' && s[1] != '!';
    while (i < len && (strchr("imsU-", s[i]) != NULL && s[i] != '\0'))
        i++;
    return i < len && (s[i] == ':' || (s[i] == ')' && i > 0));
}

/* What follows a backslash outside of \Q...\E. */
static const char *escape_problem(char ch)
{
    if (ch >= '1' && ch <= '9')
        return "there are no back references";
    if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z'))
        return strchr("afnrtvxpPdDsSwWbBAzQE", ch) != NULL ? NULL : "unknown escape";
    return NULL;
}

/* {n,m} with a number beyond what RE2 repeats. */
static bool repeats_too_often(const char *s, size_t len)
{
    unsigned n = 0;
    bool over = false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '}')
            return over;
        if (s[i] != ',' && (s[i] < '0' || s[i] > '9'))
            break; /* a brace that is no quantifier */
        n = s[i] == ',' ? 0 : n > MOST_REPEATS ? n : n * 10 + (unsigned)(s[i] - '0');
        over = over || n > MOST_REPEATS;
    }
    return false;
}

static bool after_quantifier(const char *s, size_t at)
{
    if (at == 0 || (at >= 2 && s[at - 2] == '\\'))
        return false;
    return s[at - 1] == '*' || s[at - 1] == '+' || s[at - 1] == '?' || s[at - 1] == '}';
}

/* Refuses what only backtracking engines have: back references, looking around, atomic and conditional groups, verbs,
 * possessive quantifiers. NULL: fine. */
static const char *re2_problem(const char *s, size_t len)
{
    bool set = false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\\') {
            const char *why = i + 1 < len ? escape_problem(s[i + 1]) : "it ends in a backslash";
            if (why != NULL)
                return why;
            if (s[i + 1] == 'Q') {
                while (i < len && !(s[i] == '\\' && i + 1 < len && s[i + 1] == 'E'))
                    i++;
            }
            i++;
        } else if (set) {
            if (s[i] == '[' && i + 1 < len && s[i + 1] == ':') {
                for (i += 2; i + 1 < len && !(s[i] == ':' && s[i + 1] == ']');)
                    i++;
                i++;
            } else {
                set = s[i] != ']';
            }
        } else if (s[i] == '[') {
            set = true;
            i += i + 1 < len && s[i + 1] == '^';
            i += i + 1 < len && s[i + 1] == ']';
        } else if (s[i] == '(' && i + 1 < len && s[i + 1] == '?' &&
                   !group_ok(s + i + 2, len - i - 2)) {
            return "only (?:...), (?flags) and (?P<name>...) may begin with (?";
        } else if (s[i] == '(' && i + 1 < len && s[i + 1] == '*') {
            return "a quantifier has nothing to repeat";
        } else if (s[i] == '{' && repeats_too_often(s + i + 1, len - i - 1)) {
            return "it repeats more than 1000 times";
        } else if (s[i] == '+' && after_quantifier(s, i)) {
            return "quantifiers cannot follow one another";
        }
    }
    return NULL;
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

static const char *compile_problem(int error)
{
    switch (error) {
    case PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS:
    case PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS: return "a parenthesis has no partner";
    case PCRE2_ERROR_MISSING_SQUARE_BRACKET: return "a bracket is not closed";
    case PCRE2_ERROR_QUANTIFIER_INVALID: return "a quantifier has nothing to repeat";
    default: return "it is malformed";
    }
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

void *expr_pattern_new(const gov_allocator *a, const char *s, size_t len, const char **why)
{
    const uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C |
                             PCRE2_NEVER_UCP | PCRE2_NO_AUTO_CAPTURE;
    int error;
    PCRE2_SIZE offset;
    *why = len > LONGEST_PATTERN ? "it is too long" : re2_problem(s, len);
    if (*why != NULL)
        return NULL;
    pattern *p = base_alloc(a, sizeof *p);
    if (p == NULL)
        return NULL;
    *p = (pattern){.alloc = a};
    p->general = pcre2_general_context_create(take, give_back, allocator_as_user(a));
    pcre2_compile_context *limits =
        p->general != NULL ? pcre2_compile_context_create(p->general) : NULL;
    if (limits == NULL) {
        expr_pattern_free(p);
        return NULL;
    }
    pcre2_set_parens_nest_limit(limits, 100);
    pcre2_set_newline(limits, PCRE2_NEWLINE_LF);
    p->code = pcre2_compile((PCRE2_SPTR)s, len, options, &error, &offset, limits);
    pcre2_compile_context_free(limits);
    if (p->code == NULL)
        *why = error == PCRE2_ERROR_HEAP_FAILED ? NULL : compile_problem(error);
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
