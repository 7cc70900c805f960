/* Clocks recomputed: each account is lived through again with the calendar, and must give what its row says.
 *
 * The account is the evidence, the row's columns follow from it. What an entry says was used, and when it made the clock
 * due, is reckoned anew; only a calendar that was amended since the case was opened lets both stand as they were written:
 * the calendar that an entry was reckoned with may be gone. An instant that the rules gave is taken as it was given. */
#include "case/live.h"

#include <string.h>

enum { PAGE = 256 };

/* ---- an account ---- */

typedef enum deed {
    START,
    RESUME,
    PAUSE,
    STOP,
    EXTEND,
    BREACH,
    HAND_OVER,
    CALENDAR,
    MIGRATE,
    DEEDS
} deed;

static const char *const deed_names[DEEDS] = {"start",  "resume",    "pause",    "stop",   "extend",
                                              "breach", "hand_over", "calendar", "migrate"};

typedef struct entry {
    deed what;
    bool has_length, provisional;
    bool waits; /* START, RESUME: in a state in which it is paused */
    int64_t at, due, used; /* 0: none */
    int64_t rules;         /* MIGRATE: under which it ran so far */
    cal_duration length;
} entry;

static bool read_us(value v, int64_t *out)
{
    *out = 0;
    return v.kind == VALUE_ABSENT || (v.kind == VALUE_TIMESTAMP && value_to_us(v, out));
}

static bool read_length(value v, entry *out)
{
    if (v.kind != VALUE_STRING)
        return v.kind == VALUE_ABSENT;
    const bool minus = v.len > 0 && v.as.s[0] == '-';
    out->has_length = true;
    return cal_parse_duration(v.as.s + minus, v.len - minus, &out->length, NULL, NULL) == GOV_OK &&
           (!minus || cal_negate(out->length, &out->length));
}

static bool read_entry(value v, entry *out)
{
    const value used = value_get_text(v, "used"), what = value_get_text(v, "what"),
                rules = value_get_text(v, "rules");
    *out = (entry){.what = DEEDS,
                   .used = used.kind == VALUE_INT ? used.as.i : 0,
                   .provisional = value_get_text(v, "provisional").kind == VALUE_BOOL && value_get_text(v, "provisional").as.b,
                   .waits = value_get_text(v, "waits").kind == VALUE_BOOL && value_get_text(v, "waits").as.b,
                   .rules = rules.kind == VALUE_INT ? rules.as.i : 0};
    for (int i = 0; i < DEEDS; i++)
        if (value_is_text(what, deed_names[i]))
            out->what = (deed)i;
    return out->what != DEEDS && (out->what == MIGRATE) == (out->rules != 0) && (used.kind == VALUE_INT || used.kind == VALUE_ABSENT) &&
           value_get_text(v, "at").kind == VALUE_TIMESTAMP &&
           read_us(value_get_text(v, "at"), &out->at) &&
           read_us(value_get_text(v, "due"), &out->due) &&
           read_length(value_get_text(v, "length"), out);
}

/* ---- a life ---- */

/* What held until a migration, or until now. */
typedef struct regime {
    const rulebook_clock *rule;
    const cal_calendar *now,
        *then; /* the calendar as it is, and as it was when the case was opened */
    bool by_instant;
    bool amended; /* these two differ */
} regime;

typedef struct life {
    const rulebook_clock *rule; /* these are of the regime that holds */
    const cal_calendar *now, *then;
    bool by_instant, amended;
    bool lenient;           /* amended, or the calendar lacks a year */
    const regime *regimes;  /* one more than there were migrations */
    size_t regime;
    const entry *entries;
    size_t count, at; /* `at`: the entry that is being lived through */
    case_clock row;   /* as stored */
    case_clock c;     /* as computed */
    const char *part; /* what differs first; NULL: nothing does */
    bool instants;    /* it is a time */
    int64_t stored, computed;
} life;

static bool differs(life *l, const char *part, bool instants, int64_t stored, int64_t computed)
{
    l->part = part;
    l->instants = instants;
    l->stored = stored;
    l->computed = computed;
    return false;
}

static bool same(life *l, const char *part, bool instants, int64_t stored, int64_t computed)
{
    return stored == computed || differs(l, part, instants, stored, computed);
}

