/* What the files of the room diagram share. */
#ifndef DIAGRAM_INNER_H
#define DIAGRAM_INNER_H

#include "diagram/diagram.h"

#define DIAGRAM_NONE UINT32_MAX

enum { DIAGRAM_MAX_STATES = 600, DIAGRAM_MAX_LINKS = 3000, DIAGRAM_MAX_ITEMS = 20000 };

typedef enum diagram_word {
#define WORD(name, en, zh) DIAGRAM_W_##name,
#include "diagram/words.def"
#undef WORD
    DIAGRAM_WORDS
} diagram_word;

/* One drawing on its way. `failed`: there is no memory; everything then goes on harmlessly to the end. */
typedef struct diagram_job {
    const rulebook_workflow *w;
    const chart *c;
    const char *lang;
    bool zh, failed, too_large;
    const gov_allocator *alloc;
    base_arena *arena;
    base_buf *out;
} diagram_job;

void *diagram_alloc(diagram_job *g, size_t count, size_t size); /* zeroed, in the arena */
const char *diagram_keep(diagram_job *g, base_buf *b);          /* its text, in the arena; frees the buffer */

/* ---- say.c, clocks.c ---- */

const char *diagram_say_word(const diagram_job *g, diagram_word word);
const char *diagram_state_title(const diagram_job *g, uint32_t state);
void diagram_say_duration(const diagram_job *g, base_buf *b, const rulebook_duration *d);
void diagram_say_event(const diagram_job *g, base_buf *b, const char *name, size_t len);
void diagram_say_block(const diagram_job *g, base_buf *b, uint32_t block);

/* What a transition says. `on` is empty for an eventless one, `guard` and `effects` where there are none. */
typedef struct diagram_saying {
    const char *on, *guard, *effects, *by;
    bool timer;
} diagram_saying;
diagram_saying diagram_say(diagram_job *g, uint32_t transition);
/* "event [guard] / effects" */
const char *diagram_say_line(diagram_job *g, const diagram_saying *s);

/* What stays inside a state: entry, exit, and transitions that do not leave it. */
typedef struct diagram_inside {
    diagram_saying *items;
    const char **lead; /* "entry", "exit", a mark for a transition to itself; "" */
    uint32_t count;
} diagram_inside;
diagram_inside diagram_say_inside(diagram_job *g, uint32_t state);
/* Is it drawn inside its state? */
bool diagram_stays(const diagram_job *g, uint32_t transition);

typedef enum diagram_clock_use { DIAGRAM_CLOCK_OFF, DIAGRAM_CLOCK_RUNS, DIAGRAM_CLOCK_PAUSED } diagram_clock_use;
/* By clock and state, row by row: may the clock run there? */
uint8_t *diagram_clock_uses(diagram_job *g);

/* The clock's account in lines of a term and its words. */
typedef struct diagram_term {
    const char *term, *words;
} diagram_term;
diagram_term *diagram_clock_terms(diagram_job *g, uint32_t clock, uint32_t *count);

/* ---- mermaid.c, dot.c, svg.c ---- */
void diagram_write_mermaid(diagram_job *g);
void diagram_write_dot(diagram_job *g);
void diagram_write_svg(diagram_job *g);

/* ---- measure.c ---- */

typedef enum diagram_style {
    DIAGRAM_TITLE, /* of a state */
    DIAGRAM_NAME,  /* its name beside the title */
    DIAGRAM_SMALL, /* what happens inside a state, and labels */
    DIAGRAM_GUARD, /* in labels */
    DIAGRAM_DOES,  /* in labels */
    DIAGRAM_HEAD,  /* of the page */
    DIAGRAM_STYLES
} diagram_style;

typedef struct diagram_line {
    const char *s;
    uint32_t len;
    int32_t w;
    uint8_t style, above; /* room that is left above it */
} diagram_line;
typedef struct diagram_text {
    diagram_line *lines;
    uint32_t count, cap;
    int32_t w, h;
} diagram_text;
int32_t diagram_measure(const char *s, size_t len, diagram_style style);
int32_t diagram_line_height(diagram_style style);
/* Adds the words in lines no wider than `width`, at most `most` of them; what is left out ends in "…". */
void diagram_wrap(diagram_job *g, diagram_text *t, const char *s, diagram_style style, int32_t width, uint32_t most);

/* ---- the graph: graph.c, face.c ---- */

typedef enum diagram_kind {
    DIAGRAM_STATE, DIAGRAM_INITIAL, DIAGRAM_ANY, DIAGRAM_HEADER, DIAGRAM_LABEL, DIAGRAM_BEND, DIAGRAM_PORT
} diagram_kind;

/* Something with a place in a layer of a box. */
typedef struct diagram_item {
    uint8_t kind;
    uint32_t state, link; /* of STATE; of LABEL, BEND, PORT */
    int32_t rank;
    uint32_t order; /* within its layer */
    int32_t x, y, w, h; /* within the box's content */
} diagram_item;

