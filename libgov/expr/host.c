/* What a host adds to the language: functions with signatures, in scopes that expressions, rulebooks and stores share. */
#include "expr/inner.h"

#include <string.h>

enum { DEFAULT_COST = 10 };

/* ---- types as text ---- */

static void skip_spaces(const char **s, const char *end)
{
    while (*s < end && **s == ' ')
        (*s)++;
}

static bool take_char(const char **s, const char *end, char c)
{
    skip_spaces(s, end);
    if (*s >= end || **s != c)
        return false;
    (*s)++;
    return true;
}

static bool read_name(const char **s, const char *end, expr_type *out)
{
    static const struct {
        const char *name;
        expr_type type;
    } names[] = {
        {"dyn", EXPR_DYN},       {"null_type", EXPR_NULL},      {"bool", EXPR_BOOL},
        {"int", EXPR_INT},       {"uint", EXPR_UINT},           {"double", EXPR_DOUBLE},
        {"string", EXPR_STRING}, {"bytes", EXPR_BYTES},         {"list", EXPR_LIST},
        {"map", EXPR_MAP},       {"timestamp", EXPR_TIMESTAMP}, {"duration", EXPR_DURATION},
        {"type", EXPR_TYPE},     {"optional", EXPR_OPTIONAL}};
    skip_spaces(s, end);
    const char *start = *s;
    while (*s < end && ((**s >= 'a' && **s <= 'z') || **s == '_'))
        (*s)++;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strlen(names[i].name) == (size_t)(*s - start) &&
            memcmp(names[i].name, start, (size_t)(*s - start)) == 0) {
            *out = names[i].type;
            return true;
        }
    }
    return false;
}

static bool read_type(const char **s, const char *end, int depth, expr_type *out)
{
    expr_type first, second;
    if (depth > 16 || !read_name(s, end, out))
        return false;
    if (*out != EXPR_LIST && *out != EXPR_MAP && *out != EXPR_OPTIONAL)
        return true;
    if (!take_char(s, end, '('))
        return true;
    if (!read_type(s, end, depth + 1, &first))
        return false;
    if (*out == EXPR_MAP) {
        if (!take_char(s, end, ',') || !read_type(s, end, depth + 1, &second))
            return false;
        if (first != EXPR_DYN && first != EXPR_BOOL && first != EXPR_INT && first != EXPR_UINT &&
            first != EXPR_STRING) /* nothing else can be a key */
            return false;
        *out = expr_map_of(first, second);
    } else {
        *out = *out == EXPR_LIST ? expr_list_of(first) : expr_optional_of(first);
    }
    return take_char(s, end, ')');
}

bool expr_read_type(const char *s, size_t len, expr_type *out)
{
    const char *end = s + len;
    if (!read_type(&s, end, 0, out))
        return false;
    skip_spaces(&s, end);
    return s == end;
}

gov_status expr_bad_type(value text, const diag *d)
{
    char cut[EXPR_SHOWN];
    size_t len = text.len;
    const char *shown = expr_shown(text.as.s, &len, cut);
    return base_fail(d, M_bad_type, A_N("type", shown, len));
}

bool expr_strip_optionals(base_arena *arena, value *v)
{
    while (expr_is_optional(*v))
        *v = v->as.other != NULL ? *(const value *)v->as.other : value_null();
    if (v->len == 0 || (v->kind != VALUE_LIST && v->kind != VALUE_MAP))
        return true;
    const bool list = v->kind == VALUE_LIST;
    value *items = list ? base_arena_array(arena, v->len, sizeof *items) : NULL;
    value_pair *pairs = list ? NULL : base_arena_array(arena, v->len, sizeof *pairs);
    if (items == NULL && pairs == NULL)
        return false;
    for (size_t i = 0; i < v->len; i++) {
        if (list)
            items[i] = v->as.items[i];
        else
            pairs[i] = v->as.pairs[i];
        if (!expr_strip_optionals(arena, list ? &items[i] : &pairs[i].val))
            return false;
    }
    *v = list ? value_list(items, v->len) : value_map(pairs, v->len);
    return true;
}

