/* gov export --format hledger, gov ledger cap, lots, note, balance. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static int32_t put_piece(const char *text, size_t len, void *user)
{
    return fwrite(text, 1, len, user) == len ? 0 : 1;
}

int cmd_export(cli *c, args *a)
{
    session s;
    uint64_t book = 0;
    gov_error *err = NULL;
    file_out out;
    const char *format = args_value(a, "format"), *file = args_value(a, "output");
    if (format == NULL || strcmp(format, "hledger") != 0)
        return usage_error(c,
                           T(c, "--format takes hledger, not \"%s\"",
                             "--format 应为 hledger，不能是“%s”"),
                           format != NULL ? format : "");
    int code = args_number(c, a, "ledger", UINT32_MAX, &book);
    if (code == EXIT_DONE)
        code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE)
        return code;
    code = file_begin(c, file != NULL ? file : "-", "commodity 1000. \"L", &out);
    if (code == EXIT_DONE) {
        const gov_status status =
            gov_ledger_export_to(s.g, (uint32_t)book, put_piece, out.file, &err);
        if (status != GOV_OK && status != GOV_E_USER) /* that is told where the file is ended */
            code = fail_with(c, status, err);
        else
            gov_error_free(err);
        const int ended = file_end(c, &out, code == EXIT_DONE);
        code = code == EXIT_DONE ? ended : code;
    }
    session_close(&s);
    return code;
}

static bool whole(const char *word, int64_t *out)
{
    char *end = NULL;
    *out = strtoll(word, &end, 10);
    return word[0] >= '0' && word[0] <= '9' && *end == '\0' && strlen(word) < 20;
}

static int bad_number(cli *c, const char *word)
{
    return usage_error(c, T(c, "\"%s\" is no number", "“%s”不是数字"), word);
}

static int put_out(session *s, gov_status status, gov_value *out, gov_error *err)
{
    if (status != GOV_OK)
        return fail_with(s->c, status, err);
    if (s->c->json)
        json_line(out);
    else
        put_value(s, out, 0);
    gov_value_free(out);
    return EXIT_DONE;
}

int cmd_ledger_cap(cli *c, args *a)
{
    session s;
    gov_value *cap = NULL;
    gov_error *err = NULL;
    int code = fields_read(c, a, 1, "fields", &cap);
    if (code == EXIT_DONE)
        code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE) {
        gov_value_free(cap);
        return code;
    }
    const gov_status status = gov_ledger_cap_set(s.g, cap, &err);
    if (status != GOV_OK)
        code = fail_with(c, status, err);
    gov_value_free(cap);
    session_close(&s);
    return code;
}

int cmd_ledger_caps(cli *c, args *a)
{
    session s;
    gov_value *out = NULL;
    gov_error *err = NULL;
    int64_t book;
    if (!whole(a->words[1], &book) || book > UINT32_MAX)
        return bad_number(c, a->words[1]);
    int code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE)
        return code;
    const gov_status status = gov_ledger_caps(s.g, (uint32_t)book, &out, &err);
    code = put_out(&s, status, out, err);
    session_close(&s);
    return code;
}

int cmd_ledger_lots(cli *c, args *a)
{
    session s;
    gov_value *out = NULL;
    gov_error *err = NULL;
    int64_t account;
    if (!whole(a->words[1], &account))
        return bad_number(c, a->words[1]);
    int code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE)
        return code;
    const gov_status status = gov_ledger_lots(s.g, account, &out, &err);
    code = put_out(&s, status, out, err);
    session_close(&s);
    return code;
}

int cmd_ledger_balance(cli *c, args *a)
{
    session s;
    gov_value *out = NULL;
    gov_error *err = NULL;
    int64_t account, at = 0;
    if (!whole(a->words[1], &account))
        return bad_number(c, a->words[1]);
    int code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE)
        return code;
    if (args_has(a, "at"))
        code = session_time(&s, args_value(a, "at"), &at);
    else
        at = gov_now(s.g);
    if (code == EXIT_DONE) {
        const gov_status status =
            gov_ledger_balance_at(s.g, account, at, args_has(a, "effective"), &out, &err);
        code = put_out(&s, status, out, err);
    }
    session_close(&s);
    return code;
}

int cmd_ledger_note(cli *c, args *a)
{
    session s;
    gov_value *note = NULL, *out = NULL;
    gov_error *err = NULL;
    int64_t id;
    if (!whole(a->words[2], &id))
        return bad_number(c, a->words[2]);
    const bool writes = a->word_count > 3 || args_has(a, "fields");
    int code = writes ? fields_read(c, a, 3, "fields", &note) : EXIT_DONE;
    if (code == EXIT_DONE)
        code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE) {
        gov_value_free(note);
        return code;
    }
    const gov_status status = writes ? gov_ledger_note_put(s.g, a->words[1], id, note, &err)
                                     : gov_ledger_note_get(s.g, a->words[1], id, &out, &err);
    if (writes && status != GOV_OK)
        code = fail_with(c, status, err);
    else if (!writes)
        code = put_out(&s, status, out, err);
    gov_value_free(note);
    session_close(&s);
    return code;
}
