/* Room ledger: one double-entry engine for points, minutes and money.
 *
 * Accounts hold debits and credits, pending and posted; transfers are immutable and come in batches with a result for each.
 * What a batch means is decided by the core (book.h), which knows no store: the semantics and the precedence of the
 * results are those of TigerBeetle. This header is the stored ledger: it loads what a batch touches, lets the core decide, and
 * writes the outcome.
 *
 * How it is stored
 *   gov_ledger_book      one row per ledger: the lock that every write takes, in ascending order; clocks, high-water marks
 *   gov_ledger_account   what an account is, written once
 *   gov_ledger_balance   its balances, and its newest 32 transfers with the way to older ones ("trail")
 *   gov_ledger_block     transfers of a batch, up to 128 in a row, packed by columns (block.c) in the order of `seq` and of time;
 *                        expiries of pending transfers are among them, without an id
 *   gov_ledger_id        where those transfers are whose id is not their seq
 *   gov_ledger_trail     32 transfers of one account each, linked to the one before and to one far before (a skip list that
 *                        only grows), with the balances after them: history without an index on the transfers
 *   gov_ledger_pending   pending transfers, what became of them and when they expire
 *   gov_ledger_failed    ids whose transfer failed for a reason that may pass: they stay failed
 *   gov_ledger_reason    names of the numbers in `reason`
 *   gov_ledger_lot       what an account with lots has, each part with its expiry; gov_ledger_use: which transfer took from which lot
 *   gov_ledger_cap       caps per account and period; gov_ledger_count: what was counted against them
 *   gov_ledger_reversed  how much of a transfer was taken back
 *   gov_ledger_effective what took effect at another instant than it was recorded at, per account
 *   gov_ledger_memo      notes about accounts and transfers
 * A transfer whose id came from this store's generator lately and comes after all of its ledger has seq == id, any other gets a seq
 * of its own and a row in gov_ledger_id: so only ids from elsewhere cost an index. Within a ledger seqs ascend as instants do: a
 * block is found by its first seq, or by halving.
 *
 * One handle per store and community. Balances are kept in memory as long as the ledger's row has the version that they were
 * read under. Every function that writes has to run inside a transaction. */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "access/access.h"
#include "store/store.h"

#include <gov/ledger.h>

extern const store_migration ledger_schema; /* version 1 */
extern const journal_kept ledger_kept_cap, ledger_kept_reason, ledger_kept_memo;

/* The public structs are those of the engine. */
typedef gov_account ledger_account;
typedef gov_transfer ledger_transfer;
typedef gov_ledger_result ledger_result;

/* Flag of the rows that record an expiry; never given by a caller. */
#define LEDGER_EXPIRED (UINT32_C(1) << 16)
/* Flag of the transfers that an expired lot makes, to the breakage account. */
#define LEDGER_BREAKAGE (UINT32_C(1) << 15)

enum { LEDGER_BATCH_MAX = 8190 };

typedef struct ledger ledger;

gov_status ledger_open(store *s, int64_t community, ledger **out, const diag *d);
void ledger_close(ledger *l); /* NULL is allowed */

/* now_us: the community's clock; real_ms: the machine's, for ids; actor: who acts. */
typedef struct ledger_time {
    int64_t now_us, real_ms, actor;
    bool nobody; /* no person does, but the rules: of two people who approve they are neither */
} ledger_time;

/* What a batch wrote, for the journal entry that commits to it. Not called when nothing was written. Gives the id of the entry,
 * 0 for none. The digest is SHA-256 over those of the batch's blocks, in the order of ledger and seq (ledger_block_bytes); accounts have a
 * digest of their own. */
typedef struct ledger_commitment {
    bool accounts;             /* of accounts, else of transfers */
    size_t count;              /* rows written */
    int64_t first_us, last_us; /* their timestamps */
    int64_t first_seq, last_seq;
    uint8_t digest[BASE_DIGEST_SIZE];
    uint32_t book; /* of all of them; 0: of several */
    const void *rows; /* what is told of the rows: told.c */
    size_t rows_len;
} ledger_commitment;
typedef struct ledger_entry {
    gov_status (*make)(void *user, const ledger_commitment *c, int64_t *entry, const diag *d);
    void *user;
} ledger_entry;

/* ---- writing: in the caller's transaction ---- */

/* A result for each event; GOV_OK also when every event failed. GOV_E_LIMIT past LEDGER_BATCH_MAX events. `entry` may be NULL. */
gov_status ledger_create_accounts(ledger *l, const ledger_account *events, size_t n, ledger_time t,
                                  const ledger_entry *entry, ledger_result *results, const diag *d);
gov_status ledger_transfer_batch(ledger *l, const ledger_transfer *events, size_t n, ledger_time t,
                                 const ledger_entry *entry, ledger_result *results, const diag *d);
/* Expires what is due in all ledgers, at most `max` transfers (at most LEDGER_BATCH_MAX; 0: that many). Batches do the same for the
 * ledgers they touch. */
gov_status ledger_expire(ledger *l, size_t max, ledger_time t, const ledger_entry *entry,
                         size_t *expired, const diag *d);
/* When the next pending transfer expires, or a little earlier; -1: none. */
gov_status ledger_next_due(ledger *l, int64_t *due_us, const diag *d);

/* The number of a reason's name in a ledger, made at first use. */
gov_status ledger_reason_number(ledger *l, uint32_t book, const char *name, uint32_t *number,
                                const diag *d);
/* The same without making it: 0 when there is none. */
gov_status ledger_reason_find(ledger *l, uint32_t book, const char *name, int64_t *number,
                              const diag *d);
