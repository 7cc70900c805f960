/* Room exchange, its upper half: imports. A map (YAML) says what a table's columns mean; its rows become records, cases or
 * events, in batches that are transactions, each with a mark of how far the file was taken.
 *
 *   map.c, mapread.c   the map: read, then checked against the rulebook
 *   source.c           a file under its map: rows one by one, a digest of what was read, the place where it goes on
 *   target.c           where it may write
 *   cells.c            a row's cells into values, flags, or reasons for refusing it
 *   apply.c, life.c    a row into the registry and the cases, on the community's clock
 *   mark.c             what the store remembers of imports
 *   refuse.c           where rows go that cannot be imported
 *   import.c           lists of maps, batches, the merge of several files by time */
#ifndef EXCHANGE_IMPORT_H
#define EXCHANGE_IMPORT_H

#include "access/access.h"
#include "case/case.h"
#include "exchange/exchange.h"
#include "exchange/table.h"
#include "registry/registry.h"

#include <gov/exchange.h>

#include <stdio.h>

enum {
    IMPORT_BATCH = 500,
    IMPORT_MOST_BATCH = 100000,
    IMPORT_MOST_COLUMNS = 256,
    IMPORT_MOST_LIVES = 32,
    IMPORT_MOST_FLAGS = 32,
    IMPORT_MOST_MAPS = 64,
    IMPORT_MOST_GEOJSON = 256 * 1024 * 1024
};

/* Beyond the host's now: a day may be a time zone; a year is a slip of the pen even where the machine's clock is behind. */
#define IMPORT_AHEAD_US (BASE_US_PER_SECOND * 86400)
#define IMPORT_FAR_US (BASE_US_PER_SECOND * 86400 * 366)

#define IMPORT_NEVER INT64_MIN

/* ---- maps ---- */

typedef enum import_kind { IMPORT_RECORDS, IMPORT_CASES, IMPORT_EVENTS } import_kind;

typedef enum import_type {
    IMPORT_TEXT,
    IMPORT_INT,
    IMPORT_DOUBLE,
    IMPORT_MONEY,
    IMPORT_BOOL,
    IMPORT_DATE,
    IMPORT_TIMESTAMP,
    IMPORT_POINT,
    IMPORT_LIST,
    IMPORT_JSON,
    IMPORT_TYPES_
} import_type;

/* What a column is for, besides the fields that the rulebook declares. */
typedef enum import_role {
    IMPORT_FIELD,
    IMPORT_KEY, /* of a record; the number of a case or event */
    IMPORT_OPENED_AT,
    IMPORT_REPORTER,
    IMPORT_GRID,
    IMPORT_UNIT,
    IMPORT_AT,
    IMPORT_CASE,
    IMPORT_LINK,
    IMPORT_ACTOR,
    IMPORT_EVENT,
    IMPORT_DATA,
    IMPORT_ROLES_
} import_role;

typedef enum import_blank {
    IMPORT_BLANK_FINE,
    IMPORT_BLANK_FLAG,
    IMPORT_BLANK_REFUSE
} import_blank;

typedef struct import_word {
    const char *text; /* of the cell */
    size_t len;
    value means;
} import_word;

/* How one value comes out of a row. */
typedef struct import_spec {
    const char *target;
    base_place place;
    uint8_t role, type, blank;
    bool typed;            /* the map says the type */
    bool keyed;            /* the key of a record that is a field as well */
    const char *column;    /* NULL: a point's two, or a constant */
    const char *lat, *lon; /* of a point */
    size_t at, at_lat, at_lon;
    const char *separator; /* of a list */
    size_t separator_len;
    const import_word *words; /* translate */
    size_t word_count;
    value constant; /* absent: none */
    exchange_when_format when;
    bool not_before_opening;
    const char *flag_blank, *flag_early;
    const rulebook_field *field; /* NULL: not a declared one */
} import_spec;

/* An event of a case's life. */
typedef struct import_life {
    const char *event, *timer; /* the timer's name: unique within the case */
    base_place place;
    bool at_opening;  /* at: opened_at */
    size_t at_column; /* at: the name of another target; SIZE_MAX: `at` below */
    import_spec at;
    import_spec *data;
    size_t data_count;
    const char *flag_early, *flag_far;
} import_life;

typedef struct import_map {
    const char *path, *dir, *file;
    uint8_t digest[BASE_DIGEST_SIZE]; /* of its text */
    uint8_t kind;
    const char *record_kind; /* GOV_KIND_*, for records */
    const char *workflow, *system;
    base_place workflow_place;
    const rulebook_workflow *rules;
    exchange_format format;
    const base_zone *zone;
    base_zone *own_zone;
    exchange_when_format when;
    import_spec *specs;
    size_t spec_count;
    size_t by_role[IMPORT_ROLES_]; /* SIZE_MAX: none */
    const char *key;
    base_place key_place;
    const char *const *blanks;
    size_t blank_count;
    geo_point *defaults;
    size_t default_count;
    bool create_units;
    import_life *lives;
    size_t life_count;
} import_map;

