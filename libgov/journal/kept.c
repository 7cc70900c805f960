/* Rows that the journal keeps: whoever writes a row of a programme's table says so, and when the transaction commits the row is
 * read again as it then stands and told in an entry of its own. Verifying compares every row of these tables, column by
 * column, with what was told of it last; nothing has to be written down about a table but that it is kept.
 *
 * An entry's kind says whether the row was made, changed or gone, its subject kind is the table, and its subject a number made of
 * the table's name and the row's key, so that a row's newest entry is one look into an index. Numbers are told as they are; of texts
 * only those that are names in the rules, of all others, and of places, a digest: the journal shall not repeat what people wrote. */
#include "journal/inside.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_PAGE = 256, SHOWN_BYTES = 64, DIGEST_SHOWN = 12, MOST_COLUMNS = 48 };

static const char *const kinds[] = {"row_made", "row_changed", "row_gone"};
typedef enum change { MADE, CHANGED, GONE } change;

/* ---- a table's columns ---- */

typedef struct shape {
    const journal_kept *kept;
    const char *columns[MOST_COLUMNS]; /* without the community, which every question carries */
    uint8_t types[MOST_COLUMNS];
    int count;
    int keys[JOURNAL_KEY_MAX]; /* which of them are the key */
    int key_count;
} shape;

static bool listed(const char *list, const char *name)
{
    const size_t len = strlen(name);
    for (const char *p = list; p != NULL && *p != '\0';) {
        const size_t word = strcspn(p, ", ");
        if (word == len && memcmp(p, name, len) == 0)
            return true;
        p += word;
        p += strspn(p, ", ");
    }
    return false;
}

static void shape_of(const journal_kept *k, shape *s)
{
    *s = (shape){.kept = k};
    for (const store_column *c = k->table->columns; c->name != NULL && s->count < MOST_COLUMNS;
         c++) {
        if (strcmp(c->name, "community") == 0)
            continue;
        s->columns[s->count] = c->name;
        s->types[s->count++] = (uint8_t)c->type;
    }
    /* In the order of the key itself. */
    for (const char *p = k->table->key; *p != '\0' && s->key_count < JOURNAL_KEY_MAX;) {
        const size_t word = strcspn(p, ", ");
        for (int i = 0; i < s->count; i++)
            if (strlen(s->columns[i]) == word && memcmp(s->columns[i], p, word) == 0)
                s->keys[s->key_count++] = i;
        p += word;
        p += strspn(p, ", ");
    }
}

static void add_names(base_buf *sql, const shape *s, bool keys)
{
    const int n = keys ? s->key_count : s->count;
    for (int i = 0; i < n; i++)
        base_buf_fmt(sql, "%s%s", i > 0 ? ", " : "", s->columns[keys ? s->keys[i] : i]);
}

/* "(a, b) = ($2, $3)", for the row itself or for those after it. */
static void add_condition(base_buf *sql, const shape *s, const char *how)
{
    base_buf_str(sql, " FROM ");
    base_buf_str(sql, s->kept->table->name);
    base_buf_str(sql, " WHERE community = $1");
    if (s->key_count == 0) /* one row a community */
        return;
    base_buf_str(sql, " AND (");
    add_names(sql, s, true);
    base_buf_fmt(sql, ") %s (", how);
    for (int i = 0; i < s->key_count; i++)
        base_buf_fmt(sql, "%s$%d", i > 0 ? ", " : "", i + 2);
    base_buf_fmt(sql, ")");
}

static size_t key_args(const journal *j, const shape *s, const int64_t *key, store_arg *args)
{
    args[0] = store_i(j->community);
    for (int i = 0; i < s->key_count; i++)
        args[1 + i] = store_i(key[i]);
    return 1 + (size_t)s->key_count;
}

static int64_t subject_of(const shape *s, const int64_t *key)
{
    uint8_t bytes[128 + 8 * JOURNAL_KEY_MAX] = {0}, digest[BASE_DIGEST_SIZE];
    size_t len = strlen(s->kept->table->name);
    memcpy(bytes, s->kept->table->name, len < 128 ? len : 128);
    len = 128;
    for (int i = 0; i < s->key_count; i++)
        for (int k = 0; k < 8; k++)
            bytes[len++] = (uint8_t)((uint64_t)key[i] >> (8 * k));
    base_sha256(bytes, len, digest);
    int64_t subject = 0;
    for (int i = 0; i < 8; i++)
        subject = (int64_t)((uint64_t)subject << 8 | digest[i]);
    return (subject & INT64_MAX) | 1;
}

