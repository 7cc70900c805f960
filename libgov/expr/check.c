/* Types: what each node yields, and what cannot fit. Recursion follows the tree, whose depth the parser bounds. */
#include "expr/check.h"

#include <string.h>

static bool is_number(expr_type t)
{
    return t == EXPR_INT || t == EXPR_UINT || t == EXPR_DOUBLE;
}

/* May `==` between the two ever be meant? Numbers compare across kinds, and anything may be asked for null. */
bool expr_comparable(expr_type a, expr_type b)
{
    if (a == b || a == EXPR_DYN || b == EXPR_DYN || a == EXPR_NULL || b == EXPR_NULL)
        return true;
    if (is_number(a) && is_number(b))
        return true;
    if (expr_type_kind(a) != expr_type_kind(b))
        return false;
    switch (expr_type_kind(a)) {
    case EXPR_LIST:
    case EXPR_OPTIONAL: return expr_comparable(expr_type_item(a), expr_type_item(b));
    case EXPR_MAP:
        return expr_comparable(expr_type_key(a), expr_type_key(b)) &&
               expr_comparable(expr_type_val(a), expr_type_val(b));
    default: return true;
    }
}

/* The type of what is one of the two. */
expr_type expr_join(expr_type a, expr_type b)
{
    if (a == b)
        return a;
    if (a == EXPR_DYN || b == EXPR_DYN || expr_type_kind(a) != expr_type_kind(b))
        return EXPR_DYN;
    switch (expr_type_kind(a)) {
    case EXPR_LIST:
        return expr_list_of(a >> 4 == 0   ? expr_type_item(b)
                            : b >> 4 == 0 ? expr_type_item(a)
                                          : expr_join(expr_type_item(a), expr_type_item(b)));
    case EXPR_OPTIONAL: return expr_optional_of(expr_join(expr_type_item(a), expr_type_item(b)));
    case EXPR_MAP:
        return expr_map_of(expr_join(expr_type_key(a), expr_type_key(b)),
                           expr_join(expr_type_val(a), expr_type_val(b)));
    default: return EXPR_DYN;
    }
}

void expr_wrong_type(checker *k, const expr_node *n, const char *what, const char *expected,
                     expr_type found)
{
    char text[EXPR_TYPE_TEXT];
    if (expr_checked(k))
        MISTAKE(k->c, expr_start_of(n), M_wrong_type, A_S("what", what), A_S("expected", expected),
                A_S("found", expr_type_text(found, text)));
}

uint32_t expr_start_of(const expr_node *n)
{
    uint32_t at = n->at;
    for (; n->count > 0 && n->kind != K_BIND; n = n->kid[0])
        at = n->at < at ? n->at : at;
    return n->at < at ? n->at : at;
}

static void want_bool(checker *k, const expr_node *n, const char *what)
{
    if (n->type != EXPR_BOOL && n->type != EXPR_DYN)
        expr_wrong_type(k, n, what, "bool", n->type);
}

static const char *op_text(node_op op)
{
    static const char *const text[] = {"",   "+",  "-", "*",  "/", "%",
                                       "==", "!=", "<", "<=", ">", ">="};
    return text[op];
}

static expr_type arith_type(node_op op, expr_type a, expr_type b, bool *ok)
{
    *ok = true;
    if (a == EXPR_TIMESTAMP || a == EXPR_DURATION || b == EXPR_TIMESTAMP || b == EXPR_DURATION) {
        const bool dyn = a == EXPR_DYN || b == EXPR_DYN;
        const bool times = (a == EXPR_TIMESTAMP || a == EXPR_DURATION || a == EXPR_DYN) &&
                           (b == EXPR_TIMESTAMP || b == EXPR_DURATION || b == EXPR_DYN);
        *ok =
            times && (op == OP_ADD ? !(a == EXPR_TIMESTAMP && b == EXPR_TIMESTAMP)
                                   : op == OP_SUB && !(a == EXPR_DURATION && b == EXPR_TIMESTAMP));
        if (dyn)
            return EXPR_DYN;
        if (op == OP_SUB && a == b)
            return EXPR_DURATION;
        return a == EXPR_TIMESTAMP || b == EXPR_TIMESTAMP ? EXPR_TIMESTAMP : EXPR_DURATION;
    }
    if (a == EXPR_DYN || b == EXPR_DYN) {
        const expr_type known = a == EXPR_DYN ? b : a;
        if (known == EXPR_DYN)
            return EXPR_DYN;
        a = b = known;
        if (expr_type_kind(a) == EXPR_LIST)
            a = b = EXPR_LIST;
    }
    if (is_number(a) || is_number(b)) {
        *ok = a == b && !(op == OP_MOD && a == EXPR_DOUBLE);
        return a == b ? a : EXPR_DYN;
    }
    *ok = op == OP_ADD && ((a == b && (a == EXPR_STRING || a == EXPR_BYTES)) ||
                           (expr_type_kind(a) == EXPR_LIST && expr_type_kind(b) == EXPR_LIST));
    return *ok ? expr_join(a, b) : EXPR_DYN;
}

