/* What a case looks like from outside: references as keys, sensitive fields as the rulebook shows them. */
#include "case/live.h"

#include <string.h>

static void set_key(gov *g, value_builder *b, const char *name, int64_t id, gov_status *status, const diag *d)
{
    const char *key = "";
    if (id == 0 || *status != GOV_OK) {
        value_builder_set(b, name, value_null());
        return;
    }
    *status = registry_label(g, id, &key, NULL, d);
    value_builder_set(b, name, value_text(key));
}

gov_status case_show_field(gov *g, case_machine *m, const rulebook_field *f, value v, const access_subject *scope,
                             value *out, const diag *d)
{
    if (v.kind == VALUE_INT && registry_kind_of(f->type) != NULL) {
        const char *key;
        const gov_status status = registry_label(g, v.as.i, &key, NULL, d);
        if (status != GOV_OK)
            return status;
        v = value_text(key);
    }
    return access_show(g, f->sensitive, "case", m->id, f->name, v, scope, m->arena, out, d);
}

gov_status case_view_fields(gov *g, case_machine *m, value *out, const diag *d)
{
    const access_subject scope = case_subject(m);
    value_builder b;
    value_builder_init(&b, m->arena);
    for (uint32_t i = 0; i < m->w->fields.count; i++) {
        const rulebook_field *f = &m->w->fields.items[i];
        value v = case_field(m, i);
        if (v.kind == VALUE_ABSENT)
            continue;
        const gov_status status = case_show_field(g, m, f, v, &scope, &v, d);
        if (status != GOV_OK)
            return status;
        value_builder_set(&b, f->name, v);
    }
    *out = value_builder_map(&b);
    return b.failed ? base_nomem(d) : GOV_OK;
}

/* What it is reckoned by, and its account as it is kept and line by line. */
static gov_status view_account(case_machine *m, size_t i, const case_past *past, value_builder *b, const diag *d)
{
    const case_clock *c = &m->clocks[i];
    const rulebook_clock *r = &m->w->clocks[i];
    value account = value_absent(), lines;
    base_buf budget;
    gov_status status = GOV_OK;
    if (c->account.len > 0)
        status = access_read_stored(m->community, m->arena, c->account.data, c->account.len, &account, d);
    if (status == GOV_OK)
        status = case_account_lines(past->g, m, i, past, account, &lines, d);
    if (status != GOV_OK)
        return status;
    base_buf_init(&budget, m->alloc);
    if (r->budget.kind != RULEBOOK_LENGTH_NONE && c->state != CASE_CLOCK_IDLE)
        cal_write_duration(&budget, c->budget);
    b->failed = b->failed || budget.failed;
    if (budget.len > 0)
        value_builder_set_copy(b, "budget", budget.data);
    base_buf_free(&budget);
    if (r->calendar != NULL)
        value_builder_set(b, "calendar", value_text(r->calendar));
    if (r->law.count > 0)
        value_builder_set(b, "law", case_text_value(m->arena, &r->law));
    value_builder_set(b, "roll", value_bool(r->roll == CAL_ROLL_NEXT_WORKING_DAY));
    if (account.kind == VALUE_LIST)
        value_builder_set(b, "account", account);
    value_builder_set(b, "lines", lines);
    return GOV_OK;
}

/* Late by the due instant that counts now: one that was breached may have been given more time since. */
static bool is_overdue(const case_machine *m, const case_clock *c)
{
    const int64_t end = c->state == CASE_CLOCK_STOPPED ? c->stopped_us : c->state == CASE_CLOCK_PAUSED ? c->breached_us + 1 : m->now_us;
    return c->state != CASE_CLOCK_IDLE && c->due_us != 0 && end > c->due_us;
}

