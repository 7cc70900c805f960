/* What the bindings share below the typemaps: text to build JSON in, and the option structs of the headers as
 * maps. A language turns its own values into JSON text, libgov reads that; a language reads a gov_value back
 * through the accessors. So every kind crosses exactly, and no struct is known outside this file. */
#ifndef GOV_GLUE_H
#define GOV_GLUE_H

#include <gov.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How deep values may nest; libgov itself refuses what is deeper than this by one. */
enum { GLUE_MAX_DEPTH = 64, GLUE_WHY = 200 };
/* A list that holds itself through many others would never end: text beyond this is refused. */
#define GLUE_MAX_TEXT ((size_t)512 << 20)

typedef char glue_why[GLUE_WHY];

static int glue_say(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, GLUE_WHY, format, args);
    va_end(args);
    return 0;
}

/* ---- text ---- */

typedef struct glue_text {
    char *at;
    size_t len, cap;
    int failed; /* no memory, or too long */
} glue_text;

static void glue_add(glue_text *t, const char *s, size_t len)
{
    if (t->failed)
        return;
    if (len > GLUE_MAX_TEXT - t->len) {
        t->failed = 1;
        return;
    }
    if (t->len + len > t->cap) {
        size_t cap = t->cap > 0 ? t->cap : 256;
        while (cap < t->len + len)
            cap *= 2;
        char *grown = realloc(t->at, cap);
        if (grown == NULL) {
            t->failed = 1;
            return;
        }
        t->at = grown;
        t->cap = cap;
    }
    if (len > 0)
        memcpy(t->at + t->len, s, len);
    t->len += len;
}

static void glue_put(glue_text *t, const char *s)
{
    glue_add(t, s, strlen(s));
}

static void glue_int(glue_text *t, int64_t i)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)i);
    glue_put(t, digits);
}

static void glue_string(glue_text *t, const char *s, size_t len)
{
    size_t done = 0;
    glue_add(t, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)s[i];
        char escape[8];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        glue_add(t, s + done, i - done);
        (void)snprintf(escape, sizeof escape, c < 0x20 ? "\\u%04x" : "\\%c", c);
        glue_put(t, escape);
        done = i + 1;
    }
    glue_add(t, s + done, len - done);
    glue_add(t, "\"", 1);
}

static void glue_bytes(glue_text *t, const unsigned char *s, size_t len)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    glue_put(t, "{\"$bytes\":\"");
    for (size_t i = 0; i < len; i += 3) {
        const size_t left = len - i;
        const uint32_t three = (uint32_t)s[i] << 16 | (left > 1 ? (uint32_t)s[i + 1] << 8 : 0) | (left > 2 ? s[i + 2] : 0U);
        char four[4] = {digit[three >> 18], digit[three >> 12 & 63], digit[three >> 6 & 63], digit[three & 63]};
        if (left < 2)
            four[2] = '=';
        if (left < 3)
            four[3] = '=';
        glue_add(t, four, 4);
    }
    glue_put(t, "\"}");
}

/* A number that is no number, or has no end, as JSON cannot say it. `digits` is how the language writes the others. */
static void glue_double(glue_text *t, double d, const char *digits)
{
    if (d != d)
        glue_put(t, "{\"$double\":\"NaN\"}");
    else if (d - d != 0)
        glue_put(t, d > 0 ? "{\"$double\":\"Infinity\"}" : "{\"$double\":\"-Infinity\"}");
    else
        glue_put(t, digits);
}

/* ---- time ---- */

enum { GLUE_US = 1000000 };

