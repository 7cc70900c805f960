/* Scenarios: what is given, and the steps. Everything that they name is looked up while the rulebook is loaded. */
#include "rulebook/scenario.h"

#include <string.h>

#include "rulebook/grammar.h"

static const char *const kinds[] = {"grid", "unit", "staff", "premises", "household", "resident", "group"};
static const char *const plurals[] = {"grids", "units", "staff", "premises", "households", "residents", "groups"};

/* ---- what is known ---- */

bool rb_play_knows(const rb_play *p, const char *kind, const char *key)
{
    for (const rb_known *k = p->records; k != NULL; k = k->next)
        if ((kind == NULL || strcmp(k->kind, kind) == 0) && strcmp(k->key, key) == 0)
            return true;
    return false;
}

static void know(rb_play *p, const char *kind, const char *key)
{
    rb_known *k = rb_alloc(p->l, 1, sizeof *k);
    if (k == NULL)
        return;
    *k = (rb_known){p->records, kind, key};
    p->records = k;
}

static const rb_known_case *case_named(const rb_play *p, const char *name)
{
    for (const rb_known_case *c = p->cases; c != NULL; c = c->next)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static const char *name_case(rb_play *p, const rb_node *n, const rulebook_workflow *w, bool made)
{
    const char *name = rulebook_read_string(p->l, n, "id");
    if (name == NULL)
        return NULL;
    const rb_known_case *other = case_named(p, name);
    if (other != NULL) {
        rb_fail(p->l, n, M_defined_twice, A_S("kind", "case"), A_S("name", name), A_S("file", other->place.origin),
                A_I("line", other->place.line));
        return name;
    }
    rb_known_case *c = rb_alloc(p->l, 1, sizeof *c);
    if (c != NULL) {
        *c = (rb_known_case){p->cases, name, w, made, rb_place(n)};
        p->cases = c;
    }
    return name;
}

static const rulebook_workflow *workflow_in(rb_play *p, const rulebook *rules, const char *name)
{
    const rulebook_workflow *w = NULL;
    for (uint32_t i = 0; i < rules->workflows.count; i++)
        if (strcmp(rules->workflows.items[i], name) == 0)
            rb_note(p->l, rulebook_get_workflow(rules, name, &w, NULL)); /* its mistakes are told where it stands */
    return w != NULL && w->chart != NULL ? w : NULL;
}

/* Under which workflow a case is now; the one where it stays when it cannot move is kept in p->old. */
static const rulebook_workflow *moved_to(rb_play *p, const rulebook_workflow *from)
{
    const rulebook_workflow *to = workflow_in(p, p->target, from->name);
    p->old = to != NULL && to != from ? from : NULL;
    return to != NULL ? to : from;
}

const char *rb_play_case(rb_play *p, const rb_node *n, const rulebook_workflow **w)
{
    *w = p->old = NULL;
    const char *name = rulebook_read_string(p->l, n, "case");
    if (name == NULL)
        return NULL;
    const rb_known_case *c = case_named(p, name);
    if (c != NULL && !c->made) {
        *w = !p->moved ? c->w : c->w != NULL && p->target != NULL ? moved_to(p, c->w) : NULL;
        return name;
    }
    rb_names known = {0};
    for (const rb_known_case *k = p->cases; k != NULL; k = k->next)
        if (!k->made)
            rb_names_add(p->l, &known, k->name);
    rb_unknown(p->l, n, "case", name, &known);
    rb_names_free(p->l, &known);
    return NULL;
}

const char *rb_play_record(rb_play *p, const rb_node *n, const char *kind)
{
    const char *key = rulebook_read_string(p->l, n, kind != NULL ? kind : "record");
    if (key == NULL || rb_play_knows(p, kind, key))
        return key;
    rb_names known = {0};
    for (const rb_known *k = p->records; k != NULL; k = k->next)
        if (kind == NULL || strcmp(k->kind, kind) == 0)
            rb_names_add(p->l, &known, k->key);
    rb_unknown(p->l, n, kind != NULL ? kind : "record", key, &known);
    rb_names_free(p->l, &known);
    return NULL;
}

static const rulebook_workflow *moved_workflow(rb_play *p, const rb_node *n, bool opens, const char *name)
{
    const rulebook_workflow *from = opens ? NULL : workflow_in(p, &p->l->rb->pub, name), *to = workflow_in(p, p->target, name);
    p->old = to != NULL ? from : NULL;
    if (to != NULL || from != NULL || rb_out(p->l))
        return to != NULL ? to : from;
    rb_names known = {0};
    for (uint32_t i = 0; i < p->target->workflows.count; i++)
        rb_names_add(p->l, &known, p->target->workflows.items[i]);
    rb_unknown(p->l, n, "workflow", name, &known);
    rb_names_free(p->l, &known);
    return NULL;
}

const rulebook_workflow *rb_play_workflow(rb_play *p, const rb_node *n, bool opens, const char **name)
{
    const rulebook_workflow *w = NULL;
    p->old = NULL;
    *name = rulebook_read_name(p->l, n, "workflow");
    if (*name != NULL && p->target != NULL)
        return moved_workflow(p, n, opens, *name);
    if (*name == NULL || p->moved || !rb_check_definition(p->l, n, RB_WORKFLOW, "workflow", *name))
        return NULL;
    rb_note(p->l, rulebook_get_workflow(&p->l->rb->pub, *name, &w, NULL)); /* its mistakes are told where it stands */
    return w != NULL && w->chart != NULL ? w : NULL;
}

/* ---- values ---- */

static gov_status resolve(void *user, rulebook_type type, value reference, int64_t *id, const diag *d)
{
    const rb_play *p = user;
    (void)d;
    *id = 1;
    if (reference.kind != VALUE_STRING)
        return GOV_E_NOT_FOUND;
    if (type == RULEBOOK_CASE)
        return case_named(p, reference.as.s) != NULL ? GOV_OK : GOV_E_NOT_FOUND;
    if (type == RULEBOOK_ACCOUNT || type == RULEBOOK_FILE)
        return GOV_OK;
    return rb_play_knows(p, rulebook_type_name(type), reference.as.s) ? GOV_OK : GOV_E_NOT_FOUND;
}

value rb_play_value(rb_play *p, const rulebook_field *f, const rb_node *n)
{
    value v = rulebook_read_value(p->l, n), checked;
    const base_place place = rb_place(n);
    const rulebook_checking how = {.resolve = resolve, .user = p, .arena = &p->l->unit->arena, .place = &place};
    if (f != NULL && !rb_out(p->l))
        rb_note(p->l, rulebook_check_field(f, v, &how, &checked, p->l->d));
    return v;
}

bool rb_play_instant(rb_play *p, const rb_node *n, int64_t *us)
{
    int64_t seconds, local;
    int32_t nanos = 0;
    const base_zone *zone = p->l->rb->pub.zone;
    if (n == NULL || !rb_expect(p->l, n, RB_SCALAR, "at") || zone == NULL)
        return false;
    if (base_parse_local(n->as.text, n->count, &local)) {
        if (base_zone_to_utc(zone, local, &seconds) == BASE_LOCAL_SKIPPED) {
            rb_fail(p->l, n, M_time_skipped, A_N("text", n->as.text, n->count), A_S("zone", base_zone_name(zone)));
            return false;
        }
    } else if (!base_parse_rfc3339(n->as.text, n->count, &seconds, &nanos) || nanos % 1000 != 0) {
        rb_fail(p->l, n, M_bad_time, A_N("text", n->as.text, n->count));
        return false;
    }
    *us = seconds * BASE_US_PER_SECOND + nanos / 1000;
    return true;
}

bool rb_play_duration(rb_play *p, const rb_node *n, cal_duration *out)
{
    if (n == NULL)
        return false;
    if (!rb_expect(p->l, n, RB_SCALAR, "duration"))
        return false;
    const rulebook_duration spec = rb_duration(p->l, n, p->l->scope);
    if (spec.kind != RULEBOOK_LENGTH_FIXED) {
        if (spec.kind == RULEBOOK_LENGTH_EXPR)
            rb_fail(p->l, n, M_bad_duration, A_N("text", n->as.text, n->count));
        return false;
    }
    *out = spec.fixed;
    if ((out->unit != CAL_WORKING_DAYS && out->unit != CAL_WORKING_TIME) || p->calendar != NULL)
        return true;
    rb_fail(p->l, n, M_no_calendar);
    return false;
}

/* `as: KEY`, `as: host`, or, where a key is both, `as: {staff: KEY}`. */
void rb_play_who(rb_play *p, const rb_node *n, uint8_t *who, const char **as)
{
    const char *const *ways = rb_keys_scenario_person;
    *who = RULEBOOK_AS_HOST;
    *as = NULL;
    if (n == NULL)
        return;
    if (n->kind == RB_MAP) {
        if (!rulebook_read_keys(p->l, n, "as", ways))
            return;
        if (n->count != 1) {
            rb_fail(p->l, n, M_one_key, A_S("what", "as"));
            return;
        }
        const bool staff = rb_is(n->as.pairs[0].key, "staff");
        *who = staff ? RULEBOOK_AS_STAFF : RULEBOOK_AS_RESIDENT;
        *as = rb_play_record(p, n->as.pairs[0].val, ways[!staff]);
        return;
    }
    if (rb_is(n, "host"))
        return;
    const char *key = rulebook_read_string(p->l, n, "as");
    const bool staff = key != NULL && rb_play_knows(p, "staff", key), resident = key != NULL && rb_play_knows(p, "resident", key);
    if (staff && resident)
        rb_fail(p->l, n, M_scenario_who, A_S("name", key));
    *who = staff ? RULEBOOK_AS_STAFF : RULEBOOK_AS_RESIDENT;
    *as = staff || resident ? key : NULL;
    if (key == NULL || staff || resident)
        return;
    rb_names known = {0};
    for (const rb_known *k = p->records; k != NULL; k = k->next)
        if (strcmp(k->kind, "staff") == 0 || strcmp(k->kind, "resident") == 0)
            rb_names_add(p->l, &known, k->key);
    rb_unknown(p->l, n, "person", key, &known);
    rb_names_free(p->l, &known);
}

/* ---- given ---- */

static unsigned kind_of(const rb_node *key)
{
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        if (rb_is(key, kinds[i]) || rb_is(key, plurals[i]))
            return i;
    return ARRAY_LEN(kinds);
}

static bool given_shape(rulebook_loader *l, const rb_node *n)
{
    return rulebook_read_keys(l, n, "given", rb_keys_scenario_given);
}

/* The first pass: what is there, so that records may name each other in any order. */
static void declare(rb_play *p, const rb_node *n)
{
    if (n == NULL || n->kind != RB_MAP)
        return;
    for (uint32_t i = 0; i < n->count; i++) {
        const unsigned kind = kind_of(n->as.pairs[i].key);
        const rb_node *records = n->as.pairs[i].val;
        for (uint32_t k = 0; kind < ARRAY_LEN(kinds) && records->kind == RB_MAP && k < records->count; k++) {
            const rb_node *key = records->as.pairs[k].key;
            const char *copy = rb_copy(p->l, key->as.text, key->count);
            if (copy != NULL && !rb_play_knows(p, kinds[kind], copy))
                know(p, kinds[kind], copy);
        }
    }
}

static const rulebook_builtin *builtin_at(const rulebook_loader *l, const char *kind, const char *name, bool *any)
{
    const rulebook_host *part;
    *any = false;
    for (size_t i = 0; (part = rulebook_host_part(l->rb->pub.host, i)) != NULL; i++)
        for (size_t k = 0; k < part->builtin_count; k++) {
            if (strcmp(part->builtins[k].kind, kind) != 0)
                continue;
            *any = true;
            if (strcmp(part->builtins[k].name, name) == 0)
                return &part->builtins[k];
        }
    return NULL;
}

static void unknown_field(rulebook_loader *l, const rb_node *key, const char *kind)
{
    const rulebook_record *declared = rulebook_find_record(&l->rb->pub, kind);
    const rulebook_host *part;
    rb_names known = {0};
    for (uint32_t i = 0; declared != NULL && i < declared->fields.count; i++)
        rb_names_add(l, &known, declared->fields.items[i].name);
    for (size_t i = 0; (part = rulebook_host_part(l->rb->pub.host, i)) != NULL; i++)
        for (size_t k = 0; k < part->builtin_count; k++)
            if (strcmp(part->builtins[k].kind, kind) == 0)
                rb_names_add(l, &known, part->builtins[k].name);
    rb_fail(l, key, M_unknown_field, A_N("field", key->as.text, key->count), A_S("near", rb_nearest(&known, key->as.text)));
    rb_names_free(l, &known);
}

/* A role of the rulebook, or of one of its workflows. */
static void check_role(rb_play *p, const rb_node *n)
{
    const rulebook *rb = &p->l->rb->pub;
    rb_names known = {0};
    const char *name = rulebook_read_name(p->l, n, "role");
    for (uint32_t i = 0; i < rb->role_count; i++)
        rb_names_add(p->l, &known, rb->roles[i].name);
    for (uint32_t i = 0; i < rb->workflows.count; i++) {
        const rulebook_workflow *w = NULL;
        rb_note(p->l, rulebook_get_workflow(rb, rb->workflows.items[i], &w, NULL));
        for (uint32_t k = 0; w != NULL && k < w->role_count; k++)
            rb_names_add(p->l, &known, w->roles[k].name);
    }
    if (name != NULL && !rb_names_have(&known, name))
        rb_unknown(p->l, n, "role", name, &known);
    rb_names_free(p->l, &known);
}

static void check_member(rb_play *p, const char *kind, const rb_node *key, const rb_node *val)
{
    const rulebook_record *declared = rulebook_find_record(&p->l->rb->pub, kind);
    const rulebook_field *f = declared != NULL ? rulebook_find_field(&declared->fields, key->as.text, key->count) : NULL;
    bool any;
    if (f != NULL && !p->moved) {
        (void)rb_play_value(p, f, val);
        return;
    }
    const rulebook_builtin *b = builtin_at(p->l, kind, key->as.text, &any);
    if (b == NULL) {
        if (any && !p->moved)
            unknown_field(p->l, key, kind);
        return;
    }
    const rulebook_field own = {.name = b->name, .type = (uint8_t)b->type, .slot = RULEBOOK_NONE, .preset = value_absent(),
                                .min = value_absent(), .max = value_absent(), .max_length = -1, .when_it = RULEBOOK_NONE};
    (void)rb_play_value(p, &own, val);
    for (uint32_t i = 0; b->items != NULL && val->kind == RB_LIST && i < val->count; i++)
        (void)rb_play_record(p, val->as.items[i], b->items);
    for (uint32_t i = 0; !p->moved && strcmp(kind, "staff") == 0 && strcmp(b->name, "roles") == 0 && val->kind == RB_LIST && i < val->count; i++)
        check_role(p, val->as.items[i]);
}

static void read_record(rb_play *p, const char *kind, const rb_pair *pair, rulebook_given *out)
{
    rulebook_loader *l = p->l;
    const rb_node *val = pair->val;
    *out = (rulebook_given){.kind = kind, .key = rb_copy(l, pair->key->as.text, pair->key->count), .place = rb_place(pair->key)};
    out->fields = value_map(NULL, 0);
    if (pair->key->count == 0 || pair->key->count > 128 || !base_utf8_plain(pair->key->as.text, pair->key->count))
        rb_fail(l, pair->key, M_bad_key, A_N("key", pair->key->as.text, pair->key->count));
    if (val->kind == RB_SCALAR && val->type == RB_NULL)
        return;
    if (!rb_expect(l, val, RB_MAP, kind))
        return;
    for (uint32_t i = 0; i < val->count; i++)
        check_member(p, kind, val->as.pairs[i].key, val->as.pairs[i].val);
    out->fields = rulebook_read_value(l, val);
}

/* Who is named an officer and stands nowhere else is staff without roles. */
static uint32_t add_officers(rb_play *p, const rb_node *grids, rulebook_given *out, uint32_t count)
{
    for (uint32_t i = 0; i < grids->count; i++) {
        const rb_node *officers = grids->as.pairs[i].val->kind == RB_MAP ? rb_get(grids->as.pairs[i].val, "officers") : NULL;
        for (uint32_t k = 0; officers != NULL && officers->kind == RB_LIST && k < officers->count; k++) {
            const rb_node *one = officers->as.items[k];
            if (one->kind != RB_SCALAR || rb_play_knows(p, "staff", one->as.text))
                continue;
            const char *key = rb_copy(p->l, one->as.text, one->count);
            if (key == NULL)
                return count;
            know(p, "staff", key);
            out[count++] = (rulebook_given){"staff", key, value_map(NULL, 0), rb_place(one)};
        }
    }
    return count;
}

static uint32_t most_records(const rb_node *n)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < n->count; i++) {
        const rb_node *records = n->as.pairs[i].val;
        if (records->kind != RB_MAP)
            continue;
        most += records->count;
        for (uint32_t k = 0; kind_of(n->as.pairs[i].key) == 0 && k < records->count; k++) {
            const rb_node *officers = records->as.pairs[k].val->kind == RB_MAP ? rb_get(records->as.pairs[k].val, "officers") : NULL;
            most += officers != NULL && officers->kind == RB_LIST ? officers->count : 0;
        }
    }
    return most;
}

