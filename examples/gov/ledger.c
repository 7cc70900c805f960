/* gov ledger: the line protocol over a ledger in memory, or with --db over a community's. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int answer_lines(cli *c, gov_ledger_lines *lines)
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
        const gov_status status = gov_ledger_line(lines, line, len, &out, &out_len, &err);
        if (status != GOV_OK) {
            code = fail_with(c, status, err);
            break;
        }
        fwrite(out, 1, out_len, stdout);
        gov_text_free(out);
        fputc('\n', stdout);
        fflush(stdout);
    }
    free(line);
    if (code == EXIT_DONE && ferror(stdin))
        code = fail(c, EXIT_WRONG, T(c, "cannot read the input: %s", "无法读取输入：%s"),
                    strerror(errno));
    return code;
}

int cmd_ledger(cli *c, args *a)
{
    session s = {.c = c};
    gov_ledger_lines *lines = NULL;
    gov_error *err = NULL;
    int code = EXIT_DONE;
    if (args_has(a, "db")) {
        const char *db = args_value(a, "db");
        char *word = (char *)(uintptr_t)db;
        args with = *a;
        with.words = &word;
        with.word_count = 1;
        code = session_open(c, &with, 0, &s);
    }
    if (code != EXIT_DONE)
        return code;
    const gov_status status = gov_ledger_lines_open(NULL, s.g, &lines, &err);
    code = status == GOV_OK ? answer_lines(c, lines) : fail_with(c, status, err);
    gov_ledger_lines_free(lines);
    session_close(&s);
    return code;
}
