/* Reading parts of a definition: keys, names, words, numbers, texts. */
#include "rulebook/load.h"

#include <string.h>

/* ---- the loader ---- */

void rb_unit_init(rb_unit *u, const gov_allocator *a)
{
    base_arena_init(&u->arena, a);
    u->owned = NULL;
}

void rb_unit_free(rb_unit *u)
{
    for (rb_owned *o = u->owned; o != NULL; o = o->next)
        o->free(o->what);
    u->owned = NULL;
    base_arena_free(&u->arena);
}

bool rb_own(rb_unit *u, void *what, void (*free)(void *))
{
    rb_owned *o = base_arena_alloc(&u->arena, sizeof *o);
    if (o == NULL) {
        free(what);
        return false;
    }
    *o = (rb_owned){u->owned, what, free};
    u->owned = o;
    return true;
}

void rb_note(rulebook_loader *l, gov_status status)
{
    if (status != GOV_OK && (l->status == GOV_OK || status == GOV_E_NOMEM))
        l->status = status;
}

void *rb_alloc(rulebook_loader *l, size_t count, size_t size)
{
    void *p = base_arena_array(&l->unit->arena, count, size);
    if (p == NULL)
        rb_note(l, base_nomem(l->d));
    return p;
}

char *rb_copy(rulebook_loader *l, const char *s, size_t len)
{
    char *copy = base_arena_strndup(&l->unit->arena, s, len);
    if (copy == NULL)
        rb_note(l, base_nomem(l->d));
    return copy;
}

gov_status rulebook_loader_status(const rulebook_loader *l)
{
    return l->status;
}

base_arena *rulebook_loader_arena(const rulebook_loader *l)
{
    return &l->unit->arena;
}

const diag *rulebook_loader_diag(const rulebook_loader *l)
{
    return l->d;
}

const rulebook *rulebook_loader_rulebook(const rulebook_loader *l)
{
    return &l->rb->pub;
}

void rulebook_loader_fail(rulebook_loader *l, gov_status status)
{
    rb_note(l, status);
}

/* ---- nodes, as rooms above see them ---- */

base_place rulebook_node_place(const rb_node *n)
{
    return rb_place(n);
}

const rb_node *rulebook_get(const rb_node *map, const char *key)
{
    return rb_get(map, key);
}

size_t rulebook_count(const rb_node *n)
{
    return n != NULL && n->kind != RB_SCALAR ? n->count : 0;
}

const rb_node *rulebook_item(const rb_node *n, size_t i)
{
    if (i >= rulebook_count(n))
        return NULL;
    return n->kind == RB_LIST ? n->as.items[i] : n->as.pairs[i].val;
}

const char *rulebook_key(const rb_node *map, size_t i, base_place *place)
{
    if (map == NULL || map->kind != RB_MAP || i >= map->count)
        return NULL;
    if (place != NULL)
        *place = rb_place(map->as.pairs[i].key);
    return map->as.pairs[i].key->as.text;
}

bool rulebook_is_text(const rb_node *n)
{
    return n != NULL && n->kind == RB_SCALAR;
}

const char *rulebook_scalar(const rb_node *n, size_t *len)
{
    if (!rulebook_is_text(n))
        return NULL;
    if (len != NULL)
        *len = n->count;
    return n->as.text;
}

/* ---- sets of names ---- */

enum { FEW_NAMES = 16 };

bool rb_names_have(const rb_names *names, const char *name)
{
    if (names->known.count > 0)
        return base_map_get(&names->known, name, strlen(name)) != NULL;
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

/* Many names are found through a table. */
static bool hash_names(rulebook_loader *l, rb_names *names)
{
    if (names->count < FEW_NAMES)
        return true;
    if (names->known.count == 0)
        base_map_init(&names->known, l->rb->alloc);
    for (size_t i = names->known.count; i < names->count; i++)
        if (base_map_put(&names->known, names->items[i], strlen(names->items[i]), NULL) == NULL)
            return false;
    return true;
}

void rb_names_add(rulebook_loader *l, rb_names *names, const char *name)
{
    if (name == NULL || rb_names_have(names, name))
        return;
    if (!base_grow(l->rb->alloc, &names->items, &names->cap, names->count, sizeof *names->items)) {
        rb_note(l, base_nomem(l->d));
        return;
    }
    names->items[names->count++] = name;
    if (!hash_names(l, names)) {
        names->count--; /* the table and the list say the same */
        rb_note(l, base_nomem(l->d));
    }
}

void rb_names_free(rulebook_loader *l, rb_names *names)
{
    base_free(l->rb->alloc, names->items);
    if (names->known.alloc != NULL)
        base_map_free(&names->known);
    *names = (rb_names){0};
}

bool rb_told_enough(const rulebook_loader *l)
{
    return base_errors(l->d) >= BASE_MOST_LISTED;
}

const char *rb_nearest(const rb_names *names, const char *name)
{
    return base_nearest(name, strlen(name), names->items, names->count);
}

/* ---- names ---- */

static bool name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

bool rb_is_name(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!name_char(s[i], i == 0))
            return false;
    return len > 0 && len <= 64;
}

