/* A case among others: its children, cases like it, who had it, and merging one into another. */
#include "case/family.h"

#include <stdio.h>
#include <string.h>

/* ---- who had it ---- */

value case_holders(case_machine *m)
{
    value list;
    if (m->holders == NULL || value_read_document(m->arena, m->holders, strlen(m->holders), &list, NULL) != GOV_OK)
        return value_list(NULL, 0);
    return list;
}

int64_t case_ping_pongs(case_machine *m)
{
    const value list = case_holders(m);
    int64_t n = 0;
    for (size_t i = 1; list.kind == VALUE_LIST && i < list.len; i++)
        for (size_t k = 0; k < i; k++)
            if (list.as.items[k].as.i == list.as.items[i].as.i) {
                n++;
                break;
            }
    return n;
}

gov_status case_note_holder(case_machine *m, const diag *d)
{
    const value list = case_holders(m);
    base_buf text;
    if (m->unit == 0 || (list.len > 0 && list.as.items[list.len - 1].as.i == m->unit))
        return GOV_OK;
    value *items = base_arena_array(m->arena, list.len + 1, sizeof *items);
    if (items == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < list.len; i++)
        items[i] = list.as.items[i];
    items[list.len] = value_int(m->unit);
    base_buf_init(&text, m->alloc);
    value_write_document(&text, value_list(items, list.len + 1));
    m->holders = text.failed ? NULL : base_arena_strndup(m->arena, text.data, text.len);
    base_buf_free(&text);
    return m->holders != NULL ? GOV_OK : base_nomem(d);
}

/* ---- other cases, as rules see them ----
 *
 * A step that is late is taken at its own instant, and a rehearsal lives in the past: neither may see what came later. What has been
 * opened since is not there yet; of what has taken a step since, the journal tells where it stood. */

typedef struct seen {
    int64_t id, unit, opened_us, closed_us, changed_us;
    const char *number, *workflow, *link, *outcome;
} seen;

typedef struct looking_back {
    gov *g;
    base_arena *arena;
    int64_t at_us;
    case_versions versions;
    seen *it;
    const diag *d;
} looking_back;

/* The state of that path; CHART_NONE where the version has none. */
static uint32_t state_of(const rulebook_workflow *w, value path)
{
    return path.kind == VALUE_STRING ? chart_find(w->chart, path.as.s, path.len) : CHART_NONE;
}

static const rulebook_workflow *version_with(const case_versions *v, value paths)
{
    for (size_t i = 0; i < v->count; i++) {
        bool all = paths.kind == VALUE_LIST && paths.len > 0;
        for (size_t k = 0; all && k < paths.len; k++)
            all = state_of(v->items[i], paths.as.items[k]) != CHART_NONE;
        if (all)
            return v->items[i];
    }
    return NULL;
}

static void stand(seen *it, const rulebook_workflow *w, value paths, int64_t at_us)
{
    bool ended = true;
    const char *outcome = NULL;
    for (size_t i = 0; i < paths.len; i++) {
        const uint32_t leaf = state_of(w, paths.as.items[i]);
        ended = ended && chart_kind_of(w->chart, leaf) == CHART_FINAL;
        for (uint32_t s = leaf; s != CHART_NONE && outcome == NULL; s = chart_parent(w->chart, s))
            outcome = w->states[s].outcome;
    }
    it->closed_us = !ended ? 0 : it->closed_us != 0 ? it->closed_us : at_us;
    it->outcome = ended ? outcome : NULL;
}

static gov_status look_at_entry(void *user, const journal_record *r)
{
    looking_back *l = user;
    value doc;
    if (r->at_us > l->at_us || strncmp(r->kind, "case.", 5) != 0 || r->erased)
        return GOV_OK;
    const gov_status status = access_read_stored(l->g, l->arena, r->data_text, r->data_len, &doc, l->d);
    if (status != GOV_OK)
        return status;
    const value paths = value_get_text(doc, "to");
    const rulebook_workflow *w = version_with(&l->versions, paths);
    if (w != NULL)
        stand(l->it, w, paths, r->at_us);
    return GOV_OK;
}

