/* matches(): every line of RE2's page on its syntax, what it takes and what it refuses. */
#include "support/faulty.h"
#include "support/support.h"

#include <string.h>

#include "expr/inner.h"

enum { YES = 1, NO = 0, REFUSED = -9 };

typedef struct probe {
    const char *pattern;
    const char *text;
    int want;
} probe;

static void check(const probe *p)
{
    const char *why = NULL;
    void *made = expr_pattern_new(NULL, p->pattern, strlen(p->pattern), &why);
    const int got =
        made == NULL ? REFUSED
                     : expr_pattern_match(made, EXPR_PATTERN_TIERS - 1, p->text, strlen(p->text));
    if (got != p->want) {
        print_error("%s on %s: %d, wanted %d (%s)\n", p->pattern, p->text, got, p->want,
                    why != NULL ? why : "taken");
        fail();
    }
    if (made == NULL)
        assert_non_null(why);
    expr_pattern_free(made);
}

#define PROBE(table)                              \
    for (size_t i = 0; i < ARRAY_LEN(table); i++) \
    check(&(table)[i])

static void single_characters(void **state)
{
    static const probe table[] = {
        {"^.$", "\n", NO},
        {"(?s)^.$", "\n", YES},
        {"^.$", "é", YES},
        {"^[xyz]$", "y", YES},
        {"^[xyz]$", "w", NO},
        {"^[^xyz]$", "w", YES},
        {"^[^xyz]$", "\n", YES},
        {"^\\d$", "7", YES},
        {"^\\d$", "٧", NO},
        {"^\\D$", "٧", YES},
        {"^\\s$", "\v", NO},
        {"^\\S$", "\v", YES},
        {"^[\\s]$", "\v", NO},
        {"^[\\S]$", "\v", YES},
        {"^[^\\s]$", "\v", YES},
        {"^\\s\\s\\s\\s\\s$", "\t\n\f\r ", YES},
        {"^\\s$", "\xc2\xa0", NO},
        {"^\\w+$", "aZ_09", YES},
        {"^\\w$", "é", NO},
        {"^\\W$", "é", YES},
        {"^[[:alpha:]]$", "q", YES},
        {"^[[:alpha:]]$", "é", NO},
        {"^[[:^alpha:]]$", "é", YES},
        {"^[[:^alpha:]]$", "q", NO},
        {"^[^[:alpha:]]$", "7", YES},
        {"[[:foo:]]", "", REFUSED},
        {"[[:ALPHA:]]", "", REFUSED},
        {"^[[:word:][:punct:]]+$", "a_!~", YES},
        {"^[[:space:]]$", "\v", YES},
        {"^[[:ascii:]]$", "\x7f", YES},
        {"^[[:^ascii:]]$", "é", YES},
        {"^[[:xdigit:]]+$", "09afAF", YES},
        {"^[[:graph:]]$", " ", NO},
        {"^[[:print:]]$", " ", YES},
        {"^[[:blank:]]{2}$", "\t ", YES},
        {"^[[:cntrl:]]$", "\x1f", YES},
        {"^[[.a.]]$", "a]", YES},
        {"^\\pN$", "٧", YES},
        {"^\\PN$", "a", YES},
        {"^\\p{Greek}$", "α", YES},
        {"^\\P{Greek}$", "a", YES},
        {"^\\p{^Greek}$", "a", YES},
        {"^\\P{^Greek}$", "α", YES},
        {"^[\\p{Greek}0-9\\p{Lu}]+$", "αA7", YES},
        {"^[^\\p{Greek}]$", "α", NO},
        {"^\\p{Any}$", "\n", YES},
        {"^\\p{Han}+$", "王大爷", YES},
        {"^\\pLu$", "xu", YES},
        {"^\\p{Greek}$", "\xcd\x82", NO}, /* U+0342 is used with Greek, but inherits its script */
        {"^\\p{C}$", "\xcd\xb8", NO},     /* U+0378 is not assigned */
        {"^\\P{C}$", "\xcd\xb8", YES},
        {"^[a\\P{C}]$", "\xcd\xb8", YES},
        {"^\\p{C}$", "\x01", YES},
        {"\\p{Xan}", "", REFUSED},
        {"\\p{L&}", "", REFUSED},
        {"\\p{latin}", "", REFUSED},
        {"\\p{Script=Latin}", "", REFUSED},
        {"\\p{sc:Latin}", "", REFUSED},
        {"\\p{Alphabetic}", "", REFUSED},
        {"\\p{Latn}", "", REFUSED},
        {"\\p{Adlam Ahom}", "", REFUSED},
        {"\\p{}", "", REFUSED},
        {"\\p{^}", "", REFUSED},
        {"\\p{Greek", "", REFUSED},
        {"\\p", "", REFUSED},
        {"\\pX", "", REFUSED},
        {"[\\p{Foo}]", "", REFUSED},
    };
    (void)state;
    PROBE(table);
}