static rulebook_givens read_given(rb_play *p, const rb_node *n)
{
    rulebook_givens out = {0};
    if (n == NULL || !given_shape(p->l, n))
        return out;
    rulebook_given *items = rb_alloc(p->l, most_records(n), sizeof *items);
    if (items == NULL)
        return out;
    for (uint32_t i = 0; i < n->count; i++)
        if (kind_of(n->as.pairs[i].key) == 0 && n->as.pairs[i].val->kind == RB_MAP)
            out.count = add_officers(p, n->as.pairs[i].val, items, out.count);
    for (uint32_t i = 0; i < n->count && !rb_out(p->l); i++) {
        const unsigned kind = kind_of(n->as.pairs[i].key);
        const rb_node *records = n->as.pairs[i].val;
        if (kind == ARRAY_LEN(kinds) || !rb_expect(p->l, records, RB_MAP, plurals[kind]))
            continue;
        for (uint32_t k = 0; k < records->count && !rb_out(p->l); k++)
            read_record(p, kinds[kind], &records->as.pairs[k], &items[out.count++]);
    }
    out.items = items;
    return out;
}

/* ---- steps ---- */

static const char *read_code(rb_play *p, const rb_node *n)
{
    const char *code = rulebook_read_string(p->l, n, "fails");
    rb_names known = {0};
    if (code == NULL)
        return NULL;
    for (unsigned m = 0; m < M_COUNT_; m++) {
        if (strcmp(base_message_code((base_message)m), code) == 0)
            return code;
    }
    for (unsigned m = 0; m < M_COUNT_; m++)
        rb_names_add(p->l, &known, base_message_code((base_message)m));
    rb_unknown(p->l, n, "error code", code, &known);
    rb_names_free(p->l, &known);
    return NULL;
}

