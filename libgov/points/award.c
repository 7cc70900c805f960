/* Giving and taking points, taking either back, and passing points on. */
#include "points/points.h"

#include <string.h>

/* ---- how many ---- */

gov_status points_amount(gov *g, const points_gift *gift, int64_t *out, const diag *d)
{
    const points_asking who = {gift->quantity, gift->holder};
    value v;
    *out = gift->amount;
    if (gift->amount != POINTS_BY_RULE && gift->rule->amount != NULL && gift->rule->takes) /* nobody is taken more than is written */
        return base_fail_at(d, gift->place, M_points_fixed, A_S("rule", gift->rule->name));
    if (gift->amount == POINTS_BY_RULE) {
        if (gift->rule->amount == NULL)
            return base_fail_at(d, gift->place, M_points_no_amount, A_S("rule", gift->rule->name));
        const gov_status rc = points_eval(g, gift->programme, gift->rule->amount, &who, &v, d);
        if (rc != GOV_OK)
            return rc;
        *out = v.kind == VALUE_INT ? v.as.i : -1;
    }
    return *out < 0 ? base_fail_at(d, gift->place, M_points_amount, A_I("points", *out)) : GOV_OK;
}

static gov_status holds(gov *g, const points_gift *gift, bool *out, const diag *d)
{
    const points_asking who = {gift->quantity, gift->holder};
    value v;
    *out = true;
    if (gift->when_known || gift->rule->when == NULL)
        return GOV_OK;
    const gov_status rc = points_eval(g, gift->programme, gift->rule->when, &who, &v, d);
    *out = rc == GOV_OK && v.kind == VALUE_BOOL && v.as.b;
    return rc;
}

/* What one cap leaves of `room`; reason 0: the cap is over all that is earned. */
static gov_status under_cap(gov *g, const points_gift *gift, const points_cap *cap, int64_t account, uint32_t reason, int64_t *room,
                            const diag *d)
{
    const points_programme *p = gift->programme;
    const points_asking who = {gift->quantity, gift->holder};
    points_span span = {.account = account, .reason = reason};
    int64_t most, earned, elsewhere = 0;
    if (cap->amount == NULL || (cap->per == POINTS_CASE && gift->case_id == 0))
        return GOV_OK;
    gov_status rc = points_int(g, p, cap->amount, &who, &most, d);
    if (rc == GOV_OK)
        rc = points_period_start(g, cap->per, &span.from_us, d);
    if (cap->per == POINTS_CASE) {
        span.case_id = gift->case_id;
        span.from_us = gift->since_us;
    }
    if (rc == GOV_OK)
        rc = points_earned(g, &span, &earned, d);
    if (rc == GOV_OK && cap->per == POINTS_CASE) /* who has another account now has still earned it in this case */
        rc = points_earned_elsewhere(g, gift, account, reason == 0, &elsewhere, d);
    if (rc == GOV_OK && !base_add(earned, elsewhere, &earned))
        earned = INT64_MAX;
    if (rc == GOV_OK && most - earned < *room)
        *room = most > earned ? most - earned : 0;
    return rc;
}

static gov_status under_caps(gov *g, const points_gift *gift, int64_t account, uint32_t reason, int64_t *amount, const diag *d)
{
    const points_caps *lists[] = {&gift->rule->caps, &gift->programme->caps};
    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        int64_t room = *amount;
        for (uint32_t i = 0; i < lists[k]->count; i++) {
            const gov_status rc = under_cap(g, gift, &lists[k]->items[i], account, k == 0 ? reason : 0, &room, d);
            if (rc != GOV_OK)
                return rc;
        }
        if (room < *amount)
            *amount = lists[k]->refuses ? 0 : room;
    }
    return GOV_OK;
}

/* ---- moving ---- */

static value note_of(gov *g, const points_gift *gift, int64_t points, int64_t transfer)
{
    value_builder b;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "programme", value_text(gift->programme->name));
    value_builder_set(&b, "rule", value_text(gift->rule->name));
    value_builder_set(&b, "case", gift->case_id != 0 ? value_int(gift->case_id) : value_null());
    value_builder_set(&b, "points", value_int(points));
    value_builder_set(&b, "transfer", value_int(transfer));
    if (gift->evidence.kind != VALUE_ABSENT)
        value_builder_set(&b, "evidence", gift->evidence);
    return b.failed ? value_absent() : value_builder_map(&b);
}

