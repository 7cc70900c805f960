/* Checking values against fields: what a host or an import hands in becomes what expressions see. */
#include "rulebook/rulebook.h"

#include <math.h>
#include <string.h>

const char *rulebook_value_kind(value v)
{
    static const char *const names[] = {"null", "bool", "int", "uint", "double", "string", "bytes", "list", "map",
                                        "timestamp", "duration", "type"};
    return v.kind < ARRAY_LEN(names) ? names[v.kind] : "value";
}

static gov_status wrong(const rulebook_field *f, value v, const rulebook_checking *how, const diag *d)
{
    return base_fail_at(d, how->place, M_bad_field, A_S("field", f->name), A_S("expected", rulebook_type_name((rulebook_type)f->type)),
                     A_S("found", rulebook_value_kind(v)));
}

static gov_status text_copy(base_arena *arena, value v, value *out, const diag *d)
{
    if (value_copy(arena, v, out))
        return GOV_OK;
    return base_nomem(d);
}

/* ---- by type ---- */

static gov_status as_int(const rulebook_field *f, value v, const rulebook_checking *how, value *out, const diag *d)
{
    if (value_is(v, VALUE_UINT) && v.as.u <= INT64_MAX)
        v = value_int((int64_t)v.as.u);
    if (!value_is(v, VALUE_INT))
        return wrong(f, v, how, d);
    *out = v;
    return GOV_OK;
}

static gov_status as_double(const rulebook_field *f, value v, const rulebook_checking *how, value *out, const diag *d)
{
    if (value_is(v, VALUE_INT))
        v = value_double((double)v.as.i);
    if (value_is(v, VALUE_UINT))
        v = value_double((double)v.as.u);
    if (!value_is(v, VALUE_DOUBLE))
        return wrong(f, v, how, d);
    if (!isfinite(v.as.d))
        return base_fail_at(d, how->place, M_bad_field, A_S("field", f->name), A_S("expected", "double"), A_S("found", isnan(v.as.d) ? "NaN" : "Infinity"));
    *out = v;
    return GOV_OK;
}

static gov_status as_string(const rulebook_field *f, value v, const rulebook_checking *how, value *out, const diag *d)
{
    if (!value_is(v, VALUE_STRING))
        return wrong(f, v, how, d);
    if (!base_utf8_valid(v.as.s, v.len) || (v.len > 0 && memchr(v.as.s, '\0', v.len) != NULL))
        return base_fail_at(d, how->place, M_bad_text, A_S("field", f->name));
    return text_copy(how->arena, v, out, d);
}

static gov_status as_date(const rulebook_field *f, value v, const rulebook_checking *how, value *out, const diag *d)
{
    int64_t days;
    if (!value_is(v, VALUE_STRING))
        return wrong(f, v, how, d);
    if (!base_parse_date(v.as.s, v.len, &days))
        return base_fail_at(d, how->place, M_bad_form, A_S("field", f->name), A_N("value", v.as.s, v.len), A_S("form", "2026-03-02"));
    return text_copy(how->arena, v, out, d);
}

static gov_status as_timestamp(const rulebook_field *f, value v, const rulebook_checking *how, value *out, const diag *d)
{
    int64_t seconds, us;
    int32_t nanos;
    if (value_is(v, VALUE_STRING)) {
        if (!base_parse_rfc3339(v.as.s, v.len, &seconds, &nanos))
            return base_fail_at(d, how->place, M_bad_form, A_S("field", f->name), A_N("value", v.as.s, v.len),
                             A_S("form", "2026-03-02T09:00:00+08:00"));
        v = value_timestamp(seconds, nanos);
    }
    if (!value_is(v, VALUE_TIMESTAMP))
        return wrong(f, v, how, d);
    if (!value_to_us(v, &us))
        return base_fail_at(d, how->place, M_too_fine, A_S("field", f->name));
    *out = v;
    return GOV_OK;
}

