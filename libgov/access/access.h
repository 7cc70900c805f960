/* Room access: the community handle, who acts on it and why, and the one gate that every public call passes.
 *
 * A public call is access_run(g, &(access_call){...}, body, input, err): it refuses when no actor is set or the rulebook does not
 * permit the action, runs the body in a transaction (or a savepoint of the caller's group), retries what the engine asks to
 * retry, and records the looks at sensitive fields that the body made. Bodies may run more than once. */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include "journal/journal.h"
#include "rulebook/rulebook.h"
#include "store/store.h"
#include "value/value.h"

#include <gov/access.h>
#include <gov/store.h>
#include <stdatomic.h>

/* What a connection is to all communities that are open on it. */
struct gov_store {
    const gov_allocator *alloc;
    atomic_int refs; /* the caller's, and one per community: freed in any order, on any thread */
    store *store;
    int64_t (*now_us)(void *user);
    void *now_user;
    void (*random)(void *bytes, size_t len, void *user);
    void *random_user;
    const rulebook_host *host; /* what the rule language knows here; its maker frees it */
    void (*host_free)(gov_store *home);
    /* One journal per community, shared by its handles: it keeps the tree's edge in memory. */
    struct access_journal {
        int64_t community;
        journal *journal;
    } *journals;
    size_t journal_count, journal_cap;
    uint64_t record_changes, rule_changes, timer_changes; /* move when a handle of this connection writes what others on it have copies of */
};

/* Rooms that keep something per community register it under their own slot. */
typedef enum access_room { ACCESS_REGISTRY, ACCESS_LEDGER, ACCESS_CASE, ACCESS_POINTS, ACCESS_INSIGHT, ACCESS_ROOMS } access_room;

typedef enum access_kind {
    ACCESS_NOBODY,   /* nothing set yet: everything is denied */
    ACCESS_HOST,     /* the program that embeds us, acting for itself */
    ACCESS_STAFF,
    ACCESS_RESIDENT,
    ACCESS_RULES     /* timers and queued events: the rules act by themselves */
} access_kind;

/* A community's time begins after this instant: 0 is thus free to say "none" where the instants of cases are kept. */
#define ACCESS_BEFORE_TIME_US 0

/* Whether the clock stands is never read off the instant at which it does. */
typedef struct access_clock {
    bool stands; /* else it runs with the host's */
    int64_t us;
} access_clock;

typedef struct access_actor {
    access_kind kind;
    int64_t id;             /* record of staff or resident, else 0 */
    const char *key, *name; /* "" for host and rules */
    const char *const *roles;
    size_t role_count;
    const int64_t *grids; /* the officer's own; their subtrees count */
    size_t grid_count;
    int64_t unit;
    const char *purpose;
} access_actor;

const char *access_actor_name(const access_actor *a); /* for messages: never empty */

/* One look at one field: who, when and why are kept with it, since a group ends later, and perhaps under another actor. */
typedef struct access_look {
    const char *kind, *field; /* of what: "case", "resident", ...; field's name */
    int64_t subject;
    int64_t actor, at_us;
    const char *purpose;
} access_look;

/* What rooms above teach access: it asks, and knows nothing of their tables. */
typedef struct access_hooks {
    /* Fills *actor from the record of that key, with memory from arena. */
    gov_status (*resolve)(gov *g, access_kind kind, const char *key, base_arena *arena, access_actor *actor, const diag *d);
    /* Takes up the rules that are in force now, where another handle or a rollback may have changed them. */
    gov_status (*follow)(gov *g, const diag *d);
    /* Is `grid` inside one of the actor's? */
    gov_status (*grid_within)(gov *g, int64_t grid, const int64_t *grids, size_t n, bool *within, const diag *d);
    /* Does what was due before now and reads records, before one of them changes. Forgets what lies in the scratch. */
    gov_status (*catch_up)(gov *g, const diag *d);
} access_hooks;

struct gov {
    gov_store *home;
    const gov_allocator *alloc;
    store *store;
    journal *journal;
    int64_t community;
    char *name;
    const rulebook *rules; /* the current one */
    access_hooks hooks;

    access_actor actor;
    base_arena actor_memory;
    access_clock clock;

    bool group;         /* gov_begin was called */
    base_arena scratch; /* memory of one public call; reset when the next begins */
    int running;        /* calls under way: a call from inside another one keeps its memory */