/* "workflows/ticket.yaml:26", or the file alone. */
static void read_rule(rb_play *p, const rb_node *n, rulebook_refusal *out)
{
    const char *text = rulebook_read_string(p->l, n, "rule"), *colon = text != NULL ? strrchr(text, ':') : NULL;
    out->file = text;
    if (colon == NULL)
        return;
    if (colon == text || !base_parse_int(colon + 1, strlen(colon + 1), &out->line) || out->line < 1)
        rb_fail(p->l, n, M_scenario_rule, A_S("text", text));
    out->file = rb_copy(p->l, text, (size_t)(colon - text));
}

rulebook_refusal rb_play_refusal(rb_play *p, const rb_node *n)
{
    rulebook_refusal out = {0};
    if (n == NULL || n->kind != RB_MAP) {
        out.code = read_code(p, n);
        return out;
    }
    if (!rulebook_read_keys(p->l, n, "fails", rb_keys_scenario_refusal))
        return out;
    out.code = read_code(p, rb_get(n, "code"));
    read_rule(p, rb_get(n, "rule"), &out);
    return out;
}

static void missing_fields(rb_play *p, const rb_node *step, const rb_node *given, const rulebook_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        const rulebook_field *f = &fields->items[i];
        if (f->required && f->preset.kind == VALUE_ABSENT && (given == NULL || given->kind != RB_MAP || rb_get(given, f->name) == NULL))
            rb_fail(p->l, given != NULL ? given : step, M_missing_field, A_S("field", f->name));
    }
}

