/* How long: durations as they are written, by a value's name, as cases, or computed. */
#include "rulebook/load.h"
#include "rulebook/grammar.h"

#include <string.h>

static bool needs_calendar(cal_duration d)
{
    return d.unit == CAL_WORKING_DAYS || d.unit == CAL_WORKING_TIME;
}

static void check_calendar(rulebook_loader *l, const rb_node *n, const rulebook_duration *spec)
{
    if (spec->kind != RULEBOOK_LENGTH_FIXED || !needs_calendar(spec->fixed) || l->work == NULL)
        return;
    const rulebook_calendar *c = rulebook_find_calendar(&l->rb->pub, l->calendar);
    const base_place at = rb_place(n);
    if (l->calendar == NULL)
        rb_fail(l, n, M_no_calendar);
    else if (c != NULL && c->cal != NULL && !cal_has_hours(c->cal)) /* it would never end */
        rb_note(l, base_fail_at(l->d, &at, M_calendar_no_hours, A_S("calendar", l->calendar)));
}

static void unknown_value(rulebook_loader *l, const rb_node *n, const char *name)
{
    rb_names known = {0};
    for (uint32_t i = 0; i < l->rb->pub.value_count; i++)
        rb_names_add(l, &known, l->rb->pub.values[i].name);
    rb_unknown(l, n, "value", name, &known);
    rb_names_free(l, &known);
}

/* `sign_within` or `values.sign_within`; false: the text is no name. */
static bool by_name(rulebook_loader *l, const rb_node *n, const char *text, size_t len, rulebook_duration *out)
{
    static const char prefix[] = "values.";
    char name[72];
    if (len > sizeof prefix - 1 && memcmp(text, prefix, sizeof prefix - 1) == 0) {
        text += sizeof prefix - 1;
        len -= sizeof prefix - 1;
    }
    if (!rb_is_name(text, len))
        return false;
    memcpy(name, text, len);
    name[len] = '\0';
    const rulebook_value *v = rulebook_find_value(&l->rb->pub, name);
    if (v == NULL) {
        unknown_value(l, n, name);
    } else if (!v->is_duration) {
        rb_fail(l, n, M_value_no_duration, A_S("name", name), A_S("source", v->place.origin), A_I("line", v->place.line));
    } else {
        out->kind = RULEBOOK_LENGTH_FIXED;
        out->fixed = v->duration;
        out->value = (uint32_t)(v - l->rb->pub.values);
    }
    return true;
}

static bool begins_like_duration(const char *s, size_t len)
{
    return len > 0 && ((s[0] >= '0' && s[0] <= '9') || s[0] == '-' || s[0] == '+' ||
                       (s[0] == 'P' && len > 1 && (s[1] == 'T' || (s[1] >= '0' && s[1] <= '9'))));
}

/* "five working days", "workdays": words that count time, and no number before them. */
static bool ends_like_duration(const char *s, size_t len)
{
    static const char *const units[] = {" days", " day", " hours", " hour", " minutes", " weeks", " week", " months", " month", " years", " year"};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        const size_t n = strlen(units[i]);
        if (len > n && memcmp(s + len - n, units[i], n) == 0 && memchr(s, '\'', len) == NULL && memchr(s, '"', len) == NULL)
            return true;
    }
    return false;
}

static void computed(rulebook_loader *l, const rb_node *n, const expr_scope *scope, rulebook_duration *out)
{
    out->expr = rb_expr(l, n, EXPR_DYN, scope);
    if (out->expr == NULL)
        return;
    const expr_type type = expr_program_type(out->expr);
    if (!expr_type_fits(type, EXPR_DURATION) && !expr_type_fits(type, EXPR_STRING)) {
        char text[EXPR_TYPE_TEXT];
        rb_fail(l, n, M_expr_type, A_S("expected", "duration"), A_S("found", expr_type_text(type, text)));
        return;
    }
    out->kind = RULEBOOK_LENGTH_EXPR;
    value v;
    cal_duration dur;
    if (!expr_program_constant(out->expr, &v))
        return;
    const base_place place = rb_place(n);
    const gov_status status = rulebook_duration_from(v, &dur, &place, l->d);
    rb_note(l, status);
    if (status == GOV_OK && n->kind == RB_SCALAR)
        rb_check_length(l, &place, n->as.text, n->count, dur);
}

rulebook_duration rb_duration_text(rulebook_loader *l, const rb_node *n, const char *text, size_t len,
                                   const expr_scope *scope)
{
    const base_place place = rb_place(n);
    rulebook_duration out = {.value = RULEBOOK_NONE, .place = place};
    const gov_status status = cal_parse_duration(text, len, &out.fixed, &place, l->d);

    if (status == GOV_OK)
        out.kind = RULEBOOK_LENGTH_FIXED;
    if (status == GOV_OK)
        rb_check_length(l, &place, text, len, out.fixed);
    else if (status != GOV_E_NOT_FOUND)
        rb_note(l, status);
    else if ((begins_like_duration(text, len) && memchr(text, '.', len) == NULL && memchr(text, '(', len) == NULL) ||
             ends_like_duration(text, len))
        rb_fail(l, n, M_bad_duration, A_N("text", text, len));
    else if (!by_name(l, n, text, len, &out))
        computed(l, n, scope, &out);
    check_calendar(l, n, &out);
    return out;
}

