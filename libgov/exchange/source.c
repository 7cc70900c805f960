/* A file under its map: its rows one after the other, and a digest of all that were read. */
#include "exchange/import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the columns ---- */

typedef struct wanted {
    const char *names[IMPORT_MOST_COLUMNS + 3 * IMPORT_MOST_LIVES];
    size_t *at[IMPORT_MOST_COLUMNS + 3 * IMPORT_MOST_LIVES];
    size_t count;
} wanted;

static void want(wanted *w, const char *name, size_t *at)
{
    if (name == NULL || w->count == ARRAY_LEN(w->names))
        return;
    w->names[w->count] = name;
    w->at[w->count++] = at;
}

static void want_spec(wanted *w, import_spec *spec)
{
    want(w, spec->column, &spec->at);
    want(w, spec->lat, &spec->at_lat);
    want(w, spec->lon, &spec->at_lon);
}

static void want_all(wanted *w, const import_map *map)
{
    for (size_t i = 0; i < map->spec_count; i++)
        want_spec(w, &map->specs[i]);
    for (size_t i = 0; i < map->life_count; i++) {
        if (map->lives[i].at_column == SIZE_MAX)
            want_spec(w, &map->lives[i].at);
        for (size_t k = 0; k < map->lives[i].data_count; k++)
            want_spec(w, &map->lives[i].data[k]);
    }
}

static gov_status find_columns(import_source *s, const diag *d)
{
    wanted w = {.count = 0};
    size_t at[ARRAY_LEN(w.names)];
    want_all(&w, s->map);
    const gov_status status = exchange_table_columns(s->table, w.names, w.count, at, d);
    for (size_t i = 0; i < w.count && status == GOV_OK; i++)
        *w.at[i] = at[i];
    return status;
}

/* ---- GeoJSON as a table ---- */

static gov_status read_whole(const char *path, base_buf *out, const diag *d)
{
    char why[128] = "";
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        (void)strerror_r(errno, why, sizeof why);
        return base_fail(d, M_table_open, A_S("path", path), A_S("why", why));
    }
    bool fine = true;
    for (;;) {
        fine = base_buf_reserve(out, 1 << 16);
        const size_t n = fine ? fread(out->data + out->len, 1, 1 << 16, f) : 0;
        out->len += n;
        if (n == 0 || out->len > IMPORT_MOST_GEOJSON)
            break;
    }
    const bool failed = ferror(f) != 0;
    (void)fclose(f);
    if (!fine)
        return base_nomem(d);
    if (out->len > IMPORT_MOST_GEOJSON)
        return base_fail(d, M_too_large, A_S("what", path), A_I("limit", IMPORT_MOST_GEOJSON));
    return failed ? base_fail(d, M_table_read, A_I("row", 0)) : GOV_OK;
}

typedef struct memory_reader {
    const char *s;
    size_t left;
} memory_reader;

static ptrdiff_t read_memory(void *user, void *bytes, size_t cap)
{
    memory_reader *m = user;
    const size_t n = m->left < cap ? m->left : cap;
    memcpy(bytes, m->s, n);
    m->s += n;
    m->left -= n;
    return (ptrdiff_t)n;
}

/* The header: every property that some feature has. */
static gov_status write_header(import_source *s, base_buf *out, const diag *d)
{
    base_map seen;
    gov_status status = GOV_OK;
    base_map_init(&seen, s->g->alloc);
    base_buf_str(out, "\"geometry\"");
    for (size_t i = 0; i < s->feature_count && status == GOV_OK; i++) {
        const value p = s->features[i].properties;
        for (size_t k = 0; k < p.len && seen.count < 1000; k++) {
            bool fresh;
            const value key = p.as.pairs[k].key;
            if (key.kind != VALUE_STRING)
                continue;
            if (base_map_put(&seen, key.as.s, key.len, &fresh) == NULL) {
                status = base_nomem(d);
                break;
            }
            if (!fresh || (key.len == 8 && memcmp(key.as.s, "geometry", 8) == 0))
                continue;
            base_buf_str(out, ",\"");
            for (size_t n = 0; n < key.len; n++) {
                base_buf_char(out, key.as.s[n]);
                if (key.as.s[n] == '"')
                    base_buf_char(out, '"');
            }
            base_buf_char(out, '"');
        }
    }
    base_buf_char(out, '\n');
    base_map_free(&seen);
    return status == GOV_OK && out->failed ? base_nomem(d) : status;
}

