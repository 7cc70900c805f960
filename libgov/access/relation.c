/* Rows whose operand lies in a set, or outside of it, written in the store's subset of SQL. */
#include "access/filter.h"

#include <stdio.h>
#include <string.h>

/* ---- values ---- */

static void write_int(translation *t, int64_t n)
{
    char text[24];
    (void)base_format_int(n, text);
    if (n == INT64_MIN)
        access_condition_text(t->out,
                              "(-9223372036854775807 - 1)"); /* its own digits are no number */
    else
        access_condition_text(t->out, text);
}

static void write_text(translation *t, const char *text, size_t len)
{
    char *copy = base_arena_strndup(t->arena, len > 0 ? text : "", len);
    if (copy == NULL)
        filter_fail(t, base_nomem(t->d));
    else
        access_condition_value(t->out, store_t(copy, len));
}

static value kept_value(unsigned domain, int64_t n)
{
    double d;
    int64_t bits = n;
    if (domain == ACCESS_TIME)
        return value_from_us(n);
    if (domain != ACCESS_DOUBLE)
        return value_int(n);
    if (bits < 0)
        bits ^= INT64_MAX;
    memcpy(&d, &bits, sizeof d);
    return value_double(d);
}

/* The letter that words of the domain begin with: what the index makes of some value. */
static char letter_of(translation *t, unsigned domain)
{
    base_buf word;
    char letter = '\0';
    base_buf_init(&word, t->g->alloc);
    access_word(&word, domain == ACCESS_TEXT   ? value_string("", 0)
                        : domain == ACCESS_FLAG ? value_bool(false)
                                                : kept_value(domain, 0));
    if (word.failed || word.len == 0)
        filter_fail(t, base_nomem(t->d));
    else
        letter = word.data[0];
    base_buf_free(&word);
    return letter;
}

/* Letters and digits only: written out, so that long lists of numbers need no parameters. */
static void write_plain_word(translation *t, const char *word, size_t len)
{
    base_buf_char(&t->out->sql, '\'');
    base_buf_add(&t->out->sql, word, len);
    base_buf_char(&t->out->sql, '\'');
}

/* A bound as it is kept. `whole`: the word of the value; else the words that begin so are what is meant. */
static void write_bound(translation *t, const operand *x, int64_t n, const char *text, size_t len,
                        bool whole)
{
    base_buf word;
    if (!x->words) {
        if (x->domain == ACCESS_TEXT)
            write_text(t, text, len);
        else
            write_int(t, n);
        return;
    }
    base_buf_init(&word, t->g->alloc);
    if (x->domain == ACCESS_TEXT && !whole) {
        base_buf_char(&word, letter_of(t, ACCESS_TEXT));
        base_buf_add(&word, text, len);
    } else {
        access_word(&word,
                     x->domain == ACCESS_TEXT ? value_string(text, len) : kept_value(x->domain, n));
    }
    if (word.failed)
        filter_fail(t, base_nomem(t->d));
    else if (x->domain == ACCESS_TEXT)
        write_text(t, word.data, word.len);
    else
        write_plain_word(t, word.data, word.len);
    base_buf_free(&word);
}

static void write_low(translation *t, const operand *x, const stretch *s)
{
    write_bound(t, x, s->low, s->low_text, s->low_len, s->one);
}

static void write_high(translation *t, const operand *x, const stretch *s)
{
    write_bound(t, x, s->high, s->high_text, s->high_len, false);
}

static void text(translation *t, const char *sql)
{
    access_condition_text(t->out, sql);
}

/* All words of the operand's kind. */
static void write_kind(translation *t, const operand *x)
{
    char letter[2] = {letter_of(t, x->domain), '\0'};
    text(t, x->sql);
    text(t, " >= ");
    write_plain_word(t, letter, 1);
    letter[0]++;
    text(t, " AND ");
    text(t, x->sql);
    text(t, " < ");
    write_plain_word(t, letter, 1);
}

/* ---- sets ---- */

