/* The core of the ledger: decides batches on accounts and transfers that lie in memory. It knows no store and no clock. A
 * stored ledger loads into a book what a batch touches; a ledger that lives in memory keeps everything in one. */
#ifndef LEDGER_BOOK_H
#define LEDGER_BOOK_H

#include "ledger/ledger.h"

/* ---- from 63-bit ids to positions ---- */

/* What may be an effective date: the years 1 to 9999. */
#define LEDGER_FIRST_EFFECT INT64_C(-62135596800000000)
#define LEDGER_LAST_EFFECT  INT64_C(253402300799999999)

typedef struct ledger_index {
    const gov_allocator *alloc;
    int64_t *ids;
    uint32_t *at; /* position + 1; 0: free */
    size_t slots, count;
} ledger_index;

#define LEDGER_NONE UINT32_MAX

bool ledger_index_reserve(ledger_index *x, size_t more);
uint32_t ledger_index_get(const ledger_index *x, int64_t id);
void ledger_index_set(ledger_index *x, int64_t id, uint32_t at); /* room was reserved */
void ledger_index_clear(ledger_index *x);
void ledger_index_free(ledger_index *x);

/* ---- an account's way to its history: trail.c ---- */

enum {
    LEDGER_TRAIL_ITEMS = 32,
    LEDGER_TRAIL_SPINE = 30,
    LEDGER_TRAIL_BYTES = 32 + LEDGER_TRAIL_ITEMS * 10 + LEDGER_TRAIL_SPINE * 11
};

/* The newest transfers, and the roots of the skew-binary list of full chunks: spine[top - 1] is the newest chunk; a tree of weight
 * 2^w - 1 holds that many chunks. */
typedef struct ledger_trail {
    uint8_t count, top;
    uint32_t sides; /* bit i: item i is a credit */
    uint32_t chunks;
    int64_t first_us;
    int64_t items[LEDGER_TRAIL_ITEMS]; /* seqs */
    int64_t spine[LEDGER_TRAIL_SPINE];
    uint8_t weight[LEDGER_TRAIL_SPINE];
} ledger_trail;

/* A full trail becomes a chunk: the links that it gets. */
typedef struct ledger_links {
    int64_t previous, jump; /* 0: none */
} ledger_links;

size_t ledger_trail_write(const ledger_trail *t, uint8_t out[static LEDGER_TRAIL_BYTES]);
bool ledger_trail_read(ledger_trail *t, const uint8_t *bytes, size_t len);
/* The items alone, as a chunk holds them. */
size_t ledger_items_write(const int64_t *items, size_t n, uint8_t *out);
bool ledger_items_read(int64_t *items, size_t n, const uint8_t *bytes, size_t len);
/* Empties the full trail into a chunk of that seq. False: more chunks than any spine holds. */
bool ledger_trail_flush(ledger_trail *t, int64_t seq, ledger_links *links);

/* ---- accounts ---- */

enum {
    LEDGER_DP,
    LEDGER_DD,
    LEDGER_CP,
    LEDGER_CC
}; /* debits pending, debits posted, credits pending, credits posted */

typedef struct ledger_cell {
    ledger_account a;
    int64_t seq;
    uint32_t generation; /* its ledger's when it was read; stored ledgers */
    int64_t before[4];   /* balances before the batch, then after each row as trails are written */
    bool dirty;          /* changed by this batch */
    bool touched;        /* is in the book's list of them */
    bool fresh;          /* made by this batch */
    uint32_t lots;       /* the first of its lots, in the order of their expiry; LEDGER_NONE */
    ledger_trail trail;  /* stored ledgers */
} ledger_cell;

/* ---- transfers ---- */

typedef enum ledger_kind { LEDGER_DEAD, LEDGER_LIVE, LEDGER_FAILED, LEDGER_EXPIRY } ledger_kind;
typedef enum ledger_status {
    LEDGER_SINGLE,
    LEDGER_PENDING,
    LEDGER_POSTED,
    LEDGER_VOIDED,
    LEDGER_LAPSED
} ledger_status; /* of a pending transfer; stored */

typedef struct ledger_row {
    ledger_transfer t;
    int64_t seq;
    int64_t released;    /* what a post, void or expiry takes off the pending balances */
    int64_t due_us;      /* when a pending one expires; 0: never */
    int64_t resolved_us; /* when a pending one was posted, voided or expired ... */
    int64_t resolved_by; /* ... and by which transfer; 0: none */
    int64_t actor;       /* who made a pending one */
    int64_t reversed;    /* how much of it was taken back, and as the store has it */
    int64_t reversed_kept;
    bool reversed_stored; /* the store has a row for it */
    uint32_t uses;          /* the first of what it took from lots or made of them; LEDGER_NONE */
    uint32_t debit, credit; /* cells */
    uint32_t pending;       /* the row that it posts, voids or lets expire */
    uint8_t kind, status;
    bool fresh;  /* made by this batch */
    bool moved;  /* its status was changed by this batch */
    bool native; /* seq == id */
} ledger_row;

