/* Cases as rows: the tables, loading a machine, writing what a step changed. */
#include "case/live.h"

#include <string.h>

static const store_column case_columns[] = {
    {"community", STORE_INT},      {"id", STORE_INT},           {"number", STORE_TEXT},
    {"workflow", STORE_TEXT},      {"rules", STORE_INT},        {"opened_us", STORE_INT},
    {"closed_us", STORE_INT, true}, {"state", STORE_TEXT},      {"outcome", STORE_TEXT, true},
    {"grid", STORE_INT, true},     {"unit", STORE_INT, true},   {"staff", STORE_INT, true},
    {"reporter", STORE_INT, true}, {"parent", STORE_INT, true}, {"link", STORE_TEXT, true},
    {"source", STORE_TEXT, true},  {"outside_number", STORE_TEXT, true},
    {"flags", STORE_TEXT, true},   {"doc", STORE_TEXT},         {"steps", STORE_INT},
    {"former", STORE_TEXT, true}, /* a list of the rules that it was pinned to before */
    {"holders", STORE_TEXT, true}, /* a list of the units that had it, in order */
    {"changed_us", STORE_INT, true}, /* the instant of its last step */
    {"entered", STORE_TEXT, true}, /* when each state that is active was entered, in the order of the chart */
    {0}};
static const store_index case_indexes[] = {
    {"gov_case_by_parent", "community, parent, id", false, "parent IS NOT NULL"},
    /* What a unit has on its desk, out of all that ever was. */
    {"gov_case_by_open_unit", "community, unit, id", false, "closed_us IS NULL"}, {0}};
const store_table case_table = {"gov_case", case_columns, "community, id", STORE_ROWID_KEY, case_indexes};

static const store_column number_columns[] = {
    {"community", STORE_INT}, {"source", STORE_TEXT}, {"number", STORE_TEXT}, {"case_id", STORE_INT},
    {"content", STORE_INT, true}, /* digest of the row that an import made it of */
    {0}};
static const store_table number_table = {"gov_case_number", number_columns, "community, source, number", 0, NULL};

static const store_column word_columns[] = {
    {"community", STORE_INT}, {"field", STORE_TEXT}, {"word", STORE_TEXT}, {"case_id", STORE_INT}, {0}};
static const store_table word_table = {"gov_case_word", word_columns, "community, field, word, case_id", 0, NULL};

static const store_column clock_columns[] = {
    {"community", STORE_INT},      {"case_id", STORE_INT},     {"name", STORE_TEXT},
    {"state", STORE_INT},          {"origin_us", STORE_INT},   {"since_us", STORE_INT},
    {"due_us", STORE_INT, true},   {"stopped_us", STORE_INT, true}, {"breached_us", STORE_INT, true},
    {"unit", STORE_INT},           {"budget", STORE_INT},      {"used", STORE_INT},
    {"extensions", STORE_INT},     {"extended", STORE_INT},    {"fired", STORE_INT},
    {"provisional", STORE_BOOL},   {"account", STORE_TEXT},    {0}};
static const store_table clock_table = {"gov_case_clock", clock_columns, "community, case_id, name", 0, NULL};

static const store_column timer_columns[] = {
    {"community", STORE_INT}, {"case_id", STORE_INT},    {"name", STORE_TEXT},     {"id", STORE_INT},
    {"kind", STORE_INT},      {"due_us", STORE_INT},     {"event", STORE_TEXT},    {"data", STORE_TEXT, true},
    {"attempts", STORE_INT},  {"parked", STORE_BOOL},    {"reason", STORE_TEXT, true},
    {"since_us", STORE_INT, true}, {"length", STORE_TEXT, true}, {"provisional", STORE_BOOL},
    {"roll", STORE_INT}, {"calendar", STORE_TEXT, true},
    {"turn", STORE_INT, true}, {0}}; /* turn: how many came before it at one instant, each of the last */
static const store_index timer_indexes[] = {
    {"gov_case_timer_by_due", "community, due_us, id", false, "parked = 0"}, {0}};
static const store_table timer_table = {"gov_case_timer", timer_columns, "community, case_id, name", 0, timer_indexes};

static const store_column link_columns[] = {
    {"community", STORE_INT}, {"id", STORE_INT}, {"case_id", STORE_INT}, {"link", STORE_TEXT}, {"other", STORE_INT}, {0}};
