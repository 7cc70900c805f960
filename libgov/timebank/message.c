/* Messages between communities: canonical JSON, signed. A reader needs no state; what a message means to whom is clearing.c's. */
#include "timebank/timebank.h"

#include <sodium.h>
#include <string.h>

static const char format_name[] = "gov-clearing-1";

/* ---- writing ---- */

/* Two digits for each byte, from the scratch. */
static const char *hex(gov *g, const uint8_t *bytes, size_t size)
{
    char *out = base_arena_alloc(&g->scratch, 2 * size + 1);
    if (out != NULL)
        base_hex(bytes, size, out);
    return out;
}

static gov_status members(gov *g, const timebank_message *m, value_builder *b, const diag *d)
{
    const char *previous = hex(g, m->previous, sizeof m->previous), *seen = hex(g, m->seen, sizeof m->seen);
    value_builder_init(b, &g->scratch);
    if (previous == NULL || seen == NULL)
        return base_nomem(d);
    value_builder_set(b, "format", value_text(format_name));
    value_builder_set(b, "from", value_text(m->from));
    value_builder_set(b, "to", value_text(m->to));
    value_builder_set(b, "from_bank", value_text(m->from_bank));
    value_builder_set(b, "to_bank", value_text(m->to_bank));
    value_builder_set(b, "kind", value_text(m->kind));
    value_builder_set(b, "sequence", value_int(m->sequence));
    value_builder_set(b, "after", value_int(m->after));
    value_builder_set(b, "previous", value_text(previous));
    value_builder_set(b, "ack", value_int(m->ack));
    value_builder_set(b, "seen", value_text(seen));
    value_builder_set(b, "transfer", value_int(m->transfer));
    value_builder_set(b, "amount", value_int(m->amount));
    if (m->what != NULL)
        value_builder_set(b, "what", value_text(m->what));
    if (m->whom != NULL)
        value_builder_set(b, "whom", value_text(m->whom));
    if (m->by > 0)
        value_builder_set(b, "by", value_int(m->by));
    if (m->reason != NULL)
        value_builder_set(b, "reason", value_text(m->reason));
    return b->failed ? base_nomem(d) : GOV_OK;
}

/* The canonical text of a map, from the scratch. */
static gov_status text_of(gov *g, value map, const char **text, size_t *len, const diag *d)
{
    base_buf out;
    base_buf_init(&out, g->alloc);
    value_write_document(&out, map);
    *len = out.len;
    *text = out.failed ? NULL : base_arena_strndup(&g->scratch, out.data, out.len);
    base_buf_free(&out);
    return *text != NULL ? GOV_OK : base_nomem(d);
}

gov_status timebank_chain_start(gov *g, const timebank_message *m, const uint8_t *from_key, const uint8_t *to_key,
                                uint8_t out[static BASE_DIGEST_SIZE], const diag *d)
{
    const char *from = hex(g, from_key, TIMEBANK_KEY), *to = hex(g, to_key, TIMEBANK_KEY), *text;
    value_builder b;
    size_t len;
    if (from == NULL || to == NULL)
        return base_nomem(d);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "format", value_text(format_name));
    value_builder_set(&b, "from", value_text(m->from));
    value_builder_set(&b, "to", value_text(m->to));
    value_builder_set(&b, "from_bank", value_text(m->from_bank));
    value_builder_set(&b, "to_bank", value_text(m->to_bank));
    value_builder_set(&b, "from_key", value_text(from));
    value_builder_set(&b, "to_key", value_text(to));
    const gov_status rc = b.failed ? base_nomem(d) : text_of(g, value_builder_map(&b), &text, &len, d);
    if (rc == GOV_OK)
        base_sha256(text, len, out);
    return rc;
}

gov_status timebank_write_message(gov *g, timebank_message *m, const uint8_t *secret, const diag *d)
{
    uint8_t signature[TIMEBANK_SIGNATURE];
    const char *text, *digits;
    size_t len;
    value_builder b;
    gov_status rc = members(g, m, &b, d);
    if (rc == GOV_OK)
        rc = text_of(g, value_builder_map(&b), &text, &len, d);
    if (rc != GOV_OK)
        return rc;
    if (sodium_init() < 0 || crypto_sign_detached(signature, NULL, (const uint8_t *)text, len, secret) != 0)
        return base_fail(d, M_internal, A_S("what", "crypto_sign"));
    digits = hex(g, signature, sizeof signature);
    if (digits == NULL)
        return base_nomem(d);
    value_builder_set(&b, "signature", value_text(digits));
    rc = b.failed ? base_nomem(d) : text_of(g, value_builder_map(&b), &m->text, &m->len, d);
    if (rc == GOV_OK)
        base_sha256(m->text, m->len, m->hash);
    return rc;
}

/* ---- reading ---- */

static bool take_text(gov *g, value map, const char *key, bool needed, const char **out, bool *no_memory)
{
    const value v = value_get_text(map, key);
    *out = NULL;
    if (v.kind == VALUE_ABSENT)
        return !needed;
    if (v.kind != VALUE_STRING || v.len == 0 || v.len > 200)
        return false;
    *out = base_arena_strndup(&g->scratch, v.as.s, v.len);
    *no_memory = *no_memory || *out == NULL;
    return true;
}

