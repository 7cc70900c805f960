/* What is told only because something else is wrong: a target is unknown since its file could not be read, a state is unreachable since
 * the transition to it is misspelt. Everything is checked and reported as if it could be trusted; when all mistakes are known, those
 * that follow from another one are taken out again. */
#include "rulebook/lint.h"

#include <string.h>

/* What may be wrong with a definition, by what it spoils. */
enum {
    FAULT_EXPR = 1,  /* an expression: what it reads and asks is not known */
    FAULT_VALUE = 2, /* a value, a limit, a text: nothing else looks at it */
    FAULT_ROLE = 4,  /* a role that there is not: who may do it is not known */
    FAULT_SHAPE = 8, /* a state, a transition, an action may be missing */
    FAULT_TARGET = 16, /* where a transition leads */
    FAULT_TORN = 32,    /* a part of it could not be read */
    FAULT_EVENTS = 64,  /* an event that is declared or made may be missing */
    FAULT_FIELDS = 128, /* a field of the case, or of what comes with an event */
    FAULT_CLOCKS = 256,
    FAULT_HOURS = 512,  /* of a calendar */
    FAULT_ROLES = 1024, /* of the rulebook, all of them */
    FAULT_VALUES = 2048,
    FAULT_LIMIT = 4096, /* there is more than is read */
    FAULT_WAITS = 8192  /* what waits for an event waits for one that is misspelt */
};

typedef struct following {
    rulebook_loader *l;
    const gov_error *e;
    uint16_t *faults; /* by definition */
    unsigned torn;   /* 1 << kind of each definition that could not be read, or not as a whole */
    unsigned all;    /* FAULT_* of all workflows and schedules */
    unsigned all_messages; /* 1: there is a blank that is none; 2: the beginning of a definition was not known for one */
    bool hours;      /* those of some calendar could not be read */
} following;

static bool is_one_of(base_message m, const base_message *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == m)
            return true;
    return false;
}
#define ONE_OF(m, list) is_one_of((m), (list), ARRAY_LEN(list))

static const base_message values[] = {
    M_duration_unit, M_duration_unit_near, M_bad_duration, M_duration_long, M_language_unknown, M_limit_misplaced,
    M_min_above_max, M_field_pattern, M_bad_field, M_bad_text, M_bad_form, M_bad_point, M_too_fine, M_not_one_of,
    M_below_min, M_above_max, M_too_long, M_no_match, M_field_condition, M_law_without_roll, M_no_calendar,
    M_value_no_duration, M_case_hides_rest, M_extend_never, M_out_of_bounds, M_bad_mark, M_yaml_control, M_bad_utf8,
    M_yaml_number, M_reserved_field, M_required_not_given, M_role_in_workflow};

/* Mistakes of the text where they stand, whatever the rest says. */
static const base_message own[] = {
    M_yaml_syntax, M_yaml_text, M_yaml_tab, M_yaml_indent, M_yaml_list_line, M_yaml_unclosed, M_yaml_wide, M_yaml_blank, M_yaml_no_colon, M_yaml_escape, M_yaml_quote, M_yaml_control, M_yaml_tag, M_yaml_tag_wrong, M_yaml_duplicate_key, M_yaml_key, M_yaml_depth,
    M_yaml_alias_limit, M_yaml_alias_self, M_yaml_number, M_bad_utf8, M_too_large, M_unknown_key, M_separator_missing, M_wrong_kind, M_one_key, M_expr_word,
    M_not_together, M_invalid_name, M_bad_id, M_unknown_word, M_out_of_bounds, M_twice, M_duration_long, M_language_unknown,
    M_law_without_roll, M_bad_span, M_bad_weekdays, M_bad_dates, M_bad_year, M_bad_rhythm, M_bad_clock_time, M_bad_on,
    M_limit_misplaced, M_min_above_max, M_field_pattern, M_bad_field, M_bad_form, M_reserved_field, M_bad_duration,
    M_duration_unit, M_duration_unit_near, M_zone_unknown, M_bad_mark, M_case_hides_rest, M_bad_literal, M_bad_character,
    M_unexpected_token, M_unexpected_end, M_reserved_word, M_bad_macro, M_unknown_function, M_bad_pattern,
    M_value_without_source, M_defined_twice, M_second_rulebook, M_unknown_definition, M_unsupported, M_bad_path,
    M_include_empty, M_guard_never_holds};

