/* Files of refused rows. For one map: its table with line and reason, ready to be mended and imported again. For a list of maps:
 * one list of all refusals at the path given, and beside it such a table for each file. */
#include "exchange/import.h"

#include <stdio.h>
#include <string.h>

typedef struct refused_file {
    const import_source *source;
    FILE *file;
    const char *path;
    exchange_refused *rows;
} refused_file;

struct import_refusing {
    gov *g;
    const char *path, *lang;
    bool many;
    base_arena memory;  /* paths */
    base_arena reasons; /* of one row */
    FILE *list;
    exchange_csv *csv;
    refused_file files[IMPORT_MOST_MAPS];
    size_t count;
};

static bool write_file(void *user, const void *bytes, size_t len)
{
    return fwrite(bytes, 1, len, user) == len;
}


static gov_status open_list(import_refusing *r, const diag *d)
{
    static const char *const heads[2][4] = {{"file", "line", "number", "reason"},
                                            {"文件", "行号", "编号", "原因"}};
    const exchange_csv_options options = {.keep_digits = true};
    if (r->list != NULL)
        return GOV_OK;
    gov_status status = import_target_open(r->path, &r->list, d);
    if (status == GOV_OK)
        status = exchange_csv_new(r->g->alloc, write_file, r->list, &options, &r->csv, d);
    if (status != GOV_OK)
        return status;
    for (size_t i = 0; i < 4; i++)
        exchange_csv_text(r->csv, heads[strcmp(r->lang, "zh") == 0][i]);
    exchange_csv_end_row(r->csv);
    return GOV_OK;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* refused.csv and requests.csv.gz give refused-requests.csv. */
static const char *path_of(import_refusing *r, const char *data)
{
    base_buf out;
    const char *name = name_of(data), *dot = strchr(name + 1, '.');
    const size_t len = strlen(r->path);
    const bool csv = len > 4 && strcmp(r->path + len - 4, ".csv") == 0;
    if (!r->many)
        return r->path;
    base_buf_init(&out, r->g->alloc);
    base_buf_add(&out, r->path, csv ? len - 4 : len);
    base_buf_char(&out, '-');
    base_buf_add(&out, name, dot != NULL ? (size_t)(dot - name) : strlen(name));
    base_buf_str(&out, ".csv");
    const char *path = out.failed ? NULL : base_arena_strndup(&r->memory, out.data, out.len);
    base_buf_free(&out);
    return path;
}

/* ---- what may be written at all ---- */

typedef struct import_reads {
    const char *paths[2 * IMPORT_MOST_MAPS + 1];
    size_t count, data; /* from `data` on they are tables */
} import_reads;

static gov_status add_maps(gov *g, base_arena *arena, const import_map *maps, size_t count,
                           const char *file, bool tables, import_reads *out, const diag *d)
{
    for (size_t i = 0; i < count && out->count < ARRAY_LEN(out->paths); i++) {
        const char *path = maps[i].path;
        const gov_status status = tables ? import_data_path(g, arena, &maps[i], file, &path, d) : GOV_OK;
        if (status != GOV_OK)
            return status;
        out->paths[out->count++] = path;
    }
    return GOV_OK;
}

/* Everything that the import reads, so that it is not written over. */
static gov_status gather(import_refusing *r, const import_list *list, const import_paths *paths,
                         import_reads *out, const diag *d)
{
    gov_status status = GOV_OK;
    out->paths[out->count++] = paths->map;
    for (int tables = 0; tables < 2 && status == GOV_OK; tables++) {
        out->data = out->count;
        status = add_maps(r->g, &r->memory, list->order, list->order_count, paths->file, tables, out, d);
        if (status == GOV_OK)
            status = add_maps(r->g, &r->memory, list->replay, list->replay_count, paths->file, tables, out, d);
    }
    return status;
}

static gov_status check_targets(import_refusing *r, const import_list *list,
                                const import_paths *paths, const diag *d)
{
    import_reads reads = {.count = 0};
    gov_status status = gather(r, list, paths, &reads, d);
    if (status == GOV_OK)
        status = import_target_check(r->g, r->path, reads.paths, reads.count, d);
    for (size_t i = reads.data; r->many && i < reads.count && status == GOV_OK; i++) {
        const char *path = path_of(r, reads.paths[i]);
        status = path == NULL ? base_nomem(d)
                              : import_target_check(r->g, path, reads.paths, reads.count, d);
    }
    return status;
}

gov_status import_refusing_new(gov *g, const import_list *list, const import_paths *paths,
                               const char *lang, import_refusing **out, const diag *d)
{
    *out = NULL;
    if (paths->refused == NULL)
        return GOV_OK;
    import_refusing *r = base_alloc(g->alloc, sizeof *r);
    if (r == NULL)
        return base_nomem(d);
    r->g = g;
    r->lang = lang;
    r->many = list->order_count + list->replay_count > 1;
    base_arena_init(&r->memory, g->alloc);
    base_arena_init(&r->reasons, g->alloc);
    r->path = base_arena_strdup(&r->memory, paths->refused);
    gov_status status = r->path != NULL ? check_targets(r, list, paths, d) : base_nomem(d);
    if (status == GOV_OK && !paths->dry) {
        import_target_clear(r->path); /* of an earlier import: what stands there shall be of this one */
        *out = r;
        return GOV_OK;
    }
    import_refusing_free(r);
    return status;
}

static gov_status file_for(import_refusing *r, const import_source *s, refused_file **out,
                           const diag *d)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->files[i].source == s) {
            *out = &r->files[i];
            return GOV_OK;
        }
    if (r->count == ARRAY_LEN(r->files))
        return base_fail(d, M_too_large, A_S("what", "files"), A_I("limit", ARRAY_LEN(r->files)));
    refused_file *f = &r->files[r->count];
    const char *path = path_of(r, s->path);
    if (path == NULL)
        return base_nomem(d);
    gov_status status = import_target_open(path, &f->file, d);
    if (status != GOV_OK)
        return status;
    f->source = s;
    f->path = path;
    r->count++;
    *out = f;
    return exchange_refused_new(r->g->alloc, write_file, f->file, r->lang, &f->rows, d);
}