/* ---- operands that do not fit ---- */

static bool ordered(expr_type a, expr_type b);

/* May the two stand at an operator? */
static bool fits(const expr_node *n, expr_type a, expr_type b)
{
    bool ok;
    switch (n->kind) {
    case K_ARITH: (void)arith_type((node_op)n->op, a, b, &ok); return ok;
    case K_ORDER: return ordered(a, b);
    default: return expr_comparable(a, b);
    }
}

/* Which of the two is wrong, and what might stand there beside the other? */
static void no_overload(checker *k, const expr_node *n, const char *op, const expr_node *a,
                        const expr_node *b)
{
    static const expr_type all[] = {EXPR_BOOL,      EXPR_INT,     EXPR_UINT, EXPR_DOUBLE,
                                    EXPR_STRING,    EXPR_BYTES,   EXPR_LIST, EXPR_MAP,
                                    EXPR_TIMESTAMP, EXPR_DURATION};
    char text[EXPR_TYPE_TEXT];
    if (!expr_checked(k))
        return;
    for (int side = 0; side < 3; side++) { /* the second may be wrong, or the first, or both */
        type_texts expected = {.count = 0};
        const expr_type beside = side == 0 ? a->type : side == 1 ? b->type : EXPR_TYPE_NONE;
        for (size_t i = 0; i < ARRAY_LEN(all); i++) {
            const expr_type t = expr_type_kind(all[i]) == expr_type_kind(beside) ? beside : all[i];
            if (side == 0 ? fits(n, beside, t) : side == 1 ? fits(n, t, beside) : fits(n, t, t))
                expr_types_add(&expected, expr_type_text(t, text));
        }
        if (expected.count == 0)
            continue;
        expr_report_operator(k, op, a, b, side == 0 ? b : a, beside, &expected);
        return;
    }
}

/* The same where what is expected is known. */
static void wrong_operand(checker *k, const char *op, const expr_node *a, const expr_node *b,
                          const expr_node *bad, const char *first, const char *second)
{
    type_texts expected = {.count = 0};
    if (!expr_checked(k))
        return;
    expr_types_add(&expected, first);
    if (second != NULL)
        expr_types_add(&expected, second);
    expr_report_operator(k, op, a, b, bad, bad == b ? a->type : b->type, &expected);
}

static void check_arith(checker *k, expr_node *n)
{
    bool ok;
    n->type = arith_type((node_op)n->op, n->kid[0]->type, n->kid[1]->type, &ok);
    if (ok)
        return;
    n->type = EXPR_DYN;
    no_overload(k, n, op_text((node_op)n->op), n->kid[0], n->kid[1]);
}

bool expr_can_order(expr_type t)
{
    return t == EXPR_BOOL || t == EXPR_STRING || t == EXPR_BYTES || t == EXPR_TIMESTAMP ||
           t == EXPR_DURATION || t == EXPR_DYN || is_number(t);
}

static bool ordered(expr_type a, expr_type b)
{
    return expr_can_order(a) && expr_can_order(b) &&
           (a == b || a == EXPR_DYN || b == EXPR_DYN || (is_number(a) && is_number(b)));
}

static void check_relation(checker *k, expr_node *n)
{
    n->type = EXPR_BOOL;
    if (!fits(n, n->kid[0]->type, n->kid[1]->type))
        no_overload(k, n, op_text((node_op)n->op), n->kid[0], n->kid[1]);
}