static void composites(void **state)
{
    static const probe table[] = {
        {"^xy$", "xy", YES},
        {"^(x|y)$", "y", YES},
        {"^x*$", "", YES},
        {"^x+$", "", NO},
        {"^x?y$", "y", YES},
        {"^x{2,3}$", "xxx", YES},
        {"^x{2,3}$", "xxxx", NO},
        {"^x{2,}$", "xxxxx", YES},
        {"^x{2}$", "xx", YES},
        {"^x*?y+?z??$", "xyz", YES},
        {"^x{1,2}?x{2,}?x{1}?$", "xxxx", YES},
        {"^x{}$", "x{}", YES},
        {"^x{-}$", "x{-}", YES},
        {"^x{,2}$", "x{,2}", YES},
        {"^x{01}$", "x{01}", YES},
        {"^x{1$", "x{1", YES},
        {"^}+$", "}}", YES},
        {"^{+$", "{{", YES},
        {"^a{0}b$", "b", YES},
        {"^x=$", "x=", YES},
        {"x{1000}", "", NO},
        {"x{1001}", "", REFUSED},
        {"x{1001,}", "", REFUSED},
        {"x{0,1001}", "", REFUSED},
        {"x{99999999999}", "", REFUSED},
        {"x{2,1}", "", REFUSED},
        {"(a{100}){10}", "", NO},
        {"(a{100}){11}", "", REFUSED},
        {"((a{10}b){10}|c){11}", "", REFUSED},
        {"(a{100}){11}{0}", "", REFUSED},
        {"(a{100}b{100}){5}", "", NO},
        {"(a{1000}){0}", "", YES},
        {"(a{500,}){3}", "", REFUSED},
        {"((a{100})*){11}", "", REFUSED},
        {"x*+", "", REFUSED},
        {"x++", "", REFUSED},
        {"x?+", "", REFUSED},
        {"x{1,2}+", "", REFUSED},
        {"x{1,}+", "", REFUSED},
        {"x{1}+", "", REFUSED},
        {"\\\\*+", "", REFUSED},
        {"a**", "", REFUSED},
        {"a*{2}", "", REFUSED},
        {"a{1}{2}", "", REFUSED},
        {"a???", "", REFUSED},
        {"*a", "", REFUSED},
        {"|*", "", REFUSED},
        {"(+)", "", REFUSED},
        {"(?i)*", "", REFUSED},
        {"{1}", "", REFUSED},
        {"^a(?:)*b$", "ab", YES},
        {"^a(?i)*$", "aaa", YES},
        {"^a*\\Q\\E*$", "aaa", YES},
        {"^^*a$*$", "a", YES},
        {"(?:^)*a", "ba", YES},
        {"a||b", "", YES},
        {"()", "", YES},
        {"", "", YES},
        {"^(|a)+$", "aaa", YES},
        {"^(a|b*)*c$", "abbac", YES},
        {"^a\\+{2}$", "a++", YES},
        {"^\\\\*$", "\\\\", YES},
    };
    (void)state;
    PROBE(table);
}

