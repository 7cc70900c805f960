/* The store side of cases: a case_live is a machine that was loaded from its rows, under the community g. */
#ifndef CASE_LIVE_H
#define CASE_LIVE_H

#include "case/case.h"

typedef struct case_crowd {
    int64_t case_id, count;
} case_crowd;

/* What g keeps of this room. */
typedef struct case_room {
    uint64_t epoch;
    bool next_known;
    uint64_t changes; /* of the home's timer_changes, as `epoch` */
    bool next_any;    /* a timer is pending ... */
    int64_t next_due; /* ... and the earliest is due then; valid while the epoch is */
    bool next_provisional;
    cal_calendar *plain;
    const base_zone *plain_zone; /* whose calendar `plain` is */
    const case_watch *watch;
    int64_t crowd_us; /* how many events were fired for a case at this instant */
    case_crowd crowd[256];
    int64_t turn;    /* of what is due at once of what the timer does that is being fired; 0: none is */
    int64_t queue_of; /* the case of which is known ... */
    int queue_left;   /* ... how many more events may be pending for it */
    int64_t circles; /* that were found in this tick */
    struct case_order *orders; /* per workflow: its fields by name */
    size_t order_count, order_cap;
    struct case_role_program *programs; /* roles' conditions, compiled per workflow */
    size_t program_count, program_cap;
} case_room;
case_room *case_room_of(const gov *g);
/* A role's condition, compiled for a workflow; NULL in *out when it has none. */
gov_status case_role_condition(gov *g, const rulebook_workflow *w, const rulebook_role *role, const expr_program **out,
                               const diag *d);

extern const case_world case_store_world;
/* The machine whose expression runs; NULL: that of something else. */
enum { CASE_FUNCTIONS = 7 };
extern const expr_function case_functions[CASE_FUNCTIONS]; /* functions.c */
case_machine *case_machine_running(const expr_run *run);
/* Memory for the machine, as case_machine_init, and what the room keeps per workflow. */
gov_status case_machine_under(gov *g, case_machine *m, const rulebook_workflow *w, base_arena *arena, const diag *d);

/* A timer was written that is due then. */
void case_note_due(gov *g, int64_t due, bool provisional);

/* What an engine or the machine itself fails at is passed on; only what the rules fail at is a matter of the case. */
bool case_fault_of_rules(gov_status status);

/* It failed for want of a year: CASE_WAITS_FOR_YEAR. */
bool case_lacks_year(const gov_error *error);
gov_status case_wake_waiting(gov *g, const diag *d); /* queue.c */

/* ---- effects that end later: later.c ---- */

gov_status case_effect_cancel(case_machine *m, const rulebook_later *later, const diag *d);
/* The case has ended: what is under way is called off. */
gov_status case_effects_end(gov *g, case_machine *m, const diag *d);
/* The queue's row of an effect is due: *event is what to send with *data; NULL: nothing. */
gov_status case_effect_due(gov *g, case_machine *m, const char *timer, const char **event, value *data, const diag *d);
/* A list of maps: id, effect, since, due, provisional. */
gov_status case_effects_view(gov *g, case_machine *m, value *out, const diag *d);
/* May what is under way stay under these rules? */
gov_status case_effects_fit(gov *g, case_machine *old, const rulebook_workflow *w, const diag *d);
extern const store_table case_effect_table, case_publication_table, case_objection_table;

/* Rows. */
/* GOV_E_NOT_FOUND, reported; GOV_E_CORRUPT where there was such a case. */
gov_status case_not_there(gov *g, int64_t id, const diag *d);
gov_status case_insert(case_machine *m, gov *g, const value *flags, const diag *d);
gov_status case_save(case_machine *m, gov *g, const diag *d);
gov_status case_index_field(gov *g, const case_machine *m, size_t field, value before, const diag *d);

/* ---- filters: filter.c ---- */

