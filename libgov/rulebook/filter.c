/* Filters: expressions inside of expressions, over `it`. */
#include "rulebook/load.h"

#include <stdio.h>
#include <string.h>

typedef struct filter_text {
    const expr_spot *spot;
    value text;
} filter_text;

static void locate(void *user, size_t offset, base_place *out)
{
    const filter_text *f = user;
    *out = expr_spot_inside(f->spot, f->text, offset);
}

/* The fields of a workflow as they are written, while a whole rulebook is loaded: others may not be compiled yet, or be waiting
 * for this one. False: not known. *fields may be NULL. */
static bool peek_fields(const rb_full *rb, const char *workflow, base_arena *arena, const rb_node **fields)
{
    gov_status status = GOV_OK;
    rb_full *full = (rb_full *)(uintptr_t)rb;
    rb_def *def = rb->all ? rb_find_def(rb, RB_WORKFLOW, NULL, workflow) : NULL;
    const rb_node *root = def != NULL ? rb_read_def(full, arena, def, &status, NULL) : NULL;
    *fields = root != NULL && root->kind == RB_MAP ? rb_get(root, "fields") : NULL;
    if (*fields != NULL && (*fields)->kind != RB_MAP)
        return false;
    return root != NULL && status == GOV_OK && root->kind == RB_MAP;
}

static gov_status declare_case(const rb_full *rb, const char *workflow, expr_scope *s, uint32_t it, const diag *d)
{
    static const struct {
        const char *name;
        expr_type type;
    } parts[] = {{"it.id", EXPR_INT},     {"it.number", EXPR_STRING},       {"it.workflow", EXPR_STRING},
                 {"it.open", EXPR_BOOL},  {"it.opened_at", EXPR_TIMESTAMP}, {"it.grid", EXPR_DYN},
                 {"it.unit", EXPR_DYN},   {"it.assignee", EXPR_DYN},        {"it.reporter", EXPR_DYN},
                 {"it.parent", EXPR_DYN}};
    char name[80];
    base_arena arena;
    const rb_node *fields;
    gov_status status = GOV_OK;
    base_arena_init(&arena, rb->alloc);
    if (peek_fields(rb, workflow, &arena, &fields)) {
        for (size_t i = 0; status == GOV_OK && i < ARRAY_LEN(parts); i++)
            status = expr_scope_var(s, parts[i].name, parts[i].type, NULL, d);
        for (uint32_t i = 0; fields != NULL && status == GOV_OK && i < fields->count; i++) {
            const rb_node *key = fields->as.pairs[i].key;
            if (!rb_is_name(key->as.text, key->count) || key->count > 64)
                continue;
            (void)snprintf(name, sizeof name, "it.%.*s", (int)key->count, key->as.text);
            status = expr_scope_var(s, name, EXPR_DYN, NULL, d);
        }
        expr_scope_close(s, it);
    }
    base_arena_free(&arena);
    return status;
}

gov_status rulebook_check_indexed(const rulebook *rb, const char *workflow, value field, const base_place *place,
                                  const diag *d)
{
    base_arena arena;
    const rb_node *fields;
    const char *best = NULL;
    const rb_full *full = (const rb_full *)rb;
    gov_status status = GOV_OK;
    if (field.kind != VALUE_STRING)
        return GOV_OK;
    base_arena_init(&arena, full->alloc);
    if (peek_fields(full, workflow, &arena, &fields)) {
        const rb_node *found = NULL;
        for (uint32_t i = 0; fields != NULL && i < fields->count; i++) {
            const rb_node *key = fields->as.pairs[i].key;
            const char *const pair[] = {best, key->as.text};
            if (key->count == field.len && memcmp(key->as.text, field.as.s, field.len) == 0)
                found = fields->as.pairs[i].val;
            best = base_nearest(field.as.s, field.len, pair, 2);
        }
        const rb_node *indexed = found != NULL && found->kind == RB_MAP ? rb_get(found, "indexed") : NULL;
        if (found == NULL)
            status = base_fail_at(d, place, M_unknown_name, A_S("kind", "field"), A_N("name", field.as.s, field.len),
                                  A_S("near", best));
        else if (indexed == NULL || (indexed->kind == RB_SCALAR && strcmp(indexed->as.text, "true") != 0))
            status = base_fail_at(d, place, M_field_not_indexed, A_N("field", field.as.s, field.len));
    }
    base_arena_free(&arena);
    return status;
}

