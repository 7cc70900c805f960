/* A row's cells into what they mean: values, flags, or reasons for refusing the row. */
#include "exchange/import.h"

#include <string.h>

enum { FOLDED = 256 };

typedef struct converting {
    import_source *s;
    const import_map *map;
    import_row *row;
    base_arena *arena;
    const diag *wrong; /* what the row is refused for */
    bool no_memory;
} converting;

void import_flag(import_row *row, const char *flag)
{
    for (size_t i = 0; i < row->flag_count; i++)
        if (strcmp(row->flags[i], flag) == 0)
            return;
    if (row->flag_count < IMPORT_MOST_FLAGS)
        row->flags[row->flag_count++] = flag;
}

static void refuse(converting *c, gov_status status)
{
    c->no_memory = c->no_memory || status == GOV_E_NOMEM;
}

static void refuse_fault(converting *c, exchange_fault fault, size_t column)
{
    refuse(c, exchange_fault_report(fault, c->s->table, &c->row->row, column, c->wrong));
}

static base_place place_of(const converting *c, size_t column)
{
    return (base_place){exchange_table_origin(c->s->table), (uint32_t)c->row->row.line,
                        column == EXCHANGE_NO_COLUMN ? 0 : (uint32_t)column + 1};
}

static bool is_blank(const converting *c, exchange_cell cell)
{
    return exchange_is_blank(cell, c->map->blanks, c->map->blank_count);
}

/* Text of nothing but wide letters, digits and signs is taken in its narrow form: phones and codes stay comparable. */
static exchange_cell narrow(converting *c, exchange_cell cell)
{
    char buf[FOLDED];
    exchange_cell folded;
    bool wide = false, plain = true;
    for (size_t i = 0; i < cell.len; i++)
        wide = wide || (unsigned char)cell.s[i] >= 0x80;
    if (!wide || cell.len > sizeof buf || !exchange_fold(cell, buf, sizeof buf, &folded))
        return cell;
    for (size_t i = 0; i < folded.len; i++)
        plain = plain && (unsigned char)folded.s[i] < 0x80;
    if (!plain || folded.len == 0)
        return cell;
    const char *copy = base_arena_strndup(c->arena, folded.s, folded.len);
    if (copy == NULL)
        refuse(c, base_nomem(c->wrong));
    return copy != NULL ? (exchange_cell){copy, folded.len} : cell;
}

/* ---- translations ---- */

static bool find_word(const import_spec *spec, exchange_cell cell, value *out)
{
    for (size_t i = 0; i < spec->word_count; i++)
        if (spec->words[i].len == cell.len && memcmp(spec->words[i].text, cell.s, cell.len) == 0) {
            *out = spec->words[i].means;
            return true;
        }
    return false;
}

static value translate(converting *c, const import_spec *spec, exchange_cell cell)
{
    value out = value_absent();
    const base_place place = place_of(c, spec->at);
    const exchange_cell name = exchange_table_header(c->s->table, spec->at);
    if (!find_word(spec, cell, &out) && !find_word(spec, narrow(c, cell), &out))
        refuse(c, base_fail_at(c->wrong, &place, M_cell_word, A_N("column", name.s, name.len),
                               A_N("text", cell.s, cell.len < 80 ? cell.len : 80)));
    return out;
}

/* ---- by type ---- */

static value text_of(converting *c, exchange_cell cell)
{
    cell = narrow(c, exchange_trim(cell));
    return value_string(cell.s, cell.len);
}

static value list_of(converting *c, const import_spec *spec, exchange_cell cell)
{
    const char *separator = spec->separator_len > 0 ? spec->separator : "、";
    const size_t width = strlen(separator);
    value_builder b;
    value_builder_init(&b, c->arena);
    const char *at = cell.s, *end = cell.s + cell.len;
    while (at <= end) {
        const char *stop = at;
        while ((size_t)(end - stop) >= width && memcmp(stop, separator, width) != 0)
            stop++;
        if ((size_t)(end - stop) < width)
            stop = end;
        const exchange_cell item = exchange_trim((exchange_cell){at, (size_t)(stop - at)});
        if (item.len > 0)
            value_builder_add(&b,
                              spec->word_count > 0 ? translate(c, spec, item) : text_of(c, item));
        at = stop == end ? end + 1 : stop + width;
    }
    if (b.failed)
        refuse(c, base_nomem(c->wrong));
    return value_builder_list(&b);
}

