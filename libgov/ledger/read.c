/* Lookups, statements, balances at any instant, sums. */
#include "ledger/stored.h"

#include <string.h>

/* ---- lookups ---- */

typedef struct lookup {
    ledger_index at;
    ledger_account *accounts; /* one of the two */
    ledger_transfer *transfers;
} lookup;

static gov_status take_account(void *user, store_rows *rows, const diag *d)
{
    const lookup *in = user;
    ledger_cell c = {0};
    if (!ledger_read_cell(rows, &c))
        return base_fail(d, M_ledger_damaged, A_I("account", store_int(rows, 1)));
    const uint32_t at = ledger_index_get(&in->at, c.a.id);
    if (at != LEDGER_NONE)
        in->accounts[at] = c.a;
    return GOV_OK;
}

static gov_status take_transfer(void *user, const ledger_row *r, const diag *d)
{
    const lookup *in = user;
    (void)d;
    const uint32_t at = ledger_index_get(&in->at, r->t.id);
    if (at != LEDGER_NONE)
        in->transfers[at] = r->t;
    return GOV_OK;
}

static gov_status look_up(ledger *l, const int64_t *ids, size_t n, lookup *in, const diag *d)
{
    in->at.alloc = l->alloc;
    if (n > LEDGER_BATCH_MAX)
        return base_fail(d, M_ledger_batch, A_I("limit", LEDGER_BATCH_MAX), A_I("count", n));
    if (in->accounts != NULL)
        memset(in->accounts, 0, n * sizeof *in->accounts);
    else
        memset(in->transfers, 0, n * sizeof *in->transfers);
    if (!ledger_index_reserve(&in->at, n))
        return base_nomem(d);
    /* From the end, so that the first of equal ids is the one that is found; the others are copied from it. */
    for (size_t i = n; i-- > 0;)
        ledger_index_set(&in->at, ids[i], (uint32_t)i);
    gov_status rc;
    if (in->accounts != NULL) {
        rc = ledger_each(l, &ledger_accounts_by_id, ids, n, take_account, in, d);
    } else {
        rc = ledger_load_clocks(l, d);
        if (rc == GOV_OK)
            rc = ledger_rows_by_id(l, ids, n, take_transfer, in, d);
    }
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        const uint32_t first = ledger_index_get(&in->at, ids[i]);
        if (first == i)
            continue;
        if (in->accounts != NULL)
            in->accounts[i] = in->accounts[first];
        else
            in->transfers[i] = in->transfers[first];
    }
    ledger_index_free(&in->at);
    return rc;
}

gov_status ledger_lookup_accounts(ledger *l, const int64_t *ids, size_t n, ledger_account *out,
                                  const diag *d)
{
    return look_up(l, ids, n, &(lookup){.accounts = out}, d);
}

gov_status ledger_lookup_transfers(ledger *l, const int64_t *ids, size_t n, ledger_transfer *out,
                                   const diag *d)
{
    return look_up(l, ids, n, &(lookup){.transfers = out}, d);
}

/* ---- an account's history, 32 rows at a time ---- */

/* The account's row holds the newest of them, as chunk number `trail.chunks`; numbers count from 0. */
typedef struct part {
    int64_t number, previous, jump, first_us, last_us;
    int64_t balance[4]; /* after its last item */
    int64_t items[LEDGER_TRAIL_ITEMS];
    size_t count;
} part;

static gov_status read_chunk(ledger *l, int64_t seq, int64_t account, part *out, const diag *d)
{
    static const store_sql sql = {
        "SELECT number, previous, jump, first_us, last_us, debits_pending, debits_posted, "
        "credits_pending, "
        "credits_posted, items, account FROM gov_ledger_trail WHERE community = $1 AND seq = $2",
        0};
    store_rows rows;
    gov_status rc =
        store_first(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(seq)), &rows, d);
    if (rc == GOV_END)
        return base_fail(d, M_ledger_damaged, A_I("account", account));
    if (rc != GOV_OK)
        return rc;
    *out = (part){.number = store_int(&rows, 0),
                  .previous = store_int(&rows, 1),
                  .jump = store_int(&rows, 2),
                  .first_us = store_int(&rows, 3),
                  .last_us = store_int(&rows, 4),
                  .balance = {store_int(&rows, 5), store_int(&rows, 6), store_int(&rows, 7),
                              store_int(&rows, 8)},
                  .count = LEDGER_TRAIL_ITEMS};
    size_t len;
    const uint8_t *bytes = store_bytes(&rows, 9, &len);
    if (!ledger_items_read(out->items, out->count, bytes, len) || store_int(&rows, 10) != account)
        rc = base_fail(d, M_ledger_damaged, A_I("account", account));
    store_rows_close(&rows);
    return rc;
}

