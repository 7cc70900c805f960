/* Past cases lived through again under other rules, in memory: what would have ended otherwise?
 *
 * What came from outside (people's events, other cases' events, imports) comes again at its instant; what the rules do by themselves
 * (timers, marks, what a case sends itself) follows anew. Each case is lived through under its own rules, too: where that does not
 * give what really happened, the comparison says nothing, and the case is counted as unsure. */
#include "case/migrate.h"
#include "case/simulate.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 64 };

/* ---- what happened ---- */

typedef struct happening {
    int64_t at_us, actor;
    const char *event;
    const char *effect; /* id of the effect that told it; NULL: none */
    bool asked; /* somebody did it, and it was taken; what cases and effects tell may come to nothing */
    value data;
} happening;

typedef struct past {
    gov *g;
    base_arena *arena;
    case_machine m; /* the case as it is */
    value fields;   /* what it was opened with */
    happening *items;
    size_t count, cap;
    int64_t points;  /* given less taken */
    bool readable;   /* nothing of it is erased, and it always ran under one version */
    const diag *d;
} past;

static int64_t points_in(value effects)
{
    int64_t sum = 0;
    for (size_t i = 0; effects.kind == VALUE_LIST && i < effects.len; i++) {
        const value award = value_get_text(value_get_text(effects.as.items[i], "award"), "points"),
                    deduct = value_get_text(value_get_text(effects.as.items[i], "deduct"), "points");
        sum += (award.kind == VALUE_INT ? award.as.i : 0) - (deduct.kind == VALUE_INT ? deduct.as.i : 0);
    }
    return sum;
}

/* The fields as the entry of the opening has them: after the first step, but for those that it changed. */
static gov_status read_opening(past *p, value doc)
{
    const value set = value_get_text(doc, "set"), given = value_get_text(value_get_text(doc, "data"), "given");
    value_builder b;
    value_builder_init(&b, p->arena);
    for (size_t i = 0; set.kind == VALUE_MAP && i < set.len; i++)
        value_builder_set_n(&b, set.as.pairs[i].key.as.s, set.as.pairs[i].key.len, set.as.pairs[i].val);
    for (size_t i = 0; given.kind == VALUE_MAP && i < given.len; i++)
        value_builder_set_n(&b, given.as.pairs[i].key.as.s, given.as.pairs[i].key.len, given.as.pairs[i].val);
    p->fields = value_builder_map(&b);
    return b.failed ? base_nomem(p->d) : GOV_OK;
}

/* Did the effect tell that its period was over? */
static bool by_time(const past *p, value event, value effect)
{
    const rulebook_later *later = effect.kind == VALUE_STRING ? rulebook_find_later(p->m.w, effect.as.s) : NULL;
    const rulebook_report *report =
        later != NULL && event.len > effect.len ? rulebook_find_report(later->effect, event.as.s + effect.len + 1) : NULL;
    return report != NULL && report->by_time;
}

static gov_status add_happening(past *p, const journal_record *r, value doc)
{
    const value event = value_get_text(doc, "event"), sender = value_get_text(doc, "sender"), effect = value_get_text(doc, "effect");
    const bool own = r->actor == ACCESS_ID_RULES && sender.kind == VALUE_ABSENT && effect.kind == VALUE_ABSENT;
    if (event.kind != VALUE_STRING || own || by_time(p, event, effect))
        return GOV_OK; /* the rules' own doing follows anew */
    if (p->count == p->cap) {
        const size_t cap = p->cap != 0 ? 2 * p->cap : 16;
        happening *more = base_arena_array(p->arena, cap, sizeof *more);
        if (more == NULL)
            return base_nomem(p->d);
        if (p->count > 0)
            memcpy(more, p->items, p->count * sizeof *more);
        p->items = more;
        p->cap = cap;
    }
    happening *h = &p->items[p->count++];
    *h = (happening){.at_us = r->at_us, .actor = r->actor, .data = value_get_text(doc, "data"),
                     .asked = sender.kind == VALUE_ABSENT && effect.kind == VALUE_ABSENT};
    if (effect.kind == VALUE_STRING && (h->effect = base_arena_strndup(p->arena, effect.as.s, effect.len)) == NULL)
        return base_nomem(p->d);
    h->event = base_arena_strndup(p->arena, event.as.s, event.len);
    return h->event != NULL ? GOV_OK : base_nomem(p->d);
}

