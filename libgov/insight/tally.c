/* One pass over the cases of a period, in pages of a few hundred, counting. */
#include "insight/insight.h"

#include <string.h>

enum { PAGE = 256 };

/* ---- keyed counts ---- */

/* NULL: no memory */
static insight_row *insight_row_at(insight_tally *t, insight_rows *rows, const char *key, size_t len)
{
    bool fresh = false;
    const uint64_t *known = base_map_get(&rows->map, key, len);
    if (known != NULL)
        return &rows->items[*known];
    char *copy = base_arena_strndup(&t->arena, key, len);
    if (copy == NULL || !base_grow(t->g->alloc, &rows->items, &rows->cap, rows->count, sizeof *rows->items))
        return NULL;
    uint64_t *index = base_map_put(&rows->map, copy, len, &fresh);
    if (index == NULL)
        return NULL;
    *index = rows->count;
    insight_row *row = &rows->items[rows->count++];
    *row = (insight_row){.key = copy, .len = len};
    return row;
}

static insight_row *insight_row_of(insight_tally *t, insight_rows *rows, int64_t id)
{
    char key[sizeof id];
    memcpy(key, &id, sizeof id);
    insight_row *row = insight_row_at(t, rows, key, sizeof key);
    if (row != NULL)
        row->id = id;
    return row;
}

void insight_tally_init(insight_tally *t, gov *g)
{
    *t = (insight_tally){.g = g};
    base_arena_init(&t->arena, g->alloc);
    base_arena_init(&t->page, g->alloc);
    insight_rows *const rows[] = {&t->workflows, &t->outcomes, &t->categories, &t->grids, &t->units};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        base_map_init(&rows[i]->map, g->alloc);
    base_map_init(&t->place_map, g->alloc);
}

void insight_tally_free(insight_tally *t)
{
    const gov_allocator *a = t->g->alloc;
    insight_rows *const rows[] = {&t->workflows, &t->outcomes, &t->categories, &t->grids, &t->units};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        base_map_free(&rows[i]->map);
        base_free(a, rows[i]->items);
    }
    base_map_free(&t->place_map);
    base_free(a, t->places);
    base_free(a, t->lasted);
    base_arena_free(&t->arena);
    base_arena_free(&t->page);
}

/* ---- deadlines ---- */

insight_fate insight_fate_of(const insight_clock *c, int64_t closed_us, int64_t end_us, int64_t at_us, bool late_before)
{
    if (c == NULL || c->due_us == 0 || c->origin_us >= end_us)
        return INSIGHT_UNTIMED;
    const bool breached = c->breached_us != 0 && c->breached_us < at_us;
    const int64_t closed = closed_us != 0 && closed_us < end_us ? closed_us : 0;
    if (c->state == CASE_CLOCK_STOPPED && c->stopped_us != 0 && c->stopped_us < end_us)
        return late_before || breached || c->stopped_us > c->due_us ? INSIGHT_LATE : INSIGHT_ON_TIME;
    /* A paused clock's due instant moves on while it pauses; only what was breached before is late. */
    const bool past = breached || (c->state != CASE_CLOCK_PAUSED && c->due_us < (closed != 0 ? closed : at_us));
    if (closed != 0)
        return past || late_before ? INSIGHT_LATE : INSIGHT_ENDED;
    return past ? INSIGHT_OVERDUE : late_before ? INSIGHT_LATE : INSIGHT_NOT_DUE;
}

/* Does the account hold more than one start? */
static bool restarted(const insight_clock *c)
{
    static const char start[] = "\"start\"";
    const char *first = strstr(c->account, start);
    return first != NULL && strstr(first + 1, start) != NULL;
}

gov_status insight_late_before(insight_tally *t, const insight_clock *c, bool *late, const diag *d)
{
    value account;
    bool so_far = false;
    *late = false;
    if (!restarted(c))
        return GOV_OK;
    const gov_status status = access_read_stored(t->g, &t->page, c->account, c->account_len, &account, d);
    if (status != GOV_OK)
        return status;
    for (size_t i = 0; account.kind == VALUE_LIST && i < account.len; i++) {
        int64_t at = 0, due = 0;
        const value what = value_get_text(account.as.items[i], "what");
        const bool dated = value_to_us(value_get_text(account.as.items[i], "at"), &at) &&
                           value_to_us(value_get_text(account.as.items[i], "due"), &due);
        if (value_is_text(what, "start"))
            *late = so_far; /* what came before belongs to earlier rounds */
        else if (at < t->end_us && (value_is_text(what, "breach") || (value_is_text(what, "stop") && dated && at > due)))
            so_far = true;
    }
    return GOV_OK;
}

