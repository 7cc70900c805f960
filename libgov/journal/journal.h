/* Room journal: the append-only record. One entry for each change is the history, the audit log and the outbox at once.
 *
 * An entry is a leaf (ids, times, rule, a salted commitment; never data) and a payload (salt and canonical document)
 * that can be erased without breaking any proof. Sealing gives a leaf its place in a dense sequence, which is an RFC 6962
 * Merkle tree per community (SHA-256). On SQLite entries are sealed by the transaction that appends them; on PostgreSQL
 * right after, by journal_seal, and until then they are unsealed and shown so.
 *
 * The leaf's bytes, version 1, all integers big-endian: u8 version, u8 algorithm (1: SHA-256), u64 community, u64 id,
 * i64 at_us, i64 actor, i64 on_behalf, i64 subject, u8 flags (1 rule, 2 batch), u8 length + kind, u8 length +
 * subject kind, u8 length + purpose, [rule: 32 bytes digest, u32 line, u8 length + file], [batch: 32 bytes], 32 bytes
 * commitment = SHA-256(salt of 16 bytes, data text). */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include "store/store.h"
#include "value/value.h"

typedef struct journal journal;

enum { JOURNAL_HASH = BASE_DIGEST_SIZE, JOURNAL_SALT = 16, JOURNAL_TEXT_MAX = 255 };

extern const store_migration journal_schema_1;

/* The host's random bytes; NULL: libsodium's. */
typedef struct journal_config {
    void (*random)(void *user, void *out, size_t len);
    void *random_user;
} journal_config;

/* A journal is one community's on one store, and lives no longer than the store. It registers a hook there: entries are
 * sealed when the transaction commits. config may be NULL. */
/* 64 bytes, of which the last 32 are public. */
gov_status journal_new_key(uint8_t *key, const diag *d);
gov_status journal_open(store *s, int64_t community, const journal_config *config, journal **out,
                        const diag *d);
void journal_close(journal *j);

/* Texts are short names, at most JOURNAL_TEXT_MAX bytes; NULL is "". Everything is borrowed during the call. */
typedef struct journal_entry {
    int64_t real_ms; /* the machine's clock, for the id */
    int64_t at_us;   /* the community's `now`; 0 where instants are omitted (secret ballots) */
    const char *
        kind; /* "case_opened", "transfers", ...: the rooms' words, never shown to people as they are */
    int64_t actor;     /* 0 where actors are omitted */
    int64_t on_behalf; /* 0: nobody */
    const char *purpose;
    const char *subject_kind;   /* "case", "resident", ... */
    int64_t subject;            /* 0: none */
    const uint8_t *rule_digest; /* JOURNAL_HASH bytes of the rulebook, or NULL: no rule */
    const char *rule_file;
    uint32_t rule_line;
    const uint8_t *batch; /* JOURNAL_HASH bytes that commit to a batch's rows, or NULL */
    value data;           /* what changed: any value that has a document form */
    const char
        *data_text; /* the canonical document itself, instead of data; NULL: write it from data */
    size_t data_len;
} journal_entry;

/* Inside the caller's write transaction. *id (may be NULL) is greater than every id made before. */
gov_status journal_append(journal *j, const journal_entry *e, int64_t *id, const diag *d);

/* A table whose rows the journal keeps. All its columns are told, so that none can be forgotten: numbers as they are, texts that are
 * names in the rules too (`plain`: "item, rule"), other texts and what is `hidden` as a digest. */
enum { JOURNAL_KEY_MAX = 3 };
typedef struct journal_kept {
    const store_table *table; /* its key: the community, then up to three integers */
    const char *plain, *hidden;
} journal_kept;
/* The row of that key (without the community; what is over is 0) was made, changed or dropped in this transaction: it is read and told
 * when that commits. Of `by` the clocks and the actor are taken. */
gov_status journal_keep(journal *j, const journal_kept *k,
                        const int64_t key[static JOURNAL_KEY_MAX], const journal_entry *by,
                        const diag *d);
/* Every row of these tables against what was told of it last: GOV_E_VERIFY names the table, the row, and the column with both
 * values. A page of rows at a time. */
gov_status journal_verify_kept(journal *j, const journal_kept *const *list, size_t n,
                               const diag *d);

/* PostgreSQL: seals what is committed and unsealed, at most max entries, in a transaction of its own; call it after
 * commits and at each tick. SQLite: nothing to do. *sealed may be NULL. */
gov_status journal_seal(journal *j, size_t max, int64_t *sealed, const diag *d);

/* ---- reading ---- */

/* Borrowed during the callback. */
typedef struct journal_record {
    int64_t id, at_us, actor, on_behalf, subject;
    const char *kind, *purpose, *subject_kind; /* NUL-terminated */
    const uint8_t *rule_digest;                /* NULL: no rule */
    const char *rule_file;
    uint32_t rule_line;
    const uint8_t *batch;
    bool sealed;           /* has its place in the tree: never before its transaction has ended */
    bool erased;           /* the payload is gone */
    const char *data_text; /* canonical document; "" when erased */
    size_t data_len;
    const uint8_t *leaf; /* the hashed bytes */
    size_t leaf_len;
} journal_record;