/* What a row does to the balances of its debit (side 0) or credit account (side 1). */
void ledger_effect(const ledger_row *r, int side, int64_t change[static 4]);

/* ---- lots: lots.c ---- */

#define LEDGER_NEVER INT64_MAX

typedef struct ledger_lot {
    int64_t seq; /* stored ledgers */
    int64_t account, expires_us, amount, left;
    uint32_t book, next; /* of the same account, in the order of expiry */
    bool fresh, moved, dead;
} ledger_lot;

/* What a row took from a lot; less than nothing: it made the lot. Given back is what has returned to it. */
typedef struct ledger_use {
    uint32_t row, lot, next;
    int64_t amount, back;
    int64_t kept; /* back, as the store has it */
    bool fresh, moved;
} ledger_use;

/* ---- caps: caps.c ---- */

typedef enum ledger_window {
    LEDGER_TOTAL,
    LEDGER_DAY,
    LEDGER_WEEK,
    LEDGER_MONTH,
    LEDGER_YEAR
} ledger_window; /* stored */

/* At most so much in a window for each account that it is about. */
typedef struct ledger_cap {
    uint32_t book, number;
    uint32_t code, reason; /* of the account, of the transfer; 0: any */
    uint32_t side;         /* 0: what it pays, 1: what it receives */
    uint32_t window;       /* a ledger_window */
    int64_t account;       /* 0: each */
    int64_t amount;
    int64_t seq;      /* whose its counts are: another one when it begins anew */
    int64_t since_us; /* what its ledger had recorded by then it has not counted */
} ledger_cap;

typedef struct ledger_count {
    int64_t account, window_us, amount;
    int64_t kept; /* the amount, as the store has it */
    int64_t cap;  /* its seq */
    uint32_t book;
    bool stored, moved;
} ledger_count;

/* ---- the book ---- */

typedef struct ledger_clock {
    uint32_t book, caps; /* how many caps it has */
    bool locked, changed;
    int64_t account_us, transfer_us; /* the latest timestamps */
    int64_t first_seq, last_seq, last_id, accounts;
    int64_t due_us;      /* no pending transfer expires before; INT64_MAX: none */
    int64_t looked_us;   /* due_us as this batch found it: what expired earlier has been looked at */
    int64_t version;     /* of the stored row */
    uint32_t generation; /* moves when somebody else has changed the ledger */
} ledger_clock;

typedef struct ledger_undo {
    enum {
        LEDGER_UNDO_CELL,
        LEDGER_UNDO_STATUS,
        LEDGER_UNDO_ROW,
        LEDGER_UNDO_CLOCK,
        LEDGER_UNDO_REVERSED,
        LEDGER_UNDO_LOT,
        LEDGER_UNDO_USE,
        LEDGER_UNDO_COUNT
    } what;
    uint32_t at;
    int64_t balance[4];
    uint32_t flags; /* or the status */
    bool dirty;
} ledger_undo;

typedef struct ledger_book {
    const gov_allocator *alloc;
    bool memory; /* holds everything */
    ledger_cell *cells;
    size_t cell_count, cell_cap;
    ledger_index accounts;
    ledger_row *rows;
    size_t row_count, row_cap;
    ledger_index transfers;
    ledger_clock *clocks;
    size_t clock_count, clock_cap;
    ledger_undo *undo;
    size_t undo_count, undo_cap;
    bool chain;                                 /* a chain is open: changes are noted in undo */
    bool failed;                                /* no memory: what was decided is not to be kept */
    size_t chain_cells, chain_lots, chain_uses; /* counts when the chain began */
    int64_t actor;                              /* who makes the batch */
    bool nobody;                                /* no person: it approves nothing, and asks for no approval */
    uint32_t warnings;                          /* of the event just made */
    ledger_lot *lots;
    size_t lot_count, lot_cap;
    ledger_use *uses;
    size_t use_count, use_cap;
    ledger_cap *caps;
    size_t cap_count, cap_cap;
    ledger_count *counts;
    size_t count_count, count_cap;
    ledger_index counted;
    uint32_t *touched; /* cells that the batch has looked at to change; stored ledgers */
    size_t touched_count, touched_cap;
    const base_zone *zone; /* whose days windows count; NULL: UTC */
    const int64_t *taken;  /* stored ledgers: timestamps that an import meets, ascending */
    size_t taken_count;
} ledger_book;

void ledger_book_init(ledger_book *b, const gov_allocator *a);
void ledger_book_free(ledger_book *b);

