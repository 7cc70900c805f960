/* The files of a rulebook as bytes: read from disk, written as one canonical text, digested. */
#include "rulebook/load.h"

#include <stdlib.h>
#include <string.h>

#include "rulebook/files.h"

struct rulebook_bundle {
    const gov_allocator *alloc;
    base_arena arena;
    rulebook_source *sources; /* the root first, the others by path */
    size_t count, cap, bytes;
    uint8_t digest[BASE_DIGEST_SIZE];
    gov_error *problems; /* of `include`; told when the bundle is compiled, with all the others */
};

static const char header[] = "gov-rulebook 1\n";

const gov_error *rb_bundle_problems(const rulebook_bundle *b)
{
    return b->problems;
}

static rulebook_bundle *bundle_new(const gov_allocator *a)
{
    rulebook_bundle *b = base_alloc(a, sizeof *b);
    if (b == NULL)
        return NULL;
    b->alloc = a;
    base_arena_init(&b->arena, a);
    return b;
}

void rulebook_bundle_free(rulebook_bundle *b)
{
    if (b == NULL)
        return;
    gov_error_free(b->problems);
    base_free(b->alloc, b->sources);
    base_arena_free(&b->arena);
    base_free(b->alloc, b);
}

size_t rulebook_bundle_count(const rulebook_bundle *b)
{
    return b->count;
}

const rulebook_source *rulebook_bundle_source(const rulebook_bundle *b, size_t i)
{
    return i < b->count ? &b->sources[i] : NULL;
}

const uint8_t *rulebook_bundle_digest(const rulebook_bundle *b)
{
    return b->digest;
}

/* ---- canonical text ---- */

/* Version, number of files, then digest, length and path of each. The bundle's digest is that of this table. */
static void write_table(const rulebook_bundle *b, base_buf *out)
{
    base_buf_str(out, header);
    base_buf_uint(out, b->count);
    base_buf_char(out, '\n');
    for (size_t i = 0; i < b->count; i++) {
        char hex[2 * BASE_DIGEST_SIZE + 1];
        base_hex(b->sources[i].digest, BASE_DIGEST_SIZE, hex);
        base_buf_str(out, hex);
        base_buf_char(out, ' ');
        base_buf_uint(out, b->sources[i].len);
        base_buf_char(out, ' ');
        base_buf_str(out, b->sources[i].path);
        base_buf_char(out, '\n');
    }
}

void rulebook_bundle_write(const rulebook_bundle *b, base_buf *out)
{
    write_table(b, out);
    for (size_t i = 0; i < b->count; i++)
        base_buf_add(out, b->sources[i].bytes, b->sources[i].len);
}

static gov_status digest_table(rulebook_bundle *b, const diag *d)
{
    base_buf table;
    base_buf_init(&table, b->alloc);
    write_table(b, &table);
    if (!table.failed)
        base_sha256(table.data, table.len, b->digest);
    const gov_status status = table.failed ? base_nomem(d) : GOV_OK;
    base_buf_free(&table);
    return status;
}

/* Adds a file whose path and bytes are in the arena already. */
static gov_status add(rulebook_bundle *b, rulebook_source s, const diag *d)
{
    const base_place place = {s.path, 1, 1};
    if (b->count >= RB_MAX_FILES)
        return base_fail_at(d, &place, M_too_large, A_S("what", "include"), A_I("limit", RB_MAX_FILES));
    b->bytes += s.len;
    if (b->bytes > RB_MAX_BUNDLE)
        return base_fail_at(d, &place, M_too_large, A_S("what", "rulebook"), A_I("limit", RB_MAX_BUNDLE));
    if (!base_grow(b->alloc, &b->sources, &b->cap, b->count, sizeof *b->sources))
        return base_nomem(d);
    b->sources[b->count++] = s;
    return GOV_OK;
}

/* A path that stays inside the rulebook and has one spelling. */
static bool path_valid(const char *p)
{
    const char *part = p;
    for (;; p++) {
        if (*p != '\0' && *p != '/') {
            if ((unsigned char)*p < 0x20 || *p == '\\')
                return false;
            continue;
        }
        const size_t len = (size_t)(p - part);
        if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        if (*p == '\0')
            return true;
        part = p + 1;
    }
}

