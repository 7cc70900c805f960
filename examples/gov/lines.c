/* Line protocols: a line of JSON in, a line of JSON out, in order, flushed for each line. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int put_answer(cli *c, gov_status status, gov_error *err, char *answer, size_t len)
{
    if (status != GOV_OK)
        return fail_with(c, status, err);
    fwrite(answer, 1, len, stdout);
    gov_text_free(answer);
    fputc('\n', stdout);
    fflush(stdout);
    return EXIT_DONE;
}

enum { LINE_LONGEST = 64 * 1024 * 1024 };

typedef struct reader {
    char *line;
    size_t len, cap;
    bool too_long; /* or no memory for it: the rest of the line was read past */
} reader;

static void keep_char(reader *r, char ch)
{
    if (r->len == r->cap) {
        const size_t cap = r->cap == 0 ? 4096 : r->cap * 2;
        char *grown = r->len < LINE_LONGEST ? realloc(r->line, cap) : NULL;
        if (grown == NULL) {
            r->too_long = true;
            return;
        }
        r->line = grown;
        r->cap = cap;
    }
    r->line[r->len++] = ch;
}

/* The next line, without its end. False: there is none. */
static bool next_line(reader *r)
{
    int ch = getc_unlocked(stdin);
    r->len = 0;
    r->too_long = false;
    if (ch == EOF)
        return false;
    for (; ch != EOF && ch != '\n'; ch = getc_unlocked(stdin))
        if (!r->too_long)
            keep_char(r, (char)ch);
    return !ferror(stdin);
}

int answer_lines(cli *c, line_answerer answer, void *user)
{
    reader r = {0};
    int code = EXIT_DONE;
    while (code == EXIT_DONE && !output_gone() && next_line(&r)) {
        char *out = NULL;
        size_t out_len = 0;
        gov_error *err = NULL;
        if (r.too_long) {
            puts("{\"error\":{\"code\":\"too_large\",\"message\":\"a line is longer than 64 MiB\"}}");
            fflush(stdout);
            continue;
        }
        const gov_status status =
            answer(user, r.line != NULL ? r.line : "", r.len, &out, &out_len, &err);
        code = put_answer(c, status, err, out, out_len);
    }
    free(r.line);
    if (code == EXIT_DONE && ferror(stdin))
        code = fail(c, EXIT_WRONG, T(c, "cannot read the input: %s", "无法读取输入：%s"),
                    strerror(errno));
    return code;
}

static gov_status eval_line(void *user, const char *line, size_t len, char **out, size_t *out_len,
                            gov_error **err)
{
    return gov_scope_eval_line(user, line, len, out, out_len, err);
}

/* An instant as RFC 3339 writes it, read by the language itself. */
static gov_status read_instant(const char *text, int64_t *us, gov_error **err)
{
    static const char source[] = "timestamp(text)";
    gov_expr *expr = NULL;
    gov_value *in = gov_value_new_map(NULL), *out = NULL;
    int32_t nanos = 0;
    gov_status status = in == NULL ? GOV_E_NOMEM : gov_value_set_string(in, "text", "string");
    if (status == GOV_OK)
        status = gov_expr_compile(NULL, source, sizeof source - 1, in, &expr, err);
    if (status == GOV_OK)
        status = gov_value_set_string(in, "text", text);
    if (status == GOV_OK)
        status = gov_expr_eval(expr, in, &out, err);
    if (status == GOV_OK)
        *us = gov_value_seconds(out, &nanos) * 1000000 + nanos / 1000;
    gov_value_free(out);
    gov_value_free(in);
    gov_expr_free(expr);
    return status;
}

int cmd_eval(cli *c, args *a)
{
    gov_rulebook *rules = NULL;
    gov_scope *scope = NULL;
    gov_error *err = NULL;
    const char *path = args_value(a, "rulebook"), *when = args_value(a, "now");
    int64_t now = (int64_t)time(NULL) * 1000000;
    gov_status status = when != NULL ? read_instant(when, &now, &err) : GOV_OK;
    if (status != GOV_OK && status != GOV_E_NOMEM) {
        gov_error_free(err);
        return usage_error(c, T(c, "--now takes an instant such as 2026-03-02T09:00:00+08:00, not \"%s\"", "--now 的值应为时刻，例如 2026-03-02T09:00:00+08:00，不能是“%s”"), when);
    }
    if (status == GOV_OK && path == NULL)
        return answer_lines(c, eval_line, NULL);
    if (status == GOV_OK)
        status = gov_rulebook_load(NULL, path, 0, &rules, &err);
    if (status == GOV_OK) {
        gov_error_free(err); /* warnings: `gov check` is for them */
        err = NULL;
        status = gov_rulebook_scope(rules, now, &scope, &err);
    }
    const int code =
        status == GOV_OK ? answer_lines(c, eval_line, scope) : fail_with(c, status, err);
    gov_scope_free(scope);
    gov_rulebook_free(rules);
    return code;
}

static gov_status simulate_line(void *user, const char *line, size_t len, char **out,
                                size_t *out_len, gov_error **err)
{
    return gov_simulation_line(user, line, len, out, out_len, err);
}

int cmd_simulate(cli *c, args *a)
{
    gov_simulation *sim = NULL;
    gov_error *err = NULL;
    char *out = NULL;
    size_t len = 0;
    c->rules = a->words[0];
    gov_status status = gov_simulation_open(NULL, a->words[0], args_value(a, "workflow"), NULL, &sim, &err);
    if (status != GOV_OK)
        return fail_with(c, status, err);
    print_diagnostics(c, err, stderr); /* doubtful charts */
    gov_error_free(err);
    err = NULL;
    status = gov_simulation_line(sim, NULL, 0, &out, &len, &err);
    int code = put_answer(c, status, err, out, len);
    if (code == EXIT_DONE)
        code = answer_lines(c, simulate_line, sim);
    gov_simulation_free(sim);
    return code;
}
