/* Lists in pieces: each question begins behind the last row of the one before, so rows that come in between shift nothing.
 *
 * By a column, the rows that have a value come first, in its order and then in that of their ids; the rows without one follow by
 * their ids, as a question of its own. Both run along an index where the column has one. */
#include "access/access.h"

#include <string.h>

void access_listing_init(access_listing *l, const gov_allocator *a, base_arena *arena)
{
    access_condition_init(&l->where, a, arena);
    for (size_t i = 0; i < ARRAY_LEN(l->marks); i++)
        base_arena_init(&l->marks[i], a);
}

void access_listing_free(access_listing *l)
{
    access_condition_free(&l->where);
    for (size_t i = 0; i < ARRAY_LEN(l->marks); i++)
        base_arena_free(&l->marks[i]);
}

static bool is_text(const access_column *c)
{
    return c->words || c->domain == ACCESS_TEXT;
}

static bool may_miss(const access_column *c)
{
    return c->within != NULL || c->null_is_value || c->missing;
}

/* ---- the question ---- */

/* All words of the column's kind: the same field may have had another type. */
static void add_kind(access_condition *c, const access_column *column, bool low, bool high)
{
    static const char letters[] = {[ACCESS_INT] = 'i',  [ACCESS_DOUBLE] = 'd', [ACCESS_TEXT] = 's',
                                   [ACCESS_TIME] = 't', [ACCESS_SPAN] = 'x',   [ACCESS_FLAG] = 'b',
                                   [ACCESS_KEY] = 'i',  [ACCESS_TEXTS] = 's'};
    const char first[] = {letters[column->domain], '\0'}, behind[] = {(char)(letters[column->domain] + 1), '\0'};
    const char *const lower[] = {column->sql, " >= '", first, "'"}, *const upper[] = {column->sql, " < '", behind, "'"};
    for (size_t i = 0; low && i < ARRAY_LEN(lower); i++)
        access_condition_text(c, lower[i]);
    access_condition_text(c, low && high ? " AND " : "");
    for (size_t i = 0; high && i < ARRAY_LEN(upper); i++)
        access_condition_text(c, upper[i]);
}

/* It has a value. An end that the page's own bound is inside of is left out: an engine that is given two looks for the first. */
static void add_there(access_condition *c, const access_column *column, bool low, bool high)
{
    if (column->words) {
        add_kind(c, column, low, high);
    } else {
        access_condition_text(c, column->sql);
        access_condition_text(c, " IS NOT NULL");
    }
}

static store_arg value_of(const access_column *c, const access_mark *m)
{
    return is_text(c) ? store_t(m->text, m->len) : store_i(m->n);
}

static void add_bound(access_condition *c, const char *sql, const char *sign, store_arg arg)
{
    access_condition_text(c, sql);
    access_condition_text(c, sign);
    access_condition_value(c, arg);
}

static void add_valued(access_listing *l, const access_column *column, const char *id)
{
    access_condition *c = &l->where;
    const bool down = l->order.descending;
    if (column->beside != NULL)
        add_bound(c, column->beside_on, "", store_s(column->owner));
    if (may_miss(column)) {
        access_condition_text(c, " AND ");
        add_there(c, column, !l->at.set || down, !l->at.set || !down);
    }
    if (!l->at.set)
        return;
    access_condition_text(c, " AND ("); /* both at once, so that an index leads to the very row */
    access_condition_text(c, column->sql);
    access_condition_text(c, ", ");
    access_condition_text(c, id);
    access_condition_text(c, down ? ") < (" : ") > (");
    access_condition_value(c, value_of(column, &l->at));
    access_condition_text(c, ", ");
    access_condition_value(c, store_i(l->at.id));
    access_condition_text(c, ")");
}

static void add_missing(access_listing *l, const access_column *column)
{
    access_condition *c = &l->where;
    access_condition_text(c, " AND ");
    if (column->within == NULL) {
        access_condition_text(c, column->sql);
        access_condition_text(c, " IS NULL");
        return;
    }
    add_bound(c, column->not_within, "", store_s(column->owner));
    access_condition_text(c, " AND ");
    add_there(c, column, true, true);
    access_condition_text(c, ")");
}

/* The whole of it; what was added to the condition is the caller's to take back. */
static void write_question(access_listing *l, int most, base_buf *out)
{
    access_condition *c = &l->where;
    const access_column *column = l->at.missing ? NULL : l->order.column;
    const bool beside = column != NULL && column->beside != NULL;
    const char *id = beside ? column->beside_id : l->id;
    const char *down = l->order.descending ? " DESC" : "";
    if (column != NULL) {
        add_valued(l, column, id);
    } else {
        if (l->at.missing)
            add_missing(l, l->order.column);
        if (l->at.set) {
            access_condition_text(c, " AND ");
            add_bound(c, l->id, l->order.descending ? " < " : " > ", store_i(l->at.id));
        }
    }
    const char *const parts[] = {"SELECT ",
                                 l->select,
                                 ", ",
                                 column != NULL ? column->sql : "0",
                                 " FROM ",
                                 beside ? column->beside : "",
                                 l->from,
                                 c->sql.data,
                                 " ORDER BY ",
                                 column != NULL ? column->sql : "",
                                 column != NULL ? down : "",
                                 column != NULL ? ", " : "",
                                 id,
                                 down,
                                 " LIMIT "};
    for (size_t i = 0; i < ARRAY_LEN(parts) && !c->sql.failed; i++)
        base_buf_str(out, parts[i]);
    base_buf_int(out, most);
}

