/* The canonical bytes of an entry's leaf, written and read. */
#include "journal/inside.h"

#include <string.h>

static void add_text(base_buf *out, const char *s, bool *fits)
{
    const size_t len = s != NULL ? strlen(s) : 0;
    if (len > JOURNAL_TEXT_MAX) {
        *fits = false;
        return;
    }
    base_buf_char(out, (char)(unsigned char)len);
    base_buf_add(out, s != NULL ? s : "", len);
}

gov_status journal_leaf_write(base_buf *out, int64_t community, int64_t id, const journal_entry *e,
                              const uint8_t commitment[JOURNAL_HASH], const diag *d)
{
    bool fits = true;
    base_buf_char(out, LEAF_VERSION);
    base_buf_char(out, LEAF_SHA256);
    base_buf_be64(out, (uint64_t)community);
    base_buf_be64(out, (uint64_t)id);
    base_buf_be64(out, (uint64_t)e->at_us);
    base_buf_be64(out, (uint64_t)e->actor);
    base_buf_be64(out, (uint64_t)e->on_behalf);
    base_buf_be64(out, (uint64_t)e->subject);
    base_buf_char(out, (char)((e->rule_digest != NULL ? LEAF_RULE : 0) |
                              (e->batch != NULL ? LEAF_BATCH : 0)));
    add_text(out, e->kind, &fits);
    add_text(out, e->subject_kind, &fits);
    add_text(out, e->purpose, &fits);
    if (e->rule_digest != NULL) {
        base_buf_add(out, e->rule_digest, JOURNAL_HASH);
        base_buf_be32(out, e->rule_line);
        add_text(out, e->rule_file, &fits);
    }
    if (e->batch != NULL)
        base_buf_add(out, e->batch, JOURNAL_HASH);
    base_buf_add(out, commitment, JOURNAL_HASH);
    if (!fits)
        return base_fail(d, M_too_large, A_S("what", "a name in a journal entry"),
                         A_I("limit", JOURNAL_TEXT_MAX));
    /* 4 names of 255 bytes would not fit journal_leaf_hash's buffer beside the rest. */
    if (out->len > 1000)
        return base_fail(d, M_too_large, A_S("what", "the names in a journal entry"),
                         A_I("limit", 800));
    return GOV_OK;
}

typedef struct reader {
    const uint8_t *p;
    size_t left;
    bool bad;
} reader;

static const uint8_t *take(reader *r, size_t len)
{
    if (r->bad || r->left < len) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += len;
    r->left -= len;
    return p;
}

static uint64_t take_number(reader *r, size_t len)
{
    const uint8_t *p = take(r, len);
    uint64_t n = 0;
    for (size_t i = 0; p != NULL && i < len; i++)
        n = n << 8 | p[i];
    return n;
}

static leaf_text take_text(reader *r)
{
    const size_t len = (size_t)take_number(r, 1);
    const uint8_t *p = take(r, len);
    return (leaf_text){p != NULL ? (const char *)p : "", p != NULL ? len : 0};
}

bool journal_leaf_read(const void *bytes, size_t len, leaf_parts *out)
{
    reader r = {bytes, len, false};
    memset(out, 0, sizeof *out);
    if (take_number(&r, 1) != LEAF_VERSION || take_number(&r, 1) != LEAF_SHA256)
        return false;
    out->community = (int64_t)take_number(&r, 8);
    out->id = (int64_t)take_number(&r, 8);
    out->at_us = (int64_t)take_number(&r, 8);
    out->actor = (int64_t)take_number(&r, 8);
    out->on_behalf = (int64_t)take_number(&r, 8);
    out->subject = (int64_t)take_number(&r, 8);
    const uint64_t flags = take_number(&r, 1);
    out->kind = take_text(&r);
    out->subject_kind = take_text(&r);
    out->purpose = take_text(&r);
    if (flags & LEAF_RULE) {
        out->rule_digest = take(&r, JOURNAL_HASH);
        out->rule_line = (uint32_t)take_number(&r, 4);
        out->rule_file = take_text(&r);
    }
    if (flags & LEAF_BATCH)
        out->batch = take(&r, JOURNAL_HASH);
    out->commitment = take(&r, JOURNAL_HASH);
    return !r.bad && r.left == 0 && flags <= (LEAF_RULE | LEAF_BATCH);
}
