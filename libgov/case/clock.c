/* Clocks: deadlines that start, pause, resume, stop and can be explained.
 *
 * A clock's budget is used by the stretches in which it runs; its due instant follows from what is left. Whatever
 * happens to it is added to its account, from which both can be computed again. */
#include "case/case.h"

#include <stdio.h>
#include <string.h>

static const rulebook_clock *rule_of(const case_machine *m, size_t i)
{
    return &m->w->clocks[i];
}

static bool by_instant(const rulebook_clock *r)
{
    return r->budget.kind == RULEBOOK_LENGTH_NONE;
}

static const cal_calendar *calendar_of(const case_machine *m, const rulebook_clock *r)
{
    return case_calendar(m, r->calendar);
}

/* ---- the account ---- */

/* rules: the version under which it ran so far; 0: the same one goes on. */
static void account_under(case_machine *m, size_t i, const char *what, const cal_duration *length, int64_t rules)
{
    case_clock *c = &m->clocks[i];
    base_buf *out = &c->account;
    if (out->len > 0 && out->data[out->len - 1] == ']') {
        out->len--;
        base_buf_char(out, ',');
    } else {
        base_buf_char(out, '[');
    }
    base_buf_str(out, "{\"at\":");
    value_write_document(out, value_from_us(m->now_us));
    if (c->due_us != 0) {
        base_buf_str(out, ",\"due\":");
        value_write_document(out, value_from_us(c->due_us));
    }
    if (length != NULL) {
        base_buf_str(out, ",\"length\":\"");
        cal_write_duration(out, *length);
        base_buf_char(out, '"');
    }
    if (c->due_us != 0 && c->provisional)
        base_buf_str(out, ",\"provisional\":true");
    if (rules != 0) {
        base_buf_str(out, ",\"rules\":");
        value_write_document(out, value_int(rules));
    }
    base_buf_str(out, ",\"step\":"); /* the one under way: its entry in the journal has the same number */
    base_buf_int(out, m->steps + 1);
    if (c->used != 0) {
        base_buf_str(out, ",\"used\":");
        base_buf_int(out, c->used);
    }
    if (c->state == CASE_CLOCK_PAUSED && (strcmp(what, "start") == 0 || strcmp(what, "resume") == 0))
        base_buf_str(out, ",\"waits\":true"); /* begun in a state in which it is paused */
    base_buf_str(out, ",\"what\":\"");
    base_buf_str(out, what);
    base_buf_str(out, "\"}]");
    c->dirty = m->clocks_moved = true;
}

static void account(case_machine *m, size_t i, const char *what, const cal_duration *length)
{
    account_under(m, i, what, length, 0);
}

/* ---- marks ---- */

static const char *mark_name(case_machine *m, size_t clock, size_t mark)
{
    const char *name = rule_of(m, clock)->name;
    const size_t size = strlen(name) + 16;
    char *out = base_arena_alloc(m->arena, size);
    if (out != NULL)
        (void)snprintf(out, size, "m:%s:%zu", name, mark);
    return out;
}

bool case_mark_of(const case_machine *m, const char *timer, size_t *clock, size_t *mark)
{
    const bool ours = strncmp(timer, "m:", 2) == 0;
    const char *name = ours ? timer + 2 : timer, *colon = strchr(name, ':');
    int64_t n;
    if (!ours || colon == NULL || !base_parse_int(colon + 1, strlen(colon + 1), &n))
        return false;
    for (size_t i = 0; i < m->w->clock_count; i++) {
        const rulebook_clock *r = rule_of(m, i);
        if (strlen(r->name) == (size_t)(colon - name) && strncmp(r->name, name, (size_t)(colon - name)) == 0) {
            *clock = i;
            *mark = (size_t)n;
            return n >= 0 && n < (int64_t)r->mark_count;
        }
    }
    return false;
}

/* Exact share of the way from origin to due. */
static int64_t part_of_way(int64_t origin, int64_t due, int64_t percent)
{
    const int64_t way = due - origin, whole = way / 100 * percent;
    return origin + whole + way % 100 * percent / 100;
}

