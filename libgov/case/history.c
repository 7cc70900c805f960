/* A case's history, from the journal. */
#include "case/live.h"

#include <string.h>

typedef struct get_input {
    int64_t id;
    gov_value **out;
} get_input;

static const access_call read_call = {"case.read", false};

typedef struct history {
    gov *g;
    case_machine *m;
    value_builder list;
    case_versions versions;
    const diag *d;
    gov_status status;
} history;

gov_status case_actor_key(gov *g, int64_t actor, const char **out, const diag *d)
{
    *out = actor == ACCESS_ID_HOST ? "host" : "rules";
    return actor == ACCESS_ID_HOST || actor == ACCESS_ID_RULES ? GOV_OK : registry_label(g, actor, out, NULL, d);
}

/* Sensitive fields are shown as the case's own are, wherever they stand: under `set`, in the event's data, in what an effect
 * noted. The depth is that of a document, which has a limit. */
static gov_status show_members(history *h, const char *event, value v, value *out)
{
    const access_subject scope = case_subject(h->m);
    gov_status status = GOV_OK;
    *out = v;
    if (v.kind == VALUE_LIST) {
        value *items = base_arena_array(h->m->arena, v.len, sizeof *items);
        for (size_t i = 0; items != NULL && i < v.len && status == GOV_OK; i++)
            status = show_members(h, event, v.as.items[i], &items[i]);
        *out = value_list(items, v.len);
        return items != NULL ? status : base_nomem(h->d);
    }
    if (v.kind != VALUE_MAP)
        return GOV_OK;
    value_pair *pairs = base_arena_array(h->m->arena, v.len, sizeof *pairs);
    for (size_t i = 0; pairs != NULL && i < v.len && status == GOV_OK; i++) {
        const value key = v.as.pairs[i].key;
        const rulebook_field *f = key.kind == VALUE_STRING ? case_named_field(&h->versions, event, key.as.s, key.len) : NULL;
        pairs[i] = v.as.pairs[i];
        status = f != NULL ? case_show_field(h->g, h->m, f, pairs[i].val, &scope, &pairs[i].val, h->d)
                           : show_members(h, event, pairs[i].val, &pairs[i].val);
    }
    *out = value_map(pairs, v.len);
    return pairs != NULL ? status : base_nomem(h->d);
}

static gov_status add_data(history *h, const journal_record *r, value_builder *b)
{
    value data;
    gov_status status = access_read_stored(h->m->community, h->m->arena, r->data_text, r->data_len, &data, h->d);
    if (status != GOV_OK || data.kind != VALUE_MAP)
        return status;
    const value name = value_get_text(data, "event");
    const char *event = name.kind == VALUE_STRING ? base_arena_strndup(h->m->arena, name.as.s, name.len) : NULL;
    for (size_t i = 0; status == GOV_OK && i < data.len; i++) {
        const value key = data.as.pairs[i].key;
        value v;
        if (value_is_text(key, "clocks") || value_is_text(key, "waits") || value_is_text(key, CASE_TOLD_MARK) || value_is_text(key, CASE_TOLD_ROW)) /* for verify, not for people */
            continue;
        status = show_members(h, event, data.as.pairs[i].val, &v);
        value_builder_set_n(b, key.as.s, key.len, v);
    }
    return status;
}

static gov_status add_entry(void *user, const journal_record *r)
{
    history *h = user;
    value_builder b;
    const char *actor;
    gov_status status = case_actor_key(h->g, r->actor, &actor, h->d);
    if (status != GOV_OK)
        return status;
    value_builder_init(&b, h->m->arena);
    value_builder_set(&b, "entry", value_int(r->id));
    value_builder_set(&b, "at", value_from_us(r->at_us));
    value_builder_set(&b, "actor", value_text(actor));
    value_builder_set_copy(&b, "purpose", r->purpose);
    value_builder_set_copy(&b, "kind", r->kind);
    if (r->rule_digest != NULL) {
        base_buf text;
        base_buf_init(&text, h->m->alloc);
        base_buf_fmt(&text, "%s:%lu", r->rule_file, (unsigned long)r->rule_line);
        b.failed = b.failed || text.failed;
        value_builder_set_copy(&b, "rule", text.failed ? "" : text.data);
        base_buf_free(&text);
    }
    status = r->erased ? GOV_OK : add_data(h, r, &b);
    if (status == GOV_OK && b.failed)
        status = base_nomem(h->d);
    value_builder_add(&h->list, value_builder_map(&b));
    return status;
}

static gov_status history_body(gov *g, void *input, const diag *d)
{
    get_input *in = input;
    case_machine m;
    gov_status status = case_load_to_read(g, in->id, &m, d);
    if (status != GOV_OK)
        return status;
    history h = {.g = g, .m = &m, .d = d};
    const journal_filter filter = {.subject = in->id};
    value_builder_init(&h.list, m.arena);
    status = case_versions_of(g, in->id, m.arena, &h.versions, d);
    if (status == GOV_OK)
        status = journal_read(g->journal, &filter, add_entry, &h, d);
    if (status == GOV_OK && h.list.failed)
        status = base_nomem(d);
    case_machine_free(&m);
    return status == GOV_OK ? access_answer(g, value_builder_list(&h.list), in->out, d) : status;
}

gov_status gov_case_history(gov *g, int64_t id, gov_value **out, gov_error **err)
{
    get_input in = {id, out};
    return out != NULL ? access_run(g, &read_call, history_body, &in, err) : base_misuse(err, "out");
}

