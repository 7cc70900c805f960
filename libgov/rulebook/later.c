/* Effects that end later: which ones a workflow begins, and the events by which they report. These events come from their effect and from
 * nobody else, and their data have the types that the effect declares. */
#include "rulebook/workflow.h"

#include <string.h>

#include "rulebook/lint.h"

const rulebook_effect *rulebook_find_effect(const rulebook_host *host, const char *name)
{
    const rulebook_host *part;
    for (size_t k = 0; (part = rulebook_host_part(host, k)) != NULL; k++)
        for (size_t i = 0; i < part->effect_count; i++)
            if (strcmp(part->effects[i].name, name) == 0)
                return &part->effects[i];
    return NULL;
}

const rulebook_later *rulebook_find_later(const rulebook_workflow *w, const char *id)
{
    for (uint32_t i = 0; i < w->later_count; i++)
        if (strcmp(w->laters[i].id, id) == 0)
            return &w->laters[i];
    return NULL;
}

const rulebook_report *rulebook_find_report(const rulebook_effect *e, const char *name)
{
    for (uint32_t i = 0; i < e->report_count; i++)
        if (strcmp(e->reports[i].name, name) == 0)
            return &e->reports[i];
    return NULL;
}

/* ---- looking for them, before any expression is compiled: what events bring must be known by then ---- */

static const rb_node *id_of(const rulebook_effect *e, const rb_node *args)
{
    for (uint32_t i = 0; i < e->param_count; i++) {
        const rb_node *id = e->params[i].kind == RULEBOOK_PARAM_ID ? rb_get(args, e->params[i].name) : NULL;
        if (id != NULL && id->kind == RB_SCALAR && rb_is_name(id->as.text, id->count))
            return id;
    }
    return NULL;
}

static void add_reports(rulebook_loader *l, const rulebook_later *later)
{
    const size_t len = strlen(later->id);
    for (uint32_t i = 0; i < later->effect->report_count; i++) {
        const rulebook_report *r = &later->effect->reports[i];
        rb_report *added = rb_list_add(l, &l->work->reports);
        char *event = rb_alloc(l, len + strlen(r->name) + 2, 1);
        if (added == NULL || event == NULL)
            return;
        memcpy(event, later->id, len);
        event[len] = '.';
        memcpy(event + len + 1, r->name, strlen(r->name) + 1);
        *added = (rb_report){event, later, r};
    }
}

static void add_later(rulebook_loader *l, const rulebook_effect *e, const rb_node *id, rb_list *found)
{
    static const char *const reserved[] = {"done", "error", "child"};
    const rulebook_later *known = found->items;
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (rb_is(id, reserved[i])) {
            rb_fail(l, id, M_effect_id_reserved, A_S("id", id->as.text));
            return;
        }
    for (size_t i = 0; i < found->count; i++) {
        if (!rb_is(id, known[i].id))
            continue;
        if (known[i].effect != e)
            rb_fail(l, id, M_effect_id_taken, A_S("id", id->as.text), A_S("effect", known[i].effect->name),
                    A_I("line", known[i].place.line));
        return;
    }
    rulebook_later *later = rb_list_add(l, found);
    if (later != NULL)
        *later = (rulebook_later){rb_copy(l, id->as.text, id->count), e, rb_place(id)};
}

/* Actions are the items of lists, maps of one key. */
static void look(rulebook_loader *l, const rb_node *n, bool item, rb_list *found)
{
    if (n->kind == RB_LIST)
        for (uint32_t i = 0; i < n->count && !rb_out(l); i++)
            look(l, n->as.items[i], true, found);
    if (n->kind != RB_MAP)
        return;
    const rb_pair *only = item && n->count == 1 ? &n->as.pairs[0] : NULL;
    const rulebook_effect *e = only != NULL && only->val->kind == RB_MAP ? rulebook_find_effect(l->rb->pub.host, only->key->as.text) : NULL;
    const rb_node *id = e != NULL && e->report_count > 0 ? id_of(e, only->val) : NULL;
    if (id != NULL)
        add_later(l, e, id, found);
    for (uint32_t i = 0; i < n->count && !rb_out(l); i++)
        look(l, n->as.pairs[i].val, false, found);
}

void rb_laters(rulebook_loader *l)
{
    rulebook_workflow *w = l->work->w;
    rb_list found = {.size = sizeof(rulebook_later)};
    look(l, l->work->root, false, &found);
    w->later_count = (uint32_t)found.count;
    w->laters = rb_list_finish(l, &found);
    base_free(l->rb->alloc, found.items);
    if (w->laters == NULL)
        w->later_count = 0;
    for (uint32_t i = 0; i < w->later_count && !rb_out(l); i++)
        add_reports(l, &w->laters[i]);
}