/* The account tells of something that cannot happen there. */
static bool impossible(life *l)
{
    return differs(l, "account", false, (int64_t)l->at + 1, (int64_t)l->count);
}

/* A due instant, or what a stretch used, by the calendar as it is and else as it was. A failure counts as 0: no memory is
 * needed to ask a calendar, and what cannot be reckoned was never written. */
static int64_t due_from(const life *l, int64_t from, cal_duration left, bool *provisional,
                        int64_t recorded)
{
    const cal_calendar *const both[] = {l->now, l->then};
    int64_t first = 0;
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        cal_instant end = {0};
        if (cal_resume(both[i], l->c.origin_us, from, left, (cal_roll)l->rule->roll, &end, NULL) !=
            GOV_OK)
            end = (cal_instant){0};
        if (i == 0 || end.us == recorded)
            *provisional = end.provisional;
        if (end.us == recorded)
            return recorded;
        first = i == 0 ? end.us : first;
    }
    return l->lenient ? recorded : first;
}

static int64_t used_by(const life *l, int64_t to, bool *provisional, int64_t recorded)
{
    const cal_calendar *const both[] = {l->now, l->then};
    const case_clock *c = &l->c;
    int64_t first = c->used;
    if (l->by_instant)
        return base_sub(to, c->since_us, &first) && base_add(c->used, first, &first) ? first
                                                                                     : c->used;
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        int64_t more = 0, sum = 0;
        bool rests = *provisional;
        if (cal_elapsed(both[i], c->budget.unit, c->origin_us, c->since_us, to, &more, &rests,
                        NULL) != GOV_OK ||
            !base_add(c->used, more, &sum))
            continue;
        if (i == 0 || sum == recorded)
            *provisional = rests;
        if (sum == recorded)
            return recorded;
        first = i == 0 ? sum : first;
    }
    return l->lenient ? recorded : first;
}

static bool run_from(life *l, const entry *e)
{
    case_clock *c = &l->c;
    cal_duration left = c->budget;
    c->since_us = e->at;
    c->state = CASE_CLOCK_RUNNING;
    left.amount = left.amount > c->used ? left.amount - c->used : 0;
    if (!l->by_instant && (c->breached_us == 0 || left.amount > 0))
        c->due_us = due_from(l, e->at, left, &c->provisional, e->due);
    return same(l, "due", true, e->due, c->due_us);
}

/* The stretch that ran, if one did, ends with this entry. */
static bool end_stretch(life *l, const entry *e)
{
    case_clock *c = &l->c;
    if (c->state == CASE_CLOCK_RUNNING) {
        if (c->breached_us == 0 && c->due_us != 0 &&
            e->at > c->due_us) /* an entry of the breach comes first */
            return differs(l, "breached", true, 0, c->due_us);
        c->used = used_by(l, e->at, &c->provisional, e->used);
    }
    return same(l, "used", false, e->used, c->used);
}

static bool start(life *l, const entry *e)
{
    case_clock *c = &l->c;
    if ((c->state != CASE_CLOCK_IDLE && (c->state != CASE_CLOCK_STOPPED || l->rule->resumes)) ||
        e->has_length == l->by_instant)
        return impossible(l);
    *c = (case_clock){.origin_us = e->at,
                      .since_us = c->since_us,
                      .provisional = l->by_instant && e->provisional,
                      .budget = e->length};
    if (l->by_instant)
        c->due_us = e->due;
    if (!same(l, "used", false, e->used, 0))
        return false;
    if (e->waits && l->rule->paused_in.count > 0 && (l->by_instant || e->due == 0)) {
        c->state = CASE_CLOCK_PAUSED;
        return true;
    }
    return run_from(l, e);
}

static bool resume(life *l, const entry *e)
{
    case_clock *c = &l->c;
    const bool again = c->state == CASE_CLOCK_STOPPED && l->rule->resumes;
    if (c->state != CASE_CLOCK_PAUSED && !again)
        return impossible(l);
    c->stopped_us = 0;
    if (!same(l, "used", false, e->used, c->used))
        return false;
    if (again && e->waits && l->rule->paused_in.count > 0 && e->due == c->due_us) {
        c->state = CASE_CLOCK_PAUSED;
        return true;
    }
    return run_from(l, e);
}