static gov_status read_record(void *user, const journal_record *r)
{
    past *p = user;
    value doc = value_absent();
    if (strcmp(r->kind, "case.migrate") == 0 || (r->erased && strncmp(r->kind, "case.", 5) == 0))
        p->readable = false;
    if (r->erased || strncmp(r->kind, "case.", 5) != 0 || !p->readable)
        return GOV_OK;
    const gov_status status = access_read_stored(p->g, p->arena, r->data_text, r->data_len, &doc, p->d);
    if (status != GOV_OK)
        return status;
    /* The reader lends its bytes for this call only. */
    if (!value_copy(p->arena, doc, &doc))
        return base_nomem(p->d);
    p->points += points_in(value_get_text(doc, "effects"));
    if (strcmp(r->kind, "case.open") == 0)
        return read_opening(p, doc);
    return strcmp(r->kind, "case.event") == 0 ? add_happening(p, r, doc) : GOV_OK;
}

/* ---- how it ends ---- */

typedef struct ending {
    value state, outcome, breached, refused; /* lists of paths, a text or null, a map of clock to count, a list of events */
    int64_t breaches, points, failed;
} ending;

static int64_t count_breaches(case_machine *m, size_t clock)
{
    static const char word[] = "\"what\":\"breach\"";
    const base_buf *account = &m->clocks[clock].account;
    const value late = case_clock_reading(m, clock, RULEBOOK_CLOCK_BREACHED);
    int64_t n = m->clocks[clock].breached_us == 0 && late.kind == VALUE_BOOL && late.as.b;
    for (size_t at = 0; at + sizeof word - 1 <= account->len; at++)
        if (account->data[at] == '"' && memcmp(account->data + at, word, sizeof word - 1) == 0)
            n++;
    return n;
}

static gov_status read_ending(case_machine *m, base_arena *arena, ending *out, const diag *d)
{
    value_builder b;
    value_builder_init(&b, arena);
    const char *outcome = case_machine_ended(m) ? case_machine_outcome(m) : NULL;
    for (uint32_t i = 0; i < m->w->clock_count; i++) {
        const int64_t n = count_breaches(m, i);
        out->breaches += n;
        if (n > 0)
            value_builder_set(&b, m->w->clocks[i].name, value_int(n));
    }
    out->breached = value_builder_map(&b);
    out->outcome = outcome != NULL ? value_text(outcome) : value_null();
    return b.failed ? base_nomem(d) : case_active_paths(m, arena, &out->state, d);
}

static bool same_rules(const past *p, const rulebook_workflow *w)
{
    return memcmp(p->m.w->digest, w->digest, BASE_DIGEST_SIZE) == 0;
}

/* ---- a life in memory ---- */

typedef struct life {
    gov_simulation *s;
    ending *end;
    value_builder refused;
} life;

/* Rules that fail are part of what is found out; without memory nothing is. */
static bool goes_on(life *l, gov_status status)
{
    if (status != GOV_OK && status != GOV_E_NOMEM)
        l->end->failed++;
    l->end->points += points_in(case_simulation_effects(l->s));
    return status != GOV_E_NOMEM && !l->refused.failed;
}

static gov_status take_fields(const past *p, case_machine *m, gov_simulation *s, const diag *d)
{
    const bool same = same_rules(p, m->w);
    gov_status status = GOV_OK;
    if (!same) {
        case_machine taken = *m;
        taken.arena = p->arena;
        status = case_map_fields(&p->m, &taken, p->fields, d);
    }
    for (uint32_t i = 0; status == GOV_OK && i < m->w->fields.count; i++)
        status = case_simulation_put(
            s, i, !same ? case_field(m, i) : value_get_text(p->fields, m->w->fields.items[i].name), d);
    return status;
}

