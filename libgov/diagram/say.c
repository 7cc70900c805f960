/* What a drawing says: titles, events, guards, effects, durations, in the reader's language. */
#include "diagram/inner.h"

#include <string.h>

void *diagram_alloc(diagram_job *g, size_t count, size_t size)
{
    void *p = g->failed ? NULL : base_arena_array(g->arena, count > 0 ? count : 1, size);
    g->failed = g->failed || p == NULL;
    return p;
}

const char *diagram_keep(diagram_job *g, base_buf *b)
{
    char *s = b->failed ? NULL : base_arena_strndup(g->arena, b->len > 0 ? b->data : "", b->len);
    base_buf_free(b);
    g->failed = g->failed || s == NULL;
    return s != NULL ? s : "";
}

const char *diagram_say_word(const diagram_job *g, diagram_word word)
{
    static const struct {
        const char *en, *zh;
    } words[] = {
#define WORD(name, en, zh) {en, zh},
#include "diagram/words.def"
#undef WORD
    };
    return g->zh ? words[word].zh : words[word].en;
}

static void word(const diagram_job *g, base_buf *b, diagram_word w)
{
    base_buf_str(b, diagram_say_word(g, w));
}

const char *diagram_state_title(const diagram_job *g, uint32_t state)
{
    const rulebook_state *s = &g->w->states[state];
    if (state == CHART_ROOT)
        return rulebook_text_in(&g->w->title, g->lang, g->w->name);
    return rulebook_text_in(&s->title, g->lang, s->name);
}

/* ---- events ---- */

static bool starts_with(const char *s, size_t len, const char *prefix)
{
    const size_t n = strlen(prefix);
    return len >= n && memcmp(s, prefix, n) == 0;
}

void diagram_say_event(const diagram_job *g, base_buf *b, const char *name, size_t len)
{
    static const char done[] = "done.state.";
    if (starts_with(name, len, done)) {
        const uint32_t s = chart_find(g->c, name + sizeof done - 1, len - (sizeof done - 1));
        word(g, b, DIAGRAM_W_done);
        if (s != CHART_NONE) {
            base_buf_str(b, g->zh ? "：" : ": ");
            base_buf_str(b, diagram_state_title(g, s));
        }
        return;
    }
    for (uint32_t i = 0; i < g->w->event_count; i++) {
        const rulebook_event *e = &g->w->events[i];
        if (strlen(e->name) == len && memcmp(e->name, name, len) == 0) {
            base_buf_str(b, rulebook_text_in(&e->title, g->lang, e->name));
            return;
        }
    }
    base_buf_add(b, name, len);
}

/* ---- durations ---- */

static const char *const units[][2] = {
    {"second", "秒"}, {"minute", "分钟"}, {"hour", "小时"}, {"day", "天"}, {"week", "周"}, {"month", "个月"},
    {"year", "年"}, {"working second", "个工作秒"}, {"working minute", "个工作分钟"}, {"working hour", "个工作小时"},
    {"working day", "个工作日"},
};

/* "5 working days" in Chinese; what has another form stays as it is. */
static void translate(base_buf *b, const char *s, size_t len)
{
    const char *blank = memchr(s, ' ', len);
    const size_t digits = blank != NULL ? (size_t)(blank - s) : len;
    for (size_t i = 0; blank != NULL && i < ARRAY_LEN(units); i++) {
        const size_t n = strlen(units[i][0]), rest = len - digits - 1;
        if (rest < n || rest > n + 1 || memcmp(blank + 1, units[i][0], n) != 0 || (rest > n && blank[1 + n] != 's'))
            continue;
        base_buf_add(b, s, digits);
        base_buf_char(b, ' ');
        base_buf_str(b, units[i][1]);
        return;
    }
    base_buf_add(b, s, len);
}

static void fixed(const diagram_job *g, base_buf *b, cal_duration d)
{
    base_buf text;
    base_buf_init(&text, g->alloc);
    cal_write_duration(&text, d);
    if (text.len > 0 && g->zh)
        translate(b, text.data, text.len);
    else if (text.len > 0)
        base_buf_add(b, text.data, text.len);
    b->failed = b->failed || text.failed;
    base_buf_free(&text);
}

/* An expression on one line. */
static void source(base_buf *b, const expr_program *p)
{
    size_t len = 0;
    const char *s = p != NULL ? expr_program_source(p, &len) : "";
    bool blank = true;
    for (size_t i = 0; i < len; i++) {
        const bool is = s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r';
        if (!is)
            base_buf_char(b, s[i]);
        else if (!blank)
            base_buf_char(b, ' ');
        blank = is;
    }
    while (b->len > 0 && b->data[b->len - 1] == ' ')
        b->data[--b->len] = '\0';
}