gov_status rulebook_bundle_make(const gov_allocator *a, const rulebook_source *sources, size_t count,
                                rulebook_bundle **out, const diag *d)
{
    gov_status status = GOV_OK;
    rulebook_bundle *b = bundle_new(a);

    *out = NULL;
    if (b == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < count && status == GOV_OK; i++) {
        rulebook_source s = {.path = base_arena_strdup(&b->arena, sources[i].path),
                             .bytes = base_arena_strndup(&b->arena, sources[i].bytes, sources[i].len),
                             .len = sources[i].len};
        if (s.path == NULL || s.bytes == NULL) {
            status = base_nomem(d);
        } else if (!path_valid(s.path)) {
            status = base_fail(d, M_bad_path, A_S("path", s.path));
        } else {
            base_sha256(s.bytes, s.len, s.digest);
            status = add(b, s, d);
        }
    }
    if (status == GOV_OK && count == 0)
        status = base_fail(d, M_bad_argument, A_S("what", "no files"));
    if (status == GOV_OK)
        status = digest_table(b, d);
    if (status == GOV_OK)
        *out = b;
    else
        rulebook_bundle_free(b);
    return status;
}

/* ---- reading the canonical text ---- */

typedef struct scan {
    const char *p, *end;
} scan;

static bool take_number(scan *s, char stop, uint64_t *n)
{
    const char *at = memchr(s->p, stop, (size_t)(s->end - s->p));
    if (at == NULL || !base_parse_uint(s->p, (size_t)(at - s->p), n))
        return false;
    s->p = at + 1;
    return true;
}

static bool take_entry(rulebook_bundle *b, scan *s, rulebook_source *out)
{
    uint64_t len;
    if (s->end - s->p < 2 * BASE_DIGEST_SIZE + 1 || !base_unhex(s->p, 2 * BASE_DIGEST_SIZE, out->digest))
        return false;
    s->p += 2 * BASE_DIGEST_SIZE;
    if (*s->p++ != ' ' || !take_number(s, ' ', &len) || len > RB_MAX_FILE)
        return false;
    const char *stop = memchr(s->p, '\n', (size_t)(s->end - s->p));
    if (stop == NULL)
        return false;
    out->len = (size_t)len;
    out->path = base_arena_strndup(&b->arena, s->p, (size_t)(stop - s->p));
    s->p = stop + 1;
    return out->path == NULL || path_valid(out->path);
}

static gov_status parse_table(rulebook_bundle *b, scan *s, const diag *d)
{
    uint64_t count;
    if ((size_t)(s->end - s->p) < sizeof header - 1 || memcmp(s->p, header, sizeof header - 1) != 0)
        return base_fail(d, M_bundle_damaged);
    s->p += sizeof header - 1;
    if (!take_number(s, '\n', &count) || count == 0 || count > RB_MAX_FILES)
        return base_fail(d, M_bundle_damaged);
    for (uint64_t i = 0; i < count; i++) {
        rulebook_source source = {0};
        if (!take_entry(b, s, &source))
            return base_fail(d, M_bundle_damaged);
        if (source.path == NULL)
            return base_nomem(d);
        const gov_status status = add(b, source, d);
        if (status != GOV_OK)
            return status;
    }
    return GOV_OK;
}

/* The files' bytes are compared with their digests when they are compiled, not here: that keeps opening fast. */
gov_status rulebook_bundle_parse(const gov_allocator *a, const char *text, size_t len, rulebook_bundle **out,
                                 const diag *d)
{
    rulebook_bundle *b = bundle_new(a);
    scan s = {text, text + len};

    *out = NULL;
    if (b == NULL)
        return base_nomem(d);
    gov_status status = parse_table(b, &s, d);
    if (status == GOV_OK) {
        base_sha256(text, (size_t)(s.p - text), b->digest);
        if (b->bytes != (size_t)(s.end - s.p))
            status = base_fail(d, M_bundle_damaged);
    }
    const char *bytes = status == GOV_OK ? base_arena_strndup(&b->arena, s.p, b->bytes) : NULL;
    if (status == GOV_OK && bytes == NULL)
        status = base_nomem(d);
    for (size_t i = 0; i < b->count && status == GOV_OK; i++) {
        b->sources[i].bytes = bytes;
        bytes += b->sources[i].len;
    }
    if (status == GOV_OK)
        *out = b;
    else
        rulebook_bundle_free(b);
    return status;
}