    base_arena look_memory;
    access_look *looks;
    size_t look_count, look_cap;
    size_t call_looks;  /* of these, made before the call that runs */
    gov_value **answer; /* what the call that runs has handed out */

    void *room[ACCESS_ROOMS];
    void (*room_free[ACCESS_ROOMS])(gov *g, void *state);
};

/* ---- the gate ---- */

#define ACCESS_ANYONE NULL /* any actor that is set */
#define ACCESS_HOST_ONLY "host"
/* Decided inside, by access_may_send (the roles of an event). */
#define ACCESS_BY_EVENT ""

typedef struct access_call {
    const char *action; /* a permission of the rulebook ("case.open"), or one of the above */
    bool write;
} access_call;

typedef gov_status (*access_body)(gov *g, void *input, const diag *d);
gov_status access_run(gov *g, const access_call *call, access_body body, void *input, gov_error **err);
/* For a call that runs its own transactions: what access_run does before the body. */
gov_status access_enter(gov *g, const char *action, const diag *d);
/* A group that is still open when the handle is freed is undone; what was looked at in it is recorded. */
void access_end_group(gov *g);

/* A document of the store. One that cannot be read says that the store is damaged, and where it is: nobody wrote it wrongly. */
gov_status access_read_stored(gov *g, base_arena *arena, const char *text, size_t len, value *out, const diag *d);

/* Hands an answer out, as the last thing that a body does; access_run takes it back when the call fails after all. */
gov_status access_answer(gov *g, value v, gov_value **out, const diag *d);

/* The permission alone, for rooms that call rooms below them on their own account. */
gov_status access_check(gov *g, const char *action, const diag *d);
gov_status access_deny(gov *g, const char *action, const diag *d); /* GOV_E_DENIED, reported */

/* ---- roles and scopes ---- */

/* What a scoped role is measured against; 0 where there is none. */
typedef struct access_subject {
    int64_t grid, unit, staff, reporter;
    /* Evaluates a role's `when`; NULL: such roles do not hold. */
    gov_status (*when)(void *user, const rulebook_role *role, bool *holds, const diag *d);
    void *user;
} access_subject;

/* Does the actor hold any of these roles towards the subject? Roles are the workflow's (w may be NULL) and the current rulebook's.
 * The host and the rules hold them all. */
gov_status access_holds(gov *g, const rulebook_workflow *w, const rulebook_names *roles, const access_subject *subject,
                        bool *holds, const diag *d);
/* As access_check, where the permission's roles are scoped: against the subject. */
gov_status access_check_subject(gov *g, const char *action, const access_subject *subject, const diag *d);
/* The same as an answer, for whom a refusal would tell that there is something. After access_check. */
gov_status access_reaches(gov *g, const char *action, const access_subject *subject, bool *reaches, const diag *d);

/* What the actor's roles for an action can reach lies in the unit, is the staff's or the reporter's, or (grid not 0) lies in one of
 * the actor's grids. False: no such bound. */
bool access_bounds(const gov *g, const char *action, access_subject *within);

/* As access_check, for what concerns the whole community: a role that is bound to a part of it, or to a condition, does not do. */
gov_status access_check_whole(gov *g, const char *action, const diag *d);
/* Could the actor hold the role towards something? Bounds are not looked at. */
bool access_may_hold(const gov *g, const rulebook_role *role);

/* ---- sensitive fields ---- */

/* May the actor see fields of that class plain, towards the scope? NULL: they are not sensitive. */
gov_status access_may_see(gov *g, const char *sensitive, const access_subject *scope, bool *may, const diag *d);
/* Towards anything at all? Who may not has no business to filter by them either. */
bool access_might_see(const gov *g, const char *sensitive);


/* What the actor is shown of a field of that class: the value itself (the look is recorded), or its mask. */
gov_status access_show(gov *g, const char *sensitive, const char *kind, int64_t subject, const char *field, value v,
                       const access_subject *scope, base_arena *arena, value *out, const diag *d);
/* The mask alone: 张**, 138****8000, 110***********002X, an address down to its building. */
gov_status access_mask(rulebook_mask style, value v, base_arena *arena, value *out, const diag *d);

/* ---- words of an index: word.c ---- */

