/* Funds: gifts, spendings that two people decide, and the statement that everybody may read. */
#include "fund/ops.h"

#include <string.h>

/* ---- gifts ---- */

static gov_status check_gift(const fund_fund *f, int64_t amount, const diag *d)
{
    return amount <= f->at_most ? GOV_OK : base_fail(d, M_fund_gift_large, A_I("amount", amount), A_I("most", f->at_most));
}

gov_status fund_give(gov *g, const value *in, value *out, const diag *d)
{
    enum { FUND, AMOUNT, DONOR, NAME, NAMED, NOTE };
    const fund_fund *f = NULL;
    fund_move m = {.code = FUND_GIFT, .note = "fund.gift"};
    gov_status rc = fund_find(g, "fund", fund_text(g, in[FUND]), (const void **)&f, d);
    if (rc == GOV_OK)
        rc = fund_positive(in[AMOUNT], "amount", &m.amount, d);
    if (rc == GOV_OK)
        rc = check_gift(f, m.amount, d);
    if (rc != GOV_OK)
        return rc;
    fund_entry e = {.kind = FUND_ENTRY_GIFT, .state = FUND_DONE, .pot = f->book, .amount = m.amount, .item = "",
                    .party = in[DONOR].kind == VALUE_INT ? in[DONOR].as.i : 0, .party_name = fund_text(g, in[NAME]),
                    .named = in[NAMED].kind == VALUE_BOOL && in[NAMED].as.b, .note = fund_text(g, in[NOTE])};
    m.book = f->book;
    rc = fund_account(g, f->book, e.party != 0 ? e.party : f->book, FUND_CODE_GIVER, &m.from, d);
    if (rc == GOV_OK)
        rc = fund_account(g, f->book, f->book, FUND_CODE_POOL, &m.to, d);
    if (rc == GOV_OK)
        rc = fund_post(g, &m, NULL, d);
    if (rc != GOV_OK)
        return rc;
    e.id = m.id;
    e.at_us = m.at_us;
    rc = fund_entry_put(g, &e, d);
    return rc == GOV_OK ? fund_answer_id(g, e.id, out, d) : rc;
}

/* ---- spendings ---- */

const fund_purpose *fund_find_item(const fund_purpose *items, uint32_t count, const char *name, const char *what, const diag *d)
{
    const char *names[64];
    size_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(items[i].name, name) == 0)
            return &items[i];
        if (n < ARRAY_LEN(names))
            names[n++] = items[i].name;
    }
    (void)base_fail(d, M_fund_item, A_S("what", what), A_S("name", name), A_S("near", base_nearest(name, strlen(name), names, n)));
    return NULL;
}

/* The ledger is locked, so that nobody else spends meanwhile. `waiting`: what others have asked for counts, too. */
static gov_status check_limit(gov *g, const fund_fund *f, const fund_purpose *p, int64_t amount, bool waiting, const diag *d)
{
    int64_t start = 0, done = 0, asked = 0, sum;
    ledger *l;
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_hold(l, f->book, d);
    if (rc != GOV_OK || p->limit < 0)
        return rc;
    rc = fund_window_start(g, (fund_window)p->window, access_now(g), &start, d);
    if (rc == GOV_OK)
        rc = fund_entry_net(g, f->book, FUND_ENTRY_SPENDING, p->name, start, &done, &asked, d);
    if (rc != GOV_OK)
        return rc;
    if (!base_add(done, waiting ? asked : 0, &sum) || !base_add(sum, amount, &sum) || sum > p->limit)
        return base_fail(d, M_fund_over_limit, A_S("purpose", p->name), A_I("limit", p->limit), A_I("used", done + (waiting ? asked : 0)));
    return GOV_OK;
}

static gov_status purpose_account(gov *g, const fund_fund *f, const fund_purpose *p, int64_t *id, const diag *d)
{
    ledger *l;
    uint32_t number = 0;
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_reason_number(l, f->book, p->name, &number, d);
    return rc == GOV_OK ? fund_account(g, f->book, number, FUND_CODE_PURPOSE, id, d) : rc;
}