/* ---- one case ---- */

static insight_month_row *month_of(insight_tally *t, int64_t us)
{
    const int64_t i = insight_month(insight_day(t->g->rules->zone, us)) - t->month_base;
    return i >= 0 && i < t->month_count ? &t->months[i] : NULL;
}

static gov_status count_category(insight_tally *t, const insight_case *c, bool closed, const diag *d)
{
    const char *text;
    size_t len;
    if (!t->category_known)
        return GOV_OK;
    const gov_status status = insight_category(t, c, &text, &len, d);
    if (status != GOV_OK)
        return status;
    if (t->categories.count >= INSIGHT_CATEGORIES && base_map_get(&t->categories.map, text, len) == NULL) {
        text = "\xE2\x80\xA6"; /* past all reason: the rest goes together */
        len = 3;
    }
    insight_row *row = insight_row_at(t, &t->categories, text, len);
    if (row == NULL)
        return base_nomem(d);
    row->cases++;
    row->closed += closed;
    if (row->weeks == NULL)
        row->weeks = base_arena_array(&t->arena, (size_t)t->week_count, sizeof *row->weeks);
    if (row->weeks == NULL)
        return base_nomem(d);
    const int64_t week = insight_week(insight_day(t->g->rules->zone, c->opened_us)) - t->week_base;
    if (week >= 0 && week < t->week_count)
        row->weeks[week]++;
    return GOV_OK;
}

static gov_status count_lasted(insight_tally *t, const insight_case *c, const diag *d)
{
    if (!base_grow(t->g->alloc, &t->lasted, &t->lasted_cap, t->lasted_count, sizeof *t->lasted))
        return base_nomem(d);
    const int64_t us = c->closed_us - c->opened_us;
    t->lasted[t->lasted_count++] = us > 0 ? us / BASE_US_PER_SECOND : 0;
    return GOV_OK;
}

static void count_fate(insight_tally *t, insight_fate fate, insight_row *grid, insight_row *unit, insight_month_row *month)
{
    const bool late = fate == INSIGHT_LATE || fate == INSIGHT_OVERDUE;
    t->fates[fate]++;
    insight_row *const rows[] = {grid, unit};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rows[i]->on_time += fate == INSIGHT_ON_TIME;
        rows[i]->late += late;
        rows[i]->overdue += fate == INSIGHT_OVERDUE;
    }
    if (month != NULL) {
        month->on_time += fate == INSIGHT_ON_TIME;
        month->late += late;
    }
}

static const insight_clock *lead_clock(const insight_tally *t, const insight_case *c)
{
    for (const insight_clock *k = c->clocks; t->clock != NULL && k != NULL; k = k->next)
        if (strcmp(k->name, t->clock->name) == 0)
            return k;
    return NULL;
}

static gov_status count_lead(insight_tally *t, const insight_case *c, bool closed, const diag *d)
{
    const insight_clock *clock = lead_clock(t, c);
    bool late_before = false;
    gov_status status = clock != NULL ? insight_late_before(t, clock, &late_before, d) : GOV_OK;
    if (status != GOV_OK)
        return status;
    insight_row *grid = insight_row_of(t, &t->grids, c->grid);
    insight_row *unit = insight_row_of(t, &t->units, c->unit);
    if (grid == NULL || unit == NULL)
        return base_nomem(d);
    insight_month_row *month = month_of(t, c->opened_us);
    t->opened++;
    t->closed += closed;
    grid->cases++;
    unit->cases++;
    if (month != NULL)
        month->opened++;
    count_fate(t, insight_fate_of(clock, c->closed_us, t->end_us, t->at_us, late_before), grid, unit, month);
    status = count_category(t, c, closed, d);
    if (status == GOV_OK && closed)
        status = count_lasted(t, c, d);
    return status == GOV_OK ? insight_place_add(t, c, d) : status;
}

static gov_status count_outcome(insight_tally *t, const insight_case *c, const diag *d)
{
    const size_t a = strlen(c->workflow), b = strlen(c->outcome);
    char *key = base_arena_alloc(&t->page, a + b + 2);
    if (key == NULL)
        return base_nomem(d);
    memcpy(key, c->workflow, a + 1);
    memcpy(key + a + 1, c->outcome, b + 1);
    insight_row *row = insight_row_at(t, &t->outcomes, key, a + 1 + b);
    if (row == NULL)
        return base_nomem(d);
    row->cases++;
    return GOV_OK;
}