/* ---- a row as it is told ---- */

static value digest_value(base_arena *arena, const shape *s, int column, int64_t subject,
                          const void *p, size_t len)
{
    base_buf bytes;
    uint8_t digest[BASE_DIGEST_SIZE];
    char *text = base_arena_alloc(arena, 2 * DIGEST_SHOWN + 2);
    base_buf_init(&bytes, NULL);
    base_buf_fmt(&bytes, "%s %lld ", s->columns[column], (long long)subject);
    base_buf_add(&bytes, p, len);
    if (text == NULL || bytes.failed) {
        base_buf_free(&bytes);
        return value_absent();
    }
    base_sha256(bytes.data, bytes.len, digest);
    base_buf_free(&bytes);
    text[0] = '#';
    base_hex(digest, DIGEST_SHOWN, text + 1);
    return value_text(text);
}

static value bytes_value(base_arena *arena, const uint8_t *p, size_t len)
{
    char *text = base_arena_alloc(arena, 2 * len + 1);
    if (text == NULL)
        return value_absent();
    base_hex(p, len, text);
    return value_text(text);
}

/* Absent: no memory. */
static value cell_value(base_arena *arena, const shape *s, int column, int64_t subject,
                        store_rows *rows)
{
    const char *name = s->columns[column];
    const bool hidden = listed(s->kept->hidden, name);
    if (store_is_null(rows, column))
        return value_null();
    if (s->types[column] == STORE_INT || s->types[column] == STORE_BOOL) {
        const int64_t n = store_int(rows, column);
        return hidden ? digest_value(arena, s, column, subject, &n, sizeof n) : value_int(n);
    }
    size_t len;
    if (s->types[column] == STORE_BYTES) {
        const void *p = store_bytes(rows, column, &len);
        return len > SHOWN_BYTES ? digest_value(arena, s, column, subject, p, len)
                                 : bytes_value(arena, p, len);
    }
    const char *text = store_text(rows, column, &len);
    if (!listed(s->kept->plain, name))
        return digest_value(arena, s, column, subject, text, len);
    const char *copy = base_arena_strndup(arena, text, len);
    return copy != NULL ? value_string(copy, len) : value_absent();
}

