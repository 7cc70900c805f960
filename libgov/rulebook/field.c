/* Definitions of fields: of cases, of events' input, of records. */
#include "rulebook/load.h"
#include "rulebook/grammar.h"

#include <string.h>


const char *rulebook_type_name(rulebook_type t)
{
    return rb_words_field_type[t];
}

expr_type rb_field_type(const rulebook_field *f)
{
    switch (f->type) {
    case RULEBOOK_BOOL: return EXPR_BOOL;
    case RULEBOOK_INT:
    case RULEBOOK_MONEY: return EXPR_INT;
    case RULEBOOK_DOUBLE: return EXPR_DOUBLE;
    case RULEBOOK_STRING:
    case RULEBOOK_DATE: return EXPR_STRING;
    case RULEBOOK_BYTES: return EXPR_BYTES;
    case RULEBOOK_TIMESTAMP: return EXPR_TIMESTAMP;
    case RULEBOOK_POINT: return expr_map_of(EXPR_STRING, EXPR_INT);
    case RULEBOOK_LIST: return EXPR_LIST;
    case RULEBOOK_MAP: return expr_map_of(EXPR_STRING, EXPR_DYN);
    default: return EXPR_DYN; /* durations have two forms, and references may be compared with null */
    }
}

const rulebook_field *rulebook_find_field(const rulebook_fields *fields, const char *name, size_t len)
{
    const uint32_t i = rulebook_field_index(fields, name, len);
    return i != RULEBOOK_NONE ? &fields->items[i] : NULL;
}

uint32_t rulebook_field_index(const rulebook_fields *fields, const char *name, size_t len)
{
    for (uint32_t i = 0; i < fields->count; i++)
        if (strlen(fields->items[i].name) == len && memcmp(fields->items[i].name, name, len) == 0)
            return i;
    return RULEBOOK_NONE;
}

/* ---- limits ---- */

static bool ordered(unsigned type)
{
    return type == RULEBOOK_INT || type == RULEBOOK_DOUBLE || type == RULEBOOK_DATE || type == RULEBOOK_TIMESTAMP ||
           type == RULEBOOK_DURATION || type == RULEBOOK_MONEY;
}

static bool sized(unsigned type)
{
    return type == RULEBOOK_STRING || type == RULEBOOK_BYTES || type == RULEBOOK_LIST;
}

static void misplaced(rulebook_loader *l, const rb_node *map, const char *key, const rulebook_field *f)
{
    const rb_pair *pair = rb_find(map, key);
    if (pair != NULL)
        rb_fail(l, pair->key, M_limit_misplaced, A_S("limit", key), A_S("type", rb_words_field_type[f->type]));
}

/* A value written in the rulebook for the field, brought into the form that the field's values have. */
static value literal(rulebook_loader *l, const rb_node *n, const rulebook_field *f, bool with_limits)
{
    if (n == NULL)
        return value_absent();
    const value raw = rulebook_read_value(l, n);
    const base_place place = rb_place(n);
    value out = value_absent();
    rulebook_field plain = *f;
    if (!with_limits)
        plain = (rulebook_field){.name = f->name, .type = f->type, .max_length = -1};
    plain.when = NULL;
    const rulebook_checking how = {.arena = &l->unit->arena, .place = &place};
    rb_note(l, rulebook_check_field(&plain, raw, &how, &out, l->d));
    return out;
}

/* A choice is a value, or a map of the value and its title: {is: noise, title: {zh: 噪音扰民}}. A field of maps has no titles. */
static const rb_node *read_choice(rulebook_loader *l, const rb_node *n, const rulebook_field *f, rulebook_text *title)
{
    if (n->kind != RB_MAP || f->type == RULEBOOK_MAP || f->type == RULEBOOK_ANY || f->type == RULEBOOK_POINT)
        return n;
    if (!rulebook_read_keys(l, n, "choice", rb_keys_choice))
        return NULL;
    *title = rulebook_read_text(l, rb_get(n, "title"));
    return rb_get(n, "is");
}

