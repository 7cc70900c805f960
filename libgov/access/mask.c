/* Masks: what a sensitive field looks like to those who may not see it (domain practice: 张**, 138****8000). */
#include "access/access.h"

#include <string.h>

/* The first `head` and last `tail` code points, stars between; all stars when too little would be hidden. */
static void keep_ends(base_buf *out, value v, size_t head, size_t tail, size_t stars)
{
    const size_t count = base_utf8_count(v.as.s, v.len);
    size_t at = 0, n = 0;
    const size_t least = tail > 0 ? 3 : 1; /* of a number, a mask that hides one digit hides nothing */
    if (count < head + tail + least)
        head = tail = 0;
    while (at < v.len) {
        uint32_t cp;
        const size_t size = base_utf8_next(v.as.s + at, v.len - at, &cp);
        if (size == 0)
            break;
        if (n < head || n >= count - tail)
            base_buf_add(out, v.as.s + at, size);
        else if (n == head)
            for (size_t i = 0; i < stars; i++)
                base_buf_char(out, '*');
        at += size;
        n++;
    }
}

/* An address stays readable down to its building: everything after the first such mark is hidden. */
static void keep_building(base_buf *out, value v)
{
    static const char *const marks[] = {"号楼", "栋", "幢", "座", "号", "弄", " Unit", " Room", " Apt", ","};
    size_t cut = v.len;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const size_t n = strlen(marks[i]);
        for (size_t at = 0; at + n <= v.len; at++)
            if (memcmp(v.as.s + at, marks[i], n) == 0) {
                const size_t end = marks[i][0] == ' ' || marks[i][0] == ',' ? at : at + n;
                cut = end < cut ? end : cut;
                break;
            }
    }
    if (cut < v.len)
        base_buf_add(out, v.as.s, cut);
    base_buf_str(out, "***");
}

gov_status access_mask(rulebook_mask style, value v, base_arena *arena, value *out, const diag *d)
{
    base_buf text;
    if (v.kind == VALUE_NULL || v.kind == VALUE_ABSENT) {
        *out = v;
        return GOV_OK;
    }
    base_buf_init(&text, arena->alloc);
    if (v.kind == VALUE_STRING && style == RULEBOOK_MASK_PHONE)
        keep_ends(&text, v, 3, 4, 4);
    else if (v.kind == VALUE_STRING && style == RULEBOOK_MASK_ID_NUMBER)
        keep_ends(&text, v, 3, 4, 11);
    else if (v.kind == VALUE_STRING && style == RULEBOOK_MASK_NAME)
        keep_ends(&text, v, 1, 0, 2);
    else if (v.kind == VALUE_STRING && style == RULEBOOK_MASK_ADDRESS)
        keep_building(&text, v);
    else
        base_buf_str(&text, "***");
    char *copy = text.failed ? NULL : base_arena_strndup(arena, text.data != NULL ? text.data : "", text.len);
    *out = value_string(copy, text.len);
    base_buf_free(&text);
    return copy != NULL ? GOV_OK : base_nomem(d);
}

static gov_status note_look(gov *g, const char *kind, int64_t subject, const char *field, const diag *d)
{
    for (size_t i = g->call_looks; i < g->look_count; i++) /* once per field and call */
        if (g->looks[i].subject == subject && strcmp(g->looks[i].field, field) == 0 && strcmp(g->looks[i].kind, kind) == 0)
            return GOV_OK;
    if (!base_grow(g->alloc, &g->looks, &g->look_cap, g->look_count, sizeof *g->looks))
        return base_nomem(d);
    const access_look look = {.kind = base_arena_strdup(&g->look_memory, kind),
                              .field = base_arena_strdup(&g->look_memory, field),
                              .subject = subject,
                              .actor = access_actor_id(g),
                              .at_us = access_now(g),
                              .purpose = base_arena_strdup(&g->look_memory, g->actor.purpose)};
    if (look.kind == NULL || look.field == NULL || look.purpose == NULL)
        return base_nomem(d);
    g->looks[g->look_count++] = look;
    return GOV_OK;
}

/* The host holds every role for acting, but only a person with a role and a purpose sees a field plain. */
static gov_status may_see(gov *g, const rulebook_class *c, const access_subject *scope, bool *may, const diag *d)
{
    *may = false;
    for (size_t i = 0; c != NULL && i < c->see_count && !*may && g->actor.kind != ACCESS_HOST; i++) {
        const rulebook_sight *sight = &c->see[i];
        if (sight->purpose != NULL && strcmp(sight->purpose, g->actor.purpose) != 0)
            continue;
        const rulebook_names role = {&sight->role, 1};
        const gov_status status = access_holds(g, NULL, &role, scope, may, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

gov_status access_may_see(gov *g, const char *sensitive, const access_subject *scope, bool *may, const diag *d)
{
    *may = sensitive == NULL || g->actor.kind == ACCESS_RULES;
    return *may ? GOV_OK : may_see(g, rulebook_find_class(g->rules, sensitive), scope, may, d);
}

bool access_might_see(const gov *g, const char *sensitive)
{
    const rulebook_class *c = sensitive != NULL ? rulebook_find_class(g->rules, sensitive) : NULL;
    for (size_t i = 0; c != NULL && i < c->see_count && g->actor.kind != ACCESS_HOST; i++) {
        const rulebook_sight *sight = &c->see[i];
        const rulebook_role *role = rulebook_find_role(g->rules, NULL, sight->role);
        if (role != NULL && access_may_hold(g, role) && (sight->purpose == NULL || strcmp(sight->purpose, g->actor.purpose) == 0))
            return true;
    }
    return sensitive == NULL || g->actor.kind == ACCESS_RULES;
}

gov_status access_show(gov *g, const char *sensitive, const char *kind, int64_t subject, const char *field, value v,
                       const access_subject *scope, base_arena *arena, value *out, const diag *d)
{
    bool may = false;
    *out = v;
    /* Effects run on the plain value; nothing is shown to anybody. */
    if (sensitive == NULL || v.kind == VALUE_NULL || v.kind == VALUE_ABSENT || g->actor.kind == ACCESS_RULES)
        return GOV_OK;
    const rulebook_class *c = rulebook_find_class(g->rules, sensitive);
    const gov_status status = may_see(g, c, scope, &may, d);
    if (status != GOV_OK)
        return status;
    if (!may)
        return access_mask(c != NULL ? c->mask : RULEBOOK_MASK_ALL, v, arena, out, d);
    return note_look(g, kind, subject, field, d);
}