static void check_in(checker *k, expr_node *n)
{
    char text[EXPR_TYPE_TEXT];
    const expr_type a = n->kid[0]->type, b = n->kid[1]->type;
    const unsigned kind = expr_type_kind(b);
    n->type = EXPR_BOOL;
    if (kind != EXPR_LIST && kind != EXPR_MAP) {
        if (b != EXPR_DYN)
            wrong_operand(k, "in", n->kid[0], n->kid[1], n->kid[1], "list", "map");
        return;
    }
    const expr_type item = kind == EXPR_LIST ? expr_type_item(b) : expr_type_key(b);
    if (!expr_comparable(a, item))
        wrong_operand(k, "in", n->kid[0], n->kid[1], n->kid[0], expr_type_text(item, text), NULL);
}

static void check_not(checker *k, expr_node *n)
{
    n->type = EXPR_BOOL;
    want_bool(k, n->kid[0], "!");
}

static void check_negate(checker *k, expr_node *n)
{
    const expr_type t = n->kid[0]->type;
    n->type = t;
    if (t != EXPR_INT && t != EXPR_DOUBLE && t != EXPR_DYN) {
        n->type = EXPR_DYN;
        expr_wrong_type(k, n->kid[0], "-", "int or double", t);
    }
}

static void check_cond(checker *k, expr_node *n)
{
    const expr_type a = n->kid[1]->type, b = n->kid[2]->type;
    want_bool(k, n->kid[0], "?:");
    n->type = expr_join(a, b); /* with null: dyn, for it may be null */
    if (expr_comparable(a, b))
        return;
    n->type = EXPR_DYN;
    no_overload(k, n, "?:", n->kid[1], n->kid[2]);
}

static void check_index(checker *k, expr_node *n)
{
    char text[EXPR_TYPE_TEXT];
    expr_type from = n->kid[0]->type;
    const expr_type index = n->kid[1]->type;
    bool ok = true, optional = n->kind == K_OPT_INDEX;
    if (expr_type_kind(from) == EXPR_OPTIONAL) {
        optional = true;
        from = expr_type_item(from);
    }
    n->type = EXPR_DYN;
    if (expr_type_kind(from) == EXPR_LIST) {
        ok = index == EXPR_DYN || is_number(index);
        n->type = expr_type_item(from);
    } else if (expr_type_kind(from) == EXPR_MAP) {
        ok = expr_comparable(index, expr_type_key(from));
        n->type = expr_type_val(from);
    } else {
        ok = from == EXPR_DYN;
        if (!ok)
            wrong_operand(k, "[]", n->kid[0], n->kid[1], n->kid[0], "list", "map");
        return;
    }
    if (!ok) {
        const bool list = expr_type_kind(from) == EXPR_LIST;
        wrong_operand(k, "[]", n->kid[0], n->kid[1], n->kid[1],
                      list ? "int" : expr_type_text(expr_type_key(from), text), NULL);
    }
    if (optional)
        n->type = expr_optional_of(n->type);
}

void expr_check_select(checker *k, expr_node *n)
{
    char text[EXPR_TYPE_TEXT];
    expr_type from = n->kid[0]->type;
    bool optional = n->kind == K_OPT_SELECT;
    if (expr_type_kind(from) == EXPR_OPTIONAL) {
        optional = true;
        from = expr_type_item(from);
    }
    const bool map = expr_type_kind(from) == EXPR_MAP;
    n->type = map ? expr_type_val(from) : EXPR_DYN;
    if (expr_checked(k) &&
        (map ? !expr_comparable(expr_type_key(from), EXPR_STRING) : from != EXPR_DYN))
        MISTAKE(k->c, n->at, M_no_such_field, A_N("field", n->name, n->name_len),
                A_S("type", expr_type_text(from, text)));
    if (n->kind == K_TEST)
        n->type = EXPR_BOOL;
    else if (optional)
        n->type = expr_optional_of(n->type);
}

/* The type of an item or a member; what is written ?x must be an optional. */
static expr_type entry_type(checker *k, const expr_node *n, const char *what)
{
    if ((n->flags & NODE_OPTIONAL) == 0)
        return n->type;
    if (expr_type_kind(n->type) == EXPR_OPTIONAL)
        return expr_type_item(n->type);
    if (n->type != EXPR_DYN)
        expr_wrong_type(k, n, what, "optional", n->type);
    return EXPR_DYN;
}