/* Mistakes by which a definition is not found. */
static const base_message joins[] = {M_separator_missing, M_unknown_definition};

static bool begins(const char *s, const char *with)
{
    return s != NULL && strncmp(s, with, strlen(with)) == 0;
}

static bool is_text(const char *s, const char *other)
{
    return s != NULL && strcmp(s, other) == 0;
}

/* ---- which definition a diagnostic is about ---- */

static size_t def_of(const following *f, size_t item)
{
    const rb_full *rb = f->l->rb;
    const char *origin = gov_error_origin(f->e, item);
    const int64_t line = gov_error_line(f->e, item);
    size_t best = SIZE_MAX;
    for (size_t i = 0; origin != NULL && i < rb->def_count; i++) {
        const rb_def *def = &rb->defs[i];
        if (def->slice.line <= line && (best == SIZE_MAX || def->slice.line > rb->defs[best].slice.line) &&
            strcmp(def->source->path, origin) == 0)
            best = i;
    }
    return best;
}

/* A misspelt key of a title spoils nothing, one of a transition does. */
static bool harmless_key(const gov_error *e, size_t i)
{
    static const char *const harmless[] = {"field", "value", "role", "choice", "extend", "class", "sight"};
    const char *what = gov_error_argument(e, i, "what"), *near = gov_error_argument(e, i, "near");
    for (size_t k = 0; k < ARRAY_LEN(harmless); k++)
        if (is_text(what, harmless[k]))
            return true;
    return is_text(near, "title") || is_text(near, "description");
}

/* A misspelt key hides all that stands under it. */
static unsigned fault_of_key(const gov_error *e, size_t i)
{
    static const struct {
        const char *key;
        unsigned fault;
    } hidden[] = {{"events", FAULT_EVENTS}, {"input", FAULT_FIELDS}, {"fields", FAULT_FIELDS}, {"clocks", FAULT_CLOCKS | FAULT_EVENTS},
                  {"states", FAULT_TARGET}, {"roles", FAULT_ROLES}, {"values", FAULT_VALUES}, {"marks", FAULT_EVENTS}, {"entry", FAULT_EVENTS},
                  {"exit", FAULT_EVENTS}, {"do", FAULT_EVENTS}, {"hours", FAULT_HOURS}, {"raise", FAULT_EVENTS}, {"send", FAULT_EVENTS}};
    const char *near = gov_error_argument(e, i, "near"), *what = gov_error_argument(e, i, "what");
    for (size_t k = 0; k < ARRAY_LEN(hidden); k++)
        if (is_text(base_error_message(e, i) == M_wrong_kind ? what : near, hidden[k].key))
            return hidden[k].fault;
    return 0;
}

