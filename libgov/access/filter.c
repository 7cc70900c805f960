/* Filters: an expression over one row becomes a condition that the store answers for all of them.
 *
 * An expression yields true, false or an error. So each part is translated twice, on demand: into a condition that holds where
 * it yields true, and one that holds where it yields false; where neither holds it is an error. With that `!` swaps
 * the two, `&&` and `||` become AND and OR and absorb errors as the language has it, and no NOT is ever put before something that
 * might be NULL. Parts that read no column are evaluated once, by the language's own engine. */
#include "access/filter.h"

#include <stdio.h>
#include <string.h>

/* ---- conditions ---- */

void access_condition_init(access_condition *c, const gov_allocator *a, base_arena *arena)
{
    *c = (access_condition){.arena = arena};
    base_buf_init(&c->sql, a);
    c->args = base_arena_array(arena, ACCESS_MOST_VALUES, sizeof *c->args);
    c->sql.failed = c->args == NULL;
}

void access_condition_free(access_condition *c)
{
    base_buf_free(&c->sql);
}

void access_condition_text(access_condition *c, const char *sql)
{
    base_buf_str(&c->sql, sql);
}

void access_condition_value(access_condition *c, store_arg arg)
{
    char number[24];
    if (c->sql.failed)
        return;
    if (c->arg_count == ACCESS_MOST_VALUES) {
        c->full = true;
        return;
    }
    c->args[c->arg_count++] = arg;
    (void)base_format_int((int64_t)c->arg_count, number);
    base_buf_char(&c->sql, '$');
    base_buf_str(&c->sql, number);
}

void access_condition_cut(access_condition *c, size_t len, size_t args)
{
    c->sql.len = len;
    if (c->sql.data != NULL)
        c->sql.data[len] = '\0';
    c->arg_count = args;
}

/* ---- failing ---- */

void filter_fail(translation *t, gov_status status)
{
    if (t->status == GOV_OK)
        t->status = status;
}

void filter_refuse(translation *t, const expr_node *n, const diag_report *r)
{
    const base_place place = expr_place_of(t->program, n);
    if (t->status == GOV_OK)
        t->status = base_report(t->d, &place, GOV_SEVERITY_ERROR, r);
}

void *filter_memory(translation *t, size_t count, size_t size)
{
    void *p = base_arena_array(t->arena, count, size);
    if (p == NULL)
        filter_fail(t, base_nomem(t->d));
    return p;
}

/* ---- what is the same for all rows ---- */

static access_column *column_of(const access_filtering *how, uint32_t slot)
{
    for (size_t i = 0; i < how->column_count; i++)
        if (how->columns[i].slot == slot)
            return &how->columns[i];
    return NULL;
}

static bool named(const expr_term *term, const char *name)
{
    return term->name_len == strlen(name) && memcmp(term->name, name, term->name_len) == 0;
}

static bool asks_state(const translation *t, const expr_term *term)
{
    return term->form == EXPR_CALL && t->how->states != NULL && term->count == 1 &&
           named(term, "In");
}

/* Does the term's value depend on the row? */
static bool varies(const translation *t, const expr_node *n)
{
    const expr_term term = expr_look(n);
    if (term.form == EXPR_NAME || term.form == EXPR_HAS)
        return column_of(t->how, term.slot) != NULL;
    if (asks_state(t, &term))
        return true;
    for (uint32_t i = 0; i < term.count; i++)
        if (term.kids[i] != NULL && varies(t, term.kids[i]))
            return true;
    return false;
}

/* The first call of that function in a term; NULL: there is none. */
static const expr_node *call_of(const expr_node *n, const char *function)
{
    const expr_term term = expr_look(n);
    const expr_node *found = term.form == EXPR_CALL && named(&term, function) ? n : NULL;
    for (uint32_t i = 0; found == NULL && i < term.count; i++)
        found = term.kids[i] != NULL ? call_of(term.kids[i], function) : NULL;
    return found;
}

