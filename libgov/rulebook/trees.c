/* Node trees as bytes: what a stored rulebook keeps beside its text, so that YAML is read once, when it is installed.
 *
 *   "gov-trees 1\n", digest of the bundle (32), digest of the table (32), length of the table (4)
 *   table: number of definitions; for each: file, start, length and line of its text, line and column of its name, key, name,
 *          digest of the compiled workflow or zeroes (32), length of the tree, digest of the tree (32)
 *   the trees, one after the other
 *
 * Numbers are base 128, lowest first; texts have their length before and a NUL behind them. A tree is its nodes in the order of the
 * text: head, start (from the one before), length, line (from the one before), column, then the number of children of a list or
 * map, or the text of a scalar where it is not simply what the file says there. Aliases are written out.
 *
 * It all follows from the text. What does not fit is damage: nothing outside of the bytes is read, whatever they hold. */
#include "rulebook/load.h"

#include <string.h>

static const char header[] = "gov-trees 1\n";
static const char family[] = "gov-trees ";

enum {
    HEADER = sizeof header - 1,
    TABLE_AT = HEADER + 2 * BASE_DIGEST_SIZE + 4,
    LEAST_NODE = 5,                      /* bytes */
    LEAST_DEF = 11 + 2 * BASE_DIGEST_SIZE,
    DEEPEST = RB_MAX_DEPTH + 1,
    COLLECTIONS = 4,                     /* heads of lists and maps, block and flow */
    STYLES = RB_FOLDED + 1,
    TYPES = RB_STRING + 1
};

/* Where a scalar's text stands. */
typedef enum text_mode { AS_WRITTEN, IN_QUOTES, APART, MODES } text_mode;

/* ---- numbers ---- */

static void put(base_buf *b, uint32_t n)
{
    char bytes[5];
    size_t len = 0;
    while (n >= 0x80) {
        bytes[len++] = (char)(0x80 | (n & 0x7f));
        n >>= 7;
    }
    bytes[len++] = (char)n;
    base_buf_add(b, bytes, len);
}

static void put_change(base_buf *b, uint32_t before, uint32_t now)
{
    put(b, now >= before ? (now - before) << 1 : ((before - now) << 1) - 1);
}

static void put_text(base_buf *b, const char *s, size_t len)
{
    put(b, (uint32_t)len);
    base_buf_add(b, s, len);
    base_buf_char(b, '\0');
}

typedef struct scan {
    const uint8_t *p, *end;
    bool bad;
} scan;

static uint32_t take(scan *s)
{
    uint32_t n = 0;
    if (s->p < s->end && *s->p < 0x80)
        return *s->p++;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (s->p >= s->end || (shift == 28 && *s->p > 0x0f))
            break;
        const uint8_t c = *s->p++;
        n |= (uint32_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return n;
    }
    s->bad = true;
    return 0;
}

/* Wraps around rather than overflowing: where it ends up is checked. */
static uint32_t take_change(scan *s, uint32_t before)
{
    const uint32_t n = take(s);
    return (n & 1) != 0 ? before - (n >> 1) - 1 : before + (n >> 1);
}

static const char *take_text(scan *s, uint32_t *len)
{
    *len = take(s);
    if (s->bad || (size_t)(s->end - s->p) <= *len || s->p[*len] != '\0') {
        s->bad = true;
        return NULL;
    }
    const char *text = (const char *)s->p;
    s->p += (size_t)*len + 1;
    return text;
}

static const uint8_t *take_bytes(scan *s, size_t len)
{
    if ((size_t)(s->end - s->p) < len) {
        s->bad = true;
        return NULL;
    }
    const uint8_t *bytes = s->p;
    s->p += len;
    return bytes;
}

/* ---- writing a tree ---- */

typedef struct writer {
    const rb_slice *slice;
    base_buf *out;
    uint32_t start, line; /* of the node before */
} writer;

static text_mode mode_of(const rb_node *n)
{
    const char *at = n->source->bytes + n->start;
    const uint32_t room = n->end - n->start;
    if (n->style == RB_PLAIN && n->count == room && memcmp(at, n->as.text, room) == 0)
        return AS_WRITTEN;
    if ((n->style == RB_SINGLE || n->style == RB_DOUBLE) && room >= 2 && n->count == room - 2 &&
        memcmp(at + 1, n->as.text, room - 2) == 0)
        return IN_QUOTES;
    return APART;
}