gov_status case_view_clocks(case_machine *m, const case_past *past, value *out, const diag *d)
{
    value_builder list;
    value_builder_init(&list, m->arena);
    for (size_t i = 0; i < m->w->clock_count; i++) {
        static const char *const states[] = {"idle", "running", "paused", "stopped"};
        const case_clock *c = &m->clocks[i];
        value_builder b;
        value_builder_init(&b, m->arena);
        value_builder_set(&b, "name", value_text(m->w->clocks[i].name));
        value_builder_set(&b, "state", value_text(states[c->state & 3]));
        value_builder_set(&b, "due", case_clock_reading(m, i, RULEBOOK_CLOCK_DUE));
        value_builder_set(&b, "consumed", case_clock_reading(m, i, RULEBOOK_CLOCK_CONSUMED));
        value_builder_set(&b, "left", case_clock_reading(m, i, RULEBOOK_CLOCK_LEFT));
        value_builder_set(&b, "running", case_clock_reading(m, i, RULEBOOK_CLOCK_RUNNING));
        value_builder_set(&b, "breached", case_clock_reading(m, i, RULEBOOK_CLOCK_BREACHED));
        value_builder_set(&b, "breached_at", c->breached_us != 0 ? value_from_us(c->breached_us) : value_null());
        value_builder_set(&b, "overdue", value_bool(is_overdue(m, c)));
        value_builder_set(&b, "provisional", value_bool(c->provisional && case_clock_due(m, i) != 0));
        const gov_status status = past != NULL ? view_account(m, i, past, &b, d) : GOV_OK;
        if (status != GOV_OK)
            return status;
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    *out = value_builder_list(&list);
    return list.failed ? base_nomem(d) : GOV_OK;
}

static gov_status view_links(gov *g, case_machine *m, value *out, const diag *d)
{
    static const store_sql sql = {"SELECT link, other FROM gov_case_link WHERE community = $1 AND case_id = $2 ORDER BY link, other"};
    store_rows rows;
    value_builder list;
    value_builder_init(&list, m->arena);
    gov_status status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(m->id)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK) {
        size_t len;
        const char *text = store_text(&rows, 0, &len);
        const char *link = base_arena_strndup(m->arena, text, len);
        value_builder b;
        value_builder_init(&b, m->arena);
        value_builder_set(&b, "link", value_text(link));
        value_builder_set(&b, "case", value_int(store_int(&rows, 1)));
        list.failed = list.failed || b.failed || link == NULL;
        value_builder_add(&list, value_builder_map(&b));
    }
    store_rows_close(&rows);
    *out = value_builder_list(&list);
    if (status != GOV_END && status != GOV_OK)
        return status;
    return list.failed ? base_nomem(d) : GOV_OK;
}

/* Who had it, and what came of it. */
static gov_status view_family(gov *g, case_machine *m, value_builder *b, const diag *d)
{
    const value holders = case_holders(m);
    value children;
    value_builder keys, ids;
    value_builder_init(&keys, m->arena);
    value_builder_init(&ids, m->arena);
    gov_status status = case_children(m, &children, d);
    for (size_t i = 0; holders.kind == VALUE_LIST && i < holders.len && status == GOV_OK; i++) {
        const char *key;
        status = registry_label(g, holders.as.items[i].as.i, &key, NULL, d);
        if (status == GOV_OK)
            value_builder_add_copy(&keys, key);
    }
    for (size_t i = 0; status == GOV_OK && i < children.len; i++)
        value_builder_add(&ids, value_get_text(children.as.items[i], "id"));
    value_builder_set(b, "children", value_builder_list(&ids));
    value_builder_set(b, "holders", value_builder_list(&keys));
    value_builder_set(b, "ping_pongs", value_int(case_ping_pongs(m)));
    return status == GOV_OK && (keys.failed || ids.failed) ? base_nomem(d) : status;
}

