/* What becomes of each event of a batch, and in which order the reasons against it are looked at. */
#include "ledger/book.h"

#include <string.h>

#define ACCOUNT_FLAGS                                                                          \
    (GOV_ACCOUNT_LINKED | GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS |                         \
     GOV_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS | GOV_ACCOUNT_HISTORY | GOV_ACCOUNT_IMPORTED | \
     GOV_ACCOUNT_CLOSED | GOV_ACCOUNT_MIN_BALANCE | GOV_ACCOUNT_MAX_BALANCE |                  \
     GOV_ACCOUNT_WARN_MIN | GOV_ACCOUNT_WARN_MAX | GOV_ACCOUNT_APPROVAL | GOV_ACCOUNT_LOTS)
#define TRANSFER_FLAGS UINT32_C(0x1ff)
#define RESOLVING      (GOV_TRANSFER_POST_PENDING | GOV_TRANSFER_VOID_PENDING)

/* ---- instants ---- */

static bool taken(const ledger_book *b, int64_t us)
{
    size_t low = 0, high = b->taken_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (b->taken[middle] < us)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->taken_count && b->taken[low] == us;
}

static bool account_made_at(const ledger_book *b, int64_t us)
{
    /* Within one ledger timestamps ascend. */
    for (size_t i = b->cell_count; b->memory && i-- > 0;) {
        if (b->cells[i].a.id != 0 && b->cells[i].a.timestamp == us)
            return true;
        if (b->cells[i].a.timestamp < us && b->clock_count == 1)
            break;
    }
    return taken(b, us);
}

static bool transfer_made_at(const ledger_book *b, int64_t us)
{
    for (size_t i = b->row_count; b->memory && i-- > 0;) {
        if (b->rows[i].kind != LEDGER_LIVE)
            continue;
        if (b->rows[i].t.timestamp == us)
            return true;
        if (b->rows[i].t.timestamp < us && b->clock_count == 1)
            break;
    }
    return taken(b, us);
}

/* ---- accounts ---- */

static int32_t account_exists(const ledger_account *a, const ledger_account *e)
{
    if (a->flags != e->flags)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS;
    if (a->subject != e->subject)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_SUBJECT;
    if (a->reference != e->reference)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_REFERENCE;
    if (a->reason != e->reason)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_REASON;
    if (a->ledger != e->ledger)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_LEDGER;
    if (a->code != e->code)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_CODE;
    if ((a->flags & GOV_ACCOUNT_MIN_BALANCE && a->min_balance != e->min_balance) ||
        (a->flags & GOV_ACCOUNT_MAX_BALANCE && a->max_balance != e->max_balance) ||
        a->warn_min != e->warn_min || a->warn_max != e->warn_max || a->breakage != e->breakage)
        return GOV_LEDGER_EXISTS_WITH_DIFFERENT_LIMITS;
    return GOV_LEDGER_EXISTS;
}

/* Expired lots must always find room there. */
static bool takes_breakage(const ledger_book *b, const ledger_account *a)
{
    const ledger_cell *c = ledger_cell_of(b, a->breakage);
    const uint32_t never =
        GOV_ACCOUNT_LOTS | GOV_ACCOUNT_MAX_BALANCE | GOV_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS;
    return a->breakage == 0 || (c != NULL && c->a.ledger == a->ledger && !(c->a.flags & never));
}

static int32_t account_fields(const ledger_book *b, const ledger_account *a)
{
    const uint32_t both =
        GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS | GOV_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS;
    const uint32_t limits = GOV_ACCOUNT_MIN_BALANCE | GOV_ACCOUNT_MAX_BALANCE;
    if ((a->flags & both) == both)
        return GOV_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE;
    if (a->debits_pending != 0)
        return GOV_LEDGER_DEBITS_PENDING_MUST_BE_ZERO;
    if (a->debits_posted != 0)
        return GOV_LEDGER_DEBITS_POSTED_MUST_BE_ZERO;
    if (a->credits_pending != 0)
        return GOV_LEDGER_CREDITS_PENDING_MUST_BE_ZERO;
    if (a->credits_posted != 0)
        return GOV_LEDGER_CREDITS_POSTED_MUST_BE_ZERO;
    if (a->ledger == 0)
        return GOV_LEDGER_LEDGER_MUST_NOT_BE_ZERO;
    if (a->code == 0)
        return GOV_LEDGER_CODE_MUST_NOT_BE_ZERO;
    if ((a->flags & limits) == limits && a->min_balance > a->max_balance)
        return GOV_LEDGER_LIMITS_MUST_BE_ORDERED;
    if (a->flags & GOV_ACCOUNT_LOTS && !(a->flags & GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS))
        return GOV_LEDGER_LOTS_NEED_A_LIMIT;
    if (!takes_breakage(b, a))
        return GOV_LEDGER_BREAKAGE_ACCOUNT_NOT_VALID;
    return GOV_LEDGER_CREATED;
}