/* Whom public money is paid to is public, where that is no person. */
static gov_status may_be_named(gov *g, int64_t payee, bool *named, const diag *d)
{
    registry_record r = {.kind = GOV_KIND_UNIT};
    const gov_status rc = payee != 0 ? registry_load(g, payee, &g->scratch, &r, d) : GOV_OK;
    *named = rc == GOV_OK && strcmp(r.kind, GOV_KIND_UNIT) == 0;
    return rc;
}

gov_status fund_propose(gov *g, const value *in, value *out, const diag *d)
{
    enum { FUND, PURPOSE, AMOUNT, PAYEE, PAYEE_NAME, NOTE };
    const fund_fund *f = NULL;
    fund_move m = {.code = FUND_SPENDING, .flags = GOV_TRANSFER_PENDING, .note = "fund.proposed"};
    gov_status rc = fund_find(g, "fund", fund_text(g, in[FUND]), (const void **)&f, d);
    if (rc == GOV_OK)
        rc = fund_positive(in[AMOUNT], "amount", &m.amount, d);
    const char *name = fund_text(g, in[PURPOSE]);
    if (rc == GOV_OK && name == NULL)
        rc = fund_bad_input("purpose", d);
    if (rc != GOV_OK)
        return rc;
    const fund_purpose *p = fund_find_item(f->purposes, f->purpose_count, name, "purpose", d);
    if (p == NULL)
        return base_message_status(M_fund_item);
    m.book = f->book;
    rc = check_limit(g, f, p, m.amount, true, d);
    if (rc == GOV_OK)
        rc = fund_account(g, f->book, f->book, FUND_CODE_POOL, &m.from, d);
    if (rc == GOV_OK)
        rc = purpose_account(g, f, p, &m.to, d);
    if (rc == GOV_OK)
        rc = fund_post(g, &m, NULL, d);
    if (rc != GOV_OK)
        return rc;
    fund_entry e = {.id = m.id, .kind = FUND_ENTRY_SPENDING, .state = FUND_PROPOSED, .pot = f->book, .amount = m.amount,
                          .item = p->name, .party = in[PAYEE].kind == VALUE_INT ? in[PAYEE].as.i : 0,
                          .party_name = fund_text(g, in[PAYEE_NAME]), .note = fund_text(g, in[NOTE])};
    rc = may_be_named(g, e.party, &e.named, d);
    if (rc == GOV_OK)
        rc = fund_entry_put(g, &e, d);
    return rc == GOV_OK ? fund_answer_id(g, e.id, out, d) : rc;
}

/* ---- movements that rules make ---- */

const char FUND_OWN[] = "fund";

static bool knows(const void *content, const char *name)
{
    const fund_fund *f = content;
    bool known = strcmp(name, FUND_OWN) == 0;
    for (uint32_t i = 0; i < f->purpose_count; i++)
        known = known || strcmp(f->purposes[i].name, name) == 0;
    return known;
}

static gov_status find_account(gov *g, const void *content, const char *name, int64_t record, bool pays, int64_t *account, const diag *d)
{
    (void)pays;
    const fund_fund *f = content;
    if (name == NULL)
        return fund_account(g, f->book, record, FUND_CODE_GIVER, account, d);
    if (strcmp(name, FUND_OWN) == 0)
        return fund_account(g, f->book, f->book, FUND_CODE_POOL, account, d);
    const fund_purpose *p = fund_find_item(f->purposes, f->purpose_count, name, "purpose", d);
    return p != NULL ? purpose_account(g, f, p, account, d) : base_message_status(M_fund_item);
}

static uint32_t book_of(const void *content)
{
    return ((const fund_fund *)content)->book;
}

const rulebook_accounts fund_accounts = {.knows = knows, .find = find_account, .ledger = book_of, .code = FUND_BY_RULE};