static const store_index link_indexes[] = {{"gov_case_link_by_case", "community, case_id, link, other", true, NULL}, {0}};
static const store_table link_table = {"gov_case_link", link_columns, "community, id", STORE_ROWID_KEY, link_indexes};
const journal_kept case_kept_link = {&link_table, "link", NULL};

static const store_column key_columns[] = {
    {"community", STORE_INT}, {"request_key", STORE_TEXT}, {"digest", STORE_BYTES}, {"answer", STORE_INT}, {"document", STORE_TEXT, true}, {0}};
static const store_table key_table = {"gov_case_request", key_columns, "community, request_key", 0, NULL};

static const store_column counter_columns[] = {
    {"community", STORE_INT}, {"name", STORE_TEXT}, {"value", STORE_INT}, {0}};
static const store_table counter_table = {"gov_case_counter", counter_columns, "community, name", 0, NULL};

static const store_table *const tables[] = {&case_table, &number_table, &word_table, &clock_table, &timer_table,
                                            &link_table, &key_table, &counter_table, &case_effect_table, &case_publication_table,
                                            &case_objection_table, NULL};
const store_migration case_schema = {"case", 1, tables, NULL, NULL};

/* ---- loading ---- */

static gov_status load_fields(case_machine *m, const char *text, size_t len, const diag *d)
{
    value doc;
    const gov_status status = access_read_stored(m->community, m->arena, text, len, &doc, d);
    if (status != GOV_OK)
        return status;
    for (size_t i = 0; doc.kind == VALUE_MAP && i < doc.len; i++) {
        const value key = doc.as.pairs[i].key;
        const uint32_t field = rulebook_field_index(&m->w->fields, key.as.s, key.len);
        if (field != RULEBOOK_NONE)
            case_put_field(m, field, doc.as.pairs[i].val);
    }
    return GOV_OK;
}

static void read_entered(case_machine *m, const char *text)
{
    for (uint32_t s = 0; s < chart_state_count(m->w->chart); s++) {
        const char *end = chart_in(m->w->chart, m->state, s) ? strchr(text, ' ') : NULL;
        if (end == NULL)
            continue;
        (void)base_parse_int(text, (size_t)(end - text), &m->entered[s]);
        text = end + 1;
    }
}

static gov_status load_clock(case_machine *m, store_rows *rows, const diag *d)
{
    const char *name = store_text(rows, 0, NULL);
    for (size_t i = 0; i < m->w->clock_count; i++) {
        case_clock *c = &m->clocks[i];
        size_t len;
        if (strcmp(m->w->clocks[i].name, name) != 0)
            continue;
        c->stored = true;
        c->state = (uint8_t)store_int(rows, 1);
        c->origin_us = store_int(rows, 2);
        c->since_us = store_int(rows, 3);
        c->due_us = store_int(rows, 4);
        c->stopped_us = store_int(rows, 5);
        c->breached_us = store_int(rows, 6);
        c->budget = cal_of((cal_unit)store_int(rows, 7), store_int(rows, 8));
        c->used = store_int(rows, 9);
        c->extensions = store_int(rows, 10);
        c->extended = store_int(rows, 11);
        c->fired = (uint32_t)store_int(rows, 12);
        c->provisional = store_int(rows, 13) != 0;
        const char *text = store_text(rows, 14, &len);
        base_buf_add(&c->account, text, len);
        return c->account.failed ? base_nomem(d) : GOV_OK;
    }
    return GOV_OK;
}

static gov_status load_clocks(gov *g, case_machine *m, const diag *d)
{
    static const store_sql sql = {
        "SELECT name, state, origin_us, since_us, due_us, stopped_us, breached_us, unit, budget, used, extensions, extended, "
        "fired, provisional, account FROM gov_case_clock WHERE community = $1 AND case_id = $2"};
    store_rows rows;
    if (m->w->clock_count == 0)
        return GOV_OK;
    gov_status status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(m->id)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK)
        status = load_clock(m, &rows, d);
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

/* NULL: none is written, or (*failed) there was no memory. */
static const char *text_or_null(store_rows *rows, int column, base_arena *arena, bool *failed)
{
    size_t len;
    if (store_is_null(rows, column))
        return NULL;
    const char *text = store_text(rows, column, &len);
    text = base_arena_strndup(arena, text, len);
    *failed = *failed || text == NULL;
    return text;
}