/* The date of the Gregorian calendar that is so many days after 1970-01-01: years are counted from March. */
static void glue_date(int64_t days, int64_t *year, int *month, int *day)
{
    const int64_t z = days + 719468;
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t of_era = z - era * 146097;
    const int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    const int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

static int64_t glue_floor(int64_t a, int64_t b, int64_t *rest)
{
    int64_t q = a / b;
    if (a % b < 0)
        q--;
    *rest = a - q * b;
    return q;
}

/* An instant in microseconds; 0 when it lies outside of the years 1 to 9999. */
static int glue_timestamp(glue_text *t, int64_t us)
{
    int64_t fraction, second, year;
    int month, day;
    char text[80];
    glue_date(glue_floor(glue_floor(us, GLUE_US, &fraction), 86400, &second), &year, &month, &day);
    if (year < 1 || year > 9999)
        return 0;
    (void)snprintf(text, sizeof text, "{\"$timestamp\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"}", (int)year, month, day,
                   (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60), (int)fraction);
    glue_put(t, text);
    return 1;
}

static void glue_duration(glue_text *t, int64_t us)
{
    char text[64];
    const uint64_t size = us < 0 ? (uint64_t)0 - (uint64_t)us : (uint64_t)us;
    (void)snprintf(text, sizeof text, "{\"$duration\":\"%s%llu.%06us\"}", us < 0 ? "-" : "",
                   (unsigned long long)(size / GLUE_US), (unsigned)(size % GLUE_US));
    glue_put(t, text);
}

/* Microseconds of a timestamp or a duration; 0 when it is finer than that, or too long. */
static int glue_micros(const gov_value *v, int64_t *us)
{
    int32_t nanos = 0;
    const int64_t seconds = gov_value_seconds(v, &nanos);
    if (nanos % 1000 != 0 || seconds > INT64_MAX / GLUE_US - 1 || seconds < INT64_MIN / GLUE_US + 1)
        return 0;
    *us = seconds * GLUE_US + nanos / 1000;
    return 1;
}

/* Degrees to the unit of coordinates, 1e-7 degree; 0 when that is nowhere on the earth. */
static int glue_degrees(double degrees, double most, int64_t *e7)
{
    if (!(degrees >= -most && degrees <= most))
        return 0;
    const double scaled = degrees * 1e7;
    *e7 = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    return 1;
}

/* ---- structs as maps ---- */

typedef enum glue_kind {
    GLUE_TEXT, /* const char *, borrowed from the map */
    GLUE_I64,
    GLUE_U64,
    GLUE_U32,
    GLUE_INSTANT, /* int64_t, from a timestamp or from microseconds */
    GLUE_BIT,     /* a bool, one bit of a uint32_t */
    GLUE_FLAGS    /* a list of names, or a number */
} glue_kind;

typedef struct glue_name {
    const char *name;
    uint32_t bit;
} glue_name;

typedef struct glue_field {
    const char *name;
    glue_kind kind;
    size_t offset;
    uint32_t bit;
    const glue_name *names;
} glue_field;

typedef struct glue_struct {
    const char *what;
    const glue_field *fields;
    size_t count, size;
} glue_struct;

#define GLUE_FIELD(type, kind, member) {#member, kind, offsetof(type, member), 0, NULL}
#define GLUE_STRUCT(what, type, fields) {what, fields, sizeof(fields) / sizeof *(fields), sizeof(type)}

static const glue_field glue_store_fields[] = {
    {"create", GLUE_BIT, offsetof(gov_options, flags), GOV_OPEN_CREATE, NULL},
    {"readonly", GLUE_BIT, offsetof(gov_options, flags), GOV_OPEN_READONLY, NULL},
    {"relaxed", GLUE_BIT, offsetof(gov_options, flags), GOV_OPEN_RELAXED, NULL},
    GLUE_FIELD(gov_options, GLUE_U32, busy_timeout_ms),
};
static const glue_struct glue_options = GLUE_STRUCT("option", gov_options, glue_store_fields);

static const glue_field glue_case_fields[] = {
    GLUE_FIELD(gov_case_options, GLUE_TEXT, reporter), GLUE_FIELD(gov_case_options, GLUE_TEXT, grid),
    GLUE_FIELD(gov_case_options, GLUE_TEXT, source),   GLUE_FIELD(gov_case_options, GLUE_TEXT, number),
    GLUE_FIELD(gov_case_options, GLUE_TEXT, idempotency_key),
};
static const glue_struct glue_case_options = GLUE_STRUCT("option", gov_case_options, glue_case_fields);

