/* Operations: finding them, and what they are given. */
#include "rulebook/load.h"

#include <string.h>

const rulebook_operation *rulebook_operation_at(const rulebook_host *host, size_t i)
{
    const rulebook_host *part;
    for (size_t k = 0; (part = rulebook_host_part(host, k)) != NULL; k++) {
        if (i < part->operation_count)
            return &part->operations[i];
        i -= part->operation_count;
    }
    return NULL;
}

gov_status rulebook_find_operation(const rulebook_host *host, const char *name, bool hidden, const base_place *place,
                                   const rulebook_operation **out, const diag *d)
{
    const char *names[256];
    size_t count = 0;
    const rulebook_operation *op;
    for (size_t i = 0; (op = rulebook_operation_at(host, i)) != NULL; i++) {
        if (op->hidden != hidden)
            continue;
        if (strcmp(op->name, name) == 0) {
            *out = op;
            return GOV_OK;
        }
        if (count < ARRAY_LEN(names))
            names[count++] = op->name;
    }
    *out = NULL;
    return base_fail_at(d, place, M_operation_unknown, A_S("name", name), A_S("near", base_nearest(name, strlen(name), names, count)));
}

/* ---- what it is given ---- */

typedef struct reading {
    const rulebook *rb;
    const rulebook_checking *how;
    const diag *d;
} reading;

