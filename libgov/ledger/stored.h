/* What the files of the stored ledger share. */
#ifndef LEDGER_STORED_H
#define LEDGER_STORED_H

#include "ledger/block.h"

extern const store_table ledger_book_table, ledger_account_table, ledger_balance_table,
    ledger_block_table, ledger_id_table, ledger_trail_table, ledger_pending_table,
    ledger_failed_table, ledger_lot_table, ledger_use_table, ledger_cap_table, ledger_count_table,
    ledger_reversed_table, ledger_effective_table, ledger_memo_table;

/* An account for expired lots that has no room for one. */
typedef struct ledger_full {
    struct ledger_full *next;
    int64_t account;
    uint32_t book;
} ledger_full;

/* Ids made ahead, in one write, for callers that want a few at a time; gone with a transaction that is undone, and after a second. */
enum { LEDGER_SPARE_IDS = 64, LEDGER_SPARE_MS = 1000 };

struct ledger {
    const gov_allocator *alloc;
    store *s;
    int64_t community;
    ledger_book b;
    base_arena scratch; /* of one call */
    gov *g;             /* whose journal is told of rows that it keeps; NULL: a ledger of its own */
    ledger_full *full;  /* where lots began to wait in this call; in scratch */
    int64_t spare[LEDGER_SPARE_IDS], spare_ms;
    size_t spare_at, spare_count;
    bool foreign;       /* an id met another row's seq: give every row a seq of its own */
};

/* ---- told.c: what the journal is told of a batch's rows ---- */

enum {
    LEDGER_TOLD_BLOCK = 1, /* ledger, seq, transfers, first_us, last_us, mark of its bytes */
    LEDGER_TOLD_ACCOUNT,   /* seq, then as in the table, without the entry */
    LEDGER_TOLD_LOT,       /* seq, account, ledger, expires_us, amount */
    LEDGER_TOLD_USE,       /* seq, lot, amount, what came back in this batch, is new */
    LEDGER_TOLD_COUNT,     /* ledger, account, cap, begins_us, by how much it changed, is new */
    LEDGER_TOLD_FAILED,    /* id, ledger */
    LEDGER_TOLD_KINDS,
    LEDGER_TOLD_MOST = 14
};
extern const uint8_t ledger_told_numbers[LEDGER_TOLD_KINDS];
typedef struct ledger_told {
    base_buf bytes;
    int64_t last[LEDGER_TOLD_KINDS][LEDGER_TOLD_MOST];
} ledger_told;
typedef struct ledger_hearing {
    const char *at, *end; /* hexadecimal */
    int64_t last[LEDGER_TOLD_KINDS][LEDGER_TOLD_MOST];
} ledger_hearing;
void ledger_tell(ledger_told *t, int kind, const int64_t *numbers);
int ledger_hear(ledger_hearing *h,
                int64_t numbers[static LEDGER_TOLD_MOST]); /* the kind; 0: no more */
int64_t ledger_block_mark(const uint8_t digest[static BASE_DIGEST_SIZE]);
/* Names the lots that the batch has made, and tells of them, of what was taken and brought back, and of counts. */
gov_status ledger_tell_extras(ledger *l, ledger_time t, ledger_told *told, const diag *d);

/* ---- clocks.c: how far each ledger goes ---- */

typedef struct ledger_extent {
    uint32_t book;
    int64_t accounts, account_us, transfer_us, first_seq, last_seq, last_id;
} ledger_extent;
typedef struct ledger_extents {
    const gov_allocator *alloc;
    ledger_extent *items;
    size_t count, cap, last;
} ledger_extents;
/* False: no memory. */
bool ledger_extent_row(ledger_extents *x, const ledger_row *r);
bool ledger_extent_failed(ledger_extents *x, uint32_t book, int64_t id);
bool ledger_extent_account(ledger_extents *x, uint32_t book, int64_t at_us);
/* The rows of the ledgers, whose clocks are loaded, against that. */
gov_status ledger_check_clocks(ledger *l, const ledger_extents *x, const diag *d);

/* ---- chunks.c ---- */

/* Every trail and its chunks against the transfers. */
gov_status ledger_verify_trails(ledger *l, const diag *d);

/* ---- audit.c ---- */

/* Every row of the ledger's tables against what the journal was told and the blocks say: names the table, the row, the column. */
gov_status ledger_audit(gov *g, ledger *l, const diag *d);

enum { LEDGER_CELLS_MAX = 1 << 16 }; /* accounts kept in memory between batches */

/* A row of a table that the journal keeps was written. */
gov_status ledger_keep(ledger *l, gov_status written, const journal_kept *k, int64_t a, int64_t b,
                       const diag *d);
void ledger_forget(ledger *l); /* all that is kept in memory */

/* ---- load.c ---- */

#define LEDGER_ACCOUNT_COLUMNS                                                               \
    "a.seq, a.id, a.ledger, a.code, a.flags, b.debits_pending, b.debits_posted, "            \
    "b.credits_pending, b.credits_posted, a.subject, a.reference, a.reason, a.min_balance, " \
    "a.max_balance, a.warn_min, a.warn_max, a.breakage, a.at_us, b.trail, b.closed"
