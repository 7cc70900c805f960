/* The line protocol of `gov ledger`: what its files share. lines.c reads and writes JSON; memory.c answers from a ledger that lives
 * in memory, query.c from a stored one. */
#ifndef LEDGER_LINES_H
#define LEDGER_LINES_H

#include "ledger/book.h"

/* What a test has set by force, before the row of that number was made. */
typedef struct ledger_adjustment {
    size_t row;
    uint32_t cell;
    int64_t balance[4];
} ledger_adjustment;

struct gov_ledger_lines {
    const gov_allocator *alloc;
    gov *g; /* NULL: in memory */
    ledger_book b;
    ledger_adjustment *adjusted;
    size_t adjusted_count, adjusted_cap;
    int64_t clock_us;
    base_arena arena; /* of one line */
};

/* A filter of the protocol: that of statements, and of queries over everything. */
typedef struct ledger_query {
    int64_t account, subject, reference, from_us, to_us; /* inclusive; to_us 0: no end */
    uint32_t ledger, code, reason, limit;
    bool debits, credits, reversed;
} ledger_query;

typedef enum ledger_change_kind {
    LEDGER_CHANGE_SINGLE,
    LEDGER_CHANGE_PENDING,
    LEDGER_CHANGE_POSTED,
    LEDGER_CHANGE_VOIDED,
    LEDGER_CHANGE_EXPIRED
} ledger_change_kind;

/* A change of two accounts, with their balances after it. */
typedef struct ledger_changed {
    ledger_change_kind kind;
    ledger_transfer t; /* id 0: an expiry */
    int64_t amount;
    int64_t balance[2][4]; /* of the debit account, of the credit account */
    bool closed[2];
} ledger_changed;

/* ---- memory.c: limits were looked at, `cap` holds them ---- */

gov_status ledger_memory_create(gov_ledger_lines *s, const ledger_account *a,
                                const ledger_transfer *t, size_t n, int64_t actor, ledger_result *r,
                                const diag *d);
gov_status ledger_memory_advance(gov_ledger_lines *s, int64_t us, const diag *d);
gov_status ledger_memory_set(gov_ledger_lines *s, const ledger_account *balances, const diag *d);
/* In the order of time, as the next two: what is imported is older than what was there before it. */
gov_status ledger_memory_accounts(gov_ledger_lines *s, const ledger_query *q, ledger_account *out,
                                  size_t cap, size_t *count, const diag *d);
/* Of one account when q->account is not 0. */
gov_status ledger_memory_transfers(gov_ledger_lines *s, const ledger_query *q, ledger_transfer *out,
                                   size_t cap, size_t *count, const diag *d);
/* All changes (account 0), or those that a statement of its balances has. */
gov_status ledger_memory_changes(gov_ledger_lines *s, const ledger_query *q, ledger_changed *out,
                                 size_t cap, size_t *count, const diag *d);

/* ---- query.c: the same from the store ---- */

gov_status ledger_query_accounts(ledger *l, const ledger_query *q, ledger_account *out, size_t cap,
                                 size_t *count, const diag *d);
gov_status ledger_query_transfers(ledger *l, const ledger_query *q, ledger_transfer *out,
                                  size_t cap, size_t *count, const diag *d);
gov_status ledger_query_changes(ledger *l, const ledger_query *q, ledger_changed *out, size_t cap,
                                size_t *count, const diag *d);

/* Does a transfer answer the filter, but for its account and its instant? */
bool ledger_query_matches(const ledger_query *q, const ledger_transfer *t);
ledger_change_kind ledger_change_of(const ledger_row *r);

#endif
