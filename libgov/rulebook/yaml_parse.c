/* libyaml's events to a node tree. */
#include "rulebook/yaml.h"

#include <string.h>
#include <yaml.h>

typedef struct anchor {
    char *name;
    rb_node *node; /* NULL while it is being read: an alias inside itself */
} anchor;

typedef struct reader {
    yaml_parser_t yaml;
    yaml_event_t event;
    bool has_event;
    const rb_slice *slice;
    const rb_source *source;
    base_arena *arena;
    const diag *d;
    gov_status status; /* the first failure */
    anchor *anchors;
    size_t anchor_count, anchor_cap;
    unsigned flow;    /* how many lists and maps in brackets we are in */
    bool torn;        /* a mistake in the syntax ended the reading */
    bool blanks;      /* lines are indented by what is no blank: all that does not fit follows from that */
    bool again;       /* what came before has such a mistake; anchors may be missing */
    uint32_t torn_until; /* where an expression ends that was taken apart and told */
    uint32_t broken_at; /* the byte from which on the text cannot be trusted */
    uint32_t aliased; /* nodes that aliases brought in */
    rb_pair *pile;
    size_t pile_count, pile_cap;
    /* Marks count characters; nodes want bytes. The last mark that was turned into a byte: */
    size_t mark_chars;
    uint32_t mark_bytes;
} reader;

/* ---- places ---- */

static uint32_t byte_of(reader *r, size_t chars)
{
    const char *p = r->source->bytes + r->slice->start;
    while (r->mark_chars > chars) {
        while (((unsigned char)p[--r->mark_bytes] & 0xc0) == 0x80) {
        }
        r->mark_chars--;
    }
    while (r->mark_chars < chars && r->mark_bytes < r->slice->len) {
        r->mark_bytes++;
        while (r->mark_bytes < r->slice->len && ((unsigned char)p[r->mark_bytes] & 0xc0) == 0x80)
            r->mark_bytes++;
        r->mark_chars++;
    }
    return r->slice->start + r->mark_bytes;
}

