/* Publications (公示): what a case makes public for a period, in which anybody may object.
 *
 *   publish: {id: notice, for: 7 days, template: spending, data: {amount: case.amount}}
 *
 * The case goes on meanwhile. Each objection comes to it as ID.objection, the end of the period as ID.done with the number of them, a
 * withdrawal as ID.failed. Days of a publication exclude the day on which it begins, as all durations in days do. */
#include "case/family.h"

#include <string.h>

enum { LONGEST_OBJECTION = 4000, PAGE = 50, MOST = 1000 };

static const store_column publication_columns[] = {
    {"community", STORE_INT},     {"id", STORE_INT},            {"case_id", STORE_INT}, {"name", STORE_TEXT},
    {"since_us", STORE_INT},      {"ended_us", STORE_INT, true}, {"how", STORE_TEXT, true}, {"template", STORE_TEXT, true},
    {"text", STORE_TEXT}, /* a map of language to text, as it was published */
    {"data", STORE_TEXT, true},   {"objections", STORE_INT},    {0}};
static const store_index publication_indexes[] = {{"gov_publication_by_case", "community, case_id, id", false, NULL}, {0}};
const store_table case_publication_table = {"gov_publication", publication_columns, "community, id", STORE_ROWID_KEY, publication_indexes};

static const store_column objection_columns[] = {
    {"community", STORE_INT}, {"publication", STORE_INT}, {"id", STORE_INT}, {"at_us", STORE_INT},
    {"resident", STORE_INT, true}, {"text", STORE_TEXT},  {0}};
const store_table case_objection_table = {"gov_publication_objection", objection_columns, "community, publication, id", 0, NULL};
const journal_kept case_kept_publication = {&case_publication_table, "name, template, how", NULL};
const journal_kept case_kept_objection = {&case_objection_table, NULL, "resident"};

/* ---- in the rulebook ---- */

const rulebook_param case_publish_params[CASE_PUBLISH_PARAMS] = {
    {.name = "id", .kind = RULEBOOK_PARAM_ID, .required = true},
    {.name = "for", .kind = RULEBOOK_PARAM_DURATION, .required = true},
    {.name = "template", .kind = RULEBOOK_PARAM_TEMPLATE},
    {.name = "text", .kind = RULEBOOK_PARAM_TEXT},
    {.name = "data", .kind = RULEBOOK_PARAM_EXPRS},
    {.name = "law", .kind = RULEBOOK_PARAM_TEXT},
    {.name = "roll", .kind = RULEBOOK_PARAM_NAME}};

static const rulebook_datum done_data[] = {{"publication", EXPR_INT}, {"objections", EXPR_INT}};
static const rulebook_datum failed_data[] = {{"publication", EXPR_INT}, {"reason", EXPR_STRING}};
static const rulebook_datum objection_data[] = {
    {"publication", EXPR_INT}, {"resident", EXPR_DYN}, {"text", EXPR_STRING}, {"count", EXPR_INT}};
const rulebook_report case_publish_reports[CASE_PUBLISH_REPORTS] = {
    {.name = "done", .data = done_data, .data_count = ARRAY_LEN(done_data), .by_time = true, .counts = "objections"},
    {.name = "failed", .data = failed_data, .data_count = ARRAY_LEN(failed_data)},
    {.name = "objection", .data = objection_data, .data_count = ARRAY_LEN(objection_data), .goes_on = true}};

gov_status case_check_publish(void *user, const rulebook_action *a, const rulebook *rb, const diag *d)
{
    const rulebook_argument *law = rulebook_arg(a, "law"), *roll = rulebook_arg(a, "roll");
    gov_status status = GOV_OK;
    (void)user, (void)rb;
    if (rulebook_arg(a, "template") == NULL && rulebook_arg(a, "text") == NULL)
        status = base_fail_at(d, &a->place, M_missing_key, A_S("key", "text"), A_S("what", "publish"));
    if (law != NULL && roll == NULL)
        status = base_fail_at(d, &law->place, M_law_without_roll);
    if (roll != NULL && roll->text != NULL && strcmp(roll->text, "none") != 0 && strcmp(roll->text, "next_working_day") != 0)
        status = base_fail_at(d, &roll->place, M_unknown_word, A_S("word", roll->text), A_S("what", "roll"),
                              A_S("words", "none, next_working_day"));
    return status;
}

