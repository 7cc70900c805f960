/* Line protocols: a line of JSON in, a line of JSON out, in order, flushed for each line. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

typedef gov_status (*answerer)(void *user, const char *line, size_t len, char **out,
                               size_t *out_len, gov_error **err);

static int each_line(cli *c, answerer answer, void *user)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t got;
    int code = EXIT_DONE;
    while (code == EXIT_DONE && !output_gone() && (got = getline(&line, &cap, stdin)) >= 0) {
        char *out = NULL;
        size_t len = (size_t)got, out_len = 0;
        gov_error *err = NULL;
        if (len > 0 && line[len - 1] == '\n')
            len--;
        const gov_status status = answer(user, line, len, &out, &out_len, &err);
        code = put_answer(c, status, err, out, out_len);
    }
    free(line);
    if (code == EXIT_DONE && ferror(stdin))
        code = fail(c, EXIT_WRONG, T(c, "cannot read the input: %s", "无法读取输入：%s"),
                    strerror(errno));
    return code;
}

static gov_status eval_line(void *user, const char *line, size_t len, char **out, size_t *out_len,
                            gov_error **err)
{
    (void)user;
    return gov_expr_eval_line(line, len, out, out_len, err);
}

int cmd_eval(cli *c, args *a)
{
    (void)a;
    return each_line(c, eval_line, NULL);
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
    gov_status status = gov_simulation_open(NULL, a->words[0], &sim, &err);
    if (status != GOV_OK)
        return fail_with(c, status, err);
    print_diagnostics(c, err, stderr); /* doubtful charts */
    gov_error_free(err);
    err = NULL;
    status = gov_simulation_line(sim, NULL, 0, &out, &len, &err);
    int code = put_answer(c, status, err, out, len);
    if (code == EXIT_DONE)
        code = each_line(c, simulate_line, sim);
    gov_simulation_free(sim);
    return code;
}
