/* What waits: timers of states, marks of clocks, sent events, imported ones. One queue, fired in the order of the due instants. */
#include "case/live.h"

#include <string.h>

enum { PAGE = 64, MOST_ATTEMPTS = 5 };

/* ---- the queue ---- */

/* Whether the next due instant is remembered, and nobody else can have changed it. */
static bool next_known(gov *g)
{
    const case_room *room = case_room_of(g);
    return room->next_known && room->epoch == store_epoch(g->store) && room->changes == g->home->timer_changes;
}

void case_note_due(gov *g, int64_t due, bool provisional)
{
    case_room *room = case_room_of(g);
    const bool mine = room->changes == g->home->timer_changes;
    g->home->timer_changes++; /* other handles on this connection look again */
    if (mine)
        room->changes = g->home->timer_changes;
    if (room->next_known && (!room->next_any || due < room->next_due)) {
        room->next_any = true;
        room->next_due = due;
        room->next_provisional = provisional;
    }
}

/* Pure time asks no calendar, and needs no account of how it was reckoned. */
static bool by_calendar(const case_timer *t)
{
    return t->since_us != 0 && t->length.unit != CAL_TIME;
}

static gov_status put_timer(gov *g, case_machine *m, const case_timer *t, const diag *d)
{
    static const store_sql add = {
        "INSERT INTO gov_case_timer (community, case_id, name, id, kind, due_us, event, data, attempts, parked, reason, since_us, "
        "length, provisional, roll, calendar, turn) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, NULL, $9, $10, $11, $12, $13, $14) "
        "ON CONFLICT (community, case_id, name) DO UPDATE SET id = excluded.id, kind = excluded.kind, due_us = excluded.due_us, "
        "event = excluded.event, data = excluded.data, attempts = 0, parked = 0, reason = NULL, since_us = excluded.since_us, "
        "length = excluded.length, provisional = excluded.provisional, roll = excluded.roll, calendar = excluded.calendar, turn = excluded.turn"};
    const bool at_once = t->due_us <= access_now(g);
    base_buf data, length;
    int64_t id;
    gov_status status = access_new_id(g, &id, d);
    base_buf_init(&data, g->alloc);
    base_buf_init(&length, g->alloc);
    if (t->data.kind != VALUE_ABSENT)
        value_write_document(&data, t->data);
    if (by_calendar(t))
        cal_write_duration(&length, t->length);
    if (status == GOV_OK && (data.failed || length.failed))
        status = base_nomem(d);
    if (status == GOV_OK)
        status = store_post(g->store, &add,
                            STORE_ARGS(store_i(g->community), store_i(t->case_id), store_s(t->name), store_i(id),
                                       store_i(t->kind), store_i(t->due_us), store_s(t->event), store_t(data.data, data.len),
                                       store_i0(t->since_us), store_t(length.data, length.len),
                                       store_flag(t->provisional), store_i(t->roll), store_s(t->calendar),
                                       store_i0(at_once ? case_room_of(g)->turn : 0)),
                            1, d);
    if (status == GOV_OK && m != NULL) {
        uint8_t digest[CASE_WAIT_DIGEST] = {0};
        case_timer_digest(&data, t, length.data, length.len, digest);
        case_tell_wait(m, t->case_id, t->name, t->due_us, digest);
        status = data.failed ? base_nomem(d) : GOV_OK;
    }
    base_buf_free(&data);
    base_buf_free(&length);
    if (t->case_id == case_room_of(g)->queue_of)
        case_room_of(g)->queue_left--;
    if (status == GOV_OK && t->due_us != CASE_NEVER)
        case_note_due(g, t->due_us, t->provisional);
    return status;
}

gov_status case_schedule(gov *g, const case_timer *t, const diag *d)
{
    return put_timer(g, NULL, t, d);
}

gov_status case_schedule_told(gov *g, case_machine *m, const case_timer *t, const diag *d)
{
    return put_timer(g, m, t, d);
}

