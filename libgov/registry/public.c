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

/* Scopes are looked at when all is put, and the new place before the old one: so a key that is taken out of the actor's sight is
 * answered as a free one wherever the actor may not put anything. What the actor may not know of is no reference already. */
static gov_status put_body(gov *g, void *input, const diag *d)
{
    put_input *in = input;
    int64_t before = 0;
    bool was = true, is = true;
    gov_status status = g->hooks.catch_up != NULL ? g->hooks.catch_up(g, d) : GOV_OK;
    if (status == GOV_OK && registry_kind_known(in->kind))
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
        return access_deny(g, "record.write", d);
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

gov_status registry_view(gov *g, const registry_record *r, const rulebook_fields *fields, value *out, const diag *d)
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
    const char *kind, *key;
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
        status = registry_view(g, &record, &fields, &v, d);
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

/* ---- locate ---- */

typedef struct locate_input {
    const gov_point *points;
    size_t n;
    int64_t *ids;
} locate_input;

/* A grid that the actor may not read is none. */
static gov_status hide_unseen(gov *g, int64_t *ids, size_t n, const diag *d)
{
    int64_t last = 0;
    bool seen = true;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] != last) {
            const access_subject grid = {.grid = ids[i]};
            const gov_status status = access_reaches(g, "record.read", &grid, &seen, d);
            if (status != GOV_OK)
                return status;
        }
        last = ids[i];
        ids[i] = seen ? last : 0;
    }
    return GOV_OK;
}

static gov_status locate_body(gov *g, void *input, const diag *d)
{
    locate_input *in = input;
    geo_point some[256];
    for (size_t at = 0; at < in->n; at += ARRAY_LEN(some)) {
        const size_t n = in->n - at < ARRAY_LEN(some) ? in->n - at : ARRAY_LEN(some);
        for (size_t i = 0; i < n; i++)
            some[i] = (geo_point){in->points[at + i].lat, in->points[at + i].lon};
        gov_status status = registry_locate(g, some, n, in->ids + at, d);
        if (status == GOV_OK)
            status = hide_unseen(g, in->ids + at, n, d);
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
