/* What an input method writes where it was left on: full-width signs, digits and letters, and blanks that are none for YAML. In a text
 * they are welcome; where a name, a number or a duration is due, the mistake is named by the character. */
#include "rulebook/load.h"

#include <string.h>

static const char *sign_of(uint32_t cp)
{
    static const struct {
        uint32_t cp;
        const char *half;
    } signs[] = {{0x201c, "\""}, {0x201d, "\""}, {0x2018, "'"}, {0x2019, "'"}, {0x3001, ","}, {0x3002, "."}, {0x3008, "<"}, {0x3009, ">"},
                 {0x300c, "\""}, {0x300d, "\""}, {0x3010, "["}, {0x3011, "]"}, {0x3014, "["}, {0x3015, "]"}, {0x2264, "<="}, {0x2265, ">="},
                 {0x2260, "!="}, {0x00d7, "*"}, {0x00f7, "/"}};
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (signs[i].cp == cp)
            return signs[i].half;
    return NULL;
}

size_t rb_half(const char *text, size_t len, char half[4])
{
    uint32_t cp = 0;
    const size_t n = len > 0 ? base_utf8_next(text, len, &cp) : 0;
    const char *sign = n > 1 ? sign_of(cp) : NULL;
    if (n > 1 && cp >= 0xff01 && cp <= 0xff5e) {
        half[0] = (char)(cp - 0xfee0);
        half[1] = '\0';
        return n;
    }
    if (sign == NULL)
        return 0;
    memcpy(half, sign, strlen(sign) + 1);
    return n;
}

size_t rb_blank(const char *text, size_t len, const char **name)
{
    static const struct {
        uint32_t cp;
        const char *name;
    } blanks[] = {{0x3000, "U+3000"}, {0xa0, "U+00A0"}, {0x2002, "U+2002"}, {0x2003, "U+2003"}, {0x2007, "U+2007"}, {0x2009, "U+2009"},
                  {0x200a, "U+200A"}, {0x202f, "U+202F"}, {0x205f, "U+205F"}, {0x1680, "U+1680"}};
    uint32_t cp = 0;
    const size_t n = len > 0 && (unsigned char)text[0] >= 0x80 ? base_utf8_next(text, len, &cp) : 0;
    for (size_t i = 0; i < ARRAY_LEN(blanks) && n > 0; i++)
        if (blanks[i].cp == cp) {
            *name = blanks[i].name;
            return n;
        }
    return 0;
}

/* ---- names, numbers and durations that hold one ---- */

static bool is_told_by_character(base_message m)
{
    static const base_message list[] = {M_invalid_name, M_bad_duration, M_bad_span, M_bad_weekdays, M_bad_dates, M_bad_mark, M_bad_year,
                                        M_bad_rhythm, M_bad_clock_time, M_unknown_word, M_unknown_name, M_bad_id, M_unknown_key,
                                        M_zone_unknown, M_wrong_kind, M_language_unknown, M_bad_on};
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        if (list[i] == m)
            return true;
    return false;
}

/* Other letters than those of ASCII say that the text was never meant to be a name. */
static bool only_wide(const rb_node *n, base_message m)
{
    char half[4];
    const char *name;
    if (m == M_wrong_kind && rb_half(n->as.text, n->count, half) == 0 && !(n->as.text[0] >= '0' && n->as.text[0] <= '9'))
        return false;
    for (size_t i = 0; i < n->count;) {
        size_t wide = rb_half(n->as.text + i, n->count - i, half);
        wide = wide > 0 ? wide : rb_blank(n->as.text + i, n->count - i, &name);
        if (wide == 0 && (unsigned char)n->as.text[i] >= 0x80)
            return false;
        i += wide > 0 ? wide : 1;
    }
    return true;
}

static bool report_wide(const rulebook_loader *l, const rb_node *n, gov_status *status)
{
    char half[4];
    const char *name;
    for (size_t i = 0, wide; i < n->count; i++) {
        if ((wide = rb_half(n->as.text + i, n->count - i, half)) > 0) {
            const base_place place = rb_locate(n, i);
            *status = base_fail_at(l->d, &place, M_yaml_wide, A_N("found", n->as.text + i, wide), A_S("wanted", half));
            return true;
        }
        if (rb_blank(n->as.text + i, n->count - i, &name) > 0) {
            const base_place place = rb_locate(n, i);
            *status = base_fail_at(l->d, &place, M_yaml_blank, A_S("character", name));
            return true;
        }
    }
    return false;
}

void rb_fail_node(rulebook_loader *l, const rb_node *n, const diag_report *report)
{
    const base_place place = rb_place(n);
    gov_status status = GOV_E_RULE; /* quiet: reported already */
    if (!n->quiet && !(n->kind == RB_SCALAR && is_told_by_character(report->message) && only_wide(n, report->message) &&
                      report_wide(l, n, &status)))
        status = base_report(l->d, &place, GOV_SEVERITY_ERROR, report);
    rb_note(l, status);
}
