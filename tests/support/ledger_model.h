/* A second ledger: one plain list of accounts, transfers by number, everything looked at afresh. */
#ifndef GOV_TEST_LEDGER_MODEL_H
#define GOV_TEST_LEDGER_MODEL_H

#include "support/ledger_calls.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct model_change {
    int64_t at, transfer, account[2], balance[2][4]; /* of both sides, after it */
    uint32_t subject;
} model_change;

typedef struct model_lot {
    int64_t account, expires, left;
} model_lot;
typedef struct model_use {
    int64_t transfer, lot, amount, back; /* amount < 0: the transfer made the lot */
} model_use;
typedef struct model_count {
    int64_t cap, account, window, amount;
} model_count;
typedef struct model_old {
    int64_t *at, was;
} model_old;

typedef struct model {
    model_lot lot[MODEL_LOTS];
    model_use use[MODEL_USES];
    model_count count[MODEL_COUNTS];
    int lots, uses, counts, waited;
    ledger_cap cap[MODEL_CAPS]; /* book 0: not set */
    int64_t cap_since[MODEL_CAPS];
    model_old old[1 << 16];
    int olds;
    bool in_chain;
    int64_t reversed[MODEL_TRANSFERS], actor[MODEL_TRANSFERS];
    int first_use[MODEL_TRANSFERS]; /* + 1; a hint: no use of the transfer comes before it */
    uint32_t warnings;
    ledger_account a[MODEL_ACCOUNTS];
    int accounts;
    ledger_transfer t[MODEL_TRANSFERS]; /* by id; timestamp 0: none */
    uint8_t status[MODEL_TRANSFERS];    /* of pending ones: 1 to 4; 9: a failed id */
    int64_t due[MODEL_TRANSFERS];
    int open[MODEL_TRANSFERS]; /* pending ones with a timeout */
    int opens;
    model_change *log;
    int changes;
    int64_t account_at[MODEL_LEDGERS], transfer_at[MODEL_LEDGERS];
} model;

static inline ledger_account *model_account(model *m, int64_t id)
{
    for (int i = 0; i < m->accounts; i++)
        if (m->a[i].id == id)
            return &m->a[i];
    return NULL;
}

static inline void model_log(model *m, int64_t at, const ledger_transfer *t, int64_t id)
{
    model_change *c = &m->log[m->changes++];
    const int64_t ids[2] = {t->debit_account, t->credit_account};
    *c = (model_change){.at = at, .transfer = id, .subject = (uint32_t)t->subject};
    for (int side = 0; side < 2; side++) {
        const ledger_account *a = model_account(m, ids[side]);
        c->account[side] = ids[side];
        c->balance[side][0] = a->debits_pending;
        c->balance[side][1] = a->debits_posted;
        c->balance[side][2] = a->credits_pending;
        c->balance[side][3] = a->credits_posted;
    }
}

static inline bool model_time_used_by_account(const model *m, int64_t at)
{
    for (int i = 0; i < m->accounts; i++)
        if (m->a[i].timestamp == at)
            return true;
    return false;
}

static inline bool model_time_used_by_transfer(const model *m, int64_t at)
{
    for (int i = 0; i < m->changes; i++)
        if (m->log[i].at == at && m->log[i].transfer != 0)
            return true;
    return false;
}

/* ---- the model's lots and caps ---- */

static inline void model_set(model *m, int64_t *at, int64_t to)
{
    if (m->in_chain)
        m->old[m->olds++] = (model_old){at, *at};
    *at = to;
}

static inline void model_use_lot(model *m, int64_t transfer, int lot, int64_t amount)
{
    if (m->first_use[transfer] == 0 || m->first_use[transfer] > m->uses + 1)
        m->first_use[transfer] = m->uses + 1;
    m->use[m->uses++] = (model_use){transfer, lot, amount, 0};
}

static inline int64_t model_free(const model *m, int64_t account, int64_t at)
{
    int64_t sum = 0;
    for (int i = 0; i < m->lots; i++)
        if (m->lot[i].account == account && m->lot[i].expires > at)
            sum += m->lot[i].left;
    return sum;
}

static inline int64_t model_take_lot(model *m, int64_t transfer, int lot, int64_t amount)
{
    const int64_t here = m->lot[lot].left < amount ? m->lot[lot].left : amount;
    if (here > 0) {
        model_set(m, &m->lot[lot].left, m->lot[lot].left - here);
        model_use_lot(m, transfer, lot, here);
    }
    return amount - here;
}

/* What is in the lots that `own` brought to the account, and has not expired. */
static inline int64_t model_own(const model *m, int64_t account, int64_t own, int64_t at)
{
    int64_t sum = 0;
    for (int i = m->first_use[own] - 1; i >= 0 && i < m->uses; i++)
        if (m->use[i].transfer == own && m->use[i].amount < 0 &&
            m->lot[m->use[i].lot].account == account && m->lot[m->use[i].lot].expires > at)
            sum += m->lot[m->use[i].lot].left;
    return sum;
}

