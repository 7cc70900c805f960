/* The smaller definitions: templates, records, indicators, schedules. */
#include "rulebook/load.h"
#include "rulebook/grammar.h"

#include <string.h>

#include "rulebook/action.h"

/* ---- templates ---- */

void rb_template(rulebook_loader *l, const rb_def *def, const rb_node *root, rulebook_template *out)
{
    out->name = def->name;
    out->place = def->place;
    rulebook_read_keys(l, root, "template", rb_keys_template);
    out->title = rulebook_read_text(l, rb_get(root, "title"));
    out->text = rulebook_read_text(l, rb_get(root, "text"));
}

const rulebook_template *rulebook_find_template(const rulebook *rb, const char *name)
{
    for (uint32_t i = 0; i < rb->template_count; i++)
        if (strcmp(rb->templates[i].name, name) == 0)
            return &rb->templates[i];
    return NULL;
}

/* ---- records ---- */

/* There are records of those kinds only that the rooms above keep. */
static void check_kind(rulebook_loader *l, const rb_node *n, const char *kind)
{
    rb_names known = {0};
    const rulebook_host *part;
    for (size_t i = 0; (part = rulebook_host_part(l->rb->pub.host, i)) != NULL; i++)
        for (size_t k = 0; k < part->builtin_count; k++)
            rb_names_add(l, &known, part->builtins[k].kind);
    if (known.count > 0 && n != NULL && !rb_names_have(&known, kind))
        rb_unknown(l, n, "record", kind, &known);
    rb_names_free(l, &known);
}

void rb_record(rulebook_loader *l, const rb_def *def, const rb_node *root, rulebook_record *out)
{
    out->name = def->name;
    out->place = def->place;
    rulebook_read_keys(l, root, "record", rb_keys_record);
    check_kind(l, rb_get(root, "record"), def->name);
    out->title = rulebook_read_text(l, rb_get(root, "title"));
    out->description = rulebook_read_text(l, rb_get(root, "description"));
    out->fields = rulebook_read_fields(l, rb_get(root, "fields"), "record");
}

const rulebook_record *rulebook_find_record(const rulebook *rb, const char *name)
{
    for (uint32_t i = 0; i < rb->record_count; i++)
        if (strcmp(rb->records[i].name, name) == 0)
            return &rb->records[i];
    return NULL;
}

const rulebook_section *rulebook_find_section(const rulebook *rb, const char *kind, const char *name)
{
    for (uint32_t i = 0; i < rb->section_count; i++)
        if (strcmp(rb->sections[i].kind, kind) == 0 && strcmp(rb->sections[i].name, name) == 0)
            return &rb->sections[i];
    return NULL;
}

/* ---- indicators ---- */

const rulebook_indicator *rb_indicator(rulebook_loader *l, const rb_def *def, const rb_node *root)
{
    rulebook_indicator *i = rb_alloc(l, 1, sizeof *i);
    if (i == NULL)
        return NULL;
    i->name = def->name;
    i->place = def->place;
    rulebook_read_keys(l, root, "indicator", rb_keys_indicator);
    i->title = rulebook_read_text(l, rb_get(root, "title"));
    i->description = rulebook_read_text(l, rb_get(root, "description"));
    i->source = rulebook_read_text(l, rb_get(root, "source"));
    const rb_node *over = rb_get(root, "over");
    if (!rulebook_read_keys(l, over, "over", rb_keys_indicator_over))
        return i;
    i->workflow = rulebook_read_name(l, rb_get(over, "workflow"), "workflow");
    if (i->workflow == NULL || !rb_check_definition(l, rb_get(over, "workflow"), RB_WORKFLOW, "workflow", i->workflow))
        return i;
    /* The workflow's own mistakes are told where it is compiled itself. */
    const gov_status status = rulebook_get_workflow(&l->rb->pub, i->workflow, &i->over, NULL);
    if (status != GOV_OK) {
        rb_note(l, status);
        return i;
    }
    i->when = rb_expr(l, rb_get(over, "when"), EXPR_BOOL, i->over->scope);
    i->counts = rb_expr(l, rb_get(root, "counts"), EXPR_BOOL, i->over->scope);
    return i;
}

/* ---- schedules ---- */

static unsigned word_of(const char *s, size_t len, const char *const *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (strlen(words[i]) == len && memcmp(words[i], s, len) == 0)
            return i;
    return count;
}

