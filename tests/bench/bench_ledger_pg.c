/* Room ledger on PostgreSQL, beside a bare program that locks the same accounts, probes the ids, copies the same rows in and updates the
 * balances from arrays. The server is that of GOV_TEST_PG (tests/support/postgres.sh start). */
#include "common/bench.h"

#include "ledger/ledger.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMUNITY 3
#define REAL_MS   INT64_C(1772409900000)

enum { ACCOUNTS = 10000, BATCHES = 12 };
#define ACCOUNT_ID(i) (INT64_C(1000000) + (i))

static const store_migration *const schema[] = {&ledger_schema};

typedef struct bed {
    char url[600];
    uint64_t seed;
    int64_t clock_ms;
    int each, batches;
    store *s;
    ledger *l;
    PGconn *c;
    int64_t debits[ACCOUNTS], credits[ACCOUNTS];
    bool touched[ACCOUNTS];
    ledger_transfer t[LEDGER_BATCH_MAX];
    ledger_result r[LEDGER_BATCH_MAX];
} bed;

static uint32_t rnd(bed *b, uint32_t below)
{
    b->seed = b->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(b->seed >> 33) % below;
}

static gov_status entry_made(void *user, const ledger_commitment *c, int64_t *entry, const diag *d)
{
    (void)user;
    (void)d;
    bench_keep(c->digest[0]);
    *entry = COMMUNITY + 9;
    return GOV_OK;
}

static void random_transfers(bed *b, const int64_t *ids)
{
    for (int i = 0; i < b->each; i++) {
        const uint32_t debit = rnd(b, ACCOUNTS), other = rnd(b, ACCOUNTS - 1);
        b->t[i] =
            (ledger_transfer){.id = ids[i],
                              .debit_account = ACCOUNT_ID(debit),
                              .credit_account = ACCOUNT_ID(other >= debit ? other + 1 : other),
                              .amount = 1 + rnd(b, 1000),
                              .ledger = 1,
                              .code = 1};
    }
}

/* ---- ours ---- */

static bool post_batch(bed *b)
{
    static const ledger_entry entry = {entry_made, NULL};
    static int64_t ids[LEDGER_BATCH_MAX];
    b->clock_ms += 40;
    const ledger_time t = {b->clock_ms * 1000, b->clock_ms, 1};
    if (store_begin(b->s, NULL) != GOV_OK ||
        store_new_ids(b->s, b->clock_ms, (size_t)b->each, ids, NULL) != GOV_OK)
        return false;
    random_transfers(b, ids);
    return ledger_transfer_batch(b->l, b->t, (size_t)b->each, t, &entry, b->r, NULL) == GOV_OK &&
           b->r[b->each - 1].code == GOV_LEDGER_CREATED && store_commit(b->s, NULL) == GOV_OK;
}

static bool make_accounts(bed *b)
{
    static ledger_account a[LEDGER_BATCH_MAX];
    for (int from = 0; from < ACCOUNTS; from += 5000) {
        for (int i = 0; i < 5000; i++)
            a[i] = (ledger_account){.id = ACCOUNT_ID(from + i), .ledger = 1, .code = 1};
        if (ledger_create_accounts(b->l, a, 5000, (ledger_time){REAL_MS * 1000, REAL_MS, 1}, NULL,
                                   b->r, NULL) != GOV_OK)
            return false;
    }
    return true;
}

static bool prepare_ours(void *user)
{
    bed *b = user;
    const char *server = getenv("GOV_TEST_PG");
    b->seed = 7;
    b->clock_ms = REAL_MS;
    snprintf(b->url, sizeof b->url, "%s%coptions=-csearch_path%%3Dbench_ledger", server,
             strchr(server, '?') != NULL ? '&' : '?');
    PGconn *c = PQconnectdb(server);
    PGresult *made =
        PQexec(c, "SET client_min_messages TO warning; DROP SCHEMA IF EXISTS bench_ledger CASCADE; "
                  "CREATE SCHEMA bench_ledger");
    const bool clean = PQresultStatus(made) == PGRES_COMMAND_OK;
    PQclear(made);
    PQfinish(c);
    const store_config config = {.url = b->url,
                                 .flags = STORE_CREATE,
                                 .migrations = schema,
                                 .migration_count = 1};
    return clean && store_open(&base_malloc, &config, &b->s, NULL) == GOV_OK &&
           ledger_open(b->s, COMMUNITY, &b->l, NULL) == GOV_OK &&
           store_begin(b->s, NULL) == GOV_OK && make_accounts(b) &&
           store_commit(b->s, NULL) == GOV_OK && post_batch(b);
}

