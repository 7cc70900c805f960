/* The table of definitions: which document of which file defines what. */
#include "rulebook/load.h"

#include <string.h>

#include "rulebook/files.h"

typedef struct known_kind {
    const char *key;
    rb_def_kind kind;
} known_kind;

static const known_kind known_kinds[] = {
    {"rulebook", RB_RULEBOOK}, {"overlay", RB_OVERLAY},     {"calendar", RB_CALENDAR}, {"workflow", RB_WORKFLOW},
    {"schedule", RB_SCHEDULE}, {"indicator", RB_INDICATOR}, {"record", RB_RECORD},     {"template", RB_TEMPLATE},
    {"scenario", RB_SCENARIO}};
/* Programs that some room above must have registered. */
static const char *const programs[] = {"points", "time_bank", "visit_plan", "survey", "ballot", "service", "cost_share"};

/* Which of the keys that others refer to are lost with what could not be read. */
static uint8_t lost_keys(const rb_node *root)
{
    static const char *const keys[] = {"states", "fields", "events", "clocks"};
    uint8_t lost = 0;
    if (root == NULL || root->kind != RB_MAP)
        return RB_LOST_ALL;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const rb_node *n = rb_get(root, keys[i]);
        lost |= (uint8_t)(n != NULL && n->quiet ? 1u << i : 0);
    }
    return lost;
}

rb_node *rb_read_def(rb_full *rb, base_arena *arena, rb_def *def, gov_status *status, const diag *d)
{
    rb_node *root = NULL;
    if (!atomic_load_explicit(&rb->verified[def->file], memory_order_acquire)) {
        const rulebook_source *s = rulebook_bundle_source(rb->bundle, def->file);
        uint8_t digest[BASE_DIGEST_SIZE];
        base_sha256(s->bytes, s->len, digest);
        if (memcmp(digest, s->digest, sizeof digest) != 0) {
            *status = base_fail(d, M_bundle_damaged);
            return NULL;
        }
        atomic_store_explicit(&rb->verified[def->file], true, memory_order_release);
    }
    const bool kept = def->tree != NULL;
    gov_status parsed = kept ? rb_read_tree(arena, def, &root, d) : rb_parse(arena, &def->slice, &root, d);
    if (parsed == GOV_OK && root != NULL && !kept && rb->all && !rb_keep_tree(rb, def, root))
        parsed = base_nomem(d);
    if (parsed != GOV_OK && (*status == GOV_OK || parsed == GOV_E_NOMEM))
        *status = parsed;
    if (rb->all) {
        def->torn = root == NULL || root->torn;
        def->lost = def->torn ? lost_keys(root) : 0;
    }
    if (root != NULL && root->torn && def->key != NULL && !rb_is(root->as.pairs[0].key, def->key))
        return NULL; /* not even its name was read */
    if (root != NULL && root->kind == RB_MAP)
        return root;
    if (root != NULL && parsed == GOV_OK) {
        const base_place place = rb_place(root);
        *status = base_fail_at(d, &place, M_wrong_kind, A_S("what", "definition"), A_S("expected", "map"),
                               A_S("found", rb_kind_name(root)));
    }
    return NULL;
}

void rb_unknown(rulebook_loader *l, const rb_node *n, const char *kind, const char *name, const rb_names *known)
{
    rb_fail(l, n, M_unknown_name, A_S("kind", kind), A_S("name", name), A_S("near", rb_nearest(known, name)));
}

/* ---- what a document defines ---- */

const rulebook_host *rulebook_host_part(const rulebook_host *host, size_t i)
{
    if (host == NULL || i == 0)
        return host;
    return i - 1 < host->part_count ? host->parts[i - 1] : NULL;
}

const rulebook_accounts *rulebook_accounts_of(const rulebook_host *host, const char *kind)
{
    const rulebook_host *part;
    for (size_t k = 0; (part = rulebook_host_part(host, k)) != NULL; k++)
        for (size_t i = 0; i < part->section_count; i++)
            if (strcmp(part->sections[i].key, kind) == 0)
                return part->sections[i].accounts;
    return NULL;
}

bool rulebook_keeps_ledger(const rulebook_host *host, const char *kind, const void *content, uint32_t ledger)
{
    const rulebook_accounts *a = rulebook_accounts_of(host, kind);
    if (a == NULL || content == NULL || ledger == 0)
        return false;
    return a->ledger(content) == ledger || (a->beside != NULL && a->beside(content) == ledger);
}

static void classify(rb_full *rb, rb_def *def)
{
    for (size_t i = 0; i < ARRAY_LEN(known_kinds); i++)
        if (strcmp(known_kinds[i].key, def->key) == 0) {
            def->kind = (uint8_t)known_kinds[i].kind;
            return;
        }
    const rulebook_host *part;
    for (size_t k = 0; (part = rulebook_host_part(rb->pub.host, k)) != NULL; k++)
        for (size_t i = 0; i < part->section_count; i++)
            if (strcmp(part->sections[i].key, def->key) == 0) {
                def->kind = RB_SECTION;
                def->section = &part->sections[i];
                return;
            }
    def->kind = RB_UNKNOWN;
}