/* The fields of a case, or an event's data; what is to fail may be wrong on purpose. */
static value read_input(rb_play *p, const rb_node *step, const rb_node *n, const rulebook_fields *fields, bool fails)
{
    value v = n != NULL ? rulebook_read_value(p->l, n) : value_map(NULL, 0);
    if (n != NULL && !rb_expect(p->l, n, RB_MAP, "fields"))
        return value_map(NULL, 0);
    if (!fails && fields != NULL) {
        (void)rb_play_fields(p, n, fields);
        missing_fields(p, step, n, fields);
    }
    return v.kind == VALUE_MAP ? v : value_map(NULL, 0);
}

static void read_open(rb_play *p, const rb_node *n, rulebook_step *out)
{
    if (!rulebook_read_keys(p->l, n, "open", rb_keys_scenario_open))
        return;
    const rulebook_workflow *w = rb_play_workflow(p, rb_get(n, "workflow"), true, &out->workflow);
    rb_play_who(p, rb_get(n, "as"), &out->who, &out->as);
    out->purpose = rulebook_read_string(p->l, rb_get(n, "purpose"), "purpose");
    out->fails = rb_play_refusal(p, rb_get(n, "fails"));
    out->reporter = rb_play_record(p, rb_get(n, "reporter"), "resident");
    out->grid = rb_play_record(p, rb_get(n, "grid"), "grid");
    out->source = rulebook_read_string(p->l, rb_get(n, "source"), "source");
    out->number = rulebook_read_string(p->l, rb_get(n, "number"), "number");
    out->key = rulebook_read_string(p->l, rb_get(n, "key"), "key");
    out->fields = read_input(p, n, rb_get(n, "fields"), w != NULL ? &w->fields : NULL, rb_get(n, "fails") != NULL);
    if (rb_get(n, "id") != NULL)
        out->name = name_case(p, rb_get(n, "id"), w, false);
}