static void check_list(checker *k, expr_node *n)
{
    expr_type item = EXPR_DYN;
    for (uint32_t i = 0; i < n->count; i++) {
        const expr_type t = entry_type(k, n->kid[i], "[?]");
        item = i == 0 ? t : expr_join(item, t);
    }
    n->type = expr_list_of(item);
}

static bool can_be_key(expr_type t)
{
    return t == EXPR_BOOL || t == EXPR_INT || t == EXPR_UINT || t == EXPR_STRING || t == EXPR_DYN;
}

static void check_map(checker *k, expr_node *n)
{
    expr_type key = EXPR_DYN, val = EXPR_DYN;
    for (uint32_t i = 0; i < n->count; i += 2) {
        const expr_type t = entry_type(k, n->kid[i + 1], "{?}");
        if (!can_be_key(n->kid[i]->type))
            expr_wrong_type(k, n->kid[i], "{}", "bool, int, uint or string", n->kid[i]->type);
        key = i == 0 ? n->kid[i]->type : expr_join(key, n->kid[i]->type);
        val = i == 0 ? t : expr_join(val, t);
    }
    n->type = expr_map_of(key, val);
}

static bool enter(checker *k, const expr_node *n, uint32_t variables)
{
    if (k->macros < GOV_EXPR_MAX_MACROS && k->next_slot + variables <= EXPR_MAX_LOCALS) {
        k->macros++;
        return true;
    }
    MISTAKE(k->c, n->at, M_too_large, A_S("what", "macros in one another"),
            A_I("limit", GOV_EXPR_MAX_MACROS));
    return false;
}

static void push_local(checker *k, local_var v)
{
    v.slot = k->next_slot++;
    k->locals[k->local_count++] = v;
    if (k->next_slot > k->most_slots)
        k->most_slots = k->next_slot;
}

static void leave(checker *k, uint32_t locals, uint32_t slots)
{
    k->macros--;
    k->local_count = locals;
    k->next_slot = slots;
}

static const char *macro_text(node_op op)
{
    static const char *const text[] = {"all",          "exists",
                                       "exists_one",   "map",
                                       "filter",       "transformList",
                                       "transformMap", "transformMapEntry",
                                       "optMap",       "optFlatMap",
                                       "sortBy"};
    return text[op - MACRO_ALL];
}

/* Types of a macro's variables, from what it runs over. */
static void range_types(checker *k, expr_node *n, expr_type *first, expr_type *second)
{
    const expr_type range = n->kid[0]->type;
    const bool optional = n->op == MACRO_OPT_MAP || n->op == MACRO_OPT_FLAT_MAP;
    *first = *second = EXPR_DYN;
    if (expr_type_kind(range) == EXPR_LIST && !optional) {
        *first = n->flags & NODE_TWO ? EXPR_INT : expr_type_item(range);
        *second = expr_type_item(range);
    } else if (expr_type_kind(range) == EXPR_MAP && !optional && n->op != MACRO_SORT_BY) {
        *first = expr_type_key(range);
        *second = expr_type_val(range);
    } else if (expr_type_kind(range) == EXPR_OPTIONAL && optional) {
        *first = expr_type_item(range);
    } else if (range != EXPR_DYN) {
        expr_wrong_type(k, n->kid[0], macro_text((node_op)n->op),
                   optional                 ? "optional"
                   : n->op == MACRO_SORT_BY ? "list"
                                            : "list or map",
                   range);
    }
}

static expr_type macro_type(checker *k, const expr_node *n, expr_type first)
{
    const expr_type body = n->kid[1]->type;
    switch (n->op) {
    case MACRO_ALL:
    case MACRO_EXISTS:
    case MACRO_EXISTS_ONE: want_bool(k, n->kid[1], macro_text((node_op)n->op)); return EXPR_BOOL;
    case MACRO_FILTER: want_bool(k, n->kid[1], "filter"); return expr_list_of(first);
    case MACRO_SORT_BY: expr_check_sort_key(k, n->kid[1]); return n->kid[0]->type;
    case MACRO_TRANSFORM_MAP: return expr_map_of(first, body);
    case MACRO_TRANSFORM_ENTRY:
        if (body != EXPR_DYN && expr_type_kind(body) != EXPR_MAP)
            expr_wrong_type(k, n->kid[1], "transformMapEntry", "map", body);
        return expr_type_kind(body) == EXPR_MAP ? body : EXPR_MAP;
    case MACRO_OPT_MAP: return expr_optional_of(body);
    case MACRO_OPT_FLAT_MAP:
        if (body != EXPR_DYN && expr_type_kind(body) != EXPR_OPTIONAL)
            expr_wrong_type(k, n->kid[1], "optFlatMap", "optional", body);
        return expr_type_kind(body) == EXPR_OPTIONAL ? body : EXPR_OPTIONAL;
    default: return expr_list_of(body);
    }
}

