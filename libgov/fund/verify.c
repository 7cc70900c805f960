/* What the tables of this room say against the ledger: funds, what units owe, grants. */
#include "fund/ops.h"

#include <string.h>

static gov_status differs(const char *name, const diag *d)
{
    return base_fail(d, M_fund_uneven, A_S("fund", name));
}

/* A spending that counted was decided by somebody else than who asked, and no entry is of another instant or amount than its transfer. */
typedef struct checked {
    gov *g;
    const fund_fund *f;
} checked;

typedef struct telling {
    gov *g;
    const fund_entry *e;
    bool found, same;
} telling;

static gov_status compare_told(void *user, const journal_record *r)
{
    telling *t = user;
    value data = value_absent();
    if (strcmp(r->kind, FUND_ENTRY_PUT) != 0)
        return GOV_OK;
    t->found = true;
    t->same = r->actor == t->e->made_by;
    if (r->erased)
        return GOV_END;
    const gov_status rc = access_read_stored(t->g, &t->g->scratch, r->data_text, r->data_len, &data, NULL);
    if (rc != GOV_OK)
        return rc;
    const value named = value_get_text(data, "named");
    t->same = t->same && value_is_text(value_get_text(data, "item"), t->e->item) && named.kind == VALUE_BOOL && named.as.b == t->e->named;
    return GOV_END;
}

/* What the journal kept when the row was put. */
static gov_status verify_told(const checked *x, const fund_entry *e, const diag *d)
{
    telling t = {.g = x->g, .e = e};
    const journal_filter of = {.subject = e->id};
    const gov_status rc = journal_read(x->g->journal, &of, compare_told, &t, d);
    if (rc != GOV_OK && rc != GOV_END)
        return rc;
    return t.found && t.same ? GOV_OK : differs(x->f->name, d);
}

static gov_status verify_entry(void *user, const fund_entry *e, const diag *d)
{
    const checked *x = user;
    ledger *l;
    ledger_transfer t = {0};
    if (e->kind == FUND_ENTRY_GOODS_IN || e->kind == FUND_ENTRY_GOODS_OUT)
        return GOV_OK;
    if (e->kind != FUND_ENTRY_GIFT && (e->decided_by == 0 || e->decided_by == e->made_by))
        return differs(x->f->name, d);
    gov_status rc = ledger_of(x->g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_lookup_transfers(l, &e->id, 1, &t, d);
    if (rc != GOV_OK)
        return rc;
    const bool pending = (t.flags & GOV_TRANSFER_PENDING) != 0;
    rc = verify_told(x, e, d);
    if (rc != GOV_OK)
        return rc;
    if ((t.reversal_of != 0) != (e->kind == FUND_ENTRY_CORRECTION))
        return differs(x->f->name, d);
    if (t.id != e->id || t.ledger != x->f->book || (pending ? e->amount > t.amount || e->at_us <= t.timestamp
                                                            : e->amount != t.amount || e->at_us != t.timestamp))
        return differs(x->f->name, d);
    return GOV_OK;
}

static gov_status verify_entries(gov *g, const fund_fund *f, const diag *d)
{
    const fund_query q = {.pot = f->book, .until_us = INT64_MAX, .state = FUND_DONE};
    checked x = {g, f};
    return fund_entries(g, &q, verify_entry, &x, d);
}

/* What has come in less what was spent is what the fund has, and what waits is reserved. */
static gov_status verify_fund(gov *g, const fund_fund *f, const diag *d)
{
    int64_t account = 0, given = 0, spent = 0, promised = 0, asked = 0, corrected = 0, correcting = 0;
    ledger_account a = {0};
    gov_status rc = fund_entry_sum(g, f->book, FUND_ENTRY_GIFT, NULL, 0, &given, &promised, d);
    if (rc == GOV_OK)
        rc = fund_entry_sum(g, f->book, FUND_ENTRY_SPENDING, NULL, 0, &spent, &asked, d);
    if (rc == GOV_OK)
        rc = fund_entry_sum(g, f->book, FUND_ENTRY_CORRECTION, NULL, 0, &corrected, &correcting, d);
    if (rc == GOV_OK)
        rc = fund_existing(g, f->book, f->book, FUND_CODE_POOL, &account, d);
    if (rc == GOV_OK)
        rc = fund_balance(g, account, &a, d);
    if (rc == GOV_OK && (a.credits_posted != given || a.debits_posted != spent + corrected || a.credits_pending != promised ||
                         a.debits_pending != asked + correcting))
        return differs(f->name, d);
    return rc;
}

/* Rows of (name, account, charged, total of the plan and what was settled before it). */
static gov_status verify_portions(gov *g, const diag *d)
{
    static const store_sql sql = {
        "SELECT p.name, p.account, p.charged, n.total, n.settled FROM gov_fund_portion p LEFT JOIN gov_fund_plan n ON n.community = "
        "p.community AND n.portion = p.id AND n.ended_us IS NULL WHERE p.community = $1 AND p.account IS NOT NULL ORDER BY p.id",
        0};
    store_rows rows;
    gov_status rc = store_query(g->store, &sql, STORE_ARGS(store_i(g->community)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        ledger_account a = {0};
        const int64_t charged = store_int(&rows, 2);
        rc = fund_balance(g, store_int(&rows, 1), &a, d);
        const int64_t owed = a.debits_posted - a.credits_posted;
        const bool planned = !store_is_null(&rows, 3);
        if (rc == GOV_OK && (a.id == 0 || owed < 0 || owed > charged || (planned && store_int(&rows, 3) + store_int(&rows, 4) != charged)))
            rc = differs(store_text(&rows, 0, NULL), d);
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

static gov_status verify_grant(gov *g, int64_t id, int64_t amount, const char *title, const fund_grant *rule, const diag *d)
{
    int64_t account = 0, spent = 0, waiting;
    ledger_account a = {0};
    gov_status rc = fund_entry_sum(g, id, FUND_ENTRY_SPENDING, NULL, 0, &spent, &waiting, d);
    if (rc == GOV_OK)
        rc = fund_existing(g, rule->book, id, FUND_CODE_PURSE, &account, d);
    if (rc == GOV_OK)
        rc = fund_balance(g, account, &a, d);
    return rc == GOV_OK && (a.credits_posted != amount || a.debits_posted != spent) ? differs(title, d) : rc;
}

static gov_status verify_grants(gov *g, const fund_grant *rule, const diag *d)
{
    static const store_sql sql = {"SELECT id, amount, title FROM gov_fund_grant WHERE community = $1 AND rule = $2 AND state = 3 ORDER BY id", 0};
    store_rows rows;
    gov_status rc = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_s(rule->name)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
        rc = verify_grant(g, store_int(&rows, 0), store_int(&rows, 1), store_text(&rows, 2, NULL), rule, d);
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status fund_verify(gov *g, const diag *d)
{
    gov_status rc = GOV_OK;
    for (uint32_t i = 0; i < g->rules->section_count && rc == GOV_OK; i++) {
        const rulebook_section *s = &g->rules->sections[i];
        if (strcmp(s->kind, "fund") == 0)
            rc = (rc = verify_fund(g, s->content, d)) == GOV_OK ? verify_entries(g, s->content, d) : rc;
        else if (strcmp(s->kind, "grant") == 0)
            rc = verify_grants(g, s->content, d);
    }
    return rc == GOV_OK ? verify_portions(g, d) : rc;
}
