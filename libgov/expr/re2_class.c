/* RE2's classes and escapes. All that stands for one character becomes the inside of a PCRE2 class, written in code points. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "expr/re2.h"

#include <pcre2.h>
#include <string.h>

/* Since 10.40 a bare name also means the characters that a script shares with others. */
#if PCRE2_MAJOR > 10 || PCRE2_MINOR >= 40
#define SCRIPT "sc:"
#else
#define SCRIPT ""
#endif

enum { HIGHEST = 0x10ffff, LONG_S = 0x17f, KELVIN = 0x212a };

/* Sets of ASCII characters: pairs of first and last. */
typedef struct ascii_set {
    const char *name;
    uint8_t pairs;
    uint8_t at[8];
} ascii_set;

static const ascii_set posix_sets[] = {
    {"alnum", 3, {'0', '9', 'A', 'Z', 'a', 'z'}},
    {"alpha", 2, {'A', 'Z', 'a', 'z'}},
    {"ascii", 1, {0, 0x7f}},
    {"blank", 2, {'\t', '\t', ' ', ' '}},
    {"cntrl", 2, {0, 0x1f, 0x7f, 0x7f}},
    {"digit", 1, {'0', '9'}},
    {"graph", 1, {'!', '~'}},
    {"lower", 1, {'a', 'z'}},
    {"print", 1, {' ', '~'}},
    {"punct", 4, {'!', '/', ':', '@', '[', '`', '{', '~'}},
    {"space", 2, {'\t', '\r', ' ', ' '}},
    {"upper", 1, {'A', 'Z'}},
    {"word", 4, {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}},
    {"xdigit", 3, {'0', '9', 'A', 'F', 'a', 'f'}},
};
static const ascii_set digits = {"d", 1, {'0', '9'}};
static const ascii_set spaces = {"s", 3, {'\t', '\n', '\f', '\r', ' ', ' '}}; /* no vertical tab */
static const ascii_set words = {"w", 4, {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}};

static const char categories[] = " C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe "
                                 "Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs Any ";

static const char scripts[] =
    " Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak "
    "Bengali "
    "Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian "
    "Caucasian_Albanian "
    "Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret "
    "Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian "
    "Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Han Hangul Hanifi_Rohingya "
    "Hanunoo "
    "Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi "
    "Inscriptional_Parthian "
    "Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki "
    "Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar "
    "Malayalam "
    "Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui "
    "Meroitic_Cursive "
    "Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari "
    "Nandinagari "
    "New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic "
    "Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur "
    "Oriya "
    "Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang "
    "Runic "
    "Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo "
    "Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa "
    "Tangut "
    "Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi "
    "Yezidi Yi "
    "Zanabazar_Square ";

static bool wrong(re2_text *t, const char *why)
{
    t->why = why;
    return false;
}

bool re2_is(const re2_text *t, size_t ahead, char ch)
{
    return t->len - t->at > ahead && t->s[t->at + ahead] == ch;
}

bool re2_next(re2_text *t, uint32_t *cp)
{
    const size_t n = t->at < t->len ? base_utf8_next(t->s + t->at, t->len - t->at, cp) : 0;
    if (n == 0)
        return wrong(t, t->at < t->len ? "it is not UTF-8" : "it ends too early");
    t->at += n;
    return true;
}

bool re2_range(base_buf *out, uint32_t low, uint32_t high)
{
    if (low >= 0xd800 && low <= 0xdfff) /* surrogates are in no text, and PCRE2 refuses them */
        low = 0xe000;
    if (high >= 0xd800 && high <= 0xdfff)
        high = 0xd7ff;
    if (low > high)
        return false;
    base_buf_fmt(out, "\\x{%x}", (unsigned)low);
    if (low != high)
        base_buf_fmt(out, "-\\x{%x}", (unsigned)high);
    return true;
}

/* ---- escapes ---- */

static int hex_of(uint32_t ch)
{
    if (ch >= '0' && ch <= '9')
        return (int)(ch - '0');
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? (int)(ch - 'a' + 10) : -1;
}

