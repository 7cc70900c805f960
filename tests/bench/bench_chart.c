/* Statecharts: events through a chart of ten states with guards, beside the same machine as a switch in C. */
#include "bench/common/bench.h"

#include <string.h>

#include "support/chart_text.h"

enum { EVENTS = 300000, RESTORES = 30000, CHARTS = 50 };

static const char shape[] = "open\n"
                            "  > withdraw -> closed ?4\n"
                            "  received\n"
                            "    > dispatch -> handling ?0 !1\n"
                            "  handling\n"
                            "    > return -> return_asked ?1\n"
                            "    > overdue !2\n"
                            "    > finish -> feedback\n"
                            "  return_asked\n"
                            "    > rule -> received ?2\n"
                            "    > rule -> handling\n"
                            "  feedback\n"
                            "    > rate -> calling\n"
                            "  calling\n"
                            "    > callback -> closed ?3\n"
                            "    > callback -> handling !1\n"
                            "closed\n"
                            "  > reopen -> open ?0\n"
                            "  resolved\n"
                            "    > object -> unresolved ?3\n"
                            "  unresolved\n";

static const char *const names[] = {"dispatch", "return", "rule",   "overdue",  "finish", "rate",
                                    "callback", "object", "reopen", "withdraw", "unknown"};
enum name {
    DISPATCH,
    RETURN,
    RULE,
    OVERDUE,
    FINISH,
    RATE,
    CALLBACK,
    OBJECT,
    REOPEN,
    WITHDRAW,
    UNKNOWN
};

/* The order of events: a walk that takes most of them. */
static const uint8_t walk[] = {DISPATCH, RETURN,   RULE,   DISPATCH, OVERDUE, FINISH,
                               RATE,     CALLBACK, FINISH, RATE,     OBJECT,  CALLBACK,
                               WITHDRAW, OBJECT,   REOPEN, UNKNOWN};

typedef struct world {
    chart *c;
    uint64_t memory[8];
    uint32_t count, acted;
    base_arena scratch;
    base_buf text;
    chart_builder *builder;
} world;

static bool holds_now(uint32_t guard, uint32_t count)
{
    return guard == 0 || ((count + guard) & 3) != 0;
}

static gov_status guard(void *user, uint32_t id, chart_run *run, bool *holds, const diag *d)
{
    (void)run, (void)d;
    *holds = holds_now(id, ((world *)user)->count);
    return GOV_OK;
}

static gov_status act(void *user, uint32_t block, chart_run *run, const diag *d)
{
    (void)run, (void)d;
    ((world *)user)->acted += block;
    return GOV_OK;
}

static const chart_hooks hooks = {.guard = guard, .act = act};

static chart_state *state_of(world *w)
{
    return (chart_state *)(void *)w->memory;
}

static bool prepare(void *user)
{
    world *w = user;

    base_arena_init(&w->scratch, NULL);
    base_buf_init(&w->text, NULL);
    w->count = w->acted = 0;
    if (chart_from_text(NULL, shape, &w->c, NULL) != GOV_OK ||
        chart_state_size(w->c) > sizeof w->memory)
        return false;
    chart_state_init(w->c, state_of(w));
    return chart_start(w->c, state_of(w), &(chart_caller){&hooks, w, &w->scratch}, NULL) == GOV_OK;
}

static void finish(void *user)
{
    world *w = user;

    chart_free(w->c);
    base_arena_free(&w->scratch);
    base_buf_free(&w->text);
}

static bool send_next(world *w)
{
    const char *name = names[walk[w->count++ % sizeof walk]];
    const chart_event e = {name, strlen(name), value_absent(), false};

    base_arena_reset(&w->scratch);
    return chart_send(w->c, state_of(w), &e, &(chart_caller){&hooks, w, &w->scratch}, NULL, NULL) ==
           GOV_OK;
}

static bool send_all(void *user)
{
    for (int i = 0; i < EVENTS; i++)
        if (!send_next(user))
            return false;
    bench_keep(((world *)user)->acted);
    return true;
}