/* ---- scopes ---- */

typedef struct hosted {
    gov_function given;
    const gov_allocator *alloc;
    const char *name;
    expr_type args[EXPR_MAX_PARAMS], result;
} hosted;

gov_status expr_hosted_new(const gov_allocator *a, const expr_scope *parent, const value *presets,
                           size_t count, const expr_lender *lender, gov_scope **out, const diag *d)
{
    gov_scope *s = base_alloc(a, sizeof *s);
    if (s == NULL)
        return base_nomem(d);
    s->alloc = a;
    atomic_init(&s->refs, 1);
    s->presets = base_array(a, count, sizeof *s->presets);
    const gov_status status =
        s->presets != NULL ? expr_scope_new(a, parent, &s->scope, d) : base_nomem(d);
    if (status != GOV_OK) {
        gov_scope_free(s);
        return status;
    }
    if (count > 0)
        memcpy(s->presets, presets, count * sizeof *presets);
    s->preset_count = count;
    if (lender != NULL)
        s->lender = *lender;
    *out = s;
    return GOV_OK;
}

gov_scope *expr_hosted_hold(const gov_scope *s)
{
    gov_scope *held = (gov_scope *)(uintptr_t)s;
    if (held != NULL)
        atomic_fetch_add_explicit(&held->refs, 1, memory_order_relaxed);
    return held;
}

const expr_function *expr_hosted_functions(const gov_scope *s, size_t *count)
{
    *count = s != NULL ? s->function_count : 0;
    return s != NULL ? s->functions : NULL;
}

gov_status gov_scope_new(const gov_allocator *alloc, gov_scope **out, gov_error **err)
{
    const diag d = {alloc, err};
    return out != NULL ? expr_hosted_new(alloc, NULL, NULL, 0, NULL, out, &d)
                       : base_fail(&d, M_bad_argument, A_S("what", "out"));
}

void gov_scope_free(gov_scope *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < s->function_count; i++) {
        hosted *h = s->functions[i].user;
        if (h->given.release != NULL)
            h->given.release(h->given.user);
        base_free(s->alloc, h);
    }
    base_free(s->alloc, s->functions);
    base_free(s->alloc, s->presets);
    expr_scope_free(s->scope);
    if (s->lender.release != NULL)
        s->lender.release(s->lender.lender);
    base_free(s->alloc, s);
}

/* ---- calling ---- */

static gov_status failed(const hosted *h, gov_status status, const char *why, const diag *d)
{
    size_t len = strlen(why);
    if (status == GOV_E_NOMEM)
        return base_nomem(d);
    if (!base_utf8_valid(why, len)) /* cut in the middle of a character, perhaps */
        len = base_utf8_bad(why, len);
    if (len == 0) {
        why = "it fails without a reason";
        len = strlen(why);
    }
    return status == GOV_E_USER
               ? base_fail(d, M_host_stopped, A_S("function", h->name), A_N("why", why, len))
               : base_fail(d, M_host_failed, A_S("function", h->name), A_N("why", why, len));
}

/* Does the value have that type, with all that is in it? Types carry what is in lists no deeper than 64 bits, which bounds this. */
static bool holds(expr_type t, value v)
{
    switch (expr_type_kind(t)) {
    case EXPR_DYN: return true;
    case EXPR_OPTIONAL:
        return v.kind == VALUE_NULL || holds(expr_type_item(t), v) ||
               (expr_is_optional(v) &&
                (v.as.other == NULL || holds(expr_type_item(t), *(const value *)v.as.other)));
    case EXPR_LIST:
    case EXPR_MAP: break;
    default: return expr_kind_type(v) == t;
    }
    if (expr_type_kind(t) != expr_kind_type(v))
        return false;
    for (size_t i = 0; t >> 4 != 0 && i < v.len; i++)
        if (v.kind == VALUE_LIST ? !holds(expr_type_item(t), v.as.items[i])
                                 : !holds(expr_type_key(t), v.as.pairs[i].key) ||
                                       !holds(expr_type_val(t), v.as.pairs[i].val))
            return false;
    return true;
}

