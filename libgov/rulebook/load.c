/* From a bundle to a rulebook: everything at once with all checks, or the root now and the rest when it is needed. */
#include "rulebook/load.h"

#include <string.h>

#include "rulebook/files.h"
#include "rulebook/lint.h"

/* ---- setting up ---- */

static void free_zone(void *z)
{
    base_zone_free(z);
}

void rulebook_free(const rulebook *rb)
{
    rb_full *full = (rb_full *)(uintptr_t)rb;
    if (full == NULL)
        return;
    for (size_t i = 0; i < full->def_count; i++) {
        rb_lazy *lazy = atomic_load_explicit(&full->defs[i].lazy, memory_order_acquire);
        if (lazy != NULL)
            rb_lazy_free(lazy);
    }
    rb_unit_free(&full->unit);
    rulebook_bundle_free(full->bundle);
    base_free(full->alloc, full);
}

void rb_lazy_free(rb_lazy *lazy)
{
    rb_unit_free(&lazy->unit);
    base_free(lazy->alloc, lazy);
}

static rb_full *full_new(const gov_allocator *a, rulebook_bundle *b, const rulebook_options *o)
{
    rb_full *rb = base_alloc(a, sizeof *rb);
    if (rb == NULL)
        return NULL;
    rb->alloc = a;
    rb_unit_init(&rb->unit, a);
    rb->bundle = b;
    rb->pub.host = o->host;
    rb->lenient = o->lenient;
    rb->source_count = rulebook_bundle_count(b);
    rb->sources = base_arena_array(&rb->unit.arena, rb->source_count, sizeof *rb->sources);
    rb->verified = base_arena_array(&rb->unit.arena, rb->source_count, sizeof *rb->verified);
    for (size_t i = 0; rb->sources != NULL && i < rb->source_count; i++)
        rb->sources[i] = rb_source_of(rulebook_bundle_source(b, i));
    rb->pub.digest = rulebook_bundle_digest(b);
    base_hex(rb->pub.digest, BASE_DIGEST_SIZE, rb->digest_text);
    rb->pub.digest_text = rb->digest_text;
    if (rb->sources != NULL && rb->verified != NULL)
        return rb;
    rb_unit_free(&rb->unit);
    base_free(a, rb);
    return NULL;
}

const rulebook_bundle *rulebook_bundle_of(const rulebook *rb)
{
    return ((const rb_full *)rb)->bundle;
}

/* ---- the time zone ---- */

static void keep_zone(rulebook_loader *l, base_zone *zone, const void *tzif, size_t len)
{
    rulebook *rb = &l->rb->pub;
    if (!rb_own(l->unit, zone, free_zone)) {
        rb_note(l, base_nomem(l->d));
        return;
    }
    rb->zone = zone;
    rb->tzif = base_arena_strndup(&l->unit->arena, tzif, len);
    rb->tzif_len = len;
    if (rb->tzif == NULL)
        rb_note(l, base_nomem(l->d));
}

/* The zones that people in one country ask for by other names. */
static const char *zone_near(const char *name)
{
    static const char *const chinese[] = {"Asia/Beijing", "Beijing", "China", "Asia/China", "CST", "UTC+8", "UTC+08:00", "GMT+8", "+08:00", "+8"};
    for (size_t i = 0; i < ARRAY_LEN(chinese); i++)
        if (strcmp(name, chinese[i]) == 0)
            return "Asia/Shanghai";
    return base_zone_near(name, strlen(name));
}

static void read_zone(rulebook_loader *l, const rb_node *root, const rulebook_options *o)
{
    const rb_node *n = rb_get(root, "time_zone");
    base_zone *zone = NULL;
    base_buf tzif;
    gov_status status;

    if (n == NULL && !l->rb->lenient)
        rb_fail(l, root, M_missing_key, A_S("key", "time_zone"), A_S("what", "rulebook"));
    const char *name = n != NULL ? rulebook_read_string(l, n, "time_zone") : "UTC";
    if (name == NULL)
        return;
    base_buf_init(&tzif, l->rb->alloc);
    if (o->tzif != NULL) {
        status = base_zone_parse(l->rb->alloc, name, o->tzif, o->tzif_len, &zone, NULL);
        base_buf_add(&tzif, o->tzif, o->tzif_len);
        if (status == GOV_OK && tzif.failed)
            status = GOV_E_NOMEM;
    } else {
        status = base_zone_load(l->rb->alloc, name, &zone, &tzif, NULL);
    }
    if (status == GOV_OK)
        keep_zone(l, zone, tzif.data, tzif.len);
    else if (status == GOV_E_NOMEM)
        rb_note(l, base_nomem(l->d));
    else if (n != NULL)
        rb_fail(l, n, M_zone_unknown, A_S("zone", name), A_S("near", zone_near(name)));
    if (status != GOV_OK)
        base_zone_free(zone);
    base_buf_free(&tzif);
}

