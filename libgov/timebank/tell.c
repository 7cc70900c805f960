/* What members and the bank have, and how it came about. */
#include "timebank/timebank.h"

#include <string.h>

static gov_status put_level(timebank_teller *t, int64_t served, value_builder *b)
{
    const timebank_level *next, *at = timebank_level_of(t->bank, served, &next);
    const rulebook *rb = t->g->rules;
    const char *lang = rb->languages.count > 0 ? rb->languages.items[0] : "";
    value_builder_set(b, "level", at != NULL ? value_text(at->name) : value_null());
    value_builder_set(b, "level_title", at != NULL ? value_text(rulebook_text_in(&at->title, lang, at->name)) : value_null());
    value_builder_set(b, "next", next != NULL ? value_text(next->name) : value_null());
    value_builder_set(b, "to_next", next != NULL ? value_int(next->minutes - served) : value_null());
    return b->failed ? base_nomem(t->d) : GOV_OK;
}

static const char *standing_name(int32_t standing)
{
    return standing == TIMEBANK_DEAD ? "dead" : standing == TIMEBANK_LEFT ? "left" : "active";
}

TIMEBANK_RUN(timebank_run_balance)
{
    timebank_teller t;
    ledger_account a;
    timebank_member m;
    value_builder b;
    gov_status rc = timebank_open(g, in[0], false, &t, d);
    if (rc == GOV_OK)
        rc = timebank_figures(&t, in[1].as.i, TIMEBANK_MEMBER, &a);
    if (rc == GOV_OK)
        rc = timebank_load_member(&t, in[1].as.i, &m);
    if (rc != GOV_OK)
        return rc;
    const int64_t minutes = timebank_balance_of(&a);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "minutes", value_int(minutes));
    value_builder_set(&b, "available", value_int(minutes - a.debits_pending + t.bank->negative));
    value_builder_set(&b, "reserved", value_int(a.debits_pending));
    value_builder_set(&b, "expected", value_int(a.credits_pending));
    if (t.bank->coin > 0)
        value_builder_set(&b, "coins", value_int(minutes / t.bank->coin));
    value_builder_set(&b, "served", value_int(m.served));
    value_builder_set(&b, "donated", value_int(m.donated));
    value_builder_set(&b, "received", value_int(m.received));
    value_builder_set(&b, "services", value_int(m.services));
    value_builder_set(&b, "no_shows", value_int(m.no_shows));
    value_builder_set(&b, "ratings", value_int(m.ratings));
    value_builder_set(&b, "stars", value_int(m.stars));
    value_builder_set(&b, "standing", value_text(standing_name(m.standing)));
    rc = put_level(&t, m.served, &b);
    *out = value_builder_map(&b);
    return rc;
}

TIMEBANK_RUN(timebank_run_level)
{
    timebank_teller t;
    timebank_member m;
    value_builder b;
    gov_status rc = timebank_open(g, in[0], false, &t, d);
    if (rc == GOV_OK)
        rc = timebank_load_member(&t, in[1].as.i, &m);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "served", value_int(m.served));
    rc = put_level(&t, m.served, &b);
    *out = value_builder_map(&b);
    return rc;
}

/* ---- a statement ---- */

static const char *kind_name(uint32_t code)
{
    static const char *const names[] = {"other",  "service",     "help",     "group",   "gift",    "excess",    "leaving",
                                        "inheritance", "reversal", "backing", "sending", "receiving", "settlement", "rules", "write_off"};
    return code < ARRAY_LEN(names) ? names[code] : names[0];
}

static const char *step_name(const ledger_transfer *x)
{
    if (x->flags & GOV_TRANSFER_PENDING)
        return "reserved";
    return x->flags & (GOV_TRANSFER_VOID_PENDING | LEDGER_EXPIRED) ? "released" : "posted";
}