/* What an import noticed about the row that the case came from. */
static gov_status view_flags(gov *g, const case_machine *m, value *out, const diag *d)
{
    static const store_sql sql = {"SELECT flags FROM gov_case WHERE community = $1 AND id = $2 AND flags IS NOT NULL"};
    store_rows rows;
    size_t len;
    *out = value_list(NULL, 0);
    gov_status status = store_first(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(m->id)), &rows, d);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status;
    const char *text = store_text(&rows, 0, &len);
    if (len > 0)
        status = access_read_stored(g, m->arena, text, len, out, d);
    store_rows_close(&rows);
    return status;
}

static gov_status view_case(gov *g, case_machine *m, bool whole, value *out, const diag *d)
{
    value state, fields = value_absent(), clocks, links, flags;
    value_builder b;
    gov_status status = case_active_paths(m, m->arena, &state, d);
    if (status == GOV_OK)
        status = case_view_fields(g, m, &fields, d);
    value_builder_init(&b, m->arena);
    value_builder_set(&b, "id", value_int(m->id));
    value_builder_set(&b, "number", m->number != NULL ? value_text(m->number) : value_null());
    value_builder_set(&b, "source", m->source != NULL ? value_text(m->source) : value_null());
    value_builder_set(&b, "outside_number", m->outside_number != NULL ? value_text(m->outside_number) : value_null());
    value_builder_set(&b, "workflow", value_text(m->w->name));
    value_builder_set(&b, "state", state);
    value_builder_set(&b, "outcome", m->outcome != NULL ? value_text(m->outcome) : value_null());
    value_builder_set(&b, "opened_at", value_from_us(m->opened_us));
    value_builder_set(&b, "closed_at", m->closed_us != 0 ? value_from_us(m->closed_us) : value_null());
    set_key(g, &b, "grid", m->grid, &status, d);
    set_key(g, &b, "unit", m->unit, &status, d);
    set_key(g, &b, "staff", m->staff, &status, d);
    set_key(g, &b, "reporter", m->reporter, &status, d);
    value_builder_set(&b, "parent", m->parent != 0 ? value_int(m->parent) : value_null());
    value_builder_set(&b, "fields", fields);
    if (whole && status == GOV_OK)
        status = case_view_clocks(m, NULL, &clocks, d);
    if (whole && status == GOV_OK)
        status = view_links(g, m, &links, d);
    if (whole && status == GOV_OK)
        status = view_flags(g, m, &flags, d);
    if (whole && status == GOV_OK)
        status = view_family(g, m, &b, d);
    if (whole && status == GOV_OK) {
        value_builder_set(&b, "clocks", clocks);
        value_builder_set(&b, "links", links);
        value_builder_set(&b, "flags", flags);
    }
    *out = value_builder_map(&b);
    return status == GOV_OK && b.failed ? base_nomem(d) : status;
}

/* GOV_END, unreported: not for this actor. */
static gov_status load_own(gov *g, int64_t id, base_arena *arena, case_machine *m, const diag *d)
{
    bool own;
    gov_status status = case_load(g, id, false, arena, m, d);
    if (status != GOV_OK)
        return status;
    const access_subject scope = case_subject(m);
    status = access_reaches(g, "case.read", &scope, &own, d);
    if (status == GOV_OK && !own)
        status = GOV_END;
    if (status != GOV_OK)
        case_machine_free(m);
    return status;
}

gov_status case_load_to_read(gov *g, int64_t id, case_machine *m, const diag *d)
{
    const gov_status status = load_own(g, id, &g->scratch, m, d);
    return status == GOV_END ? base_fail(d, M_case_unknown, A_I("case", id)) : status;
}

/* ---- get ---- */

typedef struct get_input {
    int64_t id;
    gov_value **out;
} get_input;

static gov_status get_body(gov *g, void *input, const diag *d)
{
    get_input *in = input;
    case_machine m;
    value v;
    gov_status status = case_load_to_read(g, in->id, &m, d);
    if (status != GOV_OK)
        return status;
    status = view_case(g, &m, true, &v, d);
    case_machine_free(&m);
    return status == GOV_OK ? access_answer(g, v, in->out, d) : status;
}

static const access_call read_call = {"case.read", false};

