/**
 * @file gov/ledger.h
 * Double-entry accounts for points, minutes and money: transfers in batches, with a result for each.
 *
 * An account belongs to one ledger (a unit: points of one programme, minutes, fen) and holds debits and credits, pending and
 * posted. A transfer moves an amount from its debit account to its credit account; it is never changed or deleted. The
 * semantics, the flags and the precedence of the results are those of TigerBeetle; ids, amounts, subject, reference and instants
 * have 63 bits here, and instants are microseconds since 1970.
 *
 * Amounts are in the ledger's smallest unit. Debits equal credits in every ledger at all times; no sum may leave 63 bits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_LEDGER_H
#define GOV_LEDGER_H

#include <gov/access.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Flags of accounts @{ */
#define GOV_ACCOUNT_LINKED 0x1U /**< All or nothing with the next event of the batch. */
#define GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS \
    0x2U /**< The balance (credits - debits) stays at 0 or more. */
#define GOV_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS 0x4U /**< The balance stays at 0 or less. */
#define GOV_ACCOUNT_HISTORY                        0x8U /**< Kept for compatibility: every account has its history. */
#define GOV_ACCOUNT_IMPORTED                       0x10U /**< Brings its own timestamp from the past. */
#define GOV_ACCOUNT_CLOSED                         0x20U /**< Takes no transfer but the voiding of a pending one. */
#define GOV_ACCOUNT_MIN_BALANCE                    0x10000U /**< min_balance holds. */
#define GOV_ACCOUNT_MAX_BALANCE                    0x20000U /**< max_balance holds. */
#define GOV_ACCOUNT_WARN_MIN                       0x40000U /**< warn_min is told of, not refused. */
#define GOV_ACCOUNT_WARN_MAX                       0x80000U /**< warn_max is told of, not refused. */
#define GOV_ACCOUNT_APPROVAL \
    0x100000U /**< Pays by pending transfers only, which another person than the one who made them posts. Rules at a timer are neither. */
#define GOV_ACCOUNT_LOTS \
    0x200000U /**< What it receives are lots that may expire; needs DEBITS_MUST_NOT_EXCEED_CREDITS. */
/** @} */

/** @name Flags of transfers @{ */
#define GOV_TRANSFER_LINKED 0x1U /**< All or nothing with the next event of the batch. */
#define GOV_TRANSFER_PENDING \
    0x2U /**< Reserves the amount, until it is posted, voided, or `timeout` has passed. */
#define GOV_TRANSFER_POST_PENDING \
    0x4U /**< Posts pending_id: `amount` of it, all of it for INT64_MAX; the rest is released. */
#define GOV_TRANSFER_VOID_PENDING 0x8U /**< Voids pending_id. */
#define GOV_TRANSFER_BALANCING_DEBIT \
    0x10U /**< At most as much as keeps the debit account's debits within its credits. */
#define GOV_TRANSFER_BALANCING_CREDIT \
    0x20U /**< At most as much as keeps the credit account's credits within its debits. */
#define GOV_TRANSFER_CLOSING_DEBIT \
    0x40U /**< Closes the debit account (a pending one; voiding it opens the account again). */
#define GOV_TRANSFER_CLOSING_CREDIT 0x80U  /**< Closes the credit account. */
#define GOV_TRANSFER_IMPORTED       0x100U /**< Brings its own timestamp from the past. */
/** @} */

/**
 * Names of the flags as in the line protocol and the bindings: X(name, bit) for each. @since 0.1
 */
