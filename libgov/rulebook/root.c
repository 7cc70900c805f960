/* The root definition: identity, languages, zone, values, roles, permissions, masks; and overlays over it. */
#include "rulebook/load.h"
#include "rulebook/grammar.h"

#include <string.h>

/* ---- values ---- */

static void read_duration_value(rulebook_loader *l, const rb_node *is, rulebook_value *v)
{
    const base_place place = rb_place(is);
    const gov_status status = cal_parse_duration(is->as.text, is->count, &v->duration, &place, l->d);
    v->val = value_string(rb_copy(l, is->as.text, is->count), is->count);
    v->type = EXPR_STRING;
    if (status != GOV_OK) {
        rb_note(l, status != GOV_E_NOT_FOUND ? status : GOV_OK); /* just a string */
        return;
    }
    v->is_duration = true;
    rb_check_length(l, &place, is->as.text, is->count, v->duration);
    if (v->duration.unit == CAL_TIME) {
        const value whole = value_from_us(v->duration.amount);
        v->val = value_duration(whole.as.i, whole.nanos);
        v->type = EXPR_DURATION;
    }
}

static rulebook_value *value_named(rb_full *rb, const char *name, size_t len)
{
    for (uint32_t i = 0; i < rb->pub.value_count; i++)
        if (strlen(rb->pub.values[i].name) == len && memcmp(rb->pub.values[i].name, name, len) == 0)
            return (rulebook_value *)(uintptr_t)&rb->pub.values[i];
    return NULL;
}

/* `is: values.other`; NULL when it is something else. */
static const char *refers_to(const rb_node *is)
{
    if (is == NULL || is->kind != RB_SCALAR || is->type != RB_STRING || strncmp(is->as.text, "values.", 7) != 0 ||
        !rb_is_name(is->as.text + 7, is->count - 7))
        return NULL;
    return is->as.text + 7;
}

static bool usable(rulebook_loader *l, const rb_node *is)
{
    if (is->kind == RB_MAP || (is->kind == RB_SCALAR && is->type == RB_NULL)) {
        rb_fail(l, is, M_wrong_kind, A_S("what", "is"), A_S("expected", "duration, number, string, bool or list"),
                A_S("found", rb_kind_name(is)));
        return false;
    }
    return true;
}

static void read_value(rulebook_loader *l, const rb_node *key, const rb_node *n, rulebook_value *v)
{
    v->name = rulebook_read_name(l, key, "value");
    v->place = rb_place(key);
    v->val = value_null();
    if (v->name == NULL)
        v->name = "";
    if (!rulebook_read_keys(l, n, "value", rb_keys_value))
        return;
    const rb_node *is = rb_get(n, "is");
    v->title = rulebook_read_text(l, rb_get(n, "title"));
    v->description = rulebook_read_text(l, rb_get(n, "description"));
    v->source = rulebook_read_text(l, rb_get(n, "source"));
    if (rb_get(n, "source") == NULL)
        rb_warn(l, v->place, M_value_without_source, A_S("name", v->name));
    if (is == NULL || !usable(l, is) || refers_to(is) != NULL)
        return;
    if (is->kind == RB_SCALAR && is->type == RB_STRING) {
        read_duration_value(l, is, v);
    } else {
        v->val = rulebook_read_value(l, is);
        v->type = expr_type_of(v->val);
    }
}

enum { MAX_VALUES = 4096 };

static void read_values(rulebook_loader *l, const rb_node *n)
{
    if (n == NULL || !rb_expect(l, n, RB_MAP, "values"))
        return;
    if (n->count > MAX_VALUES) {
        rb_fail(l, n, M_too_large, A_S("what", "values"), A_I("limit", MAX_VALUES));
        return;
    }
    rulebook_value *values = rb_alloc(l, n->count, sizeof *values);
    l->said = rb_alloc(l, n->count, sizeof *l->said);
    if (values == NULL || l->said == NULL)
        return;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++) {
        read_value(l, n->as.pairs[i].key, n->as.pairs[i].val, &values[i]);
        l->said[i] = rb_get(n->as.pairs[i].val, "is");
    }
    l->rb->pub.values = values;
    l->rb->pub.value_count = rb_out(l) ? 0 : n->count;
}