static unsigned head_of(const rb_node *n, text_mode mode)
{
    if (n->kind != RB_SCALAR)
        return (n->kind == RB_MAP ? 2U : 0U) + (n->style == RB_FLOW);
    return COLLECTIONS + n->type + TYPES * (n->style + STYLES * (unsigned)mode);
}

static uint32_t weight_of(const rb_node *n)
{
    uint32_t sum = 1;
    for (uint32_t i = 0; n->kind == RB_LIST && i < n->count; i++)
        sum += weight_of(n->as.items[i]);
    for (uint32_t i = 0; n->kind == RB_MAP && i < n->count; i++)
        sum += weight_of(n->as.pairs[i].key) + weight_of(n->as.pairs[i].val);
    return sum;
}

static void write_node(writer *w, const rb_node *n)
{
    const text_mode mode = n->kind == RB_SCALAR ? mode_of(n) : APART;
    base_buf_char(w->out, (char)head_of(n, mode));
    put_change(w->out, w->start, n->start - w->slice->start);
    put(w->out, n->end - n->start);
    put_change(w->out, w->line, n->line - w->slice->line);
    put(w->out, n->column);
    w->start = n->start - w->slice->start;
    w->line = n->line - w->slice->line;
    if (n->kind != RB_SCALAR)
        put(w->out, n->count);
    else if (mode == APART)
        put_text(w->out, n->as.text, n->count);
    for (uint32_t i = 0; n->kind == RB_LIST && i < n->count; i++)
        write_node(w, n->as.items[i]);
    for (uint32_t i = 0; n->kind == RB_MAP && i < n->count; i++) {
        write_node(w, n->as.pairs[i].key);
        write_node(w, n->as.pairs[i].val);
    }
}

bool rb_keep_tree(rb_full *rb, rb_def *def, const rb_node *root)
{
    base_buf bytes;
    base_buf_init(&bytes, rb->alloc);
    writer w = {.slice = &def->slice, .out = &bytes};
    put(&bytes, weight_of(root));
    write_node(&w, root);
    uint8_t *digest = bytes.failed ? NULL : base_arena_alloc(&rb->unit.arena, BASE_DIGEST_SIZE);
    def->tree = digest != NULL ? (uint8_t *)base_arena_strndup(&rb->unit.arena, bytes.data, bytes.len) : NULL;
    def->tree_len = bytes.len;
    if (def->tree != NULL)
        base_sha256(def->tree, def->tree_len, digest);
    def->tree_digest = digest;
    base_buf_free(&bytes);
    return def->tree != NULL;
}

/* ---- reading a tree ---- */

typedef struct reader {
    scan s;
    base_arena *arena;
    const rb_slice *slice;
    char *text; /* of the definition, with a NUL behind each scalar that was met */
    rb_node *nodes;
    uint32_t made, count;
    uint32_t start, line;
    bool nomem;
} reader;

static rb_node *read_node(reader *r, unsigned depth);

static bool read_scalar(reader *r, rb_node *n, unsigned head)
{
    const unsigned mode = head / (TYPES * STYLES);
    const uint32_t room = n->end - n->start;
    n->kind = RB_SCALAR;
    n->type = (uint8_t)(head % TYPES);
    n->style = (uint8_t)(head / TYPES % STYLES);
    if (mode >= MODES || (n->style != RB_PLAIN && room < 2))
        return false;
    if (mode == APART) {
        n->as.text = take_text(&r->s, &n->count);
        return n->as.text != NULL;
    }
    char *at = r->text + r->start + (mode == IN_QUOTES);
    if (mode == IN_QUOTES && room < 2)
        return false;
    n->count = mode == IN_QUOTES ? room - 2 : room;
    n->as.text = at;
    at[n->count] = '\0'; /* a quote, a blank, a colon or the like: no scalar begins right behind another one */
    return true;
}