static gov_status count_case(insight_tally *t, const insight_case *c, const diag *d)
{
    const access_subject subject = {.grid = c->grid, .unit = c->unit, .staff = c->staff, .reporter = c->reporter};
    const bool closed = c->closed_us != 0 && c->closed_us < t->end_us;
    const bool lead = t->lead_name != NULL && strcmp(c->workflow, t->lead_name) == 0;
    gov_status status = access_check_subject(t->g, "report.read", &subject, NULL);
    if (status != GOV_OK) /* outside of what this actor may see */
        return status == GOV_E_DENIED ? GOV_OK : status;
    if (lead && closed && c->closed_us >= t->from_us && month_of(t, c->closed_us) != NULL)
        month_of(t, c->closed_us)->closed++;
    if (c->opened_us < t->from_us)
        return GOV_OK;
    insight_row *row = insight_row_at(t, &t->workflows, c->workflow, strlen(c->workflow));
    if (row == NULL)
        return base_nomem(d);
    row->cases++;
    row->closed += closed;
    if (closed)
        status = count_outcome(t, c, d);
    if (status == GOV_OK && lead)
        status = count_lead(t, c, closed, d);
    return status == GOV_OK ? insight_judge(t, c, d) : status;
}

/* ---- reading ---- */

static const char *keep_text(insight_tally *t, store_rows *rows, int column, size_t *len)
{
    size_t n;
    const char *text = store_text(rows, column, &n);
    if (len != NULL)
        *len = n;
    return base_arena_strndup(&t->page, text, n);
}

static gov_status read_case(insight_tally *t, store_rows *rows, insight_case *c, const diag *d)
{
    size_t len;
    *c = (insight_case){.id = store_int(rows, 0),
                        .number = keep_text(t, rows, 1, NULL),
                        .workflow = keep_text(t, rows, 2, NULL),
                        .rules = store_int(rows, 3),
                        .opened_us = store_int(rows, 4),
                        .closed_us = store_int(rows, 5),
                        .outcome = keep_text(t, rows, 6, NULL),
                        .grid = store_int(rows, 7),
                        .unit = store_int(rows, 8),
                        .staff = store_int(rows, 9),
                        .reporter = store_int(rows, 10),
                        .parent = store_int(rows, 11)};
    c->state = keep_text(t, rows, 12, &c->state_len);
    if (c->number == NULL || c->workflow == NULL || c->outcome == NULL || c->state == NULL)
        return base_nomem(d);
    const char *doc = store_text(rows, 13, &len);
    const char *copy = base_arena_strndup(&t->page, doc, len);
    return copy != NULL ? access_read_stored(t->g, &t->page, copy, len, &c->doc, d) : base_nomem(d);
}

