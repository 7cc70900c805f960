/* One case under other rules: its fields, its state and what its histories remember, as `migrate` maps them. Nothing is written. */
#include "case/migrate.h"

#include <string.h>

/* ---- which version ---- */

/* A case that kept an older version's name, for nothing of its workflow changed, is of that later version as well. */
static gov_status same_as_version(gov *g, const case_machine *old, const char *version, bool *same, const diag *d)
{
    static const store_sql sql = {"SELECT rules FROM gov_rules WHERE community = $1 AND version = $2 ORDER BY rules"};
    store_rows rows;
    gov_status status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_s(version)), &rows, d);
    *same = false;
    while (status == GOV_OK && !*same && (status = store_next(&rows, d)) == GOV_OK) {
        const rulebook *book;
        const rulebook_workflow *w;
        status = registry_rules(g, store_int(&rows, 0), &book, d);
        if (status == GOV_OK && rulebook_get_workflow(book, old->w->name, &w, NULL) == GOV_OK)
            *same = memcmp(w->digest, old->w->digest, BASE_DIGEST_SIZE) == 0;
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

static gov_status check_version(gov *g, const case_machine *old, const rulebook_workflow *w, const diag *d)
{
    bool same = false;
    if (w->migrate.from == NULL)
        return base_fail_at(d, &w->place, M_migrate_unwritten, A_S("workflow", w->name));
    if (strcmp(w->migrate.from, old->w->rulebook_version) == 0)
        return GOV_OK;
    const gov_status status = same_as_version(g, old, w->migrate.from, &same, d);
    if (status != GOV_OK || same)
        return status;
    return base_fail_at(d, &w->migrate.place, M_migrate_version, A_S("found", old->w->rulebook_version),
                        A_S("wanted", w->migrate.from));
}

/* ---- states ---- */

/* A state's counterpart: by the longest path of the map that leads to it, else under its own path. What is inside a state goes where
 * the map puts that state, and into the state itself where that has no states inside any more. CHART_NONE: it has none. */
uint32_t case_map_state(const rulebook_workflow *w, const char *path, size_t len)
{
    const rulebook_migration_pair *best = NULL;
    size_t taken = 0;
    char joined[1024];
    for (uint32_t i = 0; i < w->migrate.state_count; i++) {
        const rulebook_migration_pair *p = &w->migrate.states[i];
        const size_t n = strlen(p->from);
        if (n <= len && n >= taken && memcmp(p->from, path, n) == 0 && (n == len || path[n] == '.')) {
            best = p;
            taken = n;
        }
    }
    if (best == NULL)
        return chart_find(w->chart, path, len);
    const size_t to = strlen(best->to);
    const uint32_t itself = chart_find(w->chart, best->to, to);
    if (taken == len || itself == CHART_NONE)
        return itself;
    if (to + len - taken < sizeof joined) {
        memcpy(joined, best->to, to);
        memcpy(joined + to, path + taken, len - taken);
        const uint32_t inside = chart_find(w->chart, joined, to + len - taken);
        if (inside != CHART_NONE)
            return inside;
    }
    return chart_kind_of(w->chart, itself) == CHART_ATOMIC || chart_kind_of(w->chart, itself) == CHART_FINAL ? itself : CHART_NONE;
}

static gov_status no_counterpart(const rulebook_workflow *w, const char *path, size_t len, const diag *d)
{
    return base_fail_at(d, &w->migrate.place, M_migrate_state, A_N("state", path, len));
}

static void add_with_parents(const chart *c, bool *active, uint32_t state)
{
    for (uint32_t s = state; s != CHART_NONE; s = chart_parent(c, s))
        active[s] = true;
}

/* Enters a target: a history state that remembers nothing stands for its default. */
static void add_target(const chart *c, bool *active, uint32_t state)
{
    const chart_kind kind = chart_kind_of(c, state);
    size_t count;
    if (kind != CHART_SHALLOW && kind != CHART_DEEP) {
        add_with_parents(c, active, state);
        return;
    }
    const uint32_t *to = chart_initial(c, state, &count, NULL);
    add_with_parents(c, active, chart_parent(c, state));
    for (size_t i = 0; i < count; i++)
        if (chart_kind_of(c, to[i]) != CHART_SHALLOW && chart_kind_of(c, to[i]) != CHART_DEEP)
            add_with_parents(c, active, to[i]);
}

/* What is active has to have something active inside: what its `initial` says, or every region. */
static void complete(const chart *c, bool *active)
{
    for (uint32_t s = 0; s < chart_state_count(c); s++) {
        const chart_kind kind = chart_kind_of(c, s);
        bool some = false;
        size_t count;
        for (uint32_t t = s + 1; active[s] && t <= chart_last(c, s); t++)
            if (chart_parent(c, t) == s && kind == CHART_PARALLEL)
                active[t] = active[t] || (chart_kind_of(c, t) != CHART_SHALLOW && chart_kind_of(c, t) != CHART_DEEP);
            else
                some = some || (chart_parent(c, t) == s && active[t]);
        if (!active[s] || some || kind != CHART_COMPOUND)
            continue;
        const uint32_t *to = chart_initial(c, s, &count, NULL);
        for (size_t i = 0; i < count; i++)
            add_target(c, active, to[i]);
    }
}

static void write_active(const chart *c, const bool *active, base_buf *out)
{
    bool done = false, first = true;
    for (uint32_t s = 1; s < chart_state_count(c); s++)
        done = done || (active[s] && chart_parent(c, s) == CHART_ROOT && chart_kind_of(c, s) == CHART_FINAL);
    base_buf_str(out, done ? "1 d " : "1 r ");
    for (uint32_t s = 1; s < chart_state_count(c); s++) {
        if (!active[s] || (chart_kind_of(c, s) != CHART_ATOMIC && chart_kind_of(c, s) != CHART_FINAL))
            continue;
        if (!first)
            base_buf_char(out, ',');
        base_buf_str(out, chart_path(c, s));
        first = false;
    }
}

/* " h=a,b" of a saved state. A history state that is gone is forgotten; what a remaining one remembers has to be somewhere. */
static gov_status map_history(const rulebook_workflow *w, const char *text, size_t len, base_buf *out, const diag *d)
{
    const char *equals = memchr(text, '=', len), *end = text + len;
    const uint32_t h = equals != NULL ? case_map_state(w, text, (size_t)(equals - text)) : CHART_NONE;
    if (h == CHART_NONE || (chart_kind_of(w->chart, h) != CHART_SHALLOW && chart_kind_of(w->chart, h) != CHART_DEEP))
        return GOV_OK;
    base_buf_char(out, ' ');
    base_buf_str(out, chart_path(w->chart, h));
    for (const char *p = equals; p < end;) {
        const char *begin = p + 1, *comma = memchr(begin, ',', (size_t)(end - begin));
        const size_t n = (size_t)((comma != NULL ? comma : end) - begin);
        const uint32_t s = case_map_state(w, begin, n);
        if (s == CHART_NONE)
            return no_counterpart(w, begin, n, d);
        base_buf_char(out, p == equals ? '=' : ',');
        base_buf_str(out, chart_path(w->chart, s));
        p = begin + n;
    }
    return GOV_OK;
}

static gov_status map_histories(const case_machine *old, const rulebook_workflow *w, base_buf *out, const diag *d)
{
    base_buf saved;
    gov_status status = GOV_OK;
    base_buf_init(&saved, old->alloc);
    chart_save(old->w->chart, old->state, &saved);
    const char *end = saved.failed ? NULL : saved.data + saved.len;
    const char *p = saved.failed || saved.len < 4 ? end : memchr(saved.data + 4, ' ', saved.len - 4);
    while (status == GOV_OK && p != NULL && p < end) {
        const char *next = memchr(p + 1, ' ', (size_t)(end - p - 1));
        next = next != NULL ? next : end;
        status = map_history(w, p + 1, (size_t)(next - p - 1), out, d);
        p = next;
    }
    if (saved.failed)
        status = base_nomem(d);
    base_buf_free(&saved);
    return status;
}

static gov_status map_states(const case_machine *old, case_machine *m, const diag *d)
{
    enum { MOST = 256 };
    const rulebook_workflow *w = m->w;
    uint32_t leaves[MOST];
    const size_t n = chart_active(old->w->chart, old->state, leaves, MOST);
    bool *active = base_arena_array(m->arena, chart_state_count(w->chart), sizeof *active);
    base_buf text;
    gov_status status = GOV_OK;
    if (active == NULL)
        return base_nomem(d);
    if (n > MOST)
        return base_fail(d, M_too_large, A_S("what", "active states"), A_I("limit", MOST));
    active[CHART_ROOT] = true;
    for (size_t i = 0; i < n; i++) {
        const char *path = chart_path(old->w->chart, leaves[i]);
        const uint32_t to = case_map_state(w, path, strlen(path));
        if (to == CHART_NONE)
            return no_counterpart(w, path, strlen(path), d);
        add_target(w->chart, active, to);
    }
    complete(w->chart, active);
    base_buf_init(&text, m->alloc);
    write_active(w->chart, active, &text);
    status = map_histories(old, w, &text, d);
    if (status == GOV_OK)
        status = text.failed ? base_nomem(d) : chart_load(w->chart, text.data, text.len, m->state, d);
    base_buf_free(&text);
    return status;
}

/* A stay goes on in the state's counterpart. One that encloses such a stay and is new itself began with it; what else is new begins now. */
static void map_entered(const case_machine *old, case_machine *m)
{
    const chart *c = m->w->chart;
    const uint32_t count = chart_state_count(c);
    for (uint32_t o = 0; o < chart_state_count(old->w->chart); o++) {
        const char *path = old->w->states[o].path;
        if (path == NULL || !chart_in(old->w->chart, old->state, o))
            continue;
        const uint32_t s = case_map_state(m->w, path, strlen(path));
        if (s < count && (m->entered[s] == 0 || old->entered[o] < m->entered[s]))
            m->entered[s] = old->entered[o];
    }
    for (uint32_t s = 0; s < count; s++)
        for (uint32_t up = chart_parent(c, s); chart_in(c, m->state, s) && m->entered[s] != 0 && up != CHART_NONE; up = chart_parent(c, up))
            if (m->entered[up] == 0 || m->entered[up] > m->entered[s])
                m->entered[up] = m->entered[s];
    for (uint32_t s = 0; s < count; s++)
        if (m->entered[s] == 0)
            m->entered[s] = m->now_us;
}

/* ---- fields ---- */

static void set_id(value_builder *b, const char *name, int64_t id)
{
    value_builder_set(b, name, id != 0 ? value_int(id) : value_null());
}

/* `case` of the migration's expressions: the case as it was, whatever its fields were. */
static value old_case(const case_machine *old, base_arena *arena, value fields)
{
    value_builder b;
    value_builder_init(&b, arena);
    for (size_t i = 0; i < fields.len; i++)
        value_builder_set_n(&b, fields.as.pairs[i].key.as.s, fields.as.pairs[i].key.len, fields.as.pairs[i].val);
    value_builder_set(&b, "id", value_int(old->id));
    value_builder_set(&b, "number", old->number != NULL ? value_text(old->number) : value_null());
    value_builder_set(&b, "workflow", value_text(old->w->name));
    value_builder_set(&b, "opened_at", value_from_us(old->opened_us));
    set_id(&b, "reporter", old->reporter);
    set_id(&b, "assignee", old->staff);
    set_id(&b, "unit", old->unit);
    set_id(&b, "grid", old->grid);
    set_id(&b, "parent", old->parent);
    return b.failed ? value_absent() : value_builder_map(&b);
}

value case_fields_of(const case_machine *m, base_arena *arena)
{
    value_builder b;
    value_builder_init(&b, arena);
    for (uint32_t i = 0; i < m->w->fields.count; i++)
        if (case_field(m, i).kind != VALUE_ABSENT)
            value_builder_set(&b, m->w->fields.items[i].name, case_field(m, i));
    return b.failed ? value_absent() : value_builder_map(&b);
}

static gov_status written_fields(const case_machine *old, case_machine *m, value fields, value_builder *b, const diag *d)
{
    const rulebook_migration *how = &m->w->migrate;
    value *slots = base_arena_array(m->arena, how->case_slot + 1, sizeof *slots);
    if (slots == NULL)
        return base_nomem(d);
    memcpy(slots, m->w->presets, how->case_slot * sizeof *slots);
    slots[how->case_slot] = old_case(old, m->arena, fields);
    if (slots[how->case_slot].kind == VALUE_ABSENT)
        return base_nomem(d);
    expr_run run = case_expr_run(m);
    run.slots = slots;
    run.slot_count = how->case_slot + 1;
    for (uint32_t i = 0; i < how->field_count; i++) {
        value v;
        gov_status status = expr_eval(how->fields[i].expr, &run, &v, d);
        if (status == GOV_OK && !value_copy(m->arena, v, &v))
            status = base_nomem(d);
        if (status != GOV_OK)
            return status;
        value_builder_set(b, how->fields[i].from, v);
    }
    return GOV_OK;
}

/* Fields keep their values under their names; what the map computes comes in their place, and the new version's limits hold. */
gov_status case_map_fields(const case_machine *old, case_machine *m, value fields, const diag *d)
{
    const expr_run run = case_expr_run(m);
    const rulebook_checking how = {.resolve = m->world->resolve, .user = m->user, .run = &run, .arena = m->arena};
    value_builder b;
    value checked;
    value_builder_init(&b, m->arena);
    for (uint32_t i = 0; i < m->w->fields.count; i++) {
        const value v = value_get_text(fields, m->w->fields.items[i].name);
        if (v.kind != VALUE_ABSENT)
            value_builder_set(&b, m->w->fields.items[i].name, v);
    }
    gov_status status = m->w->migrate.from != NULL ? written_fields(old, m, fields, &b, d) : GOV_OK;
    if (status == GOV_OK && b.failed)
        status = base_nomem(d);
    if (status == GOV_OK)
        status = rulebook_check_fields(&m->w->fields, value_builder_map(&b), &how, &checked, d);
    for (size_t i = 0; status == GOV_OK && i < checked.len; i++) {
        const value key = checked.as.pairs[i].key;
        case_put_field(m, rulebook_field_index(&m->w->fields, key.as.s, key.len), checked.as.pairs[i].val);
    }
    return status;
}

/* ---- the whole ---- */

gov_status case_map(gov *g, case_machine *old, const rulebook_workflow *w, bool keep, case_machine *m, const diag *d)
{
    const value fields = case_fields_of(old, old->arena);
    gov_status status = fields.kind == VALUE_ABSENT ? base_nomem(d) : check_version(g, old, w, d);
    if (status != GOV_OK)
        return status;
    *m = *old;
    m->clocks = NULL;
    status = keep ? case_machine_under(g, m, w, old->arena, d) : case_machine_init(m, w, old->arena, d);
    if (status == GOV_OK)
        status = map_states(old, m, d);
    if (status == GOV_OK)
        map_entered(old, m);
    return status == GOV_OK ? case_map_fields(old, m, fields, d) : status;
}
