/* The ledger of an open community: batches with their journal entries, and the public calls. */
#include "ledger/stored.h"

#include <string.h>

/* ---- the handle ---- */

static void free_ledger(gov *g, void *state)
{
    (void)g;
    ledger_close(state);
}

gov_status ledger_of(gov *g, ledger **out, const diag *d)
{
    if (g->room[ACCESS_LEDGER] == NULL) {
        ledger *l = NULL;
        const gov_status rc = ledger_open(g->store, g->community, &l, d);
        if (rc != GOV_OK)
            return rc;
        g->room[ACCESS_LEDGER] = l;
        g->room_free[ACCESS_LEDGER] = free_ledger;
    }
    *out = g->room[ACCESS_LEDGER];
    (*out)->g = g;
    (*out)->b.zone = g->rules != NULL ? g->rules->zone : NULL;
    return GOV_OK;
}

gov_status ledger_keep(ledger *l, gov_status written, const journal_kept *k, int64_t a, int64_t b,
                       const diag *d)
{
    return l->g != NULL ? access_keep(l->g, written, k, a, b, 0, d) : written;
}

ledger_time ledger_now(const gov *g)
{
    return (ledger_time){access_now(g), access_real_ms(g), access_actor_id(g), g->actor.kind == ACCESS_RULES};
}

/* ---- journal entries ---- */

typedef struct recording {
    gov *g;
    const ledger_note *note;
    const diag *d;
} recording;

static gov_status record(void *user, const ledger_commitment *c, int64_t *entry, const diag *d)
{
    const recording *r = user;
    value_builder b;
    base_arena arena;
    base_arena_init(&arena, r->g->alloc);
    value_builder_init(&b, &arena);
    value_builder_set(&b, "count", value_int((int64_t)c->count));
    value_builder_set(&b, "first_seq", value_int(c->first_seq));
    value_builder_set(&b, "last_seq", value_int(c->last_seq));
    if (c->book != 0)
        value_builder_set(&b, "ledger", value_int(c->book));
    if (r->note != NULL && r->note->data.kind == VALUE_MAP)
        value_builder_set(&b, "note", r->note->data);
    char *rows = base_arena_alloc(&arena, 2 * c->rows_len + 1);
    b.failed = b.failed || rows == NULL;
    if (rows != NULL) {
        base_hex(c->rows, c->rows_len, rows);
        value_builder_set(&b, "rows", value_string(rows, 2 * c->rows_len));
    }
    const journal_entry e = {.kind = c->accounts ? "accounts" : "transfers",
                             .subject_kind = r->note != NULL ? r->note->subject_kind : "",
                             .subject = r->note != NULL ? r->note->subject : 0,
                             .batch = c->digest,
                             .data = value_builder_map(&b)};
    const gov_status rc = b.failed ? base_nomem(d) : access_record(r->g, &e, entry, d);
    base_arena_free(&arena);
    return rc;
}

/* Once for each account, when the first of its lots has expired that it has no room for. */
static gov_status tell_full(gov *g, const ledger *l, const diag *d)
{
    gov_status rc = GOV_OK;
    for (const ledger_full *f = l->full; f != NULL && rc == GOV_OK; f = f->next) {
        value_builder b;
        base_arena arena;
        int64_t entry;
        base_arena_init(&arena, g->alloc);
        value_builder_init(&b, &arena);
        value_builder_set(&b, "account", value_int(f->account));
        value_builder_set(&b, "ledger", value_int(f->book));
        const journal_entry e = {.kind = "ledger_lots_wait",
                                 .subject_kind = "",
                                 .data = value_builder_map(&b)};
        rc = b.failed ? base_nomem(d) : access_record(g, &e, &entry, d);
        base_arena_free(&arena);
    }
    return rc;
}