typedef struct journal_filter {
    int64_t
        after; /* only ids greater than this (less, when descending); 0: from the start (the end) */
    int64_t id;      /* this entry alone; 0: all */
    int64_t subject; /* this subject's alone; 0: all */
    size_t limit;    /* 0: no limit */
    bool descending;
} journal_filter;

/* In the order of ids. The callback stops the reading by giving other than GOV_OK, which is then the answer; it may
 * read from the store, and write. */
gov_status journal_read(journal *j, const journal_filter *filter,
                        gov_status (*each)(void *user, const journal_record *r), void *user,
                        const diag *d);

/* Removes an entry's data and salt for ever; its proof stays. SQLite overwrites the bytes in the file (secure_delete) when
 * the change is checkpointed; until then, and in backups, the old page may still be found. GOV_E_NOT_FOUND: no such entry. Inside a transaction. */
gov_status journal_erase(journal *j, int64_t id, const diag *d);

/* ---- trust ---- */

typedef struct journal_head {
    uint64_t size; /* sealed entries */
    uint8_t root[JOURNAL_HASH];
    int64_t last_id; /* of the last sealed one; 0: none */
} journal_head;
gov_status journal_head_now(journal *j, journal_head *out, const diag *d);

typedef struct journal_report {
    uint64_t sealed, unsealed, erased, signed_heads; /* counted until the first bad one */
    int64_t bad_id; /* first bad entry, 0: none, or the fault is not in an entry */
    const char *
        reason; /* static English name of the fault: "leaf", "payload", "sequence", "head", ...; NULL: none */
    uint8_t root[JOURNAL_HASH];
} journal_report;

/* Recomputes everything: each leaf's bytes against their columns, its hash against the seal, the dense sequence, the payload
 * commitments, the head's frontier, each signed head. GOV_E_VERIFY reports the first fault; *out is filled as far as it
 * went. progress may be NULL; it stops the check by giving other than GOV_OK. */
gov_status journal_verify(journal *j, journal_report *out,
                          gov_status (*progress)(void *user, uint64_t done, uint64_t all),
                          void *user, const diag *d);

/* Ed25519: public_key 32 bytes, secret_key 64 (seed and public key, as libsodium has it). */
typedef struct journal_signer {
    const uint8_t *public_key, *secret_key;
} journal_signer;
/* Signs the head as it stands, and keeps the signature with it. Inside a write transaction. */
gov_status journal_sign(journal *j, const journal_signer *signer, int64_t at_us, const diag *d);

/* JSON lines: the head, signed where there is a signer, then every sealed entry with its leaf and payload (erased ones
 * without). signer may be NULL. */
gov_status journal_export(journal *j, const journal_signer *signer, int64_t at_us,
                          gov_status (*write)(void *user, const void *bytes, size_t len),
                          void *user, const diag *d);
/* Needs the exported bytes and the signer's public key alone; without a key (NULL) it does not ask who signed, or whether
 * anybody did. GOV_E_INPUT: not an export; GOV_E_VERIFY: a fault. */
gov_status journal_verify_export(const gov_allocator *a, const void *bytes, size_t len,
                                 const uint8_t *public_key, journal_report *out, const diag *d);

/* Audit path of a sealed entry in the tree of the head now. *path gets *count hashes of JOURNAL_HASH bytes. */
gov_status journal_prove(journal *j, int64_t id, base_buf *path, uint64_t *sequence,
                         journal_head *head, const diag *d);
/* That the tree of `size` entries is a beginning of the tree now. */
gov_status journal_prove_growth(journal *j, uint64_t size, base_buf *path, journal_head *head,
                                const diag *d);

/* ---- the tree: merkle.c, pure functions of RFC 6962 ---- */

typedef struct journal_hash {
    uint8_t bytes[JOURNAL_HASH];
} journal_hash;

/* A tree's right edge: the roots of its perfect subtrees, largest first. Appending costs one hash on average. */
typedef struct journal_edge {
    uint64_t size;
    journal_hash roots[64];
} journal_edge;

void journal_leaf_hash(const void *bytes, size_t len, journal_hash *out);
void journal_node_hash(const journal_hash *left, const journal_hash *right, journal_hash *out);
void journal_edge_add(journal_edge *e, const journal_hash *leaf);
size_t journal_edge_count(const journal_edge *e); /* roots in use */
void journal_edge_root(const journal_edge *e, journal_hash *out);

void journal_root_of(const journal_hash *leaves, size_t n, journal_hash *out);
/* path: room for 64 hashes; gives their number. index < n; 0 < m <= n. */
size_t journal_inclusion(const journal_hash *leaves, size_t n, size_t index, journal_hash *path);
size_t journal_consistency(const journal_hash *leaves, size_t m, size_t n, journal_hash *path);
bool journal_check_inclusion(const journal_hash *leaf, uint64_t index, uint64_t size,
                             const journal_hash *path, size_t count, const journal_hash *root);
bool journal_check_consistency(uint64_t m, uint64_t n, const journal_hash *root_m,
                               const journal_hash *root_n, const journal_hash *path, size_t count);

#endif