/* Sortable text of a value; len 0: it has none. */
void access_word(base_buf *out, value v);
/* Texts of so many bytes and less are words as they are. A longer one is cut after ACCESS_WORD_TEXT bytes or a few more, and ends in
 * a digest that makes it longer than any of the others: never the word of another text. */
enum { ACCESS_LONGEST_WORD = 200, ACCESS_CUT_WORD = 176, ACCESS_WORD_TEXT = ACCESS_CUT_WORD - 3 };

/* ---- filters: filter.c, set.c, relation.c ---- */

/* A condition on rows as it grows: text in the store's subset, and the values behind its parameters. */
typedef struct access_condition {
    base_arena *arena; /* of the values */
    base_buf sql;
    store_arg *args;
    size_t arg_count;
    bool full; /* more values than a statement takes */
} access_condition;
enum { ACCESS_MOST_VALUES = 160 };
void access_condition_init(access_condition *c, const gov_allocator *a, base_arena *arena);
void access_condition_free(access_condition *c);
void access_condition_text(access_condition *c, const char *sql);
void access_condition_value(access_condition *c, store_arg arg); /* writes "$n"; texts are borrowed */
void access_condition_cut(access_condition *c, size_t len, size_t args); /* takes back what was written since */

/* How a column's values are kept. What a filter sees of it is decided by the list: keys of records are texts there. */
typedef enum access_domain {
    ACCESS_INT, ACCESS_DOUBLE, ACCESS_TEXT, ACCESS_TIME, /* us since 1970 */
    ACCESS_SPAN, /* us */
    ACCESS_FLAG, /* `sql` is a condition; in words "b1" and "b0" */
    ACCESS_KEY,  /* the id of a record of `kind`, which a filter names by its key */
    ACCESS_TEXTS /* a list of texts, each a word of its own: `'x' in column`; none is an empty list */
} access_domain;

/* A name that differs from row to row. */
typedef struct access_column {
    const char *name;    /* "case.opened_at"; texts of all rows of the table outlive the filter */
    uint32_t slot;       /* in the list's scope */
    uint8_t domain;      /* access_domain */
    bool words;          /* kept as sortable words of an index, letter first: `sql` is the word's column */
    bool null_is_value;  /* SQL NULL is null, as for a case without a unit. Else a row without it has no value */
    bool missing;        /* a column of the row: SQL NULL is no value, as for a field that was not written */
    bool cut;            /* words: texts may be longer than the index keeps */
    const char *sql;     /* "c.opened_us"; NULL: the filter may not use it, and `why` says why not */
    const char *kind;    /* KEY: of which records */
    base_message why;    /* with the name as {field} */
    /* Where it is not in the row itself: "EXISTS (SELECT 1 FROM ... WHERE ... k.name = ", then a parameter for `owner`, " AND "
     * and the condition, ")"; and the same with NOT. What is not there is null when null_is_value, provided that `only_sql` is one
     * of `only` (all rows when there are none); flags are false there. */
    const char *within, *not_within, *owner;
    const char *only_sql;
    rulebook_names only;
    /* The same as a table beside the row's, for lists in its order: "gov_word w, ", " AND w.community = $1 AND ... w.field = "
     * with the owner behind it, and the row's id there. */
    const char *beside, *beside_on, *beside_id;
    const char *sensitive; /* class of the field, where the list has one per name */
    bool hidden; /* the actor may see it of no row: not to be asked for */
    bool used;   /* out: the filter reads it */
} access_column;

/* What a list offers to filters. */
typedef struct access_filtering {
    const expr_scope *scope; /* every name, those of columns too */
    access_column *columns;
    size_t column_count;
    const value *slots; /* of the names that are the same for all rows; absent for columns */
    size_t slot_count;
    /* The id of a record; 0: there is none. */
    gov_status (*find)(gov *g, const char *kind, const char *key, size_t len, int64_t *id, const diag *d);
    /* In('path') over rows: text with the active states between commas, ",a.b,c,", and a condition for where that can be
     * trusted. NULL: there is no such function. */
    const char *states, *states_known;
    const char *id; /* of a row: "c.id" */
} access_filtering;