static void groups_and_flags(void **state)
{
    static const probe table[] = {
        {"^(ab)+$", "abab", YES},
        {"^(?P<n>a)(?<m_1>b)$", "ab", YES},
        {"(?P<n>a)(?P<n>b)", "", REFUSED},
        {"(?P<n>a)(?<n>b)", "", REFUSED},
        {"(?P<n!>a)", "", REFUSED},
        {"(?P<>a)", "", REFUSED},
        {"(?P<n", "", REFUSED},
        {"(?P=n)", "", REFUSED},
        {"(?P>n)", "", REFUSED},
        {"(?'n'a)", "", REFUSED},
        {"(?:a)", "a", YES},
        {"(?#text)", "", REFUSED},
        {"(?|a|b)", "", REFUSED},
        {"(?>a)", "", REFUSED},
        {"(?(1)a|b)", "", REFUSED},
        {"(?R)", "", REFUSED},
        {"(?1)", "", REFUSED},
        {"(?&n)", "", REFUSED},
        {"(?C)", "", REFUSED},
        {"(*UTF)a", "", REFUSED},
        {"(?=a)", "", REFUSED},
        {"(?!a)", "", REFUSED},
        {"(?<=a)", "", REFUSED},
        {"(?<!a)", "", REFUSED},
        {"^a@>$", "a@>", YES},
        {"^%(a)$", "%a", YES},
        {"(a", "", REFUSED},
        {"a)", "", REFUSED},
        {"[a", "", REFUSED},
        {"(?i)^ab$", "AB", YES},
        {"^a(?i)b$", "aB", YES},
        {"^a(?i)b$", "AB", NO},
        {"^(?i:a)b$", "Ab", YES},
        {"^(?i:a)b$", "AB", NO},
        {"^(a(?i)b|c)d$", "Cd", YES},
        {"^(a(?i)b|c)d$", "CD", NO},
        {"^(?i)a(?-i)b$", "Ab", YES},
        {"^(?i)a(?-i)b$", "AB", NO},
        {"(?i)^é$", "É", YES},
        {"(?i)^k$", "\xe2\x84\xaa", YES}, /* U+212A, the sign of kelvin */
        {"(?i)^[^k]$", "\xe2\x84\xaa", NO},
        {"(?i)^[r-t]$", "\xc5\xbf", YES}, /* U+017F, the long s */
        {"(?i)^\\w$", "\xc5\xbf", YES},
        {"(?i)^\\W$", "\xc5\xbf", NO},
        {"(?i)^[\\W]$", "S", NO},
        {"(?i)^[[:^lower:]]$", "A", NO},
        {"(?i)^[[:upper:]]$", "a", YES},
        {"(?i)^\\p{Lu}$", "a", YES},
        {"(?i)^\\P{Lu}$", "a", NO},
        {"(?i)^[\\w]$", "é", NO},
        {"^b", "a\nb", NO},
        {"(?m)^b", "a\nb", YES},
        {"(?m)^\\z", "a\n", YES},
        {"a$", "a\nb", NO},
        {"a$", "a\n", NO},
        {"(?m)a$", "a\nb", YES},
        {"(?m)a$", "a\r\nb", NO},
        {"(?s)a.b", "a\nb", YES},
        {"(?s-s)a.b", "a\nb", NO},
        {"(?ms:^b.c)", "a\nb\nc", YES},
        {"(?U)^a+b$", "aab", YES},
        {"(?U)^a+?b$", "aab", YES},
        {"(?i-)a", "", REFUSED},
        {"(?-)a", "", REFUSED},
        {"(?-i-s)a", "", REFUSED},
        {"(?x)a", "", REFUSED},
        {"(?u)a", "", REFUSED},
        {"(?i", "", REFUSED},
        {"(?", "", REFUSED},
        {"(?)a", "a", YES},
    };
    (void)state;
    PROBE(table);
}

static void escapes(void **state)
{
    static const probe table[] = {
        {"^\\Aa\\z$", "a", YES},
        {"a\\z", "a\n", NO},
        {"\\ba\\b", "é-a-é", YES},
        {"\\ba\\b", "éaé", YES},
        {"\\ba\\b", "xa", NO},
        {"a\\Bb", "ab", YES},
        {"\\b+a", "a", YES},
        {"\\Z", "", REFUSED},
        {"\\G", "", REFUSED},
        {"^\\a\\f\\t\\n\\r\\v$", "\a\f\t\n\r\v", YES},
        {"^\\*\\.\\_\\-\\ \\#$", "*._- #", YES},
        {"^\\123\\0417\\52$", "S!7*", YES},
        {"^\\141$", "a", YES},
        {"^\\400$", "\xc4\x80", YES},
        {"^[\\1234\\060]+$", "S40", YES},
        {"\\18", "", REFUSED},
        {"\\1", "", REFUSED},
        {"\\7", "", REFUSED},
        {"\\8", "", REFUSED},
        {"\\9", "", REFUSED},
        {"(a)\\1", "", REFUSED},
        {"[\\1]", "", REFUSED},
        {"^\\x41\\x{1F600}\\x{61}$", "A😀a", YES},
        {"\\x6", "", REFUSED},
        {"\\x", "", REFUSED},
        {"\\xg1", "", REFUSED},
        {"\\x{}", "", REFUSED},
        {"\\x{110000}", "", REFUSED},
        {"\\x{41", "", REFUSED},
        {"\\x{D800}|a", "a", YES},
        {"[\\x{D800}-\\x{DFFF}]", "a", NO},
        {"^[^\\x{D800}]$", "a", YES},
        {"\\C", "", REFUSED},
        {"^\\Qa.b*\\E+$", "a.b**", YES},
        {"^\\Qa.b", "a.bc", YES},
        {"^\\Q\\\\E$", "\\", YES},
        {"\\E", "", REFUSED},
        {"[\\Qa\\E]", "", REFUSED},
        {"\\cK", "", REFUSED},
        {"\\e", "", REFUSED},
        {"\\g1", "", REFUSED},
        {"\\g{1}", "", REFUSED},
        {"\\k<n>", "", REFUSED},
        {"\\lX", "", REFUSED},
        {"\\ux", "", REFUSED},
        {"\\La\\E", "", REFUSED},
        {"\\K", "", REFUSED},
        {"\\N", "", REFUSED},
        {"\\N{U+41}", "", REFUSED},
        {"\\R", "", REFUSED},
        {"\\X", "", REFUSED},
        {"\\h", "", REFUSED},
        {"\\H", "", REFUSED},
        {"\\V", "", REFUSED},
        {"\\o{101}", "", REFUSED},
        {"\\é", "", REFUSED},
        {"\\", "", REFUSED},
        {"^%d123$", "%d123", YES},
    };
    (void)state;
    PROBE(table);
}

