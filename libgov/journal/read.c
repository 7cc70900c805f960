/* Reading entries in the order of ids, erasing payloads, and the proofs that are made from what was read. */
#include "journal/inside.h"

#include <string.h>

/* Rows are copied page by page, so that the callback may use the store and no read stays open. */
enum { PAGE = 256 };

#define COLUMNS                                                                              \
    "SELECT e.id, e.leaf, p.data, CASE WHEN w.entry IS NULL THEN 1 ELSE 0 END FROM "         \
    "gov_journal_entry e "                                                                   \
    "LEFT JOIN gov_journal_payload p ON p.community = e.community AND p.entry = e.id "       \
    "LEFT JOIN gov_journal_pending w ON w.community = e.community AND w.entry = e.id WHERE " \
    "e.community = $1 "
#define OF_SUBJECT "AND e.subject = $4 AND e.subject <> 0 "

static const store_sql up = {COLUMNS "AND e.id > $2 ORDER BY e.id LIMIT $3", 0};
static const store_sql down = {COLUMNS "AND e.id < $2 ORDER BY e.id DESC LIMIT $3", 0};
static const store_sql subject_up = {COLUMNS "AND e.id > $2 " OF_SUBJECT "ORDER BY e.id LIMIT $3",
                                     0};
static const store_sql subject_down = {COLUMNS "AND e.id < $2 " OF_SUBJECT
                                               "ORDER BY e.id DESC LIMIT $3",
                                       0};
static const store_sql one = {COLUMNS "AND e.id = $2 ORDER BY e.id LIMIT $3", 0};

static char *text_of(base_arena *arena, leaf_text t, bool *failed)
{
    char *s = base_arena_strndup(arena, t.s, t.len);
    *failed = *failed || s == NULL;
    return s;
}