bool rb_is_event_name(const char *s, size_t len)
{
    size_t start = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && s[i] != '.')
            continue;
        if (!rb_is_name(s + start, i - start))
            return false;
        start = i + 1;
    }
    return true;
}

bool rb_expect(rulebook_loader *l, const rb_node *n, rb_kind kind, const char *what)
{
    static const char *const names[] = {"text", "list", "map"};
    if (n->kind == kind)
        return true;
    rb_fail(l, n, M_wrong_kind, A_S("what", what), A_S("expected", names[kind]), A_S("found", rb_kind_name(n)));
    return false;
}

/* Scalars are text as they are written: `version: 2026` and `reason: yes` need no quotes. */
static bool some_text(rulebook_loader *l, const rb_node *n, const char *what)
{
    if (!rb_expect(l, n, RB_SCALAR, what))
        return false;
    if (n->count > 0)
        return true;
    rb_fail(l, n, M_empty, A_S("what", what));
    return false;
}

const char *rulebook_read_string(rulebook_loader *l, const rb_node *n, const char *what)
{
    if (n == NULL || !some_text(l, n, what))
        return NULL;
    return rb_copy(l, n->as.text, n->count);
}

const char *rulebook_read_name(rulebook_loader *l, const rb_node *n, const char *what)
{
    if (n == NULL || !some_text(l, n, what))
        return NULL;
    if (rb_is_name(n->as.text, n->count))
        return rb_copy(l, n->as.text, n->count);
    rb_fail(l, n, M_invalid_name, A_S("what", what), A_N("name", n->as.text, n->count));
    return NULL;
}

const char *rb_read_event(rulebook_loader *l, const rb_node *n, const char *what)
{
    if (n == NULL || !some_text(l, n, what))
        return NULL;
    if (rb_is_event_name(n->as.text, n->count))
        return rb_copy(l, n->as.text, n->count);
    rb_fail(l, n, M_invalid_name, A_S("what", what), A_N("name", n->as.text, n->count));
    return NULL;
}

/* ---- maps and lists ---- */