static gov_status look_back(gov *g, seen *it, int64_t at_us, const diag *d)
{
    const journal_filter about = {.subject = it->id};
    base_arena arena;
    base_arena_init(&arena, g->alloc);
    looking_back l = {.g = g, .arena = &arena, .at_us = at_us, .it = it, .d = d};
    it->closed_us = 0;
    it->outcome = NULL;
    gov_status status = case_versions_of(g, it->id, &arena, &l.versions, d);
    if (status == GOV_OK)
        status = journal_read(g->journal, &about, look_at_entry, &l, d);
    base_arena_free(&arena);
    return status;
}

/* What `now` is for the case; a host's clock that is put back does not make it younger than its last step. */
static int64_t instant_of(const case_machine *m)
{
    return m->as_of_us != 0 ? m->as_of_us : m->now_us > m->changed_us ? m->now_us : m->changed_us;
}

#define SEEN "c.id, c.number, c.workflow, c.link, c.unit, c.opened_us, c.closed_us, c.outcome, c.changed_us"

/* NULL where it is; *failed: no memory. */
static const char *text_of(case_machine *m, store_rows *rows, int column, bool *failed)
{
    const char *copy = store_is_null(rows, column) ? NULL : base_arena_strdup(m->arena, store_text(rows, column, NULL));
    *failed = *failed || (copy == NULL && !store_is_null(rows, column));
    return copy;
}

static gov_status read_rows(case_machine *m, const store_sql *sql, const store_arg *args, size_t n, seen **out, size_t *count, const diag *d)
{
    gov *g = m->community;
    store_rows rows;
    seen *list = NULL;
    size_t cap = 0;
    bool failed = false;
    gov_status status = store_query(g->store, sql, args, n, &rows, d);
    for (*count = 0; status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK;) {
        if (failed || !base_grow(g->alloc, &list, &cap, *count, sizeof *list)) {
            status = base_nomem(d);
            break;
        }
        list[(*count)++] = (seen){.id = store_int(&rows, 0), .number = text_of(m, &rows, 1, &failed), .workflow = text_of(m, &rows, 2, &failed),
                                  .link = text_of(m, &rows, 3, &failed), .unit = store_int(&rows, 4), .opened_us = store_int(&rows, 5),
                                  .closed_us = store_int(&rows, 6), .outcome = text_of(m, &rows, 7, &failed), .changed_us = store_int(&rows, 8)};
    }
    store_rows_close(&rows);
    *out = list;
    return status != GOV_END ? status : failed ? base_nomem(d) : GOV_OK;
}

static value text_or_null(const char *s)
{
    return s != NULL ? value_text(s) : value_null();
}

static value describe(case_machine *m, const seen *it, bool *failed)
{
    value_builder b;
    value_builder_init(&b, m->arena);
    value_builder_set(&b, "id", value_int(it->id));
    value_builder_set(&b, "number", text_or_null(it->number));
    value_builder_set(&b, "workflow", text_or_null(it->workflow));
    value_builder_set(&b, "link", text_or_null(it->link));
    value_builder_set(&b, "unit", it->unit != 0 ? value_int(it->unit) : value_null());
    value_builder_set(&b, "opened_at", value_from_us(it->opened_us));
    value_builder_set(&b, "closed_at", it->closed_us != 0 ? value_from_us(it->closed_us) : value_null());
    value_builder_set(&b, "ended", value_bool(it->closed_us != 0));
    value_builder_set(&b, "outcome", text_or_null(it->outcome));
    *failed = *failed || b.failed;
    return value_builder_map(&b);
}

static gov_status read_seen(case_machine *m, const store_sql *sql, const store_arg *args, size_t n, value *out, const diag *d)
{
    const int64_t at_us = instant_of(m);
    value_builder list;
    seen *found = NULL;
    size_t count = 0;
    bool failed = false;
    value_builder_init(&list, m->arena);
    gov_status status = read_rows(m, sql, args, n, &found, &count, d);
    for (size_t i = 0; i < count && status == GOV_OK; i++) {
        if (found[i].changed_us > at_us)
            status = look_back(m->community, &found[i], at_us, d);
        value_builder_add(&list, describe(m, &found[i], &failed));
    }
    base_free(m->alloc, found);
    *out = value_builder_list(&list);
    return status == GOV_OK && (list.failed || failed) ? base_nomem(d) : status;
}

