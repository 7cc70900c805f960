/* Actions: what is done on a transition, on entry and exit, and by schedules. */
#include "rulebook/action.h"
#include "rulebook/grammar.h"

#include <string.h>

#include "rulebook/workflow.h"

/* ---- expressions that see an event ---- */

/* Does the expression use event.data other than by a member's name? */
static bool wants_whole(const rb_node *n)
{
    static const char path[] = "event.data";
    const size_t len = sizeof path - 1;
    for (const char *p = n->as.text; (p = strstr(p, path)) != NULL; p += len) {
        const char after = p[len];
        const bool longer = (after >= 'a' && after <= 'z') || (after >= 'A' && after <= 'Z') || after == '_' ||
                            (after >= '0' && after <= '9');
        if (after != '.' && !longer)
            return true;
    }
    return false;
}

static const expr_scope *scope_for(const rb_node *n, const rb_context *c)
{
    return n != NULL && n->kind == RB_SCALAR && wants_whole(n) ? c->whole : c->typed;
}

const expr_program *rb_event_expr(rulebook_loader *l, const rb_node *n, expr_type expect, const rb_context *c)
{
    return rb_expr(l, n, expect, scope_for(n, c));
}

rulebook_duration rb_event_duration(rulebook_loader *l, const rb_node *n, const rb_context *c)
{
    return rb_duration(l, n, scope_for(n, c));
}

/* ---- set ---- */

static void assign(rulebook_loader *l, const rb_pair *pair, const rb_context *c, rulebook_assignment *out)
{
    const rulebook_fields *fields = &l->work->w->fields;
    const rb_node *key = pair->key;
    out->place = rb_place(key);
    out->field = rulebook_field_index(fields, key->as.text, key->count);
    if (out->field == RULEBOOK_NONE) {
        rb_names known = {0};
        for (uint32_t i = 0; i < fields->count; i++)
            rb_names_add(l, &known, fields->items[i].name);
        rb_unknown(l, key, "field", key->as.text, &known);
        rb_names_free(l, &known);
        return;
    }
    const rulebook_field *f = &fields->items[out->field];
    out->expr = rb_event_expr(l, pair->val, EXPR_DYN, c);
    const base_place at = rb_place(pair->val);
    rb_fits_field(l, &at, out->expr, f);
}

static void read_set(rulebook_loader *l, const rb_node *n, const rb_context *c, rulebook_action *a)
{
    a->kind = RULEBOOK_SET;
    if (!rb_expect(l, n, RB_MAP, "set"))
        return;
    rulebook_assignment *items = rb_alloc(l, n->count, sizeof *items);
    if (items == NULL)
        return;
    if (n->count == 0)
        rb_fail(l, n, M_empty, A_S("what", "set"));
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++)
        assign(l, &n->as.pairs[i], c, &items[i]);
    a->as.set.items = items;
    a->as.set.count = n->count;
}

/* ---- events ---- */

static const expr_program *read_data(rulebook_loader *l, const rb_node *n, const rb_context *c)
{
    const expr_program *data = rb_event_expr(l, n, EXPR_DYN, c);
    char found[EXPR_TYPE_TEXT];
    if (data != NULL && !expr_type_fits(expr_program_type(data), EXPR_MAP) && expr_program_type(data) != EXPR_NULL)
        rb_fail(l, n, M_expr_type, A_S("expected", "map"), A_S("found", expr_type_text(expr_program_type(data), found)));
    return data;
}

static void read_raise(rulebook_loader *l, const rb_node *n, const rb_context *c, rulebook_action *a)
{
    a->kind = RULEBOOK_RAISE;
    if (n->kind == RB_SCALAR) {
        a->as.raise.event = rb_read_event(l, n, "event");
    } else if (rulebook_read_keys(l, n, "raise", rb_keys_raise)) {
        a->as.raise.event = rb_read_event(l, rb_get(n, "event"), "event");
        a->as.raise.data = read_data(l, rb_get(n, "data"), c);
    }
}

static void read_send(rulebook_loader *l, const rb_node *n, const rb_context *c, rulebook_action *a)
{
    rulebook_send *s = &a->as.send;
    a->kind = RULEBOOK_SEND;
    if (n->kind == RB_SCALAR) {
        s->event = rb_read_event(l, n, "event");
        return;
    }
    if (!rulebook_read_keys(l, n, "send", rb_keys_send))
        return;
    const rb_node *to = rb_get(n, "to"), *after = rb_get(n, "after"), *at = rb_get(n, "at");
    s->event = rb_read_event(l, rb_get(n, "event"), "event");
    s->link = rulebook_read_name(l, to, "to");
    s->to = to == NULL ? RULEBOOK_TO_SELF
            : rb_is(to, "self") ? RULEBOOK_TO_SELF
            : rb_is(to, "parent") ? RULEBOOK_TO_PARENT
            : rb_is(to, "children") ? RULEBOOK_TO_CHILDREN
            : rb_is(to, "sender") ? RULEBOOK_TO_SENDER : RULEBOOK_TO_LINK;
    if (s->to != RULEBOOK_TO_LINK)
        s->link = NULL;
    if (after != NULL && at != NULL)
        rb_fail(l, rb_find(n, "at")->key, M_not_together, A_S("a", "after"), A_S("b", "at"));
    s->after = rb_event_duration(l, after, c);
    s->at = rb_event_expr(l, at, EXPR_TIMESTAMP, c);
    s->id = rulebook_read_name(l, rb_get(n, "id"), "id");
    s->data = read_data(l, rb_get(n, "data"), c);
}

