/* Room case: opening, sending, timers, clocks, effects, history, explaining.
 *
 *   case_machine   one case in memory under its workflow: fields, state, clocks; knows no store (machine.c, clock.c)
 *   case_world     what a machine needs from outside: timers and effects; the store's (live.c), or memory's (simulate.c)
 *   the store side loads a machine from its row under lock, lets it take one macrostep, and writes what changed */
#ifndef CASE_CASE_H
#define CASE_CASE_H

#include "access/access.h"
#include "registry/registry.h"

#include <gov/case.h>

extern const store_migration case_schema;
extern const journal_kept case_kept_link, case_kept_publication, case_kept_objection; /* version 1 */

/* ---- clocks: clock.c ---- */

typedef enum case_clock_state { CASE_CLOCK_IDLE, CASE_CLOCK_RUNNING, CASE_CLOCK_PAUSED, CASE_CLOCK_STOPPED } case_clock_state;

typedef struct case_clock {
    uint8_t state;
    bool provisional;     /* due rests on a year that no calendar lists */
    bool dirty, stored;   /* to be written; has a row */
    bool untold;          /* written, and the journal does not know yet */
    uint32_t fired;       /* marks that were raised, a bit each */
    int64_t origin_us;    /* first start since the last reset */
    int64_t since_us;     /* start of the stretch that runs */
    int64_t due_us;       /* 0: none yet. A paused clock keeps the last one */
    int64_t stopped_us;   /* 0: not stopped */
    int64_t breached_us;  /* 0: was not late */
    cal_duration budget;  /* settled, extensions included; no unit where the rule gives the instant itself */
    int64_t used;         /* of the budget, by stretches that ended */
    int64_t extensions, extended;
    base_buf account;     /* what happened to it, a JSON list: the history that explains `due` */
} case_clock;

enum { CASE_MAX_MARKS = 32, CASE_MOST_PENDING = 10000 }; /* pending: events of one case that were sent and have not come */
/* Conditions over gov_case_timer. A year that a calendar does not list and may not guess is no fault that another try would mend: what fails for it is put aside at its
 * own instant, without using up tries, until rules are installed whose calendars are others. */
#define CASE_WAITS_FOR_YEAR "parked = 1 AND attempts = 0"
#define CASE_IS_PARKED "parked = 1 AND attempts > 0"
#define CASE_NEVER INT64_MAX /* a timer's due instant that nobody can say: it waits for its clock to go on */

/* ---- machines: machine.c, slots.c, action.c ---- */

typedef struct case_machine case_machine;

typedef enum case_timer_kind {
    CASE_TIMER_AFTER = 1,  /* an `after` of a state */
    CASE_TIMER_MARK = 2,   /* a mark of a clock */
    CASE_TIMER_SEND = 3,   /* an event that the rules sent */
    CASE_TIMER_IMPORT = 4, /* an event that an import brought */
    CASE_TIMER_SCHEDULE = 5, /* a schedule's turn; of no case */
    CASE_TIMER_ROOM = 6,     /* a hidden operation of a room above: `event` names it, `data` is what it is given; of no case */
    CASE_TIMER_EFFECT = 7    /* an effect that ends later: its time is over, or it reports */
} case_timer_kind;

typedef struct case_timer {
    int64_t case_id;  /* whose */
    const char *name; /* unique within the case: "a@STATE#0", "m:CLOCK:0", "s:ID#STEP.N", "f:CASE.ID#STEP.N", "e:ID" */
    uint8_t kind;
    int64_t due_us;
    const char *event;
    value data; /* absent: none */
    /* Where a calendar had to be asked: what was reckoned from where, and whether the answer rests on a year that is not listed. */
    int64_t since_us; /* 0: it had not to be */
    cal_duration length;
    uint8_t roll;         /* cal_roll */
    const char *calendar; /* whose name; NULL: that of the case's workflow */
    bool provisional;
} case_timer;

typedef struct case_world {
    gov_status (*schedule)(case_machine *m, const case_timer *t, const diag *d);
    gov_status (*unschedule)(case_machine *m, const char *name, const diag *d);
    /* Gives a timer another due instant; nothing where it is not set any more, or has failed and is tried again. */
    gov_status (*move)(case_machine *m, const case_timer *t, const diag *d);
    /* What it sent under an id and has not come, to itself or to others. */
    gov_status (*cancel_sends)(case_machine *m, const char *id, const diag *d);
    gov_status (*effect)(case_machine *m, const rulebook_action *action, const diag *d);
    /* An event for other cases: the parent, the children, or those of a link. */
    gov_status (*send)(case_machine *m, const rulebook_send *send, const case_timer *when, const diag *d);
    rulebook_resolve resolve;
    /* Calls an effect off that ends later; NULL: there is nothing under way. */
    gov_status (*cancel)(case_machine *m, const rulebook_later *later, const diag *d);
} case_world;