typedef struct history {
    ledger_cell cell;
    int64_t first_us; /* of the newest part, even when it is empty: later than all chunks */
} history;

/* GOV_END: no such account. */
static gov_status open_history(ledger *l, int64_t account, history *h, const diag *d)
{
    static const store_sql sql = {"SELECT " LEDGER_ACCOUNT_COLUMNS " FROM " LEDGER_ACCOUNT_TABLES
                                  " WHERE a.community = $1 AND a.id = $2",
                                  0};
    store_rows rows;
    memset(h, 0, sizeof *h);
    gov_status rc =
        store_first(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(account)), &rows, d);
    if (rc != GOV_OK)
        return rc;
    if (!ledger_read_cell(&rows, &h->cell))
        rc = base_fail(d, M_ledger_damaged, A_I("account", account));
    store_rows_close(&rows);
    h->first_us = h->cell.trail.count > 0 ? h->cell.trail.first_us : INT64_MAX;
    return rc;
}

static void newest_part(const history *h, part *out)
{
    const ledger_trail *t = &h->cell.trail;
    const ledger_account *a = &h->cell.a;
    *out = (part){.number = t->chunks,
                  .previous = t->top > 0 ? t->spine[t->top - 1] : 0,
                  .first_us = h->first_us,
                  .last_us = INT64_MAX,
                  .balance = {a->debits_pending, a->debits_posted, a->credits_pending,
                              a->credits_posted},
                  .count = t->count};
    memcpy(out->items, t->items, t->count * sizeof *t->items);
}

/* The part of that number, or (by_time) the oldest one that holds an item at or after `wanted`. Goes back over jumps. */
static gov_status find_part(ledger *l, const history *h, bool by_time, int64_t wanted, part *out,
                            const diag *d)
{
    const int64_t account = h->cell.a.id;
    part here, far;
    newest_part(h, out);
    if (!by_time && out->number == wanted)
        return GOV_OK;
    here = *out;
    while (here.previous != 0) {
        if (here.jump != 0) {
            const gov_status rc = read_chunk(l, here.jump, account, &far, d);
            if (rc != GOV_OK)
                return rc;
            if (by_time ? far.last_us >= wanted : far.number >= wanted) {
                *out = here = far;
                continue;
            }
        }
        const gov_status rc = read_chunk(l, here.previous, account, &far, d);
        if (rc != GOV_OK)
            return rc;
        if (by_time ? far.last_us < wanted : far.number < wanted)
            return GOV_OK;
        *out = here = far;
    }
    return GOV_OK;
}

/* ---- statements ---- */

typedef struct statement {
    ledger *l;
    const ledger_filter *f;
    int64_t from_us, to_us;
    ledger_transfer *transfers; /* one of the two */
    ledger_balance *balances;
    size_t cap, count;
    bool done;
} statement;

/* Rows of a part, from item `first` on. */
typedef struct part_rows {
    const int64_t *items;
    size_t count, found;
    ledger_row rows[LEDGER_TRAIL_ITEMS];
} part_rows;

static gov_status take_row(void *user, const ledger_row *r, const diag *d)
{
    part_rows *in = user;
    (void)d;
    for (size_t i = 0; i < in->count; i++) {
        if (in->items[i] != r->seq || in->rows[i].seq != 0)
            continue;
        in->rows[i] = *r;
        in->found++;
    }
    return GOV_OK;
}

static gov_status read_items(ledger *l, const part *p, size_t first, size_t end,
                             const ledger_account *a, part_rows *out, const diag *d)
{
    out->items = p->items + first;
    out->count = end - first;
    out->found = 0;
    for (size_t i = 0; i < out->count; i++)
        out->rows[i].seq = 0;
    const gov_status rc =
        ledger_rows_by_seq(l, a->ledger, out->items, out->count, take_row, out, d);
    if (rc == GOV_OK && out->found != out->count)
        return base_fail(d, M_ledger_damaged, A_I("account", a->id));
    return rc;
}