/* ---- publishing ---- */

value case_text_value(base_arena *arena, const rulebook_text *t)
{
    value_builder b;
    value_builder_init(&b, arena);
    for (uint32_t i = 0; i < t->count; i++)
        value_builder_set(&b, t->items[i].lang, value_text(t->items[i].text));
    return b.failed ? value_absent() : value_builder_map(&b);
}

/* The words themselves are kept: what was published does not change with its template. */
static gov_status published_text(case_machine *m, const rulebook_action *a, value *out, const diag *d)
{
    const rulebook_argument *text = rulebook_arg(a, "text"), *name = rulebook_arg(a, "template");
    const rulebook_template *t = name != NULL ? rulebook_find_template(m->rules, name->text) : NULL;
    if (t == NULL && name != NULL) /* dropped by the current rules */
        t = rulebook_find_template(m->w->owner, name->text);
    *out = case_text_value(m->arena, text != NULL ? &text->words : t != NULL ? &t->text : &(rulebook_text){0});
    return out->kind != VALUE_ABSENT ? GOV_OK : base_nomem(d);
}

static gov_status period_of(case_machine *m, const rulebook_action *a, case_timer *t, const diag *d)
{
    const rulebook_argument *roll = rulebook_arg(a, "roll");
    bool given;
    cal_instant end;
    gov_status status = case_argument_length(m, a, "for", &given, &t->length, d);
    t->roll = roll != NULL && roll->text != NULL && strcmp(roll->text, "next_working_day") == 0 ? CAL_ROLL_NEXT_WORKING_DAY : CAL_ROLL_NONE;
    if (status == GOV_OK)
        status = case_end_of(m, m->w->calendar, m->now_us, t->length, t->roll, &end, d);
    if (status != GOV_OK)
        return status;
    t->since_us = m->now_us;
    t->due_us = end.us;
    t->provisional = end.provisional;
    return GOV_OK;
}

static gov_status insert(gov *g, case_machine *m, int64_t id, const char *name, value template, value text, value data, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_publication (community, id, case_id, name, since_us, ended_us, how, template, text, data, "
                                  "objections) VALUES ($1, $2, $3, $4, $5, NULL, NULL, $6, $7, $8, 0)"};
    base_buf words, given;
    base_buf_init(&words, g->alloc);
    base_buf_init(&given, g->alloc);
    value_write_document(&words, text);
    if (data.kind == VALUE_MAP)
        value_write_document(&given, data);
    gov_status status = words.failed || given.failed ? base_nomem(d) : GOV_OK;
    if (status == GOV_OK)
        status = store_post(g->store, &add,
                            STORE_ARGS(store_i(g->community), store_i(id), store_i(m->id), store_s(name), store_i(m->now_us),
                                       store_s(template.kind == VALUE_STRING ? template.as.s : NULL), store_t(words.data, words.len),
                                       store_t(given.data, given.len)),
                            1, d);
    base_buf_free(&words);
    base_buf_free(&given);
    return access_keep(g, status, &case_kept_publication, id, 0, 0, d);
}

static gov_status record(gov *g, const char *kind, int64_t publication, value data, const diag *d)
{
    const journal_entry entry = {.kind = kind, .subject_kind = "publication", .subject = publication, .data = data};
    return data.kind == VALUE_MAP ? access_record(g, &entry, NULL, d) : base_nomem(d);
}