static gov_status as_duration(const rulebook_field *f, value v, const rulebook_checking *how, value *out, const diag *d)
{
    int64_t seconds;
    int32_t nanos;
    cal_duration length;
    if (value_is(v, VALUE_DURATION)) {
        *out = v;
        return GOV_OK;
    }
    if (!value_is(v, VALUE_STRING))
        return wrong(f, v, how, d);
    if (value_parse_duration(v.as.s, v.len, &seconds, &nanos)) {
        *out = value_duration(seconds, nanos);
        return GOV_OK;
    }
    if (cal_parse_duration(v.as.s, v.len, &length, NULL, NULL) != GOV_OK)
        return base_fail_at(d, how->place, M_bad_form, A_S("field", f->name), A_N("value", v.as.s, v.len), A_S("form", "5 working days"));
    if (length.unit != CAL_TIME)
        return text_copy(how->arena, v, out, d);
    const value whole = value_from_us(length.amount);
    *out = value_duration(whole.as.i, whole.nanos);
    return GOV_OK;
}

enum { DEGREE = 10000000, MOST_LAT = 90, MOST_LON = 180 };

static bool within(value v, int64_t most)
{
    return value_is(v, VALUE_INT) && v.as.i >= -most && v.as.i <= most;
}

/* Both numbers of a point mean degrees, whole or not, unless both are whole and one of them can be no degrees: then both
 * are units of 1e-7 degree, as points are kept. (That takes what lies within 2 mm of 0, 0 for degrees.) */
static bool in_degrees(value lat, value lon)
{
    return !value_is(lat, VALUE_INT) || !value_is(lon, VALUE_INT) || (within(lat, MOST_LAT) && within(lon, MOST_LON));
}

/* One coordinate, never through a float's rounding: a double is taken by its shortest decimal text. */
static bool coordinate(value v, bool degrees, int64_t most, value *out)
{
    int64_t e7;
    if (value_is(v, VALUE_DOUBLE)) {
        char text[32];
        const size_t len = base_format_double(v.as.d, text);
        if (!base_parse_e7(text, len, &e7))
            return false;
    } else if (value_is(v, VALUE_STRING)) {
        if (!base_parse_e7(v.as.s, v.len, &e7))
            return false;
    } else if (value_is(v, VALUE_INT) && (!degrees || within(v, most))) {
        e7 = degrees ? v.as.i * DEGREE : v.as.i;
    } else {
        return false;
    }
    *out = value_int(e7);
    return e7 >= -most * DEGREE && e7 <= most * DEGREE;
}

static gov_status as_point(const rulebook_field *f, value v, const rulebook_checking *how, value *out, const diag *d)
{
    value lat, lon;
    if (!value_is(v, VALUE_MAP))
        return wrong(f, v, how, d);
    const value y = value_get_text(v, "lat"), x = value_get_text(v, "lon");
    const bool degrees = in_degrees(y, x);
    if (v.len != 2 || !coordinate(y, degrees, MOST_LAT, &lat) || !coordinate(x, degrees, MOST_LON, &lon))
        return base_fail_at(d, how->place, M_bad_point, A_S("field", f->name));
    value_pair *pairs = base_arena_array(how->arena, 2, sizeof *pairs);
    if (pairs == NULL)
        return base_nomem(d);
    pairs[0] = (value_pair){value_text("lat"), lat};
    pairs[1] = (value_pair){value_text("lon"), lon};
    *out = value_map(pairs, 2);
    return GOV_OK;
}

static gov_status as_reference(const rulebook_field *f, value v, const rulebook_checking *how, value *out, const diag *d)
{
    int64_t id;
    if (!value_is(v, VALUE_INT) && !value_is(v, VALUE_STRING))
        return wrong(f, v, how, d);
    if (how->resolve == NULL) {
        if (value_is(v, VALUE_STRING) && !base_parse_int(v.as.s, v.len, &v.as.i))
            return wrong(f, v, how, d);
        *out = value_int(v.as.i);
        return GOV_OK;
    }
    const gov_status status = how->resolve(how->user, (rulebook_type)f->type, v, &id, d);
    if (status == GOV_OK)
        *out = value_int(id);
    if (status != GOV_E_NOT_FOUND)
        return status;
    const char *type = rulebook_type_name((rulebook_type)f->type);
    if (value_is(v, VALUE_STRING))
        return base_fail_at(d, how->place, M_unknown_reference, A_S("field", f->name), A_S("type", type), A_N("key", v.as.s, v.len));
    return base_fail_at(d, how->place, M_unknown_reference, A_S("field", f->name), A_S("type", type), A_I("key", v.as.i));
}