static bool wanted(const statement *s, const ledger_row *r)
{
    const ledger_filter *f = s->f;
    const uint32_t sides = f->flags & (GOV_LEDGER_DEBITS | GOV_LEDGER_CREDITS);
    const uint32_t side = r->t.debit_account == f->account ? GOV_LEDGER_DEBITS : GOV_LEDGER_CREDITS;
    return r->t.timestamp >= s->from_us && r->t.timestamp <= s->to_us &&
           (sides == 0 || sides & side) && (f->subject == 0 || r->t.subject == f->subject) &&
           (f->reference == 0 || r->t.reference == f->reference) &&
           (f->reason == 0 || r->t.reason == f->reason) && (f->code == 0 || r->t.code == f->code) &&
           (s->balances != NULL || r->kind != LEDGER_EXPIRY);
}

static void put_row(statement *s, const ledger_row *r, const int64_t balance[static 4])
{
    if (!wanted(s, r) || s->count == s->cap)
        return;
    if (s->balances != NULL)
        s->balances[s->count] = (ledger_balance){.timestamp = r->t.timestamp,
                                                 .transfer = r->t.id,
                                                 .debits_pending = balance[LEDGER_DP],
                                                 .debits_posted = balance[LEDGER_DD],
                                                 .credits_pending = balance[LEDGER_CP],
                                                 .credits_posted = balance[LEDGER_CC]};
    else
        s->transfers[s->count] = r->t;
    s->count++;
}

/* How many items are read at once: as many as are missing, a few of which may not be wanted. */
static size_t ahead(const statement *s, size_t left)
{
    const size_t missing = s->cap - s->count + 2;
    return missing < left ? missing : left;
}

/* The newest first; the balances after the last row are known, the others by going back. */
static gov_status put_back(statement *s, const history *h, const part *p, const diag *d)
{
    part_rows rows;
    int64_t balance[4];
    memcpy(balance, p->balance, sizeof balance);
    for (size_t end = p->count; end > 0 && s->count < s->cap && !s->done;) {
        const size_t n = ahead(s, end);
        const gov_status rc = read_items(s->l, p, end - n, end, &h->cell.a, &rows, d);
        if (rc != GOV_OK)
            return rc;
        for (size_t i = n; i-- > 0;) {
            int64_t change[4];
            put_row(s, &rows.rows[i], balance);
            ledger_effect(&rows.rows[i], rows.rows[i].t.credit_account == s->f->account, change);
            for (int j = 0; j < 4; j++)
                balance[j] -= change[j];
        }
        s->done = rows.rows[0].t.timestamp < s->from_us;
        end -= n;
    }
    return GOV_OK;
}

/* The oldest first. Balances want the whole part: they are known after its last row. */
static gov_status put_on(statement *s, const history *h, const part *p, const diag *d)
{
    part_rows rows;
    int64_t after[LEDGER_TRAIL_ITEMS][4] = {0}, balance[4];
    memcpy(balance, p->balance, sizeof balance);
    for (size_t from = 0; from < p->count && s->count < s->cap && !s->done;) {
        const size_t n = s->balances != NULL ? p->count : ahead(s, p->count - from);
        const gov_status rc = read_items(s->l, p, from, from + n, &h->cell.a, &rows, d);
        if (rc != GOV_OK)
            return rc;
        for (size_t i = n; i-- > 0 && s->balances != NULL;) {
            int64_t change[4];
            memcpy(after[i], balance, sizeof balance);
            ledger_effect(&rows.rows[i], rows.rows[i].t.credit_account == s->f->account, change);
            for (int j = 0; j < 4; j++)
                balance[j] -= change[j];
        }
        for (size_t i = 0; i < n; i++)
            put_row(s, &rows.rows[i], after[i]);
        s->done = rows.rows[n - 1].t.timestamp > s->to_us;
        from += n;
    }
    return GOV_OK;
}

static gov_status backwards(statement *s, const history *h, const diag *d)
{
    part p;
    /* A part that begins after to_us may be passed over; the one found holds the instant or what comes next. */
    gov_status rc = find_part(s->l, h, true, s->to_us, &p, d);
    while (rc == GOV_OK) {
        rc = put_back(s, h, &p, d);
        if (rc != GOV_OK || s->done || s->count == s->cap || p.previous == 0)
            return rc;
        rc = read_chunk(s->l, p.previous, s->f->account, &p, d);
    }
    return rc;
}

static gov_status forwards(statement *s, const history *h, const diag *d)
{
    part p;
    gov_status rc = find_part(s->l, h, true, s->from_us, &p, d);
    while (rc == GOV_OK) {
        rc = put_on(s, h, &p, d);
        if (rc != GOV_OK || s->done || s->count == s->cap || p.number == h->cell.trail.chunks)
            return rc;
        rc = find_part(s->l, h, false, p.number + 1, &p, d);
    }
    return rc;
}