static unsigned fault_of(const gov_error *e, size_t i)
{
    const base_message m = base_error_message(e, i);
    if (m == M_too_large)
        return FAULT_LIMIT | FAULT_SHAPE;
    if (m == M_bad_span || m == M_bad_weekdays || m == M_calendar_weekdays || m == M_calendar_hours || m == M_calendar_hours_twice)
        return FAULT_HOURS;
    if (m == M_empty && is_text(gov_error_argument(e, i, "what"), "hours"))
        return FAULT_HOURS;
    if (m == M_trigger_unknown)
        return FAULT_TARGET;
    if (m == M_event_never_comes)
        return FAULT_WAITS;
    if (m == M_yaml_wide)
        return FAULT_SHAPE | FAULT_EVENTS | FAULT_HOURS;
    if (m == M_yaml_duplicate_key) { /* what stands under the second one was not read */
        const char *key = gov_error_argument(e, i, "key");
        return is_text(key, "title") || is_text(key, "description") ? FAULT_VALUE : FAULT_SHAPE | FAULT_EVENTS | FAULT_FIELDS | FAULT_CLOCKS;
    }
    if (m == M_unknown_key || m == M_wrong_kind || (m == M_unknown_name && is_text(gov_error_argument(e, i, "kind"), "action"))) {
        const unsigned hidden = fault_of_key(e, i);
        if (hidden != 0)
            return hidden | FAULT_SHAPE;
    }
    if (m == M_yaml_quote || m == M_expr_type || m == M_expr_word || base_message_status(m) == GOV_E_EXPR)
        return FAULT_EXPR;
    if (ONE_OF(m, values) || (m == M_unknown_key && harmless_key(e, i)))
        return FAULT_VALUE;
    if (m == M_unknown_name && is_text(gov_error_argument(e, i, "kind"), "role"))
        return FAULT_ROLE;
    if (m == M_ambiguous_state || (m == M_unknown_name && is_text(gov_error_argument(e, i, "kind"), "state")))
        return FAULT_TARGET;
    return FAULT_SHAPE;
}

static void gather(following *f)
{
    const rb_full *rb = f->l->rb;
    f->torn = rb->lost ? ~0u : 0;
    for (size_t i = 0; i < gov_error_count(f->e); i++) {
        const size_t def = gov_error_severity(f->e, i) == GOV_SEVERITY_ERROR ? def_of(f, i) : SIZE_MAX;
        if (def != SIZE_MAX)
            f->faults[def] |= (uint16_t)fault_of(f->e, i);
        f->hours = f->hours || (def != SIZE_MAX && rb->defs[def].kind == RB_CALENDAR && (f->faults[def] & FAULT_HOURS) != 0);
        f->all_messages |= base_error_message(f->e, i) == M_yaml_blank ? 1u : ONE_OF(base_error_message(f->e, i), joins) ? 2u : 0;
    }
    for (size_t i = 0; i < rb->def_count; i++) {
        const rb_def *def = &rb->defs[i];
        if (def->torn) {
            f->faults[i] |= FAULT_TORN;
            f->torn |= 1u << def->kind;
        }
        if (def->kind == RB_WORKFLOW || def->kind == RB_SCHEDULE)
            f->all |= f->faults[i];
    }
}

/* ---- what follows from what ---- */

/* Was the role asked for under a misspelt name? */
static bool role_misspelt(const following *f, const char *role)
{
    for (size_t i = 0; i < gov_error_count(f->e); i++)
        if (base_error_message(f->e, i) == M_unknown_name && is_text(gov_error_argument(f->e, i, "near"), role))
            return true;
    return false;
}

/* Was the event meant where another one is named, which there is not? */
static bool event_misspelt(const following *f, size_t i)
{
    const char *event = gov_error_argument(f->e, i, "event"), *near;
    for (size_t k = 0; event != NULL && k < gov_error_count(f->e); k++)
        if (base_error_message(f->e, k) == M_event_never_comes && def_of(f, k) == def_of(f, i) &&
            ((near = gov_error_argument(f->e, k, "near")) == NULL || near[0] == '\0' || is_text(near, event)))
            return true;
    return false;
}

static bool meant_elsewhere(const following *f, const char *event)
{
    for (size_t k = 0; k < gov_error_count(f->e); k++)
        if (base_error_message(f->e, k) == M_event_never_comes && is_text(gov_error_argument(f->e, k, "near"), event))
            return true;
    return false;
}