/* ---- reading from disk ---- */

static bool have(const rulebook_bundle *b, const char *path)
{
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->sources[i].path, path) == 0)
            return true;
    return false;
}

static gov_status add_file(rulebook_bundle *b, const char *dir, const char *path, const char *as, const diag *d)
{
    rulebook_source s = {.path = base_arena_strdup(&b->arena, as)};
    if (s.path == NULL)
        return base_nomem(d);
    char *bytes;
    gov_status status = rb_read_file(&b->arena, dir, path, &bytes, &s.len, d);
    if (status != GOV_OK)
        return status;
    s.bytes = bytes;
    base_sha256(s.bytes, s.len, s.digest);
    return add(b, s, d);
}

/* Perhaps a folder was named, and what lies in it meant. */
static gov_status nothing_matches(const rulebook_bundle *b, const rb_node *n, const base_place *place, const diag *d)
{
    const bool folder = strpbrk(n->as.text, "*?") == NULL && (n->count < 5 || strcmp(n->as.text + n->count - 5, ".yaml") != 0);
    base_buf near;
    base_buf_init(&near, b->alloc);
    base_buf_str(&near, folder ? n->as.text : "");
    base_buf_str(&near, folder ? "/*.yaml" : "");
    const gov_status status = near.failed ? base_nomem(d)
                                          : base_fail_at(d, place, M_include_empty, A_S("pattern", n->as.text), A_S("near", near.data));
    base_buf_free(&near);
    return status;
}

static gov_status include_one(rulebook_bundle *b, const char *dir, const rb_node *n, const diag *d, const diag *problems)
{
    base_arena names;
    char **paths;
    size_t count = 0;
    const base_place place = rb_place(n);

    if (n->kind != RB_SCALAR || n->count == 0)
        return base_fail_at(problems, &place, M_wrong_kind, A_S("what", "include"), A_S("expected", "text"),
                            A_S("found", rb_kind_name(n))) == GOV_E_NOMEM ? GOV_E_NOMEM : GOV_OK;
    if (strpbrk(n->as.text, "|{}[]\n\r") != NULL)
        return base_fail_at(problems, &place, M_include_pattern, A_S("pattern", n->as.text)) == GOV_E_NOMEM ? GOV_E_NOMEM : GOV_OK;
    if (!path_valid(n->as.text) || n->as.text[0] == '/')
        return base_fail_at(problems, &place, M_bad_path, A_S("path", n->as.text)) == GOV_E_NOMEM ? GOV_E_NOMEM : GOV_OK;
    base_arena_init(&names, b->alloc);
    gov_status status = rb_glob(&names, dir, n->as.text, &paths, &count, d);
    for (size_t i = 0; i < count && status == GOV_OK; i++)
        if (!have(b, paths[i]))
            status = add_file(b, dir, paths[i], paths[i], d);
    if (status == GOV_OK && count == 0 &&
        nothing_matches(b, n, &place, problems) == GOV_E_NOMEM)
        status = GOV_E_NOMEM;
    base_arena_free(&names);
    return status;
}

/* Finds `include` in the root's first document; mistakes in it are told when the bundle is compiled. */
static gov_status follow_includes(rulebook_bundle *b, const char *dir, const diag *d)
{
    const rb_source root = rb_source_of(&b->sources[0]);
    uint32_t at = 0, line = 1;
    rb_slice slice;
    base_arena arena;
    rb_node *n = NULL;
    const diag problems = {b->alloc, &b->problems};

    if (rb_check_text(&root, NULL) != GOV_OK || !rb_next_slice(&root, &at, &line, &slice))
        return GOV_OK;
    base_arena_init(&arena, b->alloc);
    gov_status status = rb_parse(&arena, &slice, &n, NULL) == GOV_E_NOMEM ? base_nomem(d) : GOV_OK;
    const rb_node *include = status == GOV_OK && n != NULL ? rb_get(n, "include") : NULL;
    if (include != NULL && include->kind == RB_SCALAR && include->count > 0)
        status = include_one(b, dir, include, d, &problems);
    for (uint32_t i = 0; include != NULL && include->kind == RB_LIST && i < include->count && status == GOV_OK; i++)
        status = include_one(b, dir, include->as.items[i], d, &problems);
    base_arena_free(&arena);
    return status;
}