/* Appended in the transaction that is open, and so without a place yet. Ids of what waits rise. */
static bool waits(const journal *j, int64_t id)
{
    size_t low = 0, high = j->waiting_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (j->waiting[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < j->waiting_count && j->waiting[low].id == id;
}

static gov_status copy_record(journal *j, base_arena *arena, store_rows *rows, journal_record *r,
                              const diag *d)
{
    leaf_parts parts;
    size_t len, data_len;
    bool failed = false;
    const int64_t id = store_int(rows, 0);
    const void *bytes = store_bytes(rows, 1, &len);
    uint8_t *leaf = base_arena_alloc(arena, len + 1);
    if (leaf == NULL)
        return base_nomem(d);
    memcpy(leaf, bytes, len);
    if (!journal_leaf_read(leaf, len, &parts) || parts.id != id)
        return base_fail(d, M_journal_fault, A_I("entry", id), A_S("reason", "leaf"));
    const char *data = store_text(rows, 2, &data_len);
    *r = (journal_record){.id = id,
                          .at_us = parts.at_us,
                          .actor = parts.actor,
                          .on_behalf = parts.on_behalf,
                          .subject = parts.subject,
                          .kind = text_of(arena, parts.kind, &failed),
                          .purpose = text_of(arena, parts.purpose, &failed),
                          .subject_kind = text_of(arena, parts.subject_kind, &failed),
                          .rule_digest = parts.rule_digest,
                          .rule_file = text_of(arena, parts.rule_file, &failed),
                          .rule_line = parts.rule_line,
                          .batch = parts.batch,
                          .sealed = store_int(rows, 3) != 0 && !waits(j, id),
                          .erased = store_is_null(rows, 2),
                          .data_text = base_arena_strndup(arena, data, data_len),
                          .data_len = data_len,
                          .leaf = leaf,
                          .leaf_len = len};
    return failed || r->data_text == NULL ? base_nomem(d) : GOV_OK;
}

static gov_status read_page(journal *j, const journal_filter *f, int64_t after, size_t limit,
                            base_arena *arena, journal_record *page, size_t *count, const diag *d)
{
    const store_sql *sql = f->subject != 0 ? (f->descending ? &subject_down : &subject_up)
                           : f->descending ? &down
                                           : &up;
    store_rows rows;
    gov_status rc = GOV_OK;
    *count = 0;
    if (f->id != 0)
        rc = store_query(j->s, &one, STORE_ARGS(store_i(j->community), store_i(f->id), store_i(1)),
                         &rows, d);
    else if (f->subject != 0)
        rc = store_query(j->s, sql,
                         STORE_ARGS(store_i(j->community), store_i(after), store_i((int64_t)limit),
                                    store_i(f->subject)),
                         &rows, d);
    else
        rc = store_query(j->s, sql,
                         STORE_ARGS(store_i(j->community), store_i(after), store_i((int64_t)limit)),
                         &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        rc = copy_record(j, arena, &rows, &page[*count], d);
        if (rc == GOV_OK)
            (*count)++;
        else
            store_rows_close(&rows);
    }
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status journal_read(journal *j, const journal_filter *f,
                        gov_status (*each)(void *user, const journal_record *r), void *user,
                        const diag *d)
{
    base_arena arena;
    journal_record *page = base_array(j->alloc, PAGE, sizeof *page);
    if (page == NULL)
        return base_nomem(d);
    base_arena_init(&arena, j->alloc);
    int64_t after = f->descending && f->after == 0 ? INT64_MAX : f->after;
    size_t left = f->id != 0 ? 1 : f->limit == 0 ? SIZE_MAX : f->limit;
    gov_status rc = GOV_OK;
    while (left > 0 && rc == GOV_OK) {
        const size_t limit = left < PAGE ? left : PAGE;
        size_t count;
        base_arena_reset(&arena);
        rc = read_page(j, f, after, limit, &arena, page, &count, d);
        for (size_t i = 0; i < count && rc == GOV_OK; i++) {
            after = page[i].id;
            rc = each(user, &page[i]);
        }
        if (count < limit)
            break;
        left -= count;
    }
    base_arena_free(&arena);
    base_free(j->alloc, page);
    return rc;
}

gov_status journal_erase(journal *j, int64_t id, const diag *d)
{
    static const store_sql sql = {"UPDATE gov_journal_payload SET salt = NULL, data = NULL "
                                  "WHERE community = $1 AND entry = $2",
                                  0};
    int64_t changed;
    const gov_status rc =
        store_exec(j->s, &sql, STORE_ARGS(store_i(j->community), store_i(id)), &changed, d);
    if (rc == GOV_OK && changed == 0)
        return base_fail(d, M_journal_no_entry, A_I("entry", id));
    return rc;
}

/* ---- proofs ---- */

/* Every leaf hash of the first `size` seals, or of all when size is UINT64_MAX; *entry_at gets the place of id. */
static gov_status journal_load_hashes(journal *j, journal_hash **out, size_t *count, int64_t id, uint64_t *place,
                                      const diag *d)
{
    static const store_sql sql = {
        "SELECT seq, entry, hash FROM gov_journal_seal WHERE community = $1 AND seq >= $2 "
        "ORDER BY seq LIMIT 4096",
        0};
    size_t cap = 0, n = 0, before;
    *out = NULL;
    *place = UINT64_MAX;
    do {
        store_rows rows;
        before = n;
        gov_status rc =
            store_query(j->s, &sql, STORE_ARGS(store_i(j->community), store_i((int64_t)n)), &rows,
                        d);
        while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
            size_t len;
            const void *hash = store_bytes(&rows, 2, &len);
            if (len != JOURNAL_HASH || store_int(&rows, 0) != (int64_t)n)
                rc = base_fail(d, M_journal_fault, A_I("entry", store_int(&rows, 1)),
                               A_S("reason", "sequence"));
            else if (!base_grow(j->alloc, out, &cap, n, sizeof **out))
                rc = base_nomem(d);
            if (rc != GOV_OK) {
                store_rows_close(&rows);
                break;
            }
            if (store_int(&rows, 1) == id)
                *place = n;
            memcpy((*out)[n++].bytes, hash, JOURNAL_HASH);
        }
        if (rc != GOV_END) {
            base_free(j->alloc, *out);
            *out = NULL;
            return rc;
        }
    } while (n > before);
    *count = n;
    return GOV_OK;
}

static gov_status give(base_buf *path, const journal_hash *hashes, size_t count,
                       const journal_hash *leaves, size_t n, int64_t last_id, journal_head *head,
                       const diag *d)
{
    journal_hash root;
    journal_root_of(leaves, n, &root);
    head->size = n;
    head->last_id = last_id;
    memcpy(head->root, root.bytes, JOURNAL_HASH);
    base_buf_add(path, hashes, count * sizeof *hashes);
    return path->failed ? base_nomem(d) : GOV_OK;
}

gov_status journal_prove(journal *j, int64_t id, base_buf *path, uint64_t *sequence,
                         journal_head *head, const diag *d)
{
    journal_hash *leaves, hashes[64];
    size_t n;
    gov_status rc = journal_head_now(j, head, d);
    if (rc == GOV_OK)
        rc = journal_load_hashes(j, &leaves, &n, id, sequence, d);
    if (rc != GOV_OK)
        return rc;
    if (*sequence == UINT64_MAX)
        rc = base_fail(d, M_journal_no_entry, A_I("entry", id));
    else
        rc = give(path, hashes, journal_inclusion(leaves, n, (size_t)*sequence, hashes), leaves, n,
                  head->last_id, head, d);
    base_free(j->alloc, leaves);
    return rc;
}

gov_status journal_prove_growth(journal *j, uint64_t size, base_buf *path, journal_head *head,
                                const diag *d)
{
    journal_hash *leaves, hashes[64];
    uint64_t place;
    size_t n;
    gov_status rc = journal_head_now(j, head, d);
    if (rc == GOV_OK)
        rc = journal_load_hashes(j, &leaves, &n, 0, &place, d);
    if (rc != GOV_OK)
        return rc;
    if (size == 0 || size > n)
        rc = base_fail(d, M_bad_argument, A_S("what", "size"));
    else
        rc = give(path, hashes, journal_consistency(leaves, (size_t)size, n, hashes), leaves, n,
                  head->last_id, head, d);
    base_free(j->alloc, leaves);
    return rc;
}