static bool named(const char *kinds, rulebook_type type)
{
    const char *name = rulebook_type_name(type);
    const size_t len = strlen(name);
    for (const char *p = kinds; p != NULL && (p = strstr(p, name)) != NULL; p += len)
        if ((p == kinds || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
            return true;
    return false;
}

/* "household resident" as a person reads it. */
static const char *kinds_text(const rulebook_operand *o, char out[96])
{
    size_t n = 0;
    for (const char *p = base_text_or_empty(o->kinds); *p != '\0' && n + 8 < 96; p++) {
        if (*p != ' ') {
            out[n++] = *p;
            continue;
        }
        const char *between = strchr(p + 1, ' ') != NULL ? ", " : " or ";
        memcpy(out + n, between, strlen(between));
        n += strlen(between);
    }
    out[n] = '\0';
    return out;
}

/* What is told is what any of the kinds would have been. */
static gov_status no_record(const reading *r, const rulebook_operand *o, value v)
{
    char kinds[96];
    const base_place *place = r->how->place;
    if (v.kind == VALUE_STRING)
        return base_fail_at(r->d, place, M_unknown_reference, A_S("field", o->name), A_S("type", kinds_text(o, kinds)), A_N("key", v.as.s, v.len));
    if (v.kind == VALUE_INT)
        return base_fail_at(r->d, place, M_unknown_reference, A_S("field", o->name), A_S("type", kinds_text(o, kinds)), A_I("key", v.as.i));
    return base_fail_at(r->d, place, M_bad_field, A_S("field", o->name), A_S("expected", kinds_text(o, kinds)), A_S("found", rulebook_value_kind(v)));
}

static gov_status read_record(const reading *r, const rulebook_operand *o, value given, value *out)
{
    value key = given;
    const bool one = given.kind == VALUE_MAP && given.len == 1 && given.as.pairs[0].key.kind == VALUE_STRING;
    if (one)
        key = given.as.pairs[0].val;
    if (key.kind == VALUE_INT && r->how->resolve == NULL) {
        *out = key;
        return GOV_OK;
    }
    if ((key.kind != VALUE_STRING && key.kind != VALUE_INT) || r->how->resolve == NULL)
        return no_record(r, o, key);
    for (unsigned t = RULEBOOK_RESIDENT; t < RULEBOOK_TYPES_; t++) {
        int64_t id = 0;
        if (!named(o->kinds, (rulebook_type)t) || (one && !value_is_text(given.as.pairs[0].key, rulebook_type_name((rulebook_type)t))))
            continue;
        const gov_status status = r->how->resolve(r->how->user, (rulebook_type)t, key, &id, r->d);
        if (status == GOV_OK)
            *out = value_int(id);
        if (status != GOV_E_NOT_FOUND)
            return status;
    }
    return no_record(r, o, key);
}

static gov_status read_id(const reading *r, const rulebook_operand *o, value given, value *out)
{
    int64_t id = 0;
    if (given.kind == VALUE_STRING && r->how->resolve != NULL) {
        const gov_status status = r->how->resolve(r->how->user, RULEBOOK_CASE, given, &id, r->d);
        if (status != GOV_E_NOT_FOUND) {
            *out = value_int(id);
            return status;
        }
    }
    if (given.kind == VALUE_STRING && base_parse_int(given.as.s, given.len, &id) && id > 0)
        given = value_int(id);
    if (given.kind == VALUE_INT && given.as.i > 0) {
        *out = given;
        return GOV_OK;
    }
    if (given.kind == VALUE_STRING)
        return base_fail_at(r->d, r->how->place, M_unknown_reference, A_S("field", o->name), A_S("type", "id"), A_N("key", given.as.s, given.len));
    return base_fail_at(r->d, r->how->place, M_bad_field, A_S("field", o->name), A_S("expected", "id"), A_S("found", rulebook_value_kind(given)));
}

static gov_status read_section(const reading *r, const rulebook_operand *o, value given, value *out)
{
    const char *names[64];
    size_t count = 0;
    if (given.kind != VALUE_STRING)
        return base_fail_at(r->d, r->how->place, M_bad_field, A_S("field", o->name), A_S("expected", o->kinds), A_S("found", rulebook_value_kind(given)));
    for (uint32_t i = 0; i < r->rb->section_count; i++) {
        const rulebook_section *s = &r->rb->sections[i];
        if (strcmp(s->kind, o->kinds) != 0)
            continue;
        if (strlen(s->name) == given.len && memcmp(s->name, given.as.s, given.len) == 0) {
            *out = value_text(s->name);
            return GOV_OK;
        }
        if (count < ARRAY_LEN(names))
            names[count++] = s->name;
    }
    const char *near = base_nearest(given.as.s, given.len, names, count);
    return base_fail_at(r->d, r->how->place, M_operand_section, A_S("field", o->name), A_S("kind", o->kinds),
                        A_N("name", given.as.s, given.len), A_S("near", near));
}

static gov_status read_plain(const reading *r, const rulebook_operand *o, value given, value *out)
{
    static const uint8_t types[] = {RULEBOOK_STRING, RULEBOOK_INT, RULEBOOK_BOOL, RULEBOOK_TIMESTAMP, RULEBOOK_DATE,
                                    RULEBOOK_DURATION, RULEBOOK_LIST, RULEBOOK_MAP, RULEBOOK_ANY};
    const rulebook_field field = {.name = o->name, .type = types[o->type], .slot = RULEBOOK_NONE, .preset = value_absent(),
                                  .min = value_absent(), .max = value_absent(), .max_length = -1, .when_it = RULEBOOK_NONE};
    rulebook_checking how = *r->how;
    int64_t local, utc;
    how.resolve = NULL;
    /* A person writes an instant as the community's clocks show it. */
    if (o->type == RULEBOOK_OPERAND_TIME && given.kind == VALUE_STRING && r->rb->zone != NULL &&
        base_parse_local(given.as.s, given.len, &local)) {
        (void)base_zone_to_utc(r->rb->zone, local, &utc);
        given = value_timestamp(utc, 0);
    }
    return rulebook_check_field(&field, given, &how, out, r->d);
}

static gov_status read_one(const reading *r, const rulebook_operand *o, value given, value *out)
{
    *out = value_absent();
    if (given.kind == VALUE_ABSENT || given.kind == VALUE_NULL)
        return o->required ? base_fail_at(r->d, r->how->place, M_missing_field, A_S("field", o->name)) : GOV_OK;
    if (o->required && o->type == RULEBOOK_OPERAND_TEXT && given.kind == VALUE_STRING && base_utf8_blank(given.as.s, given.len))
        return base_fail_at(r->d, r->how->place, M_empty_field, A_S("field", o->name));
    switch (o->type) {
    case RULEBOOK_OPERAND_RECORD: return read_record(r, o, given, out);
    case RULEBOOK_OPERAND_ID: return read_id(r, o, given, out);
    case RULEBOOK_OPERAND_SECTION: return read_section(r, o, given, out);
    default: return read_plain(r, o, given, out);
    }
}

static gov_status unknown_operand(const reading *r, const rulebook_operation *op, value key)
{
    const char *names[RULEBOOK_MOST_OPERANDS];
    size_t count = 0;
    for (size_t i = 0; i < op->operand_count && count < ARRAY_LEN(names); i++)
        names[count++] = op->operands[i].name;
    const char *text = key.kind == VALUE_STRING ? key.as.s : "?";
    const size_t len = key.kind == VALUE_STRING ? key.len : 1;
    return base_fail_at(r->d, r->how->place, M_unknown_field, A_N("field", text, len), A_S("near", base_nearest(text, len, names, count)));
}

gov_status rulebook_read_operands(const rulebook *rb, const rulebook_operation *op, value input, const rulebook_checking *how,
                                  value *out, const diag *d)
{
    const reading r = {rb, how, d};
    gov_status first = GOV_OK;
    for (size_t i = 0; input.kind == VALUE_MAP && i < input.len; i++) {
        const value key = input.as.pairs[i].key;
        bool known = false;
        for (size_t k = 0; k < op->operand_count && !known; k++)
            known = value_is_text(key, op->operands[k].name);
        if (!known && first == GOV_OK)
            first = unknown_operand(&r, op, key);
        else if (!known)
            (void)unknown_operand(&r, op, key);
    }
    for (size_t i = 0; i < op->operand_count; i++) {
        const value given = input.kind == VALUE_MAP ? value_get_text(input, op->operands[i].name) : value_absent();
        const gov_status status = read_one(&r, &op->operands[i], given, &out[i]);
        if (status == GOV_E_NOMEM || (status >= GOV_E_STORE && status < GOV_E_UNSUPPORTED))
            return status;
        if (first == GOV_OK)
            first = status;
    }
    return first;
}