/* Who is told what a community's cases do; for tests of rules. What is rolled back afterwards was told, too. */
typedef struct case_watch {
    void (*entered)(void *user, const rulebook_workflow *w, uint32_t state);
    void (*taken)(void *user, const rulebook_workflow *w, uint32_t transition);
    void *user;
} case_watch;

enum { CASE_ROW_DIGEST = 16 };
struct case_machine {
    const case_world *world;
    const case_watch *watch; /* NULL: nobody */
    void *user; /* the world's; for the store's world the gov */
    const gov_allocator *alloc;
    base_arena *arena; /* of one step */

    const rulebook *rules; /* calendars and roles: always the current ones */
    const cal_calendar *plain; /* for rules without a calendar: days and months in the zone, no working time */
    const rulebook_workflow *w;
    int64_t now_us;

    int64_t id, parent, reporter, staff, unit, grid, opened_us, closed_us;
    int64_t changed_us; /* its last step, as it was loaded */
    int64_t rules_id; /* the version whose workflow this is */
    const char *number, *source, *outside_number, *link, *outcome;
    const char *holders; /* the units that had it, in order, a list of ids as text; NULL: none had */
    const char *flags, *former; /* lists as text: what the import found, the rules it was pinned to before; NULL: none */
    int64_t steps;
    uint8_t written[CASE_ROW_DIGEST]; /* of the row, as the step has left it */
    bool untold;                      /* the journal does not have that yet */
    bool sent; /* something by this step to itself */

    const uint32_t *by_name; /* the fields in the order of their names */
    value *slots;  /* what expressions read; the fields stand here, at their own slots */
    chart_state *state;
    int64_t *entered; /* by state: when the stay that lasts began; of those that are not active nothing is said */
    const chart_state *during; /* how far a step has come; NULL between steps */
    case_clock *clocks;

    const access_actor *actor; /* NULL: nobody in particular */
    const chart_event *event;  /* what is being handled */

    gov *community; /* NULL: there is none */
    int64_t sender; /* the case that the event came from; 0: none */
    const char *marking;   /* the name of the mark that is due; NULL: it is none */
    const char *reporting; /* the id of the effect that it came from; NULL: none */
    /* What an expression that gives an instant has asked: case_instant looks whether its answer rests on a year that is not listed. */
    const cal_calendar *asked; /* the calendar of a function; NULL: none */
    bool asked_unsure;         /* a clock whose due instant is provisional */
    bool asked_data;           /* an expression has asked for the data of the event */
    bool asked_waiting;        /* for the due instant of a clock that has none, being paused or not started, and nothing came of it */
    int64_t as_of_us;          /* what `now` is for an expression that is asked as of then; 0: now_us */
    bool clocks_moved;         /* something happened to a clock in this step */
    bool extends; /* the event that is being handled extends a clock, which takes it where no state does */
    bool fields_dirty;
    const char *keys; /* what the keys of `open` begin with; NULL: the case */
    int depth; /* how many cases deep this one was opened by effects of a step */
    base_place rule; /* of the transition that was taken last */
    value_builder changes, effects, raised; /* for the journal */
    value_builder waits; /* what this step set and took back, for the journal as a witness: pending.c */
};

/* Memory for a machine of that workflow, from the arena; fields, state and clocks as of a case that is not open yet. */
gov_status case_machine_init(case_machine *m, const rulebook_workflow *w, base_arena *arena, const diag *d);
void case_machine_free(case_machine *m); /* the clocks' accounts */
/* A clock that is under way takes the event, by which it is extended, and no state does: the clock is reason enough. */
bool case_extended_by(const case_machine *m, const char *event);
/* GOV_OK: the clocks that the event extends can be extended now; `known`: it has its data. */
gov_status case_clocks_extendable(case_machine *m, const char *event, bool known, const diag *d);
/* Do the roles of a transition let the event through, sent by whom it was? What the rules raise needs nobody's leave. */
gov_status case_admits(case_machine *m, uint32_t transition, const chart_event *event, bool *holds, const diag *d);