#define GOV_ACCOUNT_FLAGS(X)                                                       \
    X("linked", GOV_ACCOUNT_LINKED)                                                \
    X("debits_must_not_exceed_credits", GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS) \
    X("credits_must_not_exceed_debits", GOV_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS) \
    X("history", GOV_ACCOUNT_HISTORY)                                              \
    X("imported", GOV_ACCOUNT_IMPORTED)                                            \
    X("closed", GOV_ACCOUNT_CLOSED)                                                \
    X("min_balance", GOV_ACCOUNT_MIN_BALANCE)                                      \
    X("max_balance", GOV_ACCOUNT_MAX_BALANCE)                                      \
    X("warn_min", GOV_ACCOUNT_WARN_MIN)                                            \
    X("warn_max", GOV_ACCOUNT_WARN_MAX)                                            \
    X("approval", GOV_ACCOUNT_APPROVAL)                                            \
    X("lots", GOV_ACCOUNT_LOTS)

/** The same of transfers. @since 0.1 */
#define GOV_TRANSFER_FLAGS(X)                            \
    X("linked", GOV_TRANSFER_LINKED)                     \
    X("pending", GOV_TRANSFER_PENDING)                   \
    X("post_pending", GOV_TRANSFER_POST_PENDING)         \
    X("void_pending", GOV_TRANSFER_VOID_PENDING)         \
    X("balancing_debit", GOV_TRANSFER_BALANCING_DEBIT)   \
    X("balancing_credit", GOV_TRANSFER_BALANCING_CREDIT) \
    X("closing_debit", GOV_TRANSFER_CLOSING_DEBIT)       \
    X("closing_credit", GOV_TRANSFER_CLOSING_CREDIT)     \
    X("imported", GOV_TRANSFER_IMPORTED)

/** An account. What may be zero is optional. @since 0.1 */
typedef struct gov_account {
    int64_t id;              /**< 1 to 2^63-2, the caller's; unique in the community. @since 0.1 */
    int64_t debits_pending;  /**< Out only, as the next three. @since 0.1 */
    int64_t debits_posted;   /**< @since 0.1 */
    int64_t credits_pending; /**< @since 0.1 */
    int64_t credits_posted;  /**< @since 0.1 */
    int64_t subject;         /**< Whose it is, e.g. the id of a record; 0 and up. @since 0.1 */
    int64_t reference;       /**< Anything of the caller's; 0 and up. @since 0.1 */
    int64_t
        min_balance; /**< Least credits - debits, pending debits counted; with GOV_ACCOUNT_MIN_BALANCE. @since 0.1 */
    int64_t
        max_balance; /**< Greatest credits - debits, pending credits counted; with GOV_ACCOUNT_MAX_BALANCE. @since 0.1 */
    int64_t
        warn_min; /**< As min_balance, but only told in the result; with GOV_ACCOUNT_WARN_MIN. @since 0.1 */
    int64_t
        warn_max; /**< As max_balance, but only told in the result; with GOV_ACCOUNT_WARN_MAX. @since 0.1 */
    int64_t
        breakage; /**< Where expired lots go; with GOV_ACCOUNT_LOTS, 0: lots do not expire. What it has no room for within 63
                     bits waits until it has; the journal is told (`ledger_lots_wait`). @since 0.1 */
    int64_t timestamp; /**< When it was made; in: of an imported one, else 0. @since 0.1 */
    uint32_t reason;   /**< Anything of the caller's. @since 0.1 */
    uint32_t ledger;   /**< 1 and up; transfers stay within one. @since 0.1 */
    uint32_t code;     /**< What kind of account; 1 and up. @since 0.1 */
    uint32_t flags;    /**< GOV_ACCOUNT_*. @since 0.1 */
} gov_account;