/* False: it has no value, which is an error in every row; the first such error is kept for when nothing is left of the filter. */
static bool settle(translation *t, const expr_node *n, value *out)
{
    gov_error *err = NULL;
    const diag own = {t->g->alloc, &err};
    const gov_status status = expr_eval_term(t->program, n, &t->run, out, &own);
    if (status == GOV_OK)
        return true;
    if (status == GOV_E_NOMEM || status == GOV_E_LIMIT || (status >= 400 && status < 500)) {
        if (t->status == GOV_OK)
            filter_fail(t, base_forward(t->d, err) == GOV_E_NOMEM ? GOV_E_NOMEM : status);
    } else if (status == GOV_E_STATE) { /* a function that reads the community, for rules only */
        const char *function = base_text_or_empty(gov_error_argument(err, 0, "function"));
        const expr_node *call = call_of(n, function);
        REFUSE(t, call != NULL ? call : n, M_filter_function, A_S("function", function));
    } else if (t->failed == NULL) {
        t->failed = err;
        err = NULL;
    }
    gov_error_free(err);
    return false;
}

/* ---- operands ---- */

static bool may_ask(translation *t, const expr_node *n, access_column *c)
{
    if (c->hidden) {
        REFUSE(t, n, M_filter_hidden, A_S("actor", t->g->actor.key), A_S("field", c->name),
               A_S("purpose", t->g->actor.purpose));
        return false;
    }
    if (c->sql == NULL) {
        REFUSE(t, n, c->why, A_S("field", c->name));
        return false;
    }
    c->used = true;
    return true;
}

static bool name_operand(translation *t, const expr_node *n, uint32_t slot, operand *out)
{
    access_column *c = column_of(t->how, slot);
    if (!may_ask(t, n, c))
        return false;
    if (c->domain == ACCESS_TEXTS) {
        REFUSE(t, n, M_filter_list, A_S("field", c->name));
        return false;
    }
    *out = (operand){c, c->domain, c->words, c->null_is_value, true, c->sql};
    return true;
}

/* What overflows, or leaves the years 1 to 9999, is an error in that row: NULL. */
static bool make_guarded(translation *t, const expr_node *n, operand *out, const char *a, char sign,
                         const char *b)
{
    const bool time = out->domain == ACCESS_TIME;
    const int64_t low = time ? INT64_C(-62135596800000000) : -INT64_C(9223372036854775),
                  high = time ? INT64_C(253402300799999999) : INT64_C(9223372036854775);
    const size_t room = 2 * (strlen(a) + strlen(b)) + 120;
    if (room > FILTER_LONGEST_OPERAND) {
        REFUSE(t, n, M_too_large, A_S("what", "filter"), A_I("limit", FILTER_LONGEST_OPERAND));
        return false;
    }
    char *sql = filter_memory(t, room, 1);
    if (sql == NULL)
        return false;
    (void)snprintf(sql, room, "CASE WHEN (%s %c %s) BETWEEN %lld AND %lld THEN (%s %c %s) END", a,
                   sign, b, (long long)low, (long long)high, a, sign, b);
    out->sql = sql;
    return true;
}

static bool find_operand(translation *t, const expr_node *n, operand *out);

/* One side of a sum of times: what reads a column, or a constant that is written out. */
static bool side(translation *t, const expr_node *n, operand *out, bool *fixed)
{
    value v;
    int64_t us;
    *fixed = !varies(t, n);
    if (!*fixed)
        return find_operand(t, n, out);
    if (!settle(t, n, &v))
        return false;
    if ((v.kind != VALUE_TIMESTAMP && v.kind != VALUE_DURATION) || !value_to_us(v, &us)) {
        REFUSE(t, n, M_filter_fine);
        return false;
    }
    char *sql = filter_memory(t, 32, 1);
    if (sql == NULL)
        return false;
    (void)snprintf(sql, 32, "(%lld)", (long long)us);
    *out = (operand){.domain = v.kind == VALUE_TIMESTAMP ? ACCESS_TIME : ACCESS_SPAN, .sql = sql};
    return true;
}

static bool in_row(const operand *x)
{
    return x->column->within == NULL;
}

