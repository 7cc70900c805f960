/* Entries: what went into a pot and out of it, and why. */
#include "fund/fund.h"

#include <string.h>

#define COLUMNS "id, pot, kind, state, item, amount, party, party_name, named, note, made_by, made_us, decided_by, decided_us, at_us, "  \
                "case_id, effect, transfer, corrects"
/* The same of an entry, and what its corrections say. */
#define FIND                                                                                                                              \
    "SELECT e.id, e.pot, e.kind, e.state, e.item, e.amount, e.party, e.party_name, e.named, e.note, e.made_by, e.made_us, e.decided_by, "  \
    "e.decided_us, e.at_us, e.case_id, e.effect, e.transfer, e.corrects, (SELECT o.at_us FROM gov_fund_entry o WHERE o.community = "       \
    "e.community AND o.id = e.corrects), (SELECT o.transfer FROM gov_fund_entry o WHERE o.community = e.community AND o.id = "             \
    "e.corrects), (SELECT CAST(sum(c.amount) AS BIGINT) FROM gov_fund_entry c WHERE c.community = e.community AND c.corrects = e.id AND "  \
    "c.at_us IS NOT NULL), (SELECT count(*) FROM gov_fund_entry c WHERE c.community = e.community AND c.corrects = e.id AND c.state < 3) " \
    "FROM gov_fund_entry e WHERE e.community = $1 AND "

static bool of_goods(uint8_t kind)
{
    const unsigned plain = kind & ~(unsigned)FUND_CORRECTS;
    return plain == FUND_ENTRY_GOODS_IN || plain == FUND_ENTRY_GOODS_OUT;
}

gov_status fund_entry_put(gov *g, const fund_entry *e, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_fund_entry (community, " COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
                                  "$10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)"};
    /* The journal keeps who put it and what a statement will tell of it, so that a row changed by hand is seen. No names. */
    const value_pair told[] = {{value_text("item"), value_text(e->item)},
                               {value_text("named"), value_bool(e->named)},
                               {value_text("corrects"), e->corrects != 0 ? value_int(e->corrects) : value_null()}};
    const int64_t transfer = e->state == FUND_DONE && !of_goods(e->kind) ? e->id : 0;
    const gov_status rc = fund_journal(g, FUND_ENTRY_PUT, e->id, told, ARRAY_LEN(told), d);
    if (rc != GOV_OK)
        return rc;
    return access_keep(g,
                       store_post(g->store, &add,
                                  STORE_ARGS(store_i(g->community), store_i(e->id), store_i(e->pot),
                                             store_i(e->kind), store_i(e->state), store_s(e->item),
                                             store_i(e->amount), store_i0(e->party),
                                             store_s(e->party_name), store_flag(e->named),
                                             store_s(e->note), store_i(access_actor_id(g)),
                                             store_i(access_now(g)), store_i0(e->decided_by),
                                             store_i0(e->decided_us), store_i0(e->at_us),
                                             store_i0(e->case_id), store_s(e->effect),
                                             store_i0(transfer), store_i0(e->corrects)),
                                  1, d),
                       &fund_kept_entry, e->id, 0, 0, d);
}

static const char *text_at(gov *g, store_rows *rows, int column, bool *failed)
{
    size_t len;
    if (store_is_null(rows, column))
        return NULL;
    const char *s = store_text(rows, column, &len), *copy = base_arena_strndup(&g->scratch, s, len);
    *failed = *failed || copy == NULL;
    return copy;
}

static gov_status read_entry(gov *g, store_rows *rows, fund_entry *e, const diag *d)
{
    bool failed = false;
    *e = (fund_entry){.id = store_int(rows, 0),
                      .pot = store_int(rows, 1),
                      .kind = (uint8_t)store_int(rows, 2),
                      .state = (uint8_t)store_int(rows, 3),
                      .amount = store_int(rows, 5),
                      .party = store_int(rows, 6),
                      .named = store_int(rows, 8) != 0,
                      .made_by = store_int(rows, 10),
                      .made_us = store_int(rows, 11),
                      .decided_by = store_int(rows, 12),
                      .decided_us = store_int(rows, 13),
                      .at_us = store_int(rows, 14),
                      .case_id = store_int(rows, 15),
                      .transfer = store_int(rows, 17),
                      .corrects = store_int(rows, 18),
                      .corrects_us = store_int(rows, 19),
                      .corrects_transfer = store_int(rows, 20),
                      .corrected = store_int(rows, 21),
                      .corrections = store_int(rows, 22)};
    e->item = text_at(g, rows, 4, &failed);
    e->party_name = text_at(g, rows, 7, &failed);
    e->note = text_at(g, rows, 9, &failed);
    e->effect = text_at(g, rows, 16, &failed);
    return failed ? base_nomem(d) : GOV_OK;
}

