/* A transfer whose id is there: the same one again, or in what it differs. */
#include "ledger/book.h"

#define RESOLVING (GOV_TRANSFER_POST_PENDING | GOV_TRANSFER_VOID_PENDING)

static int32_t transfer_exists_same(const ledger_transfer *t, const ledger_transfer *e)
{
    if (t->effective_at != e->effective_at)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_EFFECTIVE_AT;
    if (t->expires_at != e->expires_at && !(t->flags & RESOLVING))
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_EXPIRES_AT;
    return GOV_LEDGER_EXISTS;
}

/* A post or void leaves out what it takes from the pending transfer p. */
static int32_t resolution_exists(const ledger_transfer *t, const ledger_transfer *e,
                                 const ledger_transfer *p)
{
    if (t->debit_account != 0 && t->debit_account != e->debit_account)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID;
    if (t->credit_account != 0 && t->credit_account != e->credit_account)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID;
    const int64_t all = t->flags & GOV_TRANSFER_VOID_PENDING ? 0 : INT64_MAX;
    if (e->amount != (t->amount == all ? p->amount : t->amount))
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT;
    if (e->subject != (t->subject == 0 ? p->subject : t->subject))
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_SUBJECT;
    if (e->reference != (t->reference == 0 ? p->reference : t->reference))
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_REFERENCE;
    if (e->reason != (t->reason == 0 ? p->reason : t->reason))
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_REASON;
    if (t->ledger != 0 && t->ledger != e->ledger)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_LEDGER;
    if (t->code != 0 && t->code != e->code)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_CODE;
    return transfer_exists_same(t, e);
}

static int32_t plain_exists(const ledger_transfer *t, const ledger_transfer *e)
{
    if (t->debit_account != e->debit_account)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID;
    if (t->credit_account != e->credit_account)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID;
    /* What a balancing transfer moved may be less than what was asked for, then and now. */
    const bool balancing =
        (t->flags & (GOV_TRANSFER_BALANCING_DEBIT | GOV_TRANSFER_BALANCING_CREDIT)) != 0;
    if (balancing ? t->amount < e->amount : t->amount != e->amount)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT;
    if (t->subject != e->subject)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_SUBJECT;
    if (t->reference != e->reference)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_REFERENCE;
    if (t->reason != e->reason)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_REASON;
    if (t->ledger != e->ledger)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_LEDGER;
    if (t->code != e->code)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_CODE;
    return transfer_exists_same(t, e);
}

/* A reversal leaves out what it takes from the transfer o that it takes back. */
static int32_t reversal_exists(const ledger_transfer *t, const ledger_transfer *e,
                               const ledger_transfer *o)
{
    ledger_transfer full = *t;
    full.debit_account = t->debit_account != 0 ? t->debit_account : e->debit_account;
    full.credit_account = t->credit_account != 0 ? t->credit_account : e->credit_account;
    full.amount = t->amount == INT64_MAX ? e->amount : t->amount;
    full.subject = t->subject != 0 ? t->subject : o->subject;
    full.reference = t->reference != 0 ? t->reference : o->reference;
    full.reason = t->reason != 0 ? t->reason : o->reason;
    full.ledger = t->ledger != 0 ? t->ledger : e->ledger;
    full.code = t->code != 0 ? t->code : o->code;
    return plain_exists(&full, e);
}

int32_t ledger_transfer_again(const ledger_book *b, const ledger_transfer *t,
                              const ledger_transfer *e)
{
    if (t->flags != e->flags)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS;
    if (t->pending_id != e->pending_id)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_PENDING_ID;
    if (t->timeout != e->timeout)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_TIMEOUT;
    if (t->flags & RESOLVING)
        return resolution_exists(t, e, &ledger_row_of(b, t->pending_id)->t);
    if (t->reversal_of != e->reversal_of)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_REVERSAL_OF;
    return t->reversal_of != 0 ? reversal_exists(t, e, &ledger_row_of(b, t->reversal_of)->t)
                               : plain_exists(t, e);
}