/* A list of maps, as import.yaml has it; or one map alone. */
typedef struct import_list {
    import_map *order;
    size_t order_count;
    import_map *replay;
    size_t replay_count;
    int64_t until_us; /* IMPORT_NEVER: the last instant in the data */
} import_list;

/* Reads everything and checks it against g's rules; every mistake is reported with its place. */
gov_status import_read(gov *g, base_arena *arena, const char *path, import_list *out,
                       const diag *d);
void import_list_free(import_list *list); /* the zones */
/* The second half of it, for one map. */
gov_status import_check(gov *g, base_arena *arena, import_map *map, const diag *d);
bool import_is_geojson(const char *file);

/* Reading parts of a map; mistakes are reported and remembered, and something harmless is given. */
typedef struct import_reader {
    base_arena *arena;
    const diag *d;
    gov_status status;
} import_reader;
void import_note(import_reader *r, gov_status status);
bool import_keys(import_reader *r, const rb_node *n, const char *what, const char *const *keys);
const char *import_text(import_reader *r, const rb_node *n, const char *what);
gov_status import_unknown(const rb_node *n, const base_place *place, const char *kind,
                          const char *name, const char *const *names, size_t count, const diag *d);
void import_read_spec(import_reader *r, const rb_node *n, const char *target,
                      const base_place *place, import_spec *out);
void import_read_format(import_reader *r, const rb_node *n, const rulebook *rules, import_map *map);
void import_read_lives(import_reader *r, const rb_node *n, import_map *map);

/* ---- rows ---- */

typedef struct import_source import_source;

typedef struct import_moment {
    int64_t us; /* IMPORT_NEVER: blank */
    base_local local;
} import_moment;

/* A row that was taken out of its file: everything lies in the batch's arena. */
typedef struct import_row {
    import_source *from;
    exchange_row row;
    value geometry;
    uint8_t chain[BASE_DIGEST_SIZE]; /* of all rows up to this one */
    int64_t at_us;                   /* when it happens; IMPORT_NEVER: whenever */
    value fields;                    /* a map */
    const char *text[IMPORT_ROLES_]; /* of the roles that are text */
    value data;                      /* of an event */
    int64_t *life_us;                /* by life; IMPORT_NEVER: does not happen */
    value *life_data;
    geo_point place;
    bool placed;
    int64_t content; /* a digest of all that the cells say, never 0: is the row what it was? */
    const char *flags[IMPORT_MOST_FLAGS];
    size_t flag_count;
    gov_error *wrong;   /* its cells: why it is refused */
    gov_error *refused; /* the same, or what the rules had against it in this try */
} import_row;

void import_flag(import_row *row, const char *flag);

/* Fills in what the cells say. GOV_OK also when the row is refused (row->wrong); else only memory can fail. */
gov_status import_convert(import_source *s, import_row *row, base_arena *arena, const diag *d);
/* When the row at hand happens, without converting the rest; IMPORT_NEVER when it does not say so. */
int64_t import_peek(const import_source *s);

/* ---- what the store remembers ---- */

typedef struct import_counts {
    uint64_t rows, added, unchanged, changed, flagged, refused, events;
} import_counts;

typedef struct import_mark {
    int64_t rows;
    uint8_t chain[BASE_DIGEST_SIZE];
    int64_t rules; /* version of the rules under which they were taken */
    int64_t refused;
    int64_t clock_us; /* how far the community's clock came; IMPORT_NEVER: it was not moved */
    int64_t last_us;  /* the last instant that the rows speak of */
    bool finished;
    bool known; /* there is a row of it in the store */
} import_mark;

gov_status import_mark_load(gov *g, const char *name, import_mark *out, const diag *d);
gov_status import_mark_save(gov *g, const char *name, const import_mark *mark, const diag *d);
gov_status import_refusal_add(gov *g, const char *name, uint64_t row, uint64_t line,
                              const char *en, const char *zh, const diag *d);
/* The first refused row after that one. GOV_END: there is none. */
gov_status import_refusal_next(gov *g, const char *name, const char *lang, uint64_t after,
                               uint64_t *row, base_arena *arena, const char **reason,
                               const diag *d);
gov_status import_refusals_drop(gov *g, const char *name, const diag *d);
/* The keys of events that were imported, per file: an event leaves no number of its own elsewhere. */
/* *content: of the row that brought it; 0: the key is new. */
gov_status import_key_find(gov *g, const char *name, const char *key, int64_t *content,
                           const diag *d);
gov_status import_key_add(gov *g, const char *name, const char *key, int64_t content,
                          const diag *d);

/* ---- sources ---- */