/* What takes `own` back takes what that brought, and nothing else; the rest what expires first. */
static inline void model_take(model *m, int64_t account, int64_t transfer, int64_t amount, int64_t at,
                       int64_t own)
{
    const int uses = m->uses;
    for (int i = own ? m->first_use[own] - 1 : uses; i >= 0 && i < uses; i++)
        if (m->use[i].transfer == own && m->use[i].amount < 0 &&
            m->lot[m->use[i].lot].account == account && m->lot[m->use[i].lot].expires > at)
            amount = model_take_lot(m, transfer, (int)m->use[i].lot, amount);
    assert_true(own == 0 || amount == 0);
    while (amount > 0) {
        int first = -1;
        for (int i = 0; i < m->lots; i++)
            if (m->lot[i].account == account && m->lot[i].left > 0 && m->lot[i].expires > at &&
                (first < 0 || m->lot[i].expires < m->lot[first].expires))
                first = i;
        assert_true(first >= 0);
        amount = model_take_lot(m, transfer, first, amount);
    }
}

static inline void model_make_lot(model *m, int64_t account, int64_t transfer, int64_t expires,
                           int64_t amount)
{
    m->lot[m->lots] = (model_lot){account, expires, amount};
    model_use_lot(m, transfer, m->lots++, -amount);
}

/* The lots that come with `transfer`: with the expiry of `from`, or of the lots that this took. */
static inline void model_bring(model *m, const ledger_account *to, int64_t transfer,
                        const ledger_transfer *from, int64_t amount)
{
    const int uses = m->uses;
    const int64_t never = INT64_MAX;
    if (!(to->flags & GOV_ACCOUNT_LOTS) || amount == 0)
        return;
    if (to->breakage == 0 || from->expires_at != 0) {
        model_make_lot(m, to->id, transfer, to->breakage == 0 ? never : from->expires_at, amount);
        return;
    }
    for (int i = m->first_use[from->id] - 1; i >= 0 && i < uses && amount > 0; i++) {
        const model_use *u = &m->use[i];
        const int64_t rest = u->amount - u->back, here = rest < amount ? rest : amount;
        if (u->transfer != from->id || u->amount <= 0 || here == 0)
            continue;
        model_make_lot(m, to->id, transfer, m->lot[u->lot].expires, here);
        amount -= here;
    }
    if (amount > 0)
        model_make_lot(m, to->id, transfer, never, amount);
}

static inline void model_return(model *m, int64_t transfer, int64_t amount)
{
    for (int i = m->uses - 1; i >= 0 && i >= m->first_use[transfer] - 1 && amount > 0; i--) {
        model_use *u = &m->use[i];
        const int64_t rest = u->amount - u->back, here = rest < amount ? rest : amount;
        if (u->transfer != transfer || u->amount <= 0 || here == 0)
            continue;
        model_set(m, &u->back, u->back + here);
        model_set(m, &m->lot[u->lot].left, m->lot[u->lot].left + here);
        amount -= here;
    }
}

/* Caps: at most so much a day received by account 5; a month paid by accounts of code 2 in ledger 2; ever for reason 3. */
static const ledger_cap model_caps[MODEL_CAPS] = {
    {.book = 1, .number = 1, .account = 5, .side = 1, .window = LEDGER_DAY, .amount = 3000},
    {.book = 2, .number = 1, .code = 2, .side = 0, .window = LEDGER_MONTH, .amount = 9000},
    {.book = 1, .number = 7, .reason = 3, .side = 1, .window = LEDGER_TOTAL, .amount = 500}};

/* With another amount a cap goes on counting, with another meaning it begins anew. */
static inline void model_put_cap(model *m, int i, ledger_cap c)
{
    ledger_cap *old = &m->cap[i];
    if (old->book != c.book || old->side != c.side || old->window != c.window || c.amount < 0) {
        for (int k = 0; k < m->counts; k++)
            if (m->count[k].cap == i)
                m->count[k].cap = -1;
        m->cap_since[i] = m->transfer_at[c.book];
    }
    *old = c;
    if (c.amount < 0)
        old->book = 0;
}