static int32_t create_account(ledger_book *b, const ledger_account *a, int64_t *at_us)
{
    if ((a->min_balance != 0 && !(a->flags & GOV_ACCOUNT_MIN_BALANCE)) ||
        (a->max_balance != 0 && !(a->flags & GOV_ACCOUNT_MAX_BALANCE)) ||
        (a->warn_min != 0 && !(a->flags & GOV_ACCOUNT_WARN_MIN)) ||
        (a->warn_max != 0 && !(a->flags & GOV_ACCOUNT_WARN_MAX)) ||
        (a->breakage != 0 && !(a->flags & GOV_ACCOUNT_LOTS)))
        return GOV_LEDGER_RESERVED_FIELD;
    if (a->flags & ~ACCOUNT_FLAGS)
        return GOV_LEDGER_RESERVED_FLAG;
    if ((a->id | a->subject | a->reference | a->breakage) < 0)
        return GOV_LEDGER_FIELD_MUST_NOT_BE_NEGATIVE;
    if (a->id == 0)
        return GOV_LEDGER_ID_MUST_NOT_BE_ZERO;
    if (a->id == INT64_MAX)
        return GOV_LEDGER_ID_MUST_NOT_BE_INT_MAX;
    const ledger_cell *e = ledger_cell_of(b, a->id);
    if (e != NULL) {
        const int32_t code = account_exists(a, &e->a);
        if (code == GOV_LEDGER_EXISTS)
            *at_us = e->a.timestamp;
        return code;
    }
    const int32_t code = account_fields(b, a);
    if (code != GOV_LEDGER_CREATED)
        return code;
    ledger_clock *clock = ledger_clock_of(b, a->ledger);
    if (a->flags & GOV_ACCOUNT_IMPORTED) {
        if (a->timestamp <= clock->account_us || transfer_made_at(b, a->timestamp))
            return GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS;
        *at_us = a->timestamp;
    }
    ledger_cell *c = ledger_cell_add(b, a->id);
    c->a = *a;
    c->a.timestamp = *at_us;
    c->fresh = true;
    ledger_undo_clock(b, clock);
    clock->account_us = *at_us;
    clock->changed = true;
    return GOV_LEDGER_CREATED;
}

/* ---- transfers: what is written when nothing speaks against it ---- */

static ledger_row *append(ledger_book *b, const ledger_transfer *t, int64_t at_us, uint32_t debit,
                          uint32_t credit)
{
    ledger_row *r = ledger_row_add(b, t->id);
    r->t = *t;
    r->t.timestamp = at_us;
    r->debit = debit;
    r->credit = credit;
    r->fresh = true;
    ledger_undo_add(b, (ledger_undo){.what = LEDGER_UNDO_ROW, .at = (uint32_t)(b->row_count - 1)});
    ledger_clock *clock = ledger_clock_of(b, t->ledger);
    ledger_undo_clock(b, clock);
    if (!b->memory || !(t->flags & LEDGER_EXPIRED)) /* in memory, expiries are no transfers */
        clock->transfer_us = at_us;
    clock->changed = true;
    ledger_undo_cell(b, debit);
    ledger_undo_cell(b, credit);
    return r;
}

/* The row that holds what o took from lots: o itself, or the pending transfer that it posted. */
static uint32_t spender(const ledger_book *b, const ledger_row *o)
{
    const ledger_row *p =
        o->t.flags & GOV_TRANSFER_POST_PENDING ? ledger_row_of(b, o->t.pending_id) : o;
    return (uint32_t)(p - b->rows);
}

/* The row that a reversal takes back; LEDGER_NONE: the row is no reversal. */
static uint32_t taken_back(const ledger_book *b, const ledger_row *r)
{
    return r->t.reversal_of != 0 ? (uint32_t)(ledger_row_of(b, r->t.reversal_of) - b->rows)
                                 : LEDGER_NONE;
}

static void count_reversed(ledger_book *b, uint32_t of, int64_t by)
{
    ledger_undo_add(b, (ledger_undo){.what = LEDGER_UNDO_REVERSED,
                                     .at = of,
                                     .balance = {b->rows[of].reversed}});
    b->rows[of].reversed += by;
}

/* A reversal takes effect: its credit account gets back the lots that it had spent, and caps forget what they counted. */
static void give_back(ledger_book *b, uint32_t of, int64_t amount, uint32_t debit, uint32_t credit)
{
    const uint32_t spent = spender(b, &b->rows[of]);
    if (b->cells[credit].a.flags & GOV_ACCOUNT_LOTS)
        ledger_lots_return(b, spent, amount);
    const ledger_transfer *counted = &b->rows[spent].t;
    ledger_caps_count(b, counted, &b->cells[credit].a, &b->cells[debit].a, -amount,
                      counted->timestamp);
}

static void resolve_pending(ledger_book *b, const ledger_row *by, uint8_t status)
{
    const uint32_t at = by->pending, of = taken_back(b, &b->rows[at]);
    ledger_row *p = &b->rows[at];
    p->resolved_us = by->t.timestamp;
    p->resolved_by = by->t.id;
    ledger_undo_add(b, (ledger_undo){.what = LEDGER_UNDO_STATUS,
                                     .at = at,
                                     .flags = p->status,
                                     .dirty = p->moved});
    p->status = status;
    p->moved = true;
    ledger_account *debit = &b->cells[p->debit].a, *credit = &b->cells[p->credit].a;
    const int64_t unused = p->t.amount - (status == LEDGER_POSTED ? by->t.amount : 0);
    debit->debits_pending -= p->t.amount;
    credit->credits_pending -= p->t.amount;
    ledger_lots_return(b, at, unused);
    if (of != LEDGER_NONE)
        count_reversed(b, of, -unused);
    else
        ledger_caps_count(b, &p->t, debit, credit, -unused, p->t.timestamp);
    if (status == LEDGER_POSTED)
        return;
    if (p->t.flags & GOV_TRANSFER_CLOSING_DEBIT)
        debit->flags &= ~GOV_ACCOUNT_CLOSED;
    if (p->t.flags & GOV_TRANSFER_CLOSING_CREDIT)
        credit->flags &= ~GOV_ACCOUNT_CLOSED;
}