static bool warning_follows(const following *f, size_t i, unsigned faults)
{
    switch (base_error_message(f->e, i)) {
    case M_state_unreachable:
    case M_state_dead_end:
    case M_always_cycle:
    case M_after_cycle:
    case M_due_null:
        return (faults & (FAULT_SHAPE | FAULT_TORN | FAULT_TARGET)) != 0;
    case M_clock_never_starts:
    case M_clock_never_stops:
        return (faults & (FAULT_SHAPE | FAULT_TORN | FAULT_TARGET | FAULT_WAITS)) != 0;
    case M_outcome_not_final:
        return (faults & (FAULT_SHAPE | FAULT_TORN)) != 0;
    case M_raise_not_taken:
    case M_event_unused:
        return (faults & (FAULT_SHAPE | FAULT_TORN)) != 0 || ((faults & FAULT_WAITS) != 0 && event_misspelt(f, i));
    case M_timer_never_due:
    case M_done_never_comes:
    case M_transition_never_taken:
        return (faults & (FAULT_SHAPE | FAULT_TORN | FAULT_ROLE | FAULT_TARGET)) != 0;
    case M_message_not_taken:
        return (f->all & (FAULT_SHAPE | FAULT_TORN)) != 0 || f->torn != 0 || meant_elsewhere(f, gov_error_argument(f->e, i, "event"));
    case M_event_nobody_sends:
        return (faults & FAULT_ROLE) != 0 || (f->all & (FAULT_SHAPE | FAULT_TORN)) != 0 || f->torn != 0;
    case M_field_never_set:
        return (faults & ~(unsigned)(FAULT_VALUE | FAULT_TARGET | FAULT_ROLE | FAULT_WAITS)) != 0 || (f->all & (FAULT_SHAPE | FAULT_TORN)) != 0 || f->torn != 0;
    case M_role_unused:
        return (f->all & (FAULT_SHAPE | FAULT_TORN)) != 0 || f->torn != 0 || role_misspelt(f, gov_error_argument(f->e, i, "role"));
    default:
        return false;
    }
}

