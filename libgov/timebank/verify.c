/* What the tables of this room say against the ledger: bookings that wait, minutes served, positions with peers. */
#include "timebank/timebank.h"

#include <string.h>

static gov_status differs(const timebank_teller *t, const char *what)
{
    return base_fail(t->d, M_timebank_uneven, A_S("bank", t->bank->name), A_S("what", what));
}

/* Each open booking has its pending transfer, of its amount. */
static gov_status verify_open(timebank_teller *t)
{
    static const store_sql sql = {"SELECT id, transfer, amount FROM gov_timebank_booking WHERE community = $1 AND book = $2 AND state < 5 "
                                  "AND id > $3 ORDER BY id LIMIT 200",
                                  0};
    int64_t ids[200], transfers[200], amounts[200], after = 0;
    ledger_transfer found[200];
    size_t n = 200;
    gov_status rc = GOV_OK;
    while (rc == GOV_OK && n == ARRAY_LEN(ids)) {
        store_rows rows;
        n = 0;
        rc = store_query(t->g->store, &sql, STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_i(after)), &rows, t->d);
        while (rc == GOV_OK && n < ARRAY_LEN(ids) && (rc = store_next(&rows, t->d)) == GOV_OK) {
            ids[n] = store_int(&rows, 0);
            transfers[n] = store_int(&rows, 1);
            amounts[n++] = store_int(&rows, 2);
        }
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
        if (rc == GOV_OK && n > 0)
            rc = ledger_lookup_transfers(t->l, transfers, n, found, t->d);
        for (size_t i = 0; i < n && rc == GOV_OK; i++)
            if (found[i].id == 0 || !(found[i].flags & GOV_TRANSFER_PENDING) || found[i].amount != amounts[i] ||
                found[i].subject != ids[i])
                rc = differs(t, "bookings");
        after = n > 0 ? ids[n - 1] : after;
    }
    return rc;
}

/* What a member has served is the sum of what was settled. */
static gov_status verify_served(timebank_teller *t)
{
    static const store_sql sql = {
        "SELECT m.resident FROM gov_timebank_member m WHERE m.community = $1 AND m.book = $2 AND m.served <> (SELECT "
        "COALESCE(CAST(sum(b.served) AS BIGINT), 0) FROM gov_timebank_booking b WHERE b.community = $1 AND b.book = $2 AND b.volunteer = "
        "m.resident AND b.state = 5) ORDER BY m.resident LIMIT 1",
        0};
    int64_t resident;
    const gov_status rc =
        store_first_int(t->g->store, &sql, STORE_ARGS(store_i(t->g->community), store_i(t->bank->book)), &resident, t->d);
    return rc == GOV_END ? GOV_OK : rc == GOV_OK ? differs(t, "members") : rc;
}

static gov_status differs_at(const timebank_teller *t, const char *what, const char *name)
{
    base_buf b;
    base_buf_init(&b, t->g->alloc);
    base_buf_str(&b, what);
    base_buf_str(&b, " ");
    base_buf_str(&b, name);
    const gov_status rc = b.failed ? base_nomem(t->d) : differs(t, b.data);
    base_buf_free(&b);
    return rc;
}

/* What was sent is what was reserved for it, whatever has become of it since. */
static gov_status verify_sent(timebank_teller *t)
{
    static const store_sql sql = {"SELECT c.transfer, c.minutes, c.peer FROM gov_timebank_clearing c JOIN gov_timebank_peer p ON p.community = "
                                  "c.community AND p.id = c.peer WHERE c.community = $1 AND p.book = $2 AND c.direction = 0 AND c.transfer > $3 "
                                  "ORDER BY c.transfer LIMIT 200",
                                  0};
    int64_t ids[200], minutes[200], peers[200], after = 0;
    ledger_transfer found[200];
    size_t n = 200;
    gov_status rc = GOV_OK;
    while (rc == GOV_OK && n == ARRAY_LEN(ids)) {
        store_rows rows;
        n = 0;
        rc = store_query(t->g->store, &sql, STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_i(after)), &rows, t->d);
        while (rc == GOV_OK && n < ARRAY_LEN(ids) && (rc = store_next(&rows, t->d)) == GOV_OK) {
            ids[n] = store_int(&rows, 0);
            minutes[n] = store_int(&rows, 1);
            peers[n++] = store_int(&rows, 2);
        }
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
        if (rc == GOV_OK && n > 0)
            rc = ledger_lookup_transfers(t->l, ids, n, found, t->d);
        for (size_t i = 0; i < n && rc == GOV_OK; i++) {
            char number[24];
            number[base_format_int(ids[i], number)] = '\0';
            if (found[i].id == 0 || !(found[i].flags & GOV_TRANSFER_PENDING) || found[i].amount != minutes[i] || found[i].subject != peers[i])
                rc = differs_at(t, "transfer", number);
        }
        after = n > 0 ? ids[n - 1] : after;
    }
    return rc;
}

