/* Values for people: one line each, or several, indented. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* One character of UTF-8, and how many bytes it takes; bytes that are none count for themselves. */
static size_t next_char(const char *s, size_t len, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)s;
    const size_t need = p[0] < 0x80    ? 1
                        : p[0] >= 0xf0 ? 4
                        : p[0] >= 0xe0 ? 3
                        : p[0] >= 0xc0 ? 2
                                       : 1;
    *out = p[0];
    if (need == 1 || need > len)
        return 1;
    uint32_t cp = p[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 1;
        cp = cp << 6 | (p[i] & 0x3f);
    }
    *out = cp;
    return need;
}

static bool is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
}

void put_text(FILE *out, const char *s, size_t len)
{
    uint32_t cp;
    for (size_t i = 0, n; i < len; i += n) {
        n = next_char(s + i, len - i, &cp);
        if (cp == '\n' || cp == '\t')
            fputc(' ', out);
        else if (is_control(cp)) /* whoever wrote it shall not steer the reader's terminal */
            fputs("\xef\xbf\xbd", out);
        else
            fwrite(s + i, 1, n, out);
    }
}

static bool is_wide(uint32_t cp)
{
    return (cp >= 0x1100 && cp <= 0x115f) || (cp >= 0x2e80 && cp <= 0x303e) ||
           (cp >= 0x3041 && cp <= 0xa4cf) || (cp >= 0xac00 && cp <= 0xd7a3) ||
           (cp >= 0xf900 && cp <= 0xfaff) || (cp >= 0xfe30 && cp <= 0xfe6f) ||
           (cp >= 0xff00 && cp <= 0xff60) || (cp >= 0xffe0 && cp <= 0xffe6) ||
           (cp >= 0x1f300 && cp <= 0x1faff) || (cp >= 0x20000 && cp <= 0x3fffd);
}

int text_width(const char *s)
{
    const size_t len = strlen(s);
    uint32_t cp;
    int width = 0;
    for (size_t i = 0; i < len;) {
        i += next_char(s + i, len - i, &cp);
        width += (cp >= 0x300 && cp <= 0x36f) ? 0 : is_wide(cp) ? 2 : 1;
    }
    return width;
}

void put_padded(FILE *out, const char *s, int width)
{
    put_text(out, s, strlen(s));
    for (int n = text_width(s); n < width; n++)
        fputc(' ', out);
}

const char *bold(const cli *c)
{
    return c->color_out ? "\033[1m" : "";
}
const char *dim(const cli *c)
{
    return c->color_out ? "\033[2m" : "";
}
const char *red(const cli *c)
{
    return c->color_out ? "\033[31m" : "";
}
const char *green(const cli *c)
{
    return c->color_out ? "\033[32m" : "";
}
const char *plain(const cli *c)
{
    return c->color_out ? "\033[0m" : "";
}

const char *text_of(const gov_value *map, const char *key)
{
    const char *s = gov_value_string(gov_value_get(map, key), NULL);
    return s != NULL ? s : "";
}

const char *title_of(cli *c, const gov_value *v)
{
    const char *s = gov_value_string(v, NULL);
    if (s == NULL)
        s = gov_value_string(gov_value_get(v, c->zh ? "zh" : "en"), NULL);
    if (s == NULL)
        s = gov_value_string(gov_value_at(v, 0), NULL);
    return s != NULL ? s : "";
}

int64_t us_of(const gov_value *timestamp)
{
    int32_t nanos;
    const int64_t seconds = gov_value_seconds(timestamp, &nanos);
    return seconds * 1000000 + nanos / 1000;
}

char *time_of(session *s, int64_t us)
{
    char *full = NULL, *out = malloc(40);
    size_t len = 0;
    if (out == NULL || gov_time_format(s->g, us, &full, &len, NULL) != GOV_OK || len < 19) {
        gov_text_free(full);
        free(out);
        return NULL;
    }
    /* Seconds only where there are any; the zone is the community's own and need not be said. */
    const bool whole = memcmp(full + 16, ":00", 3) == 0;
    snprintf(out, 40, "%.10s %.*s", full, whole ? 5 : 8, full + 11);
    gov_text_free(full);
    return out;
}

static char *copy_of(const char *s)
{
    const size_t len = strlen(s);
    char *out = malloc(len + 1);
    if (out != NULL)
        memcpy(out, s, len + 1);
    return out;
}

/* "2 h 5 min", "3 d 4 h". */
static char *duration_line(const cli *c, int64_t seconds)
{
    char text[96];
    const bool minus = seconds < 0;
    const uint64_t n = minus ? (uint64_t)0 - (uint64_t)seconds : (uint64_t)seconds;
    const unsigned long long d = n / 86400, h = n / 3600 % 24, m = n / 60 % 60, s = n % 60;
    int at = snprintf(text, sizeof text, "%s", minus ? "-" : "");
    if (d > 0)
        at += snprintf(text + at, sizeof text - (size_t)at, T(c, "%llu d ", "%llu天"), d);
    if (h > 0)
        at += snprintf(text + at, sizeof text - (size_t)at, T(c, "%llu h ", "%llu小时"), h);
    if (m > 0)
        at += snprintf(text + at, sizeof text - (size_t)at, T(c, "%llu min ", "%llu分"), m);
    if (s > 0 || n == 0)
        at += snprintf(text + at, sizeof text - (size_t)at, T(c, "%llu s ", "%llu秒"), s);
    if (at > 0 && text[at - 1] == ' ')
        text[at - 1] = '\0';
    return copy_of(text);
}

