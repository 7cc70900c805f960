/* Accounts and movements: every fen of this room moves through here. */
#include "fund/fund.h"

#include <string.h>

static uint32_t flags_of(uint32_t code)
{
    switch (code) {
    case FUND_CODE_POOL: /* never less than nothing, and two people for what it pays */
        return GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS | GOV_ACCOUNT_APPROVAL;
    case FUND_CODE_PART: /* nobody pays more than is owed */
        return GOV_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS;
    case FUND_CODE_RELIEF:
        return GOV_ACCOUNT_APPROVAL;
    case FUND_CODE_PURSE: /* nothing is spent beyond a grant */
        return GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS;
    default:
        return 0;
    }
}

gov_status fund_account(gov *g, uint32_t book, int64_t subject, uint32_t code, int64_t *id, const diag *d)
{
    const ledger_account wanted = {.ledger = book, .code = code, .subject = subject, .flags = flags_of(code)};
    return ledger_account_for(g, &wanted, id, d);
}

gov_status fund_existing(gov *g, uint32_t book, int64_t subject, uint32_t code, int64_t *id, const diag *d)
{
    ledger *l;
    *id = 0;
    const gov_status rc = ledger_of(g, &l, d);
    return rc == GOV_OK ? ledger_find_account(l, book, subject, code, id, d) : rc;
}

gov_status fund_balance(gov *g, int64_t account, ledger_account *out, const diag *d)
{
    ledger *l;
    *out = (ledger_account){0};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK && account != 0)
        rc = ledger_lookup_accounts(l, &account, 1, out, d);
    return rc;
}

gov_status fund_refused(int32_t code, const fund_move *m, const diag *d)
{
    switch (code) {
    case GOV_LEDGER_CREATED:
        return GOV_OK;
    case GOV_LEDGER_EXCEEDS_CREDITS:
        return base_fail(d, M_fund_not_enough, A_I("amount", m->amount));
    case GOV_LEDGER_EXCEEDS_DEBITS:
        return base_fail(d, M_share_over, A_I("amount", m->amount));
    case GOV_LEDGER_EXCEEDS_REVERSED_TRANSFER_AMOUNT:
    case GOV_LEDGER_TRANSFER_ALREADY_REVERSED:
        return base_fail(d, M_fund_corrected, A_I("id", m->reversal_of), A_I("amount", m->amount));
    case GOV_LEDGER_APPROVAL_NEEDS_ANOTHER_ACTOR:
        return base_fail(d, M_fund_same_person);
    case GOV_LEDGER_OVERFLOWS_DEBITS:
    case GOV_LEDGER_OVERFLOWS_CREDITS:
    case GOV_LEDGER_OVERFLOWS_DEBITS_PENDING:
    case GOV_LEDGER_OVERFLOWS_CREDITS_PENDING:
    case GOV_LEDGER_OVERFLOWS_DEBITS_POSTED:
    case GOV_LEDGER_OVERFLOWS_CREDITS_POSTED:
        return base_fail(d, M_overflow, A_S("what", "the account's balance with this amount"));
    default:
        return base_fail(d, M_ledger_refused, A_S("result", gov_ledger_result_name(code)));
    }
}

gov_status fund_second_person(gov *g, int64_t asked_by, const char *name, const diag *d)
{
    if (access_actor_id(g) == asked_by && asked_by != ACCESS_ID_RULES)
        return base_fail(d, M_fund_same_person);
    const bool people = g->actor.kind != ACCESS_RULES && asked_by != ACCESS_ID_RULES;
    return people ? GOV_OK : base_fail(d, M_transfer_nobody, A_S("ledger", name));
}

gov_status fund_post(gov *g, fund_move *m, int32_t *code, const diag *d)
{
    ledger_result result = {0};
    gov_status rc = m->id == 0 ? access_new_id(g, &m->id, d) : GOV_OK;
    if (rc != GOV_OK)
        return rc;
    const ledger_transfer t = {.id = m->id, .debit_account = m->from, .credit_account = m->to, .amount = m->amount,
                               .pending_id = m->pending_id, .reversal_of = m->reversal_of, .subject = m->subject, .ledger = m->book, .code = m->code,
                               .flags = m->flags};
    const value_pair data[] = {{value_text("what"), value_text(m->note)},
                               {value_text("transfer"), value_int(m->id)},
                               {value_text("amount"), value_int(m->amount)},
                               {value_text("of"), value_int(m->subject)}};
    const ledger_note note = {"account", m->to != 0 ? m->to : m->from, value_map(data, ARRAY_LEN(data))};
    rc = ledger_post(g, &t, 1, &note, &result, d);
    m->at_us = result.timestamp;
    if (rc != GOV_OK)
        return rc;
    if (code == NULL)
        return fund_refused(result.code, m, d);
    *code = result.code;
    return GOV_OK;
}

gov_status fund_journal(gov *g, const char *kind, int64_t subject, const value_pair *data, size_t n, const diag *d)
{
    const journal_entry e = {.kind = kind, .subject_kind = "", .subject = subject, .data = value_map(data, n)};
    return access_record(g, &e, NULL, d);
}

gov_status fund_positive(value v, const char *what, int64_t *out, const diag *d)
{
    *out = v.kind == VALUE_INT ? v.as.i : 0;
    return *out > 0 ? GOV_OK : base_fail(d, M_fund_amount, A_S("what", what));
}

gov_status fund_bad_input(const char *what, const diag *d)
{
    static const struct {
        const char *what, *form;
    } forms[] = {{"from", "2026-01-31"}, {"to", "2026-01-31, >= from"}, {"first", "2026-01-31"}, {"budget", "[{item: NAME, amount: FEN}, ...]"},
                 {"units", "[KEY, {unit: NAME, premises: KEY, floor: 3, area: \"89.5\"}, ...]"}, {"at", "2026-01-31"}, {"plan", "once, instalments, lease"}, {"kind", "government, residents, social, other"}};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (strcmp(forms[i].what, what) == 0)
            return base_fail(d, M_fund_input, A_S("what", what), A_S("form", forms[i].form));
    return base_fail(d, M_fund_input, A_S("what", what), A_S("form", what[0] == 'h' ? "household: KEY" : "\"...\""));
}