/* ---- transfers: posting and voiding ---- */

static int32_t resolution_fields(const ledger_transfer *t)
{
    if ((t->flags & RESOLVING) == RESOLVING ||
        t->flags &
            (GOV_TRANSFER_PENDING | GOV_TRANSFER_BALANCING_DEBIT | GOV_TRANSFER_BALANCING_CREDIT |
             GOV_TRANSFER_CLOSING_DEBIT | GOV_TRANSFER_CLOSING_CREDIT))
        return GOV_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE;
    if (t->pending_id == 0)
        return GOV_LEDGER_PENDING_ID_MUST_NOT_BE_ZERO;
    if (t->pending_id == INT64_MAX)
        return GOV_LEDGER_PENDING_ID_MUST_NOT_BE_INT_MAX;
    if (t->pending_id == t->id)
        return GOV_LEDGER_PENDING_ID_MUST_BE_DIFFERENT;
    if (t->timeout != 0)
        return GOV_LEDGER_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER;
    if (t->reversal_of != 0)
        return GOV_LEDGER_REVERSAL_OF_MUST_BE_ZERO;
    if (t->expires_at != 0)
        return GOV_LEDGER_EXPIRES_AT_MUST_BE_ZERO;
    return GOV_LEDGER_CREATED;
}

static int32_t against_pending(const ledger_transfer *t, const ledger_row *p, int64_t amount,
                               int64_t at_us)
{
    if (t->debit_account != 0 && t->debit_account != p->t.debit_account)
        return GOV_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID;
    if (t->credit_account != 0 && t->credit_account != p->t.credit_account)
        return GOV_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID;
    if (t->ledger != 0 && t->ledger != p->t.ledger)
        return GOV_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_LEDGER;
    if (t->code != 0 && t->code != p->t.code)
        return GOV_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_CODE;
    if (amount > p->t.amount)
        return GOV_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT;
    if (t->flags & GOV_TRANSFER_VOID_PENDING && amount < p->t.amount)
        return GOV_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT;
    if (p->status == LEDGER_POSTED)
        return GOV_LEDGER_PENDING_TRANSFER_ALREADY_POSTED;
    if (p->status == LEDGER_VOIDED)
        return GOV_LEDGER_PENDING_TRANSFER_ALREADY_VOIDED;
    if (p->status == LEDGER_LAPSED || (p->due_us != 0 && p->due_us <= at_us))
        return GOV_LEDGER_PENDING_TRANSFER_EXPIRED;
    return GOV_LEDGER_CREATED;
}

/* Soft limits are told of after what passed them. */
static void warn(ledger_book *b, const ledger_account *debit, const ledger_account *credit)
{
    const int64_t paid = debit->debits_pending + debit->debits_posted;
    const int64_t got = credit->credits_pending + credit->credits_posted;
    if (debit->flags & GOV_ACCOUNT_WARN_MIN && debit->credits_posted - paid < debit->warn_min)
        b->warnings |= GOV_LEDGER_WARN_MIN;
    if (credit->flags & GOV_ACCOUNT_WARN_MAX && got - credit->debits_posted > credit->warn_max)
        b->warnings |= GOV_LEDGER_WARN_MAX;
}