/* ---- if ---- */

static void read_if(rulebook_loader *l, const rb_node *n, const rb_context *c, rulebook_action *a)
{
    a->kind = RULEBOOK_IF;
    rulebook_read_keys(l, n, "if", rb_keys_branch);
    a->as.branch.when = rb_event_expr(l, rb_get(n, "if"), EXPR_BOOL, c);
    rb_doubt_condition(l, rb_get(n, "if"), a->as.branch.when, rb_get(n, "else") != NULL);
    a->as.branch.then = rb_block(l, rb_get(n, "then"), c);
    a->as.branch.otherwise = rb_block(l, rb_get(n, "else"), c);
}

/* ---- effects ---- */

static void read_members(rulebook_loader *l, const rulebook_param *p, const rb_node *n, const rb_context *c,
                         rulebook_argument *out)
{
    if (!rb_expect(l, n, RB_MAP, p->name))
        return;
    rulebook_argument *members = rb_alloc(l, n->count, sizeof *members);
    if (members == NULL)
        return;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++) {
        members[i].name = rulebook_read_name(l, n->as.pairs[i].key, p->name);
        members[i].place = rb_place(n->as.pairs[i].key);
        members[i].expr = rb_event_expr(l, n->as.pairs[i].val, p->type, c);
        if (members[i].name == NULL)
            members[i].name = "";
    }
    out->members = members;
    out->member_count = n->count;
}

bool rb_check_definition(rulebook_loader *l, const rb_node *n, rb_def_kind kind, const char *key, const char *name)
{
    if (rb_find_def(l->rb, kind, key, name) != NULL)
        return true;
    rb_names known = {0};
    rb_def_names(l, kind, key, &known);
    rb_unknown(l, n, key, name, &known);
    rb_names_free(l, &known);
    return false;
}

static void read_argument(rulebook_loader *l, const rulebook_param *p, const rb_node *n, const rb_context *c,
                          rulebook_argument *out)
{
    *out = (rulebook_argument){.name = p->name, .param = p, .place = rb_place(n), .slot = RULEBOOK_NONE};
    switch (p->kind) {
    case RULEBOOK_PARAM_EXPR:
        out->expr = rb_event_expr(l, n, p->type, c);
        rb_fits_record(l, &out->place, out->expr, p->refs, p->required);
        return;
    case RULEBOOK_PARAM_EXPRS:
        read_members(l, p, n, c, out);
        return;
    case RULEBOOK_PARAM_TEXT:
        out->words = rulebook_read_text(l, n);
        return;
    case RULEBOOK_PARAM_DURATION:
        out->duration = rb_event_duration(l, n, c);
        return;
    default:
        break;
    }
    out->text = rulebook_read_name(l, n, p->name);
    if (out->text == NULL || l->rb->lenient)
        return;
    if (p->kind == RULEBOOK_PARAM_WORKFLOW)
        rb_check_definition(l, n, RB_WORKFLOW, "workflow", out->text);
    else if (p->kind == RULEBOOK_PARAM_TEMPLATE)
        rb_check_definition(l, n, RB_TEMPLATE, "template", out->text);
    else if (p->kind == RULEBOOK_PARAM_SECTION)
        rb_check_definition(l, n, RB_SECTION, p->section, out->text);
}

static void check_effect_keys(rulebook_loader *l, const rb_node *n, const rulebook_effect *e)
{
    char names[32][40];
    const char *keys[ARRAY_LEN(names) + 1];
    size_t count = 0;
    for (; count < e->param_count && count < ARRAY_LEN(names); count++) {
        const rulebook_param *p = &e->params[count];
        const size_t len = strlen(p->name) < 38 ? strlen(p->name) : 38;
        names[count][0] = '!';
        memcpy(names[count] + p->required, p->name, len);
        names[count][p->required + len] = '\0';
        keys[count] = names[count];
    }
    keys[count] = NULL;
    rulebook_read_keys(l, n, e->name, keys);
}

/* The variable of `as` gets the slot after all the others, in scopes of its own over those of the place. */
static bool add_variable(rulebook_loader *l, const rb_node *n, const rulebook_effect *e, const rb_context *c,
                         rb_context *inner, uint32_t *slot)
{
    for (uint32_t i = 0; i < e->param_count; i++) {
        const rb_node *name = e->params[i].kind == RULEBOOK_PARAM_VAR ? rb_get(n, e->params[i].name) : NULL;
        if (name == NULL || name->kind != RB_SCALAR || !rb_is_name(name->as.text, name->count))
            continue;
        expr_scope *typed = rb_scope(l, c->typed), *whole = c->whole == c->typed ? typed : rb_scope(l, c->whole);
        *slot = rb_scope_var(l, typed, name->as.text, EXPR_DYN);
        if (whole != typed)
            (void)rb_scope_var(l, whole, name->as.text, EXPR_DYN);
        *inner = (rb_context){typed, whole};
        return !rb_out(l);
    }
    return false;
}