struct import_source {
    gov *g;
    const import_map *map;
    const char *path, *name; /* the file; under which the store knows it */
    base_arena memory;       /* features */
    exchange_table *table;
    geo_feature *features;
    size_t feature_count, feature_at;
    const exchange_row *head; /* the row at hand; NULL: there is none (any more) */
    exchange_row feature_row;
    exchange_cell *feature_cells;
    bool ended;
    gov_status broken; /* why it ended early */
    gov_error *broken_why;
    uint64_t position; /* rows taken */
    uint64_t size;     /* of the file in bytes, for progress */
    uint8_t chain[BASE_DIGEST_SIZE];
    base_buf text; /* of a row, for the digest */
    int64_t last_peek;
    import_mark mark;    /* as it is in the store, with the batch at hand once that is committed */
    int64_t stored_rows; /* how far the store says that the file was taken */
    bool restart;        /* what the store knows is of another beginning of this file */
    bool touched;        /* by the batch at hand */
};

/* Where a map's data is, in the arena. */
gov_status import_data_path(gov *g, base_arena *arena, const import_map *map, const char *file,
                            const char **out, const diag *d);
gov_status import_source_open(gov *g, const import_map *map, const char *file, import_source *out,
                              const diag *d);
void import_source_close(import_source *s);
/* Makes the next row the one at hand. GOV_OK also at the end (s->head == NULL). */
gov_status import_source_next(import_source *s, const diag *d);
/* Reads the row at hand into the digest and goes on to the next. */
gov_status import_source_skip(import_source *s, const diag *d);
/* Copies the row at hand into the arena, converted, and goes on to the next. */
gov_status import_source_take(import_source *s, base_arena *arena, import_row *out, const diag *d);
uint64_t import_source_bytes(const import_source *s);

/* ---- refused rows ---- */

typedef struct import_refusing import_refusing;
/* The paths that a call names. */
typedef struct import_paths {
    const char *map, *file, *refused;
    bool dry; /* nothing is written */
} import_paths;
/* refused NULL or dry: *out is NULL, and nothing is written; but what could not be written is told even when dry.
 * lang "zh" or "en". For several maps: one list of all files at the path, and one file for each beside it. */
gov_status import_refusing_new(gov *g, const import_list *list, const import_paths *paths,
                               const char *lang, import_refusing **out, const diag *d);
gov_status import_refusing_add(import_refusing *r, import_source *s, const exchange_row *row,
                               const gov_error *why, const diag *d);
/* The source is closed: ends its file; the list of all stays open. */
gov_status import_refusing_end(import_refusing *r, const import_source *s, const diag *d);
gov_status import_refusing_flush(import_refusing *r, const diag *d);
void import_refusing_free(import_refusing *r);
/* target.c. May that path be written? What is read or belongs to the store may not; an existing file only when an
 * import wrote it. Links are followed. */
gov_status import_target_check(gov *g, const char *path, const char *const *read, size_t count,
                               const diag *d);
void import_target_clear(const char *path); /* removes a file that an import wrote */
gov_status import_target_open(const char *path, FILE **out, const diag *d);
void import_target_drop(const char *path); /* removes what import_target_open() made */
/* All reasons of an error as one text, in the arena. */
const char *import_reason(base_arena *arena, const gov_error *why, const char *lang);

/* ---- applying ---- */

typedef struct import_session {
    gov *g;
    base_arena arena;  /* of the whole import */
    base_arena batch;  /* of one batch */
    base_arena actors; /* resolved in this batch */
    base_map actor_ids;
    const char *lang;
    uint32_t batch_rows;
    uint32_t flags;
    gov_progress progress;
    void *user;
    import_refusing *refusing;
    int64_t clock_us; /* of the replay; IMPORT_NEVER: it has not begun */
    int64_t last_us;  /* the last instant that the rows speak of */
    int64_t now_us;   /* the host's: nothing of what the rows tell can lie far beyond it */
    bool clock_behind; /* all that the files tell lies ahead of it: it is the clock that is wrong */
    int64_t until_us;
    bool grids_known, has_grids;
    bool careful;  /* each row in a savepoint of its own */
    bool again;    /* the batch is to be run again, carefully */
    uint64_t left; /* timers that may still fire in this transaction */
    bool full;     /* they are used up */
    import_counts counts, total;
    uint64_t bytes_done, bytes_all;
} import_session;
/* Beyond what a row may tell of: a day after now, or, where the clock is behind, a year. */
bool import_is_beyond(const import_session *s, int64_t us);

typedef enum import_did {
    IMPORT_DID_ADD,
    IMPORT_DID_CHANGE,
    IMPORT_DID_NOTHING,
    IMPORT_DID_REFUSE
} import_did;

/* Applies one row in the transaction at hand. GOV_OK: *did says what became of it; s->full: nothing, the transaction has
 * done enough. A status of the row's own (see import_is_row_fault): it is to be refused with what d was told. */
gov_status import_apply(import_session *s, import_row *row, import_did *did, const diag *d);
bool import_is_row_fault(gov_status status);
gov_status import_tick(import_session *s, int64_t until_us, const diag *d);

#endif