/* Hosts have one kind of whole number, and null for an optional that is empty: these become what was declared. False: no memory. */
static bool adapt(base_arena *arena, expr_type t, value *v)
{
    const unsigned kind = expr_type_kind(t);
    if (kind == EXPR_UINT && v->kind == VALUE_INT && v->as.i >= 0)
        *v = value_uint((uint64_t)v->as.i);
    else if (kind == EXPR_DOUBLE && v->kind == VALUE_INT && v->as.i >= -(INT64_C(1) << 53) &&
             v->as.i <= INT64_C(1) << 53)
        *v = value_double((double)v->as.i);
    else if (kind == EXPR_OPTIONAL && !expr_is_optional(*v)) {
        value inner = *v, *box = NULL;
        *v = (value){.kind = VALUE_OTHER, .sub = OTHER_OPTIONAL};
        if (inner.kind == VALUE_NULL)
            return true;
        box = arena != NULL ? base_arena_alloc(arena, sizeof *box) : NULL;
        if (box == NULL || !adapt(arena, expr_type_item(t), &inner))
            return false;
        *box = inner;
        v->as.other = box;
    } else if (t >> 4 != 0 && kind == EXPR_LIST && v->kind == VALUE_LIST && v->len > 0) {
        value *items = arena != NULL ? base_arena_array(arena, v->len, sizeof *items) : NULL;
        for (size_t i = 0; items != NULL && i < v->len; i++) {
            items[i] = v->as.items[i];
            if (!adapt(arena, expr_type_item(t), &items[i]))
                return false;
        }
        *v = items != NULL ? value_list(items, v->len) : *v;
        return items != NULL;
    } else if (t >> 4 != 0 && kind == EXPR_MAP && v->kind == VALUE_MAP && v->len > 0) {
        value_pair *pairs = arena != NULL ? base_arena_array(arena, v->len, sizeof *pairs) : NULL;
        for (size_t i = 0; pairs != NULL && i < v->len; i++) {
            pairs[i] = v->as.pairs[i];
            if (!adapt(arena, expr_type_key(t), &pairs[i].key) || !adapt(arena, expr_type_val(t), &pairs[i].val))
                return false;
        }
        *v = pairs != NULL ? value_map(pairs, v->len) : *v;
        return pairs != NULL;
    }
    return true;
}

static gov_status take_answer(const hosted *h, const gov_value *answer, value *out,
                              const expr_run *run, const diag *d)
{
    char expected[EXPR_TYPE_TEXT], found[EXPR_TYPE_TEXT];
    const value v = value_get_text(*answer, "value");
    *out = v.kind != VALUE_ABSENT ? v : value_null();
    if (v.len > 0 && v.kind != VALUE_TYPE && (run->scratch == NULL || !value_copy(run->scratch, v, out)))
        return base_nomem(d);
    const expr_type given = expr_type_of(*out);
    if (!adapt(run->scratch, h->result, out))
        return base_nomem(d);
    if (!holds(h->result, *out))
        return base_fail(d, M_host_type, A_S("function", h->name),
                         A_S("expected", expr_type_text(h->result, expected)),
                         A_S("found", expr_type_text(given, found)));
    if (v.len == 0 || v.kind == VALUE_TYPE)
        return GOV_OK;
    return expr_spend(run, out->len / 16, d);
}

static gov_status wrong_argument(const hosted *h, size_t i, value v, const diag *d)
{
    char expected[EXPR_TYPE_TEXT], found[EXPR_TYPE_TEXT];
    return base_fail(d, M_wrong_argument, A_S("function", h->name), A_I("number", (int64_t)i + 1),
                     A_S("expected", expr_type_text(h->args[i], expected)),
                     A_S("found", expr_type_text(expr_type_of(v), found)));
}