/* ---- what is read at once ---- */

static size_t count_kind(const rb_full *rb, rb_def_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < rb->def_count; i++)
        n += rb->defs[i].kind == (uint8_t)kind;
    return n;
}

static bool make_room(rulebook_loader *l)
{
    rb_full *rb = l->rb;
    rb->pub.calendars = rb_alloc(l, count_kind(rb, RB_CALENDAR), sizeof *rb->pub.calendars);
    rb->pub.templates = rb_alloc(l, count_kind(rb, RB_TEMPLATE), sizeof *rb->pub.templates);
    rb->pub.records = rb_alloc(l, count_kind(rb, RB_RECORD), sizeof *rb->pub.records);
    rb->pub.sections = rb_alloc(l, count_kind(rb, RB_SECTION), sizeof *rb->pub.sections);
    return !rb_out(l);
}

static void read_section(rulebook_loader *l, const rb_def *def, const rb_node *root)
{
    rulebook_section *s = (rulebook_section *)(uintptr_t)&l->rb->pub.sections[l->rb->pub.section_count++];
    *s = (rulebook_section){.kind = def->key, .name = def->name, .place = def->place};
    rb_note(l, def->section->load(def->section->user, l, def->name, root, &s->content));
}

#define next_of(l, list, count) (void *)(uintptr_t)&(l)->rb->pub.list[(l)->rb->pub.count++]

static void read_eager(rulebook_loader *l, rb_def *def)
{
    gov_status status = GOV_OK;
    const rb_node *root = rb_read_def(l->rb, &l->unit->arena, def, &status, l->d);
    rb_note(l, status);
    if (root == NULL || rb_out(l))
        return;
    switch (def->kind) {
    case RB_OVERLAY:
        rb_overlay(l, root);
        break;
    case RB_CALENDAR:
        rb_calendar(l, def, root, next_of(l, calendars, calendar_count));
        break;
    case RB_TEMPLATE:
        rb_template(l, def, root, next_of(l, templates, template_count));
        break;
    case RB_RECORD:
        rb_record(l, def, root, next_of(l, records, record_count));
        break;
    default:
        read_section(l, def, root);
    }
}

static void read_kind(rulebook_loader *l, rb_def_kind kind)
{
    for (size_t i = 0; i < l->rb->def_count && !rb_out(l); i++)
        if (l->rb->defs[i].kind == (uint8_t)kind)
            read_eager(l, &l->rb->defs[i]);
}

static void default_calendar(rulebook_loader *l, const rb_node *root)
{
    rulebook *rb = &l->rb->pub;
    if (rb->calendar == NULL && rb->calendar_count == 1)
        rb->calendar = rb->calendars[0].name;
    if (rb->calendar != NULL)
        rb_check_calendar_name(l, rb_get(root, "calendar"), rb->calendar);
    l->calendar = rb->calendar;
}

/* Reads the root and what every workflow may refer to. */
static void read_base(rulebook_loader *l, const rulebook_options *o)
{
    rb_full *rb = l->rb;
    gov_status status = GOV_OK;
    const rb_node *root = NULL;

    rb_index(l, o);
    if (rb_out(l) || rb->def_count == 0 || l->status == GOV_E_CORRUPT)
        return;
    rb_def *first = &rb->defs[0];
    if (first->kind == RB_RULEBOOK) {
        root = rb_read_def(rb, &l->unit->arena, first, &status, l->d);
        rb_note(l, status);
        if (root == NULL)
            return;
        read_zone(l, root, o);
        rb_root(l, root);
    } else if (rb->lenient) {
        read_zone(l, NULL, o);
    } else {
        rb_note(l, base_fail_at(l->d, &first->place, M_rulebook_first));
        return;
    }
    if (!make_room(l))
        return;
    read_kind(l, RB_OVERLAY);
    rb_resolve_values(l);
    read_kind(l, RB_CALENDAR);
    if (!rb_out(l))
        default_calendar(l, root);
    if (!rb_out(l))
        rb_common_scope(l);
    read_kind(l, RB_TEMPLATE);
    read_kind(l, RB_RECORD);
    read_kind(l, RB_SECTION);
}

/* ---- compiled at first use ---- */