gov_status ledger_post(gov *g, const ledger_transfer *events, size_t n, const ledger_note *note,
                       ledger_result *results, const diag *d)
{
    ledger *l;
    recording r = {g, note};
    gov_status rc = ledger_of(g, &l, d);
    if (rc != GOV_OK)
        return rc;
    rc = ledger_transfer_batch(l, events, n, ledger_now(g), &(ledger_entry){record, &r}, results,
                               d);
    return rc == GOV_OK ? tell_full(g, l, d) : rc;
}

gov_status ledger_open_accounts(gov *g, const ledger_account *events, size_t n,
                                const ledger_note *note, ledger_result *results, const diag *d)
{
    ledger *l;
    recording r = {g, note};
    const gov_status rc = ledger_of(g, &l, d);
    if (rc != GOV_OK)
        return rc;
    return ledger_create_accounts(l, events, n, ledger_now(g), &(ledger_entry){record, &r}, results,
                                  d);
}

gov_status ledger_expire_now(gov *g, size_t *expired, const diag *d)
{
    ledger *l;
    recording r = {g, NULL};
    gov_status rc = ledger_of(g, &l, d);
    if (rc != GOV_OK)
        return rc;
    rc = ledger_expire(l, 0, ledger_now(g), &(ledger_entry){record, &r}, expired, d);
    return rc == GOV_OK ? tell_full(g, l, d) : rc;
}

typedef struct ticking {
    gov *g;
    size_t expired;
} ticking;

static gov_status tick_body(void *user, const diag *d)
{
    ticking *t = user;
    return ledger_expire_now(t->g, &t->expired, d);
}

gov_status ledger_tick(gov *g, int64_t *next_us, const diag *d)
{
    ledger *l;
    ticking t = {g, 1};
    int64_t before_us = -1;
    gov_status rc = ledger_of(g, &l, d);
    *next_us = -1;
    if (rc == GOV_OK)
        rc = ledger_next_due(l, next_us, d);
    if (rc != GOV_OK || *next_us < 0 || *next_us > access_now(g))
        return rc;
    const access_actor actor = access_become_rules(g);
    /* Each turn expires as much as a batch holds, or moves the instant on; one that does neither is the last. */
    while (rc == GOV_OK && *next_us >= 0 && *next_us <= access_now(g) &&
           (t.expired > 0 || *next_us != before_us)) {
        before_us = *next_us;
        rc = store_run(g->store, tick_body, &t, d);
        if (rc == GOV_OK)
            rc = ledger_next_due(l, next_us, d);
    }
    access_restore(g, actor);
    return rc;
}

/* ---- verifying ---- */

gov_status ledger_verify_all(gov *g, const diag *d)
{
    ledger *l;
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_audit(g, l, d);
    if (rc == GOV_OK)
        rc = ledger_verify_trails(l, d);
    return rc == GOV_OK ? ledger_verify(l, d) : rc;
}