/* opened_at + duration, now - opened_at, closed_at - opened_at. */
static bool sum_operand(translation *t, const expr_node *n, const expr_term *term, operand *out)
{
    operand a, b;
    bool fixed_a, fixed_b;
    const bool minus = term->sign[0] == '-';
    const unsigned kind = expr_type_kind(term->type);
    if ((kind != EXPR_TIMESTAMP && kind != EXPR_DURATION) || (!minus && term->sign[0] != '+')) {
        REFUSE(t, n, M_filter_arithmetic);
        return false;
    }
    if (!side(t, term->kids[0], &a, &fixed_a) || !side(t, term->kids[1], &b, &fixed_b))
        return false;
    if (a.words || b.words || (!fixed_a && !fixed_b && !in_row(&a) && !in_row(&b))) {
        REFUSE(t, n, M_filter_arithmetic);
        return false;
    }
    const operand *home = fixed_a || (!fixed_b && !in_row(&b)) ? &b : &a;
    *out = (operand){.column = home->column,
                     .domain = kind == EXPR_TIMESTAMP ? ACCESS_TIME : ACCESS_SPAN};
    return make_guarded(t, n, out, a.sql, minus ? '-' : '+', b.sql);
}

/* A text that the store has in full: what is cut in the index cannot be searched. */
static bool text_operand(translation *t, const expr_node *n, const expr_term *call, operand *out)
{
    if (!find_operand(t, call->kids[0], out))
        return false;
    if (out->domain != ACCESS_TEXT) {
        REFUSE(t, n, M_filter_key, A_S("field", out->column->name));
        return false;
    }
    if (!out->words)
        return true;
    if (out->column->cut) {
        REFUSE(t, n, M_filter_cut, A_N("function", call->name, call->name_len),
               A_S("field", out->column->name), A_I("limit", ACCESS_LONGEST_WORD / 4));
        return false;
    }
    const size_t room = strlen(out->sql) + 16;
    char *sql = filter_memory(t, room, 1);
    if (sql == NULL)
        return false;
    (void)snprintf(sql, room, "substr(%s, 2)", out->sql); /* without the letter of its kind */
    out->sql = sql;
    out->words = false;
    out->whole = false;
    return true;
}

static bool size_operand(translation *t, const expr_node *n, const expr_term *call, operand *out)
{
    if (!text_operand(t, n, call, out))
        return false;
    const size_t room = strlen(out->sql) + 16;
    char *sql = filter_memory(t, room, 1);
    if (sql == NULL)
        return false;
    (void)snprintf(sql, room, "length(%s)", out->sql);
    *out = (operand){.column = out->column, .domain = ACCESS_INT, .sql = sql};
    return true;
}

static bool find_operand(translation *t, const expr_node *n, operand *out)
{
    const expr_term term = expr_look(n);
    if (t->status != GOV_OK)
        return false;
    switch (term.form) {
    case EXPR_NAME: return name_operand(t, n, term.slot, out);
    case EXPR_ARITHMETIC: return sum_operand(t, n, &term, out);
    case EXPR_CALL:
        if (named(&term, "size") && term.count == 1)
            return size_operand(t, n, &term, out);
        REFUSE(t, n, M_filter_function, A_N("function", term.name, term.name_len));
        return false;
    default: REFUSE(t, n, M_filter_term); return false;
    }
}

/* ---- relations ---- */

static const char *turned(const char *sign)
{
    return sign[0] == '<'   ? (sign[1] != '\0' ? ">=" : ">")
           : sign[0] == '>' ? (sign[1] != '\0' ? "<=" : "<")
                            : sign;
}

static outcome compare(translation *t, const expr_node *n, const expr_term *term, bool want)
{
    const expr_node *left = term->kids[0], *right = term->kids[1];
    const char *sign = term->sign;
    operand x, y;
    value v;
    set s = {0};
    if (!varies(t, left)) {
        const expr_node *other = left;
        left = right;
        right = other;
        sign = turned(sign);
    }
    if (varies(t, right)) {
        if (!find_operand(t, left, &x) || !find_operand(t, right, &y))
            return NEVER;
        return filter_pair(t, n, &x, &y, sign, want);
    }
    if (!find_operand(t, left, &x) || !settle(t, right, &v) || !filter_set(t, n, &x, sign, v, &s))
        return NEVER;
    return filter_in_set(t, &x, &s, want == (sign[0] != '!'));
}

static bool is_flag(const expr_node *n)
{
    return expr_look(n).type == EXPR_BOOL;
}