/* A broken one is kept where all mistakes are wanted: others refer to it, and more may be wrong with it. */
static gov_status compile_def(const rb_full *rb, rb_def *def, bool keep_broken, rb_lazy **out, const diag *d)
{
    rb_lazy *lazy = base_alloc(rb->alloc, sizeof *lazy);
    base_arena trees;

    *out = NULL;
    if (lazy == NULL)
        return base_nomem(d);
    lazy->alloc = rb->alloc;
    rb_unit_init(&lazy->unit, rb->alloc);
    base_arena_init(&trees, rb->alloc);
    rulebook_loader l = {.rb = (rb_full *)(uintptr_t)rb, .unit = &lazy->unit, .d = d, .scope = rb->scope,
                         .calendar = rb->pub.calendar};
    const rb_node *root = rb_read_def(l.rb, &trees, def, &l.status, d);
    if (root != NULL && !rb_out(&l))
        lazy->made = def->kind == RB_WORKFLOW   ? (const void *)rb_workflow(&l, def, root)
                     : def->kind == RB_SCHEDULE ? (const void *)rb_schedule(&l, def, root)
                     : def->kind == RB_SCENARIO ? (const void *)rb_scenario(&l, def, root)
                                                : (const void *)rb_indicator(&l, def, root);
    base_arena_free(&trees);
    if (lazy->made != NULL && (l.status == GOV_OK || (keep_broken && !def->torn && !rb_out(&l)))) {
        *out = lazy;
        return l.status;
    }
    rb_lazy_free(lazy);
    return l.status != GOV_OK ? l.status : base_fail(d, M_internal, A_S("what", "a definition without content"));
}

/* Two threads may compile the same definition; the one that comes second throws its work away. */
static gov_status made_of(const rb_full *full, rb_def *def, const void **out, const diag *d)
{
    rb_lazy *fresh, *there = atomic_load_explicit(&def->lazy, memory_order_acquire);
    if (there == NULL) {
        const gov_status status = compile_def(full, def, false, &fresh, d);
        if (status != GOV_OK)
            return status;
        if (atomic_compare_exchange_strong(&def->lazy, &there, fresh))
            there = fresh;
        else
            rb_lazy_free(fresh);
    }
    *out = there->made;
    return GOV_OK;
}

static gov_status get_def(const rulebook *rb, rb_def_kind kind, const char *name, const void **out, const diag *d)
{
    const rb_full *full = (const rb_full *)rb;
    rb_def *def = rb_find_def(full, kind, NULL, name);
    *out = NULL;
    if (def != NULL && def->torn)
        return GOV_E_RULE; /* its mistakes are told where it stands */
    return def != NULL ? made_of(full, def, out, d) : GOV_E_NOT_FOUND;
}

gov_status rulebook_get_workflow(const rulebook *rb, const char *name, const rulebook_workflow **out, const diag *d)
{
    const void *made;
    const gov_status status = get_def(rb, RB_WORKFLOW, name, &made, d);
    *out = made;
    return status;
}

gov_status rulebook_get_indicator(const rulebook *rb, const char *name, const rulebook_indicator **out, const diag *d)
{
    const void *made;
    const gov_status status = get_def(rb, RB_INDICATOR, name, &made, d);
    *out = made;
    return status;
}

gov_status rulebook_get_schedule(const rulebook *rb, const char *name, const rulebook_schedule **out, const diag *d)
{
    const void *made;
    const gov_status status = get_def(rb, RB_SCHEDULE, name, &made, d);
    *out = made;
    return status;
}

/* Scenarios have titles instead of names, so they are counted. */
gov_status rulebook_get_scenario(const rulebook *rb, size_t i, const rulebook_scenario **out, const diag *d)
{
    const rb_full *full = (const rb_full *)rb;
    const void *made = NULL;
    gov_status status = GOV_E_NOT_FOUND;
    for (size_t k = 0; k < full->def_count; k++)
        if (full->defs[k].kind == RB_SCENARIO && i-- == 0) {
            status = made_of(full, &full->defs[k], &made, d);
            break;
        }
    *out = made;
    return status;
}

/* ---- everything at once ---- */

static void check_texts(rulebook_loader *l)
{
    for (size_t i = 0; i < l->rb->source_count && !rb_out(l); i++) {
        const gov_status status = rb_check_text(&l->rb->sources[i], l->d);
        rb_note(l, status);
        if (status != GOV_OK && !rb_out(l))
            rb_note(l, rb_mend_text(&l->unit->arena, &l->rb->sources[i], l->d));
    }
}

static void check_definition(rulebook_loader *l, rb_def *def)
{
    base_arena arena;
    gov_status status = GOV_OK;
    base_arena_init(&arena, l->rb->alloc);
    (void)rb_read_def(l->rb, &arena, def, &status, l->d);
    rb_note(l, status);
    base_arena_free(&arena);
}

/* Without a root nothing can be compiled, but mistakes of YAML are still worth telling. */
static void check_syntax(rulebook_loader *l)
{
    for (size_t i = 1; i < l->rb->def_count && !rb_out(l); i++)
        check_definition(l, &l->rb->defs[i]);
}

