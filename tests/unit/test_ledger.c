/* Room ledger: the engine beside a plain model, statements, failures, and two writers. */
#include "support/faulty.h"
#include "support/support.h"

#include "ledger/stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REAL_MS   INT64_C(1772409900000) /* 2026-03-02 */
#define NOW       (REAL_MS * 1000)
#define COMMUNITY 77

static gov_error *err;
static const diag D = {&base_malloc, &err};
static const store_migration *const schema[] = {&ledger_schema};

/* On PostgreSQL nothing here is about power cuts: commits need not wait for the disk. */
static void commit_lazily(store *s)
{
    static const store_sql sql = {"SET synchronous_commit TO off", 0};
    if (store_kind_of(s) != STORE_POSTGRES)
        return;
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_post(s, &sql, STORE_NO_ARGS, STORE_ANY_ROWS, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
}

static store *open_on(const char *url, uint32_t flags, const gov_allocator *a)
{
    store *s = NULL;
    const store_config config = {.url = url,
                                 .flags = STORE_CREATE | STORE_FAST | flags,
                                 .busy_ms = 10000,
                                 .migrations = schema,
                                 .migration_count = 1};
    assert_gov_ok(store_open(a, &config, &s, &D), err);
    return s;
}

/* ---- calls in transactions of their own ---- */

typedef struct commits {
    ledger_commitment last;
    int64_t entry; /* given to the next */
    int made;
} commits;

static gov_status commit_made(void *user, const ledger_commitment *c, int64_t *entry, const diag *d)
{
    commits *k = user;
    (void)d;
    k->last = *c;
    k->made++;
    *entry = k->entry;
    return GOV_OK;
}

static commits kept;
static const ledger_entry note_entry = {commit_made, &kept};

static int64_t acting = 1;

static void accounts(store *s, ledger *l, const ledger_account *a, size_t n, int64_t now,
                     ledger_result *r)
{
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_create_accounts(l, a, n, (ledger_time){now, REAL_MS}, &note_entry, r, &D),
                  err);
    assert_gov_ok(store_commit(s, &D), err);
}

static void transfers(store *s, ledger *l, const ledger_transfer *t, size_t n, int64_t now,
                      ledger_result *r)
{
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_transfer_batch(l, t, n, (ledger_time){now, REAL_MS, acting}, &note_entry, r,
                                        &D),
                  err);
    assert_gov_ok(store_commit(s, &D), err);
}

static bool reached[300];

static int32_t transfer(store *s, ledger *l, ledger_transfer t, int64_t now)
{
    ledger_result r;
    transfers(s, l, &t, 1, now, &r);
    reached[r.code] = true;
    return r.code;
}

static ledger_account look(ledger *l, int64_t id)
{
    ledger_account a;
    assert_gov_ok(ledger_lookup_accounts(l, &id, 1, &a, &D), err);
    return a;
}

