/* The values for which a comparison with a constant holds. Comparing orders what is kept along a line, so they are one stretch of
 * it; the language's own rules (an int beside a double, fractions of a microsecond) decide where it ends. */
#include "access/filter.h"

#include <math.h>
#include <string.h>

static stretch *filter_set_add(translation *t, set *s)
{
    if (s->count == s->cap) {
        const size_t cap = s->cap == 0 ? 4 : s->cap * 2;
        stretch *grown = filter_memory(t, cap, sizeof *grown);
        if (grown == NULL)
            return NULL;
        if (s->count > 0)
            memcpy(grown, s->items, s->count * sizeof *grown);
        s->items = grown;
        s->cap = cap;
    }
    s->items[s->count] = (stretch){0};
    return &s->items[s->count++];
}

/* ---- numbers and times ---- */

/* Where a kept number lies beside the constant. */
typedef struct mark {
    value v;    /* of an int: int, uint or double */
    int64_t us; /* of a time: down to whole microseconds, and is there a rest? */
    bool rest;
} mark;

static int beside(unsigned domain, int64_t kept, const mark *m)
{
    if (domain != ACCESS_INT)
        return kept > m->us ? 1 : kept < m->us || m->rest ? -1 : 0;
    switch (m->v.kind) {
    case VALUE_INT: return (kept > m->v.as.i) - (kept < m->v.as.i);
    case VALUE_UINT:
        return kept < 0 || m->v.as.u > INT64_MAX
                   ? -1
                   : ((uint64_t)kept > m->v.as.u) - ((uint64_t)kept < m->v.as.u);
    default: /* as the double nearest to it */
        return ((double)kept > m->v.as.d) - ((double)kept < m->v.as.d);
    }
}

/* The last number that is less than the constant (or, with `equal`, not greater). False: there is none. */
static bool last_below(unsigned domain, const mark *m, bool equal, int64_t *out)
{
    int64_t low = INT64_MIN, high = INT64_MAX;
    if (beside(domain, low, m) >= (equal ? 1 : 0))
        return false;
    while (low < high) {
        const uint64_t gap = (uint64_t)high - (uint64_t)low;
        const int64_t mid = (int64_t)((uint64_t)low + gap / 2 + gap % 2);
        if (beside(domain, mid, m) < (equal ? 1 : 0))
            low = mid;
        else
            high = mid - 1;
    }
    *out = low;
    return true;
}

static bool add_numbers(translation *t, set *s, int64_t low, int64_t high)
{
    if (low > high)
        return true;
    stretch *x = filter_set_add(t, s);
    if (x == NULL)
        return false;
    *x = (stretch){.one = low == high,
                   .has_low = low != INT64_MIN,
                   .has_high = high != INT64_MAX,
                   .low = low,
                   .high = high};
    return true;
}

static bool number_set(translation *t, unsigned domain, const mark *m, const char *sign, set *out)
{
    int64_t less, same;
    const bool any_less = last_below(domain, m, false, &less),
               any = last_below(domain, m, true, &same);
    const bool equal = sign[1] != '\0';
    /* The place of -0.0 is empty: what is below 0 ends before it. */
    if (domain == ACCESS_DOUBLE && any_less && less == -1 && sign[0] == '<')
        less = -2;
    switch (sign[0]) {
    case '<':
        return equal ? !any || add_numbers(t, out, INT64_MIN, same)
                     : !any_less || add_numbers(t, out, INT64_MIN, less);
    case '>':
        if (equal)
            return (any_less && less == INT64_MAX) ||
                   add_numbers(t, out, any_less ? less + 1 : INT64_MIN, INT64_MAX);
        return (any && same == INT64_MAX) ||
               add_numbers(t, out, any ? same + 1 : INT64_MIN, INT64_MAX);
    default:
        return !any || (any_less && less == same) ||
               add_numbers(t, out, any_less ? less + 1 : INT64_MIN, same);
    }
}