static bool read_children(reader *r, rb_node *n, unsigned depth)
{
    const bool map = n->kind == RB_MAP;
    const uint32_t left = r->count - r->made;
    n->count = take(&r->s);
    if (r->s.bad || n->count > (map ? left / 2 : left))
        return false;
    if (map)
        n->as.pairs = base_arena_array(r->arena, n->count, sizeof *n->as.pairs);
    else
        n->as.items = base_arena_array(r->arena, n->count, sizeof *n->as.items);
    if (n->as.items == NULL) {
        r->nomem = true;
        return false;
    }
    for (uint32_t i = 0; i < n->count; i++) {
        rb_node *first = read_node(r, depth + 1), *second = map && first != NULL ? read_node(r, depth + 1) : NULL;
        if (first == NULL || (map && (second == NULL || first->kind != RB_SCALAR)))
            return false;
        if (map)
            n->as.pairs[i] = (rb_pair){first, second};
        else
            n->as.items[i] = first;
    }
    return true;
}

static rb_node *read_node(reader *r, unsigned depth)
{
    if (r->made == r->count || depth > DEEPEST || r->s.p >= r->s.end)
        return NULL;
    rb_node *n = &r->nodes[r->made++];
    const unsigned head = *r->s.p++;
    r->start = take_change(&r->s, r->start);
    const uint32_t len = take(&r->s);
    r->line = take_change(&r->s, r->line);
    n->column = take(&r->s);
    if (r->s.bad || r->start > r->slice->len || len > r->slice->len - r->start)
        return NULL;
    n->line = r->slice->line + r->line;
    n->start = r->slice->start + r->start;
    n->end = n->start + len;
    n->source = r->slice->source;
    n->weight = n->height = 1;
    if (head >= COLLECTIONS)
        return read_scalar(r, n, head - COLLECTIONS) ? n : NULL;
    n->kind = head >= 2 ? RB_MAP : RB_LIST;
    n->style = (head & 1) != 0 ? RB_FLOW : RB_BLOCK;
    return read_children(r, n, depth) ? n : NULL;
}

/* A definition's first key says what it defines; who reads it goes by that. */
static bool begins_as(const rb_node *root, const rb_def *def)
{
    return root->kind == RB_MAP && root->count > 0 && rb_is(root->as.pairs[0].key, def->key) &&
           (root->as.pairs[0].val->kind != RB_SCALAR || rb_is(root->as.pairs[0].val, def->name));
}

gov_status rb_read_tree(base_arena *arena, const rb_def *def, rb_node **out, const diag *d)
{
    uint8_t digest[BASE_DIGEST_SIZE];
    reader r = {.s = {def->tree, def->tree + def->tree_len, false}, .arena = arena, .slice = &def->slice};

    *out = NULL;
    base_sha256(def->tree, def->tree_len, digest);
    if (memcmp(digest, def->tree_digest, sizeof digest) != 0)
        return base_fail(d, M_bundle_damaged);
    r.count = take(&r.s);
    if (r.s.bad || r.count > def->tree_len / LEAST_NODE)
        return base_fail(d, M_bundle_damaged);
    r.text = base_arena_strndup(arena, def->slice.source->bytes + def->slice.start, def->slice.len);
    r.nodes = base_arena_array(arena, r.count, sizeof *r.nodes);
    if (r.text == NULL || r.nodes == NULL)
        return base_nomem(d);
    rb_node *root = read_node(&r, 1);
    if (r.nomem)
        return base_nomem(d);
    if (root == NULL || r.made != r.count || r.s.p != r.s.end || !begins_as(root, def))
        return base_fail(d, M_bundle_damaged);
    *out = root;
    return GOV_OK;
}

/* ---- all of a rulebook ---- */

static gov_status write_def(const rb_full *rb, const rb_def *def, base_buf *table, const diag *d)
{
    uint8_t digest[BASE_DIGEST_SIZE] = {0};
    if (def->made_digest != NULL)
        memcpy(digest, def->made_digest, sizeof digest);
    else if (def->kind == RB_WORKFLOW && rb_work_digest(rb, def, digest, d) != GOV_OK)
        return GOV_E_NOMEM;
    put(table, (uint32_t)def->file);
    put(table, def->slice.start);
    put(table, def->slice.len);
    put(table, def->slice.line);
    put(table, def->place.line);
    put(table, def->place.column);
    put_text(table, def->key, strlen(def->key));
    put_text(table, def->name, strlen(def->name));
    base_buf_add(table, digest, sizeof digest);
    put(table, (uint32_t)def->tree_len);
    base_buf_add(table, def->tree_digest, BASE_DIGEST_SIZE);
    return GOV_OK;
}