gov_status fund_check_passage(gov *g, const fund_fund *f, const fund_passage *x, fund_entry *out, const diag *d)
{
    const bool in = x->to != NULL && strcmp(x->to, FUND_OWN) == 0, pays = x->from != NULL && strcmp(x->from, FUND_OWN) == 0;
    *out = (fund_entry){.pot = f->book, .amount = x->amount, .party = x->record, .item = ""};
    if (in && x->from == NULL) {
        out->kind = FUND_ENTRY_GIFT;
        return check_gift(f, x->amount, d);
    }
    if (!pays || x->to == NULL)
        return base_fail(d, M_transfer_ways, A_S("ledger", f->name));
    const fund_purpose *p = fund_find_item(f->purposes, f->purpose_count, x->to, "purpose", d);
    if (p == NULL)
        return base_message_status(M_fund_item);
    if (g->actor.kind == ACCESS_RULES) /* of two people who spend, rules are neither */
        return base_fail(d, M_transfer_nobody, A_S("ledger", f->name));
    out->kind = FUND_ENTRY_SPENDING;
    out->item = p->name;
    out->named = true;
    return check_limit(g, f, p, x->amount, true, d);
}

/* The fund whose ledger it is. */
static gov_status fund_of_book(gov *g, int64_t book, const fund_fund **out, const diag *d)
{
    for (uint32_t i = 0; i < g->rules->section_count; i++) {
        const rulebook_section *s = &g->rules->sections[i];
        if (strcmp(s->kind, "fund") != 0 || ((const fund_fund *)s->content)->book != book)
            continue;
        *out = s->content;
        return GOV_OK;
    }
    return base_fail(d, M_fund_unknown, A_S("kind", "fund"), A_S("name", NULL), A_S("near", NULL));
}

static gov_status decide(gov *g, int64_t id, bool grant, value *out, const diag *d)
{
    fund_entry e;
    const fund_fund *f = NULL;
    gov_status rc = fund_entry_get(g, id, &e, d);
    const bool corrects = rc == GOV_OK && e.corrects != 0;
    if (rc == GOV_OK && ((e.kind != FUND_ENTRY_SPENDING && !corrects) || e.pot > UINT32_MAX))
        return base_fail(d, M_fund_nothing, A_S("what", "spending"), A_I("id", id));
    if (rc == GOV_OK && e.state != FUND_PROPOSED)
        return base_fail(d, M_fund_decided, A_I("id", id));
    if (rc == GOV_OK)
        rc = fund_of_book(g, e.pot, &f, d);
    if (rc != GOV_OK)
        return rc;
    const fund_purpose *p = grant && !corrects ? fund_find_item(f->purposes, f->purpose_count, e.item, "purpose", d) : NULL;
    if (grant && !corrects && p == NULL)
        return base_message_status(M_fund_item);
    if (grant)
        rc = fund_second_person(g, e.made_by, f->name, d);
    if (rc == GOV_OK && p != NULL)
        rc = check_limit(g, f, p, e.amount, false, d);
    fund_move m = {.book = (uint32_t)e.pot, .pending_id = id, .amount = grant ? e.amount : 0,
                   .flags = grant ? GOV_TRANSFER_POST_PENDING : GOV_TRANSFER_VOID_PENDING,
                   .note = grant ? "fund.approved" : "fund.refused"};
    if (rc == GOV_OK)
        rc = fund_post(g, &m, NULL, d);
    if (rc != GOV_OK)
        return rc;
    e.state = grant ? FUND_DONE : FUND_DECLINED;
    e.at_us = grant ? m.at_us : 0;
    e.transfer = grant ? m.id : 0;
    rc = fund_entry_decide(g, &e, d);
    if (rc == GOV_OK && e.case_id != 0)
        rc = fund_tell_case(g, &e, grant, d);
    return rc == GOV_OK ? fund_answer_id(g, id, out, d) : rc;
}

gov_status fund_approve(gov *g, const value *in, value *out, const diag *d)
{
    return decide(g, in[0].kind == VALUE_INT ? in[0].as.i : 0, true, out, d);
}

gov_status fund_refuse(gov *g, const value *in, value *out, const diag *d)
{
    return decide(g, in[0].kind == VALUE_INT ? in[0].as.i : 0, false, out, d);
}

/* ---- reading ---- */

