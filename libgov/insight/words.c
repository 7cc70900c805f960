/* Words and numbers as people read them, in Chinese and English. */
#include "insight/insight.h"

#include <string.h>

const char *insight_say(const insight_writer *w, insight_word word)
{
    static const struct {
        const char *en, *zh;
    } words[] = {
#define WORD(name, en, zh) {en, zh},
#include "insight/words.def"
#undef WORD
    };
    return w->zh ? words[word].zh : words[word].en;
}

void insight_write_number(base_buf *out, int64_t n)
{
    char digits[24];
    const size_t len = base_format_int(n, digits);
    const size_t sign = digits[0] == '-';
    for (size_t i = 0; i < len; i++) {
        if (i > sign && (len - i) % 3 == 0)
            base_buf_char(out, ',');
        base_buf_char(out, digits[i]);
    }
}

void insight_write_count(base_buf *out, value count)
{
    if (count.kind == VALUE_INT)
        insight_write_number(out, count.as.i);
    else if (count.kind == VALUE_STRING)
        base_buf_add(out, count.as.s, count.len);
    else
        base_buf_str(out, "-");
}

static void write_tenths(base_buf *out, int64_t permille)
{
    insight_write_number(out, permille / 10);
    base_buf_char(out, '.');
    base_buf_char(out, (char)('0' + permille % 10));
}

void insight_write_percent(base_buf *out, value permille)
{
    if (permille.kind != VALUE_INT) {
        base_buf_str(out, permille.kind == VALUE_STRING ? "*" : "-");
        return;
    }
    write_tenths(out, permille.as.i);
    base_buf_char(out, '%');
}

void insight_write_signed_points(base_buf *out, int64_t permille)
{
    base_buf_str(out, permille > 0 ? "+" : permille < 0 ? "-" : "");
    write_tenths(out, permille < 0 ? -permille : permille);
}

void insight_write_span(const insight_writer *w, base_buf *out, value seconds)
{
    static const struct {
        int64_t length;
        insight_word word;
    } units[] = {{86400, W_day_unit}, {3600, W_hour_unit}, {60, W_minute_unit}, {1, W_second_unit}};
    if (seconds.kind != VALUE_INT) {
        base_buf_str(out, seconds.kind == VALUE_STRING ? "*" : "-");
        return;
    }
    int64_t left = seconds.as.i > 0 ? seconds.as.i : 0;
    size_t i = 0;
    while (i < ARRAY_LEN(units) - 1 && left < units[i].length)
        i++;
    for (size_t k = i; k < ARRAY_LEN(units) && k < i + 2; k++) {
        const int64_t n = left / units[k].length;
        left %= units[k].length;
        if (k > i && n == 0)
            break;
        base_buf_str(out, k > i ? " " : "");
        insight_write_number(out, n);
        base_buf_char(out, ' ');
        base_buf_str(out, insight_say(w, units[k].word));
    }
}

/* ---- widths ---- */

static bool between(uint32_t cp, const uint32_t (*ranges)[2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cp >= ranges[i][0] && cp <= ranges[i][1])
            return true;
    return false;
}

size_t insight_width(const char *s, size_t len)
{
    static const uint32_t wide[][2] = {{0x1100, 0x115F}, {0x2E80, 0x303E}, {0x3041, 0xA4CF}, {0xA960, 0xA97F}, {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF}, {0xFE30, 0xFE6F}, {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F},
                                       {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
    static const uint32_t none[][2] = {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
    size_t width = 0;
    uint32_t cp;
    for (size_t i = 0, took; i < len && (took = base_utf8_next(s + i, len - i, &cp)) > 0; i += took)
        width += between(cp, none, ARRAY_LEN(none)) ? 0 : between(cp, wide, ARRAY_LEN(wide)) ? 2 : 1;
    return width;
}

/* ---- outside text ---- */

static bool steers(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069) ||
           cp == 0x200E || cp == 0x200F || cp == 0x061C || cp == 0xFEFF || (cp & 0xFFFE) == 0xFFFE;
}

static const char *entity(char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

static void write_outside(base_buf *out, const char *s, size_t len, bool escape)
{
    size_t i = 0;
    while (i < len) {
        uint32_t cp;
        const size_t took = base_utf8_next(s + i, len - i, &cp);
        const char *e = escape && took == 1 ? entity(s[i]) : NULL;
        if (took == 0) {
            base_buf_str(out, "\xEF\xBF\xBD");
            i++;
            continue;
        }
        if (cp == '\t' || cp == '\n' || cp == '\r')
            base_buf_char(out, ' ');
        else if (steers(cp))
            base_buf_str(out, "\xEF\xBF\xBD");
        else if (e != NULL)
            base_buf_str(out, e);
        else
            base_buf_add(out, s + i, took);
        i += took;
    }
}

void insight_write_safe(base_buf *out, const char *s, size_t len)
{
    write_outside(out, s, len, false);
}

void insight_write_escaped(base_buf *out, const char *s, size_t len)
{
    write_outside(out, s, len, true);
}

/* ---- members of the figures ---- */

value insight_in(value map, const char *path)
{
    for (;;) {
        const char *dot = strchr(path, '.');
        const size_t len = dot != NULL ? (size_t)(dot - path) : strlen(path);
        map = value_get(map, path, len);
        if (dot == NULL)
            return map;
        path = dot + 1;
    }
}

int64_t insight_int(value map, const char *path)
{
    const value v = insight_in(map, path);
    return v.kind == VALUE_INT ? v.as.i : 0;
}

const char *insight_text(value map, const char *path, size_t *len)
{
    const value v = insight_in(map, path);
    *len = v.kind == VALUE_STRING ? v.len : 0;
    return v.kind == VALUE_STRING ? v.as.s : "";
}