static void cases(rulebook_loader *l, const rb_node *n, const expr_scope *scope, rulebook_duration *out)
{
    rulebook_choice *choices = rb_alloc(l, n->count, sizeof *choices);
    if (choices == NULL)
        return;
    if (n->count == 0)
        rb_fail(l, n, M_empty, A_S("what", "duration"));
    for (uint32_t i = 0; i < n->count; i++) {
        const rb_node *item = n->as.items[i];
        if (!rulebook_read_keys(l, item, "case", rb_keys_duration_case))
            continue;
        const rb_node *when = rb_get(item, "when"), *is = rb_get(item, "is");
        if (when == NULL && i + 1 < n->count)
            rb_fail(l, item, M_case_hides_rest);
        choices[i].when = rb_expr(l, when, EXPR_BOOL, scope);
        rb_doubt_condition(l, when, choices[i].when, i + 1 < n->count);
        if (is != NULL && is->kind == RB_LIST)
            rb_fail(l, is, M_wrong_kind, A_S("what", "is"), A_S("expected", "duration"), A_S("found", "list"));
        else if (is != NULL)
            choices[i].is = rb_duration(l, is, scope);
    }
    out->kind = RULEBOOK_LENGTH_CASES;
    out->cases = choices;
    out->case_count = n->count;
}

rulebook_duration rb_duration(rulebook_loader *l, const rb_node *n, const expr_scope *scope)
{
    rulebook_duration out = {.value = RULEBOOK_NONE};

    if (n == NULL)
        return out;
    out.place = rb_place(n);
    if (n->kind == RB_LIST) {
        cases(l, n, scope, &out);
    } else if (n->kind == RB_MAP) {
        if (rulebook_read_keys(l, n, "duration", rb_keys_computed) && rb_get(n, "expr") != NULL)
            computed(l, rb_get(n, "expr"), scope, &out);
    } else if (n->count == 0) {
        rb_fail(l, n, M_empty, A_S("what", "duration"));
    } else {
        out = rb_duration_text(l, n, n->as.text, n->count, scope);
    }
    return out;
}

rulebook_duration rulebook_read_duration(rulebook_loader *l, const rb_node *n)
{
    return rb_duration(l, n, l->scope);
}

void rb_law(rulebook_loader *l, const rb_node *map, rulebook_text *law, uint8_t *roll)
{
    const rb_pair *cited = rb_find(map, "law");
    *law = rulebook_read_text(l, rb_get(map, "law"));
    *roll = (uint8_t)rulebook_read_word(l, rb_get(map, "roll"), "roll", rb_words_roll, CAL_ROLL_NONE);
    if (cited != NULL && rb_get(map, "roll") == NULL)
        rb_fail(l, cited->key, M_law_without_roll);
    if (*roll == CAL_ROLL_NEXT_WORKING_DAY && l->work != NULL && l->calendar == NULL)
        rb_fail(l, rb_get(map, "roll"), M_no_calendar);
}

/* ---- at run time ---- */

gov_status rulebook_duration_from(value v, cal_duration *out, const base_place *place, const diag *d)
{
    int64_t us;
    if (value_is(v, VALUE_DURATION)) {
        if (!value_to_us(v, &us))
            return base_fail_at(d, place, M_overflow, A_S("what", "duration"));
        *out = cal_of(CAL_TIME, us);
        return GOV_OK;
    }
    if (value_is(v, VALUE_STRING)) {
        const gov_status status = cal_parse_duration(v.as.s, v.len, out, place, d);
        return status != GOV_E_NOT_FOUND ? status
                                         : base_fail_at(d, place, M_bad_duration, A_N("text", v.as.s, v.len));
    }
    return base_fail_at(d, place, M_not_a_duration);
}

gov_status rulebook_duration_of(const rulebook_duration *spec, const expr_run *run, cal_duration *out,
                                const rulebook_duration **chosen, const diag *d)
{
    if (spec->kind == RULEBOOK_LENGTH_CASES) {
        for (uint32_t i = 0; i < spec->case_count; i++) {
            bool holds = true;
            if (spec->cases[i].when != NULL) {
                const gov_status status = expr_eval_bool(spec->cases[i].when, run, &holds, d);
                if (status != GOV_OK)
                    return status;
            }
            if (holds)
                return rulebook_duration_of(&spec->cases[i].is, run, out, chosen, d);
        }
        return base_fail_at(d, &spec->place, M_no_case_holds);
    }
    if (chosen != NULL)
        *chosen = spec;
    if (spec->kind == RULEBOOK_LENGTH_EXPR) {
        value v;
        const gov_status status = expr_eval(spec->expr, run, &v, d);
        return status != GOV_OK ? status : rulebook_duration_from(v, out, &spec->place, d);
    }
    *out = spec->fixed;
    return spec->kind == RULEBOOK_LENGTH_FIXED ? GOV_OK : base_fail_at(d, &spec->place, M_not_a_duration);
}