static void read_send(rb_play *p, const rb_node *n, rulebook_step *out)
{
    const rulebook_workflow *w = NULL;
    if (!rulebook_read_keys(p->l, n, "send", rb_keys_scenario_send))
        return;
    out->name = rb_play_case(p, rb_get(n, "case"), &w);
    rb_play_who(p, rb_get(n, "as"), &out->who, &out->as);
    out->purpose = rulebook_read_string(p->l, rb_get(n, "purpose"), "purpose");
    out->fails = rb_play_refusal(p, rb_get(n, "fails"));
    out->event = rb_read_event(p->l, rb_get(n, "event"), "event");
    const rulebook_event *e = w != NULL && out->event != NULL ? rulebook_find_event(w, out->event) : NULL;
    const rulebook_event *before = p->old != NULL && out->event != NULL ? rulebook_find_event(p->old, out->event) : NULL;
    if (w != NULL && out->event != NULL && e == NULL && before == NULL && (out->fails.code == NULL || strcmp(out->fails.code, "event_unknown") != 0)) {
        rb_names known = {0};
        for (uint32_t i = 0; i < w->event_count; i++)
            rb_names_add(p->l, &known, w->events[i].name);
        rb_unknown(p->l, rb_get(n, "event"), "event", out->event, &known);
        rb_names_free(p->l, &known);
    }
    out->fields = read_input(p, n, rb_get(n, "data"), before != NULL ? NULL : e != NULL ? &e->input : NULL, rb_get(n, "fails") != NULL);
}