/** A transfer. What may be zero is optional. @since 0.1 */
typedef struct gov_transfer {
    int64_t id; /**< 1 to 2^63-2, the caller's; the same id again is `exists`. @since 0.1 */
    int64_t debit_account;  /**< Pays. @since 0.1 */
    int64_t credit_account; /**< Receives. @since 0.1 */
    int64_t amount;         /**< 0 to 2^63-1, in the ledger's smallest unit. @since 0.1 */
    int64_t pending_id;     /**< What is posted or voided. @since 0.1 */
    int64_t subject;        /**< What it is about, e.g. the id of a case. @since 0.1 */
    int64_t reference;      /**< Anything of the caller's. @since 0.1 */
    int64_t
        effective_at; /**< When it takes effect where that is not when it was recorded, within the years 1 to
                          9999; 0: then. @since 0.1 */
    int64_t
        reversal_of; /**< The transfer that it takes back, in part or (INT64_MAX) what is left of it; with
                          GOV_TRANSFER_PENDING when it is posted. @since 0.1 */
    int64_t
        expires_at; /**< When the lots expire that it makes in its credit account; 0: never, or as those
                         lots do that it takes. @since 0.1 */
    int64_t timestamp;   /**< When it was recorded; in: of an imported one, else 0. @since 0.1 */
    uint32_t reason;     /**< Anything of the caller's. @since 0.1 */
    uint32_t timeout;    /**< Seconds after which a pending one expires; 0: never. @since 0.1 */
    uint32_t ledger;     /**< That of both accounts. @since 0.1 */
    uint32_t code;       /**< What kind of transfer; 1 and up. @since 0.1 */
    uint32_t flags;      /**< GOV_TRANSFER_*. @since 0.1 */
    uint32_t reserved;   /**< Zero. */
} gov_transfer;

/** What became of one event of a batch. @since 0.1 */
typedef struct gov_ledger_result {
    int64_t
        timestamp; /**< Of what was created or exists; else when the event was looked at. @since 0.1 */
    int32_t code;      /**< GOV_LEDGER_*. @since 0.1 */
    uint32_t warnings; /**< GOV_LEDGER_WARN_*, of one that was created. @since 0.1 */
} gov_ledger_result;

#define GOV_LEDGER_WARN_MIN 0x1U /**< The debit account is below its warn_min now. */
#define GOV_LEDGER_WARN_MAX 0x2U /**< The credit account is above its warn_max now. */

/** @name Results
 * The numbers are pinned; those below 100 are TigerBeetle's for transfers, and an account's result of the same name has the same
 * number. Results from 201 on are ours. When several apply, the first one in TigerBeetle's order is given. After a failure for a reason
 * that may pass (an account that is not there yet, too little on it, a limit, a cap, a reversal of which too little is left while
 * others wait) the id stays failed: GOV_LEDGER_ID_ALREADY_FAILED. @{ */