static outcome translate(translation *t, const expr_node *n, bool want);

/* A bool beside a bool: where both are true, or both false. */
static outcome joined(translation *t, const expr_node *const *parts, const bool *wants,
                      size_t count, bool all);

static outcome equal_flags(translation *t, const expr_term *term, bool want)
{
    const expr_node *a = term->kids[0], *b = term->kids[1];
    const bool same = want == (term->sign[0] == '=');
    value v;
    if (!varies(t, a)) {
        a = b;
        b = term->kids[0];
    }
    if (!varies(t, b)) {
        if (!settle(t, b, &v))
            return NEVER;
        if (v.kind == VALUE_BOOL)
            return translate(t, a, v.as.b == same);
        /* Of another kind than bool: unequal wherever it has a value at all. */
        const expr_node *const both[] = {a, a};
        const bool either[] = {true, false};
        return same ? NEVER : joined(t, both, either, 2, false);
    }
    const size_t start = t->out->sql.len, args = t->out->arg_count;
    outcome part[2];
    access_condition_text(t->out, "(");
    for (int i = 0; i < 2; i++) {
        const expr_node *const both[] = {a, b};
        const bool wants[] = {i == 0, (i == 0) == same};
        const size_t before = t->out->sql.len;
        if (i == 1 && part[0] == SOME)
            access_condition_text(t->out, " OR ");
        part[i] = joined(t, both, wants, 2, true);
        if (part[i] != SOME)
            access_condition_cut(t->out, before, t->out->arg_count);
    }
    if (part[0] == SOME || part[1] == SOME)
        access_condition_text(t->out, ")");
    if (part[0] != ALWAYS && part[1] != ALWAYS && (part[0] == SOME || part[1] == SOME))
        return SOME;
    access_condition_cut(t->out, start, args);
    return part[0] == ALWAYS || part[1] == ALWAYS ? ALWAYS : NEVER;
}

/* A constant in a column of texts, which has one row of the index for each of them. What was never written is empty. */
static outcome among_texts(translation *t, const expr_node *n, const expr_term *term, bool want)
{
    const expr_term list = expr_look(term->kids[1]);
    access_column *c = list.form == EXPR_NAME ? column_of(t->how, list.slot) : NULL;
    value one;
    if (c == NULL || c->domain != ACCESS_TEXTS || varies(t, term->kids[0])) {
        REFUSE(t, n, M_filter_term);
        return NEVER;
    }
    if (!may_ask(t, term->kids[1], c))
        return NEVER;
    if (!settle(t, term->kids[0], &one))
        return NEVER;
    if (one.kind != VALUE_STRING) {
        REFUSE(t, n, M_filter_list, A_S("field", c->name));
        return NEVER;
    }
    if (one.len > 0 && memchr(one.as.s, '\0', one.len) != NULL) /* no stored text has one */
        return want ? NEVER : ALWAYS;
    return filter_text_within(t, c, one, want);
}

static outcome among(translation *t, const expr_node *n, const expr_term *term, bool want)
{
    operand x;
    value list;
    set s = {.equality = true};
    if (varies(t, term->kids[1]))
        return among_texts(t, n, term, want);
    if (!settle(t, term->kids[1], &list) || (list.kind != VALUE_LIST && list.kind != VALUE_MAP))
        return NEVER;
    if (is_flag(term->kids[0])) {
        REFUSE(t, n, M_filter_term);
        return NEVER;
    }
    if (!find_operand(t, term->kids[0], &x))
        return NEVER;
    for (size_t i = 0; i < list.len && t->status == GOV_OK; i++)
        (void)filter_set(t, n, &x,
                         "==", list.kind == VALUE_MAP ? list.as.pairs[i].key : list.as.items[i],
                         &s);
    return filter_in_set(t, &x, &s, want);
}

