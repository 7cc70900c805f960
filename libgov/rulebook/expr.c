/* Expressions inside YAML: compiled where they stand, every mistake at its own column. */
#include "rulebook/load.h"

#include <string.h>

static void locate(void *user, size_t offset, base_place *out)
{
    *out = rb_locate(user, offset);
}

static void free_program(void *p)
{
    expr_program_free(p);
}

static void free_scope(void *s)
{
    expr_scope_free(s);
}

/* An expression that YAML made a list or a map of. */
static void report_shape(rulebook_loader *l, const rb_node *n)
{
    if (n->quiet) {
        rb_note(l, GOV_E_RULE);
        return;
    }
    if (n->style == RB_FLOW)
        rb_note(l, rb_report_quote(l->rb->alloc, rb_place(n), n->source->bytes + n->start, n->end - n->start, l->d));
    else
        rb_fail(l, n, M_wrong_kind, A_S("what", "expression"), A_S("expected", "text"), A_S("found", rb_kind_name(n)));
}

/* `not x`, where the mistake shows at the x. */
static bool negation(const rb_node *n, const char *found, base_place *place)
{
    for (const char *p = n->as.text; (p = strstr(p, "not ")) != NULL; p += 4) {
        const char *next = p + 4;
        while (*next == ' ')
            next++;
        if ((p == n->as.text || strchr(" (&|!?:,", p[-1]) != NULL) && strncmp(next, found, strlen(found)) == 0) {
            *place = rb_locate(n, (size_t)(p - n->as.text));
            return true;
        }
    }
    return false;
}

/* Signs and words of other languages, told by what stands for them here. One such mistake ends the reading of an expression. */
static gov_status forward(rulebook_loader *l, const rb_node *n, const gov_error *e)
{
    static const char *const signs[][2] = {{"and", "&&"}, {"or", "||"}, {"AND", "&&"}, {"OR", "||"}, {"is", "=="}, {"not", "!"},
                                           {"eq", "=="}, {"且", "&&"}, {"或", "||"}};
    base_place place = {n->source->path, (uint32_t)gov_error_line(e, 0), (uint32_t)gov_error_column(e, 0)};
    const base_message m = base_error_message(e, 0);
    const char *found = gov_error_argument(e, 0, m == M_bad_character ? "character" : "found");
    if (gov_error_count(e) == 1 && found != NULL && m == M_bad_character && strcmp(found, "=") == 0)
        return base_fail_at(l->d, &place, M_expr_word, A_S("found", "="), A_S("wanted", "=="));
    if (gov_error_count(e) == 1 && found != NULL && m == M_unexpected_token && strcmp(found, ">") == 0 && strstr(n->as.text, "<>") != NULL)
        return base_fail_at(l->d, &place, M_expr_word, A_S("found", "<>"), A_S("wanted", "!="));
    char half[4];
    const char *blank;
    if (gov_error_count(e) == 1 && found != NULL && m == M_bad_character && rb_half(found, strlen(found), half) > 0)
        return base_fail_at(l->d, &place, M_expr_word, A_S("found", found), A_S("wanted", half[0] == '"' ? "'" : half));
    if (gov_error_count(e) == 1 && found != NULL && m == M_bad_character && rb_blank(found, strlen(found), &blank) > 0)
        return base_fail_at(l->d, &place, M_yaml_blank, A_S("character", blank));
    for (size_t i = 0; i < ARRAY_LEN(signs) && gov_error_count(e) == 1 && m == M_unexpected_token && found != NULL; i++)
        if (strcmp(found, signs[i][0]) == 0)
            return base_fail_at(l->d, &place, M_expr_word, A_S("found", found), A_S("wanted", signs[i][1]));
    if (gov_error_count(e) == 1 && m == M_unexpected_token && found != NULL && found[0] != '\0' && negation(n, found, &place))
        return base_fail_at(l->d, &place, M_expr_word, A_S("found", "not"), A_S("wanted", "!"));
    const char *field = m == M_no_such_field ? gov_error_argument(e, 0, "field") : NULL;
    if (gov_error_count(e) == 1 && field != NULL && (strcmp(field, "length") == 0 || strcmp(field, "size") == 0))
        return base_fail_at(l->d, &place, M_expr_word, A_S("found", field), A_S("wanted", "size()"));
    static const char *const functions[][2] = {{"length", "size"}, {"len", "size"}, {"includes", "contains"},
                                               {"toLowerCase", "lowerAscii"}, {"toUpperCase", "upperAscii"}, {"lower", "lowerAscii"}, {"upper", "upperAscii"}};
    const char *name = gov_error_argument(e, 0, "name");
    if (gov_error_count(e) == 1 && m == M_reserved_word && name != NULL && strcmp(name, "if") == 0)
        return base_fail_at(l->d, &place, M_expr_word, A_S("found", name), A_S("wanted", "CONDITION ? ONE : OTHER"));
    for (size_t i = 0; i < ARRAY_LEN(functions) && gov_error_count(e) == 1 && m == M_unknown_function && name != NULL; i++)
        if (strcmp(name, functions[i][0]) == 0)
            return base_fail_at(l->d, &place, M_unknown_function, A_S("name", name), A_S("near", functions[i][1]));
    return base_forward(l->d, e);
}

