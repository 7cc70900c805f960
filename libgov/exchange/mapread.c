/* Reading the parts of an import map: columns, translations, lives. */
#include "exchange/import.h"

#include <string.h>

void import_note(import_reader *r, gov_status status)
{
    if (status != GOV_OK && (r->status == GOV_OK || status == GOV_E_NOMEM))
        r->status = status;
}

static void fail_nomem(import_reader *r)
{
    import_note(r, base_nomem(r->d));
}

static void wrong_kind(import_reader *r, const rb_node *n, const char *what, const char *expected)
{
    const base_place place = rulebook_node_place(n);
    import_note(r, base_fail_at(r->d, &place, M_wrong_kind, A_S("what", what),
                                A_S("expected", expected), A_S("found", rulebook_node_kind(n))));
}

bool import_keys(import_reader *r, const rb_node *n, const char *what, const char *const *keys)
{
    size_t count = 0;
    const char *names[32];
    if (!rulebook_is_map(n)) {
        wrong_kind(r, n, what, "map");
        return false;
    }
    for (; keys[count] != NULL && count < ARRAY_LEN(names); count++)
        names[count] = keys[count] + (keys[count][0] == '!');
    for (size_t i = 0; i < rulebook_count(n); i++) {
        base_place place;
        const char *key = rulebook_key(n, i, &place);
        size_t k = 0;
        while (k < count && strcmp(names[k], key) != 0)
            k++;
        if (k == count)
            import_note(r, base_fail_at(r->d, &place, M_unknown_key, A_S("key", key),
                                        A_S("what", what),
                                        A_S("near", base_nearest(key, strlen(key), names, count))));
    }
    const base_place place = rulebook_node_place(n);
    for (size_t k = 0; k < count; k++)
        if (keys[k][0] == '!' && rulebook_get(n, names[k]) == NULL)
            import_note(r, base_fail_at(r->d, &place, M_missing_key, A_S("key", names[k]),
                                        A_S("what", what)));
    return true;
}

const char *import_text(import_reader *r, const rb_node *n, const char *what)
{
    size_t len;
    if (n == NULL)
        return NULL;
    const char *s = rulebook_scalar(n, &len);
    if (s == NULL)
        wrong_kind(r, n, what, "text");
    return s;
}

static bool read_bool(import_reader *r, const rb_node *n, const char *what)
{
    value v = value_absent();
    if (n == NULL)
        return false;
    import_note(r, rulebook_node_value(r->arena, n, &v, r->d));
    if (v.kind != VALUE_BOOL)
        wrong_kind(r, n, what, "bool");
    return v.kind == VALUE_BOOL && v.as.b;
}

gov_status import_unknown(const rb_node *n, const base_place *place, const char *kind,
                          const char *name, const char *const *names, size_t count, const diag *d)
{
    const base_place own = n != NULL ? rulebook_node_place(n) : *place;
    return base_fail_at(d, &own, M_unknown_name, A_S("kind", kind), A_S("name", name),
                        A_S("near", base_nearest(name, strlen(name), names, count)));
}

/* One of the words: its number; `count` when it is none of them. */
static size_t read_word(import_reader *r, const rb_node *n, const char *what,
                        const char *const *words, size_t count)
{
    const char *s = import_text(r, n, what);
    base_buf all;
    size_t i = 0;
    if (s == NULL)
        return count;
    while (i < count && strcmp(words[i], s) != 0)
        i++;
    if (i < count)
        return i;
    const base_place place = rulebook_node_place(n);
    base_buf_init(&all, r->arena->alloc);
    for (size_t k = 0; k < count; k++) {
        base_buf_str(&all, k > 0 ? ", " : "");
        base_buf_str(&all, words[k]);
    }
    import_note(r, all.failed ? base_nomem(r->d)
                              : base_fail_at(r->d, &place, M_unknown_word, A_S("word", s),
                                             A_S("what", what),
                                             A_S("near", base_nearest(s, strlen(s), words, count)),
                                             A_S("words", all.data)));
    base_buf_free(&all);
    return count;
}

/* ---- one column ---- */

