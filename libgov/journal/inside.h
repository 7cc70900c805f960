/* What only the files of room journal share. */
#ifndef JOURNAL_INSIDE_H
#define JOURNAL_INSIDE_H

#include "journal/journal.h"

enum { LEAF_VERSION = 1, LEAF_SHA256 = 1, LEAF_RULE = 1, LEAF_BATCH = 2, SALT_POOL = 64 };

/* Appended in this transaction and not sealed yet. */
typedef struct unsealed {
    int64_t id;
    int depth; /* the savepoint it belongs to: undone with it */
    journal_hash hash;
} unsealed;

/* Written in this transaction, to be told when it commits: kept.c. */
typedef struct kept_row {
    const journal_kept *kept;
    int64_t key[JOURNAL_KEY_MAX], real_ms, at_us, actor;
} kept_row;

struct journal {
    store *s;
    const gov_allocator *alloc;
    int64_t community;
    journal_config config;
    uint8_t salts[SALT_POOL][JOURNAL_SALT];
    size_t salts_left;
    unsealed *waiting;
    size_t waiting_count, waiting_cap;
    kept_row *kept;
    size_t kept_count, kept_cap;
    journal_edge edge; /* true while the store's epoch is edge_epoch */
    int64_t last_id;
    bool edge_known;
    uint64_t edge_epoch;
    base_buf leaf, data; /* reused */
};

/* A leaf's bytes taken apart; texts point into the leaf and are not NUL-terminated. */
typedef struct leaf_text {
    const char *s;
    size_t len;
} leaf_text;
typedef struct leaf_parts {
    int64_t community, id, at_us, actor, on_behalf, subject;
    leaf_text kind, subject_kind, purpose, rule_file;
    const uint8_t *rule_digest, *batch, *commitment;
    uint32_t rule_line;
} leaf_parts;

/* leaf.c */
gov_status journal_leaf_write(base_buf *out, int64_t community, int64_t id, const journal_entry *e,
                              const uint8_t commitment[JOURNAL_HASH], const diag *d);
bool journal_leaf_read(const void *bytes, size_t len, leaf_parts *out);

/* journal.c */
gov_status journal_load_edge(journal *j, bool lock, const diag *d);

/* kept.c */
gov_status journal_tell_kept(journal *j, const diag *d);

/* export.c */
/* The bytes that a signature covers. */
enum { SIGNED_BYTES = 17 + 1 + 8 + 8 + JOURNAL_HASH + 8 };
void journal_signed_bytes(int64_t community, uint64_t size, const uint8_t root[JOURNAL_HASH],
                          int64_t at_us, uint8_t out[SIGNED_BYTES]);
bool journal_signature_holds(const uint8_t *signature, const uint8_t signed_bytes[SIGNED_BYTES],
                             const uint8_t *key);

/* verify.c */
/* Is this the payload that the leaf commits to? */
bool journal_payload_holds(base_buf *scratch, const leaf_parts *leaf, const void *salt,
                           const char *data, size_t len);

#endif