static bool restore_all(void *user)
{
    world *w = user;

    for (int i = 0; i < RESTORES; i++) {
        base_buf_clear(&w->text);
        chart_save(w->c, state_of(w), &w->text);
        if (chart_load(w->c, w->text.data, w->text.len, state_of(w), NULL) != GOV_OK ||
            !send_next(w))
            return false;
    }
    return true;
}

/* ---- the floor ---- */

enum place { RECEIVED, HANDLING, RETURN_ASKED, FEEDBACK, CALLING, RESOLVED, UNRESOLVED };

typedef struct bare {
    enum place at;
    uint32_t count, acted;
} bare;

static void bare_open(bare *b, enum name e)
{
    switch (b->at) {
    case RECEIVED:
        if (e == DISPATCH && holds_now(0, b->count))
            b->at = HANDLING, b->acted += 1;
        break;
    case HANDLING:
        if (e == RETURN && holds_now(1, b->count))
            b->at = RETURN_ASKED;
        else if (e == OVERDUE)
            b->acted += 2;
        else if (e == FINISH)
            b->at = FEEDBACK;
        break;
    case RETURN_ASKED:
        if (e == RULE)
            b->at = holds_now(2, b->count) ? RECEIVED : HANDLING;
        break;
    case FEEDBACK:
        if (e == RATE)
            b->at = CALLING;
        break;
    default:
        if (e == CALLBACK && holds_now(3, b->count))
            b->at = RESOLVED;
        else if (e == CALLBACK)
            b->at = HANDLING, b->acted += 1;
    }
    if (e == WITHDRAW && b->at < RESOLVED && holds_now(4, b->count))
        b->at = RESOLVED;
}

static bool bare_all(void *user)
{
    bare *b = user;

    for (int i = 0; i < EVENTS; i++) {
        /* The name comes as text here, too. */
        const char *name = names[walk[b->count++ % sizeof walk]];
        enum name e = DISPATCH;

        while (e < UNKNOWN && strcmp(names[e], name) != 0)
            e++;
        if (b->at < RESOLVED)
            bare_open(b, e);
        else if (e == REOPEN && holds_now(0, b->count))
            b->at = RECEIVED;
        else if (e == OBJECT && b->at == RESOLVED && holds_now(3, b->count))
            b->at = UNRESOLVED;
        bench_keep(b->at);
    }
    bench_keep(b->acted);
    return true;
}

/* ---- compiling ---- */

static bool prepare_builder(void *user)
{
    world *w = user;

    return chart_builder_new(NULL, &w->builder, NULL) == GOV_OK &&
           chart_text_states(w->builder, shape, NULL) == GOV_OK &&
           chart_text_details(w->builder, shape, NULL) == GOV_OK;
}

static void finish_builder(void *user)
{
    chart_builder_free(((world *)user)->builder);
}

static bool build_all(void *user)
{
    for (int i = 0; i < CHARTS; i++) {
        chart *c = NULL;

        if (chart_build(((world *)user)->builder, NULL, &c, NULL) != GOV_OK)
            return false;
        chart_free(c);
    }
    return true;
}

int main(int argc, char **argv)
{
    static world sending, restoring, building;
    static bare floor;
    const bench_case cases[] = {
        {.name = "chart: events, ten states with guards",
         .unit = "events/s",
         .work = EVENTS,
         .ours = {prepare, send_all, finish, NULL, &sending},
         .floor = {.run = bare_all, .user = &floor},
         .floor_name = "a switch in C"},
        {.name = "chart: save, restore, event",
         .unit = "us",
         .work = RESTORES,
         .ours = {prepare, restore_all, finish, NULL, &restoring}},
        {.name = "chart: compile a workflow of ten states",
         .unit = "us",
         .work = CHARTS,
         .ours = {prepare_builder, build_all, finish_builder, NULL, &building}},
    };

    return bench_main(argc, argv, cases, ARRAY_LEN(cases));
}