/* ---- values that refer to values: when all overlays are read ---- */

/* Which value each one refers to; RULEBOOK_NONE: none, or none that there is. */
static uint32_t *references(rulebook_loader *l)
{
    const rulebook *rb = &l->rb->pub;
    base_map names;
    uint32_t *next = rb_alloc(l, rb->value_count, sizeof *next);
    bool good = next != NULL;
    base_map_init(&names, l->rb->alloc);
    for (uint32_t i = 0; good && i < rb->value_count; i++) {
        uint64_t *at = base_map_put(&names, rb->values[i].name, strlen(rb->values[i].name), NULL);
        good = at != NULL;
        if (good)
            *at = i;
    }
    for (uint32_t i = 0; good && i < rb->value_count; i++) {
        const char *name = refers_to(l->said[i]);
        const uint64_t *at = name != NULL ? base_map_get(&names, name, strlen(name)) : NULL;
        next[i] = at != NULL ? (uint32_t)*at : RULEBOOK_NONE;
    }
    if (!good)
        rb_note(l, base_nomem(l->d));
    base_map_free(&names);
    return good ? next : NULL;
}

/* Tells of a circle at its first value in the order of the rulebook, with the places that it leads through. */
static void report_circle(rulebook_loader *l, const uint32_t *next, uint32_t first)
{
    enum { SHOWN = 8 };
    const rulebook_value *values = l->rb->pub.values;
    base_buf way;
    uint32_t at = first, shown = 0;
    for (uint32_t i = next[first]; i != first; i = next[i])
        at = i < at ? i : at;
    first = at;
    base_buf_init(&way, l->rb->alloc);
    do {
        const base_place place = rb_place(l->said[at]);
        if (shown++ < SHOWN)
            base_buf_fmt(&way, "%s (%s:%u) -> ", values[at].name, place.origin, (unsigned)place.line);
        at = next[at];
    } while (at != first);
    base_buf_fmt(&way, "%s%s", shown > SHOWN ? "... -> " : "", values[first].name);
    if (way.failed)
        rb_note(l, base_nomem(l->d));
    else
        rb_fail(l, l->said[first], M_value_circle, A_S("name", values[first].name), A_S("way", way.data));
    base_buf_free(&way);
}

static void report_circles(rulebook_loader *l, const uint32_t *next)
{
    const uint32_t count = l->rb->pub.value_count;
    uint32_t *walk = rb_alloc(l, count, sizeof *walk); /* on whose way a value was met; 0: on none yet */
    for (uint32_t i = 0; walk != NULL && i < count && !rb_out(l); i++) {
        uint32_t at = i;
        for (; at != RULEBOOK_NONE && walk[at] == 0; at = next[at])
            walk[at] = i + 1;
        if (at != RULEBOOK_NONE && walk[at] == i + 1)
            report_circle(l, next, at);
    }
}

/* Follows `is: values.other` to its end. */
static void resolve_value(rulebook_loader *l, const uint32_t *next, uint32_t i)
{
    rb_full *rb = l->rb;
    rulebook_value *v = (rulebook_value *)(uintptr_t)&rb->pub.values[i];
    uint32_t at = i;
    for (uint32_t steps = 0; next[at] != RULEBOOK_NONE; steps++, at = next[at])
        if (steps > rb->pub.value_count)
            return; /* a circle: told */
    const char *unknown = refers_to(l->said[at]);
    if (unknown != NULL && at == i) {
        rb_names known = {0};
        for (uint32_t k = 0; k < rb->pub.value_count && !rb_told_enough(l); k++)
            rb_names_add(l, &known, rb->pub.values[k].name);
        rb_unknown(l, l->said[i], "value", unknown, &known);
        rb_names_free(l, &known);
    }
    const rulebook_value *other = &rb->pub.values[at];
    v->is_duration = other->is_duration;
    v->duration = other->duration;
    v->val = other->val;
    v->type = other->type;
}