static gov_status call_host(void *user, const value *args, size_t n, value *out,
                            const expr_run *run, const diag *d)
{
    const hosted *h = user;
    char why[GOV_FUNCTION_WHY] = "";
    value plain[EXPR_MAX_PARAMS];
    for (size_t i = 0; i < n; i++) {
        plain[i] = args[i];
        if (!holds(h->args[i], args[i])) /* of lists and maps a call has checked no more than the kind */
            return wrong_argument(h, i, args[i], d);
        if (run->scratch != NULL && !expr_strip_optionals(run->scratch, &plain[i]))
            return base_nomem(d);
    }
    /* A copy: hosts get texts that end in a NUL, and the answer may be made of them. */
    gov_value *list = NULL, *answer = gov_value_new_map(h->alloc);
    gov_status status =
        answer != NULL ? value_publish(h->alloc, value_list(plain, n), &list, d) : base_nomem(d);
    if (status == GOV_OK) {
        status = h->given.call(h->given.user, list, answer, why);
        why[sizeof why - 1] = '\0';
        status = status == GOV_OK ? take_answer(h, answer, out, run, d) : failed(h, status, why, d);
    }
    gov_value_free(list);
    gov_value_free(answer);
    return status;
}

/* ---- signatures ---- */

typedef struct signature {
    const char *at, *end;
    char *name; /* room for it */
    size_t name_len;
    expr_function f;
} signature;

static bool name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

/* "a.b.c": *last is where the last name begins. */
static bool read_dotted(signature *s, const char **start, const char **last)
{
    skip_spaces(&s->at, s->end);
    *start = *last = s->at;
    for (bool first = true;
         s->at < s->end && (name_char(*s->at, first) || (*s->at == '.' && !first)); s->at++) {
        first = *s->at == '.';
        if (first)
            *last = s->at + 1;
    }
    return s->at > *last;
}

/* Before "(": a name, or a type and a name of a member. What begins with a type's name is a member. */
static bool read_head(signature *s)
{
    const char *start, *last, *type = s->at;
    if (read_type(&type, s->end, 0, &s->f.args[0]) && type < s->end && *type == '.') {
        s->f.member = true;
        s->f.argc = 1;
        s->at = type + 1;
    }
    if (!read_dotted(s, &start, &last) || (s->f.member && last != start))
        return false;
    s->name_len = (size_t)(s->at - start);
    memcpy(s->name, start, s->name_len);
    s->name[s->name_len] = '\0';
    return true;
}

static bool read_signature(signature *s)
{
    if (!read_head(s) || !take_char(&s->at, s->end, '('))
        return false;
    if (!take_char(&s->at, s->end, ')')) {
        do {
            if (s->f.argc == EXPR_MAX_PARAMS ||
                !read_type(&s->at, s->end, 0, &s->f.args[s->f.argc++]))
                return false;
        } while (take_char(&s->at, s->end, ','));
        if (!take_char(&s->at, s->end, ')'))
            return false;
    }
    if (!take_char(&s->at, s->end, '-') || s->at >= s->end || *s->at++ != '>' ||
        !read_type(&s->at, s->end, 0, &s->f.result))
        return false;
    skip_spaces(&s->at, s->end);
    return s->at == s->end;
}

static bool among(const char *name, size_t len, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == len && memcmp(words[i], name, len) == 0)
            return true;
    return false;
}

/* Could it ever be called? Words of the language and names of macros are read as what they are. */
static bool callable(const signature *s)
{
    static const char *const keywords[] = {"true", "false", "null", "in"};
    static const char *const reserved[] = {"as",  "break", "const", "continue",  "else",    "for",    "function", "if", "import",
                                           "let", "loop",  "var",   "namespace", "package", "return", "void",     "while"};
    const char *name = s->name, *dot = strchr(name, '.');
    const size_t first = dot != NULL ? (size_t)(dot - name) : s->name_len;
    if (!s->f.member && among(name, first, reserved, ARRAY_LEN(reserved)))
        return false;
    for (const char *part = name; part != NULL; part = dot) {
        dot = strchr(part, '.');
        if (among(part, dot != NULL ? (size_t)(dot++ - part) : strlen(part), keywords, ARRAY_LEN(keywords)))
            return false;
    }
    const bool macro = expr_macro_use(name, s->name_len) != NULL;
    const bool global = strcmp(name, "has") == 0 || strcmp(name, "cel.bind") == 0;
    return !macro || global == s->f.member;
}