static bool happen_again(life *l, const happening *h, access_actor *actor)
{
    bool accepted = false;
    case_simulation_next(l->s);
    if (!goes_on(l, case_simulation_until(l->s, h->at_us - 1, NULL)))
        return false;
    /* It comes at its own instant, before what is due then: what is done at the due instant is in time. */
    case_simulation_next(l->s);
    case_simulation_at(l->s, h->at_us);
    actor->id = h->actor > ACCESS_ID_RULES ? h->actor : 0;
    const rulebook_later *later = h->effect != NULL ? rulebook_find_later(case_simulation_machine(l->s)->w, h->effect) : NULL;
    value data = h->data;
    const gov_status fits = later == NULL && h->asked ? case_simulation_check(l->s, h->event, &data, NULL) : GOV_OK;
    if (fits != GOV_OK && fits != GOV_E_NOMEM) { /* nobody could send it with that any more */
        value_builder_add(&l->refused, value_text(h->event));
        return true;
    }
    const gov_status status = fits != GOV_OK ? fits : later != NULL ? case_simulation_report(l->s, later, h->event, h->data, &accepted, NULL)
                                            : case_simulation_send(l->s, h->event, h->data, &accepted, NULL);
    if (status == GOV_OK && !accepted && h->asked)
        value_builder_add(&l->refused, value_text(h->event));
    return goes_on(l, status);
}

/* Lives it through under these rules; a case that cannot even be opened under them is one that fails. */
static gov_status live_again(const past *p, const rulebook *rules, const rulebook_workflow *w, int64_t until_us, ending *out, const diag *d)
{
    access_actor actor = {.kind = ACCESS_HOST, .key = "", .name = "", .purpose = ""};
    life l = {.end = out};
    gov_status status = case_simulation_of(p->g, rules, w, &l.s, d);
    if (status != GOV_OK)
        return status;
    case_machine *m = case_simulation_machine(l.s);
    value_builder_init(&l.refused, p->arena);
    m->id = p->m.id;
    m->number = p->m.number;
    m->reporter = p->m.reporter;
    m->grid = p->m.grid;
    m->parent = p->m.parent;
    m->link = p->m.link;
    m->opened_us = p->m.opened_us;
    m->actor = &actor;
    m->now_us = p->m.opened_us;
    case_simulation_next(l.s);
    status = take_fields(p, m, l.s, NULL);
    bool fine = status != GOV_E_NOMEM;
    if (fine && status == GOV_OK)
        status = case_simulation_start(l.s, p->m.opened_us, NULL);
    fine = fine && goes_on(&l, status);
    for (size_t i = 0; fine && status == GOV_OK && i < p->count; i++)
        fine = happen_again(&l, &p->items[i], &actor);
    case_simulation_next(l.s);
    if (fine && status == GOV_OK)
        fine = goes_on(&l, case_simulation_until(l.s, until_us, NULL));
    m->now_us = until_us;
    out->refused = value_builder_list(&l.refused);
    status = fine ? read_ending(m, p->arena, out, d) : base_nomem(d);
    gov_simulation_free(l.s);
    return status;
}

/* ---- comparing ---- */

typedef struct rehearsal {
    gov *g;
    const rulebook *rules;
    base_arena *arena; /* of the report */
    value_builder otherwise, unsure;
    int64_t cases, same, breaches_was, breaches_would, points_was, points_would;
} rehearsal;

/* Where the old states would be in the new version, to compare the same with the same. */
static value counterparts(const rulebook_workflow *w, value paths, value_builder *b)
{
    base_arena *arena = b->arena;
    value *items = base_arena_array(arena, paths.len, sizeof *items);
    for (size_t i = 0; items != NULL && i < paths.len; i++) {
        const uint32_t s = case_map_state(w, paths.as.items[i].as.s, paths.as.items[i].len);
        items[i] = s != CHART_NONE ? value_text(chart_path(w->chart, s)) : paths.as.items[i];
    }
    b->failed = b->failed || items == NULL;
    return items != NULL ? value_list(items, paths.len) : paths;
}

static value ending_value(base_arena *arena, const ending *e)
{
    value_builder b;
    value_builder_init(&b, arena);
    value_builder_set(&b, "state", e->state);
    value_builder_set(&b, "outcome", e->outcome);
    value_builder_set(&b, "breached", e->breached);
    value_builder_set(&b, "points", value_int(e->points));
    value_builder_set(&b, "refused", e->refused);
    value_builder_set(&b, "failed", value_int(e->failed));
    return b.failed ? value_absent() : value_builder_map(&b);
}