static bool extend(life *l, const entry *e)
{
    case_clock *c = &l->c;
    const bool runs = c->state == CASE_CLOCK_RUNNING;
    if ((!runs && c->state != CASE_CLOCK_PAUSED) || !e->has_length || l->by_instant ||
        e->length.unit != c->budget.unit ||
        !base_add(c->extended, e->length.amount, &c->extended) ||
        !base_add(c->budget.amount, e->length.amount, &c->budget.amount))
        return impossible(l);
    c->extensions++;
    if (!end_stretch(l, e))
        return false;
    return runs ? run_from(l, e) : same(l, "due", true, e->due, c->due_us);
}

/* Noted when a mark is raised, or by the end of the stretch, which has counted it already. */
static bool breach(life *l, const entry *e)
{
    case_clock *c = &l->c;
    bool provisional = c->provisional;
    if (c->state != CASE_CLOCK_RUNNING || c->breached_us != 0 || c->due_us == 0 ||
        e->at <= c->due_us)
        return impossible(l);
    c->breached_us = c->due_us;
    return same(l, "due", true, e->due, c->due_us) &&
           (e->used == c->used ||
            same(l, "used", false, e->used, used_by(l, e->at, &provisional, e->used)));
}

static bool end_entry(life *l, const entry *e)
{
    case_clock *c = &l->c;
    const bool runs = c->state == CASE_CLOCK_RUNNING;
    if (e->what == HAND_OVER && c->state == CASE_CLOCK_STOPPED && l->rule->resumes && l->rule->per_holder) {
        const bool fine = same(l, "used", false, e->used, c->used) && same(l, "due", true, e->due, c->due_us);
        *c = (case_clock){.state = CASE_CLOCK_IDLE}; /* the new holder has the whole budget */
        return fine;
    }
    if (!runs && (c->state != CASE_CLOCK_PAUSED || e->what == PAUSE))
        return impossible(l);
    if (e->what == HAND_OVER && !l->rule->per_holder)
        return impossible(l);
    if (!runs && e->what == STOP && c->breached_us == 0 && !l->by_instant) { /* it waited to the end */
        c->due_us = 0;
        c->provisional = false;
    }
    if (!end_stretch(l, e) || !same(l, "due", true, e->due, c->due_us))
        return false;
    c->state = e->what == PAUSE  ? CASE_CLOCK_PAUSED
               : e->what == STOP ? CASE_CLOCK_STOPPED
                                 : CASE_CLOCK_IDLE;
    c->stopped_us = e->what == STOP ? e->at : 0;
    return true;
}

/* The calendar said something else from here on. */
static bool other_calendar(life *l, const entry *e)
{
    case_clock *c = &l->c;
    cal_duration left = c->budget;
    const bool waits = c->state == CASE_CLOCK_PAUSED && l->by_instant;
    if ((c->state != CASE_CLOCK_RUNNING && !waits) || c->breached_us != 0)
        return impossible(l);
    if (l->by_instant) {
        c->due_us = e->due;
        c->provisional = e->provisional;
        return same(l, "used", false, e->used, c->used);
    }
    left.amount = left.amount > c->used ? left.amount - c->used : 0;
    c->provisional = false;
    c->due_us = due_from(l, c->since_us, left, &c->provisional, e->due);
    return same(l, "due", true, e->due, c->due_us) && same(l, "used", false, e->used, c->used);
}

/* ---- a migration ---- */

static void enter_regime(life *l, size_t k)
{
    const regime *r = &l->regimes[k];
    l->regime = k;
    l->rule = r->rule;
    l->now = r->now;
    l->then = r->then;
    l->by_instant = r->by_instant;
    l->amended = r->amended;
    l->lenient = r->amended || l->row.provisional;
}

/* When a budget was used up by the stretches that were counted. */
typedef struct spending {
    cal_duration budget;
    uint8_t roll;
    int64_t at_us; /* 0: it was not */
} spending;

