/* A clock's account, line by line: what happened to it, by whom, the days that do not count and those that do though they are no working
 * days, its marks, and where it ends. Made for people; what is reckoned from is the account itself. */
#include "case/live.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_DAYS = 1200, MOST_LINES = 2000 };

/* ---- what the journal tells of the case ---- */

/* As case_tell_clocks writes it: "DIGEST:STEP". */
static int64_t step_of(value clocks)
{
    int64_t step = 0;
    for (size_t i = 0; clocks.kind == VALUE_MAP && i < clocks.len && step == 0; i++) {
        const value text = clocks.as.pairs[i].val;
        const char *colon = text.kind == VALUE_STRING ? memchr(text.as.s, ':', text.len) : NULL;
        if (colon == NULL || !base_parse_int(colon + 1, (size_t)(text.as.s + text.len - colon - 1), &step))
            step = 0;
    }
    return step;
}

static gov_status read_record(void *user, const journal_record *r)
{
    case_past *p = user;
    value doc;
    if (r->erased || strncmp(r->kind, "case.", 5) != 0)
        return GOV_OK;
    if (!base_grow(p->g->alloc, &p->items, &p->cap, p->count, sizeof *p->items))
        return base_nomem(p->d);
    const gov_status status = access_read_stored(p->g, p->arena, r->data_text, r->data_len, &doc, p->d);
    if (status != GOV_OK)
        return status;
    const value event = value_get_text(doc, "event"), mark = value_get_text(doc, CASE_TOLD_MARK);
    case_past_step *s = &p->items[p->count++];
    *s = (case_past_step){.at_us = r->at_us, .actor = r->actor, .entry = r->id,
                          .step = step_of(value_get_text(doc, "clocks"))};
    s->event = event.kind == VALUE_STRING ? base_arena_strndup(p->arena, event.as.s, event.len) : "";
    s->mark = mark.kind == VALUE_STRING ? base_arena_strndup(p->arena, mark.as.s, mark.len) : NULL;
    return s->event != NULL && (s->mark != NULL || mark.kind != VALUE_STRING) ? GOV_OK : base_nomem(p->d);
}

gov_status case_past_read(gov *g, int64_t id, base_arena *arena, case_past *out, const diag *d)
{
    const journal_filter filter = {.subject = id};
    *out = (case_past){.g = g, .arena = arena, .d = d};
    return journal_read(g->journal, &filter, read_record, out, d);
}

void case_past_free(case_past *p)
{
    if (p->g != NULL)
        base_free(p->g->alloc, p->items);
}

/* ---- lines ---- */

typedef struct line {
    int64_t at_us;
    size_t order;
    value map;
} line;

typedef struct lines {
    gov *g;
    case_machine *m;
    size_t clock;
    const case_past *past;
    const diag *d;
    line *items;
    size_t count, cap;
    int32_t unlisted; /* the last year that was told to be */
} lines;

static void begin(lines *l, value_builder *b, int64_t at_us, const char *what)
{
    value_builder_init(b, l->m->arena);
    value_builder_set(b, "at", value_from_us(at_us));
    value_builder_set(b, "what", value_text(what));
}

static gov_status add(lines *l, int64_t at_us, value_builder *b)
{
    if (l->count >= MOST_LINES)
        return GOV_OK;
    if (b->failed || !base_grow(l->g->alloc, &l->items, &l->cap, l->count, sizeof *l->items))
        return base_nomem(l->d);
    l->items[l->count] = (line){at_us, l->count, value_builder_map(b)};
    l->count++;
    return GOV_OK;
}

static int by_time(const void *a, const void *b)
{
    const line *x = a, *y = b;
    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* ---- what happened ---- */

static const rulebook_clock *rule_of(const lines *l)
{
    return &l->m->w->clocks[l->clock];
}

static bool names(const rulebook_triggers *t, const char *event)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (t->items[i].state == RULEBOOK_NONE && strcmp(t->items[i].name, event) == 0)
            return true;
    return false;
}

/* The step that did it, by its number; NULL: its entry was erased. Where none was kept, one at that instant, best one whose event the
 * clock names. */
