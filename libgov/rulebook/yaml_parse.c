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

/* ---- expressions that YAML took apart ---- */

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where an expression that starts at p ends: in a flow map at the comma or brace that closes its pair. */
static size_t expression_length(const char *p, size_t len, bool flow)
{
    int depth = 0;
    char quote = 0;
    for (size_t i = 0; flow && i < len; i++) {
        if (quote != 0) {
            quote = p[i] == quote ? 0 : quote;
        } else if (p[i] == '"' || p[i] == '\'') {
            quote = p[i];
        } else if (strchr("([{", p[i]) != NULL) {
            depth++;
        } else if (strchr(")]}", p[i]) != NULL) {
            if (depth-- == 0)
                return i;
        } else if (p[i] == ',' && depth == 0) {
            return i;
        }
    }
    return len;
}

/* Where the list, map or quoted text that ends before `stop` begins; stop when none does. */
static size_t opening(const char *line, size_t stop)
{
    size_t at = stop;
    int depth = 0;
    while (at > 0 && blank(line[at - 1]))
        at--;
    if (at == 0 || strchr("]}\"'", line[at - 1]) == NULL)
        return stop;
    const char last = line[--at];
    while (at > 0 && (last == '"' || last == '\''))
        if (line[--at] == last)
            return at;
    for (at++; at > 0; at--) {
        depth += strchr("]})", line[at - 1]) != NULL ? 1 : strchr("[{(", line[at - 1]) != NULL ? -1 : 0;
        if (depth == 0)
            return at - 1;
    }
    return stop;
}

/* After the last "key: " before `stop`; n when there is none. */
static size_t after_key(const char *line, size_t stop, size_t n)
{
    size_t at = n;
    for (size_t i = 0; i + 1 < stop; i++)
        if (line[i] == ':' && blank(line[i + 1]))
            at = i + 2;
    while (at < n && blank(line[at]))
        at++;
    return at;
}

/* The value around byte `problem` when it looks like an expression that YAML reads as something else. */
static bool swallowed(const rb_source *s, uint32_t problem, const char **text, size_t *len)
{
    uint32_t start = problem;
    while (start > 0 && s->bytes[start - 1] != '\n' && s->bytes[start - 1] != '\r')
        start--;
    size_t n;
    const char *line = rb_line_rest(s, start, &n);
    const size_t stop = problem - start < n ? problem - start : n;
    const size_t open = opening(line, stop);
    const size_t at = open < stop && open == after_key(line, open, n) ? open : after_key(line, stop, n);
    if (at + 1 >= n || strchr("#'|>", line[at]) != NULL)
        return false;
    *text = line + at;
    *len = expression_length(line + at, n - at, memchr(line, '{', at) != NULL);
    if (strchr("![{\"&*%@`", line[at]) != NULL)
        return true;
    for (size_t i = at; i + 1 < n; i++)
        if ((line[i] == ':' || line[i] == '?') && blank(line[i + 1]))
            return true;
    return memchr(line + at, '[', n - at) != NULL || memchr(line + at, '{', n - at) != NULL;
}

/* Does that text read as an expression rather than as broken YAML? */
static bool expression_like(const char *s, size_t len)
{
    static const char *const marks[] = {"&&", "||", "==", "!=", "<", ">", " in ", " ? ", "case.", "event.",
                                        "actor.", "values.", "clocks.", "has("};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const size_t n = strlen(marks[i]);
        for (size_t k = 0; k + n <= len; k++)
            if (memcmp(s + k, marks[i], n) == 0)
                return true;
    }
    return false;
}

gov_status rb_report_quote(const gov_allocator *a, base_place place, const char *text, size_t len, const diag *d)
{
    const char quote = memchr(text, '\'', len) != NULL ? '"' : '\'';
    base_buf quoted;

    base_buf_init(&quoted, a);
    base_buf_char(&quoted, quote);
    for (size_t i = 0; i < len; i++) {
        if (quote == '"' && (text[i] == '"' || text[i] == '\\'))
            base_buf_char(&quoted, '\\');
        base_buf_char(&quoted, text[i]);
    }
    base_buf_char(&quoted, quote);
    const gov_status status = quoted.failed ? base_nomem(d)
                                            : base_fail_at(d, &place, M_yaml_quote, A_S("quoted", quoted.data));
    base_buf_free(&quoted);
    return status;
}