static bool spend(spending *s, const cal_calendar *cal, int64_t origin, int64_t since, int64_t used, int64_t more)
{
    cal_duration left = s->budget;
    cal_instant end;
    if (s->at_us != 0 || used + more < left.amount)
        return true;
    left.amount = left.amount > used ? left.amount - used : 0;
    if (cal_resume(cal, origin, since, left, (cal_roll)s->roll, &end, NULL) != GOV_OK)
        return false;
    s->at_us = end.us;
    return true;
}

/* What the stretches of the entries before `at` come to, counted as cal and unit do; NULL: plain time. The last one may still run. `s` may
 * be NULL. */
static bool count_stretches(const life *l, const cal_calendar *cal, cal_unit unit, int64_t now, int64_t *used, spending *s)
{
    int64_t origin = 0, since = 0;
    bool provisional = false;
    *used = 0;
    for (size_t at = 0; at <= l->at; at++) {
        const entry *e = at < l->at ? &l->entries[at] : NULL;
        const bool ends = e == NULL || e->what == PAUSE || e->what == STOP || e->what == HAND_OVER;
        int64_t more = 0;
        if (ends && since != 0) {
            const int64_t to = e != NULL ? e->at : now;
            if (cal == NULL ? !base_sub(to, since, &more)
                            : cal_elapsed(cal, unit, origin, since, to, &more, &provisional, NULL) != GOV_OK)
                return false;
            int64_t sum;
            if (!base_add(*used, more, &sum) || (s != NULL && !spend(s, cal, origin, since, *used, more)))
                return false;
            *used = sum;
            since = 0;
        }
        if (e == NULL)
            break;
        if (e->what == START) {
            origin = e->at;
            *used = 0;
            if (s != NULL)
                s->at_us = 0;
        }
        if (e->what == START || e->what == RESUME)
            since = e->waits ? 0 : e->at;
    }
    return true;
}

/* What was breached and has nothing left of its new budget is due when that was used up, unless it was due later before. */
static void spent_due(life *l, const entry *e)
{
    const cal_calendar *const both[] = {l->now, l->then};
    case_clock *c = &l->c;
    int64_t first = c->due_us;
    if (c->breached_us == 0 || c->used < c->budget.amount)
        return;
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        spending s = {.budget = c->budget, .roll = (uint8_t)l->rule->roll};
        int64_t used;
        if (!count_stretches(l, both[i], c->budget.unit, e->at, &used, &s))
            continue;
        const int64_t due = s.at_us > c->due_us ? s.at_us : c->due_us;
        first = i == 0 || due == e->due ? due : first;
        if (due == e->due)
            break;
    }
    c->due_us = l->lenient ? e->due : first;
}

static bool migrate(life *l, const entry *e)
{
    case_clock *c = &l->c;
    const bool runs = c->state == CASE_CLOCK_RUNNING, was_instant = l->by_instant;
    const cal_unit unit = c->budget.unit;
    if (l->at == 0 || l->regimes[l->regime + 1].rule == NULL)
        return impossible(l);
    if (runs && c->breached_us == 0 && c->due_us != 0 && e->at > c->due_us)
        return differs(l, "breached", true, 0, c->due_us);
    if (runs)
        c->used = used_by(l, e->at, &c->provisional, e->used);
    enter_regime(l, l->regime + 1);
    const bool active = runs || c->state == CASE_CLOCK_PAUSED || (c->state == CASE_CLOCK_STOPPED && l->rule->resumes);
    const bool counts_anew = active && (was_instant != l->by_instant || (e->has_length && e->length.unit != unit));
    if (active && e->has_length)
        c->budget = e->length;
    else if (active && l->by_instant)
        c->budget = (cal_duration){.unit = CAL_TIME};
    if (counts_anew && !count_stretches(l, l->by_instant ? NULL : l->now, c->budget.unit, e->at, &c->used, NULL))
        return impossible(l);
    if (!same(l, "used", false, e->used, c->used))
        return false;
    if (active && l->by_instant) {
        c->due_us = e->due;
        c->provisional = e->provisional;
    }
    if (runs && e->has_length) {
        spent_due(l, e);
        return run_from(l, e);
    }
    c->since_us = runs ? e->at : c->since_us;
    return same(l, "due", true, e->due, c->due_us);
}