gov_status fund_show_balance(gov *g, const value *in, value *out, const diag *d)
{
    const fund_fund *f = NULL;
    int64_t account = 0;
    ledger_account a = {0};
    value_builder b;
    gov_status rc = fund_find(g, "fund", fund_text(g, in[0]), (const void **)&f, d);
    if (rc == GOV_OK)
        rc = fund_existing(g, f->book, f->book, FUND_CODE_POOL, &account, d);
    if (rc == GOV_OK)
        rc = fund_balance(g, account, &a, d);
    if (rc != GOV_OK)
        return rc;
    const int64_t balance = a.credits_posted - a.debits_posted;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "fund", value_text(f->name));
    value_builder_set(&b, "balance", value_int(balance));
    value_builder_set(&b, "reserved", value_int(a.debits_pending));
    value_builder_set(&b, "available", value_int(balance - a.debits_pending));
    return fund_answer(&b, out, d);
}

static const char *kind_name(const fund_entry *e)
{
    static const char *const kinds[] = {"", "gift", "spending", "goods_in", "goods_out", "payment", "", ""};
    return kinds[e->kind & 7];
}

/* The entries that take something of it back: those that count, and those that wait. */
static gov_status put_corrections(gov *g, const fund_entry *e, value_builder *b, const diag *d)
{
    static const store_sql list = {
        "SELECT id FROM gov_fund_entry WHERE community = $1 AND corrects = $2 AND state < 3 ORDER BY id"};
    store_rows rows;
    value_builder ids;
    gov_status rc = store_query(g->store, &list, STORE_ARGS(store_i(g->community), store_i(e->id)), &rows, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&ids, &g->scratch);
    while ((rc = store_next(&rows, d)) == GOV_OK)
        value_builder_add(&ids, value_int(store_int(&rows, 0)));
    store_rows_close(&rows);
    if (rc != GOV_END || ids.failed)
        return rc != GOV_END ? rc : base_nomem(d);
    value_builder_set(b, "corrections", value_builder_list(&ids));
    return GOV_OK;
}

/* What it corrects, and what corrects it. */
static gov_status put_links(gov *g, const fund_entry *e, bool open, value_builder *b, const diag *d)
{
    if (e->corrects != 0) {
        value_builder_set(b, "of", value_text(kind_name(e)));
        value_builder_set(b, "of_at", e->corrects_us != 0 ? value_from_us(e->corrects_us) : value_null());
        if (open)
            value_builder_set(b, "corrects", value_int(e->corrects));
    }
    if (e->corrected != 0)
        value_builder_set(b, "corrected", value_int(e->corrected));
    return open && e->corrections != 0 ? put_corrections(g, e, b, d) : GOV_OK;
}

