/* A ledger that lives in memory, on a clock that stands still unless told: what the line protocol runs without a store. */
#include "ledger/lines.h"

#include <stdlib.h>
#include <string.h>

gov_status ledger_memory_create(gov_ledger_lines *s, const ledger_account *a,
                                const ledger_transfer *t, size_t n, int64_t actor, ledger_result *r,
                                const diag *d)
{
    s->b.actor = actor;
    if (s->clock_us > INT64_MAX - (int64_t)n)
        return base_fail(d, M_ledger_clock, A_I("now", s->clock_us));
    ledger_clock *clock;
    for (size_t i = 0; a != NULL && i < n; i++)
        if (ledger_clock_of(&s->b, a[i].ledger) == NULL &&
            !ledger_clock_add(&s->b, a[i].ledger, &clock))
            return base_nomem(d);
    const gov_status rc = a != NULL ? ledger_decide_accounts(&s->b, a, n, s->clock_us + 1, r, d)
                                    : ledger_decide_transfers(&s->b, t, n, s->clock_us + 1, r, d);
    if (rc == GOV_OK)
        s->clock_us += (int64_t)n;
    return rc;
}

/* ---- time ---- */

typedef struct due {
    int64_t us;
    uint32_t row;
} due;

static int by_due(const void *a, const void *b)
{
    const due *x = a, *y = b;
    if (x->us != y->us)
        return x->us < y->us ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int by_expiry(const void *a, const void *b)
{
    return by_due(a, b);
}

/* Lots go to breakage after the reservations that return to them have expired. */
static gov_status sweep(gov_ledger_lines *s, int64_t at_us, const diag *d)
{
    ledger_book *b = &s->b;
    size_t n = 0;
    due *list = base_arena_array(&s->arena, b->lot_count + 1, sizeof *list);
    if (list == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < b->lot_count; i++)
        if (b->lots[i].left > 0 && b->lots[i].expires_us <= s->clock_us)
            list[n++] = (due){b->lots[i].expires_us, (uint32_t)i};
    qsort(list, n, sizeof *list, by_expiry);
    if (!ledger_book_reserve(b, 0, n, 0))
        return base_nomem(d);
    for (size_t i = 0; i < n; i++) {
        int64_t next_us = at_us < s->clock_us ? at_us + 1 : at_us;
        next_us = list[i].us > next_us ? list[i].us : next_us;
        if (ledger_decide_breakage(b, list[i].row, next_us))
            at_us = next_us;
    }
    return b->failed ? base_nomem(d) : GOV_OK;
}

/* Each expires at its due instant, or just after what happened before. */
gov_status ledger_memory_advance(gov_ledger_lines *s, int64_t us, const diag *d)
{
    ledger_book *b = &s->b;
    if (us > INT64_MAX - s->clock_us)
        return base_fail(d, M_ledger_clock, A_I("now", s->clock_us));
    const int64_t before_us = s->clock_us, now_us = before_us + us;
    size_t n = 0;
    for (size_t i = 0; i < b->row_count; i++)
        n += b->rows[i].kind == LEDGER_LIVE && b->rows[i].status == LEDGER_PENDING &&
             b->rows[i].due_us != 0 && b->rows[i].due_us <= now_us;
    due *list = base_arena_array(&s->arena, n + 1, sizeof *list);
    if (list == NULL || !ledger_book_reserve(b, 0, n, 0))
        return base_nomem(d);
    n = 0;
    for (size_t i = 0; i < b->row_count; i++)
        if (b->rows[i].kind == LEDGER_LIVE && b->rows[i].status == LEDGER_PENDING &&
            b->rows[i].due_us != 0 && b->rows[i].due_us <= now_us)
            list[n++] = (due){b->rows[i].due_us, (uint32_t)i};
    qsort(list, n, sizeof *list, by_due);
    int64_t at_us = before_us;
    for (size_t i = 0; i < n; i++) {
        at_us = at_us < now_us ? at_us + 1 : at_us;
        at_us = list[i].us > at_us ? list[i].us : at_us;
        ledger_decide_expiry(b, list[i].row, at_us);
    }
    s->clock_us = now_us;
    return sweep(s, at_us, d);
}

/* ---- balances by force ---- */

gov_status ledger_memory_set(gov_ledger_lines *s, const ledger_account *balances, const diag *d)
{
    ledger_cell *c = ledger_cell_of(&s->b, balances->id);
    if (c == NULL)
        return base_fail(d, M_ledger_line, A_S("what", "set_balances names no account"));
    if (balances->debits_pending > INT64_MAX - balances->debits_posted ||
        balances->credits_pending > INT64_MAX - balances->credits_posted)
        return base_fail(d, M_ledger_line,
                         A_S("what", "set_balances: pending and posted together exceed 63 bits"));
    if (!base_grow(s->alloc, &s->adjusted, &s->adjusted_cap, s->adjusted_count,
                   sizeof *s->adjusted))
        return base_nomem(d);
    s->adjusted[s->adjusted_count++] =
        (ledger_adjustment){s->b.row_count,
                            (uint32_t)(c - s->b.cells),
                            {balances->debits_pending, balances->debits_posted,
                             balances->credits_pending, balances->credits_posted}};
    c->a.debits_pending = balances->debits_pending;
    c->a.debits_posted = balances->debits_posted;
    c->a.credits_pending = balances->credits_pending;
    c->a.credits_posted = balances->credits_posted;
    return GOV_OK;
}

/* ---- looking ---- */

bool ledger_query_matches(const ledger_query *q, const ledger_transfer *t)
{
    if (q->account != 0 && !(q->debits && t->debit_account == q->account) &&
        !(q->credits && t->credit_account == q->account))
        return false;
    return (q->subject == 0 || t->subject == q->subject) &&
           (q->reference == 0 || t->reference == q->reference) &&
           (q->reason == 0 || t->reason == q->reason) &&
           (q->ledger == 0 || t->ledger == q->ledger) && (q->code == 0 || t->code == q->code);
}

static bool within(const ledger_query *q, int64_t us)
{
    return us >= q->from_us && (q->to_us == 0 || us <= q->to_us);
}

/* Those that answer a query, by their instants: ledgers are imported one after the other, each with its own past. */
typedef struct found {
    int64_t us, tie; /* accounts of one instant are in the order of their ids, over a store too */
    size_t at;
} found;

static int by_time(const void *a, const void *b)
{
    const found *x = a, *y = b;
    if (x->us != y->us)
        return x->us < y->us ? -1 : 1;
    if (x->tie != y->tie)
        return x->tie < y->tie ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The first ones asked for, at most `cap`, to the front of the list. */
static size_t first_found(found *list, size_t n, size_t cap, bool reversed)
{
    qsort(list, n, sizeof *list, by_time);
    for (size_t i = 0; reversed && i < n / 2; i++) {
        const found f = list[i];
        list[i] = list[n - 1 - i];
        list[n - 1 - i] = f;
    }
    return n < cap ? n : cap;
}

gov_status ledger_memory_accounts(gov_ledger_lines *s, const ledger_query *q, ledger_account *out,
                                  size_t cap, size_t *count, const diag *d)
{
    found *list = base_arena_array(&s->arena, s->b.cell_count + 1, sizeof *list);
    size_t n = 0;
    if (list == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < s->b.cell_count; i++) {
        const ledger_account *a = &s->b.cells[i].a;
        if (a->id != 0 && within(q, a->timestamp) &&
            (q->subject == 0 || a->subject == q->subject) &&
            (q->reference == 0 || a->reference == q->reference) &&
            (q->reason == 0 || a->reason == q->reason) &&
            (q->ledger == 0 || a->ledger == q->ledger) && (q->code == 0 || a->code == q->code))
            list[n++] = (found){a->timestamp, a->id, i};
    }
    *count = first_found(list, n, cap, q->reversed);
    for (size_t i = 0; i < *count; i++)
        out[i] = s->b.cells[list[i].at].a;
    return GOV_OK;
}

gov_status ledger_memory_transfers(gov_ledger_lines *s, const ledger_query *q, ledger_transfer *out,
                                   size_t cap, size_t *count, const diag *d)
{
    found *list = base_arena_array(&s->arena, s->b.row_count + 1, sizeof *list);
    size_t n = 0;
    if (list == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < s->b.row_count; i++) {
        const ledger_row *r = &s->b.rows[i];
        if (r->kind == LEDGER_LIVE && within(q, r->t.timestamp) && ledger_query_matches(q, &r->t))
            list[n++] = (found){r->t.timestamp, 0, i};
    }
    *count = first_found(list, n, cap, q->reversed);
    for (size_t i = 0; i < *count; i++)
        out[i] = s->b.rows[list[i].at].t;
    return GOV_OK;
}

/* ---- changes: everything is done again from the beginning ---- */

ledger_change_kind ledger_change_of(const ledger_row *r)
{
    if (r->kind == LEDGER_EXPIRY)
        return LEDGER_CHANGE_EXPIRED;
    return r->t.flags & GOV_TRANSFER_PENDING        ? LEDGER_CHANGE_PENDING
           : r->t.flags & GOV_TRANSFER_POST_PENDING ? LEDGER_CHANGE_POSTED
           : r->t.flags & GOV_TRANSFER_VOID_PENDING ? LEDGER_CHANGE_VOIDED
                                                    : LEDGER_CHANGE_SINGLE;
}

typedef struct again {
    int64_t balance[4];
    bool closed;
} again;

static void redo(const ledger_book *b, const ledger_row *r, again *cells)
{
    const uint32_t at[2] = {r->debit, r->credit};
    const ledger_row *p = r->pending != LEDGER_NONE ? &b->rows[r->pending] : NULL;
    const uint32_t closing[2] = {GOV_TRANSFER_CLOSING_DEBIT, GOV_TRANSFER_CLOSING_CREDIT};
    const bool opens = r->kind == LEDGER_EXPIRY || r->t.flags & GOV_TRANSFER_VOID_PENDING;
    for (int side = 0; side < 2; side++) {
        int64_t change[4];
        again *c = &cells[at[side]];
        ledger_effect(r, side, change);
        for (int i = 0; i < 4; i++)
            c->balance[i] += change[i];
        if (r->t.flags & closing[side])
            c->closed = true;
        if (opens && p != NULL && p->t.flags & closing[side])
            c->closed = false;
    }
}

static void take_change(const ledger_row *r, const again *cells, ledger_changed *out)
{
    *out = (ledger_changed){.kind = ledger_change_of(r), .t = r->t, .amount = r->t.amount};
    if (r->kind == LEDGER_EXPIRY)
        out->amount = r->released;
    const again *c[2] = {&cells[r->debit], &cells[r->credit]};
    for (int side = 0; side < 2; side++) {
        memcpy(out->balance[side], c[side]->balance, sizeof c[side]->balance);
        out->closed[side] = c[side]->closed;
    }
}

/* Which rows are asked for: wanted[i] is the place of row i in the answer, and 1 more; 0: none. */
static gov_status wanted_changes(gov_ledger_lines *s, const ledger_query *q, size_t cap,
                                 size_t *wanted, size_t *count, const diag *d)
{
    const ledger_book *b = &s->b;
    found *list = base_arena_array(&s->arena, b->row_count + 1, sizeof *list);
    size_t n = 0;
    if (list == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < b->row_count; i++) {
        const ledger_row *r = &b->rows[i];
        /* Expiries are no transfers: a statement of balances passes them over. */
        if ((r->kind == LEDGER_LIVE || (r->kind == LEDGER_EXPIRY && q->account == 0)) &&
            within(q, r->t.timestamp) && ledger_query_matches(q, &r->t))
            list[n++] = (found){r->t.timestamp, 0, i};
    }
    *count = first_found(list, n, cap, q->reversed);
    for (size_t i = 0; i < *count; i++)
        wanted[list[i].at] = i + 1;
    return GOV_OK;
}

gov_status ledger_memory_changes(gov_ledger_lines *s, const ledger_query *q, ledger_changed *out,
                                 size_t cap, size_t *count, const diag *d)
{
    const ledger_book *b = &s->b;
    again *cells = base_arena_array(&s->arena, b->cell_count + 1, sizeof *cells);
    size_t *wanted = base_arena_array(&s->arena, b->row_count + 1, sizeof *wanted);
    size_t adjusted = 0;
    *count = 0;
    if (cells == NULL || wanted == NULL)
        return base_nomem(d);
    const gov_status rc = wanted_changes(s, q, cap, wanted, count, d);
    for (size_t i = 0; i < b->row_count && rc == GOV_OK; i++) {
        for (; adjusted < s->adjusted_count && s->adjusted[adjusted].row <= i; adjusted++)
            memcpy(cells[s->adjusted[adjusted].cell].balance, s->adjusted[adjusted].balance,
                   sizeof cells->balance);
        const ledger_row *r = &b->rows[i];
        if (r->kind != LEDGER_LIVE && r->kind != LEDGER_EXPIRY)
            continue;
        redo(b, r, cells);
        if (wanted[i] != 0)
            take_change(r, cells, &out[wanted[i] - 1]);
    }
    return rc;
}