static gov_status read_cases(insight_tally *t, int64_t after, insight_case *cases, size_t *count, const diag *d)
{
    static const store_sql sql = {
        "SELECT id, number, workflow, rules, opened_us, closed_us, outcome, grid, unit, staff, reporter, parent, state, doc "
        "FROM gov_case WHERE community = $1 AND id > $2 AND opened_us < $3 AND (opened_us >= $4 OR closed_us >= $4) "
        "ORDER BY id LIMIT $5"};
    store_rows rows;
    *count = 0;
    gov_status status = store_query(t->g->store, &sql,
                                    STORE_ARGS(store_i(t->g->community), store_i(after), store_i(t->end_us),
                                               store_i(t->from_us), store_i(PAGE)),
                                    &rows, d);
    if (status != GOV_OK)
        return status;
    while (*count < PAGE && (status = store_next(&rows, d)) == GOV_OK) {
        status = read_case(t, &rows, &cases[*count], d);
        if (status != GOV_OK)
            break;
        ++*count;
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

static gov_status read_clock(insight_tally *t, store_rows *rows, insight_case *c, const diag *d)
{
    insight_clock *k = base_arena_alloc(&t->page, sizeof *k);
    if (k == NULL)
        return base_nomem(d);
    *k = (insight_clock){.name = keep_text(t, rows, 1, NULL),
                         .state = (uint8_t)store_int(rows, 2),
                         .origin_us = store_int(rows, 3),
                         .since_us = store_int(rows, 4),
                         .due_us = store_int(rows, 5),
                         .stopped_us = store_int(rows, 6),
                         .breached_us = store_int(rows, 7),
                         .unit = store_int(rows, 8),
                         .budget = store_int(rows, 9),
                         .used = store_int(rows, 10),
                         .extensions = store_int(rows, 11),
                         .extended = store_int(rows, 12),
                         .next = c->clocks};
    k->account = keep_text(t, rows, 13, &k->account_len);
    if (k->name == NULL || k->account == NULL)
        return base_nomem(d);
    c->clocks = k;
    return GOV_OK;
}

static gov_status read_clocks(insight_tally *t, insight_case *cases, size_t count, const diag *d)
{
    static const store_sql sql = {
        "SELECT case_id, name, state, origin_us, since_us, due_us, stopped_us, breached_us, unit, budget, used, extensions, extended, "
        "account FROM gov_case_clock WHERE community = $1 AND case_id >= $2 AND case_id <= $3 ORDER BY case_id, name"};
    store_rows rows;
    size_t at = 0;
    if (count == 0)
        return GOV_OK;
    gov_status status = store_query(t->g->store, &sql,
                                    STORE_ARGS(store_i(t->g->community), store_i(cases[0].id), store_i(cases[count - 1].id)),
                                    &rows, d);
    if (status != GOV_OK)
        return status;
    while ((status = store_next(&rows, d)) == GOV_OK) {
        while (at < count && cases[at].id < store_int(&rows, 0))
            at++;
        if (at < count && cases[at].id == store_int(&rows, 0))
            status = read_clock(t, &rows, &cases[at], d);
        if (status != GOV_OK)
            break;
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

static gov_status count_all(insight_tally *t, const diag *d)
{
    insight_case *cases = base_array(t->g->alloc, PAGE, sizeof *cases);
    gov_status status = cases != NULL ? GOV_OK : base_nomem(d);
    size_t count = PAGE;
    for (int64_t after = 0; status == GOV_OK && count == PAGE;) {
        base_arena_reset(&t->page);
        status = read_cases(t, after, cases, &count, d);
        if (status == GOV_OK)
            status = read_clocks(t, cases, count, d);
        for (size_t i = 0; i < count && status == GOV_OK; i++)
            status = count_case(t, &cases[i], d);
        after = count > 0 ? cases[count - 1].id : after;
    }
    base_free(t->g->alloc, cases);
    return status;
}

/* ---- what is asked ---- */

typedef struct extent {
    bool any;
    int64_t first, last_opened;
} extent;

static gov_status find_extent(insight_tally *t, extent *out, const diag *d)
{
    static const store_sql sql = {
        "SELECT min(opened_us), max(opened_us) FROM gov_case WHERE community = $1 AND opened_us < $2"};
    store_rows rows;
    *out = (extent){0};
    const gov_status status = store_first(t->g->store, &sql, STORE_ARGS(store_i(t->g->community), store_i(t->end_us)), &rows, d);
    if (status != GOV_OK)
        return status == GOV_END ? GOV_OK : status;
    out->any = !store_is_null(&rows, 0);
    out->first = store_int(&rows, 0);
    out->last_opened = store_int(&rows, 1);
    store_rows_close(&rows);
    return GOV_OK;
}

/* Months and weeks from the first opening to the last: what is closed years later would stretch them without end. */
static gov_status set_axes(insight_tally *t, const extent *e, const diag *d)
{
    const base_zone *zone = t->g->rules->zone;
    if (e->any && e->last_opened >= t->from_us) {
        const int64_t last_day = insight_day(zone, e->last_opened);
        const int64_t month = insight_month(last_day), week = insight_week(last_day);
        const int64_t first_day = insight_day(zone, t->from_us > e->first ? t->from_us : e->first);
        t->month_base = insight_month(first_day);
        t->week_base = insight_week(first_day);
        if (month - t->month_base >= INSIGHT_MONTHS)
            t->month_base = month - INSIGHT_MONTHS + 1;
        if (week - t->week_base >= INSIGHT_WEEKS)
            t->week_base = week - INSIGHT_WEEKS + 1;
        t->month_count = month - t->month_base + 1;
        t->week_count = week - t->week_base + 1;
    }
    t->months = base_arena_array(&t->arena, (size_t)t->month_count, sizeof *t->months);
    return t->months != NULL ? GOV_OK : base_nomem(d);
}

static gov_status set_period(insight_tally *t, const gov_report_options *o, const diag *d)
{
    const int64_t now = access_now(t->g);
    extent e;
    t->from_given = o->from_us != 0;
    t->to_given = o->to_us != 0;
    /* By default everything up to and including this instant; a given end is exclusive. */
    t->end_us = t->to_given ? o->to_us : now + 1;
    t->at_us = t->to_given && o->to_us < now ? o->to_us : now;
    const gov_status status = find_extent(t, &e, d);
    if (status != GOV_OK)
        return status;
    t->from_us = t->from_given ? o->from_us : e.any ? e.first : t->at_us;
    if (t->from_us >= t->end_us)
        return base_fail(d, M_report_period);
    return set_axes(t, &e, d);
}

static gov_status workflow_or_null(insight_tally *t, const char *name, const rulebook_workflow **out, const diag *d)
{
    const gov_status status = rulebook_get_workflow(t->g->rules, name, out, d);
    if (status == GOV_E_NOT_FOUND)
        *out = NULL;
    return status == GOV_E_NOT_FOUND ? GOV_OK : status;
}

/* The one with the most cases among those with a clock, else among all. */
static gov_status choose_lead(insight_tally *t, const diag *d)
{
    static const store_sql sql = {"SELECT workflow, count(*) FROM gov_case WHERE community = $1 AND opened_us >= $2 AND opened_us < $3 "
                                  "GROUP BY workflow ORDER BY workflow"};
    store_rows rows;
    int64_t best = -1;
    bool best_timed = false;
    gov_status status = store_query(t->g->store, &sql,
                                    STORE_ARGS(store_i(t->g->community), store_i(t->from_us), store_i(t->end_us)), &rows, d);
    if (status != GOV_OK)
        return status;
    while ((status = store_next(&rows, d)) == GOV_OK) {
        const rulebook_workflow *w;
        size_t len;
        const char *name = store_text(&rows, 0, &len);
        const int64_t cases = store_int(&rows, 1);
        status = workflow_or_null(t, name, &w, d);
        if (status != GOV_OK)
            break;
        const bool timed = w != NULL && w->clock_count > 0;
        if (timed < best_timed || (timed == best_timed && cases <= best))
            continue;
        best = cases;
        best_timed = timed;
        t->lead_name = base_arena_strndup(&t->arena, name, len);
        if (t->lead_name == NULL) {
            status = base_nomem(d);
            break;
        }
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

/* Without any case: the rulebook's first workflow with a clock. */
static gov_status lead_of_rules(insight_tally *t, const diag *d)
{
    const rulebook_names *names = &t->g->rules->workflows;
    for (uint32_t i = 0; i < names->count && t->lead_name == NULL; i++) {
        const rulebook_workflow *w;
        const gov_status status = workflow_or_null(t, names->items[i], &w, d);
        if (status != GOV_OK)
            return status;
        if (w != NULL && w->clock_count > 0)
            t->lead_name = names->items[i];
    }
    return GOV_OK;
}

static gov_status set_lead(insight_tally *t, const char *asked, const diag *d)
{
    gov_status status = GOV_OK;
    t->lead_name = asked;
    if (asked == NULL)
        status = choose_lead(t, d);
    if (status == GOV_OK && t->lead_name == NULL)
        status = lead_of_rules(t, d);
    if (status == GOV_OK && t->lead_name != NULL)
        status = workflow_or_null(t, t->lead_name, &t->lead, d);
    if (status == GOV_OK && asked != NULL && t->lead == NULL)
        return base_fail(d, M_workflow_unknown, A_S("workflow", asked));
    if (status != GOV_OK || t->lead == NULL)
        return status;
    t->clock = t->lead->clock_count > 0 ? &t->lead->clocks[0] : NULL;
    for (uint32_t i = 0; i < t->lead->fields.count; i++) {
        const rulebook_field *f = &t->lead->fields.items[i];
        if (f->sensitive != NULL)
            continue;
        t->category_known = t->category_known || strcmp(f->name, "category") == 0;
        t->address_known = t->address_known || strcmp(f->name, "address") == 0;
        if (f->type == RULEBOOK_POINT && t->point == NULL)
            t->point = f->name;
    }
    return GOV_OK;
}

gov_status insight_tally_run(insight_tally *t, const gov_report_options *o, const diag *d)
{
    gov_status status = set_period(t, o, d);
    if (status == GOV_OK)
        status = set_lead(t, o->workflow, d);
    if (status == GOV_OK)
        status = insight_judge_prepare(t, d);
    if (status == GOV_OK)
        status = count_all(t, d);
    if (status == GOV_OK)
        insight_sort(t->lasted, t->lasted_count);
    return status;
}