static const case_past_step *cause_of(const lines *l, int64_t at_us, value what, value step)
{
    const rulebook_clock *r = rule_of(l);
    const case_past_step *found = NULL;
    for (size_t i = 0; step.kind == VALUE_INT && i < l->past->count; i++)
        if (l->past->items[i].step == step.as.i)
            return &l->past->items[i];
    if (step.kind == VALUE_INT)
        return NULL;
    for (size_t i = 0; i < l->past->count; i++) {
        const case_past_step *s = &l->past->items[i];
        if (s->at_us != at_us)
            continue;
        const bool named = value_is_text(what, "extend") ? r->extend.event != NULL && strcmp(s->event, r->extend.event) == 0
                           : value_is_text(what, "stop") ? names(&r->stops, s->event)
                                                         : names(&r->starts, s->event);
        if (named)
            return s;
        if (found == NULL && s->mark == NULL)
            found = s;
    }
    return found;
}

/* Where the due instant moved, where it was before; of a migration also the version that was left. */
static gov_status add_before(lines *l, value entry, int64_t was_us, bool hidden, value_builder *b)
{
    const value what = value_get_text(entry, "what"), rules = value_get_text(entry, "rules");
    const rulebook *left;
    int64_t due_us = 0;
    gov_status status = GOV_OK;
    if (value_is_text(what, "migrate") && rules.kind == VALUE_INT) {
        status = registry_rules(l->g, rules.as.i, &left, l->d);
        if (status == GOV_OK)
            value_builder_set_copy(b, "version_was", base_text_or_empty(left->version));
    }
    if (hidden || value_is_text(what, "start") || value_get_text(entry, "due").kind != VALUE_TIMESTAMP)
        return status;
    (void)value_to_us(value_get_text(entry, "due"), &due_us);
    if (was_us != 0 && was_us != due_us)
        value_builder_set(b, "was", value_from_us(was_us));
    return status;
}

/* hidden: the clock waited then, and the instant that the account keeps is the one before. */
static gov_status add_entry(lines *l, value entry, int64_t was_us, bool hidden)
{
    const value at = value_get_text(entry, "at"), what = value_get_text(entry, "what");
    int64_t at_us = 0;
    value_builder b;
    gov_status status = GOV_OK;
    const char *key;
    if (at.kind == VALUE_TIMESTAMP)
        (void)value_to_us(at, &at_us);
    const case_past_step *cause = value_is_text(what, "breach") ? NULL : cause_of(l, at_us, what, value_get_text(entry, "step"));
    value_builder_init(&b, l->m->arena);
    for (size_t i = 0; i < entry.len; i++)
        if (!value_is_text(entry.as.pairs[i].key, "step") &&
            !(hidden && (value_is_text(entry.as.pairs[i].key, "due") || value_is_text(entry.as.pairs[i].key, "provisional"))))
            value_builder_set_n(&b, entry.as.pairs[i].key.as.s, entry.as.pairs[i].key.len, entry.as.pairs[i].val);
    status = add_before(l, entry, was_us, hidden, &b);
    if (status == GOV_OK && cause != NULL) {
        status = case_actor_key(l->g, cause->actor, &key, l->d);
        if (status == GOV_OK)
            value_builder_set(&b, "by", value_text(key));
        value_builder_set(&b, "entry", value_int(cause->entry));
        if (cause->event[0] != '\0' && cause->event[0] != '@')
            value_builder_set(&b, "event", value_text(cause->event));
    }
    return status == GOV_OK ? add(l, at_us, &b) : status;
}

/* ---- days ---- */

static const char *date_text(base_arena *arena, int64_t day)
{
    char text[11];
    base_format_date(day, text);
    return base_arena_strdup(arena, text);
}

static gov_status add_days(lines *l, const cal_calendar *cal, const char *what, const char *why, int64_t first, int64_t last)
{
    value_builder b;
    int64_t at_us;
    const gov_status status = cal_day_start(cal, first, &at_us, l->d);
    const char *from = date_text(l->m->arena, first), *to = date_text(l->m->arena, last);
    if (status != GOV_OK || from == NULL || to == NULL)
        return status != GOV_OK ? status : base_nomem(l->d);
    begin(l, &b, at_us, what);
    value_builder_set(&b, "why", value_text(why));
    value_builder_set(&b, "from", value_text(from));
    value_builder_set(&b, "to", value_text(to));
    value_builder_set(&b, "days", value_int(last - first + 1));
    if (!cal_covers(cal, first, last, NULL))
        value_builder_set(&b, "provisional", value_bool(true));
    return add(l, at_us, &b);
}

