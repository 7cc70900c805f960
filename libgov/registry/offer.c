/* What a list offers to filters and orders: names, where the store keeps them, and what is the same for all rows. */
#include "registry/registry.h"

#include <string.h>

static void fail(registry_offer *o, gov_status status)
{
    if (o->status == GOV_OK)
        o->status = status;
}

gov_status registry_offer_begin(registry_offer *o, gov *g, base_arena *arena, const diag *d)
{
    *o = (registry_offer){.g = g, .arena = arena, .d = d};
    return expr_scope_new(g->alloc, rulebook_common_scope(g->rules), &o->scope, d);
}

void registry_offer_end(registry_offer *o)
{
    expr_scope_free(o->scope);
}

const char *registry_offer_name(registry_offer *o, const char *a, const char *b, const char *c)
{
    base_buf name;
    base_buf_init(&name, o->g->alloc);
    base_buf_str(&name, a);
    base_buf_str(&name, b);
    base_buf_str(&name, c);
    char *kept = name.failed ? NULL : base_arena_strndup(o->arena, name.data, name.len);
    base_buf_free(&name);
    if (kept == NULL)
        fail(o, base_nomem(o->d));
    return kept;
}

access_column *registry_offer_find(const registry_offer *o, const char *name)
{
    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->items[i].name, name) == 0)
            return &o->items[i];
    return NULL;
}

static expr_type seen_as(const access_column *c)
{
    static const expr_type types[] = {
        [ACCESS_INT] = EXPR_INT,        [ACCESS_DOUBLE] = EXPR_DOUBLE, [ACCESS_TEXT] = EXPR_STRING,
        [ACCESS_TIME] = EXPR_TIMESTAMP, [ACCESS_SPAN] = EXPR_DURATION, [ACCESS_FLAG] = EXPR_BOOL,
        [ACCESS_KEY] = EXPR_STRING,     [ACCESS_TEXTS] = EXPR_LIST | EXPR_STRING << 4};
    return c->sql == NULL && c->why == M_filter_unsorted ? EXPR_DYN : types[c->domain];
}

access_column *registry_offer_add(registry_offer *o, const access_column *c)
{
    uint32_t slot = 0;
    if (c->name == NULL || o->status != GOV_OK)
        return NULL;
    if (o->count == o->cap) {
        const size_t cap = o->cap == 0 ? 32 : o->cap * 2;
        access_column *grown = base_arena_array(o->arena, cap, sizeof *grown);
        if (grown == NULL) {
            fail(o, base_nomem(o->d));
            return NULL;
        }
        if (o->count > 0)
            memcpy(grown, o->items, o->count * sizeof *grown);
        o->items = grown;
        o->cap = cap;
    }
    const gov_status status = expr_scope_var(o->scope, c->name, seen_as(c), &slot, o->d);
    if (status != GOV_OK) {
        fail(o, status);
        return NULL;
    }
    o->items[o->count] = *c;
    o->items[o->count].slot = slot;
    return &o->items[o->count++];
}

void registry_offer_refuse(registry_offer *o, access_column *c, base_message why)
{
    c->sql = NULL;
    c->why = why;
    fail(o, expr_scope_var(o->scope, c->name, EXPR_DYN, NULL, o->d));
}

void registry_offer_fail(registry_offer *o, gov_status status)
{
    fail(o, status);
}

/* ---- fields ---- */

/* False: the index has nothing that could be compared. */
static bool domain_of(const rulebook_field *f, access_domain *out)
{
    switch (f->type) {
    case RULEBOOK_BOOL: *out = ACCESS_FLAG; return true;
    case RULEBOOK_INT:
    case RULEBOOK_MONEY: *out = ACCESS_INT; return true;
    case RULEBOOK_DOUBLE: *out = ACCESS_DOUBLE; return true;
    case RULEBOOK_STRING:
    case RULEBOOK_DATE: *out = ACCESS_TEXT; return true;
    case RULEBOOK_TIMESTAMP: *out = ACCESS_TIME; return true;
    default:
        *out = registry_kind_of(f->type) != NULL ? ACCESS_KEY : ACCESS_INT;
        return rulebook_is_reference(f->type);
    }
}

