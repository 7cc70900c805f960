/* Lists of records: what filters and orders may name, and pages of what the actor may read. */
#include "registry/state.h"

#include <string.h>

void gov_record_query_init(gov_record_query *query, size_t size)
{
    if (query == NULL || size < sizeof(size_t))
        return;
    memset(query, 0, size);
    query->size = size;
}

/* ---- what may be named ---- */

static const access_column word_column = {
    .sql = "w.word",
    .within = "r.id IN (SELECT w.id FROM gov_record_word w WHERE w.community = $1 AND w.kind = $2 AND w.field = ",
    .not_within = "r.id NOT IN (SELECT w.id FROM gov_record_word w WHERE w.community = $1 AND w.kind = $2 AND w.field = ",
    .beside = "gov_record_word w, ",
    .beside_on = " AND w.community = $1 AND w.kind = $2 AND w.id = r.id AND w.field = ",
    .beside_id = "w.id"};

static const access_column key_column = {.name = "it.key", .domain = ACCESS_TEXT, .sql = "r.record_key"};
static const access_column own_columns[] = {
    {.name = "it.id", .domain = ACCESS_INT, .sql = "r.id"},
    {.name = "it.key", .domain = ACCESS_TEXT, .sql = "r.record_key"},
    {.name = "it.kind", .domain = ACCESS_TEXT, .sql = "r.kind"},
};

/* A field that fills a column of the row has that one, and needs no index. */
static void offer_field(registry_offer *o, const char *kind, const rulebook_field *f)
{
    access_column c = registry_offer_field(o, "it.", f, &word_column);
    const char *own = registry_row_column(kind, f);
    c.sensitive = f->sensitive;
    if (own != NULL)
        c = (access_column){.name = c.name,
                            .domain = f->type == RULEBOOK_STRING ? ACCESS_TEXT : ACCESS_KEY,
                            .kind = registry_kind_of(f->type),
                            .sql = own,
                            .missing = true,
                            .hidden = c.hidden,
                            .sensitive = c.sensitive};
    if (registry_lists_texts(kind, f)) {
        c.domain = ACCESS_TEXTS;
        c.sql = word_column.sql;
    }
    (void)registry_offer_add(o, &c);
}

/* A field of the same name, such as the kind of a unit, takes the place of these. */
static void offer_own(registry_offer *o)
{
    for (size_t i = 0; i < ARRAY_LEN(own_columns); i++)
        if (registry_offer_find(o, own_columns[i].name) == NULL)
            (void)registry_offer_add(o, &own_columns[i]);
}

/* ---- one list under way ---- */

enum { MOST = 1024 };

typedef struct list_input {
    const char *kind;
    gov_record_query query;
    gov_value **out;
} list_input;

typedef struct listing {
    const list_input *in;
    access_listing rows;
    rulebook_fields fields;
    const char **classes; /* of sensitive fields that the filter or the order reads */
    size_t class_count;
    bool never;
    int batch;
    uint32_t limit;
    value_builder records;
    access_mark last;  /* of those that are shown */
    bool more;         /* another one follows that would be */
    base_arena batch_memory;
    registry_record *items; /* without their documents: enough to say whom they concern */
    access_mark *marks;
    size_t count;
} listing;

static gov_status note_sensitive(listing *l, const registry_offer *o, const diag *d)
{
    l->classes = base_arena_array(o->arena, o->count, sizeof *l->classes);
    if (l->classes == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < o->count; i++)
        if (o->items[i].used && o->items[i].sensitive != NULL)
            l->classes[l->class_count++] = o->items[i].sensitive;
    return GOV_OK;
}