static gov_status run_publish(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    const char *name = case_effect_id(a);
    case_timer t = {.data = value_absent()};
    value template, text, data;
    value_builder note, entry;
    int64_t id = 0;
    gov_status status = period_of(m, a, &t, d);
    if (status == GOV_OK)
        status = case_argument(m, a, "template", &template, d);
    if (status == GOV_OK)
        status = case_argument(m, a, "data", &data, d);
    if (status == GOV_OK)
        status = published_text(m, a, &text, d);
    if (status == GOV_OK)
        status = access_new_id(g, &id, d);
    if (status == GOV_OK)
        status = case_effect_begin(m, a, id, t.due_us, &t, d);
    if (status == GOV_OK)
        status = insert(g, m, id, name, template, text, data, d);
    if (status != GOV_OK)
        return status;
    value_builder_init(&note, m->arena);
    value_builder_init(&entry, m->arena);
    value_builder_set(&note, "id", value_text(name));
    value_builder_set(&note, "publication", value_int(id));
    value_builder_set(&note, "until", value_from_us(t.due_us));
    value_builder_set(&entry, "case", value_int(m->id));
    value_builder_set(&entry, "until", value_from_us(t.due_us));
    if (t.provisional) {
        value_builder_set(&note, "provisional", value_bool(true));
        value_builder_set(&entry, "provisional", value_bool(true));
    }
    value_builder_set(&entry, "text", text);
    if (data.kind == VALUE_MAP)
        value_builder_set(&entry, "data", data);
    case_note_effect(m, "publish", value_builder_map(&note));
    if (note.failed || entry.failed)
        return base_nomem(d);
    return record(g, "publication.begin", id, value_builder_map(&entry), d);
}

static value done_map(base_arena *arena, int64_t publication, int64_t objections)
{
    value_builder b;
    value_builder_init(&b, arena);
    value_builder_set(&b, "publication", value_int(publication));
    value_builder_set(&b, "objections", value_int(objections));
    return b.failed ? value_absent() : value_builder_map(&b);
}

/* A past case lived through again: the period ends by itself, objections come as they came. */
static gov_status preview_publish(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    case_timer t = {0};
    const value data = done_map(m->arena, 0, 0);
    gov_status status = period_of(m, a, &t, d);
    (void)g;
    if (status == GOV_OK && data.kind == VALUE_ABSENT)
        status = base_nomem(d);
    if (status == GOV_OK)
        status = case_effect_foresee(m, a, "done", data, t.due_us, d);
    case_note_effect(m, "publish", value_text(case_effect_id(a)));
    return status;
}

/* ---- ends ---- */