static bool take_hash(value map, const char *key, uint8_t out[static BASE_DIGEST_SIZE])
{
    const value v = value_get_text(map, key);
    return v.kind == VALUE_STRING && v.len == 2 * BASE_DIGEST_SIZE && base_unhex(v.as.s, v.len, out);
}

static bool take_number(value map, const char *key, int64_t *out)
{
    const value v = value_get_text(map, key);
    if (v.kind != VALUE_INT || v.as.i < 0)
        return false;
    *out = v.as.i;
    return true;
}

bool timebank_is_numbered(const char *kind)
{
    return strcmp(kind, "ack") != 0 && strcmp(kind, "recall") != 0 && strcmp(kind, "recalled") != 0;
}

static bool known_kind(const char *kind)
{
    static const char *const kinds[] = {"prepare", "accept", "refuse", "settle", "ack", "recall", "recalled"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i], kind) == 0)
            return true;
    return false;
}

static gov_status unreadable(const char *why, const diag *d)
{
    return base_fail(d, M_timebank_message, A_S("why", why));
}

gov_status timebank_read_message(gov *g, value text, timebank_message *m, const diag *d)
{
    value map;
    const char *again;
    size_t len;
    bool none = false;
    *m = (timebank_message){0};
    if (text.kind != VALUE_STRING || text.len > TIMEBANK_LONGEST_MESSAGE)
        return unreadable("it is too long", d);
    gov_status rc = value_read_document(&g->scratch, text.as.s, text.len, &map, d);
    if (rc != GOV_OK)
        return rc;
    if (map.kind != VALUE_MAP || !value_is_text(value_get_text(map, "format"), format_name))
        return unreadable("it is of another format", d);
    rc = text_of(g, map, &again, &len, d);
    if (rc != GOV_OK)
        return rc;
    if (len != text.len || memcmp(again, text.as.s, len) != 0)
        return unreadable("it is not in canonical form", d);
    const bool whole = take_text(g, map, "from", true, &m->from, &none) && take_text(g, map, "to", true, &m->to, &none) &&
                       take_text(g, map, "from_bank", true, &m->from_bank, &none) &&
                       take_text(g, map, "to_bank", true, &m->to_bank, &none) &&
                       take_text(g, map, "kind", true, &m->kind, &none) && take_text(g, map, "what", false, &m->what, &none) &&
                       take_text(g, map, "whom", false, &m->whom, &none) &&
                       take_text(g, map, "reason", false, &m->reason, &none) && take_number(map, "sequence", &m->sequence) &&
                       take_number(map, "ack", &m->ack) && take_number(map, "transfer", &m->transfer) &&
                       take_number(map, "amount", &m->amount) && take_number(map, "after", &m->after) &&
                       (value_get_text(map, "by").kind == VALUE_ABSENT || (take_number(map, "by", &m->by) && m->by > 0)) &&
                       take_hash(map, "previous", m->previous) && take_hash(map, "seen", m->seen);
    if (none)
        return base_nomem(d);
    if (!whole || !known_kind(m->kind) || timebank_is_numbered(m->kind) != (m->sequence > 0) ||
        (m->sequence > 0 && m->after != m->sequence - 1))
        return unreadable("a member is missing or not what it should be", d);
    m->text = again;
    m->len = len;
    base_sha256(again, len, m->hash);
    return GOV_OK;
}

gov_status timebank_check_signature(gov *g, const timebank_message *m, const uint8_t *key, const diag *d)
{
    uint8_t signature[TIMEBANK_SIGNATURE];
    value map;
    value_builder b;
    const char *text;
    size_t len;
    gov_status rc = value_read_document(&g->scratch, m->text, m->len, &map, d);
    if (rc != GOV_OK)
        return rc;
    const value digits = value_get_text(map, "signature");
    value_builder_init(&b, &g->scratch);
    for (size_t i = 0; i < map.len; i++)
        if (!value_is_text(map.as.pairs[i].key, "signature"))
            value_builder_set_n(&b, map.as.pairs[i].key.as.s, map.as.pairs[i].key.len, map.as.pairs[i].val);
    rc = b.failed ? base_nomem(d) : text_of(g, value_builder_map(&b), &text, &len, d);
    if (rc != GOV_OK)
        return rc;
    if (sodium_init() < 0)
        return base_fail(d, M_internal, A_S("what", "sodium_init"));
    if (digits.kind != VALUE_STRING || digits.len != 2 * sizeof signature ||
        !base_unhex(digits.as.s, digits.len, signature) ||
        crypto_sign_verify_detached(signature, (const uint8_t *)text, len, key) != 0)
        return base_fail(d, M_timebank_forged, A_S("peer", m->from));
    return GOV_OK;
}

gov_status timebank_read_key(value text, size_t size, uint8_t *out, const diag *d)
{
    if (text.kind != VALUE_STRING || text.len != 2 * size || !base_unhex(text.as.s, text.len, out))
        return base_fail(d, M_timebank_key, A_I("digits", 2 * size));
    return GOV_OK;
}