static void compile_all(rulebook_loader *l)
{
    static const rb_def_kind order[] = {RB_WORKFLOW, RB_INDICATOR, RB_SCHEDULE, RB_SCENARIO};
    rb_full *rb = l->rb;
    for (size_t k = 0; k < ARRAY_LEN(order); k++)
        for (size_t i = 0; i < rb->def_count && !rb_out(l); i++) {
            rb_def *def = &rb->defs[i];
            rb_lazy *lazy = NULL;
            if (def->kind != (uint8_t)order[k])
                continue;
            rb_note(l, compile_def(rb, def, true, &lazy, l->d));
            atomic_store_explicit(&def->lazy, lazy, memory_order_release);
        }
}

static const rulebook_options no_options = {0};

static void check_sections(rulebook_loader *l)
{
    const rb_full *rb = l->rb;
    for (size_t i = 0; i < rb->def_count && !rb_out(l); i++) {
        const rb_def *def = &rb->defs[i];
        if (def->kind != RB_SECTION || def->section->check == NULL)
            continue;
        const rulebook_section *s = rulebook_find_section(&rb->pub, def->key, def->name);
        if (s != NULL && s->content != NULL)
            def->section->check(def->section->user, l, s->name, s->content);
    }
}

/* Mistakes in one file are told in the order of its lines, whatever was looked at first. */
static gov_status finish(rb_full *rb, gov_status status, rulebook **out, const diag *d)
{
    if (base_sort_errors(d) != GOV_OK)
        status = GOV_E_NOMEM;
    if (status == GOV_OK) {
        *out = &rb->pub;
        return GOV_OK;
    }
    rulebook_free(&rb->pub);
    return status == GOV_E_NOMEM ? base_nomem(d) : status == GOV_E_CORRUPT ? status : GOV_E_RULE;
}

gov_status rulebook_load(const gov_allocator *a, rulebook_bundle *b, const rulebook_options *o, rulebook **out,
                         const diag *d)
{
    o = o != NULL ? o : &no_options;
    *out = NULL;
    rb_full *rb = full_new(a, b, o);
    if (rb == NULL) {
        rulebook_bundle_free(b);
        return base_nomem(d);
    }
    rulebook_loader l = {.rb = rb, .unit = &rb->unit, .d = d};
    rb->all = true;
    rb->loading = o;
    rb_note(&l, base_forward(d, rb_bundle_problems(b)));
    check_texts(&l);
    if (!rb_out(&l))
        read_base(&l, o);
    if (rb->scope != NULL && !rb_out(&l)) {
        compile_all(&l);
        check_sections(&l);
        rb_check_entitlements(&l);
        rb_lint(&l, o->today);
    } else if (!rb_out(&l)) {
        check_syntax(&l);
    }
    rb_drop_followers(&l);
    rb_names_free(&l, &rb->used_roles);
    rb_names_free(&l, &rb->given);
    rb->all = false;
    rb->loading = NULL;
    if (l.status == GOV_OK && rb->def_count == 0) {
        const base_place place = {rb->sources[0].path, 1, 1};
        rb_note(&l, base_fail_at(d, &place, M_rulebook_first));
    }
    return finish(rb, l.status, out, d);
}

gov_status rulebook_open(const gov_allocator *a, rulebook_bundle *b, const rulebook_options *o, rulebook **out,
                         const diag *d)
{
    o = o != NULL ? o : &no_options;
    *out = NULL;
    rb_full *rb = full_new(a, b, o);
    if (rb == NULL) {
        rulebook_bundle_free(b);
        return base_nomem(d);
    }
    rulebook_loader l = {.rb = rb, .unit = &rb->unit, .d = d};
    read_base(&l, o);
    if (l.status == GOV_OK && rb->scope == NULL)
        rb_note(&l, base_fail(d, M_bundle_damaged));
    return finish(rb, l.status, out, d);
}

gov_status rulebook_trees_verify(const gov_allocator *a, rulebook_bundle *b, const rulebook_options *o, const diag *d)
{
    rulebook_options from_text = *o;
    base_buf trees;
    rb_full *rb = full_new(a, b, o);
    if (rb == NULL) {
        rulebook_bundle_free(b);
        return base_nomem(d);
    }
    from_text.trees = NULL;
    rulebook_loader l = {.rb = rb, .unit = &rb->unit, .d = d};
    rb->all = true;
    read_base(&l, &from_text);
    if (!rb_out(&l))
        check_syntax(&l);
    rb_names_free(&l, &rb->used_roles);
    rb_names_free(&l, &rb->given);
    rb->all = false;
    base_buf_init(&trees, a);
    if (l.status == GOV_OK)
        rb_note(&l, rulebook_trees_write(&rb->pub, &trees, d));
    if (l.status == GOV_OK && rb_trees_usable(o->trees, o->trees_len) &&
        (trees.len != o->trees_len || memcmp(trees.data, o->trees, trees.len) != 0))
        rb_note(&l, base_fail(d, M_bundle_damaged));
    base_buf_free(&trees);
    rulebook_free(&rb->pub);
    return l.status;
}