/* What an operation is to fail at may be wrong on purpose. */
static void read_call(rb_play *p, const rb_node *n, rulebook_step *out)
{
    value checked[RULEBOOK_MOST_OPERANDS];
    if (!rulebook_read_keys(p->l, n, "call", rb_keys_scenario_call))
        return;
    const char *name = rulebook_read_string(p->l, rb_get(n, "operation"), "operation");
    const rb_node *with = rb_get(n, "with"), *gives = rb_get(n, "gives");
    base_place place = rb_place(with != NULL ? with : n);
    rb_play_who(p, rb_get(n, "as"), &out->who, &out->as);
    out->purpose = rulebook_read_string(p->l, rb_get(n, "purpose"), "purpose");
    out->key = rulebook_read_string(p->l, rb_get(n, "key"), "key");
    out->fails = rb_play_refusal(p, rb_get(n, "fails"));
    if (with != NULL && rb_expect(p->l, with, RB_MAP, "with"))
        out->fields = rulebook_read_value(p->l, with);
    if (gives != NULL && rb_expect(p->l, gives, RB_MAP, "gives"))
        out->gives = rulebook_read_value(p->l, gives);
    if (name != NULL) {
        const base_place at = rb_place(rb_get(n, "operation"));
        rb_note(p->l, rulebook_find_operation(p->l->rb->pub.host, name, false, &at, &out->operation, p->l->d));
    }
    const rulebook_checking how = {.resolve = resolve, .user = p, .arena = &p->l->unit->arena, .place = &place};
    if (out->operation != NULL && rb_get(n, "fails") == NULL && !rb_out(p->l))
        rb_note(p->l, rulebook_read_operands(&p->l->rb->pub, out->operation, out->fields, &how, checked, p->l->d));
    if (rb_get(n, "id") != NULL)
        out->name = name_case(p, rb_get(n, "id"), NULL, true);
}