value case_field(const case_machine *m, size_t field);
void case_put_field(case_machine *m, size_t field, value v);

gov_status case_machine_start(case_machine *m, const diag *d);
/* One macrostep. *accepted: did the event itself do anything? */
gov_status case_machine_send(case_machine *m, const char *event, value data, bool *accepted, const diag *d);
/* A mark of a clock is due. */
gov_status case_machine_mark(case_machine *m, const char *timer, const char *event, const diag *d);
bool case_machine_ended(const case_machine *m); /* every active leaf is final */
const char *case_machine_outcome(const case_machine *m);
gov_status case_active_paths(const case_machine *m, base_arena *arena, value *list, const diag *d);

/* What expressions of this machine's workflow run with. */
expr_run case_expr_run(case_machine *m);
/* For functions of rooms above: the community of the case whose expression runs; NULL: none, as in a simulation. */
gov *case_gov_of(const expr_run *run);
/* For rulebook_host.calendar: the calendar that counts for the case whose expression runs; NULL: no case. */
const cal_calendar *case_calendar_of(const expr_run *run, const char *name);
/* The calendar of that name, the rulebook's own (NULL), or the plain one. */
const cal_calendar *case_calendar(const case_machine *m, const char *name);
gov_status case_plain_calendar(const gov_allocator *a, const base_zone *zone, cal_calendar **out, const diag *d);
/* For rulebook_host.in_state: run_user is the machine. */
bool case_in_state(void *run_user, const rulebook_workflow *w, uint32_t state);
/* The end of a duration that begins at from_us, by the workflow's calendar. */
gov_status case_end_of(case_machine *m, const char *calendar, int64_t from_us, cal_duration dur, uint8_t roll,
                       cal_instant *out, const diag *d);

/* An instant that an expression gives; 0: it asks for the due instant of a clock that has none. *provisional: it was reckoned from a clock or by a calendar's days of a year that is not listed. */
gov_status case_instant(case_machine *m, const expr_program *at, const base_place *place, int64_t *us, bool *provisional, const diag *d);

gov_status case_run_block(case_machine *m, const rulebook_block *block, chart_run *run, const diag *d);

/* Clocks, as the machine drives them. */
gov_status case_clocks_event(case_machine *m, const char *event, size_t len, const diag *d);
gov_status case_clocks_entered(case_machine *m, uint32_t state, const diag *d);
gov_status case_clocks_exited(case_machine *m, uint32_t state, const diag *d);
gov_status case_clock_mark(case_machine *m, size_t clock, size_t mark, const diag *d);
gov_status case_clocks_handed_over(case_machine *m, const diag *d); /* `per: holder` */
/* When the clock is due; 0: nobody can say. What waits with part of its budget left is due when that is used up after the pause. */
int64_t case_clock_due(const case_machine *m, size_t clock);
value case_clock_reading(case_machine *m, size_t clock, rulebook_clock_part part);
bool case_mark_of(const case_machine *m, const char *timer, size_t *clock, size_t *mark);
/* When a mark of a clock that runs is raised. */
gov_status case_mark_due(case_machine *m, size_t clock, size_t mark, int64_t *at, bool *provisional, const diag *d);
/* The calendar says something else than before: the clock that runs is reckoned again. *changed: it is due at another instant, or
 * has become certain. */
gov_status case_clock_reckon(case_machine *m, size_t clock, bool *changed, const diag *d);
/* m goes on with old's clocks, under other rules: those of the same name, as they stand or reckoned again; the account says so. */
gov_status case_clocks_migrate(case_machine *m, case_machine *old, bool recompute, const diag *d);
/* What a clock used by its account, up to now, counted in its budget's unit by that calendar; of an instant: plain time. recompute.c */
gov_status case_clock_used(base_arena *arena, const case_clock *c, const cal_calendar *cal, bool by_instant, int64_t now_us,
                           int64_t *used, const diag *d);
/* When its budget was used up, by its account up to now and that calendar; 0: it was not. recompute.c */
gov_status case_clock_spent(base_arena *arena, const case_clock *c, const cal_calendar *cal, uint8_t roll, int64_t now_us, int64_t *at_us,
                            const diag *d);