static int32_t post_or_void(ledger_book *b, const ledger_transfer *t, int64_t *at_us)
{
    const bool voids = (t->flags & GOV_TRANSFER_VOID_PENDING) != 0;
    int32_t code = resolution_fields(t);
    if (code != GOV_LEDGER_CREATED)
        return code;
    const ledger_row *p = ledger_row_of(b, t->pending_id);
    if (p == NULL || p->kind != LEDGER_LIVE)
        return GOV_LEDGER_PENDING_TRANSFER_NOT_FOUND;
    if (!(p->t.flags & GOV_TRANSFER_PENDING))
        return GOV_LEDGER_PENDING_TRANSFER_NOT_PENDING;
    const int64_t amount = t->amount == (voids ? 0 : INT64_MAX) ? p->t.amount : t->amount;
    code = against_pending(t, p, amount, *at_us);
    if (code != GOV_LEDGER_CREATED)
        return code;
    const uint32_t row = (uint32_t)(p - b->rows), debit = p->debit, credit = p->credit;
    if (t->flags & GOV_TRANSFER_IMPORTED) {
        if (t->timestamp <= ledger_clock_of(b, p->t.ledger)->transfer_us ||
            account_made_at(b, t->timestamp))
            return GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS;
        *at_us = t->timestamp;
    }
    if (b->cells[debit].a.flags & GOV_ACCOUNT_CLOSED && !voids)
        return GOV_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED;
    if (b->cells[credit].a.flags & GOV_ACCOUNT_CLOSED && !voids)
        return GOV_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED;
    if (b->cells[debit].a.flags & GOV_ACCOUNT_APPROVAL && !voids &&
        (b->nobody || b->rows[row].actor == b->actor))
        return GOV_LEDGER_APPROVAL_NEEDS_ANOTHER_ACTOR;

    ledger_transfer full = *t;
    full.debit_account = p->t.debit_account;
    full.credit_account = p->t.credit_account;
    full.amount = amount;
    full.subject = t->subject != 0 ? t->subject : p->t.subject;
    full.reference = t->reference != 0 ? t->reference : p->t.reference;
    full.reason = t->reason != 0 ? t->reason : p->t.reason;
    full.ledger = p->t.ledger;
    full.code = p->t.code;
    ledger_row *r = append(b, &full, *at_us, debit, credit);
    r->released = b->rows[row].t.amount;
    r->pending = row;
    resolve_pending(b, r, voids ? LEDGER_VOIDED : LEDGER_POSTED);
    if (!voids) {
        b->cells[debit].a.debits_posted += amount;
        b->cells[credit].a.credits_posted += amount;
        const uint32_t of = taken_back(b, &b->rows[row]);
        if (of != LEDGER_NONE)
            give_back(b, of, amount, debit, credit);
        else if (b->cells[credit].a.flags & GOV_ACCOUNT_LOTS && amount > 0)
            ledger_lots_bring(b, &b->cells[credit], (uint32_t)(r - b->rows), row, amount);
        warn(b, &b->cells[debit].a, &b->cells[credit].a);
    }
    return GOV_LEDGER_CREATED;
}

/* ---- transfers: all others ---- */

static int32_t transfer_fields(const ledger_transfer *t)
{
    if (t->debit_account == 0)
        return GOV_LEDGER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO;
    if (t->debit_account == INT64_MAX)
        return GOV_LEDGER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX;
    if (t->credit_account == 0)
        return GOV_LEDGER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO;
    if (t->credit_account == INT64_MAX)
        return GOV_LEDGER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX;
    if (t->debit_account == t->credit_account)
        return GOV_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT;
    if (t->pending_id != 0)
        return GOV_LEDGER_PENDING_ID_MUST_BE_ZERO;
    if (!(t->flags & GOV_TRANSFER_PENDING)) {
        if (t->timeout != 0)
            return GOV_LEDGER_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER;
        if (t->flags & (GOV_TRANSFER_CLOSING_DEBIT | GOV_TRANSFER_CLOSING_CREDIT))
            return GOV_LEDGER_CLOSING_TRANSFER_MUST_BE_PENDING;
    }
    if (t->ledger == 0)
        return GOV_LEDGER_LEDGER_MUST_NOT_BE_ZERO;
    if (t->code == 0)
        return GOV_LEDGER_CODE_MUST_NOT_BE_ZERO;
    return GOV_LEDGER_CREATED;
}

static int32_t against_accounts(ledger_book *b, const ledger_transfer *t,
                                const ledger_account *debit, const ledger_account *credit,
                                int64_t *at_us)
{
    if (debit->ledger != credit->ledger)
        return GOV_LEDGER_ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER;
    if (t->ledger != debit->ledger)
        return GOV_LEDGER_TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS;
    if (t->flags & GOV_TRANSFER_IMPORTED) {
        if (t->timestamp <= ledger_clock_of(b, t->ledger)->transfer_us ||
            account_made_at(b, t->timestamp))
            return GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS;
        if (t->timestamp <= debit->timestamp)
            return GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT;
        if (t->timestamp <= credit->timestamp)
            return GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT;
        if (t->timeout != 0)
            return GOV_LEDGER_IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO;
        *at_us = t->timestamp;
    }
    if (debit->flags & GOV_ACCOUNT_CLOSED)
        return GOV_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED;
    if (credit->flags & GOV_ACCOUNT_CLOSED)
        return GOV_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED;
    return GOV_LEDGER_CREATED;
}

static int64_t balanced_amount(const ledger_transfer *t, const ledger_account *debit,
                               const ledger_account *credit)
{
    int64_t amount = t->amount;
    if (t->flags & GOV_TRANSFER_BALANCING_DEBIT) {
        const int64_t room = debit->credits_posted - (debit->debits_posted + debit->debits_pending);
        amount = amount < room ? amount : room > 0 ? room : 0;
    }
    if (t->flags & GOV_TRANSFER_BALANCING_CREDIT) {
        const int64_t room =
            credit->debits_posted - (credit->credits_posted + credit->credits_pending);
        amount = amount < room ? amount : room > 0 ? room : 0;
    }
    return amount;
}

