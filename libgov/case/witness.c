/* What the journal says of cases and clocks: each step tells the digest of the case's row and of every clock row that it wrote. So a
 * row that was altered or taken away behind the library's back is found, whatever it says itself. */
#include "case/live.h"

#include <stdio.h>
#include <string.h>

/* What the names begin with that are no clock's: contents of imports, timers, effects, and when many of them went. */
#define NO_CLOCK CASE_TOLD_CONTENT "!&*@"
enum { SHOWN = 8, LONGEST = 2 * SHOWN + 24 }; /* bytes of a digest that an entry carries; with the step's number */

/* ---- telling ---- */

void case_clock_digest(const case_clock *c, uint8_t out[CASE_ROW_DIGEST])
{
    static const char none[] = "[]";
    const int64_t parts[] = {c->state,    c->origin_us,      c->since_us,      c->due_us, c->stopped_us, c->breached_us,
                             c->budget.unit, c->budget.amount, c->used,        c->extensions, c->extended, c->fired,
                             c->provisional};
    uint8_t bytes[8 * ARRAY_LEN(parts)];
    uint8_t *p = bytes;
    const bool empty = c->account.len == 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        for (int shift = 56; shift >= 0; shift -= 8)
            *p++ = (uint8_t)((uint64_t)parts[i] >> shift);
    base_fingerprint(bytes, sizeof bytes, empty ? none : c->account.data, empty ? sizeof none - 1 : c->account.len, out, CASE_ROW_DIGEST);
}

/* Its key comes before all others in the document, so that verifying need not read the rest. */
static gov_status tell_row(case_machine *m, value_builder *entry, const diag *d)
{
    enum { LENGTH = 2 * CASE_ROW_DIGEST + 24 };
    if (!m->untold)
        return GOV_OK;
    char *text = base_arena_alloc(m->arena, LENGTH);
    if (text == NULL)
        return base_nomem(d);
    base_hex(m->written, CASE_ROW_DIGEST, text);
    (void)snprintf(text + 2 * CASE_ROW_DIGEST, LENGTH - 2 * CASE_ROW_DIGEST, ":%lld", (long long)m->steps);
    value_builder_set(entry, CASE_TOLD_ROW, value_text(text));
    m->untold = false;
    return GOV_OK;
}

gov_status case_tell_clocks(case_machine *m, value_builder *entry, const diag *d)
{
    const gov_status told = tell_row(m, entry, d);
    if (told != GOV_OK)
        return told;
    value_builder b;
    value_builder_init(&b, m->arena);
    for (size_t i = 0; i < m->w->clock_count; i++) {
        uint8_t digest[CASE_ROW_DIGEST];
        if (!m->clocks[i].untold)
            continue;
        char *text = base_arena_alloc(m->arena, LONGEST);
        if (text == NULL)
            return base_nomem(d);
        case_clock_digest(&m->clocks[i], digest);
        base_hex(digest, SHOWN, text);
        (void)snprintf(text + 2 * SHOWN, LONGEST - 2 * SHOWN, ":%lld", (long long)m->steps);
        value_builder_set(&b, m->w->clocks[i].name, value_text(text));
        m->clocks[i].untold = false;
    }
    if (b.len > 0)
        value_builder_set(entry, "clocks", value_builder_map(&b));
    return b.failed ? base_nomem(d) : GOV_OK;
}

/* ---- what was told ---- */

static uint64_t number_of(const uint8_t digest[SHOWN])
{
    uint64_t n = 0;
    for (int i = 0; i < SHOWN; i++)
        n = n << 8 | digest[i];
    return n;
}

/* Keys are a case's id and a clock's name; the name "" stands for an entry that was erased. */
static case_told *told_of(case_witness *w, int64_t id, const char *name, size_t len)
{
    base_buf_clear(&w->key);
    base_buf_be64(&w->key, (uint64_t)id);
    base_buf_add(&w->key, name, len);
    const uint64_t *slot = w->key.failed ? NULL : base_map_get(&w->places, w->key.data, w->key.len);
    return slot != NULL ? &w->told[*slot] : NULL;
}

