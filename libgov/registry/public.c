/* The registry's public calls. */
#include "registry/state.h"

#include <gov/registry.h>
#include <string.h>

/* ---- put ---- */

typedef struct put_input {
    const char *kind, *key;
    const gov_value *fields;
    int64_t id;
} put_input;

/* The record is not the actor's to put. Where that is so because of a place that the actor does not know of, the answer is the
 * one for a place that is not there. */
static gov_status refuse_put(gov *g, const put_input *in, const diag *d)
{
    size_t count;
    const registry_builtin *builtins = registry_builtins(&count);
    for (size_t i = 0; i < count; i++) {
        const registry_builtin *b = &builtins[i];
        const char *kind = registry_kind_of(b->type);
        const value v = value_get_text(*in->fields, b->name);
        int64_t id = v.kind == VALUE_INT ? v.as.i : 0;
        bool seen = true;
        if (strcmp(b->kind, in->kind) != 0 || kind == NULL || (v.kind != VALUE_STRING && id == 0) ||
            (b->column != REGISTRY_PARENT && b->column != REGISTRY_GRID))
            continue;
        gov_status status = v.kind == VALUE_STRING ? registry_lookup(g, kind, v.as.s, v.len, &id, d) : GOV_OK;
        if (status == GOV_OK)
            status = registry_reaches(g, "record.read", id, &seen, d);
        if (status == GOV_OK && !seen)
            status = registry_reaches(g, "record.write", id, &seen, d);
        if (status != GOV_OK)
            return status;
        if (!seen && v.kind == VALUE_STRING)
            return base_fail(d, M_unknown_reference, A_S("field", b->name), A_S("type", kind), A_N("key", v.as.s, v.len));
        if (!seen)
            return base_fail(d, M_unknown_reference, A_S("field", b->name), A_S("type", kind), A_I("key", id));
    }
    return access_deny(g, "record.write", d);
}

/* Scopes are looked at when all is put, and the new place before the old one: so a key that is taken out of the actor's sight is
 * answered as a free one wherever the actor may not put anything. */
static gov_status put_body(gov *g, void *input, const diag *d)
{
    put_input *in = input;
    int64_t before = 0;
    bool was = true, is = true;
    gov_status status = GOV_OK;
    if (registry_kind_known(in->kind))
        status = registry_lookup(g, in->kind, in->key, strlen(in->key), &before, d);
    bool seen = true;
    if (status == GOV_OK)
        status = registry_reaches(g, "record.write", before, &was, d);
    if (status == GOV_OK && !was)
        status = registry_reaches(g, "record.read", before, &seen, d);
    if (status == GOV_OK)
        status = registry_put(g, in->kind, in->key, *in->fields, &in->id, NULL, d);
    /* What is moved into another grid, or added there, has to be the actor's there, too. */
    if (status == GOV_OK)
        status = registry_reaches(g, "record.write", in->id, &is, d);
    if (status != GOV_OK || (was && is))
        return status;
    if (!is)
        return refuse_put(g, in, d);
    return seen ? access_deny(g, "record.write", d)
                : base_fail(d, M_record_unknown, A_S("kind", in->kind), A_S("key", in->key));
}

gov_status gov_record_put(gov *g, const char *kind, const char *key, const gov_value *fields, int64_t *id,
                          gov_error **err)
{
    static const access_call call = {"record.write", true};
    put_input in = {kind, key, fields, 0};
    if (kind == NULL || key == NULL || fields == NULL)
        return base_misuse(err, kind == NULL ? "kind" : key == NULL ? "key" : "fields");
    const gov_status status = access_run(g, &call, put_body, &in, err);
    if (status == GOV_OK && id != NULL)
        *id = in.id;
    return status;
}

/* ---- view ---- */

static const char *sensitive_class(const rulebook_fields *fields, value name)
{
    const rulebook_field *f = rulebook_find_field(fields, name.as.s, name.len);
    return f != NULL ? f->sensitive : NULL;
}