gov_status access_listing_ask(gov *g, access_listing *l, int most, store_rows *rows, const diag *d)
{
    access_condition *c = &l->where;
    const size_t len = c->sql.len, args = c->arg_count;
    base_buf text;
    gov_status status = GOV_OK;
    base_buf_init(&text, g->alloc);
    write_question(l, most, &text);
    if (c->full)
        status = base_fail(d, M_too_large, A_S("what", "filter"), A_I("limit", ACCESS_MOST_VALUES));
    else if (c->sql.failed || text.failed)
        status = base_nomem(d);
    const store_sql sql = {text.data, STORE_DYNAMIC};
    if (status == GOV_OK)
        status = store_query(g->store, &sql, c->args, c->arg_count, rows, d);
    base_buf_free(&text);
    access_condition_cut(c, len, args);
    base_arena_reset(&l->marks[++l->turn % 2]);
    return status;
}

gov_status access_listing_row(access_listing *l, store_rows *rows, access_mark *out, const diag *d)
{
    const access_column *c = l->at.missing ? NULL : l->order.column;
    *out = (access_mark){.set = true, .missing = l->at.missing, .id = store_int(rows, 0)};
    if (c == NULL)
        return GOV_OK;
    if (!is_text(c)) {
        out->n = store_int(rows, l->selected);
        return GOV_OK;
    }
    const char *text = store_text(rows, l->selected, &out->len);
    out->text = base_arena_strndup(&l->marks[l->turn % 2], text, out->len);
    return out->text != NULL ? GOV_OK : base_nomem(d);
}

void access_listing_turn(access_listing *l, const access_mark *last, size_t count, int most)
{
    if (count > 0)
        l->at = *last;
    if (count == (size_t)most)
        return;
    l->ended = l->at.missing || l->order.column == NULL || !may_miss(l->order.column);
    if (!l->ended)
        l->at = (access_mark){.missing = true};
}

/* ---- cursors ---- */

void access_cursor_bind(const char *const *parts, size_t count, uint32_t flags, char out[9])
{
    uint8_t digest[BASE_DIGEST_SIZE], sum[BASE_DIGEST_SIZE] = {(uint8_t)flags};
    for (size_t i = 0; i < count; i++) {
        const char *text = base_text_or_empty(parts[i]);
        base_sha256(text, strlen(text), digest);
        for (size_t k = 0; k < sizeof sum; k++)
            sum[k] = (uint8_t)(sum[k] * 31 + digest[k]);
    }
    base_hex(sum, 4, out);
}

/* "ID.BOUND", and behind a column's order ".n", ".i" and a number, or ".s" and the text's bytes in hexadecimal. */
void access_cursor_write(const access_listing *l, const access_mark *mark, const char *bound, base_buf *out)
{
    const access_column *c = l->order.column;
    base_buf_int(out, mark->id);
    base_buf_char(out, '.');
    base_buf_str(out, bound);
    if (c == NULL)
        return;
    base_buf_str(out, mark->missing ? ".n" : is_text(c) ? ".s" : ".i");
    if (!mark->missing && !is_text(c))
        base_buf_int(out, mark->n);
    for (size_t i = 0; !mark->missing && is_text(c) && i < mark->len; i++) {
        char digits[3];
        const uint8_t byte = (uint8_t)mark->text[i];
        base_hex(&byte, 1, digits);
        base_buf_str(out, digits);
    }
}

static bool read_value(access_listing *l, const char *text)
{
    const access_column *c = l->order.column;
    if (c == NULL || text[0] != '.')
        return c == NULL && text[0] == '\0';
    const size_t len = strlen(text + 1) - (text[1] != '\0');
    if (text[1] == 'n') {
        l->at.missing = true;
        return len == 0 && may_miss(c);
    }
    if (text[1] == 'i')
        return !is_text(c) && base_parse_int(text + 2, len, &l->at.n);
    if (text[1] != 's' || !is_text(c) || len % 2 != 0)
        return false;
    char *bytes = base_arena_alloc(l->where.arena, len / 2 + 1);
    if (bytes == NULL || (len > 0 && !base_unhex(text + 2, len, (uint8_t *)bytes)))
        return false;
    bytes[len / 2] = '\0';
    l->at.text = bytes;
    l->at.len = len / 2;
    return memchr(bytes, '\0', len / 2) == NULL && base_utf8_valid(bytes, len / 2);
}

gov_status access_cursor_read(access_listing *l, const char *cursor, const char *bound, const diag *d)
{
    const char *dot = cursor != NULL ? strchr(cursor, '.') : NULL;
    const size_t len = strlen(bound);
    if (cursor == NULL)
        return GOV_OK;
    l->at.set = true;
    if (dot != NULL && strncmp(dot + 1, bound, len) == 0 &&
        base_parse_int(cursor, (size_t)(dot - cursor), &l->at.id) && read_value(l, dot + 1 + len))
        return GOV_OK;
    return base_fail(d, M_bad_argument, A_S("what", "cursor (`next` of an earlier page of the same list)"));
}