static gov_status read_life(base_arena *arena, const case_clock *c, life *l, const diag *d)
{
    value list;
    *l = (life){.row = *c};
    gov_error *why = NULL;
    const gov_status status = value_read_document(arena, c->account.data, c->account.len, &list, &(diag){arena->alloc, &why});
    gov_error_free(why);
    if (status != GOV_OK) /* a step wrote it: only damage makes it unreadable */
        return status == GOV_E_NOMEM ? base_nomem(d) : base_fail(d, M_clock_damaged, A_N("account", c->account.data, c->account.len < 80 ? c->account.len : 80));
    entry *entries = base_arena_array(arena, list.len, sizeof *entries);
    if (entries == NULL && list.len > 0)
        return base_nomem(d);
    l->entries = entries;
    for (; list.kind == VALUE_LIST && l->count < list.len; l->count++)
        if (!read_entry(list.as.items[l->count], &entries[l->count]))
            break;
    l->at = l->count;
    return GOV_OK;
}

gov_status case_clock_used(base_arena *arena, const case_clock *c, const cal_calendar *cal,
                           bool by_instant, int64_t now_us, int64_t *used, const diag *d)
{
    life l;
    const gov_status status = read_life(arena, c, &l, d);
    if (status != GOV_OK)
        return status;
    return count_stretches(&l, by_instant ? NULL : cal, c->budget.unit, now_us, used, NULL)
               ? GOV_OK
               : base_fail(d, M_overflow, A_S("what", "clock"));
}

gov_status case_clock_spent(base_arena *arena, const case_clock *c, const cal_calendar *cal, uint8_t roll, int64_t now_us, int64_t *at_us,
                            const diag *d)
{
    life l;
    int64_t used;
    spending s = {.budget = c->budget, .roll = roll};
    const gov_status status = read_life(arena, c, &l, d);
    if (status == GOV_OK && !count_stretches(&l, cal, c->budget.unit, now_us, &used, &s))
        return base_fail(d, M_overflow, A_S("what", "clock"));
    *at_us = s.at_us;
    return status;
}

static bool live_through(life *l)
{
    static bool (*const steps[DEEDS])(life * l, const entry *e) = {
        [START] = start,   [RESUME] = resume, [PAUSE] = end_entry,    [STOP] = end_entry,
        [EXTEND] = extend, [BREACH] = breach, [HAND_OVER] = end_entry, [CALENDAR] = other_calendar,
        [MIGRATE] = migrate};
    enter_regime(l, 0);
    for (l->at = 0; l->at < l->count; l->at++)
        if (!steps[l->entries[l->at].what](l, &l->entries[l->at]))
            return false;
    return true;
}

static bool row_follows(life *l)
{
    const case_clock *row = &l->row, *c = &l->c;
    return same(l, "state", false, row->state, c->state) &&
           same(l, "due", true, row->due_us, c->due_us) &&
           same(l, "used", false, row->used, c->used) &&
           same(l, "stopped", true, row->stopped_us, c->stopped_us) &&
           same(l, "breached", true, row->breached_us, c->breached_us) &&
           same(l, "origin", true, row->origin_us, c->origin_us) &&
           (c->state != CASE_CLOCK_RUNNING || same(l, "since", true, row->since_us, c->since_us)) &&
           same(l, "unit", false, row->budget.unit, c->budget.unit) &&
           same(l, "budget", false, row->budget.amount, c->budget.amount) &&
           same(l, "extensions", false, row->extensions, c->extensions) &&
           same(l, "extended", false, row->extended, c->extended) &&
           (l->amended || same(l, "provisional", false, row->provisional, c->provisional));
}

/* ---- the rows ---- */

typedef struct walk {
    gov *g;
    base_arena *arena; /* of one row */
    case_machine m;    /* lends what calendars are asked by */
    int64_t rules_id;  /* whose workflow m.w is */
    int64_t *versions; /* of the rules: all that ever were in force here */
    size_t version_count, version_cap;
    case_witness witness;
    case_clock_report *out;
    const diag *d;
} walk;