/* Pending plus posted never leave 63 bits, so that the sums below them cannot overflow. */
static int32_t overflows(const ledger_transfer *t, int64_t amount, const ledger_account *debit,
                         const ledger_account *credit, int64_t at_us)
{
    const int64_t room = INT64_MAX - amount;
    if (t->flags & GOV_TRANSFER_PENDING) {
        if (debit->debits_pending > room)
            return GOV_LEDGER_OVERFLOWS_DEBITS_PENDING;
        if (credit->credits_pending > room)
            return GOV_LEDGER_OVERFLOWS_CREDITS_PENDING;
    }
    if (debit->debits_posted > room)
        return GOV_LEDGER_OVERFLOWS_DEBITS_POSTED;
    if (credit->credits_posted > room)
        return GOV_LEDGER_OVERFLOWS_CREDITS_POSTED;
    if (debit->debits_pending + debit->debits_posted > room)
        return GOV_LEDGER_OVERFLOWS_DEBITS;
    if (credit->credits_pending + credit->credits_posted > room)
        return GOV_LEDGER_OVERFLOWS_CREDITS;
    if (at_us > INT64_MAX - (int64_t)t->timeout * BASE_US_PER_SECOND)
        return GOV_LEDGER_OVERFLOWS_TIMEOUT;
    return GOV_LEDGER_CREATED;
}

static int32_t against_limits(ledger_book *b, const ledger_transfer *t, int64_t amount,
                              const ledger_cell *debtor, const ledger_cell *creditor, int64_t at_us)
{
    const ledger_account *debit = &debtor->a, *credit = &creditor->a;
    const int64_t paid = debit->debits_pending + debit->debits_posted + amount;
    const int64_t got = credit->credits_pending + credit->credits_posted + amount;
    if (debit->flags & GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS && paid > debit->credits_posted)
        return GOV_LEDGER_EXCEEDS_CREDITS;
    if (credit->flags & GOV_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS && got > credit->debits_posted)
        return GOV_LEDGER_EXCEEDS_DEBITS;
    if (debit->flags & GOV_ACCOUNT_MIN_BALANCE && debit->credits_posted - paid < debit->min_balance)
        return GOV_LEDGER_EXCEEDS_MIN_BALANCE;
    if (credit->flags & GOV_ACCOUNT_MAX_BALANCE &&
        got - credit->debits_posted > credit->max_balance)
        return GOV_LEDGER_EXCEEDS_MAX_BALANCE;
    if (debit->flags & GOV_ACCOUNT_LOTS && amount > ledger_lots_free(b, debtor, at_us))
        return GOV_LEDGER_EXCEEDS_CREDITS; /* the rest has expired, and waits to be taken away */
    if (debit->flags & GOV_ACCOUNT_APPROVAL && (b->nobody || !(t->flags & GOV_TRANSFER_PENDING)))
        return GOV_LEDGER_APPROVAL_REQUIRED;
    if (t->expires_at != 0 && !(credit->flags & GOV_ACCOUNT_LOTS))
        return GOV_LEDGER_EXPIRES_AT_MUST_BE_ZERO;
    if (t->reversal_of == 0 && !ledger_caps_allow(b, t, debit, credit, amount, at_us))
        return GOV_LEDGER_EXCEEDS_CAP;
    return GOV_LEDGER_CREATED;
}

/* o: the row that is taken back, or LEDGER_NONE. */
static void apply(ledger_book *b, const ledger_transfer *t, int64_t amount, int64_t at_us,
                  uint32_t debit, uint32_t credit, uint32_t o)
{
    ledger_transfer full = *t;
    full.amount = amount;
    ledger_row *r = append(b, &full, at_us, debit, credit);
    const uint32_t row = (uint32_t)(r - b->rows);
    ledger_account *d = &b->cells[debit].a, *c = &b->cells[credit].a;
    if (d->flags & GOV_ACCOUNT_LOTS)
        ledger_lots_take(b, &b->cells[debit], row, amount, at_us, o);
    if (t->flags & GOV_TRANSFER_PENDING) {
        r->status = LEDGER_PENDING;
        r->actor = b->actor;
        r->due_us = t->timeout != 0 ? at_us + (int64_t)t->timeout * BASE_US_PER_SECOND : 0;
        ledger_clock *clock = ledger_clock_of(b, t->ledger);
        if (r->due_us != 0 && r->due_us < clock->due_us)
            clock->due_us = r->due_us;
        d->debits_pending += amount;
        c->credits_pending += amount;
    } else {
        d->debits_posted += amount;
        c->credits_posted += amount;
        if (c->flags & GOV_ACCOUNT_LOTS && o == LEDGER_NONE && amount > 0)
            ledger_lots_bring(b, &b->cells[credit], row, row, amount);
    }
    if (o == LEDGER_NONE)
        ledger_caps_count(b, t, d, c, amount, at_us);
    if (t->flags & GOV_TRANSFER_CLOSING_DEBIT)
        d->flags |= GOV_ACCOUNT_CLOSED;
    if (t->flags & GOV_TRANSFER_CLOSING_CREDIT)
        c->flags |= GOV_ACCOUNT_CLOSED;
    warn(b, d, c);
}

/* ---- transfers: taking back ---- */

/* A pending transfer is voided, and what takes something back is not taken back itself. */
static bool reversible(const ledger_book *b, const ledger_row *o)
{
    if (o->t.reversal_of != 0 ||
        o->t.flags & (GOV_TRANSFER_PENDING | GOV_TRANSFER_VOID_PENDING | LEDGER_BREAKAGE))
        return false;
    return b->rows[spender(b, o)].t.reversal_of == 0;
}

