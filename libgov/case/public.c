/* The public calls that change cases. */
#include "case/live.h"
#include "ledger/ledger.h"

#include <string.h>

void gov_case_options_init(gov_case_options *options, size_t size)
{
    if (options == NULL || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

/* ---- open ---- */

typedef struct open_input {
    const char *workflow;
    value fields;
    gov_case_options options;
    int64_t id;
    case_request request;
} open_input;

/* Opening may be refused because of whom or what place it is for. Where the actor may not know of them either, the answer is the
 * one for a key that nobody has. */
static gov_status open_checked(gov *g, const case_opening *opening, const gov_case_options *o, int64_t *id, const diag *d)
{
    gov_error *error = NULL;
    const diag quiet = {g->alloc, &error};
    bool seen = true;
    gov_status status = case_open(g, opening, id, &quiet), looked = GOV_OK;
    const bool own = opening->reporter == g->actor.id && g->actor.kind == ACCESS_RESIDENT;
    if (status == GOV_E_DENIED && o->reporter != NULL && !own) {
        looked = registry_reaches(g, "record.read", opening->reporter, &seen, d);
        if (looked == GOV_OK && !seen)
            looked = base_fail(d, M_record_unknown, A_S("kind", GOV_KIND_RESIDENT), A_S("key", o->reporter));
    }
    if (status == GOV_E_DENIED && looked == GOV_OK && o->grid != NULL) {
        looked = registry_reaches(g, "record.read", opening->grid, &seen, d);
        if (looked == GOV_OK && !seen)
            looked = base_fail(d, M_record_unknown, A_S("kind", GOV_KIND_GRID), A_S("key", o->grid));
    }
    if (looked == GOV_OK)
        status = base_forward(d, error) == GOV_E_NOMEM ? base_nomem(d) : status;
    gov_error_free(error);
    return looked == GOV_OK ? status : looked;
}

static gov_status open_body(gov *g, void *input, const diag *d)
{
    open_input *in = input;
    const gov_case_options *o = &in->options;
    case_opening opening = {.workflow = in->workflow, .fields = in->fields, .source = o->source, .number = o->number,
                            .flags = value_absent()};
    gov_status status = GOV_OK;
    const char *const what[] = {in->workflow, o->reporter, o->grid, o->source, o->number};
    if (o->idempotency_key != NULL) {
        value none;
        in->request.key = o->idempotency_key;
        status = case_request_begin(g, &in->request, what, ARRAY_LEN(what), in->fields, &in->id, &none, d);
        if (status != GOV_END)
            return status;
        status = GOV_OK;
    }
    if (o->reporter != NULL)
        status = registry_find(g, GOV_KIND_RESIDENT, o->reporter, strlen(o->reporter), &opening.reporter, d);
    if (status == GOV_OK && o->reporter == NULL && g->actor.kind == ACCESS_RESIDENT)
        opening.reporter = g->actor.id;
    if (status == GOV_OK && o->grid != NULL)
        status = registry_find(g, GOV_KIND_GRID, o->grid, strlen(o->grid), &opening.grid, d);
    if (status == GOV_OK)
        status = open_checked(g, &opening, o, &in->id, d);
    return status == GOV_OK && o->idempotency_key != NULL ? case_request_keep(g, &in->request, in->id, value_absent(), d) : status;
}

static bool texts_valid(const gov_case_options *o)
{
    const char *const texts[] = {o->reporter, o->grid, o->source, o->number, o->idempotency_key};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i] != NULL && ((strlen(texts[i]) > 200 && texts[i] != o->number) || !base_utf8_valid(texts[i], strlen(texts[i]))))
            return false;
    return true;
}