#define GOV_LEDGER_CREATED                                               0
#define GOV_LEDGER_LINKED_EVENT_FAILED                                   1
#define GOV_LEDGER_LINKED_EVENT_CHAIN_OPEN                               2
#define GOV_LEDGER_TIMESTAMP_MUST_BE_ZERO                                3
#define GOV_LEDGER_RESERVED_FLAG                                         4
#define GOV_LEDGER_ID_MUST_NOT_BE_ZERO                                   5
#define GOV_LEDGER_ID_MUST_NOT_BE_INT_MAX                                6
#define GOV_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE                          7
#define GOV_LEDGER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO                     8
#define GOV_LEDGER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX                  9
#define GOV_LEDGER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO                    10
#define GOV_LEDGER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX                 11
#define GOV_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT                            12
#define GOV_LEDGER_PENDING_ID_MUST_BE_ZERO                               13
#define GOV_LEDGER_PENDING_ID_MUST_NOT_BE_ZERO                           14
#define GOV_LEDGER_PENDING_ID_MUST_NOT_BE_INT_MAX                        15
#define GOV_LEDGER_PENDING_ID_MUST_BE_DIFFERENT                          16
#define GOV_LEDGER_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER                 17
#define GOV_LEDGER_LEDGER_MUST_NOT_BE_ZERO                               19
#define GOV_LEDGER_CODE_MUST_NOT_BE_ZERO                                 20
#define GOV_LEDGER_DEBIT_ACCOUNT_NOT_FOUND                               21
#define GOV_LEDGER_CREDIT_ACCOUNT_NOT_FOUND                              22
#define GOV_LEDGER_ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER                    23
#define GOV_LEDGER_TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS        24
#define GOV_LEDGER_PENDING_TRANSFER_NOT_FOUND                            25
#define GOV_LEDGER_PENDING_TRANSFER_NOT_PENDING                          26
#define GOV_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID       27
#define GOV_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID      28
#define GOV_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_LEDGER                 29
#define GOV_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_CODE                   30
#define GOV_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT                       31
#define GOV_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT                 32
#define GOV_LEDGER_PENDING_TRANSFER_ALREADY_POSTED                       33
#define GOV_LEDGER_PENDING_TRANSFER_ALREADY_VOIDED                       34
#define GOV_LEDGER_PENDING_TRANSFER_EXPIRED                              35
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS                           36
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID                37
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID               38
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT                          39
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_PENDING_ID                      40
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_SUBJECT                         41
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_REFERENCE                       42
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_REASON                          43
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_TIMEOUT                         44
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_CODE                            45
#define GOV_LEDGER_EXISTS                                                46
#define GOV_LEDGER_OVERFLOWS_DEBITS_PENDING                              47
#define GOV_LEDGER_OVERFLOWS_CREDITS_PENDING                             48
#define GOV_LEDGER_OVERFLOWS_DEBITS_POSTED                               49
#define GOV_LEDGER_OVERFLOWS_CREDITS_POSTED                              50
#define GOV_LEDGER_OVERFLOWS_DEBITS                                      51
#define GOV_LEDGER_OVERFLOWS_CREDITS                                     52
#define GOV_LEDGER_OVERFLOWS_TIMEOUT                                     53
#define GOV_LEDGER_EXCEEDS_CREDITS                                       54
#define GOV_LEDGER_EXCEEDS_DEBITS                                        55
#define GOV_LEDGER_IMPORTED_EVENT_EXPECTED                               56
#define GOV_LEDGER_IMPORTED_EVENT_NOT_EXPECTED                           57
#define GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE                 58
#define GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE             59
#define GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS             60
#define GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT  61
#define GOV_LEDGER_IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT 62
#define GOV_LEDGER_IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO                   63
#define GOV_LEDGER_CLOSING_TRANSFER_MUST_BE_PENDING                      64
#define GOV_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED                          65
#define GOV_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED                         66
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_LEDGER                          67
#define GOV_LEDGER_ID_ALREADY_FAILED                                     68
#define GOV_LEDGER_DEBITS_PENDING_MUST_BE_ZERO                           101
#define GOV_LEDGER_DEBITS_POSTED_MUST_BE_ZERO                            102
#define GOV_LEDGER_CREDITS_PENDING_MUST_BE_ZERO                          103
#define GOV_LEDGER_CREDITS_POSTED_MUST_BE_ZERO                           104
#define GOV_LEDGER_RESERVED_FIELD                                        105
#define GOV_LEDGER_FIELD_MUST_NOT_BE_NEGATIVE                            201
#define GOV_LEDGER_LIMITS_MUST_BE_ORDERED                                202
#define GOV_LEDGER_EXCEEDS_MIN_BALANCE                                   203
#define GOV_LEDGER_EXCEEDS_MAX_BALANCE                                   204
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_LIMITS                          205
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_EFFECTIVE_AT                    206
#define GOV_LEDGER_REVERSAL_OF_MUST_BE_ZERO                              207
#define GOV_LEDGER_EXCEEDS_CAP                                           208
#define GOV_LEDGER_APPROVAL_REQUIRED                                     209
#define GOV_LEDGER_APPROVAL_NEEDS_ANOTHER_ACTOR                          210
#define GOV_LEDGER_LOTS_NEED_A_LIMIT                                     211
#define GOV_LEDGER_BREAKAGE_ACCOUNT_NOT_VALID                            212
#define GOV_LEDGER_EXPIRES_AT_MUST_BE_ZERO                               213
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_EXPIRES_AT                      214
#define GOV_LEDGER_EXISTS_WITH_DIFFERENT_REVERSAL_OF                     215
#define GOV_LEDGER_REVERSED_TRANSFER_NOT_FOUND                           216
#define GOV_LEDGER_REVERSED_TRANSFER_NOT_REVERSIBLE                      217
#define GOV_LEDGER_REVERSED_TRANSFER_HAS_DIFFERENT_ACCOUNTS              218
#define GOV_LEDGER_EXCEEDS_REVERSED_TRANSFER_AMOUNT                      219
#define GOV_LEDGER_TRANSFER_ALREADY_REVERSED                             220
#define GOV_LEDGER_EFFECTIVE_AT_OUT_OF_RANGE                             221
/** @} */