void diagram_say_duration(const diagram_job *g, base_buf *b, const rulebook_duration *d)
{
    switch (d->kind) {
    case RULEBOOK_LENGTH_FIXED:
        fixed(g, b, d->fixed);
        return;
    case RULEBOOK_LENGTH_EXPR:
        source(b, d->expr);
        return;
    case RULEBOOK_LENGTH_CASES:
        for (uint32_t i = 0; i < d->case_count; i++) {
            if (i > 0)
                word(g, b, DIAGRAM_W_semicolon);
            diagram_say_duration(g, b, &d->cases[i].is);
            if (d->cases[i].when != NULL) {
                base_buf_str(b, " [");
                source(b, d->cases[i].when);
                base_buf_char(b, ']');
            } else if (i > 0) {
                base_buf_str(b, " [");
                word(g, b, DIAGRAM_W_otherwise);
                base_buf_char(b, ']');
            }
        }
        return;
    default:
        return;
    }
}

/* ---- actions ---- */

static void say_set(const diagram_job *g, base_buf *b, const rulebook_action *a)
{
    word(g, b, DIAGRAM_W_set);
    for (uint32_t i = 0; i < a->as.set.count; i++) {
        const rulebook_field *f = &g->w->fields.items[a->as.set.items[i].field];
        if (i > 0)
            word(g, b, DIAGRAM_W_comma);
        base_buf_str(b, rulebook_text_in(&f->title, g->lang, f->name));
    }
}

static void say_send(const diagram_job *g, base_buf *b, const rulebook_send *s)
{
    word(g, b, DIAGRAM_W_send);
    diagram_say_event(g, b, s->event, strlen(s->event));
    if (s->to == RULEBOOK_TO_PARENT)
        word(g, b, DIAGRAM_W_to_parent);
    if (s->to == RULEBOOK_TO_CHILDREN)
        word(g, b, DIAGRAM_W_to_children);
    if (s->to == RULEBOOK_TO_LINK && s->link != NULL) {
        word(g, b, DIAGRAM_W_to_link);
        base_buf_str(b, s->link);
    }
    if (s->after.kind != RULEBOOK_LENGTH_NONE) {
        base_buf_char(b, ' ');
        word(g, b, DIAGRAM_W_after_before);
        diagram_say_duration(g, b, &s->after);
        word(g, b, DIAGRAM_W_after_after);
    } else if (s->at != NULL) {
        base_buf_char(b, ' ');
        word(g, b, DIAGRAM_W_at);
        source(b, s->at);
    }
}

/* The word for an effect or a part of one; its name when there is none. */
static const char *effect_word(const diagram_job *g, const char *name)
{
    static const struct {
        const char *name;
        diagram_word word;
    } known[] = {
        {"assign", DIAGRAM_W_assign}, {"notify", DIAGRAM_W_notify}, {"open", DIAGRAM_W_open},   {"link", DIAGRAM_W_link},
        {"award", DIAGRAM_W_award},   {"deduct", DIAGRAM_W_deduct}, {"unit", DIAGRAM_W_unit},   {"staff", DIAGRAM_W_staff},
        {"grid", DIAGRAM_W_grid},     {"redeem", DIAGRAM_W_redeem}, {"publish", DIAGRAM_W_publish}, {"book", DIAGRAM_W_book},
        {"transfer", DIAGRAM_W_transfer}, {"merge", DIAGRAM_W_merge}, {"into", DIAGRAM_W_into},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, name) == 0)
            return diagram_say_word(g, known[i].word);
    return name;
}

/* What an argument names: a template or a workflow by its title; NULL: nothing. */
static const char *named(const diagram_job *g, const rulebook_argument *arg)
{
    const unsigned kind = arg->param->kind;
    const rulebook *rb = g->w->owner;
    if (arg->text == NULL || kind == RULEBOOK_PARAM_VAR || kind == RULEBOOK_PARAM_TEXT)
        return NULL;
    if (kind == RULEBOOK_PARAM_TEMPLATE && rb != NULL) {
        const rulebook_template *t = rulebook_find_template(rb, arg->text);
        return t != NULL ? rulebook_text_in(&t->title, g->lang, arg->text) : arg->text;
    }
    if (kind == RULEBOOK_PARAM_WORKFLOW && rb != NULL) {
        const rulebook_workflow *w = NULL;
        return rulebook_get_workflow(rb, arg->text, &w, NULL) == GOV_OK ? rulebook_text_in(&w->title, g->lang, arg->text) : arg->text;
    }
    return arg->text;
}

