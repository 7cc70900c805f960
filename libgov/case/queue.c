/* What stands still in the queue: what is parked, as it failed for the last time, and what waits for a year. Told, and taken up again. */
#include "case/family.h"

#include <stdlib.h>
#include <string.h>

/* ---- taking up ---- */

typedef struct taken {
    int64_t case_id, due_us;
    const char *name, *event;
} taken;

static gov_status read_taken(gov *g, const store_sql *sql, const store_arg *args, size_t n, taken **out, size_t *count, const diag *d)
{
    store_rows rows;
    taken *list = NULL;
    size_t cap = 0;
    gov_status status = store_query(g->store, sql, args, n, &rows, d);
    for (*count = 0; status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK;) {
        if (!base_grow(g->alloc, &list, &cap, *count, sizeof *list)) {
            status = base_nomem(d);
            break;
        }
        taken *t = &list[(*count)++];
        *t = (taken){store_int(&rows, 0), store_int(&rows, 3), base_arena_strdup(&g->scratch, store_text(&rows, 1, NULL)),
                     base_arena_strdup(&g->scratch, store_text(&rows, 2, NULL))};
        status = t->name != NULL && t->event != NULL ? GOV_OK : base_nomem(d);
    }
    store_rows_close(&rows);
    *out = list;
    return status == GOV_END ? GOV_OK : status;
}