/**
 * Name of a result, e.g. "exceeds_credits". Static; NULL for a number that is none.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API const char *gov_ledger_result_name(int32_t code);

/** Most events of one batch, and most rows of one answer. @since 0.1 */
#define GOV_LEDGER_BATCH_MAX 8190

/**
 * New ids that ascend with time: the cheapest ones for transfers, since the rows are kept in their order. A handle ascends strictly; it
 * may make a few ahead, so that ids of several handles are in the order of time to a second.
 * Permission: `ledger.write`.
 * @param n    1 to GOV_LEDGER_BATCH_MAX
 * @param ids  room for n of them
 * @return GOV_OK, GOV_E_ARG, GOV_E_DENIED, GOV_E_STORE and its kin
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_new_ids(gov *g, size_t n, int64_t *ids, gov_error **err);

/**
 * Creates accounts. A result for each; the call itself fails only when nothing was looked at.
 * Permission: `ledger.write`.
 * @param n        1 to GOV_LEDGER_BATCH_MAX
 * @param results  room for n of them; may be NULL
 * @return GOV_OK, GOV_E_ARG, GOV_E_LIMIT (too many), GOV_E_DENIED, GOV_E_RETRY (in a group), GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_create_accounts(gov *g, const gov_account *accounts, size_t n,
                                              gov_ledger_result *results, gov_error **err);

/**
 * Makes transfers. A result for each: those that failed changed nothing, those that were linked failed together. One journal
 * entry commits to all rows of the batch. Takes about 500 bytes per transfer and 700 per account while it runs.
 * Permission: `ledger.write`.
 * @param n        1 to GOV_LEDGER_BATCH_MAX
 * @param results  room for n of them; may be NULL
 * @return as gov_ledger_create_accounts()
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_transfer(gov *g, const gov_transfer *transfers, size_t n,
                                       gov_ledger_result *results, gov_error **err);

/**
 * Accounts by id, in the order asked; of one that does not exist the id is 0.
 * Permission: `ledger.read`.
 * @param n    1 to GOV_LEDGER_BATCH_MAX
 * @param out  room for n of them
 * @return GOV_OK, GOV_E_ARG, GOV_E_LIMIT, GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_lookup_accounts(gov *g, const int64_t *ids, size_t n,
                                              gov_account *out, gov_error **err);

/**
 * Transfers by id, in the order asked; of one that does not exist the id is 0.
 * Permission: `ledger.read`.
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_lookup_transfers(gov *g, const int64_t *ids, size_t n,
                                               gov_transfer *out, gov_error **err);

#define GOV_LEDGER_DEBITS   0x1U /**< Transfers that the account pays. */
#define GOV_LEDGER_CREDITS  0x2U /**< Transfers that it receives. Neither flag: both. */
#define GOV_LEDGER_REVERSED 0x4U /**< The newest first. */