static const glue_field glue_call_fields[] = {GLUE_FIELD(gov_call_options, GLUE_TEXT, idempotency_key)};
static const glue_struct glue_call_options = GLUE_STRUCT("option", gov_call_options, glue_call_fields);

static const glue_field glue_query_fields[] = {
    GLUE_FIELD(gov_case_query, GLUE_TEXT, workflow), GLUE_FIELD(gov_case_query, GLUE_TEXT, grid),
    GLUE_FIELD(gov_case_query, GLUE_TEXT, unit),     GLUE_FIELD(gov_case_query, GLUE_TEXT, field),
    GLUE_FIELD(gov_case_query, GLUE_TEXT, equals),   GLUE_FIELD(gov_case_query, GLUE_TEXT, cursor),
    GLUE_FIELD(gov_case_query, GLUE_TEXT, where),    GLUE_FIELD(gov_case_query, GLUE_TEXT, order),
    GLUE_FIELD(gov_case_query, GLUE_U32, limit),
    {"open_only", GLUE_BIT, offsetof(gov_case_query, flags), GOV_CASE_OPEN_ONLY, NULL},
    {"overdue_only", GLUE_BIT, offsetof(gov_case_query, flags), GOV_CASE_OVERDUE_ONLY, NULL},
};
static const glue_field glue_record_fields[] = {
    GLUE_FIELD(gov_record_query, GLUE_TEXT, where), GLUE_FIELD(gov_record_query, GLUE_TEXT, order),
    GLUE_FIELD(gov_record_query, GLUE_TEXT, cursor), GLUE_FIELD(gov_record_query, GLUE_U32, limit),
};
static const glue_struct glue_record_query = GLUE_STRUCT("filter", gov_record_query, glue_record_fields);

static const glue_struct glue_case_query = GLUE_STRUCT("filter", gov_case_query, glue_query_fields);

static const glue_field glue_report_fields[] = {
    {"from", GLUE_INSTANT, offsetof(gov_report_options, from_us), 0, NULL},
    {"to", GLUE_INSTANT, offsetof(gov_report_options, to_us), 0, NULL},
    GLUE_FIELD(gov_report_options, GLUE_TEXT, lang),
    GLUE_FIELD(gov_report_options, GLUE_TEXT, workflow),
    {"public", GLUE_BIT, offsetof(gov_report_options, flags), GOV_REPORT_PUBLIC, NULL},
};
static const glue_struct glue_report_options = GLUE_STRUCT("option", gov_report_options, glue_report_fields);

static const glue_field glue_import_fields[] = {
    GLUE_FIELD(gov_import_options, GLUE_TEXT, file),
    GLUE_FIELD(gov_import_options, GLUE_TEXT, refused),
    GLUE_FIELD(gov_import_options, GLUE_TEXT, lang),
    GLUE_FIELD(gov_import_options, GLUE_U32, batch),
    {"dry_run", GLUE_BIT, offsetof(gov_import_options, flags), GOV_IMPORT_DRY_RUN, NULL},
};
static const glue_struct glue_import_options = GLUE_STRUCT("option", gov_import_options, glue_import_fields);

static const glue_field glue_scenario_fields[] = {
    GLUE_FIELD(gov_scenario_options, GLUE_TEXT, url),
    GLUE_FIELD(gov_scenario_options, GLUE_TEXT, lang),
    GLUE_FIELD(gov_scenario_options, GLUE_TEXT, overlay),
};
static const glue_struct glue_scenario_options = GLUE_STRUCT("option", gov_scenario_options, glue_scenario_fields);

static const glue_field glue_tick_fields[] = {
    GLUE_FIELD(gov_tick_result, GLUE_U64, fired),
    GLUE_FIELD(gov_tick_result, GLUE_U64, failed),
    GLUE_FIELD(gov_tick_result, GLUE_U64, parked),
    {"next", GLUE_INSTANT, offsetof(gov_tick_result, next_us), 0, NULL},
    {"next_provisional", GLUE_BIT, offsetof(gov_tick_result, next_provisional), 1, NULL},
};
static const glue_struct glue_tick_result = GLUE_STRUCT("result", gov_tick_result, glue_tick_fields);