static value json_of(converting *c, const import_spec *spec, exchange_cell cell)
{
    gov_error *error = NULL;
    const diag inner = {c->arena->alloc, &error};
    const base_place place = place_of(c, spec->at);
    const exchange_cell name = exchange_table_header(c->s->table, spec->at);
    value out = value_absent();
    const gov_status status = value_read_json(c->arena, cell.s, cell.len, &out, &inner);
    if (status == GOV_E_NOMEM)
        refuse(c, base_nomem(c->wrong));
    else if (status != GOV_OK || (spec->role == IMPORT_DATA && out.kind != VALUE_MAP))
        refuse(c, base_fail_at(c->wrong, &place, M_cell_json, A_N("column", name.s, name.len),
                               A_S("why", status != GOV_OK ? gov_error_message(error, 0, "en")
                                                           : "{...}")));
    gov_error_free(error);
    return out;
}

static value when_of(converting *c, const import_spec *spec, exchange_cell cell, bool date)
{
    exchange_when when;
    int64_t us;
    const exchange_fault fault = exchange_parse_when(cell, &spec->when, &when);
    if (fault != EXCHANGE_FINE) {
        refuse_fault(c, fault, spec->at);
        return value_absent();
    }
    if (date) {
        char text[11];
        base_format_date(when.days, text);
        const char *copy = base_arena_strdup(c->arena, text);
        if (copy == NULL)
            refuse(c, base_nomem(c->wrong));
        return value_text(copy);
    }
    const base_local local = exchange_when_to_us(&when, c->map->zone, &us);
    if (local != BASE_LOCAL_UNIQUE)
        import_flag(c->row, local == BASE_LOCAL_REPEATED ? "repeated_hour" : "skipped_hour");
    return value_from_us(us);
}

static value number_of(converting *c, const import_spec *spec, exchange_cell cell)
{
    int64_t n = 0;
    double x = 0;
    bool b = false;
    char buf[64];
    exchange_cell folded;
    exchange_fault fault = EXCHANGE_NOT_NUMBER;
    if (spec->type == IMPORT_INT)
        fault = exchange_parse_int(cell, &n);
    else if (spec->type == IMPORT_MONEY)
        fault = exchange_parse_fen(cell, &n);
    else if (spec->type == IMPORT_BOOL)
        fault = exchange_parse_bool(cell, &b);
    else if (exchange_fold(cell, buf, sizeof buf, &folded) &&
             base_parse_double(folded.s, folded.len, &x))
        fault = EXCHANGE_FINE;
    if (fault != EXCHANGE_FINE) {
        refuse_fault(c, fault, spec->at);
        return value_absent();
    }
    return spec->type == IMPORT_BOOL     ? value_bool(b)
           : spec->type == IMPORT_DOUBLE ? value_double(x)
                                         : value_int(n);
}

/* ---- points ---- */

static void refuse_latitude(converting *c, const import_spec *spec, exchange_cell cell, int64_t lon)
{
    int64_t e7;
    const base_place place = place_of(c, spec->at_lat);
    const exchange_cell name = exchange_table_header(c->s->table, spec->at_lat);
    cell = exchange_trim(cell);
    if (exchange_parse_degrees(cell, 180, &e7) == EXCHANGE_FINE && lon >= -GEO_MAX_LAT &&
        lon <= GEO_MAX_LAT)
        refuse(c, base_fail_at(c->wrong, &place, M_cell_swapped, A_N("lat", name.s, name.len),
                               A_N("text", cell.s, cell.len < 80 ? cell.len : 80)));
    else
        refuse_fault(c, EXCHANGE_NOT_DEGREES, spec->at_lat);
}

static value point_value(converting *c, geo_point p)
{
    value_pair *pairs = base_arena_array(c->arena, 2, sizeof *pairs);
    if (pairs == NULL) {
        refuse(c, base_nomem(c->wrong));
        return value_absent();
    }
    pairs[0] = (value_pair){value_text("lat"), value_int(p.lat)};
    pairs[1] = (value_pair){value_text("lon"), value_int(p.lon)};
    return value_map(pairs, 2);
}