gov_status gov_case_open(gov *g, const char *workflow, const gov_value *fields, const gov_case_options *options,
                         int64_t *id, gov_error **err)
{
    static const access_call call = {"case.open", true};
    const diag d = {g != NULL ? g->alloc : NULL, err};
    open_input in = {.workflow = workflow, .fields = fields != NULL ? *fields : value_map(NULL, 0)};
    gov_status status = access_options(&in.options, sizeof in.options, options, options != NULL ? options->size : 0, &d);
    if (status == GOV_OK && in.options.reserved != 0)
        status = base_fail(&d, M_bad_options);
    if (status != GOV_OK)
        return status;
    if (workflow == NULL || in.fields.kind != VALUE_MAP || !texts_valid(&in.options))
        return base_misuse(err, workflow == NULL ? "workflow" : in.fields.kind != VALUE_MAP ? "fields" : "options");
    status = access_run(g, &call, open_body, &in, err);
    if (status == GOV_OK && id != NULL)
        *id = in.id;
    return status;
}

/* ---- send ---- */

typedef struct send_input {
    int64_t id;
    const char *event;
    value data;
    const char *key;
} send_input;

static gov_status send_body(gov *g, void *input, const diag *d)
{
    const send_input *in = input;
    case_request request = {.key = in->key};
    gov_status status = case_catch_up(g, in->id, d);
    if (status == GOV_OK && in->key != NULL) {
        char number[24];
        int64_t id;
        value none;
        (void)base_format_int(in->id, number);
        const char *const what[] = {"send", number, in->event};
        status = case_request_begin(g, &request, what, ARRAY_LEN(what), in->data, &id, &none, d);
        if (status != GOV_END)
            return status;
        status = GOV_OK;
    }
    if (status == GOV_OK)
        status = case_send_now(g, in->id, in->event, in->data, d);
    return status == GOV_OK && in->key != NULL ? case_request_keep(g, &request, in->id, value_absent(), d) : status;
}

gov_status gov_case_send(gov *g, int64_t id, const char *event, const gov_value *data,
                         const gov_call_options *options, gov_error **err)
{
    static const access_call call = {ACCESS_BY_EVENT, true};
    const diag d = {g != NULL ? g->alloc : NULL, err};
    gov_call_options o;
    send_input in = {id, event, data != NULL ? *data : value_map(NULL, 0), NULL};
    const gov_status status = access_call_options(&o, options, &d);
    if (status != GOV_OK)
        return status;
    in.key = o.idempotency_key;
    if (event == NULL || !base_utf8_valid(event, strlen(event)) || in.data.kind != VALUE_MAP)
        return base_misuse(err, event == NULL ? "event" : "data");
    return access_run(g, &call, send_body, &in, err);
}

/* ---- tick ---- */

gov_status gov_tick(gov *g, uint64_t max, gov_tick_result *result, gov_error **err)
{
    const diag d = {g != NULL ? g->alloc : NULL, err};
    gov_tick_result out = {.size = sizeof out}, known;
    if (g == NULL)
        return base_misuse(err, "g");
    gov_status status = access_enter(g, ACCESS_HOST_ONLY, &d);
    if (status == GOV_OK && result != NULL)
        status = access_options(&known, sizeof known, result, result->size, &d);
    if (status != GOV_OK)
        return status;
    int64_t ledger_us = -1;
    status = store_check_clock(access_real_ms(g), &d); /* also where nothing is due yet: a broken clock would find nothing for ever */
    if (status != GOV_OK)
        return status;
    status = case_tick(g, access_now(g), max, &out, &d);
    if (status == GOV_OK)
        status = ledger_tick(g, &ledger_us, &d);
    if (ledger_us > 0 && (out.next_us == 0 || ledger_us < out.next_us)) {
        out.next_us = ledger_us;
        out.next_provisional = 0;
    }
    if (status == GOV_OK && !g->group)
        status = journal_seal(g->journal, 100000, NULL, &d);
    if (result != NULL) {
        out.size = result->size < sizeof out ? result->size : sizeof out;
        memcpy(result, &out, out.size);
    }
    return status;
}