static const glue_field glue_imported_fields[] = {
    GLUE_FIELD(gov_import_result, GLUE_U64, rows),      GLUE_FIELD(gov_import_result, GLUE_U64, added),
    GLUE_FIELD(gov_import_result, GLUE_U64, unchanged), GLUE_FIELD(gov_import_result, GLUE_U64, changed),
    GLUE_FIELD(gov_import_result, GLUE_U64, flagged),   GLUE_FIELD(gov_import_result, GLUE_U64, refused),
    GLUE_FIELD(gov_import_result, GLUE_U64, events),
};
static const glue_struct glue_import_result = GLUE_STRUCT("result", gov_import_result, glue_imported_fields);

/* Ledgers. */
#define GLUE_FLAG(name, bit) {name, bit},
static const glue_name glue_account_flags[] = {GOV_ACCOUNT_FLAGS(GLUE_FLAG){NULL, 0}};
static const glue_name glue_transfer_flags[] = {GOV_TRANSFER_FLAGS(GLUE_FLAG){NULL, 0}};

static const glue_field glue_account_fields[] = {
    GLUE_FIELD(gov_account, GLUE_I64, id),
    GLUE_FIELD(gov_account, GLUE_I64, debits_pending),
    GLUE_FIELD(gov_account, GLUE_I64, debits_posted),
    GLUE_FIELD(gov_account, GLUE_I64, credits_pending),
    GLUE_FIELD(gov_account, GLUE_I64, credits_posted),
    GLUE_FIELD(gov_account, GLUE_I64, subject),
    GLUE_FIELD(gov_account, GLUE_I64, reference),
    GLUE_FIELD(gov_account, GLUE_I64, min_balance),
    GLUE_FIELD(gov_account, GLUE_I64, max_balance),
    GLUE_FIELD(gov_account, GLUE_I64, warn_min),
    GLUE_FIELD(gov_account, GLUE_I64, warn_max),
    GLUE_FIELD(gov_account, GLUE_I64, breakage),
    GLUE_FIELD(gov_account, GLUE_I64, timestamp),
    GLUE_FIELD(gov_account, GLUE_U32, reason),
    GLUE_FIELD(gov_account, GLUE_U32, ledger),
    GLUE_FIELD(gov_account, GLUE_U32, code),
    {"flags", GLUE_FLAGS, offsetof(gov_account, flags), 0, glue_account_flags},
};
static const glue_struct glue_account = GLUE_STRUCT("member of an account", gov_account, glue_account_fields);

static const glue_field glue_transfer_fields[] = {
    GLUE_FIELD(gov_transfer, GLUE_I64, id),
    GLUE_FIELD(gov_transfer, GLUE_I64, debit_account),
    GLUE_FIELD(gov_transfer, GLUE_I64, credit_account),
    GLUE_FIELD(gov_transfer, GLUE_I64, amount),
    GLUE_FIELD(gov_transfer, GLUE_I64, pending_id),
    GLUE_FIELD(gov_transfer, GLUE_I64, subject),
    GLUE_FIELD(gov_transfer, GLUE_I64, reference),
    GLUE_FIELD(gov_transfer, GLUE_I64, effective_at),
    GLUE_FIELD(gov_transfer, GLUE_I64, reversal_of),
    GLUE_FIELD(gov_transfer, GLUE_I64, expires_at),
    GLUE_FIELD(gov_transfer, GLUE_I64, timestamp),
    GLUE_FIELD(gov_transfer, GLUE_U32, reason),
    GLUE_FIELD(gov_transfer, GLUE_U32, timeout),
    GLUE_FIELD(gov_transfer, GLUE_U32, ledger),
    GLUE_FIELD(gov_transfer, GLUE_U32, code),
    {"flags", GLUE_FLAGS, offsetof(gov_transfer, flags), 0, glue_transfer_flags},
};
static const glue_struct glue_transfer = GLUE_STRUCT("member of a transfer", gov_transfer, glue_transfer_fields);