/* startsWith, endsWith and contains, of a constant text. */
static outcome call(translation *t, const expr_node *n, const expr_term *term, bool want)
{
    const bool begins = named(term, "startsWith"), ends = named(term, "endsWith"),
               holds = named(term, "contains");
    operand x;
    value part;
    set s = {0};
    if ((!begins && !ends && !holds) || term->count != 2 || varies(t, term->kids[1])) {
        REFUSE(t, n, M_filter_function, A_N("function", term->name, term->name_len));
        return NEVER;
    }
    if (begins ? !find_operand(t, term->kids[0], &x) : !text_operand(t, n, term, &x))
        return NEVER;
    if (x.domain != ACCESS_TEXT) {
        REFUSE(t, n, M_filter_key, A_S("field", x.column->name));
        return NEVER;
    }
    if (!settle(t, term->kids[1], &part) || part.kind != VALUE_STRING)
        return NEVER;
    if (part.len > 0 && memchr(part.as.s, '\0', part.len) != NULL) /* no stored text has one */
        return filter_in_set(t, &x, &s, want);
    if (begins && x.words && part.len > ACCESS_WORD_TEXT) {
        REFUSE(t, n, M_filter_long, A_I("limit", ACCESS_WORD_TEXT));
        return NEVER;
    }
    if (begins || part.len == 0)
        return filter_set_prefix(t, part, &s) ? filter_in_set(t, &x, &s, want) : NEVER;
    const size_t room = 3 * strlen(x.sql) + 100;
    char *test = filter_memory(t, room, 1), *untest = filter_memory(t, room, 1);
    if (test == NULL || untest == NULL)
        return NEVER;
    if (holds) {
        (void)snprintf(test, room, "length(replace(%s, @, '')) < length(%s)", x.sql, x.sql);
        (void)snprintf(untest, room, "length(replace(%s, @, '')) = length(%s)", x.sql, x.sql);
    } else {
        const size_t size = base_utf8_count(part.as.s, part.len);
        (void)snprintf(test, room, "(length(%s) >= %zu AND substr(%s, length(%s) - %zu) = @)",
                       x.sql, size, x.sql, x.sql, size - 1);
        (void)snprintf(untest, room, "(length(%s) < %zu OR substr(%s, length(%s) - %zu) <> @)",
                       x.sql, size, x.sql, x.sql, size - 1);
    }
    return filter_test(t, &x, test, untest, part.as.s, part.len, want);
}

static outcome state(translation *t, const expr_node *n, const expr_term *term, bool want)
{
    value path;
    if (varies(t, term->kids[0])) {
        REFUSE(t, n, M_filter_term);
        return NEVER;
    }
    if (!settle(t, term->kids[0], &path) || path.kind != VALUE_STRING)
        return NEVER;
    return filter_state(t, path.as.s, path.len, want);
}

/* ---- logic ---- */

/* All of the parts, or any: each as it is wanted. */
static outcome joined(translation *t, const expr_node *const *parts, const bool *wants,
                      size_t count, bool all)
{
    access_condition *c = t->out;
    const size_t start = c->sql.len, args = c->arg_count;
    const outcome settles = all ? NEVER : ALWAYS;
    bool some = false;
    for (size_t i = 0; i < count && t->status == GOV_OK; i++) {
        const size_t before = c->sql.len;
        access_condition_text(c, !some ? "(" : all ? " AND " : " OR ");
        const outcome part = translate(t, parts[i], wants[i]);
        if (part == settles) {
            access_condition_cut(c, start, args);
            return settles;
        }
        if (part != SOME)
            access_condition_cut(c, before, c->arg_count);
        some = some || part == SOME;
    }
    if (some)
        access_condition_text(c, ")");
    return some ? SOME : all ? ALWAYS : NEVER;
}

static outcome logic(translation *t, const expr_term *term, bool want)
{
    bool *wants = filter_memory(t, term->count, sizeof *wants);
    for (uint32_t i = 0; wants != NULL && i < term->count; i++)
        wants[i] = want;
    return wants != NULL
               ? joined(t, term->kids, wants, term->count, (term->form == EXPR_AND) == want)
               : NEVER;
}