static gov_status add_filter(gov *g, listing *l, const diag *d)
{
    const gov_record_query *q = &l->in->query;
    access_filtering how = {.id = l->rows.id};
    registry_offer o;
    gov_status status = registry_offer_begin(&o, g, &g->scratch, d);
    if (status != GOV_OK)
        return status;
    for (uint32_t i = 0; i < l->fields.count; i++)
        offer_field(&o, l->in->kind, &l->fields.items[i]);
    offer_own(&o);
    status = registry_offer_done(&o, &how);
    if (status == GOV_OK && q->order != NULL)
        status = access_order_read(g, &how, q->order, &l->rows.order, d);
    if (status == GOV_OK && q->where != NULL)
        status = access_filter(g, &how, q->where, strlen(q->where), &l->rows.where, &l->never, d);
    if (status == GOV_OK)
        status = note_sensitive(l, &o, d);
    registry_offer_end(&o);
    return status;
}

static void bind(const listing *l, char out[9])
{
    const char *const parts[] = {l->in->kind, l->in->query.where, l->in->query.order};
    access_cursor_bind(parts, ARRAY_LEN(parts), 0, out);
}

/* Grids as registry_subject finds them, in one question. */
static gov_status begin(gov *g, listing *l, const diag *d)
{
    access_listing *rows = &l->rows;
    char bound[9];
    rows->select = "r.id, r.record_key, r.unit, COALESCE(r.grid, p.grid, q.grid)";
    rows->selected = 4;
    rows->from = "gov_record r LEFT JOIN gov_record p ON p.community = r.community AND p.id = r.parent "
                 "LEFT JOIN gov_record q ON q.community = p.community AND q.id = p.parent";
    rows->id = "r.id";
    rows->order.column = &key_column;
    access_condition_text(&rows->where, " WHERE r.community = ");
    access_condition_value(&rows->where, store_i(g->community));
    access_condition_text(&rows->where, " AND r.kind = ");
    access_condition_value(&rows->where, store_s(l->in->kind));
    gov_status status = registry_fields(g, l->in->kind, &g->scratch, &l->fields, d);
    if (status == GOV_OK && (l->in->query.where != NULL || l->in->query.order != NULL))
        status = add_filter(g, l, d);
    bind(l, bound);
    return status == GOV_OK ? access_cursor_read(rows, l->in->query.cursor, bound, d) : status;
}

static gov_status read_batch(gov *g, listing *l, const diag *d)
{
    store_rows rows;
    l->count = 0;
    base_arena_reset(&l->batch_memory);
    l->items = base_arena_array(&l->batch_memory, MOST, sizeof *l->items);
    l->marks = base_arena_array(&l->batch_memory, MOST, sizeof *l->marks);
    if (l->items == NULL || l->marks == NULL)
        return base_nomem(d);
    gov_status status = access_listing_ask(g, &l->rows, l->batch, &rows, d);
    if (status != GOV_OK)
        return status;
    while ((status = store_next(&rows, d)) == GOV_OK) {
        size_t len;
        const char *key = store_text(&rows, 1, &len);
        registry_record *r = &l->items[l->count];
        *r = (registry_record){.id = store_int(&rows, 0), .unit = store_int(&rows, 2), .grid = store_int(&rows, 3),
                               .kind = l->in->kind, .key = base_arena_strndup(&l->batch_memory, key, len)};
        status = access_listing_row(&l->rows, &rows, &l->marks[l->count++], d);
        if (status == GOV_OK && r->key == NULL)
            status = base_nomem(d);
        if (status != GOV_OK) {
            store_rows_close(&rows);
            return status;
        }
    }
    return status == GOV_END ? GOV_OK : status;
}

/* Is all that the filter reads, and the order goes by, what the actor may see of this record? */
static gov_status may_ask(gov *g, const listing *l, const access_subject *scope, bool *may, const diag *d)
{
    gov_status status = GOV_OK;
    for (size_t i = 0; i < l->class_count && *may && status == GOV_OK; i++)
        status = access_may_see(g, l->classes[i], scope, may, d);
    return status;
}