static gov_status move(gov *g, const points_gift *gift, ledger_transfer *t, int64_t account, const diag *d)
{
    int32_t code;
    size_t failed;
    gov_status rc = access_new_id(g, &t->id, d);
    const value data = note_of(g, gift, gift->rule->takes ? -t->amount : t->amount, t->id);
    const ledger_note note = {"account", account, data};
    if (rc == GOV_OK && data.kind == VALUE_ABSENT)
        rc = base_nomem(d);
    if (rc == GOV_OK)
        rc = points_post(g, t, 1, &note, &code, &failed, d);
    if (rc != GOV_OK || code == GOV_LEDGER_CREATED)
        return rc;
    if (code == GOV_LEDGER_EXCEEDS_CREDITS)
        return base_fail_at(d, gift->place, M_points_not_enough, A_I("points", t->amount));
    return base_fail_at(d, gift->place, M_points_refused, A_S("result", gov_ledger_result_name(code)));
}

static gov_status has_lots(ledger *l, int64_t account, bool *out, const diag *d)
{
    ledger_account a = {0};
    const gov_status rc = ledger_lookup_accounts(l, &account, 1, &a, d);
    *out = (a.flags & GOV_ACCOUNT_LOTS) != 0;
    return rc;
}

static gov_status earn(gov *g, const points_gift *gift, int64_t account, ledger_transfer *t, points_given *out, const diag *d)
{
    ledger *l;
    bool lots = false;
    gov_status rc = ledger_of(g, &l, d);
    t->code = POINTS_CODE_AWARD;
    t->credit_account = account;
    t->amount = out->asked;
    if (rc == GOV_OK)
        rc = under_caps(g, gift, account, t->reason, &t->amount, d);
    out->cut = t->amount < out->asked ? "cap" : NULL;
    if (rc != GOV_OK || t->amount == 0)
        return rc;
    if (gift->programme->expires.kind != POINTS_NEVER)
        rc = has_lots(l, account, &lots, d);
    if (rc == GOV_OK)
        rc = points_own_account(g, gift->programme, POINTS_CODE_ISSUER, &t->debit_account, d);
    if (rc == GOV_OK && lots) /* an account from before the programme had an expiry keeps what never expires */
        rc = points_expiry_of(g, gift->programme, &t->expires_at, d);
    if (rc == GOV_OK)
        rc = move(g, gift, t, account, d);
    out->moved = t->amount;
    out->transfer = t->id;
    if (rc == GOV_OK && gift->case_id != 0)
        rc = points_keep_earned(g, gift, account, out, d);
    return rc == GOV_OK ? points_expect(g, gift->programme, t->expires_at, d) : rc;
}

static bool says_something(value v)
{
    if (v.kind == VALUE_LIST || v.kind == VALUE_MAP)
        return v.len > 0;
    if (v.kind == VALUE_STRING)
        return !base_utf8_blank(v.as.s, v.len);
    return v.kind != VALUE_ABSENT && v.kind != VALUE_NULL;
}

static bool proven(const points_gift *gift)
{
    return gift->rule->unproven || gift->case_id != 0 || says_something(gift->evidence);
}

static gov_status take(gov *g, const points_gift *gift, int64_t account, int64_t holder, ledger_transfer *t, points_given *out,
                       const diag *d)
{
    int64_t there = 0;
    if (!proven(gift))
        return base_fail_at(d, gift->place, M_points_evidence, A_S("rule", gift->rule->name));
    t->code = POINTS_CODE_DEDUCTION;
    t->debit_account = account;
    t->amount = out->asked;
    gov_status rc = points_balance(g, t->ledger, holder, &there, d);
    if (rc == GOV_OK && gift->rule->if_short != POINTS_OWE && there < t->amount) {
        if (gift->rule->if_short == POINTS_REFUSE)
            return base_fail_at(d, gift->place, M_points_not_enough, A_I("points", t->amount));
        t->amount = there > 0 ? there : 0;
        out->cut = "short";
    }
    if (rc == GOV_OK && t->amount > 0)
        rc = points_own_account(g, gift->programme, POINTS_CODE_TAKEN, &t->credit_account, d);
    if (rc == GOV_OK && t->amount > 0)
        rc = move(g, gift, t, account, d);
    if (rc != GOV_OK || t->amount == 0)
        return rc;
    out->moved = t->amount;
    out->transfer = t->id;
    return points_keep_deduction(g, gift, holder, out, d);
}