gov_status case_children(case_machine *m, value *out, const diag *d)
{
    static const store_sql sql = {"SELECT " SEEN " FROM gov_case c WHERE c.community = $1 AND c.parent = $2 AND c.opened_us <= $3 ORDER BY c.id"};
    *out = value_list(NULL, 0);
    if (m->community == NULL)
        return GOV_OK;
    return read_seen(m, &sql, STORE_ARGS(store_i(m->community->community), store_i(m->id), store_i(instant_of(m))), out, d);
}

gov_status case_alike(case_machine *m, const char *workflow, const char *field, value v, value *out, const diag *d)
{
    static const store_sql sql = {"SELECT " SEEN " FROM gov_case_word w JOIN gov_case c ON c.community = w.community AND c.id = w.case_id "
                                  "WHERE w.community = $1 AND w.field = $2 AND w.word = $3 AND w.case_id <> $4 AND c.workflow = $5 "
                                  "AND c.opened_us <= $6 ORDER BY w.case_id DESC LIMIT 100"};
    base_buf word;
    gov_status status = GOV_OK;
    *out = value_list(NULL, 0);
    base_buf_init(&word, m->alloc);
    access_word(&word, v);
    if (word.failed)
        status = base_nomem(d);
    else if (m->community != NULL && word.len > 0)
        status = read_seen(m, &sql,
                           STORE_ARGS(store_i(m->community->community), store_s(field), store_t(word.data, word.len), store_i(m->id),
                                      store_s(workflow), store_i(instant_of(m))),
                           out, d);
    base_buf_free(&word);
    return status;
}

/* ---- links ---- */

gov_status case_put_link(gov *g, int64_t from, const char *link, size_t len, int64_t to, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_case_link (community, id, case_id, link, other) VALUES ($1, $2, $3, $4, $5) "
                                  "ON CONFLICT (community, case_id, link, other) DO NOTHING"};
    int64_t id;
    gov_status status = access_new_id(g, &id, d);
    if (status == GOV_OK)
        status = store_post(g->store, &add,
                            STORE_ARGS(store_i(g->community), store_i(id), store_i(from), store_t(link, len), store_i(to)),
                            STORE_ANY_ROWS, d);
    return access_keep(g, status, &case_kept_link, id, 0, 0, d); /* one that was there already is not made, and not told */
}

gov_status case_tell(gov *g, case_machine *m, int64_t other, const char *event, value data, const diag *d)
{
    base_buf name;
    base_buf_init(&name, m->alloc);
    base_buf_fmt(&name, "f:%lld.%lld.%s", (long long)m->id, (long long)m->steps, event);
    const case_timer t = {.case_id = other, .name = name.data, .kind = CASE_TIMER_SEND, .due_us = m->now_us, .event = event, .data = data};
    const gov_status status = name.failed ? base_nomem(d) : case_schedule_told(g, m, &t, d);
    base_buf_free(&name);
    return status;
}

/* ---- merging ---- */

#define DUPLICATE "duplicate_of"
#define MERGED "merged"

/* Where a chain of merged cases ends: merging into a case that was merged itself means the one that lives on. GOV_END: no such case. */
static gov_status survivor_of(gov *g, int64_t id, int64_t self, int64_t *out, const diag *d)
{
    enum { LONGEST = 100 };
    static const store_sql exists = {"SELECT id FROM gov_case WHERE community = $1 AND id = $2"};
    static const store_sql next = {"SELECT other FROM gov_case_link WHERE community = $1 AND case_id = $2 AND link = $3 ORDER BY other LIMIT 1"};
    gov_status status = store_first_int(g->store, &exists, STORE_ARGS(store_i(g->community), store_i(id)), out, d);
    for (int i = 0; i < LONGEST && status == GOV_OK && *out != self; i++) {
        status = store_first_int(g->store, &next, STORE_ARGS(store_i(g->community), store_i(*out), store_s(DUPLICATE)), out, d);
        if (status == GOV_END)
            return GOV_OK;
    }
    return status;
}