/* What the clearings with a peer come to. */
typedef struct standing {
    int64_t id, position, waiting, suspended;
    const char *name;
} standing;

/* What went over to a peer less what came is the position; what waits for an answer is in transit; what was written off is in suspense, which
 * lacks what was given back and accepted after all. */
static gov_status verify_peer(timebank_teller *t, const standing *s)
{
    ledger_account account, transit, suspense;
    gov_status rc = timebank_figures(t, s->id, TIMEBANK_PEER, &account);
    if (rc == GOV_OK)
        rc = timebank_figures(t, s->id, TIMEBANK_TRANSIT, &transit);
    if (rc == GOV_OK)
        rc = timebank_figures(t, s->id, TIMEBANK_SUSPENSE, &suspense);
    if (rc == GOV_OK && (timebank_balance_of(&account) != s->position || transit.credits_pending != s->waiting ||
                         timebank_balance_of(&transit) != 0))
        return differs_at(t, "position with", s->name);
    if (rc == GOV_OK && (timebank_balance_of(&suspense) != s->suspended || suspense.credits_pending != 0 || suspense.debits_pending != 0))
        return differs_at(t, "suspense for", s->name);
    return rc;
}

static gov_status verify_peers(timebank_teller *t)
{
    static const store_sql sql = {
        "SELECT p.id, CAST(sum(CASE WHEN c.direction = 0 AND c.state = 3 THEN CASE WHEN c.what = 'hours' THEN c.minutes ELSE 0 - c.minutes "
        "END WHEN c.direction = 1 AND (c.state = 2 OR c.state = 3) THEN CASE WHEN c.what = 'hours' THEN 0 - c.minutes ELSE c.minutes END "
        "ELSE 0 END) AS BIGINT), CAST(sum(CASE WHEN c.direction = 0 AND c.state = 1 AND c.what = 'hours' THEN c.minutes ELSE 0 END) AS "
        "BIGINT), CAST(sum(CASE WHEN c.direction = 0 AND c.what = 'hours' AND c.state = 6 THEN c.minutes WHEN c.direction = 0 AND c.what = "
        "'hours' AND c.state = 3 AND c.given_back = 1 THEN 0 - c.minutes ELSE 0 END - c.shortfall) AS BIGINT), p.name FROM gov_timebank_peer p LEFT JOIN "
        "gov_timebank_clearing c ON c.community = p.community AND c.peer = p.id WHERE p.community = $1 AND p.book = $2 GROUP BY p.id, "
        "p.name ORDER BY p.id",
        0};
    store_rows rows;
    gov_status rc =
        store_query(t->g->store, &sql, STORE_ARGS(store_i(t->g->community), store_i(t->bank->book)), &rows, t->d);
    while (rc == GOV_OK && (rc = store_next(&rows, t->d)) == GOV_OK) {
        const standing s = {store_int(&rows, 0), store_int(&rows, 1), store_int(&rows, 2), store_int(&rows, 3), store_text(&rows, 4, NULL)};
        rc = verify_peer(t, &s);
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status timebank_verify(gov *g, const diag *d)
{
    gov_status rc = GOV_OK;
    for (uint32_t i = 0; i < g->rules->section_count && rc == GOV_OK; i++) {
        timebank_teller t;
        if (strcmp(g->rules->sections[i].kind, timebank_section.key) != 0)
            continue;
        rc = timebank_open_book(g, ((const timebank_bank *)g->rules->sections[i].content)->book, false, &t, d);
        if (rc == GOV_OK)
            rc = verify_open(&t);
        if (rc == GOV_OK)
            rc = verify_served(&t);
        if (rc == GOV_OK)
            rc = verify_sent(&t);
        if (rc == GOV_OK)
            rc = verify_peers(&t);
    }
    return rc;
}
