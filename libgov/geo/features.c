/* Reading a GeoJSON FeatureCollection. */
#include "geo/geo.h"

#include <string.h>

static gov_status not_features(const base_place *place, const char *why, const diag *d)
{
    return base_fail_at(d, place, M_geo_no_features, A_S("why", why));
}

/* Old files may name a reference system; only those that mean plain degrees are taken. */
static gov_status check_crs(value root, const base_place *place, const diag *d)
{
    static const char *const plain[] = {"CRS84", ":4326", ":4490"};
    const value name =
        value_get_text(value_get_text(value_get_text(root, "crs"), "properties"), "name");
    if (name.kind != VALUE_STRING)
        return GOV_OK;
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        const size_t n = strlen(plain[i]);
        if (name.len >= n && memcmp(name.as.s + name.len - n, plain[i], n) == 0)
            return GOV_OK;
    }
    return base_fail_at(d, place, M_geo_reference_system, A_N("name", name.as.s, name.len));
}

/* Where each feature begins in the (valid) text: the objects right inside the top object's list "features". */
typedef struct finder {
    const char *text;
    size_t len, at;
    uint32_t line;
    size_t line_start;
} finder;

static void skip_string(finder *f)
{
    for (f->at++; f->at < f->len && f->text[f->at] != '"'; f->at++)
        if (f->text[f->at] == '\\')
            f->at++;
}

static bool is_features_key(const finder *f, size_t start)
{
    return f->at - start == 9 && memcmp(f->text + start, "\"features", 9) == 0;
}

static void find_places(finder f, geo_feature *out, size_t count)
{
    int depth = 0;
    bool key_seen = false, inside = false;
    size_t found = 0;
    for (; f.at < f.len && found < count; f.at++) {
        const char c = f.text[f.at];
        const size_t start = f.at;
        if (c == '"') {
            skip_string(&f);
            if (depth == 1)
                key_seen = is_features_key(&f, start);
        } else if (c == '\n') {
            f.line++;
            f.line_start = f.at + 1;
        } else if (c == '{' || c == '[') {
            if (depth == 1)
                inside = key_seen && c == '[';
            if (depth == 2 && inside) {
                out[found].line = f.line;
                out[found++].column = (uint32_t)(f.at - f.line_start) + 1;
            }
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
}

static gov_status read_feature(value v, geo_feature *out, const base_place *file, const diag *d)
{
    const base_place place = {file->origin, out->line, out->column};
    const value properties = value_get_text(v, "properties"),
                geometry = value_get_text(v, "geometry");
    if (v.kind != VALUE_MAP || !value_is_text(value_get_text(v, "type"), "Feature"))
        return not_features(&place, "an entry of \"features\" is not a Feature", d);
    if (properties.kind != VALUE_MAP && properties.kind != VALUE_NULL &&
        properties.kind != VALUE_ABSENT)
        return not_features(&place, "the properties of a feature must be an object or null", d);
    out->id = value_get_text(v, "id");
    out->properties = properties.kind == VALUE_MAP ? properties : value_map(NULL, 0);
    out->geometry = geometry.kind == VALUE_ABSENT ? value_null() : geometry;
    return GOV_OK;
}

/* Reads the JSON; a mistake in it is reported with the file's name. */
static gov_status read_text(base_arena *arena, const base_place *file, const char *text, size_t len,
                            value *out, const diag *d)
{
    gov_error *error = NULL;
    const diag inner = {arena->alloc, &error};
    const gov_status status = value_read_json(arena, text, len, out, &inner);
    if (status == GOV_OK || status == GOV_E_NOMEM || error == NULL) {
        gov_error_free(error);
        return status == GOV_E_NOMEM ? base_nomem(d) : status;
    }
    const base_place place = {file->origin, gov_error_line(error, 0), gov_error_column(error, 0)};
    const char *why = gov_error_message(error, 0, "en");
    if (why != NULL && strncmp(why, "JSON: ", 6) == 0)
        why += 6;
    const gov_status answer = base_fail_at(d, &place, M_bad_json, A_S("why", why));
    gov_error_free(error);
    return answer;
}

gov_status geo_read_features(base_arena *arena, const char *origin, const char *text, size_t len,
                             geo_feature **out, size_t *count, const diag *d)
{
    const base_place file = {origin, 0, 0};
    value root;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        len -= 3;
    }
    gov_status status = read_text(arena, &file, text, len, &root, d);
    if (status == GOV_OK)
        status = check_crs(root, &file, d);
    if (status != GOV_OK)
        return status;
    const bool one = value_is_text(value_get_text(root, "type"), "Feature");
    const value list = one ? value_list(&root, 1) : value_get_text(root, "features");
    if (!one && !value_is_text(value_get_text(root, "type"), "FeatureCollection"))
        return not_features(&file, "\"type\" is something else", d);
    if (list.kind != VALUE_LIST)
        return not_features(&file, "\"features\" must be a list", d);
    geo_feature *features = base_arena_array(arena, list.len, sizeof *features);
    if (features == NULL)
        return base_nomem(d);
    if (one)
        features[0].line = features[0].column = 1;
    else
        find_places((finder){text, len, 0, 1, 0}, features, list.len);
    for (size_t i = 0; i < list.len && status == GOV_OK; i++)
        status = read_feature(list.as.items[i], &features[i], &file, d);
    *out = features;
    *count = list.len;
    return status;
}