ledger_clock *ledger_clock_of(ledger_book *b, uint32_t book); /* NULL: not there */
bool ledger_clock_add(ledger_book *b, uint32_t book, ledger_clock **out);
ledger_cell *ledger_cell_of(const ledger_book *b, int64_t id); /* NULL: not there */
/* Room for it must have been reserved; gives the zeroed cell or row. */
bool ledger_book_reserve(ledger_book *b, size_t cells, size_t rows, size_t undo);
ledger_cell *ledger_cell_add(ledger_book *b, int64_t id);
ledger_row *ledger_row_of(const ledger_book *b, int64_t id); /* NULL: not there, or dead */
ledger_row *ledger_row_add(ledger_book *b, int64_t id);      /* id 0: not to be found by it */

/* What is answered to a transfer whose id e has: that it exists, or in what it differs. again.c */
int32_t ledger_transfer_again(const ledger_book *b, const ledger_transfer *t,
                              const ledger_transfer *e);

/* Chains: what to put back when one breaks. undo.c */
void ledger_undo_add(ledger_book *b, ledger_undo u);
void ledger_undo_cell(ledger_book *b, uint32_t at);
void ledger_undo_clock(ledger_book *b, const ledger_clock *c);
void ledger_chain_open(ledger_book *b);
void ledger_chain_close(ledger_book *b, bool keep);

/* Lots. Without memory b->failed is set. */
/* In its place: by expiry, and what expires at once in the order in which it was made. seq 0: it is made now. */
ledger_lot *ledger_lot_add(ledger_book *b, ledger_cell *c, int64_t expires_us, int64_t seq);
void ledger_use_add(ledger_book *b, uint32_t row, uint32_t lot, int64_t amount, int64_t back);
int64_t ledger_lots_free(const ledger_book *b, const ledger_cell *c,
                         int64_t at_us); /* not expired */
/* Of that, what lies in the lots that the row `own` made. */
int64_t ledger_lots_own(const ledger_book *b, const ledger_cell *c, uint32_t own, int64_t at_us);
/* The account has as much: in the lots that the row `own` made, or (LEDGER_NONE) in any. */
void ledger_lots_take(ledger_book *b, ledger_cell *c, uint32_t row, int64_t amount, int64_t at_us,
                      uint32_t own);
/* What the row `by` brings to the account, as lots; where `from` took lots, they keep their expiry. */
void ledger_lots_bring(ledger_book *b, ledger_cell *c, uint32_t by, uint32_t from, int64_t amount);
/* Gives back to its lots what the row took, the last first. */
void ledger_lots_return(ledger_book *b, uint32_t row, int64_t amount);

/* Caps. All counts that a transfer needs are in the book. */
int64_t ledger_window_start(const base_zone *zone, uint32_t window, int64_t us);
typedef bool ledger_each_count(void *user, const ledger_cap *cap, int64_t account,
                               int64_t window_us);
/* The counts that a transfer between the two accounts touches; false as soon as `each` is. */
bool ledger_caps_each(const ledger_book *b, const ledger_transfer *t, const ledger_account *debit,
                      const ledger_account *credit, int64_t at_us, ledger_each_count *each,
                      void *user);
ledger_count *ledger_count_of(const ledger_book *b, const ledger_cap *cap, int64_t account,
                              int64_t window_us); /* NULL: not there */
ledger_count *ledger_count_add(ledger_book *b, const ledger_cap *cap, int64_t account,
                               int64_t window_us); /* NULL: no memory */
bool ledger_caps_allow(ledger_book *b, const ledger_transfer *t, const ledger_account *debit,
                       const ledger_account *credit, int64_t amount, int64_t at_us);
/* Less than nothing: gives back. */
void ledger_caps_count(ledger_book *b, const ledger_transfer *t, const ledger_account *debit,
                       const ledger_account *credit, int64_t amount, int64_t at_us);

/* Event i happens at first_us + i. The clocks of all ledgers named must be there. GOV_E_NOMEM is the only failure, and changes
 * nothing. */
gov_status ledger_decide_accounts(ledger_book *b, const ledger_account *events, size_t n,
                                  int64_t first_us, ledger_result *results, const diag *d);
gov_status ledger_decide_transfers(ledger_book *b, const ledger_transfer *events, size_t n,
                                   int64_t first_us, ledger_result *results, const diag *d);
/* The pending transfer of that row expires at that instant. Room was reserved. */
void ledger_decide_expiry(ledger_book *b, uint32_t row, int64_t at_us);
/* What is left of the lot goes to the breakage account, which is in the book. Room was reserved. False: it would not hold as much;
 * the lot waits. */
bool ledger_decide_breakage(ledger_book *b, uint32_t lot, int64_t at_us);

#endif