static void read_effect(rulebook_loader *l, const rb_node *n, const rulebook_effect *e, const rb_context *c,
                        rulebook_action *a)
{
    rb_context inner = *c;
    uint32_t count = 0, slot = RULEBOOK_NONE;
    a->kind = RULEBOOK_EFFECT;
    a->as.effect.effect = e;
    if (!rb_expect(l, n, RB_MAP, e->name))
        return;
    check_effect_keys(l, n, e);
    if (n->count == 0)
        rb_fail(l, n, M_empty, A_S("what", e->name));
    (void)add_variable(l, n, e, c, &inner, &slot);
    rulebook_argument *args = rb_alloc(l, e->param_count, sizeof *args);
    if (args == NULL)
        return;
    for (uint32_t i = 0; i < e->param_count && !rb_out(l); i++) {
        const rb_node *arg = rb_get(n, e->params[i].name);
        if (arg == NULL)
            continue;
        if (e->params[i].kind == RULEBOOK_PARAM_ID && e->report_count > 0 && l->work == NULL)
            rb_fail(l, arg, M_action_needs_case, A_S("action", e->name));
        read_argument(l, &e->params[i], arg, &inner, &args[count]);
        if (e->params[i].kind == RULEBOOK_PARAM_VAR)
            args[count].slot = slot;
        count++;
    }
    a->as.effect.args = args;
    a->as.effect.count = count;
}

const rulebook_argument *rulebook_arg(const rulebook_action *effect, const char *name)
{
    for (uint32_t i = 0; i < effect->as.effect.count; i++)
        if (strcmp(effect->as.effect.args[i].name, name) == 0)
            return &effect->as.effect.args[i];
    return NULL;
}

/* ---- one action, and lists of them ---- */

static const char *const built_in[] = {"set", "raise", "send", "cancel", "if", "log"};

static void unknown_action(rulebook_loader *l, const rb_node *key)
{
    const rulebook_host *part;
    rb_names known = {0};
    for (size_t i = 0; i < ARRAY_LEN(built_in); i++)
        rb_names_add(l, &known, built_in[i]);
    for (size_t k = 0; (part = rulebook_host_part(l->rb->pub.host, k)) != NULL; k++)
        for (size_t i = 0; i < part->effect_count; i++)
            rb_names_add(l, &known, part->effects[i].name);
    rb_unknown(l, key, "action", key->as.text, &known);
    rb_names_free(l, &known);
}

/* Schedules have no case whose fields could be set and which could get events. */
static bool needs_case(rulebook_loader *l, const rb_node *key)
{
    if (l->work != NULL)
        return true;
    rb_fail(l, key, M_action_needs_case, A_S("action", key->as.text));
    return false;
}

static void read_action(rulebook_loader *l, const rb_node *n, const rb_context *c, rulebook_action *a)
{
    const rulebook_effect *effect;
    a->place = rb_place(n);
    a->kind = RULEBOOK_LOG; /* what does nothing, should the action be wrong */
    if (!rb_expect(l, n, RB_MAP, "action"))
        return;
    if (rb_get(n, "if") != NULL) {
        read_if(l, n, c, a);
        return;
    }
    if (n->count != 1) {
        rb_fail(l, n, M_one_key, A_S("what", "action"));
        return;
    }
    const rb_node *key = n->as.pairs[0].key, *val = n->as.pairs[0].val;
    if (rb_is(key, "set") && needs_case(l, key)) {
        read_set(l, val, c, a);
    } else if (rb_is(key, "raise") && needs_case(l, key)) {
        read_raise(l, val, c, a);
    } else if (rb_is(key, "send") && needs_case(l, key)) {
        read_send(l, val, c, a);
    } else if (rb_is(key, "cancel") && needs_case(l, key)) {
        a->kind = RULEBOOK_CANCEL;
        a->as.cancel.id = rulebook_read_name(l, val, "cancel");
        if (a->as.cancel.id != NULL)
            a->as.cancel.later = rulebook_find_later(l->work->w, a->as.cancel.id);
    } else if (rb_is(key, "log")) {
        a->as.log.text = rulebook_read_text(l, val);
    } else if ((effect = rulebook_find_effect(l->rb->pub.host, key->as.text)) != NULL) {
        read_effect(l, val, effect, c, a);
    } else if (!rb_is(key, "set") && !rb_is(key, "raise") && !rb_is(key, "send") && !rb_is(key, "cancel")) {
        unknown_action(l, key);
    }
}

rulebook_block rb_block(rulebook_loader *l, const rb_node *n, const rb_context *c)
{
    rulebook_block block = {0};
    if (n == NULL || !rb_expect(l, n, RB_LIST, "actions"))
        return block;
    rulebook_action *items = rb_alloc(l, n->count, sizeof *items);
    if (items == NULL)
        return block;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++)
        read_action(l, n->as.items[i], c, &items[i]);
    return (rulebook_block){items, n->count};
}