static void check_macro(checker *k, expr_node *n)
{
    const uint32_t locals = k->local_count, slots = k->next_slot;
    const bool two = (n->flags & NODE_TWO) != 0;
    expr_type first, second;
    expr_check_node(k, n->kid[0]);
    range_types(k, n, &first, &second);
    n->slot = slots;
    if (!enter(k, n, 1 + two))
        return;
    push_local(k, (local_var){n->name, n->name_len, first, 0, false});
    if (two)
        push_local(k, (local_var){n->second, n->second_len, second, 0, false});
    if (n->kid[2] != NULL) {
        expr_check_node(k, n->kid[2]);
        want_bool(k, n->kid[2], macro_text((node_op)n->op));
    }
    expr_check_node(k, n->kid[1]);
    n->type = macro_type(k, n, first);
    leave(k, locals, slots);
}

/* The bound value is evaluated in the midst of the body: so the variables of its macros stand apart from those of the body's. */
static void check_bind(checker *k, expr_node *n)
{
    const uint32_t locals = k->local_count, slots = k->next_slot, most = k->most_slots;
    k->most_slots = slots;
    expr_check_node(k, n->kid[0]);
    k->next_slot = k->most_slots;
    if (most > k->most_slots)
        k->most_slots = most;
    n->slot = k->next_slot;
    if (enter(k, n, 1)) {
        push_local(k, (local_var){n->name, n->name_len, n->kid[0]->type, 0, true});
        expr_check_node(k, n->kid[1]);
        n->type = n->kid[1]->type;
        leave(k, locals, slots);
    }
    k->next_slot = slots;
}

static void check_operator(checker *k, expr_node *n)
{
    for (uint32_t i = 0; i < n->count; i++)
        expr_check_node(k, n->kid[i]);
    switch (n->kind) {
    case K_NOT: check_not(k, n); break;
    case K_NEGATE: check_negate(k, n); break;
    case K_ARITH: check_arith(k, n); break;
    case K_EQUAL:
    case K_ORDER: check_relation(k, n); break;
    case K_IN: check_in(k, n); break;
    case K_AND:
    case K_OR:
        n->type = EXPR_BOOL;
        for (uint32_t i = 0; i < n->count; i++)
            want_bool(k, n->kid[i], n->kind == K_AND ? "&&" : "||");
        break;
    case K_COND: check_cond(k, n); break;
    case K_INDEX:
    case K_OPT_INDEX: check_index(k, n); break;
    case K_LIST: check_list(k, n); break;
    case K_MAP: check_map(k, n); break;
    default: expr_check_select(k, n); break;
    }
}

void expr_check_node(checker *k, expr_node *n)
{
    switch (n->kind) {
    case K_CONST: n->type = expr_type_of(n->v); break;
    case K_MACRO: check_macro(k, n); break;
    case K_BIND: check_bind(k, n); break;
    case K_CALL: expr_check_call(k, n); break;
    case K_MESSAGE:
        if (expr_checked(k))
            MISTAKE(k->c, n->at, M_no_message_types, .a = {NULL});
        break;
    case K_IDENT:
    case K_SELECT:
    case K_TEST:
        if (expr_path_start(n) != NULL) {
            expr_check_path(k, n);
            break;
        }
        expr_check_node(k, n->kid[0]);
        expr_check_select(k, n);
        break;
    default: check_operator(k, n); break;
    }
}

void expr_check(compiler *c, expr_node *root)
{
    char found[EXPR_TYPE_TEXT], expected[EXPR_TYPE_TEXT];
    checker k = {.c = c};
    expr_check_node(&k, root);
    if (c->o->declared_only && c->mistakes == 0 && !expr_type_fits(root->type, c->o->expect))
        MISTAKE(c, 0, M_wrong_result, A_S("expected", expr_type_text(c->o->expect, expected)),
                A_S("found", expr_type_text(root->type, found)));
}