static void write_ones(translation *t, const operand *x, const set *s, size_t ones, bool want)
{
    bool first = true;
    text(t, x->sql);
    if (ones > 1)
        text(t, want ? " IN (" : " NOT IN (");
    else
        text(t, want ? " = " : " <> ");
    for (size_t i = 0; i < s->count; i++) {
        if (!s->items[i].one)
            continue;
        if (!first)
            text(t, ", ");
        first = false;
        write_low(t, x, &s->items[i]);
    }
    if (ones > 1)
        text(t, ")");
}

/* One end of a stretch, or what lies beyond it. */
static void write_end(translation *t, const operand *x, const stretch *s, bool low, bool want)
{
    static const char *const signs[2][2][2] = {{{" <= ", " < "}, {" >= ", " > "}},
                                               {{" > ", " >= "}, {" < ", " <= "}}};
    text(t, x->sql);
    text(t, signs[!want][low][low ? s->low_out : s->high_out]);
    if (low)
        write_low(t, x, s);
    else
        write_high(t, x, s);
}

/* False: nothing is written, since it is all (or, unwanted, nothing) of the domain. */
static bool write_stretch(translation *t, const operand *x, const stretch *s, bool want)
{
    if (!s->has_low && !s->has_high)
        return false;
    text(t, "(");
    if (s->has_low)
        write_end(t, x, s, true, want);
    if (s->has_low && s->has_high)
        text(t, want ? " AND " : " OR ");
    if (s->has_high)
        write_end(t, x, s, false, want);
    text(t, ")");
    return true;
}

static bool has_all(const set *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (!s->items[i].one && !s->items[i].has_low && !s->items[i].has_high)
            return true;
    return false;
}

/* In the set, or outside of it, of what has a value and is not null. The caller has ruled out what is trivial. */
static void write_set(translation *t, const operand *x, const set *s, bool want)
{
    size_t ones = 0, written = 0;
    bool open = false;
    for (size_t i = 0; i < s->count; i++) {
        ones += s->items[i].one;
        open = open || (!s->items[i].one && !(s->items[i].has_low && s->items[i].has_high));
    }
    /* A word's kind is in its bounds, unless a stretch has no end, or the rest is asked for. */
    const bool kind = x->words && (open || !want);
    text(t, "(");
    if (kind) {
        write_kind(t, x);
        text(t, " AND (");
    }
    if (ones > 0) {
        write_ones(t, x, s, ones, want);
        written++;
    }
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].one)
            continue;
        t->conditions++;
        if (written++ > 0)
            text(t, want ? " OR " : " AND ");
        (void)write_stretch(t, x, &s->items[i], want);
    }
    text(t, kind ? "))" : ")");
}

/* ---- where the operand is ---- */

static void open_column(translation *t, const operand *x, bool there)
{
    const access_column *c = x->column;
    t->conditions++;
    if (c->within == NULL)
        return;
    text(t, there ? c->within : c->not_within);
    write_text(t, c->owner, strlen(c->owner));
    text(t, " AND ");
    if (c->words && !x->words) { /* computed from a text: words of other kinds have none */
        const operand word = {.domain = ACCESS_TEXT, .sql = c->sql};
        write_kind(t, &word);
        text(t, " AND ");
    }
}

static void close_column(translation *t, const operand *x)
{
    if (x->column->within != NULL)
        text(t, ")");
}

/* Only the rows that may have what is not there. */
static bool open_only(translation *t, const operand *x)
{
    const access_column *c = x->column;
    if (c->only.count == 0)
        return false;
    text(t, "(");
    text(t, c->only_sql);
    text(t, " IN (");
    for (uint32_t i = 0; i < c->only.count; i++) {
        if (i > 0)
            text(t, ", ");
        write_text(t, c->only.items[i], strlen(c->only.items[i]));
    }
    text(t, ") AND ");
    return true;
}

static outcome existing(translation *t, const operand *x)
{
    if (x->words) {
        open_column(t, x, true);
        write_kind(t, x);
        close_column(t, x);
        return SOME;
    }
    if (x->whole && x->column->within == NULL && !x->null_is_value && !x->column->missing)
        return ALWAYS; /* a column that is never NULL */
    open_column(t, x, true);
    text(t, x->sql);
    text(t, " IS NOT NULL");
    close_column(t, x);
    return SOME;
}