static value point_of(converting *c, const import_spec *spec, bool *blank)
{
    const exchange_cell lat = exchange_at(&c->row->row, spec->at_lat),
                        lon = exchange_at(&c->row->row, spec->at_lon);
    const base_place place = place_of(c, spec->at_lat);
    const exchange_cell lat_name = exchange_table_header(c->s->table, spec->at_lat),
                        lon_name = exchange_table_header(c->s->table, spec->at_lon);
    geo_point p = {0, 0};
    *blank = is_blank(c, lat) && is_blank(c, lon);
    if (*blank)
        return value_absent();
    if (is_blank(c, lat) || is_blank(c, lon)) {
        refuse(c, base_fail_at(c->wrong, &place, M_cell_half_point,
                               A_N("lat", lat_name.s, lat_name.len),
                               A_N("lon", lon_name.s, lon_name.len)));
        return value_absent();
    }
    const exchange_fault lon_fault = exchange_parse_degrees(lon, 180, &p.lon);
    if (lon_fault != EXCHANGE_FINE) {
        refuse_fault(c, lon_fault, spec->at_lon);
        return value_absent();
    }
    if (exchange_parse_degrees(lat, 90, &p.lat) != EXCHANGE_FINE) {
        refuse_latitude(c, spec, lat, p.lon);
        return value_absent();
    }
    for (size_t i = 0; i < c->map->default_count; i++)
        if (geo_same_point(c->map->defaults[i], p)) {
            import_flag(c->row, "default_point");
            return value_absent(); /* it stands for "unknown" */
        }
    if (!c->row->placed) {
        c->row->place = p;
        c->row->placed = true;
    }
    return point_value(c, p);
}

/* ---- one value ---- */

static value cell_value(converting *c, const import_spec *spec, exchange_cell cell)
{
    if (spec->type == IMPORT_LIST)
        return list_of(c, spec, cell);
    if (spec->word_count > 0)
        return translate(c, spec, cell);
    switch (spec->type) {
    case IMPORT_INT:
    case IMPORT_MONEY:
    case IMPORT_BOOL:
    case IMPORT_DOUBLE: return number_of(c, spec, cell);
    case IMPORT_DATE: return when_of(c, spec, cell, true);
    case IMPORT_TIMESTAMP: return when_of(c, spec, cell, false);
    case IMPORT_JSON: return json_of(c, spec, cell);
    default: return text_of(c, cell);
    }
}

/* Absent: blank, or refused. */
static value convert(converting *c, const import_spec *spec)
{
    bool blank = false;
    value out = spec->constant;
    if (spec->lat != NULL)
        out = point_of(c, spec, &blank);
    else if (spec->column != NULL) {
        const exchange_cell cell = exchange_trim(exchange_at(&c->row->row, spec->at));
        value means;
        blank = is_blank(c, cell) && !(spec->word_count > 0 && find_word(spec, cell, &means));
        out = blank ? value_absent() : cell_value(c, spec, cell);
    }
    if (blank && spec->blank == IMPORT_BLANK_REFUSE)
        refuse_fault(c, EXCHANGE_IS_BLANK, spec->lat != NULL ? spec->at_lat : spec->at);
    else if (blank && spec->blank == IMPORT_BLANK_FLAG)
        import_flag(c->row, spec->flag_blank);
    return out;
}

/* ---- whole rows ---- */

static void keep_text(converting *c, import_role role, value v)
{
    if (v.kind != VALUE_STRING)
        return;
    c->row->text[role] = base_arena_strndup(c->arena, v.as.s, v.len);
    if (c->row->text[role] == NULL)
        refuse(c, base_nomem(c->wrong));
}

static void keep(converting *c, const import_spec *spec, value v, value_builder *fields)
{
    switch (spec->role) {
    case IMPORT_FIELD:
        if (v.kind != VALUE_ABSENT && v.kind != VALUE_NULL)
            value_builder_set(fields, spec->target, v);
        return;
    case IMPORT_KEY:
        keep_text(c, IMPORT_KEY, v);
        if (spec->keyed && v.kind != VALUE_ABSENT)
            value_builder_set(fields, spec->target, v);
        return;
    case IMPORT_OPENED_AT:
    case IMPORT_AT:
        if (v.kind == VALUE_TIMESTAMP)
            (void)value_to_us(v, &c->row->at_us);
        return;
    case IMPORT_DATA: c->row->data = v; return;
    default: keep_text(c, (import_role)spec->role, v);
    }
}

static int64_t instant(value v)
{
    int64_t us;
    return v.kind == VALUE_TIMESTAMP && value_to_us(v, &us) ? us : IMPORT_NEVER;
}

static void convert_life(converting *c, const import_life *life, size_t i, const value *values)
{
    value_builder b;
    int64_t us;
    if (life->at_column != SIZE_MAX)
        us = instant(values[life->at_column]);
    else
        us = instant(convert(c, &life->at));
    c->row->life_us[i] = us;
    if (us == IMPORT_NEVER)
        return;
    if (c->row->at_us != IMPORT_NEVER && us < c->row->at_us)
        import_flag(c->row, life->flag_early);
    value_builder_init(&b, c->arena);
    for (size_t k = 0; k < life->data_count; k++) {
        const value v = convert(c, &life->data[k]);
        if (v.kind != VALUE_ABSENT)
            value_builder_set(&b, life->data[k].target, v);
    }
    if (b.failed)
        refuse(c, base_nomem(c->wrong));
    c->row->life_data[i] = value_builder_map(&b);
}

