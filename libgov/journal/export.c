/* Signed heads, the export file, and its verifier, which needs the file and the key alone.
 *
 * An export is JSON lines. The first is the head with its signature; then one line for each sealed entry, in order, with
 * its leaf, and, unless they were erased, its salt and document. Bytes are hexadecimal, 64-bit numbers strings. */
#include "journal/inside.h"

#include <sodium.h>
#include <string.h>

static const char signed_name[17] = "gov-journal-head"; /* with its NUL */
static const char format_name[] = "gov-journal-export";

static void put_be64(uint8_t *out, uint64_t n)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(n >> (56 - 8 * i));
}

void journal_signed_bytes(int64_t community, uint64_t size, const uint8_t root[JOURNAL_HASH],
                          int64_t at_us, uint8_t out[SIGNED_BYTES])
{
    uint8_t *p = out;
    memcpy(p, signed_name, sizeof signed_name);
    p += sizeof signed_name;
    *p++ = LEAF_SHA256;
    put_be64(p, (uint64_t)community);
    put_be64(p + 8, size);
    memcpy(p + 16, root, JOURNAL_HASH);
    put_be64(p + 16 + JOURNAL_HASH, (uint64_t)at_us);
}

bool journal_signature_holds(const uint8_t *signature, const uint8_t signed_bytes[SIGNED_BYTES],
                             const uint8_t *key)
{
    return crypto_sign_verify_detached(signature, signed_bytes, SIGNED_BYTES, key) == 0;
}

static void sign_head(const journal *j, const journal_head *head, const journal_signer *signer,
                      int64_t at_us, uint8_t signature[crypto_sign_BYTES])
{
    uint8_t bytes[SIGNED_BYTES];
    journal_signed_bytes(j->community, head->size, head->root, at_us, bytes);
    (void)crypto_sign_detached(signature, NULL, bytes, sizeof bytes, signer->secret_key);
}

gov_status journal_sign(journal *j, const journal_signer *signer, int64_t at_us, const diag *d)
{
    static const store_sql sql = {
        "INSERT INTO gov_journal_signed (community, size, at_us, algorithm, root, public_key, "
        "signature) "
        "VALUES ($1, $2, $3, 1, $4, $5, $6) ON CONFLICT (community, size) DO NOTHING",
        0};
    uint8_t signature[crypto_sign_BYTES];
    journal_head head;
    const gov_status rc = journal_head_now(j, &head, d);
    if (rc != GOV_OK)
        return rc;
    sign_head(j, &head, signer, at_us, signature);
    return store_post(j->s, &sql,
                      STORE_ARGS(store_i(j->community), store_i((int64_t)head.size), store_i(at_us),
                                 store_b(head.root, JOURNAL_HASH), store_b(signer->public_key, 32),
                                 store_b(signature, sizeof signature)),
                      STORE_ANY_ROWS, d);
}

/* ---- writing ---- */

static void add_hex(base_buf *out, const char *name, const void *bytes, size_t len)
{
    base_buf_str(out, ",\"");
    base_buf_str(out, name);
    base_buf_str(out, "\":\"");
    if (base_buf_reserve(out, 2 * len + 2)) {
        base_hex(bytes, len, out->data + out->len);
        out->len += 2 * len;
    }
    base_buf_char(out, '"');
}

static void add_number(base_buf *out, const char *name, int64_t n)
{
    base_buf_str(out, ",\"");
    base_buf_str(out, name);
    base_buf_str(out, "\":\"");
    base_buf_int(out, n);
    base_buf_char(out, '"');
}

static void add_head_line(base_buf *out, const journal *j, const journal_head *head,
                          const journal_signer *signer, int64_t at_us)
{
    uint8_t signature[crypto_sign_BYTES];
    base_buf_str(out, "{\"format\":\"");
    base_buf_str(out, format_name);
    base_buf_str(out, "\",\"version\":1");
    add_number(out, "community", j->community);
    base_buf_str(out, ",\"hash\":\"sha-256\"");
    add_number(out, "size", (int64_t)head->size);
    add_hex(out, "root", head->root, JOURNAL_HASH);
    add_number(out, "at_us", at_us);
    if (signer != NULL) {
        sign_head(j, head, signer, at_us, signature);
        base_buf_str(out, ",\"signature_algorithm\":\"ed25519\"");
        add_hex(out, "key", signer->public_key, 32);
        add_hex(out, "signature", signature, sizeof signature);
    }
    base_buf_str(out, "}\n");
}