/* When an `after` is due that begins at from_us, which is `now` for one with `at`; CASE_NEVER: when its clock goes on. */
gov_status case_timer_due(case_machine *m, const rulebook_timer *t, int64_t from_us, case_timer *out, const diag *d);
/* "a@STATE#0", in the machine's arena; NULL: no memory. */
const char *case_timer_name(case_machine *m, const char *event);

/* ---- other cases: family.c ---- */

/* A unit has it now: it is noted, where it is another one than before. */
gov_status case_note_holder(case_machine *m, const diag *d);
/* The units that had it, and how often it came back to one that had had it; keys or ids is the caller's matter. */
value case_holders(case_machine *m);
int64_t case_ping_pongs(case_machine *m);
/* Its children, a list of maps: id, number, workflow, link, unit, opened_at, closed_at, ended, outcome, as of the machine's `now` (but for
 * the unit, which is today's). Without a store: none. */
gov_status case_children(case_machine *m, value *out, const diag *d);
/* The same of cases of that workflow whose indexed field has this value, newest first, itself left out; the first 100. */
gov_status case_alike(case_machine *m, const char *workflow, const char *field, value v, value *out, const diag *d);

/* ---- effects: effect.c, and rooms above ---- */

/* ---- effects that end later: later.c ----
 *
 * An effect whose table has reports (rulebook_report) goes on after its step when its `run` calls case_effect_begin. The case keeps
 * what is under way by its id, one of an id at a time; the room keeps its own row, which `ref` names. It ends in one of these ways:
 *   the room says so (case_effect_end, in its own transaction): the report is queued and becomes a macrostep of its own;
 *   its time is over: the case asks the runner's `due`, and the report is that macrostep's event;
 *   `cancel: ID`, or the case ends: the runner's `cancel` is called, and there is no report.
 * Migration keeps what the new version begins under the same id by the same effect, and refuses the case otherwise. */
typedef struct case_open_effect {
    int64_t case_id;
    const char *id, *effect; /* its own, and the effect's name */
    int64_t since_us;
    int64_t due_us; /* when it ends at the latest; 0: not said */
    int64_t ref;    /* the room's own */
} case_open_effect;

/* ref, and due_us for explaining; with a timer (due_us, and since_us, length, roll, calendar, provisional where a calendar was asked)
 * the case watches the time. GOV_E_REFUSED, reported, when something of this id is under way. Nothing where no id is written. */
gov_status case_effect_begin(case_machine *m, const rulebook_action *action, int64_t ref, int64_t due_us, const case_timer *timer,
                             const diag *d);
/* Reports ID.REPORT with data, a map. GOV_E_NOT_FOUND, reported, when it is not under way, and GOV_E_BUG for what the effect's table does
 * not know. Unless the report goes on, the effect has ended. */
gov_status case_effect_end(gov *g, int64_t case_id, const char *id, const char *report, value data, const diag *d);
/* GOV_END when it is not under way; texts lie in the arena. */
gov_status case_effect_get(gov *g, int64_t case_id, const char *id, base_arena *arena, case_open_effect *out, const diag *d);
/* "e:ID", in the machine's arena; NULL: no memory. */
const char *case_effect_timer_name(case_machine *m, const char *id);
/* The id that the action writes; NULL: none. */
const char *case_effect_id(const rulebook_action *action);
/* For previews: the report at that instant, in a life in memory. */
gov_status case_effect_foresee(case_machine *m, const rulebook_action *action, const char *report, value data, int64_t at_us,
                               const diag *d);
/* A DURATION argument; *given false: not written. */
gov_status case_argument_length(case_machine *m, const rulebook_action *action, const char *name, bool *given, cal_duration *out,
                                const diag *d);

/* What a rulebook_effect's `user` points to. Runs inside the step's transaction; a failure rolls the step back. */
typedef struct case_runner {
    gov_status (*run)(gov *g, case_machine *m, const rulebook_action *action, const diag *d);
    /* What it would do, noted and not done: when past cases are lived through again. It may change the machine. NULL: its arguments
     * are noted. */
    gov_status (*preview)(gov *g, case_machine *m, const rulebook_action *action, const diag *d);
    /* Of effects that end later. It is called off, or its case has ended before it; nothing is reported then. */
    gov_status (*cancel)(gov *g, case_machine *m, const case_open_effect *e, const diag *d);
    /* Its time is over (where it was begun with one): which of its reports comes of that, with what data? Once in the arena of m. */
    gov_status (*due)(gov *g, case_machine *m, const case_open_effect *e, const char **report, value *data, const diag *d);
} case_runner;

