/* A programme's accounts: whose they are, what they hold, what they have earned. */
#include "points/points.h"

#include <string.h>

gov_status points_holder(gov *g, const points_programme *p, int64_t record, int64_t *holder,
                         const diag *d)
{
    registry_record r;
    *holder = 0;
    if (record > 0) {
        const gov_status rc = registry_load(g, record, &g->scratch, &r, d);
        if (rc != GOV_OK)
            return rc;
        const bool resident = strcmp(r.kind, GOV_KIND_RESIDENT) == 0;
        const value household = value_get_text(r.doc, GOV_KIND_HOUSEHOLD);
        if (p->holder != NULL ? strcmp(r.kind, p->holder) == 0 : resident || strcmp(r.kind, GOV_KIND_HOUSEHOLD) == 0)
            *holder = record;
        else if (resident && p->holder != NULL && strcmp(p->holder, GOV_KIND_HOUSEHOLD) == 0 && household.kind == VALUE_INT)
            *holder = household.as.i;
    }
    if (*holder == 0)
        return base_fail(d, M_points_holder, A_S("programme", p->name), A_S("kind", p->holder != NULL ? p->holder : "resident"));
    return GOV_OK;
}

gov_status points_hold(gov *g, const points_programme *p, bool with_goods, const diag *d)
{
    ledger *l;
    const bool first = with_goods && p->goods != 0 && p->goods < p->book;
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK && first)
        rc = ledger_hold(l, p->goods, d);
    if (rc == GOV_OK)
        rc = ledger_hold(l, p->book, d);
    if (rc == GOV_OK && with_goods && p->goods != 0 && !first)
        rc = ledger_hold(l, p->goods, d);
    return rc;
}

gov_status points_own_account(gov *g, const points_programme *p, uint32_t code, int64_t *account, const diag *d)
{
    const ledger_account wanted = {.ledger = p->book, .code = code, .subject = p->book};
    return ledger_account_for(g, &wanted, account, d);
}

gov_status points_account(gov *g, const points_programme *p, int64_t holder, bool make, int64_t *account, const diag *d)
{
    ledger *l;
    ledger_account wanted = {.ledger = p->book, .code = POINTS_CODE_HOLDER, .subject = holder};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_find_account(l, p->book, holder, POINTS_CODE_HOLDER, account, d);
    if (rc != GOV_OK || *account != 0 || !make)
        return rc;
    if (!p->owes)
        wanted.flags = GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS;
    if (p->expires.kind != POINTS_NEVER) {
        wanted.flags |= GOV_ACCOUNT_LOTS;
        rc = points_own_account(g, p, POINTS_CODE_BREAKAGE, &wanted.breakage, d);
    }
    return rc == GOV_OK ? ledger_account_for(g, &wanted, account, d) : rc;
}

gov_status points_state_of(gov *g, uint32_t book, int64_t holder, points_state *out, const diag *d)
{
    ledger *l;
    ledger_account a = {0};
    int64_t past = 0;
    *out = (points_state){0};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_find_account(l, book, holder, POINTS_CODE_HOLDER, &out->account, d);
    if (rc == GOV_OK && out->account != 0)
        rc = ledger_lookup_accounts(l, &out->account, 1, &a, d);
    if (rc == GOV_OK && a.flags & GOV_ACCOUNT_LOTS)
        rc = ledger_lots_past(l, out->account, access_now(g), &past, d);
    out->locked = a.debits_pending;
    out->balance = a.credits_posted - a.debits_posted - a.debits_pending - past;
    return rc;
}

gov_status points_balance(gov *g, uint32_t book, int64_t holder, int64_t *balance, const diag *d)
{
    points_state s;
    const gov_status rc = points_state_of(g, book, holder, &s, d);
    *balance = s.balance;
    return rc;
}

/* What was taken back is gone from the period in which it was earned, whenever it is taken back: its room does not move on. */
static gov_status earned_in(ledger *l, const points_span *span, const ledger_transfer *t, bool *in, const diag *d)
{
    ledger_transfer was = {0};
    *in = true;
    if (t->reversal_of == 0 || span->from_us <= 0)
        return GOV_OK;
    const gov_status rc = ledger_lookup_transfers(l, &t->reversal_of, 1, &was, d);
    *in = was.timestamp >= span->from_us;
    return rc;
}