/* Doubles are kept by their bits, turned so that they sort as the numbers do; both zeros are one. */
static int64_t double_place(double d)
{
    int64_t bits;
    const double plain = d == 0 ? 0 : d;
    memcpy(&bits, &plain, sizeof bits);
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

static bool time_mark(value v, mark *m)
{
    int64_t us;
    const int32_t rest = v.nanos % 1000;
    v.nanos -= rest;
    if (!value_to_us(v, &us))
        return false;
    m->rest = rest != 0;
    m->us = rest < 0 ? us - 1 : us;
    return true;
}

static bool is_number(value v)
{
    return v.kind == VALUE_INT || v.kind == VALUE_UINT || v.kind == VALUE_DOUBLE;
}

/* ---- texts ---- */

static bool add_text(translation *t, set *s, value v, const char *sign)
{
    const char *nul = v.len > 0 ? memchr(v.as.s, '\0', v.len) : NULL;
    const bool equal = sign[1] != '\0';
    stretch *x;
    if (nul != NULL && sign[0] != '<' && sign[0] != '>')
        return true; /* no stored text has one */
    x = filter_set_add(t, s);
    if (x == NULL)
        return false;
    /* Beside texts without U+0000, one that has it lies right behind what comes before it. */
    const size_t len = nul != NULL ? (size_t)(nul - v.as.s) : v.len;
    const bool out = nul != NULL ? sign[0] == '>' : !equal;
    switch (sign[0]) {
    case '<':
        *x = (stretch){.has_high = true, .high_out = out, .high_text = v.as.s, .high_len = len};
        return true;
    case '>':
        *x = (stretch){.has_low = true, .low_out = out, .low_text = v.as.s, .low_len = len};
        return true;
    default: *x = (stretch){.one = true, .low_text = v.as.s, .low_len = len}; return true;
    }
}

/* The texts that begin so are those from it up to the first that begins with the next character in its last place. */
bool filter_set_prefix(translation *t, value prefix, set *out)
{
    char *next = filter_memory(t, prefix.len + 4, 1);
    size_t len = prefix.len;
    stretch *x = next != NULL ? filter_set_add(t, out) : NULL;
    if (x == NULL)
        return false;
    if (prefix.len == 0)
        return true;
    memcpy(next, prefix.as.s, prefix.len);
    *x = (stretch){.has_low = true, .low_text = prefix.as.s, .low_len = prefix.len};
    while (len > 0) {
        uint32_t cp = 0;
        do
            len--;
        while (len > 0 && ((unsigned char)next[len] & 0xC0) == 0x80);
        (void)base_utf8_next(prefix.as.s + len, prefix.len - len, &cp);
        if (cp == 0x10FFFF)
            continue; /* the last one: the place before it moves on */
        const size_t size = base_utf8_put(cp == 0xD7FF ? 0xE000 : cp + 1, next + len);
        x->has_high = x->high_out = true;
        x->high_text = next;
        x->high_len = len + size;
        return true;
    }
    return true;
}

static bool text_set(translation *t, const expr_node *n, const operand *x, const char *sign,
                     value v, set *out)
{
    const bool ordered = sign[0] == '<' || sign[0] == '>';
    if (v.kind != VALUE_STRING)
        return !ordered;
    if (ordered && x->words && v.len > ACCESS_WORD_TEXT) {
        REFUSE(t, n, M_filter_long, A_I("limit", ACCESS_WORD_TEXT));
        return false;
    }
    return add_text(t, out, v, sign);
}

/* ---- records by their keys ---- */

static bool key_set(translation *t, const expr_node *n, const operand *x, const char *sign, value v,
                    set *out)
{
    int64_t id;
    if (sign[0] == '<' || sign[0] == '>') {
        REFUSE(t, n, M_filter_key, A_S("field", x->column->name));
        return false;
    }
    if (v.kind != VALUE_STRING || (v.len > 0 && memchr(v.as.s, '\0', v.len) != NULL))
        return true;
    const gov_status status = t->how->find(t->g, x->column->kind, v.as.s, v.len, &id, t->d);
    if (status != GOV_OK)
        filter_fail(t, status);
    return status == GOV_OK && (id == 0 || add_numbers(t, out, id, id));
}

/* ---- */

bool filter_set(translation *t, const expr_node *n, const operand *x, const char *sign, value v,
                set *out)
{
    const bool ordered = sign[0] == '<' || sign[0] == '>';
    mark m = {.v = v};
    out->equality = !ordered;
    if (x->domain == ACCESS_KEY)
        return v.kind == VALUE_NULL && !ordered ? (out->null = true)
                                                : key_set(t, n, x, sign, v, out);
    if (v.kind == VALUE_NULL) {
        out->null = true;
        return !ordered;
    }
    switch (x->domain) {
    case ACCESS_TEXT: return text_set(t, n, x, sign, v, out);
    case ACCESS_INT:
        if (!is_number(v))
            return !ordered;
        return (v.kind == VALUE_DOUBLE && isnan(v.as.d)) ||
               number_set(t, ACCESS_INT, &m, sign, out);
    case ACCESS_DOUBLE:
        if (!is_number(v))
            return !ordered;
        m.us = double_place(v.kind == VALUE_DOUBLE ? v.as.d
                            : v.kind == VALUE_INT  ? (double)v.as.i
                                                   : (double)v.as.u);
        return (v.kind == VALUE_DOUBLE && isnan(v.as.d)) ||
               number_set(t, ACCESS_DOUBLE, &m, sign, out);
    case ACCESS_TIME:
    case ACCESS_SPAN:
        if (v.kind != (x->domain == ACCESS_TIME ? VALUE_TIMESTAMP : VALUE_DURATION))
            return !ordered;
        return time_mark(v, &m) && number_set(t, x->domain, &m, sign, out);
    default: REFUSE(t, n, M_filter_term); return false;
    }
}