static gov_status write_entries(journal *j, uint64_t size, base_buf *line,
                                gov_status (*write)(void *user, const void *bytes, size_t len),
                                void *user, const diag *d)
{
    static const store_sql sql = {
        "SELECT s.entry, e.leaf, p.salt, p.data FROM gov_journal_seal s JOIN gov_journal_entry e "
        "ON e.community = s.community AND e.id = s.entry LEFT JOIN gov_journal_payload p "
        "ON p.community = s.community AND p.entry = s.entry WHERE s.community = $1 AND s.seq >= $2 "
        "AND s.seq < $3 ORDER BY s.seq",
        0};
    for (uint64_t from = 0; from < size; from += 512) {
        const uint64_t to = size - from < 512 ? size : from + 512;
        store_rows rows;
        gov_status rc = store_query(j->s, &sql,
                                    STORE_ARGS(store_i(j->community), store_i((int64_t)from),
                                               store_i((int64_t)to)),
                                    &rows, d);
        while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
            size_t len;
            const void *leaf = store_bytes(&rows, 1, &len);
            base_buf_clear(line);
            base_buf_str(line, "{\"entry\":\"");
            base_buf_int(line, store_int(&rows, 0));
            base_buf_char(line, '"');
            add_hex(line, "leaf", leaf, len);
            if (!store_is_null(&rows, 2)) {
                const void *salt = store_bytes(&rows, 2, &len);
                add_hex(line, "salt", salt, len);
                const char *data = store_text(&rows, 3, &len);
                base_buf_str(line, ",\"data\":");
                value_write_json_string(line, data, len);
            }
            base_buf_str(line, "}\n");
            rc = line->failed ? base_nomem(d) : write(user, line->data, line->len);
            if (rc != GOV_OK)
                store_rows_close(&rows);
        }
        if (rc != GOV_END)
            return rc;
    }
    return GOV_OK;
}

gov_status journal_export(journal *j, const journal_signer *signer, int64_t at_us,
                          gov_status (*write)(void *user, const void *bytes, size_t len),
                          void *user, const diag *d)
{
    const bool own = !store_in_transaction(j->s);
    journal_head head;
    base_buf line;
    base_buf_init(&line, j->alloc);
    gov_status rc = own ? store_begin_read(j->s, d) : GOV_OK;
    if (rc == GOV_OK)
        rc = journal_head_now(j, &head, d);
    if (rc == GOV_OK) {
        add_head_line(&line, j, &head, signer, at_us);
        rc = line.failed ? base_nomem(d) : write(user, line.data, line.len);
    }
    if (rc == GOV_OK)
        rc = write_entries(j, head.size, &line, write, user, d);
    if (own)
        store_rollback(j->s);
    base_buf_free(&line);
    return rc;
}

/* ---- checking ---- */

typedef struct reading {
    base_arena arena;
    base_buf scratch;
    journal_edge edge;
    journal_report *out;
    const diag *d;
    int64_t line, community, size;
    uint8_t root[JOURNAL_HASH];
} reading;

static gov_status malformed(reading *r, const char *why)
{
    return base_fail(r->d, M_journal_export_malformed, A_I("line", r->line), A_S("why", why));
}

static gov_status wrong(reading *r, int64_t entry, const char *reason)
{
    r->out->bad_id = entry;
    r->out->reason = reason;
    if (entry == 0)
        return base_fail(r->d, M_journal_head_fault, A_S("reason", reason));
    return base_fail(r->d, M_journal_fault, A_I("entry", entry), A_S("reason", reason));
}

static bool number_of(value line, const char *name, int64_t *out)
{
    const value v = value_get_text(line, name);
    return value_is(v, VALUE_STRING) && base_parse_int(v.as.s, v.len, out);
}

static bool bytes_of(value line, const char *name, uint8_t *out, size_t len)
{
    const value v = value_get_text(line, name);
    return value_is(v, VALUE_STRING) && v.len == 2 * len && base_unhex(v.as.s, v.len, out);
}

/* A signature that is there has to hold, also where the reader has no key to compare with. */
static gov_status check_signature(reading *r, value line, int64_t at_us, const uint8_t *public_key)
{
    uint8_t key[32], signature[crypto_sign_BYTES], bytes[SIGNED_BYTES];
    const value algorithm = value_get_text(line, "signature_algorithm");
    if (algorithm.kind == VALUE_ABSENT && value_get_text(line, "key").kind == VALUE_ABSENT &&
        value_get_text(line, "signature").kind == VALUE_ABSENT)
        return public_key == NULL ? GOV_OK : wrong(r, 0, "not signed");
    if (!value_is_text(algorithm, "ed25519"))
        return malformed(r, "version or algorithm");
    if (!bytes_of(line, "key", key, sizeof key) ||
        !bytes_of(line, "signature", signature, sizeof signature))
        return malformed(r, "head");
    if (public_key != NULL && memcmp(key, public_key, sizeof key) != 0)
        return wrong(r, 0, "another key");
    journal_signed_bytes(r->community, (uint64_t)r->size, r->root, at_us, bytes);
    return journal_signature_holds(signature, bytes, key) ? GOV_OK : wrong(r, 0, "signature");
}

