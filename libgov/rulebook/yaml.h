/* The YAML layer of room rulebook: bytes to node trees whose every part knows its line and column.
 * YAML 1.2 core schema over libyaml's events; keys are scalars and unique; aliases share nodes. */
#ifndef RULEBOOK_YAML_H
#define RULEBOOK_YAML_H

#include "base/base.h"
#include "value/value.h"

enum {
    RB_MAX_DEPTH = 64,
    RB_MAX_ALIAS_NODES = 10000,
    RB_MAX_FILE = 8 * 1024 * 1024,
    RB_MAX_FILES = 4096,
    RB_MAX_BUNDLE = 64 * 1024 * 1024,
    RB_MAX_VERSION = 64, /* characters */
    RB_MAX_SHOWN = 50 /* bad characters reported in one file */
};

typedef enum rb_kind { RB_SCALAR, RB_LIST, RB_MAP } rb_kind;
typedef enum rb_type { RB_NULL, RB_BOOL, RB_INT, RB_FLOAT, RB_STRING } rb_type;
typedef enum rb_style { RB_PLAIN, RB_SINGLE, RB_DOUBLE, RB_LITERAL, RB_FOLDED, RB_BLOCK, RB_FLOW } rb_style;

/* The text that nodes point back into; it outlives them. */
typedef struct rb_source {
    const char *path;
    const char *bytes; /* without BOM */
    size_t len;
} rb_source;

typedef struct rb_node rb_node;
typedef struct rb_pair {
    rb_node *key; /* a scalar */
    rb_node *val;
} rb_pair;

struct rb_node {
    uint8_t kind, type, style, height;
    bool torn;  /* a document's root: what could be read of it */
    bool quiet; /* it was replaced for one already reported: say nothing more about it */
    uint32_t line, column;
    uint32_t start, end; /* bytes of it in the source */
    uint32_t weight;     /* nodes in it, aliases expanded */
    uint32_t count;      /* bytes of text, items or pairs */
    const rb_source *source;
    union {
        const char *text; /* NUL-terminated */
        rb_node **items;
        rb_pair *pairs;
    } as;
};

/* A document of a file: the part between two lines `---`. */
typedef struct rb_slice {
    const rb_source *source;
    uint32_t start, len, line; /* line of its first byte, from 1 */
} rb_slice;

/* Checks size, UTF-8 and control characters, all of them reported at their places. */
gov_status rb_check_text(const rb_source *s, const diag *d);
/* Puts another character for whatever rb_check_text refuses, so that the rest of the file can be checked nevertheless. */
gov_status rb_mend_text(base_arena *arena, rb_source *s, const diag *d);

/* The next document from *at on (line *line); false when there is no more. Documents of nothing but
 * comments are passed over. */
bool rb_next_slice(const rb_source *s, uint32_t *at, uint32_t *line, rb_slice *out);

/* Kind and name of a slice (its first key and that key's value) by looking at one line only; false when
 * that line does not tell and the slice has to be parsed. */
bool rb_peek(const rb_slice *slice, const char **kind, size_t *kind_len, const char **name, size_t *name_len);

/* The place of that first key. */
void rb_peek_place(const rb_slice *slice, base_place *place);

/* Reads one document. *out is NULL when it could not be read; duplicate keys, foreign tags, numbers out of
 * range and the like are reported while the tree goes on without them. */
gov_status rb_parse(base_arena *arena, const rb_slice *slice, rb_node **out, const diag *d);

/* Decides what a plain scalar means in the core schema. */
rb_type rb_resolve(const char *s, size_t len);

/* Where a byte of a scalar's text stands in the file, through quoting, escapes and folding. */
base_place rb_locate(const rb_node *scalar, size_t offset);

static inline base_place rb_place(const rb_node *n)
{
    return (base_place){n->source->path, n->line, n->column};
}

/* Where libyaml gave up, and what it says about it. */
typedef struct rb_break {
    const rb_source *source;
    const char *problem, *context; /* in libyaml's words; context may be NULL */
    uint32_t start;                /* the document's first byte */
    uint32_t at, from;             /* bytes of the problem, and of what it is the problem of */
    base_place place, began;       /* the same as places */
    bool flow;                     /* inside of brackets */
} rb_break;
gov_status rb_report_break(const gov_allocator *a, const rb_break *b, const diag *d);
bool rb_break_opens(const rb_break *b); /* a quote or bracket is not closed: all from there on is in doubt */
/* The next line after that byte which begins with a key of the document's root, and the rest of the document. */
bool rb_next_key(const rb_slice *whole, uint32_t after, rb_slice *out);

bool rb_expression_like(const char *s, size_t len);
/* Where an expression that starts at p ends: in a flow map at the comma or brace that closes its pair. */
size_t rb_expression_length(const char *p, size_t len, bool flow);

/* Says that YAML took an expression apart, and shows the quotes that keep it whole. */
gov_status rb_report_quote(const gov_allocator *a, base_place place, const char *text, size_t len, const diag *d);
gov_status rb_report_text(const gov_allocator *a, base_place place, const char *text, size_t len, const diag *d);
/* Does it begin with a wide bracket, quote, comma or colon? Then the one that was meant, else 0. */
char rb_wide(const char *text, size_t len);
/* Does it begin with a full-width sign, digit or letter? Then how many bytes that takes, and what was meant; else 0. */
size_t rb_half(const char *text, size_t len, char half[4]);
/* Does it begin with a blank that is none for YAML? Then how many bytes that takes, and its name ("U+3000"); else 0. */
size_t rb_blank(const char *text, size_t len, const char **name);
/* If a plain scalar was cut short by YAML (" #" after it), true. */
bool rb_was_cut(const rb_node *n);
/* The rest of the line on which a node starts, without trailing blanks, as the author wrote it. */
const char *rb_line_rest(const rb_source *s, uint32_t from, size_t *len);

rb_node *rb_get(const rb_node *map, const char *key);                /* NULL: none */
rb_pair *rb_find(const rb_node *map, const char *key);
bool rb_is(const rb_node *scalar, const char *text);
const char *rb_kind_name(const rb_node *n);                          /* "a list", "an int", ... */

/* What the node means as data: maps with string keys, lists, and resolved scalars. */
gov_status rb_value(base_arena *arena, const rb_node *n, value *out, const diag *d);
bool rb_int(const rb_node *n, int64_t *out); /* false: no int, or out of range */

#endif