gov_status points_give(gov *g, const points_gift *gift, points_given *out, const diag *d)
{
    ledger *l;
    int64_t holder, account;
    bool due;
    ledger_transfer t = {.subject = gift->case_id, .ledger = gift->programme->book};
    *out = (points_given){0};
    gov_status rc = points_holder(g, gift->programme, gift->holder, &holder, d);
    if (rc == GOV_OK)
        rc = points_amount(g, gift, &out->asked, d);
    if (rc == GOV_OK)
        rc = holds(g, gift, &due, d);
    if (rc != GOV_OK || out->asked == 0)
        return rc;
    if (!due) {
        out->cut = "when";
        return GOV_OK;
    }
    rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = points_hold(g, gift->programme, false, d);
    if (rc == GOV_OK)
        rc = points_account(g, gift->programme, holder, true, &account, d);
    if (rc == GOV_OK)
        rc = ledger_reason_number(l, t.ledger, gift->rule->name, &t.reason, d);
    if (rc != GOV_OK)
        return rc;
    rc = gift->rule->takes ? take(g, gift, account, holder, &t, out, d) : earn(g, gift, account, &t, out, d);
    if (rc == GOV_OK && t.amount > 0) {
        out->moved = t.amount;
        out->transfer = t.id;
    }
    return rc;
}

/* ---- taking back, passing on ---- */

/* Of an award what nobody has taken back yet, and how much of that is there: in its own lots, or (points that never expire are one sum) in
 * the account, as far as it is not reserved and may not go below zero. */
static gov_status left_of(gov *g, ledger *l, const ledger_transfer *was, int64_t *open, int64_t *there, const diag *d)
{
    ledger_account a = {0};
    int64_t back, in_lots;
    gov_status rc = ledger_left_of(l, was->id, access_now(g), &back, &in_lots, d);
    *open = *there = was->amount;
    if (rc == GOV_OK && was->code == POINTS_CODE_AWARD)
        rc = ledger_lookup_accounts(l, &was->credit_account, 1, &a, d);
    if (rc != GOV_OK)
        return rc;
    *open = *there = was->amount - back;
    const int64_t free = a.credits_posted - a.debits_posted - a.debits_pending;
    if (a.flags & GOV_ACCOUNT_LOTS)
        *there = in_lots < *there ? in_lots : *there;
    else if (a.flags & GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS)
        *there = free < *there ? free : *there;
    return GOV_OK;
}

static gov_status not_there(int64_t wanted, int64_t left, const diag *d)
{
    return left > 0 ? base_fail(d, M_points_not_enough, A_I("points", wanted), A_I("left", left))
                    : base_fail(d, M_points_not_enough, A_I("points", wanted));
}

static gov_status take_back(gov *g, const points_programme *p, const ledger_transfer *was, int64_t amount, const char *why,
                            points_taken *out, const diag *d)
{
    ledger_transfer t = {.reversal_of = was->id, .amount = amount, .ledger = p->book};
    int32_t code;
    size_t failed;
    const value_pair data[] = {{value_text("programme"), value_text(p->name)},
                               {value_text("reverses"), value_int(was->id)},
                               {value_text("points"), value_int(amount)},
                               {value_text("missing"), value_int(out->missing)},
                               {value_text("reason"), value_text(base_text_or_empty(why))}};
    const ledger_note note = {"account", was->code == POINTS_CODE_AWARD ? was->credit_account : was->debit_account,
                              value_map(data, ARRAY_LEN(data))};
    const gov_status rc = points_post(g, &t, 1, &note, &code, &failed, d);
    if (rc == GOV_OK && code == GOV_LEDGER_EXCEEDS_CREDITS)
        return not_there(amount, 0, d);
    if (rc == GOV_OK && code != GOV_LEDGER_CREATED)
        return base_fail(d, M_points_refused, A_S("result", gov_ledger_result_name(code)));
    out->reversal = t.id;
    out->points = amount;
    return rc;
}