static gov_status check_head_line(reading *r, value line, const uint8_t *public_key)
{
    int64_t at_us;
    if (!value_is_text(value_get_text(line, "format"), format_name))
        return malformed(r, "format");
    if (!value_equal(value_get_text(line, "version"), value_int(1)) ||
        !value_is_text(value_get_text(line, "hash"), "sha-256"))
        return malformed(r, "version or algorithm");
    if (!number_of(line, "community", &r->community) || !number_of(line, "size", &r->size) ||
        r->size < 0 || !number_of(line, "at_us", &at_us) ||
        !bytes_of(line, "root", r->root, JOURNAL_HASH))
        return malformed(r, "head");
    return check_signature(r, line, at_us, public_key);
}

static gov_status check_entry_line(reading *r, value line)
{
    uint8_t salt[JOURNAL_SALT];
    leaf_parts parts;
    journal_hash hash;
    int64_t entry;
    const value hex = value_get_text(line, "leaf"), data = value_get_text(line, "data");
    const size_t len = value_is(hex, VALUE_STRING) ? hex.len / 2 : 0;
    uint8_t *leaf = base_arena_alloc(&r->arena, len + 1);
    if (leaf == NULL)
        return base_nomem(r->d);
    if (!number_of(line, "entry", &entry) || len == 0 || !base_unhex(hex.as.s, hex.len, leaf))
        return malformed(r, "entry");
    if (!journal_leaf_read(leaf, len, &parts) || parts.id != entry ||
        parts.community != r->community)
        return wrong(r, entry, "leaf");
    const bool erased =
        value_is(data, VALUE_ABSENT) && value_is(value_get_text(line, "salt"), VALUE_ABSENT);
    if (line.len != (erased ? 2 : 4)) /* what is not there was left out, not misspelt */
        return malformed(r, "entry");
    if (erased) {
        r->out->erased++;
    } else {
        if (!value_is(data, VALUE_STRING) || !bytes_of(line, "salt", salt, sizeof salt))
            return malformed(r, "payload");
        if (!journal_payload_holds(&r->scratch, &parts, salt, data.as.s, data.len))
            return r->scratch.failed ? base_nomem(r->d) : wrong(r, entry, "payload");
    }
    journal_leaf_hash(leaf, len, &hash);
    journal_edge_add(&r->edge, &hash);
    r->out->sealed++;
    return GOV_OK;
}

static gov_status check_lines(reading *r, const char *text, size_t len, const uint8_t *public_key)
{
    const char *end = text + len;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        value line;
        r->line++;
        if (stop == NULL)
            return malformed(r, "the last line is cut off");
        base_arena_reset(&r->arena);
        gov_status rc = value_read_json(&r->arena, text, (size_t)(stop - text), &line, NULL);
        if (rc != GOV_OK)
            return rc == GOV_E_NOMEM ? base_nomem(r->d) : malformed(r, "JSON");
        rc = r->line == 1 ? check_head_line(r, line, public_key) : check_entry_line(r, line);
        if (rc != GOV_OK)
            return rc;
        text = stop + 1;
    }
    if (r->line == 0)
        return malformed(r, "empty");
    journal_hash root;
    journal_edge_root(&r->edge, &root);
    memcpy(r->out->root, root.bytes, JOURNAL_HASH);
    if (r->edge.size != (uint64_t)r->size)
        return wrong(r, 0, "number of entries");
    return memcmp(root.bytes, r->root, JOURNAL_HASH) == 0 ? GOV_OK : wrong(r, 0, "root");
}

gov_status journal_verify_export(const gov_allocator *a, const void *bytes, size_t len,
                                 const uint8_t *public_key, journal_report *out, const diag *d)
{
    *out = (journal_report){0};
    if (sodium_init() < 0)
        return base_fail(d, M_internal, A_S("what", "libsodium"));
    reading *r = base_alloc(a, sizeof *r);
    if (r == NULL)
        return base_nomem(d);
    base_arena_init(&r->arena, a);
    base_buf_init(&r->scratch, a);
    r->out = out;
    r->d = d;
    const gov_status rc = check_lines(r, len > 0 ? bytes : "", len, public_key);
    base_arena_free(&r->arena);
    base_buf_free(&r->scratch);
    base_free(a, r);
    return rc;
}

gov_status journal_new_key(uint8_t *key, const diag *d)
{
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    if (sodium_init() < 0 || crypto_sign_keypair(public_key, key) != 0)
        return base_fail(d, M_internal, A_S("what", "libsodium"));
    return GOV_OK;
}
