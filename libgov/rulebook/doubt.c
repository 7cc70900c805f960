/* What compiles and runs, and is surely not what was meant: clocks that never start or stop, events that nobody can send, fields that
 * rules read and nothing sets, roles without any use. Transitions that nothing lets through: never.c. */
#include "rulebook/lint.h"

#include <string.h>

/* ---- clocks ---- */

static bool some_transition_takes(const rulebook_workflow *w, const bool *reached, const char *event)
{
    for (uint32_t i = 0; i < chart_transition_count(w->chart); i++) {
        const chart_transition *t = chart_transition_at(w->chart, i);
        for (size_t k = 0; reached[t->source] && k < t->event_count; k++)
            if (chart_matches(t->events[k].s, t->events[k].len, event, strlen(event)))
                return true;
    }
    return false;
}

/* Can any of these ever come? Events that the workflow makes itself reach its clocks even where no state takes them. */
static bool comes(const rulebook_workflow *w, const bool *reached, const rb_names *made, const rulebook_triggers *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const rulebook_trigger *t = &list->items[i];
        if (t->state != RULEBOOK_NONE ? reached[t->state]
                                      : rb_names_have(made, t->name) || some_transition_takes(w, reached, t->name))
            return true;
    }
    return false;
}

static void check_clocks(rulebook_loader *l, const rulebook_workflow *w, const bool *reached, const rb_names *made)
{
    for (uint32_t i = 0; i < w->clock_count; i++) {
        const rulebook_clock *c = &w->clocks[i];
        if (!comes(w, reached, made, &c->starts))
            rb_warn(l, c->place, M_clock_never_starts, A_S("clock", c->name));
        else if (!comes(w, reached, made, &c->stops))
            rb_warn(l, c->place, M_clock_never_stops, A_S("clock", c->name));
    }
}

/* ---- events ---- */

static void check_senders(rulebook_loader *l, const rulebook_workflow *w, const rb_names *made, const rb_names *elsewhere)
{
    for (uint32_t i = 0; i < w->event_count && !l->rb->lenient; i++) {
        const rulebook_event *e = &w->events[i];
        if (e->by.count == 0 && !rb_names_have(made, e->name) && !rb_names_have(elsewhere, e->name))
            rb_warn(l, e->place, M_event_nobody_sends, A_S("event", e->name));
    }
}

/* ---- fields ---- */

typedef struct reading {
    const rulebook_workflow *w;
    bool *read, *tested, *set; /* by field */
} reading;