static const glue_field glue_filter_fields[] = {
    GLUE_FIELD(gov_ledger_filter, GLUE_I64, account),
    GLUE_FIELD(gov_ledger_filter, GLUE_I64, timestamp_min),
    GLUE_FIELD(gov_ledger_filter, GLUE_I64, timestamp_max),
    GLUE_FIELD(gov_ledger_filter, GLUE_I64, subject),
    GLUE_FIELD(gov_ledger_filter, GLUE_I64, reference),
    GLUE_FIELD(gov_ledger_filter, GLUE_U32, reason),
    GLUE_FIELD(gov_ledger_filter, GLUE_U32, code),
    GLUE_FIELD(gov_ledger_filter, GLUE_U32, limit),
    {"debits", GLUE_BIT, offsetof(gov_ledger_filter, flags), GOV_LEDGER_DEBITS, NULL},
    {"credits", GLUE_BIT, offsetof(gov_ledger_filter, flags), GOV_LEDGER_CREDITS, NULL},
    {"reversed", GLUE_BIT, offsetof(gov_ledger_filter, flags), GOV_LEDGER_REVERSED, NULL},
};
static const glue_struct glue_ledger_filter = GLUE_STRUCT("filter", gov_ledger_filter, glue_filter_fields);

static const glue_field glue_balance_fields[] = {
    GLUE_FIELD(gov_ledger_balance, GLUE_I64, timestamp),       GLUE_FIELD(gov_ledger_balance, GLUE_I64, transfer),
    GLUE_FIELD(gov_ledger_balance, GLUE_I64, debits_pending),  GLUE_FIELD(gov_ledger_balance, GLUE_I64, debits_posted),
    GLUE_FIELD(gov_ledger_balance, GLUE_I64, credits_pending), GLUE_FIELD(gov_ledger_balance, GLUE_I64, credits_posted),
};
static const glue_struct glue_ledger_balance = GLUE_STRUCT("member", gov_ledger_balance, glue_balance_fields);

static int glue_flag(const glue_field *f, const gov_value *name, uint32_t *flags)
{
    const char *text = gov_value_kind(name) == GOV_VALUE_STRING ? gov_value_string(name, NULL) : NULL;
    for (const glue_name *n = f->names; text != NULL && n->name != NULL; n++)
        if (strcmp(n->name, text) == 0) {
            *flags |= n->bit;
            return 1;
        }
    return 0;
}

/* A text without a NUL inside, or NULL. */
static const char *glue_value_text(const gov_value *v)
{
    size_t len = 0;
    const char *text = gov_value_kind(v) == GOV_VALUE_STRING ? gov_value_string(v, &len) : NULL;
    return text != NULL && strlen(text) == len ? text : NULL;
}

static int glue_read_flags(const glue_field *f, const gov_value *v, uint32_t *flags)
{
    const int64_t i = gov_value_int(v);
    if (gov_value_kind(v) == GOV_VALUE_INT && i >= 0 && i <= UINT32_MAX) {
        *flags = (uint32_t)i;
        return 1;
    }
    if (gov_value_kind(v) != GOV_VALUE_LIST)
        return glue_flag(f, v, flags);
    for (size_t j = 0; j < gov_value_count(v); j++)
        if (!glue_flag(f, gov_value_at(v, j), flags))
            return 0;
    return 1;
}