#define LEDGER_ACCOUNT_TABLES                                                                  \
    "gov_ledger_account a JOIN gov_ledger_balance b ON b.community = a.community AND b.seq = " \
    "a.seq"
#define LEDGER_PARAMS_4 "$2, $3, $4, $5"
#define LEDGER_PARAMS_128                                                                          \
    "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, " \
    "$22, $23, $24, $25, "                                                                         \
    "$26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, "   \
    "$44, $45, $46, $47, "                                                                         \
    "$48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65, "   \
    "$66, $67, $68, $69, "                                                                         \
    "$70, $71, $72, $73, $74, $75, $76, $77, $78, $79, $80, $81, $82, $83, $84, $85, $86, $87, "   \
    "$88, $89, $90, $91, "                                                                         \
    "$92, $93, $94, $95, $96, $97, $98, $99, $100, $101, $102, $103, $104, $105, $106, $107, "     \
    "$108, $109, $110, $111, "                                                                     \
    "$112, $113, $114, $115, $116, $117, $118, $119, $120, $121, $122, $123, $124, $125, $126, "   \
    "$127, $128, $129"

enum { LEDGER_LIST_MANY = 128 };
/* False: the trail is damaged. */
bool ledger_read_cell(store_rows *rows, ledger_cell *c);

/* A query over a list of ids, in two lengths; each row is given to `take`. */
typedef struct ledger_list {
    store_sql few, many; /* with 4 and 128 parameters after the community */
} ledger_list;
typedef gov_status ledger_take(void *user, store_rows *rows, const diag *d);
gov_status ledger_each(ledger *l, const ledger_list *list, const int64_t *ids, size_t n,
                       ledger_take *take, void *user, const diag *d);
/* Lots, each with the balances of the account that it goes to when it expires; and which of them there is room for. */
#define LEDGER_LOTS_AND_ROOM                                                                  \
    "gov_ledger_lot t JOIN gov_ledger_account a ON a.community = t.community AND a.id = "     \
    "t.account JOIN gov_ledger_account k ON k.community = a.community AND k.id = a.breakage " \
    "JOIN gov_ledger_balance b ON b.community = k.community AND b.seq = k.seq"
#define LEDGER_LOT_DUE \
    "t.community = $1 AND t.ledger = $2 AND t.rest > 0 AND t.expires_us < 9223372036854775807"
#define LEDGER_ROOM "9223372036854775807 - b.credits_posted - b.credits_pending"
extern const ledger_list ledger_accounts_by_id, ledger_statuses_by_seq;

/* ---- rows.c: transfers out of their blocks; *r is not put into a book ---- */

typedef gov_status ledger_take_row(void *user, const ledger_row *r, const diag *d);
/* Those of a ledger that are there, in the order of their seqs. */
gov_status ledger_rows_by_seq(ledger *l, uint32_t book, const int64_t *seqs, size_t n,
                              ledger_take_row *take, void *user, const diag *d);
/* Those of the ledgers whose clocks are loaded, in no order. */
gov_status ledger_rows_by_id(ledger *l, const int64_t *ids, size_t n, ledger_take_row *take,
                             void *user, const diag *d);

/* What a scan gives; 0: any. */
typedef struct ledger_want {
    uint32_t book;
    int64_t from_us, to_us; /* inclusive */
    int64_t subject, reference;
    uint32_t reason, code;
    bool expiries; /* too */
    bool reversed;
} ledger_want;

/* Rows in the order of time, of the ledgers whose clocks are loaded; a few blocks of each in memory. */
enum { LEDGER_SCAN_BLOCKS = 16 };
typedef struct ledger_scan ledger_scan;
gov_status ledger_scan_open(ledger *l, const ledger_want *want, ledger_scan **out, const diag *d);
gov_status ledger_scan_next(ledger_scan *s, ledger_row *out, const diag *d); /* GOV_END: no more */
void ledger_scan_close(ledger_scan *s);                                      /* NULL is allowed */

/* Blocks of an entry (0: of none) between two seqs, in their order. */
typedef gov_status ledger_take_block(void *user, const ledger_block *b, const void *data,
                                     size_t len, const diag *d);
gov_status ledger_blocks_between(ledger *l, uint32_t book, int64_t first, int64_t last,
                                 int64_t entry, ledger_take_block *take, void *user, const diag *d);
/* The same of every ledger whose clock is loaded, ascending. */
gov_status ledger_blocks_of_all(ledger *l, int64_t first, int64_t last, int64_t entry,
                                ledger_take_block *take, void *user, const diag *d);

/* The digest of a block after those of the blocks before it. */
gov_status ledger_add_digest(base_buf *digests, const ledger_block *b, const void *data, size_t len,
                             const diag *d);