/* c ? a : b, where c is true and a is, or c is false and b is. */
static outcome choice(translation *t, const expr_term *term, bool want)
{
    access_condition *c = t->out;
    const size_t start = c->sql.len, args = c->arg_count;
    bool some = false;
    for (int i = 0; i < 2 && t->status == GOV_OK; i++) {
        const expr_node *const parts[] = {term->kids[0], term->kids[i + 1]};
        const bool wants[] = {i == 0, want};
        const size_t before = c->sql.len;
        access_condition_text(c, some ? " OR " : "(");
        const outcome part = joined(t, parts, wants, 2, true);
        if (part == ALWAYS) {
            access_condition_cut(c, start, args);
            return ALWAYS;
        }
        if (part != SOME)
            access_condition_cut(c, before, c->arg_count);
        some = some || part == SOME;
    }
    if (some)
        access_condition_text(c, ")");
    return some ? SOME : NEVER;
}

static outcome has(translation *t, const expr_node *n, const expr_term *term, bool want)
{
    operand x;
    return name_operand(t, n, term->slot, &x) ? filter_has(t, &x, want) : NEVER;
}

static outcome translate(translation *t, const expr_node *n, bool want)
{
    const expr_term term = expr_look(n);
    value v;
    operand x;
    if (++t->terms > FILTER_MOST_TERMS || t->conditions > FILTER_MOST_CONDITIONS || t->out->full ||
        t->out->sql.len > FILTER_LONGEST_SQL)
        REFUSE(t, n, M_too_large, A_S("what", "filter"), A_I("limit", FILTER_MOST_CONDITIONS));
    if (t->status != GOV_OK)
        return NEVER;
    if (!varies(t, n))
        return settle(t, n, &v) && v.kind == VALUE_BOOL && v.as.b == want ? ALWAYS : NEVER;
    switch (term.form) {
    case EXPR_NOT: return translate(t, term.kids[0], !want);
    case EXPR_AND:
    case EXPR_OR: return logic(t, &term, want);
    case EXPR_CHOICE: return choice(t, &term, want);
    case EXPR_HAS: return has(t, n, &term, want);
    case EXPR_NAME: return name_operand(t, n, term.slot, &x) ? filter_flag(t, &x, want) : NEVER;
    case EXPR_EQUAL:
        return is_flag(term.kids[0]) || is_flag(term.kids[1]) ? equal_flags(t, &term, want)
                                                              : compare(t, n, &term, want);
    case EXPR_ORDER: return compare(t, n, &term, want);
    case EXPR_IN: return among(t, n, &term, want);
    case EXPR_CALL:
        return asks_state(t, &term) ? state(t, n, &term, want) : call(t, n, &term, want);
    default: REFUSE(t, n, M_filter_term); return NEVER;
    }
}

static gov_status add_filter(translation *t, bool *never)
{
    access_condition *c = t->out;
    const size_t start = c->sql.len;
    access_condition_text(c, " AND ");
    const outcome done = translate(t, expr_program_root(t->program), true);
    if (t->status == GOV_OK && c->full)
        REFUSE(t, expr_program_root(t->program), M_too_large, A_S("what", "filter"),
               A_I("limit", ACCESS_MOST_VALUES));
    if (t->status == GOV_OK && c->sql.failed)
        filter_fail(t, base_nomem(t->d));
    if (t->status != GOV_OK)
        return t->status;
    if (done != SOME)
        access_condition_cut(c, start, c->arg_count);
    *never = done == NEVER;
    if (*never && t->failed != NULL) /* nothing but an error is left of it */
        return base_forward(t->d, t->failed) == GOV_E_NOMEM ? GOV_E_NOMEM : GOV_E_EXPR;
    return GOV_OK;
}

gov_status access_filter(gov *g, const access_filtering *how, const char *text, size_t len,
                         access_condition *out, bool *never, const diag *d)
{
    const expr_options options = {.expect = EXPR_BOOL, .declared_only = true};
    expr_program *program = NULL;
    gov_status status = expr_compile(g->alloc, how->scope, text, len, &options, &program, d);
    if (status != GOV_OK)
        return status;
    translation t = {.g = g,
                     .how = how,
                     .program = program,
                     .run = {.slots = how->slots,
                             .slot_count = how->slot_count,
                             .scratch = out->arena,
                             .now_us = access_now(g),
                             .zone = g->rules->zone},
                     .out = out,
                     .arena = out->arena,
                     .d = d};
    status = add_filter(&t, never);
    gov_error_free(t.failed);
    expr_program_free(program);
    return status;
}