/* Where in the text "case.NAME" ends, or 0; `from` is where to begin. */
static size_t find_field(const char *s, size_t len, size_t from, const char *name, const char *before)
{
    const size_t n = strlen(name), b = strlen(before);
    for (size_t at = from; at + b + n <= len; at++) {
        if (memcmp(s + at, before, b) != 0 || memcmp(s + at + b, name, n) != 0)
            continue;
        const char next = at + b + n < len ? s[at + b + n] : ' ';
        if (!((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || (next >= '0' && next <= '9') || next == '_'))
            return at + b + n;
    }
    return 0;
}

/* has(case.x), case.?x, case.x == null, case.x != null */
static bool tests_presence(const expr_program *p, const char *name)
{
    size_t len;
    const char *s = expr_program_source(p, &len);
    if (find_field(s, len, 0, name, "has(case.") != 0 || find_field(s, len, 0, name, "case.?") != 0)
        return true;
    for (size_t at = 0; (at = find_field(s, len, at, name, "case.")) != 0;) {
        size_t k = at;
        while (k < len && s[k] == ' ')
            k++;
        if (k + 2 > len || s[k + 1] != '=' || (s[k] != '=' && s[k] != '!'))
            continue;
        k += 2;
        while (k < len && s[k] == ' ')
            k++;
        if (len - k >= 4 && memcmp(s + k, "null", 4) == 0)
            return true;
    }
    return false;
}

static void read_program(reading *r, const expr_program *p)
{
    size_t count = 0;
    const uint32_t *slots = p != NULL ? expr_program_slots(p, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        const rulebook_slot *slot = slots[i] < r->w->slot_count ? &r->w->slots[slots[i]] : NULL;
        if (slot == NULL || slot->kind != RULEBOOK_SLOT_FIELD)
            continue;
        r->read[slot->index] = true;
        r->tested[slot->index] = r->tested[slot->index] || tests_presence(p, r->w->fields.items[slot->index].name);
    }
}

static void read_length(reading *r, const rulebook_duration *d)
{
    read_program(r, d->expr);
    for (uint32_t i = 0; i < d->case_count; i++) {
        read_program(r, d->cases[i].when);
        read_length(r, &d->cases[i].is);
    }
}

static void read_argument(reading *r, const rulebook_argument *a)
{
    read_program(r, a->expr);
    read_length(r, &a->duration);
    for (uint32_t i = 0; i < a->member_count; i++)
        read_argument(r, &a->members[i]);
}

static void read_block(reading *r, const rulebook_block *b);

static void read_action(reading *r, const rulebook_action *a)
{
    switch (a->kind) {
    case RULEBOOK_SET:
        for (uint32_t i = 0; i < a->as.set.count; i++) {
            if (a->as.set.items[i].field < r->w->fields.count)
                r->set[a->as.set.items[i].field] = true;
            read_program(r, a->as.set.items[i].expr);
        }
        return;
    case RULEBOOK_RAISE:
        read_program(r, a->as.raise.data);
        return;
    case RULEBOOK_SEND:
        read_program(r, a->as.send.data);
        read_program(r, a->as.send.at);
        read_length(r, &a->as.send.after);
        return;
    case RULEBOOK_IF:
        read_program(r, a->as.branch.when);
        read_block(r, &a->as.branch.then);
        read_block(r, &a->as.branch.otherwise);
        return;
    case RULEBOOK_EFFECT:
        for (uint32_t i = 0; i < a->as.effect.count; i++)
            read_argument(r, &a->as.effect.args[i]);
        return;
    default:
        return;
    }
}

static void read_block(reading *r, const rulebook_block *b)
{
    for (uint32_t i = 0; i < b->count; i++)
        read_action(r, &b->items[i]);
}

static void read_workflow(reading *r)
{
    const rulebook_workflow *w = r->w;
    for (uint32_t i = 0; i < w->guard_count; i++)
        read_program(r, w->guards[i].when);
    for (uint32_t i = 0; i < w->block_count; i++)
        read_block(r, &w->blocks[i]);
    for (uint32_t i = 0; i < w->timer_count; i++) {
        read_program(r, w->timers[i].at);
        read_length(r, &w->timers[i].delay);
    }
    for (uint32_t i = 0; i < w->clock_count; i++) {
        read_program(r, w->clocks[i].due);
        read_length(r, &w->clocks[i].budget);
    }
}

/* Does a rule that opens cases of the workflow give the field? */
static bool is_given(const rb_full *rb, const rulebook_workflow *w, const char *field)
{
    const size_t n = strlen(w->name);
    for (size_t i = 0; i < rb->given.count; i++)
        if (strncmp(rb->given.items[i], w->name, n) == 0 && rb->given.items[i][n] == '.' && strcmp(rb->given.items[i] + n + 1, field) == 0)
            return true;
    return false;
}

/* A field that is optional, has no default, is set by no rule, and is read as if it were always there. */
void rb_doubt_fields(rulebook_loader *l, const rulebook_workflow *w)
{
    const size_t count = w->fields.count;
    bool *flags = base_array(l->rb->alloc, 3 * count + 1, sizeof *flags);
    if (flags == NULL) {
        rb_note(l, base_nomem(l->d));
        return;
    }
    reading r = {w, flags, flags + count, flags + 2 * count};
    read_workflow(&r);
    for (uint32_t i = 0; i < count; i++) {
        const rulebook_field *f = &w->fields.items[i];
        if (r.read[i] && !r.tested[i] && !r.set[i] && !f->required && value_is(f->preset, VALUE_ABSENT) &&
            !is_given(l->rb, w, f->name))
            rb_warn(l, f->place, M_field_never_set, A_S("field", f->name));
    }
    base_free(l->rb->alloc, flags);
}

/* ---- one workflow ---- */

void rb_doubt(rulebook_loader *l, const rulebook_workflow *w, const bool *reached, const rb_names *elsewhere)
{
    rb_names made = {0};
    rb_made_events(l, w, &made);
    check_clocks(l, w, reached, &made);
    rb_doubt_dues(l, w, reached);
    check_senders(l, w, &made, elsewhere);
    rb_names_free(l, &made);
}

/* ---- roles ---- */

/* Is there the word in quotes, as in `'clerk' in actor.roles`? */
static bool is_quoted(const rb_full *rb, const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < rb->source_count; i++) {
        const char *s = rb->sources[i].bytes, *end = s + rb->sources[i].len;
        for (const char *p = s; (size_t)(end - p) > n && (p = memchr(p + 1, name[0], (size_t)(end - p) - 1)) != NULL;)
            if ((size_t)(end - p) > n && memcmp(p, name, n) == 0 && (p[-1] == '\'' || p[-1] == '"') && (p[n] == '\'' || p[n] == '"'))
                return true;
    }
    return false;
}

void rb_doubt_roles(rulebook_loader *l, const rulebook_role *roles, uint32_t count)
{
    for (uint32_t i = 0; i < count && !l->rb->lenient; i++)
        if (roles[i].name[0] != '\0' && !rb_names_have(&l->rb->used_roles, roles[i].name) && !is_quoted(l->rb, roles[i].name))
            rb_warn(l, roles[i].place, M_role_unused, A_S("role", roles[i].name));
}