static int glue_read_field(const glue_field *f, const gov_value *v, char *base, char *why)
{
    char *at = base + f->offset;
    const int is_int = gov_value_kind(v) == GOV_VALUE_INT;
    const int64_t i = gov_value_int(v);
    if (f->kind == GLUE_TEXT && (*(const char **)(void *)at = glue_value_text(v)) != NULL)
        return 1;
    if ((f->kind == GLUE_I64 || f->kind == GLUE_INSTANT) && is_int) {
        memcpy(at, &i, sizeof i);
        return 1;
    }
    if (f->kind == GLUE_INSTANT && gov_value_kind(v) == GOV_VALUE_TIMESTAMP && glue_micros(v, (int64_t *)(void *)at))
        return 1;
    if (f->kind == GLUE_U64 && is_int && i >= 0) {
        memcpy(at, &i, sizeof i);
        return 1;
    }
    if (f->kind == GLUE_U32 && is_int && i >= 0 && i <= UINT32_MAX) {
        *(uint32_t *)(void *)at = (uint32_t)i;
        return 1;
    }
    if (f->kind == GLUE_BIT && gov_value_kind(v) == GOV_VALUE_BOOL) {
        *(uint32_t *)(void *)at |= gov_value_bool(v) ? f->bit : 0;
        return 1;
    }
    if (f->kind == GLUE_FLAGS && glue_read_flags(f, v, (uint32_t *)(void *)at))
        return 1;
    return glue_say(why, "%s: not a value that it can have", f->name);
}

/* Reads a map into a struct that was zeroed; members that are null count as absent. Texts stay borrowed from the map. */
static int glue_read(const glue_struct *s, const gov_value *map, void *out, char *why)
{
    if (gov_value_kind(map) == GOV_VALUE_NULL)
        return 1;
    if (gov_value_kind(map) != GOV_VALUE_MAP)
        return glue_say(why, "a map is needed");
    for (size_t i = 0; i < gov_value_count(map); i++) {
        const gov_value *v = gov_value_at(map, i);
        const char *key = glue_value_text(gov_value_key_at(map, i));
        size_t f = 0;
        while (key != NULL && f < s->count && strcmp(s->fields[f].name, key) != 0)
            f++;
        if (key == NULL || f == s->count)
            return glue_say(why, "there is no %s '%s'", s->what, key != NULL ? key : "?");
        if (gov_value_kind(v) != GOV_VALUE_NULL && !glue_read_field(&s->fields[f], v, out, why))
            return 0;
    }
    return 1;
}

static int glue_count(const gov_value *list, size_t *n, char *why)
{
    *n = gov_value_count(list);
    if (gov_value_kind(list) != GOV_VALUE_LIST && *n != 0)
        return glue_say(why, "a list is needed");
    if (*n > GOV_LEDGER_BATCH_MAX)
        return glue_say(why, "at most %d at once", GOV_LEDGER_BATCH_MAX);
    return 1;
}

/* As many structs as the list has items, in memory of malloc. An array is never NULL, even an empty one. */
static int glue_read_list(const glue_struct *s, const gov_value *list, void **out, size_t *n, char *why)
{
    if (!glue_count(list, n, why))
        return 0;
    *out = calloc(*n + 1, s->size);
    if (*out == NULL)
        return glue_say(why, "no memory");
    for (size_t i = 0; i < *n; i++)
        if (!glue_read(s, gov_value_at(list, i), (char *)*out + i * s->size, why))
            return 0;
    return 1;
}

static int glue_read_ids(const gov_value *list, int64_t **out, size_t *n, char *why)
{
    if (!glue_count(list, n, why))
        return 0;
    *out = calloc(*n + 1, sizeof **out);
    if (*out == NULL)
        return glue_say(why, "no memory");
    for (size_t i = 0; i < *n; i++) {
        const gov_value *v = gov_value_at(list, i);
        if (gov_value_kind(v) != GOV_VALUE_INT)
            return glue_say(why, "an id is a whole number");
        (*out)[i] = gov_value_int(v);
    }
    return 1;
}

static void glue_write_flags(glue_text *t, const glue_name *names, uint32_t flags)
{
    const char *comma = "";
    glue_put(t, "[");
    for (const glue_name *n = names; n->name != NULL; n++)
        if ((flags & n->bit) != 0) {
            glue_put(t, comma);
            glue_string(t, n->name, strlen(n->name));
            comma = ",";
        }
    glue_put(t, "]");
}