/* What a reversal leaves out it takes from the transfer o. Its amount is looked at last. */
static int32_t reversal_fields(const ledger_book *b, const ledger_transfer *t, const ledger_row *o,
                               ledger_transfer *full)
{
    if (t->flags & ~(GOV_TRANSFER_LINKED | GOV_TRANSFER_PENDING))
        return GOV_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE;
    if (t->pending_id != 0)
        return GOV_LEDGER_PENDING_ID_MUST_BE_ZERO;
    if (t->timeout != 0 && !(t->flags & GOV_TRANSFER_PENDING))
        return GOV_LEDGER_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER;
    if (t->expires_at != 0)
        return GOV_LEDGER_EXPIRES_AT_MUST_BE_ZERO;
    if (o == NULL || o->kind != LEDGER_LIVE)
        return GOV_LEDGER_REVERSED_TRANSFER_NOT_FOUND;
    if (!reversible(b, o))
        return GOV_LEDGER_REVERSED_TRANSFER_NOT_REVERSIBLE;
    if ((t->debit_account != 0 && t->debit_account != o->t.credit_account) ||
        (t->credit_account != 0 && t->credit_account != o->t.debit_account) ||
        (t->ledger != 0 && t->ledger != o->t.ledger))
        return GOV_LEDGER_REVERSED_TRANSFER_HAS_DIFFERENT_ACCOUNTS;
    const int64_t left = o->t.amount - o->reversed;
    if (left == 0 && o->t.amount != 0)
        return GOV_LEDGER_TRANSFER_ALREADY_REVERSED;
    if (t->amount > left && t->amount != INT64_MAX)
        return GOV_LEDGER_EXCEEDS_REVERSED_TRANSFER_AMOUNT;
    *full = *t;
    full->debit_account = o->t.credit_account;
    full->credit_account = o->t.debit_account;
    full->amount = t->amount < left ? t->amount : left;
    full->subject = t->subject != 0 ? t->subject : o->t.subject;
    full->reference = t->reference != 0 ? t->reference : o->t.reference;
    full->reason = t->reason != 0 ? t->reason : o->t.reason;
    full->ledger = o->t.ledger;
    full->code = t->code != 0 ? t->code : o->t.code;
    return GOV_LEDGER_CREATED;
}

static int32_t reverse(ledger_book *b, const ledger_transfer *t, const int64_t *at_us)
{
    ledger_transfer full;
    const ledger_row *o = ledger_row_of(b, t->reversal_of);
    int32_t code = reversal_fields(b, t, o, &full);
    if (code != GOV_LEDGER_CREATED)
        return code;
    const uint32_t of = (uint32_t)(o - b->rows);
    ledger_cell *debit = ledger_cell_of(b, full.debit_account),
                *credit = ledger_cell_of(b, full.credit_account);
    if (debit->a.flags & GOV_ACCOUNT_CLOSED)
        return GOV_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED;
    if (credit->a.flags & GOV_ACCOUNT_CLOSED)
        return GOV_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED;
    code = overflows(&full, full.amount, &debit->a, &credit->a, *at_us);
    if (code == GOV_LEDGER_CREATED)
        code = against_limits(b, &full, full.amount, debit, credit, *at_us);
    /* What has been spent of it or has expired is not there to be taken back; other lots do not stand in for it. */
    if (code == GOV_LEDGER_CREATED && debit->a.flags & GOV_ACCOUNT_LOTS &&
        full.amount > ledger_lots_own(b, debit, of, *at_us))
        code = GOV_LEDGER_EXCEEDS_CREDITS;
    if (code != GOV_LEDGER_CREATED)
        return code;
    const uint32_t from = (uint32_t)(debit - b->cells), to = (uint32_t)(credit - b->cells);
    apply(b, &full, full.amount, *at_us, from, to, of);
    count_reversed(b, of, full.amount); /* while it waits, nobody else can take the same back */
    if (!(full.flags & GOV_TRANSFER_PENDING))
        give_back(b, of, full.amount, from, to);
    return GOV_LEDGER_CREATED;
}

