/* gov ledger: the line protocol over a ledger in memory, or with --db over a community's. */
#include "cli.h"

#include <stdint.h>

static gov_status ledger_line(void *user, const char *line, size_t len, char **out, size_t *out_len,
                              gov_error **err)
{
    return gov_ledger_line(user, line, len, out, out_len, err);
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
    code = status == GOV_OK ? answer_lines(c, ledger_line, lines) : fail_with(c, status, err);
    gov_ledger_lines_free(lines);
    session_close(&s);
    return code;
}