static gov_status normalise(const rulebook_field *f, value v, const rulebook_checking *how, value *out, const diag *d)
{
    switch (f->type) {
    case RULEBOOK_BOOL:
        *out = v;
        return value_is(v, VALUE_BOOL) ? GOV_OK : wrong(f, v, how, d);
    case RULEBOOK_INT:
    case RULEBOOK_MONEY: return as_int(f, v, how, out, d);
    case RULEBOOK_DOUBLE: return as_double(f, v, how, out, d);
    case RULEBOOK_STRING: return as_string(f, v, how, out, d);
    case RULEBOOK_DATE: return as_date(f, v, how, out, d);
    case RULEBOOK_TIMESTAMP: return as_timestamp(f, v, how, out, d);
    case RULEBOOK_DURATION: return as_duration(f, v, how, out, d);
    case RULEBOOK_POINT: return as_point(f, v, how, out, d);
    case RULEBOOK_BYTES: return value_is(v, VALUE_BYTES) ? text_copy(how->arena, v, out, d) : wrong(f, v, how, d);
    case RULEBOOK_LIST: return value_is(v, VALUE_LIST) ? text_copy(how->arena, v, out, d) : wrong(f, v, how, d);
    case RULEBOOK_MAP: return value_is(v, VALUE_MAP) ? text_copy(how->arena, v, out, d) : wrong(f, v, how, d);
    case RULEBOOK_ANY: return text_copy(how->arena, v, out, d);
    default: return as_reference(f, v, how, out, d);
    }
}

/* ---- limits ---- */

/* A value as a person reads it in a message. */
static gov_status report_limit(const rulebook_field *f, base_message m, value limit, const rulebook_checking *how,
                               const diag *d)
{
    base_buf text;
    base_buf_init(&text, how->arena->alloc);
    value_write_plain(&text, limit);
    const gov_status status =
        text.failed ? base_nomem(d) : base_fail_at(d, how->place, m, A_S("field", f->name), A_S("limit", text.data));
    base_buf_free(&text);
    return status;
}

static size_t length_of(value v)
{
    return value_is(v, VALUE_STRING) ? base_utf8_count(v.as.s, v.len) : v.len;
}

static bool comparable(value v, value limit)
{
    return v.kind == limit.kind && !value_is(limit, VALUE_ABSENT);
}

static gov_status check_choice(const rulebook_field *f, value v, const rulebook_checking *how, const diag *d)
{
    for (uint32_t i = 0; i < f->one_of_count; i++)
        if (value_equal(v, f->one_of[i]))
            return GOV_OK;
    return f->one_of_count == 0 ? GOV_OK
                                : report_limit(f, M_not_one_of, value_list(f->one_of, f->one_of_count), how, d);
}

static gov_status check_condition(const rulebook_field *f, value v, const rulebook_checking *how, const diag *d)
{
    bool holds = true;
    if (f->when == NULL || how->run == NULL)
        return GOV_OK;
    expr_run run = *how->run;
    const size_t count = run.slot_count > f->when_it ? run.slot_count : (size_t)f->when_it + 1;
    value *slots = base_arena_array(how->arena, count, sizeof *slots);
    if (slots == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < count; i++)
        slots[i] = i < run.slot_count ? run.slots[i] : value_absent();
    slots[f->when_it] = v;
    run.slots = slots;
    run.slot_count = count;
    const gov_status status = expr_eval_bool(f->when, &run, &holds, d);
    if (status != GOV_OK || holds)
        return status;
    return base_fail_at(d, &f->place, M_field_condition, A_S("field", f->name));
}

