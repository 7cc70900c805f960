/* What can be known of an expression before it runs: whether its result can ever be what the place needs. */
#include "rulebook/action.h"

#include <string.h>

#include "rulebook/workflow.h"

/* The kind of record that the expression reads where it is nothing but a name: case.unit, case.household. RULEBOOK_TYPES_: not known. */
static unsigned names_record(const rulebook_loader *l, const expr_program *p)
{
    static const struct {
        const char *name;
        rulebook_type type;
    } parts[] = {{"case.reporter", RULEBOOK_RESIDENT}, {"case.assignee", RULEBOOK_STAFF}, {"case.unit", RULEBOOK_UNIT}, {"case.grid", RULEBOOK_GRID}};
    size_t len;
    const char *s = expr_program_source(p, &len);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strlen(parts[i].name) == len && memcmp(parts[i].name, s, len) == 0)
            return parts[i].type;
    if (l->work == NULL || len < 6 || memcmp(s, "case.", 5) != 0)
        return RULEBOOK_TYPES_;
    const rulebook_field *f = rulebook_find_field(&l->work->w->fields, s + 5, len - 5);
    return f != NULL && rulebook_is_reference(f->type) ? f->type : RULEBOOK_TYPES_;
}

static void wrong_record(rulebook_loader *l, const base_place *place, uint32_t refs, const char *found)
{
    base_buf wanted;
    base_buf_init(&wanted, l->rb->alloc);
    for (unsigned t = RULEBOOK_RESIDENT; t < RULEBOOK_TYPES_; t++)
        if ((refs & RULEBOOK_REF(t)) != 0) {
            base_buf_str(&wanted, wanted.len > 0 ? ", " : "");
            base_buf_str(&wanted, rulebook_type_name((rulebook_type)t));
        }
    base_buf_char(&wanted, '\0');
    rb_note(l, wanted.failed ? base_nomem(l->d)
                             : base_fail_at(l->d, place, M_expr_type, A_S("expected", wanted.data), A_S("found", found)));
    base_buf_free(&wanted);
}

void rb_fits_record(rulebook_loader *l, const base_place *place, const expr_program *p, uint32_t refs, bool required)
{
    char found[EXPR_TYPE_TEXT];
    if (p == NULL || refs == 0)
        return;
    const expr_type type = expr_program_type(p);
    const unsigned record = names_record(l, p);
    const bool fits = type == EXPR_DYN || (type == EXPR_NULL && !required) ||
                      (type == EXPR_STRING && (refs & RULEBOOK_REF_KEYS) != 0) ||
                      (type == EXPR_INT && (refs & (RULEBOOK_REF(RULEBOOK_CASE) | RULEBOOK_REF(RULEBOOK_ACCOUNT) |
                                                    RULEBOOK_REF(RULEBOOK_FILE))) != 0);
    if (!fits)
        wrong_record(l, place, refs, expr_type_text(type, found));
    else if (record != RULEBOOK_TYPES_ && (refs & RULEBOOK_REF(record)) == 0)
        wrong_record(l, place, refs, rulebook_type_name((rulebook_type)record));
}

void rb_fits_field(rulebook_loader *l, const base_place *place, const expr_program *p, const rulebook_field *f)
{
    char found[EXPR_TYPE_TEXT];
    value v, out;
    if (p == NULL)
        return;
    const expr_type type = expr_program_type(p);
    if (rulebook_is_reference(f->type)) {
        rb_fits_record(l, place, p, RULEBOOK_REF(f->type) | RULEBOOK_REF_KEYS, false);
        return;
    }
    const bool text_too = f->type == RULEBOOK_DURATION && type == EXPR_STRING; /* durations have two forms */
    const expr_type want = f->type == RULEBOOK_DURATION ? EXPR_DURATION : rb_field_type(f);
    if (type != EXPR_NULL && !expr_type_fits(type, want) && !text_too && !(f->type == RULEBOOK_DOUBLE && type == EXPR_INT)) {
        rb_note(l, base_fail_at(l->d, place, M_expr_type, A_S("expected", rulebook_type_name((rulebook_type)f->type)),
                                A_S("found", expr_type_text(type, found))));
        return;
    }
    if (!expr_program_constant(p, &v))
        return;
    rulebook_field plain = *f;
    plain.when = NULL; /* may look at other fields */
    const rulebook_checking how = {.arena = &l->unit->arena, .place = place};
    rb_note(l, rulebook_check_field(&plain, v, &how, &out, l->d));
}

/* ---- durations ---- */

/* Nobody counts a deadline in centuries; beyond this no calendar reaches, and instants leave the years that there are. */
bool rb_length_fits(cal_duration dur)
{
    enum { YEARS = 100, DAYS = 36525 };
    const int64_t us = INT64_C(86400) * BASE_US_PER_SECOND * DAYS;
    switch (dur.unit) {
    case CAL_TIME:
    case CAL_WORKING_TIME: return dur.amount <= us;
    case CAL_DAYS:
    case CAL_WORKING_DAYS: return dur.amount <= DAYS;
    case CAL_MONTHS: return dur.amount <= YEARS * 12;
    default: return dur.amount <= YEARS * 12 && dur.days <= DAYS && dur.us <= us;
    }
}

void rb_check_length(rulebook_loader *l, const base_place *place, const char *text, size_t len, cal_duration dur)
{
    if (!rb_length_fits(dur))
        rb_note(l, base_fail_at(l->d, place, M_duration_long, A_N("text", text, len)));
}

/* ---- languages ---- */

/* ISO 639-1. */
static const char codes[] = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el "
                            "en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu "
                            "ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na "
                            "nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so "
                            "sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

bool rb_known_language(const char *s, size_t len)
{
    size_t head = 0;
    while (head < len && s[head] != '-' && s[head] != '_')
        head++;
    if (head != 2)
        return head > 2; /* of those with three letters there are thousands */
    if (memcmp(s, "zh", 2) == 0 || memcmp(s, "en", 2) == 0) /* what nearly all texts are in */
        return true;
    for (const char *p = codes; *p != '\0'; p += p[2] != '\0' ? 3 : 2)
        if (p[0] == s[0] && p[1] == s[1])
            return true;
    return false;
}