/* ---- when all is compiled ---- */

static const rulebook_later *owner_of(const rulebook_workflow *w, const char *event)
{
    for (uint32_t i = 0; i < w->later_count; i++) {
        const size_t len = strlen(w->laters[i].id);
        if (strncmp(event, w->laters[i].id, len) == 0 && event[len] == '.' &&
            rulebook_find_report(w->laters[i].effect, event + len + 1) != NULL)
            return &w->laters[i];
    }
    return NULL;
}

static void check_sender(rulebook_loader *l, const rulebook_workflow *w, const char *event, const base_place *place)
{
    const rulebook_later *later = event != NULL ? owner_of(w, event) : NULL;
    if (later != NULL)
        rb_note(l, base_fail_at(l->d, place, M_effect_event_sent, A_S("event", event), A_S("effect", later->effect->name),
                                A_I("line", later->place.line)));
}

static void each_action(rulebook_loader *l, const rulebook_block *b, void (*visit)(rulebook_loader *, const rulebook_action *, void *),
                        void *user)
{
    for (uint32_t i = 0; i < b->count && !rb_out(l); i++) {
        visit(l, &b->items[i], user);
        if (b->items[i].kind == RULEBOOK_IF) {
            each_action(l, &b->items[i].as.branch.then, visit, user);
            each_action(l, &b->items[i].as.branch.otherwise, visit, user);
        }
    }
}

typedef struct checking {
    const rulebook_workflow *w;
    rb_names ids; /* of sends and of effects that end later */
} checking;

static void collect_id(rulebook_loader *l, const rulebook_action *a, void *user)
{
    checking *c = user;
    if (a->kind == RULEBOOK_SEND && a->as.send.id != NULL)
        rb_names_add(l, &c->ids, a->as.send.id);
}

static void check_id(rulebook_loader *l, const checking *c, const char *id, const base_place *place)
{
    if (id != NULL && !l->rb->lenient && !rb_names_have(&c->ids, id))
        rb_note(l, base_fail_at(l->d, place, M_unknown_name, A_S("kind", "id"), A_S("name", id), A_S("near", rb_nearest(&c->ids, id))));
}

static void check_action(rulebook_loader *l, const rulebook_action *a, void *user)
{
    const checking *c = user;
    if (a->kind == RULEBOOK_RAISE)
        check_sender(l, c->w, a->as.raise.event, &a->place);
    if (a->kind == RULEBOOK_SEND && a->as.send.to == RULEBOOK_TO_SELF)
        check_sender(l, c->w, a->as.send.event, &a->place);
    if (a->kind == RULEBOOK_CANCEL)
        check_id(l, c, a->as.cancel.id, &a->place);
    for (uint32_t i = 0; a->kind == RULEBOOK_EFFECT && i < a->as.effect.count; i++) {
        const rulebook_argument *arg = &a->as.effect.args[i];
        if (arg->param->kind == RULEBOOK_PARAM_OF_ID)
            check_id(l, c, arg->text, &arg->place);
    }
}

void rb_check_laters(rulebook_loader *l, const rulebook_workflow *w)
{
    checking c = {.w = w};
    for (uint32_t i = 0; i < w->later_count; i++)
        rb_names_add(l, &c.ids, w->laters[i].id);
    for (uint32_t i = 0; i < w->block_count; i++)
        each_action(l, &w->blocks[i], collect_id, &c);
    for (uint32_t i = 0; i < w->block_count; i++)
        each_action(l, &w->blocks[i], check_action, &c);
    for (uint32_t i = 0; i < w->event_count; i++)
        check_sender(l, w, w->events[i].name, &w->events[i].place);
    for (uint32_t i = 0; i < w->clock_count; i++)
        for (uint32_t k = 0; k < w->clocks[i].mark_count; k++)
            check_sender(l, w, w->clocks[i].marks[k].event, &w->clocks[i].marks[k].place);
    rb_names_free(l, &c.ids);
}

/* What a workflow sends to other cases must not pass for a report of their effects. */
static void check_message(rulebook_loader *l, const rulebook_action *a, void *user)
{
    if (a->kind == RULEBOOK_SEND && a->as.send.to != RULEBOOK_TO_SELF && a->as.send.to != RULEBOOK_TO_PARENT)
        check_sender(l, user, a->as.send.event, &a->place);
}

void rb_check_messages(rulebook_loader *l, const rulebook_workflow *sender, const rulebook_workflow *receiver)
{
    for (uint32_t i = 0; receiver->later_count > 0 && i < sender->block_count; i++)
        each_action(l, &sender->blocks[i], check_message, (void *)(uintptr_t)receiver);
}