/* In what they differ: words; an empty list when in nothing. */
static value differences(const past *p, const rulebook_workflow *w, const ending *was, const ending *would)
{
    value_builder b;
    value_builder_init(&b, p->arena);
    if (!value_equal(same_rules(p, w) ? was->state : counterparts(w, was->state, &b), would->state))
        value_builder_add(&b, value_text("state"));
    if (!value_equal(was->outcome, would->outcome))
        value_builder_add(&b, value_text("outcome"));
    if (!value_equal(was->breached, would->breached))
        value_builder_add(&b, value_text("breach"));
    if (was->points != would->points)
        value_builder_add(&b, value_text("points"));
    if (!value_equal(was->refused, would->refused))
        value_builder_add(&b, value_text("refused"));
    if (was->failed != would->failed)
        value_builder_add(&b, value_text("failed"));
    return b.failed ? value_absent() : value_builder_list(&b);
}

static gov_status add_case(rehearsal *r, const past *p, value_builder *to, value what, const ending *was, const ending *would,
                           const diag *d)
{
    value_builder b;
    value copy;
    value_builder_init(&b, p->arena);
    value_builder_set(&b, "id", value_int(p->m.id));
    value_builder_set(&b, "number", p->m.number != NULL ? value_text(p->m.number) : value_null());
    value_builder_set(&b, "workflow", value_text(p->m.w->name));
    value_builder_set(&b, "version", value_text(p->m.w->rulebook_version));
    value_builder_set(&b, "what", what);
    if (was != NULL) {
        value_builder_set(&b, "was", ending_value(p->arena, was));
        value_builder_set(&b, "would", ending_value(p->arena, would));
    }
    if (b.failed || !value_copy(r->arena, value_builder_map(&b), &copy))
        return base_nomem(d);
    value_builder_add(to, copy);
    return to->failed ? base_nomem(d) : GOV_OK;
}

/* Did living it through again under its own rules give what is written? */
static gov_status is_faithful(past *p, const ending *again, bool *same, const diag *d)
{
    ending real = {.points = p->points};
    const gov_status status = read_ending(&p->m, p->arena, &real, d);
    *same = status == GOV_OK && again->failed == 0 && again->refused.len == 0 && value_equal(real.state, again->state) &&
            value_equal(real.breached, again->breached) && real.points == again->points;
    return status;
}

/* How far the case has come: to now, or to before the first timer that is due and has not been fired, as no tick came since. */
static gov_status lived_until(const past *p, int64_t *until_us, const diag *d)
{
    static const store_sql sql = {"SELECT due_us FROM gov_case_timer WHERE community = $1 AND case_id = $2 AND parked = 0 ORDER BY due_us LIMIT 1"};
    int64_t due = 0;
    const gov_status status = store_first_int(p->g->store, &sql, STORE_ARGS(store_i(p->g->community), store_i(p->m.id)), &due, d);
    *until_us = access_now(p->g);
    if (status == GOV_OK && due <= *until_us)
        *until_us = due - 1 > p->m.changed_us ? due - 1 : p->m.changed_us;
    return status == GOV_END ? GOV_OK : status;
}

/* Under its own rules, as far as it has come and then to now; *faithful: so far it went as it did go. */
static gov_status live_as_before(past *p, ending *was, bool *faithful, const diag *d)
{
    const int64_t now_us = access_now(p->g);
    int64_t until_us;
    gov_status status = lived_until(p, &until_us, d);
    if (status == GOV_OK)
        status = live_again(p, p->g->rules, p->m.w, until_us, was, d);
    p->m.now_us = until_us;
    if (status == GOV_OK)
        status = is_faithful(p, was, faithful, d);
    p->m.now_us = now_us;
    if (status != GOV_OK || !*faithful || until_us == now_us)
        return status;
    *was = (ending){0};
    return live_again(p, p->g->rules, p->m.w, now_us, was, d);
}

