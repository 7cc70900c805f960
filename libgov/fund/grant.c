/* Small grants (民生微实事): applied for with a budget, published, approved after the notice by somebody else, and never exceeded. */
#include "fund/ops.h"

#include <string.h>

typedef enum grant_state { APPLIED = 1, PUBLISHED, APPROVED, REFUSED } grant_state;
static const char *const state_names[] = {"", "applied", "published", "approved", "refused"};

typedef struct grant {
    int64_t id, amount, made_by, notice_us;
    const char *title;
    const fund_grant *rule;
    uint8_t state;
    bool unsure; /* the notice's end rests on a year that no calendar lists */
} grant;

typedef struct line {
    int64_t id, amount;
    const char *item;
} line;
typedef struct lines {
    line *items;
    size_t count;
} lines;
enum { MOST_LINES = 200, MOST_SHOWN = 2000 };

/* ---- rows ---- */

#define FIND "SELECT rule, title, amount, state, made_by, notice_us, notice_unsure FROM gov_fund_grant WHERE community = $1 AND id = $2"

static gov_status get_grant(gov *g, value id, bool lock, grant *out, const diag *d)
{
    static const store_sql look = {FIND, 0}, hold = {FIND, STORE_LOCK};
    store_rows rows;
    const gov_status rc = store_first(g->store, lock ? &hold : &look, STORE_ARGS(store_i(g->community), store_i(id.as.i)), &rows, d);
    if (rc != GOV_OK)
        return rc == GOV_END ? base_fail(d, M_fund_nothing, A_S("what", "grant"), A_I("id", id.as.i)) : rc;
    const char *rule = base_arena_strdup(&g->scratch, store_text(&rows, 0, NULL));
    *out = (grant){.id = id.as.i, .title = base_arena_strdup(&g->scratch, store_text(&rows, 1, NULL)), .amount = store_int(&rows, 2),
                   .state = (uint8_t)store_int(&rows, 3), .made_by = store_int(&rows, 4), .notice_us = store_int(&rows, 5),
                   .unsure = store_int(&rows, 6) != 0};
    store_rows_close(&rows);
    if (rule == NULL || out->title == NULL)
        return base_nomem(d);
    return fund_find(g, "grant", rule, (const void **)&out->rule, d);
}

static gov_status set_state(gov *g, const grant *x, const diag *d)
{
    static const store_sql set = {"UPDATE gov_fund_grant SET state = $3, notice_us = $4, notice_unsure = $5, decided_by = $6, decided_us = $7 "
                                  "WHERE community = $1 AND id = $2"};
    const bool decided = x->state >= APPROVED;
    return access_keep(g,
                       store_post(g->store, &set,
                                  STORE_ARGS(store_i(g->community), store_i(x->id),
                                             store_i(x->state), store_i0(x->notice_us),
                                             store_flag(x->unsure),
                                             store_i0(decided ? access_actor_id(g) : 0),
                                             store_i0(decided ? access_now(g) : 0)),
                                  1, d),
                       &fund_kept_grant, x->id, 0, 0, d);
}