rb_source rb_source_of(const rulebook_source *s)
{
    const bool bom = s->len >= 3 && memcmp(s->bytes, "\xef\xbb\xbf", 3) == 0;
    return (rb_source){s->path, s->bytes + (bom ? 3 : 0), s->len - (bom ? 3 : 0)};
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const rulebook_source *)a)->path, ((const rulebook_source *)b)->path);
}

/* The first line that is no comment says what a file defines; the title that follows may be of any shape. */
static bool begins_with(const char *word, const char *bytes, size_t len)
{
    const size_t letters = strlen(word);
    const rulebook_source file = {.path = "", .bytes = bytes, .len = len};
    const rb_source s = rb_source_of(&file);
    uint32_t at = 0, line = 1;
    rb_slice slice;
    if (!rb_next_slice(&s, &at, &line, &slice))
        return false;
    const char *p = s.bytes + slice.start, *end = p + slice.len;
    while (p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        const size_t n = (size_t)((stop != NULL ? stop : end) - p);
        if (n > letters && memcmp(p, word, letters) == 0)
            return p[letters + strspn(p + letters, " ")] == ':';
        if (n > 0 && *p != '#' && *p != '\r' && *p != ' ' && *p != '%' && memcmp(p, "---", n < 3 ? n : 3) != 0)
            return false;
        p += n + 1;
    }
    return false;
}

/* An overlay is named by its path from the rulebook's folder where it lies inside, else by its own name. */
static const char *overlay_path(rulebook_bundle *b, const char *dir, const char *path, const char *name)
{
    const char *root = rb_full_path(&b->arena, *dir != '\0' ? dir : "."), *full = rb_full_path(&b->arena, path);
    const size_t n = root != NULL ? strlen(root) : 0;
    if (full == NULL || n < 2 || strncmp(full, root, n) != 0 || full[n] != '/' || !path_valid(full + n + 1))
        return name;
    return full + n + 1;
}

static gov_status read_all(rulebook_bundle *b, const char *path, const char *const *overlays, size_t overlay_count,
                           const diag *d)
{
    char *dir = NULL;
    const char *name = NULL;
    gov_status status = rb_split_path(&b->arena, path, &dir, &name, d);
    if (status == GOV_OK)
        status = add_file(b, dir, name, name, d);
    if (status == GOV_OK)
        status = follow_includes(b, dir, d);
    for (size_t i = 0; i < overlay_count && status == GOV_OK; i++) {
        char *overlay_dir = NULL;
        const char *overlay = NULL;
        status = rb_split_path(&b->arena, overlays[i], &overlay_dir, &overlay, d);
        const char *as = status == GOV_OK ? overlay_path(b, dir, overlays[i], overlay) : NULL;
        if (status == GOV_OK && !have(b, as))
            status = add_file(b, overlay_dir, overlay, as, d);
        else if (status == GOV_OK)
            status = base_fail(d, M_bad_path, A_S("path", overlays[i]));
        const rulebook_source *added = status == GOV_OK ? &b->sources[b->count - 1] : NULL;
        if (added != NULL && !begins_with("overlay", added->bytes, added->len))
            status = base_fail(d, M_not_an_overlay, A_S("path", overlays[i]));
    }
    return status;
}

static gov_status finish_reading(rulebook_bundle *b, gov_status status, rulebook_bundle **out, const diag *d)
{
    if (status == GOV_OK) {
        qsort(b->sources + 1, b->count - 1, sizeof *b->sources, by_path);
        status = digest_table(b, d);
    }
    if (status == GOV_OK)
        *out = b;
    else
        rulebook_bundle_free(b);
    return status;
}

gov_status rulebook_bundle_read(const gov_allocator *a, const char *path, const char *const *overlays,
                                size_t overlay_count, rulebook_bundle **out, const diag *d)
{
    rulebook_bundle *b = bundle_new(a);

    *out = NULL;
    if (b == NULL)
        return base_nomem(d);
    return finish_reading(b, read_all(b, path, overlays, overlay_count, d), out, d);
}

/* ---- with the scenarios that lie about ---- */

bool rulebook_lies_inside(const char *path, const char *inside)
{
    const size_t n = strlen(inside);
    return n == 0 || (strncmp(path, inside, n) == 0 && (path[n] == '\0' || path[n] == '/'));
}