/* "" when it has none. */
gov_status ledger_reason_name(ledger *l, uint32_t book, uint32_t number, char out[static 65],
                              const diag *d);

/* ---- reading ---- */

/* In the order asked; an id that is not there leaves out[i].id 0. */
gov_status ledger_lookup_accounts(ledger *l, const int64_t *ids, size_t n, ledger_account *out,
                                  const diag *d);
gov_status ledger_lookup_transfers(ledger *l, const int64_t *ids, size_t n, ledger_transfer *out,
                                   const diag *d);

typedef gov_ledger_filter ledger_filter;
typedef gov_ledger_balance ledger_balance;

/* Transfers of one account, in the order of time (or against it). At most `cap`, and no more than the filter's limit. An account
 * that does not exist has none. */
gov_status ledger_account_transfers(ledger *l, const ledger_filter *f, ledger_transfer *out,
                                    size_t cap, size_t *count, const diag *d);
/* The balances after each of them, expiries included. Any account, whether it has the flag `history` or not. */
gov_status ledger_account_balances(ledger *l, const ledger_filter *f, ledger_balance *out,
                                   size_t cap, size_t *count, const diag *d);
/* As they stood after the last change at or before that instant. */
gov_status ledger_balance_at(ledger *l, int64_t account, int64_t at_us, ledger_balance *out,
                             const diag *d);

/* What is left of a lot that expires some day, and whose account it lies in. */
typedef struct ledger_rest {
    int64_t lot, account, subject, expires_us, left;
} ledger_rest;
/* Those of an account (0: of the whole ledger) that expire until then, the first to expire first, from the one after `after` on (zeroes:
 * from the first): peek.c. *count < cap: there are no more. */
gov_status ledger_lots_left(ledger *l, uint32_t book, int64_t account, const ledger_rest *after,
                            int64_t until_us, ledger_rest *out, size_t cap, size_t *count,
                            const diag *d);
/* What has expired of an account's lots and has not been taken away yet: it cannot be spent any more. */
gov_status ledger_lots_past(ledger *l, int64_t account, int64_t now_us, int64_t *sum,
                            const diag *d);

/* What was taken back of a transfer, reversals that wait included; and what lies in the lots that it made and has not expired. */
gov_status ledger_left_of(ledger *l, int64_t transfer, int64_t now_us, int64_t *back, int64_t *in_lots, const diag *d);

/* Debits and credits of a whole ledger: equal in pairs, or something is wrong. */
typedef struct ledger_sums {
    uint32_t book;
    int64_t accounts;
    int64_t debits_pending, debits_posted, credits_pending,
        credits_posted; /* at most INT64_MAX is shown */
    bool even;          /* exactly, beyond 63 bits too */
} ledger_sums;
/* The ledgers in ascending order, from the one after `after` on (-1: from the first). *count < cap: there are no more. */
gov_status ledger_sum(ledger *l, int64_t after, ledger_sums *out, size_t cap, size_t *count,
                      const diag *d);
/* Accounts of a ledger by balance (credits - debits, posted), greatest first; of one code, 0: any. */
gov_status ledger_top(ledger *l, uint32_t book, uint32_t code, ledger_account *out, size_t cap,
                      size_t *count, const diag *d);
/* Adds up all transfers of each account again and compares: GOV_E_VERIFY names the first account that differs, or the ledger whose
 * sides do. Reads everything. */
gov_status ledger_verify(ledger *l, const diag *d);
/* The digest over the blocks between two seqs that belong to an entry, to be compared with what the entry says. book: whose; 0: of
 * any. */
gov_status ledger_digest(ledger *l, uint32_t book, int64_t entry, int64_t first_seq,
                         int64_t last_seq, size_t *count, uint8_t out[static BASE_DIGEST_SIZE],
                         const diag *d);

/* ---- the ledger of an open community: public.c ---- */

/* Made at first use; g's. */
gov_status ledger_of(gov *g, ledger **out, const diag *d);
ledger_time ledger_now(const gov *g);

/* What the journal entry of a batch says beside its rows' digest. */
typedef struct ledger_note {
    const char *subject_kind;
    int64_t subject;
    value data; /* a map, or absent */
} ledger_note;
/* In g's transaction, with one journal entry in the actor's name. note may be NULL. */
gov_status ledger_post(gov *g, const ledger_transfer *events, size_t n, const ledger_note *note,
                       ledger_result *results, const diag *d);
gov_status ledger_open_accounts(gov *g, const ledger_account *events, size_t n,
                                const ledger_note *note, ledger_result *results, const diag *d);
/* The account of a subject (not 0) by its code in a ledger; 0: none. */
gov_status ledger_find_account(ledger *l, uint32_t book, int64_t subject, uint32_t code,
                               int64_t *id, const diag *d);
/* The same, made like `wanted` (whose id is passed over) at first use. In g's transaction. */
gov_status ledger_account_for(gov *g, const ledger_account *wanted, int64_t *id, const diag *d);
/* Locks a ledger until the transaction ends. */
gov_status ledger_hold(ledger *l, uint32_t book, const diag *d);
/* Every row of every table of the ledger against what the journal was told and the blocks say, then ledger_verify. */
gov_status ledger_verify_all(gov *g, const diag *d);
/* Expires what is due at g's now, as much as one batch holds. In g's transaction. */
gov_status ledger_expire_now(gov *g, size_t *expired, const diag *d);
/* Expires what is due at g's now, in transactions of its own; *next_us: when there is more to do, -1: never. */
gov_status ledger_tick(gov *g, int64_t *next_us, const diag *d);

#endif