bool rb_begins_definition(const rb_full *rb, const char *key)
{
    rb_def def = {.key = key};
    classify((rb_full *)(uintptr_t)rb, &def);
    return def.kind != RB_UNKNOWN;
}

static void report_kind(rulebook_loader *l, const rb_def *def)
{
    rb_names names = {0};
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        if (strcmp(programs[i], def->key) == 0) {
            rb_note(l, base_fail_at(l->d, &def->place, M_unsupported, A_S("what", def->key)));
            return;
        }
    for (size_t i = 0; i < ARRAY_LEN(known_kinds); i++)
        rb_names_add(l, &names, known_kinds[i].key);
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        rb_names_add(l, &names, programs[i]);
    const rulebook_host *part;
    for (size_t k = 0; (part = rulebook_host_part(l->rb->pub.host, k)) != NULL; k++)
        for (size_t i = 0; i < part->section_count; i++)
            rb_names_add(l, &names, part->sections[i].key);
    rb_note(l, base_fail_at(l->d, &def->place, M_unknown_definition, A_S("key", def->key),
                            A_S("near", rb_nearest(&names, def->key))));
    rb_names_free(l, &names);
}

/* The slow way, for what one line does not tell. */
static bool parse_head(rulebook_loader *l, rb_def *def)
{
    base_arena arena;
    gov_status status = GOV_OK;
    gov_error *err = NULL;
    const diag inner = {l->rb->alloc, &err};
    bool found = false;

    base_arena_init(&arena, l->rb->alloc);
    const rb_node *root = rb_read_def(l->rb, &arena, def, &status, &inner);
    if (status == GOV_E_NOMEM) {
        rb_note(l, base_nomem(l->d));
    } else if (root != NULL && root->count > 0) {
        const rb_node *key = root->as.pairs[0].key, *name = root->as.pairs[0].val;
        def->key = rb_copy(l, key->as.text, key->count);
        def->name = rb_copy(l, name->kind == RB_SCALAR ? name->as.text : "", name->kind == RB_SCALAR ? name->count : 0);
        def->place = rb_place(key);
        found = !rb_out(l);
    } else { /* nothing can be compiled of it, so its mistakes are told now */
        l->rb->lost = true;
        rb_note(l, status != GOV_OK ? base_forward(l->d, err)
                                    : base_fail_at(l->d, &def->place, M_empty, A_S("what", "definition")));
    }
    gov_error_free(err);
    base_arena_free(&arena);
    return found;
}

static bool add_def(rulebook_loader *l, size_t file, const rb_slice *slice)
{
    rb_full *rb = l->rb;
    const char *key, *name;
    size_t key_len, name_len, cap = rb->def_count;

    if ((rb->def_count & (rb->def_count - 1)) == 0 || rb->def_count == 0) { /* a power of two: the table is full */
        const size_t room = rb->def_count == 0 ? 1 : rb->def_count * 2;
        rb_def *grown = rb_alloc(l, room, sizeof *grown);
        if (grown == NULL)
            return false;
        if (cap > 0)
            memcpy((void *)grown, (const void *)rb->defs, cap * sizeof *grown);
        rb->defs = grown;
    }
    rb_def *def = &rb->defs[rb->def_count];
    *def = (rb_def){.source = slice->source, .file = file, .slice = *slice};
    def->place = (base_place){slice->source->path, slice->line, 1};
    if (rb_peek(slice, &key, &key_len, &name, &name_len)) {
        def->key = rb_copy(l, key, key_len);
        def->name = rb_copy(l, name, name_len);
        rb_peek_place(slice, &def->place);
    } else if (!parse_head(l, def)) {
        return !rb_out(l);
    }
    if (rb_out(l))
        return false;
    classify(rb, def);
    if (def->kind == RB_UNKNOWN)
        report_kind(l, def);
    rb->def_count++;
    return true;
}

/* ---- duplicates, order ---- */

static bool named(const rb_def *def)
{
    return def->kind != RB_SCENARIO && def->kind != RB_OVERLAY && def->kind != RB_UNKNOWN;
}

static const char *joined(rulebook_loader *l, const char *kind, const char *name)
{
    const size_t n = strlen(kind), m = strlen(name);
    char *s = rb_alloc(l, n + m + 2, 1);
    if (s != NULL) {
        memcpy(s, kind, n);
        s[n] = ' ';
        memcpy(s + n + 1, name, m);
    }
    return s;
}