gov_status points_earned(gov *g, const points_span *span, int64_t *sum, const diag *d)
{
    enum { PAGE = 128 };
    ledger *l;
    size_t count = PAGE;
    const uint32_t code = span->takes ? POINTS_CODE_DEDUCTION : POINTS_CODE_AWARD;
    ledger_filter f = {.account = span->account,
                       .timestamp_min = span->from_us > 0 ? span->from_us : 0,
                       .subject = span->case_id,
                       .reason = span->reason};
    ledger_transfer *rows = base_arena_array(&g->scratch, PAGE, sizeof *rows);
    gov_status rc = rows != NULL ? ledger_of(g, &l, d) : base_nomem(d);
    *sum = 0;
    while (rc == GOV_OK && count == PAGE) {
        rc = ledger_account_transfers(l, &f, rows, PAGE, &count, d);
        for (size_t i = 0; i < count && rc == GOV_OK; i++) {
            bool in;
            if (rows[i].code != code || rows[i].flags & LEDGER_BREAKAGE)
                continue;
            rc = earned_in(l, span, &rows[i], &in, d);
            if (rc != GOV_OK || !in)
                continue;
            if (!(rows[i].reversal_of == 0 ? base_add(*sum, rows[i].amount, sum) : base_sub(*sum, rows[i].amount, sum)))
                rc = base_fail(d, M_overflow, A_S("what", "points"));
        }
        if (count > 0)
            f.timestamp_min = rows[count - 1].timestamp + 1;
    }
    return rc;
}

gov_status points_post(gov *g, ledger_transfer *t, size_t n, const ledger_note *note, int32_t *code, size_t *failed, const diag *d)
{
    enum { MOST = 4 };
    ledger_result results[MOST];
    gov_status rc = n <= MOST ? GOV_OK : base_fail(d, M_internal, A_S("what", "a chain of transfers"));
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        t[i].flags |= i + 1 < n ? GOV_TRANSFER_LINKED : 0;
        if (t[i].id == 0)
            rc = access_new_id(g, &t[i].id, d);
    }
    if (rc == GOV_OK)
        rc = ledger_post(g, t, n, note, results, d);
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        if (results[i].code == GOV_LEDGER_CREATED || results[i].code == GOV_LEDGER_LINKED_EVENT_FAILED)
            continue;
        if (code == NULL)
            return base_fail(d, M_points_refused, A_S("result", gov_ledger_result_name(results[i].code)));
        *code = results[i].code;
        *failed = i;
        return GOV_OK;
    }
    if (code != NULL)
        *code = GOV_LEDGER_CREATED;
    return rc;
}

/* ---- all accounts ---- */

typedef struct own_sums {
    int64_t count, held;
    ledger_account a[POINTS_CODE_BREAKAGE + 1]; /* by code */
} own_sums;

static gov_status own_accounts(gov *g, const points_programme *p, own_sums *out, const diag *d)
{
    ledger *l;
    *out = (own_sums){0};
    gov_status rc = ledger_of(g, &l, d);
    for (uint32_t code = POINTS_CODE_ISSUER; code <= POINTS_CODE_BREAKAGE && rc == GOV_OK; code++) {
        int64_t id = 0;
        rc = ledger_find_account(l, p->book, p->book, code, &id, d);
        if (rc != GOV_OK || id == 0)
            continue;
        rc = ledger_lookup_accounts(l, &id, 1, &out->a[code], d);
        out->count++;
        out->held += out->a[code].credits_posted - out->a[code].debits_posted;
    }
    return rc;
}

static int64_t gained(const own_sums *own, uint32_t code)
{
    return own->a[code].credits_posted - own->a[code].debits_posted;
}

gov_status points_total_of(gov *g, const points_programme *p, points_total *out, const diag *d)
{
    ledger *l;
    own_sums own;
    ledger_sums sums = {0};
    size_t count = 0;
    *out = (points_total){.programme = p};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = own_accounts(g, p, &own, d);
    if (rc == GOV_OK)
        rc = ledger_sum(l, (int64_t)p->book - 1, &sums, 1, &count, d);
    if (rc != GOV_OK || count == 0 || sums.book != p->book)
        return rc;
    out->holders = sums.accounts - own.count;
    out->given = -gained(&own, POINTS_CODE_ISSUER);
    out->taken = gained(&own, POINTS_CODE_TAKEN);
    out->spent = gained(&own, POINTS_CODE_SHOP);
    out->expired = gained(&own, POINTS_CODE_BREAKAGE);
    out->sum = sums.credits_posted - sums.debits_posted;
    /* What the accounts themselves add up to, not what the programme's own say they should. */
    out->out = out->sum - own.held;
    return GOV_OK;
}