extern const rulebook_host case_words; /* what this room brings to the rule language */

/* For effects: an argument's value (absent when it is not written), and the note for the journal. */
gov_status case_argument(case_machine *m, const rulebook_action *action, const char *name, value *out, const diag *d);
void case_note_effect(case_machine *m, const char *name, value data);

/* What rulebook_host.stepped is told of. The machine is under way: effects may be noted, nothing may be sent to it. */
typedef struct case_stepped {
    case_machine *m;
    const char *event; /* what was handled; NULL: the case was opened */
    value data;        /* the event's, absent: none */
    bool closed;       /* this step ended the case */
} case_stepped;

/* ---- the store side: live.c, open.c, send.c, tick.c ---- */

typedef struct case_opening {
    const char *workflow;
    value fields; /* a map, unchecked */
    int64_t reporter, grid, unit, parent;
    const char *link;
    const char *source, *number; /* another system's */
    bool number_free; /* the caller has looked: nobody has this number */
    int64_t content; /* import: a digest of the row; 0: not from an import */
    value flags; /* import: a list of words; absent: none */
    int depth;
} case_opening;
gov_status case_open(gov *g, const case_opening *o, int64_t *id, const diag *d);

/* Sends as g's actor, checking its roles. */
gov_status case_send(gov *g, int64_t id, const char *event, value data, const diag *d);
/* The same for what happens now: time does not run backwards for a case. Where the clock stands before its last step, as another
 * machine's may, the event comes at the instant of that step. */
gov_status case_send_now(gov *g, int64_t id, const char *event, value data, const diag *d);

/* The system whose number it is, where none is named. */
#define CASE_OUTSIDE "outside"
/* 0 and GOV_OK when there is none. source NULL or "": the community's own. */
gov_status case_find_number(gov *g, const char *source, const char *number, size_t len, int64_t *id, const diag *d);
/* The same for an import: *content is what the case's row was, 0 where no import opened it. */
gov_status case_find_imported(gov *g, const char *source, const char *number, int64_t *id, int64_t *content, const diag *d);
/* Whether that can be another system's number of a case: valid UTF-8 is taken for granted. */
enum { CASE_MOST_NUMBER = 200 };
gov_status case_check_number(const char *number, const diag *d);
/* The newest child of that link; 0 when there is none. */
gov_status case_find_child(gov *g, int64_t parent, const char *link, int64_t *id, const diag *d);

gov_status case_schedule(gov *g, const case_timer *t, const diag *d);
/* Takes a timer back, by its case (0: none) and name; no error when it is not there. */
gov_status case_unschedule(gov *g, int64_t case_id, const char *name, const diag *d);
/* Fires what is due up to the community's now; `until_us` instead of now. */
gov_status case_tick(gov *g, int64_t until_us, uint64_t max, gov_tick_result *out, const diag *d);
/* schedule.c: puts the next turn of each schedule of these rules into the queue, and drops those of others. */
gov_status case_schedules_install(gov *g, const rulebook *rb, const diag *d);
/* The same as if nothing had been there before; for a clock that was set anew. */
gov_status case_schedules_restart(gov *g, const diag *d);

/* Fires what one case was due before now, so that an event finds it as it would have been had the host ticked in time. What is due
 * at this very instant waits: what is done at the due instant is in time. */
gov_status case_catch_up(gov *g, int64_t id, const diag *d);
/* The same for what is of no case, what rooms have put off and turns of schedules: points that expired yesterday are gone today, ticked or
 * not, and who becomes a member today was none yesterday. */
gov_status case_catch_up_rooms(gov *g, const diag *d);

/* ---- requests that may come twice: request.c ---- */

/* A key under which a call may be repeated; it is its actor's own, whoever else uses the same one. */
typedef struct case_request {
    const char *key;  /* as the caller gave it */
    const char *kept; /* as it is kept; from g's scratch */
    uint8_t digest[BASE_DIGEST_SIZE];
} case_request;
/* `what` and `input` make the digest. GOV_END: the key is new. GOV_OK: *answer is the first one's, an id or, of an operation, a value
 * in g's scratch. GOV_E_CONFLICT: it was used for something else. */
gov_status case_request_begin(gov *g, case_request *r, const char *const *what, size_t count, value input, int64_t *id, value *answer,
                              const diag *d);