/* seen: where each kind and name came up first */
static void check_def(rulebook_loader *l, base_map *seen, size_t i)
{
    const rb_def *def = &l->rb->defs[i];
    if (def->kind == RB_RULEBOOK && i > 0)
        rb_note(l, base_fail_at(l->d, &def->place, M_second_rulebook));
    if (!named(def) || def->kind == RB_RULEBOOK)
        return;
    if (!rb_is_name(def->name, strlen(def->name)))
        rb_note(l, base_fail_at(l->d, &def->place, M_invalid_name, A_S("what", def->key), A_S("name", def->name)));
    bool fresh;
    const char *both = joined(l, def->key, def->name);
    uint64_t *at = both != NULL ? base_map_put(seen, both, strlen(both), &fresh) : NULL;
    if (at == NULL) {
        rb_note(l, base_nomem(l->d));
        return;
    }
    if (fresh) {
        *at = i;
        return;
    }
    const rb_def *other = &l->rb->defs[*at];
    rb_note(l, base_fail_at(l->d, &def->place, M_defined_twice, A_S("kind", def->key), A_S("name", def->name),
                            A_S("file", other->place.origin), A_I("line", other->place.line)));
}

static rulebook_names names_of(rulebook_loader *l, rb_def_kind kind)
{
    rulebook_names names = {0};
    const char **items = rb_alloc(l, l->rb->def_count, sizeof *items);
    for (size_t i = 0; items != NULL && i < l->rb->def_count; i++)
        if (l->rb->defs[i].kind == (uint8_t)kind)
            items[names.count++] = l->rb->defs[i].name;
    names.items = items;
    return names;
}

static void index_texts(rulebook_loader *l)
{
    rb_full *rb = l->rb;
    for (size_t i = 0; i < rb->source_count && !rb_out(l); i++) {
        uint32_t at = 0, line = 1;
        rb_slice slice;
        while (!rb_out(l) && rb_next_slice(&rb->sources[i], &at, &line, &slice))
            if (!add_def(l, i, &slice))
                break;
    }
    base_map seen;
    base_map_init(&seen, rb->alloc);
    for (size_t i = 0; i < rb->def_count && !rb_out(l); i++)
        check_def(l, &seen, i);
    base_map_free(&seen);
}

/* What was checked when it was stored is only looked up. */
static void index_trees(rulebook_loader *l, const void *bytes, size_t len)
{
    rb_note(l, rb_trees_index(l, bytes, len));
    for (size_t i = 0; i < l->rb->def_count && l->status == GOV_OK; i++) {
        classify(l->rb, &l->rb->defs[i]);
        if (l->rb->defs[i].kind == RB_UNKNOWN)
            report_kind(l, &l->rb->defs[i]);
    }
}

void rb_index(rulebook_loader *l, const rulebook_options *o)
{
    rulebook *rb = &l->rb->pub;
    if (rb_trees_usable(o->trees, o->trees_len) && !l->rb->all)
        index_trees(l, o->trees, o->trees_len);
    else
        index_texts(l);
    if (rb_out(l))
        return;
    rb->workflows = names_of(l, RB_WORKFLOW);
    rb->indicators = names_of(l, RB_INDICATOR);
    rb->schedules = names_of(l, RB_SCHEDULE);
    rb->scenarios = names_of(l, RB_SCENARIO);
}

rb_def *rb_find_def(const rb_full *rb, rb_def_kind kind, const char *key, const char *name)
{
    for (size_t i = 0; i < rb->def_count; i++) {
        rb_def *def = &rb->defs[i];
        if (def->kind == (uint8_t)kind && (key == NULL || strcmp(def->key, key) == 0) && strcmp(def->name, name) == 0)
            return def;
    }
    return NULL;
}

bool rulebook_defines(const rulebook *rb, const char *kind, const char *name, size_t len)
{
    const rb_full *full = (const rb_full *)rb;
    for (size_t i = 0; i < full->def_count; i++) {
        const rb_def *def = &full->defs[i];
        if (strcmp(def->key, kind) == 0 && strlen(def->name) == len && memcmp(def->name, name, len) == 0)
            return true;
    }
    return false;
}

const char *rulebook_defined_near(const rulebook *rb, const char *kind, const char *name, size_t len)
{
    enum { MOST_NAMES = 64 };
    const rb_full *full = (const rb_full *)rb;
    const char *names[MOST_NAMES];
    size_t count = 0;
    for (size_t i = 0; i < full->def_count && count < MOST_NAMES; i++)
        if (strcmp(full->defs[i].key, kind) == 0)
            names[count++] = full->defs[i].name;
    return name != NULL ? base_nearest(name, len, names, count) : NULL;
}

void rb_def_names(rulebook_loader *l, rb_def_kind kind, const char *key, rb_names *out)
{
    for (size_t i = 0; i < l->rb->def_count; i++) {
        const rb_def *def = &l->rb->defs[i];
        if (def->kind == (uint8_t)kind && (key == NULL || strcmp(def->key, key) == 0))
            rb_names_add(l, out, def->name);
    }
}