/* What the survivor is told, for its rules to use: all but what is sensitive, which would stand in another case's history. */
static value report_of(case_machine *m)
{
    value_builder b, fields;
    value_builder_init(&b, m->arena);
    value_builder_init(&fields, m->arena);
    for (uint32_t i = 0; i < m->w->fields.count; i++)
        if (case_field(m, i).kind != VALUE_ABSENT && m->w->fields.items[i].sensitive == NULL)
            value_builder_set(&fields, m->w->fields.items[i].name, case_field(m, i));
    value_builder_set(&b, "id", value_int(m->id));
    value_builder_set(&b, "number", m->number != NULL ? value_text(m->number) : value_null());
    value_builder_set(&b, "workflow", value_text(m->w->name));
    value_builder_set(&b, "source", m->source != NULL ? value_text(m->source) : value_null());
    value_builder_set(&b, "reporter", m->reporter != 0 ? value_int(m->reporter) : value_null());
    value_builder_set(&b, "fields", value_builder_map(&fields));
    return b.failed || fields.failed ? value_absent() : value_builder_map(&b);
}

/* Children that are under way get another parent. */
static gov_status move_children(gov *g, case_machine *m, int64_t to, const diag *d)
{
    static const store_sql find = {"SELECT id FROM gov_case WHERE community = $1 AND parent = $2 AND closed_us IS NULL AND id <> $3 ORDER BY id", STORE_LOCK};
    static const store_sql move = {"UPDATE gov_case SET parent = $3, steps = steps + 1 WHERE community = $1 AND id = $2"};
    store_rows rows;
    int64_t *ids = NULL;
    size_t count = 0, cap = 0;
    gov_status status = store_query(g->store, &find, STORE_ARGS(store_i(g->community), store_i(m->id), store_i(to)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK) {
        if (!base_grow(g->alloc, &ids, &cap, count, sizeof *ids))
            status = base_nomem(d);
        else
            ids[count++] = store_int(&rows, 0);
    }
    store_rows_close(&rows);
    status = status == GOV_END ? GOV_OK : status;
    for (size_t i = 0; i < count && status == GOV_OK; i++) {
        status = store_post(g->store, &move, STORE_ARGS(store_i(g->community), store_i(ids[i]), store_i(to)), 1, d);
        if (status == GOV_OK)
            status = case_record_moved(g, ids[i], d);
    }
    base_free(g->alloc, ids);
    return status;
}

/* The case gives way to another: its history, numbers, fields and links stay with it; children that are under way go over. */
gov_status case_run_merge(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    value into;
    int64_t other = 0;
    gov_status status = case_argument(m, a, "into", &into, d);
    if (status == GOV_OK)
        status = survivor_of(g, into.kind == VALUE_INT ? into.as.i : 0, m->id, &other, d);
    if (status == GOV_OK && other == m->id)
        return base_fail_at(d, &a->place, M_merge_circle);
    if (status == GOV_END)
        return base_fail_at(d, &a->place, M_bad_reference, A_S("effect", "merge"), A_S("kind", "case"));
    const value report = report_of(m);
    if (status == GOV_OK && report.kind == VALUE_ABSENT)
        status = base_nomem(d);
    if (status == GOV_OK)
        status = case_put_link(g, m->id, DUPLICATE, sizeof DUPLICATE - 1, other, d);
    if (status == GOV_OK)
        status = case_put_link(g, other, MERGED, sizeof MERGED - 1, m->id, d);
    if (status == GOV_OK)
        status = move_children(g, m, other, d);
    if (status == GOV_OK)
        status = case_tell(g, m, other, "child.merged", report, d);
    case_note_effect(m, "merge", value_int(other));
    return status;
}