/* GOV_END: not for this actor. */
static gov_status list_candidate(gov *g, listing *l, size_t i, const diag *d)
{
    registry_record record;
    access_subject scope;
    bool own = false;
    value v;
    gov_status status = registry_subject(g, &l->items[i], &scope, d);
    if (status == GOV_OK)
        status = access_reaches(g, "record.read", &scope, &own, d);
    if (status == GOV_OK)
        status = may_ask(g, l, &scope, &own, d);
    if (status != GOV_OK || !own)
        return status == GOV_OK ? GOV_END : status;
    if (l->records.len == l->limit) {
        l->more = true;
        return GOV_OK;
    }
    status = registry_load(g, l->items[i].id, &g->scratch, &record, d);
    if (status == GOV_OK)
        status = registry_view(g, &record, &l->fields, &v, d);
    if (status != GOV_OK)
        return status;
    value_builder_add(&l->records, v);
    l->last = l->marks[i];
    if (l->last.text != NULL)
        l->last.text = base_arena_strndup(&g->scratch, l->last.text, l->last.len);
    return l->last.text != NULL || l->marks[i].text == NULL ? GOV_OK : base_nomem(d);
}

/* Records that are not for this actor leave no trace: `more` says that one follows which is, however far off, and the cursor is
 * the place of one that was shown. */
static gov_status fill_page(gov *g, listing *l, const diag *d)
{
    gov_status status = GOV_OK;
    while (status == GOV_OK && !l->more && !l->rows.ended && !l->never) {
        status = read_batch(g, l, d);
        for (size_t i = 0; i < l->count && status == GOV_OK && !l->more; i++) {
            status = list_candidate(g, l, i, d);
            if (status == GOV_END)
                status = GOV_OK;
        }
        if (status == GOV_OK)
            access_listing_turn(&l->rows, l->count > 0 ? &l->marks[l->count - 1] : NULL, l->count, l->batch);
    }
    return status;
}

static gov_status answer(gov *g, listing *l, const diag *d)
{
    value_builder b;
    base_buf cursor;
    char bound[9];
    value_builder_init(&b, &g->scratch);
    base_buf_init(&cursor, g->alloc);
    bind(l, bound);
    access_cursor_write(&l->rows, &l->last, bound, &cursor);
    value_builder_set(&b, "records", value_builder_list(&l->records));
    value_builder_set(&b, "next", l->more ? value_string(cursor.data, cursor.len) : value_null());
    const bool failed = l->records.failed || b.failed || cursor.failed;
    const gov_status status = failed ? base_nomem(d) : access_answer(g, value_builder_map(&b), l->in->out, d);
    base_buf_free(&cursor);
    return status;
}

static gov_status list_body(gov *g, void *input, const diag *d)
{
    const list_input *in = input;
    listing l = {.in = in,
                 .limit = in->query.limit != 0 ? in->query.limit : 50,
                 .batch = in->query.where != NULL ? MOST : 256};
    if (!registry_kind_known(in->kind))
        return base_fail(d, M_kind_unknown, A_S("kind", in->kind));
    value_builder_init(&l.records, &g->scratch);
    base_arena_init(&l.batch_memory, g->alloc);
    access_listing_init(&l.rows, g->alloc, &g->scratch);
    gov_status status = begin(g, &l, d);
    if (status == GOV_OK)
        status = fill_page(g, &l, d);
    if (status == GOV_OK)
        status = answer(g, &l, d);
    access_listing_free(&l.rows);
    base_arena_free(&l.batch_memory);
    return status;
}

gov_status gov_record_list(gov *g, const char *kind, const gov_record_query *query, gov_value **out, gov_error **err)
{
    static const access_call call = {"record.read", false};
    const diag d = {g != NULL ? g->alloc : NULL, err};
    list_input in = {.kind = kind, .out = out};
    if (kind == NULL || out == NULL)
        return base_misuse(err, kind == NULL ? "kind" : "out");
    const gov_status status = access_options(&in.query, sizeof in.query, query, query != NULL ? query->size : 0, &d);
    if (status != GOV_OK)
        return status;
    if (in.query.limit > 1000)
        return base_misuse(err, "limit (0..1000)");
    if (in.query.flags != 0)
        return base_fail(&d, M_bad_options);
    return access_run(g, &call, list_body, &in, err);
}
