/* What the tables of this room say against the ledger: funds, what units owe, grants. */
#include "fund/ops.h"

#include <string.h>

static gov_status differs(const char *name, const diag *d)
{
    return base_fail(d, M_fund_uneven, A_S("fund", name));
}

/* A spending that counted was decided by somebody else than who asked, and so was its correction; no entry is of another instant or amount
 * than the transfer that moved it, nor tells anything else than the journal kept of it. */
typedef struct checked {
    gov *g;
    const char *name;
    uint32_t book;
    bool two; /* people: of a fund */
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
    const value named = value_get_text(data, "named"), corrects = value_get_text(data, "corrects");
    t->same = t->same && value_is_text(value_get_text(data, "item"), t->e->item) && named.kind == VALUE_BOOL && named.as.b == t->e->named &&
              (corrects.kind == VALUE_INT ? corrects.as.i : 0) == t->e->corrects;
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
    return t.found && t.same ? GOV_OK : differs(x->name, d);
}

/* began: the transfer of the entry's own id; moved: the one that moved the money, where that is another one. */
static bool is_of(const checked *x, const fund_entry *e, const ledger_transfer *began, const ledger_transfer *moved)
{
    const bool pending = (began->flags & GOV_TRANSFER_PENDING) != 0;
    if (began->id != e->id || moved->id == 0 || moved->id != e->transfer || began->ledger != x->book)
        return false;
    if (pending ? moved->pending_id != e->id || !(moved->flags & GOV_TRANSFER_POST_PENDING) : moved->id != e->id)
        return false;
    return moved->amount == e->amount && moved->timestamp == e->at_us && began->reversal_of == e->corrects_transfer;
}

static gov_status verify_entry(void *user, const fund_entry *e, const diag *d)
{
    const checked *x = user;
    const unsigned kind = e->kind & ~(unsigned)FUND_CORRECTS;
    const int64_t ids[] = {e->id, e->transfer};
    ledger *l;
    ledger_transfer t[2] = {{0}, {0}};
    gov_status rc = verify_told(x, e, d);
    if (rc != GOV_OK || kind == FUND_ENTRY_GOODS_IN || kind == FUND_ENTRY_GOODS_OUT)
        return rc;
    if (x->two && e->kind != FUND_ENTRY_GIFT && (e->decided_by == 0 || e->decided_by == e->made_by))
        return differs(x->name, d);
    rc = ledger_of(x->g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_lookup_transfers(l, ids, 2, t, d);
    return rc == GOV_OK && !is_of(x, e, &t[0], &t[1]) ? differs(x->name, d) : rc;
}

static gov_status verify_entries(checked *x, int64_t pot, const diag *d)
{
    const fund_query q = {.pot = pot, .until_us = INT64_MAX, .state = FUND_DONE};
    return fund_entries(x->g, &q, verify_entry, x, d);
}

/* A correction is of an entry that counted, of the same item, and takes back no more than that brought. */
static gov_status verify_corrections(gov *g, const diag *d)
{
    static const store_sql sql = {
        "SELECT c.id FROM gov_fund_entry c LEFT JOIN gov_fund_entry o ON o.community = c.community AND o.id = c.corrects WHERE c.community "
        "= $1 AND c.corrects IS NOT NULL AND (o.at_us IS NULL OR c.kind <> o.kind + $2 OR c.pot <> o.pot OR c.item <> o.item OR o.amount < "
        "(SELECT CAST(sum(a.amount) AS BIGINT) FROM gov_fund_entry a WHERE a.community = c.community AND a.corrects = o.id AND a.state < 3)) ORDER BY c.id "
        "LIMIT 1",
        0};
    int64_t id;
    char name[24];
    const gov_status rc = store_first_int(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(FUND_CORRECTS)), &id, d);
    if (rc != GOV_OK)
        return rc == GOV_END ? GOV_OK : rc;
    name[base_format_int(id, name)] = '\0';
    return differs(name, d);
}