static void note_quote(reader *r, base_place place, const char *text, size_t len)
{
    note(r, rb_report_quote(r->arena->alloc, place, text, len, r->d));
}

static gov_status report_syntax(reader *r)
{
    const yaml_parser_t *y = &r->yaml;
    if (y->error == YAML_MEMORY_ERROR)
        return base_nomem(r->d);
    const base_place place = place_of(r, &y->problem_mark);
    const char *text;
    size_t len;
    if (swallowed(r->source, byte_of(r, y->problem_mark.index), &text, &len) && expression_like(text, len))
        return rb_report_quote(r->arena->alloc, place, text, len, r->d);
    return base_fail_at(r->d, &place, M_yaml_syntax, A_S("why", y->problem), A_S("context", y->context));
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
    while (ok && (ok = next(r)) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        rb_node *item = read_node(r, depth + 1);
        ok = item != NULL && pile_add(r, NULL, item);
        if (ok)
            weigh(n, item);
    }
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

/* In {when: f(a, b), to: x} YAML ends the expression at the comma and makes "b)" a key without a value. */
static bool torn(const reader *r, const rb_node *map, const rb_node *key, const rb_node *val)
{
    return map->style == RB_FLOW && key->style == RB_PLAIN && val->kind == RB_SCALAR && val->count == 0 &&
           val->style == RB_PLAIN && val->start == val->end &&
           (key->end >= r->source->len || r->source->bytes[key->end] != ':') &&
           strpbrk(key->as.text, "()[]{}\"'&|=<>?") != NULL;
}

static void report_torn(reader *r, const rb_node *key, const rb_node *before)
{
    size_t len;
    const rb_node *first = before != NULL && before->kind == RB_SCALAR && before->style == RB_PLAIN ? before : key;
    const base_place place = rb_place(first);
    rb_line_rest(r->source, first->start, &len);
    if (first->start + len > key->end && key->end > first->start)
        len = key->end - first->start;
    if (first != key)
        ((rb_node *)(uintptr_t)first)->quiet = true;
    note_quote(r, place, r->source->bytes + first->start, len);
}

/* One pair of a map, after its key's event. */
static bool read_pair(reader *r, rb_node *n, key_set *keys, unsigned depth)
{
    rb_node *key = read_node(r, depth + 1);
    if (key == NULL || !next(r))
        return false;
    rb_node *val = read_node(r, depth + 1);
    if (val == NULL)
        return false;
    weigh(n, key);
    weigh(n, val);
    if (key->kind != RB_SCALAR) {
        const base_place place = rb_place(key);
        size_t len;
        const char *text = rb_line_rest(r->source, key->start, &len);
        if (expression_like(text, len))
            note_quote(r, place, text, len);
        else
            note(r, base_fail_at(r->d, &place, M_yaml_key));
        return r->status != GOV_E_NOMEM;
    }
    if (torn(r, n, key, val)) {
        report_torn(r, key, r->pile_count > keys->from ? r->pile[r->pile_count - 1].val : NULL);
        return r->status != GOV_E_NOMEM;
    }
    if (!unique(r, keys, key))
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
    while (ok && (ok = next(r)) && r->event.type != YAML_MAPPING_END_EVENT)
        ok = read_pair(r, n, &keys, depth);
    ok = ok && finish(r, n, keys.from);
    base_map_free(&keys.table);
    return ok ? n : NULL;
}

static rb_node *read_alias(reader *r, unsigned depth)
{
    const char *name = (const char *)r->event.data.alias.anchor;
    const base_place place = place_of(r, &r->event.start_mark);
    const anchor *a = find_anchor(r, name);
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
            if (root == NULL)
                return NULL;
        }
    }
    return root; /* what follows the root is broken; the caller sees the status */
}

gov_status rb_parse(base_arena *arena, const rb_slice *slice, rb_node **out, const diag *d)
{
    reader r = {.slice = slice, .source = slice->source, .arena = arena, .d = d};

    *out = NULL;
    if (!yaml_parser_initialize(&r.yaml))
        return base_nomem(d);
    yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)slice->source->bytes + slice->start, slice->len);
    *out = read_document(&r);
    if (r.has_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.yaml);
    base_free(arena->alloc, r.anchors);
    base_free(arena->alloc, r.pile);
    return r.status;
}