static gov_status under_rules(walk *w, int64_t rules, const char *workflow)
{
    const rulebook *book;
    if (w->m.w != NULL && w->rules_id == rules && strcmp(w->m.w->name, workflow) == 0)
        return GOV_OK;
    w->m.w = NULL;
    w->rules_id = rules;
    const gov_status status = registry_rules(w->g, rules, &book, w->d);
    return status == GOV_OK ? rulebook_get_workflow(book, workflow, &w->m.w, w->d) : status;
}

static bool other_days(const case_machine *a, const case_machine *b, const char *calendar)
{
    return memcmp(cal_digest(case_calendar(a, calendar)), cal_digest(case_calendar(b, calendar)),
                  BASE_DIGEST_SIZE) != 0 ||
           strcmp(base_zone_name(a->rules->zone), base_zone_name(b->rules->zone)) != 0;
}

static const rulebook_clock *find_clock(const walk *w, const char *name)
{
    return w->m.w != NULL ? rulebook_find_clock(w->m.w, name) : NULL;
}

/* A calendar that was amended and changed back has reckoned otherwise in between: every version counts. */
static gov_status set_regime(walk *w, const rulebook_clock *rule, regime *r)
{
    case_machine was = w->m;
    was.rules = w->m.w->owner;
    *r = (regime){.rule = rule,
                  .now = case_calendar(&w->m, rule->calendar),
                  .then = case_calendar(&was, rule->calendar),
                  .by_instant = rule->budget.kind == RULEBOOK_LENGTH_NONE};
    r->amended = other_days(&w->m, &was, rule->calendar);
    for (size_t i = 0; i < w->version_count && !r->amended; i++) {
        case_machine between = w->m;
        const gov_status status = registry_rules(w->g, w->versions[i], &between.rules, w->d);
        if (status != GOV_OK)
            return status;
        r->amended = other_days(&between, &was, rule->calendar);
    }
    return GOV_OK;
}

/* Those that its migrations tell of, then the one that holds now. A clock that a version did not have has no rule there. */
static gov_status read_regimes(walk *w, store_rows *rows, life *l)
{
    const char *workflow = store_text(rows, 3, NULL), *name = store_text(rows, 1, NULL);
    size_t n = 0;
    regime *all = base_arena_array(w->arena, l->count + 1, sizeof *all);
    if (all == NULL)
        return base_nomem(w->d);
    for (size_t i = 0; i <= l->count; i++) {
        if (i < l->count && l->entries[i].what != MIGRATE)
            continue;
        gov_status status = under_rules(w, i < l->count ? l->entries[i].rules : store_int(rows, 4), workflow);
        const rulebook_clock *rule = status == GOV_OK ? find_clock(w, name) : NULL;
        if (rule != NULL)
            status = set_regime(w, rule, &all[n]);
        if (status != GOV_OK)
            return status;
        n++;
    }
    l->regimes = all;
    return GOV_OK;
}