/* Keeps the answer: an id, or a value (absent: none). */
gov_status case_request_keep(gov *g, const case_request *r, int64_t id, value answer, const diag *d);
/* *any: something is pending; then *due_us is when, and *provisional (may be NULL) whether that rests on a year that is not listed. */
gov_status case_next_due(gov *g, bool *any, int64_t *due_us, bool *provisional, const diag *d);

/* A machine of this community without a case yet. */
gov_status case_machine_of(gov *g, case_machine *m, const diag *d);
/* A machine loaded under lock, to look at or to step. Free it with case_machine_free. */
gov_status case_load(gov *g, int64_t id, bool lock, base_arena *arena, case_machine *m, const diag *d);
access_subject case_subject(case_machine *m); /* borrows the machine */
/* May g's actor send this event to the case, by its roles? */
gov_status case_may_send(gov *g, case_machine *m, const rulebook_event *event, bool *may, const diag *d);

/* The workflow that a case is pinned to, then those it ran under before; none for a case that is not there. versions.c */
typedef struct case_versions {
    const rulebook_workflow **items;
    size_t count;
} case_versions;
gov_status case_versions_of(gov *g, int64_t id, base_arena *arena, case_versions *out, const diag *d);
/* What a member of its history is, under whichever version: a field, or the input of the event (may be NULL). */
const rulebook_field *case_named_field(const case_versions *v, const char *event, const char *name, size_t len);

/* refuse.c: the error that the event would be answered with, if g's actor sent it now; *out NULL: it would be taken. Its data is not known:
 * guards that turn on it count as open, and extensions of which it says how long they are as short. */
typedef enum case_why { CASE_BY_STATE, CASE_BY_GUARD, CASE_BY_ROLE, CASE_BY_CLOCK } case_why;
gov_status case_event_refusal(gov *g, case_machine *m, const rulebook_event *e, case_why *why, gov_error **out, const diag *d);
/* watch.c: borrowed until it is set anew; NULL: nobody watches. */
void case_set_watch(gov *g, const case_watch *watch);
/* The cases of a workflow, of a parent (0: any), in the order of opening; from the arena. */
gov_status case_ids(gov *g, const char *workflow, int64_t parent, base_arena *arena, int64_t **ids, size_t *count, const diag *d);

/* What case_verify_clocks found; the texts lie in g's scratch, and are NULL where nothing differs. */
typedef struct case_clock_report {
    int64_t checked;
    const char *number, *clock, *part; /* the first clock that differs, and in what */
} case_clock_report;
/* Recomputes every clock from its account; GOV_E_VERIFY when one is not what it says. recompute.c */
gov_status case_verify_clocks(gov *g, case_clock_report *out, const diag *d);

/* ---- another calendar: reckon.c ---- */

bool case_calendars_differ(const rulebook *was, const rulebook *is);
/* Every case that has not ended, by the calendars that are now in force. In the caller's transaction. */
gov_status case_reckon_all(gov *g, const diag *d);

/* ---- other rules: migrate.c, rehearse.c ---- */

/* What became of each case, for the report; values lie in `arena`. */
typedef struct case_migration {
    const rulebook *rules; /* to go over to */
    int64_t rules_id;      /* theirs; 0 in a dry run, which writes nothing */
    base_arena *arena;
    int64_t migrated, same, refused;
    value_builder refusals;
} case_migration;
/* All cases that have not ended. */
gov_status case_migrate(gov *g, case_migration *how, const diag *d);
/* Past cases lived through again under other rules, in memory: a map of how many were looked at, and those that would have gone
 * otherwise. */
gov_status case_rehearse(gov *g, const rulebook *rules, base_arena *arena, value *out, const diag *d);

gov_status case_attach(gov *g, const diag *d);

/* ---- without a store: simulate.c ---- */

/* One line of the protocol of `gov simulate`; line NULL: the first answer. Only memory can fail. */
gov_status case_simulation_line(gov_simulation *s, const char *line, size_t len, base_buf *out);
/* workflow NULL: the only one. The host is the simulation's from here on, even when this fails. */
gov_status case_simulation_new(const gov_allocator *a, const char *path, const char *workflow, const rulebook_host *host,
                               void (*host_free)(const rulebook_host *host, const gov_allocator *a), gov_simulation **out,
                               const diag *d);

/* Who an entry of the journal names: "host", "rules", or the key of a record; "" when that is gone. history.c */
gov_status case_actor_key(gov *g, int64_t actor, const char **out, const diag *d);

#endif