static void glue_write(glue_text *t, const glue_struct *s, const void *base)
{
    for (size_t f = 0; f < s->count; f++) {
        const char *at = (const char *)base + s->fields[f].offset;
        uint32_t u;
        int64_t i;
        glue_put(t, f == 0 ? "{" : ",");
        glue_string(t, s->fields[f].name, strlen(s->fields[f].name));
        glue_put(t, ":");
        memcpy(&u, at, sizeof u);
        if (s->fields[f].kind == GLUE_U32) {
            glue_int(t, u);
        } else if (s->fields[f].kind == GLUE_BIT) {
            glue_put(t, (u & s->fields[f].bit) != 0 ? "true" : "false");
        } else if (s->fields[f].kind == GLUE_FLAGS) {
            glue_write_flags(t, s->fields[f].names, u);
        } else {
            memcpy(&i, at, sizeof i);
            if (s->fields[f].kind != GLUE_INSTANT)
                glue_int(t, i);
            else if (i <= 0 || !glue_timestamp(t, i)) /* 0 is never an instant */
                glue_put(t, "null");
        }
    }
    glue_put(t, "}");
}

/* Reads finished text, and frees it. */
static gov_status glue_finish(glue_text *t, gov_value **out, gov_error **err)
{
    const gov_status status = t->failed ? GOV_E_NOMEM : gov_value_from_json(NULL, t->at, t->len, out, err);
    free(t->at);
    memset(t, 0, sizeof *t);
    return status;
}

static gov_value *glue_value(const glue_struct *s, const void *base)
{
    glue_text t = {0};
    gov_value *out = NULL;
    glue_write(&t, s, base);
    (void)glue_finish(&t, &out, NULL);
    return out;
}

/* A list of n structs. With `present`, a struct whose first member (its id) is 0 is null. */
static gov_value *glue_list(const glue_struct *s, const void *base, size_t n, int present)
{
    glue_text t = {0};
    gov_value *out = NULL;
    glue_put(&t, "[");
    for (size_t i = 0; i < n; i++) {
        const char *at = (const char *)base + i * s->size;
        int64_t id;
        memcpy(&id, at, sizeof id);
        if (i > 0)
            glue_put(&t, ",");
        if (present && id == 0)
            glue_put(&t, "null");
        else
            glue_write(&t, s, at);
    }
    glue_put(&t, "]");
    (void)glue_finish(&t, &out, NULL);
    return out;
}

static gov_value *glue_results(const gov_ledger_result *results, size_t n)
{
    glue_text t = {0};
    gov_value *out = NULL;
    glue_put(&t, "[");
    for (size_t i = 0; i < n; i++) {
        const char *name = gov_ledger_result_name(results[i].code);
        glue_put(&t, i > 0 ? ",{\"result\":" : "{\"result\":");
        glue_string(&t, name != NULL ? name : "?", name != NULL ? strlen(name) : 1);
        glue_put(&t, ",\"code\":");
        glue_int(&t, results[i].code);
        glue_put(&t, ",\"timestamp\":");
        glue_int(&t, results[i].timestamp);
        glue_put(&t, ",\"warnings\":[");
        if (results[i].warnings & GOV_LEDGER_WARN_MIN)
            glue_put(&t, "\"warn_min\"");
        if (results[i].warnings & GOV_LEDGER_WARN_MAX)
            glue_put(&t, results[i].warnings & GOV_LEDGER_WARN_MIN ? ",\"warn_max\"" : "\"warn_max\"");
        glue_put(&t, "]}");
    }
    glue_put(&t, "]");
    (void)glue_finish(&t, &out, NULL);
    return out;
}

static gov_value *glue_ids(const int64_t *ids, size_t n)
{
    glue_text t = {0};
    gov_value *out = NULL;
    glue_put(&t, "[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            glue_put(&t, ",");
        glue_int(&t, ids[i]);
    }
    glue_put(&t, "]");
    (void)glue_finish(&t, &out, NULL);
    return out;
}

#endif