/* The row, where it is still open; GOV_E_NOT_FOUND and GOV_E_REFUSED, reported. */
static gov_status find_open(gov *g, int64_t id, int64_t *case_id, const char **name, int64_t *objections, const diag *d)
{
    static const store_sql sql = {"SELECT case_id, name, objections, ended_us FROM gov_publication WHERE community = $1 AND id = $2",
                                  STORE_LOCK};
    store_rows rows;
    const gov_status status = store_first(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    if (status == GOV_END)
        return base_fail(d, M_publication_unknown, A_I("publication", id));
    if (status != GOV_OK)
        return status;
    *case_id = store_int(&rows, 0);
    *name = base_arena_strdup(&g->scratch, store_text(&rows, 1, NULL));
    *objections = store_int(&rows, 2);
    const bool over = !store_is_null(&rows, 3);
    store_rows_close(&rows);
    if (over)
        return base_fail(d, M_publication_over, A_I("publication", id));
    return *name != NULL ? GOV_OK : base_nomem(d);
}

static gov_status close_row(gov *g, int64_t id, const char *how, value data, const diag *d)
{
    static const store_sql set = {"UPDATE gov_publication SET ended_us = $3, how = $4 WHERE community = $1 AND id = $2"};
    const gov_status status =
        store_post(g->store, &set, STORE_ARGS(store_i(g->community), store_i(id), store_i(access_now(g)), store_s(how)), 1, d);
    const gov_status kept = access_keep(g, status, &case_kept_publication, id, 0, 0, d);
    return kept == GOV_OK ? record(g, "publication.end", id, data, d) : status;
}

static value end_note(base_arena *arena, const char *how, const char *reason, int64_t objections)
{
    value_builder b;
    value_builder_init(&b, arena);
    value_builder_set(&b, "how", value_text(how));
    value_builder_set(&b, "objections", value_int(objections));
    if (reason != NULL)
        value_builder_set_copy(&b, "reason", reason);
    return b.failed ? value_absent() : value_builder_map(&b);
}

static gov_status cancel_publish(gov *g, case_machine *m, const case_open_effect *e, const diag *d)
{
    int64_t case_id, objections;
    const char *name;
    const gov_status status = find_open(g, e->ref, &case_id, &name, &objections, d);
    return status == GOV_OK ? close_row(g, e->ref, "cancelled", end_note(m->arena, "cancelled", NULL, objections), d) : status;
}

static gov_status publish_due(gov *g, case_machine *m, const case_open_effect *e, const char **report, value *data, const diag *d)
{
    int64_t case_id, objections = 0;
    const char *name;
    gov_status status = find_open(g, e->ref, &case_id, &name, &objections, d);
    if (status == GOV_OK)
        status = close_row(g, e->ref, "done", end_note(m->arena, "done", NULL, objections), d);
    *report = "done";
    *data = done_map(m->arena, e->ref, objections);
    return status == GOV_OK && data->kind == VALUE_ABSENT ? base_nomem(d) : status;
}

const case_runner case_publish_runner = {run_publish, preview_publish, cancel_publish, publish_due};

/* ---- from outside ---- */

/* An open one whose period is not over, though nobody has ticked since. */
static gov_status find_running(gov *g, int64_t id, int64_t *case_id, const char **name, int64_t *objections, const diag *d)
{
    static const store_sql late = {"SELECT due_us FROM gov_case_timer WHERE community = $1 AND case_id = $2 AND name = 'e:' || $3 AND due_us < $4"};
    int64_t due = 0;
    gov_status status = find_open(g, id, case_id, name, objections, d);
    if (status != GOV_OK)
        return status;
    status = store_first_int(g->store, &late,
                             STORE_ARGS(store_i(g->community), store_i(*case_id), store_s(*name), store_i(access_now(g))), &due, d);
    if (status == GOV_OK)
        return base_fail(d, M_publication_over, A_I("publication", id));
    return status == GOV_END ? GOV_OK : status;
}

static gov_status keep_objection(gov *g, int64_t publication, int64_t resident, const char *text, int64_t count, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_publication_objection (community, publication, id, at_us, resident, text) VALUES "
                                  "($1, $2, $3, $4, $5, $6)"};
    static const store_sql set = {"UPDATE gov_publication SET objections = $3 WHERE community = $1 AND id = $2"};
    int64_t id = 0;
    gov_status status = access_new_id(g, &id, d);
    if (status == GOV_OK)
        status = store_post(g->store, &add,
                            STORE_ARGS(store_i(g->community), store_i(publication), store_i(id), store_i(access_now(g)),
                                       store_i0(resident), store_s(text)),
                            1, d);
    status = access_keep(g, status, &case_kept_objection, publication, id, 0, d);
    if (status == GOV_OK)
        status = store_post(g->store, &set, STORE_ARGS(store_i(g->community), store_i(publication), store_i(count)), 1, d);
    return access_keep(g, status, &case_kept_publication, publication, 0, 0, d);
}