static bool may_be_cut(const rulebook_field *f)
{
    bool fits = f->one_of_count > 0;
    for (uint32_t i = 0; i < f->one_of_count; i++)
        fits = fits && f->one_of[i].len <= ACCESS_LONGEST_WORD;
    return f->type == RULEBOOK_STRING && !fits &&
           (f->max_length < 0 || f->max_length > ACCESS_LONGEST_WORD / 4);
}

access_column registry_offer_field(registry_offer *o, const char *prefix, const rulebook_field *f,
                                   const access_column *words)
{
    access_domain domain;
    access_column c = *words;
    const bool sorted = domain_of(f, &domain);
    c.name = registry_offer_name(o, prefix, f->name, "");
    c.words = true;
    c.owner = f->name;
    c.cut = may_be_cut(f);
    c.hidden = !access_might_see(o->g, f->sensitive);
    c.domain = (uint8_t)domain;
    c.kind = domain == ACCESS_KEY ? registry_kind_of(f->type) : NULL;
    if (!sorted || !f->indexed) {
        c.sql = NULL;
        c.why = sorted ? M_filter_not_indexed : M_filter_unsorted;
    }
    return c;
}

/* ---- what is the same for all rows ---- */

static value key_of(registry_offer *o, int64_t id)
{
    const char *key = "";
    if (id == 0)
        return value_null();
    const gov_status status = registry_label(o->g, id, &key, NULL, o->d);
    if (status != GOV_OK)
        fail(o, status);
    key = base_arena_strdup(o->arena, key);
    if (key == NULL)
        fail(o, base_nomem(o->d));
    return value_text(base_text_or_empty(key));
}

static value actor_value(registry_offer *o, rulebook_actor_part what)
{
    const access_actor *a = &o->g->actor;
    value_builder list;
    value_builder_init(&list, o->arena);
    switch (what) {
    case RULEBOOK_ACTOR_ID: return a->id != 0 ? value_text(a->key) : value_null();
    case RULEBOOK_ACTOR_UNIT: return key_of(o, a->unit);
    case RULEBOOK_ACTOR_ROLES:
        for (size_t i = 0; i < a->role_count; i++)
            value_builder_add(&list, value_text(a->roles[i]));
        break;
    default:
        for (size_t i = 0; i < a->grid_count; i++)
            value_builder_add(&list, key_of(o, a->grids[i]));
        break;
    }
    if (list.failed)
        fail(o, base_nomem(o->d));
    return value_builder_list(&list);
}

/* Values by slot: those of the rulebook, now, the actor (by keys, as a filter has it), and none for columns. */
static value *common_values(registry_offer *o, size_t *count)
{
    static const expr_type types[] = {EXPR_STRING, EXPR_LIST | EXPR_STRING << 4,
                                      EXPR_LIST | EXPR_STRING << 4, EXPR_STRING};
    const value *presets;
    uint32_t known;
    const rulebook_slot *slots = rulebook_common_slots(o->g->rules, &presets, &known);
    uint32_t mine[4] = {0};
    for (uint32_t i = 0; i < known && o->status == GOV_OK; i++)
        if (slots[i].kind == RULEBOOK_SLOT_ACTOR)
            fail(o, expr_scope_var(o->scope, slots[i].name, types[slots[i].part & 3],
                                   &mine[slots[i].part & 3], o->d));
    *count = expr_scope_slots(o->scope);
    value *values = base_arena_array(o->arena, *count, sizeof *values);
    if (values == NULL || o->status != GOV_OK) {
        if (o->status == GOV_OK)
            fail(o, base_nomem(o->d));
        return NULL;
    }
    for (size_t i = 0; i < *count; i++)
        values[i] = i < known ? presets[i] : value_absent();
    for (uint32_t i = 0; i < known; i++) {
        if (slots[i].kind == RULEBOOK_SLOT_NOW)
            values[i] = value_from_us(access_now(o->g));
        if (slots[i].kind == RULEBOOK_SLOT_ACTOR)
            values[mine[slots[i].part & 3]] = actor_value(o, (rulebook_actor_part)slots[i].part);
    }
    return values;
}

gov_status registry_offer_done(registry_offer *o, access_filtering *out)
{
    out->scope = o->scope;
    out->columns = o->items;
    out->column_count = o->count;
    out->find = registry_lookup;
    out->slots = common_values(o, &out->slot_count);
    return o->status;
}