static void read_find(rb_play *p, const rb_node *n, rulebook_step *out)
{
    rb_play_query(p, n, true, &out->find);
    if (n->kind != RB_MAP || rb_get(n, "id") == NULL)
        return;
    const rulebook *rules = p->moved ? p->target : &p->l->rb->pub;
    const rulebook_workflow *w = out->find.workflow != NULL && rules != NULL ? workflow_in(p, rules, out->find.workflow) : NULL;
    if (w == NULL && out->find.workflow != NULL && p->target != NULL)
        w = workflow_in(p, &p->l->rb->pub, out->find.workflow);
    out->name = name_case(p, rb_get(n, "id"), w, false);
}

/* Under other rules everything may be called otherwise. They lie elsewhere: where nobody can read them now, or a scenario goes on to
 * a third rulebook, what it names is looked up when it is played. */
static void go_over(rb_play *p, const rulebook_step *step)
{
    const rulebook_options *o = p->l->rb->loading;
    const rulebook *target = NULL;
    if (!p->moved && o != NULL && o->others != NULL) {
        const gov_status status = o->others(o->others_user, step->place.origin, step->to, step->overlay, &target, NULL);
        if (status == GOV_E_NOMEM)
            rb_note(p->l, base_nomem(p->l->d));
        target = status == GOV_OK ? target : NULL;
    }
    p->target = target;
    p->moved = true;
}

static void read_migrate(rb_play *p, const rb_node *n, rulebook_step *out)
{
    if (!rulebook_read_keys(p->l, n, "migrate", rb_keys_scenario_migrate))
        return;
    const rb_node *gives = rb_get(n, "gives");
    out->to = rulebook_read_string(p->l, rb_get(n, "to"), "to");
    out->overlay = rulebook_read_string(p->l, rb_get(n, "overlay"), "overlay");
    out->dry_run = rulebook_read_bool(p->l, rb_get(n, "dry_run"), "dry_run", false);
    out->fails = rb_play_refusal(p, rb_get(n, "fails"));
    if (rb_get(n, "to") == NULL && rb_get(n, "overlay") == NULL)
        rb_fail(p->l, n, M_missing_key, A_S("what", "migrate"), A_S("key", "to"));
    if (gives != NULL && rb_expect(p->l, gives, RB_MAP, "gives"))
        out->gives = rulebook_read_value(p->l, gives);
    if (out->to != NULL && !out->dry_run && rb_get(n, "fails") == NULL)
        go_over(p, out);
}