void rb_resolve_values(rulebook_loader *l)
{
    const uint32_t *next = rb_out(l) || l->rb->pub.value_count == 0 ? NULL : references(l);
    if (next != NULL)
        report_circles(l, next);
    for (uint32_t i = 0; next != NULL && i < l->rb->pub.value_count && !rb_out(l); i++)
        resolve_value(l, next, i);
}

const rulebook_value *rulebook_find_value(const rulebook *rb, const char *name)
{
    for (uint32_t i = 0; i < rb->value_count; i++)
        if (strcmp(rb->values[i].name, name) == 0)
            return &rb->values[i];
    return NULL;
}

/* ---- roles ---- */

static void read_role(rulebook_loader *l, const rb_node *key, const rb_node *n, rulebook_role *role)
{
    role->name = rulebook_read_name(l, key, "role");
    role->place = rb_place(key);
    if (role->name == NULL)
        role->name = "";
    if (!rulebook_read_keys(l, n, "role", rb_keys_role))
        return;
    role->title = rulebook_read_text(l, rb_get(n, "title"));
    role->description = rulebook_read_text(l, rb_get(n, "description"));
    role->scope = (uint8_t)rulebook_read_word(l, rb_get(n, "scope"), "scope", rb_words_scope, RULEBOOK_SCOPE_ALL);
    role->when_node = rb_get(n, "when");
    if (role->when_node != NULL && rb_expect(l, role->when_node, RB_SCALAR, "when"))
        role->when = rb_copy(l, role->when_node->as.text, role->when_node->count);
}

enum { MAX_ROLES = 1024 };

rulebook_role *rb_roles(rulebook_loader *l, const rb_node *n, uint32_t *count)
{
    *count = 0;
    if (n == NULL || !rb_expect(l, n, RB_MAP, "roles"))
        return NULL;
    if (n->count > MAX_ROLES) {
        rb_fail(l, n, M_too_large, A_S("what", "roles"), A_I("limit", MAX_ROLES));
        return NULL;
    }
    rulebook_role *roles = rb_alloc(l, n->count, sizeof *roles);
    if (roles == NULL)
        return NULL;
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++, ++*count)
        read_role(l, n->as.pairs[i].key, n->as.pairs[i].val, &roles[i]);
    return roles;
}

const rulebook_role *rulebook_find_role(const rulebook *rb, const rulebook_workflow *w, const char *name)
{
    for (uint32_t i = 0; w != NULL && i < w->role_count; i++)
        if (strcmp(w->roles[i].name, name) == 0)
            return &w->roles[i];
    for (uint32_t i = 0; i < rb->role_count; i++)
        if (strcmp(rb->roles[i].name, name) == 0)
            return &rb->roles[i];
    return NULL;
}

/* ---- permissions and masks ---- */

static void read_permissions(rulebook_loader *l, const rb_node *n)
{
    rulebook *rb = &l->rb->pub;
    if (!rulebook_read_keys(l, n, "permissions", rb_keys_permissions))
        return;
    rulebook_permission *items = rb_alloc(l, n->count, sizeof *items);
    for (uint32_t i = 0; items != NULL && i < n->count; i++) {
        const rb_node *key = n->as.pairs[i].key;
        items[i].action = rb_copy(l, key->as.text, key->count);
        items[i].place = rb_place(key);
        items[i].roles = rulebook_read_roles(l, n->as.pairs[i].val, key->as.text);
    }
    rb->permissions = items;
    rb->permission_count = items != NULL && !rb_out(l) ? n->count : 0;
}

