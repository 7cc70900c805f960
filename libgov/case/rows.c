/* Cases as rows against the journal: each step tells a digest of the whole row as it has left it, and what stands in other tables so
 * that cases are found (numbers, counters, words of the index) follows from the rows. */
#include "case/live.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 256 };

/* ---- a row ---- */

void case_row_digest(const case_row *row, base_buf *doc, uint8_t out[CASE_ROW_DIGEST])
{
    const size_t fields = doc->len;
    for (size_t i = 0; i < CASE_ROW_NUMBERS; i++)
        base_buf_be64(doc, (uint64_t)row->numbers[i]);
    for (size_t i = 0; i < CASE_ROW_TEXTS; i++) {
        const size_t len = row->texts[i] != NULL ? strlen(row->texts[i]) : 0;
        base_buf_be64(doc, row->texts[i] != NULL ? len : UINT64_MAX);
        base_buf_add(doc, row->texts[i] != NULL ? row->texts[i] : "", len);
    }
    base_buf_be64(doc, fields);
    if (!doc->failed)
        base_fingerprint(doc->data, doc->len, NULL, 0, out, CASE_ROW_DIGEST);
}

#define NUMBERS                                                                                                                    \
    "c.id, c.rules, c.opened_us, c.closed_us, c.grid, c.unit, c.staff, c.reporter, c.parent, c.steps, c.changed_us"
#define TEXTS "c.number, c.workflow, c.state, c.outcome, c.link, c.source, c.outside_number, c.flags, c.former, c.holders, c.entered"
enum { ID = 0, RULES = 1, STEPS = 9, FIRST_TEXT = CASE_ROW_NUMBERS, DOC = CASE_ROW_NUMBERS + CASE_ROW_TEXTS,
       NUMBER = FIRST_TEXT, WORKFLOW, OUTSIDE_NUMBER = FIRST_TEXT + 6, AFTER_ROW = DOC + 1 };

/* False: no step writes such a row. */
static bool read_row(store_rows *rows, case_row *out)
{
    bool fine = true;
    size_t len;
    for (int i = 0; i < CASE_ROW_NUMBERS; i++) {
        out->numbers[i] = store_int(rows, i);
        const bool always = i == ID || i == RULES || i == 2 || i == STEPS || i == 10;
        fine = fine && (always || store_is_null(rows, i) || out->numbers[i] != 0);
    }
    for (int i = 0; i < CASE_ROW_TEXTS; i++) {
        const int column = FIRST_TEXT + i;
        out->texts[i] = store_is_null(rows, column) ? NULL : store_text(rows, column, &len);
        fine = fine && (out->texts[i] == NULL || strlen(out->texts[i]) == len);
    }
    return fine;
}

/* `doc` is emptied, and has the fields at its beginning again. */
static gov_status digest_of(store_rows *rows, const case_row *row, base_buf *doc, uint8_t out[CASE_ROW_DIGEST], const diag *d)
{
    size_t len;
    const char *text = store_text(rows, DOC, &len);
    base_buf_clear(doc);
    base_buf_add(doc, text, len);
    case_row_digest(row, doc, out);
    return doc->failed ? base_nomem(d) : GOV_OK;
}