/* One that cannot be read was not written by a step. */
static gov_status load_state(gov *g, case_machine *m, const char *text, size_t len, const diag *d)
{
    gov_error *why = NULL;
    gov_status status = chart_load(m->w->chart, text, len, m->state, &(diag){g->alloc, &why});
    if (status == GOV_E_NOMEM)
        status = base_nomem(d);
    else if (status != GOV_OK)
        status = store_damaged(g->store, base_text_or_empty(gov_error_message(why, 0, "en")), d);
    gov_error_free(why);
    return status;
}

static gov_status load_columns(gov *g, store_rows *rows, case_machine *m, base_arena *arena, const diag *d)
{
    const rulebook *book;
    const rulebook_workflow *w;
    size_t len;
    bool failed = false;
    const char *workflow = store_text(rows, 1, NULL);
    m->rules_id = store_int(rows, 2);
    gov_status status = registry_rules(g, m->rules_id, &book, d);
    if (status == GOV_OK) {
        status = rulebook_get_workflow(book, workflow, &w, d);
        if (status == GOV_E_NOT_FOUND)
            return store_damaged(g->store, "a case's workflow is not in its rules", d);
    }
    if (status == GOV_OK)
        status = case_machine_under(g, m, w, arena, d);
    if (status != GOV_OK)
        return status;
    m->number = text_or_null(rows, 0, arena, &failed);
    m->opened_us = store_int(rows, 3);
    m->closed_us = store_int(rows, 4);
    m->outcome = text_or_null(rows, 6, arena, &failed);
    m->grid = store_int(rows, 7);
    m->unit = store_int(rows, 8);
    m->staff = store_int(rows, 9);
    m->reporter = store_int(rows, 10);
    m->parent = store_int(rows, 11);
    m->link = text_or_null(rows, 12, arena, &failed);
    m->source = text_or_null(rows, 13, arena, &failed);
    m->outside_number = text_or_null(rows, 14, arena, &failed);
    m->steps = store_int(rows, 16);
    m->holders = text_or_null(rows, 17, arena, &failed);
    m->changed_us = store_int(rows, 18);
    m->flags = text_or_null(rows, 20, arena, &failed);
    m->former = text_or_null(rows, 21, arena, &failed);
    if (failed)
        return base_nomem(d);
    const char *state = store_text(rows, 5, &len);
    status = load_state(g, m, state, len, d);
    if (status == GOV_OK && !store_is_null(rows, 19))
        read_entered(m, store_text(rows, 19, NULL));
    const char *doc = store_text(rows, 15, &len);
    return status != GOV_OK ? status : load_fields(m, doc, len, d);
}

#define CASE_ROW                                                                                                      \
    "SELECT number, workflow, rules, opened_us, closed_us, state, outcome, grid, unit, staff, reporter, parent, link, source, " \
    "outside_number, doc, steps, holders, changed_us, entered, flags, former FROM gov_case WHERE community = $1 AND id = $2"

static gov_status told_of_a_case(void *user, const journal_record *r)
{
    bool *told = user;
    *told = *told || strcmp(r->subject_kind, "case") == 0;
    return *told ? GOV_END : GOV_OK;
}

/* No call deletes a case: where the journal tells of one that cannot be found, its row or the way to it is damaged. */
gov_status case_not_there(gov *g, int64_t id, const diag *d)
{
    const journal_filter about = {.subject = id};
    bool told = false;
    const gov_status status = id != 0 ? journal_read(g->journal, &about, told_of_a_case, &told, d) : GOV_OK;
    if (status != GOV_OK && status != GOV_END)
        return status;
    return told ? store_damaged(g->store, "a case that the journal tells of is not found", d) : base_fail(d, M_case_unknown, A_I("case", id));
}