static void classes(void **state)
{
    static const probe table[] = {
        {"^[]a]+$", "]a", YES},
        {"^[^]a]$", "b", YES},
        {"^[^]a]$", "]", NO},
        {"[]", "", REFUSED},
        {"[]a", "", REFUSED},
        {"^[a-]+$", "a-", YES},
        {"^[-a]+$", "a-", YES},
        {"^[a-c-e]+$", "b-e", YES},
        {"^[a-c-e]+$", "d", NO},
        {"^[\\d-z]+$", "7-z", YES},
        {"[a-\\d]", "", REFUSED},
        {"[z-a]", "", REFUSED},
        {"[\\b]", "", REFUSED},
        {"[\\B]", "", REFUSED},
        {"[\\A]", "", REFUSED},
        {"[\\C]", "", REFUSED},
        {"^[\\010]$", "\b", YES},
        {"^[a&&b]+$", "a&b", YES},
        {"^[a[b]$", "[", YES},
        {"^[$.^]+$", "^$.", YES},
        {"^[\\^\\-\\]]+$", "^-]", YES},
        {"^[é-ü]$", "ö", YES},
        {"^[\\x{10000}-\\x{10FFFF}]$", "😀", YES},
        {"^[#\\- ]+$", "# -", YES},
        {"[a\\", "", REFUSED},
        {"[[:alpha:", "", REFUSED},
    };
    (void)state;
    PROBE(table);
}

static void odd_bytes(void **state)
{
    const char *why;
    (void)state;
    assert_null(expr_pattern_new(NULL, "a\xff", 2, &why));
    assert_non_null(why);
    assert_null(expr_pattern_new(NULL, "[\xc3", 2, &why));
    assert_non_null(why);
    assert_null(expr_pattern_new(NULL, "\\x{\xff", 4, &why));
    assert_non_null(why);
    void *nul = expr_pattern_new(NULL, "^a\0b$", 5, &why);
    assert_non_null(nul);
    assert_int_equal(expr_pattern_match(nul, 0, "a\0b", 3), YES);
    expr_pattern_free(nul);
}

static gov_status compile_and_match(const gov_allocator *alloc, void *user)
{
    static const char source[] = "^(?:(?i)[[:^alpha:]\\pL]*\\Q+\\E*|(?P<n>[^]a-z\\d]){2,3})$";
    const char *why = NULL;
    (void)user;
    void *made = expr_pattern_new(alloc, source, sizeof source - 1, &why);
    assert_null(why);
    if (made == NULL)
        return GOV_E_NOMEM;
    const int found = expr_pattern_match(made, EXPR_PATTERN_TIERS - 1, "ab+", 3);
    expr_pattern_free(made);
    return found == -2 ? GOV_E_NOMEM : found == YES ? GOV_OK : GOV_E_BUG;
}

static void memory_runs_out(void **state)
{
    (void)state;
    oom_loop(compile_and_match, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_characters), cmocka_unit_test(composites),
        cmocka_unit_test(groups_and_flags),  cmocka_unit_test(escapes),
        cmocka_unit_test(classes),           cmocka_unit_test(odd_bytes),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
