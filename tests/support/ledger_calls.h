/* Calls of the ledger in transactions of their own, for its tests. */
#ifndef GOV_TEST_LEDGER_CALLS_H
#define GOV_TEST_LEDGER_CALLS_H

#include "support/support.h"

#include "ledger/stored.h"

#define REAL_MS   INT64_C(1772409900000) /* 2026-03-02 */
#define NOW       (REAL_MS * 1000)
#define COMMUNITY 77

static gov_error *err;
static const diag D = {&base_malloc, &err};
static const store_migration *const schema[] = {&ledger_schema};

static inline store *open_on(const char *url, uint32_t flags, const gov_allocator *a)
{
    store *s = NULL;
    const store_config config = {.url = url,
                                 .flags = STORE_CREATE | STORE_FAST | flags,
                                 .busy_ms = 10000,
                                 .migrations = schema,
                                 .migration_count = 1};
    assert_gov_ok(store_open(a, &config, &s, &D), err);
    return s;
}

/* ---- calls in transactions of their own ---- */

typedef struct commits {
    ledger_commitment last;
    int64_t entry; /* given to the next */
    int made;
} commits;

static inline gov_status commit_made(void *user, const ledger_commitment *c, int64_t *entry, const diag *d)
{
    commits *k = user;
    (void)d;
    k->last = *c;
    k->made++;
    *entry = k->entry;
    return GOV_OK;
}

static commits kept;
static const ledger_entry note_entry = {commit_made, &kept};

static int64_t acting = 1;

static inline void accounts(store *s, ledger *l, const ledger_account *a, size_t n, int64_t now,
                     ledger_result *r)
{
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_create_accounts(l, a, n, (ledger_time){now, REAL_MS}, &note_entry, r, &D),
                  err);
    assert_gov_ok(store_commit(s, &D), err);
}

static inline void transfers(store *s, ledger *l, const ledger_transfer *t, size_t n, int64_t now,
                      ledger_result *r)
{
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_transfer_batch(l, t, n, (ledger_time){now, REAL_MS, acting}, &note_entry, r,
                                        &D),
                  err);
    assert_gov_ok(store_commit(s, &D), err);
}

/* Which results were given, on which stores: 1 SQLite, 2 PostgreSQL. */
static uint8_t reached[300], on_store;

static inline int32_t transfer(store *s, ledger *l, ledger_transfer t, int64_t now)
{
    ledger_result r;
    transfers(s, l, &t, 1, now, &r);
    reached[r.code] |= on_store;
    return r.code;
}

static inline ledger_account look(ledger *l, int64_t id)
{
    ledger_account a;
    assert_gov_ok(ledger_lookup_accounts(l, &id, 1, &a, &D), err);
    return a;
}

#define assert_code(code, call)                                                        \
    do {                                                                               \
        const int32_t got_ = (call);                                                   \
        if (got_ != GOV_LEDGER_##code)                                                 \
            fail_msg("expected %s, got %s", gov_ledger_result_name(GOV_LEDGER_##code), \
                     gov_ledger_result_name(got_));                                    \
    } while (0)

#define TRANSFER(...) ((ledger_transfer){.ledger = 1, .code = 1, __VA_ARGS__})

static inline void two_accounts(store *s, ledger *l, uint32_t flags)
{
    const ledger_account a[] = {{.id = 1, .ledger = 1, .code = 1},
                                {.id = 2, .ledger = 1, .code = 1, .flags = flags}};
    ledger_result r[2];
    accounts(s, l, a, 2, NOW, r);
    assert_code(CREATED, r[0].code);
    assert_code(CREATED, r[1].code);
}

/* ---- the model: one plain list of accounts, transfers by number, everything looked at afresh ---- */

enum { MODEL_ACCOUNTS = 48, MODEL_TRANSFERS = 1 << 17, MODEL_LOG = 1 << 18, MODEL_LEDGERS = 4 };

enum { MODEL_LOTS = 1 << 17, MODEL_USES = 1 << 18, MODEL_COUNTS = 1 << 12, MODEL_CAPS = 3 };

/* ---- what a user relies on, one thing each ---- */

static inline ledger *open_ledger(support_store *on, store **s)
{
    ledger *l = NULL;
    *s = open_on(on->url, 0, &base_malloc);
    assert_gov_ok(ledger_open(*s, COMMUNITY, &l, &D), err);
    return l;
}

static inline void done(store *s, ledger *l)
{
    assert_gov_ok(ledger_verify(l, &D), err);
    ledger_close(l);
    store_close(s);
}

/* ---- two processes at once ---- */

enum { FIRE_BATCHES = 60, FIRE_EACH = 20 };

#endif