static void read_words(import_reader *r, const rb_node *n, import_spec *out)
{
    if (n == NULL)
        return;
    if (!rulebook_is_map(n)) {
        wrong_kind(r, n, "translate", "map");
        return;
    }
    import_word *words = base_arena_array(r->arena, rulebook_count(n), sizeof *words);
    if (words == NULL) {
        fail_nomem(r);
        return;
    }
    for (size_t i = 0; i < rulebook_count(n); i++) {
        words[i].text = rulebook_key(n, i, NULL);
        words[i].len = strlen(words[i].text);
        import_note(r, rulebook_node_value(r->arena, rulebook_item(n, i), &words[i].means, r->d));
    }
    out->words = words;
    out->word_count = rulebook_count(n);
}

static void read_dates(import_reader *r, const rb_node *n, exchange_when_format *out)
{
    static const char *const keys[] = {"order", "serial", NULL};
    static const char *const orders[] = {"month_first", "day_first"};
    static const char *const serials[] = {"1900", "1904"};
    if (n == NULL || !import_keys(r, n, "dates", keys))
        return;
    if (rulebook_get(n, "order") != NULL)
        out->order = read_word(r, rulebook_get(n, "order"), "order", orders, 2) == 0
                         ? EXCHANGE_MONTH_FIRST
                         : EXCHANGE_DAY_FIRST;
    if (rulebook_get(n, "serial") != NULL) {
        const size_t which = read_word(r, rulebook_get(n, "serial"), "serial", serials, 2);
        out->serial = which == 0;
        out->serial_1904 = which == 1;
    }
}

static const char *word_flag(import_reader *r, const char *a, const char *b)
{
    base_buf out;
    base_buf_init(&out, r->arena->alloc);
    base_buf_str(&out, a);
    base_buf_str(&out, b);
    const char *flag = out.failed ? NULL : base_arena_strndup(r->arena, out.data, out.len);
    base_buf_free(&out);
    if (flag == NULL)
        fail_nomem(r);
    return flag;
}

static void read_type(import_reader *r, const rb_node *n, import_spec *out)
{
    static const char *const types[IMPORT_TYPES_] = {"text", "int",  "double",    "money",
                                                     "bool", "date", "timestamp", "point",
                                                     "list", "json"};
    if (n == NULL)
        return;
    const size_t type = read_word(r, n, "type", types, IMPORT_TYPES_);
    out->typed = type < IMPORT_TYPES_;
    out->type = type < IMPORT_TYPES_ ? (uint8_t)type : IMPORT_TEXT;
}

static void read_source(import_reader *r, const rb_node *n, import_spec *out)
{
    const base_place place = rulebook_node_place(n);
    out->column = import_text(r, rulebook_get(n, "column"), "column");
    out->lat = import_text(r, rulebook_get(n, "lat"), "lat");
    out->lon = import_text(r, rulebook_get(n, "lon"), "lon");
    if (rulebook_get(n, "value") != NULL)
        import_note(r,
                    rulebook_node_value(r->arena, rulebook_get(n, "value"), &out->constant, r->d));
    const bool point = out->lat != NULL || out->lon != NULL,
               constant = out->constant.kind != VALUE_ABSENT;
    if (point && (out->lat == NULL || out->lon == NULL))
        import_note(r, base_fail_at(r->d, &place, M_missing_key,
                                    A_S("key", out->lat == NULL ? "lat" : "lon"),
                                    A_S("what", out->target)));
    if ((out->column != NULL) + point + constant == 0)
        import_note(r, base_fail_at(r->d, &place, M_missing_key, A_S("key", "column"),
                                    A_S("what", out->target)));
    if ((out->column != NULL) + point + constant > 1)
        import_note(r, base_fail_at(r->d, &place, M_not_together,
                                    A_S("a", constant ? "value" : "column"),
                                    A_S("b", point ? "lat" : "column")));
}