static gov_status compare(rehearsal *r, past *p, const rulebook_workflow *w, const diag *d)
{
    ending was = {0}, would = {0};
    value_builder why;
    value_builder_init(&why, p->arena);
    bool faithful = p->readable;
    gov_status status = p->readable ? live_as_before(p, &was, &faithful, d) : GOV_OK;
    if (status != GOV_OK)
        return status;
    if (!faithful) {
        value_builder_add(&why, value_text(p->readable ? "history" : "erased_or_migrated"));
        return why.failed ? base_nomem(d) : add_case(r, p, &r->unsure, value_builder_list(&why), NULL, NULL, d);
    }
    status = live_again(p, r->rules, w, access_now(r->g), &would, d);
    const value what = status == GOV_OK ? differences(p, w, &was, &would) : value_absent();
    if (status != GOV_OK)
        return status;
    r->breaches_was += was.breaches;
    r->breaches_would += would.breaches;
    r->points_was += was.points;
    r->points_would += would.points;
    if (what.kind == VALUE_LIST && what.len == 0) {
        r->same++;
        return GOV_OK;
    }
    return what.kind == VALUE_ABSENT ? base_nomem(d) : add_case(r, p, &r->otherwise, what, &was, &would, d);
}

static gov_status rehearse_case(rehearsal *r, int64_t id, base_arena *arena, const diag *d)
{
    past p = {.g = r->g, .arena = arena, .fields = value_map(NULL, 0), .readable = true, .d = d};
    const journal_filter filter = {.subject = id};
    const rulebook_workflow *w;
    gov_status status = case_load(r->g, id, false, arena, &p.m, d);
    if (status != GOV_OK)
        return status;
    r->cases++;
    status = journal_read(r->g->journal, &filter, read_record, &p, d);
    if (status == GOV_OK) {
        status = rulebook_get_workflow(r->rules, p.m.w->name, &w, d);
        if (status == GOV_E_NOT_FOUND) /* nothing to compare with */
            status = GOV_OK;
        else if (status == GOV_OK)
            status = compare(r, &p, w, d);
    }
    case_machine_free(&p.m);
    return status;
}

static gov_status read_page(gov *g, int64_t after, int64_t *ids, size_t *count, const diag *d)
{
    static const store_sql sql = {"SELECT id FROM gov_case WHERE community = $1 AND id > $2 ORDER BY id LIMIT $3"};
    store_rows rows;
    gov_status status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(after), store_i(PAGE)), &rows, d);
    *count = 0;
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK && *count < PAGE)
        ids[(*count)++] = store_int(&rows, 0);
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

static void set_pair(value_builder *b, base_arena *arena, const char *name, int64_t was, int64_t would)
{
    value_builder pair;
    value_builder_init(&pair, arena);
    value_builder_set(&pair, "was", value_int(was));
    value_builder_set(&pair, "would", value_int(would));
    b->failed = b->failed || pair.failed;
    value_builder_set(b, name, value_builder_map(&pair));
}

gov_status case_rehearse(gov *g, const rulebook *rules, base_arena *arena, value *out, const diag *d)
{
    rehearsal r = {.g = g, .rules = rules, .arena = arena};
    base_arena step;
    value_builder b;
    int64_t ids[PAGE], after = 0;
    size_t count = PAGE;
    gov_status status = GOV_OK;
    value_builder_init(&r.otherwise, arena);
    value_builder_init(&r.unsure, arena);
    base_arena_init(&step, g->alloc);
    while (status == GOV_OK && count == PAGE) {
        status = read_page(g, after, ids, &count, d);
        for (size_t i = 0; i < count && status == GOV_OK; i++) {
            base_arena_reset(&step);
            base_arena_reset(&g->scratch);
            status = rehearse_case(&r, ids[i], &step, d);
            after = ids[i];
        }
    }
    base_arena_free(&step);
    value_builder_init(&b, arena);
    value_builder_set(&b, "cases", value_int(r.cases));
    value_builder_set(&b, "same", value_int(r.same));
    value_builder_set(&b, "otherwise", value_builder_list(&r.otherwise));
    value_builder_set(&b, "unsure", value_builder_list(&r.unsure));
    set_pair(&b, arena, "breaches", r.breaches_was, r.breaches_would);
    set_pair(&b, arena, "points", r.points_was, r.points_would);
    *out = value_builder_map(&b);
    return status == GOV_OK && b.failed ? base_nomem(d) : status;
}