/* The polygons of a geometry, added to the list; false for what has none. */
static bool add_polygons(value_builder *list, value geometry)
{
    const value at = value_get_text(geometry, "coordinates");
    if (at.kind != VALUE_LIST)
        return false;
    if (value_is_text(value_get_text(geometry, "type"), "Polygon")) {
        value_builder_add(list, at);
        return true;
    }
    for (size_t i = 0; i < at.len; i++)
        value_builder_add(list, at.as.items[i]);
    return value_is_text(value_get_text(geometry, "type"), "MultiPolygon");
}

static gov_status join_parts(import_source *s, const uint32_t *same, size_t count, const diag *d)
{
    value_builder list, b;
    bool fine = true;
    value_builder_init(&list, &s->memory);
    value_builder_init(&b, &s->memory);
    for (size_t i = 0; i < count; i++)
        fine = fine && add_polygons(&list, s->features[same[i]].geometry);
    value_builder_set(&b, "type", value_text("MultiPolygon"));
    value_builder_set(&b, "coordinates", value_builder_list(&list));
    if (list.failed || b.failed)
        return base_nomem(d);
    for (size_t i = 0; i < count && fine; i++)
        s->features[same[i]].geometry = value_builder_map(&b);
    return GOV_OK;
}

/* Features of one key are parts of one area: each gets the whole of it. */
static gov_status join_features(import_source *s, const diag *d)
{
    const size_t key = s->map->by_role[IMPORT_KEY];
    const char *name = key != SIZE_MAX ? s->map->specs[key].column : NULL;
    uint32_t *same = base_array(s->g->alloc, s->feature_count, sizeof *same);
    base_map seen;
    gov_status status = same != NULL ? GOV_OK : base_nomem(d);
    base_map_init(&seen, s->g->alloc);
    for (size_t i = 0; name != NULL && i < s->feature_count && status == GOV_OK; i++) {
        const value v = value_get_text(s->features[i].properties, name);
        bool fresh = true;
        uint64_t *slot = v.kind == VALUE_STRING ? base_map_put(&seen, v.as.s, v.len, &fresh) : NULL;
        if (slot == NULL && v.kind == VALUE_STRING)
            status = base_nomem(d);
        if (slot != NULL && !fresh)
            (*slot)++;
    }
    for (size_t k = 0; k < seen.count && status == GOV_OK; k++) {
        size_t n = 0;
        if (seen.entries[k].value == 0)
            continue;
        for (size_t i = 0; i < s->feature_count; i++) {
            const value v = value_get_text(s->features[i].properties, name);
            if (v.kind == VALUE_STRING && v.len == seen.entries[k].len &&
                memcmp(v.as.s, seen.entries[k].key, v.len) == 0)
                same[n++] = (uint32_t)i;
        }
        status = join_parts(s, same, n, d);
    }
    base_map_free(&seen);
    base_free(s->g->alloc, same);
    return status;
}

static gov_status open_geojson(import_source *s, const diag *d)
{
    base_buf text, header;
    base_buf_init(&text, s->g->alloc);
    base_buf_init(&header, s->g->alloc);
    gov_status status = read_whole(s->path, &text, d);
    if (status == GOV_OK)
        status = geo_read_features(&s->memory, s->path, text.data, text.len, &s->features,
                                   &s->feature_count, d);
    if (status == GOV_OK)
        status = join_features(s, d);
    if (status == GOV_OK)
        status = write_header(s, &header, d);
    if (status == GOV_OK) {
        const exchange_format format = {.encoding = EXCHANGE_UTF8,
                                        .delimiter = ',',
                                        .origin = s->path};
        memory_reader m = {header.data, header.len};
        status = exchange_table_read(s->g->alloc, read_memory, &m, &format, &s->table, d);
    }
    if (status == GOV_OK) {
        s->feature_cells =
            base_arena_array(&s->memory, exchange_table_width(s->table), sizeof *s->feature_cells);
        status = s->feature_cells != NULL ? GOV_OK : base_nomem(d);
    }
    base_buf_free(&text);
    base_buf_free(&header);
    return status;
}