gov_status case_object(gov *g, int64_t publication, int64_t resident, const char *text, int64_t *count, const diag *d)
{
    int64_t case_id = 0, objections = 0;
    const char *name = NULL;
    value_builder b;
    if (base_utf8_blank(text, strlen(text)))
        return base_fail(d, M_bad_argument, A_S("what", "text"));
    if (base_utf8_count(text, strlen(text)) > LONGEST_OBJECTION)
        return base_fail(d, M_too_long, A_S("field", "text"), A_I("limit", LONGEST_OBJECTION));
    gov_status status = find_running(g, publication, &case_id, &name, &objections, d);
    if (status == GOV_OK)
        status = keep_objection(g, publication, resident, text, objections + 1, d);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "resident", resident != 0 ? value_int(resident) : value_null());
    value_builder_set_copy(&b, "text", text);
    value_builder_set(&b, "count", value_int(objections + 1));
    if (status == GOV_OK)
        status = record(g, "publication.objection", publication, b.failed ? value_absent() : value_builder_map(&b), d);
    value_builder_set(&b, "publication", value_int(publication));
    *count = objections + 1;
    return status == GOV_OK ? case_effect_end(g, case_id, name, "objection", value_builder_map(&b), d) : status;
}

gov_status case_withdraw(gov *g, int64_t publication, const char *reason, const diag *d)
{
    int64_t case_id = 0, objections = 0;
    const char *name = NULL;
    value_builder b;
    gov_status status = find_running(g, publication, &case_id, &name, &objections, d);
    if (status == GOV_OK)
        status = close_row(g, publication, "withdrawn", end_note(&g->scratch, "withdrawn", reason, objections), d);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "publication", value_int(publication));
    value_builder_set_copy(&b, "reason", reason);
    if (status == GOV_OK && b.failed)
        status = base_nomem(d);
    return status == GOV_OK ? case_effect_end(g, case_id, name, "failed", value_builder_map(&b), d) : status;
}

/* ---- lists ---- */

#define PUBLICATION "p.id, p.case_id, p.name, p.since_us, t.due_us, p.ended_us, p.how, p.template, p.text, p.data, p.objections, t.provisional"
#define PUBLICATIONS                                                                                                                  \
    "SELECT " PUBLICATION " FROM gov_publication p LEFT JOIN gov_case_timer t ON t.community = p.community AND t.case_id = p.case_id " \
    "AND t.name = 'e:' || p.name AND p.ended_us IS NULL WHERE p.community = $1 AND p.id < $2"

static gov_status document_at(gov *g, store_rows *rows, int column, base_arena *arena, value *out, const diag *d)
{
    size_t len;
    const char *text = store_text(rows, column, &len);
    *out = value_null();
    if (store_is_null(rows, column) || len == 0)
        return GOV_OK;
    const gov_status status = access_read_stored(g, arena, text, len, out, d);
    return status == GOV_OK && !value_copy(arena, *out, out) ? base_nomem(d) : status;
}

static void text_at(value_builder *b, const char *name, store_rows *rows, int column)
{
    if (store_is_null(rows, column))
        value_builder_set(b, name, value_null());
    else
        value_builder_set_copy(b, name, store_text(rows, column, NULL));
}

static void instant_at(value_builder *b, const char *name, store_rows *rows, int column)
{
    value_builder_set(b, name, store_is_null(rows, column) ? value_null() : value_from_us(store_int(rows, column)));
}

static gov_status read_publication(gov *g, store_rows *rows, base_arena *arena, value_builder *b, const diag *d)
{
    value text, data;
    gov_status status = document_at(g, rows, 8, arena, &text, d);
    if (status == GOV_OK)
        status = document_at(g, rows, 9, arena, &data, d);
    value_builder_init(b, arena);
    if (status != GOV_OK)
        return status;
    value_builder_set(b, "id", value_int(store_int(rows, 0)));
    value_builder_set(b, "case", value_int(store_int(rows, 1)));
    text_at(b, "name", rows, 2);
    instant_at(b, "since", rows, 3);
    instant_at(b, "due", rows, 4);
    value_builder_set(b, "provisional", value_bool(!store_is_null(rows, 11) && store_int(rows, 11) != 0));
    instant_at(b, "ended_at", rows, 5);
    text_at(b, "how", rows, 6);
    text_at(b, "template", rows, 7);
    value_builder_set(b, "text", text);
    value_builder_set(b, "data", data);
    value_builder_set(b, "objections", value_int(store_int(rows, 10)));
    return b->failed ? base_nomem(d) : GOV_OK;
}