static gov_status run(statement *s, const diag *d)
{
    history h;
    s->from_us = s->f->timestamp_min;
    s->to_us = s->f->timestamp_max != 0 ? s->f->timestamp_max : INT64_MAX;
    if (s->f->limit != 0 && s->f->limit < s->cap)
        s->cap = s->f->limit;
    if (s->cap == 0 || s->from_us > s->to_us)
        return GOV_OK;
    const gov_status rc = open_history(s->l, s->f->account, &h, d);
    if (rc != GOV_OK)
        return rc == GOV_END ? GOV_OK : rc;
    return s->f->flags & GOV_LEDGER_REVERSED ? backwards(s, &h, d) : forwards(s, &h, d);
}

gov_status ledger_account_transfers(ledger *l, const ledger_filter *f, ledger_transfer *out,
                                    size_t cap, size_t *count, const diag *d)
{
    statement s = {.l = l, .f = f, .transfers = out, .cap = cap};
    const gov_status rc = run(&s, d);
    *count = s.count;
    return rc;
}

gov_status ledger_account_balances(ledger *l, const ledger_filter *f, ledger_balance *out,
                                   size_t cap, size_t *count, const diag *d)
{
    statement s = {.l = l, .f = f, .balances = out, .cap = cap};
    const gov_status rc = run(&s, d);
    *count = s.count;
    return rc;
}

gov_status ledger_balance_at(ledger *l, int64_t account, int64_t at_us, ledger_balance *out,
                             const diag *d)
{
    const ledger_filter f = {.account = account,
                             .timestamp_max = at_us,
                             .flags = GOV_LEDGER_REVERSED};
    size_t count = 0;
    const gov_status rc = at_us > 0 ? ledger_account_balances(l, &f, out, 1, &count, d) : GOV_OK;
    if (count == 0)
        *out = (ledger_balance){0};
    return rc;
}

/* ---- sums ---- */

/* Sums of 63-bit numbers in two halves, so that neither engine overflows. */
typedef struct wide {
    int64_t high, low; /* units of 2^32, and the rest */
} wide;

static wide whole(store_rows *rows, int column)
{
    const int64_t low = store_int(rows, column + 1);
    return (wide){store_int(rows, column) + (low >> 32), low & INT64_C(0xffffffff)};
}

static bool same(wide a, wide b)
{
    return a.high == b.high && a.low == b.low;
}

static int64_t shown(wide w)
{
    return w.high > INT32_MAX ? INT64_MAX : w.high << 32 | w.low;
}