static bool is_language_map(const gov_value *v)
{
    if (gov_value_kind(v) != GOV_VALUE_MAP || gov_value_count(v) == 0)
        return false;
    for (size_t i = 0; i < gov_value_count(v); i++) {
        const char *key = gov_value_string(gov_value_key_at(v, i), NULL);
        if (key == NULL || (strcmp(key, "zh") != 0 && strcmp(key, "en") != 0))
            return false;
    }
    return true;
}

static char *joined(session *s, const gov_value *list)
{
    char *out = copy_of("");
    for (size_t i = 0; i < gov_value_count(list) && out != NULL; i++) {
        char *item = line_of(s, gov_value_at(list, i));
        const size_t have = strlen(out), more = item != NULL ? strlen(item) : 0;
        char *longer = realloc(out, have + more + 3);
        if (longer == NULL)
            free(out);
        else
            snprintf(longer + have, more + 3, "%s%s", i > 0 ? ", " : "", item != NULL ? item : "");
        out = longer;
        free(item);
    }
    return out;
}

/* A point, or JSON for what has no better form. */
static char *map_line(session *s, const gov_value *v)
{
    char text[64], *out = NULL;
    char *json = NULL;
    const gov_value *lat = gov_value_get(v, "lat"), *lon = gov_value_get(v, "lon");
    if (is_language_map(v))
        return copy_of(title_of(s->c, v));
    if (gov_value_count(v) == 2 && gov_value_kind(lat) == GOV_VALUE_INT &&
        gov_value_kind(lon) == GOV_VALUE_INT) {
        snprintf(text, sizeof text, "%.6f, %.6f", (double)gov_value_int(lat) / 1e7,
                 (double)gov_value_int(lon) / 1e7);
        return copy_of(text);
    }
    if (gov_value_to_json(v, &json, NULL, NULL) == GOV_OK)
        out = copy_of(json);
    gov_text_free(json);
    return out;
}

char *line_of(session *s, const gov_value *v)
{
    char *json = NULL, *out;
    switch (gov_value_kind(v)) {
    case GOV_VALUE_NULL: return copy_of("-");
    case GOV_VALUE_BOOL:
        return copy_of(gov_value_bool(v) ? T(s->c, "yes", "是") : T(s->c, "no", "否"));
    case GOV_VALUE_STRING:
    case GOV_VALUE_TYPE: return copy_of(gov_value_string(v, NULL));
    case GOV_VALUE_TIMESTAMP: out = time_of(s, us_of(v)); return out != NULL ? out : copy_of("?");
    case GOV_VALUE_DURATION: return duration_line(s->c, gov_value_seconds(v, NULL));
    case GOV_VALUE_LIST: return joined(s, v);
    case GOV_VALUE_MAP: return map_line(s, v);
    default: break;
    }
    out = gov_value_to_json(v, &json, NULL, NULL) == GOV_OK ? copy_of(json) : NULL;
    gov_text_free(json);
    return out;
}

static bool is_nested(const gov_value *v)
{
    const int32_t kind = gov_value_kind(v);
    if (kind == GOV_VALUE_LIST) {
        for (size_t i = 0; i < gov_value_count(v); i++)
            if (gov_value_kind(gov_value_at(v, i)) == GOV_VALUE_MAP)
                return true;
        return false;
    }
    return kind == GOV_VALUE_MAP && !is_language_map(v) && gov_value_get(v, "lat") == NULL &&
           gov_value_count(v) > 0;
}

static void put_member(session *s, const gov_value *map, size_t i, int width, int indent)
{
    const gov_value *v = gov_value_at(map, i);
    char *key = line_of(s, gov_value_key_at(map, i));
    fprintf(stdout, "%s", dim(s->c));
    put_padded(stdout, key != NULL ? key : "?", width);
    fprintf(stdout, "%s", plain(s->c));
    free(key);
    if (gov_value_kind(v) == GOV_VALUE_LIST && gov_value_count(v) == 0) {
        fputs(T(s->c, "  (none)\n", "  （无）\n"), stdout);
    } else if (is_nested(v)) {
        fputc('\n', stdout);
        put_value(s, v, indent + 2);
    } else {
        char *line = line_of(s, v);
        fputs("  ", stdout);
        put_text(stdout, line != NULL ? line : "?", line != NULL ? strlen(line) : 1);
        fputc('\n', stdout);
        free(line);
    }
}

static void put_map(session *s, const gov_value *v, int indent, bool in_item)
{
    int width = 0;
    for (size_t i = 0; i < gov_value_count(v); i++) {
        const char *key = gov_value_string(gov_value_key_at(v, i), NULL);
        const int w = key != NULL && !is_nested(gov_value_at(v, i)) ? text_width(key) : 0;
        width = w > width ? w : width;
    }
    for (size_t i = 0; i < gov_value_count(v); i++) {
        if (i > 0 || !in_item)
            fprintf(stdout, "%*s", indent, "");
        put_member(s, v, i, width, indent);
    }
}

void put_value(session *s, const gov_value *v, int indent)
{
    if (gov_value_kind(v) == GOV_VALUE_MAP) {
        put_map(s, v, indent, false);
        return;
    }
    const bool list = gov_value_kind(v) == GOV_VALUE_LIST;
    for (size_t i = 0; i < (list ? gov_value_count(v) : 1); i++) {
        const gov_value *item = list ? gov_value_at(v, i) : v;
        fprintf(stdout, "%*s%s", indent, "", list ? "- " : "");
        if (gov_value_kind(item) == GOV_VALUE_MAP && is_nested(item)) {
            put_map(s, item, indent + 2, true);
        } else {
            char *line = line_of(s, item);
            put_text(stdout, line != NULL ? line : "?", line != NULL ? strlen(line) : 1);
            fputc('\n', stdout);
            free(line);
        }
    }
}