gov_status case_load(gov *g, int64_t id, bool lock, base_arena *arena, case_machine *m, const diag *d)
{
    static const store_sql look = {CASE_ROW, 0}, take = {CASE_ROW, STORE_LOCK};
    store_rows rows;
    gov_status status = case_machine_of(g, m, d);
    m->id = id;
    m->arena = arena;
    if (status == GOV_OK)
        status = store_first(g->store, lock ? &take : &look, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    if (status == GOV_END)
        return case_not_there(g, id, d);
    if (status != GOV_OK)
        return status;
    status = load_columns(g, &rows, m, arena, d);
    store_rows_close(&rows);
    if (status == GOV_OK)
        status = load_clocks(g, m, d);
    if (status != GOV_OK)
        case_machine_free(m);
    return status;
}

/* ---- writing ---- */

/* The same bytes as value_write_document of the fields as a map, whose keys are sorted: without building and sorting it. */
static void write_fields(base_buf *out, const case_machine *m)
{
    const uint32_t *order = m->by_name;
    bool first = true;
    base_buf_char(out, '{');
    for (uint32_t i = 0; i < m->w->fields.count; i++) {
        const value v = case_field(m, order[i]);
        if (v.kind == VALUE_ABSENT)
            continue;
        const char *name = m->w->fields.items[order[i]].name;
        base_buf_str(out, first ? "\"" : ",\"");
        base_buf_str(out, name); /* a name needs no escapes */
        base_buf_str(out, "\":");
        value_write_document(out, v);
        first = false;
    }
    base_buf_char(out, '}');
}

/* As text: the instants one after the other, each followed by a space. */
static void write_entered(base_buf *out, const case_machine *m)
{
    for (uint32_t s = 0; s < chart_state_count(m->w->chart); s++)
        if (chart_in(m->w->chart, m->state, s)) {
            base_buf_int(out, m->entered[s]);
            base_buf_char(out, ' ');
        }
}

static gov_status save_clock(gov *g, case_machine *m, size_t i, const diag *d)
{
    static const store_sql add = {
        "INSERT INTO gov_case_clock (community, case_id, name, state, origin_us, since_us, due_us, stopped_us, breached_us, unit, "
        "budget, used, extensions, extended, fired, provisional, account) VALUES "
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"};
    static const store_sql set = {
        "UPDATE gov_case_clock SET state = $4, origin_us = $5, since_us = $6, due_us = $7, stopped_us = $8, breached_us = $9, "
        "unit = $10, budget = $11, used = $12, extensions = $13, extended = $14, fired = $15, provisional = $16, account = $17 "
        "WHERE community = $1 AND case_id = $2 AND name = $3"};
    const case_clock *c = &m->clocks[i];
    if (c->account.failed)
        return base_nomem(d);
    return store_post(g->store, c->stored ? &set : &add,
                      STORE_ARGS(store_i(g->community), store_i(m->id), store_s(m->w->clocks[i].name), store_i(c->state),
                                 store_i(c->origin_us), store_i(c->since_us), store_i0(c->due_us), store_i0(c->stopped_us),
                                 store_i0(c->breached_us), store_i(c->budget.unit), store_i(c->budget.amount),
                                 store_i(c->used), store_i(c->extensions), store_i(c->extended), store_i(c->fired),
                                 store_flag(c->provisional), store_t(c->account.len > 0 ? c->account.data : "[]", c->account.len > 0 ? c->account.len : 2)),
                      1, d);
}

static gov_status save_clocks(gov *g, case_machine *m, const diag *d)
{
    for (size_t i = 0; i < m->w->clock_count; i++) {
        if (!m->clocks[i].dirty)
            continue;
        const gov_status status = save_clock(g, m, i, d);
        if (status != GOV_OK)
            return status;
        m->clocks[i].dirty = false;
        m->clocks[i].stored = m->clocks[i].untold = true;
    }
    return GOV_OK;
}

/* What the row says now, for the entry of the step; `doc` has the fields and takes the rest behind them. */
static void digest_row(case_machine *m, const base_buf *state, const base_buf *entered, base_buf *doc)
{
    const case_row row = {.numbers = {m->id, m->rules_id, m->opened_us, m->closed_us, m->grid, m->unit, m->staff, m->reporter,
                                      m->parent, m->steps, m->now_us},
                          .texts = {m->number, m->w->name, state->data, m->outcome, m->link, m->source, m->outside_number,
                                    m->flags, m->former, m->holders, entered->data}};
    case_row_digest(&row, doc, m->written);
    m->untold = true;
}

gov_status case_insert(case_machine *m, gov *g, const value *flags, const diag *d)
{
    static const store_sql add = {
        "INSERT INTO gov_case (community, id, number, workflow, rules, opened_us, closed_us, state, outcome, grid, unit, staff, "
        "reporter, parent, link, source, outside_number, flags, doc, steps, holders, changed_us, entered) VALUES "
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 1, $20, $21, $22)"};
    base_buf state, doc, flag, entered;
    base_buf_init(&state, g->alloc);
    base_buf_init(&doc, g->alloc);
    base_buf_init(&entered, g->alloc);
    base_buf_init(&flag, g->alloc);
    chart_save(m->w->chart, m->state, &state);
    write_fields(&doc, m);
    write_entered(&entered, m);
    m->steps = 1;
    if (flags->kind == VALUE_LIST) {
        value_write_document(&flag, *flags);
        m->flags = flag.failed ? NULL : base_arena_strndup(m->arena, flag.data, flag.len);
        flag.failed = flag.failed || m->flags == NULL;
    }
    gov_status status = state.failed || doc.failed || entered.failed || flag.failed ? base_nomem(d) : GOV_OK;
    if (status == GOV_OK)
        status = store_post(
            g->store, &add,
            STORE_ARGS(store_i(g->community), store_i(m->id), store_s(m->number), store_s(m->w->name), store_i(m->rules_id),
                       store_i(m->opened_us), store_i0(m->closed_us), store_t(state.data, state.len), store_s(m->outcome),
                       store_i0(m->grid), store_i0(m->unit), store_i0(m->staff), store_i0(m->reporter), store_i0(m->parent),
                       store_s(m->link), store_s(m->source), store_s(m->outside_number), store_t(flag.data, flag.len),
                       store_t(doc.data, doc.len), store_s(m->holders), store_i(m->now_us), store_t(entered.data, entered.len)),
            1, d);
    if (status == GOV_OK)
        digest_row(m, &state, &entered, &doc);
    if (status == GOV_OK && doc.failed)
        status = base_nomem(d);
    base_buf_free(&state);
    base_buf_free(&doc);
    base_buf_free(&entered);
    base_buf_free(&flag);
    return status == GOV_OK ? save_clocks(g, m, d) : status;
}

gov_status case_save(case_machine *m, gov *g, const diag *d)
{
    static const store_sql set = {
        "UPDATE gov_case SET closed_us = $3, state = $4, outcome = $5, grid = $6, unit = $7, staff = $8, doc = $9, steps = $10, "
        "holders = $11, changed_us = $12, entered = $13 WHERE community = $1 AND id = $2"};
    base_buf state, doc, entered;
    base_buf_init(&state, g->alloc);
    base_buf_init(&doc, g->alloc);
    base_buf_init(&entered, g->alloc);
    chart_save(m->w->chart, m->state, &state);
    write_fields(&doc, m);
    write_entered(&entered, m);
    m->steps++;
    gov_status status = state.failed || doc.failed || entered.failed ? base_nomem(d) : GOV_OK;
    if (status == GOV_OK)
        status = store_post(g->store, &set,
                            STORE_ARGS(store_i(g->community), store_i(m->id), store_i0(m->closed_us),
                                       store_t(state.data, state.len), store_s(m->outcome), store_i0(m->grid),
                                       store_i0(m->unit), store_i0(m->staff), store_t(doc.data, doc.len), store_i(m->steps),
                                       store_s(m->holders), store_i(m->now_us), store_t(entered.data, entered.len)),
                            1, d);
    if (status == GOV_OK)
        digest_row(m, &state, &entered, &doc);
    if (status == GOV_OK && doc.failed)
        status = base_nomem(d);
    base_buf_free(&state);
    base_buf_free(&doc);
    base_buf_free(&entered);
    return status == GOV_OK ? save_clocks(g, m, d) : status;
}

/* ---- indexed fields ---- */

gov_status case_index_field(gov *g, const case_machine *m, size_t field, value before, const diag *d)
{
    static const store_sql drop = {"DELETE FROM gov_case_word WHERE community = $1 AND field = $2 AND word = $3 AND case_id = $4"};
    static const store_sql add = {"INSERT INTO gov_case_word (community, field, word, case_id) VALUES ($1, $2, $3, $4)"};
    const char *name = m->w->fields.items[field].name;
    base_buf old, new;
    gov_status status = GOV_OK;
    base_buf_init(&old, g->alloc);
    base_buf_init(&new, g->alloc);
    access_word(&old, before);
    access_word(&new, case_field(m, field));
    const bool same = old.len == new.len && (old.len == 0 || memcmp(old.data, new.data, old.len) == 0);
    if (old.failed || new.failed)
        status = base_nomem(d);
    if (status == GOV_OK && !same && old.len > 0)
        status = store_post(g->store, &drop, STORE_ARGS(store_i(g->community), store_s(name), store_t(old.data, old.len), store_i(m->id)), STORE_ANY_ROWS, d);
    if (status == GOV_OK && !same && new.len > 0)
        status = store_post(g->store, &add, STORE_ARGS(store_i(g->community), store_s(name), store_t(new.data, new.len), store_i(m->id)), 1, d);
    base_buf_free(&old);
    base_buf_free(&new);
    return status;
}