static void read_choices(rulebook_loader *l, const rb_node *n, rulebook_field *f)
{
    if (n == NULL || !rb_expect(l, n, RB_LIST, "one_of"))
        return;
    value *items = rb_alloc(l, n->count, sizeof *items);
    rulebook_text *titles = rb_alloc(l, n->count, sizeof *titles);
    if (items == NULL || titles == NULL)
        return;
    if (n->count == 0)
        rb_fail(l, n, M_empty, A_S("what", "one_of"));
    for (uint32_t i = 0; i < n->count; i++) {
        items[i] = literal(l, read_choice(l, n->as.items[i], f, &titles[i]), f, false);
        for (uint32_t k = 0; k < i; k++)
            if (value_equal(items[i], items[k]) && !value_is(items[i], VALUE_ABSENT))
                rb_fail(l, n->as.items[i], M_twice, A_S("what", "one_of"));
    }
    f->one_of = items;
    f->one_of_titles = titles;
    f->one_of_count = n->count;
}

static void read_bounds(rulebook_loader *l, const rb_node *map, rulebook_field *f)
{
    if (!ordered(f->type)) {
        misplaced(l, map, "min", f);
        misplaced(l, map, "max", f);
        return;
    }
    f->min = literal(l, rb_get(map, "min"), f, false);
    f->max = literal(l, rb_get(map, "max"), f, false);
    if (!value_is(f->min, VALUE_ABSENT) && !value_is(f->max, VALUE_ABSENT) && f->min.kind == f->max.kind &&
        value_compare(f->min, f->max) > 0)
        rb_fail(l, rb_get(map, "min"), M_min_above_max);
}

static void free_program(void *p)
{
    expr_program_free(p);
}

static void free_scope(void *s)
{
    expr_scope_free(s);
}

/* `matches` becomes the expression it.matches("..."), so that the language has one kind of pattern. */
static expr_program *pattern_program(rulebook_loader *l, const char *pattern, const diag *d)
{
    expr_scope *scope = NULL;
    expr_program *program = NULL;
    uint32_t slot;
    base_buf text;

    base_buf_init(&text, l->rb->alloc);
    base_buf_str(&text, "it.matches(\"");
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            base_buf_char(&text, '\\');
        if (*p == '\n' || *p == '\r')
            base_buf_str(&text, *p == '\n' ? "\\n" : "\\r");
        else
            base_buf_char(&text, *p);
    }
    base_buf_str(&text, "\")");
    gov_status status = text.failed ? base_nomem(d) : expr_scope_new(l->rb->alloc, NULL, &scope, d);
    if (status == GOV_OK && !rb_own(l->unit, scope, free_scope))
        status = base_nomem(d);
    if (status == GOV_OK)
        status = expr_scope_var(scope, "it", EXPR_STRING, &slot, d);
    if (status == GOV_OK) {
        const expr_options options = {.expect = EXPR_BOOL, .declared_only = true};
        status = expr_compile(l->rb->alloc, scope, text.data, text.len, &options, &program, d);
    }
    if (status == GOV_OK) { /* a pattern that is no good shows when it is used */
        const value none = value_string("", 0);
        const expr_run run = {.slots = &none, .slot_count = 1, .scratch = &l->unit->arena};
        bool holds;
        status = expr_eval_bool(program, &run, &holds, d);
    }
    base_buf_free(&text);
    if (status == GOV_OK)
        return program;
    expr_program_free(program);
    if (status == GOV_E_NOMEM)
        rb_note(l, base_nomem(l->d));
    return NULL;
}

static void read_pattern(rulebook_loader *l, const rb_node *n, rulebook_field *f)
{
    gov_error *err = NULL;
    const diag inner = {l->rb->alloc, &err};

    if (n == NULL)
        return;
    f->pattern = rulebook_read_string(l, n, "matches");
    if (f->pattern == NULL)
        return;
    expr_program *program = pattern_program(l, f->pattern, &inner);
    if (program == NULL && !rb_out(l))
        rb_fail(l, n, M_field_pattern, A_S("why", gov_error_message(err, 0, "en")));
    else if (program != NULL && !rb_own(l->unit, program, free_program))
        rb_note(l, base_nomem(l->d));
    else
        f->matches = program;
    gov_error_free(err);
}

static void read_class(rulebook_loader *l, const rb_node *n, rulebook_field *f)
{
    f->sensitive = rulebook_read_name(l, n, "sensitive");
    if (f->sensitive == NULL || l->rb->lenient || rulebook_find_class(&l->rb->pub, f->sensitive) != NULL)
        return;
    rb_names known = {0};
    for (uint32_t i = 0; i < l->rb->pub.class_count; i++)
        rb_names_add(l, &known, l->rb->pub.classes[i].name);
    rb_unknown(l, n, "sensitivity", f->sensitive, &known);
    rb_names_free(l, &known);
}