typedef struct case_filter {
    bool never;          /* holds for no case */
    const char **fields; /* that it or the order reads */
    size_t count;
    access_order order;
} case_filter;
/* Adds a filter's condition to a statement over gov_case c, whose $1 is the community, and reads an order; either may be NULL.
 * workflow NULL: cases of all of them. */
gov_status case_filter_add(gov *g, const char *workflow, const char *where, const char *order, access_condition *sql,
                           case_filter *out, const diag *d);
/* May the actor see every field that the filter reads, in this case? */
gov_status case_filter_may(gov *g, const case_filter *f, const case_machine *m, const access_subject *scope, bool *may,
                           const diag *d);

gov_status case_schedule_fire(gov *g, const case_timer *cause, const diag *d);
/* One macrostep with all that it leaves: rows, index, journal. `cause` is an event that was sent, or a timer. */
/* refuse.c: says why nothing has taken the event. */
gov_status case_refuse(case_machine *m, const char *event, value data, const diag *d);
gov_status case_step(gov *g, case_machine *m, const case_timer *cause, bool must_accept, const diag *d);
/* The journal's entry of a step. */
gov_status case_record_step(gov *g, case_machine *m, const char *kind, const char *event, value data, value from,
                            const diag *d);
/* After a step: ends, reopens, tells the parent. */
gov_status case_settle(gov *g, case_machine *m, const diag *d);

/* ---- a case's row against the journal: rows.c ---- */

/* Every column but the fields; a number that is 0 and a text that is NULL are SQL NULL where the column may be. */
enum { CASE_ROW_NUMBERS = 11, CASE_ROW_TEXTS = 11 };
typedef struct case_row {
    int64_t numbers[CASE_ROW_NUMBERS];
    const char *texts[CASE_ROW_TEXTS];
} case_row;
/* `doc` holds the fields; the rest is put behind them, and where there is no memory for that it has failed. */
void case_row_digest(const case_row *row, base_buf *doc, uint8_t out[CASE_ROW_DIGEST]);
/* A case that another one's step has given another parent: that is a step of its own, which the journal is told of. */
gov_status case_record_moved(gov *g, int64_t id, const diag *d);

/* ---- what waits against the journal: pending.c ---- */

enum { CASE_WAIT_DIGEST = 8 };
/* `data` holds the timer's data as a document (nothing: none); the rest is put behind it. */
void case_timer_digest(base_buf *data, const case_timer *t, const char *length, size_t length_len, uint8_t out[CASE_WAIT_DIGEST]);
/* A step has set, taken back or moved a timer of the case `other`, its own or another one's. */
void case_tell_wait(case_machine *m, int64_t other, const char *name, int64_t due_us, const uint8_t digest[CASE_WAIT_DIGEST]);
void case_tell_gone(case_machine *m, int64_t other, const char *name);
void case_tell_moved(case_machine *m, const char *name, int64_t due_us);
void case_tell_all_gone(case_machine *m, bool closed); /* with the case; or those of states and clocks, before they are set anew */
void case_tell_effect(case_machine *m, const char *id, const char *effect, int64_t since_us, int64_t due_us, int64_t ref);
void case_tell_effect_gone(case_machine *m, const char *id);
/* Every schedule has its row in the queue. schedule.c */
gov_status case_verify_schedules(gov *g, const diag *d);
/* Puts a timer into the queue and tells of it. */
gov_status case_schedule_told(gov *g, case_machine *m, const case_timer *t, const diag *d);