gov_status fund_entry_value(gov *g, const fund_entry *e, bool open, value *out, const diag *d)
{
    static const char *const states[] = {"", "proposed", "done", "refused"};
    const char *key = "", *name = "";
    value_builder b;
    value by, decided;
    gov_status rc = registry_label(g, e->party, &key, &name, d);
    if (rc == GOV_OK)
        rc = fund_key_of(g, e->made_by, &by, d);
    if (rc == GOV_OK)
        rc = fund_key_of(g, e->decided_by, &decided, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    if (open) {
        value_builder_set(&b, "id", value_int(e->id));
        value_builder_set(&b, "kind", value_text(e->corrects != 0 ? "correction" : kind_name(e)));
        value_builder_set(&b, "state", value_text(states[e->state & 3]));
    }
    value_builder_set(&b, "at", e->at_us != 0 ? value_from_us(e->at_us) : value_null());
    if (e->item[0] != '\0')
        value_builder_set(&b, "item", value_text(e->item));
    value_builder_set(&b, "amount", value_int(e->amount));
    rc = put_links(g, e, open, &b, d);
    /* A record's name is for those only who agreed to be named: others are keys, and in public nobody. */
    const char *who = e->party_name != NULL ? e->party_name : e->named && name[0] != '\0' ? name : key;
    if ((e->named || open) && who[0] != '\0')
        value_builder_set_copy(&b, "who", who);
    else
        value_builder_set(&b, "who", value_null());
    /* A free note may tell what the entry hides, so it is for those who keep the books. */
    value_builder_set(&b, "note", e->note != NULL && open ? value_text(e->note) : value_null());
    if (open) {
        value_builder_set(&b, "made_by", by);
        value_builder_set(&b, "decided_by", decided);
    }
    return rc == GOV_OK ? fund_answer(&b, out, d) : rc;
}

typedef struct listing {
    gov *g;
    value_builder list;
    value item; /* absent: any */
    size_t most;
} listing;

static gov_status list_entry(void *user, const fund_entry *e, const diag *d)
{
    listing *x = user;
    value v;
    if (x->item.kind == VALUE_STRING && !value_is_text(x->item, e->item))
        return GOV_OK;
    if (x->list.len >= x->most)
        return base_fail(d, M_too_large, A_S("what", "list"), A_I("limit", x->most));
    const gov_status rc = fund_entry_value(x->g, e, true, &v, d);
    if (rc == GOV_OK)
        value_builder_add(&x->list, v);
    return rc;
}

enum { MOST_ENTRIES = 10000 };

gov_status fund_list_entries(gov *g, const fund_query *q, value item, value *out, const diag *d)
{
    listing x = {.g = g, .item = item, .most = MOST_ENTRIES};
    value_builder b;
    value_builder_init(&x.list, &g->scratch);
    const gov_status rc = fund_entries(g, q, list_entry, &x, d);
    if (rc != GOV_OK || x.list.failed)
        return rc != GOV_OK ? rc : base_nomem(d);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "entries", value_builder_list(&x.list));
    return fund_answer(&b, out, d);
}

/* [from, to] in days as instants; without them, from the beginning to now. */
static gov_status period_of(gov *g, value from, value to, int64_t *first_day, int64_t *last_day, fund_query *q, const diag *d)
{
    int64_t today;
    gov_status rc = fund_today(g, &today, d);
    if (rc == GOV_OK)
        rc = fund_day(from, "from", 0, first_day, d);
    if (rc == GOV_OK)
        rc = fund_day(to, "to", today, last_day, d);
    if (rc == GOV_OK && *last_day < *first_day)
        rc = fund_bad_input("to", d);
    if (rc == GOV_OK)
        rc = fund_day_start(g, *first_day, &q->from_us, d);
    return rc == GOV_OK ? fund_day_start(g, *last_day + 1, &q->until_us, d) : rc;
}

gov_status fund_list(gov *g, const value *in, value *out, const diag *d)
{
    enum { FUND, WAITING, FROM, TO };
    const fund_fund *f = NULL;
    fund_query q = {0};
    int64_t first, last;
    gov_status rc = fund_find(g, "fund", fund_text(g, in[FUND]), (const void **)&f, d);
    if (rc == GOV_OK)
        rc = period_of(g, in[FROM], in[TO], &first, &last, &q, d);
    if (rc != GOV_OK)
        return rc;
    q.pot = f->book;
    q.state = in[WAITING].kind == VALUE_BOOL && in[WAITING].as.b ? FUND_PROPOSED : FUND_DONE;
    return fund_list_entries(g, &q, value_absent(), out, d);
}

/* ---- the statement ---- */

typedef struct slot {
    int64_t sum, back; /* back: what was taken back in this period, whenever it had been entered */
} slot;

typedef struct statement {
    gov *g;
    const fund_fund *f;
    const char *lang;
    value_builder gifts, spendings, corrections;
    int64_t given, spent, corrected, returned, gift_count, anonymous; /* corrected: of gifts; returned: of spendings */
    slot *by_purpose, *goods_in, *goods_out; /* of this period, as the rulebook lists them; the last: no longer in it */
} statement;

static slot *slot_of(slot *slots, const fund_purpose *items, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(items[i].name, name) == 0)
            return &slots[i];
    return &slots[count];
}

static gov_status show_entry(statement *s, value_builder *list, const fund_entry *e, const diag *d)
{
    value v;
    if (list->len >= MOST_ENTRIES)
        return GOV_OK;
    const gov_status rc = fund_entry_value(s->g, e, false, &v, d);
    if (rc == GOV_OK)
        value_builder_add(list, v);
    return rc;
}