static void convert_lives(converting *c, const value *values)
{
    const size_t n = c->map->life_count;
    if (n == 0)
        return;
    c->row->life_us = base_arena_array(c->arena, n, sizeof *c->row->life_us);
    c->row->life_data = base_arena_array(c->arena, n, sizeof *c->row->life_data);
    if (c->row->life_us == NULL || c->row->life_data == NULL) {
        refuse(c, base_nomem(c->wrong));
        return;
    }
    for (size_t i = 0; i < n; i++)
        convert_life(c, &c->map->lives[i], i, values);
}

static void check_order(converting *c, const value *values)
{
    for (size_t i = 0; i < c->map->spec_count; i++) {
        const int64_t us = c->map->specs[i].not_before_opening ? instant(values[i]) : IMPORT_NEVER;
        if (us != IMPORT_NEVER && c->row->at_us != IMPORT_NEVER && us < c->row->at_us)
            import_flag(c->row, c->map->specs[i].flag_early);
    }
}

static void add_instant(base_buf *b, int64_t us)
{
    base_buf_be32(b, (uint32_t)((uint64_t)us >> 32));
    base_buf_be32(b, (uint32_t)((uint64_t)us & 0xffffffffU));
}

/* All that the row says, whatever the file's encoding, the order of its columns or the form of its dates. */
static bool digest_content(import_row *row, const import_map *map, base_buf *b)
{
    uint8_t digest[BASE_DIGEST_SIZE];
    uint64_t n = 0;
    base_buf_clear(b);
    add_instant(b, row->at_us);
    for (size_t i = 0; i < IMPORT_ROLES_; i++) {
        base_buf_str(b, base_text_or_empty(row->text[i]));
        base_buf_char(b, '\0');
    }
    value_write_document(b, row->fields);
    if (row->data.kind != VALUE_ABSENT)
        value_write_document(b, row->data);
    for (size_t i = 0; i < map->life_count; i++) {
        add_instant(b, row->life_us[i]);
        if (row->life_us[i] != IMPORT_NEVER)
            value_write_document(b, row->life_data[i]);
    }
    if (b->failed)
        return false;
    base_sha256(b->data, b->len, digest);
    for (size_t i = 0; i < 8; i++)
        n = n << 8 | digest[i];
    row->content = (int64_t)(n >> 1 | 1);
    return true;
}

gov_status import_convert(import_source *s, import_row *row, base_arena *arena, const diag *d)
{
    const diag wrong = {s->g->alloc, &row->wrong};
    converting c = {.s = s, .map = s->map, .row = row, .arena = arena, .wrong = &wrong};
    value_builder fields;
    value values[IMPORT_MOST_COLUMNS];
    row->at_us = IMPORT_NEVER;
    row->data = value_absent();
    row->fields = value_map(NULL, 0);
    if ((row->row.flags & (EXCHANGE_ROW_DAMAGED | EXCHANGE_ROW_BLANK)) != 0)
        return exchange_row_report(s->table, &row->row, &wrong) == GOV_E_NOMEM ? base_nomem(d)
                                                                               : GOV_OK;
    value_builder_init(&fields, arena);
    for (size_t i = 0; i < s->map->spec_count; i++) {
        values[i] = convert(&c, &s->map->specs[i]);
        keep(&c, &s->map->specs[i], values[i], &fields);
    }
    convert_lives(&c, values);
    check_order(&c, values);
    if (row->geometry.kind == VALUE_MAP)
        value_builder_set(&fields, "geometry", row->geometry);
    row->fields = value_builder_map(&fields);
    if (c.no_memory || fields.failed)
        return base_nomem(d);
    const bool digested = s->map->kind == IMPORT_RECORDS || row->wrong != NULL ||
                          digest_content(row, s->map, &s->text);
    return digested ? GOV_OK : base_nomem(d);
}

int64_t import_peek(const import_source *s)
{
    const import_map *map = s->map;
    const size_t at = map->by_role[map->kind == IMPORT_EVENTS ? IMPORT_AT : IMPORT_OPENED_AT];
    exchange_when when;
    int64_t us;
    if (s->head == NULL || at == SIZE_MAX || (s->head->flags & EXCHANGE_ROW_DAMAGED) != 0 ||
        exchange_parse_when(exchange_at(s->head, map->specs[at].at), &map->specs[at].when, &when) !=
            EXCHANGE_FINE)
        return IMPORT_NEVER;
    (void)exchange_when_to_us(&when, map->zone, &us);
    return us;
}
