/* Places that come up again and again with the same complaint.
 *
 * A place is a grid with an address as it was written, or without one a point rounded to about ten metres. Places are kept
 * by a digest of 16 bytes; what is shown of them is read again at the end. */
#include "insight/insight.h"

#include <stdlib.h>
#include <string.h>

gov_status insight_category(insight_tally *t, const insight_case *c, const char **text, size_t *len, const diag *d)
{
    const value v = value_get_text(c->doc, "category");
    *text = "";
    *len = 0;
    if (v.kind == VALUE_STRING) {
        *text = v.as.s;
        *len = v.len;
        return GOV_OK;
    }
    if (v.kind == VALUE_ABSENT || v.kind == VALUE_NULL)
        return GOV_OK;
    base_buf out;
    base_buf_init(&out, t->g->alloc);
    value_write_plain(&out, v);
    *text = out.failed ? NULL : base_arena_strndup(&t->page, out.data, out.len);
    *len = out.len;
    base_buf_free(&out);
    return *text != NULL ? GOV_OK : base_nomem(d);
}

static void trim(const char **s, size_t *len)
{
    while (*len > 0 && **s == ' ') {
        ++*s;
        --*len;
    }
    while (*len > 0 && (*s)[*len - 1] == ' ')
        --*len;
}

static void address_of(const insight_tally *t, value doc, const char **s, size_t *len)
{
    const value v = t->address_known ? value_get_text(doc, "address") : value_absent();
    *s = v.kind == VALUE_STRING ? v.as.s : "";
    *len = v.kind == VALUE_STRING ? v.len : 0;
    trim(s, len);
}

/* Units of 1e-7 degree to the nearest 1e-4. */
static int64_t rounded(int64_t e7)
{
    return (e7 >= 0 ? e7 + 500 : e7 - 500) / 1000;
}

static bool point_of(const insight_tally *t, value doc, int64_t *lat, int64_t *lon)
{
    const value v = t->point != NULL ? value_get_text(doc, t->point) : value_absent();
    const value a = value_get_text(v, "lat"), b = value_get_text(v, "lon");
    if (a.kind != VALUE_INT || b.kind != VALUE_INT)
        return false;
    *lat = rounded(a.as.i);
    *lon = rounded(b.as.i);
    return true;
}

/* False: the case has no place. */
static bool write_key(const insight_tally *t, const insight_case *c, base_buf *key)
{
    const char *address;
    size_t len;
    int64_t lat = 0, lon = 0;
    address_of(t, c->doc, &address, &len);
    if (len == 0 && (c->grid == 0 || !point_of(t, c->doc, &lat, &lon)))
        return false;
    base_buf_be64(key, (uint64_t)c->grid);
    base_buf_be64(key, (uint64_t)lat);
    base_buf_be64(key, (uint64_t)lon);
    base_buf_be64(key, len);
    base_buf_add(key, address, len);
    return true;
}

static gov_status add_digest(insight_tally *t, const insight_case *c, const base_buf *key, const diag *d)
{
    enum { KEPT = 16 };
    uint8_t digest[BASE_DIGEST_SIZE];
    bool fresh = false;
    base_sha256(key->data, key->len, digest);
    uint64_t *index = base_map_get(&t->place_map, (const char *)digest, KEPT);
    if (index == NULL) {
        char *kept = base_arena_alloc(&t->arena, KEPT);
        if (kept == NULL || !base_grow(t->g->alloc, &t->places, &t->place_cap, t->place_count, sizeof *t->places))
            return base_nomem(d);
        memcpy(kept, digest, KEPT);
        index = base_map_put(&t->place_map, kept, KEPT, &fresh);
        if (index == NULL)
            return base_nomem(d);
        *index = t->place_count;
        t->places[t->place_count++] = (insight_place){.first_id = c->id, .first_us = c->opened_us};
    }
    t->places[*index].cases++;
    return GOV_OK;
}