/* x->id 0: a reservation expired. */
static void show(timebank_teller *t, int64_t account, const ledger_transfer *x, const ledger_balance *after, value_builder *list)
{
    value_builder b;
    const bool posted = strcmp(step_name(x), "posted") == 0;
    const int64_t signed_amount = x->debit_account == account ? -x->amount : x->amount;
    value_builder_init(&b, &t->g->scratch);
    value_builder_set(&b, "at", value_from_us(after->timestamp));
    value_builder_set(&b, "kind", value_text(kind_name(x->code)));
    value_builder_set(&b, "step", value_text(step_name(x)));
    value_builder_set(&b, "minutes", value_int(posted ? signed_amount : 0));
    value_builder_set(&b, "amount", value_int(signed_amount));
    value_builder_set(&b, "balance", value_int(after->credits_posted - after->debits_posted));
    value_builder_set(&b, "about", x->subject != 0 ? value_int(x->subject) : value_null());
    value_builder_set(&b, "transfer", x->id != 0 ? value_int(x->id) : value_null());
    list->failed = list->failed || b.failed;
    value_builder_add(list, value_builder_map(&b));
}

TIMEBANK_RUN(timebank_run_statement)
{
    timebank_teller t;
    int64_t account = 0, before = 0;
    size_t count = 0, same = 0;
    const size_t limit = in[3].kind == VALUE_INT && in[3].as.i > 0 && in[3].as.i < 1000 ? (size_t)in[3].as.i : 50;
    value_builder list, b;
    ledger_transfer *rows = base_arena_array(&g->scratch, limit, sizeof *rows);
    ledger_balance *after = base_arena_array(&g->scratch, limit, sizeof *after);
    if (rows == NULL || after == NULL)
        return base_nomem(d);
    (void)timebank_us(in[2], &before);
    gov_status rc = timebank_open(g, in[0], false, &t, d);
    if (rc == GOV_OK)
        rc = timebank_find_account(&t, in[1].as.i, TIMEBANK_MEMBER, &account);
    const ledger_filter f = {.size = sizeof f,
                             .account = account,
                             .timestamp_max = before > 0 ? before - 1 : 0,
                             .flags = GOV_LEDGER_REVERSED};
    if (rc == GOV_OK && account != 0)
        rc = ledger_account_transfers(t.l, &f, rows, limit, &count, d);
    if (rc == GOV_OK && account != 0)
        rc = ledger_account_balances(t.l, &f, after, limit, &same, d);
    value_builder_init(&list, &g->scratch);
    static const ledger_transfer expired = {.flags = LEDGER_EXPIRED};
    for (size_t i = 0, j = 0; j < same && rc == GOV_OK; j++) {
        if (after[j].transfer == 0) { /* expiries have balances, and no transfer of their own */
            show(&t, account, &expired, &after[j], &list);
            continue;
        }
        while (i < count && rows[i].id != after[j].transfer)
            i++;
        if (i < count)
            show(&t, account, &rows[i], &after[j], &list);
    }
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "rows", value_builder_list(&list));
    *out = value_builder_map(&b);
    return rc == GOV_OK && (b.failed || list.failed) ? base_nomem(d) : rc;
}

/* ---- the whole bank ---- */

TIMEBANK_RUN(timebank_run_totals)
{
    timebank_teller t;
    ledger_account pool, issuer, fund;
    ledger_sums sums = {0};
    size_t count = 0;
    value_builder b;
    gov_status rc = access_check_whole(g, TIMEBANK_READ, d);
    if (rc == GOV_OK)
        rc = timebank_open(g, in[0], false, &t, d);
    if (rc == GOV_OK)
        rc = timebank_figures(&t, t.bank->book, TIMEBANK_POOL, &pool);
    if (rc == GOV_OK)
        rc = timebank_figures(&t, t.bank->book, TIMEBANK_ISSUER, &issuer);
    if (rc == GOV_OK)
        rc = timebank_figures(&t, t.bank->book, TIMEBANK_FUND, &fund);
    if (rc == GOV_OK)
        rc = ledger_sum(t.l, (int64_t)t.bank->book - 1, &sums, 1, &count, d);
    if (rc != GOV_OK)
        return rc;
    const bool has = count > 0 && sums.book == t.bank->book;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "bank", value_text(t.bank->name));
    value_builder_set(&b, "accounts", value_int(has ? sums.accounts : 0));
    value_builder_set(&b, "pool", value_int(timebank_balance_of(&pool)));
    value_builder_set(&b, "issued", value_int(-timebank_balance_of(&issuer)));
    value_builder_set(&b, "backed", value_int(-timebank_balance_of(&fund)));
    value_builder_set(&b, "reserved", value_int(has ? sums.debits_pending : 0));
    value_builder_set(&b, "sum", value_int(has ? sums.credits_posted - sums.debits_posted : 0));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}