/* Sums stay within 63 bits: the ledger added them, too. */
static gov_status state_correction(statement *s, const fund_entry *e, const diag *d)
{
    const fund_fund *f = s->f;
    const unsigned kind = e->kind - (unsigned)FUND_CORRECTS;
    if (kind == FUND_ENTRY_GIFT) {
        s->corrected += e->amount;
    } else if (kind == FUND_ENTRY_SPENDING) {
        s->returned += e->amount;
        slot_of(s->by_purpose, f->purposes, f->purpose_count, e->item)->back += e->amount;
    } else {
        slot_of(kind == FUND_ENTRY_GOODS_IN ? s->goods_in : s->goods_out, f->goods, f->good_count, e->item)->back += e->amount;
    }
    return show_entry(s, &s->corrections, e, d);
}

static gov_status state_entry(void *user, const fund_entry *e, const diag *d)
{
    statement *s = user;
    const fund_fund *f = s->f;
    if (e->corrects != 0)
        return state_correction(s, e, d);
    if (e->kind == FUND_ENTRY_GIFT) {
        s->given += e->amount;
        s->gift_count++;
        s->anonymous += !e->named;
        return show_entry(s, &s->gifts, e, d);
    }
    if (e->kind == FUND_ENTRY_SPENDING) {
        s->spent += e->amount;
        slot_of(s->by_purpose, f->purposes, f->purpose_count, e->item)->sum += e->amount;
        return show_entry(s, &s->spendings, e, d);
    }
    slot_of(e->kind == FUND_ENTRY_GOODS_IN ? s->goods_in : s->goods_out, f->goods, f->good_count, e->item)->sum += e->amount;
    return GOV_OK;
}

static gov_status balance_before(gov *g, const fund_fund *f, int64_t at_us, int64_t *balance, const diag *d)
{
    ledger *l;
    int64_t account = 0;
    ledger_balance b = {0};
    gov_status rc = fund_existing(g, f->book, f->book, FUND_CODE_POOL, &account, d);
    if (rc == GOV_OK)
        rc = ledger_of(g, &l, d);
    if (rc == GOV_OK && account != 0 && at_us > 1)
        rc = ledger_balance_at(l, account, at_us - 1, &b, d);
    *balance = b.credits_posted - b.debits_posted;
    return rc;
}