/* "week", "2 weeks", "second wednesday", "working day"; false: none of these. */
static bool read_rhythm(const char *s, size_t len, rulebook_schedule *out)
{
    static const char *const periods[] = {"day", "week", "month", "year", "days", "weeks", "months", "years"};
    static const char *const nths[] = {"first", "second", "third", "fourth", "fifth", "last"};
    static const char *const days[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
    const char *space = memchr(s, ' ', len);
    const size_t head = space != NULL ? (size_t)(space - s) : 0;

    out->every = 1;
    if (space == NULL) {
        const unsigned p = word_of(s, len, periods, 4);
        out->period = (uint8_t)p;
        return p < 4;
    }
    const char *rest = space + 1;
    const size_t tail = len - head - 1;
    if (head == 7 && memcmp(s, "working", 7) == 0) {
        out->working_days_only = true;
        out->period = RULEBOOK_DAY;
        return (tail == 3 && memcmp(rest, "day", 3) == 0) || (tail == 4 && memcmp(rest, "days", 4) == 0);
    }
    if (base_parse_int(s, head, &out->every)) {
        const unsigned p = word_of(rest, tail, periods, ARRAY_LEN(periods));
        out->period = (uint8_t)(p % 4);
        return p < ARRAY_LEN(periods) && out->every >= 1 && out->every <= 10000;
    }
    const unsigned nth = word_of(s, head, nths, ARRAY_LEN(nths));
    const unsigned day = word_of(rest, tail, days, ARRAY_LEN(days));
    out->period = RULEBOOK_MONTH;
    out->nth = nth == 5 ? -1 : (int8_t)(nth + 1);
    out->weekday = (uint8_t)(day + 1);
    return nth < ARRAY_LEN(nths) && day < ARRAY_LEN(days);
}

static void read_over(rulebook_loader *l, const rb_node *n, const expr_scope *scope, rulebook_schedule *out)
{
    static const char *const kinds[] = {"resident", "household", "premises", "grid", "grids", "unit", "staff",
                                        "group", NULL};
    if (n == NULL)
        return;
    if (n->kind == RB_SCALAR) {
        out->over = kinds[rulebook_read_word(l, n, "over", kinds, 0)];
        return;
    }
    if (!rulebook_read_keys(l, n, "over", kinds))
        return;
    if (n->count != 1) {
        rb_fail(l, n, M_one_key, A_S("what", "over"));
        return;
    }
    const rb_node *val = n->as.pairs[0].val;
    out->over = rb_copy(l, n->as.pairs[0].key->as.text, n->as.pairs[0].key->count);
    if (rb_is(n->as.pairs[0].key, "group") && val->kind == RB_SCALAR && rb_is_name(val->as.text, val->count))
        out->over_name = rb_copy(l, val->as.text, val->count);
    else
        out->member = rb_expr(l, val, EXPR_BOOL, scope);
}

/* it, period.start, period.end over the common scope. */
static const expr_scope *schedule_scope(rulebook_loader *l, rulebook_schedule *s)
{
    static const struct {
        const char *name;
        expr_type type;
        rulebook_slot slot;
    } vars[] = {{"it", EXPR_DYN, {RULEBOOK_SLOT_IT, 0, 0, "it"}},
                {"period.start", EXPR_TIMESTAMP, {RULEBOOK_SLOT_PERIOD, 0, 0, "period.start"}},
                {"period.end", EXPR_TIMESTAMP, {RULEBOOK_SLOT_PERIOD, 1, 0, "period.end"}}};
    const uint32_t base = l->rb->slot_count, count = base + (uint32_t)ARRAY_LEN(vars) + 1;
    expr_scope *scope = rb_scope(l, l->rb->scope);
    rulebook_slot *slots = rb_alloc(l, count, sizeof *slots);
    value *presets = rb_alloc(l, count, sizeof *presets);
    if (scope == NULL || slots == NULL || presets == NULL)
        return NULL;
    memcpy(slots, l->rb->slots, base * sizeof *slots);
    memcpy(presets, l->rb->presets, base * sizeof *presets);
    for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
        const uint32_t at = rb_scope_var(l, scope, vars[i].name, vars[i].type);
        if (at < count)
            slots[at] = vars[i].slot;
    }
    slots[count - 1] = (rulebook_slot){RULEBOOK_SLOT_IT, 1, 0, ""}; /* the variable of an effect's `as` */
    for (uint32_t i = base; i < count; i++)
        presets[i] = value_absent();
    s->slots = slots;
    s->presets = presets;
    s->slot_count = count;
    s->scope = scope;
    return scope;
}