/* The journal as a witness of cases and their clocks: witness.c */
void case_clock_digest(const case_clock *c, uint8_t out[CASE_ROW_DIGEST]);
/* Puts the row and the clocks that were written in this step, as digests, into the step's entry. */
gov_status case_tell_clocks(case_machine *m, value_builder *entry, const diag *d);
typedef struct case_told {
    int64_t step;    /* of the case */
    uint64_t digest[2]; /* its first bytes; of a clock eight */
    bool seen;       /* there is a row for it */
    bool gone;       /* of what waits: it was taken back, or came; digest[1] is its due instant */
    bool parked;
    int64_t attempts;
} case_told;
typedef struct case_witness {
    const gov_allocator *alloc;
    base_map places; /* case and clock -> where in `told` */
    case_told *told; /* the last of each clock of each case */
    size_t count, cap;
    base_arena keys;
    base_buf key;
} case_witness;
void case_witness_init(case_witness *w, const gov_allocator *a);
void case_witness_free(case_witness *w);
gov_status case_witness_hear(case_witness *w, gov *g, const diag *d); /* reads the whole journal */
/* The case's row, and what the import that opened it knew of its content: names that no clock has. */
#define CASE_TOLD_ROW "#"
#define CASE_TOLD_MARK "mark"
#define CASE_TOLD_CONTENT "%"
/* Under that name, which must be new to it. */
gov_status case_witness_note(case_witness *w, int64_t id, const char *name, size_t len, int64_t step, const uint64_t digest[2], const diag *d);
/* What an entry tells of timers and effects, and of an event that failed. pending.c */
gov_status case_hear_waits(case_witness *w, int64_t id, int64_t step, value list, const diag *d);
void case_hear_failure(case_witness *w, int64_t id, value data, bool parked, bool anew);
/* GOV_E_VERIFY names the first timer or effect that is not as the steps have left it. */
gov_status case_verify_waits(gov *g, case_witness *w, const diag *d);
/* What was told of that; NULL: nothing. */
case_told *case_witness_told(case_witness *w, int64_t id, const char *name);
/* Of a case with erased entries nothing is known. */
bool case_witness_erased(case_witness *w, int64_t id);
int64_t case_witness_gone(case_witness *w); /* a case whose row was told of and not seen; 0: none */
/* Rows of cases, their numbers, counters and words: GOV_E_VERIFY names the first that is not as its steps have left it. */
gov_status case_verify_rows(gov *g, case_witness *w, const diag *d);
/* Is it the row that the journal tells of? Of a case with erased entries nothing is known: it is. */
gov_status case_witness_ask(case_witness *w, int64_t id, const char *name, const case_clock *c, bool *same, const diag *d);
/* A clock that was told of and not asked for; *name NULL: none. */
gov_status case_witness_missing(case_witness *w, int64_t *id, const char **name, size_t *len, const diag *d);

/* ---- a clock's account for people: account.c ---- */

/* The steps of a case's life, as the journal has them. */
typedef struct case_past_step {
    int64_t at_us, actor, entry;
    int64_t step; /* of the case; 0: it wrote no clock */
    const char *event; /* "": it was opened, migrated ... */
    const char *mark; /* the timer's name of a clock's mark; NULL: it was none */
} case_past_step;
typedef struct case_past {
    gov *g;
    base_arena *arena;
    const diag *d;
    case_past_step *items;
    size_t count, cap;
} case_past;
gov_status case_past_read(gov *g, int64_t id, base_arena *arena, case_past *out, const diag *d);
void case_past_free(case_past *p);
/* A list of maps in the order of time: `at`, `what`, and what belongs to it. */
gov_status case_account_lines(gov *g, case_machine *m, size_t clock, const case_past *past, value account, value *out, const diag *d);
value case_text_value(base_arena *arena, const rulebook_text *t); /* a map of language to text; absent: no memory */
/* A diagnostic's code and its message by language. */
value case_reason_value(base_arena *arena, const gov_error *e);

/* The fields, with keys for references and masks for what g's actor may not see. */
gov_status case_view_fields(gov *g, case_machine *m, value *out, const diag *d);

gov_status case_show_field(gov *g, case_machine *m, const rulebook_field *f, value v, const access_subject *scope,
                           value *out, const diag *d);
gov_status case_view_clocks(case_machine *m, const case_past *past, value *out, const diag *d);
/* Loads a case and asks for `case.read` on it; one that is not for this actor is answered as one that is not there. */
gov_status case_load_to_read(gov *g, int64_t id, case_machine *m, const diag *d);

#endif