void import_read_spec(import_reader *r, const rb_node *n, const char *target,
                      const base_place *place, import_spec *out)
{
    static const char *const keys[] = {"column",     "value", "type", "translate",
                                       "separator",  "lat",   "lon",  "blank",
                                       "not_before", "dates", NULL};
    static const char *const blanks[] = {"fine", "flag", "refuse"};
    const exchange_when_format when = out->when;
    *out = (import_spec){.target = target,
                         .place = *place,
                         .at = EXCHANGE_NO_COLUMN,
                         .at_lat = EXCHANGE_NO_COLUMN,
                         .at_lon = EXCHANGE_NO_COLUMN,
                         .constant = value_absent(),
                         .when = when,
                         .blank = IMPORT_BLANK_FINE};
    out->flag_blank = word_flag(r, "blank_", target);
    out->flag_early = word_flag(r, target, "_before_opened_at");
    if (rulebook_is_text(n)) {
        out->column = rulebook_scalar(n, NULL);
        return;
    }
    if (!import_keys(r, n, target, keys))
        return;
    read_type(r, rulebook_get(n, "type"), out);
    read_source(r, n, out);
    read_words(r, rulebook_get(n, "translate"), out);
    read_dates(r, rulebook_get(n, "dates"), &out->when);
    out->separator = import_text(r, rulebook_get(n, "separator"), "separator");
    out->separator_len = out->separator != NULL ? strlen(out->separator) : 0;
    if (out->lat != NULL) {
        out->type = IMPORT_POINT;
        out->typed = true;
        out->blank = IMPORT_BLANK_FLAG; /* where it happened is worth knowing */
    }
    if (rulebook_get(n, "blank") != NULL) {
        const size_t blank =
            read_word(r, rulebook_get(n, "blank"), "blank", blanks, ARRAY_LEN(blanks));
        out->blank = blank < ARRAY_LEN(blanks) ? (uint8_t)blank : IMPORT_BLANK_FINE;
    }
    if (rulebook_get(n, "not_before") != NULL) {
        static const char *const what[] = {"opened_at"};
        out->not_before_opening =
            read_word(r, rulebook_get(n, "not_before"), "not_before", what, 1) == 0;
    }
}

/* ---- a case's life ---- */

static void read_life_at(import_reader *r, const rb_node *n, const import_map *map,
                         import_life *out)
{
    base_place place;
    out->at_column = SIZE_MAX;
    if (n == NULL)
        return;
    place = rulebook_node_place(n);
    if (!rulebook_is_text(n)) {
        out->at.when = map->when;
        import_read_spec(r, n, "at", &place, &out->at);
        out->at.type = IMPORT_TIMESTAMP;
        return;
    }
    const char *name = rulebook_scalar(n, NULL), *names[IMPORT_MOST_COLUMNS];
    for (size_t i = 0; i < map->spec_count && i < ARRAY_LEN(names); i++) {
        names[i] = map->specs[i].target;
        if (strcmp(names[i], name) == 0)
            out->at_column = i;
    }
    out->at_opening = strcmp(name, "opened_at") == 0;
    if (out->at_column == SIZE_MAX)
        import_note(r, import_unknown(n, NULL, "column", name, names, map->spec_count, r->d));
}

static void read_life_data(import_reader *r, const rb_node *n, const import_map *map,
                           import_life *out)
{
    if (n == NULL)
        return;
    if (!rulebook_is_map(n)) {
        wrong_kind(r, n, "data", "map");
        return;
    }
    out->data = base_arena_array(r->arena, rulebook_count(n), sizeof *out->data);
    if (out->data == NULL) {
        fail_nomem(r);
        return;
    }
    for (size_t i = 0; i < rulebook_count(n); i++) {
        base_place place;
        const char *name = rulebook_key(n, i, &place);
        import_spec *spec = &out->data[out->data_count++];
        spec->when = map->when;
        if (rulebook_is_text(rulebook_item(n, i)))
            wrong_kind(r, rulebook_item(n, i), name, "map");
        import_read_spec(r, rulebook_item(n, i), name, &place, spec);
    }
}

static const char *timer_name(import_reader *r, size_t i)
{
    char name[32];
    name[0] = 'i';
    name[1] = ':';
    base_format_int((int64_t)i, name + 2);
    const char *copy = base_arena_strdup(r->arena, name);
    if (copy == NULL)
        fail_nomem(r);
    return copy;
}

