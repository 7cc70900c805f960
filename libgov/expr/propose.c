/* What was probably meant: names like one that is not known, and the types that a call or an operator takes. */
#include "expr/check.h"

#include <string.h>

enum { MOST_SEGMENTS = 16 };

/* ---- names of variables ---- */

typedef struct segment {
    const char *s;
    size_t len;
} segment;

/* The parts of a dotted name; 0: too many. */
static size_t split(const char *s, size_t len, segment out[MOST_SEGMENTS])
{
    size_t count = 0, start = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && s[i] != '.')
            continue;
        if (count == MOST_SEGMENTS)
            return 0;
        out[count++] = (segment){s + start, i - start};
        start = i + 1;
    }
    return count;
}

static bool same(segment a, segment b)
{
    return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

static bool like(segment a, segment b)
{
    char text[65];
    const char *one = text;
    if (same(a, b))
        return true;
    if (b.len >= sizeof text)
        return false;
    memcpy(text, b.s, b.len);
    text[b.len] = '\0';
    return base_nearest(a.s, a.len, &one, 1) != NULL;
}

/* Is each part of the one like that part of the other? Compared as a whole, a long known beginning would make anything alike. */
static bool parts_like(const segment *a, size_t count, const char *name)
{
    segment b[MOST_SEGMENTS];
    if (split(name, strlen(name), b) != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!like(a[i], b[i]))
            return false;
    return true;
}

/* The nearer of two candidates, of which the first may be NULL. */
static const char *nearer(const char *name, size_t len, const char *best, const char *other)
{
    const char *const pair[] = {best, other};
    return best == NULL ? base_nearest(name, len, pair + 1, 1) : base_nearest(name, len, pair, 2);
}

static const char *near_var(const checker *k, const segment *parts, size_t count)
{
    const char *best = NULL, *name = parts[0].s;
    const size_t len = (size_t)(parts[count - 1].s + parts[count - 1].len - name);
    for (const expr_scope *s = k->c->scope; s != NULL; s = s->parent)
        for (size_t i = 0; i < s->var_count; i++)
            if (s->vars[i].name != NULL &&
                (strlen(s->vars[i].name) != len || memcmp(s->vars[i].name, name, len) != 0) && parts_like(parts, count, s->vars[i].name))
                best = nearer(name, len, best, s->vars[i].name);
    return best;
}

/* `urgency` for `case.urgency`: the last part of just one name. */
static const char *tail_var(const checker *k, segment part)
{
    const char *found = NULL;
    for (const expr_scope *s = k->c->scope; s != NULL; s = s->parent)
        for (size_t i = 0; i < s->var_count; i++) {
            segment b[MOST_SEGMENTS];
            const char *name = s->vars[i].name;
            const size_t count = name != NULL ? split(name, strlen(name), b) : 0;
            if (count < 2 || !same(b[count - 1], part))
                continue;
            if (found != NULL && strcmp(found, name) != 0)
                return NULL;
            found = name;
        }
    return found;
}

/* How many parts at the front are those of some known name? */
static size_t known_parts(const checker *k, const segment *parts, size_t count)
{
    size_t most = 0;
    for (const expr_scope *s = k->c->scope; s != NULL; s = s->parent)
        for (size_t i = 0; i < s->var_count; i++) {
            segment b[MOST_SEGMENTS];
            const char *name = s->vars[i].name;
            const size_t n = name != NULL ? split(name, strlen(name), b) : 0;
            size_t at = 0;
            while (at < n && at < count && same(b[at], parts[at]))
                at++;
            most = at > most ? at : most;
        }
    return most;
}

static const char *near_local(checker *k, segment part)
{
    const local_var *best = NULL;
    for (uint32_t i = k->local_count; i > 0 && best == NULL; i--)
        if (like(part, (segment){k->locals[i - 1].name, k->locals[i - 1].len}))
            best = &k->locals[i - 1];
    return best != NULL ? base_arena_strndup(k->c->arena, best->name, best->len) : NULL;
}

const char *expr_propose_name(checker *k, const char *name, size_t *len)
{
    segment parts[MOST_SEGMENTS];
    const size_t count = split(name, *len, parts);
    if (count == 0 || k->proposals++ >= MOST_PROPOSALS)
        return NULL;
    const char *near = near_local(k, parts[0]);
    if (near != NULL) {
        *len = parts[0].len;
        return near;
    }
    for (size_t n = count; n > 0; n--) {
        near = near_var(k, parts, n);
        if (near != NULL) {
            *len = (size_t)(parts[n - 1].s + parts[n - 1].len - name);
            return near;
        }
    }
    const size_t known = known_parts(k, parts, count);
    if (known > 0 && known < count)
        *len = (size_t)(parts[known].s + parts[known].len - name);
    return count == 1 ? tail_var(k, parts[0]) : NULL;
}

/* ---- names of functions ---- */

typedef struct search {
    const char *name, *best;
    size_t len;
    unsigned style; /* CALL_GLOBAL or CALL_MEMBER */
    bool dotted;    /* names with a dot, or those without one */
} search;

static void offer(search *s, const char *name)
{
    segment parts[MOST_SEGMENTS];
    if ((strchr(name, '.') != NULL) != s->dotted)
        return;
    const size_t count = split(s->name, s->len, parts);
    if (count > 0 && parts_like(parts, count, name))
        s->best = nearer(s->name, s->len, s->best, name);
}

static void offer_rows(search *s, const expr_overload *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((rows[i].style & s->style) != 0 && (i == 0 || strcmp(rows[i].name, rows[i - 1].name) != 0))
            offer(s, rows[i].name);
}

static const char *const member_macros[] = {"all", "exists", "exists_one", "map", "filter", "transformList",
                                            "transformMap", "transformMapEntry", "optMap", "optFlatMap", "sortBy"};

static const char *search_functions(const checker *k, search s)
{
    for (const expr_scope *at = k->c->scope; at != NULL; at = at->parent)
        offer_rows(&s, at->functions, at->function_count);
    for (size_t t = 0; t < expr_table_count; t++)
        offer_rows(&s, expr_tables[t].rows, *expr_tables[t].count);
    if (s.dotted)
        offer(&s, "cel.bind");
    else if (s.style == CALL_GLOBAL)
        offer(&s, "has");
    for (size_t i = 0; s.style == CALL_MEMBER && i < ARRAY_LEN(member_macros); i++)
        offer(&s, member_macros[i]);
    return s.best;
}

const char *expr_propose_function(checker *k, const char *name, size_t len, bool member)
{
    if (k->proposals++ >= MOST_PROPOSALS)
        return NULL;
    const bool dotted = memchr(name, '.', len) != NULL;
    const unsigned style = member ? CALL_MEMBER : CALL_GLOBAL;
    const char *near = search_functions(k, (search){name, NULL, len, style, dotted});
    if (near == NULL && !dotted) /* perhaps it is only called the other way */
        near = search_functions(k, (search){name, NULL, len, CALL_BOTH & ~style, dotted});
    return near;
}

/* Does some function's name begin with this and a dot? */
bool expr_is_namespace(const checker *k, const char *name, size_t len)
{
    if (len == 3 && memcmp(name, "cel", 3) == 0)
        return true;
    for (const expr_scope *s = k->c->scope; s != NULL; s = s->parent)
        for (size_t i = 0; i < s->function_count; i++)
            if (strncmp(s->functions[i].name, name, len) == 0 && s->functions[i].name[len] == '.')
                return true;
    for (size_t t = 0; t < expr_table_count; t++)
        for (size_t i = 0; i < *expr_tables[t].count; i++)
            if (strncmp(expr_tables[t].rows[i].name, name, len) == 0 && expr_tables[t].rows[i].name[len] == '.')
                return true;
    return false;
}

static const struct {
    const char *name, *why;
} macro_uses[] = {
    {"has", "it takes the field of something, as in has(a.b)"},
    {"cel.bind", "it takes a name, its value and an expression, as in cel.bind(x, a + b, x * x)"},
    {"all", "it takes a variable and a condition, as in list.all(x, x > 1)"},
    {"exists", "it takes a variable and a condition, as in list.exists(x, x > 1)"},
    {"exists_one", "it takes a variable and a condition, as in list.exists_one(x, x > 1)"},
    {"existsOne", "it takes a variable and a condition, as in list.existsOne(x, x > 1)"},
    {"map", "it takes a variable and an expression, as in list.map(x, x + 1)"},
    {"filter", "it takes a variable and a condition, as in list.filter(x, x > 1)"},
    {"transformList", "it takes two variables and an expression, as in map.transformList(k, v, v)"},
    {"transformMap", "it takes two variables and an expression, as in map.transformMap(k, v, v)"},
    {"transformMapEntry", "it takes two variables and a map, as in map.transformMapEntry(k, v, {v: k})"},
    {"optMap", "it takes a variable and an expression, as in optional.optMap(x, x + 1)"},
    {"optFlatMap", "it takes a variable and an optional, as in optional.optFlatMap(x, optional.of(x))"},
    {"sortBy", "it takes a variable and what to sort by, as in list.sortBy(x, x.due)"},
};

const char *expr_macro_use(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(macro_uses); i++)
        if (strlen(macro_uses[i].name) == len && memcmp(macro_uses[i].name, name, len) == 0)
            return macro_uses[i].why;
    return NULL;
}

/* ---- lists of types ---- */

void expr_types_add(type_texts *t, const char *text)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i], text) == 0)
            return;
    if (t->count == ARRAY_LEN(t->items) || strlen(text) >= sizeof t->items[0]) {
        t->more = true;
        return;
    }
    memcpy(t->items[t->count++], text, strlen(text) + 1);
}

/* "string, bytes or list" */
const char *expr_types_text(const type_texts *t, char out[EXPR_TYPES_TEXT])
{
    out[0] = '\0';
    for (size_t i = 0; i < t->count; i++) {
        const char *joint = i == 0 ? "" : i + 1 < t->count || t->more ? ", " : " or ";
        size_t used = strlen(out);
        memcpy(out + used, joint, strlen(joint) + 1);
        used += strlen(joint);
        memcpy(out + used, t->items[i], strlen(t->items[i]) + 1);
    }
    if (t->more)
        memcpy(out + strlen(out), ", ...", 6);
    return out;
}