static gov_status lines_of(gov *g, int64_t id, lines *out, const diag *d)
{
    static const store_sql list = {"SELECT id, item, amount FROM gov_fund_budget WHERE community = $1 AND grant_id = $2 ORDER BY nr"};
    store_rows rows;
    *out = (lines){.items = base_arena_array(&g->scratch, MOST_LINES, sizeof(line))};
    if (out->items == NULL)
        return base_nomem(d);
    gov_status rc = store_query(g->store, &list, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    while (rc == GOV_OK && out->count < MOST_LINES && (rc = store_next(&rows, d)) == GOV_OK) {
        const line l = {store_int(&rows, 0), store_int(&rows, 2), base_arena_strdup(&g->scratch, store_text(&rows, 1, NULL))};
        out->items[out->count++] = l;
        rc = l.item != NULL ? GOV_OK : base_nomem(d);
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

/* ---- applying ---- */

static gov_status put_budget(gov *g, const grant *x, value list, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_fund_budget (community, grant_id, nr, id, item, amount) VALUES ($1, $2, $3, $4, $5, $6)"};
    int64_t sum = 0;
    gov_status rc = list.kind == VALUE_LIST && list.len > 0 && list.len <= MOST_LINES ? GOV_OK : fund_bad_input("budget", d);
    for (size_t i = 0; rc == GOV_OK && i < list.len; i++) {
        const value item = value_get_text(list.as.items[i], "item");
        const char *name = item.kind == VALUE_STRING && !base_utf8_blank(item.as.s, item.len) && item.len <= 128 ? fund_text(g, item) : NULL;
        int64_t amount, id = 0;
        rc = name != NULL ? fund_positive(value_get_text(list.as.items[i], "amount"), "amount", &amount, d) : fund_bad_input("budget", d);
        for (size_t k = 0; rc == GOV_OK && k < i; k++)
            if (value_equal(item, value_get_text(list.as.items[k], "item")))
                rc = fund_twice(name, "budget", i, d);
        if (rc == GOV_OK && !base_add(sum, amount, &sum))
            rc = base_fail(d, M_overflow, A_S("what", "budget"));
        if (rc == GOV_OK)
            rc = access_new_id(g, &id, d);
        if (rc == GOV_OK)
            rc = access_keep(g,
                             store_post(g->store, &add,
                                        STORE_ARGS(store_i(g->community), store_i(x->id),
                                                   store_i((int64_t)i), store_i(id), store_s(name),
                                                   store_i(amount)),
                                        1, d),
                             &fund_kept_budget, x->id, (int64_t)i, 0, d);
    }
    if (rc == GOV_OK && sum != x->amount)
        return base_fail(d, M_grant_budget, A_I("sum", sum), A_I("amount", x->amount));
    return rc;
}

gov_status fund_grant_apply(gov *g, const value *in, value *out, const diag *d)
{
    enum { RULE, TITLE, AMOUNT, BUDGET };
    static const store_sql add = {"INSERT INTO gov_fund_grant (community, id, rule, title, amount, state, made_by, made_us, notice_unsure) "
                                  "VALUES ($1, $2, $3, $4, $5, 1, $6, $7, 0)"};
    grant x = {.title = fund_text(g, in[TITLE])};
    gov_status rc = fund_find(g, "grant", fund_text(g, in[RULE]), (const void **)&x.rule, d);
    if (rc == GOV_OK)
        rc = fund_positive(in[AMOUNT], "amount", &x.amount, d);
    if (rc == GOV_OK && (x.title == NULL || base_utf8_blank(x.title, strlen(x.title))))
        return fund_bad_input("title", d);
    if (rc == GOV_OK && x.rule->at_most >= 0 && x.amount > x.rule->at_most)
        return base_fail(d, M_grant_most, A_I("amount", x.amount), A_I("most", x.rule->at_most));
    if (rc == GOV_OK)
        rc = access_new_id(g, &x.id, d);
    if (rc == GOV_OK)
        rc = access_keep(g,
                         store_post(g->store, &add,
                                    STORE_ARGS(store_i(g->community), store_i(x.id),
                                               store_s(x.rule->name), store_s(x.title),
                                               store_i(x.amount), store_i(access_actor_id(g)),
                                               store_i(access_now(g))),
                                    1, d),
                         &fund_kept_grant, x.id, 0, 0, d);
    if (rc == GOV_OK)
        rc = put_budget(g, &x, in[BUDGET], d);
    const value_pair data[] = {{value_text("grant"), value_text(rc == GOV_OK ? x.rule->name : "")},
                               {value_text("title"), rc == GOV_OK ? value_text(x.title) : value_null()},
                               {value_text("amount"), value_int(x.amount)}};
    if (rc == GOV_OK)
        rc = fund_journal(g, "grant.applied", x.id, data, ARRAY_LEN(data), d);
    return rc == GOV_OK ? fund_answer_id(g, x.id, out, d) : rc;
}

/* ---- publishing, deciding ---- */

static gov_status wrong_state(const grant *x, const diag *d)
{
    return base_fail(d, M_grant_state, A_S("title", x->title), A_S("state", state_names[x->state]));
}

gov_status fund_grant_publish(gov *g, const value *in, value *out, const diag *d)
{
    grant x;
    cal_instant end;
    value_builder b;
    gov_status rc = get_grant(g, in[0], true, &x, d);
    if (rc == GOV_OK && x.state != APPLIED)
        return wrong_state(&x, d);
    if (rc == GOV_OK)
        rc = fund_end_of(g, &x.rule->notice, x.rule->roll, access_now(g), &end, d);
    if (rc != GOV_OK)
        return rc;
    x.state = PUBLISHED;
    x.notice_us = end.us;
    x.unsure = end.provisional;
    rc = set_state(g, &x, d);
    const value_pair data[] = {{value_text("until"), value_from_us(end.us)}};
    if (rc == GOV_OK)
        rc = fund_journal(g, "grant.published", x.id, data, ARRAY_LEN(data), d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(x.id));
    value_builder_set(&b, "until", value_from_us(end.us));
    value_builder_set(&b, "provisional", value_bool(end.provisional));
    return fund_answer(&b, out, d);
}

/* The notice runs its whole length: who objects on its last day is still heard. */
gov_status fund_grant_approve(gov *g, const value *in, value *out, const diag *d)
{
    grant x;
    fund_move m = {.code = FUND_GRANT, .note = "grant.approved"};
    gov_status rc = get_grant(g, in[0], true, &x, d);
    if (rc == GOV_OK && x.state != PUBLISHED)
        return wrong_state(&x, d);
    if (rc == GOV_OK && access_now(g) < x.notice_us)
        return base_fail(d, M_grant_notice, A_S("title", x.title));
    if (rc == GOV_OK)
        rc = fund_second_person(g, x.made_by, x.title, d);
    if (rc != GOV_OK)
        return rc;
    m.book = x.rule->book;
    m.amount = x.amount;
    m.subject = x.id;
    rc = fund_account(g, m.book, m.book, FUND_CODE_GRANTER, &m.from, d);
    if (rc == GOV_OK)
        rc = fund_account(g, m.book, x.id, FUND_CODE_PURSE, &m.to, d);
    if (rc == GOV_OK)
        rc = fund_post(g, &m, NULL, d);
    x.state = APPROVED;
    if (rc == GOV_OK)
        rc = set_state(g, &x, d);
    return rc == GOV_OK ? fund_answer_id(g, x.id, out, d) : rc;
}

gov_status fund_grant_refuse(gov *g, const value *in, value *out, const diag *d)
{
    enum { ID, REASON };
    grant x;
    gov_status rc = get_grant(g, in[ID], true, &x, d);
    if (rc == GOV_OK && x.state != APPLIED && x.state != PUBLISHED)
        return wrong_state(&x, d);
    if (rc != GOV_OK)
        return rc;
    x.state = REFUSED;
    rc = set_state(g, &x, d);
    const value_pair data[] = {{value_text("reason"), in[REASON].kind == VALUE_STRING ? in[REASON] : value_null()}};
    if (rc == GOV_OK)
        rc = fund_journal(g, "grant.refused", x.id, data, ARRAY_LEN(data), d);
    return rc == GOV_OK ? fund_answer_id(g, x.id, out, d) : rc;
}

/* ---- spending ---- */

static gov_status line_named(gov *g, const grant *x, value item, line *out, const diag *d)
{
    lines all;
    const char *names[64];
    size_t n = 0;
    const gov_status rc = lines_of(g, x->id, &all, d);
    for (size_t i = 0; rc == GOV_OK && i < all.count; i++) {
        if (value_is_text(item, all.items[i].item)) {
            *out = all.items[i];
            return GOV_OK;
        }
        if (n < ARRAY_LEN(names))
            names[n++] = all.items[i].item;
    }
    return rc != GOV_OK ? rc
                        : base_fail(d, M_fund_item, A_S("what", "item"), A_N("name", item.as.s, item.len),
                                    A_S("near", base_nearest(item.as.s, item.len, names, n)));
}

gov_status fund_grant_spend(gov *g, const value *in, value *out, const diag *d)
{
    enum { ID, ITEM, AMOUNT, PAYEE, NOTE };
    grant x;
    line l = {0};
    int64_t spent = 0, waiting, sum;
    fund_move m = {.code = FUND_GRANT_SPENDING, .note = "grant.spent"};
    gov_status rc = fund_positive(in[AMOUNT], "amount", &m.amount, d);
    if (rc == GOV_OK)
        rc = get_grant(g, in[ID], true, &x, d);
    if (rc == GOV_OK && x.state != APPROVED)
        return wrong_state(&x, d);
    if (rc == GOV_OK)
        rc = line_named(g, &x, in[ITEM], &l, d);
    if (rc == GOV_OK)
        rc = fund_entry_net(g, x.id, FUND_ENTRY_SPENDING, l.item, 0, &spent, &waiting, d);
    if (rc == GOV_OK && (!base_add(spent, m.amount, &sum) || sum > l.amount))
        return base_fail(d, M_grant_over, A_S("item", l.item), A_I("amount", m.amount), A_I("left", l.amount - spent));
    if (rc != GOV_OK)
        return rc;
    m.book = x.rule->book;
    m.subject = x.id;
    rc = fund_account(g, m.book, x.id, FUND_CODE_PURSE, &m.from, d);
    if (rc == GOV_OK)
        rc = fund_account(g, m.book, l.id, FUND_CODE_ITEM, &m.to, d);
    if (rc == GOV_OK)
        rc = fund_post(g, &m, NULL, d);
    const fund_entry e = {.id = m.id, .pot = x.id, .kind = FUND_ENTRY_SPENDING, .state = FUND_DONE, .amount = m.amount, .at_us = m.at_us,
                          .item = rc == GOV_OK ? l.item : "", .named = true, .party_name = fund_text(g, in[PAYEE]),
                          .note = fund_text(g, in[NOTE])};
    if (rc == GOV_OK)
        rc = fund_entry_put(g, &e, d);
    return rc == GOV_OK ? fund_answer_id(g, e.id, out, d) : rc;
}

gov_status fund_grant_spendings(gov *g, const value *in, value *out, const diag *d)
{
    enum { ID, ITEM };
    grant x;
    const gov_status rc = get_grant(g, in[ID], false, &x, d);
    const fund_query q = {.pot = in[ID].as.i, .until_us = INT64_MAX, .state = FUND_DONE};
    return rc == GOV_OK ? fund_list_entries(g, &q, in[ITEM], out, d) : rc;
}

typedef struct spendings {
    gov *g;
    value_builder done, corrections;
} spendings;

/* In public whom it was paid to is not told. */
static gov_status show_spending(void *user, const fund_entry *e, const diag *d)
{
    spendings *s = user;
    fund_entry bare = *e;
    value v;
    value_builder *list = e->corrects != 0 ? &s->corrections : &s->done;
    bare.party = 0;
    bare.party_name = NULL;
    if (list->len >= MOST_SHOWN)
        return GOV_OK;
    const gov_status rc = fund_entry_value(s->g, &bare, false, &v, d);
    if (rc == GOV_OK)
        value_builder_add(list, v);
    return rc;
}

/* What everybody may know of a grant: the budget, how far it has come, and by what. */
gov_status fund_grant_show(gov *g, const value *in, value *out, const diag *d)
{
    grant x;
    lines all;
    int64_t total = 0;
    value_builder b, list;
    spendings s = {.g = g};
    const fund_query q = {.pot = in[0].as.i, .until_us = INT64_MAX, .state = FUND_DONE};
    gov_status rc = get_grant(g, in[0], false, &x, d);
    if (rc == GOV_OK && x.notice_us == 0) /* not public yet, or refused before it was */
        rc = access_check_whole(g, "fund.read", d);
    if (rc == GOV_OK)
        rc = lines_of(g, x.id, &all, d);
    value_builder_init(&list, &g->scratch);
    for (size_t i = 0; rc == GOV_OK && i < all.count; i++) {
        int64_t spent = 0, waiting;
        value_builder item;
        rc = fund_entry_net(g, x.id, FUND_ENTRY_SPENDING, all.items[i].item, 0, &spent, &waiting, d);
        value_builder_init(&item, &g->scratch);
        value_builder_set(&item, "item", value_text(all.items[i].item));
        value_builder_set(&item, "budget", value_int(all.items[i].amount));
        value_builder_set(&item, "spent", value_int(spent));
        list.failed = list.failed || item.failed;
        value_builder_add(&list, value_builder_map(&item));
        total += spent;
    }
    value_builder_init(&s.done, &g->scratch);
    value_builder_init(&s.corrections, &g->scratch);
    if (rc == GOV_OK)
        rc = fund_entries(g, &q, show_spending, &s, d);
    if (rc != GOV_OK || list.failed || s.done.failed || s.corrections.failed)
        return rc != GOV_OK ? rc : base_nomem(d);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(x.id));
    value_builder_set(&b, "grant", value_text(x.rule->name));
    value_builder_set(&b, "title", value_text(x.title));
    value_builder_set(&b, "state", value_text(state_names[x.state]));
    value_builder_set(&b, "amount", value_int(x.amount));
    value_builder_set(&b, "spent", value_int(total));
    value_builder_set(&b, "left", value_int(x.amount - total));
    value_builder_set(&b, "notice_until", x.notice_us != 0 ? value_from_us(x.notice_us) : value_null());
    value_builder_set(&b, "budget", value_builder_list(&list));
    value_builder_set(&b, "spendings", value_builder_list(&s.done));
    value_builder_set(&b, "corrections", value_builder_list(&s.corrections));
    return fund_answer(&b, out, d);
}