static gov_status percent_at(case_machine *m, size_t i, int64_t percent, int64_t *at, bool *provisional, const diag *d)
{
    const case_clock *c = &m->clocks[i];
    const rulebook_clock *r = rule_of(m, i);
    cal_duration share, left;
    cal_instant end;
    *provisional = c->provisional;
    if (percent == 100) {
        *at = c->due_us + 1; /* what is done at the due instant is in time */
        return GOV_OK;
    }
    if (by_instant(r) || !cal_share(c->budget, percent, &share)) {
        *at = part_of_way(c->origin_us, c->due_us, percent) + (percent > 100);
        return GOV_OK;
    }
    left = share;
    left.amount -= c->used;
    if (left.amount < 0) {
        *at = m->now_us;
        return GOV_OK;
    }
    const gov_status status = cal_resume(calendar_of(m, r), c->origin_us, c->since_us, left, (cal_roll)r->roll, &end, d);
    *at = end.us + (percent > 100);
    *provisional = end.provisional;
    return status;
}

static gov_status after_due(case_machine *m, size_t i, const rulebook_mark *mark, int64_t *at, bool *provisional, const diag *d)
{
    const expr_run er = case_expr_run(m);
    const case_clock *c = &m->clocks[i];
    cal_duration dur;
    cal_instant end;
    gov_status status = rulebook_duration_of(&mark->after, &er, &dur, NULL, d);
    if (status == GOV_OK)
        status = case_end_of(m, rule_of(m, i)->calendar, c->due_us, dur, CAL_ROLL_NONE, &end, d);
    *at = end.us + 1;
    *provisional = c->provisional || end.provisional;
    return status;
}

gov_status case_mark_due(case_machine *m, size_t clock, size_t mark, int64_t *at, bool *provisional, const diag *d)
{
    const rulebook_mark *r = &rule_of(m, clock)->marks[mark];
    return r->is_percent ? percent_at(m, clock, r->percent, at, provisional, d) : after_due(m, clock, r, at, provisional, d);
}

/* Timers for the marks that were not raised yet. What is past already is due at once, unless it was `raised` before an
 * extension: of those only the ones that lie ahead again come again. */