static gov_status row_value(base_arena *arena, const shape *s, int64_t subject, store_rows *rows,
                            value *out, const diag *d)
{
    value_builder b;
    value_builder_init(&b, arena);
    for (int i = 0; i < s->count; i++) {
        const value v = cell_value(arena, s, i, subject, rows);
        if (v.kind == VALUE_ABSENT)
            return base_nomem(d);
        value_builder_set(&b, s->columns[i], v);
    }
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

/* GOV_END: it is not there. */
static gov_status read_row(journal *j, const shape *s, const int64_t *key, base_arena *arena,
                           value *out, const diag *d)
{
    base_buf text;
    store_rows rows;
    store_arg args[1 + JOURNAL_KEY_MAX];
    base_buf_init(&text, j->alloc);
    base_buf_fmt(&text, "SELECT ");
    add_names(&text, s, false);
    add_condition(&text, s, "=");
    const store_sql sql = {text.data, STORE_DYNAMIC};
    gov_status rc = text.failed
                        ? base_nomem(d)
                        : store_first(j->s, &sql, args, key_args(j, s, key, args), &rows, d);
    if (rc == GOV_OK) {
        rc = row_value(arena, s, subject_of(s, key), &rows, out, d);
        store_rows_close(&rows);
    }
    base_buf_free(&text);
    return rc;
}

/* ---- what was told last ---- */

typedef struct told {
    int64_t entry;
    change how;
    bool erased;
    const char *text; /* in the arena */
    size_t len;
} told;

static bool named(leaf_text t, const char *name)
{
    return t.len == strlen(name) && memcmp(t.s, name, t.len) == 0;
}

static bool told_kind(leaf_text kind, change *how)
{
    for (int i = MADE; i <= GONE; i++)
        if (named(kind, kinds[i])) {
            *how = (change)i;
            return true;
        }
    return false;
}

/* GOV_END: nothing was. */
static gov_status newest(journal *j, const shape *s, int64_t subject, base_arena *arena, told *out,
                         const diag *d)
{
    static const store_sql sql = {"SELECT e.id, e.leaf, p.data FROM gov_journal_entry e LEFT JOIN "
                                  "gov_journal_payload p ON p.community = "
                                  "e.community AND p.entry = e.id WHERE e.community = $1 AND "
                                  "e.subject = $2 AND e.subject <> 0 ORDER BY "
                                  "e.id DESC LIMIT 8",
                                  0};
    store_rows rows;
    gov_status rc =
        store_query(j->s, &sql, STORE_ARGS(store_i(j->community), store_i(subject)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        leaf_parts parts;
        size_t len;
        const void *leaf = store_bytes(&rows, 1, &len);
        if (!journal_leaf_read(leaf, len, &parts) ||
            !named(parts.subject_kind, s->kept->table->name) || !told_kind(parts.kind, &out->how))
            continue;
        const char *text = store_text(&rows, 2, &out->len);
        out->entry = store_int(&rows, 0);
        out->erased = store_is_null(&rows, 2);
        out->text = base_arena_strndup(arena, text, out->len);
        store_rows_close(&rows);
        return out->text != NULL ? GOV_OK : base_nomem(d);
    }
    return rc;
}

/* ---- keeping ---- */

gov_status journal_keep(journal *j, const journal_kept *k,
                        const int64_t key[static JOURNAL_KEY_MAX], const journal_entry *by,
                        const diag *d)
{
    if (!base_grow(j->alloc, &j->kept, &j->kept_cap, j->kept_count, sizeof *j->kept))
        return base_nomem(d);
    kept_row *r = &j->kept[j->kept_count++];
    *r = (kept_row){.kept = k, .real_ms = by->real_ms, .at_us = by->at_us, .actor = by->actor};
    memcpy(r->key, key, sizeof r->key);
    return GOV_OK;
}

static int by_row(const void *a, const void *b)
{
    const kept_row *x = a, *y = b;
    const int table = strcmp(x->kept->table->name, y->kept->table->name);
    return table != 0 ? table : memcmp(x->key, y->key, sizeof x->key);
}

static gov_status tell(journal *j, const kept_row *r, base_arena *arena, base_buf *text,
                       const diag *d)
{
    shape s;
    value row = value_null();
    told last;
    shape_of(r->kept, &s);
    const int64_t subject = subject_of(&s, r->key);
    const gov_status there = read_row(j, &s, r->key, arena, &row, d);
    if (there != GOV_OK && there != GOV_END)
        return there;
    const gov_status known = newest(j, &s, subject, arena, &last, d);
    if (known != GOV_OK && known != GOV_END)
        return known;
    const bool stood = known == GOV_OK && last.how != GONE;
    if (there == GOV_END && !stood)
        return GOV_OK;
    base_buf_clear(text);
    value_write_document(text, row);
    if (text->failed)
        return base_nomem(d);
    if (stood && there == GOV_OK && last.len == text->len &&
        memcmp(last.text, text->data, last.len) == 0)
        return GOV_OK;
    if (known == GOV_OK)
        store_seen_id(j->s,
                      last.entry); /* what is told later has the greater id, on whichever machine */
    const journal_entry e = {.real_ms = r->real_ms,
                             .at_us = r->at_us,
                             .actor = r->actor,
                             .kind = kinds[there == GOV_END ? GONE
                                           : stood          ? CHANGED
                                                            : MADE],
                             .subject_kind = r->kept->table->name,
                             .subject = subject,
                             .data_text = text->data,
                             .data_len = text->len};
    return journal_append(j, &e, NULL, d);
}

gov_status journal_tell_kept(journal *j, const diag *d)
{
    base_arena arena;
    base_buf text;
    gov_status rc = GOV_OK;
    if (j->kept_count == 0)
        return GOV_OK;
    base_arena_init(&arena, j->alloc);
    base_buf_init(&text, j->alloc);
    qsort(j->kept, j->kept_count, sizeof *j->kept, by_row);
    for (size_t i = 0; i < j->kept_count && rc == GOV_OK; i++) {
        base_arena_reset(&arena);
        if (i == 0 || by_row(&j->kept[i - 1], &j->kept[i]) != 0)
            rc = tell(j, &j->kept[i], &arena, &text, d);
    }
    base_buf_free(&text);
    base_arena_free(&arena);
    return rc;
}

/* ---- verifying ---- */

typedef struct checking {
    journal *j;
    shape s;
    base_arena arena;
    base_buf text;
    const diag *d;
} checking;

static gov_status show_key(const checking *c, const int64_t *key, base_buf *out)
{
    const shape *s = &c->s;
    if (s->key_count == 0)
        base_buf_int(out, c->j->community);
    for (int i = 0; i < s->key_count; i++)
        base_buf_fmt(out, "%s%lld", i > 0 ? ", " : "", (long long)key[i]);
    return out->failed ? GOV_E_NOMEM : GOV_OK;
}

/* The first column that is not as it was told, with both values. */
static gov_status row_differs(checking *c, const int64_t *key, value row, value was)
{
    base_buf id, is, should;
    const char *column = "";
    base_buf_init(&id, c->j->alloc);
    base_buf_init(&is, c->j->alloc);
    base_buf_init(&should, c->j->alloc);
    for (int i = 0; i < c->s.count && column[0] == '\0'; i++) {
        const value now = value_get_text(row, c->s.columns[i]),
                    then = value_get_text(was, c->s.columns[i]);
        if (now.kind == then.kind && value_equal(now, then))
            continue;
        column = c->s.columns[i];
        value_write_document(&is, now);
        value_write_document(&should, then.kind == VALUE_ABSENT ? value_null() : then);
    }
    gov_status rc = show_key(c, key, &id);
    rc = rc != GOV_OK || is.failed || should.failed
             ? base_nomem(c->d)
             : base_fail(c->d, M_row_differs, A_S("table", c->s.kept->table->name),
                         A_N("row", id.data, id.len), A_S("column", column),
                         A_N("is", is.data, is.len), A_N("should", should.data, should.len));
    base_buf_free(&id);
    base_buf_free(&is);
    base_buf_free(&should);
    return rc;
}

static gov_status row_alone(checking *c, const int64_t *key, bool gone)
{
    base_buf id;
    base_buf_init(&id, c->j->alloc);
    gov_status rc = show_key(c, key, &id);
    if (rc != GOV_OK)
        rc = base_nomem(c->d);
    else if (gone)
        rc = base_fail(c->d, M_row_gone, A_S("table", c->s.kept->table->name),
                       A_N("row", id.data, id.len));
    else
        rc = base_fail(c->d, M_row_unknown, A_S("table", c->s.kept->table->name),
                       A_N("row", id.data, id.len));
    base_buf_free(&id);
    return rc;
}

static gov_status check_row(checking *c, store_rows *rows, int64_t *key)
{
    value row, was;
    told last;
    for (int i = 0; i < c->s.key_count; i++)
        key[i] = store_int(rows, c->s.keys[i]);
    const int64_t subject = subject_of(&c->s, key);
    base_arena_reset(&c->arena);
    gov_status rc = row_value(&c->arena, &c->s, subject, rows, &row, c->d);
    if (rc == GOV_OK)
        rc = newest(c->j, &c->s, subject, &c->arena, &last, c->d);
    if (rc == GOV_END || (rc == GOV_OK && last.how == GONE))
        return row_alone(c, key, false);
    if (rc != GOV_OK || last.erased)
        return rc;
    base_buf_clear(&c->text);
    value_write_document(&c->text, row);
    if (c->text.failed)
        return base_nomem(c->d);
    if (c->text.len == last.len && memcmp(c->text.data, last.text, last.len) == 0)
        return GOV_OK;
    rc = store_read_document(c->j->s, &c->arena, last.text, last.len, &was, c->d);
    return rc == GOV_OK ? row_differs(c, key, row, was) : rc;
}

static gov_status check_table(checking *c, int64_t *count)
{
    int64_t key[JOURNAL_KEY_MAX], page = KEPT_PAGE;
    store_arg args[1 + JOURNAL_KEY_MAX];
    base_buf text;
    gov_status rc = GOV_OK;
    for (int i = 0; i < JOURNAL_KEY_MAX; i++)
        key[i] = INT64_MIN;
    base_buf_init(&text, c->j->alloc);
    base_buf_fmt(&text, "SELECT ");
    add_names(&text, &c->s, false);
    add_condition(&text, &c->s, ">");
    if (c->s.key_count > 0)
        base_buf_str(&text, " ORDER BY ");
    add_names(&text, &c->s, true);
    base_buf_str(&text, " LIMIT ");
    base_buf_int(&text, KEPT_PAGE);
    const store_sql sql = {text.data, STORE_DYNAMIC};
    for (*count = 0; rc == GOV_OK && page == KEPT_PAGE; *count += page) {
        store_rows rows;
        page = 0;
        rc = text.failed
                 ? base_nomem(c->d)
                 : store_query(c->j->s, &sql, args, key_args(c->j, &c->s, key, args), &rows, c->d);
        if (rc != GOV_OK)
            break;
        for (; rc == GOV_OK && (rc = store_next(&rows, c->d)) == GOV_OK; page++)
            rc = check_row(c, &rows, key);
        store_rows_close(&rows);
        rc = rc == GOV_END ? GOV_OK : rc;
    }
    base_buf_free(&text);
    return rc;
}

/* Whatever was told to be there is there: only looked for one by one when their number is not that of the rows. */
typedef struct counting {
    checking *c;
    const journal_kept *const *list;
    int64_t *live;
    size_t n;
    size_t search; /* the table whose missing row is wanted; n: none */
} counting;

static gov_status find_missing(counting *in, const journal_record *r)
{
    checking *c = in->c;
    told last;
    value row;
    int64_t key[JOURNAL_KEY_MAX] = {0};
    base_arena_reset(&c->arena);
    gov_status rc = newest(c->j, &c->s, r->subject, &c->arena, &last, c->d);
    if (rc != GOV_OK || last.how == GONE || last.erased)
        return rc == GOV_END ? GOV_OK : rc;
    rc = store_read_document(c->j->s, &c->arena, last.text, last.len, &row, c->d);
    for (int i = 0; i < c->s.key_count && rc == GOV_OK; i++)
        key[i] = value_get_text(row, c->s.columns[c->s.keys[i]]).as.i;
    if (rc == GOV_OK)
        rc = read_row(c->j, &c->s, key, &c->arena, &row, c->d);
    return rc == GOV_END ? row_alone(c, key, true) : rc;
}

static gov_status count_told(void *user, const journal_record *r)
{
    counting *in = user;
    change how;
    if (!told_kind((leaf_text){r->kind, strlen(r->kind)}, &how))
        return GOV_OK;
    for (size_t i = 0; i < in->n; i++) {
        if (strcmp(in->list[i]->table->name, r->subject_kind) != 0)
            continue;
        if (in->search == i)
            return find_missing(in, r);
        in->live[i] += how == MADE ? 1 : how == GONE ? -1 : 0;
    }
    return GOV_OK;
}

gov_status journal_verify_kept(journal *j, const journal_kept *const *list, size_t n, const diag *d)
{
    checking c = {.j = j, .d = d};
    counting in = {.c = &c, .list = list, .n = n, .search = n};
    gov_status rc = GOV_OK;
    in.live = base_array(j->alloc, 2 * n + 1, sizeof *in.live);
    if (in.live == NULL)
        return base_nomem(d);
    memset(in.live, 0, (2 * n + 1) * sizeof *in.live);
    base_arena_init(&c.arena, j->alloc);
    base_buf_init(&c.text, j->alloc);
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        shape_of(list[i], &c.s);
        rc = check_table(&c, &in.live[n + i]);
    }
    if (rc == GOV_OK)
        rc = journal_read(j, &(journal_filter){0}, count_told, &in, d);
    for (size_t i = 0; i < n && rc == GOV_OK; i++) {
        if (in.live[i] == in.live[n + i])
            continue;
        in.search = i;
        shape_of(list[i], &c.s);
        rc = journal_read(j, &(journal_filter){0}, count_told, &in, d);
    }
    base_buf_free(&c.text);
    base_arena_free(&c.arena);
    base_free(j->alloc, in.live);
    return rc;
}