/* Does a name of this kind come from a definition that could not be read? */
static bool name_follows(const following *f, const char *kind)
{
    static const struct {
        const char *kind;
        unsigned from;
    } kinds[] = {{"role", 1u << RB_RULEBOOK | 1u << RB_OVERLAY}, {"value", 1u << RB_RULEBOOK | 1u << RB_OVERLAY},
                 {"sensitivity", 1u << RB_RULEBOOK},             {"calendar", 1u << RB_CALENDAR | 1u << RB_RULEBOOK},
                 {"field", 1u << RB_WORKFLOW | 1u << RB_RECORD}, {"state", 0}, {"action", 0}, {"event", 0}, {"id", 0},
                 {"workflow", 1u << RB_UNKNOWN},                 {"template", 1u << RB_UNKNOWN}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (is_text(kind, kinds[i].kind))
            return (f->torn & kinds[i].from) != 0;
    return (f->torn & (1u << RB_SECTION | 1u << RB_RECORD | 1u << RB_UNKNOWN)) != 0;
}

/* Was what is missing written here, under a misspelt key? */
static bool written_wrong(const following *f, size_t i, base_message wrong, const char *wanted)
{
    const int64_t line = gov_error_line(f->e, i);
    const size_t def = def_of(f, i);
    for (size_t k = 0; wanted != NULL && k < gov_error_count(f->e); k++)
        if (base_error_message(f->e, k) == wrong && is_text(gov_error_argument(f->e, k, "near"), wanted) &&
            gov_error_line(f->e, k) >= line && gov_error_line(f->e, k) < line + 20 && def_of(f, k) == def)
            return true;
    return false;
}

/* Below a line `---` that is missing another definition begins: it is unknown, and its keys mean nothing where they stand. So is one
 * that begins with a misspelt key. */
static bool follows_join(const following *f, size_t i)
{
    const base_message m = base_error_message(f->e, i);
    for (size_t k = 0; k < gov_error_count(f->e); k++) {
        const bool joined = base_error_message(f->e, k) == M_separator_missing;
        if (k == i || (!joined && base_error_message(f->e, k) != M_unknown_definition))
            continue;
        const char *defines = gov_error_argument(f->e, k, joined ? "key" : "near");
        if (m == M_unknown_name && defines != NULL && is_text(gov_error_argument(f->e, i, "kind"), defines))
            return true;
        if (joined && (m == M_unknown_key || m == M_yaml_duplicate_key) && def_of(f, i) == def_of(f, k) && gov_error_column(f->e, i) == 1 &&
            gov_error_line(f->e, i) > gov_error_line(f->e, k))
            return true;
    }
    return false;
}

/* For YAML a line that begins with U+3000 stands elsewhere than it seems to, and so do its neighbours. */
static bool follows_blank(const following *f, size_t i)
{
    const base_message m = base_error_message(f->e, i);
    if (m == M_yaml_blank)
        return false;
    for (size_t k = 0; k < gov_error_count(f->e); k++)
        if (base_error_message(f->e, k) == M_yaml_blank && def_of(f, i) == def_of(f, k) &&
            gov_error_line(f->e, i) + 1 >= gov_error_line(f->e, k))
            return true;
    return false;
}

/* Does the mistake follow from another one of the same definition, or from one of the rulebook's own? */
static bool follows_here(const following *f, size_t i, unsigned faults)
{
    const base_message m = base_error_message(f->e, i);
    const char *name = gov_error_argument(f->e, i, "name"), *kind = gov_error_argument(f->e, i, "kind");
    const unsigned root = f->l->rb->def_count > 0 ? f->faults[0] : 0;
    if ((f->all_messages & 1u) != 0 && follows_blank(f, i))
        return true;
    if ((f->all_messages & 2u) != 0 && follows_join(f, i))
        return true;
    if (m == M_event_never_comes || m == M_trigger_unknown)
        return (faults & FAULT_EVENTS) != 0;
    if (m == M_missing_key)
        return written_wrong(f, i, M_unknown_key, gov_error_argument(f->e, i, "key"));
    if (m == M_missing_field)
        return written_wrong(f, i, M_unknown_field, gov_error_argument(f->e, i, "field"));
    if (m == M_calendar_no_monday || m == M_calendar_no_hours)
        return (faults & FAULT_HOURS) != 0 || f->hours;
    if (m == M_undeclared_reference || m == M_no_such_field)
        return ((faults & FAULT_FIELDS) != 0 && (begins(name, "case.") || begins(name, "event.") || begins(name, "it."))) ||
               ((faults & FAULT_CLOCKS) != 0 && begins(name, "clocks.")) || ((root & FAULT_VALUES) != 0 && begins(name, "values."));
    if (m == M_unknown_name && is_text(kind, "state") && (faults & FAULT_LIMIT) != 0)
        return true;
    if (m == M_unknown_name)
        return (is_text(kind, "role") && (root & FAULT_ROLES) != 0) || (is_text(kind, "value") && (root & FAULT_VALUES) != 0);
    return false;
}

/* In a definition that was read as a whole: does the mistake follow from one that was not? */
static bool error_follows(const following *f, size_t i)
{
    static const char *const rooms[] = {"points_", "timebank_", "fund_", "share_", "kpi_", "transfer_"};
    const base_message m = base_error_message(f->e, i);
    const char *name = gov_error_argument(f->e, i, "name");
    if (m == M_unknown_name)
        return name_follows(f, gov_error_argument(f->e, i, "kind"));
    if (m == M_undeclared_reference || m == M_no_such_field)
        return begins(name, "values.") ? (f->torn & (1u << RB_RULEBOOK | 1u << RB_OVERLAY)) != 0
               : begins(name, "case.") || begins(name, "clocks.") || begins(name, "actor.") || begins(name, "event.")
                   ? false
                   : (f->torn & (1u << RB_RECORD | 1u << RB_WORKFLOW)) != 0;
    if (m == M_event_never_comes || m == M_trigger_unknown || m == M_required_not_given)
        return (f->torn & (1u << RB_WORKFLOW | 1u << RB_SCHEDULE)) != 0;
    if (m == M_no_calendar || m == M_value_no_duration)
        return (f->torn & (1u << RB_CALENDAR | 1u << RB_RULEBOOK | 1u << RB_OVERLAY)) != 0;
    for (size_t k = 0; k < ARRAY_LEN(rooms); k++)
        if (begins(base_message_code(m), rooms[k]))
            return (f->torn & (1u << RB_SECTION | 1u << RB_RECORD)) != 0;
    return false;
}

/* Where a part is missing, what refers to something may refer to that. */
static bool told_by_itself(const following *f, size_t i, unsigned lost)
{
    const base_message m = base_error_message(f->e, i);
    const char *kind = gov_error_argument(f->e, i, "kind"), *name = gov_error_argument(f->e, i, "name");
    const bool root_whole = (f->torn & (1u << RB_RULEBOOK | 1u << RB_OVERLAY)) == 0;
    if (ONE_OF(m, own))
        return true;
    if (m == M_unknown_name && is_text(kind, "action"))
        return true;
    if (m == M_unknown_name && is_text(kind, "state"))
        return (lost & RB_LOST_STATES) == 0;
    if (m == M_unknown_name && is_text(kind, "role"))
        return root_whole && lost == 0;
    if (m == M_event_never_comes || m == M_trigger_unknown)
        return lost == 0 && !error_follows(f, i);
    return m == M_undeclared_reference &&
           ((root_whole && (begins(name, "values.") || begins(name, "actor."))) ||
            (begins(name, "case.") && (lost & RB_LOST_FIELDS) == 0) || (begins(name, "clocks.") && (lost & RB_LOST_CLOCKS) == 0) ||
            (begins(name, "event.") && (lost & (RB_LOST_EVENTS | RB_LOST_STATES)) == 0));
}

static bool follows(const following *f, size_t i)
{
    const size_t def = def_of(f, i);
    const unsigned faults = def != SIZE_MAX ? f->faults[def] : 0;
    const unsigned kind = def != SIZE_MAX ? f->l->rb->defs[def].kind : RB_UNKNOWN;
    if (gov_error_severity(f->e, i) == GOV_SEVERITY_WARNING && (((f->all_messages & 1u) != 0 && follows_blank(f, i)) || warning_follows(f, i, faults)))
        return true;
    if (gov_error_severity(f->e, i) == GOV_SEVERITY_ERROR && follows_here(f, i, faults))
        return true;
    if (f->torn == 0 || gov_error_origin(f->e, i) == NULL)
        return false;
    if ((faults & FAULT_TORN) != 0 || kind == RB_SCENARIO || kind == RB_INDICATOR)
        return !told_by_itself(f, i, def != SIZE_MAX ? f->l->rb->defs[def].lost : RB_LOST_ALL);
    return gov_error_severity(f->e, i) == GOV_SEVERITY_ERROR && error_follows(f, i);
}

void rb_drop_followers(rulebook_loader *l)
{
    following f = {.l = l, .e = l->d != NULL && l->d->out != NULL ? *l->d->out : NULL};
    const size_t count = gov_error_count(f.e);
    if (base_errors(l->d) == 0 || rb_out(l))
        return;
    f.faults = base_array(l->rb->alloc, l->rb->def_count + 1, sizeof *f.faults);
    bool *drop = base_array(l->rb->alloc, count + 1, sizeof *drop);
    if (f.faults != NULL && drop != NULL) {
        gather(&f);
        for (size_t i = 0; i < count; i++)
            drop[i] = follows(&f, i);
        base_drop_errors(l->d, drop);
    } else {
        rb_note(l, base_nomem(l->d));
    }
    base_free(l->rb->alloc, f.faults);
    base_free(l->rb->alloc, drop);
}
