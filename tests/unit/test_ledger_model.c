/* The ledger beside a plain model: random batches, after which both say the same; and every result is met at least once. */
#include "support/ledger_calls.h"
#include "support/ledger_model.h"
#include "support/support.h"

#include "ledger/stored.h"

#include <stdlib.h>
#include <string.h>

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

static support_store *store_of(void **state)
{
    support_store *s = support_store_of(state);
    on_store = strcmp(s->kind, "sqlite") == 0 ? 1 : 2;
    return s;
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
                         .effective_at = one_in(10) ? NOW - rnd(40) * INT64_C(86400000000) : 0};
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
        t.expires_at = one_in(2) ? clock_now + rnd(8000000)
                                 : (clock_now / 1000000 + 1 + rnd(6)) * 1000000; /* at once */
    if (one_in(12)) {
        t.reversal_of = 1 + rnd((uint32_t)t.id);
        for (int i = 0; i < 60 && (m->t[t.reversal_of].timestamp == 0 ||
                                   (m->t[t.reversal_of].flags & 0xa && !one_in(20)));
             i++)
            t.reversal_of = 1 + rnd((uint32_t)t.id);
        const ledger_transfer *o = &m->t[t.reversal_of];
        const bool named = one_in(3);
        t.flags = one_in(30) ? 0x12 : one_in(3) ? 2 : 0;
        t.amount = one_in(2) ? INT64_MAX : o->amount > 0 ? o->amount / 2 + one_in(5) : rnd(9);
        t.pending_id = t.expires_at = 0;
        t.timeout = t.flags & 2 && one_in(2) ? rnd(4) : 0;
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
    case 27: t.effective_at = one_in(2) ? INT64_MIN : INT64_C(253402300800000000); break;
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
        reached[got[i].code] |= on_store;
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
    /* One by one: what expires at once stands in the order in which it was made. */
    size_t met = 0;
    for (int64_t expires = -1; count < 200;) {
        int64_t next = INT64_MAX;
        bool any = false;
        for (int i = 0; i < m->lots; i++)
            if (m->lot[i].account == a->id && m->lot[i].left > 0 && m->lot[i].expires > expires &&
                m->lot[i].expires <= next)
                next = m->lot[i].expires, any = true;
        for (int i = 0; any && i < m->lots; i++)
            if (m->lot[i].account == a->id && m->lot[i].left > 0 && m->lot[i].expires == next) {
                assert_true(met < count);
                assert_true(lots[met].expires_us == next);
                assert_true(lots[met++].left == m->lot[i].left);
            }
        if (!any)
            break;
        expires = next;
    }
    assert_true(count == 200 || met == count);
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
            print_message(
                "transfer %lld of %lld: %lld -> %lld, amount %lld, flags %x, pending %lld, "
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

static void put_cap(store *s, ledger *l, model *m, int i, ledger_cap cap)
{
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_cap_put(l, &cap, REAL_MS, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    model_put_cap(m, i, cap);
}

/* A cap is set, changed in what it allows or in what it counts, or taken away. */
static void cap_round(store *s, ledger *l, model *m)
{
    const int i = (int)rnd(MODEL_CAPS);
    ledger_cap cap = model_caps[i];
    cap.amount += rnd(3) * cap.amount / 4;
    cap.side ^= one_in(3);
    if (one_in(4))
        cap.window = LEDGER_DAY;
    if (one_in(6))
        cap.amount = -1;
    put_cap(s, l, m, i, cap);
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
    seed = 20260317 + (uint64_t)again_with;
    for (int i = 0; i < MODEL_CAPS - 1; i++) /* the last one comes later */
        put_cap(s, l, m, i, model_caps[i]);
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
        if (one_in(60))
            cap_round(swap ? other : s, swap ? second : l, m);
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
    if (again_with == 0 && (m->lots <= 50 || m->uses <= 2 * m->lots))
        fail_msg("too little was done with lots: %d of them, %d uses, %d waits", m->lots, m->uses,
                 m->waited);
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
    support_store *s = store_of(state);
    const int times = getenv("GOV_LONG") != NULL ? 10 : 1;
    for (int i = 0; i < times; i++)
        compare_with_model(s->url, 100000, i);
}

/* ---- what a user relies on, one thing each ---- */

static void holds_63_bits_and_no_more(void **state)
{
    store *s;
    ledger *l = open_ledger(store_of(state), &s);
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

/* What is reserved and what is posted have 63 bits together. */
static void counts_pending_with_posted(void **state)
{
    store *s;
    ledger *l = open_ledger(store_of(state), &s);
    const ledger_account a[] = {{.id = 1, .ledger = 1, .code = 1},
                                {.id = 2, .ledger = 1, .code = 1},
                                {.id = 3, .ledger = 1, .code = 1}};
    ledger_result r[3];
    accounts(s, l, a, 3, NOW, r);
    const int64_t most = INT64_MAX - 10;
    assert_code(CREATED, transfer(s, l,
                                  TRANSFER(.id = 10, .debit_account = 1, .credit_account = 2,
                                           .amount = most),
                                  NOW));
    assert_code(CREATED, transfer(s, l,
                                  TRANSFER(.id = 11, .debit_account = 1, .credit_account = 3,
                                           .amount = 5, .flags = GOV_TRANSFER_PENDING),
                                  NOW));
    assert_code(OVERFLOWS_DEBITS,
                transfer(s, l,
                         TRANSFER(.id = 12, .debit_account = 1, .credit_account = 3, .amount = 6),
                         NOW));
    assert_code(CREATED, transfer(s, l,
                                  TRANSFER(.id = 13, .debit_account = 3, .credit_account = 2,
                                           .amount = 5, .flags = GOV_TRANSFER_PENDING),
                                  NOW));
    assert_code(OVERFLOWS_CREDITS,
                transfer(s, l,
                         TRANSFER(.id = 14, .debit_account = 3, .credit_account = 2, .amount = 6),
                         NOW));
    done(s, l);
}

static void reserves_posts_and_voids(void **state)
{
    store *s;
    ledger *l = open_ledger(store_of(state), &s);
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
    ledger *l = open_ledger(store_of(state), &s);
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

/* The results that random operations do not come to. */
static void gives_the_rarer_results(void **state)
{
    store *s;
    ledger *l = open_ledger(store_of(state), &s);
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
    reached[r[0].code] |= on_store;
    accounts(s, l, a, 7, NOW, r);
    for (int i = 0; i < 7; i++)
        reached[r[i].code] |= on_store;
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

/* ---- two processes at once ---- */

/* After all the others: what is in the header can happen, on each of the stores. */
static void every_result_was_met(void **state)
{
    (void)store_of(state);
    for (int32_t code = 0; code < 300; code++)
        if (gov_ledger_result_name(code) != NULL && !(reached[code] & on_store))
            fail_msg("%s was never given", gov_ledger_result_name(code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(agrees_with_the_model),      STORE_TESTS(holds_63_bits_and_no_more),
        STORE_TESTS(counts_pending_with_posted), STORE_TESTS(reserves_posts_and_voids),
        STORE_TESTS(closes_and_opens_again),     STORE_TESTS(gives_the_rarer_results),
        STORE_TESTS(every_result_was_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
