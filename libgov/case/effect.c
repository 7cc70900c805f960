/* The effects that this room itself brings: assign, notify, open, link. */
#include "case/family.h"

#include <string.h>

/* ---- assign ---- */

static gov_status assign_one(gov *g, case_machine *m, const rulebook_action *a, const char *name, rulebook_type type,
                             int64_t *to, value_builder *note, const diag *d)
{
    value v;
    int64_t id = 0;
    gov_status status = case_argument(m, a, name, &v, d);
    if (status != GOV_OK || v.kind == VALUE_ABSENT)
        return status;
    if (v.kind != VALUE_NULL)
        status = registry_reference(g, type, v, &id, d);
    if (status == GOV_E_NOT_FOUND)
        return base_fail_at(d, &a->place, M_bad_reference, A_S("effect", "assign"), A_S("kind", name));
    if (status != GOV_OK)
        return status;
    *to = id;
    value_builder_set(note, name, id != 0 ? value_int(id) : value_null());
    return GOV_OK;
}

static gov_status run_assign(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    value_builder note;
    const int64_t unit = m->unit, staff = m->staff;
    value_builder_init(&note, m->arena);
    gov_status status = assign_one(g, m, a, "unit", RULEBOOK_UNIT, &m->unit, &note, d);
    if (status == GOV_OK)
        status = assign_one(g, m, a, "staff", RULEBOOK_STAFF, &m->staff, &note, d);
    if (status == GOV_OK)
        status = assign_one(g, m, a, "grid", RULEBOOK_GRID, &m->grid, &note, d);
    case_note_effect(m, "assign", value_builder_map(&note));
    if (status == GOV_OK)
        status = case_note_holder(m, d);
    /* A unit that names one of its own for a case has not passed it on; nor has whoever gives it its first holder. */
    if (status == GOV_OK && ((unit != 0 && m->unit != unit) || (staff != 0 && m->staff != staff)))
        status = case_clocks_handed_over(m, d);
    return status;
}

/* ---- notify ---- */

/* The journal is the outbox: the host reads the note and delivers it by its own channels. */
static gov_status run_notify(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    value_builder note;
    value to, template, data;
    (void)g;
    gov_status status = case_argument(m, a, "to", &to, d);
    if (status == GOV_OK)
        status = case_argument(m, a, "template", &template, d);
    if (status == GOV_OK)
        status = case_argument(m, a, "data", &data, d);
    if (status != GOV_OK)
        return status;
    if (to.kind == VALUE_NULL || to.kind == VALUE_ABSENT)
        return base_fail_at(d, &a->place, M_bad_reference, A_S("effect", "notify"), A_S("kind", "to"));
    value_builder_init(&note, m->arena);
    value_builder_set(&note, "to", to);
    value_builder_set(&note, "template", template);
    if (data.kind == VALUE_MAP)
        value_builder_set(&note, "data", data);
    case_note_effect(m, "notify", value_builder_map(&note));
    return note.failed ? base_nomem(d) : GOV_OK;
}

/* ---- open ---- */

static gov_status key_taken(gov *g, const char *key, int64_t *id, const diag *d)
{
    static const store_sql find = {"SELECT answer FROM gov_case_request WHERE community = $1 AND request_key = $2"};
    const gov_status status = store_first_int(g->store, &find, STORE_ARGS(store_i(g->community), store_s(key)), id, d);
    return status == GOV_END ? GOV_OK : status;
}

static gov_status keep_key(gov *g, const char *key, int64_t id, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_case_request (community, request_key, digest, answer) VALUES ($1, $2, $3, $4)"};
    return store_post(g->store, &add, STORE_ARGS(store_i(g->community), store_s(key), store_b("", 0), store_i(id)), 1, d);
}

static const char *child_key(case_machine *m, value key)
{
    base_buf text;
    base_buf_init(&text, m->alloc);
    base_buf_str(&text, "open:");
    if (m->keys != NULL)
        base_buf_str(&text, m->keys);
    else
        base_buf_int(&text, m->id);
    base_buf_char(&text, ':');
    value_write_document(&text, key);
    const char *copy = text.failed ? NULL : base_arena_strndup(m->arena, text.data, text.len);
    base_buf_free(&text);
    return copy;
}

