/* gov export --format hledger, gov ledger cap, lots, statement, note, balance. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT_MOST = 1000 };

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
    if (format == NULL)
        return usage_error(c, T(c, "--format FORMAT is missing; usage: gov %s %s --format hledger", "缺少 --format；用法：gov %s %s --format hledger"), "export", "DB");
    if (strcmp(format, "hledger") != 0)
        return usage_error(c,
                           T(c, "--format takes hledger, not \"%s\"",
                             "--format 应为 hledger，不能是“%s”"),
                           format);
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

/* ---- statements ---- */

typedef struct statement {
    gov_ledger_balance after[LIMIT_MOST];
    gov_transfer moves[LIMIT_MOST];
    size_t count;
} statement;

/* The transfers of the balances; an expiry has none. */
static gov_status find_moves(session *s, statement *page, gov_error **err)
{
    int64_t ids[LIMIT_MOST];
    for (size_t i = 0; i < page->count; i++)
        ids[i] = page->after[i].transfer;
    return page->count > 0 ? gov_ledger_lookup_transfers(s->g, ids, page->count, page->moves, err)
                           : GOV_OK;
}

/* What a change did to the posted balance: nothing, where it only reserved or let go. */
static int64_t posted_by(const gov_transfer *t, int64_t account)
{
    if (t->id == 0 || t->flags & (GOV_TRANSFER_PENDING | GOV_TRANSFER_VOID_PENDING))
        return 0;
    return t->credit_account == account ? t->amount : -t->amount;
}

static char *decimal(int64_t n)
{
    char *text = malloc(24);
    if (text != NULL)
        snprintf(text, 24, "%lld", (long long)n);
    return text;
}

static void put_statement(session *s, const statement *page, int64_t account)
{
    cli *c = s->c;
    table *t = table_new(6);
    table_add(t, T(c, "time", "时间"));
    table_add(t, T(c, "transfer", "转账"));
    table_add(t, T(c, "with", "对方账户"));
    table_add(t, T(c, "change", "变动"));
    table_add(t, T(c, "balance", "余额"));
    table_add(t, T(c, "reserved", "预留"));
    for (size_t i = 0; i < page->count; i++) {
        const gov_ledger_balance *b = &page->after[i];
        const gov_transfer *m = &page->moves[i];
        table_take(t, time_of(s, b->timestamp));
        table_take(t, b->transfer != 0 ? decimal(b->transfer) : NULL);
        table_take(t, m->id == 0 ? NULL
                                 : decimal(m->debit_account == account ? m->credit_account
                                                                       : m->debit_account));
        table_take(t, decimal(posted_by(m, account)));
        table_take(t, decimal(b->credits_posted - b->debits_posted));
        table_take(t, decimal(b->debits_pending));
    }
    table_put(c, t, stdout);
}

static gov_status add_to_list(gov_value *list, const gov_ledger_balance *b, const gov_transfer *m,
                              int64_t account)
{
    gov_value *row = gov_value_new_map(NULL);
    gov_status status = gov_value_set_timestamp(row, "at", b->timestamp);
    if (b->transfer != 0)
        (void)gov_value_set_int(row, "transfer", b->transfer);
    if (m->id != 0)
        (void)gov_value_set_int(row, "with",
                                m->debit_account == account ? m->credit_account : m->debit_account);
    (void)gov_value_set_int(row, "change", posted_by(m, account));
    (void)gov_value_set_int(row, "balance", b->credits_posted - b->debits_posted);
    if (status == GOV_OK)
        status = gov_value_set_int(row, "reserved", b->debits_pending);
    if (status == GOV_OK)
        status = gov_value_append(list, row);
    gov_value_free(row);
    return status;
}

static int put_statement_json(session *s, const statement *page, int64_t account)
{
    gov_value *list = gov_value_new_list(NULL);
    gov_status status = list != NULL ? GOV_OK : GOV_E_NOMEM;
    for (size_t i = 0; i < page->count && status == GOV_OK; i++)
        status = add_to_list(list, &page->after[i], &page->moves[i], account);
    if (status == GOV_OK)
        json_line(list);
    gov_value_free(list);
    return status == GOV_OK ? EXIT_DONE : fail_with(s->c, status, NULL);
}

static int read_statement(session *s, const args *a, int64_t account, statement *page)
{
    gov_ledger_filter f;
    uint64_t limit = 50;
    gov_error *err = NULL;
    gov_ledger_filter_init(&f, sizeof f);
    f.account = account;
    f.flags = args_has(a, "reverse") ? GOV_LEDGER_REVERSED : 0;
    gov_account known = {0};
    int code = args_number(s->c, a, "limit", LIMIT_MOST, &limit);
    if (code == EXIT_DONE) {
        const gov_status status = gov_ledger_lookup_accounts(s->g, &account, 1, &known, &err);
        code = status != GOV_OK   ? fail_with(s->c, status, err)
               : known.id == 0 ? usage_error(s->c, T(s->c, "there is no account %lld", "没有账户 %lld"), (long long)account)
                               : EXIT_DONE;
    }
    if (code == EXIT_DONE && args_has(a, "from"))
        code = session_time(s, args_value(a, "from"), &f.timestamp_min);
    if (code == EXIT_DONE && args_has(a, "to"))
        code = session_time(s, args_value(a, "to"), &f.timestamp_max);
    if (code != EXIT_DONE || limit == 0)
        return code;
    gov_status status =
        gov_ledger_account_balances(s->g, &f, page->after, (size_t)limit, &page->count, &err);
    if (status == GOV_OK)
        status = find_moves(s, page, &err);
    return status == GOV_OK ? EXIT_DONE : fail_with(s->c, status, err);
}

int cmd_ledger_statement(cli *c, args *a)
{
    session s;
    int64_t account;
    if (!whole(a->words[1], &account))
        return bad_number(c, a->words[1]);
    statement *page = calloc(1, sizeof *page);
    if (page == NULL)
        return fail(c, EXIT_STORE, "%s", T(c, "out of memory", "内存不足"));
    int code = session_open(c, a, 0, &s);
    if (code == EXIT_DONE) {
        code = read_statement(&s, a, account, page);
        if (code == EXIT_DONE && c->json)
            code = put_statement_json(&s, page, account);
        else if (code == EXIT_DONE)
            put_statement(&s, page, account);
        session_close(&s);
    }
    free(page);
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