gov_status case_record_moved(gov *g, int64_t id, const diag *d)
{
    static const store_sql sql = {"SELECT " NUMBERS ", " TEXTS ", c.doc FROM gov_case c WHERE c.community = $1 AND c.id = $2"};
    enum { LENGTH = 2 * CASE_ROW_DIGEST + 24 };
    store_rows rows;
    case_row row;
    base_buf doc;
    uint8_t digest[CASE_ROW_DIGEST];
    char text[LENGTH];
    gov_status status = store_first(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    if (status != GOV_OK)
        return status == GOV_END ? case_not_there(g, id, d) : status;
    (void)read_row(&rows, &row);
    const int64_t steps = row.numbers[STEPS], parent = row.numbers[8];
    base_buf_init(&doc, g->alloc);
    status = digest_of(&rows, &row, &doc, digest, d);
    base_buf_free(&doc);
    store_rows_close(&rows);
    if (status != GOV_OK)
        return status;
    base_hex(digest, CASE_ROW_DIGEST, text);
    (void)snprintf(text + 2 * CASE_ROW_DIGEST, LENGTH - 2 * CASE_ROW_DIGEST, ":%lld", (long long)steps);
    const value_pair data[] = {{value_text(CASE_TOLD_ROW), value_text(text)}, {value_text("parent"), value_int(parent)}};
    const journal_entry entry = {.kind = "case.move", .subject_kind = "case", .subject = id, .data = value_map(data, ARRAY_LEN(data))};
    return access_record(g, &entry, NULL, d);
}

/* ---- the index: both sides are added up, in any order ---- */

typedef struct sum {
    uint64_t a, b;
} sum;

static gov_status add_word(sum *s, base_buf *key, const char *field, const char *word, size_t len, int64_t id, bool plus, const diag *d)
{
    uint8_t digest[BASE_DIGEST_SIZE];
    uint64_t a = 0, b = 0;
    base_buf_clear(key);
    base_buf_be64(key, (uint64_t)id);
    base_buf_add(key, field, strlen(field) + 1);
    base_buf_add(key, word, len);
    if (key->failed)
        return base_nomem(d);
    base_sha256(key->data, key->len, digest);
    for (int i = 0; i < 8; i++) {
        a = a << 8 | digest[i];
        b = b << 8 | digest[8 + i];
    }
    s->a += plus ? a : 0 - a;
    s->b += plus ? b : 0 - b;
    return GOV_OK;
}

typedef struct checking {
    gov *g;
    case_witness *w;
    base_arena arena; /* of one row */
    base_buf doc, word;
    int64_t rules; /* whose workflow that is */
    const rulebook_workflow *workflow;
    sum words;
    const diag *d;
} checking;

static gov_status under_rules(checking *c, int64_t rules, const char *workflow)
{
    const rulebook *book;
    if (c->workflow != NULL && c->rules == rules && strcmp(c->workflow->name, workflow) == 0)
        return GOV_OK;
    c->workflow = NULL;
    c->rules = rules;
    const gov_status status = registry_rules(c->g, rules, &book, c->d);
    return status == GOV_OK ? rulebook_get_workflow(book, workflow, &c->workflow, c->d) : status;
}

static gov_status add_words(checking *c, store_rows *rows)
{
    const int64_t id = store_int(rows, ID);
    value doc;
    size_t len;
    const char *text = store_text(rows, DOC, &len);
    gov_status status = under_rules(c, store_int(rows, RULES), store_text(rows, WORKFLOW, NULL));
    bool any = false;
    for (uint32_t i = 0; status == GOV_OK && i < c->workflow->fields.count; i++)
        any = any || c->workflow->fields.items[i].indexed;
    if (status != GOV_OK || !any)
        return status;
    base_arena_reset(&c->arena);
    status = access_read_stored(c->g, &c->arena, text, len, &doc, c->d);
    for (uint32_t i = 0; status == GOV_OK && i < c->workflow->fields.count; i++) {
        const rulebook_field *f = &c->workflow->fields.items[i];
        if (!f->indexed)
            continue;
        base_buf_clear(&c->word);
        access_word(&c->word, value_get_text(doc, f->name));
        if (c->word.failed)
            status = base_nomem(c->d);
        else if (c->word.len > 0)
            status = add_word(&c->words, &c->doc, f->name, c->word.data, c->word.len, id, true, c->d);
    }
    return status;
}

/* What the table has is taken away again: nothing may be left. */
static gov_status check_words(checking *c)
{
    static const store_sql page = {"SELECT field, word, case_id FROM gov_case_word WHERE community = $1 AND (field, word, case_id) > ($2, $3, $4) "
                                   "ORDER BY field, word, case_id LIMIT $5"};
    base_buf field;
    int64_t id = 0;
    int count = PAGE;
    gov_status status = GOV_OK;
    base_buf_init(&field, c->g->alloc);
    base_buf_clear(&c->word);
    while (status == GOV_OK && count == PAGE) {
        store_rows rows;
        count = 0;
        status = store_query(c->g->store, &page,
                             STORE_ARGS(store_i(c->g->community), store_t(field.len > 0 ? field.data : "", field.len),
                                        store_t(c->word.len > 0 ? c->word.data : "", c->word.len), store_i(id), store_i(PAGE)),
                             &rows, c->d);
        if (status != GOV_OK)
            break;
        for (; status == GOV_OK && (status = store_next(&rows, c->d)) == GOV_OK; count++) {
            size_t name_len, len;
            const char *name = store_text(&rows, 0, &name_len), *word = store_text(&rows, 1, &len);
            id = store_int(&rows, 2);
            base_buf_clear(&field);
            base_buf_add(&field, name, name_len);
            base_buf_clear(&c->word);
            base_buf_add(&c->word, word, len);
            status = field.failed || c->word.failed ? base_nomem(c->d) : add_word(&c->words, &c->doc, name, word, len, id, false, c->d);
        }
        store_rows_close(&rows);
        status = status == GOV_END ? GOV_OK : status;
    }
    base_buf_free(&field);
    if (status == GOV_OK && (c->words.a != 0 || c->words.b != 0))
        return base_fail(c->d, M_index_differs, A_S("table", "gov_case_word"));
    return status;
}

/* ---- numbers ---- */

static gov_status number_altered(const checking *c, const char *source, const char *number)
{
    char row[64 + CASE_MOST_NUMBER];
    (void)snprintf(row, sizeof row, "%.40s%s%.*s", source, source[0] != '\0' ? " " : "", CASE_MOST_NUMBER, number);
    return base_fail(c->d, M_row_altered, A_S("table", "gov_case_number"), A_S("row", row));
}

/* Each case's own number leads to it, and the one that it came with. */
static gov_status check_numbers(checking *c, store_rows *rows, bool erased)
{
    enum { OWN = AFTER_ROW, OWN_CONTENT, OUTSIDE, CONTENT };
    const int64_t id = store_int(rows, ID);
    if (store_int(rows, OWN) != id || !store_is_null(rows, OWN_CONTENT))
        return number_altered(c, "", store_text(rows, NUMBER, NULL));
    if (store_is_null(rows, OUTSIDE_NUMBER))
        return GOV_OK;
    const case_told *told = case_witness_told(c->w, id, CASE_TOLD_CONTENT);
    const bool same = told != NULL ? !store_is_null(rows, CONTENT) && (uint64_t)store_int(rows, CONTENT) == told->digest[0]
                                   : store_is_null(rows, CONTENT);
    return store_int(rows, OUTSIDE) == id && (same || erased) ? GOV_OK
                                                              : number_altered(c, "", store_text(rows, OUTSIDE_NUMBER, NULL));
}

static gov_status check_no_more_numbers(const checking *c)
{
    static const store_sql more = {
        "SELECT n.source, n.number FROM gov_case_number n LEFT JOIN gov_case c ON c.community = n.community AND c.id = n.case_id "
        "WHERE n.community = $1 AND (c.id IS NULL OR NOT ((n.source = '' AND n.number = c.number) OR "
        "(n.source <> '' AND n.number = COALESCE(c.outside_number, '') AND n.source = COALESCE(NULLIF(c.source, ''), $2)))) LIMIT 1"};
    store_rows rows;
    gov_status status =
        store_first(c->g->store, &more, STORE_ARGS(store_i(c->g->community), store_s(CASE_OUTSIDE)), &rows, c->d);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status;
    status = number_altered(c, store_text(&rows, 0, NULL), store_text(&rows, 1, NULL));
    store_rows_close(&rows);
    return status;
}

/* A year's counter is the number of cases that have a number of that year. */
static gov_status check_counters(const checking *c)
{
    static const store_sql sql = {
        "SELECT k.name FROM gov_case_counter k WHERE k.community = $1 AND k.value <> (SELECT count(*) FROM gov_case_number n WHERE "
        "n.community = $1 AND n.source = '' AND substr(n.number, 1, length(k.name) - 4) = substr(k.name, 6) || '-') "
        "ORDER BY k.name LIMIT 1"};
    static const store_sql all = {"SELECT (SELECT count(*) FROM gov_case_number n WHERE n.community = $1 AND n.source = '') - "
                                  "(SELECT COALESCE(CAST(sum(k.value) AS BIGINT), 0) FROM gov_case_counter k WHERE k.community = $1)"};
    store_rows rows;
    int64_t more = 0;
    gov_status status = store_first(c->g->store, &sql, STORE_ARGS(store_i(c->g->community)), &rows, c->d);
    if (status == GOV_OK) {
        status = base_fail(c->d, M_row_altered, A_S("table", "gov_case_counter"), A_S("row", store_text(&rows, 0, NULL)));
        store_rows_close(&rows);
        return status;
    }
    status = status == GOV_END ? store_first_int(c->g->store, &all, STORE_ARGS(store_i(c->g->community)), &more, c->d) : status;
    return status == GOV_OK && more != 0 ? base_fail(c->d, M_row_gone, A_S("table", "gov_case_counter"), A_S("row", "case.*")) : status;
}

/* ---- all rows ---- */

static uint64_t first_bytes(const uint8_t *p)
{
    uint64_t n = 0;
    for (int i = 0; i < 8; i++)
        n = n << 8 | p[i];
    return n;
}

static gov_status check_row(checking *c, store_rows *rows)
{
    uint8_t digest[CASE_ROW_DIGEST];
    char id[24];
    case_row row;
    const bool fine = read_row(rows, &row);
    case_told *told = case_witness_told(c->w, row.numbers[ID], CASE_TOLD_ROW);
    const bool erased = case_witness_erased(c->w, row.numbers[ID]);
    gov_status status = c->w->key.failed ? base_nomem(c->d) : digest_of(rows, &row, &c->doc, digest, c->d);
    if (status != GOV_OK)
        return status;
    (void)snprintf(id, sizeof id, "%lld", (long long)row.numbers[ID]);
    if (told == NULL && !erased)
        return base_fail(c->d, M_row_unknown, A_S("table", "gov_case"), A_S("row", id));
    if (!erased && (!fine || told->digest[0] != first_bytes(digest) || told->digest[1] != first_bytes(digest + 8)))
        return base_fail(c->d, M_row_altered, A_S("table", "gov_case"), A_S("row", id));
    if (told != NULL)
        told->seen = true;
    status = check_numbers(c, rows, erased);
    return status == GOV_OK ? add_words(c, rows) : status;
}

static gov_status check_page(checking *c, int64_t *after, int *count)
{
    static const store_sql sql = {
        "SELECT " NUMBERS ", " TEXTS ", c.doc, n.case_id, n.content, o.case_id, o.content FROM gov_case c "
        "LEFT JOIN gov_case_number n ON n.community = c.community AND n.source = '' AND n.number = c.number "
        "LEFT JOIN gov_case_number o ON o.community = c.community AND o.source = COALESCE(NULLIF(c.source, ''), $2) AND "
        "o.number = c.outside_number WHERE c.community = $1 AND c.id > $3 ORDER BY c.id LIMIT $4"};
    store_rows rows;
    *count = 0;
    gov_status status = store_query(c->g->store, &sql,
                                    STORE_ARGS(store_i(c->g->community), store_s(CASE_OUTSIDE), store_i(*after), store_i(PAGE)), &rows, c->d);
    if (status != GOV_OK)
        return status;
    for (; status == GOV_OK && (status = store_next(&rows, c->d)) == GOV_OK; ++*count) {
        *after = store_int(&rows, ID);
        status = check_row(c, &rows);
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

static gov_status check_gone(const checking *c)
{
    char row[24];
    const int64_t id = case_witness_gone(c->w);
    if (id == 0)
        return c->w->key.failed ? base_nomem(c->d) : GOV_OK;
    (void)snprintf(row, sizeof row, "%lld", (long long)id);
    return base_fail(c->d, M_row_gone, A_S("table", "gov_case"), A_S("row", row));
}

gov_status case_verify_rows(gov *g, case_witness *w, const diag *d)
{
    checking c = {.g = g, .w = w, .d = d};
    int64_t after = INT64_MIN;
    int count = PAGE;
    gov_status status = GOV_OK;
    base_arena_init(&c.arena, g->alloc);
    base_buf_init(&c.doc, g->alloc);
    base_buf_init(&c.word, g->alloc);
    while (status == GOV_OK && count == PAGE)
        status = check_page(&c, &after, &count);
    if (status == GOV_OK)
        status = check_gone(&c);
    if (status == GOV_OK)
        status = check_no_more_numbers(&c);
    if (status == GOV_OK)
        status = check_counters(&c);
    if (status == GOV_OK)
        status = check_words(&c);
    base_buf_free(&c.word);
    base_buf_free(&c.doc);
    base_arena_free(&c.arena);
    return status;
}