gov_status case_unschedule(gov *g, int64_t case_id, const char *name, const diag *d)
{
    static const store_sql drop = {"DELETE FROM gov_case_timer WHERE community = $1 AND case_id = $2 AND name = $3"};
    return store_post(g->store, &drop, STORE_ARGS(store_i(g->community), store_i(case_id), store_s(name)), STORE_ANY_ROWS, d);
}

gov_status case_next_due(gov *g, bool *any, int64_t *due_us, bool *provisional, const diag *d)
{
    static const store_sql next = {"SELECT due_us, provisional FROM gov_case_timer WHERE community = $1 AND parked = 0 "
                                   "ORDER BY due_us, id LIMIT 1"};
    case_room *room = case_room_of(g);
    if (!next_known(g)) {
        store_rows rows;
        const gov_status status = store_first(g->store, &next, STORE_ARGS(store_i(g->community)), &rows, d);
        if (status != GOV_OK && status != GOV_END)
            return status;
        room->next_any = status == GOV_OK && store_int(&rows, 0) != CASE_NEVER;
        room->next_due = status == GOV_OK ? store_int(&rows, 0) : 0;
        room->next_provisional = status == GOV_OK && store_int(&rows, 1) != 0;
        if (status == GOV_OK)
            store_rows_close(&rows);
        room->next_known = true;
        room->epoch = store_epoch(g->store);
        room->changes = g->home->timer_changes;
    }
    *any = room->next_any;
    *due_us = room->next_due;
    if (provisional != NULL)
        *provisional = room->next_any && room->next_provisional;
    return GOV_OK;
}

/* ---- the world of machines that live in a store ---- */

/* What sends itself more than comes would fill the store. How many more there may be is asked when a step first sends to a case, and
 * counted down from there with each row; only where nothing is left it is asked again, since rows may have gone meanwhile. */
static gov_status check_room(gov *g, int64_t case_id, bool anew, const diag *d)
{
    static const store_sql sql = {"SELECT count(*) FROM (SELECT 1 FROM gov_case_timer WHERE community = $1 AND case_id = $2 LIMIT 10000) AS t"};
    case_room *room = case_room_of(g);
    if (!anew && room->queue_of == case_id && room->queue_left > 0)
        return GOV_OK;
    int64_t count = 0;
    const gov_status status = store_first_int(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(case_id)), &count, d);
    if (status != GOV_OK)
        return status;
    room->queue_of = case_id;
    room->queue_left = CASE_MOST_PENDING - (int)count;
    return room->queue_left > 0 ? GOV_OK : base_fail(d, M_too_large, A_S("what", "pending events"), A_I("limit", CASE_MOST_PENDING));
}

static gov_status world_schedule(case_machine *m, const case_timer *t, const diag *d)
{
    gov_status status = GOV_OK;
    if (t->kind == CASE_TIMER_SEND) {
        status = check_room(m->user, m->id, !m->sent, d);
        m->sent = true;
    }
    return status == GOV_OK ? case_schedule_told(m->user, m, t, d) : status;
}

static gov_status world_unschedule(case_machine *m, const char *name, const diag *d)
{
    case_tell_gone(m, m->id, name);
    return case_unschedule(m->user, m->id, name, d);
}

/* The instant that was remembered as the next one may be the one that it leaves. */
static gov_status world_move(case_machine *m, const case_timer *t, const diag *d)
{
    static const store_sql set = {"UPDATE gov_case_timer SET id = $4, due_us = $5, provisional = $6, turn = $7 WHERE community = $1 AND "
                                  "case_id = $2 AND name = $3 AND attempts = 0 AND (due_us <> $5 OR provisional <> $6)"};
    gov *g = m->user;
    int64_t id, moved = 0;
    gov_status status = access_new_id(g, &id, d);
    if (status == GOV_OK)
        status = store_exec(g->store, &set,
                            STORE_ARGS(store_i(g->community), store_i(t->case_id), store_s(t->name), store_i(id), store_i(t->due_us),
                                       store_flag(t->provisional), store_i0(t->due_us <= access_now(g) ? case_room_of(g)->turn : 0)),
                            &moved, d);
    if (moved > 0)
        case_tell_moved(m, t->name, t->due_us);
    case_room_of(g)->next_known = false;
    g->home->timer_changes++;
    return status;
}