static bool run_ours(void *user)
{
    bed *b = user;
    for (int i = 0; i < b->batches; i++)
        if (!post_batch(b))
            return false;
    return true;
}

static void finish_ours(void *user)
{
    bed *b = user;
    ledger_close(b->l);
    store_close(b->s);
}

/* ---- the floor ---- */

static bool command(bed *b, const char *sql);
static bool bare_batch(bed *b);

static bool prepare_floor(void *user)
{
    bed *b = user;
    static const char *const statements[][2] = {
        {"lock", "SELECT id, debits_posted, credits_posted FROM account WHERE community = 3 AND "
                 "id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"},
        {"probe", "SELECT seq FROM transfer WHERE community = 3 AND seq = ANY($1::bigint[])"},
        {"update",
         "UPDATE account a SET debits_posted = u.d, credits_posted = u.c FROM "
         "unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u(id, d, c) WHERE a.community = 3 "
         "AND a.id = u.id"}};
    static const char *const tables[] = {
        "CREATE TABLE account (community bigint NOT NULL, id bigint NOT NULL, ledger bigint NOT "
        "NULL, "
        "code bigint NOT NULL, flags bigint NOT NULL, debits_pending bigint NOT NULL, "
        "debits_posted bigint NOT NULL, credits_pending bigint NOT NULL, credits_posted bigint NOT "
        "NULL, at_us bigint NOT NULL, PRIMARY KEY (community, id))",
        "CREATE TABLE transfer (community bigint NOT NULL, seq bigint NOT NULL, ledger bigint NOT "
        "NULL, code bigint NOT NULL, flags bigint NOT NULL, debit_account bigint NOT NULL, "
        "credit_account bigint NOT NULL, amount bigint NOT NULL, reason bigint NOT NULL, at_us "
        "bigint NOT NULL, entry bigint, PRIMARY KEY (community, seq))",
        "INSERT INTO account SELECT 3, i, 1, 1, 0, 0, 0, 0, 0, 0 FROM generate_series(1000000, "
        "1009999) i"};
    if (!prepare_ours(user))
        return false;
    finish_ours(user);
    b->c = PQconnectdb(b->url);
    bool good = PQstatus(b->c) == CONNECTION_OK;
    for (size_t i = 0; i < 3 && good; i++)
        good = command(b, tables[i]);
    for (size_t i = 0; i < 3 && good; i++) {
        PGresult *r = PQprepare(b->c, statements[i][0], statements[i][1], 0, NULL);
        good = PQresultStatus(r) == PGRES_COMMAND_OK;
        PQclear(r);
    }
    return good && bare_batch(b);
}

static void finish_floor(void *user)
{
    PQfinish(((bed *)user)->c);
}

static char *put16(char *p, uint16_t n)
{
    n = htons(n);
    memcpy(p, &n, 2);
    return p + 2;
}

static char *put32(char *p, uint32_t n)
{
    n = htonl(n);
    memcpy(p, &n, 4);
    return p + 4;
}

static char *put64(char *p, int64_t n)
{
    return put32(put32(p, (uint32_t)((uint64_t)n >> 32)), (uint32_t)n);
}

static int64_t get64(const char *p)
{
    uint32_t high, low;
    memcpy(&high, p, 4);
    memcpy(&low, p + 4, 4);
    return (int64_t)((uint64_t)ntohl(high) << 32 | ntohl(low));
}

/* A binary bigint[]; gives its length. */
static int array_of(char *out, const int64_t *items, int n)
{
    char *p = put32(put32(put32(out, 1), 0), 20);
    p = put32(put32(p, (uint32_t)n), 1);
    for (int i = 0; i < n; i++)
        p = put64(put32(p, 8), items[i]);
    return (int)(p - out);
}

static PGresult *call(bed *b, const char *name, int arrays, const int64_t *const *items, int n)
{
    static char text[3][20 + 2 * LEDGER_BATCH_MAX * 12];
    const char *values[3];
    int lengths[3];
    static const int binary[3] = {1, 1, 1};
    for (int i = 0; i < arrays; i++) {
        values[i] = text[i];
        lengths[i] = array_of(text[i], items[i], n);
    }
    return PQexecPrepared(b->c, name, arrays, values, lengths, binary, 1);
}

static bool command(bed *b, const char *sql)
{
    PGresult *r = PQexec(b->c, sql);
    const bool good = PQresultStatus(r) == PGRES_COMMAND_OK;
    PQclear(r);
    return good;
}