/* A line between two items of neighbouring layers. */
typedef struct diagram_segment {
    uint32_t upper, lower; /* items */
    int32_t from_x, to_x;  /* pins: from the left edge of the upper item, of the lower one */
    int32_t track, y;
    uint32_t link, piece;
} diagram_segment;

/* The part of a link that lies in one box, in the link's direction. */
typedef struct diagram_piece {
    uint32_t box, link;
    uint32_t from, to;   /* items of the box */
    bool labelled;
    uint32_t *segments;  /* of the box, in the link's direction */
    uint32_t segment_count;
    bool starts_at_border, ends_at_border; /* the link begins or ends at the box itself, from inside */
} diagram_piece;

/* What is inside a state, or inside the workflow. */
typedef struct diagram_box {
    uint32_t state;
    bool parallel;
    diagram_item *items;
    uint32_t item_count, item_cap;
    diagram_segment *segments;
    uint32_t segment_count, segment_cap;
    uint32_t *pieces;
    uint32_t piece_count, piece_cap;
    uint32_t **layers;
    uint32_t *layer_counts;
    int32_t rank_count;
    int32_t *layer_y, *layer_h, *gap_h; /* gap r lies below layer r */
    int32_t content_x, content_y, content_w, content_h;
    int32_t w, h;
} diagram_box;

typedef struct diagram_point {
    int32_t x, y;
} diagram_point;

/* An arrow from a state (or an initial dot) to a state. */
typedef struct diagram_link {
    uint32_t from, to;  /* states; an initial dot's `from` is the state around it */
    bool initial, timer, up_from, up_to; /* up_*: it leaves upwards, it arrives upwards */
    diagram_saying *sayings;
    uint32_t saying_count, saying_cap;
    diagram_text label;
    uint32_t *pieces;
    uint32_t piece_count;
    uint32_t middle; /* which of the pieces lies where both ends are beside each other */
    diagram_point *points;
    uint32_t point_count;
    int32_t label_x, label_y, label_w;
} diagram_link;

/* How a state looks. */
typedef struct diagram_face {
    const char *title, *name; /* name NULL: the same */
    diagram_text head, inside;
    uint8_t *clocks; /* diagram_clock_use by clock */
    uint32_t badges;
    int32_t w, h;
    int32_t x, y; /* on the page */
} diagram_face;

typedef struct diagram_graph {
    diagram_job *g;
    uint32_t state_count;
    diagram_face *faces;
    diagram_box **boxes; /* by state; NULL: nothing inside */
    diagram_link *links;
    uint32_t link_count, link_cap;
    diagram_piece *pieces;
    uint32_t piece_count, piece_cap;
} diagram_graph;

bool diagram_build(diagram_job *g, diagram_graph *out);
uint32_t diagram_add_item(diagram_graph *m, diagram_box *b, diagram_kind kind, uint32_t what);
uint32_t diagram_add_segment(diagram_graph *m, diagram_box *b, uint32_t from, uint32_t to, uint32_t piece);
void diagram_faces(diagram_graph *m);
void diagram_label(diagram_graph *m, diagram_link *l);
/* A list that grows in the arena. NULL: no memory. */
void *diagram_grow(diagram_job *g, void *items, uint32_t count, uint32_t *cap, size_t size);

/* ---- layout ---- */

/* Integers x with x[head] - x[tail] >= least that make the sum of weight * (x[head] - x[tail]) small: network simplex,
 * with a bound on its work. The edges have no cycle. */
typedef struct diagram_edge {
    uint32_t tail, head;
    int32_t least, weight;
} diagram_edge;
void diagram_solve(diagram_job *g, uint32_t count, diagram_edge *edges, uint32_t edge_count, bool centre, int32_t *x);

void diagram_rank(diagram_graph *m, diagram_box *b);
void diagram_order(diagram_graph *m, diagram_box *b);
void diagram_pins(diagram_graph *m, diagram_box *b);
void diagram_straighten(diagram_graph *m, diagram_box *b);
void diagram_place(diagram_graph *m, diagram_box *b);
void diagram_tracks(diagram_graph *m, diagram_box *b);
void diagram_route(diagram_graph *m);
bool diagram_is_real(const diagram_item *i); /* not a label, bend or port */

/* ---- legend.c ---- */
/* Is it one of the states of a parallel one, which are active all at once? They have dashed borders. */
bool diagram_is_region(const diagram_job *g, uint32_t state);
void diagram_clock_glyph(base_buf *out, int32_t x, int32_t y, uint32_t clock, diagram_clock_use use);
void diagram_put_escaped(base_buf *out, const char *s, size_t len);
/* Lines below one another from y on; `anchor` is "start" or "middle" of them at x. */
void diagram_put_lines(base_buf *out, const diagram_text *t, int32_t x, int32_t y, const char *anchor);
/* One card for each clock, and below them what the signs mean; returns the height that they take. */
int32_t diagram_put_legend(diagram_job *g, int32_t x, int32_t y, int32_t width);

#endif