gov_status gov_case_get(gov *g, int64_t id, gov_value **out, gov_error **err)
{
    get_input in = {id, out};
    return out != NULL ? access_run(g, &read_call, get_body, &in, err) : base_misuse(err, "out");
}

/* ---- find ---- */

typedef struct find_input {
    const char *source, *number;
    int64_t id;
} find_input;

/* 0: none that this actor may see. */
static gov_status find_seen(gov *g, const char *source, const char *number, int64_t *id, const diag *d)
{
    case_machine m;
    gov_status status = case_find_number(g, source, number, strlen(number), id, d);
    if (status != GOV_OK || *id == 0 || g->actor.kind == ACCESS_HOST)
        return status;
    status = load_own(g, *id, &g->scratch, &m, d);
    if (status == GOV_OK)
        case_machine_free(&m);
    if (status == GOV_END)
        *id = 0;
    return status == GOV_END ? GOV_OK : status;
}

static gov_status find_body(gov *g, void *input, const diag *d)
{
    find_input *in = input;
    const bool own = in->source == NULL || in->source[0] == '\0';
    gov_status status = find_seen(g, in->source, in->number, &in->id, d);
    if (status == GOV_OK && in->id == 0 && own)
        status = find_seen(g, CASE_OUTSIDE, in->number, &in->id, d);
    return status == GOV_OK && in->id == 0 ? base_fail(d, M_number_unknown, A_S("number", in->number)) : status;
}

gov_status gov_case_find(gov *g, const char *source, const char *number, int64_t *id, gov_error **err)
{
    find_input in = {source, number, 0};
    if (number == NULL || id == NULL)
        return base_misuse(err, number == NULL ? "number" : "id");
    if (!base_utf8_valid(number, strlen(number)) || (source != NULL && !base_utf8_valid(source, strlen(source))))
        return base_misuse(err, "number");
    const gov_status status = access_run(g, &read_call, find_body, &in, err);
    if (status == GOV_OK)
        *id = in.id;
    return status;
}

/* ---- list ---- */

void gov_case_query_init(gov_case_query *query, size_t size)
{
    if (query == NULL || size < sizeof(size_t))
        return;
    memset(query, 0, size);
    query->size = size;
}

typedef struct list_input {
    gov_case_query query;
    gov_value **out;
} list_input;

enum { MOST = 1024 };

/* One list under way: its question to the store is made once, and asked again from the last case on. */
typedef struct listing {
    list_input in;
    int64_t grid; /* 0: everywhere; -1: nowhere */
    size_t limit;
    int batch;
    access_mark *marks; /* of a batch */
    access_mark last;   /* case of the page */
    value_builder cases;
    base_arena candidate; /* of many candidates few may be shown: what each takes is given back before the next */
    access_listing rows;
    case_filter filter;
} listing;

static void add_condition(access_condition *c, const char *before, store_arg arg, const char *after)
{
    access_condition_text(c, before);
    access_condition_value(c, arg);
    access_condition_text(c, after);
}

static void add_word(access_condition *c, const char *field, const base_buf *word, const base_buf *text)
{
    add_condition(c, " AND c.id IN (SELECT w.case_id FROM gov_case_word w WHERE w.community = $1 AND w.field = ",
                  store_s(field), "");
    add_condition(c, " AND w.word IN (", store_t(word->data, word->len), "");
    add_condition(c, ", ", store_t(text->data, text->len), "))");
}

/* Could a field of this type hold what is asked for? What never can is a slip, and an empty list would hide it. */
static bool may_be(const rulebook_field *f, const char *text)
{
    int64_t n;
    if (f->type == RULEBOOK_INT)
        return base_parse_int(text, strlen(text), &n);
    return f->type != RULEBOOK_BOOL || strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
}

