/* How wide text is, without knowing the font: Latin letters by the widths that sans-serif faces have in common, CJK and
 * what else takes a full square by the size of the type. Both a little generous. */
#include "diagram/inner.h"

#include <string.h>

static const struct {
    int32_t size, line;
    int32_t stretch; /* per mille of the widths below: bold letters are wider */
} styles[DIAGRAM_STYLES] = {
    [DIAGRAM_TITLE] = {14, 19, 1130}, [DIAGRAM_NAME] = {11, 15, 1050},  [DIAGRAM_SMALL] = {12, 16, 1050},
    [DIAGRAM_GUARD] = {11, 15, 1050}, [DIAGRAM_DOES] = {11, 15, 1050}, [DIAGRAM_HEAD] = {22, 30, 1130},
};

/* Thousandths of the size, from U+0020 on. */
static const uint16_t widths[] = {
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556,
    556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
};

static bool is_wide(uint32_t cp)
{
    static const uint32_t ranges[][2] = {
        {0x1100, 0x115F}, {0x2018, 0x201D}, {0x2190, 0x23FF}, {0x2460, 0x24FF}, {0x25A0, 0x27BF}, {0x2E80, 0x303E}, {0x3041, 0x33FF},
        {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xA000, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
        {0xFE30, 0xFE6F}, {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD},
    };
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (cp >= ranges[i][0] && cp <= ranges[i][1])
            return true;
    return false;
}

static bool is_mark(uint32_t cp) /* takes no room of its own */
{
    return (cp >= 0x0300 && cp <= 0x036F) || (cp >= 0x200B && cp <= 0x200F) || (cp >= 0xFE00 && cp <= 0xFE0F);
}

static int32_t width_of(uint32_t cp, diagram_style style)
{
    if (is_mark(cp))
        return 0;
    if (is_wide(cp))
        return styles[style].size * 1000;
    const int32_t w = cp >= 0x20 && cp - 0x20 < ARRAY_LEN(widths) ? widths[cp - 0x20] : 620;
    return w * styles[style].stretch / 1000 * styles[style].size;
}

int32_t diagram_measure(const char *s, size_t len, diagram_style style)
{
    int64_t sum = 0;
    for (size_t at = 0, n; at < len; at += n) {
        uint32_t cp;
        n = base_utf8_next(s + at, len - at, &cp);
        if (n == 0)
            break;
        sum += width_of(cp, style);
    }
    return sum > 100000000 ? 100000 : (int32_t)((sum + 999) / 1000);
}

int32_t diagram_line_height(diagram_style style)
{
    return styles[style].line;
}

static void add_line(diagram_job *g, diagram_text *t, const char *s, size_t len, diagram_style style)
{
    diagram_line *lines = diagram_grow(g, t->lines, t->count, &t->cap, sizeof *t->lines);
    if (lines == NULL)
        return;
    t->lines = lines;
    const int32_t w = diagram_measure(s, len, style);
    lines[t->count++] = (diagram_line){s, (uint32_t)len, w, (uint8_t)style};
    t->w = w > t->w ? w : t->w;
    t->h += styles[style].line;
}

/* The last line of those allowed, cut so that "…" fits. */
static void add_cut(diagram_job *g, diagram_text *t, const char *s, size_t len, diagram_style style, int32_t width)
{
    size_t keep = 0;
    int32_t w = diagram_measure("…", 3, style);
    for (size_t n; keep < len; keep += n) {
        uint32_t cp;
        n = base_utf8_next(s + keep, len - keep, &cp);
        if (n == 0)
            break;
        w += (width_of(cp, style) + 999) / 1000;
        if (w > width)
            break;
    }
    while (keep > 0 && s[keep - 1] == ' ')
        keep--;
    char *cut = diagram_alloc(g, keep + 4, 1);
    if (cut == NULL)
        return;
    memcpy(cut, s, keep);
    memcpy(cut + keep, "…", 3);
    add_line(g, t, cut, keep + 3, style);
}

/* Where the next line ends: at the last blank or beside the last CJK character that fits. */
static size_t fitting(const char *s, size_t len, diagram_style style, int32_t width)
{
    int32_t w = 0;
    size_t good = 0;
    for (size_t at = 0, n; at < len; at += n) {
        uint32_t cp, next = ' ';
        n = base_utf8_next(s + at, len - at, &cp);
        if (n == 0)
            return at > 0 ? at : len;
        w += width_of(cp, style);
        if (w / 1000 > width && at > 0)
            return good > 0 ? good : at;
        if (at + n < len)
            (void)base_utf8_next(s + at + n, len - at - n, &next);
        /* No line begins with a mark that closes something. */
        const bool closing = next == 0x3001 || next == 0x3002 || next == 0xFF0C || next == 0xFF1B || next == 0xFF1A ||
                             next == 0xFF09 || next == 0x201D;
        if (cp == ' ' || (!closing && (is_wide(cp) || is_wide(next))))
            good = at + n;
    }
    return len;
}

void diagram_wrap(diagram_job *g, diagram_text *t, const char *s, diagram_style style, int32_t width, uint32_t most)
{
    size_t len = strlen(s);
    for (uint32_t i = 0; len > 0 && !g->failed; i++) {
        const size_t take = fitting(s, len, style, width);
        if (i + 1 == most && take < len) {
            add_cut(g, t, s, len, style, width);
            return;
        }
        size_t shown = take;
        while (shown > 0 && s[shown - 1] == ' ')
            shown--;
        add_line(g, t, s, shown, style);
        s += take;
        len -= take;
    }
}