static gov_status set_marks(case_machine *m, size_t i, uint32_t raised, const diag *d)
{
    const rulebook_clock *r = rule_of(m, i);
    for (size_t k = 0; k < r->mark_count && k < CASE_MAX_MARKS; k++) {
        const rulebook_mark *mark = &r->marks[k];
        case_timer t = {.case_id = m->id, .kind = CASE_TIMER_MARK, .event = mark->event, .name = mark_name(m, i, k)};
        if ((m->clocks[i].fired >> k & 1) != 0)
            continue;
        if (t.name == NULL)
            return base_nomem(d);
        t.data = value_absent();
        gov_status status = case_mark_due(m, i, k, &t.due_us, &t.provisional, d);
        if (status == GOV_OK && (raised >> k & 1) != 0 && t.due_us <= m->now_us) {
            m->clocks[i].fired |= UINT32_C(1) << k;
            continue;
        }
        if (t.due_us < m->now_us)
            t.due_us = m->now_us;
        if (status == GOV_OK)
            status = m->world->schedule(m, &t, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

static gov_status clear_marks(case_machine *m, size_t i, const diag *d)
{
    const rulebook_clock *r = rule_of(m, i);
    for (size_t k = 0; k < r->mark_count && k < CASE_MAX_MARKS; k++) {
        const char *name = (m->clocks[i].fired >> k & 1) == 0 ? mark_name(m, i, k) : NULL;
        if ((m->clocks[i].fired >> k & 1) != 0)
            continue;
        const gov_status status = name != NULL ? m->world->unschedule(m, name, d) : base_nomem(d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

gov_status case_clock_mark(case_machine *m, size_t clock, size_t mark, const diag *d)
{
    case_clock *c = &m->clocks[clock];
    (void)d;
    c->fired |= UINT32_C(1) << mark;
    c->dirty = true;
    if (c->breached_us == 0 && m->now_us > c->due_us && c->due_us != 0) {
        c->breached_us = c->due_us;
        account(m, clock, "breach", NULL);
    }
    return GOV_OK;
}

/* ---- running ---- */

static bool paused_now(const case_machine *m, const rulebook_clock *r)
{
    for (uint32_t i = 0; i < r->paused_in.count; i++)
        if (chart_in(m->w->chart, m->during != NULL ? m->during : m->state, r->paused_in.items[i].state))
            return true;
    return false;
}

/* From now on it runs: when is it due, and when its marks? */
static gov_status run_from_now(case_machine *m, size_t i, uint32_t raised, const diag *d)
{
    case_clock *c = &m->clocks[i];
    const rulebook_clock *r = rule_of(m, i);
    cal_instant due = {0};
    c->since_us = m->now_us;
    c->state = CASE_CLOCK_RUNNING;
    if (!by_instant(r)) {
        cal_duration left = c->budget;
        left.amount = left.amount > c->used ? left.amount - c->used : 0;
        /* What was late before it paused stays due when it was due. */
        const bool spent = c->breached_us != 0 && left.amount == 0;
        const gov_status status =
            spent ? GOV_OK : cal_resume(calendar_of(m, r), c->origin_us, c->since_us, left, (cal_roll)r->roll, &due, d);
        if (status != GOV_OK)
            return status;
        c->due_us = spent ? c->due_us : due.us;
        c->provisional = spent ? c->provisional : due.provisional;
    }
    c->dirty = true;
    return set_marks(m, i, raised, d);
}

static gov_status first_budget(case_machine *m, size_t i, const diag *d)
{
    case_clock *c = &m->clocks[i];
    const rulebook_clock *r = rule_of(m, i);
    const expr_run er = case_expr_run(m);
    if (by_instant(r)) {
        const gov_status status = case_instant(m, r->due, &r->place, &c->due_us, &c->provisional, d);
        return status == GOV_OK && c->due_us == 0 ? base_fail_at(d, &r->place, M_no_instant) : status;
    }
    cal_duration budget;
    gov_status status = rulebook_duration_of(&r->budget, &er, &budget, NULL, d);
    if (status == GOV_OK)
        status = cal_settle(calendar_of(m, r), c->origin_us, budget, &c->budget, d);
    return status;
}

static gov_status start_clock(case_machine *m, size_t i, const diag *d)
{
    case_clock *c = &m->clocks[i];
    const rulebook_clock *r = rule_of(m, i);
    gov_status status = GOV_OK;
    if (c->state == CASE_CLOCK_RUNNING || c->state == CASE_CLOCK_PAUSED)
        return GOV_OK;
    const bool fresh = c->state == CASE_CLOCK_IDLE || !r->resumes;
    if (fresh) {
        c->origin_us = m->now_us;
        c->due_us = c->used = c->extensions = c->extended = 0;
        c->breached_us = 0;
        c->provisional = false;
        c->fired = 0;
        status = first_budget(m, i, d);
    }
    c->stopped_us = 0;
    if (status == GOV_OK && paused_now(m, r))
        c->state = CASE_CLOCK_PAUSED;
    else if (status == GOV_OK)
        status = run_from_now(m, i, 0, d);
    account(m, i, fresh ? "start" : "resume", fresh && !by_instant(r) ? &c->budget : NULL);
    return status;
}

/* The stretch that ran ends now. */
static gov_status end_stretch(case_machine *m, size_t i, const diag *d)
{
    case_clock *c = &m->clocks[i];
    const rulebook_clock *r = rule_of(m, i);
    int64_t used = 0;
    gov_status status = GOV_OK;
    if (c->state != CASE_CLOCK_RUNNING)
        return GOV_OK;
    if (by_instant(r))
        used = m->now_us - c->since_us;
    else
        status = cal_elapsed(calendar_of(m, r), c->budget.unit, c->origin_us, c->since_us, m->now_us, &used, &c->provisional, d);
    c->used += used;
    if (c->breached_us == 0 && c->due_us != 0 && m->now_us > c->due_us) {
        c->breached_us = c->due_us;
        account(m, i, "breach", NULL);
    }
    c->dirty = true;
    return status == GOV_OK ? clear_marks(m, i, d) : status;
}

static gov_status pause_clock(case_machine *m, size_t i, const diag *d)
{
    if (m->clocks[i].state != CASE_CLOCK_RUNNING)
        return GOV_OK;
    const gov_status status = end_stretch(m, i, d);
    m->clocks[i].state = CASE_CLOCK_PAUSED;
    account(m, i, "pause", NULL);
    return status;
}

static gov_status resume_clock(case_machine *m, size_t i, const diag *d)
{
    if (m->clocks[i].state != CASE_CLOCK_PAUSED || paused_now(m, rule_of(m, i)))
        return GOV_OK;
    const gov_status status = run_from_now(m, i, 0, d);
    account(m, i, "resume", NULL);
    return status;
}

static gov_status stop_clock(case_machine *m, size_t i, const diag *d)
{
    case_clock *c = &m->clocks[i];
    if (c->state != CASE_CLOCK_RUNNING && c->state != CASE_CLOCK_PAUSED)
        return GOV_OK;
    const gov_status status = end_stretch(m, i, d);
    if (c->state == CASE_CLOCK_PAUSED && c->breached_us == 0 && !by_instant(rule_of(m, i))) {
        c->due_us = 0; /* it waited to the end, and never was due */
        c->provisional = false;
    }
    c->state = CASE_CLOCK_STOPPED;
    c->stopped_us = m->now_us;
    account(m, i, "stop", NULL);
    return status;
}

/* ---- extensions ---- */

/* `why` names the limit, and `what` it is. */
static gov_status refuse_extension(const rulebook_clock *r, const char *why, const char *what, const diag *d)
{
    return base_fail_at(d, &r->extend.place, M_extension_refused, A_S("clock", r->name), A_S(why, what));
}

static gov_status refuse_length(case_machine *m, const rulebook_clock *r, const char *why, cal_duration length, const diag *d)
{
    base_buf text;
    base_buf_init(&text, m->alloc);
    cal_write_duration(&text, length);
    const gov_status status = text.failed ? base_nomem(d) : refuse_extension(r, why, text.data, d);
    base_buf_free(&text);
    return status;
}

/* A clock that waits is not late by waiting, and one that was never due is not late at all. */
static bool is_late(const case_machine *m, const case_clock *c)
{
    return c->breached_us != 0 || (c->state == CASE_CLOCK_RUNNING && c->due_us != 0 && m->now_us > c->due_us);
}

static gov_status check_extension(case_machine *m, size_t i, const cal_duration *more, const diag *d)
{
    const case_clock *c = &m->clocks[i];
    const rulebook_clock *r = rule_of(m, i);
    cal_duration most;
    char times[24];
    if (by_instant(r))
        return refuse_extension(r, "instant", "due", d);
    if (more->unit != c->budget.unit)
        return refuse_length(m, r, "unit", *more, d);
    if (more->amount <= 0)
        return refuse_length(m, r, "amount", *more, d);
    if (r->extend.times >= 0 && c->extensions >= r->extend.times) {
        (void)base_format_int(r->extend.times, times);
        return refuse_extension(r, "times", times, d);
    }
    if (r->extend.before_breach && is_late(m, c))
        return refuse_extension(r, "before_breach", "true", d);
    if (r->extend.at_most.kind == RULEBOOK_LENGTH_NONE)
        return GOV_OK;
    const expr_run er = case_expr_run(m);
    const gov_status status = rulebook_duration_of(&r->extend.at_most, &er, &most, NULL, d);
    if (status == GOV_OK && (most.unit != more->unit || more->amount > most.amount || c->extended > most.amount - more->amount))
        return refuse_length(m, r, "at_most", most, d);
    return status;
}

/* A budget that became longer while the clock waited has those of its marks again that lie ahead. */
static void raise_again(case_machine *m, size_t i)
{
    case_clock *c = &m->clocks[i];
    const rulebook_clock *r = rule_of(m, i);
    for (size_t k = 0; k < r->mark_count && k < CASE_MAX_MARKS && !by_instant(r); k++) {
        const rulebook_mark *mark = &r->marks[k];
        cal_duration share = c->budget;
        if (!mark->is_percent || cal_share(c->budget, mark->percent, &share))
            c->fired &= share.amount > c->used || (share.amount == c->used && share.ppm > 0) ? ~(UINT32_C(1) << k) : UINT32_MAX;
    }
}

/* What the extension is, if it may be had. Ahead of the event, one that its data gives counts as the shortest. */
static gov_status extension_of(case_machine *m, size_t i, bool known, cal_duration *more, const diag *d)
{
    const case_clock *c = &m->clocks[i];
    const rulebook_clock *r = rule_of(m, i);
    const expr_run er = case_expr_run(m);
    if (c->state != CASE_CLOCK_RUNNING && c->state != CASE_CLOCK_PAUSED)
        return refuse_extension(r, "not_running", "false", d);
    if (!known && r->extend.amount.kind != RULEBOOK_LENGTH_FIXED)
        *more = (cal_duration){.unit = c->budget.unit, .amount = 1};
    else {
        const gov_status status = rulebook_duration_of(&r->extend.amount, &er, more, NULL, d);
        if (status != GOV_OK)
            return status;
    }
    return check_extension(m, i, more, d);
}

static gov_status extend_clock(case_machine *m, size_t i, const diag *d)
{
    case_clock *c = &m->clocks[i];
    cal_duration more;
    gov_status status = extension_of(m, i, true, &more, d);
    if (status != GOV_OK)
        return status;
    c->extensions++;
    if (!base_add(c->extended, more.amount, &c->extended) || !base_add(c->budget.amount, more.amount, &c->budget.amount))
        return base_fail(d, M_overflow, A_S("what", "budget"));
    if (c->state == CASE_CLOCK_RUNNING) {
        const uint32_t raised = c->fired;
        status = end_stretch(m, i, d);
        c->fired = 0; /* a longer budget has its marks again, those ahead of now */
        if (status == GOV_OK)
            status = run_from_now(m, i, raised, d);
    } else {
        raise_again(m, i);
    }
    account(m, i, "extend", &more);
    return status;
}

/* ---- what drives them ---- */

static bool triggered_by_event(const rulebook_triggers *t, const char *event, size_t len)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (t->items[i].state == RULEBOOK_NONE && strlen(t->items[i].name) == len && memcmp(t->items[i].name, event, len) == 0)
            return true;
    return false;
}

static bool triggered_by_state(const rulebook_triggers *t, uint32_t state)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (t->items[i].state == state)
            return true;
    return false;
}

gov_status case_clocks_event(case_machine *m, const char *event, size_t len, const diag *d)
{
    for (size_t i = 0; i < m->w->clock_count; i++) {
        const rulebook_clock *r = rule_of(m, i);
        gov_status status = GOV_OK;
        if (triggered_by_event(&r->stops, event, len))
            status = stop_clock(m, i, d);
        if (status == GOV_OK && triggered_by_event(&r->starts, event, len))
            status = start_clock(m, i, d);
        if (status == GOV_OK && r->extend.event != NULL && strlen(r->extend.event) == len &&
            memcmp(r->extend.event, event, len) == 0)
            status = extend_clock(m, i, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

gov_status case_clocks_extendable(case_machine *m, const char *event, bool known, const diag *d)
{
    gov_status status = GOV_OK;
    for (size_t i = 0; i < m->w->clock_count && status == GOV_OK; i++) {
        const rulebook_clock *r = rule_of(m, i);
        cal_duration more;
        if (r->extend.event != NULL && strcmp(r->extend.event, event) == 0 && !triggered_by_event(&r->starts, event, strlen(event)))
            status = extension_of(m, i, known, &more, d);
    }
    return status;
}

gov_status case_clocks_entered(case_machine *m, uint32_t state, const diag *d)
{
    for (size_t i = 0; i < m->w->clock_count; i++) {
        const rulebook_clock *r = rule_of(m, i);
        gov_status status = GOV_OK;
        if (triggered_by_state(&r->paused_in, state))
            status = pause_clock(m, i, d);
        if (status == GOV_OK && triggered_by_state(&r->stops, state))
            status = stop_clock(m, i, d);
        if (status == GOV_OK && triggered_by_state(&r->starts, state))
            status = start_clock(m, i, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

gov_status case_clocks_exited(case_machine *m, uint32_t state, const diag *d)
{
    for (size_t i = 0; i < m->w->clock_count; i++) {
        if (!triggered_by_state(&rule_of(m, i)->paused_in, state))
            continue;
        const gov_status status = resume_clock(m, i, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

/* What the former holder has left of it would go on at the next start: it does not for the new one. */
static void leave_stopped(case_machine *m, size_t i)
{
    case_clock *c = &m->clocks[i];
    account(m, i, "hand_over", NULL);
    *c = (case_clock){.state = CASE_CLOCK_IDLE, .stored = c->stored, .dirty = true, .untold = c->untold, .account = c->account};
}

gov_status case_clocks_handed_over(case_machine *m, const diag *d)
{
    for (size_t i = 0; i < m->w->clock_count; i++) {
        case_clock *c = &m->clocks[i];
        if (!rule_of(m, i)->per_holder || c->state == CASE_CLOCK_IDLE)
            continue;
        if (c->state == CASE_CLOCK_STOPPED) {
            if (rule_of(m, i)->resumes)
                leave_stopped(m, i);
            continue;
        }
        gov_status status = end_stretch(m, i, d);
        account(m, i, "hand_over", NULL);
        c->state = CASE_CLOCK_IDLE; /* the new holder has the whole budget */
        if (status == GOV_OK)
            status = start_clock(m, i, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

/* ---- another calendar, other rules ---- */

/* When it is due by the calendar as it is. An instant that the rules gave is asked for again where it was not certain, as of when the clock
 * started; what can no longer be answered stays as it is. */
static gov_status due_anew(case_machine *m, size_t i, cal_instant *due, const diag *d)
{
    const case_clock *c = &m->clocks[i];
    const rulebook_clock *r = rule_of(m, i);
    const int64_t now_us = m->now_us;
    cal_duration left = c->budget;
    left.amount = left.amount > c->used ? left.amount - c->used : 0;
    if (!by_instant(r))
        return cal_resume(calendar_of(m, r), c->origin_us, c->since_us, left, (cal_roll)r->roll, due, d);
    *due = (cal_instant){.us = c->due_us, .provisional = c->provisional};
    if (!c->provisional)
        return GOV_OK;
    m->now_us = c->origin_us;
    if (case_instant(m, r->due, &r->place, &due->us, &due->provisional, NULL) != GOV_OK || due->us == 0)
        *due = (cal_instant){.us = c->due_us, .provisional = c->provisional};
    m->now_us = now_us;
    return GOV_OK;
}

gov_status case_clock_reckon(case_machine *m, size_t i, bool *changed, const diag *d)
{
    case_clock *c = &m->clocks[i];
    cal_instant due;
    *changed = false;
    const bool runs = c->state == CASE_CLOCK_RUNNING;
    if ((!runs && case_clock_due(m, i) == 0) || c->state == CASE_CLOCK_STOPPED || c->breached_us != 0)
        return GOV_OK;
    gov_status status = due_anew(m, i, &due, d);
    if (status != GOV_OK || (due.us == c->due_us && due.provisional == c->provisional))
        return status;
    const uint32_t raised = c->fired;
    status = runs ? clear_marks(m, i, d) : GOV_OK;
    *changed = true;
    c->due_us = due.us;
    c->provisional = due.provisional;
    c->fired = runs ? 0 : raised;
    if (status == GOV_OK && runs)
        status = set_marks(m, i, raised, d);
    account(m, i, "calendar", NULL);
    return status;
}

static gov_status refuse_clock(const rulebook_clock *r, const char *why, const diag *d)
{
    return base_fail_at(d, &r->place, M_migrate_clock, A_S("clock", r->name), A_S("why", why));
}

/* Marks that were raised, as the new rule numbers them: by the events that they raise. */
static uint32_t same_marks(const rulebook_clock *to, const rulebook_clock *from, uint32_t fired)
{
    uint32_t out = 0;
    for (size_t k = 0; k < to->mark_count && k < CASE_MAX_MARKS; k++)
        for (size_t j = 0; j < from->mark_count && j < CASE_MAX_MARKS; j++)
            if ((fired >> j & 1) != 0 && strcmp(to->marks[k].event, from->marks[j].event) == 0)
                out |= UINT32_C(1) << k;
    return out;
}

/* The budget of the new rule, and what was used of it so far, counted as the new rule counts. */
static gov_status new_budget(case_machine *m, size_t i, bool was_instant, const diag *d)
{
    case_clock *c = &m->clocks[i];
    const rulebook_clock *r = rule_of(m, i);
    const cal_duration was = c->budget;
    gov_status status = first_budget(m, i, d);
    if (status != GOV_OK)
        return status;
    if (by_instant(r))
        c->budget = (cal_duration){.unit = CAL_TIME};
    if (c->extended != 0 && (by_instant(r) || c->budget.unit != was.unit))
        return refuse_clock(r, "extended", d);
    if (!base_add(c->budget.amount, c->extended, &c->budget.amount))
        return base_fail(d, M_overflow, A_S("what", "budget"));
    if (was_instant == by_instant(r) && c->budget.unit == was.unit)
        return GOV_OK;
    return case_clock_used(m->arena, c, calendar_of(m, r), by_instant(r), m->now_us, &c->used, d);
}

/* What was breached stays so; where nothing is left of the new budget either, it was due when that was used up, if that is later. */
static gov_status spent_under(case_machine *m, size_t i, const diag *d)
{
    case_clock *c = &m->clocks[i];
    const rulebook_clock *r = rule_of(m, i);
    int64_t at_us = 0;
    if (c->breached_us == 0 || c->used < c->budget.amount)
        return GOV_OK;
    const gov_status status = case_clock_spent(m->arena, c, calendar_of(m, r), r->roll, m->now_us, &at_us, d);
    c->due_us = status == GOV_OK && at_us > c->due_us ? at_us : c->due_us;
    return status;
}

/* Its budget counts on: at once, after the pause, or when it starts again. */
static bool goes_on(const case_clock *c, const rulebook_clock *r)
{
    return c->state == CASE_CLOCK_RUNNING || c->state == CASE_CLOCK_PAUSED || (c->state == CASE_CLOCK_STOPPED && r->resumes);
}

/* From now on under the new rule, as it was or reckoned again. */
static gov_status go_on(case_machine *m, size_t i, bool runs, bool recompute, uint32_t raised, int64_t rules, const diag *d)
{
    case_clock *c = &m->clocks[i];
    const bool anew = recompute && goes_on(c, rule_of(m, i)) && !by_instant(rule_of(m, i));
    gov_status status = GOV_OK;
    c->fired = recompute ? 0 : raised;
    if (runs)
        c->since_us = m->now_us; /* what it used before is counted in `used` */
    if (runs && anew)
        status = spent_under(m, i, d);
    if (status == GOV_OK && runs && recompute)
        status = run_from_now(m, i, raised, d);
    else if (status == GOV_OK && runs)
        status = set_marks(m, i, 0, d);
    else
        c->fired = raised;
    if (!runs && anew)
        raise_again(m, i);
    account_under(m, i, "migrate", anew ? &c->budget : NULL, rules);
    if (status == GOV_OK && runs && paused_now(m, rule_of(m, i)))
        status = pause_clock(m, i, d);
    return status == GOV_OK ? resume_clock(m, i, d) : status; /* of a state that waits no longer */
}

static gov_status carry_over(case_machine *m, size_t i, case_machine *old, size_t o, bool recompute, const diag *d)
{
    case_clock *c = &m->clocks[i], *from = &old->clocks[o];
    const bool was_instant = by_instant(rule_of(old, o)), runs = from->state == CASE_CLOCK_RUNNING;
    const bool active = goes_on(from, rule_of(m, i));
    const uint32_t raised = same_marks(rule_of(m, i), rule_of(old, o), from->fired);
    if (was_instant != by_instant(rule_of(m, i)) && !recompute && from->state != CASE_CLOCK_IDLE)
        return refuse_clock(rule_of(m, i), "budget", d);
    gov_status status = runs ? end_stretch(old, o, d) : GOV_OK;
    base_buf_free(&c->account);
    *c = *from;
    base_buf_init(&from->account, old->alloc);
    const bool lived = c->state != CASE_CLOCK_IDLE || c->account.len > 0;
    c->dirty = c->stored || lived;
    if (status == GOV_OK && active && recompute)
        status = new_budget(m, i, was_instant, d);
    return status == GOV_OK && lived ? go_on(m, i, runs, recompute, raised, old->rules_id, d) : status;
}

gov_status case_clocks_migrate(case_machine *m, case_machine *old, bool recompute, const diag *d)
{
    for (size_t i = 0; i < m->w->clock_count; i++)
        for (size_t o = 0; o < old->w->clock_count; o++) {
            if (strcmp(m->w->clocks[i].name, old->w->clocks[o].name) != 0)
                continue;
            const gov_status status = carry_over(m, i, old, o, recompute, d);
            if (status != GOV_OK)
                return status;
        }
    return GOV_OK;
}

/* ---- readings ---- */

static bool is_days(cal_unit unit)
{
    return unit == CAL_DAYS || unit == CAL_WORKING_DAYS;
}

/* Days are shown as days of 24 hours: a duration in CEL knows no others. */
static value as_duration(const case_clock *c, int64_t amount)
{
    if (is_days(c->budget.unit))
        return value_duration(amount * 86400, 0);
    return value_duration(amount / BASE_US_PER_SECOND, (int32_t)(amount % BASE_US_PER_SECOND) * 1000);
}

static int64_t used_now(case_machine *m, size_t i)
{
    const case_clock *c = &m->clocks[i];
    int64_t more = 0;
    bool provisional = false;
    if (c->state != CASE_CLOCK_RUNNING)
        return c->used;
    if (by_instant(rule_of(m, i)))
        more = m->now_us - c->since_us;
    else if (cal_elapsed(calendar_of(m, rule_of(m, i)), c->budget.unit, c->origin_us, c->since_us, m->now_us, &more,
                         &provisional, NULL) != GOV_OK)
        more = 0;
    return c->used + more;
}

int64_t case_clock_due(const case_machine *m, size_t clock)
{
    const case_clock *c = &m->clocks[clock];
    return c->state == CASE_CLOCK_PAUSED && !by_instant(rule_of(m, clock)) ? 0 : c->due_us;
}

value case_clock_reading(case_machine *m, size_t clock, rulebook_clock_part part)
{
    const case_clock *c = &m->clocks[clock];
    const int64_t end = c->state == CASE_CLOCK_STOPPED ? c->stopped_us : m->now_us;
    switch (part) {
    case RULEBOOK_CLOCK_DUE:
        return case_clock_due(m, clock) != 0 ? value_from_us(c->due_us) : value_null();
    case RULEBOOK_CLOCK_CONSUMED:
        return as_duration(c, used_now(m, clock));
    case RULEBOOK_CLOCK_LEFT:
        if (by_instant(rule_of(m, clock)))
            return as_duration(c, c->due_us != 0 ? c->due_us - end : 0);
        return as_duration(c, c->budget.amount - used_now(m, clock));
    case RULEBOOK_CLOCK_RUNNING:
        return value_bool(c->state == CASE_CLOCK_RUNNING);
    default:
        return value_bool(c->breached_us != 0 || (c->due_us != 0 && c->state == CASE_CLOCK_RUNNING && end > c->due_us));
    }
}