/* Cases stay with the rules under which they were opened, and there the field may be of another type. */
static gov_status only_rules(gov *g, bool *only, const diag *d)
{
    static const store_sql sql = {"SELECT count(*) FROM gov_rules WHERE community = $1", 0};
    int64_t n = 0;
    const gov_status status = store_first_int(g->store, &sql, STORE_ARGS(store_i(g->community)), &n, d);
    *only = n == 1;
    return status;
}

/* A filter that no index can answer is refused, not run slowly or answered with nothing; so is one by a field that the actor
 * sees masked everywhere: what is found by it would tell what it holds. */
static gov_status check_filter(gov *g, const gov_case_query *q, const diag *d)
{
    const char *name = q->field;
    const rulebook_names *all = &g->rules->workflows;
    bool workflow = q->workflow == NULL, known = false, indexed = name == NULL, fits = false, number = false;
    for (size_t i = 0; i < all->count && !(workflow && name == NULL); i++) {
        const rulebook_workflow *w;
        if (q->workflow != NULL && strcmp(all->items[i], q->workflow) != 0)
            continue;
        workflow = true;
        const gov_status status = name != NULL ? rulebook_get_workflow(g->rules, all->items[i], &w, d) : GOV_OK;
        if (status != GOV_OK)
            return status;
        const rulebook_field *f = name != NULL ? rulebook_find_field(&w->fields, name, strlen(name)) : NULL;
        if (f != NULL && !access_might_see(g, f->sensitive))
            return base_fail(d, M_field_masked, A_S("actor", access_actor_name(&g->actor)), A_S("field", name));
        if (f != NULL && f->indexed && q->equals != NULL)
            fits = fits || may_be(f, q->equals);
        number = number || (f != NULL && f->type == RULEBOOK_INT);
        known = known || f != NULL;
        indexed = indexed || (f != NULL && f->indexed);
    }
    if (!workflow)
        return base_fail(d, M_workflow_unknown, A_S("workflow", q->workflow));
    if (!indexed)
        return known ? base_fail(d, M_field_not_indexed, A_S("field", name)) : base_fail(d, M_field_unknown, A_S("field", name));
    if (name == NULL || q->equals == NULL || fits)
        return GOV_OK;
    bool only;
    const gov_status status = only_rules(g, &only, d);
    if (status == GOV_OK && only)
        return base_fail(d, M_bad_field, A_S("field", name), A_S("expected", number ? "int" : "bool"), A_S("found", q->equals));
    return status;
}

/* An int or a bool where it may be one, else text, as the index holds them; the index is asked for the text as well. */
static void word_of(const char *text, base_buf *out)
{
    int64_t n;
    if (text == NULL)
        return;
    if (base_parse_int(text, strlen(text), &n))
        access_word(out, value_int(n));
    else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        access_word(out, value_bool(text[0] == 't'));
    else
        access_word(out, value_text(text));
}

/* The texts that the question's arguments point to lie in g's scratch. */
static gov_status field_words(gov *g, const char *equals, base_buf *word, base_buf *text, const diag *d)
{
    base_buf *const both[] = {word, text};
    gov_status status = GOV_OK;
    for (int i = 0; i < 2; i++) {
        base_buf made;
        base_buf_init(&made, g->alloc);
        if (i == 0)
            word_of(equals, &made);
        else
            access_word(&made, value_text(equals));
        *both[i] = (base_buf){.data = made.failed ? NULL : base_arena_strndup(&g->scratch, made.data, made.len), .len = made.len};
        if (both[i]->data == NULL)
            status = base_nomem(d);
        base_buf_free(&made);
    }
    return status;
}

/* A key that nobody has is a slip of the pen, which is told to whom all records of the kind, or all cases, are open. To others it
 * is a place where they find nothing, as one out of their sight is. */