static gov_status add_unlisted(lines *l, const cal_calendar *cal, int64_t day)
{
    int32_t year;
    unsigned month, dom;
    value_builder b;
    int64_t at_us;
    base_civil_from_days(day, &year, &month, &dom);
    if (year == l->unlisted || cal_year_listed(cal, year))
        return GOV_OK;
    l->unlisted = year;
    const gov_status status = cal_day_start(cal, day, &at_us, l->d);
    begin(l, &b, at_us, "unlisted");
    value_builder_set(&b, "year", value_int(year));
    return status == GOV_OK ? add(l, at_us, &b) : status;
}

static bool is_working_unit(cal_unit unit)
{
    return unit == CAL_WORKING_DAYS || unit == CAL_WORKING_TIME;
}

/* The days that a stretch crosses and that are not what their weekday says; days of a weekend are one line. */
static gov_status cross_days(lines *l, int64_t since_us, int64_t until_us)
{
    const cal_calendar *cal = case_calendar(l->m, rule_of(l)->calendar);
    const cal_unit unit = l->m->clocks[l->clock].budget.unit;
    int64_t day, last;
    gov_status status = cal_day_of(cal, since_us, &day, l->d);
    if (status == GOV_OK)
        status = cal_day_of(cal, until_us > since_us ? until_us - 1 : since_us, &last, l->d);
    for (int n = 0; status == GOV_OK && day <= last && n < MOST_DAYS; day++, n++) {
        int64_t end = day;
        if (unit != CAL_TIME)
            status = add_unlisted(l, cal, day);
        if (status != GOV_OK || !is_working_unit(unit))
            continue;
        switch (cal_day_kind(cal, day)) {
        case CAL_KIND_OFF:
            status = add_days(l, cal, "not_counted", "off", day, day);
            break;
        case CAL_KIND_MAKE_UP:
            status = add_days(l, cal, "counted", "work", day, day);
            break;
        case CAL_KIND_OWN_HOURS:
            status = add_days(l, cal, "counted", "hours", day, day);
            break;
        case CAL_KIND_FREE:
            while (end < last && cal_day_kind(cal, end + 1) == CAL_KIND_FREE)
                end++;
            status = add_days(l, cal, "not_counted", "weekend", day, end);
            day = end;
            break;
        default:
            break;
        }
    }
    return status;
}

/* Where a statutory end was moved off days off. */
static gov_status add_roll(lines *l)
{
    const rulebook_clock *r = rule_of(l);
    const case_clock *c = &l->m->clocks[l->clock];
    const cal_calendar *cal = case_calendar(l->m, r->calendar);
    cal_duration left = c->budget;
    cal_instant plain, rolled;
    value_builder b;
    if (r->roll != CAL_ROLL_NEXT_WORKING_DAY || c->state != CASE_CLOCK_RUNNING || r->budget.kind == RULEBOOK_LENGTH_NONE)
        return GOV_OK;
    left.amount = left.amount > c->used ? left.amount - c->used : 0;
    if (cal_resume(cal, c->origin_us, c->since_us, left, CAL_ROLL_NONE, &plain, NULL) != GOV_OK ||
        cal_resume(cal, c->origin_us, c->since_us, left, CAL_ROLL_NEXT_WORKING_DAY, &rolled, NULL) != GOV_OK || plain.us == rolled.us)
        return GOV_OK;
    begin(l, &b, plain.us, "roll");
    value_builder_set(&b, "due", value_from_us(rolled.us));
    value_builder_set(&b, "provisional", value_bool(plain.provisional || rolled.provisional));
    return add(l, plain.us, &b);
}

/* ---- marks ---- */

static const char *mark_text(const lines *l, const rulebook_mark *mark)
{
    base_buf text;
    base_buf_init(&text, l->m->alloc);
    if (mark->is_percent) {
        base_buf_fmt(&text, "%lld%%", (long long)mark->percent);
    } else {
        base_buf_char(&text, '+');
        if (mark->after.kind == RULEBOOK_LENGTH_FIXED)
            cal_write_duration(&text, mark->after.fixed);
    }
    const char *copy = text.failed ? NULL : base_arena_strndup(l->m->arena, text.data, text.len);
    base_buf_free(&text);
    return copy;
}

static gov_status add_mark(lines *l, const rulebook_mark *mark, int64_t at_us, const char *what, bool provisional)
{
    value_builder b;
    const char *text = mark_text(l, mark);
    if (text == NULL)
        return base_nomem(l->d);
    begin(l, &b, at_us, what);
    value_builder_set(&b, "mark", value_text(text));
    value_builder_set(&b, "event", value_text(mark->event));
    value_builder_set(&b, "provisional", value_bool(provisional));
    return add(l, at_us, &b);
}