const rulebook_permission *rulebook_find_permission(const rulebook *rb, const char *action)
{
    for (uint32_t i = 0; i < rb->permission_count; i++)
        if (strcmp(rb->permissions[i].action, action) == 0)
            return &rb->permissions[i];
    return NULL;
}

static void read_sight(rulebook_loader *l, const rb_node *n, rulebook_sight *sight)
{
    if (!rulebook_read_keys(l, n, "see", rb_keys_sight))
        return;
    const rulebook_names role = rulebook_read_roles(l, rb_get(n, "role"), "role");
    sight->role = role.count > 0 ? role.items[0] : "";
    sight->purpose = rulebook_read_name(l, rb_get(n, "purpose"), "purpose");
}

static void read_class(rulebook_loader *l, const rb_node *key, const rb_node *n, rulebook_class *c)
{
    c->name = rulebook_read_name(l, key, "sensitivity");
    c->place = rb_place(key);
    if (c->name == NULL)
        c->name = "";
    if (!rulebook_read_keys(l, n, "sensitivity", rb_keys_class))
        return;
    const rb_node *see = rb_get(n, "see");
    c->title = rulebook_read_text(l, rb_get(n, "title"));
    c->mask = (uint8_t)rulebook_read_word(l, rb_get(n, "mask"), "mask", rb_words_mask, RULEBOOK_MASK_ALL);
    if (!rulebook_read_list(l, see, "see"))
        return;
    rulebook_sight *sights = rb_alloc(l, see->count, sizeof *sights);
    for (uint32_t i = 0; sights != NULL && i < see->count; i++)
        read_sight(l, see->as.items[i], &sights[i]);
    c->see = sights;
    c->see_count = sights != NULL ? see->count : 0;
}

static void read_sensitivity(rulebook_loader *l, const rb_node *n)
{
    if (n == NULL || !rb_expect(l, n, RB_MAP, "sensitivity"))
        return;
    rulebook_class *classes = rb_alloc(l, n->count, sizeof *classes);
    for (uint32_t i = 0; classes != NULL && i < n->count && !rb_out(l); i++)
        read_class(l, n->as.pairs[i].key, n->as.pairs[i].val, &classes[i]);
    l->rb->pub.classes = classes;
    l->rb->pub.class_count = classes != NULL && !rb_out(l) ? n->count : 0;
}

const rulebook_class *rulebook_find_class(const rulebook *rb, const char *name)
{
    for (uint32_t i = 0; i < rb->class_count; i++)
        if (strcmp(rb->classes[i].name, name) == 0)
            return &rb->classes[i];
    return NULL;
}

/* ---- the root itself ---- */

static void read_id(rulebook_loader *l, const rb_node *n)
{
    bool good = n->kind == RB_SCALAR && rb_is_name(n->as.text, n->count);
    for (uint32_t i = 0; good && i < n->count; i++)
        good = !(n->as.text[i] >= 'A' && n->as.text[i] <= 'Z') && (i > 0 || n->as.text[i] != '_');
    if (good)
        l->rb->pub.id = rb_copy(l, n->as.text, n->count);
    else
        rb_fail(l, n, M_bad_id, A_S("id", n->kind == RB_SCALAR ? n->as.text : ""));
}

static void read_languages(rulebook_loader *l, const rb_node *n)
{
    static const char *const standard[] = {"zh", "en"};
    rulebook_names *languages = &l->rb->pub.languages;
    if (n != NULL)
        *languages = rulebook_read_names(l, n, "language");
    if (n != NULL && n->kind == RB_LIST && n->count == 0)
        rb_fail(l, n, M_empty, A_S("what", "languages"));
    for (uint32_t i = 0; n != NULL && i < languages->count && languages->count == (n->kind == RB_LIST ? n->count : 1); i++) {
        const rb_node *item = n->kind == RB_LIST ? n->as.items[i] : n;
        if (!rb_known_language(languages->items[i], strlen(languages->items[i])))
            rb_fail(l, item, M_language_unknown, A_S("language", languages->items[i]));
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(languages->items[k], languages->items[i]) == 0)
                rb_fail(l, item, M_twice, A_S("what", "languages"));
    }
    if (languages->count == 0)
        *languages = (rulebook_names){standard, 2};
}