/** What a statement shows; every field but size and account may be left zero. @since 0.1 */
typedef struct gov_ledger_filter {
    size_t size;           /**< sizeof at the caller's compile time. @since 0.1 */
    int64_t account;       /**< Whose. @since 0.1 */
    int64_t timestamp_min; /**< From this instant on; 0: from the first. @since 0.1 */
    int64_t timestamp_max; /**< Up to this instant; 0: up to the last. @since 0.1 */
    int64_t subject;       /**< 0: any, as the next three. @since 0.1 */
    int64_t reference;     /**< @since 0.1 */
    uint32_t reason;       /**< @since 0.1 */
    uint32_t code;         /**< @since 0.1 */
    uint32_t limit;        /**< Most rows; 0: as many as there is room for. @since 0.1 */
    uint32_t flags;        /**< GOV_LEDGER_DEBITS, _CREDITS, _REVERSED. @since 0.1 */
} gov_ledger_filter;

/**
 * Zeroes the filter and sets its size; for callers that cannot use an initialiser.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_ledger_filter_init(gov_ledger_filter *filter, size_t size);

/** An account's balances at an instant. @since 0.1 */
typedef struct gov_ledger_balance {
    int64_t timestamp;       /**< Of the change. @since 0.1 */
    int64_t transfer;        /**< What changed them; 0: a pending transfer expired. @since 0.1 */
    int64_t debits_pending;  /**< After it, as the next three. @since 0.1 */
    int64_t debits_posted;   /**< @since 0.1 */
    int64_t credits_pending; /**< @since 0.1 */
    int64_t credits_posted;  /**< @since 0.1 */
} gov_ledger_balance;

/**
 * A page of an account's transfers. The next page begins after the last timestamp of this one (before it, reversed).
 * Permission: `ledger.read`.
 * @param out    room for `cap` of them
 * @param cap    1 to GOV_LEDGER_BATCH_MAX
 * @param count  how many there were
 * @return GOV_OK, GOV_E_ARG, GOV_E_ABI, GOV_E_LIMIT, GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_account_transfers(gov *g, const gov_ledger_filter *filter,
                                                gov_transfer *out, size_t cap, size_t *count,
                                                gov_error **err);

/**
 * A page of an account's balances, one row after each change.
 * Permission: `ledger.read`.
 * @return as gov_ledger_account_transfers()
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_account_balances(gov *g, const gov_ledger_filter *filter,
                                               gov_ledger_balance *out, size_t cap, size_t *count,
                                               gov_error **err);

/**
 * Sets a cap: at most so much in a period, for each account that it is about. What has an `effective_at` counts in the period of
 * that instant; what is voided, expires or is taken back is given back to the period that it was counted in. Counting begins when the
 * cap is set: what was recorded before is not counted, and gives nothing back. Days and months are the community's.
 * Permission: `ledger.write`.
 * @param cap  a map: `ledger`, `number` (which cap: the same one again replaces it; with
 *             another amount alone it goes on counting, else counting begins anew), `account` and `code` (of the account; 0: any),
 *             `reason` (a number or a name; 0: any), `side` ("received", or "paid"), `per` ("day", "week", "month", "year", "ever"), and
 *             `amount` (null: the cap is taken away)
 * @return GOV_OK, GOV_E_ARG, GOV_E_INPUT, GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_cap_set(gov *g, const gov_value *cap, gov_error **err);

/**
 * The caps of a ledger, a list of maps as gov_ledger_cap_set() takes them; at most 1000.
 * Permission: `ledger.read`.
 * @param out  owned by the caller
 * @return GOV_OK, GOV_E_ARG, GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_caps(gov *g, uint32_t book, gov_value **out, gov_error **err);

/**
 * The lots of an account that have something left, the first to expire first: a list of maps with `lot`, `expires_at` (null: never),
 * `amount` (when it was made) and `left`; at most GOV_LEDGER_BATCH_MAX.
 * Permission: `ledger.read`.
 * @param out  owned by the caller
 * @return GOV_OK, GOV_E_ARG, GOV_E_NOT_FOUND (no such account), GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_lots(gov *g, int64_t account, gov_value **out, gov_error **err);

/**
 * An account's balances at an instant: a map with the four sums and `balance`, credits less debits posted.
 * Permission: `ledger.read`.
 * @param at_us      us since 1970
 * @param effective  0: by what was recorded until then; else by what had taken effect, whenever it was recorded
 * @param out        owned by the caller
 * @return GOV_OK, GOV_E_ARG, GOV_E_RANGE, GOV_E_NOT_FOUND (no such account), GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_balance_at(gov *g, int64_t account, int64_t at_us, int32_t effective,
                                         gov_value **out, gov_error **err);

/**
 * Notes something about an account or a transfer, once. The `name` of an account is used in the export.
 * Permission: `ledger.write`.
 * @param kind  "account" or "transfer"
 * @param note  a map
 * @return GOV_OK (also when it has this very note), GOV_E_ARG, GOV_E_NOT_FOUND, GOV_E_CONFLICT (it has another one), GOV_E_DENIED,
 *         GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_note_put(gov *g, const char *kind, int64_t id, const gov_value *note,
                                       gov_error **err);

/**
 * The note about an account or a transfer; null when it has none.
 * Permission: `ledger.read`.
 * @param out  owned by the caller
 * @return GOV_OK, GOV_E_ARG, GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_note_get(gov *g, const char *kind, int64_t id, gov_value **out,
                                       gov_error **err);

/**
 * A whole ledger as a plain-text journal for hledger, with a balance assertion at every posting. An account is called
 * `L<ledger>:C<code>:<name> <id>`, its name without marks that mean something to hledger and with one space at most between words.
 * Takes some 500 bytes per transfer while it runs.
 * Permission: `ledger.read`.
 * @param book     number of the ledger; 0: all
 * @param out      owned by the caller, freed by gov_text_free()
 * @param out_len  its length; may be NULL
 * @return GOV_OK, GOV_E_ARG, GOV_E_VERIFY (the balances are not the sum of the transfers), GOV_E_DENIED, GOV_E_STORE and its kin,
 *         GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_export(gov *g, uint32_t book, char **out, size_t *out_len,
                                     gov_error **err);

/** Takes a piece of an export, `len` bytes, borrowed during the call. @return 0 to go on @since 0.1 */
typedef int32_t (*gov_ledger_sink)(const char *text, size_t len, void *user);