/* What people call it who come from other tools, or from the word's plain sense; only what the place knows is proposed. */
static const char *other_word(const char *s, size_t len, const char *const *words, size_t count)
{
    static const char *const pairs[][2] = {
        {"integer", "int"}, {"number", "int"}, {"text", "string"}, {"str", "string"}, {"enum", "string"}, {"boolean", "bool"},
        {"float", "double"}, {"decimal", "money"}, {"amount", "money"}, {"datetime", "timestamp"}, {"time", "timestamp"},
        {"array", "list"}, {"object", "map"}, {"person", "resident"}, {"user", "staff"}, {"location", "point"},
        {"target", "to"}, {"goto", "to"}, {"next", "to"}, {"guard", "when"}, {"condition", "when"}, {"cond", "when"}, {"if", "when"},
        {"do", "then"}, {"actions", "do"}, {"action", "do"}, {"then", "do"}, {"run", "do"}, {"deadline", "budget"}, {"enum", "one_of"},
        {"options", "one_of"}, {"values", "one_of"}, {"choices", "one_of"}, {"regex", "matches"}, {"pattern", "matches"},
        {"maximum", "max"}, {"minimum", "min"}, {"label", "title"}, {"name", "title"}, {"role", "by"}, {"roles", "by"},
        {"on_entry", "entry"}, {"on_exit", "exit"}, {"transitions", "on"}, {"timeout", "after"}, {"timezone", "time_zone"},
        {"value", "is"}, {"pause", "paused_in"}, {"start", "initial"}, {"end", "final"}, {"basic", "atomic"},
        {"tmpl", "template"}, {"tpl", "template"}, {"msg", "text"}, {"message", "text"}, {"evt", "event"}, {"desc", "description"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        for (size_t k = 0; strlen(pairs[i][0]) == len && memcmp(pairs[i][0], s, len) == 0 && k < count; k++)
            if (strcmp(words[k], pairs[i][1]) == 0)
                return words[k];
    return NULL;
}

static const char *meant(const rb_node *n, const char *const *words, size_t count)
{
    const char *near = other_word(n->as.text, n->count, words, count);
    return near != NULL ? near : base_nearest(n->as.text, n->count, words, count);
}

static bool is_action(const rulebook_loader *l, const rb_node *key)
{
    static const char *const own[] = {"set", "raise", "send", "cancel", "log"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (rb_is(key, own[i]))
            return true;
    return rulebook_find_effect(l->rb->pub.host, key->as.text) != NULL;
}

static void report_key(rulebook_loader *l, const rb_node *key, const char *what, const char *const *keys)
{
    const char *plain[64];
    size_t count = 0;
    for (size_t i = 0; keys[i] != NULL && count < ARRAY_LEN(plain); i++)
        plain[count++] = keys[i] + (keys[i][0] == '!');
    const char *near = strcmp(what, "transition") == 0 && is_action(l, key) ? "do" : meant(key, plain, count);
    if (near == NULL && key->column == 1 && rb_begins_definition(l->rb, key->as.text))
        rb_fail(l, key, M_separator_missing, A_N("key", key->as.text, key->count));
    else
        rb_fail(l, key, M_unknown_key, A_N("key", key->as.text, key->count), A_S("what", what), A_S("near", near));
}

bool rulebook_read_keys(rulebook_loader *l, const rb_node *n, const char *what, const char *const *keys)
{
    if (n == NULL || !rb_expect(l, n, RB_MAP, what))
        return false;
    for (uint32_t i = 0; i < n->count; i++) {
        const rb_node *key = n->as.pairs[i].key;
        size_t k = 0;
        while (keys[k] != NULL && !rb_is(key, keys[k] + (keys[k][0] == '!')))
            k++;
        if (keys[k] == NULL)
            report_key(l, key, what, keys);
    }
    for (size_t k = 0; keys[k] != NULL; k++)
        if (keys[k][0] == '!' && rb_get(n, keys[k] + 1) == NULL)
            rb_fail(l, n, M_missing_key, A_S("key", keys[k] + 1), A_S("what", what));
    return true;
}

bool rulebook_read_list(rulebook_loader *l, const rb_node *n, const char *what)
{
    return n != NULL && rb_expect(l, n, RB_LIST, what);
}

/* ---- words, numbers, texts ---- */

bool rulebook_read_bool(rulebook_loader *l, const rb_node *n, const char *what, bool otherwise)
{
    if (n == NULL)
        return otherwise;
    if (n->kind == RB_SCALAR && n->type == RB_BOOL)
        return (n->as.text[0] | 32) == 't';
    rb_fail(l, n, M_wrong_kind, A_S("what", what), A_S("expected", "true or false"), A_S("found", rb_kind_name(n)));
    return otherwise;
}

int64_t rulebook_read_int(rulebook_loader *l, const rb_node *n, const char *what, int64_t least, int64_t most,
                          int64_t otherwise)
{
    int64_t i;
    if (n == NULL)
        return otherwise;
    if (n->kind != RB_SCALAR || n->type != RB_INT) {
        rb_fail(l, n, M_wrong_kind, A_S("what", what), A_S("expected", "int"), A_S("found", rb_kind_name(n)));
        return otherwise;
    }
    if (rb_int(n, &i) && i >= least && i <= most)
        return i;
    rb_fail(l, n, M_out_of_bounds, A_S("what", what), A_I("least", least), A_I("most", most));
    return otherwise;
}

unsigned rulebook_read_word(rulebook_loader *l, const rb_node *n, const char *what, const char *const *words,
                            unsigned otherwise)
{
    unsigned count = 0;
    if (n == NULL || !some_text(l, n, what))
        return otherwise;
    for (; words[count] != NULL; count++)
        if (rb_is(n, words[count]))
            return count;
    base_buf all;
    base_buf_init(&all, l->rb->alloc);
    for (unsigned i = 0; i < count; i++) {
        base_buf_str(&all, i > 0 ? ", " : "");
        base_buf_str(&all, words[i]);
    }
    if (all.failed)
        rb_note(l, base_nomem(l->d));
    else
        rb_fail(l, n, M_unknown_word, A_N("word", n->as.text, n->count), A_S("what", what), A_S("words", all.data),
                A_S("near", meant(n, words, count)));
    base_buf_free(&all);
    return otherwise;
}

static bool is_language(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!name_char(s[i], i == 0) && s[i] != '-')
            return false;
    return len >= 2 && len <= 35;
}

rulebook_text rulebook_read_text(rulebook_loader *l, const rb_node *n)
{
    rulebook_text text = {0};
    if (n == NULL)
        return text;
    if (n->kind == RB_LIST) {
        rb_expect(l, n, RB_SCALAR, "text");
        return text;
    }
    const uint32_t count = n->kind == RB_SCALAR ? 1 : n->count;
    rulebook_words *words = rb_alloc(l, count, sizeof *words);
    if (words == NULL)
        return text;
    if (n->kind == RB_SCALAR) {
        words[0] = (rulebook_words){"", rb_copy(l, n->as.text, n->count)};
        return (rulebook_text){words, words[0].text != NULL};
    }
    for (uint32_t i = 0; i < n->count; i++) {
        const rb_node *key = n->as.pairs[i].key, *val = n->as.pairs[i].val;
        if (!is_language(key->as.text, key->count)) {
            rb_fail(l, key, M_invalid_name, A_S("what", "language"), A_N("name", key->as.text, key->count));
            continue;
        }
        if (!rb_known_language(key->as.text, key->count))
            rb_fail(l, key, M_language_unknown, A_N("language", key->as.text, key->count));
        if (!rb_expect(l, val, RB_SCALAR, key->as.text))
            continue;
        words[text.count] = (rulebook_words){rb_copy(l, key->as.text, key->count), rb_copy(l, val->as.text, val->count)};
        text.count += words[text.count].lang != NULL && words[text.count].text != NULL;
    }
    text.items = words;
    return text;
}

const char *rulebook_text_in(const rulebook_text *t, const char *lang, const char *fallback)
{
    const size_t len = lang != NULL ? strcspn(lang, "-_") : 0;
    if (t == NULL || t->count == 0)
        return fallback;
    for (uint32_t i = 0; lang != NULL && i < t->count; i++)
        if (strcmp(t->items[i].lang, lang) == 0)
            return t->items[i].text;
    for (uint32_t i = 0; lang != NULL && i < t->count; i++)
        if (strncmp(t->items[i].lang, lang, len) == 0 && strcspn(t->items[i].lang, "-_") == len)
            return t->items[i].text;
    return t->items[0].text;
}

rulebook_names rulebook_read_names(rulebook_loader *l, const rb_node *n, const char *what)
{
    rulebook_names names = {0};
    if (n == NULL)
        return names;
    const bool one = n->kind == RB_SCALAR;
    if (!one && !rb_expect(l, n, RB_LIST, what))
        return names;
    const char **items = rb_alloc(l, one ? 1 : n->count, sizeof *items);
    if (items == NULL)
        return names;
    for (uint32_t i = 0; i < (one ? 1 : n->count); i++) {
        items[names.count] = rulebook_read_name(l, one ? n : n->as.items[i], what);
        names.count += items[names.count] != NULL;
    }
    names.items = items;
    return names;
}

bool rulebook_has_name(const rulebook_names *names, const char *name)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

value rulebook_read_value(rulebook_loader *l, const rb_node *n)
{
    value raw, copy;
    if (n == NULL)
        return value_absent();
    if (n->quiet) {
        rb_note(l, GOV_E_RULE);
        return value_null();
    }
    const gov_status status = rb_value(&l->unit->arena, n, &raw, l->d);
    rb_note(l, status);
    if (status != GOV_OK)
        return value_null();
    if (!value_copy(&l->unit->arena, raw, &copy)) { /* the tree does not live as long */
        rb_note(l, base_nomem(l->d));
        return value_null();
    }
    return copy;
}