/* The case's own count of steps says which is the last: two processes' ids may lie the other way round. */
gov_status case_witness_note(case_witness *w, int64_t id, const char *name, size_t len, int64_t step, const uint64_t digest[2], const diag *d)
{
    case_told *told = told_of(w, id, name, len);
    if (told == NULL && !w->key.failed) {
        bool fresh;
        const char *key = base_arena_strndup(&w->keys, w->key.data, w->key.len);
        uint64_t *slot = key != NULL && base_grow(w->alloc, &w->told, &w->cap, w->count, sizeof *w->told)
                             ? base_map_put(&w->places, key, w->key.len, &fresh)
                             : NULL;
        if (slot == NULL)
            return base_nomem(d);
        *slot = w->count;
        told = &w->told[w->count++];
        *told = (case_told){.step = -1};
    }
    if (told == NULL)
        return base_nomem(d);
    if (step > told->step)
        *told = (case_told){.step = step, .digest = {digest[0], digest[1]}};
    return GOV_OK;
}

/* Clocks that a migration ended: their rows went on purpose. */
static void let_go(case_witness *w, int64_t id, value clocks)
{
    for (size_t i = 0; clocks.kind == VALUE_MAP && i < clocks.len; i++) {
        const value name = clocks.as.pairs[i].key;
        case_told *told = name.kind == VALUE_STRING ? told_of(w, id, name.as.s, name.len) : NULL;
        if (told != NULL)
            told->seen = true;
    }
}

typedef struct hearing {
    gov *g;
    case_witness *w;
    base_arena arena;
    const diag *d;
} hearing;

static gov_status hear_row(hearing *h, const journal_record *r)
{
    static const char begins[] = "{\"" CASE_TOLD_ROW "\":\"";
    const size_t start = sizeof begins - 1, colon = start + 2 * CASE_ROW_DIGEST;
    uint8_t digest[CASE_ROW_DIGEST];
    int64_t step;
    const char *end = r->data_len > colon && memcmp(r->data_text, begins, start) == 0
                          ? memchr(r->data_text + colon, '"', r->data_len - colon)
                          : NULL;
    if (end == NULL || !base_unhex(r->data_text + start, 2 * CASE_ROW_DIGEST, digest) ||
        !base_parse_int(r->data_text + colon + 1, (size_t)(end - r->data_text) - colon - 1, &step))
        return GOV_OK;
    return case_witness_note(h->w, r->subject, CASE_TOLD_ROW, 1, step, (const uint64_t[2]){number_of(digest), number_of(digest + SHOWN)}, h->d);
}

static gov_status hear_content(hearing *h, const journal_record *r)
{
    value data;
    base_arena_reset(&h->arena);
    const gov_status status = access_read_stored(h->g, &h->arena, r->data_text, r->data_len, &data, h->d);
    if (status != GOV_OK)
        return status;
    const value content = value_get_text(value_get_text(data, "data"), "content");
    return content.kind == VALUE_INT
               ? case_witness_note(h->w, r->subject, CASE_TOLD_CONTENT, 1, 1, (const uint64_t[2]){(uint64_t)content.as.i}, h->d)
               : GOV_OK;
}

/* "DIGEST:STEP", as tell_row wrote it. */
static int64_t step_of(value row)
{
    int64_t step = 0;
    return row.kind == VALUE_STRING && row.len > 2 * CASE_ROW_DIGEST &&
                   base_parse_int(row.as.s + 2 * CASE_ROW_DIGEST + 1, row.len - 2 * CASE_ROW_DIGEST - 1, &step)
               ? step
               : 0;
}

static gov_status hear_failure(hearing *h, const journal_record *r)
{
    value data;
    const bool waits = strcmp(r->kind, "event.waiting") == 0, resumed = strcmp(r->kind, "event.resumed") == 0,
               parked = waits || strcmp(r->kind, "event.parked") == 0;
    if (r->erased || strcmp(r->subject_kind, "case") != 0 || (!parked && !resumed && strcmp(r->kind, "event.failed") != 0))
        return GOV_OK;
    base_arena_reset(&h->arena);
    const gov_status status = access_read_stored(h->g, &h->arena, r->data_text, r->data_len, &data, h->d);
    if (status == GOV_OK)
        case_hear_failure(h->w, r->subject, data, parked, waits || resumed);
    return status;
}