static int32_t create_transfer(ledger_book *b, const ledger_transfer *t, int64_t *at_us)
{
    if (t->flags & ~TRANSFER_FLAGS)
        return GOV_LEDGER_RESERVED_FLAG;
    if (t->reserved != 0)
        return GOV_LEDGER_RESERVED_FIELD;
    if ((t->id | t->debit_account | t->credit_account | t->amount | t->pending_id | t->subject |
         t->reference | t->reversal_of | t->expires_at) < 0)
        return GOV_LEDGER_FIELD_MUST_NOT_BE_NEGATIVE;
    if (t->effective_at < LEDGER_FIRST_EFFECT || t->effective_at > LEDGER_LAST_EFFECT)
        return GOV_LEDGER_EFFECTIVE_AT_OUT_OF_RANGE;
    if (t->id == 0)
        return GOV_LEDGER_ID_MUST_NOT_BE_ZERO;
    if (t->id == INT64_MAX)
        return GOV_LEDGER_ID_MUST_NOT_BE_INT_MAX;
    const ledger_row *e = ledger_row_of(b, t->id);
    if (e != NULL && e->kind == LEDGER_FAILED)
        return GOV_LEDGER_ID_ALREADY_FAILED;
    if (e != NULL) {
        const int32_t code = ledger_transfer_again(b, t, &e->t);
        if (code == GOV_LEDGER_EXISTS)
            *at_us = e->t.timestamp;
        return code;
    }
    if (t->flags & RESOLVING)
        return post_or_void(b, t, at_us);
    if (t->reversal_of != 0)
        return reverse(b, t, at_us);
    int32_t code = transfer_fields(t);
    if (code != GOV_LEDGER_CREATED)
        return code;
    const ledger_cell *debit = ledger_cell_of(b, t->debit_account),
                      *credit = ledger_cell_of(b, t->credit_account);
    if (debit == NULL)
        return GOV_LEDGER_DEBIT_ACCOUNT_NOT_FOUND;
    if (credit == NULL)
        return GOV_LEDGER_CREDIT_ACCOUNT_NOT_FOUND;
    int64_t actual_us = *at_us;
    code = against_accounts(b, t, &debit->a, &credit->a, &actual_us);
    if (code != GOV_LEDGER_CREATED)
        return code;
    int64_t amount = balanced_amount(t, &debit->a, &credit->a);
    if (t->flags & GOV_TRANSFER_BALANCING_DEBIT && debit->a.flags & GOV_ACCOUNT_LOTS) {
        const int64_t room = ledger_lots_free(b, debit, actual_us);
        amount = amount < room ? amount : room;
    }
    code = overflows(t, amount, &debit->a, &credit->a, actual_us);
    if (code == GOV_LEDGER_CREATED)
        code = against_limits(b, t, amount, debit, credit, actual_us);
    if (code != GOV_LEDGER_CREATED)
        return code;
    *at_us = actual_us;
    apply(b, t, amount, actual_us, (uint32_t)(debit - b->cells), (uint32_t)(credit - b->cells),
          LEDGER_NONE);
    return GOV_LEDGER_CREATED;
}

/* Reasons that may pass: the id stays failed, so that a repeat cannot succeed behind the back of who has given it up. */
static bool may_pass(int32_t code)
{
    switch (code) {
    case GOV_LEDGER_DEBIT_ACCOUNT_NOT_FOUND:
    case GOV_LEDGER_CREDIT_ACCOUNT_NOT_FOUND:
    case GOV_LEDGER_PENDING_TRANSFER_NOT_FOUND:
    case GOV_LEDGER_EXCEEDS_CREDITS:
    case GOV_LEDGER_EXCEEDS_DEBITS:
    case GOV_LEDGER_EXCEEDS_MIN_BALANCE:
    case GOV_LEDGER_EXCEEDS_MAX_BALANCE:
    case GOV_LEDGER_EXCEEDS_CAP:
    case GOV_LEDGER_APPROVAL_NEEDS_ANOTHER_ACTOR:
    case GOV_LEDGER_REVERSED_TRANSFER_NOT_FOUND:
    case GOV_LEDGER_TRANSFER_ALREADY_REVERSED: /* what waits to take it back may be voided */
    case GOV_LEDGER_EXCEEDS_REVERSED_TRANSFER_AMOUNT:
    case GOV_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED:
    case GOV_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED: return true;
    default: return false;
    }
}

/* ---- batches ---- */

typedef struct event_view {
    const ledger_account *accounts; /* one of the two */
    const ledger_transfer *transfers;
} event_view;

static uint32_t flags_of(const event_view *v, size_t i)
{
    return v->accounts != NULL ? v->accounts[i].flags : v->transfers[i].flags;
}

static bool imported(const event_view *v, size_t i)
{
    return (flags_of(v, i) &
            (v->accounts != NULL ? GOV_ACCOUNT_IMPORTED : GOV_TRANSFER_IMPORTED)) != 0;
}

static int32_t decide_one(ledger_book *b, const event_view *v, size_t i, int64_t end_us,
                          int64_t *at_us)
{
    const int64_t given =
        v->accounts != NULL ? v->accounts[i].timestamp : v->transfers[i].timestamp;
    if (imported(v, i) != imported(v, 0))
        return imported(v, i) ? GOV_LEDGER_IMPORTED_EVENT_NOT_EXPECTED
                              : GOV_LEDGER_IMPORTED_EVENT_EXPECTED;
    if (imported(v, i)) {
        if (given < 1)
            return GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE;
        if (given >= end_us)
            return GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE;
    } else if (given != 0) {
        return GOV_LEDGER_TIMESTAMP_MUST_BE_ZERO;
    }
    return v->accounts != NULL ? create_account(b, &v->accounts[i], at_us)
                               : create_transfer(b, &v->transfers[i], at_us);
}

static void remember_failure(ledger_book *b, const ledger_transfer *t, int32_t code)
{
    if (!may_pass(code) || ledger_row_of(b, t->id) != NULL)
        return;
    ledger_row *r = ledger_row_add(b, t->id);
    r->t.ledger = t->ledger;
    r->kind = LEDGER_FAILED;
    r->fresh = true;
}