/* Null, or nothing there: also where another table has no row for it. */
static void write_null(translation *t, const operand *x)
{
    if (x->column->within == NULL) {
        text(t, x->sql);
        text(t, " IS NULL");
        return;
    }
    const bool only = open_only(t, x);
    open_column(t, x, false);
    text(t, x->sql);
    text(t, " IS NOT NULL");
    close_column(t, x);
    if (only)
        text(t, ")");
}

static void write_inside(translation *t, const operand *x, const set *s, bool want)
{
    open_column(t, x, true);
    write_set(t, x, s, want);
    close_column(t, x);
}

outcome filter_in_set(translation *t, const operand *x, const set *s, bool want)
{
    const bool all = has_all(s);
    const bool some = want ? s->count > 0 : !all; /* of what is not null */
    const bool null = x->null_is_value && (want ? s->null : s->equality && !s->null);
    if (t->status != GOV_OK || (!some && !null))
        return NEVER;
    const bool every = want ? all : s->count == 0;
    if (some && every && !null)
        return existing(t, x);
    if (some && every && x->whole && x->column->within == NULL)
        return ALWAYS; /* null too, and whatever else it may be */
    if (!some) {
        write_null(t, x);
        return SOME;
    }
    if (!null) {
        write_inside(t, x, s, want);
        return SOME;
    }
    text(t, "(");
    write_null(t, x);
    text(t, " OR ");
    if (every)
        (void)existing(t, x);
    else
        write_inside(t, x, s, want);
    text(t, ")");
    return SOME;
}

outcome filter_has(translation *t, const operand *x, bool want)
{
    if (x->domain == ACCESS_FLAG && !x->words) { /* wherever the name means something */
        if (x->column->only.count == 0)
            return want ? ALWAYS : NEVER;
        if (want) {
            (void)open_only(t, x);
            text(t, "1 = 1)");
        } else {
            text(t, x->column->only_sql);
            text(t, " NOT IN (");
            for (uint32_t i = 0; i < x->column->only.count; i++) {
                text(t, i > 0 ? ", " : "");
                write_text(t, x->column->only.items[i], strlen(x->column->only.items[i]));
            }
            text(t, ")");
        }
        return SOME;
    }
    if (want)
        return existing(t, x);
    if (x->column->within == NULL) {
        if (!x->null_is_value && !x->column->missing)
            return NEVER;
        text(t, x->sql);
        text(t, " IS NULL");
        return SOME;
    }
    open_column(t, x, false);
    if (x->words)
        write_kind(t, x);
    else {
        text(t, x->sql);
        text(t, " IS NOT NULL");
    }
    close_column(t, x);
    return SOME;
}

outcome filter_text_within(translation *t, const access_column *c, value one, bool want)
{
    base_buf word;
    base_buf_init(&word, t->g->alloc);
    access_word(&word, one);
    t->conditions++;
    text(t, want ? c->within : c->not_within);
    write_text(t, c->owner, strlen(c->owner));
    text(t, " AND ");
    text(t, c->sql);
    text(t, " = ");
    if (word.failed)
        filter_fail(t, base_nomem(t->d));
    else
        write_text(t, word.data, word.len);
    text(t, ")");
    base_buf_free(&word);
    return SOME;
}

outcome filter_flag(translation *t, const operand *x, bool want)
{
    if (x->domain != ACCESS_FLAG)
        return NEVER;
    if (x->words) {
        base_buf word;
        base_buf_init(&word, t->g->alloc);
        access_word(&word, value_bool(want));
        open_column(t, x, true);
        text(t, x->sql);
        text(t, " = ");
        if (word.failed)
            filter_fail(t, base_nomem(t->d));
        else
            write_plain_word(t, word.data, word.len);
        close_column(t, x);
        base_buf_free(&word);
        return SOME;
    }
    const bool only = !want && open_only(t, x);
    open_column(t, x, want);
    text(t, x->sql);
    close_column(t, x);
    if (only)
        text(t, ")");
    return SOME;
}

