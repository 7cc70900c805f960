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
    const diag *d;
    gov_status status;
} history;

const char *case_actor_key(gov *g, int64_t actor, const diag *d)
{
    const char *key = "";
    if (actor == ACCESS_ID_HOST)
        return "host";
    if (actor == ACCESS_ID_RULES)
        return "rules";
    (void)registry_label(g, actor, &key, NULL, d);
    return key;
}

/* Sensitive fields under `set` and in the event's data are shown as the case's own are. */
static gov_status mask_members(history *h, value map, const rulebook_fields *fields, value *out)
{
    const access_subject scope = case_subject(h->m);
    value_builder b;
    value_builder_init(&b, h->m->arena);
    for (size_t i = 0; i < map.len; i++) {
        const value key = map.as.pairs[i].key;
        const rulebook_field *f = rulebook_find_field(fields, key.as.s, key.len);
        value v = map.as.pairs[i].val;
        if (f != NULL) {
            const gov_status status = case_show_field(h->g, h->m, f, v, &scope, &v, h->d);
            if (status != GOV_OK)
                return status;
        }
        value_builder_set_n(&b, key.as.s, key.len, v);
    }
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(h->d) : GOV_OK;
}

static gov_status add_data(history *h, const journal_record *r, value_builder *b)
{
    value data;
    gov_status status = value_read_document(h->m->arena, r->data_text, r->data_len, &data, h->d);
    for (size_t i = 0; status == GOV_OK && data.kind == VALUE_MAP && i < data.len; i++) {
        const value key = data.as.pairs[i].key;
        value v = data.as.pairs[i].val;
        if (value_is_text(key, "set") && v.kind == VALUE_MAP)
            status = mask_members(h, v, &h->m->w->fields, &v);
        else if (value_is_text(key, "data") && v.kind == VALUE_MAP) {
            const value name = value_get_text(data, "event");
            const rulebook_event *e = name.kind == VALUE_STRING ? rulebook_find_event(h->m->w, name.as.s) : NULL;
            if (e != NULL)
                status = mask_members(h, v, &e->input, &v);
        }
        value_builder_set_n(b, key.as.s, key.len, v);
    }
    return status;
}

static gov_status add_entry(void *user, const journal_record *r)
{
    history *h = user;
    value_builder b;
    value_builder_init(&b, h->m->arena);
    value_builder_set(&b, "entry", value_int(r->id));
    value_builder_set(&b, "at", value_from_us(r->at_us));
    value_builder_set(&b, "actor", value_text(case_actor_key(h->g, r->actor, h->d)));
    value_builder_set(&b, "purpose", value_text(base_arena_strdup(h->m->arena, r->purpose)));
    value_builder_set(&b, "kind", value_text(base_arena_strdup(h->m->arena, r->kind)));
    if (r->rule_digest != NULL) {
        base_buf text;
        base_buf_init(&text, h->m->alloc);
        base_buf_fmt(&text, "%s:%lu", r->rule_file, (unsigned long)r->rule_line);
        value_builder_set(&b, "rule", value_text(text.failed ? NULL : base_arena_strdup(h->m->arena, text.data)));
        base_buf_free(&text);
    }
    gov_status status = r->erased ? GOV_OK : add_data(h, r, &b);
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
    status = journal_read(g->journal, &filter, add_entry, &h, d);
    if (status == GOV_OK && h.list.failed)
        status = base_nomem(d);
    case_machine_free(&m);
    return status == GOV_OK ? value_publish(g->alloc, value_builder_list(&h.list), in->out, d) : status;
}

gov_status gov_case_history(gov *g, int64_t id, gov_value **out, gov_error **err)
{
    get_input in = {id, out};
    return out != NULL ? access_run(g, &read_call, history_body, &in, err) : base_misuse(err, "out");
}

