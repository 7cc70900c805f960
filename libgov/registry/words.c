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

/* How the index has a field: not at all, a word for its value, or one for each of its texts. */
typedef enum indexing { NOT_INDEXED, VALUE_INDEXED, TEXTS_INDEXED } indexing;

static indexing how_indexed(const char *kind, const rulebook_field *f)
{
    if (f == NULL)
        return NOT_INDEXED;
    if (registry_lists_texts(kind, f))
        return TEXTS_INDEXED;
    return f->indexed && registry_row_column(kind, f) == NULL ? VALUE_INDEXED : NOT_INDEXED;
}

/* What the document has to say, each once. */
static gov_status collect(words *w, const gov *g, const char *kind, const rulebook_fields *fields, value doc, const diag *d)
{
    gov_status status = GOV_OK;
    for (uint32_t i = 0; i < fields->count && status == GOV_OK; i++) {
        const rulebook_field *f = &fields->items[i];
        const value v = value_get_text(doc, f->name);
        const indexing how = how_indexed(kind, f);
        for (size_t k = 0; how == TEXTS_INDEXED && v.kind == VALUE_LIST && k < v.len && status == GOV_OK; k++)
            if (v.as.items[k].kind == VALUE_STRING)
                status = add(w, g, f->name, v.as.items[k], d);
        if (how == VALUE_INDEXED)
            status = add(w, g, f->name, v, d);
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

/* ---- when the rules change ---- */

/* One kind, on its way from one version of the rules to another. */
typedef struct following {
    gov *g;
    const char *kind;
    rulebook_fields before, after;
    rulebook_field *come; /* the index has them now, or has them in another way */
    uint32_t come_count;
} following;

static gov_status drop_field(const following *f, const char *field, const diag *d)
{
    static const store_sql sql = {"DELETE FROM gov_record_word WHERE community = $1 AND kind = $2 AND field = $3"};
    return store_post(f->g->store, &sql, STORE_ARGS(store_i(f->g->community), store_s(f->kind), store_s(field)),
                      STORE_ANY_ROWS, d);
}

static const rulebook_field *same_name(const rulebook_fields *fields, const rulebook_field *f)
{
    return rulebook_find_field(fields, f->name, strlen(f->name));
}

/* Drops the words of fields that are indexed otherwise than before, and says which have to be written. */
static gov_status compare_rules(following *f, base_arena *arena, const diag *d)
{
    gov_status status = GOV_OK;
    f->come = base_arena_array(arena, f->after.count + 1, sizeof *f->come);
    if (f->come == NULL)
        return base_nomem(d);
    for (uint32_t i = 0; i < f->after.count && status == GOV_OK; i++) {
        const rulebook_field *now = &f->after.items[i];
        const indexing how = how_indexed(f->kind, now);
        if (how == how_indexed(f->kind, same_name(&f->before, now)))
            continue;
        status = drop_field(f, now->name, d);
        if (how != NOT_INDEXED)
            f->come[f->come_count++] = *now;
    }
    for (uint32_t i = 0; i < f->before.count && status == GOV_OK; i++) {
        const rulebook_field *was = &f->before.items[i];
        if (how_indexed(f->kind, was) != NOT_INDEXED && same_name(&f->after, was) == NULL)
            status = drop_field(f, was->name, d);
    }
    return status;
}

enum { AT_ONCE = 256 };

/* Some records and what they say; *count 0: there are no more after that one. */
static gov_status read_some(const following *f, int64_t after, base_arena *arena, int64_t *ids, value *docs, size_t *count,
                            const diag *d)
{
    static const store_sql some = {"SELECT id, doc FROM gov_record WHERE community = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4"};
    store_rows rows;
    gov_status status =
        store_query(f->g->store, &some,
                    STORE_ARGS(store_i(f->g->community), store_s(f->kind), store_i(after), store_i(AT_ONCE)), &rows, d);
    *count = 0;
    while (status == GOV_OK && *count < AT_ONCE && (status = store_next(&rows, d)) == GOV_OK) {
        size_t len;
        const char *doc = store_text(&rows, 1, &len);
        ids[*count] = store_int(&rows, 0);
        status = access_read_stored(f->g, arena, doc, len, &docs[(*count)++], d);
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

static gov_status write_words(const following *f, const diag *d)
{
    const rulebook_fields come = {f->come, f->come_count};
    int64_t ids[AT_ONCE], last = 0;
    value docs[AT_ONCE];
    size_t count = 1;
    base_arena arena;
    base_arena_init(&arena, f->g->alloc);
    gov_status status = GOV_OK;
    while (status == GOV_OK && count > 0) {
        base_arena_reset(&arena);
        status = read_some(f, last, &arena, ids, docs, &count, d);
        for (size_t i = 0; i < count && status == GOV_OK; i++)
            status = registry_words_put(f->g, f->kind, ids[i], true, &come, docs[i], d);
        last = count > 0 ? ids[count - 1] : last;
    }
    base_arena_free(&arena);
    return status;
}

gov_status registry_words_follow(gov *g, const rulebook *before, const rulebook *after, const diag *d)
{
    size_t count;
    const registry_builtin *own = registry_builtins(&count);
    base_arena arena;
    base_arena_init(&arena, g->alloc);
    gov_status status = GOV_OK;
    for (size_t i = 0; i < count && status == GOV_OK; i++) {
        following f = {.g = g, .kind = own[i].kind};
        if (i > 0 && strcmp(own[i - 1].kind, f.kind) == 0)
            continue; /* the table goes kind by kind */
        base_arena_reset(&arena);
        status = registry_fields_under(before, f.kind, &arena, &f.before, d);
        if (status == GOV_OK)
            status = registry_fields_under(after, f.kind, &arena, &f.after, d);
        if (status == GOV_OK)
            status = compare_rules(&f, &arena, d);
        if (status == GOV_OK && f.come_count > 0)
            status = write_words(&f, d);
    }
    base_arena_free(&arena);
    return status;
}

/* ---- verifying: what the records ask for is added up, what the table has is taken away, in any order ---- */

typedef struct tally {
    uint64_t a, b;
    base_buf key;
} tally;

static gov_status count_word(tally *t, const char *kind, int64_t id, const word *w, bool plus, const diag *d)
{
    uint8_t digest[BASE_DIGEST_SIZE];
    uint64_t a = 0, b = 0;
    base_buf_clear(&t->key);
    base_buf_be64(&t->key, (uint64_t)id);
    base_buf_add(&t->key, kind, strlen(kind) + 1);
    base_buf_add(&t->key, w->field, strlen(w->field) + 1);
    base_buf_add(&t->key, w->text, w->len);
    if (t->key.failed)
        return base_nomem(d);
    base_sha256(t->key.data, t->key.len, digest);
    for (int i = 0; i < 8; i++) {
        a = a << 8 | digest[i];
        b = b << 8 | digest[8 + i];
    }
    t->a += plus ? a : 0 - a;
    t->b += plus ? b : 0 - b;
    return GOV_OK;
}

static gov_status count_asked(const following *f, tally *t, const diag *d)
{
    int64_t ids[AT_ONCE], last = 0;
    value docs[AT_ONCE];
    size_t count = 1;
    base_arena arena;
    base_arena_init(&arena, f->g->alloc);
    gov_status status = GOV_OK;
    while (status == GOV_OK && count > 0) {
        base_arena_reset(&arena);
        status = read_some(f, last, &arena, ids, docs, &count, d);
        for (size_t i = 0; i < count && status == GOV_OK; i++) {
            words w = {.arena = &arena};
            status = collect(&w, f->g, f->kind, &f->after, docs[i], d);
            for (size_t k = 0; k < w.count && status == GOV_OK; k++)
                status = count_word(t, f->kind, ids[i], &w.items[k], true, d);
        }
        last = count > 0 ? ids[count - 1] : last;
    }
    base_arena_free(&arena);
    return status;
}

static gov_status count_there(gov *g, tally *t, const diag *d)
{
    static const store_sql page = {"SELECT kind, field, word, id FROM gov_record_word WHERE community = $1 AND (id > $2 OR (id = $2 AND "
                                   "(kind, field, word) > ($3, $4, $5))) ORDER BY id, kind, field, word LIMIT $6"};
    base_buf at[3];
    int64_t id = INT64_MIN, count = AT_ONCE;
    gov_status status = GOV_OK;
    for (int i = 0; i < 3; i++)
        base_buf_init(&at[i], g->alloc);
    while (status == GOV_OK && count == AT_ONCE) {
        store_arg args[6] = {store_i(g->community), store_i(id)};
        store_rows rows;
        for (int i = 0; i < 3; i++)
            args[2 + i] = store_t(at[i].len > 0 ? at[i].data : "", at[i].len);
        args[5] = store_i(AT_ONCE);
        count = 0;
        status = store_query(g->store, &page, args, 6, &rows, d);
        if (status != GOV_OK)
            break;
        for (; status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK; count++) {
            id = store_int(&rows, 3);
            for (int i = 0; i < 3; i++) {
                size_t len;
                const char *text = store_text(&rows, i, &len);
                base_buf_clear(&at[i]);
                base_buf_add(&at[i], text, len);
                base_buf_char(&at[i], '\0');
                at[i].len -= at[i].len > 0;
                status = at[i].failed ? base_nomem(d) : status;
            }
            const word w = {.field = at[1].data, .text = at[2].data, .len = at[2].len};
            status = status == GOV_OK ? count_word(t, at[0].data, id, &w, false, d) : status;
        }
        store_rows_close(&rows);
        status = status == GOV_END ? GOV_OK : status;
    }
    for (int i = 0; i < 3; i++)
        base_buf_free(&at[i]);
    return status;
}

gov_status registry_words_verify(gov *g, const diag *d)
{
    size_t count;
    const registry_builtin *own = registry_builtins(&count);
    tally t = {0};
    base_arena arena;
    base_arena_init(&arena, g->alloc);
    base_buf_init(&t.key, g->alloc);
    gov_status status = GOV_OK;
    for (size_t i = 0; i < count && status == GOV_OK; i++) {
        following f = {.g = g, .kind = own[i].kind};
        if (i > 0 && strcmp(own[i - 1].kind, f.kind) == 0)
            continue;
        base_arena_reset(&arena);
        status = registry_fields_under(g->rules, f.kind, &arena, &f.after, d);
        if (status == GOV_OK)
            status = count_asked(&f, &t, d);
    }
    if (status == GOV_OK)
        status = count_there(g, &t, d);
    base_buf_free(&t.key);
    base_arena_free(&arena);
    return status == GOV_OK && (t.a != 0 || t.b != 0) ? base_fail(d, M_index_differs, A_S("table", "gov_record_word")) : status;
}