#define assert_code(code, call)                                                        \
    do {                                                                               \
        const int32_t got_ = (call);                                                   \
        if (got_ != GOV_LEDGER_##code)                                                 \
            fail_msg("expected %s, got %s", gov_ledger_result_name(GOV_LEDGER_##code), \
                     gov_ledger_result_name(got_));                                    \
    } while (0)

#define TRANSFER(...) ((ledger_transfer){.ledger = 1, .code = 1, __VA_ARGS__})

static void two_accounts(store *s, ledger *l, uint32_t flags)
{
    const ledger_account a[] = {{.id = 1, .ledger = 1, .code = 1},
                                {.id = 2, .ledger = 1, .code = 1, .flags = flags}};
    ledger_result r[2];
    accounts(s, l, a, 2, NOW, r);
    assert_code(CREATED, r[0].code);
    assert_code(CREATED, r[1].code);
}

/* ---- the model: one plain list of accounts, transfers by number, everything looked at afresh ---- */

enum { MODEL_ACCOUNTS = 48, MODEL_TRANSFERS = 1 << 17, MODEL_LOG = 1 << 18, MODEL_LEDGERS = 4 };

typedef struct model_change {
    int64_t at, transfer, account[2], balance[2][4]; /* of both sides, after it */
    uint32_t subject;
} model_change;

enum { MODEL_LOTS = 1 << 17, MODEL_USES = 1 << 18, MODEL_COUNTS = 1 << 12, MODEL_CAPS = 3 };

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
    int lots, uses, counts;
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

static ledger_account *model_account(model *m, int64_t id)
{
    for (int i = 0; i < m->accounts; i++)
        if (m->a[i].id == id)
            return &m->a[i];
    return NULL;
}

static void model_log(model *m, int64_t at, const ledger_transfer *t, int64_t id)
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

static bool model_time_used_by_account(const model *m, int64_t at)
{
    for (int i = 0; i < m->accounts; i++)
        if (m->a[i].timestamp == at)
            return true;
    return false;
}

static bool model_time_used_by_transfer(const model *m, int64_t at)
{
    for (int i = 0; i < m->changes; i++)
        if (m->log[i].at == at && m->log[i].transfer != 0)
            return true;
    return false;
}

/* ---- the model's lots and caps ---- */

static void model_set(model *m, int64_t *at, int64_t to)
{
    if (m->in_chain)
        m->old[m->olds++] = (model_old){at, *at};
    *at = to;
}

static void model_use_lot(model *m, int64_t transfer, int lot, int64_t amount)
{
    if (m->first_use[transfer] == 0 || m->first_use[transfer] > m->uses + 1)
        m->first_use[transfer] = m->uses + 1;
    m->use[m->uses++] = (model_use){transfer, lot, amount, 0};
}

static int64_t model_free(const model *m, int64_t account, int64_t at)
{
    int64_t sum = 0;
    for (int i = 0; i < m->lots; i++)
        if (m->lot[i].account == account && m->lot[i].expires > at)
            sum += m->lot[i].left;
    return sum;
}

static int64_t model_take_lot(model *m, int64_t transfer, int lot, int64_t amount)
{
    const int64_t here = m->lot[lot].left < amount ? m->lot[lot].left : amount;
    if (here > 0) {
        model_set(m, &m->lot[lot].left, m->lot[lot].left - here);
        model_use_lot(m, transfer, lot, here);
    }
    return amount - here;
}

/* What is in the lots that `own` brought to the account, and has not expired. */
static int64_t model_own(const model *m, int64_t account, int64_t own, int64_t at)
{
    int64_t sum = 0;
    for (int i = m->first_use[own] - 1; i >= 0 && i < m->uses; i++)
        if (m->use[i].transfer == own && m->use[i].amount < 0 &&
            m->lot[m->use[i].lot].account == account && m->lot[m->use[i].lot].expires > at)
            sum += m->lot[m->use[i].lot].left;
    return sum;
}

/* What takes `own` back takes what that brought, and nothing else; the rest what expires first. */
static void model_take(model *m, int64_t account, int64_t transfer, int64_t amount, int64_t at,
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

static void model_make_lot(model *m, int64_t account, int64_t transfer, int64_t expires,
                           int64_t amount)
{
    m->lot[m->lots] = (model_lot){account, expires, amount};
    model_use_lot(m, transfer, m->lots++, -amount);
}

/* The lots that come with `transfer`: with the expiry of `from`, or of the lots that this took. */
static void model_bring(model *m, const ledger_account *to, int64_t transfer,
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

static void model_return(model *m, int64_t transfer, int64_t amount)
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

static model_count *model_counted(model *m, int cap, const ledger_transfer *t,
                                  const ledger_account *dr, const ledger_account *cr, int64_t at)
{
    const ledger_cap *c = &model_caps[cap];
    const ledger_account *a = c->side ? cr : dr;
    if (a->ledger != c->book || (c->account && a->id != c->account) ||
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

static bool model_capped(model *m, const ledger_transfer *t, const ledger_account *dr,
                         const ledger_account *cr, int64_t amount, int64_t at)
{
    for (int i = 0; i < MODEL_CAPS; i++) {
        const model_count *c = model_counted(m, i, t, dr, cr, at);
        if (c != NULL && amount > 0 && amount > model_caps[i].amount - c->amount)
            return true;
    }
    return false;
}

static void model_count_in(model *m, const ledger_transfer *t, int64_t amount, int64_t at)
{
    const ledger_account *dr = model_account(m, t->debit_account),
                         *cr = model_account(m, t->credit_account);
    for (int i = 0; i < MODEL_CAPS && amount != 0; i++) {
        model_count *c = model_counted(m, i, t, dr, cr, at);
        if (c != NULL)
            model_set(m, &c->amount, c->amount + amount);
    }
}

static void model_warn(model *m, const ledger_account *dr, const ledger_account *cr)
{
    const int64_t low = dr->credits_posted - dr->debits_posted - dr->debits_pending,
                  high = cr->credits_posted + cr->credits_pending - cr->debits_posted;
    m->warnings |= (dr->flags & GOV_ACCOUNT_WARN_MIN && low < dr->warn_min ? 1U : 0U) |
                   (cr->flags & GOV_ACCOUNT_WARN_MAX && high > cr->warn_max ? 2U : 0U);
}

static int32_t model_create_account(model *m, const ledger_account *a, int64_t *at)
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

static int32_t model_exists(const model *m, const ledger_transfer *t, const ledger_transfer *e,
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
static void model_release(model *m, int64_t id, uint8_t status, int64_t unused)
{
    const ledger_transfer *p = &m->t[id];
    ledger_account *dr = model_account(m, p->debit_account),
                   *cr = model_account(m, p->credit_account);
    dr->debits_pending -= p->amount;
    cr->credits_pending -= p->amount;
    model_return(m, id, unused);
    model_count_in(m, p, -unused, p->timestamp);
    if (status != 2 && p->flags & 0x40)
        dr->flags &= ~GOV_ACCOUNT_CLOSED;
    if (status != 2 && p->flags & 0x80)
        cr->flags &= ~GOV_ACCOUNT_CLOSED;
    m->status[id] = status;
}

static void model_keep(model *m, const ledger_transfer *t, int64_t at)
{
    m->t[t->id] = *t;
    m->t[t->id].timestamp = m->transfer_at[t->ledger] = at;
    model_log(m, at, t, t->id);
}

static int32_t model_resolve(model *m, const ledger_transfer *t, int64_t *at)
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
        model_bring(m, cr, t->id, p, amount);
        model_warn(m, dr, cr);
    }
    model_keep(m, &full, *at);
    return GOV_LEDGER_CREATED;
}

__extension__ typedef __int128 big;

/* Sums in 128 bits, so that nothing overflows that is compared. */
static int32_t model_limits(model *m, const ledger_transfer *t, big amount,
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

static int32_t model_reverse(model *m, const ledger_transfer *t, int64_t at)
{
    const ledger_transfer *o = t->reversal_of < MODEL_TRANSFERS ? &m->t[t->reversal_of] : NULL;
    NO(t->flags & ~1U, FLAGS_ARE_MUTUALLY_EXCLUSIVE);
    NO(t->pending_id, PENDING_ID_MUST_BE_ZERO);
    NO(t->timeout, TIMEOUT_RESERVED_FOR_PENDING_TRANSFER);
    NO(t->expires_at, EXPIRES_AT_MUST_BE_ZERO);
    NO(o == NULL || o->timestamp == 0, REVERSED_TRANSFER_NOT_FOUND);
    NO(o->flags & 0xa || o->reversal_of, REVERSED_TRANSFER_NOT_REVERSIBLE);
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
    const int64_t spender = o->flags & 4 ? o->pending_id : o->id;
    if (dr->flags & GOV_ACCOUNT_LOTS)
        model_take(m, dr->id, t->id, full.amount, at, o->id);
    dr->debits_posted += full.amount;
    cr->credits_posted += full.amount;
    if (cr->flags & GOV_ACCOUNT_LOTS)
        model_return(m, spender, full.amount);
    model_count_in(m, &m->t[spender], -full.amount, m->t[spender].timestamp);
    model_set(m, &m->reversed[o->id], m->reversed[o->id] + full.amount);
    model_warn(m, dr, cr);
    model_keep(m, &full, at);
    return GOV_LEDGER_CREATED;
}

static int32_t model_create_transfer(model *m, const ledger_transfer *t, int64_t *at)
{
    NO(t->flags & ~0x1ffU, RESERVED_FLAG);
    NO(t->reserved, RESERVED_FIELD);
    NO(t->id < 0 || t->debit_account < 0 || t->credit_account < 0 || t->amount < 0 ||
           t->pending_id < 0 || t->subject < 0 || t->reference < 0 || t->reversal_of < 0 ||
           t->expires_at < 0,
       FIELD_MUST_NOT_BE_NEGATIVE);
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
    m->actor[t->id] = acting;
    if (t->flags & 2) {
        dr->debits_pending += full.amount;
        cr->credits_pending += full.amount;
        m->status[t->id] = 1;
        m->due[t->id] = t->timeout ? when + (int64_t)t->timeout * 1000000 : 0;
        if (t->timeout)
            m->open[m->opens++] = (int)t->id;
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

static bool model_transient(int32_t c)
{
    return c == GOV_LEDGER_DEBIT_ACCOUNT_NOT_FOUND || c == GOV_LEDGER_CREDIT_ACCOUNT_NOT_FOUND ||
           c == GOV_LEDGER_PENDING_TRANSFER_NOT_FOUND || c == GOV_LEDGER_EXCEEDS_CREDITS ||
           c == GOV_LEDGER_EXCEEDS_DEBITS || c == GOV_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED ||
           c == GOV_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED || c == GOV_LEDGER_EXCEEDS_MIN_BALANCE ||
           c == GOV_LEDGER_EXCEEDS_MAX_BALANCE || c == GOV_LEDGER_EXCEEDS_CAP ||
           c == GOV_LEDGER_APPROVAL_NEEDS_ANOTHER_ACTOR ||
           c == GOV_LEDGER_REVERSED_TRANSFER_NOT_FOUND;
}

/* Pending transfers of these ledgers that are due expire, the earliest first. */
static int model_expire(model *m, const bool *ledgers, int64_t now, int64_t at)
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

/* Lots of these ledgers that are due go to breakage, the earliest first. */
static int model_break(model *m, const bool *ledgers, int64_t now, int64_t at)
{
    for (int n = 0;; n++) {
        int first = -1;
        for (int i = 0; i < m->lots; i++)
            if (m->lot[i].left > 0 && m->lot[i].expires <= now &&
                ledgers[model_account(m, m->lot[i].account)->ledger] &&
                (first < 0 || m->lot[i].expires < m->lot[first].expires))
                first = i;
        if (first < 0)
            return n;
        ledger_account *from = model_account(m, m->lot[first].account),
                       *to = model_account(m, from->breakage);
        const ledger_transfer t = {.debit_account = from->id, .credit_account = to->id};
        from->debits_posted += m->lot[first].left;
        to->credits_posted += m->lot[first].left;
        m->lot[first].left = 0;
        m->transfer_at[from->ledger] = at + n;
        model_log(m, at + n, &t, -1);
    }
}

/* What a chain may have to put back. */
typedef struct model_mark {
    ledger_account a[MODEL_ACCOUNTS];
    int accounts, opens, changes, lots, uses;
    int64_t account_at[MODEL_LEDGERS], transfer_at[MODEL_LEDGERS];
} model_mark;

static void model_save(model *m, model_mark *k)
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

static void model_back(model *m, const model_mark *k)
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

static void model_batch(model *m, const ledger_account *a, const ledger_transfer *t, int n,
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

/* ---- random operations ---- */

static uint64_t seed;
static int64_t clock_now;
static uint32_t rnd(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return below == 0 ? 0 : (uint32_t)(seed >> 33) % below;
}
static bool one_in(uint32_t n)
{
    return rnd(n) == 0;
}

/* Transfers have numbers in the model and ids in the store: some from the store's generator, some from elsewhere. */
static int64_t id_of[MODEL_TRANSFERS];
static int numbers;

static int64_t to_id(int64_t number)
{
    if (number <= 0 || number >= MODEL_TRANSFERS)
        return number;
    return number < numbers ? id_of[number] : INT64_C(1) << 50 | number;
}

static void give_ids(store *s, int count)
{
    assert_gov_ok(store_begin(s, &D), err);
    for (int i = 0; i < count && numbers < MODEL_TRANSFERS; i++, numbers++) {
        assert_gov_ok(store_new_id(s, REAL_MS, &id_of[numbers], &D), err);
        if (one_in(4)) /* from elsewhere: some small and some large ones, none twice */
            id_of[numbers] =
                one_in(2) ? numbers : INT64_C(1) << 61 | (int64_t)rnd(1 << 20) << 20 | numbers;
    }
    assert_gov_ok(store_commit(s, &D), err);
}

static int64_t some_amount(void)
{
    if (one_in(60))
        return INT64_MAX - (int64_t)rnd(3);
    if (one_in(20))
        return INT64_MAX / 4 + rnd(1000);
    return rnd(500);
}

static ledger_account some_account(int known)
{
    ledger_account a = {.id = 1 + rnd(MODEL_ACCOUNTS - 8),
                        .ledger = 1 + rnd(3),
                        .code = 1 + rnd(2)};
    if (known > 0 && one_in(3))
        a.id = 1 + rnd((uint32_t)known);
    if (one_in(3))
        a.flags = one_in(2) ? 2 : 4;
    if (one_in(6))
        a.flags |= GOV_ACCOUNT_MIN_BALANCE, a.min_balance = -(int64_t)rnd(2000);
    if (one_in(6))
        a.flags |= GOV_ACCOUNT_MAX_BALANCE, a.max_balance = rnd(3000);
    if (one_in(8))
        a.flags |= GOV_ACCOUNT_WARN_MIN, a.warn_min = (int64_t)rnd(400) - 200;
    if (one_in(8))
        a.flags |= GOV_ACCOUNT_WARN_MAX, a.warn_max = rnd(900);
    if (one_in(12))
        a.flags |= GOV_ACCOUNT_APPROVAL;
    if (one_in(4)) {
        a.flags |= GOV_ACCOUNT_LOTS | (one_in(12) ? 0 : 2);
        a.flags &= one_in(20) ? ~0U : ~4U;
        a.breakage = one_in(5) ? 0 : 1 + rnd(MODEL_ACCOUNTS - 8);
    }
    a.subject = one_in(4);
    switch (rnd(46)) {
    case 16: a.breakage = -1; break;
    case 17: a.breakage = 1; break;
    case 18: a.warn_min = 1; break;
    case 0: a.id = 0; break;
    case 1: a.id = INT64_MAX; break;
    case 2: a.id = -5; break;
    case 3: a.flags |= 6; break;
    case 4: a.flags |= 0x40; break;
    case 5: a.ledger = 0; break;
    case 6: a.code = 0; break;
    case 7: a.debits_pending = 1; break;
    case 8: a.debits_posted = 1; break;
    case 9: a.credits_pending = 1; break;
    case 10: a.credits_posted = 1; break;
    case 11: a.max_balance = 4; break;
    case 12: a.timestamp = 3; break;
    case 13:
        a.flags |= GOV_ACCOUNT_MIN_BALANCE | GOV_ACCOUNT_MAX_BALANCE;
        a.min_balance = 5;
        a.max_balance = 4;
        break;
    case 14: a.reference = 9; break;
    case 15: a.reason = 9; break;
    default: break;
    }
    return a;
}

static ledger_transfer some_transfer(const model *m)
{
    ledger_transfer t = {.id = (numbers > 1) ? numbers - 1 - (int64_t)rnd(40) : 1,
                         .ledger = 1 + rnd(2),
                         .code = 1,
                         .amount = some_amount(),
                         .subject = rnd(3),
                         .effective_at =
                             one_in(10) ? NOW - rnd(40) * INT64_C(86400000000) : 0};
    if (t.id < 1)
        t.id = 1;
    if (one_in(3) && t.id > 50)
        t.id = 1 + rnd((uint32_t)t.id - 1);
    const ledger_account *dr = &m->a[rnd((uint32_t)m->accounts)],
                         *cr = &m->a[rnd((uint32_t)m->accounts)];
    for (int i = 0; i < 20 && (cr->ledger != dr->ledger || cr == dr) && !one_in(30); i++)
        cr = &m->a[rnd((uint32_t)m->accounts)];
    t.debit_account = dr->id;
    t.credit_account = cr->id;
    if (!one_in(30))
        t.ledger = dr->ledger;
    const uint32_t kind = rnd(10);
    if (kind < 3) {
        t.flags |= 2;
        t.timeout = one_in(2) ? rnd(4) : 0;
        if (one_in(12))
            t.flags |= one_in(2) ? 0x40 : 0x80;
    } else if (kind < 6) {
        t.flags |= one_in(2) ? 4 : 8;
        t.pending_id = t.id > 2 ? t.id - 1 - (int64_t)rnd(t.id < 40 ? (uint32_t)t.id - 1 : 40) : 1;
        if (m->opens > 0 && one_in(4))
            t.pending_id = m->open[rnd((uint32_t)m->opens)];
        for (int i = 0; i < 30 && m->status[t.pending_id] != 1; i++)
            t.pending_id = t.id > 2 ? 1 + rnd((uint32_t)t.id) : 1;
        const ledger_transfer *p = &m->t[t.pending_id];
        t.amount = t.flags & 8     ? (one_in(8) ? rnd(5) : 0)
                   : one_in(2)     ? INT64_MAX
                   : p->amount > 0 ? p->amount / 2
                                   : 0;
        if (!one_in(6))
            t.ledger = t.code = 0, t.debit_account = t.credit_account = 0;
        else
            t.debit_account = p->debit_account, t.credit_account = p->credit_account,
            t.ledger = p->ledger;
    } else if (kind == 6) {
        t.flags |= one_in(2) ? 0x10 : 0x20;
    }
    if (!(t.flags & 0xc) && cr->flags & GOV_ACCOUNT_LOTS && one_in(2))
        t.expires_at = clock_now + rnd(8000000);
    if (one_in(12)) {
        t.reversal_of = 1 + rnd((uint32_t)t.id);
        for (int i = 0; i < 60 && (m->t[t.reversal_of].timestamp == 0 ||
                                   (m->t[t.reversal_of].flags & 0xa && !one_in(20)));
             i++)
            t.reversal_of = 1 + rnd((uint32_t)t.id);
        const ledger_transfer *o = &m->t[t.reversal_of];
        const bool named = one_in(3);
        t.flags = one_in(30) ? 2 : 0;
        t.amount = one_in(2) ? INT64_MAX : o->amount > 0 ? o->amount / 2 + one_in(5) : rnd(9);
        t.pending_id = t.expires_at = t.timeout = 0;
        t.debit_account = named ? o->credit_account : 0;
        t.credit_account = named ? o->debit_account : 0;
        t.ledger = named ? o->ledger : 0;
        t.code = one_in(3) ? 1 : 0;
    }
    if (one_in(25))
        t.reason = 3;
    switch (rnd(90)) {
    case 24: t.expires_at = NOW; break;
    case 25: t.expires_at = -1; break;
    case 26: t.reversal_of = INT64_C(1) << 40; break;
    case 0: t.id = 0; break;
    case 1: t.id = INT64_MAX; break;
    case 2: t.amount = -1; break;
    case 3: t.debit_account = 0; break;
    case 4: t.debit_account = INT64_MAX; break;
    case 5: t.credit_account = 0; break;
    case 6: t.credit_account = INT64_MAX; break;
    case 7: t.pending_id = one_in(2) ? INT64_MAX : t.id; break;
    case 8: t.pending_id = t.pending_id ? 0 : 7; break;
    case 9: t.timeout = 5; break;
    case 10: t.flags |= 0x40; break;
    case 11: t.flags |= 0x600; break;
    case 12: t.ledger = 0; break;
    case 13: t.code = t.code ? 0 : 2; break;
    case 14: t.debit_account = 4000; break;
    case 15: t.credit_account = 4000; break;
    case 16: t.reversal_of = 4; break;
    case 17: t.reserved = 1; break;
    case 18: t.flags ^= 6; break;
    case 19: t.timestamp = 8; break;
    case 20: t.reason = 3; break;
    case 21: t.reference = 3; break;
    case 22: t.ledger = 3; break;
    case 23: t.credit_account = t.debit_account; break;
    default: break;
    }
    return t;
}

/* The same transfer again, perhaps with one field changed. */
static ledger_transfer again(const model *m, int64_t number)
{
    ledger_transfer t = m->t[number];
    t.timestamp = 0;
    switch (rnd(20)) {
    case 0: t.flags ^= 2; break;
    case 1: t.pending_id ^= 1; break;
    case 2: t.timeout ^= 1; break;
    case 3: t.debit_account ^= 1; break;
    case 4: t.credit_account ^= 1; break;
    case 5: t.amount ^= 1; break;
    case 6: t.subject ^= 1; break;
    case 7: t.reference ^= 1; break;
    case 8: t.reason ^= 1; break;
    case 9: t.ledger ^= 2; break;
    case 10: t.code ^= 2; break;
    case 11: t.effective_at ^= 1; break;
    case 12: t.expires_at ^= 1; break;
    case 13: t.reversal_of ^= 1; break;
    default: break;
    }
    return t;
}

/* ---- comparing ---- */

static void compare_accounts(ledger *l, model *m)
{
    int64_t ids[MODEL_ACCOUNTS];
    ledger_account got[MODEL_ACCOUNTS];
    for (int i = 0; i < m->accounts; i++)
        ids[i] = m->a[i].id;
    assert_gov_ok(ledger_lookup_accounts(l, ids, (size_t)m->accounts, got, &D), err);
    for (int i = 0; i < m->accounts; i++)
        assert_memory_equal(&got[i], &m->a[i], sizeof got[i]);
}

static void compare_statement(ledger *l, const model *m, int64_t account)
{
    enum { CAP = 300 };
    static ledger_balance got[CAP], want[CAP];
    static ledger_transfer rows[CAP];
    ledger_filter f = {.account = account, .flags = rnd(8), .subject = one_in(3) ? 1 : 0};
    const size_t cap = 1 + rnd(CAP - 1);
    if (m->changes > 0 && one_in(2))
        f.timestamp_min = m->log[rnd((uint32_t)m->changes)].at;
    if (m->changes > 0 && one_in(2))
        f.timestamp_max = m->log[rnd((uint32_t)m->changes)].at;
    size_t n = 0, count, only = 0;
    const bool back = (f.flags & GOV_LEDGER_REVERSED) != 0;
    for (int k = 0; k < m->changes && n < cap; k++) {
        const model_change *c = &m->log[back ? m->changes - 1 - k : k];
        const int side = c->account[1] == account;
        if ((c->account[0] != account && !side) || (f.flags & 3 && !(f.flags & (1U << side))) ||
            c->at < f.timestamp_min || (f.timestamp_max && c->at > f.timestamp_max) ||
            (f.subject && c->subject != f.subject))
            continue;
        want[n++] = (ledger_balance){c->at,
                                     to_id(c->transfer),
                                     c->balance[side][0],
                                     c->balance[side][1],
                                     c->balance[side][2],
                                     c->balance[side][3]};
    }
    assert_gov_ok(ledger_account_balances(l, &f, got, cap, &count, &D), err);
    assert_int_equal(count, n);
    for (size_t i = 0; i < n; i++) {
        if (want[i].transfer == -1) /* breakage: its id is the engine's */
            want[i].transfer = got[i].transfer;
        assert_memory_equal(&got[i], &want[i], sizeof got[i]);
    }
    assert_gov_ok(ledger_account_transfers(l, &f, rows, cap, &count, &D), err);
    for (size_t i = 0; i < n; i++) {
        if (want[i].transfer == 0)
            continue;
        assert_true(only < count);
        assert_true(rows[only].id == want[i].transfer);
        assert_true(rows[only++].timestamp == want[i].timestamp);
    }
    if (n > 0 && !back && f.flags == 0 && f.subject == 0) {
        ledger_balance at;
        assert_gov_ok(ledger_balance_at(l, account, want[n - 1].timestamp, &at, &D), err);
        assert_memory_equal(&at, &want[n - 1], sizeof at);
    }
}

static void compare_results(const ledger_result *got, const ledger_result *want, int n, int round)
{
    for (int i = 0; i < n; i++) {
        if (got[i].code != want[i].code)
            fail_msg("round %d, event %d: %s, the model says %s", round, i,
                     gov_ledger_result_name(got[i].code), gov_ledger_result_name(want[i].code));
        if (got[i].timestamp != want[i].timestamp)
            fail_msg("round %d, event %d (%s): at %lld, the model says %lld", round, i,
                     gov_ledger_result_name(got[i].code), (long long)got[i].timestamp,
                     (long long)want[i].timestamp);
        assert_int_equal(got[i].warnings, want[i].warnings);
        reached[got[i].code] = true;
    }
}

/* The lots of an account, and what had taken effect at an instant. */
static void compare_lots(ledger *l, model *m, const ledger_account *a)
{
    ledger_lot lots[200];
    size_t count;
    int64_t sum = 0, last = 0;
    assert_gov_ok(ledger_lots_of(l, a->id, lots, 200, &count, &D), err);
    for (size_t i = 0; i < count; i++) {
        assert_true(lots[i].expires_us >= last);
        last = lots[i].expires_us;
        sum += lots[i].left;
    }
    if (a->flags & GOV_ACCOUNT_LOTS && count < 200)
        assert_true(sum == a->credits_posted - a->debits_posted - a->debits_pending);
    for (int i = 0; i < m->lots && count < 200; i++) {
        if (m->lot[i].account != a->id || m->lot[i].left == 0)
            continue;
        int64_t same = 0;
        for (size_t k = 0; k < count; k++)
            same += lots[k].expires_us == m->lot[i].expires ? lots[k].left : 0;
        for (int k = 0; k < m->lots; k++)
            same -= m->lot[k].account == a->id && m->lot[k].expires == m->lot[i].expires
                        ? m->lot[k].left
                        : 0;
        assert_true(same == 0);
    }
}

static void account_round(store *s, ledger *l, model *m, int64_t now, int round)
{
    ledger_account a[12];
    ledger_result got[12], want[12];
    const int n = 1 + (int)rnd(8);
    const bool imports = one_in(4);
    for (int i = 0; i < n; i++) {
        a[i] = some_account(m->accounts);
        const ledger_account *e = model_account(m, a[i].id);
        if (e != NULL && one_in(2)) {
            const uint32_t flags = a[i].flags;
            a[i] = (ledger_account){.id = e->id,
                                    .subject = e->subject,
                                    .reference = e->reference,
                                    .reason = e->reason,
                                    .ledger = e->ledger,
                                    .code = e->code,
                                    .flags = one_in(5) ? flags : e->flags};
            a[i].min_balance =
                a[i].flags & GOV_ACCOUNT_MIN_BALANCE ? e->min_balance + one_in(4) : 0;
            a[i].max_balance = a[i].flags & GOV_ACCOUNT_MAX_BALANCE ? e->max_balance : 0;
            a[i].warn_min = a[i].flags & GOV_ACCOUNT_WARN_MIN ? e->warn_min : 0;
            a[i].warn_max = a[i].flags & GOV_ACCOUNT_WARN_MAX ? e->warn_max : 0;
            a[i].breakage = a[i].flags & GOV_ACCOUNT_LOTS ? e->breakage : 0;
            if (one_in(6))
                a[i].ledger = 1 + rnd(3);
            if (one_in(6))
                a[i].code ^= 2;
        }
        if (imports && !one_in(12)) {
            a[i].flags |= GOV_ACCOUNT_IMPORTED;
            a[i].timestamp = one_in(20)   ? -1
                             : one_in(20) ? now + 5000
                                          : 1 + (int64_t)round * 50 + rnd(60);
            if (a[i].ledger != 0 && !one_in(5))
                a[i].ledger = 3;
        }
        if (one_in(8))
            a[i].flags |= 1;
    }
    bool ledgers[MODEL_LEDGERS] = {false};
    int64_t first = now;
    for (int i = 0; i < n; i++)
        ledgers[a[i].ledger] = true;
    for (int i = 1; i < MODEL_LEDGERS; i++)
        if (ledgers[i] && m->transfer_at[i] >= first)
            first = m->transfer_at[i] + 1;
    model_batch(m, a, NULL, n, first, want);
    accounts(s, l, a, (size_t)n, now, got);
    compare_results(got, want, n, round);
}

static void transfer_round(store *s, ledger *l, model *m, int64_t now, int round)
{
    enum { MOST = 60 };
    static ledger_transfer t[MOST], stored[MOST];
    static ledger_result got[MOST], want[MOST];
    const int n = one_in(3) ? 1 : 1 + (int)rnd(MOST);
    const bool imports = one_in(5);
    bool ledgers[MODEL_LEDGERS] = {false};
    give_ids(s, n);
    for (int i = 0; i < n; i++) {
        const int64_t old = 1 + (int64_t)rnd((uint32_t)numbers - 1);
        t[i] = one_in(6) && m->t[old].timestamp != 0 ? again(m, old) : some_transfer(m);
        if (imports && !one_in(20)) {
            t[i].flags |= GOV_TRANSFER_IMPORTED;
            t[i].timestamp = one_in(40)   ? 0
                             : one_in(40) ? now + 5000
                                          : 1 + (int64_t)round * 50 + rnd(10) + i;
            const ledger_account *dr = model_account(m, 1 + rnd(40)),
                                 *cr = model_account(m, 1 + rnd(40));
            if (one_in(2) && dr != NULL && cr != NULL && dr->ledger == 3 && cr->ledger == 3 &&
                !(t[i].flags & 0xc))
                t[i].debit_account = dr->id, t[i].credit_account = cr->id, t[i].ledger = 3;
            if (m->accounts > 0 && one_in(30))
                t[i].timestamp = m->a[rnd((uint32_t)m->accounts)].timestamp;
        } else if (t[i].ledger == 3 && !one_in(10)) {
            t[i].ledger = 1;
        }
        if (one_in(7))
            t[i].flags |= 1;
        stored[i] = t[i];
        stored[i].id = to_id(t[i].id);
        stored[i].pending_id = to_id(t[i].pending_id);
        stored[i].reversal_of = to_id(t[i].reversal_of);
        if (t[i].reversal_of > 0 && t[i].reversal_of < MODEL_TRANSFERS &&
            m->t[t[i].reversal_of].timestamp != 0)
            ledgers[m->t[t[i].reversal_of].ledger] = true;
        if (t[i].ledger < MODEL_LEDGERS)
            ledgers[t[i].ledger] = true;
        if (t[i].pending_id > 0 && t[i].pending_id < MODEL_TRANSFERS &&
            m->t[t[i].pending_id].timestamp != 0)
            ledgers[m->t[t[i].pending_id].ledger] = true;
    }
    int64_t first = now;
    for (int i = 0; i < MODEL_LEDGERS; i++) {
        const int64_t last =
            m->account_at[i] > m->transfer_at[i] ? m->account_at[i] : m->transfer_at[i];
        if (ledgers[i] && last >= first)
            first = last + 1;
    }
    first += model_expire(m, ledgers, now, first);
    first += model_break(m, ledgers, now, first);
    model_batch(m, NULL, t, n, first, want);
    kept.entry = round + 1;
    kept.made = 0;
    transfers(s, l, stored, (size_t)n, now, got);
    for (int i = 0; i < n; i++)
        if (got[i].code != want[i].code || got[i].warnings != want[i].warnings)
            print_message("transfer %lld of %lld: %lld -> %lld, amount %lld, flags %x, pending %lld, "
                          "takes back %lld\n",
                          (long long)t[i].id, (long long)stored[i].id, (long long)t[i].debit_account,
                          (long long)t[i].credit_account, (long long)t[i].amount, t[i].flags,
                          (long long)t[i].pending_id, (long long)t[i].reversal_of);
    compare_results(got, want, n, round);
    if (kept.made && one_in(20)) {
        uint8_t digest[BASE_DIGEST_SIZE];
        size_t rows;
        assert_gov_ok(ledger_digest(l, kept.entry % 2 ? kept.last.book : 0, kept.entry,
                                    kept.last.first_seq, kept.last.last_seq, &rows, digest, &D),
                      err);
        assert_int_equal(rows, kept.last.count);
        assert_memory_equal(digest, kept.last.digest, sizeof digest);
    }
}

static void compare_with_model(const char *url, int operations, int again_with)
{
    store *s = open_on(url, 0, &base_malloc), *other = open_on(url, 0, &base_malloc);
    ledger *l = NULL, *second = NULL;
    model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->log = calloc(MODEL_LOG, sizeof *m->log);
    assert_non_null(m->log);
    assert_gov_ok(ledger_open(s, COMMUNITY + again_with, &l, &D), err);
    assert_gov_ok(ledger_open(other, COMMUNITY + again_with, &second, &D), err);
    commit_lazily(s);
    commit_lazily(other);
    numbers = 1;
    seed = 20260302 + (uint64_t)again_with;
    assert_gov_ok(store_begin(s, &D), err);
    for (int i = 0; i < MODEL_CAPS; i++)
        assert_gov_ok(ledger_cap_put(l, &model_caps[i], &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    int64_t now = NOW;
    int done = 0;
    for (int round = 0; done < operations; round++) {
        /* Now and then the other connection writes, so that kept balances are stale; or a transaction is undone. */
        const bool swap = one_in(9);
        now += one_in(3) ? 700000 : 100;
        clock_now = now;
        acting = 1 + one_in(3);
        if (m->accounts < 12 || (m->accounts < MODEL_ACCOUNTS - 10 && one_in(8))) {
            account_round(swap ? other : s, swap ? second : l, m, now, round);
        } else {
            const int before = m->changes;
            transfer_round(swap ? other : s, swap ? second : l, m, now, round);
            done += 1 + (m->changes - before);
        }
        if (one_in(40))
            compare_accounts(one_in(2) ? l : second, m);
        if (one_in(20) && m->accounts > 0)
            compare_lots(l, m, &m->a[rnd((uint32_t)m->accounts)]);
        if (one_in(10) && m->accounts > 0)
            compare_statement(l, m, m->a[rnd((uint32_t)m->accounts)].id);
        if (one_in(25)) {
            const ledger_transfer t = {.id = INT64_C(1) << 62,
                                       .debit_account = m->a[0].id,
                                       .credit_account = m->a[1].id,
                                       .ledger = m->a[0].ledger,
                                       .code = 1,
                                       .amount = 1};
            ledger_result r;
            assert_gov_ok(store_begin(s, &D), err);
            assert_gov_ok(ledger_transfer_batch(l, &t, 1, (ledger_time){now, REAL_MS}, NULL, &r,
                                                &D),
                          err);
            store_rollback(s);
        }
        if (m->lots > MODEL_LOTS - 500 || m->uses > MODEL_USES - 2000)
            break;
        if (numbers > MODEL_TRANSFERS - 100 || m->changes > MODEL_LOG - 500)
            break;
    }
    compare_accounts(l, m);
    assert_true(again_with > 0 || (m->lots > 50 && m->uses > 2 * m->lots));
    for (int i = 0; i < m->accounts; i++) {
        compare_statement(l, m, m->a[i].id);
        compare_lots(l, m, &m->a[i]);
    }
    assert_gov_ok(ledger_verify(l, &D), err);
    ledger_sums sums[8];
    size_t count;
    assert_gov_ok(ledger_sum(l, -1, sums, 8, &count, &D), err);
    assert_true(count >= 2);
    ledger_close(l);
    ledger_close(second);
    store_close(s);
    store_close(other);
    free(m->log);
    free(m);
}

static void agrees_with_the_model(void **state)
{
    support_store *s = support_store_of(state);
    const bool sqlite = strcmp(s->kind, "sqlite") == 0;
    const int times = getenv("GOV_LONG") != NULL ? 10 : 1;
    for (int i = 0; i < times; i++)
        compare_with_model(s->url, 100000, i);
    for (int32_t code = 0; code < 300 && sqlite; code++)
        if (gov_ledger_result_name(code) != NULL && !reached[code])
            print_message("left to the tests below: %s\n", gov_ledger_result_name(code));
}

/* ---- what a user relies on, one thing each ---- */

static ledger *open_ledger(support_store *on, store **s)
{
    ledger *l = NULL;
    *s = open_on(on->url, 0, &base_malloc);
    assert_gov_ok(ledger_open(*s, COMMUNITY, &l, &D), err);
    return l;
}

static void done(store *s, ledger *l)
{
    assert_gov_ok(ledger_verify(l, &D), err);
    ledger_close(l);
    store_close(s);
}

static void holds_63_bits_and_no_more(void **state)
{
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    two_accounts(s, l, 0);
    assert_code(CREATED, transfer(s, l,
                                  TRANSFER(.id = 10, .debit_account = 1, .credit_account = 2,
                                           .amount = INT64_MAX),
                                  NOW));
    assert_code(OVERFLOWS_DEBITS_POSTED,
                transfer(s, l,
                         TRANSFER(.id = 11, .debit_account = 1, .credit_account = 2, .amount = 1),
                         NOW));
    assert_code(CREATED, transfer(s, l,
                                  TRANSFER(.id = 12, .debit_account = 2, .credit_account = 1,
                                           .amount = INT64_MAX),
                                  NOW));
    assert_true(look(l, 1).debits_posted == INT64_MAX);
    assert_true(look(l, 1).credits_posted == INT64_MAX);
    assert_code(OVERFLOWS_TIMEOUT,
                transfer(s, l,
                         TRANSFER(.id = 13, .debit_account = 1, .credit_account = 2,
                                  .flags = GOV_TRANSFER_PENDING, .timeout = UINT32_MAX),
                         INT64_MAX - 100000));
    done(s, l);
}

static void reserves_posts_and_voids(void **state)
{
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    two_accounts(s, l, GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS);
    const uint32_t pending = GOV_TRANSFER_PENDING, post = GOV_TRANSFER_POST_PENDING,
                   voids = GOV_TRANSFER_VOID_PENDING;
    assert_code(CREATED,
                transfer(s, l,
                         TRANSFER(.id = 10, .debit_account = 1, .credit_account = 2, .amount = 100),
                         NOW));
    assert_code(CREATED, transfer(s, l,
                                  TRANSFER(.id = 11, .debit_account = 2, .credit_account = 1,
                                           .amount = 70, .flags = pending, .timeout = 60),
                                  NOW));
    assert_code(EXCEEDS_CREDITS,
                transfer(s, l,
                         TRANSFER(.id = 12, .debit_account = 2, .credit_account = 1, .amount = 31),
                         NOW));
    /* Given up once, it stays given up, even when there is enough. */
    assert_code(CREATED,
                transfer(s, l,
                         TRANSFER(.id = 13, .debit_account = 1, .credit_account = 2, .amount = 100),
                         NOW));
    assert_code(ID_ALREADY_FAILED,
                transfer(s, l,
                         TRANSFER(.id = 12, .debit_account = 2, .credit_account = 1, .amount = 31),
                         NOW));
    assert_code(CREATED,
                transfer(s, l,
                         (ledger_transfer){.id = 14, .pending_id = 11, .amount = 50, .flags = post},
                         NOW));
    assert_code(EXISTS,
                transfer(s, l,
                         (ledger_transfer){.id = 14, .pending_id = 11, .amount = 50, .flags = post},
                         NOW));
    assert_code(PENDING_TRANSFER_ALREADY_POSTED,
                transfer(s, l, (ledger_transfer){.id = 15, .pending_id = 11, .flags = voids}, NOW));
    ledger_account two = look(l, 2);
    assert_true(two.debits_pending == 0 && two.debits_posted == 50 && two.credits_posted == 200);
    assert_code(CREATED, transfer(s, l,
                                  TRANSFER(.id = 16, .debit_account = 2, .credit_account = 1,
                                           .amount = 150, .flags = pending, .timeout = 60),
                                  NOW));
    int64_t due;
    assert_gov_ok(ledger_next_due(l, &due, &D), err);
    assert_true(due >= NOW + 60000000 && due < NOW + 60001000);
    size_t expired;
    for (int i = 0; i < 3; i++) {
        assert_gov_ok(ledger_next_due(l, &due, &D), err);
        assert_gov_ok(store_begin(s, &D), err);
        assert_gov_ok(ledger_expire(l, 0, (ledger_time){i == 0 ? due - 1 : due, REAL_MS}, NULL,
                                    &expired, &D),
                      err);
        assert_gov_ok(store_commit(s, &D), err);
        assert_int_equal(expired, i == 2); /* the first alarm was for the one that was posted */
    }
    assert_code(
        PENDING_TRANSFER_EXPIRED,
        transfer(s, l,
                 (ledger_transfer){.id = 17, .pending_id = 16, .amount = INT64_MAX, .flags = post},
                 due));
    assert_gov_ok(ledger_next_due(l, &due, &D), err);
    assert_true(due == -1);
    assert_true(look(l, 2).debits_pending == 0);
    done(s, l);
}

static void closes_and_opens_again(void **state)
{
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    two_accounts(s, l, 0);
    assert_code(CREATED,
                transfer(s, l,
                         TRANSFER(.id = 10, .debit_account = 1, .credit_account = 2,
                                  .flags = GOV_TRANSFER_PENDING | GOV_TRANSFER_CLOSING_CREDIT),
                         NOW));
    assert_true(look(l, 2).flags & GOV_ACCOUNT_CLOSED);
    assert_code(CREDIT_ACCOUNT_ALREADY_CLOSED,
                transfer(s, l,
                         TRANSFER(.id = 11, .debit_account = 1, .credit_account = 2, .amount = 1),
                         NOW));
    assert_code(CREATED, transfer(s, l,
                                  (ledger_transfer){.id = 12,
                                                    .pending_id = 10,
                                                    .flags = GOV_TRANSFER_VOID_PENDING},
                                  NOW));
    assert_code(CREATED,
                transfer(s, l,
                         TRANSFER(.id = 13, .debit_account = 1, .credit_account = 2, .amount = 1),
                         NOW));
    done(s, l);
}

static void keeps_communities_apart(void **state)
{
    support_store *on = support_store_of(state);
    store *s = open_on(on->url, 0, &base_malloc);
    int64_t id;
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_new_id(s, REAL_MS, &id, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    /* The same id in two communities of one file, one that could be the row's key itself. */
    for (int64_t community = 1; community <= 2; community++) {
        ledger *l = NULL;
        assert_gov_ok(ledger_open(s, community, &l, &D), err);
        two_accounts(s, l, 0);
        assert_code(CREATED, transfer(s, l,
                                      TRANSFER(.id = id, .debit_account = 1, .credit_account = 2,
                                               .amount = community),
                                      NOW));
        assert_code(EXISTS, transfer(s, l,
                                     TRANSFER(.id = id, .debit_account = 1, .credit_account = 2,
                                              .amount = community),
                                     NOW));
        assert_true(look(l, 2).credits_posted == community);
        ledger_transfer t;
        assert_gov_ok(ledger_lookup_transfers(l, &id, 1, &t, &D), err);
        assert_true(t.id == id && t.amount == community);
        assert_gov_ok(ledger_verify(l, &D), err);
        ledger_close(l);
    }
    store_close(s);
}

static void finds_any_page_of_a_long_history(void **state)
{
    enum { BATCHES = 60, EACH = 100 };
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    two_accounts(s, l, 0);
    static ledger_transfer t[EACH];
    static ledger_result r[EACH];
    static int64_t at[BATCHES * EACH];
    for (int b = 0; b < BATCHES; b++) {
        for (int i = 0; i < EACH; i++)
            t[i] = TRANSFER(.id = 1 + b * EACH + i, .debit_account = 1, .credit_account = 2,
                            .amount = 1);
        transfers(s, l, t, EACH, NOW + b * INT64_C(1000000), r);
        for (int i = 0; i < EACH; i++)
            at[b * EACH + i] = r[i].timestamp;
    }
    ledger_balance page[50];
    size_t count;
    for (int from = 0; from < BATCHES * EACH; from += 37) {
        ledger_filter f = {.account = 2, .timestamp_min = at[from]};
        assert_gov_ok(ledger_account_balances(l, &f, page, 50, &count, &D), err);
        assert_int_equal(count, BATCHES * EACH - from < 50 ? BATCHES * EACH - from : 50);
        for (size_t i = 0; i < count; i++)
            assert_true(page[i].credits_posted == from + (int)i + 1);
        f = (ledger_filter){.account = 1, .timestamp_max = at[from], .flags = GOV_LEDGER_REVERSED};
        assert_gov_ok(ledger_account_balances(l, &f, page, 50, &count, &D), err);
        assert_int_equal(count, from + 1 < 50 ? from + 1 : 50);
        for (size_t i = 0; i < count; i++)
            assert_true(page[i].debits_posted == from + 1 - (int)i);
    }
    done(s, l);
}

static void names_reasons(void **state)
{
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    uint32_t sorting, patrol, again_;
    char name[65];
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_reason_number(l, 1, "sorting", &sorting, &D), err);
    assert_gov_ok(ledger_reason_number(l, 1, "patrol", &patrol, &D), err);
    assert_gov_ok(ledger_reason_number(l, 1, "sorting", &again_, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_int_equal(sorting, again_);
    assert_int_not_equal(sorting, patrol);
    assert_gov_ok(ledger_reason_name(l, 1, patrol, name, &D), err);
    assert_string_equal(name, "patrol");
    assert_gov_ok(ledger_reason_name(l, 2, patrol, name, &D), err);
    assert_string_equal(name, "");
    done(s, l);
}

static void refuses_empty_and_huge_batches(void **state)
{
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    const ledger_transfer t = TRANSFER(.id = 1);
    ledger_result r;
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov(GOV_E_LIMIT,
               ledger_transfer_batch(l, &t, 0, (ledger_time){NOW, REAL_MS}, NULL, &r, &D), err);
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_LIMIT,
               ledger_transfer_batch(l, &t, LEDGER_BATCH_MAX + 1, (ledger_time){NOW, REAL_MS}, NULL,
                                     &r, &D),
               err);
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_RANGE,
               ledger_transfer_batch(l, &t, 1, (ledger_time){0, REAL_MS}, NULL, &r, &D), err);
    gov_error_free(err);
    err = NULL;
    store_rollback(s);
    done(s, l);
}

static void notices_what_does_not_add_up(void **state)
{
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    static const store_sql steal = {"UPDATE gov_ledger_balance SET credits_posted = credits_posted "
                                    "+ 1 WHERE community = $1 AND seq = (SELECT a.seq FROM "
                                    "gov_ledger_account a WHERE a.community = $1 AND a.id = $2)",
                                    0};
    two_accounts(s, l, 0);
    assert_code(CREATED,
                transfer(s, l,
                         TRANSFER(.id = 10, .debit_account = 1, .credit_account = 2, .amount = 5),
                         NOW));
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(store_post(s, &steal, STORE_ARGS(store_i(COMMUNITY), store_i(2)), 1, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov(GOV_E_VERIFY, ledger_verify(l, &D), err);
    assert_diag(err, 0, "ledger_differs", -1, -1);
    gov_error_free(err);
    err = NULL;
    ledger_close(l);
    store_close(s);
}

/* The results that random operations do not come to. */
static void gives_the_rarer_results(void **state)
{
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    const uint32_t both = GOV_ACCOUNT_MIN_BALANCE | GOV_ACCOUNT_MAX_BALANCE,
                   imported = GOV_ACCOUNT_IMPORTED;
    const ledger_account a[] = {
        {.id = 1, .ledger = 1, .code = 1, .flags = imported, .timestamp = 50},
        {.id = 2, .ledger = 1, .code = 1, .flags = imported, .timestamp = 60},
        {.id = 3,
         .ledger = 1,
         .code = 1,
         .flags = imported | both,
         .timestamp = 70,
         .min_balance = 1},
        {.id = 4,
         .ledger = 1,
         .code = 1,
         .flags = imported | both,
         .timestamp = 70,
         .min_balance = -5,
         .max_balance = 5},
        {.id = 4,
         .ledger = 1,
         .code = 1,
         .flags = imported | both,
         .timestamp = 70,
         .min_balance = -4,
         .max_balance = 5},
        {.id = 5,
         .ledger = 1,
         .code = 1,
         .flags = imported,
         .timestamp = 80,
         .debits_pending = 1,
         .debits_posted = 1},
        {.id = 5, .ledger = 1, .code = 1, .flags = imported, .timestamp = 80, .debits_posted = 1}};
    const ledger_account lots = {.id = 6, .ledger = 1, .code = 1, .flags = GOV_ACCOUNT_LOTS};
    ledger_result r[7];
    accounts(s, l, &lots, 1, NOW, r);
    assert_code(LOTS_NEED_A_LIMIT, r[0].code);
    reached[r[0].code] = true;
    accounts(s, l, a, 7, NOW, r);
    for (int i = 0; i < 7; i++)
        reached[r[i].code] = true;
    assert_code(CREATED, r[1].code);
    assert_code(LIMITS_MUST_BE_ORDERED, r[2].code);
    assert_code(CREATED, r[3].code);
    assert_code(EXISTS_WITH_DIFFERENT_LIMITS, r[4].code);
    assert_code(DEBITS_PENDING_MUST_BE_ZERO, r[5].code);
    assert_code(DEBITS_POSTED_MUST_BE_ZERO, r[6].code);
    const uint32_t past = GOV_TRANSFER_IMPORTED;
    assert_code(IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT,
                transfer(s, l,
                         TRANSFER(.id = 10, .debit_account = 2, .credit_account = 1, .flags = past,
                                  .timestamp = 55),
                         NOW));
    assert_code(IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT,
                transfer(s, l,
                         TRANSFER(.id = 10, .debit_account = 1, .credit_account = 2, .flags = past,
                                  .timestamp = 55),
                         NOW));
    assert_code(IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS,
                transfer(s, l,
                         TRANSFER(.id = 10, .debit_account = 1, .credit_account = 2, .flags = past,
                                  .timestamp = 70),
                         NOW));
    assert_code(IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO,
                transfer(s, l,
                         TRANSFER(.id = 10, .debit_account = 1, .credit_account = 2,
                                  .flags = past | GOV_TRANSFER_PENDING, .timeout = 1,
                                  .timestamp = 75),
                         NOW));
    assert_code(CREATED,
                transfer(s, l,
                         TRANSFER(.id = 10, .debit_account = 1, .credit_account = 2, .amount = 5,
                                  .flags = past | GOV_TRANSFER_PENDING, .timestamp = 75),
                         NOW));
    assert_code(EXCEEDS_PENDING_TRANSFER_AMOUNT,
                transfer(s, l,
                         (ledger_transfer){.id = 11,
                                           .pending_id = 10,
                                           .amount = 6,
                                           .flags = GOV_TRANSFER_POST_PENDING},
                         NOW));
    assert_code(EXCEEDS_MAX_BALANCE,
                transfer(s, l,
                         TRANSFER(.id = 12, .debit_account = 1, .credit_account = 4, .amount = 6),
                         NOW));
    assert_code(EXCEEDS_MIN_BALANCE,
                transfer(s, l,
                         TRANSFER(.id = 13, .debit_account = 4, .credit_account = 1, .amount = 6),
                         NOW));
    done(s, l);
}

/* ---- without memory ---- */

static gov_status few_transfers(const gov_allocator *alloc, void *user)
{
    store *s = NULL;
    ledger *l = NULL;
    gov_error *e = NULL;
    const diag d = {alloc, &e};
    const store_config config = {.url = user, .migrations = schema, .migration_count = 1};
    ledger_transfer t[40];
    ledger_result r[40];
    ledger_balance b[40];
    size_t count;
    gov_status rc = store_open(alloc, &config, &s, &d);
    if (rc == GOV_OK)
        rc = ledger_open(s, COMMUNITY, &l, &d);
    if (rc == GOV_OK)
        rc = store_begin(s, &d);
    for (int i = 0; i < 40; i++)
        t[i] = TRANSFER(.id = 100 + i, .debit_account = 1, .credit_account = 2, .amount = 1,
                        .flags = i == 3   ? GOV_TRANSFER_PENDING
                                 : i == 5 ? 1
                                          : 0);
    t[38] = TRANSFER(.id = 138, .debit_account = 2, .credit_account = 1, .amount = 9, .flags = 1);
    t[39] = (ledger_transfer){.id = 139, .reversal_of = 138, .amount = INT64_MAX};
    if (rc == GOV_OK)
        rc = ledger_transfer_batch(l, t, 40, (ledger_time){NOW, REAL_MS}, &note_entry, r, &d);
    if (rc == GOV_OK)
        rc = ledger_account_balances(l, &(ledger_filter){.account = 1}, b, 40, &count, &d);
    if (rc == GOV_OK)
        rc = ledger_verify(l, &d);
    if (s != NULL)
        store_rollback(s);
    ledger_close(l);
    store_close(s);
    gov_error_free(e);
    return rc;
}

static void survives_want_of_memory(void **state)
{
    support_store *on = support_store_of(state);
    store *s;
    ledger *l = open_ledger(on, &s);
    two_accounts(s, l, GOV_ACCOUNT_LOTS | GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS);
    const ledger_cap cap = {.book = 1, .number = 1, .side = 1, .window = LEDGER_DAY, .amount = 1000};
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_cap_put(l, &cap, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    done(s, l);
    oom_loop(few_transfers, on->url);
    oom_loop_malloc(few_transfers, on->url, OOM_ANY_ERROR | OOM_KEEPS);
}

/* ---- two writers, each with balances of its own in memory ---- */

static void two_writers_lose_nothing(void **state)
{
    support_store *on = support_store_of(state);
    store *s[2];
    ledger *l[2];
    for (int i = 0; i < 2; i++)
        l[i] = open_ledger(on, &s[i]);
    two_accounts(s[0], l[0], GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS);
    assert_code(CREATED,
                transfer(s[0], l[0],
                         TRANSFER(.id = 1, .debit_account = 1, .credit_account = 2, .amount = 100),
                         NOW));
    int64_t moved = 0;
    for (int i = 0; i < 200; i++) {
        const int who = i % 3 == 0;
        const int32_t code =
            transfer(s[who], l[who],
                     TRANSFER(.id = 1000 + i, .debit_account = 2, .credit_account = 1, .amount = 1),
                     NOW + i);
        if (moved < 100)
            assert_code(CREATED, code);
        else
            assert_code(EXCEEDS_CREDITS, code);
        moved += code == GOV_LEDGER_CREATED;
    }
    assert_true(look(l[1], 2).debits_posted == 100);
    done(s[0], l[0]);
    done(s[1], l[1]);
}

/* ---- two processes at once ---- */

enum { FIRE_BATCHES = 60, FIRE_EACH = 20 };

static int fire(const char *url, int who)
{
    const store_config config = {.url = url,
                                 .flags = STORE_FAST,
                                 .busy_ms = 60000,
                                 .migrations = schema,
                                 .migration_count = 1};
    store *s = NULL;
    ledger *l = NULL;
    ledger_transfer t[FIRE_EACH];
    ledger_result r[FIRE_EACH];
    int moved = 0;
    if (store_open(&base_malloc, &config, &s, NULL) != GOV_OK ||
        ledger_open(s, COMMUNITY, &l, NULL) != GOV_OK)
        return -1;
    for (int b = 0; b < FIRE_BATCHES; b++) {
        for (int i = 0; i < FIRE_EACH; i++)
            t[i] = TRANSFER(.id = 1000 + (who * FIRE_BATCHES + b) * FIRE_EACH + i,
                            .debit_account = 1 + (i + who) % 2, .credit_account = 2 - (i + who) % 2,
                            .amount = 1 + i % 3);
        /* Whoever loses a race is told so, and tries again. */
        for (gov_status rc = GOV_E_RETRY; rc != GOV_OK;) {
            rc = store_begin(s, NULL);
            if (rc == GOV_OK)
                rc = ledger_transfer_batch(l, t, FIRE_EACH, (ledger_time){NOW + b, REAL_MS}, NULL,
                                           r, NULL);
            if (rc == GOV_OK)
                rc = store_commit(s, NULL);
            else
                store_rollback(s);
            if (rc != GOV_OK && rc != GOV_E_RETRY && rc != GOV_E_BUSY)
                return -1;
        }
        for (int i = 0; i < FIRE_EACH; i++)
            moved += r[i].code == GOV_LEDGER_CREATED;
    }
    ledger_close(l);
    store_close(s);
    return moved == FIRE_BATCHES * FIRE_EACH ? 0 : 1;
}

static void two_processes_add_up(void **state)
{
    support_store *on = support_store_of(state);
    store *s;
    ledger *l = open_ledger(on, &s);
    two_accounts(s, l, 0);
    done(s, l);
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(fire(on->url, i));
    }
    for (int i = 0; i < 2; i++) {
        int status = -1;
        assert_true(waitpid(children[i], &status, 0) == children[i]);
        assert_int_equal(status, 0);
    }
    l = open_ledger(on, &s);
    int64_t moved = 0;
    for (int i = 0; i < FIRE_EACH; i++)
        moved += 2 * FIRE_BATCHES * (1 + i % 3);
    assert_true(look(l, 1).debits_posted + look(l, 2).debits_posted == moved);
    done(s, l);
}

/* After all the others on one store. */
static void every_result_was_met(void **state)
{
    (void)state;
    for (int32_t code = 0; code < 300; code++)
        if (gov_ledger_result_name(code) != NULL && !reached[code])
            fail_msg("%s was never given", gov_ledger_result_name(code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(agrees_with_the_model),
        STORE_TESTS(holds_63_bits_and_no_more),
        STORE_TESTS(reserves_posts_and_voids),
        STORE_TESTS(closes_and_opens_again),
        STORE_TESTS(keeps_communities_apart),
        STORE_TESTS(finds_any_page_of_a_long_history),
        STORE_TESTS(names_reasons),
        STORE_TESTS(refuses_empty_and_huge_batches),
        STORE_TESTS(notices_what_does_not_add_up),
        STORE_TEST(survives_want_of_memory, "sqlite"),
        STORE_TESTS(two_writers_lose_nothing),
        STORE_TESTS(two_processes_add_up),
        STORE_TESTS(gives_the_rarer_results),
        cmocka_unit_test(every_result_was_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