gov_status ledger_sum(ledger *l, int64_t after, ledger_sums *out, size_t cap, size_t *count,
                      const diag *d)
{
    static const store_sql sql = {
        "SELECT a.ledger, count(*), CAST(sum(debits_pending >> 32) AS "
        "BIGINT), CAST(sum(debits_pending & 4294967295) AS "
        "BIGINT), CAST(sum(debits_posted >> 32) AS BIGINT), "
        "CAST(sum(debits_posted & 4294967295) AS BIGINT), "
        "CAST(sum(credits_pending >> 32) AS BIGINT), "
        "CAST(sum(credits_pending & 4294967295) AS BIGINT), "
        "CAST(sum(credits_posted >> 32) AS BIGINT), "
        "CAST(sum(credits_posted & 4294967295) AS BIGINT) FROM " LEDGER_ACCOUNT_TABLES
        " WHERE a.community = $1 AND a.ledger > $2 GROUP "
        "BY a.ledger ORDER BY a.ledger LIMIT $3",
        0};
    store_rows rows;
    *count = 0;
    gov_status rc =
        store_query(l->s, &sql,
                    STORE_ARGS(store_i(l->community), store_i(after), store_i((int64_t)cap)), &rows,
                    d);
    while (rc == GOV_OK && *count < cap && (rc = store_next(&rows, d)) == GOV_OK) {
        ledger_sums *s = &out[(*count)++];
        s->book = (uint32_t)store_int(&rows, 0);
        s->accounts = store_int(&rows, 1);
        const wide dp = whole(&rows, 2), dd = whole(&rows, 4), cp = whole(&rows, 6),
                   cc = whole(&rows, 8);
        s->debits_pending = shown(dp);
        s->debits_posted = shown(dd);
        s->credits_pending = shown(cp);
        s->credits_posted = shown(cc);
        s->even = same(dp, cp) && same(dd, cc);
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status ledger_top(ledger *l, uint32_t book, uint32_t code, ledger_account *out, size_t cap,
                      size_t *count, const diag *d)
{
    static const store_sql sql = {
        "SELECT " LEDGER_ACCOUNT_COLUMNS " FROM " LEDGER_ACCOUNT_TABLES
        " WHERE a.community = $1 AND a.ledger = $2 AND (a.code = $3 "
        "OR $3 = 0) ORDER BY b.credits_posted - b.debits_posted DESC, a.seq LIMIT $4",
        0};
    store_rows rows;
    *count = 0;
    gov_status rc = store_query(l->s, &sql,
                                STORE_ARGS(store_i(l->community), store_i(book), store_i(code),
                                           store_i((int64_t)cap)),
                                &rows, d);
    while (rc == GOV_OK && *count < cap && (rc = store_next(&rows, d)) == GOV_OK) {
        ledger_cell c = {0};
        if (!ledger_read_cell(&rows, &c))
            rc = base_fail(d, M_ledger_damaged, A_I("account", store_int(&rows, 1)));
        else
            out[(*count)++] = c.a;
    }
    store_rows_close(&rows);
    return rc == GOV_END ? GOV_OK : rc;
}

/* ---- reasons ---- */

gov_status ledger_reason_number(ledger *l, uint32_t book, const char *name, uint32_t *out,
                                const diag *d)
{
    static const store_sql find = {
        "SELECT number FROM gov_ledger_reason WHERE community = $1 AND ledger = $2 AND name = $3",
        0};
    static const store_sql last = {"SELECT number FROM gov_ledger_reason WHERE community = $1 AND "
                                   "ledger = $2 ORDER BY number DESC LIMIT 1",
                                   0};
    static const store_sql make = {
        "INSERT INTO gov_ledger_reason (community, ledger, number, name) VALUES ($1, $2, $3, $4)",
        0};
    const store_arg book_arg = store_i(book), community = store_i(l->community);
    int64_t number = 0;
    gov_status rc =
        store_first_int(l->s, &find, STORE_ARGS(community, book_arg, store_s(name)), &number, d);
    if (rc == GOV_END) {
        /* The ledger's lock lets one writer number at a time; whoever waited for it looks again. */
        rc = ledger_hold(l, book, d);
        if (rc == GOV_OK)
            rc = store_first_int(l->s, &find, STORE_ARGS(community, book_arg, store_s(name)),
                                 &number, d);
        if (rc == GOV_END) {
            rc = store_first_int(l->s, &last, STORE_ARGS(community, book_arg), &number, d);
            number++;
            if (rc == GOV_OK || rc == GOV_END)
                rc = ledger_keep(l,
                                 store_post(l->s, &make,
                                            STORE_ARGS(community, book_arg, store_i(number),
                                                       store_s(name)),
                                            1, d),
                                 &ledger_kept_reason, book, number, d);
        }
    }
    *out = (uint32_t)number;
    return rc;
}

gov_status ledger_reason_name(ledger *l, uint32_t book, uint32_t number, char out[static 65],
                              const diag *d)
{
    static const store_sql sql = {
        "SELECT name FROM gov_ledger_reason WHERE community = $1 AND ledger = $2 AND number = $3",
        0};
    store_rows rows;
    out[0] = '\0';
    const gov_status rc =
        store_first(l->s, &sql, STORE_ARGS(store_i(l->community), store_i(book), store_i(number)),
                    &rows, d);
    if (rc != GOV_OK)
        return rc == GOV_END ? GOV_OK : rc;
    size_t len;
    const char *name = store_text(&rows, 0, &len);
    memcpy(out, name, len < 64 ? len : 64);
    out[len < 64 ? len : 64] = '\0';
    store_rows_close(&rows);
    return GOV_OK;
}

gov_status ledger_next_due(ledger *l, int64_t *due_us, const diag *d)
{
    static const store_sql sql = {"SELECT due_us FROM gov_ledger_book WHERE community = $1 AND "
                                  "due_us < 9223372036854775807 ORDER BY due_us LIMIT 1",
                                  0};
    *due_us = -1;
    const gov_status rc = store_first_int(l->s, &sql, STORE_ARGS(store_i(l->community)), due_us, d);
    return rc == GOV_END ? GOV_OK : rc;
}
