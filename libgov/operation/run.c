/* Running operations, and telling of them. */
#include "operation/operation.h"

#include <string.h>

typedef struct asking {
    const rulebook_operation *op;
    value input;
    const char *key;
    gov_value **out;
    gov *g;
} asking;

/* ---- records that are named ---- */

/* Which operand is looked up is not known here, so what is out of reach is decided when all are read. */
static gov_status find_record(void *user, rulebook_type type, value reference, int64_t *id, const diag *d)
{
    const asking *a = user;
    if (type == RULEBOOK_CASE)
        return GOV_E_NOT_FOUND;
    return registry_reference(a->g, type, reference, id, d);
}

static gov_status check_reach(gov *g, const rulebook_operation *op, const value *in, const diag *d)
{
    for (size_t i = 0; i < op->operand_count; i++) {
        const rulebook_operand *o = &op->operands[i];
        registry_record r;
        if (o->type != RULEBOOK_OPERAND_RECORD || o->free || in[i].kind != VALUE_INT)
            continue;
        gov_status status = registry_load(g, in[i].as.i, &g->scratch, &r, d);
        if (status == GOV_OK)
            status = registry_check_scope(g, op->permission, r.id, r.kind, r.key, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

/* ---- running ---- */

static gov_status run_once(gov *g, const asking *a, value *out, const diag *d)
{
    value in[RULEBOOK_MOST_OPERANDS];
    const rulebook_checking how = {.resolve = find_record, .user = (void *)(uintptr_t)a, .arena = &g->scratch};
    gov_status status = rulebook_read_operands(g->rules, a->op, a->input, &how, in, d);
    if (status == GOV_OK)
        status = check_reach(g, a->op, in, d);
    *out = value_null();
    return status == GOV_OK ? a->op->run(g, in, out, d) : status;
}

static gov_status run_body(gov *g, void *input, const diag *d)
{
    asking *a = input;
    case_request request = {.key = a->key};
    value answer = value_absent();
    int64_t id = 0;
    a->g = g;
    gov_status status = a->op->writes ? case_catch_up_rooms(g, d) : GOV_OK;
    if (status == GOV_OK && a->key != NULL) {
        status = case_request_begin(g, &request, &a->op->name, 1, a->input, &id, &answer, d);
        if (status == GOV_OK)
            return a->out != NULL ? access_answer(g, answer, a->out, d) : GOV_OK;
        status = status == GOV_END ? GOV_OK : status;
    }
    if (status == GOV_OK)
        status = run_once(g, a, &answer, d);
    if (status == GOV_OK && a->key != NULL)
        status = case_request_keep(g, &request, 0, answer, d);
    return status == GOV_OK && a->out != NULL ? access_answer(g, answer, a->out, d) : status;
}

gov_status gov_operation_run(gov *g, const char *name, const gov_value *input, const gov_call_options *options, gov_value **out,
                             gov_error **err)
{
    const diag d = {g != NULL ? g->alloc : NULL, err};
    gov_call_options o;
    asking a = {.input = input != NULL ? *input : value_map(NULL, 0), .out = out};
    if (g == NULL || name == NULL || a.input.kind != VALUE_MAP)
        return base_misuse(err, g == NULL ? "g" : name == NULL ? "name" : "input");
    gov_status status = access_call_options(&o, options, &d);
    if (status == GOV_OK)
        status = rulebook_find_operation(g->rules->host, name, false, NULL, &a.op, &d);
    if (status != GOV_OK)
        return status;
    a.key = o.idempotency_key;
    if (a.key != NULL && !a.op->writes)
        return base_misuse(err, "options");
    const access_call call = {a.op->permission, a.op->writes};
    return access_run(g, &call, run_body, &a, err);
}

/* ---- telling ---- */

static value describe_operand(gov *g, const rulebook_operand *o, value_builder *list)
{
    static const char *const types[] = {"text", "int", "bool", "time", "date", "duration", "list", "map", "any", "record", "id", "name"};
    value_builder b;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "name", value_text(o->name));
    value_builder_set(&b, "type", value_text(types[o->type]));
    value_builder_set(&b, "required", value_bool(o->required));
    if (o->kinds != NULL)
        value_builder_set(&b, "kinds", value_text(o->kinds));
    list->failed = list->failed || b.failed;
    return value_builder_map(&b);
}

static gov_status list_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    const rulebook_operation *op;
    value_builder list;
    value_builder_init(&list, &g->scratch);
    for (size_t i = 0; (op = rulebook_operation_at(g->rules->host, i)) != NULL; i++) {
        value_builder b, operands;
        if (op->hidden)
            continue;
        value_builder_init(&b, &g->scratch);
        value_builder_init(&operands, &g->scratch);
        for (size_t k = 0; k < op->operand_count; k++)
            value_builder_add(&operands, describe_operand(g, &op->operands[k], &list));
        value_builder_set(&b, "name", value_text(op->name));
        value_builder_set(&b, "permission", op->permission != ACCESS_ANYONE ? value_text(op->permission) : value_null());
        value_builder_set(&b, "writes", value_bool(op->writes));
        value_builder_set(&b, "operands", value_builder_list(&operands));
        list.failed = list.failed || b.failed || operands.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    return list.failed ? base_nomem(d) : access_answer(g, value_builder_list(&list), a->out, d);
}

gov_status gov_operation_list(gov *g, gov_value **out, gov_error **err)
{
    static const access_call call = {ACCESS_ANYONE, false};
    asking a = {.out = out};
    return out == NULL ? base_misuse(err, "out") : access_run(g, &call, list_body, &a, err);
}