static gov_status purposes_value(gov *g, const statement *s, value *out, const diag *d)
{
    value_builder list;
    value_builder_init(&list, &g->scratch);
    for (uint32_t i = 0; i <= s->f->purpose_count; i++) {
        const fund_purpose *p = i < s->f->purpose_count ? &s->f->purposes[i] : NULL;
        value_builder b;
        if (p == NULL && s->by_purpose[i].sum == 0 && s->by_purpose[i].back == 0)
            continue;
        value_builder_init(&b, &g->scratch);
        value_builder_set(&b, "purpose", p != NULL ? value_text(p->name) : value_null());
        value_builder_set(&b, "title", p != NULL ? value_text(fund_title(g, s->lang, &p->title, p->name)) : value_null());
        value_builder_set(&b, "spent", value_int(s->by_purpose[i].sum));
        value_builder_set(&b, "returned", value_int(s->by_purpose[i].back));
        value_builder_set(&b, "limit", p != NULL && p->limit >= 0 ? value_int(p->limit) : value_null());
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    *out = value_builder_list(&list);
    return list.failed ? base_nomem(d) : GOV_OK;
}

static gov_status goods_value(gov *g, const statement *s, value *out, const diag *d)
{
    value_builder list;
    value_builder_init(&list, &g->scratch);
    for (uint32_t i = 0; i < s->f->good_count; i++) {
        const fund_purpose *p = &s->f->goods[i];
        value_builder b;
        value_builder_init(&b, &g->scratch);
        value_builder_set(&b, "item", value_text(p->name));
        value_builder_set(&b, "title", value_text(fund_title(g, s->lang, &p->title, p->name)));
        value_builder_set(&b, "unit", value_text(fund_title(g, s->lang, &p->unit, "")));
        value_builder_set(&b, "given", value_int(s->goods_in[i].sum));
        value_builder_set(&b, "given_corrected", value_int(s->goods_in[i].back));
        value_builder_set(&b, "used", value_int(s->goods_out[i].sum));
        value_builder_set(&b, "used_corrected", value_int(s->goods_out[i].back));
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    *out = value_builder_list(&list);
    return list.failed ? base_nomem(d) : GOV_OK;
}

static gov_status statement_value(gov *g, const statement *s, int64_t first, int64_t last, int64_t opening, int64_t closing, value *out,
                                  const diag *d)
{
    value purposes, goods;
    value_builder b;
    gov_status rc = purposes_value(g, s, &purposes, d);
    if (rc == GOV_OK)
        rc = goods_value(g, s, &goods, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "fund", value_text(s->f->name));
    value_builder_set(&b, "title", value_text(fund_title(g, s->lang, &s->f->title, s->f->name)));
    value_builder_set(&b, "from", fund_date(g, first));
    value_builder_set(&b, "to", fund_date(g, last));
    value_builder_set(&b, "opening", value_int(opening));
    value_builder_set(&b, "given", value_int(s->given));
    value_builder_set(&b, "spent", value_int(s->spent));
    value_builder_set(&b, "corrected", value_int(s->corrected));
    value_builder_set(&b, "returned", value_int(s->returned));
    value_builder_set(&b, "closing", value_int(closing));
    value_builder_set(&b, "gift_count", value_int(s->gift_count));
    value_builder_set(&b, "anonymous", value_int(s->anonymous));
    value_builder_set(&b, "gifts", value_builder_list(&s->gifts));
    value_builder_set(&b, "purposes", purposes);
    value_builder_set(&b, "spendings", value_builder_list(&s->spendings));
    value_builder_set(&b, "corrections", value_builder_list(&s->corrections));
    value_builder_set(&b, "goods", goods);
    if (s->gifts.failed || s->spendings.failed || s->corrections.failed)
        return base_nomem(d);
    return fund_answer(&b, out, d);
}

gov_status fund_statement(gov *g, const value *in, value *out, const diag *d)
{
    enum { FUND, FROM, TO, LANG };
    statement s = {.g = g, .lang = fund_text(g, in[LANG])};
    fund_query q = {.state = FUND_DONE};
    int64_t first, last, opening = 0, closing = 0;
    gov_status rc = fund_find(g, "fund", fund_text(g, in[FUND]), (const void **)&s.f, d);
    if (rc == GOV_OK)
        rc = period_of(g, in[FROM], in[TO], &first, &last, &q, d);
    if (rc != GOV_OK)
        return rc;
    q.pot = s.f->book;
    s.by_purpose = base_arena_array(&g->scratch, s.f->purpose_count + 1, sizeof(slot));
    s.goods_in = base_arena_array(&g->scratch, s.f->good_count + 1, sizeof(slot));
    s.goods_out = base_arena_array(&g->scratch, s.f->good_count + 1, sizeof(slot));
    if (s.by_purpose == NULL || s.goods_in == NULL || s.goods_out == NULL)
        return base_nomem(d);
    value_builder_init(&s.gifts, &g->scratch);
    value_builder_init(&s.spendings, &g->scratch);
    value_builder_init(&s.corrections, &g->scratch);
    rc = balance_before(g, s.f, q.from_us, &opening, d);
    if (rc == GOV_OK)
        rc = balance_before(g, s.f, q.until_us, &closing, d);
    if (rc == GOV_OK)
        rc = fund_entries(g, &q, state_entry, &s, d);
    /* Two roads to one number: the entries, and the ledger. */
    if (rc == GOV_OK && opening + s.given - s.spent - s.corrected + s.returned != closing)
        return base_fail(d, M_fund_uneven, A_S("fund", s.f->name));
    return rc == GOV_OK ? statement_value(g, &s, first, last, opening, closing, out, d) : rc;
}