static gov_status hear(void *user, const journal_record *r)
{
    hearing *h = user;
    value data;
    if (strncmp(r->kind, "event.", 6) == 0)
        return hear_failure(h, r);
    if (strncmp(r->kind, "case.", 5) != 0)
        return GOV_OK;
    if (r->erased)
        return case_witness_note(h->w, r->subject, "", 0, 0, (const uint64_t[2]){0}, h->d);
    const gov_status told = hear_row(h, r);
    if (told != GOV_OK)
        return told;
    if (strncmp(r->kind, "case.open", 10) == 0 && strstr(r->data_text, "\"content\":") != NULL) {
        const gov_status opened = hear_content(h, r);
        if (opened != GOV_OK)
            return opened;
    }
    if (strstr(r->data_text, "\"clocks\":{") == NULL && strstr(r->data_text, "\"waits\":[") == NULL)
        return GOV_OK;
    base_arena_reset(&h->arena);
    gov_status status = access_read_stored(h->g, &h->arena, r->data_text, r->data_len, &data, h->d);
    if (status != GOV_OK)
        return status;
    status = case_hear_waits(h->w, r->subject, step_of(value_get_text(data, CASE_TOLD_ROW)), value_get_text(data, "waits"), h->d);
    const value clocks = value_get_text(data, "clocks");
    if (strcmp(r->kind, "case.migrate") == 0)
        let_go(h->w, r->subject, value_get_text(value_get_text(data, "data"), "clocks"));
    for (size_t i = 0; clocks.kind == VALUE_MAP && i < clocks.len && status == GOV_OK; i++) {
        const value key = clocks.as.pairs[i].key, v = clocks.as.pairs[i].val;
        uint8_t digest[SHOWN];
        int64_t step;
        if (key.kind == VALUE_STRING && v.kind == VALUE_STRING && v.len > 2 * SHOWN + 1 && base_unhex(v.as.s, 2 * SHOWN, digest) &&
            base_parse_int(v.as.s + 2 * SHOWN + 1, v.len - 2 * SHOWN - 1, &step))
            status = case_witness_note(h->w, r->subject, key.as.s, key.len, step, (const uint64_t[2]){number_of(digest)}, h->d);
    }
    return status;
}

void case_witness_init(case_witness *w, const gov_allocator *a)
{
    *w = (case_witness){.alloc = a};
    base_map_init(&w->places, a);
    base_arena_init(&w->keys, a);
    base_buf_init(&w->key, a);
}

void case_witness_free(case_witness *w)
{
    base_map_free(&w->places);
    base_free(w->alloc, w->told);
    base_arena_free(&w->keys);
    base_buf_free(&w->key);
}

gov_status case_witness_hear(case_witness *w, gov *g, const diag *d)
{
    hearing h = {.g = g, .w = w, .d = d};
    const journal_filter all = {0};
    base_arena_init(&h.arena, g->alloc);
    const gov_status status = journal_read(g->journal, &all, hear, &h, d);
    base_arena_free(&h.arena);
    return status;
}

case_told *case_witness_told(case_witness *w, int64_t id, const char *name)
{
    return told_of(w, id, name, strlen(name));
}

bool case_witness_erased(case_witness *w, int64_t id)
{
    return told_of(w, id, "", 0) != NULL;
}

gov_status case_witness_ask(case_witness *w, int64_t id, const char *name, const case_clock *c, bool *same, const diag *d)
{
    uint8_t digest[CASE_ROW_DIGEST];
    case_clock_digest(c, digest);
    case_told *told = told_of(w, id, name, strlen(name));
    *same = told != NULL && told->digest[0] == number_of(digest);
    if (*same)
        told->seen = true;
    else
        *same = case_witness_erased(w, id);
    return w->key.failed ? base_nomem(d) : GOV_OK;
}

gov_status case_witness_missing(case_witness *w, int64_t *id, const char **name, size_t *len, const diag *d)
{
    *name = NULL;
    for (size_t i = 0; i < w->places.count && *name == NULL && !w->key.failed; i++) {
        const base_entry *e = &w->places.entries[i];
        uint64_t n = 0;
        for (int k = 0; k < 8; k++)
            n = n << 8 | (uint8_t)e->key[k];
        if (e->len <= 8 || strchr(NO_CLOCK, e->key[8]) != NULL || w->told[e->value].seen || case_witness_erased(w, (int64_t)n))
            continue;
        *id = (int64_t)n;
        *name = e->key + 8;
        *len = e->len - 8;
    }
    return w->key.failed ? base_nomem(d) : GOV_OK;
}

int64_t case_witness_gone(case_witness *w)
{
    for (size_t i = 0; i < w->places.count && !w->key.failed; i++) {
        const base_entry *e = &w->places.entries[i];
        uint64_t n = 0;
        for (int k = 0; k < 8; k++)
            n = n << 8 | (uint8_t)e->key[k];
        if (e->len == 9 && e->key[8] == CASE_TOLD_ROW[0] && !w->told[e->value].seen && !case_witness_erased(w, (int64_t)n))
            return (int64_t)n;
    }
    return 0;
}