static void decide(ledger_book *b, const event_view *v, size_t n, int64_t first_us,
                   ledger_result *results)
{
    const uint32_t linked = GOV_TRANSFER_LINKED; /* the same bit in both */
    size_t chain = n;                            /* where the open chain began; n: none */
    bool broken = false;
    for (size_t i = 0; i < n; i++) {
        int64_t at_us = first_us + (int64_t)i;
        int32_t code;
        b->warnings = 0;
        const bool links = (flags_of(v, i) & linked) != 0;
        if (links && chain == n) {
            chain = i;
            ledger_chain_open(b);
        }
        if (links && i == n - 1)
            code = GOV_LEDGER_LINKED_EVENT_CHAIN_OPEN;
        else if (broken)
            code = GOV_LEDGER_LINKED_EVENT_FAILED;
        else
            code = decide_one(b, v, i, first_us + (int64_t)n - 1, &at_us);
        if (code != GOV_LEDGER_CREATED && chain != n && !broken) {
            broken = true;
            ledger_chain_close(b, false);
            for (size_t j = chain; j < i; j++) {
                results[j].code = GOV_LEDGER_LINKED_EVENT_FAILED;
                results[j].warnings = 0;
            }
        }
        if (code != GOV_LEDGER_CREATED && v->transfers != NULL)
            remember_failure(b, &v->transfers[i], code);
        const bool known = code == GOV_LEDGER_CREATED || code == GOV_LEDGER_EXISTS;
        results[i] = (ledger_result){.timestamp = known ? at_us : first_us + (int64_t)i,
                                     .code = code,
                                     .warnings = code == GOV_LEDGER_CREATED ? b->warnings : 0};
        if (chain != n && (!links || code == GOV_LEDGER_LINKED_EVENT_CHAIN_OPEN)) {
            if (!broken)
                ledger_chain_close(b, true);
            chain = n;
            broken = false;
        }
    }
}

static bool any_linked(const event_view *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (flags_of(v, i) & GOV_TRANSFER_LINKED)
            return true;
    return false;
}

gov_status ledger_decide_accounts(ledger_book *b, const ledger_account *events, size_t n,
                                  int64_t first_us, ledger_result *results, const diag *d)
{
    const event_view v = {.accounts = events};
    if (!ledger_book_reserve(b, n, 0, any_linked(&v, n) ? n : 0))
        return base_nomem(d);
    decide(b, &v, n, first_us, results);
    return b->failed ? base_nomem(d) : GOV_OK;
}

gov_status ledger_decide_transfers(ledger_book *b, const ledger_transfer *events, size_t n,
                                   int64_t first_us, ledger_result *results, const diag *d)
{
    const event_view v = {.transfers = events};
    /* Five notes at most for each event: a row, a clock, two accounts, a status. A failure takes a row too. */
    if (!ledger_book_reserve(b, 0, n, any_linked(&v, n) ? 5 * n : 0))
        return base_nomem(d);
    decide(b, &v, n, first_us, results);
    return b->failed ? base_nomem(d) : GOV_OK;
}

void ledger_decide_expiry(ledger_book *b, uint32_t row, int64_t at_us)
{
    const ledger_row *p = &b->rows[row];
    const ledger_transfer t = {.debit_account = p->t.debit_account,
                               .credit_account = p->t.credit_account,
                               .pending_id = p->t.id,
                               .subject = p->t.subject,
                               .reference = p->t.reference,
                               .effective_at = p->due_us,
                               .reason = p->t.reason,
                               .ledger = p->t.ledger,
                               .code = p->t.code,
                               .flags = LEDGER_EXPIRED};
    const int64_t released = p->t.amount;
    ledger_row *r = append(b, &t, at_us, p->debit, p->credit);
    r->kind = LEDGER_EXPIRY;
    r->released = released;
    r->pending = row;
    resolve_pending(b, r, LEDGER_LAPSED);
}

bool ledger_decide_breakage(ledger_book *b, uint32_t lot, int64_t at_us)
{
    const ledger_lot *from = &b->lots[lot];
    const uint32_t account = ledger_index_get(&b->accounts, from->account);
    const int64_t amount = from->left;
    const ledger_account *a = &b->cells[account].a;
    const uint32_t breakage = ledger_index_get(&b->accounts, a->breakage);
    if (breakage == LEDGER_NONE || amount > INT64_MAX - b->cells[breakage].a.credits_posted -
                                                b->cells[breakage].a.credits_pending)
        return false;
    /* A store gives it an id; in memory it takes one that nobody has. */
    int64_t id = b->memory ? INT64_MAX - 1 - (int64_t)b->row_count : 0;
    while (b->memory && ledger_row_of(b, id) != NULL)
        id--;
    const ledger_transfer t = {.id = id,
                               .debit_account = a->id,
                               .credit_account = a->breakage,
                               .amount = amount,
                               .effective_at = from->expires_us,
                               .ledger = a->ledger,
                               .code = a->code,
                               .flags = LEDGER_BREAKAGE};
    const ledger_row *r = append(b, &t, at_us, account, breakage);
    b->cells[account].a.debits_posted += amount;
    b->cells[breakage].a.credits_posted += amount;
    b->lots[lot].left = 0;
    b->lots[lot].moved = true;
    ledger_use_add(b, (uint32_t)(r - b->rows), lot, amount, 0);
    return true;
}
