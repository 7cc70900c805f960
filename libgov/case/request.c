/* Requests that may come twice: the same key with the same input gives the first answer again. */
#include "case/case.h"

#include <string.h>

/* A key is its actor's own, whoever else may use the same one; all stand apart from those of the rules' own `open`. */
static const char *kept_key(gov *g, const char *key)
{
    static const char *const kinds[] = {[ACCESS_NOBODY] = "host:", [ACCESS_HOST] = "host:", [ACCESS_STAFF] = "staff:",
                                        [ACCESS_RESIDENT] = "resident:", [ACCESS_RULES] = "host:"};
    base_buf text;
    base_buf_init(&text, g->alloc);
    base_buf_str(&text, kinds[g->actor.kind]);
    if (g->actor.id != 0) {
        base_buf_int(&text, g->actor.id);
        base_buf_char(&text, ':');
    }
    base_buf_str(&text, key);
    const char *copy = text.failed ? NULL : base_arena_strndup(&g->scratch, text.data, text.len);
    base_buf_free(&text);
    return copy;
}

static gov_status digest_of(gov *g, case_request *r, const char *const *what, size_t count, value input, const diag *d)
{
    base_buf text;
    base_buf_init(&text, g->alloc);
    for (size_t i = 0; i < count; i++) {
        base_buf_str(&text, base_text_or_empty(what[i]));
        base_buf_char(&text, '\0');
    }
    value_write_document(&text, input);
    const gov_status status = text.failed ? base_nomem(d) : GOV_OK;
    if (status == GOV_OK)
        base_sha256(text.data, text.len, r->digest);
    base_buf_free(&text);
    return status;
}

/* GOV_END: the key is new. */
static gov_status earlier_answer(gov *g, const case_request *r, int64_t *id, value *answer, const diag *d)
{
    static const store_sql find = {"SELECT digest, answer, document FROM gov_case_request WHERE community = $1 AND request_key = $2"};
    store_rows rows;
    gov_status status = store_first(g->store, &find, STORE_ARGS(store_i(g->community), store_s(r->kept)), &rows, d);
    if (status != GOV_OK)
        return status;
    size_t len;
    const void *digest = store_bytes(&rows, 0, &len);
    const bool same = len == BASE_DIGEST_SIZE && memcmp(digest, r->digest, len) == 0;
    *id = store_int(&rows, 1);
    if (same && !store_is_null(&rows, 2)) {
        const char *text = store_text(&rows, 2, &len);
        status = access_read_stored(g, &g->scratch, text, len, answer, d);
    }
    store_rows_close(&rows);
    return same ? status : base_fail(d, M_request_conflict, A_S("key", r->key));
}

gov_status case_request_begin(gov *g, case_request *r, const char *const *what, size_t count, value input, int64_t *id, value *answer,
                              const diag *d)
{
    *answer = value_absent();
    r->kept = kept_key(g, r->key);
    const gov_status status = r->kept != NULL ? digest_of(g, r, what, count, input, d) : base_nomem(d);
    return status == GOV_OK ? earlier_answer(g, r, id, answer, d) : status;
}

gov_status case_request_keep(gov *g, const case_request *r, int64_t id, value answer, const diag *d)
{
    static const store_sql add = {
        "INSERT INTO gov_case_request (community, request_key, digest, answer, document) VALUES ($1, $2, $3, $4, $5)"};
    base_buf text;
    base_buf_init(&text, g->alloc);
    if (answer.kind != VALUE_ABSENT)
        value_write_document(&text, answer);
    const gov_status status =
        text.failed ? base_nomem(d)
                    : store_post(g->store, &add,
                                 STORE_ARGS(store_i(g->community), store_s(r->kept), store_b(r->digest, sizeof r->digest), store_i(id),
                                            store_t(answer.kind != VALUE_ABSENT ? text.data : NULL, text.len)),
                                 1, d);
    base_buf_free(&text);
    return status;
}