/* A store gives the rows of an UPDATE in any order; the journal has them by instant, and of one instant by case and name. */
static int by_instant(const void *left, const void *right)
{
    const taken *a = left, *b = right;
    if (a->due_us != b->due_us)
        return a->due_us < b->due_us ? -1 : 1;
    if (a->case_id != b->case_id)
        return a->case_id < b->case_id ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* They are due as they were, at their own instants, and have all their tries before them. */
static gov_status take_up(gov *g, const store_sql *sql, const store_arg *args, size_t n, int64_t *count, const diag *d)
{
    taken *list;
    size_t found;
    gov_status status = read_taken(g, sql, args, n, &list, &found, d);
    if (status == GOV_OK && found > 1)
        qsort(list, found, sizeof *list, by_instant);
    for (size_t i = 0; i < found && status == GOV_OK; i++) {
        const value_pair data[] = {{value_text("event"), value_text(list[i].event)},
                                   {value_text("timer"), value_text(list[i].name)},
                                   {value_text("attempt"), value_int(0)},
                                   {value_text("due"), value_from_us(list[i].due_us)}};
        const journal_entry entry = {.kind = "event.resumed", .subject_kind = list[i].case_id != 0 ? "case" : "schedule",
                                     .subject = list[i].case_id, .data = value_map(data, ARRAY_LEN(data))};
        status = access_record(g, &entry, NULL, d);
    }
    base_free(g->alloc, list);
    *count = (int64_t)found;
    case_room_of(g)->next_known = false;
    g->home->timer_changes++; /* other handles on this connection look again */
    return status;
}

#define TAKE_UP "UPDATE gov_case_timer SET parked = 0, attempts = 0, turn = NULL WHERE community = $1 AND "
#define TELLING " RETURNING case_id, name, event, due_us"

gov_status case_wake_waiting(gov *g, const diag *d)
{
    static const store_sql waiting = {TAKE_UP CASE_WAITS_FOR_YEAR TELLING};
    int64_t count;
    return take_up(g, &waiting, STORE_ARGS(store_i(g->community)), &count, d);
}

/* ---- operations ---- */

const rulebook_operand case_queue_list_operands[CASE_QUEUE_LIST_OPERANDS] = {{.name = "after", .type = RULEBOOK_OPERAND_ID},
                                                                             {.name = "limit", .type = RULEBOOK_OPERAND_INT}};
const rulebook_operand case_queue_retry_operands[CASE_QUEUE_RETRY_OPERANDS] = {{.name = "id", .type = RULEBOOK_OPERAND_ID},
                                                                               {.name = "case", .type = RULEBOOK_OPERAND_ID}};

static int64_t int_or(value v, int64_t otherwise)
{
    return v.kind == VALUE_INT ? v.as.i : otherwise;
}

static gov_status describe(store_rows *rows, base_arena *arena, value_builder *list, const diag *d)
{
    enum { ID, CASE, NUMBER, NAME, EVENT, DUE, ATTEMPTS, REASON };
    value_builder b;
    value_builder_init(&b, arena);
    value_builder_set(&b, "id", value_int(store_int(rows, ID)));
    value_builder_set(&b, "case", store_int(rows, CASE) != 0 ? value_int(store_int(rows, CASE)) : value_null());
    if (!store_is_null(rows, NUMBER))
        value_builder_set_copy(&b, "number", store_text(rows, NUMBER, NULL));
    value_builder_set_copy(&b, "timer", store_text(rows, NAME, NULL));
    value_builder_set_copy(&b, "event", store_text(rows, EVENT, NULL));
    value_builder_set(&b, "due", value_from_us(store_int(rows, DUE)));
    value_builder_set(&b, "waiting", value_bool(store_int(rows, ATTEMPTS) == 0));
    if (!store_is_null(rows, REASON))
        value_builder_set_copy(&b, "reason", store_text(rows, REASON, NULL));
    list->failed = list->failed || b.failed;
    value_builder_add(list, value_builder_map(&b));
    return list->failed ? base_nomem(d) : GOV_OK;
}

/* By their ids, so that a host can page through them. */
gov_status case_run_queue_list(gov *g, const value *in, value *out, const diag *d)
{
    enum { USUAL = 50, MOST = 1000 };
    static const store_sql sql = {"SELECT t.id, t.case_id, c.number, t.name, t.event, t.due_us, t.attempts, t.reason FROM gov_case_timer t "
                                  "LEFT JOIN gov_case c ON c.community = t.community AND c.id = t.case_id "
                                  "WHERE t.community = $1 AND t.parked = 1 AND t.id > $2 ORDER BY t.id LIMIT $3"};
    const int64_t limit = int_or(in[1], USUAL);
    value_builder list, b;
    store_rows rows;
    if (limit < 1 || limit > MOST)
        return base_fail(d, M_bad_field, A_S("field", "limit"), A_S("expected", "1..1000"), A_I("found", limit));
    value_builder_init(&list, &g->scratch);
    value_builder_init(&b, &g->scratch);
    gov_status status = access_check_whole(g, "journal.read", d);
    if (status == GOV_OK)
        status = store_query(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(int_or(in[0], 0)), store_i(limit)), &rows, d);
    if (status != GOV_OK)
        return status;
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK)
        status = describe(&rows, &g->scratch, &list, d);
    store_rows_close(&rows);
    value_builder_set(&b, "events", value_builder_list(&list));
    *out = value_builder_map(&b);
    return status != GOV_END ? status : list.failed || b.failed ? base_nomem(d) : GOV_OK;
}

/* One, those of a case, or all. */
gov_status case_run_queue_retry(gov *g, const value *in, value *out, const diag *d)
{
    static const store_sql all = {TAKE_UP "parked = 1" TELLING}, one = {TAKE_UP "parked = 1 AND id = $2" TELLING},
                           own = {TAKE_UP "parked = 1 AND case_id = $2" TELLING};
    const bool by_id = in[0].kind == VALUE_INT, by_case = in[1].kind == VALUE_INT;
    const store_arg args[] = {store_i(g->community), store_i(by_id ? in[0].as.i : int_or(in[1], 0))};
    value_builder b;
    int64_t count = 0;
    const gov_status status = take_up(g, by_id ? &one : by_case ? &own : &all, args, by_id || by_case ? 2 : 1, &count, d);
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "resumed", value_int(count));
    *out = value_builder_map(&b);
    return status == GOV_OK && b.failed ? base_nomem(d) : status;
}
