/* Offers, requests and bookings, as they are told. */
#include "timebank/timebank.h"

enum { MOST_ROWS = 200 };

static value or_null(int64_t n)
{
    return n != 0 ? value_int(n) : value_null();
}

/* One whose time has run out is told as expired, whether the timer has come by or not. */
static gov_status show_booking(gov *g, const timebank_booking *k, value *out, const diag *d)
{
    static const char *const payers[] = {"recipient", "pool", "community"};
    const bool over = k->state < TIMEBANK_DISPUTED && k->expires_us != 0 && k->expires_us <= access_now(g);
    value_builder b;
    value volunteer, recipient = value_null();
    gov_status rc = timebank_person(g, k->volunteer, &volunteer, d);
    if (rc == GOV_OK && k->recipient != 0)
        rc = timebank_person(g, k->recipient, &recipient, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(k->id));
    value_builder_set(&b, "state", value_text(timebank_state_name(over ? TIMEBANK_EXPIRED : k->state)));
    value_builder_set(&b, "volunteer", volunteer);
    value_builder_set(&b, "recipient", recipient);
    value_builder_set(&b, "skill", value_text(k->skill));
    value_builder_set(&b, "from", value_from_us(k->from_us));
    value_builder_set(&b, "until", value_from_us(k->until_us));
    value_builder_set(&b, "minutes", value_int(k->minutes));
    value_builder_set(&b, "at_most", value_int(k->most));
    value_builder_set(&b, "amount", value_int(k->amount));
    value_builder_set(&b, "paid_by", value_text(payers[k->kind]));
    value_builder_set(&b, "served", value_int(k->served));
    value_builder_set(&b, "own", value_int(k->own));
    value_builder_set(&b, "donated", value_int(k->donated));
    value_builder_set(&b, "stars", or_null(k->stars));
    value_builder_set(&b, "request", or_null(k->request));
    value_builder_set(&b, "case", or_null(k->case_id));
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

TIMEBANK_RUN(timebank_run_booking)
{
    timebank_booking k;
    gov_status rc = timebank_load_booking(g, in[0].as.i, &k, d);
    if (rc == GOV_OK)
        rc = timebank_check_party(g, TIMEBANK_READ, &k, TIMEBANK_EITHER, d);
    return rc == GOV_OK ? show_booking(g, &k, out, d) : rc;
}

static gov_status answer(gov *g, const char *name, const value_builder *list, value *out, const diag *d)
{
    value_builder b;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, name, value_builder_list(list));
    *out = value_builder_map(&b);
    return b.failed || list->failed ? base_nomem(d) : GOV_OK;
}

static gov_status read_ids(timebank_teller *t, const store_sql *sql, const store_arg *args, size_t n, int64_t *ids, size_t most,
                           size_t *count)
{
    store_rows rows;
    *count = 0;
    gov_status rc = store_query(t->g->store, sql, args, n, &rows, t->d);
    while (rc == GOV_OK && *count < most && (rc = store_next(&rows, t->d)) == GOV_OK)
        ids[(*count)++] = store_int(&rows, 0);
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

enum { IN_BANK, IN_RESIDENT, IN_OPEN, IN_BEFORE, IN_LIMIT };

/* On either side, the newest first. */
TIMEBANK_RUN(timebank_run_bookings)
{
    static const store_sql sql = {
        "SELECT id FROM (SELECT id FROM gov_timebank_booking WHERE community = $1 AND book = $2 AND volunteer = $3 AND state <= $4 AND "
        "id < $5 UNION SELECT id FROM gov_timebank_booking WHERE community = $1 AND book = $2 AND recipient = $3 AND state <= $4 AND id "
        "< $5) both_sides ORDER BY id DESC LIMIT $6",
        0};
    timebank_teller t;
    value_builder list;
    int64_t ids[MOST_ROWS];
    size_t count = 0;
    const bool open = in[IN_OPEN].kind == VALUE_BOOL && in[IN_OPEN].as.b;
    const int64_t before = in[IN_BEFORE].kind == VALUE_INT ? in[IN_BEFORE].as.i : INT64_MAX;
    const int64_t wanted = in[IN_LIMIT].kind == VALUE_INT ? in[IN_LIMIT].as.i : 50;
    const int64_t limit = wanted > 0 && wanted < MOST_ROWS ? wanted : MOST_ROWS;
    gov_status rc = timebank_open(g, in[IN_BANK], false, &t, d);
    value_builder_init(&list, &g->scratch);
    if (rc == GOV_OK)
        rc = read_ids(&t, &sql,
                      STORE_ARGS(store_i(g->community), store_i(t.bank->book), store_i(in[IN_RESIDENT].as.i),
                                 store_i(open ? TIMEBANK_DISPUTED : TIMEBANK_REVERSED), store_i(before), store_i(limit)),
                      ids, MOST_ROWS, &count);
    for (size_t i = 0; i < count && rc == GOV_OK; i++) {
        timebank_booking k;
        value row;
        rc = timebank_load_booking(g, ids[i], &k, d);
        if (rc == GOV_OK)
            rc = show_booking(g, &k, &row, d);
        if (rc == GOV_OK)
            value_builder_add(&list, row);
    }
    return rc == GOV_OK ? answer(g, "bookings", &list, out, d) : rc;
}

static void show_notice(gov *g, const timebank_notice *n, value_builder *list)
{
    value_builder b;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(n->id));
    value_builder_set(&b, "kind", value_text(n->kind == TIMEBANK_OFFER ? "offer" : "request"));
    value_builder_set(&b, "skill", value_text(n->skill));
    value_builder_set(&b, "from", value_from_us(n->from_us));
    value_builder_set(&b, "until", value_from_us(n->until_us));
    value_builder_set(&b, "minutes", or_null(n->minutes));
    value_builder_set(&b, "pool", value_bool(n->pooled));
    value_builder_set(&b, "note", value_text(n->note));
    list->failed = list->failed || b.failed;
    value_builder_add(list, value_builder_map(&b));
}

/* What a resident has open. */
TIMEBANK_RUN(timebank_run_notices)
{
    static const store_sql sql = {"SELECT id FROM gov_timebank_notice WHERE community = $1 AND book = $2 AND resident = $3 AND state = 0 "
                                  "ORDER BY id DESC LIMIT $4",
                                  0};
    timebank_teller t;
    value_builder list;
    int64_t ids[MOST_ROWS];
    size_t count = 0;
    gov_status rc = timebank_open(g, in[0], false, &t, d);
    value_builder_init(&list, &g->scratch);
    if (rc == GOV_OK)
        rc = read_ids(&t, &sql,
                      STORE_ARGS(store_i(g->community), store_i(t.bank->book), store_i(in[1].as.i), store_i(MOST_ROWS)), ids,
                      MOST_ROWS, &count);
    for (size_t i = 0; i < count && rc == GOV_OK; i++) {
        timebank_notice n;
        rc = timebank_load_notice(g, ids[i], -1, &n, d);
        if (rc == GOV_OK)
            show_notice(g, &n, &list);
    }
    return rc == GOV_OK ? answer(g, "notices", &list, out, d) : rc;
}