static gov_status check_limits(const rulebook_field *f, value v, const rulebook_checking *how, const diag *d)
{
    gov_status status = check_choice(f, v, how, d);
    if (status != GOV_OK)
        return status;
    if (comparable(v, f->min) && value_compare(v, f->min) < 0)
        return report_limit(f, M_below_min, f->min, how, d);
    if (comparable(v, f->max) && value_compare(v, f->max) > 0)
        return report_limit(f, M_above_max, f->max, how, d);
    if (f->required && value_is(v, VALUE_STRING) && f->type == RULEBOOK_STRING && base_utf8_blank(v.as.s, v.len))
        return base_fail_at(d, how->place, M_empty_field, A_S("field", f->name));
    if (f->max_length >= 0 && length_of(v) > (size_t)f->max_length)
        return base_fail_at(d, how->place, M_too_long, A_S("field", f->name), A_I("limit", f->max_length));
    if (f->matches != NULL) {
        bool holds = false;
        const expr_run run = {.slots = &v, .slot_count = 1, .scratch = how->arena};
        status = expr_eval_bool(f->matches, &run, &holds, d);
        if (status != GOV_OK)
            return status;
        if (!holds)
            return base_fail_at(d, how->place, M_no_match, A_S("field", f->name), A_S("pattern", f->pattern));
    }
    return check_condition(f, v, how, d);
}

gov_status rulebook_check_field(const rulebook_field *f, value v, const rulebook_checking *how, value *out, const diag *d)
{
    *out = value_absent();
    if (value_is(v, VALUE_ABSENT) || (value_is(v, VALUE_NULL) && f->type != RULEBOOK_ANY))
        return GOV_OK;
    gov_status status = normalise(f, v, how, out, d);
    if (status == GOV_OK)
        status = check_limits(f, *out, how, d);
    if (status != GOV_OK)
        *out = value_absent();
    return status;
}

/* ---- whole maps ---- */

static gov_status unknown_field(const rulebook_fields *fields, value key, const rulebook_checking *how, const diag *d)
{
    const char **names = base_arena_array(how->arena, fields->count, sizeof *names);
    if (names == NULL)
        return base_nomem(d);
    for (uint32_t i = 0; i < fields->count; i++)
        names[i] = fields->items[i].name;
    return base_fail_at(d, how->place, M_unknown_field, A_N("field", key.as.s, key.len),
                     A_S("near", base_nearest(key.as.s, key.len, names, fields->count)));
}

static gov_status check_keys(const rulebook_fields *fields, value map, const rulebook_checking *how, const diag *d)
{
    gov_status status = GOV_OK;
    for (size_t i = 0; i < map.len && status != GOV_E_NOMEM; i++) {
        const value key = map.as.pairs[i].key;
        gov_status one = GOV_OK;
        if (!value_is(key, VALUE_STRING))
            one = base_fail_at(d, how->place, M_unknown_field, A_S("field", rulebook_value_kind(key)));
        else if (rulebook_field_index(fields, key.as.s, key.len) == RULEBOOK_NONE)
            one = unknown_field(fields, key, how, d);
        status = one != GOV_OK && (status == GOV_OK || one == GOV_E_NOMEM) ? one : status;
    }
    return status;
}

gov_status rulebook_check_fields(const rulebook_fields *fields, value map, const rulebook_checking *how, value *out,
                                 const diag *d)
{
    size_t count = 0;
    *out = value_map(NULL, 0);
    if (value_is(map, VALUE_ABSENT) || value_is(map, VALUE_NULL))
        map = value_map(NULL, 0);
    if (!value_is(map, VALUE_MAP))
        return base_fail_at(d, how->place, M_not_a_map);
    value_pair *pairs = base_arena_array(how->arena, fields->count, sizeof *pairs);
    if (pairs == NULL)
        return base_nomem(d);
    gov_status status = check_keys(fields, map, how, d);
    for (uint32_t i = 0; i < fields->count && status != GOV_E_NOMEM; i++) {
        const rulebook_field *f = &fields->items[i];
        value v;
        gov_status one = rulebook_check_field(f, value_get_text(map, f->name), how, &v, d);
        if (one == GOV_OK && value_is(v, VALUE_ABSENT) && !how->partial) {
            v = f->preset;
            if (f->required && value_is(v, VALUE_ABSENT))
                one = base_fail_at(d, how->place, M_missing_field, A_S("field", f->name));
        }
        if (!value_is(v, VALUE_ABSENT))
            pairs[count++] = (value_pair){value_text(f->name), v};
        status = one != GOV_OK && (status == GOV_OK || one == GOV_E_NOMEM) ? one : status;
    }
    *out = value_map(pairs, count);
    return status;
}
