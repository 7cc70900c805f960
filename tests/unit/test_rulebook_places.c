/* Mistakes in expressions point into the YAML, to the column, whatever quotes, folds and escapes stand before them; and the name
 * that was probably meant is proposed. */
#include "support/support.h"

#include <gov.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A workflow with one guard, written as the text says. '@' marks where the mistake is. */
#define BEFORE                                                                     \
    "rulebook: r\nversion: '1'\ntitle: {zh: 社区}\nlanguages: [zh]\ntime_zone: " \
    "Asia/Shanghai\n---\n"                                                         \
    "workflow: w\n"                                                                \
    "roles: {clerk: {}}\n"                                                        \
    "fields: {urgency: {type: int}, category: {type: string}}\n"                   \
    "events: {go: {by: [clerk], input: {note: {type: string}}}}\n"                      \
    "states:\n"                                                                    \
    "  a:\n"                                                                       \
    "    title: {zh: 派单}\n"                                                    \
    "    on:\n"                                                                    \
    "      go:\n"                                                                  \
    "        to: b\n"
#define AFTER "  b: {type: final}\n"

typedef struct mistake {
    const char *text, *code, *near;
} mistake;

static const mistake mistakes[] = {
    /* plain */
    {"        when: case.urgency > 1 && @case.urgncy > 2\n", "undeclared_reference",
     "case.urgency"},
    {"        when: case.category == '电梯' && @case.categry == '燃气'\n", "undeclared_reference",
     "case.category"},
    {"        when: case.urgency > 1\n          && case.category.@startWith('电')\n",
     "unknown_function", "startsWith"},
    {"        when: \t case.urgency + @case.category == 'x'\n", "no_such_overload", NULL},
    /* single quotes, doubled inside */
    {"        when: 'case.category == ''电梯'' && @case.urgncy > 2'\n", "undeclared_reference",
     "case.urgency"},
    {"        when: '[''a'', ''''].exists(t, t == case.category) || @evnt.data.note == ''x'''\n",
     "undeclared_reference", NULL},
    {"        when: 'case.category == ''电梯''\n\n          && @nwo > now'\n",
     "undeclared_reference", "now"},
    /* double quotes, with escapes of both languages */
    {"        when: \"case.category == \\\"\\u7535\\u68af\\\" && @case.urgncy > 2\"\n",
     "undeclared_reference", "case.urgency"},
    {"        when: \"case.category == '\\x41\\\\n\\U0001F600' && case.urgency > size(@1)\"\n",
     NULL, NULL},
    {"        when: \"case.category == 'a\\\n          b' && @case.urgncy > 2\"\n",
     "undeclared_reference", "case.urgency"},
    {"        when: \"case.urgency > 1\\t&&@\\_case.urgncy > 2\"\n", "yaml_blank", NULL},
    {"        when: \"case.category == '电梯' && case.category.matches(@'(')\"\n", "bad_pattern",
     NULL},
    /* folded and literal blocks */
    {"        when: >\n          case.category == '电梯'\n          && @case.urgncy > 2\n",
     "undeclared_reference", "case.urgency"},
    {"        when: >-\n          case.category == '电梯'\n\n          &&\n            "
     "@case.urgncy > 2\n",
     "undeclared_reference", "case.urgency"},
    {"        when: |\n          case.category == '电梯' // 是电梯\n          && @case.urgncy > "
     "2\n",
     "undeclared_reference", "case.urgency"},
    {"        when: |2\n            case.urgency > 1 &&\n          @case.urgncy > 2\n",
     "undeclared_reference", "case.urgency"},
    {"        when: |\n          case.urgency >@\n", "unexpected_end", NULL},
    {"        when: |+\n          case.urgency > 2 @2\n\n", "unexpected_token", NULL},
    /* in a flow map, behind wide characters and characters beyond the basic plane */
    {"        when: &x case.urgency > 1 && @case.urgncy > 2\n", "undeclared_reference", "case.urgency"},
    {"        when: &x \"case.urgency > 1 && @case.urgncy > 2\"\n", "undeclared_reference", "case.urgency"},
    {"        when: !!str 'case.urgency > 1 && @case.urgncy > 2'\n", "undeclared_reference", "case.urgency"},
    {"        when: &x !!str\n          'case.urgency > 1 && @case.urgncy > 2'\n", "undeclared_reference", "case.urgency"},
    {"        # 😀\n        when: \"'😀'.size() == 1 && @nwo > now\"\n", "undeclared_reference",
     "now"},
};

static void check(const mistake *m)
{
    char text[4096], path[512];
    gov_error *err = NULL;
    gov_rulebook *rules = NULL;
    int64_t line = 1, column = 1, want_line = 0, want_column = 0;
    size_t len = 0;
    const char *const parts[] = {BEFORE, m->text, AFTER};
    for (size_t i = 0; i < 3; i++)
        for (const char *s = parts[i]; *s != '\0'; s++) {
            if (*s == '@') {
                want_line = line;
                want_column = column;
                continue;
            }
            text[len++] = *s;
            line += *s == '\n';
            column = *s == '\n' ? 1 : column + (((unsigned char)*s & 0xc0) != 0x80);
        }
    char *dir = support_tmpdir();
    support_write(support_path(path, dir, "rulebook.yaml"), text, len);
    const gov_status status = gov_rulebook_load(NULL, path, 0, &rules, &err);
    support_rmdir(dir);
    const char *code = gov_error_code(err, 0), *near = gov_error_argument(err, 0, "near");
    if (status != GOV_E_RULE && status != GOV_E_EXPR)
        fail_msg("%s is accepted", m->text);
    if ((m->code != NULL && strcmp(code, m->code) != 0) || gov_error_line(err, 0) != want_line ||
        gov_error_column(err, 0) != want_column)
        fail_msg("%s\n%s (%s) at %ld:%ld, not %ld:%ld", m->text, code,
                 gov_error_message(err, 0, "en"), (long)gov_error_line(err, 0),
                 (long)gov_error_column(err, 0), (long)want_line, (long)want_column);
    if (m->near != NULL && (near == NULL || strcmp(near, m->near) != 0))
        fail_msg("%s proposes %s", m->text, near != NULL ? near : "nothing");
    gov_error_free(err);
    gov_rulebook_free(rules);
}

static void point_into_the_yaml(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        check(&mistakes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(point_into_the_yaml)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