static inline model_count *model_counted(model *m, int cap, const ledger_transfer *t,
                                  const ledger_account *dr, const ledger_account *cr, int64_t at)
{
    const ledger_cap *c = &m->cap[cap];
    const ledger_account *a = c->side ? cr : dr;
    if (a->ledger != c->book || at <= m->cap_since[cap] || (c->account && a->id != c->account) ||
        (c->code && a->code != c->code) || (c->reason && t->reason != c->reason))
        return NULL;
    const time_t seconds = (time_t)((t->effective_at ? t->effective_at : at) / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    const int64_t window = c->window == LEDGER_DAY     ? tm.tm_year * 1000 + tm.tm_yday
                           : c->window == LEDGER_MONTH ? tm.tm_year * 100 + tm.tm_mon
                                                       : 0;
    for (int i = 0; i < m->counts; i++)
        if (m->count[i].cap == cap && m->count[i].account == a->id && m->count[i].window == window)
            return &m->count[i];
    m->count[m->counts] = (model_count){cap, a->id, window, 0};
    return &m->count[m->counts++];
}

static inline bool model_capped(model *m, const ledger_transfer *t, const ledger_account *dr,
                         const ledger_account *cr, int64_t amount, int64_t at)
{
    for (int i = 0; i < MODEL_CAPS; i++) {
        const model_count *c = model_counted(m, i, t, dr, cr, at);
        if (c != NULL && amount > 0 && amount > m->cap[i].amount - c->amount)
            return true;
    }
    return false;
}

static inline void model_count_in(model *m, const ledger_transfer *t, int64_t amount, int64_t at)
{
    const ledger_account *dr = model_account(m, t->debit_account),
                         *cr = model_account(m, t->credit_account);
    for (int i = 0; i < MODEL_CAPS && amount != 0; i++) {
        model_count *c = model_counted(m, i, t, dr, cr, at);
        if (c != NULL)
            model_set(m, &c->amount, c->amount + amount);
    }
}

static inline void model_warn(model *m, const ledger_account *dr, const ledger_account *cr)
{
    const int64_t low = dr->credits_posted - dr->debits_posted - dr->debits_pending,
                  high = cr->credits_posted + cr->credits_pending - cr->debits_posted;
    m->warnings |= (dr->flags & GOV_ACCOUNT_WARN_MIN && low < dr->warn_min ? 1U : 0U) |
                   (cr->flags & GOV_ACCOUNT_WARN_MAX && high > cr->warn_max ? 2U : 0U);
}

static inline int32_t model_create_account(model *m, const ledger_account *a, int64_t *at)
{
#define NO(when, code) \
    if (when)          \
    return GOV_LEDGER_##code
    NO((!(a->flags & GOV_ACCOUNT_MIN_BALANCE) && a->min_balance) ||
           (!(a->flags & GOV_ACCOUNT_MAX_BALANCE) && a->max_balance) ||
           (!(a->flags & GOV_ACCOUNT_WARN_MIN) && a->warn_min) ||
           (!(a->flags & GOV_ACCOUNT_WARN_MAX) && a->warn_max) ||
           (!(a->flags & GOV_ACCOUNT_LOTS) && a->breakage),
       RESERVED_FIELD);
    NO(a->flags & ~0x3f003fU, RESERVED_FLAG);
    NO(a->id < 0 || a->subject < 0 || a->reference < 0 || a->breakage < 0,
       FIELD_MUST_NOT_BE_NEGATIVE);
    NO(a->id == 0, ID_MUST_NOT_BE_ZERO);
    NO(a->id == INT64_MAX, ID_MUST_NOT_BE_INT_MAX);
    const ledger_account *e = model_account(m, a->id);
    if (e != NULL) {
        NO(a->flags != e->flags, EXISTS_WITH_DIFFERENT_FLAGS);
        NO(a->subject != e->subject, EXISTS_WITH_DIFFERENT_SUBJECT);
        NO(a->reference != e->reference, EXISTS_WITH_DIFFERENT_REFERENCE);
        NO(a->reason != e->reason, EXISTS_WITH_DIFFERENT_REASON);
        NO(a->ledger != e->ledger, EXISTS_WITH_DIFFERENT_LEDGER);
        NO(a->code != e->code, EXISTS_WITH_DIFFERENT_CODE);
        NO(a->min_balance != e->min_balance || a->max_balance != e->max_balance ||
               a->warn_min != e->warn_min || a->warn_max != e->warn_max ||
               a->breakage != e->breakage,
           EXISTS_WITH_DIFFERENT_LIMITS);
        *at = e->timestamp;
        return GOV_LEDGER_EXISTS;
    }
    NO((a->flags & 6) == 6, FLAGS_ARE_MUTUALLY_EXCLUSIVE);
    NO(a->debits_pending, DEBITS_PENDING_MUST_BE_ZERO);
    NO(a->debits_posted, DEBITS_POSTED_MUST_BE_ZERO);
    NO(a->credits_pending, CREDITS_PENDING_MUST_BE_ZERO);
    NO(a->credits_posted, CREDITS_POSTED_MUST_BE_ZERO);
    NO(a->ledger == 0, LEDGER_MUST_NOT_BE_ZERO);
    NO(a->code == 0, CODE_MUST_NOT_BE_ZERO);
    NO((a->flags & 0x30000) == 0x30000 && a->min_balance > a->max_balance, LIMITS_MUST_BE_ORDERED);
    NO(a->flags & GOV_ACCOUNT_LOTS && !(a->flags & 2), LOTS_NEED_A_LIMIT);
    const ledger_account *to = a->breakage ? model_account(m, a->breakage) : NULL;
    NO(a->breakage && (to == NULL || to->ledger != a->ledger ||
                       to->flags & (GOV_ACCOUNT_LOTS | GOV_ACCOUNT_MAX_BALANCE | 4)),
       BREAKAGE_ACCOUNT_NOT_VALID);
    if (a->flags & GOV_ACCOUNT_IMPORTED) {
        NO(a->timestamp <= m->account_at[a->ledger] || model_time_used_by_transfer(m, a->timestamp),
           IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS);
        *at = a->timestamp;
    }
    m->a[m->accounts] = *a;
    m->a[m->accounts++].timestamp = m->account_at[a->ledger] = *at;
    return GOV_LEDGER_CREATED;
}

static inline int32_t model_exists(const model *m, const ledger_transfer *t, const ledger_transfer *e,
                            int64_t *at)
{
    ledger_transfer full = *t;
    NO(t->flags != e->flags, EXISTS_WITH_DIFFERENT_FLAGS);
    NO(t->pending_id != e->pending_id, EXISTS_WITH_DIFFERENT_PENDING_ID);
    NO(t->timeout != e->timeout, EXISTS_WITH_DIFFERENT_TIMEOUT);
    if (t->flags & 0xc) {
        const ledger_transfer *p = &m->t[t->pending_id];
        if (!full.debit_account)
            full.debit_account = p->debit_account;
        if (!full.credit_account)
            full.credit_account = p->credit_account;
        if (full.amount == (t->flags & 8 ? 0 : INT64_MAX))
            full.amount = p->amount;
        if (!full.subject)
            full.subject = p->subject;
        if (!full.reference)
            full.reference = p->reference;
        if (!full.reason)
            full.reason = p->reason;
        if (!full.ledger)
            full.ledger = p->ledger;
        if (!full.code)
            full.code = p->code;
    } else if (t->flags & 0x30 && t->amount >= e->amount) {
        full.amount = e->amount;
    }
    if (!(t->flags & 0xc))
        NO(t->reversal_of != e->reversal_of, EXISTS_WITH_DIFFERENT_REVERSAL_OF);
    if (!(t->flags & 0xc) && t->reversal_of) {
        const ledger_transfer *o = &m->t[t->reversal_of];
        full.debit_account = t->debit_account ? t->debit_account : o->credit_account;
        full.credit_account = t->credit_account ? t->credit_account : o->debit_account;
        full.amount = t->amount == INT64_MAX ? e->amount : t->amount;
        full.subject = t->subject ? t->subject : o->subject;
        full.reference = t->reference ? t->reference : o->reference;
        full.reason = t->reason ? t->reason : o->reason;
        full.ledger = t->ledger ? t->ledger : o->ledger;
        full.code = t->code ? t->code : o->code;
    }
    NO(full.debit_account != e->debit_account, EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID);
    NO(full.credit_account != e->credit_account, EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID);
    NO(full.amount != e->amount, EXISTS_WITH_DIFFERENT_AMOUNT);
    NO(full.subject != e->subject, EXISTS_WITH_DIFFERENT_SUBJECT);
    NO(full.reference != e->reference, EXISTS_WITH_DIFFERENT_REFERENCE);
    NO(full.reason != e->reason, EXISTS_WITH_DIFFERENT_REASON);
    NO(full.ledger != e->ledger, EXISTS_WITH_DIFFERENT_LEDGER);
    NO(full.code != e->code, EXISTS_WITH_DIFFERENT_CODE);
    NO(full.effective_at != e->effective_at, EXISTS_WITH_DIFFERENT_EFFECTIVE_AT);
    NO(!(t->flags & 0xc) && t->expires_at != e->expires_at, EXISTS_WITH_DIFFERENT_EXPIRES_AT);
    *at = e->timestamp;
    return GOV_LEDGER_EXISTS;
}

/* Of what was reserved `unused` goes back. */
static inline void model_release(model *m, int64_t id, uint8_t status, int64_t unused)
{
    const ledger_transfer *p = &m->t[id];
    ledger_account *dr = model_account(m, p->debit_account),
                   *cr = model_account(m, p->credit_account);
    dr->debits_pending -= p->amount;
    cr->credits_pending -= p->amount;
    model_return(m, id, unused);
    if (p->reversal_of)
        model_set(m, &m->reversed[p->reversal_of], m->reversed[p->reversal_of] - unused);
    else
        model_count_in(m, p, -unused, p->timestamp);
    if (status != 2 && p->flags & 0x40)
        dr->flags &= ~GOV_ACCOUNT_CLOSED;
    if (status != 2 && p->flags & 0x80)
        cr->flags &= ~GOV_ACCOUNT_CLOSED;
    m->status[id] = status;
}

static inline void model_keep(model *m, const ledger_transfer *t, int64_t at)
{
    m->t[t->id] = *t;
    m->t[t->id].timestamp = m->transfer_at[t->ledger] = at;
    model_log(m, at, t, t->id);
}

static inline void model_wait(model *m, const ledger_transfer *t, int64_t at)
{
    m->actor[t->id] = acting;
    m->status[t->id] = 1;
    m->due[t->id] = t->timeout ? at + (int64_t)t->timeout * 1000000 : 0;
    if (t->timeout)
        m->open[m->opens++] = (int)t->id;
}

/* `o` is taken back for good: its lots and what it counted for caps return. */
static inline void model_give_back(model *m, const ledger_transfer *o, const ledger_account *to,
                                   int64_t amount)
{
    const int64_t spender = o->flags & 4 ? o->pending_id : o->id;
    if (to->flags & GOV_ACCOUNT_LOTS)
        model_return(m, spender, amount);
    model_count_in(m, &m->t[spender], -amount, m->t[spender].timestamp);
}

static inline int32_t model_resolve(model *m, const ledger_transfer *t, int64_t *at)
{
    const bool voids = (t->flags & 8) != 0;
    NO((t->flags & 0xc) == 0xc || t->flags & 0xf2, FLAGS_ARE_MUTUALLY_EXCLUSIVE);
    NO(t->pending_id == 0, PENDING_ID_MUST_NOT_BE_ZERO);
    NO(t->pending_id == INT64_MAX, PENDING_ID_MUST_NOT_BE_INT_MAX);
    NO(t->pending_id == t->id, PENDING_ID_MUST_BE_DIFFERENT);
    NO(t->timeout, TIMEOUT_RESERVED_FOR_PENDING_TRANSFER);
    NO(t->reversal_of, REVERSAL_OF_MUST_BE_ZERO);
    NO(t->expires_at, EXPIRES_AT_MUST_BE_ZERO);
    const ledger_transfer *p = t->pending_id < MODEL_TRANSFERS ? &m->t[t->pending_id] : NULL;
    NO(p == NULL || p->timestamp == 0, PENDING_TRANSFER_NOT_FOUND);
    NO(!(p->flags & 2), PENDING_TRANSFER_NOT_PENDING);
    NO(t->debit_account && t->debit_account != p->debit_account,
       PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID);
    NO(t->credit_account && t->credit_account != p->credit_account,
       PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID);
    NO(t->ledger && t->ledger != p->ledger, PENDING_TRANSFER_HAS_DIFFERENT_LEDGER);
    NO(t->code && t->code != p->code, PENDING_TRANSFER_HAS_DIFFERENT_CODE);
    const int64_t amount = voids                    ? (t->amount == 0 ? p->amount : t->amount)
                           : t->amount == INT64_MAX ? p->amount
                                                    : t->amount;
    NO(amount > p->amount, EXCEEDS_PENDING_TRANSFER_AMOUNT);
    NO(voids && amount < p->amount, PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT);
    NO(m->status[p->id] == 2, PENDING_TRANSFER_ALREADY_POSTED);
    NO(m->status[p->id] == 3, PENDING_TRANSFER_ALREADY_VOIDED);
    NO(m->status[p->id] == 4 || (m->due[p->id] && m->due[p->id] <= *at), PENDING_TRANSFER_EXPIRED);
    if (t->flags & GOV_TRANSFER_IMPORTED) {
        NO(t->timestamp <= m->transfer_at[p->ledger] || model_time_used_by_account(m, t->timestamp),
           IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS);
        *at = t->timestamp;
    }
    ledger_account *dr = model_account(m, p->debit_account),
                   *cr = model_account(m, p->credit_account);
    NO(dr->flags & GOV_ACCOUNT_CLOSED && !voids, DEBIT_ACCOUNT_ALREADY_CLOSED);
    NO(cr->flags & GOV_ACCOUNT_CLOSED && !voids, CREDIT_ACCOUNT_ALREADY_CLOSED);
    NO(dr->flags & GOV_ACCOUNT_APPROVAL && !voids && m->actor[p->id] == acting,
       APPROVAL_NEEDS_ANOTHER_ACTOR);
    ledger_transfer full = *t;
    full.debit_account = p->debit_account;
    full.credit_account = p->credit_account;
    full.amount = amount;
    full.subject = t->subject ? t->subject : p->subject;
    full.reference = t->reference ? t->reference : p->reference;
    full.reason = t->reason ? t->reason : p->reason;
    full.ledger = p->ledger;
    full.code = p->code;
    model_release(m, p->id, voids ? 3 : 2, voids ? p->amount : p->amount - amount);
    if (!voids) {
        dr->debits_posted += amount;
        cr->credits_posted += amount;
        if (p->reversal_of)
            model_give_back(m, &m->t[p->reversal_of], cr, amount);
        else
            model_bring(m, cr, t->id, p, amount);
        model_warn(m, dr, cr);
    }
    model_keep(m, &full, *at);
    return GOV_LEDGER_CREATED;
}

__extension__ typedef __int128 big;

/* Sums in 128 bits, so that nothing overflows that is compared. */
static inline int32_t model_limits(model *m, const ledger_transfer *t, big amount,
                            const ledger_account *dr, const ledger_account *cr, int64_t when)
{
    const big max = INT64_MAX;
    NO(t->flags & 2 && amount + dr->debits_pending > max, OVERFLOWS_DEBITS_PENDING);
    NO(t->flags & 2 && amount + cr->credits_pending > max, OVERFLOWS_CREDITS_PENDING);
    NO(amount + dr->debits_posted > max, OVERFLOWS_DEBITS_POSTED);
    NO(amount + cr->credits_posted > max, OVERFLOWS_CREDITS_POSTED);
    NO(amount + dr->debits_posted + dr->debits_pending > max, OVERFLOWS_DEBITS);
    NO(amount + cr->credits_posted + cr->credits_pending > max, OVERFLOWS_CREDITS);
    const big paid = amount + dr->debits_posted + dr->debits_pending,
              got = amount + cr->credits_posted + cr->credits_pending;
    NO(dr->flags & 2 && paid > dr->credits_posted, EXCEEDS_CREDITS);
    NO(cr->flags & 4 && got > cr->debits_posted, EXCEEDS_DEBITS);
    NO(dr->flags & GOV_ACCOUNT_MIN_BALANCE && dr->credits_posted - paid < dr->min_balance,
       EXCEEDS_MIN_BALANCE);
    NO(cr->flags & GOV_ACCOUNT_MAX_BALANCE && got - cr->debits_posted > cr->max_balance,
       EXCEEDS_MAX_BALANCE);
    NO(dr->flags & GOV_ACCOUNT_LOTS && amount > model_free(m, dr->id, when), EXCEEDS_CREDITS);
    NO(dr->flags & GOV_ACCOUNT_APPROVAL && !(t->flags & 2), APPROVAL_REQUIRED);
    NO(t->expires_at && !(cr->flags & GOV_ACCOUNT_LOTS), EXPIRES_AT_MUST_BE_ZERO);
    NO(!t->reversal_of && model_capped(m, t, dr, cr, (int64_t)amount, when), EXCEEDS_CAP);
    return GOV_LEDGER_CREATED;
}

static inline int32_t model_reverse(model *m, const ledger_transfer *t, int64_t at)
{
    const ledger_transfer *o = t->reversal_of < MODEL_TRANSFERS ? &m->t[t->reversal_of] : NULL;
    NO(t->flags & ~3U, FLAGS_ARE_MUTUALLY_EXCLUSIVE);
    NO(t->pending_id, PENDING_ID_MUST_BE_ZERO);
    NO(t->timeout && !(t->flags & 2), TIMEOUT_RESERVED_FOR_PENDING_TRANSFER);
    NO(t->expires_at, EXPIRES_AT_MUST_BE_ZERO);
    NO(o == NULL || o->timestamp == 0, REVERSED_TRANSFER_NOT_FOUND);
    NO(o->flags & 0xa || o->reversal_of || (o->flags & 4 && m->t[o->pending_id].reversal_of), REVERSED_TRANSFER_NOT_REVERSIBLE);
    NO((t->debit_account && t->debit_account != o->credit_account) ||
           (t->credit_account && t->credit_account != o->debit_account) ||
           (t->ledger && t->ledger != o->ledger),
       REVERSED_TRANSFER_HAS_DIFFERENT_ACCOUNTS);
    const int64_t left = o->amount - m->reversed[o->id];
    NO(left == 0 && o->amount, TRANSFER_ALREADY_REVERSED);
    NO(t->amount != INT64_MAX && t->amount > left, EXCEEDS_REVERSED_TRANSFER_AMOUNT);
    ledger_transfer full = *t;
    full.debit_account = o->credit_account;
    full.credit_account = o->debit_account;
    full.amount = t->amount == INT64_MAX ? left : t->amount;
    full.subject = t->subject ? t->subject : o->subject;
    full.reference = t->reference ? t->reference : o->reference;
    full.reason = t->reason ? t->reason : o->reason;
    full.ledger = o->ledger;
    full.code = t->code ? t->code : o->code;
    ledger_account *dr = model_account(m, full.debit_account),
                   *cr = model_account(m, full.credit_account);
    NO(dr->flags & GOV_ACCOUNT_CLOSED, DEBIT_ACCOUNT_ALREADY_CLOSED);
    NO(cr->flags & GOV_ACCOUNT_CLOSED, CREDIT_ACCOUNT_ALREADY_CLOSED);
    const int32_t code = model_limits(m, &full, full.amount, dr, cr, at);
    if (code != GOV_LEDGER_CREATED)
        return code;
    NO(dr->flags & GOV_ACCOUNT_LOTS && full.amount > model_own(m, dr->id, o->id, at),
       EXCEEDS_CREDITS);
    if (dr->flags & GOV_ACCOUNT_LOTS)
        model_take(m, dr->id, t->id, full.amount, at, o->id);
    if (t->flags & 2) {
        dr->debits_pending += full.amount;
        cr->credits_pending += full.amount;
        model_wait(m, t, at);
    } else {
        dr->debits_posted += full.amount;
        cr->credits_posted += full.amount;
        model_give_back(m, o, cr, full.amount);
    }
    model_set(m, &m->reversed[o->id], m->reversed[o->id] + full.amount);
    model_warn(m, dr, cr);
    model_keep(m, &full, at);
    return GOV_LEDGER_CREATED;
}

static inline int32_t model_create_transfer(model *m, const ledger_transfer *t, int64_t *at)
{
    NO(t->flags & ~0x1ffU, RESERVED_FLAG);
    NO(t->reserved, RESERVED_FIELD);
    NO(t->id < 0 || t->debit_account < 0 || t->credit_account < 0 || t->amount < 0 ||
           t->pending_id < 0 || t->subject < 0 || t->reference < 0 || t->reversal_of < 0 ||
           t->expires_at < 0,
       FIELD_MUST_NOT_BE_NEGATIVE);
    NO((double)t->effective_at < -62135596800e6 || t->effective_at / 1000000 > INT64_C(253402300799),
       EFFECTIVE_AT_OUT_OF_RANGE);
    NO(t->id == 0, ID_MUST_NOT_BE_ZERO);
    NO(t->id == INT64_MAX, ID_MUST_NOT_BE_INT_MAX);
    if (m->t[t->id].timestamp != 0)
        return model_exists(m, t, &m->t[t->id], at);
    NO(m->status[t->id] == 9, ID_ALREADY_FAILED);
    if (t->flags & 0xc)
        return model_resolve(m, t, at);
    if (t->reversal_of)
        return model_reverse(m, t, *at);
    NO(t->debit_account == 0, DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO);
    NO(t->debit_account == INT64_MAX, DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX);
    NO(t->credit_account == 0, CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO);
    NO(t->credit_account == INT64_MAX, CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX);
    NO(t->debit_account == t->credit_account, ACCOUNTS_MUST_BE_DIFFERENT);
    NO(t->pending_id, PENDING_ID_MUST_BE_ZERO);
    NO(!(t->flags & 2) && t->timeout, TIMEOUT_RESERVED_FOR_PENDING_TRANSFER);
    NO(!(t->flags & 2) && t->flags & 0xc0, CLOSING_TRANSFER_MUST_BE_PENDING);
    NO(t->ledger == 0, LEDGER_MUST_NOT_BE_ZERO);
    NO(t->code == 0, CODE_MUST_NOT_BE_ZERO);
    ledger_account *dr = model_account(m, t->debit_account),
                   *cr = model_account(m, t->credit_account);
    NO(dr == NULL, DEBIT_ACCOUNT_NOT_FOUND);
    NO(cr == NULL, CREDIT_ACCOUNT_NOT_FOUND);
    NO(dr->ledger != cr->ledger, ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER);
    NO(t->ledger != dr->ledger, TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS);
    int64_t when = *at;
    if (t->flags & GOV_TRANSFER_IMPORTED) {
        when = t->timestamp;
        NO(when <= m->transfer_at[t->ledger] || model_time_used_by_account(m, when),
           IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS);
        NO(when <= dr->timestamp, IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT);
        NO(when <= cr->timestamp, IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT);
        NO(t->timeout, IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO);
    }
    NO(dr->flags & GOV_ACCOUNT_CLOSED, DEBIT_ACCOUNT_ALREADY_CLOSED);
    NO(cr->flags & GOV_ACCOUNT_CLOSED, CREDIT_ACCOUNT_ALREADY_CLOSED);
    big amount = t->amount;
    if (t->flags & 0x10) {
        const big room = (big)dr->credits_posted - dr->debits_posted - dr->debits_pending;
        amount = room < 0 ? 0 : room < amount ? room : amount;
    }
    if (t->flags & 0x20) {
        const big room = (big)cr->debits_posted - cr->credits_posted - cr->credits_pending;
        amount = room < 0 ? 0 : room < amount ? room : amount;
    }
    if (t->flags & 0x10 && dr->flags & GOV_ACCOUNT_LOTS && amount > model_free(m, dr->id, when))
        amount = model_free(m, dr->id, when);
    const int32_t limited = model_limits(m, t, amount, dr, cr, when);
    if (limited != GOV_LEDGER_CREATED)
        return limited;
    ledger_transfer full = *t;
    full.amount = (int64_t)amount;
    *at = when;
    if (dr->flags & GOV_ACCOUNT_LOTS)
        model_take(m, dr->id, t->id, full.amount, when, 0);
    if (t->flags & 2) {
        dr->debits_pending += full.amount;
        cr->credits_pending += full.amount;
        model_wait(m, t, when);
    } else {
        dr->debits_posted += full.amount;
        cr->credits_posted += full.amount;
        model_bring(m, cr, t->id, &full, full.amount);
    }
    model_count_in(m, &full, full.amount, when);
    model_warn(m, dr, cr);
    if (t->flags & 0x40)
        dr->flags |= GOV_ACCOUNT_CLOSED;
    if (t->flags & 0x80)
        cr->flags |= GOV_ACCOUNT_CLOSED;
    model_keep(m, &full, when);
    return GOV_LEDGER_CREATED;
#undef NO
}

static inline bool model_transient(int32_t c)
{
    return c == GOV_LEDGER_DEBIT_ACCOUNT_NOT_FOUND || c == GOV_LEDGER_CREDIT_ACCOUNT_NOT_FOUND ||
           c == GOV_LEDGER_PENDING_TRANSFER_NOT_FOUND || c == GOV_LEDGER_EXCEEDS_CREDITS ||
           c == GOV_LEDGER_EXCEEDS_DEBITS || c == GOV_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED ||
           c == GOV_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED || c == GOV_LEDGER_EXCEEDS_MIN_BALANCE ||
           c == GOV_LEDGER_EXCEEDS_MAX_BALANCE || c == GOV_LEDGER_EXCEEDS_CAP ||
           c == GOV_LEDGER_APPROVAL_NEEDS_ANOTHER_ACTOR ||
           c == GOV_LEDGER_REVERSED_TRANSFER_NOT_FOUND ||
           c == GOV_LEDGER_TRANSFER_ALREADY_REVERSED ||
           c == GOV_LEDGER_EXCEEDS_REVERSED_TRANSFER_AMOUNT;
}

/* Pending transfers of these ledgers that are due expire, the earliest first. */
static inline int model_expire(model *m, const bool *ledgers, int64_t now, int64_t at)
{
    int n = 0;
    for (;;) {
        int first = -1;
        for (int i = 0; i < m->opens; i++) {
            const int id = m->open[i];
            if (m->status[id] != 1) {
                m->open[i--] = m->open[--m->opens];
                continue;
            }
            if (ledgers[m->t[id].ledger] && m->due[id] <= now &&
                (first < 0 || m->due[id] < m->due[first] ||
                 (m->due[id] == m->due[first] && m->t[id].timestamp < m->t[first].timestamp)))
                first = id;
        }
        if (first < 0)
            return n;
        model_release(m, first, 4, m->t[first].amount);
        m->transfer_at[m->t[first].ledger] = at + n;
        model_log(m, at + n++, &m->t[first], 0);
    }
}

/* Lots of these ledgers that are due go to breakage, the earliest first, unless there is no room for them. */
static inline int model_break(model *m, const bool *ledgers, int64_t now, int64_t at)
{
    int64_t last = -1;
    int last_lot = -1;
    for (int n = 0;;) {
        int first = -1;
        for (int i = 0; i < m->lots; i++)
            if (m->lot[i].left > 0 && m->lot[i].expires <= now &&
                (m->lot[i].expires > last || (m->lot[i].expires == last && i > last_lot)) &&
                ledgers[model_account(m, m->lot[i].account)->ledger] &&
                (first < 0 || m->lot[i].expires < m->lot[first].expires))
                first = i;
        if (first < 0)
            return n;
        ledger_account *from = model_account(m, m->lot[first].account),
                       *to = model_account(m, from->breakage);
        const ledger_transfer t = {.debit_account = from->id, .credit_account = to->id};
        last = m->lot[first].expires;
        last_lot = first;
        if (m->lot[first].left > INT64_MAX - to->credits_posted - to->credits_pending) {
            m->waited++;
            continue;
        }
        from->debits_posted += m->lot[first].left;
        to->credits_posted += m->lot[first].left;
        m->lot[first].left = 0;
        m->transfer_at[from->ledger] = at + n;
        model_log(m, at + n++, &t, -1);
    }
}

/* What a chain may have to put back. */
typedef struct model_mark {
    ledger_account a[MODEL_ACCOUNTS];
    int accounts, opens, changes, lots, uses;
    int64_t account_at[MODEL_LEDGERS], transfer_at[MODEL_LEDGERS];
} model_mark;

static inline void model_save(model *m, model_mark *k)
{
    m->in_chain = true;
    m->olds = 0;
    memcpy(k->a, m->a, sizeof k->a);
    k->accounts = m->accounts;
    k->opens = m->opens;
    k->lots = m->lots;
    k->uses = m->uses;
    k->changes = m->changes;
    memcpy(k->account_at, m->account_at, sizeof k->account_at);
    memcpy(k->transfer_at, m->transfer_at, sizeof k->transfer_at);
}

static inline void model_back(model *m, const model_mark *k)
{
    while (m->changes > k->changes) {
        const int64_t id = m->log[--m->changes].transfer;
        if (m->t[id].flags & 0xc)
            m->status[m->t[id].pending_id] = 1;
        m->t[id].timestamp = 0;
        m->status[id] = 0;
    }
    while (m->olds > 0) {
        m->olds--;
        *m->old[m->olds].at = m->old[m->olds].was;
    }
    m->in_chain = false;
    m->lots = k->lots;
    m->uses = k->uses;
    memcpy(m->a, k->a, sizeof k->a);
    m->accounts = k->accounts;
    m->opens = k->opens;
    memcpy(m->account_at, k->account_at, sizeof k->account_at);
    memcpy(m->transfer_at, k->transfer_at, sizeof k->transfer_at);
}

static inline void model_batch(model *m, const ledger_account *a, const ledger_transfer *t, int n,
                        int64_t first, ledger_result *r)
{
    static model_mark mark;
    int chain = -1;
    bool broken = false;
    const uint32_t imported = a != NULL ? GOV_ACCOUNT_IMPORTED : GOV_TRANSFER_IMPORTED;
    for (int i = 0; i < n; i++) {
        const uint32_t flags = a != NULL ? a[i].flags : t[i].flags,
                       flags0 = a != NULL ? a[0].flags : t[0].flags;
        const int64_t given = a != NULL ? a[i].timestamp : t[i].timestamp;
        int64_t at = first + i;
        int32_t code;
        m->warnings = 0;
        if (flags & 1 && chain < 0) {
            chain = i;
            model_save(m, &mark);
        }
        if (flags & 1 && i == n - 1)
            code = GOV_LEDGER_LINKED_EVENT_CHAIN_OPEN;
        else if (broken)
            code = GOV_LEDGER_LINKED_EVENT_FAILED;
        else if ((flags & imported) != (flags0 & imported))
            code = flags & imported ? GOV_LEDGER_IMPORTED_EVENT_NOT_EXPECTED
                                    : GOV_LEDGER_IMPORTED_EVENT_EXPECTED;
        else if (!(flags & imported) && given != 0)
            code = GOV_LEDGER_TIMESTAMP_MUST_BE_ZERO;
        else if (flags & imported && given < 1)
            code = GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE;
        else if (flags & imported && given >= first + n - 1)
            code = GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE;
        else
            code = a != NULL ? model_create_account(m, &a[i], &at)
                             : model_create_transfer(m, &t[i], &at);
        r[i] = (ledger_result){.timestamp = code == 0 || code == GOV_LEDGER_EXISTS ? at : first + i,
                               .code = code,
                               .warnings = code == 0 ? m->warnings : 0};
        if (code != 0 && chain >= 0 && !broken) {
            broken = true;
            model_back(m, &mark);
            for (int j = chain; j < i; j++)
                r[j].code = GOV_LEDGER_LINKED_EVENT_FAILED, r[j].warnings = 0;
        }
        if (code != 0 && t != NULL && model_transient(code))
            m->status[t[i].id] = 9;
        if (chain >= 0 && (!(flags & 1) || code == GOV_LEDGER_LINKED_EVENT_CHAIN_OPEN)) {
            chain = -1;
            broken = false;
            m->in_chain = false;
        }
    }
}

#endif