/* At the end of a text without a last newline libyaml counts a line that is not there. */
static base_place end_of_text(reader *r)
{
    const char *p = r->source->bytes;
    const uint32_t end = r->slice->start + r->slice->len;
    base_place place = {r->source->path, r->slice->line, 1};
    for (uint32_t i = r->slice->start; i < end; i++) {
        if (p[i] == '\n' || (p[i] == '\r' && (i + 1 == end || p[i + 1] != '\n'))) {
            place.line++;
            place.column = 1;
        } else if (p[i] != '\r' && ((unsigned char)p[i] & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

static base_place place_of(reader *r, const yaml_mark_t *m)
{
    if (byte_of(r, m->index) >= r->slice->start + r->slice->len)
        return end_of_text(r);
    return (base_place){r->source->path, (uint32_t)m->line + r->slice->line, (uint32_t)m->column + 1};
}

static void note(reader *r, gov_status status)
{
    if (r->status == GOV_OK || status == GOV_E_NOMEM)
        r->status = status;
}

static void note_quote(reader *r, base_place place, const char *text, size_t len)
{
    len = rb_expression_length(text, len, r->flow > 0);
    note(r, rb_report_quote(r->arena->alloc, place, text, len, r->d));
}

static gov_status report_syntax(reader *r)
{
    const yaml_parser_t *y = &r->yaml;
    if (y->error == YAML_MEMORY_ERROR)
        return base_nomem(r->d);
    r->torn = true;
    rb_break b = {.source = r->source, .problem = y->problem, .context = y->context, .flow = y->flow_level > 0};
    b.at = byte_of(r, y->problem_mark.index);
    b.place = place_of(r, &y->problem_mark);
    b.from = y->context != NULL ? byte_of(r, y->context_mark.index) : b.at;
    b.began = y->context != NULL ? place_of(r, &y->context_mark) : b.place;
    b.start = r->slice->start;
    r->broken_at = b.context != NULL && rb_break_opens(&b) ? b.from : b.at;
    return r->blanks ? GOV_E_RULE : rb_report_break(r->arena->alloc, &b, r->d); /* blanks: told */
}

/* ---- events ---- */

/* The next event into r->event; false at a mistake in the syntax, which is reported. */
static bool next(reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = yaml_parser_parse(&r->yaml, &r->event) != 0;
    if (!r->has_event)
        note(r, report_syntax(r));
    return r->has_event;
}

static rb_node *new_node(reader *r, rb_kind kind, rb_style style)
{
    rb_node *n = base_arena_alloc(r->arena, sizeof *n);
    if (n == NULL) {
        note(r, base_nomem(r->d));
        return NULL;
    }
    const base_place place = place_of(r, &r->event.start_mark);
    n->kind = (uint8_t)kind;
    n->style = (uint8_t)style;
    n->line = (uint32_t)place.line;
    n->column = (uint32_t)place.column;
    n->start = byte_of(r, r->event.start_mark.index);
    n->end = byte_of(r, r->event.end_mark.index);
    n->source = r->source;
    n->weight = 1;
    n->height = 1;
    n->as.text = "";
    return n;
}

/* Stands for what could not be read. */
static rb_node *lost_node(reader *r, const rb_node *key)
{
    rb_node *n = base_arena_alloc(r->arena, sizeof *n);
    if (n == NULL) {
        note(r, base_nomem(r->d));
        return NULL;
    }
    *n = *key;
    n->type = RB_NULL;
    n->style = RB_PLAIN;
    n->count = 0;
    n->as.text = "";
    n->quiet = true;
    return n;
}

static anchor *find_anchor(reader *r, const char *name)
{
    for (size_t i = r->anchor_count; i > 0; i--)
        if (strcmp(r->anchors[i - 1].name, name) == 0)
            return &r->anchors[i - 1];
    return NULL;
}

/* Returns the anchor's number + 1, 0 when the node has none. */
static size_t open_anchor(reader *r, const yaml_char_t *name)
{
    if (name == NULL)
        return 0;
    if (!base_grow(r->arena->alloc, &r->anchors, &r->anchor_cap, r->anchor_count, sizeof *r->anchors) ||
        (r->anchors[r->anchor_count].name = base_arena_strdup(r->arena, (const char *)name)) == NULL) {
        note(r, base_nomem(r->d));
        return 0;
    }
    r->anchors[r->anchor_count].node = NULL;
    return ++r->anchor_count;
}

/* ---- scalars ---- */

static rb_style scalar_style(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE: return RB_SINGLE;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE: return RB_DOUBLE;
    case YAML_LITERAL_SCALAR_STYLE: return RB_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE: return RB_FOLDED;
    default: return RB_PLAIN;
    }
}

/* Of tags only those of the core schema mean something; any other one is mostly an expression's "!". */
static void check_tag(reader *r, rb_node *n, const yaml_char_t *tag)
{
    static const char core[] = "tag:yaml.org,2002:";
    static const char *const names[] = {"null", "bool", "int", "float", "str", "seq", "map"};
    const char *t = (const char *)tag;
    if (t == NULL)
        return;
    if (strcmp(t, "!") == 0) {
        n->type = RB_STRING;
        return;
    }
    const base_place place = rb_place(n);
    if (strncmp(t, core, sizeof core - 1) == 0) {
        t += sizeof core - 1;
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            if (strcmp(t, names[i]) != 0)
                continue;
            const bool fits = n->kind == RB_SCALAR ? i < 5 && (i == 4 || n->type == i || (i == 3 && n->type == RB_INT))
                                                   : (i == 5) == (n->kind == RB_LIST) && i > 4;
            if (n->kind == RB_SCALAR && fits)
                n->type = (uint8_t)i;
            if (!fits)
                note(r, base_fail_at(r->d, &place, M_yaml_tag_wrong, A_S("tag", names[i])));
            return;
        }
    }
    size_t len;
    const char *text = rb_line_rest(r->source, n->start, &len);
    n->quiet = true;
    if (len > 0 && text[0] == '!' && strncmp((const char *)tag, "!", 1) == 0)
        note_quote(r, place, text, len);
    else
        note(r, base_fail_at(r->d, &place, M_yaml_tag, A_S("tag", (const char *)tag)));
}

static void check_number(reader *r, const rb_node *n)
{
    int64_t i;
    const base_place place = rb_place(n);
    if (n->type == RB_INT && !rb_int(n, &i))
        note(r, base_fail_at(r->d, &place, M_yaml_number, A_N("text", n->as.text, n->count)));
}

/* A scalar with an anchor or a tag begins, for libyaml, where these do. */
static void skip_properties(rb_node *n)
{
    const char *p = n->source->bytes;
    uint32_t at = n->start, cp;
    bool property = false;
    while (at < n->end && (property ? p[at] != ' ' && p[at] != '\t' && p[at] != '\n' && p[at] != '\r'
                                    : p[at] == '&' || p[at] == '!' || p[at] == ' ' || p[at] == '\t' || p[at] == '\n' || p[at] == '\r')) {
        const size_t len = base_utf8_next(p + at, n->end - at, &cp);
        property = property || p[at] == '&' || p[at] == '!';
        n->column++;
        if (p[at] == '\n') {
            n->line++;
            n->column = 1;
        }
        at += len > 0 ? (uint32_t)len : 1;
        if (at < n->end && property && (p[at] == ' ' || p[at] == '\t' || p[at] == '\n' || p[at] == '\r'))
            property = false;
    }
    n->start = at;
}

static rb_node *read_scalar(reader *r)
{
    const rb_style style = scalar_style(r->event.data.scalar.style);
    rb_node *n = new_node(r, RB_SCALAR, style);
    if (n == NULL)
        return NULL;
    n->count = (uint32_t)r->event.data.scalar.length;
    n->as.text = base_arena_strndup(r->arena, (const char *)r->event.data.scalar.value, n->count);
    if (n->as.text == NULL) {
        note(r, base_nomem(r->d));
        return NULL;
    }
    n->type = style == RB_PLAIN ? (uint8_t)rb_resolve(n->as.text, n->count) : (uint8_t)RB_STRING;
    if (memchr(n->as.text, '\0', n->count) != NULL) {
        const base_place place = rb_place(n);
        note(r, base_fail_at(r->d, &place, M_yaml_control, A_S("character", "U+0000")));
    }
    check_tag(r, n, r->event.data.scalar.tag);
    if (r->event.data.scalar.anchor != NULL && n->count == 0 && style == RB_PLAIN) { /* `&co` was meant as text */
        note(r, rb_report_text(r->arena->alloc, rb_place(n), r->source->bytes + n->start, n->end - n->start, r->d));
        n->quiet = true;
    }
    if (r->event.data.scalar.anchor != NULL || r->event.data.scalar.tag != NULL)
        skip_properties(n);
    check_number(r, n);
    return n;
}

/* ---- collections ---- */

static rb_node *read_node(reader *r, unsigned depth);

/* Pieces of lists and maps while they are read lie on one pile; they move to the arena when their number is known. */
static bool pile_add(reader *r, rb_node *key, rb_node *val)
{
    if (!base_grow(r->arena->alloc, &r->pile, &r->pile_cap, r->pile_count, sizeof *r->pile)) {
        note(r, base_nomem(r->d));
        return false;
    }
    r->pile[r->pile_count++] = (rb_pair){key, val};
    return true;
}

static void weigh(rb_node *parent, const rb_node *child)
{
    parent->weight += child->weight;
    if (child->height >= parent->height)
        parent->height = (uint8_t)(child->height + 1);
}

/* What lies on the pile from `from` on becomes the node's. */
static bool finish(reader *r, rb_node *n, size_t from)
{
    const size_t count = r->pile_count - from;
    n->end = byte_of(r, r->event.end_mark.index);
    n->count = (uint32_t)count;
    if (n->kind == RB_LIST)
        n->as.items = base_arena_array(r->arena, count, sizeof *n->as.items);
    else
        n->as.pairs = base_arena_array(r->arena, count, sizeof *n->as.pairs);
    if (n->as.items == NULL) {
        note(r, base_nomem(r->d));
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (n->kind == RB_LIST)
            n->as.items[i] = r->pile[from + i].val;
        else
            n->as.pairs[i] = r->pile[from + i];
    }
    r->pile_count = from;
    return true;
}

static rb_node *read_list(reader *r, unsigned depth)
{
    const bool flow = r->event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    rb_node *n = new_node(r, RB_LIST, flow ? RB_FLOW : RB_BLOCK);
    const size_t from = r->pile_count;
    bool ok = n != NULL;

    if (ok)
        check_tag(r, n, r->event.data.sequence_start.tag);
    r->flow += flow;
    while (ok && (ok = next(r)) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        rb_node *item = read_node(r, depth + 1);
        ok = item != NULL && pile_add(r, NULL, item);
        if (ok)
            weigh(n, item);
    }
    r->flow -= flow;
    return ok && finish(r, n, from) ? n : NULL;
}

/* Keys of one map: few are compared one by one, many through a table. */
typedef struct key_set {
    size_t from; /* of the pile */
    base_map table;
} key_set;

enum { FEW_KEYS = 12 };

/* The pair that has this key already; NULL: none. */
static const rb_pair *same_key(reader *r, key_set *set, const rb_node *key)
{
    const size_t count = r->pile_count - set->from;
    bool fresh;
    if (count == 0)
        return NULL; /* there may be no pile yet */
    const rb_pair *pairs = r->pile + set->from;
    if (count < FEW_KEYS) {
        for (size_t i = 0; i < count; i++)
            if (pairs[i].key->count == key->count && memcmp(pairs[i].key->as.text, key->as.text, key->count) == 0)
                return &pairs[i];
        return NULL;
    }
    for (size_t i = set->table.count; i <= count; i++) {
        const rb_node *k = i < count ? pairs[i].key : key;
        uint64_t *slot = base_map_put(&set->table, k->as.text, k->count, &fresh);
        if (slot == NULL) {
            note(r, base_nomem(r->d));
            return NULL;
        }
        if (!fresh)
            return &pairs[*slot];
        *slot = i;
    }
    return NULL;
}

/* Reports a key that was there before, and says where. */
static bool unique(reader *r, key_set *set, const rb_node *key)
{
    const rb_pair *before = same_key(r, set, key);
    if (before == NULL)
        return r->status != GOV_E_NOMEM;
    const base_place place = rb_place(key);
    note(r, base_fail_at(r->d, &place, M_yaml_duplicate_key, A_N("key", key->as.text, key->count),
                         A_I("line", before->key->line)));
    return false;
}

/* Is it a key that no colon follows, and so no value? */
static bool bare(const reader *r, const rb_node *key, const rb_node *val)
{
    return key->style == RB_PLAIN && val->kind == RB_SCALAR && val->count == 0 && val->style == RB_PLAIN && val->start == val->end &&
           (key->end >= r->source->len || r->source->bytes[key->end] != ':');
}

/* In {when: f(a, b), to: x} YAML ends the expression at the comma and makes "b)" a key without a value. */
static bool torn(const reader *r, const rb_node *map, const rb_node *key, const rb_node *val)
{
    return map->style == RB_FLOW && bare(r, key, val) && (key->start < r->torn_until || strpbrk(key->as.text, "()[]{}\"'&|=<>?") != NULL);
}

/* The value that was taken apart stands before the keys without any; these were parts of it, and are keys no more. */
static const rb_node *before_torn(reader *r, size_t from)
{
    while (r->pile_count > from && bare(r, r->pile[r->pile_count - 1].key, r->pile[r->pile_count - 1].val))
        r->pile_count--;
    return r->pile_count > from ? r->pile[r->pile_count - 1].val : NULL;
}

static void report_torn(reader *r, const rb_node *key, const rb_node *before)
{
    size_t len, whole;
    if (key->start < r->torn_until)
        return; /* told */
    const rb_node *first = before != NULL && before->kind == RB_SCALAR && before->style == RB_PLAIN ? before : key;
    const base_place place = rb_place(first);
    const char *text = rb_line_rest(r->source, first->start, &len);
    whole = rb_expression_length(text, len, r->flow > 0);
    if (first->start + whole < key->end && key->end > first->start) /* it goes on in the next line */
        whole = key->end - first->start;
    r->torn_until = first->start + (uint32_t)whole;
    if (first != key)
        ((rb_node *)(uintptr_t)first)->quiet = true;
    if (whole > 3 && memcmp(text, "if", 2) == 0 && (text[2] == '(' || text[2] == ' '))
        note(r, base_fail_at(r->d, &place, M_expr_word, A_S("found", "if"), A_S("wanted", "CONDITION ? ONE : OTHER")));
    else
        note(r, rb_report_quote(r->arena->alloc, place, text, whole, r->d));
}

/* For YAML U+3000 at the beginning of a line is a letter of the key, which then stands further out than it seems to. */
static bool begins_with_blank(reader *r, const rb_node *key)
{
    const char *name;
    if (key->style != RB_PLAIN || rb_blank(key->as.text, key->count, &name) == 0)
        return false;
    const base_place place = rb_place(key);
    r->blanks = true;
    note(r, base_fail_at(r->d, &place, M_yaml_blank, A_S("character", name)));
    return true;
}

/* One pair of a map, after its key's event. */
static bool read_pair(reader *r, rb_node *n, key_set *keys, unsigned depth)
{
    const size_t before = r->pile_count;
    rb_node *key = read_node(r, depth + 1);
    if (key == NULL) {
        r->pile_count = before; /* without the pieces of what broke */
        return false;
    }
    rb_node *val = next(r) ? read_node(r, depth + 1) : NULL;
    if (val == NULL) { /* the key was there */
        r->pile_count = before;
        if (depth > 1 || !r->torn || key->kind != RB_SCALAR)
            return false;
        val = lost_node(r, key);
        if (val != NULL && unique(r, keys, key))
            (void)pile_add(r, key, val);
        return false;
    }
    weigh(n, key);
    weigh(n, val);
    if (key->kind != RB_SCALAR) {
        const base_place place = rb_place(key);
        size_t len;
        const char *text = rb_line_rest(r->source, key->start, &len);
        if (rb_expression_like(text, len))
            note_quote(r, place, text, len);
        else
            note(r, base_fail_at(r->d, &place, M_yaml_key));
        return r->status != GOV_E_NOMEM;
    }
    if (torn(r, n, key, val)) {
        report_torn(r, key, before_torn(r, keys->from));
        return r->status != GOV_E_NOMEM;
    }
    if (begins_with_blank(r, key) || !unique(r, keys, key))
        return r->status != GOV_E_NOMEM;
    return pile_add(r, key, val);
}

static rb_node *read_map(reader *r, unsigned depth)
{
    const bool flow = r->event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    rb_node *n = new_node(r, RB_MAP, flow ? RB_FLOW : RB_BLOCK);
    key_set keys = {.from = r->pile_count};
    bool ok = n != NULL;

    base_map_init(&keys.table, r->arena->alloc);
    if (ok)
        check_tag(r, n, r->event.data.mapping_start.tag);
    r->flow += flow;
    while (ok && (ok = next(r)) && r->event.type != YAML_MAPPING_END_EVENT)
        ok = read_pair(r, n, &keys, depth);
    r->flow -= flow;
    if (!ok && n != NULL && r->torn && depth == 1 && r->pile_count > keys.from && r->status != GOV_E_NOMEM)
        ok = n->torn = true; /* the keys before the mistake are there */
    ok = ok && finish(r, n, keys.from);
    base_map_free(&keys.table);
    return ok ? n : NULL;
}

static rb_node *read_alias(reader *r, unsigned depth)
{
    const char *name = (const char *)r->event.data.alias.anchor;
    const base_place place = place_of(r, &r->event.start_mark);
    const anchor *a = find_anchor(r, name);
    if (a == NULL && r->again) {
        rb_node *n = new_node(r, RB_SCALAR, RB_PLAIN);
        if (n != NULL)
            n->quiet = true;
        return n;
    }
    if (a == NULL || a->node == NULL) {
        note(r, base_fail_at(r->d, &place, a == NULL ? M_yaml_alias_unknown : M_yaml_alias_self, A_S("name", name)));
        rb_node *n = new_node(r, RB_SCALAR, RB_PLAIN);
        if (n != NULL)
            n->quiet = true;
        return n;
    }
    r->aliased += a->node->weight;
    if (r->aliased > RB_MAX_ALIAS_NODES) {
        note(r, base_fail_at(r->d, &place, M_yaml_alias_limit, A_I("limit", RB_MAX_ALIAS_NODES)));
        return NULL;
    }
    if (depth + a->node->height > RB_MAX_DEPTH + 1) {
        note(r, base_fail_at(r->d, &place, M_yaml_depth, A_I("limit", RB_MAX_DEPTH)));
        return NULL;
    }
    return a->node;
}

/* The node whose first event is in r->event. NULL: reading cannot go on. */
static rb_node *read_node(reader *r, unsigned depth)
{
    rb_node *n = NULL;
    size_t mark = 0;

    if (r->event.type == YAML_ALIAS_EVENT)
        return read_alias(r, depth);
    if (depth > RB_MAX_DEPTH) {
        const base_place place = place_of(r, &r->event.start_mark);
        note(r, base_fail_at(r->d, &place, M_yaml_depth, A_I("limit", RB_MAX_DEPTH)));
        return NULL;
    }
    switch (r->event.type) {
    case YAML_SCALAR_EVENT:
        mark = open_anchor(r, r->event.data.scalar.anchor);
        n = read_scalar(r);
        break;
    case YAML_SEQUENCE_START_EVENT:
        mark = open_anchor(r, r->event.data.sequence_start.anchor);
        n = read_list(r, depth);
        break;
    case YAML_MAPPING_START_EVENT:
        mark = open_anchor(r, r->event.data.mapping_start.anchor);
        n = read_map(r, depth);
        break;
    default:
        note(r, base_fail(r->d, M_internal, A_S("what", "an unexpected YAML event")));
        break;
    }
    if (mark > 0)
        r->anchors[mark - 1].node = n;
    return n;
}

static rb_node *read_document(reader *r)
{
    rb_node *root = NULL;
    while (next(r)) {
        switch (r->event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_STREAM_END_EVENT:
            return root;
        default:
            root = read_node(r, 1);
            if (root == NULL || r->torn)
                return root;
        }
    }
    return root; /* what follows the root is broken; the caller sees the status */
}

/* ---- what comes after a mistake ---- */

/* Reads from where the slice begins; what was anchored before is known. */
static rb_node *read_piece(reader *r, const rb_slice *piece)
{
    r->slice = piece;
    r->has_event = r->torn = false;
    r->flow = 0;
    r->mark_chars = r->mark_bytes = 0;
    r->pile_count = 0;
    if (!yaml_parser_initialize(&r->yaml)) {
        note(r, base_nomem(r->d));
        return NULL;
    }
    yaml_parser_set_encoding(&r->yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->yaml, (const unsigned char *)piece->source->bytes + piece->start, piece->len);
    rb_node *root = read_document(r);
    if (r->has_event)
        yaml_event_delete(&r->event);
    yaml_parser_delete(&r->yaml);
    return root;
}

/* The keys of what was read further down join those of the document's root. */
static void join_roots(reader *r, rb_node *root, const rb_node *more)
{
    key_set keys = {.from = 0};
    base_map_init(&keys.table, r->arena->alloc);
    r->pile_count = 0;
    for (uint32_t i = 0; i < root->count && r->status != GOV_E_NOMEM; i++)
        (void)pile_add(r, root->as.pairs[i].key, root->as.pairs[i].val);
    for (uint32_t i = 0; i < more->count && r->status != GOV_E_NOMEM; i++)
        if (unique(r, &keys, more->as.pairs[i].key) && pile_add(r, more->as.pairs[i].key, more->as.pairs[i].val))
            weigh(root, more->as.pairs[i].val);
    base_map_free(&keys.table);
    rb_pair *pairs = base_arena_array(r->arena, r->pile_count, sizeof *pairs);
    if (pairs == NULL) {
        note(r, base_nomem(r->d));
        return;
    }
    if (r->pile_count > 0)
        memcpy(pairs, r->pile, r->pile_count * sizeof *pairs);
    root->as.pairs = pairs;
    root->count = (uint32_t)r->pile_count;
}

/* Goes on at the next key of the root, so that mistakes further down are found in the same run. */
static void read_on(reader *r, const rb_slice *whole, rb_node **out)
{
    rb_slice piece = *whole;
    for (int i = 0; i < RB_MAX_SHOWN && r->torn && r->status != GOV_E_NOMEM; i++) {
        if (!rb_next_key(whole, r->broken_at, &piece))
            return;
        r->again = true;
        rb_node *more = read_piece(r, &piece);
        if (more == NULL || more->kind != RB_MAP)
            continue;
        more->torn = true;
        if (*out == NULL)
            *out = more;
        else if ((*out)->kind == RB_MAP)
            join_roots(r, *out, more);
    }
}

gov_status rb_parse(base_arena *arena, const rb_slice *slice, rb_node **out, const diag *d)
{
    reader r = {.source = slice->source, .arena = arena, .d = d};

    *out = read_piece(&r, slice);
    read_on(&r, slice, out);
    base_free(arena->alloc, r.anchors);
    base_free(arena->alloc, r.pile);
    return r.status;
}