gov_status rulebook_trees_write(const rulebook *book, base_buf *out, const diag *d)
{
    const rb_full *rb = (const rb_full *)book;
    gov_status status = GOV_OK;
    uint8_t digest[BASE_DIGEST_SIZE];
    base_buf table;

    for (size_t i = 0; i < rb->def_count; i++)
        if (rb->defs[i].tree == NULL) /* opened from text alone: there is nothing to be written */
            return GOV_OK;
    base_buf_init(&table, rb->alloc);
    put(&table, (uint32_t)rb->def_count);
    for (size_t i = 0; i < rb->def_count && status == GOV_OK; i++)
        status = write_def(rb, &rb->defs[i], &table, d);
    base_sha256(table.data, table.len, digest);
    base_buf_str(out, header);
    base_buf_add(out, rb->pub.digest, BASE_DIGEST_SIZE);
    base_buf_add(out, digest, sizeof digest);
    base_buf_be32(out, (uint32_t)table.len);
    base_buf_add(out, table.data, table.len);
    for (size_t i = 0; i < rb->def_count; i++)
        base_buf_add(out, rb->defs[i].tree, rb->defs[i].tree_len);
    if (status == GOV_OK && (table.failed || out->failed))
        status = base_nomem(d);
    base_buf_free(&table);
    return status;
}

/* *trees: where the definition's own begins; moves on. */
static bool read_def(rb_full *rb, rb_def *def, scan *s, scan *trees)
{
    uint32_t key_len, name_len;
    *def = (rb_def){.file = take(s)};
    if (s->bad || def->file >= rb->source_count)
        return false;
    const rb_source *source = def->source = &rb->sources[def->file];
    def->slice.source = source;
    def->slice.start = take(s);
    def->slice.len = take(s);
    def->slice.line = take(s);
    def->place.origin = source->path;
    def->place.line = take(s);
    def->place.column = take(s);
    def->key = take_text(s, &key_len);
    def->name = take_text(s, &name_len);
    def->made_digest = take_bytes(s, BASE_DIGEST_SIZE);
    def->tree_len = take(s);
    def->tree_digest = take_bytes(s, BASE_DIGEST_SIZE);
    def->tree = take_bytes(trees, def->tree_len);
    return !s->bad && !trees->bad && def->slice.start <= source->len &&
           def->slice.len <= source->len - def->slice.start && strlen(def->key) == key_len && strlen(def->name) == name_len;
}

bool rb_trees_usable(const void *bytes, size_t len)
{
    return bytes != NULL && len > 0 && (len < HEADER || memcmp(bytes, family, sizeof family - 1) != 0 || memcmp(bytes, header, HEADER) == 0);
}

gov_status rb_trees_index(rulebook_loader *l, const void *bytes, size_t len)
{
    rb_full *rb = l->rb;
    uint8_t digest[BASE_DIGEST_SIZE];
    const uint8_t *kept = (uint8_t *)base_arena_strndup(&l->unit->arena, bytes, len);
    if (kept == NULL)
        return base_nomem(l->d);
    const uint8_t *size = kept + TABLE_AT - 4;
    if (len < TABLE_AT || memcmp(kept, header, HEADER) != 0 || memcmp(kept + HEADER, rb->pub.digest, BASE_DIGEST_SIZE) != 0)
        return base_fail(l->d, M_bundle_damaged);
    const size_t table = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
    if (table > len - TABLE_AT)
        return base_fail(l->d, M_bundle_damaged);
    base_sha256(kept + TABLE_AT, table, digest);
    scan s = {kept + TABLE_AT, kept + TABLE_AT + table, false}, trees = {s.end, kept + len, false};
    const uint32_t count = take(&s);
    if (memcmp(digest, kept + HEADER + BASE_DIGEST_SIZE, sizeof digest) != 0 || s.bad || count > table / LEAST_DEF)
        return base_fail(l->d, M_bundle_damaged);
    rb->defs = rb_alloc(l, count, sizeof *rb->defs);
    if (rb->defs == NULL)
        return GOV_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_def(rb, &rb->defs[i], &s, &trees))
            return base_fail(l->d, M_bundle_damaged);
        rb->def_count++;
    }
    return s.p == s.end && trees.p == trees.end ? GOV_OK : base_fail(l->d, M_bundle_damaged);
}