gov_status ledger_find_account(ledger *l, uint32_t book, int64_t subject, uint32_t code,
                               int64_t *id, const diag *d)
{
    static const store_sql sql = {
        "SELECT id FROM gov_ledger_account WHERE community = $1 AND subject = $2 AND ledger "
        "= $3 AND code = $4 ORDER BY seq LIMIT 1",
        0};
    *id = 0;
    const gov_status rc = store_first_int(l->s, &sql,
                                          STORE_ARGS(store_i(l->community), store_i(subject),
                                                     store_i(book), store_i(code)),
                                          id, d);
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status ledger_account_for(gov *g, const ledger_account *wanted, int64_t *id, const diag *d)
{
    ledger *l;
    ledger_result result;
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_find_account(l, wanted->ledger, wanted->subject, wanted->code, id, d);
    if (rc != GOV_OK || *id != 0)
        return rc;
    /* Whoever waited for the ledger's lock looks again. */
    rc = ledger_hold(l, wanted->ledger, d);
    if (rc == GOV_OK)
        rc = ledger_find_account(l, wanted->ledger, wanted->subject, wanted->code, id, d);
    if (rc != GOV_OK || *id != 0)
        return rc;
    ledger_account a = *wanted;
    rc = access_new_id(g, &a.id, d);
    if (rc == GOV_OK)
        rc = ledger_open_accounts(g, &a, 1, NULL, &result, d);
    if (rc == GOV_OK && result.code != GOV_LEDGER_CREATED)
        return base_fail(d, M_ledger_refused, A_S("result", gov_ledger_result_name(result.code)));
    *id = a.id;
    return rc;
}

/* ---- writing ---- */

typedef struct writing {
    const gov_account *accounts;
    const gov_transfer *transfers;
    size_t n;
    gov_ledger_result *results;
    int64_t *ids;
    bool found; /* they were made ahead */
} writing;

static gov_status write_body(gov *g, void *input, const diag *d)
{
    const writing *w = input;
    const gov_status status = access_check_whole(g, "ledger.write", d);
    gov_ledger_result *results = w->results;
    if (status != GOV_OK)
        return status;
    if (results == NULL)
        results = base_arena_array(&g->scratch, w->n + 1, sizeof *results);
    if (results == NULL)
        return base_nomem(d);
    return w->accounts != NULL ? ledger_open_accounts(g, w->accounts, w->n, NULL, results, d)
                               : ledger_post(g, w->transfers, w->n, NULL, results, d);
}

static const access_call write_call = {"ledger.write", true}, read_call = {"ledger.read", false};

static bool batch_fits(size_t n)
{
    return n > 0 && n <= LEDGER_BATCH_MAX;
}

gov_status gov_ledger_create_accounts(gov *g, const gov_account *accounts, size_t n,
                                      gov_ledger_result *results, gov_error **err)
{
    writing w = {.accounts = accounts, .n = n, .results = results};
    if (accounts == NULL || n == 0)
        return base_misuse(err, accounts == NULL ? "accounts" : "n");
    return access_run(g, &write_call, write_body, &w, err);
}

gov_status gov_ledger_transfer(gov *g, const gov_transfer *transfers, size_t n,
                               gov_ledger_result *results, gov_error **err)
{
    writing w = {.transfers = transfers, .n = n, .results = results};
    if (transfers == NULL || n == 0)
        return base_misuse(err, transfers == NULL ? "transfers" : "n");
    return access_run(g, &write_call, write_body, &w, err);
}

/* A mark that is written for each id would cost a sync each. Ids of the other engine need no mark. */
static bool take_spare(ledger *l, int64_t real_ms, const writing *w)
{
    const int64_t age = real_ms - l->spare_ms;
    if (l->spare_count < l->spare_at + w->n || age < 0 || age > LEDGER_SPARE_MS)
        return false;
    memcpy(w->ids, l->spare + l->spare_at, w->n * sizeof *w->ids);
    l->spare_at += w->n;
    return true;
}

static gov_status spare_body(gov *g, void *input, const diag *d)
{
    ledger *l;
    writing *w = input;
    const gov_status rc = ledger_of(g, &l, d);
    w->found = rc == GOV_OK && take_spare(l, access_real_ms(g), w);
    return rc;
}

static gov_status ids_body(gov *g, void *input, const diag *d)
{
    const writing *w = input;
    const int64_t real_ms = access_real_ms(g);
    ledger *l;
    gov_status rc = ledger_of(g, &l, d);
    if (rc != GOV_OK)
        return rc;
    l->spare_count = l->spare_at = 0;
    if (store_kind_of(g->store) != STORE_SQLITE || w->n >= LEDGER_SPARE_IDS)
        return store_new_ids(g->store, real_ms, w->n, w->ids, d);
    rc = store_new_ids(g->store, real_ms, LEDGER_SPARE_IDS, l->spare, d);
    if (rc != GOV_OK)
        return rc;
    l->spare_ms = real_ms;
    l->spare_count = LEDGER_SPARE_IDS;
    (void)take_spare(l, real_ms, w);
    return GOV_OK;
}

gov_status gov_ledger_new_ids(gov *g, size_t n, int64_t *ids, gov_error **err)
{
    static const access_call spare_call = {"ledger.write", false};
    writing w = {.ids = ids, .n = n};
    if (ids == NULL || !batch_fits(n))
        return base_misuse(err, ids == NULL ? "ids" : "n");
    const gov_status rc = access_run(g, &spare_call, spare_body, &w, err);
    return rc == GOV_OK && !w.found ? access_run(g, &write_call, ids_body, &w, err) : rc;
}

/* ---- reading ---- */

typedef struct reading {
    const int64_t *ids;
    size_t n;
    ledger_filter filter;
    gov_account *accounts; /* one of the three */
    gov_transfer *transfers;
    gov_ledger_balance *balances;
    size_t *count; /* NULL: a look-up */
} reading;

static gov_status read_body(gov *g, void *input, const diag *d)
{
    const reading *r = input;
    ledger *l;
    gov_status rc = access_check_whole(g, "ledger.read", d);
    if (rc == GOV_OK)
        rc = ledger_of(g, &l, d);
    if (rc != GOV_OK)
        return rc;
    if (r->count == NULL)
        return r->accounts != NULL ? ledger_lookup_accounts(l, r->ids, r->n, r->accounts, d)
                                   : ledger_lookup_transfers(l, r->ids, r->n, r->transfers, d);
    return r->transfers != NULL
               ? ledger_account_transfers(l, &r->filter, r->transfers, r->n, r->count, d)
               : ledger_account_balances(l, &r->filter, r->balances, r->n, r->count, d);
}

gov_status gov_ledger_lookup_accounts(gov *g, const int64_t *ids, size_t n, gov_account *out,
                                      gov_error **err)
{
    reading r = {.ids = ids, .n = n, .accounts = out};
    if (ids == NULL || out == NULL || !batch_fits(n))
        return base_misuse(err, ids == NULL ? "ids" : out == NULL ? "out" : "n");
    return access_run(g, &read_call, read_body, &r, err);
}

gov_status gov_ledger_lookup_transfers(gov *g, const int64_t *ids, size_t n, gov_transfer *out,
                                       gov_error **err)
{
    reading r = {.ids = ids, .n = n, .transfers = out};
    if (ids == NULL || out == NULL || !batch_fits(n))
        return base_misuse(err, ids == NULL ? "ids" : out == NULL ? "out" : "n");
    return access_run(g, &read_call, read_body, &r, err);
}

void gov_ledger_filter_init(gov_ledger_filter *filter, size_t size)
{
    if (filter == NULL || size < sizeof filter->size)
        return;
    memset(filter, 0, size);
    filter->size = size;
}

static gov_status statement(gov *g, const gov_ledger_filter *filter, reading *r, gov_error **err)
{
    const uint32_t flags = GOV_LEDGER_DEBITS | GOV_LEDGER_CREDITS | GOV_LEDGER_REVERSED;
    const diag d = {g != NULL ? g->alloc : NULL, err};
    if (filter == NULL || r->count == NULL || !batch_fits(r->n))
        return base_misuse(err, filter == NULL ? "filter" : r->count == NULL ? "count" : "cap");
    const gov_status rc = access_options(&r->filter, sizeof r->filter, filter, filter->size, &d);
    if (rc != GOV_OK)
        return rc;
    if (r->filter.flags & ~flags || r->filter.timestamp_min < 0 || r->filter.timestamp_max < 0)
        return base_misuse(err, "filter");
    *r->count = 0;
    return access_run(g, &read_call, read_body, r, err);
}

gov_status gov_ledger_account_transfers(gov *g, const gov_ledger_filter *filter, gov_transfer *out,
                                        size_t cap, size_t *count, gov_error **err)
{
    reading r = {.transfers = out, .n = cap, .count = count};
    return out == NULL ? base_misuse(err, "out") : statement(g, filter, &r, err);
}

gov_status gov_ledger_account_balances(gov *g, const gov_ledger_filter *filter,
                                       gov_ledger_balance *out, size_t cap, size_t *count,
                                       gov_error **err)
{
    reading r = {.balances = out, .n = cap, .count = count};
    return out == NULL ? base_misuse(err, "out") : statement(g, filter, &r, err);
}