void rb_root(rulebook_loader *l, const rb_node *root)
{
    rulebook *rb = &l->rb->pub;
    rulebook_read_keys(l, root, "rulebook", rb_keys_rulebook);
    read_id(l, rb_get(root, "rulebook"));
    rb->version = rulebook_read_string(l, rb_get(root, "version"), "version");
    if (rb->version != NULL && base_utf8_count(rb->version, strlen(rb->version)) > RB_MAX_VERSION)
        rb_fail(l, rb_get(root, "version"), M_too_large, A_S("what", "version"), A_I("limit", RB_MAX_VERSION));
    rb->title = rulebook_read_text(l, rb_get(root, "title"));
    rb->description = rulebook_read_text(l, rb_get(root, "description"));
    read_languages(l, rb_get(root, "languages"));
    rb->calendar = rulebook_read_name(l, rb_get(root, "calendar"), "calendar");
    read_values(l, rb_get(root, "values"));
    uint32_t count;
    rb->roles = rb_roles(l, rb_get(root, "roles"), &count);
    rb->role_count = count;
    read_permissions(l, rb_get(root, "permissions"));
    read_sensitivity(l, rb_get(root, "sensitivity"));
}

/* ---- overlays ---- */

static void overlay_values(rulebook_loader *l, const rb_node *n)
{
    const rulebook *rb = &l->rb->pub;
    if (n == NULL || !rb_expect(l, n, RB_MAP, "values"))
        return;
    rb_names known = {0};
    for (uint32_t i = 0; i < rb->value_count; i++)
        rb_names_add(l, &known, rb->values[i].name);
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++) {
        rulebook_value fresh = {0};
        read_value(l, n->as.pairs[i].key, n->as.pairs[i].val, &fresh);
        rulebook_value *to = value_named(l->rb, fresh.name, strlen(fresh.name));
        if (to != NULL) {
            *to = fresh;
            l->said[to - rb->values] = rb_get(n->as.pairs[i].val, "is");
        } else if (fresh.name[0] != '\0') {
            rb_unknown(l, n->as.pairs[i].key, "value", fresh.name, &known);
        }
    }
    rb_names_free(l, &known);
}

static void overlay_roles(rulebook_loader *l, const rb_node *n)
{
    rulebook *rb = &l->rb->pub;
    uint32_t count;
    const rulebook_role *fresh = rb_roles(l, n, &count);
    rb_names known = {0};
    for (uint32_t i = 0; i < rb->role_count; i++)
        rb_names_add(l, &known, rb->roles[i].name);
    for (uint32_t i = 0; i < count && !rb_out(l); i++) {
        rulebook_role *to = (rulebook_role *)(uintptr_t)rulebook_find_role(rb, NULL, fresh[i].name);
        if (to != NULL)
            *to = fresh[i];
        else
            rb_unknown(l, n->as.pairs[i].key, "role", fresh[i].name, &known);
    }
    rb_names_free(l, &known);
}

void rb_overlay(rulebook_loader *l, const rb_node *root)
{
    const rb_node *of = rb_get(root, "overlay");
    rulebook_read_keys(l, root, "overlay", rb_keys_overlay);
    if (of != NULL && l->rb->pub.id != NULL && !rb_is(of, l->rb->pub.id))
        rb_fail(l, of, M_overlay_of_other, A_S("id", l->rb->pub.id));
    if (rb_get(root, "title") != NULL)
        l->rb->pub.title = rulebook_read_text(l, rb_get(root, "title"));
    overlay_values(l, rb_get(root, "values"));
    overlay_roles(l, rb_get(root, "roles"));
}