const expr_program *rb_expr(rulebook_loader *l, const rb_node *n, expr_type expect, const expr_scope *scope)
{
    expr_program *program = NULL;

    if (n == NULL || rb_out(l))
        return NULL;
    if (n->kind != RB_SCALAR) {
        report_shape(l, n);
        return NULL;
    }
    if (n->quiet) {
        rb_note(l, GOV_E_RULE);
        return NULL;
    }
    if (n->count == 0) {
        rb_fail(l, n, M_empty, A_S("what", "expression"));
        return NULL;
    }
    const bool cut = rb_was_cut(n);
    const expr_options options = {.expect = expect, .declared_only = true, .failing_parts = l->rb->all, .locate = locate, .user = (void *)(uintptr_t)n};
    gov_error *err = NULL;
    const diag inner = {l->rb->alloc, &err};
    gov_status status = expr_compile(l->rb->alloc, scope != NULL ? scope : l->scope, n->as.text, n->count, &options, &program,
                                     cut ? NULL : &inner);
    if (!cut && err != NULL) {
        const gov_status told = status == GOV_E_NOMEM ? base_nomem(l->d) : forward(l, n, err);
        status = told == GOV_E_NOMEM ? told : status;
    }
    gov_error_free(err);
    if (status == GOV_OK) {
        if (rb_own(l->unit, program, free_program))
            return program;
        rb_note(l, base_nomem(l->d));
        return NULL;
    }
    if (cut && status != GOV_E_NOMEM) { /* perhaps the rest was taken for a comment */
        size_t len;
        const char *text = rb_line_rest(n->source, n->start, &len);
        rb_note(l, rb_report_quote(l->rb->alloc, rb_place(n), text, len, l->d));
        return NULL;
    }
    rb_note(l, cut ? base_nomem(l->d) : status);
    return NULL;
}

bool rb_settled(const expr_program *p, bool *holds)
{
    value v;
    if (p == NULL || !expr_program_constant(p, &v) || !value_is(v, VALUE_BOOL))
        return false;
    *holds = v.as.b;
    return true;
}

void rb_doubt_condition(rulebook_loader *l, const rb_node *n, const expr_program *p, bool more)
{
    bool holds;
    if (!l->rb->all || n == NULL || !rb_settled(p, &holds))
        return;
    if (!holds)
        rb_warn(l, rb_place(n), M_condition_never);
    else if (more)
        rb_warn(l, rb_place(n), M_condition_always);
}

expr_scope *rb_scope(rulebook_loader *l, const expr_scope *parent)
{
    expr_scope *s = NULL;
    if (rb_out(l))
        return NULL;
    rb_note(l, expr_scope_new(l->rb->alloc, parent, &s, l->d));
    if (s != NULL && !rb_own(l->unit, s, free_scope)) {
        rb_note(l, base_nomem(l->d));
        return NULL;
    }
    return s;
}

uint32_t rb_scope_var(rulebook_loader *l, expr_scope *s, const char *name, expr_type type)
{
    uint32_t slot = RULEBOOK_NONE;
    if (s != NULL && !rb_out(l))
        rb_note(l, expr_scope_var(s, name, type, &slot, l->d));
    return slot;
}

void rb_scope_skip(rulebook_loader *l, expr_scope *s, size_t count)
{
    if (s != NULL && !rb_out(l))
        rb_note(l, expr_scope_skip(s, count, l->d));
}

const expr_program *rulebook_read_expr(rulebook_loader *l, const rb_node *n, expr_type expect, const expr_scope *scope)
{
    return rb_expr(l, n, expect, scope);
}

expr_scope *rulebook_new_scope(rulebook_loader *l)
{
    return rb_scope(l, l->rb->scope);
}

const expr_scope *rulebook_common_scope(const rulebook *rb)
{
    return ((const rb_full *)rb)->scope;
}

const rulebook_slot *rulebook_common_slots(const rulebook *rb, const value **presets, uint32_t *count)
{
    const rb_full *full = (const rb_full *)rb;
    *presets = full->presets;
    *count = full->slot_count;
    return full->slots;
}

