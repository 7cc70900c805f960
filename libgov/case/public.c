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
    const char *key;
    uint8_t digest[BASE_DIGEST_SIZE];
} open_input;

/* A key is its actor's own, whoever else may use the same one; all stand apart from those of the rules' own `open`. */
static const char *request_key(gov *g, const char *key)
{
    static const char *const kinds[] = {[ACCESS_NOBODY] = "host:", [ACCESS_HOST] = "host:", [ACCESS_STAFF] = "staff:",
                                        [ACCESS_RESIDENT] = "resident:", [ACCESS_RULES] = "host:"};
    base_buf text;
    base_buf_init(&text, g->alloc);
    base_buf_str(&text, kinds[g->actor.kind]);
    if (g->actor.id != 0) {
        base_buf_int(&text, g->actor.id);
        base_buf_char(&text, ':');
    }
    base_buf_str(&text, key);
    const char *copy = text.failed ? NULL : base_arena_strndup(&g->scratch, text.data, text.len);
    base_buf_free(&text);
    return copy;
}

static gov_status digest_input(gov *g, open_input *in, const diag *d)
{
    base_buf text;
    const char *const parts[] = {in->workflow, in->options.reporter, in->options.grid, in->options.source, in->options.number};
    base_buf_init(&text, g->alloc);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        base_buf_str(&text, base_text_or_empty(parts[i]));
        base_buf_char(&text, '\0');
    }
    value_write_document(&text, in->fields);
    const gov_status status = text.failed ? base_nomem(d) : GOV_OK;
    if (status == GOV_OK)
        base_sha256(text.data, text.len, in->digest);
    base_buf_free(&text);
    return status;
}

/* GOV_END: the key is new. */
static gov_status earlier_answer(gov *g, open_input *in, const diag *d)
{
    static const store_sql find = {"SELECT digest, answer FROM gov_case_request WHERE community = $1 AND request_key = $2"};
    store_rows rows;
    const gov_status status = store_first(g->store, &find, STORE_ARGS(store_i(g->community), store_s(in->key)), &rows, d);
    if (status != GOV_OK)
        return status;
    size_t len;
    const void *digest = store_bytes(&rows, 0, &len);
    const bool same = len == BASE_DIGEST_SIZE && memcmp(digest, in->digest, len) == 0;
    in->id = store_int(&rows, 1);
    store_rows_close(&rows);
    return same ? GOV_OK : base_fail(d, M_request_conflict, A_S("key", in->options.idempotency_key));
}

static gov_status keep_answer(gov *g, const open_input *in, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_case_request (community, request_key, digest, answer) VALUES ($1, $2, $3, $4)"};
    return store_post(g->store, &add,
                      STORE_ARGS(store_i(g->community), store_s(in->key),
                                 store_b(in->digest, sizeof in->digest), store_i(in->id)),
                      1, d);
}

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
    if (o->idempotency_key != NULL) {
        in->key = request_key(g, o->idempotency_key);
        status = in->key != NULL ? digest_input(g, in, d) : base_nomem(d);
        if (status == GOV_OK)
            status = earlier_answer(g, in, d);
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
    return status == GOV_OK && o->idempotency_key != NULL ? keep_answer(g, in, d) : status;
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
} send_input;

static gov_status send_body(gov *g, void *input, const diag *d)
{
    const send_input *in = input;
    const gov_status status = case_catch_up(g, in->id, d);
    return status == GOV_OK ? case_send(g, in->id, in->event, in->data, d) : status;
}

gov_status gov_case_send(gov *g, int64_t id, const char *event, const gov_value *data, gov_error **err)
{
    static const access_call call = {ACCESS_BY_EVENT, true};
    send_input in = {id, event, data != NULL ? *data : value_map(NULL, 0)};
    if (event == NULL || !base_utf8_valid(event, strlen(event)) || in.data.kind != VALUE_MAP)
        return base_misuse(err, event == NULL ? "event" : "data");
    return access_run(g, &call, send_body, &in, err);
}

/* ---- tick ---- */

gov_status gov_tick(gov *g, uint64_t max, gov_tick_result *result, gov_error **err)
{
    const diag d = {g != NULL ? g->alloc : NULL, err};
    gov_tick_result out = {.size = sizeof out, .next_us = -1}, known;
    if (g == NULL)
        return base_misuse(err, "g");
    gov_status status = access_enter(g, ACCESS_HOST_ONLY, &d);
    if (status == GOV_OK && result != NULL)
        status = access_options(&known, sizeof known, result, result->size, &d);
    if (status != GOV_OK)
        return status;
    int64_t ledger_us = -1;
    status = case_tick(g, access_now(g), max, &out, &d);
    if (status == GOV_OK)
        status = ledger_tick(g, &ledger_us, &d);
    if (ledger_us >= 0 && (out.next_us < 0 || ledger_us < out.next_us))
        out.next_us = ledger_us;
    if (status == GOV_OK && !g->group)
        status = journal_seal(g->journal, 100000, NULL, &d);
    if (result != NULL) {
        out.size = result->size < sizeof out ? result->size : sizeof out;
        memcpy(result, &out, out.size);
    }
    return status;
}