/* The effect and the thing that it names first, "notify accepted", else its parts: "assign unit". */
static void say_effect(const diagram_job *g, base_buf *b, const rulebook_action *a)
{
    const char *first = NULL;
    base_buf_str(b, effect_word(g, a->as.effect.effect->name));
    for (uint32_t i = 0; first == NULL && i < a->as.effect.count; i++)
        first = named(g, &a->as.effect.args[i]);
    if (first != NULL) {
        base_buf_char(b, ' ');
        base_buf_str(b, first);
    }
    for (uint32_t i = 0; first == NULL && i < a->as.effect.count && i < 3; i++) {
        base_buf_str(b, i > 0 ? diagram_say_word(g, DIAGRAM_W_comma) : " ");
        base_buf_str(b, effect_word(g, a->as.effect.args[i].name));
    }
}

static void say_actions(const diagram_job *g, base_buf *b, const rulebook_block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        const rulebook_action *a = &block->items[i];
        if (i > 0)
            word(g, b, DIAGRAM_W_semicolon);
        switch (a->kind) {
        case RULEBOOK_SET:
            say_set(g, b, a);
            break;
        case RULEBOOK_RAISE:
            word(g, b, DIAGRAM_W_raise);
            diagram_say_event(g, b, a->as.raise.event, strlen(a->as.raise.event));
            break;
        case RULEBOOK_SEND:
            say_send(g, b, &a->as.send);
            break;
        case RULEBOOK_CANCEL:
            word(g, b, DIAGRAM_W_cancel);
            base_buf_str(b, a->as.cancel.id);
            break;
        case RULEBOOK_IF:
            word(g, b, DIAGRAM_W_if_);
            source(b, a->as.branch.when);
            word(g, b, DIAGRAM_W_then);
            say_actions(g, b, &a->as.branch.then);
            if (a->as.branch.otherwise.count > 0) {
                word(g, b, DIAGRAM_W_semicolon);
                word(g, b, DIAGRAM_W_otherwise);
                word(g, b, DIAGRAM_W_then);
                say_actions(g, b, &a->as.branch.otherwise);
            }
            break;
        case RULEBOOK_LOG:
            word(g, b, DIAGRAM_W_log);
            break;
        default:
            say_effect(g, b, a);
        }
    }
}

void diagram_say_block(const diagram_job *g, base_buf *b, uint32_t block)
{
    if (block < g->w->block_count)
        say_actions(g, b, &g->w->blocks[block]);
}

/* ---- transitions ---- */

/* "at clocks.NAME.due" is what most timers with an instant say. */
static void say_instant(const diagram_job *g, base_buf *b, const expr_program *at)
{
    size_t len = 0;
    const char *s = expr_program_source(at, &len);
    for (uint32_t i = 0; i < g->w->clock_count; i++) {
        const rulebook_clock *c = &g->w->clocks[i];
        const size_t n = strlen(c->name);
        if (len == n + 11 && memcmp(s, "clocks.", 7) == 0 && memcmp(s + 7, c->name, n) == 0 &&
            memcmp(s + 7 + n, ".due", 4) == 0) {
            word(g, b, DIAGRAM_W_due_before);
            base_buf_str(b, rulebook_text_in(&c->title, g->lang, c->name));
            word(g, b, DIAGRAM_W_due_after);
            return;
        }
    }
    word(g, b, DIAGRAM_W_at);
    source(b, at);
}

static void say_trigger(const diagram_job *g, base_buf *b, uint32_t transition)
{
    const rulebook_transition *t = &g->w->transitions[transition];
    const chart_transition *ct = chart_transition_at(g->c, transition);
    if (t->timer != RULEBOOK_NONE) {
        const rulebook_timer *timer = &g->w->timers[t->timer];
        if (timer->at != NULL) {
            say_instant(g, b, timer->at);
        } else {
            word(g, b, DIAGRAM_W_after_before);
            diagram_say_duration(g, b, &timer->delay);
            word(g, b, DIAGRAM_W_after_after);
        }
        return;
    }
    for (size_t i = 0; i < ct->event_count; i++) {
        char own[] = "done.state.";
        const char *path = chart_path(g->c, ct->source);
        const bool done = starts_with(ct->events[i].s, ct->events[i].len, own) &&
                          ct->events[i].len == sizeof own - 1 + strlen(path) &&
                          memcmp(ct->events[i].s + sizeof own - 1, path, strlen(path)) == 0;
        if (i > 0)
            word(g, b, DIAGRAM_W_comma);
        if (done)
            word(g, b, DIAGRAM_W_done);
        else
            diagram_say_event(g, b, ct->events[i].s, ct->events[i].len);
    }
}

/* Does an earlier transition of the same state take the same, under a condition? */
static bool is_otherwise(const diagram_job *g, uint32_t transition)
{
    const chart_transition *me = chart_transition_at(g->c, transition);
    for (uint32_t i = transition; i-- > 0;) {
        const chart_transition *t = chart_transition_at(g->c, i);
        if (t->source != me->source)
            break;
        if (strcmp(g->w->transitions[i].on, g->w->transitions[transition].on) == 0 &&
            g->w->transitions[i].timer == RULEBOOK_NONE && t->guard != CHART_NONE)
            return true;
    }
    return false;
}