/* What `it` has, where a rule is checked: records are of a known make. */
static gov_status declare_it(const rb_full *rb, const char *kind, expr_scope *s, uint32_t it, const diag *d)
{
    static const char *const common[] = {"it.id", "it.kind", "it.key"};
    char name[80];
    gov_status status = GOV_OK;
    const rulebook_host *part;
    if (rb_find_def(rb, RB_WORKFLOW, NULL, kind) != NULL)
        return declare_case(rb, kind, s, it, d);
    const rulebook_record *record = rulebook_find_record(&rb->pub, kind);
    for (size_t i = 0; status == GOV_OK && i < ARRAY_LEN(common); i++)
        status = expr_scope_var(s, common[i], i == 0 ? EXPR_INT : EXPR_STRING, NULL, d);
    for (size_t p = 0; (part = rulebook_host_part(rb->pub.host, p)) != NULL; p++)
        for (size_t i = 0; status == GOV_OK && i < part->builtin_count; i++) {
            const rulebook_builtin *b = &part->builtins[i];
            if (strcmp(b->kind, kind) != 0)
                continue;
            (void)snprintf(name, sizeof name, "it.%s", b->name);
            status = expr_scope_var(s, name, rb_field_type(&(const rulebook_field){.type = (uint8_t)b->type}), NULL, d);
        }
    for (uint32_t i = 0; record != NULL && status == GOV_OK && i < record->fields.count; i++) {
        const rulebook_field *f = &record->fields.items[i];
        (void)snprintf(name, sizeof name, "it.%s", f->name);
        status = expr_scope_var(s, name, rb_field_type(f), NULL, d);
    }
    expr_scope_close(s, it);
    return status;
}

static gov_status compile(const gov_allocator *a, const rb_full *full, const char *text, size_t len, const char *kind,
                          const expr_spot *spot, rulebook_filter *out, const diag *d)
{
    filter_text at = {spot, value_string(text, len)};
    const expr_options options = {.expect = EXPR_BOOL,
                                  .declared_only = true,
                                  .failing_parts = spot != NULL,
                                  .locate = spot != NULL ? locate : NULL,
                                  .user = &at};
    *out = (rulebook_filter){.it = RULEBOOK_NONE, .now = RULEBOOK_NONE};
    gov_status status = expr_scope_new(a, full->scope, &out->scope, d);
    if (status == GOV_OK)
        status = expr_scope_var(out->scope, "it", EXPR_DYN, &out->it, d);
    if (status == GOV_OK && kind != NULL)
        status = declare_it(full, kind, out->scope, out->it, d);
    if (status == GOV_OK)
        status = expr_compile(a, out->scope, text, len, &options, &out->program, d);
    return status;
}

gov_status rulebook_filter_new(const gov_allocator *a, const rulebook *rb, const char *text, size_t len,
                               rulebook_filter *out, const diag *d)
{
    const rb_full *full = (const rb_full *)rb;
    gov_status status = compile(a, full, text, len, NULL, NULL, out, d);
    if (status == GOV_OK) {
        out->slot_count = expr_scope_slots(out->scope);
        out->slots = base_array(a, out->slot_count, sizeof *out->slots);
        if (out->slots == NULL)
            status = base_nomem(d);
    }
    if (status != GOV_OK) {
        rulebook_filter_free(out, a);
        return status;
    }
    for (uint32_t i = 0; i < out->slot_count; i++) {
        out->slots[i] = i < full->slot_count ? full->presets[i] : value_absent();
        if (i < full->slot_count && full->slots[i].kind == RULEBOOK_SLOT_NOW)
            out->now = i;
    }
    return GOV_OK;
}

void rulebook_filter_free(rulebook_filter *f, const gov_allocator *a)
{
    base_free(a, f->slots);
    expr_program_free(f->program);
    expr_scope_free(f->scope);
    *f = (rulebook_filter){.it = RULEBOOK_NONE};
}

gov_status rulebook_filter_holds(const rulebook_filter *f, const expr_run *outer, value it, bool *holds, const diag *d)
{
    f->slots[f->it] = it;
    if (f->now < f->slot_count)
        f->slots[f->now] = value_from_us(outer->now_us);
    const expr_run run = {.slots = f->slots,
                          .slot_count = f->slot_count,
                          .scratch = outer->scratch,
                          .cost_limit = outer->cost_limit,
                          .cost_left = outer->cost_left,
                          .now_us = outer->now_us,
                          .zone = outer->zone};
    return expr_eval_bool(f->program, &run, holds, d);
}

gov_status rulebook_filter_check(const rulebook *rb, value text, const char *kind, const expr_spot *spot, const diag *d)
{
    rulebook_filter f;
    const rb_full *full = (const rb_full *)rb;
    if (text.kind != VALUE_STRING)
        return GOV_OK;
    const gov_status status = compile(full->alloc, full, text.as.s, text.len, kind, spot, &f, d);
    rulebook_filter_free(&f, full->alloc);
    return status;
}