static void read_limits(rulebook_loader *l, const rb_node *map, rulebook_field *f)
{
    f->required = rulebook_read_bool(l, rb_get(map, "required"), "required", false);
    f->indexed = rulebook_read_bool(l, rb_get(map, "indexed"), "indexed", false);
    f->max_length = -1;
    if (sized(f->type))
        f->max_length = rulebook_read_int(l, rb_get(map, "max_length"), "max_length", 0, 1 << 24, -1);
    else
        misplaced(l, map, "max_length", f);
    if (f->type == RULEBOOK_STRING)
        read_pattern(l, rb_get(map, "matches"), f);
    else
        misplaced(l, map, "matches", f);
    read_bounds(l, map, f);
    read_choices(l, rb_get(map, "one_of"), f);
    read_class(l, rb_get(map, "sensitive"), f);
    if (rb_get(map, "default") != NULL)
        f->preset = literal(l, rb_get(map, "default"), f, true);
    if (f->indexed && (f->type == RULEBOOK_LIST || f->type == RULEBOOK_MAP || f->type == RULEBOOK_ANY ||
                       f->type == RULEBOOK_BYTES))
        misplaced(l, map, "indexed", f);
}

static bool read_field(rulebook_loader *l, const rb_node *key, const rb_node *n, rulebook_field *f)
{
    f->place = rb_place(key);
    f->slot = RULEBOOK_NONE;
    f->when_it = RULEBOOK_NONE;
    f->max_length = -1;
    f->preset = f->min = f->max = value_absent();
    f->type = RULEBOOK_ANY;
    f->name = rulebook_read_name(l, key, "field");
    if (!rulebook_read_keys(l, n, "field", rb_keys_field))
        return f->name != NULL;
    f->title = rulebook_read_text(l, rb_get(n, "title"));
    f->description = rulebook_read_text(l, rb_get(n, "description"));
    if (rb_get(n, "type") != NULL) {
        f->type = (uint8_t)rulebook_read_word(l, rb_get(n, "type"), "type", rb_words_field_type, RULEBOOK_TYPES_);
        if (f->type == RULEBOOK_TYPES_)
            f->type = RULEBOOK_ANY;
        else
            read_limits(l, n, f);
    }
    return f->name != NULL;
}

rulebook_fields rb_fields(rulebook_loader *l, const rb_node *n)
{
    rulebook_fields fields = {0};
    if (n == NULL || !rb_expect(l, n, RB_MAP, "fields"))
        return fields;
    rulebook_field *items = rb_alloc(l, n->count, sizeof *items);
    if (items == NULL)
        return fields;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++)
        fields.count += read_field(l, n->as.pairs[i].key, n->as.pairs[i].val, &items[fields.count]);
    fields.items = items;
    return fields;
}

bool rb_has_conditions(const rb_node *fields)
{
    for (uint32_t i = 0; fields != NULL && fields->kind == RB_MAP && i < fields->count; i++)
        if (rb_get(fields->as.pairs[i].val, "when") != NULL)
            return true;
    return false;
}

void rb_field_conditions(rulebook_loader *l, const rb_node *n, rulebook_fields fields, const expr_scope *scope,
                         uint32_t it)
{
    if (n == NULL || n->kind != RB_MAP)
        return;
    for (uint32_t i = 0; i < fields.count; i++) {
        rulebook_field *f = (rulebook_field *)(uintptr_t)&fields.items[i];
        const rb_node *when = rb_get(rb_get(n, f->name), "when");
        if (when == NULL)
            continue;
        f->when = rb_expr(l, when, EXPR_BOOL, scope);
        f->when_it = it;
    }
}

rulebook_fields rulebook_read_fields(rulebook_loader *l, const rb_node *n, const char *prefix)
{
    const rulebook_fields fields = rb_fields(l, n);
    char name[160];
    expr_scope *scope = rb_scope(l, l->rb->scope);
    const size_t head = prefix != NULL ? strlen(prefix) : 0;
    if (head > 64 || scope == NULL)
        return fields;
    for (uint32_t i = 0; i < fields.count && prefix != NULL; i++) {
        memcpy(name, prefix, head);
        name[head] = '.';
        memcpy(name + head + 1, fields.items[i].name, strlen(fields.items[i].name) + 1);
        ((rulebook_field *)(uintptr_t)fields.items)[i].slot = rb_scope_var(l, scope, name, rb_field_type(&fields.items[i]));
    }
    const uint32_t it = rb_scope_var(l, scope, "it", EXPR_DYN);
    rb_field_conditions(l, n, fields, scope, it);
    return fields;
}