/* The years that a scenario moves through, where its calendar does not list them. */
static void check_year(rb_play *p, const rb_node *n, int64_t us)
{
    const rulebook_calendar *c = p->calendar != NULL ? rulebook_find_calendar(&p->l->rb->pub, p->calendar) : NULL;
    int64_t day;
    int32_t year;
    unsigned month, mday;
    if (c == NULL || c->cal == NULL || cal_day_of(c->cal, us, &day, NULL) != GOV_OK)
        return;
    base_civil_from_days(day, &year, &month, &mday);
    if (!cal_year_listed(c->cal, year))
        rb_warn(p->l, rb_place(n), M_year_missing, A_S("calendar", c->name), A_I("year", year));
}

static void read_step(rb_play *p, const rb_node *n, rulebook_step *out)
{
    const char *const *keys = rb_keys_scenario_step;
    out->place = rb_place(n);
    out->fields = value_map(NULL, 0);
    out->gives = value_absent();
    if (!rulebook_read_keys(p->l, n, "step", keys))
        return;
    if (n->count != 1) {
        rb_fail(p->l, n, M_one_key, A_S("what", "step"));
        return;
    }
    const rb_node *val = n->as.pairs[0].val;
    unsigned kind = 0;
    while (keys[kind] != NULL && !rb_is(n->as.pairs[0].key, keys[kind]))
        kind++;
    out->kind = (uint8_t)kind;
    switch (kind) {
    case 0: out->kind = RULEBOOK_STEP_GIVEN; out->givens = read_given(p, val); break;
    case 1:
        out->kind = RULEBOOK_STEP_AT;
        if (rb_play_instant(p, val, &out->at_us))
            check_year(p, val, out->at_us);
        break;
    case 2: out->kind = RULEBOOK_STEP_ADVANCE; (void)rb_play_duration(p, val, &out->advance); break;
    case 3: out->kind = RULEBOOK_STEP_OPEN; read_open(p, val, out); break;
    case 4: out->kind = RULEBOOK_STEP_SEND; read_send(p, val, out); break;
    case 5: out->kind = RULEBOOK_STEP_FIND; read_find(p, val, out); break;
    case 6:
        out->kind = RULEBOOK_STEP_TICK;
        if (val->kind != RB_SCALAR || val->type != RB_NULL)
            out->max = rulebook_read_int(p->l, val, "tick", 1, 1000000, 0);
        break;
    case 7: out->kind = RULEBOOK_STEP_EXPECT; rb_play_expect(p, val, out); break;
    case 8: out->kind = RULEBOOK_STEP_CALL; read_call(p, val, out); break;
    case 9: out->kind = RULEBOOK_STEP_MIGRATE; read_migrate(p, val, out); break;
    default: break;
    }
}

static void read_steps(rb_play *p, const rb_node *n, rulebook_scenario *s)
{
    if (!rulebook_read_list(p->l, n, "steps"))
        return;
    rulebook_step *steps = rb_alloc(p->l, n->count, sizeof *steps);
    if (steps == NULL)
        return;
    if (n->count == 0)
        rb_fail(p->l, n, M_empty, A_S("what", "steps"));
    for (uint32_t i = 0; i < n->count; i++)
        if (n->as.items[i]->kind == RB_MAP)
            declare(p, rb_get(n->as.items[i], "given"));
    for (uint32_t i = 0; i < n->count && !rb_out(p->l); i++)
        read_step(p, n->as.items[i], &steps[i]);
    s->steps = steps;
    s->step_count = n->count;
}

const rulebook_scenario *rb_scenario(rulebook_loader *l, const rb_def *def, const rb_node *root)
{
    rulebook_scenario *s = rb_alloc(l, 1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->place = def->place;
    rulebook_read_keys(l, root, "scenario", rb_keys_scenario);
    s->title = rulebook_read_text(l, rb_get(root, "scenario"));
    s->description = rulebook_read_text(l, rb_get(root, "description"));
    s->calendar = l->calendar = rb_calendar_choice(l, root, l->calendar);
    rb_play p = {.l = l, .calendar = s->calendar};
    declare(&p, rb_get(root, "given"));
    s->givens = read_given(&p, rb_get(root, "given"));
    read_steps(&p, rb_get(root, "steps"), s);
    return s;
}