static gov_status find_place(gov *g, const char *kind, const char *key, int64_t *id, const diag *d)
{
    static const char *const actions[] = {"record.read", "case.read"};
    const access_subject all = {0};
    bool whole = false;
    gov_status status = registry_lookup(g, kind, key, strlen(key), id, d);
    for (size_t i = 0; i < ARRAY_LEN(actions) && status == GOV_OK && *id == 0 && !whole; i++)
        status = access_reaches(g, actions[i], &all, &whole, d);
    if (status != GOV_OK || *id != 0)
        return status;
    *id = -1;
    return whole ? base_fail(d, M_record_unknown, A_S("kind", kind), A_S("key", key)) : GOV_OK;
}

enum { MOST_GRIDS = 50 };

/* The actor's grids and what lies in them; *count beyond MOST_GRIDS: too many to name. */
static gov_status own_grids(gov *g, int64_t *ids, size_t *count, const diag *d)
{
    enum { MOST_LOOKED_AT = 2000 };
    const registry_grid *grids;
    size_t all;
    gov_status status = registry_grids(g, &grids, &all, d);
    *count = status == GOV_OK && all > MOST_LOOKED_AT ? MOST_GRIDS + 1 : 0;
    for (size_t i = 0; status == GOV_OK && i < all && *count <= MOST_GRIDS; i++) {
        bool within;
        status = registry_grid_within(g, grids[i].id, g->actor.grids, g->actor.grid_count, &within, d);
        if (status != GOV_OK || !within)
            continue;
        if (*count < MOST_GRIDS)
            ids[*count] = grids[i].id;
        ++*count;
    }
    return status;
}

/* What lies beyond all of the actor's roles is not even a candidate, and takes no time that could be told from none. */
static gov_status add_bounds(gov *g, access_condition *c, const diag *d)
{
    int64_t grids[MOST_GRIDS];
    access_subject within;
    size_t count = 0;
    if (!access_bounds(g, "case.read", &within))
        return GOV_OK;
    const gov_status status = within.grid != 0 ? own_grids(g, grids, &count, d) : GOV_OK;
    if (status != GOV_OK || count > MOST_GRIDS || c->arg_count + count + 3 > ACCESS_MOST_VALUES)
        return status;
    add_condition(c, " AND (c.unit = ", store_i(within.unit), ""); /* no row has 0 */
    add_condition(c, " OR c.staff = ", store_i(within.staff), "");
    add_condition(c, " OR c.reporter = ", store_i(within.reporter), "");
    for (size_t i = 0; i < count; i++)
        add_condition(c, i == 0 ? " OR c.grid IN (" : ", ", store_i(grids[i]), i + 1 == count ? ")" : "");
    access_condition_text(c, ")");
    return GOV_OK;
}

static gov_status ask(gov *g, listing *l, const diag *d)
{
    const gov_case_query *q = &l->in.query;
    access_condition *c = &l->rows.where;
    base_buf word, text;
    int64_t id;
    gov_status status = GOV_OK;
    l->rows.select = l->rows.id = "c.id";
    l->rows.selected = 1;
    l->rows.from = "gov_case c";
    add_condition(c, " WHERE c.community = ", store_i(g->community), "");
    if (q->workflow != NULL)
        add_condition(c, " AND c.workflow = ", store_s(q->workflow), "");
    if (q->unit != NULL) {
        status = find_place(g, GOV_KIND_UNIT, q->unit, &id, d);
        add_condition(c, " AND c.unit = ", store_i(id), "");
    }
    if (status == GOV_OK && q->field != NULL && q->equals != NULL) {
        status = field_words(g, q->equals, &word, &text, d);
        if (status == GOV_OK)
            add_word(c, q->field, &word, &text);
    }
    if ((q->flags & GOV_CASE_OPEN_ONLY) != 0)
        access_condition_text(c, " AND c.closed_us IS NULL");
    if ((q->flags & GOV_CASE_OVERDUE_ONLY) != 0)
        add_condition(c, " AND EXISTS (SELECT 1 FROM gov_case_clock k WHERE k.community = $1 AND k.case_id = c.id AND k.state = 1 "
                         "AND k.due_us < ", store_i(access_now(g)), ")");
    if (status == GOV_OK && (q->where != NULL || q->order != NULL))
        status = case_filter_add(g, q->workflow, q->where, q->order, c, &l->filter, d);
    l->rows.order = l->filter.order;
    if (status == GOV_OK)
        status = add_bounds(g, c, d);
    return status == GOV_OK && c->sql.failed ? base_nomem(d) : status;
}

