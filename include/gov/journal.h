/**
 * @file gov/journal.h
 * The journal: every change in order, sealed into an RFC 6962 Merkle tree per community.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_JOURNAL_H
#define GOV_JOURNAL_H

#include <gov/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A page of the journal, in order: a map of `entries` (list of maps with `entry`, `at`, `actor` (a key, "host" or "rules"),
 * `purpose`, `kind`, `subject_kind`, `subject` (an id), `rule` (file:line, where one applied),
 * `data` (null when erased), `sealed`) and `next` (the entry to go on after, or null). Sensitive fields are masked.
 * Permission: `journal.read`.
 * @param after  an entry's id; 0: from the start
 * @param limit  1 to 1000; 0: 100
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_journal_read(gov *g, int64_t after, uint32_t limit, gov_value **out, gov_error **err);

/**
 * Checks the whole community: each entry's leaf and payload against its hash, the dense sequence, the tree's head, the
 * ledgers' sums, each clock recomputed from its account with the calendar (under a calendar that was amended since the case was
 * opened, or that lacked a year, only against its account), the store's own structure; and lists parked events. Reads only.
 * Permission: `journal.read`.
 * @param report  a map of `ok`, `entries`, `sealed`, `unsealed`, `erased`, `root` (hex), `ledgers`, `clocks` (how many were
 *                recomputed), `parked` (how many events are) and `parked_events` (the first 100 of them: maps of `case` (its number),
 *                `event`, `reason`), `waiting` and `waiting_events` (the same of those that wait for a year that no calendar lists); when something is wrong also `bad_entry` and `reason`, or `bad_case` (its number), `bad_clock`
 *                and `reason`. Owned by the caller; set also with GOV_E_VERIFY. May be NULL.
 * @return GOV_OK, GOV_E_VERIFY (the error names the first bad entry, account or clock), GOV_E_DENIED, GOV_E_CORRUPT, GOV_E_STORE and its kin, GOV_E_USER
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_verify(gov *g, gov_progress progress, void *user, gov_value **report, gov_error **err);

/**
 * A new key to sign exports with. The host keeps it where only it can read it, and gives the public half to whoever shall check.
 * @param new_key  out: 64 bytes, an Ed25519 secret key as libsodium has it; its last 32 bytes are the public key
 * @return GOV_OK, GOV_E_ARG, GOV_E_BUG (the machine gives no randomness)
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API gov_status gov_journal_new_key(uint8_t *new_key, gov_error **err);

/**
 * Writes the journal with its tree head, signed with the host's key, to a file that gov_journal_check() can verify without the store.
 * Permission: `journal.read`.
 * @param path        must not exist
 * @param secret_key  64 bytes, an Ed25519 secret key as libsodium has it; NULL: the head is not signed
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_journal_export(gov *g, const char *path, const uint8_t *secret_key, gov_error **err);

/**
 * Checks an exported journal: needs only the file and the public key. The file is read into memory; a line over 64 MiB is refused.
 * @param public_key  32 bytes, Ed25519; NULL: the signature is not checked
 * @param report      as in gov_verify(); may be NULL
 * @return GOV_OK, GOV_E_VERIFY, GOV_E_NOT_FOUND, GOV_E_INPUT, GOV_E_LIMIT, GOV_E_NOMEM
 * @contract thread=any alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_journal_check(const gov_allocator *alloc, const char *path, const uint8_t *public_key,
                                     gov_value **report, gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