static bool hex_escape(re2_text *t, uint32_t *cp)
{
    static const char malformed[] = "\\x takes two hexadecimal digits, or a character in braces";
    uint32_t ch, sum = 0;
    const bool braces = re2_is(t, 0, '{');
    size_t count = 0;
    t->at += braces;
    while (braces ? !re2_is(t, 0, '}') : count < 2) {
        if (!re2_next(t, &ch) || hex_of(ch) < 0)
            return wrong(t, malformed);
        sum = sum * 16 + (uint32_t)hex_of(ch);
        if (sum > HIGHEST)
            return wrong(t, "there is no such character");
        count++;
    }
    t->at += braces;
    *cp = sum;
    return count > 0 || wrong(t, malformed);
}

/* \0, \01, \012, \123; a single digit but 0 would be a back reference. */
static bool octal_escape(re2_text *t, uint32_t first, uint32_t *cp)
{
    const bool more = t->at < t->len && t->s[t->at] >= '0' && t->s[t->at] <= '7';
    if (first > '7' || (first != '0' && !more))
        return wrong(t, "there are no back references");
    *cp = first - '0';
    for (int i = 0; i < 2 && t->at < t->len && t->s[t->at] >= '0' && t->s[t->at] <= '7'; i++)
        *cp = *cp * 8 + (uint32_t)(t->s[t->at++] - '0');
    return true;
}

bool re2_escaped(re2_text *t, uint32_t *cp)
{
    static const char names[] = "afnrtv", bytes[] = "\a\f\n\r\t\v";
    uint32_t ch;
    if (t->at >= t->len)
        return wrong(t, "it ends in a backslash");
    if (!re2_next(t, &ch))
        return false;
    if (ch >= '0' && ch <= '9')
        return octal_escape(t, ch, cp);
    if (ch == 'x')
        return hex_escape(t, cp);
    if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch >= 0x80) {
        const char *known = ch < 0x80 ? strchr(names, (int)ch) : NULL;
        if (known == NULL)
            return wrong(t, "unknown escape");
        ch = (uint32_t)bytes[known - names];
    }
    *cp = ch;
    return true;
}

/* ---- sets of ASCII characters ---- */

static void outside_ascii(const re2_text *t, bool with_s, bool with_k)
{
    if (!t->fold || (!with_s && !with_k)) {
        (void)re2_range(t->out, 0x80, HIGHEST);
        return;
    }
    (void)re2_range(t->out, 0x80, with_s ? LONG_S - 1 : KELVIN - 1);
    if (with_s)
        (void)re2_range(t->out, LONG_S + 1, with_k ? KELVIN - 1 : HIGHEST);
    if (with_k)
        (void)re2_range(t->out, KELVIN + 1, HIGHEST);
}

static void add_set(const re2_text *t, const ascii_set *set, bool negative)
{
    bool in[128] = {false};
    for (size_t i = 0; i < set->pairs; i++) {
        if (!negative)
            (void)re2_range(t->out, set->at[2 * i], set->at[2 * i + 1]);
        for (unsigned ch = set->at[2 * i]; ch <= set->at[2 * i + 1]; ch++)
            in[ch] = true;
    }
    if (!negative)
        return;
    /* What is left out must be left out in either case: an opposite is taken of the letters with their other cases. */
    for (unsigned ch = 'A'; t->fold && ch <= 'Z'; ch++)
        in[ch] = in[ch | 0x20] = in[ch] || in[ch | 0x20];
    for (uint32_t ch = 0; ch < 128; ch++) {
        const uint32_t start = ch;
        while (ch < 128 && !in[ch])
            ch++;
        if (ch > start)
            (void)re2_range(t->out, start, ch - 1);
    }
    outside_ascii(t, in['s'], in['k']);
}

/* ---- \p{...} ---- */

static bool listed(const char *names, const char *name, size_t len)
{
    for (const char *p = names; (p = strchr(p, ' ')) != NULL && p[1] != '\0'; p++)
        if (strncmp(p + 1, name, len) == 0 && p[1 + len] == ' ')
            return true;
    return false;
}

static bool add_property(re2_text *t, const char *name, size_t len, bool negative)
{
    const char *const sign = negative ? "\\P{" : "\\p{";
    for (size_t i = 0; i < len; i++)
        if (name[i] == ' ')
            return wrong(t, "unknown property");
    if (listed(scripts, name, len)) {
        base_buf_fmt(t->out, "%s" SCRIPT "%.*s}", sign, (int)len, name);
        return true;
    }
    if (!listed(categories, name, len))
        return wrong(t, "unknown property");
    if (len == 1 && name[0] == 'C') /* RE2's has no unassigned ones */
        base_buf_str(t->out, negative ? "\\P{C}\\p{Cn}" : "\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}");
    else if (t->fold && len == 2 && name[0] == 'L' && strchr("ult", name[1]) != NULL)
        base_buf_fmt(t->out, "%sL&}", sign);
    else
        base_buf_fmt(t->out, "%s%.*s}", sign, (int)len, name);
    return true;
}