static gov_status read_page(gov *g, listing *l, size_t *count, const diag *d)
{
    store_rows rows;
    *count = 0;
    gov_status status = access_listing_ask(g, &l->rows, l->batch, &rows, d);
    if (status != GOV_OK)
        return status;
    while ((status = store_next(&rows, d)) == GOV_OK) {
        status = access_listing_row(&l->rows, &rows, &l->marks[(*count)++], d);
        if (status != GOV_OK) {
            store_rows_close(&rows);
            return status;
        }
    }
    return status == GOV_END ? GOV_OK : status;
}

/* What a cursor is bound to. */
static void bind(const gov_case_query *q, char out[9])
{
    const char *const parts[] = {q->workflow, q->grid, q->unit, q->field, q->equals, q->where, q->order};
    access_cursor_bind(parts, ARRAY_LEN(parts), q->flags, out);
}

/* Is the field that the filter asks for one that the actor may see in this case? */
static gov_status check_filtered(gov *g, const list_input *in, case_machine *m, const access_subject *scope, const diag *d)
{
    const char *name = in->query.field;
    const rulebook_field *f = name != NULL ? rulebook_find_field(&m->w->fields, name, strlen(name)) : NULL;
    bool may = true;
    const gov_status status = f != NULL ? access_may_see(g, f->sensitive, scope, &may, d) : GOV_OK;
    return status == GOV_OK && !may ? GOV_END : status;
}

/* GOV_END: not for this actor, or not in the grid that was asked for. Without `out` it is only asked whether it is listed. */
static gov_status view_listed(gov *g, listing *l, int64_t id, value *out, const diag *d)
{
    case_machine m;
    base_arena_reset(&l->candidate);
    gov_status status = load_own(g, id, &l->candidate, &m, d);
    bool within = true;
    if (status != GOV_OK)
        return status;
    const access_subject scope = case_subject(&m);
    status = check_filtered(g, &l->in, &m, &scope, d);
    if (status == GOV_OK)
        status = case_filter_may(g, &l->filter, &m, &scope, &within, d);
    if (status == GOV_OK && within && l->grid != 0)
        status = m.grid != 0 ? registry_grid_within(g, m.grid, &l->grid, 1, &within, d) : GOV_END;
    if (status == GOV_OK && !within)
        status = GOV_END;
    if (status == GOV_OK && out != NULL)
        status = view_case(g, &m, false, out, d);
    if (status == GOV_OK && out != NULL && !value_copy(&g->scratch, *out, out))
        status = base_nomem(d);
    case_machine_free(&m);
    return status;
}

static gov_status show_listed(gov *g, listing *l, const access_mark *mark, bool *more, const diag *d)
{
    const bool full = l->cases.len == l->limit;
    value v;
    const gov_status status = view_listed(g, l, mark->id, full ? NULL : &v, d);
    if (status != GOV_OK || full) {
        *more = status == GOV_OK;
        return status == GOV_END ? GOV_OK : status;
    }
    value_builder_add(&l->cases, v);
    l->last = *mark;
    if (mark->text != NULL)
        l->last.text = base_arena_strndup(&g->scratch, mark->text, mark->len);
    return l->last.text != NULL || mark->text == NULL ? GOV_OK : base_nomem(d);
}

/* Candidates that are not for this actor leave no trace: `more` says that one follows which is, however far off, and the page's
 * last case is where the next page begins. Words are looked for anew with each piece, so pieces are large then. */