outcome filter_test(translation *t, const operand *x, const char *test, const char *untest,
                    const char *part, size_t len, bool want)
{
    const char *sql = want ? test : untest, *at = strchr(sql, '@');
    open_column(t, x, true);
    base_buf_add(&t->out->sql, sql, (size_t)(at - sql));
    write_text(t, part, len);
    text(t, at + 1);
    close_column(t, x);
    return SOME;
}

/* ---- states ---- */

/* A path between commas, or before a dot where a state inside it is active. */
static void write_path(translation *t, const char *path, size_t len, char end, bool want)
{
    char *part = filter_memory(t, len + 3, 1);
    if (part == NULL)
        return;
    part[0] = ',';
    if (len > 0)
        memcpy(part + 1, path, len);
    part[len + 1] = end;
    text(t, "length(replace(");
    text(t, t->how->states);
    text(t, ", ");
    write_text(t, part, len + 2);
    text(t, want ? ", '')) < length(" : ", '')) = length(");
    text(t, t->how->states);
    text(t, ")");
}

outcome filter_state(translation *t, const char *path, size_t len, bool want)
{
    t->conditions += 2;
    if (len > 0 && memchr(path, '\0', len) != NULL)
        return want ? NEVER : ALWAYS;
    text(t, "((");
    text(t, t->how->states_known);
    text(t, ") AND (");
    write_path(t, path, len, ',', want);
    text(t, want ? " OR " : " AND ");
    write_path(t, path, len, '.', want);
    text(t, "))");
    return SOME;
}

/* ---- two columns ---- */

static void write_both(translation *t, const operand *a, const char *sign, const operand *b)
{
    text(t, "(");
    text(t, a->sql);
    text(t, sign);
    text(t, b->sql);
    text(t, ")");
}

static void write_only_null(translation *t, const operand *a, const operand *b, const char *sign)
{
    text(t, " OR (");
    text(t, a->sql);
    text(t, " IS NULL AND ");
    text(t, b->sql);
    text(t, sign);
    text(t, ")");
}

outcome filter_pair(translation *t, const expr_node *n, const operand *a, const operand *b,
                    const char *sign, bool want)
{
    static const char *const signs[] = {"==", " = ",  "!=", " <> ", "<",  " < ",
                                        "<=", " <= ", ">",  " > ",  ">=", " >= "};
    static const char *const others[] = {"==", "!=", "==", "<", ">=", "<", ">", "<=", ">"};
    const bool equality = sign[0] == '=' || sign[0] == '!';
    const bool rows = a->column->within == NULL && b->column->within == NULL;
    const bool same_kind =
        a->domain == b->domain &&
        (a->domain != ACCESS_KEY || strcmp(a->column->kind, b->column->kind) == 0);
    if (a->words || b->words || a->column->words || b->column->words || !same_kind ||
        a->domain == ACCESS_FLAG ||
        (!rows && (equality || (a->column->within != NULL && b->column->within != NULL))) ||
        (!equality && a->domain == ACCESS_KEY)) {
        REFUSE(t, n, M_filter_pair, A_S("first", a->column->name), A_S("second", b->column->name));
        return NEVER;
    }
    const operand *home = a->column->within != NULL ? a : b;
    for (size_t i = 0; !want && i + 1 < ARRAY_LEN(others); i++)
        if (strcmp(others[i], sign) == 0) {
            sign = others[i + 1];
            break;
        }
    const char *sql = signs[1];
    for (size_t i = 0; i < ARRAY_LEN(signs); i += 2)
        if (strcmp(signs[i], sign) == 0)
            sql = signs[i + 1];
    open_column(t, home, true);
    text(t, "(");
    write_both(t, a, sql, b);
    if (equality && sign[0] == '=' && a->null_is_value && b->null_is_value)
        write_only_null(t, a, b, " IS NULL");
    if (equality && sign[0] == '!' && a->null_is_value)
        write_only_null(t, a, b, " IS NOT NULL");
    if (equality && sign[0] == '!' && b->null_is_value)
        write_only_null(t, b, a, " IS NOT NULL");
    text(t, ")");
    close_column(t, home);
    return SOME;
}