/* A record given for a reference, as a schedule's `it` is, stands for its id. */
static value with_ids(case_machine *m, value fields)
{
    value_builder b;
    value_builder_init(&b, m->arena);
    for (size_t i = 0; fields.kind == VALUE_MAP && i < fields.len; i++) {
        const value_pair *p = &fields.as.pairs[i];
        const value id = value_get_text(p->val, "id");
        const bool record = id.kind == VALUE_INT && value_get_text(p->val, "key").kind == VALUE_STRING &&
                            value_get_text(p->val, "kind").kind == VALUE_STRING;
        value_builder_set_n(&b, p->key.as.s, p->key.len, record ? id : p->val);
    }
    return b.failed ? value_absent() : fields.kind == VALUE_MAP ? value_builder_map(&b) : fields;
}

static gov_status open_child(gov *g, case_machine *m, const rulebook_action *a, value_builder *opened, const diag *d)
{
    value workflow, fields, link, key;
    const char *name = NULL;
    int64_t id = 0;
    gov_status status = case_argument(m, a, "workflow", &workflow, d);
    if (status == GOV_OK)
        status = case_argument(m, a, "fields", &fields, d);
    if (status == GOV_OK && fields.kind == VALUE_MAP && (fields = with_ids(m, fields)).kind == VALUE_ABSENT)
        status = base_nomem(d);
    if (status == GOV_OK)
        status = case_argument(m, a, "link", &link, d);
    if (status == GOV_OK)
        status = case_argument(m, a, "key", &key, d);
    if (status == GOV_OK && key.kind != VALUE_ABSENT) {
        name = child_key(m, key);
        status = name != NULL ? key_taken(g, name, &id, d) : base_nomem(d);
    }
    if (status != GOV_OK || id != 0)
        return status;
    const case_opening o = {.workflow = workflow.as.s, .fields = fields, .grid = m->grid, .parent = m->id,
                            .link = link.kind == VALUE_STRING ? link.as.s : NULL, .flags = value_absent(), .depth = m->depth + 1};
    status = case_open(g, &o, &id, d);
    if (status == GOV_OK && name != NULL)
        status = keep_key(g, name, id, d);
    value_builder_add(opened, value_int(id));
    return status;
}

static gov_status run_open(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    const rulebook_argument *as = rulebook_arg(a, "as");
    value each;
    value_builder opened, note;
    value_builder_init(&opened, m->arena);
    value_builder_init(&note, m->arena);
    gov_status status = case_argument(m, a, "each", &each, d);
    if (status == GOV_OK && each.kind != VALUE_LIST)
        status = open_child(g, m, a, &opened, d);
    for (size_t i = 0; each.kind == VALUE_LIST && i < each.len && status == GOV_OK; i++) {
        if (as != NULL)
            m->slots[as->slot] = each.as.items[i];
        status = open_child(g, m, a, &opened, d);
    }
    if (as != NULL)
        m->slots[as->slot] = value_absent();
    const rulebook_argument *workflow = rulebook_arg(a, "workflow");
    value_builder_set(&note, "workflow", value_text(workflow->text));
    value_builder_set(&note, "cases", value_builder_list(&opened));
    case_note_effect(m, "open", value_builder_map(&note));
    return status;
}

static gov_status preview_open(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    const rulebook_argument *workflow = rulebook_arg(a, "workflow");
    (void)g, (void)d;
    case_note_effect(m, "open", value_text(workflow->text));
    return GOV_OK;
}

/* ---- link ---- */

static gov_status run_link(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    static const store_sql exists = {"SELECT id FROM gov_case WHERE community = $1 AND id = $2"};
    value to, as;
    int64_t other = 0;
    gov_status status = case_argument(m, a, "to", &to, d);
    if (status == GOV_OK)
        status = case_argument(m, a, "as", &as, d);
    if (status == GOV_OK)
        status = store_first_int(g->store, &exists, STORE_ARGS(store_i(g->community), store_i(to.kind == VALUE_INT ? to.as.i : 0)), &other, d);
    if (status == GOV_END)
        return base_fail_at(d, &a->place, M_bad_reference, A_S("effect", "link"), A_S("kind", "case"));
    if (status == GOV_OK)
        status = case_put_link(g, m->id, as.as.s, as.len, other, d);
    case_note_effect(m, "link", value_int(other));
    return status;
}