static bool feature_cell(import_source *s, value v, exchange_cell *out)
{
    base_buf text;
    *out = (exchange_cell){"", 0};
    if (v.kind == VALUE_STRING)
        *out = (exchange_cell){v.as.s, v.len};
    if (v.kind == VALUE_STRING || v.kind == VALUE_NULL || v.kind == VALUE_ABSENT)
        return true;
    base_buf_init(&text, s->g->alloc);
    value_write_plain(&text, v);
    const char *copy = text.failed ? NULL : base_arena_strndup(&s->memory, text.data, text.len);
    *out = (exchange_cell){copy, text.len};
    base_buf_free(&text);
    return copy != NULL;
}

static gov_status next_feature(import_source *s, const diag *d)
{
    if (s->feature_at == s->feature_count) {
        s->head = NULL;
        s->ended = true;
        return GOV_OK;
    }
    const geo_feature *f = &s->features[s->feature_at++];
    const size_t width = exchange_table_width(s->table);
    for (size_t i = 0; i < width; i++) {
        const exchange_cell name = exchange_table_header(s->table, i);
        if (!feature_cell(s, value_get(f->properties, name.s, name.len), &s->feature_cells[i]))
            return base_nomem(d);
    }
    s->feature_row = (exchange_row){f->line, s->feature_at, s->feature_cells, width, 0};
    s->head = &s->feature_row;
    return GOV_OK;
}

/* ---- opening ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* As given, in the folder given, or beside the map. */
gov_status import_data_path(gov *g, base_arena *arena, const import_map *map, const char *file,
                            const char **out, const diag *d)
{
    struct stat info;
    base_buf path;
    const bool folder = file != NULL && stat(file, &info) == 0 && S_ISDIR(info.st_mode);
    base_buf_init(&path, g->alloc);
    if (folder) {
        base_buf_str(&path, file);
        base_buf_char(&path, '/');
        base_buf_str(&path, base_name(map->file));
    } else if (file != NULL) {
        base_buf_str(&path, file);
    } else {
        base_buf_str(&path, map->file[0] == '/' ? "" : map->dir);
        base_buf_str(&path, map->file);
    }
    *out = path.failed ? NULL : base_arena_strndup(arena, path.data, path.len);
    base_buf_free(&path);
    return *out != NULL ? GOV_OK : base_nomem(d);
}

/* Where the data is, and what the store calls it. */
static gov_status find_path(import_source *s, const char *file, const diag *d)
{
    struct stat info;
    base_buf path;
    const gov_status status = import_data_path(s->g, &s->memory, s->map, file, &s->path, d);
    if (status != GOV_OK)
        return status;
    base_buf_init(&path, s->g->alloc);
    base_buf_str(&path, s->map->kind == IMPORT_RECORDS ? s->map->record_kind
                        : s->map->kind == IMPORT_CASES ? s->map->workflow
                                                       : "events");
    base_buf_char(&path, ':');
    base_buf_str(&path, s->path != NULL ? base_name(s->path) : "");
    s->name = path.failed ? NULL : base_arena_strndup(&s->memory, path.data, path.len);
    base_buf_free(&path);
    if (s->path == NULL || s->name == NULL)
        return base_nomem(d);
    s->size = stat(s->path, &info) == 0 ? (uint64_t)info.st_size : 0;
    return GOV_OK;
}

/* What the digest begins with: the map, and the header. */
static gov_status begin_chain(import_source *s, const diag *d)
{
    base_buf_clear(&s->text);
    base_buf_add(&s->text, s->map->digest, BASE_DIGEST_SIZE);
    for (size_t i = 0; i < exchange_table_width(s->table); i++) {
        const exchange_cell c = exchange_table_header(s->table, i);
        base_buf_be32(&s->text, (uint32_t)c.len);
        base_buf_add(&s->text, c.s, c.len);
    }
    if (s->text.failed)
        return base_nomem(d);
    base_sha256(s->text.data, s->text.len, s->chain);
    return GOV_OK;
}