static bool copy_rows(bed *b)
{
    static char rows[32 + LEDGER_BATCH_MAX * (2 + 11 * 12)];
    static const char magic[] = "PGCOPY\n\377\r\n";
    PGresult *r =
        PQexec(b->c, "COPY transfer (community, seq, ledger, code, flags, debit_account, "
                     "credit_account, amount, reason, at_us, entry) FROM STDIN (FORMAT binary)");
    bool good = PQresultStatus(r) == PGRES_COPY_IN;
    PQclear(r);
    memcpy(rows, magic, 11);
    char *p = put32(put32(rows + 11, 0), 0);
    for (int i = 0; i < b->each; i++) {
        const ledger_transfer *t = &b->t[i];
        const int64_t fields[] = {COMMUNITY,
                                  t->id,
                                  1,
                                  1,
                                  0,
                                  t->debit_account,
                                  t->credit_account,
                                  t->amount,
                                  0,
                                  b->clock_ms * 1000 + i,
                                  COMMUNITY + 9};
        p = put16(p, 11);
        for (int k = 0; k < 11; k++)
            p = put64(put32(p, 8), fields[k]);
    }
    p = put16(p, UINT16_MAX);
    good = good && PQputCopyData(b->c, rows, (int)(p - rows)) == 1 && PQputCopyEnd(b->c, NULL) == 1;
    while ((r = PQgetResult(b->c)) != NULL) {
        good = good && PQresultStatus(r) == PGRES_COMMAND_OK;
        PQclear(r);
    }
    return good;
}

static bool bare_batch(bed *b)
{
    static int64_t ids[LEDGER_BATCH_MAX], accounts[ACCOUNTS], debits[ACCOUNTS], credits[ACCOUNTS];
    int n = 0;
    b->clock_ms += 40;
    for (int i = 0; i < b->each; i++)
        ids[i] = ((b->clock_ms - STORE_ID_EPOCH_MS) << 22) + (1 << 21) + i;
    random_transfers(b, ids);
    memset(b->touched, 0, sizeof b->touched);
    for (int i = 0; i < b->each; i++)
        b->touched[b->t[i].debit_account - ACCOUNT_ID(0)] =
            b->touched[b->t[i].credit_account - ACCOUNT_ID(0)] = true;
    for (int i = 0; i < ACCOUNTS; i++)
        if (b->touched[i])
            accounts[n++] = ACCOUNT_ID(i);
    if (!command(b, "BEGIN"))
        return false;
    PGresult *r = call(b, "lock", 1, (const int64_t *const[]){accounts}, n);
    bool good = PQntuples(r) == n;
    for (int i = 0; i < n && good; i++) {
        const int at = (int)(get64(PQgetvalue(r, i, 0)) - ACCOUNT_ID(0));
        b->debits[at] = get64(PQgetvalue(r, i, 1));
        b->credits[at] = get64(PQgetvalue(r, i, 2));
    }
    PQclear(r);
    r = call(b, "probe", 1, (const int64_t *const[]){ids}, b->each);
    good = good && PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 0;
    PQclear(r);
    for (int i = 0; i < b->each; i++) {
        b->debits[b->t[i].debit_account - ACCOUNT_ID(0)] += b->t[i].amount;
        b->credits[b->t[i].credit_account - ACCOUNT_ID(0)] += b->t[i].amount;
    }
    good = good && copy_rows(b);
    for (int i = 0; i < n; i++) {
        debits[i] = b->debits[accounts[i] - ACCOUNT_ID(0)];
        credits[i] = b->credits[accounts[i] - ACCOUNT_ID(0)];
    }
    r = call(b, "update", 3, (const int64_t *const[]){accounts, debits, credits}, n);
    good = good && PQresultStatus(r) == PGRES_COMMAND_OK;
    PQclear(r);
    return good && command(b, "COMMIT");
}

static bool run_floor(void *user)
{
    bed *b = user;
    for (int i = 0; i < b->batches; i++)
        if (!bare_batch(b))
            return false;
    return true;
}

int main(int argc, char **argv)
{
    static bed batches, singles;
    batches.batches = BATCHES;
    batches.each = LEDGER_BATCH_MAX;
    singles.batches = 300;
    singles.each = 1;
#define SIDES(bed)                                           \
    {prepare_ours, run_ours, finish_ours, NULL, &(bed)},     \
    {                                                        \
        prepare_floor, run_floor, finish_floor, NULL, &(bed) \
    }
    const bench_case cases[] = {{"ledger_pg_batches", "transfers/s",
                                 (double)BATCHES * LEDGER_BATCH_MAX, SIDES(batches), "bare libpq"},
                                {"ledger_pg_single_transfer", "us", 300, SIDES(singles),
                                 "bare libpq"}};
    if (getenv("GOV_TEST_PG") == NULL && (argc < 2 || strcmp(argv[1], "--list") != 0)) {
        fputs("ledger on PostgreSQL: no server (GOV_TEST_PG)\n", stderr);
        return 0;
    }
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