static gov_status add_scenarios(rulebook_bundle *b, const char *dir, const char *inside, const diag *d)
{
    base_arena names;
    char **paths = NULL;
    size_t count = 0;
    base_arena_init(&names, b->alloc);
    gov_status status = rb_glob(&names, dir, "**/*.yaml", &paths, &count, d);
    for (size_t i = 0; i < count && status == GOV_OK; i++) {
        rulebook_source s = {.path = paths[i]};
        char *bytes = NULL;
        if (have(b, paths[i]) || !rulebook_lies_inside(paths[i], inside))
            continue;
        status = rb_read_file(&b->arena, dir, paths[i], &bytes, &s.len, d);
        if (status != GOV_OK || !begins_with("scenario", bytes, s.len))
            continue;
        s.path = base_arena_strdup(&b->arena, paths[i]);
        s.bytes = bytes;
        base_sha256(s.bytes, s.len, s.digest);
        status = s.path != NULL ? add(b, s, d) : base_nomem(d);
    }
    base_arena_free(&names);
    return status;
}

static gov_status readable(base_arena *arena, const char *dir, const char *name, bool *is)
{
    char *bytes;
    size_t len;
    const gov_status status = rb_read_file(arena, dir, name, &bytes, &len, NULL);
    *is = status == GOV_OK;
    return status == GOV_E_NOMEM ? status : GOV_OK;
}

/* The nearest folder at or above `path` that has a rulebook.yaml; *dir stays as it is when there is none. */
static gov_status folder_above(base_arena *arena, const char *given, char **dir, const char **inside, const diag *d)
{
    enum { MOST_UP = 8 };
    const char *path = rb_full_path(arena, given);
    size_t end = path != NULL ? strlen(path) : 0;
    if (path == NULL)
        return base_nomem(d);
    for (int up = 0; up < MOST_UP; up++) {
        const size_t cut = end; /* the rest begins behind it */
        char *folder = base_arena_strndup(arena, path, cut);
        bool is = false;
        if (folder == NULL || readable(arena, folder, "rulebook.yaml", &is) != GOV_OK)
            return base_nomem(d);
        if (is) {
            *dir = folder;
            *inside = path + cut + (path[cut] == '/');
            return GOV_OK;
        }
        if (cut <= 1)
            break;
        while (end > 0 && path[end - 1] != '/')
            end--;
        while (end > 1 && path[end - 1] == '/')
            end--;
    }
    return GOV_OK;
}

static gov_status read_tests(rulebook_bundle *b, const char *path, const char *overlay, rulebook_tests *out, const diag *d)
{
    const char **inside = &out->inside;
    char *dir = NULL, *bytes = NULL, *root = NULL;
    const char *name = NULL;
    size_t len = 0;
    bool above = false;
    *inside = "";
    gov_status status = rb_split_path(&b->arena, path, &dir, &name, d);
    if (status != GOV_OK)
        return status;
    const bool folder = strcmp(name, "rulebook.yaml") == 0; /* or the file itself is named */
    status = rb_read_file(&b->arena, dir, name, &bytes, &len, NULL);
    if (status == GOV_E_NOMEM)
        return base_nomem(d);
    if (status != GOV_OK || begins_with("scenario", bytes, len)) {
        status = folder_above(&b->arena, path, &root, inside, d);
        above = root != NULL;
    }
    if (status == GOV_OK)
        status = read_all(b, above ? root : path, &overlay, overlay != NULL, d);
    size_t end = strlen(*inside);
    while (end > 0 && (*inside)[end - 1] == '/')
        end--;
    *inside = base_arena_strndup(&b->arena, *inside, end);
    out->path = base_arena_strdup(&b->arena, above ? root : path);
    out->dir = base_arena_strdup(&b->arena, above ? root : dir);
    if (status == GOV_OK && (*inside == NULL || out->path == NULL || out->dir == NULL))
        return base_nomem(d);
    return status == GOV_OK && (above || folder) ? add_scenarios(b, above ? root : dir, *inside, d) : status;
}

gov_status rulebook_bundle_read_tests(const gov_allocator *a, const char *path, const char *overlay, rulebook_bundle **out,
                                      rulebook_tests *tests, const diag *d)
{
    rulebook_bundle *b = bundle_new(a);

    *out = NULL;
    if (b == NULL)
        return base_nomem(d);
    return finish_reading(b, read_tests(b, path, overlay, tests, d), out, d);
}