/* References are kept as ids and shown as keys. */
static gov_status show_reference(gov *g, const rulebook_fields *fields, value name, value *v, const diag *d)
{
    const rulebook_field *f = rulebook_find_field(fields, name.as.s, name.len);
    const char *key;
    if (f == NULL || v->kind != VALUE_INT || registry_kind_of(f->type) == NULL)
        return GOV_OK;
    const gov_status status = registry_label(g, v->as.i, &key, NULL, d);
    if (status == GOV_OK)
        *v = value_text(key);
    return status;
}

static gov_status set_outline(gov *g, int64_t grid, value_builder *b, const diag *d)
{
    static const store_sql find = {"SELECT shape FROM gov_record_shape WHERE community = $1 AND id = $2"};
    store_rows rows;
    value shape;
    size_t len;
    gov_status status = store_first(g->store, &find, STORE_ARGS(store_i(g->community), store_i(grid)), &rows, d);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status;
    const char *text = store_text(&rows, 0, &len);
    status = value_read_json(&g->scratch, text, len, &shape, d);
    store_rows_close(&rows);
    value_builder_set(b, "geometry", shape);
    return status;
}

/* GOV_END, unreported: not for this actor. */
static gov_status view_record(gov *g, const registry_record *r, const rulebook_fields *fields, value *out, const diag *d)
{
    value_builder b;
    access_subject scope;
    bool own = false;
    gov_status status = registry_subject(g, r, &scope, d);
    if (status == GOV_OK)
        status = access_reaches(g, "record.read", &scope, &own, d);
    if (status == GOV_OK && !own)
        return GOV_END;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "id", value_int(r->id));
    value_builder_set(&b, "kind", value_text(r->kind));
    value_builder_set(&b, "key", value_text(r->key));
    for (size_t i = 0; i < r->doc.len && status == GOV_OK; i++) {
        const value_pair *pair = &r->doc.as.pairs[i];
        value v = pair->val;
        status = show_reference(g, fields, pair->key, &v, d);
        if (status == GOV_OK)
            status = access_show(g, sensitive_class(fields, pair->key), r->kind, r->id, pair->key.as.s, v, &scope,
                                 &g->scratch, &v, d);
        value_builder_set_n(&b, pair->key.as.s, pair->key.len, v);
    }
    if (status == GOV_OK && strcmp(r->kind, GOV_KIND_GRID) == 0)
        status = set_outline(g, r->id, &b, d);
    *out = value_builder_map(&b);
    return status == GOV_OK && b.failed ? base_nomem(d) : status;
}

typedef struct get_input {
    const char *kind, *key, *cursor;
    uint32_t limit;
    gov_value **out;
} get_input;

static gov_status get_body(gov *g, void *input, const diag *d)
{
    get_input *in = input;
    registry_record record;
    rulebook_fields fields;
    value v;
    int64_t id;
    if (!registry_kind_known(in->kind))
        return base_fail(d, M_kind_unknown, A_S("kind", in->kind));
    gov_status status = registry_find(g, in->kind, in->key, strlen(in->key), &id, d);
    if (status == GOV_OK)
        status = registry_load(g, id, &g->scratch, &record, d);
    if (status == GOV_OK)
        status = registry_fields(g, in->kind, &g->scratch, &fields, d);
    if (status == GOV_OK)
        status = view_record(g, &record, &fields, &v, d);
    if (status == GOV_END)
        return base_fail(d, M_record_unknown, A_S("kind", in->kind), A_S("key", in->key));
    return status == GOV_OK ? access_answer(g, v, in->out, d) : status;
}

gov_status gov_record_get(gov *g, const char *kind, const char *key, gov_value **out, gov_error **err)
{
    static const access_call call = {"record.read", false};
    get_input in = {.kind = kind, .key = key, .out = out};
    if (kind == NULL || key == NULL || out == NULL)
        return base_misuse(err, kind == NULL ? "kind" : key == NULL ? "key" : "out");
    return access_run(g, &call, get_body, &in, err);
}

/* ---- list ---- */

typedef struct page {
    int64_t *ids;
    const char *last;
    size_t count;
    bool more;
} page;