static gov_status fill_page(gov *g, listing *l, bool *more, const diag *d)
{
    const gov_case_query *q = &l->in.query;
    gov_status status = GOV_OK;
    *more = false;
    l->batch = q->where != NULL || q->field != NULL ? MOST : 256;
    l->marks = base_arena_array(&g->scratch, MOST, sizeof *l->marks);
    if (l->marks == NULL)
        return base_nomem(d);
    while (status == GOV_OK && !*more && !l->rows.ended && !l->filter.never) {
        size_t n = 0;
        status = read_page(g, l, &n, d);
        for (size_t i = 0; i < n && status == GOV_OK && !*more; i++)
            status = show_listed(g, l, &l->marks[i], more, d);
        if (status == GOV_OK)
            access_listing_turn(&l->rows, n > 0 ? &l->marks[n - 1] : NULL, n, l->batch);
    }
    return status;
}

static gov_status answer(gov *g, const listing *l, bool more, gov_value **out, const diag *d)
{
    value_builder b;
    base_buf cursor;
    char bound[9];
    value_builder cases = l->cases;
    value_builder_init(&b, &g->scratch);
    base_buf_init(&cursor, g->alloc);
    bind(&l->in.query, bound);
    access_cursor_write(&l->rows, &l->last, bound, &cursor);
    value_builder_set(&b, "cases", value_builder_list(&cases));
    value_builder_set(&b, "next", more ? value_string(cursor.data, cursor.len) : value_null());
    const bool failed = cases.failed || b.failed || cursor.failed;
    const gov_status status = failed ? base_nomem(d) : access_answer(g, value_builder_map(&b), out, d);
    base_buf_free(&cursor);
    return status;
}

static gov_status list_body(gov *g, void *input, const diag *d)
{
    listing l = {.in = *(list_input *)input};
    const gov_case_query *q = &l.in.query;
    bool more = false;
    char bound[9];
    l.limit = q->limit != 0 ? q->limit : 50;
    value_builder_init(&l.cases, &g->scratch);
    gov_status status = check_filter(g, q, d);
    if (status == GOV_OK && q->grid != NULL)
        status = find_place(g, GOV_KIND_GRID, q->grid, &l.grid, d);
    base_arena_init(&l.candidate, g->alloc);
    access_listing_init(&l.rows, g->alloc, &g->scratch);
    bind(q, bound);
    if (status == GOV_OK)
        status = ask(g, &l, d);
    if (status == GOV_OK)
        status = access_cursor_read(&l.rows, q->cursor, bound, d);
    if (status == GOV_OK)
        status = fill_page(g, &l, &more, d);
    if (status == GOV_OK)
        status = answer(g, &l, more, l.in.out, d);
    access_listing_free(&l.rows);
    base_arena_free(&l.candidate);
    return status;
}

gov_status gov_case_list(gov *g, const gov_case_query *query, gov_value **out, gov_error **err)
{
    const diag d = {g != NULL ? g->alloc : NULL, err};
    list_input in = {.out = out};
    const gov_status status = access_options(&in.query, sizeof in.query, query, query != NULL ? query->size : 0, &d);
    if (status != GOV_OK)
        return status;
    if (out == NULL || in.query.limit > 1000)
        return base_misuse(err, out == NULL ? "out" : "limit (0..1000)");
    const gov_case_query *q = &in.query;
    const char *const texts[] = {q->workflow, q->grid, q->unit, q->field, q->equals}; /* the filter says itself what is wrong with it */
    static const char *const names[] = {"workflow", "grid", "unit", "field", "equals"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i] != NULL && !base_utf8_valid(texts[i], strlen(texts[i])))
            return base_fail(&d, M_bad_utf8, A_I("offset", (int64_t)base_utf8_bad(texts[i], strlen(texts[i]))), A_S("what", names[i]));
    if ((q->flags & ~(GOV_CASE_OPEN_ONLY | GOV_CASE_OVERDUE_ONLY)) != 0)
        return base_fail(&d, M_bad_options);
    return access_run(g, &read_call, list_body, &in, err);
}