gov_status import_source_open(gov *g, const import_map *map, const char *file, import_source *out,
                              const diag *d)
{
    *out = (import_source){.g = g, .map = map, .last_peek = IMPORT_NEVER};
    base_arena_init(&out->memory, g->alloc);
    base_buf_init(&out->text, g->alloc);
    gov_status status = find_path(out, file, d);
    if (status == GOV_OK && import_is_geojson(out->path))
        status = open_geojson(out, d);
    else if (status == GOV_OK)
        status = exchange_table_open(g->alloc, out->path, &map->format, &out->table, d);
    if (status == GOV_OK)
        status = find_columns(out, d);
    if (status == GOV_OK)
        status = begin_chain(out, d);
    if (status == GOV_OK)
        status = import_source_next(out, d);
    if (status != GOV_OK)
        import_source_close(out);
    return status;
}

void import_source_close(import_source *s)
{
    exchange_table_close(s->table);
    gov_error_free(s->broken_why);
    base_buf_free(&s->text);
    base_arena_free(&s->memory);
    *s = (import_source){0};
}

/* ---- rows ---- */

gov_status import_source_next(import_source *s, const diag *d)
{
    const diag why = {s->g->alloc, &s->broken_why};
    if (s->ended)
        return GOV_OK;
    if (s->features != NULL || s->feature_cells != NULL)
        return next_feature(s, d);
    const gov_status status = exchange_table_next(s->table, &s->head, &why);
    if (status == GOV_OK)
        return GOV_OK;
    s->head = NULL;
    s->ended = true;
    if (status == GOV_E_NOMEM)
        return base_nomem(d);
    s->broken = status == GOV_END ? GOV_OK : status; /* told when what came before is imported */
    return GOV_OK;
}

static gov_status add_to_chain(import_source *s, const diag *d)
{
    base_buf_clear(&s->text);
    base_buf_add(&s->text, s->chain, BASE_DIGEST_SIZE);
    for (size_t i = 0; i < s->head->count; i++) {
        base_buf_be32(&s->text, (uint32_t)s->head->cells[i].len);
        base_buf_add(&s->text, s->head->cells[i].s, s->head->cells[i].len);
    }
    if (s->features != NULL)
        value_write_document(&s->text, s->features[s->feature_at - 1].geometry);
    if (s->text.failed)
        return base_nomem(d);
    base_sha256(s->text.data, s->text.len, s->chain);
    s->position++;
    return GOV_OK;
}

static gov_status copy_row(const exchange_row *row, base_arena *arena, exchange_row *out,
                           const diag *d)
{
    size_t bytes = 0;
    for (size_t i = 0; i < row->count; i++)
        bytes += row->cells[i].len;
    exchange_cell *cells = base_arena_array(arena, row->count, sizeof *cells);
    char *text = base_arena_alloc(arena, bytes + 1);
    if (cells == NULL || text == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < row->count; i++) {
        memcpy(text, row->cells[i].s, row->cells[i].len);
        cells[i] = (exchange_cell){text, row->cells[i].len};
        text += row->cells[i].len;
    }
    *out = *row;
    out->cells = cells;
    return GOV_OK;
}

gov_status import_source_skip(import_source *s, const diag *d)
{
    const gov_status status = add_to_chain(s, d);
    return status == GOV_OK ? import_source_next(s, d) : status;
}

gov_status import_source_take(import_source *s, base_arena *arena, import_row *out, const diag *d)
{
    *out = (import_row){.from = s, .geometry = value_null()};
    gov_status status = copy_row(s->head, arena, &out->row, d);
    if (status == GOV_OK)
        status = add_to_chain(s, d);
    if (status != GOV_OK)
        return status;
    memcpy(out->chain, s->chain, sizeof out->chain);
    out->row.number = s->position;
    if (s->features != NULL)
        out->geometry = s->features[s->feature_at - 1].geometry;
    status = import_convert(s, out, arena, d);
    return status == GOV_OK ? import_source_next(s, d) : status;
}

uint64_t import_source_bytes(const import_source *s)
{
    if (s->feature_cells != NULL)
        return s->feature_count > 0 ? s->size / s->feature_count * s->feature_at : s->size;
    return s->table != NULL ? exchange_table_bytes(s->table) : 0;
}