gov_status insight_place_add(insight_tally *t, const insight_case *c, const diag *d)
{
    const char *category;
    size_t len;
    base_buf key;
    if (!t->category_known)
        return GOV_OK;
    gov_status status = insight_category(t, c, &category, &len, d);
    if (status != GOV_OK)
        return status;
    base_buf_init(&key, t->g->alloc);
    if (write_key(t, c, &key)) {
        base_buf_add(&key, category, len);
        status = key.failed ? base_nomem(d) : add_digest(t, c, &key, d);
    }
    base_buf_free(&key);
    return status;
}

/* ---- the ones that repeat ---- */

static int more_often(const void *a, const void *b)
{
    const insight_place *x = a, *y = b;
    if (x->cases != y->cases)
        return x->cases > y->cases ? -1 : 1;
    if (x->first_us != y->first_us)
        return x->first_us < y->first_us ? -1 : 1;
    return (x->first_id > y->first_id) - (x->first_id < y->first_id);
}

/* "30.2822, 120.1452" */
static void write_point(base_buf *out, int64_t lat, int64_t lon)
{
    const int64_t parts[] = {lat, lon};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const int64_t n = parts[i] < 0 ? -parts[i] : parts[i];
        base_buf_fmt(out, "%s%s%d.%04d", i > 0 ? ", " : "", parts[i] < 0 ? "-" : "", (int)(n / 10000), (int)(n % 10000));
    }
}

static gov_status describe(insight_tally *t, value doc, insight_repeat *out, const diag *d)
{
    const insight_case c = {.doc = doc};
    const char *s;
    size_t len;
    int64_t lat, lon;
    gov_status status = insight_category(t, &c, &s, &len, d);
    if (status != GOV_OK)
        return status;
    out->category = base_arena_strndup(&t->arena, s, len);
    out->place = "";
    if (!t->masked) {
        base_buf text;
        base_buf_init(&text, t->g->alloc);
        address_of(t, doc, &s, &len);
        base_buf_add(&text, s, len);
        if (len == 0 && point_of(t, doc, &lat, &lon))
            write_point(&text, lat, lon);
        out->place = text.failed ? NULL : base_arena_strndup(&t->arena, text.len > 0 ? text.data : "", text.len);
        base_buf_free(&text);
    }
    return out->category != NULL && out->place != NULL ? GOV_OK : base_nomem(d);
}

static gov_status read_place(insight_tally *t, const insight_place *p, insight_repeat *out, const diag *d)
{
    static const store_sql sql = {"SELECT grid, doc FROM gov_case WHERE community = $1 AND id = $2"};
    store_rows rows;
    value doc;
    size_t len;
    *out = (insight_repeat){.first_us = p->first_us, .cases = p->cases};
    gov_status status = store_first(t->g->store, &sql, STORE_ARGS(store_i(t->g->community), store_i(p->first_id)), &rows, d);
    if (status != GOV_OK)
        return status == GOV_END ? base_fail(d, M_case_unknown, A_I("case", p->first_id)) : status;
    out->grid = store_int(&rows, 0);
    const char *text = store_text(&rows, 1, &len);
    const char *copy = base_arena_strndup(&t->arena, text, len);
    store_rows_close(&rows);
    status = copy != NULL ? access_read_stored(t->g, &t->arena, copy, len, &doc, d) : base_nomem(d);
    return status == GOV_OK ? describe(t, doc, out, d) : status;
}

gov_status insight_repeats(insight_tally *t, insight_repeat *out, size_t cap, size_t *count, int64_t *all, int64_t *all_cases,
                           const diag *d)
{
    const uint32_t least = t->masked ? INSIGHT_SMALL : 2;
    *count = 0;
    *all = *all_cases = 0;
    if (t->place_count > 0)
        qsort(t->places, t->place_count, sizeof *t->places, more_often);
    for (size_t i = 0; i < t->place_count && t->places[i].cases >= 2; i++) {
        ++*all;
        *all_cases += t->places[i].cases;
        if (*count == cap || t->places[i].cases < least)
            continue;
        const gov_status status = read_place(t, &t->places[i], &out[*count], d);
        if (status != GOV_OK)
            return status;
        ++*count;
    }
    return GOV_OK;
}
