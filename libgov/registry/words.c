/* The index of records: a word for each value of an indexed field, and for each text of a kind's own lists. */
#include "registry/state.h"

#include <stdlib.h>
#include <string.h>

typedef struct word {
    const char *field, *text;
    size_t len;
    bool stays; /* the store has it */
} word;

typedef struct words {
    base_arena *arena;
    word *items;
    size_t count, cap;
} words;

/* The kind's own lists have texts (roles, tags, keys of members), one word each. */
bool registry_lists_texts(const char *kind, const rulebook_field *f)
{
    size_t count;
    const registry_builtin *own = registry_builtins(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(own[i].kind, kind) == 0 && strcmp(own[i].name, f->name) == 0)
            return own[i].type == RULEBOOK_LIST && f->type == RULEBOOK_LIST;
    return false;
}

const char *registry_row_column(const char *kind, const rulebook_field *f)
{
    size_t count;
    const registry_builtin *own = registry_builtins(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(own[i].kind, kind) != 0 || strcmp(own[i].name, f->name) != 0 || own[i].type != f->type)
            continue;
        switch (own[i].column) {
        case REGISTRY_NAME: return "r.name";
        case REGISTRY_PARENT: return "r.parent";
        case REGISTRY_GRID: return "r.grid";
        case REGISTRY_UNIT: return "r.unit";
        default: return NULL;
        }
    }
    return NULL;
}

/* Copies both texts. False: no memory. */
static bool keep(words *w, const char *field, const char *text, size_t len)
{
    if (w->count == w->cap) {
        const size_t cap = w->cap == 0 ? 16 : w->cap * 2;
        word *grown = base_arena_array(w->arena, cap, sizeof *grown);
        if (grown == NULL)
            return false;
        if (w->count > 0)
            memcpy(grown, w->items, w->count * sizeof *grown);
        w->items = grown;
        w->cap = cap;
    }
    const word made = {base_arena_strdup(w->arena, field), base_arena_strndup(w->arena, text, len), len, false};
    if (made.field == NULL || made.text == NULL)
        return false;
    w->items[w->count++] = made;
    return true;
}

static gov_status add(words *w, const gov *g, const char *field, value v, const diag *d)
{
    base_buf text;
    base_buf_init(&text, g->alloc);
    access_word(&text, v);
    const bool kept = !text.failed && (text.len == 0 || keep(w, field, text.data, text.len));
    base_buf_free(&text);
    return kept ? GOV_OK : base_nomem(d);
}

static int by_field_and_text(const void *a, const void *b)
{
    const word *x = a, *y = b;
    const int fields = strcmp(x->field, y->field);
    return fields != 0 ? fields : strcmp(x->text, y->text);
}

/* What the document has to say, each once. */
static gov_status collect(words *w, const gov *g, const char *kind, const rulebook_fields *fields, value doc, const diag *d)
{
    gov_status status = GOV_OK;
    for (uint32_t i = 0; i < fields->count && status == GOV_OK; i++) {
        const rulebook_field *f = &fields->items[i];
        const value v = value_get_text(doc, f->name);
        if (v.kind == VALUE_LIST && registry_lists_texts(kind, f)) {
            for (size_t k = 0; k < v.len && status == GOV_OK; k++)
                if (v.as.items[k].kind == VALUE_STRING)
                    status = add(w, g, f->name, v.as.items[k], d);
        } else if (f->indexed && registry_row_column(kind, f) == NULL) {
            status = add(w, g, f->name, v, d);
        }
    }
    size_t kept = 0;
    if (w->count > 1)
        qsort(w->items, w->count, sizeof *w->items, by_field_and_text);
    for (size_t i = 0; i < w->count; i++)
        if (i == 0 || by_field_and_text(&w->items[i], &w->items[kept - 1]) != 0)
            w->items[kept++] = w->items[i];
    w->count = kept;
    return status;
}

static gov_status drop(gov *g, const char *kind, int64_t id, const word *w, const diag *d)
{
    static const store_sql sql = {"DELETE FROM gov_record_word WHERE community = $1 AND kind = $2 AND field = $3 AND word = $4 AND id = $5"};
    return store_post(g->store, &sql,
                      STORE_ARGS(store_i(g->community), store_s(kind), store_s(w->field), store_t(w->text, w->len), store_i(id)), 1, d);
}

/* Marks what is there already, and drops what shall not be there any more. */
static gov_status compare(gov *g, const char *kind, int64_t id, words *w, const diag *d)
{
    static const store_sql load = {"SELECT field, word FROM gov_record_word WHERE community = $1 AND id = $2"};
    words gone = {.arena = w->arena};
    store_rows rows;
    gov_status status = store_query(g->store, &load, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK) {
        word key = {.field = store_text(&rows, 0, NULL)};
        key.text = store_text(&rows, 1, &key.len);
        word *same = w->count > 0 ? bsearch(&key, w->items, w->count, sizeof key, by_field_and_text) : NULL;
        if (same != NULL) {
            same->stays = true;
            continue;
        }
        if (!keep(&gone, key.field, key.text, key.len))
            break;
    }
    if (status == GOV_OK) { /* left early: no memory */
        store_rows_close(&rows);
        return base_nomem(d);
    }
    status = status == GOV_END ? GOV_OK : status;
    for (size_t i = 0; i < gone.count && status == GOV_OK; i++)
        status = drop(g, kind, id, &gone.items[i], d);
    return status;
}

gov_status registry_words_put(gov *g, const char *kind, int64_t id, bool fresh, const rulebook_fields *fields, value doc,
                              const diag *d)
{
    static const store_sql put = {"INSERT INTO gov_record_word (community, kind, field, word, id) VALUES ($1, $2, $3, $4, $5)"};
    base_arena arena;
    words w = {.arena = &arena};
    base_arena_init(&arena, g->alloc);
    gov_status status = collect(&w, g, kind, fields, doc, d);
    if (status == GOV_OK && !fresh)
        status = compare(g, kind, id, &w, d);
    for (size_t i = 0; i < w.count && status == GOV_OK; i++)
        if (!w.items[i].stays)
            status = store_post(g->store, &put,
                                STORE_ARGS(store_i(g->community), store_s(kind), store_s(w.items[i].field),
                                           store_t(w.items[i].text, w.items[i].len), store_i(id)),
                                1, d);
    base_arena_free(&arena);
    return status;
}