#define IN_FAMILY                                                                                                               \
    "(SELECT id FROM gov_case WHERE community = $1 AND parent = $2 UNION SELECT other FROM gov_case_link WHERE community = $1 AND case_id = $2 " \
    "UNION SELECT parent FROM gov_case WHERE community = $1 AND id = $2 AND parent IS NOT NULL)"
#define BEGINS_WITH " AND kind = $3 AND substr(name, 1, length(CAST($4 AS TEXT))) = $4"

#define TELLING " RETURNING case_id, name"

static gov_status drop_telling(case_machine *m, const store_sql *drop, const char *begins, const diag *d)
{
    gov *g = m->user;
    store_rows rows;
    gov_status status = store_query(g->store, drop, STORE_ARGS(store_i(g->community), store_i(m->id), store_i(CASE_TIMER_SEND), store_s(begins)), &rows, d);
    if (status != GOV_OK)
        return status;
    while ((status = store_next(&rows, d)) == GOV_OK)
        case_tell_gone(m, store_int(&rows, 0), store_text(&rows, 1, NULL));
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

/* To itself, and to the cases that it can send to by name: its parent, its children, and those it is linked with. */
static gov_status world_cancel_sends(case_machine *m, const char *id, const diag *d)
{
    static const store_sql own = {"DELETE FROM gov_case_timer WHERE community = $1 AND case_id = $2" BEGINS_WITH TELLING};
    static const store_sql others = {"DELETE FROM gov_case_timer WHERE community = $1 AND case_id IN " IN_FAMILY BEGINS_WITH TELLING};
    base_buf name;
    base_buf_init(&name, m->alloc);
    base_buf_fmt(&name, "s:%s#", id);
    gov_status status = name.failed ? base_nomem(d) : GOV_OK;
    if (status == GOV_OK)
        status = drop_telling(m, &own, name.data, d);
    base_buf_clear(&name);
    base_buf_fmt(&name, "f:%lld.%s#", (long long)m->id, id);
    if (status == GOV_OK && name.failed)
        status = base_nomem(d);
    if (status == GOV_OK)
        status = drop_telling(m, &others, name.data, d);
    base_buf_free(&name);
    return status;
}

static gov_status world_effect(case_machine *m, const rulebook_action *action, const diag *d)
{
    const case_runner *runner = action->as.effect.effect->user;
    return runner->run(m->user, m, action, d);
}

static gov_status send_to(case_machine *m, const char *event, int64_t other, const char *id, const case_timer *when, const diag *d)
{
    base_buf name;
    base_buf_init(&name, m->alloc);
    base_buf_fmt(&name, "f:%lld.%s#%lld.%zu", (long long)m->id, id != NULL ? id : "", (long long)m->steps, m->effects.len);
    case_timer t = *when;
    t.case_id = other;
    t.name = name.data;
    t.event = event;
    t.calendar = m->w->calendar; /* reckoned by the sender's, which the receiver's version may know nothing of */
    gov_status status = name.failed ? base_nomem(d) : check_room(m->user, other, true, d);
    if (status == GOV_OK)
        status = case_schedule_told(m->user, m, &t, d);
    base_buf_free(&name);
    return status;
}

/* What a child sends arrives as child.EVENT. */
static gov_status send_to_parent(case_machine *m, const char *name, const char *id, const case_timer *when, const diag *d)
{
    static const char prefix[] = "child.";
    const size_t len = strlen(name);
    char *event = base_arena_alloc(m->arena, sizeof prefix + len);
    if (event == NULL)
        return base_nomem(d);
    memcpy(event, prefix, sizeof prefix - 1);
    memcpy(event + sizeof prefix - 1, name, len);
    return send_to(m, event, m->parent, id, when, d);
}

typedef struct id_list {
    int64_t *ids;
    size_t count, cap;
} id_list;

static gov_status read_ids(gov *g, const store_sql *sql, const store_arg *args, size_t n, id_list *out, const diag *d)
{
    store_rows rows;
    gov_status status = store_query(g->store, sql, args, n, &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK) {
        if (!base_grow(g->alloc, &out->ids, &out->cap, out->count, sizeof *out->ids))
            status = base_nomem(d);
        else
            out->ids[out->count++] = store_int(&rows, 0);
    }
    store_rows_close(&rows);
    return status == GOV_END ? GOV_OK : status;
}

static gov_status world_send(case_machine *m, const rulebook_send *send, const case_timer *when, const diag *d)
{
    static const store_sql children = {"SELECT id FROM gov_case WHERE community = $1 AND parent = $2 ORDER BY id"};
    static const store_sql linked = {"SELECT other FROM gov_case_link WHERE community = $1 AND case_id = $2 AND link = $3 ORDER BY other"};
    gov *g = m->user;
    id_list list = {0};
    gov_status status = GOV_OK;
    if (send->to == RULEBOOK_TO_PARENT)
        return m->parent != 0 ? send_to_parent(m, send->event, send->id, when, d) : GOV_OK;
    if (send->to == RULEBOOK_TO_SENDER) /* nobody but a person sent it: nobody is answered */
        return m->sender != 0 ? send_to(m, send->event, m->sender, send->id, when, d) : GOV_OK;
    if (send->to == RULEBOOK_TO_CHILDREN)
        status = read_ids(g, &children, STORE_ARGS(store_i(g->community), store_i(m->id)), &list, d);
    else
        status = read_ids(g, &linked, STORE_ARGS(store_i(g->community), store_i(m->id), store_s(send->link)), &list, d);
    for (size_t i = 0; i < list.count && status == GOV_OK; i++)
        status = send_to(m, send->event, list.ids[i], send->id, when, d);
    base_free(g->alloc, list.ids);
    return status;
}

const case_world case_store_world = {world_schedule, world_unschedule, world_move, world_cancel_sends, world_effect, world_send, registry_reference,
                                     case_effect_cancel};

gov *case_gov_of(const expr_run *run)
{
    const case_machine *m = case_machine_running(run);
    return m != NULL ? m->community : NULL;
}

/* ---- ticking ---- */

typedef struct due_timer {
    int64_t case_id, due_us, attempts, turn;
    uint8_t kind;
    const char *name, *event;
    value data;
} due_timer;

#define DUE_TIMER "SELECT case_id, name, kind, due_us, event, data, attempts, turn FROM gov_case_timer WHERE community = $1 AND parked = 0 AND due_us <= $2"

enum { OF_ALL = 0, OF_ROOMS = -1 };

/* The first one that is due by then, of all (0), of the rooms, or of one case. */
static gov_status first_due(gov *g, int64_t case_id, int64_t until, base_arena *arena, due_timer *out, const diag *d)
{
    static const store_sql any = {DUE_TIMER " ORDER BY due_us, id LIMIT 1"};
    static const store_sql own = {DUE_TIMER " AND case_id = $3 ORDER BY due_us, id LIMIT 1"};
    const store_arg args[] = {store_i(g->community), store_i(until), store_i(case_id == OF_ROOMS ? 0 : case_id)};
    store_rows rows;
    gov_status status = store_first(g->store, case_id == OF_ALL ? &any : &own, args, case_id == OF_ALL ? 2 : 3, &rows, d);
    if (status != GOV_OK)
        return status;
    size_t name_len, event_len, len;
    const char *name = store_text(&rows, 1, &name_len), *event = store_text(&rows, 4, &event_len);
    *out = (due_timer){.case_id = store_int(&rows, 0), .due_us = store_int(&rows, 3), .attempts = store_int(&rows, 6),
                       .turn = store_is_null(&rows, 7) ? 0 : store_int(&rows, 7),
                       .kind = (uint8_t)store_int(&rows, 2), .name = base_arena_strndup(arena, name, name_len),
                       .event = base_arena_strndup(arena, event, event_len), .data = value_absent()};
    if (out->name == NULL || out->event == NULL)
        status = base_nomem(d);
    if (status == GOV_OK && !store_is_null(&rows, 5)) {
        const char *data = store_text(&rows, 5, &len);
        status = access_read_stored(g, arena, data, len, &out->data, d);
    }
    store_rows_close(&rows);
    return status;
}

/* "f:CASE.…" is the name of an event that another case sent. */
static int64_t sender_of(const char *name)
{
    const char *dot = strncmp(name, "f:", 2) == 0 ? strchr(name, '.') : NULL;
    int64_t id = 0;
    return dot != NULL && base_parse_int(name + 2, (size_t)(dot - name - 2), &id) ? id : 0;
}

typedef struct firing {
    gov *g;
    const due_timer *timer;
} firing;

/* What a room has put off until now. */
static gov_status run_operation(gov *g, const case_timer *cause, const diag *d)
{
    const rulebook_operation *op;
    const rulebook_checking how = {.arena = &g->scratch};
    value in[RULEBOOK_MOST_OPERANDS], out = value_null();
    gov_status status = rulebook_find_operation(g->rules->host, cause->event, true, NULL, &op, d);
    if (status == GOV_OK)
        status = rulebook_read_operands(g->rules, op, cause->data, &how, in, d);
    return status == GOV_OK ? op->run(g, in, &out, d) : status;
}

static gov_status fire(void *user, const diag *d)
{
    static const store_sql take = {"DELETE FROM gov_case_timer WHERE community = $1 AND case_id = $2 AND name = $3 AND due_us = $4"};
    firing *f = user;
    gov *g = f->g;
    const due_timer *t = f->timer;
    int64_t taken = 0;
    case_machine m;
    gov_status status = store_exec(g->store, &take,
                                   STORE_ARGS(store_i(g->community), store_i(t->case_id), store_s(t->name), store_i(t->due_us)),
                                   &taken, d);
    if (status != GOV_OK || taken == 0) /* another process was faster */
        return status;
    case_timer cause = {.case_id = t->case_id, .name = t->name, .kind = t->kind, .due_us = t->due_us,
                        .event = t->event, .data = t->data};
    if (t->kind == CASE_TIMER_SCHEDULE)
        return case_schedule_fire(g, &cause, d);
    if (t->kind == CASE_TIMER_ROOM)
        return run_operation(g, &cause, d);
    status = case_load(g, t->case_id, true, &g->scratch, &m, d);
    if (status != GOV_OK)
        return status;
    if ((t->kind == CASE_TIMER_AFTER || t->kind == CASE_TIMER_SEND) && m.now_us < m.changed_us) {
        m.now_us = m.changed_us; /* dated back by a rule: it is due at once, and time does not run backwards for a case */
        access_set_clock(g, m.changed_us);
    }
    if (t->kind != CASE_TIMER_IMPORT)
        case_tell_gone(&m, m.id, t->name);
    m.sender = t->kind == CASE_TIMER_SEND ? sender_of(t->name) : 0;
    if (t->kind == CASE_TIMER_EFFECT)
        status = case_effect_due(g, &m, t->name, &cause.event, &cause.data, d);
    if (status == GOV_OK && cause.event != NULL)
        status = case_step(g, &m, &cause, t->kind == CASE_TIMER_IMPORT, d);
    case_machine_free(&m);
    return status;
}

/* Delays between tries of a timer that fails: a minute, then ten times longer each. */
static int64_t delay_of(int64_t attempts)
{
    int64_t seconds = 60;
    for (int64_t i = 0; i < attempts; i++)
        seconds *= 10;
    return seconds * BASE_US_PER_SECOND;
}

/* What becomes of a timer that failed. */
typedef enum fate { TRY_AGAIN, PARK, WAIT } fate;

typedef struct failing {
    gov *g;
    const due_timer *timer;
    int64_t now_us; /* tries are spaced from here: a host that ticks late shall not use them up at once */
    const char *reason;
    fate fate;
} failing;

static gov_status note_failure(void *user, const diag *d)
{
    static const store_sql set = {"UPDATE gov_case_timer SET attempts = $4, parked = $5, due_us = $6, reason = $7 "
                                  "WHERE community = $1 AND case_id = $2 AND name = $3 AND parked = 0"};
    const failing *f = user;
    gov *g = f->g;
    const due_timer *t = f->timer;
    static const char *const kinds[] = {[TRY_AGAIN] = "event.failed", [PARK] = "event.parked", [WAIT] = "event.waiting"};
    const int64_t from = f->now_us > t->due_us ? f->now_us : t->due_us, tries = f->fate != WAIT ? t->attempts + 1 : 0,
                  due = f->fate != TRY_AGAIN ? t->due_us : from + delay_of(t->attempts);
    int64_t changed = 0;
    const gov_status status = store_exec(g->store, &set,
                                         STORE_ARGS(store_i(g->community), store_i(t->case_id), store_s(t->name),
                                                    store_i(tries), store_flag(f->fate != TRY_AGAIN),
                                                    store_i(due),
                                                    store_s(f->reason)),
                                         &changed, d);
    if (status != GOV_OK || changed == 0) /* another process took it meanwhile */
        return status;
    const value_pair data[] = {{value_text("event"), value_text(t->event)},
                               {value_text("timer"), value_text(t->name)},
                               {value_text("attempt"), value_int(tries)},
                               {value_text("due"), value_from_us(due)},
                               {value_text("reason"), value_text(f->reason)}};
    const journal_entry entry = {.kind = kinds[f->fate], .subject_kind = t->case_id != 0 ? "case" : "schedule",
                                 .subject = t->case_id, .data = value_map(data, ARRAY_LEN(data))};
    case_room_of(g)->next_known = false;
    return access_record(g, &entry, NULL, d);
}

/* What an engine or the machine itself fails at is passed on; only what the rules fail at is tried again and parked. */
bool case_fault_of_rules(gov_status status)
{
    return status != GOV_E_NOMEM && status != GOV_E_BUG && (status < GOV_E_STORE || status >= GOV_E_UNSUPPORTED);
}

bool case_lacks_year(const gov_error *error)
{
    for (size_t i = 0; i < gov_error_count(error); i++) {
        const char *code = gov_error_code(error, i);
        if (code != NULL && strcmp(code, "calendar_year_missing") == 0)
            return true;
    }
    return false;
}

/* ---- what never ends ----
 *
 * Cases that send to themselves or to each other, and states whose timers lead round without delay, would never let an instant pass.
 * So each case counts what it is fired at one instant, and what is due at once of that carries the count in its row: to the next
 * turn, to the case that it is sent to, to another process. What comes with a count of so many is parked. Every circle that was
 * found makes the next ones shorter: there may be one in each of many cases. */
enum { MOST_AT_ONCE = 10000, FEWEST_AT_ONCE = 200 };

/* Of two cases that share a place the one with more keeps it; of the other one the rows alone tell. */
static case_crowd *crowd_of(gov *g, const due_timer *t)
{
    case_room *room = case_room_of(g);
    if (t->due_us > room->crowd_us) {
        memset(room->crowd, 0, sizeof room->crowd);
        room->crowd_us = t->due_us;
    }
    return &room->crowd[((uint64_t)t->case_id ^ (uint64_t)t->case_id >> 12) % ARRAY_LEN(room->crowd)];
}

static bool turns(const due_timer *t)
{
    return t->kind == CASE_TIMER_AFTER || t->kind == CASE_TIMER_SEND || t->kind == CASE_TIMER_MARK || t->kind == CASE_TIMER_EFFECT;
}

/* *turn: the count, with this one; 0: it is none that may go round. */
static bool never_ends(gov *g, const due_timer *t, int64_t *turn)
{
    case_room *room = case_room_of(g);
    *turn = 0;
    if (!turns(t))
        return false;
    const int64_t share = MOST_AT_ONCE / (1 + room->circles), most = share > FEWEST_AT_ONCE ? share : FEWEST_AT_ONCE;
    case_crowd *crowd = crowd_of(g, t);
    const int64_t before = crowd->case_id == t->case_id && crowd->count > t->turn ? crowd->count : t->turn;
    if (t->turn > 0 && before >= most) {
        room->circles++;
        return true;
    }
    *turn = before + 1;
    if (crowd->case_id == t->case_id || crowd->count < *turn)
        *crowd = (case_crowd){t->case_id, *turn};
    return false;
}

/* Nothing is due any more: nothing ran in a circle. */
static void nothing_left(gov *g)
{
    case_room *room = case_room_of(g);
    memset(room->crowd, 0, sizeof room->crowd);
    room->crowd_us = 0;
    room->circles = 0;
}

static gov_status fire_turn(firing *f, int64_t turn, const diag *d)
{
    case_room *room = case_room_of(f->g);
    const int64_t before = room->turn;
    room->turn = turn;
    const gov_status status = store_run(f->g->store, fire, f, d);
    room->turn = before;
    return status;
}

static gov_status fire_one(gov *g, const due_timer *t, int64_t now_us, gov_tick_result *out, const diag *d)
{
    gov_error *error = NULL;
    const diag quiet = {g->alloc, &error};
    firing f = {g, t};
    int64_t turn;
    const bool endless = never_ends(g, t, &turn);
    gov_status status = endless ? base_fail(&quiet, M_too_large, A_S("what", "events at one instant"), A_I("limit", MOST_AT_ONCE))
                                : fire_turn(&f, turn, &quiet);
    if (status != GOV_OK && case_fault_of_rules(status)) {
        const bool last = endless || t->kind == CASE_TIMER_IMPORT || t->attempts + 1 >= MOST_ATTEMPTS;
        failing fail = {g, t, now_us, gov_error_message(error, 0, "en"), case_lacks_year(error) ? WAIT : last ? PARK : TRY_AGAIN};
        if (fail.reason == NULL)
            fail.reason = "";
        status = store_run(g->store, note_failure, &fail, d);
        out->failed += fail.fate != PARK;
        out->parked += fail.fate == PARK;
    } else if (status != GOV_OK) {
        (void)base_forward(d, error);
    }
    gov_error_free(error);
    out->fired++;
    return status;
}

/* Without asking the store: is it known that nothing is due by then? */
static bool nothing_before(gov *g, int64_t until_us)
{
    const case_room *room = case_room_of(g);
    return next_known(g) && (!room->next_any || room->next_due > until_us);
}

typedef struct ticking {
    gov *g;
    int64_t case_id, until_us;
    uint64_t max; /* 0: any number */
    gov_tick_result *out;
    gov_tick_result together; /* `out` after what shared a transaction */
    base_arena arena; /* of one timer */
} ticking;

static bool goes_on(const ticking *t)
{
    return (t->max == 0 || t->out->fired < t->max) && !nothing_before(t->g, t->until_us);
}

static gov_status find_due(ticking *t, due_timer *timer, const diag *d)
{
    base_arena_reset(&t->arena);
    const gov_status status = first_due(t->g, t->case_id, t->until_us, &t->arena, timer, d);
    if (status == GOV_END) /* what was remembered as the next one was taken back: look again */
        case_room_of(t->g)->next_known = false;
    return status;
}

static gov_status fire_found(ticking *t, const due_timer *timer, const diag *d)
{
    gov *g = t->g;
    access_set_clock(g, timer->due_us > ACCESS_BEFORE_TIME_US ? timer->due_us : ACCESS_BEFORE_TIME_US + 1);
    base_arena_reset(&g->scratch);
    if (timer->kind == CASE_TIMER_IMPORT)
        access_restore(g, (access_actor){.kind = ACCESS_HOST, .key = "", .name = "", .purpose = "import"});
    const gov_status status = fire_one(g, timer, t->until_us, t->out, d);
    (void)access_become_rules(g);
    case_room_of(g)->next_known = false;
    return status;
}

/* What comes of itself is many small steps, and a transaction of its own for each would wait for the disk each time: so many share
 * one. Each still is undone alone when it fails. */
static gov_status fire_turns(void *user, const diag *d)
{
    enum { TOGETHER = 64 };
    ticking *from = user;
    ticking t = *from; /* a second try begins anew */
    gov_tick_result sum = *from->out;
    gov_status status = GOV_OK;
    t.out = &sum;
    base_arena_init(&t.arena, t.g->alloc);
    for (int i = 0; i < TOGETHER && goes_on(&t); i++) {
        due_timer timer;
        status = find_due(&t, &timer, d);
        if (status == GOV_OK && timer.turn == 0)
            break;
        if (status == GOV_OK)
            status = fire_found(&t, &timer, d);
        if (status != GOV_OK)
            break;
    }
    base_arena_free(&t.arena);
    status = status == GOV_END ? GOV_OK : status;
    case_room_of(t.g)->next_known = false;
    if (status == GOV_OK)
        from->together = sum;
    return status;
}

/* Fires what is due by then, of all (0), of the rooms, or of one case, in order and each at its own instant. */
static gov_status fire_due(gov *g, int64_t case_id, int64_t until_us, uint64_t max, gov_tick_result *out, const diag *d)
{
    const access_clock before = g->clock;
    const access_actor actor = access_become_rules(g);
    ticking t = {.g = g, .case_id = case_id, .until_us = until_us, .max = max, .out = out};
    gov_status status = GOV_OK;
    base_arena_init(&t.arena, g->alloc);
    while (status == GOV_OK && goes_on(&t)) {
        due_timer timer;
        status = find_due(&t, &timer, d);
        if (status != GOV_OK)
            break;
        if (timer.turn == 0 || store_in_transaction(g->store)) {
            status = fire_found(&t, &timer, d);
            continue;
        }
        status = store_run(g->store, fire_turns, &t, d);
        case_room_of(g)->next_known = false;
        if (status == GOV_OK)
            *out = t.together;
    }
    base_arena_free(&t.arena);
    g->clock = before;
    access_restore(g, actor);
    return status == GOV_END ? GOV_OK : status;
}

gov_status case_tick(gov *g, int64_t until_us, uint64_t max, gov_tick_result *out, const diag *d)
{
    bool any = false, provisional = false;
    int64_t due = 0;
    gov_status status = fire_due(g, OF_ALL, until_us, max, out, d);
    if (status == GOV_OK && (max == 0 || out->fired < max))
        nothing_left(g);
    if (status == GOV_OK)
        status = case_next_due(g, &any, &due, &provisional, d);
    if (status == GOV_OK) /* what a rule dates before the community's time is due at its beginning */
        out->next_us = !any ? 0 : due > ACCESS_BEFORE_TIME_US ? due : ACCESS_BEFORE_TIME_US + 1;
    out->next_provisional = provisional;
    return status;
}

/* Not one of them may be overtaken by what comes now. */
gov_status case_catch_up(gov *g, int64_t id, const diag *d)
{
    enum { MOST = 100000 };
    gov_tick_result out = {0};
    const gov_status status = fire_due(g, id, access_now(g) - 1, MOST, &out, d);
    return status == GOV_OK && out.fired >= MOST ? base_fail(d, M_behind, A_I("limit", MOST)) : status;
}

/* Before each record of an import, too: where nothing at all is due, that is remembered. */
gov_status case_catch_up_rooms(gov *g, const diag *d)
{
    bool any;
    int64_t due_us;
    const gov_status status = case_next_due(g, &any, &due_us, NULL, d);
    return status == GOV_OK && any && due_us < access_now(g) ? case_catch_up(g, OF_ROOMS, d) : status;
}