static bool property(re2_text *t, bool negative)
{
    uint32_t cp;
    size_t start = t->at, end;
    if (!re2_is(t, 0, '{')) {
        if (!re2_next(t, &cp))
            return wrong(t, "a property has no name");
        return add_property(t, t->s + start, t->at - start, negative);
    }
    const char *close = memchr(t->s + start, '}', t->len - start);
    if (close == NULL)
        return wrong(t, "a property's name is not closed");
    end = (size_t)(close - t->s);
    t->at = end + 1;
    start++;
    if (start < end && t->s[start] == '^') {
        negative = !negative;
        start++;
    }
    if (start == end)
        return wrong(t, "a property has no name");
    return add_property(t, t->s + start, end - start, negative);
}

bool re2_group(re2_text *t)
{
    if (!re2_is(t, 0, '\\') || t->len - t->at < 2)
        return false;
    const char ch = t->s[t->at + 1];
    if (ch == 'p' || ch == 'P') {
        t->at += 2;
        return property(t, ch == 'P');
    }
    const ascii_set *set = (ch | 0x20) == 'd'   ? &digits
                           : (ch | 0x20) == 's' ? &spaces
                           : (ch | 0x20) == 'w' ? &words
                                                : NULL;
    if (set == NULL)
        return false;
    t->at += 2;
    add_set(t, set, ch < 'a');
    return true;
}

/* ---- [...] ---- */

/* [:name:] within a class. False: no such thing stands there, or its name is unknown (why is set). */
static bool posix(re2_text *t)
{
    const char *end = NULL;
    for (size_t i = t->at + 2; i + 1 < t->len && end == NULL; i++)
        if (t->s[i] == ':' && t->s[i + 1] == ']')
            end = t->s + i;
    if (end == NULL)
        return false;
    const char *name = t->s + t->at + 2;
    const bool negative = name < end && *name == '^';
    name += negative;
    const size_t len = (size_t)(end - name);
    for (size_t i = 0; i < ARRAY_LEN(posix_sets); i++) {
        if (strlen(posix_sets[i].name) == len && memcmp(posix_sets[i].name, name, len) == 0) {
            add_set(t, &posix_sets[i], negative);
            t->at = (size_t)(end - t->s) + 2;
            return true;
        }
    }
    return wrong(t, "unknown class");
}

static bool class_char(re2_text *t, uint32_t *cp)
{
    if (t->at >= t->len)
        return wrong(t, "a bracket is not closed");
    if (!re2_next(t, cp))
        return false;
    return *cp != '\\' || re2_escaped(t, cp);
}

static bool class_item(re2_text *t)
{
    uint32_t low, high;
    if (re2_is(t, 0, '[') && re2_is(t, 1, ':') && posix(t))
        return true;
    if (t->why != NULL || re2_group(t))
        return t->why == NULL;
    if (t->why != NULL || !class_char(t, &low))
        return false;
    high = low;
    if (re2_is(t, 0, '-') && t->len - t->at > 1 && !re2_is(t, 1, ']')) {
        t->at++;
        if (!class_char(t, &high))
            return false;
    }
    if (high < low)
        return wrong(t, "a range of a class runs backwards");
    (void)re2_range(t->out, low, high);
    return true;
}

bool re2_class(re2_text *t)
{
    t->at++;
    const bool negative = re2_is(t, 0, '^');
    t->at += negative;
    base_buf_char(t->out, '[');
    if (negative)
        base_buf_char(t->out, '^');
    const size_t start = t->out->len;
    for (bool first = true; first || !re2_is(t, 0, ']'); first = false)
        if (!class_item(t))
            return false;
    t->at++;
    if (t->out->len == start && !t->out->failed) { /* only surrogates */
        t->out->len = start - 1 - negative;
        base_buf_str(t->out, negative ? "[\\x{0}-\\x{10ffff}" : "[^\\x{0}-\\x{10ffff}");
    }
    base_buf_char(t->out, ']');
    return true;
}