/* ---- names of roles ---- */

rulebook_names rulebook_read_roles(rulebook_loader *l, const rb_node *n, const char *what)
{
    const rulebook_workflow *w = rb_work_roles(l);
    rulebook_names names = rulebook_read_names(l, n, what);
    for (uint32_t i = 0; i < names.count && !l->rb->lenient; i++) {
        const rulebook_role *role = rulebook_find_role(&l->rb->pub, w, names.items[i]);
        if (role != NULL && l->rb->all)
            rb_names_add(l, &l->rb->used_roles, role->name);
        if (role != NULL)
            continue;
        rb_names known = {0};
        for (uint32_t k = 0; k < l->rb->pub.role_count; k++)
            rb_names_add(l, &known, l->rb->pub.roles[k].name);
        for (uint32_t k = 0; w != NULL && k < w->role_count; k++)
            rb_names_add(l, &known, w->roles[k].name);
        rb_unknown(l, n->kind == RB_LIST ? n->as.items[i] : n, "role", names.items[i], &known);
        rb_names_free(l, &known);
    }
    return names;
}

/* ---- the common scope ---- */

void rb_common_scope(rulebook_loader *l)
{
    static const struct {
        const char *name;
        expr_type type;
    } actor[] = {{"actor.id", EXPR_DYN}, {"actor.roles", EXPR_LIST | EXPR_STRING << 4}, {"actor.grids", EXPR_LIST},
                 {"actor.unit", EXPR_DYN}};
    rb_full *rb = l->rb;
    const uint32_t values = rb->pub.value_count;
    const uint32_t count = 1 + (uint32_t)ARRAY_LEN(actor) + values;
    expr_scope *s = rb_scope(l, NULL);
    rb->slots = rb_alloc(l, count, sizeof *rb->slots);
    rb->presets = rb_alloc(l, count, sizeof *rb->presets);
    if (rb->slots == NULL || rb->presets == NULL)
        return;
    rb->slots[rb_scope_var(l, s, "now", EXPR_TIMESTAMP) % count] = (rulebook_slot){RULEBOOK_SLOT_NOW, 0, 0, "now"};
    for (uint8_t i = 0; i < ARRAY_LEN(actor); i++)
        rb->slots[rb_scope_var(l, s, actor[i].name, actor[i].type) % count] =
            (rulebook_slot){RULEBOOK_SLOT_ACTOR, i, 0, actor[i].name};
    for (uint32_t i = 0; i < count; i++)
        rb->presets[i] = value_absent();
    for (uint32_t i = 0; i < values && !rb_out(l); i++) {
        const rulebook_value *v = &rb->pub.values[i];
        if (v->name[0] == '\0') { /* no name: told before */
            rb_scope_skip(l, s, 1);
            continue;
        }
        char *name = base_arena_alloc(&l->unit->arena, strlen(v->name) + 8);
        if (name == NULL) {
            rb_note(l, base_nomem(l->d));
            return;
        }
        memcpy(name, "values.", 7);
        memcpy(name + 7, v->name, strlen(v->name) + 1);
        const uint32_t slot = rb_scope_var(l, s, name, v->type);
        if (slot < count) {
            rb->slots[slot] = (rulebook_slot){RULEBOOK_SLOT_VALUE, 0, i, name};
            rb->presets[slot] = v->val;
        }
    }
    const rulebook_host *part;
    for (size_t k = 0; (part = rulebook_host_part(rb->pub.host, k)) != NULL; k++)
        for (size_t i = 0; i < part->function_count && s != NULL && !rb_out(l); i++) {
            expr_function f = part->functions[i];
            if (f.user == NULL)
                f.user = l->rb;
            rb_note(l, expr_scope_function(s, &f, l->d));
        }
    rb_add_functions(l, s);
    rb->slot_count = count;
    rb->scope = s;
    l->scope = s;
}