static bool read_clock_time(const rb_node *n, int32_t *seconds)
{
    char span[16] = "";
    cal_span s;
    if (n->kind != RB_SCALAR || n->count != 5 || rb_is(n, "00:00"))
        return rb_is(n, "00:00");
    memcpy(span, "00:00-", 6);
    memcpy(span + 6, n->as.text, 5);
    *seconds = cal_parse_span(span, 11, &s) && s.end < 86400 ? s.end : -1;
    return *seconds >= 0;
}

/* `on`: a weekday of a week, a date of a month, "03-05" of a year. */
static bool read_on(const rb_node *n, cal_rhythm *r)
{
    unsigned first, last;
    int64_t i, days;
    char date[11] = "2024-";
    if (n->kind != RB_SCALAR || r->every != 1 || r->nth != 0 || r->working)
        return false;
    if (r->period == CAL_EVERY_WEEK && cal_parse_weekdays(n->as.text, n->count, &first, &last) && first == last) {
        r->on = (uint16_t)first;
        return true;
    }
    if (r->period == CAL_EVERY_MONTH && rb_int(n, &i) && i >= 1 && i <= 31) {
        r->on = (uint16_t)i;
        return true;
    }
    if (r->period != CAL_EVERY_YEAR || n->count != 5)
        return false;
    memcpy(date + 5, n->as.text, 5);
    if (!base_parse_date(date, 10, &days))
        return false;
    r->on = (uint16_t)((n->as.text[0] - '0') * 1000 + (n->as.text[1] - '0') * 100 + (n->as.text[3] - '0') * 10 + (n->as.text[4] - '0'));
    return true;
}

static void read_when(rulebook_loader *l, const rb_node *root, rulebook_schedule *s)
{
    const rb_node *at = rb_get(root, "at"), *on = rb_get(root, "on");
    s->rhythm = (cal_rhythm){.period = s->period, .every = s->every, .nth = s->nth, .weekday = s->weekday,
                             .working = s->working_days_only, .day_off = s->day_off, .at = -1};
    if (at != NULL) {
        s->rhythm.at = 0;
        if (!read_clock_time(at, &s->rhythm.at))
            rb_fail(l, at, M_bad_clock_time, A_N("text", at->kind == RB_SCALAR ? at->as.text : "", at->kind == RB_SCALAR ? at->count : 0));
    }
    if (on != NULL && !read_on(on, &s->rhythm))
        rb_fail(l, on, M_bad_on, A_N("text", on->kind == RB_SCALAR ? on->as.text : "", on->kind == RB_SCALAR ? on->count : 0));
}

const rulebook_schedule *rb_schedule(rulebook_loader *l, const rb_def *def, const rb_node *root)
{
    rulebook_schedule *s = rb_alloc(l, 1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->name = def->name;
    s->place = def->place;
    rulebook_read_keys(l, root, "schedule", rb_keys_schedule);
    s->title = rulebook_read_text(l, rb_get(root, "title"));
    s->description = rulebook_read_text(l, rb_get(root, "description"));
    s->calendar = l->calendar = rb_calendar_choice(l, root, l->calendar);
    const expr_scope *scope = schedule_scope(l, s);
    if (scope == NULL)
        return NULL;
    read_over(l, rb_get(root, "over"), scope, s);
    const rb_node *every = rb_get(root, "every");
    if (every != NULL && rb_expect(l, every, RB_SCALAR, "every") && !read_rhythm(every->as.text, every->count, s))
        rb_fail(l, every, M_bad_rhythm, A_N("text", every->as.text, every->count));
    s->day_off = (uint8_t)rulebook_read_word(l, rb_get(root, "day_off"), "day_off", rb_words_day_off, RULEBOOK_KEEP);
    if (l->calendar == NULL && (s->working_days_only || s->day_off != RULEBOOK_KEEP))
        rb_fail(l, rb_get(root, s->working_days_only ? "every" : "day_off"), M_no_calendar);
    if (s->period == CAL_EVERY_DAY && s->every == 1 && !s->working_days_only && s->day_off == CAL_DAY_MOVE)
        rb_warn(l, rb_place(rb_get(root, "day_off")), M_turns_pile_up);
    read_when(l, root, s);
    const rb_context context = {scope, scope};
    s->block = rb_block(l, rb_get(root, "do"), &context);
    return s;
}