/* Adds " AND (...)" for a filter in CEL: it holds for exactly those rows for which the expression yields true; a row whose fields
 * have no value, or whose values give an error, is not among them. *never: for no row at all. What cannot be asked of the
 * store exactly is refused, with its place in the text: GOV_E_EXPR; GOV_E_DENIED for a column that is hidden; GOV_E_LIMIT. */
gov_status access_filter(gov *g, const access_filtering *how, const char *text, size_t len, access_condition *out,
                         bool *never, const diag *d);

/* ---- orders and pages: order.c, page.c ---- */

/* Rows are listed by a column, those without a value behind all others; and by their ids where that is the same. */
typedef struct access_order {
    const access_column *column; /* NULL: by id alone */
    bool descending;             /* ids too */
} access_order;

/* "case.urgency", "case.urgency asc", "case.urgency desc". NULL: by id. What the store cannot order by is refused as in a filter. */
gov_status access_order_read(gov *g, const access_filtering *how, const char *text, access_order *out, const diag *d);

/* A row's place in its list. */
typedef struct access_mark {
    bool set;     /* else before the first row (of those without a value, when `missing`) */
    bool missing; /* it has no value */
    int64_t id, n;
    const char *text; /* of texts and words */
    size_t len;
} access_mark;

/* A list under way: one question, asked anew from the last row on. */
typedef struct access_listing {
    const char *select; /* "c.id": the id comes first; more columns may follow */
    int selected;       /* how many */
    const char *from;   /* "gov_case c" */
    const char *id;     /* "c.id" */
    access_condition where; /* begins with " WHERE c.community = $1" */
    access_order order;
    access_mark at; /* after it */
    bool ended;
    base_arena marks[2]; /* of this piece and the one before */
    unsigned turn;
} access_listing;

/* After the texts and order are set; `arena` holds the condition's values. */
void access_listing_init(access_listing *l, const gov_allocator *a, base_arena *arena);
void access_listing_free(access_listing *l);
/* The next `most` rows at most; then access_listing_row for each, and access_listing_turn with their number. */
gov_status access_listing_ask(gov *g, access_listing *l, int most, store_rows *rows, const diag *d);
gov_status access_listing_row(access_listing *l, store_rows *rows, access_mark *out, const diag *d);
void access_listing_turn(access_listing *l, const access_mark *last, size_t count, int most);

/* What a cursor is bound to: eight digits of the digest of all that the list was asked for. */
void access_cursor_bind(const char *const *parts, size_t count, uint32_t flags, char out[9]);
void access_cursor_write(const access_listing *l, const access_mark *mark, const char *bound, base_buf *out);
/* NULL: the first page. GOV_E_ARG: it is not one of this list. */
gov_status access_cursor_read(access_listing *l, const char *cursor, const char *bound, const diag *d);

/* ---- the handle ---- */

int64_t access_now(const gov *g);                 /* the community's clock, us since 1970 */
int64_t access_actor_id(const gov *g); /* as the journal names it */
void access_set_clock(gov *g, int64_t us);           /* it stands there; gov_set_now() without its limits */
int64_t access_real_ms(const gov *g);             /* the machine's clock, for ids */
void access_random(const gov *g, void *bytes, size_t len);
gov_status access_new_id(gov *g, int64_t *id, const diag *d);
/* Appends a journal entry in the actor's name at the community's now. */
gov_status access_record(gov *g, const journal_entry *entry, int64_t *id, const diag *d);

/* To be said after writing a row of a table that the journal keeps (journal_keep); passes on the status of the writing. */
gov_status access_keep(gov *g, gov_status written, const journal_kept *k, int64_t a, int64_t b,
                       int64_t c, const diag *d);

/* Acts as the rules until access_restore: for timers, whose actor is nobody in person. */
access_actor access_become_rules(gov *g);
void access_restore(gov *g, access_actor actor);

/* How the journal names those who are no person. */
enum { ACCESS_ID_HOST = 1, ACCESS_ID_RULES = 2 };

gov_status access_new(gov_store *home, int64_t community, gov **out, const diag *d);
void access_hold(gov_store *home);
void access_release(gov_store *home); /* closes at the last one */

/* Options structs: copies `size` bytes of known fields, refuses unknown ones that are set. */
gov_status access_call_options(gov_call_options *dst, const gov_call_options *src, const diag *d); /* src may be NULL */
gov_status access_options(void *dst, size_t known, const void *src, size_t src_size, const diag *d);

#endif