/**
 * gov_ledger_export() piece by piece, in the order of time: holds the accounts in memory, and of the transfers a few hundred kilobytes.
 * That the balances are not the sum of the transfers is found out at the end.
 * Permission: `ledger.read`.
 * @param sink  may not call back into the community
 * @return as gov_ledger_export(), and GOV_E_USER when `sink` gave another number than 0
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_export_to(gov *g, uint32_t book, gov_ledger_sink sink, void *user,
                                        gov_error **err);

/** A ledger driven by lines of JSON, for conformance suites and other languages. @since 0.1 */
typedef struct gov_ledger_lines gov_ledger_lines;

/**
 * Begins the line protocol of `gov ledger` (docs/command-line.md). CONSTRUCTOR.
 * @param alloc  NULL: malloc, or the community's. Must outlive it.
 * @param g      NULL: a ledger in memory, on a clock that starts at 0. Else the community's, on its clock as it stands now; must
 *               outlive it. Each line is a call with the permission `ledger.read` or `ledger.write`.
 * @param out    owned by the caller
 * @return GOV_OK, GOV_E_ARG, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_ledger_lines_open(const gov_allocator *alloc, gov *g, gov_ledger_lines **out,
                                         gov_error **err);

/**
 * Answers one line; what is wrong with it is in the answer.
 * @param line     JSON, `len` bytes
 * @param out      one line without its newline, owned by the caller, freed by gov_text_free()
 * @param out_len  its length; may be NULL
 * @return GOV_OK, GOV_E_ARG, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_ledger_line(gov_ledger_lines *lines, const char *line, size_t len,
                                   char **out, size_t *out_len, gov_error **err);

/**
 * Frees it; NULL is allowed. DESTRUCTOR.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_ledger_lines_free(gov_ledger_lines *lines);

#ifdef __cplusplus
}
#endif

#endif