void import_read_lives(import_reader *r, const rb_node *n, import_map *map)
{
    static const char *const keys[] = {"!event", "!at", "data", NULL};
    if (n == NULL)
        return;
    if (!rulebook_is_list(n)) {
        wrong_kind(r, n, "life", "list");
        return;
    }
    const base_place here = rulebook_node_place(n);
    if (rulebook_count(n) > IMPORT_MOST_LIVES)
        import_note(r, base_fail_at(r->d, &here, M_too_large, A_S("what", "life"),
                                    A_I("limit", IMPORT_MOST_LIVES)));
    map->lives = base_arena_array(r->arena, rulebook_count(n), sizeof *map->lives);
    if (map->lives == NULL) {
        fail_nomem(r);
        return;
    }
    for (size_t i = 0; i < rulebook_count(n) && i < IMPORT_MOST_LIVES; i++) {
        const rb_node *item = rulebook_item(n, i);
        import_life *life = &map->lives[map->life_count];
        if (!import_keys(r, item, "life", keys))
            continue;
        const char *event = import_text(r, rulebook_get(item, "event"), "event");
        if (event == NULL)
            continue;
        map->life_count++;
        life->event = event;
        life->place = rulebook_node_place(rulebook_get(item, "event"));
        life->timer = timer_name(r, i);
        life->flag_early = word_flag(r, event, "_before_opened_at");
        life->flag_far = word_flag(r, event, "_far_ahead");
        read_life_at(r, rulebook_get(item, "at"), map, life);
        read_life_data(r, rulebook_get(item, "data"), map, life);
    }
}

/* ---- the format ---- */

static void read_encoding(import_reader *r, const rb_node *n, exchange_format *out)
{
    static const char *const names[] = {"auto",     "utf-8", "gb18030", "utf-16le",
                                        "utf-16be", "gbk",   "gb2312"};
    static const exchange_encoding means[] = {EXCHANGE_AUTO,    EXCHANGE_UTF8,    EXCHANGE_GB18030,
                                              EXCHANGE_UTF16LE, EXCHANGE_UTF16BE, EXCHANGE_GB18030,
                                              EXCHANGE_GB18030};
    const size_t i = n != NULL ? read_word(r, n, "encoding", names, ARRAY_LEN(names)) : 0;
    out->encoding = i < ARRAY_LEN(means) ? means[i] : EXCHANGE_AUTO;
}

static void read_delimiter(import_reader *r, const rb_node *n, exchange_format *out)
{
    const char *s = import_text(r, n, "delimiter");
    uint32_t cp;
    if (s == NULL || strcmp(s, "auto") == 0)
        return;
    if (strcmp(s, "tab") == 0)
        s = "\t";
    const base_place place = rulebook_node_place(n);
    if (base_utf8_next(s, strlen(s), &cp) != strlen(s) || cp == '"' || cp == '\n' || cp == '\r')
        import_note(r, base_fail_at(r->d, &place, M_unknown_word, A_S("word", s),
                                    A_S("what", "delimiter"), A_S("near", NULL),
                                    A_S("words", "auto, tab, \",\", \";\", \"|\"")));
    else
        out->delimiter = cp;
}

static void read_skip(import_reader *r, const rb_node *n, exchange_format *out)
{
    value v = value_absent();
    if (n == NULL)
        return;
    const base_place place = rulebook_node_place(n);
    import_note(r, rulebook_node_value(r->arena, n, &v, r->d));
    if (v.kind != VALUE_INT || v.as.i < 0 || v.as.i > 1000)
        import_note(r, base_fail_at(r->d, &place, M_out_of_bounds, A_S("what", "skip_rows"),
                                    A_I("least", 0), A_I("most", 1000)));
    else
        out->skip_rows = (uint32_t)v.as.i;
}

void import_read_format(import_reader *r, const rb_node *n, const rulebook *rules, import_map *map)
{
    static const char *const keys[] = {"encoding",  "delimiter", "time_zone", "skip_rows",
                                       "no_header", "dates",     NULL};
    map->zone = rules->zone;
    if (n == NULL || !import_keys(r, n, "format", keys))
        return;
    read_encoding(r, rulebook_get(n, "encoding"), &map->format);
    read_delimiter(r, rulebook_get(n, "delimiter"), &map->format);
    read_skip(r, rulebook_get(n, "skip_rows"), &map->format);
    map->format.no_header = read_bool(r, rulebook_get(n, "no_header"), "no_header");
    read_dates(r, rulebook_get(n, "dates"), &map->when);
    const char *zone = import_text(r, rulebook_get(n, "time_zone"), "time_zone");
    if (zone == NULL || strcmp(zone, base_zone_name(rules->zone)) == 0)
        return;
    const base_place place = rulebook_node_place(rulebook_get(n, "time_zone"));
    const gov_status status = base_zone_load(r->arena->alloc, zone, &map->own_zone, NULL, NULL);
    if (status == GOV_OK)
        map->zone = map->own_zone;
    else
        import_note(r, status == GOV_E_NOMEM
                           ? base_nomem(r->d)
                           : import_unknown(NULL, &place, "time zone", zone, NULL, 0, r->d));
}