static gov_status read_page(gov *g, const get_input *in, page *out, const diag *d)
{
    static const store_sql sql = {"SELECT id, record_key FROM gov_record WHERE community = $1 AND kind = $2 AND "
                                  "record_key > $3 ORDER BY record_key LIMIT $4"};
    store_rows rows;
    gov_status status = store_query(g->store, &sql,
                                    STORE_ARGS(store_i(g->community), store_s(in->kind),
                                               store_s(in->cursor != NULL ? in->cursor : ""), store_i(in->limit + 1)),
                                    &rows, d);
    *out = (page){.ids = base_arena_array(&g->scratch, in->limit, sizeof(int64_t))};
    if (status == GOV_OK && out->ids == NULL)
        status = base_nomem(d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK) {
        if (out->count == in->limit) {
            out->more = true;
            break;
        }
        size_t len;
        const char *key = store_text(&rows, 1, &len);
        out->ids[out->count++] = store_int(&rows, 0);
        out->last = base_arena_strndup(&g->scratch, key, len);
        if (out->last == NULL)
            status = base_nomem(d);
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

static gov_status list_body(gov *g, void *input, const diag *d)
{
    get_input *in = input;
    rulebook_fields fields;
    value_builder list, b;
    page p;
    if (!registry_kind_known(in->kind))
        return base_fail(d, M_kind_unknown, A_S("kind", in->kind));
    gov_status status = read_page(g, in, &p, d);
    if (status == GOV_OK)
        status = registry_fields(g, in->kind, &g->scratch, &fields, d);
    value_builder_init(&list, &g->scratch);
    value_builder_init(&b, &g->scratch);
    for (size_t i = 0; i < p.count && status == GOV_OK; i++) {
        registry_record record;
        value v;
        status = registry_load(g, p.ids[i], &g->scratch, &record, d);
        if (status == GOV_OK)
            status = view_record(g, &record, &fields, &v, d);
        if (status == GOV_OK)
            value_builder_add(&list, v);
        else if (status == GOV_END)
            status = GOV_OK; /* outside of the role's scope: not shown */
    }
    value_builder_set(&b, "records", value_builder_list(&list));
    value_builder_set(&b, "next", p.more ? value_text(p.last) : value_null());
    if (status == GOV_OK && (list.failed || b.failed))
        return base_nomem(d);
    return status == GOV_OK ? access_answer(g, value_builder_map(&b), in->out, d) : status;
}

gov_status gov_record_list(gov *g, const char *kind, const char *cursor, uint32_t limit, gov_value **out,
                           gov_error **err)
{
    static const access_call call = {"record.read", false};
    get_input in = {.kind = kind, .cursor = cursor, .limit = limit != 0 ? limit : 50, .out = out};
    if (kind == NULL || out == NULL || limit > 1000)
        return base_misuse(err, kind == NULL ? "kind" : out == NULL ? "out" : "limit");
    if (cursor != NULL && !base_utf8_valid(cursor, strlen(cursor)))
        return base_misuse(err, "cursor");
    return access_run(g, &call, list_body, &in, err);
}

/* ---- locate ---- */

typedef struct locate_input {
    const gov_point *points;
    size_t n;
    int64_t *ids;
} locate_input;

static gov_status locate_body(gov *g, void *input, const diag *d)
{
    locate_input *in = input;
    geo_point some[256];
    for (size_t at = 0; at < in->n; at += ARRAY_LEN(some)) {
        const size_t n = in->n - at < ARRAY_LEN(some) ? in->n - at : ARRAY_LEN(some);
        for (size_t i = 0; i < n; i++)
            some[i] = (geo_point){in->points[at + i].lat, in->points[at + i].lon};
        const gov_status status = registry_locate(g, some, n, in->ids + at, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

gov_status gov_locate(gov *g, const gov_point *points, size_t n, int64_t *ids, gov_error **err)
{
    static const access_call call = {"record.read", false};
    locate_input in = {points, n, ids};
    if (n > 0 && (points == NULL || ids == NULL))
        return base_misuse(err, points == NULL ? "points" : "ids");
    return access_run(g, &call, locate_body, &in, err);
}