/* Reads all clocks of the community, and forgets the balances of ledgers that others have changed. */
gov_status ledger_load_clocks(ledger *l, const diag *d);
/* Locks these ledgers, ascending and unique, and reads their clocks; makes rows that are not there. */
gov_status ledger_lock(ledger *l, const uint32_t *books, size_t n, const diag *d);
/* Into the book, where they are not there (or stale). Ids of nothing are passed over. */
gov_status ledger_load_accounts(ledger *l, const int64_t *ids, size_t n, const diag *d);
gov_status ledger_load_transfers(ledger *l, const int64_t *ids, size_t n, const diag *d);
gov_status ledger_load_failed(ledger *l, const int64_t *ids, size_t n, const diag *d);
/* What became of the pending transfers in the book, and their accounts. */
gov_status ledger_load_statuses(ledger *l, const diag *d);
/* Into the book: pending transfers of that ledger that are due, in the order of the instants. */
gov_status ledger_load_due(ledger *l, uint32_t book, int64_t now_us, size_t max, const diag *d);
/* The instants that an import must not meet, into b.taken. */
gov_status ledger_load_taken(ledger *l, bool of_accounts, int64_t first_us, int64_t last_us,
                             const diag *d);

/* ---- extras.c: what only some ledgers have ---- */

void ledger_drop_extras(ledger *l); /* from memory; they are read anew for each batch */
/* The transfers that are taken back by the events, or by pending reversals that are in the book; what they posted, and how much of
 * them was taken back before. */
gov_status ledger_load_reversed(ledger *l, const ledger_transfer *events, size_t n, const diag *d);
/* Lots of the accounts that the events and the rows in the book touch, and those that are due in the locked ledgers; caps. */
gov_status ledger_load_extras(ledger *l, const ledger_transfer *events, size_t n, int64_t now_us,
                              size_t max, const diag *d);
/* The counts of caps that the events and the rows in the book will touch; event i happens at at_us + i. */
gov_status ledger_load_counts(ledger *l, const ledger_transfer *events, size_t n, int64_t at_us,
                              const diag *d);
/* Expired lots go to breakage, at *at_us and after, as far as there is room for them: *looked at, and moved. */
gov_status ledger_sweep_lots(ledger *l, int64_t now_us, int64_t *at_us, size_t *looked,
                             size_t *moved, const diag *d);
/* Notes the accounts for which lots of the ledger began to wait, in l->full. */
gov_status ledger_find_full(ledger *l, const ledger_clock *c, int64_t now_us, const diag *d);
/* Lots wait for room in an account, and some has been released: the ledger is due again. */
gov_status ledger_wake_lots(ledger *l, int64_t now_us, const diag *d);
gov_status ledger_write_extras(ledger *l, const diag *d);

/* ---- memo.c ---- */

/* Less than nothing as its amount: the cap of that number is taken away. In a transaction, as ledger_memo_put. */
gov_status ledger_cap_put(ledger *l, const ledger_cap *c, int64_t real_ms, const diag *d);
gov_status ledger_cap_list(ledger *l, uint32_t book, ledger_cap *out, size_t cap, size_t *count,
                           const diag *d);
/* As they stood by what had taken effect at that instant. */
gov_status ledger_balance_effective(ledger *l, int64_t account, int64_t at_us, ledger_balance *out,
                                    const diag *d);
/* Those with something left, the first to expire first. */
gov_status ledger_lots_of(ledger *l, int64_t account, ledger_lot *out, size_t cap, size_t *count,
                          const diag *d);
enum { LEDGER_OF_ACCOUNT = 1, LEDGER_OF_TRANSFER = 2 };
/* GOV_E_EXISTS: it has one. */
gov_status ledger_memo_put(ledger *l, uint32_t kind, int64_t id, const char *doc, size_t len,
                           int64_t entry, const diag *d);
gov_status ledger_memo_get(ledger *l, uint32_t kind, int64_t id, base_buf *doc,
                           const diag *d); /* GOV_END: none */

/* ---- desk.c, hledger.c ---- */

/* l NULL: a reason cannot be named. */
gov_status ledger_cap_read(ledger *l, value map, ledger_cap *c, const diag *d);
/* All of a ledger (0: of all) in the order of time, handed on piece by piece; holds the accounts in memory. What does not come to the
 * balances is found out at the end, with the last piece held back. */
typedef gov_status ledger_sink(void *user, const char *text, size_t len, const diag *d);
gov_status ledger_plain_journal(ledger *l, uint32_t book, ledger_sink *write, void *user,
                                const diag *d);

/* ---- write.c ---- */

typedef struct ledger_field {
    size_t offset;
    bool narrow;   /* uint32_t, else int64_t */
    bool optional; /* 0 is NULL */
} ledger_field;
/* Columns of n structs as arrays in the arena. False: no memory. */
bool ledger_columns(base_arena *a, const void *const *items, size_t n, const ledger_field *fields,
                    size_t count, store_array *out);

gov_status ledger_write_accounts(ledger *l, ledger_time t, const ledger_entry *entry,
                                 const diag *d);
gov_status ledger_write_transfers(ledger *l, ledger_time t, const ledger_entry *entry,
                                  const diag *d);

/* The bytes of a block, as they are digested: its key, count and instants as LEB128 numbers, its length, its data. */
void ledger_block_bytes(base_buf *out, const ledger_block *b, const void *data, size_t len);

#endif