gov_status points_reverse(gov *g, const points_programme *p, int64_t transfer, const char *why, bool partly, points_taken *out,
                          const diag *d)
{
    ledger *l;
    ledger_transfer was = {0};
    int64_t open, there;
    *out = (points_taken){0};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = points_hold(g, p, false, d);
    if (rc == GOV_OK)
        rc = ledger_lookup_transfers(l, &transfer, 1, &was, d);
    if (rc != GOV_OK)
        return rc;
    if (was.id == 0 || was.ledger != p->book || was.reversal_of != 0 ||
        (was.code != POINTS_CODE_AWARD && was.code != POINTS_CODE_DEDUCTION) || was.flags & LEDGER_BREAKAGE)
        return base_fail(d, M_points_transfer_unknown, A_I("transfer", transfer));
    rc = left_of(g, l, &was, &open, &there, d);
    if (rc != GOV_OK)
        return rc;
    if (there < open && (!partly || there <= 0)) /* spent is spent: no debt is made of it, and no other award stands in for it */
        return not_there(open, there, d);
    out->missing = open - there;
    rc = take_back(g, p, &was, there > 0 ? there : INT64_MAX, why, out, d);
    if (rc == GOV_OK && was.code == POINTS_CODE_AWARD)
        return points_undo_earned(g, transfer, out->points, d);
    if (rc == GOV_OK)
        rc = points_keep_reversal(g, transfer, out->reversal, d);
    return rc == GOV_OK ? points_came(g, p, was.debit_account, d) : rc;
}

/* The household of a resident, or the household itself; 0: none. */
static gov_status home_of(gov *g, int64_t record, int64_t *home, const diag *d)
{
    registry_record r;
    const gov_status rc = registry_load(g, record, &g->scratch, &r, d);
    if (rc != GOV_OK)
        return rc;
    const value household = value_get_text(r.doc, GOV_KIND_HOUSEHOLD);
    *home = strcmp(r.kind, GOV_KIND_HOUSEHOLD) == 0 ? record : household.kind == VALUE_INT ? household.as.i : 0;
    return GOV_OK;
}

gov_status points_may_pass(gov *g, const points_programme *p, int64_t from, int64_t to, const base_place *place, const diag *d)
{
    int64_t a = 0, b = 0;
    gov_status rc = GOV_OK;
    bool may = from != to && p->passes != POINTS_STAY;
    if (may && p->passes == POINTS_WITHIN_HOUSEHOLD) {
        rc = home_of(g, from, &a, d);
        if (rc == GOV_OK)
            rc = home_of(g, to, &b, d);
        may = a != 0 && a == b;
    }
    return rc == GOV_OK && !may ? base_fail_at(d, place, M_points_stay, A_S("programme", p->name)) : rc;
}

gov_status points_pass(gov *g, const points_programme *p, int64_t from, int64_t to, int64_t amount, int64_t *transfer, const diag *d)
{
    ledger_transfer t = {.amount = amount, .ledger = p->book, .code = POINTS_CODE_GIFT};
    points_state s;
    gov_status rc = amount > 0 ? GOV_OK : base_fail(d, M_points_amount, A_I("points", amount));
    if (rc == GOV_OK)
        rc = points_holder(g, p, from, &from, d);
    if (rc == GOV_OK)
        rc = points_holder(g, p, to, &to, d);
    if (rc == GOV_OK)
        rc = points_may_pass(g, p, from, to, NULL, d);
    if (rc == GOV_OK)
        rc = points_hold(g, p, false, d);
    if (rc == GOV_OK)
        rc = points_state_of(g, p->book, from, &s, d);
    if (rc == GOV_OK && (s.account == 0 || s.balance < amount))
        return base_fail(d, M_points_not_enough, A_I("points", amount));
    if (rc == GOV_OK)
        rc = points_account(g, p, to, true, &t.credit_account, d);
    if (rc != GOV_OK)
        return rc;
    t.debit_account = s.account;
    const value_pair data[] = {{value_text("programme"), value_text(p->name)},
                               {value_text("from"), value_int(from)},
                               {value_text("to"), value_int(to)},
                               {value_text("points"), value_int(amount)}};
    const ledger_note note = {"account", s.account, value_map(data, ARRAY_LEN(data))};
    rc = points_post(g, &t, 1, &note, NULL, NULL, d);
    *transfer = t.id;
    return rc == GOV_OK ? points_came(g, p, t.credit_account, d) : rc;
}