static gov_status add_raised(lines *l)
{
    const rulebook_clock *r = rule_of(l);
    gov_status status = GOV_OK;
    for (size_t i = 0; i < l->past->count && status == GOV_OK; i++) {
        const case_past_step *s = &l->past->items[i];
        size_t clock, mark;
        if (s->mark != NULL && case_mark_of(l->m, s->mark, &clock, &mark) && clock == l->clock)
            status = add_mark(l, &r->marks[mark], s->at_us, "mark", false);
    }
    return status;
}

static gov_status add_pending(lines *l)
{
    static const store_sql sql = {"SELECT name, due_us, provisional FROM gov_case_timer WHERE community = $1 AND case_id = $2 AND kind = $3 ORDER BY name"};
    store_rows rows;
    gov_status status = store_query(
        l->g->store, &sql, STORE_ARGS(store_i(l->g->community), store_i(l->m->id), store_i(CASE_TIMER_MARK)), &rows, l->d);
    while (status == GOV_OK && (status = store_next(&rows, l->d)) == GOV_OK) {
        size_t clock, mark;
        if (case_mark_of(l->m, store_text(&rows, 0, NULL), &clock, &mark) && clock == l->clock)
            status = add_mark(l, &rule_of(l)->marks[mark], store_int(&rows, 1), "mark_ahead", store_int(&rows, 2) != 0);
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

/* ---- all of it ---- */

/* Does the clock wait after this entry? */
static bool waits_after(value entry, bool before)
{
    const value what = value_get_text(entry, "what"), waits = value_get_text(entry, "waits");
    if (value_is_text(what, "start") || value_is_text(what, "resume"))
        return waits.kind == VALUE_BOOL && waits.as.b;
    return before || value_is_text(what, "pause");
}

/* Each entry of the account, and between them the days of the stretches in which the clock ran. */
static gov_status add_account(lines *l, value account)
{
    const case_clock *c = &l->m->clocks[l->clock];
    int64_t since = 0, at_us = 0, was_us = 0;
    gov_status status = GOV_OK;
    const bool by_budget = rule_of(l)->budget.kind != RULEBOOK_LENGTH_NONE;
    bool waits = false;
    for (size_t i = 0; i < account.len && status == GOV_OK; i++) {
        const value entry = account.as.items[i], what = value_get_text(entry, "what");
        waits = by_budget && waits_after(entry, waits);
        const bool ends = value_is_text(what, "pause") || value_is_text(what, "stop") || value_is_text(what, "hand_over");
        (void)value_to_us(value_get_text(entry, "at"), &at_us);
        status = add_entry(l, entry, was_us, waits);
        (void)value_to_us(value_get_text(entry, "due"), &was_us);
        if (status == GOV_OK && ends && since != 0)
            status = cross_days(l, since, at_us);
        if (ends)
            since = 0;
        if ((value_is_text(what, "start") || value_is_text(what, "resume")) && !waits && value_get_text(entry, "due").kind == VALUE_TIMESTAMP)
            since = at_us;
    }
    if (status == GOV_OK && since != 0 && c->due_us > since)
        status = cross_days(l, since, c->due_us);
    return status;
}

gov_status case_account_lines(gov *g, case_machine *m, size_t clock, const case_past *past, value account, value *out, const diag *d)
{
    lines l = {.g = g, .m = m, .clock = clock, .past = past, .d = d};
    const case_clock *c = &m->clocks[clock];
    value_builder list, b;
    value_builder_init(&list, m->arena);
    gov_status status = account.kind == VALUE_LIST ? add_account(&l, account) : GOV_OK;
    if (status == GOV_OK)
        status = add_raised(&l);
    if (status == GOV_OK)
        status = add_pending(&l);
    if (status == GOV_OK)
        status = add_roll(&l);
    if (status == GOV_OK && c->state == CASE_CLOCK_RUNNING && c->due_us != 0) {
        begin(&l, &b, c->due_us, "due");
        value_builder_set(&b, "provisional", value_bool(c->provisional));
        status = add(&l, c->due_us, &b);
    }
    if (l.count > 1)
        qsort(l.items, l.count, sizeof *l.items, by_time);
    for (size_t i = 0; i < l.count; i++)
        value_builder_add(&list, l.items[i].map);
    base_free(g->alloc, l.items);
    *out = value_builder_list(&list);
    return status == GOV_OK && list.failed ? base_nomem(d) : status;
}