static gov_status add_objections(gov *g, int64_t publication, value_builder *b, const diag *d)
{
    static const store_sql sql = {"SELECT at_us, resident, text FROM gov_publication_objection WHERE community = $1 AND publication = $2 "
                                  "ORDER BY id LIMIT 1000"};
    store_rows rows;
    value_builder list;
    value_builder_init(&list, &g->scratch);
    gov_status status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(publication)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK) {
        value_builder one;
        value_builder_init(&one, &g->scratch);
        instant_at(&one, "at", &rows, 0);
        value_builder_set(&one, "resident", store_is_null(&rows, 1) ? value_null() : value_int(store_int(&rows, 1)));
        text_at(&one, "text", &rows, 2);
        list.failed = list.failed || one.failed;
        value_builder_add(&list, value_builder_map(&one));
    }
    store_rows_close(&rows);
    value_builder_set(b, "said", value_builder_list(&list));
    return status != GOV_END && status != GOV_OK ? status : list.failed ? base_nomem(d) : GOV_OK;
}

typedef struct row {
    int64_t id;
    bool passed; /* it is over, and only open ones are wanted */
    value_builder map;
} row;

static gov_status read_page(gov *g, const case_publication_query *q, int64_t before, row *page, size_t *count, const diag *d)
{
    static const store_sql all = {PUBLICATIONS " ORDER BY p.id DESC LIMIT 50"};
    static const store_sql one = {PUBLICATIONS " AND p.id = $3 ORDER BY p.id DESC LIMIT 50"};
    static const store_sql own = {PUBLICATIONS " AND p.case_id = $3 ORDER BY p.id DESC LIMIT 50"};
    const store_arg args[] = {store_i(g->community), store_i(before), store_i(q->id != 0 ? q->id : q->case_id)};
    const store_sql *sql = q->id != 0 ? &one : q->case_id != 0 ? &own : &all;
    store_rows rows;
    gov_status status = store_query(g->store, sql, args, sql == &all ? 2 : 3, &rows, d);
    *count = 0;
    while (status == GOV_OK && *count < PAGE && (status = store_next(&rows, d)) == GOV_OK) {
        page[*count] = (row){.id = store_int(&rows, 0), .passed = q->open_only && !store_is_null(&rows, 5)};
        if (!page[*count].passed)
            status = read_publication(g, &rows, &g->scratch, &page[*count].map, d);
        ++*count;
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

gov_status case_publications(gov *g, const case_publication_query *q, value *out, const diag *d)
{
    row page[PAGE];
    size_t count = PAGE;
    int64_t before = INT64_MAX;
    value_builder list;
    const size_t limit = q->limit > 0 && q->limit < MOST ? (size_t)q->limit : MOST;
    gov_status status = GOV_OK;
    value_builder_init(&list, &g->scratch);
    while (status == GOV_OK && count == PAGE && list.len < limit) {
        status = read_page(g, q, before, page, &count, d);
        for (size_t i = 0; i < count && status == GOV_OK && list.len < limit; i++) {
            before = page[i].id;
            if (page[i].passed)
                continue;
            if (q->whole)
                status = add_objections(g, page[i].id, &page[i].map, d);
            value_builder_add(&list, value_builder_map(&page[i].map));
        }
    }
    *out = value_builder_list(&list);
    return status == GOV_OK && list.failed ? base_nomem(d) : status;
}

/* ---- operations ---- */

static const rulebook_operand publications_operands[] = {{.name = "case", .type = RULEBOOK_OPERAND_ID},
                                                         {.name = "publication", .type = RULEBOOK_OPERAND_ID},
                                                         {.name = "all", .type = RULEBOOK_OPERAND_BOOL},
                                                         {.name = "objections", .type = RULEBOOK_OPERAND_BOOL},
                                                         {.name = "limit", .type = RULEBOOK_OPERAND_INT}};
/* Which one is meant: by its number, or by its case and its id there. */
#define WHICH                                                                                                                     \
    {.name = "publication", .type = RULEBOOK_OPERAND_ID}, {.name = "case", .type = RULEBOOK_OPERAND_ID},                            \
    {.name = "id", .type = RULEBOOK_OPERAND_TEXT}
static const rulebook_operand object_operands[] = {WHICH,
                                                   {.name = "text", .type = RULEBOOK_OPERAND_TEXT, .required = true},
                                                   {.name = "by", .type = RULEBOOK_OPERAND_RECORD, .kinds = "resident"}};
static const rulebook_operand withdraw_operands[] = {WHICH, {.name = "reason", .type = RULEBOOK_OPERAND_TEXT, .required = true}};

static int64_t int_or(value v, int64_t otherwise)
{
    return v.kind == VALUE_INT ? v.as.i : otherwise;
}

static gov_status one_member(gov *g, const char *name, value v, value *out, const diag *d)
{
    value_builder b;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, name, v);
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

static gov_status run_publications(gov *g, const value *in, value *out, const diag *d)
{
    const case_publication_query q = {.case_id = int_or(in[0], 0), .id = int_or(in[1], 0), .limit = int_or(in[4], 0),
                                      .open_only = in[1].kind == VALUE_ABSENT && !(in[2].kind == VALUE_BOOL && in[2].as.b),
                                      .whole = in[3].kind == VALUE_BOOL && in[3].as.b};
    value list;
    const gov_status status = case_publications(g, &q, &list, d);
    return status == GOV_OK ? one_member(g, "publications", list, out, d) : status;
}

static gov_status which(gov *g, const value *in, int64_t *publication, const diag *d)
{
    case_open_effect e;
    *publication = int_or(in[0], 0);
    if (*publication != 0)
        return GOV_OK;
    if (in[1].kind != VALUE_INT || in[2].kind != VALUE_STRING)
        return base_fail(d, M_missing_field, A_S("field", "publication"));
    const gov_status status = case_effect_get(g, in[1].as.i, in[2].as.s, &g->scratch, &e, d);
    if (status == GOV_END || (status == GOV_OK && strcmp(e.effect, "publish") != 0))
        return base_fail(d, M_effect_not_open, A_I("case", in[1].as.i), A_S("id", in[2].as.s));
    *publication = status == GOV_OK ? e.ref : 0;
    return status;
}

/* A resident objects in his or her own name. */
static gov_status run_object(gov *g, const value *in, value *out, const diag *d)
{
    const int64_t by = g->actor.kind == ACCESS_RESIDENT ? g->actor.id : int_or(in[4], 0);
    int64_t count, publication;
    if (in[4].kind == VALUE_INT && in[4].as.i != by)
        return access_deny(g, "publication.object", d);
    gov_status status = which(g, in, &publication, d);
    if (status == GOV_OK)
        status = case_object(g, publication, by, in[3].as.s, &count, d);
    return status == GOV_OK ? one_member(g, "objections", value_int(count), out, d) : status;
}

static gov_status run_withdraw(gov *g, const value *in, value *out, const diag *d)
{
    int64_t publication;
    const gov_status status = which(g, in, &publication, d);
    (void)out;
    return status == GOV_OK ? case_withdraw(g, publication, in[3].as.s, d) : status;
}

const rulebook_operation case_operations[CASE_OPERATIONS] = {
    {"case.publications", "publication.read", false, publications_operands, ARRAY_LEN(publications_operands), run_publications},
    {"case.object", "publication.object", true, object_operands, ARRAY_LEN(object_operands), run_object},
    {"case.withdraw", "publication.write", true, withdraw_operands, ARRAY_LEN(withdraw_operands), run_withdraw},
    {"queue.list", "journal.read", false, case_queue_list_operands, CASE_QUEUE_LIST_OPERANDS, case_run_queue_list},
    {"queue.retry", ACCESS_HOST_ONLY, true, case_queue_retry_operands, CASE_QUEUE_RETRY_OPERANDS, case_run_queue_retry}};