/* What has come in less what was spent is what the fund has, and what waits is reserved. */
static gov_status verify_fund(gov *g, const fund_fund *f, const diag *d)
{
    static const uint8_t kinds[] = {FUND_ENTRY_GIFT, FUND_ENTRY_SPENDING + FUND_CORRECTS, FUND_ENTRY_SPENDING,
                                    FUND_ENTRY_GIFT + FUND_CORRECTS};
    int64_t account = 0, done[4] = {0}, waits[4] = {0}; /* two that bring, two that take */
    ledger_account a = {0};
    gov_status rc = GOV_OK;
    for (size_t i = 0; i < ARRAY_LEN(kinds) && rc == GOV_OK; i++)
        rc = fund_entry_sum(g, f->book, kinds[i], NULL, 0, &done[i], &waits[i], d);
    if (rc == GOV_OK)
        rc = fund_existing(g, f->book, f->book, FUND_CODE_POOL, &account, d);
    if (rc == GOV_OK)
        rc = fund_balance(g, account, &a, d);
    if (rc == GOV_OK && (a.credits_posted != done[0] + done[1] || a.debits_posted != done[2] + done[3] ||
                         a.credits_pending != waits[0] + waits[1] || a.debits_pending != waits[2] + waits[3]))
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

/* What the entries of a kind come to, and what of them was corrected; and each of them beside its transfer. */
static gov_status sums_of(checked *x, int64_t id, int kind, int64_t *sum, int64_t *back, const diag *d)
{
    int64_t waiting;
    gov_status rc = fund_entry_sum(x->g, id, kind, NULL, 0, sum, &waiting, d);
    if (rc == GOV_OK)
        rc = fund_entry_sum(x->g, id, kind + FUND_CORRECTS, NULL, 0, back, &waiting, d);
    return rc == GOV_OK ? verify_entries(x, id, d) : rc;
}

static gov_status verify_grant(gov *g, int64_t id, int64_t amount, const char *title, const fund_grant *rule, const diag *d)
{
    int64_t account = 0, spent = 0, back = 0;
    ledger_account a = {0};
    checked x = {.g = g, .name = title, .book = rule->book};
    gov_status rc = sums_of(&x, id, FUND_ENTRY_SPENDING, &spent, &back, d);
    if (rc == GOV_OK)
        rc = fund_existing(g, rule->book, id, FUND_CODE_PURSE, &account, d);
    if (rc == GOV_OK)
        rc = fund_balance(g, account, &a, d);
    return rc == GOV_OK && (a.credits_posted != amount + back || a.debits_posted != spent) ? differs(title, d) : rc;
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

/* What was paid for a project, less what was corrected, is what it has received. */
static gov_status verify_project(gov *g, int64_t id, const char *name, const fund_cost_share *rule, const diag *d)
{
    int64_t account = 0, paid = 0, back = 0;
    ledger_account a = {0};
    checked x = {.g = g, .name = name, .book = rule->book};
    gov_status rc = sums_of(&x, id, FUND_ENTRY_PAYMENT, &paid, &back, d);
    if (rc == GOV_OK)
        rc = fund_existing(g, rule->book, id, FUND_CODE_CASH, &account, d);
    if (rc == GOV_OK)
        rc = fund_balance(g, account, &a, d);
    return rc == GOV_OK && (a.debits_posted != paid || a.credits_posted != back) ? differs(name, d) : rc;
}

static gov_status verify_projects(gov *g, const fund_cost_share *rule, const diag *d)
{
    static const store_sql sql = {"SELECT id, name FROM gov_fund_project WHERE community = $1 AND rule = $2 ORDER BY id", 0};
    store_rows rows;
    gov_status rc = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_s(rule->name)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK)
        rc = verify_project(g, store_int(&rows, 0), store_text(&rows, 1, NULL), rule, d);
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

static gov_status verify_one(gov *g, const fund_fund *f, const diag *d)
{
    checked x = {.g = g, .name = f->name, .book = f->book, .two = true};
    const gov_status rc = verify_fund(g, f, d);
    return rc == GOV_OK ? verify_entries(&x, f->book, d) : rc;
}

gov_status fund_verify(gov *g, const diag *d)
{
    gov_status rc = GOV_OK;
    for (uint32_t i = 0; i < g->rules->section_count && rc == GOV_OK; i++) {
        const rulebook_section *s = &g->rules->sections[i];
        if (strcmp(s->kind, "fund") == 0)
            rc = verify_one(g, s->content, d);
        else if (strcmp(s->kind, "cost_share") == 0)
            rc = verify_projects(g, s->content, d);
        else if (strcmp(s->kind, "grant") == 0)
            rc = verify_grants(g, s->content, d);
    }
    if (rc == GOV_OK)
        rc = verify_corrections(g, d);
    return rc == GOV_OK ? verify_portions(g, d) : rc;
}