gov_status fund_entry_look(gov *g, int64_t id, fund_entry *out, const diag *d)
{
    static const store_sql find = {FIND "e.id = $2", STORE_LOCK};
    store_rows rows;
    gov_status rc = store_first(g->store, &find, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    if (rc != GOV_OK)
        return rc;
    rc = read_entry(g, &rows, out, d);
    store_rows_close(&rows);
    return rc;
}

gov_status fund_entry_get(gov *g, int64_t id, fund_entry *out, const diag *d)
{
    const gov_status rc = fund_entry_look(g, id, out, d);
    return rc == GOV_END ? base_fail(d, M_fund_nothing, A_S("what", "entry"), A_I("id", id)) : rc;
}

gov_status fund_entry_decide(gov *g, const fund_entry *e, const diag *d)
{
    static const store_sql set = {"UPDATE gov_fund_entry SET state = $3, decided_by = $4, decided_us = $5, at_us = $6, amount = $7, transfer = $8 WHERE "
                                  "community = $1 AND id = $2 AND state = 1"};
    return access_keep(g,
                       store_post(g->store, &set,
                                  STORE_ARGS(store_i(g->community), store_i(e->id),
                                             store_i(e->state), store_i(access_actor_id(g)),
                                             store_i(access_now(g)), store_i0(e->at_us),
                                             store_i(e->amount), store_i0(e->transfer)),
                                  1, d),
                       &fund_kept_entry, e->id, 0, 0, d);
}

static gov_status walk(gov *g, store_rows *rows, const fund_query *q, gov_status (*each)(void *user, const fund_entry *e, const diag *d),
                       void *user, const diag *d)
{
    gov_status rc;
    while ((rc = store_next(rows, d)) == GOV_OK) {
        fund_entry e;
        rc = read_entry(g, rows, &e, d);
        if (rc == GOV_OK && (q->kind == 0 || q->kind == e.kind))
            rc = each(user, &e, d);
        if (rc != GOV_OK) {
            store_rows_close(rows);
            return rc;
        }
    }
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status fund_entries(gov *g, const fund_query *q, gov_status (*each)(void *user, const fund_entry *e, const diag *d), void *user,
                        const diag *d)
{
    static const store_sql counted = {FIND "e.pot = $2 AND e.at_us IS NOT NULL AND e.at_us >= $3 AND e.at_us < $4 ORDER BY e.at_us NULLS "
                                           "FIRST, e.id"};
    static const store_sql waiting = {FIND "e.pot = $2 AND e.state = 1 ORDER BY e.id"};
    store_rows rows;
    const gov_status rc =
        q->state == FUND_PROPOSED
            ? store_query(g->store, &waiting, STORE_ARGS(store_i(g->community), store_i(q->pot)), &rows, d)
            : store_query(g->store, &counted,
                          STORE_ARGS(store_i(g->community), store_i(q->pot), store_i(q->from_us), store_i(q->until_us)), &rows, d);
    return rc == GOV_OK ? walk(g, &rows, q, each, user, d) : rc;
}

gov_status fund_entry_sum(gov *g, int64_t pot, uint8_t kind, const char *item, int64_t from_us, int64_t *done, int64_t *waiting,
                          const diag *d)
{
    static const store_sql counted = {"SELECT CAST(sum(amount) AS BIGINT) FROM gov_fund_entry WHERE community = $1 AND pot = $2 AND at_us "
                                      "IS NOT NULL AND at_us >= $5 AND kind = $3 AND (item = $4 OR $4 = '')"};
    static const store_sql asked = {"SELECT CAST(sum(amount) AS BIGINT) FROM gov_fund_entry WHERE community = $1 AND pot = $2 AND state = "
                                    "1 AND kind = $3 AND (item = $4 OR $4 = '')"};
    const char *name = item != NULL ? item : "";
    *done = *waiting = 0;
    gov_status rc = store_first_int(g->store, &counted,
                                    STORE_ARGS(store_i(g->community), store_i(pot), store_i(kind), store_s(name), store_i(from_us)), done, d);
    if (rc == GOV_OK && waiting != done)
        rc = store_first_int(g->store, &asked, STORE_ARGS(store_i(g->community), store_i(pot), store_i(kind), store_s(name)), waiting, d);
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status fund_entry_net(gov *g, int64_t pot, uint8_t kind, const char *item, int64_t from_us, int64_t *done, int64_t *waiting,
                          const diag *d)
{
    static const store_sql sql = {
        "SELECT CAST(sum(c.amount) AS BIGINT) FROM gov_fund_entry c JOIN gov_fund_entry o ON o.community = c.community AND o.id = "
        "c.corrects WHERE c.community = $1 AND c.pot = $2 AND c.at_us IS NOT NULL AND c.kind = $3 AND (c.item = $4 OR $4 = '') AND "
        "o.at_us >= $5"};
    int64_t back = 0;
    gov_status rc = fund_entry_sum(g, pot, kind, item, from_us, done, waiting, d);
    if (rc == GOV_OK)
        rc = store_first_int(g->store, &sql,
                             STORE_ARGS(store_i(g->community), store_i(pot), store_i(kind + FUND_CORRECTS),
                                        store_s(base_text_or_empty(item)), store_i(from_us)),
                             &back, d);
    *done -= back;
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status fund_key_of(gov *g, int64_t record, value *out, const diag *d)
{
    const char *key;
    *out = value_null();
    if (record == 0)
        return GOV_OK;
    const gov_status rc = registry_label(g, record, &key, NULL, d);
    const char *copy = rc == GOV_OK ? base_arena_strdup(&g->scratch, key) : NULL;
    if (rc == GOV_OK && copy == NULL)
        return base_nomem(d);
    if (rc == GOV_OK)
        *out = value_text(copy);
    return rc;
}
