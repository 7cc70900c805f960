/* Rows of one ledger, packed by columns: what a stored ledger keeps of its transfers. block.c; the format is told of there. */
#ifndef LEDGER_BLOCK_H
#define LEDGER_BLOCK_H

#include "ledger/book.h"

/* Stored: new columns come last. */
enum {
    LEDGER_COL_SEQ, /* ascends */
    LEDGER_COL_AT,  /* instants, ascend */
    LEDGER_COL_ID,  /* 0: it is seq; or an expiry */
    LEDGER_COL_CODE,
    LEDGER_COL_FLAGS,
    LEDGER_COL_DEBIT,
    LEDGER_COL_CREDIT,
    LEDGER_COL_AMOUNT,
    LEDGER_COL_RELEASED,
    LEDGER_COL_PENDING,
    LEDGER_COL_SUBJECT,
    LEDGER_COL_REFERENCE,
    LEDGER_COL_REASON,
    LEDGER_COL_TIMEOUT,
    LEDGER_COL_EFFECTIVE,
    LEDGER_COL_REVERSAL,
    LEDGER_COL_EXPIRES,
    LEDGER_COLUMNS
};

enum {
    LEDGER_BLOCK_ROWS = 128,
    LEDGER_BLOCK_MOST = 8 + LEDGER_COLUMNS * (11 + 8 * LEDGER_BLOCK_ROWS), /* bytes */
    LEDGER_BLOCK_FITS = 900 /* bytes that a leaf of a tree takes without a page beside it */
};

typedef struct ledger_packed {
    uint64_t base;
    const uint8_t *at;
    uint8_t width;
} ledger_packed;

typedef struct ledger_block {
    uint32_t book, count;
    int64_t seq, first_us, last_us, entry;
    ledger_packed columns[LEDGER_COLUMNS]; /* they point into the bytes that were read */
} ledger_block;

/* 1 to LEDGER_BLOCK_ROWS rows of one ledger, seqs and instants ascending; out has LEDGER_BLOCK_MOST bytes. Gives the length. */
size_t ledger_block_write(ledger_row *const *rows, size_t n, uint8_t *out);
/* book, count, seq and the instants are there; false: no block of as many rows. */
bool ledger_block_read(ledger_block *b, const uint8_t *bytes, size_t len);
int64_t ledger_block_field(const ledger_block *b, int column, size_t i);
/* False: no row has that value there (not for what ascends). */
bool ledger_block_may_hold(const ledger_block *b, int column, int64_t wanted);
size_t ledger_block_find(const ledger_block *b, int64_t seq); /* count: not there */
void ledger_block_row(const ledger_block *b, size_t i, ledger_row *r);

#endif