static gov_status list_versions(walk *w)
{
    static const store_sql sql = {"SELECT rules FROM gov_rules WHERE community = $1 ORDER BY rules"};
    store_rows rows;
    gov_status status = store_query(w->g->store, &sql, STORE_ARGS(store_i(w->g->community)), &rows, w->d);
    while (status == GOV_OK && (status = store_next(&rows, w->d)) == GOV_OK) {
        if (!base_grow(w->g->alloc, &w->versions, &w->version_cap, w->version_count, sizeof *w->versions))
            status = base_nomem(w->d);
        else
            w->versions[w->version_count++] = store_int(&rows, 0);
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

static void read_row(store_rows *rows, case_clock *c)
{
    *c = (case_clock){.state = (uint8_t)store_int(rows, 5),
                      .origin_us = store_int(rows, 6),
                      .since_us = store_int(rows, 7),
                      .due_us = store_int(rows, 8),
                      .stopped_us = store_int(rows, 9),
                      .breached_us = store_int(rows, 10),
                      .budget = cal_of((cal_unit)store_int(rows, 11), store_int(rows, 12)),
                      .used = store_int(rows, 13),
                      .extensions = store_int(rows, 14),
                      .extended = store_int(rows, 15),
                      .provisional = store_int(rows, 16) != 0,
                      .fired = (uint32_t)store_int(rows, 18)};
}

/* *readable false: the text is no account. */
static gov_status read_account(walk *w, store_rows *rows, life *l, bool *readable)
{
    size_t len;
    value list;
    const char *text = store_text(rows, 17, &len);
    const gov_status status = value_read_document(w->arena, text, len, &list, NULL);
    *readable = status == GOV_OK && list.kind == VALUE_LIST;
    if (!*readable)
        return status == GOV_E_NOMEM ? base_nomem(w->d) : GOV_OK;
    entry *entries = base_arena_array(w->arena, list.len, sizeof *entries);
    if (entries == NULL && list.len > 0)
        return base_nomem(w->d);
    l->entries = entries;
    for (; l->count < list.len && *readable; l->count++)
        *readable = read_entry(list.as.items[l->count], &entries[l->count]);
    return GOV_OK;
}

static void write_part(const life *l, int64_t n, base_buf *out)
{
    if (l->instants && n != 0)
        value_write_plain(out, value_from_us(n));
    else if (l->instants)
        base_buf_str(out, "-");
    else
        base_buf_int(out, n);
}

static gov_status tell(walk *w, store_rows *rows, const life *l)
{
    base_arena *keep = &w->g->scratch;
    const char *number = store_is_null(rows, 2) ? NULL : store_text(rows, 2, NULL);
    base_buf stored, computed;
    base_buf_init(&stored, w->g->alloc);
    base_buf_init(&computed, w->g->alloc);
    write_part(l, l->stored, &stored);
    write_part(l, l->computed, &computed);
    w->out->number = base_arena_strdup(keep, number != NULL ? number : "");
    w->out->clock = base_arena_strdup(keep, store_text(rows, 1, NULL));
    w->out->part = l->part;
    gov_status status;
    if (w->out->number == NULL || w->out->clock == NULL || stored.failed || computed.failed)
        status = base_nomem(w->d);
    else if (strcmp(l->part, "account") == 0)
        status = base_fail(w->d, M_clock_account, A_S("case", w->out->number),
                           A_S("clock", w->out->clock), A_I("entry", l->stored));
    else if (strcmp(l->part, "row") == 0)
        status = base_fail(w->d, M_clock_altered, A_S("case", w->out->number), A_S("clock", w->out->clock));
    else
        status = base_fail(w->d, M_clock_differs, A_S("case", w->out->number),
                           A_S("clock", w->out->clock), A_S("part", l->part),
                           A_S("stored", stored.data), A_S("computed", computed.data));
    base_buf_free(&stored);
    base_buf_free(&computed);
    return status;
}

/* The account is consistent: is it the one that the journal knows? */
static gov_status ask_journal(walk *w, store_rows *rows, life *l)
{
    size_t len;
    bool same = false;
    const char *text = store_text(rows, 17, &len);
    base_buf_init(&l->row.account, w->g->alloc);
    base_buf_add(&l->row.account, text, len);
    gov_status status = l->row.account.failed ? base_nomem(w->d) : GOV_OK;
    if (status == GOV_OK)
        status = case_witness_ask(&w->witness, store_int(rows, 0), store_text(rows, 1, NULL), &l->row, &same, w->d);
    base_buf_free(&l->row.account);
    if (status != GOV_OK || same)
        return status;
    l->part = "row";
    return tell(w, rows, l);
}

static gov_status check_row(walk *w, store_rows *rows)
{
    life l = {0};
    bool readable = false;
    gov_status status = GOV_OK;
    read_row(rows, &l.row);
    if (!store_is_null(rows, 2))
        status = under_rules(w, store_int(rows, 4), store_text(rows, 3, NULL));
    if (status == GOV_OK && !store_is_null(rows, 2) && find_clock(w, store_text(rows, 1, NULL)) != NULL)
        status = read_account(w, rows, &l, &readable);
    if (status == GOV_OK && readable)
        status = read_regimes(w, rows, &l);
    if (status != GOV_OK)
        return status;
    w->out->checked++;
    if (!readable || l.regimes[0].rule == NULL) { /* no account, or nobody's */
        l.at = l.count;
        (void)impossible(&l);
        return tell(w, rows, &l);
    }
    return live_through(&l) && row_follows(&l) ? ask_journal(w, rows, &l) : tell(w, rows, &l);
}

/* The place of the last row that was seen. */
typedef struct place {
    int64_t case_id;
    base_buf name;
} place;

static gov_status check_page(walk *w, place *last, int *count)
{
    static const store_sql sql = {
        "SELECT k.case_id, k.name, c.number, c.workflow, c.rules, k.state, k.origin_us, "
        "k.since_us, k.due_us, k.stopped_us, "
        "k.breached_us, k.unit, k.budget, k.used, k.extensions, k.extended, k.provisional, "
        "k.account, k.fired FROM gov_case_clock k "
        "LEFT JOIN gov_case c ON c.community = k.community AND c.id = k.case_id WHERE k.community "
        "= $1 AND k.case_id >= $2 "
        "AND (k.case_id > $2 OR k.name > $3) ORDER BY k.case_id, k.name LIMIT $4"};
    store_rows rows;
    *count = 0;
    gov_status status =
        store_query(w->g->store, &sql,
                    STORE_ARGS(store_i(w->g->community), store_i(last->case_id),
                               store_t(last->name.len > 0 ? last->name.data : "", last->name.len),
                               store_i(PAGE)),
                    &rows, w->d);
    if (status != GOV_OK)
        return status;
    while ((status = store_next(&rows, w->d)) == GOV_OK) {
        size_t len;
        const char *name = store_text(&rows, 1, &len);
        last->case_id = store_int(&rows, 0);
        last->name.len = 0;
        base_buf_add(&last->name, name, len);
        base_arena_reset(w->arena);
        ++*count;
        status = last->name.failed ? base_nomem(w->d) : check_row(w, &rows);
        if (status != GOV_OK)
            break;
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

/* Rows that the journal tells of, and that no page had. */
static gov_status check_missing(walk *w)
{
    static const store_sql sql = {"SELECT number FROM gov_case WHERE community = $1 AND id = $2"};
    base_arena *keep = &w->g->scratch;
    const char *name;
    size_t len;
    int64_t id;
    store_rows rows;
    gov_status status = case_witness_missing(&w->witness, &id, &name, &len, w->d);
    if (status != GOV_OK || name == NULL)
        return status;
    w->out->number = "";
    status = store_first(w->g->store, &sql, STORE_ARGS(store_i(w->g->community), store_i(id)), &rows, w->d);
    if (status == GOV_OK)
        w->out->number = base_arena_strdup(keep, store_text(&rows, 0, NULL));
    store_rows_close(&rows);
    if (status != GOV_OK && status != GOV_END)
        return status;
    w->out->clock = base_arena_strndup(keep, name, len);
    w->out->part = "missing";
    if (w->out->number == NULL || w->out->clock == NULL)
        return base_nomem(w->d);
    return base_fail(w->d, M_clock_missing, A_S("case", w->out->number), A_S("clock", w->out->clock));
}

static gov_status walk_through(walk *w)
{
    place last = {0};
    int count = PAGE;
    base_buf_init(&last.name, w->g->alloc);
    gov_status status = case_machine_of(w->g, &w->m, w->d);
    if (status == GOV_OK)
        status = list_versions(w);
    if (status == GOV_OK)
        status = case_witness_hear(&w->witness, w->g, w->d);
    if (status == GOV_OK)
        status = case_verify_rows(w->g, &w->witness, w->d);
    while (status == GOV_OK && count == PAGE)
        status = check_page(w, &last, &count);
    base_buf_free(&last.name);
    if (status == GOV_OK)
        status = check_missing(w);
    return status == GOV_OK ? case_verify_waits(w->g, &w->witness, w->d) : status;
}

gov_status case_verify_clocks(gov *g, case_clock_report *out, const diag *d)
{
    base_arena arena;
    walk w = {.g = g, .arena = &arena, .out = out, .d = d};
    const bool own = !store_in_transaction(g->store); /* journal and rows of one instant */
    *out = (case_clock_report){0};
    gov_status status = own ? store_begin_read(g->store, d) : GOV_OK;
    if (status != GOV_OK)
        return status;
    base_arena_init(&arena, g->alloc);
    case_witness_init(&w.witness, g->alloc);
    status = walk_through(&w);
    case_witness_free(&w.witness);
    base_free(g->alloc, w.versions);
    base_arena_free(&arena);
    if (own)
        store_rollback(g->store);
    return status;
}