/* ---- the table ---- */

static const case_runner assign_runner = {run_assign, run_assign}, notify_runner = {run_notify, run_notify},
                         open_runner = {run_open, preview_open}, link_runner = {run_link, NULL}, merge_runner = {case_run_merge, NULL};

static const rulebook_param assign_params[] = {
    {.name = "unit", .kind = RULEBOOK_PARAM_EXPR, .refs = RULEBOOK_REF(RULEBOOK_UNIT) | RULEBOOK_REF_KEYS},
    {.name = "staff", .kind = RULEBOOK_PARAM_EXPR, .refs = RULEBOOK_REF(RULEBOOK_STAFF) | RULEBOOK_REF_KEYS},
    {.name = "grid", .kind = RULEBOOK_PARAM_EXPR, .refs = RULEBOOK_REF(RULEBOOK_GRID) | RULEBOOK_REF_KEYS}};
/* To whom the host can deliver something: people and those who have them. */
enum { ADDRESSEES = (1 << RULEBOOK_RESIDENT) | (1 << RULEBOOK_HOUSEHOLD) | (1 << RULEBOOK_PREMISES) | (1 << RULEBOOK_GRID) |
                    (1 << RULEBOOK_UNIT) | (1 << RULEBOOK_STAFF) | (1 << RULEBOOK_GROUP) };
static const rulebook_param notify_params[] = {
    {.name = "to", .kind = RULEBOOK_PARAM_EXPR, .required = true, .refs = ADDRESSEES | RULEBOOK_REF_KEYS},
    {.name = "template", .kind = RULEBOOK_PARAM_TEMPLATE, .required = true},
    {.name = "data", .kind = RULEBOOK_PARAM_EXPRS}};
static const rulebook_param open_params[] = {
    {"workflow", RULEBOOK_PARAM_WORKFLOW, true, EXPR_DYN}, {"fields", RULEBOOK_PARAM_EXPRS, false, EXPR_DYN, NULL, "workflow"},
    {"link", RULEBOOK_PARAM_NAME, false, EXPR_DYN}, {"each", RULEBOOK_PARAM_EXPR, false, EXPR_LIST},
    {"as", RULEBOOK_PARAM_VAR, false, EXPR_DYN}, {"key", RULEBOOK_PARAM_EXPR, false, EXPR_DYN}};
static const rulebook_param link_params[] = {
    {"to", RULEBOOK_PARAM_EXPR, true, EXPR_INT}, {"as", RULEBOOK_PARAM_NAME, true, EXPR_DYN}};

static const rulebook_param merge_params[] = {{"into", RULEBOOK_PARAM_EXPR, true, EXPR_INT}};

static const rulebook_effect effects[] = {
    {"assign", assign_params, ARRAY_LEN(assign_params), NULL, (void *)(uintptr_t)&assign_runner},
    {"notify", notify_params, ARRAY_LEN(notify_params), NULL, (void *)(uintptr_t)&notify_runner},
    {"open", open_params, ARRAY_LEN(open_params), NULL, (void *)(uintptr_t)&open_runner},
    {"link", link_params, ARRAY_LEN(link_params), NULL, (void *)(uintptr_t)&link_runner},
    {"merge", merge_params, ARRAY_LEN(merge_params), NULL, (void *)(uintptr_t)&merge_runner},
    {"publish", case_publish_params, CASE_PUBLISH_PARAMS, case_check_publish, (void *)(uintptr_t)&case_publish_runner,
     case_publish_reports, CASE_PUBLISH_REPORTS},
};
const rulebook_host case_words = {.effects = effects,
                                  .effect_count = ARRAY_LEN(effects),
                                  .functions = case_functions,
                                  .function_count = CASE_FUNCTIONS,
                                  .operations = case_operations,
                                  .operation_count = CASE_OPERATIONS};