static void say_roles(const diagram_job *g, base_buf *b, const rulebook_names *roles)
{
    for (uint32_t i = 0; i < roles->count; i++) {
        const rulebook_role *r = g->w->owner != NULL ? rulebook_find_role(g->w->owner, g->w, roles->items[i]) : NULL;
        if (b->len > 0)
            word(g, b, DIAGRAM_W_comma);
        base_buf_str(b, r != NULL ? rulebook_text_in(&r->title, g->lang, r->name) : roles->items[i]);
    }
}

static const char *say_by(diagram_job *g, uint32_t transition)
{
    const chart_transition *ct = chart_transition_at(g->c, transition);
    base_buf b;
    base_buf_init(&b, g->alloc);
    say_roles(g, &b, &g->w->transitions[transition].by);
    for (size_t i = 0; b.len == 0 && i < ct->event_count; i++)
        for (uint32_t k = 0; k < g->w->event_count; k++)
            if (strlen(g->w->events[k].name) == ct->events[i].len &&
                memcmp(g->w->events[k].name, ct->events[i].s, ct->events[i].len) == 0)
                say_roles(g, &b, &g->w->events[k].by);
    return diagram_keep(g, &b);
}

diagram_saying diagram_say(diagram_job *g, uint32_t transition)
{
    const rulebook_transition *t = &g->w->transitions[transition];
    diagram_saying s = {.timer = t->timer != RULEBOOK_NONE};
    base_buf b;
    base_buf_init(&b, g->alloc);
    say_trigger(g, &b, transition);
    s.on = diagram_keep(g, &b);
    base_buf_init(&b, g->alloc);
    if (t->guard != CHART_NONE)
        source(&b, g->w->guards[t->guard].when);
    else if (is_otherwise(g, transition))
        word(g, &b, DIAGRAM_W_otherwise);
    s.guard = diagram_keep(g, &b);
    base_buf_init(&b, g->alloc);
    diagram_say_block(g, &b, t->block);
    s.effects = diagram_keep(g, &b);
    s.by = say_by(g, transition);
    return s;
}

const char *diagram_say_line(diagram_job *g, const diagram_saying *s)
{
    base_buf b;
    base_buf_init(&b, g->alloc);
    base_buf_str(&b, s->on);
    if (s->guard[0] != '\0') {
        base_buf_str(&b, b.len > 0 ? " [" : "[");
        base_buf_str(&b, s->guard);
        base_buf_char(&b, ']');
    }
    if (s->effects[0] != '\0') {
        base_buf_str(&b, b.len > 0 ? " / " : "/ ");
        base_buf_str(&b, s->effects);
    }
    return diagram_keep(g, &b);
}

/* ---- inside a state ---- */

bool diagram_stays(const diagram_job *g, uint32_t transition)
{
    const chart_transition *t = chart_transition_at(g->c, transition);
    return t->target_count == 0 || (t->target_count == 1 && t->targets[0] == t->source);
}

static void add_blocks(diagram_job *g, diagram_inside *in, const uint32_t *blocks, size_t count, diagram_word lead)
{
    base_buf b;
    base_buf_init(&b, g->alloc);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            word(g, &b, DIAGRAM_W_semicolon);
        diagram_say_block(g, &b, blocks[i]);
    }
    const char *text = diagram_keep(g, &b);
    if (count == 0 || g->failed)
        return;
    in->lead[in->count] = "";
    in->items[in->count++] = (diagram_saying){.on = diagram_say_word(g, lead), .guard = "", .effects = text, .by = ""};
}

diagram_inside diagram_say_inside(diagram_job *g, uint32_t state)
{
    diagram_inside in = {0};
    const uint32_t all = (uint32_t)chart_transition_count(g->c);
    size_t count = 2, entries, exits;
    for (uint32_t i = 0; i < all; i++)
        count += chart_transition_at(g->c, i)->source == state && diagram_stays(g, i);
    in.items = diagram_alloc(g, count, sizeof *in.items);
    in.lead = diagram_alloc(g, count, sizeof *in.lead);
    if (g->failed)
        return (diagram_inside){0};
    const uint32_t *entry = chart_entry_blocks(g->c, state, &entries), *leave = chart_exit_blocks(g->c, state, &exits);
    add_blocks(g, &in, entry, entries, DIAGRAM_W_entry);
    for (uint32_t i = 0; i < all && !g->failed; i++) {
        const chart_transition *t = chart_transition_at(g->c, i);
        if (t->source != state || !diagram_stays(g, i))
            continue;
        in.lead[in.count] = t->target_count > 0 ? "↺ " : "";
        in.items[in.count++] = diagram_say(g, i);
    }
    if (!g->failed)
        add_blocks(g, &in, leave, exits, DIAGRAM_W_exit);
    return in;
}