/* Would a call be undecided between the two? Kinds decide, as at run time; what is declared dyn takes every kind. */
static bool overlaps(const expr_function *f, const expr_type *args, size_t argc, bool member)
{
    if (f->argc != argc || f->member != member)
        return false;
    for (size_t i = 0; i < argc; i++) {
        const unsigned a = expr_type_kind(f->args[i]), b = expr_type_kind(args[i]);
        if (a != b && a != 0 && b != 0 && a < 14 && b < 14)
            return false;
    }
    return true;
}

static bool taken(const gov_scope *s, const expr_function *f)
{
    const expr_overload *builtin;
    const size_t count = expr_find_builtin(f->name, strlen(f->name), &builtin);
    for (size_t i = 0; i < count; i++)
        if (builtin[i].style & (f->member ? CALL_MEMBER : CALL_GLOBAL) &&
            (builtin[i].style & CALL_VARIADIC ||
             overlaps(f, builtin[i].args, builtin[i].argc, f->member)))
            return true;
    for (const expr_scope *at = s->scope; at != NULL; at = at->parent)
        for (size_t i = 0; i < at->function_count; i++) {
            const expr_overload *o = &at->functions[i];
            if (strcmp(o->name, f->name) == 0 &&
                overlaps(f, o->args, o->argc, (o->style & CALL_MEMBER) != 0))
                return true;
        }
    return false;
}

static gov_status add(gov_scope *s, const gov_function *given, hosted *h, const diag *d)
{
    signature read = {.at = given->signature,
                      .end = given->signature + strlen(given->signature),
                      .name = (char *)(h + 1)};
    if (!read_signature(&read))
        return base_fail(d, M_bad_signature, A_S("signature", given->signature));
    if (!callable(&read))
        return base_fail(d, M_function_uncallable, A_S("signature", given->signature), A_S("name", read.name));
    *h = (hosted){.given = *given, .alloc = s->alloc, .name = read.name, .result = read.f.result};
    memcpy(h->args, read.f.args, sizeof h->args);
    read.f.name = read.name;
    read.f.pure = (given->flags & GOV_FUNCTION_PURE) != 0;
    read.f.cost = given->cost != 0 ? given->cost : DEFAULT_COST;
    read.f.call = call_host;
    read.f.user = h;
    if (taken(s, &read.f))
        return base_fail(d, M_function_taken, A_S("signature", given->signature));
    if (!base_grow(s->alloc, &s->functions, &s->function_cap, s->function_count,
                   sizeof *s->functions))
        return base_nomem(d);
    const gov_status status = expr_scope_function(s->scope, &read.f, d);
    if (status == GOV_OK)
        s->functions[s->function_count++] = read.f;
    return status;
}

gov_status gov_scope_add(gov_scope *s, const gov_function *function, gov_error **err)
{
    const diag d = {s != NULL ? s->alloc : NULL, err};
    gov_function given;
    if (s == NULL || function == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", s == NULL ? "scope" : "function"));
    gov_status status = base_options(&given, sizeof given, function, function->size, &d);
    if (status != GOV_OK)
        return status;
    if (given.signature == NULL || given.call == NULL || (given.flags & ~GOV_FUNCTION_PURE) != 0)
        return base_fail(&d, M_bad_argument,
                         A_S("what", given.signature == NULL ? "signature"
                                     : given.call == NULL    ? "call"
                                                             : "flags"));
    if (atomic_load_explicit(&s->refs, memory_order_acquire) != 1)
        return base_fail(&d, M_scope_in_use);
    hosted *h = base_alloc(s->alloc, sizeof *h + strlen(given.signature) + 1);
    if (h == NULL)
        return base_nomem(&d);
    status = add(s, &given, h, &d);
    if (status != GOV_OK)
        base_free(s->alloc, h);
    return status;
}