const char *import_reason(base_arena *arena, const gov_error *why, const char *lang)
{
    base_buf out;
    base_buf_init(&out, arena->alloc);
    for (size_t i = 0; i < gov_error_count(why); i++) {
        if (gov_error_severity(why, i) != GOV_SEVERITY_ERROR)
            continue;
        base_buf_str(&out, out.len == 0 ? "" : strcmp(lang, "zh") == 0 ? "；" : "; ");
        base_buf_str(&out, gov_error_message(why, i, lang));
    }
    const char *copy =
        out.failed ? NULL : base_arena_strndup(arena, out.len > 0 ? out.data : "", out.len);
    base_buf_free(&out);
    return copy;
}

static gov_status add_to_list(import_refusing *r, const import_source *s, const exchange_row *row,
                              const gov_error *why, const diag *d)
{
    const size_t key = s->map->by_role[IMPORT_KEY];
    const gov_status status = open_list(r, d);
    if (status != GOV_OK)
        return status;
    const exchange_cell number = key != SIZE_MAX
                                     ? exchange_trim(exchange_at(row, s->map->specs[key].at))
                                     : (exchange_cell){"", 0};
    base_arena_reset(&r->reasons);
    const char *reason = import_reason(&r->reasons, why, r->lang);
    if (reason == NULL)
        return base_nomem(d);
    exchange_csv_text(r->csv, name_of(s->path));
    exchange_csv_int(r->csv, (int64_t)row->line);
    exchange_csv_cell(r->csv, number.s, number.len);
    exchange_csv_text(r->csv, reason);
    exchange_csv_end_row(r->csv);
    return GOV_OK;
}

gov_status import_refusing_add(import_refusing *r, import_source *s, const exchange_row *row,
                               const gov_error *why, const diag *d)
{
    refused_file *f = NULL;
    if (r == NULL)
        return GOV_OK;
    gov_status status = file_for(r, s, &f, d);
    if (status == GOV_OK)
        status = exchange_refused_add(f->rows, s->table, row, why, d);
    return status == GOV_OK && r->many ? add_to_list(r, s, row, why, d) : status;
}

/* Half a list would be taken for the whole: what cannot be written to its end is removed, and a later import tells it again. */
static bool close_file(FILE *file, const char *path)
{
    const bool good = fflush(file) == 0 && ferror(file) == 0;
    const bool closed = fclose(file) == 0;
    if (!good || !closed)
        import_target_drop(path);
    return good && closed;
}

static gov_status end_file(refused_file *f, const diag *d)
{
    gov_status status = f->rows != NULL ? exchange_refused_flush(f->rows, d) : GOV_OK;
    exchange_refused_free(f->rows);
    const bool whole = f->file == NULL || (close_file(f->file, f->path) && status == GOV_OK);
    if (!whole && status == GOV_OK)
        status = base_fail(d, M_table_write);
    else if (!whole)
        import_target_drop(f->path);
    *f = (refused_file){0};
    return status;
}

gov_status import_refusing_end(import_refusing *r, const import_source *s, const diag *d)
{
    for (size_t i = 0; r != NULL && i < r->count; i++) {
        if (r->files[i].source != s)
            continue;
        const gov_status status = end_file(&r->files[i], d);
        r->files[i] = r->files[--r->count];
        return status;
    }
    return GOV_OK;
}

gov_status import_refusing_flush(import_refusing *r, const diag *d)
{
    if (r == NULL || r->csv == NULL)
        return GOV_OK;
    gov_status status = exchange_csv_flush(r->csv, d);
    if (status == GOV_OK && fflush(r->list) != 0)
        status = base_fail(d, M_table_write);
    return status;
}

void import_refusing_free(import_refusing *r)
{
    if (r == NULL)
        return;
    while (r->count > 0)
        (void)end_file(&r->files[--r->count], NULL);
    exchange_csv_free(r->csv);
    if (r->list != NULL)
        (void)close_file(r->list, r->path);
    base_arena_free(&r->memory);
    base_arena_free(&r->reasons);
    base_free(r->g->alloc, r);
}
